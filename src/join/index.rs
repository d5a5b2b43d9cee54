//! Which leads a hash stands for.
//!
//! Hashes are spread evenly, so their first bits say where in a sorted list they stand: one look, whatever the number.

use super::LeadNumber;
use crate::customer::Hash;

/// One hash of one lead: half of the hash, which is more than enough to tell people apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    hash: [u64; 2],
    /// The lead's id until all are there, then its number.
    lead: u64,
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
    pub(super) fn add(&mut self, hash: &Hash, lead_id: u64) {
        self.entries.push(Entry {
            hash: hash.first_half(),
            lead: lead_id,
        });
    }

    /// Sorts the entries; `place` gives a lead's number by its id.
    pub(super) fn finish(&mut self, place: impl Fn(u64) -> u32) {
        for entry in &mut self.entries {
            entry.lead = place(entry.lead).into();
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
        alike.map(|entry| LeadNumber(entry.lead as u32))
    }
}
