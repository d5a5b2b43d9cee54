//! Sends one request to the events endpoint, or reads something of Meta's, and hands back what came.
//!
//! Input: a body, or a path and a query. Output: the answer, or why there is none and whether the request can have arrived. The token goes
//! into one header, is in no URL, error or `Debug`, and follows no redirect. Repeats nothing and judges nothing.
//!
//! Source: <https://developers.facebook.com/docs/marketing-api/conversions-api/using-the-api>.

use std::error::Error as _;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Url, redirect};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::answer::{Answer, Insecure, ProxyFault, Silence};

/// More of an answer than this is not read.
const MAX_ANSWER: usize = 1 << 20;
/// The same of a page of leads, whose answers may be long.
const MAX_READING: usize = 32 << 20;

/// Where to send to, and as whom.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// The base of the API, such as `https://graph.facebook.com`.
    pub graph_url: String,
    /// The version, such as `v25.0`.
    pub api_version: String,
    /// The dataset's id.
    pub dataset_id: String,
    /// The access token.
    pub token: SecretString,
    /// The app's secret, when requests carry a proof of it.
    pub app_secret: Option<SecretString>,
    /// How long one request may take.
    pub timeout: Duration,
}

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// The base is no URL that can be sent to.
    #[error(
        "the graph URL is not an http or https URL without a user name: set --graph-url to one such as https://graph.facebook.com"
    )]
    NotAUrl,
    /// The token would cross a network in the clear.
    #[error(
        "the token must not be sent to {0} without encryption: use https, plain http is for this machine only"
    )]
    PlainHttp(String),
    /// The token has characters no header can hold.
    #[error(
        "the access token holds characters that no token has: copy it again, without line breaks or quotes"
    )]
    Token,
    /// The system has no certificates to trust, or TLS cannot be set up.
    #[error(
        "TLS cannot be set up ({0}): install the system's CA certificates or name them in SSL_CERT_FILE"
    )]
    Tls(String),
}

/// A connection to one dataset's events endpoint. Clones share their connections.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: Url,
    authorization: HeaderValue,
    /// What no answer may bring back.
    secrets: Vec<SecretString>,
    timeout: Duration,
    /// Answers in the network's place.
    #[cfg(test)]
    pub(crate) stand_in: Option<StandIn>,
}

/// Gives an answer, or none, after some time.
#[cfg(test)]
pub(crate) type StandIn =
    std::sync::Arc<dyn Fn(Bytes) -> (Duration, Result<Answer, Silence>) + Send + Sync>;

impl fmt::Debug for Client {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "Client({}{})",
            self.url.origin().ascii_serialization(),
            self.url.path()
        )
    }
}

impl Client {
    /// Prepares a client; nothing is sent yet.
    pub(crate) fn new(endpoint: &Endpoint) -> Result<Client, ClientError> {
        let url = events_url(endpoint)?;
        let authorization = authorization(&endpoint.token)?;
        let http = http_client(&url, endpoint.timeout)?;
        Ok(Client {
            http,
            url,
            authorization,
            secrets: secrets(&endpoint.token, endpoint.app_secret.as_ref()),
            timeout: endpoint.timeout,
            #[cfg(test)]
            stand_in: None,
        })
    }

    /// The host requests go to, with its port where it is not the usual one.
    pub(crate) fn host(&self) -> String {
        host_of(&self.url)
    }

    /// Sends a JSON body once.
    pub(crate) async fn send(&self, body: Bytes) -> Result<Answer, Silence> {
        #[cfg(test)]
        if let Some(stand_in) = &self.stand_in {
            let (after, answer) = stand_in(body);
            tokio::time::sleep(after).await;
            return answer;
        }
        let request = self
            .http
            .post(self.url.clone())
            .header(AUTHORIZATION, self.authorization.clone())
            .header(CONTENT_TYPE, "application/json")
            .timeout(self.timeout)
            .body(body);
        let mut answer = answer_to(request, MAX_ANSWER).await?;
        answer.hide(&self.secrets);
        Ok(answer)
    }
}

/// A connection for reading what is Meta's: Pages, forms, leads.
#[derive(Clone)]
pub(crate) struct Reader {
    http: reqwest::Client,
    /// The base with the version.
    url: Url,
    app_secret: Option<SecretString>,
    timeout: Duration,
}

impl Reader {
    /// Prepares a reader; nothing is sent yet. The endpoint's dataset does not matter.
    pub(crate) fn new(endpoint: &Endpoint) -> Result<Reader, ClientError> {
        authorization(&endpoint.token)?;
        let url = url_below(endpoint, &[])?;
        Ok(Reader {
            http: http_client(&url, endpoint.timeout)?,
            url,
            app_secret: endpoint.app_secret.clone(),
            timeout: endpoint.timeout,
        })
    }

    /// Asks once for what lies under `path`, with a token that need not be the endpoint's: a Page has its own. The token
    /// stands in a header only, and whatever URLs an answer holds are not followed.
    pub(crate) async fn get(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        token: &SecretString,
    ) -> Result<Answer, Silence> {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(path);
        }
        url.query_pairs_mut().extend_pairs(query);
        if let Some(secret) = &self.app_secret {
            url.query_pairs_mut()
                .append_pair("appsecret_proof", &proof(token, secret));
        }
        // A Page's token comes out of an answer; one that fits no header is refused by Meta as none.
        let authorization = authorization(token).unwrap_or(HeaderValue::from_static("Bearer"));
        let request = self
            .http
            .get(url)
            .header(AUTHORIZATION, authorization)
            .timeout(self.timeout);
        let mut answer = answer_to(request, MAX_READING).await?;
        // Where all is well an answer may have a token to go on with.
        if answer.status != 200 {
            answer.hide(&secrets(token, self.app_secret.as_ref()));
        }
        Ok(answer)
    }

    /// The host requests go to, as [`Client::host`] names it.
    pub(crate) fn host(&self) -> String {
        host_of(&self.url)
    }
}

fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn secrets(token: &SecretString, app_secret: Option<&SecretString>) -> Vec<SecretString> {
    std::iter::once(token).chain(app_secret).cloned().collect()
}

fn authorization(token: &SecretString) -> Result<HeaderValue, ClientError> {
    let mut authorization = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
        .map_err(|_| ClientError::Token)?;
    authorization.set_sensitive(true);
    Ok(authorization)
}

fn http_client(url: &Url, timeout: Duration) -> Result<reqwest::Client, ClientError> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("crm2capi/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        // A part of the whole, so that a host that cannot be reached is told apart from a slow one.
        .connect_timeout((timeout / 2).min(Duration::from_secs(10)));
    // Another part of the process may have chosen a provider before; any will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = if url.scheme() == "https" {
        builder.https_only(true).build()
    } else {
        // On this machine no proxy belongs in between, and no certificates are needed.
        builder.no_proxy().tls_certs_only([]).build()
    };
    http.map_err(|error| ClientError::Tls(innermost(&error)))
}

/// Sends a request once, and reads no more of the answer than `max_bytes` and a piece.
async fn answer_to(request: reqwest::RequestBuilder, max_bytes: usize) -> Result<Answer, Silence> {
    let mut response = request.send().await.map_err(|error| silence(&error))?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = Vec::new();
    while body.len() < max_bytes
        && let Some(chunk) = response.chunk().await.map_err(|error| silence(&error))?
    {
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status,
        headers,
        body: body.into(),
    })
}

/// `{graph-url}/{version}/{dataset}/events?locale=en_US`, with the proof when there is an app secret.
fn events_url(endpoint: &Endpoint) -> Result<Url, ClientError> {
    let mut url = url_below(endpoint, &[&endpoint.dataset_id, "events"])?;
    if let Some(secret) = &endpoint.app_secret {
        url.query_pairs_mut()
            .append_pair("appsecret_proof", &proof(&endpoint.token, secret));
    }
    Ok(url)
}

/// `{graph-url}/{version}/{path}?locale=en_US`.
fn url_below(endpoint: &Endpoint, path: &[&str]) -> Result<Url, ClientError> {
    let mut url = Url::parse(&endpoint.graph_url).map_err(|_| ClientError::NotAUrl)?;
    if !matches!(url.scheme(), "http" | "https")
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return Err(ClientError::NotAUrl);
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(ClientError::PlainHttp(
            url.host_str().unwrap_or_default().to_owned(),
        ));
    }
    url.path_segments_mut()
        .map_err(|()| ClientError::NotAUrl)?
        .pop_if_empty()
        .push(&endpoint.api_version)
        .extend(path);
    url.query_pairs_mut().clear().append_pair("locale", "en_US");
    Ok(url)
}

/// Whether a URL stays on this machine, so that a token may go there in the clear.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else {
        return false;
    };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

/// The HMAC-SHA256 of the token keyed by the app secret, in lowercase hex
/// (<https://developers.facebook.com/docs/graph-api/guides/secure-requests>).
fn proof(token: &SecretString, secret: &SecretString) -> String {
    // A key of any length will do for an HMAC, so there is always one.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else {
        return String::new();
    };
    mac.update(token.expose_secret().as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

fn silence(error: &reqwest::Error) -> Silence {
    if !error.is_connect() {
        return if error.is_timeout() {
            Silence::TimedOut
        } else {
            Silence::Broken
        };
    }
    if error.is_dns() {
        return Silence::NameUnknown;
    }
    for cause in causes(error) {
        if let Some(error) = cause.downcast_ref::<rustls::Error>() {
            return Silence::NotSecure(insecure(error));
        }
        // The type of a proxy's refusal is private to the library; its text is not.
        match cause.to_string().as_str() {
            "tunnel error: proxy authorization required" => {
                return Silence::Proxy(ProxyFault::LoginRequired);
            }
            text if text.starts_with("tunnel error: ") && has_socks_proxy() => {
                return Silence::Proxy(ProxyFault::Unsupported);
            }
            "tunnel error: unsuccessful" => return Silence::Proxy(ProxyFault::Refused),
            _ => {}
        }
    }
    Silence::NotConnected
}

/// Whether the environment names a SOCKS proxy, which the library takes for an HTTP proxy.
fn has_socks_proxy() -> bool {
    ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|proxy| !proxy.is_empty())
        .is_some_and(|proxy| proxy.trim_start().to_ascii_lowercase().starts_with("socks"))
}

type Cause = dyn std::error::Error + 'static;

/// The causes of an error, the nearest first.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &Cause> {
    std::iter::successors(error.source(), |error| next_cause(*error))
}

fn next_cause(error: &Cause) -> Option<&Cause> {
    // What an I/O error wraps is not among its sources.
    let wrapped = error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref);
    wrapped
        .map(|wrapped| wrapped as &Cause)
        .or_else(|| error.source())
}

fn insecure(error: &rustls::Error) -> Insecure {
    use rustls::CertificateError as Wrong;
    let wrong = match error {
        rustls::Error::InvalidCertificate(wrong) => wrong,
        rustls::Error::InvalidMessage(_) => return Insecure::NotTls,
        _ => return Insecure::Other,
    };
    match wrong {
        Wrong::Expired | Wrong::ExpiredContext { .. } => Insecure::Expired,
        Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => Insecure::NotYetValid,
        Wrong::NotValidForName | Wrong::NotValidForNameContext { .. } => Insecure::OtherHost,
        // An issuer that made itself a new key under its old name is another one.
        Wrong::UnknownIssuer | Wrong::BadSignature => Insecure::UnknownIssuer,
        _ => Insecure::Other,
    }
}

/// The first cause of an error, which names no URL.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut text = "unknown cause".to_owned();
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(graph_url: &str) -> Endpoint {
        Endpoint {
            graph_url: graph_url.into(),
            api_version: "v23.0".into(),
            dataset_id: "123456789012345".into(),
            token: "EAABtoken".into(),
            app_secret: None,
            timeout: Duration::from_secs(30),
        }
    }

    #[test]
    fn the_url_holds_no_token() {
        let url = events_url(&endpoint("https://graph.facebook.com")).unwrap();
        assert_eq!(
            url.as_str(),
            "https://graph.facebook.com/v23.0/123456789012345/events?locale=en_US"
        );
        let url = events_url(&endpoint("http://127.0.0.1:8023/base/")).unwrap();
        assert_eq!(
            url.as_str(),
            "http://127.0.0.1:8023/base/v23.0/123456789012345/events?locale=en_US"
        );
    }

    #[test]
    fn the_proof_is_the_hmac_of_the_token_under_the_secret() {
        let mut endpoint = endpoint("https://graph.facebook.com");
        endpoint.token = "what do ya want for nothing?".into();
        endpoint.app_secret = Some("Jefe".into());
        // RFC 4231, test case 2.
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert!(
            events_url(&endpoint)
                .unwrap()
                .as_str()
                .ends_with(&format!("?locale=en_US&appsecret_proof={expected}"))
        );
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for url in [
            "http://localhost:1",
            "http://127.0.0.9",
            "http://[::1]:1/x",
            "https://example.com",
        ] {
            assert!(events_url(&endpoint(url)).is_ok(), "{url}");
        }
        for url in [
            "http://example.com",
            "http://10.0.0.1",
            "http://localhost.example.com",
            "http://[::2]",
        ] {
            assert!(
                matches!(events_url(&endpoint(url)), Err(ClientError::PlainHttp(_))),
                "{url}"
            );
        }
        for url in [
            "graph.facebook.com",
            "ftp://example.com",
            "",
            "https://user:pass@example.com",
            "data:x",
        ] {
            assert!(
                matches!(events_url(&endpoint(url)), Err(ClientError::NotAUrl)),
                "{url}"
            );
        }
    }

    #[test]
    fn nothing_of_the_token_shows_in_debug_or_errors() {
        let mut endpoint = endpoint("http://localhost:1");
        endpoint.app_secret = Some("appsecret".into());
        let client = Client::new(&endpoint).unwrap();
        let shown = format!("{client:?} {endpoint:?} {:?}", client.authorization);
        assert!(
            !shown.contains("EAAB") && !shown.contains("appsecret") && !shown.contains("proof"),
            "{shown}"
        );
        endpoint.token = "EAAB\nsecond line".into();
        let error = Client::new(&endpoint).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("EAAB"));
    }

    #[test]
    fn a_certificate_that_is_not_believed_says_what_is_wrong_with_it() {
        use rustls::CertificateError as Wrong;
        let day = |days: u64| {
            rustls::pki_types::UnixTime::since_unix_epoch(Duration::from_secs(days * 86_400))
        };
        let expired = Wrong::ExpiredContext {
            time: day(20_000),
            not_after: day(19_000),
        };
        for (wrong, says, help) in [
            (Wrong::Expired, "expired", "clock"),
            (expired, "expired", "clock"),
            (Wrong::NotValidYet, "not valid yet", "clock"),
            (Wrong::NotValidForName, "another host", "--graph-url"),
            (Wrong::UnknownIssuer, "issuer", "SSL_CERT_FILE"),
        ] {
            let silence = Silence::NotSecure(insecure(&wrong.into()));
            assert!(silence.to_string().contains(says), "{silence}");
            assert!(silence.help().unwrap().contains(help), "{silence}");
            assert!(!silence.was_sent());
        }
    }

    #[tokio::test]
    async fn a_port_nobody_listens_on_was_certainly_not_reached() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let client = Client::new(&endpoint(&format!("http://127.0.0.1:{port}"))).unwrap();
        assert_eq!(
            client.send(Bytes::new()).await.unwrap_err(),
            Silence::NotConnected
        );
    }

    #[tokio::test]
    async fn a_server_without_tls_is_told_apart_from_one_that_is_not_there() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let mut kept_open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::io::AsyncWriteExt::write_all(
                    &mut stream,
                    b"HTTP/1.1 400 Bad Request\r\n\r\n",
                )
                .await
                .unwrap();
                kept_open.push(stream);
            }
        });
        match Client::new(&endpoint(&format!("https://127.0.0.1:{port}"))) {
            Ok(client) => assert_eq!(
                client.send(Bytes::new()).await.unwrap_err(),
                Silence::NotSecure(Insecure::NotTls)
            ),
            // A machine without any certificates.
            Err(error) => assert!(matches!(error, ClientError::Tls(_)), "{error}"),
        }
    }
}
