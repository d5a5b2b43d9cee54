//! A folder that exports are dropped into: which of them have come whole, and where they go.
//!
//! A file that is taken moves to `processing/`, under a name that begins with the time, and from there to `done/` or
//! `failed/`, with what was said of it beside it. It is the last to move, so that what was not finished still lies in
//! `processing/`.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

use crate::files::open_private;

/// How names end that programs give to files which they are still writing.
const UNFINISHED: [&str; 7] = [
    ".tmp",
    ".part",
    ".partial",
    ".filepart",
    ".crdownload",
    ".download",
    "~",
];

/// What is said of a file lies beside it, under its name and these.
const BESIDE: [&str; 3] = [".report.json", ".report.html", ".rejects.csv"];

/// The folder, with the right to take files from it.
pub(crate) struct Folder {
    root: PathBuf,
    /// How long a file must have stood still until it counts as whole.
    settle: Duration,
    /// What was there at the last look, and since when it has looked as it does.
    seen: HashMap<OsString, (Look, Instant)>,
    _lock: File,
}

/// What changes while a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    bytes: u64,
    modified: SystemTime,
}

impl Look {
    fn at(metadata: &Metadata) -> io::Result<Self> {
        Ok(Self {
            bytes: metadata.len(),
            modified: metadata.modified()?,
        })
    }
}

/// A file in `processing/`.
pub(crate) struct Taken {
    root: PathBuf,
    name: OsString,
    look: Look,
}

/// Where a file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// It was uploaded, whatever became of single rows.
    Done,
    /// It could not be.
    Failed,
}

impl Goal {
    fn folder(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

impl Folder {
    /// Takes the folder, and makes the folders in it that are not there yet, for its owner's eyes only. None when
    /// another watch has it.
    ///
    /// # Errors
    /// It is no folder, or nothing can be written there.
    pub(crate) fn take(root: &Path, settle: Duration) -> io::Result<Option<Self>> {
        if !fs::metadata(root)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        for name in ["processing", Goal::Done.folder(), Goal::Failed.folder()] {
            make_private_folder(&root.join(name))?;
        }
        let lock = open_private(&root.join("processing").join(".lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(Some(Self {
            root: root.to_owned(),
            settle,
            seen: HashMap::new(),
            _lock: lock,
        }))
    }

    /// The file whose turn it is: first what was taken before and not finished, then what has arrived whole, in the order
    /// of the times the files were last written.
    ///
    /// # Errors
    /// The folder cannot be read, or nothing can be moved in it.
    pub(crate) fn next(&mut self) -> io::Result<Option<Taken>> {
        if let Some(left) = self.left()? {
            return Ok(Some(left));
        }
        let arrived = self.arrived()?;
        let Some(name) = arrived.first() else {
            return Ok(None);
        };
        self.seen.remove(name);
        let taken = self.free_name(name);
        let to = self.root.join("processing").join(&taken);
        fs::rename(self.root.join(name), &to)?;
        // Whoever may write into the folder may have put something else in the file's place.
        let metadata = fs::symlink_metadata(&to)?;
        if !metadata.is_file() {
            fs::rename(&to, self.root.join(Goal::Failed.folder()).join(&taken))?;
            return Ok(None);
        }
        self.taken(taken, &metadata).map(Some)
    }

    /// The first file in `processing/`.
    fn left(&self) -> io::Result<Option<Taken>> {
        let files = files_in(&self.root.join("processing"))?;
        let first = files.into_iter().min_by(|(a, _), (b, _)| a.cmp(b));
        first
            .map(|(name, metadata)| self.taken(name, &metadata))
            .transpose()
    }

    fn taken(&self, name: OsString, metadata: &Metadata) -> io::Result<Taken> {
        Ok(Taken {
            root: self.root.clone(),
            name,
            look: Look::at(metadata)?,
        })
    }

    /// The names of the files that have stood still long enough, the oldest first. An empty file waits for its first
    /// byte.
    fn arrived(&mut self) -> io::Result<Vec<OsString>> {
        let mut seen = HashMap::new();
        let mut arrived = Vec::new();
        for (name, metadata) in files_in(&self.root)? {
            let look = Look::at(&metadata)?;
            let since = match self.seen.get(&name) {
                Some((before, since)) if *before == look => *since,
                _ => Instant::now(),
            };
            if look.bytes > 0 && since.elapsed() >= self.settle {
                arrived.push((look.modified, name.clone()));
            }
            seen.insert(name, (look, since));
        }
        self.seen = seen;
        arrived.sort();
        Ok(arrived.into_iter().map(|(_, name)| name).collect())
    }

    /// The name a file gets with which it is alone in all of the folders.
    fn free_name(&self, name: &OsStr) -> OsString {
        let now = Timestamp::now().strftime("%Y%m%dT%H%M%S%3fZ");
        let mut free = OsString::from(now.to_string());
        free.push("-");
        free.push(name);
        while ["processing", "done", "failed"]
            .iter()
            .any(|folder| self.root.join(folder).join(&free).exists())
        {
            free.push("+");
        }
        free
    }
}

impl Taken {
    /// The file.
    pub(crate) fn path(&self) -> PathBuf {
        self.root.join("processing").join(&self.name)
    }

    /// Where its report goes for programs, and for people.
    pub(crate) fn reports(&self) -> [PathBuf; 2] {
        [self.beside(BESIDE[0]), self.beside(BESIDE[1])]
    }

    /// Where its refused rows go.
    pub(crate) fn rejects(&self) -> PathBuf {
        self.beside(BESIDE[2])
    }

    /// Hidden as long as the file is not finished, so that nobody takes it for an export.
    fn beside(&self, end: &str) -> PathBuf {
        let mut name = OsString::from(".");
        name.push(&self.name);
        name.push(end);
        self.root.join("processing").join(name)
    }

    /// Whether somebody has written to the file since it was taken: then it was not whole.
    pub(crate) fn has_changed(&self) -> io::Result<bool> {
        Ok(Look::at(&fs::metadata(self.path())?)? != self.look)
    }

    /// Moves the file, and before it what was said of it. Gives its path, as seen from the folder.
    ///
    /// # Errors
    /// Something cannot be moved; the file then lies where it was.
    pub(crate) fn finish(self, goal: Goal) -> io::Result<PathBuf> {
        let folder = self.root.join(goal.folder());
        for end in BESIDE {
            let mut name = self.name.clone();
            name.push(end);
            match fs::rename(self.beside(end), folder.join(name)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                moved => moved?,
            }
        }
        fs::rename(self.path(), folder.join(&self.name))?;
        Ok(Path::new(goal.folder()).join(self.name))
    }
}

/// The exports in a folder: regular files, neither hidden nor named as files are that are still being written.
fn files_in(folder: &Path) -> io::Result<Vec<(OsString, Metadata)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let text = name.to_string_lossy().to_ascii_lowercase();
        if text.starts_with('.') || UNFINISHED.iter().any(|end| text.ends_with(end)) {
            continue;
        }
        // Of the entry itself: a link is nobody's export.
        match entry.metadata() {
            Ok(metadata) if metadata.is_file() => files.push((name, metadata)),
            Ok(_) => {}
            // It was moved away in this moment.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(files)
}

#[cfg(unix)]
fn make_private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

#[cfg(not(unix))]
fn make_private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk() -> (tempfile::TempDir, Folder) {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::take(root.path(), Duration::ZERO).unwrap().unwrap();
        (root, folder)
    }

    fn written(root: &Path, name: &str, text: &str, second: u64) {
        let path = root.join(name);
        fs::write(&path, text).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        File::options()
            .append(true)
            .open(path)
            .unwrap()
            .set_modified(time)
            .unwrap();
    }

    #[test]
    fn files_come_in_the_order_in_which_they_were_written_and_what_was_left_comes_first() {
        let (root, mut folder) = desk();
        written(root.path(), "b.csv", "x", 10);
        written(root.path(), "a.csv", "x", 20);
        let first = folder.next().unwrap().unwrap();
        assert!(first.path().to_string_lossy().ends_with("Z-b.csv"));
        // Not finished, so it comes again.
        assert_eq!(folder.next().unwrap().unwrap().path(), first.path());
        fs::write(first.rejects(), "rows").unwrap();
        let at = first.finish(Goal::Done).unwrap();
        assert!(root.path().join(&at).is_file() && at.starts_with("done"));
        let mut rejects = at.into_os_string();
        rejects.push(".rejects.csv");
        assert!(root.path().join(rejects).is_file());
        let second = folder.next().unwrap().unwrap();
        assert!(second.path().to_string_lossy().ends_with("Z-a.csv"));
        second.finish(Goal::Failed).unwrap();
        assert!(folder.next().unwrap().is_none());
    }

    #[test]
    fn a_file_that_is_still_written_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let settle = Duration::from_millis(50);
        let mut folder = Folder::take(root.path(), settle).unwrap().unwrap();
        for name in [
            "empty.csv",
            ".hidden.csv",
            "a.csv.part",
            "b.CSV.filepart",
            "c.csv~",
        ] {
            written(
                root.path(),
                name,
                if name == "empty.csv" { "" } else { "x" },
                1,
            );
        }
        for second in 1..4 {
            written(root.path(), "growing.csv", "x", second);
            assert!(folder.next().unwrap().is_none());
            std::thread::sleep(settle + Duration::from_millis(10));
        }
        let taken = folder.next().unwrap().unwrap();
        assert!(taken.path().to_string_lossy().ends_with("growing.csv"));
        assert!(!taken.has_changed().unwrap());
        fs::write(taken.path(), "more").unwrap();
        assert!(taken.has_changed().unwrap());
    }

    #[test]
    fn a_folder_is_watched_once() {
        let (root, folder) = desk();
        assert!(Folder::take(root.path(), Duration::ZERO).unwrap().is_none());
        drop(folder);
        assert!(Folder::take(root.path(), Duration::ZERO).unwrap().is_some());
        assert!(Folder::take(Path::new("/nowhere/at/all"), Duration::ZERO).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_no_export() {
        let (root, mut folder) = desk();
        std::os::unix::fs::symlink("/etc/hostname", root.path().join("a.csv")).unwrap();
        assert!(folder.next().unwrap().is_none());
    }
}
