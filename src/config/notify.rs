//! Whom to tell about the runs.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::endpoint::{SECRET_FILE_BYTES, variable};
use super::file::SettingsFile;
use crate::files::read_text;
use crate::notify::{Address, Settings};
use crate::text::{path_unless_secret, unless_secret};

const URL_VARIABLE: &str = "CRM2CAPI_NOTIFY_URL";

/// Resolves `[notify]`: the environment goes before the settings file.
///
/// # Errors
/// An address or an age cannot be used; nothing of an address is in the message.
pub(crate) fn notify_settings(file: &SettingsFile) -> Result<Settings> {
    let section = &file.notify;
    let address = |text: &str, place: &str| {
        Address::new(text)
            .map_err(|wrong| anyhow::anyhow!("the address in {place} cannot be used: {wrong}"))
    };
    let url = match (variable(URL_VARIABLE), &section.url, &section.url_file) {
        (Some(text), ..) => Some(address(&text, URL_VARIABLE)?),
        (None, Some(_), Some(_)) => {
            bail!("url and url_file under [notify] both name a receiver; keep one of them")
        }
        (None, Some(text), None) => Some(address(text, &file.place_of("url", "notify"))?),
        (None, None, Some(path)) => Some(address(
            &address_of(&file.resolve(path))?,
            &file.place_of("url_file", "notify"),
        )?),
        (None, None, None) => None,
    };
    if section.command.first().is_some_and(String::is_empty) {
        bail!(
            "{} names no program; write it like [\"mail\", \"-s\", \"leads\", \"ops@example.com\"]",
            file.place_of("command", "notify")
        );
    }
    let ping = section.ping_url.as_deref();
    let max_age = section.max_age.as_deref();
    Ok(Settings {
        url,
        format: section.format.unwrap_or_default(),
        ping_url: ping
            .map(|text| address(text, &file.place_of("ping_url", "notify")))
            .transpose()?,
        command: section.command.clone(),
        max_age: max_age
            .map(|text| age(text, &(file.place_of("max_age", "notify") + ":")))
            .transpose()?,
    })
}

fn address_of(path: &Path) -> Result<String> {
    read_text(path, SECRET_FILE_BYTES).with_context(|| {
        let shown = path_unless_secret(path);
        format!("cannot read the url_file {shown} under [notify]")
    })
}

/// A longer time is a mistyped one, and would never alarm anybody.
const MAX_AGE_DAYS: u64 = 3_650;

/// `26h`, `2d`, `90m`, `30s`; ten years at most.
///
/// # Errors
/// It is none of these.
pub(crate) fn age(text: &str, what: &str) -> Result<Duration> {
    let shown = || unless_secret(text);
    let split = text.len() - text.chars().next_back().map_or(0, char::len_utf8);
    let unit = match &text[split..] {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3_600),
        "d" => Some(86_400),
        _ => None,
    };
    let number = text[..split].trim();
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let Some(unit) = unit.filter(|_| is_number) else {
        bail!(
            "{what} {} is not an age; write it like 26h, 90m or 2d",
            shown()
        );
    };
    // A number that does not fit is too large in any unit.
    let seconds = number.parse().unwrap_or(u64::MAX).saturating_mul(unit);
    if seconds > MAX_AGE_DAYS * 86_400 {
        bail!(
            "{what} {} is longer than ten years; write it like 26h, 90m or 2d",
            shown()
        );
    }
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_a_unit() {
        let age = |text| age(text, "--max-age");
        assert_eq!(age("26h").unwrap(), Duration::from_secs(26 * 3_600));
        assert_eq!(age("2d").unwrap(), Duration::from_secs(172_800));
        for wrong in ["", "h", "26", "-1h", "1 year", "1é"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
        assert_eq!(age("3650d").unwrap(), Duration::from_secs(3_650 * 86_400));
        for (wrong, says) in [
            (
                "1h30m",
                "--max-age \"1h30m\" is not an age; write it like 26h, 90m or 2d",
            ),
            (
                "3651d",
                "--max-age \"3651d\" is longer than ten years; write it like 26h, 90m or 2d",
            ),
            (
                "99999999999d",
                "--max-age \"99999999999d\" is longer than ten years; write it like 26h, 90m or 2d",
            ),
        ] {
            assert_eq!(format!("{:#}", age(wrong).unwrap_err()), says);
        }
        assert!(age("99999999999999999999999s").is_err());
    }

    #[test]
    fn an_address_that_cannot_be_used_is_not_repeated() {
        let settings = |text: &str| notify_settings(&SettingsFile::parse(text).unwrap());
        for text in [
            "[notify]\nurl = \"http://hooks.example.com/secret\"",
            "[notify]\nping_url = \"secret\"",
            "[notify]\nurl = \"https://h/secret\"\nurl_file = \"secret\"",
            "[notify]\nurl_file = \"EAAsecret\"",
        ] {
            let error = format!("{:#}", settings(text).unwrap_err());
            assert!(
                !error.contains("secret") && error.contains("[notify]"),
                "{error}"
            );
        }
        let sound =
            settings("[notify]\nurl = \"https://h/x\"\nformat = \"teams\"\nmax_age = \"2d\"")
                .unwrap();
        assert!(sound.has_receiver());
        assert!(!settings("").unwrap().has_receiver());
    }
}
