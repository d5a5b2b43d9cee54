//! Exports that are overwritten, cut, replaced or taken away while they are uploaded.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use super::*;

/// More than the program reads ahead: 8 MB of rows.
const EVENTS: u32 = 80_000;

/// Rows of one length, whatever their numbers are, so that a later export lies over this one row by row.
fn rows(first: u32) -> String {
    let mut export = String::from("Id,Lead,Stage,When,Email,Note\n");
    for number in first..first + EVENTS {
        writeln!(
            export,
            "{number:06},{lead_id},Lead,2026-11-20T10:00:00Z,lead{number:06}@example.org,{note:050}",
            lead_id = 1_234_567_890_000_000 + u64::from(number),
            note = 0,
        )
        .unwrap();
    }
    export
}

/// Uploads a large export to a server that is slow, and does something to the file after the first request.
fn upload_while(change: impl FnOnce(&Path)) -> (Desk, Server, Ran) {
    let server = Server::start(|seen| Reply::receipt(seen).after(5));
    let desk = Desk::new();
    desk.file("crm2capi.toml", SETTINGS);
    let path = desk.file("leads.csv", rows(0));
    let child = start(&desk, &server, &["--batch-size", "100"]);
    assert!(server.wait_for_requests(3));
    change(&path);
    let ran = finish(&desk, child);
    (desk, server, ran)
}

/// The run ended because of the change; what it sent stands in the export as it was, once, and is settled.
#[track_caller]
fn check_changed(server: &Server, ran: Ran) {
    let ran = ran.ended(4);
    let report = ran.json();
    assert_adds_up(&report);
    let reason = report["ended"]["reason"].as_str().unwrap();
    assert!(
        reason.contains("leads.csv changed while it was being read"),
        "{reason}"
    );
    let taken = server.taken();
    assert_eq!(count(&report, "accepted"), taken.len(), "{report:#}");
    assert_eq!(count(&report, "undelivered"), 0);
    assert!(count(&report, "events") < EVENTS as usize);
    assert_eq!(count(&report, "rows_invalid"), 0, "no row was spliced");
    assert!(taken.iter().all(|(id, times)| *id < EVENTS && *times == 1));
}

#[test]
fn an_export_that_is_overwritten_in_mid_upload_ends_the_run_and_no_row_is_spliced() {
    let (_desk, server, ran) = upload_while(|path| {
        let mut file = OpenOptions::new().write(true).open(path).unwrap();
        file.write_all(rows(100_000).as_bytes()).unwrap();
    });
    check_changed(&server, ran);
}

#[test]
fn an_export_that_is_overwritten_with_its_old_time_restored_is_noticed_too() {
    let (_desk, server, ran) = upload_while(|path| {
        let mut file = OpenOptions::new().write(true).open(path).unwrap();
        let modified = file.metadata().unwrap().modified().unwrap();
        let rows = rows(100_000);
        let half = rows.len() / 2;
        file.seek(SeekFrom::Start(half as u64)).unwrap();
        file.write_all(&rows.as_bytes()[half..]).unwrap();
        file.set_modified(modified).unwrap();
    });
    check_changed(&server, ran);
}

#[test]
fn an_export_that_is_cut_in_mid_upload_ends_the_run() {
    let (_desk, server, ran) = upload_while(|path| {
        let file = OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(rows(0).len() as u64 / 2).unwrap();
    });
    check_changed(&server, ran);
}

#[test]
fn an_export_that_is_appended_to_in_mid_upload_ends_the_run() {
    let (_desk, server, ran) = upload_while(|path| {
        let mut file = OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(b"later,1234567890999999,Lead,2026-11-20T10:00:00Z,x@example.org,\n")
            .unwrap();
    });
    check_changed(&server, ran);
}

#[test]
fn an_export_that_another_takes_the_place_of_is_uploaded_as_it_was() {
    for replace in [true, false] {
        let (_desk, server, ran) = upload_while(|path| {
            if replace {
                let other = path.with_extension("new");
                fs::write(&other, rows(100_000)).unwrap();
                fs::rename(other, path).unwrap();
            } else if cfg!(unix) {
                fs::remove_file(path).unwrap();
            }
        });
        let report = ran.ended(0).json();
        assert_eq!(count(&report, "accepted"), EVENTS as usize);
        assert!(server.taken().keys().all(|id| *id < EVENTS));
    }
}

#[test]
fn an_input_that_is_not_there_ends_2_and_nothing_is_sent() {
    let server = Server::start(Reply::receipt);
    let desk = desk_with(10);
    let ran = upload(&desk, &server, &["gone.csv"]).ended(2);
    assert!(ran.stderr.contains("gone.csv: no such file"), "{ran:#?}");
    assert_eq!(server.requests(), 0);
}
