//! Meta's own webhook of leads: what it tells of is read, and becomes the event of a raw lead, whatever happens in between.

use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};

use super::*;
use crate::support::graph::{Graph, USER, lead};
use crate::support::http::{self, Answer};
use crate::support::sandbox::Sandbox;
use crate::support::serve::{SECRET, Serve, log_of};

const APP_SECRET: &str = "0123456789abcdef0123456789abcdef";
const VERIFY: &str = "words-that-only-Meta-knows";

fn serve_command(desk: &Desk, url: &str) -> Command {
    let mut command = desk.command(&[
        "serve",
        "--linger",
        "0",
        "--listen",
        "127.0.0.1:0",
        "--now",
        NOW,
        "--dataset-id",
        DATASET,
        "--graph-url",
        url,
        "--ledger",
        "ledger.sqlite3",
        "--give-up-after",
        "1",
    ]);
    command.env("CRM2CAPI_ACCESS_TOKEN", TOKEN);
    command.env("CRM2CAPI_SERVE_TOKEN", SECRET);
    command.env("CRM2CAPI_LEADS_TOKEN", USER);
    command.env("CRM2CAPI_SERVE_LEADGEN_SECRET", APP_SECRET);
    command.env("CRM2CAPI_SERVE_VERIFY_TOKEN", VERIFY);
    command
}

fn desk() -> Desk {
    let desk = Desk::new();
    desk.file("crm2capi.toml", SETTINGS);
    desk
}

fn signature(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// A body as Meta posts it.
fn told(ids: &[&str]) -> String {
    let changes = ids.iter().map(|id| {
        serde_json::json!({"field": "leadgen", "value": {
            "leadgen_id": id, "page_id": "100", "form_id": "700", "ad_id": "55", "created_time": 1_795_167_000,
        }})
    });
    let changes: Vec<Value> = changes.collect();
    let entry = serde_json::json!({"id": "100", "time": 1_795_167_000, "changes": changes});
    serde_json::json!({"object": "page", "entry": [entry]}).to_string()
}

fn tell(serve: &Serve, body: &str) -> Answer {
    let signed = format!("sha256={}", signature(APP_SECRET, body));
    let headers = [("X-Hub-Signature-256", signed.as_str())];
    http::post(&serve.url, "/leadgen", &headers, body.as_bytes()).unwrap()
}

#[track_caller]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed().as_secs() < 60, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The events that were taken.
fn events(graph: &Graph) -> Vec<Value> {
    let requests = graph.listener.requests().into_iter();
    let posts = requests.filter(|request| request.line.starts_with("POST"));
    let events = posts.flat_map(|request| request.events());
    events
        .filter(|event| event["event_name"].is_string())
        .collect()
}

#[test]
fn a_lead_that_the_webhook_tells_of_is_read_once_and_sent_as_the_raw_lead() {
    let graph = Graph::of_leads(vec![
        lead(
            "1234567890123456",
            "2026-11-20T09:30:12+0000",
            "anna@example.org",
        ),
        serde_json::json!({"id": "1234567890123457", "created_time": "2026-11-20T09:31:12+0000", "form_id": "700",
            "field_data": [{"name": "full_name", "values": ["<test lead: dummy data for full_name>"]}]}),
    ]);
    let desk = desk();
    let serve = Serve::of(serve_command(&desk, &graph.listener.url), &desk);
    let body = told(&["1234567890123456", "1234567890123457", "444444444444"]);
    for _ in 0..2 {
        assert_eq!(tell(&serve, &body).status, 200);
    }
    wait_until("the lead is sent", || !events(&graph).is_empty());
    wait_until("all are read", || {
        serve.metric("crm2capi_serve_leads_waiting") == 0.0
    });
    assert_eq!(tell(&serve, &body).status, 200);
    wait_until("all are read again", || {
        serve.metric("crm2capi_serve_leads_total{result=\"kept\"}") >= 2.0
            && serve.metric("crm2capi_serve_leads_waiting") == 0.0
    });
    assert_eq!(serve.end("-TERM"), 0);
    let events = events(&graph);
    assert_eq!(events.len(), 1, "{events:#?}");
    let event = &events[0];
    assert_eq!(event["event_name"], "Lead");
    assert_eq!(event["event_time"], 1_795_167_012);
    assert_eq!(event["user_data"]["lead_id"], 1_234_567_890_123_456_u64);
    assert_eq!(event["custom_data"]["lead_event_source"], "Tests");
    let email = hex::encode(Sha256::digest("anna@example.org"));
    assert_eq!(event["user_data"]["em"][0], email);
    // The token that reads is of the app that signs.
    let proof = format!("appsecret_proof={}", signature(APP_SECRET, USER));
    let targets = graph.targets();
    let read: Vec<&String> = targets
        .iter()
        .filter(|target| target.starts_with("/1234567890123456?"))
        .collect();
    assert!(!read.is_empty() && read.iter().all(|target| target.contains(&proof)));
    for secret in ["anna@", APP_SECRET, VERIFY, USER] {
        assert!(!log_of(&desk).contains(secret), "{}", log_of(&desk));
    }
    let ledger = std::fs::read(desk.path().join("ledger.sqlite3")).unwrap();
    assert!(!ledger.windows(5).any(|window| window == b"anna@"));
}

#[test]
fn only_meta_is_shaken_hands_with_and_listened_to() {
    let (graph, desk) = (Graph::of_leads(Vec::new()), desk());
    let serve = Serve::of(serve_command(&desk, &graph.listener.url), &desk);
    let shake = |token: &str| {
        serve.get(&format!(
            "/leadgen?hub.mode=subscribe&hub.verify_token={token}&hub.challenge=1158201444"
        ))
    };
    let shaken = shake(VERIFY);
    assert_eq!((shaken.status, shaken.body.trim()), (200, "1158201444"));
    assert_eq!(shake("guessed").status, 403);
    let body = told(&["1234567890123456"]);
    let post = |headers: &[(&str, &str)]| {
        http::post(&serve.url, "/leadgen", headers, body.as_bytes()).unwrap()
    };
    let bearer = format!("Bearer {SECRET}");
    let wrong = format!("sha256={}", signature("another secret of theirs", &body));
    assert_eq!(post(&[]).status, 401);
    assert_eq!(post(&[("Authorization", &bearer)]).status, 401);
    assert_eq!(post(&[("X-Hub-Signature-256", &wrong)]).status, 401);
    assert_eq!(tell(&serve, "[]").status, 400);
    assert_eq!(
        serve.metric("crm2capi_serve_leads_total{result=\"told\"}"),
        0.0
    );
    // Neither does its signature open the other door.
    let signed = format!("sha256={}", signature(APP_SECRET, "{}"));
    let answer = http::post(
        &serve.url,
        "/events",
        &[("X-Hub-Signature-256", &signed)],
        b"{}",
    );
    assert_eq!(answer.unwrap().status, 401);
}

#[test]
fn what_cannot_be_read_now_outlives_a_kill_and_is_read_later() {
    let id = "1234567890123456";
    let graph = Graph::of_leads(vec![lead(
        id,
        "2026-11-20T09:30:12+0000",
        "anna@example.org",
    )]);
    let desk = desk();
    let token = serde_json::json!({"message": "expired", "type": "OAuthException", "code": 190, "error_subcode": 463});
    graph.fail(id, 401, "", token);
    let serve = Serve::of(serve_command(&desk, &graph.listener.url), &desk);
    assert_eq!(tell(&serve, &told(&[id])).status, 200);
    wait_until("somebody was told", || {
        log_of(&desk).contains("Meta's leads cannot be read")
    });
    wait_until("it waits", || {
        serve.metric("crm2capi_serve_leads_waiting") == 1.0
    });
    serve.end("-KILL");
    assert!(events(&graph).is_empty());
    let serve = Serve::of(serve_command(&desk, &graph.listener.url), &desk);
    wait_until("the lead is sent", || !events(&graph).is_empty());
    assert_eq!(serve.end("-TERM"), 0);
    assert_eq!(events(&graph).len(), 1);
}

#[test]
fn a_lead_of_the_sandbox_comes_back_to_it_as_an_event() {
    let desk = desk();
    let leads = crate::support::repository("examples/leads/sandbox.json");
    let sandbox = Sandbox::start(&desk, &["--leads", &leads, "--now", NOW]);
    let serve = Serve::of(serve_command(&desk, &sandbox.url), &desk);
    // One of the day before, and one that is too old to be sent.
    let body = told(&["8901234567890123", "8901234567890001"]);
    assert_eq!(tell(&serve, &body).status, 200);
    wait_until("the lead is sent", || !sandbox.events().is_empty());
    wait_until("the other is dropped", || {
        serve.metric("crm2capi_serve_leads_total{result=\"dropped\"}") == 1.0
    });
    let events = sandbox.events();
    assert_eq!(events.len(), 1, "{events:#?}");
    assert_eq!(events[0]["user_data"]["lead_id"], 8_901_234_567_890_123_u64);
    let user_data = events[0]["user_data"].as_object().unwrap();
    for key in ["em", "ph", "fn", "ln"] {
        assert!(user_data.contains_key(key), "{key} {user_data:?}");
    }
    assert!(
        log_of(&desk).contains("8901234567890001"),
        "{}",
        log_of(&desk)
    );
}

#[test]
fn what_the_webhook_needs_is_asked_for_at_the_start() {
    let (graph, desk) = (Graph::of_leads(Vec::new()), desk());
    for (missing, named) in [
        ("CRM2CAPI_SERVE_VERIFY_TOKEN", "CRM2CAPI_SERVE_VERIFY_TOKEN"),
        (
            "CRM2CAPI_SERVE_LEADGEN_SECRET",
            "CRM2CAPI_SERVE_LEADGEN_SECRET",
        ),
        ("CRM2CAPI_LEADS_TOKEN", "CRM2CAPI_LEADS_TOKEN"),
    ] {
        let mut command = serve_command(&desk, &graph.listener.url);
        command.env_remove(missing);
        let ran = Ran::of(&["serve"], command.output().unwrap()).ended(2);
        assert!(ran.stderr.contains(named), "{missing}: {}", ran.stderr);
        assert!(ran.stdout.is_empty());
    }
}
