//! Uploads to a server that plays faults, held against what that server saw and what the ledger then says.
//!
//! Whatever happens, every event ends in exactly one state, nothing is claimed that the server did not take, nothing
//! that it took is said to be undelivered, and the next run sends what is left and nothing else.

#![expect(clippy::unwrap_used, reason = "what goes wrong here fails the test")]

mod answers;
#[cfg(unix)]
mod copies;
mod inputs;
#[cfg(unix)]
mod interrupts;
#[cfg(unix)]
mod kills;
#[cfg(unix)]
mod leadgen;
mod ledgers;
mod memory;
mod refusals;
mod requests;
#[cfg(unix)]
mod serve;
#[cfg(unix)]
mod servers;
#[cfg(unix)]
mod shared;
#[cfg(unix)]
mod streams;
#[cfg(target_os = "linux")]
mod tls;
mod verbs;
#[cfg(unix)]
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::faulty::{Reply, Seen, Server, taken};
use crate::support::{Desk, NOW, Ran, assert_adds_up};

const DATASET: &str = "123456789012345";
/// Made up; it must show nowhere.
const TOKEN: &str = "EAABmadeUpTokenThatMustShowNowhere0123456789";
const SETTINGS: &str = r#"
    [crm]
    name = "Tests"
    [columns]
    event_id = "Id"
    lead_id = "Lead"
    event_name = "Stage"
    event_time = "When"
    email = "Email"
"#;

/// A desk with an export of this many events, numbered from 0, two for each lead.
fn desk_with(count: u32) -> Desk {
    let desk = Desk::new();
    desk.file("crm2capi.toml", SETTINGS);
    desk.file("leads.csv", export(0..count));
    desk
}

fn export(numbers: impl IntoIterator<Item = u32>) -> String {
    let mut export = String::from("Id,Lead,Stage,When,Email\n");
    for number in numbers {
        let (name, hour) = (event_name(number), 10 + number % 2);
        let (minute, second) = (number / 2 / 60 % 60, number / 2 % 60);
        let (lead_id, lead) = (lead_id(number), number / 2);
        writeln!(export, "{number},{lead_id},{name},2026-11-20T{hour}:{minute:02}:{second:02}Z,lead{lead}@example.org")
            .unwrap();
    }
    export
}

fn event_name(number: u32) -> &'static str {
    if number.is_multiple_of(2) {
        "Lead"
    } else {
        "Qualified"
    }
}

fn lead_id(number: u32) -> u64 {
    1_234_567_890_000_000 + u64::from(number / 2)
}

/// The command line of an upload that names no ledger; what is given last goes before what is given here.
fn upload_to(desk: &Desk, url: &str, more: &[&str]) -> Command {
    let mut args = vec![
        "upload",
        "leads.csv",
        "--format",
        "json",
        "--dataset-id",
        DATASET,
    ];
    if !more.contains(&"--now") {
        args.extend(["--now", NOW]);
    }
    args.extend(["--graph-url", url]);
    args.extend(more);
    let mut command = desk.command(&args);
    command.env("CRM2CAPI_ACCESS_TOKEN", TOKEN);
    command
}

/// The same with the ledger `ledger.sqlite3`, unless another is given.
fn command(desk: &Desk, server: &Server, more: &[&str]) -> Command {
    let ledger = ["--ledger", "ledger.sqlite3"];
    match more.contains(&"--ledger") {
        true => upload_to(desk, &server.url, more),
        false => upload_to(desk, &server.url, &[&ledger[..], more].concat()),
    }
}

fn upload(desk: &Desk, server: &Server, more: &[&str]) -> Ran {
    finished(
        desk,
        Ran::of(more, command(desk, server, more).output().unwrap()),
    )
}

fn start(desk: &Desk, server: &Server, more: &[&str]) -> Child {
    command(desk, server, more)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn finish(desk: &Desk, child: Child) -> Ran {
    finished(
        desk,
        Ran::of(&["upload"], child.wait_with_output().unwrap()),
    )
}

/// Whatever came of a run: neither token nor addresses are in what it said, and no token in what it wrote.
#[track_caller]
fn finished(desk: &Desk, ran: Ran) -> Ran {
    for said in [&ran.stdout, &ran.stderr] {
        assert!(
            !said.contains(TOKEN) && !said.contains("@example.org"),
            "{ran:#?}"
        );
    }
    for entry in std::fs::read_dir(desk.path())
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().is_file())
    {
        let bytes = std::fs::read(entry.path()).unwrap();
        let holds = |text: &str| {
            bytes
                .windows(text.len())
                .any(|window| window == text.as_bytes())
        };
        assert!(!holds(TOKEN), "{:?}", entry.path());
        let is_ledger = entry.file_name().to_string_lossy().starts_with("ledger");
        assert!(!is_ledger || !holds("example.org"), "{:?}", entry.path());
    }
    ran
}

fn count(report: &Value, key: &str) -> usize {
    report[key]
        .as_u64()
        .unwrap_or_else(|| panic!("no {key} in {report:#}")) as usize
}

/// How often a problem was met.
fn problems(report: &Value, code: &str) -> usize {
    let problems = report["problems"].as_array().unwrap().iter();
    problems
        .filter(|problem| problem["code"] == code)
        .map(|problem| count(problem, "count"))
        .sum()
}

/// What a ledger holds, by event number.
#[derive(Debug, Default)]
struct Books {
    sending: BTreeSet<u32>,
    accepted: BTreeSet<u32>,
    refused: BTreeSet<u32>,
}

impl Books {
    fn read(desk: &Desk, events: u32) -> Self {
        let numbers: BTreeMap<Vec<u8>, u32> = (0..events)
            .map(|number| {
                let event = format!("{number}\0{}", event_name(number));
                let event = Sha256::digest(event.as_bytes());
                let key = Sha256::digest([DATASET.as_bytes(), b"\0", &event[..16]].concat());
                (key[..16].to_vec(), number)
            })
            .collect();
        let connection = rusqlite::Connection::open(desk.path().join("ledger.sqlite3")).unwrap();
        let mut select = connection.prepare("SELECT key, state FROM event").unwrap();
        let rows = select
            .query_map([], |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?))
            })
            .unwrap();
        let mut books = Self::default();
        for (key, state) in rows.map(Result::unwrap) {
            let states = [&mut books.sending, &mut books.accepted, &mut books.refused];
            assert!(
                states
                    .into_iter()
                    .nth(state as usize)
                    .unwrap()
                    .insert(numbers[&key])
            );
        }
        books
    }
}

/// An upload of `events` events into a new ledger ended with `ran`: holds its report against ledger and server.
#[track_caller]
fn check_first(desk: &Desk, server: &Server, events: u32, ran: &Ran) -> (Value, Books) {
    let (report, books) = (ran.json(), Books::read(desk, events));
    assert_adds_up(&report);
    assert_eq!(count(&report, "events"), events as usize, "{report:#}");
    assert_eq!(count(&report, "exit_status") as i32, ran.status);
    assert_eq!(count(&report, "requests"), server.requests(), "{report:#}");
    assert_eq!(
        count(&report, "accepted"),
        books.accepted.len(),
        "{report:#}"
    );
    assert_eq!(
        count(&report, "rejected"),
        books.refused.len(),
        "{report:#}"
    );
    assert_eq!(
        count(&report, "uncertain"),
        books.sending.len(),
        "{report:#}"
    );
    for event in 0..events {
        let was_taken = server.taken().contains_key(&event);
        let (is_accepted, is_uncertain) = (
            books.accepted.contains(&event),
            books.sending.contains(&event),
        );
        assert!(
            was_taken || !is_accepted,
            "{event} is said to be delivered, and was not"
        );
        assert!(
            !was_taken || is_accepted || is_uncertain,
            "{event} was taken, and is not said to be"
        );
    }
    (report, books)
}

/// Uploads again to a server that works: it gets what is neither settled nor refused, once, and nothing else.
#[track_caller]
fn check_next(desk: &Desk, server: &Server, events: u32, before: &Books, more: &[&str]) -> Value {
    server.play(Reply::receipt);
    let requests = server.requests();
    let status = if before.refused.is_empty() {
        [0, 0]
    } else {
        [0, 1]
    };
    let ran = upload(desk, server, more);
    assert!(status.contains(&ran.status), "{ran:#?}");
    let report = ran.json();
    assert_adds_up(&report);
    let left: BTreeSet<u32> = (0..events)
        .filter(|event| !before.accepted.contains(event) && !before.refused.contains(event))
        .collect();
    let sent = taken(&server.seen()[requests..]);
    assert_eq!(sent.keys().copied().collect::<BTreeSet<_>>(), left);
    assert!(sent.values().all(|times| *times == 1), "{sent:?}");
    assert_eq!(count(&report, "accepted"), left.len(), "{report:#}");
    assert_eq!(
        count(&report, "skipped_delivered"),
        before.accepted.len(),
        "{report:#}"
    );
    assert_eq!(
        count(&report, "rejected"),
        before.refused.len(),
        "{report:#}"
    );
    assert_eq!(
        count(&report, "requests"),
        server.requests() - requests,
        "{report:#}"
    );
    assert_eq!(
        problems(&report, "uncertain-earlier"),
        before.sending.len(),
        "{report:#}"
    );
    assert_eq!(
        problems(&report, "refused-earlier"),
        before.refused.len(),
        "{report:#}"
    );
    let books = Books::read(desk, events);
    assert!(books.sending.is_empty() && books.refused == before.refused);
    assert_eq!(books.accepted.len() + books.refused.len(), events as usize);
    report
}

/// A small generator of random numbers (SplitMix64), the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % limit
    }
}
