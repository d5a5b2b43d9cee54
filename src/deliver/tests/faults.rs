use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::HeaderMap;

use crate::deliver::testing::*;
use crate::deliver::*;
use crate::graph::answer::Answer;
use crate::graph::verdict::Barrier;
use crate::ledger::{NoLedger, SharedLedger};
use crate::time::Clock;

/// Faults that pass, and whether one that does not pass leaves the events uncertain.
fn passing_faults() -> Vec<(&'static str, Reply, bool)> {
    let answer = |status, body: &str| Reply::Answer(status, "", body.into());
    vec![
        ("an empty 500", answer(500, ""), true),
        ("an HTML 502", answer(502, "<html>Bad gateway</html>"), true),
        (
            "a 503 with Retry-After",
            Reply::Answer(503, "Retry-After: 0\r\n", "busy".into()),
            true,
        ),
        ("a 429", answer(429, ""), false),
        ("the user's limit", Reply::fault(400, 17, 0), false),
        (
            "the dataset's limit",
            Reply::fault(400, 80004, 2446079),
            false,
        ),
        (
            "a dataset that is not ready",
            Reply::fault(400, 21009, 0),
            false,
        ),
        ("a temporary error", Reply::fault(500, 2, 0), true),
        ("a negative code", Reply::fault(400, -2, 0), true),
        (
            "a transient error",
            answer(400, r#"{"error":{"code":100,"is_transient":true}}"#),
            false,
        ),
        ("a reset after the body was taken", Reply::Bytes(b""), true),
        (
            "a truncated answer",
            Reply::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"events_rec"),
            true,
        ),
        (
            "a truncated head",
            Reply::Bytes(b"HTTP/1.1 200 OK\r\nConte"),
            true,
        ),
        (
            "no HTTP at all",
            Reply::Bytes(b"SSH-2.0-OpenSSH_9.9\r\n"),
            true,
        ),
        (
            "a captive portal",
            answer(200, "<html>Sign in</html>"),
            true,
        ),
        ("an empty 200", answer(200, ""), true),
        (
            "a redirect",
            Reply::Answer(302, "Location: /login\r\n", String::new()),
            false,
        ),
    ]
}

#[tokio::test]
async fn a_fault_that_passes_costs_nothing_but_a_repetition() {
    for (name, reply, _) in passing_faults() {
        let server = Server::start(move |seen| match seen.number {
            0 | 2 | 3 => reply.clone(),
            _ => Reply::receipt(seen),
        })
        .await;
        let delivered = run(&server, events(150), quick()).await;
        assert_eq!(delivered.accepted(), (0..150).collect::<Vec<_>>(), "{name}");
        assert!(matches!(delivered.delivery.ended, Ended::Done), "{name}");
        assert_eq!(
            delivered.delivery.requests,
            server.seen().len() as u64,
            "{name}"
        );
        assert_eq!(delivered.delivery.retries, 3, "{name}");
        let mut taken = server.taken();
        taken.retain(|id| *id < 150);
        assert!(taken.len() >= 150, "{name}");
    }
}

#[tokio::test]
async fn a_fault_that_does_not_pass_ends_the_run_and_nothing_is_claimed() {
    for (name, reply, is_uncertain) in passing_faults() {
        let server = Server::start(move |seen| {
            if seen.number == 0 {
                Reply::receipt(seen)
            } else {
                reply.clone()
            }
        })
        .await;
        let settings = Settings {
            give_up_after: Duration::from_millis(60),
            ..quick()
        };
        let delivered = run(&server, events(500), settings).await;
        assert!(
            matches!(&delivered.delivery.ended, Ended::Unreachable(reason) if !reason.is_empty())
                || name == "a redirect",
            "{name}"
        );
        assert_eq!(delivered.accepted(), (0..10).collect::<Vec<_>>(), "{name}");
        let sent: BTreeSet<u64> = server.seen()[1..]
            .iter()
            .flat_map(|seen| seen.events.clone())
            .collect();
        let expected: Vec<u64> = if is_uncertain {
            sent.into_iter().collect()
        } else {
            Vec::new()
        };
        assert_eq!(delivered.uncertain(), expected, "{name}");
        assert_eq!(delivered.counts.rejected, 0, "{name}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_leaves_the_events_uncertain() {
    let server = Server::start(|_| Reply::Hang).await;
    let settings = Settings {
        give_up_after: Duration::from_millis(700),
        ..quick()
    };
    let client = server.client_with(Duration::from_millis(400));
    let never = tokio::sync::watch::channel(Interrupt::None).1;
    let delivered = run_with(
        client,
        events(30),
        settings,
        SharedLedger::new(NoLedger),
        never,
    )
    .await;
    assert_eq!(
        (delivered.counts.uncertain, delivered.counts.undelivered),
        (10, 20)
    );
    assert!(
        matches!(&delivered.delivery.ended, Ended::Unreachable(reason)
            if *reason == format!("{}: no answer in time", server.url.trim_start_matches("http://")))
    );
    assert!(delivered.delivery.retries >= 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_leaves_everything_undelivered() {
    let mut server = Server::start(Reply::receipt).await;
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    server.url = format!("http://127.0.0.1:{port}");
    let settings = Settings {
        give_up_after: Duration::from_millis(50),
        ..quick()
    };
    let delivered = run(&server, events(30), settings).await;
    assert_eq!(
        (delivered.counts.uncertain, delivered.counts.undelivered),
        (0, 30)
    );
}

#[tokio::test]
async fn once_unknown_stays_unknown_whatever_later_attempts_are_told() {
    let server = Server::start(|seen| {
        if seen.number == 0 {
            Reply::Bytes(b"")
        } else {
            Reply::fault(400, 17, 0)
        }
    })
    .await;
    let settings = Settings {
        give_up_after: Duration::from_millis(60),
        ..quick()
    };
    let delivered = run(&server, events(30), settings).await;
    assert_eq!(
        (delivered.counts.uncertain, delivered.counts.undelivered),
        (10, 20)
    );
}

#[tokio::test]
async fn a_dead_token_stops_at_the_first_small_batch() {
    for (fault, barrier) in [
        (Reply::fault(400, 190, 463), Barrier::Token),
        (Reply::fault(401, 190, 0), Barrier::Token),
        (Reply::fault(400, 100, 33), Barrier::Dataset),
        (Reply::fault(403, 200, 0), Barrier::Permission),
        (Reply::fault(400, 2635, 0), Barrier::Version),
    ] {
        let server = Server::start(move |_| fault.clone()).await;
        let delivered = run(&server, events(500), quick()).await;
        assert!(
            matches!(&delivered.delivery.ended, Ended::Stopped(stop) if stop.barrier == barrier)
        );
        assert_eq!(
            (server.seen().len(), server.seen()[0].events.len()),
            (1, 10)
        );
        assert_eq!(
            delivered.counts.undelivered as usize,
            delivered.outcomes.len()
        );
        assert_eq!(delivered.delivery.fbtrace_ids, ["F"]);
    }
}

#[tokio::test]
async fn a_token_that_dies_in_mid_run_stops_there_and_what_was_taken_stays_taken() {
    let server = Server::start(|seen| {
        if seen.number < 5 {
            Reply::receipt(seen)
        } else {
            Reply::fault(400, 190, 460)
        }
    })
    .await;
    let delivered = run(&server, events(2000), quick()).await;
    let mut taken = server.taken();
    taken.sort_unstable();
    assert_eq!(delivered.accepted(), taken);
    assert!(matches!(delivered.delivery.ended, Ended::Stopped(_)));
    assert!(
        server.seen().len() <= 5 + 4,
        "only what was in flight still came in"
    );
    assert_eq!(
        (delivered.counts.uncertain, delivered.counts.rejected),
        (0, 0)
    );
}

/// Faults of the request that the codes do not give away: what Meta answers to every POST, the probe included.
fn faults_of_the_request() -> Vec<(&'static str, Reply)> {
    let answer = |status, body: &str| Reply::Answer(status, "", body.into());
    vec![
        (
            "a wrong proof",
            answer(
                400,
                r#"{"error":{"code":100,"type":"GraphMethodException","message":"API calls from the server require an appsecret_proof argument"}}"#,
            ),
        ),
        ("an unknown path", Reply::fault(400, 2500, 0)),
        ("an address that is not allowed", Reply::fault(403, 5, 0)),
        ("an unsupported call", Reply::fault(400, 12, 0)),
        ("an unknown app", Reply::fault(400, 101, 0)),
        ("a refused call", Reply::fault(403, 103, 0)),
        ("an unknown code at 403", Reply::fault(403, 4711, 0)),
        ("an unknown code", Reply::fault(400, 4711, 0)),
        ("an unknown subcode", Reply::fault(400, 100, 4711)),
        (
            "an event's fault that everything has",
            Reply::fault(400, 100, 2804016),
        ),
        (
            "a named event's fault that everything has",
            Reply::fault(400, 100, 2804019),
        ),
        (
            "an age that everything has",
            Reply::fault(400, 100, 2804003),
        ),
        ("a size that everything has", answer(413, "<html>")),
    ]
}

#[tokio::test]
async fn a_fault_of_the_request_costs_no_event_and_a_handful_of_requests() {
    for (name, reply) in faults_of_the_request() {
        if name.contains("a named") {
            // The probe shows that the request is sound, so these are the events'.
            continue;
        }
        for healthy in [0, 1, 6] {
            let reply = reply.clone();
            let server = Server::start(move |seen| {
                if seen.number < healthy {
                    Reply::receipt(seen)
                } else {
                    reply.clone()
                }
            })
            .await;
            let settings = Settings {
                limits: Limits::of(100),
                ..quick()
            };
            let delivered = run(&server, events(3000), settings).await;
            let case = format!("{name} after {healthy}: {:?}", delivered.delivery);
            assert_eq!(
                (delivered.counts.rejected, delivered.counts.old),
                (0, 0),
                "{case}"
            );
            assert_eq!(delivered.counts.uncertain, 0, "{case}");
            assert_eq!(delivered.accepted().len(), server.taken().len(), "{case}");
            assert!(
                matches!(
                    delivered.delivery.ended,
                    Ended::Stopped(_) | Ended::SystematicFault(_) | Ended::Blocked { .. }
                ),
                "{case}"
            );
            let requests = server.seen().len() - healthy;
            assert!(requests <= 60, "{requests} requests, {case}");
        }
    }
}

#[tokio::test]
async fn a_fault_all_events_share_stops_the_run_before_it_burns_many_requests() {
    let bad: BTreeSet<u64> = (0..5000).collect();
    let server = Server::start(move |seen| Reply::unless_bad(seen, &bad)).await;
    let settings = Settings {
        limits: Limits::of(500),
        ..quick()
    };
    let delivered = run(&server, events(5000), settings).await;
    let Ended::SystematicFault(fault) = &delivered.delivery.ended else {
        panic!("{:?}", delivered.delivery)
    };
    assert_eq!(fault.codes(), "100/2804036");
    assert!(
        delivered.counts.rejected > 20 && delivered.counts.rejected < 60,
        "{}",
        delivered.counts.rejected
    );
    assert!(
        server.seen().len() < 130,
        "{} requests",
        server.seen().len()
    );
    assert_eq!(delivered.counts.uncertain, 0);
}

#[tokio::test]
async fn an_unknown_refusal_of_single_events_is_settled_by_a_probe() {
    let server = Server::start(|seen| {
        if seen.events.iter().any(|id| [5, 90].contains(id)) {
            Reply::fault(400, 4711, 0)
        } else {
            Reply::receipt(seen)
        }
    })
    .await;
    let delivered = run(&server, events(120), quick()).await;
    assert_eq!(delivered.rejected(), [5, 90]);
    assert_eq!(delivered.counts.accepted, 118);
    assert!(server.seen().iter().any(|seen| seen.is_probe));
}

#[tokio::test]
async fn refused_events_at_the_end_of_a_run_are_held_against_a_probe() {
    for is_sound in [true, false] {
        let server = Server::start(move |seen| {
            if seen.is_probe && !is_sound {
                return Reply::fault(400, 190, 463);
            }
            Reply::unless_bad(seen, &[0, 1, 2].into())
        })
        .await;
        let delivered = run(&server, events(3), quick()).await;
        if is_sound {
            assert_eq!(delivered.rejected(), [0, 1, 2]);
            assert!(matches!(delivered.delivery.ended, Ended::Done));
        } else {
            assert_eq!(delivered.counts.undelivered, 3);
            assert!(matches!(delivered.delivery.ended, Ended::Stopped(_)));
        }
        let probes = server.seen().iter().filter(|seen| seen.is_probe).count();
        assert_eq!(probes, 1);
    }
}

#[tokio::test]
async fn what_grows_too_old_while_the_run_waits_is_taken_out_and_the_rest_goes_at_once() {
    const NOW: i64 = 1_700_000_000;
    let (five_minutes, week) = (300, 7 * 86_400);
    let aged = |id: u64, left: i64| Event {
        time: NOW - week + five_minutes + left,
        ..event(id, id)
    };
    // Three events are at their end, and the first answer asks to wait for two seconds.
    let events: Vec<Event> = (0..60)
        .map(|id| aged(id, if id % 20 == 7 { 1 } else { 1_000 }))
        .collect();
    let server = Server::start(|seen| match seen.number {
        0 => Reply::Answer(429, "Retry-After: 3\r\n", String::new()),
        _ => Reply::receipt(seen),
    })
    .await;
    let settings = Settings {
        clock: Clock::Virtual {
            start: NOW,
            since: tokio::time::Instant::now(),
            jump: (0, 0),
        },
        ..quick()
    };
    let delivered = run(&server, events, settings).await;
    assert_eq!(
        delivered.with(|outcome| *outcome == Outcome::Old),
        [7, 27, 47]
    );
    assert_eq!(delivered.counts.accepted, 57);
    assert!(matches!(delivered.delivery.ended, Ended::Done));
    assert_eq!(delivered.delivery.retries, 1);
}

#[tokio::test]
async fn what_is_too_old_by_metas_clock_is_taken_out_by_its_time_and_never_searched_for_by_halves()
{
    let now = Clock::System.now();
    // Meta's clock is 20 minutes ahead of this one, and says so.
    let limit = now + 1_200 - 7 * 86_400;
    let date = jiff::Timestamp::from_second(now + 1_200).unwrap();
    let date: &str =
        Box::leak(format!("Date: {}\r\n", date.strftime("%a, %d %b %Y %H:%M:%S GMT")).into());
    let of = move |id: u64| Event {
        time: now - 7 * 86_400 + 400 + 100 * id as i64,
        ..event(id, id)
    };
    let server = Server::start(move |seen| {
        let reply = match seen.events.iter().any(|id| of(*id).time < limit) {
            true => Reply::fault(400, 100, 2804003),
            false => Reply::receipt(seen),
        };
        match reply {
            Reply::Answer(status, _, body) => Reply::Answer(status, date, body),
            reply => reply,
        }
    })
    .await;
    let settings = Settings {
        clock: Clock::System,
        concurrency: 1,
        ..quick()
    };
    let delivered = run(&server, (0..50).map(of).collect(), settings).await;
    assert_eq!(delivered.counts.rejected, 0);
    let old = delivered.with(|outcome| *outcome == Outcome::Old);
    assert!(old.len() >= 8 && old.len() < 15, "{old:?}");
    assert_eq!(
        delivered.accepted(),
        (old.len() as u64..50).collect::<Vec<_>>()
    );
    assert!(server.seen().len() <= 4, "{} requests", server.seen().len());
}

#[tokio::test]
async fn what_only_meta_finds_too_old_is_searched_for_and_every_other_event_goes() {
    let last = |count: u64| (300 - count..300).collect::<BTreeSet<u64>>();
    let scattered = (0..30).map(|id| id * 7 + 5).collect();
    let cases: [(&str, BTreeSet<u64>, usize); 9] = [
        ("one of the first", [3].into(), 14),
        ("the first", [0].into(), 14),
        ("one in the middle", [150].into(), 22),
        ("the last", [299].into(), 22),
        ("two", [3, 150].into(), 36),
        (
            "30 in a row at the start, the oldest",
            (0..30).collect(),
            90,
        ),
        ("30 in a row in the middle", (100..130).collect(), 120),
        ("30 in a row at the end", last(30), 120),
        ("30 here and there", scattered, 260),
    ];
    for (name, bad, requests) in cases {
        for is_one_day in [false, true] {
            let refused = bad.clone();
            let server = Server::start(move |seen| {
                match seen.events.iter().any(|id| refused.contains(id)) {
                    true => Reply::fault(400, 100, 2804003),
                    false => Reply::receipt(seen),
                }
            })
            .await;
            let settings = Settings {
                limits: Limits::of(500),
                ..quick()
            };
            let of = |id: u64| Event {
                time: 1_700_000_000 - if is_one_day { 0 } else { 300 - id as i64 },
                ..event(id, id)
            };
            let delivered = run(&server, (0..300).map(of).collect(), settings).await;
            let case = format!("{name} {is_one_day} {:?}", delivered.delivery);
            let expected: Vec<u64> = bad.iter().copied().collect();
            assert_eq!(delivered.rejected(), expected, "{case}");
            assert_eq!(delivered.accepted().len(), 300 - bad.len(), "{case}");
            assert!(matches!(delivered.delivery.ended, Ended::Done), "{case}");
            let made = server.seen().len();
            assert!(made <= requests, "{made} requests: {case}");
        }
    }
}

#[tokio::test]
async fn events_of_a_lead_keep_their_order_while_one_that_is_too_old_is_searched_for() {
    let server = Server::start(|seen| match seen.events.contains(&40) {
        true => Reply::fault(400, 100, 2804003),
        false => Reply::receipt(seen),
    })
    .await;
    // The older a lead's first event, the younger its second.
    let of = |id: u64| Event {
        time: 1_700_000_000
            - if id < 40 {
                1_000 + id as i64
            } else {
                100 - id as i64
            },
        ..event(id, id % 40)
    };
    let delivered = run(&server, (0..80).map(of).collect(), quick()).await;
    assert_eq!(
        (delivered.rejected(), delivered.counts.accepted),
        (vec![40], 79)
    );
    let taken = server.taken();
    let place = |id: u64| taken.iter().position(|it| *it == id).unwrap();
    assert!((1..40).all(|lead| place(lead) < place(lead + 40)));
}

#[tokio::test]
async fn a_clock_that_is_days_behind_metas_is_named_and_costs_no_event() {
    let now = Clock::System.now();
    // By the server's clock it is two days later.
    let date = jiff::Timestamp::from_second(now + 2 * 86_400 + 60).unwrap();
    let date: &str =
        Box::leak(format!("Date: {}\r\n", date.strftime("%a, %d %b %Y %H:%M:%S GMT")).into());
    let server = Server::start(move |_| {
        let Reply::Answer(status, _, body) = Reply::fault(400, 100, 2804003) else {
            unreachable!()
        };
        Reply::Answer(status, date, body)
    })
    .await;
    let of = |id: u64| Event {
        time: now - 60,
        ..event(id, id)
    };
    let settings = Settings {
        clock: Clock::System,
        ..quick()
    };
    let delivered = run(&server, (0..30).map(of).collect(), settings).await;
    let Ended::Blocked { reason, help } = &delivered.delivery.ended else {
        panic!("{:?}", delivered.delivery.ended)
    };
    assert!(
        reason.contains("2804003") && reason.contains("2 days behind"),
        "{reason}"
    );
    assert!(help.contains("clock"));
    assert_eq!(
        (delivered.counts.undelivered, delivered.counts.rejected),
        (30, 0)
    );
    assert!(server.seen().len() <= 3, "{} requests", server.seen().len());
}

#[tokio::test]
async fn twenty_bad_events_are_no_systematic_fault_nor_are_many_among_very_many() {
    for (count, bad) in [(20, 0..20), (2000, 100..150)] {
        let bad: BTreeSet<u64> = bad.collect();
        let refused = bad.clone();
        let server = Server::start(move |seen| Reply::unless_bad(seen, &bad)).await;
        let settings = Settings {
            limits: Limits::of(500),
            ..quick()
        };
        let delivered = run(&server, events(count), settings).await;
        assert!(matches!(delivered.delivery.ended, Ended::Done));
        assert_eq!(
            delivered.rejected(),
            refused.into_iter().collect::<Vec<_>>()
        );
    }
}

#[tokio::test]
async fn an_unexplained_error_on_one_event_is_blamed_on_it_once_the_others_went_through() {
    for bad in [0, 4, 9] {
        let server = Server::start(move |seen| {
            if seen.events.contains(&bad) {
                Reply::fault(500, 1, 99)
            } else {
                Reply::receipt(seen)
            }
        })
        .await;
        let delivered = run(&server, events(10), quick()).await;
        let suspects = delivered.with(|outcome| matches!(outcome, Outcome::Suspect(_)));
        assert_eq!((suspects, delivered.accepted().len()), (vec![bad], 9));
        assert!(delivered.rejected().is_empty());
        assert!(server.seen().len() <= 4 + 12, "{}", server.seen().len());
    }
}

#[tokio::test]
async fn an_outage_with_unexplained_errors_is_waited_for() {
    let start = Instant::now();
    let server = Server::start(move |seen| {
        if start.elapsed() < Duration::from_millis(400) {
            Reply::fault(500, 1, 0)
        } else {
            Reply::receipt(seen)
        }
    })
    .await;
    let delivered = run(&server, events(3000), quick()).await;
    assert_eq!(delivered.counts.accepted, 3000, "{:?}", delivered.counts);
    assert!(matches!(delivered.delivery.ended, Ended::Done));
}

#[tokio::test]
async fn an_unexplained_error_for_ever_is_an_outage_and_leaves_the_events_uncertain() {
    for healthy in [0, 5] {
        let server = Server::start(move |seen| {
            if seen.number < healthy {
                Reply::receipt(seen)
            } else {
                Reply::fault(500, 1, 99)
            }
        })
        .await;
        let settings = Settings {
            give_up_after: Duration::from_millis(300),
            ..quick()
        };
        let delivered = run(&server, events(3000), settings).await;
        assert!(
            matches!(&delivered.delivery.ended, Ended::Unreachable(_)),
            "{:?}",
            delivered.delivery.ended
        );
        assert_eq!(delivered.counts.rejected, 0);
        assert!(delivered.counts.uncertain > 0);
        assert_eq!(delivered.accepted().len(), server.taken().len());
    }
}

#[tokio::test]
async fn what_does_not_pass_by_waiting_ends_after_a_few_tries_with_what_to_do() {
    for (reply, says) in [
        (
            Reply::Answer(302, "Location: /login\r\n", String::new()),
            "--graph-url",
        ),
        (
            Reply::Answer(404, "", "<html>not found</html>".into()),
            "--graph-url",
        ),
        (Reply::Answer(407, "", String::new()), "HTTPS_PROXY"),
    ] {
        let server = Server::start(move |_| reply.clone()).await;
        let delivered = run(&server, events(30), quick()).await;
        let Ended::Blocked { reason, help } = &delivered.delivery.ended else {
            panic!("{:?}", delivered.delivery.ended)
        };
        assert!(
            reason.starts_with("127.0.0.1:") && help.contains(says),
            "{reason}; {help}"
        );
        assert_eq!((server.seen().len(), delivered.counts.rejected), (4, 0));
    }
}

#[tokio::test]
async fn a_receipt_for_fewer_events_is_uncertain_and_not_sent_again() {
    let server = Server::start(|seen| match seen.number {
        1 => Reply::Answer(
            200,
            "",
            r#"{"events_received":1,"messages":["one was dropped"]}"#.into(),
        ),
        _ => Reply::receipt(seen),
    })
    .await;
    let delivered = run(
        &server,
        events(60),
        Settings {
            concurrency: 1,
            ..quick()
        },
    )
    .await;
    assert_eq!(
        (delivered.counts.uncertain, delivered.counts.accepted),
        (50, 10)
    );
    assert_eq!((server.seen().len(), delivered.delivery.retries), (2, 0));
    assert_eq!(delivered.delivery.messages, ["one was dropped"]);
}

#[tokio::test]
async fn a_batch_that_never_goes_through_does_not_keep_the_others_from_it() {
    let server = Server::start(|seen| {
        if seen.events.contains(&300) {
            Reply::Answer(502, "", "<html>".into())
        } else {
            Reply::After(Duration::from_millis(5), Box::new(Reply::receipt(seen)))
        }
    })
    .await;
    let settings = Settings {
        give_up_after: Duration::from_millis(300),
        ..quick()
    };
    let delivered = run(&server, events(5000), settings).await;
    assert!(matches!(delivered.delivery.ended, Ended::Unreachable(_)));
    assert!(
        delivered.counts.uncertain <= 50 && delivered.counts.undelivered == 0,
        "{:?}",
        delivered.delivery
    );
    assert!(delivered.counts.accepted >= 4950);
}

/// A number that looks random, the same for the same input.
fn scramble(number: u64) -> u64 {
    let mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32
}

#[tokio::test]
async fn whatever_the_server_plays_the_outcomes_agree_with_what_it_took() {
    for seed in 0..40 {
        let bad: BTreeSet<u64> = (0..seed % 15)
            .map(|n| scramble(seed * 100 + n) % 600)
            .collect();
        let (refused, faults) = (bad.clone(), passing_faults());
        let server = Server::start(move |seen| {
            let dice = scramble(seed * 10_000 + seen.number as u64);
            match dice % 10 {
                _ if seen.events.iter().any(|id| bad.contains(id)) => Reply::unless_bad(seen, &bad),
                0..2 => faults[(dice / 10) as usize % faults.len()].1.clone(),
                2 => Reply::Lost,
                3 => Reply::After(
                    Duration::from_millis(dice / 10 % 5),
                    Box::new(Reply::receipt(seen)),
                ),
                // Some of the runs end early.
                4 if (dice / 10).is_multiple_of(20) => Reply::fault(400, 190, 0),
                5 if (dice / 10).is_multiple_of(20) => {
                    Reply::Answer(200, "", r#"{"events_received":0}"#.into())
                }
                _ => Reply::receipt(seen),
            }
        })
        .await;
        let delivered = run(&server, events(600), quick()).await;
        let taken: BTreeSet<u64> = server.taken().into_iter().collect();
        let (accepted, uncertain) = (delivered.accepted(), delivered.uncertain());
        assert!(
            accepted.iter().all(|id| taken.contains(id)),
            "seed {seed}: accepted, but not taken"
        );
        let known: BTreeSet<u64> = accepted.iter().chain(&uncertain).copied().collect();
        assert!(
            taken.is_subset(&known),
            "seed {seed}: taken, but neither accepted nor uncertain"
        );
        assert!(
            delivered.rejected().iter().all(|id| refused.contains(id)),
            "seed {seed}"
        );
        if matches!(delivered.delivery.ended, Ended::Done) && uncertain.is_empty() {
            assert_eq!(
                delivered.rejected(),
                refused.into_iter().collect::<Vec<_>>(),
                "seed {seed}"
            );
            assert_eq!(
                accepted.len() + delivered.rejected().len(),
                600,
                "seed {seed}"
            );
        }
        assert_eq!(
            delivered.delivery.requests,
            server.seen().len() as u64,
            "seed {seed}"
        );
    }
}

/// The book names the same numbers.
#[tokio::test(start_paused = true)]
async fn in_the_ten_minutes_of_an_outage_a_request_is_made_again_15_to_40_times() {
    let outages = [
        (500, "<html>"),
        (200, "Service Unavailable"),
        (429, "slow down"),
        (400, r#"{"error":{"code":17}}"#),
        (500, r#"{"error":{"code":2}}"#),
        (500, r#"{"error":{"code":1}}"#),
    ];
    for (seed, (status, body)) in (0..20).flat_map(|seed| outages.map(|outage| (seed, outage))) {
        fastrand::seed(seed);
        let asked = Arc::new(AtomicUsize::new(0));
        let mut client = Server::start(Reply::receipt).await.client();
        let count = Arc::clone(&asked);
        client.stand_in = Some(Arc::new(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            let answer = Answer {
                status,
                headers: HeaderMap::new(),
                body: Bytes::from_static(body.as_bytes()),
            };
            (Duration::from_millis(200), Ok(answer))
        }));
        let settings = Settings {
            limits: Limits::of(10),
            clock: Clock::Fixed(1_700_000_060),
            ..Settings::default()
        };
        let ledger = SharedLedger::new(NoLedger);
        let interrupt = watch::channel(Interrupt::None).1;
        let start = tokio::time::Instant::now();
        let delivered = run_with(client, events(60), settings, ledger, interrupt).await;
        assert!(matches!(delivered.delivery.ended, Ended::Unreachable(_)));
        let minutes = start.elapsed().as_secs_f64() / 60.0;
        assert!((9.9..10.1).contains(&minutes), "{minutes} minutes");
        let asked = asked.load(Ordering::SeqCst);
        assert!(
            (15..=40).contains(&asked),
            "{asked} requests: {status} {body}"
        );
    }
}
