//! The bounds of the server: slow clients, too many at a time, a full queue.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::*;
use crate::cli::ReadArgs;
use crate::config::{self, SettingsFile};
use crate::ledger::{SharedLedger, SqliteLedger};

/// A server on a runtime and a ledger of its own.
struct Desk {
    address: SocketAddr,
    endpoint: Arc<Endpoint>,
    runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
    _server: Server,
}

fn desk(bounds: impl FnOnce(&mut Settings)) -> Desk {
    let folder = tempfile::tempdir().unwrap();
    let ledger = SqliteLedger::open(&folder.path().join("ledger"), Duration::ZERO).unwrap();
    let outbox = Outbox::new(SharedLedger::new(ledger), "123");
    let args = ReadArgs {
        now: Some("2026-11-21T16:00:00Z".parse().unwrap()),
        ..ReadArgs::default()
    };
    let read = config::body_settings(&args, &SettingsFile::default()).unwrap();
    let reader = BodyReader::new(read, "123").unwrap();
    let mut settings = Settings {
        listen: ([127, 0, 0, 1], 0).into(),
        keys: Keys::default(),
        leadgen: None,
        max_queue: 1_000,
        max_connections: 16,
        head_timeout: Duration::from_secs(30),
        body_timeout: Duration::from_secs(30),
    };
    bounds(&mut settings);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime
        .block_on(Server::start(settings, reader, outbox))
        .unwrap();
    Desk {
        address: server.address(),
        endpoint: Arc::clone(&server.endpoint),
        runtime,
        _folder: folder,
        _server: server,
    }
}

impl Desk {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        let patience = Some(Duration::from_secs(20));
        stream.set_read_timeout(patience).unwrap();
        stream
    }

    /// Writes these bytes and reads until the server closes the connection.
    fn say(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        heard(&mut stream)
    }

    fn post(&self, number: u32) -> String {
        let body = format!(
            r#"{{"email":"lead{number}@example.com","stage":"Won","event_time":"2026-11-21T10:00:00Z"}}"#
        );
        let length = body.len();
        self.say(&format!(
            "POST /events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
    }
}

fn heard(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

#[track_caller]
fn assert_status(answer: &str, status: u16) {
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status} ")),
        "{answer}"
    );
}

#[test]
fn a_client_that_never_ends_its_head_is_cut_off() {
    let desk = desk(|settings| settings.head_timeout = Duration::from_millis(200));
    let start = Instant::now();
    let answer = desk.say("POST /events HTTP/1.1\r\nHost: localhost\r\nX-Slow:");
    assert!(!answer.contains("202"), "{answer}");
    assert!(start.elapsed() < Duration::from_secs(10));
    // Nor does one stay that says nothing at all, or nothing more.
    assert_eq!(desk.say(""), "");
    let answer = desk.say("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_status(&answer, 200);
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let desk = desk(|settings| settings.body_timeout = Duration::from_millis(200));
    let head = "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{";
    assert_status(&desk.say(head), 408);
    assert_status(&desk.post(1), 202);
}

#[test]
fn what_is_no_http_ends_its_own_connection_and_no_other() {
    let desk = desk(|settings| {
        settings.head_timeout = Duration::from_millis(300);
        settings.body_timeout = Duration::from_millis(300);
    });
    for nonsense in [
        "\r\n\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\r\n\r\n",
        "POST /events HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST /events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let answer = desk.say(nonsense);
        assert!(!answer.contains(" 202 "), "{answer}");
    }
    assert_status(&desk.post(1), 202);
}

#[test]
fn further_connections_wait_until_another_ends() {
    let desk = desk(|settings| {
        settings.max_connections = 2;
        settings.head_timeout = Duration::from_millis(400);
    });
    let (_one, _other) = (desk.connect(), desk.connect());
    let start = Instant::now();
    assert_status(&desk.post(1), 202);
    assert!(
        start.elapsed() >= Duration::from_millis(200),
        "it was its turn too early"
    );
}

#[test]
fn more_bytes_than_there_is_room_for_are_to_be_posted_later() {
    let desk = desk(|_| {});
    let all = 64 << 10;
    let taken = desk.endpoint.room.try_acquire_many(all).unwrap();
    let answer = desk.post(1);
    assert_status(&answer, 429);
    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
    drop(taken);
    assert_status(&desk.post(1), 202);
}

#[test]
fn a_full_queue_takes_nothing_more_and_says_so_to_whoever_balances_load() {
    let desk = desk(|settings| settings.max_queue = 2);
    assert_status(&desk.post(1), 202);
    assert_status(&desk.post(2), 202);
    let answer = desk.post(3);
    assert_status(&answer, 503);
    assert!(answer.contains("retry-after: 30\r\n"), "{answer}");
    let ready = desk.say("GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_status(&ready, 503);
    assert_eq!(desk.endpoint.outbox.queue().unwrap().events, 2);
}

#[test]
fn what_is_under_way_is_answered_when_the_server_stops() {
    let Desk {
        address,
        runtime,
        _folder,
        _server: server,
        ..
    } = desk(|_| {});
    let mut stream = TcpStream::connect(address).unwrap();
    let body = r#"{"email":"lead@example.com","stage":"Won","event_time":"2026-11-21T10:00:00Z"}"#;
    let head = format!(
        "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = std::thread::spawn(move || {
        runtime.block_on(server.serve_until(async {
            let _ = stopped.await;
        }));
    });
    stop.send(()).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    // Whoever comes now finds nobody.
    assert!(TcpStream::connect(address).is_err());
    stream.write_all(body.as_bytes()).unwrap();
    assert_status(&heard(&mut stream), 202);
    serving.join().unwrap();
}
