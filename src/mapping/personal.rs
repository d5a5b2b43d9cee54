//! Recognises a person's data where it does not belong: in what is sent unhashed.
//!
//! A column that is mapped by mistake would otherwise carry addresses and numbers to Meta as event names or custom data.

mod disguise;
mod names;

use memchr::memchr;

use crate::cell::plain;
use crate::customer::{Cell, is_email_address};
use crate::field::Field;
use crate::text::holds_a_token;

/// Fewer digits are no telephone number, but the number of a stage.
const SHORTEST_PHONE: usize = 7;

/// Whether a stage holds an email address or a telephone number, or says what the row says about who the lead is: all
/// of it, or one of its words a name (`Won - Cid`).
pub(super) fn is_of_the_lead(stage: &str, customer: &[Cell<'_>]) -> bool {
    is_a_cell(stage, customer) || looks_personal(stage, customer) || names::holds(stage, customer)
}

/// What a stage that returns row after row may have in common with a lead, looked for once.
#[derive(Clone, Debug)]
pub(super) struct Likeness {
    stage: String,
    /// Whether there is so much as a sign of an address or the digits of a number.
    may_be_contact: bool,
    /// The words that may be somebody's name.
    names: Vec<String>,
}

impl Likeness {
    pub(super) fn of(stage: &str) -> Self {
        Self {
            stage: stage.to_owned(),
            may_be_contact: holds_a_token(stage)
                || match stage.is_ascii() {
                    true => may_be_contact(stage),
                    false => may_be_contact(&plain(stage)),
                },
            names: names::possible(stage),
        }
    }

    /// The stage.
    pub(super) fn stage(&self) -> &str {
        &self.stage
    }

    /// As [`is_of_the_lead`] has it.
    pub(super) fn is_of_the_lead(&self, customer: &[Cell<'_>]) -> bool {
        is_a_cell(&self.stage, customer)
            || self.may_be_contact && looks_personal(&self.stage, customer)
            || names::may_be_among(&self.names, customer) && names::holds(&self.stage, customer)
    }
}

/// Whether one of the cells that say who the lead is has this text.
fn is_a_cell(stage: &str, customer: &[Cell<'_>]) -> bool {
    let is_same = |cell: &Cell<'_>| {
        // Trimming is worth it only where it could make the lengths the same.
        cell.text.len() >= stage.len()
            && identifies(cell.field)
            && (cell.text.eq_ignore_ascii_case(stage)
                || !is_bare(cell.text) && cell.text.trim().eq_ignore_ascii_case(stage))
    };
    customer.iter().any(is_same)
}

/// Whether a value holds an email address, however it is written, or a telephone number, be it the lead's own or one that
/// can be nothing else; or an access token.
pub(super) fn looks_personal(text: &str, customer: &[Cell<'_>]) -> bool {
    if holds_a_token(text) {
        return true;
    }
    if text.is_ascii() {
        return is_written_personal(text, customer);
    }
    // Digits and signs of other scripts, and signs that take no room, are read as they are where they belong.
    is_written_personal(&plain(text), customer)
}

fn is_written_personal(text: &str, customer: &[Cell<'_>]) -> bool {
    let text = text.trim();
    may_be_contact(text)
        && (memchr(b'@', text.as_bytes()).is_some() && holds_an_address(text)
            || disguise::holds_an_address(text, customer)
            || runs_of_digits(text)
                .any(|run| is_written_as_phone(run) || is_own_phone(run, customer)))
}

/// Whether there is a sign of an address, however it is written, or there are digits enough for a telephone number: most
/// texts need no closer look.
fn may_be_contact(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    digits >= SHORTEST_PHONE || disguise::may_hold_an_at(text)
}

/// Whether there is no white space around the text for certain.
fn is_bare(text: &str) -> bool {
    matches!(text.as_bytes(), [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic())
}

/// Fields that say who somebody is. A city or a country may be called like a stage.
fn identifies(field: Field) -> bool {
    matches!(
        field,
        Field::Email
            | Field::Phone
            | Field::FirstName
            | Field::LastName
            | Field::FullName
            | Field::DateOfBirth
            | Field::ExternalId
            | Field::LeadId
            | Field::Fbc
            | Field::Fbclid
            | Field::Fbp
            | Field::ClientIpAddress
    )
}

/// Whether one of the words is an address: `Ava <ava@example.com>`.
fn holds_an_address(text: &str) -> bool {
    let is_between = |c: char| {
        c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | ',' | ';' | '"' | '\'' | ':')
    };
    text.split(is_between).any(is_email_address)
}

/// The parts of a text that may be telephone numbers: digits and what stands among them, from the first to the last.
fn runs_of_digits(text: &str) -> impl Iterator<Item = &str> {
    let is_between = |byte: u8| !is_of_phones(byte);
    let runs = text.split(move |letter: char| u8::try_from(letter).map_or(true, is_between));
    let trimmed = runs.map(|run| {
        let is_edge = |letter: char| !letter.is_ascii_digit();
        run.trim_start_matches(|letter| is_edge(letter) && !matches!(letter, '+' | '('))
            .trim_end_matches(is_edge)
    });
    trimmed.filter(|run| run.len() >= SHORTEST_PHONE)
}

/// Whether a byte may stand in a telephone number.
fn is_of_phones(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b' ' | b'+' | b'-' | b'(' | b')' | b'.' | b'/')
}

/// Whether the digits are those of one of the row's phone numbers, with or without the country's code.
fn is_own_phone(text: &str, customer: &[Cell<'_>]) -> bool {
    let Some(own) = phone_digits(text) else {
        return false;
    };
    customer
        .iter()
        .filter(|cell| cell.field == Field::Phone)
        .filter_map(|cell| phone_digits(&plain(cell.text)))
        .any(|other| own.ends_with(&other) || other.ends_with(&own))
}

/// The digits of what may be a telephone number, without leading zeros.
fn phone_digits(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix("p:").unwrap_or(text);
    if text.len() < SHORTEST_PHONE || !text.bytes().all(is_of_phones) {
        return None;
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0');
    (digits.len() >= SHORTEST_PHONE).then(|| digits.to_owned())
}

/// Whether a text can be nothing but a telephone number: `+44 7911 123456`, `(212) 555-0101`, `212-555-0101`. Digits
/// alone may be anything.
fn is_written_as_phone(text: &str) -> bool {
    let Some(digits) = phone_digits(text) else {
        return false;
    };
    let groups = || text.split(['-', '.', ' ']).map(str::len);
    let has_marks = text.starts_with('+') || text.starts_with("p:") || text.starts_with('(');
    (8..=15).contains(&digits.len()) && (has_marks || groups().eq([3, 3, 4]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(field: Field, text: &str) -> Cell<'_> {
        Cell {
            field,
            column: 0,
            text,
        }
    }

    #[test]
    fn a_stage_that_says_who_the_lead_is_is_personal() {
        let customer = [
            cell(Field::Phone, "(212) 555-0101"),
            cell(Field::FirstName, "Ava "),
            cell(Field::ExternalId, "00Q5E"),
            cell(Field::City, "Lead"),
        ];
        for stage in [
            "ava@example.com",
            "Ava <ava@example.com>",
            "+1 212 555 0101",
            "2125550101",
            "ava",
            "00q5e",
            "Call 212-555-0101 back",
            "Won (2125550101)",
            "Call (212) 555-0199 back",
            "Won - Ava",
            "won by ava",
            "Ava: demo",
            "ava(at)example.com",
            "２１２５５５０１０１",
            "١٢١٢٥٥٥٠١٠١",
            "ava@example．com",
            "ava@exam\u{200b}ple.com",
            "ava%40example.com",
            "ava&#64;example.com",
            "EAAGm0PX4ZCpsBAKZCZBbZAZCx",
        ] {
            assert!(is_of_the_lead(stage, &customer), "{stage}");
            assert!(Likeness::of(stage).is_of_the_lead(&customer), "{stage}");
        }
        for stage in [
            "Lead",
            "1234567",
            "3",
            "appointmentscheduled",
            "@home",
            "2125550199",
            "Demo @ office",
            "Available",
            "Java demo",
            "Visit 2026-11-20 10:00",
            "Step 3 of 12",
        ] {
            assert!(!is_of_the_lead(stage, &customer), "{stage}");
            assert!(!Likeness::of(stage).is_of_the_lead(&customer), "{stage}");
        }
    }

    #[test]
    fn addresses_and_numbers_are_recognised_and_ids_are_not() {
        for text in [
            "ava@example.com",
            "call ava@example.com today",
            "+44 7911 123456",
            "p:+12125550101",
            "(212) 555-0101",
            "212-555-0101",
            "call 212-555-0101 or ask",
            "tel. +44 7911 123456",
            "b(at)example.com",
            "b [at] example [dot] com",
            "c @ example.com",
            "d at example dot com",
            "D AT EXAMPLE DOT COM",
            "write to e at gmail.com",
        ] {
            assert!(looks_personal(text, &[]), "{text}");
        }
        for text in [
            "1234567890",
            "A-7",
            "2026-11-20",
            "112-1234567-1234567",
            "1,234.50",
            "+5",
            "(7)",
            "12:30",
            "a@b",
            "Size 10.5",
            "Meeting @ 10.30",
            "Signed up at example.com",
            "at home",
            "Dot at the end",
            "10 - 12 - 2026 / 14:30",
        ] {
            assert!(!looks_personal(text, &[]), "{text}");
        }
        let own = [cell(Field::Phone, "+1 212 555 0101")];
        assert!(looks_personal("2125550101", &own));
        assert!(!looks_personal("2125550102", &own));
        let own = [cell(Field::Email, "Eve@clinic.example.org")];
        assert!(looks_personal("eve at clinic.example.org", &own));
    }
}
