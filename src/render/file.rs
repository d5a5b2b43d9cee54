//! Reports as files: which form a file's name asks for, and writing it so that no reader ever sees half of it.

use std::io;
use std::path::Path;

use super::{html, json, junit, markdown, sarif};
use crate::files::{Readers, write_whole};
use crate::report::summary::Summary;

/// The form of a report in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileFormat {
    /// `.html`: a page for a browser.
    Html,
    /// `.json`: the same object as on standard output.
    Json,
    /// `.xml`: JUnit.
    Junit,
    /// `.sarif`: SARIF 2.1.0.
    Sarif,
    /// `.md`: Markdown.
    Markdown,
}

/// The file's name asks for no form there is.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot tell the form of the report {0:?}; end its name in .html, .json, .xml (JUnit), .sarif or .md"
)]
pub(crate) struct UnknownExtension(pub String);

impl FileFormat {
    /// The form a file's name asks for.
    pub(crate) fn of(path: &Path) -> Result<Self, UnknownExtension> {
        let extension = path
            .extension()
            .map(|extension| extension.to_string_lossy().to_ascii_lowercase());
        match extension.as_deref() {
            Some("html" | "htm") => Ok(Self::Html),
            Some("json") => Ok(Self::Json),
            Some("xml") => Ok(Self::Junit),
            Some("sarif") => Ok(Self::Sarif),
            Some("md" | "markdown") => Ok(Self::Markdown),
            _ => Err(UnknownExtension(path.display().to_string())),
        }
    }
}

/// Writes the report in the form the file's name asks for. A name that asks for none is an error of kind
/// [`io::ErrorKind::InvalidInput`].
pub(crate) fn write_file(summary: &Summary, path: &Path) -> io::Result<()> {
    let format = FileFormat::of(path)
        .map_err(|unknown| io::Error::new(io::ErrorKind::InvalidInput, unknown))?;
    let mut report = Vec::new();
    match format {
        FileFormat::Html => html::write(summary, &mut report),
        FileFormat::Json => json::write(summary, &mut report),
        FileFormat::Junit => junit::write(summary, &mut report),
        FileFormat::Sarif => sarif::write(summary, &mut report),
        FileFormat::Markdown => markdown::write(summary, &mut report),
    }?;
    write_whole(path, Readers::Usual, |out| out.write_all(&report))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::report::samples;

    #[test]
    fn the_name_of_the_file_decides_the_form() {
        let folder = tempfile::tempdir().unwrap();
        let start = |name: &str| {
            let path = folder.path().join(name);
            write_file(&samples::uploaded_with_problems(), &path).unwrap();
            fs::read_to_string(&path)
                .unwrap()
                .chars()
                .take(12)
                .collect::<String>()
        };
        assert_eq!(start("a.json"), "{\n  \"command");
        assert_eq!(start("a.xml"), "<?xml versio");
        assert_eq!(start("a.SARIF"), "{\n  \"$schema");
        assert_eq!(start("a.md"), "## crm2capi ");
        assert_eq!(start("a.html"), "<!DOCTYPE ht");
        let error = write_file(&samples::uploaded(), &folder.path().join("a.pdf")).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("end its name in .html, .json, .xml (JUnit), .sarif or .md"),
            "{error}"
        );
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            5,
            "nothing temporary is left"
        );
    }

    #[test]
    fn a_file_is_replaced_and_a_missing_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        fs::write(&path, "old").unwrap();
        write_file(&samples::uploaded(), &path).unwrap();
        assert!(fs::read_to_string(&path).unwrap().starts_with('{'));
        assert!(
            write_file(
                &samples::uploaded(),
                &folder.path().join("none/report.json")
            )
            .is_err()
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_written_to_and_never_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let summary = samples::uploaded_with_problems();
        let error = write_file(&summary, &path).unwrap_err();
        assert_eq!(error.to_string(), "nothing is reading from this pipe");
        let mut reader = std::process::Command::new("cat");
        let reader = reader
            .arg(&path)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        while write_file(&summary, &path).is_err() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let read = reader.wait_with_output().unwrap().stdout;
        assert!(read.starts_with(b"{") && read.ends_with(b"}\n"));
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_links_and_others_may_read() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (
            folder.path().join("real.json"),
            folder.path().join("link.json"),
        );
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_file(&samples::uploaded(), &link).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(fs::read_to_string(&file).unwrap().starts_with('{'));
        let plain = folder.path().join("plain");
        fs::write(&plain, "").unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&file), mode(&plain));
    }
}
