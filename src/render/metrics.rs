//! The last run as a Prometheus text file, for node_exporter's textfile collector.
//!
//! Every value is a gauge about the last run, labelled with the dataset so that the files of several datasets do not
//! clash. The time of the last success outlives runs that fail: it is taken over from the file that is replaced.
//! Source: <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use crate::files::{Readers, write_whole};
use crate::report::exit::ExitStatus;
use crate::report::stages::{Counts, Sending};
use crate::report::summary::{Destination, Summary};

const LAST_SUCCESS: &str = "crm2capi_last_success_timestamp_seconds";

/// Whether numbers of an earlier run begin so.
pub(super) fn begins(start: &str) -> bool {
    let name = start
        .strip_prefix("# HELP ")
        .and_then(|rest| rest.split_once(' '));
    name.is_some_and(|(name, rest)| {
        let kind = format!("# TYPE {name} gauge\n{name}{{command=\"");
        let kind = rest
            .split_once('\n')
            .map(|(_, rest)| rest.starts_with(&kind));
        name.starts_with("crm2capi_") && kind == Some(true)
    })
}

/// Replaces the file at `path`, which appears whole or not at all.
pub(crate) fn write(summary: &Summary, path: &Path) -> io::Result<()> {
    let before = if path.is_file() {
        std::fs::read_to_string(path)?
    } else {
        String::new()
    };
    let text = text(summary, &before);
    write_whole(path, Readers::Usual, |out| out.write_all(text.as_bytes()))
}

/// The file's text; `before` is the text it replaces.
fn text(summary: &Summary, before: &str) -> String {
    let dataset = summary
        .destination
        .as_ref()
        .and_then(Destination::dataset_id)
        .unwrap_or_default();
    let labels = format!(
        "{{command=\"{}\",dataset=\"{}\"}}",
        summary.command,
        label(dataset)
    );
    let mut text = String::new();
    let success = if is_success(summary) {
        finished(summary)
    } else {
        earlier_success(before, &labels)
    };
    let success = (
        LAST_SUCCESS,
        "When the last run ended that left no event undelivered.",
        success,
    );
    for (name, help, value) in gauges(summary).into_iter().chain([success]) {
        if let Some(value) = value {
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "# HELP {name} {help}\n# TYPE {name} gauge\n{name}{labels} {value}\n"
            );
        }
    }
    text
}

/// A name, what it is, and its value where the run has one.
type Gauge = (&'static str, &'static str, Option<f64>);

fn finished(summary: &Summary) -> Option<f64> {
    summary.finished.map(|time| time.as_second() as f64)
}

/// Everything that is told of the run itself.
fn gauges(summary: &Summary) -> Vec<Gauge> {
    let counts = &summary.counts;
    let number = |number: u64| Some(number as f64);
    let mut gauges = vec![
        (
            "crm2capi_rows",
            "Data records the last run read.",
            number(summary.rows),
        ),
        (
            "crm2capi_rows_invalid",
            "Data records the last run refused.",
            number(summary.rows_invalid),
        ),
        (
            "crm2capi_events",
            "Events the last run built from valid rows.",
            number(counts.events),
        ),
        (
            "crm2capi_events_too_old",
            "Events of the last run older than Meta takes.",
            number(counts.skipped_old),
        ),
        (
            "crm2capi_events_sent_before",
            "Events that an earlier run delivered.",
            number(counts.skipped_delivered),
        ),
        (
            "crm2capi_events_in_flight_elsewhere",
            "Events that another run had in hand at the same time.",
            number(counts.in_flight_elsewhere),
        ),
    ];
    gauges.extend(fates(counts));
    let status = f64::from(summary.exit_status.code());
    gauges.extend([
        (
            "crm2capi_requests",
            "Requests the last run made.",
            number(summary.requests),
        ),
        (
            "crm2capi_exit_status",
            "Exit status of the last run.",
            Some(status),
        ),
        (
            "crm2capi_duration_seconds",
            "How long the last run took.",
            summary.duration_seconds,
        ),
        (
            "crm2capi_last_run_timestamp_seconds",
            "When the last run ended.",
            finished(summary),
        ),
    ]);
    gauges
}

/// What became of the events that were worth sending.
fn fates(counts: &Counts) -> Vec<Gauge> {
    match counts.sending {
        Sending::Planned { would_send } => vec![(
            "crm2capi_events_sendable",
            "Events that would be sent.",
            Some(would_send as f64),
        )],
        Sending::Done {
            accepted,
            rejected,
            undelivered,
            uncertain,
        } => vec![
            (
                "crm2capi_events_accepted",
                "Events Meta accepted in the last run.",
                Some(accepted as f64),
            ),
            (
                "crm2capi_events_rejected",
                "Events Meta refused in the last run.",
                Some(rejected as f64),
            ),
            (
                "crm2capi_events_undelivered",
                "Events the last run did not get to Meta.",
                Some(undelivered as f64),
            ),
            (
                "crm2capi_events_uncertain",
                "Events the last run sent without getting a receipt.",
                Some(uncertain as f64),
            ),
        ],
    }
}

/// Whether the run did all it could: refused rows do not go away by running again, undelivered events do. Rehearsals
/// deliver nothing that counts.
fn is_success(summary: &Summary) -> bool {
    let is_rehearsal = matches!(
        summary.destination,
        Some(Destination::Sandbox | Destination::TestEvents { .. })
    );
    let is_done = matches!(summary.exit_status, ExitStatus::Done | ExitStatus::Problems);
    is_done && summary.counts.unsettled() == 0 && !is_rehearsal
}

fn earlier_success(before: &str, labels: &str) -> Option<f64> {
    let value = |line: &str| {
        line.strip_prefix(LAST_SUCCESS)?
            .strip_prefix(labels)?
            .trim()
            .parse()
            .ok()
    };
    before
        .lines()
        .find_map(value)
        .filter(|value: &f64| value.is_finite())
}

/// A label's value, as the text format escapes it.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn an_upload_gives_one_gauge_a_number() {
        insta::assert_snapshot!(text(&samples::uploaded_with_problems(), ""), @r#"
    # HELP crm2capi_rows Data records the last run read.
    # TYPE crm2capi_rows gauge
    crm2capi_rows{command="upload",dataset="123456789012345"} 1216
    # HELP crm2capi_rows_invalid Data records the last run refused.
    # TYPE crm2capi_rows_invalid gauge
    crm2capi_rows_invalid{command="upload",dataset="123456789012345"} 10
    # HELP crm2capi_events Events the last run built from valid rows.
    # TYPE crm2capi_events gauge
    crm2capi_events{command="upload",dataset="123456789012345"} 20
    # HELP crm2capi_events_too_old Events of the last run older than Meta takes.
    # TYPE crm2capi_events_too_old gauge
    crm2capi_events_too_old{command="upload",dataset="123456789012345"} 3
    # HELP crm2capi_events_sent_before Events that an earlier run delivered.
    # TYPE crm2capi_events_sent_before gauge
    crm2capi_events_sent_before{command="upload",dataset="123456789012345"} 5
    # HELP crm2capi_events_in_flight_elsewhere Events that another run had in hand at the same time.
    # TYPE crm2capi_events_in_flight_elsewhere gauge
    crm2capi_events_in_flight_elsewhere{command="upload",dataset="123456789012345"} 0
    # HELP crm2capi_events_accepted Events Meta accepted in the last run.
    # TYPE crm2capi_events_accepted gauge
    crm2capi_events_accepted{command="upload",dataset="123456789012345"} 11
    # HELP crm2capi_events_rejected Events Meta refused in the last run.
    # TYPE crm2capi_events_rejected gauge
    crm2capi_events_rejected{command="upload",dataset="123456789012345"} 1
    # HELP crm2capi_events_undelivered Events the last run did not get to Meta.
    # TYPE crm2capi_events_undelivered gauge
    crm2capi_events_undelivered{command="upload",dataset="123456789012345"} 0
    # HELP crm2capi_events_uncertain Events the last run sent without getting a receipt.
    # TYPE crm2capi_events_uncertain gauge
    crm2capi_events_uncertain{command="upload",dataset="123456789012345"} 0
    # HELP crm2capi_requests Requests the last run made.
    # TYPE crm2capi_requests gauge
    crm2capi_requests{command="upload",dataset="123456789012345"} 8
    # HELP crm2capi_exit_status Exit status of the last run.
    # TYPE crm2capi_exit_status gauge
    crm2capi_exit_status{command="upload",dataset="123456789012345"} 1
    # HELP crm2capi_duration_seconds How long the last run took.
    # TYPE crm2capi_duration_seconds gauge
    crm2capi_duration_seconds{command="upload",dataset="123456789012345"} 1.25
    # HELP crm2capi_last_run_timestamp_seconds When the last run ended.
    # TYPE crm2capi_last_run_timestamp_seconds gauge
    crm2capi_last_run_timestamp_seconds{command="upload",dataset="123456789012345"} 1795305600
    # HELP crm2capi_last_success_timestamp_seconds When the last run ended that left no event undelivered.
    # TYPE crm2capi_last_success_timestamp_seconds gauge
    crm2capi_last_success_timestamp_seconds{command="upload",dataset="123456789012345"} 1795305600
    "#);
    }

    #[test]
    fn the_last_success_outlives_runs_that_fail() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("crm2capi.prom");
        let success = || {
            let text = std::fs::read_to_string(&path).unwrap();
            let line = text
                .lines()
                .find(|line| line.starts_with(LAST_SUCCESS))
                .map(str::to_owned);
            line.map(|line| line.rsplit(' ').next().unwrap().to_owned())
        };
        write(&samples::unreachable(), &path).unwrap();
        assert_eq!(success(), None);
        write(&samples::uploaded(), &path).unwrap();
        assert_eq!(success().as_deref(), Some("1795305600"));
        let later = Summary {
            finished: Some(jiff::Timestamp::MAX),
            ..samples::unreachable()
        };
        write(&later, &path).unwrap();
        assert_eq!(success().as_deref(), Some("1795305600"));
    }

    #[test]
    fn a_rehearsal_is_no_success() {
        let rehearsal = Summary {
            destination: Some(Destination::Sandbox),
            ..samples::uploaded()
        };
        assert!(!text(&rehearsal, "").contains(LAST_SUCCESS));
    }

    #[test]
    fn a_run_that_sends_nothing_claims_nothing_was_accepted_or_lost() {
        let text = text(&samples::validated(), "");
        assert!(
            text.contains("crm2capi_events_sendable{command=\"validate\",dataset=\"\"} 21\n"),
            "{text}"
        );
        assert!(!text.contains("accepted") && !text.contains("undelivered{"));
    }
}
