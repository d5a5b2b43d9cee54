//! The text of a cell, whatever it is mapped to: what says nothing, trimming, dropping what cannot be seen, folding
//! look-alikes.
//!
//! Exports carry no-break spaces, zero-width and direction marks, full-width digits and cells that only say that
//! there is nothing. Whatever is plain ASCII passes through untouched and uncopied.

use std::borrow::Cow;

use memchr::memchr2;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Cells that say "nothing", in any case, without surrounding white space. Dashes and the like need no entry.
const NOTHINGS: [&str; 28] = [
    // To be confirmed, to be decided: what stands where a date will.
    "tbc",
    "tbd",
    "null",
    "(null)",
    "[null]",
    "<null>",
    "none",
    "(none)",
    "n/a",
    "n.a.",
    "n.a",
    "n/d",
    "n.d.",
    "undefined",
    "(blank)",
    "(empty)",
    "(not set)",
    "not set",
    "\\n",
    "#n/a",
    "#n/d",
    "#nv",
    "#null!",
    "#ref!",
    "#value!",
    "#name?",
    "#div/0!",
    "#num!",
];

/// Bytes of the longest of them and of those below that begin with an ASCII letter: `não fechado`.
const LONGEST_NOTHING: usize = 12;

/// What CRMs write for the closing date of what is still open.
const NOT_CLOSED: [&str; 6] = [
    "não fechado",
    "nao fechado",
    "not closed",
    "no cerrado",
    "не закрыта",
    "не закрыт",
];

/// Whether a character is white space or cannot be seen: controls, zero-width and direction marks, fillers.
pub(crate) fn is_blank(c: char) -> bool {
    if c.is_ascii() {
        return c <= ' ' || c == '\x7f';
    }
    !is_common_letter(c) && (c.is_whitespace() || is_invisible(c))
}

/// Whether a character is a letter, is one of those most names are written in, and is put together with no other: what
/// Unicode's tables say of these need not be looked up. The other letters are asked for there.
pub(crate) fn is_common_letter(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z'
        // Latin with accents, Cyrillic, Arabic, Devanagari, Thai.
        | 'À'..='Ö' | 'Ø'..='ö' | 'ø'..='ʯ' | 'Ѐ'..='ҁ' | 'ؠ'..='ي' | 'ऄ'..='ह' | 'ก'..='ะ'
        // Vietnamese, Japanese, Chinese, Korean.
        | 'Ḁ'..='ẕ' | 'Ạ'..='ỹ' | 'ぁ'..='ゖ' | 'ァ'..='ヺ' | '一'..='鿿' | '가'..='힣')
}

/// Controls and format characters without width. They come along when text is copied from phones and web pages.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text without surrounding white space of any script, and without invisible characters around it.
pub(crate) fn trim(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim_matches(is_blank),
    }
}

/// Whether a cell says that there is no value: empty, `null`, `N/A`, `-`, `0000-00-00 00:00:00`, a spreadsheet's
/// error, Meta's `<test lead: dummy data for …>` and the like. `########` says it too, and [`is_lost`] besides.
///
/// `NA` is a value: it is Namibia, and a surname.
pub(crate) fn is_nothing(text: &str) -> bool {
    let text = trim(text);
    let Some(first) = text.bytes().next() else {
        return true;
    };
    match first {
        b'0' => is_zero_date(text),
        b'N' | b'n' | b'U' | b'u' | b'T' | b't' | b'(' | b'[' | b'\\' => says_nothing(text),
        b'#' | b'<' => says_nothing(text) || is_dummy(text) || is_filler(text),
        b'a'..=b'z' | b'A'..=b'Z' | b'1'..=b'9' | b'+' => false,
        _ => is_filler(text) || NOT_CLOSED.contains(&text),
    }
}

/// Whether a spreadsheet lost the value because its column was too narrow when the file was saved: `########`.
pub(crate) fn is_lost(text: &str) -> bool {
    // This is asked of nearly all cells, and their first byte answers it.
    if text
        .bytes()
        .next()
        .is_none_or(|first| first.is_ascii_graphic() && first != b'#')
    {
        return false;
    }
    let text = trim(text);
    text.len() > 1 && text.bytes().all(|byte| byte == b'#')
}

fn says_nothing(text: &str) -> bool {
    text.len() <= LONGEST_NOTHING
        && (NOTHINGS.iter().any(|nothing| text.eq_ignore_ascii_case(nothing))
            || matches!(text, "nan" | "NaN" | "NAN" | "NaT" | "nil") // Nan, Nat and Nil are names
            || text.starts_with(['n', 'N']) && text.contains(' ') && NOT_CLOSED.contains(&text.to_lowercase().as_str()))
}

/// Whether a cell holds what Meta's own test leads hold in place of values: `<test lead: dummy data for …>`.
pub(crate) fn is_dummy(text: &str) -> bool {
    text.starts_with("<test lead:") && text.ends_with('>')
}

/// Nothing but dashes, hashes (a column that was too narrow), dots or question marks.
fn is_filler(text: &str) -> bool {
    text.chars().all(|c| {
        matches!(
            c,
            '-' | '–' | '—' | '−' | '_' | '.' | '?' | '#' | '*' | '/' | '\\' | '~'
        ) || is_blank(c)
    })
}

/// A date of zeros with or without a time of zeros, as databases write for "no date".
fn is_zero_date(text: &str) -> bool {
    const DATES: [&str; 6] = [
        "0000-00-00",
        "0000/00/00",
        "0000.00.00",
        "00-00-0000",
        "00/00/0000",
        "00.00.0000",
    ];
    text.get(..10).is_some_and(|date| DATES.contains(&date))
        && text[10..]
            .chars()
            .all(|c| matches!(c, '0' | ':' | '.' | ' ' | 'T' | 'Z' | '+'))
}

/// The value of a decimal digit of any script that phones, dates and codes are typed in.
fn digit(c: char) -> Option<char> {
    /// The zero of each block of ten.
    const ZEROS: [u32; 12] = [
        0x660, 0x6f0, 0x966, 0x9e6, 0xa66, 0xae6, 0xbe6, 0xc66, 0xce6, 0xe50, 0x1040, 0xff10,
    ];
    let code = c as u32;
    let zero = ZEROS
        .iter()
        .find(|&&zero| (zero..zero + 10).contains(&code))?;
    char::from_digit(code - zero, 10)
}

/// The text as a keyboard of ASCII would have typed it, as far as that is certain: trimmed, invisible characters
/// dropped, every white space a blank, full-width forms and digits of other scripts folded, dashes and quotes made
/// plain, letters composed (NFC). For everything but names and places.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let text = trim(text);
    // Composed letters of Latin are as they should be, too.
    if all(text, |byte| (b' '..0x7f).contains(&byte))
        || text.chars().all(|c| matches!(c, ' '..='~' | 'À'..='ɏ'))
    {
        return Cow::Borrowed(text);
    }
    let folded = text.nfc().filter_map(|c| match c {
        '\t' | '\n' | '\r' => Some(' '),
        _ if c.is_ascii_graphic() => Some(c),
        _ if is_invisible(c) => None,
        _ if c.is_whitespace() => Some(' '),
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xff01 + 0x21),
        '‐'..='―' | '−' | '﹣' => Some('-'),
        '‘' | '’' | '‛' | '′' => Some('\''),
        '“' | '”' | '„' | '‟' => Some('"'),
        _ => Some(digit(c).unwrap_or(c)),
    });
    // Dropping a mark may bring a letter and its accent together, and leave white space at an end.
    let composed: String = folded.nfc().collect();
    match trim(&composed) {
        trimmed if trimmed.len() == composed.len() => Cow::Owned(composed),
        trimmed => Cow::Owned(trimmed.to_owned()),
    }
}

/// Without what is put around values to keep them as they are: quotation marks, the apostrophe or `="…"` by which
/// spreadsheets keep a number from being one, and the marker of Meta's lead download (the `l` of `l:`, `p:`, `z:`).
pub(crate) fn bare(text: &str, marker: Option<u8>) -> &str {
    if let [first, second, .., last] = *text.as_bytes()
        && first.is_ascii_alphanumeric()
        && second != b':'
        && last.is_ascii_alphanumeric()
    {
        return text;
    }
    let mut bare = text;
    loop {
        bare = bare.trim_matches(|c| is_blank(c) || matches!(c, '"' | '\'' | '`'));
        bare = match bare.as_bytes() {
            [b'=', b'"', ..] => &bare[1..],
            [letter, b':', ..] if marker == Some(letter.to_ascii_lowercase()) => &bare[2..],
            _ => return bare,
        }
    }
}

/// Whether a spreadsheet has written the number in scientific notation, as in `1.65025E+10` or `1,23457E+15`.
pub(crate) fn is_scientific(text: &str) -> bool {
    let Some(e) = memchr2(b'e', b'E', text.as_bytes()) else {
        return false;
    };
    let (mantissa, exponent) = (&text[..e], &text[e + 1..]);
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let mantissa = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
    exponent.len() <= 3
        && digits(exponent)
        && match mantissa.split_once(['.', ',']) {
            Some((whole, fraction)) => digits(whole) && digits(fraction),
            None => mantissa.len() == 1 && digits(mantissa),
        }
}

/// Whether all bytes are of a kind. It does not stop at the first that is not, so that compilers can use vector
/// instructions.
pub(crate) fn all(text: &str, is_of_the_kind: impl Fn(u8) -> bool) -> bool {
    text.bytes()
        .fold(true, |all, byte| all & is_of_the_kind(byte))
}

/// Appends the text in lower case and composed form.
pub(crate) fn push_all_lowercase(text: &str, out: &mut String) {
    if !text.is_ascii() {
        return push_lowercase(text, out, |_| true);
    }
    let start = out.len();
    out.push_str(text);
    out[start..].make_ascii_lowercase();
}

/// Appends the text in lower case and composed form, keeping only the characters wanted.
///
/// Composition comes first because it can yield ASCII punctuation, and last because dropping a character can bring
/// a letter and its accent together: doing it again changes nothing.
pub(crate) fn push_lowercase(text: &str, out: &mut String, keep: impl Fn(char) -> bool) {
    if text.is_ascii() {
        let start = out.len();
        match all(text, |byte| keep(byte.into())) {
            true => out.push_str(text),
            false => out.extend(text.chars().filter(|&c| keep(c))),
        }
        out[start..].make_ascii_lowercase();
        return;
    }
    if text.chars().all(stands_alone) {
        out.reserve(text.len());
        for c in text.chars() {
            lowercase(c, |c| {
                if keep(c) {
                    out.push(c);
                }
            });
        }
        return;
    }
    let lower = match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => text.to_lowercase(),
        _ => text.nfc().collect::<String>().to_lowercase(),
    };
    out.extend(lower.chars().filter(|&c| keep(c)).nfc());
}

/// Whether a character is composed, and neither it nor its lower case is put together with what may stand beside it.
fn stands_alone(c: char) -> bool {
    c != 'İ' && (c < '\u{300}' || is_common_letter(c))
}

/// Gives the characters of the lower case.
fn lowercase(c: char, mut push: impl FnMut(char)) {
    match c {
        _ if c.is_ascii() => push(c.to_ascii_lowercase()),
        // Scripts without case, and the small letters of the commonest that has it.
        'ؠ'..='ي' | 'ऄ'..='ะ' | 'ぁ'..='鿿' | '가'..='힣' | 'à'..='ö' | 'ø'..='ÿ' => {
            push(c)
        }
        _ => c.to_lowercase().for_each(push),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_normalization::char::canonical_combining_class;

    /// Every character there is, against the tables of Unicode.
    #[test]
    fn what_is_known_without_the_tables_is_what_they_say() {
        let mut common = 0;
        for c in '\0'..=char::MAX {
            let looked_up: String = c.to_lowercase().collect();
            let mut known = String::new();
            lowercase(c, |c| known.push(c));
            assert_eq!(known, looked_up, "{c:?}");
            if is_common_letter(c) {
                common += 1;
                assert!(
                    c.is_alphabetic() && !c.is_whitespace() && !is_invisible(c),
                    "{c:?}"
                );
            }
            if stands_alone(c) {
                for c in looked_up.chars().chain([c]) {
                    let is_composed = is_nfc_quick([c].into_iter()) == IsNormalized::Yes;
                    assert!(is_composed && canonical_combining_class(c) == 0, "{c:?}");
                    // Nothing that stands behind it in such a text changes it, and nothing it stands behind.
                    assert_eq!(format!("a{c}a").nfc().collect::<String>(), format!("a{c}a"));
                }
            }
        }
        assert!(common > 30_000, "{common}");
    }

    #[test]
    fn cells_that_say_nothing_are_nothing() {
        for text in [
            "",
            " ",
            "\u{a0}",
            "\u{200b}",
            "null",
            "NULL",
            "N/A",
            "n/a",
            " n.a. ",
            "-",
            "--",
            "—",
            "none",
            "None",
            "########",
            "0000-00-00 00:00:00",
            "0000-00-00",
            "0000-00-00T00:00:00.000Z",
            "00/00/0000",
            "#N/A",
            "#REF!",
            "não fechado",
            "Não fechado",
            "(not set)",
            "undefined",
            "NaN",
            "?",
            "...",
            "\\N",
            "<test lead: dummy data for email>",
        ] {
            assert!(is_nothing(text), "{text:?}");
        }
        for text in [
            "0",
            "00",
            "NA",
            "na",
            "Na",
            "Nan",
            "Nulls",
            "no",
            "Nina",
            "Uwe",
            "#1",
            "02134",
            "0.00",
            "0000",
            "- 5",
            "(212)",
            "+",
            "0000-00-00 10:00",
            "<b>",
        ] {
            assert!(!is_nothing(text), "{text:?}");
        }
    }

    #[test]
    fn what_a_narrow_column_hid_is_lost() {
        for text in ["########", "##", " ####\u{a0}"] {
            assert!(is_lost(text), "{text:?}");
        }
        for text in ["#", "", "#1", "#REF!", "##a"] {
            assert!(!is_lost(text), "{text:?}");
        }
    }

    #[test]
    fn plain_text_has_neither_marks_nor_look_alikes() {
        for (text, expected) in [
            (" a b ", "a b"),
            ("\u{feff}\u{200e}+1\u{a0}650\u{202c}", "+1 650"),
            ("１２３－４５６", "123-456"),
            ("٠١٢۳", "0123"),
            ("a\u{200b}\u{301}", "á"),
            ("ｊｏｈｎ＠example．com", "john@example.com"),
            ("‘12’", "'12'"),
            ("a\tb", "a b"),
        ] {
            assert_eq!(plain(text), expected, "{text:?}");
        }
    }

    #[test]
    fn quotes_and_markers_come_off() {
        for (text, marker, expected) in [
            ("=\"0123\"", None, "0123"),
            ("'0123", None, "0123"),
            ("l: 12", Some(b'l'), "12"),
            ("L:12", Some(b'l'), "12"),
            ("'l:'12' ", Some(b'l'), "12"),
            ("p:12", Some(b'l'), "p:12"),
            ("l:12", None, "l:12"),
            ("l:", Some(b'l'), ""),
        ] {
            assert_eq!(bare(text, marker), expected, "{text}");
        }
    }

    #[test]
    fn scientific_notation_is_told_from_text() {
        for text in ["1.65025E+10", "1,23457E+15", "4.93E11", "1E+15", "-1.5e-3"] {
            assert!(is_scientific(text), "{text}");
        }
        for text in [
            "e5",
            "1.5",
            "12E5",
            "1.2.3E+4",
            "abcE+4",
            "1.E+4",
            "1.5E+",
            "1.5E+1234",
        ] {
            assert!(!is_scientific(text), "{text}");
        }
    }
}
