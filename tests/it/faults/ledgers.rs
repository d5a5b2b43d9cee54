//! Ledgers that cannot be used: nothing is sent before that is known, and files are left as they are.

use super::*;

/// The upload ends with 2, says what and where, and the server hears nothing.
#[track_caller]
fn refused(desk: &Desk, more: &[&str], says: &str) {
    let server = Server::start(Reply::receipt);
    let ran = upload(desk, &server, more).ended(2);
    assert_eq!(server.requests(), 0);
    assert!(
        ran.stderr.contains(says) && ran.stderr.contains("ledger"),
        "{}",
        ran.stderr
    );
}

/// A desk where one upload went through, and the bytes of its ledger.
fn used(events: u32) -> (Desk, Vec<u8>) {
    let (desk, server) = (desk_with(events), Server::start(Reply::receipt));
    upload(&desk, &server, &[]).ended(0);
    let bytes = std::fs::read(desk.path().join("ledger.sqlite3")).unwrap();
    (desk, bytes)
}

#[test]
fn a_folder_or_a_path_below_a_file_is_no_ledger() {
    let desk = desk_with(4);
    std::fs::create_dir(desk.path().join("folder")).unwrap();
    refused(&desk, &["--ledger", "folder"], "folder");
    refused(
        &desk,
        &["--ledger", "leads.csv/ledger.sqlite3"],
        "leads.csv",
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_was_full_from_the_start_is_no_place_for_a_ledger() {
    let desk = desk_with(4);
    std::os::unix::fs::symlink("/dev/full", desk.path().join("full")).unwrap();
    refused(&desk, &["--ledger", "full"], "full");
}

#[test]
fn the_ledger_of_a_newer_version_is_refused_untouched() {
    let (desk, _) = used(4);
    let path = desk.path().join("ledger.sqlite3");
    rusqlite::Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let before = std::fs::read(&path).unwrap();
    refused(&desk, &[], "newer");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert!(
        desk.run(&["status", "--ledger", "ledger.sqlite3"])
            .ended(2)
            .stderr
            .contains("newer")
    );
}

#[test]
fn a_file_that_is_no_ledger_is_refused_untouched() {
    let desk = desk_with(4);
    desk.file("notes.txt", "not a ledger at all");
    refused(&desk, &["--ledger", "notes.txt"], "is not a ledger");
    assert_eq!(
        std::fs::read(desk.path().join("notes.txt")).unwrap(),
        b"not a ledger at all"
    );
}

#[test]
fn a_damaged_ledger_is_refused_and_not_overwritten() {
    let (desk, mut bytes) = used(400);
    assert!(bytes.len() > 8 * 4096);
    // The first page says whose file it is; the rest is gone.
    bytes[4096..].fill(0x5a);
    desk.file("ledger.sqlite3", &bytes);
    refused(&desk, &[], "damaged");
    assert_eq!(
        std::fs::read(desk.path().join("ledger.sqlite3")).unwrap(),
        bytes
    );
}

/// Runs an upload that may not make any file larger than `blocks` of 512 bytes: to a program this is a full disk.
#[cfg(unix)]
fn on_a_small_disk(desk: &Desk, server: &Server, blocks: u32, more: &[&str]) -> Ran {
    let plain = command(desk, server, more);
    let mut limited = Command::new("sh");
    limited.arg("-c").arg(format!(
        "trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""
    ));
    limited
        .arg(plain.get_program())
        .args(plain.get_args())
        .current_dir(desk.path())
        .env_clear();
    limited.envs(
        plain
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    finished(
        desk,
        Ran::of(more, limited.stdin(Stdio::null()).output().unwrap()),
    )
}

#[cfg(unix)]
#[test]
fn a_disk_too_full_to_begin_ends_the_run_with_2_before_anything_is_sent() {
    let (desk, server) = (desk_with(4), Server::start(Reply::receipt));
    let ran = on_a_small_disk(&desk, &server, 8, &[]).ended(2);
    assert!(ran.stderr.contains("ledger.sqlite3"), "{}", ran.stderr);
    assert_eq!(server.requests(), 0);
}

#[cfg(unix)]
#[test]
fn a_disk_that_fills_up_during_the_run_ends_it_and_the_report_still_says_what_was_sent() {
    let events = 1_000;
    // Sometimes the end of the run can still be noted on such a disk, sometimes not.
    for kilobytes in [170, 180, 192, 220, 240, 260] {
        let (desk, server) = (desk_with(events), Server::start(Reply::receipt));
        let ran = on_a_small_disk(
            &desk,
            &server,
            kilobytes * 2,
            &["--batch-size", "50", "--concurrency", "2"],
        )
        .ended(4);
        let report = ran.json();
        assert_adds_up(&report);
        let (accepted, uncertain) = (count(&report, "accepted"), count(&report, "uncertain"));
        assert!(
            accepted > 0 && count(&report, "undelivered") > 0,
            "{report:#}"
        );
        assert!(accepted + uncertain >= server.taken().len());
        assert!(
            report["ended"]["reason"]
                .as_str()
                .unwrap()
                .contains("ledger.sqlite3")
        );
        let errors = ran
            .stderr
            .lines()
            .filter(|line| line.starts_with("error: "));
        assert_eq!(errors.count(), 1, "{}", ran.stderr);
        // An answer may have come that could not be noted any more: then the event is uncertain, and sent again.
        let books = Books::read(&desk, events);
        assert_eq!(
            (books.accepted.len(), books.sending.len()),
            (accepted, uncertain)
        );
        check_next(&desk, &server, events, &books, &[]);
    }
}
