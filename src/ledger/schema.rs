//! The shape of the ledger's tables, and how an older shape becomes the present one.
//!
//! A file is recognised by SQLite's application id, and its shape by the user version: the number of steps taken.
//! Steps are only ever added. A file of another program, or of a newer version of this one, is refused untouched.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::error::LedgerError;

/// `c2cl`, as SQLite's application id.
const APPLICATION_ID: i64 = 0x6332_636c;

/// What turns each shape into the next, from an empty file on.
const STEPS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("schema-2.sql"),
    include_str!("schema-3.sql"),
    include_str!("schema-4.sql"),
    include_str!("schema-5.sql"),
    include_str!("schema-6.sql"),
    include_str!("schema-7.sql"),
    include_str!("schema-8.sql"),
    include_str!("schema-9.sql"),
    include_str!("schema-10.sql"),
    include_str!("schema-11.sql"),
    include_str!("schema-12.sql"),
];

/// What stands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Nothing yet.
    Empty,
    /// A shape that has to be brought up to date.
    Older,
    /// The present shape.
    Present,
}

/// The number of the present shape.
pub(super) fn known() -> usize {
    STEPS.len()
}

/// Recognises what stands in a file.
pub(super) fn recognise(connection: &Connection, path: &Path) -> Result<Shape, LedgerError> {
    recognise_among(connection, path, STEPS)
}

/// Brings a file to the present shape, in one transaction.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), LedgerError> {
    migrate_along(connection, path, STEPS)
}

fn recognise_among(
    connection: &Connection,
    path: &Path,
    steps: &[&str],
) -> Result<Shape, LedgerError> {
    let sqlite = |source| LedgerError::sqlite(path, source);
    let read = |name: &str| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .map_err(sqlite)
    };
    let (application, version) = (read("application_id")?, read("user_version")?);
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(sqlite)?;
    let known = steps.len() as i64;
    match (application, version) {
        (0, 0) if tables == 0 => Ok(Shape::Empty),
        (APPLICATION_ID, version) if version > known => Err(LedgerError::Newer {
            path: path.to_owned(),
            found: version,
            known,
        }),
        (APPLICATION_ID, version) if version == known => Ok(Shape::Present),
        (APPLICATION_ID, 1..) => Ok(Shape::Older),
        _ => Err(LedgerError::NotALedger(path.to_owned())),
    }
}

fn migrate_along(
    connection: &mut Connection,
    path: &Path,
    steps: &[&str],
) -> Result<(), LedgerError> {
    if recognise_among(connection, path, steps)? == Shape::Present {
        return Ok(());
    }
    let sqlite = |source| LedgerError::sqlite(path, source);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(sqlite)?;
    let version: i64 = transaction
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(sqlite)?;
    for step in steps
        .iter()
        .skip(usize::try_from(version).unwrap_or(usize::MAX))
    {
        transaction.execute_batch(step).map_err(sqlite)?;
    }
    transaction
        .pragma_update(None, "application_id", APPLICATION_ID)
        .map_err(sqlite)?;
    transaction
        .pragma_update(None, "user_version", steps.len() as i64)
        .map_err(sqlite)?;
    transaction.commit().map_err(sqlite)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(connection: &Connection, steps: &[&str]) -> Result<Shape, LedgerError> {
        recognise_among(connection, Path::new("l"), steps)
    }

    #[test]
    fn every_older_shape_becomes_the_present_one_and_keeps_its_rows() {
        let steps = [
            "CREATE TABLE t (a)",
            "ALTER TABLE t ADD COLUMN b DEFAULT 7",
            "ALTER TABLE t ADD COLUMN c",
        ];
        let mut connection = Connection::open_in_memory().unwrap();
        assert_eq!(shape(&connection, &steps).unwrap(), Shape::Empty);
        migrate_along(&mut connection, Path::new("l"), &steps[..1]).unwrap();
        connection.execute("INSERT INTO t VALUES (1)", []).unwrap();
        assert_eq!(shape(&connection, &steps).unwrap(), Shape::Older);
        migrate_along(&mut connection, Path::new("l"), &steps).unwrap();
        assert_eq!(shape(&connection, &steps).unwrap(), Shape::Present);
        let row: (i64, i64) = connection
            .query_row("SELECT a, b FROM t", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!(row, (1, 7));
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_as_it_was() {
        let steps = [
            "CREATE TABLE t (a)",
            "CREATE TABLE u (a); CREATE TABLE t (a)",
        ];
        let mut connection = Connection::open_in_memory().unwrap();
        migrate_along(&mut connection, Path::new("l"), &steps[..1]).unwrap();
        assert!(migrate_along(&mut connection, Path::new("l"), &steps).is_err());
        assert_eq!(shape(&connection, &steps).unwrap(), Shape::Older);
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .unwrap();
        assert_eq!(tables, 1);
    }

    #[test]
    fn files_of_a_newer_version_and_of_other_programs_are_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, Path::new("l")).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        let error = recognise(&connection, Path::new("l")).unwrap_err();
        assert!(
            matches!(
                error,
                LedgerError::Newer {
                    found: 99,
                    known,
                    ..
                } if known == STEPS.len() as i64
            ),
            "{error}"
        );
        let other = Connection::open_in_memory().unwrap();
        other.execute_batch("CREATE TABLE contacts (name)").unwrap();
        assert!(matches!(
            recognise(&other, Path::new("l")),
            Err(LedgerError::NotALedger(_))
        ));
    }
}
