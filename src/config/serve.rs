//! Where to listen, and who may post.

use std::time::Duration;

use anyhow::{Result, bail};
use secrecy::SecretString;

use super::endpoint::variable;
use crate::cli::ServeArgs;
use crate::serve::{Keys, LeadgenKeys, Settings};

const TOKEN_VARIABLE: &str = "CRM2CAPI_SERVE_TOKEN";
const SECRET_VARIABLE: &str = "CRM2CAPI_SERVE_SECRET";
const HUBSPOT_VARIABLE: &str = "CRM2CAPI_SERVE_HUBSPOT_SECRET";
const LEADGEN_VARIABLE: &str = "CRM2CAPI_SERVE_LEADGEN_SECRET";
const VERIFY_VARIABLE: &str = "CRM2CAPI_SERVE_VERIFY_TOKEN";
/// What is shorter can be guessed.
const SHORTEST_SECRET: usize = 16;

/// Connections at a time: more than senders of webhooks open, and less than a process may have files open.
const MAX_CONNECTIONS: usize = 512;
/// How long a request may take to arrive: webhooks come from data centres.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Resolves how to serve.
///
/// # Errors
/// A secret is too short, or there is none where others than this machine can post.
pub(crate) fn serve_settings(args: &ServeArgs) -> Result<Settings> {
    let keys = Keys {
        token: secret(TOKEN_VARIABLE)?,
        secret: secret(SECRET_VARIABLE)?,
        hubspot: secret(HUBSPOT_VARIABLE)?,
    };
    if keys.are_none() && !args.listen.ip().is_loopback() {
        bail!(
            "--listen {} lets other machines post, so set {TOKEN_VARIABLE} (or {SECRET_VARIABLE}, or {HUBSPOT_VARIABLE}); \
             openssl rand -hex 32 makes one",
            args.listen
        );
    }
    Ok(Settings {
        listen: args.listen,
        keys,
        leadgen: leadgen_keys()?,
        max_queue: args.max_queue,
        max_connections: MAX_CONNECTIONS,
        head_timeout: HEAD_TIMEOUT,
        body_timeout: BODY_TIMEOUT,
    })
}

/// What Meta's webhook of leads is held against, where it is wanted.
fn leadgen_keys() -> Result<Option<LeadgenKeys>> {
    match (secret(LEADGEN_VARIABLE)?, secret(VERIFY_VARIABLE)?) {
        (None, None) => Ok(None),
        (Some(secret), Some(verify_token)) => Ok(Some(LeadgenKeys {
            secret,
            verify_token,
        })),
        (Some(_), None) => bail!(
            "{LEADGEN_VARIABLE} is set and {VERIFY_VARIABLE} is not: make one up (openssl rand -hex 32), and give the same to \
             Meta as the webhook's verify token"
        ),
        (None, Some(_)) => bail!(
            "{VERIFY_VARIABLE} is set and {LEADGEN_VARIABLE} is not: it is the secret of the app whose webhook this is, which \
             signs what Meta posts"
        ),
    }
}

fn secret(name: &str) -> Result<Option<SecretString>> {
    let Some(text) = variable(name) else {
        return Ok(None);
    };
    if text.len() < SHORTEST_SECRET {
        bail!(
            "what {name} holds is shorter than {SHORTEST_SECRET} characters and can be guessed; openssl rand -hex 32 makes \
             one that cannot"
        );
    }
    Ok(Some(text.into()))
}
