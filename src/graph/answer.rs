//! What came back from a request, or that nothing did.

use std::fmt;

use bytes::Bytes;
use memchr::memmem;
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// Takes secrets out of the body, whatever they look like and wherever they stand: what an answer says may be shown
    /// and kept. A word of fewer letters is no secret, and may be part of the answer's own.
    pub(super) fn hide(&mut self, secrets: &[SecretString]) {
        const SHORTEST: usize = 8;
        for secret in secrets.iter().map(ExposeSecret::expose_secret) {
            let (secret, body) = (secret.as_bytes(), &self.body);
            if secret.len() < SHORTEST || memmem::find(body, secret).is_none() {
                continue;
            }
            let mut shown = Vec::with_capacity(body.len());
            let mut start = 0;
            for at in memmem::find_iter(body, secret) {
                shown.extend_from_slice(&body[start..at]);
                shown.extend_from_slice(b"(hidden)");
                start = at + secret.len();
            }
            shown.extend_from_slice(&body[start..]);
            self.body = shown.into();
        }
    }
}

/// No answer, or not all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// The host's name could not be resolved.
    NameUnknown,
    /// No connection was made.
    NotConnected,
    /// The connection was made, but not a secure one.
    NotSecure(Insecure),
    /// The proxy did not let the request pass.
    Proxy(ProxyFault),
    /// The time for a request ran out.
    TimedOut,
    /// The connection broke before the answer was complete.
    Broken,
}

/// Why a connection was not secure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Insecure {
    /// The host's certificate has expired, or this machine's clock is ahead.
    Expired,
    /// The host's certificate is not valid yet, or this machine's clock is behind.
    NotYetValid,
    /// The certificate is another host's.
    OtherHost,
    /// Nobody this machine trusts has issued the certificate.
    UnknownIssuer,
    /// What answers does not speak TLS.
    NotTls,
    /// Something else.
    Other,
}

/// What a proxy objects to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProxyFault {
    /// It asks for a user and a password.
    LoginRequired,
    /// It refuses to connect to the host.
    Refused,
    /// It is of a kind that is not supported, such as SOCKS.
    Unsupported,
}

impl Silence {
    /// Whether the request may have arrived.
    pub(crate) fn was_sent(self) -> bool {
        matches!(self, Silence::TimedOut | Silence::Broken)
    }

    /// What to do about something that does not pass by waiting.
    pub(crate) fn help(self) -> Option<&'static str> {
        Some(match self {
            Silence::NameUnknown => {
                "check the network's name resolution and the host in --graph-url; if there is a proxy, name it in HTTPS_PROXY"
            }
            Silence::NotSecure(Insecure::Expired | Insecure::NotYetValid) => {
                "set this machine's clock by NTP; if it is right, the host or a proxy in between has a bad certificate"
            }
            Silence::NotSecure(Insecure::OtherHost | Insecure::NotTls) => {
                "check the host in --graph-url, and whether something in between answers in its place"
            }
            Silence::NotSecure(_) => {
                "if a proxy in between opens TLS, name its CA certificate in SSL_CERT_FILE; else update the system's certificates"
            }
            Silence::Proxy(ProxyFault::LoginRequired) => {
                "put user and password into HTTPS_PROXY, as in http://user:password@proxy:8080"
            }
            Silence::Proxy(ProxyFault::Refused) => {
                "allow the host in the proxy, or name another one in HTTPS_PROXY"
            }
            Silence::Proxy(ProxyFault::Unsupported) => {
                "name an http:// or https:// proxy in HTTPS_PROXY (ALL_PROXY is read too), or exempt the host with NO_PROXY"
            }
            Silence::NotConnected | Silence::TimedOut | Silence::Broken => return None,
        })
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Silence::NameUnknown => "the host's name could not be resolved",
            Silence::NotConnected => "the host could not be reached",
            Silence::NotSecure(Insecure::Expired) => "the certificate has expired",
            Silence::NotSecure(Insecure::NotYetValid) => "the certificate is not valid yet",
            Silence::NotSecure(Insecure::OtherHost) => "the certificate is another host's",
            Silence::NotSecure(Insecure::UnknownIssuer) => {
                "the certificate's issuer is not trusted by this machine"
            }
            Silence::NotSecure(Insecure::NotTls) => "what answers there does not speak TLS",
            Silence::NotSecure(Insecure::Other) => "no secure connection could be made",
            Silence::Proxy(ProxyFault::LoginRequired) => {
                "the proxy asks for a user and a password (407)"
            }
            Silence::Proxy(ProxyFault::Refused) => "the proxy refused to connect to the host",
            Silence::Proxy(ProxyFault::Unsupported) => {
                "the proxy is of a kind that is not supported"
            }
            Silence::TimedOut => "no answer in time",
            Silence::Broken => "the connection broke before the answer was complete",
        })
    }
}
