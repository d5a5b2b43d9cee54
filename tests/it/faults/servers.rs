//! Several hosts that take events over HTTP into one outbox in PostgreSQL.

use std::time::{Duration, Instant};

use super::*;
use crate::support::postgres::{Database, PASSWORD};
use crate::support::serve::{SECRET, Serve, log_of, post};

fn serve_command(desk: &Desk, url: &str, ledger: &str) -> Command {
    let mut command = desk.command(&[
        "serve",
        "--linger",
        "0",
        "--listen",
        "127.0.0.1:0",
        "--now",
        NOW,
        "--dataset-id",
        DATASET,
        "--graph-url",
        url,
        "--give-up-after",
        "1",
        "--batch-size",
        "10",
    ]);
    command.env("CRM2CAPI_ACCESS_TOKEN", TOKEN);
    command.env("CRM2CAPI_SERVE_TOKEN", SECRET);
    command.env("CRM2CAPI_LEDGER", ledger);
    command
}

fn record(number: u32) -> String {
    let lead = number / 2;
    let (hour, minute, second) = (10 + number % 2, lead / 60 % 60, lead % 60);
    serde_json::json!({
        "Id": number.to_string(), "Lead": lead_id(number).to_string(), "Stage": event_name(number),
        "When": format!("2026-11-20T{hour}:{minute:02}:{second:02}Z"), "Email": format!("lead{lead}@example.org"),
    })
    .to_string()
}

#[track_caller]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed().as_secs() < 90, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn desks() -> [Desk; 2] {
    [0, 1].map(|_| {
        let desk = Desk::new();
        desk.file("crm2capi.toml", SETTINGS);
        desk
    })
}

fn waiting(database: &Database) -> String {
    database.sql("SELECT count(*) FROM crm2capi.pending")
}

#[test]
fn what_two_servers_took_is_delivered_once_though_one_of_them_is_killed() {
    let Some(database) = Database::new() else {
        return;
    };
    let server = Server::start(|seen| Reply::receipt(seen).after(40));
    let desks = desks();
    let [one, other] = desks
        .each_ref()
        .map(|desk| Serve::of(serve_command(desk, &server.url, &database.url()), desk));
    for number in 0..80 {
        let serve = [&one, &other][number as usize % 2];
        assert_eq!(serve.post(&record(number)).status, 202);
    }
    one.end("-KILL");
    for number in 80..120 {
        assert_eq!(other.post(&record(number)).status, 202);
    }
    // An upload of some of it beside it.
    let uploader = desk_with(0);
    uploader.file("leads.csv", export(100..140));
    let mut upload = upload_to(&uploader, &server.url, &[]);
    upload.env("CRM2CAPI_LEDGER", database.url());
    let ran = finished(&uploader, Ran::of(&["…"], upload.output().unwrap()));
    assert_adds_up(&ran.ended(0).json());
    wait_until("nothing waits", || waiting(&database) == "0");
    assert_eq!(other.end("-TERM"), 0);
    let taken = server.taken();
    let all: BTreeSet<u32> = (0..140).collect();
    assert_eq!(taken.keys().copied().collect::<BTreeSet<u32>>(), all);
    // What was in flight at the kill went again under the same id: four requests of ten at most.
    let twice = taken.values().filter(|times| **times > 1).count();
    assert!(
        twice <= 40 && taken.values().all(|times| *times <= 2),
        "{twice}: {taken:?}"
    );
    let accepted = database.sql("SELECT count(*) FROM crm2capi.event WHERE state = 1");
    assert_eq!(accepted, "140");
    for desk in &desks {
        assert!(!log_of(desk).contains(PASSWORD) && !log_of(desk).contains("example.org"));
    }
}

#[test]
fn a_webhook_that_both_servers_got_is_one_event_and_one_takes_over_what_the_other_left() {
    let Some(database) = Database::new() else {
        return;
    };
    let server = Server::start(|_| Reply::answer(503, "", "away"));
    let desks = desks();
    let [one, other] = desks
        .each_ref()
        .map(|desk| Serve::of(serve_command(desk, &server.url, &database.url()), desk));
    for number in 0..10 {
        assert_eq!(one.post(&record(number)).json()["queued"], 1);
        assert_eq!(other.post(&record(number)).json()["known"], 1);
    }
    assert_eq!(waiting(&database), "10");
    // Killed while nothing could be delivered; nobody posts anything after that.
    one.end("-KILL");
    server.play(Reply::receipt);
    wait_until("the other delivers it", || waiting(&database) == "0");
    assert_eq!(other.end("-TERM"), 0);
    let taken = server.taken();
    assert_eq!(taken.len(), 10);
    assert!(taken.values().all(|times| *times == 1), "{taken:?}");
}

#[test]
fn a_database_that_is_away_is_503_and_nothing_is_acknowledged_until_it_is_back() {
    let Some(database) = Database::new() else {
        return;
    };
    let server = Server::start(Reply::receipt);
    let [desk, _] = desks();
    let serve = Serve::of(serve_command(&desk, &server.url, &database.url()), &desk);
    assert_eq!(serve.post(&record(0)).status, 202);
    let (name, elsewhere) = (&database.name, Database::new().unwrap());
    let allow = |are_allowed: bool| {
        elsewhere.sql(&format!(
            "ALTER DATABASE {name} ALLOW_CONNECTIONS {are_allowed}"
        ));
    };
    allow(false);
    elsewhere.sql(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    ));
    let start = Instant::now();
    let refused = post(&serve.url, &record(1)).unwrap();
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.header("retry-after").is_some());
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
    assert_eq!(serve.get("/readyz").status, 503);
    allow(true);
    wait_until("it takes again", || {
        post(&serve.url, &record(1)).unwrap().status == 202
    });
    wait_until("all is delivered", || server.taken().len() == 2);
    assert_eq!(serve.end("-TERM"), 0);
    assert!(server.taken().values().all(|times| *times <= 2));
}
