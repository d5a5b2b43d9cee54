//! `crm2capi status --remote`: what Meta says it received, beside what it accepted.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::failure::Interrupted;
use super::show::show_page;
use super::talk::{self, print_error};
use crate::cli::{PlainFormat, StatusArgs, TalkArgs};
use crate::config::{self, SettingsFile};
use crate::deliver::interrupt::listen;
use crate::graph::Endpoint;
use crate::graph::served::Served;
use crate::ledger::{Accepted, LedgerReader, Window};
use crate::remote::{
    Count, Dataset, Fresh, Hours, Inquiry, Quality, Stage, Told, agent_name, compare,
    is_clearly_fewer, sum,
};
use crate::render::cut;
use crate::report::ExitStatus;
use crate::text::{counted, harmless, thousands};
use crate::time::utc;

/// A stage's name takes so many columns of the page: what the numbers leave.
const NAME_WIDTHS: std::ops::RangeInclusive<usize> = 12..=32;
/// And so many the numbers beside it.
const NUMBERS_WIDTH: usize = 48;
/// So many stages are shown one by one.
const MAX_STAGES: usize = 100;
/// So many match keys are listed; Meta knows fewer.
const MAX_KEYS: usize = 40;
/// So many stages are listed with their scores.
const MAX_SCORES: usize = 40;
/// And so many that have none.
const MAX_UNSCORED: usize = 5;
/// A terminal that is narrower has room for a short difference only.
const NARROW: usize = 60;
/// What was accepted so recently may not be counted yet.
const UNSETTLED_SECONDS: i64 = 3_600;

/// What was accepted.
struct Here {
    /// All of it.
    all: Vec<Accepted>,
    /// Long enough ago to be counted by now.
    settled: Vec<Accepted>,
    /// Where the two differ.
    fresh: Fresh,
}

/// Both sides of the story.
struct Findings {
    endpoint: Endpoint,
    agent: Option<String>,
    hours: Hours,
    here: Here,
    there: Told<Vec<Count>>,
    match_keys: Told<BTreeMap<String, u64>>,
    dataset: Told<Dataset>,
    quality: Told<Vec<Quality>>,
    served: Served,
    is_sandbox: bool,
}

pub(super) fn run(args: &StatusArgs, talk: &TalkArgs, file: &SettingsFile) -> Result<ExitStatus> {
    let endpoint = config::reading_endpoint(&args.endpoint, &args.settings, &args.version, file)?;
    let agent = config::partner_agent(file)?.map(|agent| agent_name(&agent));
    let target = config::status_ledger(args, file)?;
    let Some(mut ledger) = LedgerReader::open(&target)? else {
        bail!("no ledger {target}, so the accepted events are not known; name it with --ledger");
    };
    let now = config::clock(args.now).now();
    let hours = Hours::settled_at(now);
    let (from, until) = hours.seconds();
    let mut accepted_by = |settled_by| {
        let window = Window {
            from,
            until,
            settled_by,
        };
        ledger.accepted(&endpoint.dataset_id, window)
    };
    let here = accepted_by(now - UNSETTLED_SECONDS)?;
    let all = accepted_by(i64::MAX)?;
    let here = Here {
        fresh: Fresh::of(&all, &here),
        settled: here,
        all,
    };
    let own = config::own_endpoint(&args.endpoint, &args.settings, &args.version, file);
    let findings = ask((endpoint, own), agent, hours, here)?;
    let stages = findings.stages();
    let status = findings.status(stages.as_deref());
    if args.format == PlainFormat::Json || !talk.quiet || status != ExitStatus::Done {
        show_page(args.format, |out| match args.format {
            PlainFormat::Json => writeln!(out, "{}", findings.as_json(stages.as_deref(), status)),
            PlainFormat::Human => findings.write_page(out, stages.as_deref()),
        });
    }
    if let Some(error) = findings.error(stages.as_deref()) {
        print_error(&anyhow::anyhow!(error));
    }
    Ok(status)
}

/// Puts all questions. `own` has the dataset's own token, where that is another one.
fn ask(
    (endpoint, own): (Endpoint, Option<Endpoint>),
    agent: Option<String>,
    hours: Hours,
    here: Here,
) -> Result<Findings> {
    let accepted = here.all.iter();
    let mut names: Vec<&str> = accepted
        .filter_map(|accepted| accepted.name.as_deref())
        .collect();
    names.dedup();
    let runtime = tokio::runtime::Runtime::new().context("cannot start the network")?;
    let interrupt = runtime.block_on(async { listen() });
    let interrupt = interrupt.context("cannot listen for Ctrl-C")?;
    let mut inquiry = Inquiry::new(&endpoint, agent.clone(), interrupt.clone())?;
    let own = own.map(|own| Inquiry::new(&own, agent.clone(), interrupt));
    let mut own = own.transpose()?;
    let (there, match_keys, dataset, quality) = runtime.block_on(async {
        (
            inquiry.counts(hours, &names).await,
            inquiry.match_keys(hours).await,
            inquiry.dataset().await,
            quality(&mut inquiry, own.as_mut()).await,
        )
    });
    if inquiry.was_interrupted() {
        return Err(Interrupted.into());
    }
    let (served, is_sandbox) = inquiry.served();
    Ok(Findings {
        endpoint,
        agent,
        hours,
        here,
        there,
        match_keys,
        dataset,
        quality,
        served,
        is_sandbox,
    })
}

/// What Meta thinks of the events, by whichever token may know.
async fn quality(inquiry: &mut Inquiry, own: Option<&mut Inquiry>) -> Told<Vec<Quality>> {
    match (inquiry.quality().await, own) {
        (Told::MayNot(_), Some(own)) => own.quality().await,
        (told, _) => told,
    }
}

impl Findings {
    /// Both sides by stage; nothing when one of them is not known.
    fn stages(&self) -> Option<Vec<Stage>> {
        let there: &[Count] = match &self.there {
            Told::Known(there) => there,
            Told::Nothing => &[],
            Told::MayNot(_) | Told::NoAnswer(_) => return None,
        };
        let Here { settled, fresh, .. } = &self.here;
        Some(compare(self.hours, settled, there, fresh))
    }

    /// Never 0 when it is not known what Meta counted.
    fn status(&self, stages: Option<&[Stage]>) -> ExitStatus {
        match (&self.there, stages) {
            (Told::MayNot(_), _) => ExitStatus::Refused,
            (Told::NoAnswer(_), _) | (_, None) => ExitStatus::NotDone,
            (_, Some(stages)) if is_short(stages) => ExitStatus::Problems,
            _ => ExitStatus::Done,
        }
    }

    fn error(&self, stages: Option<&[Stage]>) -> Option<String> {
        match &self.there {
            Told::MayNot(fault) => Some(format!(
                "Meta does not let this token read its counts: {fault}; set CRM2CAPI_READ_TOKEN to a system user's \
                 token with ads_management and access to the dataset, as the dataset's own token cannot ask"
            )),
            Told::NoAnswer(why) => Some(format!(
                "what Meta counted is not known: {why}; run again later"
            )),
            Told::Known(_) | Told::Nothing => {
                let (here, there) = sums(stages?);
                is_short(stages?).then(|| {
                    let short = |stage: &&Stage| is_clearly_fewer(stage.here, stage.there);
                    let which = match is_clearly_fewer(here, there) {
                        true => format!("{} of {}", thousands(there), thousands(here)),
                        false => {
                            let short = stages.into_iter().flatten().filter(short).count();
                            format!("those of {}", counted(short as u64, "stage"))
                        }
                    };
                    if self.is_sandbox {
                        return format!(
                            "the sandbox counts clearly fewer events than the ledger has: {which}; they were accepted \
                             elsewhere, so ask there, without --graph-url"
                        );
                    }
                    format!(
                        "Meta counts clearly fewer events than it accepted: {which}; look at the dataset in Events \
                         Manager, and at partner_agent under [event]"
                    )
                })
            }
        }
    }

    /// Events that an earlier version accepted without noting their stage.
    fn unnamed(&self) -> u64 {
        let settled = self.here.settled.iter();
        let unnamed = settled.filter(|accepted| accepted.name.is_none());
        unnamed.map(|accepted| accepted.count).sum()
    }

    fn as_json(&self, stages: Option<&[Stage]>, status: ExitStatus) -> Value {
        let (from, until) = self.hours.seconds();
        json!({
            "command": "status", "exit_status": status, "dataset_id": self.endpoint.dataset_id, "agent": self.agent,
            "from": utc(from), "until": utc(until),
            "answered": answered(&self.there),
            "stages": stages.map(|stages| stages.iter().map(stage_json).collect::<Vec<_>>()),
            "accepted_without_stage": self.unnamed(),
            "too_fresh": self.here.fresh.events,
            "match_keys": told_json(&self.match_keys, |keys| json!(keys)),
            "dataset": told_json(&self.dataset, dataset_json),
            "quality": told_json(&self.quality, |quality| quality.iter().map(quality_json).collect()),
            "api_version": self.served.version, "api_version_warning": self.served.warning,
            "is_sandbox": self.is_sandbox,
        })
    }

    fn write_page(&self, out: &mut impl Write, stages: Option<&[Stage]>) -> io::Result<()> {
        let (from, until) = self.hours.seconds();
        let agent = self.agent.as_deref().unwrap_or("any sender");
        writeln!(
            out,
            "dataset {}, events of {} to {}, sent by {}",
            self.endpoint.dataset_id,
            utc(from),
            utc(until),
            harmless(agent)
        )?;
        if self.is_sandbox {
            writeln!(
                out,
                "These are a sandbox's counts: {}",
                self.beside_sandbox()
            )?;
        }
        self.write_facts(out)?;
        match (&self.there, stages) {
            (Told::MayNot(fault), _) => {
                writeln!(out, "\nThis token may not read Meta's counts: {fault}")
            }
            (Told::NoAnswer(why), _) => {
                writeln!(out, "\nMeta's counts are not known: {}", harmless(why))
            }
            (_, None) => Ok(()),
            (there, Some(stages)) => self.write_stages(out, stages, *there == Told::Nothing),
        }
    }

    /// What a sandbox's counts stand beside.
    fn beside_sandbox(&self) -> &'static str {
        match self.here.all.is_empty() {
            true => "no ledger records what it accepted, so there is nothing to compare them with.",
            false => {
                "no ledger records what it accepted. What the ledger has was accepted elsewhere, so a difference between the \
                 two says nothing."
            }
        }
    }

    fn write_facts(&self, out: &mut impl Write) -> io::Result<()> {
        let mut line = |what: &str, says: String| writeln!(out, "{what:<16}  {says}");
        line(
            "last event",
            told(&self.dataset, |dataset| match dataset.last_fired {
                None => "Meta does not say".to_owned(),
                Some(0) => "never".to_owned(),
                Some(last) => utc(last),
            }),
        )?;
        line(
            "for CRM events",
            told(&self.dataset, |dataset| kind(dataset).to_owned()),
        )?;
        line("match keys", told(&self.match_keys, list))?;
        line("quality", told(&self.quality, |quality| scores(quality)))?;
        let version = self
            .served
            .version
            .as_deref()
            .unwrap_or("Meta does not say");
        let warning = self
            .served
            .warning
            .as_ref()
            .map(|warning| format!("; {warning}"));
        line(
            "API version",
            format!("{version}{}", warning.unwrap_or_default()),
        )
    }

    fn write_stages(
        &self,
        out: &mut impl Write,
        stages: &[Stage],
        is_nothing: bool,
    ) -> io::Result<()> {
        if is_nothing {
            writeln!(out, "\nMeta has counted nothing in these hours.")?;
        }
        if self.here.fresh.events > 0 {
            writeln!(
                out,
                "\n{} accepted within the last hour: too fresh to compare, so the hours of their stages are left out.",
                counted(self.here.fresh.events, "event")
            )?;
        }
        if stages.is_empty() {
            return writeln!(out, "\nThere is nothing to compare in these hours.");
        }
        write_table(out, stages)?;
        if stages.iter().any(|stage| stage.there == u64::MAX) {
            writeln!(
                out,
                "Meta's counts are implausibly large; they are shown as lower bounds."
            )?;
        }
        match self.unnamed() {
            0 => Ok(()),
            count => writeln!(
                out,
                "{} accepted by an earlier version, which did not note the stage: not compared",
                counted(count, "event")
            ),
        }
    }
}

fn write_table(out: &mut impl Write, stages: &[Stage]) -> io::Result<()> {
    let page = talk::width();
    let name_width =
        (page.saturating_sub(NUMBERS_WIDTH)).clamp(*NAME_WIDTHS.start(), *NAME_WIDTHS.end());
    let (heading, width) = match page < NARROW {
        true => ("diff", 6),
        false => ("difference", 10),
    };
    writeln!(out, "\nby stage and day (UTC)")?;
    writeln!(
        out,
        "{:name_width$}  {:>8}  {:>8}  {heading:>width$}",
        "", "accepted", "counted"
    )?;
    let mut line = |name: &str, here: u64, there: u64| {
        let name: String = name.chars().take(name_width).collect();
        let difference = i128::from(there) - i128::from(here);
        let verdict = match is_clearly_fewer(here, there) {
            true => "  clearly fewer",
            false => "",
        };
        writeln!(
            out,
            "{name:<name_width$}  {here:>8}  {there:>8}  {difference:>+width$}{verdict}"
        )
    };
    let (ours, foreign): (Vec<&Stage>, Vec<&Stage>) = stages.iter().partition(|it| it.here > 0);
    for stages in [ours, foreign] {
        for stage in stages.iter().take(MAX_STAGES) {
            line(&harmless(&stage.name), stage.here, stage.there)?;
            for (day, here, there) in &stage.days {
                line(&format!("  {}", date(*day)), *here, *there)?;
            }
        }
        let rest = stages.get(MAX_STAGES..).unwrap_or_default();
        let here = |stages: &[&Stage]| sum(stages.iter().map(|it| it.here));
        let there = |stages: &[&Stage]| sum(stages.iter().map(|it| it.there));
        if !rest.is_empty() {
            line(
                &counted(rest.len() as u64, "more stage"),
                here(rest),
                there(rest),
            )?;
        }
        match stages.first() {
            Some(first) if first.here > 0 => {
                line("all accepted here", here(&stages), there(&stages))?
            }
            Some(_) => line("not accepted here", 0, there(&stages))?,
            None => {}
        }
    }
    Ok(())
}

/// Whether Meta counts clearly fewer of a stage, or of all of them together.
fn is_short(stages: &[Stage]) -> bool {
    let (here, there) = sums(stages);
    let of_stage = |stage: &Stage| is_clearly_fewer(stage.here, stage.there);
    stages.iter().any(of_stage) || is_clearly_fewer(here, there)
}

/// Accepted here and counted there. What Meta counts of stages that are not ours makes up for nothing.
fn sums(stages: &[Stage]) -> (u64, u64) {
    let ours = || stages.iter().filter(|stage| stage.here > 0);
    (
        sum(ours().map(|it| it.here)),
        sum(ours().map(|it| it.there)),
    )
}

fn date(day: i64) -> String {
    Timestamp::from_second(day * 86_400)
        .map(|at| at.strftime("%F").to_string())
        .unwrap_or_default()
}

fn kind(dataset: &Dataset) -> &'static str {
    match (dataset.is_unavailable, dataset.is_crm, dataset.is_container) {
        (Some(true), ..) => "no: Meta calls the dataset unavailable",
        (_, Some(true), _) => "yes",
        (_, _, Some(true)) => "yes: it collects events of all kinds",
        (_, Some(false), _) => "no: it was not made for CRM events",
        _ => "Meta does not say",
    }
}

/// A name out of Meta's answers, which nothing bounds.
fn name(name: &str) -> String {
    cut(&harmless(name), *NAME_WIDTHS.end())
}

fn list(keys: &BTreeMap<String, u64>) -> String {
    let mut keys: Vec<(&String, &u64)> = keys.iter().collect();
    keys.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let keys: Vec<String> = keys
        .iter()
        .take(MAX_KEYS)
        .map(|(key, count)| format!("{} {}", name(key), thousands(**count)))
        .collect();
    keys.join(", ")
}

/// The scores of stages. Those without one are named only where they are few.
pub(super) fn scores(quality: &[Quality]) -> String {
    let scored = |event: &Quality| {
        let score = event.score?;
        Some(format!("{} {score} of 10", name(&event.event_name)))
    };
    let mut scores: Vec<String> = quality.iter().filter_map(scored).collect();
    if let Some(more @ 1..) = scores.len().checked_sub(MAX_SCORES) {
        scores.truncate(MAX_SCORES);
        scores.push(format!(
            "{} with a score",
            counted(more as u64, "more stage")
        ));
    }
    let without = quality.iter().filter(|event| event.score.is_none());
    match without.clone().count() {
        0..=MAX_UNSCORED => scores
            .extend(without.map(|event| format!("{} without a score", name(&event.event_name)))),
        many => scores.push(format!("{} without a score", counted(many as u64, "stage"))),
    }
    scores.join(", ")
}

fn told<T>(answer: &Told<T>, say: impl Fn(&T) -> String) -> String {
    match answer {
        Told::Known(known) => say(known),
        Told::Nothing => "nothing".to_owned(),
        Told::MayNot(fault) => format!("Meta does not tell this token ({fault})"),
        Told::NoAnswer(why) => format!("not known: {}", harmless(why)),
    }
}

fn answered<T>(answer: &Told<T>) -> &'static str {
    match answer {
        Told::Known(_) => "known",
        Told::Nothing => "nothing",
        Told::MayNot(_) => "may-not",
        Told::NoAnswer(_) => "no-answer",
    }
}

/// The value, or null and why there is none.
fn told_json<T>(answer: &Told<T>, value: impl Fn(&T) -> Value) -> Value {
    let known = match answer {
        Told::Known(known) => value(known),
        _ => Value::Null,
    };
    json!({"answered": answered(answer), "value": known})
}

fn stage_json(stage: &Stage) -> Value {
    let day = |(day, here, there): &(i64, u64, u64)| json!({"day": date(*day), "accepted": here, "counted": there});
    json!({
        "event_name": stage.name, "accepted": stage.here, "counted": stage.there,
        "clearly_fewer": is_clearly_fewer(stage.here, stage.there),
        "days": stage.days.iter().map(day).collect::<Vec<_>>(),
    })
}

fn dataset_json(dataset: &Dataset) -> Value {
    json!({
        "name": dataset.name, "last_event": dataset.last_fired.filter(|last| *last > 0).map(utc),
        "never": dataset.last_fired.map(|last| last == 0),
        "is_crm": dataset.is_crm, "is_consolidated_container": dataset.is_container,
        "is_unavailable": dataset.is_unavailable,
    })
}

fn quality_json(event: &Quality) -> Value {
    let coverage: serde_json::Map<String, Value> = event
        .coverage
        .iter()
        .map(|(key, percentage)| (key.clone(), json!(percentage)))
        .collect();
    json!({
        "event_name": event.event_name, "score": event.score, "coverage_percent": coverage,
        "diagnostics": event.diagnostics, "upload_frequency": event.freshness,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_without_a_score_are_counted_beyond_a_handful() {
        let stages = |scored: usize, others: usize| {
            let stage = |at: usize| Quality {
                event_name: format!("S{at}"),
                score: (at < scored).then_some(6.5),
                coverage: Vec::new(),
                diagnostics: Vec::new(),
                freshness: None,
            };
            scores(&(0..scored + others).map(stage).collect::<Vec<_>>())
        };
        assert_eq!(stages(1, 0), "S0 6.5 of 10");
        assert_eq!(
            stages(1, 2),
            "S0 6.5 of 10, S1 without a score, S2 without a score"
        );
        assert_eq!(stages(1, 187), "S0 6.5 of 10, 187 stages without a score");
        assert_eq!(stages(0, 6), "6 stages without a score");
        assert!(stages(43, 0).ends_with("S39 6.5 of 10, 3 more stages with a score"));
    }
}
