//! Reaches the receivers: a POST, a ping, a program. Each may take ten seconds, and they go at the same time.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::header::CONTENT_TYPE;
use reqwest::redirect;

use super::Address;
use crate::text::SECRETS;

/// How long a receiver may take. A run that is done does not wait longer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a program is looked after.
const LOOK: Duration = Duration::from_millis(20);
/// Why a receiver was not reached. Repeats no address.
type Failure = String;

/// What goes to whom.
#[derive(Clone, Debug, Default)]
pub(super) struct Mail {
    /// A POST of JSON.
    pub post: Option<(Address, String)>,
    /// A GET.
    pub ping: Option<Address>,
    /// A program and its arguments.
    pub program: Option<Program>,
}

/// A program to run.
#[derive(Clone, Debug)]
pub(super) struct Program {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// What it reads.
    pub input: Vec<u8>,
    /// `CRM2CAPI_NOTICE`: the notification in words.
    pub notice: String,
}

/// What became of it; nothing where there was nothing to send.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub post: Option<Result<(), Failure>>,
    pub ping: Option<Result<(), Failure>>,
    pub program: Option<Result<(), Failure>>,
}

/// Sends all of it. Blocks for ten seconds at most.
pub(super) fn send(mail: Mail) -> Sent {
    let Mail {
        post,
        ping,
        program,
    } = mail;
    // Before the runtime, so that its end does not wait for the program.
    let program = program.map(|program| std::thread::spawn(move || run(&program)));
    let (post, ping) = match (post, ping) {
        (None, None) => (None, None),
        (post, ping) => reach(post, ping),
    };
    let gone = || Err("its thread has failed".to_owned());
    Sent {
        post,
        ping,
        program: program.map(|running| running.join().unwrap_or_else(|_| gone())),
    }
}

type Reached = Option<Result<(), Failure>>;

fn reach(post: Option<(Address, String)>, ping: Option<Address>) -> (Reached, Reached) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            let failed = || Err(format!("cannot start the network: {error}"));
            return (post.map(|_| failed()), ping.map(|_| failed()));
        }
    };
    let reached = runtime.block_on(async {
        tokio::join!(
            async {
                let (address, body) = post?;
                Some(exchange(&address, Some(body)).await)
            },
            async { Some(exchange(&ping?, None).await) },
        )
    });
    // A name that is still being looked up is left alone.
    runtime.shutdown_background();
    reached
}

async fn exchange(address: &Address, body: Option<String>) -> Result<(), Failure> {
    // Another part of the process may have chosen a provider before; any will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("crm2capi/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .referer(false)
        .timeout(PATIENCE);
    if address.expose().starts_with("http:") {
        // On this machine no proxy belongs in between, and no certificates are needed.
        builder = builder.no_proxy().tls_certs_only([]);
    }
    let client = builder.build().map_err(|error| failure(&error))?;
    let request = match body {
        Some(body) => client
            .post(address.expose())
            .header(CONTENT_TYPE, "application/json")
            .body(body),
        None => client.get(address.expose()),
    };
    let answer = tokio::time::timeout(PATIENCE, request.send()).await;
    let answer = answer
        .map_err(|_| no_answer())?
        .map_err(|error| failure(&error))?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        status => Err(format!("the receiver answered {}", status.as_u16())),
    }
}

fn no_answer() -> Failure {
    format!("no answer within {} s", PATIENCE.as_secs())
}

/// The kind of a failure: its text may hold the address.
fn failure(error: &reqwest::Error) -> Failure {
    match error {
        error if error.is_timeout() => no_answer(),
        error if error.is_connect() => "the receiver could not be reached".to_owned(),
        error if error.is_builder() => "TLS cannot be set up".to_owned(),
        _ => "the connection broke".to_owned(),
    }
}

/// It may have ended this very moment.
fn stop(child: &mut Child) {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, kill_process_group};
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let _ = group.map(|group| kill_process_group(group, Signal::KILL));
    }
    let _ = child.kill();
    let _ = child.wait();
}

fn run(program: &Program) -> Result<(), Failure> {
    let Some((name, arguments)) = program.words.split_first() else {
        return Ok(());
    };
    let mut command = Command::new(name);
    command
        .args(arguments)
        .env("CRM2CAPI_NOTICE", &program.notice)
        .stdin(Stdio::piped())
        // Standard output holds the report and nothing else.
        .stdout(Stdio::null());
    for secret in SECRETS {
        command.env_remove(secret);
    }
    // With its own children, so that none of them keeps standard error open after it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command
        .spawn()
        .map_err(|error| format!("it cannot be started: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        let input = program.input.clone();
        // A program that does not read must not hold up anybody, and one that has read enough may close its input.
        std::thread::spawn(move || stdin.write_all(&input));
    }
    let started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("it ended with {status}")),
            Ok(None) if started.elapsed() < PATIENCE => std::thread::sleep(LOOK),
            Ok(None) => break,
            Err(error) => return Err(error.to_string()),
        }
    }
    stop(&mut child);
    Err(format!("it was stopped after {} s", PATIENCE.as_secs()))
}
