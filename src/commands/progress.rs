//! How far an upload is: a bar where a person watches, a line now and then where a log does, nothing when quiet.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::{LogFormat, TalkArgs};
use crate::run::Observer;

/// How often a log is told.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Tells of events that are settled, out of those that are to be sent.
pub(super) struct Progress {
    is_watched: bool,
    is_quiet: bool,
    bar: ProgressBar,
    last_line: Option<Instant>,
}

impl Progress {
    /// Tells in the way that fits standard error.
    pub(super) fn new(talk: &TalkArgs) -> Self {
        Self {
            is_watched: talk.log_format == LogFormat::Human && std::io::stderr().is_terminal(),
            is_quiet: talk.quiet,
            bar: ProgressBar::hidden(),
            last_line: None,
        }
    }
}

impl Observer for Progress {
    fn sending(&mut self, events: u64) {
        let target = match self.is_watched && !self.is_quiet {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        self.bar = ProgressBar::with_draw_target(Some(events), target);
        if let Ok(style) =
            ProgressStyle::with_template("{bar:30} {human_pos} of {human_len} events  {eta}")
        {
            self.bar.set_style(style);
        }
        self.last_line = (!self.is_watched && !self.is_quiet).then(Instant::now);
    }

    fn settled(&mut self) {
        self.bar.inc(1);
        if let Some(last) = &mut self.last_line
            && last.elapsed() >= LINE_EVERY
        {
            *last = Instant::now();
            tracing::info!(
                "{} of {} events done",
                self.bar.position(),
                self.bar.length().unwrap_or_default()
            );
        }
    }

    fn finished(&mut self) {
        self.bar.finish_and_clear();
    }
}
