//! What a person asks to be told: the first events one by one, decisions, requests, and what was read before it is sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::listener::Listener;
use crate::support::sandbox::Sandbox;
use crate::support::{Desk, NOW};

const TOKEN: (&str, &str) = ("CRM2CAPI_ACCESS_TOKEN", "EAABexample");

/// Three leads, the second with neither value nor phone, the fourth row too old.
const LEADS: &str = "lead_id,email,phone,stage,stage_date,value,currency\n\
    1234567890123456,ada.nunn@example.com,+14155550101,Won,2026-11-20T10:00:00Z,1234.50,USD\n\
    2345678901234567,ben.ott@example.com,,Lead,2026-11-20T11:00:00Z,,\n\
    3456789012345678,cleo.park@example.com,,Lead,2026-10-01T12:00:00Z,,\n\
    4567890123456789,dora.quist@example.com,,Lead,2026-11-20T13:00:00Z,,\n";

/// Values of the people above, as they stand in the export.
const PERSONAL: [&str; 7] = [
    "ada.nunn",
    "ben.ott",
    "cleo.park",
    "dora.quist",
    "4155550101",
    "1234567890123456",
    "EAAB",
];

fn assert_holds_nobody(text: &str) {
    for value in PERSONAL {
        assert!(!text.contains(value), "{value} is in\n{text}");
    }
}

#[test]
fn a_preview_shows_stage_time_value_and_keys_and_nobodys_values() {
    let desk = Desk::new();
    desk.file("leads.csv", LEADS);
    let preview = |command: &[&str]| {
        let worth = ["--map", "value=value", "--map", "currency=currency"];
        let more = [&["leads.csv", "--now", NOW, "--preview", "2"][..], &worth].concat();
        let page = desk
            .run(&[command, &more[..]].concat())
            .ended(0)
            .stdout
            .clone();
        assert_holds_nobody(&page);
        let lines = page.lines().skip_while(|line| !line.starts_with("Preview"));
        lines.take(4).map(str::to_owned).collect::<Vec<_>>()
    };
    let expected = [
        "Preview  the first 2 events, leaving out those too old; times in UTC",
        "  row  event  time                      value  match keys",
        "    2  Won    2026-11-20 10:00:00  1234.5 USD  lead_id email phone",
        "    3  Lead   2026-11-20 11:00:00           –  lead_id email",
    ];
    assert_eq!(preview(&["validate"]), expected);
    assert_eq!(preview(&["upload", "--sandbox"]), expected);
    assert_eq!(preview(&["upload", "--dry-run"]), expected);
}

#[test]
fn a_preview_is_in_the_json_report_and_may_stand_in_the_settings() {
    let desk = Desk::new();
    desk.file("leads.csv", LEADS);
    desk.file("acme.toml", "[output]\npreview = 100\n");
    let all = desk.run(&[
        "validate",
        "leads.csv",
        "--now",
        NOW,
        "--format",
        "json",
        "--config",
        "acme.toml",
    ]);
    let all = all.ended(0).json();
    let rows: Vec<_> = all["preview"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["row"].as_u64())
        .collect();
    assert_eq!(rows, [Some(2), Some(3), Some(5)]);
    assert_holds_nobody(&all.to_string());
    let none = desk.run(&["validate", "leads.csv", "--now", NOW, "--format", "json"]);
    assert!(none.ended(0).json().get("preview").is_none());
    desk.run(&["validate", "leads.csv", "--preview", "0"])
        .ended(2);
}

#[test]
fn a_preview_withholds_an_event_name_that_looks_like_a_persons() {
    let desk = Desk::new();
    let stages =
        "lead_id,stage,stage_date\n1234567890123456,call 415 555 0101,2026-11-20T10:00:00Z\n";
    desk.file("leads.csv", stages);
    let ran = desk.run(&["validate", "leads.csv", "--now", NOW, "--preview", "5"]);
    assert!(!ran.stdout.contains("555 0101"), "{}", ran.stdout);
}

#[test]
fn a_preview_names_a_stage_that_is_too_rare_for_the_table() {
    let desk = Desk::new();
    let mut text =
        "lead_id,stage,stage_date\n1234567890123456,Rare,2026-11-20T10:00:00Z\n".to_owned();
    for row in 0..120_u64 {
        let id = 1_234_567_890_200_000 + row;
        text += &format!("{id},Step {},2026-11-20T10:00:00Z\n", row % 60);
    }
    desk.file("leads.csv", text);
    let ran = desk.run(&[
        "validate",
        "leads.csv",
        "--now",
        NOW,
        "--preview",
        "1",
        "--format",
        "json",
    ]);
    let report = ran.json();
    assert_eq!(report["preview"][0]["event_name"], "Rare", "{report}");
    assert!(report["stages"].get("Rare").is_none(), "{report}");
}

#[test]
fn verbose_says_what_is_decided_and_very_verbose_what_each_request_was_like() {
    let desk = Desk::new();
    desk.file("leads.csv", LEADS);
    let said = |more: &[&str]| {
        let arguments = ["upload", "leads.csv", "--now", NOW, "--sandbox"];
        let ran = desk
            .run_with(&[&arguments[..], more].concat(), &[TOKEN])
            .ended(0);
        assert_holds_nobody(&ran.stderr);
        ran.stderr.clone()
    };
    let (plain, verbose, very) = (said(&[]), said(&["-v"]), said(&["-vv"]));
    let decided = [
        "no settings: columns and stages as init would write them down",
        "leads.csv: times without a zone are of UTC, as none is given",
        "4 rows checked; 3 events at most to send, of which the ledger may know some",
    ];
    for line in decided {
        assert!(!plain.contains(line), "{plain}");
        assert!(verbose.lines().any(|it| it == line), "{verbose}");
        assert!(very.lines().any(|it| it == line), "{very}");
    }
    assert!(!verbose.contains("request with"), "{verbose}");
    let request = very.lines().find(|line| line.starts_with("request with "));
    let request = request.unwrap_or_else(|| panic!("{very}"));
    assert!(
        request.contains(" bytes: status 200 in ") && request.contains("trace id "),
        "{request}"
    );
    desk.run(&["validate", "leads.csv", "-v", "--quiet"])
        .ended(2);
}

#[test]
fn very_verbose_lets_no_library_tell_the_token() {
    let desk = Desk::new();
    desk.file("leads.csv", LEADS);
    let sandbox = Sandbox::start(&desk, &["--now", NOW]);
    let arguments = [
        "upload",
        "leads.csv",
        "--now",
        NOW,
        "--graph-url",
        &sandbox.url,
        "--dataset-id",
        "1",
        "-vvv",
        "--log-format",
        "json",
    ];
    let ran = desk.run_with(&arguments, &[TOKEN]).ended(0);
    assert_holds_nobody(&ran.stderr);
    for line in ran.stderr.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(
            ["debug", "trace", "info", "warning"].contains(&line["level"].as_str().unwrap()),
            "{line}"
        );
    }
}

#[test]
fn what_was_read_is_shown_before_anything_is_sent() {
    let desk = Desk::new();
    desk.file("leads.csv", LEADS);
    let out = desk.path().join("page.txt");
    let (page, at_first) = (out.clone(), Arc::new(AtomicUsize::new(0)));
    let seen = at_first.clone();
    let listener = Listener::answering(move |request| {
        let shown = std::fs::read_to_string(&page).unwrap();
        let is_opening = shown.contains("leads.csv  4 rows") && shown.contains("Columns");
        seen.store(
            1 + usize::from(is_opening && !shown.contains("accepted")),
            Ordering::SeqCst,
        );
        let count = request.events().len();
        (
            200,
            format!(r#"{{"events_received":{count},"messages":[],"fbtrace_id":"A"}}"#),
        )
    });
    let arguments = [
        "upload",
        "leads.csv",
        "--now",
        NOW,
        "--graph-url",
        &listener.url,
        "--dataset-id",
        "1",
    ];
    let run = |more: &[&str]| {
        let mut command = desk.command(&[&arguments[..], more].concat());
        command
            .env(TOKEN.0, TOKEN.1)
            .stdout(std::fs::File::create(&out).unwrap());
        assert!(command.status().unwrap().success());
        std::fs::read_to_string(&out).unwrap()
    };
    let page = run(&[]);
    assert_eq!(at_first.load(Ordering::SeqCst), 2, "{page}");
    assert_eq!(page.matches("crm2capi upload").count(), 1, "{page}");
    assert!(page.trim_end().ends_with("3 events accepted"), "{page}");
    assert_eq!(run(&["--ledger", "none", "--quiet"]), "");
}

#[test]
fn status_refuses_a_report_of_another_form_or_in_place_of_its_ledger() {
    let desk = Desk::new();
    let ledger = desk.file("ledger.html", "");
    for (name, reason) in [
        ("status.md", "for a browser only"),
        ("status.txt", ".html"),
        ("ledger.html", "is the ledger, which would be overwritten"),
    ] {
        let ran = desk
            .run(&["status", "--ledger", "ledger.html", "--report", name])
            .ended(2);
        assert!(ran.stderr.contains(reason), "{name}: {}", ran.stderr);
    }
    assert_eq!(std::fs::read(ledger).unwrap(), b"");
    assert!(!desk.path().join("status.md").exists());
}

/// A cron job's mail, or a pager, in the locale C: bars and marks would be garbage there, and names must not get lost.
#[test]
fn a_pipe_in_a_locale_without_utf_8_gets_plain_bars_and_whole_names() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "lead_id,stage,stage_date\n1234567890123456,Größe ✓,2026-11-20T10:00:00Z\n",
    );
    let upload = ["upload", "leads.csv", "--sandbox", "--now", NOW];
    for (locale, is_plain) in [("C", true), ("de_DE.ISO-8859-1", true), ("C.UTF-8", false)] {
        let page = desk.run_with(&upload, &[("LANG", locale)]).ended(0).stdout;
        assert!(page.contains("Größe"), "{page}");
        assert_eq!(page.contains("✓ 1 event accepted"), !is_plain, "{page}");
        assert_eq!(page.contains("+ 1 event accepted"), is_plain, "{page}");
    }
    let json = ["validate", "leads.csv", "--now", NOW, "--format", "json"];
    let plain = desk.run_with(&json, &[("LANG", "C")]).ended(0).stdout;
    assert!(plain.contains("Größe ✓"), "{plain}");
}
