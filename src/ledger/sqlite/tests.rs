use bytes::Bytes;

use super::*;
use crate::ledger::testing::{PATIENCE, Store};
use crate::ledger::tests::{NOW, all, event, events};
use crate::ledger::{Settled, Standing};

impl SqliteLedger {
    fn begin(&mut self, events: &[Event]) -> Result<Vec<Begun>, LedgerError> {
        Ok(self.write(&[Entry::Begin(events.to_vec())])?.remove(0))
    }

    fn settle(&mut self, outcomes: &[(Event, Settled)]) -> Result<(), LedgerError> {
        self.write(&[Entry::Settle(outcomes.to_vec(), None)])
            .map(drop)
    }
}

impl Store for SqliteLedger {
    fn status(&mut self, dataset: Option<&str>, now: i64, runs: usize) -> Status {
        SqliteLedger::status(self, dataset, now, runs).unwrap()
    }

    fn set_clock(&mut self, clock: Clock) {
        self.clock = clock;
    }

    fn become_run(&mut self, run: Option<i64>) -> Option<i64> {
        std::mem::replace(&mut self.run, run)
    }

    fn grow_old(&mut self) {
        self.is_new = false;
    }

    fn count(&mut self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        let count = self.connection.query_row(&sql, [], |row| row.get(0));
        count.unwrap()
    }

    fn told(&mut self, subject: &str, channel: &str, state: &str) {
        let told = (subject, channel, state, 7);
        self.connection
            .execute(crate::ledger::past::REMEMBER, told)
            .unwrap();
    }

    fn forget_at(&mut self, now: i64) {
        let execute = &mut |sql: &str, time: Option<i64>| {
            let changed = self
                .connection
                .execute(sql, rusqlite::params_from_iter(time))?;
            Ok::<_, rusqlite::Error>(changed as u64)
        };
        forget::forget(now, execute).unwrap();
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
        SqliteLedger::open(&self.path(), PATIENCE).unwrap()
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
                in_flight: 0,
            })
            .unwrap();
        ledger
    }
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
    assert_eq!(standings, [Standing::Uncertain, Standing::Accepted]);
    // What an older shape counted weighs what it did.
    let mut ledger = folder.start(NOW);
    for _ in 0..2 {
        ledger.begin(&events[..1]).unwrap();
        ledger
            .settle(&all(&events[..1], Settled::Uncertain))
            .unwrap();
    }
    drop(ledger);
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
    let mut ledger = folder.start(NOW);
    ledger.begin(&events(2)).unwrap();
    ledger.settle(&all(&events(2), Settled::Accepted)).unwrap();
    drop(ledger);
    let standings = folder.start(NOW).standing(&events(2)).unwrap();
    assert_eq!(standings, [Standing::Accepted; 2]);
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
                    in_flight: 0,
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
