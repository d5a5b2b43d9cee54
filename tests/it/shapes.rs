//! The shapes in which APIs and forms give records as JSON: what `init` finds in each, and what is sent.

use serde_json::Value;

use crate::support::{Desk, NOW};

/// The settings that `init` draws up for an export, and the events that come of it with them.
fn understood(name: &str, export: &str, flags: &[&str]) -> (toml::Table, Vec<Value>) {
    let desk = Desk::new();
    desk.file(name, export);
    let mut init = vec!["init", name, "--yes", "--timezone", "UTC"];
    init.extend(flags);
    desk.run(&init).ended(0);
    let text = std::fs::read_to_string(desk.path().join("crm2capi.toml")).unwrap();
    let events = desk.run(&["build", name, "--now", NOW, "--quiet"]).ended(0);
    (text.parse().unwrap(), events.ndjson())
}

fn column<'a>(settings: &'a toml::Table, field: &str) -> &'a toml::Value {
    &settings["columns"][field]
}

/// How many values of a key an event carries.
fn values(event: &Value, key: &str) -> usize {
    event["user_data"][key].as_array().map_or(0, Vec::len)
}

#[test]
fn a_page_with_one_record_is_that_record() {
    let page = r#"{"result":{"ID":"7","EMAIL":"a@example.com","STATUS":"New","STATUS_CHANGED":"2026-11-19T10:00:00Z"},"time":{"start":1.5}}"#;
    let (settings, events) = understood("lead.json", page, &[]);
    assert_eq!(column(&settings, "email").as_str(), Some("EMAIL"));
    assert_eq!(events.len(), 1);
}

#[test]
fn records_in_an_object_of_records_are_rows() {
    let page = r#"{"contacts":{
        "17":{"email":"a@example.com","stage":"New","stage_date":"2026-11-19T10:00:00Z"},
        "18":{"email":"b@example.com","stage":"Won","stage_date":"2026-11-20T10:00:00Z"}}}"#;
    let (settings, events) = understood("keyed.json", page, &[]);
    assert_eq!(column(&settings, "event_name").as_str(), Some("stage"));
    assert_eq!(events.len(), 2);
}

#[test]
fn leads_nested_under_their_forms_are_rows_with_what_the_form_says() {
    let page = r#"{"data":[
        {"id":"900000000000001","name":"Spring","leads":{"data":[
            {"id":"1234567890123456","created_time":"2026-11-19T10:00:00+0000","field_data":[{"name":"email","values":["a@example.com"]}]},
            {"id":"2345678901234567","created_time":"2026-11-20T10:00:00+0000","field_data":[{"name":"email","values":["b@example.com"]}]}]}},
        {"id":"900000000000002","name":"Autumn","leads":{"data":[
            {"id":"3456789012345678","created_time":"2026-11-20T11:00:00+0000","field_data":[{"name":"email","values":["c@example.com"]}]}]}}]}"#;
    let (settings, events) = understood("forms.json", page, &[]);
    assert_eq!(
        column(&settings, "lead_id").as_str(),
        Some("leads.data.id"),
        "{settings:?}"
    );
    let ids: Vec<u64> = events
        .iter()
        .map(|event| event["user_data"]["lead_id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids, [1234567890123456, 2345678901234567, 3456789012345678]);
    let desk = Desk::new();
    desk.file("forms.json", page);
    let args = [
        "build",
        "forms.json",
        "--now",
        NOW,
        "--quiet",
        "--map",
        "custom.form=name",
    ];
    let named: Vec<Value> = desk
        .run(&args)
        .ended(0)
        .ndjson()
        .iter()
        .map(|event| event["custom_data"]["form"].clone())
        .collect();
    assert_eq!(named, ["Spring", "Spring", "Autumn"]);
}

#[test]
fn pairs_of_name_and_values_are_columns_by_their_names_in_any_order() {
    let page = r#"{"data":[
        {"id":"1234567890123456","created_time":"2026-11-19T10:00:00+0000","field_data":[
            {"name":"email","values":["a@example.com"]},{"name":"phone_number","values":["+12125550101"]}]},
        {"id":"2345678901234567","created_time":"2026-11-20T10:00:00+0000","field_data":[
            {"name":"phone_number","values":["+12125550102"]},{"name":"email","values":["b@example.com","c@example.com"]}]}]}"#;
    let (settings, events) = understood("leads.json", page, &[]);
    let email = format!("{:?}", column(&settings, "email"));
    assert!(email.contains("field_data.email"), "{email}");
    let counts: Vec<_> = events
        .iter()
        .map(|event| (values(event, "em"), values(event, "ph")))
        .collect();
    assert_eq!(counts, [(1, 1), (2, 1)]);
}

#[test]
fn numbered_siblings_are_several_values_of_one_field() {
    let page = r#"{"result":[
        {"ID":"7","STATUS_ID":"NEW","MOVED_TIME":"2026-11-19T10:00:00+00:00","PHONE":[
            {"ID":"1","VALUE":"+12125550101","VALUE_TYPE":"WORK"},{"ID":"2","VALUE":"+12125550102","VALUE_TYPE":"MOBILE"}]},
        {"ID":"8","STATUS_ID":"WON","MOVED_TIME":"2026-11-20T10:00:00+00:00","PHONE":[
            {"ID":"3","VALUE":"+12125550103","VALUE_TYPE":"WORK"}]}],"total":2}"#;
    let (settings, events) = understood("list.json", page, &[]);
    let phone = format!("{:?}", column(&settings, "phone"));
    assert!(
        phone.contains("PHONE.") && phone.contains(".VALUE"),
        "{phone}"
    );
    let counts: Vec<_> = events.iter().map(|event| values(event, "ph")).collect();
    assert_eq!(counts, [2, 1]);
}

#[test]
fn records_under_embedded_are_rows() {
    let page = r#"{"_page":1,"_links":{"self":{"href":"https://example.com"}},"_embedded":{"contacts":[
        {"id":1,"email":"a@example.com","stage":"New","stage_changed_at":1795087200},
        {"id":2,"email":"b@example.com","stage":"Won","stage_changed_at":1795173600}]}}"#;
    let (settings, events) = understood("page.json", page, &[]);
    assert_eq!(column(&settings, "email").as_str(), Some("email"));
    let times: Vec<_> = events
        .iter()
        .map(|event| event["event_time"].as_i64())
        .collect();
    assert_eq!(times, [Some(1795087200), Some(1795173600)]);
}

#[test]
fn records_under_any_name_are_rows() {
    let row = |lead: u32| {
        format!(
            r#"{{"UNIQUE_ID":"{lead}","SENDER_EMAIL":"p{lead}@example.com","SENDER_CITY":"Pune","STAGE":"New","STAGE_TIME":"2026-11-19 10:00:00"}}"#
        )
    };
    let page = format!(
        r#"{{"CODE":200,"STATUS":"SUCCESS","BOXEN":[{},{}]}}"#,
        row(1),
        row(2)
    );
    let (settings, events) = understood("page.json", &page, &[]);
    assert_eq!(column(&settings, "email").as_str(), Some("SENDER_EMAIL"));
    assert_eq!(events.len(), 2);
}

#[test]
fn what_a_system_keeps_for_itself_never_goes_before_a_plain_field() {
    let page = r#"{"data":[
        {"id":"1","$state":"save","State":"NY","$status":"ok","Lead_Status":"New","Email":"a@example.com","Modified_Time":"2026-11-19T10:00:00Z"},
        {"id":"2","$state":"save","State":"TX","$status":"ok","Lead_Status":"Won","Email":"b@example.com","Modified_Time":"2026-11-20T10:00:00Z"}]}"#;
    let (settings, _) = understood("page.json", page, &["--preset", "none"]);
    assert_eq!(column(&settings, "state").as_str(), Some("State"));
    assert_eq!(
        column(&settings, "event_name").as_str(),
        Some("Lead_Status")
    );
    assert!(!format!("{:?}", settings["columns"]).contains('$'));
}

#[test]
fn seconds_since_1970_are_times_by_range_and_heading_and_no_phone() {
    let page = r#"{"data":[
        {"id":1,"email":"a@example.com","status":"New","updated_at":1795087200,"phone":"1795087201"},
        {"id":2,"email":"b@example.com","status":"Won","updated_at":1795173600,"phone":"1795173601"}]}"#;
    let (settings, events) = understood("page.json", page, &["--default-country", "US"]);
    assert_eq!(column(&settings, "event_time").as_str(), Some("updated_at"));
    let fields = settings["columns"].as_table().unwrap();
    let of_phone: Vec<&String> = fields
        .iter()
        .filter(|(_, column)| column.as_str() == Some("phone"))
        .map(|(field, _)| field)
        .collect();
    assert!(
        of_phone.iter().all(|field| *field == "phone"),
        "{of_phone:?}"
    );
    assert_eq!(events[0]["event_time"], 1795087200);
}
