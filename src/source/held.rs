//! A regular file, read through one descriptor from its first byte to its last, as often as it takes.
//!
//! A descriptor survives that the path is renamed or deleted. What is written into the file meanwhile shows: size and
//! time are compared at every refill, and a block that was read before must have the same checksum when it is read
//! again. Nothing of a block is handed out before both have been looked at.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::archive::Member;
use super::halt::Halt;

/// How much is read and compared at a time.
const BLOCK_BYTES: usize = 256 * 1024;

/// An opened file and what it looked like then.
#[derive(Debug)]
pub(super) struct HeldFile {
    file: File,
    size: u64,
    modified: Option<SystemTime>,
    /// The checksums of the blocks that were read so far.
    blocks: Mutex<Vec<u32>>,
    /// The part of the file that is read, where it is an archive.
    member: Option<Member>,
    /// How many bytes the reader in use has read.
    reached: AtomicU64,
}

impl HeldFile {
    /// Holds an opened regular file; none if it is something else.
    pub(super) fn new(file: File) -> io::Result<Option<HeldFile>> {
        let metadata = file.metadata()?;
        Ok(metadata.is_file().then(|| HeldFile {
            file,
            size: metadata.len(),
            modified: metadata.modified().ok(),
            blocks: Mutex::default(),
            member: None,
            reached: AtomicU64::new(0),
        }))
    }

    /// Reads only a member of the archive that the file is.
    pub(super) fn only(self, member: Member) -> HeldFile {
        HeldFile {
            member: Some(member),
            ..self
        }
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn member(&self) -> Option<Member> {
        self.member
    }

    /// How many bytes of the file are read, as they lie on disk.
    pub(super) fn size(&self) -> u64 {
        self.member.map_or(self.size, |member| member.packed_bytes)
    }

    /// How many of these bytes the latest reader has read.
    pub(super) fn reached(&self) -> u64 {
        self.reached.load(Ordering::Relaxed)
    }

    /// Reads the file, or the bytes of its member, from the beginning. Only one reader of a file may be in use at a time.
    pub(super) fn reader(self: &Arc<Self>) -> HeldReader {
        self.reached.store(0, Ordering::Relaxed);
        HeldReader {
            held: Arc::clone(self),
            block: Vec::new(),
            used: 0,
            next: self.member.map_or(0, |member| member.start),
            left: self.member.map_or(u64::MAX, |member| member.packed_bytes),
            number: 0,
        }
    }

    /// Whether a block that was just read belongs to the file as it was opened.
    fn check(&self, number: usize, block: &[u8]) -> io::Result<()> {
        let now = self.file.metadata()?;
        if now.len() != self.size || now.modified().ok() != self.modified {
            return Err(Halt::Changed.into());
        }
        let sum = crc32fast::hash(block);
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        match blocks.get(number) {
            Some(known) if *known != sum => Err(Halt::Changed.into()),
            Some(_) => Ok(()),
            None => {
                blocks.push(sum);
                Ok(())
            }
        }
    }
}

/// Reads a held file once.
pub(super) struct HeldReader {
    held: Arc<HeldFile>,
    block: Vec<u8>,
    used: usize,
    /// Where the next block begins, and its number.
    next: u64,
    /// How much there is to be read.
    left: u64,
    number: usize,
}

impl HeldReader {
    fn refill(&mut self) -> io::Result<()> {
        self.block.clear();
        self.used = 0;
        let mut file = &self.held.file;
        file.seek(SeekFrom::Start(self.next))?;
        let wanted = self.left.min(BLOCK_BYTES as u64);
        file.take(wanted).read_to_end(&mut self.block)?;
        if let Err(error) = self.held.check(self.number, &self.block) {
            self.block.clear();
            return Err(error);
        }
        self.next += self.block.len() as u64;
        self.left -= self.block.len() as u64;
        let read = self.block.len() as u64;
        self.held.reached.fetch_add(read, Ordering::Relaxed);
        self.number += 1;
        Ok(())
    }
}

impl Read for HeldReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.used == self.block.len() {
            self.refill()?;
        }
        let read = (&self.block[self.used..]).read(buffer)?;
        self.used += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write;
    use std::path::PathBuf;

    use super::*;

    fn held(bytes: &[u8]) -> (tempfile::TempDir, PathBuf, Arc<HeldFile>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("leads.csv");
        fs::write(&path, bytes).unwrap();
        let held = HeldFile::new(File::open(&path).unwrap()).unwrap().unwrap();
        (folder, path, Arc::new(held))
    }

    fn read_all(held: &Arc<HeldFile>) -> Result<Vec<u8>, Option<Halt>> {
        let mut all = Vec::new();
        match held.reader().read_to_end(&mut all) {
            Ok(_) => Ok(all),
            Err(error) => Err(Halt::of(&error)),
        }
    }

    #[test]
    fn a_file_is_read_twice_though_its_name_now_belongs_to_another() {
        let bytes = b"email,stage\n".repeat(50_000);
        let (folder, path, held) = held(&bytes);
        assert!(read_all(&held).unwrap() == bytes);
        let other = folder.path().join("next.csv");
        fs::write(&other, "another export").unwrap();
        fs::rename(&other, &path).unwrap();
        assert!(read_all(&held).unwrap() == bytes);
    }

    #[test]
    fn a_file_that_grows_or_shrinks_is_noticed_at_the_next_refill() {
        for keep in [0, 400_000, 700_000] {
            let (_folder, path, held) = held(&vec![b'x'; 600_000]);
            let mut reader = held.reader();
            let mut first = vec![0; BLOCK_BYTES];
            reader.read_exact(&mut first).unwrap();
            OpenOptions::new()
                .write(true)
                .open(&path)
                .unwrap()
                .set_len(keep)
                .unwrap();
            let error = reader.read(&mut first).unwrap_err();
            assert_eq!(Halt::of(&error), Some(Halt::Changed), "{keep}");
        }
    }

    #[test]
    fn other_bytes_of_the_same_length_and_time_are_noticed_in_the_second_reading() {
        let (_folder, path, held) = held(&vec![b'x'; 600_000]);
        read_all(&held).unwrap();
        let mut file = OpenOptions::new().write(true).open(&path).unwrap();
        file.seek(SeekFrom::Start(300_000)).unwrap();
        file.write_all(b"y").unwrap();
        file.set_modified(held.modified.unwrap()).unwrap();
        let mut reader = held.reader();
        let mut first = vec![0; BLOCK_BYTES];
        reader.read_exact(&mut first).unwrap();
        let error = reader.read(&mut first).unwrap_err();
        assert_eq!(Halt::of(&error), Some(Halt::Changed));
    }

    #[test]
    fn only_a_regular_file_is_held() {
        let folder = tempfile::tempdir().unwrap();
        if let Ok(file) = File::open(folder.path()) {
            assert!(HeldFile::new(file).unwrap().is_none());
        }
    }
}
