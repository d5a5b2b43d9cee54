//! What a ledger says of events and what entries change, in whatever tables are at hand: a file's, or those that hold what a
//! call concerns of a larger store.

use std::cmp::Reverse;
use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};

use super::state::{
    ACCEPTED, ELSEWHERE, IN_HAND, REJECTED, RESTS, SENDING, WITHOUT_RECEIPT, fingerprint,
};
use super::{Begun, Entry, Known, Settled, Standing, alias, events, pending, people};
use crate::event::{Event, EventKey, Fingerprint};

/// Who writes, and when by the real clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writer {
    pub(super) run: Option<i64>,
    pub(super) now: i64,
}

/// What there is to learn of the leads of events: the indexes of those that are known by less than now, and of those that
/// are known under another id, the best matches first.
#[derive(Debug, Default)]
pub(super) struct News {
    grown: Vec<usize>,
    by_others: Vec<usize>,
}

impl News {
    pub(super) fn is_empty(&self) -> bool {
        self.grown.is_empty() && self.by_others.is_empty()
    }

    /// The indexes of all these events.
    pub(super) fn indexes(&self) -> impl Iterator<Item = usize> + '_ {
        self.grown.iter().chain(&self.by_others).copied()
    }
}

/// What is known of events. `has_past` is whether earlier runs may have left anything: what a run begins itself is compared
/// as it begins.
pub(super) fn look_up(
    connection: &Connection,
    run: Option<i64>,
    (dataset, has_past): (&str, bool),
    events: &[Event],
) -> rusqlite::Result<(Vec<Known>, News)> {
    let (mut known, mut grown) = by_own_id(connection, run, events)?;
    grown.sort_unstable();
    let by_others = match has_past {
        true => by_other_ids(connection, run, dataset, events, &mut known)?,
        false => Vec::new(),
    };
    Ok((known, News { grown, by_others }))
}

/// Learns what is new of leads, and corrects what is known of events accordingly.
pub(super) fn learn_all(
    connection: &Connection,
    writer: Writer,
    (dataset, events): (&str, &[Event]),
    news: &News,
    known: &mut [Known],
) -> rusqlite::Result<()> {
    for index in &news.grown {
        learn(connection, dataset, &events[*index], None, writer.now)?;
    }
    // One event stands for one lead: whom the better match has made it, others may not be any more.
    for index in &news.by_others {
        let event = &events[*index];
        let same = alias::find(connection, dataset, event, writer.run)?;
        known[*index] = same.map_or(Known::own(Standing::New), Known::other);
        if let Some(same) = same {
            learn(connection, dataset, event, Some(same.id), writer.now)?;
        }
    }
    Ok(())
}

/// Makes an entry. Says of events that begin whether they may be sent.
pub(super) fn make(
    connection: &Connection,
    writer: Writer,
    dataset: &str,
    entry: &Entry,
) -> rusqlite::Result<Vec<Begun>> {
    match entry {
        Entry::Begin(events) => begin(connection, writer, dataset, events),
        Entry::Settle(outcomes, trace) => {
            settle(connection, writer, dataset, outcomes)?;
            trace_back(connection, writer, outcomes, trace.as_deref())?;
            Ok(Vec::new())
        }
        Entry::Keep { dataset, events } => pending::keep(connection, dataset, events, writer.now),
    }
}

/// What is known of events by their own ids, and which of them are known by less than now.
fn by_own_id(
    connection: &Connection,
    run: Option<i64>,
    events: &[Event],
) -> rusqlite::Result<(Vec<Known>, Vec<usize>)> {
    // In the order of the keys, neighbours share the pages they stand on.
    let mut order: Vec<usize> = (0..events.len()).collect();
    order.sort_unstable_by_key(|index| events[*index].key);
    let mut known = vec![Known::own(Standing::New); events.len()];
    let mut grown = Vec::new();
    let mut select = connection.prepare_cached(
        "SELECT state, run, code, subcode, fingerprint, attempts, known_as FROM event WHERE key = ?1",
    )?;
    for index in order {
        let event = &events[index];
        let found = select
            .query_row([event.key.0.as_slice()], |row| {
                let (state, by): (i64, i64) = (row.get(0)?, row.get(1)?);
                let standing = match state {
                    _ if Some(by) == run => Standing::ThisRun,
                    ACCEPTED => Standing::Accepted,
                    ELSEWHERE => Standing::Elsewhere,
                    REJECTED if row.get::<_, Option<[u8; 8]>>(4)? != Some(fingerprint(event)) => {
                        Standing::New
                    }
                    REJECTED => Standing::Refused {
                        code: row.get(2)?,
                        subcode: row.get(3)?,
                    },
                    _ if row.get::<_, i64>(5)? >= RESTS => Standing::Resting,
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
    connection: &Connection,
    run: Option<i64>,
    dataset: &str,
    events: &[Event],
    known: &mut [Known],
) -> rusqlite::Result<Vec<usize>> {
    let mut found = Vec::new();
    for (index, (event, known)) in events.iter().zip(known).enumerate() {
        if known.standing == Standing::New
            && let Some(same) = alias::find(connection, dataset, event, run)?
        {
            *known = Known::other(same);
            found.push((Reverse(same.merit()), index));
        }
    }
    found.sort_unstable();
    Ok(found.into_iter().map(|(_, index)| index).collect())
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
         VALUES (?1, ?2, 0, ?3, ?4, ?9, ?5, ?6, ?7, ?8)
         ON CONFLICT DO NOTHING",
    )?;
    let mut select =
        connection.prepare_cached("SELECT state, run, known_as FROM event WHERE key = ?1")?;
    let mut update = connection.prepare_cached(
        "UPDATE event SET time = ?2, state = 0, run = ?3, settled = ?4, attempts = attempts + ?7,
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
        let row = (
            key, event.time, run, now, name, &people, kinds, known_as, IN_HAND,
        );
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
        if state == ELSEWHERE {
            return Ok(Begun::Elsewhere);
        }
        update.execute((key, event.time, run, now, name, &people, IN_HAND))?;
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
    let known = same.filter(|same| same.is_in_hand());
    if known.is_some() {
        connection
            .prepare_cached("DELETE FROM event WHERE key = ?1")?
            .execute([event.key.0.as_slice()])?;
    }
    learn(connection, dataset, event, known.map(|same| same.id), now)?;
    Ok(match known.map(|same| same.standing) {
        Some(Standing::Elsewhere) => Begun::Elsewhere,
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
        "UPDATE event SET attempts = attempts - ?3 WHERE key = ?1 AND run IS ?2 AND attempts > ?3",
    )?;
    let mut discount = connection.prepare_cached(
        "UPDATE event SET attempts = max(attempts - ?3, ?3) WHERE key = ?1 AND run IS ?2",
    )?;
    let mut count_against = connection
        .prepare_cached("UPDATE event SET attempts = attempts + ?3 WHERE key = ?1 AND run IS ?2")?;
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
                pending::refuse(connection, event.key, &event.json)?;
                reject.execute((key, run, now, code, subcode, fingerprint(event)))?
            }
            // What an earlier run left uncertain stays so.
            Settled::Unsent => match take_back.execute((key, run, IN_HAND))? {
                0 => {
                    alias::unlearn(connection, dataset, event)?;
                    forget.execute((key, run))?
                }
                hit => hit,
            },
            // Where another run has overtaken this one, that one counts.
            Settled::Uncertain => {
                count_against.execute((key, run, WITHOUT_RECEIPT - IN_HAND))?;
                1
            }
            Settled::Abandoned => 1,
            Settled::InOutage => discount.execute((key, run, IN_HAND))?,
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
