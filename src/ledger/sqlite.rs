//! The ledger in a SQLite file: one row an event, one row a run.
//!
//! Every call is one transaction, on disk before it returns (write-ahead log, full sync). The file is made with its
//! folder, for its owner's eyes only; one run at a time may write to it. A file that cannot be understood is left
//! untouched.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::fs::{self, File, Metadata, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, named_params};

use super::error::LedgerError;
use super::lock::{Lock, lock_within};
use super::place;
use super::schema::{self, Shape};
use super::state::{ACCEPTED, MAX_ATTEMPTS, REJECTED, SENDING, fingerprint};
use super::status::{self, Status};
use super::{
    Begun, Entry, Known, Ledger, Queue, RunEnd, RunStart, Settled, Snapshots, Standing, alias,
    pending, snapshot,
};
use crate::event::{Event, EventKey, Fingerprint};
use crate::files::open_private;
use crate::ledger::events::{self, Accepted, PastEvent, Window};
use crate::ledger::people::{self, Person};
use crate::time::Clock;

/// An event older than this cannot be sent again, so it need not be remembered.
const KEEP_EVENTS_SECONDS: i64 = 30 * 86_400;
/// How far a run may move the time that forgetting goes by: enough for one run a day, and so little that the last week
/// is still remembered after a day of hourly runs by a clock that is weeks ahead.
const BELIEVED_STEP_SECONDS: i64 = 25 * 3_600;
/// Runs are remembered for a year.
const KEEP_RUNS_SECONDS: i64 = 366 * 86_400;

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
        status::read(&self.connection, &self.path, dataset, now, runs)
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
        events::accepted(&self.connection, dataset, window)
            .map_err(|source| LedgerError::sqlite(&self.path, source))
    }

    /// The events that are about any of `people`, of a dataset or of all, in the order of their times.
    pub(crate) fn about(
        &self,
        people: &HashSet<Person>,
        dataset: Option<&str>,
        now: i64,
    ) -> Result<Vec<PastEvent>, LedgerError> {
        events::about(&self.connection, people, dataset, now)
            .map_err(|source| LedgerError::sqlite(&self.path, source))
    }

    /// What is known of events by their own ids, and which of them are known by less than now.
    fn by_own_id(&self, events: &[Event]) -> rusqlite::Result<(Vec<Known>, Vec<usize>)> {
        // In the order of the keys, neighbours share the pages they stand on.
        let mut order: Vec<usize> = (0..events.len()).collect();
        order.sort_unstable_by_key(|index| events[*index].key);
        let mut known = vec![Known::own(Standing::New); events.len()];
        let mut grown = Vec::new();
        let reading = self.connection.unchecked_transaction()?;
        let mut select = reading.prepare_cached(
            "SELECT state, run, code, subcode, fingerprint, attempts, known_as FROM event WHERE key = ?1",
        )?;
        for index in order {
            let event = &events[index];
            let found = select
                .query_row([event.key.0.as_slice()], |row| {
                    let (state, run): (i64, i64) = (row.get(0)?, row.get(1)?);
                    let standing = match state {
                        _ if Some(run) == self.run => Standing::ThisRun,
                        ACCEPTED => Standing::Accepted,
                        REJECTED
                            if row.get::<_, Option<[u8; 8]>>(4)? != Some(fingerprint(event)) =>
                        {
                            Standing::New
                        }
                        REJECTED => Standing::Refused {
                            code: row.get(2)?,
                            subcode: row.get(3)?,
                        },
                        _ if row.get::<_, i64>(5)? >= MAX_ATTEMPTS => Standing::Resting,
                        _ => Standing::Uncertain,
                    };
                    Ok((standing, state != REJECTED, row.get(6)?))
                })
                .optional()?;
            let Some((standing, counts, known_as)) = found else {
                continue;
            };
            known[index].standing = standing;
            if counts && alias::knows_less(known_as, event) {
                grown.push(index);
            }
        }
        Ok((known, grown))
    }

    /// Looks for events that are new by their own ids under the others that they could have; gives the indexes of those
    /// found, the best matches first.
    fn by_other_ids(
        &self,
        dataset: &str,
        events: &[Event],
        known: &mut [Known],
    ) -> rusqlite::Result<Vec<usize>> {
        let reading = self.connection.unchecked_transaction()?;
        let mut found = Vec::new();
        for (index, (event, known)) in events.iter().zip(known).enumerate() {
            if known.standing == Standing::New
                && let Some(same) = alias::find(&reading, dataset, event, self.run)?
            {
                *known = Known::other(same);
                found.push((Reverse(same.merit()), index));
            }
        }
        found.sort_unstable();
        Ok(found.into_iter().map(|(_, index)| index).collect())
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
}

/// Who writes, and when by the real clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writer {
    pub(super) run: Option<i64>,
    pub(super) now: i64,
}

impl Ledger for SqliteLedger {
    fn look_up(&mut self, dataset: &str, events: &[Event]) -> Result<Vec<Known>, LedgerError> {
        let path = self.path.clone();
        let sqlite = |source| LedgerError::sqlite(&path, source);
        let (mut known, mut grown) = self.by_own_id(events).map_err(sqlite)?;
        // A new ledger knows nothing of earlier runs, and what this run begins is compared as it begins.
        let by_others = match self.is_new {
            true => Vec::new(),
            false => self
                .by_other_ids(dataset, events, &mut known)
                .map_err(sqlite)?,
        };
        grown.sort_unstable();
        if self.run.is_some() && grown.len() + by_others.len() > 0 {
            self.transact(|connection, writer| {
                for index in grown {
                    learn(connection, dataset, &events[index], None, writer.now)?;
                }
                // One event stands for one lead: whom the better match has made it, others may not be any more.
                for index in by_others {
                    let event = &events[index];
                    let same = alias::find(connection, dataset, event, writer.run)?;
                    known[index] = same.map_or(Known::own(Standing::New), Known::other);
                    if let Some(same) = same {
                        learn(connection, dataset, event, Some(same.id), writer.now)?;
                    }
                }
                Ok(())
            })?;
        }
        Ok(known)
    }

    fn expired(&mut self, dataset: &str, now: i64) -> Result<HashSet<EventKey>, LedgerError> {
        events::expired(&self.connection, dataset, now)
            .map_err(|source| LedgerError::sqlite(&self.path, source))
    }

    fn start_run(&mut self, run: &RunStart<'_>) -> Result<(), LedgerError> {
        let id = self.transact(|connection, writer| {
            let believed = forget(connection, writer.now)?;
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
        self.transact(|connection, writer| {
            let make = |entry: &Entry| match entry {
                Entry::Begin(events) => begin(connection, writer, &dataset, events),
                Entry::Settle(outcomes, trace) => {
                    settle(connection, writer, &dataset, outcomes)?;
                    trace_back(connection, writer, outcomes, trace.as_deref())?;
                    Ok(Vec::new())
                }
                Entry::Keep { dataset, events } => {
                    pending::keep(connection, dataset, events, writer.now)
                }
            };
            entries.iter().map(make).collect()
        })
    }

    fn finish_run(&mut self, end: &RunEnd) -> Result<(), LedgerError> {
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

    fn snapshots(&mut self) -> Option<&mut dyn Snapshots> {
        Some(self)
    }

    fn queue(&self, dataset: &str) -> Result<Queue, LedgerError> {
        pending::queue(&self.connection, dataset)
            .map_err(|source| LedgerError::sqlite(&self.path, source))
    }
}

/// Forgets what no run can need any more. Time is that of the real clock, and an event has to be old by its own time and
/// by the time it was settled, so that neither `--now` nor a clock that is wrong for a while makes the ledger forget. Gives the time that was believed.
fn forget(connection: &Connection, now: i64) -> rusqlite::Result<i64> {
    let last: Option<i64> = connection
        .query_row(
            "SELECT clock FROM run ORDER BY id DESC LIMIT 1",
            [],
            |row| row.get(0),
        )
        .optional()?
        .flatten();
    let now = last.map_or(now, |last| now.min(last + BELIEVED_STEP_SECONDS));
    let (oldest, runs) = (now - KEEP_EVENTS_SECONDS, now - KEEP_RUNS_SECONDS);
    snapshot::forget(connection, now)?;
    // A stage that an export still shows has nothing but its event's row to say that it was sent.
    let gone = connection.execute(
        "DELETE FROM event WHERE time < ?1 AND settled < ?1
            AND NOT EXISTS (SELECT 1 FROM snapshot_stage WHERE snapshot_stage.event = event.key)",
        [oldest],
    )?;
    if gone > 0 {
        events::forget_traces(connection)?;
    }
    connection.execute(
        "DELETE FROM pending WHERE time < ?1 AND noted < ?1",
        [oldest],
    )?;
    connection.execute(
        "DELETE FROM alias WHERE time < ?1 AND settled < ?1",
        [oldest],
    )?;
    connection.execute(
        "DELETE FROM delivered WHERE run IN (SELECT id FROM run WHERE coalesce(clock, started) < ?1)",
        [runs],
    )?;
    connection.execute(
        "DELETE FROM run WHERE coalesce(clock, started) < ?1",
        [runs],
    )?;
    Ok(now)
}

/// Notes by what an event's lead is known now. `under` is the id that it is known under, where that is not its own.
fn learn(
    connection: &Connection,
    dataset: &str,
    event: &Event,
    under: Option<Fingerprint>,
    now: i64,
) -> rusqlite::Result<()> {
    let (key, id) = match under {
        Some(id) => (EventKey::in_dataset(dataset, id), Some(id)),
        None => (event.key, alias::own_id(dataset, event)),
    };
    let Some(id) = id else { return Ok(()) };
    if alias::learn(connection, dataset, event, id, now)? {
        alias::grow(connection, key, event)?;
    }
    Ok(())
}

/// Marks events as being sent. One that turns out to be another one, which this run has begun or an earlier one has
/// delivered, is not.
fn begin<'e>(
    connection: &Connection,
    writer: Writer,
    dataset: &str,
    batch: &'e [Event],
) -> rusqlite::Result<Vec<Begun>> {
    let Writer { run, now } = writer;
    let mut insert = connection.prepare_cached(
        "INSERT INTO event (key, time, state, run, settled, attempts, name, people, kinds, known_as)
         VALUES (?1, ?2, 0, ?3, ?4, 1, ?5, ?6, ?7, ?8)
         ON CONFLICT DO NOTHING",
    )?;
    let mut select =
        connection.prepare_cached("SELECT state, run, known_as FROM event WHERE key = ?1")?;
    let mut update = connection.prepare_cached(
        "UPDATE event SET time = ?2, state = 0, run = ?3, settled = ?4, attempts = attempts + 1,
                          code = NULL, subcode = NULL, fingerprint = NULL, name = ?5, people = ?6, trace = NULL
         WHERE key = ?1",
    )?;
    let mut names: HashMap<&str, i64> = HashMap::new();
    let mut begin = |event: &'e Event| {
        let key = event.key.0.as_slice();
        if event.known_by.is_repeat {
            repeat(connection, writer, dataset, event)?;
            return Ok(Begun::Known);
        }
        let name = match names.get(&*event.name) {
            Some(name) => *name,
            None => {
                let name = events::id_of(connection, "name", &event.name)?;
                names.insert(&event.name, name);
                name
            }
        };
        let people = people::of_event(&event.json);
        let known_by = &event.known_by;
        let known_as = (!known_by.identities.is_empty()).then(|| known_by.digest());
        let kinds = known_by.kinds().0;
        let row = (key, event.time, run, now, name, &people, kinds, known_as);
        if insert.execute(row)? == 1 {
            return begin_new(connection, writer, dataset, event);
        }
        let (state, by, known_then): (i64, Option<i64>, Option<i64>) =
            select.query_row([key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        if alias::knows_less(known_then, event) {
            learn(connection, dataset, event, None, now)?;
        }
        if state == ACCEPTED || by == run {
            return Ok(Begun::Known);
        }
        update.execute((key, event.time, run, now, name, &people))?;
        Ok(if state == SENDING {
            Begun::Again
        } else {
            Begun::Fresh
        })
    };
    batch.iter().map(&mut begin).collect()
}

/// Learns what another row says of the lead of an event, which stands there already, be it under another id.
fn repeat(
    connection: &Connection,
    Writer { run, now }: Writer,
    dataset: &str,
    event: &Event,
) -> rusqlite::Result<()> {
    let known_as: Option<Option<i64>> = connection
        .prepare_cached("SELECT known_as FROM event WHERE key = ?1")?
        .query_row([event.key.0.as_slice()], |row| row.get(0))
        .optional()?;
    match known_as {
        Some(known_as) if !alias::knows_less(known_as, event) => Ok(()),
        Some(_) => learn(connection, dataset, event, None, now),
        None => match alias::find(connection, dataset, event, run)? {
            Some(same) => learn(connection, dataset, event, Some(same.id), now),
            None => Ok(()),
        },
    }
}

/// Decides about an event that is new by its own id.
fn begin_new(
    connection: &Connection,
    Writer { run, now }: Writer,
    dataset: &str,
    event: &Event,
) -> rusqlite::Result<Begun> {
    if event.known_by.identities.is_empty() {
        return Ok(Begun::Fresh);
    }
    let same = alias::find(connection, dataset, event, run)?;
    let known = same.filter(|same| matches!(same.standing, Standing::Accepted | Standing::ThisRun));
    if known.is_some() {
        connection
            .prepare_cached("DELETE FROM event WHERE key = ?1")?
            .execute([event.key.0.as_slice()])?;
    }
    learn(connection, dataset, event, known.map(|same| same.id), now)?;
    Ok(match known {
        Some(_) => Begun::Known,
        None => Begun::Fresh,
    })
}

/// Only what this run has begun may be settled by it: a run that was turned away, or woke up late, must not change
/// what another knows.
fn settle(
    connection: &Connection,
    Writer { run, now }: Writer,
    dataset: &str,
    outcomes: &[(Event, Settled)],
) -> rusqlite::Result<()> {
    let mut accept = connection.prepare_cached(
        "UPDATE event SET state = 1, attempts = 0, settled = ?3 WHERE key = ?1 AND run IS ?2",
    )?;
    let mut reject = connection.prepare_cached(
        "UPDATE event SET state = 2, attempts = 0, settled = ?3, code = ?4, subcode = ?5, fingerprint = ?6
         WHERE key = ?1 AND run IS ?2",
    )?;
    let mut take_back = connection.prepare_cached(
        "UPDATE event SET attempts = attempts - 1 WHERE key = ?1 AND run IS ?2 AND attempts > 1",
    )?;
    let mut forget = connection
        .prepare_cached("DELETE FROM event WHERE key = ?1 AND run IS ?2 AND state = 0")?;
    let mut delivered: HashMap<&str, i64> = HashMap::new();
    for (event, settled) in outcomes {
        let key = event.key.0.as_slice();
        let hit = match *settled {
            Settled::Accepted => {
                *delivered.entry(&event.name).or_default() += 1;
                pending::forget(connection, event.key)?;
                accept.execute((key, run, now))?
            }
            Settled::Rejected { code, subcode } => {
                pending::forget(connection, event.key)?;
                reject.execute((key, run, now, code, subcode, fingerprint(event)))?
            }
            // What an earlier run left uncertain stays so.
            Settled::Unsent => match take_back.execute((key, run))? {
                0 => {
                    alias::unlearn(connection, dataset, event)?;
                    forget.execute((key, run))?
                }
                hit => hit,
            },
            // It stays what it is: sending.
            Settled::Uncertain => 1,
        };
        if hit != 1 {
            return Err(rusqlite::Error::StatementChangedRows(hit));
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

/// Notes which answer decided what became of events, for whoever asks Meta's support.
fn trace_back(
    connection: &Connection,
    Writer { run, .. }: Writer,
    outcomes: &[(Event, Settled)],
    trace: Option<&str>,
) -> rusqlite::Result<()> {
    let Some(trace) = trace else { return Ok(()) };
    let trace = events::id_of(connection, "trace", trace)?;
    let mut update =
        connection.prepare_cached("UPDATE event SET trace = ?3 WHERE key = ?1 AND run IS ?2")?;
    for (event, _) in outcomes {
        update.execute((event.key.0.as_slice(), run, trace))?;
    }
    Ok(())
}

/// Keeps away runs that know the file by another name. Elsewhere than on Linux such a lock gets in SQLite's own way.
#[cfg(target_os = "linux")]
fn lock_file(file: &File, path: &Path, start: Instant, wait: Duration) -> Result<(), LedgerError> {
    match lock_within(file, start, wait) {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(LedgerError::Held {
            path: path.to_owned(),
            pid: None,
            since: None,
        }),
        Err(TryLockError::Error(source)) => Err(LedgerError::io(path, source)),
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
