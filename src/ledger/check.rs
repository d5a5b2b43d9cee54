//! Looks a ledger over: may it be written, is it whole, which shape has it, and how much is in it. Nothing is changed.

use std::path::Path;

use super::LedgerReader;
use super::error::LedgerError;
use super::open_tables::OpenTables;
use super::schema;
use super::target::LedgerTarget;

/// Complaints of SQLite that are listed.
const MAX_COMPLAINTS: usize = 5;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Looked {
    /// What it is.
    pub what: &'static str,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found, and what to do about it.
    pub says: String,
}

/// How much is in a ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts(pub Vec<(&'static str, u64)>);

/// What a ledger is like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checked {
    /// What was looked at, in order.
    pub looked: Vec<Looked>,
    /// Rows by what they are; of a ledger of an earlier shape none.
    pub counts: Counts,
}

impl Checked {
    /// Whether all is as it should be.
    pub(crate) fn is_sound(&self) -> bool {
        self.looked.iter().all(|looked| looked.ok)
    }

    pub(super) fn note(&mut self, what: &'static str, ok: bool, says: impl Into<String>) {
        let says = says.into();
        self.looked.push(Looked { what, ok, says });
    }
}

/// Looks a ledger over; nothing when there is none.
///
/// # Errors
/// It is no ledger, one of a newer version, or its server cannot be reached.
pub(crate) fn check(target: &LedgerTarget) -> Result<Option<Checked>, LedgerError> {
    let mut checked = Checked::default();
    if let LedgerTarget::File(path) = target {
        match path.exists() {
            true => permissions(path, &mut checked)?,
            false => return Ok(None),
        }
    }
    let mut reader = match LedgerReader::open(target) {
        Ok(None) => return Ok(None),
        Ok(Some(reader)) => reader,
        Err(LedgerError::Older(_)) => {
            checked.note(
                "schema",
                true,
                "of an older crm2capi; the next upload brings it up to date, and then more can be said",
            );
            return Ok(Some(checked));
        }
        Err(error @ LedgerError::Damaged(_)) => {
            checked.note("integrity", false, error.to_string());
            return Ok(Some(checked));
        }
        Err(error) => return Err(error),
    };
    match &mut reader {
        LedgerReader::File(ledger) => {
            let version = schema::known();
            checked.note("schema", true, format!("{version}, the present one"));
            let complaints = ledger.complaints(MAX_COMPLAINTS)?;
            if !complaints.is_empty() {
                let damaged = LedgerError::Damaged(ledger.parts().1.to_owned());
                let says = format!("{damaged} ({})", complaints.join("; "));
                checked.note("integrity", false, says);
                return Ok(Some(checked));
            }
        }
        LedgerReader::Server(ledger) => ledger.check_server(&mut checked)?,
    }
    let (strays, counts) = reader.look(&|tables| Ok((strays(tables)?, counts(tables)?)))?;
    checked.counts = counts;
    match strays.is_empty() {
        true => checked.note(
            "integrity",
            true,
            "every row is readable and belongs somewhere",
        ),
        false => checked.note(
            "integrity",
            false,
            format!(
                "{}; something else than crm2capi has written there: restore it from a backup",
                strays.join(", ")
            ),
        ),
    }
    Ok(Some(checked))
}

/// Rows that the program does not write.
const STRAYS: [(&str, &str); 8] = [
    (
        "events without a sound key or state",
        "SELECT count(*) FROM event WHERE length(key) <> 16 OR state NOT IN (0, 1, 2)",
    ),
    (
        "refused events without their content's hash",
        "SELECT count(*) FROM event WHERE state = 2 AND (fingerprint IS NULL OR length(fingerprint) <> 8)",
    ),
    (
        "events whose name is missing",
        "SELECT count(*) FROM event WHERE name IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM name WHERE name.id = event.name)",
    ),
    (
        "events whose trace id is missing",
        "SELECT count(*) FROM event WHERE trace IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM trace WHERE trace.id = event.trace)",
    ),
    (
        "counts of runs that are missing",
        "SELECT count(*) FROM delivered WHERE NOT EXISTS (SELECT 1 FROM run WHERE run.id = delivered.run)",
    ),
    (
        "waiting events without a sound key or content",
        "SELECT count(*) FROM pending WHERE length(key) <> 16 OR length(json) < 2",
    ),
    (
        "stages of leads that are missing",
        "SELECT count(*) FROM snapshot_stage
         WHERE NOT EXISTS (SELECT 1 FROM snapshot_lead WHERE snapshot_lead.lead = snapshot_stage.lead)",
    ),
    (
        "other ids without a sound key",
        "SELECT count(*) FROM alias WHERE length(key) <> 16 OR length(event) <> 16",
    ),
];

/// What is counted.
const COUNTED: [(&str, &str); 9] = [
    ("runs", "SELECT count(*) FROM run"),
    ("events", "SELECT count(*) FROM event"),
    ("accepted", "SELECT count(*) FROM event WHERE state = 1"),
    ("refused", "SELECT count(*) FROM event WHERE state = 2"),
    (
        "in_flight_or_uncertain",
        "SELECT count(*) FROM event WHERE state = 0",
    ),
    ("waiting", "SELECT count(*) FROM pending"),
    ("leads_to_read", "SELECT count(*) FROM leadgen"),
    ("leads", "SELECT count(*) FROM snapshot_lead"),
    ("stages", "SELECT count(*) FROM snapshot_stage"),
];

fn strays(tables: &dyn OpenTables) -> Result<Vec<String>, LedgerError> {
    let mut strays = Vec::new();
    for (what, sql) in STRAYS {
        match count(tables, sql)? {
            0 => {}
            found => strays.push(format!("{found} {what}")),
        }
    }
    Ok(strays)
}

fn counts(tables: &dyn OpenTables) -> Result<Counts, LedgerError> {
    let counted = COUNTED.iter();
    let counted = counted.map(|(what, sql)| Ok((*what, count(tables, sql)?)));
    counted.collect::<Result<_, LedgerError>>().map(Counts)
}

fn count(tables: &dyn OpenTables, sql: &str) -> Result<u64, LedgerError> {
    let row = tables.read(sql, &[])?.pop();
    Ok(row
        .and_then(|mut row| row.count(0).ok())
        .unwrap_or_default())
}

/// Who may read and write the file, and whether this user may.
#[cfg(unix)]
fn permissions(path: &Path, checked: &mut Checked) -> Result<(), LedgerError> {
    use std::os::unix::fs::MetadataExt;

    use rustix::fs::{Access, access};

    use crate::files::folder_of;

    let found = std::fs::metadata(path).map_err(|source| LedgerError::io(path, source))?;
    let folder = folder_of(path);
    let (mode, shown) = (found.mode() & 0o777, path.display());
    let mut wrong = Vec::new();
    if found.uid() != rustix::process::geteuid().as_raw() {
        wrong.push("it belongs to another user, who can read and change it".to_owned());
    }
    if mode & 0o077 != 0 {
        wrong.push(format!(
            "others may use it (mode {mode:03o}): chmod 600 {shown}"
        ));
    }
    if access(path, Access::READ_OK | Access::WRITE_OK).is_err() {
        wrong.push("this user may not write it".to_owned());
    }
    if access(folder, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        wrong.push(
            "this user may not write to its folder, where its lock and its journal lie".to_owned(),
        );
    }
    match wrong.is_empty() {
        true => checked.note(
            "permissions",
            true,
            format!("only its owner may use it (mode {mode:03o})"),
        ),
        false => checked.note("permissions", false, wrong.join("; ")),
    }
    Ok(())
}

/// Where files have no modes, whether the file may be written.
#[cfg(not(unix))]
fn permissions(path: &Path, checked: &mut Checked) -> Result<(), LedgerError> {
    let found = std::fs::metadata(path).map_err(|source| LedgerError::io(path, source))?;
    match found.permissions().readonly() {
        true => checked.note("permissions", false, "it is write-protected"),
        false => checked.note("permissions", true, "it may be written"),
    }
    Ok(())
}
