use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::deliver::testing::*;
use crate::deliver::*;

fn slowly(seen: &Seen) -> Reply {
    let jitter = Duration::from_millis(seen.events.first().map_or(0, |id| 5 + id * 7 % 13));
    Reply::After(jitter, Box::new(Reply::receipt(seen)))
}

#[tokio::test]
async fn the_first_request_is_small_and_alone_and_the_rest_fills_its_batches() {
    let server = Server::start(slowly).await;
    let delivered = run(
        &server,
        events(1000),
        Settings {
            linger: Duration::from_secs(60),
            ..quick()
        },
    )
    .await;
    let seen = server.seen();
    assert_eq!(seen[0].events, (0..10).collect::<Vec<_>>());
    assert_eq!(
        (seen[0].in_flight, seen[1].in_flight),
        (1, 1),
        "nothing goes beside the first"
    );
    assert!(seen.iter().all(|seen| seen.in_flight <= 4));
    assert!(
        seen.iter().any(|seen| seen.in_flight == 4),
        "the lanes work side by side"
    );
    assert!(
        seen.iter().filter(|seen| seen.events.len() == 50).count() >= 16,
        "batches are filled"
    );
    assert_eq!(delivered.accepted(), (0..1000).collect::<Vec<_>>());
    assert!(matches!(delivered.delivery.ended, Ended::Done));
    assert_eq!(
        (delivered.delivery.requests, delivered.delivery.retries),
        (seen.len() as u64, 0)
    );
    assert_eq!(delivered.delivery.batches, seen.len() as u64);
    assert_eq!(delivered.delivery.fbtrace_ids[0], "T0");
}

#[tokio::test]
async fn the_events_of_a_lead_arrive_in_order_even_around_refused_ones() {
    let bad: BTreeSet<u64> = [33, 34, 200, 511, 777].into();
    let refused = bad.clone();
    let server = Server::start(move |seen| {
        if seen.events.iter().any(|id| bad.contains(id)) {
            return Reply::unless_bad(seen, &bad);
        }
        if seen.number % 5 == 3 {
            Reply::fault(503, 2, 0)
        } else {
            slowly(seen)
        }
    })
    .await;
    let events: Vec<_> = (0..1000).map(|id| event(id, id % 40)).collect();
    let settings = Settings {
        concurrency: 8,
        ..quick()
    };
    let delivered = run(&server, events, settings).await;
    assert_eq!(
        delivered.rejected(),
        refused.into_iter().collect::<Vec<_>>()
    );
    let taken = server.taken();
    assert_eq!(taken.len(), 995);
    for lead in 0..40 {
        let of_lead: Vec<u64> = taken.iter().copied().filter(|id| id % 40 == lead).collect();
        assert!(of_lead.is_sorted(), "lead {lead}: {of_lead:?}");
    }
}

#[tokio::test]
async fn few_bad_events_among_many_are_found_in_few_requests() {
    let bad: BTreeSet<u64> = [12, 99, 260, 261, 490].into();
    let refused = bad.clone();
    let server = Server::start(move |seen| Reply::unless_bad(seen, &bad)).await;
    let settings = Settings {
        limits: Limits::of(500),
        concurrency: 1,
        ..quick()
    };
    let delivered = run(&server, events(510), settings).await;
    assert_eq!(
        delivered.rejected(),
        refused.into_iter().collect::<Vec<_>>()
    );
    assert_eq!(delivered.accepted().len(), 505);
    assert!(
        server.seen().len() <= 2 + 2 * 5 * 9,
        "{}",
        server.seen().len()
    );
    let faults = delivered
        .outcomes
        .iter()
        .filter_map(|(_, outcome)| match outcome {
            Outcome::Rejected(fault) => Some((fault.codes(), fault.title.clone())),
            _ => None,
        });
    assert!(
        faults
            .into_iter()
            .all(|it| it == ("100/2804036".into(), Some("Nein".into())))
    );
    assert!(matches!(delivered.delivery.ended, Ended::Done));
}

#[tokio::test]
async fn an_event_the_answer_names_is_taken_out_at_once() {
    let server = Server::start(|seen| match seen.events.iter().position(|id| *id == 77) {
        None => Reply::receipt(seen),
        Some(index) => Reply::Answer(
            400,
            "",
            format!(r#"{{"error":{{"code":100,"error_subcode":2804019,"error_user_msg":"$['data'][{index}]['x']"}}}}"#),
        ),
    })
    .await;
    let delivered = run(
        &server,
        events(100),
        Settings {
            concurrency: 1,
            ..quick()
        },
    )
    .await;
    assert_eq!(
        (delivered.rejected(), delivered.accepted().len()),
        (vec![77], 99)
    );
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn events_come_in_slowly_and_are_not_held_back_for_ever() {
    let server = Server::start(Reply::receipt).await;
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let (mut count, ledger) = (0, SharedLedger::new(crate::ledger::NoLedger));
    let mut note = |_: &Event, _: &Outcome| count += 1;
    let never = tokio::sync::watch::channel(Interrupt::None).1;
    let delivery = deliver(receiver, server.client(), ledger, quick(), never, &mut note);
    let feeding = async {
        for id in 0..3 {
            sender.send(vec![event(id, id)]).await.unwrap();
            while server.taken().len() <= id as usize {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        drop(sender);
    };
    tokio::time::timeout(Duration::from_secs(10), async {
        tokio::join!(delivery, feeding)
    })
    .await
    .unwrap();
    assert_eq!(count, 3);
}

#[tokio::test]
async fn many_events_wait_outside_while_the_server_is_slow() {
    let server = Server::start(|seen| {
        if seen.number == 0 {
            Reply::receipt(seen)
        } else {
            Reply::Hang
        }
    })
    .await;
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let ledger = SharedLedger::new(crate::ledger::NoLedger);
    let (stop, interrupt) = tokio::sync::watch::channel(Interrupt::None);
    let settings = Settings {
        limits: Limits::of(10),
        concurrency: 2,
        hold: 10,
        ..quick()
    };
    let mut accepted = 0;
    let mut note = |_: &Event, outcome: &Outcome| {
        accepted += u64::from(*outcome == Outcome::Accepted);
    };
    let delivery = deliver(
        receiver,
        server.client(),
        ledger,
        settings,
        interrupt,
        &mut note,
    );
    let feeding = async {
        let mut fed = 0;
        for chunk in events(1000).chunks(10) {
            let sent =
                tokio::time::timeout(Duration::from_secs(1), sender.send(chunk.to_vec())).await;
            if sent.is_err() {
                break;
            }
            fed += chunk.len();
        }
        stop.send(Interrupt::Now).unwrap();
        fed
    };
    let (_, fed) = tokio::join!(delivery, feeding);
    assert!(
        fed <= 10 + 2 * 10 * 2 + 10 + 4 * 10,
        "{fed} events were taken in"
    );
    assert_eq!(accepted, 10);
}

#[tokio::test]
async fn the_token_is_in_one_header_and_no_redirect_is_followed() {
    let other = Server::start(Reply::receipt).await;
    let location: &'static str = format!("Location: {}/v25.0/1/events\r\n", other.url).leak();
    let server = Server::start(move |seen| {
        if seen.number < 2 {
            Reply::Answer(307, location, String::new())
        } else {
            Reply::receipt(seen)
        }
    })
    .await;
    let delivered = run(&server, events(3), quick()).await;
    assert_eq!(
        (delivered.accepted().len(), delivered.delivery.retries),
        (3, 2)
    );
    assert!(other.seen().is_empty());
    for seen in server.seen() {
        let (line, headers) = seen.head.split_once("\r\n").unwrap();
        assert_eq!(line, "POST /v25.0/1/events?locale=en_US HTTP/1.1");
        assert!(headers.contains("authorization: Bearer EAABtoken\r\n"));
        assert!(headers.contains("content-type: application/json\r\n"));
        assert!(headers.contains(concat!(
            "user-agent: crm2capi/",
            env!("CARGO_PKG_VERSION"),
            "\r\n"
        )));
        assert_eq!(seen.head.matches("EAABtoken").count(), 1);
    }
}

#[tokio::test]
async fn a_throttle_holds_all_lanes_back_for_the_time_it_names() {
    let server = Server::start(|seen| match seen.number {
        3 => Reply::Answer(
            400,
            "Retry-After: 1\r\n",
            r#"{"error":{"code":80004}}"#.into(),
        ),
        _ => slowly(seen),
    })
    .await;
    let delivered = run(&server, events(2000), quick()).await;
    assert_eq!(
        (delivered.counts.accepted, delivered.delivery.retries),
        (2000, 1)
    );
    let seen = server.seen();
    let throttled = seen[3].at;
    let meanwhile = throttled + Duration::from_millis(300)..throttled + Duration::from_millis(950);
    assert!(
        !seen.iter().any(|seen| meanwhile.contains(&seen.at)),
        "no lane sends during the pause"
    );
    assert!(
        seen.iter().filter(|seen| seen.at > meanwhile.end).count() > 20,
        "all go on after it"
    );
}

#[tokio::test]
async fn a_nearly_used_up_allowance_slows_requests_down() {
    let server = Server::start(|seen| {
        let percent = if seen.number == 0 {
            "X-App-Usage: {\"call_count\":90.8}\r\n"
        } else {
            ""
        };
        let Reply::Answer(status, _, body) = Reply::receipt(seen) else {
            unreachable!()
        };
        Reply::Answer(status, percent, body)
    })
    .await;
    let start = Instant::now();
    assert_eq!(run(&server, events(20), quick()).await.counts.accepted, 20);
    assert!(start.elapsed() >= Duration::from_millis(700));
}

#[tokio::test]
async fn an_export_with_the_newest_first_still_arrives_in_the_order_of_the_times() {
    let server = Server::start(slowly).await;
    // Five stages each of 60 leads, the last ones first.
    let events: Vec<Event> = (0..300)
        .map(|id| Event {
            time: 1_700_000_000 - id as i64,
            ..event(id, id % 60)
        })
        .collect();
    let delivered = run(&server, events, quick()).await;
    assert_eq!(delivered.counts.accepted, 300);
    let taken = server.taken();
    let place = |id: u64| taken.iter().position(|it| *it == id).unwrap();
    for id in 60..300 {
        assert!(place(id) < place(id - 60), "{id}");
    }
}

#[tokio::test]
async fn when_an_event_is_given_up_the_later_ones_of_its_lead_wait_for_the_next_run() {
    // Event 3 never goes through; 103 and 203 are later stages of the same lead.
    let server = Server::start(|seen| {
        if seen.events.contains(&3) {
            Reply::Answer(502, "", String::new())
        } else {
            slowly(seen)
        }
    })
    .await;
    let events: Vec<Event> = (0..300)
        .map(|id| Event {
            time: 1_699_999_000 + id as i64,
            ..event(id, id % 100)
        })
        .collect();
    let settings = Settings {
        limits: Limits::of(10),
        give_up_after: Duration::from_millis(40),
        ..quick()
    };
    let delivered = run(&server, events, settings).await;
    assert!(delivered.uncertain().contains(&3));
    let accepted = delivered.accepted();
    for given_up in delivered.uncertain() {
        for later in [given_up + 100, given_up + 200] {
            assert!(
                !accepted.contains(&later),
                "{given_up} was given up, and {later} went"
            );
        }
    }
    if matches!(delivered.delivery.ended, Ended::Unreachable(_)) {
        assert_eq!(delivered.counts.rejected, 0);
    }
}
