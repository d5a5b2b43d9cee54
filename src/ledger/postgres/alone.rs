//! A transaction over all tables of a server, and one in which nobody else writes.

use std::time::{Duration, Instant};

use super::fetch::ALIVE;
use super::session::{Column, Failure, Statement};
use super::{PostgresLedger, ServerTables, Session};
use crate::ledger::error::LedgerError;
use crate::ledger::open_tables::OpenTables;
use crate::ledger::sql::{Cell, Row, Sql, Value};
use crate::ledger::tables::{RUN, Table};

/// How often it is tried whether all other runs have ended.
const POLL: Duration = Duration::from_millis(200);

impl PostgresLedger {
    /// Works in a transaction while no run is under way and nobody writes, waiting up to `wait` for that. What fails
    /// changes nothing; nothing is tried twice.
    pub(in crate::ledger) fn alone<T, E: From<LedgerError>>(
        &mut self,
        wait: Duration,
        work: impl FnOnce(&dyn OpenTables) -> Result<T, E>,
    ) -> Result<T, E> {
        let start = Instant::now();
        let address = self.address.to_string();
        let told = |failure| E::from(told(&address, failure));
        let session = self.session().map_err(told)?;
        while !shut_out(session).map_err(told)? {
            if start.elapsed() >= wait {
                return Err(E::from(LedgerError::Held {
                    path: address.into(),
                    pid: None,
                    since: None,
                }));
            }
            std::thread::sleep(POLL.min(wait.saturating_sub(start.elapsed())));
        }
        let tables = ServerTables {
            session,
            lost: std::cell::Cell::new(None),
        };
        match work(&tables) {
            Ok(done) => session.batch("COMMIT").map_err(told).map(|()| done),
            Err(error) => {
                // A session that cannot roll back ends, and what it did goes with it.
                let _ = session.batch("ROLLBACK");
                Err(error)
            }
        }
    }

    /// Works in a transaction of no run, by the server's clock. It may be done again when the answer is lost, so that it
    /// must not matter how often.
    pub(super) fn write_beside<T>(
        &mut self,
        work: impl Fn(&dyn OpenTables, i64) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let clock = self.clock;
        self.with_session(|session| {
            let mut answers = session.ask(&[
                Statement::new("BEGIN", vec![]),
                Statement::new(
                    "SELECT floor(extract(epoch FROM clock_timestamp()))::bigint",
                    vec![],
                ),
            ])?;
            let row = answers.pop().and_then(|mut rows| rows.pop());
            let now = row.and_then(|mut row| row.take(0).ok());
            let tables = ServerTables {
                session,
                lost: std::cell::Cell::new(None),
            };
            let done = work(&tables, super::by(clock, now.unwrap_or_default()));
            match (done, tables.lost.take()) {
                (_, Some(lost)) => Err(Failure::Lost(lost)),
                (Err(error), None) => Err(Failure::Final(error)),
                (Ok(done), None) => session.batch("COMMIT").map(|()| done),
            }
        })
    }

    /// Works in a transaction that only reads.
    pub(in crate::ledger) fn look<T>(
        &mut self,
        work: impl Fn(&dyn OpenTables) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        self.read(|server| work(server))
    }
}

/// Begins a transaction that nobody else writes beside, if no run is under way. What others want to write waits.
fn shut_out(session: &Session) -> Result<bool, Failure> {
    session.batch("BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0")?;
    let one = |sql: &str| -> Result<Option<i64>, Failure> {
        let mut answers = session.ask(&[Statement::new(sql, vec![])])?;
        let row = answers.pop().and_then(|mut rows| rows.pop());
        Ok(row.and_then(|mut row| row.take(0).ok()))
    };
    let is_ours = one("SELECT pg_try_advisory_xact_lock('ledger'::regclass::oid::int, 0)")?;
    if is_ours == Some(1) {
        session.batch("LOCK TABLE run, notice IN SHARE ROW EXCLUSIVE MODE")?;
        if one(&format!("SELECT count(*) FROM ({ALIVE}) AS alive"))? == Some(0) {
            return Ok(true);
        }
    }
    session.batch("ROLLBACK")?;
    Ok(false)
}

fn told(address: &str, failure: Failure) -> LedgerError {
    match failure {
        Failure::Final(error) => error,
        Failure::Lost(cause) => LedgerError::Unreachable {
            ledger: address.to_owned(),
            cause,
        },
    }
}

impl ServerTables<'_> {
    /// An error for who knows no server, with which the loss of one is noted.
    fn said(&self, failure: Failure) -> LedgerError {
        if let Failure::Lost(lost) = &failure {
            self.lost.set(Some(lost.clone()));
        }
        told(self.session.ledger(), failure)
    }
}

impl OpenTables for ServerTables<'_> {
    fn read(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, LedgerError> {
        self.rows(sql, values, Ok)
    }

    fn has_any(
        &self,
        table: &Table,
        column: &str,
        values: &[Vec<u8>],
    ) -> Result<bool, LedgerError> {
        let sql = format!(
            "SELECT 1 FROM {} WHERE {column} = ANY($1) LIMIT 1",
            table.name
        );
        let values = Column::Bytes(values.iter().cloned().map(Some).collect());
        let found = self.session.ask(&[Statement::new(&sql, vec![values])]);
        let found = found.map_err(|failure| self.said(failure))?;
        Ok(found.iter().any(|rows| !rows.is_empty()))
    }

    fn put(
        &self,
        table: &Table,
        rows: &[Vec<Cell>],
        on_conflict: &str,
    ) -> Result<u64, LedgerError> {
        let added = self.session.change(&table.add(rows, on_conflict));
        added.map_err(|failure| self.said(failure))
    }

    fn add_runs(&self, runs: &[Vec<Cell>]) -> Result<Vec<i64>, LedgerError> {
        let count = RUN.columns.len();
        let tokens: Vec<Vec<u8>> = runs
            .iter()
            .map(|_| (0..16).map(|_| fastrand::u8(..)).collect())
            .collect();
        let mut values = RUN.transposed(runs, count);
        values.push(Column::Bytes(tokens.iter().cloned().map(Some).collect()));
        let sql = format!(
            "INSERT INTO run ({}, token) SELECT * FROM unnest({}, ${}::bytea[]) RETURNING token, id",
            RUN.names(0).join(", "),
            RUN.arrays(count),
            count + 1,
        );
        let sql = sql.into();
        let added = self.session.ask(&[Statement { sql, values }]);
        let added = added.map_err(|failure| self.said(failure))?;
        let unreadable = |_| LedgerError::Damaged(self.session.ledger().into());
        let mut numbers = std::collections::HashMap::new();
        for mut row in added.into_iter().flatten() {
            let token: Vec<u8> = row.take(0).map_err(unreadable)?;
            numbers.insert(token, row.take::<i64>(1).map_err(unreadable)?);
        }
        let number = |token| numbers.get(token).copied();
        let numbers: Option<Vec<i64>> = tokens.iter().map(number).collect();
        numbers.ok_or_else(|| LedgerError::Damaged(self.session.ledger().into()))
    }

    fn change(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, LedgerError> {
        let values = values.iter().map(|value| Column::One(*value)).collect();
        let changed = self.session.change(&Statement::new(sql, values));
        changed.map_err(|failure| self.said(failure))
    }
}
