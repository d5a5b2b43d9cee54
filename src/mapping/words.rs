//! Text as headings and stages are compared: in words, without case and accents.

use std::collections::HashSet;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The text in lower case, without accents.
pub(crate) fn fold(text: &str) -> String {
    let plain = text.nfd().filter(|letter| !is_combining_mark(*letter));
    let mut folded = String::with_capacity(text.len());
    for letter in plain.flat_map(char::to_lowercase) {
        match letter {
            'ß' => folded.push_str("ss"),
            'ı' => folded.push('i'),
            'ł' => folded.push('l'),
            'đ' => folded.push('d'),
            'ø' => folded.push('o'),
            'æ' => folded.push_str("ae"),
            // A dot that lower case leaves beside the letter.
            '\u{307}' => {}
            _ => folded.push(letter),
        }
    }
    folded
}

/// A list of words, folded as headings are.
pub(crate) type Words = LazyLock<HashSet<String>>;

/// The words of a text, for a list.
pub(crate) fn set(text: &str) -> HashSet<String> {
    text.split_ascii_whitespace().map(fold).collect()
}

/// The words of a text, folded: split at anything that is no letter or digit, and at camel humps.
pub(crate) fn words_of(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_small = false;
    for letter in text.chars() {
        let is_part = letter.is_alphanumeric() || is_combining_mark(letter);
        if !is_part || after_small && letter.is_uppercase() {
            words.push(String::new());
        }
        if is_part && let Some(word) = words.last_mut() {
            word.push(letter);
        }
        after_small = letter.is_lowercase();
    }
    let in_full = |word: String| {
        let known = SHORT_FORMS.iter().find(|(short, _)| *short == word);
        known.map_or(word, |(_, full)| (*full).to_owned())
    };
    words
        .iter()
        .map(|word| in_full(fold(word)))
        .filter(|word| !word.is_empty())
        .collect()
}

/// What tables of warehouses shorten, folded, and what it stands for.
pub(crate) const SHORT_FORMS: [(&str, &str); 6] = [
    ("nm", "name"),
    ("cd", "code"),
    ("dt", "date"),
    ("addr", "address"),
    ("cust", "customer"),
    ("acct", "account"),
];

/// Whether one of the words of scripts without spaces stands anywhere in the text.
pub(crate) fn contains_any(list: &Words, text: &str) -> bool {
    !text.is_ascii()
        && list
            .iter()
            .any(|known| known.len() > 5 && !known.is_ascii() && text.contains(known.as_str()))
}
