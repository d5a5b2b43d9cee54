//! What there is to look at of a ledger's server besides its rows.

use super::address::Proof;
use super::{PostgresLedger, schema};
use crate::ledger::check::Checked;
use crate::ledger::error::LedgerError;
use crate::ledger::sql::Sql;

/// Tables that this user may not use as a run does.
const LACKING: &str = "SELECT string_agg(DISTINCT pg_class.relname || ' ' || privilege, ', ')
    FROM pg_class, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege
    WHERE relnamespace = 'crm2capi'::regnamespace AND relkind = 'r'
      AND NOT has_table_privilege(pg_class.oid, privilege)";
/// Tables that everybody may read.
const PUBLIC: &str = "SELECT string_agg(relname, ', ') FROM pg_class
    WHERE relnamespace = 'crm2capi'::regnamespace AND relkind = 'r' AND has_schema_privilege('public', 'crm2capi', 'USAGE')
      AND has_table_privilege('public', pg_class.oid, 'SELECT')";
const INVALID: &str = "SELECT string_agg(pg_class.relname, ', ') FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE relnamespace = 'crm2capi'::regnamespace AND NOT (indisvalid AND indisready)";

impl PostgresLedger {
    /// Looks over everything but the rows.
    pub(in crate::ledger) fn check_server(
        &mut self,
        checked: &mut Checked,
    ) -> Result<(), LedgerError> {
        let proof = self.address.proof().clone();
        let is_bare = self.address.is_bare();
        let (version, settings, reading, lacking, public, invalid) = self.read(|server| {
            let text = |sql: &str| -> Result<Option<String>, LedgerError> {
                let found = server.row(sql, &[], |mut row| row.take::<Option<String>>(0))?;
                Ok(found.flatten())
            };
            Ok((
                text("SELECT current_setting('server_version')")?.unwrap_or_default(),
                text(
                    "SELECT string_agg(name, ' and ') FROM pg_settings
                     WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off'",
                )?,
                text("SELECT CASE WHEN pg_is_in_recovery() THEN 'yes' END")?,
                text(LACKING)?,
                text(PUBLIC)?,
                text(INVALID)?,
            ))
        })?;
        let says = match proof {
            _ if is_bare => "PostgreSQL answers, and what is said goes over the network unencrypted; take sslmode out of the address".to_owned(),
            Proof::None => format!("PostgreSQL {version} on this machine"),
            Proof::System => format!("PostgreSQL {version} by TLS, its certificate checked against the system's"),
            Proof::File(path) => format!(
                "PostgreSQL {version} by TLS, its certificate checked against {}",
                path.display()
            ),
        };
        checked.note("server", !is_bare, says);
        let schema = format!("{}, the present one", schema::known());
        checked.note("schema", true, schema);
        let rights: Vec<String> = [
            reading.map(|_| "it is a replica that can only be read; name the primary".to_owned()),
            lacking.map(|what| format!("this user lacks {what}: GRANT it")),
            public.map(|what| format!("every user of the database may read {what}: REVOKE it")),
        ]
        .into_iter()
        .flatten()
        .collect();
        match rights.is_empty() {
            true => checked.note(
                "permissions",
                true,
                "this user may read and write it, and not everybody may",
            ),
            false => checked.note("permissions", false, rights.join("; ")),
        }
        match settings {
            None => checked.note("durability", true, "what it has confirmed outlives a crash"),
            Some(off) => checked.note(
                "durability",
                false,
                format!("{off} off at the server: a crash may lose what was accepted, which then is sent again"),
            ),
        }
        if let Some(what) = invalid {
            let says = format!("the indexes {what} are not valid: REINDEX SCHEMA crm2capi");
            checked.note("indexes", false, says);
        }
        Ok(())
    }
}
