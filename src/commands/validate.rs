//! `crm2capi validate`: the dry run for CI.

use std::path::Path;

use anyhow::{Context, Result};

use super::each::{Became, each_run, is_one_of_several};
use super::progress::Progress;
use super::show::{Shape, show};
use crate::cli::{ReportFormat, TalkArgs, ValidateArgs};
use crate::config::{self, ReportTarget, SettingsFile};
use crate::render::{self, github};
use crate::report::ExitStatus;
use crate::run;

pub(super) fn run(args: &ValidateArgs, talk: &TalkArgs) -> Result<ExitStatus> {
    each_run(&args.read, Some(&args.report), |config| {
        validate(args, talk, config)
    })
}

fn validate(args: &ValidateArgs, talk: &TalkArgs, config: Option<&Path>) -> Result<Became> {
    let file = SettingsFile::load(config)?;
    let reports = ReportTarget::of(&args.report)?;
    let mut read = config::read_settings(&args.read, &file)?;
    read.preview = args.report.preview.map_or(read.preview, usize::from);
    // A key that would stop the upload stops its dry run.
    config::send_settings(None, &file)?;
    config::notify_settings(&file)?;
    config::refuse_overlap(&read, &file, None, None, &reports)?;
    let earlier = config::earlier(&args.read, &read, &file)?;
    let mut progress = Progress::new(talk, None);
    let summary = run::validate(&read, &earlier, &mut progress)?;
    let format = match args.format.or(file.output.format) {
        None | Some(ReportFormat::Human) => render::Format::Human,
        Some(ReportFormat::Json) => render::Format::Json,
        Some(ReportFormat::Github) => render::Format::Github,
    };
    if let (render::Format::Github, Some(path)) = (format, std::env::var_os("GITHUB_STEP_SUMMARY"))
    {
        github::append_job_summary(&summary, Path::new(&path))
            .context("cannot write the job summary")?;
    }
    let status = show(
        &summary,
        Shape::Whole(format),
        talk,
        &reports,
        is_one_of_several(&args.read),
    );
    let is_page = format == render::Format::Human;
    Ok((is_page.then(|| render::verdict(&summary)), status))
}
