//! Names of the row's own lead among the words of a stage.

use memchr::memchr2_iter;

use crate::customer::Cell;
use crate::field::Field;

/// Shorter words are initials, particles and syllables, as often as names.
const SHORTEST: usize = 3;

/// Words of stages that are names too. A lead called so keeps the stage.
const STAGE_WORDS: [&str; 57] = [
    "active", "angel", "apply", "art", "banks", "bill", "book", "call", "case", "chance", "chase",
    "client", "close", "closed", "cold", "contract", "cross", "customer", "day", "deal", "dial",
    "drew", "first", "free", "gold", "grace", "grant", "hope", "hot", "hunt", "joy", "key", "lead",
    "long", "lost", "mark", "may", "new", "offer", "open", "page", "paid", "post", "price", "rate",
    "sale", "sales", "sign", "sold", "step", "stone", "trial", "visit", "will", "win", "won",
    "young",
];

/// Whether one of the words is a name of the lead's, or, in scripts that do not part words, the text holds one.
pub(super) fn holds(stage: &str, customer: &[Cell<'_>]) -> bool {
    names(customer).any(|cell| words(cell.text).any(|name| is_there(name, stage)))
}

/// The words of a stage that may be somebody's name. All of it where it is not written in ASCII: other scripts have other
/// ways to part words and to spell them.
pub(super) fn possible(stage: &str) -> Vec<String> {
    if !stage.is_ascii() {
        return vec![stage.to_owned()];
    }
    let possible = words(stage).filter(|word| may_be_a_name(word));
    possible.map(str::to_owned).collect()
}

/// Whether a name may be among these words: most rows need no closer look.
pub(super) fn may_be_among(words: &[String], customer: &[Cell<'_>]) -> bool {
    let is_there = |word: &String, text: &str| {
        let (word, text) = (word.as_bytes(), text.as_bytes());
        let [first, rest @ ..] = word else {
            return false;
        };
        !word.is_ascii()
            || memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), text).any(
                |at| {
                    text[at + 1..]
                        .get(..rest.len())
                        .is_some_and(|text| text.eq_ignore_ascii_case(rest))
                },
            )
    };
    !words.is_empty()
        && names(customer).any(|cell| words.iter().any(|word| is_there(word, cell.text)))
}

/// The cells that hold names.
fn names<'a>(customer: &'a [Cell<'a>]) -> impl Iterator<Item = &'a Cell<'a>> {
    let is_name = |field| matches!(field, Field::FirstName | Field::LastName | Field::FullName);
    customer.iter().filter(move |cell| is_name(cell.field))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric() && !matches!(letter, '\'' | '’'))
        .map(|word| word.trim_matches(|letter: char| !letter.is_alphanumeric()))
}

fn is_there(name: &str, stage: &str) -> bool {
    // Thai and all that comes behind it, but for accented Latin.
    let is_unparted = |letter: char| matches!(letter, '\u{e00}'..='\u{eff}' | '\u{2e80}'..);
    if name.len() > stage.len() {
        return false;
    }
    if name.chars().all(is_unparted) {
        return name.chars().count() >= 2 && stage.contains(name);
    }
    let is_same = |word: &str| {
        word.eq_ignore_ascii_case(name)
            || !word.is_ascii() && word.to_lowercase() == name.to_lowercase()
    };
    words(stage).any(is_same) && may_be_a_name(name)
}

/// Whether a word is none that stages are made of.
fn may_be_a_name(word: &str) -> bool {
    let lower = word.to_lowercase();
    word.chars().count() >= SHORTEST
        && word.chars().all(|letter| !letter.is_ascii_digit())
        && !STAGE_WORDS.contains(&lower.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_word_of_its_own_and_no_word_of_stages() {
        for (field, name, stage, expected) in [
            (Field::FirstName, "Cid", "Won - Cid", true),
            (Field::FullName, "Cid Moreno", "Moreno won", true),
            (Field::FullName, "Cid Moreno", "CID MORENO", true),
            (Field::LastName, "O'Neill", "Call O'Neill", true),
            (Field::LastName, "García", "llamar a garcía", true),
            (Field::FullName, "山田太郎", "山田太郎に電話", true),
            (Field::FirstName, "Will", "Will call back", false),
            (Field::LastName, "Won", "Closed Won", false),
            (Field::LastName, "Price", "Price agreed", false),
            (Field::FirstName, "Al", "Al dente", false),
            (Field::FirstName, "Ann", "Annual review", false),
            (Field::FullName, "Jo-Ann Cid", "Ann: demo", true),
            (Field::City, "Austin", "Austin office", false),
        ] {
            let customer = [Cell {
                field,
                column: 0,
                text: name,
            }];
            assert_eq!(holds(stage, &customer), expected, "{name} in {stage}");
            let is_possible = may_be_among(&possible(stage), &customer);
            assert!(is_possible || !expected, "{name} in {stage}");
        }
    }
}
