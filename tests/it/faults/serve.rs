//! `crm2capi serve` in front of a server that plays faults: what was answered with 202 arrives once, in order, whatever
//! happens to the process, the disk or Meta.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::*;
use crate::support::http::{self, Answer};
use crate::support::receiver::Receiver;
use crate::support::serve::{SECRET, Serve, log_of, post};

fn desk() -> Desk {
    let desk = Desk::new();
    desk.file("crm2capi.toml", SETTINGS);
    desk
}

fn serve_command(desk: &Desk, server: &Server, more: &[&str]) -> Command {
    let mut args = vec!["serve", "--linger", "0"];
    for (option, value) in [("--listen", "127.0.0.1:0"), ("--now", NOW)] {
        if !more.contains(&option) {
            args.extend([option, value]);
        }
    }
    args.extend(["--dataset-id", DATASET, "--graph-url", &server.url]);
    args.extend(["--ledger", "ledger.sqlite3", "--give-up-after", "1"]);
    args.extend(more);
    let mut command = desk.command(&args);
    command.env("CRM2CAPI_ACCESS_TOKEN", TOKEN);
    command.env("CRM2CAPI_SERVE_TOKEN", SECRET);
    command
}

fn start(desk: &Desk, server: &Server, more: &[&str]) -> Serve {
    Serve::of(serve_command(desk, server, more), desk)
}

/// The record of an event, as `export` has it.
fn record(number: u32) -> String {
    let (lead, hour) = (number / 2, 10 + number % 2);
    let (minute, second) = (lead / 60 % 60, lead % 60);
    serde_json::json!({
        "Id": number.to_string(), "Lead": lead_id(number).to_string(), "Stage": event_name(number),
        "When": format!("2026-11-20T{hour}:{minute:02}:{second:02}Z"), "Email": format!("lead{lead}@example.org"),
    })
    .to_string()
}

fn records(numbers: std::ops::Range<u32>) -> String {
    let records: Vec<String> = numbers.map(record).collect();
    format!("[{}]", records.join(","))
}

#[track_caller]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed().as_secs() < 60, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn counts<const N: usize>(answer: &Answer, keys: [&str; N]) -> [u64; N] {
    keys.map(|key| answer.json()[key].as_u64().unwrap())
}

fn once(numbers: std::ops::Range<u32>) -> BTreeMap<u32, usize> {
    numbers.map(|number| (number, 1)).collect()
}

/// Whether the events of each lead arrived in the order of their times.
#[track_caller]
fn assert_in_order(server: &Server) {
    let mut last: HashMap<u32, u32> = HashMap::new();
    for number in server.order() {
        let before = last.insert(number / 2, number);
        assert!(
            before.is_none_or(|before| before <= number),
            "{number} came after {before:?}"
        );
    }
}

#[test]
fn one_record_a_list_and_lines_are_taken_and_each_event_is_delivered_once() {
    let (desk, server) = (desk(), Server::start(Reply::receipt));
    let serve = start(&desk, &server, &[]);
    let keys = ["records", "records_invalid", "events", "queued", "known"];
    let one = serve.post(&record(0));
    assert_eq!((one.status, counts(&one, keys)), (202, [1, 0, 1, 1, 0]));
    let list = serve.post(&records(1..4));
    assert_eq!((list.status, counts(&list, keys)), (202, [3, 0, 3, 3, 0]));
    let lines = serve.post(&format!("{}\n{}\n", record(4), record(5)));
    assert_eq!((lines.status, counts(&lines, keys)), (202, [2, 0, 2, 2, 0]));
    let again = serve.post(&records(0..7));
    assert_eq!((again.status, counts(&again, keys)), (202, [7, 0, 7, 1, 6]));
    wait_until("all are delivered", || server.taken().len() == 7);
    wait_until("nothing waits", || {
        serve.metric("crm2capi_serve_queue_events") == 0.0
    });
    // What was delivered is known, too.
    let late = serve.post(&records(0..7));
    assert_eq!((late.status, counts(&late, keys)), (202, [7, 0, 7, 0, 7]));
    assert_eq!(serve.end("-TERM"), 0);
    assert_eq!(server.taken(), once(0..7));
    assert_eq!(Books::read(&desk, 7).accepted.len(), 7);
}

#[test]
fn a_record_that_is_refused_is_named_with_what_to_do_and_costs_no_other() {
    let (desk, server) = (desk(), Server::start(Reply::receipt));
    let serve = start(&desk, &server, &[]);
    let without_time =
        r#"{"Id":"9","Lead":"1234567890000009","Stage":"Lead","Email":"secret@example.org"}"#;
    let lost = r#"{"Id":"8","Lead":1.23456789e15,"Stage":"Lead","When":"2026-11-20T10:00:00Z","Email":"secret@example.org"}"#;
    let body = format!("[{},{without_time},{lost},{}]", record(0), record(1));
    let answer = serve.post(&body);
    let keys = ["records", "records_invalid", "events", "queued"];
    assert_eq!((answer.status, counts(&answer, keys)), (422, [4, 2, 2, 2]));
    assert!(!answer.body.contains("secret"), "{}", answer.body);
    let json = answer.json();
    let problems = json["problems"].as_array().unwrap();
    let named = |record: u64, code: &str, field: &str, column: &str| {
        problems.iter().any(|problem| {
            problem["record"] == record
                && problem["code"] == code
                && problem["field"] == field
                && problem["column"] == column
                && problem["severity"] == "error"
                && problem["help"].as_str().is_some_and(|help| help.len() > 10)
        })
    };
    assert!(named(2, "time-missing", "event_time", "When"), "{json:#}");
    assert!(
        named(3, "lead-id-precision-lost", "lead_id", "Lead"),
        "{json:#}"
    );
    wait_until("the good ones are delivered", || {
        server.taken() == once(0..2)
    });
    assert!(!log_of(&desk).contains("secret"));
}

#[test]
fn what_is_no_record_is_refused_as_http_means_it_and_nothing_of_it_is_repeated() {
    let (desk, server) = (desk(), Server::start(Reply::receipt));
    let serve = start(&desk, &server, &[]);
    for (body, status) in [
        ("", 400),
        ("secret", 400),
        ("[1, 2]", 400),
        ("Id,Lead\n1,secret\n", 400),
        ("\u{1f}\u{8b}\u{8}", 400),
        ("{}", 422),
        ("[{}]", 422),
        (r#"{"secret":"secret"}"#, 422),
        (r#"[{"Id":"1","Lead":"#, 422),
        ("[]", 202),
    ] {
        let answer = serve.post(body);
        assert_eq!(answer.status, status, "{body} {answer:?}");
        let is_named = answer.body.contains("secret") && !answer.body.contains("\"secret\"");
        assert!(!is_named, "{body} {answer:?}");
    }
    let large = serve.post(&format!("[{}]", " ".repeat(5 << 20)));
    assert_eq!(large.status, 413);
    let chunked = [
        ("Transfer-Encoding", "chunked"),
        ("Authorization", "Bearer 0123456789abcdef0123456789abcdef"),
    ];
    let body = format!("{:x}\r\n{}\r\n0\r\n\r\n", 6 << 20, " ".repeat(6 << 20));
    let answer = http::ask(&serve.url, "POST", "/events", &chunked, body.as_bytes()).unwrap();
    assert_eq!(answer.status, 413);
    let method = http::ask(&serve.url, "GET", "/events", &[], b"").unwrap();
    assert_eq!((method.status, method.header("allow")), (405, Some("POST")));
    assert_eq!(serve.get("/").status, 404);
    assert_eq!(serve.get("/healthz").status, 200);
    assert_eq!(serve.get("/readyz").status, 200);
    assert_eq!(server.taken(), BTreeMap::new());
}

#[test]
fn who_knows_neither_token_nor_secret_posts_nothing() {
    let (desk, server) = (desk(), Server::start(Reply::receipt));
    let mut command = serve_command(&desk, &server, &[]);
    command.env("CRM2CAPI_SERVE_SECRET", "a secret to sign bodies with");
    let serve = Serve::of(command, &desk);
    let signature = |secret: &str, body: &str| {
        use hmac::{Hmac, KeyInit, Mac};
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
    };
    let (body, good) = (record(0), "a secret to sign bodies with");
    let post = |headers: &[(&str, &str)]| {
        http::post(&serve.url, "/events", headers, body.as_bytes()).unwrap()
    };
    for headers in [
        vec![],
        vec![("Authorization", "Bearer x".to_owned())],
        vec![("Authorization", SECRET.to_owned())],
        vec![(
            "X-Hub-Signature-256",
            signature("another secret of theirs", &body),
        )],
        vec![("X-Hub-Signature-256", signature(good, "another body"))],
    ] {
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let answer = post(&headers);
        assert_eq!(
            (answer.status, answer.header("www-authenticate")),
            (401, Some("Bearer")),
            "{headers:?}"
        );
    }
    assert_eq!(
        post(&[("X-Hub-Signature-256", &signature(good, &body))]).status,
        202
    );
    let bearer = format!("Bearer {SECRET}");
    assert_eq!(post(&[("Authorization", &bearer)]).status, 202);
    wait_until("it is delivered", || server.taken() == once(0..1));
    let log = log_of(&desk);
    assert!(
        !log.contains(SECRET) && !log.contains(good) && !log.contains(TOKEN),
        "{log}"
    );
}

#[test]
fn without_a_token_only_programs_on_this_machine_post() {
    let (desk, server) = (desk(), Server::start(Reply::receipt));
    let mut command = serve_command(&desk, &server, &[]);
    command.env_remove("CRM2CAPI_SERVE_TOKEN");
    let serve = Serve::of(command, &desk);
    let post = |headers: &[(&str, &str)]| {
        http::post(&serve.url, "/events", headers, record(0).as_bytes()).unwrap()
    };
    assert_eq!(post(&[("Origin", "https://example.com")]).status, 403);
    assert_eq!(post(&[("Sec-Fetch-Site", "cross-site")]).status, 403);
    assert_eq!(post(&[]).status, 202);
    for (listen, token, says) in [
        ("0.0.0.0:0", None, "CRM2CAPI_SERVE_TOKEN"),
        ("127.0.0.1:0", Some("short"), "16 characters"),
    ] {
        let mut command = serve_command(&desk, &server, &["--listen", listen]);
        command.env_remove("CRM2CAPI_SERVE_TOKEN");
        command.envs(token.map(|token| ("CRM2CAPI_SERVE_TOKEN", token)));
        let ran = Ran::of(&["serve"], command.output().unwrap()).ended(2);
        assert!(ran.stderr.contains(says), "{}", ran.stderr);
    }
}

#[test]
fn options_that_mean_nothing_to_it_are_refused_and_so_is_a_ledger_that_forgets() {
    let (desk, server) = (desk(), Server::start(Reply::receipt));
    for more in [
        &["--rejects", "r.csv"][..],
        &["--dry-run"],
        &["--stage-time", "first-seen"],
        &["--ledger", "none"],
        &["leads.csv"],
    ] {
        let mut all = more.to_vec();
        if more[0] == "--ledger" {
            all = vec![];
        }
        let mut command = serve_command(&desk, &server, &all);
        if more[0] == "--ledger" {
            command = desk.command(&[
                "serve",
                "--dataset-id",
                DATASET,
                "--ledger",
                "none",
                "--graph-url",
                &server.url,
            ]);
            command.env("CRM2CAPI_ACCESS_TOKEN", TOKEN);
        }
        let ran = Ran::of(more, command.output().unwrap()).ended(2);
        assert!(ran.stderr.contains("serve"), "{more:?} {}", ran.stderr);
    }
}

#[test]
fn status_looks_on_and_an_upload_beside_is_told_who_holds_the_ledger() {
    let (desk, server) = (desk_with(4), Server::start(Reply::receipt));
    let serve = start(&desk, &server, &[]);
    assert_eq!(serve.post(&records(0..4)).status, 202);
    wait_until("all are delivered", || server.taken().len() == 4);
    let ran = upload(&desk, &server, &[]).ended(4);
    assert!(ran.stderr.contains("ledger"), "{}", ran.stderr);
    let status = desk
        .run(&["status", "--ledger", "ledger.sqlite3", "--now", NOW])
        .ended(0);
    assert!(status.stdout.contains("Qualified"), "{}", status.stdout);
    let lead = lead_id(0).to_string();
    let about = [
        "status",
        "--ledger",
        "ledger.sqlite3",
        "--now",
        NOW,
        "--lead",
        &lead,
    ];
    assert!(
        desk.run(&about).stdout.contains("accepted"),
        "{}",
        desk.run(&about).stdout
    );
    assert_eq!(serve.end("-INT"), 0);
    // The same events in a file are known afterwards.
    let report = upload(&desk, &server, &[]).ended(0).json();
    assert_eq!(count(&report, "skipped_delivered"), 4);
    assert_eq!(server.taken(), once(0..4));
}

#[test]
fn what_is_in_flight_settles_when_it_is_told_to_stop() {
    for name in ["-TERM", "-INT", "-HUP"] {
        let (desk, server) = (
            desk(),
            Server::start(|seen| Reply::receipt(seen).after(700)),
        );
        let serve = start(&desk, &server, &[]);
        assert_eq!(serve.post(&records(0..8)).status, 202);
        wait_until("a request is under way", || server.requests() >= 2);
        assert_eq!(serve.end(name), 0, "{name}");
        assert_eq!(Books::read(&desk, 8).accepted.len(), 8, "{name}");
        assert_eq!(server.taken(), once(0..8), "{name}");
    }
}

#[test]
fn while_meta_is_down_events_wait_and_then_arrive_in_order() {
    let (desk, server) = (desk(), Server::start(|_| Reply::fault(503, 2, None)));
    let serve = start(&desk, &server, &[]);
    for number in 0..30 {
        assert_eq!(serve.post(&record(number)).status, 202);
    }
    wait_until("the delivery has given up", || {
        serve.metric("crm2capi_serve_delivery_status") == 4.0
    });
    // What came during a count is in it twice until the next.
    wait_until("what waits is counted", || {
        serve.metric("crm2capi_serve_queue_events") == 30.0
    });
    // Not even a new process loses any.
    assert_eq!(serve.end("-TERM"), 0);
    assert!(
        log_of(&desk).contains("what waits is tried again"),
        "{}",
        log_of(&desk)
    );
    let serve = start(&desk, &server, &[]);
    for number in 30..40 {
        assert_eq!(serve.post(&record(number)).status, 202);
    }
    server.play(Reply::receipt);
    wait_until("all are delivered", || server.taken().len() == 40);
    wait_until("nothing waits", || {
        serve.metric("crm2capi_serve_queue_events") == 0.0
    });
    assert_eq!(server.taken(), once(0..40));
    assert_in_order(&server);
}

#[test]
fn a_token_that_is_refused_costs_nothing_and_is_read_again() {
    let (desk, server) = (desk(), Server::start(|_| Reply::fault(400, 190, Some(463))));
    desk.file("token", TOKEN);
    let mut command = serve_command(&desk, &server, &["--access-token-file", "token"]);
    command.env_remove("CRM2CAPI_ACCESS_TOKEN");
    let serve = Serve::of(command, &desk);
    assert_eq!(serve.post(&records(0..4)).status, 202);
    wait_until("the token is refused", || {
        serve.metric("crm2capi_serve_delivery_status") == 3.0
    });
    assert_eq!(
        serve.get("/readyz").status,
        200,
        "what comes is safe for seven days"
    );
    desk.file("token", "EAABanother");
    server.play(|seen| match seen.head.contains("EAABanother") {
        true => Reply::receipt(seen),
        false => Reply::fault(400, 190, Some(463)),
    });
    wait_until("all are delivered", || server.taken() == once(0..4));
}

#[test]
fn events_that_rest_are_told_to_whoever_looks_and_go_when_they_are_asked_for_and_only_then() {
    let short = |seen: &Seen| match seen.events.contains(&3) {
        true => {
            let fewer = format!(r#"{{"events_received":{}}}"#, seen.events.len() - 1);
            Reply::answer(200, "", fewer).taking()
        }
        false => Reply::receipt(seen),
    };
    let (desk, server, receiver) = (desk(), Server::start(short), Receiver::start());
    let notify = format!("[notify]\nurl = \"{}/json\"\n", receiver.url);
    desk.file("crm2capi.toml", format!("{SETTINGS}{notify}"));
    let named = ["--config", "crm2capi.toml"];
    let serve = start(&desk, &server, &named);
    assert_eq!(serve.post(&records(2..4)).status, 202);
    wait_until("it is uncertain", || {
        serve.metric("crm2capi_serve_delivery_status") == 4.0
    });
    assert_eq!(serve.metric("crm2capi_serve_resting_events"), 0.0);
    assert_eq!(serve.end("-TERM"), 0);
    // Two more deliveries without a receipt, without the pauses between them.
    let ledger = rusqlite::Connection::open(desk.path().join("ledger.sqlite3")).unwrap();
    let worn = "UPDATE event SET attempts = attempts * 3 WHERE state = 0";
    assert_eq!(ledger.execute(worn, []).unwrap(), 2);
    drop(ledger);
    receiver.take();

    let serve = start(&desk, &server, &named);
    wait_until("they rest", || {
        serve.metric("crm2capi_serve_resting_events") == 2.0
    });
    let ready = serve.get("/readyz");
    assert_eq!(ready.status, 200);
    let says = "2 events without a receipt after several deliveries, and not sent again";
    assert!(ready.body.contains(says), "{}", ready.body);
    let before = server.requests();
    assert_eq!(serve.end("-TERM"), 0);
    assert_eq!(server.requests(), before);
    let log = log_of(&desk);
    let last = log.lines().last().unwrap();
    assert!(
        last.contains(says) && last.contains("--retry-uncertain"),
        "{log}"
    );

    // Asked for, they go once more; what rests again waits until it is asked for again.
    let serve = start(
        &desk,
        &server,
        &[&named[..], &["--retry-uncertain"]].concat(),
    );
    wait_until("they were sent", || server.requests() > before);
    wait_until("they rest again", || {
        serve.metric("crm2capi_serve_resting_events") == 2.0
    });
    assert_eq!(serve.end("-TERM"), 0);
    server.play(Reply::receipt);
    let serve = start(
        &desk,
        &server,
        &[&named[..], &["--retry-uncertain"]].concat(),
    );
    wait_until("nothing waits", || {
        serve.metric("crm2capi_serve_queue_events") == 0.0
    });
    assert_eq!(serve.metric("crm2capi_serve_resting_events"), 0.0);
}

#[test]
fn an_event_that_meta_refuses_leaves_the_queue_and_holds_up_no_other() {
    let server = Server::start(|seen| match seen.events.contains(&3) {
        true => Reply::fault(400, 100, Some(2_804_036)),
        false => Reply::receipt(seen),
    });
    let desk = desk();
    let serve = start(&desk, &server, &[]);
    assert_eq!(serve.post(&records(0..8)).status, 202);
    wait_until("seven are taken", || server.taken().len() == 7);
    wait_until("nothing waits", || {
        serve.metric("crm2capi_serve_queue_events") == 0.0
    });
    assert_eq!(
        serve.metric("crm2capi_serve_outcomes_total{outcome=\"rejected\"}"),
        1.0
    );
    // The same again is known, and is not sent again.
    let again = serve.post(&record(3));
    assert_eq!(counts(&again, ["queued", "known"]), [0, 1]);
    assert_eq!(Books::read(&desk, 8).refused, BTreeSet::from([3]));
}

#[test]
fn an_event_that_waited_until_it_was_too_old_is_dropped_aloud() {
    let (desk, server) = (desk(), Server::start(|_| Reply::fault(503, 2, None)));
    let serve = start(&desk, &server, &[]);
    assert_eq!(serve.post(&records(0..2)).status, 202);
    assert_eq!(serve.end("-TERM"), 0);
    server.play(Reply::receipt);
    // Eight days later.
    let notify = "[notify]\ncommand = [\"sh\", \"-c\", \"echo $CRM2CAPI_NOTICE >> notices\"]";
    desk.file("told.toml", format!("{SETTINGS}\n{notify}"));
    let late = ["--now", "2026-11-28T16:00:00Z", "--config", "told.toml"];
    let serve = start(&desk, &server, &late);
    wait_until("it is dropped", || {
        serve.metric("crm2capi_serve_outcomes_total{outcome=\"expired\"}") == 2.0
    });
    wait_until("nothing waits", || {
        serve.metric("crm2capi_serve_queue_events") == 0.0
    });
    let late = serve.post(&records(0..2));
    assert_eq!(counts(&late, ["queued", "skipped_old"]), [0, 2]);
    assert_eq!(serve.end("-TERM"), 0);
    let log = log_of(&desk);
    assert!(
        log.contains("could not be delivered within 7 days"),
        "{log}"
    );
    let told = std::fs::read_to_string(desk.path().join("notices")).unwrap_or_default();
    assert!(told.contains("event-expired (2)"), "{told}");
    assert_eq!(server.taken(), BTreeMap::new());
}

#[test]
fn a_full_disk_acknowledges_nothing() {
    let (desk, server) = (desk(), Server::start(Reply::receipt));
    let plain = serve_command(&desk, &server, &[]);
    let mut limited = Command::new("sh");
    limited
        .arg("-c")
        .arg("trap '' XFSZ; ulimit -f 700; exec \"$0\" \"$@\"")
        .arg(plain.get_program())
        .args(plain.get_args())
        .current_dir(desk.path())
        .env_clear()
        .stdin(Stdio::null());
    limited.envs(
        plain
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let serve = Serve::of(limited, &desk);
    let mut taken = 0;
    let full = loop {
        let answer = serve.post(&records(taken..taken + 20));
        if answer.status != 202 {
            break answer;
        }
        taken += 20;
        assert!(taken < 10_000, "the disk is never full");
    };
    assert_eq!(
        (full.status, full.header("retry-after")),
        (503, Some("5")),
        "{full:?}"
    );
    assert_eq!(serve.get("/readyz").status, 503);
    drop(serve);
    // On a larger disk all that was acknowledged is delivered, and nothing of what was not.
    let serve = start(&desk, &server, &[]);
    wait_until("all are delivered", || server.taken().len() as u32 == taken);
    wait_until("nothing waits", || {
        serve.metric("crm2capi_serve_queue_events") == 0.0
    });
    assert!(server.taken().keys().all(|number| *number < taken));
}

/// Moments at which the server is killed.
const KILLS: u64 = 50;

#[test]
fn whatever_was_acknowledged_before_a_kill_is_delivered() {
    let halves = [0, 1].map(|half| {
        std::thread::spawn(move || {
            (0..5)
                .filter(|seed| seed % 2 == half)
                .for_each(|seed| killed_again_and_again(seed, KILLS / 5));
        })
    });
    for half in halves {
        half.join().unwrap();
    }
}

/// Requests that are under way at a time, unless told otherwise.
const LANES: u64 = 4;

/// Four clients post one event after the other, while the server is killed and started again.
fn killed_again_and_again(seed: u64, kills: u64) {
    let mut random = Random(seed);
    let (desk, server) = (desk(), Server::start(|seen| Reply::receipt(seen).after(5)));
    let next = AtomicU32::new(0);
    let acknowledged = std::sync::Mutex::new(BTreeSet::new());
    let address = std::sync::Mutex::new(String::new());
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !is_over.load(Ordering::SeqCst) {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let url = address.lock().unwrap().clone();
                    match post(&url, &record(number)) {
                        Ok(answer) if answer.status == 202 => {
                            acknowledged.lock().unwrap().insert(number);
                        }
                        _ => std::thread::sleep(Duration::from_millis(5)),
                    }
                }
            });
        }
        for life in 0..kills {
            let serve = start(&desk, &server, &["--retry-uncertain"]);
            address.lock().unwrap().clone_from(&serve.url);
            std::thread::sleep(Duration::from_micros(random.below(400_000)));
            // A slow machine may get nowhere in that time. Every other life lasts until it has.
            let (start, enough) = (Instant::now(), 3 * (life as usize + 1));
            while life % 2 == 0 && acknowledged.lock().unwrap().len() < enough {
                if start.elapsed() > Duration::from_secs(60) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            // On Unix this is SIGKILL.
            drop(serve);
        }
        is_over.store(true, Ordering::SeqCst);
    });
    let acknowledged = acknowledged.into_inner().unwrap();
    let serve = start(&desk, &server, &["--retry-uncertain"]);
    wait_until("all that was acknowledged is delivered", || {
        let taken = server.taken();
        acknowledged.iter().all(|number| taken.contains_key(number))
    });
    wait_until("nothing waits", || {
        serve.metric("crm2capi_serve_queue_events") == 0.0
    });
    assert!(
        acknowledged.len() > 20,
        "seed {seed}: {}",
        acknowledged.len()
    );
    assert_eq!(serve.end("-TERM"), 0);
    let all = next.into_inner();
    let books = Books::read(&desk, all);
    assert!(acknowledged.is_subset(&books.accepted), "seed {seed}");
    // What was sent twice was under way at a kill: at most a request a lane each time.
    let seen = server.seen();
    let is_repeated = |at: usize| {
        let mut later = seen[at + 1..].iter().filter(|seen| seen.was_taken);
        seen[at].was_taken && later.any(|seen_later| shares_an_event(&seen[at], seen_later))
    };
    let repeated = (0..seen.len()).filter(|at| is_repeated(*at)).count();
    assert!(repeated as u64 <= kills * LANES, "seed {seed}: {repeated}");
}

fn shares_an_event(one: &Seen, other: &Seen) -> bool {
    one.events.iter().any(|event| other.events.contains(event))
}
