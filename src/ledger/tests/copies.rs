//! Copies between stores of both kinds, either way.

use super::*;
use crate::event::{LeadKey, StageKey};
use crate::ledger::copy::{Copied, CopyError, Pair, copy};
use crate::ledger::testing::PATIENCE;

const SOURCE: SnapshotSource<'_> = SnapshotSource {
    dataset: "123",
    crm: "CRM",
};

/// Runs a test from each kind of store into each.
fn each_way(test: impl Fn(&Place, &Place)) {
    test(&Place::folder(), &Place::folder());
    let servers = || Some((Place::server()?, Place::server()?));
    if let Some((one, other)) = servers() {
        test(&Place::folder(), &one);
        test(&other, &Place::folder());
    }
    if let Some((one, other)) = servers() {
        test(&one, &other);
    }
}

fn copied(from: &Place, to: &Place) -> Copied {
    tried(from, to).unwrap()
}

fn tried(from: &Place, to: &Place) -> Result<Copied, CopyError> {
    // A server notices after a moment that a run has gone.
    copy(&from.target(), &to.target(), (PATIENCE, NOW))
}

fn pair(found: u64, new: u64) -> Pair {
    Pair { found, new }
}

fn keep(events: &[Event]) -> Entry {
    Entry::Keep {
        dataset: "123".into(),
        events: events.to_vec(),
    }
}

fn refused() -> Settled {
    Settled::Rejected {
        code: 100,
        subcode: Some(2804036),
    }
}

/// A ledger with an event of each kind: accepted, refused, in flight, resting, waiting and waiting.
fn filled(place: &Place) -> Vec<Event> {
    let events = events(6);
    for _ in 0..3 {
        let mut run = place.start(NOW);
        run.begin(&events[3..4]).unwrap();
        run.settle(&all(&events[3..4], Settled::Uncertain)).unwrap();
        end(run);
    }
    let mut run = place.start(NOW);
    run.begin(&events[..3]).unwrap();
    let outcomes = [Settled::Accepted, refused()];
    let outcomes: Vec<_> = events.iter().cloned().zip(outcomes).collect();
    let trace = Some("trace-1".to_owned());
    run.write(&[Entry::Settle(outcomes, trace)]).unwrap();
    run.write(&[keep(&events[4..])]).unwrap();
    run.told("1", "url", "failed-4");
    end(run);
    events
}

/// Ends a run that leaves nothing open behind but what it has begun.
fn end(mut run: Box<dyn Store>) {
    let counts = RunCounts {
        accepted: 1,
        ..RunCounts::default()
    };
    run.finish_run(&RunEnd {
        now: NOW + 1,
        counts,
        ..RunEnd::default()
    })
    .unwrap();
}

#[test]
fn a_copy_knows_of_every_event_what_the_ledger_knows_and_copying_again_changes_nothing() {
    each_way(|from, to| {
        let events = filled(from);
        let first = copied(from, to);
        assert_eq!(first.runs, pair(4, 4));
        assert_eq!(first.events, pair(4, 4));
        assert_eq!(first.waiting, pair(2, 2));
        let status = |place: &Place| place.open().status(None, NOW, 9);
        assert_eq!(status(to), status(from));
        for _ in 0..2 {
            let again = copied(from, to);
            assert_eq!(again.runs, pair(4, 0));
            assert_eq!(again.events, pair(4, 0));
            assert_eq!(again.waiting, pair(2, 0));
        }
        let mut run = to.start(NOW);
        let expected = [
            Standing::Accepted,
            Standing::Refused {
                code: 100,
                subcode: Some(2804036),
            },
            Standing::Uncertain,
            Standing::Resting,
            Standing::New,
            Standing::New,
        ];
        assert_eq!(run.standing(&events).unwrap(), expected);
        assert_eq!(run.queue("123").unwrap().events, 2);
        let waiting = run.overdue("123").unwrap();
        let keys: Vec<EventKey> = waiting.iter().map(|waiting| waiting.key).collect();
        assert_eq!(keys, [events[4].key, events[5].key]);
        assert_eq!(run.count("trace"), 1);
        assert_eq!(run.count("notice"), 1);
    });
}

#[test]
fn what_the_copy_has_settled_since_is_not_taken_back_by_copying_again() {
    each_way(|from, to| {
        let events = filled(from);
        copied(from, to);
        let mut run = to.start(NOW + 9);
        assert_eq!(run.begin(&events[1..4]).unwrap().len(), 3);
        run.settle(&all(&events[2..3], Settled::Accepted)).unwrap();
        run.overdue("123").unwrap();
        run.begin(&events[4..]).unwrap();
        run.settle(&all(&events[4..], Settled::Accepted)).unwrap();
        run.settle(&[(events[1].clone(), refused())]).unwrap();
        end(run);
        let again = copied(from, to);
        assert_eq!(again.events, pair(4, 0));
        assert_eq!(again.waiting.new, 0);
        let mut run = to.start(NOW + 20);
        let standings = run.standing(&events).unwrap();
        assert_eq!(standings[0], Standing::Accepted);
        assert!(matches!(standings[1], Standing::Refused { .. }));
        assert_eq!(standings[2], Standing::Accepted);
        assert_eq!(standings[4..], [Standing::Accepted; 2]);
        assert_eq!(run.queue("123").unwrap().events, 0);
    });
}

#[test]
fn of_two_ledgers_that_were_used_apart_what_is_accepted_in_either_is_accepted() {
    each_way(|from, to| {
        let events = events(6);
        let accept = |place: &Place, now: i64, begun: &[Event], accepted: &[Event]| {
            let mut run = place.start(now);
            run.begin(begun).unwrap();
            run.settle(&all(accepted, Settled::Accepted)).unwrap();
            end(run);
        };
        accept(from, NOW, &events[..4], &events[..2]);
        accept(to, NOW + 5, &events[1..], &events[3..5]);
        let merged = copied(from, to);
        assert_eq!(merged.runs, pair(1, 1));
        // One that nobody knew there, and one that was in flight there.
        assert_eq!(merged.events, pair(4, 2));
        assert_eq!(copied(from, to).events, pair(4, 0));
        let mut run = to.start(NOW + 9);
        let accepted = [Standing::Accepted; 2];
        let standings = run.standing(&events).unwrap();
        assert_eq!(standings[..2], accepted);
        assert_eq!(standings[2], Standing::Uncertain);
        assert_eq!(standings[3..5], accepted);
        assert_eq!(standings[5], Standing::Uncertain);
        // Neither has lost what it counted.
        let delivered = run.status(Some("123"), NOW, 9).delivered;
        assert_eq!(delivered.iter().map(|day| day.count).sum::<u64>(), 4);
    });
}

/// Shows leads in a stage, with an event of each, in a run that is read to its end.
fn show(place: &Place, now: i64, (lead, stage): (u8, u8), more: Sighting) -> Sight {
    let mut run = place.start(now);
    let sighting = Sighting {
        lead: LeadKey([lead; 16]),
        stage: StageKey([stage; 16]),
        event: Fingerprint([lead, stage, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        time: now,
        exported: now,
        ..more
    };
    let shown = Shown {
        sighting,
        identities: b"",
        event: Some(("Lead", b"{\"event_id\":\"0\"}")),
    };
    let told = run.sight(SOURCE, &[shown]).unwrap().told.remove(0);
    run.complete(SOURCE).unwrap();
    end(run);
    told.sight
}

fn plain() -> Sighting {
    Sighting {
        lead: LeadKey([0; 16]),
        stage: StageKey([0; 16]),
        origin: None,
        event: Fingerprint([0; 16]),
        is_given: true,
        time: 0,
        exported: 0,
        timing: Timing::Current,
        sends_again: false,
        is_old: false,
        is_skipped: false,
        is_refused: false,
        is_withheld: false,
    }
}

#[test]
fn a_copy_goes_on_with_snapshots_where_the_ledger_was_left() {
    each_way(|from, to| {
        assert_eq!(show(from, NOW, (1, 1), plain()), Sight::Recorded);
        assert_eq!(copied(from, to).leads, pair(1, 1));
        // The source goes on for a while, and is copied again.
        let reached = show(from, NOW + 10, (1, 2), plain());
        assert!(matches!(reached, Sight::Event { .. }));
        assert_eq!(copied(from, to).leads, pair(1, 1));
        assert_eq!(show(to, NOW + 20, (1, 1), plain()), Sight::Unchanged);
        let again = show(to, NOW + 30, (1, 2), plain());
        // It waited there, and is taken up.
        assert!(matches!(again, Sight::InHand { .. }), "{again:?}");
        let new = show(to, NOW + 40, (1, 3), plain());
        assert!(matches!(new, Sight::Event { .. }), "{new:?}");
        assert_eq!(to.open().count("pending"), 2);
    });
}

#[test]
fn an_event_that_may_not_be_sent_any_more_does_not_come_back_with_a_second_copy() {
    each_way(|from, to| {
        show(from, NOW, (1, 1), plain());
        show(from, NOW + 10, (1, 2), plain());
        copied(from, to);
        assert_eq!(to.open().count("pending"), 1);
        let withheld = Sighting {
            is_withheld: true,
            ..plain()
        };
        show(to, NOW + 20, (1, 2), withheld);
        assert_eq!(to.open().count("pending"), 0);
        let again = copied(from, to);
        assert!(again.knows_snapshots);
        assert_eq!(to.open().count("pending"), 0);
        // The other way round as well.
        let back = copied(to, from);
        assert!(!back.knows_snapshots);
        assert_eq!(from.open().count("pending"), 0);
    });
}

#[test]
fn two_memories_of_the_same_leads_are_not_made_one_and_nothing_is_copied_then() {
    each_way(|from, to| {
        show(from, NOW, (1, 1), plain());
        show(to, NOW + 5, (1, 2), plain());
        let mut run = from.start(NOW + 7);
        run.begin(&events(1)).unwrap();
        end(run);
        let error = tried(from, to).unwrap_err();
        assert!(matches!(error, CopyError::Diverged { .. }), "{error}");
        let said = error.to_string();
        assert!(said.contains(&from.target().to_string()), "{said}");
        let mut to = to.open();
        assert_eq!((to.count("event"), to.count("run")), (0, 1));
    });
}

#[test]
fn a_ledger_that_a_run_uses_is_neither_copied_nor_copied_into() {
    each_way(|from, to| {
        drop(to.open());
        let run = from.start(NOW);
        let held = |from: &Place, to: &Place| {
            let tried = copy(&from.target(), &to.target(), (Duration::ZERO, NOW));
            let error = tried.unwrap_err();
            assert!(
                matches!(error, CopyError::Ledger(LedgerError::Held { .. })),
                "{error}"
            );
        };
        held(from, to);
        held(to, from);
        drop(run);
        assert_eq!(copied(from, to).runs, pair(1, 1));
    });
}

#[test]
fn there_has_to_be_something_to_copy_and_elsewhere() {
    each_way(|from, to| {
        let error = tried(from, to).unwrap_err();
        assert!(matches!(error, CopyError::NoLedger(_)), "{error}");
        assert!(to.reader().is_none(), "it was made");
        drop(from.open());
        let error = tried(from, from).unwrap_err();
        assert!(matches!(error, CopyError::Same(_)), "{error}");
        assert_eq!(copied(from, to), Copied::default());
    });
}

#[test]
fn more_rows_than_go_at_a_time_are_all_copied() {
    let from = Place::folder();
    let events = events(12_001);
    let mut run = from.start(NOW);
    run.begin(&events).unwrap();
    run.settle(&all(&events, Settled::Accepted)).unwrap();
    end(run);
    let mut way = vec![from, Place::folder()];
    way.extend(Place::server());
    way.push(Place::folder());
    for pair_of in way.windows(2) {
        let counted = copied(&pair_of[0], &pair_of[1]).events;
        assert_eq!(counted, pair(12_001, 12_001));
    }
    let mut last = way[way.len() - 1].start(NOW);
    let standings = last.standing(&events).unwrap();
    assert!(standings.iter().all(|one| *one == Standing::Accepted));
}
