//! `crm2capi check`: are settings, connection, token and dataset fit to upload? Nothing is recorded anywhere.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result};
use jiff::civil::{Date, date};
use serde::Serialize;

use crate::cli::{CheckArgs, PlainFormat, TalkArgs};
use crate::config::{self, SettingsFile};
use crate::graph::Client;
use crate::graph::probe::{Finding, probe};
use crate::report::ExitStatus;

const OK: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// A clock this far off puts events into the future.
const MAX_SKEW_SECONDS: i64 = 60;
/// A version is worth a warning this long before its end.
const END_IS_NEAR_DAYS: i64 = 60;

/// When versions of the Graph API end.
/// <https://developers.facebook.com/docs/graph-api/changelog/versions>
const VERSION_ENDS: [(&str, Date); 5] = [
    ("v21.0", date(2027, 1, 21)),
    ("v22.0", date(2027, 5, 20)),
    ("v23.0", date(2027, 10, 8)),
    ("v24.0", date(2028, 2, 18)),
    ("v25.0", date(2028, 7, 29)),
];

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Line {
    what: &'static str,
    ok: bool,
    says: String,
}

pub(super) fn run(args: &CheckArgs, talk: &TalkArgs) -> Result<ExitStatus> {
    let file = SettingsFile::load(args.settings.config.as_deref())?;
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

    let now = config::now(None);
    lines.push(version(&endpoint.api_version, now)?);
    let runtime = tokio::runtime::Runtime::new().context("cannot start the network")?;
    let found = runtime.block_on(probe(&client));
    let status = match &found.finding {
        Finding::Fit => {
            lines.push(good("connection", "the endpoint answers"));
            lines.push(good("token and dataset", "an upload would get through"));
            ExitStatus::Done
        }
        Finding::Stopped(stop) => {
            lines.push(good("connection", "the endpoint answers"));
            lines.push(bad(
                "token and dataset",
                format!("{stop}; {}", stop.barrier.help()),
            ));
            ExitStatus::Refused
        }
        Finding::Throttled { wait } => {
            let wait = wait
                .map(|wait| format!(" for about {} minutes", wait.as_secs().div_ceil(60)))
                .unwrap_or_default();
            lines.push(good("connection", "the endpoint answers"));
            lines.push(bad(
                "token and dataset",
                format!("Meta lets nobody call{wait}; run again later"),
            ));
            ExitStatus::Unreachable
        }
        Finding::NoAnswer(cause) => {
            lines.push(bad(
                "connection",
                format!("{cause}; check name resolution, proxy and firewall, then run again"),
            ));
            ExitStatus::Unreachable
        }
    };
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
    let mut out = anstream::stdout().lock();
    match args.format {
        PlainFormat::Json => {
            let report =
                serde_json::json!({ "command": "check", "exit_status": status, "checks": lines });
            writeln!(out, "{report}")?;
        }
        PlainFormat::Human if talk.quiet && lines.iter().all(|line| line.ok) => {}
        PlainFormat::Human => {
            for Line { what, ok, says } in &lines {
                let (style, word) = if *ok { (OK, "ok") } else { (BAD, "NO") };
                writeln!(out, "{style}{word}{style:#}  {what:<18} {says}")?;
            }
        }
    }
    Ok(status)
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

fn version(version: &str, now: i64) -> Result<Line> {
    let today = jiff::Timestamp::from_second(now)?
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    let Some((_, end)) = VERSION_ENDS.iter().find(|(known, _)| *known == version) else {
        return Ok(good("API version", "its end is not known here"));
    };
    let days = i64::from(today.until(*end)?.get_days());
    Ok(if days < 0 {
        bad(
            "API version",
            format!("{version} ended on {end}; set --api-version to a newer one"),
        )
    } else if days < END_IS_NEAR_DAYS {
        bad(
            "API version",
            format!("{version} ends on {end}, in {days} days; set --api-version to a newer one"),
        )
    } else {
        good("API version", &format!("{version} lives until {end}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_near_its_end_is_said() {
        let at = |text: &str| {
            version(
                "v23.0",
                text.parse::<jiff::Timestamp>().unwrap().as_second(),
            )
            .unwrap()
        };
        assert!(at("2026-11-22T00:00:00Z").ok);
        assert!(!at("2027-09-01T00:00:00Z").ok);
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
