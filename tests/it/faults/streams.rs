//! Exports that come through pipes: they can be read only once, and may never end.

use std::fs::OpenOptions;
use std::io::Write;
use std::time::{Duration, Instant};

use super::*;

/// So many rows are held back and judged; a run that is to send before its input ends needs more.
const HELD_ROWS: u32 = 10_000;

fn fifo(desk: &Desk, name: &str) -> std::path::PathBuf {
    let path = desk.path().join(name);
    let made = Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    path
}

/// The command line of an upload of something else than `leads.csv`.
fn upload_of(desk: &Desk, server: &Server, input: &str) -> Command {
    let with_file = command(desk, server, &["--batch-size", "1000"]);
    let mut command = desk.command(&[]);
    command.args(with_file.get_args().map(|argument| {
        if argument == "leads.csv" {
            input.as_ref()
        } else {
            argument
        }
    }));
    command
        .env("CRM2CAPI_ACCESS_TOKEN", TOKEN)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let status = Command::new("kill").args([name, &id]).status().unwrap();
    assert!(status.success());
}

/// The run ended soon; one that hangs is killed and fails the test.
#[track_caller]
fn ends_within(desk: &Desk, mut child: Child, seconds: u64) -> Ran {
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > Duration::from_secs(seconds) {
            child.kill().unwrap();
            panic!("the run hangs: {:#?}", finish(desk, child));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    finish(desk, child)
}

#[test]
fn a_named_pipe_is_read_once_and_uploaded_whole() {
    let server = Server::start(Reply::receipt);
    let desk = desk_with(0);
    let pipe = fifo(&desk, "pipe");
    let child = upload_of(&desk, &server, "pipe").spawn().unwrap();
    std::fs::write(pipe, export(0..12_000)).unwrap();
    let report = ends_within(&desk, child, 30).ended(0).json();
    assert_eq!(count(&report, "accepted"), 12_000);
    assert_eq!(server.taken().len(), 12_000);
}

#[test]
fn a_process_substitution_and_dev_stdin_are_uploaded() {
    let server = Server::start(Reply::receipt);
    let desk = desk_with(30);
    let run = |script: &str, ledger: &str| {
        let arguments: Vec<String> = command(&desk, &server, &["--ledger", ledger])
            .get_args()
            .filter(|argument| *argument != "upload" && *argument != "leads.csv")
            .map(|argument| argument.to_str().unwrap().to_owned())
            .collect();
        let mut shell = Command::new("bash");
        shell
            .args(["-c", script, env!("CARGO_BIN_EXE_crm2capi")])
            .args(arguments)
            .current_dir(desk.path())
            .env("CRM2CAPI_ACCESS_TOKEN", TOKEN);
        Ran::of(&[script], shell.output().unwrap()).ended(0).json()
    };
    for (ledger, script) in [
        ("1.sqlite3", r#""$0" upload <(cat leads.csv) "$@""#),
        (
            "2.sqlite3",
            r#"cat leads.csv | "$0" upload /dev/stdin "$@""#,
        ),
        ("3.sqlite3", r#""$0" upload /dev/stdin "$@" < leads.csv"#),
    ] {
        assert_eq!(count(&run(script, ledger), "accepted"), 30, "{script}");
    }
}

#[test]
fn a_signal_ends_a_run_that_waits_for_a_pipe_nobody_writes_to() {
    let server = Server::start(Reply::receipt);
    let desk = desk_with(0);
    fifo(&desk, "pipe");
    let child = upload_of(&desk, &server, "pipe").spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, "-TERM");
    let ran = ends_within(&desk, child, 5).ended(130);
    assert_eq!(
        ran.stderr,
        "error: interrupted before anything was sent; run the same command again\n"
    );
}

/// Starts an upload of standard input or of a named pipe, with a producer that writes so many rows and then goes on to
/// hold it open.
fn start_open_ended(
    desk: &Desk,
    server: &Server,
    is_fifo: bool,
    rows: u32,
) -> (Child, Box<dyn Write>) {
    let pipe = fifo(desk, "pipe");
    let mut command = upload_of(desk, server, if is_fifo { "pipe" } else { "-" });
    if !is_fifo {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn().unwrap();
    let mut writer: Box<dyn Write> = match child.stdin.take() {
        Some(stdin) => Box::new(stdin),
        None => Box::new(OpenOptions::new().write(true).open(pipe).unwrap()),
    };
    // The run may end before it has read all of it.
    let _ = writer.write_all(export(0..rows).as_bytes());
    (child, writer)
}

#[test]
fn a_signal_ends_a_run_whose_stream_stays_open() {
    for is_fifo in [true, false] {
        let server = Server::start(Reply::receipt);
        let desk = desk_with(0);
        let (child, writer) = start_open_ended(&desk, &server, is_fifo, HELD_ROWS + 10_000);
        assert!(server.wait_for_requests(1));
        std::thread::sleep(Duration::from_millis(300));
        signal(&child, "-TERM");
        let ran = ends_within(&desk, child, 10).ended(130);
        let report = ran.json();
        assert_adds_up(&report);
        assert_eq!(count(&report, "accepted"), server.taken().len());
        assert_eq!(count(&report, "uncertain"), 0);
        drop(writer);
    }
}

#[test]
fn a_dead_token_is_reported_though_the_stream_stays_open() {
    let server = Server::start(|_| Reply::fault(401, 190, Some(463)));
    let desk = desk_with(0);
    let (child, writer) = start_open_ended(&desk, &server, false, HELD_ROWS + 10_000);
    let ran = ends_within(&desk, child, 20).ended(3);
    assert!(
        ran.stderr
            .contains("standard input was not read to its end"),
        "{ran:#?}"
    );
    assert_eq!(count(&ran.json(), "accepted"), 0);
    drop(writer);
}

/// A CRM that streams its changes sends those of this second: the clock is read as they come, and not when the run began.
#[test]
fn a_stage_that_is_reached_while_the_stream_flows_is_not_in_the_future() {
    let server = Server::start(Reply::receipt);
    let desk = desk_with(0);
    let mut args: Vec<_> = upload_of(&desk, &server, "-")
        .get_args()
        .map(|argument| argument.to_str().unwrap().to_owned())
        .collect();
    let now = args
        .iter()
        .position(|argument| argument == "--now")
        .unwrap();
    args.drain(now..now + 2);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut command = desk.command(&args);
    command
        .env("CRM2CAPI_ACCESS_TOKEN", TOKEN)
        .stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let row = |number: u32, seconds: i64| {
        let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
        let at = at.strftime("%Y-%m-%dT%H:%M:%SZ");
        format!(
            "{number},{},Lead,{at},lead{number}@example.org\n",
            lead_id(2 * number)
        )
    };
    let mut held = String::from("Id,Lead,Stage,When,Email\n");
    (0..HELD_ROWS + 500).for_each(|number| held.push_str(&row(number, -3_600)));
    stdin.write_all(held.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(2_500));
    // A second ago, after the run began; and half a minute ahead, as a CRM's clock may be.
    let (reached, ahead) = (HELD_ROWS + 500, HELD_ROWS + 501);
    stdin.write_all(row(reached, -1).as_bytes()).unwrap();
    stdin.write_all(row(ahead, 30).as_bytes()).unwrap();
    drop(stdin);
    let report = ends_within(&desk, child, 60).ended(0).json();
    assert_eq!(count(&report, "accepted") as u32, reached + 1, "{report:#}");
    assert!(server.taken().contains_key(&reached) && !server.taken().contains_key(&ahead));
    let codes = report["problems"].as_array().unwrap().iter();
    let codes: Vec<&str> = codes
        .map(|problem| problem["code"].as_str().unwrap())
        .collect();
    assert!(
        codes.contains(&"event-ahead") && !codes.contains(&"event-in-future"),
        "{codes:?}"
    );
}
