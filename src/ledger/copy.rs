//! Copies what a ledger remembers into another, of whichever store.
//!
//! In: where from and where to. Out: what there was, and how much of it was new there; or why nothing was copied at all. The
//! target changes in one transaction, and neither ledger has a run under way meanwhile. An event keeps what is the most that
//! either knows of it: accepted stays accepted, and else the later word counts. So copying again changes nothing, and a copy
//! takes nothing back that a later run has settled. What snapshots remember cannot be told apart row by row; whether one
//! ledger goes on where the other was left is told by their runs.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use super::error::LedgerError;
use super::open_tables::{OpenTables, PAGE, last_of, page};
use super::sql::{Cell, Row, Unreadable};
use super::tables::{
    ALIAS, DELIVERED, EVENT, IDENTITY, Kind, LEAD, LEADGEN, NOTICE, PENDING, RUN, SOURCE, STAGE,
    Table,
};
use super::target::LedgerTarget;
use super::{LedgerReader, PostgresLedger, SqliteLedger};

/// Runs are compared as long as no ledger has forgotten them, with a margin for clocks and for ledgers that are seldom used.
const COMPARE_SECONDS: i64 = 300 * 86_400;

/// Why nothing was copied.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    /// One of the ledgers cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// There is nothing to copy from.
    #[error(
        "there is no ledger {0}; name a file, or the address of a database, that uploads have used"
    )]
    NoLedger(String),
    /// It would be copied onto itself.
    #[error("{0} is where it is to be copied to already; name another ledger")]
    Same(String),
    /// Both know snapshots of the same leads, each in its own way.
    #[error(
        "{to} has followed the stages of the same leads as {from} by runs of its own, and which of the two is right for which \
         lead cannot be told: nothing was copied. Copy into an empty ledger, or keep the one that was used last"
    )]
    Diverged {
        /// Where from.
        from: String,
        /// Where to.
        to: String,
    },
}

/// How much there was, and how much of it was new in the target, or more than it knew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pair {
    pub found: u64,
    pub new: u64,
}

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Copied {
    /// Runs.
    pub runs: Pair,
    /// Events.
    pub events: Pair,
    /// Events that wait to be delivered and stand in no export.
    pub waiting: Pair,
    /// Leads whose stages are followed from export to export.
    pub leads: Pair,
    /// Whether the target had everything that snapshots remember, or has gone on from there.
    pub knows_snapshots: bool,
}

/// Copies a ledger into another, which is made when there is none. Each is waited for up to `wait`. `now` is in Unix seconds.
///
/// # Errors
/// Nothing is copied then.
pub(crate) fn copy(
    from: &LedgerTarget,
    to: &LedgerTarget,
    (wait, now): (Duration, i64),
) -> Result<Copied, CopyError> {
    if from == to || is_same_file(from, to) {
        return Err(CopyError::Same(from.to_string()));
    }
    if LedgerReader::exists(from)? {
        let mut source = OpenLedger::open(from, wait)?;
        let mut target = OpenLedger::open(to, wait)?;
        let named = |error| match error {
            CopyError::Diverged { .. } => CopyError::Diverged {
                from: from.to_string(),
                to: to.to_string(),
            },
            error => error,
        };
        return source
            .alone(wait, |source| {
                target.alone(wait, |target| {
                    Copying {
                        source,
                        target,
                        now,
                    }
                    .all()
                })
            })
            .map_err(named);
    }
    Err(CopyError::NoLedger(from.to_string()))
}

fn is_same_file(from: &LedgerTarget, to: &LedgerTarget) -> bool {
    let real = |target: &LedgerTarget| target.path()?.canonicalize().ok();
    real(from).is_some_and(|from| real(to) == Some(from))
}

/// A ledger that is open to be copied from or to.
enum OpenLedger {
    File(Box<SqliteLedger>),
    Server(Box<PostgresLedger>),
}

impl OpenLedger {
    fn open(target: &LedgerTarget, wait: Duration) -> Result<Self, CopyError> {
        match target {
            LedgerTarget::None => Err(CopyError::NoLedger(target.to_string())),
            LedgerTarget::File(path) => Ok(Self::File(Box::new(SqliteLedger::open(path, wait)?))),
            LedgerTarget::Server(address) => {
                Ok(Self::Server(Box::new(PostgresLedger::open(address, wait)?)))
            }
        }
    }

    fn alone<T>(
        &mut self,
        wait: Duration,
        work: impl FnOnce(&dyn OpenTables) -> Result<T, CopyError>,
    ) -> Result<T, CopyError> {
        match self {
            Self::File(ledger) => ledger.alone(work),
            Self::Server(ledger) => ledger.alone(wait, work),
        }
    }
}

/// How the target stands to the source, as far as both know runs to the same datasets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kinship {
    /// It knows no run that the source does not know: what snapshots remember there is older.
    Behind,
    /// It knows all runs of the source: it has gone on from there.
    Ahead,
    /// Each has had runs of its own.
    Apart,
}

/// Rows that only some copies need.
const NAMES: &Table = &Table {
    name: "name",
    columns: &[("name", Kind::Text)],
    keys: 1,
    number: None,
    is_whole: true,
};
const TRACES: &Table = &Table {
    name: "trace",
    ..*NAMES
};

const KEEP: &str = "ON CONFLICT DO NOTHING";
/// What is accepted stays so, and else the later word counts.
const MOST: &str = "ON CONFLICT (key) DO UPDATE SET
    time = excluded.time, state = excluded.state, run = excluded.run, code = excluded.code, subcode = excluded.subcode,
    fingerprint = excluded.fingerprint, settled = excluded.settled, attempts = excluded.attempts, name = excluded.name,
    trace = excluded.trace, people = excluded.people, kinds = excluded.kinds, known_as = excluded.known_as
    WHERE event.state <> 1 AND (excluded.state = 1 OR excluded.settled > event.settled
        OR excluded.settled = event.settled AND excluded.state > event.state)";
const LATER_NOTICE: &str = "ON CONFLICT (subject, channel) DO UPDATE SET
    state = excluded.state, changed = excluded.changed WHERE excluded.changed > notice.changed";
const LATER_LEAD: &str = "ON CONFLICT (lead) DO UPDATE SET
    latest = excluded.latest, previous = excluded.previous, touched = excluded.touched, kinds = excluded.kinds,
    known_as = excluded.known_as, merged = excluded.merged";
const LATER_STAGE: &str = "ON CONFLICT (lead, stage) DO UPDATE SET
    id = excluded.id, event = excluded.event, time = excluded.time, visits = excluded.visits,
    recorded = excluded.recorded, seen = excluded.seen, run = excluded.run";
/// An event that stands in no export goes with its row; one that was accepted waits for nothing.
const DELIVERED_WAITS: &str = "DELETE FROM pending
    WHERE EXISTS (SELECT 1 FROM event WHERE event.key = pending.key AND event.state = 1)";

/// A run and its number.
type Run = (i64, Vec<Cell>);

/// The numbers that rows have in the target, by those in the source.
#[derive(Default)]
struct Numbers {
    runs: HashMap<i64, i64>,
    names: HashMap<i64, i64>,
    traces: HashMap<i64, i64>,
}

struct Copying<'a> {
    source: &'a dyn OpenTables,
    target: &'a dyn OpenTables,
    now: i64,
}

impl Copying<'_> {
    fn all(&self) -> Result<Copied, CopyError> {
        let runs = read_runs(self.source)?;
        let datasets = self.datasets(&runs)?;
        let mut known = read_runs(self.target)?;
        known.retain(|(_, run)| dataset_of(run).is_some_and(|dataset| datasets.contains(dataset)));
        let kinship = self.kinship(&runs, &known);
        if kinship == Kinship::Apart {
            self.refuse_shared_leads()?;
        }
        let mut numbers = Numbers {
            names: self.numbered(NAMES)?,
            traces: self.numbered(TRACES)?,
            ..Numbers::default()
        };
        let mut copied = Copied {
            runs: self.runs(runs, known, &mut numbers)?,
            ..Copied::default()
        };
        copied.events = self.table(EVENT, MOST, &|row| numbers.event(row))?;
        self.table(ALIAS, KEEP, &|_| true)?;
        self.table(DELIVERED, KEEP, &|row| numbers.run(&mut row[0]))?;
        self.table(NOTICE, LATER_NOTICE, &|_| true)?;
        copied.knows_snapshots = kinship == Kinship::Ahead;
        if kinship != Kinship::Ahead {
            copied.leads = self.snapshots(&datasets, kinship, &numbers)?;
        }
        // What was taken over HTTP has no other place, wherever its ledger went on.
        let is_copied = |row: &mut Vec<Cell>| {
            let was_taken = row[ID_TIME] != Cell::Null;
            numbers.run_or_none(&mut row[RUN_OF_PENDING]);
            was_taken || kinship != Kinship::Ahead
        };
        self.table(LEADGEN, KEEP, &|_| true)?;
        copied.waiting = self.table(PENDING, KEEP, &is_copied)?;
        let delivered = self.target.change(DELIVERED_WAITS, &[])?;
        copied.waiting.new = copied.waiting.new.saturating_sub(delivered);
        Ok(copied)
    }

    /// The datasets that the source knows of.
    fn datasets(&self, runs: &[Run]) -> Result<BTreeSet<String>, CopyError> {
        let mut datasets: BTreeSet<String> = runs
            .iter()
            .filter_map(|(_, run)| dataset_of(run).map(str::to_owned))
            .collect();
        for mut row in self
            .source
            .read("SELECT DISTINCT dataset FROM pending", &[])?
        {
            datasets.extend(row.take::<String>(0));
        }
        Ok(datasets)
    }

    fn kinship(&self, source: &[Run], target: &[Run]) -> Kinship {
        let is_within = |some: &[Run], others: &[Run]| {
            let mut others = Counted::of(others);
            let is_late = |(_, run): &&Run| {
                clock_of(run).is_some_and(|clock| clock >= self.now - COMPARE_SECONDS)
            };
            let is_any_late = some.iter().any(|run| is_late(&run));
            let mut compared = some.iter().filter(|run| !is_any_late || is_late(run));
            compared.all(|(_, run)| others.take(run).is_some())
        };
        match target.is_empty() {
            true => Kinship::Behind,
            false if is_within(source, target) => Kinship::Ahead,
            false if is_within(target, source) => Kinship::Behind,
            false => Kinship::Apart,
        }
    }

    /// Two memories of the same leads are not made one.
    fn refuse_shared_leads(&self) -> Result<(), CopyError> {
        for (table, column) in [(SOURCE, "source"), (LEAD, "lead"), (IDENTITY, "identity")] {
            self.pages(table, &mut |rows| {
                let keys = rows.into_iter().filter_map(|Row(cells)| first_bytes(cells));
                let keys: Vec<Vec<u8>> = keys.collect();
                match self.target.has_any(table, column, &keys)? {
                    true => Err(CopyError::Diverged {
                        from: String::new(),
                        to: String::new(),
                    }),
                    false => Ok(()),
                }
            })?;
        }
        Ok(())
    }

    /// Copies texts that rows are numbered for, and gives their numbers in the target by those in the source.
    fn numbered(&self, table: &Table) -> Result<HashMap<i64, i64>, CopyError> {
        let sql = format!("SELECT id, name FROM {}", table.name);
        let read = |tables: &dyn OpenTables| -> Result<Vec<(i64, String)>, CopyError> {
            let rows = tables.read(&sql, &[])?;
            let pairs = rows
                .into_iter()
                .map(|mut row| Ok((row.take(0)?, row.take(1)?)));
            pairs.collect::<Result<_, Unreadable>>().map_err(damaged)
        };
        let texts = read(self.source)?;
        for some in texts.chunks(PAGE) {
            let some = some.iter().map(|(_, text)| vec![Cell::Text(text.clone())]);
            self.target.put(table, &some.collect::<Vec<_>>(), KEEP)?;
        }
        let there: HashMap<String, i64> = read(self.target)?
            .into_iter()
            .map(|(number, text)| (text, number))
            .collect();
        let pairs = texts.into_iter();
        Ok(pairs
            .filter_map(|(number, text)| Some((number, *there.get(&text)?)))
            .collect())
    }

    /// Copies runs that the target does not know, in their order.
    fn runs(
        &self,
        source: Vec<Run>,
        known: Vec<Run>,
        numbers: &mut Numbers,
    ) -> Result<Pair, CopyError> {
        let found = source.len() as u64;
        let mut known = Counted::of(&known);
        let mut new = Vec::new();
        for (number, run) in source {
            match known.take(&run) {
                Some(there) => {
                    numbers.runs.insert(number, there);
                }
                None => new.push((number, run)),
            }
        }
        for some in new.chunks(PAGE) {
            let (old, rows): (Vec<i64>, Vec<Vec<Cell>>) = some.iter().cloned().unzip();
            let there = self.target.add_runs(&rows)?;
            numbers.runs.extend(old.into_iter().zip(there));
        }
        Ok(Pair {
            found,
            new: new.len() as u64,
        })
    }

    /// Copies what snapshots remember; gives the leads.
    fn snapshots(
        &self,
        datasets: &BTreeSet<String>,
        kinship: Kinship,
        numbers: &Numbers,
    ) -> Result<Pair, CopyError> {
        let (of_lead, of_stage) = match kinship {
            Kinship::Behind => (LATER_LEAD, LATER_STAGE),
            Kinship::Ahead | Kinship::Apart => (KEEP, KEEP),
        };
        if kinship == Kinship::Behind {
            for dataset in datasets {
                // What does not wait in the source any more has been dealt with there.
                let sql = "DELETE FROM pending WHERE dataset = $1 AND id_time IS NULL";
                self.target.change(sql, &[dataset.as_str().into()])?;
            }
        }
        self.table(SOURCE, KEEP, &|_| true)?;
        self.table(IDENTITY, KEEP, &|_| true)?;
        self.table(STAGE, of_stage, &|row| {
            numbers.run_or_none(&mut row[RUN_OF_STAGE]);
            true
        })?;
        self.table(LEAD, of_lead, &|_| true)
    }

    /// Copies the rows of a table that `renumber` makes fit for the target and does not pass over.
    fn table(
        &self,
        table: &'static Table,
        on_conflict: &str,
        renumber: &dyn Fn(&mut Vec<Cell>) -> bool,
    ) -> Result<Pair, CopyError> {
        let mut pair = Pair::default();
        self.pages(table, &mut |rows| {
            let mut cells: Vec<Vec<Cell>> = rows.into_iter().map(|Row(cells)| cells).collect();
            cells.retain_mut(|row| {
                row.truncate(table.columns.len());
                renumber(row)
            });
            pair.found += cells.len() as u64;
            pair.new += self.target.put(table, &cells, on_conflict)?;
            Ok(())
        })?;
        Ok(pair)
    }

    /// Hands each page of a table of the source to `take`.
    fn pages(
        &self,
        table: &Table,
        take: &mut dyn FnMut(Vec<Row>) -> Result<(), CopyError>,
    ) -> Result<(), CopyError> {
        let mut behind: Option<Vec<Cell>> = None;
        loop {
            let rows = page(self.source, table, behind.as_deref())?;
            behind = last_of(table, &rows);
            let is_last = rows.len() < PAGE;
            if !rows.is_empty() {
                take(rows)?;
            }
            if is_last {
                return Ok(());
            }
        }
    }
}

/// Where columns stand in the rows of [`EVENT`], [`STAGE`], [`PENDING`] and [`RUN`].
const RUN_OF_EVENT: usize = 3;
const NAME_OF_EVENT: usize = 9;
const TRACE_OF_EVENT: usize = 10;
const RUN_OF_STAGE: usize = 8;
const RUN_OF_PENDING: usize = 6;
const ID_TIME: usize = 8;
const STARTED: usize = 1;
const CLOCK: usize = 12;

impl Numbers {
    fn event(&self, row: &mut [Cell]) -> bool {
        self.run_or_none(&mut row[RUN_OF_EVENT]);
        if row[RUN_OF_EVENT] == Cell::Null {
            // The run was forgotten, and no run has this number.
            row[RUN_OF_EVENT] = Cell::Number(0);
        }
        renumber(&self.names, &mut row[NAME_OF_EVENT]);
        renumber(&self.traces, &mut row[TRACE_OF_EVENT]);
        true
    }

    fn run_or_none(&self, cell: &mut Cell) {
        renumber(&self.runs, cell);
    }

    /// Whether the run is known.
    fn run(&self, cell: &mut Cell) -> bool {
        self.run_or_none(cell);
        *cell != Cell::Null
    }
}

fn renumber(numbers: &HashMap<i64, i64>, cell: &mut Cell) {
    let number = match cell {
        Cell::Number(number) => numbers.get(number).copied(),
        _ => None,
    };
    *cell = number.map_or(Cell::Null, Cell::Number);
}

/// Runs by all that is known of them, with the numbers of those that are alike.
struct Counted<'r>(HashMap<&'r [Cell], Vec<i64>>);

impl<'r> Counted<'r> {
    fn of(runs: &'r [Run]) -> Self {
        let mut counted: HashMap<&[Cell], Vec<i64>> = HashMap::new();
        for (number, run) in runs.iter().rev() {
            counted.entry(run).or_default().push(*number);
        }
        Self(counted)
    }

    /// The number of a run that is like this one and was not taken yet.
    fn take(&mut self, run: &[Cell]) -> Option<i64> {
        self.0.get_mut(run)?.pop()
    }
}

fn read_runs(tables: &dyn OpenTables) -> Result<Vec<Run>, CopyError> {
    let sql = format!("SELECT {} FROM run ORDER BY id", RUN.list("run"));
    let rows = tables.read(&sql, &[])?;
    let runs = rows.into_iter().map(|mut row| {
        let number: i64 = row.take(RUN.columns.len())?;
        row.0.truncate(RUN.columns.len());
        Ok((number, row.0))
    });
    runs.collect::<Result<_, Unreadable>>().map_err(damaged)
}

fn damaged(Unreadable: Unreadable) -> CopyError {
    LedgerError::Damaged("that is copied".into()).into()
}

fn dataset_of(run: &[Cell]) -> Option<&str> {
    match run.first() {
        Some(Cell::Text(dataset)) => Some(dataset),
        _ => None,
    }
}

/// When a run started, by the real clock as far as it is known.
fn clock_of(run: &[Cell]) -> Option<i64> {
    [CLOCK, STARTED]
        .iter()
        .find_map(|index| match run.get(*index) {
            Some(Cell::Number(time)) => Some(*time),
            _ => None,
        })
}

fn first_bytes(cells: Vec<Cell>) -> Option<Vec<u8>> {
    match cells.into_iter().next() {
        Some(Cell::Bytes(bytes)) => Some(bytes),
        _ => None,
    }
}
