//! `status` after all kinds of runs, and `check` against all kinds of servers.

use super::*;

fn status(desk: &Desk, more: &[&str]) -> Ran {
    desk.run(
        &[
            &[
                "status",
                "--ledger",
                "ledger.sqlite3",
                "--now",
                "2026-11-21T18:00:00Z",
            ],
            more,
        ]
        .concat(),
    )
}

#[test]
fn status_tells_of_the_runs_of_what_was_delivered_and_of_what_is_open() {
    let server = Server::start(|seen| match seen.number {
        _ if seen.is_probe => Reply::sound(),
        0 => Reply::receipt(seen),
        1 => Reply::fault(400, 100, Some(2_804_036)),
        _ => Reply::answer(200, "", r#"{"events_received":1}"#).taking(),
    });
    let desk = desk_with(13);
    desk.file("leads.csv", export(0..11));
    upload(&desk, &server, &[]).ended(1);
    desk.file("leads.csv", export(0..13));
    upload(&desk, &server, &[]).ended(4);

    let report = status(&desk, &["--format", "json"]).ended(0).json();
    assert_eq!(
        (count(&report, "rejected"), count(&report, "uncertain")),
        (1, 2)
    );
    assert_eq!(report["last_success"], report["runs"][1]["ended"]);
    assert_eq!(report["runs"][1]["dataset_id"], DATASET);
    let run = |index: usize| {
        [
            "accepted",
            "rejected",
            "uncertain",
            "skipped_delivered",
            "exit_status",
        ]
        .map(|key| count(&report["runs"][index], key))
    };
    assert_eq!(
        (run(0), run(1)),
        ([0, 1, 2, 10, 4], [10, 1, 0, 0, 1]),
        "{report:#}"
    );
    let delivered = serde_json::json!([
        {"day": "2026-11-21", "event_name": "Lead", "events": 5},
        {"day": "2026-11-21", "event_name": "Qualified", "events": 5},
    ]);
    assert_eq!(report["delivered"], delivered);

    // Lines break where the page ends.
    let page = status(&desk, &[]).ended(0).stdout;
    let page: Vec<&str> = page.split_whitespace().collect();
    let page = page.join(" ");
    for expected in [
        "last successful upload 2026-11-21T16:0",
        "refused by Meta 1 event, not",
        "uncertain 2 events",
        "2026-11-21 ████████████████████ 10 Lead 5, Qualified 5",
        "10 accepted, 1 refused, 0 undelivered, 0 uncertain, 0 delivered before; status 1",
        "0 accepted, 1 refused, 0 undelivered, 2 uncertain, 10 delivered before; status 4",
    ] {
        assert!(page.contains(expected), "{expected}\n{page}");
    }
    let other = status(&desk, &["--dataset-id", "1", "--format", "json"])
        .ended(0)
        .json();
    assert_eq!(
        (
            count(&other, "uncertain"),
            other["runs"].as_array().unwrap().len()
        ),
        (0, 0)
    );
}

#[test]
fn status_fails_when_the_last_success_is_older_than_allowed() {
    let (desk, server) = (desk_with(4), Server::start(Reply::receipt));
    assert!(
        status(&desk, &["--max-age", "26h"])
            .ended(1)
            .stderr
            .contains("no ledger")
    );
    upload(&desk, &server, &[]).ended(0);
    status(&desk, &["--max-age", "26h"]).ended(0);
    let late = status(&desk, &["--max-age", "90m"]).ended(1);
    assert!(
        late.stderr.contains("--max-age is 90m") && late.stderr.contains(" ago"),
        "{}",
        late.stderr
    );
    assert_eq!(
        status(&desk, &["--max-age", "90m", "--format", "json"])
            .ended(1)
            .json()["exit_status"],
        1
    );
    // A run that fails does not count as a success.
    server.play(|_| Reply::answer(503, "", ""));
    desk.file("leads.csv", export(0..8));
    upload(&desk, &server, &["--give-up-after", "0"]).ended(4);
    status(&desk, &["--max-age", "90m"]).ended(1);
}

#[cfg(unix)]
#[test]
fn status_tells_of_a_run_that_was_killed_and_can_be_asked_while_one_goes_on() {
    let (desk, server) = (desk_with(20), Server::start(|_| Reply::hang()));
    let mut child = start(&desk, &server, &[]);
    assert!(server.wait_for_requests(1));
    let report = status(&desk, &["--format", "json"]).ended(0).json();
    assert_eq!(
        (
            count(&report, "uncertain"),
            report["runs"][0]["ended"].is_null()
        ),
        (10, true)
    );
    child.kill().unwrap();
    child.wait().unwrap();
    let page = status(&desk, &[]).ended(0).stdout;
    assert!(
        page.contains("no successful upload yet") && page.contains("did not end"),
        "{page}"
    );
    assert!(page.contains("uncertain               10 events"), "{page}");
}

/// Runs `check`; gives its lines by what they are about.
fn check(server: &Server, expected: i32) -> BTreeMap<String, (bool, String)> {
    let desk = Desk::new();
    let args = [
        "check",
        "--dataset-id",
        DATASET,
        "--graph-url",
        &server.url,
        "--timeout",
        "2",
        "--format",
        "json",
    ];
    let run = |args: &[&str]| {
        let ran = finished(
            &desk,
            desk.run_with(args, &[("CRM2CAPI_ACCESS_TOKEN", TOKEN)]),
        )
        .ended(expected);
        assert!(ran.stderr.is_empty(), "{}", ran.stderr);
        ran
    };
    let report = run(&args).json();
    let page = run(&args[..args.len() - 2]).stdout;
    let lines = report["checks"].as_array().unwrap();
    assert_eq!(page.lines().count(), lines.len(), "{page}");
    let line = |line: &Value| {
        let says = line["says"].as_str().unwrap().to_owned();
        let ok = line["ok"].as_bool().unwrap();
        assert!(
            page.contains(&format!("{}  ", if ok { "ok" } else { "NO" })) && page.contains(&says),
            "{page}"
        );
        (line["what"].as_str().unwrap().to_owned(), (ok, says))
    };
    lines.iter().map(line).collect()
}

/// The time by a clock that is so many seconds ahead, as servers write it.
fn date(ahead: i64) -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let then = jiff::Timestamp::from_second(now as i64 + ahead).unwrap();
    format!("Date: {}\r\n", then.strftime("%a, %d %b %Y %H:%M:%S GMT"))
}

#[test]
fn check_finds_all_well_and_records_nothing() {
    let server = Server::start(|_| Reply::fault_with(400, 100, Some(2_804_019), &date(0)));
    let lines = check(&server, 0);
    for what in [
        "settings",
        "API version",
        "connection",
        "token and dataset",
        "clock",
    ] {
        assert!(lines[what].0, "{what}: {}", lines[what].1);
    }
    assert!(
        server
            .seen()
            .iter()
            .all(|seen| seen.events.is_empty() && !seen.was_taken)
    );
}

#[test]
fn check_says_what_is_wrong_with_token_permission_and_dataset() {
    let table = [
        (400, 190, Some(463), "expired"),
        (401, 190, None, "make a new access token"),
        (403, 10, None, "permission"),
        (400, 100, Some(33), "does not exist"),
        (400, 2635, None, "--api-version"),
        (400, 100, None, "--graph-url"),
        (400, 104, None, "unset CRM2CAPI_APP_SECRET"),
        (403, 5, None, "allow list"),
        (400, 4711, None, "4711"),
        (400, 100, Some(4711), "100/4711"),
    ];
    for (status, code, subcode, says) in table {
        let lines = check(
            &Server::start(move |_| Reply::fault(status, code, subcode)),
            3,
        );
        let (ok, said) = &lines["token and dataset"];
        assert!(!ok && said.contains(says), "{code}: {said}");
        assert!(said.contains("trace A6UyEgg_HdoiRX9duxcBOjb"), "{said}");
        assert!(lines["connection"].0);
    }
}

#[test]
fn check_ends_with_4_when_there_is_no_answer_of_metas() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut nobody = Server::start(Reply::receipt);
    nobody.url = format!("http://127.0.0.1:{port}");
    assert!(
        check(&nobody, 4)["connection"]
            .1
            .contains("could not be reached")
    );
    assert!(
        check(&Server::start(|_| Reply::hang()), 4)["connection"]
            .1
            .contains("no answer in time")
    );
    assert!(
        !check(
            &Server::start(|_| Reply::answer(200, "", "<html>Sign in</html>")),
            4
        )["connection"]
            .0
    );
    let throttled = Server::start(|_| Reply::fault_with(400, 4, None, "Retry-After: 600\r\n"));
    assert!(
        check(&throttled, 4)["token and dataset"]
            .1
            .contains("about 10 minutes")
    );
}

#[test]
fn check_compares_the_clocks() {
    for (ahead, which) in [(600, "behind"), (-600, "ahead of")] {
        let lines = check(
            &Server::start(move |_| Reply::fault_with(400, 100, Some(2_804_019), &date(ahead))),
            1,
        );
        let (ok, said) = &lines["clock"];
        assert!(!ok && said.contains(which), "{said}");
    }
}

#[test]
fn check_does_not_take_a_server_that_swallows_an_empty_event_for_metas() {
    let server = Server::start(|_| Reply::answer(200, "", r#"{"events_received":1}"#));
    assert!(!check(&server, 3)["token and dataset"].0);
}

#[test]
fn check_without_a_token_is_wrong_usage() {
    let desk = Desk::new();
    let ran = desk.run(&["check", "--dataset-id", DATASET]).ended(2);
    assert!(
        ran.stderr.contains("CRM2CAPI_ACCESS_TOKEN"),
        "{}",
        ran.stderr
    );
}

/// What `check` says of the connection when it is made through this proxy.
#[cfg(unix)]
fn through_proxy(proxy: &str) -> String {
    let desk = Desk::new();
    let args = ["check", "--dataset-id", DATASET, "--timeout", "5"];
    let url = "https://graph.example.org";
    let ran = desk.run_with(
        &[&args[..], &["--format", "json", "--graph-url", url]].concat(),
        &[("CRM2CAPI_ACCESS_TOKEN", TOKEN), ("HTTPS_PROXY", proxy)],
    );
    let report = finished(&desk, ran).ended(4).json();
    let lines = report["checks"].as_array().unwrap().iter();
    let mut connection = lines.filter(|line| line["what"] == "connection");
    connection.next().unwrap()["says"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[cfg(unix)]
#[test]
fn check_says_what_is_wrong_with_a_proxy_and_what_to_do() {
    for (status, cause, help) in [
        (407, "asks for a user and a password", "HTTPS_PROXY"),
        (403, "refused to connect", "allow the host in the proxy"),
    ] {
        let proxy = Server::start(move |_| Reply::answer(status, "", ""));
        let says = through_proxy(&proxy.url);
        assert!(
            says.starts_with("graph.example.org: ") && says.contains(cause) && says.contains(help),
            "{says}"
        );
    }
    let says = through_proxy("socks5://127.0.0.1:9");
    assert!(
        says.contains("a kind that is not supported") && says.contains("NO_PROXY"),
        "{says}"
    );
}

/// Whoever reads "check the firewall" looks in the wrong place when it was the server that answered.
#[test]
fn check_does_not_blame_the_firewall_for_a_servers_trouble() {
    for (reply, says) in [
        (Reply::answer(500, "", "oops"), "HTTP 500"),
        (Reply::answer(503, "", ""), "HTTP 503"),
        (Reply::fault(500, 2, None), "2: the service is"),
    ] {
        let server = Server::start(move |_| reply.clone());
        let lines = check(&server, 4);
        let (ok, connection) = &lines["connection"];
        assert!(!ok && connection.contains(says), "{connection}");
        assert!(
            connection.contains("run again in some minutes"),
            "{connection}"
        );
        assert!(!connection.contains("firewall"), "{connection}");
    }
}
