//! What an export may be besides a file, and what it may cost.

use std::io::Write;

use serde_json::Value;

use crate::support::{Desk, NOW, text};

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

/// Runs with so much address space that only bounded memory fits, and fails when a run is killed or aborts.
#[cfg(unix)]
mod bombs {
    use std::process::{Command, Stdio};

    use super::*;
    use crate::support::Ran;

    const ADDRESS_SPACE_KB: usize = 512 * 1024;

    fn validate(desk: &Desk, file: &str, on_stdin: bool) -> Ran {
        let script = format!("ulimit -v {ADDRESS_SPACE_KB}; exec \"$0\" \"$@\"");
        let mut command = Command::new("bash");
        command
            .args([
                "-c",
                &script,
                env!("CARGO_BIN_EXE_crm2capi"),
                "validate",
                "--now",
                NOW,
            ])
            .args([
                "--format",
                "json",
                "--threads",
                "2",
                if on_stdin { "-" } else { file },
            ])
            .env_clear()
            .env("HOME", desk.path())
            .current_dir(desk.path())
            .stdin(Stdio::null());
        if on_stdin {
            command.stdin(std::fs::File::open(desk.path().join(file)).unwrap());
        }
        Ran::of(&["validate", file], command.output().unwrap())
    }

    #[test]
    fn a_row_and_a_header_of_millions_of_commas_are_read() {
        let desk = Desk::new();
        let commas = ",".repeat(3_900_000);
        desk.file("row.csv", format!("{}{commas}\n", lead("ada")));
        desk.file(
            "header.csv",
            lead("ada").replacen('\n', &format!("{}\n", ",x".repeat(1_900_000)), 1),
        );
        for (file, rows) in [("row.csv", 1), ("header.csv", 1)] {
            let report = validate(&desk, file, false).ended(0).json();
            assert_eq!(report["rows"], rows, "{file}");
        }
    }

    #[test]
    fn rows_of_a_megabyte_on_standard_input_are_not_all_held_back() {
        let desk = Desk::new();
        let note = "x".repeat(1 << 20);
        let mut export = HEADER.replace('\n', ",note\n");
        for row in 0..500 {
            export += &format!("a{row}@example.com,New,2026-11-20T10:00:00Z,{note}\n");
        }
        desk.file("large.csv", export);
        let report = validate(&desk, "large.csv", true).ended(0).json();
        assert_eq!(report["rows"], 500);
    }

    #[test]
    fn what_unpacks_a_thousandfold_is_refused_in_words() {
        let desk = Desk::new();
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(lead("ada").as_bytes()).unwrap();
        let row = format!("{},New,2026-11-20T10:00:00Z\n", "x".repeat(1 << 20));
        (0..100).for_each(|_| packed.write_all(row.as_bytes()).unwrap());
        desk.file("bomb.csv.gz", packed.finish().unwrap());
        let ran = validate(&desk, "bomb.csv.gz", false).ended(2);
        assert!(
            ran.stderr
                .contains("unpacks to more than 500 times its size"),
            "{ran:#?}"
        );
    }

    #[test]
    fn twenty_thousand_rows_with_a_cell_in_the_last_column_are_read() {
        let desk = Desk::new();
        let space = "http://schemas.openxmlformats.org";
        let office = format!("{space}/officeDocument/2006/relationships");
        let relation = |kind: &str, target: &str| {
            format!(
                "<Relationships xmlns=\"{space}/package/2006/relationships\"><Relationship Id=\"r1\" \
                 Type=\"{office}/{kind}\" Target=\"{target}\"/></Relationships>"
            )
        };
        let cell = |at: &str, value: &str| {
            format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{value}</t></is></c>")
        };
        let mut rows = String::new();
        for row in 1..=20_001 {
            let values = match row {
                1 => ["email", "stage", "stage date", "z"],
                _ => ["a@example.com", "New", "2026-11-20T10:00:00Z", "z"],
            };
            let cells = ["A", "B", "C", "XFD"].iter().zip(values);
            let cells: String = cells
                .map(|(column, value)| cell(&format!("{column}{row}"), value))
                .collect();
            rows += &format!("<row r=\"{row}\">{cells}</row>");
        }
        let main = format!("{space}/spreadsheetml/2006/main");
        let workbook = zip(&[
            (
                "[Content_Types].xml",
                &format!(
                    "<Types xmlns=\"{space}/package/2006/content-types\"><Default Extension=\"xml\" ContentType=\"application/xml\"/></Types>"
                ),
            ),
            (
                "_rels/.rels",
                &relation("officeDocument", "xl/workbook.xml"),
            ),
            (
                "xl/workbook.xml",
                &format!(
                    "<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
                ),
            ),
            (
                "xl/_rels/workbook.xml.rels",
                &relation("worksheet", "worksheets/sheet1.xml"),
            ),
            (
                "xl/worksheets/sheet1.xml",
                &format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>"),
            ),
        ]);
        assert!(workbook.len() < 400_000, "{}", workbook.len());
        desk.file("sparse.xlsx", workbook);
        let report = validate(&desk, "sparse.xlsx", false).ended(0).json();
        assert_eq!(report["rows"], 20_000);
    }
}
