//! A receiver of notifications that takes only what Slack, Teams or healthchecks document, and keeps it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;

/// Serves until the test process ends. Each receiver has its path: `/slack`, `/teams`, `/json`, `/ping`, `/broken`.
pub struct Receiver {
    pub url: String,
    taken: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Receiver {
    pub fn start() -> Self {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let kept = taken.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(serve(listener, kept));
        });
        Self { url, taken }
    }

    /// What was taken since the last time: the path and the body.
    pub fn take(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.taken.lock().unwrap())
    }
}

async fn serve(listener: std::net::TcpListener, taken: Arc<Mutex<Vec<(String, Value)>>>) {
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let taken = taken.clone();
        let service = service_fn(move |request| {
            let taken = taken.clone();
            async move { Ok::<_, Infallible>(answer(request, &taken).await) }
        });
        tokio::spawn(async move {
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    taken: &Mutex<Vec<(String, Value)>>,
) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let body = body.collect().await.unwrap().to_bytes();
    let is_json = head
        .headers
        .get("content-type")
        .is_some_and(|kind| kind == "application/json");
    let parsed: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let (status, says) = match (head.method, path.as_str()) {
        (Method::GET, "/ping") => (200, "OK"),
        (Method::POST, _) if !is_json || !parsed.is_object() => (400, "invalid_payload"),
        (Method::POST, "/slack") => slack(&parsed),
        (Method::POST, "/teams") if body.len() > 28 << 10 => (413, "too large"),
        (Method::POST, "/teams") => teams(&parsed),
        (Method::POST, "/json") => (200, ""),
        _ => (404, "no_service"),
    };
    if status < 300 {
        taken.lock().unwrap().push((path, parsed));
    }
    let answer = Response::builder().status(status);
    answer.body(Full::from(says)).unwrap()
}

/// <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>,
/// <https://docs.slack.dev/reference/block-kit/blocks/section-block>
fn slack(body: &Value) -> (u16, &'static str) {
    let is_text = |value: &Value, max: usize| {
        value
            .as_str()
            .is_some_and(|text| (1..=max).contains(&text.chars().count()))
    };
    if !is_text(&body["text"], 40_000) {
        return (400, "no_text");
    }
    let is_block = |block: &Value| {
        block["type"] == "section"
            && block["text"]["type"] == "mrkdwn"
            && is_text(&block["text"]["text"], 3_000)
    };
    let known = ["text", "blocks"];
    let keys = body.as_object().unwrap();
    match body["blocks"].as_array() {
        Some(blocks) if blocks.len() <= 50 && blocks.iter().all(is_block) => {}
        _ => return (400, "invalid_blocks"),
    }
    match keys.keys().all(|key| known.contains(&key.as_str())) {
        true => (200, "ok"),
        false => (400, "invalid_payload"),
    }
}

/// <https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using>,
/// <https://adaptivecards.io/explorer/TextBlock.html>
fn teams(body: &Value) -> (u16, &'static str) {
    let is_block = |block: &Value| {
        block["type"] == "TextBlock"
            && block["text"].as_str().is_some_and(|text| !text.is_empty())
            && block["wrap"].is_boolean()
            && ["default", "lighter", "bolder"].contains(&block["weight"].as_str().unwrap())
            && ["default", "small", "medium", "large", "extraLarge"]
                .contains(&block["size"].as_str().unwrap())
    };
    let is_card = |attachment: &Value| {
        let card = &attachment["content"];
        attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
            && card["type"] == "AdaptiveCard"
            && card["$schema"] == "http://adaptivecards.io/schemas/adaptive-card.json"
            && card["version"]
                .as_str()
                .is_some_and(|version| version.starts_with("1."))
            && card["body"]
                .as_array()
                .is_some_and(|blocks| !blocks.is_empty() && blocks.iter().all(is_block))
    };
    let attachments = body["attachments"].as_array();
    match attachments.is_some_and(|all| all.len() == 1 && all.iter().all(is_card)) {
        true if body["type"] == "message" => (202, ""),
        _ => (400, "Bad payload received by generic incoming webhook."),
    }
}
