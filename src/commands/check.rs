//! `crm2capi check`: are settings, connection, token and dataset fit to upload? Nothing is recorded anywhere.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use super::each::each;
use super::failure::Interrupted;
use super::remote::scores;
use super::show::{show_page, write_finding};
use crate::cli::{CheckArgs, PlainFormat, TalkArgs};
use crate::config::{self, SettingsFile};
use crate::deliver::interrupt::listen;
use crate::graph::Client;
use crate::graph::probe::{Finding, Probe, probe};
use crate::graph::served::Served;
use crate::graph::verdict::Cause;
use crate::graph::version::{self, Life};
use crate::remote::{Dataset, Inquiry, Quality, Told, agent_name};
use crate::report::ExitStatus;

/// A clock this far off puts events into the future.
const MAX_SKEW_SECONDS: i64 = 60;
/// A version is worth a warning this long before its end.
const END_IS_NEAR_DAYS: i64 = 60;

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Line {
    what: &'static str,
    ok: bool,
    says: String,
}

pub(super) fn run(args: &CheckArgs, talk: &TalkArgs) -> Result<ExitStatus> {
    each(&args.settings.config, &[], |config| {
        Ok((None, check(args, talk, config)?))
    })
}

fn check(args: &CheckArgs, talk: &TalkArgs, config: Option<&Path>) -> Result<ExitStatus> {
    let file = SettingsFile::load(config)?;
    let endpoint = config::endpoint(&args.endpoint, &args.settings, &args.version, &file)?;
    let client = Client::new(&endpoint)?;
    let mut lines = vec![Line {
        what: "settings",
        ok: true,
        says: format!(
            "dataset {} at {}, {}",
            endpoint.dataset_id, endpoint.graph_url, endpoint.api_version
        ),
    }];

    let now = config::clock(None).now();
    lines.push(api_version(&endpoint.api_version, now)?);
    let runtime = tokio::runtime::Runtime::new().context("cannot start the network")?;
    let found = runtime.block_on(probe(&client));
    lines.extend(served(&found.served, &endpoint.api_version));
    let mut status = judge(&found, &client.host(), &mut lines);
    if found.finding == Finding::Fit {
        let agent = config::partner_agent(&file)?.map(|agent| agent_name(&agent));
        let interrupt = runtime.block_on(async { listen() });
        let interrupt = interrupt.context("cannot listen for Ctrl-C")?;
        let mut inquiry = Inquiry::new(&endpoint, agent, interrupt)?;
        lines.push(dataset(&runtime.block_on(inquiry.dataset())));
        lines.push(quality(&runtime.block_on(inquiry.quality())));
        if inquiry.was_interrupted() {
            return Err(Interrupted.into());
        }
    }
    if let Some(server) = found.server_time {
        lines.push(clock(server - now));
    }
    if found.used_percent > 0.0 {
        let says = format!(
            "{:.0} % of the allowance of calls is used",
            found.used_percent
        );
        lines.push(Line {
            what: "usage",
            ok: found.used_percent < 90.0,
            says,
        });
    }
    if status == ExitStatus::Done && lines.iter().any(|line| !line.ok) {
        status = ExitStatus::Problems;
    }
    if args.format == PlainFormat::Json || !talk.quiet || status != ExitStatus::Done {
        show(&lines, &found, status, args.format);
    }
    Ok(status)
}

fn show(lines: &[Line], found: &Probe, status: ExitStatus, format: PlainFormat) {
    show_page(format, |out| match format {
        PlainFormat::Json => {
            let report = serde_json::json!({
                "command": "check", "exit_status": status, "checks": lines, "fbtrace_id": found.fbtrace_id,
            });
            writeln!(out, "{report}")
        }
        PlainFormat::Human => lines.iter().try_for_each(|Line { what, ok, says }| {
            write_finding(out, *ok, &format!("{what:<18}"), says)
        }),
    });
}

/// Says what the probe found.
fn judge(found: &Probe, host: &str, lines: &mut Vec<Line>) -> ExitStatus {
    let trace = found
        .fbtrace_id
        .as_ref()
        .map(|trace| format!(" (trace {trace})"))
        .unwrap_or_default();
    if !matches!(found.finding, Finding::NoAnswer(_)) {
        lines.push(good("connection", &format!("{host} answers")));
    }
    let what = "token and dataset";
    let (line, status) = match &found.finding {
        Finding::Fit => (good(what, "an upload would get through"), ExitStatus::Done),
        Finding::Stopped(stop) => (
            bad(what, format!("{stop}{trace}; {}", stop.barrier.help())),
            ExitStatus::Refused,
        ),
        Finding::Unclear(Some(fault)) => (
            bad(
                what,
                format!("Meta answered {fault}{trace}; whether an upload would get through is not known"),
            ),
            ExitStatus::Refused,
        ),
        Finding::Unclear(None) => (
            bad(
                what,
                "an event without any content was accepted, which Meta never does; check --graph-url".into(),
            ),
            ExitStatus::Refused,
        ),
        Finding::Throttled { wait } => {
            let wait = wait
                .map(|wait| format!(" for about {} minutes", wait.as_secs().div_ceil(60)))
                .unwrap_or_default();
            (
                bad(
                    what,
                    format!("Meta throttles all calls{wait}{trace}; run again later"),
                ),
                ExitStatus::NotDone,
            )
        }
        Finding::NoAnswer(cause) => {
            let help = cause.help().unwrap_or(match cause {
                Cause::Silence(_) => "check the firewall and the proxy, then run again",
                Cause::Foreign(_) | Cause::Fault(_) => {
                    "the trouble is on the other side, at Meta or a proxy in between: run again in some minutes"
                }
            });
            (
                bad("connection", format!("{host}: {cause}{trace}; {help}")),
                ExitStatus::NotDone,
            )
        }
    };
    lines.push(line);
    status
}

fn good(what: &'static str, says: &str) -> Line {
    Line {
        what,
        ok: true,
        says: says.to_owned(),
    }
}

fn bad(what: &'static str, says: String) -> Line {
    Line {
        what,
        ok: false,
        says,
    }
}

/// Which version answered, where that is not the one that was asked for, and what Meta says against it.
fn served(served: &Served, asked: &str) -> Option<Line> {
    let what = "version served";
    let version = served.version.as_deref()?;
    Some(match &served.warning {
        Some(warning) => bad(
            what,
            format!("{version} answered, and Meta calls it deprecated: {warning}"),
        ),
        None if version != asked => bad(
            what,
            format!(
                "{version} answered instead of {asked}; set api_version under [meta] to one that lives"
            ),
        ),
        None => good(what, &format!("{version} answered")),
    })
}

/// Whether the dataset is for CRM events.
fn dataset(told: &Told<Dataset>) -> Line {
    let what = "CRM events";
    let dataset = match told {
        Told::Known(dataset) => dataset,
        Told::MayNot(fault) => {
            let says =
                format!("Meta does not tell this token whether the dataset is for them ({fault})");
            return good(what, &says);
        }
        Told::Nothing | Told::NoAnswer(_) => {
            return good(what, "Meta does not say whether the dataset is for them");
        }
    };
    match (dataset.is_unavailable, dataset.is_crm, dataset.is_container) {
        (Some(true), ..) => bad(what, "Meta calls the dataset unavailable; look at it in Events Manager".to_owned()),
        (_, Some(true), _) => good(what, "the dataset is for them"),
        (_, _, Some(true)) => good(what, "the dataset collects events of all kinds"),
        (_, Some(false), _) => bad(
            what,
            "the dataset was not made for them; connect it to the CRM in Events Manager, or take the one that is".to_owned(),
        ),
        _ => good(what, "Meta does not say whether the dataset is for them"),
    }
}

/// What Meta thinks of the events so far. Whatever it is, an upload would get through.
fn quality(told: &Told<Vec<Quality>>) -> Line {
    let says = match told {
        Told::Known(quality) => scores(quality),
        Told::Nothing => "Meta has no score yet".to_owned(),
        Told::MayNot(fault) => format!("Meta does not tell this token ({fault})"),
        Told::NoAnswer(why) => format!("not known: {why}"),
    };
    good("match quality", &says)
}

fn clock(skew: i64) -> Line {
    if skew.abs() <= MAX_SKEW_SECONDS {
        return good("clock", "agrees with the server's");
    }
    let which = if skew > 0 { "behind" } else { "ahead of" };
    bad(
        "clock",
        format!(
            "this machine is {} s {which} the server; set the clock by NTP",
            skew.abs()
        ),
    )
}

fn api_version(given: &str, now: i64) -> Result<Line> {
    let today = jiff::Timestamp::from_second(now)?
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    let newer = format!(
        "set --api-version to a newer one, such as {}",
        version::DEFAULT
    );
    let end = match version::life(given) {
        Life::Until(end) => end,
        Life::Newest => return Ok(good("API version", &format!("{given} is the newest"))),
        Life::Over => return Ok(bad("API version", format!("{given} has ended; {newer}"))),
        Life::Unknown => {
            let says = format!(
                "{given} is newer than this crm2capi, which knows versions up to {}",
                version::NEWEST
            );
            return Ok(good("API version", &says));
        }
    };
    let days = i64::from(today.until(end)?.get_days());
    Ok(if days < 0 {
        bad("API version", format!("{given} ended on {end}; {newer}"))
    } else if days < END_IS_NEAR_DAYS {
        bad(
            "API version",
            format!("{given} ends on {end}, in {days} days; {newer}"),
        )
    } else {
        good("API version", &format!("{given} lives until {end}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_near_its_end_is_said() {
        let at = |text: &str| {
            let now: jiff::Timestamp = text.parse().unwrap();
            api_version("v23.0", now.as_second()).unwrap()
        };
        assert!(at("2026-11-22T00:00:00Z").ok);
        assert!(!at("2027-09-01T00:00:00Z").ok);
        let newest = api_version("v26.0", 1_800_000_000).unwrap();
        assert!(newest.ok && newest.says.contains("newest"));
        assert!(!api_version("v12.0", 1_800_000_000).unwrap().ok);
        assert!(
            at("2027-10-09T00:00:00Z")
                .says
                .contains("ended on 2027-10-08")
        );
    }

    #[test]
    fn a_clock_that_is_off_is_said_with_its_direction() {
        assert!(clock(3).ok);
        assert!(clock(-600).says.contains("600 s ahead"));
    }
}
