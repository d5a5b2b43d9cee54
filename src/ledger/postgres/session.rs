//! A connection to a server, and what its failures mean.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::runtime::Runtime;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::{Address, Proof};
use crate::ledger::error::LedgerError;
use crate::ledger::sql::{Cell, Row, Value};

/// What one exchange with the server may take; locks are waited for no longer than half of it.
const PATIENCE: Duration = Duration::from_secs(120);

/// What every session is told: to lose nothing, and to notice soon when the other end is gone.
const SETTINGS: &str = "
    SET synchronous_commit = on;
    SET default_transaction_isolation = 'read committed';
    SET default_transaction_read_only = off;
    SET lock_timeout = '60s';
    SET idle_in_transaction_session_timeout = '60s';
    SET tcp_keepalives_idle = 20;
    SET tcp_keepalives_interval = 5;
    SET tcp_keepalives_count = 4;
    SET client_min_messages = warning;
    SET search_path = crm2capi, pg_catalog;";

/// A connection.
pub(super) struct Session {
    runtime: Option<Runtime>,
    client: Client,
    ledger: String,
}

/// Why something was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server, or the way to it, is gone for now: what was asked for last may have been done or not.
    Lost(String),
    /// It will not be done.
    Final(LedgerError),
}

/// A statement, and the values for `$1` and so on.
pub(super) struct Statement<'a> {
    pub sql: std::borrow::Cow<'a, str>,
    pub values: Vec<Column<'a>>,
}

/// One value, or a column of them.
#[derive(Clone, Debug)]
pub(super) enum Column<'a> {
    One(Value<'a>),
    Numbers(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
}

impl<'a> Statement<'a> {
    pub(super) fn new(sql: &'a str, values: Vec<Column<'a>>) -> Self {
        Self {
            sql: sql.into(),
            values,
        }
    }
}

impl<'a, T: Into<Value<'a>>> From<T> for Column<'a> {
    fn from(value: T) -> Self {
        Self::One(value.into())
    }
}

impl Session {
    /// Connects to the server.
    pub(super) fn open(address: &Address) -> Result<Self, Failure> {
        let ledger = address.to_string();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::Lost(error.to_string()))?;
        let client = within(&runtime, connect(address, &ledger))?;
        let session = Self {
            runtime: Some(runtime),
            client,
            ledger,
        };
        session.batch(SETTINGS)?;
        Ok(session)
    }

    fn run<T>(
        &self,
        asking: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Failure> {
        let Some(runtime) = &self.runtime else {
            return Err(Failure::Lost("the connection is closed".to_owned()));
        };
        within(runtime, async {
            asking.await.map_err(|error| failure(&self.ledger, &error))
        })
    }

    /// Runs statements that have neither values nor answers.
    pub(super) fn batch(&self, sql: &str) -> Result<(), Failure> {
        self.run(self.client.batch_execute(sql))
    }

    /// Runs statements one after the other, in one exchange, and gives the answers of each.
    pub(super) fn ask(&self, statements: &[Statement<'_>]) -> Result<Vec<Vec<Row>>, Failure> {
        let asked = statements.iter().map(|statement| async {
            let values: Vec<_> = statement.values.iter().map(parameter).collect();
            self.client.query_typed(&statement.sql, &values).await
        });
        let answers = self.run(try_join_all(asked))?;
        let rows = |answer: Vec<tokio_postgres::Row>| answer.iter().map(row).collect();
        Ok(answers.into_iter().map(rows).collect())
    }

    /// Runs a statement and tells how many rows it changed.
    pub(super) fn change(&self, statement: &Statement<'_>) -> Result<u64, Failure> {
        let changed = self.change_all(std::slice::from_ref(statement))?;
        Ok(changed.into_iter().sum())
    }

    /// Runs statements one after the other, in one exchange, and tells how many rows each changed.
    pub(super) fn change_all(&self, statements: &[Statement<'_>]) -> Result<Vec<u64>, Failure> {
        let asked = statements.iter().map(|statement| async {
            let values: Vec<_> = statement.values.iter().map(parameter).collect();
            self.client.execute_typed(&statement.sql, &values).await
        });
        self.run(try_join_all(asked))
    }

    /// What errors call the ledger.
    pub(super) fn ledger(&self) -> &str {
        &self.ledger
    }
}

/// A runtime may not be waited for where others wait.
impl Drop for Session {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn within<T>(
    runtime: &Runtime,
    asking: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    runtime.block_on(async {
        match tokio::time::timeout(PATIENCE, asking).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure::Lost("the server does not answer".to_owned())),
        }
    })
}

async fn connect(address: &Address, ledger: &str) -> Result<Client, Failure> {
    let lost = |error| failure(ledger, &error);
    match tls(address, ledger)? {
        None => {
            let (client, connection) = address.config().connect(NoTls).await.map_err(lost)?;
            // What ends it is told to whoever asks next.
            tokio::spawn(async { connection.await.unwrap_or_default() });
            Ok(client)
        }
        Some(tls) => {
            let tls = MakeRustlsConnect::new(tls);
            let (client, connection) = address.config().connect(tls).await.map_err(lost)?;
            tokio::spawn(async { connection.await.unwrap_or_default() });
            Ok(client)
        }
    }
}

fn tls(address: &Address, ledger: &str) -> Result<Option<ClientConfig>, Failure> {
    let unusable = |cause: String| {
        Failure::Final(LedgerError::Server {
            ledger: ledger.to_owned(),
            cause,
        })
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?;
    match address.proof() {
        Proof::None => Ok(None),
        Proof::System => {
            let builder = builder.with_platform_verifier();
            let builder = builder.map_err(|error| unusable(error.to_string()))?;
            Ok(Some(builder.with_no_client_auth()))
        }
        Proof::File(path) => {
            let unreadable = |what: String| unusable(format!("sslrootcert: {what}"));
            let mut roots = RootCertStore::empty();
            let certificates = CertificateDer::pem_file_iter(path)
                .map_err(|error| unreadable(format!("{}: {error}", path.display())))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
                let added = roots.add(certificate);
                added.map_err(|error| unreadable(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(unreadable(format!("{} has no certificate", path.display())));
            }
            let builder = builder.with_root_certificates(roots);
            Ok(Some(builder.with_no_client_auth()))
        }
    }
}

/// What a failure means. Only what the server says is told, never what it was asked.
fn failure(ledger: &str, error: &tokio_postgres::Error) -> Failure {
    let ledger = ledger.to_owned();
    let Some(db) = error.as_db_error() else {
        let mut cause = error.to_string();
        let mut source = std::error::Error::source(error);
        let mut is_final = !error.is_closed();
        while let Some(error) = source {
            cause = format!("{cause}: {error}");
            is_final &= !error.is::<std::io::Error>();
            // A certificate does not get better by asking again.
            let tls = error.downcast_ref::<std::io::Error>();
            let tls = tls.and_then(|error| error.get_ref());
            if tls.is_some_and(|error| error.is::<rustls::Error>()) || error.is::<rustls::Error>() {
                is_final = true;
                break;
            }
            source = error.source();
        }
        let is_connecting = cause.starts_with("error connecting") || cause.starts_with("timeout");
        return match is_final && !is_connecting {
            true => Failure::Final(LedgerError::Server { ledger, cause }),
            false => Failure::Lost(cause),
        };
    };
    let cause = db.message().to_owned();
    let code = db.code().code();
    // Connections, resources, the operator's doing, and what gave way to others: later it may go.
    let is_passing = ["08", "40", "57P"]
        .iter()
        .any(|class| code.starts_with(class))
        || [
            "53000", "53200", "53300", "55P03", "25P03", "57014", "58030",
        ]
        .contains(&code);
    match code {
        "53100" => Failure::Final(LedgerError::Full(ledger.into())),
        _ if is_passing => Failure::Lost(cause),
        _ => Failure::Final(LedgerError::Server { ledger, cause }),
    }
}

fn parameter<'a>(value: &'a Column<'_>) -> (&'a (dyn ToSql + Sync), Type) {
    match value {
        Column::One(Value::Number(number)) => (number, Type::INT8),
        Column::One(Value::Text(text)) => (text, Type::TEXT),
        Column::One(Value::Bytes(bytes)) => (bytes, Type::BYTEA),
        Column::Numbers(numbers) => (numbers, Type::INT8_ARRAY),
        Column::Texts(texts) => (texts, Type::TEXT_ARRAY),
        Column::Bytes(bytes) => (bytes, Type::BYTEA_ARRAY),
    }
}

/// What is of a kind that no table has is as good as nothing.
fn row(row: &tokio_postgres::Row) -> Row {
    let columns = row.columns().iter().enumerate();
    let cells = columns.map(|(index, column)| {
        let number = |number: Option<i64>| number.map(Cell::Number);
        let cell = match *column.type_() {
            Type::INT8 => row.try_get(index).ok().and_then(number),
            Type::INT4 => {
                let found: Option<Option<i32>> = row.try_get(index).ok();
                found.and_then(|found| number(found.map(Into::into)))
            }
            Type::INT2 => {
                let found: Option<Option<i16>> = row.try_get(index).ok();
                found.and_then(|found| number(found.map(Into::into)))
            }
            Type::BOOL => {
                let found: Option<Option<bool>> = row.try_get(index).ok();
                found.and_then(|found| number(found.map(Into::into)))
            }
            Type::BYTEA => {
                let found: Option<Option<Vec<u8>>> = row.try_get(index).ok();
                found.flatten().map(Cell::Bytes)
            }
            _ => {
                let found: Option<Option<String>> = row.try_get(index).ok();
                found.flatten().map(Cell::Text)
            }
        };
        cell.unwrap_or(Cell::Null)
    });
    Row(cells.collect())
}
