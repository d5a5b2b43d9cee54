//! Finds the cells of one record of delimited text, without copying them.
//!
//! In go the text and where the record starts, out come the positions of its cells and where the next record starts.
//! Quoting is RFC 4180's, read as spreadsheets do: only a cell that begins with a quotation mark is quoted. It is
//! written by hand rather than left to the `csv` crate because exports need what that crate's reader hides: empty
//! lines count as rows, and one stray quotation mark must not swallow the rows after it.

use memchr::{memchr, memchr2, memchr3};

use super::chunk::MAX_COLUMNS;
use crate::problem::Code;

/// A quoted cell that is not closed within so many bytes never will be: no CRM keeps notes of this length.
const MAX_CELL_BYTES: usize = 1 << 20;

/// How many quotation marks that are neither doubled nor closing are put up with in a row.
const MAX_STRAY_QUOTES: usize = 16;

const QUOTE: u8 = b'"';

/// How a cell's text relates to the bytes between its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quoting {
    /// They are the text.
    Verbatim,
    /// They are, once doubled quotation marks are made single.
    Doubled,
}

/// Where a cell's text lies, in bytes from the start of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub start: u32,
    pub end: u32,
    pub quoting: Quoting,
}

/// One record; its buffers are reused.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub cells: Vec<Cell>,
    /// Bytes of the record without its line end.
    pub len: usize,
    /// Bytes to the next record.
    pub next: usize,
    /// What is wrong with its quotation marks, and the cell concerned.
    pub problem: Option<(Code, u32)>,
    /// Whether a cell is quoted, so that line breaks may lie inside.
    pub has_quotes: bool,
    /// Whether there are filled cells beyond those that are kept.
    pub has_more: bool,
}

/// What was found where a record was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scan {
    /// A record, an empty line included.
    Record,
    /// The text ends before the record does, and there is more of it.
    Incomplete,
    /// Nothing is left.
    End,
}

/// Finds the record that `text` starts with. `is_whole` says that no text comes after it.
pub(super) fn scan(text: &[u8], delimiter: u8, is_whole: bool, record: &mut Record) -> Scan {
    record.begin();
    match (text.is_empty(), is_whole) {
        (true, true) => return Scan::End,
        (true, false) => return Scan::Incomplete,
        (false, _) => {}
    }
    let mut start = 0;
    loop {
        let mut bare_from = start;
        if text.get(start) == Some(&QUOTE) {
            record.has_quotes = true;
            match quoted(text, start, delimiter, is_whole) {
                Quoted::Incomplete => return Scan::Incomplete,
                Quoted::Closed {
                    end,
                    after,
                    quoting,
                    is_stray,
                } => {
                    if is_stray {
                        record.note(Code::QuoteStray);
                    }
                    record.push(start + 1, end, quoting);
                    match text.get(after) {
                        Some(&byte) if byte == delimiter => {
                            start = after + 1;
                            continue;
                        }
                        _ => return record.finish(text, after, is_whole),
                    }
                }
                Quoted::Literal {
                    bare_from: from,
                    code,
                } => {
                    record.note(code);
                    bare_from = from;
                }
            }
        }
        let bare = text.get(bare_from..).unwrap_or_default();
        match memchr3(delimiter, b'\n', b'\r', bare) {
            Some(length) => {
                let end = bare_from + length;
                record.push(start, end, Quoting::Verbatim);
                if text[end] != delimiter {
                    return record.finish(text, end, is_whole);
                }
                start = end + 1;
            }
            None if is_whole => {
                record.push(start, text.len(), Quoting::Verbatim);
                return record.finish(text, text.len(), is_whole);
            }
            None => return Scan::Incomplete,
        }
    }
}

impl Record {
    fn begin(&mut self) {
        self.cells.clear();
        self.problem = None;
        self.has_quotes = false;
        self.has_more = false;
    }

    /// The text of a cell; `text` starts where the record does.
    pub(super) fn cell<'a>(&self, text: &'a str, cell: Cell) -> std::borrow::Cow<'a, str> {
        let raw = &text[cell.start as usize..cell.end as usize];
        match cell.quoting {
            Quoting::Verbatim => raw.into(),
            Quoting::Doubled => raw.replace("\"\"", "\"").into(),
        }
    }

    /// How many cells hold more than white space.
    pub(super) fn filled(&self, text: &str) -> usize {
        self.cells
            .iter()
            .filter(|cell| !is_blank(&text[cell.start as usize..cell.end as usize]))
            .count()
    }

    /// Whether no cell holds more than white space.
    pub(super) fn is_blank(&self, text: &str) -> bool {
        self.cells
            .iter()
            .all(|cell| is_blank(&text[cell.start as usize..cell.end as usize]))
            && !self.has_more
    }

    /// Line breaks in the record, its own end not counted.
    pub(super) fn inner_lines(&self, text: &str) -> u64 {
        if self.has_quotes {
            line_breaks(&text.as_bytes()[..self.len])
        } else {
            0
        }
    }

    fn push(&mut self, start: usize, end: usize, quoting: Quoting) {
        if self.cells.len() == MAX_COLUMNS {
            self.has_more |= start < end;
            return;
        }
        self.cells.push(Cell {
            start: start as u32,
            end: end as u32,
            quoting,
        });
    }

    fn note(&mut self, code: Code) {
        let cell = self.cells.len() as u32;
        // A quotation mark that is never closed weighs more than one that is merely not doubled.
        if self
            .problem
            .is_none_or(|(known, _)| known == Code::QuoteStray)
        {
            self.problem = Some((code, cell));
        }
    }

    /// Ends the record at a line end or at the end of the text.
    fn finish(&mut self, text: &[u8], end: usize, is_whole: bool) -> Scan {
        self.len = end;
        self.next = match (text.get(end), text.get(end + 1)) {
            (Some(b'\r'), Some(b'\n')) => end + 2,
            (Some(b'\r'), None) if !is_whole => return Scan::Incomplete,
            (Some(_), _) => end + 1,
            (None, _) => end,
        };
        Scan::Record
    }
}

/// Whether a cell shows nothing; the end-of-file mark of DOS counts as nothing.
pub(super) fn is_blank(cell: &str) -> bool {
    cell.bytes()
        .next()
        .is_none_or(|first| first <= b' ' || !first.is_ascii())
        && cell
            .chars()
            .all(|character| character.is_whitespace() || character.is_control())
}

/// Line breaks of any kind; a CR LF is one.
pub(super) fn line_breaks(text: &[u8]) -> u64 {
    let mut breaks = 0;
    let mut from = 0;
    while let Some(at) = memchr2(b'\n', b'\r', &text[from..]) {
        let is_pair = text[from + at] == b'\r' && text.get(from + at + 1) == Some(&b'\n');
        from += at + 1 + usize::from(is_pair);
        breaks += 1;
    }
    breaks
}

enum Quoted {
    Incomplete,
    /// Text from after the opening quotation mark to `end`, then only blanks up to `after`.
    Closed {
        end: usize,
        after: usize,
        quoting: Quoting,
        is_stray: bool,
    },
    /// The cell is to be read as it stands, its quotation marks included, up to the first delimiter from `bare_from` on.
    Literal {
        bare_from: usize,
        code: Code,
    },
}

/// Finds the end of the cell whose opening quotation mark stands at `open`.
///
/// A quotation mark closes the cell when the cell ends after it. One that neither closes it nor is doubled tells that
/// somebody forgot to double or to close: if it looks like the opening of another cell, or if lines were passed on the
/// way to it, the cell was never closed; if the line goes on to a mark that does close, it is part of the text.
fn quoted(text: &[u8], open: usize, delimiter: u8, is_whole: bool) -> Quoted {
    let unclosed = Quoted::Literal {
        bare_from: open + 1,
        code: Code::QuoteUnclosed,
    };
    let (mut quoting, mut is_stray) = (Quoting::Verbatim, false);
    let mut from = open + 1;
    loop {
        let limit = text.len().min(open + MAX_CELL_BYTES);
        let Some(quote) = memchr(QUOTE, &text[from.min(limit)..limit]).map(|at| from + at) else {
            return if is_whole || limit < text.len() {
                unclosed
            } else {
                Quoted::Incomplete
            };
        };
        if text.get(quote + 1) == Some(&QUOTE) {
            quoting = Quoting::Doubled;
            from = quote + 2;
            continue;
        }
        match cell_end(text, quote + 1, delimiter, is_whole) {
            CellEnd::At(after) => {
                return Quoted::Closed {
                    end: quote,
                    after,
                    quoting,
                    is_stray,
                };
            }
            CellEnd::Incomplete => return Quoted::Incomplete,
            CellEnd::No => {}
        }
        let before = text[quote - 1];
        let opens_a_cell =
            quote > open + 1 && (before == delimiter || matches!(before, b'\n' | b'\r'));
        if opens_a_cell {
            return unclosed;
        }
        match closes_on_this_line(text, quote + 1, delimiter, is_whole, limit) {
            None => return Quoted::Incomplete,
            Some(true) => {
                is_stray = true;
                from = quote + 1;
            }
            Some(false) if memchr2(b'\n', b'\r', &text[open..quote]).is_some() => return unclosed,
            Some(false) => {
                return Quoted::Literal {
                    bare_from: quote + 1,
                    code: Code::QuoteStray,
                };
            }
        }
    }
}

enum CellEnd {
    At(usize),
    No,
    Incomplete,
}

/// Whether a cell ends at `from`, blanks allowed for.
fn cell_end(text: &[u8], from: usize, delimiter: u8, is_whole: bool) -> CellEnd {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t') && *byte != delimiter;
    let after = from
        + text[from..]
            .iter()
            .take_while(|byte| is_blank(byte))
            .count();
    match text.get(after) {
        Some(byte) if *byte == delimiter || matches!(byte, b'\n' | b'\r') => CellEnd::At(after),
        Some(_) => CellEnd::No,
        None if is_whole => CellEnd::At(after),
        None => CellEnd::Incomplete,
    }
}

/// Whether a quotation mark further on in the line closes a cell, with none before it that opens one; none when that
/// cannot be seen yet.
fn closes_on_this_line(
    text: &[u8],
    from: usize,
    delimiter: u8,
    is_whole: bool,
    limit: usize,
) -> Option<bool> {
    let has_line_end = |text: &[u8]| memchr2(b'\n', b'\r', text).is_some();
    let mut from = from;
    for _ in 0..MAX_STRAY_QUOTES {
        let Some(quote) = memchr(QUOTE, &text[from..limit.max(from)]).map(|at| from + at) else {
            let is_visible = is_whole || limit < text.len() || has_line_end(&text[from..]);
            return is_visible.then_some(false);
        };
        if has_line_end(&text[from..quote]) || text[quote - 1] == delimiter {
            return Some(false);
        }
        match cell_end(text, quote + 1, delimiter, is_whole) {
            CellEnd::At(_) => return Some(true),
            CellEnd::Incomplete => return None,
            CellEnd::No => from = quote + 1,
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All records with their problems; an empty line is a record with one empty cell.
    fn records(text: &str, delimiter: u8) -> Vec<(Vec<String>, Option<Code>)> {
        let mut record = Record::default();
        let (mut found, mut from) = (Vec::new(), 0);
        while scan(&text.as_bytes()[from..], delimiter, true, &mut record) == Scan::Record {
            let rest = &text[from..];
            let cells = record
                .cells
                .iter()
                .map(|cell| record.cell(rest, *cell).into_owned())
                .collect();
            found.push((cells, record.problem.map(|(code, _)| code)));
            from += record.next;
        }
        found
    }

    fn cells(text: &str) -> Vec<Vec<String>> {
        records(text, b',')
            .into_iter()
            .map(|(cells, _)| cells)
            .collect()
    }

    #[test]
    fn quotes_line_ends_and_empty_lines_are_read_as_a_spreadsheet_reads_them() {
        assert_eq!(
            cells("a,b\r\nc,\"d,\"\"e\"\"\n\"\n\rf,"),
            [
                vec!["a", "b"],
                vec!["c", "d,\"e\"\n"],
                vec![""],
                vec!["f", ""]
            ]
        );
        assert_eq!(
            cells("\"a\" ,\" b\"\t\n5\" pipe,x"),
            [vec!["a", " b"], vec!["5\" pipe", "x"]]
        );
        assert!(records("", b',').is_empty());
    }

    #[test]
    fn a_quotation_mark_that_is_never_closed_costs_its_own_row_only() {
        let text = "1,\"Big Joe,555\n2,Sam,556\n3,Ann,557\n";
        let found = records(text, b',');
        assert_eq!(
            found[0],
            (
                vec!["1".into(), "\"Big Joe".into(), "555".into()],
                Some(Code::QuoteUnclosed)
            )
        );
        assert_eq!(found[1].0, ["2", "Sam", "556"]);
        assert_eq!((found.len(), found[2].1), (3, None));
    }

    #[test]
    fn it_is_also_found_when_later_rows_have_quotes() {
        for text in [
            "1,\"Joe,555\n2,\"Sam\",556\n",
            "\"1\",\"Joe\n\"2\",\"Sam\"\n",
            "1,\"Joe,\"555\"\n2,Sam,556\n",
        ] {
            let found = records(text, b',');
            let problems: Vec<_> = found.iter().map(|(_, problem)| *problem).collect();
            assert_eq!(problems, [Some(Code::QuoteUnclosed), None], "{text}");
        }
    }

    #[test]
    fn a_mark_that_is_not_doubled_is_part_of_the_text() {
        let found = records(
            "\"5\" pipe, black\",\"next\"\n\"Acme, Inc\" Ltd,x\n\"Joe \"Big\" Bell\",y\n",
            b',',
        );
        assert_eq!(
            found[0],
            (
                vec!["5\" pipe, black".into(), "next".into()],
                Some(Code::QuoteStray)
            )
        );
        assert_eq!(
            found[1],
            (
                vec!["\"Acme, Inc\" Ltd".into(), "x".into()],
                Some(Code::QuoteStray)
            )
        );
        assert_eq!(
            found[2],
            (
                vec!["Joe \"Big\" Bell".into(), "y".into()],
                Some(Code::QuoteStray)
            )
        );
    }

    #[test]
    fn an_endless_cell_is_given_up() {
        let text = format!("1,\"{}\n2,\"x\"\n", "note\n".repeat(MAX_CELL_BYTES / 5));
        let found = records(&text, b',');
        assert_eq!(
            found[0],
            (vec!["1".into(), "\"note".into()], Some(Code::QuoteUnclosed))
        );
        assert_eq!(found.last().unwrap().0, ["2", "x"]);
    }

    #[test]
    fn lines_inside_a_record_are_counted_once_each() {
        assert_eq!(line_breaks(b"a\r\nb\nc\rd"), 3);
    }

    proptest! {
        #[test]
        fn what_the_csv_crate_writes_reads_back_equal(
            rows in proptest::collection::vec(proptest::collection::vec("[a-z,;\"\r\n é]{0,6}", 2..5), 1..6),
            always_quoted: bool,
        ) {
            let style = if always_quoted { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary };
            let mut writer = csv::WriterBuilder::new().flexible(true).quote_style(style).from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            prop_assert_eq!(cells(&text), rows);
        }

        #[test]
        fn a_record_is_the_same_however_much_text_follows(text in "[ab,\"\n\r ]{0,40}", cut in 0..40usize) {
            let (mut whole, mut part) = (Record::default(), Record::default());
            let found = scan(text.as_bytes(), b',', true, &mut whole);
            let cut = cut.min(text.len());
            if scan(&text.as_bytes()[..cut], b',', false, &mut part) == Scan::Record {
                prop_assert_eq!(found, Scan::Record);
                prop_assert_eq!((&whole.cells, whole.next, whole.problem), (&part.cells, part.next, part.problem));
            }
        }

        #[test]
        fn any_text_is_used_up(text in "\\PC{0,60}|[,\"\n\r]{0,30}") {
            let mut record = Record::default();
            let mut from = 0;
            while scan(&text.as_bytes()[from..], b',', true, &mut record) == Scan::Record {
                prop_assert!(record.next > 0);
                from += record.next;
            }
            prop_assert_eq!(from, text.len());
        }
    }
}
