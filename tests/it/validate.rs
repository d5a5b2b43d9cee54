//! `crm2capi validate`: what is said of damaged exports, row by row, and how much memory it takes.

use serde_json::Value;

#[cfg(target_os = "linux")]
use crate::support::watch_peak_kib;
use crate::support::{Desk, NOW, assert_adds_up, problem, repository, rows_of, text};

/// A fixture of `tests/fixtures/quirks` and what is to be said of it.
struct Quirk {
    file: &'static str,
    more: &'static [&'static str],
    /// Rows, refused ones, ignored ones, events that would be sent.
    counts: [u64; 4],
    /// Code, severity, column, rows.
    problems: &'static [(&'static str, &'static str, &'static str, &'static [u64])],
}

const QUIRKS: &[Quirk] = &[
    Quirk {
        file: "scientific-lead-ids.csv",
        more: &[],
        counts: [3, 2, 0, 1],
        problems: &[("lead-id-precision-lost", "error", "lead_id", &[2, 3])],
    },
    Quirk {
        file: "float-lead-ids.csv",
        more: &[],
        counts: [2, 1, 0, 1],
        problems: &[("lead-id-precision-lost", "error", "lead_id", &[2])],
    },
    Quirk {
        file: "record-ids-for-lead-ids.csv",
        more: &[],
        counts: [3, 3, 0, 0],
        problems: &[("lead-id-malformed", "error", "lead_id", &[2, 3, 4])],
    },
    Quirk {
        file: "dressed-lead-ids.csv",
        more: &[],
        counts: [3, 0, 0, 3],
        problems: &[],
    },
    Quirk {
        file: "damaged-phones.csv",
        more: &[],
        counts: [4, 0, 0, 4],
        problems: &[
            ("phone-invalid", "warning", "phone", &[3]),
            ("phone-country-missing", "warning", "phone", &[4]),
            ("phone-precision-lost", "warning", "phone", &[2]),
        ],
    },
    Quirk {
        file: "phones-without-plus.csv",
        more: &[],
        counts: [3, 0, 0, 3],
        problems: &[],
    },
    Quirk {
        file: "doubled-headings.csv",
        more: &[],
        counts: [1, 0, 0, 1],
        problems: &[("heading-doubled", "warning", "Date", &[1])],
    },
    Quirk {
        file: "doubled-headings.csv",
        more: &["--map", "event_time=Date#2"],
        counts: [1, 0, 0, 1],
        problems: &[],
    },
    Quirk {
        file: "long-and-short-rows.csv",
        more: &[],
        counts: [3, 1, 0, 2],
        problems: &[("row-too-long", "error", "", &[4])],
    },
    Quirk {
        file: "empty-columns-and-lines.csv",
        more: &[],
        counts: [2, 0, 4, 2],
        problems: &[],
    },
    Quirk {
        file: "report-footer.csv",
        more: &[],
        counts: [2, 0, 7, 2],
        problems: &[("value-without-currency", "warning", "Amount", &[2, 3])],
    },
    Quirk {
        file: "line-breaks.csv",
        more: &[],
        counts: [2, 0, 0, 2],
        problems: &[],
    },
    Quirk {
        file: "no-date.csv",
        more: &[
            "--stage-column",
            "Lead Date=Lead",
            "--stage-column",
            "Customer Date=Customer",
        ],
        counts: [7, 1, 0, 8],
        problems: &[("cell-lost", "error", "Customer Date", &[7])],
    },
    Quirk {
        file: "meta-test-leads.csv",
        more: &[],
        counts: [3, 0, 0, 1],
        problems: &[
            ("meta-test-lead", "info", "email", &[2]),
            ("meta-test-lead", "info", "first_name", &[3]),
        ],
    },
    Quirk {
        file: "overlapping-downloads.csv",
        more: &[],
        counts: [4, 0, 0, 3],
        problems: &[("duplicate-event", "info", "", &[4])],
    },
    Quirk {
        file: "nul-bytes.csv",
        more: &[],
        counts: [1, 0, 0, 1],
        problems: &[("nul-removed", "warning", "stage", &[2])],
    },
    Quirk {
        file: "stray-quote.csv",
        more: &[],
        counts: [6, 1, 0, 5],
        problems: &[("quote-unclosed", "error", "note", &[3])],
    },
    Quirk {
        file: "ambiguous-dates.csv",
        more: &["--timezone", "UTC"],
        counts: [2, 2, 0, 0],
        problems: &[("time-order-ambiguous", "error", "stage_date", &[2, 3])],
    },
    Quirk {
        file: "ambiguous-dates.csv",
        more: &[
            "--timezone",
            "UTC",
            "--date-order",
            "dmy",
            "--now",
            "2026-11-10T20:00:00Z",
        ],
        counts: [2, 0, 0, 2],
        problems: &[],
    },
    Quirk {
        file: "settled-dates.csv",
        more: &["--timezone", "UTC"],
        counts: [2, 0, 0, 1],
        problems: &[],
    },
    Quirk {
        file: "times-of-all-sorts.csv",
        more: &["--timezone", "America/New_York"],
        counts: [7, 0, 0, 7],
        problems: &[],
    },
    Quirk {
        file: "times-of-all-sorts.csv",
        more: &[],
        counts: [7, 0, 0, 7],
        // Of no one column: a time zone for all is what is lacking.
        problems: &[("time-zone-assumed", "warning", "", &[2, 3, 4, 8])],
    },
    Quirk {
        file: "unreadable-times.csv",
        more: &[],
        counts: [6, 6, 0, 0],
        problems: &[
            ("stage-missing", "error", "stage", &[6]),
            ("time-missing", "error", "stage_date", &[5]),
            ("time-malformed", "error", "stage_date", &[2]),
            ("time-two-digit-year", "error", "stage_date", &[4]),
            ("time-precision-lost", "error", "stage_date", &[3]),
            ("event-in-future", "error", "stage_date", &[7]),
        ],
    },
    Quirk {
        file: "day-only.csv",
        more: &["--timezone", "UTC"],
        counts: [2, 0, 0, 2],
        problems: &[("time-date-only", "warning", "stage_date", &[2, 3])],
    },
    Quirk {
        file: "day-only.csv",
        more: &["--timezone", "UTC", "--now", "2026-11-21T08:00:00Z"],
        counts: [2, 0, 0, 2],
        problems: &[
            ("time-date-only", "warning", "stage_date", &[2, 3]),
            ("time-capped", "warning", "stage_date", &[3]),
        ],
    },
    Quirk {
        file: "before-created.csv",
        more: &[],
        counts: [2, 1, 0, 1],
        problems: &[("event-before-created", "error", "stage_date", &[2])],
    },
    Quirk {
        file: "nobody.csv",
        more: &[],
        counts: [3, 3, 0, 0],
        problems: &[
            ("customer-missing", "error", "", &[2, 4]),
            ("customer-too-broad", "error", "", &[3]),
            ("email-invalid", "warning", "email", &[2]),
        ],
    },
    Quirk {
        file: "hashes.csv",
        more: &[],
        // The plain address on the second row is the hash on the first.
        counts: [3, 1, 0, 1],
        problems: &[
            ("customer-missing", "error", "", &[4]),
            ("hash-not-sha256", "warning", "email", &[4]),
            ("duplicate-event", "info", "", &[3]),
        ],
    },
];

impl Quirk {
    fn arguments<'a>(&'a self, command: &'a str, path: &'a str) -> Vec<&'a str> {
        let mut arguments = vec![command, path, "--quiet"];
        if !self.more.contains(&"--now") {
            arguments.extend(["--now", NOW]);
        }
        arguments.extend(self.more);
        arguments
    }
}

fn fixture(name: &str) -> String {
    repository(&format!("tests/fixtures/quirks/{name}"))
}

#[test]
fn every_quirk_is_told_with_its_rows_and_columns() {
    let desk = Desk::new();
    for quirk in QUIRKS {
        let path = fixture(quirk.file);
        let has_errors = quirk
            .problems
            .iter()
            .any(|(_, severity, ..)| *severity == "error");
        let mut arguments = quirk.arguments("validate", &path);
        arguments.extend(["--format", "json", "--max-invalid", "100"]);
        let report = desk.run(&arguments).ended(i32::from(has_errors)).json();
        assert_adds_up(&report);
        let counts = ["rows", "rows_invalid", "rows_ignored", "would_send"]
            .map(|count| report[count].as_u64().unwrap());
        assert_eq!(counts, quirk.counts, "{arguments:?}");

        let told = |problem: &Value| {
            let column = problem.get("column").map(text).unwrap_or_default();
            (
                text(&problem["code"]),
                text(&problem["severity"]),
                column,
                rows_of(problem),
            )
        };
        let mut found: Vec<_> = report["problems"]
            .as_array()
            .unwrap()
            .iter()
            .map(told)
            .collect();
        let mut expected: Vec<_> = quirk
            .problems
            .iter()
            .map(|(code, severity, column, rows)| {
                (
                    (*code).to_owned(),
                    (*severity).to_owned(),
                    (*column).to_owned(),
                    rows.to_vec(),
                )
            })
            .collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{arguments:?}");

        let has_warnings = quirk
            .problems
            .iter()
            .any(|(_, severity, ..)| *severity != "info");
        desk.run(&[arguments, vec!["--strict"]].concat())
            .ended(i32::from(has_warnings));
    }
}

#[test]
fn every_fixture_is_looked_at() {
    let folder = std::fs::read_dir(repository("tests/fixtures/quirks")).unwrap();
    for name in folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
        assert!(
            name == "README.md" || QUIRKS.iter().any(|quirk| quirk.file == name),
            "{name}"
        );
    }
}

fn built(file: &str, more: &[&str]) -> Vec<Value> {
    let path = fixture(file);
    let arguments = [&["build", &path, "--now", NOW, "--quiet"], more].concat();
    Desk::new().run(&arguments).ended(0).ndjson()
}

#[test]
fn one_moment_written_in_seven_ways_is_one_time() {
    let events = built(
        "times-of-all-sorts.csv",
        &["--timezone", "America/New_York"],
    );
    let times: Vec<i64> = events
        .iter()
        .map(|event| event["event_time"].as_i64().unwrap())
        .collect();
    assert_eq!(times, [1_795_201_380; 7]);
}

#[test]
fn ids_and_phones_are_sent_as_they_were_before_the_spreadsheet_dressed_them() {
    let ids: Vec<u64> = built("dressed-lead-ids.csv", &[])
        .iter()
        .map(|event| event["user_data"]["lead_id"].as_u64().unwrap())
        .collect();
    assert_eq!(
        ids,
        [
            1_234_567_890_123_456,
            987_654_321_098_765,
            12_345_678_901_234_567
        ]
    );
    let phones: Vec<String> = built("phones-without-plus.csv", &[])
        .iter()
        .map(|event| text(&event["user_data"]["ph"][0]))
        .collect();
    assert_eq!(
        phones,
        ["12125550101", "493023125042", "441174960123"].map(crate::support::sha256)
    );
}

#[test]
fn a_number_picks_one_of_several_equal_headings() {
    let time = |more: &[&str]| {
        built("doubled-headings.csv", more)[0]["event_time"]
            .as_i64()
            .unwrap()
    };
    assert_eq!(time(&[]), 1_795_082_400);
    assert_eq!(time(&["--map", "event_time=Date#2"]), 1_795_168_800);
}

#[test]
fn an_ambiguous_date_shows_both_readings() {
    let path = fixture("ambiguous-dates.csv");
    let report = Desk::new()
        .run(&[
            "validate",
            &path,
            "--now",
            NOW,
            "--format",
            "json",
            "--max-invalid",
            "100",
        ])
        .ended(1)
        .json();
    let told = problem(&report, "time-order-ambiguous").to_string();
    assert!(
        told.contains("10/11/2026 could be 10 November or 11 October"),
        "{told}"
    );
    assert!(told.contains("--date-order"), "{told}");
}

#[test]
fn what_is_beyond_saving_says_the_way_out() {
    let path = fixture("scientific-lead-ids.csv");
    let report = Desk::new()
        .run(&[
            "validate",
            &path,
            "--now",
            NOW,
            "--format",
            "json",
            "--max-invalid",
            "100",
        ])
        .ended(1)
        .json();
    let told = problem(&report, "lead-id-precision-lost");
    assert_eq!(
        (&told["field"], &told["column"], &told["count"]),
        (&"lead_id".into(), &"lead_id".into(), &2.into())
    );
    assert_eq!(told["examples"][0]["path"], path);
    assert!(
        text(&told["help"])
            .contains("format the column as text before opening the file in a spreadsheet")
    );
}

#[test]
fn settings_say_whether_a_value_that_cannot_be_used_costs_its_row() {
    let desk = Desk::new();
    desk.file("omit.toml", "[fields]\nlead_id = \"omit\"\n");
    desk.file("reject.toml", "[fields]\nphone = \"reject\"\n");
    let (ids, phones) = (
        fixture("scientific-lead-ids.csv"),
        fixture("damaged-phones.csv"),
    );
    let report = |settings: &str, path: &str, status| {
        let arguments = [
            "validate",
            path,
            "--config",
            settings,
            "--now",
            NOW,
            "--format",
            "json",
            "--quiet",
            "--max-invalid",
            "100",
        ];
        desk.run(&arguments).ended(status).json()
    };
    let omitted = report("omit.toml", &ids, 0);
    assert_eq!(
        (&omitted["would_send"], &omitted["match_keys"]["lead_id"]),
        (&3.into(), &1.into())
    );
    assert_eq!(
        problem(&omitted, "lead-id-precision-lost")["severity"],
        "warning"
    );
    let rejected = report("reject.toml", &phones, 1);
    assert_eq!(
        (&rejected["would_send"], &rejected["rows_invalid"]),
        (&1.into(), &3.into())
    );
}

#[test]
fn unlisted_stages_are_refused_sent_or_skipped_as_the_settings_say() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "email,stage,stage_date\na@example.com,New,2026-11-20T10:00:00Z\nb@example.com,Odd,2026-11-20T10:00:00Z\n\
         c@example.com,Junk,2026-11-20T10:00:00Z\n",
    );
    let stages = "[stages]\n\"new\" = \"Lead\"\n\"Junk\" = \"\"\n";
    for (unlisted, status, would_send, skipped) in
        [("error", 1, 1, 1), ("send", 0, 2, 1), ("skip", 0, 1, 2)]
    {
        desk.file(
            "crm2capi.toml",
            format!("[crm]\nunlisted_stages = \"{unlisted}\"\n{stages}"),
        );
        let ran = desk
            .run(&["validate", "leads.csv", "--now", NOW, "--format", "json"])
            .ended(status);
        let report = ran.json();
        assert_eq!(
            (&report["would_send"], &report["skipped_stage"]),
            (&would_send.into(), &skipped.into()),
            "{unlisted}"
        );
        if unlisted == "error" {
            assert_eq!(rows_of(problem(&report, "stage-unlisted")), [3]);
            assert!(
                problem(&report, "stage-unlisted")
                    .to_string()
                    .contains("Odd")
            );
        }
    }
    desk.file("crm2capi.toml", stages);
    desk.run(&["validate", "leads.csv", "--now", NOW]).ended(1);
    desk.file("crm2capi.toml", "");
    let report = desk
        .run(&["validate", "leads.csv", "--now", NOW, "--format", "json"])
        .ended(0)
        .json();
    assert_eq!(report["would_send"], 3);
}

#[test]
fn a_problem_of_the_stage_names_the_stages_column() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "email,first_name,Etapa,Fecha\na@example.com,Ava,Odd,2026-11-20T10:00:00Z\n\
         b@example.com,Ben,Won - Ben,2026-11-20T10:00:00Z\nc@example.com,Cid,,2026-11-20T10:00:00Z\n\
         d@example.com,Dee,New,2026-11-20T10:00:00Z\n",
    );
    desk.file(
        "crm2capi.toml",
        "[columns]\nemail = \"email\"\nfirst_name = \"first_name\"\nevent_name = \"Etapa\"\nevent_time = \"Fecha\"\n\
         [stages]\nNew = \"Lead\"\n[delivery]\nmax_invalid = 100\n",
    );
    let report = desk
        .run(&["validate", "leads.csv", "--now", NOW, "--format", "json"])
        .ended(1)
        .json();
    for code in ["stage-unlisted", "event-name-personal", "stage-missing"] {
        assert_eq!(problem(&report, code)["column"], "Etapa", "{code}");
    }
}

#[test]
fn refused_rows_go_to_the_rejects_file_as_they_came() {
    let desk = Desk::new();
    let path = fixture("unreadable-times.csv");
    desk.run(&["validate", &path, "--now", NOW, "--rejects", "r.csv"])
        .ended(2);
    let text = std::fs::read_to_string(desk.path().join("r.csv")).unwrap();
    assert!(text.starts_with("email,stage,stage_date,crm2capi_problem,crm2capi_help,crm2capi_row\nada.nunn@example.com,Lead,yesterday,time-malformed,"), "{text}");
    assert_eq!(text.lines().count(), 7);
}

/// Longer than all that a run remembers: two generations of events, the sample of leads, every cache.
#[cfg(target_os = "linux")]
const MANY_ROWS: u64 = 2_000_000;

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_file() {
    let header = "Meta Lead ID,Email,Stage,Stage Date";
    let row = |n: u64| {
        format!(
            "{},user{n}@example.com,Customer,2026-11-20 10:{:02}",
            1_000_000_000_000_000 + n,
            n % 60
        )
    };
    let (peak, report) = peak_kib("validate", MANY_ROWS, header, row);
    let report: Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(
        (report["rows"].as_u64(), report["would_send"].as_u64()),
        (Some(MANY_ROWS), Some(MANY_ROWS))
    );
    assert!(peak < 64 * 1024, "{peak} KiB");
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_width_of_events() {
    let header = "Record ID,Meta Lead ID,Email,Phone Number,First Name,Last Name,City,State/Region,Postal Code,Country/Region,\
                  Became a Lead Date,Became a Customer Date";
    let row = |n: u64| {
        let (id, phone, zip, minute) = (
            1_000_000_000_000_000 + n,
            n % 10_000,
            10_000 + n % 90_000,
            n % 60,
        );
        format!(
            "{n},{id},user{n}@example.com,(212) 555-{phone:04},Name{n},Last{n},City,Texas,{zip},United States,\
             2026-11-16T10:{minute:02}:00Z,2026-11-20T10:{minute:02}:00Z"
        )
    };
    let (peak, events) = peak_kib("build", 50_000, header, row);
    assert_eq!(
        events.iter().filter(|&&byte| byte == b'\n').count(),
        100_000
    );
    assert!(peak < 64 * 1024, "{peak} KiB");
}

/// The peak memory of a command on so many rows from standard input, in KiB, and what it printed.
#[cfg(target_os = "linux")]
fn peak_kib(
    command: &str,
    rows: u64,
    header: &str,
    row: impl Fn(u64) -> String + Sync,
) -> (u64, Vec<u8>) {
    use std::io::{BufWriter, Read, Write};
    use std::process::Stdio;
    let desk = Desk::new();
    let mut args = vec![
        command,
        "-",
        "--now",
        NOW,
        "--quiet",
        "--default-country",
        "US",
        "--timezone",
        "UTC",
    ];
    args.extend(
        ["--format", "json"]
            .iter()
            .filter(|_| command == "validate"),
    );
    let mut child = desk
        .command(&args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let process = child.id();
    let (peak, printed) = std::thread::scope(|scope| {
        let row = &row;
        scope.spawn(move || {
            let mut out = BufWriter::new(stdin);
            writeln!(out, "{header}").unwrap();
            (0..rows).for_each(|n| writeln!(out, "{}", row(n)).unwrap());
        });
        let printed = scope.spawn(move || {
            let mut printed = Vec::new();
            stdout.read_to_end(&mut printed).unwrap();
            printed
        });
        (watch_peak_kib(process), printed.join().unwrap())
    });
    assert!(child.wait().unwrap().success() && peak > 0);
    (peak, printed)
}
