//! Bad input and bad usage: one line that says what to do, status 2, nothing sent, and no panic.

use crate::support::listener::Listener;
use crate::support::{Desk, NOW, Ran, repository};

const TOKEN: &str = "EAABwzLixnjYBAExampleToken0123456789";
const LEAD: &str = "email,stage,stage_date\nada.nunn@example.com,Lead,2026-11-20T10:00:00Z\n";

/// A place to try bad input in, with a server that nothing may reach.
struct Trial {
    desk: Desk,
    server: Listener,
}

impl Trial {
    fn new() -> Self {
        let trial = Self {
            desk: Desk::new(),
            server: Listener::accepting(),
        };
        trial.desk.file("leads.csv", LEAD);
        trial.desk.file("token", TOKEN);
        trial
    }

    /// The message with which `upload` refuses; `more` overrides nothing that is given here.
    #[track_caller]
    fn refuses(&self, more: &[&str]) -> String {
        let given = |option: &str| more.contains(&option);
        let mut arguments = vec!["upload", "--quiet", "--now", NOW, "--ledger", "none"];
        let usual = [
            ("--dataset-id", "123"),
            ("--access-token-file", "token"),
            ("--graph-url", &*self.server.url),
        ];
        for (option, value) in usual {
            if !given(option) {
                arguments.extend([option, value]);
            }
        }
        arguments.extend(more);
        let message = refusal(self.desk.run(&arguments));
        assert_eq!(
            self.server.connections(),
            0,
            "something was sent: {arguments:?}"
        );
        message
    }

    /// The same for settings.
    #[track_caller]
    fn refuses_settings(&self, settings: &str) -> String {
        self.desk.file("s.toml", settings);
        self.refuses(&["leads.csv", "--config", "s.toml"])
    }
}

/// The one error of a run that ended with status 2 and printed nothing else, with what the parser of the command line
/// adds below it.
#[track_caller]
fn refusal(ran: Ran) -> String {
    let ran = ran.ended(2);
    assert_eq!(ran.stdout, "");
    let lines: Vec<&str> = ran.stderr.lines().collect();
    let errors = lines.iter().filter(|line| line.starts_with("error: "));
    assert_eq!(errors.count(), 1, "{}", ran.stderr);
    let from_the_parser = lines
        .last()
        .is_some_and(|line| line.ends_with("try '--help'."));
    assert!(lines.len() == 1 || from_the_parser, "{}", ran.stderr);
    let line = lines.join(" ");
    assert!(
        !line.contains(TOKEN) && !line.contains("ada.nunn"),
        "{line}"
    );
    assert!(
        !line.contains("panicked") && !line.contains("RUST_BACKTRACE"),
        "{line}"
    );
    line.strip_prefix("error: ")
        .unwrap_or_else(|| panic!("{line}"))
        .to_owned()
}

#[test]
fn a_file_that_is_no_export_says_what_it_is() {
    let trial = Trial::new();
    std::fs::create_dir(trial.desk.path().join("folder.csv")).unwrap();
    let workbook = std::fs::read(repository("examples/dynamics.xlsx")).unwrap();
    let files: &[(&str, &[u8])] = &[
        ("empty.csv", b""),
        ("blank.csv", b"\n \n\n"),
        ("mark.csv", b"\xef\xbb\xbf"),
        ("header.csv", b"email,stage,stage_date\n"),
        ("list.json", b"[]"),
        ("page.json", b"{\"results\":[],\"paging\":{}}"),
        ("text.json", b"\"hello\""),
        ("image.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x01\x02\x03"),
        ("paper.csv", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj"),
        ("page.xls", b"<!DOCTYPE html><html><body>Sign in</body></html>"),
        ("program.csv", b"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00\x3e\x00"),
        ("noise.csv", b"\x00\x9f\x92\x96\x00\x01\x02\xfe\xfd\xfc\x00\x00\x07\x08\x0b\x0c\x0e\x0f\x10\x11\x12\x13"),
        ("cut.xlsx", &workbook[..3000]),
        ("cut.csv.gz", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b"),
    ];
    let expected = [
        "is empty; export again",
        "is empty; export again",
        "is empty; export again",
        "has no rows, only a header or an empty list; check the export's filter",
        "has no rows, only a header or an empty list; check the export's filter",
        "has no rows, only a header or an empty list; check the export's filter",
        "has no rows, only a header or an empty list; check the export's filter",
        "is a PNG image, not an export; export the leads as CSV, XLSX or JSON",
        "is a PDF, not an export; export the leads as CSV, XLSX or JSON",
        "is an HTML page, not an export; sign in and download the export again, or save it as .xlsx or CSV",
        "is a program, not an export; export the leads as CSV, XLSX or JSON",
        "is a binary file",
        "is a workbook that cannot be read",
        "the compressed file ends early, at its beginning; download it again",
    ];
    for ((name, content), expected) in files.iter().zip(expected) {
        trial.desk.file(name, content);
        let message = trial.refuses(&[name]);
        assert!(
            message.starts_with(name) && message.contains(expected),
            "{message}"
        );
        assert_eq!(message.matches(name).count(), 1, "{message}");
    }
    assert_eq!(
        trial.refuses(&["missing.csv"]),
        "missing.csv: no such file; check the path"
    );
    assert_eq!(
        trial.refuses(&["https://example.com/export?format=csv"]),
        "https://example.com/export?format=csv is an address, and none is fetched; download the export, or pipe it: curl -sL \
         'ADDRESS' | crm2capi validate -"
    );
    assert_eq!(
        trial.refuses(&["folder.csv"]),
        "folder.csv holds no export; exports are CSV, TSV, JSON, NDJSON or XLSX files"
    );
}

#[test]
fn a_good_file_beside_a_bad_one_is_not_sent() {
    let trial = Trial::new();
    trial.desk.file("empty.csv", "");
    assert!(
        trial
            .refuses(&["leads.csv", "empty.csv"])
            .starts_with("empty.csv is empty")
    );
}

#[test]
fn standard_input_is_refused_like_a_file() {
    let desk = Desk::new();
    for command in ["validate", "build"] {
        let message =
            refusal(desk.run_on(&[command, "-", "--now", NOW], b"email,stage,stage_date\n"));
        assert!(
            message.starts_with("standard input has no rows"),
            "{message}"
        );
    }
    let message = refusal(desk.run(&["validate", "-", "-", "--now", NOW]));
    assert_eq!(message, "standard input (-) can be read only once");
}

#[test]
fn a_file_is_read_by_what_it_holds_and_not_by_its_name() {
    let desk = Desk::new();
    let bytes = |name: &str| std::fs::read(repository(name)).unwrap();
    desk.file("workbook.csv", bytes("examples/dynamics.xlsx"));
    desk.file("text.xlsx", bytes("examples/hubspot.csv"));
    desk.file("records.csv", bytes("examples/hubspot-api.json"));
    desk.file("text.json", bytes("examples/hubspot.csv"));
    let formats = [
        ("workbook.csv", "xlsx"),
        ("text.xlsx", "csv"),
        ("records.csv", "json"),
        ("text.json", "csv"),
    ];
    for (name, format) in formats {
        let report = desk
            .run(&["validate", name, "--now", NOW, "--format", "json"])
            .json();
        assert_eq!(report["inputs"][0]["format"], format, "{name}");
        assert!(report["would_send"].as_u64().unwrap() > 0, "{name}");
    }
}

#[test]
fn options_out_of_bounds_say_what_to_give() {
    let trial = Trial::new();
    let cases: &[(&[&str], &str)] = &[
        (&["--batch-size", "0"], "is not in 1..=1000"),
        (&["--batch-size", "1001"], "is not in 1..=1000"),
        (&["--concurrency", "0"], "is not in 1..=64"),
        (&["--max-invalid", "101"], "a percentage from 0 to 100"),
        (&["--max-invalid", "NaN"], "a percentage from 0 to 100"),
        (&["--timeout", "0"], "at least 1"),
        (&["--threads", "0"], "is not in 1..=256"),
        (&["--api-version", "23"], "does not look like v25.0"),
        (&["--dataset-id", "12a"], "is not a number"),
        (&["--dataset-id", ""], "is not a number"),
        (&["--timezone", "Mars/Base"], "use an IANA name"),
        (&["--date-order", "ydm"], "use mdy, dmy or ymd"),
        (&["--default-country", "Atlantis"], "give its two letters"),
        (&["--preset", "hubsopt"], "there are hubspot, "),
        (&["--encoding", "klingon"], "try utf-8"),
        (&["--delimiter", "ab"], "it must be one character"),
        (&["--now", "yesterday"], "such as 2026-11-20T14:03:00Z"),
        (&["--map", "email"], "write it as FIELD=COLUMN"),
        (&["--map", "emial=email"], "did you mean \"email\"?"),
        (&["--stage", "New"], "there is no = in it"),
        (&["--stage-column", "Won"], "there is no = in it"),
        (
            &["--map", "phone=emial"],
            "there is no column \"emial\" (for phone); the nearest is \"email\"",
        ),
        (
            &["--stage-column", "stage date#2=Won"],
            "there is no column \"stage date#2\"",
        ),
        (&["--format", "github"], "possible values: human, json"),
        (&["--config", "missing.toml"], "missing.toml"),
        (
            &["--rejects", "no/such/folder/r.csv"],
            "cannot write the rejects file no/such/folder/r.csv",
        ),
    ];
    for (more, expected) in cases {
        // The clock of the trial would stand twice.
        let message = if more[0] == "--now" {
            refusal(
                trial
                    .desk
                    .run(&[&["validate", "leads.csv"], *more].concat()),
            )
        } else {
            trial.refuses(&[&["leads.csv"], *more].concat())
        };
        assert!(message.contains(expected), "{more:?}: {message}");
    }
}

#[test]
fn the_token_may_not_be_missing_empty_or_broken() {
    let trial = Trial::new();
    for (name, content, expected) in [
        (
            "empty",
            "",
            "in the access token file empty: the access token is empty",
        ),
        (
            "blank",
            " \r\n",
            "in the access token file blank: the access token is empty",
        ),
        (
            "two",
            "EAAB one\nEAAB two\n",
            "in the access token file two: the access token has characters that no token has",
        ),
        (
            "umlaut",
            "EAABä",
            "in the access token file umlaut: the access token has characters that no token has",
        ),
    ] {
        trial.desk.file(name, content);
        let message = trial.refuses(&["leads.csv", "--access-token-file", name]);
        assert!(
            message.starts_with(expected)
                && message.ends_with("put the token itself there, on one line"),
            "{message}"
        );
    }
    assert!(
        trial
            .refuses(&["leads.csv", "--access-token-file", "nowhere"])
            .contains("nowhere")
    );
    let bare = [
        "upload",
        "leads.csv",
        "--now",
        NOW,
        "--dataset-id",
        "1",
        "--graph-url",
        &trial.server.url,
    ];
    let message = refusal(trial.desk.run(&bare));
    assert!(
        message.starts_with("no access token: set CRM2CAPI_ACCESS_TOKEN")
            && message.contains("--sandbox"),
        "{message}"
    );
    let message = refusal(
        trial
            .desk
            .run_with(&bare, &[("CRM2CAPI_ACCESS_TOKEN", " ")]),
    );
    assert!(message.starts_with("no access token"), "{message}");
    let message = refusal(
        trial
            .desk
            .run_with(&bare[..4], &[("CRM2CAPI_ACCESS_TOKEN", TOKEN)]),
    );
    assert!(
        message.starts_with("no dataset: give --dataset-id"),
        "{message}"
    );
    assert_eq!(trial.server.connections(), 0);
}

#[cfg(unix)]
#[test]
fn a_token_that_everybody_can_read_is_warned_about() {
    use std::os::unix::fs::PermissionsExt;
    let trial = Trial::new();
    let token = trial.desk.path().join("token");
    // It stops before anything is sent.
    let arguments = [
        "upload",
        "leads.csv",
        "--dataset-id",
        "1",
        "--access-token-file",
        "token",
        "--config",
        "no-timeout.toml",
    ];
    trial
        .desk
        .file("no-timeout.toml", "[delivery]\ntimeout = 0\n");
    let says = |mode: u32| {
        std::fs::set_permissions(&token, std::fs::Permissions::from_mode(mode)).unwrap();
        trial
            .desk
            .run(&arguments)
            .stderr
            .contains("everybody on this machine can read token; run chmod 600 on it")
    };
    assert!(says(0o644) && !says(0o640));
}

#[test]
fn the_token_goes_to_no_host_in_the_clear() {
    let trial = Trial::new();
    for url in [
        "http://example.com",
        "http://graph.facebook.com/",
        "http://127.0.0.1.example.com",
        "http://[2001:db8::1]",
    ] {
        let message = trial.refuses(&["leads.csv", "--graph-url", url]);
        assert!(
            message.contains("would send the token unencrypted; use https"),
            "{message}"
        );
    }
    for url in [
        "ftp://127.0.0.1",
        "graph.facebook.com",
        "",
        "https://user:secret@example.com",
        "https://example.com/?a=b",
    ] {
        let message = trial.refuses(&["leads.csv", "--graph-url", url]);
        assert!(
            message.contains("--graph-url") && !message.contains("secret"),
            "{message}"
        );
    }
}

#[test]
fn settings_name_the_line_and_the_nearest_key() {
    let trial = Trial::new();
    let cases = [
        (
            "[meta]\ndatset_id = \"1\"\n",
            "line 2: unknown field `datset_id`; did you mean `dataset_id`?",
        ),
        (
            "[deliver]\nbatch_size = 1\n",
            "line 1: unknown field `deliver`; did you mean `delivery`?",
        ),
        (
            "[delivery]\nbatchsize = 1\n",
            "line 2: unknown field `batchsize`; did you mean `batch_size`?",
        ),
        (
            "[crm]\n\ntime_zone = \"UTC\"\n",
            "line 3: unknown field `time_zone`; did you mean `timezone`?",
        ),
        (
            "[columns]\nemial = \"E\"\n",
            "line 2: unknown field \"emial\"; did you mean `email`?",
        ),
        (
            "[fields]\nlead_id = \"drop\"\n",
            "line 2: unknown variant `drop`; there are reject, omit",
        ),
        (
            "[crm]\nunlisted_stages = \"no\"\n",
            "line 2: unknown variant `no`; there are error, send, skip",
        ),
        (
            "[delivery]\nbatch_size = \"5\"\n",
            "line 2: invalid type: string \"5\", expected a whole number",
        ),
        (
            "[columns]\nemail = 5\n",
            "line 2: expected a text or a list of texts",
        ),
        (
            "meta = 5\n",
            "line 1: invalid type: integer `5`, expected a [section]",
        ),
        ("[meta\n", "line 1: "),
    ];
    for (settings, expected) in cases {
        let message = trial.refuses_settings(settings);
        assert!(
            message.starts_with(&format!("in the settings s.toml: {expected}")),
            "{message}"
        );
    }
    for (settings, expected) in [
        ("[delivery]\nbatch_size = 1001\n", "Meta takes 1 to 1000"),
        (
            "[event]\ndata_processing_options = [\"LDX\"]\n",
            "may be [] or [\"LDU\"]",
        ),
        (
            "[event]\ndata_processing_options_state = 1\n",
            "need data_processing_options",
        ),
        (
            "[event]\npartner_agent = \"7\"\n",
            "at least two of them letters",
        ),
        ("[event]\ncurrency = \"Taler\"\n", "is not one of ISO 4217"),
        (
            "[columns]\nemail = \"E-Mial\"\n",
            "there is no column \"E-Mial\" (for email); the nearest is \"email\"",
        ),
    ] {
        let message = trial.refuses_settings(settings);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_value_that_the_settings_cannot_have_is_told_with_its_line_and_the_nearest() {
    let trial = Trial::new();
    for (settings, expected) in [
        (
            "[crm]\ntimezone = \"Europe/Berln\"\n",
            "line 2: timezone under [crm]: unknown time zone \"Europe/Berln\", did you mean Europe/Berlin",
        ),
        (
            "[crm]\nname = \"A\"\ndate_order = \"mm/dd\"\n",
            "line 3: date_order under [crm]: unknown date order \"mm/dd\", use mdy, dmy or ymd",
        ),
        (
            "[crm]\ndefault_country = \"Germny\"\n",
            "line 2: default_country under [crm]: \"Germny\" is not a country; give its two letters, such as US or DE; \
             did you mean Germany?",
        ),
        (
            "\n[crm]\npreset = \"hubspott\"\n",
            "line 3: preset under [crm]: unknown preset \"hubspott\", did you mean hubspot?",
        ),
        (
            "[crm]\nstage_time = \"first-seen\"\nsends_again = [\"Leed\"]\nunlisted_stages = \"error\"\n[stages]\nLead = \"Lead\"\n",
            "line 3: sends_again under [crm]: \"Leed\" is neither a stage of [stages] nor an event name; the nearest is \"Lead\"",
        ),
        (
            "[event]\ncurrency = \"Taler\"\n",
            "line 2: currency under [event]: \"Taler\" is not one of ISO 4217",
        ),
        (
            "[event]\ndata_processing_options = [\"LDX\"]\n",
            "line 2: data_processing_options under [event]: ",
        ),
        (
            "[event]\npartner_agent = \"7\"\n",
            "line 2: partner_agent under [event]: ",
        ),
        (
            "[input]\nencoding = \"utf-99\"\n",
            "line 2: encoding under [input] = \"utf-99\": unknown encoding",
        ),
        (
            "[input]\ndelimiter = \"ab\"\n",
            "line 2: delimiter under [input] = \"ab\": it must be one character",
        ),
        (
            "[meta]\ndataset_id = \"1\"\napi_version = \"25\"\n",
            "line 3: api_version under [meta]: the API version",
        ),
        (
            "[meta]\ntest_event_code = \" \"\n",
            "line 2: test_event_code under [meta]: ",
        ),
        (
            "[join]\nraw_lead = \"\"\n",
            "line 2: raw_lead under [join] is empty",
        ),
        (
            "[delivery]\nbatch_size = 1001\n",
            "line 2: batch_size under [delivery]: 1001 is out of bounds",
        ),
        (
            "[delivery]\n\nmax_invalid = 101.0\n",
            "line 3: max_invalid under [delivery]: 101 is not a percentage",
        ),
        (
            "[notify]\nmax_age = \"1 year\"\n",
            "line 2: max_age under [notify]: ",
        ),
    ] {
        let message = trial.refuses_settings(settings);
        let expected = format!("in the settings s.toml: {expected}");
        assert!(message.contains(&expected), "{message}\n{expected}");
    }
}

#[test]
fn a_secret_in_the_settings_is_refused_and_not_repeated() {
    let trial = Trial::new();
    for settings in [
        format!("[meta]\naccess_token = \"{TOKEN}\"\n"),
        format!("[meta]\naccess_token_file = {TOKEN}\n"),
        format!("[meta]\ntoken = \"{TOKEN}\n"),
        format!("{TOKEN}\n"),
    ] {
        // `refuses` asserts that the token is not in the message.
        assert!(
            trial
                .refuses_settings(&settings)
                .starts_with("in the settings s.toml: line ")
        );
    }
}

#[test]
fn there_is_no_option_that_takes_the_token() {
    let ran = Desk::new()
        .run(&["upload", "leads.csv", "--access-token", TOKEN])
        .ended(2);
    assert_eq!(ran.stdout, "");
}

#[test]
fn files_without_leads_or_stages_say_what_to_map() {
    let trial = Trial::new();
    for (content, expected) in [
        (
            "a,b\n1,2\n",
            "no column says which stage a lead is in; name it with --map event_name=COLUMN",
        ),
        (
            "email,stage\na@example.com,Lead\n",
            "no column says when a stage was reached; name it with --map event_time=COLUMN",
        ),
    ] {
        trial.desk.file("odd.csv", content);
        let message = trial.refuses(&["odd.csv"]);
        assert!(
            message.starts_with("odd.csv: ") && message.contains(expected),
            "{message}"
        );
    }
    trial
        .desk
        .file("odd.csv", "what,when\nLead,2026-11-20T10:00:00Z\n");
    let message = trial.refuses(&[
        "odd.csv",
        "--map",
        "event_name=what",
        "--map",
        "event_time=when",
    ]);
    assert!(
        message.starts_with(
            "odd.csv: no column identifies a lead; name one with --map lead_id=COLUMN"
        ),
        "{message}"
    );
}

#[test]
fn bytes_of_any_kind_make_no_panic() {
    let desk = Desk::new();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    let whole = std::fs::read(repository("examples/hubspot.csv")).unwrap();
    let json = std::fs::read(repository("examples/salesforce-api.json")).unwrap();
    let workbook = std::fs::read(repository("examples/dynamics.xlsx")).unwrap();
    for round in 0..24_usize {
        let base = [&whole, &json, &workbook][round % 3];
        let mut bytes = base[..base.len() - (round * 37) % base.len()].to_vec();
        for _ in 0..round {
            let at = (usize::from(byte()) << 8 | usize::from(byte())) % bytes.len();
            bytes[at] = byte();
        }
        let ran = desk.run_on(&["validate", "-", "--now", NOW, "--format", "json"], &bytes);
        assert!([0, 1, 2].contains(&ran.status), "round {round}: {ran:#?}");
        assert!(!ran.stderr.contains("panicked"), "round {round}: {ran:#?}");
    }
}
