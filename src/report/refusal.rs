//! Why Meta refused an event, and what to do about it.
//!
//! Only numeric codes decide: Meta's texts are in the language of the token's owner.
//! Source: <https://developers.facebook.com/docs/marketing-api/error-reference> and answers recorded from the endpoint.

use schemars::JsonSchema;
use serde::Serialize;

/// The `error` object of an answer, without the texts that may repeat values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MetaError {
    /// Meta's `code`.
    pub code: i64,
    /// Meta's `error_subcode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subcode: Option<i64>,
    /// Meta's `error_user_title`, in the language of the token's owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Meta's `fbtrace_id`, which Meta's support asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fbtrace_id: Option<String>,
}

impl MetaError {
    /// The codes, as people quote them.
    pub fn codes(&self) -> String {
        match self.subcode {
            Some(subcode) => format!("code {}, subcode {subcode}", self.code),
            None => format!("code {}", self.code),
        }
    }

    /// What to do about a refused event.
    pub fn help(&self) -> Option<&'static str> {
        Some(match (self.code, self.subcode?) {
            (100, 2804001) => {
                "check the column mapped to fbc or fbclid: click ids must be passed on as they came"
            }
            (100, 2804003) => {
                "upload at least once a day, so that no event is older than 7 days when it is sent"
            }
            (100, 2804004) => "check --timezone and the clock of this machine",
            (100, 2804009) => {
                "map value and currency, or name the stage something else than Purchase"
            }
            (100, 2804016) => {
                "report this with the trace id: every customer parameter is sent hashed"
            }
            (100, 2804019) => {
                "report this with the trace id: the event does not fit the API version; try another --api-version"
            }
            (100, 2804023) => "map currency, or leave value out",
            (100, 2804036) => {
                "check the lead id against Meta's lead download; leave it empty for leads that were deleted or came from elsewhere"
            }
            (100, 2804050) => "add lead_id, email or phone to the row",
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_explained_by_its_numbers_alone() {
        let bad_lead_id = MetaError {
            code: 100,
            subcode: Some(2804036),
            ..MetaError::default()
        };
        assert_eq!(bad_lead_id.codes(), "code 100, subcode 2804036");
        assert!(bad_lead_id.help().unwrap().starts_with("check the lead id"));
        assert_eq!(
            MetaError {
                code: 100,
                ..MetaError::default()
            }
            .help(),
            None
        );
    }
}
