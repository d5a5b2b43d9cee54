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
    let says_something = |c: char| text::is_common_letter(c) || c.is_alphanumeric();
    if !out[start..].contains(says_something) {
        out.truncate(start);
    }
}

/// Forms of address and degrees in front of a name, without their dots. Those that are names too (`Don`, `Ing`, `Mag`)
/// are recognised by their dot alone.
#[rustfmt::skip]
const TITLES: [&str; 36] = [
    "dr", "dra", "prof", "profa", "professor", "mr", "mrs", "ms", "miss", "mx", "sir", "rev", "herr", "herrn", "frau", "hr", "sr",
    "sra", "srta", "mme", "mlle", "monsieur", "madame", "dott", "dottssa", "sig", "signor", "signora", "señor", "señora", "senhor",
    "senhora", "univprof", "dipling", "dhr", "mevr",
];
const TITLES_WITH_DOT: [&str; 9] = ["ing", "mag", "fr", "eng", "avv", "arq", "lic", "don", "dña"];

/// A first name without the titles in front of it, and whether there were any.
pub(super) fn without_titles(name: &str) -> (&str, bool) {
    let name = text::trim(name);
    let mut rest = name;
    loop {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        if !is_title(&rest[..end]) {
            return (rest, rest.len() < name.len());
        }
        rest = text::trim(&rest[end..]);
        if rest.is_empty() {
            return (rest, true);
        }
    }
}

/// Whether a word is a title, whatever stands between its letters.
fn is_title(word: &str) -> bool {
    let is_one = |word: &str| TITLES.iter().any(|title| word.eq_ignore_ascii_case(title));
    if word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return is_one(word);
    }
    // Titles begin with a letter of ASCII.
    if word.starts_with(|c: char| !c.is_ascii() && text::is_common_letter(c)) {
        return false;
    }
    let letters: String = (word.chars().filter(|c| c.is_alphabetic()))
        .flat_map(char::to_lowercase)
        .collect();
    is_one(&letters) || word.ends_with('.') && TITLES_WITH_DOT.contains(&letters.as_str())
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
    fn titles_in_front_of_a_first_name_are_no_part_of_it() {
        for (text, expected) in [
            ("Dr. Ava", "Ava"),
            ("Herr Dr. Jürgen", "Jürgen"),
            ("Frau Prof. Dr. Anna Maria", "Anna Maria"),
            ("Mrs Ava", "Ava"),
            ("SRA. Ana", "Ana"),
            ("Ing. Petr", "Petr"),
            ("Dipl.-Ing. Uwe", "Uwe"),
            ("Dr.", ""),
        ] {
            assert_eq!(without_titles(text), (expected, true), "{text}");
        }
        for text in [
            "Ava",
            "Don",
            "Don Pedro",
            "Mag",
            "Drew",
            "Missy",
            "A. B.",
            "Ing",
            "Anna Frau",
            "",
            "정",
            "12",
        ] {
            assert_eq!(without_titles(text), (text, false), "{text}");
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
