//! Tells whoever `[notify]` names how a command ended.

use anyhow::Result;
use serde_json::json;

use super::failure::status_of;
use crate::cli::UploadArgs;
use crate::config::{self, SettingsFile};
use crate::notify::{Notifier, Occasion, Settings, Subject};
use crate::render::{self, Format};
use crate::report::{ExitStatus, Summary};

/// How an upload ended: with a report and a status, or before there was anything to report.
pub(super) type Uploaded = Result<(Summary, ExitStatus)>;

/// Tells how an upload ended, unless nothing of it counts.
pub(super) fn of_upload(
    settings: Settings,
    args: &UploadArgs,
    file: &SettingsFile,
    uploaded: &Uploaded,
) {
    let is_test = args.test_event_code.is_some() || file.meta.test_event_code.is_some();
    if is_test || args.sandbox || args.dry_run || file.delivery.dry_run.unwrap_or(false) {
        return;
    }
    let ledger = config::ledger(Some(args), file).ok();
    let given = args.read.settings.dataset_id.as_deref();
    let notifier = Notifier {
        settings,
        subject: Subject {
            // What is no dataset's id has ended the upload already.
            dataset: config::dataset_id(given, file)
                .ok()
                .flatten()
                .unwrap_or_default(),
            settings: file.path.clone(),
            ledger: ledger.unwrap_or_default(),
        },
    };
    let now = config::clock(args.read.now).now();
    match uploaded {
        Ok((summary, status)) => {
            let mut report = Vec::new();
            // Writing to memory does not fail.
            let _ = render::render(summary, Format::Json, &mut report, 0);
            let status = *status;
            notifier.tell(&Occasion::Upload { summary, status }, &report, now);
        }
        Err(error) => {
            let (status, error) = (status_of(error), format!("{error:#}"));
            let report = report_of_failure(status, &error);
            let occasion = Occasion::NotBegun {
                status,
                error: &error,
            };
            notifier.tell(&occasion, report.as_bytes(), now);
        }
    }
}

/// The report of an upload that could not begin, for programs.
pub(super) fn report_of_failure(status: ExitStatus, error: &str) -> String {
    let report = json!({
        "command": "upload", "version": env!("CARGO_PKG_VERSION"), "exit_status": status, "error": error,
    });
    format!("{report}\n")
}
