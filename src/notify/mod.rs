//! Tells people when the uploads break and when they are well again: once for each change, never every night anew.
//!
//! [`state`] decides what is wrong from how a run ended and what the ledger remembers of those before; [`message`] puts
//! it into words and into the form a receiver takes; [`send`] reaches the receivers; [`Notifier`] does all of it in turn.
//! A notification holds states, counts, codes and ids of datasets, and never a person's value or a secret. Whether it can
//! be sent changes nothing about a run.

mod message;
mod notifier;
mod send;
mod state;

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

pub(crate) use notifier::{Notifier, Subject};
pub(crate) use state::Occasion;

/// Whom to tell, and how.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// Where notifications are posted.
    pub url: Option<Address>,
    /// In which form.
    pub format: Form,
    /// What is called after every success.
    pub ping_url: Option<Address>,
    /// A program that gets the report on its standard input.
    pub command: Vec<String>,
    /// How long no event may have been delivered.
    pub max_age: Option<Duration>,
}

impl Settings {
    /// Whether there is anybody to tell.
    pub(crate) fn has_receiver(&self) -> bool {
        self.url.is_some() || self.ping_url.is_some() || !self.command.is_empty()
    }
}

/// The form of a notification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Form {
    /// One object with the state, the text and the counts.
    #[default]
    Json,
    /// A Slack incoming webhook's.
    Slack,
    /// That of a Teams workflow "when a webhook request is received".
    Teams,
}

/// An address that lets whoever knows it post, and so is a secret.
#[derive(Clone)]
pub(crate) struct Address(SecretString);

impl Address {
    /// Takes an https address, or an http one on this machine.
    ///
    /// # Errors
    /// It is neither; the message repeats nothing of it.
    pub(crate) fn new(text: &str) -> Result<Self, &'static str> {
        let url = reqwest::Url::parse(text.trim()).map_err(|_| "it is not a URL")?;
        match url.scheme() {
            "https" => {}
            "http" if crate::graph::client::is_loopback(&url) => {}
            "http" => return Err("it must begin with https (http is for this machine only)"),
            _ => return Err("it must begin with https"),
        }
        Ok(Self(url.as_str().into()))
    }

    fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Address(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_encrypted_or_on_this_machine_and_never_shown() {
        for sound in [
            "https://hooks.slack.com/services/T0/B0/x",
            " http://127.0.0.1:1/x\n",
        ] {
            let address = Address::new(sound).unwrap();
            assert_eq!(format!("{address:?}"), "Address(hidden)");
            assert_eq!(address.expose(), sound.trim());
        }
        for unsound in [
            "http://hooks.slack.com/x",
            "hooks.slack.com",
            "ftp://h/x",
            "",
        ] {
            let error = Address::new(unsound).unwrap_err();
            assert!(unsound.is_empty() || !error.contains(unsound), "{error}");
        }
    }
}
