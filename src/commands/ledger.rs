//! `crm2capi ledger check` and `crm2capi ledger copy`: looks a ledger over, or copies one into another.

use std::io::{self, Write};

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

use super::print_error;
use super::show::{show_page, write_finding};
use crate::cli::{LedgerArgs, LedgerCheckArgs, LedgerCopyArgs, LedgerVerb, PlainFormat, TalkArgs};
use crate::config::{self, SettingsFile};
use crate::ledger::{self, Checked, Copied, LedgerTarget, Pair};
use crate::report::ExitStatus;
use crate::text::{counted, harmless, thousands};

pub(super) fn run(args: &LedgerArgs, talk: &TalkArgs) -> Result<ExitStatus> {
    match &args.verb {
        LedgerVerb::Check(args) => check(args, talk),
        LedgerVerb::Copy(args) => copy(args, talk),
    }
}

fn check(args: &LedgerCheckArgs, talk: &TalkArgs) -> Result<ExitStatus> {
    let settings = SettingsFile::load(args.config.as_deref())?;
    let target = config::ledger_of(args.ledger.as_deref(), &settings)?;
    let Some(checked) = ledger::check(&target)? else {
        bail!(
            "there is no ledger {target}; either nothing was uploaded yet, or it lies elsewhere: name it, or the settings with \
             --config"
        );
    };
    let status = match checked.is_sound() {
        true => ExitStatus::Done,
        false => ExitStatus::Problems,
    };
    if args.format == PlainFormat::Json || !talk.quiet || status != ExitStatus::Done {
        show_page(args.format, |out| match args.format {
            PlainFormat::Json => writeln!(out, "{}", checked_as_json(&checked, &target, status)),
            PlainFormat::Human => write_checked(out, &checked, &target),
        });
    }
    if status != ExitStatus::Done {
        print_error(&anyhow::anyhow!(
            "the ledger {target} is not as it should be; the lines that begin with NO say what to do"
        ));
    }
    Ok(status)
}

fn write_checked(out: &mut impl Write, checked: &Checked, target: &LedgerTarget) -> io::Result<()> {
    writeln!(out, "{}", harmless(&target.to_string()))?;
    for looked in &checked.looked {
        let what = format!("{:<12}", looked.what);
        write_finding(out, looked.ok, &what, &looked.says)?;
    }
    let counts = checked.counts.0.iter();
    let counts: Vec<String> = counts
        .map(|(what, count)| format!("{} {}", thousands(*count), what.replace('_', " ")))
        .collect();
    writeln!(out, "{}", counts.join(", "))
}

fn checked_as_json(checked: &Checked, target: &LedgerTarget, status: ExitStatus) -> Value {
    let checks = checked.looked.iter();
    let checks: Vec<Value> = checks
        .map(|looked| json!({"what": looked.what, "ok": looked.ok, "says": looked.says}))
        .collect();
    let counts = checked.counts.0.iter();
    let counts: Map<String, Value> = counts
        .map(|(what, count)| ((*what).to_owned(), (*count).into()))
        .collect();
    json!({
        "command": "ledger check", "exit_status": status, "ledger": target.to_string(), "checks": checks,
        "counts": counts,
    })
}

fn copy(args: &LedgerCopyArgs, talk: &TalkArgs) -> Result<ExitStatus> {
    let settings = SettingsFile::load(args.config.as_deref())?;
    let from = config::ledger_of(Some(&args.from), &settings)?;
    let to = config::ledger_of(args.to.as_deref(), &settings)?;
    let now = config::clock(None).now();
    let copied = ledger::copy(&from, &to, (args.wait, now))?;
    if args.format == PlainFormat::Json || !talk.quiet {
        show_page(args.format, |out| match args.format {
            PlainFormat::Json => writeln!(out, "{}", copied_as_json(&copied, (&from, &to))),
            PlainFormat::Human => {
                let (from, to) = (from.to_string(), to.to_string());
                writeln!(out, "copied {} to {}", harmless(&from), harmless(&to))?;
                let mut lines = lines(&copied).into_iter();
                lines.try_for_each(|line| writeln!(out, "  {line}"))
            }
        });
    }
    Ok(ExitStatus::Done)
}

fn lines(copied: &Copied) -> Vec<String> {
    let line = |pair: Pair, what: &str| {
        let new = match pair.new {
            0 => "known there already".to_owned(),
            new if new == pair.found => "new there".to_owned(),
            new => format!("{} of them new there, or known better now", thousands(new)),
        };
        (pair.found > 0).then(|| format!("{}, {new}", counted(pair.found, what)))
    };
    let mut lines: Vec<String> = [
        line(copied.runs, "run"),
        line(copied.events, "event"),
        line(copied.waiting, "waiting event"),
        line(copied.leads, "snapshot lead"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if copied.knows_snapshots {
        lines.push("what snapshots remember is there, and may have gone on since".to_owned());
    }
    if lines.is_empty() {
        lines.push("there was nothing in it".to_owned());
    }
    lines
}

fn copied_as_json(copied: &Copied, (from, to): (&LedgerTarget, &LedgerTarget)) -> Value {
    let pair = |pair: Pair| json!({"found": pair.found, "new": pair.new});
    json!({
        "command": "ledger copy", "exit_status": 0, "from": from.to_string(), "to": to.to_string(),
        "runs": pair(copied.runs), "events": pair(copied.events), "waiting": pair(copied.waiting),
        "leads": pair(copied.leads),
    })
}
