//! A bare HTTP server that is not the sandbox: it keeps the bytes of every request and answers what it is told to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// A request as it came over the wire.
#[derive(Clone, Debug)]
pub struct Request {
    /// Method, target and version.
    pub line: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn events(&self) -> Vec<Value> {
        self.json()["data"].as_array().unwrap().clone()
    }
}

/// Serves until the test process ends.
pub struct Listener {
    pub url: String,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Listener {
    /// A server that takes everything.
    pub fn accepting() -> Self {
        Self::answering(|request| {
            let count = request.events().len();
            (
                200,
                format!(
                    r#"{{"events_received":{count},"messages":[],"fbtrace_id":"ATraceOfTheListener"}}"#
                ),
            )
        })
    }

    /// A server that answers with a status and a JSON body.
    pub fn answering(answer: impl Fn(&Request) -> (u16, String) + Send + Sync + 'static) -> Self {
        Self::answering_with_headers(move |request| {
            let (status, body) = answer(request);
            (status, String::new(), body)
        })
    }

    /// The same with further headers, each ended by its line break.
    pub fn answering_with_headers(
        answer: impl Fn(&Request) -> (u16, String, String) + Send + Sync + 'static,
    ) -> Self {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", server.local_addr().unwrap());
        let (connections, requests) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(Mutex::new(Vec::new())),
        );
        let (counter, seen, answer) = (connections.clone(), requests.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in server.incoming().map_while(Result::ok) {
                counter.fetch_add(1, Ordering::SeqCst);
                let (seen, answer) = (seen.clone(), answer.clone());
                std::thread::spawn(move || serve(stream, &seen, &*answer));
            }
        });
        Self {
            url,
            connections,
            requests,
        }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// How often anybody connected, whether or not a request followed.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn serve(
    stream: TcpStream,
    seen: &Mutex<Vec<Request>>,
    answer: &dyn Fn(&Request) -> (u16, String, String),
) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        let (status, headers, body) = answer(&request);
        seen.lock().unwrap().push(request);
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{headers}\r\n",
            body.len()
        );
        if writer
            .write_all(format!("{head}{body}").as_bytes())
            .is_err()
        {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = || {
        let mut line = String::new();
        let length = reader.read_line(&mut line).unwrap_or(0);
        (length > 0).then(|| line.trim_end().to_owned())
    };
    let first = line()?;
    let mut headers = Vec::new();
    while let Some(header) = line().filter(|header| !header.is_empty()) {
        let (name, value) = header.split_once(':').unwrap();
        headers.push((name.trim().to_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request {
        line: first,
        headers,
        body: String::new(),
    };
    let length: u64 = request
        .header("content-length")
        .map_or(0, |length| length.parse().unwrap());
    reader
        .take(length)
        .read_to_string(&mut request.body)
        .unwrap();
    Some(request)
}
