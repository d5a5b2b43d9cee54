use super::endpoint::{MAX_BODY_BYTES, require_version};
use super::*;
use hyper::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const NOW: i64 = 1_673_035_700;
const EVENTS: &str = "/v23.0/123456789012345/events";

fn settings() -> Settings {
    Settings {
        bad_lead_ids: vec![111_111_111_111_111],
        ..Settings::in_process(Some(NOW), 1 << 20)
    }
}

async fn sandbox() -> Sandbox {
    Sandbox::start(settings()).await.unwrap()
}

/// Sends the bytes as they are; the answer's status, its head and its body.
async fn exchange(sandbox: &Sandbox, request: &[u8]) -> (u16, String, String) {
    let mut stream = TcpStream::connect(sandbox.address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_owned(), body.to_owned())
}

async fn send(
    sandbox: &Sandbox,
    method: &str,
    path: &str,
    headers: &str,
    body: &[u8],
) -> (u16, Value) {
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n"
    );
    let request = [head.as_bytes(), headers.as_bytes(), b"\r\n", body].concat();
    let (status, head, body) = exchange(sandbox, &request).await;
    assert!(
        head.to_lowercase()
            .contains("content-type: application/json"),
        "{head}"
    );
    (status, serde_json::from_str(&body).unwrap())
}

const SIGNED_JSON: &str = "Content-Type: application/json\r\nAuthorization: Bearer T\r\n";

async fn post(sandbox: &Sandbox, body: &Value) -> (u16, Value) {
    send(
        sandbox,
        "POST",
        EVENTS,
        SIGNED_JSON,
        body.to_string().as_bytes(),
    )
    .await
}

fn codes(answer: &Value) -> (u64, Option<u64>) {
    let error = &answer["error"];
    (
        error["code"].as_u64().unwrap(),
        error["error_subcode"].as_u64(),
    )
}

async fn accepted(sandbox: &Sandbox) -> String {
    let request = b"GET /sandbox/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let (status, head, body) = exchange(sandbox, request).await;
    assert_eq!(status, 200);
    assert!(
        head.contains("content-type: application/x-ndjson"),
        "{head}"
    );
    assert!(head.contains("x-sandbox-events-dropped: 0"), "{head}");
    body
}

fn event(lead_id: u64) -> Value {
    json!({"event_name": "Lead", "event_time": NOW, "action_source": "system_generated",
        "user_data": {"lead_id": lead_id}, "custom_data": {"event_source": "crm", "lead_event_source": "HubSpot"}})
}

const LEAD: u64 = 123_456_789_012_345;

#[tokio::test]
async fn accepted_events_can_be_asked_for_as_they_came() {
    let sandbox = sandbox().await;
    assert_eq!(accepted(&sandbox).await, "");
    let (status, answer) = post(&sandbox, &json!({"data": [event(LEAD), event(LEAD + 1)]})).await;
    assert_eq!(status, 200);
    assert_eq!(answer["events_received"], 2);
    assert_eq!(answer["messages"], json!([]));
    assert_eq!(answer["fbtrace_id"].as_str().unwrap().len(), 23);
    assert_eq!(
        accepted(&sandbox).await,
        format!("{}\n{}\n", event(LEAD), event(LEAD + 1))
    );
}

#[tokio::test]
async fn one_bad_event_turns_the_whole_batch_away() {
    let sandbox = sandbox().await;
    let (status, answer) = post(
        &sandbox,
        &json!({"data": [event(LEAD), event(111_111_111_111_111)]}),
    )
    .await;
    assert_eq!((status, codes(&answer)), (400, (100, Some(2804036))));
    assert_eq!(accepted(&sandbox).await, "");
}

#[tokio::test]
async fn the_probe_that_records_nothing_tells_a_live_token_from_none() {
    let sandbox = sandbox().await;
    let probe = json!({"data": [{}]});
    let (_, answer) = post(&sandbox, &probe).await;
    assert_eq!(codes(&answer), (100, Some(2804019)));
    assert!(
        answer["error"]["error_user_msg"]
            .as_str()
            .unwrap()
            .contains("$['data'][0]"),
        "{answer}"
    );

    let unsigned = "Content-Type: application/json\r\n";
    let (status, answer) = send(
        &sandbox,
        "POST",
        EVENTS,
        unsigned,
        probe.to_string().as_bytes(),
    )
    .await;
    assert_eq!((status, codes(&answer)), (400, (104, None)));
}

#[tokio::test]
async fn forms_are_taken_with_the_token_in_the_query() {
    let sandbox = sandbox().await;
    let path = format!("{EVENTS}?access_token=T&locale=en_US");
    let data = json!([event(LEAD).to_string()]).to_string();

    let escaped: String = data.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let body = format!("test_event_code=TEST1&data={escaped}");
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    assert_eq!(
        send(&sandbox, "POST", &path, form, body.as_bytes()).await.0,
        200
    );

    let body =
        format!("--b\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n{data}\r\n--b--\r\n");
    let form = "Content-Type: multipart/form-data; boundary=b\r\n";
    assert_eq!(
        send(&sandbox, "POST", &path, form, body.as_bytes()).await.0,
        200
    );
    assert_eq!(
        accepted(&sandbox).await,
        format!("{}\n", event(LEAD)).repeat(2)
    );
}

#[tokio::test]
async fn a_multipart_form_may_be_as_large_as_any_body() {
    let sandbox = sandbox().await;
    let mut large = event(LEAD);
    large["custom_data"]["note"] = json!("x".repeat(3 << 20));
    let data = json!([large]);
    let body =
        format!("--b\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n{data}\r\n--b--\r\n");
    let form = "Content-Type: multipart/form-data; boundary=b\r\nAuthorization: Bearer T\r\n";
    assert_eq!(
        send(&sandbox, "POST", EVENTS, form, body.as_bytes())
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn paths_are_answered_as_graph_does() {
    let sandbox = sandbox().await;
    let body = json!({"data": [event(LEAD)]}).to_string();
    for (method, path, status, codes_expected) in [
        ("POST", "/123456789012345/events", 200, None),
        ("POST", "/v26.0/123456789012345/events/", 200, None),
        (
            "POST",
            "/v20.0/123456789012345/events",
            400,
            Some((2635, None)),
        ),
        (
            "POST",
            "/v2.12/123456789012345/events",
            400,
            Some((2635, None)),
        ),
        (
            "POST",
            "/v99.0/123456789012345/events",
            400,
            Some((100, Some(33))),
        ),
        (
            "POST",
            "/23.0/123456789012345/events",
            400,
            Some((100, Some(33))),
        ),
        (
            "POST",
            "/v23.0/my-dataset/events",
            400,
            Some((100, Some(33))),
        ),
        ("POST", "/sandbox/events", 400, Some((100, Some(33)))),
        (
            "GET",
            "/v23.0/123456789012345/events",
            400,
            Some((100, Some(33))),
        ),
        (
            "POST",
            "/v23.0/123456789012345/leads",
            400,
            Some((2500, None)),
        ),
        ("POST", "/", 400, Some((2500, None))),
        ("GET", "/v23.0", 400, Some((2500, None))),
    ] {
        let (got, answer) = send(&sandbox, method, path, SIGNED_JSON, body.as_bytes()).await;
        assert_eq!(got, status, "{path}");
        assert_eq!(
            answer.get("error").map(|_| codes(&answer)),
            codes_expected,
            "{path}"
        );
    }
    assert_eq!(accepted(&sandbox).await.lines().count(), 2);
}

#[test]
fn a_version_ends_on_its_day() {
    let end = 1_822_953_600;
    assert_eq!(require_version("v23.0", end - 1, &Method::POST), Ok(()));
    assert_eq!(
        require_version("v23.0", end, &Method::POST),
        Err(answer::EXPIRED_VERSION)
    );
    assert_eq!(
        require_version("v26.0", i64::MAX - 1, &Method::POST),
        Ok(())
    );
}

#[tokio::test]
async fn bodies_that_make_no_sense_get_an_answer() {
    let sandbox = sandbox().await;
    let deep = format!("{{\"data\":{}", "[".repeat(1 << 20));
    let bodies: [&[u8]; 10] = [
        b"",
        b"{",
        b"null",
        b"\xff\xfe",
        b"{\"data\":[{\"event_name\":\"\xe9\"}]}",
        b"{\"data\":[1e999]}",
        b"{\"data\":[{\"event_time\":99999999999999999999999999}]}",
        b"{\"data\":[null,[],\"\",\"[\",{\"user_data\":null}]}",
        b"{\"data\":1,\"data\":[{}]}",
        deep.as_bytes(),
    ];
    for body in bodies {
        let (status, answer) = send(&sandbox, "POST", EVENTS, SIGNED_JSON, body).await;
        assert_eq!((status, codes(&answer).0), (400, 100));
    }
    assert_eq!(accepted(&sandbox).await, "");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_and_the_next_one_taken() {
    let sandbox = sandbox().await;
    let large = vec![b' '; MAX_BODY_BYTES + 1];
    let (status, answer) = send(&sandbox, "POST", EVENTS, SIGNED_JSON, &large).await;
    assert_eq!((status, codes(&answer)), (413, (100, None)));
    assert_eq!(post(&sandbox, &json!({"data": [event(LEAD)]})).await.0, 200);
}

#[tokio::test]
async fn every_answer_says_that_it_is_a_sandboxs() {
    let sandbox = sandbox().await;
    let accepted = json!({"data": [event(LEAD)]}).to_string();
    let requests = [
        ("POST", EVENTS, "", accepted.as_str(), 200),
        ("POST", EVENTS, "", "{", 400),
        (
            "POST",
            EVENTS,
            "Origin: https://attacker.example\r\n",
            "",
            403,
        ),
        ("POST", "/nothing", "", "", 400),
        ("GET", "/", "", "", 200),
        ("GET", "/sandbox/events", "", "", 200),
    ];
    for (method, path, headers, body, expected) in requests {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Length: {length}\r\n{SIGNED_JSON}{headers}\r\n{body}"
        );
        let (status, head, _) = exchange(&sandbox, request.as_bytes()).await;
        assert_eq!(status, expected, "{method} {path}");
        let says = head
            .to_lowercase()
            .lines()
            .any(|line| line == "x-crm2capi-sandbox: 1");
        assert!(says, "{head}");
    }
}

#[tokio::test]
async fn a_web_page_reads_nothing_under_its_own_name_and_posts_nothing() {
    let sandbox = sandbox().await;
    let body = json!({"data": [event(LEAD)]}).to_string();
    let length = body.len();
    for head in [
        "GET /sandbox/events HTTP/1.1\r\nHost: attacker.example\r\n".to_owned(),
        "GET http://attacker.example/sandbox/events HTTP/1.1\r\nHost: localhost\r\n".to_owned(),
        format!(
            "POST {EVENTS}?access_token=T HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n\
             Origin: https://attacker.example\r\nContent-Length: {length}\r\n"
        ),
    ] {
        let request = format!("{head}Connection: close\r\n\r\n{body}");
        let (status, _, body) = exchange(&sandbox, request.as_bytes()).await;
        assert_eq!(status, 403, "{head}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(codes(&answer), (200, None));
    }
    assert_eq!(accepted(&sandbox).await, "");
}

#[tokio::test]
async fn a_request_that_does_not_arrive_ends() {
    let timeouts = Timeouts {
        head: Duration::from_millis(100),
        body: Duration::from_millis(100),
    };
    let sandbox = Sandbox::start_with(settings(), timeouts).await.unwrap();
    let half_body =
        format!("POST {EVENTS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{{");
    for half in ["", "POST / HTTP/1.1\r\nHost: loc", &half_body] {
        let mut stream = TcpStream::connect(sandbox.address).await.unwrap();
        stream.write_all(half.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let ended = stream.read_to_end(&mut answer);
        tokio::time::timeout(Duration::from_secs(20), ended)
            .await
            .expect("the connection is closed")
            .unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let is_told = half != half_body || answer.starts_with("HTTP/1.1 408 ");
        assert!(is_told, "{answer}");
    }
}

#[tokio::test]
async fn the_page_lists_what_was_accepted() {
    let sandbox = sandbox().await;
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let (_, head, body) = exchange(&sandbox, request).await;
    assert!(head.contains("content-type: text/html"), "{head}");
    assert!(head.contains("default-src 'none'"), "{head}");
    assert!(body.contains("No events accepted yet"), "{body}");

    post(&sandbox, &json!({"data": [event(LEAD)]})).await;
    let (_, _, body) = exchange(&sandbox, request).await;
    assert!(body.contains("1 event accepted"), "{body}");
    assert!(
        body.contains("<td>Lead<td>2023-01-06 20:08:20<td>lead_id<td>"),
        "{body}"
    );
}

#[tokio::test]
async fn without_a_set_time_the_clock_decides() {
    let settings = Settings {
        now: None,
        ..settings()
    };
    let sandbox = Sandbox::start(settings).await.unwrap();
    let (_, answer) = post(&sandbox, &json!({"data": [event(LEAD)]})).await;
    assert_eq!(codes(&answer), (100, Some(2804003)));
}

#[tokio::test]
async fn it_serves_until_it_is_told_to_stop_even_with_a_connection_open() {
    let sandbox = sandbox().await;
    let address = sandbox.address;
    assert_eq!(
        sandbox.base_url(),
        format!("http://127.0.0.1:{}", address.port())
    );
    let _idle = TcpStream::connect(address).await.unwrap();
    sandbox.serve_until(async {}).await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn dropping_it_closes_the_port() {
    let sandbox = sandbox().await;
    let address = sandbox.address;
    drop(sandbox);
    tokio::time::timeout(Duration::from_secs(10), async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
}
