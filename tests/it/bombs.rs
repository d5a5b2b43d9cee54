//! Small inputs that once cost gigabytes or minutes, and every export of the repository, in a process that may have
//! 256 MB of address space and half a minute of the processor: more of either ends it by a signal.

#![cfg(target_os = "linux")]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::listener::Listener;
use crate::support::{Desk, NOW, Ran, repository};

const ADDRESS_SPACE_KB: u32 = 256 << 10;
const CPU_SECONDS: u32 = 30;
const TIME: &str = "2026-11-20T10:00:00Z";
const HEAD: &str = "email,stage,stage date\n";

/// Runs the program on a file or on standard input, within the limits.
fn run_limited(desk: &Desk, args: &[&str], stdin: Option<&Path>) -> Ran {
    let program = desk.command(args);
    let mut shell = Command::new("sh");
    let limits =
        format!("ulimit -v {ADDRESS_SPACE_KB} && ulimit -t {CPU_SECONDS} && exec \"$0\" \"$@\"");
    shell.args(["-c", &limits]).arg(program.get_program());
    shell.args(args).current_dir(desk.path()).env_clear();
    // Reserved memory counts as well, and each thread would reserve some.
    shell.env("MALLOC_ARENA_MAX", "1");
    for (name, value) in program.get_envs() {
        shell.envs(value.map(|value| (name, value)));
    }
    shell.stdin(match stdin {
        Some(path) => Stdio::from(std::fs::File::open(path).unwrap()),
        None => Stdio::null(),
    });
    Ran::of(args, shell.output().unwrap())
}

/// A run that ended by itself, with a status that this input may end with.
#[track_caller]
fn ends(ran: Ran, statuses: &[i32]) -> Ran {
    let (status, said) = (ran.status, ran.stderr.clone());
    assert!(statuses.contains(&status), "{statuses:?}: {ran:#?}");
    assert!(
        !said.contains("panicked") && !said.contains("ulimit"),
        "{said}"
    );
    ran
}

/// Validates a file that holds these bytes; gives what it said.
fn validate(name: &str, bytes: impl AsRef<[u8]>, statuses: &[i32]) -> String {
    let desk = Desk::new();
    desk.file(name, bytes);
    let ran = ends(
        run_limited(&desk, &["validate", name, "--now", NOW], None),
        statuses,
    );
    ran.stdout + &ran.stderr
}

/// The pieces as one file, each distinct one compressed once: the program has to read what comes of it, and the test only to
/// make it.
fn gzip(pieces: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut members: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
    let mut file = Vec::new();
    for piece in pieces {
        let member = members.entry(piece).or_insert_with_key(|piece| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(piece).unwrap();
            encoder.finish().unwrap()
        });
        file.extend_from_slice(member);
    }
    file
}

fn stage_columns(count: usize) -> String {
    (0..count).fold(
        "Email,Record ID,Deal Stage".to_owned(),
        |mut head, stage| {
            let _ = write!(head, ",\"Date entered \"\"S{stage} (P)\"\"\"");
            head
        },
    )
}

#[test]
fn the_limits_end_a_program_that_goes_beyond_them() {
    let desk = Desk::new();
    let mut shell = Command::new("sh");
    let much =
        format!("ulimit -v {ADDRESS_SPACE_KB}; dd if=/dev/zero of=/dev/null bs=300M count=1");
    let status = shell.args(["-c", &much]).current_dir(desk.path()).output();
    assert!(!status.unwrap().status.success());
}

#[test]
fn a_cell_of_separators_costs_no_more_than_its_bytes() {
    for (column, cell) in [
        ("email", "<;".repeat(500_000)),
        ("email", ";".repeat(1_000_000)),
        ("email", "\"<\"\";".repeat(200_000)),
        ("phone", "1/1/".repeat(250_000)),
        ("phone", ",".repeat(1_000_000)),
        ("phone", ";ext=".repeat(200_000)),
    ] {
        let cell = cell.replace('"', "\"\"");
        let export = format!("{column},stage,stage date\n\"{cell}\",New,{TIME}\n");
        let said = validate("leads.csv.gz", gzip([export.into_bytes()]), &[1, 2]);
        assert!(said.contains("1 of 1 row"), "{said}");
    }
}

#[test]
fn a_row_that_would_make_far_more_than_it_holds_is_a_finding() {
    let addresses: Vec<String> = (0..10_000).map(|at| format!("{at:x}@ex.co")).collect();
    let row = format!(
        "{},1,New{}\n",
        addresses.join(";"),
        format!(",{TIME}").repeat(1_000)
    );
    let said = validate(
        "amp.csv",
        stage_columns(1_000) + "\n" + &row.repeat(7),
        &[2],
    );
    assert!(said.contains("cell-overfull"), "{said}");
}

#[test]
fn what_a_chunk_makes_is_handed_over_in_parts_and_in_order() {
    let desk = Desk::new();
    let mut export = stage_columns(300) + "\n";
    for row in 0..100 {
        for address in 0..18 {
            let _ = write!(export, "{address}.{row}@ex.co;");
        }
        let _ = writeln!(export, ",{row},New{}", ",2026-11-20".repeat(300));
    }
    desk.file("wide.csv", export);
    let args = ["build", "wide.csv", "--now", NOW, "--timezone", "UTC"];
    let ran = ends(run_limited(&desk, &args, None), &[0]);
    assert_eq!(ran.stdout.lines().count(), 100 * 300);
    let server = Listener::accepting();
    let to = ["--graph-url", &server.url, "--dataset-id", "1"];
    let how = ["--format", "json", "--access-token-file", "token"];
    desk.file("token", "EAABtoken");
    let args = [&["upload", "wide.csv", "--now", NOW], &to[..], &how].concat();
    let report = ends(run_limited(&desk, &args, None), &[0]).json();
    assert_eq!(report["rows"], 100);
    assert_eq!(report["accepted"], 30_000);
}

#[test]
fn rows_that_are_held_back_are_weighed() {
    let desk = Desk::new();
    // Shrinks to a hundredth, as far as an export may.
    let block: String = (0..8_192_u32)
        .map(|at| char::from(b'a' + (at * at / 7 % 26) as u8))
        .collect();
    let long = block.repeat(128);
    let long = format!("{long}\n").into_bytes();
    let rows = (0..230).flat_map(|row| {
        let begin = format!("a{row}@example.com,New,{TIME},").into_bytes();
        [begin, long.clone()]
    });
    let export = [b"email,stage,stage date,n\n".to_vec()]
        .into_iter()
        .chain(rows);
    let path = desk.file("long.csv.gz", gzip(export));
    let args = ["validate", "-", "--now", NOW];
    ends(run_limited(&desk, &args, Some(&path)), &[0]);
}

#[test]
fn names_of_json_columns_are_weighed_wherever_rows_are_held_back() {
    let desk = Desk::new();
    let name = "n".repeat(1_000);
    let columns = |from: usize, to: usize| {
        (from..to).fold(String::new(), |mut text, at| {
            let _ = write!(text, ",\"{name}{at}\":1");
            text
        })
    };
    let mut export = String::new();
    for row in 0..9_000 {
        let more = match row {
            0..4 => columns(row * 3_900, (row + 1) * 3_900),
            _ if row % 300 == 0 => columns(15_600 + row, 15_601 + row),
            _ => String::new(),
        };
        let _ = writeln!(
            export,
            "{{\"email\":\"a{row}@example.com\",\"stage\":\"New\",\"stage date\":\"{TIME}\"{more}}}"
        );
    }
    let path = desk.file("grow.ndjson", export);
    let ran = run_limited(&desk, &["validate", "-", "--now", NOW], Some(&path));
    assert!(ends(ran, &[0, 1]).stdout.contains("columns-too-many"));
}

#[test]
fn json_costs_no_more_than_its_bytes() {
    let lead = "{\"created_time\":1}";
    let leads = [lead; 100_000].join(",");
    let inside =
        |shared: String| format!("{{\"id\":\"1\",{shared},\"leads\":{{\"data\":[{leads}]}}}}");
    let questions: Vec<String> = (0..9_000).map(|at| format!("\"q{at}\":\"yyyy\"")).collect();
    for shared in [
        format!("\"name\":\"{}\"", "x".repeat(2_000_000)),
        questions.join(","),
    ] {
        let said = validate("inside.json", inside(shared), &[2]);
        assert!(said.contains("in which no row can be read"), "{said}");
    }
    let members: Vec<String> = (0..200_000).map(|at| format!("\"{at}\":1")).collect();
    let key = format!(
        "[{{\"email\":\"a@example.com\",\"stage\":\"New\",\"stage date\":\"{TIME}\"}},{{\"{}\":{{{}}}}}]",
        "k".repeat(1_000_000),
        members.join(",")
    );
    validate("key.json", key, &[0, 1]);
    let columns: Vec<String> = (0..16_000).map(|at| format!("\"c{at}\":1")).collect();
    let first = format!(
        "{{\"email\":\"a@example.com\",\"stage\":\"New\",\"stage date\":\"{TIME}\",{}}}\n",
        columns.join(",")
    );
    validate(
        "far.ndjson",
        first + &"{\"c15999\":1}\n".repeat(200_000),
        &[1, 2],
    );
    validate("deep.json", "[".repeat(2_000_000), &[1, 2]);
}

#[test]
fn headings_cost_no_more_than_their_bytes() {
    let row = format!("a@example.com,New,{TIME}\n");
    let same = "same,".repeat(100_000);
    validate(
        "same.csv",
        format!("email,stage,stage date,{same}\n{row}"),
        &[0, 1],
    );
    let blanks = " ".repeat(1_000_000);
    let like_a_preset =
        format!("email,stage,stage date,\"Date entered \"\"x{blanks}y\"\"\"\n{row}");
    validate("blanks.csv", like_a_preset, &[0, 1]);
    validate(
        "commas.csv",
        format!("{HEAD}{}\n{row}", ",".repeat(3 << 20)),
        &[0, 1],
    );
    validate(
        "header.csv",
        format!("email,stage,stage date{}\n{row}", ",a".repeat(1 << 20)),
        &[0, 1, 2],
    );
    let desk = Desk::new();
    desk.file(
        "same.csv",
        format!("email,stage,stage date,{}\n{row}", "same,".repeat(10_000)),
    );
    ends(run_limited(&desk, &["init", "same.csv"], None), &[0]);
}

#[test]
fn settings_cost_no_more_than_their_bytes() {
    let desk = Desk::new();
    desk.file("leads.csv", format!("{HEAD}a@example.com,S7,{TIME}\n"));
    desk.file(
        "wide.csv",
        format!(
            "email,stage,stage date,{}\na@example.com,S7,{TIME}\n",
            "a".repeat(1_000)
        ),
    );
    let many = |section: &str, count: u32, line: &dyn Fn(u32) -> String| {
        let head = format!("{section}\n");
        (0..count).fold(head, |text, at| text + &line(at) + "\n")
    };
    let stages = many("[stages]", 200_000, &|at| {
        format!("\"S{at}\" = \"Stage {at}\"")
    });
    let only = many("[only]", 50_000, &|at| format!("\"c{at}\" = [\"x\"]"));
    let missing = many("[columns]", 50_000, &|at| {
        format!("\"custom.c{at}\" = \"col{at}\"")
    });
    let there = many("[columns]", 20_000, &|at| {
        format!("\"custom.c{at}\" = \"note\"")
    });
    let allowed: Vec<String> = (0..20_000).map(|at| format!("\"custom.c{at}\"")).collect();
    let allowed = format!("{there}[event]\nallow_personal = [{}]\n", allowed.join(","));
    for (settings, statuses) in [
        (stages, &[0][..]),
        (only, &[2]),
        (missing, &[2]),
        (allowed, &[0, 1, 2]),
    ] {
        desk.file("many.toml", settings);
        let args = [
            "validate",
            "leads.csv",
            "--now",
            NOW,
            "--config",
            "many.toml",
        ];
        ends(run_limited(&desk, &args, None), statuses);
    }
    let pattern = format!("[stage_columns]\n\"{}b\" = \"Won\"\n", "*a".repeat(500));
    desk.file("pattern.toml", pattern);
    let args = [
        "validate",
        "wide.csv",
        "--now",
        NOW,
        "--config",
        "pattern.toml",
    ];
    ends(run_limited(&desk, &args, None), &[0, 2]);
    for option in ["--config", "--access-token-file"] {
        let args = [
            "upload",
            "leads.csv",
            "--dataset-id",
            "1",
            option,
            "/dev/zero",
        ];
        ends(run_limited(&desk, &args, None), &[2]);
    }
}

#[test]
fn a_line_without_an_end_is_no_value() {
    let desk = Desk::new();
    let path = desk.file("line", "x".repeat(5 << 20) + "\nava@example.com\n");
    let ran = run_limited(&desk, &["normalize", "email", "-"], Some(&path));
    assert!(ends(ran, &[1]).stdout.contains("ava@example.com"));
}

#[test]
fn what_unpacks_a_thousandfold_is_refused_in_words() {
    let row = [vec![b'x'; 1 << 20], format!(",New,{TIME}\n").into_bytes()].concat();
    let rows = std::iter::once(HEAD.as_bytes().to_vec()).chain((0..70).map(|_| row.clone()));
    let said = validate("much.csv.gz", gzip(rows), &[2]);
    assert!(
        said.contains("unpacks to more than 500 times its size"),
        "{said}"
    );
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(HEAD.as_bytes()).unwrap();
    let said = validate("window.csv.zst", encoder.finish().unwrap(), &[2]);
    assert!(
        said.contains("a window of more than 32 MB") && said.contains("or unpack it"),
        "{said}"
    );
}

mod workbooks {
    use super::*;

    use std::io::Cursor;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    const NAMESPACE: &str = "http://schemas.openxmlformats.org";

    fn text(reference: &str, value: &str) -> String {
        format!("<c r=\"{reference}\" t=\"inlineStr\"><is><t>{value}</t></is></c>")
    }

    fn row(number: u32, values: [&str; 4]) -> String {
        let columns = ["A", "B", "C", "XFD"];
        let cells = columns
            .iter()
            .zip(values)
            .filter(|(_, value)| !value.is_empty());
        let cells: String = cells
            .map(|(column, value)| text(&format!("{column}{number}"), value))
            .collect();
        format!("<row r=\"{number}\">{cells}</row>")
    }

    /// A workbook of these rows, with another part.
    fn workbook(rows: &str, part: (&str, &str)) -> Vec<u8> {
        let book = format!("{NAMESPACE}/spreadsheetml/2006/main");
        let office = format!("{NAMESPACE}/officeDocument/2006/relationships");
        let package = format!("{NAMESPACE}/package/2006");
        let types = "<Default Extension=\"xml\" ContentType=\"application/xml\"/>";
        let relation = |kind: &str, target: &str| {
            format!(
                "<Relationships xmlns=\"{package}/relationships\"><Relationship Id=\"r1\" Type=\"{office}/{kind}\" Target=\"{target}\"/></Relationships>"
            )
        };
        let sheets = "<sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/></sheets>";
        let parts = [
            (
                "[Content_Types].xml",
                format!("<Types xmlns=\"{package}/content-types\">{types}</Types>"),
            ),
            ("_rels/.rels", relation("officeDocument", "xl/workbook.xml")),
            (
                "xl/workbook.xml",
                format!("<workbook xmlns=\"{book}\" xmlns:r=\"{office}\">{sheets}</workbook>"),
            ),
            (
                "xl/_rels/workbook.xml.rels",
                relation("worksheet", "worksheets/sheet1.xml"),
            ),
            (
                "xl/worksheets/sheet1.xml",
                format!("<worksheet xmlns=\"{book}\"><sheetData>{rows}</sheetData></worksheet>"),
            ),
            (part.0, part.1.to_owned()),
        ];
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in parts.iter().filter(|(name, _)| !name.is_empty()) {
            archive
                .start_file(*name, SimpleFileOptions::default())
                .unwrap();
            archive.write_all(content.as_bytes()).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    fn header() -> String {
        row(1, ["email", "stage", "stage date", "z"])
    }

    #[test]
    fn far_cells_take_the_memory_of_the_cells_there_are() {
        let rows = (2..5_002).map(|number| row(number, ["a@example.com", "New", TIME, "z"]));
        let said = validate(
            "far.xlsx",
            workbook(&(header() + &rows.collect::<String>()), ("", "")),
            &[0],
        );
        assert!(said.contains("5,000"), "{said}");
    }

    #[test]
    fn too_much_of_anything_is_refused_in_words() {
        let one = header() + &row(2, ["a@example.com", "New", TIME, ""]);
        let styles = format!(
            "<styleSheet><cellXfs>{}</cellXfs></styleSheet>",
            "<xf a=\"0\"/>".repeat(510_000)
        );
        let far = row(2, ["a@example.com", "New", TIME, &"z".repeat(17 << 20)]);
        let attribute = format!("<row r=\"2\" a=\"{}\"></row>", "a".repeat(17 << 20));
        for (book, expected) in [
            (
                workbook(&one, ("xl/styles.xml", &styles)),
                "formats or names",
            ),
            (
                workbook(&(header() + &far), ("", "")),
                "a cell or a tag of more than",
            ),
            (
                workbook(&(header() + &attribute), ("", "")),
                "a cell or a tag of more than",
            ),
        ] {
            let said = validate("much.xlsx", book, &[2]);
            assert!(
                said.contains(expected) && said.contains("save the sheet as CSV"),
                "{said}"
            );
        }
        let zeros = (0..200).map(|_| vec![0; 1 << 20]);
        let packed = gzip([b"PK\x03\x04 xl/".to_vec()].into_iter().chain(zeros));
        validate("packed.xlsx.gz", packed, &[2]);
    }
}

/// Every export of the repository.
fn exports() -> Vec<PathBuf> {
    let folders = [
        "examples",
        "tests/fixtures/quirks",
        "tests/fixtures/source",
        "fuzz/corpus/read_csv",
        "fuzz/corpus/read_json",
        "fuzz/corpus/read_xlsx",
    ];
    let files = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(repository(folder)).unwrap());
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    let ends = ["csv", "gz", "json", "ndjson", "xlsx", "zst", "tsv"];
    files.retain(|file| {
        file.extension()
            .is_some_and(|end| ends.iter().any(|known| end == *known))
    });
    files.sort();
    files
}

#[test]
fn every_export_of_the_repository_is_read_within_the_limits() {
    let (desk, exports) = (Desk::new(), exports());
    assert!(exports.len() > 60, "{exports:?}");
    for export in exports {
        let args = [
            "validate",
            export.to_str().unwrap(),
            "--now",
            NOW,
            "--timezone",
            "UTC",
        ];
        ends(run_limited(&desk, &args, None), &[0, 1, 2]);
    }
}
