//! Exports of a few leads whose lead ids come and go and whose emails change, uploaded by runs that are throttled, cut off
//! or killed while the leads move on: each change arrives once, in order, with the time it was first shown, and the next
//! sound run brings everything to its end. What must arrive is worked out without the program.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::nightly;
use crate::support::recorder::{Failure, Recorder};
use crate::support::{Desk, Ran};

/// 2026-10-20T18:00:00Z.
const FIRST_NIGHT: i64 = 1_792_519_200;
const DAY: i64 = 86_400;
const NIGHTS: i64 = 10;
const LEADS: usize = 14;
/// These share one email, and always come with their lead ids.
const COUPLE: [usize; 2] = [0, 1];
/// Those before this one share a phone.
const SWITCHBOARD: usize = 6;
const STAGES: [&str; 6] = ["New", "Contacted", "Qualified", "Proposal", "Won", "Lost"];
/// More in a row would leave events resting, which is another matter.
const MOST_FAILURES: u32 = 2;
const SETTINGS: &str = r#"
[crm]
stage_time = "first-seen"
[columns]
lead_id = "lid"
email = "em"
phone = "ph"
event_name = "stage"
"#;

struct Lead {
    number: usize,
    stage: usize,
    email: u32,
    /// Whether the next export shows the old email beside the new one.
    is_swapping: bool,
    known: BTreeSet<&'static str>,
}

impl Lead {
    fn email(&self, version: u32) -> String {
        match COUPLE.contains(&self.number) {
            true => "both@example.com".to_owned(),
            false => format!("lead{}v{version}@example.com", self.number),
        }
    }

    fn live(&mut self, dice: &mut fastrand::Rng) {
        self.stage = match dice.u8(..6) {
            0 | 1 => (self.stage + 1).min(STAGES.len() - 1),
            2 => dice.usize(..STAGES.len()),
            _ => self.stage,
        };
        self.is_swapping = !COUPLE.contains(&self.number) && dice.u8(..6) == 0;
        self.email += u32::from(self.is_swapping);
    }

    /// What an export shows of it, which is never the same twice.
    fn row(&self, dice: &mut fastrand::Rng) -> String {
        let has_id = COUPLE.contains(&self.number) || dice.bool();
        let id = match has_id {
            true => (1_234_567_890_000_000 + self.number).to_string(),
            false => String::new(),
        };
        let phone = match (dice.bool(), self.number < SWITCHBOARD) {
            (false, _) => String::new(),
            (true, true) => "+12125550100".to_owned(),
            (true, false) => format!("+121255501{:02}", self.number),
        };
        let email = match self.is_swapping {
            true => format!("{};{}", self.email(self.email), self.email(self.email - 1)),
            false => self.email(self.email),
        };
        let stage = match dice.u8(..4) {
            0 => STAGES[self.stage].to_uppercase(),
            _ => STAGES[self.stage].to_owned(),
        };
        format!("{id},{email},{phone},{stage}\n")
    }
}

/// What arrived of each lead, in the order of arrival, by whichever of its values tells it.
#[derive(Default)]
struct Heard {
    leads: BTreeMap<usize, Vec<(String, i64)>>,
    ids: HashMap<String, (String, i64)>,
}

impl Heard {
    fn hear(&mut self, server: &Recorder, emails: &HashMap<String, usize>) {
        for event in server.take() {
            let name = event["event_name"].as_str().unwrap().to_lowercase();
            let time = event["event_time"].as_i64().unwrap();
            let id = event["event_id"].as_str().unwrap().to_owned();
            if let Some(known) = self.ids.insert(id, (name.clone(), time)) {
                assert_eq!(known, (name, time), "one id for two events");
                continue;
            }
            let lead = event["user_data"]["lead_id"]
                .as_u64()
                .map(|id| id as usize - 1_234_567_890_000_000);
            let email = event["user_data"]["em"][0].as_str().unwrap();
            let lead = lead.unwrap_or_else(|| emails[email]);
            self.leads.entry(lead).or_default().push((name, time));
        }
    }
}

fn command(desk: &Desk, server: &Recorder, night: i64) -> std::process::Command {
    let more = ["--batch-size", "3", "--concurrency", "2"];
    nightly((desk, server), (FIRST_NIGHT, night), &more)
}

/// A run that does not end well, unless it has nothing to send.
fn fail(desk: &Desk, server: &Recorder, night: i64, dice: &mut fastrand::Rng) {
    let failures = [Failure::Throttle, Failure::Cut, Failure::CutAfterTaking];
    match dice.usize(..4) {
        kind @ ..3 => {
            server.fail(failures[kind]);
            let ran = Ran::of(&["upload"], command(desk, server, night).output().unwrap());
            assert!([0, 4].contains(&ran.status), "{ran:#?}");
        }
        _ => {
            server.fall_silent_after(dice.usize(..3));
            let mut command = command(desk, server, night);
            let quiet = std::process::Stdio::null;
            let mut child = command.stdout(quiet()).stderr(quiet()).spawn().unwrap();
            while !server.is_silent_within(Duration::from_millis(10))
                && child.try_wait().unwrap().is_none()
            {}
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
    server.answer_again();
}

/// Gives how many events were taken up from earlier runs.
fn play(seed: u64) -> u64 {
    let mut dice = fastrand::Rng::with_seed(seed);
    let desk = Desk::new();
    desk.file("job.toml", SETTINGS);
    let server = Recorder::start();
    let mut leads: Vec<Lead> = (0..LEADS)
        .map(|number| Lead {
            number,
            stage: dice.usize(..2),
            email: 0,
            is_swapping: false,
            known: BTreeSet::new(),
        })
        .collect();
    let mut expected: BTreeMap<usize, Vec<(String, i64)>> = BTreeMap::new();
    let (mut emails, mut heard, mut failures) = (HashMap::new(), Heard::default(), 0);
    let mut overdue = 0;
    for night in 0..NIGHTS {
        let mut rows = String::from("lid,em,ph,stage\n");
        // Some come later.
        let born = LEADS - (NIGHTS - 1 - night).min(4) as usize;
        for lead in &mut leads[..born] {
            if night > 0 {
                lead.live(&mut dice);
            }
            let stage = STAGES[lead.stage];
            if lead.known.insert(stage) && night > 0 {
                let change = (stage.to_lowercase(), FIRST_NIGHT + night * DAY);
                expected.entry(lead.number).or_default().push(change);
            }
            let hash = hex::encode(Sha256::digest(lead.email(lead.email)));
            emails.insert(hash, lead.number);
            rows.push_str(&lead.row(&mut dice));
        }
        desk.file("export.csv", rows);
        let fails = night > 0 && night < NIGHTS - 1 && failures < MOST_FAILURES && dice.bool();
        if fails {
            fail(&desk, &server, night, &mut dice);
            heard.hear(&server, &emails);
            failures += 1;
        }
        if !fails || dice.bool() {
            let output = command(&desk, &server, night).output().unwrap();
            let report = Ran::of(&["upload"], output).ended(0).json();
            heard.hear(&server, &emails);
            failures = 0;
            overdue += report["snapshot"]["overdue"].as_u64().unwrap();
            assert_eq!(
                heard.leads, expected,
                "seed {seed}, night {night}: {report}"
            );
        }
    }
    overdue
}

#[test]
fn every_change_arrives_once_and_in_order_whatever_happens_to_runs_and_leads() {
    let number = |name: &str| std::env::var(name).ok()?.parse().ok();
    let first = number("MODEL_SEED").unwrap_or(1);
    let seeds = first..first + number("MODEL_SCHEDULES").unwrap_or(4);
    let overdue: u64 = seeds.map(play).sum();
    assert!(overdue > 0, "no run left anything");
}
