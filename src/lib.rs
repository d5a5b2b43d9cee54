//! Takes a CRM's lead export and uploads its lead stages to a Meta dataset through the Conversions API.
//!
//! A program reads exports with [`Export`], single values with [`Normalizer`], and gets a [`Summary`] of what happened.
//! The command line goes through the same rooms:
//!
//! ```text
//! bytes ─ source ─► row ─ mapping ─► lead record ─ customer ─► hashed user data ─ event ─► event (+ its JSON bytes)
//!       ─ rules ─► kept or refused ─ ledger ─► new or known ─ batch ─► batch ─ deliver ─► outcome ─ report ─► person, CI
//! ```
//!
//! Each stage takes the type of the one before and returns the next; `run` alone knows the order. Past `customer` no raw
//! personal value exists: an event can only be built from hashed values.
//!
//! # Example
//!
//! ```
//! # fn main() -> anyhow::Result<()> {
//! let export = crm2capi::Export::new(["examples/hubspot.csv"])
//!     .settings("[crm]\ntimezone = \"America/New_York\"")?
//!     .now("2026-11-21T16:00:00Z".parse()?);
//! let mut events = Vec::new();
//! let summary = export.events(|json| Ok(events.push(json.to_owned())))?;
//! assert_eq!(summary.rows, 11);
//! assert!(events[0].contains("\"action_source\":\"system_generated\""));
//! # Ok(())
//! # }
//! ```

// What is not part of the face below is seen by the compiler when nobody uses it.
#![warn(unreachable_pub)]

mod api;
mod ask;
mod batch;
mod cell;
mod cli;
mod commands;
mod config;
mod custom_data;
mod customer;
mod deliver;
mod event;
mod field;
mod files;
mod graph;
mod inspect;
mod join;
mod json;
mod leads;
mod ledger;
mod listen;
mod mapping;
mod notify;
mod problem;
mod remote;
mod render;
mod report;
mod rules;
mod run;
mod sandbox;
mod serve;
mod source;
mod text;
mod time;
mod watch;

pub use api::{Destination, Export, Normalized, Normalizer, Problem, Sandbox, problems};
pub use report::Summary;
pub use run::{Observer, Reading};

#[doc(hidden)]
pub use api::Intake;

/// Runs the program on this process's command line. For the binary.
#[doc(hidden)]
pub fn command_line() -> std::process::ExitCode {
    commands::main()
}

/// The definition of the command line. For the tests of its examples.
#[doc(hidden)]
pub fn command() -> clap::Command {
    <cli::Cli as clap::CommandFactory>::command()
}
