//! Which lead of snapshots a row means, whatever it is known by now.
//!
//! A lead keeps the key it was first seen under. What a row knows of its lead leads to those that were known by any of
//! it, and [`Kinds::mean`] decides. A row that means several leads alike is a lead of its own; one that has something of
//! several makes them one.

use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

use crate::event::LeadKey;
use crate::event::identity::{self, Kind, Kinds};

/// What more leads than this have in common tells nobody from anybody: a switchboard.
pub(super) const MAX_OWNERS: u32 = 16;

/// A lead as exports showed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lead {
    pub latest: i64,
    pub previous: Option<i64>,
    pub touched: i64,
    pub kinds: Kinds,
    pub known_as: i64,
    /// The lead that it turned out to be.
    pub merged: Option<LeadKey>,
}

/// Which lead a row means.
pub(super) struct Meant {
    pub key: LeadKey,
    /// What is known of it; nothing when it is new.
    pub lead: Option<Lead>,
    /// Others that turn out to be the same.
    pub others: Vec<(LeadKey, Lead)>,
}

impl Meant {
    fn only(key: LeadKey, lead: Option<Lead>) -> Self {
        Self {
            key,
            lead,
            others: Vec::new(),
        }
    }
}

/// The tables of snapshots, possibly on top of others that are only read.
pub(super) struct Tables<'a> {
    pub written: &'a Connection,
    pub below: Option<&'a Connection>,
}

impl Tables<'_> {
    /// What the upper tables say, or else the lower ones.
    pub(super) fn look_up<T>(
        &self,
        find: impl Fn(&Connection) -> rusqlite::Result<Option<T>>,
    ) -> rusqlite::Result<Option<T>> {
        match (find(self.written)?, self.below) {
            (None, Some(below)) => find(below),
            (found, _) => Ok(found),
        }
    }

    /// A lead, or the one that it turned out to be.
    fn lead(&self, mut key: LeadKey) -> rusqlite::Result<Option<(LeadKey, Lead)>> {
        while let Some(lead) = self.look_up(|connection| read(connection, key))? {
            match lead.merged {
                Some(other) => key = other,
                None => return Ok(Some((key, lead))),
            }
        }
        Ok(None)
    }

    /// The lead that a row means. `own` is the key by the strongest that the row knows.
    pub(super) fn resolve(
        &self,
        dataset: &str,
        own: LeadKey,
        identities: &[u8],
    ) -> rusqlite::Result<Meant> {
        let key = own.in_dataset(dataset);
        let known_as = identity::digest(identities);
        if let Some((key, lead)) = self.lead(key)?
            && lead.known_as == known_as
        {
            return Ok(Meant::only(key, Some(lead)));
        }
        let kinds = identity::kinds(identities);
        let mut same: Vec<(LeadKey, Lead, Kinds)> = Vec::new();
        for (key, lead, shared) in self.candidates(dataset, identities)? {
            if kinds.mean(lead.kinds, shared) {
                same.push((key, lead, shared));
            }
        }
        // The strongest that is shared decides between several, then who is known by the very same, then by no more.
        let rank = |(_, lead, shared): &(LeadKey, Lead, Kinds)| {
            (
                shared.0.trailing_zeros(),
                lead.known_as != known_as,
                lead.kinds != kinds,
            )
        };
        same.sort_by_key(rank);
        match &same[..] {
            [] => Ok(Meant::only(self.free_key(key)?, None)),
            [first, second, ..] if rank(first) == rank(second) => {
                Ok(Meant::only(self.free_key(key)?, None))
            }
            [(key, lead, _), others @ ..] => {
                let are_two = |other: &Lead, shared: Kinds| {
                    !shared.has(Kind::LeadId)
                        && lead.kinds.has(Kind::LeadId)
                        && other.kinds.has(Kind::LeadId)
                };
                let others = others.iter().filter(|(_, other, shared)| {
                    other.kinds.is_told_by(*shared) && !are_two(other, *shared)
                });
                Ok(Meant {
                    key: *key,
                    lead: Some(*lead),
                    others: others.map(|(key, other, _)| (*key, *other)).collect(),
                })
            }
        }
    }

    /// Leads that are known by any of these, and by which kinds.
    fn candidates(
        &self,
        dataset: &str,
        identities: &[u8],
    ) -> rusqlite::Result<Vec<(LeadKey, Lead, Kinds)>> {
        let mut candidates: Vec<(LeadKey, Lead, Kinds)> = Vec::new();
        for (kind, identity) in identity::each(identities) {
            let identity = LeadKey::of_identity(identity).in_dataset(dataset);
            let mut owners = owners(self.written, identity)?;
            if let Some(below) = self.below {
                owners.extend(self::owners(below, identity)?);
            }
            if owners.len() > MAX_OWNERS as usize {
                continue;
            }
            for owner in owners {
                let Some((owner, lead)) = self.lead(owner)? else {
                    continue;
                };
                match candidates.iter_mut().find(|(key, ..)| *key == owner) {
                    Some((.., shared)) => shared.insert(kind),
                    None => {
                        let mut shared = Kinds::default();
                        shared.insert(kind);
                        candidates.push((owner, lead, shared));
                    }
                }
            }
        }
        Ok(candidates)
    }

    /// A key that no lead has, made of this one: what it was made of may have come to mean another lead.
    fn free_key(&self, key: LeadKey) -> rusqlite::Result<LeadKey> {
        let mut free = key;
        while self.look_up(|connection| read(connection, free))?.is_some() {
            free = next_key(free);
        }
        Ok(free)
    }
}

/// The key that a lead gets whose own is another's.
pub(super) fn next_key(key: LeadKey) -> LeadKey {
    let digest: [u8; 32] = Sha256::digest(key.0).into();
    let mut next = key;
    next.0.copy_from_slice(&digest[..16]);
    next
}

/// The leads that others turned out to be, and that are not there.
pub(super) fn merged(connection: &Connection) -> rusqlite::Result<Vec<LeadKey>> {
    let mut select = connection.prepare_cached(
        "SELECT DISTINCT merged FROM snapshot_lead
         WHERE merged IS NOT NULL AND merged NOT IN (SELECT lead FROM snapshot_lead)",
    )?;
    let found = select.query_map([], |row| Ok(LeadKey(row.get(0)?)))?;
    found.collect()
}

/// Whether a lead has a key.
pub(super) fn is_known(connection: &Connection, key: LeadKey) -> rusqlite::Result<bool> {
    read(connection, key).map(|lead| lead.is_some())
}

fn owners(connection: &Connection, identity: LeadKey) -> rusqlite::Result<Vec<LeadKey>> {
    let mut select = connection
        .prepare_cached("SELECT lead FROM snapshot_identity WHERE identity = ?1 LIMIT ?2")?;
    let found = select.query_map((identity.0.as_slice(), MAX_OWNERS + 1), |row| {
        Ok(LeadKey(row.get(0)?))
    })?;
    found.collect()
}

fn read(connection: &Connection, key: LeadKey) -> rusqlite::Result<Option<Lead>> {
    connection
        .prepare_cached(
            "SELECT latest, previous, touched, kinds, known_as, merged FROM snapshot_lead WHERE lead = ?1",
        )?
        .query_row([key.0.as_slice()], |row| {
            Ok(Lead {
                latest: row.get(0)?,
                previous: row.get(1)?,
                touched: row.get(2)?,
                kinds: Kinds(row.get(3)?),
                known_as: row.get(4)?,
                merged: row.get::<_, Option<_>>(5)?.map(LeadKey),
            })
        })
        .optional()
}

/// Writes a lead.
pub(super) fn write(connection: &Connection, key: LeadKey, lead: &Lead) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO snapshot_lead (lead, latest, previous, touched, kinds, known_as, merged)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((
            key.0.as_slice(),
            lead.latest,
            lead.previous,
            lead.touched,
            lead.kinds.0,
            lead.known_as,
            lead.merged.as_ref().map(|merged| merged.0.as_slice()),
        ))?;
    Ok(())
}

/// Notes everything that a lead is known by in a row.
pub(super) fn learn(
    connection: &Connection,
    dataset: &str,
    key: LeadKey,
    identities: &[u8],
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO snapshot_identity (identity, lead) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
    )?;
    for (_, identity) in identity::each(identities) {
        let identity = LeadKey::of_identity(identity).in_dataset(dataset);
        insert.execute((identity.0.as_slice(), key.0.as_slice()))?;
    }
    Ok(())
}
