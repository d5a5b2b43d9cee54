//! The exit status is about the events, and whatever fails says so in one line of standard error.

use std::io::Read;
use std::process::Stdio;

use crate::support::listener::Listener;
use crate::support::receiver::Receiver;
use crate::support::{Desk, NOW};

const LEADS: &str = "email,stage,stage_date\n\
    ada.nunn@example.com,Lead,2026-11-20T10:00:00Z\n\
    ben.ott@example.com,Lead,2026-11-20T10:00:00Z\n";

fn args<'a>(server: &'a Listener, more: &[&'a str]) -> Vec<&'a str> {
    let all = [
        "upload",
        "leads.csv",
        "--now",
        NOW,
        "--dataset-id",
        "123",
        "--graph-url",
        &server.url,
        "--ledger",
        "none",
    ];
    all.into_iter().chain(more.iter().copied()).collect()
}

fn refusing() -> Listener {
    let body = r#"{"error":{"code":190,"error_subcode":463,"type":"OAuthException"}}"#;
    Listener::answering(move |_| (400, body.to_owned()))
}

#[test]
fn a_reader_that_leaves_early_does_not_turn_a_failure_into_a_success() {
    let (desk, server) = (Desk::new(), refusing());
    desk.file("leads.csv", LEADS);
    let args = args(&server, &["--format", "json"]);
    let mut command = desk.command(&args);
    command.env("CRM2CAPI_ACCESS_TOKEN", "EAABtoken");
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut errors = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut errors)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3), "{errors}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_standard_output_that_is_full_is_said_and_does_not_make_the_upload_one_that_never_was() {
    let (desk, server) = (Desk::new(), Listener::accepting());
    desk.file("leads.csv", LEADS);
    let args = args(&server, &[]);
    let mut command = desk.command(&args);
    command.env("CRM2CAPI_ACCESS_TOKEN", "EAABtoken");
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let ran = crate::support::Ran::of(&args, command.stdout(full).output().unwrap()).ended(0);
    assert!(
        ran.stderr.contains("cannot write the report"),
        "{}",
        ran.stderr
    );
    assert_eq!(server.requests()[0].events().len(), 2);
}

#[test]
fn a_status_other_than_0_puts_one_error_on_standard_error_whatever_the_format() {
    let (desk, server) = (Desk::new(), refusing());
    desk.file("leads.csv", LEADS);
    let token = [("CRM2CAPI_ACCESS_TOKEN", "EAABtoken")];
    for more in [vec![], vec!["--quiet"], vec!["--format", "json"]] {
        let ran = desk.run_with(&args(&server, &more), &token).ended(3);
        let errors = ran
            .stderr
            .lines()
            .filter(|line| line.starts_with("error: "));
        assert_eq!(errors.count(), 1, "{more:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("190/463"), "{}", ran.stderr);
    }
    let more = ["--log-format", "json"];
    let ran = desk.run_with(&args(&server, &more), &token).ended(3);
    let errors = ran
        .stderr
        .lines()
        .filter(|line| line.contains("\"level\":\"error\""));
    assert_eq!(errors.count(), 1, "{}", ran.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn a_metrics_file_that_cannot_be_written_shares_the_one_error_with_a_bad_row() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        format!("{LEADS}nobody,Lead,2026-11-20T10:00:00Z\n"),
    );
    let args = [
        "validate",
        "leads.csv",
        "--now",
        NOW,
        "--max-invalid",
        "100",
    ];
    // A disk that is full in the end, which nobody could know before.
    let more = ["--metrics-file", "/dev/full"];
    let ran = desk.run(&[args.as_slice(), &more].concat()).ended(1);
    let errors: Vec<&str> = ran
        .stderr
        .lines()
        .filter(|line| line.starts_with("error: "))
        .collect();
    assert_eq!(errors.len(), 1, "{}", ran.stderr);
    assert!(errors[0].contains("1 row"), "{}", errors[0]);
    assert!(
        errors[0].contains("cannot write the metrics"),
        "{}",
        errors[0]
    );
}

#[test]
fn a_report_that_cannot_be_written_is_found_before_anything_is_sent() {
    let (desk, server) = (Desk::new(), Listener::accepting());
    desk.file("leads.csv", LEADS);
    std::fs::create_dir(desk.path().join("page.html")).unwrap();
    let token = [("CRM2CAPI_ACCESS_TOKEN", "EAABtoken")];
    for report in ["nowhere/page.html", "page.html"] {
        let more = ["--report", report];
        let ran = desk.run_with(&args(&server, &more), &token).ended(2);
        let said = format!("error: cannot write the report {report}: ");
        assert!(ran.stderr.starts_with(&said), "{}", ran.stderr);
        assert!(ran.stderr.contains("nothing was sent"), "{}", ran.stderr);
    }
    assert!(server.requests().is_empty());
}

#[test]
fn a_status_without_a_ledger_says_so() {
    let desk = Desk::new();
    let ran = desk.run(&["status", "--ledger", "nosuch"]).ended(2);
    assert!(
        ran.stderr.starts_with("error: no ledger nosuch; "),
        "{}",
        ran.stderr
    );
    let ran = desk.run(&["status", "--max-age", "26h"]).ended(1);
    assert!(
        ran.stderr.starts_with("error: no ledger ") && ran.stderr.contains("--max-age 26h"),
        "{}",
        ran.stderr
    );
}

#[test]
fn an_option_for_a_token_is_answered_with_where_a_token_goes() {
    let desk = Desk::new();
    for option in [&["--token", "EAABtoken"][..], &["--access-token=EAABtoken"]] {
        let ran = desk.run(&[&["upload"], option].concat()).ended(2);
        assert!(
            ran.stderr.contains("CRM2CAPI_ACCESS_TOKEN"),
            "{}",
            ran.stderr
        );
        assert!(!ran.stderr.contains("EAAB"), "{}", ran.stderr);
    }
}

#[test]
fn rows_that_only_passes_over_are_counted_and_a_run_that_loses_all_to_it_warns() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "email,stage,stage_date,region\n\
         ada.nunn@example.com,Lead,2026-11-20T10:00:00Z,north\n\
         ben.ott@example.com,Lead,2026-11-20T10:00:00Z,south\n",
    );
    let report = |region: &str| {
        desk.file("s.toml", format!("[only]\nregion = [\"{region}\"]\n"));
        let args = ["validate", "leads.csv", "--now", NOW, "--config", "s.toml"];
        let ran = desk.run(&[args.as_slice(), &["--format", "json"]].concat());
        serde_json::from_str::<serde_json::Value>(&ran.ended(0).stdout).unwrap()
    };
    let some = report("north");
    assert_eq!(some["skipped_only"], 1, "{some}");
    let none = report("west");
    assert_eq!(none["skipped_only"], 2, "{none}");
    let warnings = |report: &serde_json::Value| {
        let problems = report["problems"].as_array().unwrap();
        problems
            .iter()
            .filter(|problem| problem["code"] == "only-drops-all")
            .count()
    };
    assert_eq!((warnings(&some), warnings(&none)), (0, 1), "{none}");
}

#[test]
fn the_dry_run_ends_as_the_upload_would() {
    let desk = Desk::new();
    desk.file(
        "bad.csv",
        format!("{LEADS}nobody,Lead,2026-11-20T10:00:00Z\nnone,Lead,2026-11-20T10:00:00Z\nno,Lead,2026-11-20T10:00:00Z\n"),
    );
    let status = |args: &[&str]| desk.run(&[args, &["--now", NOW]].concat()).status;
    assert_eq!(status(&["validate", "bad.csv"]), 2);
    assert_eq!(status(&["upload", "--sandbox", "bad.csv"]), 2);
    for more in [vec!["--max-invalid", "60"], vec!["--max-invalid", "100"]] {
        assert_eq!(
            status(&[&["validate", "bad.csv"], more.as_slice()].concat()),
            1
        );
        assert_eq!(
            status(&[&["upload", "--sandbox", "bad.csv"], more.as_slice()].concat()),
            1
        );
    }
    for settings in [
        "[delivery]\nbatch_size = 5000\n",
        "[delivery]\nconcurrency = 0\n",
        "[delivery]\nmax_invalid = 101\n",
        "[event]\npartner_agent = \"1\"\n",
        "[delivery]\nledger = \":memory:\"\n",
    ] {
        desk.file("s.toml", settings);
        for verb in [
            ["validate", "bad.csv"].as_slice(),
            &["upload", "--sandbox", "bad.csv"],
        ] {
            let ran = desk.run(&[verb, &["--config", "s.toml"]].concat()).ended(2);
            assert!(
                ran.stderr.contains(" under [")
                    || ran.stderr.contains("partner_agent")
                    || ran.stderr.contains("ledger"),
                "{}",
                ran.stderr
            );
        }
    }
}

#[test]
fn the_days_of_a_status_are_those_on_which_something_was_delivered() {
    let (desk, server) = (Desk::new(), Listener::accepting());
    desk.file("leads.csv", LEADS);
    let token = [("CRM2CAPI_ACCESS_TOKEN", "EAABtoken")];
    let upload = args(&server, &[]);
    let upload: Vec<&str> = (upload.iter())
        .map(|arg| if *arg == "none" { "ledger" } else { arg })
        .collect();
    desk.run_with(&upload, &token).ended(0);
    let page = desk
        .run(&["status", "--ledger", "ledger", "--now", NOW])
        .ended(0)
        .stdout;
    let days: Vec<&str> = page.lines().filter(|line| line.contains("█")).collect();
    assert_eq!(days.len(), 1, "{page}");
    assert!(days[0].ends_with("2  Lead 2"), "{page}");
    assert_eq!(page.matches("2026-11-").count(), 3, "{page}");
}

#[test]
fn the_rejects_of_an_export_begin_with_the_mark_of_utf_8_unless_it_is_utf_8_without() {
    let text = "lead_id,Stage,Stage Date\n1,New,2026-11-20T09:00:00Z\n1234567890123456,New,2026-11-20T09:00:00Z\n";
    let mark = "\u{feff}";
    for (export, is_marked) in [
        (text.as_bytes().to_vec(), false),
        (format!("{mark}{text}").into_bytes(), true),
        (
            text.replace("New", "N\u{fc}")
                .chars()
                .map(|c| c as u8)
                .collect(),
            true,
        ),
    ] {
        let desk = Desk::new();
        desk.file("leads.csv", &export);
        let args = [
            "validate",
            "--rejects",
            "rejects.csv",
            "--now",
            NOW,
            "leads.csv",
        ];
        desk.run(&args).ended(1);
        let rejects = std::fs::read_to_string(desk.path().join("rejects.csv")).unwrap();
        assert_eq!(rejects.starts_with(mark), is_marked, "{rejects}");
        assert!(rejects.contains("lead-id-malformed"), "{rejects}");
        assert!(rejects.contains("map lead_id to the column"), "{rejects}");
    }
}

/// Standard outputs that take nothing: nobody reads the one, the other is full.
#[cfg(target_os = "linux")]
fn outputs_that_take_nothing() -> [(Stdio, bool); 2] {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    [(writer.into(), false), (full.unwrap().into(), true)]
}

#[cfg(target_os = "linux")]
#[test]
fn a_late_upload_is_told_and_fails_whatever_becomes_of_standard_output() {
    for format in ["human", "json"] {
        for (output, is_full) in outputs_that_take_nothing() {
            let (desk, receiver) = (Desk::new(), Receiver::start());
            let settings = format!("[notify]\nurl = \"{}/json\"\n", receiver.url);
            desk.file("acme.toml", settings);
            let options = ["--config", "acme.toml", "--format", format];
            let args = [&["status", "--max-age", "26h", "--now", NOW], &options[..]].concat();
            let ran = desk.command(&args).stdout(output).output().unwrap();
            let ran = crate::support::Ran::of(&args, ran).ended(1);
            assert!(ran.stderr.contains("error: no ledger"), "{}", ran.stderr);
            let is_said = ran.stderr.contains("cannot write to standard output");
            assert_eq!(is_said, is_full, "{}", ran.stderr);
            assert_eq!(receiver.take().len(), 1, "{}", ran.stderr);
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn no_status_depends_on_a_standard_output_that_takes_nothing() {
    let (desk, server) = (Desk::new(), Listener::accepting());
    desk.file("leads.csv", LEADS);
    let token = ("CRM2CAPI_ACCESS_TOKEN", "EAABtoken");
    let upload = args(&server, &[]);
    let upload: Vec<&str> = (upload.iter())
        .map(|arg| if *arg == "none" { "ledger" } else { arg })
        .collect();
    desk.run_with(&upload, &[token]).ended(0);
    let refusing = refusing();
    let check = ["check", "--dataset-id", "123", "--graph-url", &refusing.url];
    let leads = ["leads", "--check", "--graph-url", &refusing.url];
    let nobody = "nobody@example.com";
    let commands: [(&[&str], i32); 7] = [
        (&["normalize", "email", "no email"], 1),
        (&["normalize", "email", "ada.nunn@example.com"], 0),
        (&["status", "--ledger", "ledger", "--now", NOW], 0),
        (&["status", "--ledger", "ledger", "--lead", nobody], 1),
        (&["ledger", "check", "ledger"], 0),
        (&check, 3),
        (&leads, 3),
    ];
    for (args, status) in commands {
        for (output, _) in outputs_that_take_nothing() {
            let mut command = desk.command(args);
            command.envs([token, ("CRM2CAPI_LEADS_TOKEN", "EAABtoken")]);
            let ran = command.stdout(output).output().unwrap();
            crate::support::Ran::of(args, ran).ended(status);
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn values_are_judged_to_the_last_when_nobody_reads_the_answers() {
    use std::io::Write;

    let desk = Desk::new();
    for (output, _) in outputs_that_take_nothing() {
        let args = ["normalize", "email", "-"];
        let mut command = desk.command(&args);
        let mut child = (command.stdin(Stdio::piped()).stdout(output).spawn()).unwrap();
        let mut input = child.stdin.take().unwrap();
        let good = "ada.nunn@example.com\n".repeat(20_000);
        input.write_all(good.as_bytes()).unwrap();
        input.write_all(b"no email\n").unwrap();
        drop(input);
        assert_eq!(child.wait().unwrap().code(), Some(1));
    }
}

#[test]
fn a_host_that_cannot_be_reached_is_named_with_its_port() {
    let desk = Desk::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    drop(listener);
    let url = format!("http://{host}");
    let args = ["leads", "--check", "--graph-url", &url];
    let more = ["--give-up-after", "1"];
    let token = [("CRM2CAPI_LEADS_TOKEN", "EAABtoken")];
    let ran = desk.run_with(&[&args[..], &more].concat(), &token).ended(4);
    assert!(
        ran.stderr.contains(&format!("error: {host}: ")),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_file_of_others_in_the_place_of_an_output_is_named_with_its_option() {
    let desk = Desk::new();
    desk.file("leads.csv", LEADS);
    for (option, name) in [("--metrics-file", "notes.prom"), ("--report", "notes.html")] {
        desk.file(name, "my notes\n");
        let args = ["validate", "leads.csv", "--now", NOW, option, name];
        let ran = desk.run(&args).ended(2);
        let said = format!(
            "error: {name} is there already and was not written by crm2capi's {option}, so it is not replaced; name another"
        );
        assert!(ran.stderr.contains(&said), "{}", ran.stderr);
    }
}

#[test]
fn one_event_that_is_refused_has_no_halves() {
    let body = r#"{"error":{"code":100,"error_subcode":2804064,"type":"OAuthException"}}"#;
    let bad = crate::support::sha256("ada.nunn@example.com");
    let server = Listener::answering(move |request| {
        let events = request.events();
        match events
            .iter()
            .any(|event| event["user_data"]["em"][0] == bad.as_str())
        {
            true => (400, body.to_owned()),
            false => (200, format!(r#"{{"events_received":{}}}"#, events.len())),
        }
    });
    let desk = Desk::new();
    desk.file("leads.csv", LEADS);
    let token = [("CRM2CAPI_ACCESS_TOKEN", "EAABtoken")];
    let ran = desk.run_with(&args(&server, &["-vv"]), &token);
    assert!(
        ran.stderr.contains("of 2 events at least one was refused"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("one event was refused (100"),
        "{}",
        ran.stderr
    );
    assert!(
        !ran.stderr.contains("of 1 event at least"),
        "{}",
        ran.stderr
    );
}
