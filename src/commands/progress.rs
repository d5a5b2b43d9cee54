//! How far an upload is: a line that moves where a person watches, a line now and then where a log does, nothing when
//! quiet.

use std::fmt::Write;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::talk;
use crate::cli::{LogFormat, TalkArgs};
use crate::report::Summary;
use crate::run::Observer;
use crate::text::{counted, thousands};

/// How often a log is told.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Fewer columns have no room for a bar.
const ROOM_FOR_BAR: usize = 80;

/// Tells of rows that are checked, then of events that are settled, out of those that are to be sent.
pub(super) struct Progress {
    is_watched: bool,
    is_quiet: bool,
    bar: ProgressBar,
    rows: u64,
    last_line: Option<Instant>,
    /// Shows what was read, where the page for people is wanted.
    opening: Option<fn(&Summary)>,
    /// Whether it did.
    pub(super) has_opened: bool,
}

impl Progress {
    /// Tells in the way that fits standard error.
    pub(super) fn new(talk: &TalkArgs, opening: Option<fn(&Summary)>) -> Self {
        let is_watched = talk.log_format == LogFormat::Human && std::io::stderr().is_terminal();
        Self {
            is_watched,
            is_quiet: talk.quiet,
            bar: ProgressBar::hidden(),
            rows: 0,
            last_line: (!is_watched && !talk.quiet).then(Instant::now),
            opening: opening.filter(|_| !talk.quiet),
            has_opened: false,
        }
    }

    /// A new line in place of the one before.
    fn begin(&mut self, length: Option<u64>, template: &str) {
        self.bar.finish_and_clear();
        let target = match self.is_watched && !self.is_quiet {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        self.bar = ProgressBar::with_draw_target(length, target);
        let chars = match talk::can_show_unicode(&std::io::stderr()) {
            true => "█▉▊▋▌▍▎▏ ",
            false => "#- ",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            let style = style
                .progress_chars(chars)
                .with_key("done", |state: &ProgressState, out: &mut dyn Write| {
                    let _ = out.write_str(&thousands(state.pos()));
                })
                .with_key("all", |state: &ProgressState, out: &mut dyn Write| {
                    let _ = out.write_str(&counted(state.len().unwrap_or_default(), "event"));
                })
                .with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
                    let _ = out.write_str(&rate(state.pos(), state.elapsed()));
                })
                .with_key("left", |state: &ProgressState, out: &mut dyn Write| {
                    let (done, all) = (state.pos(), state.len().unwrap_or_default());
                    let _ = out.write_str(&left(done, all, state.elapsed()));
                });
            self.bar.set_style(style);
        }
    }

    /// Says it in a log, where that was long ago.
    fn note(&mut self, words: impl FnOnce(&Self) -> String) {
        if self
            .last_line
            .is_some_and(|last| last.elapsed() >= LINE_EVERY)
        {
            self.last_line = Some(Instant::now());
            tracing::info!("{}", words(self));
        }
    }
}

impl Observer for Progress {
    fn checked(&mut self, rows: u64) {
        if self.rows == 0 {
            self.begin(None, "Checking  {done} rows  {rate}");
        }
        self.rows += rows;
        self.bar.inc(rows);
        self.note(|it| format!("{} checked", counted(it.rows, "row")));
    }

    fn read(&mut self, summary: &Summary) {
        if let Some(opening) = self.opening {
            self.bar.finish_and_clear();
            opening(summary);
            self.has_opened = true;
        }
    }

    fn sending(&mut self, events: u64) {
        let bar = match talk::width() >= ROOM_FOR_BAR {
            true => "{bar:20}  ",
            false => "",
        };
        let rows = counted(self.rows, "row");
        let template = format!(
            "Sending  {bar}{{percent}} %  {{done}} of {{all}} from {rows}  {{rate}}  {{left}}"
        );
        self.begin(Some(events), &template);
    }

    fn settled(&mut self) {
        self.bar.inc(1);
        self.note(|it| {
            let all = it.bar.length().unwrap_or_default();
            format!("{} of {} events done", it.bar.position(), all)
        });
    }

    fn finished(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// `1,204/s`, from the start on, which settles sooner than what the last moments were like.
fn rate(done: u64, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    match seconds < 0.1 {
        true => String::new(),
        false => format!("{}/s", thousands((done as f64 / seconds).round() as u64)),
    }
}

/// `40 s left`, `3 min left`; nothing as long as nobody can know.
fn left(done: u64, all: u64, elapsed: Duration) -> String {
    if done == 0 || done >= all || elapsed < Duration::from_millis(500) {
        return String::new();
    }
    let seconds = elapsed.as_secs_f64() / done as f64 * (all - done) as f64;
    match seconds {
        ..100.0 => format!("{:.0} s left", seconds.ceil()),
        ..6_000.0 => format!("{:.0} min left", (seconds / 60.0).ceil()),
        _ => format!("{:.0} h left", (seconds / 3_600.0).ceil()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remaining_time_is_known_within_two_seconds() {
        let after = |done, millis| left(done, 1_000, Duration::from_millis(millis));
        assert_eq!(after(0, 5_000), "");
        assert_eq!(after(10, 100), "");
        assert_eq!(after(20, 1_000), "49 s left");
        assert_eq!(after(40, 2_000), "48 s left");
        assert_eq!(after(1, 2_000), "34 min left");
        assert_eq!(after(1, 20_000), "6 h left");
        assert_eq!(after(1_000, 20_000), "");
    }

    #[test]
    fn a_rate_is_of_a_second() {
        assert_eq!(rate(5, Duration::ZERO), "");
        assert_eq!(rate(2_408, Duration::from_secs(2)), "1,204/s");
    }
}
