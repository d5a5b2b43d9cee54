//! What the sandbox says: Graph's receipt and Graph's errors, in the bodies Meta is on record with.
//!
//! In: a [`Refusal`], or the number of events taken. Out: a status and a JSON body with a fresh `fbtrace_id`.
//! An answer names keys, places and rules, never a value out of `user_data`.
//! <https://developers.facebook.com/docs/graph-api/guides/error-handling>

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;

use super::pieces::Pieces;

/// What goes back over the wire.
pub(super) type Answer = Response<Pieces>;

/// Why a request is turned away, as the `error` object of the answer says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Refusal {
    #[serde(skip)]
    status: StatusCode,
    message: Cow<'static, str>,
    #[serde(rename = "type")]
    kind: &'static str,
    pub(super) code: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error_subcode: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_transient: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_user_title: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error_user_msg: Option<Cow<'static, str>>,
}

const OAUTH: &str = "OAuthException";
const METHOD: &str = "GraphMethodException";

/// An `fbc` that is no click id.
pub(super) const CLICK_ID: Refusal = Refusal::payload(
    2804001,
    "Invalid Click ID",
    "The click ID (fbc) of this event is not valid. It has the form fb.1.{time in milliseconds}.{fbclid}.",
);
/// An event from before the window.
pub(super) const TOO_OLD: Refusal = Refusal::payload(
    2804003,
    "Event Timestamp Too Old",
    "The timestamp for this event is too far in the past. Events need to be sent from your server within 7 days of \
     when they occurred. Enter a timestamp that has occurred within the last 7 days.",
);
/// An event that has not happened yet.
pub(super) const IN_THE_FUTURE: Refusal = Refusal::payload(
    2804004,
    "Event Timestamp In The Future",
    "The timestamp for this event is in the future. Enter a Unix timestamp in seconds that is not in the future.",
);
/// `contents` that does not list products.
pub(super) const CONTENTS: Refusal = Refusal::payload(
    2804008,
    "Invalid Contents Parameter",
    "The contents parameter must be a list of objects that each describe one product.",
);
/// A Purchase that cost nothing known.
pub(super) const PURCHASE_WITHOUT_VALUE: Refusal = Refusal::payload(
    2804009,
    "Purchase Event Without Value",
    "A Purchase event must have the value parameter in its custom_data.",
);
/// A value that money cannot be made of.
pub(super) const CURRENCY: Refusal = Refusal::payload(
    2804023,
    "Missing Or Invalid Currency",
    "An event with a value must have the currency parameter, a three-letter ISO 4217 code, in its custom_data.",
);
/// A lead that Meta does not know.
pub(super) const LEAD_ID: Refusal = Refusal::payload(
    2804036,
    "Invalid Lead ID",
    "The lead ID of this event is not valid, or the lead was deleted. Send the 15 to 17 digit ID that Meta gave the \
     lead.",
);
/// Customer information that fits too many people.
pub(super) const TOO_BROAD: Refusal = Refusal::payload(
    2804050,
    "You Haven't Added Sufficient Customer Information Parameter Data For This Event",
    "This event has no customer information parameters, or a combination of them that is so broad that it is \
     unlikely to be effective for matching.",
);

/// A body past the limit of the sandbox.
pub(super) const TOO_LARGE: Refusal = Refusal::new(
    StatusCode::PAYLOAD_TOO_LARGE,
    100,
    OAUTH,
    "(#100) The request body is larger than 16 MB. Send fewer events in one request.",
);
/// A body that would fill the memory.
pub(super) const TOO_MANY_VALUES: Refusal = Refusal::new(
    StatusCode::PAYLOAD_TOO_LARGE,
    100,
    OAUTH,
    "(#100) The request holds more than 200000 values. Send fewer events in one request.",
);
/// A request that began and did not end.
pub(super) const TOO_SLOW: Refusal = Refusal::new(
    StatusCode::REQUEST_TIMEOUT,
    100,
    OAUTH,
    "(#100) The request body did not arrive in time.",
);
/// A request for another server.
pub(super) const OTHER_HOST: Refusal = Refusal::new(
    StatusCode::FORBIDDEN,
    200,
    OAUTH,
    "(#200) The sandbox answers only under its own address. Start it with --host NAME to reach it by another name.",
);
/// A request by a page of another site.
pub(super) const CROSS_SITE: Refusal = Refusal::new(
    StatusCode::FORBIDDEN,
    200,
    OAUTH,
    "(#200) The sandbox takes nothing from a page of another site.",
);
/// A request that nobody signed.
pub(super) const NO_TOKEN: Refusal = Refusal::plain(
    104,
    OAUTH,
    "An access token is required to request this resource.",
);
/// A token that is no text.
pub(super) const BAD_TOKEN: Refusal = Refusal::plain(
    190,
    OAUTH,
    "Invalid OAuth access token - Cannot parse access token",
);
/// An `appsecret_proof` that no SHA-256 gives.
pub(super) const BAD_PROOF: Refusal = Refusal::plain(
    100,
    METHOD,
    "Invalid appsecret_proof provided in the API argument",
);
/// A version that has come to its end.
pub(super) const EXPIRED_VERSION: Refusal = Refusal::plain(
    2635,
    "FacebookApiException",
    "(#2635) You are calling a deprecated version of the Ads API. Please update to the latest version: v26.0.",
);
/// A multipart form that does not hold together.
pub(super) const BROKEN_FORM: Refusal = Refusal::plain(
    100,
    OAUTH,
    "(#100) The multipart form is broken off or malformed.",
);
/// A request without events, or one whose form hides them.
pub(super) const NO_DATA: Refusal =
    Refusal::plain(100, OAUTH, "(#100) The parameter data is required");
/// A batch of none.
pub(super) const EMPTY_DATA: Refusal =
    Refusal::plain(100, OAUTH, "(#100) Param data must be non-empty.");
/// A batch past the 1,000 events of a request.
pub(super) const TOO_MANY_EVENTS: Refusal = Refusal::plain(
    100,
    OAUTH,
    "(#100) Param data must have at most 1000 elements.",
);
/// `data` that is one event or no event.
pub(super) const DATA_NOT_A_LIST: Refusal =
    Refusal::plain(100, OAUTH, "(#100) Param data must be an array.");

impl Refusal {
    const fn new(
        status: StatusCode,
        code: u32,
        kind: &'static str,
        message: &'static str,
    ) -> Refusal {
        Refusal {
            status,
            message: Cow::Borrowed(message),
            kind,
            code,
            error_subcode: None,
            is_transient: None,
            error_user_title: None,
            error_user_msg: None,
        }
    }

    const fn plain(code: u32, kind: &'static str, message: &'static str) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, code, kind, message)
    }

    const fn payload(subcode: u32, title: &'static str, text: &'static str) -> Refusal {
        Refusal {
            status: StatusCode::BAD_REQUEST,
            message: Cow::Borrowed("Invalid parameter"),
            kind: OAUTH,
            code: 100,
            error_subcode: Some(subcode),
            is_transient: Some(false),
            error_user_title: Some(title),
            error_user_msg: Some(Cow::Borrowed(text)),
        }
    }

    /// A shape Graph does not take. `text` holds the place, as in `$['data'][17]['user_data']`.
    pub(super) fn schema(text: String) -> Refusal {
        Refusal {
            error_user_msg: Some(text.into()),
            ..Refusal::payload(2804019, "Server Side Api Parameter Error", "")
        }
    }

    /// A parameter that must be hashed and is not.
    pub(super) fn unhashed(key: &str) -> Refusal {
        let text = format!(
            "The customer information parameter {key} is not hashed. Normalize its values and hash them with SHA-256 \
             (64 lowercase hexadecimal digits)."
        );
        Refusal {
            error_user_msg: Some(text.into()),
            ..Refusal::payload(2804016, "Unhashed Customer Information Parameter", "")
        }
    }

    /// A body or a parameter that cannot be read, with what is wrong about it.
    pub(super) fn unreadable(what: &'static str) -> Refusal {
        Refusal {
            message: format!("(#100) {what}").into(),
            ..NO_DATA
        }
    }

    /// There is nothing under `id`, or nothing that can be asked for this way.
    pub(super) fn no_object(method: &str, id: &str) -> Refusal {
        let message = format!(
            "Unsupported {} request. Object with ID '{}' does not exist, cannot be loaded due to missing permissions, \
             or does not support this operation.",
            method.to_lowercase(),
            brief(id)
        );
        Refusal {
            message: message.into(),
            error_subcode: Some(33),
            ..Refusal::plain(100, METHOD, "")
        }
    }

    /// The token may not do this.
    /// <https://developers.facebook.com/docs/graph-api/guides/error-handling>
    pub(super) fn lacks_permission(permission: &str) -> Refusal {
        Refusal {
            message: format!("(#200) Requires {permission} permission to manage the object").into(),
            ..Refusal::new(StatusCode::FORBIDDEN, 200, OAUTH, "")
        }
    }

    /// Leads Access Manager keeps the user or the app out.
    pub(super) fn no_lead_access() -> Refusal {
        Refusal::new(
            StatusCode::FORBIDDEN,
            103,
            OAUTH,
            "(#103) Missing leads access permission for this page",
        )
    }

    /// A call for which a user's token will not do.
    pub(super) fn needs_page_token() -> Refusal {
        Refusal {
            error_subcode: Some(2_069_032),
            ..Refusal::plain(
                190,
                OAUTH,
                "This method must be called with a Page Access Token",
            )
        }
    }

    /// An error the sandbox was told to give.
    pub(super) fn played(code: u32, subcode: Option<u32>) -> Refusal {
        Refusal {
            error_subcode: subcode,
            ..Refusal::plain(code, OAUTH, "This error was asked for")
        }
    }

    /// Graph has no such path.
    pub(super) fn unknown_path(path: &str) -> Refusal {
        let message = format!("Unknown path components: {}", brief(path));
        Refusal {
            message: message.into(),
            ..Refusal::plain(2500, OAUTH, "")
        }
    }

    /// What is wrong, in a line for a log.
    pub(super) fn summary(&self) -> String {
        let code = match self.error_subcode {
            Some(subcode) => format!("{}/{subcode}", self.code),
            None => self.code.to_string(),
        };
        let text = match (self.error_user_title, &self.error_user_msg) {
            (Some(title), Some(text)) => format!("{title}: {text}"),
            _ => self.message.to_string(),
        };
        format!("{code} {text}")
    }

    /// The answer, under `fbtrace_id`.
    pub(super) fn into_answer(self, fbtrace_id: &str) -> Answer {
        #[derive(Serialize)]
        struct Body<'a> {
            error: Traced<'a>,
        }
        #[derive(Serialize)]
        struct Traced<'a> {
            #[serde(flatten)]
            refusal: &'a Refusal,
            fbtrace_id: &'a str,
        }
        json(
            self.status,
            &Body {
                error: Traced {
                    refusal: &self,
                    fbtrace_id,
                },
            },
        )
    }
}

/// The receipt for `events_received` events.
pub(super) fn receipt(events_received: usize, fbtrace_id: &str) -> Answer {
    #[derive(Serialize)]
    struct Receipt<'a> {
        events_received: usize,
        messages: [&'a str; 0],
        fbtrace_id: &'a str,
    }
    json(
        StatusCode::OK,
        &Receipt {
            events_received,
            messages: [],
            fbtrace_id,
        },
    )
}

/// What was asked for.
pub(super) fn found(body: &serde_json::Value) -> Answer {
    json(StatusCode::OK, body)
}

/// An answer of any type; `body` may be shared.
pub(super) fn of_type(status: StatusCode, media_type: &'static str, body: Pieces) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}

fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    match serde_json::to_vec(body) {
        Ok(bytes) => of_type(status, "application/json; charset=UTF-8", bytes.into()),
        Err(_) => of_type(
            StatusCode::INTERNAL_SERVER_ERROR,
            "text/plain",
            Pieces::default(),
        ),
    }
}

/// The first characters of what a client sent: an answer must not grow with the request.
pub(super) fn brief(text: &str) -> &str {
    text.char_indices()
        .nth(100)
        .map_or(text, |(end, _)| &text[..end])
}

/// Hands out trace ids of Graph's form, each once.
#[derive(Debug, Default)]
pub(super) struct TraceIds {
    keys: RandomState,
    next: AtomicU64,
}

impl TraceIds {
    pub(super) fn next(&self) -> String {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let bits = (u128::from(self.keys.hash_one((number, 0))) << 64)
            | u128::from(self.keys.hash_one((number, 1)));
        let digits = (0..22).map(|digit| char::from(ALPHABET[(bits >> (6 * digit)) as usize & 63]));
        std::iter::once('A').chain(digits).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use std::collections::HashSet;

    async fn text(answer: Answer) -> String {
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn the_answers_are_the_recorded_bodies() {
        assert_eq!(
            text(receipt(1, "ATHEd8F7ddsITPV0fE5TWjY")).await,
            r#"{"events_received":1,"messages":[],"fbtrace_id":"ATHEd8F7ddsITPV0fE5TWjY"}"#
        );
        assert_eq!(
            text(TOO_OLD.into_answer("A6UyEgg_HdoiRX9duxcBOjb")).await,
            r#"{"error":{"message":"Invalid parameter","type":"OAuthException","code":100,"error_subcode":2804003,"is_transient":false,"error_user_title":"Event Timestamp Too Old","error_user_msg":"The timestamp for this event is too far in the past. Events need to be sent from your server within 7 days of when they occurred. Enter a timestamp that has occurred within the last 7 days.","fbtrace_id":"A6UyEgg_HdoiRX9duxcBOjb"}}"#
        );
        assert_eq!(
            text(BAD_TOKEN.into_answer("ArrDTKwNSI_BDSmS3-M4h56")).await,
            r#"{"error":{"message":"Invalid OAuth access token - Cannot parse access token","type":"OAuthException","code":190,"fbtrace_id":"ArrDTKwNSI_BDSmS3-M4h56"}}"#
        );
        assert_eq!(
            text(Refusal::no_object("POST", "1").into_answer("x")).await,
            r#"{"error":{"message":"Unsupported post request. Object with ID '1' does not exist, cannot be loaded due to missing permissions, or does not support this operation.","type":"GraphMethodException","code":100,"error_subcode":33,"fbtrace_id":"x"}}"#
        );
    }

    #[test]
    fn a_trace_id_looks_like_graphs_and_never_comes_twice() {
        let ids = TraceIds::default();
        let seen: HashSet<String> = (0..1000).map(|_| ids.next()).collect();
        assert_eq!(seen.len(), 1000);
        assert!(seen.iter().all(|id| id.len() == 23 && id.starts_with('A')));
    }

    #[test]
    fn an_answer_repeats_only_the_beginning_of_a_long_text() {
        assert_eq!(brief(&"é".repeat(5000)).chars().count(), 100);
        assert_eq!(brief("short"), "short");
    }
}
