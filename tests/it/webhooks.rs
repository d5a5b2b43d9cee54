//! Bodies of webhooks, as products post them, become the events that an export of the same leads would give.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::listener::Listener;
use crate::support::serve::{SECRET, Serve};
use crate::support::{Desk, NOW, repository, sha256};

/// Posts a body to a server with these settings and gives the one event of it that arrives.
#[track_caller]
fn event_of(file: &str, settings: &str) -> Value {
    let (desk, meta) = (Desk::new(), Listener::accepting());
    desk.file("crm2capi.toml", settings);
    let mut args = vec![
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--linger",
        "0",
        "--now",
        NOW,
    ];
    args.extend(["--dataset-id", "123456789012345", "--graph-url", &meta.url]);
    let mut command = desk.command(&args);
    command
        .env("CRM2CAPI_ACCESS_TOKEN", "any")
        .env("CRM2CAPI_SERVE_TOKEN", SECRET);
    let serve = Serve::of(command, &desk);
    let body =
        std::fs::read_to_string(repository(&format!("tests/fixtures/webhooks/{file}"))).unwrap();
    for queued in [1, 0] {
        let answer = serve.post(&body);
        assert_eq!(answer.status, 202, "{file}: {answer:?}");
        let json = answer.json();
        // The same webhook again is the same event.
        assert_eq!(
            (&json["records"], &json["queued"]),
            (&1.into(), &queued.into()),
            "{file}: {json:#}"
        );
    }
    let start = Instant::now();
    let events = || -> Vec<Value> {
        let requests = meta.requests();
        let events = requests.iter().flat_map(|request| request.events());
        // A probe holds an empty event.
        events
            .filter(|event| event["event_name"].is_string())
            .collect()
    };
    while events().is_empty() {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "{file} does not arrive"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(serve.end("-TERM"), 0);
    let events = events();
    assert_eq!(events.len(), 1, "{file}: {events:#?}");
    events[0].clone()
}

#[track_caller]
fn assert_event(event: &Value, name: &str, crm: &str, lead_id: Option<u64>, email: Option<&str>) {
    assert_eq!(event["event_name"], name, "{event:#}");
    // 2026-11-21T10:00:00Z
    assert_eq!(event["event_time"], 1_795_255_200, "{event:#}");
    assert_eq!(event["custom_data"]["lead_event_source"], crm, "{event:#}");
    assert_eq!(event["user_data"]["lead_id"].as_u64(), lead_id, "{event:#}");
    let hashed = email.map_or(Value::Null, |email| vec![sha256(email)].into());
    assert_eq!(event["user_data"]["em"], hashed, "{event:#}");
}

#[test]
fn a_hubspot_workflow_posts_a_contact_with_its_history() {
    let event = event_of("hubspot-workflow-contact.json", "");
    let lead_id = Some(1_234_567_890_123_456);
    assert_event(
        &event,
        "Marketing Qualified Lead",
        "HubSpot",
        lead_id,
        Some("ava.stone@example.com"),
    );
    assert_eq!(event["user_data"]["ph"][0], sha256("16505550101"));
    assert_eq!(event["user_data"]["fn"][0], sha256("ava"));
}

#[test]
fn a_hubspot_workflow_posts_a_body_of_its_own() {
    let settings = "[crm]\nname = \"HubSpot\"\n[columns]\nevent_name = \"lead_status\"\nevent_time = \"status_date\"";
    let event = event_of("hubspot-workflow-custom.json", settings);
    assert_event(
        &event,
        "Qualified",
        "HubSpot",
        None,
        Some("ben.hill@example.com"),
    );
}

#[test]
fn a_salesforce_flow_posts_a_lead_by_its_field_names() {
    let event = event_of("salesforce-flow.json", "");
    let lead_id = Some(1_234_567_890_123_457);
    assert_event(
        &event,
        "Qualified",
        "Salesforce",
        lead_id,
        Some("cleo.marsh@example.com"),
    );
}

#[test]
fn zapier_posts_a_flat_record() {
    let event = event_of("zapier.json", "[crm]\nname = \"My CRM\"");
    assert_event(
        &event,
        "Qualified",
        "My CRM",
        None,
        Some("dora.lane@example.com"),
    );
}

#[test]
fn pipedrive_posts_a_changed_deal_in_either_version() {
    for (file, column, lead_id) in [
        (
            "pipedrive-v1.json",
            "b6ae1a9e8cf1a2d3b6ae1a9e8cf1a2d3b6ae1a9e",
            1_234_567_890_123_458,
        ),
        (
            "pipedrive-v2.json",
            "custom_fields.b6ae1a9e8cf1a2d3b6ae1a9e8cf1a2d3b6ae1a9e.value",
            1_234_567_890_123_459,
        ),
    ] {
        let settings = format!("[columns]\nlead_id = \"{column}\"\n[stages]\n4 = \"Offer made\"");
        let event = event_of(file, &settings);
        assert_event(&event, "Offer made", "Pipedrive", Some(lead_id), None);
        assert_eq!(event["custom_data"]["currency"], "EUR", "{event:#}");
    }
}
