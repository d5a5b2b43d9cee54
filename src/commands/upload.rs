//! `crm2capi upload`: checks the whole input, then sends what is new.
//!
//! Files are read twice: a checking pass that settles whether the input is fit at all, and a sending pass. The sending
//! pass runs on its own threads and hands events to the delivery through a bounded channel.

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use bytes::Bytes;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use super::progress::Progress;
use crate::batch::{Beside, Limits};
use crate::cli::{ReportFormat, TalkArgs, UploadArgs};
use crate::config::{Endpoint, Reading, Sending, SettingsFile};
use crate::deliver::{self, Delivery, Ended, Outcome};
use crate::event::{Event, EventKey, Origin};
use crate::graph::{Client, Fault};
use crate::ledger::{Ledger, NoLedger, RunEnd, RunStart, SharedLedger, SqliteLedger, Standing};
use crate::problem::Code;
use crate::report::exit::End;
use crate::report::stages::{Fate, Plan, Stages};
use crate::report::summary::Destination;
use crate::report::{ExitStatus, Problems};
use crate::run::account::{self, Account};
use crate::run::feed::broken_off;
use crate::run::rejects::{Known, Rejects};
use crate::run::{self, Feed, Pass, Prepared};
use crate::sandbox::Sandbox;
use crate::source::ReadError;

/// Chunks of events that wait for the delivery.
const QUEUE: usize = 4;

pub(super) fn run(args: &UploadArgs, talk: &TalkArgs) -> Result<ExitStatus> {
    let started = Instant::now();
    let file = SettingsFile::load(args.read.config.as_deref())?;
    let format = args
        .format
        .or(file.output.format)
        .unwrap_or(ReportFormat::Human);
    anyhow::ensure!(
        format != ReportFormat::Github,
        "--format github is for validate; give human or json"
    );
    let reading = Reading::resolve(&args.read, &file)?;
    let sending = Sending::resolve(args, &file)?;
    let runtime = Runtime::new().context("cannot start the network")?;
    let upload = Upload {
        started,
        reading,
        sending,
        runtime,
    };
    let account = if upload.sending.dry_run {
        upload.pretend(args, &file)?
    } else {
        upload.send(args, &file, talk)?
    };
    let summary = account.close(upload.started.elapsed());
    account::print(&summary, format, talk.quiet, args.metrics_file.as_deref())
}

struct Upload {
    started: Instant,
    reading: Reading,
    sending: Sending,
    runtime: Runtime,
}

/// Says that the input was not read to its end, and why.
fn note_end_of_reading(error: &anyhow::Error, account: &mut Account) {
    let (end, help) = match broken_off(error) {
        // The delivery says why the run ended.
        Some(ReadError::Stopped { .. }) => return tracing::warn!("{error:#}"),
        Some(ReadError::Changed { .. }) => (
            End::InputChanged,
            "run again when the export is complete; what was accepted is not sent again",
        ),
        _ => (
            End::InputLost,
            "run again when the input can be read to its end; what was accepted is not sent again",
        ),
    };
    account.end_early(end, format!("{error:#}"), help);
}

impl Upload {
    /// Everything except the sending, the ledger included.
    fn pretend(&self, args: &UploadArgs, file: &SettingsFile) -> Result<Account> {
        let dataset = Endpoint::dataset(args.read.dataset_id.as_deref(), file)?.unwrap_or_default();
        let mut ledger: Box<dyn Ledger> = match self.ledger_path(args) {
            Some(path) => match SqliteLedger::open_read_only(path)? {
                Some(ledger) => Box::new(ledger),
                None => Box::new(NoLedger),
            },
            None => Box::new(NoLedger),
        };
        let mut feeds = Feed::open_all(&self.reading)?;
        let mut rejects = Rejects::asked_for(&self.reading, &feeds)?;
        let mut account = Account::start("upload", &self.reading, &feeds, Plan::Pretend);
        run::run(&mut feeds, Pass::Last, self.reading.threads, |prepared| {
            let events = account.take(prepared);
            let events = self.events(prepared, &events, &dataset);
            let (new, known) = self.sift(events, ledger.as_mut(), &mut account)?;
            account.settle_all(&new, Fate::Undelivered);
            if let Some(rejects) = &mut rejects {
                rejects.take(prepared, &known)?;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if let Some(rejects) = rejects {
            rejects.finish()?;
        }
        self.stop_if_too_many_are_invalid(&mut account);
        Ok(account)
    }

    fn send(&self, args: &UploadArgs, file: &SettingsFile, talk: &TalkArgs) -> Result<Account> {
        let sandbox = args.sandbox.then(|| self.start_sandbox()).transpose()?;
        let endpoint = match &sandbox {
            Some(sandbox) => Endpoint::of_sandbox(sandbox.base_url(), &args.endpoint, file)?,
            None => Endpoint::resolve(&args.endpoint, &args.read, file)?,
        };
        let client = Client::new(&endpoint)?;
        let mut feeds = Feed::open_all(&self.reading)?;
        let rejects = Rejects::asked_for(&self.reading, &feeds)?;

        let mut checked = Account::start("upload", &self.reading, &feeds, Plan::Send);
        run::run(
            &mut feeds,
            Pass::Checking,
            self.reading.threads,
            |prepared| {
                let picked = checked.take(prepared);
                checked.settle_picked(prepared, &picked, Fate::Undelivered);
                Ok(ControlFlow::Continue(()))
            },
        )?;
        if self.stop_if_too_many_are_invalid(&mut checked) {
            if let Some(mut rejects) = rejects {
                run::run(&mut feeds, Pass::Last, self.reading.threads, |prepared| {
                    rejects.take(prepared, &Known::default())?;
                    Ok(ControlFlow::Continue(()))
                })?;
                rejects.finish()?;
            }
            return Ok(checked);
        }

        let ledger = match self.ledger_path(args) {
            Some(path) => SharedLedger::new(SqliteLedger::open(path, self.sending.wait)?),
            None => SharedLedger::new(NoLedger),
        };
        ledger.lock().start_run(&RunStart {
            dataset: &endpoint.dataset_id,
            now: self.reading.now,
        })?;

        let mut account = Account::start("upload", &self.reading, &feeds, Plan::Send);
        account.destination = Some(match (&sandbox, self.sending.test_event_code.clone()) {
            (Some(_), _) => Destination::Sandbox,
            (None, Some(test_event_code)) => Destination::TestEvents {
                dataset_id: endpoint.dataset_id.clone(),
                test_event_code,
            },
            (None, None) => Destination::Dataset {
                dataset_id: endpoint.dataset_id.clone(),
            },
        });
        let progress = Progress::start(checked.to_send(), talk);
        let delivery = self.deliver(
            &mut feeds,
            client,
            &ledger,
            &endpoint,
            &mut account,
            rejects,
            progress,
        )?;
        account.add_delivery(&delivery);
        let ended = RunEnd {
            now: self.reading.now + self.started.elapsed().as_secs() as i64,
            exit_status: account.exit_status().code(),
            counts: account.run_counts(),
        };
        let noted = ledger.lock().finish_run(&ended);
        match (delivery.ended, noted) {
            (Ended::Ledger(error), _) => tracing::error!("{error}"),
            // What was sent is sent, so the report must not be lost over this.
            (_, Err(error)) => {
                tracing::error!("{error}");
                let help =
                    "run again when the ledger can be written; what was accepted is not sent again";
                account.end_early_unless_ended(End::Unreachable, error.to_string(), help);
            }
            (_, Ok(())) => {}
        }
        Ok(account)
    }

    /// Reads and delivers side by side; every event built ends in exactly one count.
    #[expect(clippy::too_many_arguments, reason = "this is where everything meets")]
    fn deliver(
        &self,
        feeds: &mut [Feed],
        client: Client,
        ledger: &SharedLedger,
        endpoint: &Endpoint,
        account: &mut Account,
        rejects: Option<Rejects>,
        mut progress: Progress,
    ) -> Result<Delivery> {
        let rejects = rejects.map(Mutex::new);
        let settings = deliver::Settings {
            limits: Limits::of(self.sending.batch_size),
            concurrency: self.sending.concurrency,
            give_up_after: self.sending.give_up_after,
            beside: Beside {
                test_event_code: self.sending.test_event_code.clone(),
                partner_agent: self.sending.partner_agent.clone(),
            },
            ..deliver::Settings::default()
        };
        let (sender, receiver) = mpsc::channel(QUEUE);
        let (delivery, produced, stages, refusals) = std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let sender = sender;
                run::run(feeds, Pass::Last, self.reading.threads, |prepared| {
                    let picked = account.take(prepared);
                    let events = self.events(prepared, &picked, &endpoint.dataset_id);
                    let (new, mut known) = self.sift(events, ledger.lock().as_mut(), account)?;
                    if let Some(rejects) = &rejects {
                        new.iter().for_each(|event| {
                            *known.sent.entry(event.origin.row).or_default() += 1
                        });
                        rejects
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .take(prepared, &known)?;
                    }
                    if !new.is_empty()
                        && let Err(unsent) = sender.blocking_send(new)
                    {
                        // The delivery is over; what is left is counted all the same.
                        account.settle_all(&unsent.0, Fate::Undelivered);
                    }
                    Ok(ControlFlow::Continue(()))
                })
            });
            let (mut stages, mut refusals) = (Stages::default(), Problems::default());
            let mut on_outcome = |event: &Event, outcome: &Outcome| {
                progress.settled();
                stages.add(&event.name, account::fate_of(outcome), 1);
                let refused = match outcome {
                    Outcome::Rejected(fault) => Some(fault),
                    _ => None,
                };
                if let Some(fault) = refused {
                    refusals.add_refusal(&account::refusal_of(fault), account::place(event.origin));
                }
                if let Some(rejects) = &rejects {
                    let refused = refused.map(|fault| account::reason(Code::MetaRefused, fault));
                    let settled = rejects
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .settle(event.origin, refused);
                    if let Err(error) = settled {
                        tracing::error!("{error:#}");
                    }
                }
            };
            let delivery = self.runtime.block_on(async {
                let interrupt = deliver::interrupt::listen().context("cannot listen for Ctrl-C")?;
                let ledger = ledger.clone();
                Ok::<_, anyhow::Error>(
                    deliver::deliver(
                        receiver,
                        client,
                        ledger,
                        settings,
                        interrupt,
                        &mut on_outcome,
                    )
                    .await,
                )
            });
            // Files are read on, to be counted; nobody knows when a stream would end.
            self.reading.source.stop.stop();
            let produced = reader
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (delivery, produced, stages, refusals)
        });
        progress.finish();
        account.stages.merge(stages);
        account.problems.merge(refusals);
        let written = match rejects {
            Some(rejects) => rejects
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner)
                .finish(),
            None => Ok(()),
        };
        if let Err(error) = written {
            tracing::error!("{error:#}");
            let help = "run again with another --rejects file: it will hold the same rows, and nothing is sent twice";
            account.end_early(End::InputLost, format!("{error:#}"), help);
        }
        if let Err(error) = produced {
            note_end_of_reading(&error, account);
        }
        delivery
    }

    fn start_sandbox(&self) -> Result<Sandbox> {
        let settings = crate::sandbox::Settings {
            listen: ([127, 0, 0, 1], 0).into(),
            now: Some(self.reading.now),
            bad_lead_ids: Vec::new(),
            // Nobody can ask it afterwards.
            keep_bytes: 0,
        };
        self.runtime
            .block_on(Sandbox::start(settings))
            .context("cannot start the sandbox")
    }

    /// The ledger, unless this run is none that counts.
    fn ledger_path(&self, args: &UploadArgs) -> Option<&std::path::Path> {
        let counts = !args.sandbox && self.sending.test_event_code.is_none();
        self.sending.ledger.as_deref().filter(|_| counts)
    }

    /// A wrong mapping shows in most rows; then nothing is sent.
    fn stop_if_too_many_are_invalid(&self, account: &mut Account) -> bool {
        let limit = self.sending.max_invalid_percent;
        let too_many = account.rows_invalid as f64 * 100.0 > account.rows as f64 * limit;
        if too_many {
            let reason = format!(
                "{} of {} rows are unusable, more than {limit} %",
                account.rows_invalid, account.rows
            );
            let help = "nothing was sent: correct the mapping or the rows, or allow more with --max-invalid PERCENT";
            account.end_early(End::TooManyInvalid, reason, help);
        }
        too_many
    }

    /// The events picked of a chunk, as the ledger and the delivery know them.
    fn events(&self, prepared: &mut Prepared, picked: &[usize], dataset: &str) -> Vec<Event> {
        let json = Bytes::from(std::mem::take(&mut prepared.json));
        let event = |&index: &usize| {
            let event = &prepared.events[index];
            Event {
                key: EventKey::in_dataset(dataset, event.fingerprint),
                name: prepared.name_of(event).clone(),
                time: event.time,
                lead: event.lead,
                origin: Origin {
                    input: prepared.input,
                    row: event.row,
                },
                // The line feed stays behind.
                json: json.slice(event.json.start as usize..event.json.end as usize - 1),
            }
        };
        picked.iter().map(event).collect()
    }

    /// Those events that are to be sent, and what is known of the rows of others.
    fn sift(
        &self,
        events: Vec<Event>,
        ledger: &mut dyn Ledger,
        account: &mut Account,
    ) -> Result<(Vec<Event>, Known)> {
        let standings = ledger.standing(&events)?;
        let (mut new, mut known) = (Vec::with_capacity(events.len()), Known::default());
        for (event, standing) in events.into_iter().zip(standings) {
            match standing {
                Standing::New => new.push(event),
                Standing::Uncertain => {
                    account.remember(Code::UncertainEarlier, event.origin);
                    new.push(event);
                }
                Standing::Accepted | Standing::ThisRun => {
                    account.stages.add(&event.name, Fate::Delivered, 1)
                }
                Standing::Refused { .. } if self.sending.retry_rejected => new.push(event),
                Standing::Refused { code, subcode } => {
                    let fault = Fault {
                        status: 0,
                        code,
                        subcode,
                        title: None,
                        fbtrace_id: None,
                    };
                    let reason = account::reason(Code::RefusedEarlier, &fault);
                    known
                        .refused
                        .entry(event.origin.row)
                        .or_default()
                        .push(reason);
                    account.remember(Code::RefusedEarlier, event.origin);
                    account.stages.add(&event.name, Fate::Rejected, 1);
                }
            }
        }
        Ok((new, known))
    }
}
