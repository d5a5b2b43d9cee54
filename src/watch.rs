//! A folder that exports are dropped into: which of them have come whole, and where they go.
//!
//! A file that is taken moves to `processing/`, under a name that begins with the time, and from there to `done/` or
//! `failed/`, with what was said of it beside it. It is the last to move, so that what was not finished still lies in
//! `processing/`.

use std::collections::{HashMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use same_file::Handle;

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

/// The folders in it. Exports are uploaded in the first.
const FOLDERS: [&str; 3] = ["processing", "done", "failed"];

/// Tells other watches that the folder is taken.
const LOCK: &str = ".lock";

/// What is said of a file lies beside it, under its name and these.
const BESIDE: [&str; 3] = [".report.json", ".report.html", ".rejects.csv"];

/// How long, and how many of the files that are finished are looked after: whoever wrote one may not have been.
const LATE: Duration = Duration::from_secs(3_600);
const MOST_LATE: usize = 1_000;

/// The bytes of a name that are kept: with the time before it and the endings behind it systems take no more.
const LONGEST_NAME: usize = 180;

/// The folder, with the right to take files from it.
pub(crate) struct Folder {
    root: PathBuf,
    /// How long a file must have stood still until it counts as whole.
    settle: Duration,
    /// What was there at the last look, and since when it has looked as it does.
    seen: HashMap<OsString, (Look, Instant)>,
    /// Files that were finished lately, and how they looked.
    finished: VecDeque<(PathBuf, Look, Instant)>,
    lock: File,
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
            Self::Done => FOLDERS[1],
            Self::Failed => FOLDERS[2],
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
        let Some(lock) = lock(root)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            root: root.to_owned(),
            settle,
            seen: HashMap::new(),
            finished: VecDeque::new(),
            lock,
        }))
    }

    /// Makes sure that the folders in it are still there and its own: they may have been moved away, or a link may have
    /// been put in the place of one.
    fn keep(&mut self) -> io::Result<()> {
        for name in FOLDERS {
            make_own_folder(&self.root.join(name))?;
        }
        let held = Handle::from_file(self.lock.try_clone()?)?;
        let place = self.root.join(FOLDERS[0]).join(LOCK);
        if !Handle::from_path(place).is_ok_and(|there| there == held) {
            self.lock =
                lock(&self.root)?.ok_or_else(|| io::Error::other("another watch has it by now"))?;
        }
        Ok(())
    }

    /// The file whose turn it is: first what was taken before and not finished, then what has arrived whole, in the order
    /// of the times the files were last written.
    ///
    /// # Errors
    /// The folder cannot be read, or nothing can be moved in it.
    pub(crate) fn next(&mut self) -> io::Result<Option<Taken>> {
        self.keep()?;
        if let Some(left) = self.left()? {
            return Ok(Some(left));
        }
        if let Some(late) = self.late()? {
            return Ok(Some(late));
        }
        let arrived = self.arrived()?;
        let Some(name) = arrived.first() else {
            return Ok(None);
        };
        self.seen.remove(name);
        let taken = self.free_name(name);
        let to = self.root.join(FOLDERS[0]).join(&taken);
        fs::rename(self.root.join(name), &to)?;
        // Whoever may write into the folder may have put something else in the file's place.
        let metadata = fs::symlink_metadata(&to)?;
        if !metadata.is_file() {
            fs::rename(&to, self.root.join(Goal::Failed.folder()).join(&taken))?;
            return Ok(None);
        }
        self.taken(taken, &metadata).map(Some)
    }

    /// The first file in `processing/`. One that somebody has put there gets a name with which it is alone.
    fn left(&self) -> io::Result<Option<Taken>> {
        let folder = self.root.join(FOLDERS[0]);
        let first = files_in(&folder)?
            .into_iter()
            .min_by(|(a, _), (b, _)| a.cmp(b));
        let Some((mut name, metadata)) = first else {
            return Ok(None);
        };
        if !begins_with_a_time(&name) {
            let free = self.free_name(&name);
            fs::rename(folder.join(&name), folder.join(&free))?;
            name = free;
        }
        self.taken(name, &metadata).map(Some)
    }

    /// A file that was finished and has been written to since, back in `processing/`: whoever wrote it had paused.
    fn late(&mut self) -> io::Result<Option<Taken>> {
        self.finished.retain(|(_, _, at)| at.elapsed() < LATE);
        let look = |path: &Path| {
            let metadata = fs::symlink_metadata(path).ok()?;
            metadata.is_file().then(|| Look::at(&metadata).ok())?
        };
        let changed = |(path, before, _): &(PathBuf, Look, Instant)| {
            look(path).is_some_and(|now| now != *before)
        };
        let Some(place) = self.finished.iter().position(changed) else {
            return Ok(None);
        };
        let Some((path, ..)) = self.finished.remove(place) else {
            return Ok(None);
        };
        let name = path.file_name().unwrap_or_default().to_owned();
        let back = self.root.join(FOLDERS[0]).join(&name);
        fs::rename(&path, &back)?;
        self.taken(name, &fs::symlink_metadata(&back)?).map(Some)
    }

    /// Moves a file to where it belongs, and before it what was said of it. Gives its path, as seen from the folder.
    ///
    /// # Errors
    /// Something cannot be moved; the file then lies where it was.
    pub(crate) fn finish(&mut self, taken: Taken, goal: Goal) -> io::Result<PathBuf> {
        let look = taken.look;
        let at = taken.finish(goal)?;
        if goal == Goal::Done {
            self.finished
                .push_back((self.root.join(&at), look, Instant::now()));
            if self.finished.len() > MOST_LATE {
                self.finished.pop_front();
            }
        }
        Ok(at)
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

    /// The name a file gets with which it is alone in all of the folders. Of a long name the end is kept.
    fn free_name(&self, name: &OsStr) -> OsString {
        let now = Timestamp::now().strftime("%Y%m%dT%H%M%S%3fZ");
        let mut free = OsString::from(format!("{now}-"));
        match name.len() <= LONGEST_NAME {
            true => free.push(name),
            false => {
                let text = name.to_string_lossy();
                let from = text.len() - LONGEST_NAME;
                let end = (from..text.len()).find(|at| text.is_char_boundary(*at));
                free.push(&text[end.unwrap_or(from)..]);
            }
        }
        while FOLDERS
            .iter()
            .any(|folder| self.root.join(folder).join(&free).exists())
        {
            free.push("+");
        }
        free
    }
}

/// Whether a name is one that [`Folder::free_name`] gave: the time, to the millisecond, and the name.
fn begins_with_a_time(name: &OsStr) -> bool {
    const FORM: &[u8] = b"00000000T000000000Z-";
    let name = name.as_encoded_bytes();
    let is_alike = |(form, byte): (&u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        _ => form == byte,
    };
    name.len() > FORM.len() && FORM.iter().zip(name).all(is_alike)
}

impl Taken {
    /// The file.
    pub(crate) fn path(&self) -> PathBuf {
        self.root.join(FOLDERS[0]).join(&self.name)
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
        self.root.join(FOLDERS[0]).join(name)
    }

    /// Whether somebody has written to the file since it was taken: then it was not whole.
    pub(crate) fn has_changed(&self) -> io::Result<bool> {
        Ok(Look::at(&fs::metadata(self.path())?)? != self.look)
    }

    fn finish(self, goal: Goal) -> io::Result<PathBuf> {
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

/// Locks the folder; none when another watch has it.
fn lock(root: &Path) -> io::Result<Option<File>> {
    for name in FOLDERS {
        make_own_folder(&root.join(name))?;
    }
    let lock = open_private(&root.join(FOLDERS[0]).join(LOCK))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Makes a folder for this user's eyes only, unless it is there. What is there must be a folder and this user's own: files
/// are moved through it.
fn make_own_folder(path: &Path) -> io::Result<()> {
    match new_folder().create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made?,
    }
    let found = fs::symlink_metadata(path)?;
    if !found.is_dir() || !is_own(&found) {
        return Err(io::Error::other(format!(
            "{} is a link, or another user's; remove it",
            path.display()
        )));
    }
    Ok(())
}

#[cfg(unix)]
fn new_folder() -> fs::DirBuilder {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = fs::DirBuilder::new();
    builder.mode(0o700);
    builder
}

#[cfg(not(unix))]
fn new_folder() -> fs::DirBuilder {
    fs::DirBuilder::new()
}

#[cfg(unix)]
fn is_own(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.uid() == rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn is_own(_: &Metadata) -> bool {
    true
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
        let at = folder.finish(first, Goal::Done).unwrap();
        assert!(root.path().join(&at).is_file() && at.starts_with("done"));
        let mut rejects = at.into_os_string();
        rejects.push(".rejects.csv");
        assert!(root.path().join(rejects).is_file());
        let second = folder.next().unwrap().unwrap();
        assert!(second.path().to_string_lossy().ends_with("Z-a.csv"));
        folder.finish(second, Goal::Failed).unwrap();
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

    #[test]
    fn what_somebody_has_put_among_the_taken_files_writes_over_nothing() {
        let (root, mut folder) = desk();
        fs::write(root.path().join("done/x.csv"), "kept").unwrap();
        fs::write(root.path().join("processing/x.csv"), "new").unwrap();
        let taken = folder.next().unwrap().unwrap();
        let at = folder.finish(taken, Goal::Done).unwrap();
        assert!(begins_with_a_time(at.file_name().unwrap()));
        let kept = fs::read_to_string(root.path().join("done/x.csv")).unwrap();
        assert_eq!(kept, "kept");
    }

    #[test]
    fn a_file_that_is_written_to_after_it_was_finished_comes_back() {
        let (root, mut folder) = desk();
        written(root.path(), "a.csv", "x", 10);
        let taken = folder.next().unwrap().unwrap();
        let at = folder.finish(taken, Goal::Done).unwrap();
        assert!(folder.next().unwrap().is_none());
        fs::write(root.path().join(&at), "x and more").unwrap();
        let again = folder.next().unwrap().unwrap();
        assert_eq!(folder.finish(again, Goal::Done).unwrap(), at);
        assert!(folder.next().unwrap().is_none());
    }

    #[test]
    fn the_end_of_a_long_name_is_kept() {
        let (root, mut folder) = desk();
        let name = format!("{}ü.csv", "é".repeat(120));
        written(root.path(), &name, "x", 10);
        let taken = folder.next().unwrap().unwrap();
        fs::write(taken.rejects(), "rows").unwrap();
        let at = folder.finish(taken, Goal::Done).unwrap();
        assert!(at.to_string_lossy().ends_with("éü.csv"), "{at:?}");
    }

    #[test]
    fn folders_that_were_moved_away_are_made_anew() {
        let (root, mut folder) = desk();
        fs::rename(root.path().join("processing"), root.path().join("old")).unwrap();
        fs::remove_dir_all(root.path().join("done")).unwrap();
        written(root.path(), "a.csv", "x", 10);
        let taken = folder.next().unwrap().unwrap();
        folder.finish(taken, Goal::Done).unwrap();
        assert!(Folder::take(root.path(), Duration::ZERO).unwrap().is_none());
    }

    #[cfg(unix)]
    #[test]
    fn no_file_goes_through_a_link_in_the_place_of_a_folder() {
        let (root, mut folder) = desk();
        let other = tempfile::tempdir().unwrap();
        fs::write(other.path().join("precious.csv"), "x").unwrap();
        for name in FOLDERS {
            let place = root.path().join(name);
            fs::rename(&place, root.path().join("away")).unwrap();
            std::os::unix::fs::symlink(other.path(), &place).unwrap();
            written(root.path(), "a.csv", "x", 10);
            assert!(folder.next().is_err(), "{name}");
            assert!(Folder::take(root.path(), Duration::ZERO).is_err(), "{name}");
            fs::remove_file(&place).unwrap();
            fs::rename(root.path().join("away"), &place).unwrap();
        }
        let left: Vec<_> = fs::read_dir(other.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_no_export() {
        let (root, mut folder) = desk();
        std::os::unix::fs::symlink("/etc/hostname", root.path().join("a.csv")).unwrap();
        assert!(folder.next().unwrap().is_none());
    }
}
