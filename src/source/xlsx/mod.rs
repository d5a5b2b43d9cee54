//! Rows of a workbook's sheet.
//!
//! In go the bytes of a workbook, read whole because its parts lie scattered in an archive; out come a header and
//! chunks of rows with the numbers the spreadsheet shows. The first visible sheet that holds anything is read, unless
//! one is named; titles above the header are skipped. Formulas count with the result that was saved, errors as nothing.

mod value;

use std::collections::VecDeque;
use std::io::{Cursor, Read};
use std::sync::Arc;

use calamine::{Reader, SheetType, SheetVisible, Xlsx, XlsxError};

use super::bytes::Bytes;
use super::chunk::{Chunk, Header, MAX_COLUMNS, Span};
use super::delimiter::rows_above_header;
use super::error::{OpenError, ReadError};
use super::footer::{self, Footers};
use super::input::Input;
use super::record::is_blank;
use crate::problem::Code;
use value::Value;

/// How many rows are held back, to find the header among the first and the end of a report among the last.
const ROWS_HELD_BACK: usize = 50;

/// The bytes of `T00:00:00`.
const MIDNIGHT_BYTES: u32 = 9;

/// A sheet, read.
pub(super) struct Sheet {
    pub header: Arc<Header>,
    pub chunks: VecDeque<Chunk>,
    pub name: String,
    pub rows_above_header: u64,
    /// Visible and hidden sheets that were passed over.
    pub others: Vec<String>,
    pub hidden: Vec<String>,
}

/// Reads a sheet of a workbook, the one named if one is.
pub(super) fn open(
    input: &Input,
    mut bytes: Bytes,
    asked: Option<&str>,
) -> Result<Sheet, OpenError> {
    let mut all = Vec::new();
    bytes
        .read_to_end(&mut all)
        .map_err(|error| ReadError::new(input, false, 0, error))?;
    let unreadable = |error: XlsxError| {
        let reason = error
            .to_string()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned();
        OpenError::Workbook {
            input: input.clone(),
            reason,
        }
    };
    let mut workbook = Xlsx::new(Cursor::new(all)).map_err(unreadable)?;
    let (mut visible, mut hidden) = (Vec::new(), Vec::new());
    for sheet in workbook.sheets_metadata() {
        match (sheet.typ, sheet.visible) {
            (SheetType::WorkSheet, SheetVisible::Visible) => visible.push(sheet.name.clone()),
            (SheetType::WorkSheet, _) => hidden.push(sheet.name.clone()),
            _ => {}
        }
    }
    let candidates = match asked {
        None => visible.clone(),
        Some(asked) => {
            let all = || visible.iter().chain(&hidden);
            let same = |name: &&String| name.trim().to_lowercase() == asked.trim().to_lowercase();
            match all()
                .find(|name| *name == asked)
                .or_else(|| all().find(same))
            {
                Some(name) => vec![name.clone()],
                None => {
                    let sheets = all()
                        .map(|name| format!("{name:?}"))
                        .collect::<Vec<_>>()
                        .join(", ");
                    return Err(OpenError::NoSheet {
                        input: input.clone(),
                        asked: asked.to_owned(),
                        sheets,
                    });
                }
            }
        }
    };
    for name in candidates {
        let table = read_sheet(&mut workbook, &name).map_err(unreadable)?;
        if !table.header.columns.is_empty() {
            visible.retain(|other| *other != name);
            hidden.retain(|other| *other != name);
            let Table {
                header,
                chunks,
                rows_above_header,
                ..
            } = table;
            return Ok(Sheet {
                header,
                chunks,
                name,
                rows_above_header,
                others: visible,
                hidden,
            });
        }
    }
    Err(OpenError::NoRows {
        input: input.clone(),
    })
}

fn read_sheet(workbook: &mut Xlsx<Cursor<Vec<u8>>>, name: &str) -> Result<Table, XlsxError> {
    let is_1904 = workbook.has_1904_epoch();
    let mut cells = workbook.worksheet_cells_reader(name)?;
    let day_only = |style: &calamine::Style| {
        style
            .number_format
            .as_ref()
            .is_some_and(|format| value::shows_day_only(&format.format_code))
    };
    let shows_day_only: Vec<bool> = cells.styles().iter().map(day_only).collect();
    let (mut table, mut row) = (Table::default(), SheetRow::default());
    loop {
        let (cell, style) = match cells.next_cell_with_style_id() {
            Ok(Some(cell)) => cell,
            Ok(None) => break,
            Err(
                error @ (XlsxError::Xml(_)
                | XlsxError::XmlEof(_)
                | XlsxError::Io(_)
                | XlsxError::Zip(_)),
            ) => {
                return Err(error);
            }
            // The cell makes no sense, the sheet goes on after it.
            Err(_) => {
                row.errors.push(row.cells.len() as u32);
                continue;
            }
        };
        let (number, column) = (u64::from(cell.get_position().0) + 1, cell.get_position().1);
        if number != row.number {
            row = table.add(row);
            row.number = number;
        }
        // A cell said to lie beyond a spreadsheet's width is damage.
        if (column as usize) < MAX_COLUMNS {
            let shows_day_only = shows_day_only.get(style).copied().unwrap_or(false);
            row.add(column, |text| {
                value::append(cell.get_value(), shows_day_only, is_1904, text)
            });
        }
    }
    table.add(row);
    table.finish();
    Ok(table)
}

/// A row while its cells come in.
#[derive(Default)]
struct SheetRow {
    number: u64,
    text: String,
    cells: Vec<Span>,
    errors: Vec<u32>,
    /// Columns with a time of day, and columns where it is 00:00:00.
    timed: Vec<u32>,
    midnights: Vec<u32>,
}

impl SheetRow {
    fn clear(&mut self) {
        self.text.clear();
        self.cells.clear();
        self.errors.clear();
        self.timed.clear();
        self.midnights.clear();
    }

    fn add(&mut self, column: u32, append: impl FnOnce(&mut String) -> Value) {
        let start = self.text.len() as u32;
        match append(&mut self.text) {
            Value::Text => {}
            Value::Midnight => self.midnights.push(column),
            Value::Timed => self.timed.push(column),
            Value::Error => self.errors.push(column),
        }
        let end = self.text.len() as u32;
        if start < end {
            let position = column as usize;
            if self.cells.len() <= position {
                self.cells.resize(position + 1, Span::default());
            }
            self.cells[position] = Span { start, end };
        }
    }

    fn cells(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        self.cells
            .iter()
            .map(|span| &self.text[span.start as usize..span.end as usize])
    }

    fn is_blank(&self) -> bool {
        self.errors.is_empty() && self.cells().all(is_blank)
    }
}

/// The table that rows make, once the header is known.
#[derive(Default)]
struct Table {
    held_back: VecDeque<SheetRow>,
    header: Arc<Header>,
    rows_above_header: u64,
    chunks: VecDeque<Chunk>,
    footers: Footers,
    /// The number of the row that was taken last.
    last: u64,
    columns: Vec<DateColumn>,
}

/// Whether the times of a column are times, or only what is left of days.
#[derive(Default)]
struct DateColumn {
    has_times: bool,
    /// Chunk and cell of each 00:00:00, as long as there is nothing else.
    midnights: Vec<(usize, usize)>,
}

impl Table {
    /// Adds a row; gives back an empty one to be filled next.
    fn add(&mut self, row: SheetRow) -> SheetRow {
        let mut free = row;
        if !free.is_blank() {
            self.held_back.push_back(std::mem::take(&mut free));
            if self.held_back.len() > ROWS_HELD_BACK {
                free = self.take().unwrap_or_default();
            }
        }
        free.clear();
        free
    }

    fn finish(&mut self) {
        while self.take().is_some() {}
        for column in self.columns.drain(..).filter(|column| !column.has_times) {
            for (chunk, cell) in column.midnights {
                self.chunks[chunk].shorten_cell(cell, MIDNIGHT_BYTES);
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
                self.chunks.extend(full);
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
        chunk.begin_row(row.number, row.number);
        let (base, first_cell) = (chunk.push_text(&row.text), chunk.cell_count());
        for span in row.cells.iter().take(columns) {
            chunk.push_span(Span {
                start: base + span.start,
                end: base + span.end,
            });
        }
        chunk.end_row();
        for column in row
            .errors
            .iter()
            .filter(|column| (**column as usize) < columns)
        {
            chunk.note(Code::CellError, row.number, Some(*column));
        }
        for column in &row.timed {
            let column = self.date_column(*column);
            column.has_times = true;
            column.midnights = Vec::new();
        }
        for column in row
            .midnights
            .iter()
            .filter(|column| (**column as usize) < columns)
        {
            let place = (self.chunks.len(), first_cell + *column as usize);
            let column = self.date_column(*column);
            if !column.has_times {
                column.midnights.push(place);
            }
        }
    }

    fn date_column(&mut self, column: u32) -> &mut DateColumn {
        let position = column as usize;
        if self.columns.len() <= position {
            self.columns.resize_with(position + 1, DateColumn::default);
        }
        &mut self.columns[position]
    }

    fn find_header(&mut self) {
        let filled = |row: &SheetRow| row.cells().filter(|cell| !is_blank(cell)).count();
        let filled: Vec<usize> = self.held_back.iter().map(filled).collect();
        self.held_back.drain(..rows_above_header(&filled));
        if let Some(row) = self.held_back.pop_front() {
            self.header = Arc::new(Header::new(row.cells().map(str::to_owned)));
            self.rows_above_header = row.number.saturating_sub(1);
            self.last = row.number;
        }
    }
}
