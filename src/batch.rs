//! Groups events into batches and writes the body of a request.
//!
//! Events come in one at a time and leave as batches bounded by count and by encoded bytes, in the order they
//! came, except that those of one lead are put in the order of their times. A body is `{"data":[…]}` around the bytes each event was serialised into once; nothing is encoded again.
//! Knows nothing of lanes or the network.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::event::Event;

/// The encoded bytes a batch should stay within. Meta documents no limit for a body; about a megabyte is safe.
pub(crate) const MAX_BYTES: usize = 1_000_000;

/// How large a batch may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Events in a batch, at most 1,000
    /// (<https://developers.facebook.com/docs/marketing-api/conversions-api/using-the-api>).
    pub events: usize,
    /// Encoded bytes of a batch's events. An event larger than this goes alone.
    pub bytes: usize,
}

impl Limits {
    /// Batches of `events` events that stay around a megabyte.
    pub(crate) fn of(events: usize) -> Limits {
        Limits {
            events: events.max(1),
            bytes: MAX_BYTES,
        }
    }
}

/// Events waiting to become batches: leads first in, first out, and the events of each lead in the order of their times.
#[derive(Debug)]
pub(crate) struct Waiting {
    limits: Limits,
    events: VecDeque<Event>,
    bytes: usize,
    /// Whether events came in since they were last put in order.
    is_unsorted: bool,
}

impl Waiting {
    /// Nothing waits yet.
    pub(crate) fn new(limits: Limits) -> Waiting {
        Waiting {
            limits,
            events: VecDeque::new(),
            bytes: 0,
            is_unsorted: false,
        }
    }

    #[cfg(test)]
    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    #[cfg(test)]
    /// Their encoded bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Puts events at the end of the queue.
    pub(crate) fn extend(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            self.bytes += encoded(&event);
            self.events.push_back(event);
            self.is_unsorted = true;
        }
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Whether waiting longer would not make the next batch any larger.
    pub(crate) fn has_full_batch(&self) -> bool {
        self.events.len() >= self.limits.events || self.bytes >= self.limits.bytes
    }

    /// The next batch, full or not; empty when nothing waits.
    pub(crate) fn take(&mut self) -> Vec<Event> {
        self.take_within(self.limits)
    }

    /// The next events within other limits than the usual.
    pub(crate) fn take_within(&mut self, limits: Limits) -> Vec<Event> {
        self.put_in_order();
        let (mut count, mut bytes) = (0, 0);
        for event in self.events.iter().take(limits.events) {
            if count > 0 && bytes + encoded(event) > limits.bytes {
                break;
            }
            count += 1;
            bytes += encoded(event);
        }
        self.bytes -= bytes;
        self.events.drain(..count).collect()
    }

    /// Lets the events of each lead swap places until they stand in the order of their times. Those of one time stay as
    /// they came.
    fn put_in_order(&mut self) {
        if !std::mem::take(&mut self.is_unsorted) {
            return;
        }
        let events = self.events.make_contiguous();
        let mut places: Vec<usize> = (0..events.len()).collect();
        let leads: Vec<u64> = events.iter().map(|event| event.lead).collect();
        places.sort_by_key(|place| leads[*place]);
        for places in places.chunk_by(|one, other| leads[*one] == leads[*other]) {
            if places.is_sorted_by_key(|place| events[*place].time) {
                continue;
            }
            let mut of_lead: Vec<Event> =
                places.iter().map(|place| events[*place].clone()).collect();
            of_lead.sort_by_key(|event| event.time);
            for (place, event) in places.iter().zip(of_lead) {
                events[*place] = event;
            }
        }
    }
}

/// Copies what each event carries. They wait for a while, and what they were cut out of is larger than they are: it has
/// room to grow, and holds what is not sent. One buffer for all of them would stay until the last has gone, and large
/// buffers that come and go leave gaps in memory which pieces of like size do not.
pub(crate) fn compact(events: &mut [Event]) {
    for Event { json, known_by, .. } in events {
        *json = Bytes::copy_from_slice(json);
        known_by.identities = Bytes::copy_from_slice(&known_by.identities);
    }
}

/// The bytes an event adds to a body, its comma included.
pub(crate) fn encoded(event: &Event) -> usize {
    event.json.len() + 1
}

/// What stands beside `data` in a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Beside {
    /// The `partner_agent`.
    pub partner_agent: Option<String>,
    /// The `test_event_code`.
    pub test_event_code: Option<String>,
}

const START: &[u8] = b"{\"data\":[";

/// Writes the body of a request. From then on the events share its bytes, so that it holds no second copy of them.
pub(crate) fn body<'a>(events: impl IntoIterator<Item = &'a mut Event>, beside: &Beside) -> Bytes {
    let mut events: Vec<&mut Event> = events.into_iter().collect();
    let size: usize = events.iter().map(|event| encoded(event)).sum();
    let rest = end(beside);
    let mut body = Vec::with_capacity(START.len() + size + rest.len());
    body.extend_from_slice(START);
    for (index, event) in events.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&event.json);
    }
    body.extend_from_slice(rest.as_bytes());
    let body = Bytes::from(body);
    let mut start = START.len();
    for event in &mut events {
        let end = start + event.json.len();
        event.json = body.slice(start..end);
        start = end + 1;
    }
    body
}

/// What follows the events.
fn end(beside: &Beside) -> String {
    let mut end = "]".to_owned();
    let members = [
        ("partner_agent", &beside.partner_agent),
        ("test_event_code", &beside.test_event_code),
    ];
    for (key, value) in members {
        if let Some(value) = value {
            let value = serde_json::Value::from(value.as_str());
            end += &format!(",\"{key}\":{value}");
        }
    }
    end + "}"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EventKey, KnownBy, Origin};
    use proptest::prelude::*;

    fn event(number: usize, size: usize) -> Event {
        Event {
            key: EventKey([0; 16]),
            name: "Lead".into(),
            time: 0,
            lead: number as u64,
            worth: None,
            origin: Origin {
                input: 0,
                row: number as u64,
            },
            json: Bytes::from(vec![b'x'; size]),
            known_by: KnownBy::default(),
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
    fn the_events_of_a_lead_are_taken_in_the_order_of_their_times_and_leads_in_that_of_the_input() {
        let of = |number, lead, time| Event {
            lead,
            time,
            ..event(number, 10)
        };
        let mut waiting = Waiting::new(Limits::of(10));
        waiting.extend([of(0, 7, 30), of(1, 5, 9), of(2, 7, 20)]);
        waiting.extend([of(3, 7, 10), of(4, 5, 9)]);
        let numbers = |batch: Vec<Event>| -> Vec<u64> {
            batch.iter().map(|event| event.origin.row).collect()
        };
        assert_eq!(numbers(waiting.take_within(Limits::of(2))), [3, 1]);
        waiting.extend([of(5, 7, 25)]);
        assert_eq!(numbers(waiting.take()), [2, 5, 4, 0]);
        assert_eq!((waiting.len(), waiting.bytes()), (0, 0));
    }

    #[test]
    fn events_keep_nothing_in_memory_but_themselves() {
        let buffer = Bytes::from((0..=255).cycle().take(1000).collect::<Vec<u8>>());
        let of = |json: std::ops::Range<usize>, identities: std::ops::Range<usize>| Event {
            json: buffer.slice(json),
            known_by: KnownBy {
                identities: buffer.slice(identities),
                ..KnownBy::default()
            },
            ..event(0, 0)
        };
        let mut events = [of(0..100, 7..9), of(500..600, 3..3), of(600..999, 1..5)];
        let before = events.clone();
        compact(&mut events);
        for (event, before) in events.iter().zip(&before) {
            assert_eq!(event.json, before.json);
            assert_eq!(event.known_by.identities, before.known_by.identities);
        }
        drop(before);
        assert!(buffer.is_unique());
        compact(&mut []);
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
        let mut events = [r#"{"a":1}"#, r#"{"b":2}"#].map(|json| Event {
            json: Bytes::from(json),
            ..event(0, 0)
        });
        let written = body(&mut events, &beside);
        assert_eq!(
            written,
            r#"{"data":[{"a":1},{"b":2}],"partner_agent":"ac\"me","test_event_code":"TEST1"}"#
        );
        assert_eq!(events[1].json, r#"{"b":2}"#);
        let shared = [&events[0], &events[1]]
            .map(|event| written.as_ptr_range().contains(&event.json.as_ptr()));
        assert_eq!(shared, [true, true]);
        assert_eq!(body([], &Beside::default()), "{\"data\":[]}");
    }
}
