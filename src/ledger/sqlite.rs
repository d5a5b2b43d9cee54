//! The ledger in a SQLite file: one row an event, one row a run.
//!
//! Every call is one transaction, on disk before it returns (write-ahead log, full sync). The file is made with its
//! folder, for its owner's eyes only; one run at a time may write to it. A file that cannot be understood is left
//! untouched.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, named_params};
use sha2::{Digest, Sha256};

use super::error::LedgerError;
use super::lock::Lock;
use super::schema::{self, Shape};
use super::status::{self, Status};
use super::{Begun, Entry, Ledger, RunEnd, RunStart, Settled, Standing};
use crate::event::Event;

pub(super) const SENDING: i64 = 0;
const ACCEPTED: i64 = 1;
pub(super) const REJECTED: i64 = 2;

/// An event older than this cannot be sent again, so it need not be remembered.
const KEEP_EVENTS_SECONDS: i64 = 30 * 86_400;
/// Runs are remembered for a year.
const KEEP_RUNS_SECONDS: i64 = 366 * 86_400;

/// A ledger in a file.
#[derive(Debug)]
pub struct SqliteLedger {
    connection: Connection,
    path: PathBuf,
    run: Option<i64>,
    /// Absent when the ledger is only read. Last, so that it is given back after the connection has closed.
    _lock: Option<Lock>,
}

impl SqliteLedger {
    /// Opens the ledger at `path` for a run, making it when there is none, and waiting up to `wait` for another run.
    pub fn open(path: &Path, wait: Duration) -> Result<SqliteLedger, LedgerError> {
        if path.is_dir() {
            return Err(LedgerError::io(
                path,
                std::io::ErrorKind::IsADirectory.into(),
            ));
        }
        make_folder(path)?;
        let lock = Lock::take(path, wait)?;
        make_file(path)?;
        let sqlite = |source| LedgerError::sqlite(path, source);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(sqlite)?;
        // Whose file it is comes first: nothing is written to one that is not ours.
        schema::recognise(&connection, path)?;
        configure(&connection).map_err(sqlite)?;
        schema::migrate(&mut connection, path)?;
        Ok(SqliteLedger {
            connection,
            path: path.to_owned(),
            run: None,
            _lock: Some(lock),
        })
    }

    /// Opens the ledger at `path` to look things up. Nothing when there is no ledger yet. It makes no ledger, changes
    /// none, and neither waits for a run nor keeps one from starting.
    pub fn open_read_only(path: &Path) -> Result<Option<SqliteLedger>, LedgerError> {
        match fs::metadata(path) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(LedgerError::io(path, source)),
        }
        let sqlite = |source| LedgerError::sqlite(path, source);
        // A connection that could not write at all would leave SQLite's companion files behind.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(sqlite)?;
        configure_reading(&connection).map_err(sqlite)?;
        connection
            .pragma_update(None, "query_only", true)
            .map_err(sqlite)?;
        match schema::recognise(&connection, path)? {
            Shape::Empty => Ok(None),
            Shape::Older => Err(LedgerError::Older(path.to_owned())),
            Shape::Present => Ok(Some(SqliteLedger {
                connection,
                path: path.to_owned(),
                run: None,
                _lock: None,
            })),
        }
    }

    /// What was delivered lately to `dataset`, or to any: the last `runs` runs, and the 14 days up to `now`.
    pub fn status(
        &self,
        dataset: Option<&str>,
        now: i64,
        runs: usize,
    ) -> Result<Status, LedgerError> {
        status::read(&self.connection, &self.path, dataset, now, runs)
    }

    /// Runs `work` in one transaction that is rolled back when it fails.
    fn transact<T>(
        &mut self,
        work: impl FnOnce(&Connection, Option<i64>) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        let sqlite = |source| LedgerError::sqlite(&self.path, source);
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(sqlite)?;
        let result = work(&transaction, self.run).map_err(sqlite)?;
        transaction.commit().map_err(sqlite)?;
        Ok(result)
    }
}

impl Ledger for SqliteLedger {
    fn standing(&mut self, events: &[Event]) -> Result<Vec<Standing>, LedgerError> {
        // In the order of the keys, neighbours share the pages they stand on.
        let mut order: Vec<usize> = (0..events.len()).collect();
        order.sort_unstable_by_key(|index| events[*index].key);
        let mut standings = vec![Standing::New; events.len()];
        let look_up = || {
            let reading = self.connection.unchecked_transaction()?;
            let mut select = reading.prepare_cached(
                "SELECT state, run, code, subcode, fingerprint FROM event WHERE key = ?1",
            )?;
            for index in order {
                let event = &events[index];
                let found = select
                    .query_row([event.key.0.as_slice()], |row| {
                        let (state, run): (i64, i64) = (row.get(0)?, row.get(1)?);
                        Ok(match state {
                            _ if Some(run) == self.run => Standing::ThisRun,
                            ACCEPTED => Standing::Accepted,
                            REJECTED
                                if row.get::<_, Option<[u8; 8]>>(4)?
                                    != Some(fingerprint(event)) =>
                            {
                                Standing::New
                            }
                            REJECTED => Standing::Refused {
                                code: row.get(2)?,
                                subcode: row.get(3)?,
                            },
                            _ => Standing::Uncertain,
                        })
                    })
                    .optional()?;
                standings[index] = found.unwrap_or(Standing::New);
            }
            Ok(())
        };
        look_up().map_err(|source| LedgerError::sqlite(&self.path, source))?;
        Ok(standings)
    }

    fn start_run(&mut self, run: &RunStart<'_>) -> Result<(), LedgerError> {
        let id = self.transact(|connection, _| {
            connection.execute(
                "DELETE FROM event WHERE time < ?1",
                [run.now - KEEP_EVENTS_SECONDS],
            )?;
            let forget = run.now - KEEP_RUNS_SECONDS;
            connection.execute(
                "DELETE FROM delivered WHERE run IN (SELECT id FROM run WHERE started < ?1)",
                [forget],
            )?;
            connection.execute("DELETE FROM run WHERE started < ?1", [forget])?;
            connection.execute(
                "INSERT INTO run (dataset, started) VALUES (?1, ?2)",
                (run.dataset, run.now),
            )?;
            Ok(connection.last_insert_rowid())
        })?;
        self.run = Some(id);
        Ok(())
    }

    fn write(&mut self, entries: &[Entry]) -> Result<Vec<Vec<Begun>>, LedgerError> {
        self.transact(|connection, run| {
            let make = |entry: &Entry| match entry {
                Entry::Begin(events) => begin(connection, run, events),
                Entry::Settle(outcomes) => settle(connection, run, outcomes).map(|()| Vec::new()),
            };
            entries.iter().map(make).collect()
        })
    }

    fn finish_run(&mut self, end: &RunEnd) -> Result<(), LedgerError> {
        self.transact(|connection, run| {
            let counts = &end.counts;
            let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
            connection.execute(
                "UPDATE run SET ended = :ended, exit_status = :exit_status, events = :events,
                        skipped_old = :skipped_old, skipped_delivered = :skipped_delivered, accepted = :accepted,
                        rejected = :rejected, undelivered = :undelivered, uncertain = :uncertain, requests = :requests
                 WHERE id = :run",
                named_params! {
                    ":run": run,
                    ":ended": end.now,
                    ":exit_status": end.exit_status,
                    ":events": number(counts.events),
                    ":skipped_old": number(counts.skipped_old),
                    ":skipped_delivered": number(counts.skipped_delivered),
                    ":accepted": number(counts.accepted),
                    ":rejected": number(counts.rejected),
                    ":undelivered": number(counts.undelivered),
                    ":uncertain": number(counts.uncertain),
                    ":requests": number(counts.requests),
                },
            )?;
            Ok(())
        })
    }
}

fn begin(
    connection: &Connection,
    run: Option<i64>,
    events: &[Event],
) -> rusqlite::Result<Vec<Begun>> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO event (key, time, state, run) VALUES (?1, ?2, 0, ?3) ON CONFLICT DO NOTHING",
    )?;
    let mut select = connection.prepare_cached("SELECT state, run FROM event WHERE key = ?1")?;
    let mut update = connection.prepare_cached(
        "UPDATE event SET time = ?2, state = 0, run = ?3, code = NULL, subcode = NULL, fingerprint = NULL
         WHERE key = ?1",
    )?;
    let mut begin = |event: &Event| {
        let key = event.key.0.as_slice();
        if insert.execute((key, event.time, run))? == 1 {
            return Ok(Begun::Fresh);
        }
        let (state, by): (i64, Option<i64>) =
            select.query_row([key], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if state == ACCEPTED || by == run {
            return Ok(Begun::Known);
        }
        update.execute((key, event.time, run))?;
        Ok(if state == SENDING {
            Begun::Again
        } else {
            Begun::Fresh
        })
    };
    events.iter().map(&mut begin).collect()
}

fn settle(
    connection: &Connection,
    run: Option<i64>,
    outcomes: &[(Event, Settled)],
) -> rusqlite::Result<()> {
    let mut accept = connection.prepare_cached("UPDATE event SET state = 1 WHERE key = ?1")?;
    let mut reject = connection.prepare_cached(
        "UPDATE event SET state = 2, code = ?2, subcode = ?3, fingerprint = ?4 WHERE key = ?1",
    )?;
    let mut forget = connection.prepare_cached("DELETE FROM event WHERE key = ?1")?;
    let mut delivered: HashMap<&str, i64> = HashMap::new();
    for (event, settled) in outcomes {
        let key = event.key.0.as_slice();
        match *settled {
            Settled::Accepted => {
                accept.execute([key])?;
                *delivered.entry(&event.name).or_default() += 1;
            }
            Settled::Rejected { code, subcode } => {
                reject.execute((key, code, subcode, fingerprint(event)))?;
            }
            Settled::Unsent => {
                forget.execute([key])?;
            }
            // It stays what it is: sending.
            Settled::Uncertain => {}
        }
    }
    let mut count = connection.prepare_cached(
        "INSERT INTO delivered (run, name, count) VALUES (?1, ?2, ?3)
         ON CONFLICT (run, name) DO UPDATE SET count = count + excluded.count",
    )?;
    for (name, number) in delivered {
        count.execute((run, name, number))?;
    }
    Ok(())
}

/// Tells the same content from a changed one; eight bytes of a hash of the event as it is sent.
fn fingerprint(event: &Event) -> [u8; 8] {
    let digest: [u8; 32] = Sha256::digest(&event.json).into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    [a, b, c, d, e, f, g, h]
}

fn make_folder(path: &Path) -> Result<(), LedgerError> {
    let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    else {
        return Ok(());
    };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(|source| LedgerError::io(path, source))
}

/// Makes an empty file that only its owner may read; SQLite gives its companions the same permissions.
fn make_file(path: &Path) -> Result<(), LedgerError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(LedgerError::io(path, source)),
    }
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    configure_reading(connection)?;
    // Where the file system cannot share memory SQLite keeps its older journal, which is as safe.
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // In pages: keys are random, so a page is often written again soon, and needs to reach the file only once.
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    // macOS reports a sync as done before the disk has written it, unless asked like this.
    connection.pragma_update(None, "fullfsync", true)
}

fn configure_reading(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(10))?;
    // In KiB: enough that the keys of some hundred thousand events stay at hand.
    connection.pragma_update(None, "cache_size", -16_384)
}

#[cfg(test)]
mod tests;
