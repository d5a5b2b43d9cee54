//! `crm2capi status`: what was delivered lately, from the ledger.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use serde_json::json;

use super::each::each;
use super::show::show_page;
use super::{lead, print_error, remote, talk};
use crate::cli::{PlainFormat, StatusArgs, TalkArgs};
use crate::config::{self, SettingsFile};
use crate::files::{Readers, check_writable, write_whole};
use crate::ledger::{LedgerReader, LedgerTarget, PastRun, Status};
use crate::notify::{Notifier, Occasion, Subject};
use crate::render::{self, FileFormat, wrap};
use crate::report::ExitStatus;
use crate::text::{HarmlessLines, counted, thousands};
use crate::time::utc;

/// Runs that are shown.
const RUNS: usize = 5;
/// So far may the clocks of the machines that share a ledger differ.
const MAX_SKEW_SECONDS: i64 = 300;
/// Cells of the longest bar.
const BAR: usize = 20;
/// So many stages of a day are named, the most frequent.
const MAX_NAMES: usize = 12;
/// Columns that the names of a day's events have at least, however narrow the terminal is.
const MIN_NAMES: usize = 20;

pub(super) fn run(args: &StatusArgs, talk: &TalkArgs) -> Result<ExitStatus> {
    let once = [("--lead -", args.lead.as_deref() == Some("-"))];
    each(&args.settings.config, &once, |config| {
        Ok((None, status(args, talk, config)?))
    })
}

fn status(args: &StatusArgs, talk: &TalkArgs, config: Option<&Path>) -> Result<ExitStatus> {
    let file = SettingsFile::load(config)?;
    if args.remote {
        return remote::run(args, talk, &file);
    }
    if let Some(value) = &args.lead {
        return lead::run(args, value, &file);
    }
    let target = config::status_ledger(args, &file)?;
    if let Some(report) = &args.report {
        check_report(report, &target)?;
    }
    let dataset = config::dataset_id(args.settings.dataset_id.as_deref(), &file)?;
    let max_age = args.max_age.as_deref();
    let max_age = max_age
        .map(|text| config::age(text, "--max-age"))
        .transpose()?;
    let receivers = config::notify_settings(&file)?;
    let now = config::clock(args.now).now();
    let ledger = LedgerReader::open(&target)?;
    // A monitor is told of an upload that never was, in the way it asked for.
    if ledger.is_none() && max_age.is_none() {
        bail!(
            "no ledger {target}; either nothing was uploaded yet, or it is elsewhere: name it with --ledger, or \
             the settings with --config"
        );
    }
    let missing = ledger.is_none().then(|| target.to_string());
    let status = ledger
        .map(|mut ledger| ledger.status(dataset.as_deref(), now, RUNS))
        .transpose()?
        .unwrap_or_default();

    let is_late = max_age.is_some_and(|max_age| is_late(status.last_success, now, max_age));
    let exit = if is_late {
        ExitStatus::Problems
    } else {
        ExitStatus::Done
    };
    let report = as_json(&status, exit).to_string();
    // Who is to be alarmed is told first: a reader of standard output may leave, or never read.
    if let Some(max_age) = max_age {
        let subject = Subject {
            dataset: dataset.clone().unwrap_or_default(),
            settings: file.path.clone(),
            ledger: target,
        };
        let notifier = Notifier {
            settings: receivers,
            subject,
        };
        let occasion = Occasion::Watched { is_late, max_age };
        notifier.tell(&occasion, format!("{report}\n").as_bytes(), now);
    }
    if let Some(path) = &args.report {
        write_report(path, &status, now, max_age.map(|_| is_late))?;
    }
    let is_one_of_several = args.settings.config.len() > 1;
    let whose = is_one_of_several.then(|| whose(config, dataset.as_deref()));
    if args.format == PlainFormat::Json || !talk.quiet || exit != ExitStatus::Done {
        show_page(args.format, |out| match args.format {
            PlainFormat::Json => writeln!(out, "{report}"),
            PlainFormat::Human => {
                let mut out = HarmlessLines::new(out);
                write!(out, "{}", whose.unwrap_or_default())?;
                write_page(&mut out, &status, now)
            }
        });
    }
    if is_late {
        let allowed = args.max_age.as_deref().unwrap_or_default();
        say_late(status.last_success, now, allowed, missing.as_deref());
    }
    Ok(exit)
}

/// Says when the last upload succeeded that is too long ago.
fn say_late(last_success: Option<i64>, now: i64, allowed: &str, missing: Option<&str>) {
    if let Some(ledger) = missing {
        return print_error(&anyhow::anyhow!(
            "no ledger {ledger}, so no upload is known to have succeeded within --max-age {allowed}; if there was one, \
             name its ledger with --ledger, or the settings with --config"
        ));
    }
    let last = match last_success {
        None => "never".to_owned(),
        Some(last) if last > now => format!("in the future ({})", utc(last)),
        Some(last) => format!("{} ago", duration(now - last)),
    };
    print_error(&anyhow::anyhow!(
        "the last successful upload was {last}, and --max-age is {allowed}; look at the scheduled job's last output"
    ));
}

/// Checks that the report is asked for in the one form there is, and takes no place of what is read.
fn check_report(report: &Path, ledger: &LedgerTarget) -> Result<()> {
    if FileFormat::of(report)? != FileFormat::Html {
        bail!(
            "status writes a report for a browser only; end the name {:?} in .html, or use --format json",
            report.display().to_string()
        );
    }
    check_writable(report)
        .with_context(|| format!("cannot write the report {}", report.display()))?;
    config::refuse_foreign("report", report)?;
    let path = ledger.path();
    if path.is_some_and(|path| same_file::is_same_file(report, path).unwrap_or(false)) {
        bail!(
            "the report {} is the ledger, which would be overwritten; name another file",
            report.display()
        );
    }
    Ok(())
}

fn write_report(path: &Path, status: &Status, now: i64, is_late: Option<bool>) -> Result<()> {
    let mut page = Vec::new();
    render::html::status::write(status, now, is_late, &mut page)?;
    write_whole(path, Readers::Usual, |out| out.write_all(&page))
        .with_context(|| format!("cannot write the report {}", path.display()))
}

/// Whether the last success is longer ago than `max_age`. One in the future comes from a clock that was wrong, and says
/// nothing of what happened lately.
fn is_late(last_success: Option<i64>, now: i64, max_age: Duration) -> bool {
    let max_age = i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX);
    last_success.is_none_or(|last| last > now + MAX_SKEW_SECONDS || now - last > max_age)
}

/// Of a day since the epoch.
fn day_name(day: i64) -> String {
    Timestamp::from_second(day * 86_400)
        .map(|at| at.strftime("%F").to_string())
        .unwrap_or_default()
}

fn as_json(status: &Status, exit: ExitStatus) -> serde_json::Value {
    let delivered = status.delivered.iter();
    json!({
        "command": "status",
        "exit_status": exit,
        "last_success": status.last_success.map(utc),
        "last_delivery": status.last_delivery.map(utc),
        "rejected": status.refused,
        "uncertain": status.uncertain,
        "resting": status.resting,
        "expired": status.expired,
        "delivered": delivered.map(|d| json!({"day": day_name(d.day), "event_name": d.name, "events": d.count})).collect::<Vec<_>>(),
        "runs": status.runs.iter().map(run_json).collect::<Vec<_>>(),
    })
}

fn run_json(run: &PastRun) -> serde_json::Value {
    json!({
        "dataset_id": run.dataset,
        "started": utc(run.started),
        "ended": run.ended.map(utc),
        "exit_status": run.exit_status,
        "rehearsal": run.is_rehearsal,
        "events": run.counts.events,
        "skipped_old": run.counts.skipped_old,
        "skipped_delivered": run.counts.skipped_delivered,
        "accepted": run.counts.accepted,
        "rejected": run.counts.rejected,
        "undelivered": run.counts.undelivered,
        "uncertain": run.counts.uncertain,
        "requests": run.counts.requests,
    })
}

/// Of several settings, whose the next lines are.
fn whose(config: Option<&Path>, dataset: Option<&str>) -> String {
    let name = config.map(|path| path.display().to_string());
    let dataset = dataset.map_or("all datasets".to_owned(), |id| format!("dataset {id}"));
    format!("{}, {dataset}\n", name.unwrap_or_default())
}

fn write_page(out: &mut impl Write, status: &Status, now: i64) -> io::Result<()> {
    match status.last_success {
        Some(last) => writeln!(
            out,
            "last successful upload  {}  ({} ago)",
            utc(last),
            duration(now - last)
        )?,
        None => writeln!(out, "no successful upload yet")?,
    }
    for (what, number, says) in [
        (
            "refused by Meta",
            status.refused,
            "not tried again unless they change",
        ),
        (
            "uncertain",
            status.uncertain,
            "sent again by the next upload",
        ),
        (
            "resting",
            status.resting,
            "uncertain after several runs; --retry-uncertain sends them",
        ),
        (
            "never known",
            status.expired,
            "uncertain until they were too old to be sent again",
        ),
    ] {
        if number > 0 {
            writeln!(out, "{what:24}{}, {says}", counted(number, "event"))?;
        }
    }
    write_days(out, status)?;
    write_runs(out, status)
}

/// A line for each day on which something was delivered.
fn write_days(out: &mut impl Write, status: &Status) -> io::Result<()> {
    let mut days: BTreeMap<i64, BTreeMap<&str, u64>> = BTreeMap::new();
    for delivered in &status.delivered {
        *days
            .entry(delivered.day)
            .or_default()
            .entry(&delivered.name)
            .or_default() += delivered.count;
    }
    let most = days
        .values()
        .map(|day| day.values().sum::<u64>())
        .max()
        .unwrap_or(0)
        .max(1);
    if !days.is_empty() {
        writeln!(out, "\ndelivered, by day (UTC)")?;
    }
    for (day, counts) in days.into_iter().rev() {
        let total: u64 = counts.values().sum();
        let cells = (total as usize * BAR).div_ceil(most as usize);
        let date = day_name(day);
        let mut counts: Vec<(&str, u64)> = counts.into_iter().collect();
        // The order of the names stays where there are few of them.
        if counts.len() > MAX_NAMES {
            counts.sort_by_key(|(_, count)| Reverse(*count));
        }
        let shown = counts.iter().take(MAX_NAMES);
        let mut parts: Vec<String> = shown
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        let others = counts.get(MAX_NAMES..).unwrap_or_default();
        if !others.is_empty() {
            let events: u64 = others.iter().map(|(_, count)| count).sum();
            parts.push(format!(
                "{} other stages {}",
                thousands(others.len() as u64),
                thousands(events)
            ));
        }
        let head = format!("  {date}  {:<BAR$}  {total:>6}  ", "█".repeat(cells));
        let indent = head.chars().count();
        let room = talk::width().saturating_sub(indent).max(MIN_NAMES);
        let names = wrap(&parts.join(", "), room).join(&format!("\n{:indent$}", ""));
        writeln!(out, "{head}{names}")?;
    }
    Ok(())
}

fn write_runs(out: &mut impl Write, status: &Status) -> io::Result<()> {
    if !status.runs.is_empty() {
        writeln!(out, "\nlast runs")?;
    }
    for run in &status.runs {
        let counts = &run.counts;
        writeln!(
            out,
            "  {}  {} accepted, {} refused, {} undelivered, {} uncertain, {} delivered before; {}",
            utc(run.started),
            counts.accepted,
            counts.rejected,
            counts.undelivered,
            counts.uncertain,
            counts.skipped_delivered,
            render::how_it_ended(run)
        )?;
    }
    Ok(())
}

/// `3 days`, `5 h`, `12 min`, `40 s`.
fn duration(seconds: i64) -> String {
    match seconds.max(0) {
        s if s >= 2 * 86_400 => format!("{} days", s / 86_400),
        s if s >= 3_600 => format!("{} h", s / 3_600),
        s if s >= 60 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Delivered;

    #[test]
    fn a_success_long_ago_in_the_future_or_never_is_late() {
        let day = Duration::from_secs(86_400);
        for (last, expected) in [
            (None, true),
            (Some(1_000_000), false),
            (Some(1_000_200), false),
            (Some(1_000_000 + 3_600), true),
            (Some(1_000_000 - 86_400), false),
            (Some(1_000_000 - 86_401), true),
        ] {
            assert_eq!(is_late(last, 1_000_000, day), expected, "{last:?}");
        }
    }

    #[test]
    fn of_hundreds_of_stages_a_day_names_the_most_frequent() {
        let delivered = |(number, count): (u64, u64)| Delivered {
            day: 20_000,
            name: format!("Stage {number:03}"),
            count,
        };
        let page = |stages: u64| {
            let mut out = Vec::new();
            let status = Status {
                delivered: (0..stages).map(|it| (it, 1 + it)).map(delivered).collect(),
                ..Status::default()
            };
            write_days(&mut out, &status).unwrap();
            String::from_utf8(out).unwrap()
        };
        let many = page(300);
        assert!(many.contains("Stage 299 300, Stage"), "{many}");
        assert!(!many.contains("Stage 287 "), "{many}");
        // 1 and 2 and so on to 288.
        let rest = many.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(rest.ends_with("288 other stages 41,616"), "{many}");
        let few = page(12);
        assert!(few.contains("Stage 000 1, Stage 001 2"), "{few}");
        assert!(!few.contains("other"), "{few}");
    }
}
