use std::time::Duration;

use tokio::sync::watch;

use crate::deliver::testing::*;
use crate::deliver::*;
use crate::ledger::LedgerError;
use crate::ledger::{
    Begun, Entry, Known, Ledger, NoLedger, RunEnd, RunStart, SharedLedger, SqliteLedger, Standing,
};

fn open(folder: &tempfile::TempDir) -> SqliteLedger {
    let mut ledger = SqliteLedger::open(&folder.path().join("ledger"), Duration::ZERO).unwrap();
    ledger
        .start_run(&RunStart {
            dataset: "1",
            now: 1_700_000_000,
            in_flight: 0,
        })
        .unwrap();
    ledger
}

fn never() -> watch::Receiver<Interrupt> {
    watch::channel(Interrupt::None).1
}

#[tokio::test]
async fn every_outcome_is_in_the_ledger_when_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let bad = [70].into();
    let server = Server::start(move |seen| match seen.number {
        0..=9 => Reply::unless_bad(seen, &bad),
        _ => Reply::Answer(502, "", String::new()),
    })
    .await;
    let settings = Settings {
        give_up_after: Duration::from_millis(30),
        concurrency: 1,
        ..quick()
    };
    let delivered = run_with(
        server.client(),
        events(400),
        settings,
        SharedLedger::new(open(&folder)),
        never(),
    )
    .await;
    assert!(delivered.counts.accepted > 0 && delivered.counts.uncertain > 0);

    let mut next = open(&folder);
    let standings = next.standing(&events(400)).unwrap();
    for (id, outcome) in &delivered.outcomes {
        let expected = match outcome {
            Outcome::Accepted => Standing::Accepted,
            Outcome::Rejected(_) => Standing::Refused {
                code: 100,
                subcode: Some(2804036),
            },
            Outcome::Uncertain | Outcome::Suspect(_) | Outcome::Unrecorded => Standing::Uncertain,
            Outcome::Undelivered => Standing::New,
            Outcome::Old | Outcome::Duplicate | Outcome::Elsewhere => unreachable!(),
        };
        assert_eq!(standings[*id as usize], expected, "{id}");
    }
}

#[tokio::test]
async fn what_a_dead_run_left_in_flight_is_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut dead = open(&folder);
    dead.write(&[Entry::Begin(events(5))]).unwrap();
    drop(dead);
    let server = Server::start(Reply::receipt).await;
    let ledger = SharedLedger::new(open(&folder));
    let delivered = run_with(server.client(), events(20), quick(), ledger, never()).await;
    assert_eq!((delivered.counts.accepted, server.taken().len()), (20, 20));
}

#[tokio::test]
async fn an_event_a_dead_run_may_have_delivered_stays_uncertain_until_it_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let mut dead = open(&folder);
    dead.write(&[Entry::Begin(events(5))]).unwrap();
    drop(dead);
    let server = Server::start(|_| Reply::fault(400, 190, 0)).await;
    let delivered = run_with(
        server.client(),
        events(20),
        quick(),
        SharedLedger::new(open(&folder)),
        never(),
    )
    .await;
    assert_eq!(
        (delivered.counts.uncertain, delivered.counts.undelivered),
        (5, 15)
    );
    let standings = open(&folder).standing(&events(6)).unwrap();
    assert_eq!(
        standings,
        [[Standing::Uncertain; 5].as_slice(), &[Standing::New]].concat()
    );
}

#[tokio::test]
async fn the_same_event_twice_is_sent_once_with_and_without_a_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let twice: Vec<_> = events(30).into_iter().chain(events(30)).collect();
    let server = Server::start(Reply::receipt).await;
    let ledger = SharedLedger::new(open(&folder));
    let delivered = run_with(server.client(), twice, quick(), ledger, never()).await;
    assert_eq!(
        (delivered.counts.accepted, delivered.counts.duplicates),
        (30, 30)
    );
    assert_eq!(server.taken().len(), 30);
    let neighbours = vec![event(1, 1), event(1, 1), event(2, 2)];
    let delivered = run(&server, neighbours, quick()).await;
    assert_eq!(
        (delivered.counts.accepted, delivered.counts.duplicates),
        (2, 1)
    );
}

#[tokio::test]
async fn a_run_that_dies_is_resumed_and_only_what_was_in_flight_goes_twice() {
    for cut in [0, 1, 3, 4, 7, 12] {
        let folder = tempfile::tempdir().unwrap();
        let (dying, mut dies) = tokio::sync::mpsc::unbounded_channel();
        let server = Server::start(move |seen| {
            if seen.number == cut {
                dying.send(()).unwrap();
            }
            Reply::receipt(seen)
        })
        .await;
        let ledger = SharedLedger::new(open(&folder));
        let first = run_with(server.client(), events(1000), quick(), ledger, never());
        tokio::select! {
            _ = first => panic!("the run was to die"),
            Some(()) = dies.recv() => {}
        }
        let before = server.taken();

        // What the dead run had handed to the ledger may take a moment to be written.
        let path = folder.path().join("ledger");
        let opening =
            tokio::task::spawn_blocking(move || SqliteLedger::open(&path, Duration::from_secs(10)));
        let mut ledger = opening.await.unwrap().unwrap();
        ledger
            .start_run(&RunStart {
                dataset: "1",
                now: 1_700_000_000,
                in_flight: 0,
            })
            .unwrap();
        let standings = ledger.standing(&events(1000)).unwrap();
        let with = |wanted: Standing| {
            events(1000)
                .into_iter()
                .zip(&standings)
                .filter(move |(_, standing)| **standing == wanted)
                .map(|(event, _)| event)
        };
        let uncertain: Vec<u64> = with(Standing::Uncertain).map(|event| event.lead).collect();
        assert!(uncertain.len() <= 4 * 50, "no more than was in flight");
        assert!(with(Standing::Accepted).all(|event| before.contains(&event.lead)));
        let rest: Vec<Event> = with(Standing::New)
            .chain(with(Standing::Uncertain))
            .collect();
        let second = run_with(
            server.client(),
            rest,
            quick(),
            SharedLedger::new(ledger),
            never(),
        )
        .await;
        assert!(matches!(second.delivery.ended, Ended::Done));

        let mut taken = server.taken();
        taken.sort_unstable();
        let twice: Vec<u64> = taken
            .windows(2)
            .filter(|pair| pair[0] == pair[1])
            .map(|pair| pair[0])
            .collect();
        taken.dedup();
        assert_eq!(
            taken,
            (0..1000).collect::<Vec<_>>(),
            "the server has every event"
        );
        assert!(
            twice.iter().all(|id| uncertain.contains(id)),
            "{twice:?} went twice, {uncertain:?} were uncertain"
        );
    }
}

/// A ledger that fails from some call on.
struct Failing {
    calls_left: usize,
}

impl Failing {
    fn call(&mut self) -> Result<(), LedgerError> {
        if self.calls_left == 0 {
            return Err(LedgerError::Full("ledger".into()));
        }
        self.calls_left -= 1;
        Ok(())
    }
}

impl Ledger for Failing {
    fn look_up(&mut self, dataset: &str, events: &[Event]) -> Result<Vec<Known>, LedgerError> {
        NoLedger.look_up(dataset, events)
    }
    fn start_run(&mut self, _: &RunStart<'_>) -> Result<(), LedgerError> {
        self.call()
    }
    fn write(&mut self, entries: &[Entry]) -> Result<Vec<Vec<Begun>>, LedgerError> {
        self.call()?;
        NoLedger.write(entries)
    }
    fn finish_run(&mut self, _: &RunEnd) -> Result<(), LedgerError> {
        self.call()
    }
}

#[tokio::test]
async fn nothing_is_sent_that_the_ledger_could_not_note_first_and_what_it_cannot_note_is_uncertain()
{
    for calls_left in 0..6 {
        let server = Server::start(Reply::receipt).await;
        let ledger = SharedLedger::new(Failing { calls_left });
        let settings = Settings {
            concurrency: 1,
            ..quick()
        };
        let delivered = run_with(server.client(), events(500), settings, ledger, never()).await;
        assert!(matches!(
            delivered.delivery.ended,
            Ended::Ledger(LedgerError::Full(_))
        ));
        assert_eq!(server.seen().len(), calls_left.div_ceil(2));
        let mut taken = server.taken();
        taken.sort_unstable();
        let mut known = [delivered.accepted(), delivered.uncertain()].concat();
        known.sort_unstable();
        assert_eq!(known, taken, "what was taken is not denied");
        let last = server.seen().last().map_or(0, |seen| seen.events.len());
        let unnoted = if calls_left % 2 == 1 { last } else { 0 };
        assert_eq!(delivered.uncertain().len(), unnoted);
        let is_said = |(_, outcome): &(u64, Outcome)| *outcome == Outcome::Unrecorded;
        let said = delivered.outcomes.iter().filter(|told| is_said(told));
        assert_eq!(said.count(), unnoted, "as accepted, and as nothing else");
    }
}

/// A ledger that fails once, on settling.
struct FailsOnce {
    settled: usize,
}

impl Ledger for FailsOnce {
    fn look_up(&mut self, dataset: &str, events: &[Event]) -> Result<Vec<Known>, LedgerError> {
        NoLedger.look_up(dataset, events)
    }
    fn start_run(&mut self, _: &RunStart<'_>) -> Result<(), LedgerError> {
        Ok(())
    }
    fn write(&mut self, entries: &[Entry]) -> Result<Vec<Vec<Begun>>, LedgerError> {
        self.settled += usize::from(matches!(entries[0], Entry::Settle(..)));
        if self.settled == 1 && matches!(entries[0], Entry::Settle(..)) {
            return Err(LedgerError::Full("ledger".into()));
        }
        NoLedger.write(entries)
    }
    fn finish_run(&mut self, _: &RunEnd) -> Result<(), LedgerError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_ledger_that_fails_once_is_written_once_more() {
    let server = Server::start(Reply::receipt).await;
    let ledger = SharedLedger::new(FailsOnce { settled: 0 });
    let delivered = run_with(server.client(), events(100), quick(), ledger, never()).await;
    assert!(matches!(delivered.delivery.ended, Ended::Done));
    assert_eq!(delivered.counts.accepted, 100);
}

#[tokio::test]
async fn what_a_sandbox_takes_or_refuses_leaves_no_trace_in_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|seen| {
        let Reply::Answer(status, _, body) = Reply::unless_bad(seen, &[7, 70].into()) else {
            unreachable!()
        };
        Reply::Answer(status, "X-Crm2capi-Sandbox: 1\r\n", body)
    })
    .await;
    let ledger = SharedLedger::new(open(&folder));
    let delivered = run_with(server.client(), events(120), quick(), ledger, never()).await;
    assert!(delivered.delivery.is_rehearsal);
    assert_eq!(
        (delivered.counts.accepted, delivered.rejected()),
        (118, vec![7, 70])
    );
    let standings = open(&folder).standing(&events(120)).unwrap();
    assert_eq!(standings, [Standing::New; 120]);
}
