//! The stand-alone sandbox, asked as any HTTP client would ask it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use serde_json::Value;

use crate::support::sandbox::{Sandbox, get};
use crate::support::{Desk, NOW};

/// Moments before [`NOW`].
const RECENT: i64 = 1_795_273_364;

/// Posts a body and gives status and answer.
fn post(sandbox: &Sandbox, path: &str, headers: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(sandbox.url.trim_start_matches("http://")).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.0\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (
        head.split(' ').nth(1).unwrap().parse().unwrap(),
        serde_json::from_str(body).unwrap(),
    )
}

fn event(time: i64) -> String {
    format!(
        r#"{{"action_source":"system_generated","custom_data":{{"event_source":"crm","lead_event_source":"Acme"}},"event_name":"Lead","event_time":{time},"user_data":{{"lead_id":1234567890123456}}}}"#
    )
}

const JSON: &str = "Content-Type: application/json\r\nAuthorization: Bearer T\r\n";
const PATH: &str = "/v25.0/123456789012345/events";

#[test]
fn it_prints_one_line_and_takes_what_meta_takes() {
    let desk = Desk::new();
    let sandbox = Sandbox::start(&desk, &["--now", NOW]);
    let port = sandbox.url.strip_prefix("http://127.0.0.1:").unwrap();
    assert!(port.parse::<u16>().unwrap() > 0);

    let (status, answer) = post(
        &sandbox,
        PATH,
        JSON,
        &format!(r#"{{"data":[{}]}}"#, event(RECENT)),
    );
    assert_eq!(status, 200);
    assert_eq!(
        (
            answer["events_received"].as_u64(),
            answer["messages"].as_array().map(Vec::len)
        ),
        (Some(1), Some(0))
    );
    assert!(answer["fbtrace_id"].as_str().unwrap().starts_with('A'));
    assert_eq!(
        get(&sandbox.url, "/sandbox/events"),
        format!("{}\n", event(RECENT))
    );
}

#[test]
fn it_answers_as_recorded_and_keeps_nothing_of_a_refused_batch() {
    let desk = Desk::new();
    let sandbox = Sandbox::start(&desk, &["--now", NOW, "--bad-lead-id", "1234567890123456"]);
    let refused = |headers: &str, body: &str| {
        let (status, answer) = post(&sandbox, PATH, headers, body);
        let error = &answer["error"];
        assert!(error["fbtrace_id"].is_string(), "{answer}");
        (
            status,
            error["code"].as_i64().unwrap(),
            error["error_subcode"].as_i64(),
            error["error_user_title"].clone(),
        )
    };
    let too_old = format!(r#"{{"data":[{}]}}"#, event(RECENT - 8 * 24 * 60 * 60));
    assert_eq!(
        refused(JSON, &too_old),
        (400, 100, Some(2804003), "Event Timestamp Too Old".into())
    );
    let bad_lead = format!(r#"{{"data":[{}]}}"#, event(RECENT));
    assert_eq!(
        refused(JSON, &bad_lead),
        (400, 100, Some(2804036), "Invalid Lead ID".into())
    );
    let (_, code, subcode, _) = refused("Content-Type: application/json\r\n", &bad_lead);
    assert_eq!((code, subcode), (104, None));
    let (_, code, subcode, _) = refused(JSON, r#"{"data":[{}]}"#);
    assert_eq!((code, subcode), (100, Some(2804019)));
    assert!(sandbox.events().is_empty());
}

#[test]
fn a_form_is_taken_as_the_sdks_send_it() {
    let desk = Desk::new();
    let sandbox = Sandbox::start(&desk, &["--now", NOW]);
    let event = event(RECENT).replace("1234567890123456", "\"1234567890123456\"");
    let data = serde_json::to_string(&[event]).unwrap();
    let encoded: String = data.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let headers = "Content-Type: application/x-www-form-urlencoded\r\n";
    let (status, answer) = post(
        &sandbox,
        &format!("{PATH}?access_token=T"),
        headers,
        &format!("data={encoded}"),
    );
    assert_eq!(
        (status, answer["events_received"].as_u64()),
        (200, Some(1)),
        "{answer}"
    );
    assert_eq!(sandbox.events().len(), 1);
}

#[test]
fn an_address_that_is_taken_is_an_error() {
    let desk = Desk::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = desk.run(&["sandbox", "--listen", &address]).ended(2);
    assert!(
        ran.stderr
            .starts_with(&format!("error: cannot listen on {address}")),
        "{}",
        ran.stderr
    );
    let cure = "stop the program that uses this port (another sandbox?), or take another one: --listen 127.0.0.1:0";
    assert!(ran.stderr.contains(cure), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}

#[test]
fn it_logs_a_line_per_request_without_the_token() {
    let desk = Desk::new();
    let sandbox = Sandbox::start(&desk, &["--now", NOW]);
    let path = format!("{PATH}?access_token=SECRET");
    let headers = "Content-Type: application/json\r\nAuthorization: Bearer SECRET\r\n";
    let good = format!(r#"{{"data":[{}]}}"#, event(RECENT));
    let old = format!(r#"{{"data":[{}]}}"#, event(RECENT - 8 * 24 * 60 * 60));
    post(&sandbox, &path, headers, &good);
    post(&sandbox, &path, headers, &old);
    get(&sandbox.url, "/sandbox/events");
    let log = sandbox.log();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(
        lines[0],
        "POST /v25.0/123456789012345/events 200 1 event accepted"
    );
    let refused = "POST /v25.0/123456789012345/events 400 100/2804003 Event Timestamp Too Old: ";
    assert!(lines[1].starts_with(refused), "{log}");
    assert!(lines[2].starts_with("GET /sandbox/events 200 "), "{log}");
    assert!(!log.contains("SECRET"), "{log}");
}

#[test]
fn a_closed_log_stops_nothing() {
    let desk = Desk::new();
    let mut child = desk
        .command(&["sandbox", "--listen", "127.0.0.1:0", "--now", NOW])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    let mut url = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut url).unwrap();
    for _ in 0..2 {
        let page = get(url.trim(), "/");
        assert!(page.contains("No events accepted yet"), "{page}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn beyond_loopback_it_warns_and_says_where_it_really_listens() {
    let desk = Desk::new();
    let sandbox = Sandbox::start_on(&desk, "0.0.0.0:0", &["--host", "sandbox"]);
    let address = sandbox.url.strip_prefix("http://").unwrap().to_owned();
    let port = address.strip_prefix("0.0.0.0:").unwrap();
    let here = format!("http://127.0.0.1:{port}");
    get(&here, "/sandbox/events");
    let warning = format!("warning: the sandbox listens on {address}, beyond this machine");
    assert!(sandbox.log().starts_with(&warning), "{}", sandbox.log());

    let status = |host: &str| {
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        write!(
            stream,
            "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let head = answer.split_once("\r\n\r\n").unwrap().0.to_lowercase();
        assert!(head.contains("\r\nx-crm2capi-sandbox: 1"), "{head}");
        head.split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!(status("sandbox:8023"), "200");
    assert_eq!(status("attacker.example"), "403");
}
