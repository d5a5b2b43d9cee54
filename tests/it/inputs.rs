//! What an export may be besides a file, and what it may cost.

use std::io::Write;

use serde_json::Value;

use crate::support::{Desk, NOW, problem, rows_of, text};

const HEADER: &str = "email,stage,stage date\n";

fn lead(name: &str) -> String {
    format!("{HEADER}{name}@example.com,New,2026-11-20T10:00:00Z\n")
}

fn zip(members: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        archive
            .start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        archive.write_all(content.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// The inputs of a report: their paths and rows.
fn inputs(report: &Value) -> Vec<(String, u64)> {
    let inputs = report["inputs"].as_array().unwrap().iter();
    inputs
        .map(|input| {
            (
                text(&input["path"]).replace('\\', "/"),
                input["rows"].as_u64().unwrap(),
            )
        })
        .collect()
}

#[test]
fn folders_patterns_and_archives_stand_for_the_exports_in_them() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path().join("exports")).unwrap();
    desk.file("exports/2.csv", lead("ben"));
    desk.file("exports/1.csv", lead("ada"));
    desk.file(
        "exports/3.zip",
        zip(&[("c.csv", &lead("cleo")), ("notes.pdf", "%PDF-1.7")]),
    );
    desk.file("exports/terms.pdf", "%PDF-1.7");
    let ran = desk
        .run(&["validate", "exports", "--now", NOW, "--format", "json"])
        .ended(0);
    let expected = [
        ("exports/1.csv", 1),
        ("exports/2.csv", 1),
        ("exports/3.zip/c.csv", 1),
    ];
    let expected = expected.map(|(path, rows)| (path.to_owned(), rows));
    assert_eq!(inputs(&ran.json()), expected);
    for passed_over in [
        "exports/terms.pdf is a PDF",
        "notes.pdf is not named like an export",
    ] {
        assert!(
            ran.stderr.replace('\\', "/").contains(passed_over),
            "{}",
            ran.stderr
        );
    }

    let ran = desk.run(&[
        "upload",
        "exports/*.csv",
        "--sandbox",
        "--now",
        NOW,
        "--format",
        "json",
    ]);
    let report = ran.ended(0).json();
    assert_eq!(inputs(&report), expected[..2]);
    assert_eq!(report["accepted"], 2);
    let ran = desk.run(&[
        "upload",
        "exports/3.zip",
        "--sandbox",
        "--now",
        NOW,
        "--format",
        "json",
    ]);
    assert_eq!(ran.ended(0).json()["accepted"], 1);
}

#[cfg(unix)]
#[test]
fn init_looks_at_a_pipe_as_at_a_file() {
    let desk = Desk::new();
    let export = crate::support::repository("examples/hubspot.csv");
    let script = "\"$0\" init <(cat \"$1\") --yes --output pipe.toml";
    let mut shell = std::process::Command::new("bash");
    shell
        .args(["-c", script, env!("CARGO_BIN_EXE_crm2capi"), &export])
        .env("HOME", desk.path())
        .current_dir(desk.path());
    crate::support::Ran::of(&["init"], shell.output().unwrap()).ended(0);
    desk.run(&["init", &export, "--yes", "--output", "file.toml"])
        .ended(0);
    let settings = |name: &str| std::fs::read_to_string(desk.path().join(name)).unwrap();
    let layout = |text: String| {
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(layout(settings("pipe.toml")), layout(settings("file.toml")));
}

#[test]
fn an_export_without_a_header_is_read_by_the_columns_that_are_named() {
    let desk = Desk::new();
    let rows =
        "7;ann@example.com;Lead;2026-11-20T10:00:00Z\n8;bob@example.com;Won;2026-11-20T11:00:00Z\n";
    desk.file("rows.csv", rows);
    let header = ["--header", "id,email,\"Stage\",stage date", "--now", NOW];
    let build = |more: &[&str]| desk.run(&[&["build", "rows.csv"], &header[..], more].concat());
    let events = build(&[]).ended(0).ndjson();
    assert_eq!(events.len(), 2);
    assert_eq!(events[1]["event_name"], "Won");
    // The first row is the first line, as a person finds it.
    desk.file("rows.csv", format!("7;;Lead;nonsense\n{rows}"));
    let report = desk
        .run(&[&["validate", "rows.csv", "--format", "json"], &header[..]].concat())
        .ended(1)
        .json();
    assert_eq!(rows_of(problem(&report, "time-malformed")), [1]);
    // Settings may say it, and init writes it there.
    desk.file("rows.csv", rows);
    desk.run(&["init", "rows.csv", "--yes", header[0], header[1]])
        .ended(0);
    let report = desk
        .run(&["validate", "rows.csv", "--format", "json", "--now", NOW])
        .ended(0)
        .json();
    assert_eq!(report["events"], 2);
    // What names its columns itself needs none.
    desk.file("rows.json", "[{\"email\":\"a@example.com\"}]");
    let ran = desk
        .run(&["build", "rows.json", header[0], header[1]])
        .ended(2);
    assert!(
        ran.stderr.contains("which names its columns itself"),
        "{}",
        ran.stderr
    );
    // A row of more cells than there are columns has shifted.
    desk.file("rows.csv", "7;8;a@example.com;Lead;2026-11-20T10:00:00Z\n");
    let ran = build(&[]).ended(2);
    assert!(
        ran.stderr.contains("row-too-long") || ran.stderr.contains("more cells"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_last_row_that_was_cut_off_is_refused_and_the_others_go() {
    let desk = Desk::new();
    let whole = "email,stage,stage date,note\na@example.com,Lead,2026-11-20T10:00:00Z,x\n";
    let validate = |export: &str| {
        let args = ["validate", "-", "--format", "json", "--now", NOW];
        desk.run_on(&args, export.as_bytes()).json()
    };
    // As a producer leaves it that dies: a day of one digit would be a day all the same.
    let cut = validate(&format!("{whole}b@example.com,Lead,2026-11-2"));
    assert_eq!(rows_of(problem(&cut, "row-truncated")), [3]);
    assert_eq!(
        (&cut["events"], &cut["exit_status"]),
        (&1.into(), &1.into())
    );
    for good in [
        // Complete but for its line break; with a line break; in an export that leaves out what is empty at the end.
        format!("{whole}b@example.com,Lead,2026-11-20T11:00:00Z,y"),
        format!("{whole}b@example.com,Lead,2026-11-20T11:00:00Z\n"),
        format!(
            "{whole}b@example.com,Lead,2026-11-20T11:00:00Z\nc@example.com,Lead,2026-11-20T11:00:00Z"
        ),
        "email,stage,stage date,note\na@example.com,Lead,2026-11-20T10:00:00Z".to_owned(),
    ] {
        let report = validate(&good);
        assert_eq!(report["exit_status"], 0, "{good}\n{report:#}");
    }
}
