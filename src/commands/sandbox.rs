//! `crm2capi sandbox`: serves the stand-in until interrupted.

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};

use crate::cli::SandboxArgs;
use crate::deliver::interrupt::{Interrupt, listen, reaches};
use crate::report::ExitStatus;
use crate::sandbox::{DEFAULT_KEEP_BYTES, LeadsFile, Sandbox, Settings};
use crate::text::harmless;

pub(super) fn run(args: &SandboxArgs) -> Result<ExitStatus> {
    let settings = Settings {
        listen: args.listen,
        now: args.now.map(|now| now.as_second()),
        bad_lead_ids: args.bad_lead_id.clone(),
        leads: leads(args.leads.as_deref())?,
        count_delay: args.count_delay,
        keep_bytes: DEFAULT_KEEP_BYTES,
        hosts: args.host.clone(),
        log_requests: true,
    };
    let runtime = tokio::runtime::Runtime::new().context("cannot start the server")?;
    runtime.block_on(async {
        let sandbox = Sandbox::start(settings)
            .await
            .with_context(|| cannot_listen(args.listen))?;
        let interrupt = listen().context("cannot listen for Ctrl-C")?;
        if !sandbox.address().ip().is_loopback() {
            tracing::warn!("{}", exposure(sandbox.address()));
        }
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{}", sandbox.base_url())?;
        stdout.flush()?;
        drop(stdout);
        if io::stderr().is_terminal() {
            tracing::info!("{}", directions(sandbox.address()));
        }
        sandbox
            .serve_until(reaches(interrupt, Interrupt::Finish))
            .await;
        Ok(ExitStatus::Done)
    })
}

fn leads(path: Option<&Path>) -> Result<Option<LeadsFile>> {
    let read = |path: &Path| {
        LeadsFile::read(path).with_context(|| {
            format!(
                "cannot read the leads of {}",
                harmless(&path.to_string_lossy())
            )
        })
    };
    path.map(read).transpose()
}

/// The cause follows.
fn cannot_listen(address: SocketAddr) -> String {
    let ip = address.ip();
    format!(
        "cannot listen on {address}; stop the program that uses this port (another sandbox?), or take another one: \
         --listen {} picks a free port",
        SocketAddr::new(ip, 0)
    )
}

fn exposure(address: SocketAddr) -> String {
    format!(
        "the sandbox listens on {address}, beyond this machine: it checks no token, so whoever reaches it can post \
         events and read those of others; --listen 127.0.0.1:{} keeps it to this machine",
        address.port()
    )
}

/// What a person at a terminal wants to know.
fn directions(address: SocketAddr) -> String {
    // From this machine any address it listens on is reached on loopback.
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        ip if ip.is_ipv4() => [127, 0, 0, 1].into(),
        _ => std::net::Ipv6Addr::LOCALHOST.into(),
    };
    let url = format!("http://{}", SocketAddr::new(ip, address.port()));
    format!(
        "\nUpload to it, with any token and any dataset:\n  \
         CRM2CAPI_ACCESS_TOKEN=any crm2capi upload --graph-url {url} --dataset-id 1 FILE\n\
         See what it accepted:\n  \
         {url}/\n\
         Stop it with Ctrl-C. Requests are listed below.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_name_an_address_that_can_be_reached_from_here() {
        for (listen, url) in [
            ("127.0.0.1:8023", "http://127.0.0.1:8023"),
            ("0.0.0.0:8023", "http://127.0.0.1:8023"),
            ("[::]:8023", "http://[::1]:8023"),
            ("10.0.0.7:8023", "http://10.0.0.7:8023"),
        ] {
            let text = directions(listen.parse().unwrap());
            assert!(text.contains(&format!("--graph-url {url} ")), "{text}");
            assert!(text.contains(&format!("  {url}/\n")), "{text}");
        }
    }
}
