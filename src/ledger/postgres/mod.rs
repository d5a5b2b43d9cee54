//! The ledger in a PostgreSQL database, which several runs on several machines share.
//!
//! A call fetches the rows it concerns, lets the code that also works on a file decide, and writes back what changed, in one
//! transaction that no other call for the same dataset comes into. A run is alive as long as it holds its lock, which goes
//! with its session: what a dead one left in flight is uncertain, what another has in hand is left to it. Each transaction of
//! a run raises the count of what it has written, so that one whose answer was lost is neither made twice nor taken for
//! undone.

mod address;
mod alone;
mod check;
mod fetch;
mod schema;
#[cfg(all(test, any(unix, windows)))]
#[path = "../../../tests/it/support/postgres.rs"]
pub(super) mod server;
mod session;
mod tables;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use sha2::{Digest, Sha256};

pub(crate) use self::address::Address;
use self::fetch::{Fetch, Leads};
use self::session::{Column, Failure, Session, Statement};
use self::tables::AtHand;
use super::entries::{self, Writer};
use super::error::LedgerError;
use super::events::{self, Accepted, PastEvent, Window};
use super::leads::Tables;
use super::past::{self, Past};
use super::pending::{self, Pending};
use super::people::Person;
use super::snapshot::{self, Memory, Shown, Sight, Sights, SnapshotSource, Snapshots};
use super::sql::{Row, Sql, Unreadable, Value};
use super::status::{self, Status};
use super::{
    Begun, DueLead, Entry, Known, Ledger, Queue, RunEnd, RunStart, Standing, ToldLead, forget,
    leadgen,
};
use crate::event::{Event, EventKey};
use crate::time::Clock;

/// How long a run does without its server.
const PATIENCE: Duration = Duration::from_secs(60);
/// The same of who can be turned away.
const SHORT_PATIENCE: Duration = Duration::from_secs(5);
/// How long the first pause is, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(5)];
/// How often what nobody needs is forgotten.
const FORGET_SECONDS: i64 = 20 * 3_600;

/// A ledger in a database.
pub(crate) struct PostgresLedger {
    address: Address,
    session: Option<Session>,
    at_hand: AtHand,
    run: Option<i64>,
    /// How often the run has written.
    writes: i64,
    dataset: String,
    clock: Clock,
    is_new: bool,
    patience: Duration,
}

impl PostgresLedger {
    /// Opens the ledger for a run, making its tables when there are none, and waiting up to `wait` for the server.
    pub(crate) fn open(address: &Address, wait: Duration) -> Result<Self, LedgerError> {
        if address.is_bare() {
            tracing::warn!("the connection to the ledger {address} is not encrypted");
        }
        let mut ledger = Self::closed(address)?;
        ledger.patience = wait;
        ledger.is_new = ledger.with_session(|session| schema::migrate(session, address))?;
        ledger.patience = PATIENCE;
        Ok(ledger)
    }

    /// The same for who has to be told soon when the server is away.
    pub(crate) fn impatient(mut self) -> Self {
        self.patience = SHORT_PATIENCE;
        self
    }

    /// Opens the ledger to look things up. Nothing when it has no tables yet; it makes none.
    pub(crate) fn open_read_only(address: &Address) -> Result<Option<Self>, LedgerError> {
        let mut ledger = Self::closed(address)?;
        ledger.patience = Duration::ZERO;
        let is_there = ledger.with_session(|session| schema::is_present(session, address))?;
        ledger.patience = PATIENCE;
        Ok(is_there.then_some(ledger))
    }

    fn closed(address: &Address) -> Result<Self, LedgerError> {
        Ok(Self {
            address: address.clone(),
            session: None,
            at_hand: AtHand::new()?,
            run: None,
            writes: 0,
            dataset: String::new(),
            clock: Clock::System,
            is_new: false,
            patience: PATIENCE,
        })
    }

    /// Whether opening it has made the ledger: then nothing is known of earlier runs.
    pub(crate) fn is_new(&self) -> bool {
        self.is_new
    }

    /// What was delivered lately to `dataset`, or to any: the last `runs` runs, and the 14 days up to `now`.
    pub(crate) fn status(
        &mut self,
        dataset: Option<&str>,
        now: i64,
        runs: usize,
    ) -> Result<Status, LedgerError> {
        self.read(|server| status::read(server, dataset, now, runs))
    }

    /// Counts the accepted events of a dataset by name and hour.
    pub(crate) fn accepted(
        &mut self,
        dataset: &str,
        window: Window,
    ) -> Result<Vec<Accepted>, LedgerError> {
        self.read(|server| events::accepted(server, dataset, window))
    }

    /// The events that are about any of `people`, of a dataset or of all, in the order of their times.
    pub(crate) fn about(
        &mut self,
        people: &HashSet<Person>,
        dataset: Option<&str>,
        now: i64,
    ) -> Result<Vec<PastEvent>, LedgerError> {
        self.read(|server| events::about(server, people, dataset, now))
    }

    /// The state a channel was last told; empty when it was never told anything.
    pub(crate) fn told(&mut self, subject: &str, channel: &str) -> Result<String, LedgerError> {
        self.read(|server| past::told(server, subject, channel))
    }

    /// Remembers the state a channel was told.
    pub(crate) fn remember(
        &mut self,
        subject: &str,
        channel: &str,
        state: &str,
        now: i64,
    ) -> Result<(), LedgerError> {
        let values = [subject.into(), channel.into(), state.into(), now.into()];
        self.with_session(|session| {
            let sql = past::REMEMBER;
            session
                .change(&Statement::new(sql, values.to_vec()))
                .map(drop)
        })
    }

    /// What past runs to `dataset` say: of those that sent anything the last `runs`.
    pub(crate) fn past(&mut self, dataset: &str, runs: usize) -> Result<Past, LedgerError> {
        self.read(|server| past::past(server, dataset, runs))
    }

    /// Reads in one transaction: a run that goes on meanwhile does not make the numbers disagree.
    fn read<T>(
        &mut self,
        read: impl Fn(&ServerTables<'_>) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        self.with_session(|session| {
            session.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
            let tables = ServerTables {
                session,
                lost: std::cell::Cell::new(None),
            };
            let found = read(&tables);
            match (found, tables.lost.take()) {
                (_, Some(lost)) => Err(Failure::Lost(lost)),
                (Err(error), None) => Err(Failure::Final(error)),
                (Ok(found), None) => session.batch("COMMIT").map(|()| found),
            }
        })
    }

    /// Does something with the server, again if need be: it must not matter how often.
    fn with_session<T>(
        &mut self,
        mut ask: impl FnMut(&Session) -> Result<T, Failure>,
    ) -> Result<T, LedgerError> {
        self.persist(|ledger| ask(ledger.session()?))
    }

    /// Tries something until it is done or the server has been away for too long. A session that has failed is not used
    /// again.
    fn persist<T>(
        &mut self,
        mut attempt: impl FnMut(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, LedgerError> {
        let start = Instant::now();
        let [mut pause, longest] = PAUSES;
        loop {
            let result = attempt(self);
            let clearing = self.at_hand.clear();
            let lost = match result {
                Ok(done) => {
                    clearing.map_err(in_memory)?;
                    return Ok(done);
                }
                Err(Failure::Lost(lost)) => {
                    self.session = None;
                    lost
                }
                Err(Failure::Final(error)) => {
                    // The session is kept where it can be, as it keeps the run alive.
                    if let Some(session) = &self.session
                        && session.batch("ROLLBACK").is_err()
                    {
                        self.session = None;
                    }
                    return Err(error);
                }
            };
            if start.elapsed() + pause > self.patience {
                return Err(LedgerError::Unreachable {
                    ledger: self.address.to_string(),
                    cause: lost,
                });
            }
            tracing::debug!("the ledger {} is gone for now: {lost}", self.address);
            std::thread::sleep(pause);
            pause = longest.min(pause * 2);
        }
    }

    /// A session, in which the run is alive.
    fn session(&mut self) -> Result<&Session, Failure> {
        let session = match self.session.take() {
            Some(session) => session,
            None => {
                let session = Session::open(&self.address)?;
                if let Some(run) = self.run {
                    hold(&session, run)?;
                }
                session
            }
        };
        Ok(self.session.insert(session))
    }

    /// Fetches rows and lays them ready.
    fn lay(&mut self, fetches: Vec<Fetch>) -> Result<(), Failure> {
        let (tables, statements): (Vec<_>, Vec<_>) = fetches
            .into_iter()
            .map(|fetch| (fetch.table, fetch.statement))
            .unzip();
        let answers = self.session()?.ask(&statements)?;
        for (table, rows) in tables.into_iter().zip(answers) {
            if let Some(table) = table {
                self.at_hand.lay(table, rows).map_err(final_in_memory)?;
            }
        }
        Ok(())
    }

    /// Runs `work` on the rows that it concerns in one transaction, and writes back what it has changed. It may run more
    /// than once, but what it changes is changed once.
    fn transact<T>(
        &mut self,
        dataset: &str,
        fetch: impl Fn(&mut Self) -> Result<(), Failure>,
        work: impl Fn(&Connection, Writer) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        // What was decided in a transaction whose end was not heard of.
        let mut decided = None;
        let done = self.persist(|ledger| {
            let Some(now) = ledger.begin(dataset)? else {
                // The one before has gone through, or this run is no more.
                ledger.session()?.batch("ROLLBACK")?;
                return decided
                    .take()
                    .ok_or_else(|| Failure::Final(ledger.overtaken()));
            };
            fetch(ledger)?;
            let writer = Writer {
                run: ledger.run,
                now,
            };
            let result =
                work(ledger.at_hand.connection(), writer).map_err(|error| match error {
                    rusqlite::Error::StatementChangedRows(_) => Failure::Final(ledger.overtaken()),
                    error => final_in_memory(error),
                })?;
            ledger.write_back()?;
            decided = Some(result);
            ledger.session()?.batch("COMMIT")?;
            decided
                .take()
                .ok_or_else(|| Failure::Final(ledger.overtaken()))
        })?;
        self.writes += 1;
        Ok(done)
    }

    fn overtaken(&self) -> LedgerError {
        LedgerError::Overtaken(self.address.to_string().into())
    }

    /// Begins a transaction of the run that no other for the dataset comes into, and gives the time; nothing when what the
    /// run is about to write has been written.
    fn begin(&mut self, dataset: &str) -> Result<Option<i64>, Failure> {
        let (run, next) = (self.run.unwrap_or_default(), self.writes + 1);
        let raise = match self.run {
            Some(_) => Statement::new(
                "UPDATE run SET writes = $2 WHERE id = $1 AND writes = $2 - 1
                 RETURNING floor(extract(epoch FROM clock_timestamp()))::bigint",
                vec![run.into(), next.into()],
            ),
            // What is kept is no run's yet, and keeping it again changes nothing.
            None => Statement::new(
                "SELECT floor(extract(epoch FROM clock_timestamp()))::bigint",
                vec![],
            ),
        };
        let statements = [
            Statement::new("BEGIN", vec![]),
            Statement::new(
                "SELECT pg_advisory_xact_lock_shared('ledger'::regclass::oid::int, 0),
                        pg_advisory_xact_lock('event'::regclass::oid::int, $1::bigint::int)",
                vec![lock_of(dataset).into()],
            ),
            raise,
        ];
        let mut answers = self.session()?.ask(&statements)?;
        let row = answers.pop().and_then(|mut rows| rows.pop());
        let now = row.and_then(|mut row| row.take(0).ok());
        Ok(now.map(|now| by(self.clock, now)))
    }

    /// Writes back what has changed. What does not hit what it should is not written at all.
    fn write_back(&mut self) -> Result<(), Failure> {
        let changes = self.at_hand.changes().map_err(final_in_memory)?;
        let (statements, expected): (Vec<_>, Vec<_>) = changes
            .into_iter()
            .map(|change| (change.statement, change.rows))
            .unzip();
        let hit = self.session()?.change_all(&statements)?;
        let is_as_expected = hit
            .iter()
            .zip(expected)
            .all(|(hit, expected)| expected.is_none_or(|expected| *hit == expected));
        match is_as_expected {
            true => Ok(()),
            false => Err(Failure::Final(self.overtaken())),
        }
    }

    /// What is known of events, by all rows that could tell.
    fn known(
        &mut self,
        dataset: &str,
        events: &[Event],
    ) -> Result<(Vec<Known>, entries::News), Failure> {
        let run = self.run;
        self.lay(vec![fetch::events(run, events.iter())])?;
        let by_own_id = entries::look_up(self.at_hand.connection(), run, (dataset, false), events);
        let (known, _) = by_own_id.map_err(final_in_memory)?;
        let new = events.iter().zip(&known);
        let new: Vec<&Event> = new
            .filter(|(event, known)| {
                known.standing == Standing::New && !event.known_by.identities.is_empty()
            })
            .map(|(event, _)| event)
            .collect();
        if !new.is_empty() {
            self.lay(fetch::known(dataset, run, new.into_iter()))?;
        }
        entries::look_up(self.at_hand.connection(), run, (dataset, true), events)
            .map_err(final_in_memory)
    }

    /// Lays ready what rows of snapshots concern.
    fn lay_leads(
        &mut self,
        source: SnapshotSource<'_>,
        shown: &[Shown<'_>],
    ) -> Result<(), Failure> {
        let mut leads = Leads::of(source.dataset, shown);
        self.lay(vec![fetch::source(source)])?;
        loop {
            self.lay(leads.fetches(self.run))?;
            let connection = self.at_hand.connection();
            let is_short = leads.is_short(|key| super::leads::is_known(connection, key));
            let is_short = is_short.map_err(final_in_memory)?;
            let merged = super::leads::merged(connection).map_err(final_in_memory)?;
            if !(leads.add_merged(merged) || is_short) {
                break;
            }
        }
        let reached = reached(self.at_hand.connection(), source, shown, self.run);
        let reached = reached.map_err(final_in_memory)?;
        match reached.is_empty() {
            true => Ok(()),
            false => self.lay(fetch::reached(self.run, &reached)),
        }
    }

    /// What rows of snapshots come to for `decide`, which changes nothing here.
    pub(super) fn look_at(
        &mut self,
        source: SnapshotSource<'_>,
        shown: &[Shown<'_>],
        decide: &mut dyn FnMut(&Connection) -> rusqlite::Result<Sights>,
    ) -> Result<Sights, LedgerError> {
        self.persist(|ledger| {
            ledger.lay_leads(source, shown)?;
            decide(ledger.at_hand.connection()).map_err(final_in_memory)
        })
    }

    /// Whether earlier runs left any event of snapshots, for who only looks.
    pub(super) fn is_any_overdue(&mut self) -> Result<bool, LedgerError> {
        let found = self.read(|server| {
            server.row("SELECT 1 FROM pending LIMIT 1", &[], |mut row| {
                row.take::<i64>(0)
            })
        })?;
        Ok(found.is_some())
    }

    /// A page of all that is pending of a dataset behind one of them.
    pub(super) fn page(
        &mut self,
        dataset: &str,
        behind: i64,
    ) -> Result<(Vec<Pending>, Option<i64>), LedgerError> {
        self.persist(|ledger| {
            ledger.lay(fetch::page(dataset, behind))?;
            pending::page(ledger.at_hand.connection(), dataset, behind).map_err(final_in_memory)
        })
    }
}

fn memory(connection: &Connection, Writer { run, now }: Writer) -> Memory<'_> {
    Memory {
        tables: Tables {
            written: connection,
            below: None,
        },
        run,
        now,
    }
}

/// The events that rows of snapshots come to, as far as what is at hand tells; nothing of it stays.
fn reached(
    connection: &Connection,
    source: SnapshotSource<'_>,
    shown: &[Shown<'_>],
    run: Option<i64>,
) -> rusqlite::Result<Vec<EventKey>> {
    connection.execute_batch("SAVEPOINT looking")?;
    let now = Clock::System.now();
    let sights = memory(connection, Writer { run, now }).sight_all(source, shown);
    connection.execute_batch("ROLLBACK TO looking; RELEASE looking")?;
    let told = sights?.told.into_iter();
    let keys = told.filter_map(|told| match told.sight {
        Sight::Event { id, .. } => Some(EventKey::in_dataset(source.dataset, id)),
        _ => None,
    });
    Ok(keys.collect())
}

fn in_memory(error: rusqlite::Error) -> LedgerError {
    LedgerError::sqlite(tables::PLACE.as_ref(), error)
}

fn final_in_memory(error: rusqlite::Error) -> Failure {
    Failure::Final(in_memory(error))
}

/// The number of the lock of a dataset. That of another may be the same, which costs no more than some waiting.
fn lock_of(dataset: &str) -> i64 {
    let digest: [u8; 32] = Sha256::digest(dataset).into();
    let [a, b, c, d, ..] = digest;
    i32::from_be_bytes([a, b, c, d]).into()
}

/// The server's clock, unless another is given.
fn by(clock: Clock, server: i64) -> i64 {
    match clock {
        Clock::System => server,
        given => given.now(),
    }
}

/// Takes the lock that says that a run is alive, out of the hands of a session of its own that is lost.
fn hold(session: &Session, run: i64) -> Result<(), Failure> {
    session.ask(&[
        Statement::new(
            "SELECT pg_terminate_backend(pid) FROM pg_locks
             WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = 'run'::regclass AND objid::bigint = $1
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
               AND pid <> pg_backend_pid()",
            vec![run.into()],
        ),
        Statement::new(
            "SELECT pg_advisory_lock('run'::regclass::oid::int, $1::bigint::int)",
            vec![run.into()],
        ),
    ])?;
    Ok(())
}

/// The tables of a server, in a transaction that only reads.
struct ServerTables<'a> {
    session: &'a Session,
    /// How the server was lost meanwhile.
    lost: std::cell::Cell<Option<String>>,
}

impl Sql for ServerTables<'_> {
    const MAY_HOLD_ANY: &'static str = "EXISTS (
        SELECT FROM generate_series(0, length($2::bytea) / 8 - 1) AS number
        WHERE position(substring($2::bytea FROM number * 8 + 1 FOR 8) IN event.people) > 0)";

    fn each(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: &mut dyn FnMut(Row) -> Result<(), Unreadable>,
    ) -> Result<(), LedgerError> {
        let values = values.iter().map(|value| Column::One(*value)).collect();
        let rows = match self.session.ask(&[Statement::new(sql, values)]) {
            Ok(mut answers) => answers.pop().unwrap_or_default(),
            Err(Failure::Final(error)) => return Err(error),
            Err(Failure::Lost(lost)) => {
                let error = LedgerError::Unreachable {
                    ledger: self.session.ledger().to_owned(),
                    cause: lost.clone(),
                };
                self.lost.set(Some(lost));
                return Err(error);
            }
        };
        for row in rows {
            read(row).map_err(|Unreadable| LedgerError::Damaged(self.session.ledger().into()))?;
        }
        Ok(())
    }
}

impl Ledger for PostgresLedger {
    fn look_up(&mut self, dataset: &str, events: &[Event]) -> Result<Vec<Known>, LedgerError> {
        let (known, news) = self.persist(|ledger| ledger.known(dataset, events))?;
        if self.run.is_none() || news.is_empty() {
            return Ok(known);
        }
        self.transact(
            dataset,
            |ledger| {
                let of_news = news.indexes().map(|index| &events[index]);
                ledger.lay(fetch::known(dataset, ledger.run, of_news))
            },
            |connection, writer| {
                let mut known = known.clone();
                let of = (dataset, events);
                entries::learn_all(connection, writer, of, &news, &mut known)?;
                Ok(known)
            },
        )
    }

    fn expired(&mut self, dataset: &str, now: i64) -> Result<HashSet<EventKey>, LedgerError> {
        self.read(|server| events::expired(server, dataset, now))
    }

    fn start_run(&mut self, run: &RunStart<'_>) -> Result<(), LedgerError> {
        if let Some(earlier) = self.run.take() {
            self.with_session(|session| release(session, earlier))?;
        }
        let token: [u8; 16] = std::array::from_fn(|_| fastrand::u8(..));
        let clock = self.clock;
        let (id, is_due) = self.with_session(|session| note_start(session, run, &token, clock))?;
        self.run = Some(id);
        self.writes = 0;
        run.dataset.clone_into(&mut self.dataset);
        self.with_session(|session| hold(session, id))?;
        if let Some(now) = is_due {
            self.with_session(|session| forget_old(session, now))?;
        }
        Ok(())
    }

    fn write(&mut self, entries: &[Entry]) -> Result<Vec<Vec<Begun>>, LedgerError> {
        let mut dataset = self.dataset.clone();
        for entry in entries {
            if let (None, Entry::Keep { dataset: of, .. }) = (self.run, entry) {
                dataset = of.to_string();
            }
        }
        self.transact(
            &dataset,
            |ledger| ledger.lay(fetch::entries(&dataset, ledger.run, entries)),
            |connection, writer| {
                let make = |entry| entries::make(connection, writer, &dataset, entry);
                entries.iter().map(make).collect()
            },
        )
    }

    fn finish_run(&mut self, end: &RunEnd) -> Result<(), LedgerError> {
        let Some(run) = self.run else { return Ok(()) };
        let counts = &end.counts;
        let counts = [
            counts.events,
            counts.skipped_old,
            counts.skipped_delivered,
            counts.accepted,
            counts.rejected,
            counts.undelivered,
            counts.uncertain,
            counts.requests,
        ];
        let counts = counts.map(|count| i64::try_from(count).unwrap_or(i64::MAX).into());
        let first = [
            run.into(),
            end.now.into(),
            i64::from(end.exit_status).into(),
            i64::from(end.is_rehearsal).into(),
        ];
        self.with_session(|session| {
            let values = first.iter().chain(&counts).cloned().collect();
            // Noting it again notes the same.
            session.change(&Statement::new(
                "UPDATE run SET ended = $2, exit_status = $3, rehearsal = $4, events = $5, skipped_old = $6,
                        skipped_delivered = $7, accepted = $8, rejected = $9, undelivered = $10, uncertain = $11,
                        requests = $12
                 WHERE id = $1",
                values,
            ))?;
            release(session, run)
        })
    }

    fn snapshots(&mut self) -> Option<&mut dyn Snapshots> {
        Some(self)
    }

    fn note_leads(&mut self, dataset: &str, leads: &[ToldLead]) -> Result<u64, LedgerError> {
        self.write_beside(|tables, now| leadgen::note(tables, dataset, leads, now))
    }

    fn take_leads(&mut self, dataset: &str) -> Result<Vec<DueLead>, LedgerError> {
        self.write_beside(|tables, now| leadgen::take(tables, dataset, now))
    }

    fn put_lead_off(&mut self, lead: (&str, &str), until: i64) -> Result<(), LedgerError> {
        self.write_beside(|tables, _| leadgen::put_off(tables, lead, until))
    }

    fn forget_lead(&mut self, lead: (&str, &str)) -> Result<(), LedgerError> {
        self.write_beside(|tables, _| leadgen::forget(tables, lead))
    }

    fn queue(&mut self, dataset: &str) -> Result<Queue, LedgerError> {
        self.read(|server| pending::queue(server, dataset))
    }
}

/// Gives back the lock of a run: what it left in flight is in nobody's hand.
fn release(session: &Session, run: i64) -> Result<(), Failure> {
    session.ask(&[Statement::new(
        "SELECT pg_advisory_unlock('run'::regclass::oid::int, $1::bigint::int)",
        vec![run.into()],
    )])?;
    Ok(())
}

/// Notes that a run starts; noting it again finds it. Gives its id, and the time that forgetting goes by when it is due.
fn note_start(
    session: &Session,
    run: &RunStart<'_>,
    token: &[u8; 16],
    clock: Clock,
) -> Result<(i64, Option<i64>), Failure> {
    let mut answers = session.ask(&[Statement::new(
        "SELECT floor(extract(epoch FROM clock_timestamp()))::bigint,
                (SELECT clock FROM run ORDER BY id DESC LIMIT 1), (SELECT pruned FROM ledger)",
        vec![],
    )])?;
    let mut times = answers.pop().and_then(|mut rows| rows.pop());
    let mut time = |index| times.as_mut().and_then(|row| row.take::<i64>(index).ok());
    let now = by(clock, time(0).unwrap_or_default());
    let (believed, pruned) = (forget::believed(time(1), now), time(2).unwrap_or_default());
    let token: &[u8] = token;
    let started = [
        run.dataset.into(),
        run.now.into(),
        believed.into(),
        token.into(),
    ];
    let mut answers = session.ask(&[
        Statement::new(
            "INSERT INTO run (dataset, started, clock, token) VALUES ($1, $2, $3, $4) ON CONFLICT (token) DO NOTHING",
            started.to_vec(),
        ),
        Statement::new("SELECT id FROM run WHERE token = $1", vec![token.into()]),
    ])?;
    let row = answers.pop().and_then(|mut rows| rows.pop());
    let id = row.and_then(|mut row| row.take(0).ok());
    let id = id.ok_or_else(|| Failure::Lost("the run was not noted".to_owned()))?;
    Ok((
        id,
        (believed - pruned >= FORGET_SECONDS).then_some(believed),
    ))
}

/// Forgets what no run can need any more, while no other writes.
fn forget_old(session: &Session, now: i64) -> Result<(), Failure> {
    session.ask(&[
        Statement::new("BEGIN", vec![]),
        Statement::new(
            "SELECT pg_advisory_xact_lock('ledger'::regclass::oid::int, 0)",
            vec![],
        ),
    ])?;
    forget::forget(now, &mut |sql, time| {
        let values = time.map(Column::from).into_iter().collect();
        session.change(&Statement::new(sql, values))
    })?;
    session.change(&Statement::new(
        "UPDATE ledger SET pruned = $1",
        vec![now.into()],
    ))?;
    session.batch("COMMIT")
}

impl Snapshots for PostgresLedger {
    fn is_first_run(&mut self, source: SnapshotSource<'_>) -> Result<bool, LedgerError> {
        self.persist(|ledger| {
            ledger.lay(vec![fetch::source(source)])?;
            snapshot::is_first_run(ledger.at_hand.connection(), source).map_err(final_in_memory)
        })
    }

    fn sight(
        &mut self,
        source: SnapshotSource<'_>,
        shown: &[Shown<'_>],
    ) -> Result<Sights, LedgerError> {
        self.transact(
            source.dataset,
            |ledger| ledger.lay_leads(source, shown),
            |connection, writer| memory(connection, writer).sight_all(source, shown),
        )
    }

    fn overdue(&mut self, dataset: &str) -> Result<Vec<Pending>, LedgerError> {
        self.transact(
            dataset,
            |ledger| ledger.lay(fetch::overdue(dataset, ledger.run)),
            |connection, writer| pending::take_more(connection, dataset, writer.run),
        )
    }

    fn give_up(&mut self, events: &[EventKey]) -> Result<(), LedgerError> {
        let dataset = self.dataset.clone();
        self.transact(
            &dataset,
            |ledger| ledger.lay(fetch::of_snapshots(events)),
            |connection, _| {
                let mut events = events.iter();
                events.try_for_each(|event| pending::give_up(connection, *event))
            },
        )
    }

    fn complete(&mut self, source: SnapshotSource<'_>) -> Result<(), LedgerError> {
        self.transact(
            source.dataset,
            |ledger| ledger.lay(vec![fetch::source(source)]),
            |connection, writer| snapshot::complete(connection, source, writer.now),
        )
    }
}

#[cfg(test)]
mod tests;
