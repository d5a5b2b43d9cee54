//! `crm2capi leads`: downloads Meta's leads, or says who may.

use std::path::Path;

use anyhow::{Context, Result};

use super::each::{Became, each};
use super::print_error;
use super::show::{show_page, show_text, write_finding};
use crate::ask::{Asker, Failure};
use crate::cli::{LeadsArgs, PlainFormat, TalkArgs};
use crate::config::{self, LeadsSettings, SettingsFile};
use crate::customer::{LetterM, Normalizer, Settings as CustomerSettings};
use crate::deliver::interrupt::listen;
use crate::graph::client::Reader;
use crate::leads::doctor::{Finding, examine};
use crate::leads::{
    Ended, FormAccount, LeadsOutput, Progress, Wanted, download, said, said_of_stop,
};
use crate::report::ExitStatus;
use crate::text::{counted, harmless, thousands};

const RUN_AGAIN: &str = "run it again later";

pub(super) fn run(args: &LeadsArgs, talk: &TalkArgs) -> Result<ExitStatus> {
    let once = [("--output", args.output.is_some())];
    if args.config.len() > 1 && !args.check {
        config::refuse_shared_leads(&args.config)?;
    }
    each(&args.config, &once, |config| {
        download_or_check(args, talk, config)
    })
}

fn download_or_check(args: &LeadsArgs, talk: &TalkArgs, config: Option<&Path>) -> Result<Became> {
    let settings = SettingsFile::load(config)?;
    let asked = config::leads_settings(args, &settings)?;
    let endpoint = config::endpoint_of_leads(args, &settings)?;
    let reader = Reader::new(&endpoint)?;
    let give_up_after = config::give_up_after(args.give_up_after, &settings);
    // A pipe that nobody reads waits here, where Ctrl-C still ends it.
    let output = match args.check {
        true => None,
        false => Some(LeadsOutput::open(
            &asked.output,
            asked.format,
            asked.is_hashed,
        )?),
    };
    let runtime = tokio::runtime::Runtime::new().context("cannot start the network")?;
    runtime.block_on(async {
        let interrupt = listen().context("cannot listen for Ctrl-C")?;
        let mut asker = Asker::new(reader, give_up_after, interrupt);
        let Some(mut output) = output else {
            let found = examine(&mut asker, &asked.pages, &endpoint.token).await;
            return Ok((None, check(found, &asker, talk)));
        };
        if output.len() == 0 && !asked.is_hashed {
            warn_of_the_clear(&output);
        }
        let wanted = wanted(args, asked, &settings, endpoint.token)?;
        let progress = download(&mut asker, &wanted, &mut output).await;
        let status = status_of(&progress, &asker.host(), output.is_stream());
        if !(talk.quiet && status == ExitStatus::Done) {
            say(&table(&progress, &output), &output);
        }
        let became = sum_of(&progress, &output);
        Ok((Some(became).filter(|_| !output.is_stream()), status))
    })
}

fn warn_of_the_clear(output: &LeadsOutput) {
    let who = match output.is_stream() {
        true => "gets people's data in the clear",
        false => "will hold people's data in the clear; only its owner may read it",
    };
    tracing::warn!(
        "{} {who}. --hashed writes ids, times and hashes only",
        output.name()
    );
}

/// Standard output is for the leads where they go down a stream, and what is said of them goes beside it.
fn say(text: &str, output: &LeadsOutput) {
    match output.is_stream() {
        true => text.lines().for_each(|line| tracing::info!("{line}")),
        false => show_text(&mut anstream::stdout().lock(), text.as_bytes()),
    }
}

fn wanted(
    args: &LeadsArgs,
    asked: LeadsSettings,
    settings: &SettingsFile,
    token: secrecy::SecretString,
) -> Result<Wanted> {
    let default_country = config::default_country(args.default_country, settings)?;
    let customer = CustomerSettings {
        default_country,
        date_order: None,
        // No date of birth is hashed here.
        this_year: 2000,
        letter_m: LetterM::Man,
    };
    Ok(Wanted {
        pages: asked.pages,
        forms: asked.forms,
        ads: asked.ads,
        since: asked.since,
        now: config::clock(args.now).now(),
        token,
        hashing: asked.is_hashed.then(|| Normalizer::new(&customer)),
    })
}

/// The status a download ends with; what went wrong is said on the way.
fn status_of(progress: &Progress, host: &str, is_stream: bool) -> ExitStatus {
    for (page, fault) in &progress.refused_pages {
        let page = match page.is_empty() {
            true => "the token's Pages".to_owned(),
            false => format!("Page {page}"),
        };
        tracing::warn!("{page}: {}", said(fault));
    }
    let kept = (!is_stream)
        .then_some("; the leads downloaded so far are kept, and the next run continues from there");
    match &progress.ended {
        Some(Ended::Failure(failure)) => return status_of_failure(failure, host, kept),
        Some(Ended::File(error)) => {
            print_error(&anyhow::anyhow!("{error}{}", kept.unwrap_or_default()));
            return ExitStatus::NotDone;
        }
        None => {}
    }
    if progress.lacks_permission() {
        print_error(&anyhow::anyhow!(
            "Meta does not let the token read all that was asked for; crm2capi leads --check says why"
        ));
        return ExitStatus::Refused;
    }
    if progress.has_refusals() {
        print_error(&anyhow::anyhow!(
            "some of the leads could not be read; the warnings say which"
        ));
        return ExitStatus::Problems;
    }
    ExitStatus::Done
}

/// `kept` is what to say of what came before.
fn status_of_failure(failure: &Failure, host: &str, kept: Option<&str>) -> ExitStatus {
    let (text, status) = match failure {
        Failure::Refused(fault) => (said(fault), ExitStatus::Refused),
        Failure::Stopped(stop) => (said_of_stop(stop), ExitStatus::Refused),
        Failure::Unreachable { cause, help } => {
            let help = help.unwrap_or(RUN_AGAIN);
            (format!("{host}: {cause}; {help}"), ExitStatus::NotDone)
        }
        Failure::NoList => (
            format!("{host}: the answer is not one of Meta's lists; {RUN_AGAIN}"),
            ExitStatus::NotDone,
        ),
        Failure::Circle => (
            format!("{host}: Meta's pages of leads lead in a circle; {RUN_AGAIN}"),
            ExitStatus::NotDone,
        ),
        Failure::Interrupted => ("interrupted".to_owned(), ExitStatus::Interrupted),
    };
    print_error(&anyhow::anyhow!("{text}{}", kept.unwrap_or_default()));
    status
}

/// A line for each form, and one for all.
fn table(progress: &Progress, output: &LeadsOutput) -> String {
    let mut out = String::new();
    for form in &progress.forms {
        out.push_str(&line_of(form));
        out.push('\n');
    }
    if progress.forms.is_empty() && progress.ended.is_none() {
        out.push_str("no forms; the Pages have none, or the token sees no Page: crm2capi leads --check says more\n");
    }
    out.push_str(&format!(
        "{}: {}\n",
        output.name(),
        sum_of(progress, output)
    ));
    out
}

fn sum_of(progress: &Progress, output: &LeadsOutput) -> String {
    let all = counted(output.len() as u64, "lead");
    let new: u64 = progress.forms.iter().map(|form| form.new as u64).sum();
    match output.is_stream() {
        true => all,
        false => format!("{all}, {} of them new", thousands(new)),
    }
}

fn line_of(form: &FormAccount) -> String {
    let mut line = match form.name.is_empty() {
        true => form.id.clone(),
        false => format!("{} ({})", harmless(&form.name), form.id),
    };
    if let Some(fault) = &form.refused {
        line.push_str(&format!(": not read to its end, {}", fault.codes()));
    }
    line.push_str(&format!(
        ": {} read, {} new",
        thousands(form.read as u64),
        thousands(form.new as u64)
    ));
    for (count, what) in [
        (
            form.expired.unwrap_or_default(),
            "expired at Meta after 90 days",
        ),
        (form.test as u64, "test leads, skipped"),
        (form.unusable as u64, "without an id or a time, skipped"),
    ] {
        if count > 0 {
            line.push_str(&format!(", {} {what}", thousands(count)));
        }
    }
    if let Some(counted) = form.counted {
        line.push_str(&format!(" (Meta counts {})", thousands(counted)));
    }
    line
}

/// Prints what the doctor found.
fn check(found: Result<Vec<Finding>, Failure>, asker: &Asker, talk: &TalkArgs) -> ExitStatus {
    let findings = match found {
        Ok(findings) => findings,
        Err(failure) => return status_of_failure(&failure, &asker.host(), None),
    };
    let all_well = findings.iter().all(|finding| finding.ok);
    if !(talk.quiet && all_well) {
        show_page(PlainFormat::Human, |out| {
            (findings.iter()).try_for_each(|Finding { what, ok, says }| {
                write_finding(out, *ok, &format!("{what:<22}"), says)
            })
        });
    }
    if all_well {
        return ExitStatus::Done;
    }
    print_error(&anyhow::anyhow!(
        "leads cannot be read, or not all of them; the lines that begin with NO say what to do"
    ));
    ExitStatus::Refused
}
