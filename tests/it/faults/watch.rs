//! A folder that is watched: every export in it is uploaded once and ends in `done/` or `failed/`, whatever happens.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::interrupts::signal;
use super::*;

/// A watch that ends with the test.
struct Watch {
    child: Child,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn desk() -> Desk {
    let desk = Desk::new();
    desk.file("crm2capi.toml", SETTINGS);
    desk.file("token", TOKEN);
    std::fs::create_dir(desk.path().join("drop")).unwrap();
    desk
}

fn command(desk: &Desk, server: &Server) -> Command {
    let mut args = vec!["watch", "drop", "--settle", "1", "--now", NOW];
    args.extend(["--dataset-id", DATASET, "--graph-url", &server.url]);
    args.extend(["--ledger", "ledger.sqlite3", "--give-up-after", "1"]);
    args.extend(["--access-token-file", "token"]);
    desk.command(&args)
}

fn watch(desk: &Desk, server: &Server) -> Watch {
    let mut command = command(desk, server);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    Watch {
        child: child.unwrap(),
    }
}

/// Lays a finished export into the folder, as careful programs do.
fn drop_in(desk: &Desk, name: &str, content: impl AsRef<[u8]>) {
    let beside = desk.file("beside", content);
    std::fs::rename(beside, desk.path().join("drop").join(name)).unwrap();
}

/// The names in a folder below the watched one, without the time they begin with.
fn names(desk: &Desk, folder: &str) -> BTreeSet<String> {
    let folder = desk.path().join("drop").join(folder);
    std::fs::read_dir(folder)
        .map(|entries| {
            let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            names
                .filter(|name| !name.starts_with('.'))
                .map(|name| {
                    name.split_once("Z-")
                        .map_or(name.clone(), |(_, name)| name.to_owned())
                })
                .collect()
        })
        .unwrap_or_default()
}

/// The file in a folder whose name ends so.
fn file_in(desk: &Desk, folder: &str, end: &str) -> PathBuf {
    let folder = desk.path().join("drop").join(folder);
    let mut paths = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    paths
        .find(|path| path.to_string_lossy().ends_with(end))
        .unwrap()
}

#[track_caller]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed().as_secs() < 60, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn has(desk: &Desk, folder: &str, name: &str) -> bool {
    names(desk, folder).contains(name)
}

#[test]
fn an_export_is_uploaded_once_and_lies_in_done_with_its_report_and_its_refused_rows() {
    let (desk, server) = (desk(), Server::start(Reply::receipt));
    let _watch = watch(&desk, &server);
    drop_in(&desk, "a.csv", export(0..6));
    wait_until("a is done", || has(&desk, "done", "a.csv"));
    let expected = ["a.csv", "a.csv.report.html", "a.csv.report.json"];
    assert_eq!(names(&desk, "done"), expected.map(String::from).into());
    // The next one overlaps, and has a row without a time.
    let mut next = export(4..8);
    next.push_str("9,1234567890000009,Lead,,x@example.org\n");
    drop_in(&desk, "a.csv", next);
    wait_until("the second is done", || {
        has(&desk, "done", "a.csv.rejects.csv")
    });
    wait_until("it has moved", || names(&desk, "processing").is_empty());
    assert_eq!(server.taken(), (0..8).map(|event| (event, 1)).collect());
    let rejects = std::fs::read_to_string(file_in(&desk, "done", "rejects.csv")).unwrap();
    assert!(
        rejects.contains("time-missing") && !rejects.contains("lead0@"),
        "{rejects}"
    );
    let reports = std::fs::read_dir(desk.path().join("drop/done"))
        .unwrap()
        .count();
    assert_eq!(reports, 7, "nothing of the first was written over");
}

#[test]
fn what_is_no_export_lies_in_failed_and_holds_up_no_other() {
    let (desk, server) = (desk(), Server::start(Reply::receipt));
    drop_in(&desk, "letter.pdf", "%PDF-1.7 and more");
    drop_in(&desk, "other.csv", "A,B\n1,2\n");
    drop_in(&desk, "good.csv", export(0..2));
    let _watch = watch(&desk, &server);
    wait_until("the good one is done", || has(&desk, "done", "good.csv"));
    wait_until("the others failed", || {
        has(&desk, "failed", "other.csv") && has(&desk, "failed", "letter.pdf")
    });
    let expected = [
        "letter.pdf",
        "letter.pdf.report.json",
        "other.csv",
        "other.csv.report.json",
    ];
    assert_eq!(names(&desk, "failed"), expected.map(String::from).into());
    let report =
        std::fs::read_to_string(file_in(&desk, "failed", "letter.pdf.report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["exit_status"], 2);
    assert!(
        report["error"].as_str().unwrap().contains("PDF"),
        "{report}"
    );
}

#[test]
fn a_file_is_taken_when_it_is_whole() {
    let (desk, server) = (desk(), Server::start(Reply::receipt));
    let _watch = watch(&desk, &server);
    let all = export(0..40);
    let path = desk.path().join("drop/slow.csv");
    let mut written = 0;
    // In pieces, with pauses shorter than a second, and cut within rows.
    while written < all.len() {
        written = (written + 700).min(all.len());
        std::fs::write(&path, &all[..written]).unwrap();
        assert!(names(&desk, "processing").is_empty() && server.requests() == 0);
        std::thread::sleep(Duration::from_millis(600));
    }
    desk.file("drop/other.csv.part", export(40..42));
    desk.file("drop/empty.csv", "");
    wait_until("it is done", || has(&desk, "done", "slow.csv"));
    assert_eq!(server.taken(), (0..40).map(|event| (event, 1)).collect());
    std::thread::sleep(Duration::from_millis(2_500));
    assert!(has(&desk, "", "other.csv.part") && has(&desk, "", "empty.csv"));
}

#[test]
fn what_a_slow_writer_adds_after_a_file_was_taken_is_uploaded_too() {
    let (desk, server) = (desk(), Server::start(Reply::receipt));
    let path = desk.file("drop/slow.csv", export(0..4));
    let mut writer = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    let _watch = watch(&desk, &server);
    wait_until("it is done", || has(&desk, "done", "slow.csv"));
    let all = export(0..9);
    std::io::Write::write_all(&mut writer, &all.as_bytes()[export(0..4).len()..]).unwrap();
    wait_until("the rest arrived", || server.taken().len() == 9);
    wait_until("it is done again", || has(&desk, "done", "slow.csv"));
    assert!(server.taken().values().all(|times| *times == 1));
}

#[test]
fn an_outage_and_a_dead_token_keep_the_file_until_they_are_over() {
    let (desk, server) = (
        desk(),
        Server::start(|_: &Seen| Reply::answer(503, "", "down")),
    );
    let _watch = watch(&desk, &server);
    drop_in(&desk, "a.csv", export(0..4));
    wait_until("it was tried twice", || server.requests() > 4);
    assert!(names(&desk, "done").is_empty() && has(&desk, "processing", "a.csv"));
    server.play(|seen| match seen.head.contains("Bearer EAAnew") {
        true => Reply::receipt(seen),
        false => Reply::fault(401, 190, Some(463)),
    });
    drop_in(&desk, "b.csv", export(4..8));
    let before = server.requests();
    wait_until("the old token was refused", || server.requests() > before);
    assert!(names(&desk, "done").is_empty());
    desk.file("token", "EAAnewTokenThatMustShowNowhere0123456789");
    wait_until("both are done", || {
        has(&desk, "done", "a.csv") && has(&desk, "done", "b.csv")
    });
    assert_eq!(server.taken(), (0..8).map(|event| (event, 1)).collect());
}

#[test]
fn a_watch_that_is_killed_at_any_moment_is_gone_on_with_by_the_next() {
    let (desk, server) = (
        desk(),
        Server::start(|seen: &Seen| Reply::receipt(seen).after(15)),
    );
    for number in 0..8 {
        drop_in(
            &desk,
            &format!("{number}.csv"),
            export(number * 20..number * 20 + 20),
        );
    }
    let mut random = Random(8);
    for _ in 0..12 {
        let mut killed = watch(&desk, &server);
        std::thread::sleep(Duration::from_millis(1_000 + random.below(900)));
        killed.child.kill().unwrap();
        killed.child.wait().unwrap();
        if names(&desk, "done").len() >= 24 {
            break;
        }
    }
    let _watch = watch(&desk, &server);
    let all: Vec<String> = (0..8).map(|number| format!("{number}.csv")).collect();
    wait_until("all are done", || {
        all.iter().all(|name| has(&desk, "done", name))
    });
    assert!(names(&desk, "failed").is_empty() && names(&desk, "processing").is_empty());
    let taken = server.taken();
    assert_eq!(taken.len(), 160, "every event arrived");
    // Only what was on its way at a kill may have arrived twice.
    assert!(taken.values().filter(|times| **times > 1).count() <= 12 * 20);
    let twice_settled = taken.values().any(|times| *times > 13);
    assert!(!twice_settled);
}

#[test]
fn a_signal_ends_it_and_a_second_watch_of_the_folder_does_not_begin() {
    let (desk, server) = (desk(), Server::start(Reply::receipt));
    let mut first = watch(&desk, &server);
    wait_until("it watches", || {
        desk.path().join("drop/processing/.lock").exists()
    });
    std::thread::sleep(Duration::from_millis(200));
    let second = Ran::of(&["watch"], command(&desk, &server).output().unwrap()).ended(4);
    assert!(
        second.stderr.contains("another watch has it"),
        "{}",
        second.stderr
    );
    signal(&first.child, "-TERM");
    assert_eq!(first.child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_would_be_written_over_or_lost_is_refused() {
    let desk = desk();
    for option in [
        ["--rejects", "r.csv"],
        ["--report", "r.json"],
        ["--format", "json"],
        ["--config", "other.toml"],
    ] {
        let mut args = vec!["watch", "drop", "--sandbox", "--config", "crm2capi.toml"];
        args.extend(option);
        let ran = desk.run(&args).ended(2);
        assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
    }
    desk.run(&["watch", "drop", "--dry-run"]).ended(2);
    desk.run(&["watch", "nowhere", "--sandbox"]).ended(2);
    desk.run(&["watch", "crm2capi.toml", "--sandbox"]).ended(2);
    desk.run(&["watch", "-", "--sandbox"]).ended(2);
    desk.run(&["watch", "drop"]).ended(2);
}
