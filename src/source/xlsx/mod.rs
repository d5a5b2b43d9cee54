//! Rows of a workbook's sheet.
//!
//! In go the bytes of a workbook, read whole because its parts lie scattered in an archive; out come a header and
//! chunks of rows with the numbers the spreadsheet shows. The first visible sheet that holds anything is read, unless
//! it is like a cover of another or one is named; titles above the header are skipped. Formulas count with the result that was saved, errors as nothing.

mod parts;
mod table;
mod value;

use std::collections::VecDeque;
use std::io::{Cursor, Read};
use std::sync::Arc;

use calamine::{DataRef, Reader, SheetType, SheetVisible, Xlsx, XlsxError};

use super::bytes::Bytes;
use super::chunk::{Chunk, Header, MAX_COLUMNS};
use super::error::{OpenError, ReadError};
use super::input::Input;
use parts::{LongNumbers, TooMuch};
use table::{MAX_KEPT_BYTES, SheetRow, Table};

/// The largest workbook, as it lies on disk.
const MAX_PACKED_BYTES: u64 = 128 << 20;

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
pub(super) fn open(input: &Input, bytes: Bytes, asked: Option<&str>) -> Result<Sheet, OpenError> {
    let all = read_whole(input, bytes)?;
    let refused = |error: SheetError| error.of(input);
    let mut numbers = parts::look_through(&all).map_err(|what| refused(what.into()))?;
    let mut workbook = Xlsx::new(Cursor::new(all)).map_err(|error| refused(error.into()))?;
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
        Some(asked) => vec![named(input, asked, &[&visible[..], &hidden].concat())?],
    };
    let mut chosen: Option<(String, Table)> = None;
    for name in candidates {
        let table = read_sheet(&mut workbook, &name, &mut numbers).map_err(refused)?;
        let is_better = match &chosen {
            None => !table.header.columns.is_empty(),
            Some((_, cover)) => is_rather_the_table(&table, cover),
        };
        if is_better {
            chosen = Some((name, table));
        }
        // Only a sheet that may be a cover is worth reading another for.
        if chosen
            .as_ref()
            .is_some_and(|(_, table)| !is_like_a_cover(table))
        {
            break;
        }
    }
    let Some((name, table)) = chosen else {
        return Err(OpenError::NoRows {
            input: input.clone(),
        });
    };
    visible.retain(|other| *other != name);
    hidden.retain(|other| *other != name);
    Ok(Sheet {
        header: table.header,
        chunks: table.chunks,
        name,
        rows_above_header: table.rows_above_header,
        others: visible,
        hidden,
    })
}

/// So many columns are the fewest of a table of leads that has what it takes: who, which stage, when.
const FEWEST_COLUMNS: usize = 3;

/// Whether a sheet may be a cover: a few lines about the others, or sums of them.
fn is_like_a_cover(table: &Table) -> bool {
    table.header.columns.len() < FEWEST_COLUMNS
}

/// Whether a sheet is rather the table than one that may be its cover: wider, and longer.
fn is_rather_the_table(table: &Table, cover: &Table) -> bool {
    let rows = |table: &Table| -> usize { table.chunks.iter().map(Chunk::len).sum() };
    table.header.columns.len() >= FEWEST_COLUMNS && rows(table) > rows(cover)
}

fn read_whole(input: &Input, bytes: Bytes) -> Result<Vec<u8>, OpenError> {
    let mut all = Vec::new();
    bytes
        .take(MAX_PACKED_BYTES + 1)
        .read_to_end(&mut all)
        .map_err(|error| ReadError::new(input, false, 0, error))?;
    if all.len() as u64 > MAX_PACKED_BYTES {
        return Err(SheetError::TooMuch("more than 128 MB").of(input));
    }
    Ok(all)
}

/// The name of the sheet that is asked for, exactly or but for case and white space around it.
fn named(input: &Input, asked: &str, all: &[String]) -> Result<String, OpenError> {
    let same = |name: &&String| name.trim().to_lowercase() == asked.trim().to_lowercase();
    let exact = all.iter().find(|name| *name == asked);
    match exact.or_else(|| all.iter().find(same)) {
        Some(name) => Ok(name.clone()),
        None => {
            let sheets: Vec<String> = all.iter().map(|name| format!("{name:?}")).collect();
            Err(OpenError::NoSheet {
                input: input.clone(),
                asked: asked.to_owned(),
                sheets: sheets.join(", "),
            })
        }
    }
}

/// Why a sheet cannot be read.
enum SheetError {
    Unreadable(XlsxError),
    TooMuch(TooMuch),
}

impl SheetError {
    fn of(self, input: &Input) -> OpenError {
        let input = input.clone();
        match self {
            SheetError::TooMuch(what) => OpenError::WorkbookTooLarge { input, what },
            SheetError::Unreadable(error) => {
                let reason = error.to_string();
                let reason = reason.lines().next().unwrap_or_default().to_owned();
                OpenError::Workbook { input, reason }
            }
        }
    }
}

impl From<XlsxError> for SheetError {
    fn from(error: XlsxError) -> Self {
        SheetError::Unreadable(error)
    }
}

impl From<TooMuch> for SheetError {
    fn from(what: TooMuch) -> Self {
        SheetError::TooMuch(what)
    }
}

fn read_sheet(
    workbook: &mut Xlsx<Cursor<Vec<u8>>>,
    name: &str,
    numbers: &mut LongNumbers,
) -> Result<Table, SheetError> {
    numbers.begin_sheet();
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
                return Err(error.into());
            }
            // The cell makes no sense, the sheet goes on after it.
            Err(_) => {
                row.add_senseless();
                continue;
            }
        };
        let (number, column) = (u64::from(cell.get_position().0) + 1, cell.get_position().1);
        if number != row.number {
            row = table.add(row)?;
            row.number = number;
        }
        // A cell said to lie beyond a spreadsheet's width is damage.
        if (column as usize) < MAX_COLUMNS {
            let shows_day_only = shows_day_only.get(style).copied().unwrap_or(false);
            let is_long = row.add(column, |text| {
                value::append(cell.get_value(), shows_day_only, is_1904, text)
            });
            if let (true, DataRef::Float(number)) = (is_long, cell.get_value()) {
                row.add_exact(column, numbers.next(*number));
            }
        }
        if row.text_bytes() > MAX_KEPT_BYTES {
            return Err(SheetError::TooMuch("a row of more than 256 MB"));
        }
    }
    table.add(row)?;
    table.finish();
    Ok(table)
}

#[cfg(test)]
mod tests;
