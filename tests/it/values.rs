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
    assert_eq!(report["skipped_consent"], 3);
    assert_eq!(
        (&report["rows"], &report["rows_invalid"]),
        (&4.into(), &0.into())
    );
    assert_eq!(built(export, settings).ended(0).ndjson().len(), 1);
}

#[test]
fn an_upload_sends_only_rows_with_consent_and_says_how_many_it_passed_over() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "email,stage,stage_date,Agreed\n\
         a@example.com,Lead,2026-11-20T10:00:00Z,yes\n\
         b@example.com,Lead,2026-11-20T10:00:00Z,no\n\
         not an address,Lead,2026-11-20T10:00:00Z,\n",
    );
    let upload = |more: &[&str]| {
        let mut args = vec![
            "upload",
            "leads.csv",
            "--now",
            NOW,
            "--sandbox",
            "--map",
            "consent=Agreed",
        ];
        args.extend(more);
        desk.run(&args).ended(0)
    };
    let report = upload(&["--format", "json", "--rejects", "rejects.csv"]).json();
    assert_eq!(
        (&report["accepted"], &report["skipped_consent"]),
        (&1.into(), &2.into())
    );
    // A row without consent is sound: it is neither judged nor kept.
    assert!(!desk.path().join("rejects.csv").exists());
    let page = upload(&["--report", "report.md"]).stdout;
    assert!(page.contains("2 rows skipped without consent"), "{page}");
    let said = desk.run(&[
        "validate",
        "leads.csv",
        "--now",
        NOW,
        "--map",
        "consent=Consent",
    ]);
    assert!(
        said.ended(2)
            .stderr
            .contains("no column \"Consent\" (for consent)")
    );
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
fn a_stage_that_names_or_numbers_the_lead_among_other_words_is_none() {
    let export = "email,phone,full_name,stage,stage_date\n\
         a@example.com,+1 212 555 0102,Ava Price,Call 212-555-0102 back,2026-11-20T10:00:00Z\n\
         c@example.com,+1 212 555 0103,Cid Moreno,Won - Cid,2026-11-20T10:00:00Z\n\
         d@example.com,+1 212 555 0104,Dee Oakes,mail dee(at)example.com,2026-11-20T10:00:00Z\n\
         w@example.com,+1 212 555 0105,Will Price,Will call back,2026-11-20T10:00:00Z\n\
         p@example.com,+1 212 555 0106,Pat Price,Price agreed,2026-11-20T10:00:00Z\n";
    let report = validated(export, UTC, 1);
    let told = [("event-name-personal".to_owned(), vec![2, 3, 4])];
    assert_eq!(complaints(&report), told);
    let listed = format!("{UTC}unlisted_stages = \"send\"\n[stages]\n\"Won - Cid\" = \"Won\"\n");
    let report = validated(export, &listed, 1);
    let told = [("event-name-personal".to_owned(), vec![2, 4])];
    assert_eq!(complaints(&report), told);
}

#[test]
fn an_address_in_disguise_is_left_out_of_custom_data() {
    let export = "email,stage,stage_date,Note,Order\n\
         a@example.com,Lead,2026-11-20T10:00:00Z,b(at)example.com,A-1\n\
         b@example.com,Lead,2026-11-20T10:00:00Z,tall,c @ example.com\n\
         c@example.com,Lead,2026-11-20T10:00:00Z,d at example dot com,A-3\n\
         d@example.com,Lead,2026-11-20T10:00:00Z,call 212-555-0102,A-4\n\
         e@example.com,Lead,2026-11-20T10:00:00Z,seen at the fair,A-5\n";
    let columns = "[columns]\n\"custom.note\" = \"Note\"\norder_id = \"Order\"\n";
    let mut told = complaints(&validated(export, columns, 0));
    told.sort();
    let code = "custom-personal".to_owned();
    assert_eq!(told, [(code.clone(), vec![2, 4, 5]), (code, vec![3])]);
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

/// Event name, value and currency of what is built.
fn values(export: &str, settings: &str) -> Vec<(String, Value, Value)> {
    let events = built(export, settings).ended(0).ndjson();
    let value = |event: &Value| {
        let data = &event["custom_data"];
        (
            text(&event["event_name"]),
            data["value"].clone(),
            data["currency"].clone(),
        )
    };
    events.iter().map(value).collect()
}

#[test]
fn a_stage_may_have_a_value_of_its_own_or_a_column_of_its_own() {
    let export = "email,stage,stage_date,amount,currency,deal\n\
         a@example.com,New,2026-11-20T10:00:00Z,10,EUR,\n\
         b@example.com,Won,2026-11-20T10:00:00Z,10,EUR,900\n\
         c@example.com,Signed,2026-11-20T10:00:00Z,10,EUR,\"1,200.50\"\n\
         d@example.com,Signed,2026-11-20T10:00:00Z,10,EUR,\n\
         e@example.com,Paid,2026-11-20T10:00:00Z,10,EUR,77.50\n\
         f@example.com,Lost,2026-11-20T10:00:00Z,10,EUR,\n";
    let settings = "[columns]\nvalue = \"amount\"\ncurrency = \"currency\"\n\
         [stages]\nNew = \"Lead\"\nLost = { event = \"\", value = 1, currency = \"USD\" }\n\
         [stages.Won]\nevent = \"Closed Won\"\nvalue = 499.90\ncurrency = \"USD\"\n\
         [stages.Signed]\nevent = \"Closed Won\"\nvalue_column = \"Deal\"\ncurrency = \"USD\"\n\
         [stages.Paid]\nvalue_column = \"Deal\"\n";
    let expected = [
        ("Lead", 10.into(), "EUR".into()),
        ("Closed Won", serde_json::json!(499.9), "USD".into()),
        ("Closed Won", serde_json::json!(1200.5), "USD".into()),
        // Its own column says nothing, and what another column says is about something else.
        ("Closed Won", Value::Null, Value::Null),
        ("Paid", serde_json::json!(77.5), "EUR".into()),
    ];
    let expected = expected.map(|(name, value, currency)| (name.to_owned(), value, currency));
    assert_eq!(values(export, settings), expected);
}

#[test]
fn reports_show_what_the_stages_are_worth_by_currency_and_only_for_what_goes() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "email,stage,stage_date,amount,currency\n\
         a@example.com,New,2026-11-20T10:00:00Z,10.10,EUR\n\
         b@example.com,New,2026-11-20T10:00:00Z,20.20,EUR\n\
         c@example.com,New,2026-11-20T10:00:00Z,,\n\
         d@example.com,Won,2026-11-20T10:00:00Z,10,EUR\n\
         e@example.com,Won,2026-11-20T11:00:00Z,10,EUR\n\
         f@example.com,Won,2026-10-01T10:00:00Z,10,EUR\n",
    );
    desk.file(
        "crm2capi.toml",
        "[columns]\nvalue = \"amount\"\ncurrency = \"currency\"\n[stages]\nNew = \"Lead\"\n\
         [stages.Won]\nevent = \"Sale\"\nvalue = 749.75\ncurrency = \"USD\"\n",
    );
    let expected = serde_json::json!([
        {"event_name": "Lead", "currency": "EUR", "events": 2, "value": 30.3},
        {"event_name": "Sale", "currency": "USD", "events": 2, "value": 1499.5},
    ]);
    let commands: [&[&str]; 3] = [
        &["validate"],
        &["upload", "--dry-run"],
        &["upload", "--sandbox"],
    ];
    for command in commands {
        let more = ["leads.csv", "--now", NOW, "--report", "report.html"];
        let arguments = [command, &more[..]].concat();
        let page = desk.run(&arguments).ended(0).stdout.clone();
        assert!(page.contains("\nValue  of the events that "), "{page}");
        assert!(page.contains("  Sale  2 events  1,499.50 USD\n"), "{page}");
        let html = std::fs::read_to_string(desk.path().join("report.html")).unwrap();
        assert!(html.contains("Value by stage") && html.contains("1,499.50 USD"));
        let json = desk.run(&[&arguments[..], &["--format", "json"]].concat());
        assert_eq!(json.ended(0).json()["values"], expected, "{command:?}");
    }
}

#[test]
fn a_date_column_of_a_stage_carries_the_stages_value_and_others_do_not() {
    let export = "email,lead since,won on\n\
         a@example.com,2026-11-19T10:00:00Z,2026-11-20T10:00:00Z\n";
    let settings = "[stage_columns]\n\"lead since\" = \"Lead\"\n\"won on\" = \"Customer\"\n\
         [stages.Won]\nevent = \"Customer\"\nvalue = 500\n[event]\ncurrency = \"USD\"\n";
    let expected = [
        ("Lead".to_owned(), Value::Null, Value::Null),
        ("Customer".to_owned(), 500.into(), "USD".into()),
    ];
    assert_eq!(values(export, settings), expected);
    // Naming the event anew on the command line leaves the value where it is.
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "email,stage,stage_date\na@example.com,Won,2026-11-20T10:00:00Z\n",
    );
    desk.file(
        "crm2capi.toml",
        settings.split_once("[stages.Won]").unwrap().1.replacen(
            "\nevent",
            "[stages.Won]\nevent",
            1,
        ),
    );
    let args = [
        "build",
        "leads.csv",
        "--now",
        NOW,
        "--quiet",
        "--stage",
        "Won=Buyer",
    ];
    let event = desk.run(&args).ended(0).ndjson().remove(0);
    assert_eq!(event["event_name"], "Buyer");
    assert_eq!(event["custom_data"]["value"], 500);
}

#[test]
fn a_value_of_a_stage_that_cannot_be_read_is_left_out_and_its_column_must_be_there() {
    let export = "email,stage,stage_date,deal\na@example.com,Won,2026-11-20T10:00:00Z,much\n";
    let settings = "[stages.Won]\nvalue_column = \"deal\"\ncurrency = \"USD\"\n";
    let report = validated(export, settings, 0);
    assert_eq!(
        complaints(&report),
        [("value-malformed".to_owned(), vec![2])]
    );
    assert_eq!(report["would_send"], 1);
    let desk = Desk::new();
    desk.file("leads.csv", export);
    desk.file("crm2capi.toml", settings.replace("deal", "deals"));
    let said = desk
        .run(&["build", "leads.csv", "--now", NOW])
        .ended(2)
        .stderr;
    assert!(
        said.contains(
            "no column \"deals\" (for the value of the stage \"Won\"); the nearest is \"deal\""
        ),
        "{said}"
    );
}

/// The options of each built event: what is asked for, country and state.
fn processing(export: &str, settings: &str) -> Vec<(Value, Value, Value)> {
    let events = built(export, settings).ndjson();
    let option =
        |event: &Value, name: &str| event[format!("data_processing_options{name}")].clone();
    let options = |event: &Value| {
        (
            option(event, ""),
            option(event, "_country"),
            option(event, "_state"),
        )
    };
    events.iter().map(options).collect()
}

#[test]
fn limited_data_use_goes_by_the_state_of_the_row() {
    let export = "email,stage,stage_date,state,country,ip\n\
         a@example.com,Lead,2026-11-20T10:00:00Z,California,US,\n\
         b@example.com,Lead,2026-11-20T10:00:00Z,TX,,\n\
         c@example.com,Lead,2026-11-20T10:00:00Z,NY,US,\n\
         d@example.com,Lead,2026-11-20T10:00:00Z,Bayern,Germany,\n\
         e@example.com,Lead,2026-11-20T10:00:00Z,,US,203.0.113.7\n\
         f@example.com,Lead,2026-11-20T10:00:00Z,,US,\n";
    let settings = "[columns]\nstate = \"state\"\ncountry = \"country\"\nclient_ip_address = \"ip\"\n\
         [event]\ndata_processing_options = [\"LDU\"]\ndata_processing_options_country = 1\n";
    let ldu = |country: u32, state: u32| {
        let options = serde_json::json!(["LDU"]);
        (options, country.into(), state.into())
    };
    let elsewhere = || (serde_json::json!([]), Value::Null, Value::Null);
    let expected = [
        ldu(1, 1000),
        ldu(1, 1005),
        elsewhere(),
        elsewhere(),
        ldu(0, 0),
    ];
    assert_eq!(processing(export, settings), expected);
    let report = validated(export, settings, 1);
    assert_eq!(
        complaints(&report),
        [("ldu-state-missing".to_owned(), vec![7])]
    );
    // A state of the settings holds for every row.
    let settings = format!("{settings}data_processing_options_state = 1003\n");
    assert_eq!(processing(export, &settings), vec![ldu(1, 1003); 6]);
}

#[test]
fn limited_data_use_without_a_place_is_refused_in_the_settings() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "email,stage,stage_date\na@example.com,Lead,2026-11-20T10:00:00Z\n",
    );
    let said = |keys: &str| {
        desk.file(
            "crm2capi.toml",
            format!("[event]\ndata_processing_options = [\"LDU\"]\n{keys}"),
        );
        desk.run(&["validate", "leads.csv", "--now", NOW])
            .ended(2)
            .stderr
    };
    let text = said("");
    assert!(
        text.contains("needs data_processing_options_country"),
        "{text}"
    );
    for country in [0, 1] {
        let text = said(&format!("data_processing_options_country = {country}\n"));
        assert!(
            text.contains("needs the lead's state, as no IP address tells it"),
            "{text}"
        );
    }
    let text = said("data_processing_options_country = 1\ndata_processing_options_state = 0\n");
    assert!(text.contains("needs the lead's state"), "{text}");
}

#[test]
fn an_event_that_stands_twice_counts_once_however_old_it_is() {
    let report = validated(
        "email,stage,stage_date\n\
         a@example.com,Lead,2026-10-01T10:00:00Z\n\
         a@example.com,Lead,2026-10-01T10:00:00Z\n\
         a@example.com,Won,2026-11-20T10:00:00Z\n\
         a@example.com,Won,2026-11-20T10:00:00Z\n\
         b@example.com,Lead,2026-10-01T10:00:00Z\n\
         a@example.com,Lead,2026-10-01T10:00:00Z\n",
        "",
        0,
    );
    let counts = |key: &str| report[key].as_u64().unwrap();
    assert_eq!(
        (
            counts("events"),
            counts("skipped_old"),
            counts("would_send")
        ),
        (3, 2, 1)
    );
    assert_eq!(rows_of(problem(&report, "duplicate-event")), [3, 5, 7]);
    assert_eq!(report["match_keys"]["em"], 3);
    assert_eq!(report["stages"]["Lead"]["events"], 2);
}

#[test]
fn rows_of_a_report_add_up_with_more_stages_than_it_shows() {
    let mut export = "email,stage,stage_date\n".to_owned();
    for lead in 0..240 {
        let stages = ["Lead".to_owned(), format!("Stage {}", lead % 120)];
        for (hour, stage) in stages.iter().enumerate().skip(lead % 2) {
            export += &format!("p{lead}@example.com,{stage},2026-11-20T1{hour}:00:00Z\n");
        }
    }
    let report = validated(&export, "", 0);
    let stages = report["stages"].as_object().unwrap();
    let sum: u64 = stages
        .values()
        .map(|it| it["events"].as_u64().unwrap())
        .sum();
    assert_eq!(sum, 360);
    assert_eq!((stages.len(), &report["other_stages"]), (51, &71.into()));
    assert_eq!(stages["Lead"]["events"], 120);
    let days = report["days"].as_array().unwrap();
    let sum: u64 = days.iter().map(|it| it["events"].as_u64().unwrap()).sum();
    assert_eq!(sum, 360);
    let funnel = &report["funnel"];
    assert_eq!(
        (&funnel["leads"], &funnel["more_stages"]),
        (&240.into(), &89.into())
    );
}

#[test]
fn a_column_of_names_is_not_sent_as_stages() {
    let export = |rows: usize, stages: usize| {
        let row = |row: usize| {
            let stage = row % stages;
            format!("p{row}@example.com,Vera Klein{stage},2026-11-20T10:00:00Z\n")
        };
        let rows: String = (0..rows).map(row).collect();
        format!("email,stage,stage_date\n{rows}")
    };
    let report = validated(&export(60, 60), "", 2);
    assert_eq!(
        report["ended"]["reason"],
        "60 events have 60 different stages, as where names of people are taken for stages"
    );
    let report = validated(&export(40, 30), "", 0);
    assert_eq!(complaints(&report).len(), 1);
    assert_eq!(problem(&report, "stage-distinct")["severity"], "warning");
    assert_eq!(complaints(&validated(&export(60, 19), "", 0)), []);
    let listed: String = (0..60)
        .map(|stage| format!("\"Vera Klein{stage}\" = \"S{stage}\"\n"))
        .collect();
    let report = validated(&export(60, 60), &format!("[stages]\n{listed}"), 0);
    assert_eq!(complaints(&report), []);
}

/// The amounts of a column of euros, those that were refused as null.
fn amounts(cells: &[&str]) -> Vec<Value> {
    let row = |(number, cell): (usize, &&str)| {
        format!("a{number}@example.com;Won;2026-11-20T10:00:00Z;{cell}\n")
    };
    let rows: String = cells.iter().enumerate().map(row).collect();
    let settings = "[columns]\nvalue = \"Deal\"\n[event]\ncurrency = \"EUR\"\n";
    let found = values(&format!("email;stage;stage_date;Deal\n{rows}"), settings);
    found.into_iter().map(|(_, value, _)| value).collect()
}

#[test]
fn the_decimal_mark_of_an_amount_is_that_of_its_column() {
    use serde_json::json;
    for (cells, expected) in [
        (&["1.234", "1.234,50"][..], json!([1234, 1234.5])),
        (&["1,234", "1,234.50", "5"], json!([1234, 1234.5, 5])),
        (&["1.234", "99,9", "1 200"], json!([1234, 99.9, 1200])),
        (&["1.234", "1234.5"], json!([1.234, 1234.5])),
        // Nothing tells, or two rows contradict each other.
        (&["1.234", "5.678", "900"], json!([null, null, 900])),
        (&["1.234", "99,90", "99.90"], json!([null, 99.9, 99.9])),
    ] {
        assert_eq!(json!(amounts(cells)), expected, "{cells:?}");
    }
    // The row that tells may stand far behind.
    let mut cells = vec!["1.234"; 3_000];
    cells.push("0,5");
    assert!(
        amounts(&cells)[..3_000]
            .iter()
            .all(|amount| *amount == 1234)
    );
}

#[test]
fn a_column_without_a_telling_amount_is_a_finding_and_v_says_what_was_settled() {
    let settings = "[columns]\nvalue = \"Deal\"\n[event]\ncurrency = \"EUR\"\n";
    let export = |second: &str| {
        format!(
            "email;stage;stage_date;Deal\na@example.com;Won;2026-11-20T10:00:00Z;1.234\n\
             b@example.com;Won;2026-11-20T10:00:00Z;{second}\n"
        )
    };
    let report = validated(&export("5.678"), settings, 0);
    assert_eq!(
        complaints(&report),
        [("value-ambiguous".to_owned(), vec![2, 3])]
    );
    assert_eq!(report["would_send"], 2);
    let desk = Desk::new();
    desk.file("leads.csv", export("99,90"));
    desk.file("crm2capi.toml", settings);
    let ran = desk
        .run(&["validate", "leads.csv", "--now", NOW, "-v"])
        .ended(0);
    let said =
        "leads.csv: the decimal mark of Deal is a comma, as only that fits all of its amounts";
    assert!(
        ran.stderr.lines().any(|line| line == said),
        "{}",
        ran.stderr
    );
    // Of what can be read once only, the rows at its beginning decide.
    let ran = desk.run_on(
        &["build", "-", "--now", NOW, "--quiet"],
        export("99,90").as_bytes(),
    );
    let events = ran.ended(0).ndjson();
    assert_eq!(events[0]["custom_data"]["value"], 1234);
}

#[test]
fn a_stages_own_column_of_amounts_has_a_mark_of_its_own() {
    let export = "email;stage;stage_date;Offer;Deal\n\
         a@example.com;New;2026-11-20T10:00:00Z;1,234;\n\
         b@example.com;Won;2026-11-20T10:00:00Z;9.50;1.234\n\
         c@example.com;Won;2026-11-20T10:00:00Z;9.50;1,5\n";
    let settings = "[columns]\nvalue = \"Offer\"\n[event]\ncurrency = \"EUR\"\n[stages]\nNew = \"New\"\n\
         [stages.Won]\nvalue_column = \"Deal\"\n";
    let found = values(export, settings);
    let found: Vec<&Value> = found.iter().map(|(_, value, _)| value).collect();
    assert_eq!(found, [&Value::from(1234), &1234.into(), &1.5.into()]);
}
