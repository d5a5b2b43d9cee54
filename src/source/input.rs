//! Where an export comes from, as the command line names it.

use std::fmt;
use std::path::{Path, PathBuf};

use bytes::Bytes;

/// Where an export comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// A file, a named pipe, a device.
    File(PathBuf),
    /// A file in a zip archive.
    Member {
        /// The archive.
        archive: PathBuf,
        /// The file's name in it.
        name: String,
    },
    /// Standard input.
    Stdin,
    /// What somebody handed over.
    Given(Given),
}

/// Bytes in memory, which may hold people's values.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Given(pub Bytes);

impl fmt::Debug for Given {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Given({} bytes)", self.0.len())
    }
}

impl Input {
    /// The file on disk that is read, if there is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Input::File(path) | Input::Member { archive: path, .. } => Some(path),
            Input::Stdin | Input::Given(_) => None,
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::File(path) => write!(formatter, "{}", path.display()),
            Input::Member { archive, name } => write!(formatter, "{}/{name}", archive.display()),
            Input::Stdin => formatter.write_str("standard input"),
            Input::Given(_) => formatter.write_str("the body"),
        }
    }
}
