//! `crm2capi leads` against the sandbox and against a second server written from the documentation.

use serde_json::{Value, json};

use crate::support::graph::{Graph, USER, World, lead};
use crate::support::sandbox::Sandbox;
use crate::support::{Desk, Ran, repository};

const NOW: &str = "2026-11-21T16:00:00Z";

fn run(desk: &Desk, url: &str, args: &[&str]) -> Ran {
    let mut all = vec!["leads", "--graph-url", url, "--now", NOW];
    all.extend(args);
    desk.run_with(&all, &[("CRM2CAPI_LEADS_TOKEN", USER)])
}

fn records(desk: &Desk, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(desk.path().join(name)).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn ids(desk: &Desk, name: &str) -> Vec<String> {
    let records = records(desk, name);
    let mut ids: Vec<String> = records
        .iter()
        .map(|record| record["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

fn names(desk: &Desk) -> Vec<String> {
    let entries = std::fs::read_dir(desk.path()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

fn sandbox(desk: &Desk) -> Sandbox {
    let leads = repository("examples/leads/sandbox.json");
    Sandbox::start(desk, &["--now", NOW, "--leads", &leads])
}

fn day(day: u8) -> String {
    format!("2026-11-{day:02}T09:30:12+0000")
}

/// So many leads of one person, a day apart, with ids that begin alike.
fn many(count: u8, id: &str) -> Vec<Value> {
    let lead = |n| lead(&format!("{id}{n}"), &day(10 + n), "a@example.com");
    (0..count).map(lead).collect()
}

#[test]
fn the_sandboxs_leads_come_with_the_types_of_their_questions_and_without_tests_and_expired_ones() {
    let desk = Desk::new();
    let sandbox = sandbox(&desk);
    let ran = run(&desk, &sandbox.url, &[]).ended(0);
    assert!(
        ran.stderr.contains("people's data in the clear"),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.contains("Autumn test drive (780000000000001): 10 read, 10 new, 1 expired at Meta after 90 days, 1 test leads, skipped (Meta counts 12)"), "{}", ran.stdout);
    assert!(
        ran.stdout
            .contains("leads.ndjson: 12 leads, 12 of them new"),
        "{}",
        ran.stdout
    );
    let records = records(&desk, "leads.ndjson");
    let ines = records
        .iter()
        .find(|record| record["id"] == "9123456789012345")
        .unwrap();
    assert_eq!(
        *ines,
        json!({"id": "9123456789012345", "created_time": "2026-11-19T15:44:02+0000", "form_id": "780000000000002",
            "form_name": "Probefahrt", "ad_id": "120210000000000101", "ad_name": "Autumn video",
            "campaign_id": "120210000000000001", "campaign_name": "Autumn", "platform": "fb", "is_organic": false,
            "email": "ines.vogel@example.com", "phone": "+493023125077", "full_name": "Ines Vogel",
            "custom.gewünschtes_modell": "Kombi"})
    );
    let again = run(&desk, &sandbox.url, &[]).ended(0);
    assert!(
        again.stdout.contains("12 leads, 0 of them new"),
        "{}",
        again.stdout
    );
    assert!(!again.stderr.contains("in the clear"), "{}", again.stderr);
}

#[cfg(unix)]
#[test]
fn the_file_is_its_owners_alone_whatever_it_was_before() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    let sandbox = sandbox(&desk);
    let path = desk.file("leads.csv", "");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    run(&desk, &sandbox.url, &["-o", "leads.csv"]).ended(0);
    let mode = |name: &str| {
        let metadata = std::fs::metadata(desk.path().join(name)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(
        (mode("leads.csv"), mode("leads.csv.watermark")),
        (0o600, 0o600)
    );
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.starts_with("id,created_time,form_id,"), "{text}");
    assert_eq!(text.lines().count(), 13);
}

/// Whatever has an `id` too, such as a CRM's export, is not a file of leads.
#[cfg(unix)]
#[test]
fn a_file_of_a_persons_own_is_neither_changed_nor_its_mode() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    let sandbox = sandbox(&desk);
    let time = "2026-11-20T09:30:12+0000";
    let ours = "id,created_time,form_id,form_name,ad_id,ad_name,adset_id,adset_name,campaign_id,campaign_name,platform,\
                is_organic,partner_name";
    for (name, text) in [
        ("a.csv", "id,name,stage\n1,Ann,New\n2,Bea,Won\n".to_owned()),
        ("b.csv", "id,name,stage\n1,Ann,New\n2,Bea,Won".to_owned()),
        ("c.csv", "id,name".to_owned()),
        (
            "d.csv",
            format!("id,created_time,email\n1,{time},a@example.com\n"),
        ),
        ("e.csv", format!("{ours},email,score\n")),
        ("f.csv", format!("{ours}\n1.23E+15,{time},,,,,,,,,,,\n")),
        ("g.csv", format!("{ours}\n1,yesterday,,,,,,,,,,,\n")),
        ("a.ndjson", "{\"id\":1,\"name\":\"Ann\"}\n".to_owned()),
        (
            "b.ndjson",
            "{\"id\":\"1\",\"name\":\"Ann\"}".to_owned() + "\n",
        ),
        (
            "c.ndjson",
            format!("{{\"id\":\"1\",\"created_time\":\"{time}\",\"stage\":\"New\"}}\n"),
        ),
        ("d.ndjson", "{\"name\":\"Ann\"".to_owned()),
        (
            "e.ndjson",
            "{\"id\":\"1\",\"created_time\":\"soon\"}\n".to_owned(),
        ),
        ("f.ndjson", "\n".to_owned()),
    ] {
        let path = desk.file(name, &text);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let ran = run(&desk, &sandbox.url, &["-o", name]).ended(2);
        assert!(
            ran.stderr.contains("name another file with --output"),
            "{name} {}",
            ran.stderr
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "{name}");
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644, "{name}");
    }
}

#[test]
fn hashed_leads_hold_ids_times_and_hashes_and_no_answers() {
    let desk = Desk::new();
    let sandbox = sandbox(&desk);
    let ran = run(&desk, &sandbox.url, &["--hashed"]).ended(0);
    assert!(!ran.stderr.contains("in the clear"), "{}", ran.stderr);
    let text = std::fs::read_to_string(desk.path().join("leads.ndjson")).unwrap();
    for person in ["example.com", "Ines", "+49", "Kombi", "full_name"] {
        assert!(!text.contains(person), "{person}");
    }
    let records = records(&desk, "leads.ndjson");
    let ines = records
        .iter()
        .find(|record| record["id"] == "9123456789012345")
        .unwrap();
    assert_eq!(
        ines["email"],
        crate::support::sha256("ines.vogel@example.com")
    );
    assert_eq!(ines["phone"], crate::support::sha256("493023125077"));
}

#[test]
fn leads_that_are_hashed_and_leads_that_are_not_do_not_share_a_file() {
    let desk = Desk::new();
    let sandbox = sandbox(&desk);
    for name in ["leads.ndjson", "leads.csv"] {
        let file = desk.path().join(name);
        for (first, second, says) in [
            (&[][..], &["--hashed"][..], "holds leads in the clear"),
            (&["--hashed"], &[], "holds hashed leads"),
        ] {
            let _ = std::fs::remove_file(&file);
            run(&desk, &sandbox.url, &[first, &["-o", name]].concat()).ended(0);
            let before = std::fs::read(&file).unwrap();
            let ran = run(&desk, &sandbox.url, &[second, &["-o", name]].concat()).ended(2);
            assert!(ran.stderr.contains(says), "{}", ran.stderr);
            assert_eq!(std::fs::read(&file).unwrap(), before);
            run(&desk, &sandbox.url, &[first, &["-o", name]].concat()).ended(0);
        }
    }
}

#[test]
fn only_the_form_the_ad_or_the_page_that_is_named_is_read() {
    let desk = Desk::new();
    let sandbox = sandbox(&desk);
    run(
        &desk,
        &sandbox.url,
        &["--form", "780000000000002", "-o", "form.ndjson"],
    )
    .ended(0);
    assert_eq!(
        ids(&desk, "form.ndjson"),
        ["5678901234567890", "9123456789012345"]
    );
    run(
        &desk,
        &sandbox.url,
        &["--ad", "120210000000000101", "-o", "ad.ndjson"],
    )
    .ended(0);
    let ad = records(&desk, "ad.ndjson");
    let ines = ad
        .iter()
        .find(|record| record["id"] == "9123456789012345")
        .unwrap();
    // The answers of an ad's leads are called by the questions of each lead's own form.
    assert_eq!(
        (&ines["email"], &ines["form_name"]),
        (&json!("ines.vogel@example.com"), &json!("Probefahrt"))
    );
    run(
        &desk,
        &sandbox.url,
        &["--page", "104000000000001", "-o", "page.ndjson"],
    )
    .ended(0);
    assert_eq!(ids(&desk, "page.ndjson").len(), 12);
    let ran = run(&desk, &sandbox.url, &["--form", "12x"]).ended(2);
    assert!(ran.stderr.contains("digits"), "{}", ran.stderr);
}

#[test]
fn every_page_is_read_by_its_cursor_and_ids_keep_every_digit() {
    let desk = Desk::new();
    let graph = Graph::of_leads(many(7, "1234567890123456"));
    run(&desk, &graph.listener.url, &[]).ended(0);
    assert_eq!(ids(&desk, "leads.ndjson").len(), 7);
    assert_eq!(ids(&desk, "leads.ndjson")[6], "12345678901234566");
    let targets = graph.targets();
    let of_leads = targets
        .iter()
        .filter(|target| target.contains("/700/leads"));
    assert_eq!(of_leads.count(), 4, "{targets:?}");
    assert!(
        targets
            .iter()
            .any(|target| target.contains("after=cursor2")),
        "{targets:?}"
    );
}

#[test]
fn since_last_goes_on_where_the_last_download_began_and_a_little_before() {
    let desk = Desk::new();
    let graph = Graph::of_leads(vec![lead("1000000000000001", &day(20), "a@example.com")]);
    let url = graph.listener.url.clone();
    run(&desk, &url, &["--since", "last"]).ended(0);
    let late = lead(
        "1000000000000002",
        "2026-11-21T15:50:00+0000",
        "b@example.com",
    );
    let too_early = lead(
        "1000000000000003",
        "2026-11-21T15:40:00+0000",
        "c@example.com",
    );
    graph.world.lock().unwrap().forms[0]
        .2
        .extend([late, too_early]);
    run(&desk, &url, &["--since", "last"]).ended(0);
    assert_eq!(
        ids(&desk, "leads.ndjson"),
        ["1000000000000001", "1000000000000002"]
    );
    let targets = graph.targets();
    // 16:00 less a quarter of an hour.
    assert!(
        targets.last().unwrap().contains("\"value\":1795275900"),
        "{targets:?}"
    );
    // A file that was emptied is filled again.
    desk.file("leads.ndjson", "");
    run(&desk, &url, &["--since", "last"]).ended(0);
    assert_eq!(ids(&desk, "leads.ndjson").len(), 3);
}

#[test]
fn a_throttled_download_waits_as_meta_says_and_goes_on() {
    for code in [80005, 80001, 32, 4] {
        let desk = Desk::new();
        let graph = Graph::of_leads(vec![lead("1000000000000001", &day(20), "a@example.com")]);
        let header = "X-Business-Use-Case-Usage: {\"1\":[{\"type\":\"leadgen\",\"call_count\":100,\"estimated_time_to_regain_access\":0.02}]}\r\n";
        graph.fail(
            "/700/leads",
            400,
            header,
            json!({"code": code, "message": "x"}),
        );
        let begun = std::time::Instant::now();
        let ran = run(&desk, &graph.listener.url, &[]).ended(0);
        assert!(begun.elapsed().as_secs_f64() >= 1.2, "{code}");
        assert!(ran.stderr.contains("throttled"), "{}", ran.stderr);
        assert_eq!(ids(&desk, "leads.ndjson"), ["1000000000000001"]);
    }
}

#[test]
fn a_throttle_that_lasts_and_an_outage_end_with_4_and_keep_what_came() {
    let desk = Desk::new();
    let graph = Graph::of_leads(many(4, "100000000000000"));
    let header =
        "X-Business-Use-Case-Usage: {\"1\":[{\"estimated_time_to_regain_access\":300}]}\r\n";
    graph.fail("after=cursor2", 400, header, json!({"code": 80005}));
    let ran = run(&desk, &graph.listener.url, &[]).ended(4);
    assert!(ran.stderr.contains("error: "), "{}", ran.stderr);
    assert_eq!(ids(&desk, "leads.ndjson").len(), 2);
    graph.fail("/700/leads", 502, "", json!({}));
    let ran = run(
        &desk,
        &graph.listener.url,
        &["--since", "last", "--give-up-after", "0"],
    )
    .ended(4);
    assert!(ran.stderr.contains("run it again later"), "{}", ran.stderr);
    // The form was never read to its end, so it is read from the beginning.
    run(&desk, &graph.listener.url, &["--since", "last"]).ended(0);
    assert_eq!(ids(&desk, "leads.ndjson").len(), 4);
}

#[test]
fn a_token_that_is_revoked_in_mid_download_ends_it_and_loses_nothing() {
    let desk = Desk::new();
    let graph = Graph::of_leads(many(4, "100000000000000"));
    graph.fail(
        "after=cursor2",
        400,
        "",
        json!({"code": 190, "error_subcode": 460, "message": "EAAuserToken"}),
    );
    let ran = run(&desk, &graph.listener.url, &[]).ended(3);
    assert!(
        ran.stderr.contains("190/460") && ran.stderr.contains("are kept"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("EAA"), "{}", ran.stderr);
    let said = "error: Meta refused the token: 190/460";
    assert!(
        ran.stderr.contains(said) && ran.stderr.contains("generate a new token"),
        "{}",
        ran.stderr
    );
    assert_eq!(ids(&desk, "leads.ndjson").len(), 2);
    run(&desk, &graph.listener.url, &[]).ended(0);
    assert_eq!(ids(&desk, "leads.ndjson").len(), 4);
}

#[test]
fn a_token_without_permission_says_which_and_ends_with_3() {
    for (code, status) in [(200, 403), (10, 400), (103, 403)] {
        let desk = Desk::new();
        let graph = Graph::of_leads(Vec::new());
        graph.fail(
            "/700/leads",
            status,
            "",
            json!({"code": code, "message": "x"}),
        );
        let ran = run(&desk, &graph.listener.url, &[]).ended(3);
        let says = if code == 103 {
            "Leads Access Manager"
        } else {
            "leads_retrieval"
        };
        assert!(ran.stderr.contains(says), "{code}: {}", ran.stderr);
    }
    let desk = Desk::new();
    let graph = Graph::of_leads(Vec::new());
    let none = desk
        .run(&["leads", "--graph-url", &graph.listener.url])
        .ended(2);
    assert!(
        none.stderr.contains("CRM2CAPI_LEADS_TOKEN"),
        "{}",
        none.stderr
    );
    let wrong = desk.run_with(
        &["leads", "--graph-url", &graph.listener.url],
        &[("CRM2CAPI_LEADS_TOKEN", "EAAother")],
    );
    let wrong = wrong.ended(3);
    assert!(wrong.stderr.contains("190"), "{}", wrong.stderr);
}

#[test]
fn a_form_that_was_deleted_is_said_and_the_others_are_read() {
    let desk = Desk::new();
    let graph = Graph::start(World {
        forms: vec![
            (
                "700".into(),
                json!([]),
                vec![lead("1000000000000001", &day(20), "a@example.com")],
            ),
            (
                "701".into(),
                json!([]),
                vec![lead("1000000000000002", &day(20), "b@example.com")],
            ),
        ],
        instead: Vec::new(),
    });
    let error = json!({"code": 100, "error_subcode": 33, "message": "Unsupported get request", "type": "GraphMethodException"});
    graph.fail("/700/leads", 400, "", error);
    let ran = run(&desk, &graph.listener.url, &[]).ended(1);
    assert!(
        ran.stderr.contains("700") && ran.stderr.contains("deleted"),
        "{}",
        ran.stderr
    );
    assert_eq!(ids(&desk, "leads.ndjson"), ["1000000000000002"]);
    let ran = run(
        &desk,
        &graph.listener.url,
        &["--form", "999", "--form", "701"],
    )
    .ended(1);
    assert!(ran.stderr.contains("999"), "{}", ran.stderr);
}

#[test]
fn leads_without_answers_with_several_values_or_without_ids_lose_nothing() {
    let desk = Desk::new();
    let bare = json!({"id": "1000000000000001", "created_time": day(20)});
    let several = json!({"id": 1_000_000_000_000_002_u64, "created_time": day(20),
        "field_data": [{"name": "email", "values": ["a@example.com", "b@example.com"]}, {"name": "farbe", "values": []}]});
    let float = json!({"id": 1.5e15, "created_time": day(20)});
    let nameless = json!({"created_time": day(20)});
    let graph = Graph::of_leads(vec![bare, several, float, nameless]);
    let ran = run(&desk, &graph.listener.url, &[]).ended(0);
    assert!(
        ran.stdout.contains("2 without an id or a time, skipped"),
        "{}",
        ran.stdout
    );
    let records = records(&desk, "leads.ndjson");
    assert_eq!(
        records[0],
        json!({"id": "1000000000000001", "created_time": day(20), "form_name": "Form 700"})
    );
    assert_eq!(records[1]["email"], "a@example.com; b@example.com");
}

#[test]
fn a_download_that_was_killed_is_completed_by_the_next() {
    let desk = Desk::new();
    let graph = Graph::of_leads(many(8, "100000000000000"));
    run(&desk, &graph.listener.url, &[]).ended(0);
    let whole = std::fs::read(desk.path().join("leads.ndjson")).unwrap();
    for cut in [0, 10, whole.len() / 2, whole.len() - 1] {
        desk.file("leads.ndjson", &whole[..cut]);
        std::fs::remove_file(desk.path().join("leads.ndjson.watermark")).unwrap();
        run(&desk, &graph.listener.url, &["--since", "last"]).ended(0);
        assert_eq!(ids(&desk, "leads.ndjson").len(), 8, "{cut}");
    }
    let notes = desk.file("notes.md", "# Notes\n");
    let ran = run(&desk, &graph.listener.url, &["-o", "notes.md"]).ended(2);
    assert!(
        ran.stderr.contains("notes.md") && ran.stderr.contains("name another file"),
        "{}",
        ran.stderr
    );
    assert_eq!(std::fs::read_to_string(notes).unwrap(), "# Notes\n");
}

/// Kills a live download wherever it is, by a signal that can be heeded and by one that cannot.
#[cfg(unix)]
#[test]
fn a_download_killed_at_any_moment_is_completed_by_the_next_and_holds_each_lead_once() {
    use std::process::Stdio;
    let slow = |leads: Vec<Value>| {
        let graph = Graph::of_leads(leads);
        let header =
            "X-Business-Use-Case-Usage: {\"1\":[{\"estimated_time_to_regain_access\":0.005}]}\r\n";
        for page in ["after=cursor2", "after=cursor4", "after=cursor6"] {
            graph.fail(page, 400, header, json!({"code": 80005}));
        }
        graph
    };
    let mut broken_off = 0;
    for (step, signal) in (0..12_u64).zip(["-KILL", "-INT"].into_iter().cycle()) {
        let desk = Desk::new();
        let graph = slow(many(8, "100000000000000"));
        let url = graph.listener.url.clone();
        let mut command = desk.command(&["leads", "--graph-url", &url, "--now", NOW]);
        command.env("CRM2CAPI_LEADS_TOKEN", USER);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20 + step * 120));
        let id = child.id().to_string();
        let _ = std::process::Command::new("kill")
            .args([signal, &id])
            .status();
        let ended = child.wait().unwrap();
        broken_off += usize::from(!ended.success());
        let mark = desk.path().join("leads.ndjson.watermark");
        assert!(ended.success() || !mark.exists(), "{step}");
        run(&desk, &url, &["--since", "last"]).ended(0);
        assert_eq!(ids(&desk, "leads.ndjson"), {
            let all = many(8, "100000000000000");
            all.iter()
                .map(|lead| lead["id"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        });
        assert!(mark.exists(), "{step}");
    }
    assert!(broken_off >= 4, "{broken_off}");
}

#[test]
fn the_doctor_says_who_may_read_what_and_what_to_click() {
    let desk = Desk::new();
    let well = sandbox(&desk);
    let ran = run(&desk, &well.url, &["--check"]).ended(0);
    for line in [
        "Lead sync (122100000000001)",
        "ok  leads_retrieval",
        "Page Thornfield Motors (104000000000001)",
    ] {
        assert!(ran.stdout.contains(line), "{}", ran.stdout);
    }
    assert!(!desk.path().join("leads.ndjson").exists());
    let mut world: Value = serde_json::from_str(
        &std::fs::read_to_string(repository("examples/leads/sandbox.json")).unwrap(),
    )
    .unwrap();
    world["permissions"] = json!([
        "pages_show_list",
        "ads_management",
        "pages_read_engagement",
        "pages_manage_ads"
    ]);
    world["pages"][0]["has_lead_access"] = json!({"can_access_lead": false, "user_has_leads_permission": false,
        "enabled_lead_access_manager": true, "failure_reason": "The user has no\u{1b}[31m access.", "failure_resolution": "Ask an admin."});
    let file = desk.file("world.json", world.to_string());
    let ill = Sandbox::start(&desk, &["--now", NOW, "--leads", file.to_str().unwrap()]);
    let ran = run(&desk, &ill.url, &["--check"]).ended(3);
    for line in [
        "NO  leads_retrieval",
        "generate a new token",
        "Ask an admin.",
        "keeps the user out",
        "Leads access",
    ] {
        assert!(ran.stdout.contains(line), "{line}: {}", ran.stdout);
    }
    assert!(!ran.stdout.contains('\u{1b}'), "{}", ran.stdout);
    let ran = run(&desk, &ill.url, &[]).ended(3);
    assert!(ran.stderr.contains("leads_retrieval"), "{}", ran.stderr);
}

#[test]
fn the_sandbox_plays_faults_and_knows_no_leads_unless_told() {
    let desk = Desk::new();
    let mut world: Value = serde_json::from_str(
        &std::fs::read_to_string(repository("examples/leads/sandbox.json")).unwrap(),
    )
    .unwrap();
    world["pages"][0]["forms"][0]["faults"] = json!([{"times": 1, "code": 2}]);
    let file = desk.file("world.json", world.to_string());
    let sandbox = Sandbox::start(&desk, &["--now", NOW, "--leads", file.to_str().unwrap()]);
    let ran = run(&desk, &sandbox.url, &[]).ended(0);
    assert!(ran.stderr.contains("trying again"), "{}", ran.stderr);
    assert_eq!(ids(&desk, "leads.ndjson").len(), 12);
    let bare = Sandbox::start(&desk, &[]);
    run(&desk, &bare.url, &["--check"]).ended(3);
}

/// A file called `-` would hold people's data where nobody looks for it.
#[test]
fn a_dash_is_standard_output_with_nothing_but_leads_on_it() {
    let desk = Desk::new();
    let sandbox = sandbox(&desk);
    for stream in ["-", "/dev/stdout"] {
        if cfg!(not(unix)) && stream != "-" {
            continue;
        }
        let ran = run(&desk, &sandbox.url, &["-o", stream]).ended(0);
        let is_lead = |line: &str| serde_json::from_str::<Value>(line).unwrap()["id"].is_string();
        assert_eq!(
            ran.stdout.lines().filter(|line| is_lead(line)).count(),
            12,
            "{stream}"
        );
        for said in [
            "standard output gets people's data",
            "10 read",
            "standard output: 12 leads",
        ] {
            assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
        }
        for (more, says) in [
            (["--since", "last"], "a stream keeps nothing"),
            (["--format", "csv"], "write it to a file"),
        ] {
            let args = ["-o", stream, more[0], more[1]];
            let ran = run(&desk, &sandbox.url, &args).ended(2);
            assert!(ran.stderr.contains(says), "{}", ran.stderr);
            assert_eq!(ran.stdout, "");
        }
    }
    let quiet = run(&desk, &sandbox.url, &["-o", "-", "--hashed", "--quiet"]).ended(0);
    assert_eq!((quiet.stdout.lines().count(), &*quiet.stderr), (12, ""));
    desk.file("crm2capi.toml", "[leads]\noutput = \"-\"\n");
    assert_eq!(
        run(&desk, &sandbox.url, &[])
            .ended(0)
            .stdout
            .lines()
            .count(),
        12
    );
    assert_eq!(names(&desk), ["crm2capi.toml"]);
}

#[cfg(unix)]
#[test]
fn a_pipe_gets_the_leads_as_they_come_and_a_link_is_refused_in_plain_words() {
    let desk = Desk::new();
    let sandbox = sandbox(&desk);
    let pipe = desk.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let reader = std::thread::spawn(move || std::fs::read_to_string(pipe).unwrap());
    run(&desk, &sandbox.url, &["-o", "pipe"]).ended(0);
    assert_eq!(reader.join().unwrap().lines().count(), 12);
    assert_eq!(names(&desk), ["pipe"]);
    std::os::unix::fs::symlink("elsewhere", desk.path().join("link")).unwrap();
    let ran = run(&desk, &sandbox.url, &["-o", "link"]).ended(2);
    assert!(
        ran.stderr
            .contains("link: it is a link, which is not followed"),
        "{}",
        ran.stderr
    );
}

#[test]
fn several_settings_are_a_run_each_with_a_file_of_its_own() {
    let desk = Desk::new();
    let sandbox = sandbox(&desk);
    desk.file(
        "a.toml",
        "[leads]\noutput = \"a.ndjson\"\nforms = [\"780000000000002\"]\n",
    );
    desk.file(
        "b.toml",
        "[leads]\noutput = \"b.csv\"\nhashed = true\nsince = \"last\"\n",
    );
    desk.file("c.toml", "[leads]\noutput = \"./a.ndjson\"\n");
    desk.file(
        "d.toml",
        "[leads]\npages = [\"12x\"]\noutput = \"d.ndjson\"\n",
    );
    let both = ["--config", "a.toml", "--config", "b.toml"];
    let ran = run(&desk, &sandbox.url, &both).ended(0);
    assert_eq!(
        ids(&desk, "a.ndjson"),
        ["5678901234567890", "9123456789012345"]
    );
    let b = std::fs::read_to_string(desk.path().join("b.csv")).unwrap();
    assert!(b.lines().count() == 13 && !b.contains("example.com"), "{b}");
    for line in [
        "a.toml: status 0, 2 leads, 2 of them new",
        "b.toml: status 0, 12 leads, 12 of them new",
    ] {
        assert!(ran.stdout.contains(line), "{}", ran.stdout);
    }
    // One that cannot be used keeps no other from its turn.
    let ran = run(
        &desk,
        &sandbox.url,
        &["--config", "d.toml", "--config", "b.toml"],
    )
    .ended(2);
    assert!(ran.stderr.contains("consist of digits"), "{}", ran.stderr);
    assert!(
        ran.stdout
            .contains("b.toml: status 0, 12 leads, 0 of them new"),
        "{}",
        ran.stdout
    );
    let ran = run(
        &desk,
        &sandbox.url,
        &["--config", "a.toml", "--config", "c.toml"],
    )
    .ended(2);
    assert!(ran.stderr.contains("are the same file"), "{}", ran.stderr);
    let ran = run(
        &desk,
        &sandbox.url,
        &["--config", "a.toml", "--config", "b.toml", "-o", "x"],
    )
    .ended(2);
    assert!(
        ran.stderr.contains("--output serves one run"),
        "{}",
        ran.stderr
    );
    // What the command line names is all that is read.
    run(
        &desk,
        &sandbox.url,
        &[
            "--config",
            "a.toml",
            "--page",
            "104000000000001",
            "-o",
            "e.ndjson",
        ],
    )
    .ended(0);
    assert_eq!(ids(&desk, "e.ndjson").len(), 12);
}

/// Meta keeps a cursor for some time only, and says so in several ways.
#[test]
fn a_cursor_that_meta_forgot_costs_the_place_and_no_lead() {
    for error in [
        json!({"code": 100, "error_subcode": 1_487_534, "message": "Invalid cursor"}),
        json!({"code": 100, "message": "Invalid parameter"}),
        json!({"code": 2_650, "message": "Failed to update the cursor"}),
    ] {
        let desk = Desk::new();
        let graph = Graph::of_leads(many(8, "100000000000000"));
        // Once in the middle, and once more behind it.
        graph.fail("after=cursor4", 400, "", error.clone());
        graph.fail("after=cursor6", 400, "", error.clone());
        let ran = run(&desk, &graph.listener.url, &[]).ended(0);
        assert!(
            ran.stderr.contains("no longer knows the place in a list"),
            "{}",
            ran.stderr
        );
        assert!(
            ran.stderr.contains("8 read, 8 new"),
            "{error}: {}",
            ran.stderr
        );
        let mut found = ids(&desk, "leads.ndjson");
        assert_eq!(found.len(), 8, "{error}");
        found.dedup();
        assert_eq!(found.len(), 8, "{error}");
        let targets = graph.targets();
        let beginnings = targets
            .iter()
            .filter(|target| target.contains("/700/leads") && !target.contains("after="));
        assert_eq!(beginnings.count(), 3, "{targets:?}");
    }
}

#[test]
fn a_list_whose_every_cursor_is_refused_ends_and_says_so() {
    let desk = Desk::new();
    let graph = Graph::of_leads(many(6, "100000000000000"));
    for _ in 0..4 {
        graph.fail(
            "after=cursor2",
            400,
            "",
            json!({"code": 100, "message": "no"}),
        );
    }
    let ran = run(&desk, &graph.listener.url, &[]).ended(1);
    assert!(ran.stderr.contains("700"), "{}", ran.stderr);
    // What came stays, no watermark says that all did, and the next download has the rest.
    assert_eq!(ids(&desk, "leads.ndjson").len(), 2);
    let graph = Graph::of_leads(many(6, "100000000000000"));
    run(&desk, &graph.listener.url, &["--since", "last"]).ended(0);
    assert_eq!(ids(&desk, "leads.ndjson").len(), 6);
}
