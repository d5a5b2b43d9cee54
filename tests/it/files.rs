//! What a run may write over, which settings are believed, and what an older rejects file keeps.

use crate::support::listener::Listener;
use crate::support::{Desk, NOW, Ran};

const HEAD: &str = "email,lead_id,stage,stage_date\n";
const GOOD: &str = "ada.nunn@example.com,1234567890123456,Lead,2026-11-20T10:00:00Z\n";
const BAD: &str = "ben.ott@example.com,1.23457E+15,Lead,2026-11-20T10:00:00Z\n";
const SETTINGS: &str = "[crm]\nname = \"Acme\"\n";

fn upload(desk: &Desk, server: &Listener, args: &[&str]) -> Ran {
    let to = [
        "upload",
        "--now",
        NOW,
        "--dataset-id",
        "123",
        "--graph-url",
        &server.url,
        "--give-up-after",
        "0",
        "--max-invalid",
        "100",
    ];
    let all: Vec<&str> = to.iter().chain(args).copied().collect();
    desk.run_with(&all, &[("CRM2CAPI_ACCESS_TOKEN", "EAABtoken")])
}

/// A desk with an export, settings, a token, and other names for the export.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.file("leads.csv", format!("{HEAD}{GOOD}{BAD}"));
    desk.file("s.toml", SETTINGS);
    desk.file("token", "EAABtoken");
    desk.file("hook", "https://hooks.example.com/x");
    desk.file(
        "n.toml",
        format!("{SETTINGS}[notify]\nurl_file = \"hook\"\n"),
    );
    desk
}

#[test]
fn an_output_that_is_a_file_of_the_run_is_refused_before_anything_is_read() {
    let (desk, server) = (desk(), Listener::accepting());
    std::fs::hard_link(desk.path().join("leads.csv"), desk.path().join("hard.csv")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("leads.csv", desk.path().join("link.csv")).unwrap();
    let mut same = vec!["leads.csv", "./leads.csv", "hard.csv"];
    if cfg!(unix) {
        same.push("link.csv");
    }
    let mut cases: Vec<Vec<&str>> = Vec::new();
    for path in same {
        for option in ["--rejects", "--metrics-file", "--ledger"] {
            cases.push(vec!["leads.csv", option, path]);
        }
    }
    cases.push(vec![
        "leads.csv",
        "--config",
        "s.toml",
        "--rejects",
        "s.toml",
    ]);
    cases.push(vec![
        "leads.csv",
        "--access-token-file",
        "token",
        "--rejects",
        "token",
    ]);
    cases.push(vec![
        "leads.csv",
        "--config",
        "n.toml",
        "--metrics-file",
        "./hook",
    ]);
    cases.push(vec!["leads.csv", "--ledger", "new", "--rejects", "./new"]);
    cases.push(vec![
        "leads.csv",
        "--ledger",
        "new",
        "--rejects",
        "new.lock",
    ]);
    cases.push(vec![
        "leads.csv",
        "--ledger",
        "d/new",
        "--rejects",
        "./d/new-wal",
    ]);
    cases.push(vec![
        "leads.csv",
        "--ledger",
        "new",
        "--rejects",
        "new.reserve",
    ]);
    cases.push(vec![
        "leads.csv",
        "--rejects",
        "new.json",
        "--report",
        "new.json",
    ]);
    for case in cases {
        let ran = upload(&desk, &server, &case).ended(2);
        assert!(
            ran.stderr.contains("are the same file"),
            "{case:?}: {}",
            ran.stderr
        );
        assert_eq!(ran.stdout, "");
    }
    let unchanged = |name: &str, content: &str| {
        let found = std::fs::read_to_string(desk.path().join(name)).unwrap();
        assert_eq!(found, content, "{name}");
    };
    unchanged("leads.csv", &format!("{HEAD}{GOOD}{BAD}"));
    unchanged("s.toml", SETTINGS);
    unchanged("token", "EAABtoken");
    assert_eq!(server.connections(), 0);
    for verb in ["validate", "build"] {
        desk.run(&[verb, "leads.csv", "--now", NOW, "--rejects", "leads.csv"])
            .ended(2);
    }
    unchanged("leads.csv", &format!("{HEAD}{GOOD}{BAD}"));
}

#[test]
fn a_file_that_is_no_rejects_file_is_not_replaced_by_one() {
    let (desk, server) = (desk(), Listener::accepting());
    desk.file("notes.csv", "a,b\n1,2\n");
    let ran = upload(&desk, &server, &["leads.csv", "--rejects", "notes.csv"]).ended(2);
    assert!(
        ran.stderr
            .contains("notes.csv: it is there already and was not written by crm2capi's --rejects, so it is not replaced;"),
        "{}",
        ran.stderr
    );
    let notes = std::fs::read_to_string(desk.path().join("notes.csv")).unwrap();
    assert_eq!(notes, "a,b\n1,2\n");
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_row_leaves_an_older_rejects_file_only_when_its_events_were_accepted() {
    let (desk, server) = (desk(), Listener::accepting());
    let rejects = || std::fs::read_to_string(desk.path().join("rejects.csv")).unwrap();
    let rows = || rejects().lines().count() - 1;
    let to = ["--rejects", "rejects.csv"];
    upload(&desk, &server, &[&["leads.csv"], to.as_slice()].concat()).ended(1);
    assert_eq!(rows(), 1);

    // Another export, in which all is well, does not make the row forgotten.
    desk.file("other.csv", format!("{HEAD}{}", GOOD.replace("ada", "eve")));
    upload(&desk, &server, &[&["other.csv"], to.as_slice()].concat()).ended(0);
    assert!(
        rows() == 1 && rejects().contains("ben.ott"),
        "{}",
        rejects()
    );

    // The same row refused again takes the place of the older one.
    upload(&desk, &server, &[&["leads.csv"], to.as_slice()].concat()).ended(1);
    assert_eq!(rows(), 1, "{}", rejects());

    // Corrected in a copy, with the network down: it stays.
    desk.file(
        "corrected.csv",
        rejects().replace("1.23457E+15", "2345678901234567"),
    );
    let corrected = [
        &["corrected.csv", "--graph-url", "http://127.0.0.1:1"],
        to.as_slice(),
    ]
    .concat();
    let args = [
        &[
            "upload",
            "--now",
            NOW,
            "--dataset-id",
            "123",
            "--give-up-after",
            "0",
        ],
        corrected.as_slice(),
    ]
    .concat();
    desk.run_with(&args, &[("CRM2CAPI_ACCESS_TOKEN", "EAABtoken")])
        .ended(4);
    assert!(
        rows() == 1 && rejects().contains("1.23457E+15"),
        "{}",
        rejects()
    );

    // Accepted, it goes.
    upload(
        &desk,
        &server,
        &[&["corrected.csv"], to.as_slice()].concat(),
    )
    .ended(0);
    assert_eq!(rows(), 0, "{}", rejects());
}

#[cfg(unix)]
#[test]
fn rejects_go_through_a_link_and_onto_a_device_as_it_is() {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    let (desk, server) = (desk(), Listener::accepting());
    desk.file("real.csv", "");
    std::os::unix::fs::symlink("real.csv", desk.path().join("link.csv")).unwrap();
    upload(&desk, &server, &["leads.csv", "--rejects", "link.csv"]).ended(1);
    let link = desk.path().join("link.csv");
    assert!(link.is_symlink());
    assert!(std::fs::read_to_string(&link).unwrap().contains("ben.ott"));
    let mode = std::fs::metadata(&link).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    upload(&desk, &server, &["leads.csv", "--rejects", "/dev/null"]).ended(1);
    let device = std::fs::metadata("/dev/null").unwrap().file_type();
    assert!(device.is_char_device());
}

/// Only root can make a link of another user.
#[cfg(unix)]
#[test]
fn an_output_does_not_go_through_a_link_of_another_user() {
    let desk = desk();
    desk.file("mine", "untouched");
    for (option, name) in [
        ("--rejects", "rejects.csv"),
        ("--report", "report.json"),
        ("--metrics-file", "metrics.prom"),
    ] {
        let link = desk.path().join(name);
        std::os::unix::fs::symlink("mine", &link).unwrap();
        if std::os::unix::fs::lchown(&link, Some(65_534), None).is_err() {
            return;
        }
        let args = ["upload", "leads.csv", "--sandbox", "--now", NOW];
        let ran = desk.run(&[&args[..], &[option, name]].concat()).ended(2);
        assert!(
            ran.stderr.contains("a link of another user"),
            "{}",
            ran.stderr
        );
    }
    let mine = std::fs::read_to_string(desk.path().join("mine")).unwrap();
    assert_eq!(mine, "untouched");
}

#[test]
fn settings_that_nobody_named_set_no_host_no_token_and_no_file_elsewhere() {
    let server = Listener::accepting();
    let url = format!("[meta]\ngraph_url = \"{}\"\n", server.url);
    let refused: [(&str, &str); 6] = [
        (
            "[input]\nfiles = [\"../leads.csv\"]\n",
            "files under [input]",
        ),
        (&url, "graph_url under [meta]"),
        (
            "[meta]\naccess_token_file = \"token\"\n",
            "access_token_file under [meta]",
        ),
        (
            "[output]\nrejects = \"../elsewhere.csv\"\n",
            "rejects under [output]",
        ),
        (
            "[output]\nrejects = \"/tmp/elsewhere.csv\"\n",
            "rejects under [output]",
        ),
        (
            "[delivery]\nledger = \"../ledger\"\n",
            "ledger under [delivery]",
        ),
    ];
    for (settings, named) in refused {
        let desk = desk();
        desk.file("crm2capi.toml", settings);
        for verb in ["upload", "validate"] {
            let ran = desk
                .run_with(
                    &[verb, "leads.csv", "--now", NOW, "--dataset-id", "1"],
                    &[("CRM2CAPI_ACCESS_TOKEN", "EAABtoken")],
                )
                .ended(2);
            let says = ran.stderr.contains(named) && ran.stderr.contains("name it with --config");
            assert!(says, "{}", ran.stderr);
        }
    }
    assert_eq!(server.connections(), 0);
    let desk = desk();
    desk.file("crm2capi.toml", "[output]\nrejects = \"rejects.csv\"\n");
    let args = ["validate", "leads.csv", "--now", NOW, "--format", "json"];
    let report = desk.run(&args).ended(1).json();
    assert_eq!(report["settings_file"], "crm2capi.toml");
    assert!(desk.path().join("rejects.csv").exists());
}

#[cfg(unix)]
#[test]
fn settings_that_nobody_named_do_not_leave_their_folder_through_a_link() {
    let (desk, elsewhere) = (desk(), Desk::new());
    let target = elsewhere.file("profile", "untouched");
    std::os::unix::fs::symlink(&target, desk.path().join("rejects.csv")).unwrap();
    desk.file("crm2capi.toml", "[output]\nrejects = \"rejects.csv\"\n");
    desk.run(&["validate", "leads.csv", "--now", NOW]).ended(2);
    assert_eq!(std::fs::read_to_string(target).unwrap(), "untouched");
}

#[test]
fn the_host_is_named_when_it_is_not_metas() {
    let (desk, server) = (desk(), Listener::accepting());
    let ran = upload(&desk, &server, &["leads.csv", "--format", "json"]).ended(1);
    let host = server.url.strip_prefix("http://").unwrap();
    assert_eq!(ran.json()["destination"]["host"], host);
}

#[test]
fn an_empty_test_event_code_sends_nothing() {
    let (desk, server) = (desk(), Listener::accepting());
    let ran = upload(&desk, &server, &["leads.csv", "--test-event-code", ""]).ended(2);
    assert!(
        ran.stderr.contains("the test event code is empty"),
        "{}",
        ran.stderr
    );
    desk.file("s.toml", "[meta]\ntest_event_code = \" \"\n");
    upload(&desk, &server, &["leads.csv", "--config", "s.toml"]).ended(2);
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_token_that_went_to_the_wrong_place_is_not_repeated() {
    let token = "EAABwzLixnjYBAExampleToken0123456789";
    let desk = desk();
    for args in [
        vec!["upload", "leads.csv", "--dataset-id", token],
        vec![
            "upload",
            "leads.csv",
            "--api-version",
            token,
            "--dataset-id",
            "1",
        ],
        vec![
            "upload",
            "leads.csv",
            "--graph-url",
            token,
            "--dataset-id",
            "1",
        ],
        vec![
            "upload",
            "leads.csv",
            "--access-token-file",
            token,
            "--dataset-id",
            "1",
        ],
        vec!["upload", "leads.csv", "--batch-size", token],
        vec!["upload", "leads.csv", "--default-country", token],
        vec!["upload", "leads.csv", "--timezone", token],
        vec!["sandbox", token],
    ] {
        let ran = desk.run(&args).ended(2);
        assert!(!ran.stderr.contains(token), "{args:?}: {}", ran.stderr);
    }
}

#[test]
fn a_run_without_files_takes_those_of_the_settings() {
    let desk = desk();
    desk.file("more.csv", format!("{HEAD}{}", GOOD.replace("ada", "eve")));
    std::fs::create_dir(desk.path().join("acme")).unwrap();
    std::fs::rename(
        desk.path().join("more.csv"),
        desk.path().join("acme/more.csv"),
    )
    .unwrap();
    desk.file("acme/s.toml", "[input]\nfiles = [\"more.csv\"]\n");
    let args = [
        "validate",
        "--now",
        NOW,
        "--config",
        "acme/s.toml",
        "--format",
        "json",
    ];
    let report = desk.run(&args).ended(0).json();
    assert_eq!(report["would_send"], 1);
    let named = desk.run(&[args.as_slice(), &["--max-invalid", "60", "leads.csv"]].concat());
    assert_eq!(named.ended(1).json()["inputs"][0]["path"], "leads.csv");
    let ran = desk.run(&["validate", "--now", NOW]).ended(2);
    assert!(
        ran.stderr.contains("there is nothing to read"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_report_replaces_an_earlier_report_and_never_a_file_of_a_persons_own() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "lead_id,event_name,event_time\n1234567890123456,Lead,2026-11-20T10:00:00Z\n",
    );
    let validate = |option: &str, name: &str| {
        let args = [
            "validate",
            "leads.csv",
            "--now",
            "2026-11-21T16:00:00Z",
            "--crm",
            "Tests",
        ];
        desk.run(&[&args[..], &[option, name]].concat())
    };
    let names = ["r.md", "r.json", "r.xml", "r.sarif", "r.html"];
    let reports = names.map(|name| ("--report", name));
    for (option, name) in reports.into_iter().chain([("--metrics-file", "m.prom")]) {
        validate(option, name).ended(0);
        let first = std::fs::read(desk.path().join(name)).unwrap();
        // The next run's takes its place.
        validate(option, name).ended(0);
        assert!(!first.is_empty());
        // An empty file is nobody's.
        desk.file(name, "");
        validate(option, name).ended(0);
        let own = "# Notes on crm2capi\n\nDo not lose me.\n";
        desk.file(name, own);
        let ran = validate(option, name).ended(2);
        assert!(
            ran.stderr.contains(name) && ran.stderr.contains("not replaced"),
            "{}",
            ran.stderr
        );
        assert_eq!(
            std::fs::read_to_string(desk.path().join(name)).unwrap(),
            own
        );
    }
}

#[test]
fn of_several_runs_each_error_names_its_settings() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "lead_id,event_name,event_time\nx,Lead,2026-11-20T10:00:00Z\n",
    );
    for name in ["one.toml", "two.toml"] {
        desk.file(
            name,
            "[crm]\nname = \"Tests\"\n[input]\nfiles = [\"leads.csv\"]\n",
        );
    }
    let args = [
        "validate",
        "--now",
        "2026-11-21T16:00:00Z",
        "--config",
        "one.toml",
    ];
    let alone = desk.run(&args);
    assert!(
        !alone.stderr.contains("error: one.toml"),
        "{}",
        alone.stderr
    );
    let both = desk.run(&[&args[..], &["--config", "two.toml"]].concat());
    for name in ["one.toml", "two.toml"] {
        assert!(
            both.stderr.contains(&format!("error: {name}: ")),
            "{}",
            both.stderr
        );
    }
}

#[test]
fn rows_that_a_killed_run_left_beside_its_rejects_are_swept_by_the_next() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "email,stage,stage date\na@example.com,Lead,nonsense\n",
    );
    let old = desk.file(".crm2capi-rejectsAbC123", "email\nann@example.com\n");
    let hours_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(7_200);
    let file = std::fs::File::options().append(true).open(&old).unwrap();
    file.set_modified(hours_ago).unwrap();
    // What another run is just writing stays.
    let young = desk.file(".crm2capi-rejectsXyZ789", "email\nbob@example.com\n");
    desk.run(&["validate", "leads.csv", "--rejects", "no.csv", "--now", NOW])
        .ended(2);
    assert!(!old.exists() && young.exists());
}

/// Standard output is the report's, and a file called `-` is what nobody wants who writes so: with people's data in it,
/// where nobody looks for it.
#[test]
fn a_dash_is_no_name_of_a_file_that_a_run_writes() {
    let (desk, server) = (desk(), Listener::accepting());
    desk.file(
        "meta.csv",
        "lead_id,created_time,email\n1234567890123456,2026-11-20T09:00:00Z,ada.nunn@example.com\n",
    );
    desk.file("o.toml", format!("{SETTINGS}[output]\nrejects = \"-\"\n"));
    desk.file(
        "j.toml",
        format!("{SETTINGS}[join]\nleads = [\"meta.csv\"]\nmissing = \"-\"\n"),
    );
    let cases: [&[&str]; 6] = [
        &["--rejects", "-"],
        &["--report", "-"],
        &["--metrics-file", "-"],
        &["--leads", "meta.csv", "--leads-missing", "-"],
        &["--config", "o.toml"],
        &["--config", "j.toml"],
    ];
    for args in cases {
        let all: Vec<&str> = args.iter().copied().chain(["leads.csv"]).collect();
        let ran = upload(&desk, &server, &all).ended(2);
        assert!(
            ran.stderr.contains("name a file"),
            "{args:?} {}",
            ran.stderr
        );
        assert!(!desk.path().join("-").exists(), "{args:?}");
    }
    assert_eq!(server.requests().len(), 0);
    upload(&desk, &server, &["--rejects", "./-", "leads.csv"]).ended(1);
    assert!(desk.path().join("-").exists());
}
