//! What the ledger remembers between uploads, and what must leave no trace in it.

use super::*;

#[test]
fn what_a_sandbox_takes_is_never_marked_as_delivered() {
    let sandbox = Server::start(|seen| {
        let reply = match seen.events.contains(&3) {
            true => Reply::fault(400, 100, Some(2_804_036)),
            false => Reply::receipt(seen),
        };
        reply.with_headers("X-Crm2capi-Sandbox: 1\r\n")
    });
    let desk = desk_with(30);
    let args = ["--metrics-file", "metrics.prom"];
    let report = upload(&desk, &sandbox, &args).ended(1).json();
    assert_adds_up(&report);
    assert_eq!(
        (count(&report, "accepted"), count(&report, "rejected")),
        (29, 1)
    );
    assert_eq!(report["destination"]["kind"], "sandbox");
    let books = Books::read(&desk, 30);
    assert!(books.accepted.is_empty() && books.refused.is_empty() && books.sending.is_empty());
    let metrics = std::fs::read_to_string(desk.path().join("metrics.prom")).unwrap();
    assert!(
        !metrics
            .lines()
            .any(|line| line.starts_with("crm2capi_last_success_timestamp_seconds{")),
        "{metrics}"
    );
    let status = ["status", "--ledger", "ledger.sqlite3", "--now", NOW];
    let ran = desk.run(&[&status[..], &["--max-age", "26h"]].concat());
    assert!(ran.ended(1).stderr.contains("never"));

    // Then for real.
    let server = Server::start(Reply::receipt);
    let report = upload(&desk, &server, &[]).ended(0).json();
    assert_eq!(count(&report, "accepted"), 30);
    desk.run(&[&status[..], &["--max-age", "26h"]].concat())
        .ended(0);
}

#[test]
fn an_event_without_a_sound_receipt_rests_after_three_runs_until_it_is_asked_for() {
    let short = |seen: &Seen| match seen.events.contains(&5) {
        true => {
            let fewer = format!(r#"{{"events_received":{}}}"#, seen.events.len() - 1);
            Reply::answer(200, "", fewer).taking()
        }
        false => Reply::receipt(seen),
    };
    let server = Server::start(short);
    let desk = desk_with(20);
    for run in 1..=3 {
        upload(&desk, &server, &["--batch-size", "10"]).ended(4);
        assert_eq!(server.taken()[&5], run);
    }
    let before = server.requests();
    let ran = upload(&desk, &server, &[]).ended(4);
    assert!(
        ran.stderr.contains("--retry-uncertain") && !ran.stderr.contains("again later"),
        "{}",
        ran.stderr
    );
    let report = ran.json();
    assert_adds_up(&report);
    assert_eq!(server.requests(), before, "nothing is sent any more");
    assert_eq!(
        (
            count(&report, "uncertain"),
            problems(&report, "uncertain-resting")
        ),
        (10, 10)
    );
    let status = desk.run(&["status", "--ledger", "ledger.sqlite3", "--now", NOW]);
    assert!(
        status.stdout.contains("--retry-uncertain"),
        "{}",
        status.stdout
    );
    server.play(Reply::receipt);
    let report = upload(&desk, &server, &["--retry-uncertain"])
        .ended(0)
        .json();
    assert_eq!(count(&report, "accepted"), 10);
}

/// Runs during which nothing at all was accepted say nothing of any event, however many they are.
#[test]
fn an_outage_over_many_runs_lets_no_event_rest() {
    let server = Server::start(Reply::receipt);
    let desk = desk_with(20);
    let outages: [fn(&Seen) -> Reply; 3] = [
        |_| Reply::answer(503, "", r#"{"error":{"code":2,"message":"later"}}"#),
        |_| {
            Reply::answer(
                502,
                "Content-Type: text/html\r\n",
                "<html>Bad Gateway</html>",
            )
        },
        |_| Reply::answer(500, "", r#"{"error":{"code":1,"message":"unknown"}}"#),
    ];
    for outage in outages.into_iter().cycle().take(5) {
        server.play(outage);
        let report = upload(&desk, &server, &["--give-up-after", "1"])
            .ended(4)
            .json();
        assert_adds_up(&report);
        assert_eq!(problems(&report, "uncertain-resting"), 0);
    }
    server.play(Reply::receipt);
    let report = upload(&desk, &server, &[]).ended(0).json();
    assert_eq!(count(&report, "accepted"), 20);
    assert_eq!(server.taken().len(), 20);
}

#[test]
fn an_event_that_was_uncertain_until_it_was_too_old_is_told_once_and_status_says_so() {
    let server = Server::start(Reply::receipt);
    let later = ["--now", "2026-11-29T12:00:00Z"];
    for (is_the_same, second) in [(true, export(0..6)), (false, export(6..8))] {
        let desk = desk_with(6);
        server.play(|_| Reply::answer(200, "", "{}").taking());
        upload(&desk, &server, &["--give-up-after", "1"]).ended(4);
        server.play(Reply::receipt);
        desk.file("leads.csv", second);
        let expired = |ran: &Ran| {
            let report = ran.json();
            assert_adds_up(&report);
            problems(&report, "uncertain-expired")
        };
        let rehearsal = upload(&desk, &server, &[&later[..], &["--dry-run"]].concat()).ended(1);
        assert_eq!(expired(&rehearsal), 6);
        let ran = upload(&desk, &server, &later).ended(1);
        assert_eq!(expired(&ran), 6);
        let error = "error: 6 events too old to be sent again and never known to have arrived";
        assert!(ran.stderr.contains(error), "{}", ran.stderr);
        let report = ran.json();
        assert_eq!(count(&report, "accepted"), 0);
        let rows = report["problems"][0]["examples"].as_array().unwrap().len();
        assert_eq!(
            rows > 0,
            is_the_same,
            "rows of the file, if they stand there"
        );
        let again = upload(&desk, &server, &later).ended(0);
        assert_eq!(expired(&again), 0, "it is said once");

        let status = |more: &[&str]| {
            let args = ["status", "--ledger", "ledger.sqlite3"];
            desk.run(&[&args[..], &later, more].concat())
        };
        let lead = lead_id(0).to_string();
        let said = status(&["--lead", &lead]).ended(0).stdout;
        assert!(
            said.contains("too old to be resent") && !said.contains("next upload"),
            "{said}"
        );
        let all = status(&["--format", "json"]).ended(0).json();
        assert_eq!((count(&all, "expired"), count(&all, "uncertain")), (6, 0));
    }
}

#[test]
fn what_meta_says_with_a_receipt_is_in_the_report_and_on_standard_error() {
    let server = Server::start(|seen| {
        let body = serde_json::json!({"events_received": seen.events.len(), "messages": ["currency is\u{1b}[2J odd"]});
        Reply::answer(200, "", body.to_string()).taking()
    });
    let ran = upload(&desk_with(4), &server, &[]).ended(0);
    let said = "with its receipt Meta says: currency is";
    assert!(
        ran.stderr.contains(said) && !ran.stderr.contains('\u{1b}'),
        "{ran:?}"
    );
    assert_eq!(ran.json()["messages"].as_array().unwrap().len(), 1);
}

#[cfg(unix)]
#[test]
fn a_ledger_that_is_deleted_during_the_run_ends_it_with_4_and_is_named() {
    let server = Server::start(|seen| Reply::receipt(seen).after(50));
    let desk = desk_with(300);
    let child = start(
        &desk,
        &server,
        &["--batch-size", "10", "--concurrency", "1"],
    );
    assert!(server.wait_for_requests(4));
    std::fs::remove_file(desk.path().join("ledger.sqlite3")).unwrap();
    let ran = finish(&desk, child).ended(4);
    let report = ran.json();
    assert_adds_up(&report);
    let reason = report["ended"]["reason"].as_str().unwrap();
    assert!(
        reason.contains("ledger.sqlite3") && reason.contains("deleted"),
        "{reason}"
    );
    assert!(count(&report, "undelivered") > 200 && count(&report, "uncertain") <= 10);
}

#[test]
fn a_new_ledger_is_said_to_be_new_and_memory_is_no_ledger() {
    let (desk, server) = (desk_with(4), Server::start(Reply::receipt));
    let new = "a new ledger: nothing is known as delivered";
    assert!(upload(&desk, &server, &[]).ended(0).stderr.contains(new));
    assert!(!upload(&desk, &server, &[]).ended(0).stderr.contains(new));
    for name in [":memory:", "mysql://host/ledger"] {
        let ran = upload(&desk, &server, &["--ledger", name]).ended(2);
        assert!(ran.stderr.contains("ledger"), "{}", ran.stderr);
    }
    assert_eq!(server.requests(), 1);
}

#[cfg(unix)]
#[test]
fn two_runs_that_know_one_ledger_by_two_names_do_not_run_at_once() {
    let server = Server::start(|_| Reply::hang());
    let desk = desk_with(40);
    let linked = desk.path().join("linked.sqlite3");
    std::os::unix::fs::symlink(desk.path().join("ledger.sqlite3"), linked).unwrap();
    let mut first = start(&desk, &server, &[]);
    assert!(server.wait_for_requests(1));
    let ran = upload(&desk, &server, &["--ledger", "linked.sqlite3"]).ended(4);
    assert!(ran.stderr.contains("another run"), "{}", ran.stderr);
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(server.requests(), 1);
}

#[test]
fn a_run_told_of_another_time_makes_the_ledger_forget_nothing_and_is_no_success_of_today() {
    let (desk, server) = (desk_with(10), Server::start(Reply::receipt));
    upload(&desk, &server, &[]).ended(0);
    upload(&desk, &server, &["--now", "2027-01-10T00:00:00Z"]);
    let report = upload(&desk, &server, &[]).ended(0).json();
    assert_eq!(
        (
            count(&report, "skipped_delivered"),
            count(&report, "accepted")
        ),
        (10, 0)
    );
    assert!(server.taken().values().all(|times| *times == 1));
}

#[test]
fn an_export_with_the_newest_first_is_sent_in_the_order_of_the_times() {
    let server = Server::start(|seen| Reply::receipt(seen).after(3));
    let desk = desk_with(0);
    let newest_first: Vec<u32> = (0..1_000).rev().collect();
    desk.file("leads.csv", export(newest_first));
    upload(
        &desk,
        &server,
        &["--batch-size", "50", "--concurrency", "4"],
    )
    .ended(0);
    let seen = server.seen();
    let order: Vec<u32> = seen.iter().flat_map(|seen| seen.events.clone()).collect();
    let place = |event: u32| order.iter().position(|it| *it == event).unwrap();
    let wrong = (0..500)
        .filter(|lead| place(lead * 2) > place(lead * 2 + 1))
        .count();
    assert_eq!(wrong, 0);
}
