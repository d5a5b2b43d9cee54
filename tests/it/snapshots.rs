//! Exports that show only the stage a lead is in: a month of them, as a nightly job meets them.

mod changes;
mod connected;
mod model;
mod month;

use std::time::{Duration, SystemTime};

use crate::support::recorder::Recorder;
use crate::support::{Desk, NOW, Ran, repository};

const SETTINGS: &str = r#"
[crm]
name = "Own CRM"
stage_time = "first-seen"
sends_again = ["Contacted"]

[columns]
lead_id = "Lead ID"
email = "Email"
event_name = "Status"
created_time = "Created"

[stages]
"New" = "Lead"
"Contacted" = "Contacted"
"Qualified" = "Qualified"
"Won" = "Customer"
"Junk" = ""

[stage_columns]
"Created" = "Lead"
"#;

const HEADER: &str = "Lead ID,Email,Status,Created\n";

/// One row of an export.
fn row(lead: u64, status: &str, created: &str) -> String {
    let id = 1_234_567_890_000_000 + lead;
    format!("{id},lead{lead}@example.com,{status},{created}\n")
}

fn export(rows: &[String]) -> String {
    format!("{HEADER}{}", rows.concat())
}

/// A folder with settings that lead to a server.
struct Job {
    desk: Desk,
    server: Recorder,
}

impl Job {
    fn new() -> Self {
        let desk = Desk::new();
        desk.file("job.toml", SETTINGS);
        Self {
            desk,
            server: Recorder::start(),
        }
    }

    fn command(&self, now: Option<&str>, more: &[&str]) -> std::process::Command {
        let mut args = vec!["--batch-size", "20", "--timezone", "UTC"];
        args.extend(now.iter().flat_map(|now| ["--now", now]));
        args.extend(more);
        upload_command(&self.desk, &self.server, &args)
    }

    fn upload(&self, now: &str, rows: &[String]) -> Ran {
        self.desk.file("export.csv", export(rows));
        let output = self.command(Some(now), &[]).output().unwrap();
        Ran::of(&["upload"], output)
    }

    /// Name and time of the events that arrived since the last call.
    fn arrived(&self) -> Vec<(String, i64)> {
        let events = self.server.take();
        let event = |event: &serde_json::Value| {
            let name = event["event_name"].as_str().unwrap().to_owned();
            (name, event["event_time"].as_i64().unwrap())
        };
        events.iter().map(event).collect()
    }
}

/// The command line of an upload of `export.csv` by `job.toml`.
fn upload_command(desk: &Desk, server: &Recorder, more: &[&str]) -> std::process::Command {
    let mut args = vec!["upload", "export.csv", "--config", "job.toml"];
    args.extend(["--format", "json", "--dataset-id", "1"]);
    args.extend(["--graph-url", server.url()]);
    args.extend(more);
    let mut command = desk.command(&args);
    command.env("CRM2CAPI_ACCESS_TOKEN", "TOKEN");
    command
}

/// The same of a night `days` after the first.
fn nightly(
    (desk, server): (&Desk, &Recorder),
    (first, days): (i64, i64),
    more: &[&str],
) -> std::process::Command {
    let now = jiff::Timestamp::from_second(first + days * 86_400).unwrap();
    let now = now.to_string();
    let mut args = vec!["--now", &now, "--default-country", "US"];
    args.extend(["--give-up-after", "0"]);
    args.extend(more);
    upload_command(desk, server, &args)
}

fn at(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_second()
}

const DAY_1: &str = "2026-11-20T18:00:00Z";
const DAY_2: &str = "2026-11-21T18:00:00Z";
const DAY_3: &str = "2026-11-22T18:00:00Z";
const DAY_4: &str = "2026-11-23T18:00:00Z";

fn named(name: &str, time: &str) -> (String, i64) {
    (name.to_owned(), at(time))
}

#[test]
fn the_first_run_sends_raw_leads_and_records_the_rest() {
    let job = Job::new();
    let rows = [
        row(1, "Qualified", "2026-11-19T09:00:00Z"),
        row(2, "Won", "2026-09-01T09:00:00Z"),
        row(3, "New", "2026-09-01T09:00:00Z"),
    ];
    let report = job.upload(DAY_1, &rows).ended(0).json();
    assert_eq!(job.arrived(), [named("Lead", "2026-11-19T09:00:00Z")]);
    let snapshot =
        serde_json::json!({"is_first_run": true, "recorded": 2, "overdue": 0, "unchanged": 0});
    assert_eq!(report["snapshot"], snapshot);
    assert_eq!(report["events"], 3);
    assert_eq!(report["skipped_old"], 2);
    assert_eq!(report["accepted"], 1);

    let report = job.upload(DAY_2, &rows).ended(0).json();
    assert_eq!(job.arrived(), []);
    let snapshot =
        serde_json::json!({"is_first_run": false, "recorded": 0, "overdue": 0, "unchanged": 2});
    assert_eq!(report["snapshot"], snapshot);
    assert_eq!(report["skipped_delivered"], 1);
}

#[test]
fn later_runs_send_what_changed_and_new_leads_with_the_raw_lead_first() {
    let job = Job::new();
    let old = |status| row(1, status, "2026-09-01T09:00:00Z");
    job.upload(DAY_1, &[old("Contacted")]).ended(0);
    let rows = [
        old("Won"),
        row(2, "Qualified", "2026-11-21T09:00:00Z"),
        row(3, "Junk", "2026-11-21T10:00:00Z"),
    ];
    job.upload(DAY_2, &rows).ended(0);
    let mut arrived = job.arrived();
    let second = arrived.iter().position(|event| event.0 == "Qualified");
    assert!(second > arrived.iter().position(|event| event.0 == "Lead"));
    arrived.sort();
    let expected = [
        named("Customer", DAY_2),
        named("Lead", "2026-11-21T09:00:00Z"),
        named("Lead", "2026-11-21T10:00:00Z"),
        named("Qualified", DAY_2),
    ];
    assert_eq!(arrived, expected);
    job.upload(DAY_2, &rows).ended(0);
    job.upload(DAY_3, &rows).ended(0);
    assert_eq!(job.arrived(), []);
}

#[test]
fn a_stage_that_sends_again_does_so_once_a_visit() {
    let job = Job::new();
    let lead = |status| [row(1, status, "2026-09-01T09:00:00Z")];
    job.upload(DAY_1, &lead("New")).ended(0);
    let mut ids = Vec::new();
    for (now, status, expected) in [
        (DAY_2, "Contacted", "Contacted"),
        (DAY_3, "Qualified", "Qualified"),
        (DAY_4, "Contacted", "Contacted"),
        ("2026-11-24T18:00:00Z", "Contacted", ""),
        ("2026-11-25T18:00:00Z", "Qualified", ""),
        ("2026-11-26T18:00:00Z", "Contacted", "Contacted"),
    ] {
        for _ in 0..2 {
            job.upload(now, &lead(status)).ended(0);
        }
        let events = job.server.take();
        let names: Vec<_> = events.iter().map(|event| &event["event_name"]).collect();
        match expected {
            "" => assert!(names.is_empty(), "{now}: {names:?}"),
            name => assert_eq!(names, [name], "{now}"),
        }
        ids.extend(events.iter().map(|event| event["event_id"].to_string()));
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4, "{ids:?}");
}

#[test]
fn the_time_of_the_file_is_that_of_the_export() {
    let job = Job::new();
    let write = |status: &str, age: u64| {
        let rows = [row(1, status, "2024-09-01T09:00:00Z")];
        let path = job.desk.file("export.csv", export(&rows));
        let time = SystemTime::now() - Duration::from_secs(age);
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_modified(time).unwrap();
        time.duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_secs() as i64
    };
    let upload = || Ran::of(&["upload"], job.command(None, &[]).output().unwrap()).ended(0);
    write("New", 90_000);
    upload();
    let written = write("Won", 7_000);
    upload();
    assert_eq!(job.arrived(), [("Customer".to_owned(), written)]);
    // One that Meta would not take any more is recorded, and not sent with a later time.
    write("Qualified", 9 * 86_400);
    assert_eq!(upload().json()["skipped_old"], 2);
    write("Qualified", 100);
    upload();
    assert_eq!(job.arrived(), []);
}

#[test]
fn a_column_says_when_the_export_was_made() {
    let job = Job::new();
    let rows = |status: &str, exported: &str| {
        let row =
            format!("1234567890000001,a@example.com,{status},2026-09-01T09:00:00Z,{exported}\n");
        format!("Lead ID,Email,Status,Created,Exported\n{row}")
    };
    let upload = |content: String| {
        job.desk.file("export.csv", content);
        let command = &mut job.command(Some(DAY_3), &["--map", "exported_time=Exported"]);
        Ran::of(&["upload"], command.output().unwrap()).ended(0)
    };
    upload(rows("New", "2026-11-20T06:00:00Z"));
    upload(rows("Won", "2026-11-21T06:00:00Z"));
    assert_eq!(job.arrived(), [named("Customer", "2026-11-21T06:00:00Z")]);
}

#[test]
fn validate_shows_what_the_first_run_and_the_next_would_send() {
    let job = Job::new();
    let lead = |status| {
        [
            row(1, status, "2026-11-19T09:00:00Z"),
            row(2, "Won", "2026-09-01"),
        ]
    };
    let validate = |rows: &[String], more: &[&str]| {
        job.desk.file("export.csv", export(rows));
        let mut args = vec![
            "validate",
            "export.csv",
            "--config",
            "job.toml",
            "--now",
            DAY_2,
        ];
        args.extend(["--timezone", "UTC", "--dataset-id", "1"]);
        args.extend(more);
        job.desk.run(&args).ended(0)
    };
    let page = validate(&lead("Contacted"), &[]).stdout;
    assert!(
        page.replace("\n  ", " ")
            .contains("first run: 2 stages are recorded"),
        "{page}"
    );
    assert!(
        page.replace("\n  ", " ").contains("the next one sends"),
        "{page}"
    );
    let report = validate(&lead("Contacted"), &["--format", "json"]).json();
    assert_eq!(report["would_send"], 1, "{report}");

    job.upload(DAY_1, &lead("Contacted")).ended(0);
    let report = validate(&lead("Qualified"), &["--format", "json"]).json();
    assert_eq!(report["snapshot"]["is_first_run"], false);
    assert_eq!(report["stages"]["Qualified"]["would_send"], 1);
    let report = validate(&lead("Contacted"), &["--format", "json"]).json();
    assert_eq!(report["snapshot"]["unchanged"], 2, "{report}");
    // It only looked.
    job.arrived();
    job.upload(DAY_2, &lead("Qualified")).ended(0);
    assert_eq!(job.arrived(), [named("Qualified", DAY_2)]);
}

#[test]
fn dry_runs_and_rehearsals_leave_no_memory() {
    let job = Job::new();
    let lead = |status| [row(1, status, "2026-09-01T09:00:00Z")];
    job.upload(DAY_1, &lead("New")).ended(0);
    job.desk.file("export.csv", export(&lead("Won")));
    for more in [&["--dry-run"][..], &["--test-event-code", "TEST1"]] {
        let output = job.command(Some(DAY_2), more).output().unwrap();
        Ran::of(more, output).ended(0);
    }
    job.arrived();
    job.upload(DAY_2, &lead("Won")).ended(0);
    assert_eq!(job.arrived(), [named("Customer", DAY_2)]);
}

#[test]
fn settings_that_cannot_work_are_refused_with_the_reason() {
    let job = Job::new();
    job.desk
        .file("export.csv", export(&[row(1, "Won", "2026-09-01")]));
    let output = job
        .command(Some(DAY_1), &["--ledger", "none"])
        .output()
        .unwrap();
    let said = Ran::of(&[], output).ended(2).stderr;
    assert!(
        said.contains("needs a ledger") || said.contains("the ledger remembers"),
        "{said}"
    );
    let with = |from: &str, to: &str| {
        job.desk.file("job.toml", SETTINGS.replace(from, to));
        Ran::of(&[], job.command(Some(DAY_1), &[]).output().unwrap())
    };
    let said = with("[\"Contacted\"]", "[\"Contatced\"]").ended(2).stderr;
    assert!(
        said.contains("line 5: sends_again under [crm]: \"Contatced\" is neither"),
        "{said}"
    );
    let said = with("stage_time = \"first-seen\"", "").ended(2).stderr;
    assert!(
        said.contains("sends_again under [crm] is for stage_time"),
        "{said}"
    );
    let said = with("\"first-seen\"", "\"first\"").ended(2).stderr;
    assert!(
        said.contains("line 4") && said.contains("first-seen"),
        "{said}"
    );
}

/// Counted by hand from the two files.
#[test]
fn the_example_shows_a_first_run_and_the_next() {
    let desk = Desk::new();
    let at = |name: &str| repository(&format!("examples/snapshots/{name}"));
    let (settings, monday, tuesday) = (at("settings.toml"), at("monday.csv"), at("tuesday.csv"));
    let mut args = vec![
        "validate", "--config", &settings, "--now", NOW, "--format", "json",
    ];
    args.push(&monday);
    let report = desk.run(&args).ended(0).json();
    let names = |report: &serde_json::Value| {
        let stages = report["stages"].as_object().unwrap().iter();
        let sent =
            stages.map(|(name, counts)| (name.clone(), counts["would_send"].as_u64().unwrap()));
        sent.filter(|(_, count)| *count > 0).collect::<Vec<_>>()
    };
    let named = |name: &str, count| (name.to_owned(), count);
    assert_eq!(names(&report), [named("Lead", 2)], "{report}");
    // Ava's and Priya's; Marcus is a raw lead, and Diego's stage is never sent.
    assert_eq!(report["snapshot"]["recorded"], 2);
    args.push(&tuesday);
    let report = desk.run(&args).ended(0).json();
    let expected = [
        named("Contacted", 1),
        named("Lead", 3),
        named("Qualified Lead", 1),
    ];
    assert_eq!(names(&report), expected, "{report}");
    // Mia is new in this run, so her stage is recorded too.
    assert_eq!(report["snapshot"]["recorded"], 3);
}

#[test]
fn a_date_of_creation_taken_for_the_time_of_a_stage_is_warned_of() {
    let desk = Desk::new();
    let rows = [
        row(1, "Won", "2026-11-20T09:00:00Z"),
        row(2, "New", "2026-11-20T09:00:00Z"),
    ];
    desk.file("export.csv", export(&rows));
    let validate = |more: &[&str]| {
        let mut args = vec!["validate", "export.csv", "--now", NOW, "--format", "json"];
        args.extend([
            "--preset",
            "none",
            "--map",
            "email=Email",
            "--map",
            "event_name=Status",
        ]);
        args.extend(more);
        let report = desk.run(&args).ended(0).json();
        let problems = report["problems"].as_array().unwrap().clone();
        problems
            .iter()
            .map(|problem| problem["code"].to_string())
            .collect::<Vec<_>>()
    };
    let warned = |codes: &[String]| codes.iter().any(|code| code.contains("stage-time-created"));
    assert!(warned(&validate(&["--map", "event_time=Created"])));
    let codes = validate(&[
        "--stage-time",
        "first-seen",
        "--stage-column",
        "Created=Lead",
    ]);
    assert!(codes.is_empty(), "{codes:?}");
}

#[test]
fn init_proposes_it_and_writes_settings_for_it() {
    let desk = Desk::new();
    let rows: Vec<String> = (1..30)
        .map(|lead| {
            let status = ["New", "Contacted", "Qualified", "Won"][lead as usize % 4];
            row(
                lead,
                status,
                &format!("2026-11-{:02}T09:00:00Z", lead % 20 + 1),
            )
        })
        .collect();
    desk.file("export.csv", export(&rows));
    let init = |more: &[&str], status| {
        let mut args = vec!["init", "export.csv", "--yes", "--force"];
        args.extend(more);
        let ran = desk.run(&args).ended(status);
        let settings = std::fs::read_to_string(desk.path().join("crm2capi.toml")).unwrap();
        (ran, settings)
    };
    let (page, settings) = init(&[], 0);
    assert!(
        page.stdout.contains("--stage-time first-seen"),
        "{}",
        page.stdout
    );
    assert!(
        settings.contains("\n# stage_time = \"first-seen\"\n"),
        "{settings}"
    );

    let (_, settings) = init(&["--stage-time", "first-seen"], 0);
    assert!(
        settings.contains("\nstage_time = \"first-seen\"\n"),
        "{settings}"
    );
    assert!(
        settings.contains("\n\"Created\" = \"Lead\"") || settings.contains("\nCreated = \"Lead\""),
        "{settings}"
    );
    assert!(!settings.contains("event_time"), "{settings}");
    let (page, _) = init(&["--stage-time", "first-seen"], 0);
    assert!(
        page.stdout.contains("shape      snapshot: one row a lead"),
        "{}",
        page.stdout
    );
    let args = ["validate", "export.csv", "--now", NOW, "--format", "json"];
    let report = desk.run(&args).ended(0).json();
    assert_eq!(report["snapshot"]["recorded"], 29, "{report}");

    // Without any time it is the way out that is named.
    let rows: Vec<String> = rows
        .iter()
        .map(|row| row.rsplit_once(',').unwrap().0.to_owned() + "\n")
        .collect();
    desk.file(
        "export.csv",
        format!("Lead ID,Email,Status\n{}", rows.concat()),
    );
    let (ran, settings) = init(&[], 2);
    assert!(
        ran.stderr.contains("--stage-time first-seen"),
        "{}",
        ran.stderr
    );
    assert!(
        settings.contains("# stage_time = \"first-seen\""),
        "{settings}"
    );
    init(&["--stage-time", "first-seen"], 0);
}
