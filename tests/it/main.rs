//! Integration tests: the built binary against real sockets and files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

mod architecture;
mod bad_input;
mod bombs;
mod book;
mod build;
mod commands;
mod contract;
mod dependencies;
mod examples;
mod faults;
mod files;
mod help;
mod hostile_text;
mod identities;
mod init;
mod inputs;
mod join;
mod layouts;
mod leads;
mod normalize;
mod notify;
mod reference;
mod remote;
mod sandbox;
mod scheduled;
mod schema;
mod shapes;
mod snapshots;
mod statuses;
mod talk;
mod upload;
mod validate;
mod values;
#[cfg(unix)]
mod webhooks;
mod wire;
