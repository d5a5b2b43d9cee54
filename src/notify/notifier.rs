//! From an occasion to the receivers: what changed, who has not been told yet, and the memory of who was.

use std::path::PathBuf;

use super::Settings;
use super::message::{Change, Job, Message};
use super::send::{Mail, Program, Sent, send};
use super::state::{Circumstances, Occasion, State, USUAL_RUNS};
use crate::ledger::{LedgerError, LedgerTarget, Notices, Past};

/// The channel that holds the state itself.
const STATE: &str = "";
const POST: &str = "url";
const PROGRAM: &str = "command";

/// What is told about, and where it is remembered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subject {
    /// The dataset's id, empty when there is none.
    pub dataset: String,
    /// The settings file.
    pub settings: Option<PathBuf>,
    /// The ledger, unless there is none.
    pub ledger: LedgerTarget,
}

impl Subject {
    /// In words, for whoever has several jobs.
    fn job(&self) -> Job {
        Job {
            dataset: self.dataset.clone(),
            settings: (self.settings.as_ref()).map(|path| path.display().to_string()),
            host: host_name(),
        }
    }

    /// Two exports into one dataset are told about apart.
    fn name(&self) -> String {
        let settings = self.settings.as_deref().map(|path| {
            let real = path.canonicalize();
            real.unwrap_or_else(|_| path.to_owned())
                .display()
                .to_string()
        });
        format!("{} {}", self.dataset, settings.unwrap_or_default())
    }
}

#[cfg(unix)]
fn host_name() -> Option<String> {
    let system = rustix::system::uname();
    let name = system.nodename().to_string_lossy().into_owned();
    Some(name).filter(|name| !name.is_empty())
}

#[cfg(not(unix))]
fn host_name() -> Option<String> {
    std::env::var("COMPUTERNAME").ok()
}

/// Tells receivers about a subject.
#[derive(Clone, Debug)]
pub(crate) struct Notifier {
    /// Whom.
    pub settings: Settings,
    /// About what.
    pub subject: Subject,
}

/// What the ledger remembers, or nothing when there is none.
struct Memory {
    notices: Option<Notices>,
    subject: String,
}

impl Notifier {
    /// Tells whoever has not been told yet. `report` is what the program reads. What goes wrong is a warning and nothing
    /// more: it is said even when quiet, and changes no status.
    pub(crate) fn tell(&self, occasion: &Occasion<'_>, report: &[u8], now: i64) {
        if !self.settings.has_receiver() {
            return;
        }
        let memory = Memory {
            notices: self.notices(),
            subject: self.subject.name(),
        };
        let past = memory.past(&self.subject.dataset);
        let around = Circumstances {
            past: &past,
            max_age: self.settings.max_age,
            now,
        };
        let state = memory.told(STATE).after(occasion, &around);
        memory.remember(STATE, &state, now);

        let job = self.subject.job();
        let message = |channel: &str| {
            let before = memory.told(channel);
            let change = Change {
                before: &before,
                now: &state,
                job: &job,
                past: &past,
                max_age: self.settings.max_age,
                at: now,
            };
            (before != state).then(|| Message::of(&change, occasion))
        };
        let sent = send(self.mail(occasion, report, message));
        self.settle(&memory, &sent, &state, now);
    }

    fn notices(&self) -> Option<Notices> {
        match Notices::open(&self.subject.ledger) {
            Ok(notices) => notices,
            Err(error) => {
                tracing::warn!("earlier notifications cannot be looked up: {error}");
                None
            }
        }
    }

    fn mail(
        &self,
        occasion: &Occasion<'_>,
        report: &[u8],
        message: impl Fn(&str) -> Option<Message>,
    ) -> Mail {
        let Settings {
            url,
            format,
            ping_url,
            command,
            ..
        } = &self.settings;
        let post = url.as_ref().and_then(|url| {
            let body = message(POST)?.body(*format).to_string();
            Some((url.clone(), body))
        });
        let program = (!command.is_empty()).then(|| message(PROGRAM)).flatten();
        Mail {
            post,
            ping: ping_url.clone().filter(|_| occasion.is_success()),
            program: program.map(|message| Program {
                words: command.clone(),
                input: report.to_vec(),
                notice: message.text(),
            }),
        }
    }

    /// Remembers who was told, and says who was not: they are told the next time.
    fn settle(&self, memory: &Memory, sent: &Sent, state: &State, now: i64) {
        for (channel, what, result) in [
            (Some(POST), "url", &sent.post),
            (None, "ping_url", &sent.ping),
            (Some(PROGRAM), "command", &sent.program),
        ] {
            match result {
                None => {}
                Some(Ok(())) => {
                    if let Some(channel) = channel {
                        memory.remember(channel, state, now);
                    }
                }
                Some(Err(error)) => {
                    // Nobody would learn of it where only errors are looked at.
                    tracing::error!(
                        "the notification to {what} under [notify] was not sent: {error}"
                    );
                }
            }
        }
    }
}

impl Memory {
    fn past(&self, dataset: &str) -> Past {
        let past = |notices: &Notices| notices.past(dataset, USUAL_RUNS + 1);
        self.ask(past).unwrap_or_default()
    }

    fn told(&self, channel: &str) -> State {
        let told = self.ask(|notices| notices.told(&self.subject, channel));
        State::read(&told.unwrap_or_default())
    }

    fn remember(&self, channel: &str, state: &State, now: i64) {
        let text = state.to_string();
        self.ask(|notices| notices.remember(&self.subject, channel, &text, now));
    }

    fn ask<T>(&self, ask: impl FnOnce(&Notices) -> Result<T, LedgerError>) -> Option<T> {
        match ask(self.notices.as_ref()?) {
            Ok(answer) => Some(answer),
            Err(error) => {
                tracing::warn!("notifications are not remembered: {error}");
                None
            }
        }
    }
}
