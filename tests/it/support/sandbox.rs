//! The stand-alone sandbox as a process.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use serde_json::Value;

use super::Desk;

/// A running `crm2capi sandbox`, stopped when dropped.
pub struct Sandbox {
    child: Child,
    pub url: String,
    log: PathBuf,
}

impl Sandbox {
    pub fn start(desk: &Desk, args: &[&str]) -> Self {
        Self::start_on(desk, "127.0.0.1:0", args)
    }

    pub fn start_on(desk: &Desk, listen: &str, args: &[&str]) -> Self {
        let mut all = vec!["sandbox", "--listen", listen];
        all.extend(args);
        let log = desk.path().join(".sandbox-log");
        let mut command = desk.command(&all);
        command.stderr(File::create(&log).unwrap());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut url)
            .unwrap();
        Self {
            child,
            url: url.trim().to_owned(),
            log,
        }
    }

    /// What it wrote to standard error so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// What it accepted.
    pub fn events(&self) -> Vec<Value> {
        let answer = get(&self.url, "/sandbox/events");
        answer
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The body of a GET, over plain HTTP/1.0 so that it ends with the connection.
pub fn get(base_url: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(base_url.trim_start_matches("http://")).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("HTTP/1.0 200") || head.starts_with("HTTP/1.1 200"),
        "{head}"
    );
    body.to_owned()
}
