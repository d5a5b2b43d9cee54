//! The ledger in a SQLite file: one row an event, one row a run.
//!
//! Every call is one transaction, on disk before it returns (write-ahead log, full sync). The file is made with its
//! folder, for its owner's eyes only; one run at a time may write to it. A file that cannot be understood is left
//! untouched.

use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior, named_params,
};

use super::entries::{self, Writer};
use super::error::LedgerError;
use super::lock::Lock;
use super::open_tables::OpenTables;
use super::pending::{self, Pending};
use super::reserve::Reserve;
use super::schema::{self, Shape};
use super::sql::FileTables;
use super::status::{self, Status};
use super::{Begun, DueLead, Entry, Known, Ledger, Queue, RunEnd, RunStart, Snapshots, ToldLead};
use super::{forget, leadgen, place};
use crate::event::{Event, EventKey};
use crate::files::open_private;
use crate::ledger::events::{self, Accepted, PastEvent, Window};
use crate::ledger::people::Person;
use crate::time::Clock;

/// A ledger in a file.
#[derive(Debug)]
pub(crate) struct SqliteLedger {
    connection: Connection,
    path: PathBuf,
    run: Option<i64>,
    /// The dataset of the run.
    dataset: String,
    clock: Clock,
    is_new: bool,
    /// What keeps other runs away; absent when the ledger is only read. Last, so that it is given back after the
    /// connection has closed.
    hold: Option<Hold>,
}

/// The right to write to a ledger's file.
#[derive(Debug)]
struct Hold {
    /// The file as it was opened. Its lock keeps away runs that know it by another name, such as a hard link or a mount.
    _file: File,
    opened: Metadata,
    /// Where it really lies.
    real: PathBuf,
    /// What the run keeps to settle what is in flight.
    reserve: Option<Reserve>,
    _lock: Lock,
}

impl SqliteLedger {
    /// Opens the ledger at `path` for a run, making it when there is none, and waiting up to `wait` for another run.
    pub(crate) fn open(path: &Path, wait: Duration) -> Result<Self, LedgerError> {
        let real = place::real_path(path)?;
        if real.is_dir() {
            let kind = std::io::ErrorKind::IsADirectory;
            return Err(LedgerError::io(path, kind.into()));
        }
        if real.exists() && !real.is_file() {
            return Err(LedgerError::NotALedger(path.to_owned()));
        }
        let start = Instant::now();
        let lock = Lock::take(&real, wait)?;
        let io = |source| LedgerError::io(path, source);
        let file = open_private(&real).map_err(io)?;
        lock_file(&file, path, start, wait)?;
        let opened = file.metadata().map_err(io)?;
        place::warn_of_other_owner(path, &opened);
        let sqlite = |source| LedgerError::sqlite(path, source);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&real, flags).map_err(sqlite)?;
        distrust(&connection).map_err(sqlite)?;
        // Whose file it is comes first: nothing is written to one that is not ours.
        let is_new = schema::recognise(&connection, path)? == Shape::Empty;
        configure(&connection).map_err(sqlite)?;
        schema::migrate(&mut connection, path)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            run: None,
            dataset: String::new(),
            clock: Clock::System,
            is_new,
            hold: Some(Hold {
                _file: file,
                opened,
                real,
                reserve: None,
                _lock: lock,
            }),
        })
    }

    /// Whether opening it has made the ledger: then nothing is known of earlier runs.
    pub(crate) fn is_new(&self) -> bool {
        self.is_new
    }

    /// Opens the ledger at `path` to look things up. Nothing when there is no ledger yet. It makes no ledger, changes
    /// none, and neither waits for a run nor keeps one from starting.
    pub(crate) fn open_read_only(path: &Path) -> Result<Option<Self>, LedgerError> {
        place::refuse_schemes(path)?;
        match fs::metadata(path) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(LedgerError::io(path, source)),
        }
        let sqlite = |source| LedgerError::sqlite(path, source);
        // A connection that could not write at all would leave SQLite's companion files behind.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(sqlite)?;
        distrust(&connection).map_err(sqlite)?;
        configure_reading(&connection).map_err(sqlite)?;
        connection
            .pragma_update(None, "query_only", true)
            .map_err(sqlite)?;
        match schema::recognise(&connection, path)? {
            Shape::Empty => Ok(None),
            Shape::Older => Err(LedgerError::Older(path.to_owned())),
            Shape::Present => Ok(Some(Self {
                connection,
                path: path.to_owned(),
                run: None,
                dataset: String::new(),
                clock: Clock::System,
                is_new: false,
                hold: None,
            })),
        }
    }

    /// What was delivered lately to `dataset`, or to any: the last `runs` runs, and the 14 days up to `now`.
    pub(crate) fn status(
        &self,
        dataset: Option<&str>,
        now: i64,
        runs: usize,
    ) -> Result<Status, LedgerError> {
        // One read transaction: a run that goes on meanwhile does not make the numbers disagree.
        let reading = self.connection.unchecked_transaction();
        let reading = reading.map_err(|source| LedgerError::sqlite(&self.path, source))?;
        let tables = FileTables {
            connection: &reading,
            path: &self.path,
        };
        status::read(&tables, dataset, now, runs)
    }

    fn tables(&self) -> FileTables<'_> {
        FileTables {
            connection: &self.connection,
            path: &self.path,
        }
    }

    /// Whether earlier runs left any event of snapshots, for who only looks.
    pub(super) fn is_any_overdue(&self) -> Result<bool, LedgerError> {
        pending::are_any_overdue(&self.connection, None)
            .map_err(|error| LedgerError::sqlite(&self.path, error))
    }

    /// A page of all that is pending of a dataset behind one of them.
    pub(super) fn page(
        &self,
        dataset: &str,
        behind: i64,
    ) -> Result<(Vec<Pending>, Option<i64>), LedgerError> {
        pending::page(&self.connection, dataset, behind)
            .map_err(|error| LedgerError::sqlite(&self.path, error))
    }

    /// The connection, and the path for errors.
    pub(super) fn parts(&self) -> (&Connection, &Path) {
        (&self.connection, &self.path)
    }

    /// Counts the accepted events of a dataset by name and hour.
    pub(crate) fn accepted(
        &self,
        dataset: &str,
        window: Window,
    ) -> Result<Vec<Accepted>, LedgerError> {
        events::accepted(&self.tables(), dataset, window)
    }

    /// The events that are about any of `people`, of a dataset or of all, in the order of their times.
    pub(crate) fn about(
        &self,
        people: &HashSet<Person>,
        dataset: Option<&str>,
        now: i64,
    ) -> Result<Vec<PastEvent>, LedgerError> {
        events::about(&self.tables(), people, dataset, now)
    }

    /// Fails when the path does not lead to the open file any more: what is written now would be lost.
    fn check_place(&self) -> Result<(), LedgerError> {
        match &self.hold {
            Some(hold) if !place::is_same(&self.path, &hold.opened) => {
                Err(LedgerError::Gone(self.path.clone()))
            }
            _ => Ok(()),
        }
    }

    /// Works in a transaction. What fails changes nothing. Who holds the ledger is alone with it.
    pub(super) fn alone<T, E: From<LedgerError>>(
        &mut self,
        work: impl FnOnce(&dyn OpenTables) -> Result<T, E>,
    ) -> Result<T, E> {
        self.check_place()?;
        let sqlite = |source| LedgerError::sqlite(&self.path, source);
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(sqlite)?;
        let done = work(&FileTables {
            connection: &transaction,
            path: &self.path,
        })?;
        transaction.commit().map_err(sqlite)?;
        self.check_place()?;
        Ok(done)
    }

    /// What SQLite finds wrong with the file, up to so many things.
    pub(super) fn complaints(&self, most: usize) -> Result<Vec<String>, LedgerError> {
        let sqlite = |source| LedgerError::sqlite(&self.path, source);
        let mut complaints = Vec::new();
        let ask = self
            .connection
            .pragma(None, "integrity_check", most as i64, |row| {
                complaints.push(row.get(0)?);
                Ok(())
            });
        match ask.map_err(sqlite) {
            Ok(()) => {}
            Err(error @ LedgerError::Damaged(_)) => complaints.push(error.to_string()),
            Err(error) => return Err(error),
        }
        complaints.retain(|complaint: &String| complaint != "ok");
        Ok(complaints)
    }

    /// Works in a transaction that only reads.
    pub(super) fn look<T>(
        &self,
        work: impl Fn(&dyn OpenTables) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let reading = self.connection.unchecked_transaction();
        let reading = reading.map_err(|source| LedgerError::sqlite(&self.path, source))?;
        work(&FileTables {
            connection: &reading,
            path: &self.path,
        })
    }

    /// Runs `work` in one transaction that is rolled back when it fails.
    pub(super) fn transact<T>(
        &mut self,
        work: impl FnOnce(&Connection, Writer) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        self.check_place()?;
        let sqlite = |source| LedgerError::sqlite(&self.path, source);
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(sqlite)?;
        let writer = Writer {
            run: self.run,
            now: self.clock.now(),
        };
        let result = work(&transaction, writer).map_err(|error| match error {
            rusqlite::Error::StatementChangedRows(_) => LedgerError::Overtaken(self.path.clone()),
            error => sqlite(error),
        })?;
        transaction.commit().map_err(sqlite)?;
        self.check_place()?;
        Ok(result)
    }

    /// Makes sure of the space to settle what is begun.
    fn take_reserve(&mut self) -> Result<(), LedgerError> {
        let reserve = self.hold.as_mut().and_then(|hold| hold.reserve.as_mut());
        let taken = reserve.map_or(Ok(()), Reserve::take);
        taken.map_err(|source| LedgerError::io(&self.path, source))
    }

    /// Gives that space back; says whether there was any.
    fn free_reserve(&mut self) -> bool {
        let reserve = self.hold.as_mut().and_then(|hold| hold.reserve.as_mut());
        reserve.is_some_and(Reserve::free)
    }

    /// Records what must not be lost: when the disk is full, on the space that was kept for that, and then in that of
    /// earlier entries, as soon as they are in the ledger's own file.
    fn record<T>(
        &mut self,
        mut attempt: impl FnMut(&mut Self) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let mut recorded = attempt(self);
        if is_for_want_of_space(&recorded) && self.free_reserve() {
            tracing::warn!(
                "the disk of the ledger {} is full; what is in flight is recorded on the space kept for that",
                self.path.display()
            );
            recorded = attempt(self);
        }
        if is_for_want_of_space(&recorded) {
            let checkpoint = "PRAGMA wal_checkpoint(PASSIVE)";
            // Whether it helped, the next attempt tells.
            let _ = self.connection.query_row(checkpoint, [], |_| Ok(()));
            recorded = attempt(self);
        }
        recorded
    }
}

/// Whether there was no space, or a file may not become so large.
fn is_for_want_of_space<T>(recorded: &Result<T, LedgerError>) -> bool {
    match recorded {
        Err(LedgerError::Full(_)) => true,
        Err(LedgerError::Sqlite { cause, .. }) => {
            cause.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
        }
        _ => false,
    }
}

impl Ledger for SqliteLedger {
    fn look_up(&mut self, dataset: &str, events: &[Event]) -> Result<Vec<Known>, LedgerError> {
        // A new ledger knows nothing of earlier runs.
        let of = (dataset, !self.is_new);
        let (mut known, news) = {
            let sqlite = |source| LedgerError::sqlite(&self.path, source);
            let reading = self.connection.unchecked_transaction().map_err(sqlite)?;
            entries::look_up(&reading, self.run, of, events).map_err(sqlite)?
        };
        if self.run.is_some() && !news.is_empty() {
            self.transact(|connection, writer| {
                entries::learn_all(connection, writer, (dataset, events), &news, &mut known)
            })?;
        }
        Ok(known)
    }

    fn expired(&mut self, dataset: &str, now: i64) -> Result<HashSet<EventKey>, LedgerError> {
        events::expired(&self.tables(), dataset, now)
    }

    fn start_run(&mut self, run: &RunStart<'_>) -> Result<(), LedgerError> {
        if let Some(hold) = &mut self.hold {
            hold.reserve = Some(Reserve::beside(&hold.real, run.in_flight));
        }
        self.take_reserve()?;
        let id = self.transact(|connection, writer| {
            let believed = forget_old(connection, writer.now)?;
            connection.execute(
                "INSERT INTO run (dataset, started, clock) VALUES (?1, ?2, ?3)",
                (run.dataset, run.now, believed),
            )?;
            Ok(connection.last_insert_rowid())
        })?;
        self.run = Some(id);
        run.dataset.clone_into(&mut self.dataset);
        Ok(())
    }

    fn write(&mut self, entries: &[Entry]) -> Result<Vec<Vec<Begun>>, LedgerError> {
        let dataset = self.dataset.clone();
        let make = |ledger: &mut Self| {
            ledger.transact(|connection, writer| {
                let make = |entry| entries::make(connection, writer, &dataset, entry);
                entries.iter().map(make).collect()
            })
        };
        if entries
            .iter()
            .all(|entry| matches!(entry, Entry::Settle(..)))
        {
            return self.record(make);
        }
        self.take_reserve()?;
        make(self)
    }

    fn finish_run(&mut self, end: &RunEnd) -> Result<(), LedgerError> {
        let finished = self.record(|ledger| ledger.note_end(end));
        // The log goes into the ledger's own file as that is closed, which takes space.
        self.free_reserve();
        finished
    }

    fn snapshots(&mut self) -> Option<&mut dyn Snapshots> {
        Some(self)
    }

    fn note_leads(&mut self, dataset: &str, leads: &[ToldLead]) -> Result<u64, LedgerError> {
        let now = self.clock.now();
        self.alone(|tables| leadgen::note(tables, dataset, leads, now))
    }

    fn take_leads(&mut self, dataset: &str) -> Result<Vec<DueLead>, LedgerError> {
        let now = self.clock.now();
        self.alone(|tables| leadgen::take(tables, dataset, now))
    }

    fn put_lead_off(&mut self, lead: (&str, &str), until: i64) -> Result<(), LedgerError> {
        self.alone(|tables| leadgen::put_off(tables, lead, until))
    }

    fn forget_lead(&mut self, lead: (&str, &str)) -> Result<(), LedgerError> {
        self.alone(|tables| leadgen::forget(tables, lead))
    }

    fn queue(&mut self, dataset: &str) -> Result<Queue, LedgerError> {
        pending::queue(&self.tables(), dataset)
    }
}

impl SqliteLedger {
    fn note_end(&mut self, end: &RunEnd) -> Result<(), LedgerError> {
        self.transact(|connection, writer| {
            let counts = &end.counts;
            let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
            connection.execute(
                "UPDATE run SET ended = :ended, exit_status = :exit_status, events = :events,
                        skipped_old = :skipped_old, skipped_delivered = :skipped_delivered, accepted = :accepted,
                        rejected = :rejected, undelivered = :undelivered, uncertain = :uncertain, requests = :requests,
                        rehearsal = :rehearsal
                 WHERE id = :run",
                named_params! {
                    ":run": writer.run,
                    ":rehearsal": end.is_rehearsal,
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

/// Forgets what no run can need any more. Gives the time that was believed.
fn forget_old(connection: &Connection, now: i64) -> rusqlite::Result<i64> {
    let last: Option<i64> = connection
        .query_row(
            "SELECT clock FROM run ORDER BY id DESC LIMIT 1",
            [],
            |row| row.get(0),
        )
        .optional()?
        .flatten();
    let now = forget::believed(last, now);
    forget::forget(now, &mut |sql, time| {
        let changed = connection.execute(sql, rusqlite::params_from_iter(time))?;
        Ok::<_, rusqlite::Error>(changed as u64)
    })?;
    Ok(now)
}

/// Keeps away runs that know the file by another name. Elsewhere than on Linux such a lock gets in SQLite's own way.
#[cfg(target_os = "linux")]
fn lock_file(file: &File, path: &Path, start: Instant, wait: Duration) -> Result<(), LedgerError> {
    match super::lock::lock_within(file, start, wait) {
        Ok(()) => Ok(()),
        Err(fs::TryLockError::WouldBlock) => Err(LedgerError::Held {
            path: path.to_owned(),
            pid: None,
            since: None,
        }),
        Err(fs::TryLockError::Error(source)) => Err(LedgerError::io(path, source)),
    }
}

#[cfg(not(target_os = "linux"))]
fn lock_file(_: &File, _: &Path, _: Instant, _: Duration) -> Result<(), LedgerError> {
    Ok(())
}

/// Takes nothing in the file for granted: it may come from somebody else.
pub(super) fn distrust(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    Ok(())
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
    // In KiB: enough that the keys of a hundred thousand events stay at hand.
    connection.pragma_update(None, "cache_size", -6_144)
}

#[cfg(test)]
mod tests;
