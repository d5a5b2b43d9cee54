//! Exports in which the rows of a person carry whatever the CRM happened to know: a lead id, an email, a phone, its own
//! number, or some of them. Stages come at random, Meta refuses some for a while, and deliveries fail. As long as the rows
//! of a person are one lead by the documented rules, each stage is accepted once, and nothing stays behind.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::nightly;
use crate::support::recorder::{Failure, Recorder};
use crate::support::{Desk, Ran, assert_adds_up, sha256};

const SETTINGS: &str = r#"
[crm]
name = "Own CRM"
stage_time = "first-seen"
[columns]
lead_id = "lid"
email = "em"
phone = "ph"
external_id = "number"
event_name = "stage"
"#;
/// 2026-11-20T18:00:00Z.
const FIRST_NIGHT: i64 = 1_795_197_600;
const NIGHTS: i64 = 5;
const PEOPLE: usize = 24;
const STAGES: [&str; 4] = ["New", "Qualified", "Won", "Paid"];

/// Which of lead id, email, phone and number a row has, one bit each, the strongest first.
type Has = u8;
const ID: Has = 1;
const NUMBER: Has = 8;

/// Whether two rows of one person are the same lead by the rules of the book.
fn are_one(one: Has, other: Has) -> bool {
    let both = one & other;
    let strongest = |has: Has| has & has.wrapping_neg();
    let decides = strongest(both);
    both & (ID | NUMBER) != 0 || both != 0 && [one, other].map(strongest).contains(&decides)
}

/// Adds what a row has to the leads of a person, as far as they are told apart.
fn join(leads: &mut Vec<Has>, row: Has) {
    leads.push(row);
    'again: loop {
        for one in 0..leads.len() {
            for other in one + 1..leads.len() {
                if are_one(leads[one], leads[other]) {
                    leads[one] |= leads.swap_remove(other);
                    continue 'again;
                }
            }
        }
        return;
    }
}

fn values(person: usize) -> [String; 4] {
    [
        (1_234_567_890_000_000 + person).to_string(),
        format!("person{person}@example.com"),
        format!("+121255501{person:02}"),
        format!("N{person}"),
    ]
}

fn row(person: usize, has: Has, stage: &str) -> String {
    let mut cells = values(person);
    for (bit, cell) in cells.iter_mut().enumerate() {
        if has & 1 << bit == 0 {
            cell.clear();
        }
    }
    format!("{},{stage}\n", cells.join(","))
}

/// Whose an event is, by anything that it carries.
fn people() -> HashMap<String, usize> {
    let mut people = HashMap::new();
    for person in 0..PEOPLE {
        let [id, email, phone, number] = values(person);
        let hashes = [email, phone[1..].to_owned(), number.to_lowercase(), number];
        people.extend(hashes.map(|value| (sha256(&value), person)));
        people.insert(id, person);
    }
    people
}

fn person_of(event: &Value, people: &HashMap<String, usize>) -> usize {
    let user = event["user_data"].as_object().unwrap();
    let texts = user.values().flat_map(|value| match value {
        Value::Array(all) => all
            .iter()
            .map(|one| one.as_str().unwrap().to_owned())
            .collect(),
        one => vec![one.to_string()],
    });
    let mut known = texts.filter_map(|text| people.get(&text));
    *known.next().unwrap_or_else(|| panic!("nobody's: {event}"))
}

struct Job {
    desk: Desk,
    server: Recorder,
    people: HashMap<String, usize>,
    accepted: BTreeMap<(usize, String), u32>,
}

impl Job {
    fn run(&mut self, night: i64, more: &[&str]) -> (Ran, Value) {
        let mut command = nightly((&self.desk, &self.server), (FIRST_NIGHT, night), more);
        let ran = Ran::of(&["upload"], command.output().unwrap());
        let report = ran.json();
        assert_adds_up(&report);
        let events = self.server.take();
        assert_eq!(
            report["accepted"].as_u64(),
            Some(events.len() as u64),
            "{report}"
        );
        for event in events {
            let stage = event["event_name"].as_str().unwrap().to_owned();
            let person = person_of(&event, &self.people);
            *self.accepted.entry((person, stage)).or_default() += 1;
        }
        (ran, report)
    }
}

fn play(seed: u64) {
    let mut dice = fastrand::Rng::with_seed(seed);
    let desk = Desk::new();
    desk.file("job.toml", SETTINGS);
    let mut job = Job {
        desk,
        server: Recorder::start(),
        people: people(),
        accepted: BTreeMap::new(),
    };
    let mut leads = vec![Vec::new(); PEOPLE];
    let mut is_one = [true; PEOPLE];
    // Stages seen of each person, and those of them that the first export showed.
    let (mut seen, mut first) = (BTreeSet::new(), BTreeSet::new());
    let mut told = Vec::new();
    for night in 0..NIGHTS {
        let mut rows = Vec::new();
        for person in 0..PEOPLE {
            for _ in 0..dice.usize(..3) {
                let has = dice.u8(1..16);
                let stage = STAGES[dice.usize(..STAGES.len())];
                join(&mut leads[person], has);
                seen.insert((person, stage.to_owned()));
                told.push(format!("night {night}: {}", row(person, has, stage)));
                rows.push(row(person, has, stage));
            }
            is_one[person] &= leads[person].len() < 2;
        }
        if night == 0 {
            first.clone_from(&seen);
        }
        dice.shuffle(&mut rows);
        job.desk.file(
            "export.csv",
            format!("lid,em,ph,number,stage\n{}", rows.concat()),
        );
        match dice.u8(..4) {
            0 => job.server.refuse(&["Won", "Paid"]),
            1 => job.server.fail(Failure::Throttle),
            _ => {}
        }
        job.run(night, &[]);
        job.server.refuse(&[]);
        job.server.answer_again();
        if dice.bool() {
            job.run(night, &["--retry-rejected"]).0.ended(0);
        }
    }
    let last = NIGHTS - 1;
    job.run(last, &["--retry-rejected"]).0.ended(0);
    let (_, report) = job.run(last, &[]);
    assert_eq!(
        (
            &report["accepted"],
            &report["snapshot"]["overdue"],
            &report["rejected"]
        ),
        (&0.into(), &0.into(), &0.into()),
        "seed {seed}: {report}"
    );
    for (person, stage) in seen {
        let count = job
            .accepted
            .get(&(person, stage.clone()))
            .copied()
            .unwrap_or(0);
        let expected = u32::from(!first.contains(&(person, stage.clone())));
        let rows = || {
            let [id, email, phone, number] = values(person);
            let is_theirs = |row: &&String| {
                [&id, &email, &phone, &format!(",{number},")]
                    .iter()
                    .any(|value| row.contains(value.as_str()))
            };
            told.iter().filter(is_theirs).cloned().collect::<String>()
        };
        // One who was several leads for a while may have been in a stage as each.
        assert!(
            count == expected || !is_one[person],
            "seed {seed}: {stage} of {person} went {count} times\n{}",
            rows()
        );
    }
}

#[test]
fn each_stage_of_a_person_goes_once_whatever_its_rows_know() {
    let number = |name: &str| std::env::var(name).ok()?.parse().ok();
    let first = number("MODEL_SEED").unwrap_or(1);
    let seeds = first..first + number("MODEL_SCHEDULES").unwrap_or(6);
    seeds.for_each(play);
}
