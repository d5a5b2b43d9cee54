//! How far an upload is: a bar where a person watches, a line now and then where a log does, nothing when quiet.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::{LogFormat, TalkArgs};

/// How often a log is told.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Tells of events that are settled, out of those that are to be sent.
pub(super) struct Progress {
    bar: ProgressBar,
    last_line: Option<Instant>,
}

impl Progress {
    /// Starts to tell. `total` is a guess where the input cannot be counted beforehand.
    pub(super) fn start(total: u64, talk: &TalkArgs) -> Self {
        let quiet = talk.quiet;
        let is_watched = talk.log_format == LogFormat::Human && std::io::stderr().is_terminal();
        let target = if is_watched && !quiet {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        if let Ok(style) =
            ProgressStyle::with_template("{bar:30} {human_pos} of {human_len} events  {eta}")
        {
            bar.set_style(style);
        }
        Self {
            bar,
            last_line: (!is_watched && !quiet).then(Instant::now),
        }
    }

    /// One more event is settled.
    pub(super) fn settled(&mut self) {
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

    /// Takes the bar away.
    pub(super) fn finish(self) {
        self.bar.finish_and_clear();
    }
}
