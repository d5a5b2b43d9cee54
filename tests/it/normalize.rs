//! `crm2capi normalize`: one value, or one a line.

use serde_json::{Value, json};

use crate::support::{Desk, sha256};

/// Published by Meta, or computed with `printf %s VALUE | sha256sum`.
const PUBLISHED: [(&str, &str, &[&str], &str, &str); 10] = [
    (
        "em",
        "John_Smith@gmail.com",
        &[],
        "john_smith@gmail.com",
        "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f",
    ),
    (
        "ph",
        "(650)555-1212",
        &["--country", "US"],
        "16505551212",
        "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176",
    ),
    (
        "fn",
        "Mary",
        &[],
        "mary",
        "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec",
    ),
    (
        "fn",
        "정",
        &[],
        "정",
        "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14",
    ),
    (
        "fn",
        "Valéry",
        &[],
        "valéry",
        "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c",
    ),
    (
        "db",
        "2/16/1997",
        &[],
        "19970216",
        "01acdbf6ec7b4f478a225f1a246e5d6767eeab1a7ffa17f025265b5b94f40f0c",
    ),
    (
        "country",
        "United States",
        &[],
        "us",
        "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621",
    ),
    (
        "ct",
        "New York",
        &[],
        "newyork",
        "350c754ba4d38897693aa077ef43072a859d23f613443133fecbbd90a3512ca5",
    ),
    (
        "st",
        "California",
        &["--country", "US"],
        "ca",
        "6959097001d10501ac7d54c0bdb8db61420f658f2922cc26e46d536119a31126",
    ),
    (
        "zp",
        "M1 1AE",
        &["--country", "GB"],
        "m11ae",
        "1dc694c2070e697769fb959b50671d76cafd430d8ca191fbdd0affcaea344ac5",
    ),
];

#[test]
fn the_published_examples_come_out() {
    let desk = Desk::new();
    for (field, value, more, normalized, hash) in PUBLISHED {
        let mut arguments = vec!["normalize", field, value];
        arguments.extend(more);
        let ran = desk.run(&arguments).ended(0);
        assert!(
            ran.stdout.contains(normalized) && ran.stdout.contains(hash),
            "{}",
            ran.stdout
        );

        arguments.extend(["--format", "json"]);
        let lines = desk.run(&arguments).ended(0).ndjson();
        let expected =
            json!({ "field": field, "input_line": 1, "normalized": normalized, "sha256": hash });
        assert_eq!(lines, [expected]);
    }
}

#[test]
fn a_field_goes_by_its_name_too() {
    let desk = Desk::new();
    for (field, value) in [
        ("email", "a@example.com"),
        ("phone", "+12125550101"),
        ("first_name", "Mary"),
        ("zip", "10001"),
    ] {
        let lines = desk
            .run(&["normalize", field, value, "--format", "json"])
            .ended(0)
            .ndjson();
        assert_eq!(lines[0]["field"], field);
        assert!(lines[0]["sha256"].is_string());
    }
}

#[test]
fn ten_thousand_lines_come_back_each_in_its_place() {
    let desk = Desk::new();
    let input: String = (1..=10_000)
        .map(|n| {
            if n % 100 == 0 {
                "no address\r\n".into()
            } else {
                format!("User{n}@Example.com\r\n")
            }
        })
        .collect();
    let ran = desk
        .run_on(
            &["normalize", "em", "-", "--format", "json"],
            input.as_bytes(),
        )
        .ended(1);
    let lines = ran.ndjson();
    assert_eq!(lines.len(), 10_000);
    for (line, n) in lines.iter().zip(1_u64..) {
        assert_eq!(line["input_line"], n);
        if n % 100 == 0 {
            assert_eq!(
                (&line["normalized"], &line["sha256"]),
                (&Value::Null, &Value::Null)
            );
            assert_eq!(line["problem"], "email-invalid");
        } else {
            let normalized = format!("user{n}@example.com");
            assert_eq!(
                (line["normalized"].as_str(), line["sha256"].as_str()),
                (Some(&*normalized), Some(&*sha256(&normalized)))
            );
            assert!(line.get("problem").is_none());
        }
    }
}

#[test]
fn a_last_line_needs_no_line_feed_and_an_empty_one_is_a_line() {
    let desk = Desk::new();
    let lines = desk
        .run_on(
            &["normalize", "fn", "-", "--format", "json"],
            b"Mary\n\nAda",
        )
        .ended(1)
        .ndjson();
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line["input_line"].as_u64().unwrap(),
                line["normalized"].as_str(),
            )
        })
        .collect();
    assert_eq!(told, [(1, Some("mary")), (2, None), (3, Some("ada"))]);
    assert_eq!(lines[1]["problem"], "value-empty");
}

#[test]
fn a_hash_passes_in_lower_case_and_has_no_normalised_form() {
    let desk = Desk::new();
    let hash = sha256("john_smith@gmail.com");
    let lines = desk
        .run(&["normalize", "em", &hash.to_uppercase(), "--format", "json"])
        .ended(0)
        .ndjson();
    assert_eq!(
        lines,
        [json!({ "field": "em", "input_line": 1, "normalized": null, "sha256": hash })]
    );
}

#[test]
fn what_is_unusable_ends_with_status_1_and_a_reason() {
    let desk = Desk::new();
    let cases: [(&str, &str, &str); 9] = [
        ("em", "not an address", "email-invalid"),
        ("em", "d41d8cd98f00b204e9800998ecf8427e", "hash-not-sha256"),
        ("ph", "(650)555-1212", "phone-country-missing"),
        ("ph", "1.65025E+10", "phone-precision-lost"),
        ("lead_id", "1.23457E+15", "lead-id-precision-lost"),
        ("lead_id", "12345", "lead-id-malformed"),
        ("db", "03/04/1990", "birth-date-ambiguous"),
        ("country", "Atlantis", "country-unknown"),
        ("zp", "", "value-empty"),
    ];
    for (field, value, code) in cases {
        let ran = desk.run(&["normalize", field, value]).ended(1);
        assert!(
            ran.stdout.starts_with(&format!("unusable: {code}: ")),
            "{}",
            ran.stdout
        );
        let lines = desk
            .run(&["normalize", field, value, "--format", "json"])
            .ended(1)
            .ndjson();
        let expected = json!({ "field": field, "input_line": 1, "normalized": null, "sha256": null, "problem": code });
        assert_eq!(lines, [expected]);
    }
}

#[test]
fn country_and_date_order_decide() {
    let desk = Desk::new();
    let normalized = |arguments: &[&str]| {
        let mut all = vec!["normalize"];
        all.extend(arguments);
        all.extend(["--format", "json"]);
        desk.run(&all).ended(0).ndjson()[0]["normalized"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        normalized(&["ph", "07911 123456", "--country", "GB"]),
        "447911123456"
    );
    assert_eq!(
        normalized(&["ph", "07911 123456", "--country", "United Kingdom"]),
        "447911123456"
    );
    assert_eq!(
        normalized(&["ph", "02 1234 5678", "--country", "IT"]),
        "390212345678"
    );
    assert_eq!(
        normalized(&["db", "03/04/1990", "--date-order", "dmy"]),
        "19900403"
    );
    assert_eq!(
        normalized(&["db", "03/04/1990", "--date-order", "mdy"]),
        "19900304"
    );
}

#[test]
fn a_postal_code_is_cut_at_its_dash_as_metas_own_code_does_in_every_country() {
    let desk = Desk::new();
    for (zip, country, expected) in [
        ("90-001", "PL", "90"),
        ("1000-205", "PT", "1000"),
        ("01310-100", "BR", "01310"),
        ("100-0001", "JP", "100"),
        ("94025-1234", "US", "94025"),
        ("8001", "ES", "08001"),
        ("M1 1AE", "GB", "m11ae"),
    ] {
        let ran = desk.run(&["normalize", "zip", zip, "--country", country]);
        let fields: Vec<String> = ran
            .ended(0)
            .stdout
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        assert_eq!(fields[1], expected, "{zip} {country}");
    }
}

/// Poland closed its trunk zero in 2009, and libphonenumber knows no national prefix there.
#[test]
fn a_trunk_zero_counts_only_where_the_numbering_plan_has_one() {
    let desk = Desk::new();
    let polish = |phone: &str| desk.run(&["normalize", "phone", phone, "--country", "PL"]);
    assert!(
        polish("601 234 567")
            .ended(0)
            .stdout
            .contains("48601234567")
    );
    let ran = polish("0601 234 567").ended(1);
    assert!(ran.stdout.contains("phone-invalid"), "{}", ran.stdout);
}

#[test]
fn a_value_may_begin_with_a_dash() {
    let ran = Desk::new()
        .run(&["normalize", "ct", "-Aachen-", "--format", "json"])
        .ended(0);
    assert_eq!(ran.ndjson()[0]["normalized"], "aachen");
}

#[test]
fn an_unknown_field_names_the_nearest() {
    let desk = Desk::new();
    for (field, near) in [
        ("emial", "email"),
        ("frist_name", "first_name"),
        ("phon", "phone"),
    ] {
        let ran = desk.run(&["normalize", field, "x"]).ended(2);
        assert!(
            ran.stderr.starts_with("error: ")
                && ran.stderr.contains(&format!("did you mean {near:?}?")),
            "{}",
            ran.stderr
        );
        assert_eq!((ran.stdout.as_str(), ran.stderr.lines().count()), ("", 1));
    }
}

#[test]
fn times_and_amounts_are_shown_as_they_are_sent_and_ambiguous_ones_called_so() {
    let desk = Desk::new();
    for (field, value, more, expected) in [
        (
            "event_time",
            "21.11.2026 14:03",
            &[][..],
            "event_time  1795269780  (sent as it is)\n",
        ),
        (
            "event_time",
            "11/20/26 14:03Z",
            &["--date-order", "mdy"],
            "event_time  1795183380  (sent as it is)\n",
        ),
        (
            "value",
            "1.234,50 €",
            &[],
            "value  1234.5 EUR  (sent as it is)\n",
        ),
        (
            "currency",
            "US Dollar",
            &[],
            "currency  USD  (sent as it is)\n",
        ),
        ("consent", "Ja", &[], "consent  true  (sent as it is)\n"),
    ] {
        let ran = desk.run(&[&["normalize", field, value], more].concat());
        assert_eq!(ran.ended(0).stdout, expected, "{field} {value}");
    }
    for (field, value, code, advice) in [
        (
            "event_time",
            "03/04/2026",
            "time-order-ambiguous",
            "--date-order mdy",
        ),
        ("value", "1,234", "value-ambiguous", "two decimals"),
        (
            "date_of_birth",
            "03/04/1990",
            "birth-date-ambiguous",
            "--date-order mdy",
        ),
        (
            "phone",
            "(212) 555-0101",
            "phone-country-missing",
            "--country US",
        ),
        (
            "fbclid",
            "IwAR0Example",
            "fbclid-time-missing",
            "click_time",
        ),
        ("email", "########", "cell-lost", "export again"),
    ] {
        let ran = desk.run(&["normalize", field, value]).ended(1);
        assert!(
            ran.stdout.starts_with(&format!("unusable: {code}:")) && ran.stdout.contains(advice),
            "{}",
            ran.stdout
        );
        assert!(!ran.stdout.contains("default-country"), "{}", ran.stdout);
    }
}
