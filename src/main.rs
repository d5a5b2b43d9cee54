//! The `crm2capi` binary: parse, run, exit.

use std::io;
use std::process::ExitCode;

use clap::Parser;

use crm2capi::cli::Cli;
use crm2capi::commands;

fn main() -> ExitCode {
    let cli = Cli::parse();
    commands::start_talking(&cli.talk);
    match commands::run(cli) {
        Ok(status) => status.into(),
        // Whoever read our output has seen enough, as `head` does.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let status = commands::status_of(&error);
            commands::print_error(&error);
            status.into()
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|io| io.kind() == io::ErrorKind::BrokenPipe)
}
