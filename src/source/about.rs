//! What was found out about an input, for the report, for `init` and for whoever wonders.
//!
//! Facts only, no person's value: names of sheets are said, titles above a header are counted.

use super::bytes::{Compression, Opened};
use super::encoding::EncodingEvidence;

/// From this size on, it is said that a workbook is read whole.
const LARGE_WORKBOOK_BYTES: u64 = 50 << 20;

/// The formats of exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Delimited text, whatever the delimiter.
    Csv,
    /// Delimited text with tabs.
    Tsv,
    /// One JSON value or several.
    Json,
    /// JSON with one record on each line.
    Ndjson,
    /// An Office Open XML workbook.
    Xlsx,
}

impl Format {
    #[cfg(test)]
    /// Every format.
    pub(crate) const ALL: [Format; 5] = [
        Format::Csv,
        Format::Tsv,
        Format::Json,
        Format::Ndjson,
        Format::Xlsx,
    ];

    /// The name that `--input-format` takes.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Tsv => "tsv",
            Format::Json => "json",
            Format::Ndjson => "ndjson",
            Format::Xlsx => "xlsx",
        }
    }
}

/// What was found out about an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct About {
    /// What it is, by content.
    pub format: Format,
    /// Its size on disk in bytes; none for standard input and pipes.
    pub size: Option<u64>,
    /// How it is compressed.
    pub compression: Option<Compression>,
    /// The encoding of text, by its WHATWG name, and how it was found.
    pub encoding: Option<(&'static str, EncodingEvidence)>,
    /// The delimiter of delimited text.
    pub delimiter: Option<u8>,
    /// Whether the first line is `sep=…`, which is no row.
    pub declares_delimiter: bool,
    /// Titles, filters and blank rows above the header.
    pub rows_above_header: u64,
    /// Where a page of JSON keeps its records, as a dotted path; none for a list, NDJSON or a lone record.
    pub records_at: Option<String>,
    /// The sheet that is read.
    pub sheet: Option<String>,
    /// Visible sheets that were passed over.
    pub other_sheets: Vec<String>,
    /// Hidden sheets that were passed over.
    pub hidden_sheets: Vec<String>,
}

impl About {
    pub(super) fn new(opened: &Opened) -> About {
        About {
            format: Format::Csv,
            size: opened.held.as_ref().map(|held| held.size()),
            compression: opened.compression,
            encoding: None,
            delimiter: None,
            declares_delimiter: false,
            rows_above_header: 0,
            records_at: None,
            sheet: None,
            other_sheets: Vec::new(),
            hidden_sheets: Vec::new(),
        }
    }

    /// What a person should know before trusting the rows, one sentence each.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some((encoding, EncodingEvidence::Guessed)) = self.encoding {
            notes.push(format!(
                "the text was taken for {encoding}; if accents look wrong, give --encoding"
            ));
        }
        if self.rows_above_header > 0 {
            let (above, header) = (self.rows_above_header, self.rows_above_header + 1);
            notes.push(format!(
                "the header was found in row {header}; {above} above it skipped"
            ));
        }
        if let (Some(sheet), Some(others)) = (&self.sheet, self.sheets_passed_over()) {
            notes.push(format!(
                "sheet {sheet:?} was read, not {others}; --sheet takes another"
            ));
        }
        if self.format == Format::Xlsx && self.size.is_some_and(|size| size > LARGE_WORKBOOK_BYTES)
        {
            notes.push(
                "a workbook of this size takes a lot of memory and time; CSV is read as a stream"
                    .to_owned(),
            );
        }
        notes
    }

    fn sheets_passed_over(&self) -> Option<String> {
        let visible = self.other_sheets.iter().map(|name| format!("{name:?}"));
        let hidden = self
            .hidden_sheets
            .iter()
            .map(|name| format!("{name:?} (hidden)"));
        let all: Vec<String> = visible.chain(hidden).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }

    /// The name of the delimiter.
    pub(crate) fn delimiter_name(&self) -> Option<String> {
        self.delimiter.map(|delimiter| match delimiter {
            b',' => "comma".to_owned(),
            b';' => "semicolon".to_owned(),
            b'\t' => "tab".to_owned(),
            b'|' => "bar".to_owned(),
            other => format!("{:?}", char::from(other)),
        })
    }
}
