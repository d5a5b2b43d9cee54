use super::*;
use serde_json::json;

const NOW: i64 = 1_673_035_700;
const EM: &str = "7b17fb0bd173f625b58636fb796407c22b3d16fc78302d79f0fd30c2fc2fc068";
const BAD_LEAD: u64 = 999_999_999_999_999;

/// The example payload of the CRM integration, as Meta publishes it.
fn published_event() -> Value {
    json!({
        "action_source": "system_generated",
        "custom_data": {"event_source": "crm", "lead_event_source": "Your CRM"},
        "event_name": "Lead",
        "event_time": 1673035686,
        "user_data": {
            "em": [EM],
            "lead_id": 1234567890123456_u64,
            "ph": ["6069d14bf122fdfd931dc7beb58e5dfbba395b1faf05bdcd42d12358d63d8599"],
        },
    })
}

/// The published event with `value` at the JSON pointer `at`; a null removes what is there.
fn with(at: &str, value: Value) -> Value {
    let mut event = published_event();
    let (parent, key) = at.rsplit_once('/').unwrap();
    let parent = event.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        parent.remove(key);
    } else {
        parent.insert(key.to_owned(), value);
    }
    event
}

fn judge(events: &[Value]) -> Result<(), Refusal> {
    Judge {
        now: NOW,
        bad_lead_ids: &HashSet::from([BAD_LEAD]),
    }
    .judge(events)
}

fn subcode(event: Value) -> Option<u32> {
    judge(&[event])
        .err()
        .map(|refusal| refusal.error_subcode.unwrap())
}

/// The text of a schema refusal.
fn fault(events: &[Value]) -> String {
    let refusal = judge(events).unwrap_err();
    assert_eq!((refusal.code, refusal.error_subcode), (100, Some(2804019)));
    refusal.error_user_msg.unwrap().into_owned()
}

#[test]
fn the_published_example_is_accepted() {
    assert_eq!(judge(&[published_event()]), Ok(()));
}

#[test]
fn time_must_lie_in_the_last_seven_days() {
    let week = 7 * 86_400;
    for (time, expected) in [
        (NOW, None),
        (NOW + 1, Some(2804004)),
        (NOW * 1000, Some(2804004)),
        (i64::MAX, Some(2804004)),
        (NOW - week, None),
        (NOW - week - 1, Some(2804003)),
        (0, Some(2804003)),
        (i64::MIN, Some(2804003)),
    ] {
        assert_eq!(
            subcode(with("/event_time", json!(time))),
            expected,
            "{time}"
        );
    }
    let mut sale = with("/event_time", json!(NOW - 62 * 86_400));
    sale["action_source"] = json!("physical_store");
    assert_eq!(subcode(sale.clone()), None);
    sale["event_time"] = json!(NOW - 62 * 86_400 - 1);
    assert_eq!(subcode(sale), Some(2804003));
}

#[test]
fn user_data_must_be_hashed() {
    for (key, value, expected) in [
        ("em", json!(EM), None),
        ("em", json!([EM, EM, null]), None),
        ("em", json!(null), None),
        ("em", json!([]), None),
        ("em", json!(format!("{EM}.AQ")), None),
        ("em", json!(format!("{EM}.AQYBAQMB")), None),
        ("em", json!(format!("{EM}.example")), Some(2804016)),
        ("em", json!(EM.to_uppercase()), Some(2804016)),
        ("em", json!("ada@example.com"), Some(2804016)),
        ("em", json!(""), Some(2804016)),
        ("em", json!([EM, "ada@example.com"]), Some(2804016)),
        ("em", json!(&EM[..32]), Some(2804016)),
        ("em", json!("é".repeat(32)), Some(2804016)),
        ("ph", json!("15555550100"), Some(2804016)),
        ("ph", json!(15555550100_u64), Some(2804019)),
        ("country", json!("us"), Some(2804016)),
        ("ge", json!(["f"]), Some(2804016)),
        ("dobd", json!("01"), Some(2804016)),
        ("zp", json!({"a": EM}), Some(2804019)),
        ("external_id", json!("crm-7"), None),
        ("external_id", json!(["crm-7", 7]), None),
        ("external_id", json!([true]), Some(2804019)),
    ] {
        assert_eq!(
            subcode(with(&format!("/user_data/{key}"), value.clone())),
            expected,
            "{key} {value}"
        );
    }
}

#[test]
fn a_lead_id_is_fifteen_to_seventeen_digits_of_a_lead_that_exists() {
    for (lead_id, expected) in [
        (json!(1234567890123456_u64), None),
        (json!("1234567890123456"), None),
        (json!(123456789012345_u64), None),
        (json!(12345678901234567_u64), None),
        (json!(12345678901234_u64), Some(2804036)),
        (json!(123456789012345678_u64), Some(2804036)),
        (json!("00123456789012"), Some(2804036)),
        (json!("99999999999999999999999"), Some(2804036)),
        (json!("l:1234567890123456"), Some(2804036)),
        (json!(""), Some(2804036)),
        (json!(-1234567890123456_i64), Some(2804036)),
        (json!(u64::MAX), Some(2804036)),
        (json!(BAD_LEAD), Some(2804036)),
        (json!(BAD_LEAD.to_string()), Some(2804036)),
        (json!(1.23457e15), Some(2804019)),
        (json!([1234567890123456_u64]), Some(2804019)),
        (json!(true), Some(2804019)),
    ] {
        assert_eq!(
            subcode(with("/user_data/lead_id", lead_id.clone())),
            expected,
            "{lead_id}"
        );
    }
}

#[test]
fn a_click_id_has_its_four_parts() {
    for (fbc, expected) in [
        (
            "fb.1.1673035686000.IwAR2F4-dbP0l7Mn1IawQQGCINEz7PYXQvwjNwB_qa2ofrHyiLjcbCRxTDMgk",
            None,
        ),
        ("fb.1.1673035686000.AbC.AQYBAQMB", None),
        ("fb.1.1673035686.AbC", Some(2804001)),
        ("fb.1.1673035686000.", Some(2804001)),
        ("fb.1.1673035686000.A b", Some(2804001)),
        ("fb.x.1673035686000.AbC", Some(2804001)),
        ("ig.1.1673035686000.AbC", Some(2804001)),
        ("IwAR2F4", Some(2804001)),
        ("", Some(2804001)),
    ] {
        assert_eq!(
            subcode(with("/user_data/fbc", json!(fbc))),
            expected,
            "{fbc}"
        );
    }
    assert_eq!(subcode(with("/user_data/fbc", json!(7))), Some(2804019));
}

#[test]
fn customer_information_must_not_fit_everybody() {
    for (user_data, expected) in [
        (json!({}), Some(2804050)),
        (json!({"em": []}), Some(2804050)),
        (json!({"em": null, "ph": [null]}), Some(2804050)),
        (json!({"external_id": ""}), Some(2804050)),
        (
            json!({"ct": EM, "country": EM, "st": EM, "zp": EM, "ge": EM, "client_user_agent": "a"}),
            Some(2804050),
        ),
        (json!({"db": EM, "client_user_agent": "a"}), Some(2804050)),
        (json!({"fn": EM, "ge": EM}), Some(2804050)),
        (json!({"ln": EM}), Some(2804050)),
        (json!({"fn": EM, "ln": EM}), None),
        (json!({"db": EM, "ge": EM}), None),
        (json!({"fn": EM, "zp": EM}), None),
        (json!({"external_id": "crm-7"}), None),
        (json!({"client_ip_address": "2001:db8::1"}), None),
        (json!({"client_ip_address": "localhost"}), Some(2804019)),
        (json!({"lead_id": "1234567890123456"}), None),
    ] {
        assert_eq!(
            subcode(with("/user_data", user_data.clone())),
            expected,
            "{user_data}"
        );
    }
    assert_eq!(subcode(with("/user_data", json!(null))), Some(2804050));
}

#[test]
fn money_and_products_must_add_up() {
    let purchase = |custom_data: Value| {
        let mut event = with("/event_name", json!("Purchase"));
        event["custom_data"] = custom_data;
        event
    };
    for (custom_data, expected) in [
        (json!({"value": 12.5, "currency": "USD"}), None),
        (json!({"value": 0, "currency": "eur"}), None),
        (json!({"currency": "USD"}), None),
        (json!({"value": 12.5}), Some(2804023)),
        (json!({"value": 12.5, "currency": "dollars"}), Some(2804023)),
        (json!({"value": 12.5, "currency": "ZZZ"}), Some(2804023)),
        (json!({"value": 12.5, "currency": "€€€"}), Some(2804023)),
        (json!({"value": "12.50", "currency": "USD"}), Some(2804019)),
        (json!({"value": 12.5, "currency": 840}), Some(2804019)),
        (
            json!({"lead_score": "hot", "anything": {"at": ["all"]}}),
            None,
        ),
        (
            json!({"contents": [{"id": "a", "quantity": 1, "item_price": 2.5, "delivery_category": "curbside"}]}),
            None,
        ),
        (json!({"contents": "a"}), Some(2804008)),
        (json!({"contents": ["a"]}), Some(2804008)),
        (
            json!({"contents": [{"delivery_category": "drone"}]}),
            Some(2804019),
        ),
        (json!({"order_id": ["a"]}), Some(2804019)),
        (json!([]), Some(2804019)),
    ] {
        assert_eq!(
            subcode(with("/custom_data", custom_data.clone())),
            expected,
            "{custom_data}"
        );
    }
    assert_eq!(subcode(with("/custom_data", json!(null))), None);
    assert_eq!(
        subcode(purchase(json!({"value": 1, "currency": "USD"}))),
        None
    );
    assert_eq!(subcode(purchase(json!({"value": 1}))), Some(2804023));
    assert_eq!(subcode(purchase(json!({"currency": "USD"}))), Some(2804009));
    assert_eq!(subcode(purchase(json!({}))), Some(2804009));
}

#[test]
fn an_event_needs_its_keys_in_their_types() {
    for (key, bad) in [
        (
            "event_name",
            vec![
                json!(null),
                json!(""),
                json!("  "),
                json!(7),
                json!(["Lead"]),
            ],
        ),
        (
            "event_time",
            vec![
                json!(null),
                json!("1673035686"),
                json!(1673035686.5),
                json!([]),
                json!(u64::MAX),
            ],
        ),
        (
            "action_source",
            vec![
                json!(null),
                json!("crm"),
                json!("SYSTEM_GENERATED"),
                json!(1),
            ],
        ),
        ("user_data", vec![json!([]), json!("em"), json!(1)]),
        ("event_id", vec![json!(true), json!({})]),
        ("opt_out", vec![json!("false"), json!(0)]),
        ("original_event_data", vec![json!("Lead")]),
        (
            "data_processing_options",
            vec![json!("LDU"), json!(["ldu"]), json!([null])],
        ),
        (
            "data_processing_options_country",
            vec![json!(2), json!("1")],
        ),
        ("data_processing_options_state", vec![json!(1), json!(1014)]),
        ("customer_email", vec![json!("ada@example.com")]),
    ] {
        for value in bad {
            assert_eq!(
                subcode(with(&format!("/{key}"), value.clone())),
                Some(2804019),
                "{key} {value}"
            );
        }
    }
    let mut event = published_event();
    event.as_object_mut().unwrap().extend(
        json!({"event_id": "a-1", "opt_out": false, "data_processing_options": ["LDU"],
            "data_processing_options_country": 1, "data_processing_options_state": 1000, "referrer_url": null,
            "customer_segmentation": "new", "original_event_data": {"event_name": "Lead"}})
        .as_object()
        .unwrap()
        .clone(),
    );
    assert_eq!(judge(&[event]), Ok(()));
}

#[test]
fn a_schema_fault_tells_its_place_and_no_value() {
    let mut events = vec![published_event(); 18];
    events[17] = with("/user_data/email", json!("ada@example.com"));
    assert_eq!(
        fault(&events),
        r#"Unexpected key "email" on param "$['data'][17]['user_data']"."#
    );
    events[17] = with("/user_data/page_id", json!(["ada@example.com"]));
    assert_eq!(
        fault(&events),
        r#"Param "$['data'][17]['user_data']['page_id']" must be a string."#
    );
    events[17] = with("/custom_data/contents", json!([{}, {"index": 1}]));
    assert_eq!(
        fault(&events),
        r#"Unexpected key "index" on param "$['data'][17]['custom_data']['contents'][1]"."#
    );
    assert_eq!(
        fault(&[json!({})]),
        r#"Missing required key "event_name" on param "$['data'][0]"."#
    );
    for no_event in [json!(null), json!(7), json!("Lead"), json!([])] {
        assert_eq!(
            fault(&[no_event]),
            r#"Param "$['data'][0]" must be an object."#
        );
    }
}

#[test]
fn the_first_bad_event_gives_the_refusal() {
    let late = with("/event_time", json!(0));
    let unknown = with("/user_data/lead_id", json!(1));
    assert_eq!(
        judge(&[published_event(), late.clone(), unknown.clone()]),
        Err(answer::TOO_OLD)
    );
    assert_eq!(
        judge(&[published_event(), unknown, late]),
        Err(answer::LEAD_ID)
    );
}
