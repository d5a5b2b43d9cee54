//! An export with two settings that know nothing of each other: no panic, the same events each time, and counts that
//! add up.
//!
//! The first two bytes choose the settings, the rest is the export.

#![no_main]

use std::io::Write;

use crm2capi::{Export, Summary};
use libfuzzer_sys::{Corpus, fuzz_target};

/// Settings by the sections they belong to, so that any two make one file.
const SETTINGS: [(&str, &str); 24] = [
    ("crm", "preset = \"none\""),
    ("crm", "preset = \"hubspot\""),
    ("crm", "preset = \"hubspot-history\""),
    ("crm", "preset = \"salesforce-history\""),
    ("crm", "preset = \"meta-lead-ads\""),
    ("crm", "unlisted_stages = \"skip\""),
    ("crm", "timezone = \"America/New_York\""),
    ("crm", "date_order = \"dmy\""),
    ("crm", "default_country = \"DE\""),
    ("columns", "event_name = \"stage\"\nevent_time = \"date\"\nemail = [\"email\", \"email#2\"]"),
    ("columns", "event_id = \"id\"\nexternal_id = \"id\"\nopt_out = \"stage\""),
    ("columns", "\"custom.note\" = \"note\"\nvalue = \"amount\"\ncurrency = \"note\"\norder_id = \"id\""),
    ("columns", "consent = \"consent\"\ndate_of_birth = \"date\"\ngender = \"note\""),
    ("stages", "\"New\" = \"Lead\"\n\"Won\" = \"\""),
    ("stages", "\"*\" = \"Lead\""),
    ("stage_columns", "\"{stage} date\" = \"{stage}\""),
    ("stage_columns", "\"*a*a{n}*\" = \"Won\"\n\"date\" = \"Lead\""),
    ("only", "\"stage\" = [\"New\", \"Won\"]"),
    ("fields", "email = \"reject\"\nlead_id = \"omit\"\n\"custom.note\" = \"reject\""),
    ("event", "currency = \"EUR\"\nallow_personal = [\"custom.note\", \"order_id\"]"),
    ("event", "data_processing_options = [\"LDU\"]"),
    ("input", "format = \"csv\"\ndelimiter = \"tab\""),
    ("input", "encoding = \"utf-16le\""),
    ("input", "format = \"ndjson\""),
];

fn settings(first: u8, second: u8) -> Option<String> {
    let [first, second] = [first, second].map(|byte| SETTINGS[usize::from(byte) % SETTINGS.len()]);
    match first.0 == second.0 {
        true if first.1 == second.1 => Some(format!("[{}]\n{}\n", first.0, first.1)),
        true => None,
        false => Some(format!("[{}]\n{}\n[{}]\n{}\n", first.0, first.1, second.0, second.1)),
    }
}

/// The events and what is said of them; none when the export does not fit.
fn run(export: &Export) -> Option<(Vec<String>, Summary)> {
    let mut events = Vec::new();
    let summary = export.events(|event| {
        events.push(event.to_owned());
        Ok(())
    });
    Some((events, summary.ok()?))
}

fuzz_target!(|data: &[u8]| -> Corpus {
    let [first, second, export @ ..] = data else { return Corpus::Reject };
    let Some(settings) = settings(*first, *second) else { return Corpus::Reject };
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    file.write_all(export).expect("a temporary file can be written");
    let now = "2026-11-21T16:00:00Z".parse().expect("a time");
    let export = Export::new([file.path()]).settings(&settings).expect("settings that hold").now(now);
    let Some((events, summary)) = run(&export) else { return Corpus::Keep };
    assert!(summary.rows_invalid <= summary.rows);
    assert!(events.len() as u64 <= summary.counts.events);
    // What is made of an export is bounded by what it holds: 64 KB an event at most, before escapes.
    for event in &events {
        assert!(event.len() < 6 * 65_536 + 4_096);
        let event: serde_json::Value = serde_json::from_str(event).expect("JSON");
        assert!(event["event_id"].is_string() && event["user_data"].is_object());
    }
    let (again, _) = run(&export).expect("it was read a moment ago");
    assert_eq!(events, again);
    Corpus::Keep
});
