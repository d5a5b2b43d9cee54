//! Groups events into batches and writes the body of a request.
//!
//! Events come in one at a time and leave as batches bounded by count and by encoded bytes, in the order they
//! came. A body is `{"data":[…]}` around the bytes each event was serialised into once; nothing is encoded again.
//! Knows nothing of leads, lanes or the network.

use std::collections::VecDeque;

use crate::event::Event;

/// The encoded bytes a batch should stay within. Meta documents no limit for a body; about a megabyte is safe.
pub const MAX_BYTES: usize = 1_000_000;

/// How large a batch may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Events in a batch, at most 1,000
    /// (<https://developers.facebook.com/docs/marketing-api/conversions-api/using-the-api>).
    pub events: usize,
    /// Encoded bytes of a batch's events. An event larger than this goes alone.
    pub bytes: usize,
}

impl Limits {
    /// Batches of `events` events that stay around a megabyte.
    pub fn of(events: usize) -> Limits {
        Limits {
            events: events.max(1),
            bytes: MAX_BYTES,
        }
    }
}

/// Events waiting to become batches, first in, first out.
#[derive(Debug)]
pub struct Waiting {
    limits: Limits,
    events: VecDeque<Event>,
    bytes: usize,
}

impl Waiting {
    /// Nothing waits yet.
    pub fn new(limits: Limits) -> Waiting {
        Waiting {
            limits,
            events: VecDeque::new(),
            bytes: 0,
        }
    }

    /// Puts events at the end of the queue.
    pub fn extend(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            self.bytes += encoded(&event);
            self.events.push_back(event);
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Whether waiting longer would not make the next batch any larger.
    pub fn has_full_batch(&self) -> bool {
        self.events.len() >= self.limits.events || self.bytes >= self.limits.bytes
    }

    /// The next batch, full or not; empty when nothing waits.
    pub fn take(&mut self) -> Vec<Event> {
        self.take_at_most(self.limits.events)
    }

    /// The next batch, kept to fewer events than usual.
    pub fn take_at_most(&mut self, events: usize) -> Vec<Event> {
        let (mut count, mut bytes) = (0, 0);
        for event in self.events.iter().take(self.limits.events.min(events)) {
            if count > 0 && bytes + encoded(event) > self.limits.bytes {
                break;
            }
            count += 1;
            bytes += encoded(event);
        }
        self.bytes -= bytes;
        self.events.drain(..count).collect()
    }

    /// Everything that waits, in order.
    pub fn into_events(self) -> impl Iterator<Item = Event> {
        self.events.into_iter()
    }
}

/// The bytes an event adds to a body, its comma included.
fn encoded(event: &Event) -> usize {
    event.json.len() + 1
}

/// What stands beside `data` in a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// The `partner_agent`.
    pub partner_agent: Option<String>,
    /// The `test_event_code`.
    pub test_event_code: Option<String>,
}

/// Writes the body of a request for events given as their JSON.
pub fn body<'a>(events: impl IntoIterator<Item = &'a [u8]>, beside: &Beside) -> Vec<u8> {
    let mut body = b"{\"data\":[".to_vec();
    for (index, json) in events.into_iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(json);
    }
    body.push(b']');
    let members = [
        ("partner_agent", &beside.partner_agent),
        ("test_event_code", &beside.test_event_code),
    ];
    for (key, value) in members {
        if let Some(value) = value {
            let value = serde_json::Value::from(value.as_str());
            body.extend_from_slice(format!(",\"{key}\":{value}").as_bytes());
        }
    }
    body.push(b'}');
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EventKey, Origin};
    use bytes::Bytes;
    use proptest::prelude::*;

    fn event(number: usize, size: usize) -> Event {
        Event {
            key: EventKey([0; 16]),
            name: "Lead".into(),
            time: 0,
            lead: 0,
            origin: Origin {
                input: 0,
                row: number as u64,
            },
            json: Bytes::from(vec![b'x'; size]),
        }
    }

    proptest! {
        #[test]
        fn batches_joined_are_the_input_and_stay_within_the_limits(
            sizes in prop::collection::vec(0usize..60, 0..80), events in 1usize..9, bytes in 1usize..100,
        ) {
            let limits = Limits { events, bytes };
            let mut waiting = Waiting::new(limits);
            waiting.extend(sizes.iter().enumerate().map(|(number, size)| event(number, *size)));
            let mut rows = Vec::new();
            while !waiting.is_empty() {
                let batch = waiting.take();
                prop_assert!(!batch.is_empty() && batch.len() <= events);
                let encoded: usize = batch.iter().map(encoded).sum();
                prop_assert!(encoded <= bytes || batch.len() == 1);
                rows.extend(batch.iter().map(|event| event.origin.row));
            }
            prop_assert_eq!(waiting.bytes, 0);
            prop_assert_eq!(rows, (0..sizes.len() as u64).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_batch_is_full_by_count_or_by_bytes() {
        let mut waiting = Waiting::new(Limits {
            events: 3,
            bytes: 100,
        });
        waiting.extend([event(0, 10), event(1, 10)]);
        assert!(!waiting.has_full_batch());
        waiting.extend([event(2, 10)]);
        assert!(waiting.has_full_batch());
        let mut waiting = Waiting::new(Limits {
            events: 3,
            bytes: 100,
        });
        waiting.extend([event(0, 200)]);
        assert!(waiting.has_full_batch());
    }

    #[test]
    fn a_body_holds_the_events_as_they_are_and_escapes_what_stands_beside_them() {
        let beside = Beside {
            partner_agent: Some("ac\"me".into()),
            test_event_code: Some("TEST1".into()),
        };
        let written = body([b"{\"a\":1}".as_slice(), b"{\"b\":2}"], &beside);
        assert_eq!(
            String::from_utf8(written).unwrap(),
            r#"{"data":[{"a":1},{"b":2}],"partner_agent":"ac\"me","test_event_code":"TEST1"}"#
        );
        assert_eq!(body([], &Beside::default()), b"{\"data\":[]}");
    }
}
