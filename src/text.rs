//! Numbers, plurals and lists as people write them, for every report meant to be read.

use std::borrow::Cow;

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

/// Text of a file or an answer made harmless for a terminal and for one line: control characters, which could move the
/// cursor, and marks that turn the direction of writing are replaced.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let harms =
        |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if text.contains(harms) {
        Cow::Owned(text.replace(harms, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// What stands for a value that may be a secret.
pub(crate) const HIDDEN: &str = "(hidden, as it looks like a token)";

/// Whether a value may be a token that went to the wrong place.
pub(crate) fn is_like_a_token(text: &str) -> bool {
    text.contains("EAA") || text.len() > 40
}

/// A path that was typed, hidden where a token may have been typed instead.
pub(crate) fn path_unless_secret(path: &std::path::Path) -> String {
    let text = path.to_string_lossy();
    let is_like_a_path = text.contains(['/', '\\', '.']) || text.len() <= 40;
    match is_like_a_path && !text.starts_with("EAA") {
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
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\nc"), "a\u{fffd}[2Jb\u{fffd}c");
        assert_eq!(harmless("Größe 정"), "Größe 정");
    }
}
