//! What goes over the wire, seen by a server that is not the sandbox.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::listener::{Listener, Request};
use crate::support::{Desk, NOW, Ran, repository};

const TOKEN: &str = "EAABwzLixnjYBAExampleToken0123456789";

fn upload(desk: &Desk, server: &Listener, more: &[&str], variables: &[(&str, &str)]) -> Ran {
    upload_with_report(desk, server, "json", more, variables)
}

fn upload_with_report(
    desk: &Desk,
    server: &Listener,
    format: &str,
    more: &[&str],
    variables: &[(&str, &str)],
) -> Ran {
    let export = repository("examples/salesforce-api.json");
    let mut arguments = vec![
        "upload", &export, "--now", NOW, "--ledger", "none", "--format", format,
    ];
    arguments.extend([
        "--dataset-id",
        "123456789012345",
        "--graph-url",
        &server.url,
    ]);
    arguments.extend(more);
    desk.run_with(&arguments, variables)
}

/// The one request that was made.
fn only(server: &Listener) -> Request {
    let requests = server.requests();
    assert_eq!(requests.len(), 1, "{requests:#?}");
    requests[0].clone()
}

/// Asserts that the token stands in the one header, and nowhere else of a request.
fn assert_token_is_in_its_header_alone(request: &Request) {
    for (name, value) in &request.headers {
        match name.as_str() {
            "authorization" => assert_eq!(value, &format!("Bearer {TOKEN}")),
            _ => assert!(!value.contains(TOKEN), "{name}"),
        }
    }
    assert!(request.header("authorization").is_some());
    assert!(
        !request.line.contains(TOKEN) && !request.line.contains("access_token"),
        "{}",
        request.line
    );
    assert!(!request.body.contains(TOKEN));
}

#[test]
fn a_request_is_what_the_documentation_says_and_nothing_else() {
    let (desk, server) = (Desk::new(), Listener::accepting());
    let ran = upload(&desk, &server, &[], &[("CRM2CAPI_ACCESS_TOKEN", TOKEN)]).ended(0);
    let request = only(&server);
    assert_eq!(
        request.line,
        "POST /v25.0/123456789012345/events?locale=en_US HTTP/1.1"
    );
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_token_is_in_its_header_alone(&request);
    assert!(!ran.stdout.contains(TOKEN) && !ran.stderr.contains(TOKEN));
    let known = [
        "host",
        "content-type",
        "content-length",
        "authorization",
        "user-agent",
        "accept",
        "accept-encoding",
    ];
    for (name, _) in &request.headers {
        assert!(known.contains(&name.as_str()), "{name}");
    }

    let body = request.json();
    assert_eq!(
        body.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["data", "partner_agent"]
    );
    assert_eq!(body["partner_agent"], "crm2capi");
    for event in request.events() {
        let keys: Vec<&String> = event.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            [
                "action_source",
                "custom_data",
                "event_id",
                "event_name",
                "event_time",
                "user_data"
            ]
        );
        assert_eq!(event["action_source"], "system_generated");
        assert_eq!(event["custom_data"]["event_source"], "crm");
        assert_eq!(event["custom_data"]["lead_event_source"], "Salesforce");
        assert!(
            event["event_time"].is_i64() && event["user_data"]["lead_id"].is_u64(),
            "{event:#}"
        );
        assert!(event["event_id"].as_str().unwrap().len() == 32);
        for (key, value) in event["user_data"].as_object().unwrap() {
            assert!(!value.is_null());
            let hashed = value
                .as_array()
                .into_iter()
                .flatten()
                .map(|hash| hash.as_str().unwrap());
            for hash in hashed {
                assert!(
                    hash.len() == 64
                        && hash
                            .bytes()
                            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)),
                    "{key}"
                );
            }
        }
    }
}

#[test]
fn the_body_is_what_build_prints() {
    let (desk, server) = (Desk::new(), Listener::accepting());
    upload(
        &desk,
        &server,
        &["--concurrency", "1"],
        &[("CRM2CAPI_ACCESS_TOKEN", TOKEN)],
    )
    .ended(0);
    let export = repository("examples/salesforce-api.json");
    let built = desk
        .run(&[
            "build", &export, "--now", NOW, "--quiet", "--format", "json",
        ])
        .ended(0);
    // build prints what Meta's payload helper takes: the events alone.
    let printed = built.stdout.trim_end().strip_suffix('}').unwrap();
    let body = format!("{printed},\"partner_agent\":\"crm2capi\"}}");
    assert_eq!(only(&server).body, body);
}

#[test]
fn test_event_code_and_partner_agent_stand_beside_the_data() {
    let (desk, server) = (Desk::new(), Listener::accepting());
    desk.file("crm2capi.toml", "[event]\npartner_agent = \"acme\"\n");
    let ran = upload(
        &desk,
        &server,
        &["--test-event-code", "TEST4711"],
        &[("CRM2CAPI_ACCESS_TOKEN", TOKEN)],
    )
    .ended(0);
    let mut body = only(&server).json();
    assert!(body["data"].take().is_array());
    assert_eq!(
        body,
        json!({ "data": null, "partner_agent": "acme", "test_event_code": "TEST4711" })
    );
    assert_eq!(ran.json()["destination"]["test_event_code"], "TEST4711");
}

#[test]
fn constants_of_the_settings_stand_in_every_event() {
    let (desk, server) = (Desk::new(), Listener::accepting());
    let constants = "data_processing_options = [\"LDU\"]\ndata_processing_options_country = 1\n\
                     data_processing_options_state = 1000\n";
    desk.file("crm2capi.toml", format!("[event]\n{constants}"));
    upload(&desk, &server, &[], &[("CRM2CAPI_ACCESS_TOKEN", TOKEN)]).ended(0);
    for event in only(&server).events() {
        assert_eq!(event["data_processing_options"], json!(["LDU"]));
        assert_eq!(event["data_processing_options_country"], 1);
        assert_eq!(event["data_processing_options_state"], 1000);
    }
}

#[test]
fn version_and_path_of_the_graph_url_are_kept() {
    let (desk, server) = (Desk::new(), Listener::accepting());
    let url = format!("{}/proxy/", server.url);
    let more = ["--api-version", "v25.0"];
    let export = repository("examples/salesforce-api.json");
    let mut arguments = vec![
        "upload", &export, "--now", NOW, "--ledger", "none", "--format", "json",
    ];
    arguments.extend(["--dataset-id", "123456789012345", "--graph-url", &url]);
    arguments.extend(more);
    desk.run_with(&arguments, &[("CRM2CAPI_ACCESS_TOKEN", TOKEN)])
        .ended(0);
    assert_eq!(
        only(&server).line,
        "POST /proxy/v25.0/123456789012345/events?locale=en_US HTTP/1.1"
    );
}

#[test]
fn a_token_file_may_end_in_a_newline_and_beats_the_environment() {
    let (desk, server) = (Desk::new(), Listener::accepting());
    desk.file("token", format!("{TOKEN}\r\n"));
    upload(
        &desk,
        &server,
        &["--access-token-file", "token"],
        &[("CRM2CAPI_ACCESS_TOKEN", "another")],
    )
    .ended(0);
    assert_token_is_in_its_header_alone(&only(&server));
}

#[test]
fn the_environment_beats_the_token_file_of_the_settings_which_lies_beside_them() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path().join("etc")).unwrap();
    desk.file("etc/token", format!("{TOKEN}\n"));
    desk.file(
        "etc/settings.toml",
        "[meta]\naccess_token_file = \"token\"\n",
    );

    let server = Listener::accepting();
    upload(&desk, &server, &["--config", "etc/settings.toml"], &[]).ended(0);
    assert_token_is_in_its_header_alone(&only(&server));

    let server = Listener::accepting();
    upload(
        &desk,
        &server,
        &["--config", "etc/settings.toml"],
        &[("CRM2CAPI_ACCESS_TOKEN", "another")],
    )
    .ended(0);
    assert_eq!(
        only(&server).header("authorization"),
        Some("Bearer another")
    );
}

#[test]
fn the_proof_of_the_app_secret_is_an_hmac_and_the_secret_stays_here() {
    // RFC 4231, test case 2.
    assert_eq!(
        hmac_sha256(b"Jefe", b"what do ya want for nothing?"),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
    let (desk, server) = (Desk::new(), Listener::accepting());
    let secret = "0123456789abcdef0123456789abcdef";
    let variables = [
        ("CRM2CAPI_ACCESS_TOKEN", TOKEN),
        ("CRM2CAPI_APP_SECRET", secret),
    ];
    let ran = upload(&desk, &server, &[], &variables).ended(0);
    let request = only(&server);
    let proof = hmac_sha256(secret.as_bytes(), TOKEN.as_bytes());
    let target =
        format!("POST /v25.0/123456789012345/events?locale=en_US&appsecret_proof={proof} HTTP/1.1");
    assert_eq!(request.line, target);
    assert_token_is_in_its_header_alone(&request);
    let everything = format!("{request:?}{}{}", ran.stdout, ran.stderr);
    assert!(!everything.contains(secret));
    assert!(!ran.stdout.contains(&proof) && !ran.stderr.contains(&proof));
}

#[test]
fn an_answer_that_repeats_the_token_does_not_bring_it_into_the_report() {
    let server = Listener::answering(|_| {
        let message = format!("Invalid OAuth access token {TOKEN}");
        let error = json!({ "message": message, "type": "OAuthException", "code": 190, "fbtrace_id": "ATrace" });
        (400, json!({ "error": error }).to_string())
    });
    for format in ["json", "human"] {
        let variables = [("CRM2CAPI_ACCESS_TOKEN", TOKEN)];
        let ran = upload_with_report(&Desk::new(), &server, format, &[], &variables).ended(3);
        assert!(
            !ran.stdout.contains(TOKEN) && !ran.stderr.contains(TOKEN),
            "{}{}",
            ran.stdout,
            ran.stderr
        );
    }
}

#[test]
fn the_stages_of_a_lead_arrive_in_the_order_of_their_times_whatever_the_concurrency() {
    let server = Listener::accepting();
    let desk = Desk::new();
    let export = repository("examples/hubspot-history.csv");
    let mut arguments = vec![
        "upload", &export, "--now", NOW, "--ledger", "none", "--format", "json",
    ];
    arguments.extend([
        "--dataset-id",
        "1",
        "--graph-url",
        &server.url,
        "--batch-size",
        "1",
        "--concurrency",
        "8",
    ]);
    let report = desk
        .run_with(&arguments, &[("CRM2CAPI_ACCESS_TOKEN", TOKEN)])
        .ended(0)
        .json();
    let arrived: Vec<Value> = server.requests().iter().flat_map(Request::events).collect();
    assert_eq!(report["accepted"], arrived.len());
    assert!(arrived.len() > 10);
    let mut latest = std::collections::HashMap::new();
    for event in &arrived {
        let time = event["event_time"].as_i64().unwrap();
        let before = latest
            .insert(event["user_data"]["em"].to_string(), time)
            .unwrap_or(0);
        assert!(before <= time, "{event:#}");
    }
}

#[test]
fn a_batch_holds_no_more_events_than_it_may() {
    let server = Listener::accepting();
    let more = ["--batch-size", "3", "--concurrency", "1"];
    let report = upload(
        &Desk::new(),
        &server,
        &more,
        &[("CRM2CAPI_ACCESS_TOKEN", TOKEN)],
    )
    .ended(0)
    .json();
    let sizes: Vec<usize> = server
        .requests()
        .iter()
        .map(|request| request.events().len())
        .collect();
    assert_eq!(sizes, [3, 3]);
    assert_eq!(
        (&report["batches"], &report["requests"], &report["retries"]),
        (&json!(2), &json!(2), &json!(0))
    );
    // The listener answers with one trace id, which is named once.
    assert_eq!(report["fbtrace_ids"], json!(["ATraceOfTheListener"]));
}

/// HMAC-SHA256 by its definition (RFC 2104), for keys of up to one block.
fn hmac_sha256(key: &[u8], message: &[u8]) -> String {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let hash = |pad: u8, text: &[u8]| {
        Sha256::new()
            .chain_update(block.map(|byte| byte ^ pad))
            .chain_update(text)
            .finalize()
    };
    hex::encode(hash(0x5c, &hash(0x36, message)))
}
