//! Why the readers of this folder break off by themselves, carried through [`io::Error`] from the bytes to the rows.

use std::io;

/// A reader's own reason to read no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Halt {
    /// The file is not the one that was opened any more.
    #[error("the file changed while it was being read")]
    Changed,
    /// Somebody asked for the end.
    #[error("reading was stopped")]
    Stopped,
    /// A compressed file unpacks to far more than any export does.
    #[error("the file unpacks to too much")]
    Inflated,
}

impl Halt {
    /// The reason behind an error, if it is one of these.
    pub(super) fn of(error: &io::Error) -> Option<Halt> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl From<Halt> for io::Error {
    fn from(halt: Halt) -> io::Error {
        io::Error::other(halt)
    }
}
