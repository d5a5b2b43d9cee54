//! `crm2capi ledger check` and `crm2capi ledger copy` between uploads: what was delivered by one ledger is known to the other.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::support::postgres::{Database, PASSWORD};

fn run(desk: &Desk, args: &[&str]) -> Ran {
    let ran = desk.run(args);
    for said in [&ran.stdout, &ran.stderr] {
        assert!(!said.contains(PASSWORD), "{ran:#?}");
    }
    ran
}

fn copy(desk: &Desk, from: &str, to: &str) -> Value {
    run(desk, &["ledger", "copy", from, to, "--format", "json"])
        .ended(0)
        .json()
}

#[test]
fn an_upload_knows_by_a_copy_what_was_delivered_by_the_ledger_it_was_copied_from() {
    let Some(database) = Database::new() else {
        return;
    };
    let (desk, server) = (desk_with(60), Server::start(Reply::receipt));
    desk.file("url", database.url() + "\n");
    upload(&desk, &server, &["--batch-size", "20"]).ended(0);
    let copied = copy(&desk, "ledger.sqlite3", "@url");
    assert_eq!(copied["events"]["new"], 60, "{copied:#}");
    assert_eq!(copied["runs"]["found"], 1);
    let again = copy(&desk, "ledger.sqlite3", "@url");
    assert_eq!(
        (&again["events"]["found"], &again["events"]["new"]),
        (&60.into(), &0.into())
    );
    // On to another file, from which the upload goes on.
    copy(&desk, "@url", "other.sqlite3");
    for ledger in ["other.sqlite3", "ledger.sqlite3"] {
        let report = upload(&desk, &server, &["--ledger", ledger])
            .ended(0)
            .json();
        assert_eq!(count(&report, "skipped_delivered"), 60);
    }
    let mut shared = upload_to(&desk, &server.url, &[]);
    shared.env("CRM2CAPI_LEDGER", database.url());
    let report = finished(&desk, Ran::of(&["…"], shared.output().unwrap()));
    assert_eq!(count(&report.ended(0).json(), "skipped_delivered"), 60);
    assert!(server.taken().values().all(|times| *times == 1));
    // It is the ledger that uploads use unless another is named.
    let mut to_the_used = desk.command(&["ledger", "copy", "ledger.sqlite3"]);
    to_the_used.env("CRM2CAPI_LEDGER", database.url());
    let ran = Ran::of(&["ledger", "copy"], to_the_used.output().unwrap()).ended(0);
    assert!(ran.stdout.contains("known there already"), "{}", ran.stdout);
    assert!(!ran.stdout.contains(PASSWORD));
}

#[test]
fn what_cannot_be_copied_is_said_and_no_password_stands_on_a_command_line() {
    let (desk, server) = (desk_with(2), Server::start(Reply::receipt));
    let ran = run(&desk, &["ledger", "copy", "nowhere.sqlite3", "new.sqlite3"]).ended(2);
    assert!(
        ran.stderr.contains("there is no ledger nowhere.sqlite3"),
        "{}",
        ran.stderr
    );
    assert!(!desk.path().join("new.sqlite3").exists());
    upload(&desk, &server, &[]).ended(0);
    run(
        &desk,
        &["ledger", "copy", "ledger.sqlite3", "./ledger.sqlite3"],
    )
    .ended(2);
    let address = "postgres://anna:s3cr3t@127.0.0.1:9/crm";
    let ran = run(&desk, &["ledger", "copy", "ledger.sqlite3", address]).ended(2);
    assert!(ran.stderr.contains("has a password"), "{}", ran.stderr);
    desk.file("url", address);
    let ran = run(&desk, &["ledger", "copy", "ledger.sqlite3", "@url"]).ended(4);
    assert!(ran.stderr.contains("cannot be reached"), "{}", ran.stderr);
    desk.file("words", "my notes");
    let ran = run(&desk, &["ledger", "copy", "ledger.sqlite3", "words"]).ended(2);
    assert!(ran.stderr.contains("not a ledger"), "{}", ran.stderr);
    let words = std::fs::read_to_string(desk.path().join("words"));
    assert_eq!(words.unwrap(), "my notes");
}

#[test]
fn a_run_keeps_a_ledger_from_being_copied_until_it_ends() {
    let desk = desk_with(40);
    let server = Server::start(|seen| Reply::receipt(seen).after(1_500));
    let uploading = start(&desk, &server, &[]);
    assert!(server.wait_for_requests(1));
    let args = ["ledger", "copy", "ledger.sqlite3", "new.sqlite3"];
    let ran = run(&desk, &args).ended(4);
    assert!(ran.stderr.contains("--wait SECONDS"), "{}", ran.stderr);
    let waited = [&args[..], &["--wait", "60", "--format", "json"]].concat();
    let copied = run(&desk, &waited).ended(0).json();
    assert_eq!(copied["events"]["new"], 40, "{copied:#}");
    finish(&desk, uploading).ended(0);
    let report = upload(&desk, &server, &["--ledger", "new.sqlite3"])
        .ended(0)
        .json();
    assert_eq!(count(&report, "skipped_delivered"), 40);
}

#[test]
fn a_ledger_that_is_sound_passes_and_what_is_wrong_with_one_is_said() {
    let (desk, server) = (desk_with(20), Server::start(Reply::receipt));
    let check = |more: &[&str]| run(&desk, &[&["ledger", "check"], more].concat());
    check(&["ledger.sqlite3"]).ended(2);
    upload(&desk, &server, &[]).ended(0);
    let json = check(&["ledger.sqlite3", "--format", "json"])
        .ended(0)
        .json();
    assert_eq!(json["counts"]["accepted"], 20, "{json:#}");
    assert_eq!(json["counts"]["runs"], 1);
    let page = check(&["ledger.sqlite3"]).ended(0).stdout;
    assert!(page.contains("ok  integrity"), "{page}");

    let path = desk.path().join("ledger.sqlite3");
    let with_mode = |mode| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    with_mode(0o644);
    let ran = check(&["ledger.sqlite3"]).ended(1);
    assert!(ran.stdout.contains("chmod 600"), "{}", ran.stdout);
    with_mode(0o600);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute("UPDATE event SET state = 7", [])
        .unwrap();
    drop(connection);
    let ran = check(&["ledger.sqlite3"]).ended(1);
    assert!(
        ran.stdout
            .contains("NO  integrity    20 events without a sound key or state"),
        "{}",
        ran.stdout
    );
    // Pages in the middle of the file are overwritten.
    upload(&desk, &server, &["--ledger", "torn.sqlite3"]).ended(0);
    let torn = desk.path().join("torn.sqlite3");
    let mut bytes = std::fs::read(&torn).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0x5a);
    std::fs::write(&torn, bytes).unwrap();
    let ran = check(&["torn.sqlite3"]).ended(1);
    assert!(ran.stdout.contains("NO  integrity"), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("restore it from a backup"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_ledger_on_a_server_is_checked_with_what_its_server_promises() {
    let Some(database) = Database::new() else {
        return;
    };
    let (desk, server) = (desk_with(6), Server::start(Reply::receipt));
    let check = || {
        let mut check = desk.command(&["ledger", "check", "--format", "json"]);
        check.env("CRM2CAPI_LEDGER", database.url());
        Ran::of(&["ledger", "check"], check.output().unwrap())
    };
    check().ended(2);
    let mut upload = upload_to(&desk, &server.url, &[]);
    upload.env("CRM2CAPI_LEDGER", database.url());
    finished(&desk, Ran::of(&["…"], upload.output().unwrap())).ended(0);
    let json = check().ended(1).json();
    assert_eq!(json["counts"]["accepted"], 6, "{json:#}");
    let wrong = |json: &Value| {
        let checks = json["checks"].as_array().unwrap().iter();
        let wrong = checks.filter(|check| check["ok"] == false);
        wrong
            .map(|check| check["what"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    // The server of the tests is in a hurry, and says so.
    assert_eq!(wrong(&json), ["durability"], "{json:#}");
    database
        .sql("GRANT USAGE ON SCHEMA crm2capi TO public; GRANT SELECT ON crm2capi.event TO public");
    database.sql("DELETE FROM crm2capi.name");
    let json = check().ended(1).json();
    assert_eq!(
        wrong(&json),
        ["permissions", "durability", "integrity"],
        "{json:#}"
    );
    let text = json.to_string();
    assert!(text.contains("6 events whose name is missing"), "{text}");
}
