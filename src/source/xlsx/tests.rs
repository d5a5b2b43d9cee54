//! Workbooks made cell by cell.

use std::fmt::Write as _;
use std::io::Write as _;

use zip::write::SimpleFileOptions;

use super::*;

const NAMESPACE: &str = "http://schemas.openxmlformats.org";

/// A workbook whose only sheet holds this XML of rows.
fn workbook(rows: &str) -> Vec<u8> {
    let types = format!(
        "<Types xmlns=\"{NAMESPACE}/package/2006/content-types\"><Default Extension=\"xml\" ContentType=\"application/xml\"/></Types>"
    );
    let relation = |kind: &str, target: &str| {
        format!(
            "<Relationships xmlns=\"{NAMESPACE}/package/2006/relationships\"><Relationship Id=\"r1\" \
             Type=\"{NAMESPACE}/officeDocument/2006/relationships/{kind}\" Target=\"{target}\"/></Relationships>"
        )
    };
    let book = format!(
        "<workbook xmlns=\"{NAMESPACE}/spreadsheetml/2006/main\" xmlns:r=\"{NAMESPACE}/officeDocument/2006/relationships\">\
         <sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
    );
    let sheet = format!(
        "<worksheet xmlns=\"{NAMESPACE}/spreadsheetml/2006/main\"><sheetData>{rows}</sheetData></worksheet>"
    );
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in [
        ("[Content_Types].xml", types),
        ("_rels/.rels", relation("officeDocument", "xl/workbook.xml")),
        ("xl/workbook.xml", book),
        (
            "xl/_rels/workbook.xml.rels",
            relation("worksheet", "worksheets/sheet1.xml"),
        ),
        ("xl/worksheets/sheet1.xml", sheet),
    ] {
        archive
            .start_file(name, SimpleFileOptions::default())
            .unwrap();
        archive.write_all(content.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn text(reference: &str, value: &str) -> String {
    format!("<c r=\"{reference}\" t=\"inlineStr\"><is><t>{value}</t></is></c>")
}

fn number(reference: &str, value: &str) -> String {
    format!("<c r=\"{reference}\"><v>{value}</v></c>")
}

fn opened(workbook: Vec<u8>) -> Sheet {
    open(&Input::Stdin, Box::new(Cursor::new(workbook)), None).unwrap()
}

/// The cells that one column has when these are its number cells.
fn column_of(numbers: &[&str]) -> Vec<String> {
    let mut rows = format!(
        "<row r=\"1\">{}{}</row>",
        text("A1", "id"),
        text("B1", "stage")
    );
    for (index, value) in numbers.iter().enumerate() {
        let row = index + 2;
        let cell = match value.strip_prefix('\'') {
            Some(value) => text(&format!("A{row}"), value),
            None => number(&format!("A{row}"), value),
        };
        write!(
            rows,
            "<row r=\"{row}\">{cell}{}</row>",
            text(&format!("B{row}"), "New")
        )
        .unwrap();
    }
    let sheet = opened(workbook(&rows));
    let all = sheet.chunks.iter().flat_map(Chunk::rows);
    all.map(|row| row.cell(0).to_owned()).collect()
}

#[test]
fn long_numbers_whose_last_digits_vary_are_read_to_the_last_one() {
    let ids = [
        "1234567890123456",
        "12345678901234567",
        "1234567890123450",
        "987654321098765",
    ];
    assert_eq!(column_of(&ids), ids);
    assert_eq!(
        column_of(&["1234567890123456.0", "5"]),
        ["1234567890123456", "5"]
    );
}

#[test]
fn long_numbers_that_all_end_in_zeros_or_are_written_with_an_exponent_are_lost() {
    let rounded = ["1234567890123450", "9876543210987600", "12345678901234500"];
    let shown = [
        "1.23456789012345E+15",
        "9.8765432109876E+15",
        "1.23456789012345E+16",
    ];
    assert_eq!(column_of(&rounded), shown);
    assert_eq!(
        column_of(&["1.2345678901234567E+16", "12345678901234567"]),
        ["1.23456789012346E+16", "12345678901234567"]
    );
}

#[test]
fn text_cells_are_never_doubted() {
    let ids = ["'1234567890123450", "'12345678901234500"];
    assert_eq!(column_of(&ids), ["1234567890123450", "12345678901234500"]);
}

#[test]
fn numbers_that_all_went_through_floats_have_lost_their_last_digit() {
    let numbers: Vec<u64> = (0..20).map(|n| 12_345_678_901_234_560 + n * 734).collect();
    let floats: Vec<String> = numbers.iter().map(|n| (n & !1).to_string()).collect();
    let floats: Vec<&str> = floats.iter().map(String::as_str).collect();
    assert!(
        column_of(&floats)
            .iter()
            .all(|shown| shown.contains("E+16"))
    );
    let mut whole = floats.clone();
    whole.push("12345678901234561");
    assert_eq!(column_of(&whole), whole);
}

#[test]
fn a_sheet_with_far_cells_takes_the_memory_of_the_cells_it_has() {
    const ROWS: usize = 2_000;
    let mut rows = String::new();
    for row in 1..=ROWS + 1 {
        let cell = |column: &str, value: &str| text(&format!("{column}{row}"), value);
        let cells = match row {
            1 => ["email", "stage", "stage date"],
            _ => ["a@example.com", "New", "2026-11-22T10:00:00Z"],
        };
        let [a, b, c] =
            [("A", cells[0]), ("B", cells[1]), ("C", cells[2])].map(|(c, v)| cell(c, v));
        write!(rows, "<row r=\"{row}\">{a}{b}{c}{}</row>", cell("XFD", "z")).unwrap();
    }
    let sheet = opened(workbook(&rows));
    assert_eq!(sheet.header.columns.len(), 16_384);
    let rows: Vec<_> = sheet.chunks.iter().flat_map(Chunk::rows).collect();
    assert_eq!(rows.len(), ROWS);
    assert_eq!(
        [0, 2, 3, 16_383].map(|column| rows[7].cell(column)),
        ["a@example.com", "2026-11-22T10:00:00Z", "", "z"]
    );
    let bytes: usize = sheet.chunks.iter().map(Chunk::weight).sum();
    assert!(bytes < ROWS * 300, "{bytes}");
}

#[test]
fn cells_in_any_order_fall_into_their_columns_and_the_last_of_a_column_counts() {
    let rows = format!(
        "<row r=\"1\">{}{}</row><row r=\"2\">{}{}{}</row>",
        text("A1", "email"),
        text("B1", "stage"),
        text("B2", "Old"),
        text("A2", "a@example.com"),
        text("B2", "New"),
    );
    let sheet = opened(workbook(&rows));
    let row = sheet.chunks[0].rows().next().unwrap();
    assert_eq!(row.cells().collect::<Vec<_>>(), ["a@example.com", "New"]);
}

#[test]
fn a_workbook_with_too_much_in_it_says_what_to_do() {
    let rows = format!("<row r=\"1\">{}</row>", text("A1", &"x".repeat(17 << 20)));
    let error = open(&Input::Stdin, Box::new(Cursor::new(workbook(&rows))), None)
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "standard input is a workbook with a cell or a tag of more than 16 MB; save the sheet as CSV, which is read as a stream of any size"
    );
    let zeros = std::io::repeat(0).take(200 << 20);
    let zeros = Cursor::new(b"PK\x03\x04 xl/").chain(zeros);
    let error = open(&Input::Stdin, Box::new(zeros), None).err().unwrap();
    assert!(
        error
            .to_string()
            .contains("a workbook with more than 128 MB"),
        "{error}"
    );
}
