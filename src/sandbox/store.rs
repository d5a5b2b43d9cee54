//! What the sandbox accepted, for `GET /sandbox/events`.
//!
//! In: the events of an accepted batch. Out: NDJSON, one event a line, in the order of acceptance.
//! It never holds more than its limit: the oldest batches go first, and how many events went is told.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

/// The accepted events, up to a number of bytes.
#[derive(Debug)]
pub(super) struct Store {
    limit_bytes: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    batches: VecDeque<Batch>,
    bytes: usize,
    events_dropped: u64,
}

#[derive(Debug)]
struct Batch {
    lines: Box<[u8]>,
    events: usize,
}

impl Store {
    pub(super) fn new(limit_bytes: usize) -> Store {
        Store {
            limit_bytes,
            kept: Mutex::default(),
        }
    }

    /// Keeps a batch as it came: one line an event, keys sorted, nothing added.
    pub(super) fn keep(&self, events: &[Value]) {
        if self.limit_bytes == 0 {
            return;
        }
        let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
        let batch = Batch {
            lines: lines.into_bytes().into(),
            events: events.len(),
        };

        let mut kept = self.kept();
        kept.bytes += batch.lines.len();
        kept.batches.push_back(batch);
        while kept.bytes > self.limit_bytes {
            let Some(oldest) = kept.batches.pop_front() else {
                break;
            };
            if kept.events_dropped == 0 {
                tracing::warn!(
                    "the sandbox keeps {} bytes of events: the oldest make room from here on",
                    self.limit_bytes
                );
            }
            kept.bytes -= oldest.lines.len();
            kept.events_dropped += oldest.events as u64;
        }
    }

    /// All kept events as NDJSON, and how many older ones had to make room.
    pub(super) fn ndjson(&self) -> (Vec<u8>, u64) {
        let kept = self.kept();
        let mut lines = Vec::with_capacity(kept.bytes);
        for batch in &kept.batches {
            lines.extend_from_slice(&batch.lines);
        }
        (lines, kept.events_dropped)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_come_back_one_a_line_in_order() {
        let store = Store::new(1000);
        store.keep(&[json!({"b": 1, "a": "x"}), json!({"c": "é"})]);
        store.keep(&[json!({"d": 1234567890123456_u64})]);
        let (lines, dropped) = store.ndjson();
        let expected = "{\"a\":\"x\",\"b\":1}\n{\"c\":\"é\"}\n{\"d\":1234567890123456}\n";
        assert_eq!(String::from_utf8(lines).unwrap(), expected);
        assert_eq!(dropped, 0);
    }

    #[test]
    fn the_oldest_batches_make_room_and_are_counted() {
        let store = Store::new(20);
        store.keep(&[json!({"n": 1}), json!({"n": 2})]);
        store.keep(&[json!({"n": 3})]);
        let (lines, dropped) = store.ndjson();
        assert_eq!(lines, b"{\"n\":3}\n");
        assert_eq!(dropped, 2);
    }

    #[test]
    fn a_limit_of_nothing_keeps_nothing() {
        let store = Store::new(0);
        store.keep(&[json!({"n": 1})]);
        assert_eq!(store.ndjson(), (Vec::new(), 0));
    }
}
