//! The rows that a call concerns, at hand for the length of that call: fetched from the server, worked on by the same code
//! as those of a file, and compared with what was fetched, to write back what changed.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, params_from_iter};

use super::session::{Column, Statement};
use crate::ledger::error::LedgerError;
use crate::ledger::schema;
use crate::ledger::sql::{Cell, Row, cell};
use crate::ledger::state::{ELSEWHERE, SENDING};
use crate::ledger::tables::Kind::{Bytes, Number, Text};
pub(super) use crate::ledger::tables::{
    ALIAS, DELIVERED, EVENT, IDENTITY, LEAD, NAME, PENDING, SOURCE, STAGE, TRACE, Table,
};

/// All that calls work on.
const TABLES: [&Table; 10] = [
    EVENT, ALIAS, NAME, TRACE, DELIVERED, LEAD, IDENTITY, STAGE, SOURCE, PENDING,
];

impl Table {
    /// `$1::bytea[], $2::bigint[]`, for the first `count` columns.
    pub(super) fn arrays(&self, count: usize) -> String {
        let arrays = self.columns[..count].iter().enumerate();
        let arrays: Vec<String> = arrays
            .map(|(index, (_, kind))| {
                let kind = match kind {
                    Number => "bigint",
                    Text => "text",
                    Bytes => "bytea",
                };
                format!("${}::{kind}[]", index + 1)
            })
            .collect();
        arrays.join(", ")
    }

    /// Adds whole rows, with what to do about those that are there already.
    pub(super) fn add<'a>(&self, rows: &[Vec<Cell>], on_conflict: &str) -> Statement<'a> {
        let count = self.columns.len();
        let sql = format!(
            "INSERT INTO {} ({}) SELECT * FROM unnest({}) {on_conflict}",
            self.name,
            self.names(0).join(", "),
            self.arrays(count),
        );
        Statement {
            sql: sql.into(),
            values: self.transposed(rows, count),
        }
    }

    /// Writes whole rows. A row that is new must still be new, and one that was fetched must still be there.
    fn write<'a>(&self, rows: &[Vec<Cell>], is_new: bool) -> Statement<'a> {
        let (count, all) = (self.columns.len(), self.names(0).join(", "));
        let sql = match is_new {
            true => return self.add(rows, "ON CONFLICT DO NOTHING"),
            false => {
                let sets = self.names(self.keys).into_iter();
                let sets: Vec<String> = sets.map(|name| format!("{name} = new.{name}")).collect();
                format!(
                    "UPDATE {0} SET {1} FROM unnest({2}) AS new ({all}) WHERE {3}",
                    self.name,
                    sets.join(", "),
                    self.arrays(count),
                    self.is_same(),
                )
            }
        };
        Statement {
            sql: sql.into(),
            values: self.transposed(rows, count),
        }
    }

    fn delete<'a>(&self, keys: &[Vec<Cell>]) -> Statement<'a> {
        let sql = format!(
            "DELETE FROM {} USING unnest({}) AS new ({}) WHERE {}",
            self.name,
            self.arrays(self.keys),
            self.names(0)[..self.keys].join(", "),
            self.is_same(),
        );
        Statement {
            sql: sql.into(),
            values: self.transposed(keys, self.keys),
        }
    }

    fn is_same(&self) -> String {
        let keys = self.columns[..self.keys].iter();
        let same: Vec<String> = keys
            .map(|(name, _)| format!("{}.{name} = new.{name}", self.name))
            .collect();
        same.join(" AND ")
    }

    pub(super) fn transposed<'a>(&self, rows: &[Vec<Cell>], count: usize) -> Vec<Column<'a>> {
        let column = |index: usize| {
            let cells = rows.iter().map(|row| row[index].clone());
            match self.columns[index].1 {
                Number => Column::Numbers(cells.map(number).collect()),
                Text => Column::Texts(cells.map(text).collect()),
                Bytes => Column::Bytes(cells.map(bytes).collect()),
            }
        };
        (0..count).map(column).collect()
    }
}

fn number(cell: Cell) -> Option<i64> {
    match cell {
        Cell::Number(number) => Some(number),
        _ => None,
    }
}

fn text(cell: Cell) -> Option<String> {
    match cell {
        Cell::Text(text) => Some(text),
        _ => None,
    }
}

fn bytes(cell: Cell) -> Option<Vec<u8>> {
    match cell {
        Cell::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

/// A change to be made on the server, and how many rows it must hit, where that is known.
pub(super) struct Change {
    pub statement: Statement<'static>,
    pub rows: Option<u64>,
}

/// What errors call the rows at hand.
pub(super) const PLACE: &str = "in memory";

/// Rows at hand. Empty between calls.
pub(super) struct AtHand {
    connection: Connection,
    fetched: HashMap<(&'static str, Vec<Cell>), Vec<Cell>>,
}

impl AtHand {
    pub(super) fn new() -> Result<Self, LedgerError> {
        let place = Path::new(PLACE);
        let sqlite = |error| LedgerError::sqlite(place, error);
        let mut connection = Connection::open_in_memory().map_err(sqlite)?;
        schema::migrate(&mut connection, place)?;
        connection.set_prepared_statement_cache_capacity(64);
        connection.execute_batch("BEGIN").map_err(sqlite)?;
        Ok(Self {
            connection,
            fetched: HashMap::new(),
        })
    }

    /// Where the rows are worked on.
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Puts away everything.
    pub(super) fn clear(&mut self) -> rusqlite::Result<()> {
        self.fetched.clear();
        self.connection.execute_batch("ROLLBACK; BEGIN")
    }

    /// Lays rows of a table ready. One that is there already stays.
    pub(super) fn lay(&mut self, table: &'static Table, rows: Vec<Row>) -> rusqlite::Result<()> {
        let names: Vec<&str> = table.names(0).into_iter().chain(table.number).collect();
        let sql = format!(
            "INSERT INTO {} ({}) VALUES (?{}) ON CONFLICT DO NOTHING",
            table.name,
            names.join(", "),
            ", ?".repeat(names.len() - 1),
        );
        let mut insert = self.connection.prepare_cached(&sql)?;
        for Row(mut cells) in rows {
            let values = cells.iter().map(Cell::value);
            if insert.execute(params_from_iter(values))? > 0 {
                cells.truncate(table.columns.len());
                let key = cells[..table.keys].to_vec();
                self.fetched.insert((table.name, key), cells);
            }
        }
        Ok(())
    }

    /// What is other than it was fetched.
    pub(super) fn changes(&mut self) -> rusqlite::Result<Vec<Change>> {
        let mut changes = Vec::new();
        for table in TABLES {
            let (mut new, mut changed) = (Vec::new(), Vec::new());
            let order = table.number.map(|number| format!(" ORDER BY {number}"));
            let sql = format!(
                "SELECT {} FROM {}{}",
                table.names(0).join(", "),
                table.name,
                order.unwrap_or_default(),
            );
            let mut select = self.connection.prepare_cached(&sql)?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                let cells = (0..table.columns.len()).map(|index| row.get_ref(index).map(cell));
                let cells: Vec<Cell> = cells.collect::<rusqlite::Result<_>>()?;
                match self
                    .fetched
                    .remove(&(table.name, cells[..table.keys].to_vec()))
                {
                    None => new.push(cells),
                    Some(before) if before != cells => changed.push(as_kept(table, cells)),
                    Some(_) => {}
                }
            }
            let gone = self.fetched.keys().filter(|(name, _)| *name == table.name);
            let gone: Vec<Vec<Cell>> = gone.map(|(_, key)| key.clone()).collect();
            let mut add = |rows: &[Vec<Cell>], statement: Statement<'static>| {
                if !rows.is_empty() {
                    let rows = table.is_whole.then_some(rows.len() as u64);
                    changes.push(Change { statement, rows });
                }
            };
            add(&gone, table.delete(&gone));
            add(&changed, table.write(&changed, false));
            add(&new, table.write(&new, true));
        }
        Ok(changes)
    }
}

/// Where an event is in flight is told by who is alive, and not kept.
fn as_kept(table: &Table, mut cells: Vec<Cell>) -> Vec<Cell> {
    for ((name, _), cell) in table.columns.iter().zip(&mut cells) {
        if *table == *EVENT && *name == "state" && *cell == Cell::Number(ELSEWHERE) {
            *cell = Cell::Number(SENDING);
        }
    }
    cells
}
