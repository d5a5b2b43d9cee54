//! A server in the place of Meta's that plays faults, and keeps account of what it took.
//!
//! Plain threads and sockets, so that it can do what no server should: take events and not say so, break off in the
//! middle of an answer, or not even read the request. Its errors repeat the token, to show that nobody passes it on.

#![expect(clippy::unwrap_used, reason = "what goes wrong here fails the test")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Counted from 0, in the order of arrival.
    pub number: usize,
    /// Request line and headers.
    pub head: String,
    /// The `event_id`s in it, as numbers. None when the body was not read.
    pub events: Vec<u32>,
    /// Whether it holds nothing but an empty event, which asks whether the request as such is sound.
    pub is_probe: bool,
    /// Whether the events were taken, told or not.
    pub was_taken: bool,
    /// When all of it was there.
    pub at: Instant,
    /// When it was answered.
    pub answered: Option<Instant>,
}

/// What the server does with a request.
#[derive(Clone, Debug)]
pub struct Reply {
    takes: bool,
    after: Duration,
    says: Says,
}

#[derive(Clone, Debug)]
enum Says {
    Answer {
        status: u16,
        headers: String,
        body: String,
    },
    /// These bytes, and then the end of the connection.
    Bytes(&'static [u8]),
    Nothing,
}

impl Reply {
    /// Takes every event and says so. A probe is answered as Meta answers an empty event.
    pub fn receipt(seen: &Seen) -> Self {
        if seen.is_probe {
            return Self::sound();
        }
        let body = json!({"events_received": seen.events.len(), "messages": [], "fbtrace_id": format!("T{}", seen.number)});
        Self {
            takes: true,
            ..Self::answer(200, "", body.to_string())
        }
    }

    /// What Meta says to an empty event: the schema error, with the place of the event.
    pub fn sound() -> Self {
        let error = json!({"error": {
            "message": "Invalid parameter", "type": "OAuthException", "code": 100, "error_subcode": 2_804_019,
            "error_user_msg": "Missing key on param \"$['data'][0]['event_name']\".",
        }});
        Self::answer(400, "", error.to_string())
    }

    /// An error of the Graph API without a subcode and of a type of its own, as for a wrong proof.
    pub fn method_exception(status: u16) -> Self {
        let error = json!({"error": {
            "message": "API calls from the server require an appsecret_proof argument: TOKEN",
            "type": "GraphMethodException", "code": 100, "fbtrace_id": "A6UyEgg_HdoiRX9duxcBOjb",
        }});
        Self::answer(status, "", error.to_string())
    }

    /// The same with further header lines.
    pub fn with_headers(mut self, more: &str) -> Self {
        if let Says::Answer { headers, .. } = &mut self.says {
            headers.push_str(more);
        }
        self
    }

    /// An answer that takes nothing. Each header line ends with a line break.
    pub fn answer(status: u16, headers: &str, body: impl Into<String>) -> Self {
        let says = Says::Answer {
            status,
            headers: headers.to_owned(),
            body: body.into(),
        };
        Self {
            takes: false,
            after: Duration::ZERO,
            says,
        }
    }

    /// An error of the Graph API, in another language than English.
    pub fn fault(status: u16, code: i64, subcode: Option<i64>) -> Self {
        Self::fault_with(status, code, subcode, "")
    }

    /// An error of the Graph API with header lines.
    pub fn fault_with(status: u16, code: i64, subcode: Option<i64>, headers: &str) -> Self {
        let error = json!({"error": {
            "message": "Parametro non valido: TOKEN", "type": "OAuthException", "code": code, "error_subcode": subcode,
            "is_transient": false, "error_user_title": "ID contatto non valido", "error_user_msg": "Il valore non è valido.",
            "fbtrace_id": "A6UyEgg_HdoiRX9duxcBOjb",
        }});
        Self::answer(status, headers, error.to_string())
    }

    /// Bytes that are not all of an answer, and then the end of the connection.
    pub fn bytes(bytes: &'static [u8]) -> Self {
        Self {
            says: Says::Bytes(bytes),
            ..Self::answer(0, "", "")
        }
    }

    /// Never answers.
    pub fn hang() -> Self {
        Self {
            says: Says::Nothing,
            ..Self::answer(0, "", "")
        }
    }

    /// The same, but the events are taken.
    pub fn taking(self) -> Self {
        Self {
            takes: true,
            ..self
        }
    }

    /// The same, later.
    pub fn after(self, millis: u64) -> Self {
        Self {
            after: Duration::from_millis(millis),
            ..self
        }
    }
}

type Play = dyn Fn(&Seen) -> Reply + Send + Sync;

/// A running server; it goes on until the tests end.
pub struct Server {
    pub url: String,
    stage: Arc<Stage>,
}

struct Stage {
    play: Mutex<Arc<Play>>,
    /// Requests whose body is not even read.
    deaf_to: Vec<usize>,
    next: AtomicUsize,
    log: Mutex<Vec<Seen>>,
}

impl Server {
    /// Starts a server on a free port that asks `play` what to do with each request.
    pub fn start(play: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_deaf_to(&[], play)
    }

    /// Starts one that resets the connection of the requests with these numbers before it has read their bodies.
    pub fn start_deaf_to(
        numbers: &[usize],
        play: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stage = Arc::new(Stage {
            play: Mutex::new(Arc::new(play)),
            deaf_to: numbers.to_vec(),
            next: AtomicUsize::new(0),
            log: Mutex::default(),
        });
        let shared = Arc::clone(&stage);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let stage = Arc::clone(&shared);
                std::thread::spawn(move || while stage.serve(&stream).is_some() {});
            }
        });
        Self { url, stage }
    }

    /// From now on does something else.
    pub fn play(&self, play: impl Fn(&Seen) -> Reply + Send + Sync + 'static) {
        *self.stage.play.lock().unwrap() = Arc::new(play);
    }

    /// Every request so far, in the order of their numbers.
    pub fn seen(&self) -> Vec<Seen> {
        let mut seen = self.stage.log.lock().unwrap().clone();
        seen.sort_by_key(|seen| seen.number);
        seen
    }

    /// How many requests there were.
    pub fn requests(&self) -> usize {
        self.stage.log.lock().unwrap().len()
    }

    /// How often each event was taken.
    pub fn taken(&self) -> BTreeMap<u32, usize> {
        taken(&self.seen())
    }

    /// The events that were taken, in the order of their arrival.
    pub fn order(&self) -> Vec<u32> {
        let taken = self.seen().into_iter().filter(|seen| seen.was_taken);
        taken.flat_map(|seen| seen.events).collect()
    }

    /// Waits until so many requests have arrived; false when they do not.
    pub fn wait_for_requests(&self, count: usize) -> bool {
        let start = Instant::now();
        while self.requests() < count {
            if start.elapsed() > Duration::from_secs(20) {
                return false;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        true
    }
}

/// How often each event was taken by these requests.
pub fn taken(seen: &[Seen]) -> BTreeMap<u32, usize> {
    let mut taken = BTreeMap::new();
    for event in seen
        .iter()
        .filter(|seen| seen.was_taken)
        .flat_map(|seen| &seen.events)
    {
        *taken.entry(*event).or_default() += 1;
    }
    taken
}

impl Stage {
    /// Serves one request; nothing when the connection is over.
    fn serve(&self, mut stream: &TcpStream) -> Option<()> {
        let mut head = Vec::new();
        // A byte at a time, so that the body of a request that is not read stays in the socket: closing it then resets it.
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).ok()?;
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        let is_deaf = self.deaf_to.contains(&number);
        let (events, is_probe) = if is_deaf {
            (Vec::new(), false)
        } else {
            body(&head, stream)?
        };
        let mut seen = Seen {
            number,
            head,
            events,
            is_probe,
            was_taken: false,
            at: Instant::now(),
            answered: None,
        };
        let play = Arc::clone(&self.play.lock().unwrap());
        let reply = if is_deaf {
            Reply::bytes(b"")
        } else {
            play(&seen)
        };
        seen.was_taken = reply.takes;
        let token = seen
            .head
            .lines()
            .find_map(|line| line.strip_prefix("authorization: Bearer "))
            .unwrap_or("")
            .to_owned();
        self.log.lock().unwrap().push(seen);
        std::thread::sleep(reply.after);
        match reply.says {
            Says::Answer {
                status,
                headers,
                body,
            } => {
                let body = body.replace("TOKEN", &token);
                let answer = format!(
                    "HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                stream.write_all(answer.as_bytes()).ok()?;
                let mut log = self.log.lock().unwrap();
                log.iter_mut().find(|seen| seen.number == number)?.answered = Some(Instant::now());
                Some(())
            }
            Says::Bytes(bytes) => {
                stream.write_all(bytes).ok()?;
                None
            }
            Says::Nothing => {
                // Until the client hangs up.
                let _ = stream.read(&mut [0]);
                None
            }
        }
    }
}

/// Reads the body, and gives the numbers of the events in it, and whether it is a probe.
fn body(head: &str, mut stream: &TcpStream) -> Option<(Vec<u32>, bool)> {
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    if body.is_empty() {
        return Some((Vec::new(), false));
    }
    let body: Value = serde_json::from_slice(&body).unwrap();
    let events = body["data"].as_array().unwrap();
    let numbers = events
        .iter()
        .filter_map(|event| event["event_id"].as_str()?.parse().ok());
    Some((numbers.collect(), body["data"] == json!([{}])))
}
