//! What may happen to a lead between two snapshots: it becomes known by something else, its upload fails, its consent
//! comes or goes, somebody spells its stage otherwise.

use serde_json::{Value, json};

use super::{DAY_1, DAY_2, DAY_3, DAY_4, at};
use crate::support::recorder::{Failure, Recorder};
use crate::support::sandbox::Sandbox;
use crate::support::{Desk, Ran, assert_adds_up, problem};

const SETTINGS: &str = r#"
[crm]
name = "Own CRM"
stage_time = "first-seen"
timezone = "UTC"

[columns]
lead_id = "lid"
email = "em"
phone = "ph"
event_name = "stage"
consent = "ok"

[stage_columns]
created = "Lead"
"#;
const HEADER: &str = "lid,em,ph,stage,created,ok\n";
const A: &str = "1234567890000001";
const B: &str = "1234567890000002";
/// Longer ago than Meta looks back.
const OLD: &str = "2026-09-01T09:00:00Z";

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

    /// One whose first run has seen these rows.
    fn after(rows: &[String]) -> Self {
        let job = Self::new();
        job.run(DAY_1, rows).ended(0);
        job.server.take();
        job
    }

    fn run(&self, now: &str, rows: &[String]) -> Ran {
        // No export is empty.
        let somebody = [lead(("", "somebody@example.com", ""), "Contacted")];
        let rows = if rows.is_empty() { &somebody } else { rows };
        self.desk
            .file("export.csv", format!("{HEADER}{}", rows.concat()));
        self.run_with(now, &["--graph-url", self.server.url()])
    }

    fn run_with(&self, now: &str, more: &[&str]) -> Ran {
        let mut args = vec!["upload", "export.csv", "--config", "job.toml", "--now", now];
        if !more.contains(&"--format") {
            args.extend(["--format", "json"]);
        }
        args.extend(["--dataset-id", "1", "--default-country", "US"]);
        args.extend(["--give-up-after", "1", "--timeout", "2"]);
        args.extend(more);
        self.desk
            .run_with(&args, &[("CRM2CAPI_ACCESS_TOKEN", "TOKEN")])
    }

    /// Name and time of the events that arrived since the last call.
    fn arrived(&self) -> Vec<(String, i64)> {
        let event = |event: &Value| {
            let name = event["event_name"].as_str().unwrap().to_owned();
            (name, event["event_time"].as_i64().unwrap())
        };
        self.server.take().iter().map(event).collect()
    }

    /// Uploads one export a day and gives the stages that arrived by each.
    fn days(exports: &[Vec<String>]) -> Vec<Vec<String>> {
        let job = Self::new();
        let days = [DAY_1, DAY_2, DAY_3, DAY_4].iter().zip(exports);
        days.map(|(now, rows)| {
            job.run(now, rows).ended(0);
            job.arrived().into_iter().map(|(name, _)| name).collect()
        })
        .collect()
    }
}

/// A lead that is known by a lead id, an email and a phone, each of which may be empty.
fn lead((id, email, phone): (&str, &str, &str), stage: &str) -> String {
    format!("{id},{email},{phone},{stage},{OLD},yes\n")
}

fn named(name: &str, time: &str) -> (String, i64) {
    (name.to_owned(), at(time))
}

#[test]
fn a_lead_keeps_its_stages_whatever_it_is_known_by() {
    let x = "x@example.com";
    for (from, to) in [
        (("", x, ""), (A, x, "")),
        ((A, x, ""), ("", x, "")),
        ((A, x, "+12125550123"), ("", "", "+12125550123")),
        ((A, x, ""), (A, "y@example.com", "")),
        (("", x, ""), ("", "y@example.com;x@example.com", "")),
    ] {
        // What was there stays, what is new goes once, and what went does not go again.
        let days = Job::days(&[
            vec![lead(from, "Contacted")],
            vec![lead(to, "Contacted")],
            vec![lead(to, "Won")],
            vec![lead(from, "Won")],
        ]);
        let won = vec!["Won".to_owned()];
        assert_eq!(
            days,
            [vec![], vec![], won.clone(), vec![]],
            "{from:?} {to:?}"
        );
        let days = Job::days(&[
            vec![],
            vec![lead(from, "Won")],
            vec![lead(to, "Won"), lead(from, "Won")],
            vec![lead(to, "Contacted"), lead(from, "Contacted")],
        ]);
        let contacted = vec!["Contacted".to_owned()];
        assert_eq!(days, [vec![], won, vec![], contacted], "{from:?} {to:?}");
    }
    // By way of a row with both.
    let (a, both, b) = (
        ("", x, ""),
        ("", "x@example.com;y@example.com", ""),
        ("", "y@example.com", ""),
    );
    let days = Job::days(&[
        vec![],
        vec![lead(a, "Won")],
        vec![lead(both, "Won")],
        vec![lead(b, "Won")],
    ]);
    assert_eq!(days.concat(), ["Won"]);
}

#[test]
fn leads_that_share_a_phone_or_an_email_are_several() {
    let (x, p) = ("x@example.com", "+12125550123");
    for leads in [
        vec![(A, x, ""), (B, x, "")],
        vec![
            ("", "a@example.com", p),
            ("", "b@example.com", p),
            ("", "c@example.com", p),
        ],
        vec![("", x, p), (B, "b@example.com", p), (A, "", p)],
    ] {
        let rows = |stage| {
            leads
                .iter()
                .map(|who| lead(*who, stage))
                .collect::<Vec<_>>()
        };
        let days = Job::days(&[vec![], rows("Won"), rows("Won"), rows("Lost")]);
        let counts: Vec<usize> = days.iter().map(Vec::len).collect();
        assert_eq!(counts, [0, leads.len(), 0, leads.len()], "{leads:?}");
    }
    // One of them takes the lead that had no id; the other is another one.
    let days = Job::days(&[
        vec![],
        vec![lead(("", x, ""), "Won")],
        vec![lead((A, x, ""), "Won"), lead((B, x, ""), "Won")],
        vec![lead((B, x, ""), "Won"), lead((A, x, ""), "Won")],
    ]);
    assert_eq!(days.iter().map(Vec::len).collect::<Vec<_>>(), [0, 1, 1, 0]);
}

#[test]
fn a_stage_that_could_not_be_delivered_goes_with_its_first_time_whatever_the_next_export_shows() {
    for failure in [Failure::Throttle, Failure::Cut, Failure::CutAfterTaking] {
        let who = (A, "x@example.com", "");
        for next in ["Qualified", "Won", "gone"] {
            let job = Job::after(&[lead(who, "New")]);
            job.server.fail(failure);
            job.run(DAY_2, &[lead(who, "Qualified")]).ended(4);
            let taken = job.server.take();
            let known = job
                .desk
                .run(&["status", "--lead", A, "--now", DAY_2, "--format", "json"])
                .ended(0)
                .json();
            let state = &known["leads"][0]["events"][0]["state"];
            let expected = match failure {
                Failure::Throttle => "pending",
                _ => "uncertain",
            };
            assert_eq!(state, expected, "{known}");
            // It fails once more, with the lead elsewhere.
            let rows: Vec<String> = match next {
                "gone" => vec![lead((B, "b@example.com", ""), "New")],
                stage => vec![lead(who, stage)],
            };
            job.run(DAY_3, &rows).ended(4);
            job.server.take();
            job.server.answer_again();
            let report = job.run(DAY_4, &rows).ended(0).json();
            let arrived = job.server.take();
            let of_lead: Vec<&Value> = arrived
                .iter()
                .filter(|event| event["user_data"]["lead_id"] == 1_234_567_890_000_001_u64)
                .collect();
            let mut expected = vec![json!(["Qualified", at(DAY_2)])];
            expected.extend((next == "Won").then(|| json!(["Won", at(DAY_3)])));
            let told: Vec<Value> = of_lead
                .iter()
                .map(|event| json!([event["event_name"], event["event_time"]]))
                .collect();
            assert_eq!(told, expected, "{failure:?} {next}");
            if let Some(first) = taken.first() {
                assert_eq!(first, of_lead[0], "{failure:?} {next}");
            }
            let number = |key: &str| report[key].as_u64().unwrap();
            let overdue = report["snapshot"]["overdue"].as_u64().unwrap();
            let count = arrived.len() as u64;
            assert_eq!((overdue, number("accepted")), (count, count), "{report}");
            assert_eq!(number("events"), count + number("skipped_old"));
            job.run(DAY_4, &rows).ended(0);
            assert_eq!(job.arrived(), []);
        }
    }
}

/// A filter that finds nothing today is no reason to let wait what is due.
#[test]
fn an_export_without_rows_holds_up_nothing_that_is_overdue() {
    let who = (A, "x@example.com", "");
    let job = Job::after(&[lead(who, "New")]);
    job.server.fail(Failure::Throttle);
    job.run(DAY_2, &[lead(who, "Qualified")]).ended(4);
    job.server.take();
    job.server.answer_again();
    job.desk.file("export.csv", HEADER);
    let with_server = ["--graph-url", job.server.url()];
    let ran = job.run_with(DAY_3, &with_server).ended(4);
    assert_eq!(job.arrived(), [named("Qualified", DAY_2)]);
    assert!(ran.stderr.contains("has no rows"), "{}", ran.stderr);
    let report = ran.json();
    assert_adds_up(&report);
    let of_snapshot = &report["snapshot"];
    assert_eq!(
        (&report["accepted"], &of_snapshot["overdue"]),
        (&json!(1), &json!(1)),
        "{report}"
    );
    // Where nothing is overdue nothing is sent, and the next export with rows is no first run.
    job.run_with(DAY_3, &with_server).ended(2);
    assert_eq!(job.arrived(), []);
    job.run(DAY_4, &[lead(who, "Won")]).ended(0);
    assert_eq!(job.arrived(), [named("Won", DAY_4)]);
}

#[test]
fn a_stage_that_never_got_through_is_given_up_aloud() {
    let who = (A, "x@example.com", "");
    let job = Job::after(&[lead(who, "New")]);
    job.server.fail(Failure::Throttle);
    job.run(DAY_2, &[lead(who, "Qualified")]).ended(4);
    job.server.answer_again();
    let late = "2026-11-29T18:00:00Z";
    let report = job.run(late, &[lead(who, "Qualified")]).ended(0).json();
    let codes = report["problems"].to_string();
    assert!(codes.contains("event-expired"), "{codes}");
    assert_eq!((job.arrived(), &report["skipped_old"]), (vec![], &json!(2)));
    // It is known, and later ones go.
    let report = job.run(late, &[lead(who, "Qualified")]).ended(0).json();
    assert_eq!(report["problems"], json!([]), "{report}");
    job.run(late, &[lead(who, "Won")]).ended(0);
    assert_eq!(job.arrived(), [named("Won", late)]);
}

#[test]
fn a_dry_run_and_validate_tell_of_what_is_pending_and_leave_it_alone() {
    let who = (A, "x@example.com", "");
    let job = Job::after(&[lead(who, "New")]);
    job.server.fail(Failure::Throttle);
    job.run(DAY_2, &[lead(who, "Qualified")]).ended(4);
    job.server.answer_again();
    job.desk
        .file("export.csv", format!("{HEADER}{}", lead(who, "Won")));
    for _ in 0..2 {
        let report = job.run_with(DAY_3, &["--dry-run"]).ended(0).json();
        assert_eq!(report["would_send"], 2, "{report}");
        let mut args = vec![
            "validate",
            "export.csv",
            "--config",
            "job.toml",
            "--now",
            DAY_3,
        ];
        args.extend(["--format", "json", "--dataset-id", "1"]);
        let report = job.desk.run(&args).ended(0).json();
        assert_eq!(report["would_send"], 2, "{report}");
    }
    job.run(DAY_3, &[lead(who, "Won")]).ended(0);
    assert_eq!(
        job.arrived(),
        [named("Qualified", DAY_2), named("Won", DAY_3)]
    );
}

#[test]
fn a_stage_reached_before_consent_is_never_sent_as_new() {
    let row = |stage: &str, created: &str, ok: &str| {
        vec![format!("{A},x@example.com,,{stage},{created},{ok}\n")]
    };
    let job = Job::after(&[]);
    let report = job.run(DAY_2, &row("Qualified", OLD, "")).ended(0).json();
    assert_eq!(
        (&report["skipped_consent"], &report["events"]),
        (&json!(1), &json!(0))
    );
    job.run(DAY_3, &row("Qualified", OLD, "yes")).ended(0);
    assert_eq!(job.arrived(), []);
    job.run(DAY_4, &row("Won", OLD, "yes")).ended(0);
    assert_eq!(job.arrived(), [named("Won", DAY_4)]);
    // A stage with a time of its own goes by that, as it does in any export.
    let created = "2026-11-22T09:00:00Z";
    let job = Job::after(&[]);
    job.run(DAY_3, &row("New", created, "no")).ended(0);
    job.run(DAY_4, &row("New", created, "yes")).ended(0);
    assert_eq!(job.arrived(), [named("Lead", created)]);
}

#[test]
fn what_is_pending_is_not_sent_once_consent_is_withdrawn() {
    let row = |stage: &str, ok: &str| vec![format!("{A},x@example.com,,{stage},{OLD},{ok}\n")];
    let job = Job::after(&row("New", "yes"));
    job.server.fail(Failure::Throttle);
    job.run(DAY_2, &row("Qualified", "yes")).ended(4);
    job.server.answer_again();
    job.desk.file(
        "export.csv",
        format!("{HEADER}{}", row("Qualified", "no").concat()),
    );
    let report = job.run_with(DAY_3, &["--dry-run"]).ended(0).json();
    assert_eq!(report["would_send"], 0, "{report}");
    job.run(DAY_3, &row("Qualified", "no")).ended(0);
    job.run(DAY_4, &row("Qualified", "yes")).ended(0);
    assert_eq!(job.arrived(), []);
}

#[test]
fn a_sandbox_leaves_no_mark_in_a_real_ledger() {
    let who = (A, "x@example.com", "");
    let job = Job::new();
    let sandbox = Sandbox::start(&job.desk, &[]);
    job.desk
        .file("export.csv", format!("{HEADER}{}", lead(who, "Contacted")));
    // Nothing is sent in a first run over old leads, so no answer tells.
    let report = job
        .run_with(DAY_1, &["--graph-url", &sandbox.url])
        .ended(0)
        .json();
    assert_eq!(report["snapshot"]["recorded"], 1, "{report}");
    assert_eq!(report["destination"]["kind"], "sandbox", "{report}");
    let report = job.run(DAY_2, &[lead(who, "Qualified")]).ended(0).json();
    assert_eq!(report["snapshot"]["is_first_run"], true, "{report}");
    job.run_with(DAY_3, &["--graph-url", &sandbox.url]).ended(0);
    job.run(DAY_4, &[lead(who, "Won")]).ended(0);
    assert_eq!(job.arrived(), [named("Won", DAY_4)]);
    // A host that may be one and does not answer: nothing is remembered.
    let job = Job::new();
    job.desk
        .file("export.csv", format!("{HEADER}{}", lead(who, "Contacted")));
    let ran = job
        .run_with(DAY_1, &["--graph-url", "http://127.0.0.1:9"])
        .ended(4);
    assert!(ran.stderr.contains("127.0.0.1:9"), "{}", ran.stderr);
    let report = job.run(DAY_2, &[lead(who, "Qualified")]).ended(0).json();
    assert_eq!(report["snapshot"]["is_first_run"], true, "{report}");
}

#[test]
fn a_stage_is_the_same_however_it_is_spelt() {
    let who = (A, "x@example.com", "");
    let days = Job::days(&[
        vec![lead(who, "Contacted")],
        vec![lead(who, "Negotiation")],
        vec![lead(who, " negotiation ")],
        vec![lead(who, "NEGOTIATION")],
    ]);
    assert_eq!(days.concat(), ["Negotiation"]);
    let days = Job::days(&[
        vec![lead(who, "In  Negotiation")],
        vec![lead(who, "in negotiation")],
    ]);
    assert!(days.concat().is_empty(), "{days:?}");
}

#[test]
fn a_first_run_says_how_many_stages_it_only_recorded() {
    let job = Job::new();
    let rows: Vec<String> = (0..1_204)
        .map(|number| lead(("", &format!("lead{number}@example.com"), ""), "Contacted"))
        .collect();
    job.desk
        .file("export.csv", format!("{HEADER}{}", rows.concat()));
    let ran = job
        .run_with(
            DAY_1,
            &["--graph-url", job.server.url(), "--format", "human"],
        )
        .ended(0);
    let page = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(page.contains("first run: 1,204 stages are recorded and not sent, because the times they were reached are not known"), "{page}");
    let report = job.run(DAY_2, &rows).ended(0).json();
    assert_eq!(
        report["snapshot"],
        json!({"is_first_run": false, "recorded": 0, "overdue": 0, "unchanged": 1_204})
    );
}

#[test]
fn rows_of_one_file_that_know_a_lead_by_different_things_mean_one_lead() {
    let (x, y, p) = ("x@example.com", "y@example.com", "+12125550123");
    let both = format!("{x};{y}");
    let (id, poor, rich) = ((A, "", ""), ("", x, ""), (A, x, ""));
    for (before, rows) in [
        // The lead gains something, and another row has nothing else.
        (id, [rich, poor]),
        (poor, [("", both.as_str(), ""), ("", y, "")]),
        (poor, [("", x, p), ("", "", p)]),
        (("", "", p), [("", x, p), ("", x, "")]),
    ] {
        for rows in [rows, [rows[1], rows[0]]] {
            let day = |stage: &str| rows.map(|row| lead(row, stage)).to_vec();
            let days = Job::days(&[
                vec![lead(before, "New")],
                day("Won"),
                day("Paid"),
                day("Big"),
            ]);
            let one = |stage: &str| vec![stage.to_owned()];
            let expected = [vec![], one("Won"), one("Paid"), one("Big")];
            assert_eq!(days, expected, "{before:?} then {rows:?}");
        }
    }
    // In a first run, too; and the row that knows the lead best is the one that is sent.
    let chain = |stage: &str| {
        [poor, ("", x, p), ("", "", p)]
            .map(|row| lead(row, stage))
            .to_vec()
    };
    assert_eq!(
        Job::days(&[chain("New"), chain("Won"), chain("Paid")]),
        [vec![], vec!["Won".to_owned()], vec!["Paid".to_owned()]]
    );
    let job = Job::after(&[lead(id, "New")]);
    job.run(DAY_2, &[lead(poor, "Won"), lead(rich, "Won")])
        .ended(0);
    let sent = job.server.take();
    assert_eq!(sent.len(), 1);
    assert!(sent[0]["user_data"]["lead_id"].is_u64(), "{}", sent[0]);
    // Two leads that share an address stay two.
    let couple = |stage: &str| vec![lead((A, x, ""), stage), lead((B, x, ""), stage)];
    let days = Job::days(&[couple("New"), couple("Won")]);
    assert_eq!(days, [vec![], vec!["Won".to_owned(); 2]]);
}

#[test]
fn another_name_for_a_stage_makes_no_old_stock_new() {
    let lead_of = |name: &str, stage: &str| lead(("", &format!("{name}@example.com"), ""), stage);
    let rows = || ["a", "b", "c"].map(|name| lead_of(name, "Won")).to_vec();
    let with = |stages: &str| format!("{SETTINGS}\n[stages]\n{stages}\n");
    let names =
        |job: &Job| -> Vec<String> { job.arrived().into_iter().map(|(name, _)| name).collect() };
    // Recorded, or sent, under one name, and then called otherwise.
    let job = Job::after(&rows());
    job.desk.file("job.toml", with("\"Won\" = \"Purchase\""));
    job.run(DAY_2, &[rows(), vec![lead_of("d", "Won")]].concat())
        .ended(0);
    assert_eq!(names(&job), ["Purchase"], "only the new lead's");
    job.desk.file("job.toml", with("\"Won\" = \"Sale\""));
    job.run(
        DAY_3,
        &[rows(), vec![lead_of("d", "Won"), lead_of("e", "Won")]].concat(),
    )
    .ended(0);
    assert_eq!(names(&job), ["Sale"], "only the new lead's");
    // Skipped, or not listed, in the first run, and then listed as the message says; or the row was refused.
    for (first, status) in [
        ("\"New\" = \"Lead\"\n\"Won\" = \"\"", 0),
        ("\"New\" = \"Lead\"", 2),
    ] {
        let job = Job::new();
        job.desk.file("job.toml", with(first));
        let new = ["x", "y", "z", "w"]
            .map(|name| lead_of(name, "New"))
            .to_vec();
        let ran = job.run(DAY_1, &[rows(), new.clone()].concat());
        assert!(ran.status == status || ran.status == 1, "{ran:?}");
        names(&job);
        job.desk.file(
            "job.toml",
            with("\"New\" = \"Lead\"\n\"Won\" = \"Purchase\""),
        );
        job.run(DAY_2, &[rows(), new].concat()).ended(0);
        assert_eq!(names(&job), Vec::<String>::new(), "{first}");
    }
    let broken = |id: &str| lead((id, "f@example.com", ""), "Won");
    let job = Job::new();
    job.run(
        DAY_1,
        &[rows(), vec![broken("12"), lead_of("x", "New")]].concat(),
    )
    .ended(1);
    job.run(
        DAY_2,
        &[rows(), vec![broken(A), lead_of("x", "New")]].concat(),
    )
    .ended(0);
    assert_eq!(names(&job), Vec::<String>::new());
    // A later run's refused row is new when it is corrected, and so is a stage that is listed late.
    let paid = |id: &str| [rows(), vec![lead((id, "g@example.com", ""), "Paid")]].concat();
    job.run(DAY_3, &paid("34")).ended(1);
    job.run(DAY_4, &paid(B)).ended(0);
    assert_eq!(names(&job), ["Paid"]);
}

#[test]
fn what_meta_refused_comes_back_when_it_is_asked_for_whatever_the_next_export_shows() {
    let who = (A, "x@example.com", "");
    for next in ["Qualified", "Won", "gone"] {
        let job = Job::after(&[lead(who, "New")]);
        job.server.refuse(&["Qualified"]);
        job.run(DAY_2, &[lead(who, "Qualified")]).ended(1);
        let rows: Vec<String> = match next {
            "gone" => vec![lead((B, "b@example.com", ""), "New")],
            stage => vec![lead(who, stage)],
        };
        job.desk
            .file("export.csv", format!("{HEADER}{}", rows.concat()));
        // It is not forgotten, and nothing is sent of it unasked.
        job.server.refuse(&[]);
        for _ in 0..2 {
            let report = job.run(DAY_3, &rows).ended(1).json();
            assert_eq!(report["rejected"], 1, "{next}: {report}");
            assert!(
                report["problems"].to_string().contains("refused-earlier"),
                "{report}"
            );
            assert_adds_up(&report);
        }
        job.server.take();
        let dry = job
            .run_with(DAY_4, &["--dry-run", "--retry-rejected"])
            .ended(0);
        assert_eq!(dry.json()["would_send"], 1, "{next}");
        let address = job.server.url().to_owned();
        let retry = ["--graph-url", &address, "--retry-rejected"];
        job.run_with(DAY_4, &retry).ended(0);
        assert_eq!(job.arrived(), [named("Qualified", DAY_2)], "{next}");
        job.run(DAY_4, &rows).ended(0);
        assert_eq!(job.arrived(), [], "{next}");
    }
}

#[test]
fn an_overdue_event_that_is_refused_goes_once_its_row_is_corrected() {
    let row = |email: &str| vec![lead((A, email, ""), "Qualified")];
    let job = Job::after(&[lead((A, "x@example.com", ""), "New")]);
    job.server.fail(Failure::Throttle);
    job.run(DAY_2, &row("x@example.com")).ended(4);
    job.server.answer_again();
    job.server.refuse(&["Qualified"]);
    let address = job.server.url().to_owned();
    let rejects = ["--graph-url", &address, "--rejects", "rejects.csv"];
    let refused = job.run_with(DAY_3, &rejects).ended(1).json();
    assert_eq!(problem(&refused, "meta-refused")["examples"][0]["row"], 2);
    let file = std::fs::read_to_string(job.desk.path().join("rejects.csv")).unwrap();
    assert!(file.contains("Qualified"), "{file}");
    job.server.refuse(&[]);
    job.run(DAY_4, &row("y@example.com")).ended(0);
    assert_eq!(job.arrived(), [named("Qualified", DAY_2)]);
    job.run(DAY_4, &row("y@example.com")).ended(0);
    assert_eq!(job.arrived(), []);
}

#[test]
fn what_nobody_took_for_the_lead_of_another_is_not_taken_up_for_ever() {
    let (u, p) = ("u@example.com", "+12125550123");
    let numbered = |rows: &[(&str, &str, &str, &str)]| -> Vec<String> {
        let row = |(email, phone, number, stage): &(&str, &str, &str, &str)| {
            format!("{number},{email},{phone},{stage},{OLD},yes\n")
        };
        rows.iter().map(row).collect()
    };
    let job = Job::new();
    job.desk
        .file("job.toml", SETTINGS.replace("lead_id =", "external_id ="));
    let day = |now: &str, rows: &[(&str, &str, &str, &str)]| {
        let report = job.run(now, &numbered(rows)).ended(0).json();
        let names: Vec<String> = job.arrived().into_iter().map(|(name, _)| name).collect();
        (names, report["snapshot"]["overdue"].clone())
    };
    let (none, b) = (Vec::<String>::new(), vec!["B".to_owned()]);
    assert_eq!(day(DAY_1, &[("", p, "X1", "New")]).0, none);
    assert_eq!(day(DAY_2, &[("", p, "X1", "B")]).0, b);
    let both = [(u, "", "", "B"), (u, p, "X1", "B")];
    assert_eq!(day(DAY_3, &both), (none.clone(), json!(0)));
    for _ in 0..2 {
        assert_eq!(day(DAY_4, &[("", p, "", "B")]), (none.clone(), json!(0)));
    }
}

#[test]
fn the_row_that_is_where_the_lead_was_is_the_lead() {
    let x = "x@example.com";
    for (one, other) in [(A, B), (B, A)] {
        let days = Job::days(&[
            vec![lead(("", x, ""), "New")],
            vec![lead(("", x, ""), "Won")],
            vec![lead((one, x, ""), "Won"), lead((other, x, ""), "New")],
            vec![lead((one, x, ""), "Paid"), lead((other, x, ""), "Won")],
        ]);
        let counts: Vec<&[String]> = days.iter().map(Vec::as_slice).collect();
        // The second form is a lead of its own, which is New.
        assert_eq!(
            counts[..3],
            [&[][..], &["Won".to_owned()], &["New".to_owned()]]
        );
        assert_eq!(days[3].len(), 2, "{days:?}");
    }
}

#[test]
fn where_one_row_of_a_lead_says_no_none_of_its_rows_is_sent() {
    let row = |stage: &str, ok: &str| format!("{A},x@example.com,,{stage},{OLD},{ok}\n");
    for (first, second) in [("Won", "Won"), ("Won", "Paid"), ("Paid", "Won")] {
        for answers in [["yes", "no"], ["no", "yes"]] {
            let job = Job::after(&[row("New", "yes")]);
            let rows = [row(first, answers[0]), row(second, answers[1])];
            job.desk
                .file("export.csv", format!("{HEADER}{}", rows.concat()));
            let dry = job.run_with(DAY_2, &["--dry-run"]).ended(0).json();
            assert_eq!(dry["would_send"], 0, "{rows:?}");
            let report = job.run(DAY_2, &rows).ended(0).json();
            assert_eq!(report["skipped_consent"], 1, "{report}");
            assert_adds_up(&report);
            let rows = [row(first, "yes"), row(second, "yes")];
            job.run(DAY_3, &rows).ended(0);
            assert_eq!(job.arrived(), [], "{first} {second} {answers:?}");
            job.run(DAY_4, &[row("Big", "yes")]).ended(0);
            assert_eq!(job.arrived(), [named("Big", DAY_4)]);
        }
    }
}

#[test]
fn a_lead_that_was_taken_for_two_is_one_as_soon_as_a_row_has_something_of_both() {
    let (x, p) = ("x@example.com", "+12125550123");
    for (one, other, both) in [
        ((A, "", ""), ("", x, ""), (A, x, "")),
        (("", x, ""), ("", "", p), ("", x, p)),
    ] {
        let days = Job::days(&[
            vec![lead(one, "New"), lead(other, "New")],
            vec![lead(other, "Won")],
            vec![lead(both, "Won")],
            vec![lead(one, "Paid"), lead(other, "Paid"), lead(other, "Won")],
        ]);
        let expected = [
            vec![],
            vec!["Won".to_owned()],
            vec![],
            vec!["Paid".to_owned()],
        ];
        assert_eq!(days, expected, "{one:?} {other:?}");
    }
    // Two forms stay two, whatever else they share.
    let couple = [(A, x, ""), (B, x, p)];
    let rows = |stage: &str| couple.map(|who| lead(who, stage)).to_vec();
    let days = Job::days(&[rows("New"), rows("Won"), rows("Won"), rows("Paid")]);
    assert_eq!(days.iter().map(Vec::len).collect::<Vec<_>>(), [0, 2, 0, 2]);
}

#[test]
fn rows_far_apart_are_one_lead_as_soon_as_one_tells() {
    let x = "x@example.com";
    let day = |stage: &str| -> Vec<String> {
        let others =
            (0..700).map(|number| lead(("", &format!("o{number}@example.com"), ""), "New"));
        let mut rows: Vec<String> = others.collect();
        rows.insert(0, lead(("", x, ""), stage));
        rows.push(lead((A, x, ""), stage));
        rows
    };
    let mut before = day("New");
    before.remove(0);
    before.pop();
    before.push(lead((A, "", ""), "New"));
    let days = Job::days(&[before, day("Won"), day("Paid"), day("Big")]);
    let counts: Vec<usize> = days.iter().map(Vec::len).collect();
    assert_eq!(counts, [0, 1, 1, 1], "{days:?}");
}

#[test]
fn test_events_are_those_that_an_upload_would_send() {
    let stages = |stage: &str| {
        ["a", "b", "c"]
            .map(|name| lead(("", &format!("{name}@example.com"), ""), stage))
            .to_vec()
    };
    let job = Job::after(&stages("New"));
    job.run(DAY_2, &stages("Qualified")).ended(0);
    job.server.take();
    let rows = [stages("Qualified"), stages("Won")].concat();
    job.desk
        .file("export.csv", format!("{HEADER}{}", rows.concat()));
    let dry = job.run_with(DAY_3, &["--dry-run"]).ended(0).json();
    assert_eq!(dry["would_send"], 3);
    let address = job.server.url().to_owned();
    let test = ["--graph-url", &address, "--test-event-code", "TEST1"];
    for _ in 0..2 {
        let report = job.run_with(DAY_3, &test).ended(0).json();
        assert_eq!(report["snapshot"]["is_first_run"], false, "{report}");
        assert_adds_up(&report);
        assert_eq!(job.arrived(), vec![named("Won", DAY_3); 3]);
    }
    job.run(DAY_3, &rows).ended(0);
    assert_eq!(job.arrived(), vec![named("Won", DAY_3); 3]);
}
