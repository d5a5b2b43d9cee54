//! How far a run is: a line that moves where a person watches, a line now and then where a log does, nothing when
//! quiet.

use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::talk::{self, Signs};
use crate::cli::{LogFormat, TalkArgs};
use crate::report::Summary;
use crate::run::{Observer, Reading};
use crate::text::{counted, percent, thousands};

/// How often a log is told.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Between two pieces of a line.
const GAP: &str = "  ";

/// A piece of the line.
struct Piece {
    /// How the style names it.
    template: String,
    /// The columns it may take.
    columns: usize,
    /// The greater, the sooner it goes where there is no room for all.
    spare: u8,
}

/// Tells of rows that are checked, then of events that are settled, out of those that are to be sent.
pub(super) struct Progress {
    is_watched: bool,
    is_quiet: bool,
    bar: ProgressBar,
    /// Rows read since the line began; the style reads them too.
    rows: Arc<AtomicU64>,
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
            rows: Arc::default(),
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
        self.bar.set_style(style(template, &self.rows));
    }

    fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
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
    fn reading(&mut self, what_for: Reading, bytes: Option<u64>) {
        self.rows.store(0, Ordering::Relaxed);
        let label = match what_for {
            Reading::Dates => "Looking at dates",
            Reading::Check => "Checking",
        };
        let template = fitting(label, reading_line(bytes.is_some()), talk::width());
        self.begin(bytes, &template);
    }

    fn checked(&mut self, rows: u64, bytes: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        // Draws where there is nothing to count by, too.
        self.bar.inc(bytes);
        self.note(|it| {
            let of_all = it.bar.length().filter(|all| *all > 0);
            let share = of_all.map(|all| it.bar.position() as f64 / all as f64);
            let share = share.map(|share| format!(", {}", percent(share.min(1.0))));
            let rows = counted(it.rows(), "row");
            format!("{rows} checked{}", share.unwrap_or_default())
        });
    }

    fn read(&mut self, summary: &Summary) {
        if let Some(opening) = self.opening {
            self.bar.finish_and_clear();
            opening(summary);
            self.has_opened = true;
        }
    }

    fn sending(&mut self, events: u64) {
        let line = sending_line(events, self.rows());
        self.begin(Some(events), &fitting("Sending", line, talk::width()));
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

/// A run that fails leaves no half line behind.
impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str, rows: &Arc<AtomicU64>) -> ProgressStyle {
    let chars = match Signs::of(&std::io::stderr()) {
        Signs::All => "█▉▊▋▌▍▎▏ ",
        Signs::PlainMarks | Signs::Ascii => "#- ",
    };
    let (read, to_rate) = (Arc::clone(rows), Arc::clone(rows));
    let style = ProgressStyle::with_template(template);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    style
        .progress_chars(chars)
        .with_key("rows", move |_: &ProgressState, out: &mut dyn Write| {
            let _ = out.write_str(&counted(read.load(Ordering::Relaxed), "row"));
        })
        .with_key(
            "row_rate",
            move |state: &ProgressState, out: &mut dyn Write| {
                let rows = to_rate.load(Ordering::Relaxed);
                let _ = out.write_str(&rate(rows, state.elapsed()));
            },
        )
        .with_key("done", |state: &ProgressState, out: &mut dyn Write| {
            let _ = out.write_str(&thousands(state.pos()));
        })
        .with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
            let _ = out.write_str(&rate(state.pos(), state.elapsed()));
        })
        .with_key("left", |state: &ProgressState, out: &mut dyn Write| {
            let (done, all) = (state.pos(), state.len().unwrap_or_default());
            let _ = out.write_str(&left(done, all, state.elapsed()));
        })
}

fn piece(template: impl Into<String>, columns: usize, spare: u8) -> Piece {
    Piece {
        template: template.into(),
        columns,
        spare,
    }
}

/// What a line says of reading: the share and the remaining time only where it is known how much there is.
fn reading_line(has_end: bool) -> Vec<Piece> {
    let rows = "1,234,567 rows".len();
    let rate = "1,234,567/s".len();
    match has_end {
        true => vec![
            piece("{bar:20}", 20, 4),
            piece("{percent:>3} %", 5, 0),
            piece("{rows}", rows, 2),
            piece("{row_rate}", rate, 3),
            piece("{left}", LEFT_COLUMNS, 1),
        ],
        false => vec![piece("{rows}", rows, 0), piece("{row_rate}", rate, 1)],
    }
}

/// What a line says of sending.
fn sending_line(events: u64, rows: u64) -> Vec<Piece> {
    let all = thousands(events);
    let events = counted(events, "event");
    let from = format!("from {}", counted(rows, "row"));
    vec![
        piece("{bar:20}", 20, 5),
        piece("{percent:>3} %", 5, 0),
        piece(
            format!("{{done}} of {events}"),
            all.len() + 4 + events.len(),
            2,
        ),
        piece(from.clone(), from.len(), 4),
        piece("{rate}", "1,234/s".len(), 3),
        piece("{left}", LEFT_COLUMNS, 1),
    ]
}

const LEFT_COLUMNS: usize = "99 min left".len();

/// The line's template, without what a terminal of this width has no room for.
fn fitting(label: &str, mut pieces: Vec<Piece>, width: usize) -> String {
    let columns = |pieces: &[Piece]| {
        let each = pieces.iter().map(|piece| GAP.len() + piece.columns);
        label.len() + each.sum::<usize>()
    };
    while columns(&pieces) >= width
        && let Some(most) = pieces
            .iter()
            .map(|piece| piece.spare)
            .max()
            .filter(|most| *most > 0)
    {
        pieces.retain(|piece| piece.spare < most);
    }
    let templates = pieces.iter().map(|piece| piece.template.as_str());
    let all: Vec<&str> = std::iter::once(label).chain(templates).collect();
    all.join(GAP)
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
    use crate::cli::Color;

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

    #[test]
    fn a_line_leaves_out_what_a_terminal_has_no_room_for() {
        let checking = |width| fitting("Checking", reading_line(true), width);
        assert_eq!(
            checking(80),
            "Checking  {bar:20}  {percent:>3} %  {rows}  {row_rate}  {left}"
        );
        assert_eq!(
            checking(60),
            "Checking  {percent:>3} %  {rows}  {row_rate}  {left}"
        );
        assert_eq!(checking(50), "Checking  {percent:>3} %  {rows}  {left}");
        assert_eq!(checking(40), "Checking  {percent:>3} %  {left}");
        assert_eq!(checking(20), "Checking  {percent:>3} %");
        let stream = fitting("Checking", reading_line(false), 80);
        assert_eq!(stream, "Checking  {rows}  {row_rate}");
        let sending = |width| fitting("Sending", sending_line(24_083, 12_120), width);
        assert_eq!(
            sending(120),
            "Sending  {bar:20}  {percent:>3} %  {done} of 24,083 events  from 12,120 rows  {rate}  {left}"
        );
        assert_eq!(
            sending(80),
            "Sending  {percent:>3} %  {done} of 24,083 events  from 12,120 rows  {rate}  {left}"
        );
        assert_eq!(
            sending(60),
            "Sending  {percent:>3} %  {done} of 24,083 events  {left}"
        );
        assert_eq!(sending(40), "Sending  {percent:>3} %  {left}");
    }

    #[test]
    fn checking_tells_its_share_by_the_bytes_of_the_files() {
        let talk = TalkArgs {
            quiet: true,
            verbose: 0,
            color: Color::Never,
            log_format: LogFormat::Human,
        };
        let mut progress = Progress::new(&talk, None);
        progress.reading(Reading::Check, Some(1_000));
        progress.checked(10, 250);
        progress.checked(10, 250);
        assert_eq!(
            (progress.bar.position(), progress.bar.length()),
            (500, Some(1_000))
        );
        assert_eq!(progress.rows(), 20);
        progress.reading(Reading::Check, None);
        assert_eq!((progress.rows(), progress.bar.length()), (0, None));
    }
}
