//! What can be wrong with a ledger, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;

/// A ledger that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LedgerError {
    /// Another run holds the ledger.
    #[error("another run{} holds the ledger {}: run again when it is done, or wait for it with --wait SECONDS", holder(*pid, *since), path.display())]
    Held {
        /// The ledger.
        path: PathBuf,
        /// The other run's process id, where it can be read.
        pid: Option<u32>,
        /// When the other run started, Unix seconds.
        since: Option<i64>,
    },
    /// The name is that of something else than a file.
    #[error("the ledger {} is not a file name: give the path of a file, or none", .0.display())]
    NotAFileName(PathBuf),
    /// The file was deleted or replaced while the run used it.
    #[error("the ledger {} was deleted, moved or replaced during the run: put it back, or the next run will send again what this one has sent", .0.display())]
    Gone(PathBuf),
    /// Another run has written over what this run had begun.
    #[error("another run has used the ledger {} at the same time: let one run at a time write to it", .0.display())]
    Overtaken(PathBuf),
    /// The file is a ledger whose content is damaged.
    #[error("the ledger {} is damaged and was left as it is: restore it from a backup, or move it away and accept that events of the last 7 days may be sent twice", .0.display())]
    Damaged(PathBuf),
    /// The file is something else.
    #[error("{} is not a ledger of crm2capi and was left as it is: name another file with --ledger", .0.display())]
    NotALedger(PathBuf),
    /// A newer version of the program wrote it.
    #[error("the ledger {} was written by a newer crm2capi (schema {found}, this one knows {known}): update crm2capi", path.display())]
    Newer {
        /// The ledger.
        path: PathBuf,
        /// The schema it has.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// An older version wrote it, and it is only to be read.
    #[error("the ledger {} was written by an older crm2capi and can only be read after the next upload has brought it up to date", .0.display())]
    Older(PathBuf),
    /// The server of a ledger cannot be reached, or not any more.
    #[error(
        "the ledger {ledger} cannot be reached: {cause}; run again when its server is back, nothing is lost"
    )]
    Unreachable {
        /// The ledger, without its password.
        ledger: String,
        /// What the server or the system said.
        cause: String,
    },
    /// The server of a ledger refused something else.
    #[error("the ledger {ledger} cannot be used: {cause}")]
    Server {
        /// The ledger, without its password.
        ledger: String,
        /// What the server said.
        cause: String,
    },
    /// No space left.
    #[error("the disk of the ledger {} is full: make room, then run again", .0.display())]
    Full(PathBuf),
    /// The file or its folder cannot be written, or not even looked into.
    #[error("the ledger {} or its folder is write-protected or not accessible: check their permissions, or name another with --ledger", .0.display())]
    ReadOnly(PathBuf),
    /// The system refused something else.
    #[error("the ledger {} cannot be opened: {cause}", path.display())]
    Io {
        /// The ledger.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// SQLite refused something else.
    #[error("the ledger {} cannot be used: {cause}", path.display())]
    Sqlite {
        /// The ledger.
        path: PathBuf,
        /// What SQLite said.
        cause: rusqlite::Error,
    },
}

fn is_of(cause: &rusqlite::Error, extended_code: i32) -> bool {
    cause
        .sqlite_error()
        .is_some_and(|error| error.extended_code == extended_code)
}

impl LedgerError {
    /// Names what SQLite refused.
    pub(super) fn sqlite(path: &Path, cause: rusqlite::Error) -> LedgerError {
        let path = path.to_owned();
        match cause.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => LedgerError::NotALedger(path),
            Some(ErrorCode::DatabaseCorrupt) => LedgerError::Damaged(path),
            Some(ErrorCode::DiskFull) => LedgerError::Full(path),
            // The file beside it that readers and the writer share cannot grow.
            _ if is_of(&cause, SQLITE_IOERR_SHMSIZE) => LedgerError::Full(path),
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                LedgerError::ReadOnly(path)
            }
            _ => LedgerError::Sqlite { path, cause },
        }
    }

    /// Names what the system refused.
    pub(super) fn io(path: &Path, cause: io::Error) -> LedgerError {
        let path = path.to_owned();
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => LedgerError::Full(path),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                LedgerError::ReadOnly(path)
            }
            _ => LedgerError::Io { path, cause },
        }
    }
}

fn holder(pid: Option<u32>, since: Option<i64>) -> String {
    let pid = pid.map(|pid| format!("process {pid}"));
    let since = since
        .and_then(|since| jiff::Timestamp::from_second(since).ok())
        .map(|since| format!("since {since}"));
    let parts: Vec<String> = pid.into_iter().chain(since).collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!(" ({})", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_ledger_names_the_other_run() {
        let held = LedgerError::Held {
            path: "l".into(),
            pid: Some(7),
            since: Some(1_700_000_000),
        };
        assert_eq!(
            held.to_string(),
            "another run (process 7, since 2023-11-14T22:13:20Z) holds the ledger l: run again when it is done, or \
             wait for it with --wait SECONDS"
        );
        let unknown = LedgerError::Held {
            path: "l".into(),
            pid: None,
            since: None,
        };
        assert!(
            unknown
                .to_string()
                .starts_with("another run holds the ledger l:")
        );
    }
}
