//! Runs the binary in a folder of its own, cut off from the home folder and the environment of whoever runs the tests.

pub mod faulty;
pub mod graph;
#[cfg(unix)]
pub mod http;
pub mod leads;
pub mod listener;
#[cfg(unix)]
pub mod postgres;
pub mod receiver;
pub mod recorder;
pub mod sandbox;
#[cfg(unix)]
pub mod serve;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// The clock of the tests: a moment after the last stage in the example exports.
pub const NOW: &str = "2026-11-21T16:00:00Z";

/// A folder to run in.
pub struct Desk {
    folder: TempDir,
}

/// What a run left behind.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
    command: String,
}

impl Desk {
    pub fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crm2capi"));
        command
            .args(args)
            .current_dir(self.path())
            .env_clear()
            .stdin(Stdio::null());
        command
            .env("HOME", self.path())
            .env("XDG_STATE_HOME", self.path().join("state"))
            .env("NO_COLOR", "1");
        // Windows finds neither sockets nor random numbers without it.
        command.envs(std::env::var_os("SYSTEMROOT").map(|root| ("SYSTEMROOT", root)));
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(args, self.command(args).output().unwrap())
    }

    pub fn run_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Ran {
        Ran::of(
            args,
            self.command(args)
                .envs(variables.iter().copied())
                .output()
                .unwrap(),
        )
    }

    pub fn run_on(&self, args: &[&str], input: &[u8]) -> Ran {
        self.run_on_with(args, input, &[])
    }

    pub fn run_on_with(&self, args: &[&str], input: &[u8], variables: &[(&str, &str)]) -> Ran {
        let mut child = self.command(args);
        child.envs(variables.iter().copied());
        child
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        // The program may stop reading early.
        let _ = writer.join().unwrap();
        Ran::of(args, output)
    }
}

impl Ran {
    pub fn of(args: &[&str], output: Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            command: args.join(" "),
        }
    }

    /// The run, if it ended with this status; else a failure that shows all of it.
    #[track_caller]
    pub fn ended(self, status: i32) -> Self {
        assert_eq!(
            self.status, status,
            "crm2capi {}\n--- stdout\n{}\n--- stderr\n{}",
            self.command, self.stdout, self.stderr
        );
        self
    }

    /// Standard output as one JSON object.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{self:#?}"))
    }

    /// Standard output as JSON lines.
    #[track_caller]
    pub fn ndjson(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// A file of the repository.
pub fn repository(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(path)
        .to_str()
        .unwrap()
        .to_owned()
}

/// Asserts that the counts of a report add up as documented.
#[track_caller]
pub fn assert_adds_up(report: &Value) {
    let count = |key: &str| {
        report[key]
            .as_u64()
            .unwrap_or_else(|| panic!("no {key} in {report:#}"))
    };
    let rest = match report.get("would_send").and_then(Value::as_u64) {
        Some(would_send) => would_send,
        None => count("accepted") + count("rejected") + count("undelivered") + count("uncertain"),
    };
    let elsewhere = report["in_flight_elsewhere"].as_u64().unwrap_or_default();
    assert_eq!(
        count("events"),
        count("skipped_old") + count("skipped_delivered") + elsewhere + rest,
        "{report:#}"
    );
}

/// The problems of a report, as (code, rows of the examples), errors and warnings only.
pub fn complaints(report: &Value) -> Vec<(String, Vec<u64>)> {
    let problems = report["problems"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|problem| problem["severity"] != "info");
    problems
        .map(|problem| (text(&problem["code"]), rows_of(problem)))
        .collect()
}

/// The problem of this code.
#[track_caller]
pub fn problem<'a>(report: &'a Value, code: &str) -> &'a Value {
    let found = report["problems"]
        .as_array()
        .unwrap()
        .iter()
        .find(|problem| problem["code"] == code);
    found.unwrap_or_else(|| panic!("no {code} in {report:#}"))
}

/// The rows a problem names.
pub fn rows_of(problem: &Value) -> Vec<u64> {
    problem["examples"]
        .as_array()
        .unwrap()
        .iter()
        .map(|example| example["row"].as_u64().unwrap())
        .collect()
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// SHA-256 in lowercase hex.
pub fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

/// The peak memory of a child process in KiB, watched until it ends.
#[cfg(target_os = "linux")]
pub fn watch_peak_kib(process: u32) -> u64 {
    watch_peak_kib_of(process, "VmHWM:")
}

/// The same of a part of it, as the system names that.
#[cfg(target_os = "linux")]
pub fn watch_peak_kib_of(process: u32, part: &str) -> u64 {
    let high_water_mark = || {
        let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let line = text.lines().find(|line| line.starts_with(part))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    // It has no memory any more once it has ended.
    let mut peak = 0;
    while let Some(now) = high_water_mark() {
        peak = u64::max(peak, now);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    peak
}
