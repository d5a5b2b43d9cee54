//! A small HTTP server for tests, which plays whatever a test wants to see.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use super::retry::Backoff;
use super::{Client, Delivery, Interrupt, Outcome, Settings, deliver};
use crate::batch::Limits;
use crate::event::{Event, EventKey, Origin};
use crate::graph::client::Endpoint;
use crate::ledger::{NoLedger, SharedLedger};
use crate::time::Clock;

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Counted from 0.
    pub number: usize,
    /// Request line and headers.
    pub head: String,
    /// The numbers of the events in it.
    pub events: Vec<u64>,
    /// Whether it holds nothing but an empty event.
    pub is_probe: bool,
    /// Requests in flight when it had come in, itself included.
    pub in_flight: usize,
    /// When it had come in.
    pub at: Instant,
}

/// What the server does.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Answers with this status, these header lines and this body.
    Answer(u16, &'static str, String),
    /// Waits first.
    After(Duration, Box<Reply>),
    /// Sends these bytes and closes the connection.
    Bytes(&'static [u8]),
    /// Takes the events and closes the connection without saying so.
    Lost,
    /// Never answers.
    Hang,
}

impl Reply {
    /// Takes every event of a request; a probe is answered as Meta does.
    pub(crate) fn receipt(seen: &Seen) -> Reply {
        if seen.is_probe {
            return Reply::sound();
        }
        let count = seen.events.len();
        Reply::Answer(
            200,
            "",
            format!(
                r#"{{"events_received":{count},"messages":[],"fbtrace_id":"T{}"}}"#,
                seen.number
            ),
        )
    }

    /// What Meta answers to an event without anything in it.
    pub(crate) fn sound() -> Reply {
        let text = r#"{"error":{"code":100,"error_subcode":2804019,"error_user_msg":"$['data'][0]['event_name']"}}"#;
        Reply::Answer(400, "", text.into())
    }

    /// An error of the Graph API.
    pub(crate) fn fault(status: u16, code: i64, subcode: i64) -> Reply {
        let body = format!(
            r#"{{"error":{{"code":{code},"error_subcode":{subcode},"error_user_title":"Nein","fbtrace_id":"F"}}}}"#
        );
        Reply::Answer(status, "", body)
    }

    /// Takes a request unless it holds one of these events.
    pub(crate) fn unless_bad(seen: &Seen, bad: &BTreeSet<u64>) -> Reply {
        if seen.events.iter().any(|id| bad.contains(id)) {
            Reply::fault(400, 100, 2804036)
        } else {
            Reply::receipt(seen)
        }
    }
}

/// A running server.
pub(crate) struct Server {
    pub url: String,
    seen: Arc<Mutex<Vec<(Seen, bool)>>>,
}

impl Server {
    /// Starts a server on a free port that asks `play` what to do with each request.
    pub(crate) async fn start(play: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<(Seen, bool)>>> = Arc::default();
        let (log, play, in_flight) = (
            Arc::clone(&seen),
            Arc::new(play),
            Arc::new(AtomicUsize::new(0)),
        );
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (log, play, in_flight) =
                    (Arc::clone(&log), Arc::clone(&play), Arc::clone(&in_flight));
                tokio::spawn(async move { serve(stream, &log, &*play, &in_flight).await });
            }
        });
        Server { url, seen }
    }

    /// Every request so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen
            .lock()
            .unwrap()
            .iter()
            .map(|(seen, _)| seen.clone())
            .collect()
    }

    /// The events the server took, in order, as often as it took them.
    pub(crate) fn taken(&self) -> Vec<u64> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .filter(|(_, was_taken)| *was_taken)
            .flat_map(|(seen, _)| seen.events.clone())
            .collect()
    }

    pub(crate) fn client(&self) -> Client {
        self.client_with(Duration::from_secs(10))
    }

    pub(crate) fn client_with(&self, timeout: Duration) -> Client {
        Client::new(&Endpoint {
            graph_url: self.url.clone(),
            api_version: "v25.0".into(),
            dataset_id: "1".into(),
            token: "EAABtoken".into(),
            app_secret: None,
            timeout,
        })
        .unwrap()
    }
}

async fn serve(
    mut stream: TcpStream,
    log: &Mutex<Vec<(Seen, bool)>>,
    play: &(dyn Fn(&Seen) -> Reply + Sync),
    in_flight: &AtomicUsize,
) {
    while let Some((head, events, is_probe)) = request(&mut stream).await {
        let in_flight_now = in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        let (reply, number) = {
            let mut log = log.lock().unwrap();
            let seen = Seen {
                number: log.len(),
                head,
                events,
                is_probe,
                in_flight: in_flight_now,
                at: Instant::now(),
            };
            let reply = play(&seen);
            let number = seen.number;
            log.push((seen, false));
            (reply, number)
        };
        let reply = match reply {
            Reply::After(delay, reply) => {
                tokio::time::sleep(delay).await;
                *reply
            }
            reply => reply,
        };
        in_flight.fetch_sub(1, Ordering::SeqCst);
        match reply {
            Reply::Answer(status, headers, body) => {
                log.lock().unwrap()[number].1 = status == 200 && body.contains("events_received");
                let answer = format!(
                    "HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
            Reply::Bytes(bytes) => {
                let _ = stream.write_all(bytes).await;
                return;
            }
            Reply::Lost => {
                log.lock().unwrap()[number].1 = true;
                return;
            }
            Reply::Hang => std::future::pending().await,
            Reply::After(..) => unreachable!(),
        }
    }
}

/// Reads one request; nothing at the end of the connection.
async fn request(stream: &mut TcpStream) -> Option<(String, Vec<u64>, bool)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |n| n.parse().unwrap());
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body: Value = serde_json::from_slice(&bytes[end..]).unwrap();
    let events = body["data"].as_array().unwrap();
    Some((
        head,
        events
            .iter()
            .filter_map(|event| event["id"].as_u64())
            .collect(),
        events.len() == 1 && events[0].as_object().unwrap().is_empty(),
    ))
}

/// An event that the server knows by `id`.
pub(crate) fn event(id: u64, lead: u64) -> Event {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&id.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    Event {
        key: EventKey(key),
        name: if id.is_multiple_of(2) {
            "Lead".into()
        } else {
            "Qualified".into()
        },
        time: 1_700_000_000,
        lead,
        worth: None,
        origin: Origin {
            input: 0,
            row: id + 2,
        },
        json: Bytes::from(format!(r#"{{"id":{id},"lead":{lead}}}"#)),
        known_by: crate::event::KnownBy::default(),
    }
}

/// Events 0 to `count`, each of another lead.
pub(crate) fn events(count: u64) -> Vec<Event> {
    (0..count).map(|id| event(id, id)).collect()
}

/// Settings that do not keep a test waiting.
pub(crate) fn quick() -> Settings {
    Settings {
        limits: Limits::of(50),
        concurrency: 4,
        give_up_after: Duration::from_secs(20),
        backoff: Backoff {
            first: Duration::from_millis(2),
            max: Duration::from_millis(20),
        },
        linger: Duration::from_millis(50),
        hold: 1_000,
        clock: Clock::Fixed(1_700_000_060),
        ..Settings::default()
    }
}

/// A delivery and the outcome of every event, by its number.
pub(crate) struct Delivered {
    pub delivery: Delivery,
    pub outcomes: Vec<(u64, Outcome)>,
    pub counts: Counts,
}

/// How many events met each outcome.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub accepted: u64,
    pub rejected: u64,
    pub undelivered: u64,
    pub uncertain: u64,
    pub old: u64,
    pub duplicates: u64,
}

impl Counts {
    fn of(outcomes: &[(u64, Outcome)]) -> Counts {
        let mut counts = Counts::default();
        for (_, outcome) in outcomes {
            *match outcome {
                Outcome::Accepted => &mut counts.accepted,
                Outcome::Rejected(_) => &mut counts.rejected,
                Outcome::Undelivered => &mut counts.undelivered,
                Outcome::Uncertain | Outcome::Suspect(_) | Outcome::Unrecorded => {
                    &mut counts.uncertain
                }
                Outcome::Old => &mut counts.old,
                Outcome::Duplicate | Outcome::Elsewhere => &mut counts.duplicates,
            } += 1;
        }
        counts
    }
}

impl Delivered {
    /// The numbers of the events with this outcome, sorted.
    pub(crate) fn with(&self, wanted: impl Fn(&Outcome) -> bool) -> Vec<u64> {
        let mut ids: Vec<u64> = self
            .outcomes
            .iter()
            .filter(|(_, outcome)| wanted(outcome))
            .map(|(id, _)| *id)
            .collect();
        ids.sort_unstable();
        ids
    }

    pub(crate) fn accepted(&self) -> Vec<u64> {
        self.with(|outcome| *outcome == Outcome::Accepted)
    }

    pub(crate) fn uncertain(&self) -> Vec<u64> {
        self.with(|outcome| {
            matches!(
                outcome,
                Outcome::Uncertain | Outcome::Suspect(_) | Outcome::Unrecorded
            )
        })
    }

    pub(crate) fn rejected(&self) -> Vec<u64> {
        self.with(|outcome| matches!(outcome, Outcome::Rejected(_)))
    }
}

/// Delivers without a ledger and without anybody interrupting.
pub(crate) async fn run(server: &Server, events: Vec<Event>, settings: Settings) -> Delivered {
    run_with(
        server.client(),
        events,
        settings,
        SharedLedger::new(NoLedger),
        watch::channel(Interrupt::None).1,
    )
    .await
}

/// Delivers, and checks what must always hold: one outcome for every event, and counts that add up.
pub(crate) async fn run_with(
    client: Client,
    events: Vec<Event>,
    settings: Settings,
    ledger: SharedLedger,
    interrupt: watch::Receiver<Interrupt>,
) -> Delivered {
    let ids: Vec<u64> = events.iter().map(|event| event.origin.row - 2).collect();
    let (sender, receiver) = mpsc::channel(2);
    let feeding = tokio::spawn(async move {
        let mut fed = 0;
        for chunk in events.chunks(64) {
            if sender.send(chunk.to_vec()).await.is_err() {
                break;
            }
            fed += chunk.len();
        }
        fed
    });
    let mut outcomes = Vec::new();
    let mut note =
        |event: &Event, outcome: &Outcome| outcomes.push((event.origin.row - 2, outcome.clone()));
    let delivery = deliver(receiver, client, ledger, settings, interrupt, &mut note).await;
    let fed = feeding.await.unwrap();
    let mut told: Vec<u64> = outcomes.iter().map(|(id, _)| *id).collect();
    told.sort_unstable();
    let mut given = ids[..fed].to_vec();
    given.sort_unstable();
    assert_eq!(
        told, given,
        "every event that was taken in has exactly one outcome"
    );
    let counts = Counts::of(&outcomes);
    Delivered {
        delivery,
        outcomes,
        counts,
    }
}
