//! Who may ask a server that asks for no password: programs that were pointed at it, and no web page that somebody happens
//! to look at.
//!
//! In: the head of a request and where the server listens. Out: nothing, or why not. A page of another site can
//! reach a server on this machine in two ways. It can make its own name lead here, and then read the answers; the
//! `Host` the browser sends is still that name. And it can post a form here blindly; the browser then says so in
//! `Origin` and `Sec-Fetch-Site`. Programs that are no browsers send neither.
//! <https://fetch.spec.whatwg.org/#origin-header>, <https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header>

use std::net::{IpAddr, SocketAddr};

use hyper::header::{HOST, HeaderValue, ORIGIN};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;
use hyper::{Method, Version};

/// The addresses a server answers to.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    pub listen: SocketAddr,
    /// Names besides `localhost`.
    pub hosts: Vec<String>,
}

/// Why a request is none of a program that was pointed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stranger {
    /// It is for another host.
    OtherHost,
    /// It comes from a page of another site.
    CrossSite,
}

impl Guard {
    /// Lets a request pass or refuses it, before anything of it is acted on.
    pub(crate) fn check(&self, head: &Parts) -> Result<(), Stranger> {
        let host = match host(head) {
            Some(host) => host,
            // Of all clients only browsers have to be kept off, and they never speak HTTP/1.0.
            None if head.version == Version::HTTP_10 => return Ok(()),
            None => return Err(Stranger::OtherHost),
        };
        if !self.is_own(&host) {
            return Err(Stranger::OtherHost);
        }
        let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&head.method);
        if !reads && is_cross_site(head, &host) {
            return Err(Stranger::CrossSite);
        }
        Ok(())
    }

    /// The port does not matter: it may be another one outside a container.
    fn is_own(&self, host: &Authority) -> bool {
        let name = host.host();
        let address = name
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>();
        match (address, self.listen.ip()) {
            // An address cannot be made to lead elsewhere, as a name can.
            (Ok(_), listen) if listen.is_unspecified() => true,
            (Ok(address), listen) if listen.is_loopback() => address.is_loopback(),
            (Ok(address), listen) => address == listen,
            (Err(_), _) => {
                name.eq_ignore_ascii_case("localhost")
                    || self.hosts.iter().any(|own| own.eq_ignore_ascii_case(name))
            }
        }
    }
}

/// The host the client asked for, if it named exactly one.
fn host(head: &Parts) -> Option<Authority> {
    if let Some(authority) = head.uri.authority() {
        return Some(authority.clone());
    }
    let mut hosts = head.headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok()?.parse().ok(),
        _ => None,
    }
}

fn is_cross_site(head: &Parts, host: &Authority) -> bool {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_ascii_lowercase();
    let own = format!("http://{host}").to_ascii_lowercase();
    let foreign_origin = head
        .headers
        .get_all(ORIGIN)
        .iter()
        .any(|origin| text(origin) != own);
    let foreign_fetch = head
        .headers
        .get_all("sec-fetch-site")
        .iter()
        .any(|site| !["same-origin", "none"].contains(&text(site).as_str()));
    foreign_origin || foreign_fetch
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn check(listen: &str, method: Method, headers: &[(&str, &str)]) -> Result<(), Stranger> {
        let mut request = Request::builder().method(method).uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let guard = Guard {
            listen: listen.parse().unwrap(),
            hosts: vec!["sandbox".to_owned()],
        };
        guard.check(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn only_its_own_names_and_addresses_are_answered() {
        let cases = [
            ("127.0.0.1:8023", "127.0.0.1:8023", true),
            ("127.0.0.1:8023", "localhost:8023", true),
            ("127.0.0.1:8023", "LocalHost", true),
            ("127.0.0.1:8023", "[::1]:8023", true),
            ("127.0.0.1:8023", "sandbox:9000", true),
            ("127.0.0.1:8023", "attacker.example", false),
            ("127.0.0.1:8023", "localhost.attacker.example:8023", false),
            ("127.0.0.1:8023", "127.0.0.1.attacker.example", false),
            ("127.0.0.1:8023", "10.0.0.7:8023", false),
            ("127.0.0.1:8023", "", false),
            ("127.0.0.1:8023", "a b", false),
            ("0.0.0.0:8023", "10.0.0.7:8023", true),
            ("0.0.0.0:8023", "attacker.example:8023", false),
            ("10.0.0.7:8023", "10.0.0.7:8023", true),
            ("10.0.0.7:8023", "10.0.0.8:8023", false),
        ];
        for (listen, host, expected) in cases {
            for method in [Method::GET, Method::POST] {
                let checked = check(listen, method, &[("host", host)]);
                assert_eq!(checked.is_ok(), expected, "{host:?} at {listen}");
            }
        }
        let listen = "127.0.0.1:8023";
        assert_eq!(check(listen, Method::GET, &[]), Err(Stranger::OtherHost));
        let two = [("host", "localhost"), ("host", "attacker.example")];
        assert_eq!(check(listen, Method::GET, &two), Err(Stranger::OtherHost));
    }

    #[test]
    fn a_page_of_another_site_posts_nothing() {
        let post = |header: &str, value: &str| {
            let headers = [("host", "localhost:8023"), (header, value)];
            check("127.0.0.1:8023", Method::POST, &headers)
        };
        for (header, value) in [
            ("origin", "https://attacker.example"),
            ("origin", "http://localhost:3000"),
            ("origin", "https://localhost:8023"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert_eq!(post(header, value), Err(Stranger::CrossSite), "{value}");
        }
        for (header, value) in [
            ("origin", "http://localhost:8023"),
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-site", "none"),
        ] {
            assert_eq!(post(header, value), Ok(()), "{value}");
        }
    }
}
