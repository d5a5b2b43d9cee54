//! Cells, headings and patterns cost what their length costs: the same text eight times as long takes no more than
//! twenty times as long of the processor's time, where what grows with its square takes sixty-four.
//!
//! The first byte chooses what the rest is: a cell of a field, or a heading and, behind the next line break, a pattern.

#![no_main]

use std::time::Duration;

use crm2capi::{Export, Normalizer};
use libfuzzer_sys::{Corpus, fuzz_target};

const FIELDS: [&str; 8] =
    ["email", "phone", "full_name", "external_id", "date_of_birth", "city", "state", "client_user_agent"];
const SHORT_BYTES: usize = 64 << 10;
const TIMES: usize = 8;
const MOST: u32 = 20;
/// The system counts in steps of some milliseconds, and what grows with the square of half a megabyte takes seconds.
const TOLERATED: Duration = Duration::from_millis(200);

/// The time this thread has had of the processor.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|text| text.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}

/// The least of three times, as nothing but this program can make it less.
fn cost(work: impl Fn()) -> Duration {
    let once = || {
        let start = processor_time();
        work();
        processor_time() - start
    };
    (0..3).map(|_| once()).min().unwrap_or_default()
}

fn is_in_line(work: impl Fn(usize)) {
    let long = cost(|| work(TIMES));
    if long > TOLERATED {
        let short = cost(|| work(1));
        assert!(long <= short * MOST + TOLERATED, "{short:?} for one, {long:?} for {TIMES}");
    }
}

fn of_cell(field: &str, text: &str) {
    let normalizer = Normalizer::new(Some("US"), None).expect("a country");
    let short = text.repeat(SHORT_BYTES.div_ceil(text.len()));
    is_in_line(|times| drop(normalizer.normalize(field, &short.repeat(times))));
}

fn of_heading(heading: &str, pattern: &str) {
    let short = heading.repeat(SHORT_BYTES.div_ceil(heading.len()));
    let settings = serde_json::to_string(pattern).expect("a text");
    let settings = format!("[input]\nthreads = 1\n[stage_columns]\n{settings} = \"Won\"\n");
    is_in_line(|times| {
        let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        let heading = short.repeat(times).replace('"', "\"\"");
        let export = format!("email,stage,stage date,\"{heading}\"\na@example.com,New,2026-11-20,2026-11-20\n");
        std::fs::write(file.path(), export).expect("a temporary file can be written");
        if let Ok(export) = Export::new([file.path()]).settings(&settings) {
            drop(export.validate());
        }
    });
}

fuzz_target!(|data: &[u8]| -> Corpus {
    let [choice, text @ ..] = data else { return Corpus::Reject };
    let Ok(text) = std::str::from_utf8(text) else { return Corpus::Reject };
    let (heading, pattern) = text.split_once('\n').unwrap_or((text, "*a*a*b"));
    match FIELDS.get(usize::from(*choice) % (FIELDS.len() + 1)) {
        Some(field) if !text.is_empty() => of_cell(field, text),
        None if !heading.is_empty() => of_heading(heading, pattern),
        _ => return Corpus::Reject,
    }
    Corpus::Keep
});
