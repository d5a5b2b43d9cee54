//! Several hosts, one memory: uploads with states of their own that share a ledger in PostgreSQL.

use std::time::Duration;

use super::*;
use crate::support::listener::Listener;
use crate::support::postgres::{Database, PASSWORD};
use crate::support::receiver::Receiver;

/// The command line of an upload that keeps its ledger in a database.
fn shared_upload(desk: &Desk, database: &Database, url: &str, more: &[&str]) -> Command {
    let mut command = upload_to(desk, url, more);
    command.env("CRM2CAPI_LEDGER", database.url());
    command
}

#[track_caller]
fn ended(desk: &Desk, mut command: Command) -> Ran {
    told_no_password(finished(desk, Ran::of(&["…"], command.output().unwrap())))
}

#[track_caller]
fn told_no_password(ran: Ran) -> Ran {
    for said in [&ran.stdout, &ran.stderr] {
        assert!(!said.contains(PASSWORD), "{ran:#?}");
    }
    ran
}

fn elsewhere(report: &Value) -> usize {
    report["in_flight_elsewhere"].as_u64().unwrap_or_default() as usize
}

#[test]
fn three_uploads_at_once_send_each_event_of_overlapping_files_once() {
    let Some(database) = Database::new() else {
        return;
    };
    let server = Server::start(|seen| Reply::receipt(seen).after(8));
    let files = [0..240, 120..360, 240..480];
    let desks = files.map(|numbers| {
        let desk = desk_with(0);
        desk.file("leads.csv", export(numbers));
        desk
    });
    let more = ["--batch-size", "15", "--concurrency", "2"];
    let running = desks.each_ref().map(|desk| {
        let mut command = shared_upload(desk, &database, &server.url, &more);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    });
    let mut accepted = 0;
    for (desk, child) in desks.iter().zip(running) {
        let report = told_no_password(finish(desk, child)).ended(0).json();
        assert_adds_up(&report);
        assert_eq!(count(&report, "events"), 240);
        accepted += count(&report, "accepted");
    }
    assert_eq!(accepted, 480);
    let taken = server.taken();
    assert_eq!(taken.len(), 480);
    assert!(taken.values().all(|times| *times == 1), "{taken:?}");
    // Whoever comes later finds all of it delivered.
    let report = ended(
        &desks[1],
        shared_upload(&desks[1], &database, &server.url, &[]),
    )
    .ended(0)
    .json();
    assert_eq!(count(&report, "skipped_delivered"), 240);
    assert_eq!(server.taken().len(), 480);
}

#[test]
fn what_another_run_has_in_flight_is_left_to_it_and_counted() {
    let Some(database) = Database::new() else {
        return;
    };
    let server = Server::start(|seen| Reply::receipt(seen).after(3_000));
    let desk = desk_with(40);
    let mut first = shared_upload(&desk, &database, &server.url, &["--concurrency", "1"]);
    let first = first
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert!(server.wait_for_requests(1));
    let other = desk_with(50);
    let report = ended(&other, shared_upload(&other, &database, &server.url, &[]))
        .ended(0)
        .json();
    assert_adds_up(&report);
    assert!(elsewhere(&report) > 0, "{report:#}");
    let accepted = count(&report, "accepted");
    let report = finish(&desk, first).ended(0).json();
    assert_eq!(accepted + count(&report, "accepted"), 50, "{report:#}");
    assert_eq!(server.taken().len(), 50);
    assert!(server.taken().values().all(|times| *times == 1));
}

#[test]
fn what_a_killed_run_had_in_flight_is_uncertain_and_sent_by_the_next() {
    let Some(database) = Database::new() else {
        return;
    };
    let server = Server::start(|seen| Reply::receipt(seen).after(60));
    let desk = desk_with(120);
    let more = ["--batch-size", "10", "--concurrency", "2"];
    let mut killed = shared_upload(&desk, &database, &server.url, &more);
    let mut killed = killed
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert!(server.wait_for_requests(4));
    killed.kill().unwrap();
    killed.wait().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let open = database.sql("SELECT count(*) FROM crm2capi.event WHERE state = 0");
    let open: usize = open.parse().unwrap();
    assert!(open > 0, "nothing was in flight");
    let other = desk_with(120);
    let report = ended(&other, shared_upload(&other, &database, &server.url, &more))
        .ended(0)
        .json();
    assert_adds_up(&report);
    assert_eq!(problems(&report, "uncertain-earlier"), open);
    let taken = server.taken();
    assert_eq!(taken.len(), 120);
    let twice = taken.values().filter(|times| **times == 2).count();
    assert!(
        twice <= open && taken.values().all(|times| *times <= 2),
        "{twice} of {open}"
    );
}

#[test]
fn a_ledger_that_cannot_be_reached_is_status_4_and_nothing_is_sent() {
    let Some(database) = Database::new() else {
        return;
    };
    let server = Server::start(Reply::receipt);
    let desk = desk_with(4);
    let mut command = shared_upload(&desk, &database, &server.url, &[]);
    command.env(
        "CRM2CAPI_LEDGER",
        format!("postgres://anna:{PASSWORD}@127.0.0.1:9/crm"),
    );
    let ran = ended(&desk, command).ended(4);
    assert!(
        ran.stderr
            .contains("postgres://anna@127.0.0.1:9/crm cannot be reached"),
        "{}",
        ran.stderr
    );
    let mut command = shared_upload(&desk, &database, &server.url, &[]);
    command.env("CRM2CAPI_LEDGER", database.url().replace(PASSWORD, "wr0ng"));
    let ran = ended(&desk, command).ended(2);
    assert!(
        ran.stderr.contains("password authentication failed"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("wr0ng"));
    let with_password = database.url();
    let ran = ended(
        &desk,
        shared_upload(&desk, &database, &server.url, &["--ledger", &with_password]),
    );
    assert!(ran.ended(2).stderr.contains("CRM2CAPI_LEDGER"));
    assert_eq!(server.requests(), 0);
}

#[test]
fn status_leads_dry_runs_and_notifications_know_what_a_shared_ledger_knows() {
    let Some(database) = Database::new() else {
        return;
    };
    let server = Server::start(Reply::receipt);
    let desk = desk_with(6);
    desk.file("url", database.url() + "\n");
    let hook = Receiver::start();
    let notify = format!("[notify]\nurl = \"{}/json\"\n", hook.url);
    let settings =
        |more: &str| format!("{SETTINGS}\n[delivery]\nledger_url_file = \"url\"\n{more}");
    desk.file("named.toml", settings(&notify));
    let dry = ["--dry-run"];
    let report = ended(&desk, shared_upload(&desk, &database, &server.url, &dry))
        .ended(0)
        .json();
    assert_eq!(count(&report, "would_send"), 6);
    ended(&desk, shared_upload(&desk, &database, &server.url, &[])).ended(0);
    let report = ended(&desk, shared_upload(&desk, &database, &server.url, &dry))
        .ended(0)
        .json();
    assert_eq!(
        (
            count(&report, "would_send"),
            count(&report, "skipped_delivered")
        ),
        (0, 6)
    );

    let by_file = ["--config", "named.toml", "--now", NOW];
    let status = |more: &[&str]| {
        let mut args = vec!["status", "--format", "json"];
        args.extend(by_file);
        args.extend(more);
        told_no_password(desk.run(&args))
    };
    let told = status(&[]).ended(0).json();
    assert_eq!(told["runs"][0]["accepted"], 6, "{told:#}");
    let told = status(&["--lead", "lead1@example.org"]).ended(0).json();
    let events = told["leads"][0]["events"].as_array().unwrap();
    assert_eq!(events.len(), 2, "{told:#}");
    status(&["--lead", "nobody@example.org"]).ended(1);

    // A receiver is told once of what stays the same.
    server.play(|_| Reply::fault(401, 190, None));
    desk.file("leads.csv", export(10..12));
    for _ in 0..2 {
        let mut upload = vec!["upload", "leads.csv", "--quiet", "--dataset-id", DATASET];
        upload.extend(by_file);
        upload.extend(["--graph-url", &server.url]);
        let ran = desk.run_with(&upload, &[("CRM2CAPI_ACCESS_TOKEN", TOKEN)]);
        told_no_password(ran).ended(3);
    }
    assert_eq!(hook.take().len(), 1);
    assert!(database.sql("SELECT count(*) FROM crm2capi.notice") != "0");

    // Who did not name the file is not made to ask its server.
    desk.file("crm2capi.toml", settings(""));
    let ran = desk.run(&["status"]);
    assert!(ran.ended(2).stderr.contains("the address of a ledger"));
}

#[test]
fn exports_of_the_current_stage_are_compared_with_what_another_host_saw() {
    let Some(database) = Database::new() else {
        return;
    };
    let server = Listener::accepting();
    let settings = "[crm]\nname = \"Tests\"\n[columns]\nlead_id = \"Lead\"\nevent_name = \"Stage\"\nemail = \"Email\"\n";
    let run = |rows: &str, now: &str, status: i32| {
        let desk = Desk::new();
        desk.file("crm2capi.toml", settings);
        desk.file("leads.csv", format!("Lead,Stage,Email\n{rows}"));
        let args = ["--stage-time", "first-seen", "--now", now];
        ended(&desk, shared_upload(&desk, &database, &server.url, &args))
            .ended(status)
            .json()
    };
    let (a, b) = (
        "1234567890123456,New,a@example.org\n",
        "1234567890123457,New,b@example.org\n",
    );
    let first = run(&format!("{a}{b}"), "2026-11-20T10:00:00Z", 0);
    assert_eq!(count(&first, "accepted"), 0, "{first:#}");
    let moved = b.replace("New", "Won");
    let second = run(&format!("{a}{moved}"), "2026-11-21T10:00:00Z", 0);
    assert_eq!(count(&second, "accepted"), 1, "{second:#}");
    let third = run(&format!("{a}{moved}"), "2026-11-21T16:00:00Z", 0);
    assert_eq!(
        (
            count(&third, "accepted"),
            count(&third, "skipped_delivered")
        ),
        (0, 1),
        "{third:#}"
    );
}
