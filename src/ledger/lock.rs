//! Keeps two runs off one ledger with a lock of the operating system, which goes away with the process that holds it,
//! however that ends.
//!
//! The lock is on a file beside the ledger, which also says who holds it. That file is never removed: a run that
//! waits for it would then hold another file than the next one.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::error::LedgerError;
use crate::files::open_private;

/// How often a held lock is tried again.
const POLL: Duration = Duration::from_millis(100);

/// The right to write to a ledger, given back when dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the ledger at `path`, waiting up to `wait` for another run to end.
    pub(super) fn take(path: &Path, wait: Duration) -> Result<Self, LedgerError> {
        let name = beside(path);
        let mut file = open_private(&name).map_err(|source| LedgerError::io(&name, source))?;
        match lock_within(&file, Instant::now(), wait) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let (pid, since) = holder(&mut file);
                return Err(LedgerError::Held {
                    path: path.to_owned(),
                    pid,
                    since,
                });
            }
            Err(TryLockError::Error(source)) => return Err(LedgerError::io(&name, source)),
        }
        sign(&mut file).map_err(|source| LedgerError::io(&name, source))?;
        Ok(Self { _file: file })
    }
}

/// Locks a file, waiting up to `wait` from `start` on for whoever holds it.
pub(super) fn lock_within(file: &File, start: Instant, wait: Duration) -> Result<(), TryLockError> {
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if start.elapsed() < wait => {
                std::thread::sleep(POLL.min(wait.saturating_sub(start.elapsed())));
            }
            tried => return tried,
        }
    }
}

/// `ledger.sqlite3.lock` for `ledger.sqlite3`.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

/// Writes who holds the lock: process id and start, Unix seconds. A file with anything else in it is not a lock's.
fn sign(file: &mut File) -> std::io::Result<()> {
    let mut text = Vec::new();
    file.rewind()?;
    file.take(100).read_to_end(&mut text)?;
    if !text
        .iter()
        .all(|byte| byte.is_ascii_digit() || byte.is_ascii_whitespace())
    {
        return Err(std::io::Error::other("it holds something else than a lock"));
    }
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{} {now}", std::process::id())
}

/// Reads who holds the lock. Where locked files cannot be read, nobody knows.
fn holder(file: &mut File) -> (Option<u32>, Option<i64>) {
    let mut text = String::new();
    // An unreadable signature is as good as none.
    let _ = file
        .rewind()
        .and_then(|()| file.take(100).read_to_string(&mut text));
    let mut words = text.split_whitespace();
    (
        words.next().and_then(|word| word.parse().ok()),
        words.next().and_then(|word| word.parse().ok()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_is_told_who_holds_the_ledger() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        let first = Lock::take(&path, Duration::ZERO).unwrap();
        let error = Lock::take(&path, Duration::ZERO).unwrap_err();
        let LedgerError::Held { pid, since, .. } = error else {
            panic!("{error}")
        };
        if cfg!(unix) {
            assert_eq!(pid, Some(std::process::id()));
            assert!(since.is_some());
        }
        drop(first);
        Lock::take(&path, Duration::ZERO).unwrap();
    }

    #[test]
    fn a_file_that_is_not_a_lock_keeps_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        std::fs::write(beside(&path), "my notes").unwrap();
        assert!(Lock::take(&path, Duration::ZERO).is_err());
        assert_eq!(std::fs::read_to_string(beside(&path)).unwrap(), "my notes");
    }

    #[test]
    fn a_run_that_waits_gets_the_lock_when_the_other_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        let first = Lock::take(&path, Duration::ZERO).unwrap();
        let waiting = std::thread::spawn({
            let path = path.clone();
            move || Lock::take(&path, Duration::from_secs(60)).map(drop)
        });
        std::thread::sleep(Duration::from_millis(50));
        assert!(!waiting.is_finished());
        drop(first);
        waiting.join().unwrap().unwrap();
    }
}
