//! How to send, and where what was accepted is remembered.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::endpoint::{SECRET_FILE_BYTES, dataset_id, variable};
use super::file::SettingsFile;
use super::read::{clock, refuse_token};
use crate::batch::{Beside, Limits};
use crate::cli::{ReadArgs, StatusArgs, UploadArgs};
use crate::deliver::{self, MAX_CONCURRENCY};
use crate::files::read_text;
use crate::ledger::{Address, LedgerTarget};
use crate::rules::MAX_BATCH_EVENTS;
use crate::run::{Earlier, ReadSettings, SendSettings};
use crate::text::path_unless_secret;

/// Where the ledger is; what stands there is not shown to other users.
const LEDGER_VARIABLE: &str = "CRM2CAPI_LEDGER";

/// How long Meta is asked again for what it cannot answer now.
pub(crate) fn give_up_after(given: Option<Duration>, file: &SettingsFile) -> Duration {
    given
        .or(file.delivery.give_up_after.map(Duration::from_secs))
        .unwrap_or(deliver::Settings::default().give_up_after)
}

/// Resolves how to send. Without arguments it judges the settings file alone, as `validate` does: a key that would
/// stop an upload stops the dry run too.
///
/// # Errors
/// An option or a key is out of its bounds.
pub(crate) fn send_settings(
    args: Option<&UploadArgs>,
    file: &SettingsFile,
) -> Result<SendSettings> {
    let section = &file.delivery;
    let default = deliver::Settings::default();
    let batch_size = batch_size(args.and_then(|args| args.batch_size), file)?;
    let wait = section.wait.map(Duration::from_secs);
    Ok(SendSettings {
        delivery: deliver::Settings {
            limits: Limits::of(batch_size),
            concurrency: concurrency(args, file, default.concurrency)?,
            give_up_after: give_up_after(args.and_then(|args| args.give_up_after), file),
            clock: clock(args.and_then(|args| args.read.now)),
            beside: Beside {
                test_event_code: test_event_code(args, file)?,
                partner_agent: partner_agent(file)?,
            },
            ..default
        },
        ledger: ledger(args, file)?,
        wait: args.and_then(|args| args.wait).or(wait).unwrap_or_default(),
        retry_rejected: args.is_some_and(|args| args.retry_rejected)
            || section.retry_rejected.unwrap_or(false),
        retry_uncertain: args.is_some_and(|args| args.retry_uncertain)
            || section.retry_uncertain.unwrap_or(false),
    })
}

/// Where what was accepted is remembered.
///
/// # Errors
/// It is neither a file's name nor a server's address, or no folder is known for it.
pub(crate) fn ledger(args: Option<&UploadArgs>, file: &SettingsFile) -> Result<LedgerTarget> {
    let given = args.and_then(|args| args.ledger.as_deref());
    match named_ledger(given, file)? {
        Some(target) => Ok(target),
        None if args.is_some() => default_ledger().map(LedgerTarget::File),
        None => Ok(LedgerTarget::None),
    }
}

/// The batch size within Meta's bounds.
///
/// # Errors
/// The settings file's is 0 or more than Meta takes.
pub(crate) fn batch_size(given: Option<u16>, file: &SettingsFile) -> Result<usize> {
    let default = deliver::Settings::default().limits.events;
    let in_file = file.delivery.batch_size;
    if let Some(size) = in_file
        && !(1..=usize::from(MAX_BATCH_EVENTS)).contains(&size)
    {
        let place = file.place_of("batch_size", "delivery");
        bail!(
            "{place}: {size} is out of bounds; Meta takes 1 to {MAX_BATCH_EVENTS} events per request"
        );
    }
    Ok(given.map(usize::from).or(in_file).unwrap_or(default))
}

fn concurrency(args: Option<&UploadArgs>, file: &SettingsFile, default: usize) -> Result<usize> {
    let in_file = file.delivery.concurrency;
    if let Some(count) = in_file
        && !(1..=usize::from(MAX_CONCURRENCY)).contains(&count)
    {
        let place = file.place_of("concurrency", "delivery");
        bail!("{place}: {count} is out of bounds; give 1 to {MAX_CONCURRENCY}");
    }
    let given = args.and_then(|args| args.concurrency).map(usize::from);
    Ok(given.or(in_file).unwrap_or(default))
}

/// An empty code is never meant: it would send real events without a memory.
fn test_event_code(args: Option<&UploadArgs>, file: &SettingsFile) -> Result<Option<String>> {
    let given = args.and_then(|args| args.test_event_code.as_ref());
    let code = given.or(file.meta.test_event_code.as_ref());
    if code.is_some_and(|code| code.trim().is_empty()) {
        let place = match given {
            Some(_) => String::new(),
            None => file.place_of("test_event_code", "meta") + ": ",
        };
        bail!(
            "{place}the test event code is empty, and without one the events would count; give the code that Events Manager \
             shows under Test events, or leave --test-event-code out"
        );
    }
    refuse_token("the test event code", code.map_or("", String::as_str))?;
    Ok(code.map(|code| code.trim().to_owned()))
}

/// Names this program to Meta, so that what it sent can be counted by itself later.
const OWN_AGENT: &str = "crm2capi";

/// Whom Meta is told that sends.
///
/// Meta's limits for a partner agent: under 23 characters, at least two of them letters.
/// <https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/main-body>
///
/// # Errors
/// The settings' own breaks them.
pub(crate) fn partner_agent(file: &SettingsFile) -> Result<Option<String>> {
    let Some(name) = &file.event.partner_agent else {
        return Ok(Some(OWN_AGENT.to_owned()));
    };
    if name.chars().count() >= 23 || name.chars().filter(|c| c.is_alphabetic()).count() < 2 {
        bail!(
            "{}: {name:?} must have fewer than 23 characters, at least two of them letters",
            file.place_of("partner_agent", "event")
        );
    }
    Ok(Some(name.clone()))
}

/// The ledger that the command line, the environment or the settings file names, in this order.
fn named_ledger(given: Option<&Path>, file: &SettingsFile) -> Result<Option<LedgerTarget>> {
    if let Some(path) = given {
        return ledger_target(path, "--ledger").map(Some);
    }
    if let Some(text) = variable(LEDGER_VARIABLE) {
        return match Address::is_one(&text) {
            true => address(&text, LEDGER_VARIABLE).map(Some),
            false => ledger_target(Path::new(&text), LEDGER_VARIABLE).map(Some),
        };
    }
    let section = &file.delivery;
    match (&section.ledger, &section.ledger_url_file) {
        (Some(_), Some(_)) => {
            bail!(
                "ledger and ledger_url_file under [delivery] both name a ledger; keep one of them"
            )
        }
        (Some(path), None) => {
            let target = ledger_target(path, &file.place_of("ledger", "delivery"))?;
            Ok(Some(match target {
                LedgerTarget::File(path) => LedgerTarget::File(file.resolve(&path)),
                target => target,
            }))
        }
        (None, Some(path)) => {
            let path = file.resolve(path);
            let text = read_text(&path, SECRET_FILE_BYTES).with_context(|| {
                let shown = path_unless_secret(&path);
                format!("cannot read the ledger_url_file {shown} under [delivery]")
            })?;
            let place = file.place_of("ledger_url_file", "delivery");
            if !Address::is_one(text.trim()) {
                bail!("{place}: the file does not begin with postgres://");
            }
            address(&text, &place).map(Some)
        }
        (None, None) => Ok(None),
    }
}

/// What is written where anybody may read it: the name of a file, or an address without a password.
fn ledger_target(path: &Path, place: &str) -> Result<LedgerTarget> {
    if path.as_os_str() == "none" {
        return Ok(LedgerTarget::None);
    }
    if let Some(text) = path.to_str().filter(|text| Address::is_one(text)) {
        return match address(text, place)? {
            LedgerTarget::Server(address) if address.has_password() => bail!(
                "{place}: the ledger's address has a password, which others could read there; put it into {LEDGER_VARIABLE}, \
                 or into a file that ledger_url_file under [delivery] names"
            ),
            target => Ok(target),
        };
    }
    refuse_address(path)?;
    Ok(LedgerTarget::File(path.to_owned()))
}

fn address(text: &str, place: &str) -> Result<LedgerTarget> {
    let address = Address::parse(text).with_context(|| place.to_owned())?;
    Ok(LedgerTarget::Server(address))
}

/// An address is not a file's name, and may hold a password, so nothing of it is repeated.
fn refuse_address(path: &Path) -> Result<()> {
    let text = path.to_string_lossy();
    // Two letters and more: a single one is a drive.
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    if text.starts_with(':') || scheme.len() > 1 && scheme.bytes().all(is_scheme) {
        bail!(
            "the ledger must be a file, an address that begins with postgres://, or none; a file name may not begin like an \
             address (write ./NAME)"
        );
    }
    Ok(())
}

/// Where earlier uploads with these settings have left what they know, as far as exports of current stages need it.
///
/// # Errors
/// The dataset's id is not made of digits.
pub(crate) fn earlier(
    args: &ReadArgs,
    read: &ReadSettings,
    file: &SettingsFile,
) -> Result<Earlier> {
    let dataset = dataset_id(args.settings.dataset_id.as_deref(), file)?;
    let (Some(dataset), true) = (dataset, read.given.is_snapshot()) else {
        return Ok(Earlier::default());
    };
    let ledger = named_ledger(None, file)?
        .or_else(|| default_ledger().ok().map(LedgerTarget::File))
        .unwrap_or_default();
    Ok(Earlier { ledger, dataset })
}

/// The ledger that `status` reads.
///
/// # Errors
/// It is neither a file's name nor a server's address, or no folder is known for it.
pub(crate) fn status_ledger(args: &StatusArgs, file: &SettingsFile) -> Result<LedgerTarget> {
    named_or_default(args.ledger.as_deref(), file)
}

fn named_or_default(given: Option<&Path>, file: &SettingsFile) -> Result<LedgerTarget> {
    match named_ledger(given, file)? {
        Some(target) => Ok(target),
        None => default_ledger().map(LedgerTarget::File),
    }
}

/// The ledger that a command line names by itself, or else the one an upload would use.
///
/// # Errors
/// It is neither a file's name nor a server's address, or no folder is known for it.
pub(crate) fn ledger_of(given: Option<&Path>, file: &SettingsFile) -> Result<LedgerTarget> {
    let Some(given) = given else {
        return named_or_default(None, file);
    };
    let Some(path) = given.to_str().and_then(|text| text.strip_prefix('@')) else {
        return ledger_target(given, "LEDGER");
    };
    let shown = path_unless_secret(Path::new(path));
    let text = read_text(Path::new(path), SECRET_FILE_BYTES)
        .with_context(|| format!("cannot read {shown}, which is to hold the ledger's address"))?;
    if !Address::is_one(text.trim()) {
        bail!("{shown} does not begin with postgres://");
    }
    address(&text, &shown.to_string())
}

/// Where the ledger lies unless told otherwise.
///
/// # Errors
/// The environment names neither a state folder nor a home.
pub(crate) fn default_ledger() -> Result<PathBuf> {
    let folder = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let state = folder("XDG_STATE_HOME")
        .or_else(|| folder("LOCALAPPDATA"))
        .or_else(|| folder("HOME").map(|home| home.join(".local/state")))
        .context(
            "no folder for the ledger: neither XDG_STATE_HOME nor HOME is set; give --ledger FILE or --ledger none",
        )?;
    Ok(state.join("crm2capi").join("ledger.sqlite3"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_the_settings_file_are_checked() {
        let size = |size| {
            let mut file = SettingsFile::default();
            file.delivery.batch_size = Some(size);
            batch_size(None, &file)
        };
        assert_eq!(size(1_000).unwrap(), 1_000);
        assert!(size(0).is_err() && size(1_001).is_err());
    }

    #[test]
    fn an_address_is_not_taken_for_a_file() {
        let target = |text: &str| ledger_target(Path::new(text), "--ledger");
        for address in [":memory:", "mysql://host/db", "file:ledger", "http://x"] {
            assert!(target(address).is_err(), "{address}");
        }
        assert_eq!(target("none").unwrap(), LedgerTarget::None);
        for path in ["ledger", "./a:b", "/var/lib/x", "C:\\ledger"] {
            assert_eq!(target(path).unwrap(), LedgerTarget::File(path.into()));
        }
    }

    #[test]
    fn an_address_with_a_password_stands_where_only_its_owner_reads() {
        let target = |text: &str| ledger_target(Path::new(text), "--ledger");
        let plain = target("postgres://anna@db/crm").unwrap();
        assert_eq!(plain.to_string(), "postgres://anna@db:5432/crm");
        for secret in [
            "postgres://anna:s3cr3t@db/crm",
            "postgresql://db/crm?password=s3cr3t",
        ] {
            let error = target(secret).unwrap_err().to_string();
            assert!(
                error.contains("CRM2CAPI_LEDGER") && !error.contains("s3cr3t"),
                "{error}"
            );
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("url");
        std::fs::write(&path, "postgres://anna:s3cr3t@db/crm\n").unwrap();
        let mut file = SettingsFile::default();
        file.delivery.ledger_url_file = Some(path.clone());
        let target = ledger(None, &file).unwrap();
        assert_eq!(target.to_string(), "postgres://anna@db:5432/crm");
        std::fs::write(&path, "ledger.sqlite3").unwrap();
        assert!(ledger(None, &file).is_err());
    }
}
