//! Any bytes as the answer of the events endpoint: no panic, and every event ends in exactly one count.
//!
//! The first byte chooses the status, the rest is the body.

#![no_main]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Mutex, OnceLock};

use crm2capi::{Destination, Export};
use libfuzzer_sys::{Corpus, fuzz_target};

const STATUSES: [u16; 8] = [200, 200, 400, 400, 401, 403, 429, 500];
const EXPORT: &str = "email,stage,stage date\na@example.com,New,2026-11-20T10:00:00Z\nb@example.com,Won,2026-11-20T10:00:00Z\n";
const SETTINGS: &str = "[delivery]\ngive_up_after = 0\nconcurrency = 1\n[input]\nthreads = 1\n";

static ANSWER: Mutex<Vec<u8>> = Mutex::new(Vec::new());

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut block = [0; 4_096];
    loop {
        let read = stream.read(&mut block)?;
        request.extend_from_slice(&block[..read]);
        let text = String::from_utf8_lossy(&request).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
        if read == 0 || body.len() >= length.unwrap_or(0) {
            break;
        }
    }
    stream.write_all(&ANSWER.lock().expect("nobody panicked with it"))
}

/// Where the endpoint is; started once.
fn url() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it has one");
        std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(answer(stream))));
        format!("http://{address}")
    })
}

fuzz_target!(|data: &[u8]| -> Corpus {
    let [choice, body @ ..] = data else { return Corpus::Reject };
    let status = STATUSES[usize::from(*choice) % STATUSES.len()];
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    *ANSWER.lock().expect("nobody panicked with it") = [head.as_bytes(), body].concat();
    let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    std::fs::write(file.path(), EXPORT).expect("a temporary file can be written");
    let now = "2026-11-21T16:00:00Z".parse().expect("a time");
    let export = Export::new([file.path()]).settings(SETTINGS).expect("settings that hold").now(now);
    let destination = Destination {
        graph_url: Some(url().to_owned()),
        ledger: None,
        ..Destination::new("1", "EAABtoken")
    };
    if let Ok(summary) = export.upload(&destination, &mut ()) {
        assert_eq!(summary.counts.events, 2);
        assert!(summary.counts.accepted() <= 2);
    }
    Corpus::Keep
});
