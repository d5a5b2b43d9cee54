//! Thousands of random schedules of faults, kills, interrupts and clock time, played against a server that lives in this
//! process, and what must hold after every one of them.
//!
//! A schedule is a function of its seed. Each has a few troubled runs over the same events and then a sound one, which has
//! to bring everything to its end.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::deliver::testing::event;
use crate::deliver::*;
use crate::graph::Endpoint;
use crate::graph::answer::{Answer, Insecure, Silence};
use crate::ledger::LedgerError;
use crate::ledger::{Begun, Entry, Ledger, RunEnd, RunStart, Settled, Standing};
use crate::time::Clock;

const START: i64 = 1_700_000_000;
const WEEK: i64 = 7 * 86_400;
/// Schedules a test plays; more with MODEL_SCHEDULES in the environment.
const SCHEDULES: u64 = 1_000;

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// An answer with this status, code and subcode.
    Graph(u16, i64, i64),
    /// An answer with this status that is not Meta's; the events may have been taken.
    Foreign(u16, bool),
    /// A receipt that counts too few, although all were taken.
    Short,
    /// No answer; the events may have been taken.
    Silent(Silence, bool),
    /// A throttle that names a time, in seconds.
    Throttle(u64),
}

/// Everything in the table of answers that a healthy request may be answered with.
fn any_fault(rng: &mut fastrand::Rng) -> Fault {
    let graph = [
        (500, 1, 0),
        (500, 5000, 0),
        (500, 2, 0),
        (400, -1, 0),
        (400, 21009, 0),
        (400, 4, 0),
        (400, 80004, 2446079),
        (400, 613, 1996),
        (400, 100, 0),
        (400, 2500, 0),
        (403, 5, 0),
        (400, 12, 0),
        (400, 101, 0),
        (403, 103, 0),
        (403, 4711, 0),
        (400, 102, 0),
        (400, 104, 0),
        (401, 190, 463),
        (403, 10, 0),
        (403, 200, 0),
        (400, 100, 33),
        (400, 2635, 0),
        (400, 368, 0),
    ];
    let silences = [
        Silence::NameUnknown,
        Silence::NotConnected,
        Silence::NotSecure(Insecure::UnknownIssuer),
    ];
    match rng.u8(..12) {
        // Half of all trouble is an outage, in one of its forms.
        0..3 => Fault::Graph(500, 1, 0),
        3 => Fault::Foreign([500, 502, 503, 504][rng.usize(..4)], rng.bool()),
        4 => Fault::Silent(Silence::TimedOut, rng.bool()),
        5 => Fault::Silent(Silence::Broken, rng.bool()),
        6 => Fault::Silent(silences[rng.usize(..3)], false),
        7 => Fault::Foreign([200, 302, 404][rng.usize(..3)], false),
        8 => Fault::Short,
        9 => Fault::Throttle(rng.u64(..200)),
        _ => {
            let (status, code, subcode) = graph[rng.usize(..graph.len())];
            Fault::Graph(status, code, subcode)
        }
    }
}

/// Faults that end a run and are then gone: what stays for a whole run, whatever is sent.
fn lasting_fault(rng: &mut fastrand::Rng) -> Fault {
    match rng.u8(..6) {
        0 => Fault::Graph(400, 100, 2804016),
        1 => Fault::Graph(400, 100, 2804003),
        2 => Fault::Graph(400, 4711, 0),
        3 => Fault::Graph(400, 100, 4711),
        4 => Fault::Foreign(413, false),
        _ => any_fault(rng),
    }
}

/// Trouble from one moment to another, for a share of the requests.
#[derive(Clone, Debug)]
struct Phase {
    from: f64,
    to: f64,
    percent: u8,
    fault: Fault,
}

/// The server, and all it saw.
struct World {
    rng: fastrand::Rng,
    phases: Vec<Phase>,
    started: Instant,
    /// Events Meta refuses, and whether it names them.
    bad: BTreeMap<u64, bool>,
    /// An event that Meta cannot digest, and does not say why.
    poison: Option<u64>,
    times: HashMap<u64, i64>,
    /// In the order of arrival, the events of each request and whether they were taken.
    log: Vec<(Vec<u64>, bool)>,
}

impl World {
    fn answer(&mut self, body: &Bytes) -> (Duration, Result<Answer, Silence>) {
        let latency = Duration::from_millis(self.rng.u64(20..1_500));
        let body: serde_json::Value = serde_json::from_slice(body).unwrap();
        let events = body["data"].as_array().unwrap();
        let is_probe = events.len() == 1 && events[0].as_object().unwrap().is_empty();
        let ids: Vec<u64> = events
            .iter()
            .filter_map(|event| event["id"].as_u64())
            .collect();
        let at = self.started.elapsed().as_secs_f64();
        let active = self
            .phases
            .iter()
            .find(|it| (it.from..it.to).contains(&at))
            .cloned();
        let fault = active
            .filter(|phase| self.rng.u8(..100) < phase.percent)
            .map(|phase| phase.fault);
        let (would_take, judged) = self.judged(&ids, is_probe);
        // What Meta refuses is not taken, whatever becomes of the answer.
        let (taken, answer) = match fault {
            Some(Fault::Short) if !would_take => (false, judged),
            Some(fault) => {
                let (takes, answer) = played(fault, ids.len());
                (takes && would_take, answer)
            }
            None => (would_take, judged),
        };
        let is_slow = matches!(answer, Err(Silence::TimedOut));
        self.log.push((ids, taken));
        (
            if is_slow {
                Duration::from_secs(30)
            } else {
                latency
            },
            answer,
        )
    }

    /// What a sound server says.
    fn judged(&self, ids: &[u64], is_probe: bool) -> (bool, Result<Answer, Silence>) {
        let now = START + self.started.elapsed().as_secs() as i64;
        let named = |place: usize| {
            let text = format!("$['data'][{place}]['user_data']");
            error(400, 100, 2804019, &text)
        };
        if is_probe {
            return (false, named(0));
        }
        if ids.iter().any(|id| self.times[id] < now - WEEK) {
            return (false, error(400, 100, 2804003, ""));
        }
        if let Some(place) = ids.iter().position(|id| self.bad.get(id) == Some(&true)) {
            return (false, named(place));
        }
        if ids.iter().any(|id| self.bad.contains_key(id)) {
            return (false, error(400, 100, 2804036, ""));
        }
        if ids.iter().any(|id| self.poison == Some(*id)) {
            return (false, error(500, 1, 0, ""));
        }
        (true, receipt(ids.len()))
    }

    fn taken(&self, since: usize) -> BTreeSet<u64> {
        let taken = self.log[since..].iter().filter(|(_, taken)| *taken);
        taken.flat_map(|(ids, _)| ids.clone()).collect()
    }
}

fn answer(status: u16, headers: HeaderMap, body: String) -> Result<Answer, Silence> {
    Ok(Answer {
        status,
        headers,
        body: body.into(),
    })
}

fn receipt(count: usize) -> Result<Answer, Silence> {
    let body = format!(r#"{{"events_received":{count},"messages":[]}}"#);
    answer(200, HeaderMap::new(), body)
}

fn error(status: u16, code: i64, subcode: i64, text: &str) -> Result<Answer, Silence> {
    let kind = if (code, subcode) == (100, 0) {
        "GraphMethodException"
    } else {
        "OAuthException"
    };
    let body = serde_json::json!({"error": {
        "code": code, "error_subcode": subcode, "type": kind, "error_user_msg": text,
    }});
    answer(status, HeaderMap::new(), body.to_string())
}

fn played(fault: Fault, count: usize) -> (bool, Result<Answer, Silence>) {
    match fault {
        Fault::Graph(status, code, subcode) => (false, error(status, code, subcode, "")),
        Fault::Foreign(status, taken) => {
            let body = "<html>something else</html>".to_owned();
            (taken, answer(status, HeaderMap::new(), body))
        }
        Fault::Short => (true, receipt(count.saturating_sub(1))),
        Fault::Silent(silence, taken) => (taken, Err(silence)),
        Fault::Throttle(seconds) => {
            let name = HeaderName::from_static("retry-after");
            let headers = HeaderMap::from_iter([(name, HeaderValue::from(seconds))]);
            (false, answer(429, headers, String::new()))
        }
    }
}

/// What a ledger remembers, in memory.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Rows>>);

#[derive(Default)]
struct Rows {
    run: u64,
    rows: HashMap<crate::event::EventKey, Row>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Sending,
    Accepted,
    Rejected(i64, Option<i64>),
}

#[derive(Clone, Copy, Debug)]
struct Row {
    state: State,
    run: u64,
    attempts: u32,
}

impl Ledger for Memory {
    fn standing(&mut self, events: &[Event]) -> Result<Vec<Standing>, LedgerError> {
        let rows = self.0.lock().unwrap();
        let standing = |event: &Event| match rows.rows.get(&event.key) {
            None => Standing::New,
            Some(row) if row.run == rows.run => Standing::ThisRun,
            Some(row) => match row.state {
                State::Accepted => Standing::Accepted,
                State::Rejected(code, subcode) => Standing::Refused { code, subcode },
                State::Sending if row.attempts >= 3 => Standing::Resting,
                State::Sending => Standing::Uncertain,
            },
        };
        Ok(events.iter().map(standing).collect())
    }

    fn start_run(&mut self, _: &RunStart<'_>) -> Result<(), LedgerError> {
        self.0.lock().unwrap().run += 1;
        Ok(())
    }

    fn write(&mut self, entries: &[Entry]) -> Result<Vec<Vec<Begun>>, LedgerError> {
        let mut rows = self.0.lock().unwrap();
        let run = rows.run;
        let mut written = Vec::new();
        for entry in entries {
            let mut begun = Vec::new();
            match entry {
                Entry::Begin(events) => {
                    for event in events {
                        begun.push(rows.begin(event, run));
                    }
                }
                Entry::Settle(outcomes, _) => {
                    for (event, settled) in outcomes {
                        rows.settle(event, *settled, run);
                    }
                }
            }
            written.push(begun);
        }
        Ok(written)
    }

    fn finish_run(&mut self, _: &RunEnd) -> Result<(), LedgerError> {
        Ok(())
    }
}

impl Rows {
    fn begin(&mut self, event: &Event, run: u64) -> Begun {
        let fresh = Row {
            state: State::Sending,
            run,
            attempts: 1,
        };
        let Some(row) = self.rows.get_mut(&event.key) else {
            self.rows.insert(event.key, fresh);
            return Begun::Fresh;
        };
        if row.state == State::Accepted || row.run == run {
            return Begun::Known;
        }
        let was_sending = row.state == State::Sending;
        *row = Row {
            attempts: row.attempts + 1,
            ..fresh
        };
        if was_sending {
            Begun::Again
        } else {
            Begun::Fresh
        }
    }

    fn settle(&mut self, event: &Event, settled: Settled, run: u64) {
        let row = self.rows.get_mut(&event.key).expect("it was begun");
        assert_eq!(row.run, run);
        match settled {
            Settled::Accepted => row.state = State::Accepted,
            Settled::Rejected { code, subcode } => row.state = State::Rejected(code, subcode),
            Settled::Unsent if row.attempts > 1 => row.attempts -= 1,
            Settled::Unsent => drop(self.rows.remove(&event.key)),
            Settled::Uncertain => {}
        }
    }
}

/// One schedule.
struct Model {
    seed: u64,
    rng: fastrand::Rng,
    world: Arc<Mutex<World>>,
    ledger: Memory,
    events: Vec<Event>,
    settings: Settings,
}

/// What brings a run to its end besides its own.
#[derive(Clone, Copy, Debug)]
enum Blow {
    None,
    Killed(f64),
    Interrupted(f64),
}

impl Model {
    fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let started = Instant::now();
        let count = rng.u64(1..120);
        let leads = rng.u64(1..=count);
        let near_the_end = rng.bool();
        let mut events: Vec<Event> = (0..count)
            .map(|id| {
                let age = match rng.u8(..10) {
                    0..3 if near_the_end => WEEK - rng.i64(250..2_000),
                    _ => rng.i64(60..WEEK - 7_200),
                };
                Event {
                    time: START - age,
                    ..event(id, rng.u64(..leads))
                }
            })
            .collect();
        rng.shuffle(&mut events);
        let bad = (0..rng.u64(..6))
            .map(|_| (rng.u64(..count), rng.bool()))
            .collect();
        let world = World {
            rng: rng.fork(),
            phases: Vec::new(),
            started,
            bad,
            poison: (rng.u8(..10) == 0).then(|| rng.u64(..count)),
            times: events
                .iter()
                .map(|event| (event.origin.row - 2, event.time))
                .collect(),
            log: Vec::new(),
        };
        let settings = Settings {
            limits: Limits::of(rng.usize(1..40)),
            concurrency: rng.usize(1..5),
            give_up_after: Duration::from_secs(rng.u64(10..300)),
            hold: rng.usize(1..200),
            clock: Clock::Virtual {
                start: START,
                since: started,
            },
            ..Settings::default()
        };
        Self {
            seed,
            rng,
            world: Arc::new(Mutex::new(world)),
            ledger: Memory::default(),
            events,
            settings,
        }
    }

    fn client(&self) -> Client {
        let mut client = Client::new(&Endpoint {
            graph_url: "http://127.0.0.1:1".into(),
            api_version: "v25.0".into(),
            dataset_id: "1".into(),
            token: "t".into(),
            app_secret: None,
            timeout: Duration::from_secs(30),
        })
        .unwrap();
        let world = Arc::clone(&self.world);
        client.stand_in = Some(Arc::new(move |body| world.lock().unwrap().answer(&body)));
        client
    }

    /// Makes up the trouble of the next run.
    fn make_trouble(&mut self) -> Blow {
        let now = self.world.lock().unwrap().started.elapsed().as_secs_f64();
        let mut phases = Vec::new();
        if self.rng.u8(..5) == 0 {
            phases.push(Phase {
                from: now
                    + if self.rng.bool() {
                        0.0
                    } else {
                        self.rng.f64() * 8.0
                    },
                to: f64::INFINITY,
                percent: 100,
                fault: lasting_fault(&mut self.rng),
            });
        } else {
            let mut from = now;
            for _ in 0..self.rng.u8(..5) {
                from += self.rng.f64() * 10.0;
                let to = from + self.rng.f64().powi(3) * 400.0;
                let percent = [100, 100, 50, 20][self.rng.usize(..4)];
                let fault = any_fault(&mut self.rng);
                phases.push(Phase {
                    from,
                    to,
                    percent,
                    fault,
                });
                from = to;
            }
        }
        self.world.lock().unwrap().phases = phases;
        match self.rng.u8(..8) {
            0 => Blow::Killed(self.rng.f64() * 20.0),
            1 => Blow::Interrupted(self.rng.f64() * 20.0),
            _ => Blow::None,
        }
    }

    /// What the run before the delivery would let through.
    fn rest(&mut self, with_resting: bool) -> Vec<Event> {
        let run = RunStart {
            dataset: "1",
            now: START,
        };
        self.ledger.start_run(&run).unwrap();
        let standings = self.ledger.standing(&self.events).unwrap();
        let goes = |standing: &Standing| match standing {
            Standing::New | Standing::Uncertain => true,
            Standing::Resting => with_resting,
            _ => false,
        };
        let all = self.events.iter().zip(standings);
        all.filter(|(_, standing)| goes(standing))
            .map(|(event, _)| event.clone())
            .collect()
    }

    async fn run(
        &mut self,
        blow: Blow,
        with_resting: bool,
    ) -> Option<(Ended, Vec<(u64, Outcome)>)> {
        let events = self.rest(with_resting);
        let fed: BTreeSet<u64> = events.iter().map(|event| event.origin.row - 2).collect();
        let before = self.world.lock().unwrap().log.len();
        let (sender, receiver) = mpsc::channel(2);
        let chunk = self.rng.usize(1..50);
        tokio::spawn(async move {
            for chunk in events.chunks(chunk) {
                if sender.send(chunk.to_vec()).await.is_err() {
                    break;
                }
            }
        });
        let (stop, interrupt) = watch::channel(Interrupt::None);
        let mut outcomes = Vec::new();
        let mut note = |event: &Event, outcome: &Outcome| {
            outcomes.push((event.origin.row - 2, outcome.clone()))
        };
        let ledger = SharedLedger::new(self.ledger.clone());
        let settings = self.settings.clone();
        let delivery = deliver(
            receiver,
            self.client(),
            ledger,
            settings,
            interrupt,
            &mut note,
        );
        let ended = match blow {
            Blow::None => Some(delivery.await.ended),
            Blow::Killed(after) => {
                let after = Duration::from_secs_f64(after);
                tokio::time::timeout(after, delivery)
                    .await
                    .ok()
                    .map(|delivery| delivery.ended)
            }
            Blow::Interrupted(after) => {
                let interrupting = async {
                    tokio::time::sleep(Duration::from_secs_f64(after)).await;
                    stop.send_replace(Interrupt::Finish);
                    std::future::pending::<()>().await;
                };
                tokio::select! {
                    delivery = delivery => Some(delivery.ended),
                    () = interrupting => unreachable!(),
                }
            }
        };
        // What a killed run had handed to the ledger is written before the next one starts.
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.check(before, &fed, &outcomes, ended.is_some());
        ended.map(|ended| (ended, outcomes))
    }

    /// What must hold after every run.
    fn check(
        &self,
        before: usize,
        fed: &BTreeSet<u64>,
        outcomes: &[(u64, Outcome)],
        is_whole: bool,
    ) {
        let seed = self.seed;
        let world = self.world.lock().unwrap();
        let told: BTreeSet<u64> = outcomes.iter().map(|(id, _)| *id).collect();
        assert_eq!(
            told.len(),
            outcomes.len(),
            "seed {seed}: two outcomes for one event"
        );
        assert!(
            told.is_subset(fed),
            "seed {seed}: an outcome for an event that was not there"
        );
        let with = |wanted: &dyn Fn(&Outcome) -> bool| -> BTreeSet<u64> {
            let it = outcomes.iter().filter(|(_, outcome)| wanted(outcome));
            it.map(|(id, _)| *id).collect()
        };
        let accepted = with(&|outcome| *outcome == Outcome::Accepted);
        let uncertain = with(&|outcome| *outcome == Outcome::Uncertain);
        let taken = world.taken(before);
        assert!(
            accepted.is_subset(&taken),
            "seed {seed}: accepted, but not taken"
        );
        if is_whole {
            for id in taken.difference(&accepted) {
                assert!(
                    uncertain.contains(id),
                    "seed {seed}: {id} was taken and is not said to be: {:?} {:?}",
                    outcomes.iter().find(|it| it.0 == *id),
                    world.log[before..]
                        .iter()
                        .filter(|it| it.0.contains(id))
                        .map(|it| (it.0.len(), it.1))
                        .collect::<Vec<_>>()
                );
            }
        }
        for (id, outcome) in outcomes {
            match outcome {
                // What explains nothing is blamed on an event that fails alone; the ledger holds nothing against it.
                Outcome::Rejected(fault) if [1, 5000].contains(&fault.code) => {}
                Outcome::Rejected(_) => assert!(
                    world.bad.contains_key(id) || world.poison == Some(*id),
                    "seed {seed}: {id} is said to be refused: {outcome:?}"
                ),
                Outcome::Old => assert!(
                    world.times[id]
                        < START + world.started.elapsed().as_secs() as i64 - WEEK + 86_400,
                    "seed {seed}: {id} is not old"
                ),
                Outcome::Duplicate => panic!("seed {seed}: {id} was not there twice"),
                _ => {}
            }
        }
        self.check_ledger(&world, before);
        self.check_order(&world, before);
    }

    fn check_ledger(&self, world: &World, before: usize) {
        let seed = self.seed;
        let rows = self.ledger.0.lock().unwrap();
        for event in &self.events {
            let id = event.origin.row - 2;
            match rows.rows.get(&event.key).map(|row| row.state) {
                Some(State::Rejected(..)) => {
                    assert!(
                        world.bad.contains_key(&id),
                        "seed {seed}: {id} is refused for good"
                    );
                }
                Some(State::Accepted) => {
                    let times = world.log.iter().filter(|(ids, _)| ids.contains(&id));
                    assert!(
                        times.clone().any(|(_, taken)| *taken),
                        "seed {seed}: {id} was never taken"
                    );
                    // Once it is settled it is in no request any more.
                    let last_run = rows.rows[&event.key].run;
                    let is_sent = world.log[before..].iter().any(|(ids, _)| ids.contains(&id));
                    assert!(
                        !is_sent || last_run == rows.run,
                        "seed {seed}: {id} was settled and sent again"
                    );
                }
                _ => {}
            }
        }
    }

    /// The first sending of a lead's event comes before that of its later ones, unless it is too old.
    fn check_order(&self, world: &World, before: usize) {
        let mut seen = HashSet::new();
        let mut latest: HashMap<u64, i64> = HashMap::new();
        let lead = |id: u64| {
            self.events
                .iter()
                .find(|it| it.origin.row - 2 == id)
                .unwrap()
                .lead
        };
        // What is held back at most bounds what can be put in order.
        if self.settings.hold < self.events.len() {
            return;
        }
        for id in world.log[before..].iter().flat_map(|(ids, _)| ids) {
            if seen.insert(*id) {
                let latest = latest.entry(lead(*id)).or_insert(i64::MIN);
                assert!(
                    world.times[id] >= *latest,
                    "seed {}: {id} is out of order",
                    self.seed
                );
                *latest = world.times[id];
            }
        }
    }

    /// A run without any trouble, which brings everything to its end. An event that Meta cannot digest may keep the run
    /// from it until it rests.
    async fn end_well(&mut self) {
        let seed = self.seed;
        let has_poison = {
            let mut world = self.world.lock().unwrap();
            world.phases.clear();
            world.poison.is_some()
        };
        for _ in 0..if has_poison { 5 } else { 0 } {
            self.run(Blow::None, false).await;
        }
        let (ended, _) = self
            .run(Blow::None, !has_poison)
            .await
            .expect("nobody killed it");
        assert!(
            has_poison || matches!(ended, Ended::Done),
            "seed {seed}: {ended:?}"
        );
        let world = self.world.lock().unwrap();
        let now = START + world.started.elapsed().as_secs() as i64;
        let rows = self.ledger.0.lock().unwrap();
        for event in &self.events {
            let id = event.origin.row - 2;
            let state = rows.rows.get(&event.key).map(|row| row.state);
            let is_old = event.time < now - WEEK + 600;
            let is_fine = match state {
                Some(State::Accepted) => true,
                Some(State::Rejected(..)) => world.bad.contains_key(&id),
                // With little patience the whole batch of such an event may rest.
                Some(State::Sending) | None => is_old || has_poison,
            };
            assert!(is_fine, "seed {seed}: {id} is {state:?}, {ended:?}");
        }
    }
}

fn play(seed: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    // The lanes draw their jitter from this thread's generator.
    fastrand::seed(seed);
    runtime.block_on(async {
        let mut model = Model::new(seed);
        for _ in 0..model.rng.u8(1..4) {
            let blow = model.make_trouble();
            model.run(blow, false).await;
        }
        model.end_well().await;
    });
}

#[test]
fn whatever_happens_nothing_is_lost_doubled_or_wrongly_refused_and_a_sound_run_ends_everything() {
    let schedules = std::env::var("MODEL_SCHEDULES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(SCHEDULES);
    let first = std::env::var("MODEL_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    for seed in first..first + schedules {
        play(seed);
    }
}
