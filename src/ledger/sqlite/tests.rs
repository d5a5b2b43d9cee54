mod identities;

use sha2::{Digest, Sha256};
use std::time::Instant;

use bytes::Bytes;

use super::*;
use crate::event::{KnownBy, Origin};
use crate::ledger::status::Delivered;
use crate::ledger::{RunCounts, Settled, Standing};

const NOW: i64 = 1_700_000_000;

fn event(number: u64) -> Event {
    let digest: [u8; 32] = Sha256::digest(number.to_be_bytes()).into();
    let mut key = [0; 16];
    key.copy_from_slice(&digest[..16]);
    Event {
        key: EventKey(key),
        name: if number.is_multiple_of(2) {
            "Lead".into()
        } else {
            "Qualified".into()
        },
        time: NOW - 60,
        lead: number,
        worth: None,
        origin: Origin {
            input: 0,
            row: number,
        },
        json: Bytes::from(format!("{{\"event\":{number}}}")),
        known_by: KnownBy::default(),
    }
}

fn events(count: u64) -> Vec<Event> {
    (0..count).map(event).collect()
}

fn all(events: &[Event], settled: Settled) -> Vec<(Event, Settled)> {
    events
        .iter()
        .map(|event| (event.clone(), settled))
        .collect()
}

impl SqliteLedger {
    fn begin(&mut self, events: &[Event]) -> Result<Vec<Begun>, LedgerError> {
        Ok(self.write(&[Entry::Begin(events.to_vec())])?.remove(0))
    }

    fn settle(&mut self, outcomes: &[(Event, Settled)]) -> Result<(), LedgerError> {
        self.write(&[Entry::Settle(outcomes.to_vec(), None)])
            .map(drop)
    }
}

/// For tests of other rooms, which play many runs against one ledger.
impl SqliteLedger {
    /// A ledger that lies in no file.
    pub(crate) fn in_memory() -> Self {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection, Path::new("memory")).unwrap();
        Self {
            connection,
            path: "memory".into(),
            run: None,
            dataset: String::new(),
            clock: Clock::System,
            is_new: true,
            hold: None,
        }
    }

    /// Lets another run write, by its own clock.
    pub(crate) fn swap_writer(&mut self, run: &mut Option<i64>, clock: Clock) {
        std::mem::swap(&mut self.run, run);
        self.clock = clock;
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("state/ledger.sqlite3")
    }

    fn open(&self) -> SqliteLedger {
        SqliteLedger::open(&self.path(), Duration::ZERO).unwrap()
    }

    /// Opens the ledger for a run that starts at `now`, which is what the clock shows.
    fn start(&self, now: i64) -> SqliteLedger {
        self.start_at(now, now)
    }

    /// Opens the ledger for a run that is told it is `now`, while the clock shows `clock`.
    fn start_at(&self, now: i64, clock: i64) -> SqliteLedger {
        let mut ledger = self.open();
        ledger.clock = Clock::Fixed(clock);
        ledger
            .start_run(&RunStart {
                dataset: "123",
                now,
            })
            .unwrap();
        ledger
    }
}

#[test]
fn the_next_run_knows_what_became_of_every_event() {
    let folder = Folder::new();
    let events = events(5);
    let mut first = folder.start(NOW);
    assert_eq!(first.standing(&events).unwrap(), [Standing::New; 5]);
    assert_eq!(first.begin(&events).unwrap(), [Begun::Fresh; 5]);
    let refused = Settled::Rejected {
        code: 100,
        subcode: Some(2804036),
    };
    let settled = [
        Settled::Accepted,
        refused,
        Settled::Unsent,
        Settled::Uncertain,
    ];
    let outcomes: Vec<_> = events.iter().cloned().zip(settled).collect();
    first.settle(&outcomes).unwrap();
    // The fifth was in flight when the run died.
    let this_run = [
        Standing::ThisRun,
        Standing::ThisRun,
        Standing::New,
        Standing::ThisRun,
        Standing::ThisRun,
    ];
    assert_eq!(first.standing(&events).unwrap(), this_run);
    drop(first);

    let mut second = folder.start(NOW);
    let expected = [
        Standing::Accepted,
        Standing::Refused {
            code: 100,
            subcode: Some(2804036),
        },
        Standing::New,
        Standing::Uncertain,
        Standing::Uncertain,
    ];
    assert_eq!(second.standing(&events).unwrap(), expected);
    let begun = [
        Begun::Known,
        Begun::Fresh,
        Begun::Fresh,
        Begun::Again,
        Begun::Again,
    ];
    assert_eq!(second.begin(&events).unwrap(), begun);
    assert_eq!(second.begin(&events).unwrap(), [Begun::Known; 5]);
}

#[test]
fn a_refused_event_is_new_again_when_its_content_changed() {
    let folder = Folder::new();
    let mut ledger = folder.start(NOW);
    let mut event = event(1);
    ledger.begin(std::slice::from_ref(&event)).unwrap();
    ledger
        .settle(&[(
            event.clone(),
            Settled::Rejected {
                code: 100,
                subcode: None,
            },
        )])
        .unwrap();
    drop(ledger);
    let mut ledger = folder.start(NOW);
    let refused = Standing::Refused {
        code: 100,
        subcode: None,
    };
    assert_eq!(
        ledger.standing(std::slice::from_ref(&event)).unwrap(),
        [refused]
    );
    event.json = Bytes::from_static(b"{\"event\":1,\"corrected\":true}");
    assert_eq!(ledger.standing(&[event]).unwrap(), [Standing::New]);
}

#[test]
fn a_batch_is_begun_and_settled_as_a_whole_or_not_at_all() {
    let folder = Folder::new();
    let mut ledger = folder.start(NOW);
    let pages: i64 = ledger
        .connection
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .unwrap();
    ledger
        .connection
        .pragma_update_and_check(None, "max_page_count", pages + 2, |_| Ok(()))
        .unwrap();
    let events = events(5000);
    let error = ledger.begin(&events).unwrap_err();
    assert!(matches!(error, LedgerError::Full(_)), "{error}");
    assert_eq!(ledger.standing(&events).unwrap(), vec![Standing::New; 5000]);
    assert_eq!(
        ledger.begin(&events[..10]).unwrap(),
        [Begun::Fresh; 10],
        "a small one still fits"
    );
    drop(ledger);
    assert_eq!(
        folder.start(NOW).standing(&events[..11]).unwrap()[9..],
        [Standing::Uncertain, Standing::New]
    );
}

#[test]
fn events_that_can_no_longer_be_sent_and_runs_of_the_year_before_are_forgotten() {
    let mut ledger = SqliteLedger::in_memory();
    let events = events(2);
    run_daily(&mut ledger, 0..1);
    ledger.begin(&events).unwrap();
    ledger.settle(&all(&events, Settled::Accepted)).unwrap();
    run_daily(&mut ledger, 1..30);
    assert_eq!(ledger.standing(&events).unwrap(), [Standing::Accepted; 2]);
    run_daily(&mut ledger, 30..32);
    assert_eq!(ledger.standing(&events).unwrap(), [Standing::New; 2]);
    assert_eq!(
        ledger.status(None, NOW, 10).unwrap().delivered.len(),
        2,
        "the counts outlive the events"
    );
    run_daily(&mut ledger, 32..400);
    let status = ledger.status(None, NOW, 1_000).unwrap();
    assert_eq!((status.runs.len(), status.delivered.len()), (367, 0));
}

/// A run on each of these days.
fn run_daily(ledger: &mut SqliteLedger, days: std::ops::Range<i64>) {
    for day in days {
        let now = NOW + day * 86_400;
        ledger.clock = Clock::Fixed(now);
        let dataset = "123";
        ledger.start_run(&RunStart { dataset, now }).unwrap();
    }
}

#[test]
fn a_day_of_hourly_runs_by_a_clock_that_is_weeks_ahead_makes_the_ledger_forget_nothing() {
    let mut ledger = SqliteLedger::in_memory();
    let events = events(2);
    run_daily(&mut ledger, 0..1);
    ledger.begin(&events).unwrap();
    ledger.settle(&all(&events, Settled::Accepted)).unwrap();
    (0..24).for_each(|_| run_daily(&mut ledger, 40..41));
    run_daily(&mut ledger, 2..3);
    assert_eq!(ledger.standing(&events).unwrap(), [Standing::Accepted; 2]);
}

#[test]
fn neither_a_time_that_is_given_nor_a_clock_that_is_wrong_once_makes_the_ledger_forget() {
    let folder = Folder::new();
    let events = events(2);
    let mut ledger = folder.start(NOW);
    ledger.begin(&events).unwrap();
    ledger.settle(&all(&events, Settled::Accepted)).unwrap();
    drop(ledger);
    let (day, ahead) = (86_400, NOW + 40 * 86_400);
    drop(folder.start_at(ahead, NOW + day));
    drop(folder.start_at(ahead, NOW + day));
    let mut ledger = folder.start(NOW + day);
    assert_eq!(ledger.standing(&events).unwrap(), [Standing::Accepted; 2]);
    drop(ledger);
    drop(folder.start(ahead));
    let mut ledger = folder.start(NOW + 2 * day);
    assert_eq!(ledger.standing(&events).unwrap(), [Standing::Accepted; 2]);
}

#[test]
fn an_old_event_that_was_settled_lately_is_still_remembered() {
    let folder = Folder::new();
    let mut old = event(1);
    old.time = NOW - 60 * 86_400;
    let mut ledger = folder.start(NOW);
    ledger.begin(std::slice::from_ref(&old)).unwrap();
    ledger
        .settle(&all(std::slice::from_ref(&old), Settled::Accepted))
        .unwrap();
    drop(ledger);
    let mut ledger = folder.start(NOW + 86_400);
    assert_eq!(ledger.standing(&[old]).unwrap(), [Standing::Accepted]);
}

/// A run that begins these events and ends with them settled like this.
fn run_that_leaves(folder: &Folder, events: &[Event], settled: Settled) -> Vec<Begun> {
    let mut ledger = folder.start(NOW);
    let begun = ledger.begin(events).unwrap();
    ledger.settle(&all(events, settled)).unwrap();
    begun
}

#[test]
fn an_event_rests_after_three_runs_that_do_not_know_whether_they_delivered_it() {
    let folder = Folder::new();
    let events = events(2);
    for _ in 0..3 {
        assert_ne!(
            folder.start(NOW).standing(&events).unwrap()[0],
            Standing::Resting
        );
        run_that_leaves(&folder, &events, Settled::Uncertain);
        // A run that certainly did not deliver it is none of the three, and changes nothing.
        let begun = run_that_leaves(&folder, &events, Settled::Unsent);
        assert_eq!(begun, [Begun::Again; 2]);
    }
    let mut ledger = folder.start(NOW);
    assert_eq!(ledger.standing(&events).unwrap(), [Standing::Resting; 2]);
    let status = ledger.status(None, NOW, 1).unwrap();
    assert_eq!((status.uncertain, status.resting), (0, 2));
    drop(ledger);
    // Whoever asks for it may send it once more, and then it is delivered.
    run_that_leaves(&folder, &events, Settled::Accepted);
    let mut ledger = folder.start(NOW);
    assert_eq!(ledger.standing(&events).unwrap(), [Standing::Accepted; 2]);
}

#[test]
fn runs_that_were_killed_count_as_runs_that_do_not_know() {
    let folder = Folder::new();
    for _ in 0..3 {
        folder.start(NOW).begin(&events(1)).unwrap();
    }
    let standings = folder.start(NOW).standing(&events(1)).unwrap();
    assert_eq!(standings, [Standing::Resting]);
}

#[test]
fn a_run_settles_only_what_it_has_begun_itself() {
    let folder = Folder::new();
    let events = events(3);
    for settled in [
        Settled::Accepted,
        Settled::Unsent,
        Settled::Rejected {
            code: 100,
            subcode: None,
        },
    ] {
        let mut ledger = folder.start(NOW);
        ledger.begin(&events).unwrap();
        // Another run takes over, and the first wakes up late.
        let late = ledger.run;
        let start = RunStart {
            dataset: "123",
            now: NOW,
        };
        ledger.start_run(&start).unwrap();
        assert_eq!(ledger.begin(&events).unwrap(), [Begun::Again; 3]);
        let current = std::mem::replace(&mut ledger.run, late);
        let error = ledger.settle(&all(&events, settled)).unwrap_err();
        assert!(matches!(error, LedgerError::Overtaken(_)), "{error}");
        ledger.run = current;
        ledger.settle(&all(&events, Settled::Uncertain)).unwrap();
        let status = ledger.status(None, NOW, 1).unwrap();
        assert_eq!((status.refused, status.delivered.len()), (0, 0));
    }
}

#[cfg(unix)]
#[test]
fn a_ledger_that_is_deleted_or_replaced_in_mid_run_is_noticed_at_the_next_write() {
    let folder = Folder::new();
    let mut ledger = folder.start(NOW);
    ledger.begin(&events(2)).unwrap();
    let moved = folder.path().with_extension("moved");
    fs::rename(folder.path(), &moved).unwrap();
    let gone = |result: Result<(), LedgerError>| {
        assert!(matches!(result, Err(LedgerError::Gone(_))), "{result:?}");
    };
    gone(ledger.settle(&all(&events(2), Settled::Accepted)));
    fs::copy(&moved, folder.path()).unwrap();
    gone(ledger.begin(&events(4)).map(drop));
    gone(ledger.finish_run(&RunEnd::default()));
    fs::rename(&moved, folder.path()).unwrap();
    ledger.finish_run(&RunEnd::default()).unwrap();
}

#[cfg(unix)]
#[test]
fn a_ledger_is_held_under_all_its_names() {
    let folder = Folder::new();
    let first = folder.start(NOW);
    let link = folder.0.path().join("link");
    std::os::unix::fs::symlink(folder.path(), &link).unwrap();
    let held = |path: &Path| {
        let opened = SqliteLedger::open(path, Duration::ZERO);
        assert!(
            matches!(opened, Err(LedgerError::Held { .. })),
            "{opened:?}"
        );
    };
    held(&link);
    if cfg!(target_os = "linux") {
        let hard_link = folder.0.path().join("hard-link");
        fs::hard_link(folder.path(), &hard_link).unwrap();
        held(&hard_link);
    }
    drop(first);
    SqliteLedger::open(&link, Duration::ZERO).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_that_knows_the_ledger_by_another_name_waits_for_it_too() {
    let folder = Folder::new();
    let first = folder.start(NOW);
    let hard_link = folder.0.path().join("hard-link");
    fs::hard_link(folder.path(), &hard_link).unwrap();
    let waiting = std::thread::spawn(move || {
        SqliteLedger::open(&hard_link, Duration::from_secs(60)).map(drop)
    });
    std::thread::sleep(Duration::from_millis(150));
    assert!(!waiting.is_finished());
    drop(first);
    waiting.join().unwrap().unwrap();
}

#[test]
fn a_ledger_says_whether_it_was_just_made() {
    let folder = Folder::new();
    assert!(folder.open().is_new());
    assert!(!folder.open().is_new());
    assert!(matches!(
        SqliteLedger::open(Path::new(":memory:"), Duration::ZERO),
        Err(LedgerError::NotAFileName(_))
    ));
}

#[test]
fn rehearsals_and_runs_that_left_something_open_are_no_successes() {
    let folder = Folder::new();
    let run = |now, is_rehearsal, counts| {
        let mut ledger = folder.start(now);
        ledger
            .finish_run(&RunEnd {
                now,
                exit_status: 1,
                is_rehearsal,
                counts,
            })
            .unwrap();
        let status = ledger.status(None, now, 1).unwrap();
        (status.last_success, status.last_delivery)
    };
    let counts = RunCounts {
        accepted: 5,
        ..RunCounts::default()
    };
    assert_eq!(run(NOW, false, counts), (Some(NOW), Some(NOW)));
    assert_eq!(run(NOW + 1, true, counts), (Some(NOW), Some(NOW)));
    let open = RunCounts {
        undelivered: 3,
        ..RunCounts::default()
    };
    assert_eq!(run(NOW + 2, false, open), (Some(NOW), Some(NOW)));
    let open = RunCounts {
        uncertain: 1,
        accepted: 1,
        ..RunCounts::default()
    };
    assert_eq!(run(NOW + 3, false, open), (Some(NOW), Some(NOW + 3)));
}

#[test]
fn what_is_too_old_to_be_sent_again_is_not_said_to_be() {
    let folder = Folder::new();
    run_that_leaves(&folder, &events(4), Settled::Uncertain);
    let ledger = folder.open();
    let uncertain = |now| ledger.status(None, now, 1).unwrap().uncertain;
    assert_eq!((uncertain(NOW), uncertain(NOW + 12 * 86_400)), (4, 0));
}

#[test]
fn the_ledger_of_the_first_version_is_brought_up_to_date() {
    let folder = Folder::new();
    fs::create_dir_all(folder.path().parent().unwrap()).unwrap();
    let connection = Connection::open(folder.path()).unwrap();
    connection
        .execute_batch(include_str!("../schema.sql"))
        .unwrap();
    connection
        .execute_batch(
            "PRAGMA application_id = 0x6332636c; PRAGMA user_version = 1;
             INSERT INTO run (dataset, started, ended, exit_status) VALUES ('123', 1, 2, 0);",
        )
        .unwrap();
    let events = events(2);
    for (event, state) in events.iter().zip([0, 1]) {
        connection
            .execute(
                "INSERT INTO event (key, time, state, run) VALUES (?1, ?2, ?3, 1)",
                (event.key.0.as_slice(), event.time, state),
            )
            .unwrap();
    }
    drop(connection);
    assert!(matches!(
        SqliteLedger::open_read_only(&folder.path()),
        Err(LedgerError::Older(_))
    ));
    for _ in 0..2 {
        let mut ledger = folder.start(NOW);
        assert_eq!(
            ledger.standing(&events).unwrap(),
            [Standing::Uncertain, Standing::Accepted]
        );
        assert_eq!(ledger.begin(&events[..1]).unwrap(), [Begun::Again]);
    }
    let standings = folder.start(NOW).standing(&events).unwrap();
    assert_eq!(standings, [Standing::Resting, Standing::Accepted]);
}

#[test]
fn what_somebody_has_hidden_in_a_ledger_does_nothing() {
    let folder = Folder::new();
    drop(folder.start(NOW));
    Connection::open(folder.path())
        .unwrap()
        .execute_batch("CREATE TRIGGER forget AFTER UPDATE ON event BEGIN DELETE FROM event; END")
        .unwrap();
    run_that_leaves(&folder, &events(2), Settled::Accepted);
    let standings = folder.start(NOW).standing(&events(2)).unwrap();
    assert_eq!(standings, [Standing::Accepted; 2]);
}

#[test]
fn the_status_tells_runs_deliveries_a_day_and_what_is_open() {
    let folder = Folder::new();
    let events = events(9);
    let counts = RunCounts {
        events: 9,
        accepted: 6,
        rejected: 1,
        uncertain: 1,
        undelivered: 1,
        ..RunCounts::default()
    };
    let mut ledger = folder.start(NOW - 86_400);
    ledger.begin(&events).unwrap();
    ledger
        .settle(&all(&events[..4], Settled::Accepted))
        .unwrap();
    ledger
        .settle(&all(&events[4..6], Settled::Accepted))
        .unwrap();
    ledger
        .settle(&all(
            &events[6..7],
            Settled::Rejected {
                code: 100,
                subcode: None,
            },
        ))
        .unwrap();
    ledger
        .settle(&all(&events[7..8], Settled::Uncertain))
        .unwrap();
    ledger.settle(&all(&events[8..], Settled::Unsent)).unwrap();
    ledger
        .finish_run(&RunEnd {
            now: NOW - 86_300,
            exit_status: 4,
            is_rehearsal: false,
            counts,
        })
        .unwrap();
    drop(ledger);
    let mut ledger = folder.start(NOW);
    ledger
        .finish_run(&RunEnd {
            now: NOW + 5,
            exit_status: 0,
            is_rehearsal: false,
            counts: RunCounts::default(),
        })
        .unwrap();
    ledger
        .start_run(&RunStart {
            dataset: "other",
            now: NOW + 6,
        })
        .unwrap();
    drop(ledger);

    let reader = SqliteLedger::open_read_only(&folder.path())
        .unwrap()
        .unwrap();
    let status = reader.status(Some("123"), NOW, 5).unwrap();
    assert_eq!(
        status
            .runs
            .iter()
            .map(|run| run.exit_status)
            .collect::<Vec<_>>(),
        [Some(0), Some(4)]
    );
    assert_eq!(
        (
            status.runs[1].counts,
            status.runs[1].started,
            status.runs[1].ended
        ),
        (counts, NOW - 86_400, Some(NOW - 86_300))
    );
    let yesterday = NOW / 86_400 - 1;
    let delivered = |name: &str, count| Delivered {
        day: yesterday,
        name: name.into(),
        count,
    };
    assert_eq!(
        status.delivered,
        [delivered("Lead", 3), delivered("Qualified", 3)]
    );
    assert_eq!(
        (status.last_success, status.last_delivery),
        (Some(NOW + 5), Some(NOW - 86_300))
    );
    assert_eq!((status.refused, status.uncertain), (1, 1));
    assert_eq!(
        reader
            .status(Some("123"), NOW + 12 * 86_400, 1)
            .unwrap()
            .delivered
            .len(),
        2
    );
    assert_eq!(
        reader
            .status(Some("123"), NOW + 13 * 86_400, 1)
            .unwrap()
            .delivered
            .len(),
        0
    );
    let other = reader.status(Some("other"), NOW, 5).unwrap();
    assert_eq!(
        (
            other.runs.len(),
            other.runs[0].exit_status,
            other.refused,
            other.last_success
        ),
        (1, None, 0, None)
    );
    assert_eq!(reader.status(None, NOW, 5).unwrap().runs.len(), 3);
}

#[test]
fn looking_things_up_makes_no_ledger_and_disturbs_no_run() {
    let folder = Folder::new();
    assert!(
        SqliteLedger::open_read_only(&folder.path())
            .unwrap()
            .is_none()
    );
    assert!(!folder.path().parent().unwrap().exists());
    let mut writer = folder.start(NOW);
    let events = events(3);
    writer.begin(&events).unwrap();
    writer
        .settle(&all(&events[..2], Settled::Accepted))
        .unwrap();
    let mut reader = SqliteLedger::open_read_only(&folder.path())
        .unwrap()
        .unwrap();
    assert_eq!(
        reader.standing(&events).unwrap(),
        [Standing::Accepted, Standing::Accepted, Standing::Uncertain]
    );
    assert!(matches!(
        reader.begin(&events),
        Err(LedgerError::ReadOnly(_))
    ));
    writer
        .settle(&all(&events[2..], Settled::Accepted))
        .unwrap();
    assert_eq!(reader.standing(&events).unwrap(), [Standing::Accepted; 3]);
    drop((reader, writer));
    let files = || {
        fs::read_dir(folder.path().parent().unwrap())
            .unwrap()
            .count()
    };
    let before = files();
    let mut reader = SqliteLedger::open_read_only(&folder.path())
        .unwrap()
        .unwrap();
    assert_eq!(reader.standing(&events).unwrap(), [Standing::Accepted; 3]);
    drop(reader);
    assert_eq!(files(), before);
}

#[test]
fn two_runs_do_not_share_a_ledger() {
    let folder = Folder::new();
    let first = folder.open();
    let error = SqliteLedger::open(&folder.path(), Duration::ZERO).unwrap_err();
    assert!(matches!(error, LedgerError::Held { .. }), "{error}");
    drop(first);
    folder.open();
}

#[test]
fn files_that_are_no_ledger_are_refused_and_left_as_they_are() {
    let folder = Folder::new();
    drop(folder.start(NOW));
    let other_database = {
        let path = folder.path().with_extension("other");
        Connection::open(&path)
            .unwrap()
            .execute_batch("CREATE TABLE contacts (name)")
            .unwrap();
        fs::read(path).unwrap()
    };
    let ledger = fs::read(folder.path()).unwrap();
    let mut truncated = ledger.clone();
    truncated.truncate(ledger.len() - 4096);
    let mut scribbled = ledger.clone();
    scribbled[150..].fill(0x5a);
    for (content, is_foreign) in [
        (b"lead_id,email\n1,a@example.com\n".repeat(500), true),
        (vec![0; 8192], true),
        (other_database, true),
        (truncated, false),
        (scribbled, false),
    ] {
        fs::write(folder.path(), &content).unwrap();
        let error = SqliteLedger::open(&folder.path(), Duration::ZERO)
            .and_then(|mut ledger| {
                ledger.start_run(&RunStart {
                    dataset: "123",
                    now: NOW,
                })?;
                ledger.begin(&events(10))
            })
            .unwrap_err();
        if is_foreign {
            assert!(matches!(error, LedgerError::NotALedger(_)), "{error:?}");
        } else {
            assert!(matches!(error, LedgerError::Damaged(_)), "{error:?}");
        }
        assert_eq!(fs::read(folder.path()).unwrap(), content);
        assert!(
            SqliteLedger::open_read_only(&folder.path())
                .and_then(|ledger| ledger.unwrap().status(None, NOW, 1))
                .is_err()
        );
    }
}

#[test]
fn an_empty_file_becomes_a_ledger() {
    let folder = Folder::new();
    fs::create_dir_all(folder.path().parent().unwrap()).unwrap();
    fs::write(folder.path(), "").unwrap();
    assert!(
        SqliteLedger::open_read_only(&folder.path())
            .unwrap()
            .is_none()
    );
    folder.start(NOW);
}

#[test]
fn a_newer_ledger_is_refused() {
    let folder = Folder::new();
    folder
        .open()
        .connection
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let error = SqliteLedger::open(&folder.path(), Duration::ZERO).unwrap_err();
    assert!(
        matches!(error, LedgerError::Newer { found: 99, .. }),
        "{error}"
    );
    assert!(matches!(
        SqliteLedger::open_read_only(&folder.path()),
        Err(LedgerError::Newer { .. })
    ));
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let folder = Folder::new();
    fs::write(folder.0.path().join("state"), "a file").unwrap();
    let error = SqliteLedger::open(&folder.path(), Duration::ZERO).unwrap_err();
    assert!(matches!(error, LedgerError::Io { .. }), "{error}");
}

#[test]
fn a_folder_is_no_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let error = SqliteLedger::open(folder.path(), Duration::ZERO).unwrap_err();
    assert!(error.to_string().contains("is a directory"), "{error}");
}

#[test]
fn entries_of_one_write_stand_or_fall_together() {
    let folder = Folder::new();
    let mut ledger = folder.start(NOW);
    let (some, others) = (events(4), events(6));
    ledger.begin(&some).unwrap();
    let entries = [
        Entry::Settle(all(&some, Settled::Accepted), None),
        Entry::Begin(others.clone()),
    ];
    let begun = ledger.write(&entries).unwrap();
    let expected = [[Begun::Known; 4].as_slice(), &[Begun::Fresh; 2]].concat();
    assert_eq!(begun, [Vec::new(), expected]);
    drop(ledger);
    let mut ledger = folder.start(NOW);
    let expected = [
        [Standing::Accepted; 4].as_slice(),
        &[Standing::Uncertain; 2],
    ]
    .concat();
    assert_eq!(ledger.standing(&others).unwrap(), expected);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_a_ledger() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let mut ledger = folder.start(NOW);
    ledger.begin(&events(10)).unwrap();
    let state = folder.path().parent().unwrap().to_owned();
    let files: Vec<_> = fs::read_dir(&state)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600,
            "{}",
            file.display()
        );
    }
    assert_eq!(
        fs::metadata(state).unwrap().permissions().mode() & 0o777,
        0o700
    );
}

#[test]
fn a_ledger_is_synced_and_logged_ahead() {
    let folder = Folder::new();
    let ledger = folder.open();
    let text = |name: &str| {
        ledger
            .connection
            .pragma_query_value(None, name, |row| row.get::<_, String>(0))
            .unwrap()
    };
    assert_eq!(text("journal_mode"), "wal");
    let level: i64 = ledger
        .connection
        .pragma_query_value(None, "synchronous", |row| row.get(0))
        .unwrap();
    assert_eq!(level, 2);
}

#[test]
fn nothing_of_an_event_but_its_name_and_time_is_kept() {
    let folder = Folder::new();
    let mut secret = event(1);
    secret.json = Bytes::from_static(b"{\"user_data\":{\"client_ip_address\":\"192.0.2.7\"}}");
    let mut ledger = folder.start(NOW);
    ledger.begin(std::slice::from_ref(&secret)).unwrap();
    ledger
        .settle(&[(
            secret,
            Settled::Rejected {
                code: 100,
                subcode: None,
            },
        )])
        .unwrap();
    drop(ledger);
    for entry in fs::read_dir(folder.path().parent().unwrap()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(9).any(|window| window == b"192.0.2.7"));
    }
}

#[test]
fn many_delivered_events_are_recognised_quickly() {
    let folder = Folder::new();
    let mut ledger = folder.start(NOW);
    let events = events(50_000);
    for batch in events.chunks(5000) {
        ledger.begin(batch).unwrap();
        ledger.settle(&all(batch, Settled::Accepted)).unwrap();
    }
    drop(ledger);
    let mut ledger = folder.start(NOW);
    let start = Instant::now();
    for chunk in events.chunks(4096) {
        assert!(
            ledger
                .standing(chunk)
                .unwrap()
                .iter()
                .all(|standing| *standing == Standing::Accepted)
        );
    }
    // Far above what it takes, even unoptimised and on a busy machine.
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}
