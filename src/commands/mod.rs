//! One file for each verb: what `crm2capi VERB` runs.

mod build;
mod check;
mod generate;
mod help;
mod normalize;
mod progress;
mod sandbox;
pub(crate) mod schema;
mod status;
pub(crate) mod talk;
mod upload;
mod validate;

use anyhow::Result;

use crate::cli::{Cli, Command};
use crate::inspect;
use crate::ledger::LedgerError;
use crate::report::ExitStatus;
use crate::run::feed::broken_off;
use crate::source::ReadError;

pub use talk::{print_error, start_talking};

/// Runs what was asked for.
///
/// # Errors
/// The run could not begin, or not go on; nothing was sent that the report does not tell of.
pub fn run(cli: Cli) -> Result<ExitStatus> {
    match cli.command {
        Command::Upload(args) => upload::run(&args, &cli.talk),
        Command::Validate(args) => validate::run(&args, &cli.talk),
        Command::Build(args) => build::run(&args),
        Command::Normalize(args) => normalize::run(&args),
        Command::Sandbox(args) => sandbox::run(&args),
        Command::Check(args) => check::run(&args, &cli.talk),
        Command::Status(args) => status::run(&args, &cli.talk),
        Command::Init(args) => inspect::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Help(args) => help::run(&args),
        Command::Completions(args) => generate::completions(&args),
        Command::Man(args) => generate::man(&args),
    }
}

/// The exit status an error stands for.
pub fn status_of(error: &anyhow::Error) -> ExitStatus {
    if let Some(LedgerError::Held { .. }) = error.downcast_ref() {
        return ExitStatus::Unreachable;
    }
    match broken_off(error) {
        // The next run finds a file that is complete.
        Some(ReadError::Changed { .. }) => ExitStatus::Unreachable,
        _ => ExitStatus::Usage,
    }
}
