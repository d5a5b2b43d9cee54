//! Which lead of snapshots a row means, whatever it is known by now.
//!
//! A lead keeps the key it was first seen under. What a row knows of its lead leads to those that were known by any of
//! it, and [`Kinds::mean`] decides. A row that means several leads alike is a lead of its own.

use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

use crate::event::LeadKey;
use crate::event::identity::{self, Kinds};

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

    fn lead(&self, key: LeadKey) -> rusqlite::Result<Option<Lead>> {
        self.look_up(|connection| read(connection, key))
    }

    /// The lead that a row means, and what is known of it; its key to be when nothing is. `own` is the key by the
    /// strongest that the row knows.
    pub(super) fn resolve(
        &self,
        dataset: &str,
        own: LeadKey,
        identities: &[u8],
    ) -> rusqlite::Result<(LeadKey, Option<Lead>)> {
        let key = own.in_dataset(dataset);
        let known_as = identity::digest(identities);
        if let Some(lead) = self.lead(key)?
            && lead.known_as == known_as
        {
            return Ok((key, Some(lead)));
        }
        let kinds = identity::kinds(identities);
        let mut same: Vec<(LeadKey, Lead, Kinds)> = Vec::new();
        for (key, shared) in self.candidates(dataset, identities)? {
            if let Some(lead) = self.lead(key)?
                && kinds.mean(lead.kinds, shared)
            {
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
            [] => Ok((self.free_key(key)?, None)),
            [first, second, ..] if rank(first) == rank(second) => Ok((self.free_key(key)?, None)),
            [(key, lead, _), ..] => Ok((*key, Some(*lead))),
        }
    }

    /// Leads that are known by any of these, and by which kinds.
    fn candidates(
        &self,
        dataset: &str,
        identities: &[u8],
    ) -> rusqlite::Result<Vec<(LeadKey, Kinds)>> {
        let mut candidates: Vec<(LeadKey, Kinds)> = Vec::new();
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
                match candidates.iter_mut().find(|(key, _)| *key == owner) {
                    Some((_, shared)) => shared.insert(kind),
                    None => {
                        let mut shared = Kinds::default();
                        shared.insert(kind);
                        candidates.push((owner, shared));
                    }
                }
            }
        }
        Ok(candidates)
    }

    /// A key that no lead has, made of this one: what it was made of may have come to mean another lead.
    fn free_key(&self, key: LeadKey) -> rusqlite::Result<LeadKey> {
        let mut free = key;
        while self.lead(free)?.is_some() {
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
            "SELECT latest, previous, touched, kinds, known_as FROM snapshot_lead WHERE lead = ?1",
        )?
        .query_row([key.0.as_slice()], |row| {
            Ok(Lead {
                latest: row.get(0)?,
                previous: row.get(1)?,
                touched: row.get(2)?,
                kinds: Kinds(row.get(3)?),
                known_as: row.get(4)?,
            })
        })
        .optional()
}

/// Writes a lead.
pub(super) fn write(connection: &Connection, key: LeadKey, lead: &Lead) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO snapshot_lead (lead, latest, previous, touched, kinds, known_as)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((
            key.0.as_slice(),
            lead.latest,
            lead.previous,
            lead.touched,
            lead.kinds.0,
            lead.known_as,
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
