//! A running `crm2capi serve`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::Desk;
use super::http::{self, Answer};

/// The token that posts.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A running server, killed with the test.
pub struct Serve {
    child: Child,
    pub url: String,
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Serve {
    /// Starts the server, and waits until it says where it is.
    #[track_caller]
    pub fn of(mut command: Command, desk: &Desk) -> Self {
        let log = std::fs::File::options()
            .append(true)
            .create(true)
            .open(desk.path().join("log"));
        command.stdout(Stdio::piped()).stderr(log.unwrap());
        let mut child = command.spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut url)
            .unwrap();
        assert!(!url.is_empty(), "{}", log_of(desk));
        Self {
            child,
            url: url.trim().to_owned(),
        }
    }

    #[track_caller]
    pub fn post(&self, body: &str) -> Answer {
        post(&self.url, body).unwrap()
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        http::ask(&self.url, "GET", path, &[], b"").unwrap()
    }

    /// A number of `/metrics`.
    #[track_caller]
    pub fn metric(&self, name: &str) -> f64 {
        let page = self.get("/metrics").body;
        let line = page
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {page}"))
            .parse()
            .unwrap()
    }

    /// Ends it with a signal, and gives its exit status.
    pub fn end(mut self, signal: &str) -> i32 {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(sent.success());
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

/// Posts a body with the token.
pub fn post(url: &str, body: &str) -> std::io::Result<Answer> {
    let token = format!("Bearer {SECRET}");
    let headers = [("Authorization", token.as_str())];
    http::post(url, "/events", &headers, body.as_bytes())
}

/// What servers wrote to standard error so far.
pub fn log_of(desk: &Desk) -> String {
    std::fs::read_to_string(desk.path().join("log")).unwrap_or_default()
}
