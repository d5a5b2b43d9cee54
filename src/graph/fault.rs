//! An error as the Graph API describes it, cut down to what may be shown.
//!
//! Input: the `error` object of an answer. Output: its codes, its title and its trace id. The `message` is never
//! kept: it can repeat the access token or a value that was sent.
//!
//! Source: <https://developers.facebook.com/docs/graph-api/guides/error-handling>.

use std::fmt;

use serde_json::{Map, Value};

use crate::text::without_persons;

/// The subcode of an event that is too old.
pub(super) const TOO_OLD: i64 = 2_804_003;
/// Longest text of Meta's that is kept, in characters.
const MAX_TEXT: usize = 200;

/// What Meta said against a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The HTTP status it came with.
    pub status: u16,
    /// The `code`.
    pub code: i64,
    /// The `error_subcode`.
    pub subcode: Option<i64>,
    /// The `error_user_title`, in the language of the token's owner.
    pub title: Option<String>,
    /// The `fbtrace_id`, by which Meta's support finds the request.
    pub fbtrace_id: Option<String>,
}

impl Fault {
    /// The codes that help lists, by their numbers; a range is there by its first.
    pub(crate) const KNOWN: &[(i64, Option<i64>)] = &[
        (1, None),
        (2, None),
        (3, None),
        (4, None),
        (5, None),
        (10, None),
        (12, None),
        (17, None),
        (32, None),
        (100, None),
        (100, Some(33)),
        (100, Some(2_804_001)),
        (100, Some(2_804_003)),
        (100, Some(2_804_004)),
        (100, Some(2_804_008)),
        (100, Some(2_804_009)),
        (100, Some(2_804_016)),
        (100, Some(2_804_019)),
        (100, Some(2_804_023)),
        (100, Some(2_804_036)),
        (100, Some(2_804_050)),
        (101, None),
        (102, None),
        (103, None),
        (104, None),
        (190, None),
        (190, Some(458)),
        (190, Some(459)),
        (190, Some(460)),
        (190, Some(463)),
        (190, Some(464)),
        (190, Some(467)),
        (190, Some(492)),
        (200, None),
        (341, None),
        (368, None),
        (412, None),
        (613, None),
        (803, None),
        (2_500, None),
        (2_635, None),
        (5_000, None),
        (21_009, None),
        (80_000, None),
    ];

    /// An error with these codes and nothing else.
    pub(crate) fn of_codes(code: i64, subcode: Option<i64>) -> Self {
        Fault {
            status: 400,
            code,
            subcode,
            title: None,
            fbtrace_id: None,
        }
    }

    /// Reads an `error` object; nothing when it has no code and so does not come from the Graph API.
    pub(crate) fn read(status: u16, error: &Map<String, Value>) -> Option<Fault> {
        let text = |key: &str| {
            error
                .get(key)
                .and_then(Value::as_str)
                .map(shown)
                .filter(|text| !text.is_empty())
        };
        Some(Fault {
            status,
            code: integer(error.get("code")?)?,
            // Some answers write 0 where there is none.
            subcode: error
                .get("error_subcode")
                .and_then(integer)
                .filter(|subcode| *subcode != 0),
            title: text("error_user_title"),
            fbtrace_id: error
                .get("fbtrace_id")
                .and_then(Value::as_str)
                .and_then(trace),
        })
    }

    /// The codes as they are usually written: `100/2804036`, or `17` when there is no subcode.
    pub(crate) fn codes(&self) -> String {
        match self.subcode {
            Some(subcode) => format!("{}/{subcode}", self.code),
            None => self.code.to_string(),
        }
    }

    /// Whether the codes can only mean an event, and never the request as a whole.
    pub(crate) fn is_of_event(&self) -> bool {
        self.code == 100 && matches!(self.subcode, Some(2_804_000..=2_804_999))
    }

    /// Whether Meta finds an event too old.
    pub(crate) fn is_by_age(&self) -> bool {
        (self.code, self.subcode) == (100, Some(TOO_OLD))
    }

    /// What an answer means that has no codes of Meta's: its status stands in their place.
    fn meaning_of_status(&self) -> Option<&'static str> {
        match (self.status, self.code) {
            (401, 401) => Some("an answer that gives no reason"),
            (413, 413) => Some("the request is too large for something on the way"),
            _ => None,
        }
    }

    /// What the codes mean, where that is known.
    pub(crate) fn meaning(&self) -> Option<&'static str> {
        Some(match (self.code, self.subcode) {
            (100, Some(33)) => "the dataset does not exist, or the token has no access to it",
            (100, Some(2_804_001)) => "the click id is malformed",
            (100, Some(TOO_OLD)) => "the event is older than 7 days",
            (100, Some(2_804_004)) => "the event lies in the future",
            (100, Some(2_804_008)) => "contents is malformed",
            (100, Some(2_804_009)) => "a Purchase needs a value",
            (100, Some(2_804_016)) => "a customer parameter is not hashed",
            (100, Some(2_804_019)) => "the event does not follow the schema",
            (100, Some(2_804_023)) => "the value has no currency",
            (100, Some(2_804_036)) => "the lead id is invalid or was deleted",
            (100, Some(2_804_050)) => "there is too little customer information to match",
            (102 | 190, Some(458)) => "the app was removed from the account of the token's owner",
            (102 | 190, Some(459 | 464)) => {
                "the account of the token's owner must be confirmed at facebook.com"
            }
            (102 | 190, Some(460)) => "the token's owner has changed their password",
            (102 | 190, Some(463 | 467)) => "the token has expired or was revoked",
            (102 | 190, Some(492)) => {
                "the token's owner has no role on the page or business any more"
            }
            (102 | 190, _) => "the token is not valid",
            (104 | 412, _) => "the app secret proof is missing or does not fit the token",
            (100, None) => "the request as a whole was refused, not its events",
            (5, _) => "this machine's IP address may not use the app",
            (12, _) => "the call is no longer supported",
            (101, _) => "the app is unknown or disabled",
            (103, _) => "the app may not make this call",
            (2_500, _) => "the path or the API version is unknown",
            (368, _) => "Meta has blocked the account for a policy violation",
            (2635, _) => "the API version is no longer served",
            (3 | 10 | 200..=299, _) => "the token lacks a permission",
            (803, _) => "the dataset does not exist",
            (4 | 17 | 32 | 341 | 613 | 80_000..=80_014, _) => "the allowance of calls is used up",
            (2, _) => "the service is temporarily unavailable",
            (21_009, _) => "the dataset is temporarily not ready",
            (1 | 5_000, _) => "an error that Meta does not explain",
            _ => return self.meaning_of_status(),
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.codes())?;
        match (self.meaning(), &self.title) {
            (Some(meaning), _) => write!(out, ": {meaning}"),
            (None, Some(title)) => write!(out, ": {title}"),
            (None, None) => Ok(()),
        }
    }
}

/// A whole number, also when it is written as a string.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A text of Meta's made safe to show and to keep: one line, no control characters, not too long, and without what it may
/// repeat of the events.
pub(super) fn shown(text: &str) -> String {
    let printable: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    without_persons(&printable).chars().take(MAX_TEXT).collect()
}

/// A trace id: letters, digits and few signs, and never digits alone.
pub(super) fn trace(text: &str) -> Option<String> {
    let is_of_ids = |c: char| c.is_ascii_alphanumeric() || "_-+/=".contains(c);
    let id: String = text.chars().filter(|c| is_of_ids(*c)).take(64).collect();
    id.bytes().any(|byte| !byte.is_ascii_digit()).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(json: &str) -> Option<Fault> {
        Fault::read(400, &serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_fault_shows_its_codes_and_their_meaning() {
        let known = fault(
            r#"{"code":100,"error_subcode":2804036,"error_user_title":"ID contatto non valido"}"#,
        )
        .unwrap();
        assert_eq!(
            known.to_string(),
            "100/2804036: the lead id is invalid or was deleted"
        );
        let unknown =
            fault(r#"{"code":"100","error_subcode":1,"error_user_title":"Bad\u001b[31m\nthing"}"#)
                .unwrap();
        assert_eq!(unknown.to_string(), "100/1: Bad [31m thing");
        assert_eq!(fault(r#"{"code":-3}"#).unwrap().to_string(), "-3");
    }

    #[test]
    fn an_error_without_a_code_is_not_the_graph_apis() {
        assert_eq!(fault(r#"{"message":"no"}"#), None);
        assert_eq!(fault(r#"{"code":null}"#), None);
    }

    #[test]
    fn the_message_is_not_kept() {
        let fault = fault(r#"{"code":190,"message":"Malformed access token EAABsecret"}"#).unwrap();
        assert!(!format!("{fault:?} {fault}").contains("EAAB"));
    }

    #[test]
    fn what_the_title_repeats_of_an_event_is_not_kept() {
        let fault = fault(
            r#"{"code":100,"error_user_title":"Lead 1234567890123456 of ava@example.com is gone","fbtrace_id":"A6UyEgg_-7"}"#,
        );
        let fault = fault.unwrap();
        assert_eq!(
            fault.title.as_deref(),
            Some("Lead (withheld) of (withheld) is gone")
        );
        assert_eq!(fault.fbtrace_id.as_deref(), Some("A6UyEgg_-7"));
        assert_eq!(trace("1234567890123456"), None);
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(shown(&"éé ".repeat(1000)).chars().count(), MAX_TEXT);
    }
}
