//! Turns Ctrl-C, SIGTERM and SIGHUP into a value the delivery watches.
//!
//! The first one asks it to finish what is in flight, the second to leave at once.

use tokio::sync::watch;

/// How urgently the run is to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Interrupt {
    /// Not at all.
    #[default]
    None,
    /// Send nothing new, wait for what is in flight, record it.
    Finish,
    /// Wait for nothing.
    Now,
}

impl Interrupt {
    fn next(self) -> Interrupt {
        if self == Interrupt::None {
            Interrupt::Finish
        } else {
            Interrupt::Now
        }
    }
}

/// Starts to listen for Ctrl-C and, where there are such, SIGTERM and SIGHUP: a terminal that is closed, or a connection
/// to it that is lost. Must be called within a Tokio runtime.
pub(crate) fn listen() -> std::io::Result<watch::Receiver<Interrupt>> {
    let (sender, receiver) = watch::channel(Interrupt::None);
    let mut signals = Signals::new()?;
    tokio::spawn(async move {
        while signals.next().await {
            sender.send_modify(|interrupt| *interrupt = interrupt.next());
        }
    });
    Ok(receiver)
}

/// Waits until the interrupt is at least as urgent as `urgency`; for ever when nobody can interrupt any more.
pub(crate) async fn reaches(mut interrupt: watch::Receiver<Interrupt>, urgency: Interrupt) {
    if interrupt.wait_for(|now| *now >= urgency).await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// Absent under `nohup`.
    hangup: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: (!ignores_hangup())
                .then(|| signal(SignalKind::hangup()))
                .transpose()?,
        })
    }

    /// Waits for the next; false when none will come.
    async fn next(&mut self) -> bool {
        tokio::select! {
            received = self.interrupt.recv() => received.is_some(),
            received = self.terminate.recv() => received.is_some(),
            received = async {
                match &mut self.hangup {
                    Some(hangup) => hangup.recv().await,
                    None => std::future::pending().await,
                }
            } => received.is_some(),
        }
    }
}

/// Whether whoever started this process asked it to outlive its terminal, as `nohup` does. Where the system cannot be
/// asked, it did not.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // SIGHUP is signal 1, the lowest bit.
    ignored.is_some_and(|mask| mask & 1 == 1)
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals)
    }

    /// Waits for the next; false when none will come.
    async fn next(&mut self) -> bool {
        tokio::signal::ctrl_c().await.is_ok()
    }
}
