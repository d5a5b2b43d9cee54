//! Answers that settle nothing, and the lack of answers.

use std::time::{Duration, Instant};

use super::*;

const EVENTS: u32 = 60;
const USUAL: [&str; 4] = ["--batch-size", "10", "--concurrency", "2"];

/// Something that goes wrong with a request.
struct Trouble {
    name: &'static str,
    reply: Reply,
    /// The request is not read.
    is_deaf: bool,
    /// What nobody can know afterwards.
    leaves: Left,
}

/// What becomes of the events when the trouble does not pass.
#[derive(Clone, Copy, PartialEq)]
enum Left {
    Undelivered,
    Uncertain,
}

fn troubles() -> Vec<Trouble> {
    let of = |name, reply, leaves| Trouble {
        name,
        reply,
        is_deaf: false,
        leaves,
    };
    let portal = "<html><body>Sign in to the network, TOKEN</body></html>";
    let account = "X-Ad-Account-Usage: {\"acc_id_util_pct\":100,\"reset_time_duration\":1}\r\n";
    let lost = b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n{\"events_received\":";
    let mut troubles = vec![
        of("an empty 500", Reply::answer(500, "", ""), Left::Uncertain),
        of(
            "a 500 after the events were taken",
            Reply::answer(500, "", "").taking(),
            Left::Uncertain,
        ),
        of(
            "an HTML 502",
            Reply::answer(502, "", "<html>Bad gateway TOKEN</html>"),
            Left::Uncertain,
        ),
        of(
            "a 503 that names a wait",
            Reply::answer(503, "Retry-After: 1\r\n", "busy"),
            Left::Uncertain,
        ),
        of(
            "a 429 that names a wait",
            Reply::answer(429, "Retry-After: 1\r\n", ""),
            Left::Undelivered,
        ),
        of(
            "the user's limit",
            Reply::fault_with(400, 17, Some(2_446_079), account),
            Left::Undelivered,
        ),
        of(
            "the dataset's limit",
            Reply::fault(400, 80_004, None),
            Left::Undelivered,
        ),
        of(
            "a temporary error",
            Reply::fault(500, 2, None),
            Left::Uncertain,
        ),
        of(
            "a dataset that is not ready",
            Reply::fault(400, 21_009, None),
            Left::Undelivered,
        ),
        of(
            "an end after the body was taken",
            Reply::bytes(b"").taking(),
            Left::Uncertain,
        ),
        of(
            "a truncated receipt",
            Reply::bytes(lost).taking(),
            Left::Uncertain,
        ),
        of(
            "a captive portal",
            Reply::answer(200, "", portal),
            Left::Uncertain,
        ),
        of(
            "a portal that lets the events pass",
            Reply::answer(200, "", portal).taking(),
            Left::Uncertain,
        ),
        of("a hang", Reply::hang(), Left::Uncertain),
        of(
            "a hang after the events were taken",
            Reply::hang().taking(),
            Left::Uncertain,
        ),
    ];
    troubles.push(Trouble {
        is_deaf: true,
        ..of("a reset before the body", Reply::hang(), Left::Uncertain)
    });
    troubles
}

/// Plays all of them at once: most of the time they wait.
fn side_by_side(work: impl Fn(&Trouble) + Sync) {
    let troubles = troubles();
    let failed: Vec<&str> = std::thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> = troubles
            .iter()
            .map(|it| (it.name, scope.spawn(move || work(it))))
            .collect();
        running
            .into_iter()
            .filter_map(|(name, thread)| thread.join().is_err().then_some(name))
            .collect()
    });
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn trouble_that_passes_costs_only_repetitions_and_every_event_is_accepted() {
    side_by_side(|trouble| {
        let (reply, at) = (trouble.reply.clone(), [0, 3]);
        let deaf_to: &[usize] = if trouble.is_deaf { &at } else { &[] };
        let play = move |seen: &Seen| {
            if at.contains(&seen.number) {
                reply.clone()
            } else {
                Reply::receipt(seen)
            }
        };
        let server = Server::start_deaf_to(deaf_to, play);
        let desk = desk_with(EVENTS);
        let ran = upload(&desk, &server, &[&USUAL[..], &["--timeout", "1"]].concat()).ended(0);
        let (report, books) = check_first(&desk, &server, EVENTS, &ran);
        assert_eq!(
            (count(&report, "accepted"), count(&report, "retries")),
            (EVENTS as usize, 2),
            "{}",
            trouble.name
        );
        let requests = server.requests();
        check_next(&desk, &server, EVENTS, &books, &USUAL);
        assert_eq!(server.requests(), requests, "{}", trouble.name);
    });
}

#[test]
fn trouble_that_stays_ends_the_run_with_4_and_the_next_run_sends_what_is_left() {
    side_by_side(|trouble| {
        let reply = trouble.reply.clone();
        let deaf_to: &[usize] = if trouble.is_deaf {
            &[1, 2, 3, 4, 5, 6, 7, 8, 9]
        } else {
            &[]
        };
        let play = move |seen: &Seen| {
            if seen.number == 0 {
                Reply::receipt(seen)
            } else {
                reply.clone()
            }
        };
        let server = Server::start_deaf_to(deaf_to, play);
        let desk = desk_with(EVENTS);
        // Long enough for a second attempt, except where the wait that is asked for is longer.
        let args = [&USUAL[..], &["--timeout", "1", "--give-up-after", "1"]].concat();
        let ran = upload(&desk, &server, &args).ended(4);
        let (report, books) = check_first(&desk, &server, EVENTS, &ran);
        assert_eq!(count(&report, "accepted"), 10, "{}", trouble.name);
        assert_eq!(
            count(&report, "uncertain") > 0,
            trouble.leaves == Left::Uncertain,
            "{}",
            trouble.name
        );
        assert!(count(&report, "uncertain") <= 20, "{}", trouble.name);
        assert!(
            report["ended"]["reason"]
                .as_str()
                .is_some_and(|reason| !reason.is_empty())
        );
        check_next(&desk, &server, EVENTS, &books, &USUAL);
    });
}

#[test]
fn a_host_that_is_not_there_leaves_everything_undelivered_with_4() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let (desk, mut server) = (desk_with(EVENTS), Server::start(Reply::receipt));
    let there = std::mem::replace(&mut server.url, format!("http://127.0.0.1:{port}"));
    let report = upload(&desk, &server, &["--give-up-after", "0"])
        .ended(4)
        .json();
    assert_adds_up(&report);
    assert_eq!(
        (count(&report, "undelivered"), count(&report, "uncertain")),
        (EVENTS as usize, 0)
    );
    let books = Books::read(&desk, EVENTS);
    assert!(books.sending.is_empty() && books.accepted.is_empty());
    server.url = there;
    check_next(&desk, &server, EVENTS, &books, &[]);
}

#[test]
fn a_throttle_stops_all_lanes_until_the_time_it_names() {
    let usage = "X-Ad-Account-Usage: {\"acc_id_util_pct\":100,\"reset_time_duration\":2}\r\n";
    let server = Server::start(move |seen| match seen.number {
        2 => Reply::fault_with(400, 17, None, usage),
        _ => Reply::receipt(seen).after(50),
    });
    let desk = desk_with(200);
    let ran = upload(
        &desk,
        &server,
        &["--batch-size", "10", "--concurrency", "4"],
    )
    .ended(0);
    check_first(&desk, &server, 200, &ran);
    let seen = server.seen();
    let throttled = seen[2].answered.unwrap();
    let early = |at: Instant| {
        at > throttled + Duration::from_millis(300) && at < throttled + Duration::from_millis(1_900)
    };
    assert!(
        !seen.iter().any(|seen| early(seen.at)),
        "a request came during the pause"
    );
    assert!(
        ran.stderr.contains("throttled") && ran.stderr.contains("2.0 s"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_throttle_longer_than_the_patience_ends_the_run_at_once_and_says_how_long() {
    // Meta counts these in minutes.
    let usage = "X-Business-Use-Case-Usage: {\"1\":[{\"type\":\"ads_management\",\"call_count\":100,\
                 \"estimated_time_to_regain_access\":7}]}\r\n";
    let server = Server::start(move |seen| match seen.number {
        0 => Reply::receipt(seen),
        _ => Reply::fault_with(400, 80_004, Some(2_446_079), usage),
    });
    let (desk, start) = (desk_with(EVENTS), Instant::now());
    let ran = upload(
        &desk,
        &server,
        &[&USUAL[..], &["--give-up-after", "100"]].concat(),
    )
    .ended(4);
    assert!(start.elapsed() < Duration::from_secs(20));
    let (report, books) = check_first(&desk, &server, EVENTS, &ran);
    assert!(
        report["ended"]["reason"]
            .as_str()
            .unwrap()
            .contains("420 s"),
        "{report:#}"
    );
    assert_eq!(count(&report, "undelivered"), 50);
    assert!(
        server.requests() <= 3,
        "the other lane goes on at most once"
    );
    check_next(&desk, &server, EVENTS, &books, &USUAL);
}

#[test]
fn a_nearly_used_allowance_slows_the_run_down() {
    let server = Server::start(|seen| match seen.number {
        0 => Reply::answer(
            200,
            "X-App-Usage: {\"call_count\":92}\r\n",
            r#"{"events_received":10}"#,
        )
        .taking(),
        _ => Reply::receipt(seen),
    });
    let desk = desk_with(20);
    let ran = upload(&desk, &server, &USUAL).ended(0);
    check_first(&desk, &server, 20, &ran);
    let seen = server.seen();
    assert!(seen[1].at - seen[0].answered.unwrap() >= Duration::from_millis(1_900));
}

#[test]
fn a_receipt_for_fewer_events_is_uncertain_and_the_rest_of_the_run_goes_on() {
    let server = Server::start(|seen| match seen.number {
        1 => Reply::answer(200, "", r#"{"events_received":3,"messages":[]}"#).taking(),
        _ => Reply::receipt(seen),
    });
    let desk = desk_with(EVENTS);
    let ran = upload(&desk, &server, &USUAL).ended(4);
    let (report, books) = check_first(&desk, &server, EVENTS, &ran);
    assert_eq!(
        (count(&report, "uncertain"), count(&report, "undelivered")),
        (server.seen()[1].events.len(), 0)
    );
    check_next(&desk, &server, EVENTS, &books, &USUAL);
}

#[test]
fn the_events_of_a_lead_arrive_in_order_through_all_of_it() {
    let mut random = Random(11);
    let bad: Vec<usize> = (0..4).map(|_| random.below(20) as usize).collect();
    let server = Server::start(move |seen| match bad.contains(&seen.number) {
        true => Reply::answer(502, "", ""),
        false => Reply::receipt(seen).after(5),
    });
    let desk = desk_with(300);
    let ran = upload(&desk, &server, &["--batch-size", "7", "--concurrency", "5"]).ended(0);
    check_first(&desk, &server, 300, &ran);
    let order = server.order();
    let place = |event: u32| order.iter().position(|it| *it == event).unwrap();
    for lead in 0..150 {
        assert!(place(lead * 2) < place(lead * 2 + 1), "lead {lead}");
    }
}
