//! Where tests keep ledgers: the same ones run on a file and on a server.

use std::cell::Cell;
use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use super::postgres::server::Database;
use super::*;
use crate::time::Clock;

/// A process that is started somewhere holds the locks of this one for a moment.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// What tests do with a ledger, wherever it is.
pub(crate) trait Store: Ledger + Snapshots {
    fn status(&mut self, dataset: Option<&str>, now: i64, runs: usize) -> Status;
    fn set_clock(&mut self, clock: Clock);
    /// Goes on as another run, and gives the one that it was.
    fn become_run(&mut self, run: Option<i64>) -> Option<i64>;
    /// Lets it look for what earlier runs left.
    fn grow_old(&mut self);
    /// How many rows a table has.
    fn count(&mut self, table: &str) -> i64;
    /// Notes what a channel was told of a subject.
    fn told(&mut self, subject: &str, channel: &str, state: &str);
    /// Forgets what nobody needs at a time.
    fn forget_at(&mut self, now: i64);
}

impl dyn Store {
    pub(crate) fn begin(&mut self, events: &[Event]) -> Result<Vec<Begun>, LedgerError> {
        Ok(self.write(&[Entry::Begin(events.to_vec())])?.remove(0))
    }

    pub(crate) fn settle(&mut self, outcomes: &[(Event, Settled)]) -> Result<(), LedgerError> {
        self.write(&[Entry::Settle(outcomes.to_vec(), None)])
            .map(drop)
    }
}

/// Where a test keeps its ledger.
pub(crate) enum Place {
    Folder(tempfile::TempDir),
    Server(Box<Database>),
}

thread_local! {
    /// Whether places of this thread are on a server.
    static ON_SERVER: Cell<bool> = const { Cell::new(false) };
}

/// Runs a test with its places on a server, where there is one.
pub(crate) fn on_server(test: impl FnOnce()) {
    if Database::new().is_some() {
        ON_SERVER.set(true);
        test();
    }
}

/// Runs tests on a server as well.
macro_rules! also_on_server {
    ($($test:ident,)*) => {
        mod on_server {
            $(
                #[test]
                fn $test() {
                    crate::ledger::testing::on_server(super::$test);
                }
            )*
        }
    };
}
pub(crate) use also_on_server;

impl Place {
    pub(crate) fn new() -> Self {
        match ON_SERVER.get() {
            true => Self::server().unwrap(),
            false => Self::folder(),
        }
    }

    /// A place on this machine.
    pub(crate) fn folder() -> Self {
        Self::Folder(tempfile::tempdir().unwrap())
    }

    /// A place on a server, where there is one.
    pub(crate) fn server() -> Option<Self> {
        Some(Self::Server(Box::new(Database::new()?)))
    }

    /// A ledger that is opened once.
    pub(crate) fn anywhere() -> Box<dyn Store> {
        match ON_SERVER.get() {
            true => Self::new().open(),
            false => Box::new(SqliteLedger::in_memory()),
        }
    }

    pub(crate) fn target(&self) -> LedgerTarget {
        match self {
            Self::Folder(_) => LedgerTarget::File(self.path()),
            Self::Server(database) => {
                LedgerTarget::Server(Address::parse(&database.url()).unwrap())
            }
        }
    }

    fn path(&self) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.path().join("ledger.sqlite3"),
            Self::Server(_) => unreachable!(),
        }
    }

    pub(crate) fn open(&self) -> Box<dyn Store> {
        match self.target() {
            LedgerTarget::File(path) => Box::new(SqliteLedger::open(&path, PATIENCE).unwrap()),
            LedgerTarget::Server(address) => {
                Box::new(PostgresLedger::open(&address, Duration::ZERO).unwrap())
            }
            LedgerTarget::None => unreachable!(),
        }
    }

    /// Opens the ledger for a run that starts at `now`, which is what the clock shows.
    pub(crate) fn start(&self, now: i64) -> Box<dyn Store> {
        self.start_at(now, now)
    }

    /// Opens the ledger for a run that is told it is `now`, while the clock shows `clock`.
    pub(crate) fn start_at(&self, now: i64, clock: i64) -> Box<dyn Store> {
        let mut ledger = self.open();
        ledger.set_clock(Clock::Fixed(clock));
        let dataset = "123";
        ledger
            .start_run(&RunStart {
                dataset,
                now,
                in_flight: 0,
            })
            .unwrap();
        ledger
    }

    pub(crate) fn reader(&self) -> Option<LedgerReader> {
        LedgerReader::open(&self.target()).unwrap()
    }
}

impl Ledger for Box<dyn Store> {
    fn look_up(&mut self, dataset: &str, events: &[Event]) -> Result<Vec<Known>, LedgerError> {
        (**self).look_up(dataset, events)
    }
    fn expired(&mut self, dataset: &str, now: i64) -> Result<HashSet<EventKey>, LedgerError> {
        (**self).expired(dataset, now)
    }
    fn start_run(&mut self, run: &RunStart<'_>) -> Result<(), LedgerError> {
        (**self).start_run(run)
    }
    fn write(&mut self, entries: &[Entry]) -> Result<Vec<Vec<Begun>>, LedgerError> {
        (**self).write(entries)
    }
    fn finish_run(&mut self, end: &RunEnd) -> Result<(), LedgerError> {
        (**self).finish_run(end)
    }
    fn snapshots(&mut self) -> Option<&mut dyn Snapshots> {
        (**self).snapshots()
    }
    fn note_leads(&mut self, dataset: &str, leads: &[ToldLead]) -> Result<u64, LedgerError> {
        (**self).note_leads(dataset, leads)
    }
    fn take_leads(&mut self, dataset: &str) -> Result<Vec<DueLead>, LedgerError> {
        (**self).take_leads(dataset)
    }
    fn put_lead_off(&mut self, lead: (&str, &str), until: i64) -> Result<(), LedgerError> {
        (**self).put_lead_off(lead, until)
    }
    fn forget_lead(&mut self, lead: (&str, &str)) -> Result<(), LedgerError> {
        (**self).forget_lead(lead)
    }
    fn queue(&mut self, dataset: &str) -> Result<Queue, LedgerError> {
        (**self).queue(dataset)
    }
}

impl Snapshots for Box<dyn Store> {
    fn is_first_run(&mut self, source: SnapshotSource<'_>) -> Result<bool, LedgerError> {
        (**self).is_first_run(source)
    }
    fn sight(
        &mut self,
        source: SnapshotSource<'_>,
        shown: &[Shown<'_>],
    ) -> Result<Sights, LedgerError> {
        (**self).sight(source, shown)
    }
    fn overdue(&mut self, dataset: &str) -> Result<Vec<Pending>, LedgerError> {
        (**self).overdue(dataset)
    }
    fn give_up(&mut self, events: &[EventKey]) -> Result<(), LedgerError> {
        (**self).give_up(events)
    }
    fn complete(&mut self, source: SnapshotSource<'_>) -> Result<(), LedgerError> {
        (**self).complete(source)
    }
}
