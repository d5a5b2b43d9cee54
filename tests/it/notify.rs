//! Who is told when nightly runs break, and that nobody is told the same every night.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::support::listener::Listener;
use crate::support::receiver::Receiver;
use crate::support::{Desk, Ran};

const TOKEN: (&str, &str) = ("CRM2CAPI_ACCESS_TOKEN", "EAABsecretOfTheDataset");

/// A job that runs every night, Meta, and somebody who wants to hear of it.
struct Nights {
    desk: Desk,
    receiver: Receiver,
    /// Whether Meta refuses the token.
    refuses: Arc<AtomicBool>,
}

impl Nights {
    fn new(notify: &str) -> Self {
        let refuses = Arc::new(AtomicBool::new(false));
        let refusing = refuses.clone();
        let meta = Listener::answering(move |request| {
            if refusing.load(Ordering::SeqCst) {
                let error = r#"{"error":{"message":"EAABsecretOfTheDataset","type":"OAuthException","code":190,"error_subcode":463,"fbtrace_id":"ATrace"}}"#;
                return (400, error.to_owned());
            }
            let count = request.events().len();
            (
                200,
                format!(r#"{{"events_received":{count},"messages":[],"fbtrace_id":"ATrace"}}"#),
            )
        });
        let (desk, receiver) = (Desk::new(), Receiver::start());
        let settings = format!(
            "[meta]\ndataset_id = \"123456789012345\"\ngraph_url = \"{}\"\n[crm]\nname = \"CRM\"\ntimezone = \"UTC\"\n\
             [columns]\nlead_id = \"id\"\nevent_name = \"stage\"\nevent_time = \"time\"\n[notify]\n{}",
            meta.url,
            notify.replace("URL", &receiver.url),
        );
        desk.file("acme.toml", settings);
        Self {
            desk,
            receiver,
            refuses,
        }
    }

    /// Writes the export of a night: so many new leads, and rows that nothing can be made of.
    fn export(&self, day: u32, leads: u32, bad: u32) {
        let mut text = "id,stage,time\n".to_owned();
        for lead in 0..leads {
            let id = 1_234_567_800_000_000_u64 + u64::from(day * 1_000 + lead);
            writeln!(text, "{id},Lead,2026-11-{day:02}T01:00:00Z").unwrap();
        }
        for _ in 0..bad {
            writeln!(text, "1.23457E+15,Lead,2026-11-{day:02}T01:00:00Z").unwrap();
        }
        self.desk.file("leads.csv", text);
    }

    fn upload(&self, day: u32) -> Ran {
        let now = format!("2026-11-{day:02}T02:00:00Z");
        let args = [
            "upload",
            "--quiet",
            "--config",
            "acme.toml",
            "--now",
            &now,
            "leads.csv",
        ];
        self.desk.run_with(&args, &[TOKEN])
    }

    fn watch(&self, day: u32) -> Ran {
        let now = format!("2026-11-{day:02}T12:00:00Z");
        let args = [
            "status",
            "--quiet",
            "--config",
            "acme.toml",
            "--max-age",
            "26h",
            "--now",
            &now,
        ];
        self.desk.run(&args)
    }

    /// What was told since the last time, one line each. The ping goes at the same time as the rest: it stands last,
    /// whichever came first.
    fn told(&self) -> Vec<String> {
        let said = |(path, body): (String, Value)| match path.as_str() {
            "/ping" => "ping".to_owned(),
            _ => without_host(body["text"].as_str().unwrap_or_default()),
        };
        let mut told = self.receiver.take();
        told.sort_by_key(|(path, _)| path == "/ping");
        told.into_iter().map(said).collect()
    }
}

/// The text, indented, with HOST in place of this machine's name.
fn without_host(text: &str) -> String {
    let (text, host) = text.rsplit_once(", on ").unwrap();
    assert!(!host.is_empty() && !host.contains('\n'), "{host}");
    format!("{text}, on HOST").replace('\n', "\n    ")
}

#[test]
fn a_week_of_nights_tells_each_change_once() {
    let nights = Nights::new(
        "url = \"URL/slack\"\nformat = \"slack\"\nping_url = \"URL/ping\"\nmax_age = \"40h\"\n",
    );
    let mut transcript = String::new();
    let mut note = |when: &str, ran: &Ran| {
        writeln!(transcript, "{when}: status {}", ran.status).unwrap();
        for told in nights.told() {
            writeln!(transcript, "  {told}").unwrap();
        }
    };
    nights.export(2, 3, 0);
    note("Monday, three new leads", &nights.upload(2));
    nights.refuses.store(true, Ordering::SeqCst);
    nights.export(3, 3, 0);
    note("Tuesday, the token has expired", &nights.upload(3));
    nights.export(4, 3, 0);
    note("Wednesday, nobody has looked", &nights.upload(4));
    nights.refuses.store(false, Ordering::SeqCst);
    nights.export(5, 4, 1);
    note("Thursday, a new token, and a bad row", &nights.upload(5));
    nights.export(6, 3, 0);
    note("Friday, all well", &nights.upload(6));
    std::fs::remove_file(nights.desk.path().join("leads.csv")).unwrap();
    note("Saturday, there is no export", &nights.upload(7));
    nights.export(6, 3, 0);
    note("Sunday, the export of Friday again", &nights.upload(8));
    note("Sunday noon, the watchdog", &nights.watch(8));
    note("Monday noon, the job did not run", &nights.watch(9));
    note("Monday noon, the watchdog again", &nights.watch(9));
    nights.export(10, 3, 0);
    note("Tuesday, all well", &nights.upload(10));
    note("Tuesday noon, the watchdog", &nights.watch(10));
    assert_eq!(
        transcript,
        include_str!("../fixtures/notify/week.txt"),
        "{transcript}"
    );
    assert!(!transcript.contains("EAAB"));
}

#[test]
fn a_run_that_delivers_far_fewer_events_than_usual_is_told_from_the_tenth_on() {
    let nights = Nights::new("url = \"URL/json\"\n");
    let states = |day, leads| {
        nights.export(day, leads, 0);
        nights.upload(day).ended(0);
        let told = nights.receiver.take();
        told.into_iter()
            .map(|(_, body)| (body["state"].clone(), body["before"].clone()))
            .collect::<Vec<_>>()
    };
    for day in 1..=8 {
        assert!(states(day, 30).is_empty());
    }
    // The ninth run is too early.
    assert!(states(9, 1).is_empty());
    assert!(states(10, 10).is_empty());
    assert_eq!(states(11, 9), [("dropped".into(), "ok".into())]);
    assert!(states(12, 2).is_empty());
    assert_eq!(states(13, 30), [("ok".into(), "dropped".into())]);
}

#[test]
fn every_form_is_what_its_receiver_takes() {
    for form in ["slack", "teams", "json"] {
        let nights = Nights::new(&format!("url = \"URL/{form}\"\nformat = \"{form}\"\n"));
        nights.export(2, 1, 1);
        let ran = nights.upload(2).ended(1);
        let taken = nights.receiver.take();
        assert_eq!(taken.len(), 1, "{form}: {ran:?}");
        let text = taken[0].1.to_string();
        assert!(text.contains("refused rows or events"), "{text}");
        assert!(text.contains("lead-id-precision-lost"), "{text}");
        for secret in ["EAAB", "1.23457E+15", "1234567800"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[test]
fn a_receiver_that_fails_changes_no_status_and_is_told_the_next_time() {
    let nights = Nights::new("url = \"URL/secret-path\"\n");
    nights.export(2, 1, 1);
    let ran = nights.upload(2).ended(1);
    assert!(
        ran.stderr.contains("error: ") && !ran.stderr.contains("secret-path"),
        "{ran:?}"
    );
    let settings = nights.desk.path().join("acme.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, text.replace("secret-path", "json")).unwrap();
    nights.export(3, 1, 1);
    nights.upload(3).ended(1);
    assert_eq!(nights.receiver.take().len(), 1);
}

#[cfg(unix)]
#[test]
fn receivers_that_hang_cost_ten_seconds_together() {
    let hanging = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/secret-path", hanging.local_addr().unwrap());
    let nights = Nights::new(&format!(
        "url_file = \"hook\"\nping_url = \"{url}\"\ncommand = [\"sh\", \"-c\", \"sleep 60\"]\n"
    ));
    nights.desk.file("hook", format!("{url}\n"));
    // A night that fails, so that the url and the command are told, and one that succeeds, so that all three are.
    nights.upload(2).ended(2);
    nights.export(3, 1, 0);
    let started = std::time::Instant::now();
    let args = [
        "upload",
        "--config",
        "acme.toml",
        "--now",
        "2026-11-03T02:00:00Z",
        "leads.csv",
    ];
    let ran = nights.desk.run_with(&args, &[TOKEN]).ended(0);
    assert!(
        started.elapsed() < std::time::Duration::from_secs(15),
        "{:?}",
        started.elapsed()
    );
    assert!(
        ran.stderr.contains("ping_url under [notify] was not sent"),
        "{ran:?}"
    );
    assert!(!ran.stderr.contains("secret-path"), "{ran:?}");
}

#[test]
fn a_receiver_that_is_not_reached_is_said_even_when_quiet() {
    let nights = Nights::new("command = [\"./nowhere\"]\n");
    let args = [
        "upload",
        "--config",
        "acme.toml",
        "--quiet",
        "--now",
        "2026-11-03T02:00:00Z",
    ];
    let ran = nights
        .desk
        .run_with(&[&args[..], &["none.csv"]].concat(), &[TOKEN])
        .ended(2);
    assert!(
        ran.stderr
            .contains("error: the notification to command under [notify] was not sent"),
        "{ran:?}"
    );
}

#[cfg(unix)]
#[test]
fn a_program_reads_the_report_and_knows_no_token() {
    let nights = Nights::new("command = [\"sh\", \"-c\", \"cat > told; env > known\"]\n");
    nights.export(2, 1, 1);
    nights.upload(2).ended(1);
    let read = |name| std::fs::read_to_string(nights.desk.path().join(name)).unwrap();
    let report: Value = serde_json::from_str(&read("told")).unwrap();
    assert_eq!(
        (&report["command"], &report["exit_status"]),
        (&"upload".into(), &1.into())
    );
    let known = read("known");
    assert!(
        known.contains("CRM2CAPI_NOTICE=Lead upload refused rows"),
        "{known}"
    );
    assert!(!known.contains("EAAB"), "{known}");

    // A run that could not begin has a report too, and the same state is told once.
    std::fs::remove_file(nights.desk.path().join("leads.csv")).unwrap();
    nights.upload(3).ended(2);
    let report: Value = serde_json::from_str(&read("told")).unwrap();
    assert!(
        report["error"].as_str().unwrap().contains("leads.csv"),
        "{report}"
    );
    std::fs::remove_file(nights.desk.path().join("told")).unwrap();
    nights.upload(4).ended(2);
    assert!(!nights.desk.path().join("told").exists());
}

#[test]
fn nobody_is_told_of_what_does_not_count() {
    let nights = Nights::new("url = \"URL/json\"\nping_url = \"URL/ping\"\n");
    nights.export(2, 1, 1);
    for more in ["--dry-run", "--sandbox", "--test-event-code=TEST1"] {
        let args = [
            "upload",
            "--config",
            "acme.toml",
            more,
            "--now",
            "2026-11-02T02:00:00Z",
            "leads.csv",
        ];
        nights.desk.run_with(&args, &[TOKEN]).ended(1);
        assert!(nights.receiver.take().is_empty(), "{more}");
    }
}

#[test]
fn settings_that_nobody_named_may_tell_nobody() {
    let desk = Desk::new();
    desk.file("leads.csv", "id\n1\n");
    for line in [
        "url = \"https://h/x\"",
        "url_file = \"x\"",
        "ping_url = \"https://h/x\"",
        "command = [\"sh\"]",
    ] {
        desk.file("crm2capi.toml", format!("[notify]\n{line}\n"));
        for verb in ["upload", "validate", "status"] {
            let args: &[&str] = if verb == "status" {
                &[verb]
            } else {
                &[verb, "leads.csv"]
            };
            let ran = desk.run(args).ended(2);
            assert!(
                ran.stderr
                    .contains("a receiver under [notify]; name it with --config"),
                "{ran:?}"
            );
        }
    }
}

#[test]
fn the_environment_names_a_receiver_too() {
    let nights = Nights::new("url = \"https://127.0.0.1:9/nobody\"\nformat = \"slack\"\n");
    nights.export(2, 1, 1);
    let url = format!("{}/slack", nights.receiver.url);
    let args = [
        "upload",
        "--config",
        "acme.toml",
        "--now",
        "2026-11-02T02:00:00Z",
        "leads.csv",
    ];
    nights
        .desk
        .run_with(&args, &[TOKEN, ("CRM2CAPI_NOTIFY_URL", &url)])
        .ended(1);
    assert_eq!(nights.receiver.take().len(), 1);
}
