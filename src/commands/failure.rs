//! An error that ended a command before there was anything to report: its exit status, and what to do about it.

use crate::leads::FileError;
use crate::ledger::{CopyError, LedgerError};
use crate::mapping::MappingError;
use crate::report::ExitStatus;
use crate::run::feed::broken_off;
use crate::source::ReadError;

/// Somebody asked to leave before there was anything to report.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(super) struct Interrupted;

/// The exit status an error stands for.
pub(super) fn status_of(error: &anyhow::Error) -> ExitStatus {
    if let Some(LedgerError::Held { .. } | LedgerError::Unreachable { .. }) = error.downcast_ref() {
        return ExitStatus::NotDone;
    }
    if let Some(CopyError::Ledger(LedgerError::Held { .. } | LedgerError::Unreachable { .. })) =
        error.downcast_ref()
    {
        return ExitStatus::NotDone;
    }
    // Another download writes the file.
    if let Some(FileError::Held(_)) = error.downcast_ref() {
        return ExitStatus::NotDone;
    }
    if error.is::<Interrupted>() {
        return ExitStatus::Interrupted;
    }
    match broken_off(error) {
        // The next run finds a file that is complete.
        Some(ReadError::Changed { .. }) => ExitStatus::NotDone,
        _ => ExitStatus::Usage,
    }
}

/// Where the columns tell too little, `init` looks further than the other commands do.
pub(super) fn with_a_way_on(error: anyhow::Error) -> anyhow::Error {
    use MappingError::{NoCustomer, NoStages, NoTimes};
    match error.downcast_ref() {
        Some(NoCustomer | NoStages | NoTimes { .. }) => {
            anyhow::anyhow!("{error:#}; or let crm2capi init FILE propose the settings")
        }
        _ => error,
    }
}
