//! First, last and full names.
//!
//! Lower case without ASCII punctuation, ASCII symbols and white space, as Meta's parameter builder has it; what is not
//! ASCII stays, accents and typographic apostrophes included.

use super::text;

/// Appends a normalised first or last name. A name without any letter or digit is none.
pub(super) fn normalize(name: &str, out: &mut String) {
    let start = out.len();
    text::push_lowercase(name, out, |c| match c.is_ascii() {
        true => c.is_ascii_alphanumeric(),
        false => !text::is_blank(c),
    });
    if !out[start..].contains(char::is_alphanumeric) {
        out.truncate(start);
    }
}

/// Splits a full name into first and last: at the first comma of "Last, First", else at the last white space.
///
/// A single word is a first name. Titles and suffixes are left alone; "John Smith, Jr." is no "Last, First".
pub(super) fn split(full: &str) -> (&str, &str) {
    let full = text::trim(full);
    if let Some((last, first)) = full.split_once([',', '，'])
        && !is_suffix(first)
    {
        return (text::trim(first), text::trim(last));
    }
    match full
        .trim_end_matches([',', '，'])
        .char_indices()
        .rfind(|&(_, c)| c.is_whitespace())
    {
        Some((at, _)) => (text::trim(&full[..at]), text::trim(&full[at..])),
        None => (full, ""),
    }
}

/// Whether what follows a comma is a suffix and no first name.
fn is_suffix(text: &str) -> bool {
    const SUFFIXES: [&str; 14] = [
        "jr", "sr", "junior", "senior", "ii", "iii", "iv", "md", "phd", "esq", "dds", "cpa", "mba",
        "rn",
    ];
    let letters = || text.chars().filter(|c| c.is_alphanumeric());
    SUFFIXES
        .iter()
        .any(|suffix| letters().map(|c| c.to_ascii_lowercase()).eq(suffix.chars()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> String {
        let mut out = String::new();
        normalize(text, &mut out);
        out
    }

    #[test]
    fn names_are_lower_case_without_ascii_punctuation_and_white_space() {
        for (text, expected) in [
            ("Mary", "mary"),
            ("정", "정"),
            ("Valéry", "valéry"),
            ("Vale\u{301}ry", "valéry"),
            ("VALÉRY", "valéry"),
            (" Mary  Ann\u{a0}", "maryann"),
            ("O'Neill", "oneill"),
            ("O’Neill", "o’neill"),
            ("Al-Sayed", "alsayed"),
            ("\"Mary\"", "mary"),
            ("John (Jack) 3rd", "johnjack3rd"),
            ("\u{200e}מרים\u{200f}", "מרים"),
            ("ΓΙΩΡΓΟΣ", "γιωργος"),
            ("İrem", "i\u{307}rem"),
            ("Ａｎｎａ", "ａｎｎａ"),
            ("अनिल", "अनिल"),
            ("...", ""),
            ("😀", ""),
        ] {
            assert_eq!(name(text), expected, "{text}");
        }
    }

    #[test]
    fn full_names_are_split() {
        for (text, first, last) in [
            ("Ava Thornton", "Ava", "Thornton"),
            ("Thornton, Ava", "Ava", "Thornton"),
            ("Mary Ann van Dyke", "Mary Ann van", "Dyke"),
            ("García López, María José", "María José", "García López"),
            ("Dr. John Smith", "Dr. John", "Smith"),
            ("John Smith Jr.", "John Smith", "Jr."),
            ("John Smith, Jr.", "John Smith,", "Jr."),
            ("Ava\u{a0}Thornton ", "Ava", "Thornton"),
            ("Madonna", "Madonna", ""),
            ("Smith,", "", "Smith"),
            (", John", "John", ""),
            ("", "", ""),
        ] {
            assert_eq!(split(text), (first, last), "{text}");
        }
    }
}
