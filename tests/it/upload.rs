//! `crm2capi upload` into a sandbox of its own process, and what the ledger and the rejects file make of it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::examples;
use crate::support::listener::{Listener, Request};
use crate::support::sandbox::Sandbox;
use crate::support::{Desk, NOW, Ran, assert_adds_up, problem, repository, rows_of, text};

const TOKEN: (&str, &str) = ("CRM2CAPI_ACCESS_TOKEN", "EAABexample");

/// Three leads, one stage each.
const LEADS: &str = "lead_id,email,stage,stage_date,note\n\
    1234567890123456,ada.nunn@example.com,Lead,2026-11-20T10:00:00Z,\"likes, commas\"\n\
    987654321098765,ben.ott@example.com,Lead,2026-11-20T11:00:00Z,\n\
    2345678901234567,cleo.park@example.com,Customer,2026-11-20T12:00:00Z,\"two\nlines\"\n";

fn upload(desk: &Desk, url: &str, more: &[&str]) -> Ran {
    upload_on(desk, url, more, b"")
}

fn upload_on(desk: &Desk, url: &str, more: &[&str], stdin: &[u8]) -> Ran {
    let mut arguments = vec![
        "upload",
        "--now",
        NOW,
        "--format",
        "json",
        "--dataset-id",
        "1",
        "--graph-url",
        url,
    ];
    arguments.extend(more);
    desk.run_on_with(&arguments, stdin, &[TOKEN])
}

fn counts(report: &Value) -> [u64; 3] {
    ["accepted", "rejected", "skipped_delivered"].map(|count| report[count].as_u64().unwrap())
}

fn by_id(events: Vec<Value>) -> BTreeMap<String, Value> {
    events
        .into_iter()
        .map(|event| (text(&event["event_id"]), event))
        .collect()
}

/// The rows of a CSV file as maps from heading to cell.
fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_path(path)
        .unwrap()
        .deserialize()
        .map(Result::unwrap)
        .collect()
}

#[test]
fn every_example_arrives_as_built_and_only_once() {
    let desk = Desk::new();
    for example in examples::all() {
        let sandbox = Sandbox::start(&desk, &["--now", NOW]);
        let (path, settings) = (example.path(), example.settings());
        let ledger = format!("{}.sqlite3", example.export);
        let more = [&*path, "--config", &settings, "--ledger", &ledger];

        let built = desk
            .run(&[
                "build", &path, "--config", &settings, "--now", NOW, "--quiet",
            ])
            .ended(0)
            .ndjson();
        let first = upload(&desk, &sandbox.url, &more).ended(0).json();
        assert_adds_up(&first);
        assert_eq!(
            counts(&first),
            [built.len() as u64, 0, 0],
            "{}",
            example.export
        );
        assert_eq!(
            by_id(sandbox.events()),
            by_id(built.clone()),
            "{}",
            example.export
        );

        // What a sandbox accepts counts for nothing, whichever way it was reached.
        let server = Listener::accepting();
        let real = upload(&desk, &server.url, &more).ended(0).json();
        assert_eq!(counts(&real), counts(&first), "{}", example.export);

        let second = upload(&desk, &server.url, &more).ended(0).json();
        assert_adds_up(&second);
        assert_eq!(
            counts(&second),
            [0, 0, built.len() as u64],
            "{}",
            example.export
        );
        assert_eq!(second["requests"], 0);
    }
}

#[test]
fn the_sandbox_inside_needs_no_token_dataset_or_ledger() {
    let desk = Desk::new();
    let export = repository("examples/hubspot-api.json");
    for _ in 0..2 {
        let report = desk
            .run(&[
                "upload",
                "--sandbox",
                &export,
                "--now",
                NOW,
                "--format",
                "json",
            ])
            .ended(0)
            .json();
        assert_adds_up(&report);
        assert!(report["accepted"].as_u64().unwrap() > 5);
        assert_eq!(
            (&report["skipped_delivered"], &report["destination"]["kind"]),
            (&0.into(), &"sandbox".into())
        );
    }
    assert_eq!(
        std::fs::read_dir(desk.path()).unwrap().count(),
        0,
        "something was written"
    );
}

#[test]
fn a_dry_run_sends_nothing_remembers_nothing_and_knows_what_was_delivered() {
    let (desk, server) = (Desk::new(), Listener::accepting());
    let export = desk.file("leads.csv", LEADS);
    let more = ["--ledger", "l.sqlite3", export.to_str().unwrap()];
    let dry = [more.as_slice(), &["--dry-run"]].concat();

    let before = upload(&desk, &server.url, &dry).ended(0).json();
    assert_adds_up(&before);
    assert_eq!(
        (&before["would_send"], &before["skipped_delivered"]),
        (&3.into(), &0.into())
    );
    assert_eq!(server.connections(), 0);
    assert!(!desk.path().join("l.sqlite3").exists());

    upload(&desk, &server.url, &more).ended(0);
    let sent = server.requests().len();
    let after = upload(&desk, &server.url, &dry).ended(0).json();
    assert_eq!(
        (&after["would_send"], &after["skipped_delivered"]),
        (&0.into(), &3.into())
    );
    assert_eq!(server.requests().len(), sent);
}

#[test]
fn a_test_never_marks_anything_as_delivered() {
    let (desk, server) = (Desk::new(), Listener::accepting());
    desk.file("leads.csv", LEADS);
    let more = ["--ledger", "l.sqlite3", "leads.csv"];
    for _ in 0..2 {
        let test = [more.as_slice(), &["--test-event-code", "TEST1"]].concat();
        assert_eq!(
            counts(&upload(&desk, &server.url, &test).ended(0).json()),
            [3, 0, 0]
        );
    }
    let real = upload(&desk, &server.url, &more).ended(0).json();
    assert_eq!(counts(&real), [3, 0, 0]);
    let is_test = |request: &Request| {
        (
            request.json()["test_event_code"] == "TEST1",
            request.events().len(),
        )
    };
    let told: Vec<(bool, usize)> = server.requests().iter().map(is_test).collect();
    let events = |test: bool| {
        told.iter()
            .filter(|(is_test, _)| *is_test == test)
            .map(|(_, count)| count)
            .sum::<usize>()
    };
    assert_eq!((events(true), events(false)), (6, 3));
}

#[test]
fn without_a_ledger_everything_is_sent_again() {
    let (desk, server) = (Desk::new(), Listener::accepting());
    desk.file("leads.csv", LEADS);
    for _ in 0..2 {
        let report = upload(&desk, &server.url, &["--ledger", "none", "leads.csv"])
            .ended(0)
            .json();
        assert_eq!(counts(&report), [3, 0, 0]);
    }
    let arrived: Vec<Value> = server.requests().iter().flat_map(Request::events).collect();
    let (first, second) = arrived.split_at(3);
    assert_eq!(by_id(first.to_vec()), by_id(second.to_vec()));
    assert_eq!(
        std::fs::read_dir(desk.path()).unwrap().count(),
        1,
        "something was written"
    );
}

#[test]
fn the_ledger_lies_in_the_state_folder_unless_told_otherwise() {
    let (desk, server) = (Desk::new(), Listener::accepting());
    desk.file("leads.csv", LEADS);
    upload(&desk, &server.url, &["leads.csv"]).ended(0);
    assert!(desk.path().join("state/crm2capi/ledger.sqlite3").exists());
    assert_eq!(
        counts(&upload(&desk, &server.url, &["leads.csv"]).ended(0).json()),
        [0, 0, 3]
    );
}

#[test]
fn another_dataset_has_not_got_what_the_first_one_has() {
    let (desk, server) = (Desk::new(), Listener::accepting());
    desk.file("leads.csv", LEADS);
    for dataset in ["111", "222"] {
        let mut arguments = vec![
            "upload",
            "--now",
            NOW,
            "--format",
            "json",
            "--ledger",
            "l.sqlite3",
            "leads.csv",
        ];
        arguments.extend(["--graph-url", &server.url, "--dataset-id", dataset]);
        assert_eq!(
            counts(&desk.run_with(&arguments, &[TOKEN]).ended(0).json()),
            [3, 0, 0]
        );
    }
}

#[test]
fn one_bad_lead_id_costs_its_own_event_and_comes_back_to_be_corrected() {
    let desk = Desk::new();
    let server = Listener::answering(|request| {
        let events = request.events();
        let is_bad = |event: &Value| event["user_data"]["lead_id"] == 987_654_321_098_765_u64;
        match events.iter().any(is_bad) {
            true => (
                400,
                r#"{"error":{"code":100,"error_subcode":2804036,"type":"OAuthException"}}"#.into(),
            ),
            false => (200, format!(r#"{{"events_received":{}}}"#, events.len())),
        }
    });
    let accepted = || {
        let answered = server.requests();
        let is_bad = |event: &Value| event["user_data"]["lead_id"] == 987_654_321_098_765_u64;
        let sound = answered.iter().map(|request| request.events());
        sound
            .filter(|events| !events.iter().any(is_bad))
            .map(|events| events.len())
            .sum::<usize>()
    };
    desk.file("leads.csv", LEADS);
    let more = ["--ledger", "l.sqlite3", "--rejects", "rejects.csv"];
    let first = upload(
        &desk,
        &server.url,
        &[more.as_slice(), &["leads.csv"]].concat(),
    )
    .ended(1)
    .json();
    assert_adds_up(&first);
    assert_eq!(
        (
            &first["accepted"],
            &first["rejected"],
            &first["rows_invalid"]
        ),
        (&2.into(), &1.into(), &0.into())
    );
    let refused = first["problems"]
        .as_array()
        .unwrap()
        .iter()
        .find(|p| p["severity"] == "error")
        .unwrap();
    assert_eq!(rows_of(refused), [3]);
    assert_eq!(accepted(), 2);

    let rejects = desk.path().join("rejects.csv");
    let refused = rows(&rejects);
    assert_eq!(refused.len(), 1);
    assert_eq!(
        (&*refused[0]["email"], &*refused[0]["crm2capi_row"]),
        ("ben.ott@example.com", "3")
    );
    assert!(
        refused[0]["crm2capi_problem"].contains("2804036"),
        "{refused:?}"
    );

    std::fs::copy(&rejects, desk.path().join("again.csv")).unwrap();
    // As it is: the ledger knows that it was refused, and it stays among the rejects.
    let again = upload(
        &desk,
        &server.url,
        &[more.as_slice(), &["again.csv"]].concat(),
    )
    .ended(1)
    .json();
    assert_eq!(
        (&again["accepted"], &again["requests"]),
        (&0.into(), &0.into())
    );
    let refused = rows(&rejects);
    assert_eq!(refused.len(), 1);
    assert_eq!(
        (&*refused[0]["email"], &*refused[0]["crm2capi_problem"]),
        (
            "ben.ott@example.com",
            "refused-earlier 100/2804036: the lead id is invalid or was deleted"
        )
    );

    let text = std::fs::read_to_string(&rejects).unwrap();
    desk.file("corrected.csv", text.replace("987654321098765", ""));
    let corrected = upload(
        &desk,
        &server.url,
        &[more.as_slice(), &["corrected.csv"]].concat(),
    )
    .ended(0)
    .json();
    assert_eq!(counts(&corrected)[..2], [1, 0]);
    assert_eq!(accepted(), 3);
    assert_eq!(
        rows(&rejects).len(),
        0,
        "nothing was refused, and the file says so"
    );
}

#[test]
fn a_lead_with_several_refused_stages_is_one_row_of_the_rejects() {
    let desk = Desk::new();
    let sandbox = Sandbox::start(&desk, &["--now", NOW, "--bad-lead-id", "4567890123456789"]);
    let (export, settings) = (
        repository("examples/hubspot.csv"),
        repository("examples/hubspot.toml"),
    );
    let more = [
        &*export,
        "--config",
        &settings,
        "--ledger",
        "none",
        "--rejects",
        "r.csv",
    ];
    let report = upload(&desk, &sandbox.url, &more).ended(1).json();
    assert_adds_up(&report);
    assert_eq!(report["rejected"], 4);
    let refused = rows(&desk.path().join("r.csv"));
    assert_eq!(refused.len(), 1);
    assert_eq!(
        (&*refused[0]["Meta Lead ID"], &*refused[0]["crm2capi_row"]),
        ("4567890123456789", "7")
    );
}

#[test]
fn a_row_refused_here_is_corrected_and_uploaded_as_it_is() {
    let desk = Desk::new();
    let sandbox = Sandbox::start(&desk, &["--now", NOW]);
    desk.file(
        "leads.csv",
        LEADS.replace("2345678901234567", "2.34568E+15"),
    );
    let more = ["--ledger", "l.sqlite3", "--rejects", "rejects.csv"];
    let report = upload(
        &desk,
        &sandbox.url,
        &[more.as_slice(), &["leads.csv"]].concat(),
    )
    .ended(1)
    .json();
    assert_eq!(
        (counts(&report)[0], &report["rows_invalid"]),
        (2, &1.into())
    );
    assert_eq!(rows_of(problem(&report, "lead-id-precision-lost")), [4]);

    let rejects = desk.path().join("rejects.csv");
    let refused = rows(&rejects);
    assert_eq!(refused.len(), 1);
    assert_eq!(&*refused[0]["crm2capi_problem"], "lead-id-precision-lost");
    assert_eq!(
        (&*refused[0]["note"], &*refused[0]["crm2capi_row"]),
        ("two\nlines", "4")
    );

    let text = std::fs::read_to_string(&rejects).unwrap();
    desk.file(
        "rejects.csv",
        text.replace("2.34568E+15", "2345678901234567"),
    );
    let report = upload(
        &desk,
        &sandbox.url,
        &["--ledger", "l.sqlite3", "rejects.csv"],
    )
    .ended(0)
    .json();
    assert_eq!(counts(&report)[0], 1);
    // The same events as if the row had been right from the start.
    desk.file("leads.csv", LEADS);
    let built = desk
        .run(&["build", "leads.csv", "--now", NOW, "--quiet"])
        .ended(0)
        .ndjson();
    assert_eq!(by_id(sandbox.events()), by_id(built));
}

#[test]
fn a_refused_json_record_comes_back_as_it_was() {
    let desk = Desk::new();
    let sandbox = Sandbox::start(&desk, &["--now", NOW, "--bad-lead-id", "987654321098765"]);
    let export = repository("examples/salesforce-api.json");
    let settings = repository("examples/salesforce-api.toml");
    let more = [
        "--config",
        &settings,
        "--ledger",
        "none",
        "--rejects",
        "r.ndjson",
    ];
    upload(&desk, &sandbox.url, &[more.as_slice(), &[&export]].concat()).ended(1);

    let refused = std::fs::read_to_string(desk.path().join("r.ndjson")).unwrap();
    let mut record: Value = serde_json::from_str(&refused).unwrap();
    let added = record.as_object_mut().unwrap();
    assert_eq!(added.remove("crm2capi_row"), Some(2.into()));
    assert!(added.remove("crm2capi_help").is_some());
    assert!(text(&added.remove("crm2capi_problem").unwrap()).contains("2804036"));
    let all: Value = serde_json::from_str(&std::fs::read_to_string(&export).unwrap()).unwrap();
    assert_eq!(record, all["records"][1]);

    let before = sandbox.events().len();
    desk.file("corrected.ndjson", refused.replace("987654321098765", ""));
    let more = [
        "--config",
        &settings,
        "--ledger",
        "none",
        "corrected.ndjson",
    ];
    let report = upload(&desk, &sandbox.url, &more).ended(0).json();
    assert_eq!(
        (counts(&report)[0], sandbox.events().len()),
        (1, before + 1)
    );
}

#[test]
fn nothing_is_sent_when_too_many_rows_are_unusable() {
    let (desk, server) = (Desk::new(), Listener::accepting());
    let broken = LEADS
        .replace("1234567890123456,", "1.23457E+15,")
        .replace("987654321098765", "9.87654E+14");
    desk.file("leads.csv", &broken);
    let more = ["--ledger", "l.sqlite3", "leads.csv"];
    for stdin in [false, true] {
        let more = [
            "--ledger",
            "l.sqlite3",
            "--rejects",
            "r.csv",
            if stdin { "-" } else { "leads.csv" },
        ];
        let report = upload_on(&desk, &server.url, &more, broken.as_bytes())
            .ended(2)
            .json();
        assert_eq!(
            (
                &report["rows"],
                &report["rows_invalid"],
                &report["accepted"]
            ),
            (&3.into(), &2.into(), &0.into())
        );
        assert!(text(&report["ended"]["help"]).contains("--max-invalid"));
        let refused: Vec<String> = rows(&desk.path().join("r.csv"))
            .iter()
            .map(|row| row["crm2capi_row"].clone())
            .collect();
        assert_eq!(refused, ["2", "3"]);
        std::fs::remove_file(desk.path().join("r.csv")).unwrap();
        assert_eq!(server.connections(), 0);
    }
    let report = upload(
        &desk,
        &server.url,
        &[more.as_slice(), &["--max-invalid", "66"]].concat(),
    )
    .ended(2)
    .json();
    assert_eq!(report["accepted"], 0);
    let report = upload(
        &desk,
        &server.url,
        &[more.as_slice(), &["--max-invalid", "67"]].concat(),
    )
    .ended(1)
    .json();
    assert_eq!(counts(&report)[..2], [1, 0]);
    assert_adds_up(&report);
}

#[test]
fn half_of_the_rows_may_be_unusable_by_default() {
    let (desk, server) = (Desk::new(), Listener::accepting());
    let two: String = LEADS
        .replace("987654321098765", "9.87654E+14")
        .lines()
        .take(3)
        .map(|l| format!("{l}\n"))
        .collect();
    desk.file("leads.csv", two);
    let report = upload(&desk, &server.url, &["--ledger", "none", "leads.csv"])
        .ended(1)
        .json();
    assert_eq!(
        (counts(&report)[0], &report["rows_invalid"]),
        (1, &1.into())
    );
}

#[test]
fn standard_input_is_read_like_a_file() {
    let desk = Desk::new();
    let bytes = std::fs::read(repository("examples/meta-lead-ads.csv")).unwrap();
    let server = Listener::accepting();
    let report = upload_on(&desk, &server.url, &["--ledger", "l.sqlite3", "-"], &bytes)
        .ended(0)
        .json();
    assert_eq!(
        (&report["inputs"][0]["path"], &report["inputs"][0]["preset"]),
        (&"-".into(), &"meta-lead-ads".into())
    );
    assert_eq!(
        (report["rows"].as_u64(), counts(&report)[0]),
        (
            Some(12),
            server
                .requests()
                .iter()
                .map(|request| request.events().len() as u64)
                .sum::<u64>()
        )
    );

    let file = repository("examples/meta-lead-ads.csv");
    let again = upload(&desk, &server.url, &["--ledger", "l.sqlite3", &file])
        .ended(0)
        .json();
    assert_eq!(counts(&again)[0], 0);
}

#[test]
fn several_files_and_standard_input_are_one_run_in_the_order_given() {
    let (desk, server) = (Desk::new(), Listener::accepting());
    desk.file("a.csv", LEADS);
    let more: String = LEADS
        .replace("2026-11-20T1", "2026-11-19T1")
        .replace("Lead,", "Contacted,");
    let export = repository("examples/hubspot-api.json");
    let report = upload_on(
        &desk,
        &server.url,
        &[
            "--ledger",
            "none",
            "--concurrency",
            "1",
            "a.csv",
            "-",
            &export,
        ],
        more.as_bytes(),
    )
    .ended(0)
    .json();
    let inputs: Vec<_> = report["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| (text(&i["path"]), i["rows"].as_u64()))
        .collect();
    assert_eq!(
        inputs,
        [
            ("a.csv".to_owned(), Some(3)),
            ("-".to_owned(), Some(3)),
            (export, Some(7))
        ]
    );
    assert_eq!(report["rows"], 13);
    assert_adds_up(&report);
    let events: Vec<Value> = server.requests().iter().flat_map(Request::events).collect();
    let source = |event: &Value| text(&event["custom_data"]["lead_event_source"]);
    assert_eq!(
        events.iter().filter(|event| source(event) == "CRM").count(),
        6
    );
    // The files share leads, whose stages arrive in the order of their times, whichever file they stand in.
    for event in &events {
        let lead = &event["user_data"]["lead_id"];
        let times = events
            .iter()
            .filter(|other| other["user_data"]["lead_id"] == *lead)
            .map(|other| other["event_time"].as_i64().unwrap());
        assert!(times.is_sorted(), "{lead}");
    }
}

#[test]
fn the_same_file_twice_is_sent_once() {
    let (desk, server) = (Desk::new(), Listener::accepting());
    desk.file("a.csv", LEADS);
    let report = upload(&desk, &server.url, &["--ledger", "none", "a.csv", "a.csv"])
        .ended(0)
        .json();
    assert_eq!(
        (
            counts(&report)[0],
            report["rows"].as_u64(),
            report["events"].as_u64()
        ),
        (3, Some(6), Some(3))
    );
    assert_eq!(problem(&report, "duplicate-event")["count"], 3);
}

#[test]
fn strict_fails_for_a_warning_after_everything_was_sent() {
    let (desk, server) = (Desk::new(), Listener::accepting());
    desk.file("leads.csv", LEADS.replace("10:00:00Z", "10:00:00"));
    let report = upload(
        &desk,
        &server.url,
        &["--ledger", "none", "--strict", "leads.csv"],
    )
    .ended(1)
    .json();
    assert_eq!(
        (
            counts(&report)[0],
            &problem(&report, "time-zone-assumed")["severity"]
        ),
        (3, &"warning".into())
    );
    desk.file("leads.csv", LEADS);
    upload(
        &desk,
        &server.url,
        &["--ledger", "none", "--strict", "leads.csv"],
    )
    .ended(0);
}

#[test]
fn settings_give_what_the_command_line_does_not() {
    let (desk, server) = (Desk::new(), Listener::accepting());
    desk.file("leads.csv", LEADS.replace("Z,", ","));
    desk.file("token", "EAABfromFile");
    let settings = format!(
        "[meta]\ndataset_id = \"777\"\ngraph_url = \"{}\"\napi_version = \"v24.0\"\naccess_token_file = \"token\"\n\
         [crm]\nname = \"Acme\"\ntimezone = \"America/New_York\"\n[stages]\n\"Lead\" = \"Raw\"\n\"Customer\" = \"\"\n\
         [delivery]\nbatch_size = 1\nconcurrency = 1\nledger = \"none\"\n[output]\nformat = \"json\"\n",
        server.url
    );
    desk.file("crm2capi.toml", settings);
    let report = desk
        .run(&[
            "upload",
            "leads.csv",
            "--now",
            NOW,
            "--config",
            "crm2capi.toml",
        ])
        .ended(0)
        .json();
    assert_eq!(
        (counts(&report), &report["skipped_stage"]),
        ([2, 0, 0], &1.into())
    );
    for request in server.requests() {
        assert_eq!(request.line, "POST /v24.0/777/events?locale=en_US HTTP/1.1");
        let [event] = &request.events()[..] else {
            panic!("{request:?}")
        };
        assert_eq!(
            (
                &event["event_name"],
                &event["custom_data"]["lead_event_source"]
            ),
            (&"Raw".into(), &"Acme".into())
        );
        assert!(
            [1_795_186_800, 1_795_190_400].contains(&event["event_time"].as_i64().unwrap()),
            "{event:#}"
        );
    }
    // The command line beats the environment, which beats the file.
    let before = server.requests().len();
    let variables = [("CRM2CAPI_DATASET_ID", "888")];
    let named = [
        "upload",
        "leads.csv",
        "--now",
        NOW,
        "--config",
        "crm2capi.toml",
    ];
    desk.run_with(&named, &variables).ended(0);
    assert!(server.requests()[before].line.contains("/888/"));
    desk.run_with(
        &[named.as_slice(), &["--dataset-id", "999"]].concat(),
        &variables,
    )
    .ended(0);
    assert!(server.requests()[before + 2].line.contains("/999/"));
}

/// Answered slowly, so that as much as may be is on its way at once.
#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_events_that_are_on_their_way() {
    let server = Listener::answering(|request| {
        std::thread::sleep(std::time::Duration::from_millis(300));
        let count = request.body.matches("\"event_name\"").count();
        (
            200,
            format!(r#"{{"events_received":{count},"messages":[]}}"#),
        )
    });
    let desk = Desk::new();
    let row = |n: u64| {
        format!(
            "{},user{n}@example.com,(212) 555-{:04},Name{n},Last{n},Austin,Lead,2026-11-20T10:{:02}:00Z\n",
            1_000_000_000_000_000 + n,
            n % 10_000,
            n % 60
        )
    };
    // What is its own, without the pages of the program's file: those are many where it is not optimised.
    let peak_kib = |name: &str, how: [&str; 2], rows: &mut dyn Iterator<Item = u64>| {
        let [lanes, batch] = how;
        let header = "Meta Lead ID,Email,Phone,First Name,Last Name,City,Stage,Stage Date\n";
        desk.file(name, header.to_owned() + &rows.map(row).collect::<String>());
        let mut child = desk
            .command(&["upload", name, "--now", NOW, "--quiet", "--dataset-id", "1"])
            .args(["--graph-url", &server.url, "--ledger", "ledger.sqlite3"])
            .args(["--concurrency", lanes, "--batch-size", batch])
            .args(["--crm", "Test", "--default-country", "US"])
            .env(TOKEN.0, TOKEN.1)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let peak = crate::support::watch_peak_kib_of(child.id(), "RssAnon:");
        assert!(child.wait().unwrap().success() && peak > 0);
        peak
    };
    let many_lanes = ["8", "1000"];
    let few = peak_kib("few.csv", many_lanes, &mut (0..15_000).map(|n| n * 3));
    // The ledger knows every third of them.
    let many = peak_kib("many.csv", many_lanes, &mut (0..45_000));
    assert!(
        many < few + 20 * 1024 && many < 80 * 1024,
        "{few} KiB, and {many} KiB for three times as many rows"
    );
    let usual = peak_kib("usual.csv", ["4", "500"], &mut (50_000..80_000));
    assert!(usual < 56 * 1024, "{usual} KiB");
}
