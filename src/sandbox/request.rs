//! The forms a request may come in: a JSON object, a urlencoded or a multipart form, parameters in the query.
//!
//! In: the head and the whole body. Out: [`Parameters`], and from them the events as JSON values.
//! It does not judge an event, only whether there are events to judge and whether somebody signed for them.
//! <https://developers.facebook.com/docs/marketing-api/conversions-api/using-the-api>

use std::borrow::Cow;

use http_body_util::{BodyDataStream, Full};
use hyper::body::Bytes;
use hyper::http::request::Parts;
use hyper::{HeaderMap, header};
use multer::Multipart;
use serde_json::{Map, Value};

use super::answer::{self, Refusal};
use super::values::{Budget, Unfit};

/// The events one request may carry.
const MAX_EVENTS: usize = 1000;

/// The JSON values one request may hold: five times what a full batch of rich events needs.
const MAX_VALUES: usize = 200_000;

/// All parameters of a request, from the query and the body alike. Those of a form are strings.
#[derive(Debug)]
pub(super) struct Parameters {
    values: Map<String, Value>,
    budget: Budget,
}

impl Parameters {
    /// Reads the query and the body; a parameter in both is the body's.
    pub(super) async fn read(head: Parts, body: Bytes) -> Result<Parameters, Refusal> {
        let mut parameters = Self {
            values: Map::new(),
            budget: Budget::new(MAX_VALUES),
        };
        parameters.add_form(head.uri.query().unwrap_or_default().as_bytes())?;

        let content_type = head
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("");
        let media_type = content_type
            .split(';')
            .next()
            .unwrap_or("")
            .trim()
            .to_ascii_lowercase();
        match media_type.as_str() {
            "application/json" => parameters.add_json(&body)?,
            "multipart/form-data" => parameters.add_multipart(content_type, body).await?,
            _ => parameters.add_form(&body)?,
        }
        Ok(parameters)
    }

    fn add_json(&mut self, body: &[u8]) -> Result<(), Refusal> {
        if body.trim_ascii().is_empty() {
            return Ok(());
        }
        match self
            .budget
            .parse(body)
            .map_err(unfit("The request body is not valid JSON."))?
        {
            Value::Object(object) => self.values.extend(object),
            _ => {
                return Err(Refusal::unreadable(
                    "The request body must be a JSON object.",
                ));
            }
        }
        Ok(())
    }

    fn add_form(&mut self, form: &[u8]) -> Result<(), Refusal> {
        for pair in form
            .split(|&byte| byte == b'&')
            .filter(|pair| !pair.is_empty())
        {
            let (name, value) = match pair.iter().position(|&byte| byte == b'=') {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &b""[..]),
            };
            let (Some(name), Some(value)) = (unescape(name), unescape(value)) else {
                return Err(Refusal::unreadable("The form is not encoded in UTF-8."));
            };
            self.add_text(name, value)?;
        }
        Ok(())
    }

    async fn add_multipart(&mut self, content_type: &str, body: Bytes) -> Result<(), Refusal> {
        let boundary = multer::parse_boundary(content_type).map_err(|_| answer::BROKEN_FORM)?;
        let mut form = Multipart::new(BodyDataStream::new(Full::new(body)), boundary);
        while let Some(field) = form.next_field().await.map_err(|_| answer::BROKEN_FORM)? {
            let name = field.name().unwrap_or_default().to_owned();
            let bytes = field.bytes().await.map_err(|_| answer::BROKEN_FORM)?;
            let Ok(value) = String::from_utf8(bytes.into()) else {
                return Err(Refusal::unreadable("The form is not encoded in UTF-8."));
            };
            self.add_text(name, value)?;
        }
        Ok(())
    }

    fn add_text(&mut self, name: String, value: String) -> Result<(), Refusal> {
        self.budget.spend().map_err(unfit(""))?;
        self.values.insert(name, Value::String(value));
        Ok(())
    }

    /// Looks for a token wherever Graph takes one. Any will do: the sandbox knows no accounts.
    pub(super) fn require_token(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        self.token(headers).map(|_| ())
    }

    /// The token, wherever Graph takes one.
    pub(super) fn token<'a>(&'a self, headers: &'a HeaderMap) -> Result<&'a str, Refusal> {
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let value = value.to_str().map_err(|_| answer::BAD_TOKEN)?;
            let (scheme, token) = value.trim().split_once(' ').unwrap_or((value, ""));
            let is_oauth =
                scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth");
            if is_oauth && !token.trim().is_empty() {
                return Ok(token.trim());
            }
        }
        match self.values.get("access_token") {
            None | Some(Value::Null) => Err(answer::NO_TOKEN),
            Some(Value::String(token)) if token.trim().is_empty() => Err(answer::NO_TOKEN),
            Some(Value::String(token)) => Ok(token),
            Some(_) => Err(answer::BAD_TOKEN),
        }
    }

    /// A parameter that is a text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).and_then(Value::as_str)
    }

    /// Checks what stands beside `data`. Graph lets unknown parameters pass.
    pub(super) fn check_options(&self) -> Result<(), Refusal> {
        let option = |name| self.values.get(name).filter(|value| !value.is_null());

        if let Some(proof) = option("appsecret_proof") {
            let is_proof = |text: &str| {
                text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
            };
            if !proof.as_str().is_some_and(is_proof) {
                return Err(answer::BAD_PROOF);
            }
        }
        if option("test_event_code").is_some_and(|code| !code.is_string()) {
            return Err(Refusal::unreadable(
                "Param test_event_code must be a string.",
            ));
        }
        if let Some(agent) = option("partner_agent") {
            let names_a_partner = |text: &str| {
                text.chars().count() < 23
                    && text.chars().filter(|letter| letter.is_alphabetic()).count() >= 2
            };
            if !agent.as_str().is_some_and(names_a_partner) {
                return Err(Refusal::unreadable(
                    "Param partner_agent must have less than 23 characters, at least two of them letters.",
                ));
            }
        }
        Ok(())
    }

    /// The events. `data` may be JSON text, and so may each of its elements: Meta's Python SDK sends both.
    pub(super) fn into_events(mut self) -> Result<Vec<Value>, Refusal> {
        let data = match self.values.remove("data") {
            None | Some(Value::Null) => return Err(answer::NO_DATA),
            Some(Value::String(text)) if text.trim().is_empty() => return Err(answer::NO_DATA),
            Some(Value::String(text)) => self
                .budget
                .parse(text.as_bytes())
                .map_err(unfit("Param data is not valid JSON."))?,
            Some(data) => data,
        };
        let Value::Array(mut events) = data else {
            return Err(answer::DATA_NOT_A_LIST);
        };
        if events.is_empty() {
            return Err(answer::EMPTY_DATA);
        }
        if events.len() > MAX_EVENTS {
            return Err(answer::TOO_MANY_EVENTS);
        }
        for event in &mut events {
            if let Value::String(text) = event {
                match self.budget.parse(text.as_bytes()) {
                    Ok(decoded) => *event = decoded,
                    Err(Unfit::TooMany) => return Err(answer::TOO_MANY_VALUES),
                    // The judge will say that a text is no event.
                    Err(Unfit::Malformed) => {}
                }
            }
        }
        Ok(events)
    }
}

/// The refusal of a text that gave no value; `what` is wrong when it is not JSON.
fn unfit(what: &'static str) -> impl Fn(Unfit) -> Refusal {
    move |unfit| match unfit {
        Unfit::TooMany => answer::TOO_MANY_VALUES,
        Unfit::Malformed => Refusal::unreadable(what),
    }
}

/// Undoes the escapes of `application/x-www-form-urlencoded`; a `%` that escapes nothing stays. None when the
/// result is not UTF-8. <https://url.spec.whatwg.org/#urlencoded-parsing>
fn unescape(text: &[u8]) -> Option<String> {
    let spaced: Vec<u8> = text
        .iter()
        .map(|&byte| if byte == b'+' { b' ' } else { byte })
        .collect();
    let decoded = percent_encoding::percent_decode(&spaced).decode_utf8();
    decoded.ok().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    async fn read(media_type: &str, uri: &str, body: &str) -> Result<Parameters, Refusal> {
        let request = hyper::Request::post(uri)
            .header(header::CONTENT_TYPE, media_type)
            .body(())
            .unwrap();
        Parameters::read(
            request.into_parts().0,
            Bytes::copy_from_slice(body.as_bytes()),
        )
        .await
    }

    const FORM: &str = "application/x-www-form-urlencoded";

    #[tokio::test]
    async fn every_form_of_the_same_request_gives_the_same_events() {
        let part = |name: &str, value: &str| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let multipart =
            part("data", r#"[{"event_name":"A & B"}]"#) + &part("access_token", "T") + "--b--\r\n";
        let requests = [
            (
                "application/json; charset=utf-8",
                "/",
                r#"{"data":[{"event_name":"A & B"}],"access_token":"T"}"#,
            ),
            (
                "Application/JSON",
                "/",
                r#"{"data":["{\"event_name\":\"A & B\"}"],"access_token":"T"}"#,
            ),
            (
                "application/json",
                "/",
                r#"{"data":"[{\"event_name\":\"A & B\"}]","access_token":"T"}"#,
            ),
            (
                "application/json",
                "/?access_token=T",
                r#"{"data":[{"event_name":"A & B"}]}"#,
            ),
            (
                "application/json",
                "/?access_token=T&data=%5B%7B%22event_name%22:%22A+%26+B%22%7D%5D",
                "",
            ),
            (
                FORM,
                "/",
                "data=%5B%7B%22event_name%22%3A%22A+%26%20B%22%7D%5D&access_token=T",
            ),
            (
                FORM,
                "/",
                "access_token=T&data=[\"{\\\"event_name\\\":\\\"A%20%26%20B\\\"}\"]",
            ),
            ("multipart/form-data; boundary=b", "/", &multipart),
        ];
        for (media_type, uri, body) in requests {
            let parameters = read(media_type, uri, body).await.unwrap();
            parameters.require_token(&HeaderMap::new()).unwrap();
            assert_eq!(
                parameters.into_events().unwrap(),
                [json!({"event_name": "A & B"})],
                "{media_type} {body}"
            );
        }
    }

    #[tokio::test]
    async fn a_body_that_cannot_be_read_is_said_to_be_so() {
        let broken = [
            ("application/json", "{\"data\":[{"),
            ("application/json", "[]"),
            ("application/json", "\u{feff}{}"),
            ("application/json", &"[".repeat(100_000)),
            (FORM, "data=%FF"),
            ("multipart/form-data", "no boundary"),
            (
                "multipart/form-data; boundary=b",
                "--b\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n[{",
            ),
        ];
        for (media_type, body) in broken {
            let refusal = read(media_type, "/", body).await.unwrap_err();
            assert_eq!(
                (refusal.code, refusal.error_subcode),
                (100, None),
                "{media_type}"
            );
        }
    }

    #[tokio::test]
    async fn data_must_be_a_list_of_one_to_a_thousand() {
        let cases = [
            (json!({}), answer::NO_DATA),
            (json!({"data": null}), answer::NO_DATA),
            (json!({"data": ""}), answer::NO_DATA),
            (json!({"data": []}), answer::EMPTY_DATA),
            (json!({"data": {}}), answer::DATA_NOT_A_LIST),
            (json!({"data": "7"}), answer::DATA_NOT_A_LIST),
            (
                json!({"data": "[{"}),
                Refusal::unreadable("Param data is not valid JSON."),
            ),
            (json!({"data": vec![0; 1001]}), answer::TOO_MANY_EVENTS),
        ];
        for (body, refusal) in cases {
            let parameters = read("application/json", "/", &body.to_string())
                .await
                .unwrap();
            assert_eq!(parameters.into_events().unwrap_err(), refusal);
        }
        let full = read(
            "application/json",
            "/",
            &json!({"data": vec![0; 1000]}).to_string(),
        )
        .await
        .unwrap();
        assert_eq!(full.into_events().unwrap().len(), 1000);
    }

    #[tokio::test]
    async fn a_body_of_more_values_than_memory_is_refused_whatever_its_form() {
        let many = format!("[{}0]", "{\"\":0},".repeat(MAX_VALUES / 2));
        let json = format!("{{\"data\":{many}}}");
        let form = format!("data={many}");
        let doubly = format!("{{\"data\":[{}]}}", Value::String(many.clone()));
        let parameters = "a&".repeat(MAX_VALUES + 1);
        for (media_type, body) in [
            ("application/json", &json),
            ("application/json", &doubly),
            (FORM, &form),
            (FORM, &parameters),
        ] {
            let events = match read(media_type, "/", body).await {
                Ok(parameters) => parameters.into_events(),
                Err(refusal) => Err(refusal),
            };
            assert_eq!(events.unwrap_err(), answer::TOO_MANY_VALUES, "{media_type}");
        }
    }

    #[tokio::test]
    async fn a_full_batch_of_rich_events_is_not_too_many_values() {
        let keys: Map<String, Value> = (0..60)
            .map(|key| (format!("k{key}"), json!(["a", "b"])))
            .collect();
        let body = json!({"data": vec![json!({"user_data": keys}); MAX_EVENTS]}).to_string();
        let parameters = read("application/json", "/", &body).await.unwrap();
        assert_eq!(parameters.into_events().unwrap().len(), MAX_EVENTS);
    }

    #[tokio::test]
    async fn a_token_may_stand_in_the_header_the_query_or_the_body() {
        let header =
            |value: &str| HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
        let none = read("application/json", "/", "{}").await.unwrap();
        assert_eq!(none.require_token(&header("Bearer T")), Ok(()));
        assert_eq!(none.require_token(&header("oauth T")), Ok(()));
        for missing in ["Bearer", "Bearer ", "Basic dTpw", "T"] {
            assert_eq!(
                none.require_token(&header(missing)),
                Err(answer::NO_TOKEN),
                "{missing}"
            );
        }
        let cases = [
            (r#"{"access_token":"T"}"#, Ok(())),
            (r#"{"access_token":" "}"#, Err(answer::NO_TOKEN)),
            (r#"{"access_token":null}"#, Err(answer::NO_TOKEN)),
            (r#"{"access_token":7}"#, Err(answer::BAD_TOKEN)),
        ];
        for (body, expected) in cases {
            assert_eq!(
                read("application/json", "/", body)
                    .await
                    .unwrap()
                    .require_token(&HeaderMap::new()),
                expected
            );
        }
    }

    #[tokio::test]
    async fn options_beside_data_are_checked_and_unknown_ones_pass() {
        let proof = "0123456789abcdef".repeat(4);
        let good = json!({"test_event_code": "TEST1", "partner_agent": "acme", "appsecret_proof": proof,
            "locale": "de_DE", "upload_tag": null, "anything": [1]});
        assert_eq!(
            read("application/json", "/", &good.to_string())
                .await
                .unwrap()
                .check_options(),
            Ok(())
        );
        let bad = [
            json!({"test_event_code": 1}),
            json!({"partner_agent": "a1"}),
            json!({"partner_agent": "abcdefghijklmnopqrstuvw"}),
            json!({"appsecret_proof": "secret"}),
            json!({"appsecret_proof": proof.to_uppercase()}),
        ];
        for body in bad {
            let parameters = read("application/json", "/", &body.to_string())
                .await
                .unwrap();
            assert_eq!(parameters.check_options().unwrap_err().code, 100, "{body}");
        }
    }

    #[test]
    fn escapes_are_undone_and_stray_percent_signs_stay() {
        assert_eq!(unescape(b"a+b%20c%C3%A9%2").as_deref(), Some("a b cé%2"));
        assert_eq!(unescape(b"100%").as_deref(), Some("100%"));
        assert_eq!(unescape(b"%zz%4").as_deref(), Some("%zz%4"));
        assert_eq!(unescape(b"%C3"), None);
    }
}
