//! What Meta counted beside what it accepted, against a sandbox that stands behind somebody who drops, doubles or delays.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::support::listener::{Listener, Request};
use crate::support::sandbox::Sandbox;
use crate::support::{Desk, Ran};

const DATASET: &str = "123456789012345";
const NOW: &str = "2026-11-21T16:00:00Z";
const LATER: &str = "2026-11-21T18:30:00Z";

/// What happens on the way to the sandbox.
const PASSES: u8 = 0;
const DROPS: u8 = 1;
const DOUBLES: u8 = 2;
const FORBIDS: u8 = 3;
/// The first question is answered too late.
const DELAYS_ONCE: u8 = 4;
/// Every question is.
const DELAYS: u8 = 5;
/// Only the dataset's own token learns of the quality.
const HIDES_QUALITY: u8 = 6;
/// Others send under a thousand names and more, and count them beyond belief.
const COUNTS_OTHERS: u8 = 7;
/// The answer has nothing in it.
const EMPTY: u8 = 8;
/// Longer than a question may take.
const TOO_LONG: std::time::Duration = std::time::Duration::from_millis(1_500);

/// A sandbox behind a proxy that takes its name off, so that the ledger takes it for Meta.
struct Meta {
    sandbox: Sandbox,
    proxy: Listener,
    mode: Arc<AtomicU8>,
    desk: Desk,
}

impl Meta {
    fn start(more: &[&str]) -> Self {
        let desk = Desk::new();
        let sandbox = Sandbox::start(&desk, &[&["--now", NOW], more].concat());
        let mode = Arc::new(AtomicU8::new(PASSES));
        let (url, how) = (sandbox.url.clone(), mode.clone());
        let proxy = Listener::answering(move |request| {
            let is_post = request.line.starts_with("POST ");
            match how.load(Ordering::SeqCst) {
                DROPS if is_post => {
                    let count = request.events().len();
                    (200, format!(r#"{{"events_received":{count},"messages":[],"fbtrace_id":"ATraceOfNothing"}}"#))
                }
                DOUBLES if is_post => {
                    forward(&url, request);
                    forward(&url, request)
                }
                FORBIDS if request.line.contains("/stats?") => {
                    (403, r##"{"error":{"message":"(#100) Permission Denied","type":"OAuthException","code":100,"error_subcode":33}}"##.to_owned())
                }
                DELAYS | DELAYS_ONCE if request.line.contains("/stats?") => {
                    let _ = how.compare_exchange(DELAYS_ONCE, PASSES, Ordering::SeqCst, Ordering::SeqCst);
                    std::thread::sleep(TOO_LONG);
                    forward(&url, request)
                }
                HIDES_QUALITY if request.line.contains("/dataset_quality?") && !is_own(request) => {
                    (403, r##"{"error":{"message":"(#10) Permission Denied","type":"OAuthException","code":10}}"##.to_owned())
                }
                COUNTS_OTHERS if request.line.contains("/stats?") => (200, counts_of_others(request)),
                EMPTY if request.line.contains("/stats?") => (200, "{}".to_owned()),
                _ => forward(&url, request),
            }
        });
        Self {
            sandbox,
            proxy,
            mode,
            desk,
        }
    }

    /// Uploads so many leads of each of two stages, of two days.
    fn upload(&self, mode: u8, first: u64, leads: u64) {
        let mut text = "id,stage,time,email\n".to_owned();
        for lead in first..first + leads {
            let id = 1_234_567_800_000_000 + lead;
            writeln!(
                text,
                "{id},Lead,2026-11-20T10:00:00Z,lead{lead}@example.com"
            )
            .unwrap();
            writeln!(
                text,
                "{id},Qualified,2026-11-21T09:30:00Z,lead{lead}@example.com"
            )
            .unwrap();
        }
        self.upload_export(mode, &text);
    }

    fn upload_export(&self, mode: u8, text: &str) {
        self.mode.store(mode, Ordering::SeqCst);
        self.desk.file("leads.csv", text);
        let maps = [
            "--map",
            "lead_id=id",
            "--map",
            "event_name=stage",
            "--map",
            "event_time=time",
            "--map",
            "email=email",
        ];
        let args = [
            "upload",
            "--dataset-id",
            DATASET,
            "--graph-url",
            &self.proxy.url,
            "--crm",
            "CRM",
            "--now",
            NOW,
            "leads.csv",
        ];
        self.desk
            .run_with(
                &[&args[..], &maps].concat(),
                &[("CRM2CAPI_ACCESS_TOKEN", "t")],
            )
            .ended(0);
        self.mode.store(PASSES, Ordering::SeqCst);
    }

    fn status(&self, more: &[&str]) -> Ran {
        let args = [
            "status",
            "--dataset-id",
            DATASET,
            "--graph-url",
            &self.proxy.url,
            "--now",
            LATER,
        ];
        self.desk
            .run_with(&[&args[..], more].concat(), &[("CRM2CAPI_READ_TOKEN", "r")])
    }

    fn remote(&self) -> Ran {
        self.status(&["--remote", "--format", "json"])
    }
}

/// Whether the dataset's own token asks.
fn is_own(request: &Request) -> bool {
    request.header("authorization") == Some("Bearer own")
}

/// Fewer names an hour than where they would be asked for one by one, in many hours.
fn counts_of_others(request: &Request) -> String {
    if request.line.contains("aggregation=match_keys") {
        return r#"{"data":[]}"#.to_owned();
    }
    let bucket = |hour: usize| {
        let entries: Vec<_> = (0..90)
            .map(|name| format!(r#"{{"value":"Other {hour} {name}","count":{}}}"#, u64::MAX))
            .collect();
        format!(
            r#"{{"start_time":"2026-11-20T{hour:02}:00:00+0000","data":[{}]}}"#,
            entries.join(",")
        )
    };
    let buckets: Vec<_> = (0..20).map(bucket).collect();
    format!(r#"{{"data":[{}]}}"#, buckets.join(","))
}

/// Passes a request on as it came.
fn forward(url: &str, request: &Request) -> (u16, String) {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    let line = request.line.replace("HTTP/1.1", "HTTP/1.0");
    let token = request.header("authorization").unwrap_or_default();
    let length = request.body.len();
    write!(
        stream,
        "{line}\r\nAuthorization: {token}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{}",
        request.body
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (
        head.split(' ').nth(1).unwrap().parse().unwrap(),
        body.to_owned(),
    )
}

#[test]
fn what_was_counted_stands_beside_what_was_accepted_by_stage_and_day() {
    let meta = Meta::start(&[]);
    meta.upload(PASSES, 0, 40);
    let report = meta.remote().ended(0).json();
    let stages = report["stages"].as_array().unwrap();
    let line = |at: usize| {
        (
            &stages[at]["event_name"],
            &stages[at]["accepted"],
            &stages[at]["counted"],
        )
    };
    assert_eq!(line(0), (&"Lead".into(), &40.into(), &40.into()));
    assert_eq!(line(1), (&"Qualified".into(), &40.into(), &40.into()));
    assert_eq!(stages[0]["days"][0]["day"], "2026-11-20");
    assert_eq!(report["match_keys"]["value"]["lead_id"], 80);
    assert_eq!(report["dataset"]["value"]["is_crm"], true);
    assert_eq!(
        report["dataset"]["value"]["last_event"],
        "2026-11-21T09:30:00Z"
    );
    assert_eq!(report["agent"], "crm2capi");

    let page = meta.status(&["--remote"]).ended(0).stdout;
    let words = page.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("Lead 40 40 +0 2026-11-20 40 40 +0"),
        "{page}"
    );
    assert!(words.contains("match keys em 80, lead_id 80"), "{page}");

    // Every question names the hours and our own agent, and the token is in no URL.
    let asked: Vec<_> = meta
        .proxy
        .requests()
        .into_iter()
        .filter(|request| request.line.contains("/stats?"))
        .collect();
    assert!(
        asked
            .iter()
            .all(|request| request.line.contains("agent=crm2capi")
                && request.line.contains("event_source=SERVER_ONLY"))
    );
    assert!(
        asked
            .iter()
            .all(|request| request.header("authorization") == Some("Bearer r"))
    );
}

#[test]
fn events_that_were_dropped_after_their_receipt_are_missed() {
    let meta = Meta::start(&[]);
    meta.upload(PASSES, 0, 10);
    meta.upload(DROPS, 10, 10);
    let ran = meta.remote().ended(1);
    let report = ran.json();
    assert_eq!(
        (
            &report["stages"][0]["accepted"],
            &report["stages"][0]["counted"]
        ),
        (&20.into(), &10.into())
    );
    assert_eq!(report["stages"][0]["clearly_fewer"], true);
    assert!(
        ran.stderr
            .contains("Meta counts clearly fewer events than it accepted: 20 of 40"),
        "{ran:?}"
    );
}

#[test]
fn events_that_were_counted_twice_show_and_are_no_fault_of_the_upload() {
    let meta = Meta::start(&[]);
    meta.upload(DOUBLES, 0, 5);
    let report = meta.remote().ended(0).json();
    assert_eq!(
        (
            &report["stages"][0]["accepted"],
            &report["stages"][0]["counted"]
        ),
        (&5.into(), &10.into())
    );
}

#[test]
fn every_page_and_every_stage_of_a_crowded_hour_is_counted() {
    let meta = Meta::start(&[]);
    let mut text = "id,stage,time,email\n".to_owned();
    // Sixty hours make three pages of the sandbox; an hour tells of a hundred names at most.
    for hour in 0..60 {
        let (day, hour) = (18 + hour / 24, hour % 24);
        writeln!(
            text,
            "1234567800000000,Lead,2026-11-{day:02}T{hour:02}:00:00Z,"
        )
        .unwrap();
    }
    for stage in 0..120 {
        writeln!(text, "1234567800000000,Stage {stage},2026-11-21T09:30:00Z,").unwrap();
    }
    meta.upload_export(PASSES, &text);
    let report = meta.remote().ended(0).json();
    let stages = report["stages"].as_array().unwrap();
    assert_eq!(stages.len(), 121);
    for stage in stages {
        assert_eq!(stage["accepted"], stage["counted"], "{stage}");
    }
    assert_eq!(stages[0]["counted"], 60);
    let asked = meta.proxy.requests();
    assert!(asked.iter().any(|request| request.line.contains("after=")));
    assert!(
        asked
            .iter()
            .all(|request| !request.line.contains("access_token"))
    );
}

#[test]
fn nothing_may_not_and_nobody_are_three_answers() {
    // Counted, but not shown yet.
    let meta = Meta::start(&["--count-delay", "3600"]);
    meta.upload(PASSES, 0, 3);
    let ran = meta.remote().ended(1);
    assert_eq!(ran.json()["answered"], "nothing", "{ran:?}");

    meta.mode.store(FORBIDS, Ordering::SeqCst);
    let ran = meta.remote().ended(3);
    assert_eq!(
        (&ran.json()["answered"], &ran.json()["stages"]),
        (&"may-not".into(), &serde_json::Value::Null)
    );
    assert!(ran.stderr.contains("CRM2CAPI_READ_TOKEN"), "{ran:?}");

    let args = [
        "status",
        "--remote",
        "--dataset-id",
        DATASET,
        "--graph-url",
        "http://127.0.0.1:9",
        "--now",
        LATER,
        "--format",
        "json",
    ];
    let ran = meta
        .desk
        .run_with(&args, &[("CRM2CAPI_READ_TOKEN", "r")])
        .ended(4);
    assert_eq!(ran.json()["answered"], "no-answer");
}

#[test]
fn zero_beside_what_was_counted_is_a_fourth_answer() {
    let meta = Meta::start(&[]);
    meta.upload(PASSES, 0, 3);
    let lost = "id,stage,time,email\n1234567800000000,Won,2026-11-20T10:00:00Z,\n\
                1234567800000001,Won,2026-11-20T10:00:00Z,\n";
    meta.upload_export(DROPS, lost);
    let report = meta.remote().ended(1).json();
    assert_eq!(report["answered"], "known");
    let stages = report["stages"].as_array().unwrap();
    let won = stages.iter().find(|it| it["event_name"] == "Won").unwrap();
    assert_eq!((&won["accepted"], &won["counted"]), (&2.into(), &0.into()));
    assert_eq!(won["clearly_fewer"], true);
}

#[test]
fn a_late_answer_is_asked_for_again_and_one_that_never_comes_is_not_known() {
    let meta = Meta::start(&[]);
    meta.upload(PASSES, 0, 3);
    let remote = ["--remote", "--format", "json", "--timeout", "1"];
    meta.mode.store(DELAYS_ONCE, Ordering::SeqCst);
    let report = meta.status(&remote).ended(0).json();
    assert_eq!(report["answered"], "known");
    assert_eq!(report["stages"][0]["counted"], 3);

    meta.mode.store(DELAYS, Ordering::SeqCst);
    let ran = meta.status(&remote).ended(4);
    assert_eq!(ran.json()["answered"], "no-answer");
    assert!(
        ran.stderr.contains("what Meta counted is not known"),
        "{ran:?}"
    );
}

#[test]
fn what_only_the_datasets_own_token_learns_is_asked_with_it() {
    let meta = Meta::start(&[]);
    meta.upload(PASSES, 0, 3);
    meta.mode.store(HIDES_QUALITY, Ordering::SeqCst);
    let report = meta.remote().ended(0).json();
    assert_eq!(report["quality"]["answered"], "may-not");
    let own = ("CRM2CAPI_ACCESS_TOKEN", "own");
    let args = [
        "status",
        "--remote",
        "--dataset-id",
        DATASET,
        "--graph-url",
        &meta.proxy.url,
        "--now",
        LATER,
        "--format",
        "json",
    ];
    let ran = meta
        .desk
        .run_with(&args, &[("CRM2CAPI_READ_TOKEN", "r"), own]);
    let report = ran.ended(0).json();
    assert_eq!(report["quality"]["answered"], "known");
    assert_eq!(report["quality"]["value"][0]["event_name"], "Lead");
    // Whatever else is asked, the token to read with asks it.
    let asked = meta.proxy.requests();
    let by_own = asked.iter().filter(|request| is_own(request));
    assert!(by_own.clone().count() == 1 && by_own.clone().all(|it| it.line.contains("quality")));

    let args = [
        "check",
        "--dataset-id",
        DATASET,
        "--graph-url",
        &meta.proxy.url,
    ];
    let page = meta.desk.run_with(&args, &[own]).ended(0).stdout;
    assert!(page.contains("match quality      Lead "), "{page}");
    let page = meta.desk.run_with(&args, &[("CRM2CAPI_ACCESS_TOKEN", "t")]);
    let page = page.ended(0).stdout;
    assert!(
        page.contains("match quality      Meta does not tell this token"),
        "{page}"
    );
}

#[test]
fn hours_that_are_not_over_for_an_hour_are_left_out() {
    let meta = Meta::start(&[]);
    meta.upload(DROPS, 0, 10);
    // At the time of the upload itself nothing can be missed yet.
    let args = ["--remote", "--format", "json"];
    let mut now = vec![
        "status",
        "--dataset-id",
        DATASET,
        "--graph-url",
        &meta.proxy.url,
        "--now",
        "2026-11-21T16:30:00Z",
    ];
    now.extend(args);
    let ran = meta
        .desk
        .run_with(&now, &[("CRM2CAPI_READ_TOKEN", "r")])
        .ended(0);
    assert_eq!(ran.json()["stages"], serde_json::json!([]));
    meta.remote().ended(1);
}

#[test]
fn what_was_accepted_within_the_hour_is_left_out_on_both_sides_and_said() {
    let meta = Meta::start(&[]);
    meta.upload(PASSES, 0, 10);
    let soon = ["--remote", "--now", "2026-11-21T16:30:00Z"];
    let status = |more: &[&str]| {
        let mut args = vec![
            "status",
            "--dataset-id",
            DATASET,
            "--graph-url",
            &meta.proxy.url,
        ];
        args.extend(soon.iter().chain(more));
        meta.desk
            .run_with(&args, &[("CRM2CAPI_READ_TOKEN", "r")])
            .ended(0)
    };
    let report = status(&["--format", "json"]).json();
    assert_eq!(
        (&report["stages"], &report["too_fresh"]),
        (&serde_json::json!([]), &20.into())
    );
    let page = status(&[]).stdout;
    assert!(
        page.contains("20 events accepted within the last hour: too fresh to compare"),
        "{page}"
    );
}

#[test]
fn what_others_sent_stands_below_a_sum_of_our_own_rows() {
    let meta = Meta::start(&[]);
    meta.upload(PASSES, 0, 4);
    meta.mode.store(COUNTS_OTHERS, Ordering::SeqCst);
    let page = meta.status(&["--remote"]).ended(1).stdout;
    let words = page.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("all accepted here 8 0 -8 clearly fewer"),
        "{page}"
    );
    assert!(
        words.contains("(other names) 0 18446744073709551615"),
        "{page}"
    );
    assert!(
        words.contains("not accepted here 0 18446744073709551615"),
        "{page}"
    );
    assert!(words.contains("implausibly large"), "{page}");
    assert!(words.contains("901 more stages"), "{page}");
}

#[test]
fn an_answer_without_data_is_no_answer() {
    let meta = Meta::start(&[]);
    meta.upload(PASSES, 0, 2);
    meta.mode.store(EMPTY, Ordering::SeqCst);
    let ran = meta.remote().ended(4);
    assert_eq!(ran.json()["answered"], "no-answer");
    assert!(ran.stderr.contains("an answer without data"), "{ran:?}");
}

#[test]
fn no_report_is_promised_that_is_not_written() {
    let desk = Desk::new();
    for asked in [&["--remote"][..], &["--lead", "1234567890123456"]] {
        let args = [&["status", "--report", "x.html"], asked].concat();
        let ran = desk.run(&args).ended(2);
        assert!(ran.stderr.contains("--report"), "{ran:?}");
    }
}

#[test]
fn a_sandbox_says_so_and_a_check_names_what_it_found() {
    let meta = Meta::start(&[]);
    meta.upload(PASSES, 0, 3);
    let sandbox = &meta.sandbox.url;
    let args = [
        "status",
        "--remote",
        "--dataset-id",
        DATASET,
        "--graph-url",
        sandbox,
        "--now",
        LATER,
    ];
    let page = meta
        .desk
        .run_with(&args, &[("CRM2CAPI_READ_TOKEN", "r")])
        .ended(0)
        .stdout;
    let said = "a sandbox's counts: no ledger records what it accepted. What the ledger has was accepted elsewhere, so";
    assert!(page.contains(said), "{page}");
    assert!(!page.contains("nothing to compare"), "{page}");
    let other = args.map(|arg| if arg == DATASET { "999" } else { arg });
    let page = meta
        .desk
        .run_with(&other, &[("CRM2CAPI_READ_TOKEN", "r")])
        .ended(0)
        .stdout;
    let said = "no ledger records what it accepted, so there is nothing to compare them with";
    assert!(page.contains(said), "{page}");
    assert!(page.contains("API version       v25.0"), "{page}");

    let check = |version: &str| {
        let args = [
            "check",
            "--dataset-id",
            DATASET,
            "--graph-url",
            sandbox,
            "--api-version",
            version,
        ];
        meta.desk.run_with(&args, &[("CRM2CAPI_ACCESS_TOKEN", "t")])
    };
    let page = check("v25.0").ended(0).stdout;
    assert!(page.contains("version served     v25.0 answered"), "{page}");
    assert!(
        page.contains("CRM events         the dataset is for them"),
        "{page}"
    );
    let page = check("v22.0").ended(1).stdout;
    assert!(
        page.contains("NO  version served     v22.0 answered, and Meta calls it deprecated"),
        "{page}"
    );
}

#[test]
fn what_became_of_a_lead_is_found_by_id_email_phone_or_list() {
    let meta = Meta::start(&["--bad-lead-id", "1234567800000001"]);
    let desk = &meta.desk;
    desk.file(
        "leads.csv",
        "id,stage,time,email,phone\n1234567800000000,Lead,2026-11-20T10:00:00Z,Ava.Lane@Example.com,(650) 555-1212\n\
         1234567800000000,Qualified,2026-11-21T09:30:00Z,ava.lane@example.com,\n1234567800000001,Lead,2026-11-20T11:00:00Z,b@example.com,\n",
    );
    let maps = [
        "--map",
        "lead_id=id",
        "--map",
        "event_name=stage",
        "--map",
        "event_time=time",
        "--map",
        "email=email",
        "--map",
        "phone=phone",
    ];
    let args = [
        "upload",
        "--dataset-id",
        DATASET,
        "--graph-url",
        &meta.proxy.url,
        "--crm",
        "CRM",
        "--now",
        NOW,
        "--default-country",
        "US",
        "leads.csv",
    ];
    desk.run_with(
        &[&args[..], &maps].concat(),
        &[("CRM2CAPI_ACCESS_TOKEN", "t")],
    )
    .ended(1);

    for (lead, events) in [
        ("1234567800000000", 2),
        ("l:1234567800000000", 2),
        (" AVA.LANE@example.com ", 2),
        ("+1 650 555 1212", 1),
    ] {
        let report = desk
            .run(&["status", "--lead", lead, "--format", "json"])
            .ended(0)
            .json();
        assert_eq!(
            report["leads"][0]["events"].as_array().unwrap().len(),
            events,
            "{lead}: {report}"
        );
    }
    let args = [
        "status",
        "--lead",
        "650-555-1212",
        "--default-country",
        "US",
    ];
    let page = desk.run(&args).ended(0).stdout;
    assert!(
        page.contains("2026-11-20T10:00:00Z  Lead: accepted "),
        "{page}"
    );
    assert!(
        page.contains("run of 2026-11-21T16:00:00Z; dataset 123456789012345; trace A"),
        "{page}"
    );

    let list = "1234567800000001\nnobody@example.com\n\nnonsense\n";
    let ran = desk
        .run_on(&["status", "--lead", "-"], list.as_bytes())
        .ended(1);
    assert!(
        ran.stdout
            .contains("refused by Meta (100/2804036: the lead id is invalid or was deleted)"),
        "{ran:?}"
    );
    assert!(
        ran.stdout
            .contains("line 2: no event in the ledger\nline 4: not a lead id, email or phone"),
        "{ran:?}"
    );
    assert!(
        ran.stderr.contains(
            "error: 1 of the 2 leads asked about has no event in the ledger; it remembers"
        ) && ran
            .stderr
            .contains("; 1 line is not a lead id, email or phone"),
        "{ran:?}"
    );
    let none = desk
        .run(&["status", "--lead", "nobody@example.com"])
        .ended(1);
    let said = "error: the lead asked about has no event in the ledger; ";
    assert!(none.stderr.starts_with(said), "{none:?}");
    for value in ["1234567800000001", "nobody@", "nonsense"] {
        assert!(
            !ran.stdout.contains(value) && !ran.stderr.contains(value),
            "{ran:?}"
        );
    }
    let ledger = std::fs::read(desk.path().join("state/crm2capi/ledger.sqlite3")).unwrap();
    assert!(
        !ledger
            .windows(16)
            .any(|window| window == b"1234567800000000")
    );
}

/// As the upload and the download of leads do.
#[cfg(unix)]
#[test]
fn a_throttled_question_waits_as_meta_says_and_ctrl_c_ends_the_wait() {
    use crate::support::graph::{Graph, World};
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "email,event_name,event_time\na@example.com,Lead,2026-11-21T10:00:00Z\n",
    );
    let accepting = Listener::accepting();
    let token = [
        ("CRM2CAPI_ACCESS_TOKEN", "t"),
        ("CRM2CAPI_READ_TOKEN", crate::support::graph::USER),
    ];
    let upload = [
        "upload",
        "--dataset-id",
        "700",
        "--graph-url",
        &accepting.url,
        "--now",
        NOW,
        "leads.csv",
    ];
    desk.run_with(&upload, &token).ended(0);
    let graph = Graph::start(World::default());
    let throttle = |minutes: &str| {
        let header = format!(
            "X-Business-Use-Case-Usage: {{\"1\":[{{\"type\":\"ads_management\",\"call_count\":100,\
             \"estimated_time_to_regain_access\":{minutes}}}]}}\r\n"
        );
        graph.fail(
            "/stats?",
            400,
            &header,
            serde_json::json!({"code": 80004, "message": "x"}),
        );
    };
    throttle("0.02");
    let url = graph.listener.url.clone();
    let status = [
        "status",
        "--remote",
        "--dataset-id",
        "700",
        "--graph-url",
        &url,
        "--now",
        LATER,
    ];
    let begun = std::time::Instant::now();
    let ran = desk.run_with(&status, &token);
    assert!(
        begun.elapsed().as_secs_f64() >= 1.2 && ran.stderr.contains("throttled"),
        "{ran:?}"
    );

    throttle("0.15");
    let mut command = desk.command(&status);
    command
        .envs(token)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped());
    let begun = std::time::Instant::now();
    let mut child = command.spawn().unwrap();
    let mut said = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("trying again") {
        assert_ne!(
            std::io::BufRead::read_line(&mut said, &mut line).unwrap(),
            0,
            "{line}"
        );
    }
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    said.read_to_string(&mut line).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{line}");
    assert!(
        line.contains("error: interrupted") && begun.elapsed().as_secs() < 8,
        "{line}"
    );
}
