//! Recognises an event that stands in the input twice, in bounded memory.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use crate::event::Fingerprint;

/// Events of one generation; two generations are kept. Sized for about 10 MB at most.
const GENERATION: usize = 450_000;

/// Remembers the last 450,000 to 900,000 events. Over that distance `upload` relies on the ledger.
#[derive(Debug, Default)]
pub struct Seen {
    newer: HashSet<u64, BuildHasherDefault<AsItIs>>,
    older: HashSet<u64, BuildHasherDefault<AsItIs>>,
}

/// A part of a SHA-256 needs no hashing.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Seen {
    /// Whether the event is new; it is remembered.
    pub fn insert(&mut self, event: Fingerprint) -> bool {
        let [low, ..] = event.0.as_chunks::<8>().0 else { return true };
        let short = u64::from_le_bytes(*low);
        if self.older.contains(&short) {
            return false;
        }
        if self.newer.len() >= GENERATION {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(short)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: u64) -> Fingerprint {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        Fingerprint(bytes)
    }

    #[test]
    fn an_event_is_new_once_even_across_a_generation() {
        let mut seen = Seen::default();
        for number in 0..GENERATION as u64 + 10 {
            assert!(seen.insert(event(number)));
        }
        assert!(!seen.insert(event(3)));
        assert!(!seen.insert(event(GENERATION as u64 + 3)));
    }
}
