//! Where to send and with whose authority.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use secrecy::{ExposeSecret, SecretString};

use super::file::SettingsFile;
use crate::cli::{EndpointArgs, LeadsArgs, ReadArgs, SettingsArgs, UploadArgs, VersionArgs};
use crate::files::read_text;
use crate::graph::Endpoint;
use crate::graph::client::is_loopback;
use crate::ledger::LedgerTarget;
use crate::text::{path_unless_secret, unless_secret};

const DEFAULT_GRAPH_URL: &str = "https://graph.facebook.com";
const DEFAULT_API_VERSION: &str = crate::graph::version::DEFAULT;
/// No token or address is anywhere near this long.
pub(super) const SECRET_FILE_BYTES: u64 = 64 << 10;
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
const NO_DATASET: &str = "no dataset: give --dataset-id, CRM2CAPI_DATASET_ID or dataset_id under [meta]; Events Manager \
     shows the id below the dataset's name; crm2capi help dataset says more";
const TOKEN_VARIABLE: &str = "CRM2CAPI_ACCESS_TOKEN";
const READ_TOKEN_VARIABLE: &str = "CRM2CAPI_READ_TOKEN";
const LEADS_TOKEN_VARIABLE: &str = "CRM2CAPI_LEADS_TOKEN";
const SECRET_VARIABLE: &str = "CRM2CAPI_APP_SECRET";
const NO_TOKEN: &str = "no access token: set CRM2CAPI_ACCESS_TOKEN, give --access-token-file FILE or access_token_file \
     under [meta]; Events Manager makes one under Settings > Conversions API (or try it out with --sandbox)";
const NO_LEADS_TOKEN: &str = "no token that may read leads: set CRM2CAPI_LEADS_TOKEN, give --leads-token-file FILE or \
     leads_token_file under [meta]; the dataset's token cannot read them, a system user's token with leads_retrieval can";

/// Resolves the endpoint: command line, then environment, then settings file.
///
/// # Errors
/// Something is missing or malformed; nothing of a secret is in the message.
pub(crate) fn endpoint(
    args: &EndpointArgs,
    settings: &SettingsArgs,
    version: &VersionArgs,
    file: &SettingsFile,
) -> Result<Endpoint> {
    let token = token(args.access_token_file.as_deref(), file)?;
    endpoint_with_token(args, settings, version, file, token)
}

/// The same with a token that is there already.
///
/// # Errors
/// Something is missing or malformed.
pub(crate) fn endpoint_with_token(
    args: &EndpointArgs,
    settings: &SettingsArgs,
    version: &VersionArgs,
    file: &SettingsFile,
    token: SecretString,
) -> Result<Endpoint> {
    Ok(Endpoint {
        graph_url: graph_url(args.graph_url.as_deref(), file)?,
        api_version: api_version(version, file)?,
        dataset_id: dataset_id(settings.dataset_id.as_deref(), file)?.context(NO_DATASET)?,
        token,
        app_secret: variable(SECRET_VARIABLE).map(SecretString::from),
        timeout: timeout(args, file)?,
    })
}

/// The same to read what Meta counted: with `CRM2CAPI_READ_TOKEN`, without it with the dataset's own token, which may read
/// less.
///
/// # Errors
/// Something is missing or malformed; nothing of a secret is in the message.
pub(crate) fn reading_endpoint(
    args: &EndpointArgs,
    settings: &SettingsArgs,
    version: &VersionArgs,
    file: &SettingsFile,
) -> Result<Endpoint> {
    let Some(text) = variable(READ_TOKEN_VARIABLE) else {
        return endpoint(args, settings, version, file).with_context(|| {
            format!("{READ_TOKEN_VARIABLE} is not set, so the dataset's own token is tried")
        });
    };
    let token = check_token(&text).with_context(|| format!("in {READ_TOKEN_VARIABLE}"))?;
    let endpoint = endpoint_with_token(args, settings, version, file, token.into())?;
    Ok(Endpoint {
        // The secret belongs to the app of the dataset's token.
        app_secret: None,
        ..endpoint
    })
}

/// The same with the dataset's own token, where another one reads: Meta tells some things to the dataset's own alone.
pub(crate) fn own_endpoint(
    args: &EndpointArgs,
    settings: &SettingsArgs,
    version: &VersionArgs,
    file: &SettingsFile,
) -> Option<Endpoint> {
    variable(READ_TOKEN_VARIABLE)?;
    endpoint(args, settings, version, file).ok()
}

/// Where Meta's leads are read, with a token of their own.
///
/// # Errors
/// Something is missing or malformed; nothing of a secret is in the message.
pub(crate) fn endpoint_of_leads(args: &LeadsArgs, file: &SettingsFile) -> Result<Endpoint> {
    let timeouts = EndpointArgs {
        timeout: args.timeout,
        graph_url: args.graph_url.clone(),
        ..EndpointArgs::default()
    };
    Ok(Endpoint {
        token: leads_token(args.leads_token_file.as_deref(), file)?,
        app_secret: variable(SECRET_VARIABLE).map(SecretString::from),
        ..endpoint_of_nothing(&timeouts, &args.version, file)?
    })
}

/// The same where Meta's webhook tells of leads: the token is of the app whose secret signs it.
///
/// # Errors
/// Something is missing or malformed; nothing of a secret is in the message.
pub(crate) fn endpoint_of_webhook(
    args: &UploadArgs,
    file: &SettingsFile,
    app_secret: &SecretString,
) -> Result<Endpoint> {
    Ok(Endpoint {
        token: leads_token(None, file)?,
        app_secret: Some(app_secret.clone()),
        ..endpoint_of_nothing(&args.endpoint, &args.read.version, file)?
    })
}

fn leads_token(given: Option<&Path>, file: &SettingsFile) -> Result<SecretString> {
    let in_file = file.meta.leads_token_file.as_deref();
    let in_file = in_file.map(|path| file.resolve(path));
    token_of(given, LEADS_TOKEN_VARIABLE, in_file)?.context(NO_LEADS_TOKEN)
}

/// Where Meta is, without a dataset and a token.
fn endpoint_of_nothing(
    args: &EndpointArgs,
    version: &VersionArgs,
    file: &SettingsFile,
) -> Result<Endpoint> {
    Ok(Endpoint {
        graph_url: graph_url(args.graph_url.as_deref(), file)?,
        api_version: api_version(version, file)?,
        dataset_id: String::new(),
        token: SecretString::default(),
        app_secret: None,
        timeout: timeout(args, file)?,
    })
}

/// The same at a sandbox, which takes any dataset and token.
///
/// # Errors
/// The settings file's timeout is out of its bounds.
pub(crate) fn endpoint_of_sandbox(
    base_url: String,
    args: &EndpointArgs,
    file: &SettingsFile,
) -> Result<Endpoint> {
    Ok(Endpoint {
        graph_url: base_url,
        api_version: DEFAULT_API_VERSION.to_owned(),
        dataset_id: "1".repeat(15),
        token: SecretString::from("sandbox"),
        app_secret: None,
        timeout: timeout(args, file)?,
    })
}

/// The dataset alone, for a run that sends nothing. Only a ledger has to be asked for one.
///
/// # Errors
/// The dataset is missing where it is needed, or its id is not made of digits.
pub(crate) fn endpoint_of_nobody(
    read: &ReadArgs,
    file: &SettingsFile,
    ledger: &LedgerTarget,
) -> Result<Endpoint> {
    let dataset_id = dataset_id(read.settings.dataset_id.as_deref(), file)?;
    let is_known = ledger.may_exist();
    Ok(Endpoint {
        graph_url: DEFAULT_GRAPH_URL.to_owned(),
        api_version: api_version(&read.version, file)?,
        dataset_id: match is_known {
            true => dataset_id.context(NO_DATASET)?,
            false => dataset_id.unwrap_or_default(),
        },
        token: SecretString::default(),
        app_secret: None,
        timeout: DEFAULT_TIMEOUT,
    })
}

/// Where the API lives, without a slash at the end.
///
/// # Errors
/// It is no URL, or the token would be sent in the clear.
pub(crate) fn graph_url(given: Option<&str>, file: &SettingsFile) -> Result<String> {
    match (given, file.meta.graph_url.as_deref()) {
        (Some(given), _) => check_graph_url(given),
        (None, Some(in_file)) => {
            check_graph_url(in_file).with_context(|| file.place_of("graph_url", "meta"))
        }
        (None, None) => Ok(DEFAULT_GRAPH_URL.to_owned()),
    }
}

/// The dataset, where one is given.
///
/// # Errors
/// It is not made of digits.
pub(crate) fn dataset_id(given: Option<&str>, file: &SettingsFile) -> Result<Option<String>> {
    let Some(id) = given.or(file.meta.dataset_id.as_deref()).map(str::trim) else {
        return Ok(None);
    };
    if id.is_empty() || id.len() > 20 || !id.bytes().all(|byte| byte.is_ascii_digit()) {
        let place = match given {
            Some(_) => String::new(),
            None => file.place_of("dataset_id", "meta") + ": ",
        };
        bail!(
            "{place}the dataset id {} is not a number; Events Manager shows the id below the dataset's name",
            unless_secret(id)
        );
    }
    Ok(Some(id.to_owned()))
}

/// The API's version.
///
/// # Errors
/// It does not look like `v25.0`.
pub(crate) fn api_version(args: &VersionArgs, file: &SettingsFile) -> Result<String> {
    let given = args.api_version.as_ref().or(file.meta.api_version.as_ref());
    let version = given.map_or(DEFAULT_API_VERSION, String::as_str);
    let digits = |text: &str| {
        !text.is_empty() && text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit())
    };
    let sound = version
        .strip_prefix('v')
        .and_then(|number| number.split_once('.'))
        .is_some_and(|(major, minor)| digits(major) && digits(minor));
    if !sound {
        let place = match &args.api_version {
            Some(_) => String::new(),
            None => file.place_of("api_version", "meta") + ": ",
        };
        bail!(
            "{place}the API version {} does not look like {DEFAULT_API_VERSION}",
            unless_secret(version)
        );
    }
    Ok(version.to_owned())
}

fn timeout(args: &EndpointArgs, file: &SettingsFile) -> Result<Duration> {
    if file.delivery.timeout == Some(0) {
        let place = file.place_of("timeout", "delivery");
        bail!("{place}: 0 leaves no time for an answer; give at least 1 second");
    }
    let in_file = file.delivery.timeout.map(Duration::from_secs);
    Ok(args.timeout.or(in_file).unwrap_or(DEFAULT_TIMEOUT))
}

/// The URL without a slash at the end; https, unless the host is this machine.
fn check_graph_url(text: &str) -> Result<String> {
    let shown = unless_secret(text);
    let url =
        reqwest::Url::parse(text).with_context(|| format!("--graph-url {shown} is not a URL"))?;
    match url.scheme() {
        _ if !url.username().is_empty() || url.password().is_some() || url.query().is_some() => {
            bail!("--graph-url must be a plain address without user, password or query")
        }
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => bail!(
            "--graph-url {shown} would send the token unencrypted; use https (http is for loopback only)"
        ),
        other => bail!("--graph-url has the scheme {other:?}; use https"),
    }
    Ok(text.trim_end_matches('/').to_owned())
}

pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name)
        .ok()
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}

/// The token that uploads.
fn token(given: Option<&Path>, file: &SettingsFile) -> Result<SecretString> {
    let in_file = file.meta.access_token_file.as_deref();
    token_of(
        given,
        TOKEN_VARIABLE,
        in_file.map(|path| file.resolve(path)),
    )?
    .context(NO_TOKEN)
}

/// A token: the file on the command line, then the environment, then the file in the settings.
fn token_of(
    given: Option<&Path>,
    variable_name: &str,
    in_settings: Option<PathBuf>,
) -> Result<Option<SecretString>> {
    let from_file = |path: PathBuf| -> Result<SecretString> {
        let shown = path_unless_secret(&path);
        let text = read_text(&path, SECRET_FILE_BYTES)
            .map(SecretString::from)
            .with_context(|| format!("cannot read the access token file {shown}"))?;
        warn_if_readable_by_others(&path);
        check_token(text.expose_secret())
            .map(SecretString::from)
            .with_context(|| format!("in the access token file {shown}"))
    };
    if let Some(path) = given {
        return from_file(path.to_owned()).map(Some);
    }
    if let Some(text) = variable(variable_name) {
        let token = check_token(&text).with_context(|| format!("in {variable_name}"))?;
        return Ok(Some(SecretString::from(token)));
    }
    in_settings.map(from_file).transpose()
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
    fn what_the_settings_say_of_the_other_side_is_told_with_its_line() {
        let file = SettingsFile::parse(
            "[meta]\n# its id\ndataset_id = \"12a\"\ngraph_url = \"ftp://example.com\"\n",
        )
        .unwrap();
        let said = |error: anyhow::Error| format!("{error:#}");
        let dataset = said(dataset_id(None, &file).unwrap_err());
        assert!(
            dataset.starts_with("line 3: dataset_id under [meta]: "),
            "{dataset}"
        );
        let url = said(graph_url(None, &file).unwrap_err());
        assert!(url.starts_with("line 4: graph_url under [meta]: "), "{url}");
        assert!(!said(graph_url(Some("x"), &file).unwrap_err()).contains("line"));
    }

    #[test]
    fn versions_and_datasets_are_checked() {
        let file = SettingsFile::default();
        let version = |text: &str| {
            let args = VersionArgs {
                api_version: Some(text.into()),
            };
            api_version(&args, &file)
        };
        assert!(version("v23.0").is_ok());
        for unsound in ["23.0", "v23", "v23.x", "v.0", "latest"] {
            assert!(version(unsound).is_err(), "{unsound}");
        }
        assert!(dataset_id(Some("12a"), &file).is_err());
        assert_eq!(dataset_id(Some(" 123 "), &file).unwrap().unwrap(), "123");
        let error = dataset_id(Some("EAABsbCS1iHg"), &file).unwrap_err();
        assert!(!error.to_string().contains("EAAB"), "{error}");
    }
}
