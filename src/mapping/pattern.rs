//! Headings that are recognised by a pattern: `Change Date (*) ({n})`, `Date entered "{stage} (*)"`.
//!
//! `{n}` stands for digits, `{stage}` for some text without parentheses, `*` for any such text. Case and white space do
//! not matter. Wildcards take as little as they can, so that each piece between two of them is looked for once, from
//! left to right: no heading makes this slow.

use memchr::memmem;

/// The most digits that `{n}` stands for.
const MAX_DIGITS: usize = 10;

/// Whether a name is a pattern.
pub(crate) fn is_pattern(name: &str) -> bool {
    name.contains("{n}") || name.contains("{stage}") || name.contains('*')
}

/// What a pattern's wildcards stood for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Captured {
    /// The digits of `{n}`, if the pattern has it.
    pub n: Option<u32>,
    /// The text of `{stage}`, if the pattern has it.
    pub stage: Option<String>,
}

/// A pattern, taken apart.
#[derive(Debug)]
pub(super) struct Pattern {
    /// What a heading begins with.
    beginning: Vec<Piece>,
    /// Each wildcard and what comes after it.
    rest: Vec<(Wildcard, Vec<Piece>)>,
}

#[derive(Debug)]
enum Piece {
    /// Text, folded.
    Text(String),
    Digits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wildcard {
    Stage,
    Anything,
}

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        let mut pattern = Self {
            beginning: Vec::new(),
            rest: Vec::new(),
        };
        let mut rest = text;
        while let Some(at) = rest.find(['{', '*']) {
            let (before, from) = rest.split_at(at);
            pattern.push_text(before);
            rest = if let Some(after) = from.strip_prefix("{n}") {
                pattern.last().push(Piece::Digits);
                after
            } else if let Some(after) = from.strip_prefix("{stage}") {
                pattern.rest.push((Wildcard::Stage, Vec::new()));
                after
            } else if let Some(after) = from.strip_prefix('*') {
                pattern.rest.push((Wildcard::Anything, Vec::new()));
                after
            } else {
                pattern.push_text(&from[..1]);
                &from[1..]
            };
        }
        pattern.push_text(rest);
        pattern
    }

    fn last(&mut self) -> &mut Vec<Piece> {
        match self.rest.last_mut() {
            Some((_, pieces)) => pieces,
            None => &mut self.beginning,
        }
    }

    fn push_text(&mut self, text: &str) {
        let folded = Folded::new(text).text;
        if folded.is_empty() {
            return;
        }
        match self.last().last_mut() {
            Some(Piece::Text(text)) => text.push_str(&folded),
            _ => self.last().push(Piece::Text(folded)),
        }
    }

    /// What the wildcards stand for in a heading, if it is one that the pattern means.
    pub(super) fn captures(&self, heading: &str) -> Option<Captured> {
        let folded = Folded::new(heading);
        let length = folded.text.len();
        let mut captured = Captured::default();
        let mut at = folded.starts_with(&self.beginning, 0, &mut captured)?;
        for (index, (wildcard, pieces)) in self.rest.iter().enumerate() {
            let is_last = index + 1 == self.rest.len();
            let rest = &folded.text[at..];
            let reach = at + rest.find(['(', ')']).unwrap_or(rest.len());
            let least = match wildcard {
                Wildcard::Stage => at + rest.chars().next().map_or(1, char::len_utf8),
                Wildcard::Anything => at,
            };
            let (from, to) = folded.find(pieces, least..=reach, is_last, &mut captured)?;
            if *wildcard == Wildcard::Stage {
                let text = &heading[folded.origin(at, heading)..folded.origin(from, heading)];
                captured.stage = Some(text.trim_end().to_owned());
            }
            at = to;
        }
        (at == length).then_some(captured)
    }
}

/// A heading in lower case and without white space.
struct Folded {
    text: String,
    /// Where each byte of it comes from.
    origins: Vec<u32>,
}

impl Folded {
    fn new(heading: &str) -> Self {
        let (mut text, mut origins) = (String::new(), Vec::new());
        for (at, character) in heading.char_indices() {
            if !character.is_whitespace() {
                text.extend(character.to_lowercase());
                origins.resize(text.len(), at as u32);
            }
        }
        Self { text, origins }
    }

    /// The place in the heading that a place here comes from.
    fn origin(&self, at: usize, heading: &str) -> usize {
        self.origins
            .get(at)
            .map_or(heading.len(), |origin| *origin as usize)
    }

    /// Where pieces end that begin here.
    fn starts_with(&self, pieces: &[Piece], at: usize, captured: &mut Captured) -> Option<usize> {
        let mut at = at;
        for piece in pieces {
            at += match piece {
                Piece::Text(text) => self.text[at..].starts_with(text).then_some(text.len())?,
                Piece::Digits => {
                    let digits = self.digits(at);
                    captured.n = Some(self.text[at..at + digits].parse().ok()?);
                    digits
                }
            };
        }
        Some(at)
    }

    /// How many digits stand here in a row.
    fn digits(&self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        let follows = |place: &usize| {
            bytes[*place].is_ascii_digit()
                && self.origins[*place] - self.origins[at] == (*place - at) as u32
        };
        let end = bytes.len().min(at + MAX_DIGITS + 1);
        (at..end).take_while(follows).count()
    }

    /// Where pieces begin and end that are looked for; the last ones must end with the heading.
    fn find(
        &self,
        pieces: &[Piece],
        places: std::ops::RangeInclusive<usize>,
        is_last: bool,
        captured: &mut Captured,
    ) -> Option<(usize, usize)> {
        let (mut from, reach, length) = (*places.start(), *places.end(), self.text.len());
        match pieces {
            [] if is_last => return (reach == length && from <= reach).then_some((length, length)),
            [] => return (from <= reach).then_some((from, from)),
            [Piece::Text(text)] if is_last => {
                let at = length.checked_sub(text.len())?;
                let is_there = (from..=reach).contains(&at) && self.text.ends_with(text.as_str());
                return is_there.then_some((at, length));
            }
            _ => {}
        }
        while from <= reach {
            let at = from + self.next_candidate(pieces, from)?;
            if at > reach {
                return None;
            }
            let end = self.starts_with(pieces, at, captured);
            if let Some(end) = end.filter(|end| !is_last || *end == length) {
                return Some((at, end));
            }
            from = at + self.text[at..].chars().next().map_or(1, char::len_utf8);
        }
        None
    }

    /// How far the first piece is away that could be these.
    fn next_candidate(&self, pieces: &[Piece], from: usize) -> Option<usize> {
        let rest = self.text.as_bytes().get(from..)?;
        match pieces.first() {
            Some(Piece::Text(text)) => memmem::find(rest, text.as_bytes()),
            _ => rest.iter().position(u8::is_ascii_digit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(pattern: &str, heading: &str) -> Option<(Option<u32>, Option<String>)> {
        Pattern::new(pattern)
            .captures(heading)
            .map(|captured| (captured.n, captured.stage))
    }

    #[test]
    fn wildcards_stand_for_what_lies_between_the_pieces() {
        let stage = |text: &str| Some((None, Some(text.to_owned())));
        for (pattern, heading, expected) in [
            (
                "Date entered \"{stage} (*)\"",
                "date  entered \"Contract Sent (Sales)\"",
                stage("Contract Sent"),
            ),
            (
                "{stage} date",
                "Qualified Lead Date",
                stage("Qualified Lead"),
            ),
            ("{stage} date", "Date", None),
            ("{stage} date", "Date date", stage("Date")),
            (
                "Date ({stage})",
                "Date (Größe  geprüft )",
                stage("Größe  geprüft"),
            ),
            (
                "Change Date (*) ({n})",
                "Change Date (US/Eastern) (12)",
                Some((Some(12), None)),
            ),
            ("Change Date (*) ({n})", "Change Date (US/Eastern)", None),
            ("Change Date (*)", "Change Date (a) (b)", None),
            ("*", "anything at all", Some((None, None))),
            ("*", "not (this)", None),
            ("*a{n}b*", "a12 a3b", Some((Some(3), None))),
            (
                "Stage {n}",
                "Stage 4294967295",
                Some((Some(u32::MAX), None)),
            ),
            ("Stage {n}", "Stage 4294967296", None),
            ("Stage {n}", "Stage 1 2", None),
            ("aa{n}*", "aaa1", None),
            ("*aa{n}", "aaa1", Some((Some(1), None))),
            ("{x}*", "{x} y", Some((None, None))),
            ("", "", Some((None, None))),
        ] {
            assert_eq!(captured(pattern, heading), expected, "{pattern} {heading}");
        }
    }

    #[test]
    fn no_number_of_wildcards_makes_a_heading_slow() {
        let pattern = format!("{}b", "*a".repeat(500));
        assert_eq!(captured(&pattern, &"a".repeat(1_000)), None);
        assert_eq!(
            captured(&"*".repeat(10_000), &"a".repeat(1_000)),
            Some((None, None))
        );
        let blanks = format!("Date entered \"x{}y\"", " ".repeat(1_000_000));
        assert_eq!(captured("Date entered \"{stage} (*)\"", &blanks), None);
    }
}
