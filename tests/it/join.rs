//! `--leads`: rows get the lead ids of Meta's own leads, and the report tells which share of these has an event.

use serde_json::{Value, json};

use crate::support::sandbox::Sandbox;
use crate::support::{Desk, NOW, Ran, assert_adds_up, problem, repository, rows_of, sha256};

const DATASET: &str = "123456789012345";

/// Leads of four people: id, time, email, phone.
const LEADS: &str = r#"{"id":"1000000000000001","created_time":"2026-11-18T08:00:00+0000","form_id":"1","form_name":"Offer","email":"ava@example.com","phone":"+12125550101"}
{"id":"1000000000000002","created_time":"2026-11-18T09:00:00+0000","form_id":"1","form_name":"Offer","email":"marcus@example.com","phone":"+12125550102"}
{"id":"1000000000000003","created_time":"2026-11-19T09:00:00+0000","form_id":"2","form_name":"Trial","email":"priya@example.com","phone":"+12125550103"}
{"id":"1000000000000004","created_time":"2026-11-20T09:00:00+0000","form_id":"2","form_name":"Trial","email":"nobody@example.com"}
"#;

fn desk() -> Desk {
    let desk = Desk::new();
    desk.file("leads.ndjson", LEADS);
    desk
}

fn validate(desk: &Desk, args: &[&str]) -> Ran {
    let mut all = vec!["validate", "--now", NOW, "--format", "json"];
    all.extend(args);
    desk.run(&all)
}

fn build(desk: &Desk, args: &[&str]) -> Vec<Value> {
    let mut all = vec!["build", "--now", NOW];
    all.extend(args);
    desk.run(&all).ended(0).ndjson()
}

fn lead_ids(events: &[Value]) -> Vec<Option<u64>> {
    let id = |event: &Value| {
        event["user_data"]
            .get("lead_id")
            .map(|id| id.as_u64().unwrap())
    };
    events.iter().map(id).collect()
}

#[test]
fn the_example_goes_from_no_lead_id_to_nearly_all_and_knows_its_coverage() {
    let desk = Desk::new();
    let leads = repository("examples/leads/sandbox.json");
    let sandbox = Sandbox::start(&desk, &["--now", NOW, "--leads", &leads]);
    let download = ["leads", "--graph-url", &sandbox.url, "--now", NOW];
    desk.run_with(&download, &[("CRM2CAPI_LEADS_TOKEN", "any")])
        .ended(0);
    let export = repository("examples/leads/hubspot.csv");
    let settings = std::fs::read_to_string(repository("examples/leads/crm2capi.toml")).unwrap();
    desk.file("crm2capi.toml", settings.split("[join]").next().unwrap());
    let before = validate(&desk, &[&export]).ended(0).json();
    assert!(before.get("lead_coverage").is_none());
    assert!(before["match_keys"].get("lead_id").is_none());
    desk.file("crm2capi.toml", settings);
    let after = validate(&desk, &[&export, "--leads-missing", "missing.csv"])
        .ended(0)
        .json();
    let coverage = &after["lead_coverage"];
    assert_eq!(
        coverage["rows"],
        json!({"own": 0, "own_elsewhere": 0, "by_email": 8, "by_phone": 1, "ambiguous": 0, "none": 2})
    );
    assert_eq!(after["events"], before["events"]);
    assert_eq!(coverage["lead_id_without_join"], 0);
    assert_eq!(
        coverage["lead_id_with_join"],
        after["match_keys"]["lead_id"]
    );
    assert_eq!(
        (
            &coverage["leads"],
            &coverage["in_window"],
            &coverage["covered"]
        ),
        (&json!(12), &json!(11), &json!(9))
    );
    assert_eq!(
        coverage["forms"][1],
        json!({"form_id": "780000000000002", "name": "Probefahrt", "in_window": 2, "covered": 1, "share": 0.5})
    );
    let missing = std::fs::read_to_string(desk.path().join("missing.csv")).unwrap();
    assert_eq!(
        missing,
        "lead_id,created_time,form_id,form_name\nl:9012345678901234,2026-11-18T20:05:31Z,780000000000001,Autumn test drive\n\
         l:9123456789012345,2026-11-19T15:44:02Z,780000000000002,Probefahrt\n"
    );
    // The ids are those that the export would have had.
    let joined = build(&desk, &[&export]);
    let with_ids = build(
        &desk,
        &[
            "--leads",
            "leads.ndjson",
            &repository("examples/hubspot.csv"),
        ],
    );
    for (joined, own) in joined.iter().zip(&with_ids) {
        if let Some(id) = joined["user_data"].get("lead_id") {
            assert_eq!(*id, own["user_data"]["lead_id"]);
        }
    }
}

#[test]
fn the_book_shows_what_the_join_prints() {
    let desk = Desk::new();
    let leads = repository("examples/leads/sandbox.json");
    let sandbox = Sandbox::start(&desk, &["--now", NOW, "--leads", &leads]);
    let download = ["leads", "--graph-url", &sandbox.url, "--now", NOW];
    desk.run_with(&download, &[("CRM2CAPI_LEADS_TOKEN", "any")])
        .ended(0);
    for name in ["hubspot.csv", "crm2capi.toml"] {
        std::fs::copy(
            repository(&format!("examples/leads/{name}")),
            desk.path().join(name),
        )
        .unwrap();
    }
    let page = desk
        .run(&["validate", "--now", NOW, "hubspot.csv"])
        .ended(0)
        .stdout;
    let section = page
        .split("\n\n")
        .find(|section| section.starts_with("Meta's leads"))
        .unwrap();
    let book = std::fs::read_to_string(repository("docs/src/lead-id.md")).unwrap();
    assert!(book.contains(section.trim_end()), "{section}");
}

/// The lines are run as they stand there; only the sandbox has a port of its own.
#[test]
fn the_lines_of_the_examples_do_what_they_say() {
    let page = std::fs::read_to_string(repository("examples/README.md")).unwrap();
    let at = page.find("$ crm2capi sandbox").unwrap();
    let lines: Vec<&str> = page[at..].split("```").next().unwrap().lines().collect();
    let [serve, cd, download, validate] = lines[..] else {
        panic!("{lines:?}")
    };
    assert_eq!(
        serve,
        "$ crm2capi sandbox --now 2026-11-21T16:00:00Z --leads examples/leads/sandbox.json &"
    );
    assert_eq!(cd, "$ cd examples/leads");
    let desk = Desk::new();
    let leads = repository("examples/leads/sandbox.json");
    let sandbox = Sandbox::start(&desk, &["--now", NOW, "--leads", &leads]);
    for name in ["hubspot.csv", "crm2capi.toml"] {
        let from = repository(&format!("examples/leads/{name}"));
        std::fs::copy(from, desk.path().join(name)).unwrap();
    }
    let download = download
        .strip_prefix("$ CRM2CAPI_LEADS_TOKEN=any crm2capi ")
        .unwrap();
    let download = download.replace("http://127.0.0.1:8023", &sandbox.url);
    let args: Vec<&str> = download.split(' ').collect();
    let ran = desk
        .run_with(&args, &[("CRM2CAPI_LEADS_TOKEN", "any")])
        .ended(0);
    assert!(
        ran.stdout
            .contains("leads.ndjson: 12 leads, 12 of them new"),
        "{}",
        ran.stdout
    );
    let args: Vec<&str> = validate
        .strip_prefix("$ crm2capi ")
        .unwrap()
        .split(' ')
        .collect();
    let ran = desk.run(&args).ended(0);
    assert!(
        ran.stdout.contains("8 rows got a lead id by email"),
        "{}",
        ran.stdout
    );
    let missing = std::fs::read_to_string(desk.path().join("missing.csv")).unwrap();
    assert_eq!(missing.lines().count(), 3);
}

#[test]
fn a_page_for_a_browser_draws_the_coverage() {
    let desk = desk();
    desk.file(
        "crm.csv",
        "email,event_name,event_time\nava@example.com,Lead,2026-11-18T10:00:00Z\n",
    );
    let args = ["--leads", "leads.ndjson", "--report", "r.html", "crm.csv"];
    let report = validate(&desk, &args).ended(0).json();
    let page = std::fs::read_to_string(desk.path().join("r.html")).unwrap();
    let section = page
        .split("<section aria-labelledby=\"coverage\">")
        .nth(1)
        .unwrap();
    let section = section.split("</section>").next().unwrap();
    let cells = |row: &str| -> Vec<String> {
        let without_tags = row.split('<').filter_map(|part| part.split_once('>'));
        let texts = without_tags.map(|(_, text)| text.replace('\u{a0}', " ").trim().to_owned());
        texts.filter(|text| !text.is_empty()).collect()
    };
    let rows: Vec<Vec<String>> = section.split("<tr").skip(1).map(cells).collect();
    assert_eq!(
        rows[0],
        ["Leads", "Coverage", "%", "with an event", "leads"]
    );
    assert!(
        rows.contains(&vec![
            "form".into(),
            "Offer".into(),
            "50 %".into(),
            "1".into(),
            "2".into()
        ]),
        "{rows:?}"
    );
    let coverage = &report["lead_coverage"];
    let lines = coverage["forms"].as_array().unwrap().len()
        + coverage["weeks"].as_array().unwrap().len()
        + 2;
    assert_eq!(rows.len(), lines, "{rows:?}");
    let all = section.split("<tr class=\"all\"").nth(1).unwrap();
    assert!(
        cells(all)[1..].starts_with(&["25 %".into(), "1".into(), "4".into()]),
        "{all}"
    );
    // Each bar is as long as the share that stands beside it, and the goal is where Meta has it.
    assert!(
        all.contains("class=\"raw\" width=\"25.000%\"") && all.contains("x1=\"60.000%\""),
        "{all}"
    );
    assert!(
        section.contains("<code>--leads-missing FILE</code> lists the others"),
        "{section}"
    );
}

#[test]
fn email_goes_before_phone_and_the_row_keeps_an_id_of_its_own() {
    let desk = desk();
    desk.file(
        "crm.csv",
        "lead_id,email,phone,event_name,event_time\n\
         ,AVA@example.com ,+12125550102,Lead,2026-11-18T10:00:00Z\n\
         ,other@example.com,(212) 555-0102,Lead,2026-11-18T10:00:00Z\n\
         1000000000000003,ava@example.com,,Lead,2026-11-19T10:00:00Z\n\
         ,stranger@example.com,,Lead,2026-11-19T10:00:00Z\n",
    );
    let args = [
        "--leads",
        "leads.ndjson",
        "--default-country",
        "US",
        "crm.csv",
    ];
    let ids = lead_ids(&build(&desk, &args));
    assert_eq!(
        ids,
        [
            Some(1_000_000_000_000_001),
            Some(1_000_000_000_000_002),
            Some(1_000_000_000_000_003),
            None
        ]
    );
    let report = validate(&desk, &args).ended(0).json();
    assert_adds_up(&report);
    assert_eq!(
        report["lead_coverage"]["rows"],
        json!({"own": 1, "own_elsewhere": 0, "by_email": 1, "by_phone": 1, "ambiguous": 0, "none": 1})
    );
    // What counts is the normalised value: without a country the second phone is nobody's.
    let ids = lead_ids(&build(&desk, &["--leads", "leads.ndjson", "crm.csv"]));
    assert_eq!(ids[1], None);
}

#[test]
fn a_lead_that_is_younger_than_the_row_is_another_one() {
    let desk = desk();
    desk.file(
        "crm.csv",
        "email,event_name,event_time\n\
         ava@example.com,Lead,2026-11-18T07:30:00Z\n\
         marcus@example.com,Lead,2026-11-18T07:30:00Z\n\
         priya@example.com,Lead,2026-11-19\n",
    );
    let ids = lead_ids(&build(&desk, &["--leads", "leads.ndjson", "crm.csv"]));
    assert_eq!(
        ids,
        [
            Some(1_000_000_000_000_001),
            None,
            Some(1_000_000_000_000_003)
        ]
    );
}

/// A person with a lead of January and one of June, in exports that tell when their record was created.
#[test]
fn a_row_that_was_there_before_a_persons_second_lead_is_joined_with_the_first() {
    let desk = desk();
    desk.file(
        "two.ndjson",
        "{\"id\":\"1000000000000101\",\"created_time\":\"2026-01-10T08:00:00+0000\",\"email\":\"ava@example.com\"}\n\
         {\"id\":\"1000000000000606\",\"created_time\":\"2026-06-10T08:00:00+0000\",\"email\":\"ava@example.com\"}\n",
    );
    for (created, stage, lead) in [
        (
            "2026-01-10T08:00:41Z",
            "2026-11-20T10:00:00Z",
            Some(1_000_000_000_000_101),
        ),
        (
            "2026-01-10",
            "2026-11-20T10:00:00Z",
            Some(1_000_000_000_000_101),
        ),
        (
            "2026-06-10T07:30:00Z",
            "2026-11-20T10:00:00Z",
            Some(1_000_000_000_000_606),
        ),
        (
            "2026-06-10T06:30:00Z",
            "2026-11-20T10:00:00Z",
            Some(1_000_000_000_000_101),
        ),
        ("2026-01-09T08:00:00Z", "2026-11-20T10:00:00Z", None),
        // Without a creation the first stage decides.
        ("", "2026-11-20T10:00:00Z", Some(1_000_000_000_000_606)),
    ] {
        desk.file(
            "crm.csv",
            format!("email,created_time,event_name,event_time\nava@example.com,{created},Qualified,{stage}\n"),
        );
        let ids = lead_ids(&build(&desk, &["--leads", "two.ndjson", "crm.csv"]));
        assert_eq!(ids, [lead], "{created}");
    }
}

/// The row stays the lead it was, except where Meta's leads then lacked the one that led to its first stage: that one's raw
/// lead goes, and nothing else does.
#[test]
fn nothing_goes_again_when_meta_has_another_lead_of_the_person_later() {
    let lead = |id: &str, time: &str| {
        format!("{{\"id\":\"{id}\",\"created_time\":\"{time}\",\"email\":\"ava@example.com\"}}\n")
    };
    let first = lead("1000000000000101", "2026-11-18T08:00:00+0000");
    for (other, time, new) in [
        ("1000000000000202", "2026-11-20T12:00:00+0000", 0),
        ("1000000000000303", "2026-11-17T08:00:00+0000", 0),
        ("1000000000000404", "2026-11-18T08:30:00+0000", 1),
    ] {
        let desk = desk();
        let listener = crate::support::listener::Listener::accepting();
        desk.file(
            "crm.csv",
            "email,event_name,event_time\nava@example.com,Qualified,2026-11-18T09:00:00Z\n",
        );
        let upload = || {
            let mut args = vec![
                "upload",
                "--now",
                NOW,
                "--format",
                "json",
                "--graph-url",
                &listener.url,
            ];
            args.extend([
                "--dataset-id",
                DATASET,
                "--ledger",
                "ledger",
                "--leads",
                "two.ndjson",
            ]);
            args.extend(["--config", "crm2capi.toml", "crm.csv"]);
            desk.run_with(&args, &[("CRM2CAPI_ACCESS_TOKEN", "any")])
                .ended(0)
                .json()
        };
        desk.file("crm2capi.toml", "[join]\nraw_lead = \"Lead\"\n");
        desk.file("two.ndjson", &first);
        assert_eq!(upload()["accepted"], 2);
        desk.file("two.ndjson", &(first.clone() + &lead(other, time)));
        let again = upload();
        assert_eq!(
            (&again["accepted"], &again["skipped_delivered"]),
            (&json!(new), &json!(2 - new)),
            "{other} {again}"
        );
        // Meta's second lead is a second lead, which goes once, by its own id and time.
        if new == 1 {
            let sent = listener.requests().last().unwrap().events();
            let at = "2026-11-18T08:30:00Z".parse::<jiff::Timestamp>().unwrap();
            let of = |key: &str| sent[0][key].clone();
            assert_eq!(
                (of("event_name"), of("event_time")),
                (json!("Lead"), json!(at.as_second()))
            );
            assert_eq!(lead_ids(&sent), [other.parse().ok()]);
        }
        assert_eq!(upload()["accepted"], 0, "{other}");
    }
}

/// A row that the second lead made is another lead's, and its raw lead goes.
#[test]
fn each_row_of_a_person_gets_the_raw_lead_of_its_own_meta_lead() {
    let desk = desk();
    let lead = |id: &str, time: &str| {
        format!("{{\"id\":\"{id}\",\"created_time\":\"{time}\",\"email\":\"ava@example.com\"}}\n")
    };
    let both = lead("1000000000000101", "2026-11-18T08:00:00+0000")
        + &lead("1000000000000202", "2026-11-19T08:00:00+0000");
    desk.file("leads.ndjson", both);
    desk.file(
        "crm2capi.toml",
        "[join]\nleads = [\"leads.ndjson\"]\nraw_lead = \"Lead\"\n",
    );
    desk.file(
        "crm.csv",
        "email,event_name,event_time\nava@example.com,Qualified,2026-11-18T09:00:00Z\n\
         ava@example.com,Qualified,2026-11-19T09:00:00Z\n",
    );
    let events = build(&desk, &["crm.csv"]);
    let first = Some(1_000_000_000_000_101);
    let second = Some(1_000_000_000_000_202);
    assert_eq!(lead_ids(&events), [first, first, second, second]);
    let raw = events.iter().filter(|event| event["event_name"] == "Lead");
    assert_eq!(raw.count(), 2);
}

#[test]
fn an_id_that_meta_does_not_know_and_one_that_could_be_two_are_warnings() {
    let desk = desk();
    let twin = LEADS.replace("1000000000000001", "1000000000000009");
    desk.file("twin.ndjson", twin.lines().next().unwrap());
    desk.file(
        "crm.csv",
        "lead_id,email,event_name,event_time\n\
         1000000000000777,priya@example.com,Lead,2026-11-19T10:00:00Z\n\
         1000000000000778,priya@example.com,Lead,2026-11-21T10:00:00Z\n\
         ,ava@example.com,Lead,2026-11-18T10:00:00Z\n\
         1000000000000779,zoe@example.com,Lead,2026-11-21T10:00:00Z\n",
    );
    let leads = [
        "--leads",
        "leads.ndjson",
        "--leads",
        "twin.ndjson",
        "crm.csv",
    ];
    let report = validate(&desk, &leads).ended(0).json();
    // The last lead is of the 20th, so of the 21st nothing is known; but Meta knows Priya by another id.
    assert_eq!(rows_of(problem(&report, "lead-id-unknown")), [2, 3]);
    assert_eq!(rows_of(problem(&report, "lead-id-ambiguous")), [4]);
    assert_eq!(lead_ids(&build(&desk, &leads))[2], None);
    validate(&desk, &[&["--strict"], &leads[..]].concat()).ended(1);
    // Two files that overlap hold each lead once.
    let report = validate(
        &desk,
        &[
            "--leads",
            "leads.ndjson",
            "--leads",
            "leads.ndjson",
            "crm.csv",
        ],
    )
    .ended(0)
    .json();
    assert_eq!(report["lead_coverage"]["leads"], 4);
}

#[test]
fn a_rounded_lead_id_comes_back_by_the_join() {
    let desk = desk();
    desk.file(
        "crm.csv",
        "lead_id,email,event_name,event_time\n1E+15,ava@example.com,Lead,2026-11-18T10:00:00Z\n",
    );
    validate(&desk, &["--max-invalid", "100", "crm.csv"]).ended(1);
    let report = validate(&desk, &["--leads", "leads.ndjson", "crm.csv"])
        .ended(0)
        .json();
    assert_eq!(problem(&report, "lead-id-restored")["severity"], "warning");
    let codes = report["problems"].to_string();
    assert!(!codes.contains("lead-id-precision-lost"), "{codes}");
    assert_eq!(
        lead_ids(&build(&desk, &["--leads", "leads.ndjson", "crm.csv"])),
        [Some(1_000_000_000_000_001)]
    );
}

#[test]
fn the_event_ids_do_not_change_when_a_join_adds_an_id_and_nothing_goes_twice() {
    let desk = desk();
    desk.file(
        "crm.csv",
        "email,event_name,event_time\nava@example.com,Lead,2026-11-18T10:00:00Z\n",
    );
    let ids = |events: Vec<Value>| {
        events
            .iter()
            .map(|event| event["event_id"].clone())
            .collect::<Vec<_>>()
    };
    let without = ids(build(&desk, &["crm.csv"]));
    assert_eq!(
        ids(build(&desk, &["--leads", "leads.ndjson", "crm.csv"])),
        without
    );
    let listener = crate::support::listener::Listener::accepting();
    let upload = |more: &[&str]| {
        let mut args = vec![
            "upload",
            "--now",
            NOW,
            "--format",
            "json",
            "--graph-url",
            &listener.url,
            "--dataset-id",
            DATASET,
        ];
        args.extend(more);
        args.push("crm.csv");
        desk.run_with(&args, &[("CRM2CAPI_ACCESS_TOKEN", "any")])
            .ended(0)
            .json()
    };
    assert_eq!(upload(&[])["accepted"], 1);
    let again = upload(&["--leads", "leads.ndjson"]);
    assert_eq!(
        (&again["accepted"], &again["skipped_delivered"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(again["lead_coverage"]["covered"], 1);
}

#[test]
fn a_lead_of_which_more_is_known_later_goes_once() {
    let desk = Desk::new();
    let listener = crate::support::listener::Listener::accepting();
    let upload = |rows: &str| {
        desk.file(
            "crm.csv",
            format!("lead_id,email,phone,event_name,event_time\n{rows}\n"),
        );
        let args = [
            "upload",
            "--now",
            NOW,
            "--format",
            "json",
            "--graph-url",
            &listener.url,
            "--dataset-id",
            DATASET,
            "crm.csv",
        ];
        desk.run_with(&args, &[("CRM2CAPI_ACCESS_TOKEN", "any")])
            .ended(0)
            .json()
    };
    let time = "2026-11-18T10:00:00Z";
    assert_eq!(
        upload(&format!(",,+12125550101,Lead,{time}"))["accepted"],
        1
    );
    for rows in [
        format!(",ava@example.com,+12125550101,Lead,{time}"),
        format!("1000000000000001,ava@example.com,+12125550101,Lead,{time}"),
        format!(",,+12125550101,Lead,{time}"),
    ] {
        let report = upload(&rows);
        assert_eq!(
            (&report["accepted"], &report["skipped_delivered"]),
            (&json!(0), &json!(1)),
            "{rows}"
        );
        let grew = report["problems"]
            .as_array()
            .unwrap()
            .iter()
            .any(|found| found["code"] == "identity-grew");
        assert_eq!(grew, rows.contains('@'), "{rows}");
    }
    // Another person with the same phone, and another stage, are other events.
    let report = upload(&format!(
        ",bob@example.com,+12125550101,Lead,{time}\n,ava@example.com,+12125550101,MQL,{time}"
    ));
    assert_eq!(report["accepted"], 2);
}

#[test]
fn what_nobody_is_sure_of_goes_again_under_the_id_it_went_under() {
    let desk = Desk::new();
    let listener =
        crate::support::listener::Listener::answering(|_| (200, r#"{"events_received":7}"#.into()));
    let upload = |row: &str| {
        desk.file(
            "crm.csv",
            format!("email,phone,event_name,event_time\n{row},Lead,2026-11-18T10:00:00Z\n"),
        );
        let args = [
            "upload",
            "--now",
            NOW,
            "--graph-url",
            &listener.url,
            "--dataset-id",
            DATASET,
            "crm.csv",
        ];
        desk.run_with(&args, &[("CRM2CAPI_ACCESS_TOKEN", "any")]);
    };
    upload(",+12125550101");
    upload("ava@example.com,+12125550101");
    let events: Vec<Value> = listener
        .requests()
        .iter()
        .flat_map(|request| request.events())
        .collect();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["event_id"], events[1]["event_id"]);
    assert!(events[1]["user_data"].get("em").is_some());
}

#[test]
fn a_row_without_a_raw_lead_gets_one_by_metas_clock_when_the_settings_say_so() {
    let desk = desk();
    desk.file(
        "crm2capi.toml",
        "[join]\nleads = [\"leads.ndjson\"]\nraw_lead = \"Lead\"\n",
    );
    desk.file(
        "crm.csv",
        "email,Became MQL\nava@example.com,2026-11-19T10:00:00Z\nmarcus@example.com,\nstranger@example.com,\n",
    );
    let events = build(&desk, &["--stage-column", "Became MQL=MQL", "crm.csv"]);
    let told: Vec<(&str, i64)> = events
        .iter()
        .map(|event| {
            (
                event["event_name"].as_str().unwrap(),
                event["event_time"].as_i64().unwrap(),
            )
        })
        .collect();
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_second();
    assert_eq!(
        told,
        [
            ("Lead", at("2026-11-18T08:00:00Z")),
            ("MQL", at("2026-11-19T10:00:00Z")),
            ("Lead", at("2026-11-18T09:00:00Z")),
        ]
    );
}

#[test]
fn hashed_leads_join_as_well_as_those_in_the_clear() {
    let desk = desk();
    let hashed = format!(
        "{{\"id\":\"1000000000000001\",\"created_time\":\"2026-11-18T08:00:00+0000\",\"email\":\"{}\"}}\n",
        sha256("ava@example.com")
    );
    desk.file("hashed.ndjson", hashed);
    desk.file("meta.csv", "id\tcreated_time\tform_id\tplatform\temail\nl:1000000000000001\t2026-11-18T03:00:00-05:00\tf:1\tfb\tava@example.com\n");
    desk.file(
        "crm.csv",
        "email,event_name,event_time\nava@example.com,Lead,2026-11-18T10:00:00Z\n",
    );
    for leads in ["hashed.ndjson", "meta.csv"] {
        let ids = lead_ids(&build(&desk, &["--leads", leads, "crm.csv"]));
        assert_eq!(ids, [Some(1_000_000_000_000_001)], "{leads}");
    }
}

#[test]
fn leads_that_cannot_be_used_are_said_and_an_output_is_never_an_input() {
    let desk = desk();
    desk.file(
        "crm.csv",
        "email,event_name,event_time\nava@example.com,Lead,2026-11-18T10:00:00Z\n",
    );
    desk.file(
        "no-ids.csv",
        "created_time,email\n2026-11-18T08:00:00Z,ava@example.com\n",
    );
    desk.file(
        "empty-ids.csv",
        "lead_id,created_time,email\n,2026-11-18T08:00:00Z,ava@example.com\n",
    );
    for (file, says) in [
        ("no-ids.csv", "no column of lead ids"),
        ("empty-ids.csv", "holds no lead"),
        ("none.csv", "none.csv"),
    ] {
        let ran = validate(&desk, &["--leads", file, "crm.csv"]).ended(2);
        assert!(ran.stderr.contains(says), "{file}: {}", ran.stderr);
    }
    desk.file("empty.csv", "lead_id,created_time,email\n1000000000000001,2026-11-18T08:00:00Z,\n1000000000000002,2026-11-18T08:00:00Z,n/a\n1000000000000003,,\n");
    let ran = validate(&desk, &["--leads", "empty.csv", "crm.csv"]).ended(0);
    assert!(
        ran.stderr.contains("no lead has an email or a phone"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("1 lead without a time"),
        "{}",
        ran.stderr
    );
    let ran = validate(
        &desk,
        &[
            "--leads",
            "leads.ndjson",
            "--leads-missing",
            "leads.ndjson",
            "crm.csv",
        ],
    )
    .ended(2);
    assert!(ran.stderr.contains("same file"), "{}", ran.stderr);
    let ran = validate(&desk, &["--leads-missing", "x.csv", "crm.csv"]).ended(2);
    assert!(ran.stderr.contains("--leads FILE"), "{}", ran.stderr);
    let ran = validate(
        &desk,
        &[
            "--leads",
            "leads.ndjson",
            "--leads-missing",
            "no/such/x.csv",
            "crm.csv",
        ],
    )
    .ended(2);
    let wanted = "cannot write the missing leads no/such/x.csv: there is no folder no/such; nothing was sent";
    assert!(ran.stderr.contains(wanted), "{}", ran.stderr);
    std::fs::create_dir(desk.path().join("sub")).unwrap();
    desk.file(
        "sub/crm2capi.toml",
        "[join]\nleads = [\"../leads.ndjson\"]\n",
    );
    let mut found = desk.command(&["validate", "../crm.csv"]);
    let ran = Ran::of(
        &["validate"],
        found.current_dir(desk.path().join("sub")).output().unwrap(),
    )
    .ended(2);
    assert!(
        ran.stderr.contains("[join]") && ran.stderr.contains("--config"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_markdown_report_tells_the_coverage() {
    let desk = desk();
    desk.file(
        "crm.csv",
        "email,event_name,event_time\nava@example.com,Lead,2026-11-18T10:00:00Z\n",
    );
    validate(
        &desk,
        &["--leads", "leads.ndjson", "--report", "r.md", "crm.csv"],
    )
    .ended(0);
    let page = std::fs::read_to_string(desk.path().join("r.md")).unwrap();
    assert!(page.contains("| form Offer | 2 | 1 | 50 % |"), "{page}");
    assert!(page.contains("| **all** | 4 | 1 | 25 % |"), "{page}");
}

/// Downloads of two weeks that share days, in both forms: each lead counts once, whichever file is read first.
#[test]
fn two_files_of_leads_that_overlap_hold_each_lead_once() {
    let desk = desk();
    let lines: Vec<&str> = LEADS.lines().collect();
    desk.file("first.ndjson", lines[..3].join("\n") + "\n");
    let second = "id\tcreated_time\tform_id\tform_name\temail\tphone_number\n\
        l:1000000000000002\t2026-11-18T04:00:00-05:00\tf:1\tOffer\tmarcus@example.com\tp:+12125550102\n\
        l:1000000000000003\t2026-11-19T04:00:00-05:00\tf:2\tTrial\tpriya@example.com\tp:+12125550103\n\
        l:1000000000000004\t2026-11-20T04:00:00-05:00\tf:2\tTrial\tnobody@example.com\t\n";
    desk.file("second.csv", second);
    desk.file(
        "crm.csv",
        "email,phone,event_name,event_time\n\
         ava@example.com,,Lead,2026-11-18T10:00:00Z\n\
         marcus@example.com,,Lead,2026-11-18T10:00:00Z\n\
         ,+12125550103,Lead,2026-11-19T10:00:00Z\n",
    );
    let whole = ["--leads", "leads.ndjson", "crm.csv"];
    let report = |args: &[&str]| {
        let mut report = validate(&desk, args).ended(0).json();
        report["lead_coverage"]["files"].take();
        report
    };
    let expected = report(&whole);
    assert_eq!(expected["lead_coverage"]["leads"], 4);
    for files in [
        ["first.ndjson", "second.csv"],
        ["second.csv", "first.ndjson"],
    ] {
        let args = ["--leads", files[0], "--leads", files[1], "crm.csv"];
        let report = report(&args);
        for key in ["lead_coverage", "match_keys", "would_send", "problems"] {
            assert_eq!(report[key], expected[key], "{files:?} {key}");
        }
        let first = 1_000_000_000_000_001;
        let ids = [first, first + 1, first + 2].map(Some);
        assert_eq!(lead_ids(&build(&desk, &args)), ids, "{files:?}");
        let missing = [&args[..], &["--leads-missing", "missing.csv"]].concat();
        validate(&desk, &missing).ended(0);
        let missing = std::fs::read_to_string(desk.path().join("missing.csv")).unwrap();
        assert_eq!(missing.matches("1000000000000004").count(), 1, "{missing}");
        assert!(!missing.contains("1000000000000002"), "{missing}");
    }
}

#[cfg(unix)]
#[test]
fn the_missing_leads_replace_nothing_but_earlier_ones() {
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    let lead = r#"{"id":"7100000000000001","created_time":"2026-11-20T09:00:00Z","email":"ann@example.com"}"#;
    desk.file("leads.ndjson", format!("{lead}\n"));
    desk.file(
        "crm.csv",
        "email,event_name,event_time\nbob@example.com,Won,2026-11-20T10:00:00Z\n",
    );
    let missing = |path: &str| {
        let args = [
            "--leads",
            "leads.ndjson",
            "--leads-missing",
            path,
            "crm.csv",
        ];
        validate(&desk, &args)
    };
    for name in ["notes.csv", "ledger.sqlite3"] {
        desk.file(name, "ask Eva\n");
        let ran = missing(name).ended(2);
        assert!(ran.stderr.contains(name), "{}", ran.stderr);
        let kept = std::fs::read_to_string(desk.path().join(name)).unwrap();
        assert_eq!(kept, "ask Eva\n");
    }
    for _ in 0..2 {
        missing("missing.csv").ended(0);
        let path = desk.path().join("missing.csv");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.ends_with("\nl:7100000000000001,2026-11-20T09:00:00Z,,\n"),
            "{text}"
        );
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // A link stays one, and a pipe is written to as it is.
    std::os::unix::fs::symlink("missing.csv", desk.path().join("link.csv")).unwrap();
    missing("link.csv").ended(0);
    let link = std::fs::symlink_metadata(desk.path().join("link.csv")).unwrap();
    assert!(link.is_symlink());
    let pipe = desk.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let mut options = std::fs::OpenOptions::new();
    let mut reader = options.read(true).write(true).open(&pipe).unwrap();
    missing("pipe").ended(0);
    let mut start = [0; 57];
    reader.read_exact(&mut start).unwrap();
    assert!(start.ends_with(b"l:7100000000000001"), "{start:?}");
    assert!(!std::fs::metadata(&pipe).unwrap().is_file());
}

#[test]
fn one_old_contact_does_not_lower_the_coverage() {
    let desk = Desk::new();
    let mut leads = String::new();
    let mut crm = "email,created,stage,stage_date\n".to_owned();
    for number in 10..20 {
        for (month, id) in [("09", 10), ("11", 20)] {
            leads += &format!(
                "{{\"id\":\"10000000000{id}0{number}\",\"created_time\":\"2026-{month}-{number}T08:00:00+0000\",\
                 \"form_id\":\"1\",\"email\":\"lead{id}{number}@example.com\"}}\n"
            );
        }
        let day = format!("2026-11-{number}");
        crm += &format!("lead20{number}@example.com,{day}T08:30:00Z,Lead,{day}T08:30:00Z\n");
    }
    desk.file("meta.ndjson", leads);
    desk.file("crm.csv", &crm);
    let old = "old@example.com,2019-03-01T08:00:00Z,Won,2026-11-20T08:00:00Z\n";
    desk.file("with-old.csv", crm + old);
    for export in ["crm.csv", "with-old.csv"] {
        let columns = ["--map", "created_time=created"];
        let args = [&[export, "--leads", "meta.ndjson"], &columns[..]].concat();
        let report = validate(&desk, &args).json();
        let coverage = &report["lead_coverage"];
        assert_eq!(coverage["since"], "2026-11-10T00:00:00Z", "{report}");
        assert_eq!(coverage["covered"], 10, "{coverage}");
        assert_eq!(coverage["share"], 1.0, "{coverage}");
    }
}

#[test]
fn the_raw_lead_that_the_join_makes_is_no_first_stage_of_the_export() {
    let desk = Desk::new();
    let leads: String = (1..=4)
        .map(|month| {
            format!(
                "{{\"id\":\"100000000000000{month}\",\"created_time\":\"2026-0{month}-01T08:00:00+0000\",\
                 \"form_id\":\"1\",\"email\":\"lead{month}@example.com\"}}\n"
            )
        })
        .collect();
    desk.file("meta.ndjson", leads);
    desk.file(
        "crm.csv",
        "email,stage,stage_date\nlead1@example.com,Won,2026-11-20T08:00:00Z\nlead4@example.com,Won,2026-03-20T08:00:00Z\n",
    );
    desk.file("s.toml", "[join]\nraw_lead = \"Lead\"\n");
    let args = ["crm.csv", "--leads", "meta.ndjson", "--config", "s.toml"];
    let report = validate(&desk, &args).json();
    let coverage = &report["lead_coverage"];
    assert_eq!(report["events"], 3, "{report}");
    assert_eq!(coverage["since"], "2026-03-20T00:00:00Z", "{coverage}");
    assert_eq!(coverage["in_window"], 1, "{coverage}");
}
