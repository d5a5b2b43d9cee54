//! Leads that Meta's webhook told of and that are not read yet: each waits until somebody has read it.
//!
//! Whoever takes some puts them off for a while, in the same statement: nobody else takes them meanwhile, and when that one
//! dies they are due again.

use super::error::LedgerError;
use super::open_tables::OpenTables;
use super::sql::{Cell, Row, Unreadable};
use super::tables::LEADGEN;

/// So many are taken at once.
const TAKE: i64 = 20;
/// How long whoever takes them has them to itself, seconds.
const LEASE_SECONDS: i64 = 120;

/// A lead that Meta told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ToldLead {
    /// Its id, digits.
    pub id: String,
    /// The Page it came in on.
    pub page: String,
    /// When, Unix seconds.
    pub created: i64,
}

/// A lead that is to be read now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DueLead {
    /// What Meta told.
    pub told: ToldLead,
    /// How often it was tried before.
    pub attempts: u32,
}

/// Notes leads, and gives how many were not noted yet.
pub(super) fn note(
    tables: &dyn OpenTables,
    dataset: &str,
    leads: &[ToldLead],
    now: i64,
) -> Result<u64, LedgerError> {
    let rows: Vec<Vec<Cell>> = leads
        .iter()
        .map(|lead| {
            vec![
                Cell::Text(dataset.to_owned()),
                Cell::Text(lead.id.clone()),
                Cell::Text(lead.page.clone()),
                Cell::Number(lead.created),
                Cell::Number(now),
                Cell::Number(0),
                Cell::Number(now),
            ]
        })
        .collect();
    tables.put(LEADGEN, &rows, "ON CONFLICT DO NOTHING")
}

/// Takes leads that are due, the earliest first.
pub(super) fn take(
    tables: &dyn OpenTables,
    dataset: &str,
    now: i64,
) -> Result<Vec<DueLead>, LedgerError> {
    // Asked twice, as another may take them between finding and putting off.
    let sql = "UPDATE leadgen SET due = $3, attempts = attempts + 1
         WHERE dataset = $1 AND due <= $2 AND lead IN
            (SELECT lead FROM leadgen WHERE dataset = $1 AND due <= $2 ORDER BY created, lead LIMIT $4)
         RETURNING lead, page, created, attempts";
    let values = [
        dataset.into(),
        now.into(),
        (now + LEASE_SECONDS).into(),
        TAKE.into(),
    ];
    let rows = tables.read(sql, &values)?;
    let read = |mut row: Row| {
        Ok(DueLead {
            told: ToldLead {
                id: row.take(0)?,
                page: row.take(1)?,
                created: row.take(2)?,
            },
            attempts: u32::try_from(row.take::<i64>(3)? - 1).unwrap_or_default(),
        })
    };
    let taken: Result<Vec<DueLead>, Unreadable> = rows.into_iter().map(read).collect();
    let mut taken = taken.map_err(|Unreadable| LedgerError::Damaged("of leads".into()))?;
    taken.sort_by_key(|lead| lead.told.created);
    Ok(taken)
}

/// Puts off a lead that could not be read.
pub(super) fn put_off(
    tables: &dyn OpenTables,
    (dataset, lead): (&str, &str),
    until: i64,
) -> Result<(), LedgerError> {
    let sql = "UPDATE leadgen SET due = $3 WHERE dataset = $1 AND lead = $2";
    tables.change(sql, &[dataset.into(), lead.into(), until.into()])?;
    Ok(())
}

/// Forgets a lead: it was read, or will never be.
pub(super) fn forget(
    tables: &dyn OpenTables,
    (dataset, lead): (&str, &str),
) -> Result<(), LedgerError> {
    let sql = "DELETE FROM leadgen WHERE dataset = $1 AND lead = $2";
    tables.change(sql, &[dataset.into(), lead.into()])?;
    Ok(())
}
