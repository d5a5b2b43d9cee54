//! `crm2capi upload`: sends what is new.

use anyhow::{Context, Result};

use super::each::{each_run, is_one_of_several};
use super::print_error;
use super::progress::Progress;
use super::show::{Shape, show, show_opening};
use crate::cli::{PlainFormat, TalkArgs, UploadArgs};
use crate::config::{self, ReportTarget, SettingsFile};
use crate::render;
use crate::report::{ExitStatus, Summary};
use crate::run::{self, Observer, Signals, UploadSettings};
use crate::sandbox::Sandbox;
use crate::time::Clock;

pub(super) fn run(args: &UploadArgs, talk: &TalkArgs) -> Result<ExitStatus> {
    each_run(&args.read, Some(&args.report), |config| {
        let file = SettingsFile::load(config)?;
        let receivers = config::notify_settings(&file)?;
        let uploaded = upload(args, talk, &file);
        super::tell::of_upload(receivers, args, &file, &uploaded);
        let (summary, status) = uploaded?;
        let is_page = args.format != Some(PlainFormat::Json);
        Ok((is_page.then(|| render::verdict(&summary)), status))
    })
}

/// Uploads, and shows what became of it.
fn upload(args: &UploadArgs, talk: &TalkArgs, file: &SettingsFile) -> super::tell::Uploaded {
    let ready = Ready::new(args, file)?;
    let is_page = ready.format == render::Format::Human;
    let mut progress = Progress::new(talk, is_page.then_some(show_opening));
    let summary = ready.run(&mut progress)?;
    let shape = match progress.has_opened {
        true => Shape::RestOfPage,
        false => Shape::Whole(ready.format),
    };
    let status = show(
        &summary,
        shape,
        talk,
        &ready.reports,
        is_one_of_several(&args.read),
    );
    Ok((summary, status))
}

/// An upload that may begin.
pub(super) struct Ready {
    settings: UploadSettings,
    is_dry_run: bool,
    format: render::Format,
    pub(super) reports: ReportTarget,
    /// The stand-in in this process, and what it runs on.
    _sandbox: Option<(Sandbox, tokio::runtime::Runtime)>,
}

impl Ready {
    /// Settles what is meant, before anything is read.
    pub(super) fn new(args: &UploadArgs, file: &SettingsFile) -> Result<Self> {
        let reports = ReportTarget::of(&args.report)?;
        let format = match args.format {
            Some(PlainFormat::Json) => render::Format::Json,
            Some(PlainFormat::Human) => render::Format::Human,
            None => file.output.plain_format()?,
        };
        let mut read = config::read_settings(&args.read, file)?;
        read.preview = args.report.preview.map_or(read.preview, usize::from);
        let send = config::send_settings(Some(args), file)?;
        let token_file = args.endpoint.access_token_file.as_deref();
        config::refuse_overlap(&read, file, token_file, Some(&send.ledger), &reports)?;
        let sandbox = args.sandbox.then(|| sandbox(read.clock)).transpose()?;
        let is_dry_run = args.dry_run || file.delivery.dry_run.unwrap_or(false);
        let endpoint = match &sandbox {
            Some((sandbox, _)) => {
                config::endpoint_of_sandbox(sandbox.base_url(), &args.endpoint, file)?
            }
            None if is_dry_run => config::endpoint_of_nobody(&args.read, file, &send.ledger)?,
            None => config::endpoint(
                &args.endpoint,
                &args.read.settings,
                &args.read.version,
                file,
            )?,
        };
        let settings = UploadSettings {
            read,
            send,
            endpoint,
            is_sandbox: args.sandbox,
            signals: Signals::EndTheRun {
                before_sending: end_early,
            },
        };
        Ok(Self {
            settings,
            is_dry_run,
            format,
            reports,
            _sandbox: sandbox,
        })
    }

    pub(super) fn run(&self, observer: &mut dyn Observer) -> Result<Summary> {
        match self.is_dry_run {
            true => {
                super::end_upon_signal()?;
                run::rehearse_upload(&self.settings, observer)
            }
            false => run::upload(&self.settings, observer),
        }
    }
}

/// Ends the process upon a signal, while nothing has been sent.
fn end_early() {
    print_error(&anyhow::anyhow!(
        "interrupted before anything was sent; run the same command again"
    ));
    std::process::exit(ExitStatus::Interrupted.code().into());
}

/// The stand-in in this process, and what it runs on.
fn sandbox(clock: Clock) -> Result<(Sandbox, tokio::runtime::Runtime)> {
    let now = match clock {
        Clock::Fixed(now) => Some(now),
        _ => None,
    };
    // Nobody can ask afterwards what it was sent.
    let settings = crate::sandbox::Settings::in_process(now, 0);
    let runtime = tokio::runtime::Runtime::new().context("cannot start the sandbox")?;
    let sandbox = runtime
        .block_on(Sandbox::start(settings))
        .context("cannot start the sandbox")?;
    Ok((sandbox, runtime))
}
