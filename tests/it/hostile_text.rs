//! Text of files, their names, settings, arguments and answers never reaches a person's stream as a command: neither to
//! the terminal nor to the log of a CI service.

use crate::support::listener::{Listener, Request};
use crate::support::{Desk, NOW, Ran};

/// Clears the screen, begins a line, turns the writing, and speaks to GitHub, Azure and TeamCity.
const EVIL: &str = "x\u{1b}[2J\u{9b}2J\u{7}\n::error::EV\r\u{202e}\u{200f}\u{61c}\u{2066} ##[error]a ##vso[task.x]b ##teamcity[c ::stop-commands::z";
/// What of it a name of a file, an argument or a line of settings can hold anywhere.
const PLAIN: &str = "::add-mask::EV ##[group]a\u{202e}";

#[track_caller]
fn is_harmless(ran: &Ran) {
    for text in [&ran.stdout, &ran.stderr] {
        let is_harmful = |c: char| {
            c.is_control() && c != '\n'
                || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        assert!(!text.contains(is_harmful), "{text:?}");
        for command in ["##[", "##vso[", "##teamcity["] {
            assert!(!text.contains(command), "{text}");
        }
        let begins = |line: &str| {
            let rest = line.trim_start().strip_prefix("::");
            rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()))
        };
        assert!(!text.lines().any(begins), "{text}");
    }
}

/// An export whose headings and stages are hostile, under a plain name.
fn desk() -> Desk {
    let desk = Desk::new();
    let heading = EVIL.replace(['\n', '\r'], " ");
    let export = format!(
        "email,\"stage\",\"stage date\",\"{heading}\",\"{PLAIN}\"\n\
         a@example.com,\"{EVIL}\",2026-11-20T10:00:00Z,1,2\n\
         b@example.com,\"{PLAIN}\",2026-11-20T10:00:00Z,1,2\n\
         c@example.com,\"::error::EV1\",garbage,1,2\n\
         d@example.com,\"{} ::error::EV2\",2026-11-20T10:00:00Z,1,2\n",
        "long ".repeat(15)
    );
    desk.file("leads.csv", export);
    let columns =
        "[columns]\nemail = \"email\"\nevent_name = \"stage\"\nevent_time = \"stage date\"\n";
    desk.file(
        "crm2capi.toml",
        format!("[crm]\npreset = \"none\"\n{columns}"),
    );
    desk
}

#[test]
fn of_an_export_its_headings_and_stages() {
    let (desk, server) = (desk(), Listener::accepting());
    is_harmless(&desk.run(&["validate", "leads.csv", "--now", NOW]));
    is_harmless(&desk.run(&["validate", "leads.csv", "--now", NOW, "--strict", "--quiet"]));
    is_harmless(&desk.run(&["init", "leads.csv", "--output", "new.toml"]));
    let heading = format!("custom.a={PLAIN}");
    let wrong = format!("custom.a=y{PLAIN}");
    for map in [&heading, &wrong] {
        is_harmless(&desk.run(&["validate", "leads.csv", "--now", NOW, "--map", map]));
    }
    let upload = [
        "upload",
        "leads.csv",
        "--now",
        NOW,
        "--dataset-id",
        "1",
        "--ledger",
        "ledger",
    ];
    let to = ["--graph-url", &server.url];
    let token = [("CRM2CAPI_ACCESS_TOKEN", "EAABtoken")];
    let ran = desk.run_with(&[&upload[..], &to].concat(), &token).ended(1);
    is_harmless(&ran);
    let ran = desk
        .run(&["status", "--ledger", "ledger", "--now", NOW])
        .ended(0);
    assert!(ran.stdout.contains("EV"), "{}", ran.stdout);
    is_harmless(&ran);
    is_harmless(&desk.run(&[
        "upload",
        "leads.csv",
        "--now",
        NOW,
        "--sandbox",
        "--log-format",
        "json",
    ]));
    is_harmless(&desk.run(&["normalize", "event_name", EVIL]));
    is_harmless(&desk.run(&["normalize", "order_id", PLAIN]));
    is_harmless(&desk.run(&["normalize", PLAIN, "x"]));
}

#[cfg(unix)]
#[test]
fn of_names_of_files_and_folders() {
    let desk = desk();
    let evil = EVIL.replace('/', "");
    let export = std::fs::read(desk.path().join("leads.csv")).unwrap();
    let (name, token) = (format!("{evil}.csv"), format!("EA {evil}"));
    desk.file(&name, export);
    desk.file(&token, "no token");
    let settings = format!("{evil}.toml");
    desk.file(&settings, format!("[crm]\nnam{PLAIN} = 1\n"));
    std::fs::create_dir(desk.path().join(&evil)).unwrap();
    let missing = format!("no{evil}");
    for args in [
        vec!["validate", &name],
        vec!["build", &name],
        vec!["init", &name, "--yes"],
        vec!["init", "leads.csv", "--output", &name],
        vec!["validate", &missing],
        vec!["validate", &evil],
        vec!["init", &missing],
        vec!["validate", &format!("{missing}*")],
        vec!["validate", "leads.csv", "--config", &settings],
        vec!["validate", "leads.csv", "--config", &missing],
        vec!["validate", "leads.csv", "--rejects", &evil],
        vec!["validate", "leads.csv", "--report", &missing],
        vec!["validate", "leads.csv", "--sheet", &evil],
        vec!["validate", "leads.csv", "--encoding", &evil],
        vec!["validate", "leads.csv", "--timezone", &evil],
        vec!["validate", "leads.csv", "--preset", &evil],
        vec!["status", "--ledger", &evil],
        vec!["status", "--ledger", &token],
        vec![
            "upload",
            "leads.csv",
            "--dataset-id",
            "1",
            "--access-token-file",
            &token,
        ],
        vec![
            "upload",
            "leads.csv",
            "--sandbox",
            "--metrics-file",
            &format!("{evil}/no/where"),
        ],
        vec!["man", &name],
    ] {
        is_harmless(&desk.run(&args));
    }
}

#[test]
fn of_arguments_and_settings() {
    let desk = desk();
    let dashed = format!("--{EVIL}");
    for args in [
        vec![EVIL],
        vec!["validate", &dashed],
        vec!["help", EVIL],
        vec!["validate", "leads.csv", "--stage", EVIL],
        vec!["validate", "leads.csv", "--now", EVIL],
        vec!["validate", "leads.csv", "--default-country", EVIL],
        vec!["upload", "leads.csv", "--dataset-id", EVIL],
        vec!["upload", "leads.csv", "--graph-url", EVIL],
        vec!["upload", "leads.csv", "--api-version", EVIL],
        vec!["sandbox", "--listen", EVIL],
        vec!["status", "--max-age", EVIL],
        vec!["schema", EVIL],
    ] {
        is_harmless(&desk.run(&args).ended(2));
    }
    let escaped = "x\\u001b[2J\\n::error::EV\\u202e ##[error]";
    for settings in [
        format!("\"{escaped}\" = 1\n"),
        format!("[meta]\n\"{escaped}\" = \"1\"\n"),
        format!("[columns]\n\"{escaped}\" = \"email\"\n"),
        format!("[columns]\nemail = \"{escaped}\"\n"),
        format!("[stage_columns]\n\"{escaped}\" = \"Won\"\n"),
        format!("[crm]\nname = \"{escaped}\"\npreset = \"{escaped}\"\n"),
        format!("[event]\ncurrency = \"{escaped}\"\n"),
        format!("[input]\nfiles = [\"{escaped}\"]\n"),
    ] {
        desk.file("s.toml", settings);
        is_harmless(&desk.run(&["validate", "leads.csv", "--now", NOW, "--config", "s.toml"]));
        is_harmless(&desk.run(&["validate", "--now", NOW, "--config", "s.toml"]));
    }
}

#[test]
fn of_answers_of_servers() {
    let desk = desk();
    let json = serde_json::to_string(EVIL).unwrap();
    for (status, answer) in [
        (
            200,
            format!("{{\"events_received\":3,\"messages\":[{json}],\"fbtrace_id\":{json}}}"),
        ),
        (
            400,
            format!(
                "{{\"error\":{{\"message\":{json},\"type\":{json},\"code\":100,\"error_user_title\":{json},\"error_user_msg\":{json},\"fbtrace_id\":{json}}}}}"
            ),
        ),
        (
            403,
            format!(
                "{{\"error\":{{\"message\":{json},\"code\":200,\"error_user_title\":{json},\"fbtrace_id\":{json}}}}}"
            ),
        ),
        (500, EVIL.to_owned()),
    ] {
        let server = Listener::answering(move |_| (status, answer.clone()));
        let to = ["--dataset-id", "1", "--graph-url", &server.url];
        let upload = [
            "upload",
            "leads.csv",
            "--now",
            NOW,
            "--give-up-after",
            "0",
            "--ledger",
            "none",
        ];
        let token = [("CRM2CAPI_ACCESS_TOKEN", "EAABtoken")];
        is_harmless(&desk.run_with(&[&upload[..], &to].concat(), &token));
        is_harmless(&desk.run_with(&[&["check"], &to[..]].concat(), &token));
    }
}

#[test]
fn of_tokens_of_any_form_wherever_an_answer_or_a_person_puts_them() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "email,stage,stage date\nann@example.com,Lead,2026-11-20T10:00:00Z\n",
    );
    for token in [
        "EAABmadeUpTokenThatMustShowNowhere0123456789",
        "mytok-98765abcxyz",
    ] {
        let echo = move |_: &Request| {
            let error = format!(
                r#"{{"error":{{"message":"x","type":"OAuthException","code":190,"error_user_title":"{token}","fbtrace_id":"{token}"}}}}"#
            );
            (401, error)
        };
        let server = Listener::answering(echo);
        let common = [
            "--now",
            NOW,
            "--dataset-id",
            "123",
            "--graph-url",
            &server.url,
        ];
        let variables = [("CRM2CAPI_ACCESS_TOKEN", token)];
        let stage = format!("Lead={token}");
        let runs: [&[&str]; 9] = [
            &[
                "upload",
                "leads.csv",
                "--format",
                "json",
                "--report",
                "r.html",
                "--report",
                "r.md",
            ],
            &["upload", "leads.csv", "-vv", "--report", "r.json"],
            &["upload", "leads.csv", "--test-event-code", token],
            &["upload", "leads.csv", "--crm", token],
            &["upload", "leads.csv", "--preset", token],
            &["upload", "leads.csv", "--config", token],
            &["upload", token],
            &["upload", "leads.csv", "--stage", &stage],
            &["upload", "leads.csv", "--access-token-file", token],
        ];
        for run in runs {
            let ran = desk.run_with(&[run, &common].concat(), &variables);
            assert_ne!(ran.status, 0, "{ran:?}");
            assert!(
                !ran.stdout.contains(token) && !ran.stderr.contains(token),
                "{ran:#?}"
            );
        }
        let ran = desk.run_with(&["upload", "leads.csv", "--dataset-id", token], &variables);
        assert!(!ran.stderr.contains(token), "{ran:#?}");
        let check = [
            "check",
            "--format",
            "json",
            "--dataset-id",
            "123",
            "--graph-url",
            &server.url,
        ];
        let ran = desk.run_with(&check, &variables);
        assert!(
            !ran.stdout.contains(token) && !ran.stderr.contains(token),
            "{ran:#?}"
        );
        for report in ["r.html", "r.md", "r.json"] {
            let report = std::fs::read_to_string(desk.path().join(report)).unwrap();
            assert!(!report.contains(token), "{report}");
        }
        let ran = desk.run_with(
            &["build", "leads.csv", "--crm", token, "--now", NOW],
            &variables,
        );
        assert!(
            !ran.stdout.contains(token) && !ran.stderr.contains(token),
            "{ran:#?}"
        );
    }
}
