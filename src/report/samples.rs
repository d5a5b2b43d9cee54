//! Runs as they happen, for the renderers' tests.

use super::exit::ExitStatus;
use super::funnel::{Funnel, Reached, Sample};
use super::match_keys::MatchKeys;
use super::refusal::MetaError;
use super::stages::{Fate, Plan, Stages};
use super::summary::{Destination, Ended, Guess, Input, MappedColumn, Summary};
use super::tally::{Place, Problems};
use crate::customer::{Key, KeySet};
use crate::field::Field;
use crate::problem::{Code, Finding, Severity};
use crate::source::Header;

const FATES: [Fate; 6] = [
    Fate::Old,
    Fate::Delivered,
    Fate::Accepted,
    Fate::Rejected,
    Fate::Undelivered,
    Fate::Uncertain,
];

/// Twelve leads of a HubSpot export; `fates` gives, stage by stage, how many events were too old, delivered before,
/// accepted, refused, not sent and without a receipt.
fn run(command: &'static str, plan: Plan, fates: &[(&str, [u64; 6])]) -> Summary {
    let mut stages = Stages::default();
    for (name, counts) in fates {
        for (fate, count) in FATES.into_iter().zip(counts) {
            for event in 0..*count {
                // The old ones lie before the 7 days.
                let days_ago = event as i64 % 4 + if fate == Fate::Old { 8 } else { 0 };
                stages.add(name, 1_795_305_600 - days_ago * 86_400, fate);
            }
        }
    }
    let counted = stages.finish(plan);
    let counts = counted.total;
    let mut match_keys = MatchKeys::default();
    for event in 0..counts.events {
        let carries = |key: &str| match key {
            "lead_id" => true,
            "em" => event % 10 != 9,
            "ph" => event % 7 != 6,
            "fn" | "ln" => event % 2 == 0,
            "country" => event == 0,
            _ => false,
        };
        let carried: Vec<Key> = Key::ALL
            .into_iter()
            .filter(|key| carries(key.name()))
            .collect();
        match_keys.add(KeySet::of(&carried));
    }
    Summary {
        command,
        version: "0.1.0",
        destination: Some(Destination::Dataset {
            dataset_id: "123456789012345".to_owned(),
            host: None,
        }),
        inputs: vec![Input {
            path: "leads.csv".to_owned(),
            rows: 12,
            preset: Some("hubspot".to_owned()),
            format: Some("csv".to_owned()),
            encoding: Some("UTF-8".to_owned()),
            delimiter: Some(','),
            guessed: vec![Guess::Preset],
            ..Input::default()
        }],
        rows: 12,
        counts,
        stages: counted.stages,
        days: counted.days,
        match_keys,
        finished: Some(
            jiff::Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(1_795_305_600),
        ),
        duration_seconds: Some(1.25),
        ..Summary::default()
    }
}

fn finding(code: Code, row: u64, field: Field, column: u32) -> Finding {
    Finding {
        code,
        severity: code.severity(),
        row,
        field: Some(field),
        column: Some(column),
    }
}

fn header() -> Header {
    Header {
        columns: [
            "Meta Lead ID",
            "Lifecycle Stage",
            "Create Date",
            "Phone, 100%: \"main\"",
        ]
        .map(str::to_owned)
        .into(),
    }
}

/// Everything new went.
pub(crate) fn uploaded() -> Summary {
    let fates = [
        ("Lead", [0, 0, 11, 0, 0, 0]),
        ("Customer", [0, 0, 2, 0, 0, 0]),
    ];
    Summary {
        batches: 1,
        requests: 1,
        ..run("upload", Plan::Send, &fates)
    }
}

/// A daily export of which most went the day before, with rows to look at and one event Meta refused.
pub(crate) fn uploaded_with_problems() -> Summary {
    let fates = [
        ("Lead", [0, 5, 6, 0, 0, 0]),
        ("Marketing Qualified Lead", [3, 0, 5, 1, 0, 0]),
    ];
    let mut problems = Problems::default();
    for row in [7, 9, 10, 11, 12, 13, 14] {
        problems.add(
            &finding(Code::EventBeforeCreated, row, Field::CreatedTime, 2),
            0,
            Some(row + 1),
            &header(),
            None,
        );
    }
    for (row, stage) in [
        (4, "Nurture | cold"),
        (5, "Nurture | cold"),
        (6, "Archived"),
    ] {
        problems.add(
            &finding(Code::StageUnlisted, row, Field::EventName, 1),
            1,
            None,
            &header(),
            Some(stage),
        );
    }
    let warning = Finding {
        severity: Severity::Warning,
        ..finding(Code::CustomerTooBroad, 3, Field::Phone, 3)
    };
    problems.add(&warning, 0, Some(3), &header(), None);
    for _ in 0..3 {
        let old = Finding {
            field: None,
            column: None,
            ..finding(Code::EventTooOld, 2, Field::EventTime, 0)
        };
        problems.add(&old, 0, Some(2), &header(), None);
    }
    let refusal = MetaError {
        code: 100,
        subcode: Some(2804036),
        title: Some("ID contatto non valido".to_owned()),
        fbtrace_id: Some("A6UyEgg_HdoiRX9duxcBOjb".to_owned()),
    };
    problems.add_refusal(
        Code::MetaRefused,
        &refusal,
        Place {
            input: 0,
            row: 8,
            line: Some(9),
        },
    );
    let mut summary = run("upload", Plan::Send, &fates);
    summary.inputs.push(Input {
        path: "more leads.xlsx".to_owned(),
        rows: 1_204,
        format: Some("xlsx".to_owned()),
        sheet: Some("Leads".to_owned()),
        guessed: vec![Guess::Sheet, Guess::Columns],
        columns: vec![
            MappedColumn {
                field: "lead_id".to_owned(),
                column: "Meta Lead ID".to_owned(),
            },
            MappedColumn {
                field: "email".to_owned(),
                column: "E-Mail-Adresse".to_owned(),
            },
        ],
        ..Input::default()
    });
    let paths: Vec<_> = summary
        .inputs
        .iter()
        .map(|input| input.path.clone())
        .collect();
    Summary {
        exit_status: ExitStatus::Problems,
        rows: 1_216,
        rows_invalid: 10,
        rows_ignored: 2,
        skipped_stage: 1,
        batches: 2,
        requests: 8,
        retries: 1,
        problems: problems.finish(&paths),
        fbtrace_ids: vec!["AaBb1".to_owned(), "A6UyEgg_HdoiRX9duxcBOjb".to_owned()],
        messages: vec!["Some events lack a currency.".to_owned()],
        ..summary
    }
}

/// A check in a pipeline, with the funnel.
pub(crate) fn validated() -> Summary {
    let fates = [
        ("Lead", [2, 0, 0, 0, 10, 0]),
        ("Marketing Qualified Lead", [0, 0, 0, 0, 9, 0]),
        ("Customer", [0, 0, 0, 0, 2, 0]),
    ];
    let mut sample = Sample::default();
    for lead in 0..12 {
        let created = 1_794_319_512 + i64::from(lead as u32) * 80_000;
        for (event_name, reach, days) in [
            ("Lead", 12, 0),
            ("Marketing Qualified Lead", 9, 1),
            ("Customer", 2, 8),
        ] {
            if lead < reach {
                let time = created + days * 86_400 + lead as i64 * 3_600 * days.min(1);
                sample.add(Reached {
                    lead,
                    event_name,
                    time,
                    created: Some(created),
                    has_lead_id: lead < 11,
                });
            }
        }
    }
    Summary {
        destination: None,
        funnel: Funnel::of(sample),
        ..run("validate", Plan::Pretend, &fates)
    }
}

/// `upload --dry-run`.
pub(crate) fn dry_run() -> Summary {
    run("upload", Plan::Pretend, &[("Lead", [0, 10, 0, 0, 1, 0])])
}

/// The connection was lost for too long.
pub(crate) fn unreachable() -> Summary {
    let ended = Ended {
        reason: "graph.facebook.com did not answer for 600 seconds: connection timed out"
            .to_owned(),
        help: Some(
            "check the network and proxy of this machine, then run the same command again"
                .to_owned(),
        ),
    };
    Summary {
        exit_status: ExitStatus::NotDone,
        batches: 1,
        requests: 14,
        retries: 12,
        ended: Some(ended),
        ..run("upload", Plan::Send, &[("Lead", [0, 0, 9, 0, 2, 1])])
    }
}

/// Meta refused the token.
pub(crate) fn refused() -> Summary {
    let ended = Ended {
        reason: "Meta refused the access token (code 190, subcode 463): Session has expired".to_owned(),
        help: Some(
            "create a new token in Events Manager under Settings, Conversions API, and put it into the token file"
                .to_owned(),
        ),
    };
    Summary {
        exit_status: ExitStatus::Refused,
        requests: 1,
        ended: Some(ended),
        fbtrace_ids: vec!["EJplcsCHuLu".to_owned()],
        ..run("upload", Plan::Send, &[("Lead", [0, 0, 0, 0, 12, 0])])
    }
}

/// Ctrl-C in the middle.
pub(crate) fn interrupted() -> Summary {
    Summary {
        exit_status: ExitStatus::Interrupted,
        batches: 1,
        requests: 1,
        ..run("upload", Plan::Send, &[("Lead", [0, 0, 4, 0, 7, 0])])
    }
}

/// The same command a second time.
pub(crate) fn nothing_to_send() -> Summary {
    run(
        "upload",
        Plan::Send,
        &[
            ("Lead", [0, 11, 0, 0, 0, 0]),
            ("Customer", [0, 2, 0, 0, 0, 0]),
        ],
    )
}

/// More rows were unusable than `--max-invalid` allows.
pub(crate) fn too_many_invalid() -> Summary {
    let ended = Ended {
        reason: "92 % of the rows cannot be used, more than the 50 % of --max-invalid".to_owned(),
        help: Some(
            "see the problems above; most often a column is mapped to the wrong field".to_owned(),
        ),
    };
    Summary {
        exit_status: ExitStatus::Usage,
        rows_invalid: 11,
        ended: Some(ended),
        ..run("upload", Plan::Send, &[])
    }
}
