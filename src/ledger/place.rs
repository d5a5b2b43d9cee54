//! Where a ledger lies: one real path for every name it goes by, and a file that is fit to be one.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::error::LedgerError;
use crate::files::folder_of;

/// The real path of the ledger at `path`, whether it exists already or not, so that two runs that use different names
/// for it still meet.
pub(super) fn real_path(path: &Path) -> Result<PathBuf, LedgerError> {
    refuse_schemes(path)?;
    let io = |source| LedgerError::io(path, source);
    match fs::canonicalize(path) {
        Ok(real) => return Ok(real),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io(error)),
    }
    // A link to a file that is not there yet: the ledger is made where it points to.
    if let Ok(target) = fs::read_link(path) {
        let target = folder_of(path).join(target);
        let name = target
            .file_name()
            .ok_or_else(|| io(io::ErrorKind::NotFound.into()))?;
        return Ok(fs::canonicalize(folder_of(&target)).map_err(io)?.join(name));
    }
    make_folder(path)?;
    let name = path
        .file_name()
        .ok_or_else(|| io(io::ErrorKind::NotFound.into()))?;
    Ok(fs::canonicalize(folder_of(path)).map_err(io)?.join(name))
}

/// `:memory:` would remember nothing, and an address is not a file name.
pub(super) fn refuse_schemes(path: &Path) -> Result<(), LedgerError> {
    let text = path.to_string_lossy();
    let scheme = text.split_once(':').map(|(scheme, _)| scheme);
    // One letter is a drive.
    let is_scheme = scheme.is_some_and(|scheme| {
        scheme.len() != 1
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    });
    if is_scheme && !path.exists() {
        return Err(LedgerError::NotAFileName(path.to_owned()));
    }
    Ok(())
}

/// Makes the folder of a ledger, for its owner only.
fn make_folder(path: &Path) -> Result<(), LedgerError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder_of(path))
        .map_err(|source| LedgerError::io(path, source))
}

/// Whether `path` still names the file that was opened.
#[cfg(unix)]
pub(super) fn is_same(path: &Path, opened: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).is_ok_and(|now| (now.dev(), now.ino()) == (opened.dev(), opened.ino()))
}

/// Whether `path` still names a file. Where files have no numbers, a file in use cannot be replaced.
#[cfg(not(unix))]
pub(super) fn is_same(path: &Path, _: &Metadata) -> bool {
    path.exists()
}

/// Warns when a ledger is somebody else's, who could read and change what it remembers.
#[cfg(unix)]
pub(super) fn warn_of_other_owner(path: &Path, opened: &Metadata) {
    use std::os::unix::fs::MetadataExt;
    if opened.uid() != rustix::process::geteuid().as_raw() {
        tracing::warn!(
            "the ledger {} belongs to another user, who can read and change it",
            path.display()
        );
    }
}

#[cfg(not(unix))]
pub(super) fn warn_of_other_owner(_: &Path, _: &Metadata) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_or_memory_is_no_file_name() {
        for wrong in [
            ":memory:",
            "postgres://db/ledger",
            "mysql:x",
            "file:ledger?mode=memory",
        ] {
            let error = real_path(Path::new(wrong)).unwrap_err();
            assert!(
                matches!(error, LedgerError::NotAFileName(_)),
                "{wrong}: {error}"
            );
        }
        for right in [
            "ledger.sqlite3",
            "C:\\ledger",
            "./:memory:",
            "/var/lib/x:y/ledger",
        ] {
            assert!(refuse_schemes(Path::new(right)).is_ok(), "{right}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_and_its_target_are_one_place_even_before_there_is_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("a"), folder.path().join("b"));
        std::os::unix::fs::symlink("a", &link).unwrap();
        assert_eq!(real_path(&target).unwrap(), real_path(&link).unwrap());
        std::fs::write(&target, "").unwrap();
        assert_eq!(real_path(&target).unwrap(), real_path(&link).unwrap());
    }
}
