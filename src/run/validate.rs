//! The dry run: everything up to the sending, for CI and for whoever looks before leaping.

use std::ops::ControlFlow;
use std::time::Instant;

use anyhow::Result;

use super::account::Account;
use super::rejects::{Known, Rejects};
use super::snapshot::SnapshotStep;
use super::{Earlier, Feed, Observer, Pass, Prepared, ReadSettings, Reading, workers};
use crate::ledger::{LedgerReader, NoLedger};
use crate::report::Summary;
use crate::report::stages::{Fate, Plan};

/// Reads the inputs as an upload would and tells what it would send, and what is wrong with the rest.
///
/// # Errors
/// An input cannot be read or does not fit the settings.
pub(crate) fn validate(
    settings: &ReadSettings,
    earlier: &Earlier,
    observer: &mut dyn Observer,
) -> Result<Summary> {
    let started = Instant::now();
    let mut feeds = Feed::open_all(settings, observer)?;
    let mut rejects = Rejects::asked_for(settings, &feeds)?;
    let mut account = Account::start("validate", settings, &feeds, Plan::Pretend);
    account.judge_funnel(&feeds);
    for (index, feed) in feeds.iter().enumerate() {
        account.note(index, feed, &feed.doubts());
    }
    let mut snapshot = SnapshotStep::on_trial(&feeds, &earlier.dataset, settings.clock, || {
        Ok(look_up(earlier))
    })?;
    if let Some(snapshot) = &mut snapshot {
        snapshot.open(&mut NoLedger, &mut account)?;
    }
    observer.reading(Reading::Check, Feed::bytes_of_all(&feeds));
    let collect = |prepared: &mut Prepared| {
        observer.checked(prepared.rows, prepared.bytes);
        if let Some(snapshot) = &mut snapshot {
            snapshot.sift(prepared, &mut NoLedger, &mut account)?;
        }
        if let Some(rejects) = &mut rejects {
            rejects.take(prepared, &Known::default())?;
        }
        Ok(account.count(prepared))
    };
    workers::run(&mut feeds, Pass::Judging, settings.threads, collect)?;
    observer.finished();
    if let Some(snapshot) = &mut snapshot {
        snapshot.count_overdue(&mut NoLedger, &mut account)?;
    }
    if let Some(rejects) = rejects {
        rejects.finish()?;
    }
    account.is_unfit();
    account.write_missing_leads(settings);
    Ok(account.close(started.elapsed()))
}

/// What earlier runs know. A ledger that cannot be read is said, and is no reason not to look at the export.
fn look_up(earlier: &Earlier) -> Option<LedgerReader> {
    LedgerReader::open(&earlier.ledger).unwrap_or_else(|error| {
        tracing::warn!("{error}; this is shown as a first run");
        None
    })
}

/// Reads the inputs as an upload would and hands each event's JSON to `write`, which ends the reading by breaking off.
/// No more than `limit` rows are read.
///
/// # Errors
/// An input cannot be read or does not fit the settings, or `write` fails.
pub(crate) fn build(
    settings: &ReadSettings,
    limit: u64,
    write: &mut dyn FnMut(&Prepared, &[usize]) -> Result<()>,
) -> Result<Summary> {
    let started = Instant::now();
    let mut feeds = Feed::open_all(settings, &mut ())?;
    let mut rejects = Rejects::asked_for(settings, &feeds)?;
    let mut account = Account::start("build", settings, &feeds, Plan::Pretend);
    let mut rows_left = limit;
    let collect = |prepared: &mut Prepared| {
        if rows_left < prepared.rows {
            prepared.keep_rows(rows_left as usize);
        }
        rows_left -= prepared.rows;
        let picked = account.take(prepared);
        write(prepared, &picked.new)?;
        account.settle_picked(prepared, &picked.new, Fate::Undelivered);
        if let Some(rejects) = &mut rejects {
            rejects.take(prepared, &Known::default())?;
        }
        Ok(match rows_left {
            0 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
    };
    workers::run(&mut feeds, Pass::Showing, settings.threads, collect)?;
    if let Some(rejects) = rejects {
        rejects.finish()?;
    }
    account.is_unfit();
    account.write_missing_leads(settings);
    Ok(account.close(started.elapsed()))
}
