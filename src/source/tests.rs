//! The readers from bytes to chunks: one fixture for each quirk, and what must hold for any bytes.

use std::io::Cursor;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::problem::Code;
use crate::problem::Finding;

/// A row as it came out: its number, why it was refused, its cells.
type Seen = (u64, Option<Code>, Vec<String>);

struct Export {
    about: About,
    columns: Vec<String>,
    rows: Vec<Seen>,
    findings: Vec<Finding>,
    ignored: u64,
}

fn read(settings: &Settings, bytes: Vec<u8>) -> Result<Export, OpenError> {
    let opened = bytes::from_reader(&Input::Stdin, Box::new(Cursor::new(bytes)))?;
    let mut source = Source::from_opened(&Input::Stdin, settings, opened)?;
    let (mut rows, mut findings, mut ignored) = (Vec::new(), Vec::new(), 0);
    let mut chunk = Chunk::default();
    while source.fill(&mut chunk)? {
        for row in chunk.rows() {
            rows.push((
                row.number(),
                row.refused(),
                row.cells().map(str::to_owned).collect(),
            ));
        }
        findings.extend_from_slice(&chunk.findings);
        ignored += chunk.rows_ignored;
    }
    let columns = chunk.header.columns.clone();
    Ok(Export {
        about: source.about,
        columns,
        rows,
        findings,
        ignored,
    })
}

fn bytes_of(name: &str) -> Vec<u8> {
    std::fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/source")
            .join(name),
    )
    .unwrap()
}

fn fixture(name: &str) -> Export {
    read(&Settings::default(), bytes_of(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn good(number: u64, cells: &[&str]) -> Seen {
    (
        number,
        None,
        cells.iter().map(|cell| (*cell).to_owned()).collect(),
    )
}

fn refused(number: u64, code: Code, cells: &[&str]) -> Seen {
    (number, Some(code), good(number, cells).2)
}

fn codes(export: &Export) -> Vec<(Code, u64, Option<u32>)> {
    export
        .findings
        .iter()
        .map(|finding| (finding.code, finding.row, finding.column))
        .collect()
}

#[test]
fn a_source_can_move_to_the_reading_thread() {
    fn is_send<T: Send>() {}
    is_send::<Source>();
    is_send::<Chunk>();
}

#[test]
fn utf_16_is_read_with_and_without_a_mark() {
    for (name, encoding) in [
        ("utf16le-mark-tab.csv", "UTF-16LE"),
        ("utf16be-no-mark-tab.csv", "UTF-16BE"),
    ] {
        let export = fixture(name);
        assert_eq!(
            export.columns,
            ["id", "created_time", "email", "first_name"]
        );
        assert_eq!(
            export.rows[1].2,
            [
                "l:5678901234567890",
                "2026-11-16T05:40:00-05:00",
                "juergen@example.org",
                "Jürgen"
            ]
        );
        assert_eq!(export.about.encoding.unwrap().0, encoding);
        assert_eq!(
            (export.about.format, export.about.delimiter),
            (Format::Tsv, Some(b'\t'))
        );
    }
}

#[test]
fn windows_1252_and_a_mark_are_recognised_and_said() {
    for (name, encoding, notes) in [
        ("semicolon-windows1252.csv", "windows-1252", 1),
        ("semicolon-utf8-mark.csv", "UTF-8", 0),
    ] {
        let export = fixture(name);
        assert_eq!(export.columns, ["Vorname", "Ort", "Stufe"]);
        assert_eq!(
            export.rows,
            [
                good(2, &["Jürgen", "München", "Neu"]),
                good(3, &["Sofía", "Málaga", "Angebot; Rückruf"])
            ]
        );
        assert_eq!(
            (export.about.encoding.unwrap().0, export.about.notes().len()),
            (encoding, notes)
        );
    }
}

#[test]
fn an_encoding_or_delimiter_that_is_given_is_used() {
    let settings = Settings {
        encoding: Encoding::for_label(b"windows-1251"),
        delimiter: Some(b'/'),
        ..Settings::default()
    };
    let export = read(
        &settings,
        b"Name/Stage\n\xc0\xed\xed\xe0/New, later\n".to_vec(),
    )
    .unwrap();
    assert_eq!(export.rows, [good(2, &["Анна", "New, later"])]);
    let settings = Settings {
        delimiter: Some(b'x'),
        ..Settings::default()
    };
    assert!(matches!(
        read(&settings, b"a,b\n1,2\n".to_vec()),
        Err(OpenError::Delimiter)
    ));
}

#[test]
fn delimiters_and_line_ends_are_found() {
    assert_eq!(
        fixture("pipe.csv").rows[1],
        good(3, &["tom@example.org", "Won"])
    );
    assert_eq!(
        fixture("cr-only.csv").rows[1],
        good(3, &["tom@example.org", "Won"])
    );
    let declared = fixture("sep-line.csv");
    assert_eq!(
        declared.rows,
        [good(2, &["ava@example.com", "New, at last"])]
    );
    assert!(declared.about.declares_delimiter);
}

#[test]
fn compressed_files_are_known_by_content_and_a_cut_is_said() {
    let export = fixture("gzip-named.csv");
    assert_eq!(
        (export.rows.len(), export.about.compression),
        (2, Some(bytes::Compression::Gzip))
    );
    let error = read(&Settings::default(), bytes_of("gzip-truncated.csv.gz"))
        .err()
        .unwrap();
    assert!(
        matches!(error, OpenError::Read(ReadError::Truncated { .. })),
        "{error}"
    );
}

#[test]
fn a_compressed_file_that_breaks_off_late_gives_its_rows_first() {
    let text: String = (0..200_000)
        .map(|row| format!("lead{row}@example.com,New\n"))
        .collect();
    let mut packed =
        zstd::stream::encode_all(format!("Email,Stage\n{text}").as_bytes(), 1).unwrap();
    packed.truncate(packed.len() / 2);
    let opened = bytes::from_reader(&Input::Stdin, Box::new(Cursor::new(packed))).unwrap();
    let mut source = Source::from_opened(&Input::Stdin, &Settings::default(), opened).unwrap();
    let (mut chunk, mut rows) = (Chunk::default(), 0);
    let error = loop {
        match source.fill(&mut chunk) {
            Ok(true) => rows += chunk.len(),
            Ok(false) => panic!("the cut was not seen"),
            Err(error) => break error,
        }
    };
    assert!(
        rows > 10_000 && error.to_string().contains("ends early, after row "),
        "{rows}: {error}"
    );
}

#[test]
fn titles_above_the_header_are_passed_over_and_said() {
    let export = fixture("title-above-header.csv");
    assert_eq!(export.rows, [good(4, &["Ava", "ava@example.com", "New"])]);
    assert_eq!(
        export.about.notes(),
        ["the header was found in row 3; 2 above it skipped"]
    );
}

#[test]
fn line_breaks_inside_quotes_make_no_rows() {
    let export = fixture("quoted-newlines.csv");
    assert_eq!(export.columns, ["Email", "Stage\n(sales)", "Notes"]);
    assert_eq!(
        export.rows[0],
        good(2, &["ava@example.com", "New", "called\nno answer\n"])
    );
    assert_eq!(export.rows[1].0, 3);
}

#[test]
fn lines_of_the_file_are_known_besides_rows() {
    let opened = bytes::from_reader(
        &Input::Stdin,
        Box::new(Cursor::new(bytes_of("quoted-newlines.csv"))),
    );
    let mut source =
        Source::from_opened(&Input::Stdin, &Settings::default(), opened.unwrap()).unwrap();
    let mut chunk = Chunk::default();
    source.fill(&mut chunk).unwrap();
    assert_eq!(
        chunk
            .rows()
            .map(|row| (row.number(), row.line()))
            .collect::<Vec<_>>(),
        [(2, 3), (3, 6)]
    );
}

#[test]
fn the_same_heading_may_stand_twice() {
    assert_eq!(
        fixture("duplicate-headings.csv").columns,
        ["Email", "Date", "Stage", "Date"]
    );
}

#[test]
fn empty_columns_and_rows_are_nothing_but_count_as_rows() {
    let export = fixture("empty-columns-and-rows.csv");
    assert_eq!(export.columns, ["Email", "Stage"]);
    assert_eq!(
        export.rows,
        [
            good(2, &["ava@example.com", "New"]),
            good(6, &["tom@example.org", "Won"])
        ]
    );
    assert_eq!((export.ignored, export.findings.len()), (4, 0));
}

#[test]
fn a_long_row_is_refused_and_a_short_one_is_not() {
    let export = fixture("long-and-short-rows.csv");
    assert_eq!(
        export.rows,
        [
            refused(
                2,
                Code::RowTooLong,
                &["ava@example.com", "New", "Bonn", "Germany"]
            ),
            good(3, &["tom@example.org"]),
            good(4, &["mei@example.com", "Won", "Oslo"]),
        ]
    );
    assert_eq!(codes(&export), [(Code::RowTooLong, 2, None)]);
}

#[test]
fn a_header_in_the_middle_of_joined_files_is_no_lead() {
    let export = fixture("joined-files.csv");
    assert_eq!(
        export.rows.iter().map(|row| row.0).collect::<Vec<_>>(),
        [2, 3, 5, 6]
    );
    assert_eq!(export.ignored, 1);
}

#[test]
fn a_stray_quote_costs_its_own_row_only() {
    let export = fixture("stray-quote.csv");
    assert_eq!(
        export.rows,
        [
            refused(2, Code::QuoteUnclosed, &["1", "\"Big Joe", "New"]),
            good(3, &["2", "Sam", "New"]),
            good(4, &["3", "Ann", "Won"]),
        ]
    );
    assert_eq!(codes(&export), [(Code::QuoteUnclosed, 2, Some(1))]);
}

#[test]
fn a_stray_quote_does_not_swallow_more_than_fits_the_window() {
    let rows: String = (0..300_000).map(|row| format!("{row},Sam,New\n")).collect();
    let export = read(
        &Settings::default(),
        format!("Id,Name,Stage\n1,\"Big Joe,New\n{rows}").into_bytes(),
    )
    .unwrap();
    assert_eq!(
        (export.rows.len(), codes(&export)),
        (300_001, vec![(Code::QuoteUnclosed, 2, Some(1))])
    );
}

#[test]
fn damaged_text_is_kept_as_far_as_it_goes_and_said() {
    let export = fixture("quote-not-doubled.csv");
    assert_eq!(export.rows[0], good(2, &["1", "Joe \"Big\" Bell", "New"]));
    assert_eq!(codes(&export), [(Code::QuoteStray, 2, Some(1))]);
    let export = fixture("nul-bytes.csv");
    assert_eq!(export.rows[0], good(2, &["ava@example.com", "New"]));
    assert_eq!(codes(&export), [(Code::NulRemoved, 2, Some(1))]);
    assert_eq!(
        codes(&fixture("lost-letters.csv")),
        [(Code::TextUndecodable, 2, Some(1))]
    );
}

#[test]
fn the_row_from_which_on_the_encoding_was_assumed_is_said() {
    let ascii = "ava@example.com,Ava\n".repeat(50_000);
    let bytes = [
        format!("Email,Name\n{ascii}").as_bytes(),
        b"j@example.org,J\xfcrgen\n",
    ]
    .concat();
    let export = read(&Settings::default(), bytes).unwrap();
    assert_eq!(export.rows.last().unwrap().2, ["j@example.org", "Jürgen"]);
    assert_eq!(codes(&export), [(Code::EncodingAssumed, 50_002, None)]);
}

#[test]
fn a_row_of_endless_length_is_refused_and_the_next_one_read() {
    let (long, short) = ("x".repeat(5 << 20), "b@example.com");
    let csv = format!("Email,Note\na@example.com,{long}\n{short},short\n");
    let lines = format!(
        "{{\"email\":\"a@example.com\"}}\n{{\"email\":\"{long}\"}}\n{{\"email\":\"{short}\"}}\n"
    );
    let list = format!("[{{\"email\":\"{long}\"}},{{\"email\":\"{short}\"}}]");
    for text in [csv, lines, list] {
        let mut rows = read(&Settings::default(), text.into_bytes())
            .unwrap()
            .rows
            .into_iter()
            .rev();
        let is_read = rows
            .next()
            .is_some_and(|row| row.1.is_none() && row.2[0] == short);
        let is_refused = rows
            .next()
            .is_some_and(|row| row.1 == Some(Code::RowTooLarge) && row.2.is_empty());
        assert!(is_read && is_refused);
    }
}

#[test]
fn footers_and_totals_are_ignored_and_leads_that_look_like_them_are_not() {
    let export = fixture("salesforce-report-footer.csv");
    assert_eq!(
        (export.rows, export.ignored),
        (
            vec![good(2, &["Jordan Reyes", "ava@example.com", "New"])],
            7
        )
    );
    let export = fixture("total-rows.csv");
    assert_eq!(
        export.rows,
        [
            good(2, &["Total", "total@example.com", "5"]),
            good(4, &["", "", "12"])
        ]
    );
    assert_eq!(export.ignored, 2);
}

#[test]
fn a_page_of_an_api_gives_dotted_columns_and_exact_numbers() {
    let export = fixture("hubspot-page.json");
    let columns = ["id", "email", "amount", "closedate", "lead", "emails"];
    let expected: Vec<String> = columns
        .iter()
        .map(|name| {
            if *name == "id" {
                "id".into()
            } else {
                format!("properties.{name}")
            }
        })
        .collect();
    assert_eq!(export.columns, expected);
    assert_eq!(
        export.rows,
        [
            good(1, &["1", "ava@example.com", "4800.0"]),
            good(
                2,
                &[
                    "2",
                    "tom@example.org",
                    "",
                    "",
                    "12345678901234567",
                    "a@example.com;b@example.com"
                ]
            ),
        ]
    );
    assert_eq!(export.about.records_at.as_deref(), Some("results"));
}

#[test]
fn pages_lists_and_single_records_are_read() {
    let emails = |name: &str| {
        fixture(name)
            .rows
            .iter()
            .map(|row| row.2.last().cloned().unwrap_or_default())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        emails("pages-one-after-the-other.json"),
        ["ava@example.com", "tom@example.org"]
    );
    assert_eq!(emails("single-record.json"), ["ava@example.com"]);
    let export = fixture("lists-of-objects.json");
    assert_eq!(
        export.columns,
        [
            "email.0.label",
            "email.0.value",
            "customFields.stage",
            "field_data.city"
        ]
    );
    assert_eq!(
        export.rows,
        [good(1, &["work", "ava@example.com", "New", "Bonn"])]
    );
}

#[test]
fn a_truncated_file_is_one_problem() {
    let export = fixture("truncated.json");
    assert_eq!(
        export.rows,
        [
            good(1, &["ava@example.com"]),
            refused(2, Code::JsonTruncated, &[])
        ]
    );
    assert_eq!(codes(&export), [(Code::JsonTruncated, 2, None)]);
    let export = read(&Settings::default(), b"[{\"a\":1},{\"a\":2}".to_vec()).unwrap();
    assert_eq!(
        (export.rows.len(), codes(&export)),
        (2, vec![(Code::JsonTruncated, 3, None)])
    );
}

#[test]
fn lines_of_ndjson_stand_for_themselves() {
    let export = fixture("blank-lines.ndjson");
    assert_eq!(
        export.rows,
        [
            good(1, &["ava@example.com"]),
            good(2, &["tom@example.org", "Won"])
        ]
    );
    assert_eq!(
        (export.about.format, export.columns.len()),
        (Format::Ndjson, 2)
    );
    let export = fixture("damaged-lines.ndjson");
    assert_eq!(
        export.rows,
        [
            good(1, &["ava@example.com"]),
            refused(2, Code::JsonMalformed, &[]),
            refused(3, Code::JsonMalformed, &[]),
            good(4, &["mei@example.com"]),
            refused(5, Code::JsonTruncated, &[]),
        ]
    );
}

#[test]
fn a_damaged_record_of_a_list_costs_itself_only() {
    let text = br#"[{"a":"1"},{"a":tru},null,{"a":"\ud83d!"},} {"a":"5"}]"#;
    let export = read(&Settings::default(), text.to_vec()).unwrap();
    assert_eq!(
        export.rows,
        [
            good(1, &["1"]),
            refused(2, Code::JsonMalformed, &[]),
            refused(3, Code::JsonMalformed, &[]),
            good(4, &["\u{fffd}\u{fffd}\u{fffd}!"]),
            refused(5, Code::JsonMalformed, &[]),
            good(6, &["5"]),
        ]
    );
}

#[test]
fn records_are_kept_when_the_rejects_file_needs_them() {
    let settings = Settings {
        keep_records: true,
        ..Settings::default()
    };
    let text = b"[ {\"email\": \"ava@example.com\"}, {\"email\": tom} ]".to_vec();
    let opened = bytes::from_reader(&Input::Stdin, Box::new(Cursor::new(text))).unwrap();
    let mut source = Source::from_opened(&Input::Stdin, &settings, opened).unwrap();
    let mut chunk = Chunk::default();
    source.fill(&mut chunk).unwrap();
    let records: Vec<_> = chunk.rows().map(|row| row.record().unwrap()).collect();
    assert_eq!(
        records,
        ["{\"email\": \"ava@example.com\"}", "{\"email\": tom}"]
    );
}

#[test]
fn columns_that_come_late_make_the_header_longer_and_move_nothing() {
    let mut text: String = (0..5_000)
        .map(|row| format!("{{\"email\":\"{row}@example.com\"}}\n"))
        .collect();
    text.push_str("{\"stage\":\"Won\",\"email\":\"late@example.com\"}\n");
    let opened =
        bytes::from_reader(&Input::Stdin, Box::new(Cursor::new(text.into_bytes()))).unwrap();
    let mut source = Source::from_opened(&Input::Stdin, &Settings::default(), opened).unwrap();
    assert_eq!(source.header.columns, ["email"]);
    let (mut chunk, mut last) = (Chunk::default(), Vec::new());
    while source.fill(&mut chunk).unwrap() {
        let row = chunk.rows().last().unwrap();
        last = vec![row.cell(0).to_owned(), row.cell(1).to_owned()];
    }
    assert_eq!(
        (chunk.header.columns.join(","), last.join(",")),
        ("email,stage".into(), "late@example.com,Won".into())
    );
}

#[test]
fn nesting_of_any_depth_is_read() {
    let text = format!(
        "[{{\"a\":{}1{}}},{{\"a\":2}}]",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert_eq!(
        read(&Settings::default(), text.into_bytes())
            .unwrap()
            .rows
            .len(),
        2
    );
    let text = format!("[{{\"email\":\"x\"}},{}", "{\"a\":".repeat(100_000));
    assert_eq!(
        read(&Settings::default(), text.into_bytes())
            .unwrap()
            .rows
            .len(),
        2
    );
}

#[test]
fn more_columns_than_a_spreadsheet_has_are_left_out_aloud() {
    let members: Vec<String> = (0..20_000)
        .map(|index| format!("\"k{index}\":{index}"))
        .collect();
    let export = read(
        &Settings::default(),
        format!("[{{{}}}]", members.join(",")).into_bytes(),
    )
    .unwrap();
    assert_eq!(
        (export.columns.len(), codes(&export)),
        (16_384, vec![(Code::ColumnsTooMany, 1, None)])
    );
}

#[test]
fn the_first_visible_sheet_is_read_from_its_header_on() {
    let export = fixture("title-and-hidden-sheets.xlsx");
    assert_eq!(
        export.columns,
        ["Email", "Stage", "Owner", "City", "Country"]
    );
    assert_eq!(
        export.rows,
        [
            good(5, &["ava@example.com", "New", "Jordan", "Bonn", "DE"]),
            good(8, &["tom@example.org", "Won"])
        ]
    );
    assert_eq!(export.ignored, 5);
    assert_eq!(
        export.about.notes(),
        [
            "the header was found in row 4; 3 above it skipped",
            "sheet \"Leads\" was read, not \"Archive\", \"Helper\" (hidden), \"Notes\" (hidden); --sheet takes another",
        ]
    );
}

#[test]
fn a_sheet_can_be_named() {
    let named = |name: &str| {
        let settings = Settings {
            sheet: Some(name.to_owned()),
            ..Settings::default()
        };
        read(&settings, bytes_of("title-and-hidden-sheets.xlsx"))
    };
    assert_eq!(
        named("archive ").unwrap().rows,
        [good(2, &["mei@example.com", "Lost"])]
    );
    let error = named("Lead").err().unwrap().to_string();
    assert_eq!(
        error,
        "standard input has no sheet named \"Lead\"; it has \"Leads\", \"Archive\", \"Helper\", \"Notes\""
    );
}

#[test]
fn cells_of_a_workbook_read_as_a_person_reads_them() {
    let export = fixture("typed-cells.xlsx");
    let row = [
        "ava@example.com",
        "987654321098765",
        "New",
        "2026-11-19T11:15:00",
        "2026-11-20",
        "0.3",
        "TRUE",
        "2026-11-10",
    ];
    assert_eq!(export.rows[0], good(2, &row));
    let row = [
        "tom@example.org",
        "1234567890123456",
        "",
        "2026-11-20T00:00:00",
        "2026-11-21T06:00:00",
        "4800",
        "FALSE",
    ];
    assert_eq!(export.rows[1].2[..7], row);
    assert_eq!(
        export.rows[1].2[7], "2026-11-11",
        "a column of nothing but midnights holds days"
    );
    assert_eq!(codes(&export), [(Code::CellError, 3, Some(2))]);
}

#[test]
fn a_workbook_is_one_whatever_its_name_and_its_epoch() {
    let export = fixture("epoch-1904-named.csv");
    assert_eq!(
        export.rows,
        [good(2, &["ava@example.com", "2026-11-19T11:15:00", "New"])]
    );
    assert_eq!(export.about.format, Format::Xlsx);
}

#[test]
fn what_is_no_export_says_so_in_one_line() {
    let message = |bytes: &[u8]| {
        read(&Settings::default(), bytes.to_vec())
            .err()
            .unwrap()
            .to_string()
    };
    assert_eq!(message(b""), "standard input is empty; export again");
    assert_eq!(
        message(b"\xef\xbb\xbf\r\n\n  \n"),
        "standard input is empty; export again"
    );
    for nothing in [
        &b"email,stage\n"[..],
        b"email,stage",
        b"email,stage\n,\n\n",
        b"[]",
        b"{\"results\":[]}",
    ] {
        let expected =
            "standard input has no rows, only a header or an empty list; check the export's filter";
        assert_eq!(message(nothing), expected);
    }
    let expected = "standard input is a PDF, not an export; export the leads as CSV, XLSX or JSON";
    assert_eq!(message(b"%PDF-1.7\n1 0 obj"), expected);
    let noise: Vec<u8> = (0..4_000u32)
        .map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    assert!(
        message(&noise).contains("a binary file"),
        "{}",
        message(&noise)
    );
    assert!(message(&[0; 1000]).contains("a binary file"));
    assert!(
        message(b"PK\x03\x04[Content_Types].xml and then nothing")
            .contains("a workbook that cannot be read")
    );
    assert!(message("x".repeat(5 << 20).as_bytes()).contains("no row can be read"));
}

#[test]
fn content_that_contradicts_the_format_asked_for_is_an_error() {
    let asked = |format, bytes: &[u8]| {
        let settings = Settings {
            format: Some(format),
            ..Settings::default()
        };
        read(&settings, bytes.to_vec())
            .err()
            .map(|error| error.to_string())
    };
    let found = asked(Format::Xlsx, b"a,b\n1,2\n").unwrap();
    assert_eq!(
        found,
        "standard input is delimited text, not xlsx; leave out --input-format, or name the right one"
    );
    assert!(asked(Format::Json, b"a,b\n1,2\n").is_some());
    assert!(asked(Format::Csv, &bytes_of("typed-cells.xlsx")).is_some());
    assert_eq!(asked(Format::Tsv, b"a\tb\n1\t2\n"), None);
}

fn any_settings() -> impl Strategy<Value = Settings> {
    let format = prop_oneof![
        Just(None),
        proptest::sample::select(&Format::ALL[..]).prop_map(Some)
    ];
    (format, any::<bool>(), any::<bool>()).prop_map(|(format, keep_records, is_wide)| {
        let encoding = is_wide.then_some(encoding_rs::UTF_16LE);
        Settings {
            format,
            keep_records,
            encoding,
            ..Settings::default()
        }
    })
}

/// Bytes that look enough like an export to get past the first checks.
fn export_like() -> impl Strategy<Value = Vec<u8>> {
    let piece = proptest::sample::select(vec![
        "a",
        "1",
        ",",
        ";",
        "\"",
        "\"\"",
        "\n",
        "\r",
        "{",
        "}",
        "[",
        "]",
        ":",
        "null",
        "\"a\":",
        "{\"data\":[",
        "é",
        "\u{feff}",
        "\\u",
        " ",
        "Total",
        "sep=;",
        "\0",
        "Copyright (c)",
        "\t",
        "-",
    ]);
    let text =
        proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat().into_bytes());
    let names = vec![
        "typed-cells.xlsx",
        "title-and-hidden-sheets.xlsx",
        "gzip-named.csv",
        "hubspot-page.json",
        "utf16le-mark-tab.csv",
    ];
    let damaged = (
        proptest::sample::select(names),
        any::<proptest::sample::Index>(),
        any::<u8>(),
        any::<bool>(),
    )
        .prop_map(|(name, place, byte, is_cut)| {
            let mut bytes = bytes_of(name);
            let place = place.index(bytes.len());
            bytes[place] = byte;
            bytes.truncate(if is_cut { place } else { bytes.len() });
            bytes
        });
    prop_oneof![
        text,
        damaged,
        proptest::collection::vec(any::<u8>(), 0..300)
    ]
}

proptest! {
    #[test]
    fn any_bytes_give_rows_or_one_line_of_error(bytes in export_like(), settings in any_settings()) {
        if let Err(error) = read(&settings, bytes) {
            prop_assert!(!error.to_string().contains('\n'));
        }
    }

    #[test]
    fn what_the_csv_crate_writes_comes_back_through_the_chunks(
        rows in proptest::collection::vec(proptest::collection::vec("[a-zé\",;\n]{1,5}", 3), 1..20),
    ) {
        let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
        writer.write_record(["One", "Two", "Three"]).unwrap();
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        let settings = Settings { delimiter: Some(b','), format: Some(Format::Csv), ..Settings::default() };
        let export = read(&settings, writer.into_inner().unwrap()).map_err(|error| TestCaseError::fail(error.to_string()));
        let read: Vec<_> = export?.rows.into_iter().map(|row| row.2).collect();
        let is_blank = |row: &Vec<String>| row.iter().all(|cell| cell.trim().is_empty());
        prop_assert_eq!(read, rows.into_iter().filter(|row| !is_blank(row)).collect::<Vec<_>>());
    }
}

#[test]
fn a_row_of_commas_is_refused_and_a_header_of_them_is_cut() {
    let more = |cell: &str| format!(",{cell}").repeat(20_000);
    let text = format!(
        "email,stage{}\na,b{}\nc,d{}\n",
        more(""),
        more(""),
        more("x")
    );
    let export = read(&Settings::default(), text.into_bytes()).unwrap();
    assert_eq!(export.columns, ["email", "stage"]);
    assert_eq!(export.rows[0], good(2, &["a", "b"]));
    assert_eq!(export.rows[1].1, Some(Code::RowTooLong));
    assert!(export.rows[1].2.len() <= 16_384);

    let text = format!("email,stage{}\na,b{}\n", more("x"), more("y"));
    let export = read(&Settings::default(), text.into_bytes()).unwrap();
    assert_eq!((export.columns.len(), export.rows[0].1), (16_384, None));
    assert_eq!(codes(&export), [(Code::ColumnsTooMany, 1, None)]);
}

#[test]
fn a_list_of_a_million_numbers_is_one_cell() {
    let text = format!("[{{\"a\":[{}2]}}]", "1,".repeat(1_000_000));
    let export = read(&Settings::default(), text.into_bytes()).unwrap();
    assert_eq!(export.rows[0].2[0].len(), 2_000_001);
    let text = r#"[{"a":[1,null,"","x"],"b":[1,{"c":2}],"d":[]}]"#;
    let export = read(&Settings::default(), text.into()).unwrap();
    assert_eq!(export.columns, ["a", "b.0", "b.1.c", "d"]);
    assert_eq!(export.rows, [good(1, &["1;x", "1", "2"])]);
}

#[test]
fn what_is_read_ahead_of_the_rows_is_not_done_yet() {
    let folder = tempfile::tempdir().unwrap();
    let record = |row: u32| format!("{{\"email\":\"ada{row}@example.com\",\"stage\":\"Lead\"}}\n");
    let table = (0..2_000).map(|row| format!("ada{row}@example.com,Lead\n"));
    let records: String = (0..2_000).map(record).collect();
    let table = std::iter::once("email,stage\n".to_owned()).chain(table);
    for (name, text) in [("l.csv", table.collect::<String>()), ("l.ndjson", records)] {
        let path = folder.path().join(name);
        std::fs::write(&path, &text).unwrap();
        let mut source = Source::open(&Input::File(path), &Settings::default()).unwrap();
        let (mut chunk, mut shares) = (Chunk::default(), Vec::new());
        while source.fill(&mut chunk).unwrap() {
            shares.push(source.position() as f64 / text.len() as f64);
        }
        assert!(shares.is_sorted(), "{name}: {shares:?}");
        assert!((0.1..0.35).contains(&shares[0]), "{name}: {shares:?}");
        assert_eq!(shares.last(), Some(&1.0), "{name}");
    }
}
