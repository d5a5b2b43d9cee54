//! Meta's own webhook of new leads: its handshake, its signature, and the leads that it tells of. The answers of a lead are
//! not in it; whoever reads them is [`super::fetcher`].
//!
//! <https://developers.facebook.com/docs/graph-api/webhooks/getting-started>
//! <https://developers.facebook.com/docs/marketing-api/guides/lead-ads/retrieving#webhooks>

use hyper::StatusCode;
use hyper::http::request::Parts;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::answer::Refusal;
use super::auth::{hub_signature, is_same, is_signed};
use crate::ledger::ToldLead;

/// A challenge that is longer than this is none of Meta's.
const MAX_CHALLENGE: usize = 256;
/// Lead ids have so many digits; Meta's test button sends others.
const ID_DIGITS: std::ops::RangeInclusive<usize> = 15..=17;

/// What Meta's requests are held against.
#[derive(Clone, Debug)]
pub(crate) struct LeadgenKeys {
    /// The app's secret, which signs bodies.
    pub secret: SecretString,
    /// What the handshake has to name.
    pub verify_token: SecretString,
}

/// What a body tells.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// New leads.
    pub leads: Vec<ToldLead>,
    /// What is no lead: other fields, tests.
    pub others: u64,
}

impl LeadgenKeys {
    /// What to answer to the handshake.
    pub(super) fn shake(&self, head: &Parts) -> Result<String, Refusal> {
        let query = head.uri.query().unwrap_or_default();
        let asked = reqwest::Url::parse(&format!("http://localhost/?{query}"));
        let asked = asked.map_err(|_| refuse("the handshake cannot be read"))?;
        let of = |name: &str| {
            let mut pairs = asked.query_pairs();
            pairs.find_map(|(known, value)| (known == name).then(|| value.into_owned()))
        };
        let (mode, challenge) = (of("hub.mode"), of("hub.challenge").unwrap_or_default());
        let given = of("hub.verify_token").unwrap_or_default();
        if mode.as_deref() != Some("subscribe") || challenge.is_empty() {
            let says = "here Meta's webhook of leads is verified: hub.mode=subscribe, hub.verify_token, hub.challenge";
            return Err(refuse(says));
        }
        if !is_same(
            self.verify_token.expose_secret().as_bytes(),
            given.as_bytes(),
        ) {
            let says = "hub.verify_token is not what CRM2CAPI_SERVE_VERIFY_TOKEN holds";
            return Err(Refusal::new(StatusCode::FORBIDDEN, says));
        }
        let is_plain = challenge.bytes().all(|byte| byte.is_ascii_graphic());
        match is_plain && challenge.len() <= MAX_CHALLENGE {
            true => Ok(challenge),
            false => Err(refuse("hub.challenge is none of Meta's")),
        }
    }

    /// The signature of a request, before its body is there.
    pub(super) fn signature(head: &Parts) -> Option<Vec<u8>> {
        hub_signature(&head.headers)
    }

    pub(super) fn verify(&self, signature: &[u8], body: &[u8]) -> bool {
        is_signed(Some(&self.secret), [body], signature)
    }
}

fn refuse(says: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, says)
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    object: String,
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    #[serde(default)]
    field: String,
    #[serde(default)]
    value: Value,
}

/// Reads a body; `now` stands for times that are missing.
pub(super) fn told(body: &[u8], now: i64) -> Result<Told, Refusal> {
    let body: Body = serde_json::from_slice(body)
        .map_err(|_| refuse("the body is not one of Meta's webhooks"))?;
    let mut told = Told::default();
    for Change { field, value } in body.entry.into_iter().flat_map(|entry| entry.changes) {
        let lead = match body.object == "page" && field == "leadgen" {
            true => lead(&value, now),
            false => None,
        };
        match lead {
            Some(lead) => told.leads.push(lead),
            None => told.others += 1,
        }
    }
    Ok(told)
}

fn lead(value: &Value, now: i64) -> Option<ToldLead> {
    let digits = |name: &str| crate::leads::id_text(value.get(name)?);
    let id = digits("leadgen_id").filter(|id| ID_DIGITS.contains(&id.len()))?;
    Some(ToldLead {
        id,
        page: digits("page_id").unwrap_or_default(),
        created: digits("created_time")
            .and_then(|time| time.parse().ok())
            .unwrap_or(now),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn keys() -> LeadgenKeys {
        LeadgenKeys {
            secret: "It's a Secret to Everybody".into(),
            verify_token: "words that only Meta knows".into(),
        }
    }

    fn shaken(query: &str) -> Result<String, Refusal> {
        let request = Request::get(format!("/leadgen?{query}")).body(()).unwrap();
        keys().shake(&request.into_parts().0)
    }

    #[test]
    fn the_handshake_is_answered_to_who_knows_the_token() {
        let good = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=words+that%20only+Meta+knows";
        assert_eq!(shaken(good).unwrap(), "1158201444");
        for wrong in [
            "",
            "hub.mode=subscribe&hub.verify_token=words+that+only+Meta+knows",
            "hub.mode=subscribe&hub.challenge=1&hub.verify_token=words",
            "hub.mode=subscribe&hub.challenge=1",
            "hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=words+that+only+Meta+knows",
            "hub.mode=subscribe&hub.challenge=%3Ca%20b%3E&hub.verify_token=words+that+only+Meta+knows",
        ] {
            assert!(shaken(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_body_tells_of_leads_of_pages_and_of_nothing_else() {
        let body = r#"{"object":"page","entry":[
            {"id":"10","time":1763600000,"changes":[
                {"field":"leadgen","value":{"leadgen_id":"1234567890123456","page_id":"10","form_id":"7","created_time":1763600000}},
                {"field":"feed","value":{"item":"like"}},
                {"field":"leadgen","value":{"leadgen_id":444444444444,"page_id":444444444444,"created_time":1763600000}}]},
            {"id":"11","changes":[{"field":"leadgen","value":{"leadgen_id":12345678901234567,"page_id":11}}]}]}"#;
        let lead = |id: &str, page: &str, created| ToldLead {
            id: id.into(),
            page: page.into(),
            created,
        };
        let expected = Told {
            leads: vec![
                lead("1234567890123456", "10", 1_763_600_000),
                lead("12345678901234567", "11", 5),
            ],
            others: 2,
        };
        assert_eq!(told(body.as_bytes(), 5).unwrap(), expected);
        let other = br#"{"object":"user","entry":[{"changes":[{"field":"leadgen","value":{"leadgen_id":"1234567890123456"}}]}]}"#;
        assert_eq!(told(other, 5).unwrap().leads, []);
        assert!(told(b"[]", 5).is_err() && told(b"{}", 5).is_err() && told(b"x", 5).is_err());
    }
}
