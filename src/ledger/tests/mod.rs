//! What every ledger must do, wherever it is.

mod copies;
mod identities;
mod snapshots;

use std::time::{Duration, Instant};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::status::Delivered;
use super::testing::{Place, Store, also_on_server};
use super::*;
use crate::event::{KnownBy, Origin};
use crate::time::Clock;

also_on_server! {
    the_next_run_knows_what_became_of_every_event,
    a_refused_event_is_new_again_when_its_content_changed,
    events_that_can_no_longer_be_sent_and_runs_of_the_year_before_are_forgotten,
    a_day_of_hourly_runs_by_a_clock_that_is_weeks_ahead_makes_the_ledger_forget_nothing,
    neither_a_time_that_is_given_nor_a_clock_that_is_wrong_once_makes_the_ledger_forget,
    an_old_event_that_was_settled_lately_is_still_remembered,
    an_event_rests_after_three_runs_that_do_not_know_whether_they_delivered_it,
    an_event_rests_after_many_more_kills_than_runs_without_a_receipt,
    kills_between_runs_without_a_receipt_do_not_make_an_event_rest_much_sooner,
    a_run_settles_only_what_it_has_begun_itself,
    rehearsals_and_runs_that_left_something_open_are_no_successes,
    what_is_too_old_to_be_sent_again_is_not_said_to_be,
    the_status_tells_runs_deliveries_a_day_and_what_is_open,
    entries_of_one_write_stand_or_fall_together,
    many_delivered_events_are_recognised_quickly,
    what_is_kept_waits_until_it_is_settled,
    accepted_events_are_counted_by_hour_and_found_by_person,
    a_lead_that_was_told_of_is_taken_by_one_at_a_time_until_it_is_read,
}

pub(super) const NOW: i64 = 1_700_000_000;

pub(super) fn event(number: u64) -> Event {
    let digest: [u8; 32] = Sha256::digest(number.to_be_bytes()).into();
    let mut key = [0; 16];
    key.copy_from_slice(&digest[..16]);
    Event {
        key: EventKey(key),
        name: if number.is_multiple_of(2) {
            "Lead".into()
        } else {
            "Qualified".into()
        },
        time: NOW - 60,
        lead: number,
        worth: None,
        origin: Origin {
            input: 0,
            row: number,
        },
        json: Bytes::from(format!("{{\"event\":{number}}}")),
        known_by: KnownBy::default(),
    }
}

pub(super) fn events(count: u64) -> Vec<Event> {
    (0..count).map(event).collect()
}

pub(super) fn all(events: &[Event], settled: Settled) -> Vec<(Event, Settled)> {
    events
        .iter()
        .map(|event| (event.clone(), settled))
        .collect()
}

#[test]
fn the_next_run_knows_what_became_of_every_event() {
    let folder = Place::new();
    let events = events(5);
    let mut first = folder.start(NOW);
    assert_eq!(first.standing(&events).unwrap(), [Standing::New; 5]);
    assert_eq!(first.begin(&events).unwrap(), [Begun::Fresh; 5]);
    let refused = Settled::Rejected {
        code: 100,
        subcode: Some(2804036),
    };
    let settled = [
        Settled::Accepted,
        refused,
        Settled::Unsent,
        Settled::Uncertain,
    ];
    let outcomes: Vec<_> = events.iter().cloned().zip(settled).collect();
    first.settle(&outcomes).unwrap();
    // The fifth was in flight when the run died.
    let this_run = [
        Standing::ThisRun,
        Standing::ThisRun,
        Standing::New,
        Standing::ThisRun,
        Standing::ThisRun,
    ];
    assert_eq!(first.standing(&events).unwrap(), this_run);
    drop(first);

    let mut second = folder.start(NOW);
    let expected = [
        Standing::Accepted,
        Standing::Refused {
            code: 100,
            subcode: Some(2804036),
        },
        Standing::New,
        Standing::Uncertain,
        Standing::Uncertain,
    ];
    assert_eq!(second.standing(&events).unwrap(), expected);
    let begun = [
        Begun::Known,
        Begun::Fresh,
        Begun::Fresh,
        Begun::Again,
        Begun::Again,
    ];
    assert_eq!(second.begin(&events).unwrap(), begun);
    assert_eq!(second.begin(&events).unwrap(), [Begun::Known; 5]);
}

#[test]
fn a_refused_event_is_new_again_when_its_content_changed() {
    let folder = Place::new();
    let mut ledger = folder.start(NOW);
    let mut event = event(1);
    ledger.begin(std::slice::from_ref(&event)).unwrap();
    ledger
        .settle(&[(
            event.clone(),
            Settled::Rejected {
                code: 100,
                subcode: None,
            },
        )])
        .unwrap();
    drop(ledger);
    let mut ledger = folder.start(NOW);
    let refused = Standing::Refused {
        code: 100,
        subcode: None,
    };
    assert_eq!(
        ledger.standing(std::slice::from_ref(&event)).unwrap(),
        [refused]
    );
    event.json = Bytes::from_static(b"{\"event\":1,\"corrected\":true}");
    assert_eq!(ledger.standing(&[event]).unwrap(), [Standing::New]);
}

#[test]
fn events_that_can_no_longer_be_sent_and_runs_of_the_year_before_are_forgotten() {
    let mut ledger = Place::anywhere();
    let events = events(2);
    run_daily(&mut ledger, 0..1);
    ledger.begin(&events).unwrap();
    ledger.settle(&all(&events, Settled::Accepted)).unwrap();
    run_daily(&mut ledger, 1..30);
    assert_eq!(ledger.standing(&events).unwrap(), [Standing::Accepted; 2]);
    run_daily(&mut ledger, 30..32);
    assert_eq!(ledger.standing(&events).unwrap(), [Standing::New; 2]);
    assert_eq!(
        ledger.status(None, NOW, 10).delivered.len(),
        2,
        "the counts outlive the events"
    );
    run_daily(&mut ledger, 32..400);
    let status = ledger.status(None, NOW, 1_000);
    assert_eq!((status.runs.len(), status.delivered.len()), (367, 0));
}

/// A run on each of these days.
fn run_daily(ledger: &mut Box<dyn Store>, days: std::ops::Range<i64>) {
    for day in days {
        let now = NOW + day * 86_400;
        ledger.set_clock(Clock::Fixed(now));
        let dataset = "123";
        ledger
            .start_run(&RunStart {
                dataset,
                now,
                in_flight: 0,
            })
            .unwrap();
    }
}

#[test]
fn a_day_of_hourly_runs_by_a_clock_that_is_weeks_ahead_makes_the_ledger_forget_nothing() {
    let mut ledger = Place::anywhere();
    let events = events(2);
    run_daily(&mut ledger, 0..1);
    ledger.begin(&events).unwrap();
    ledger.settle(&all(&events, Settled::Accepted)).unwrap();
    (0..24).for_each(|_| run_daily(&mut ledger, 40..41));
    run_daily(&mut ledger, 2..3);
    assert_eq!(ledger.standing(&events).unwrap(), [Standing::Accepted; 2]);
}

#[test]
fn neither_a_time_that_is_given_nor_a_clock_that_is_wrong_once_makes_the_ledger_forget() {
    let folder = Place::new();
    let events = events(2);
    let mut ledger = folder.start(NOW);
    ledger.begin(&events).unwrap();
    ledger.settle(&all(&events, Settled::Accepted)).unwrap();
    drop(ledger);
    let (day, ahead) = (86_400, NOW + 40 * 86_400);
    drop(folder.start_at(ahead, NOW + day));
    drop(folder.start_at(ahead, NOW + day));
    let mut ledger = folder.start(NOW + day);
    assert_eq!(ledger.standing(&events).unwrap(), [Standing::Accepted; 2]);
    drop(ledger);
    drop(folder.start(ahead));
    let mut ledger = folder.start(NOW + 2 * day);
    assert_eq!(ledger.standing(&events).unwrap(), [Standing::Accepted; 2]);
}

#[test]
fn an_old_event_that_was_settled_lately_is_still_remembered() {
    let folder = Place::new();
    let mut old = event(1);
    old.time = NOW - 60 * 86_400;
    let mut ledger = folder.start(NOW);
    ledger.begin(std::slice::from_ref(&old)).unwrap();
    ledger
        .settle(&all(std::slice::from_ref(&old), Settled::Accepted))
        .unwrap();
    drop(ledger);
    let mut ledger = folder.start(NOW + 86_400);
    assert_eq!(ledger.standing(&[old]).unwrap(), [Standing::Accepted]);
}

/// A run that begins these events and ends with them settled like this.
fn run_that_leaves(folder: &Place, events: &[Event], settled: Settled) -> Vec<Begun> {
    let mut ledger = folder.start(NOW);
    let begun = ledger.begin(events).unwrap();
    ledger.settle(&all(events, settled)).unwrap();
    begun
}

#[test]
fn an_event_rests_after_three_runs_that_do_not_know_whether_they_delivered_it() {
    let folder = Place::new();
    let events = events(2);
    for _ in 0..3 {
        assert_ne!(
            folder.start(NOW).standing(&events).unwrap()[0],
            Standing::Resting
        );
        run_that_leaves(&folder, &events, Settled::Uncertain);
        // A run that certainly did not deliver it is none of the three, and changes nothing.
        let begun = run_that_leaves(&folder, &events, Settled::Unsent);
        assert_eq!(begun, [Begun::Again; 2]);
    }
    let mut ledger = folder.start(NOW);
    assert_eq!(ledger.standing(&events).unwrap(), [Standing::Resting; 2]);
    let status = ledger.status(None, NOW, 1);
    assert_eq!((status.uncertain, status.resting), (0, 2));
    drop(ledger);
    // Whoever asks for it may send it once more, and then it is delivered.
    run_that_leaves(&folder, &events, Settled::Accepted);
    let mut ledger = folder.start(NOW);
    assert_eq!(ledger.standing(&events).unwrap(), [Standing::Accepted; 2]);
}

/// A kill says nothing of the event, but may have delivered it each time.
#[test]
fn an_event_rests_after_many_more_kills_than_runs_without_a_receipt() {
    let folder = Place::new();
    let standing = || folder.start(NOW).standing(&events(1)).unwrap()[0];
    for _ in 0..11 {
        folder.start(NOW).begin(&events(1)).unwrap();
        assert_eq!(standing(), Standing::Uncertain);
        // Who does not wait for the answer counts the same; an outage and what was not sent count nothing.
        for settled in [Settled::InOutage, Settled::Unsent] {
            run_that_leaves(&folder, &events(1), settled);
        }
    }
    run_that_leaves(&folder, &events(1), Settled::Abandoned);
    assert_eq!(standing(), Standing::Resting);
}

#[test]
fn kills_between_runs_without_a_receipt_do_not_make_an_event_rest_much_sooner() {
    let folder = Place::new();
    for run in 0..3 {
        let rests = folder.start(NOW).standing(&events(1)).unwrap()[0] == Standing::Resting;
        assert!(!rests, "before run {run}");
        run_that_leaves(&folder, &events(1), Settled::Uncertain);
        if run == 0 {
            for _ in 0..3 {
                folder.start(NOW).begin(&events(1)).unwrap();
            }
        }
    }
    let standings = folder.start(NOW).standing(&events(1)).unwrap();
    assert_eq!(standings, [Standing::Resting]);
}

#[test]
fn a_run_settles_only_what_it_has_begun_itself() {
    let folder = Place::new();
    let events = events(3);
    for settled in [
        Settled::Accepted,
        Settled::Unsent,
        Settled::Rejected {
            code: 100,
            subcode: None,
        },
    ] {
        let mut ledger = folder.start(NOW);
        ledger.begin(&events).unwrap();
        // Another run takes over, and the first wakes up late.
        let late = ledger.become_run(None);
        let start = RunStart {
            dataset: "123",
            now: NOW,
            in_flight: 0,
        };
        ledger.start_run(&start).unwrap();
        assert_eq!(ledger.begin(&events).unwrap(), [Begun::Again; 3]);
        let current = ledger.become_run(late);
        let error = ledger.settle(&all(&events, settled)).unwrap_err();
        assert!(matches!(error, LedgerError::Overtaken(_)), "{error}");
        ledger.become_run(current);
        ledger.settle(&all(&events, Settled::Uncertain)).unwrap();
        let status = ledger.status(None, NOW, 1);
        assert_eq!((status.refused, status.delivered.len()), (0, 0));
    }
}

#[test]
fn rehearsals_and_runs_that_left_something_open_are_no_successes() {
    let folder = Place::new();
    let run = |now, is_rehearsal, counts| {
        let mut ledger = folder.start(now);
        ledger
            .finish_run(&RunEnd {
                now,
                exit_status: 1,
                is_rehearsal,
                counts,
            })
            .unwrap();
        let status = ledger.status(None, now, 1);
        (status.last_success, status.last_delivery)
    };
    let counts = RunCounts {
        accepted: 5,
        ..RunCounts::default()
    };
    assert_eq!(run(NOW, false, counts), (Some(NOW), Some(NOW)));
    assert_eq!(run(NOW + 1, true, counts), (Some(NOW), Some(NOW)));
    let open = RunCounts {
        undelivered: 3,
        ..RunCounts::default()
    };
    assert_eq!(run(NOW + 2, false, open), (Some(NOW), Some(NOW)));
    let open = RunCounts {
        uncertain: 1,
        accepted: 1,
        ..RunCounts::default()
    };
    assert_eq!(run(NOW + 3, false, open), (Some(NOW), Some(NOW + 3)));
}

#[test]
fn what_is_too_old_to_be_sent_again_is_not_said_to_be() {
    let folder = Place::new();
    run_that_leaves(&folder, &events(4), Settled::Uncertain);
    let mut ledger = folder.open();
    let mut uncertain = |now| ledger.status(None, now, 1).uncertain;
    assert_eq!((uncertain(NOW), uncertain(NOW + 12 * 86_400)), (4, 0));
}

#[test]
fn the_status_tells_runs_deliveries_a_day_and_what_is_open() {
    let folder = Place::new();
    let events = events(9);
    let counts = RunCounts {
        events: 9,
        accepted: 6,
        rejected: 1,
        uncertain: 1,
        undelivered: 1,
        ..RunCounts::default()
    };
    let mut ledger = folder.start(NOW - 86_400);
    ledger.begin(&events).unwrap();
    ledger
        .settle(&all(&events[..4], Settled::Accepted))
        .unwrap();
    ledger
        .settle(&all(&events[4..6], Settled::Accepted))
        .unwrap();
    ledger
        .settle(&all(
            &events[6..7],
            Settled::Rejected {
                code: 100,
                subcode: None,
            },
        ))
        .unwrap();
    ledger
        .settle(&all(&events[7..8], Settled::Uncertain))
        .unwrap();
    ledger.settle(&all(&events[8..], Settled::Unsent)).unwrap();
    ledger
        .finish_run(&RunEnd {
            now: NOW - 86_300,
            exit_status: 4,
            is_rehearsal: false,
            counts,
        })
        .unwrap();
    drop(ledger);
    let mut ledger = folder.start(NOW);
    ledger
        .finish_run(&RunEnd {
            now: NOW + 5,
            exit_status: 0,
            is_rehearsal: false,
            counts: RunCounts::default(),
        })
        .unwrap();
    ledger
        .start_run(&RunStart {
            dataset: "other",
            now: NOW + 6,
            in_flight: 0,
        })
        .unwrap();
    drop(ledger);

    let mut reader = folder.reader().unwrap();
    let status = reader.status(Some("123"), NOW, 5).unwrap();
    assert_eq!(
        status
            .runs
            .iter()
            .map(|run| run.exit_status)
            .collect::<Vec<_>>(),
        [Some(0), Some(4)]
    );
    assert_eq!(
        (
            status.runs[1].counts,
            status.runs[1].started,
            status.runs[1].ended
        ),
        (counts, NOW - 86_400, Some(NOW - 86_300))
    );
    let yesterday = NOW / 86_400 - 1;
    let delivered = |name: &str, count| Delivered {
        day: yesterday,
        name: name.into(),
        count,
    };
    assert_eq!(
        status.delivered,
        [delivered("Lead", 3), delivered("Qualified", 3)]
    );
    assert_eq!(
        (status.last_success, status.last_delivery),
        (Some(NOW + 5), Some(NOW - 86_300))
    );
    assert_eq!((status.refused, status.uncertain), (1, 1));
    assert_eq!(
        reader
            .status(Some("123"), NOW + 12 * 86_400, 1)
            .unwrap()
            .delivered
            .len(),
        2
    );
    assert_eq!(
        reader
            .status(Some("123"), NOW + 13 * 86_400, 1)
            .unwrap()
            .delivered
            .len(),
        0
    );
    let other = reader.status(Some("other"), NOW, 5).unwrap();
    assert_eq!(
        (
            other.runs.len(),
            other.runs[0].exit_status,
            other.refused,
            other.last_success
        ),
        (1, None, 0, None)
    );
    assert_eq!(reader.status(None, NOW, 5).unwrap().runs.len(), 3);
}

#[test]
fn entries_of_one_write_stand_or_fall_together() {
    let folder = Place::new();
    let mut ledger = folder.start(NOW);
    let (some, others) = (events(4), events(6));
    ledger.begin(&some).unwrap();
    let entries = [
        Entry::Settle(all(&some, Settled::Accepted), None),
        Entry::Begin(others.clone()),
    ];
    let begun = ledger.write(&entries).unwrap();
    let expected = [[Begun::Known; 4].as_slice(), &[Begun::Fresh; 2]].concat();
    assert_eq!(begun, [Vec::new(), expected]);
    drop(ledger);
    let mut ledger = folder.start(NOW);
    let expected = [
        [Standing::Accepted; 4].as_slice(),
        &[Standing::Uncertain; 2],
    ]
    .concat();
    assert_eq!(ledger.standing(&others).unwrap(), expected);
}

#[test]
fn what_is_kept_waits_until_it_is_settled() {
    let place = Place::new();
    let events = events(3);
    let keep = |events: &[Event]| Entry::Keep {
        dataset: "123".into(),
        events: events.to_vec(),
    };
    let mut ledger = place.open();
    let kept = ledger.write(&[keep(&events)]).unwrap();
    assert_eq!(kept, [[Begun::Fresh; 3]]);
    let dataset = "123";
    ledger
        .start_run(&RunStart {
            dataset,
            now: NOW,
            in_flight: 0,
        })
        .unwrap();
    let kept = ledger.write(&[keep(&events[..2])]).unwrap();
    assert_eq!(kept, [[Begun::Known; 2]]);
    assert_eq!(ledger.queue(dataset).unwrap().events, 3);
    let found = ledger.overdue(dataset).unwrap();
    assert_eq!(found.len(), 3);
    assert!(ledger.overdue(dataset).unwrap().is_empty());
    ledger.begin(&events).unwrap();
    ledger.settle(&all(&events, Settled::Accepted)).unwrap();
    assert_eq!(ledger.queue(dataset).unwrap(), Queue::default());
    let kept = ledger.write(&[keep(&events)]).unwrap();
    assert_eq!(kept, [[Begun::Known; 3]]);
}

#[test]
fn a_lead_that_was_told_of_is_taken_by_one_at_a_time_until_it_is_read() {
    let place = Place::new();
    let mut ledger = place.open();
    ledger.set_clock(Clock::Fixed(NOW));
    let told = |id: &str, created| ToldLead {
        id: id.to_owned(),
        page: "100".to_owned(),
        created,
    };
    let leads = [told("2", NOW - 5), told("1", NOW - 9)];
    assert_eq!(ledger.note_leads("123", &leads).unwrap(), 2);
    assert_eq!(ledger.note_leads("123", &leads[..1]).unwrap(), 0);
    assert_eq!(ledger.note_leads("9", &leads[..1]).unwrap(), 1);
    assert_eq!(ledger.queue("123").unwrap().leads, 2);
    let due = |ledger: &mut Box<dyn Store>, now: i64| {
        ledger.set_clock(Clock::Fixed(now));
        let due = ledger.take_leads("123").unwrap();
        let due: Vec<(String, u32)> = due
            .into_iter()
            .map(|due| (due.told.id, due.attempts))
            .collect();
        due
    };
    assert_eq!(due(&mut ledger, NOW), [("1".into(), 0), ("2".into(), 0)]);
    assert_eq!(due(&mut ledger, NOW + 100), []);
    // Whoever had them has died, or takes too long.
    assert_eq!(
        due(&mut ledger, NOW + 130),
        [("1".into(), 1), ("2".into(), 1)]
    );
    ledger.put_lead_off(("123", "1"), NOW + 140).unwrap();
    ledger.forget_lead(("123", "2")).unwrap();
    assert_eq!(due(&mut ledger, NOW + 139), []);
    assert_eq!(due(&mut ledger, NOW + 140), [("1".into(), 2)]);
    ledger.forget_lead(("123", "1")).unwrap();
    assert_eq!(ledger.queue("123").unwrap(), Queue::default());
    assert_eq!(ledger.count("leadgen"), 1);
    ledger.forget_at(NOW + 40 * 86_400);
    assert_eq!(ledger.count("leadgen"), 0);
}

#[test]
fn accepted_events_are_counted_by_hour_and_found_by_person() {
    let place = Place::new();
    let mut events = events(4);
    for (event, hours) in events.iter_mut().zip(0..) {
        event.time = NOW - hours * 3_600;
        let email = if hours < 3 { "aa" } else { "bb" };
        event.json = format!("{{\"user_data\":{{\"em\":[\"00\",\"{email}\"]}}}}").into();
    }
    let mut ledger = place.start(NOW);
    ledger.begin(&events).unwrap();
    let trace = Some("trace-1".to_owned());
    let entry = Entry::Settle(all(&events[..2], Settled::Accepted), trace);
    ledger.write(&[entry]).unwrap();
    ledger
        .finish_run(&RunEnd {
            now: NOW,
            ..RunEnd::default()
        })
        .unwrap();
    drop(ledger);

    let mut reader = place.reader().unwrap();
    let window = Window {
        from: 0,
        until: NOW + 1,
        settled_by: NOW,
    };
    let accepted = reader.accepted("123", window).unwrap();
    let hour = NOW / 3_600;
    let counted = |name: &str, hour| Accepted {
        name: Some(name.to_owned()),
        hour,
        count: 1,
    };
    assert_eq!(
        accepted,
        [counted("Lead", hour), counted("Qualified", hour - 1)]
    );
    assert!(reader.accepted("other", window).unwrap().is_empty());

    let asked = HashSet::from([Person::of(crate::customer::Key::Em, "aa")]);
    let found = reader.about(&asked, None, NOW).unwrap();
    let states: Vec<State> = found.iter().map(|event| event.state).collect();
    assert_eq!(states, [State::Uncertain, State::Accepted, State::Accepted]);
    assert_eq!(found[2].trace.as_deref(), Some("trace-1"));
    assert!(reader.about(&asked, Some("other"), NOW).unwrap().is_empty());
    // What nobody knows of becomes too old between two runs.
    let mut ledger = reader.into_ledger();
    let expired = ledger.expired("123", NOW + 8 * 86_400).unwrap();
    assert_eq!(expired.len(), 2);
}

#[test]
fn many_delivered_events_are_recognised_quickly() {
    let folder = Place::new();
    let mut ledger = folder.start(NOW);
    let events = events(50_000);
    for batch in events.chunks(5000) {
        ledger.begin(batch).unwrap();
        ledger.settle(&all(batch, Settled::Accepted)).unwrap();
    }
    drop(ledger);
    let mut ledger = folder.start(NOW);
    let start = Instant::now();
    for chunk in events.chunks(4096) {
        assert!(
            ledger
                .standing(chunk)
                .unwrap()
                .iter()
                .all(|standing| *standing == Standing::Accepted)
        );
    }
    // Far above what it takes, even unoptimised and on a busy machine.
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
}
