//! Where to send and with whose authority.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use secrecy::{ExposeSecret, SecretString};

use super::file::SettingsFile;
use crate::cli::{EndpointArgs, ReadArgs};

const DEFAULT_GRAPH_URL: &str = "https://graph.facebook.com";
const DEFAULT_API_VERSION: &str = "v23.0";
const DEFAULT_TIMEOUT_SECONDS: u64 = 30;
const TOKEN_VARIABLE: &str = "CRM2CAPI_ACCESS_TOKEN";
const SECRET_VARIABLE: &str = "CRM2CAPI_APP_SECRET";

pub use crate::graph::client::Endpoint;
use crate::graph::client::is_loopback;

impl Endpoint {
    /// Resolves the endpoint: command line, then environment, then settings file.
    ///
    /// # Errors
    /// Something is missing or malformed; nothing of a secret is in the message.
    pub fn resolve(args: &EndpointArgs, read: &ReadArgs, file: &SettingsFile) -> Result<Self> {
        Ok(Self {
            graph_url: Self::graph_url(args.graph_url.as_deref(), file)?,
            api_version: Self::version(read.api_version.as_deref(), file)?,
            dataset_id: Self::dataset(read.dataset_id.as_deref(), file)?.context(
                "no dataset: give --dataset-id, CRM2CAPI_DATASET_ID or dataset_id under [meta]; \
                 Events Manager shows the id below the dataset's name",
            )?,
            token: token(args.access_token_file.as_deref(), file)?,
            app_secret: variable(SECRET_VARIABLE).map(SecretString::from),
            timeout: timeout(args, file)?,
        })
    }

    /// The same at a sandbox, which takes any dataset and token.
    ///
    /// # Errors
    /// The timeout is none.
    pub fn of_sandbox(base_url: String, args: &EndpointArgs, file: &SettingsFile) -> Result<Self> {
        Ok(Self {
            graph_url: base_url,
            api_version: DEFAULT_API_VERSION.to_owned(),
            dataset_id: "1".repeat(15),
            token: SecretString::from("sandbox"),
            app_secret: None,
            timeout: timeout(args, file)?,
        })
    }

    /// Where the API lives, without a slash at the end.
    ///
    /// # Errors
    /// It is no URL, or the token would be sent in the clear.
    pub fn graph_url(given: Option<&str>, file: &SettingsFile) -> Result<String> {
        check_graph_url(
            given
                .or(file.meta.graph_url.as_deref())
                .unwrap_or(DEFAULT_GRAPH_URL),
        )
    }

    /// The dataset, where one is given.
    ///
    /// # Errors
    /// It is not made of digits.
    pub fn dataset(given: Option<&str>, file: &SettingsFile) -> Result<Option<String>> {
        let Some(id) = given.or(file.meta.dataset_id.as_deref()).map(str::trim) else {
            return Ok(None);
        };
        if id.is_empty() || id.len() > 20 || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            bail!(
                "the dataset id {id:?} is not a number; Events Manager shows the id below the dataset's name"
            );
        }
        Ok(Some(id.to_owned()))
    }

    /// The API's version.
    ///
    /// # Errors
    /// It does not look like `v23.0`.
    pub fn version(given: Option<&str>, file: &SettingsFile) -> Result<String> {
        let version = given
            .or(file.meta.api_version.as_deref())
            .unwrap_or(DEFAULT_API_VERSION);
        let digits = |text: &str| {
            !text.is_empty() && text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit())
        };
        let sound = version
            .strip_prefix('v')
            .and_then(|number| number.split_once('.'))
            .is_some_and(|(major, minor)| digits(major) && digits(minor));
        if !sound {
            bail!("the API version {version:?} does not look like {DEFAULT_API_VERSION}");
        }
        Ok(version.to_owned())
    }
}

fn timeout(args: &EndpointArgs, file: &SettingsFile) -> Result<Duration> {
    match args
        .timeout
        .or(file.delivery.timeout)
        .unwrap_or(DEFAULT_TIMEOUT_SECONDS)
    {
        0 => bail!("--timeout 0 leaves no time for an answer; give at least 1 second"),
        seconds => Ok(Duration::from_secs(seconds)),
    }
}

/// The URL without a slash at the end; https, unless the host is this machine.
fn check_graph_url(text: &str) -> Result<String> {
    let url =
        reqwest::Url::parse(text).with_context(|| format!("--graph-url {text:?} is not a URL"))?;
    match url.scheme() {
        _ if !url.username().is_empty() || url.password().is_some() || url.query().is_some() => {
            bail!("--graph-url must be a plain address without user, password or query")
        }
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => bail!(
            "--graph-url {text:?} would send the token unencrypted; use https (http is for loopback only)"
        ),
        other => bail!("--graph-url has the scheme {other:?}; use https"),
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name)
        .ok()
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}

/// The token: the file on the command line, then the environment, then the file in the settings.
fn token(given: Option<&Path>, file: &SettingsFile) -> Result<SecretString> {
    let from_file = |path: PathBuf| -> Result<SecretString> {
        let text = std::fs::read_to_string(&path)
            .map(SecretString::from)
            .with_context(|| format!("cannot read the access token file {}", path.display()))?;
        warn_if_readable_by_others(&path);
        check_token(text.expose_secret())
            .map(SecretString::from)
            .with_context(|| format!("in the access token file {}", path.display()))
    };
    if let Some(path) = given {
        return from_file(path.to_owned());
    }
    if let Some(text) = variable(TOKEN_VARIABLE) {
        return check_token(&text)
            .map(SecretString::from)
            .with_context(|| format!("in {TOKEN_VARIABLE}"));
    }
    match &file.meta.access_token_file {
        Some(path) => from_file(file.resolve(path)),
        None => bail!(
            "no access token: set {TOKEN_VARIABLE}, give --access-token-file FILE or access_token_file under [meta]; \
             Events Manager makes one under Settings > Conversions API (or try it out with --sandbox)"
        ),
    }
}

/// The token without surrounding white space.
fn check_token(text: &str) -> Result<String> {
    let token = text.trim();
    if token.is_empty() {
        bail!("the access token is empty; put the token itself there, on one line");
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        bail!(
            "the access token has characters that no token has; put the token itself there, on one line"
        );
    }
    Ok(token.to_owned())
}

#[cfg(unix)]
fn warn_if_readable_by_others(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path)
        .map(|metadata| metadata.permissions().mode())
        .unwrap_or(0);
    if mode & 0o004 != 0 {
        tracing::warn!(
            "everybody on this machine can read {}; run chmod 600 on it",
            path.display()
        );
    }
}

#[cfg(not(unix))]
fn warn_if_readable_by_others(_: &Path) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_only() {
        for sound in [
            "https://graph.facebook.com/",
            "http://127.0.0.1:8023",
            "http://localhost:1",
            "http://[::1]:9",
        ] {
            assert!(check_graph_url(sound).is_ok(), "{sound}");
        }
        for unsound in [
            "http://graph.facebook.com",
            "ftp://localhost",
            "graph",
            "https://u:p@h",
            "http://127.evil.com",
        ] {
            assert!(check_graph_url(unsound).is_err(), "{unsound}");
        }
        assert_eq!(check_graph_url("https://h/").unwrap(), "https://h");
    }

    #[test]
    fn a_token_may_end_in_a_newline_and_may_not_be_empty() {
        assert_eq!(check_token("EAAB\n").unwrap(), "EAAB");
        assert!(check_token(" \n").is_err());
        let error = format!("{:#}", check_token("EAAB secret").unwrap_err());
        assert!(!error.contains("EAAB"));
    }

    #[test]
    fn versions_and_datasets_are_checked() {
        let file = SettingsFile::default();
        assert!(Endpoint::version(Some("v23.0"), &file).is_ok());
        for unsound in ["23.0", "v23", "v23.x", "v.0", "latest"] {
            assert!(
                Endpoint::version(Some(unsound), &file).is_err(),
                "{unsound}"
            );
        }
        assert!(Endpoint::dataset(Some("12a"), &file).is_err());
        assert_eq!(
            Endpoint::dataset(Some(" 123 "), &file).unwrap().unwrap(),
            "123"
        );
    }
}
