//! The tables of a ledger that is open, wherever it is, for what goes over all of them: copying a ledger and checking one.

use rusqlite::params_from_iter;

use super::error::LedgerError;
use super::sql::{Cell, FileTables, Row, Sql, Value, bind};
use super::tables::{RUN, Table};

/// So many rows go at a time.
pub(super) const PAGE: usize = 5_000;

/// Tables in a transaction.
pub(super) trait OpenTables {
    /// The rows of an answer. A statement keeps to what all stores understand.
    fn read(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, LedgerError>;

    /// Whether a column has any of these values.
    fn has_any(&self, table: &Table, column: &str, values: &[Vec<u8>])
    -> Result<bool, LedgerError>;

    /// Adds rows, with what to do about those that are there already. Gives how many were added or changed.
    fn put(&self, table: &Table, rows: &[Vec<Cell>], on_conflict: &str)
    -> Result<u64, LedgerError>;

    /// Adds runs, and gives their numbers.
    fn add_runs(&self, runs: &[Vec<Cell>]) -> Result<Vec<i64>, LedgerError>;

    /// Runs a statement that all stores understand, and tells how many rows it changed.
    fn change(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, LedgerError>;
}

impl OpenTables for FileTables<'_> {
    fn read(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, LedgerError> {
        self.rows(sql, values, Ok)
    }

    fn has_any(
        &self,
        table: &Table,
        column: &str,
        values: &[Vec<u8>],
    ) -> Result<bool, LedgerError> {
        let sqlite = |error| LedgerError::sqlite(self.path, error);
        let sql = format!("SELECT 1 FROM {} WHERE {column} = ?1 LIMIT 1", table.name);
        let mut select = self.connection.prepare_cached(&sql).map_err(sqlite)?;
        for value in values {
            if select.exists([value]).map_err(sqlite)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn put(
        &self,
        table: &Table,
        rows: &[Vec<Cell>],
        on_conflict: &str,
    ) -> Result<u64, LedgerError> {
        let sqlite = |error| LedgerError::sqlite(self.path, error);
        let sql = format!("{} {on_conflict}", insert(table));
        let mut insert = self.connection.prepare_cached(&sql).map_err(sqlite)?;
        let mut changed = 0;
        for row in rows {
            let values = params_from_iter(row.iter().map(Cell::value));
            changed += insert.execute(values).map_err(sqlite)? as u64;
        }
        Ok(changed)
    }

    fn add_runs(&self, runs: &[Vec<Cell>]) -> Result<Vec<i64>, LedgerError> {
        let add = |run| {
            self.put(RUN, std::slice::from_ref(run), "")?;
            Ok(self.connection.last_insert_rowid())
        };
        runs.iter().map(add).collect()
    }

    fn change(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, LedgerError> {
        let sqlite = |error| LedgerError::sqlite(self.path, error);
        let mut statement = self.connection.prepare_cached(sql).map_err(sqlite)?;
        bind(&mut statement, values).map_err(sqlite)?;
        let changed = statement.raw_execute().map_err(sqlite)?;
        Ok(changed as u64)
    }
}

fn insert(table: &Table) -> String {
    let names = table.names(0);
    format!(
        "INSERT INTO {} ({}) VALUES (?{})",
        table.name,
        names.join(", "),
        ", ?".repeat(names.len() - 1)
    )
}

/// The columns of a table and what its rows are numbered by, in the order of the key, behind one of them.
pub(super) fn page(
    tables: &dyn OpenTables,
    table: &Table,
    behind: Option<&[Cell]>,
) -> Result<Vec<Row>, LedgerError> {
    let order: Vec<&str> = match table.number {
        Some(number) => vec![number],
        None => table.names(0)[..table.keys].to_vec(),
    };
    let places: Vec<String> = (1..=order.len()).map(|place| format!("${place}")).collect();
    let order = order.join(", ");
    let list = table.list(table.name);
    let behind_it = match behind {
        Some(_) => format!("WHERE ({order}) > ({})", places.join(", ")),
        None => String::new(),
    };
    let sql = format!(
        "SELECT {list} FROM {} {behind_it} ORDER BY {order} LIMIT {PAGE}",
        table.name
    );
    let values: Vec<Value<'_>> = behind.into_iter().flatten().map(Cell::value).collect();
    tables.read(&sql, &values)
}

/// What the next page of a table is behind.
pub(super) fn last_of(table: &Table, rows: &[Row]) -> Option<Vec<Cell>> {
    let Row(cells) = rows.last()?;
    Some(match table.number {
        Some(_) => cells[table.columns.len()..].to_vec(),
        None => cells[..table.keys].to_vec(),
    })
}
