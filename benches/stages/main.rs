//! What each stage costs, in the order of the work. Every figure is for a row or an event.

mod customer;
mod rows;

use std::hint::black_box;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use clap::Parser as _;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use crm2capi::batch::{Beside, Limits, Waiting, body};
use crm2capi::cli::{Cli, Command};
use crm2capi::config::{SettingsFile, read_settings};
use crm2capi::customer::{Key, KeySet, Normalizer, UserData};
use crm2capi::event::{
    Constants, Event, EventId, EventKey, Facts, Fingerprint, Origin, write_event,
};
use crm2capi::graph::verdict::verdict;
use crm2capi::ledger::{Entry, Ledger, RunStart, Settled, SqliteLedger};
use crm2capi::mapping::{Record, Times};
use crm2capi::problem::{Code, Finding};
use crm2capi::report::Problems;
use crm2capi::rules;
use crm2capi::run::{self, Feed, Pass, ReadSettings};
use crm2capi::source::{Chunk, Header, Source};
use crm2capi::time::{Moment, Precision, TimeReader};
use jiff::tz::TimeZone;
use reqwest::header::HeaderMap;

const NOW: i64 = 1_795_176_000;
const BATCH: usize = 500;

/// The export as a file, which is there as long as the folder is.
fn export() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder for the export");
    let path = folder.path().join("leads.csv");
    let mut file = std::fs::File::create(&path).expect("an export");
    file.write_all(rows::export().as_bytes())
        .expect("room for the export");
    (folder, path)
}

/// What `build` would read, and how.
fn reading(path: &std::path::Path) -> ReadSettings {
    let path = path.to_str().expect("a path of letters");
    let line = [
        "crm2capi",
        "build",
        path,
        "--now",
        "2026-11-20T12:00:00Z",
        "--timezone",
        "UTC",
        "--threads",
        "1",
    ];
    let Command::Build(args) = Cli::parse_from(line).command else {
        unreachable!("the command line says build")
    };
    read_settings(&args.read, &SettingsFile::default()).expect("settings")
}

fn chunks(path: &std::path::Path) -> Vec<Chunk> {
    let reading = reading(path);
    let mut source = Source::open(&reading.inputs[0], &reading.source).expect("an export");
    let mut chunks = Vec::new();
    let mut chunk = Chunk::default();
    while source.fill(&mut chunk).expect("a whole file") {
        chunks.push(std::mem::take(&mut chunk));
    }
    chunks
}

fn source(c: &mut Criterion) {
    let (_folder, path) = export();
    let mut group = c.benchmark_group("source");
    group.throughput(Throughput::Elements(rows::ROWS as u64));
    group.bench_function("csv", |b| b.iter(|| black_box(chunks(&path))));
    group.finish();
}

fn mapping(c: &mut Criterion) {
    let (_folder, path) = export();
    let feed = Feed::open(&reading(&path).inputs[0], &reading(&path))
        .expect("columns that are understood");
    let (mut plan, mut times) = (feed.plan.clone(), feed.times());
    let chunks = chunks(&path);
    let mut group = c.benchmark_group("mapping");
    group.throughput(Throughput::Elements(rows::ROWS as u64));
    group.bench_function("row", |b| {
        b.iter(|| {
            let mut record = Record::default();
            for row in chunks.iter().flat_map(Chunk::rows) {
                plan.read(row, &mut times, &mut record, &mut |notice| {
                    panic!("{notice:?}")
                });
                black_box(&record);
            }
        });
    });
    group.finish();
}

fn time(c: &mut Criterion) {
    let zone = TimeZone::get("America/New_York").expect("a zone that is built in");
    let mut times = Times {
        default: TimeReader::new(zone, true, None, NOW),
        of_columns: Vec::new(),
    };
    let mut group = c.benchmark_group("time");
    for text in [
        "2026-11-19 06:45:00",
        "2026-11-19T06:45:00.000-0500",
        "Nov 19, 2026 6:45 AM",
        "11/19/2026",
    ] {
        group.bench_function(text, |b| {
            b.iter(|| times.read(0, black_box(text)).expect("a time"))
        });
    }
    group.finish();
}

fn event(c: &mut Criterion) {
    let mut user_data = UserData::default();
    let rows = rows::rows();
    let row = customer::cells(&rows[0]);
    Normalizer::new(&customer::settings()).read(&row, None, &mut user_data, &mut |code, _, _| {
        panic!("{code:?}")
    });
    let constants = Constants::default();
    let mut group = c.benchmark_group("event");
    group.bench_function("id", |b| {
        b.iter(|| EventId::derive(black_box(b"lead_id:1000000000000000"), "Customer", NOW));
    });
    let mut out = Vec::new();
    let id = EventId::derive(b"lead_id:1000000000000000", "Customer", NOW);
    group.bench_function("json", |b| {
        b.iter(|| {
            out.clear();
            let custom_data = br#"{"event_source":"crm","lead_event_source":"HubSpot"}"#;
            let facts = Facts {
                name: "Customer",
                time: NOW,
                id,
                opt_out: None,
                user_data: &user_data,
                custom_data,
            };
            write_event(&mut out, black_box(&facts), &constants);
        });
    });
    group.finish();
}

fn rules(c: &mut Criterion) {
    let keys = KeySet::of(&[Key::LeadId, Key::Em, Key::Ph, Key::Fn, Key::Ln]);
    let at = Moment {
        seconds: NOW - 3600,
        precision: Precision::Second,
    };
    c.bench_function("rules/event", |b| {
        b.iter(|| {
            rules::check_customer(black_box(keys))
                .and_then(|()| rules::check_time(black_box(at), None, NOW, &TimeZone::UTC))
        });
    });
}

fn events(from: u64) -> Vec<Event> {
    let event = |number: u64| Event {
        key: EventKey::in_dataset(
            "1",
            Fingerprint((u128::from(number) * 0x9e37_79b9_7f4a_7c15).to_le_bytes()),
        ),
        name: "Customer".into(),
        time: NOW - 60,
        lead: number,
        origin: Origin {
            input: 0,
            row: number,
        },
        json: Bytes::from(vec![b' '; 1000]),
    };
    (from..from + BATCH as u64).map(event).collect()
}

/// A batch asked for, begun and settled, on the disk that holds temporary files.
fn ledger(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder for the ledger");
    let mut ledger =
        SqliteLedger::open(&folder.path().join("ledger"), Duration::ZERO).expect("a ledger");
    ledger
        .start_run(&RunStart {
            dataset: "1",
            now: NOW,
        })
        .expect("a run");
    let mut next = 0;
    let mut group = c.benchmark_group("ledger");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("batch", |b| {
        b.iter_batched(
            || {
                next += BATCH as u64;
                events(next)
            },
            |events| {
                ledger.standing(&events).expect("an answer");
                ledger.write(&[Entry::Begin(events.clone())]).expect("room");
                let settled = events
                    .into_iter()
                    .map(|event| (event, Settled::Accepted))
                    .collect();
                ledger.write(&[Entry::Settle(settled)]).expect("room");
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn batch(c: &mut Criterion) {
    let events = events(0);
    let mut group = c.benchmark_group("batch");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("body", |b| {
        b.iter(|| {
            let mut waiting = Waiting::new(Limits::of(BATCH));
            waiting.extend(events.iter().cloned());
            let batch = waiting.take();
            black_box(body(
                batch.iter().map(|event| &event.json[..]),
                &Beside::default(),
            ))
        });
    });
    group.finish();
}

fn deliver(c: &mut Criterion) {
    let headers = HeaderMap::new();
    let taken = br#"{"events_received":500,"messages":[],"fbtrace_id":"A6UyEgg"}"#;
    let refused =
        br#"{"error":{"message":"Invalid parameter","type":"OAuthException","code":100,"error_subcode":2804003,
        "error_user_title":"Event too old","fbtrace_id":"A6UyEgg"}}"#;
    let mut group = c.benchmark_group("deliver");
    group.bench_function("verdict_taken", |b| {
        b.iter(|| verdict(200, &headers, black_box(taken), BATCH))
    });
    group.bench_function("verdict_refused", |b| {
        b.iter(|| verdict(400, &headers, black_box(refused), BATCH))
    });
    group.finish();
}

fn report(c: &mut Criterion) {
    let header = Header {
        columns: vec!["Email".to_owned()],
    };
    let mut problems = Problems::default();
    let mut row = 1;
    c.bench_function("report/finding", |b| {
        b.iter(|| {
            row += 1;
            let code = Code::EmailInvalid;
            let finding = Finding {
                code,
                severity: code.severity(),
                row,
                field: None,
                column: Some(0),
            };
            problems.add(black_box(&finding), 0, Some(row), &header, None);
        });
    });
}

/// All stages up to the event, opening the file included.
fn whole(c: &mut Criterion) {
    let (_folder, path) = export();
    let reading = reading(&path);
    let mut group = c.benchmark_group("pipeline");
    group.throughput(Throughput::Elements(rows::ROWS as u64));
    for (name, pass) in [("build", Pass::Last), ("validate", Pass::Judging)] {
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut feeds = Feed::open_all(&reading).expect("an export");
                let collect = |prepared: &mut run::Prepared| {
                    black_box(prepared);
                    Ok(ControlFlow::Continue(()))
                };
                run::workers::run(&mut feeds, pass, 1, collect).expect("a whole file");
            });
        });
    }
    group.finish();
}

criterion_group!(
    benches,
    source,
    mapping,
    time,
    customer::customer,
    event,
    rules,
    ledger,
    batch,
    deliver,
    report,
    whole
);
criterion_main!(benches);
