//! Reports as files: which form a file's name asks for, and writing it so that no reader ever sees half of it.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::{html, json, junit, markdown, metrics, sarif};
use crate::files::folder_of;
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
    write_whole(path, &report)
}

/// Whether [`write_whole`] could write there, as far as can be told before there is anything to write.
///
/// # Errors
/// The folder is not there or takes no files, or the path is a folder.
pub(crate) fn check_writable(path: &Path) -> io::Result<()> {
    let path = &resolved(path);
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return match path.is_dir() {
            true => Err(io::ErrorKind::IsADirectory.into()),
            false => Ok(()),
        };
    }
    let folder = folder_of(path);
    if !folder.is_dir() {
        let missing = format!("there is no folder {}", folder.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, missing));
    }
    // What the error says besides is the name of a file that nobody asked for.
    scratch(path).map_err(|error| io::Error::from(error.kind()))?;
    Ok(())
}

/// So much of a file is looked at to tell whose it is, in bytes.
const LOOKED_AT: u64 = 4_096;

/// Whether there is a file with something in it that is neither a report nor numbers of an earlier run. What is no
/// regular file holds nothing that could be lost.
///
/// # Errors
/// It cannot be read.
pub(crate) fn is_of_others(path: &Path) -> io::Result<bool> {
    if !fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0) {
        return Ok(false);
    }
    let mut start = Vec::new();
    fs::File::open(path)?
        .take(LOOKED_AT)
        .read_to_end(&mut start)?;
    let start = String::from_utf8_lossy(&start);
    let is_ours = match FileFormat::of(path) {
        Ok(FileFormat::Html) => html::begins_page(&start),
        Ok(FileFormat::Json) => json::begins(&start),
        Ok(FileFormat::Junit) => start.starts_with(junit::BEGINS),
        Ok(FileFormat::Sarif) => start.starts_with(sarif::BEGINS),
        Ok(FileFormat::Markdown) => markdown::begins(&start),
        Err(_) => metrics::begins(&start),
    };
    Ok(!is_ours)
}

/// Where the name is a link, the file it leads to is replaced and the link stays.
fn resolved(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Replaces the file at `path` in one step. What is no regular file, such as a pipe, is written to as it is.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let path = &resolved(path);
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return open_stream(path)?.write_all(content);
    }
    let mut file = scratch(path)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Opens what is no regular file. A pipe that nobody reads is an error, and not something to wait for.
fn open_stream(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        let opened = options
            .custom_flags(OFlags::NONBLOCK.bits() as i32)
            .open(path);
        let stream = opened.map_err(|error| {
            match error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) {
                true => io::Error::other("nobody reads from this pipe"),
                false => error,
            }
        })?;
        let flags = rustix::fs::fcntl_getfl(&stream)?;
        rustix::fs::fcntl_setfl(&stream, flags - OFlags::NONBLOCK)?;
        Ok(stream)
    }
    #[cfg(not(unix))]
    options.open(path)
}

/// A file beside `path` that is to take its place.
fn scratch(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        // The usual permissions of a new file, as the umask has them: others read reports and metrics.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.prefix(".crm2capi-").tempfile_in(folder_of(path))
}

#[cfg(test)]
mod tests {
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
    fn what_a_run_wrote_is_its_own_to_the_next_however_long_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let mut long = samples::uploaded_with_problems();
        let problems = long.problems.clone();
        (0..60).for_each(|_| long.problems.extend(problems.clone()));
        long.inputs = (0..60).flat_map(|_| long.inputs.clone()).collect();
        for summary in [
            long,
            samples::uploaded(),
            samples::validated(),
            samples::unreachable(),
        ] {
            for name in ["a.html", "a.json", "a.xml", "a.sarif", "a.md"] {
                let path = folder.path().join(name);
                write_file(&summary, &path).unwrap();
                assert!(!is_of_others(&path).unwrap(), "{} {name}", summary.command);
            }
            let path = folder.path().join("a.prom");
            metrics::write(&summary, &path).unwrap();
            assert!(!is_of_others(&path).unwrap(), "{}", summary.command);
        }
        let size = |name: &str| fs::metadata(folder.path().join(name)).unwrap().len();
        write_file(
            &samples::uploaded_with_problems(),
            &folder.path().join("a.sarif"),
        )
        .unwrap();
        assert!(size("a.sarif") > LOOKED_AT, "{}", size("a.sarif"));
    }

    #[test]
    fn what_only_begins_like_a_report_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let others = [
            ("a.md", "## crm2capi notes\n\nask Eva for the token\n"),
            ("a.md", "## crm2capi upload\n\nhow we do it\n"),
            (
                "a.sarif",
                r#"{"$schema":"x","version":"2.1.0","runs":[{"tool":{"driver":{"name":"crm2capi-other"}}}]}"#,
            ),
            (
                "a.xml",
                "<?xml version=\"1.0\"?>\n<jobs><job>crm2capi upload</job></jobs>\n",
            ),
            (
                "a.html",
                "<!DOCTYPE html><html><head><title>crm2capi</title></head></html>",
            ),
            (
                "a.json",
                "{\n  \"command\": \"crm2capi upload\",\n  \"cron\": \"@daily\"\n}\n",
            ),
            (
                "a.json",
                "{\n  \"command\": \"build\",\n  \"version\": \"1\"\n}\n",
            ),
            (
                "a.prom",
                "# HELP crm2capi_ours our own\n# TYPE crm2capi_ours counter\ncrm2capi_ours 1\n",
            ),
        ];
        for (name, text) in others {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            assert!(is_of_others(&path).unwrap(), "{text}");
        }
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
        assert_eq!(error.to_string(), "nobody reads from this pipe");
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
