//! Recognises an event that stands in the input twice, in bounded memory.

use crate::event::Fingerprint;

/// Events of one generation; two generations are kept. Sized for 8.4 MB at most.
const GENERATION: usize = 390_000;

/// Remembers the last 390,000 to 780,000 events. Over that distance `upload` relies on the ledger.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    newer: Table,
    older: Table,
}

impl Seen {
    /// Whether the event is new; it is remembered.
    pub(crate) fn insert(&mut self, event: Fingerprint) -> bool {
        if self.older.contains(event) {
            return false;
        }
        if self.newer.len >= GENERATION {
            // The buffer of the generation that is forgotten serves the next.
            std::mem::swap(&mut self.newer, &mut self.older);
            self.newer.clear();
        }
        self.newer.insert(event)
    }
}

/// Recognises an id of the export's own that stands for different events, in bounded memory: of two events that share
/// a place the later is remembered.
#[derive(Debug, Default)]
pub(crate) struct GivenIds {
    /// The first bytes of a fingerprint, and what it stands for; made when the first id is given.
    places: Vec<(u64, u32)>,
}

impl GivenIds {
    const PLACES: usize = 1 << 19;

    /// Whether the event was seen with another lead or time, `content` being a hash of the two.
    pub(crate) fn is_shared(&mut self, event: Fingerprint, content: u32) -> bool {
        if self.places.is_empty() {
            self.places.resize(Self::PLACES, (0, 0));
        }
        let short = Table::short(event);
        let place = &mut self.places[short as usize % Self::PLACES];
        let is_shared = place.0 == short && place.1 != content;
        if place.0 != short {
            *place = (short, content);
        }
        is_shared
    }
}

/// A set of fingerprints: their first eight bytes, each in the place that its own low bits name, or in the next free one
/// behind. They are parts of SHA-256, so they are spread already. At least a quarter of the places is free.
#[derive(Debug, Default)]
struct Table {
    /// A power of two of them, or none yet; 0 is free.
    places: Vec<u64>,
    len: usize,
}

impl Table {
    const FIRST_SIZE: usize = 1 << 10;
    /// Tables larger than this become as large as they may at once. Those that were outgrown would leave gaps in memory.
    const LAST_SMALL_SIZE: usize = 1 << 14;
    const LAST_SIZE: usize = (GENERATION * 4 / 3).next_power_of_two();

    fn short(event: Fingerprint) -> u64 {
        event
            .0
            .first_chunk()
            .map_or(1, |bytes| u64::from_le_bytes(*bytes).max(1))
    }

    /// The place that holds the fingerprint, or else the one that is free for it.
    fn place(places: &[u64], short: u64) -> usize {
        let mask = places.len() - 1;
        let mut place = short as usize & mask;
        while places[place] != short && places[place] != 0 {
            place = (place + 1) & mask;
        }
        place
    }

    fn contains(&self, event: Fingerprint) -> bool {
        let short = Self::short(event);
        !self.places.is_empty() && self.places[Self::place(&self.places, short)] == short
    }

    /// Whether the fingerprint was not there.
    fn insert(&mut self, event: Fingerprint) -> bool {
        if self.len * 4 >= self.places.len() * 3 {
            self.grow();
        }
        let short = Self::short(event);
        let place = Self::place(&self.places, short);
        let is_new = self.places[place] == 0;
        self.places[place] = short;
        self.len += usize::from(is_new);
        is_new
    }

    fn grow(&mut self) {
        let size = match self.places.len() * 2 {
            doubled if doubled <= Self::LAST_SMALL_SIZE => doubled.max(Self::FIRST_SIZE),
            doubled => doubled.max(Self::LAST_SIZE),
        };
        let mut places = vec![0; size];
        for &short in self.places.iter().filter(|&&short| short != 0) {
            let place = Self::place(&places, short);
            places[place] = short;
        }
        self.places = places;
    }

    fn clear(&mut self) {
        self.places.fill(0);
        self.len = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: u64) -> Fingerprint {
        let mut bytes = [0; 16];
        // Spread as parts of a hash are.
        let spread = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bytes[..8].copy_from_slice(&spread.to_le_bytes());
        Fingerprint(bytes)
    }

    #[test]
    fn an_event_is_new_once_even_across_a_generation() {
        let mut seen = Seen::default();
        let generation = GENERATION as u64;
        for number in 0..generation + 10 {
            assert!(seen.insert(event(number)), "{number}");
        }
        for number in (0..generation + 10).rev() {
            assert!(!seen.insert(event(number)), "{number}");
        }
        // The third generation takes the place of the first.
        for number in generation + 10..3 * generation {
            assert!(seen.insert(event(number)), "{number}");
        }
        assert!(seen.insert(event(3)) && !seen.insert(event(2 * generation + 3)));
    }

    #[test]
    fn an_id_is_shared_when_it_stands_for_something_else() {
        let mut ids = GivenIds::default();
        assert!(!ids.is_shared(event(1), 7));
        assert!(!ids.is_shared(event(1), 7));
        assert!(!ids.is_shared(event(2), 8));
        assert!(ids.is_shared(event(1), 8));
    }
}
