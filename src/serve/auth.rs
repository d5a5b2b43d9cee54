//! Who may post: whoever knows the token, or signs what is posted.
//!
//! In: the head of a request, and its body once it is there. Out: whether to go on. A token stands in `Authorization`, as
//! `Bearer`, or as the password of `Basic` for senders that can do nothing else. A signature is an HMAC-SHA256 of the body
//! (`X-Hub-Signature-256`), or HubSpot's v3 signature of method, address, body and time. Secrets are compared in constant
//! time. <https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HOST};
use hyper::http::request::Parts;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const SIGNATURE: &str = "x-hub-signature-256";
const HUBSPOT_SIGNATURE: &str = "x-hubspot-signature-v3";
const HUBSPOT_TIME: &str = "x-hubspot-request-timestamp";
/// A signature of HubSpot's is no good any more after so long, so that what somebody overheard cannot be posted again.
const HUBSPOT_MILLISECONDS: i64 = 300_000;

/// What requests are held against. With nothing set everybody may post, which is for this machine alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    /// The token of `Authorization`.
    pub token: Option<SecretString>,
    /// What bodies are signed with.
    pub secret: Option<SecretString>,
    /// The client secret of a HubSpot app.
    pub hubspot: Option<SecretString>,
}

/// What a head says, before the body is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// Enough.
    Proven,
    /// It is to be held against the body.
    Signed(Signature),
}

/// A signature that a head carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Signature {
    /// An HMAC of the body.
    Body(Vec<u8>),
    /// HubSpot's.
    HubSpot(Vec<u8>),
}

impl Keys {
    /// Whether everybody may post.
    pub(crate) fn are_none(&self) -> bool {
        self.token.is_none() && self.secret.is_none() && self.hubspot.is_none()
    }

    /// What the head of a request is worth; none when it shows nothing that could be good.
    pub(super) fn claim(&self, head: &Parts, now_ms: i64) -> Option<Claim> {
        if self.are_none() {
            return Some(Claim::Proven);
        }
        if let (Some(token), Some(given)) = (&self.token, password(&head.headers)) {
            return is_same(token.expose_secret().as_bytes(), &given).then_some(Claim::Proven);
        }
        if let (Some(_), Some(text)) = (&self.hubspot, text_of(&head.headers, HUBSPOT_SIGNATURE)) {
            let made: i64 = text_of(&head.headers, HUBSPOT_TIME)?.parse().ok()?;
            let is_fresh = now_ms.abs_diff(made) <= HUBSPOT_MILLISECONDS.unsigned_abs();
            let signature = STANDARD.decode(text).ok().filter(|_| is_fresh)?;
            return Some(Claim::Signed(Signature::HubSpot(signature)));
        }
        self.secret.as_ref()?;
        Some(Claim::Signed(Signature::Body(hub_signature(
            &head.headers,
        )?)))
    }

    /// Whether a claim holds for the body.
    pub(super) fn verify(&self, claim: &Claim, head: &Parts, body: &[u8]) -> bool {
        match claim {
            Claim::Proven => true,
            Claim::Signed(Signature::Body(signature)) => {
                is_signed(self.secret.as_ref(), [body], signature)
            }
            Claim::Signed(Signature::HubSpot(signature)) => {
                let address = address(head);
                let time = text_of(&head.headers, HUBSPOT_TIME).unwrap_or_default();
                let parts = [
                    head.method.as_str().as_bytes(),
                    address.as_bytes(),
                    body,
                    time.as_bytes(),
                ];
                is_signed(self.hubspot.as_ref(), parts, signature)
            }
        }
    }
}

/// The signature of the body, as Meta gives it.
pub(super) fn hub_signature(headers: &HeaderMap) -> Option<Vec<u8>> {
    let text = text_of(headers, SIGNATURE)?.strip_prefix("sha256=")?;
    hex::decode(text).ok()
}

/// The address as HubSpot called it: it calls no other than https, which ends at the proxy, and a proxy hands on the host.
fn address(head: &Parts) -> String {
    let host = text_of(&head.headers, HOST.as_str()).unwrap_or_default();
    let path = head
        .uri
        .path_and_query()
        .map_or("/", |path_and_query| path_and_query.as_str());
    format!("https://{host}{path}")
}

/// The token of `Bearer`, or the password of `Basic`.
fn password(headers: &HeaderMap) -> Option<Vec<u8>> {
    let (scheme, rest) = text_of(headers, AUTHORIZATION.as_str())?.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.as_bytes().to_vec());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = STANDARD.decode(rest).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some(pair[colon + 1..].to_vec())
}

fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Compared by their hashes, so that not even the length of the secret shows in the time it takes.
pub(super) fn is_same(secret: &[u8], given: &[u8]) -> bool {
    Sha256::digest(secret)
        .as_slice()
        .ct_eq(Sha256::digest(given).as_slice())
        .into()
}

pub(super) fn is_signed<'a>(
    secret: Option<&SecretString>,
    parts: impl IntoIterator<Item = &'a [u8]>,
    signature: &[u8],
) -> bool {
    let key = secret.map(|secret| secret.expose_secret().as_bytes());
    let Some(Ok(mut mac)) = key.map(Hmac::<Sha256>::new_from_slice) else {
        return false;
    };
    parts.into_iter().for_each(|part| mac.update(part));
    mac.verify_slice(signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn keys(token: &str, secret: &str, hubspot: &str) -> Keys {
        let key = |text: &str| (!text.is_empty()).then(|| SecretString::from(text));
        Keys {
            token: key(token),
            secret: key(secret),
            hubspot: key(hubspot),
        }
    }

    /// Whether a request with these headers and this body may pass, at 1700000000000 ms.
    fn passes(keys: &Keys, headers: &[(&str, &str)], body: &str) -> bool {
        let mut request = Request::post("/events?a=b").header("host", "hooks.example.com");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let head = request.body(()).unwrap().into_parts().0;
        let claim = keys.claim(&head, 1_700_000_000_000);
        claim.is_some_and(|claim| keys.verify(&claim, &head, body.as_bytes()))
    }

    #[test]
    fn a_token_stands_behind_bearer_or_as_the_password_of_basic() {
        let keys = keys("s3cret", "", "");
        for good in [
            "Bearer s3cret",
            "bearer  s3cret",
            "Basic OnMzY3JldA==",
            "Basic cGlwZWRyaXZlOnMzY3JldA==",
        ] {
            assert!(passes(&keys, &[("authorization", good)], "{}"), "{good}");
        }
        for bad in [
            "Bearer s3cre",
            "Bearer s3crets",
            "Bearer",
            "Bearer ",
            "s3cret",
            "Token s3cret",
            "Basic czNjcmV0",
            "Basic !",
        ] {
            assert!(!passes(&keys, &[("authorization", bad)], "{}"), "{bad}");
        }
        assert!(!passes(&keys, &[], "{}"));
    }

    // The example of https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    #[test]
    fn a_body_is_signed_as_published_examples_are() {
        let keys = keys("", "It's a Secret to Everybody", "");
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let signed = |signature, body| passes(&keys, &[(SIGNATURE, signature)], body);
        assert!(signed(signature, "Hello, World!"));
        assert!(!signed(signature, "Hello, World?"));
        assert!(!signed(&signature[..signature.len() - 2], "Hello, World!"));
        assert!(!signed("sha256=", "Hello, World!"));
        assert!(!signed("sha1=757107", "Hello, World!"));
    }

    #[test]
    fn a_signature_of_hubspots_holds_for_its_address_its_body_and_a_while() {
        let keys = keys("", "", "app secret");
        let sign = |time: &str, body: &str| {
            let mut mac = Hmac::<Sha256>::new_from_slice(b"app secret").unwrap();
            mac.update(format!("POSThttps://hooks.example.com/events?a=b{body}{time}").as_bytes());
            STANDARD.encode(mac.finalize().into_bytes())
        };
        let passes = |signed_time: &str, time: &str, body: &str| {
            let signature = sign(signed_time, "{}");
            let headers = [(HUBSPOT_SIGNATURE, &signature[..]), (HUBSPOT_TIME, time)];
            passes(&keys, &headers, body)
        };
        assert!(passes("1700000000000", "1700000000000", "{}"));
        assert!(passes("1699999700000", "1699999700000", "{}"));
        assert!(!passes("1699999699999", "1699999699999", "{}"));
        assert!(!passes("1699999700000", "1700000000000", "{}"));
        assert!(!passes("1700000000000", "1700000000000", "[]"));
        assert!(!passes("1700000000000", "", "{}"));
    }

    #[test]
    fn a_wrong_token_is_not_made_good_by_a_signature_that_is_not_asked_for() {
        let token_only = keys("s3cret", "", "");
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(!passes(
            &token_only,
            &[(SIGNATURE, signature)],
            "Hello, World!"
        ));
        let both = keys("s3cret", "It's a Secret to Everybody", "");
        let with_wrong = [(SIGNATURE, signature), ("authorization", "Bearer x")];
        assert!(passes(&both, &[(SIGNATURE, signature)], "Hello, World!"));
        assert!(!passes(&both, &with_wrong, "Hello, World!"));
        assert!(passes(&Keys::default(), &[], "{}"));
    }
}
