//! Names of the row's own lead among the words of a stage.

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
    let is_name = |field| matches!(field, Field::FirstName | Field::LastName | Field::FullName);
    customer
        .iter()
        .filter(|cell| is_name(cell.field))
        .any(|cell| words(cell.text).any(|name| is_there(name, stage)))
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
    let may_be_a_name = || {
        let lower = name.to_lowercase();
        name.chars().count() >= SHORTEST
            && name.chars().all(|letter| !letter.is_ascii_digit())
            && !STAGE_WORDS.contains(&lower.as_str())
    };
    words(stage).any(is_same) && may_be_a_name()
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
            (Field::City, "Austin", "Austin office", false),
        ] {
            let customer = [Cell {
                field,
                column: 0,
                text: name,
            }];
            assert_eq!(holds(stage, &customer), expected, "{name} in {stage}");
        }
    }
}
