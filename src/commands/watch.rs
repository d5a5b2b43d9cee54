//! `crm2capi watch`: uploads what is dropped into a folder.

use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow, bail};
use tokio::runtime::Runtime;
use tokio::sync::watch::Receiver;

use super::failure::status_of;
use super::show::{in_one_line, write_files};
use super::tell::{Uploaded, of_upload, report_of_failure};
use super::upload::Ready;
use super::{print_error, talk};
use crate::cli::{TalkArgs, UploadArgs, WatchArgs};
use crate::config::{self, SettingsFile};
use crate::deliver::{Interrupt, interrupt};
use crate::ledger::LedgerError;
use crate::notify;
use crate::render;
use crate::report::ExitStatus;
use crate::text::{counted, harmless};
use crate::watch::{Folder, Goal, Taken};

/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(900);

pub(super) fn run(args: WatchArgs, talk: &TalkArgs) -> Result<ExitStatus> {
    let WatchArgs { mut upload, settle } = args;
    refuse_what_is_decided(&upload)?;
    let root = upload.read.files.remove(0);
    // What is wrong with the settings is said at once and not with the first file.
    let file = SettingsFile::load(upload.read.settings.only_config())?;
    if file.delivery.dry_run.unwrap_or(false) {
        bail!(
            "dry_run under [delivery] would move files to done/ that were never sent; watch cannot have it"
        );
    }
    if !upload.sandbox {
        config::endpoint(
            &upload.endpoint,
            &upload.read.settings,
            &upload.read.version,
            &file,
        )?;
    }
    let at = || format!("cannot watch {}", root.display());
    let Some(folder) = Folder::take(&root, settle).with_context(at)? else {
        print_error(&anyhow!("{}: another watch has it", at()));
        return Ok(ExitStatus::NotDone);
    };
    let runtime = Runtime::new().context("cannot wait for signals")?;
    let interrupt = {
        let _within = runtime.enter();
        interrupt::listen().context("cannot listen for Ctrl-C")?
    };
    tracing::info!("watching {}", harmless(&root.to_string_lossy()));
    Watch {
        upload,
        talk,
        settle,
        folder,
        runtime,
        interrupt,
    }
    .run()
}

/// Refuses what would be written over by each file, or is nothing that a watch does.
fn refuse_what_is_decided(upload: &UploadArgs) -> Result<()> {
    let read = &upload.read;
    let given = [
        ("--rejects", read.rejects.is_some()),
        ("--leads-missing", read.leads_missing.is_some()),
        ("--report", !upload.report.report.is_empty()),
        ("--preview", upload.report.preview.is_some()),
        ("--format", upload.format.is_some()),
    ];
    if let Some((option, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
        bail!(
            "{option} is for one upload; watch leaves report and refused rows of each file beside it"
        );
    }
    if upload.dry_run {
        bail!(
            "--dry-run sends nothing, so watch would move files to done/ that were never sent; try --sandbox"
        );
    }
    if read.files[0].as_os_str() == "-" {
        bail!("watch takes a folder; `crm2capi upload -` reads standard input");
    }
    Ok(())
}

struct Watch<'a> {
    upload: UploadArgs,
    talk: &'a TalkArgs,
    settle: Duration,
    folder: Folder,
    runtime: Runtime,
    interrupt: Receiver<Interrupt>,
}

/// How an attempt at a file ended.
enum Ended {
    /// There is nothing more to do for it.
    Finished(Goal),
    /// It is to be tried again later.
    Waits,
    /// A signal ended it.
    Interrupted,
}

impl Watch<'_> {
    /// Goes on until a signal comes.
    fn run(mut self) -> Result<ExitStatus> {
        let mut attempts = 0;
        loop {
            let turn = self.turn();
            let has_finished = matches!(turn, Ok(Some(Ended::Finished(_))));
            match turn {
                Ok(Some(Ended::Interrupted)) => return Ok(ExitStatus::Interrupted),
                Ok(Some(Ended::Finished(_)) | None) => attempts = 0,
                Ok(Some(Ended::Waits)) => attempts += 1,
                Err(error) => {
                    print_error(&error.context("the folder cannot be worked with"));
                    attempts += 1;
                }
            }
            let wait = match attempts {
                0 if has_finished => Duration::ZERO,
                0 => LOOK_EVERY.min(self.settle),
                _ => (self.settle * 2_u32.saturating_pow(attempts - 1)).min(LONGEST_WAIT),
            };
            if attempts > 0 {
                tracing::info!("trying again in {}", counted(wait.as_secs(), "second"));
            }
            if self.is_interrupted_within(wait) {
                return Ok(ExitStatus::Done);
            }
        }
    }

    /// Takes the next file and uploads it; none when there is none.
    fn turn(&mut self) -> Result<Option<Ended>> {
        let Some(taken) = self.folder.next()? else {
            return Ok(None);
        };
        let (mut ended, became) = self.attempt(&taken);
        if matches!(ended, Ended::Finished(_)) && taken.has_changed()? {
            tracing::warn!(
                "{}: it was written to while it was uploaded, so it is uploaded once more",
                harmless(&taken.path().to_string_lossy())
            );
            ended = Ended::Waits;
        }
        if let Ended::Finished(goal) = ended {
            let at = self.folder.finish(taken, goal)?;
            if let Some(became) = became {
                let line = format!("{}: {became}", at.display());
                // Whether anybody reads it does not change what was done.
                let _ = talk::print(&format!("{}\n", harmless(&line)));
            }
        }
        Ok(Some(ended))
    }

    /// Uploads a file. Says in a few words what became of it, where that is worth a line.
    fn attempt(&mut self, taken: &Taken) -> (Ended, Option<String>) {
        self.upload.read.files = vec![taken.path()];
        self.upload.read.rejects = Some(taken.rejects());
        self.upload.report.report = taken.reports().into();
        let (file, receivers) = match self.settings() {
            Ok(settings) => settings,
            Err(error) => return (self.failed_itself(taken, error), None),
        };
        let mut unwritten = Vec::new();
        let uploaded = Ready::new(&self.upload, &file).map(|ready| {
            let summary = ready.run(&mut ())?;
            unwritten = write_files(&summary, &ready.reports);
            let status = summary.exit_status;
            Ok((summary, status))
        });
        let uploaded: Uploaded = match uploaded {
            Ok(uploaded) => uploaded,
            Err(error) => return (self.failed_itself(taken, error), None),
        };
        of_upload(receivers, &self.upload, &file, &uploaded);
        let (ended, became) = self.judge(taken, uploaded);
        // What was accepted is in the ledger, so that trying again costs no more than another reading.
        match (ended, unwritten.is_empty()) {
            (Ended::Finished(_), false) => {
                let error = anyhow!("{}", unwritten.join("; "));
                (self.failed_itself(taken, error), None)
            }
            (ended, _) => (ended, became),
        }
    }

    fn settings(&self) -> Result<(SettingsFile, notify::Settings)> {
        let file = SettingsFile::load(self.upload.read.settings.only_config())?;
        let receivers = config::notify_settings(&file)?;
        Ok((file, receivers))
    }

    /// The settings, the token or the ledger are not as they must be, which is no fault of the file's.
    fn failed_itself(&self, taken: &Taken, error: Error) -> Ended {
        let path = taken.path();
        print_error(&error.context(format!("{} waits", harmless(&path.to_string_lossy()))));
        Ended::Waits
    }

    fn judge(&self, taken: &Taken, uploaded: Uploaded) -> (Ended, Option<String>) {
        let path = taken.path();
        // Such as refused rows that could not be written.
        let is_cut_short = matches!(&uploaded, Ok((summary, _)) if summary.ended.is_some());
        let (status, says, is_error) = match uploaded {
            Ok((summary, ExitStatus::Done)) => (ExitStatus::Done, render::verdict(&summary), false),
            Ok((summary, status)) => (status, in_one_line(&summary), true),
            Err(error) if error.downcast_ref::<LedgerError>().is_some() => {
                return (self.failed_itself(taken, error), None);
            }
            Err(error) => {
                let (status, says) = (status_of(&error), format!("{error:#}"));
                let [for_programs, _] = taken.reports();
                let report = report_of_failure(status, &says);
                if let Err(error) = std::fs::write(&for_programs, report) {
                    tracing::warn!("cannot write the report: {error}");
                }
                (status, says, true)
            }
        };
        let path = path.display().to_string();
        if is_error && says.contains(&path) {
            print_error(&anyhow!("{says}"));
        } else if is_error {
            print_error(&anyhow!("{path}: {says}"));
        }
        let is_wanted = is_error || !self.talk.quiet;
        let says = says.replacen(&path, "it", 1);
        let became = is_wanted.then(|| format!("status {}, {says}", status.code()));
        let ended = match status {
            ExitStatus::Problems if is_cut_short => Ended::Waits,
            ExitStatus::Done | ExitStatus::Problems => Ended::Finished(Goal::Done),
            ExitStatus::Usage => Ended::Finished(Goal::Failed),
            ExitStatus::Interrupted => Ended::Interrupted,
            _ => Ended::Waits,
        };
        (ended, became)
    }

    fn is_interrupted_within(&self, wait: Duration) -> bool {
        let asked = interrupt::reaches(self.interrupt.clone(), Interrupt::Finish);
        self.runtime
            .block_on(async { tokio::time::timeout(wait, asked).await })
            .is_ok()
    }
}
