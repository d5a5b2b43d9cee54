//! A notification in words, and in the form a receiver takes.
//!
//! Sources: <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>,
//! <https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook> (28 KB).

use std::time::Duration;

use serde_json::{Value, json};

use super::Form;
use super::state::{Condition, Occasion, State, usual};
use crate::ledger::Past;
use crate::problem::{Code, Severity};
use crate::render::verdict;
use crate::report::Summary;
use crate::text::{counted, harmless, thousands};
use crate::time::utc;

/// Longer texts are cut: far below what every receiver takes.
const MAX_LINE: usize = 600;
/// So many kinds of problems are named.
const MAX_PROBLEMS: usize = 5;

/// A notification.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    /// What happened, in a few words.
    pub title: String,
    /// What there is to say of it.
    pub lines: Vec<String>,
    /// For programs.
    facts: Value,
}

/// What a message is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change<'a> {
    /// The state the receiver was told before.
    pub before: &'a State,
    /// The state now.
    pub now: &'a State,
    /// Which job it is about.
    pub job: &'a Job,
    /// What the ledger remembers.
    pub past: &'a Past,
    /// How long no event may have been delivered.
    pub max_age: Option<Duration>,
    /// Unix seconds.
    pub at: i64,
}

/// Which job a message is about: whoever reads it has several.
#[derive(Clone, Debug, Default)]
pub(super) struct Job {
    /// The dataset's id, empty when there is none.
    pub dataset: String,
    /// The settings file, as the job names it.
    pub settings: Option<String>,
    /// The machine.
    pub host: Option<String>,
}

impl Job {
    /// `job: acme.toml, dataset 123, on crm-1`.
    fn in_words(&self) -> Option<String> {
        let dataset = Some(&self.dataset).filter(|dataset| !dataset.is_empty());
        let parts: Vec<String> = (self.settings.clone().into_iter())
            .chain(dataset.map(|dataset| format!("dataset {dataset}")))
            .chain(self.host.as_ref().map(|host| format!("on {host}")))
            .collect();
        (!parts.is_empty()).then(|| format!("job: {}", parts.join(", ")))
    }
}

impl Change<'_> {
    /// What is wrong, what is new first.
    fn conditions(&self) -> Vec<Condition> {
        let mut conditions: Vec<Condition> = self.now.conditions().collect();
        conditions.sort_by_key(|condition| self.before.conditions().any(|old| old == *condition));
        conditions
    }
}

impl Message {
    /// Puts a change into words.
    pub(super) fn of(change: &Change<'_>, occasion: &Occasion<'_>) -> Self {
        let conditions = change.conditions();
        let explain = |condition: &Condition| explanation(*condition, change, occasion);
        let mut lines: Vec<String> = conditions.iter().filter_map(explain).collect();
        match occasion {
            Occasion::Upload { summary, .. } => lines.extend(of_summary(summary)),
            Occasion::NotBegun { error, .. } => lines.push((*error).to_owned()),
            Occasion::Watched { .. } => {
                lines.push(match change.past.last_success {
                    Some(last) => format!("last successful upload: {}", utc(last)),
                    None => "no successful upload yet".to_owned(),
                });
            }
        }
        lines.extend(change.job.in_words());
        let lines: Vec<String> = lines
            .iter()
            .map(|line| cut(&harmless(line), MAX_LINE))
            .collect();
        let first = conditions.first().copied();
        let title = title(first, only_rests(occasion), &change.job.dataset);
        let facts = json!({
            "state": if change.now.is_well() { "ok".to_owned() } else { change.now.to_string() },
            "before": if change.before.is_well() { "ok".to_owned() } else { change.before.to_string() },
            "is_recovery": change.now.is_well(),
            "dataset_id": Some(&change.job.dataset).filter(|dataset| !dataset.is_empty()),
            "settings_file": change.job.settings.as_ref().map(|path| harmless(path)),
            "host": change.job.host,
            "at": utc(change.at),
            "exit_status": match occasion {
                Occasion::Upload { status, .. } | Occasion::NotBegun { status, .. } => Some(status),
                Occasion::Watched { .. } => None,
            },
            "counts": match occasion {
                Occasion::Upload { summary, .. } => Some(counts(summary)),
                _ => None,
            },
        });
        Self {
            title,
            lines,
            facts,
        }
    }

    /// The text as one, for receivers that know no more.
    pub(super) fn text(&self) -> String {
        let mut text = self.title.clone();
        for line in &self.lines {
            text.push('\n');
            text.push_str(line);
        }
        text
    }

    /// The body of a request.
    pub(super) fn body(&self, form: Form) -> Value {
        match form {
            Form::Json => {
                let mut facts = self.facts.clone();
                facts["text"] = self.text().into();
                facts
            }
            Form::Slack => self.slack(),
            Form::Teams => self.teams(),
        }
    }

    /// `text` is what notifications of the app show, the block what the channel does.
    fn slack(&self) -> Value {
        let lines: Vec<String> = self.lines.iter().map(|line| slack_text(line)).collect();
        let marked = [vec![format!("*{}*", slack_text(&self.title))], lines].concat();
        json!({
            "text": slack_text(&self.text()),
            "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": cut(&marked.join("\n"), 2_900)}}],
        })
    }

    fn teams(&self) -> Value {
        let block = |text: &str, weight: &str, size: &str| json!({"type": "TextBlock", "text": teams_text(text), "wrap": true, "weight": weight, "size": size});
        let title = block(&self.title, "bolder", "medium");
        let lines = self
            .lines
            .iter()
            .map(|line| block(line, "default", "default"));
        json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": null,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "body": std::iter::once(title).chain(lines).collect::<Vec<_>>(),
                },
            }],
        })
    }
}

fn title(first: Option<Condition>, only_rests: bool, dataset: &str) -> String {
    let dataset = match dataset {
        "" => String::new(),
        dataset => format!(" (dataset {dataset})"),
    };
    let what = match first {
        None => "Lead upload works again",
        Some(Condition::Failed(2)) => "Lead upload could not run: nothing was sent",
        Some(Condition::Failed(3)) => {
            "Lead upload stopped: Meta refuses the token, the permission or the dataset"
        }
        Some(Condition::Failed(4)) if only_rests => {
            "Lead upload left events without a receipt: nothing sends them again unasked"
        }
        Some(Condition::Failed(_)) => "Lead upload is not done: the next run goes on",
        Some(Condition::Refused) => "Lead upload refused rows or events",
        Some(Condition::Dropped) => "Lead upload delivered far fewer events than usual",
        Some(Condition::Silent) => "Lead upload has delivered nothing for too long",
        Some(Condition::Overdue) => "Lead upload is overdue",
    };
    format!("{what}{dataset}")
}

/// What the title does not say of a condition.
fn explanation(
    condition: Condition,
    change: &Change<'_>,
    occasion: &Occasion<'_>,
) -> Option<String> {
    let past = change.past;
    let silent = || limit("max_age", change.max_age);
    let overdue = match occasion {
        Occasion::Watched { max_age, .. } => limit("--max-age", Some(*max_age)),
        _ => String::new(),
    };
    Some(match condition {
        Condition::Failed(status) => format!("exit status {status}"),
        Condition::Refused => return None,
        Condition::Dropped => {
            let (now, before) = past.accepted.split_first()?;
            format!(
                "{} accepted, {} are usual (the median of the runs before); look at the export and the stages",
                counted(*now, "event"),
                thousands(usual(before)),
            )
        }
        Condition::Silent => match past.last_delivery {
            Some(last) => format!(
                "the last event was delivered {}{}; runs go well, but find nothing new: look at the export",
                utc(last),
                silent()
            ),
            None => format!(
                "no event was ever delivered{}; runs go well, but find nothing to send: look at the export",
                silent()
            ),
        },
        Condition::Overdue => {
            format!("no run has gone well for too long{overdue}; look at the scheduled job")
        }
    })
}

/// `, and max_age is 26 h`, in the largest unit that has no rest.
fn limit(name: &str, max_age: Option<Duration>) -> String {
    let Some(seconds) = max_age.map(|age| age.as_secs()) else {
        return String::new();
    };
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let whole = units.iter().find(|(unit, _)| seconds % unit == 0);
    let (unit, word) = whole.unwrap_or(&(1, "s"));
    format!(", and {name} is {} {word}", seconds / unit)
}

/// Whether a problem is of events that nothing sends again by itself.
fn is_left(code: Code) -> bool {
    [
        Code::EventExpired,
        Code::UncertainExpired,
        Code::UncertainResting,
    ]
    .contains(&code)
}

/// Whether all that is open rests, so that no run goes on with it.
fn only_rests(occasion: &Occasion<'_>) -> bool {
    let Occasion::Upload { summary, .. } = occasion else {
        return false;
    };
    let (_, _, undelivered, uncertain) = summary.counts.done();
    let resting = summary.count_of(Code::UncertainResting);
    resting > 0 && resting == undelivered + uncertain
}

/// The verdict, and which kinds of problems there were. Of columns, stages and rows nothing is told: this leaves the
/// machine.
fn of_summary(summary: &Summary) -> Vec<String> {
    let verdict = verdict(summary);
    let ended = summary.ended.as_ref();
    let reason = ended
        .filter(|ended| !verdict.contains(&ended.reason))
        .map(|ended| {
            let help = ended.help.as_ref().filter(|help| !verdict.contains(*help));
            let help = help.map(|help| format!("; {help}"));
            format!("{}{}", ended.reason, help.unwrap_or_default())
        });
    let mut lines = vec![verdict];
    lines.extend(reason);
    let problems: Vec<String> = summary
        .problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error || is_left(problem.code))
        .take(MAX_PROBLEMS)
        .map(|problem| format!("{} ({})", problem.code.name(), thousands(problem.count)))
        .collect();
    if !problems.is_empty() {
        lines.push(format!(
            "problems: {}; crm2capi help CODE explains each",
            problems.join(", ")
        ));
    }
    lines.extend(
        summary
            .fbtrace_ids
            .last()
            .map(|trace| format!("Meta's trace id: {trace}")),
    );
    lines
}

fn counts(summary: &Summary) -> Value {
    let (accepted, rejected, undelivered, uncertain) = summary.counts.done();
    json!({
        "rows": summary.rows, "rows_invalid": summary.rows_invalid, "events": summary.counts.events,
        "skipped_old": summary.counts.skipped_old, "skipped_delivered": summary.counts.skipped_delivered,
        "in_flight_elsewhere": summary.counts.in_flight_elsewhere,
        "accepted": accepted, "rejected": rejected, "undelivered": undelivered, "uncertain": uncertain,
    })
}

fn cut(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The three characters Slack gives a meaning to. <https://docs.slack.dev/messaging/formatting-message-text>
fn slack_text(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Markdown that Teams would take for a link or emphasis.
fn teams_text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '[' | ']' | '*' | '_' | '\\' | '`' | '#' | '<') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{ExitStatus, samples};

    fn message(before: &str, now: &str, occasion: &Occasion<'_>) -> Message {
        let change = Change {
            before: &State::read(before),
            now: &State::read(now),
            job: &Job {
                dataset: "123".to_owned(),
                settings: Some("acme.toml".to_owned()),
                host: Some("crm-1".to_owned()),
            },
            past: &Past {
                accepted: vec![3, 40, 50],
                last_delivery: Some(0),
                ..Past::default()
            },
            max_age: Some(Duration::from_secs(26 * 3_600)),
            at: 1_700_000_000,
        };
        Message::of(&change, occasion)
    }

    #[test]
    fn a_message_says_what_is_wrong_and_in_what_order_to_look() {
        let summary = samples::uploaded_with_problems();
        let occasion = Occasion::Upload {
            summary: &summary,
            status: ExitStatus::Problems,
        };
        let told = message("", "refused,dropped", &occasion);
        assert_eq!(
            told.title,
            "Lead upload refused rows or events (dataset 123)"
        );
        assert!(
            told.lines[0].starts_with("3 events accepted, 45 are usual"),
            "{told:?}"
        );
        let body = told.body(Form::Json);
        assert_eq!(
            (&body["state"], &body["before"]),
            (&json!("refused,dropped"), &json!("ok"))
        );
        assert_eq!(body["dataset_id"], "123");
        assert_eq!(body["settings_file"], "acme.toml");
        assert_eq!(body["host"], "crm-1");
        let job = "job: acme.toml, dataset 123, on crm-1";
        assert_eq!(told.lines.last().map(String::as_str), Some(job));
        assert_eq!(body["at"], "2023-11-14T22:13:20Z");
    }

    #[test]
    fn nothing_breaks_out_of_a_receivers_form() {
        let error = "cannot read <http://evil|a> & [b](c) EAABsbCS1iHgBAKZC4ZBqZCb";
        let occasion = Occasion::NotBegun {
            status: ExitStatus::Usage,
            error,
        };
        let told = message("", "failed-2", &occasion);
        let slack = told.body(Form::Slack).to_string();
        assert!(
            slack.contains("&lt;http://evil|a&gt; &amp; [b](c) (hidden, as it looks like a token)"),
            "{slack}"
        );
        let teams = told.body(Form::Teams).to_string();
        assert!(
            teams.contains(r"\\<http://evil|a> & \\[b\\](c) (hidden, as it looks like a token)"),
            "{teams}"
        );
    }

    #[test]
    fn long_texts_are_cut() {
        let error = "x y ".repeat(10_000);
        let occasion = Occasion::NotBegun {
            status: ExitStatus::Usage,
            error: &error,
        };
        let told = message("", "failed-2", &occasion);
        assert!(told.body(Form::Teams).to_string().len() < 28_000);
        assert!(told.text().len() < 3_000);
    }
}
