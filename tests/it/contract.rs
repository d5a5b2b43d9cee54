//! The JSON report and the exit statuses, as scripts rely on them.

use serde_json::{Value, json};

use crate::examples;
use crate::support::leads;
use crate::support::listener::Listener;
use crate::support::{Desk, NOW, Ran, assert_adds_up};

const TOKEN: (&str, &str) = ("CRM2CAPI_ACCESS_TOKEN", "EAABexample");

/// One good row, one refused, one old.
const LEADS: &str = "lead_id,email,stage,stage_date\n\
    1234567890123456,ada.nunn@example.com,Lead,2026-11-20T10:00:00Z\n\
    1.23457E+15,ben.ott@example.com,Lead,2026-11-20T10:00:00Z\n\
    2345678901234567,cleo.park@example.com,Lead,2026-11-01T10:00:00Z\n";

fn upload(desk: &Desk, url: &str, more: &[&str]) -> Ran {
    let mut arguments = vec![
        "upload",
        "leads.csv",
        "--now",
        NOW,
        "--format",
        "json",
        "--dataset-id",
        "1",
    ];
    arguments.extend([
        "--graph-url",
        url,
        "--ledger",
        "l.sqlite3",
        "--give-up-after",
        "0",
    ]);
    arguments.extend(more);
    desk.run_with(&arguments, &[TOKEN])
}

fn desk_with(content: &str) -> Desk {
    let desk = Desk::new();
    desk.file("leads.csv", content);
    desk
}

#[track_caller]
fn assert_has(report: &Value, keys: &[&str]) {
    for key in keys {
        assert!(
            report.get(key).is_some_and(|value| !value.is_null()),
            "no {key} in {report:#}"
        );
    }
}

const SHARED: [&str; 15] = [
    "command",
    "version",
    "exit_status",
    "inputs",
    "rows",
    "rows_invalid",
    "rows_ignored",
    "events",
    "skipped_old",
    "skipped_stage",
    "skipped_delivered",
    "batches",
    "match_keys",
    "problems",
    "fbtrace_ids",
];

#[test]
fn the_report_of_an_upload_has_every_key_that_is_promised() {
    let (desk, server) = (desk_with(LEADS), Listener::accepting());
    let ran = upload(&desk, &server.url, &[]).ended(1);
    let report = ran.json();
    assert_has(&report, &SHARED);
    assert_has(
        &report,
        &[
            "accepted",
            "rejected",
            "undelivered",
            "uncertain",
            "requests",
            "retries",
        ],
    );
    assert_adds_up(&report);
    let picked = |keys: &[&str]| {
        keys.iter()
            .map(|key| report[key].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        picked(&["command", "version", "exit_status"]),
        [json!("upload"), json!(env!("CARGO_PKG_VERSION")), json!(1)]
    );
    assert_eq!(
        picked(&["rows", "rows_invalid", "events", "skipped_old", "accepted"]),
        [3, 1, 2, 1, 1]
    );
    assert_eq!(report["fbtrace_ids"], json!(["ATraceOfTheListener"]));
    assert_eq!(report["match_keys"], json!({ "lead_id": 2, "em": 2 }));
    let input = &report["inputs"][0];
    assert_eq!(
        (&input["path"], &input["rows"], &input["preset"]),
        (&json!("leads.csv"), &json!(3), &json!("generic"))
    );

    let problem = &report["problems"][0];
    assert_has(
        problem,
        &[
            "code", "severity", "count", "field", "column", "message", "help", "examples",
        ],
    );
    assert_eq!(problem["code"], "lead-id-precision-lost");
    assert_eq!(
        (
            &problem["examples"][0]["path"],
            &problem["examples"][0]["row"]
        ),
        (&json!("leads.csv"), &json!(3))
    );
    // One object and a line feed, nothing else.
    assert!(ran.stdout.starts_with('{') && ran.stdout.ends_with("}\n"));
}

#[test]
fn runs_that_send_nothing_say_what_they_would_send() {
    let desk = desk_with(LEADS);
    let dry = [
        "upload",
        "leads.csv",
        "--dry-run",
        "--now",
        NOW,
        "--format",
        "json",
        "--ledger",
        "none",
    ];
    for arguments in [
        &["validate", "leads.csv", "--now", NOW, "--format", "json"][..],
        &dry[..],
    ] {
        let report = desk.run(arguments).ended(1).json();
        assert_has(&report, &SHARED);
        assert_adds_up(&report);
        assert_eq!(
            (
                &report["would_send"],
                &report["skipped_old"],
                &report["command"]
            ),
            (&json!(1), &json!(1), &json!(arguments[0]))
        );
        for key in ["accepted", "rejected", "undelivered", "uncertain"] {
            assert!(report.get(key).is_none(), "{key}");
        }
    }
}

/// The line that names a problem's row is the one a spreadsheet shows; JSON counts records.
#[test]
fn rows_are_numbered_as_a_person_finds_them() {
    let desk = Desk::new();
    desk.file(
        "a.csv",
        "email,note,stage,stage_date\n\nx,\"two\nlines\",Lead,2026-11-20T10:00:00Z\nx,,Lead,2026-11-20T10:00:00Z\n",
    );
    desk.file("b.json", r#"{"data":[{"email":"a@example.com","stage":"Lead","stage_date":"2026-11-20T10:00:00Z"},{"email":"x","stage":"Lead","stage_date":"2026-11-20T10:00:00Z"}]}"#);
    desk.file(
        "c.ndjson",
        "\n{\"email\":\"x\",\"stage\":\"Lead\",\"stage_date\":\"2026-11-20T10:00:00Z\"}\n",
    );
    let report = desk
        .run(&[
            "validate",
            "a.csv",
            "b.json",
            "c.ndjson",
            "--now",
            NOW,
            "--format",
            "json",
            "--max-invalid",
            "100",
        ])
        .ended(1)
        .json();
    let problem = report["problems"]
        .as_array()
        .unwrap()
        .iter()
        .find(|p| p["code"] == "customer-missing")
        .unwrap();
    let places: Vec<(&str, u64)> = problem["examples"]
        .as_array()
        .unwrap()
        .iter()
        .map(|example| {
            (
                example["path"].as_str().unwrap(),
                example["row"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        places,
        [("a.csv", 3), ("a.csv", 4), ("b.json", 2), ("c.ndjson", 1)]
    );
}

#[test]
fn status_0_is_all_done_and_1_is_done_but_for_some_rows() {
    let server = Listener::accepting();
    let good: String = LEADS
        .lines()
        .take(2)
        .map(|line| format!("{line}\n"))
        .collect();
    let desk = desk_with(&good);
    assert_eq!(
        upload(&desk, &server.url, &[]).ended(0).json()["exit_status"],
        0
    );
    desk.run(&["validate", "leads.csv", "--now", NOW]).ended(0);
    desk.run(&["build", "leads.csv", "--now", NOW]).ended(0);
    let desk = desk_with(LEADS);
    assert_eq!(
        upload(&desk, &server.url, &[]).ended(1).json()["exit_status"],
        1
    );
    desk.run(&["validate", "leads.csv", "--now", NOW]).ended(1);
    desk.run(&["build", "leads.csv", "--now", NOW]).ended(1);
}

#[test]
fn status_3_is_a_refused_token_permission_or_dataset_and_ends_the_sending() {
    for (status, error) in [
        (
            400,
            json!({ "code": 190, "type": "OAuthException", "message": "m", "error_subcode": 463 }),
        ),
        (
            401,
            json!({ "code": 102, "type": "OAuthException", "message": "m" }),
        ),
        (
            403,
            json!({ "code": 200, "type": "OAuthException", "message": "m" }),
        ),
        (
            400,
            json!({ "code": 100, "type": "GraphMethodException", "message": "m", "error_subcode": 33 }),
        ),
    ] {
        let body = json!({ "error": error }).to_string();
        let server = Listener::answering(move |_| (status, body.clone()));
        let desk = desk_with(LEADS);
        let report = upload(
            &desk,
            &server.url,
            &["--batch-size", "1", "--concurrency", "1"],
        )
        .ended(3)
        .json();
        assert_adds_up(&report);
        assert_eq!(
            (
                &report["exit_status"],
                &report["accepted"],
                &report["undelivered"]
            ),
            (&json!(3), &json!(0), &json!(1))
        );
        assert_has(&report["ended"], &["reason", "help"]);
        assert_eq!(server.requests().len(), 1);
        // Nothing is lost: with a good token the same command sends it.
        let server = Listener::accepting();
        assert_eq!(
            upload(&desk, &server.url, &[]).ended(1).json()["accepted"],
            1
        );
    }
}

#[test]
fn status_4_is_an_unreachable_or_throttling_meta_and_loses_nothing() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let throttling = Listener::answering(|_| {
        (
            400,
            json!({ "error": { "code": 17, "type": "OAuthException", "message": "m" } })
                .to_string(),
        )
    });
    for url in [closed, throttling.url] {
        let desk = desk_with(LEADS);
        let report = upload(&desk, &url, &[]).ended(4).json();
        assert_adds_up(&report);
        assert_eq!(
            (&report["exit_status"], &report["accepted"]),
            (&json!(4), &json!(0))
        );
        assert_eq!(
            report["undelivered"].as_u64().unwrap() + report["uncertain"].as_u64().unwrap(),
            1
        );
        let server = Listener::accepting();
        assert_eq!(
            upload(&desk, &server.url, &[]).ended(1).json()["accepted"],
            1
        );
    }
}

#[cfg(unix)]
#[test]
fn status_130_is_an_interruption_and_the_report_still_comes() {
    let server = Listener::answering(|request| {
        // The first answer comes at once, the others when the run is long over.
        if !request.body.contains("Early") {
            std::thread::sleep(std::time::Duration::from_secs(60));
        }
        (
            200,
            r#"{"events_received":1,"messages":[],"fbtrace_id":"ATrace"}"#.to_owned(),
        )
    });
    let desk = desk_with(
        "email,stage,stage_date\na@example.com,Early,2026-11-20T10:00:00Z\na@example.com,Late,2026-11-20T11:00:00Z\n",
    );
    let mut arguments = vec![
        "upload",
        "leads.csv",
        "--now",
        NOW,
        "--format",
        "json",
        "--dataset-id",
        "1",
    ];
    arguments.extend([
        "--graph-url",
        &server.url,
        "--ledger",
        "l.sqlite3",
        "--batch-size",
        "1",
        "--timeout",
        "50",
    ]);
    let mut child = desk
        .command(&arguments)
        .envs([TOKEN])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while server.connections() == 0 || server.requests().is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    // The second request is under way, or about to be. One signal waits for its answer, the next no longer.
    while child.try_wait().unwrap().is_none() {
        let kill = std::process::Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap();
        assert!(kill.success() || child.try_wait().unwrap().is_some());
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let ran = Ran::of(&arguments, child.wait_with_output().unwrap()).ended(130);
    let report = ran.json();
    assert_adds_up(&report);
    assert_eq!(
        (&report["exit_status"], &report["accepted"]),
        (&json!(130), &json!(1))
    );
    let advice = ran.stderr.matches("run the same command again");
    assert_eq!(advice.count(), 1, "{}", ran.stderr);
    // What was accepted is in the ledger, and what was under way is sent again.
    let server = Listener::accepting();
    let report = upload(&desk, &server.url, &[]).ended(0).json();
    assert_eq!(
        (&report["accepted"], &report["skipped_delivered"]),
        (&json!(1), &json!(1))
    );
}

#[test]
fn no_report_message_or_ledger_holds_a_persons_value() {
    let desk = Desk::new();
    let server = Listener::accepting();
    let mut everything = Vec::new();
    for example in examples::all() {
        let (path, settings) = (example.path(), example.settings());
        let inputs = ["--config", &settings, "--now", NOW];
        for format in ["human", "json", "github"] {
            let ran = desk.run(&[&["validate", &path, "--format", format], &inputs[..]].concat());
            everything.push(ran.stdout + &ran.stderr);
        }
        let remote = [
            "--graph-url",
            &server.url,
            "--dataset-id",
            "1",
            "--ledger",
            "l.sqlite3",
        ];
        let ran = desk.run_with(
            &[
                &["upload", &path, "--format", "json"],
                &inputs[..],
                &remote[..],
            ]
            .concat(),
            &[TOKEN],
        );
        everything.push(ran.stdout + &ran.stderr);
    }
    for file in ["l.sqlite3", "l.sqlite3-wal"] {
        let bytes = std::fs::read(desk.path().join(file)).unwrap_or_default();
        everything.push(String::from_utf8_lossy(&bytes).into_owned());
    }
    assert!(
        everything.iter().any(|text| text.contains("SQLite format")),
        "the ledger was not looked at"
    );
    let surnames = [
        "Thornton",
        "Fuentes",
        "Lambert",
        "O'Neill",
        "Al-Sayed",
        "Köhler",
        "Ramírez",
        "Whitfield",
        "Nogueira",
    ];
    for text in &everything {
        for lead in leads::everybody() {
            let (id, national) = (
                lead.lead_id.to_string(),
                &lead.phone[lead.phone.len() - 7..],
            );
            for value in [lead.email, &id, lead.phone, national] {
                assert!(!text.contains(value), "{value} in {text}");
            }
        }
        for surname in surnames {
            assert!(!text.contains(surname), "{surname} in {text}");
        }
    }
}
