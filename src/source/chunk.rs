//! Rows in bulk: the cells of many rows in one piece of text, so that a row costs no allocation.
//!
//! The readers of this folder fill a chunk; the stages after them only look at its rows. A reader may append a whole
//! record as it stands in the file and point its cells into it, which is what makes delimited text cheap.

use std::ops::Range;
use std::sync::Arc;

use memchr::{memchr, memmem};

use crate::problem::{Code, Finding};

/// A chunk is full at this many rows: two of them with their events then fit into the cache of a core.
const MAX_ROWS: usize = 300;
/// A chunk is full at this many bytes of text, however few rows they make.
const MAX_TEXT_BYTES: usize = 1 << 20;
/// A chunk is full at this many cells, which bounds wide and mostly empty JSON records.
const MAX_CELLS: usize = 1 << 18;
/// A row this wide is kept with the columns of its cells when few of them are filled.
const MIN_SPARSE_WIDTH: usize = 64;
/// As many columns as a spreadsheet has; no row and no header keeps more.
pub(super) const MAX_COLUMNS: usize = 16_384;

/// The columns of an input by name, in the order they stand there.
///
/// JSON records may bring new columns late; their reader then hands out a longer header with the next chunk.
/// An index, once given, keeps its meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Header {
    /// Names as the file spells them, without byte order mark and surrounding white space.
    pub columns: Vec<String>,
}

impl Header {
    /// A header from the cells of its row; empty ones at the end are no columns.
    pub(super) fn new(cells: impl Iterator<Item = String>) -> Header {
        let mut columns: Vec<String> = cells.map(|cell| clean_name(&cell).to_owned()).collect();
        columns.truncate(
            columns
                .iter()
                .rposition(|name| !name.is_empty())
                .map_or(0, |last| last + 1),
        );
        Header { columns }
    }

    /// About as many bytes as the names take in memory.
    pub(crate) fn weight(&self) -> usize {
        let of = |name: &String| name.len() + size_of::<String>();
        self.columns.iter().map(of).sum()
    }

    /// Whether a row is the header again, as when files were joined end to end.
    pub(super) fn is_repeated_by<'a>(&self, cells: impl Iterator<Item = &'a str>) -> bool {
        let mut cells = cells.take(self.columns.len()).map(clean_name);
        // Nearly every row is told from the header by its first cell.
        match self.columns.split_first() {
            Some((first, others)) => cells.next() == Some(first) && cells.eq(others.iter()),
            None => cells.next().is_none(),
        }
    }
}

/// Whether so few cells of a wide row are there that their columns take less than the cells that are not.
pub(super) fn is_sparse(cells: &[(u32, Span)]) -> bool {
    let width = cells.last().map_or(0, |(column, _)| *column as usize + 1);
    width > MIN_SPARSE_WIDTH && cells.len() * 4 < width
}

fn clean_name(cell: &str) -> &str {
    if let [first, .., last] = cell.as_bytes()
        && first.is_ascii_graphic()
        && last.is_ascii_graphic()
    {
        return cell;
    }
    cell.trim_matches(|character: char| character.is_whitespace() || character == '\u{feff}')
}

/// A few hundred rows and what the reader noticed about them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chunk {
    /// The header these rows' cells are indexed by.
    pub header: Arc<Header>,
    /// What the reader noticed, rows included that it had to refuse.
    pub findings: Vec<Finding>,
    /// Blank rows, totals and footers: no data records, in no other count.
    pub rows_ignored: u64,
    text: String,
    cells: Vec<Span>,
    /// The columns of the cells of sparse rows.
    columns: Vec<u32>,
    rows: Vec<RowEntry>,
}

/// Where a piece of text lies in a chunk, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub start: u32,
    pub end: u32,
}

#[derive(Clone, Debug)]
struct RowEntry {
    number: u64,
    line: u64,
    first_cell: u32,
    /// How many cells the row has; of a sparse row most are not there.
    cells: u32,
    /// Of a sparse row: how many cells are there, and where their columns begin; nothing of a row that is not sparse.
    filled: u32,
    first_column: u32,
    record: Span,
    refused: Option<Code>,
}

/// One row of a chunk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    chunk: &'a Chunk,
    entry: &'a RowEntry,
}

impl Chunk {
    /// The rows, in file order, those included that the reader refused.
    pub(crate) fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        self.rows.iter().map(|entry| Row { chunk: self, entry })
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// About as many bytes as the chunk takes in memory.
    pub(crate) fn weight(&self) -> usize {
        self.text.len()
            + self.cells.len() * size_of::<Span>()
            + self.columns.len() * size_of::<u32>()
            + self.rows.len() * size_of::<RowEntry>()
    }

    /// Gives back the memory that is not in use, before the chunk is kept for long.
    pub(crate) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.cells.shrink_to_fit();
        self.columns.shrink_to_fit();
        self.rows.shrink_to_fit();
    }

    /// Some of its rows as a chunk of their own, without what the reader noticed. The ignored rows come with the first.
    pub(crate) fn part(&self, rows: Range<usize>) -> Chunk {
        let mut part = Chunk {
            header: Arc::clone(&self.header),
            rows_ignored: if rows.start == 0 {
                self.rows_ignored
            } else {
                0
            },
            ..Chunk::default()
        };
        for row in &self.rows[rows] {
            part.add_copy(self, row);
        }
        part
    }

    fn add_copy(&mut self, from: &Chunk, row: &RowEntry) {
        let copied = |span: &Span, text: &mut String| {
            let start = text.len() as u32;
            text.push_str(&from.text[span.start as usize..span.end as usize]);
            Span {
                start,
                end: text.len() as u32,
            }
        };
        let slice = |first: u32, count: u32| first as usize..(first + count) as usize;
        let there = if row.filled > 0 {
            row.filled
        } else {
            row.cells
        };
        let record = copied(&row.record, &mut self.text);
        self.rows.push(RowEntry {
            first_cell: self.cells.len() as u32,
            first_column: self.columns.len() as u32,
            record,
            ..row.clone()
        });
        for span in &from.cells[slice(row.first_cell, there)] {
            self.cells.push(copied(span, &mut self.text));
        }
        let columns = &from.columns[slice(row.first_column, row.filled)];
        self.columns.extend_from_slice(columns);
    }

    /// Drops all but the first so many rows.
    pub(crate) fn truncate(&mut self, rows: usize) {
        self.rows.truncate(rows);
    }

    /// Empties the chunk and keeps its buffers.
    pub(crate) fn clear(&mut self) {
        self.findings.clear();
        self.rows_ignored = 0;
        self.text.clear();
        self.cells.clear();
        self.columns.clear();
        self.rows.clear();
    }

    #[cfg(test)]
    /// Appends a row from its cells; its line is taken to be its number.
    pub(crate) fn push<'a>(
        &mut self,
        number: u64,
        refused: Option<Code>,
        cells: impl IntoIterator<Item = &'a str>,
    ) {
        self.begin_row(number, number);
        for cell in cells {
            self.push_cell(cell);
        }
        self.end_row();
        if let Some(row) = self.rows.last_mut() {
            row.refused = refused;
        }
    }

    /// Whether a reader should hand the chunk over before it adds another row.
    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= MAX_ROWS
            || self.text.len() >= MAX_TEXT_BYTES
            || self.cells.len() >= MAX_CELLS
    }

    /// Whether there is anything to hand over: rows, findings or ignored rows.
    pub(super) fn has_news(&self) -> bool {
        !self.is_empty() || !self.findings.is_empty() || self.rows_ignored > 0
    }

    /// Opens a row; the cells pushed until [`end_row`](Chunk::end_row) are its own.
    pub(super) fn begin_row(&mut self, number: u64, line: u64) {
        let first_cell = self.cells.len() as u32;
        self.rows.push(RowEntry {
            number,
            line,
            first_cell,
            cells: 0,
            filled: 0,
            first_column: 0,
            record: Span::default(),
            refused: None,
        });
    }

    /// Closes the row that was opened last.
    pub(super) fn end_row(&mut self) {
        if let Some(row) = self.rows.last_mut() {
            row.cells = self.cells.len() as u32 - row.first_cell;
        }
    }

    /// Gives the row that was opened last its cells, and closes it: the filled ones, in the order of their columns, their
    /// text counted from `base`.
    pub(super) fn push_filled(&mut self, base: u32, cells: &[(u32, Span)]) {
        let is_sparse = is_sparse(cells);
        let mut width = 0;
        for (column, span) in cells {
            if !is_sparse {
                self.cells.extend((width..*column).map(|_| Span::default()));
            }
            width = column + 1;
            self.push_span(Span {
                start: base + span.start,
                end: base + span.end,
            });
        }
        if !is_sparse {
            return self.end_row();
        }
        if let Some(row) = self.rows.last_mut() {
            row.first_column = self.columns.len() as u32;
            row.filled = self.cells.len() as u32 - row.first_cell;
            row.cells = width;
            self.columns.extend(cells.iter().map(|(column, _)| *column));
        }
    }

    /// Appends text that cells or a record are about to point into; gives where it starts.
    pub(super) fn push_text(&mut self, text: &str) -> u32 {
        let start = self.text.len() as u32;
        self.text.push_str(text);
        start
    }

    /// Appends the unescaped inside of a quoted cell, doubled quotes made single.
    pub(super) fn push_unescaped(&mut self, quoted: &str) -> Span {
        let start = self.text.len() as u32;
        let mut rest = quoted;
        while let Some(quote) = rest.find("\"\"") {
            self.text.push_str(&rest[..=quote]);
            rest = &rest[quote + 2..];
        }
        self.text.push_str(rest);
        Span {
            start,
            end: self.text.len() as u32,
        }
    }

    #[cfg(test)]
    /// Appends a cell to the open row with its own text.
    pub(super) fn push_cell(&mut self, text: &str) {
        let start = self.push_text(text);
        self.push_span(Span {
            start,
            end: self.text.len() as u32,
        });
    }

    /// Appends a cell to the open row that points to text already there.
    pub(super) fn push_span(&mut self, span: Span) {
        self.cells.push(span);
    }

    /// Keeps the open row's text as its file has it.
    pub(super) fn set_record(&mut self, record: &str) {
        let start = self.push_text(record);
        let end = self.text.len() as u32;
        if let Some(row) = self.rows.last_mut() {
            row.record = Span { start, end };
        }
    }

    /// Refuses the row that was opened last; the first reason stands.
    pub(super) fn refuse(&mut self, code: Code, column: Option<u32>) {
        if let Some(row) = self.rows.last_mut() {
            let number = row.number;
            row.refused.get_or_insert(code);
            self.note(code, number, column);
        }
    }

    /// Adds a finding with the severity of its code.
    pub(super) fn note(&mut self, code: Code, row: u64, column: Option<u32>) {
        self.findings.push(Finding {
            code,
            severity: code.severity(),
            row,
            field: None,
            column,
        });
    }

    /// The cells of the row that was opened last.
    pub(super) fn last_row(&self) -> Option<Row<'_>> {
        self.rows.last().map(|entry| Row { chunk: self, entry })
    }

    /// The first row with a character beyond ASCII.
    pub(super) fn first_row_beyond_ascii(&self) -> Option<u64> {
        self.rows()
            .find(|row| !row.cells().all(str::is_ascii))
            .map(Row::number)
    }

    /// Gives up the row that was opened last: it turned out to be no record.
    pub(super) fn drop_row(&mut self) {
        if let Some(row) = self.rows.pop() {
            self.cells.truncate(row.first_cell as usize);
            self.rows_ignored += 1;
        }
    }

    /// Cuts the last row's cells down to the header's columns.
    pub(super) fn truncate_row(&mut self, columns: usize) {
        if let Some(row) = self.rows.last_mut() {
            row.cells = row.cells.min(columns as u32);
            self.cells.truncate((row.first_cell + row.cells) as usize);
        }
    }

    /// Cuts bytes off the end of a cell, by its index among all cells, when a reader learns more about it later.
    pub(super) fn shorten_cell(&mut self, cell: usize, bytes: u32) {
        if let Some(span) = self.cells.get_mut(cell) {
            span.end = span.end.saturating_sub(bytes).max(span.start);
        }
    }

    /// How many cells all rows have together, which is the index of the next one.
    pub(super) fn cell_count(&self) -> usize {
        self.cells.len()
    }

    /// Moves a cell, by its index among all cells, to other text of the chunk.
    pub(super) fn move_cell(&mut self, cell: usize, to: Span) {
        if let Some(span) = self.cells.get_mut(cell) {
            *span = to;
        }
    }

    /// Takes NUL characters out of the cells, and notes them and the letters that were lost before the file got here.
    pub(super) fn clean(&mut self) {
        let (has_nul, has_lost) = (
            memchr(0, self.text.as_bytes()).is_some(),
            memmem::find(self.text.as_bytes(), "\u{fffd}".as_bytes()).is_some(),
        );
        if !has_nul && !has_lost {
            return;
        }
        for row in &self.rows {
            let there = if row.filled > 0 {
                row.filled
            } else {
                row.cells
            };
            for index in 0..there {
                let column = match row.filled {
                    0 => index,
                    _ => self.columns[(row.first_column + index) as usize],
                };
                let span = &mut self.cells[(row.first_cell + index) as usize];
                let cell = &self.text[span.start as usize..span.end as usize];
                let mut note = |code: Code| {
                    let (severity, column) = (code.severity(), Some(column));
                    self.findings.push(Finding {
                        code,
                        severity,
                        row: row.number,
                        field: None,
                        column,
                    });
                };
                if has_lost && cell.contains(char::REPLACEMENT_CHARACTER) {
                    note(Code::TextUndecodable);
                }
                if has_nul && cell.contains('\0') {
                    note(Code::NulRemoved);
                    let clean = cell.replace('\0', "");
                    let start = self.text.len() as u32;
                    self.text.push_str(&clean);
                    *span = Span {
                        start,
                        end: self.text.len() as u32,
                    };
                }
            }
        }
    }
}

impl<'a> Row<'a> {
    /// The row a person finds in a spreadsheet: 1-based, the header of a CSV is row 1; for JSON the 1-based record.
    pub(crate) fn number(self) -> u64 {
        self.entry.number
    }

    /// The 1-based line of the file on which the row starts; for XLSX the row's number.
    pub(crate) fn line(self) -> u64 {
        self.entry.line
    }

    /// Why the reader refused the row, if it did. Its cells are then only good for the rejects file.
    pub(crate) fn refused(self) -> Option<Code> {
        self.entry.refused
    }

    /// A JSON record as its file has it, when [`Settings::keep_records`](super::Settings) asked for it.
    pub(crate) fn record(self) -> Option<&'a str> {
        let Span { start, end } = self.entry.record;
        (start < end).then(|| &self.chunk.text[start as usize..end as usize])
    }

    /// How many cells the row has; fewer than the header has columns when the rest are empty.
    pub(crate) fn len(self) -> usize {
        self.entry.cells as usize
    }

    /// The text of a column's cell as the file has it; empty where the row is too short.
    #[inline]
    pub(crate) fn cell(self, column: u32) -> &'a str {
        if column >= self.entry.cells {
            return "";
        }
        let index = match self.entry.filled {
            0 => column,
            _ => match self.index_of(column) {
                Some(index) => index,
                None => return "",
            },
        };
        let Span { start, end } = self.chunk.cells[(self.entry.first_cell + index) as usize];
        &self.chunk.text[start as usize..end as usize]
    }

    /// Where the cell of a column of a sparse row is among those that are there.
    #[cold]
    fn index_of(self, column: u32) -> Option<u32> {
        let first = self.entry.first_column as usize;
        let columns = &self.chunk.columns[first..first + self.entry.filled as usize];
        Some(columns.binary_search(&column).ok()? as u32)
    }

    /// All cells of the row in order.
    pub(crate) fn cells(self) -> impl ExactSizeIterator<Item = &'a str> + Clone {
        (0..self.entry.cells).map(move |column| self.cell(column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_found_by_column_and_short_rows_end_in_empty_ones() {
        let mut chunk = Chunk::default();
        chunk.push(2, None, ["a", "", "ç"]);
        chunk.push(3, Some(Code::RowTooLong), ["only"]);
        let rows: Vec<_> = chunk
            .rows()
            .map(|row| (row.number(), row.cell(0), row.cell(1), row.cell(2)))
            .collect();
        assert_eq!(rows, [(2, "a", "", "ç"), (3, "only", "", "")]);
        assert_eq!(
            chunk.rows().nth(1).unwrap().refused(),
            Some(Code::RowTooLong)
        );
    }

    #[test]
    fn nul_characters_leave_a_cell_and_lost_letters_stay_visible_both_with_a_finding() {
        let mut chunk = Chunk::default();
        chunk.push(2, None, ["plain", "A\0va\0", "J\u{fffd}rgen"]);
        chunk.clean();
        let row = chunk.rows().next().unwrap();
        assert_eq!(
            row.cells().collect::<Vec<_>>(),
            ["plain", "Ava", "J\u{fffd}rgen"]
        );
        let found: Vec<_> = chunk
            .findings
            .iter()
            .map(|finding| (finding.code, finding.row, finding.column))
            .collect();
        assert_eq!(
            found,
            [
                (Code::NulRemoved, 2, Some(1)),
                (Code::TextUndecodable, 2, Some(2))
            ]
        );
    }

    #[test]
    fn a_sparse_row_reads_as_a_dense_one() {
        let mut chunk = Chunk::default();
        chunk.push(2, None, ["dense", "b"]);
        chunk.begin_row(3, 3);
        let base = chunk.push_text("firstmiddlel\0ast");
        let cell = |column, start, end| (column, Span { start, end });
        let cells = [cell(0, 0, 5), cell(700, 5, 11), cell(16_383, 11, 16)];
        chunk.push_filled(base, &cells);
        chunk.push(4, None, ["dense", "d"]);
        chunk.clean();
        let rows: Vec<_> = chunk.rows().collect();
        let sparse = rows[1];
        assert_eq!((sparse.len(), sparse.cells().count()), (16_384, 16_384));
        let cells = [0, 1, 700, 16_383, 16_384].map(|column| sparse.cell(column));
        assert_eq!(cells, ["first", "", "middle", "last", ""]);
        assert_eq!((rows[0].cell(1), rows[2].cell(1)), ("b", "d"));
        let found: Vec<_> = chunk
            .findings
            .iter()
            .map(|found| (found.code, found.column))
            .collect();
        assert_eq!(found, [(Code::NulRemoved, Some(16_383))]);
    }

    #[test]
    fn a_dropped_row_leaves_no_cells_behind() {
        let mut chunk = Chunk::default();
        chunk.push(2, None, ["a", "b"]);
        chunk.push(3, None, ["Grand Totals"]);
        chunk.drop_row();
        chunk.push(4, None, ["c"]);
        let rows: Vec<Vec<_>> = chunk.rows().map(|row| row.cells().collect()).collect();
        assert_eq!(
            (rows, chunk.rows_ignored),
            (vec![vec!["a", "b"], vec!["c"]], 1)
        );
    }

    #[test]
    fn doubled_quotes_become_single_ones() {
        let mut chunk = Chunk::default();
        chunk.begin_row(1, 1);
        let span = chunk.push_unescaped("Date entered \"\"Won\"\"");
        chunk.push_span(span);
        chunk.end_row();
        assert_eq!(chunk.rows().next().unwrap().cell(0), "Date entered \"Won\"");
    }
}
