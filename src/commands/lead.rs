//! `crm2capi status --lead`: what became of the events of one lead, or of each in a list.

use std::collections::HashSet;
use std::io::{self, BufRead, Write};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::normalize::each_line;
use super::print_error;
use super::show::show_page;
use crate::cli::{PlainFormat, StatusArgs};
use crate::config::{self, SettingsFile};
use crate::customer::{Key, LetterM, Normalizer, Settings};
use crate::field::Field;
use crate::graph::Fault;
use crate::ledger::{LedgerReader, PastEvent, Person, State};
use crate::problem::Code;
use crate::report::ExitStatus;
use crate::text::{counted, harmless, thousands};
use crate::time::utc;

/// What to do about a phone that nobody can place.
const NEEDS_COUNTRY: &str =
    "a phone needs its country: write it with + and the country code, or add --default-country";

/// A value that was asked for.
struct Asked {
    /// The line of standard input, from 1; nothing for the value of the command line.
    line: Option<u64>,
    /// Whom it may mean, or why it means nobody.
    people: Result<Vec<Person>, Code>,
    /// Whether it may be a phone that says nothing of its country.
    may_lack_country: bool,
}

/// A value and what the ledger knows of it.
struct Found<'a> {
    asked: &'a Asked,
    events: Vec<&'a PastEvent>,
}

pub(super) fn run(args: &StatusArgs, value: &str, file: &SettingsFile) -> Result<ExitStatus> {
    let normalizer = normalizer(args, file)?;
    let asked = match value {
        "-" => list(&normalizer, io::stdin().lock())?,
        value => {
            let asked = asked_for(&normalizer, None, Ok(value));
            if let Err(code) = &asked.people {
                let help = if *code == Code::PhoneCountryMissing {
                    NEEDS_COUNTRY
                } else {
                    code.help()
                };
                bail!(
                    "the value of --lead is not a lead id, email or phone that can be looked up: {}; {help}",
                    code.message()
                );
            }
            vec![asked]
        }
    };
    let dataset = config::dataset_id(args.settings.dataset_id.as_deref(), file)?;
    let everybody: HashSet<Person> = asked
        .iter()
        .flat_map(|asked| asked.people.iter().flatten())
        .copied()
        .collect();
    let now = config::clock(args.now).now();
    let ledger = LedgerReader::open(&config::status_ledger(args, file)?)?;
    let events = ledger
        .map(|mut ledger| ledger.about(&everybody, dataset.as_deref(), now))
        .transpose()?
        .unwrap_or_default();
    let found: Vec<Found<'_>> = asked
        .iter()
        .map(|asked| Found {
            asked,
            events: of(asked, &events),
        })
        .collect();
    let status = match found.iter().all(|found| !found.events.is_empty()) {
        true => ExitStatus::Done,
        false => ExitStatus::Problems,
    };
    show_page(args.format, |out| match args.format {
        PlainFormat::Json => {
            let leads: Vec<Value> = found.iter().map(as_json).collect();
            let report = json!({"command": "status", "exit_status": status, "leads": leads});
            writeln!(out, "{report}")
        }
        PlainFormat::Human => found.iter().try_for_each(|found| write_lead(out, found)),
    });
    if status != ExitStatus::Done {
        let may_lack_country = |found: &Found<'_>| found.asked.may_lack_country;
        let mut missing = found.iter().filter(|found| found.events.is_empty());
        let lacks_country = args.default_country.is_none() && missing.any(may_lack_country);
        let help = match lacks_country {
            true => format!("; {NEEDS_COUNTRY}"),
            false => String::new(),
        };
        print_error(&anyhow::anyhow!("{}{help}", what_is_missing(&found)));
    }
    Ok(status)
}

/// How many leads have no event. A line that is no lead is none.
fn what_is_missing(found: &[Found<'_>]) -> String {
    let leads = found.iter().filter(|found| found.asked.people.is_ok());
    let missing = leads
        .clone()
        .filter(|found| found.events.is_empty())
        .count() as u64;
    let leads = leads.count() as u64;
    let none = match (missing, leads) {
        (0, _) => None,
        (1, 1) => Some("the lead asked about has no event in the ledger".to_owned()),
        (1, all) => Some(format!(
            "1 of the {} leads asked about has no event in the ledger",
            thousands(all)
        )),
        (_, all) => {
            let missing = thousands(missing);
            Some(format!(
                "{missing} of the {} leads asked about have no event in the ledger",
                thousands(all)
            ))
        }
    };
    let none = none
        .map(|none| format!("{none}; it remembers those of the last 30 days that an upload sent"));
    let unreadable = match found.len() as u64 - leads {
        0 => None,
        1 => Some("1 line is not a lead id, email or phone".to_owned()),
        many => Some(format!(
            "{} lines are not a lead id, email or phone",
            thousands(many)
        )),
    };
    none.into_iter()
        .chain(unreadable)
        .collect::<Vec<_>>()
        .join("; ")
}

fn normalizer(args: &StatusArgs, file: &SettingsFile) -> Result<Normalizer> {
    Ok(Normalizer::new(&Settings {
        default_country: config::default_country(args.default_country, file)?,
        date_order: None,
        // Only dates of birth depend on it.
        this_year: 2100,
        letter_m: LetterM::Man,
    }))
}

fn list(normalizer: &Normalizer, input: impl BufRead) -> Result<Vec<Asked>> {
    let mut asked = Vec::new();
    let take = |line, text: Result<&str, Code>| {
        let is_blank = matches!(text, Ok(text) if text.trim().is_empty());
        if !is_blank {
            asked.push(asked_for(normalizer, Some(line), text));
        }
        Ok(())
    };
    each_line(input, take).context("cannot read the list of leads")?;
    Ok(asked)
}

fn asked_for(normalizer: &Normalizer, line: Option<u64>, text: Result<&str, Code>) -> Asked {
    let is_international = |text: &str| text.starts_with('+') || text.starts_with("00");
    Asked {
        line,
        people: text.and_then(|text| people(normalizer, text)),
        may_lack_country: text.map(str::trim).is_ok_and(|text| {
            !is_international(text)
                && text.chars().any(|c| c.is_ascii_digit())
                && !text.chars().any(char::is_alphabetic)
        }),
    }
}

/// Whom a value may mean: a number may be a lead id and a phone, a hash an email and a phone.
fn people(normalizer: &Normalizer, text: &str) -> Result<Vec<Person>, Code> {
    let fields: &[Field] = match text.contains('@') {
        true => &[Field::Email],
        false => &[Field::LeadId, Field::Phone, Field::Email],
    };
    let (mut people, mut problem) = (Vec::new(), Code::ValueEmpty);
    for field in fields {
        match normalizer.values(*field, text) {
            // Of a number that is a phone but for its country, nothing else is worth saying.
            Err(code) if problem != Code::PhoneCountryMissing => problem = code,
            Err(_) => {}
            Ok(values) => people.extend(values.iter().filter_map(|value| {
                let text = match (value.key, &value.sha256, &value.text) {
                    (Key::LeadId, _, Some(text)) => text.clone(),
                    (_, Some(hash), _) => String::from_utf8_lossy(hash.as_hex()).into_owned(),
                    _ => return None,
                };
                Some(Person::of(value.key, &text))
            })),
        }
    }
    match people.is_empty() {
        true => Err(problem),
        false => Ok(people),
    }
}

fn of<'a>(asked: &Asked, events: &'a [PastEvent]) -> Vec<&'a PastEvent> {
    let Ok(people) = &asked.people else {
        return Vec::new();
    };
    let is_meant = |event: &&PastEvent| event.people.iter().any(|person| people.contains(person));
    events.iter().filter(is_meant).collect()
}

/// The value is not repeated: it is a person's.
fn write_lead(out: &mut impl Write, found: &Found<'_>) -> io::Result<()> {
    let who = match found.asked.line {
        Some(line) => format!("line {line}"),
        None => "this lead".to_owned(),
    };
    match &found.asked.people {
        Err(code) => {
            return writeln!(
                out,
                "{who}: not a lead id, email or phone: {}",
                code.message()
            );
        }
        Ok(_) if found.events.is_empty() => return writeln!(out, "{who}: no event in the ledger"),
        Ok(_) => writeln!(
            out,
            "{who}: {}",
            counted(found.events.len() as u64, "event")
        )?,
    }
    for event in &found.events {
        let name = event.name.as_deref().map_or("(unnamed)".into(), harmless);
        let trace = event
            .trace
            .as_deref()
            .map(|trace| format!("; trace {}", harmless(trace)));
        writeln!(
            out,
            "  {}  {name}: {} {}; run of {}; dataset {}{}",
            utc(event.time),
            state(event.state),
            utc(event.settled),
            utc(event.run_started),
            event.dataset,
            trace.unwrap_or_default(),
        )?;
    }
    Ok(())
}

fn state(state: State) -> String {
    match state {
        State::Accepted => "accepted".to_owned(),
        State::Rejected { code, subcode } => format!("refused by Meta ({})", fault(code, subcode)),
        State::Uncertain => "uncertain, the next upload sends it again; last tried".to_owned(),
        State::Expired => {
            "uncertain, and too old to be resent: whether Meta took it is not known; last tried"
                .to_owned()
        }
        State::Pending => "not sent yet, the next upload does; first seen".to_owned(),
        State::Resting => {
            "uncertain after several runs, --retry-uncertain sends it; last tried".to_owned()
        }
    }
}

fn fault(code: i64, subcode: Option<i64>) -> Fault {
    Fault {
        status: 0,
        code,
        subcode,
        title: None,
        fbtrace_id: None,
    }
}

fn as_json(found: &Found<'_>) -> Value {
    json!({
        "input_line": found.asked.line,
        "problem": found.asked.people.as_ref().err().map(|code| code.name()),
        "events": found.events.iter().map(|event| event_json(event)).collect::<Vec<_>>(),
    })
}

fn event_json(event: &PastEvent) -> Value {
    let (state, code, subcode) = match event.state {
        State::Accepted => ("accepted", None, None),
        State::Rejected { code, subcode } => ("rejected", Some(code), subcode),
        State::Uncertain => ("uncertain", None, None),
        State::Expired => ("expired", None, None),
        State::Pending => ("pending", None, None),
        State::Resting => ("resting", None, None),
    };
    json!({
        "event_name": event.name, "event_time": utc(event.time), "state": state, "settled": utc(event.settled),
        "run_started": utc(event.run_started), "dataset_id": event.dataset, "code": code, "subcode": subcode,
        "fbtrace_id": event.trace,
    })
}
