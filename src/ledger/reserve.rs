//! Space that a run keeps on the ledger's disk, so that what is in flight can still be settled when the disk is full.
//!
//! It is a file beside the ledger, made before anything is sent and removed with the run; one that a killed run left is
//! taken over. What is begun never uses it: a disk that has no room for it is too full to begin.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::files::open_private;

/// What the file begins with, for whoever wonders what it is.
const SAYS: &[u8] =
    b"crm2capi keeps this space to record what it has sent in case the disk is full. It goes with the run.\n";
/// A page of the ledger as it is written ahead, with its frame.
const PAGE_BYTES: u64 = 4_096 + 24;
/// Pages that settling one event changes at most: its own, and of one that is kept those it is found by.
const PAGES_PER_EVENT: u64 = 2;
/// Pages that settling anything changes: of names, counts and trace ids, of the run itself, and what leads to them.
const OTHER_PAGES: u64 = 32;
/// Requests are settled one after the other, and what they change is written into the ledger in between.
const MAX_BYTES: u64 = 64 << 20;

/// Space on a disk.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    bytes: u64,
    file: Option<File>,
}

impl Reserve {
    /// Space for settling so many events, beside the ledger at `path`; not taken yet.
    pub(super) fn beside(path: &Path, events: u64) -> Self {
        let mut name = path.as_os_str().to_owned();
        name.push(".reserve");
        let pages = events
            .saturating_mul(PAGES_PER_EVENT)
            .saturating_add(OTHER_PAGES);
        Self {
            path: name.into(),
            bytes: pages.saturating_mul(PAGE_BYTES).min(MAX_BYTES),
            file: None,
        }
    }

    /// Takes the space, where it is not taken already.
    ///
    /// # Errors
    /// The disk is full, or the file is something else or cannot be written.
    pub(super) fn take(&mut self) -> io::Result<()> {
        if self.file.is_none() {
            let file = open_private(&self.path)?;
            refuse_others(&file)?;
            let filled = fill(&file, self.bytes);
            self.file = Some(file);
            if let Err(error) = filled {
                self.free();
                return Err(error);
            }
        }
        Ok(())
    }

    /// Gives the space back; says whether there was any.
    pub(super) fn free(&mut self) -> bool {
        let Some(file) = self.file.take() else {
            return false;
        };
        let freed = file.set_len(0).is_ok();
        drop(file);
        // What is left of it is empty, and the next run takes it over.
        let _ = std::fs::remove_file(&self.path);
        freed
    }
}

impl Drop for Reserve {
    fn drop(&mut self) {
        self.free();
    }
}

/// Refuses a file that somebody keeps something else in.
fn refuse_others(file: &File) -> io::Result<()> {
    let mut start = Vec::new();
    file.take(SAYS.len() as u64).read_to_end(&mut start)?;
    match SAYS.starts_with(&start) {
        true => Ok(()),
        false => Err(io::Error::other("it holds something else than a reserve")),
    }
}

/// Fills a file with so many bytes that no file system takes less space for.
fn fill(mut file: &File, bytes: u64) -> io::Result<()> {
    file.rewind()?;
    file.write_all(SAYS)?;
    let mut noise = vec![0; 64 << 10];
    fastrand::fill(&mut noise);
    let mut left = bytes;
    while left > 0 {
        let piece = noise.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        file.write_all(&noise[..piece])?;
        left -= piece as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_is_taken_once_and_given_back_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.reserve");
        let mut reserve = Reserve::beside(&folder.path().join("ledger"), 100);
        for _ in 0..2 {
            reserve.take().unwrap();
            assert!(std::fs::metadata(&path).unwrap().len() > 200 * 4_096);
        }
        assert!(reserve.free() && !path.exists() && !reserve.free());
        reserve.take().unwrap();
        drop(reserve);
        assert!(!path.exists());
    }

    #[test]
    fn what_a_killed_run_left_is_taken_over_and_what_is_something_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.reserve");
        for (left, is_taken) in [(SAYS, true), (&SAYS[..9], true), (b"my notes", false)] {
            std::fs::write(&path, left).unwrap();
            let mut reserve = Reserve::beside(&folder.path().join("ledger"), 1);
            assert_eq!(reserve.take().is_ok(), is_taken);
        }
        assert_eq!(std::fs::read(&path).unwrap(), b"my notes");
    }
}
