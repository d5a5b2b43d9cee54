//! The `crm2capi` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    crm2capi::command_line()
}
