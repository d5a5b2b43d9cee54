//! `crm2capi build`: the payloads, byte for byte.

use std::fmt::Write as _;

use serde_json::json;

use crate::support::{Desk, NOW, repository, sha256, text};

/// The example payload of Meta's documentation for the CRM integration, keys sorted.
const PUBLISHED: &str = concat!(
    r#"{"data":[{"action_source":"system_generated","custom_data":{"event_source":"crm","lead_event_source":"Your CRM"},"#,
    r#""event_name":"Lead","event_time":1673035686,"user_data":{"#,
    r#""em":["7b17fb0bd173f625b58636fb796407c22b3d16fc78302d79f0fd30c2fc2fc068"],"lead_id":1234567890123456,"#,
    r#""ph":["6069d14bf122fdfd931dc7beb58e5dfbba395b1faf05bdcd42d12358d63d8599"]}}]}"#
);

#[test]
fn the_published_payload_comes_out_byte_for_byte() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "lead_id,email,phone,event_name,event_time\n1234567890123456,\
         7b17fb0bd173f625b58636fb796407c22b3d16fc78302d79f0fd30c2fc2fc068,\
         6069d14bf122fdfd931dc7beb58e5dfbba395b1faf05bdcd42d12358d63d8599,Lead,1673035686\n",
    );
    let arguments = [
        "build",
        "leads.csv",
        "--now",
        "2023-01-07T00:00:00Z",
        "--crm",
        "Your CRM",
        "--format",
        "json",
    ];
    let built = desk.run(&arguments).ended(0).stdout;
    // The published event has no id, and ours always has one.
    let start = built.find(r#""event_id":""#).unwrap();
    let end = start + r#""event_id":"0123456789abcdef0123456789abcdef","#.len();
    assert_eq!(
        format!("{}{}", &built[..start], &built[end..]),
        format!("{PUBLISHED}\n")
    );
    // Computed with: printf 'lead_id:1234567890123456\0Lead\0001673035686\0' | sha256sum
    assert!(
        built[start..end].contains("679584e92e332701487c92751e4a39a5"),
        "{built}"
    );
}

#[test]
fn the_formats_hold_the_same_events() {
    let desk = Desk::new();
    let (export, settings) = (
        repository("examples/hubspot.csv"),
        repository("examples/hubspot.toml"),
    );
    let build = |format: &[&str]| {
        let mut arguments = vec![
            "build", &export, "--config", &settings, "--now", NOW, "--quiet",
        ];
        arguments.extend(format);
        desk.run(&arguments).ended(0).stdout
    };
    let lines = build(&[]);
    assert_eq!(lines, build(&["--format", "ndjson"]));
    let events: Vec<&str> = lines.lines().collect();
    assert!(events.len() > 20 && lines.ends_with('\n'));

    let bodies: String = events
        .chunks(8)
        .map(|batch| format!("{{\"data\":[{}]}}\n", batch.join(",")))
        .collect();
    assert_eq!(build(&["--format", "json", "--batch-size", "8"]), bodies);

    let commands = build(&["--format", "curl", "--batch-size", "8"]);
    assert_eq!(commands.lines().count(), bodies.lines().count());
    for (command, body) in commands.lines().zip(bodies.lines()) {
        let url = "https://graph.facebook.com/v25.0/123456789012345/events?locale=en_US";
        assert!(
            command.starts_with("curl ") && command.contains(url),
            "{command}"
        );
        assert!(
            command.contains("Authorization: Bearer $CRM2CAPI_ACCESS_TOKEN"),
            "{command}"
        );
        let (_, quoted) = command.split_once("--data-binary '").unwrap();
        assert_eq!(
            quoted.strip_suffix('\'').unwrap().replace(r"'\''", "'"),
            body
        );
    }
}

#[cfg(unix)]
#[test]
fn a_command_is_what_a_shell_reads_it_as() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "email,stage,stage_date\na@example.com,It's a 'deal' $HOME `x`,2026-11-20T10:00:00Z\n",
    );
    let command = desk
        .run(&[
            "build",
            "leads.csv",
            "--now",
            NOW,
            "--format",
            "curl",
            "--dataset-id",
            "1",
        ])
        .ended(0)
        .stdout;
    // A curl that prints what it is told to send.
    desk.file(
        "curl",
        "#!/bin/sh\nfor last in \"$@\"; do :; done\nprintf '%s' \"$last\"\n",
    );
    let shell = "chmod +x curl && PATH=.:$PATH && . ./commands.sh";
    desk.file("commands.sh", &command);
    let output = std::process::Command::new("sh")
        .args(["-c", shell])
        .current_dir(desk.path())
        .output()
        .unwrap();
    let sent: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(sent["data"][0]["event_name"], "It's a 'deal' $HOME `x`");
}

#[test]
fn a_limit_counts_rows() {
    let desk = Desk::new();
    desk.file("leads.csv", export_of(5_000));
    let all = desk
        .run(&["build", "leads.csv", "--now", NOW, "--quiet"])
        .ended(0)
        .stdout;
    for limit in [1, 3, 4_999] {
        let some = desk
            .run(&[
                "build",
                "leads.csv",
                "--now",
                NOW,
                "--quiet",
                "--limit",
                &limit.to_string(),
            ])
            .ended(0)
            .stdout;
        // Every row has two stages.
        let expected: String = all
            .lines()
            .take(2 * limit)
            .map(|line| format!("{line}\n"))
            .collect();
        assert!(some == expected, "{limit}: {} lines", some.lines().count());
    }
    assert_eq!(
        desk.run(&["build", "leads.csv", "--now", NOW, "--limit", "0"])
            .ended(0)
            .stdout,
        ""
    );
}

#[test]
fn the_same_row_gives_the_same_ids_wherever_it_stands() {
    let desk = Desk::new();
    let (head, first) = (
        "lead_id,email,stage,stage_date\n",
        "1234567890123456,a@example.com,Lead,2026-11-20T10:00:00Z\n",
    );
    let ids = |name: &str, content: &str, more: &[&str]| -> Vec<String> {
        desk.file(name, content);
        let built = desk
            .run(&[&["build", name, "--quiet"], more].concat())
            .ended(0)
            .ndjson();
        built.iter().map(|event| text(&event["event_id"])).collect()
    };
    let here = ids("a.csv", &format!("{head}{first}"), &["--now", NOW]);
    assert_eq!(here.len(), 1);
    let other = "987654321098765,b@example.com,Lead,2026-11-20T10:00:00Z\n";
    let there = ids(
        "b.csv",
        &format!("{head}{other}{first}"),
        &["--now", "2026-11-20T11:00:00Z"],
    );
    assert_eq!(there[1..], here);
    // Another spelling of the same: other column names and order, another zone, another form.
    let elsewhere = ids(
        "c.csv",
        "Stage;When;Mail;Meta\nlead;20.11.2026 05:00:00;A@Example.COM;l:1234567890123456\n",
        &[
            "--now",
            NOW,
            "--timezone",
            "America/New_York",
            "--map",
            "lead_id=Meta",
            "--map",
            "email=Mail",
            "--map",
            "event_name=Stage",
            "--map",
            "event_time=When",
            "--stage",
            "lead=Lead",
        ],
    );
    assert_eq!(elsewhere, here);
    // Computed with: printf 'lead_id:1234567890123456\0Lead\0001795168800\0' | sha256sum
    assert_eq!(
        here,
        [&sha256("lead_id:1234567890123456\x00Lead\x001795168800\x00")[..32]]
    );
}

#[test]
fn an_id_of_the_export_is_kept() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "event_id,email,stage,stage_date\nev-7,a@example.com,Lead,2026-11-20T10:00:00Z\n",
    );
    assert_eq!(
        desk.run(&["build", "leads.csv", "--now", NOW])
            .ended(0)
            .ndjson()[0]["event_id"],
        "ev-7"
    );
}

#[test]
fn any_number_of_threads_prints_the_same_bytes() {
    let desk = Desk::new();
    desk.file("leads.csv", export_of(20_000));
    let build = |threads: &str| {
        desk.run(&[
            "build",
            "leads.csv",
            "--now",
            NOW,
            "--quiet",
            "--threads",
            threads,
        ])
        .ended(0)
        .stdout
    };
    let one = build("1");
    assert_eq!(one.lines().count(), 40_000);
    assert!(build("2") == one && build("8") == one, "the bytes differ");
}

#[test]
fn old_events_are_left_out_and_refused_rows_end_with_status_1() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "email,stage,stage_date\na@example.com,Lead,2026-11-14T16:04:59Z\nb@example.com,Lead,2026-11-14T16:05:00Z\n\
         c@example.com,Lead,2026-11-21T16:00:00Z\nd@example.com,Lead,2026-11-21T16:01:01Z\n",
    );
    // Five minutes of the seven days are kept for the sending.
    let ran = desk.run(&["build", "leads.csv", "--now", NOW]).ended(1);
    let emails: Vec<String> = ran
        .ndjson()
        .iter()
        .map(|event| text(&event["user_data"]["em"][0]))
        .collect();
    assert_eq!(emails, [sha256("b@example.com"), sha256("c@example.com")]);
    assert!(ran.stderr.contains("event-in-future"), "{}", ran.stderr);
}

#[test]
fn custom_data_carries_money_order_and_custom_keys() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "email,stage,stage_date,amount,cur,order,score,why\n\
         a@example.com,Won,2026-11-20T10:00:00Z,\"$1,234.50\",USD,o-1,87,\"said \"\"yes\"\"\"\n",
    );
    let mut arguments = vec!["build", "leads.csv", "--now", NOW, "--crm", "Acme"];
    for map in [
        "value=amount",
        "currency=cur",
        "order_id=order",
        "custom.lead_score=score",
        "custom.why=why",
    ] {
        arguments.extend(["--map", map]);
    }
    let event = desk.run(&arguments).ended(0).ndjson().remove(0);
    let expected = json!({
        "currency": "USD", "event_source": "crm", "lead_event_source": "Acme", "lead_score": 87, "order_id": "o-1",
        "value": 1234.5, "why": "said \"yes\"",
    });
    assert_eq!(event["custom_data"], expected);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let desk = Desk::new();
    desk.file("leads.csv", export_of(5_000));
    let mut child = desk
        .command(&["build", "leads.csv", "--now", NOW, "--quiet"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap().as_str()
        ),
        (Some(0), "")
    );
}

/// So many invented leads, two stages each, with a note that holds a comma and a line break now and then.
fn export_of(rows: u64) -> String {
    // Headings of a known layout, so that nothing needs to be mapped.
    let columns = "Meta Lead ID,Email,Phone Number,First Name,City,Became a Lead Date,Became a Customer Date,Notes";
    let mut text = format!("Record ID,{columns}\n");
    for n in 0..rows {
        let note = if n % 7 == 0 { "\"a, b\nc\"" } else { "x" };
        writeln!(
            text,
            "{n},{},user{n}@example.com,+1212555{:04},Name{},City{},2026-11-{:02}T10:{:02}:00Z,2026-11-20T10:{:02}:00Z,{note}",
            1_000_000_000_000_000 + n,
            n % 10_000,
            n % 100,
            n % 50,
            15 + n % 5,
            n % 60,
            n % 60,
        )
        .unwrap();
    }
    text
}
