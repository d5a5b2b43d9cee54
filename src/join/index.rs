//! Which leads a hash stands for.
//!
//! Hashes are spread evenly, so their first bits say where in a sorted list they stand: one look, whatever the number.

use crate::customer::Hash;

/// The place of a lead among all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LeadNumber(pub u32);

/// One hash of one lead: half of the hash, which is more than enough to tell people apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    hash: [u64; 2],
    /// The lead's number; until all are there, that in the order of reading.
    lead: u32,
}

/// Leads by hash.
#[derive(Debug, Default)]
pub(super) struct Index {
    entries: Vec<Entry>,
    /// Where the entries begin whose hashes begin with these bits; one more than there are such beginnings.
    starts: Vec<u32>,
    shift: u32,
}

impl Index {
    pub(super) fn add(&mut self, hash: &Hash, lead: u32) {
        self.entries.push(Entry {
            hash: hash.first_half(),
            lead,
        });
    }

    /// Adds the entries of another, whose leads are counted from `before` on.
    pub(super) fn take_over(&mut self, other: Self, before: u32) {
        self.entries.reserve_exact(other.entries.len());
        let entries = other.entries.into_iter();
        self.entries.extend(entries.map(|entry| Entry {
            lead: entry.lead + before,
            ..entry
        }));
    }

    /// Sorts the entries; `place` has the number of each lead in the order of reading.
    pub(super) fn finish(&mut self, place: &[u32]) {
        for entry in &mut self.entries {
            entry.lead = place[entry.lead as usize];
        }
        self.entries.sort_unstable();
        self.entries.dedup();
        self.entries.shrink_to_fit();
        let bits = (self.entries.len().max(2).ilog2()).min(24);
        self.shift = 64 - bits;
        self.starts = vec![0; (1 << bits) + 1];
        for entry in &self.entries {
            self.starts[(entry.hash[0] >> self.shift) as usize + 1] += 1;
        }
        let mut sum = 0;
        for start in &mut self.starts {
            sum += *start;
            *start = sum;
        }
    }

    /// The leads that a hash stands for.
    pub(super) fn of(&self, hash: &Hash) -> impl Iterator<Item = LeadNumber> + use<'_> {
        let wanted = hash.first_half();
        let range = match self.entries.is_empty() {
            true => 0..0,
            false => {
                let bucket = (wanted[0] >> self.shift) as usize;
                self.starts[bucket] as usize..self.starts[bucket + 1] as usize
            }
        };
        let alike = self.entries[range]
            .iter()
            .filter(move |entry| entry.hash == wanted);
        alike.map(|entry| LeadNumber(entry.lead))
    }
}
