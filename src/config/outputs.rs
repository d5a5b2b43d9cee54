//! Which files a run writes, and that none of them is one it reads.
//!
//! Files are told apart by what they are and not by their names: a link, a hard link or another spelling of the path
//! leads to the same file.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use same_file::Handle;

use super::file::SettingsFile;
use super::leads::leads_output;
use crate::cli::ReportArgs;
use crate::files::{Output, check_writable, holds_others};
use crate::ledger::LedgerTarget;
use crate::render::{FileFormat, is_of_others};
use crate::run::{MISSING_LEADS_BEGIN, ReadSettings};
use crate::source::Input;

/// Where a report goes besides standard output.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReportTarget {
    /// Files, each in the form its name asks for.
    pub files: Vec<PathBuf>,
    /// The numbers for Prometheus.
    pub metrics: Option<PathBuf>,
}

impl ReportTarget {
    /// Checks that every file's name asks for a form there is.
    ///
    /// # Errors
    /// One does not.
    pub(crate) fn of(args: &ReportArgs) -> Result<Self> {
        for path in &args.report {
            FileFormat::of(path)?;
        }
        Ok(Self {
            files: args.report.clone(),
            metrics: args.metrics_file.clone(),
        })
    }

    fn refuse_unwritable(&self) -> Result<()> {
        let files = self.files.iter().map(|path| ("report", path));
        let metrics = self.metrics.iter().map(|path| ("metrics", path));
        for (what, path) in files.chain(metrics) {
            refuse_unwritable(what, path)?;
            refuse_foreign(what, path)?;
        }
        Ok(())
    }
}

/// What cannot be written is said before anything is sent, not after.
fn refuse_unwritable(what: &str, path: &Path) -> Result<()> {
    check_writable(path).map_err(|error| {
        let path = path.display();
        anyhow!("cannot write the {what} {path}: {error}; nothing was sent")
    })
}

/// Refuses to replace a file that is not an earlier one of ours.
///
/// # Errors
/// There is such a file, and something else stands in it; or it cannot be read.
pub(crate) fn refuse_foreign(what: &str, path: &Path) -> Result<()> {
    refuse_others(what, path, is_of_others(path))
}

fn refuse_others(what: &str, path: &Path, is_of_others: io::Result<bool>) -> Result<()> {
    if is_of_others.with_context(|| format!("cannot read the {what} {}", path.display()))? {
        bail!(
            "{} is there already and was not written by crm2capi's {}, so it is not replaced; name another file, or move \
             that one away",
            path.display(),
            if what == "metrics" {
                "--metrics-file"
            } else {
                "--report"
            }
        );
    }
    Ok(())
}

/// Refuses a run that would write over what it reads, write two things into one file, or write where it cannot. Called
/// before anything is read.
///
/// # Errors
/// Two of the files are the same, and the message names both; or a report cannot be written.
pub(crate) fn refuse_overlap(
    read: &ReadSettings,
    file: &SettingsFile,
    token_file: Option<&Path>,
    ledger: Option<&LedgerTarget>,
    reports: &ReportTarget,
) -> Result<()> {
    let read_from = read.inputs.iter().filter_map(Input::path);
    let mut inputs: Vec<Place> = read_from.map(|path| Place::of("the input", path)).collect();
    let named = file.path.iter().map(|path| ("the settings file", path));
    let secrets: Vec<_> = secret_files(file, token_file).collect();
    let leads = read.join.inputs.iter().filter_map(Input::path);
    inputs.extend(leads.map(|path| Place::of("Meta's leads", path)));
    inputs.extend(named.map(|(what, path)| Place::of(what, path)));
    inputs.extend(secrets.iter().map(|(what, path)| Place::of(what, path)));

    let ledger = ledger.and_then(LedgerTarget::path);
    let beside: Vec<PathBuf> = ledger
        .iter()
        .flat_map(|path| {
            ["-wal", "-shm", "-journal", ".lock", ".reserve"].map(|end| with_end(path, end))
        })
        .collect();
    let mut outputs: Vec<Place> = ledger
        .iter()
        .map(|path| Place::of("the ledger", path))
        .collect();
    outputs.extend(
        beside
            .iter()
            .map(|path| Place::of("the ledger's own", path)),
    );
    let rejects = read.rejects.iter().map(|path| ("the rejects file", path));
    let files = reports.files.iter().map(|path| ("the report", path));
    let metrics = reports
        .metrics
        .iter()
        .map(|path| ("the metrics file", path));
    let missing = (read.join.missing.iter()).map(|path| ("the missing leads", path));
    for (what, path) in rejects.chain(missing).chain(files).chain(metrics) {
        refuse_link_of_others(what, path)?;
        outputs.push(Place::of(what, path));
    }
    for (index, output) in outputs.iter().enumerate() {
        let others = inputs.iter().chain(&outputs[index + 1..]);
        if let Some(other) = others.into_iter().find(|other| output.is(other)) {
            bail!(
                "{} {} and {} {} are the same file, which would be overwritten; name another file",
                output.what,
                output.path.display(),
                other.what,
                other.path.display(),
            );
        }
    }
    reports.refuse_unwritable()?;
    if let Some(path) = &read.join.missing {
        let what = "missing leads";
        refuse_unwritable(what, path)?;
        let begins = |start: &str| start.starts_with(MISSING_LEADS_BEGIN);
        refuse_others(what, path, holds_others(path, begins))?;
    }
    Ok(())
}

/// The files that hold secrets.
fn secret_files(
    file: &SettingsFile,
    token_file: Option<&Path>,
) -> impl Iterator<Item = (&'static str, PathBuf)> {
    let in_file = file.meta.access_token_file.as_ref();
    let token_file = token_file
        .map(Path::to_owned)
        .or_else(|| in_file.map(|path| file.resolve(path)));
    let ledger_url_file = file.delivery.ledger_url_file.as_ref();
    let url_file = file.notify.url_file.as_ref();
    let token_file = token_file.map(|path| ("the access token file", path));
    let url_file = url_file.map(|path| ("the url_file under [notify]", file.resolve(path)));
    let ledger_url_file = ledger_url_file.map(|path| {
        let path = file.resolve(path);
        ("the ledger_url_file under [delivery]", path)
    });
    (token_file.into_iter().chain(url_file)).chain(ledger_url_file)
}

/// Refuses settings that are a run each, in turn, and name one output: the second run would write over the first one's.
/// Settings that cannot be read are left to their own run.
///
/// # Errors
/// Two name the same file; the message names both settings.
pub(crate) fn refuse_shared(settings: &[PathBuf]) -> Result<()> {
    refuse_same(settings, |file| {
        let rejects = file.output.rejects.iter();
        let rejects = rejects.map(|it| ("rejects under [output]", file.resolve(it)));
        let missing = file.join.missing.iter();
        let missing = missing.map(|it| ("missing under [join]", file.resolve(it)));
        rejects.chain(missing).collect()
    })
}

/// The same of settings with which leads are downloaded: two clients' leads in one file could not be told apart.
///
/// # Errors
/// As of [`refuse_shared`].
pub(crate) fn refuse_shared_leads(settings: &[PathBuf]) -> Result<()> {
    refuse_same(settings, |file| match leads_output(None, file) {
        Output::File(path) => vec![("output under [leads]", path)],
        _ => Vec::new(),
    })
}

fn refuse_same(
    settings: &[PathBuf],
    outputs: impl Fn(&SettingsFile) -> Vec<(&'static str, PathBuf)>,
) -> Result<()> {
    let mut named: Vec<(&Path, &'static str, PathBuf)> = Vec::new();
    for path in settings {
        let Ok(file) = SettingsFile::load(Some(path)) else {
            continue;
        };
        for (what, output) in outputs(&file) {
            let place = Place::of(what, &output);
            let mut others = named.iter();
            if let Some((other, before, _)) =
                others.find(|(_, before, path)| place.is(&Place::of(before, path)))
            {
                bail!(
                    "{before} of {} and {what} of {} are the same file {}, which both runs would write to; name another \
                     file",
                    other.display(),
                    path.display(),
                    output.display()
                );
            }
            named.push((path, what, output));
        }
    }
    Ok(())
}

/// Refuses to write through a link that somebody else has put there, as the system does in shared folders for whoever
/// opens such a link.
///
/// # Errors
/// The last part of the path is a link that belongs neither to this user nor to the system.
#[cfg(unix)]
fn refuse_link_of_others(what: &str, path: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let own = rustix::process::geteuid().as_raw();
    let is_of_others = std::fs::symlink_metadata(path)
        .is_ok_and(|it| it.is_symlink() && ![own, 0].contains(&it.uid()));
    if is_of_others {
        bail!(
            "{what} {} is a link of another user, who may have aimed it at a file of yours; name another place",
            path.display()
        );
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_link_of_others(_: &str, _: &Path) -> Result<()> {
    Ok(())
}

/// A file of the run and what it is to it.
struct Place<'a> {
    what: &'static str,
    path: &'a Path,
    identity: Identity,
}

#[derive(PartialEq)]
enum Identity {
    /// The file is there. A device or a pipe holds nothing that could be overwritten.
    File(Handle),
    /// It is not there yet, but would be here.
    Future(PathBuf),
    /// Nothing that could be mixed up with another file.
    Other,
}

impl<'a> Place<'a> {
    fn of(what: &'static str, path: &'a Path) -> Self {
        let identity = match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => {
                Handle::from_path(path).map_or(Identity::Other, Identity::File)
            }
            Ok(_) => Identity::Other,
            Err(_) => Identity::Future(future_path(path)),
        };
        Self {
            what,
            path,
            identity,
        }
    }

    fn is(&self, other: &Self) -> bool {
        self.identity != Identity::Other && self.identity == other.identity
    }
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Where a file would appear, through links and whatever the path's spelling.
fn future_path(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    // As many links as the system itself would follow.
    for _ in 0..40 {
        let Ok(target) = std::fs::read_link(&path) else {
            break;
        };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    let absolute = std::path::absolute(&path).unwrap_or(path);
    let mut missing = Vec::new();
    for ancestor in absolute.ancestors() {
        if let Ok(real) = ancestor.canonicalize() {
            return missing
                .iter()
                .rev()
                .fold(real, |path, part| path.join(part));
        }
        missing.extend(ancestor.file_name());
    }
    absolute
}
