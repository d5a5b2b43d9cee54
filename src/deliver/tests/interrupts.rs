use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::deliver::testing::*;
use crate::deliver::*;
use crate::ledger::{NoLedger, SharedLedger};

/// A server that interrupts the run when request `at` comes in, and what is needed to run against it.
async fn interrupting(
    at: usize,
    urgency: Interrupt,
    reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> (Server, watch::Receiver<Interrupt>) {
    let (sender, receiver) = watch::channel(Interrupt::None);
    let sender = Arc::new(sender);
    let server = Server::start(move |seen| {
        if seen.number == at {
            sender.send_replace(urgency);
        }
        reply(seen)
    })
    .await;
    (server, receiver)
}

#[tokio::test]
async fn the_first_interrupt_waits_for_what_is_in_flight_and_sends_nothing_new() {
    let slow =
        |seen: &Seen| Reply::After(Duration::from_millis(100), Box::new(Reply::receipt(seen)));
    let (server, interrupt) = interrupting(4, Interrupt::Finish, slow).await;
    let ledger = SharedLedger::new(NoLedger);
    let delivered = run_with(server.client(), events(5000), quick(), ledger, interrupt).await;
    assert!(matches!(delivered.delivery.ended, Ended::Interrupted));
    assert!(
        server.seen().len() < 5 + 4,
        "{} requests",
        server.seen().len()
    );
    let mut taken = server.taken();
    taken.sort_unstable();
    assert_eq!(delivered.accepted(), taken);
    assert_eq!(
        (delivered.counts.uncertain, delivered.counts.rejected),
        (0, 0)
    );
}

#[tokio::test]
async fn the_second_interrupt_waits_for_nothing() {
    let hang = |seen: &Seen| {
        if seen.number == 0 {
            Reply::receipt(seen)
        } else {
            Reply::Hang
        }
    };
    let (server, interrupt) = interrupting(4, Interrupt::Now, hang).await;
    let start = Instant::now();
    let ledger = SharedLedger::new(NoLedger);
    let delivered = run_with(server.client(), events(5000), quick(), ledger, interrupt).await;
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(matches!(delivered.delivery.ended, Ended::Interrupted));
    assert_eq!(
        (delivered.counts.accepted, delivered.counts.uncertain),
        (10, 200)
    );
}

#[tokio::test]
async fn an_interrupt_cuts_a_wait_short() {
    let throttled = |_: &Seen| Reply::Answer(429, "Retry-After: 15\r\n", String::new());
    let (server, interrupt) = interrupting(0, Interrupt::Finish, throttled).await;
    let start = Instant::now();
    let ledger = SharedLedger::new(NoLedger);
    let delivered = run_with(server.client(), events(100), quick(), ledger, interrupt).await;
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(
        (
            server.seen().len(),
            delivered.counts.accepted,
            delivered.counts.uncertain
        ),
        (1, 0, 0)
    );
}
