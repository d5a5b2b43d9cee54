//! Meta's refusals: of an event, of the token, of the dataset, and errors that explain nothing.

use super::*;

/// Refuses every request that holds one of these events, as Meta does for a lead id that was deleted.
fn unless_bad(bad: &BTreeSet<u32>) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    let bad = bad.clone();
    move |seen| match seen.events.iter().any(|event| bad.contains(event)) {
        true => Reply::fault(400, 100, Some(2_804_036)),
        false => Reply::receipt(seen),
    }
}

#[test]
fn bad_lead_ids_anywhere_in_a_batch_of_500_are_singled_out_with_few_requests() {
    for seed in 0..3 {
        let events = 1_010;
        let mut random = Random(seed);
        let bad: BTreeSet<u32> = (0..6)
            .map(|_| random.below(u64::from(events)) as u32)
            .collect();
        let (desk, server) = (desk_with(events), Server::start(unless_bad(&bad)));
        let args = [
            "--batch-size",
            "500",
            "--concurrency",
            "2",
            "--rejects",
            "rejects.csv",
        ];
        let ran = upload(&desk, &server, &args).ended(1);
        let (report, books) = check_first(&desk, &server, events, &ran);
        assert_eq!(books.refused, bad, "seed {seed}");
        assert_eq!(
            (count(&report, "uncertain"), count(&report, "undelivered")),
            (0, 0)
        );
        // Each of the three or four batches, and twice nine halvings for each bad event.
        assert!(
            server.requests() <= 4 + bad.len() * 18,
            "seed {seed}: {}",
            server.requests()
        );
        assert!(server.taken().values().all(|times| *times == 1));
        check_next(&desk, &server, events, &books, &args);
    }
}

#[test]
fn the_rejects_hold_the_rows_as_they_came_with_all_that_meta_said_and_can_be_uploaded_as_they_are()
{
    let bad = BTreeSet::from([5, 33]);
    let (desk, server) = (desk_with(40), Server::start(unless_bad(&bad)));
    let args = ["--rejects", "rejects.csv"];
    let report = upload(&desk, &server, &args).ended(1).json();
    let [problem] = report["problems"].as_array().unwrap().as_slice() else {
        panic!("{report:#}")
    };
    assert_eq!(
        (problem["code"].as_str(), problem["count"].as_u64()),
        (Some("meta-refused"), Some(2))
    );
    let meta = serde_json::json!({"code": 100, "subcode": 2_804_036, "title": "ID contatto non valido",
        "fbtrace_id": "A6UyEgg_HdoiRX9duxcBOjb"});
    assert_eq!(problem["meta"], meta);
    let rows = problem["examples"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["row"].as_u64().unwrap());
    assert_eq!(rows.collect::<BTreeSet<_>>(), [7, 35].into());

    let help_of = |reason: &str| match reason.starts_with("meta-refused") {
        true => {
            "\"correct the row, and it is sent anew; unchanged, only --retry-rejected sends it again; Meta's support can find it by the trace id\""
        }
        false => {
            "\"correct the row, and it is sent anew; or send it again unchanged with --retry-rejected\""
        }
    };
    let rejects = || std::fs::read_to_string(desk.path().join("rejects.csv")).unwrap();
    let expected = |reason: &str, row: &dyn Fn(u32) -> u32| {
        let mut lines: Vec<String> = export(bad.clone()).lines().map(str::to_owned).collect();
        lines[0] += ",crm2capi_problem,crm2capi_help,crm2capi_row";
        for (line, number) in lines[1..].iter_mut().zip(&bad) {
            let help = help_of(reason);
            *line += &format!(",{reason},{help},{}", row(*number));
        }
        lines.join("\n") + "\n"
    };
    let reason = "meta-refused 100/2804036: the lead id is invalid or was deleted \
                  (Meta says: ID contatto non valido; trace A6UyEgg_HdoiRX9duxcBOjb)";
    assert_eq!(rejects(), expected(reason, &|number| number + 2));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(desk.path().join("rejects.csv"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    // Another run over the same export sends nothing, and its rejects are the same rows.
    let requests = server.requests();
    let report = upload(&desk, &server, &args).json();
    assert_eq!(
        (count(&report, "rejected"), server.requests()),
        (2, requests)
    );
    let earlier = "refused-earlier 100/2804036: the lead id is invalid or was deleted";
    assert_eq!(rejects(), expected(earlier, &|number| number + 2));

    // The rejects as they are: refused by the ledger alone, the added columns being no fields and not doubled.
    desk.file("leads.csv", rejects());
    let report = upload(&desk, &server, &args).json();
    assert_eq!(
        (
            count(&report, "events"),
            count(&report, "rejected"),
            server.requests()
        ),
        (2, 2, requests)
    );
    assert_eq!(
        rejects(),
        expected(earlier, &|number| if number == 5 { 2 } else { 3 })
    );

    // Corrected, they are tried again without being asked for, and there is nothing left to reject.
    let corrected = rejects().replace(&lead_id(5).to_string(), "2345678901234567");
    desk.file(
        "leads.csv",
        corrected.replace(&lead_id(33).to_string(), "2345678901234568"),
    );
    server.play(Reply::receipt);
    let report = upload(&desk, &server, &args).ended(0).json();
    assert_eq!(
        (count(&report, "accepted"), rejects().lines().count()),
        (2, 1)
    );
    assert_eq!(Books::read(&desk, 40).accepted.len(), 40);
}

#[test]
fn refused_events_are_tried_again_when_asked_for() {
    let bad = BTreeSet::from([3]);
    let (desk, server) = (desk_with(20), Server::start(unless_bad(&bad)));
    let (_, books) = check_first(&desk, &server, 20, &upload(&desk, &server, &[]).ended(1));
    check_next(&desk, &server, 20, &books, &[]);
    server.play(unless_bad(&bad));
    let report = upload(&desk, &server, &["--retry-rejected"])
        .ended(1)
        .json();
    assert_eq!(
        (
            count(&report, "rejected"),
            problems(&report, "meta-refused")
        ),
        (1, 1)
    );
    server.play(Reply::receipt);
    let report = upload(&desk, &server, &["--retry-rejected"])
        .ended(0)
        .json();
    assert_eq!(
        (
            count(&report, "accepted"),
            count(&report, "skipped_delivered")
        ),
        (1, 19)
    );
    assert_eq!(Books::read(&desk, 20).accepted.len(), 20);
}

#[test]
fn a_refusal_that_names_the_event_costs_one_request() {
    let server = Server::start(
        |seen| match seen.events.iter().position(|event| *event == 7) {
            Some(place) => {
                let text = format!(
                    "Unexpected key \\\"x\\\" on param \\\"$['data'][{place}]['custom_data']\\\"."
                );
                let body = r#"{"error":{"message":"Parameterfehler","code":100,"error_subcode":2804019,"error_user_msg":"#;
                Reply::answer(400, "", format!("{body}\"{text}\"}}}}"))
            }
            None => Reply::receipt(seen),
        },
    );
    let desk = desk_with(10);
    let (_, books) = check_first(&desk, &server, 10, &upload(&desk, &server, &[]).ended(1));
    assert_eq!((books.refused, server.requests()), (BTreeSet::from([7]), 2));
}

#[test]
fn one_reason_that_refuses_every_event_stops_the_run_with_4_and_spares_the_rest() {
    let events = 400;
    let server = Server::start(|seen| match seen.is_probe {
        true => Reply::sound(),
        false => Reply::fault(400, 100, Some(2_804_016)),
    });
    let desk = desk_with(events);
    let ran = upload(
        &desk,
        &server,
        &["--batch-size", "100", "--concurrency", "2"],
    )
    .ended(4);
    let (report, books) = check_first(&desk, &server, events, &ran);
    assert!(
        (21..=30).contains(&count(&report, "rejected")),
        "{report:#}"
    );
    assert!(count(&report, "undelivered") > 300 && server.requests() < 100);
    let ended = &report["ended"];
    assert!(ended["reason"].as_str().unwrap().contains("100/2804016"));
    assert!(ended["help"].as_str().unwrap().contains("--retry-rejected"));
    check_next(&desk, &server, events, &books, &[]);
}

/// What Meta answers to every request, however sound its events, and how the run ends.
fn faults_of_the_request() -> Vec<(Reply, i32)> {
    vec![
        (Reply::method_exception(400), 3),
        (Reply::fault(400, 2_500, None), 3),
        (Reply::fault(403, 5, None), 3),
        (Reply::fault(400, 12, None), 3),
        (Reply::fault(400, 101, None), 3),
        (Reply::fault(403, 103, None), 3),
        (Reply::fault(403, 4_711, None), 3),
        (Reply::fault(400, 104, None), 3),
        (Reply::fault(400, 4_711, None), 4),
        (Reply::fault(400, 100, Some(4_711)), 4),
        (Reply::fault(400, 100, Some(2_804_016)), 4),
        (Reply::fault(400, 100, Some(2_804_003)), 4),
    ]
}

#[test]
fn a_fault_of_the_request_refuses_no_event_and_after_the_cure_all_are_delivered() {
    let events = 300;
    for (reply, status) in faults_of_the_request() {
        for healthy in [0, 4] {
            let fault = reply.clone();
            let server = Server::start(move |seen| match seen.number < healthy {
                true => Reply::receipt(seen),
                false => fault.clone(),
            });
            let desk = desk_with(events);
            let args = ["--batch-size", "50", "--concurrency", "2"];
            let ran = upload(&desk, &server, &args).ended(status);
            let (report, books) = check_first(&desk, &server, events, &ran);
            assert_eq!(
                (count(&report, "rejected"), count(&report, "uncertain")),
                (0, 0),
                "{reply:?} {report:#}"
            );
            let requests = server.requests() - healthy;
            // Whether all are too old is only known when many are.
            assert!(requests <= 40, "{requests} requests: {reply:?}");
            check_next(&desk, &server, events, &books, &args);
        }
    }
}

#[test]
fn events_that_only_meta_finds_too_old_are_taken_out_and_every_other_goes_once() {
    let events = 300;
    let cases: [(BTreeSet<u32>, usize); 3] = [
        ([3].into(), 20),
        ([150, 151].into(), 40),
        ((0..30).map(|event| event * 10 + 4).collect(), 330),
    ];
    for (bad, requests) in cases {
        let refused = bad.clone();
        let server = Server::start(move |seen| {
            match seen.events.iter().any(|event| refused.contains(event)) {
                true => Reply::fault(400, 100, Some(2_804_003)),
                false => Reply::receipt(seen),
            }
        });
        let desk = desk_with(events);
        let ran = upload(&desk, &server, &["--batch-size", "64"]).ended(1);
        let (report, books) = check_first(&desk, &server, events, &ran);
        assert_eq!(books.refused, bad, "{report:#}");
        assert_eq!(count(&report, "accepted"), 300 - bad.len());
        let made = server.requests();
        assert!(made <= requests, "{made} requests for {}", bad.len());
        check_next(&desk, &server, events, &books, &[]);
    }
}

#[test]
fn a_wrong_proof_says_whose_secret_it_must_be() {
    let server = Server::start(|_| Reply::method_exception(400));
    let report = upload(&desk_with(4), &server, &[]).ended(3).json();
    let help = report["ended"]["help"].as_str().unwrap();
    assert!(
        help.contains("app that issued the token") && help.contains("unset CRM2CAPI_APP_SECRET"),
        "{help}"
    );
    assert_eq!(server.requests(), 1);
}

#[test]
fn an_unknown_refusal_of_one_event_is_told_from_one_of_the_request_by_a_probe() {
    let server = Server::start(|seen| match seen.events.contains(&7) {
        true => Reply::fault(400, 4_711, Some(1)),
        false => Reply::receipt(seen),
    });
    let desk = desk_with(20);
    let ran = upload(&desk, &server, &[]).ended(1);
    let (report, books) = check_first(&desk, &server, 20, &ran);
    assert_eq!(books.refused, BTreeSet::from([7]));
    assert_eq!(problems(&report, "meta-refused"), 1);
    check_next(&desk, &server, 20, &books, &[]);
}

#[test]
fn an_outage_that_explains_nothing_is_waited_for_and_refuses_nothing() {
    let start = std::time::Instant::now();
    let server = Server::start(move |seen| match start.elapsed().as_secs() < 5 {
        true => Reply::fault(500, 1, None),
        false => Reply::receipt(seen),
    });
    let desk = desk_with(300);
    let ran = upload(&desk, &server, &["--batch-size", "50"]).ended(0);
    let (report, _) = check_first(&desk, &server, 300, &ran);
    assert_eq!(count(&report, "accepted"), 300);
}

#[test]
fn a_token_that_dies_in_mid_run_stops_it_with_3_and_nothing_more_is_sent() {
    for (status, code, subcode) in [
        (400, 190, Some(463)),
        (401, 190, Some(460)),
        (403, 200, None),
    ] {
        let server = Server::start(move |seen| match seen.number {
            0..3 => Reply::receipt(seen),
            _ => Reply::fault(status, code, subcode),
        });
        let desk = desk_with(100);
        let ran = upload(
            &desk,
            &server,
            &["--batch-size", "10", "--concurrency", "2"],
        )
        .ended(3);
        let (report, books) = check_first(&desk, &server, 100, &ran);
        assert_eq!(
            (count(&report, "accepted"), count(&report, "undelivered")),
            (30, 70)
        );
        assert!(server.requests() <= 5, "a request for each lane at most");
        let ended = &report["ended"];
        assert!(
            ended["reason"]
                .as_str()
                .unwrap()
                .contains(&code.to_string())
                && ended["help"].is_string()
        );
        check_next(&desk, &server, 100, &books, &[]);
    }
}

#[test]
fn a_dataset_that_is_not_there_is_found_out_with_one_small_request() {
    let server = Server::start(|_| Reply::fault(400, 100, Some(33)));
    let desk = desk_with(100);
    let ran = upload(&desk, &server, &["--batch-size", "10"]).ended(3);
    let (report, books) = check_first(&desk, &server, 100, &ran);
    assert_eq!((count(&report, "undelivered"), server.requests()), (100, 1));
    assert_eq!(server.seen()[0].events.len(), 10);
    check_next(&desk, &server, 100, &books, &[]);
}

#[test]
fn an_unexplained_error_that_one_event_causes_is_pinned_on_that_event_once_others_went_through() {
    let server = Server::start(|seen| match seen.events.contains(&4) {
        true => Reply::fault(500, 1, None),
        false => Reply::receipt(seen),
    });
    let desk = desk_with(12);
    let report = upload(&desk, &server, &[]).ended(4).json();
    assert_adds_up(&report);
    assert_eq!(
        (
            count(&report, "accepted"),
            count(&report, "rejected"),
            count(&report, "uncertain")
        ),
        (11, 0, 1)
    );
    let problem = report["problems"]
        .as_array()
        .unwrap()
        .iter()
        .find(|problem| problem["code"] == "meta-unexplained")
        .unwrap();
    assert_eq!(problem["examples"][0]["row"], 6);
    assert_eq!(count(&report, "requests"), server.requests());
    assert!(server.requests() <= 16, "{}", server.requests());
    // The ledger and the report agree: nobody knows whether it was taken.
    let books = Books::read(&desk, 12);
    assert_eq!(
        (books.sending.clone(), books.accepted.len()),
        (BTreeSet::from([4]), 11)
    );
    check_next(&desk, &server, 12, &books, &[]);
}

#[test]
fn one_event_that_meets_unexplained_errors_wears_out_none_that_goes_with_it() {
    for bad in [0, 5, 11] {
        let server = Server::start(move |seen| match seen.events.contains(&bad) {
            true => Reply::fault(500, 1, None),
            false => Reply::receipt(seen),
        });
        let desk = desk_with(12);
        // So short that the batch is given up before its repetitions are used up.
        let args = ["--give-up-after", "1", "--batch-size", "12"];
        for run in 1..=4 {
            let report = upload(&desk, &server, &args).ended(4).json();
            assert_adds_up(&report);
            assert_eq!(count(&report, "uncertain"), 1, "run {run}: {report:#}");
            // Alone in its run, with nothing accepted beside it, it cannot be told from an outage.
            assert_eq!(problems(&report, "uncertain-resting"), 0);
        }
        let taken = server.taken();
        assert_eq!(taken.len(), 11);
        assert!(taken.values().all(|times| *times == 1));
        let order = server.order();
        for lead in (0..6).filter(|lead| *lead != bad / 2) {
            let place = |event: u32| order.iter().position(|it| *it == event);
            assert!(place(lead * 2) < place(lead * 2 + 1), "{order:?}");
        }
    }
}

#[test]
fn an_unexplained_error_that_never_ends_is_an_outage_and_leaves_the_events_uncertain() {
    for healthy in [0, 1] {
        let server = Server::start(move |seen| match seen.number < healthy {
            true => Reply::receipt(seen),
            false => Reply::fault(500, 1, None),
        });
        let desk = desk_with(30);
        let ran = upload(&desk, &server, &["--give-up-after", "4"]).ended(4);
        let (report, books) = check_first(&desk, &server, 30, &ran);
        assert_eq!(count(&report, "rejected"), 0);
        assert!(count(&report, "uncertain") > 0);
        check_next(&desk, &server, 30, &books, &[]);
    }
}

#[test]
fn the_token_stands_in_one_header_and_follows_no_redirect() {
    let elsewhere = Server::start(Reply::receipt);
    for status in [301, 302, 303, 307, 308] {
        let location = format!("Location: {}/v25.0/{DATASET}/events\r\n", elsewhere.url);
        let server = Server::start(move |_| Reply::answer(status, &location, ""));
        let desk = desk_with(6);
        let ran = upload(&desk, &server, &[]).ended(4);
        let (report, books) = check_first(&desk, &server, 6, &ran);
        assert_eq!((count(&report, "undelivered"), server.requests()), (6, 4));
        let ended = &report["ended"];
        let host = server.url.trim_start_matches("http://");
        assert!(ended["reason"].as_str().unwrap().contains(host), "{ended}");
        assert!(ended["help"].as_str().unwrap().contains("--graph-url"));
        assert_eq!(elsewhere.requests(), 0);
        let head = &server.seen()[0].head;
        assert!(
            head.starts_with(&format!(
                "POST /v25.0/{DATASET}/events?locale=en_US HTTP/1.1\r\n"
            )),
            "{head}"
        );
        assert!(
            head.contains(&format!("authorization: Bearer {TOKEN}\r\n"))
                && head.matches(TOKEN).count() == 1
        );
        check_next(&desk, &server, 6, &books, &[]);
    }
}

#[test]
fn a_rejects_file_that_cannot_be_written_is_found_out_before_anything_is_sent() {
    let (desk, server) = (desk_with(6), Server::start(Reply::receipt));
    std::fs::create_dir(desk.path().join("folder")).unwrap();
    for path in ["folder", "leads.csv/rejects.csv", "nowhere/rejects.csv"] {
        let ran = upload(&desk, &server, &["--rejects", path]).ended(2);
        assert!(ran.stderr.contains("rejects file"), "{}", ran.stderr);
    }
    assert_eq!(server.requests(), 0);
}

#[test]
fn a_row_refused_here_is_among_the_rejects_even_when_its_other_events_were_never_sent() {
    let (desk, server) = (
        Desk::new(),
        Server::start(|_| Reply::fault(400, 100, Some(33))),
    );
    let settings =
        "[columns]\nlead_id = \"Lead\"\n[stage_columns]\nNew = \"Lead\"\nWon = \"Customer\"\n";
    desk.file(
        "crm2capi.toml",
        format!("[crm]\nname = \"Tests\"\n{settings}"),
    );
    let (sound, wrong) = ("2026-11-20T10:00:00Z", "next week");
    let rows: Vec<String> = (0..30)
        .map(|lead| {
            format!(
                "{},{sound},{}\n",
                lead_id(lead * 2),
                if lead == 20 { wrong } else { "" }
            )
        })
        .collect();
    desk.file("leads.csv", format!("Lead,New,Won\n{}", rows.concat()));
    let report = upload(&desk, &server, &["--rejects", "rejects.csv"])
        .ended(3)
        .json();
    assert_eq!(
        (
            count(&report, "undelivered"),
            count(&report, "rows_invalid")
        ),
        (30, 1)
    );
    let rejects = std::fs::read_to_string(desk.path().join("rejects.csv")).unwrap();
    let expected = format!(
        "Lead,New,Won,crm2capi_problem,crm2capi_help,crm2capi_row\n{},{sound},{wrong},time-malformed,\
         \"correct it in the CRM; or write times as 2026-11-20T14:03:00-05:00, or export again with dates as the CRM shows them\",22\n",
        lead_id(40)
    );
    assert_eq!(rejects, expected);
}

#[test]
fn test_events_leave_no_trace_in_the_ledger() {
    let (desk, server) = (desk_with(6), Server::start(Reply::receipt));
    let report = upload(&desk, &server, &["--test-event-code", "TEST1"])
        .ended(0)
        .json();
    assert_eq!(count(&report, "accepted"), 6);
    assert!(!desk.path().join("ledger.sqlite3").exists());
    let report = upload(&desk, &server, &[]).ended(0).json();
    assert_eq!(count(&report, "accepted"), 6);
}
