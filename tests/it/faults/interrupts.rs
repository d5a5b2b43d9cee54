//! Ctrl-C, SIGTERM and SIGHUP in the middle of an upload, and two uploads at once.

use std::time::{Duration, Instant};

use super::*;

const ARGS: [&str; 4] = ["--batch-size", "10", "--concurrency", "3"];

pub(super) fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn the_first_signal_sends_nothing_new_and_settles_what_is_in_flight() {
    std::thread::scope(|scope| {
        for name in ["-TERM", "-INT", "-HUP"] {
            scope.spawn(move || {
                let server = Server::start(|seen| match seen.number {
                    0 => Reply::receipt(seen),
                    _ => Reply::receipt(seen).after(700),
                });
                let desk = desk_with(200);
                let child = start(&desk, &server, &ARGS);
                assert!(server.wait_for_requests(4));
                signal(&child, name);
                let ran = finish(&desk, child).ended(130);
                let (report, books) = check_first(&desk, &server, 200, &ran);
                assert_eq!(
                    (count(&report, "accepted"), count(&report, "uncertain")),
                    (40, 0),
                    "{name}"
                );
                assert_eq!(server.requests(), 4, "{name}");
                check_next(&desk, &server, 200, &books, &ARGS);
            });
        }
    });
}

#[test]
fn the_second_signal_leaves_at_once_and_what_was_in_flight_is_uncertain() {
    let server = Server::start(|seen| match seen.number {
        0 => Reply::receipt(seen),
        _ => Reply::hang().taking(),
    });
    let desk = desk_with(200);
    let child = start(&desk, &server, &ARGS);
    assert!(server.wait_for_requests(4));
    let start = Instant::now();
    signal(&child, "-TERM");
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, "-TERM");
    let ran = finish(&desk, child).ended(130);
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "the timeout of a request is 30 s"
    );
    let (report, books) = check_first(&desk, &server, 200, &ran);
    assert_eq!(
        (count(&report, "accepted"), count(&report, "uncertain")),
        (10, 30)
    );
    check_next(&desk, &server, 200, &books, &ARGS);
}

#[test]
fn a_signal_ends_a_long_wait() {
    let server = Server::start(|_| Reply::answer(429, "Retry-After: 300\r\n", ""));
    let desk = desk_with(20);
    let child = start(&desk, &server, &ARGS);
    assert!(server.wait_for_requests(1));
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, "-TERM");
    let ran = finish(&desk, child).ended(130);
    let (report, _) = check_first(&desk, &server, 20, &ran);
    assert_eq!((count(&report, "undelivered"), server.requests()), (20, 1));
}

#[test]
fn a_signal_ends_a_run_that_waits_for_the_ledger_with_one_error() {
    let server = Server::start(|seen| Reply::receipt(seen).after(2_000));
    let desk = desk_with(4);
    let first = start(&desk, &server, &ARGS);
    assert!(server.wait_for_requests(1));
    let waiting = start(&desk, &server, &[&ARGS[..], &["--wait", "60"]].concat());
    std::thread::sleep(Duration::from_millis(400));
    signal(&waiting, "-TERM");
    let ran = finish(&desk, waiting).ended(130);
    let errors = ran
        .stderr
        .lines()
        .filter(|line| line.starts_with("error: "));
    assert_eq!(errors.count(), 1, "{}", ran.stderr);
    finish(&desk, first).ended(0);
}

#[test]
fn of_two_uploads_at_once_the_second_leaves_with_4_or_waits() {
    let server =
        Server::start(|seen| Reply::receipt(seen).after(if seen.number == 0 { 1_500 } else { 0 }));
    let desk = desk_with(40);
    let first = start(&desk, &server, &ARGS);
    assert!(server.wait_for_requests(1));
    let refused = upload(&desk, &server, &ARGS).ended(4);
    assert!(
        refused
            .stderr
            .contains(&format!("process {}, since 20", first.id())),
        "{}",
        refused.stderr
    );
    assert_eq!(server.requests(), 1, "it sent nothing");
    let waiting = start(&desk, &server, &[&ARGS[..], &["--wait", "60"]].concat());
    let report = finish(&desk, first).ended(0).json();
    assert_eq!(count(&report, "accepted"), 40);
    let report = finish(&desk, waiting).ended(0).json();
    assert_eq!(
        (
            count(&report, "skipped_delivered"),
            count(&report, "requests")
        ),
        (40, 0)
    );
    assert!(server.taken().values().all(|times| *times == 1));
}

#[cfg(target_os = "linux")]
#[test]
fn under_nohup_an_upload_outlives_its_terminal() {
    let server = Server::start(|seen| Reply::receipt(seen).after(300));
    let desk = desk_with(30);
    let plain = command(&desk, &server, &ARGS);
    let mut nohup = Command::new("nohup");
    nohup.arg(plain.get_program()).args(plain.get_args());
    nohup.current_dir(desk.path()).env_clear();
    nohup.envs(
        plain
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let path = std::env::var_os("PATH").unwrap();
    nohup.env("PATH", path).stdin(Stdio::null());
    let child = nohup
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert!(server.wait_for_requests(1));
    signal(&child, "-HUP");
    let report = finish(&desk, child).ended(0).json();
    assert_eq!(count(&report, "accepted"), 30);
}

#[test]
fn a_signal_ends_what_only_reads_with_one_line_and_130() {
    use std::io::Write as _;
    let server = Server::start(Reply::receipt);
    let desk = desk_with(4);
    let reading: [&[&str]; 4] = [
        &["upload", "-", "--dry-run"],
        &["validate", "-"],
        &["build", "-"],
        &["normalize", "em", "-"],
    ];
    for args in reading {
        for name in ["-INT", "-TERM"] {
            let mut child = desk
                .command(args)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut input = child.stdin.take().unwrap();
            input.write_all(b"Id,Lead\n").unwrap();
            std::thread::sleep(Duration::from_millis(700));
            signal(&child, name);
            let ran = Ran::of(args, child.wait_with_output().unwrap()).ended(130);
            let errors = ran.stderr.matches("error: interrupted").count();
            assert_eq!(errors, 1, "{args:?} {name}: {}", ran.stderr);
            drop(input);
        }
    }
    assert_eq!(server.requests(), 0);
}
