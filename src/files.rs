//! What several rooms ask of files and paths.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// So much of a file is looked at to tell whose it is, in bytes.
const LOOKED_AT: u64 = 4_096;

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

/// Where a path leads that something is written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Standard output: `-`, as other programs have it, or its name among the devices. A file of that name is `./-`.
    Stdout,
    /// A pipe, a socket or another device: it holds nothing, and is read as it is written.
    Stream(PathBuf),
    /// A file, or what is to be one.
    File(PathBuf),
}

impl Output {
    /// What there is now says what it is.
    pub(crate) fn of(path: &Path) -> Self {
        if is_dash(path) || path == Path::new("/dev/stdout") {
            return Self::Stdout;
        }
        let is_stream = path.starts_with("/dev/")
            || std::fs::metadata(path).is_ok_and(|it| !it.is_file() && !it.is_dir());
        match is_stream {
            true => Self::Stream(path.to_owned()),
            false => Self::File(path.to_owned()),
        }
    }
}

/// The path of a file that is written while standard output holds something else, so that `-` cannot mean it; and a file
/// called `-` is what nobody wants who writes so.
///
/// # Errors
/// It is `-`.
pub(crate) fn beside_standard_output(path: &Path) -> Result<(), &'static str> {
    match is_dash(path) {
        true => Err("standard output holds something else here; name a file (one called - is ./-)"),
        false => Ok(()),
    }
}

fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Opens a file for reading and writing, and makes it if there is none: for its owner's eyes only, never through a link
/// at its end, and only a regular file.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(flags.bits() as i32);
    }
    let file = options.open(path).map_err(in_plain_words)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    Ok(file)
}

/// The system says of a link that is not followed that there are too many.
#[cfg(unix)]
fn in_plain_words(error: io::Error) -> io::Error {
    match error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
        true => io::Error::other("it is a link, which is not followed; name the file it leads to"),
        false => error,
    }
}

#[cfg(not(unix))]
fn in_plain_words(error: io::Error) -> io::Error {
    error
}

/// Whether [`write_whole`] could write there, as far as can be told before there is anything to write.
///
/// # Errors
/// The folder is not there or takes no files, or the path is a folder.
pub(crate) fn check_writable(path: &Path) -> io::Result<()> {
    let path = &resolved(path);
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return match path.is_dir() {
            true => Err(io::ErrorKind::IsADirectory.into()),
            false => Ok(()),
        };
    }
    let folder = folder_of(path);
    if !folder.is_dir() {
        let missing = format!("there is no folder {}", folder.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, missing));
    }
    // What the error says besides is the name of a file that nobody asked for.
    scratch(path, Readers::Owner).map_err(|error| io::Error::from(error.kind()))?;
    Ok(())
}

/// Where the name is a link, the file it leads to is replaced and the link stays.
fn resolved(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Who may read a file that is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Readers {
    /// Only its owner.
    Owner,
    /// Whoever the umask lets: others read reports and metrics.
    Usual,
}

/// Replaces the file at `path` in one step, with what `write` writes. What is no regular file, such as a pipe, is written
/// to as it is.
pub(crate) fn write_whole(
    path: &Path,
    readers: Readers,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let path = &resolved(path);
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        let mut out = BufWriter::new(open_stream(path)?);
        write(&mut out)?;
        return out.flush();
    }
    let mut file = scratch(path, readers)?;
    let mut out = BufWriter::new(file.as_file_mut());
    write(&mut out)?;
    out.flush()?;
    drop(out);
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Whether there is a file with something in it whose first 4 KB are not `ours`. What is no regular file holds nothing that
/// could be lost.
///
/// # Errors
/// It cannot be read.
pub(crate) fn holds_others(path: &Path, ours: impl FnOnce(&str) -> bool) -> io::Result<bool> {
    if !fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0) {
        return Ok(false);
    }
    let mut start = Vec::new();
    File::open(path)?.take(LOOKED_AT).read_to_end(&mut start)?;
    Ok(!ours(&String::from_utf8_lossy(&start)))
}

/// Opens what is no regular file. A pipe that nobody reads is an error, and not something to wait for.
fn open_stream(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        let opened = options
            .custom_flags(OFlags::NONBLOCK.bits() as i32)
            .open(path);
        let stream = opened.map_err(|error| {
            match error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) {
                true => io::Error::other("nothing is reading from this pipe"),
                false => error,
            }
        })?;
        let flags = rustix::fs::fcntl_getfl(&stream)?;
        rustix::fs::fcntl_setfl(&stream, flags - OFlags::NONBLOCK)?;
        Ok(stream)
    }
    #[cfg(not(unix))]
    options.open(path)
}

/// A file beside `path` that is to take its place.
fn scratch(path: &Path, readers: Readers) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = match readers {
            Readers::Owner => 0o600,
            Readers::Usual => 0o666,
        };
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    builder.prefix(".crm2capi-").tempfile_in(folder_of(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dash_is_standard_output_and_never_a_file() {
        assert_eq!(Output::of(Path::new("-")), Output::Stdout);
        assert_eq!(Output::of(Path::new("./-")), Output::File("./-".into()));
        assert!(beside_standard_output(Path::new("-")).is_err());
        assert!(beside_standard_output(Path::new("./-")).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_private_file_is_never_opened_through_a_link_and_never_a_device_or_a_pipe() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::write(&target, "notes").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(open_private(&link).is_err());
        assert!(open_private(Path::new("/dev/null")).is_err());
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "notes");
    }
}
