//! `crm2capi validate`: everything up to the sending, for CI and for whoever looks before leaping.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::cli::{ReportFormat, TalkArgs, ValidateArgs};
use crate::config::{Reading, SettingsFile};
use crate::render::{self, FileFormat, github};
use crate::report::ExitStatus;
use crate::report::stages::{Fate, Plan};
use crate::run::account::{self, Account};
use crate::run::rejects::{Known, Rejects};
use crate::run::{self, Feed, Pass};

pub(super) fn run(args: &ValidateArgs, talk: &TalkArgs) -> Result<ExitStatus> {
    let started = Instant::now();
    for path in &args.report {
        FileFormat::of(path)?;
    }
    let file = SettingsFile::load(args.read.config.as_deref())?;
    let reading = Reading::resolve(&args.read, &file)?;
    let mut feeds = Feed::open_all(&reading)?;
    let mut rejects = Rejects::asked_for(&reading, &feeds)?;
    let mut account = Account::start("validate", &reading, &feeds, Plan::Pretend);
    for (index, feed) in feeds.iter().enumerate() {
        account.note(index, feed, &feed.doubts());
    }
    run::run(&mut feeds, Pass::Judging, reading.threads, |prepared| {
        let picked = account.take(prepared);
        account.settle_picked(prepared, &picked, Fate::Undelivered);
        if let Some(rejects) = &mut rejects {
            rejects.take(prepared, &Known::default())?;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    if let Some(rejects) = rejects {
        rejects.finish()?;
    }
    let summary = account.close(started.elapsed());
    for path in &args.report {
        render::write_file(&summary, path)
            .with_context(|| format!("cannot write the report {}", path.display()))?;
    }
    let format = args
        .format
        .or(file.output.format)
        .unwrap_or(ReportFormat::Human);
    if let (ReportFormat::Github, Some(path)) = (format, std::env::var_os("GITHUB_STEP_SUMMARY")) {
        github::append_job_summary(&summary, Path::new(&path))
            .context("cannot write the job summary")?;
    }
    account::print(&summary, format, talk.quiet, args.metrics_file.as_deref())
}
