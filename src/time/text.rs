//! Text as the general reader wants it: short, ASCII, lowercase, with plain spaces.

use std::str;

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

use super::foreign;

/// The longest known form is JavaScript's `Date` with the zone's name spelled out, about 60 letters.
const LONGEST: usize = 96;

/// A cell's text, folded: accents dropped (`août` is `aout`), any white space a space, any dash a `-`.
pub(super) struct Folded {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Folded {
    /// None when the text is too long or has letters that no time is written in.
    pub(super) fn of(text: &str) -> Option<Self> {
        let mut folded = Self {
            bytes: [0; LONGEST],
            len: 0,
        };
        let mut letters = text.chars();
        loop {
            // Nearly all cells are ASCII from end to end.
            let rest = letters.as_str();
            let plain = rest
                .bytes()
                .position(|byte| !matches!(byte, b' '..=b'~'))
                .unwrap_or(rest.len());
            let target = folded.bytes.get_mut(folded.len..folded.len + plain)?;
            target.copy_from_slice(&rest.as_bytes()[..plain]);
            target.make_ascii_lowercase();
            folded.len += plain;
            let rest = &rest[plain..];
            if let Some((meaning, length)) = foreign::word(rest) {
                for byte in meaning.bytes() {
                    folded.push(byte)?;
                }
                letters = rest[length..].chars();
                continue;
            }
            letters = rest.chars();
            match letters.next() {
                Some(letter) => folded.push_folded(letter)?,
                None => return Some(folded),
            }
        }
    }

    fn push_folded(&mut self, letter: char) -> Option<()> {
        match letter {
            '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}' => Some(()),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => self.push(b'-'),
            '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' => self.push(b'\''),
            // No mark that could be dropped makes these what they are.
            'ı' => self.push(b'i'),
            'ł' | 'Ł' => self.push(b'l'),
            'đ' | 'Đ' => self.push(b'd'),
            _ if letter.is_whitespace() => self.push(b' '),
            _ if letter.is_ascii_control() => None,
            _ if foreign::digit(letter).is_some() => self.push(foreign::digit(letter)?),
            _ => {
                let mut known = Some(());
                decompose_compatible(letter, |part| {
                    known = known.and_then(|()| match part {
                        _ if part.is_ascii() => self.push(part.to_ascii_lowercase() as u8),
                        _ => is_combining_mark(part).then_some(()),
                    });
                });
                known
            }
        }
    }

    /// The text without what surrounds it: spaces, quotes and the apostrophe that marks a spreadsheet's text cell.
    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.len])
            .unwrap_or_default()
            .trim_matches([' ', '"', '\'', '`'])
    }

    fn push(&mut self, byte: u8) -> Option<()> {
        *self.bytes.get_mut(self.len)? = byte;
        self.len += 1;
        Some(())
    }
}

/// A place in folded text. The readers either take what they name and move on, or give None and stay.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub(super) rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(super) fn next(&self) -> Option<u8> {
        self.rest.bytes().next()
    }

    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.next() == Some(byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    pub(super) fn eat_any(&mut self, bytes: &[u8]) -> Option<u8> {
        let byte = self.next().filter(|byte| bytes.contains(byte))?;
        self.rest = &self.rest[1..];
        Some(byte)
    }

    pub(super) fn eat_text(&mut self, text: &str) -> bool {
        let stripped = self.rest.strip_prefix(text);
        self.rest = stripped.unwrap_or(self.rest);
        stripped.is_some()
    }

    pub(super) fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start_matches(' ');
    }

    /// How many digits stand here.
    pub(super) fn count_digits(&self) -> usize {
        self.rest.bytes().take_while(u8::is_ascii_digit).count()
    }

    /// All the digits that stand here, if they are of a length in `min..=max`.
    pub(super) fn digits(&mut self, min: usize, max: usize) -> Option<&'a str> {
        let count = self.count_digits();
        (min..=max).contains(&count).then(|| self.take(count))
    }

    /// All the digits that stand here as a number, if they are of a length in `min..=max` (at most 4).
    pub(super) fn number(&mut self, min: usize, max: usize) -> Option<i16> {
        self.digits(min, max)?.parse().ok()
    }

    /// Exactly this many digits, whatever follows, as a number.
    pub(super) fn leading(&mut self, count: usize) -> Option<i16> {
        (self.count_digits() >= count)
            .then(|| self.take(count))?
            .parse()
            .ok()
    }

    /// The letters that stand here; empty where none do.
    pub(super) fn word(&mut self) -> &'a str {
        let count = self.rest.bytes().take_while(u8::is_ascii_lowercase).count();
        self.take(count)
    }

    /// Takes the word that stands here if the test likes it.
    pub(super) fn word_if(&mut self, test: impl FnOnce(&str) -> bool) -> bool {
        let mut ahead = *self;
        let found = test(ahead.word());
        if found {
            *self = ahead;
        }
        found
    }

    fn take(&mut self, count: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(count);
        self.rest = rest;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> Option<String> {
        Folded::of(text).map(|folded| folded.as_str().to_owned())
    }

    #[test]
    fn text_is_folded_to_plain_ascii() {
        assert_eq!(
            folded("\u{feff}'20 Août\u{a0}2026 2:03\u{202f}PM ").unwrap(),
            "20 aout 2026 2:03 pm"
        );
        assert_eq!(folded("２０２６−１１–２０").unwrap(), "2026-11-20");
        assert_eq!(folded("1º março").unwrap(), "1o marco");
        assert_eq!(folded("ma\u{308}rz").unwrap_or_default(), "marz");
        assert_eq!(folded("2026年11月20日").unwrap(), "2026-11-20");
        assert_eq!(folded("11月の末"), None);
        assert_eq!(folded(&"1".repeat(LONGEST + 1)), None);
        assert_eq!(folded("2026\u{0}"), None);
    }
}
