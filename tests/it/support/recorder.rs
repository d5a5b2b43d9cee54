//! A server that takes every event and keeps it, and that can stop answering in the middle of a run.

#![expect(clippy::unwrap_used, reason = "what goes wrong here fails the test")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

/// How requests fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Meta asks to wait, and takes nothing.
    Throttle,
    /// The connection breaks off, and nothing was taken.
    Cut,
    /// The connection breaks off when all was taken.
    CutAfterTaking,
}

#[derive(Default)]
struct State {
    failure: Mutex<Option<Failure>>,
    /// Names of events that are refused.
    refused: Mutex<Vec<String>>,
    events: Mutex<Vec<Value>>,
    /// Requests that are still answered; none of the later ones.
    answers_left: AtomicUsize,
}

pub struct Recorder {
    url: String,
    state: Arc<State>,
    silent: Receiver<()>,
}

impl Recorder {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State::default());
        state.answers_left.store(usize::MAX, Ordering::SeqCst);
        let (sender, silent) = channel();
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (state, sender) = (shared.clone(), sender.clone());
                // Whoever was killed breaks off.
                std::thread::spawn(move || serve(stream.ok()?, &state, &sender));
            }
        });
        Self { url, state, silent }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The events that arrived since the last call, in the order of arrival.
    pub fn take(&self) -> Vec<Value> {
        std::mem::take(&mut *self.state.events.lock().unwrap())
    }

    /// Answers so many requests more, and then takes events without a word.
    pub fn fall_silent_after(&self, requests: usize) {
        while self.silent.try_recv().is_ok() {}
        self.state.answers_left.store(requests, Ordering::SeqCst);
    }

    /// Whether a request is left without an answer within this time.
    pub fn is_silent_within(&self, time: Duration) -> bool {
        self.silent.recv_timeout(time).is_ok()
    }

    /// Lets every request fail but those that only ask whether the server is there.
    pub fn fail(&self, failure: Failure) {
        *self.state.failure.lock().unwrap() = Some(failure);
    }

    /// Refuses requests with events of these names, as Meta does where a lead id is not its own, until it is told others.
    pub fn refuse(&self, names: &[&str]) {
        *self.state.refused.lock().unwrap() = names.iter().map(|name| (*name).to_owned()).collect();
    }

    pub fn answer_again(&self) {
        *self.state.failure.lock().unwrap() = None;
        self.state.answers_left.store(usize::MAX, Ordering::SeqCst);
    }
}

fn serve(stream: TcpStream, state: &State, silent: &Sender<()>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(number) = line.strip_prefix("content-length:") {
                length = number.trim().parse().ok()?;
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let body: Value = serde_json::from_slice(&body).ok()?;
        let events = body["data"].as_array()?.clone();
        if events == [serde_json::json!({})] {
            // A probe: Meta refuses the empty event.
            answer(
                &mut stream,
                "400 Bad Request",
                r#"{"error":{"message":"Invalid parameter","type":"OAuthException","code":100,"error_subcode":2804019}}"#,
            )?;
            continue;
        }
        let failure = *state.failure.lock().unwrap();
        match failure {
            Some(Failure::Throttle) => {
                answer(
                    &mut stream,
                    "429 Too Many Requests",
                    r#"{"error":{"message":"(#80004) There have been too many calls","type":"OAuthException","code":80004}}"#,
                )?;
                continue;
            }
            Some(Failure::Cut) => return None,
            None if has_refused(&events, &state.refused.lock().unwrap()) => {
                answer(
                    &mut stream,
                    "400 Bad Request",
                    r#"{"error":{"message":"Invalid parameter","type":"OAuthException","code":100,"error_subcode":2804036}}"#,
                )?;
                continue;
            }
            Some(Failure::CutAfterTaking) | None => {}
        }
        let count = events.len();
        state.events.lock().unwrap().extend(events);
        if failure.is_some() {
            return None;
        }
        let left = state.answers_left.load(Ordering::SeqCst);
        if left == 0 {
            silent.send(()).ok()?;
            std::thread::sleep(Duration::from_secs(30));
            return None;
        }
        if left != usize::MAX {
            state.answers_left.store(left - 1, Ordering::SeqCst);
        }
        let receipt = format!(r#"{{"events_received":{count},"messages":[],"fbtrace_id":"T"}}"#);
        answer(&mut stream, "200 OK", &receipt)?;
    }
}

fn has_refused(events: &[Value], refused: &[String]) -> bool {
    let mut names = events
        .iter()
        .filter_map(|event| event["event_name"].as_str());
    names.any(|name| refused.iter().any(|refused| refused == name))
}

fn answer(stream: &mut TcpStream, status: &str, body: &str) -> Option<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()
}
