//! Zip archives that hold exports: which members there are, and where the bytes of one lie.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use zip::{CompressionMethod, ZipArchive};

/// The most members of an archive, whose directory is read whole.
const MAX_MEMBERS: u16 = 10_000;
/// The end of an archive, with the longest comment it can have.
const END_BYTES: u64 = 66 * 1024;

/// Why an archive or its member cannot be read, to be put behind "the archive".
pub(super) type Reason = &'static str;

/// Where a member lies in its archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub start: u64,
    pub packed_bytes: u64,
    pub is_deflated: bool,
    /// The checksum of what comes out.
    pub sum: u32,
}

/// The names of all members that are files.
pub(super) fn names(file: &File) -> Result<Vec<String>, Reason> {
    let mut archive = open(file)?;
    let mut names = Vec::new();
    for index in 0..archive.len() {
        let Ok(member) = archive.by_index_raw(index) else {
            return Err("is damaged; download it again");
        };
        if let (false, Ok(name)) = (member.is_dir(), member.name()) {
            names.push(name.into_owned());
        }
    }
    Ok(names)
}

/// Finds the bytes of a member.
pub(super) fn locate(file: &File, name: &str) -> Result<Member, Reason> {
    let mut archive = open(file)?;
    let index = archive.index_for_name(name);
    let index = index.ok_or("no longer has such a file; look for it again")?;
    let member = archive.by_index_raw(index);
    let member = member.map_err(|_| "is damaged; download it again")?;
    let is_deflated = member.compression() == CompressionMethod::Deflated;
    if member.encrypted() {
        return Err("is protected by a password; unpack it first");
    }
    if !is_deflated && member.compression() != CompressionMethod::Stored {
        return Err("is packed in an unusual way; unpack it first");
    }
    Ok(Member {
        start: member.data_start().ok_or("is damaged; download it again")?,
        packed_bytes: member.compressed_size(),
        is_deflated,
        sum: member.crc32(),
    })
}

fn open(file: &File) -> Result<ZipArchive<&File>, Reason> {
    let end = end_of(file).map_err(|_| "cannot be read to its end")?;
    if says_too_many(&end) {
        return Err("holds more than 10,000 files; unpack it and name the exports");
    }
    ZipArchive::new(file).map_err(|_| "is damaged; download it again")
}

fn end_of(mut file: &File) -> io::Result<Vec<u8>> {
    let size = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(size.saturating_sub(END_BYTES)))?;
    let mut end = Vec::new();
    file.take(END_BYTES).read_to_end(&mut end)?;
    Ok(end)
}

/// Whether the directory at the end of an archive says that it has too many members.
pub(super) fn says_too_many(archive: &[u8]) -> bool {
    let end = &archive[archive.len().saturating_sub(END_BYTES as usize)..];
    memchr::memmem::rfind(end, b"PK\x05\x06")
        .and_then(|at| end.get(at + 10..at + 12))
        .is_some_and(|count| u16::from_le_bytes([count[0], count[1]]) > MAX_MEMBERS)
}
