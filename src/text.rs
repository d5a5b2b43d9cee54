//! Numbers, plurals and lists as people write them, for every report meant to be read.

use std::borrow::Cow;
use std::io::{self, Write};

use memchr::memmem;

/// `1,204`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `1,204 rows`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    format!("{} {}", thousands(number), plural(number, noun))
}

/// `row` or `rows`; `batch` or `batches`; `retry` or `retries`.
pub(crate) fn plural(number: u64, noun: &str) -> String {
    if number == 1 {
        noun.to_owned()
    } else if noun.ends_with("ch") {
        format!("{noun}es")
    } else if let Some(stem) = noun.strip_suffix("ry") {
        format!("{stem}ries")
    } else {
        format!("{noun}s")
    }
}

/// A share as `40 %`; one decimal under ten and where rounding would claim all or nothing.
pub(crate) fn percent(share: f64) -> String {
    let hundredths = share * 100.0;
    if hundredths <= 0.0 {
        "0 %".to_owned()
    } else if hundredths < 0.1 {
        "<0.1 %".to_owned()
    } else if (99.5..100.0).contains(&hundredths) {
        format!("{:.1} %", hundredths.min(99.9))
    } else if hundredths < 9.95 && (hundredths - hundredths.round()).abs() >= 0.05 {
        format!("{hundredths:.1} %")
    } else {
        format!("{hundredths:.0} %")
    }
}

/// The name that was probably meant by a misspelt one.
pub(crate) fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(word, name), name));
    let (score, name) = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (score > 0.7).then_some(name)
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(items: &[impl AsRef<str>]) -> String {
    match items {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [all_but_last @ .., last] => {
            let first: Vec<_> = all_but_last.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}

/// A name out of a file, harmless and between quotation marks.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", harmless(name))
}

/// How people call an input.
pub(crate) fn source(path: &str) -> String {
    if path == "-" {
        "standard input".to_owned()
    } else {
        harmless(path).into_owned()
    }
}

/// Text of a file, its name or an answer made harmless for a person's stream and for one line: what moves the cursor or
/// turns the direction of writing is shown as an escape, and what the logs of CI services take for a command is broken by
/// a blank: `::name` at the beginning of a line, `##[name]`, `##vso[…]` and `##teamcity[…]` anywhere. What is written as
/// Meta writes its access tokens is hidden, wherever it came from. Doing it again changes nothing.
///
/// GitHub's reader of commands is `ActionCommand.cs` of <https://github.com/actions/runner>.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let marks = ["::", "##", TOKEN_BEGINS];
    if !text.contains(is_harmful) && !marks.iter().any(|mark| text.contains(mark)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let token = length_of_token(rest);
        match c {
            'E' if token > 0 => shown.push_str(HIDDEN),
            _ if is_harmful(c) => shown.extend(c.escape_default()),
            ':' | '#' if begins_command(rest) => shown.extend([c, ' ']),
            _ => shown.push(c),
        }
        rest = &rest[token.max(c.len_utf8())..];
    }
    Cow::Owned(shown)
}

/// How Meta's access tokens begin; they have a hundred letters and digits and more.
const TOKEN_BEGINS: &str = "EAA";

/// So many letters of a token are enough to be hidden: one that was cut in typing says most of itself.
const SHORTEST_TOKEN: usize = 20;

/// The bytes of an access token that the text begins with, 0 when it begins with none.
fn length_of_token(text: &str) -> usize {
    if !text.starts_with(TOKEN_BEGINS) {
        return 0;
    }
    let letters = text.bytes().take_while(u8::is_ascii_alphanumeric).count();
    if letters < SHORTEST_TOKEN { 0 } else { letters }
}

fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a log may take what follows for a command. Any line of text may be broken before it.
fn begins_command(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix("::") {
        return rest.starts_with(|c: char| c.is_ascii_alphabetic());
    }
    let rest = text.strip_prefix("##").unwrap_or_default();
    rest.trim_start_matches(|c: char| c.is_ascii_alphabetic())
        .starts_with('[')
}

/// Makes every line harmless that is written through it.
pub(crate) struct HarmlessLines<W: Write> {
    out: W,
    line: Vec<u8>,
}

impl<W: Write> HarmlessLines<W> {
    pub(crate) fn new(out: W) -> Self {
        Self {
            out,
            line: Vec::new(),
        }
    }

    fn write_line(&mut self) -> io::Result<()> {
        let line = String::from_utf8_lossy(&self.line);
        self.out.write_all(harmless(&line).as_bytes())?;
        self.line.clear();
        Ok(())
    }
}

impl<W: Write> Write for HarmlessLines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            match piece.strip_suffix(b"\n") {
                None => self.line.extend_from_slice(piece),
                Some(line) => {
                    self.line.extend_from_slice(line);
                    self.write_line()?;
                    self.out.write_all(b"\n")?;
                }
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_line()?;
        self.out.flush()
    }
}

/// Whether something is written in the text as Meta writes its access tokens.
pub(crate) fn holds_a_token(text: &str) -> bool {
    text.len() >= SHORTEST_TOKEN
        && memmem::find_iter(text.as_bytes(), TOKEN_BEGINS)
            .any(|at| length_of_token(&text[at..]) > 0)
}

/// What stands for a value that may be a person's.
const WITHHELD: &str = "(withheld)";

/// Somebody else's text without what may be a person's value: words that hold an email address, a telephone number, an id
/// or a hash. What others say about what they were sent may repeat it.
pub(crate) fn without_persons(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut shown: Vec<&str> = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() {
        let number = length_of_number(&words[at..]);
        if number > 0 || is_like_a_value(words[at]) {
            if shown.last() != Some(&WITHHELD) {
                shown.push(WITHHELD);
            }
        } else {
            shown.push(words[at]);
        }
        at += number.max(1);
    }
    shown.join(" ")
}

/// Fewer digits are no telephone number.
const SHORTEST_NUMBER: usize = 7;

/// So many of the words are one number: digits in groups, as people write telephone numbers.
fn length_of_number(words: &[&str]) -> usize {
    let is_group = |word: &&&str| {
        word.chars()
            .all(|c| c.is_numeric() || "+-()./,;:".contains(c))
            && word.chars().any(char::is_numeric)
    };
    let groups: Vec<_> = words.iter().take_while(is_group).collect();
    let digits = groups.iter().map(|group| digits(group)).sum::<usize>();
    if digits < SHORTEST_NUMBER {
        0
    } else {
        groups.len()
    }
}

fn digits(text: &str) -> usize {
    text.chars().filter(|c| c.is_numeric()).count()
}

fn is_like_a_value(word: &str) -> bool {
    /// Shorter runs of letters and digits are words; longer ones hashes, click ids and cookies.
    const LONGEST_WORD: usize = 31;
    let mut runs = word.split(|c: char| !c.is_alphanumeric());
    word.contains('@')
        || word.contains("%40")
        || digits(word) >= SHORTEST_NUMBER
        || runs.any(|run| run.len() > LONGEST_WORD)
        || word
            .trim_matches(|c: char| !c.is_ascii_hexdigit() && c != ':')
            .parse::<std::net::IpAddr>()
            .is_ok()
}

/// What stands for a value that may be a secret.
pub(crate) const HIDDEN: &str = "(hidden, as it looks like a token)";

/// Variables of the environment that hold secrets.
pub(crate) const SECRETS: [&str; 6] = [
    "CRM2CAPI_ACCESS_TOKEN",
    "CRM2CAPI_APP_SECRET",
    "CRM2CAPI_READ_TOKEN",
    "CRM2CAPI_LEADS_TOKEN",
    "CRM2CAPI_SERVE_TOKEN",
    "CRM2CAPI_NOTIFY_URL",
];

/// The text without the secrets of the environment, whatever they look like. A word of fewer than eight letters is none.
pub(crate) fn without_secrets(text: String) -> String {
    let secrets = SECRETS
        .into_iter()
        .filter_map(|name| std::env::var(name).ok());
    let long = secrets.filter(|secret| secret.len() >= 8);
    long.fold(text, |text, secret| text.replace(&secret, HIDDEN))
}

/// Whether a value is a token for certain: one of the environment, or written as Meta writes them.
pub(crate) fn is_a_token(text: &str) -> bool {
    let is_of_environment = |name| std::env::var(name).is_ok_and(|secret| secret == text);
    !text.is_empty() && (holds_a_token(text) || SECRETS.into_iter().any(is_of_environment))
}

/// Whether a value may be a token that went to the wrong place.
pub(crate) fn is_like_a_token(text: &str) -> bool {
    text.contains(TOKEN_BEGINS) || text.len() > 40 || is_a_token(text)
}

/// A path that was typed, hidden where a token may have been typed instead.
pub(crate) fn path_unless_secret(path: &std::path::Path) -> String {
    let text = path.to_string_lossy();
    let is_like_a_path = text.contains(['/', '\\', '.']) || text.len() <= 40;
    match is_like_a_path && !text.starts_with(TOKEN_BEGINS) && !is_a_token(&text) {
        true => harmless(&text).into_owned(),
        false => HIDDEN.to_owned(),
    }
}

/// What was typed, between quotation marks; hidden where it may be a token.
pub(crate) fn unless_secret(text: &str) -> String {
    match is_like_a_token(text) {
        true => HIDDEN.to_owned(),
        false => quoted(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_nouns_agree_with_them() {
        let table = [
            (0, "0 rows"),
            (1, "1 row"),
            (999, "999 rows"),
            (1_000, "1,000 rows"),
            (1_234_567, "1,234,567 rows"),
        ];
        for (number, text) in table {
            assert_eq!(counted(number, "row"), text);
        }
        assert_eq!(counted(2, "batch"), "2 batches");
        assert_eq!(counted(2, "retry"), "2 retries");
        assert_eq!(counted(2, "day"), "2 days");
    }

    #[test]
    fn a_share_is_never_rounded_to_all_or_nothing() {
        let table = [
            (0.0, "0 %"),
            (0.000_01, "<0.1 %"),
            (0.004, "0.4 %"),
            (0.01, "1 %"),
            (0.083, "8.3 %"),
            (0.4, "40 %"),
            (0.916, "92 %"),
            (0.9996, "99.9 %"),
            (1.0, "100 %"),
        ];
        for (share, text) in table {
            assert_eq!(percent(share), text);
        }
    }

    #[test]
    fn lists_end_in_and() {
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }

    #[test]
    fn nothing_reaches_a_terminal_or_a_log_as_a_command() {
        for (text, shown) in [
            ("a\u{1b}[2Jb\nc\r\t", "a\\u{1b}[2Jb\\nc\\r\\t"),
            (
                "a\u{202e}b\u{200f}c\u{61c}d\u{9b}",
                "a\\u{202e}b\\u{200f}c\\u{61c}d\\u{9b}",
            ),
            ("Won\u{200b}\u{feff}", "Won\\u{200b}\\u{feff}"),
            ("::error::EV1", ": :error: :EV1"),
            ("  ::add-mask::x", "  : :add-mask: :x"),
            (":::stop-commands::", ":: :stop-commands::"),
            ("##[error]x", "# #[error]x"),
            ("###vso[task.setvariable]", "## #vso[task.setvariable]"),
            ("##teamcity[x", "# #teamcity[x"),
            (
                "no file EAAGm0PX4ZCpsBAKZCZBbZAZCx, sir",
                "no file (hidden, as it looks like a token), sir",
            ),
        ] {
            assert_eq!(harmless(text), shown);
            assert_eq!(harmless(shown), shown);
        }
        for text in [
            "Größe 정",
            "http://[::1]:8023",
            "########",
            "## Won",
            "a: b :: c",
            "C#",
            "EAA 2026",
        ] {
            assert_eq!(harmless(text), text);
        }
    }

    #[test]
    fn what_others_say_repeats_no_value_of_a_person() {
        for (said, shown) in [
            ("Invalid Lead ID", "Invalid Lead ID"),
            (
                "The lead id 1234567890123456 was deleted",
                "The lead id (withheld) was deleted",
            ),
            (
                "Bad em: ava.lane@example.com, sorry",
                "Bad em: (withheld) sorry",
            ),
            ("ph +49 (151) 234 567-89 is odd", "ph (withheld) is odd"),
            ("'2125550101' '2125550102'", "(withheld)"),
            ("fbc fb.1.1554763741205.IwAR0x", "fbc (withheld)"),
            (
                "ip 203.0.113.7 and [2001:db8::1]",
                "ip (withheld) and (withheld)",
            ),
            (
                "hash 973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b",
                "hash (withheld)",
            ),
            (
                "3 of 500 events lack a currency (v25.0)",
                "3 of 500 events lack a currency (v25.0)",
            ),
        ] {
            assert_eq!(without_persons(said), shown);
            assert_eq!(without_persons(shown), shown);
        }
    }

    #[test]
    fn lines_are_made_harmless_one_by_one_however_they_are_written() {
        let mut lines = HarmlessLines::new(Vec::new());
        for piece in ["a:", ":error::\u{1b}", "b\n  ", "::x\n\nend "] {
            lines.write_all(piece.as_bytes()).unwrap();
        }
        lines.flush().unwrap();
        let shown = String::from_utf8(lines.out).unwrap();
        assert_eq!(shown, "a: :error::\\u{1b}b\n  : :x\n\nend ");
    }
}
