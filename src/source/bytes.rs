//! The bytes of an input: a file or standard input, unpacked when their first bytes say that they are compressed.
//!
//! In goes an [`Input`], out come its first bytes, to be looked at, and a reader of all of them. Whatever an input's
//! name ends in does not matter here, and nothing is seeked, so that pipes work like files.

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::OpenError;

/// How much of an input is looked at before it is read.
const SAMPLE_BYTES: u64 = 64 * 1024;

/// Where an export comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A file, a named pipe, a device.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl Input {
    /// The input that a command line means: `-` is standard input.
    pub fn from_argument(argument: &Path) -> Input {
        if argument.as_os_str() == "-" {
            Input::Stdin
        } else {
            Input::File(argument.to_owned())
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::File(path) => write!(formatter, "{}", path.display()),
            Input::Stdin => formatter.write_str("standard input"),
        }
    }
}

/// How an input is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// gzip, several members included.
    Gzip,
    /// Zstandard.
    Zstd,
}

impl Compression {
    /// The name people know it by.
    pub const fn name(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        }
    }
}

/// A reader of any kind of bytes.
pub(super) type Bytes = Box<dyn Read + Send>;

/// An opened input.
pub(super) struct Opened {
    /// The first bytes, unpacked; all of them when `bytes` has no more.
    pub sample: Vec<u8>,
    /// All bytes, unpacked, the sample included.
    pub bytes: Bytes,
    pub compression: Option<Compression>,
    pub position: Position,
    /// The file's size on disk, where there is one.
    pub size: Option<u64>,
}

/// How many bytes of the file, as it lies on disk, have been read so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Position(Arc<AtomicU64>);

impl Position {
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

struct Counted<R> {
    reader: R,
    position: Position,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.position.0.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Opens an input and looks at its first bytes.
pub(super) fn open(input: &Input) -> Result<Opened, OpenError> {
    let (reader, size): (Bytes, Option<u64>) = match input {
        Input::File(path) => {
            let file = File::open(path).map_err(|error| cannot_open(input, path, error))?;
            let metadata = file
                .metadata()
                .map_err(|error| cannot_open(input, path, error))?;
            if metadata.is_dir() {
                return Err(OpenError::Directory {
                    input: input.clone(),
                });
            }
            (Box::new(file), metadata.is_file().then_some(metadata.len()))
        }
        Input::Stdin => (Box::new(io::stdin()), None),
    };
    let position = Position::default();
    let counted = Counted {
        reader,
        position: position.clone(),
    };
    from_reader(Box::new(counted), position, size).map_err(|source| OpenError::Unreadable {
        input: input.clone(),
        source,
    })
}

/// Unpacks a reader if its bytes are compressed. An error of the unpacking shows later, when the sample ends early.
pub(super) fn from_reader(
    mut reader: Bytes,
    position: Position,
    size: Option<u64>,
) -> io::Result<Opened> {
    let mut sample = Vec::new();
    reader
        .by_ref()
        .take(SAMPLE_BYTES)
        .read_to_end(&mut sample)?;
    let compression = compression_of(&sample);
    let whole: Bytes = Box::new(Cursor::new(sample.clone()).chain(reader));
    let Some(compression) = compression else {
        return Ok(Opened {
            sample,
            bytes: whole,
            compression: None,
            position,
            size,
        });
    };
    let mut unpacked: Bytes = match compression {
        Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(whole)),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(whole)?),
    };
    let mut sample = Vec::new();
    let ended = unpacked
        .by_ref()
        .take(SAMPLE_BYTES)
        .read_to_end(&mut sample);
    let rest: Bytes = match ended {
        Ok(_) => unpacked,
        Err(error) => Box::new(Broken(Some(error))),
    };
    let bytes = Box::new(Cursor::new(sample.clone()).chain(rest));
    Ok(Opened {
        sample,
        bytes,
        compression: Some(compression),
        position,
        size,
    })
}

/// A reader that only has an error left to give.
struct Broken(Option<io::Error>);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self
            .0
            .take()
            .unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into()))
    }
}

fn cannot_open(input: &Input, path: &Path, source: io::Error) -> OpenError {
    let input = input.clone();
    match source.kind() {
        io::ErrorKind::NotFound => OpenError::Missing { input },
        // Windows refuses to open a directory; elsewhere it opens and cannot be read.
        _ if path.is_dir() => OpenError::Directory { input },
        _ => OpenError::Unreadable { input, source },
    }
}

fn compression_of(sample: &[u8]) -> Option<Compression> {
    if sample.starts_with(&[0x1f, 0x8b, 0x08]) {
        Some(Compression::Gzip)
    } else if sample.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Some(Compression::Zstd)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn opened(bytes: Vec<u8>) -> Opened {
        from_reader(Box::new(Cursor::new(bytes)), Position::default(), None).unwrap()
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn compression_is_known_by_content_and_unpacked() {
        let text = b"email,stage\nava@example.com,New\n".repeat(5_000);
        let zstd = zstd::stream::encode_all(&text[..], 3).unwrap();
        let two_members = [gzip(&text[..100_000]), gzip(&text[100_000..])].concat();
        for (packed, expected) in [
            (text.clone(), None),
            (gzip(&text), Some(Compression::Gzip)),
            (two_members, Some(Compression::Gzip)),
            (zstd, Some(Compression::Zstd)),
        ] {
            let mut opened = opened(packed);
            let mut all = Vec::new();
            opened.bytes.read_to_end(&mut all).unwrap();
            assert_eq!((opened.compression, all == text), (expected, true));
            assert_eq!(opened.sample, &text[..SAMPLE_BYTES as usize]);
        }
    }

    #[test]
    fn what_was_unpacked_before_a_file_breaks_off_can_still_be_read() {
        let mut packed = gzip(&b"email,stage\n".repeat(10));
        packed.truncate(packed.len() - 9);
        let mut opened = opened(packed);
        let mut all = Vec::new();
        let error = opened.bytes.read_to_end(&mut all).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert!(all.starts_with(b"email,stage\n"));
    }

    #[test]
    fn a_missing_file_and_a_directory_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Input::File(folder.path().join("none.csv"));
        assert!(matches!(open(&missing), Err(OpenError::Missing { .. })));
        assert!(matches!(
            open(&Input::File(folder.path().to_owned())),
            Err(OpenError::Directory { .. })
        ));
    }
}
