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

/// A run on a disk that filled up: all that was accepted is recorded, nothing else is said, and the next run sends the rest.
#[cfg(unix)]
#[track_caller]
fn check_full(desk: &Desk, server: &Server, events: u32, ran: &Ran) {
    let report = ran.json();
    assert_adds_up(&report);
    let (accepted, undelivered) = (count(&report, "accepted"), count(&report, "undelivered"));
    assert!(accepted > 0 && undelivered > 0, "{report:#}");
    assert_eq!(
        (accepted, count(&report, "uncertain")),
        (server.taken().len(), 0),
        "{report:#}"
    );
    let reason = report["ended"]["reason"].as_str().unwrap();
    assert!(reason.contains("ledger.sqlite3"), "{reason}");
    let lines = ran.stderr.lines();
    let errors = lines.filter(|line| line.starts_with("error: "));
    assert_eq!(errors.count(), 1, "{}", ran.stderr);
    let books = Books::read(desk, events);
    assert_eq!((books.accepted.len(), books.sending.len()), (accepted, 0));
    check_next(desk, server, events, &books, &[]);
}

#[cfg(unix)]
const SMALL_BATCHES: [&str; 4] = ["--batch-size", "50", "--concurrency", "2"];

#[cfg(unix)]
#[test]
fn what_was_accepted_is_recorded_on_a_disk_that_fills_up_during_the_run() {
    for kilobytes in [960, 1_000, 1_050, 1_200] {
        let (desk, server) = (desk_with(3_000), Server::start(Reply::receipt));
        let ran = on_a_small_disk(&desk, &server, kilobytes * 2, &SMALL_BATCHES).ended(4);
        check_full(&desk, &server, 3_000, &ran);
    }
}

/// Runs an upload whose ledger lies on a disk of its own of so many kilobytes; afterwards that is on the desk. Nothing where
/// this system lets nobody mount one.
#[cfg(target_os = "linux")]
fn on_a_disk_of_its_own(desk: &Desk, server: &Server, kilobytes: u32) -> Option<Ran> {
    std::fs::create_dir(desk.path().join("disk")).unwrap();
    let mount = format!("mount -t tmpfs -o size={kilobytes}k none disk");
    let may = ["-Urm", "sh", "-c", &mount];
    let may = Command::new("unshare")
        .args(may)
        .current_dir(desk.path())
        .output();
    if !may.is_ok_and(|may| may.status.success()) {
        return None;
    }
    let more = [&SMALL_BATCHES[..], &["--ledger", "disk/ledger.sqlite3"]].concat();
    let plain = command(desk, server, &more);
    let script = format!(
        r#"{mount} && "$0" "$@"; code=$?; ls disk >&2; cp disk/ledger.sqlite3* .; exit $code"#
    );
    let mut mounted = Command::new("unshare");
    mounted.args(["-Urm", "sh", "-c", &script]);
    mounted.arg(plain.get_program()).args(plain.get_args());
    mounted.current_dir(desk.path()).env_clear();
    let env = plain.get_envs();
    mounted.envs(env.filter_map(|(name, value)| Some((name, value?))));
    mounted.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let output = mounted.stdin(Stdio::null()).output().unwrap();
    Some(finished(desk, Ran::of(&more, output)))
}

#[cfg(target_os = "linux")]
#[test]
fn what_was_accepted_is_recorded_on_a_file_system_that_is_full() {
    for kilobytes in [1_400, 1_700, 2_000, 2_400] {
        let (desk, server) = (desk_with(3_000), Server::start(Reply::receipt));
        let Some(ran) = on_a_disk_of_its_own(&desk, &server, kilobytes) else {
            return eprintln!("no file system can be mounted here");
        };
        let ran = ran.ended(4);
        assert!(ran.stderr.contains("full"), "{}", ran.stderr);
        assert!(!ran.stderr.contains(".reserve"), "it goes with the run");
        check_full(&desk, &server, 3_000, &ran);
    }
}

/// The way back of what cannot be recorded even so.
#[cfg(unix)]
#[test]
fn what_meta_accepted_and_nobody_could_record_is_said_to_be_just_that() {
    let server = Server::start(|seen| Reply::receipt(seen).after(300));
    let desk = desk_with(8);
    let child = start(&desk, &server, &[]);
    assert!(server.wait_for_requests(1));
    std::fs::remove_file(desk.path().join("ledger.sqlite3")).unwrap();
    let ran = finish(&desk, child).ended(4);
    let report = ran.json();
    assert_adds_up(&report);
    assert_eq!(
        (
            count(&report, "accepted"),
            count(&report, "uncertain"),
            problems(&report, "accepted-unrecorded")
        ),
        (0, 8, 8)
    );
    let said =
        "8 accepted by Meta but not recorded in the ledger, so that the next run sends them again";
    assert!(
        ran.stderr.contains(said) && !ran.stderr.contains("without a receipt"),
        "{}",
        ran.stderr
    );
}
