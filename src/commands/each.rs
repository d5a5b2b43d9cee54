//! Several settings on one command line: each is a run of its own, in turn.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::failure::{status_of, with_a_way_on};
use super::{print_error, talk};
use crate::cli::{ReadArgs, ReportArgs};
use crate::config;
use crate::report::ExitStatus;
use crate::text::harmless;

/// What became of a run in a few words, where it is to be said again at the end, and the status it alone ends with.
pub(super) type Became = (Option<String>, ExitStatus);

/// Calls `run` once for each settings file, or once without one. A run that fails keeps no other from its turn; the
/// worst status is that of all.
///
/// # Errors
/// That of the only run, or there is `once` what several runs would take turns at.
pub(super) fn each(
    settings: &[PathBuf],
    once: &[(&str, bool)],
    mut run: impl FnMut(Option<&Path>) -> Result<Became>,
) -> Result<ExitStatus> {
    let [_, _, ..] = settings else {
        let (_, status) = run(settings.first().map(PathBuf::as_path))?;
        return Ok(status);
    };
    if let Some((what, _)) = once.iter().find(|(_, is_given)| *is_given) {
        bail!(
            "{what} serves one run, and each --config is a run of its own; give the command once for each"
        );
    }
    let mut worst = ExitStatus::Done;
    let mut page = String::new();
    for path in settings {
        let (became, status) = run(Some(path)).unwrap_or_else(|error| {
            let (became, status) = (format!("{error:#}"), status_of(&error));
            let error = with_a_way_on(error);
            let name = path.display().to_string();
            print_error(&match became.contains(&name) {
                true => error,
                false => error.context(name),
            });
            (Some(became), status)
        });
        if let Some(became) = became {
            let line = format!("{}: status {}, {became}", path.display(), status.code());
            page.push_str(&harmless(&line));
            page.push('\n');
        }
        worst = worst.max(status);
        if status == ExitStatus::Interrupted {
            break;
        }
    }
    // Whether standard output can be written decides no status.
    let _ = talk::print(&page);
    Ok(worst)
}

/// Whether what is said of a run has to say which it is.
pub(super) fn is_one_of_several(read: &ReadArgs) -> bool {
    read.settings.config.len() > 1
}

/// As [`each`], for commands that read exports: what several runs would write over or take from each other is refused.
///
/// # Errors
/// As of [`each`].
pub(super) fn each_run(
    read: &ReadArgs,
    report: Option<&ReportArgs>,
    run: impl FnMut(Option<&Path>) -> Result<Became>,
) -> Result<ExitStatus> {
    let once = [
        ("--rejects", read.rejects.is_some()),
        (
            "--report",
            report.is_some_and(|report| !report.report.is_empty()),
        ),
        (
            "--metrics-file",
            report.is_some_and(|report| report.metrics_file.is_some()),
        ),
        ("--leads-missing", read.leads_missing.is_some()),
        (
            "standard input",
            read.files.iter().any(|path| path.as_os_str() == "-"),
        ),
    ];
    let settings = &read.settings.config;
    if settings.len() > 1 {
        config::refuse_shared(settings)?;
    }
    each(settings, &once, run)
}
