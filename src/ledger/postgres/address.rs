//! Where a ledger in PostgreSQL is, and how its server proves who it is.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// How long a server may take to answer at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The address of a ledger in PostgreSQL. What shows of it never has the password.
#[derive(Clone)]
pub(crate) struct Address {
    whole: SecretString,
    config: Box<Config>,
    proof: Proof,
}

/// How a server proves who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// Not at all: it is on this machine, or the address says so.
    None,
    /// By a certificate for the address's host, from an issuer that the system trusts.
    System,
    /// By a certificate for the address's host, from an issuer in this file.
    File(PathBuf),
}

/// What is wrong with an address. Nothing of the address is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddressError {
    /// It cannot be read.
    #[error(
        "the ledger's address cannot be read ({0}); write it like postgres://user@host:5432/database, and %40 for an @ in \
         a password"
    )]
    Unreadable(String),
    /// It names no server.
    #[error("the ledger's address names no host; write it like postgres://user@host:5432/database")]
    NoHost,
    /// Its way of TLS proves nothing.
    #[error(
        "sslmode={0} in the ledger's address lets anyone in between turn TLS off; leave it out for a server \
         whose certificate is checked, or say sslmode=disable where the network is trusted"
    )]
    Unproven(String),
}

impl Address {
    /// Whether a text is the address of a PostgreSQL server.
    pub(crate) fn is_one(text: &str) -> bool {
        ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| text.starts_with(scheme))
    }

    /// Reads an address: `postgres://user:password@host:5432/database`, with the parameters that libpq knows. TLS is
    /// required, and the server's certificate checked, unless the server is on this machine or `sslmode=disable` is said.
    ///
    /// # Errors
    /// It cannot be read, or names no server.
    pub(crate) fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let (plain, query) = text.split_once('?').unwrap_or((text, ""));
        let (own, others): (Vec<&str>, Vec<&str>) = query
            .split('&')
            .filter(|part| !part.is_empty())
            .partition(|part| part.starts_with("sslmode=") || part.starts_with("sslrootcert="));
        let joined = match others.is_empty() {
            true => plain.to_owned(),
            false => format!("{plain}?{}", others.join("&")),
        };
        let mut config = Config::from_str(&joined).map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            AddressError::Unreadable(cause.unwrap_or_else(|| error.to_string()))
        })?;
        if config.get_hosts().is_empty() {
            return Err(AddressError::NoHost);
        }
        let given = |name: &str| {
            let value = own.iter().find_map(|part| part.strip_prefix(name))?;
            Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
        };
        let proof = proof(&config, given("sslmode="), given("sslrootcert="))?;
        config.ssl_mode(match proof {
            Proof::None => SslMode::Disable,
            Proof::System | Proof::File(_) => SslMode::Require,
        });
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_application_name().is_none() {
            config.application_name("crm2capi");
        }
        Ok(Self {
            whole: text.into(),
            config: Box::new(config),
            proof,
        })
    }

    /// Whether the password is in it.
    pub(crate) fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    /// Whether what is said goes over a network unencrypted.
    pub(super) fn is_bare(&self) -> bool {
        self.proof == Proof::None && !is_local(&self.config)
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn proof(&self) -> &Proof {
        &self.proof
    }
}

/// Which proof an address asks for.
fn proof(
    config: &Config,
    mode: Option<String>,
    roots: Option<String>,
) -> Result<Proof, AddressError> {
    let certain = || match roots.as_deref() {
        None | Some("" | "system") => Proof::System,
        Some(path) => Proof::File(path.into()),
    };
    match mode.as_deref() {
        Some("disable") => Ok(Proof::None),
        // A certificate that nobody checks proves nothing, so all of these are checked in full.
        Some("require" | "verify-ca" | "verify-full") => Ok(certain()),
        Some(mode @ ("allow" | "prefer")) => Err(AddressError::Unproven(mode.to_owned())),
        Some(_) => Err(AddressError::Unreadable("unknown sslmode".to_owned())),
        None if is_local(config) && roots.is_none() => Ok(Proof::None),
        None => Ok(certain()),
    }
}

/// Whether all servers are on this machine.
fn is_local(config: &Config) -> bool {
    let is_loopback = |name: &str| {
        let address = name.parse::<std::net::IpAddr>();
        name == "localhost" || address.is_ok_and(|address| address.is_loopback())
    };
    let mut addresses = config.get_hostaddrs().iter();
    addresses.all(std::net::IpAddr::is_loopback)
        && config.get_hosts().iter().all(|host| match host {
            Host::Tcp(name) => is_loopback(name),
            #[cfg(unix)]
            Host::Unix(_) => true,
        })
}

/// User, hosts and database.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        if let Some(user) = self.config.get_user() {
            write!(f, "{user}@")?;
        }
        let ports = self.config.get_ports();
        for (index, host) in self.config.get_hosts().iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            match host {
                Host::Tcp(name) => write!(f, "{comma}{name}")?,
                #[cfg(unix)]
                Host::Unix(path) => write!(f, "{comma}{}", path.display())?,
            }
            if let Some(port) = ports.get(index).or(ports.first()) {
                write!(f, ":{port}")?;
            }
        }
        match self.config.get_dbname() {
            Some(name) => write!(f, "/{name}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.whole.expose_secret() == other.whole.expose_secret()
    }
}

impl Eq for Address {}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof_of(text: &str) -> Proof {
        Address::parse(text).unwrap().proof
    }

    #[test]
    fn a_server_elsewhere_has_to_prove_itself_and_one_here_does_not() {
        for (address, proof) in [
            ("postgres://u@db.example.com/crm", Proof::System),
            (
                "postgresql://u@db.example.com/crm?sslmode=require",
                Proof::System,
            ),
            (
                "postgres://u@db/crm?sslmode=verify-full&sslrootcert=system",
                Proof::System,
            ),
            (
                "postgres://u@db/crm?sslrootcert=%2Fetc%2Fmy%20ca.pem",
                Proof::File("/etc/my ca.pem".into()),
            ),
            ("postgres://u@db/crm?sslmode=disable", Proof::None),
            ("postgres://u@localhost:5433/crm", Proof::None),
            ("postgres://u@127.0.0.1/crm?connect_timeout=3", Proof::None),
            ("postgres://u@[::1]/crm", Proof::None),
            ("postgres://u@%2Fvar%2Frun%2Fpostgresql/crm", Proof::None),
            (
                "postgres://u@localhost/crm?sslmode=verify-full",
                Proof::System,
            ),
            ("postgres://u@localhost,db/crm", Proof::System),
            (
                "postgres://u@localhost/crm?hostaddr=192.0.2.1",
                Proof::System,
            ),
        ] {
            assert_eq!(proof_of(address), proof, "{address}");
        }
        for mode in ["allow", "prefer"] {
            let address = Address::parse(&format!("postgres://db/crm?sslmode={mode}"));
            assert_eq!(address.unwrap_err(), AddressError::Unproven(mode.into()));
        }
        assert!(
            Address::parse("postgres://u@db/crm?sslmode=disable")
                .unwrap()
                .is_bare()
        );
        assert!(
            !Address::parse("postgres://u@localhost/crm")
                .unwrap()
                .is_bare()
        );
    }

    #[test]
    fn nothing_that_shows_of_an_address_has_its_password() {
        let address =
            Address::parse("postgres://anna:s3cr3t%40x@db:6543/crm?application_name=x").unwrap();
        assert_eq!(address.to_string(), "postgres://anna@db:6543/crm");
        assert_eq!(
            format!("{address:?}"),
            "Address(postgres://anna@db:6543/crm)"
        );
        assert!(address.has_password());
        let by_parameter = Address::parse("postgres://db/crm?password=s3cr3t").unwrap();
        assert!(by_parameter.has_password() && !by_parameter.to_string().contains("s3cr3t"));
        for wrong in [
            "postgres://anna:s3cr3t@db:port/crm",
            "postgres://anna:s3cr3t@db/crm?s3cr3t=1",
            "postgres://anna:s3cr3t@db/crm?sslmode=s3cr3t",
            "postgres:///crm",
        ] {
            let error = Address::parse(wrong).unwrap_err().to_string();
            assert!(!error.contains("anna"), "{error}");
        }
    }
}
