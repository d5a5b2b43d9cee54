//! Email addresses as people write them where a form does not take them: `b(at)example.com`, `c @ example.com`,
//! `d at example dot com`.

use memchr::{memchr2_iter, memchr3};

use crate::customer::{Cell, is_email_address};
use crate::field::Field;

/// Longer texts are not looked through: nobody hides an address in one.
const LONGEST: usize = 1_000;

/// Where people have their mailboxes: a plain `at` before one of them is no other `at`.
const MAILBOXES: [&str; 12] = [
    "gmail.com",
    "googlemail.com",
    "yahoo.",
    "hotmail.",
    "outlook.",
    "live.",
    "icloud.com",
    "aol.com",
    "gmx.",
    "web.de",
    "proton",
    "mail.ru",
];

/// How addresses of pages, and pages, write the sign.
const AT_IN_CODE: [&str; 4] = ["%40", "&#64;", "&#x40;", "&commat;"];

/// Whether an address stands in the text in another form than its own.
pub(super) fn holds_an_address(text: &str, customer: &[Cell<'_>]) -> bool {
    if text.len() > LONGEST || !may_hold_an_at(text) {
        return false;
    }
    let plain = text.to_lowercase();
    let plain = AT_IN_CODE
        .iter()
        .fold(plain, |plain, code| plain.replace(code, "@"));
    let plain = unwrapped(&unwrapped(&plain, "at", "@"), "dot", ".");
    let words: Vec<&str> = plain.split_whitespace().collect();
    let joined = joined(&words, customer);
    joined.split_whitespace().any(|word| {
        let word = word.trim_matches(|letter: char| !letter.is_alphanumeric());
        is_email_address(word) && has_domain_of_letters(word)
    })
}

/// Whether there is an `@` or the word `at`, in any case.
pub(super) fn may_hold_an_at(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_letter = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at))
            .is_some_and(u8::is_ascii_alphanumeric)
    };
    let is_word = |at: usize| {
        matches!(bytes.get(at + 1), Some(b't' | b'T'))
            && !is_letter(Some(at + 2))
            && !is_letter(at.checked_sub(1))
    };
    let is_in_code = || AT_IN_CODE.iter().any(|code| text.contains(code));
    // Each of the codes begins with one of these two.
    memchr3(b'@', b'%', b'&', bytes)
        .is_some_and(|at| bytes[at] == b'@' || bytes.contains(&b'@') || is_in_code())
        || memchr2_iter(b'a', b'A', bytes).any(is_word)
}

/// A sign for its name in brackets, and for what stands around that.
fn unwrapped(text: &str, name: &str, sign: &str) -> String {
    let mut text = text.to_owned();
    for (open, close) in [("(", ")"), ("[", "]"), ("{", "}"), ("<", ">")] {
        text = text.replace(&format!("{open}{name}{close}"), &format!(" {sign} "));
    }
    text
}

/// The words with those run together that make an address.
fn joined(words: &[&str], customer: &[Cell<'_>]) -> String {
    let mut out = String::new();
    let mut glue = true;
    for (at, word) in words.iter().enumerate() {
        let (is_at, rest) = (*word == "at", words.get(at + 1..).unwrap_or_default());
        let sign = match *word {
            "@" => Some("@"),
            "at" if names_a_mailbox(words, at, customer) || spells_a_domain(rest) => Some("@"),
            "." | "dot" => Some("."),
            _ => None,
        };
        match sign {
            Some(sign) if at > 0 => {
                out.push_str(sign);
                glue = true;
            }
            _ => {
                if !glue || is_at {
                    out.push(' ');
                }
                out.push_str(word);
                glue = false;
            }
        }
    }
    out
}

/// Whether `example dot com` comes first.
fn spells_a_domain(rest: &[&str]) -> bool {
    matches!(rest, [_, "dot" | ".", _, ..])
}

/// Whether the word behind `at` is where people have mailboxes, or makes the lead's own address of the one before.
fn names_a_mailbox(words: &[&str], at: usize, customer: &[Cell<'_>]) -> bool {
    let (Some(before), Some(after)) = (at.checked_sub(1).map(|i| words[i]), words.get(at + 1))
    else {
        return false;
    };
    let is_own = |cell: &Cell<'_>| {
        let own = cell.text.trim().split_once('@');
        cell.field == Field::Email
            && own.is_some_and(|(local, domain)| {
                local.eq_ignore_ascii_case(before) && domain.eq_ignore_ascii_case(after)
            })
    };
    MAILBOXES.iter().any(|mailbox| after.starts_with(mailbox)) || customer.iter().any(is_own)
}

/// Whether the address ends in letters: `10.30` is a time.
fn has_domain_of_letters(address: &str) -> bool {
    let end = address.rsplit('.').next().unwrap_or_default();
    end.chars().count() >= 2 && end.chars().all(char::is_alphabetic)
}
