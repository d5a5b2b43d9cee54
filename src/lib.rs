//! `crm2capi` takes a CRM's lead export and uploads its lead stages to a Meta dataset through the
//! Conversions API.
//!
//! The modules stand in the order of the work. Each stage takes the type of the one before and
//! returns the next; [`run`] alone knows the order.
//!
//! ```text
//! bytes ─ source ─► rows ─ mapping ─► cells ─ customer ─► hashed user data ─ event ─► event
//!       ─ rules ─► kept or refused ─ ledger ─► new or known ─ batch ─► batch ─ deliver ─► outcome ─ report
//! ```
//!
//! Past [`customer`] no raw personal value exists: an event can only be built from hashed values.

pub mod run;

mod cell;
mod json;

pub mod batch;
pub mod custom_data;
pub mod customer;
pub mod deliver;
pub mod event;
pub mod field;
pub mod graph;
pub mod inspect;
pub mod ledger;
pub mod mapping;
pub mod problem;
pub mod render;
pub mod report;
pub mod rules;
pub mod source;
pub mod text;
pub mod time;

pub mod cli;
pub mod commands;
pub mod config;
pub mod sandbox;

/// Runs the program on this process's command line. For the binary; a program calls [`run::upload`] and its siblings.
#[doc(hidden)]
pub fn command_line() -> std::process::ExitCode {
    commands::main()
}
