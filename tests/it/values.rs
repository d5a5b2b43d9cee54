//! Values that must not be taken for what they are not: lost, rounded, shared, personal, without consent.

use serde_json::Value;

use crate::support::{Desk, NOW, Ran, complaints, problem, rows_of, text};

/// What `validate` reports of an export.
fn validated(export: &str, settings: &str, status: i32) -> Value {
    let desk = Desk::new();
    desk.file("leads.csv", export);
    // The rows show what is refused, so that many are.
    let settings = format!("{settings}[delivery]\nmax_invalid = 100\n");
    desk.file("crm2capi.toml", settings);
    let arguments = [
        "validate",
        "leads.csv",
        "--now",
        NOW,
        "--quiet",
        "--format",
        "json",
    ];
    desk.run(&arguments).ended(status).json()
}

fn built(export: &str, settings: &str) -> Ran {
    let desk = Desk::new();
    desk.file("leads.csv", export);
    desk.file("crm2capi.toml", settings);
    desk.run(&[
        "build",
        "leads.csv",
        "--now",
        NOW,
        "--quiet",
        "--timezone",
        "UTC",
    ])
}

const UTC: &str = "[crm]\ntimezone = \"UTC\"\n";

#[test]
fn an_event_id_that_a_spreadsheet_rounded_refuses_its_row() {
    let report = validated(
        "email,stage,stage_date,event_id\n\
         a@example.com,Lead,2026-11-20T10:00:00Z,1.00235E+15\n\
         b@example.com,Lead,2026-11-20T10:00:00Z,1.00235E+15\n\
         c@example.com,Lead,2026-11-20T10:00:00Z,1002350000000003\n\
         d@example.com,Lead,2026-11-20T10:00:00Z,7e12\n",
        "",
        1,
    );
    let expected = [("event-id-precision-lost".to_owned(), vec![2, 3])];
    assert_eq!(complaints(&report), expected);
    assert_eq!(report["would_send"], 2);
}

#[test]
fn one_event_id_on_different_leads_or_times_is_warned_of() {
    let report = validated(
        "email,stage,stage_date,event_id\n\
         a@example.com,Lead,2026-11-20T10:00:00Z,7\n\
         a@example.com,Lead,2026-11-20T10:00:00Z,7\n\
         b@example.com,Lead,2026-11-20T10:00:00Z,7\n\
         a@example.com,Lead,2026-11-20T11:00:00Z,7\n\
         a@example.com,Customer,2026-11-20T12:00:00Z,7\n",
        "",
        0,
    );
    assert_eq!(
        complaints(&report),
        [("event-id-shared".to_owned(), vec![4, 5])]
    );
    assert_eq!(rows_of(problem(&report, "duplicate-event")), [3]);
    assert_eq!(report["would_send"], 2);
}

#[test]
fn a_value_that_a_narrow_column_hid_is_named_wherever_it_stands() {
    let report = validated(
        "email,phone,first_name,city,stage,stage_date,created,score\n\
         a@example.com,########,########,########,Lead,2026-11-20T10:00:00Z,########,########\n\
         b@example.com,,,,########,2026-11-20T10:00:00Z,,\n\
         c@example.com,,,,Lead,########,,\n\
         ########,+12125550101,,,Lead,2026-11-20T10:00:00Z,,\n",
        "[columns]\ncreated_time = \"created\"\n\"custom.score\" = \"score\"\n",
        1,
    );
    let mut told: Vec<(String, String, Vec<u64>)> = report["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|told| {
            assert_eq!(told["code"], "cell-lost");
            (
                text(&told["column"]),
                text(&told["severity"]),
                rows_of(told),
            )
        })
        .collect();
    told.sort();
    let expected = [
        ("city", "warning", 2),
        ("created", "warning", 2),
        ("email", "warning", 5),
        ("first_name", "warning", 2),
        ("phone", "warning", 2),
        ("score", "warning", 2),
        ("stage", "error", 3),
        ("stage_date", "error", 4),
    ];
    let expected =
        expected.map(|(column, severity, row)| (column.to_owned(), severity.to_owned(), vec![row]));
    assert_eq!(told, expected);
    assert_eq!(report["would_send"], 2);
}

#[test]
fn only_rows_whose_consent_says_yes_are_sent() {
    let export = "email,stage,stage_date,Werbeeinwilligung\n\
         a@example.com,Lead,2026-11-20T10:00:00Z,Ja\n\
         b@example.com,Lead,2026-11-20T10:00:00Z,Nein\n\
         c@example.com,Lead,2026-11-20T10:00:00Z,\n\
         d@example.com,Lead,2026-11-20T10:00:00Z,vielleicht\n";
    let settings = "[columns]\nconsent = \"Werbeeinwilligung\"\n";
    let report = validated(export, settings, 0);
    assert_eq!(
        complaints(&report),
        [("consent-unclear".to_owned(), vec![5])]
    );
    assert_eq!(report["would_send"], 1);
    assert_eq!(built(export, settings).ended(0).ndjson().len(), 1);
}

#[test]
fn a_stage_that_says_who_the_lead_is_never_becomes_an_event_name() {
    let export = "email,phone,first_name,stage,stage_date\n\
         a@example.com,+1 212 555 0101,Ava,a@example.com,2026-11-20T10:00:00Z\n\
         b@example.com,+1 212 555 0102,Ben,2125550102,2026-11-20T10:00:00Z\n\
         c@example.com,+1 212 555 0103,Won,Won,2026-11-20T10:00:00Z\n\
         d@example.com,+1 212 555 0104,Dan,Lead,2026-11-20T10:00:00Z\n\
         e@example.com,+1 212 555 0105,Eve,3,2026-11-20T10:00:00Z\n";
    let report = validated(export, "", 1);
    assert_eq!(
        complaints(&report),
        [("event-name-personal".to_owned(), vec![2, 3, 4])]
    );
    assert_eq!(report["would_send"], 2);
    let listed = "[crm]\nunlisted_stages = \"send\"\n[stages]\n\"Won\" = \"Won\"\n";
    let built = built(export, listed).ended(1);
    let names: Vec<String> = built
        .ndjson()
        .iter()
        .map(|event| text(&event["event_name"]))
        .collect();
    assert_eq!(names, ["Won", "Lead", "3"]);
    assert!(!built.stdout.contains("example.com"));
}

#[test]
fn addresses_and_numbers_in_custom_data_are_left_out_unless_allowed() {
    let export = "email,phone,stage,stage_date,Note,Order\n\
         a@example.com,+1 212 555 0101,Lead,2026-11-20T10:00:00Z,call ava@example.com,2125550101\n\
         b@example.com,+1 212 555 0102,Lead,2026-11-20T10:00:00Z,+44 7911 123456,A-7\n\
         c@example.com,+1 212 555 0103,Lead,2026-11-20T10:00:00Z,tall,1234567890\n";
    let columns = "[columns]\n\"custom.note\" = \"Note\"\norder_id = \"Order\"\n";
    let report = validated(export, columns, 0);
    let told = [
        ("custom-personal".to_owned(), vec![2, 3]),
        ("custom-personal".to_owned(), vec![2]),
    ];
    let mut found = complaints(&report);
    found.sort();
    let mut expected = told.to_vec();
    expected.sort();
    assert_eq!(found, expected);
    let custom = |settings: &str| -> Vec<(Value, Value)> {
        let events = built(export, settings).ended(0).ndjson();
        let of = |event: &Value, key: &str| event["custom_data"][key].clone();
        events
            .iter()
            .map(|event| (of(event, "note"), of(event, "order_id")))
            .collect()
    };
    assert_eq!(
        custom(columns),
        [
            (Value::Null, Value::Null),
            (Value::Null, "A-7".into()),
            ("tall".into(), "1234567890".into())
        ]
    );
    let allowed = format!("{columns}[event]\nallow_personal = [\"custom.note\"]\n");
    assert_eq!(
        custom(&allowed)[0],
        ("call ava@example.com".into(), Value::Null)
    );
    assert_eq!(complaints(&validated(export, &allowed, 0)).len(), 1);
}

#[test]
fn an_event_a_moment_ahead_waits_for_the_next_run() {
    let export = "email,stage,stage_date\na@example.com,Lead,2026-11-21T16:00:40Z\n";
    let report = validated(export, UTC, 0);
    assert_eq!(rows_of(problem(&report, "event-ahead")), [2]);
    assert_eq!(
        [
            &report["rows_invalid"],
            &report["events"],
            &report["would_send"]
        ],
        [0, 0, 0]
    );
}

#[test]
fn what_metas_parameter_builder_hashed_is_not_hashed_again() {
    let hash = "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f";
    let export = format!("email,stage,stage_date\n{hash}.AQYCAQAA,Lead,2026-11-20T10:00:00Z\n");
    let events = built(&export, "").ended(0).ndjson();
    assert_eq!(events[0]["user_data"]["em"][0], hash);
}

#[test]
fn in_a_column_of_h_and_m_an_m_is_a_woman() {
    use crate::support::sha256;
    let row = |name: &str, gender: &str| {
        format!("{name}@example.com,Lead,2026-11-20T10:00:00Z,{gender}\n")
    };
    let genders = |letters: &[&str]| -> Vec<Value> {
        let rows: String = letters.iter().map(|letter| row("a", letter)).collect();
        // Ids differ, so that no event is there twice.
        let rows: String = rows
            .lines()
            .enumerate()
            .map(|(number, row)| format!("{number}{row}\n"))
            .collect();
        let export = format!("email,stage,stage_date,gender\n{rows}");
        let events = built(&export, "").ended(0).ndjson();
        events
            .iter()
            .map(|event| event["user_data"]["ge"][0].clone())
            .collect()
    };
    let (man, woman) = (Value::from(sha256("m")), Value::from(sha256("f")));
    assert_eq!(
        genders(&["M", "M", "H"]),
        [woman.clone(), woman.clone(), man.clone()]
    );
    assert_eq!(genders(&["M", "F"]), [man.clone(), woman]);
    assert_eq!(genders(&["M", "H", "F"])[..2], [Value::Null, man]);
    // However far down the telling row stands.
    let mut many = vec!["M"; 30_000];
    many.push("H");
    assert_eq!(genders(&many)[0], sha256("f"));
}

#[test]
fn a_small_file_makes_neither_much_work_nor_large_events() {
    let stages: Vec<String> = (0..1_000).map(|number| format!("Stage {number}")).collect();
    let heading = |stage: &String| format!("\"Date entered \"\"{stage} (P)\"\"\"");
    let dates = vec!["2026-11-20T10:00:00Z"; stages.len()].join(",");
    let headings: Vec<String> = stages.iter().map(heading).collect();
    let export = |agent: &str, email: &str| {
        format!(
            "Email,Agent,Record ID,Deal Stage,{}\n\"{email}\",{agent},1,New,{dates}\n",
            headings.join(",")
        )
    };
    let settings = "[columns]\nclient_user_agent = \"Agent\"\n";
    let report = validated(&export(&"x".repeat(2_000), "a@example.com"), settings, 1);
    assert_eq!(rows_of(problem(&report, "event-too-large")), [2]);
    assert_eq!(report["events"], 0);
    // What took hours: an opened bracket before each of many separators.
    let report = validated(&export("x", &"<;".repeat(400_000)), settings, 1);
    assert_eq!(rows_of(problem(&report, "cell-overfull")), [2]);
}
