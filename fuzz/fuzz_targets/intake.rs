//! Any bytes as what is posted to `crm2capi serve`: no panic, every request gets an answer of the documented kinds, and an
//! answer to a body is JSON that accounts for every record.
//!
//! The first byte chooses what the rest is: a body behind one of several heads, or the whole request, head and all.

#![no_main]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Mutex;
use std::time::Duration;

use crm2capi::Intake;
use libfuzzer_sys::{Corpus, fuzz_target};

const TOKEN: &str = "0123456789abcdef";
/// Heads of a body, and what stands for its length.
const HEADS: [&str; 5] = [
    "POST /events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: LENGTH\r\n\r\n",
    "POST /events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: LENGTH\r\n\r\n",
    "POST /events?source=any HTTP/1.0\r\nContent-Type: application/x-ndjson\r\nContent-Length: LENGTH\r\n\r\n",
    "POST /events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST /events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: ",
];
const STATUSES: [u16; 12] = [200, 202, 400, 401, 403, 404, 405, 408, 413, 414, 422, 431];
/// What is kept grows, and is thrown away after so many requests.
const REQUESTS: u32 = 2_000;

/// An open server and one that asks for a token, and how many requests they have had.
static SERVERS: Mutex<Option<(Intake, Intake, u32)>> = Mutex::new(None);

fn start() -> (Intake, Intake, u32) {
    let now = "2026-11-21T16:00:00Z".parse().expect("a time");
    let server = |token| Intake::start(token, now).expect("a port and a folder can be had");
    (server(None), server(Some(TOKEN)), 0)
}

/// Sends a request and gives all that is answered. What may be without an end of its own is ended here; of a whole request the
/// server would take that for a client that went away.
fn ask(server: &Intake, request: &[u8], is_whole: bool) -> Vec<u8> {
    let mut stream = TcpStream::connect(server.address()).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time can be set");
    let mut answer = Vec::new();
    // A server that refuses a request may close before all of it is written; its answer is there to be read all the same.
    let _ = stream.write_all(request);
    if !is_whole {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let ended = stream.read_to_end(&mut answer);
    assert!(!ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock), "the server hangs");
    answer
}

/// Holds an answer against what is promised of it.
fn check(answer: &[u8]) {
    let (head, body) = answer
        .windows(4)
        .position(|end| end == b"\r\n\r\n")
        .map(|end| (&answer[..end], &answer[end + 4..]))
        .expect("an answer has a head");
    let head = std::str::from_utf8(head).expect("a head is text");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    assert!(STATUSES.contains(&status), "{head}");
    if [202, 422].contains(&status) {
        let receipt: serde_json::Value = serde_json::from_slice(body).expect("JSON");
        let count = |name: &str| receipt[name].as_u64();
        // A body of which nothing could be read has an error in the place of a receipt.
        if let Some(events) = count("events") {
            assert_eq!(Some(events), [count("queued"), count("known"), count("skipped_old")].into_iter().sum());
            assert_eq!(status == 422, count("records_invalid") > Some(0));
        }
    }
}

fuzz_target!(|data: &[u8]| -> Corpus {
    let [choice, rest @ ..] = data else { return Corpus::Reject };
    let mut servers = SERVERS.lock().expect("nobody panicked with it");
    let (open, closed, requests) = servers.get_or_insert_with(start);
    *requests += 1;
    match HEADS.get(usize::from(*choice) % 8) {
        Some(head) => {
            let head = head.replace("LENGTH", &rest.len().to_string());
            let is_whole = head.contains("Content-Length");
            let answer = ask(if head.ends_with(' ') { closed } else { open }, &[head.as_bytes(), rest].concat(), is_whole);
            if is_whole {
                check(&answer);
            }
        }
        // What is no HTTP may be left without an answer.
        None => drop((ask(open, rest, false), ask(closed, rest, false))),
    }
    if *requests > REQUESTS {
        *servers = None;
    }
    Corpus::Keep
});
