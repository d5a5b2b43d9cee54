//! `crm2capi serve`: takes events over HTTP and delivers them.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::failure::status_of;
use super::print_error;
use super::tell::of_upload;
use crate::cli::ServeArgs;
use crate::config::{self, SettingsFile};
use crate::deliver::interrupt::{self, Interrupt};
use crate::graph::{Client, Endpoint};
use crate::ledger::LedgerTarget;
use crate::notify;
use crate::problem::Code;
use crate::report::tally::Problem;
use crate::report::{ExitStatus, Summary};
use crate::run::{self, BodyReader, Deliverer, Outbox, Signals, UploadSettings};
use crate::sandbox::{self, Sandbox};
use crate::serve::{LeadFetcher, LeadReader, Server, Settings};
use crate::text::{counted, harmless};

/// Of the time that events may wait, the delivery takes a half to put those of one lead in order and a half to fill its
/// requests; the rest is what it takes to get there.
const LINGER_SHARE: u32 = 2;
const LINGER_MARGIN: Duration = Duration::from_millis(100);
/// Threads that may wait for the ledger, or take large bodies apart.
const BLOCKING_THREADS: usize = 16;

pub(super) fn run(args: ServeArgs) -> Result<ExitStatus> {
    refuse_what_has_no_use(&args)?;
    let upload = &args.upload;
    let file = SettingsFile::load(upload.read.settings.only_config())?;
    let receivers = config::notify_settings(&file)?;
    let serving = config::serve_settings(&args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build()
        .context("cannot start the server")?;
    let interrupt = {
        let _within = runtime.enter();
        interrupt::listen().context("cannot listen for Ctrl-C")?
    };
    let destination = Destination::of(&args, &file, &runtime)?;
    let settings = settings(&args, &file, &destination)?;
    let (send, dataset) = (&settings.send, &settings.endpoint.dataset_id);
    let outbox = Outbox::open(&send.ledger, send.wait, dataset)?;
    let outcomes = Arc::clone(&outbox.counted);
    let (args, file) = (Arc::new(args), Arc::new(file));
    let lead_reader = lead_reader((&args, &file), &serving, dataset)?;
    let reader = BodyReader::new(settings.read.clone(), &settings.endpoint.dataset_id)?;
    let listen = serving.listen;
    let is_open = serving.keys.are_none();
    let server = runtime
        .block_on(Server::start(serving, reader, outbox.clone()))
        .with_context(|| cannot_listen(listen))?;
    announce(&server, is_open)?;
    if let Some(reader) = lead_reader {
        let fetcher = LeadFetcher {
            outbox: outbox.clone(),
            reader,
            counts: server.lead_counts(),
            interrupt: interrupt.clone(),
        };
        runtime.spawn(fetcher.run());
    }
    let deliverer = Deliverer {
        outbox,
        settings,
        endpoint: destination.asked_anew(&args, &file),
        is_rehearsal: destination.is_rehearsal,
        interrupt: interrupt.clone(),
    };
    let mut on_shift =
        |shift: &Result<Summary>| tell(shift, destination.is_rehearsal, (&receivers, &args, &file));
    std::thread::scope(|scope| {
        let handle = runtime.handle().clone();
        let delivering = scope.spawn(move || deliverer.run(&handle, &mut on_shift));
        runtime.block_on(server.serve_until(interrupt::reaches(interrupt, Interrupt::Finish)));
        if let Err(panic) = delivering.join() {
            std::panic::resume_unwind(panic);
        }
    });
    if let Some(says) = outcomes.says_of_resting() {
        tracing::warn!("{says}");
    }
    Ok(ExitStatus::Done)
}

fn refuse_what_has_no_use(args: &ServeArgs) -> Result<()> {
    let (upload, read) = (&args.upload, &args.upload.read);
    let given = [
        ("--rejects", read.rejects.is_some()),
        ("--report", !upload.report.report.is_empty()),
        ("--metrics-file", upload.report.metrics_file.is_some()),
        ("--preview", upload.report.preview.is_some()),
        ("--leads-missing", read.leads_missing.is_some()),
        ("--format", upload.format.is_some()),
        ("--dry-run", upload.dry_run),
        ("--max-invalid", read.max_invalid.is_some()),
        ("--strict", read.strict),
        ("--threads", read.threads.is_some()),
        ("--stage-time", read.layout.stage_time.is_some()),
        ("--input-format", read.format.input_format.is_some()),
        ("--delimiter", read.format.delimiter.is_some()),
        ("--header", read.format.header.is_some()),
        ("--encoding", read.format.encoding.is_some()),
        ("--sheet", read.format.sheet.is_some()),
        ("--retry-rejected", upload.retry_rejected),
    ];
    if let Some((option, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
        bail!(
            "{option} is for exports; serve takes JSON over HTTP and answers what became of each record"
        );
    }
    if !read.files.is_empty() {
        bail!(
            "serve takes records over HTTP; crm2capi upload takes files, crm2capi watch a folder of them"
        );
    }
    if read.settings.config.len() > 1 {
        bail!("serve has one --config; start it once for each, with a --listen of its own");
    }
    Ok(())
}

/// Where events go.
struct Destination {
    endpoint: Endpoint,
    /// Whether nothing of what is accepted there counts.
    is_rehearsal: bool,
    sandbox: Option<Sandbox>,
    /// Where events wait that do not count.
    scratch: Option<TempDir>,
}

impl Destination {
    fn of(args: &ServeArgs, file: &SettingsFile, runtime: &Runtime) -> Result<Self> {
        let upload = &args.upload;
        let sandbox = upload.sandbox.then(|| sandbox(args, runtime)).transpose()?;
        let endpoint = match &sandbox {
            Some(sandbox) => {
                tracing::info!("events go to the sandbox at {}", sandbox.base_url());
                config::endpoint_of_sandbox(sandbox.base_url(), &upload.endpoint, file)?
            }
            None => asked(args, file)?,
        };
        let is_test = upload.test_event_code.is_some() || file.meta.test_event_code.is_some();
        let is_rehearsal = sandbox.is_some() || is_test || {
            let client = Client::new(&endpoint)?;
            runtime.block_on(run::is_sandbox(&endpoint, &client)) == Some(true)
        };
        let scratch = match is_rehearsal {
            true => {
                Some(TempDir::new().context("cannot make a folder for events that are a test")?)
            }
            false => None,
        };
        if is_rehearsal {
            tracing::warn!(
                "nothing posted here counts: it goes to a sandbox, or as test events; whatever still waits is lost when the server stops"
            );
        }
        Ok(Self {
            endpoint,
            is_rehearsal,
            sandbox,
            scratch,
        })
    }

    /// How the endpoint is found out again, as its token may have been replaced.
    fn asked_anew(
        &self,
        args: &Arc<ServeArgs>,
        file: &Arc<SettingsFile>,
    ) -> Box<dyn Fn() -> Result<Endpoint> + Send + Sync> {
        if self.sandbox.is_some() {
            let endpoint = self.endpoint.clone();
            return Box::new(move || Ok(endpoint.clone()));
        }
        let (args, file) = (Arc::clone(args), Arc::clone(file));
        Box::new(move || asked(&args, &file))
    }
}

fn asked(args: &ServeArgs, file: &SettingsFile) -> Result<Endpoint> {
    let upload = &args.upload;
    config::endpoint(
        &upload.endpoint,
        &upload.read.settings,
        &upload.read.version,
        file,
    )
}

/// What reads the leads that Meta's webhook tells of, where it is taken. What is missing for that is said before anything is.
fn lead_reader(
    (args, file): (&Arc<ServeArgs>, &Arc<SettingsFile>),
    serving: &Settings,
    dataset: &str,
) -> Result<Option<LeadReader>> {
    let Some(keys) = serving.leadgen.clone() else {
        return Ok(None);
    };
    let read = config::lead_settings(&args.upload.read, file)?;
    let (args, file) = (Arc::clone(args), Arc::clone(file));
    let endpoint = move || config::endpoint_of_webhook(&args.upload, &file, &keys.secret);
    endpoint()?;
    Ok(Some(LeadReader {
        clock: read.clock,
        reader: BodyReader::new(read, dataset)?,
        endpoint: Box::new(endpoint),
    }))
}

fn sandbox(args: &ServeArgs, runtime: &Runtime) -> Result<Sandbox> {
    let now = args.upload.read.now.map(|now| now.as_second());
    let settings = sandbox::Settings::in_process(now, sandbox::DEFAULT_KEEP_BYTES);
    runtime
        .block_on(Sandbox::start(settings))
        .context("cannot start the sandbox")
}

/// What the deliverer and the reader go by.
fn settings(
    args: &ServeArgs,
    file: &SettingsFile,
    destination: &Destination,
) -> Result<UploadSettings> {
    let read = config::body_settings(&args.upload.read, file)?;
    if read.given.is_snapshot() {
        bail!(
            "stage_time = \"first-seen\" compares exports, and nothing is compared here: map event_time to the time of the \
             change, or let the sender add it"
        );
    }
    let mut send = config::send_settings(Some(&args.upload), file)?;
    send.retry_rejected = false;
    send.delivery.linger = args.linger.saturating_sub(LINGER_MARGIN) / LINGER_SHARE;
    if let Some(folder) = &destination.scratch {
        send.ledger = LedgerTarget::File(folder.path().join("ledger.sqlite3"));
    }
    if send.ledger == LedgerTarget::None {
        bail!(
            "events wait in the ledger until they are delivered, so serve needs one; name a file with --ledger"
        );
    }
    Ok(UploadSettings {
        read,
        send,
        endpoint: destination.endpoint.clone(),
        is_sandbox: destination.sandbox.is_some(),
        signals: Signals::Unheeded,
    })
}

fn cannot_listen(address: SocketAddr) -> String {
    format!(
        "cannot listen on {address}; stop the program that uses this port, or take another one: --listen {} picks a free port",
        SocketAddr::new(address.ip(), 0)
    )
}

/// Says where to post.
fn announce(server: &Server, is_open: bool) -> Result<()> {
    if is_open {
        tracing::warn!("CRM2CAPI_SERVE_TOKEN is not set: every program on this machine can post");
    }
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "http://{}", server.address())?;
    stdout.flush()?;
    Ok(())
}

/// Says how a shift of the delivery ended, and tells whoever `[notify]` names.
fn tell(
    shift: &Result<Summary>,
    is_rehearsal: bool,
    (receivers, args, file): (&notify::Settings, &ServeArgs, &SettingsFile),
) {
    let (uploaded, says) = match shift {
        Ok(summary) => {
            let status = weighed(summary);
            (Ok((summary.clone(), status)), said(summary, status))
        }
        Err(error) => {
            let says = format!("{error:#}; what waits is tried again");
            (Err(anyhow!("{error:#}")), Some((status_of(error), says)))
        }
    };
    match says {
        Some((ExitStatus::Done | ExitStatus::Interrupted, says)) => tracing::info!("{says}"),
        Some((_, says)) => print_error(&anyhow!("{says}")),
        None => {}
    }
    if !is_rehearsal {
        of_upload(receivers.clone(), &args.upload, file, &uploaded);
    }
}

/// The status of a shift. That an event grew too old is no less than a refusal: nobody sends it again.
fn weighed(summary: &Summary) -> ExitStatus {
    match summary.exit_status {
        ExitStatus::Done | ExitStatus::Interrupted if expired(summary).next().is_some() => {
            ExitStatus::Problems
        }
        status => status,
    }
}

/// What tells of events that grew too old.
fn expired(summary: &Summary) -> impl Iterator<Item = &Problem> {
    let codes = [Code::EventExpired, Code::UncertainExpired];
    let problems = summary.problems.iter();
    problems.filter(move |problem| codes.contains(&problem.code))
}

/// What the log says of a shift; nothing of one that did nothing.
fn said(summary: &Summary, status: ExitStatus) -> Option<(ExitStatus, String)> {
    let (accepted, rejected, undelivered, uncertain) = summary.counts.done();
    if accepted + rejected + undelivered + uncertain == 0 && summary.problems.is_empty() {
        return None;
    }
    let mut says = format!("{} accepted", counted(accepted, "event"));
    for (count, what) in [
        (rejected, "refused by Meta"),
        (undelivered, "waiting"),
        (uncertain, "uncertain"),
    ] {
        if count > 0 {
            says.push_str(&format!(", {count} {what}"));
        }
    }
    for problem in expired(summary) {
        says.push_str(&format!("; {} × {}", problem.count, problem.code.message()));
    }
    if let (Some(ended), false) = (&summary.ended, status == ExitStatus::Interrupted) {
        let resting = summary.count_of(Code::UncertainResting);
        let is_all = resting > 0 && resting == undelivered + uncertain;
        says = format!("{}; {says}", harmless(&ended.reason));
        if !is_all {
            says.push_str("; what waits is tried again");
        }
        // What can be done by running again is done.
        let help = ended
            .help
            .as_ref()
            .filter(|_| status != ExitStatus::NotDone || is_all);
        says.extend(help.map(|help| format!("; {help}")));
    }
    Some((status, says))
}
