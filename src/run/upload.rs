//! An upload from front to back: open, check, send, account.
//!
//! Files are read twice: a checking pass that settles whether the input is fit at all, and a sending pass. The sending
//! pass runs on its own threads and hands events to the delivery through a bounded channel.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::account::Account;
use super::rejects::{Known, Rejects};
use super::sending::{Sending, note_end_of_reading, sift};
use super::snapshot::{self, SnapshotStep, refuse_without_ledger};
use super::zones::Zones;
use super::{
    Feed, Observer, Pass, Prepared, ReadSettings, Reading, Signals, UploadSettings, workers,
};
use crate::deliver::{Delivery, Ended, Interrupt, interrupt};
use crate::graph::{Client, Endpoint, probe, verdict};
use crate::ledger::{
    Ledger, LedgerError, LedgerReader, LedgerTarget, NoLedger, PostgresLedger, RunEnd, RunStart,
    SharedLedger, SqliteLedger, TrialLedger,
};
use crate::report::stages::{Fate, Plan};
use crate::report::summary::Destination;
use crate::report::{End, Summary};
use crate::source::OpenError;
use crate::text::counted;

/// How long somebody who has other things to do waits for the answer to a probe.
const PROBE_PATIENCE: Duration = Duration::from_secs(5);

/// Uploads what is new in the inputs and tells what became of every event.
///
/// Safe to rerun: accepted events are never resent, and whatever brings a run to its end, the next one goes on from
/// there. Blocks until all is done, and must not be called from within an asynchronous runtime.
///
/// # Errors
/// The run could not begin: an input cannot be opened or does not fit the settings, or the ledger cannot be opened.
/// Nothing was sent. Whatever happens later is in the summary.
pub(crate) fn upload(settings: &UploadSettings, observer: &mut dyn Observer) -> Result<Summary> {
    let started = Instant::now();
    let runtime = network().context("cannot start the network")?;
    let (interrupt, before_sending) = heed(settings.signals, &runtime)?;
    let client = Client::new(&settings.endpoint)?;
    let (mut feeds, no_rows) = open_feeds(settings, observer)?;
    refuse_without_ledger(&feeds, &settings.send.ledger, is_rehearsal(settings))?;
    let rejects = match no_rows {
        Some(_) => None,
        None => Rejects::asked_for(&settings.read, &feeds)?,
    };

    let mut checked = check(settings, &mut feeds, observer)?;
    let meets_sandbox = match checked.is_unfit() {
        true => None,
        false => meets_sandbox(settings, &feeds, (&client, &runtime), &mut checked),
    };
    let Some(meets_sandbox) = meets_sandbox else {
        observer.finished();
        write_rejects(&mut feeds, rejects, &settings.read)?;
        return Ok(checked.close(started.elapsed()));
    };
    let target = match meets_sandbox || is_rehearsal(settings) {
        true => &LedgerTarget::None,
        false => &settings.send.ledger,
    };
    let ledger = match read_only(settings, &feeds)? {
        Some(known) => SharedLedger::new(TrialLedger::over(known)),
        None => open_ledger(target, settings.send.wait)?,
    };
    before_sending.inspect(JoinHandle::abort);
    let dataset = &settings.endpoint.dataset_id;
    let now = settings.read.clock.now();
    let expired = ledger.lock().expired(dataset, now)?;
    let in_flight = in_flight(settings, &feeds, &checked);
    ledger.lock().start_run(&RunStart {
        dataset,
        now,
        in_flight,
    })?;

    tell_checked(settings, &feeds, checked, (observer, started));
    let mut account = Account::start("upload", &settings.read, &feeds, Plan::Send);
    account.destination = Some(destination(settings));
    account.expect_expired(expired);
    account.judge_funnel(&feeds);
    let zones = Zones::compare(&feeds, dataset, target, &mut account)?;
    let snapshot = open_snapshot(settings, &feeds, target, (&ledger, &mut account))?;
    let delivery = Sending {
        settings,
        ledger: &ledger,
        account: &mut account,
        observer,
        runtime: &runtime,
        interrupt,
        snapshot,
    }
    .run(&mut feeds, client, rejects);
    if delivery.is_rehearsal || meets_sandbox {
        account.destination = Some(Destination::Sandbox);
    } else {
        zones.remember(now);
    }
    if let Some(error) = no_rows {
        note_end_of_reading(&mut account, &error, delivery.requests > 0);
    }

    let now = now + started.elapsed().as_secs() as i64;
    note_end(&ledger, &mut account, &delivery, now);
    account.write_missing_leads(&settings.read);
    Ok(account.close(started.elapsed()))
}

/// Opens the inputs. An export of the current stage that has no rows still lets go out what earlier runs left: then there
/// is no input, and the error that ends the run when that is done.
fn open_feeds(
    settings: &UploadSettings,
    observer: &mut dyn Observer,
) -> Result<(Vec<Feed>, Option<anyhow::Error>)> {
    let opened = Feed::open_all(&settings.read, observer);
    let has_no_rows = |error: &anyhow::Error| {
        let error = error.downcast_ref::<OpenError>();
        matches!(error, Some(OpenError::NoRows { .. }))
    };
    match opened {
        Err(error)
            if has_no_rows(&error)
                && settings.read.given.is_snapshot()
                && settings.send.ledger != LedgerTarget::None
                && !is_rehearsal(settings) =>
        {
            Ok((Vec::new(), Some(error)))
        }
        opened => Ok((opened?, None)),
    }
}

/// What sends. Each thread costs memory of its own, and it takes few to write to one ledger, which is what blocks.
fn network() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(2)
        .enable_all()
        .build()
}

/// Reads the inputs to their end, which settles whether they are fit to be sent.
fn check(
    settings: &UploadSettings,
    feeds: &mut [Feed],
    observer: &mut dyn Observer,
) -> Result<Account> {
    let mut checked = Account::start("upload", &settings.read, feeds, Plan::Send);
    observer.reading(Reading::Check, Feed::bytes_of_all(feeds));
    workers::run(feeds, Pass::Checking, settings.read.threads, |prepared| {
        observer.checked(prepared.rows, prepared.bytes);
        Ok(checked.count(prepared))
    })?;
    Ok(checked)
}

/// Says what the check found.
fn tell_checked(
    settings: &UploadSettings,
    feeds: &[Feed],
    mut checked: Account,
    (observer, started): (&mut dyn Observer, Instant),
) {
    let to_send = checked.to_send();
    tracing::debug!(
        "{} checked; {} at most to send, of which the ledger may know some",
        counted(checked.rows, "row"),
        counted(to_send, "event")
    );
    checked.destination = Some(destination(settings));
    // Closed, as what it remembers of events would otherwise be in memory twice.
    let checked = checked.close(started.elapsed());
    if feeds.iter().all(Feed::is_read_twice) {
        observer.read(&checked);
    }
    observer.sending(to_send);
}

/// How many events may be in flight at once; no more than there are, where that is known.
fn in_flight(settings: &UploadSettings, feeds: &[Feed], checked: &Account) -> u64 {
    let is_known = feeds.iter().all(Feed::is_read_twice) && !snapshot::is_wanted(feeds);
    let at_once = settings.send.delivery.in_flight();
    match is_known {
        true => at_once.min(checked.to_send()),
        false => at_once,
    }
}

/// What tells changes from what was there, where the inputs are snapshots.
fn open_snapshot(
    settings: &UploadSettings,
    feeds: &[Feed],
    target: &LedgerTarget,
    (ledger, account): (&SharedLedger, &mut Account),
) -> Result<Option<SnapshotStep>> {
    let (dataset, clock) = (&settings.endpoint.dataset_id, settings.read.clock);
    let mut snapshot = match target {
        LedgerTarget::None => {
            SnapshotStep::on_trial(feeds, dataset, clock, || read_only(settings, feeds))?
        }
        LedgerTarget::File(_) | LedgerTarget::Server(_) => {
            SnapshotStep::in_ledger(feeds, dataset, clock)
        }
    };
    if let Some(snapshot) = &mut snapshot {
        snapshot.open(ledger.lock().as_mut(), account)?;
    }
    Ok(snapshot.map(|snapshot| snapshot.retrying(settings.send.retry_rejected)))
}

/// Notes in the ledger how the run ended.
pub(super) fn note_end(
    ledger: &SharedLedger,
    account: &mut Account,
    delivery: &Delivery,
    now: i64,
) {
    let ended = RunEnd {
        now,
        exit_status: account.exit_status().code(),
        is_rehearsal: delivery.is_rehearsal,
        counts: account.run_counts(),
    };
    let noted = ledger.lock().finish_run(&ended);
    // What was sent is sent, so the report must not be lost over this.
    if let (Err(error), false) = (noted, matches!(delivery.ended, Ended::Ledger(_))) {
        account.end_early(End::LedgerLost {
            error: error.to_string(),
            after_sending: delivery.requests > 0,
        });
    }
}

/// Signals as far as the run heeds them, and what watches them until it sends.
fn heed(
    signals: Signals,
    runtime: &Runtime,
) -> Result<(watch::Receiver<Interrupt>, Option<JoinHandle<()>>)> {
    let Signals::EndTheRun { before_sending } = signals else {
        return Ok((watch::channel(Interrupt::None).1, None));
    };
    let _within = runtime.enter();
    let interrupt = interrupt::listen().context("cannot listen for Ctrl-C")?;
    let asked = interrupt::reaches(interrupt.clone(), Interrupt::Finish);
    let watching = runtime.spawn(async move {
        asked.await;
        before_sending();
    });
    Ok((interrupt, Some(watching)))
}

/// Everything an upload does except the sending, the ledger included: says what would be sent.
///
/// # Errors
/// An input cannot be read or does not fit the settings, or the ledger cannot be read.
pub(crate) fn rehearse_upload(
    settings: &UploadSettings,
    observer: &mut dyn Observer,
) -> Result<Summary> {
    let started = Instant::now();
    let reader = || LedgerReader::open(remembered(settings));
    let mut ledger: Box<dyn Ledger> = match reader()? {
        Some(ledger) => ledger.into_ledger(),
        None => Box::new(NoLedger),
    };
    let mut feeds = Feed::open_all(&settings.read, observer)?;
    let dataset = &settings.endpoint.dataset_id;
    let snapshot = SnapshotStep::on_trial(&feeds, dataset, settings.read.clock, reader)?;
    let mut snapshot = snapshot.map(|snapshot| snapshot.retrying(settings.send.retry_rejected));
    let mut rejects = Rejects::asked_for(&settings.read, &feeds)?;
    let mut account = Account::start("upload", &settings.read, &feeds, Plan::Pretend);
    account.expect_expired(ledger.expired(dataset, settings.read.clock.now())?);
    account.judge_funnel(&feeds);
    if let Some(snapshot) = &mut snapshot {
        snapshot.open(ledger.as_mut(), &mut account)?;
    }
    observer.reading(Reading::Check, Feed::bytes_of_all(&feeds));
    let collect = |prepared: &mut Prepared| {
        observer.checked(prepared.rows, prepared.bytes);
        if let Some(snapshot) = &mut snapshot {
            snapshot.sift(prepared, ledger.as_mut(), &mut account)?;
        }
        let picked = account.take(prepared);
        let sifted = sift(settings, prepared, &picked, ledger.as_mut(), &mut account)?;
        account.settle_all(&sifted.new, Fate::Undelivered);
        if let Some(rejects) = &mut rejects {
            rejects.take(prepared, &sifted.known)?;
        }
        Ok(ControlFlow::Continue(()))
    };
    workers::run(&mut feeds, Pass::Last, settings.read.threads, collect)?;
    if let Some(snapshot) = &mut snapshot {
        snapshot.count_overdue(ledger.as_mut(), &mut account)?;
    }
    if let Some(rejects) = rejects {
        rejects.finish()?;
    }
    account.note_expired();
    account.is_unfit();
    account.write_missing_leads(&settings.read);
    Ok(account.close(started.elapsed()))
}

/// Reads the inputs once more for nothing but their refused rows.
fn write_rejects(
    feeds: &mut [Feed],
    rejects: Option<Rejects>,
    settings: &ReadSettings,
) -> Result<()> {
    let Some(mut rejects) = rejects else {
        return Ok(());
    };
    workers::run(feeds, Pass::Last, settings.threads, |prepared| {
        rejects.take(prepared, &Known::default())?;
        Ok(ControlFlow::Continue(()))
    })?;
    rejects.finish()
}

/// What the run may rely on and adds to: nothing where what is accepted does not count.
fn remembered(settings: &UploadSettings) -> &LedgerTarget {
    match is_rehearsal(settings) {
        true => &LedgerTarget::None,
        false => &settings.send.ledger,
    }
}

/// Whether nothing of what is accepted counts.
fn is_rehearsal(settings: &UploadSettings) -> bool {
    settings.is_sandbox || settings.send.delivery.beside.test_event_code.is_some()
}

/// Whether a sandbox stands in Meta's place. It is asked beforehand only where a run remembers what it was shown even if
/// it makes no request that would tell: where it is about snapshots. Nothing when the run ends, as a host that may be a
/// sandbox does not answer.
fn meets_sandbox(
    settings: &UploadSettings,
    feeds: &[Feed],
    (client, runtime): (&Client, &Runtime),
    checked: &mut Account,
) -> Option<bool> {
    let has_to_ask = snapshot::is_wanted(feeds)
        && !is_rehearsal(settings)
        && foreign_host(&settings.endpoint).is_some();
    if !has_to_ask {
        return Some(false);
    }
    match runtime.block_on(client.send(Bytes::from_static(probe::BODY))) {
        Ok(answer) => Some(verdict::is_rehearsal(&answer.headers)),
        Err(silence) => {
            checked.end_early(End::Unreachable(format!("{}: {silence}", client.host())));
            None
        }
    }
}

/// Whether a sandbox stands in Meta's place at an endpoint that is not Meta's; none when it does not answer for a moment.
pub(crate) async fn is_sandbox(endpoint: &Endpoint, client: &Client) -> Option<bool> {
    if foreign_host(endpoint).is_none() {
        return Some(false);
    }
    let asked = client.send(Bytes::from_static(probe::BODY));
    let answer = tokio::time::timeout(PROBE_PATIENCE, asked).await.ok()?;
    Some(verdict::is_rehearsal(&answer.ok()?.headers))
}

/// The ledger that test events go by without changing it: of exports of the current stage, those of the stages that would
/// go.
fn read_only(
    settings: &UploadSettings,
    feeds: &[Feed],
) -> Result<Option<LedgerReader>, LedgerError> {
    let is_test = settings.send.delivery.beside.test_event_code.is_some() && !settings.is_sandbox;
    match is_test && snapshot::is_wanted(feeds) {
        true => LedgerReader::open(&settings.send.ledger),
        false => Ok(None),
    }
}

/// Opens the ledger, where there is one.
///
/// # Errors
/// It cannot be opened, or another run holds it.
pub(crate) fn open_ledger(target: &LedgerTarget, wait: Duration) -> Result<SharedLedger> {
    Ok(match target {
        LedgerTarget::File(path) => {
            let ledger = SqliteLedger::open(path, wait)?;
            tracing::debug!("accepted events are recorded in {}", path.display());
            if ledger.is_new() {
                tracing::info!(
                    "{} is a new ledger: nothing is known as delivered",
                    path.display()
                );
            }
            SharedLedger::new(ledger)
        }
        LedgerTarget::Server(address) => {
            let ledger = PostgresLedger::open(address, wait)?;
            tracing::debug!("accepted events are recorded in {address}");
            if ledger.is_new() {
                tracing::info!("{address} is a new ledger: nothing is known as delivered");
            }
            SharedLedger::new(ledger)
        }
        LedgerTarget::None => {
            tracing::debug!(
                "without a ledger: nothing is known as delivered, nothing is remembered"
            );
            SharedLedger::new(NoLedger)
        }
    })
}

pub(super) fn destination(settings: &UploadSettings) -> Destination {
    let dataset_id = settings.endpoint.dataset_id.clone();
    let host = foreign_host(&settings.endpoint);
    match settings.send.delivery.beside.test_event_code.clone() {
        _ if settings.is_sandbox => Destination::Sandbox,
        Some(test_event_code) => Destination::TestEvents {
            dataset_id,
            test_event_code,
            host,
        },
        None => Destination::Dataset { dataset_id, host },
    }
}

/// The host that events go to, when it is not Meta's.
fn foreign_host(endpoint: &Endpoint) -> Option<String> {
    let host = endpoint.graph_url.split_once("://")?.1;
    let host = host.split('/').next().unwrap_or(host);
    (host != "graph.facebook.com").then(|| host.to_owned())
}
