//! What an answer means, or its absence, as a pure function of status, headers and body.
//!
//! The body goes before the status: Meta throttles through HTTP 400 and reports a bad payload as an
//! `OAuthException`. Only numeric codes count, since texts come in the language of the token's owner. Does not wait,
//! split or record anything.
//!
//! Sources: <https://developers.facebook.com/docs/graph-api/guides/error-handling>,
//! <https://developers.facebook.com/docs/graph-api/overview/rate-limiting>,
//! <https://developers.facebook.com/docs/marketing-api/error-reference>.

use std::fmt;
use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::{Map, Value};

use super::answer::{Answer, ProxyFault, Silence};
use super::fault::{Fault, TOO_OLD, integer, shown, trace};
use super::usage::{Usage, retry_after};

/// Meta's schema error, the only one that says which event it means.
pub(super) const SCHEMA: i64 = 2_804_019;
/// The header by which the sandbox says who it is.
const SANDBOX_HEADER: &str = "x-crm2capi-sandbox";

/// What to do after an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// Every event was taken.
    Accepted(Receipt),
    /// A receipt for another number of events than were sent. Sending again would count those that were taken
    /// twice, so this is final for the run: the outcome is uncertain.
    Miscounted(Receipt),
    /// Nothing is settled: the same bytes again, later.
    Retry(Retry),
    /// Some event of the batch is refused and nobody says which: none was processed.
    Split(Fault),
    /// Some event of the batch has grown too old, or the clocks differ: none was processed.
    TooOld(Fault),
    /// An error that blames neither the events nor the request: none was processed. A probe tells the two apart.
    Unclear(Fault),
    /// The event at this position is refused: none was processed.
    Refuse {
        /// Position in the batch, from 0.
        index: usize,
        /// Why.
        fault: Fault,
    },
    /// No request can succeed before somebody does something.
    Stop(Stop),
}

/// Whether an answer comes from this program's own sandbox, in which nothing counts.
pub(crate) fn is_rehearsal(headers: &HeaderMap) -> bool {
    headers.contains_key(SANDBOX_HEADER)
}

impl Verdict {
    /// The trace id of the answer, where it has one.
    pub(crate) fn fbtrace_id(&self) -> Option<&str> {
        let trace = match self {
            Verdict::Accepted(receipt) | Verdict::Miscounted(receipt) => &receipt.fbtrace_id,
            Verdict::Split(fault)
            | Verdict::TooOld(fault)
            | Verdict::Unclear(fault)
            | Verdict::Refuse { fault, .. } => &fault.fbtrace_id,
            Verdict::Stop(stop) => &stop.fault.fbtrace_id,
            Verdict::Retry(Retry {
                cause: Cause::Fault(fault),
                ..
            }) => &fault.fbtrace_id,
            Verdict::Retry(_) => &None,
        };
        trace.as_deref()
    }

    /// Whether the allowance of calls is used up.
    pub(crate) fn is_throttle(&self) -> bool {
        matches!(
            self,
            Verdict::Retry(Retry {
                why: Why::Throttled,
                ..
            })
        )
    }
}

/// Meta's receipt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// The trace id.
    pub fbtrace_id: Option<String>,
    /// Warnings, made safe to show.
    pub messages: Vec<String>,
}

/// An attempt that settled nothing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Retry {
    /// Why.
    pub why: Why,
    /// Whether the events may have been taken all the same.
    pub fate: Fate,
    /// The wait the server asks for.
    pub wait: Option<Duration>,
    /// What came instead of a receipt.
    pub cause: Cause,
}

/// What came instead of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// An error of Meta's.
    Fault(Fault),
    /// An answer with this HTTP status that does not come from the Graph API.
    Foreign(u16),
    /// No answer.
    Silence(Silence),
}

impl Cause {
    /// The error of Meta's, if it was one.
    pub(crate) fn fault(&self) -> Option<&Fault> {
        match self {
            Cause::Fault(fault) => Some(fault),
            Cause::Foreign(_) | Cause::Silence(_) => None,
        }
    }

    /// What to do about it, when waiting does not help.
    pub(crate) fn help(&self) -> Option<&'static str> {
        match self {
            Cause::Silence(silence) => silence.help(),
            Cause::Foreign(300..=399 | 404 | 405 | 410 | 413) => Some(
                "what answers there is not the Graph API: check --graph-url, and whether a proxy or a sign-in page is in between",
            ),
            Cause::Foreign(407) => Silence::Proxy(ProxyFault::LoginRequired).help(),
            Cause::Foreign(_) | Cause::Fault(_) => None,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Fault(fault) => fault.fmt(out),
            Cause::Foreign(status) => write!(out, "HTTP {status} without an answer from Meta"),
            Cause::Silence(silence) => silence.fmt(out),
        }
    }
}

/// Why an attempt settled nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The allowance is used up: nobody may call for a while.
    Throttled,
    /// Trouble that passes by itself, by the server's own account.
    Transient,
    /// An error Meta does not explain; sometimes it is the payload's fault.
    Unexplained,
    /// No answer, or none that Meta would give.
    NoAnswer,
}

/// Whether the events of an attempt that settled nothing may have been taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// They were not: the request never left, or was turned away as a whole.
    NotProcessed,
    /// Nobody can tell.
    Unknown,
}

/// Why nothing more can be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    /// What stands in the way.
    pub barrier: Barrier,
    /// What Meta said.
    pub fault: Fault,
}

impl fmt::Display for Stop {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Meta refused {}: {}", self.barrier.name(), self.fault)
    }
}

/// What stands in the way of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Barrier {
    /// The access token.
    Token,
    /// The proof of the app's secret that goes with the token.
    Proof,
    /// The request itself: its address, or what is asked of the app.
    Request,
    /// The address this machine calls from.
    Address,
    /// A permission of the token.
    Permission,
    /// The dataset: it does not exist, or the token cannot see it.
    Dataset,
    /// The API version.
    Version,
    /// A block for a policy violation.
    Policy,
}

impl Barrier {
    /// What it is called.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Barrier::Token => "the token",
            Barrier::Proof => "the app secret proof",
            Barrier::Request => "the request",
            Barrier::Address => "this machine's IP address",
            Barrier::Permission => "the permission",
            Barrier::Dataset => "the dataset",
            Barrier::Version => "the API version",
            Barrier::Policy => "the app for a policy violation",
        }
    }

    /// What to do about it.
    pub(crate) const fn help(self) -> &'static str {
        match self {
            Barrier::Token => {
                "make a new access token in Events Manager, under the dataset's settings"
            }
            Barrier::Proof => {
                "the secret must be that of the app that issued the token: set CRM2CAPI_APP_SECRET to it; for a token made \
                 in Events Manager unset CRM2CAPI_APP_SECRET, because that token belongs to one of Meta's own apps"
            }
            Barrier::Request => {
                "check --graph-url (the host only, without a version), --api-version and the dataset id"
            }
            Barrier::Address => {
                "add the address to the server IP allow list in the app's advanced settings, or take the list away"
            }
            Barrier::Permission => {
                "give the token's system user access to the dataset in Business settings"
            }
            Barrier::Dataset => {
                "check the dataset id in Events Manager, and that the token was made for that dataset"
            }
            Barrier::Version => "set a newer --api-version",
            Barrier::Policy => "look in Business Support Home for what Meta objects to",
        }
    }
}

/// Judges what came back from a request that held `sent` events.
pub(crate) fn judge(result: &Result<Answer, Silence>, sent: usize) -> Verdict {
    match result {
        Ok(answer) => verdict(answer.status, &answer.headers, &answer.body, sent),
        Err(silence) => {
            let fate = if silence.was_sent() {
                Fate::Unknown
            } else {
                Fate::NotProcessed
            };
            Verdict::Retry(Retry {
                why: Why::NoAnswer,
                fate,
                wait: None,
                cause: Cause::Silence(*silence),
            })
        }
    }
}

/// Judges the answer to a request that held `sent` events.
pub(crate) fn verdict(status: u16, headers: &HeaderMap, body: &[u8], sent: usize) -> Verdict {
    let answer = match serde_json::from_slice(body) {
        Ok(Value::Object(answer)) => answer,
        _ => return without_body(status, headers, sent),
    };
    match answer.get("error") {
        Some(Value::Object(error)) => match Fault::read(status, error) {
            Some(fault) => of_fault(fault, error, headers, sent),
            None => without_body(status, headers, sent),
        },
        None | Some(Value::Null) if (200..300).contains(&status) => {
            of_receipt(status, headers, &answer, sent)
        }
        _ => without_body(status, headers, sent),
    }
}

/// Judges an error with these codes that says nothing else.
pub(crate) fn of_codes(code: i64, subcode: Option<i64>) -> Verdict {
    let fault = Fault::of_codes(code, subcode);
    of_fault(fault, &Map::new(), &HeaderMap::new(), 1)
}

/// What came of a request that reads.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reading {
    /// What was asked for.
    Found(Map<String, Value>),
    /// Nothing, for now: the same again, later.
    Retry(Retry),
    /// This thing cannot be read; others may be.
    Refused(Fault),
    /// Nothing can be read before somebody does something.
    Stop(Stop),
}

/// Judges what came back from a request that reads.
pub(crate) fn judge_reading(result: &Result<Answer, Silence>) -> Reading {
    if let Ok(answer) = result
        && (200..300).contains(&answer.status)
        && let Ok(Value::Object(found)) = serde_json::from_slice(&answer.body)
        && matches!(found.get("error"), None | Some(Value::Null))
    {
        return Reading::Found(found);
    }
    match judge(result, 0) {
        Verdict::Retry(retry) => Reading::Retry(retry),
        // What is behind an id of one's own choosing may be gone, or another's.
        Verdict::Stop(Stop {
            barrier: Barrier::Dataset | Barrier::Permission | Barrier::Request,
            fault,
        }) if fault.code != 2_500 => Reading::Refused(fault),
        Verdict::Stop(stop) => Reading::Stop(stop),
        Verdict::Split(fault)
        | Verdict::Unclear(fault)
        | Verdict::TooOld(fault)
        | Verdict::Refuse { fault, .. } => Reading::Refused(fault),
        Verdict::Accepted(_) | Verdict::Miscounted(_) => Reading::Found(Map::new()),
    }
}

/// A 2xx without an error is a success only when it counts the events that were sent.
fn of_receipt(
    status: u16,
    headers: &HeaderMap,
    answer: &Map<String, Value>,
    sent: usize,
) -> Verdict {
    let Some(received) = answer.get("events_received").and_then(integer) else {
        return without_body(status, headers, sent);
    };
    let messages = match answer.get("messages") {
        Some(Value::Array(messages)) => messages.iter().map(message).collect(),
        Some(Value::String(text)) => vec![shown(text)],
        _ => Vec::new(),
    };
    let receipt = Receipt {
        fbtrace_id: answer
            .get("fbtrace_id")
            .and_then(Value::as_str)
            .and_then(trace),
        messages: messages
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect(),
    };
    if usize::try_from(received) == Ok(sent) {
        Verdict::Accepted(receipt)
    } else {
        Verdict::Miscounted(receipt)
    }
}

fn message(message: &Value) -> String {
    match message {
        Value::String(text) => shown(text),
        other => shown(&other.to_string()),
    }
}

/// An answer that is not the Graph API's: only the status is left to go by.
fn without_body(status: u16, headers: &HeaderMap, sent: usize) -> Verdict {
    let fault = Fault {
        status,
        code: i64::from(status),
        subcode: None,
        title: None,
        fbtrace_id: None,
    };
    let (why, fate) = match status {
        401 => {
            return Verdict::Stop(Stop {
                barrier: Barrier::Token,
                fault,
            });
        }
        // One event is never too large, so that what says so of it does not mean it.
        413 if sent > 1 => return Verdict::Split(fault),
        413 => (Why::NoAnswer, Fate::NotProcessed),
        429 => (Why::Throttled, Fate::NotProcessed),
        // A redirect is not followed and a proxy that wants to know who asks lets nothing pass, so it went no further.
        300..=399 | 407 => (Why::NoAnswer, Fate::NotProcessed),
        _ => (Why::NoAnswer, Fate::Unknown),
    };
    Verdict::Retry(Retry {
        why,
        fate,
        wait: retry_after(headers),
        cause: Cause::Foreign(status),
    })
}

/// The table of codes, most telling first.
fn of_fault(fault: Fault, error: &Map<String, Value>, headers: &HeaderMap, sent: usize) -> Verdict {
    let is_transient = error.get("is_transient") == Some(&Value::Bool(true));
    let status = fault.status;
    let stop = |barrier, fault| Verdict::Stop(Stop { barrier, fault });
    let retry = |why, fate, fault| {
        Verdict::Retry(Retry {
            why,
            fate,
            wait: retry_after(headers),
            cause: Cause::Fault(fault),
        })
    };
    match (fault.code, fault.subcode) {
        (4 | 17 | 32 | 341 | 613 | 80_000..=80_014, _) => throttled(fault, headers),
        (104 | 412, _) => stop(Barrier::Proof, fault),
        (102 | 190, _) => stop(Barrier::Token, fault),
        (100, Some(33)) | (803, _) => stop(Barrier::Dataset, fault),
        (3 | 10 | 200..=299, _) => stop(Barrier::Permission, fault),
        (2635, _) => stop(Barrier::Version, fault),
        (368, _) => stop(Barrier::Policy, fault),
        (21_009, _) => retry(Why::Transient, Fate::NotProcessed, fault),
        // Meta says that it broke down, not at which point.
        (2, _) | (..=-1, _) => retry(Why::Transient, Fate::Unknown, fault),
        _ if is_transient => retry(Why::Transient, fate(status), fault),
        (1 | 5_000, _) => retry(Why::Unexplained, Fate::Unknown, fault),
        (5, _) => stop(Barrier::Address, fault),
        // What the proof is refused with has no subcode either, and only this type tells it from other requests.
        (100, None) if is_method_exception(error) => stop(Barrier::Proof, fault),
        (100, None) | (12 | 101 | 103 | 2_500, _) => stop(Barrier::Request, fault),
        (100, Some(TOO_OLD)) => Verdict::TooOld(fault),
        (100, Some(SCHEMA)) => match position(error).filter(|index| *index < sent) {
            Some(index) => Verdict::Refuse { index, fault },
            None => Verdict::Split(fault),
        },
        _ if fault.is_of_event() => Verdict::Split(fault),
        _ if status == 429 => throttled(fault, headers),
        _ if status == 401 => stop(Barrier::Token, fault),
        _ if status == 403 => stop(Barrier::Permission, fault),
        _ if status >= 500 => retry(Why::Transient, Fate::Unknown, fault),
        _ => Verdict::Unclear(fault),
    }
}

fn is_method_exception(error: &Map<String, Value>) -> bool {
    error.get("type").and_then(Value::as_str) == Some("GraphMethodException")
}

fn fate(status: u16) -> Fate {
    if status >= 500 {
        Fate::Unknown
    } else {
        Fate::NotProcessed
    }
}

fn throttled(fault: Fault, headers: &HeaderMap) -> Verdict {
    // 613/1996 means that Meta finds the pattern of calls odd; it names no time and calling soon prolongs it.
    let at_least = (fault.codes() == "613/1996").then_some(Duration::from_secs(300));
    let wait = Usage::read(headers).wait.max(at_least);
    Verdict::Retry(Retry {
        why: Why::Throttled,
        fate: Fate::NotProcessed,
        wait,
        cause: Cause::Fault(fault),
    })
}

/// The position in a path such as `$['data'][17]['user_data']`, wherever the error carries it.
fn position(error: &Map<String, Value>) -> Option<usize> {
    ["error_user_msg", "message", "error_data"]
        .into_iter()
        .find_map(|key| match error.get(key)? {
            Value::String(text) => position_in(text),
            other => position_in(&other.to_string()),
        })
}

fn position_in(text: &str) -> Option<usize> {
    let (_, rest) = text.split_once("$['data'][")?;
    let (digits, _) = rest.split_once(']')?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests;
