//! `crm2capi sandbox`: serves the stand-in until interrupted.

use std::io::Write;

use anyhow::{Context, Result};

use crate::cli::SandboxArgs;
use crate::deliver::interrupt::{Interrupt, listen, reaches};
use crate::report::ExitStatus;
use crate::sandbox::{DEFAULT_KEEP_BYTES, Sandbox, Settings};

pub(super) fn run(args: &SandboxArgs) -> Result<ExitStatus> {
    let settings = Settings {
        listen: args.listen,
        now: args.now.map(|now| now.as_second()),
        bad_lead_ids: args.bad_lead_id.clone(),
        keep_bytes: DEFAULT_KEEP_BYTES,
    };
    let runtime = tokio::runtime::Runtime::new().context("cannot start the server")?;
    runtime.block_on(async {
        let sandbox = Sandbox::start(settings).await.with_context(|| {
            format!(
                "cannot listen on {}; give another --listen address",
                args.listen
            )
        })?;
        let interrupt = listen().context("cannot listen for Ctrl-C")?;
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{}", sandbox.base_url())?;
        stdout.flush()?;
        sandbox
            .serve_until(reaches(interrupt, Interrupt::Finish))
            .await?;
        Ok(ExitStatus::Done)
    })
}
