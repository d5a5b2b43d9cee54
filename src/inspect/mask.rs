//! Shows the form of a value and nothing of the value.
//!
//! Letters of any script become three dots a word, whatever its length, and digits become `#`, one each, as the number
//! of digits is what tells ids, phones and dates apart. Only ASCII punctuation stays.

/// Past this many characters a form tells nothing more.
const LONGEST: usize = 40;

/// The form of a value: `•••.•••@•••.•••`, `+############`, `##/##/#### ##:## •••`.
pub(super) fn mask(value: &str) -> String {
    let mut form = String::new();
    let (mut shown, mut in_word) = (0, false);
    for letter in value.trim().chars() {
        if shown >= LONGEST {
            form.push('…');
            break;
        }
        let kept = match letter {
            _ if letter.is_numeric() => Some('#'),
            _ if letter.is_whitespace() => Some(' '),
            _ if letter.is_ascii_punctuation() => Some(letter),
            // Letters, marks, symbols: anything that could be part of a word in some script.
            _ => None,
        };
        match kept {
            Some(kept) => form.push(kept),
            None if !in_word => form.push_str("•••"),
            None => {}
        }
        shown += if kept.is_some() {
            1
        } else {
            usize::from(!in_word) * 3
        };
        in_word = kept.is_none();
    }
    form
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_keeps_no_letter_and_no_digit() {
        for (value, form) in [
            ("ava.thornton@example.com", "•••.•••@•••.•••"),
            ("l:1234567890123456", "•••:################"),
            (" +49 (30) 555-0101 ", "+## (##) ###-####"),
            ("11/12/2026 10:03 AM", "##/##/#### ##:## •••"),
            ("Jürgen O’Neill", "••• •••"),
            ("Зоя 王小明", "••• •••"),
            ("٣٤", "##"),
            ("a1", "•••#"),
        ] {
            assert_eq!(mask(value), form, "{value}");
        }
    }

    #[test]
    fn names_of_any_length_look_alike() {
        assert_eq!(mask("Bo Li"), mask("Maximiliana Featherstonehaugh"));
    }

    #[test]
    fn a_long_text_is_cut() {
        let form = mask(&"a, ".repeat(100));
        assert!(form.chars().count() < 50 && form.ends_with('…'), "{form}");
    }
}
