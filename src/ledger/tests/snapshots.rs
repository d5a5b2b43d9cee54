use super::*;
use crate::event::{LeadKey, StageKey};
use crate::ledger::TrialSnapshots;
use crate::time::Clock;

also_on_server! {
    the_first_run_records_what_is_there_and_later_ones_tell_what_changed,
    several_rows_of_a_lead_in_the_first_snapshot_are_all_recorded,
    stages_with_a_time_of_their_own_are_events_from_the_first_run_on,
    what_was_too_old_when_it_was_seen_is_not_sent_with_a_later_time,
    only_stages_that_may_come_back_do_so_and_once_a_visit,
    a_lead_with_two_rows_does_not_come_back_every_day,
    each_crm_of_a_dataset_has_a_first_run_of_its_own,
    a_trial_knows_what_the_ledger_knows_and_changes_nothing,
    leads_are_forgotten_after_400_days_and_their_events_not_before,
}

const SOURCE: SnapshotSource<'_> = SnapshotSource {
    dataset: "1",
    crm: "CRM",
};
const DAY: i64 = 86_400;

fn print(lead: u8, stage: u8) -> Fingerprint {
    Fingerprint([lead, stage, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
}

/// A lead in a stage, in the export of a day.
fn seen(lead: u8, stage: u8, day: i64) -> Sighting {
    Sighting {
        lead: LeadKey([lead; 16]),
        stage: StageKey([stage; 16]),
        origin: None,
        event: print(lead, stage),
        is_given: false,
        time: day * DAY,
        exported: day * DAY,
        timing: Timing::Current,
        sends_again: false,
        is_old: false,
        is_skipped: false,
        is_refused: false,
        is_withheld: false,
    }
}

fn again(lead: u8, stage: u8, day: i64) -> Sighting {
    Sighting {
        sends_again: true,
        ..seen(lead, stage, day)
    }
}

fn dated(lead: u8, stage: u8, day: i64) -> Sighting {
    Sighting {
        timing: Timing::Dated,
        ..seen(lead, stage, day)
    }
}

/// What a sighting comes to, of an event only which visit of the lead it is.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Told {
    Visit(u32),
    Recorded,
    Unchanged,
    InHand,
}

const EVENT: Told = Told::Visit(0);

/// A ledger with a run.
fn started(place: &Place) -> Box<dyn Store> {
    let mut ledger = place.open();
    start(&mut ledger);
    ledger
}

fn start(ledger: &mut Box<dyn Store>) {
    let (dataset, now) = (SOURCE.dataset, DAY);
    ledger
        .start_run(&RunStart {
            dataset,
            now,
            in_flight: 0,
        })
        .unwrap();
}

/// What sightings come to in a run of their own.
fn sights(ledger: &mut Box<dyn Store>, sightings: &[Sighting]) -> Vec<Told> {
    start(ledger);
    sights_of(SOURCE, ledger, sightings)
}

fn sights_of(
    source: SnapshotSource<'_>,
    memory: &mut dyn Snapshots,
    sightings: &[Sighting],
) -> Vec<Told> {
    let shown: Vec<Shown<'_>> = sightings
        .iter()
        .map(|sighting| Shown {
            sighting: *sighting,
            identities: b"",
            event: None,
        })
        .collect();
    let told = memory.sight(source, &shown).unwrap().told;
    let told = told
        .iter()
        .zip(sightings)
        .map(|(told, sighting)| match told.sight {
            Sight::Event { id, .. } => {
                let visits = (0..9).find(|number| sighting.event.of_visit(*number) == id);
                Told::Visit(visits.unwrap())
            }
            Sight::Recorded => Told::Recorded,
            Sight::Unchanged => Told::Unchanged,
            Sight::InHand { .. } => Told::InHand,
        });
    told.collect()
}

#[test]
fn the_first_run_records_what_is_there_and_later_ones_tell_what_changed() {
    let folder = Place::new();
    let mut ledger = started(&folder);
    assert!(ledger.is_first_run(SOURCE).unwrap());
    let first = [seen(1, 1, 1), seen(2, 1, 1)];
    assert_eq!(sights(&mut ledger, &first), [Told::Recorded; 2]);
    // Killed and repeated.
    assert_eq!(sights(&mut ledger, &first), [Told::Unchanged; 2]);
    ledger.complete(SOURCE).unwrap();
    assert!(!ledger.is_first_run(SOURCE).unwrap());
    let second = [seen(1, 1, 2), seen(2, 2, 2), seen(3, 1, 2)];
    let told = [Told::Unchanged, EVENT, EVENT];
    assert_eq!(sights(&mut ledger, &second), told);
    assert_eq!(sights(&mut ledger, &second), told);
    // Back where the first run found it: it was there before.
    assert_eq!(sights(&mut ledger, &[seen(2, 1, 3)]), [Told::Unchanged]);
}

#[test]
fn several_rows_of_a_lead_in_the_first_snapshot_are_all_recorded() {
    let folder = Place::new();
    let mut ledger = started(&folder);
    let rows = [seen(1, 1, 1), seen(1, 2, 1), seen(1, 3, 1)];
    assert_eq!(sights(&mut ledger, &rows), [Told::Recorded; 3]);
    // A later file of the same run shows what changed meanwhile.
    assert_eq!(sights(&mut ledger, &[seen(1, 4, 2)]), [EVENT]);
}

#[test]
fn stages_with_a_time_of_their_own_are_events_from_the_first_run_on() {
    let folder = Place::new();
    let mut ledger = started(&folder);
    let rows = [dated(1, 1, 1), seen(1, 2, 1)];
    assert_eq!(sights(&mut ledger, &rows), [EVENT, Told::Recorded]);
    let rows = [dated(1, 1, 2), seen(1, 2, 2)];
    assert_eq!(sights(&mut ledger, &rows), [EVENT, Told::Unchanged]);
}

#[test]
fn what_was_too_old_when_it_was_seen_is_not_sent_with_a_later_time() {
    let folder = Place::new();
    let mut ledger = started(&folder);
    ledger.complete(SOURCE).unwrap();
    let old = Sighting {
        is_old: true,
        ..seen(1, 1, 1)
    };
    assert_eq!(sights(&mut ledger, &[old]), [EVENT]);
    assert_eq!(sights(&mut ledger, &[seen(1, 1, 9)]), [Told::Unchanged]);
}

#[test]
fn only_stages_that_may_come_back_do_so_and_once_a_visit() {
    let folder = Place::new();
    let mut ledger = started(&folder);
    ledger.complete(SOURCE).unwrap();
    let mut visit = |sighting| sights(&mut ledger, &[sighting])[0];
    assert_eq!(visit(again(1, 1, 1)), EVENT);
    assert_eq!(visit(again(1, 1, 2)), EVENT);
    assert_eq!(visit(seen(1, 2, 3)), EVENT);
    for day in [4, 4, 5, 9] {
        assert_eq!(visit(again(1, 1, day)), Told::Visit(1), "{day}");
    }
    // An older export that is read late changes nothing.
    assert_eq!(visit(seen(1, 2, 3)), EVENT);
    assert_eq!(visit(again(1, 1, 9)), Told::Visit(1));
    assert_eq!(visit(seen(1, 2, 10)), EVENT);
    assert_eq!(visit(again(1, 1, 11)), Told::Visit(2));
}

#[test]
fn a_lead_with_two_rows_does_not_come_back_every_day() {
    let folder = Place::new();
    let mut ledger = started(&folder);
    ledger.complete(SOURCE).unwrap();
    for day in 1..9 {
        let rows = [again(1, 1, day), again(1, 2, day)];
        assert_eq!(sights(&mut ledger, &rows), [EVENT, EVENT], "{day}");
    }
}

#[test]
fn each_crm_of_a_dataset_has_a_first_run_of_its_own() {
    let folder = Place::new();
    let mut ledger = started(&folder);
    ledger.complete(SOURCE).unwrap();
    let other = SnapshotSource {
        crm: "Other",
        ..SOURCE
    };
    assert!(ledger.is_first_run(other).unwrap());
    let told = sights_of(other, &mut ledger, &[seen(5, 1, 1)]);
    assert_eq!(told, [Told::Recorded]);
}

#[test]
fn a_trial_knows_what_the_ledger_knows_and_changes_nothing() {
    let folder = Place::new();
    let mut ledger = started(&folder);
    sights(&mut ledger, &[seen(1, 1, 1), seen(2, 1, 1)]);
    ledger.complete(SOURCE).unwrap();
    drop(ledger);
    for _ in 0..2 {
        let below = folder.reader();
        let mut trial = TrialSnapshots::over(below).unwrap();
        assert!(!trial.is_first_run(SOURCE).unwrap());
        let rows = [seen(1, 1, 2), seen(2, 2, 2), seen(2, 2, 3)];
        let told = [Told::Unchanged, EVENT, EVENT];
        assert_eq!(sights_of(SOURCE, &mut trial, &rows), told);
    }
    let mut alone = TrialSnapshots::over(None).unwrap();
    let rows = [seen(1, 1, 2), seen(1, 2, 3)];
    assert_eq!(
        sights_of(SOURCE, &mut alone, &rows),
        [Told::Recorded, EVENT]
    );
}

#[test]
fn leads_are_forgotten_after_400_days_and_their_events_not_before() {
    let folder = Place::new();
    let mut ledger = started(&folder);
    sights(&mut ledger, &[seen(1, 1, 1)]);
    let now = Clock::System.now();
    ledger.forget_at(now + 399 * DAY);
    assert_eq!(ledger.count("snapshot_stage"), 1);
    ledger.forget_at(now + 401 * DAY);
    assert_eq!(ledger.count("snapshot_lead"), 0);
    assert_eq!(ledger.count("snapshot_stage"), 0);
}
