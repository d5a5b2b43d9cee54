//! Finds the events a batch is refused for, by halves and in order.
//!
//! Input: a batch, and what became of each part of it that was sent. Output: the next part to send. The parts come
//! in the order of the batch, unless the caller knows better, so events of one lead keep theirs. Pure: it sends nothing and waits for nothing.

use std::collections::HashSet;

/// A run of a batch that goes into one request.
#[derive(Debug)]
pub(crate) struct Part<T> {
    /// The events, in order.
    pub items: Vec<T>,
    /// How often this part met an error that explains nothing.
    pub unexplained: u32,
    /// It is half of a part that met such errors again and again.
    pub is_suspect: bool,
    /// It was put behind all others once.
    pub was_postponed: bool,
    /// The first of two halves: if all of it is accepted, the second must hold what the whole was refused for.
    is_first_half: bool,
    /// It is known to hold a refused event.
    is_doomed: bool,
}

impl<T> Part<T> {
    fn of(items: Vec<T>) -> Self {
        Self {
            items,
            unexplained: 0,
            is_suspect: false,
            was_postponed: false,
            is_first_half: false,
            is_doomed: false,
        }
    }

    /// Takes out the events that `is_out` names. What the part was refused for may be among them, so nothing is known
    /// of the rest then.
    pub(crate) fn take_out(&mut self, is_out: impl Fn(&T) -> bool) -> Vec<T> {
        if !self.items.iter().any(&is_out) {
            return Vec::new();
        }
        let items = std::mem::take(&mut self.items);
        let (out, rest) = items.into_iter().partition(is_out);
        self.items = rest;
        self.is_first_half = false;
        self.is_doomed = false;
        out
    }
}

/// The parts of a batch that are still to be sent, the next on top.
#[derive(Debug)]
pub(crate) struct Parts<T>(Vec<Part<T>>);

impl<T> Parts<T> {
    /// The whole batch as one part; none when it is empty.
    pub(crate) fn of(items: Vec<T>) -> Self {
        let mut parts = Self(Vec::new());
        parts.push(Part::of(items));
        parts
    }

    /// Whether nothing is left to send.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next part to send. One that is known to be refused is halved without asking again.
    pub(crate) fn next_to_send(&mut self) -> Option<Part<T>> {
        loop {
            let part = self.0.pop()?;
            if !part.is_doomed || part.items.len() == 1 {
                return Some(part);
            }
            self.halve(part);
        }
    }

    /// Notes that a part was accepted, and returns its events.
    pub(crate) fn accepted(&mut self, part: Part<T>) -> Vec<T> {
        if part.is_first_half
            && let Some(second) = self.0.last_mut()
        {
            second.is_doomed = true;
        }
        part.items
    }

    /// Puts back the halves of a part that was refused as a whole, or returns the one event it holds.
    pub(crate) fn refused(&mut self, mut part: Part<T>) -> Option<T> {
        if part.items.len() > 1 {
            self.halve(part);
            return None;
        }
        part.items.pop()
    }

    /// The same, but what `is_first` names is tried first; by its place where it names none or all.
    pub(crate) fn refused_first(
        &mut self,
        mut part: Part<T>,
        is_first: impl Fn(&T) -> bool,
    ) -> Option<T> {
        let (first, second): (Vec<T>, Vec<T>) = std::mem::take(&mut part.items)
            .into_iter()
            .partition(is_first);
        if first.is_empty() || second.is_empty() {
            part.items = if first.is_empty() { second } else { first };
            return self.refused(part);
        }
        self.push_halves(first, second);
        None
    }

    /// Puts back the halves of a part that met errors which explain nothing: one half going through will tell whether
    /// it is the events. Nothing is known of the other half then, since the trouble may have passed. What `is_second` names
    /// is tried second; by its place where it names none or all.
    pub(crate) fn try_halves(&mut self, mut part: Part<T>, is_second: impl Fn(&T) -> bool) {
        let (mut second, mut first): (Vec<T>, Vec<T>) = std::mem::take(&mut part.items)
            .into_iter()
            .partition(is_second);
        if first.is_empty() || second.is_empty() {
            first.append(&mut second);
            second = first.split_off(first.len() / 2);
        }
        for items in [second, first] {
            self.push(Part {
                is_suspect: true,
                ..Part::of(items)
            });
        }
    }

    /// Puts the largest part before all others, unless that would change the order of the events of a lead.
    pub(crate) fn bring_largest_forward(&mut self, lead_of: impl Fn(&T) -> u64) {
        let sizes = self.0.iter().map(|part| part.items.len()).enumerate();
        let Some((largest, _)) = sizes.max_by_key(|(_, size)| *size) else {
            return;
        };
        let leads: HashSet<u64> = self.0[largest].items.iter().map(&lead_of).collect();
        let before = self.0[largest + 1..].iter().flat_map(|part| &part.items);
        if before.map(lead_of).any(|lead| leads.contains(&lead)) {
            return;
        }
        let part = self.0.remove(largest);
        self.0.push(part);
        // Halves are no neighbours any more.
        for part in &mut self.0 {
            part.is_first_half = false;
        }
    }

    /// Puts a part behind all others, and behind it what else there is of its leads.
    pub(crate) fn postpone(&mut self, part: Part<T>, lead_of: impl Fn(&T) -> u64) {
        let leads: HashSet<u64> = part.items.iter().map(&lead_of).collect();
        let mut followers = Vec::new();
        for other in self.0.iter_mut().rev() {
            followers.extend(other.take_out(|item| leads.contains(&lead_of(item))));
            // Halves may be no neighbours any more.
            other.is_first_half = false;
        }
        self.0.retain(|part| !part.items.is_empty());
        let part = Part {
            was_postponed: true,
            is_first_half: false,
            is_doomed: false,
            ..part
        };
        self.0.insert(0, part);
        if !followers.is_empty() {
            let followers = Part {
                is_suspect: true,
                ..Part::of(followers)
            };
            self.0.insert(0, followers);
        }
    }

    /// Takes out the event a refusal named and puts back the rest; nothing happens when there is no such event.
    pub(crate) fn refused_at(&mut self, mut part: Part<T>, index: usize) -> Option<T> {
        let refused = (index < part.items.len()).then(|| part.items.remove(index));
        self.push(Part {
            is_first_half: false,
            is_doomed: false,
            ..part
        });
        refused
    }

    fn halve(&mut self, mut part: Part<T>) {
        let second = part.items.split_off(part.items.len() / 2);
        self.push_halves(part.items, second);
    }

    fn push_halves(&mut self, first: Vec<T>, second: Vec<T>) {
        self.push(Part::of(second));
        self.push(Part {
            is_first_half: true,
            ..Part::of(first)
        });
    }

    fn push(&mut self, part: Part<T>) {
        if !part.items.is_empty() {
            self.0.push(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[derive(Debug, Default)]
    struct Result {
        accepted: Vec<usize>,
        refused: Vec<usize>,
        requests: usize,
    }

    /// Plays a server that refuses a batch which holds one of `bad`, naming the event when `names` says so.
    fn play(count: usize, bad: &BTreeSet<usize>, names: bool) -> Result {
        let mut parts = Parts::of((0..count).collect());
        let mut result = Result::default();
        while let Some(part) = parts.next_to_send() {
            result.requests += 1;
            match part.items.iter().position(|item| bad.contains(item)) {
                None => result.accepted.extend(parts.accepted(part)),
                Some(index) if names => result.refused.extend(parts.refused_at(part, index)),
                Some(_) => result.refused.extend(parts.refused(part)),
            }
        }
        result
    }

    fn bound(count: usize, bad: usize) -> usize {
        if bad == 0 {
            1
        } else {
            1 + 2 * bad * (count as f64).log2().ceil() as usize
        }
    }

    proptest! {
        #[test]
        fn it_ends_with_one_outcome_for_every_event_in_order_and_few_requests(
            count in 1usize..700, picks in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
        ) {
            let bad: BTreeSet<usize> = picks.iter().map(|pick| pick.index(count)).collect();
            let good: Vec<usize> = (0..count).filter(|item| !bad.contains(item)).collect();
            let blind = play(count, &bad, false);
            prop_assert_eq!(&blind.accepted, &good);
            prop_assert_eq!(blind.refused, bad.iter().copied().collect::<Vec<_>>());
            prop_assert!(blind.requests <= bound(count, bad.len()), "{} requests", blind.requests);
            let named = play(count, &bad, true);
            prop_assert_eq!(named.accepted, good);
            prop_assert!(named.requests <= bad.len() + 1);
        }
    }

    #[test]
    fn one_bad_event_of_five_hundred_takes_a_request_for_each_halving_and_a_few_more() {
        for bad in [0, 1, 249, 250, 371, 499] {
            let result = play(500, &BTreeSet::from([bad]), false);
            assert_eq!(
                (result.accepted.len(), result.refused.as_slice()),
                (499, [bad].as_slice())
            );
            assert!(result.requests <= 19, "{bad} took {}", result.requests);
        }
    }

    #[test]
    fn a_half_that_must_hold_the_bad_event_is_not_asked_about() {
        // The whole, nine first halves that pass, and the event itself.
        assert_eq!(play(512, &BTreeSet::from([511]), false).requests, 11);
    }

    #[test]
    fn every_event_bad_takes_fewer_than_two_requests_each() {
        let result = play(64, &(0..64).collect(), false);
        assert_eq!((result.refused.len(), result.requests), (64, 127));
    }

    #[test]
    fn a_server_that_contradicts_itself_still_gives_every_event_one_outcome() {
        let mut parts = Parts::of((0..10).collect::<Vec<_>>());
        let mut accepted = Vec::new();
        let mut requests = 0;
        while let Some(part) = parts.next_to_send() {
            requests += 1;
            if part.items.len() > 1 {
                assert_eq!(parts.refused(part), None);
            } else {
                accepted.extend(parts.accepted(part));
            }
        }
        assert_eq!(accepted, (0..10).collect::<Vec<_>>());
        assert!(requests < 20);
    }

    #[test]
    fn halves_that_are_tried_are_suspect_and_nothing_is_concluded_from_one_of_them() {
        let mut parts = Parts::of((0..8).collect::<Vec<_>>());
        let whole = parts.next_to_send().unwrap();
        parts.try_halves(whole, |_| false);
        let first = parts.next_to_send().unwrap();
        assert!(first.is_suspect);
        assert_eq!(parts.accepted(first), [0, 1, 2, 3]);
        let second = parts.next_to_send().unwrap();
        assert_eq!(second.items, [4, 5, 6, 7], "it is sent as a whole");
        parts.postpone(second, |_| 0);
        assert!(parts.next_to_send().unwrap().was_postponed);
        assert!(parts.is_empty() && Parts::<u8>::of(Vec::new()).next_to_send().is_none());
    }

    #[test]
    fn what_there_is_of_a_lead_is_postponed_together() {
        let mut parts = Parts::of((0..8).collect::<Vec<_>>());
        let whole = parts.next_to_send().unwrap();
        parts.try_halves(whole, |item| item % 2 == 1);
        let first = parts.next_to_send().unwrap();
        assert_eq!(first.items, [0, 2, 4, 6]);
        parts.postpone(first, |item| item / 3);
        let mut rest = Vec::new();
        while let Some(part) = parts.next_to_send() {
            rest.push(part.items);
        }
        // Of three leads two were among the postponed, and so was the third.
        assert_eq!(rest, [vec![0, 2, 4, 6], vec![1, 3, 5, 7]]);

        let mut parts = Parts::of((0..4).collect::<Vec<_>>());
        let whole = parts.next_to_send().unwrap();
        parts.try_halves(whole, |_| true);
        let first = parts.next_to_send().unwrap();
        parts.postpone(first, |item| item / 3 + item % 3 / 2);
        let next = parts.next_to_send().unwrap();
        assert_eq!((next.items, next.was_postponed), (vec![2, 3], false));
        assert_eq!(parts.next_to_send().unwrap().items, [0, 1]);
    }

    #[test]
    fn what_is_named_goes_first_and_by_its_place_where_that_halves_nothing() {
        let mut parts = Parts::of((0..6).collect::<Vec<_>>());
        let whole = parts.next_to_send().unwrap();
        assert_eq!(parts.refused_first(whole, |item| *item > 3), None);
        let first = parts.next_to_send().unwrap();
        assert_eq!(parts.accepted(first), [4, 5]);
        // What is left must hold the cause, so it is not asked about as a whole.
        let half = parts.next_to_send().unwrap();
        assert_eq!(parts.refused_first(half, |_| true), None);
        let single = parts.next_to_send().unwrap();
        assert_eq!(parts.refused_first(single, |_| true), Some(0));
    }

    #[test]
    fn the_largest_part_comes_forward_unless_a_lead_of_it_has_an_earlier_event() {
        let halved = || {
            let mut parts = Parts::of((0..8).collect::<Vec<_>>());
            let whole = parts.next_to_send().unwrap();
            assert_eq!(parts.refused(whole), None);
            let first = parts.next_to_send().unwrap();
            assert_eq!(parts.refused(first), None);
            parts
        };
        let mut parts = halved();
        parts.bring_largest_forward(|item| *item);
        let largest = parts.next_to_send().unwrap();
        assert_eq!(largest.items, [4, 5, 6, 7]);
        assert_eq!(parts.accepted(largest), [4, 5, 6, 7]);
        assert_eq!(parts.next_to_send().unwrap().items, [0, 1]);
        let mut parts = halved();
        parts.bring_largest_forward(|item| item % 4);
        assert_eq!(parts.next_to_send().unwrap().items, [0, 1]);
    }

    #[test]
    fn what_is_taken_out_may_be_what_the_part_was_refused_for() {
        let mut parts = Parts::of((0..8).collect::<Vec<_>>());
        let whole = parts.next_to_send().unwrap();
        assert_eq!(parts.refused(whole), None);
        let mut first = parts.next_to_send().unwrap();
        assert_eq!(first.take_out(|item| *item == 2), [2]);
        assert_eq!(parts.accepted(first), [0, 1, 3]);
        assert_eq!(parts.next_to_send().unwrap().items, [4, 5, 6, 7]);
    }
}
