//! Questions that every store answers from the same text, over tables of the same shape.
//!
//! A statement names its values `$1`, `$2` and so on, and keeps to what both SQLite and PostgreSQL understand. What is
//! asked for is added up where the rows are; only the answer is handed over.

use std::path::Path;

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Statement};

use super::error::LedgerError;

/// Asks a store.
pub(super) trait Sql {
    /// An expression of this dialect: whether `event.people` may hold any of those in `$2`.
    const MAY_HOLD_ANY: &'static str;

    /// Hands each row of the answer to `read`.
    fn each(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: &mut dyn FnMut(Row) -> Result<(), Unreadable>,
    ) -> Result<(), LedgerError>;

    /// All rows of the answer.
    fn rows<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(Row) -> Result<T, Unreadable>,
    ) -> Result<Vec<T>, LedgerError> {
        let mut rows = Vec::new();
        self.each(sql, values, &mut |row| {
            rows.push(read(row)?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// The one row of an answer that has one, or none.
    fn row<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: impl FnMut(Row) -> Result<T, Unreadable>,
    ) -> Result<Option<T>, LedgerError> {
        Ok(self.rows(sql, values, read)?.pop())
    }
}

/// Runs a statement, whose `$1` is a time where one is given, and tells how many rows it changed.
pub(super) type Execute<'a, E> = dyn FnMut(&str, Option<i64>) -> Result<u64, E> + 'a;

/// What stands in a statement for `$1` and so on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Number(i64),
    Text(Option<&'a str>),
    Bytes(&'a [u8]),
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Some(text))
    }
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(text: Option<&'a str>) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Number(number) => ValueRef::Integer(*number),
            Self::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
            Self::Text(None) => ValueRef::Null,
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Cell {
    Null,
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Cell {
    /// It, to be bound.
    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Text(None),
            Self::Number(number) => Value::Number(*number),
            Self::Text(text) => Value::Text(Some(text)),
            Self::Bytes(bytes) => Value::Bytes(bytes),
        }
    }
}

/// A row of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row(pub Vec<Cell>);

/// A row holds something else than the program wrote.
#[derive(Debug)]
pub(super) struct Unreadable;

impl Row {
    /// The value at a place, counted from 0, which is then gone from the row.
    pub(super) fn take<T: FromCell>(&mut self, index: usize) -> Result<T, Unreadable> {
        let cell = self.0.get_mut(index).ok_or(Unreadable)?;
        T::from_cell(std::mem::replace(cell, Cell::Null)).ok_or(Unreadable)
    }

    /// A number that cannot be less than nothing.
    pub(super) fn count(&mut self, index: usize) -> Result<u64, Unreadable> {
        let number: i64 = self.take(index)?;
        Ok(u64::try_from(number).unwrap_or_default())
    }
}

/// What a cell can be read as.
pub(super) trait FromCell: Sized {
    fn from_cell(cell: Cell) -> Option<Self>;
}

impl FromCell for i64 {
    fn from_cell(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Number(number) => Some(number),
            _ => None,
        }
    }
}

impl FromCell for String {
    fn from_cell(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl FromCell for Vec<u8> {
    fn from_cell(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl FromCell for [u8; 16] {
    fn from_cell(cell: Cell) -> Option<Self> {
        Vec::from_cell(cell)?.try_into().ok()
    }
}

impl<T: FromCell> FromCell for Option<T> {
    fn from_cell(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            cell => T::from_cell(cell).map(Some),
        }
    }
}

/// The tables of a file.
#[derive(Clone, Copy)]
pub(super) struct FileTables<'a> {
    pub connection: &'a Connection,
    /// For errors.
    pub path: &'a Path,
}

impl Sql for FileTables<'_> {
    // Reading on costs less here than looking into every value.
    const MAY_HOLD_ANY: &'static str = "$2 IS NOT NULL";

    fn each(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: &mut dyn FnMut(Row) -> Result<(), Unreadable>,
    ) -> Result<(), LedgerError> {
        let sqlite = |error| LedgerError::sqlite(self.path, error);
        let mut statement = self.connection.prepare(sql).map_err(sqlite)?;
        bind(&mut statement, values).map_err(sqlite)?;
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(sqlite)? {
            let cells = (0..columns).map(|index| row.get_ref(index).map(cell));
            let cells = cells.collect::<rusqlite::Result<_>>().map_err(sqlite)?;
            read(Row(cells)).map_err(|Unreadable| LedgerError::Damaged(self.path.to_owned()))?;
        }
        Ok(())
    }
}

/// SQLite takes `$1` for a name, and numbers names in the order in which they appear.
pub(super) fn bind(statement: &mut Statement<'_>, values: &[Value<'_>]) -> rusqlite::Result<()> {
    for (number, value) in (1..).zip(values) {
        if let Some(index) = statement.parameter_index(&format!("${number}"))? {
            statement.raw_bind_parameter(index, value)?;
        }
    }
    Ok(())
}

pub(super) fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Integer(number) => Cell::Number(number),
        ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
        ValueRef::Null | ValueRef::Real(_) => Cell::Null,
    }
}
