//! From what a command line names to inputs: files, standard input, folders, patterns and archives.
//!
//! In go paths, out come inputs in the order given, those of a folder, a pattern or an archive in the order of their
//! names. What such a place holds besides exports is passed over and named; a file that was named itself is an input
//! whatever it holds, so that opening it says what is wrong with it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::archive;
use super::content::{self, Content};
use super::input::Input;

/// How much of a file is looked at.
const SAMPLE_BYTES: u64 = 64 * 1024;
/// What the names of exports end in.
const ENDINGS: [&str; 9] = [
    "csv", "tsv", "tab", "txt", "json", "jsonl", "ndjson", "xlsx", "xlsm",
];
/// What compression adds to such a name.
const PACKED_ENDINGS: [&str; 4] = ["gz", "gzip", "zst", "zstd"];

/// What paths come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expanded {
    /// The exports.
    pub inputs: Vec<Input>,
    /// Files of folders, patterns and archives that were passed over, and why: `exports/terms.pdf is a PDF`.
    pub passed_over: Vec<String>,
}

/// Why a path comes to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExpandError {
    /// `-` stands more than once.
    #[error("standard input (-) can be read only once")]
    StdinTwice,
    /// An address stands where a path should.
    #[error(
        "{0} is an address, and none is fetched; download the export, or pipe it: curl -sL 'ADDRESS' | crm2capi validate -"
    )]
    Address(String),
    /// A pattern is malformed.
    #[error("{pattern} is not a pattern ({reason}); write it like 'exports/*.csv'")]
    Pattern {
        /// What was given.
        pattern: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A pattern matches nothing.
    #[error("no file matches {0}; check the pattern")]
    NoMatch(String),
    /// A folder, a pattern or an archive holds no export.
    #[error("{place} holds no export{}; exports are CSV, TSV, JSON, NDJSON or XLSX files", besides(.passed_over))]
    NoExport {
        /// What was given.
        place: String,
        /// What was passed over.
        passed_over: Vec<String>,
    },
    /// An archive cannot be read.
    #[error("{}: the archive {reason}", .path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// Why, and what to do.
        reason: &'static str,
    },
    /// A folder or a file in it cannot be read.
    #[error("{} cannot be read: {source}; check its permissions", .path.display())]
    Unreadable {
        /// What cannot be read.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

fn besides(passed_over: &[String]) -> String {
    match passed_over {
        [] => String::new(),
        [only] => format!(" ({only})"),
        [first, rest @ ..] => format!(" ({first}, and {} more)", rest.len()),
    }
}

/// Finds the inputs that paths mean.
///
/// # Errors
///
/// A folder, a pattern or an archive holds no export or cannot be read.
pub(crate) fn expand(paths: &[PathBuf]) -> Result<Expanded, ExpandError> {
    let mut expanded = Expanded::default();
    for path in paths {
        let before = expanded.inputs.len();
        let passed_before = expanded.passed_over.len();
        expanded.add(path)?;
        if expanded.inputs.len() == before {
            return Err(ExpandError::NoExport {
                place: path.display().to_string(),
                passed_over: expanded.passed_over.split_off(passed_before),
            });
        }
    }
    Ok(expanded)
}

impl Expanded {
    fn add(&mut self, path: &Path) -> Result<(), ExpandError> {
        if path.as_os_str() == "-" {
            if self.inputs.contains(&Input::Stdin) {
                return Err(ExpandError::StdinTwice);
            }
            self.inputs.push(Input::Stdin);
            return Ok(());
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.add_folder(path),
            Ok(metadata) if metadata.is_file() && is_archive(path) => self.add_archive(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_address(path) => {
                Err(ExpandError::Address(path.display().to_string()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_pattern(path) => {
                self.add_pattern(path)
            }
            // Opening it says what is wrong, if something is.
            _ => {
                self.inputs.push(Input::File(path.to_owned()));
                Ok(())
            }
        }
    }

    fn add_folder(&mut self, folder: &Path) -> Result<(), ExpandError> {
        let unreadable = |source| ExpandError::Unreadable {
            path: folder.to_owned(),
            source,
        };
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            names.push(entry.map_err(unreadable)?.file_name());
        }
        names.sort();
        for name in names {
            if !is_hidden(&name.to_string_lossy()) {
                self.add_found(&folder.join(&name), true)?;
            }
        }
        Ok(())
    }

    fn add_pattern(&mut self, pattern: &Path) -> Result<(), ExpandError> {
        let pattern = pattern.to_string_lossy();
        let options = glob::MatchOptions {
            require_literal_leading_dot: true,
            require_literal_separator: true,
            ..glob::MatchOptions::default()
        };
        let matches = glob::glob_with(&pattern, options).map_err(|error| ExpandError::Pattern {
            pattern: pattern.to_string(),
            reason: error.msg,
        })?;
        let mut has_matched = false;
        for path in matches {
            let path = path.map_err(|error| ExpandError::Unreadable {
                path: error.path().to_owned(),
                source: error.into(),
            })?;
            has_matched = true;
            self.add_found(&path, false)?;
        }
        match has_matched {
            true => Ok(()),
            false => Err(ExpandError::NoMatch(pattern.into_owned())),
        }
    }

    /// Adds a file that was found, if it is an export or an archive of some.
    fn add_found(&mut self, path: &Path, must_be_named_so: bool) -> Result<(), ExpandError> {
        let metadata = fs::metadata(path).map_err(|source| ExpandError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        if metadata.is_dir() {
            return Ok(());
        }
        if !metadata.is_file() {
            self.pass_over(path, "no file");
            return Ok(());
        }
        let content = look_at(path).map_err(|source| ExpandError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        match content {
            Content::Archive => return self.add_archive(path),
            Content::Other { found, .. } => self.pass_over(path, found),
            Content::Text
                if must_be_named_so && !is_named_like_an_export(&path.to_string_lossy()) =>
            {
                self.pass_over(path, "not named like an export");
            }
            Content::Text | Content::Workbook => self.inputs.push(Input::File(path.to_owned())),
        }
        Ok(())
    }

    fn add_archive(&mut self, path: &Path) -> Result<(), ExpandError> {
        let file = File::open(path).map_err(|source| ExpandError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let names = archive::names(&file);
        let mut names = names.map_err(|reason| ExpandError::Archive {
            path: path.to_owned(),
            reason,
        })?;
        names.sort();
        for name in names {
            let is_of_the_system = name
                .split('/')
                .any(|part| is_hidden(part) || part == "__MACOSX");
            if is_of_the_system {
                continue;
            }
            if is_named_like_an_export(&name) {
                self.inputs.push(Input::Member {
                    archive: path.to_owned(),
                    name,
                });
            } else {
                self.pass_over(&path.join(name), "not named like an export");
            }
        }
        Ok(())
    }

    fn pass_over(&mut self, path: &Path, what: &str) {
        self.passed_over
            .push(format!("{} is {what}", path.display()));
    }
}

fn is_archive(path: &Path) -> bool {
    look_at(path).is_ok_and(|content| content == Content::Archive)
}

fn look_at(path: &Path) -> io::Result<Content> {
    let mut sample = Vec::new();
    File::open(path)?
        .take(SAMPLE_BYTES)
        .read_to_end(&mut sample)?;
    Ok(content::of(&sample))
}

/// Whether a path is one of the web's.
fn is_address(path: &Path) -> bool {
    path.to_str().is_some_and(|text| text.contains("://"))
}

fn is_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '['])
}

/// Whether a name is that of a file nobody put there to be read: hidden, or Excel's lock on an opened workbook.
fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || name.starts_with("~$")
}

fn is_named_like_an_export(name: &str) -> bool {
    let name = name.to_lowercase();
    let mut endings = name.rsplit('.');
    let last = endings.next().unwrap_or_default();
    let ending = match PACKED_ENDINGS.contains(&last) {
        true => endings.next().unwrap_or_default(),
        false => last,
    };
    ENDINGS.contains(&ending) && ending.len() < name.len()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::source::{Chunk, Settings, Source};

    const EXPORT: &[u8] = b"email,stage\nava@example.com,New\n";

    fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, content) in members {
            let options = zip::write::SimpleFileOptions::default();
            archive.start_file(*name, options).unwrap();
            archive.write_all(content).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(folder.path().join(name), content).unwrap();
        }
        folder
    }

    /// The inputs as text, without the folder they are in.
    fn inputs(
        folder: &tempfile::TempDir,
        path: &str,
    ) -> Result<(Vec<String>, Vec<String>), String> {
        let root = format!("{}{}", folder.path().display(), std::path::MAIN_SEPARATOR);
        let short = |text: String| text.replace(&root, "").replace('\\', "/");
        let expanded =
            expand(&[folder.path().join(path)]).map_err(|error| short(error.to_string()))?;
        let inputs = expanded.inputs.iter().map(|input| short(input.to_string()));
        Ok((
            inputs.collect(),
            expanded.passed_over.into_iter().map(short).collect(),
        ))
    }

    #[test]
    fn a_folder_is_the_exports_in_it_by_name() {
        let archive = zip(&[
            ("z.csv", EXPORT),
            ("sub/a.json", b"[]"),
            ("__MACOSX/z.csv", b""),
            ("read.me", b""),
        ]);
        let folder = folder(&[
            ("b.csv", EXPORT),
            ("a.CSV.gz", b"\x1f\x8b\x08"),
            ("c.zip", &archive),
            ("terms.pdf", b"%PDF-1.7"),
            ("crm2capi.toml", b"[crm]\n"),
            (".hidden.csv", EXPORT),
            ("~$leads.xlsx", b"me"),
            ("leads", EXPORT),
        ]);
        fs::create_dir(folder.path().join("done")).unwrap();
        let (inputs, passed_over) = inputs(&folder, "").unwrap();
        assert_eq!(
            inputs,
            ["a.CSV.gz", "b.csv", "c.zip/sub/a.json", "c.zip/z.csv"]
        );
        assert_eq!(
            passed_over,
            [
                "c.zip/read.me is not named like an export",
                "crm2capi.toml is not named like an export",
                "leads is not named like an export",
                "terms.pdf is a PDF",
            ]
        );
    }

    #[test]
    fn a_pattern_takes_what_it_matches_whatever_its_name() {
        let folder = folder(&[
            ("2.lead", EXPORT),
            ("1.lead", EXPORT),
            ("3.lead", b"%PDF-"),
            ("x.csv", EXPORT),
        ]);
        let (found, passed_over) = inputs(&folder, "*.lead").unwrap();
        assert_eq!(
            (found, passed_over),
            (
                vec!["1.lead".into(), "2.lead".into()],
                vec!["3.lead is a PDF".into()]
            )
        );
        let nothing = inputs(&folder, "*.json").unwrap_err();
        assert_eq!(nothing, "no file matches *.json; check the pattern");
        assert!(
            inputs(&folder, "a***b")
                .unwrap_err()
                .contains("is not a pattern")
        );
    }

    #[test]
    fn a_file_that_is_named_is_an_input_whatever_it_holds() {
        let folder = folder(&[("terms.pdf", b"%PDF-1.7"), ("a[1].csv", EXPORT)]);
        for name in ["terms.pdf", "a[1].csv", "missing.csv"] {
            assert_eq!(inputs(&folder, name).unwrap().0, [name]);
        }
        assert!(expand(&["-".into(), "-".into()]).is_err());
        assert_eq!(expand(&["-".into()]).unwrap().inputs, [Input::Stdin]);
    }

    #[test]
    fn a_place_without_an_export_says_what_it_holds() {
        let archive = zip(&[("a.pdf", b"%PDF-")]);
        let folder = folder(&[("a.zip", &archive), ("b.zip", b"PK\x03\x04 cut")]);
        assert_eq!(
            inputs(&folder, "a.zip").unwrap_err(),
            "a.zip holds no export (a.zip/a.pdf is not named like an export); exports are CSV, TSV, JSON, NDJSON or XLSX files"
        );
        assert_eq!(
            inputs(&folder, "b.zip").unwrap_err(),
            "b.zip: the archive is damaged; download it again"
        );
    }

    #[test]
    fn a_member_of_an_archive_is_read_twice_like_a_file() {
        let rows = "ava@example.com,New\n".repeat(100_000);
        let export = format!("email,stage\n{rows}");
        let mut archive = zip(&[("other.csv", EXPORT), ("leads.csv", export.as_bytes())]);
        let folder = folder(&[("a.zip", &archive)]);
        let input = Input::Member {
            archive: folder.path().join("a.zip"),
            name: "leads.csv".into(),
        };
        let rows_of = |source: &mut Source| {
            let (mut chunk, mut rows) = (Chunk::default(), 0);
            while source.fill(&mut chunk).unwrap() {
                rows += chunk.len();
            }
            rows
        };
        let mut source = Source::open(&input, &Settings::default()).unwrap();
        let again = source.again(&Settings::default()).unwrap();
        assert_eq!(rows_of(&mut source), 100_000);
        assert_eq!(rows_of(&mut again.open().unwrap()), 100_000);

        // A member whose checksum is another one is damaged.
        let sum = crc32fast::hash(export.as_bytes()).to_le_bytes();
        let places: Vec<usize> = memchr::memmem::find_iter(&archive, &sum).collect();
        places.iter().for_each(|place| archive[*place] ^= 1);
        fs::write(folder.path().join("a.zip"), &archive).unwrap();
        let mut source = Source::open(&input, &Settings::default()).unwrap();
        let mut chunk = Chunk::default();
        let error = loop {
            match source.fill(&mut chunk) {
                Ok(true) => {}
                Ok(false) => panic!("the damage was not noticed"),
                Err(error) => break error.to_string(),
            }
        };
        assert!(error.contains("is damaged"), "{error}");
    }
}
