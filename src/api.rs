//! What a program may rely on: normalise a value, turn an export into events, upload it.
//!
//! An [`Export`] is set up by the same words as on the command line: files, and the text of a settings file. Whatever
//! the command line can do goes through the same rooms; nothing here is a second way.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;
use secrecy::SecretString;

use crate::cli::{EndpointArgs, ReadArgs, SettingsArgs};
use crate::config::{self, SettingsFile};
use crate::customer::{self, Country, LetterM};
use crate::field::Field;
use crate::ledger::LedgerTarget;
use crate::problem::Code;
use crate::report::Summary;
use crate::report::funnel::Kind;
use crate::run::{self, BodyReader, Observer, Outbox, Signals, UploadSettings};
use crate::serve::{self, Keys, Server};
use crate::time::{Clock, DateOrder};

/// One or more exports, read as one run.
///
/// ```
/// use crm2capi::{Destination, Export, Sandbox};
///
/// # fn main() -> anyhow::Result<()> {
/// let now = "2026-11-21T16:00:00Z".parse()?;
/// let sandbox = Sandbox::start(Some(now))?;
/// let destination = Destination {
///     graph_url: Some(sandbox.url()),
///     ledger: None,
///     ..Destination::new("123456789012345", "any token")
/// };
/// let summary = Export::new(["examples/hubspot.csv"])
///     .settings("[crm]\ntimezone = \"America/New_York\"")?
///     .now(now)
///     .upload(&destination, &mut ())?;
/// assert_eq!(summary.exit_status.code(), 0);
/// assert_eq!(summary.counts.accepted(), summary.counts.events - summary.counts.skipped_old);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Export {
    args: ReadArgs,
    file: SettingsFile,
}

impl Export {
    /// The files, in the order in which they are read.
    pub fn new<P: Into<PathBuf>>(files: impl IntoIterator<Item = P>) -> Self {
        Self {
            args: ReadArgs {
                files: files.into_iter().map(Into::into).collect(),
                ..ReadArgs::default()
            },
            file: SettingsFile::default(),
        }
    }

    /// Takes settings as `crm2capi.toml` holds them.
    ///
    /// # Errors
    /// The text is not TOML, or has a key or a value that does not belong; the message names the line.
    pub fn settings(mut self, toml: &str) -> Result<Self> {
        self.file = SettingsFile::parse(toml)?;
        Ok(self)
    }

    /// Judges the age of events by a clock that stands still here, as replays and tests need it.
    pub fn now(mut self, now: Timestamp) -> Self {
        self.args.now = Some(now);
        self
    }

    /// Reads the exports as an upload would, and tells what it would send and what is wrong with the rest.
    ///
    /// # Errors
    /// An export cannot be read, or does not fit the settings.
    pub fn validate(&self) -> Result<Summary> {
        let read = config::read_settings(&self.args, &self.file)?;
        let earlier = config::earlier(&self.args, &read, &self.file)?;
        run::validate(&read, &earlier, &mut ())
    }

    /// Hands over each event that would be sent, as the JSON object that would be sent, in the order of the rows.
    ///
    /// # Errors
    /// An export cannot be read or does not fit the settings, or `take` fails.
    pub fn events(&self, mut take: impl FnMut(&str) -> Result<()>) -> Result<Summary> {
        let settings = config::read_settings(&self.args, &self.file)?;
        run::build(&settings, u64::MAX, &mut |prepared, picked| {
            for &index in picked {
                take(std::str::from_utf8(prepared.json_of(index))?)?;
            }
            Ok(())
        })
    }

    /// Uploads what is new and tells what became of every event. Safe to rerun: accepted events are never resent.
    /// Blocks until all is done, and must not be called from within an asynchronous runtime.
    ///
    /// # Errors
    /// The upload could not begin; nothing was sent. Whatever happens later is in the summary.
    pub fn upload(&self, to: &Destination, observer: &mut dyn Observer) -> Result<Summary> {
        let endpoint = EndpointArgs {
            graph_url: to.graph_url.clone(),
            ..EndpointArgs::default()
        };
        let settings = SettingsArgs {
            dataset_id: Some(to.dataset_id.clone()),
            ..SettingsArgs::default()
        };
        let mut send = config::send_settings(None, &self.file)?;
        send.delivery.clock = config::clock(self.args.now);
        send.ledger = match &to.ledger {
            Some(path) => LedgerTarget::File(path.clone()),
            None => LedgerTarget::None,
        };
        let settings = UploadSettings {
            read: config::read_settings(&self.args, &self.file)?,
            send,
            endpoint: config::endpoint_with_token(
                &endpoint,
                &settings,
                &self.args.version,
                &self.file,
                to.token.clone(),
            )?,
            is_sandbox: false,
            signals: Signals::Unheeded,
        };
        run::upload(&settings, observer)
    }
}

/// Where an upload goes, and where what was accepted is remembered.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The dataset's id, digits.
    pub dataset_id: String,
    /// The dataset's access token.
    pub token: SecretString,
    /// Where the API lives, when not at Meta's; plain http only for loopback.
    pub graph_url: Option<String>,
    /// The ledger's file; without one nothing is remembered, and a second run sends everything again.
    pub ledger: Option<PathBuf>,
}

impl Destination {
    /// A dataset at Meta, with no ledger.
    pub fn new(dataset_id: impl Into<String>, token: impl Into<String>) -> Self {
        Self {
            dataset_id: dataset_id.into(),
            token: SecretString::from(token.into()),
            graph_url: None,
            ledger: None,
        }
    }

    /// The same, remembering in this file what was accepted.
    pub fn with_ledger(mut self, path: &Path) -> Self {
        self.ledger = Some(path.to_owned());
        self
    }
}

/// A stand-in for Meta's endpoint on this machine, which stops when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    sandbox: crate::sandbox::Sandbox,
    _runtime: tokio::runtime::Runtime,
}

impl Sandbox {
    /// Starts one on a free port of the loopback interface. It judges the age of events by the time given, else by the
    /// machine's clock.
    ///
    /// # Errors
    /// No port can be had.
    pub fn start(now: Option<Timestamp>) -> Result<Self> {
        let keep_bytes = crate::sandbox::DEFAULT_KEEP_BYTES;
        let now = now.map(Timestamp::as_second);
        let settings = crate::sandbox::Settings::in_process(now, keep_bytes);
        let runtime = tokio::runtime::Runtime::new().context("cannot start the sandbox")?;
        let sandbox = runtime
            .block_on(crate::sandbox::Sandbox::start(settings))
            .context("cannot start the sandbox")?;
        Ok(Self {
            sandbox,
            _runtime: runtime,
        })
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        self.sandbox.base_url()
    }
}

/// Takes events over HTTP on a free port of this machine as `crm2capi serve` does, and delivers none of them: for the
/// fuzz target of its intake. What it keeps is gone when it is dropped.
#[doc(hidden)]
pub struct Intake {
    server: Server,
    _runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

impl Intake {
    /// Starts one that asks for a token, or is open to every program of this machine.
    ///
    /// # Errors
    /// No port or no folder can be had.
    pub fn start(token: Option<&str>, now: Timestamp) -> Result<Self> {
        let dataset = "1";
        let folder = tempfile::tempdir()?;
        let ledger = LedgerTarget::File(folder.path().join("ledger.sqlite3"));
        let outbox = Outbox::open(&ledger, Duration::ZERO, dataset)?;
        let args = ReadArgs {
            now: Some(now),
            ..ReadArgs::default()
        };
        let read = config::body_settings(&args, &SettingsFile::default())?;
        let settings = serve::Settings {
            listen: ([127, 0, 0, 1], 0).into(),
            keys: Keys {
                token: token.map(SecretString::from),
                ..Keys::default()
            },
            leadgen: None,
            max_queue: u64::MAX,
            max_connections: 16,
            head_timeout: Duration::from_secs(1),
            body_timeout: Duration::from_secs(1),
        };
        let runtime = tokio::runtime::Runtime::new()?;
        let reader = BodyReader::new(read, dataset)?;
        let server = runtime.block_on(Server::start(settings, reader, outbox))?;
        Ok(Self {
            server,
            _runtime: runtime,
            _folder: folder,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }
}

/// Normalises and hashes single values as Meta matches them.
///
/// ```
/// let normalizer = crm2capi::Normalizer::new(Some("US"), None)?;
/// let [phone] = &normalizer.normalize("phone", "(650) 555-1212").unwrap()[..] else { panic!() };
/// assert_eq!(phone.text.as_deref(), Some("16505551212"));
/// # Ok::<(), anyhow::Error>(())
/// ```
pub struct Normalizer(customer::Normalizer);

/// A value as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normalized {
    /// Meta's key for it, such as `em`.
    pub key: &'static str,
    /// The text before hashing; absent when the value came hashed.
    pub text: Option<String>,
    /// The SHA-256 in lowercase hex; absent when the value is sent as it is.
    pub sha256: Option<String>,
}

/// Every problem that a report can name, and what each of them weighs: an `error` refuses the row, a `value` is left out or
/// refuses its row as the settings say, a `warning` or an `info` is only told.
pub fn problems() -> Vec<(Problem, &'static str)> {
    let rows = Code::ALL.iter().map(|&code| {
        let weight = match code.makes_value_unusable() {
            true => "value",
            false => code.severity().name(),
        };
        (Problem::from(code), weight)
    });
    let funnel = Kind::ALL.iter().map(|kind| {
        let problem = Problem {
            code: kind.name(),
            message: kind.message(),
            help: kind.help(),
        };
        (problem, "funnel")
    });
    rows.chain(funnel).collect()
}

/// Why a value cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}; {help}")]
pub struct Problem {
    /// A stable name in kebab-case.
    pub code: &'static str,
    /// What is wrong.
    pub message: &'static str,
    /// What to do about it.
    pub help: &'static str,
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self {
            code: code.name(),
            message: code.message(),
            help: code.help(),
        }
    }
}

impl Normalizer {
    /// Reads values of rows of this country (a code or a name), and numeric dates in this order (`mdy`, `dmy` or `ymd`).
    ///
    /// # Errors
    /// The country or the order is unknown.
    pub fn new(country: Option<&str>, date_order: Option<&str>) -> Result<Self> {
        let country = country
            .map(|text| Country::parse(text).with_context(|| format!("unknown country {text:?}")))
            .transpose()?;
        let this_year = Clock::System.this_year();
        Ok(Self(customer::Normalizer::new(&customer::Settings {
            default_country: country,
            date_order: date_order.map(str::parse::<DateOrder>).transpose()?,
            this_year,
            letter_m: LetterM::Man,
        })))
    }

    /// Normalises a cell of a customer field (`email`, `phone`, … or Meta's key for it): several values when it holds
    /// several emails or phones or a full name, none when it says "nothing".
    ///
    /// # Errors
    /// The value cannot be used, or the field is unknown.
    pub fn normalize(&self, field: &str, value: &str) -> Result<Vec<Normalized>, Problem> {
        let field: Field = field.parse().map_err(|_| Problem {
            code: "field-unknown",
            message: "no such field",
            help: "crm2capi help fields lists them",
        })?;
        let values = self.0.values(field, value)?;
        let normalized = values.into_iter().map(|value| Normalized {
            key: value.key.name(),
            sha256: value
                .sha256
                .map(|hash| String::from_utf8_lossy(hash.as_hex()).into_owned()),
            text: value.text,
        });
        Ok(normalized.collect())
    }
}
