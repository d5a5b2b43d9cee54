//! Why an input cannot be read: one line that says what, where and what to do.
//!
//! Only whole files fail here. What is wrong with a row is a [`Finding`](crate::problem::Finding) in its chunk.

use std::io;

use super::halt::Halt;
use super::input::Input;

/// Why an input could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The path leads nowhere.
    #[error("{input}: no such file; check the path")]
    Missing {
        /// The input named.
        input: Input,
    },
    /// The path is a directory.
    #[error("{input} is a directory; name the export inside it")]
    Directory {
        /// The input named.
        input: Input,
    },
    /// The system does not let it be read.
    #[error("{input} cannot be opened: {source}; check its permissions")]
    Unreadable {
        /// The input named.
        input: Input,
        /// What the system says.
        source: io::Error,
    },
    /// No bytes, or blank lines only.
    #[error("{input} is empty; export again")]
    Empty {
        /// The input named.
        input: Input,
    },
    /// Nothing but a header, or an empty list.
    #[error("{input} has no rows, only a header or an empty list; check the export's filter")]
    NoRows {
        /// The input named.
        input: Input,
    },
    /// A Zstandard file whose reader would have to keep more in memory than a run may take.
    #[error(
        "{input} was compressed with a window of more than 32 MB; compress it again without --long or --ultra, or unpack it"
    )]
    Window {
        /// The input named.
        input: Input,
    },
    /// A file in an archive cannot be got at.
    #[error("{input}: the archive {reason}")]
    Archive {
        /// The input named.
        input: Input,
        /// Why, and what to do.
        reason: &'static str,
    },
    /// The content is something that holds no table this program can read.
    #[error("{input} is {found}, not an export; {help}")]
    NotAnExport {
        /// The input named.
        input: Input,
        /// What it is, with its article.
        found: &'static str,
        /// What to do.
        help: &'static str,
    },
    /// The content contradicts `--input-format`.
    #[error("{input} is {found}, not {asked}; leave out --input-format, or name the right one")]
    OtherFormat {
        /// The input named.
        input: Input,
        /// The format asked for.
        asked: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// The delimiter asked for cannot be one.
    #[error(
        "the delimiter must be one ASCII character, and no quotation mark, letter, digit or line break"
    )]
    Delimiter,
    /// Columns are named for what names them itself.
    #[error(
        "{input} is {found}, which names its columns itself; --header (header under [input]) is for CSV that comes without a header"
    )]
    Header {
        /// The input named.
        input: Input,
        /// What it is.
        found: &'static str,
    },
    /// The workbook has no sheet of that name.
    #[error("{input} has no sheet named {asked:?}; it has {sheets}")]
    NoSheet {
        /// The input named.
        input: Input,
        /// The sheet asked for.
        asked: String,
        /// The sheets there are, quoted, with commas.
        sheets: String,
    },
    /// The workbook cannot be understood.
    #[error(
        "{input} is a workbook that cannot be read ({reason}); open it and save it again as .xlsx"
    )]
    Workbook {
        /// The input named.
        input: Input,
        /// What the reader of workbooks says.
        reason: String,
    },
    /// The workbook, which has to be read whole, would take more memory than it may.
    #[error(
        "{input} is a workbook with {what}; save the sheet as CSV, which is read as a stream of any size"
    )]
    WorkbookTooLarge {
        /// The input named.
        input: Input,
        /// What there is too much of.
        what: &'static str,
    },
    /// Reading broke off at the start.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Why reading broke off in the middle of a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// A compressed file ends early.
    #[error("{input}: the compressed file ends early, {}; download it again", after(.row))]
    Truncated {
        /// The input named.
        input: Input,
        /// The last row that was read; 0 for none.
        row: u64,
    },
    /// A compressed file is damaged.
    #[error("{input}: the compressed file is damaged, {}; download it again", after(.row))]
    Damaged {
        /// The input named.
        input: Input,
        /// The last row that was read; 0 for none.
        row: u64,
    },
    /// The file is not what it was when it was opened.
    #[error("{input} changed while it was being read; run again when it is complete")]
    Changed {
        /// The input named.
        input: Input,
    },
    /// The run wanted no more of a stream; not a fault of the input.
    #[error("{input} was not read to its end")]
    Stopped {
        /// The input named.
        input: Input,
    },
    /// A compressed file holds next to nothing, very often.
    #[error(
        "{input} unpacks to more than 500 times its size, {}, as no export does; check what it holds, or unpack it first",
        after(.row)
    )]
    Inflated {
        /// The input named.
        input: Input,
        /// The last row that was read; 0 for none.
        row: u64,
    },
    /// The system stopped delivering bytes.
    #[error("{input} cannot be read, {}: {source}", after(.row))]
    Io {
        /// The input named.
        input: Input,
        /// The last row that was read; 0 for none.
        row: u64,
        /// What the system says.
        source: io::Error,
    },
}

impl OpenError {
    /// What an error means that comes up before anything was read of an input.
    pub(super) fn reading(input: &Input, source: io::Error) -> OpenError {
        let input = input.clone();
        // What the system does not say was found out by unpacking.
        match (Halt::of(&source), source.raw_os_error(), source.kind()) {
            (None, Some(_), _) | (None, _, io::ErrorKind::PermissionDenied) => {
                OpenError::Unreadable { input, source }
            }
            _ => OpenError::Read(ReadError::new(&input, true, 0, source)),
        }
    }
}

fn after(row: &u64) -> String {
    if *row == 0 {
        "at its beginning".to_owned()
    } else {
        format!("after row {row}")
    }
}

impl OpenError {
    /// Why reading broke off, if that is what it is about.
    pub(crate) fn as_read_error(&self) -> Option<&ReadError> {
        match self {
            OpenError::Read(error) => Some(error),
            _ => None,
        }
    }
}

impl ReadError {
    /// What an error of the byte stream means for whoever reads the file.
    pub(super) fn new(
        input: &Input,
        is_compressed: bool,
        row: u64,
        source: io::Error,
    ) -> ReadError {
        let input = input.clone();
        match Halt::of(&source) {
            Some(Halt::Changed) => return ReadError::Changed { input },
            Some(Halt::Stopped) => return ReadError::Stopped { input },
            Some(Halt::Inflated) => return ReadError::Inflated { input, row },
            None => {}
        }
        match (is_compressed, source.kind(), source.raw_os_error()) {
            (true, io::ErrorKind::UnexpectedEof, _) => ReadError::Truncated { input, row },
            (true, _, None) => ReadError::Damaged { input, row },
            _ => ReadError::Io { input, row, source },
        }
    }
}
