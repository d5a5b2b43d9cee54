//! The table that the rows of a sheet make, once its header is known.
//!
//! In go rows with the cells they have, out come chunks. What only a whole column can tell is settled at the end:
//! whether 00:00:00 is a time or the lack of one, and whether long numbers have their last digits.

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::chunk::{Chunk, Header, Span, is_sparse};
use super::super::delimiter::rows_above_header;
use super::super::footer::{self, Footers};
use super::super::record::is_blank;
use super::parts::TooMuch;
use super::value::{Exact, Value};
use crate::problem::Code;

/// How many rows are held back, to find the header among the first and the end of a report among the last.
const ROWS_HELD_BACK: usize = 50;
/// What the cells of all rows may take in memory.
pub(super) const MAX_KEPT_BYTES: usize = 256 << 20;
/// The bytes of `T00:00:00`.
const MIDNIGHT_BYTES: u32 = 9;
/// So many numbers that all fit a float, though most of their size do not, went through one.
const TELLING_FLOATS: u32 = 12;

/// A row while its cells come in.
#[derive(Default)]
pub(super) struct SheetRow {
    pub number: u64,
    text: String,
    /// Columns and texts, by columns once the row is complete.
    cells: Vec<(u32, Span)>,
    errors: Vec<u32>,
    /// Columns with a time of day, and columns where it is 00:00:00.
    timed: Vec<u32>,
    midnights: Vec<u32>,
    /// Columns of long numbers, and what their own texts say.
    long: Vec<(u32, Option<(Span, Exact)>)>,
}

impl SheetRow {
    fn clear(&mut self) {
        self.text.clear();
        self.cells.clear();
        self.errors.clear();
        self.timed.clear();
        self.midnights.clear();
        self.long.clear();
    }

    pub(super) fn text_bytes(&self) -> usize {
        self.text.len() + self.cells.len() * size_of::<(u32, Span)>()
    }

    /// Notes a cell after the last one that cannot be read.
    pub(super) fn add_senseless(&mut self) {
        let column = self.cells.last().map_or(0, |(column, _)| column + 1);
        self.errors.push(column);
    }

    /// Adds a cell, and gives whether it is a number too long to be shown whole.
    pub(super) fn add(&mut self, column: u32, append: impl FnOnce(&mut String) -> Value) -> bool {
        let start = self.text.len() as u32;
        let value = append(&mut self.text);
        match value {
            Value::Text | Value::Long => {}
            Value::Midnight => self.midnights.push(column),
            Value::Timed => self.timed.push(column),
            Value::Error => self.errors.push(column),
        }
        let end = self.text.len() as u32;
        if start < end {
            self.cells.push((column, Span { start, end }));
        }
        value == Value::Long
    }

    /// Keeps what the text of the long number added last says.
    pub(super) fn add_exact(&mut self, column: u32, text: Option<&str>) {
        let exact = text.and_then(Exact::of).map(|(digits, exact)| {
            let start = self.text.len() as u32;
            self.text.push_str(digits);
            let end = self.text.len() as u32;
            (Span { start, end }, exact)
        });
        self.long.push((column, exact));
    }

    /// Brings the cells into the order of their columns; of several in one column the last counts.
    fn complete(&mut self) {
        let is_sorted = self.cells.is_sorted_by(|left, right| left.0 < right.0);
        if !is_sorted {
            self.cells.sort_by_key(|(column, _)| *column);
            self.cells.reverse();
            self.cells.dedup_by_key(|(column, _)| *column);
            self.cells.reverse();
        }
    }

    fn width(&self) -> usize {
        self.cells
            .last()
            .map_or(0, |(column, _)| *column as usize + 1)
    }

    fn cell(&self, column: u32) -> &str {
        let place = self
            .cells
            .binary_search_by_key(&column, |(column, _)| *column);
        place.map_or("", |place| self.text_of(&self.cells[place]))
    }

    fn text_of(&self, (_, span): &(u32, Span)) -> &str {
        &self.text[span.start as usize..span.end as usize]
    }

    /// The cells up to the last one, those that are not there empty.
    fn cells(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        (0..self.width() as u32).map(|column| self.cell(column))
    }

    fn filled(&self) -> impl Iterator<Item = &(u32, Span)> {
        let is_filled = |cell: &&(u32, Span)| !is_blank(self.text_of(cell));
        self.cells.iter().filter(is_filled)
    }

    fn is_blank(&self) -> bool {
        self.errors.is_empty() && self.filled().next().is_none()
    }
}

/// The table so far.
#[derive(Default)]
pub(super) struct Table {
    held_back: VecDeque<SheetRow>,
    pub header: Arc<Header>,
    pub rows_above_header: u64,
    pub chunks: VecDeque<Chunk>,
    footers: Footers,
    /// The number of the row that was taken last.
    last: u64,
    columns: Vec<Column>,
    kept_bytes: usize,
}

/// What is only known about a column at its end.
#[derive(Default)]
struct Column {
    has_times: bool,
    /// Chunk and cell of each 00:00:00, as long as there is nothing else.
    midnights: Vec<(u32, u32)>,
    long: LongColumn,
}

/// Whether the long numbers of a column have their last digits.
///
/// Excel keeps 15 digits and writes zeros for the rest, so other digits there show that the numbers were written by
/// something that keeps them. Something else that keeps them in floats gives itself away by even numbers only.
#[derive(Default)]
struct LongColumn {
    has_last_digits: bool,
    has_other_than_floats: bool,
    beyond_floats: u32,
    /// Chunk, cell, the digits, and whether a float could be all that is left of them.
    cells: Vec<(u32, u32, Span, bool)>,
}

impl LongColumn {
    fn add(&mut self, place: (u32, u32), span: Span, exact: Exact) {
        self.has_last_digits |= exact.has_last_digits;
        self.has_other_than_floats |= exact.is_beyond_floats && !exact.is_float;
        self.beyond_floats += u32::from(exact.is_beyond_floats);
        self.cells
            .push((place.0, place.1, span, exact.is_beyond_floats));
    }

    /// The cells whose digits are those that were meant.
    fn known(&self) -> impl Iterator<Item = (u32, u32, Span)> + '_ {
        let went_through_floats =
            !self.has_other_than_floats && self.beyond_floats >= TELLING_FLOATS;
        self.cells
            .iter()
            .filter(move |(.., is_beyond)| {
                self.has_last_digits && !(went_through_floats && *is_beyond)
            })
            .map(|(chunk, cell, span, _)| (*chunk, *cell, *span))
    }
}

impl Table {
    /// Adds a row; gives back an empty one to be filled next.
    pub(super) fn add(&mut self, mut row: SheetRow) -> Result<SheetRow, TooMuch> {
        row.complete();
        let mut free = row;
        if !free.is_blank() {
            self.kept_bytes += free.text_bytes();
            if self.kept_bytes > MAX_KEPT_BYTES {
                return Err("rows of more than 256 MB");
            }
            self.held_back.push_back(std::mem::take(&mut free));
            if self.held_back.len() > ROWS_HELD_BACK {
                free = self.take().unwrap_or_default();
            }
        }
        free.clear();
        Ok(free)
    }

    pub(super) fn finish(&mut self) {
        while self.take().is_some() {}
        for column in self.columns.drain(..) {
            for &(chunk, cell) in column.midnights.iter().filter(|_| !column.has_times) {
                self.chunks[chunk as usize].shorten_cell(cell as usize, MIDNIGHT_BYTES);
            }
            for (chunk, cell, digits) in column.long.known() {
                self.chunks[chunk as usize].move_cell(cell as usize, digits);
            }
        }
        for chunk in &mut self.chunks {
            chunk.header = Arc::clone(&self.header);
            chunk.clean();
        }
    }

    /// Moves the first row held back into the table.
    fn take(&mut self) -> Option<SheetRow> {
        if self.header.columns.is_empty() {
            self.find_header();
        }
        let row = self.held_back.pop_front()?;
        let mut chunk = match self.chunks.pop_back() {
            Some(chunk) if !chunk.is_full() => chunk,
            full => {
                self.chunks.extend(full.map(|mut chunk| {
                    chunk.shrink();
                    chunk
                }));
                Chunk::default()
            }
        };
        let blank_rows = row.number.saturating_sub(self.last + 1);
        chunk.rows_ignored += blank_rows;
        if blank_rows > 0 {
            self.footers.blank();
        }
        self.last = row.number;
        self.push(&row, &mut chunk);
        self.chunks.push_back(chunk);
        Some(row)
    }

    fn push(&mut self, row: &SheetRow, chunk: &mut Chunk) {
        let columns = self.header.columns.len();
        let notice_follows = || {
            let mut next = self.held_back.iter().take(footer::NOTICE_WITHIN_LINES);
            next.any(|row| row.cells().next().is_some_and(footer::is_notice))
        };
        if self.header.is_repeated_by(row.cells())
            || self.footers.is_footer(columns, row.cells(), notice_follows)
        {
            chunk.rows_ignored += 1;
            return;
        }
        let (base, first) = (chunk.push_text(&row.text), chunk.cell_count() as u32);
        let there = row
            .cells
            .partition_point(|(column, _)| (*column as usize) < columns);
        let cells = &row.cells[..there];
        chunk.begin_row(row.number, row.number);
        chunk.push_filled(base, cells);
        for column in row
            .errors
            .iter()
            .filter(|column| (**column as usize) < columns)
        {
            chunk.note(Code::CellError, row.number, Some(*column));
        }
        self.watch(row, base, |column| {
            let place = cells
                .binary_search_by_key(&column, |(column, _)| *column)
                .ok()?;
            let is_sparse = is_sparse(cells);
            Some(first + if is_sparse { place as u32 } else { column })
        });
    }

    /// Notes what the columns of a row tell. The row's text begins at `base`; `cell` finds a column's cell in the chunk.
    fn watch(&mut self, row: &SheetRow, base: u32, cell: impl Fn(u32) -> Option<u32>) {
        let chunk = self.chunks.len() as u32;
        for column in &row.timed {
            let column = self.column(*column);
            column.has_times = true;
            column.midnights = Vec::new();
        }
        for column in &row.midnights {
            let Some(cell) = cell(*column) else { continue };
            let column = self.column(*column);
            if !column.has_times {
                column.midnights.push((chunk, cell));
            }
        }
        for (column, exact) in &row.long {
            let (Some(cell), Some((span, exact))) = (cell(*column), exact) else {
                continue;
            };
            let span = Span {
                start: base + span.start,
                end: base + span.end,
            };
            self.column(*column).long.add((chunk, cell), span, *exact);
        }
    }

    fn column(&mut self, column: u32) -> &mut Column {
        let position = column as usize;
        if self.columns.len() <= position {
            self.columns.resize_with(position + 1, Column::default);
        }
        &mut self.columns[position]
    }

    fn find_header(&mut self) {
        let filled: Vec<usize> = self
            .held_back
            .iter()
            .map(|row| row.filled().count())
            .collect();
        self.held_back.drain(..rows_above_header(&filled));
        if let Some(row) = self.held_back.pop_front() {
            self.header = Arc::new(Header::new(row.cells().map(str::to_owned)));
            self.rows_above_header = row.number.saturating_sub(1);
            self.last = row.number;
        }
    }
}
