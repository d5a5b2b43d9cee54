//! Cities, and what states outside the United States and Canada have in common with them: letters, and nothing else.

use unicode_normalization::char::is_combining_mark;

use super::text;

/// Appends the letters of any script in lower case: no digits, punctuation, symbols or white space.
///
/// Marks belong to their letters: without them Thai or Hindi names would be others.
pub(super) fn push_letters(text: &str, out: &mut String) {
    let start = out.len();
    text::push_lowercase(text, out, |c| match c.is_ascii() {
        true => c.is_ascii_alphabetic(),
        false => {
            text::is_common_letter(c)
                || (c.is_alphabetic() || is_combining_mark(c)) && !text::is_blank(c)
        }
    });
    // Marks alone are no name.
    let is_letter = |c: char| text::is_common_letter(c) || c.is_alphabetic();
    if !out[start..].contains(is_letter) {
        out.truncate(start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cities_are_letters_only() {
        for (text, expected) in [
            ("New York", "newyork"),
            ("São Paulo", "sãopaulo"),
            ("Sa\u{303}o Paulo", "sãopaulo"),
            ("St. Louis", "stlouis"),
            ("Winston-Salem 2", "winstonsalem"),
            ("L’Hospitalet", "lhospitalet"),
            ("Köln\u{a0}\u{200b}", "köln"),
            ("กรุงเทพฯ", "กรุงเทพฯ"),
            ("東京都", "東京都"),
            ("Chicago 🏙", "chicago"),
            ("  ", ""),
            ("12345", ""),
        ] {
            let mut out = String::new();
            push_letters(text, &mut out);
            assert_eq!(out, expected, "{text}");
        }
    }
}
