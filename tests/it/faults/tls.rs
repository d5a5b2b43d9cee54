//! Handshakes with a server whose certificate is sound, or not: what is sent, how often it is tried, and what is said.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;
use crate::support::postgres::{Database, PASSWORD, Server as Postgres};

/// Who issues certificates.
struct Issuer(CertifiedIssuer<'static, KeyPair>);

impl Issuer {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// A certificate for this host, valid in these years.
    fn issue(&self, host: &str, (from, to): (i32, i32)) -> (Certificate, KeyPair) {
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    /// A file that names this issuer as one to trust.
    fn trusted(&self, desk: &Desk) -> PathBuf {
        desk.file("trusted.pem", self.0.pem());
        desk.path().join("trusted.pem")
    }
}

/// Takes events behind TLS.
struct TlsServer {
    url: String,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl TlsServer {
    fn start((certificate, key): (Certificate, KeyPair)) -> Self {
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            url: format!(
                "https://localhost:{}",
                listener.local_addr().unwrap().port()
            ),
            connections: Arc::default(),
            requests: Arc::default(),
        };
        let (connections, requests) = (server.connections.clone(), server.requests.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                connections.fetch_add(1, Ordering::SeqCst);
                let connection = ServerConnection::new(config.clone()).unwrap();
                let requests = requests.clone();
                std::thread::spawn(move || serve(StreamOwned::new(connection, stream), &requests));
            }
        });
        server
    }

    /// How many connections were made, and how many requests came through them.
    fn count(&self) -> (usize, usize) {
        let count = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
        (count(&self.connections), count(&self.requests))
    }
}

/// Answers what comes through one connection, until it ends.
fn serve(stream: StreamOwned<ServerConnection, TcpStream>, requests: &AtomicUsize) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let start = head.len();
            // A client that does not trust the certificate breaks off here.
            let Ok(1..) = stream.read_line(&mut head) else {
                return;
            };
            let line = head[start..].trim_end();
            if let Some(bytes) = line.strip_prefix("content-length: ") {
                length = bytes.parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        requests.fetch_add(1, Ordering::SeqCst);
        let body: Value = serde_json::from_slice(&body).unwrap();
        let count = body["data"].as_array().unwrap().len();
        let body = format!(r#"{{"events_received":{count},"messages":[]}}"#);
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// Uploads to a server that trusts nobody's word.
fn upload_trusting(desk: &Desk, url: &str, trusted: &PathBuf) -> Ran {
    let ledger = ["--ledger", "ledger.sqlite3"];
    let mut command = upload_to(desk, url, &ledger);
    command.env("SSL_CERT_FILE", trusted);
    finished(desk, Ran::of(&["upload"], command.output().unwrap()))
}

const USUAL: (i32, i32) = (2_000, 2_900);

#[test]
fn a_certificate_that_is_trusted_for_the_host_lets_events_pass() {
    let (issuer, desk) = (Issuer::new("Trusted"), desk_with(30));
    let server = TlsServer::start(issuer.issue("localhost", USUAL));
    let trusted = issuer.trusted(&desk);
    let report = upload_trusting(&desk, &server.url, &trusted)
        .ended(0)
        .json();
    assert_adds_up(&report);
    assert_eq!(count(&report, "accepted"), 30);
    assert_eq!(server.count().1, count(&report, "requests"));
    let report = upload_trusting(&desk, &server.url, &trusted)
        .ended(0)
        .json();
    assert_eq!(count(&report, "skipped_delivered"), 30);
}

#[test]
fn a_certificate_that_is_not_trusted_ends_the_run_with_4_and_says_which_host_why_and_what_to_do() {
    let issuer = Issuer::new("Trusted");
    let [other, renewed] = ["Another", "Trusted"].map(Issuer::new);
    let not_trusted = "the certificate's issuer is not trusted by this machine";
    let cases = [
        (
            issuer.issue("localhost", (2_000, 2_001)),
            "the certificate has expired",
            "set this machine's clock by NTP",
        ),
        (
            issuer.issue("localhost", (2_900, 2_901)),
            "the certificate is not valid yet",
            "set this machine's clock by NTP",
        ),
        (
            issuer.issue("graph.facebook.com", USUAL),
            "the certificate is another host's",
            "check the host in --graph-url",
        ),
        (
            other.issue("localhost", USUAL),
            not_trusted,
            "name its CA certificate in SSL_CERT_FILE",
        ),
        (
            renewed.issue("localhost", USUAL),
            not_trusted,
            "name its CA certificate in SSL_CERT_FILE",
        ),
    ];
    // Most of the time they wait.
    std::thread::scope(|scope| {
        for (certificate, cause, help) in cases {
            let issuer = &issuer;
            scope.spawn(move || is_refused(issuer, TlsServer::start(certificate), cause, help));
        }
    });
}

#[track_caller]
fn is_refused(issuer: &Issuer, server: TlsServer, cause: &str, help: &str) {
    let desk = desk_with(30);
    let trusted = issuer.trusted(&desk);
    let ran = upload_trusting(&desk, &server.url, &trusted).ended(4);
    let report = ran.json();
    assert_adds_up(&report);
    // Nothing was sent through it, so nothing is in doubt.
    assert_eq!(
        (count(&report, "undelivered"), count(&report, "uncertain")),
        (30, 0)
    );
    assert_eq!(server.count(), (4, 0), "{cause}");
    let host = server.url.trim_start_matches("https://");
    let ended = &report["ended"];
    assert_eq!(ended["reason"], format!("{host}: {cause}"), "{ended}");
    assert!(ended["help"].as_str().unwrap().contains(help), "{ended}");
    assert!(
        ran.stderr.contains(host) && ran.stderr.contains(cause),
        "{}",
        ran.stderr
    );
    assert!(Books::read(&desk, 30).sending.is_empty());

    // After the cure all of it goes.
    let sound = TlsServer::start(issuer.issue("localhost", USUAL));
    let report = upload_trusting(&desk, &sound.url, &trusted).ended(0).json();
    assert_eq!(count(&report, "accepted"), 30);
}

#[test]
fn a_host_that_does_not_speak_tls_is_told_from_one_that_is_not_trusted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
            let _ = stream.read(&mut [0; 4_096]);
        }
    });
    let desk = desk_with(6);
    let trusted = Issuer::new("Trusted").trusted(&desk);
    let url = format!("https://localhost:{port}");
    let report = upload_trusting(&desk, &url, &trusted).ended(4).json();
    let ended = &report["ended"];
    assert_eq!(
        ended["reason"],
        format!("localhost:{port}: what answers there does not speak TLS")
    );
    assert!(ended["help"].as_str().unwrap().contains("--graph-url"));
    assert_eq!(
        (count(&report, "undelivered"), count(&report, "requests")),
        (6, 4)
    );
}

#[test]
fn certificates_that_cannot_be_read_end_the_command_before_anything_is_sent() {
    let (desk, issuer) = (desk_with(6), Issuer::new("Trusted"));
    let server = TlsServer::start(issuer.issue("localhost", USUAL));
    desk.file("empty.pem", "");
    for name in ["empty.pem", "nowhere.pem"] {
        let ran = upload_trusting(&desk, &server.url, &desk.path().join(name)).ended(2);
        assert!(ran.stderr.contains("SSL_CERT_FILE"), "{}", ran.stderr);
    }
    assert_eq!(server.count(), (0, 0));
}

/// A database behind TLS whose server shows this certificate, and its server.
fn database_with(
    (certificate, key): (Certificate, KeyPair),
) -> Option<(Database, &'static Postgres)> {
    let files = [
        ("server.crt", certificate.pem()),
        ("server.key", key.serialize_pem()),
    ];
    let options = "-c ssl=on -c ssl_cert_file=../server.crt -c ssl_key_file=../server.key -c log_connections=on";
    let server: &Postgres = Box::leak(Box::new(Postgres::start(options, &files)?));
    Some((Database::on(server), server))
}

/// Uploads with a ledger at this address.
fn upload_by(desk: &Desk, meta: &Server, address: &str) -> Ran {
    let mut upload = upload_to(desk, &meta.url, &[]);
    upload.env("CRM2CAPI_LEDGER", address);
    let ran = finished(desk, Ran::of(&["upload"], upload.output().unwrap()));
    assert!(!ran.stderr.contains(PASSWORD), "{}", ran.stderr);
    ran
}

#[test]
fn a_ledger_speaks_only_to_a_server_whose_certificate_is_sound() {
    let issuer = Issuer::new("Ours");
    let Some((database, postgres)) = database_with(issuer.issue("localhost", (2020, 2099))) else {
        return;
    };
    let (desk, meta) = (desk_with(4), Server::start(Reply::receipt));
    let trusted = issuer.trusted(&desk).display().to_string();
    let strangers = Desk::new();
    let stranger = Issuer::new("Theirs")
        .trusted(&strangers)
        .display()
        .to_string();
    let url = database.url().replace("127.0.0.1", "localhost");
    let by_number = database.url();
    for (address, why) in [
        (format!("{url}?sslrootcert={stranger}"), "UnknownIssuer"),
        (
            format!("{url}?sslmode=require&sslrootcert={stranger}"),
            "UnknownIssuer",
        ),
        // The system does not know our issuer.
        (format!("{url}?sslmode=verify-full"), "certificate"),
        // The certificate is for a name, and another was called.
        (format!("{by_number}?sslrootcert={trusted}"), "certificate"),
        (format!("{url}?sslrootcert={trusted}x"), "sslrootcert"),
        (
            format!("{url}?sslmode=prefer&sslrootcert={trusted}"),
            "turn TLS off",
        ),
    ] {
        let ran = upload_by(&desk, &meta, &address).ended(2);
        assert!(ran.stderr.contains(why), "{address}: {}", ran.stderr);
    }
    assert_eq!(meta.requests(), 0);
    let ours = |what: &str| {
        let log = postgres.log();
        let lines = log
            .lines()
            .filter(|line| line.contains("connection authorized"));
        let ours = lines.filter(|line| line.contains("application_name=crm2capi"));
        ours.filter(|line| line.contains(what)).count()
    };
    assert_eq!(ours(""), 0, "{}", postgres.log());
    for mode in ["verify-full", "verify-ca", "require"] {
        let address = format!("{url}?sslmode={mode}&sslrootcert={trusted}");
        let report = upload_by(&desk, &meta, &address).ended(0).json();
        assert_eq!(count(&report, "events"), 4);
    }
    assert_eq!(meta.taken().len(), 4);
    assert!(
        ours("") > 0 && ours("") == ours("SSL enabled"),
        "{}",
        postgres.log()
    );
}

#[test]
fn a_ledger_that_is_to_speak_tls_does_not_fall_back_to_plain() {
    let Some(database) = Database::new() else {
        return;
    };
    let (desk, meta) = (desk_with(4), Server::start(Reply::receipt));
    let trusted = Issuer::new("Ours").trusted(&desk).display().to_string();
    let url = database.url().replace("127.0.0.1", "localhost");
    for query in [
        "sslmode=require".to_owned(),
        format!("sslrootcert={trusted}"),
    ] {
        let ran = upload_by(&desk, &meta, &format!("{url}?{query}"));
        assert!([2, 4].contains(&ran.status), "{ran:?}");
        assert!(ran.stderr.contains("TLS"), "{}", ran.stderr);
    }
    assert_eq!(meta.requests(), 0);
    let made = database.sql("SELECT to_regclass('crm2capi.ledger') IS NULL");
    assert_eq!(made, "t");
}
