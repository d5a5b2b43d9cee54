//! Rows of delimited text: CSV, TSV and their relatives.
//!
//! In goes decoded text, out come the header and chunks of rows, numbered as a spreadsheet numbers them: an empty line
//! is a row, a line break inside quotes is none. Blank rows, totals and closing notices are ignored; a row with more
//! filled cells than the header has columns, or with a quotation mark that is never closed, is refused.

use std::io;
use std::sync::Arc;

use memchr::memchr2;

use super::chunk::{Chunk, Header, Span};
use super::delimiter;
use super::footer::{self, Footers};
use super::record::{Quoting, Record, Scan, is_blank, scan};
use super::text::{MAX_RECORD_BYTES, Text};
use crate::problem::Code;

/// How much text after a row is looked at for a closing notice.
const NOTICE_BYTES: usize = 4 * 1024;

/// A table in delimited text.
pub(super) struct Delimited {
    text: Text,
    delimiter: u8,
    record: Record,
    header: Arc<Header>,
    /// Cells of the header row, empty ones at its end included.
    width: usize,
    /// The number of a header row that has more cells than are kept.
    too_wide: Option<u64>,
    is_width_said: bool,
    /// Rows that have all of their cells, as long as every row has.
    whole_rows: Option<u64>,
    footers: Footers,
    /// The number of the record read last, and the line on which the next one starts.
    row: u64,
    line: u64,
}

/// How the table is laid out.
pub(super) struct Layout {
    pub delimiter: u8,
    /// Whether the first line declares the delimiter.
    pub is_declared: bool,
    pub rows_above_header: u64,
}

enum Next {
    Record,
    TooLarge,
    End,
}

impl Delimited {
    /// Finds the delimiter and the header, unless they are given. A given header stands in no row, so that the first row
    /// is that of a lead.
    pub(super) fn open(
        mut text: Text,
        given: Option<u8>,
        header: &[String],
    ) -> io::Result<(Delimited, Layout)> {
        let declared = delimiter::declared(text.rest());
        if let Some((_, end)) = declared {
            text.advance(end);
        }
        let delimiter = given
            .or(declared.map(|(delimiter, _)| delimiter))
            .unwrap_or_else(|| delimiter::sniff(text.rest(), text.has_ended()));
        let sizes = delimiter::first_records(text.rest(), text.has_ended(), delimiter);
        let filled: Vec<usize> = sizes.iter().map(|size| size.filled).collect();
        let rows_above_header = match header {
            [] => delimiter::rows_above_header(&filled) as u64,
            _ => 0,
        };
        let mut table = Delimited {
            text,
            delimiter,
            record: Record::default(),
            header: Arc::new(Header::new(header.iter().cloned())),
            width: header.len(),
            too_wide: None,
            is_width_said: false,
            whole_rows: Some(0),
            footers: Footers::default(),
            row: 0,
            line: 1 + u64::from(declared.is_some()),
        };
        if header.is_empty() {
            table.read_header(rows_above_header)?;
        }
        Ok((
            table,
            Layout {
                delimiter,
                is_declared: declared.is_some(),
                rows_above_header,
            },
        ))
    }

    /// The share of the text read so far that has come out as rows, from 0 to 1.
    pub(super) fn used_share(&self) -> f64 {
        self.text.used_share()
    }

    pub(super) fn header(&self) -> &Arc<Header> {
        &self.header
    }

    /// The number of the row read last.
    pub(super) fn row(&self) -> u64 {
        self.row
    }

    /// Adds rows until the chunk is full or the text ends.
    pub(super) fn fill(&mut self, chunk: &mut Chunk) -> io::Result<()> {
        if let (Some(row), false) = (self.too_wide, self.is_width_said) {
            chunk.note(Code::ColumnsTooMany, row, None);
            self.is_width_said = true;
        }
        while !chunk.is_full() {
            match self.next()? {
                Next::Record => self.take_record(chunk)?,
                Next::TooLarge => {
                    chunk.begin_row(self.row, self.line);
                    chunk.end_row();
                    chunk.refuse(Code::RowTooLarge, None);
                    self.skip_line()?;
                }
                Next::End => break,
            }
        }
        self.text.note_assumed(chunk);
        Ok(())
    }

    fn read_header(&mut self, rows_above: u64) -> io::Result<()> {
        for _ in 0..rows_above {
            self.next()?;
            self.pass_record();
        }
        if let Next::Record = self.next()? {
            let text = self.text.rest();
            let name = |cell| self.record.cell(text, cell).replace('\0', "");
            self.header = Arc::new(Header::new(
                self.record.cells.iter().map(|cell| name(*cell)),
            ));
            self.width = self.record.cells.len();
            self.too_wide = self.record.has_more.then_some(self.row);
            self.pass_record();
        }
        Ok(())
    }

    /// Finds the next record; it stays unused until it is passed.
    fn next(&mut self) -> io::Result<Next> {
        loop {
            match scan(
                self.text.rest().as_bytes(),
                self.delimiter,
                self.text.has_ended(),
                &mut self.record,
            ) {
                Scan::Record if self.record.len <= MAX_RECORD_BYTES => {
                    self.row += 1;
                    return Ok(Next::Record);
                }
                Scan::End => return Ok(Next::End),
                Scan::Incomplete if self.text.rest().len() <= MAX_RECORD_BYTES => {
                    self.text.more()?
                }
                Scan::Record | Scan::Incomplete => {
                    self.row += 1;
                    return Ok(Next::TooLarge);
                }
            }
        }
    }

    fn pass_record(&mut self) {
        self.line += 1 + self.record.inner_lines(self.text.rest());
        self.text.advance(self.record.next);
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let rest = self.text.rest();
            if let Some(end) = memchr2(b'\n', b'\r', rest.as_bytes()) {
                self.text.advance(end + 1);
                self.line += 1;
                return Ok(());
            }
            self.text.advance(rest.len());
            if self.text.has_ended() {
                return Ok(());
            }
            self.text.more()?;
        }
    }

    fn take_record(&mut self, chunk: &mut Chunk) -> io::Result<()> {
        let text = self.text.rest();
        if self.record.is_blank(text) {
            self.footers.blank();
            chunk.rows_ignored += 1;
            self.pass_record();
            return Ok(());
        }
        let text = &text[..self.record.len];
        chunk.begin_row(self.row, self.line);
        let base = chunk.push_text(text);
        for cell in &self.record.cells {
            let span = match cell.quoting {
                Quoting::Verbatim => Span {
                    start: base + cell.start,
                    end: base + cell.end,
                },
                Quoting::Doubled => {
                    chunk.push_unescaped(&text[cell.start as usize..cell.end as usize])
                }
            };
            chunk.push_span(span);
        }
        chunk.end_row();
        self.pass_record();
        self.judge_row(chunk)
    }

    /// Drops the row added last if it is no lead, and refuses it if its cells cannot be trusted.
    fn judge_row(&mut self, chunk: &mut Chunk) -> io::Result<()> {
        let may_be_report_name =
            self.record.cells.len() == 1 && self.text.rest().len() < NOTICE_BYTES;
        if may_be_report_name && !self.text.has_ended() {
            self.text.more()?;
        }
        let Some(row) = chunk.last_row() else {
            return Ok(());
        };
        let columns = self.header.columns.len();
        let notice_follows = || footer::notice_follows(self.text.rest());
        if self.header.is_repeated_by(row.cells())
            || self.footers.is_footer(columns, row.cells(), notice_follows)
        {
            chunk.drop_row();
            return Ok(());
        }
        // Where rows leave out what is empty at their end, one that is shorter may be whole.
        let is_short = row.len() < self.width;
        let has_no_end = self.record.next == self.record.len;
        let is_cut = is_short && has_no_end && self.whole_rows > Some(0);
        self.whole_rows = self.whole_rows.filter(|_| !is_short).map(|rows| rows + 1);
        let has_more = self.record.has_more && self.too_wide.is_none()
            || row.len() > self.width && row.cells().skip(self.width).any(|cell| !is_blank(cell));
        if has_more {
            chunk.refuse(Code::RowTooLong, None);
        } else if is_cut {
            chunk.refuse(Code::RowTruncated, None);
        } else {
            chunk.truncate_row(columns);
        }
        match self.record.problem {
            Some((Code::QuoteUnclosed, column)) => chunk.refuse(Code::QuoteUnclosed, Some(column)),
            Some((code, column)) => chunk.note(code, self.row, Some(column)),
            None => {}
        }
        Ok(())
    }
}
