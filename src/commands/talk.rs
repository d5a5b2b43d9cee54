//! What goes to standard error: warnings, errors and progress, for people in colour or for programs as JSON lines.
//! Also how standard output is reached, and how wide it is.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use jiff::{Timestamp, Unit};
use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use unicode_width::UnicodeWidthStr;

use crate::cli::{Color, LogFormat, PlainFormat, TalkArgs};
use crate::render::wrap;
use crate::text::{harmless, without_secrets};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// The width of text where nobody says how wide it may be.
const DEFAULT_WIDTH: usize = 80;

/// Fewer columns are no room for what goes on under the last one.
const MIN_ROOM: usize = 20;

/// Settles colour, shape and level of what is said, for the whole run.
pub(super) fn start_talking(args: &TalkArgs) {
    let choice = match args.color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
    let level = match (args.quiet, args.verbose) {
        (true, _) => Level::ERROR,
        (false, 0) => Level::INFO,
        (false, 1) => Level::DEBUG,
        (false, _) => Level::TRACE,
    };
    // A standard error that nobody reads any more is no reason to end, and there is nowhere else to say it.
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .log_internal_errors(false);
    // What libraries say for their own developers may hold a token.
    let ours = || {
        Targets::new()
            .with_target("crm2capi", level)
            .with_default(level.min(Level::WARN))
    };
    // Only a second subscriber in one process can fail here, and there is none.
    let _ = match args.log_format {
        LogFormat::Human => subscriber
            .with_writer(anstream::stderr)
            .event_format(Plain)
            .finish()
            .with(ours())
            .try_init(),
        LogFormat::Json => subscriber
            .with_writer(io::stderr)
            .event_format(JsonLine)
            .finish()
            .with(ours())
            .try_init(),
    };
}

/// Says `error: …` with its causes on one line.
pub(crate) fn print_error(error: &anyhow::Error) {
    tracing::error!("{}", without_secrets(format!("{error:#}")));
}

/// Prints to standard output, in colour where that can be seen.
///
/// # Errors
/// Nobody reads it, or the disk is full.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Standard output for a report: in colour where that can be seen, and a page for people in ASCII where a terminal can show
/// no more, and wrapped between words at its width.
pub(super) fn stdout(format: PlainFormat) -> impl Write {
    let is_page = format == PlainFormat::Human;
    let stream = io::stdout();
    Shown {
        signs: match is_page {
            true => Signs::of(&stream),
            false => Signs::All,
        },
        width: (is_page && stream.is_terminal()).then(width),
        line: Vec::new(),
        out: anstream::stdout().lock(),
    }
}

/// Writes lines as they are, in ASCII, or wrapped.
struct Shown<W: Write> {
    signs: Signs,
    /// How many columns a line may have.
    width: Option<usize>,
    /// What was written of a line that has not ended.
    line: Vec<u8>,
    out: W,
}

impl<W: Write> Shown<W> {
    fn write_line(&mut self) -> io::Result<()> {
        let text = String::from_utf8_lossy(&self.line);
        let text = self.signs.write(&text).into_owned();
        self.line.clear();
        match self.width {
            Some(width) => self.out.write_all(hung(&text, width).as_bytes()),
            None => self.out.write_all(text.as_bytes()),
        }
    }
}

impl<W: Write> Write for Shown<W> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if self.signs == Signs::All && self.width.is_none() {
            return self.out.write(piece);
        }
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.write_line()?;
            }
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.line.is_empty() {
            self.write_line()?;
        }
        self.out.flush()
    }
}

/// What was written last may not end a line.
impl<W: Write> Drop for Shown<W> {
    fn drop(&mut self) {
        // Who wanted to know whether it can be written has flushed.
        let _ = self.flush();
    }
}

/// A line that is too long goes on under its last column, where that leaves it room. Styles take no columns.
fn hung(line: &str, width: usize) -> String {
    let columns = |text: &str| anstream::adapter::strip_str(text).to_string().width();
    let shown = anstream::adapter::strip_str(line).to_string();
    if shown.trim_end().width() <= width {
        return line.to_owned();
    }
    let first = shown.len() - shown.trim_start().len();
    let last_column = shown.trim_end().rfind("  ").map_or(0, |gap| gap + 2);
    let last_column = shown[..last_column.min(shown.len())].width();
    let has_room = last_column > 0 && last_column + MIN_ROOM <= width;
    let indent = if has_room { last_column } else { first + 2 };
    let (mut out, mut used, mut is_broken) = (String::new(), 0, false);
    for word in line.split_inclusive(' ') {
        let needed = columns(word.trim_end());
        if used > indent && used + needed > width {
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            (used, is_broken) = (indent, true);
        }
        // What held columns apart does not begin a line.
        if is_broken && used == indent && needed == 0 {
            continue;
        }
        out.push_str(word);
        used += columns(word);
    }
    out
}

/// The width of standard output in columns.
pub(crate) fn width() -> usize {
    let terminal = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    let given = || {
        std::env::var("COLUMNS")
            .ok()
            .and_then(|text| text.parse().ok())
    };
    terminal
        .or_else(given)
        .filter(|width| *width > 0)
        .unwrap_or(DEFAULT_WIDTH)
}

/// Which signs a stream gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signs {
    /// Any.
    All,
    /// Letters of any script, and bars and marks of ASCII: a file or pipe where the locale is not of UTF-8. What stands in
    /// names must not get lost there.
    PlainMarks,
    /// Those of ASCII: a terminal that its locale or its kind says can show no more.
    Ascii,
}

impl Signs {
    pub(super) fn of(stream: &impl IsTerminal) -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(variable);
        let is_utf_8 = is_utf_8(locale.as_deref());
        match stream.is_terminal() {
            true if is_utf_8 && variable("TERM").as_deref() != Some("dumb") => Self::All,
            true => Self::Ascii,
            false if is_utf_8 => Self::All,
            false => Self::PlainMarks,
        }
    }

    /// The page with a sign of ASCII for each that the stream does not get, so that columns still line up.
    pub(super) fn write(self, page: &str) -> Cow<'_, str> {
        let sign = |sign: char| match plain_mark(sign) {
            Some(plain) => plain,
            None if sign.is_ascii() || self == Self::PlainMarks => sign,
            None => '?',
        };
        match self {
            Self::All => page.into(),
            Self::PlainMarks | Self::Ascii => page.chars().map(sign).collect::<String>().into(),
        }
    }
}

/// Whether a locale is one of UTF-8. Nobody sets it where it does not matter, as in containers.
fn is_utf_8(locale: Option<&str>) -> bool {
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// The sign of ASCII in place of one that pages are drawn with.
fn plain_mark(sign: char) -> Option<char> {
    Some(match sign {
        '█' | '▉' | '▊' | '▋' | '▌' => '#',
        '▍' | '▎' | '▏' => '|',
        '✓' => '+',
        '✗' => 'x',
        '←' => '<',
        '→' => '>',
        '·' | '–' => '-',
        '…' => '~',
        '•' => '*',
        _ => return None,
    })
}

/// `warning: …`, and nothing else on the line.
struct Plain;

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let (style, label) = match *event.metadata().level() {
            Level::ERROR => (ERROR, "error:"),
            Level::WARN => (WARNING, "warning:"),
            _ => (Style::new(), ""),
        };
        let line = format!("{label} {}", message(event));
        let stderr = io::stderr();
        let mut line = Signs::of(&stderr).write(line.trim_start()).into_owned();
        if stderr.is_terminal() {
            line = wrap(&line, width()).join("\n");
        }
        let rest = line.strip_prefix(label).unwrap_or(&line);
        writeln!(writer, "{style}{label}{style:#}{rest}")
    }
}

/// One object a line, for whoever collects logs.
struct JsonLine;

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    level: &'a str,
    message: &'a str,
}

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let now = Timestamp::now();
        let line = Line {
            time: now.round(Unit::Millisecond).unwrap_or(now).to_string(),
            level: match *event.metadata().level() {
                Level::ERROR => "error",
                Level::WARN => "warning",
                Level::INFO => "info",
                Level::DEBUG => "debug",
                Level::TRACE => "trace",
            },
            message: &message(event),
        };
        writeln!(
            writer,
            "{}",
            serde_json::to_string(&line).map_err(|_| fmt::Error)?
        )
    }
}

fn message(event: &Event<'_>) -> String {
    struct Message(String);
    impl Visit for Message {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            if field.name() == "message" {
                self.0 = format!("{value:?}");
            }
        }
    }
    let mut message = Message(String::new());
    event.record(&mut message);
    // Names of files, texts of exports and answers of servers may stand in any message.
    harmless(&message.0).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_without_utf_8_gets_a_sign_of_ascii_for_each() {
        let page = "✓ 3 · ███▍  a ← Größe…";
        assert_eq!(Signs::Ascii.write(page), "+ 3 - ###|  a < Gr??e~");
        assert_eq!(Signs::PlainMarks.write(page), "+ 3 - ###|  a < Größe~");
        assert_eq!(Signs::All.write(page), page);
        let mut shown = Shown {
            signs: Signs::Ascii,
            width: None,
            line: Vec::new(),
            out: Vec::new(),
        };
        let won = "█ won";
        write!(shown, "Größe –{won}").unwrap();
        shown.flush().unwrap();
        assert_eq!(shown.out, b"Gr??e -# won");
        let locales = [
            None,
            Some("de_DE.UTF-8"),
            Some("C.utf8"),
            Some("C"),
            Some("de_DE@euro"),
        ];
        let expected = [true, true, true, false, false];
        assert_eq!(locales.map(is_utf_8), expected);
    }

    #[test]
    fn a_line_too_long_for_its_terminal_goes_on_under_its_last_column() {
        let line = "ok  clock              agrees with the server's, which is good news\n";
        assert_eq!(hung(line, 80), line);
        let expected = [
            "ok  clock              agrees with the",
            "                       server's, which is",
            "                       good news\n",
        ];
        assert_eq!(hung(line, 44), expected.join("\n"));
        let narrow = [
            "ok  clock              agrees",
            "  with the server's, which is",
            "  good news\n",
        ];
        assert_eq!(hung(line, 30), narrow.join("\n"));
        let columns = "  lead_id      Meta Lead ID      certain  100 %  ####";
        let expected = "  lead_id      Meta\n    Lead ID\n    certain  100 %\n    ####";
        assert_eq!(hung(columns, 23), expected);
        let styled = format!("{ERROR}NO{ERROR:#}  one  two three\n");
        assert_eq!(hung(&styled, 19), styled, "styles take no columns");
        assert_eq!(
            hung("averylongwordwithoutspaces\n", 10),
            "averylongwordwithoutspaces\n"
        );
    }
}
