//! The bytes of an input: a file or a stream, unpacked when their first bytes say that they are compressed.
//!
//! In goes an [`Input`], out come its first bytes, to be looked at, and a reader of all of them. Whatever an input's
//! name ends in does not matter here. A regular file stays open and can be read again; anything else is a stream.

use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::archive::{self, Member};
use super::error::OpenError;
use super::halt::Halt;
use super::held::{HeldFile, HeldReader};
use super::input::{Given, Input};
use super::stream::{self, StopReading};

/// How much of an input is looked at before it is read.
const SAMPLE_BYTES: u64 = 64 * 1024;
/// The largest window of a Zstandard file: what its reader must keep in memory. `zstd -19` makes 8 MB.
const MAX_WINDOW_LOG: u32 = 25;
/// So much may always come out of a compressed file, however small it is.
const ALWAYS_UNPACKED_BYTES: u64 = 64 << 20;
/// Beyond that, so many times its size: exports of leads shrink to a tenth, blank lines to a thousandth.
const MAX_RATIO: u64 = 500;

/// How an input is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    /// gzip, several members included.
    Gzip,
    /// Zstandard.
    Zstd,
    /// A file in a zip archive.
    Zip,
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
    /// The file, where it can be read again.
    pub held: Option<Arc<HeldFile>>,
}

/// Opens an input and looks at its first bytes.
pub(super) fn open(input: &Input, stop: &StopReading) -> Result<Opened, OpenError> {
    let cannot_open = |source| cannot_open(input, source);
    let stream = match input {
        Input::File(path) => {
            let metadata = fs::metadata(path).map_err(cannot_open)?;
            if metadata.is_dir() {
                return Err(OpenError::Directory {
                    input: input.clone(),
                });
            }
            if metadata.is_file() {
                let file = File::open(path).map_err(cannot_open)?;
                if let Some(held) = HeldFile::new(file).map_err(cannot_open)? {
                    return again(input, &Arc::new(held));
                }
            }
            let path = path.clone();
            stream::read(stop, || File::open(path))
        }
        Input::Member { archive, name } => {
            let file = File::open(archive).map_err(cannot_open)?;
            let held = HeldFile::new(file).map_err(cannot_open)?;
            let of_archive = |reason| OpenError::Archive {
                input: input.clone(),
                reason,
            };
            let held = held.ok_or_else(|| of_archive("is not a regular file; unpack it first"))?;
            let member = archive::locate(held.file(), name).map_err(of_archive)?;
            return again(input, &Arc::new(held.only(member)));
        }
        Input::Stdin => stream::read(stop, || Ok(io::stdin())),
        Input::Given(Given(bytes)) => {
            return from_reader(input, Box::new(Cursor::new(bytes.clone())));
        }
    };
    from_reader(input, Box::new(stream.map_err(cannot_open)?))
}

/// Looks at the first bytes of a file that is open already.
pub(super) fn again(input: &Input, held: &Arc<HeldFile>) -> Result<Opened, OpenError> {
    let (bytes, packing) = match held.member() {
        None => (Box::new(held.reader()) as Bytes, None),
        Some(member) => (bytes_of(held.reader(), member), Some(Compression::Zip)),
    };
    let opened = from_reader(input, bytes)?;
    Ok(Opened {
        held: Some(Arc::clone(held)),
        compression: opened.compression.or(packing),
        ..opened
    })
}

/// Unpacks a member of an archive.
fn bytes_of(reader: HeldReader, member: Member) -> Bytes {
    let packed = Arc::new(AtomicU64::new(0));
    let counted = Counted {
        reader: Box::new(reader),
        bytes: Arc::clone(&packed),
    };
    let reader: Bytes = match member.is_deflated {
        true => Box::new(flate2::read::DeflateDecoder::new(counted)),
        false => Box::new(counted),
    };
    Box::new(Summed {
        reader: Unpacked {
            reader,
            packed,
            bytes: 0,
        },
        sum: crc32fast::Hasher::new(),
        expected: member.sum,
    })
}

/// Unpacks a reader if its bytes are compressed.
pub(super) fn from_reader(input: &Input, reader: Bytes) -> Result<Opened, OpenError> {
    let cannot_read = |source: io::Error| OpenError::reading(input, source);
    let packed = Arc::new(AtomicU64::new(0));
    let mut reader = Counted {
        reader,
        bytes: Arc::clone(&packed),
    };
    let mut sample = Vec::new();
    reader
        .by_ref()
        .take(SAMPLE_BYTES)
        .read_to_end(&mut sample)
        .map_err(cannot_read)?;
    let compression = compression_of(&sample);
    let window = zstd_window(&sample);
    let whole: Bytes = Box::new(Cursor::new(sample.clone()).chain(reader));
    let reader: Bytes = match compression {
        None => {
            return Ok(Opened {
                sample,
                bytes: whole,
                compression,
                held: None,
            });
        }
        Some(Compression::Zstd) if window.is_some_and(|bytes| bytes > 1 << MAX_WINDOW_LOG) => {
            return Err(OpenError::Window {
                input: input.clone(),
            });
        }
        Some(Compression::Zstd) => {
            let mut decoder = zstd::stream::read::Decoder::new(whole).map_err(cannot_read)?;
            let bounded = decoder.window_log_max(MAX_WINDOW_LOG);
            bounded.map_err(cannot_read)?;
            Box::new(decoder)
        }
        Some(_) => Box::new(flate2::read::MultiGzDecoder::new(whole)),
    };
    let unpacked = Unpacked {
        reader,
        packed,
        bytes: 0,
    };
    Ok(sampled(unpacked, compression))
}

/// Looks at the first bytes that come out. An error of the unpacking shows later, when the sample ends early.
fn sampled(mut unpacked: Unpacked, compression: Option<Compression>) -> Opened {
    let mut sample = Vec::new();
    let ended = unpacked
        .by_ref()
        .take(SAMPLE_BYTES)
        .read_to_end(&mut sample);
    let rest: Bytes = match ended {
        Ok(_) => Box::new(unpacked),
        Err(error) => Box::new(Broken(Some(error))),
    };
    Opened {
        bytes: Box::new(Cursor::new(sample.clone()).chain(rest)),
        sample,
        compression,
        held: None,
    }
}

/// Counts the bytes that are read.
struct Counted {
    reader: Bytes,
    bytes: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Bounds what comes out of a compressed file by what went into it.
struct Unpacked {
    reader: Bytes,
    packed: Arc<AtomicU64>,
    bytes: u64,
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.bytes += read as u64;
        let packed = self.packed.load(Ordering::Relaxed);
        if self.bytes > ALWAYS_UNPACKED_BYTES && self.bytes / MAX_RATIO > packed {
            return Err(Halt::Inflated.into());
        }
        Ok(read)
    }
}

/// Holds what was read against its checksum, once all of it was.
struct Summed {
    reader: Unpacked,
    sum: crc32fast::Hasher,
    expected: u32,
}

impl Read for Summed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.sum.update(&buffer[..read]);
        if read == 0 && !buffer.is_empty() && self.sum.clone().finalize() != self.expected {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(read)
    }
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

fn cannot_open(input: &Input, source: io::Error) -> OpenError {
    match source.kind() {
        io::ErrorKind::NotFound => OpenError::Missing {
            input: input.clone(),
        },
        _ => OpenError::reading(input, source),
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

/// The window that a Zstandard frame asks for, in bytes, where its header gives one:
/// <https://datatracker.ietf.org/doc/html/rfc8878#section-3.1.1.1>
fn zstd_window(frame: &[u8]) -> Option<u64> {
    let descriptor = *frame.get(4)?;
    let has_single_segment = descriptor & 0b10_0000 != 0;
    if !has_single_segment {
        let window = *frame.get(5)?;
        let base = 1_u64 << (10 + u32::from(window >> 3));
        return Some(base + base / 8 * u64::from(window & 0b111));
    }
    // The window is the whole content.
    let dictionary_bytes = [0, 1, 2, 4][usize::from(descriptor & 0b11)];
    let content_bytes = [1, 2, 4, 8][usize::from(descriptor >> 6)];
    let size = frame.get(5 + dictionary_bytes..)?.get(..content_bytes)?;
    let size = size
        .iter()
        .rev()
        .fold(0, |size, byte| size << 8 | u64::from(*byte));
    Some(size + if content_bytes == 2 { 256 } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn opened(bytes: Vec<u8>) -> Opened {
        from_reader(&Input::Stdin, Box::new(Cursor::new(bytes))).unwrap()
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
        assert!(matches!(
            open(&missing, &StopReading::default()),
            Err(OpenError::Missing { .. })
        ));
        assert!(matches!(
            open(
                &Input::File(folder.path().to_owned()),
                &StopReading::default()
            ),
            Err(OpenError::Directory { .. })
        ));
    }

    #[test]
    fn a_file_that_unpacks_to_a_thousand_times_its_size_is_not_read_to_its_end() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![b'\n'; 80 << 20]).unwrap();
        let mut opened = opened(encoder.finish().unwrap());
        let error = io::copy(&mut opened.bytes, &mut io::sink()).unwrap_err();
        assert_eq!(Halt::of(&error), Some(Halt::Inflated));
    }

    #[test]
    fn a_window_that_takes_too_much_memory_is_refused_by_what_it_is() {
        let packed = |window_log: u32, size: Option<u64>| {
            let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
            encoder.window_log(window_log).unwrap();
            encoder.set_pledged_src_size(size).unwrap();
            encoder.include_contentsize(size.is_some()).unwrap();
            encoder.write_all(&b"email,stage\n".repeat(1_000)).unwrap();
            encoder.finish().unwrap()
        };
        for window_log in [23, 25] {
            assert_eq!(
                zstd_window(&packed(window_log, None)),
                Some(1 << window_log)
            );
            opened(packed(window_log, None));
        }
        assert_eq!(zstd_window(&packed(27, Some(12_000))), Some(12_000));
        let too_large = packed(26, None);
        assert!(matches!(
            from_reader(&Input::Stdin, Box::new(Cursor::new(too_large))),
            Err(OpenError::Window { .. })
        ));
    }
}
