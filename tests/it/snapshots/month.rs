//! Thirty nightly exports of a thousand leads, held against a list of what must arrive that is made without the program.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::{Job, export, row};
use crate::support::Ran;

const LEADS: u64 = 1_000;
const DAYS: i64 = 30;
/// 2026-10-20T18:00:00Z.
const FIRST_NIGHT: i64 = 1_792_519_200;
const DAY: i64 = 86_400;
const STAGES: [(&str, &str); 5] = [
    ("New", "Lead"),
    ("Contacted", "Contacted"),
    ("Qualified", "Qualified"),
    ("Won", "Customer"),
    ("Junk", ""),
];

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

struct Lead {
    number: u64,
    created: i64,
    stage: usize,
    /// The night from which it is back in the exports.
    away_until: i64,
    /// Event names that it was seen under.
    known: BTreeSet<&'static str>,
    /// The event of the visit before the last stage, for stages that send again.
    last: Option<&'static str>,
}

impl Lead {
    fn born(number: u64, dice: &mut Dice) -> Self {
        // A third was there before the first night, some of them for longer than Meta looks back.
        let days = match number {
            0..333 => -(dice.roll(20) as i64) - 1,
            _ => dice.roll(DAYS as u64) as i64,
        };
        Self {
            number,
            created: FIRST_NIGHT + days * DAY - DAY + 3_600 * (1 + dice.roll(20) as i64),
            stage: 0,
            away_until: 0,
            known: BTreeSet::new(),
            last: None,
        }
    }

    /// A day passes.
    fn live(&mut self, night: i64, dice: &mut Dice) {
        self.stage = match dice.roll(12) {
            0 | 1 => (self.stage + 1).min(4),
            2 => (self.stage + 2).min(4),
            3 => self.stage.saturating_sub(1),
            _ => self.stage,
        };
        if self.away_until <= night && dice.roll(30) == 0 {
            self.away_until = night + 1 + dice.roll(6) as i64;
        }
    }

    fn is_in_export(&self, night: i64) -> bool {
        self.created <= FIRST_NIGHT + night * DAY && self.away_until <= night
    }

    /// What a run on this night must add to what arrived of the lead.
    fn expect(&mut self, night: i64, arrives: &mut Vec<(&'static str, i64)>) {
        let now = FIRST_NIGHT + night * DAY;
        let is_fresh = self.created > now - 7 * DAY + 300;
        if is_fresh && self.known.insert("Lead") {
            arrives.push(("Lead", self.created));
        }
        self.known.insert("Lead");
        let name = STAGES[self.stage].1;
        // A stage that is skipped, or told by the date of creation, is elsewhere all the same.
        let is_sent = !name.is_empty() && name != "Lead";
        let is_new = is_sent && self.known.insert(name);
        let is_back = name == "Contacted" && self.last.is_some_and(|last| last != name);
        if night > 0 && (is_new || is_back) {
            arrives.push((name, now));
        }
        self.last = Some(name);
    }
}

/// What the server heard, lead by lead; what was repeated after a kill counts once.
#[derive(Default)]
struct Heard {
    leads: HashMap<u64, Vec<(String, i64)>>,
    ids: BTreeMap<String, (u64, String)>,
    repeated: usize,
}

impl Heard {
    fn hear(&mut self, events: &[serde_json::Value], may_repeat: bool) {
        for event in events {
            let lead = event["user_data"]["lead_id"].as_u64().unwrap() - 1_234_567_890_000_000;
            let name = event["event_name"].as_str().unwrap().to_owned();
            let id = event["event_id"].as_str().unwrap().to_owned();
            let known = self.ids.insert(id, (lead, name.clone()));
            match known {
                None => {
                    let time = event["event_time"].as_i64().unwrap();
                    self.leads.entry(lead).or_default().push((name, time));
                }
                Some(known) => {
                    assert!(may_repeat, "{lead} {name} went twice");
                    assert_eq!(known, (lead, name));
                    self.repeated += 1;
                }
            }
        }
    }
}

#[test]
fn every_change_of_a_month_arrives_once_and_in_order() {
    let job = Job::new();
    let mut dice = Dice(7);
    let mut leads: Vec<Lead> = (0..LEADS)
        .map(|number| Lead::born(number, &mut dice))
        .collect();
    let mut expected: HashMap<u64, Vec<(&str, i64)>> = HashMap::new();
    let mut heard = Heard::default();
    let mut kills = 0;
    for night in 0..DAYS {
        leads
            .iter_mut()
            .for_each(|lead| lead.live(night, &mut dice));
        // The job does not run every night.
        if [5, 13, 14].contains(&night) {
            continue;
        }
        let shown = leads.iter_mut().filter(|lead| lead.is_in_export(night));
        let rows: Vec<String> = shown
            .map(|lead| {
                lead.expect(night, expected.entry(lead.number).or_default());
                let created = jiff::Timestamp::from_second(lead.created).unwrap();
                row(lead.number, STAGES[lead.stage].0, &created.to_string())
            })
            .collect();
        job.desk.file("export.csv", export(&rows));
        let now = jiff::Timestamp::from_second(FIRST_NIGHT + night * DAY)
            .unwrap()
            .to_string();
        for after in [0, 1, 2]
            .into_iter()
            .filter(|after| (night + after) % 3 == 0)
        {
            kills += usize::from(kill(&job, &now, after as usize));
        }
        heard.hear(&job.server.take(), true);
        let upload = || Ran::of(&["upload"], job.command(Some(&now), &[]).output().unwrap());
        upload().ended(0);
        heard.hear(&job.server.take(), true);
        if night % 4 == 0 {
            let again = upload().ended(0).json();
            assert_eq!(again["accepted"], 0, "{again}");
            heard.hear(&job.server.take(), false);
        }
    }
    assert!(
        kills > 15 && heard.repeated > 0,
        "{kills} {}",
        heard.repeated
    );
    let changes: usize = expected.values().map(Vec::len).sum();
    assert!(changes > 2_000, "{changes}");
    for (lead, expected) in expected {
        let arrived = heard.leads.remove(&lead).unwrap_or_default();
        let arrived: Vec<(&str, i64)> = arrived
            .iter()
            .map(|(name, time)| (&**name, *time))
            .collect();
        assert_eq!(arrived, expected, "lead {lead}");
    }
    assert!(heard.leads.is_empty(), "{:?}", heard.leads);
}

/// Runs the job and kills it when the server has left a request without an answer. False when it ends before.
fn kill(job: &Job, now: &str, after: usize) -> bool {
    job.server.fall_silent_after(after);
    let mut command = job.command(Some(now), &["--concurrency", "2"]);
    command
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut is_silent = false;
    while !is_silent && child.try_wait().unwrap().is_none() {
        is_silent = job.server.is_silent_within(Duration::from_millis(20));
    }
    // On Unix this is kill -9.
    child.kill().unwrap();
    child.wait().unwrap();
    job.server.answer_again();
    is_silent
}
