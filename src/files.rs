//! What several rooms ask of files and paths.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The folder a file lies in, or would.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// The text of a file that no honest one of its kind makes longer than `limit` bytes; more is never read.
///
/// # Errors
/// It cannot be read, is not UTF-8, or is longer ([`io::ErrorKind::FileTooLarge`]).
pub(crate) fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no UTF-8 text"))
}
