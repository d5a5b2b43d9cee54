//! A plain HTTP client, so that tests see just what comes over the wire.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}\n{self:?}"))
    }

    /// What a header says, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

/// Posts a body, with further header lines.
///
/// # Errors
/// There is no server, or it went away before it had answered.
pub fn post(url: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Answer> {
    let length = body.len().to_string();
    let mut all = vec![("Content-Length", length.as_str())];
    all.extend(headers);
    ask(url, "POST", path, &all, body)
}

/// Makes one request on a connection of its own.
///
/// # Errors
/// As of [`post`].
pub fn ask(
    url: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Answer> {
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let mut bytes = request.into_bytes();
    bytes.extend_from_slice(body);
    // A server that has heard enough may answer before it has read all.
    let written = stream.write_all(&bytes);
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let cut_off = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return Err(written.err().unwrap_or_else(cut_off));
    };
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let answer = Answer {
        status: status.ok_or_else(cut_off)?,
        head: head.to_owned(),
        body: body.to_owned(),
    };
    let length = answer.header("content-length");
    match length.map(str::parse::<usize>) {
        Some(Ok(length)) if answer.body.len() == length => Ok(answer),
        _ => Err(cut_off()),
    }
}
