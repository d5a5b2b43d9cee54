//! `crm2capi completions SHELL` and `crm2capi man DIR`: made from the one definition of the command line.

use std::io::Write;

use anyhow::{Context, Result};
use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArgs, ManArgs};
use crate::report::ExitStatus;

pub(super) fn completions(args: &CompletionsArgs) -> Result<ExitStatus> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "crm2capi", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(ExitStatus::Done)
}

pub(super) fn man(args: &ManArgs) -> Result<ExitStatus> {
    let directory = &args.directory;
    std::fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), directory))
        .with_context(|| format!("cannot write the manual pages to {}", directory.display()))?;
    Ok(ExitStatus::Done)
}
