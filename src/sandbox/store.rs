//! What the sandbox accepted, for `GET /sandbox/events` and the page at `/`.
//!
//! In: the events of an accepted batch. Out: NDJSON, one event per line, in the order of acceptance.
//! It never holds more than its limit: the oldest batches go first, and how many events went is told. What is given out
//! is shared, not copied, so that a slow reader costs no memory.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::body::Bytes;
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
    events_accepted: u64,
    events_dropped: u64,
}

#[derive(Debug)]
struct Batch {
    lines: Bytes,
    events: usize,
}

/// The last events that were accepted.
#[derive(Debug)]
pub(super) struct Newest {
    /// How many events were accepted in all.
    pub(super) accepted: u64,
    /// The newest first.
    pub(super) events: Vec<Value>,
}

impl Store {
    pub(super) fn new(limit_bytes: usize) -> Self {
        Self {
            limit_bytes,
            kept: Mutex::default(),
        }
    }

    /// Keeps a batch as it came: one line per event, keys sorted, nothing added.
    pub(super) fn keep(&self, events: &[Value]) {
        if self.limit_bytes == 0 {
            return;
        }
        let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
        let batch = Batch {
            lines: lines.into(),
            events: events.len(),
        };

        let mut kept = self.kept();
        kept.events_accepted += batch.events as u64;
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

    /// All kept events as NDJSON in pieces, and how many older ones had to make room.
    pub(super) fn ndjson(&self) -> (Vec<Bytes>, u64) {
        let kept = self.kept();
        let lines = kept.batches.iter().map(|batch| batch.lines.clone());
        (lines.collect(), kept.events_dropped)
    }

    /// The last `limit` events.
    pub(super) fn newest(&self, limit: usize) -> Newest {
        let kept = self.kept();
        let lines = kept
            .batches
            .iter()
            .rev()
            .flat_map(|batch| batch.lines.split(|&byte| byte == b'\n').rev())
            .filter(|line| !line.is_empty());
        let events = lines
            .take(limit)
            .filter_map(|line| serde_json::from_slice(line).ok());
        Newest {
            accepted: kept.events_accepted,
            events: events.collect(),
        }
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
        assert_eq!(lines.concat(), expected.as_bytes());
        assert_eq!(dropped, 0);
    }

    #[test]
    fn the_oldest_batches_make_room_and_are_counted() {
        let store = Store::new(20);
        store.keep(&[json!({"n": 1}), json!({"n": 2})]);
        store.keep(&[json!({"n": 3})]);
        let (lines, dropped) = store.ndjson();
        assert_eq!(lines.concat(), b"{\"n\":3}\n");
        assert_eq!(dropped, 2);
    }

    #[test]
    fn a_limit_of_nothing_keeps_nothing() {
        let store = Store::new(0);
        store.keep(&[json!({"n": 1})]);
        assert_eq!(store.ndjson(), (Vec::new(), 0));
    }

    #[test]
    fn what_is_given_out_is_shared_and_not_copied() {
        let store = Store::new(1000);
        store.keep(&[json!({"n": 1})]);
        let (first, _) = store.ndjson();
        let (second, _) = store.ndjson();
        assert_eq!(first[0].as_ptr(), second[0].as_ptr());
    }

    #[test]
    fn the_newest_events_come_first() {
        let store = Store::new(24);
        store.keep(&[json!({"n": 1}), json!({"n": 2})]);
        store.keep(&[json!({"n": 3}), json!({"n": 4})]);
        let newest = store.newest(3);
        assert_eq!(newest.accepted, 4);
        assert_eq!(newest.events, [json!({"n": 4}), json!({"n": 3})]);
        assert_eq!(store.newest(1).events, [json!({"n": 4})]);
    }
}
