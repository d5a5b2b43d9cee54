//! One file for each verb: what `crm2capi VERB` runs.

mod build;
mod check;
mod each;
mod failure;
mod generate;
mod help;
mod init;
mod lead;
mod leads;
mod ledger;
mod normalize;
mod pager;
mod progress;
mod remote;
mod sandbox;
mod schema;
mod serve;
mod show;
mod status;
mod talk;
mod tell;
mod upload;
mod validate;
mod watch;

use std::io;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use clap::error::{ContextKind, ContextValue};

use crate::cli::{Cli, Command};
use crate::deliver::interrupt::{self, Interrupt};
use crate::report::ExitStatus;
use crate::text::{HIDDEN, harmless, is_like_a_token, unless_secret};

use failure::{status_of, with_a_way_on};
pub(crate) use talk::print_error;

/// The program: parses the command line, runs what was asked for, and gives the status to end with.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => hide_secrets(error).exit(),
    };
    talk::start_talking(&cli.talk);
    match run(cli) {
        Ok(status) => status.into(),
        // Whoever read our output has seen enough, as `head` does.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let status = status_of(&error);
            print_error(&with_a_way_on(error));
            status.into()
        }
    }
}

/// A token that was typed in the wrong place is not repeated, and the name of a file that a shell put in the place of a
/// pattern is shown as other names are.
fn hide_secrets(mut error: clap::Error) -> clap::Error {
    if let Some(said) = said_of_a_token(&error).or_else(|| said_of_a_value(&error)) {
        let tip = "\n\nFor more information, try '--help'.\n";
        return clap::Error::raw(error.kind(), said + tip);
    }
    for kind in [
        ContextKind::InvalidValue,
        ContextKind::InvalidArg,
        ContextKind::InvalidSubcommand,
    ] {
        let Some(ContextValue::String(text)) = error.get(kind) else {
            continue;
        };
        let shown = match is_like_a_token(text) {
            true => HIDDEN.to_owned(),
            false => harmless(text).into_owned(),
        };
        if shown == *text {
            continue;
        }
        error.insert(kind, ContextValue::String(shown));
        // A tip would repeat it too.
        error.remove(ContextKind::Suggested);
        error.remove(ContextKind::TrailingArg);
    }
    error
}

/// What is said of an option for a token, which is looked for and does not exist.
fn said_of_a_token(error: &clap::Error) -> Option<String> {
    let (clap::error::ErrorKind::UnknownArgument, Some(ContextValue::String(option))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
    else {
        return None;
    };
    ["--token", "--access-token", "--leads-token", "--app-secret"]
        .contains(&option.as_str())
        .then(|| {
            format!(
                "no option {option}: its value would show in the process list; put a token into the \
                 environment (CRM2CAPI_ACCESS_TOKEN) or into a file (--access-token-file FILE), an app's secret into \
                 CRM2CAPI_APP_SECRET"
            )
        })
}

/// What is said of a value that does not belong, where it holds what must not be shown: the value may stand in the reason
/// too.
fn said_of_a_value(error: &clap::Error) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let (option, value) = (
        text(ContextKind::InvalidArg)?,
        text(ContextKind::InvalidValue)?,
    );
    let reason = std::error::Error::source(error)?.to_string();
    let shown = match is_like_a_token(value) {
        true => reason.replace(value, HIDDEN),
        false => reason.clone(),
    };
    let shown = harmless(&shown);
    (shown != reason).then(|| {
        let value = unless_secret(value);
        format!("invalid value {value} for '{option}': {shown}")
    })
}

/// Whether nobody reads standard output any more. Errors of files say which file it is, and so are not alone.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().count() == 1
        && error
            .downcast_ref()
            .is_some_and(|error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Ends the process upon a signal, with one line of error, where nothing is lost by it.
fn end_upon_signal() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot listen for Ctrl-C")?;
    let interrupt = {
        let _within = runtime.enter();
        interrupt::listen().context("cannot listen for Ctrl-C")?
    };
    std::thread::spawn(move || {
        runtime.block_on(interrupt::reaches(interrupt, Interrupt::Finish));
        print_error(&anyhow::anyhow!(
            "interrupted; run the same command again, nothing was sent"
        ));
        std::process::exit(ExitStatus::Interrupted.code().into());
    });
    Ok(())
}

fn run(cli: Cli) -> Result<ExitStatus> {
    if let Command::Validate(_)
    | Command::Build(_)
    | Command::Normalize(_)
    | Command::Check(_)
    | Command::Status(_)
    | Command::Init(_) = cli.command
    {
        end_upon_signal()?;
    }
    match cli.command {
        Command::Upload(args) => upload::run(&args, &cli.talk),
        Command::Validate(args) => validate::run(&args, &cli.talk),
        Command::Build(args) => build::run(&args),
        Command::Normalize(args) => normalize::run(&args),
        Command::Sandbox(args) => sandbox::run(&args),
        Command::Check(args) => check::run(&args, &cli.talk),
        Command::Status(args) => status::run(&args, &cli.talk),
        Command::Init(args) => init::run(&args),
        Command::Leads(args) => leads::run(&args, &cli.talk),
        Command::Watch(args) => watch::run(*args, &cli.talk),
        Command::Serve(args) => serve::run(*args),
        Command::Ledger(args) => ledger::run(&args, &cli.talk),
        Command::Schema(args) => schema::run(&args),
        Command::Help(args) => help::run(&args),
        Command::Completions(args) => generate::completions(&args),
        Command::Man(args) => generate::man(&args),
    }
}
