//! Thousands of random schedules of exports, faults, kills, signals, clocks and runs side by side, played with the real
//! ledger against a server that lives in this process, and what must hold after every one of them.
//!
//! A schedule is a function of its seed. Each has a few troubled runs over exports of the same leads and then a sound
//! one, which has to bring everything to its end. A schedule that fails prints what happened in it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
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
use crate::ledger::{
    Begun, Entry, Known, Ledger, LedgerError, RunEnd, RunStart, SqliteLedger, Standing,
};
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

/// When something goes wrong.
#[derive(Clone, Copy, Debug)]
enum When {
    /// From one moment to another, in seconds of the schedule, for a share of the requests.
    Within { from: f64, to: f64, percent: u8 },
    /// With one request of the schedule.
    Once { request: usize },
}

/// The server, and all it saw.
struct World {
    rng: fastrand::Rng,
    trouble: Vec<(When, Fault)>,
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
        let share = self.rng.u8(..100);
        let hits = |when: &When| match *when {
            When::Within { from, to, percent } => (from..to).contains(&at) && share < percent,
            When::Once { request } => request == self.log.len(),
        };
        let fault = self.trouble.iter().find(|(when, _)| hits(when));
        let fault = fault.map(|(_, fault)| *fault);
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

/// One run's hand on the ledger that all runs of a schedule share. It knows no lock: where the system's does not hold,
/// two runs meet at the ledger.
struct Hand {
    ledger: Arc<Mutex<SqliteLedger>>,
    run: Option<i64>,
    clock: Clock,
}

impl Hand {
    fn with<T>(&mut self, call: impl FnOnce(&mut SqliteLedger) -> T) -> T {
        let mut ledger = self.ledger.lock().unwrap();
        ledger.swap_writer(&mut self.run, self.clock);
        let result = call(&mut ledger);
        ledger.swap_writer(&mut self.run, self.clock);
        result
    }
}

impl Ledger for Hand {
    fn look_up(&mut self, dataset: &str, events: &[Event]) -> Result<Vec<Known>, LedgerError> {
        self.with(|ledger| ledger.look_up(dataset, events))
    }

    fn start_run(&mut self, run: &RunStart<'_>) -> Result<(), LedgerError> {
        self.with(|ledger| ledger.start_run(run))
    }

    fn write(&mut self, entries: &[Entry]) -> Result<Vec<Vec<Begun>>, LedgerError> {
        self.with(|ledger| ledger.write(entries))
    }

    fn finish_run(&mut self, end: &RunEnd) -> Result<(), LedgerError> {
        self.with(|ledger| ledger.finish_run(end))
    }
}

/// One schedule.
struct Model {
    rng: fastrand::Rng,
    world: Arc<Mutex<World>>,
    ledger: Arc<Mutex<SqliteLedger>>,
    events: Vec<Event>,
    settings: Settings,
    /// Events that some run was told are accepted: no later run may send them.
    settled: BTreeSet<u64>,
    script: Script,
}

/// What brings a run to its end besides its own.
#[derive(Clone, Copy, Debug)]
enum Blow {
    None,
    Killed(f64),
    Interrupted(f64),
    /// A second signal follows after so many seconds.
    InterruptedTwice(f64, f64),
    /// Another run starts beside it.
    Joined(f64),
}

/// A run: the export it reads, by what clock, and what befalls it.
struct Plan {
    export: Vec<Event>,
    clock: Clock,
    blow: Blow,
    with_resting: bool,
}

/// What happened, for whoever has to find out why a seed fails.
type Script = Rc<RefCell<Vec<String>>>;

/// What was told of events, in the order of telling.
type Told = RefCell<Vec<(u64, Outcome)>>;

fn id_of(event: &Event) -> u64 {
    event.origin.row - 2
}

impl Model {
    fn new(seed: u64, script: Script) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let started = Instant::now();
        let count = rng.u64(1..120);
        let leads = rng.u64(1..=count);
        let near_the_end = rng.bool();
        let events: Vec<Event> = (0..count)
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
        let bad: BTreeMap<u64, bool> = (0..rng.u64(..6))
            .map(|_| (rng.u64(..count), rng.bool()))
            .collect();
        let poison = (rng.u8(..10) == 0).then(|| rng.u64(..count));
        let settings = Settings {
            limits: Limits::of(rng.usize(1..40)),
            concurrency: rng.usize(1..5),
            give_up_after: Duration::from_secs(rng.u64(10..300)),
            hold: rng.usize(1..200),
            ..Settings::default()
        };
        script.borrow_mut().push(format!(
            "seed {seed}: {count} events of {leads} leads, batches of {}, {} lanes, patience {:?}, hold {}, bad {bad:?}, \
             poison {poison:?}",
            settings.limits.events, settings.concurrency, settings.give_up_after, settings.hold
        ));
        let world = World {
            rng: rng.fork(),
            trouble: Vec::new(),
            started,
            bad,
            poison,
            times: events.iter().map(|it| (id_of(it), it.time)).collect(),
            log: Vec::new(),
        };
        Self {
            rng,
            world: Arc::new(Mutex::new(world)),
            ledger: Arc::new(Mutex::new(SqliteLedger::in_memory())),
            events,
            settings,
            settled: BTreeSet::new(),
            script,
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

    /// Makes up the next run and its trouble.
    fn next_plan(&mut self) -> Plan {
        self.edit();
        let trouble = self.next_trouble();
        let clock = self.clock();
        let world = Arc::clone(&self.world);
        let mut world = world.lock().unwrap();
        let now = world.started.elapsed().as_secs_f64();
        let at = |seconds: f64| seconds - now;
        let told = trouble.iter().map(|(when, fault)| match *when {
            When::Within { from, to, percent } => {
                format!("{percent} % {fault:?} {:.1}..{:.1} s", at(from), at(to))
            }
            When::Once { request } => format!("{fault:?} on request {}", request - world.log.len()),
        });
        let told: Vec<String> = told.collect();
        world.trouble = trouble;
        let export = self.export();
        let blow = match self.rng.u8(..12) {
            0 => Blow::Killed(self.rng.f64() * 20.0),
            1 => Blow::Interrupted(self.rng.f64() * 20.0),
            2 => Blow::InterruptedTwice(self.rng.f64() * 20.0, self.rng.f64() * 3.0),
            3 => Blow::Joined(self.rng.f64() * 10.0),
            _ => Blow::None,
        };
        let jump = match clock {
            Clock::Virtual { jump: (0, 0), .. } => String::new(),
            Clock::Virtual { jump, .. } => {
                format!(", the clock jumps by {} s at {} s", jump.1, jump.0)
            }
            _ => unreachable!(),
        };
        let rows: Vec<u64> = export.iter().map(id_of).collect();
        self.script.borrow_mut().push(format!(
            "run over {rows:?}{jump}, {blow:?}; {}",
            told.join("; ")
        ));
        Plan {
            export,
            clock,
            blow,
            with_resting: false,
        }
    }

    fn next_trouble(&mut self) -> Vec<(When, Fault)> {
        let (now, requests) = {
            let world = self.world.lock().unwrap();
            (world.started.elapsed().as_secs_f64(), world.log.len())
        };
        let rng = &mut self.rng;
        match rng.u8(..10) {
            0..2 => {
                let from = now + if rng.bool() { 0.0 } else { rng.f64() * 8.0 };
                let always = When::Within {
                    from,
                    to: f64::INFINITY,
                    percent: 100,
                };
                vec![(always, lasting_fault(rng))]
            }
            2..4 => (0..rng.u8(1..4))
                .map(|_| {
                    let request = requests + rng.usize(..20);
                    (When::Once { request }, any_fault(rng))
                })
                .collect(),
            _ => {
                let mut from = now;
                (0..rng.u8(..5))
                    .map(|_| {
                        from += rng.f64() * 10.0;
                        let to = from + rng.f64().powi(3) * 400.0;
                        let percent = [100, 100, 50, 20][rng.usize(..4)];
                        let when = When::Within { from, to, percent };
                        from = to;
                        (when, any_fault(rng))
                    })
                    .collect()
            }
        }
    }

    /// Somebody works in the CRM: what Meta refused is corrected, and other rows change too.
    fn edit(&mut self) {
        let mut world = self.world.lock().unwrap();
        for event in &mut self.events {
            let id = id_of(event);
            let is_corrected = world.bad.contains_key(&id) && self.rng.u8(..4) == 0;
            if is_corrected || self.rng.u8(..30) == 0 {
                let text = String::from_utf8(event.json.to_vec()).unwrap();
                let edited = text.replacen('{', r#"{"edited":true,"#, 1);
                event.json = Bytes::from(edited);
            }
            if is_corrected {
                world.bad.remove(&id);
                self.script.borrow_mut().push(format!("{id} is corrected"));
            }
        }
    }

    /// An export of some or all of the leads, in some order, with rows that stand in it twice.
    fn export(&mut self) -> Vec<Event> {
        let share = [100, 100, 70, 30][self.rng.usize(..4)];
        let mut export: Vec<Event> = self.events.clone();
        export.retain(|_| self.rng.u8(..100) < share);
        match self.rng.u8(..3) {
            0 => export.sort_by_key(|event| event.time),
            1 => export.sort_by_key(|event| -event.time),
            _ => self.rng.shuffle(&mut export),
        }
        for _ in 0..if self.rng.u8(..4) == 0 { 3 } else { 0 } {
            if let Some(event) = self.rng.choice(&export).cloned() {
                export.insert(self.rng.usize(..=export.len()), event);
            }
        }
        export
    }

    /// Mostly right; else it jumps before or during the run.
    fn clock(&mut self) -> Clock {
        let jump = match self.rng.u8(..10) {
            0 => {
                let by = [7_200, 200_000, 40 * 86_400][self.rng.usize(..3)];
                let sign = if self.rng.bool() { 1 } else { -1 };
                (self.rng.u64(..15), sign * by)
            }
            _ => (0, 0),
        };
        self.clock_that_jumps(jump)
    }

    /// The time that has passed, and a jump so many seconds after now.
    fn clock_that_jumps(&self, (after, by): (u64, i64)) -> Clock {
        let since = self.world.lock().unwrap().started;
        let after = if by == 0 {
            0
        } else {
            since.elapsed().as_secs() + after
        };
        Clock::Virtual {
            start: START,
            since,
            jump: (after, by),
        }
    }

    async fn run(&mut self, plan: Plan) -> Option<Ended> {
        let before = self.world.lock().unwrap().log.len();
        let (first, second) = (Told::default(), Told::default());
        let (stop, interrupt) = watch::channel(Interrupt::None);
        let nobody = watch::channel(Interrupt::None).1;
        let pause = |seconds: f64| tokio::time::sleep(Duration::from_secs_f64(seconds));
        let mut blow = plan.blow;
        let chunk = self.rng.usize(1..50);
        let delivery = self.deliver(&plan, chunk, interrupt, &first);
        let ended = match &mut blow {
            Blow::None => Some(delivery.await),
            Blow::Killed(after) => tokio::select! {
                ended = delivery => Some(ended),
                () = pause(*after) => None,
            },
            Blow::Interrupted(after) => {
                let signals = async {
                    pause(*after).await;
                    stop.send_replace(Interrupt::Finish);
                };
                Some(tokio::join!(delivery, signals).0)
            }
            Blow::InterruptedTwice(after, more) => {
                let signals = async {
                    pause(*after).await;
                    stop.send_replace(Interrupt::Finish);
                    pause(*more).await;
                    stop.send_replace(Interrupt::Now);
                };
                Some(tokio::join!(delivery, signals).0)
            }
            Blow::Joined(after) => {
                let other = async {
                    pause(*after).await;
                    self.deliver(&plan, chunk, nobody, &second).await
                };
                Some(tokio::join!(delivery, other).0)
            }
        };
        // What a killed run had handed to the ledger is written before the next one starts.
        pause(1.0).await;
        self.script.borrow_mut().push(format!("ended: {ended:?}"));
        self.check(
            &plan,
            before,
            &[first.take(), second.take()],
            ended.is_some(),
        );
        ended
    }

    /// What a run does, from asking the ledger to telling outcomes.
    async fn deliver(
        &self,
        plan: &Plan,
        chunk: usize,
        interrupt: watch::Receiver<Interrupt>,
        told: &Told,
    ) -> Ended {
        let mut hand = Hand {
            ledger: Arc::clone(&self.ledger),
            run: None,
            clock: plan.clock,
        };
        let run = RunStart {
            dataset: "1",
            now: plan.clock.now(),
            in_flight: 0,
        };
        hand.start_run(&run).unwrap();
        let standings = hand.standing(&plan.export).unwrap();
        let goes = |standing: &Standing| match standing {
            Standing::New | Standing::Uncertain => true,
            Standing::Resting => plan.with_resting,
            _ => false,
        };
        let all = plan.export.iter().zip(standings);
        let events: Vec<Event> = all
            .filter(|(_, standing)| goes(standing))
            .map(|(event, _)| event.clone())
            .collect();
        let (sender, receiver) = mpsc::channel(2);
        tokio::spawn(async move {
            for chunk in events.chunks(chunk) {
                if sender.send(chunk.to_vec()).await.is_err() {
                    break;
                }
            }
        });
        let settings = Settings {
            clock: plan.clock,
            ..self.settings.clone()
        };
        let mut note = |event: &Event, outcome: &Outcome| {
            told.borrow_mut().push((id_of(event), outcome.clone()));
        };
        let ledger = SharedLedger::new(hand);
        deliver(
            receiver,
            self.client(),
            ledger,
            settings,
            interrupt,
            &mut note,
        )
        .await
        .ended
    }

    /// What must hold after every run.
    fn check(&mut self, plan: &Plan, before: usize, told: &[Vec<(u64, Outcome)>], is_whole: bool) {
        let world = Arc::clone(&self.world);
        let world = world.lock().unwrap();
        let rows = |id: u64| plan.export.iter().filter(|it| id_of(it) == id).count();
        let (mut accepted, mut uncertain) = (BTreeSet::new(), BTreeSet::new());
        for told in told {
            let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
            for (id, outcome) in told {
                *counts.entry(*id).or_default() += 1;
                match outcome {
                    Outcome::Accepted => {
                        assert!(accepted.insert(*id), "{id} is accepted twice");
                    }
                    Outcome::Uncertain | Outcome::Suspect(_) => drop(uncertain.insert(*id)),
                    // Another run has overtaken this one.
                    Outcome::Unrecorded => {
                        assert!(matches!(plan.blow, Blow::Joined(_)), "{id}");
                        uncertain.insert(*id);
                    }
                    Outcome::Rejected(_) => {
                        assert!(world.bad.contains_key(id), "{id} is refused: {outcome:?}");
                    }
                    Outcome::Old => {
                        let latest = START + world.started.elapsed().as_secs() as i64;
                        let ahead = plan.clock.now().max(latest) - WEEK + 86_400 + 300;
                        assert!(world.times[id] < ahead, "{id} is not old");
                    }
                    Outcome::Duplicate => assert!(
                        rows(*id) > 1 || matches!(plan.blow, Blow::Joined(_)),
                        "{id} is not there twice"
                    ),
                    Outcome::Elsewhere => unreachable!("one run at a time"),
                    Outcome::Undelivered => {}
                }
            }
            for (id, count) in counts {
                assert!(count <= rows(id), "{id} has {count} outcomes");
            }
        }
        let taken = world.taken(before);
        assert!(accepted.is_subset(&taken), "accepted, but not taken");
        for id in taken.iter().filter(|_| is_whole) {
            let is_said = accepted.contains(id) || uncertain.contains(id);
            assert!(is_said, "{id} was taken and is not said to be");
        }
        let sent: BTreeSet<u64> = world.log[before..]
            .iter()
            .flat_map(|(ids, _)| ids.clone())
            .collect();
        assert!(
            sent.is_disjoint(&self.settled),
            "what was settled is sent again"
        );
        self.settled.extend(accepted);
        self.check_ledger(&world);
        if !matches!(plan.blow, Blow::Joined(_)) {
            self.check_order(&world, before);
        }
    }

    /// What the ledger knows of every event, as the next run would ask it.
    fn standings(&self) -> Vec<Standing> {
        let mut hand = Hand {
            ledger: Arc::clone(&self.ledger),
            run: None,
            clock: Clock::Fixed(START),
        };
        hand.standing(&self.events).unwrap()
    }

    fn check_ledger(&self, world: &World) {
        let ever_taken = world.taken(0);
        for (event, standing) in self.events.iter().zip(self.standings()) {
            let id = id_of(event);
            match standing {
                Standing::Accepted => assert!(ever_taken.contains(&id), "{id} was never taken"),
                Standing::Refused { .. } => {
                    assert!(world.bad.contains_key(&id), "{id} is refused for good");
                }
                _ => assert!(
                    !self.settled.contains(&id),
                    "{id} is forgotten: {standing:?}"
                ),
            }
        }
    }

    /// The first sending of a lead's event comes before that of its later ones, unless it is too old.
    fn check_order(&self, world: &World, before: usize) {
        // What is held back at most bounds what can be put in order.
        if self.settings.hold < self.events.len() + 3 {
            return;
        }
        let leads: HashMap<u64, u64> = self.events.iter().map(|it| (id_of(it), it.lead)).collect();
        let mut seen = HashSet::new();
        let mut latest: HashMap<u64, i64> = HashMap::new();
        for id in world.log[before..].iter().flat_map(|(ids, _)| ids) {
            if seen.insert(*id) {
                let latest = latest.entry(leads[id]).or_insert(i64::MIN);
                assert!(world.times[id] >= *latest, "{id} is out of order");
                *latest = world.times[id];
            }
        }
    }

    /// A run over everything without any trouble, which brings everything to its end. An event that Meta cannot digest
    /// may keep the run from it until it rests.
    async fn end_well(&mut self) {
        let has_poison = {
            let mut world = self.world.lock().unwrap();
            world.trouble.clear();
            world.poison.is_some()
        };
        for _ in 0..if has_poison { 5 } else { 0 } {
            self.run(self.sound_run(false)).await;
        }
        let ended = self.run(self.sound_run(!has_poison)).await.unwrap();
        assert!(has_poison || matches!(ended, Ended::Done), "{ended:?}");
        let world = self.world.lock().unwrap();
        let now = START + world.started.elapsed().as_secs() as i64;
        for (event, standing) in self.events.iter().zip(self.standings()) {
            let id = id_of(event);
            let is_old = event.time < now - WEEK + 600;
            let is_fine = match standing {
                Standing::Accepted => true,
                Standing::Refused { .. } => world.bad.contains_key(&id),
                // With little patience the whole batch of such an event may rest.
                _ => is_old || has_poison,
            };
            assert!(is_fine, "{id} is {standing:?} in the end, {ended:?}");
        }
    }

    fn sound_run(&self, with_resting: bool) -> Plan {
        Plan {
            export: self.events.clone(),
            clock: self.clock_that_jumps((0, 0)),
            blow: Blow::None,
            with_resting,
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
    let script = Script::default();
    let played = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            let mut model = Model::new(seed, Rc::clone(&script));
            for _ in 0..model.rng.u8(1..4) {
                let plan = model.next_plan();
                model.run(plan).await;
            }
            model.end_well().await;
        });
    }));
    if let Err(failure) = played {
        eprintln!("{}", script.borrow().join("\n"));
        resume_unwind(failure);
    }
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
