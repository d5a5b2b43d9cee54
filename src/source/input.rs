//! Where an export comes from, as the command line names it.

use std::fmt;
use std::path::PathBuf;

/// Where an export comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A file, a named pipe, a device.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl fmt::Display for Input {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::File(path) => write!(formatter, "{}", path.display()),
            Input::Stdin => formatter.write_str("standard input"),
        }
    }
}
