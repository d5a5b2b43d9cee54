//! Delivers what waits in the ledger while more comes in: the outbox of events that stand in no file.
//!
//! Input: a ledger that events are kept in. Output: a [`Summary`] of each shift. A shift is a run like any upload's: it
//! takes up what waits, asks the ledger what it knows of it, and hands it to the same delivery. It goes on as long as all
//! goes well, an hour at most; what it could not deliver waits for the next, which begins after a while. An event leaves the
//! ledger's outbox in the transaction that settles it, so whatever ends a shift loses nothing.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc, watch};

use super::account::Account;
use super::rejects::Known;
use super::sending::{Outcomes, note_end_of_reading, still_to_send};
use super::upload::{destination, note_end, open_ledger};
use super::{UploadSettings, waiting};
use crate::batch;
use crate::deliver::{self, Delivery, Interrupt, Outcome};
use crate::event::{Event, EventKey, Origin};
use crate::graph::{Client, Endpoint};
use crate::ledger::{
    Begun, DueLead, Entry, Ledger, LedgerError, LedgerTarget, Pending, PostgresLedger, Queue,
    RunStart, SharedLedger, Standing, ToldLead,
};
use crate::problem::Code;
use crate::report::stages::{Fate, Plan, Stages};
use crate::report::summary::Destination;
use crate::report::{Problems, Summary};
use crate::text::counted;

/// A shift takes up nothing more after so long, so that what the ledger tells of runs is not hours old.
const LONGEST_SHIFT: Duration = Duration::from_secs(3_600);
/// A shift that has nothing to do for so long is over.
const LONGEST_IDLE: Duration = Duration::from_secs(300);
/// The same of one that has something to tell: events that were refused, or dropped.
const LONGEST_SILENCE: Duration = Duration::from_secs(3);
/// How long a shift goes on that left something open: the next one tries that again.
const LONGEST_WITH_OPEN: Duration = Duration::from_secs(60);
/// How long the next shift waits for one that could not deliver everything, and at most, as this doubles each time.
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// Whether what rests grew too old is looked at so often.
const LOOK_AT_RESTING: Duration = Duration::from_secs(3_600);
/// How often it is looked whether others have put something into a shared outbox.
const LOOK_AT_SHARED: Duration = Duration::from_secs(2);
/// New events gather for so long before they are taken up together.
const GATHER: Duration = Duration::from_millis(50);
/// How soon whoever waits notices that it is over.
const NOTICE: Duration = Duration::from_millis(100);
/// Pages of events that wait for the delivery.
const PAGES: usize = 2;

/// Where events are put that are to be delivered. Clones put them into the same place.
#[derive(Clone)]
pub(crate) struct Outbox {
    /// What is kept goes here, by a connection of its own where the ledger is on a server: whoever posts does not wait for
    /// the delivery.
    keeper: SharedLedger,
    ledger: SharedLedger,
    /// Whether others put events there and take them away.
    is_shared: bool,
    dataset: Arc<str>,
    news: Arc<News>,
    leads_told: Arc<Notify>,
    /// What became of events since the program started.
    pub counted: Arc<Counted>,
}

/// What became of events since the program started.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    /// Meta took them.
    pub accepted: AtomicU64,
    /// Meta refused them for good.
    pub rejected: AtomicU64,
    /// They grew too old before they could be delivered.
    pub expired: AtomicU64,
    /// They rest, as of the last shift: nothing sends them again before somebody asks for it.
    pub resting: AtomicU64,
    /// The exit status that the last shift would end an upload with.
    pub last_status: AtomicU64,
}

impl Counted {
    /// How many events rest, and what to do about it; nothing when none does.
    pub(crate) fn says_of_resting(&self) -> Option<String> {
        let resting = self.resting.load(Ordering::Relaxed);
        (resting > 0).then(|| {
            format!(
                "{} without a receipt after several deliveries, and not sent again: look in Events Manager whether they \
                 were counted; serve --retry-uncertain sends them once more, and after 7 days they are too old",
                counted(resting, "event")
            )
        })
    }
}

impl Outbox {
    /// One that keeps events in a ledger.
    pub(crate) fn new(ledger: SharedLedger, dataset: &str) -> Self {
        Self {
            keeper: ledger.clone(),
            ledger,
            is_shared: false,
            dataset: dataset.into(),
            news: Arc::default(),
            leads_told: Arc::default(),
            counted: Arc::default(),
        }
    }

    /// Opens a ledger to keep events in.
    ///
    /// # Errors
    /// It cannot be opened, or another run holds it.
    pub(crate) fn open(target: &LedgerTarget, wait: Duration, dataset: &str) -> Result<Self> {
        let outbox = Self::new(open_ledger(target, wait)?, dataset);
        Ok(match target {
            LedgerTarget::Server(address) => Self {
                keeper: SharedLedger::new(PostgresLedger::open(address, wait)?.impatient()),
                is_shared: true,
                ..outbox
            },
            LedgerTarget::File(_) | LedgerTarget::None => outbox,
        })
    }

    /// Keeps events, and says of each whether it is new. Returns when they are on disk: from then on they are delivered
    /// once, or reported. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// The ledger cannot be written; then none of them is kept.
    pub(crate) async fn keep(&self, events: Vec<Event>) -> Result<Vec<Begun>, LedgerError> {
        let entry = Entry::Keep {
            dataset: Arc::clone(&self.dataset),
            events,
        };
        let kept = self.keeper.write(entry).await?;
        self.news.announce();
        Ok(kept)
    }

    /// Notes leads that Meta told of, and gives how many are new. Returns when they are on disk.
    ///
    /// # Errors
    /// The ledger cannot be written; then none of them is noted.
    pub(crate) async fn note_leads(&self, leads: Vec<ToldLead>) -> Result<u64, LedgerError> {
        let new = self
            .ask(move |ledger, dataset| ledger.note_leads(dataset, &leads))
            .await?;
        self.leads_told.notify_one();
        Ok(new)
    }

    /// Waits until Meta has told of more leads.
    pub(crate) async fn leads_told(&self) {
        self.leads_told.notified().await;
    }

    /// Takes leads that are to be read now.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub(crate) async fn take_leads(&self) -> Result<Vec<DueLead>, LedgerError> {
        self.ask(|ledger, dataset| ledger.take_leads(dataset)).await
    }

    /// Puts off a lead until a time by the real clock, Unix seconds.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub(crate) async fn put_lead_off(&self, id: &str, until: i64) -> Result<(), LedgerError> {
        let id = id.to_owned();
        self.ask(move |ledger, dataset| ledger.put_lead_off((dataset, &id), until))
            .await
    }

    /// Forgets a lead: its event is kept, or there will never be one.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub(crate) async fn forget_lead(&self, id: &str) -> Result<(), LedgerError> {
        let id = id.to_owned();
        self.ask(move |ledger, dataset| ledger.forget_lead((dataset, &id)))
            .await
    }

    /// Asks the ledger where waiting for it holds up nobody else.
    async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut dyn Ledger, &str) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let (keeper, dataset) = (self.keeper.clone(), Arc::clone(&self.dataset));
        let asking = tokio::task::spawn_blocking(move || ask(&mut **keeper.lock(), &dataset));
        match asking.await {
            Ok(answer) => answer,
            Err(stopped) => match stopped.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is going down, and this task with it.
                Err(_) => std::future::pending().await,
            },
        }
    }

    /// What waits. Blocks.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub(crate) fn queue(&self) -> Result<Queue, LedgerError> {
        self.keeper.lock().queue(&self.dataset)
    }
}

/// Tells the deliverer that something came.
#[derive(Debug, Default)]
struct News {
    count: Mutex<u64>,
    changed: Condvar,
}

impl News {
    fn announce(&self) {
        *lock(&self.count) += 1;
        self.changed.notify_all();
    }

    /// Waits for more than was `seen`, but not longer than a moment.
    fn wait(&self, seen: &mut u64) -> bool {
        let count = lock(&self.count);
        let waited = self
            .changed
            .wait_timeout_while(count, NOTICE, |count| *count == *seen);
        let (count, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let is_new = *count != *seen;
        *seen = *count;
        is_new
    }
}

/// Delivers what is in an outbox.
pub(crate) struct Deliverer {
    pub outbox: Outbox,
    /// How to deliver; the endpoint is asked for anew for each shift.
    pub settings: UploadSettings,
    /// Where to: read again for each shift, as a token may have been replaced.
    pub endpoint: Box<dyn Fn() -> Result<Endpoint> + Send + Sync>,
    /// Whether nothing of what is accepted counts, and the ledger is one for just this.
    pub is_rehearsal: bool,
    pub interrupt: watch::Receiver<Interrupt>,
}

/// What a shift leaves behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Left {
    /// Something that the next shift tries again.
    is_open: bool,
    /// So many that are not tried again until somebody asks for it.
    resting: u64,
}

impl Deliverer {
    /// Delivers until it is interrupted; tells how each shift ended. Blocks, and must not be called from within an
    /// asynchronous runtime.
    pub(crate) fn run(mut self, runtime: &Handle, on_shift: &mut dyn FnMut(&Result<Summary>)) {
        // What an earlier process left is tried at once.
        let (mut seen, mut failures, mut due) = (0, 0_u32, Some(Instant::now()));
        let mut has_news = false;
        while !self.is_over() {
            has_news |= self.outbox.news.wait(&mut seen);
            let is_due = due.is_some_and(|due| due <= Instant::now());
            if !is_due && (!has_news || failures > 0) {
                continue;
            }
            has_news = false;
            let left = match self.shift(runtime, &mut seen) {
                Ok(None) => Left::default(),
                Ok(Some((summary, left))) => {
                    on_shift(&Ok(summary));
                    left
                }
                Err(error) => {
                    on_shift(&Err(error));
                    Left {
                        is_open: true,
                        resting: 0,
                    }
                }
            };
            (failures, due) = match left {
                Left { is_open: true, .. } => {
                    let failures = failures.saturating_add(1);
                    (failures, Some(Instant::now() + wait_after(failures)))
                }
                Left { resting: 1.., .. } => (0, Some(Instant::now() + LOOK_AT_RESTING)),
                // What others have put there, or left there, announces nothing here.
                Left { .. } => (
                    0,
                    self.outbox
                        .is_shared
                        .then(|| Instant::now() + LOOK_AT_SHARED),
                ),
            };
        }
    }

    fn is_over(&self) -> bool {
        *self.interrupt.borrow() >= Interrupt::Finish
    }

    /// Delivers what waits and what comes, as long as all goes well; none when nothing waits.
    fn shift(&mut self, runtime: &Handle, seen: &mut u64) -> Result<Option<(Summary, Left)>> {
        let started = Instant::now();
        let queue = self.outbox.queue()?;
        if queue.events == 0 {
            self.outbox.counted.resting.store(0, Ordering::Relaxed);
            return Ok(None);
        }
        self.settings.endpoint = (self.endpoint)().context("what was taken waits")?;
        let client = Client::new(&self.settings.endpoint)?;
        let dataset = &self.settings.endpoint.dataset_id;
        let now = self.settings.read.clock.now();
        let mut account = self.open_account();
        let expired = self.outbox.ledger.lock().expired(dataset, now)?;
        let in_flight = self.settings.send.delivery.in_flight();
        account.expect_expired(expired);
        self.outbox.ledger.lock().start_run(&RunStart {
            dataset,
            now,
            in_flight,
        })?;
        let progress = Progress::default();
        let delivery = self.send(runtime, client, &mut account, (&progress, seen));
        if self.is_rehearsal || delivery.is_rehearsal {
            account.destination = Some(Destination::Sandbox);
        }
        let now = now + started.elapsed().as_secs() as i64;
        note_end(&self.outbox.ledger, &mut account, &delivery, now);
        let status = account.exit_status().code();
        self.outbox
            .counted
            .last_status
            .store(status.into(), Ordering::Relaxed);
        let left = Left {
            is_open: progress.has_open.load(Ordering::Relaxed),
            resting: progress.resting.load(Ordering::Relaxed),
        };
        let counted = &self.outbox.counted;
        counted.resting.store(left.resting, Ordering::Relaxed);
        // It was asked for once: what rests again after that waits until it is asked for again.
        self.settings.send.retry_uncertain = false;
        Ok(Some((account.close(started.elapsed()), left)))
    }

    fn open_account(&self) -> Account {
        let mut account = Account::start("serve", &self.settings.read, &[], Plan::Send);
        account.destination = Some(destination(&self.settings));
        account
    }

    /// Takes up and delivers side by side, as an upload reads and delivers.
    fn send(
        &self,
        runtime: &Handle,
        client: Client,
        account: &mut Account,
        (progress, seen): (&Progress, &mut u64),
    ) -> Delivery {
        let (sender, receiver) = mpsc::channel(PAGES);
        let mut outcomes = Outcomes {
            observer: &mut (),
            rejects: None,
            stages: Stages::default(),
            refusals: Problems::default(),
        };
        let mut feeder = Feeder {
            deliverer: self,
            account,
            progress,
            sender,
            last_news: Instant::now(),
        };
        let (delivery, fed) = std::thread::scope(|scope| {
            let feeding = scope.spawn(move || feeder.feed(seen));
            let mut on_outcome = |event: &Event, outcome: &Outcome| {
                outcomes.add(event, outcome);
                self.note(event, outcome, progress);
            };
            let delivery = runtime.block_on(deliver::deliver(
                receiver,
                client,
                self.outbox.ledger.clone(),
                self.settings.send.delivery.clone(),
                self.interrupt.clone(),
                &mut on_outcome,
            ));
            let fed = feeding
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (delivery, fed)
        });
        let fed = fed.and_then(|()| self.give_up_gone(account, progress));
        account.stages.merge(outcomes.stages);
        account.problems.merge(outcomes.refusals);
        account.add_delivery(&delivery);
        if let Err(error) = fed {
            progress.has_open.store(true, Ordering::Relaxed);
            note_end_of_reading(account, &error, delivery.requests > 0);
        }
        account.note_resting();
        account.note_expired();
        delivery
    }

    /// Notes what became of an event besides its count in the report.
    fn note(&self, event: &Event, outcome: &Outcome, progress: &Progress) {
        progress.in_hand.fetch_sub(1, Ordering::Relaxed);
        let counted = &self.outbox.counted;
        match outcome {
            Outcome::Accepted => {
                counted.accepted.fetch_add(1, Ordering::Relaxed);
                if self.is_rehearsal {
                    lock(&progress.gone).push(event.key);
                }
            }
            Outcome::Rejected(_) => {
                progress.has_to_tell.store(true, Ordering::Relaxed);
                counted.rejected.fetch_add(1, Ordering::Relaxed);
                if self.is_rehearsal {
                    lock(&progress.gone).push(event.key);
                }
            }
            Outcome::Old => {
                progress.has_to_tell.store(true, Ordering::Relaxed);
                lock(&progress.old).push(event.key);
            }
            Outcome::Undelivered
            | Outcome::Uncertain
            | Outcome::Suspect(_)
            | Outcome::Unrecorded
            | Outcome::Elsewhere
            | Outcome::Duplicate => progress.leave_open(),
        }
    }

    /// Lets go of what will not be sent any more.
    fn give_up_gone(&self, account: &mut Account, progress: &Progress) -> Result<()> {
        let old = std::mem::take(&mut *lock(&progress.old));
        for _ in &old {
            account.remember(Code::EventExpired, Origin::NONE);
        }
        let expired = old.len() as u64;
        self.outbox
            .counted
            .expired
            .fetch_add(expired, Ordering::Relaxed);
        let gone = std::mem::take(&mut *lock(&progress.gone));
        self.give_up(&[old, gone].concat())
    }

    fn give_up(&self, events: &[EventKey]) -> Result<()> {
        let mut ledger = self.outbox.ledger.lock();
        match ledger.snapshots() {
            Some(outbox) if !events.is_empty() => Ok(outbox.give_up(events)?),
            _ => Ok(()),
        }
    }
}

/// How far a shift is.
#[derive(Debug, Default)]
struct Progress {
    /// Events that were handed to the delivery and have no outcome yet.
    in_hand: AtomicU64,
    has_open: AtomicBool,
    /// When something was left open first.
    open_since: Mutex<Option<Instant>>,
    /// Events that rest.
    resting: AtomicU64,
    /// Whether events were refused, or dropped as too old.
    has_to_tell: AtomicBool,
    /// Events that grew too old on their way.
    old: Mutex<Vec<EventKey>>,
    /// Events that are settled, though the ledger does not know it.
    gone: Mutex<Vec<EventKey>>,
}

impl Progress {
    fn leave_open(&self) {
        self.has_open.store(true, Ordering::Relaxed);
        lock(&self.open_since).get_or_insert_with(Instant::now);
    }
}

/// The side that takes up what waits.
struct Feeder<'a> {
    deliverer: &'a Deliverer,
    account: &'a mut Account,
    progress: &'a Progress,
    sender: mpsc::Sender<Vec<Event>>,
    last_news: Instant,
}

impl Feeder<'_> {
    fn feed(&mut self, seen: &mut u64) -> Result<()> {
        let started = Instant::now();
        while !self.sender.is_closed() && !self.deliverer.is_over() && !self.is_late(started) {
            self.deliverer.give_up_gone(self.account, self.progress)?;
            let found = {
                let dataset = &self.deliverer.outbox.dataset;
                let mut ledger = self.deliverer.outbox.ledger.lock();
                let outbox = ledger.snapshots().context("the ledger keeps no events")?;
                outbox.overdue(dataset)?
            };
            if !found.is_empty() {
                self.last_news = Instant::now();
                self.forward(found)?;
            } else if self.is_idle() {
                return Ok(());
            } else {
                self.wait(seen);
            }
        }
        Ok(())
    }

    /// Waits for news, and where these tell only a part, not for long.
    fn wait(&self, seen: &mut u64) {
        let started = Instant::now();
        let outbox = &self.deliverer.outbox;
        loop {
            if outbox.news.wait(seen) {
                return std::thread::sleep(GATHER);
            }
            let is_enough = !outbox.is_shared || started.elapsed() >= LOOK_AT_SHARED;
            if is_enough || self.deliverer.is_over() || self.sender.is_closed() || self.is_idle() {
                return;
            }
        }
    }

    /// Whether another shift is to begin, whatever still comes.
    fn is_late(&self, started: Instant) -> bool {
        let open_since = *lock(&self.progress.open_since);
        started.elapsed() >= LONGEST_SHIFT
            || open_since.is_some_and(|since| since.elapsed() >= LONGEST_WITH_OPEN)
    }

    fn is_idle(&self) -> bool {
        let has_open = self.progress.has_open.load(Ordering::Relaxed);
        let longest = match self.progress.has_to_tell.load(Ordering::Relaxed) {
            true => LONGEST_SILENCE,
            false => LONGEST_IDLE,
        };
        self.progress.in_hand.load(Ordering::Relaxed) == 0
            && (has_open || self.last_news.elapsed() >= longest)
    }

    /// Notes an event that rests. One that did not rest before is something to tell.
    fn note_resting(&self) {
        let now = self.progress.resting.fetch_add(1, Ordering::Relaxed) + 1;
        let told = &self.deliverer.outbox.counted.resting;
        if told.fetch_max(now, Ordering::Relaxed) < now {
            self.progress.has_to_tell.store(true, Ordering::Relaxed);
        }
    }

    /// Hands events to the delivery that are still to be sent, and lets go of the others.
    fn forward(&mut self, mut found: Vec<Pending>) -> Result<()> {
        let settings = &self.deliverer.settings;
        // What was refused of snapshots is their uploads' business.
        found.retain(|event| !event.is_refused);
        let how = (settings.read.clock, false);
        let (events, mut settled) = waiting::take_up(found, how, self.account);
        let expired = settled.len() as u64;
        if expired > 0 {
            self.progress.has_to_tell.store(true, Ordering::Relaxed);
        }
        let counted = &self.deliverer.outbox.counted;
        counted.expired.fetch_add(expired, Ordering::Relaxed);
        let looked_up = {
            let mut ledger = self.deliverer.outbox.ledger.lock();
            ledger.look_up(&settings.endpoint.dataset_id, &events)?
        };
        let mut new = Vec::with_capacity(events.len());
        for (event, found) in events.into_iter().zip(looked_up) {
            let key = event.key;
            let known = &mut Known::default();
            match still_to_send((event, found), settings, self.account, known) {
                Some(event) => {
                    // It is settled under its other id, and let go of by the next shift.
                    if event.key != key {
                        self.progress.leave_open();
                    }
                    new.push(event);
                }
                None if found.standing == Standing::Resting => {
                    self.note_resting();
                }
                None if found.standing == Standing::Elsewhere => self.progress.leave_open(),
                None => settled.push(key),
            }
        }
        self.deliverer.give_up(&settled)?;
        batch::compact(&mut new);
        let count = new.len() as u64;
        self.progress.in_hand.fetch_add(count, Ordering::Relaxed);
        if count > 0
            && let Err(unsent) = self.sender.blocking_send(new)
        {
            // The delivery is over; the next shift takes them up.
            self.progress.in_hand.fetch_sub(count, Ordering::Relaxed);
            self.progress.leave_open();
            self.account.settle_all(&unsent.0, Fate::Undelivered);
        }
        Ok(())
    }
}

/// How long the next shift waits after so many in a row that left something open.
fn wait_after(failures: u32) -> Duration {
    let doubled = FIRST_WAIT * 2_u32.saturating_pow(failures.saturating_sub(1).min(10));
    doubled.min(LONGEST_WAIT)
}

/// What these guard is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
