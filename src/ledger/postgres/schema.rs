//! The shape of the tables on a server, and how an older shape becomes the present one. Steps are only ever added.

use super::address::Address;
use super::session::{Failure, Session, Statement};
use crate::ledger::error::LedgerError;

/// What turns each shape into the next.
const STEPS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("schema-2.sql"),
    include_str!("schema-3.sql"),
];

/// The lock of whoever changes the shape: what a ledger in a file is recognised by.
const LOCK: i64 = 0x6332_636c;

/// The number of the present shape.
pub(super) fn known() -> usize {
    STEPS.len()
}

/// How many steps were taken on this server; nothing where there are no tables of ours.
fn version(session: &Session) -> Result<Option<i64>, Failure> {
    let one = |sql: &str| -> Result<Option<i64>, Failure> {
        let mut answers = session.ask(&[Statement::new(sql, vec![])])?;
        let row = answers.pop().and_then(|mut rows| rows.pop());
        Ok(row.and_then(|mut row| row.take(0).ok()))
    };
    match one("SELECT (to_regclass('crm2capi.ledger') IS NOT NULL)")? {
        Some(1) => one("SELECT version FROM crm2capi.ledger"),
        _ => Ok(None),
    }
}

/// Brings the tables to the present shape, in one transaction. Says whether there were none.
pub(super) fn migrate(session: &Session, address: &Address) -> Result<bool, Failure> {
    let known = STEPS.len() as i64;
    let found = version(session)?;
    if found == Some(known) {
        return Ok(false);
    }
    refuse_newer(found, address)?;
    // Before the transaction begins: one that is waiting does not hear of tables that are made meanwhile.
    let lock = |sql: &str| session.ask(&[Statement::new(sql, vec![LOCK.into()])]);
    lock("SELECT pg_advisory_lock($1)")?;
    session.batch("BEGIN")?;
    // Another may have done it meanwhile.
    let found = version(session)?;
    refuse_newer(found, address)?;
    if found.is_none() {
        session.batch("CREATE SCHEMA crm2capi")?;
    }
    let taken = usize::try_from(found.unwrap_or_default()).unwrap_or(usize::MAX);
    for step in STEPS.iter().skip(taken) {
        session.batch(step)?;
    }
    let note = match found {
        None => "INSERT INTO ledger (version) VALUES ($1)",
        Some(_) => "UPDATE ledger SET version = $1",
    };
    session.change(&Statement::new(note, vec![known.into()]))?;
    session.batch("COMMIT")?;
    lock("SELECT pg_advisory_unlock($1)")?;
    Ok(found.is_none())
}

/// Whether there are tables of the present shape, and not none at all.
pub(super) fn is_present(session: &Session, address: &Address) -> Result<bool, Failure> {
    let found = version(session)?;
    refuse_newer(found, address)?;
    let path = || address.to_string().into();
    match found {
        Some(version) if version < STEPS.len() as i64 => {
            Err(Failure::Final(LedgerError::Older(path())))
        }
        found => Ok(found.is_some()),
    }
}

fn refuse_newer(found: Option<i64>, address: &Address) -> Result<(), Failure> {
    let known = STEPS.len() as i64;
    match found {
        Some(found) if found > known => Err(Failure::Final(LedgerError::Newer {
            path: address.to_string().into(),
            found,
            known,
        })),
        _ => Ok(()),
    }
}
