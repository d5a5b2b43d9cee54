//! Which rows a call concerns, and the statements that fetch them. Everything that the code which works on them may look at
//! has to be among them.

use std::collections::{BTreeSet, HashSet};

use super::session::{Column, Statement};
use super::tables::{
    ALIAS, DELIVERED, EVENT, IDENTITY, LEAD, NAME, PENDING, SOURCE, STAGE, TRACE, Table,
};
use crate::event::{Event, EventKey, LeadKey, SourceKey, identity};
use crate::ledger::leads::{MAX_OWNERS, next_key};
use crate::ledger::pending::PAGE;
use crate::ledger::snapshot::{Shown, SnapshotSource};
use crate::ledger::state::ELSEWHERE;
use crate::ledger::{Entry, Settled};

/// The runs that are alive: each holds a lock for as long as its session lasts, and no longer.
pub(super) const ALIVE: &str = "SELECT objid::bigint FROM pg_locks
     WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = 'crm2capi.run'::regclass
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// A statement whose answer is of rows of a table, or has none.
pub(super) struct Fetch {
    pub table: Option<&'static Table>,
    pub statement: Statement<'static>,
}

impl Fetch {
    fn of(table: &'static Table, from: &str, values: Vec<Column<'static>>) -> Self {
        let sql = format!("SELECT {} FROM {from}", table.list(table.name));
        Self {
            table: Some(table),
            statement: Statement {
                sql: sql.into(),
                values,
            },
        }
    }

    /// Events, those among them in flight that another run has in hand which is alive.
    fn of_events(run: Option<i64>, from: &str, values: Vec<Column<'static>>) -> Self {
        let mut fetch = Self::of(EVENT, from, values);
        let state = format!(
            "CASE WHEN event.state = 0 AND event.run <> {} AND event.run IN ({ALIVE}) THEN {ELSEWHERE}
                  ELSE event.state END",
            run.unwrap_or_default(),
        );
        let sql = fetch.statement.sql.replacen("event.state", &state, 1);
        fetch.statement.sql = sql.into();
        fetch
    }
}

/// The run of `table` is not that of another which is alive.
fn is_free(table: &str, run: Option<i64>) -> String {
    let run = run.unwrap_or_default();
    format!("({table}.run IS NULL OR {table}.run = {run} OR {table}.run NOT IN ({ALIVE}))")
}

fn keys<'k>(keys: impl IntoIterator<Item = &'k [u8; 16]>) -> Column<'static> {
    // Each once and in order, so that neighbours are found together.
    let keys: BTreeSet<&[u8; 16]> = keys.into_iter().collect();
    Column::Bytes(keys.into_iter().map(|key| Some(key.to_vec())).collect())
}

/// Events by their own keys.
pub(super) fn events<'e>(run: Option<i64>, events: impl Iterator<Item = &'e Event>) -> Fetch {
    let own = keys(events.map(|event| &event.key.0));
    Fetch::of_events(run, "event WHERE key = ANY($1)", vec![own])
}

/// Events by all ids that they have or could have, and what these lead to.
pub(super) fn known<'e>(
    dataset: &str,
    run: Option<i64>,
    events: impl Iterator<Item = &'e Event>,
) -> Vec<Fetch> {
    let mut all: BTreeSet<[u8; 16]> = BTreeSet::new();
    let mut aliases: BTreeSet<(i64, [u8; 16])> = BTreeSet::new();
    for event in events {
        all.insert(event.key.0);
        for (_, id) in event.known_by.ids(&event.name) {
            let key = EventKey::in_dataset(dataset, id).0;
            all.insert(key);
            aliases.insert((event.known_by.time, key));
        }
    }
    let all = keys(&all);
    if aliases.is_empty() {
        return vec![Fetch::of_events(
            run,
            "event WHERE key = ANY($1)",
            vec![all],
        )];
    }
    let times = Column::Numbers(aliases.iter().map(|(time, _)| Some(*time)).collect());
    let of_aliases = aliases.iter().map(|(_, key)| Some(key.to_vec()));
    let of_aliases = Column::Bytes(of_aliases.collect());
    let salt = [dataset.as_bytes(), b"\0"].concat();
    // As EventKey::in_dataset.
    let from = "event WHERE key IN (
            SELECT unnest($1::bytea[]) UNION
            SELECT substring(sha256($4::bytea || alias.event) FROM 1 FOR 16)
            FROM unnest($2::bigint[], $3::bytea[]) AS asked (time, key) JOIN alias USING (time, key))";
    let salt = Column::Bytes(vec![Some(salt)]);
    let from = from.replace("$4::bytea", "($4::bytea[])[1]");
    vec![
        Fetch::of(
            ALIAS,
            "unnest($1::bigint[], $2::bytea[]) AS asked (time, key) JOIN alias USING (time, key)",
            vec![times.clone(), of_aliases.clone()],
        ),
        Fetch::of_events(run, &from, vec![all, times, of_aliases, salt]),
    ]
}

/// All that entries concern.
pub(super) fn entries(dataset: &str, run: Option<i64>, entries: &[Entry]) -> Vec<Fetch> {
    let (mut compared, mut settled): (Vec<&Event>, Vec<&Event>) = (Vec::new(), Vec::new());
    let mut kept: Vec<&[u8; 16]> = Vec::new();
    let (mut names, mut traces): (BTreeSet<&str>, BTreeSet<&str>) = Default::default();
    for entry in entries {
        match entry {
            Entry::Begin(events) => {
                compared.extend(events);
                names.extend(events.iter().map(|event| &*event.name));
            }
            Entry::Keep { events, .. } => {
                compared.extend(events);
                kept.extend(events.iter().map(|event| &event.key.0));
            }
            Entry::Settle(outcomes, trace) => {
                settled.extend(outcomes.iter().map(|(event, _)| event));
                let unsent = outcomes
                    .iter()
                    .filter(|(_, settled)| *settled == Settled::Unsent);
                compared.extend(unsent.map(|(event, _)| event));
                traces.extend(trace.as_deref());
            }
        }
    }
    let mut fetches = Vec::new();
    kept.extend(settled.iter().map(|event| &event.key.0));
    if !kept.is_empty() {
        let own = vec![keys(kept)];
        fetches.push(Fetch::of(PENDING, "pending WHERE key = ANY($1)", own));
    }
    if !settled.is_empty() {
        fetches.push(events(run, settled.iter().copied()));
        fetches.push(Fetch::of(
            DELIVERED,
            "delivered WHERE run = $1",
            vec![run.unwrap_or_default().into()],
        ));
    }
    if !compared.is_empty() {
        fetches.extend(known(dataset, run, compared.into_iter()));
    }
    fetches.extend(texts(NAME, &names));
    fetches.extend(texts(TRACE, &traces));
    fetches
}

/// Texts that a table numbers, added where they are not there. In order, so that runs which add the same wait for each other
/// and not in a circle.
fn texts(table: &'static Table, texts: &BTreeSet<&str>) -> Vec<Fetch> {
    if texts.is_empty() {
        return Vec::new();
    }
    let texts = texts.iter().map(|text| Some((*text).to_owned()));
    let texts = Column::Texts(texts.collect());
    let name = table.name;
    let add = format!(
        "INSERT INTO {name} (name) SELECT asked FROM unnest($1::text[]) AS asked
         WHERE NOT EXISTS (SELECT 1 FROM {name} WHERE name = asked) ORDER BY asked ON CONFLICT DO NOTHING"
    );
    let add = Fetch {
        table: None,
        statement: Statement {
            sql: add.into(),
            values: vec![texts.clone()],
        },
    };
    let from = format!("{name} WHERE name = ANY($1)");
    vec![add, Fetch::of(table, &from, vec![texts])]
}

/// Whether a source was read to its end.
pub(super) fn source(source: SnapshotSource<'_>) -> Fetch {
    let key = SourceKey::new(source.dataset, source.crm);
    Fetch::of(
        SOURCE,
        "snapshot_source WHERE source = ANY($1)",
        vec![keys([&key.0])],
    )
}

/// The leads that rows may mean, whom nobody knows of yet in part.
#[derive(Default)]
pub(super) struct Leads {
    keys: HashSet<LeadKey>,
    identities: HashSet<LeadKey>,
    asked: HashSet<LeadKey>,
}

impl Leads {
    pub(super) fn of(dataset: &str, shown: &[Shown<'_>]) -> Self {
        let mut leads = Self::default();
        for one in shown {
            leads.keys.insert(one.sighting.lead.in_dataset(dataset));
            for (_, identity) in identity::each(one.identities) {
                let identity = LeadKey::of_identity(identity).in_dataset(dataset);
                leads.identities.insert(identity);
            }
        }
        leads
    }

    /// What there is to fetch of them, and of whoever may take a key that is theirs.
    pub(super) fn fetches(&mut self, run: Option<i64>) -> Vec<Fetch> {
        let next: Vec<LeadKey> = self.keys.iter().map(|key| next_key(*key)).collect();
        self.asked.extend(self.keys.iter().copied().chain(next));
        let values = || {
            let identities = self.identities.iter().map(|key| &key.0);
            vec![keys(self.asked.iter().map(|key| &key.0)), keys(identities)]
        };
        let owners = format!(
            "SELECT found.identity, found.lead FROM unnest($2::bytea[]) AS asked (identity) CROSS JOIN LATERAL
                (SELECT * FROM snapshot_identity AS each WHERE each.identity = asked.identity LIMIT {}) AS found",
            MAX_OWNERS + 1
        );
        let asked = format!(
            "(SELECT unnest($1::bytea[]) AS lead UNION SELECT lead FROM ({owners}) AS owners) AS asked"
        );
        let (of_lead, free) = ("USING (lead)", is_free("pending", run));
        let pending = format!("{asked} JOIN pending {of_lead} WHERE {free}");
        vec![
            Fetch::of(
                IDENTITY,
                &format!("({}) AS snapshot_identity", owners.replace("$2", "$1")),
                vec![keys(self.identities.iter().map(|key| &key.0))],
            ),
            Fetch::of(
                LEAD,
                &format!("{asked} JOIN snapshot_lead {of_lead}"),
                values(),
            ),
            Fetch::of(
                STAGE,
                &format!("{asked} JOIN snapshot_stage {of_lead}"),
                values(),
            ),
            Fetch::of(PENDING, &pending, values()),
            Fetch::of(
                STAGE,
                &format!("snapshot_stage WHERE event IN (SELECT pending.key FROM {pending})"),
                values(),
            ),
            Fetch::of_events(
                run,
                &format!("event WHERE key IN (SELECT pending.key FROM {pending})"),
                values(),
            ),
        ]
    }

    /// Adds leads that others turned out to be; says whether any of them was not asked for.
    pub(super) fn add_merged(&mut self, merged: Vec<LeadKey>) -> bool {
        let before = self.keys.len();
        let new = merged.into_iter().filter(|key| !self.asked.contains(key));
        self.keys.extend(new);
        self.keys.len() > before
    }

    /// Whether a key that one of them may take was not asked for, as `is_known` says of more than was to be expected.
    pub(super) fn is_short(
        &mut self,
        is_known: impl Fn(LeadKey) -> rusqlite::Result<bool>,
    ) -> rusqlite::Result<bool> {
        let mut missing = Vec::new();
        for key in &self.keys {
            let mut key = *key;
            while is_known(key)? {
                key = next_key(key);
            }
            if !self.asked.contains(&key) {
                missing.push(key);
            }
        }
        self.keys.extend(&missing);
        Ok(!missing.is_empty())
    }
}

/// A page of what earlier runs left, oldest first.
pub(super) fn overdue(dataset: &str, run: Option<i64>) -> Vec<Fetch> {
    let mine = run.unwrap_or_default();
    let page = format!(
        "WHERE dataset = ANY($1) AND run IS DISTINCT FROM {mine} AND {}
         ORDER BY time, id LIMIT {PAGE}",
        is_free("pending", run)
    );
    let dataset = || vec![Column::Texts(vec![Some(dataset.to_owned())])];
    vec![
        Fetch::of(PENDING, &format!("pending {page}"), dataset()),
        Fetch::of(
            STAGE,
            &format!("snapshot_stage WHERE event IN (SELECT pending.key FROM pending {page})"),
            dataset(),
        ),
        Fetch::of_events(
            run,
            &format!("event WHERE key IN (SELECT pending.key FROM pending {page})"),
            dataset(),
        ),
    ]
}

/// A page of all that is pending of a dataset behind one of them.
pub(super) fn page(dataset: &str, behind: i64) -> Vec<Fetch> {
    let page = format!(
        "pending WHERE dataset = ANY($1) AND id > {behind} AND {} ORDER BY id LIMIT {PAGE}",
        is_free("pending", None)
    );
    let dataset = || vec![Column::Texts(vec![Some(dataset.to_owned())])];
    let events = format!("event WHERE key IN (SELECT pending.key FROM {page})");
    vec![
        Fetch::of(PENDING, &page, dataset()),
        Fetch::of_events(None, &events, dataset()),
    ]
}

/// Events that rows of snapshots come to, and what of them is pending.
pub(super) fn reached(run: Option<i64>, events: &[EventKey]) -> Vec<Fetch> {
    let own = || vec![keys(events.iter().map(|key| &key.0))];
    let pending = format!(
        "pending WHERE key = ANY($1) AND {}",
        is_free("pending", run)
    );
    vec![
        Fetch::of_events(run, "event WHERE key = ANY($1)", own()),
        Fetch::of(PENDING, &pending, own()),
    ]
}

/// Events of snapshots, by their keys.
pub(super) fn of_snapshots(events: &[EventKey]) -> Vec<Fetch> {
    let own = || vec![keys(events.iter().map(|key| &key.0))];
    vec![
        Fetch::of(PENDING, "pending WHERE key = ANY($1)", own()),
        Fetch::of(STAGE, "snapshot_stage WHERE event = ANY($1)", own()),
    ]
}
