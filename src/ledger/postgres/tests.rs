//! What only a ledger on a server has to do: several runs at once, sessions that are lost, and servers that are not there.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::server::Database;
use super::*;
use crate::ledger::Settled;
use crate::ledger::testing::{Place, Store, on_server};
use crate::ledger::tests::{NOW, all, events};

impl Store for PostgresLedger {
    fn status(&mut self, dataset: Option<&str>, now: i64, runs: usize) -> Status {
        PostgresLedger::status(self, dataset, now, runs).unwrap()
    }

    fn set_clock(&mut self, clock: Clock) {
        self.clock = clock;
    }

    fn become_run(&mut self, run: Option<i64>) -> Option<i64> {
        let before = std::mem::replace(&mut self.run, run);
        let pass_on = |session: &Session| {
            before.map_or(Ok(()), |run| release(session, run))?;
            run.map_or(Ok(()), |run| hold(session, run))
        };
        self.with_session(pass_on).unwrap();
        let writes = self.read(|server| {
            let run = run.unwrap_or_default();
            let sql = "SELECT writes FROM run WHERE id = $1";
            server.row(sql, &[run.into()], |mut row| row.take(0))
        });
        self.writes = writes.unwrap().unwrap_or_default();
        before
    }

    fn grow_old(&mut self) {}

    fn count(&mut self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        let count = self.read(|server| server.row(&sql, &[], |mut row| row.take(0)));
        count.unwrap().unwrap()
    }

    fn told(&mut self, subject: &str, channel: &str, state: &str) {
        self.remember(subject, channel, state, NOW).unwrap();
    }

    fn forget_at(&mut self, now: i64) {
        self.with_session(|session| forget_old(session, now))
            .unwrap();
    }
}

#[test]
fn several_runs_at_once_begin_each_event_once() {
    on_server(|| {
        let place = Place::new();
        let events = events(9);
        let (mut one, mut other) = (place.start(NOW), place.start(NOW));
        assert_eq!(one.begin(&events[..6]).unwrap(), [Begun::Fresh; 6]);
        let standings = other.standing(&events).unwrap();
        assert_eq!(standings[..6], [Standing::Elsewhere; 6]);
        assert_eq!(standings[6..], [Standing::New; 3]);
        let begun = other.begin(&events[3..]).unwrap();
        assert_eq!(begun[..3], [Begun::Elsewhere; 3]);
        assert_eq!(begun[3..], [Begun::Fresh; 3]);
        one.settle(&all(&events[..4], Settled::Accepted)).unwrap();
        let begun = other.begin(&events[3..]).unwrap();
        assert_eq!(
            begun,
            [
                [Begun::Known; 1].as_slice(),
                &[Begun::Elsewhere; 2],
                &[Begun::Known; 3]
            ]
            .concat()
        );
        // The first dies: what it had in flight is uncertain, and the other's.
        drop(one);
        wait_for(|| other.standing(&events[4..6]).unwrap() == [Standing::Uncertain; 2]);
        assert_eq!(other.begin(&events[4..6]).unwrap(), [Begun::Again; 2]);
    });
}

#[test]
fn a_run_that_has_ended_has_nothing_in_hand() {
    on_server(|| {
        let place = Place::new();
        let events = events(2);
        let (mut one, mut other) = (place.start(NOW), place.start(NOW));
        one.begin(&events).unwrap();
        one.settle(&all(&events, Settled::Uncertain)).unwrap();
        one.finish_run(&RunEnd::default()).unwrap();
        assert_eq!(other.begin(&events).unwrap(), [Begun::Again; 2]);
    });
}

#[test]
fn a_run_that_loses_its_session_goes_on_and_settles_nothing_that_another_has_taken_over() {
    on_server(|| {
        let database = Database::new().unwrap();
        let (mut one, mut other) = (ledger_of(&database), ledger_of(&database));
        let events = events(4);
        let store: &mut dyn Store = &mut one;
        store.begin(&events).unwrap();
        database.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() \
                      AND datname = current_database() AND query LIKE 'COMMIT%'",
        );
        let theirs: &mut dyn Store = &mut other;
        assert_eq!(theirs.begin(&events[..2]).unwrap(), [Begun::Again; 2]);
        let store: &mut dyn Store = &mut one;
        let error = store
            .settle(&all(&events[..2], Settled::Accepted))
            .unwrap_err();
        assert!(matches!(error, LedgerError::Overtaken(_)), "{error}");
        store.settle(&all(&events[2..], Settled::Accepted)).unwrap();
        let theirs: &mut dyn Store = &mut other;
        assert_eq!(theirs.begin(&events[2..]).unwrap(), [Begun::Known; 2]);
    });
}

/// Hands on what goes to a server, and cuts the connection when so many pieces have gone either way.
struct Cutter {
    port: u16,
    pieces_left: Arc<AtomicUsize>,
}

impl Cutter {
    fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let pieces_left = Arc::new(AtomicUsize::new(usize::MAX));
        let pieces = pieces_left.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let pieces = pieces.clone();
                    std::thread::spawn(move || pass_on(from, to, &pieces));
                }
            }
        });
        Self { port, pieces_left }
    }

    /// Cuts once, after so many more pieces.
    fn cut_after(&self, pieces: usize) {
        self.pieces_left.store(pieces, Ordering::SeqCst);
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, pieces_left: &AtomicUsize) {
    let mut buffer = vec![0; 1 << 20];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let left = pieces_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
            Some(if left == 0 { usize::MAX } else { left - 1 })
        });
        if left == Ok(0) || to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// Wherever the connection is cut, each event is begun once and told as such, and counted once.
#[test]
fn a_connection_that_is_cut_anywhere_changes_nothing_of_what_is_done_and_told() {
    on_server(|| {
        let database = Database::new().unwrap();
        let cutter = Cutter::start(port_of(&database));
        let address = Address::parse(&database.url_at(cutter.port)).unwrap();
        let mut ledger = PostgresLedger::open(&address, Duration::ZERO).unwrap();
        let (dataset, now) = ("123", NOW);
        ledger
            .start_run(&RunStart {
                dataset,
                now,
                in_flight: 0,
            })
            .unwrap();
        let mut was_cut = false;
        let mut total = 0;
        for pieces in 0..60 {
            let all_events = events(2_000);
            let some = &all_events[total..total + 20];
            let store: &mut dyn Store = &mut ledger;
            cutter.cut_after(pieces);
            assert_eq!(
                store.standing(some).unwrap(),
                [Standing::New; 20],
                "{pieces}"
            );
            assert_eq!(store.begin(some).unwrap(), [Begun::Fresh; 20], "{pieces}");
            assert_eq!(store.begin(some).unwrap(), [Begun::Known; 20], "{pieces}");
            store.settle(&all(&some[..10], Settled::Accepted)).unwrap();
            store.settle(&all(&some[10..], Settled::Unsent)).unwrap();
            was_cut |= cutter.pieces_left.swap(usize::MAX, Ordering::SeqCst) > 1_000;
            total += 20;
            let of_run = database.sql("SELECT sum(count) FROM crm2capi.delivered");
            assert_eq!(of_run, (total / 2).to_string(), "{pieces}");
            let kept =
                database.sql("SELECT count(*), sum(state), sum(attempts) FROM crm2capi.event");
            assert_eq!(kept, format!("{0}|{0}|0", total / 2), "{pieces}");
        }
        assert!(was_cut);
        ledger.finish_run(&RunEnd::default()).unwrap();
        assert_eq!(database.sql("SELECT count(*) FROM crm2capi.run"), "1");
    });
}

#[test]
fn a_run_starts_once_wherever_the_connection_is_cut() {
    on_server(|| {
        let database = Database::new().unwrap();
        let cutter = Cutter::start(port_of(&database));
        let address = Address::parse(&database.url_at(cutter.port)).unwrap();
        for pieces in 0..40 {
            cutter.cut_after(pieces);
            let mut ledger = PostgresLedger::open(&address, PATIENCE).unwrap();
            let (dataset, now) = ("123", NOW);
            ledger
                .start_run(&RunStart {
                    dataset,
                    now,
                    in_flight: 0,
                })
                .unwrap();
            let runs = database.sql("SELECT count(*) FROM crm2capi.run");
            assert_eq!(runs, (pieces + 1).to_string());
        }
    });
}

#[test]
fn a_server_that_is_not_there_is_no_reason_to_do_anything_else_than_try_later() {
    on_server(|| {
        let closed = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let address = Address::parse(&format!("postgres://u:s3cr3t@127.0.0.1:{closed}/x")).unwrap();
        let error = PostgresLedger::open(&address, Duration::ZERO)
            .err()
            .unwrap();
        assert!(
            matches!(error, LedgerError::Unreachable { .. }),
            "{error:?}"
        );
        assert!(!error.to_string().contains("s3cr3t"), "{error}");
        // In mid-run.
        let database = Database::new().unwrap();
        let cutter = Cutter::start(port_of(&database));
        let address = Address::parse(&database.url_at(cutter.port)).unwrap();
        let mut ledger = PostgresLedger::open(&address, Duration::ZERO).unwrap();
        ledger
            .start_run(&RunStart {
                dataset: "1",
                now: NOW,
                in_flight: 0,
            })
            .unwrap();
        ledger.address = Address::parse(&database.url_at(closed)).unwrap();
        ledger.session = None;
        ledger.patience = Duration::from_millis(500);
        let store: &mut dyn Store = &mut ledger;
        let error = store.begin(&events(1)).unwrap_err();
        assert!(
            matches!(error, LedgerError::Unreachable { .. }),
            "{error:?}"
        );
    });
}

#[test]
fn what_a_server_refuses_is_told_without_the_password() {
    on_server(|| {
        let database = Database::new().unwrap();
        let wrong = database.url().replace("s3cr3t", "wr0ng");
        let error = |url: &str| {
            let address = Address::parse(url).unwrap();
            PostgresLedger::open(&address, PATIENCE).err().unwrap()
        };
        let refused = error(&wrong);
        assert!(matches!(refused, LedgerError::Server { .. }), "{refused:?}");
        let told = refused.to_string();
        assert!(
            told.contains("password authentication failed") && !told.contains("wr0ng"),
            "{told}"
        );
        let nowhere = error(&format!("{}x", database.url()));
        assert!(nowhere.to_string().contains("does not exist"), "{nowhere}");
    });
}

#[test]
fn a_ledger_of_a_newer_version_is_refused_and_one_of_none_is_left_alone() {
    on_server(|| {
        let database = Database::new().unwrap();
        let address = Address::parse(&database.url()).unwrap();
        assert!(PostgresLedger::open_read_only(&address).unwrap().is_none());
        assert_eq!(
            database.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'crm2capi'"),
            "0"
        );
        assert!(PostgresLedger::open(&address, PATIENCE).unwrap().is_new());
        assert!(!PostgresLedger::open(&address, PATIENCE).unwrap().is_new());
        assert!(PostgresLedger::open_read_only(&address).unwrap().is_some());
        database.sql("UPDATE crm2capi.ledger SET version = 99");
        for error in [
            PostgresLedger::open(&address, PATIENCE).err().unwrap(),
            PostgresLedger::open_read_only(&address).err().unwrap(),
        ] {
            assert!(
                matches!(error, LedgerError::Newer { found: 99, .. }),
                "{error}"
            );
        }
    });
}

#[test]
fn many_runs_that_start_at_once_make_one_ledger() {
    on_server(|| {
        let database = Database::new().unwrap();
        let address = Address::parse(&database.url()).unwrap();
        let made = std::thread::scope(|scope| {
            let open = || PostgresLedger::open(&address, PATIENCE).unwrap().is_new();
            let opening: Vec<_> = (0..6).map(|_| scope.spawn(open)).collect();
            let made = opening.into_iter().map(|opening| opening.join().unwrap());
            made.filter(|is_new| *is_new).count()
        });
        assert_eq!(made, 1);
    });
}

/// Six runs at once, each with events of its own and such as others have.
#[test]
fn six_runs_at_once_send_overlapping_events_once() {
    on_server(|| {
        let database = Database::new().unwrap();
        let all_events = events(600);
        let sent: usize = std::thread::scope(|scope| {
            let runs: Vec<_> = (0..6)
                .map(|number| {
                    let mine = &all_events[number * 80..number * 80 + 200];
                    let mut ledger = ledger_of(&database);
                    scope.spawn(move || {
                        let store: &mut dyn Store = &mut ledger;
                        let mut sent = 0;
                        for batch in mine.chunks(17) {
                            let begun = store.begin(batch).unwrap();
                            let begun = batch.iter().zip(begun);
                            let begun: Vec<Event> = begun
                                .filter(|(_, begun)| matches!(begun, Begun::Fresh | Begun::Again))
                                .map(|(event, _)| event.clone())
                                .collect();
                            sent += begun.len();
                            store.settle(&all(&begun, Settled::Accepted)).unwrap();
                        }
                        sent
                    })
                })
                .collect();
            runs.into_iter().map(|run| run.join().unwrap()).sum()
        });
        assert_eq!(sent, 600);
        let kept = database.sql("SELECT count(*), min(state), max(state) FROM crm2capi.event");
        assert_eq!(kept, "600|1|1");
        assert_eq!(
            database.sql("SELECT sum(count) FROM crm2capi.delivered"),
            "600"
        );
    });
}

fn ledger_of(database: &Database) -> PostgresLedger {
    let address = Address::parse(&database.url()).unwrap();
    let mut ledger = PostgresLedger::open(&address, Duration::ZERO).unwrap();
    let (dataset, now) = ("123", NOW);
    ledger
        .start_run(&RunStart {
            dataset,
            now,
            in_flight: 0,
        })
        .unwrap();
    ledger
}

fn port_of(database: &Database) -> u16 {
    let address = Address::parse(&database.url()).unwrap();
    address.config().get_ports()[0]
}

fn wait_for(mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(20));
    }
}
