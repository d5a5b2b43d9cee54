//! Numbering plans: which national numbers of a calling code are in use, by the tables of libphonenumber.
//!
//! The library asks a dozen regular expressions for each number. Here the expressions of a region become one automaton
//! over digits, built when the first number of its calling code comes, with the same verdict on every number. The table
//! is written by `tests/differential/plans.py`; the tests hold it against the library.

use std::collections::HashMap;
use std::sync::OnceLock;

use regex_syntax::hir::{Class, Hir, HirKind};

use super::country::Country;

/// One line a region, the main one of its calling code first.
const TABLE: &str = include_str!("numbering.tsv");

/// The plans that share a calling code, the main one first.
pub(super) struct CallingCode {
    /// In digits.
    pub(super) code: String,
    plans: Vec<Plan>,
}

/// The plan of one region.
pub(super) struct Plan {
    region: &'static str,
    /// Bit 0 is any number of the region, the others are the kinds of numbers there are.
    numbers: Automaton,
    /// For each bit the lengths that the kind can have, as bits.
    lengths: Vec<u32>,
    /// Digits that numbers of this region alone begin with.
    leading: Option<Automaton>,
    /// What is dialled before a national number, and what of it is only left out.
    national_prefix: Option<[Automaton; 2]>,
    /// What is dialled before a foreign number.
    international_prefix: Option<Automaton>,
}

/// A calling code of three digits at most with its `+`, where there are numbers under it.
pub(super) fn with_plus(digits: &str) -> Option<&'static str> {
    static CODES: OnceLock<HashMap<&str, String>> = OnceLock::new();
    let codes = CODES.get_or_init(|| {
        let of_lines = TABLE.lines().filter_map(|line| line.split('\t').next());
        of_lines.map(|code| (code, format!("+{code}"))).collect()
    });
    codes.get(digits).map(String::as_str)
}

const HIGHEST_CODE: usize = 999;

impl CallingCode {
    /// The plans of a calling code in digits; none where there are none.
    pub(super) fn of(code: &str) -> Option<&'static Self> {
        static CODES: [OnceLock<Option<CallingCode>>; HIGHEST_CODE + 1] =
            [const { OnceLock::new() }; HIGHEST_CODE + 1];
        let number: usize = code.parse().ok().filter(|_| !code.starts_with('0'))?;
        let place = CODES.get(number)?;
        place.get_or_init(|| Self::build(code)).as_ref()
    }

    /// The plans of a country.
    pub(super) fn of_country(country: Country) -> Option<(&'static Self, &'static Plan)> {
        /// By the country's two letters.
        static PLANS: [OnceLock<Option<(&CallingCode, &Plan)>>; 26 * 26] =
            [const { OnceLock::new() }; 26 * 26];
        let letter = |byte: u8| usize::from(byte.wrapping_sub(b'a'));
        let [first, second] = *country.code().as_bytes() else {
            return None;
        };
        let place = PLANS.get(letter(first) * 26 + letter(second))?;
        *place.get_or_init(|| {
            let has_region = |line: &&str| {
                (line.split('\t').nth(1))
                    .is_some_and(|region| region.eq_ignore_ascii_case(country.code()))
            };
            let (code, _) = TABLE.lines().find(has_region)?.split_once('\t')?;
            let code = Self::of(code)?;
            let is_wanted = |plan: &&Plan| plan.region.eq_ignore_ascii_case(country.code());
            Some((code, code.plans.iter().find(is_wanted)?))
        })
    }

    /// The plans of the calling code that an international number begins with.
    pub(super) fn leading(digits: &str) -> Option<&'static Self> {
        (1..=3).find_map(|length| Self::of(digits.get(..length)?))
    }

    fn build(code: &str) -> Option<Self> {
        let of_code = |line: &'static str| line.strip_prefix(code)?.strip_prefix('\t');
        let plans: Option<Vec<Plan>> = TABLE.lines().filter_map(of_code).map(Plan::build).collect();
        plans.filter(|plans| !plans.is_empty()).map(|plans| Self {
            code: code.to_owned(),
            plans,
        })
    }

    /// The plan that international numbers with this code are read by.
    pub(super) fn main(&self) -> &Plan {
        &self.plans[0]
    }

    /// Whether a national number is in use anywhere under this code.
    pub(super) fn is_valid(&self, national: &str) -> bool {
        if let [only] = self.plans.as_slice() {
            return only.has(national);
        }
        for plan in &self.plans {
            if plan.has(national) {
                return true;
            }
            // The number belongs there, and is none there.
            let leading = plan.leading.as_ref();
            if leading.is_some_and(|leading| leading.begins(national)) {
                return false;
            }
        }
        false
    }
}

impl Plan {
    fn build(line: &'static str) -> Option<Self> {
        let cells: Vec<&str> = line.split('\t').collect();
        let [region, leading, prefix, abroad, ref kinds @ ..] = cells[..] else {
            return None;
        };
        let (kinds, _) = kinds.as_chunks::<2>();
        let patterns: Vec<&str> = kinds.iter().map(|[_, pattern]| *pattern).collect();
        let bits = |lengths: &str| {
            let each = lengths.split(',').filter_map(|length| length.parse().ok());
            each.filter_map(|length| 1u32.checked_shl(length))
                .fold(0, |all, bit| all | bit)
        };
        let one = |pattern: &str, captures| match pattern {
            "" => Some(None),
            pattern => Automaton::of(&[pattern], captures).map(Some),
        };
        Some(Self {
            region,
            numbers: Automaton::of(&patterns, true)?,
            lengths: kinds.iter().map(|[lengths, _]| bits(lengths)).collect(),
            leading: one(leading, true)?,
            national_prefix: one(prefix, true)?
                .zip(one(prefix, false)?)
                .map(<[Automaton; 2]>::from),
            international_prefix: one(abroad, true)?,
        })
    }

    /// Whether the region has a number of some kind.
    fn has(&self, national: &str) -> bool {
        let kinds = self.numbers.whole(national);
        let fits = |kind: usize| kinds >> kind & 1 != 0 && self.has_length(kind, national.len());
        fits(0) && (1..self.lengths.len()).any(fits)
    }

    fn has_length(&self, kind: usize, length: usize) -> bool {
        length < 32 && self.lengths[kind] >> length & 1 != 0
    }

    /// Whether the region has numbers as long as this one.
    pub(super) fn is_possible(&self, national: &str) -> bool {
        self.has_length(0, national.len())
    }

    /// Whether a number has the form that all numbers of the region have.
    fn is_general(&self, national: &str) -> bool {
        self.numbers.whole(national) & 1 != 0
    }

    /// A number without what is dialled before it; none where there may be more to do than to leave that out.
    pub(super) fn without_prefix<'a>(&self, dialled: &'a str) -> Option<&'a str> {
        let Some([any, left_out]) = &self.national_prefix else {
            return Some(dialled);
        };
        match (any.ends(dialled), left_out.ends(dialled)) {
            ((0, _), _) => Some(dialled),
            ((1, end), (1, other)) if end == other => Some(&dialled[end..]),
            _ => None,
        }
    }

    /// The national number that was dialled at home, where its reading is beyond doubt.
    pub(super) fn national<'a>(&self, dialled: &'a str, calling_code: &str) -> Option<&'a str> {
        let goes_abroad = |prefix: &Automaton| prefix.begins(dialled);
        if self.international_prefix.as_ref().is_some_and(goes_abroad) {
            return None;
        }
        let national = self.without_prefix(dialled)?;
        let is_whole = national.len() == dialled.len();
        (self.is_general(national) && (is_whole || !dialled.starts_with(calling_code)))
            .then_some(national)
    }
}

/// Expressions over digits, as one table: a row for each state, a column for each digit.
struct Automaton {
    next: Vec<[u16; 10]>,
    /// The expressions that match when the text ends here, as bits.
    accepts: Vec<u16>,
}

/// No expression can match any more.
const DEAD: u16 = 0;
const START: u16 = 1;

impl Automaton {
    /// None for expressions of another make than those of numbering plans. Without `captures` what stands in a group that
    /// is captured never matches.
    fn of(patterns: &[&str], captures: bool) -> Option<Self> {
        let mut parts = Parts {
            captures,
            parts: Vec::new(),
        };
        let mut starts = Vec::new();
        for (bit, pattern) in patterns.iter().enumerate() {
            // A kind that a region does not have.
            if pattern.is_empty() {
                continue;
            }
            let end = parts.add(Part::Accept(1 << bit));
            let hir = regex_syntax::parse(pattern).ok()?;
            starts.push(parts.compile(&hir, end)?);
        }
        parts.determine(&starts)
    }

    /// The state that a digit leads to.
    #[inline]
    fn after(&self, state: u16, digit: u8) -> u16 {
        let digits = &self.next[usize::from(state)];
        let digit = usize::from(digit.wrapping_sub(b'0'));
        digits.get(digit).copied().unwrap_or(DEAD)
    }

    /// The expressions that match the text from end to end, as bits.
    fn whole(&self, text: &str) -> u16 {
        let mut state = START;
        for digit in text.bytes() {
            state = self.after(state, digit);
        }
        self.accepts[usize::from(state)]
    }

    /// At how many places a match that begins with the text may end, and the last of them.
    fn ends(&self, text: &str) -> (usize, usize) {
        let (mut count, mut last, mut state) = (0, 0, START);
        for end in 0..=text.len() {
            if state == DEAD {
                break;
            }
            if self.accepts[usize::from(state)] != 0 {
                (count, last) = (count + 1, end);
            }
            if let Some(digit) = text.as_bytes().get(end) {
                state = self.after(state, *digit);
            }
        }
        (count, last)
    }

    /// Whether an expression matches the beginning of the text.
    fn begins(&self, text: &str) -> bool {
        let mut state = START;
        let mut digits = text.bytes();
        loop {
            if self.accepts[usize::from(state)] != 0 {
                return true;
            }
            match digits.next() {
                Some(digit) if state != DEAD => state = self.after(state, digit),
                _ => return false,
            }
        }
    }
}

/// An expression taken apart, each part knowing what follows it.
struct Parts {
    parts: Vec<Part>,
    captures: bool,
}

enum Part {
    /// One of these digits, as bits, then the part.
    Digit(u16, usize),
    /// Any of these parts.
    Either(Vec<usize>),
    Accept(u16),
}

impl Parts {
    fn add(&mut self, part: Part) -> usize {
        self.parts.push(part);
        self.parts.len() - 1
    }

    /// The part that begins the expression, `end` being what follows it.
    fn compile(&mut self, hir: &Hir, end: usize) -> Option<usize> {
        Some(match hir.kind() {
            HirKind::Empty => end,
            HirKind::Literal(literal) => {
                let mut next = end;
                for byte in literal.0.iter().rev() {
                    let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
                    next = self.add(Part::Digit(1 << digit, next));
                }
                next
            }
            HirKind::Class(class) => {
                let has = |digit: char| match class {
                    Class::Unicode(class) => {
                        (class.iter()).any(|range| (range.start()..=range.end()).contains(&digit))
                    }
                    Class::Bytes(class) => (class.iter())
                        .any(|range| (range.start()..=range.end()).contains(&(digit as u8))),
                };
                let digits = ('0'..='9')
                    .enumerate()
                    .filter(|(_, digit)| has(*digit))
                    .fold(0, |all, (digit, _)| all | 1 << digit);
                self.add(Part::Digit(digits, end))
            }
            HirKind::Capture(_) if !self.captures => self.add(Part::Digit(0, end)),
            HirKind::Capture(group) => self.compile(&group.sub, end)?,
            HirKind::Concat(parts) => {
                let mut next = end;
                for part in parts.iter().rev() {
                    next = self.compile(part, next)?;
                }
                next
            }
            HirKind::Alternation(parts) => {
                let parts: Option<Vec<_>> =
                    parts.iter().map(|part| self.compile(part, end)).collect();
                self.add(Part::Either(parts?))
            }
            HirKind::Repetition(repeated) => {
                let mut next = end;
                // Plans count their digits; a number has at most 17 of them.
                let most = repeated.max.unwrap_or(repeated.min.max(17));
                for _ in repeated.min..most {
                    let once = self.compile(&repeated.sub, next)?;
                    next = self.add(Part::Either(vec![once, end]));
                }
                for _ in 0..repeated.min {
                    next = self.compile(&repeated.sub, next)?;
                }
                next
            }
            // The end of the number, in a few prefixes: without it they match more, and the library decides.
            HirKind::Look(_) => end,
        })
    }

    /// The parts that wait for a digit or accept, from these on.
    fn waiting(&self, starts: &[usize]) -> Vec<usize> {
        let (mut waiting, mut open) = (Vec::new(), starts.to_vec());
        while let Some(part) = open.pop() {
            match &self.parts[part] {
                Part::Either(parts) => open.extend(parts),
                _ => waiting.push(part),
            }
        }
        waiting.sort_unstable();
        waiting.dedup();
        waiting
    }

    /// One state for each set of parts that can be reached together.
    fn determine(&self, starts: &[usize]) -> Option<Automaton> {
        let mut automaton = Automaton {
            next: vec![[DEAD; 10]; 2],
            accepts: vec![0; 2],
        };
        let first = self.waiting(starts);
        let mut known = HashMap::from([(Vec::new(), DEAD), (first.clone(), START)]);
        let mut open = vec![(first, START)];
        while let Some((parts, state)) = open.pop() {
            let accepts = parts.iter().map(|part| match self.parts[*part] {
                Part::Accept(bit) => bit,
                _ => 0,
            });
            automaton.accepts[usize::from(state)] = accepts.fold(0, |all, bit| all | bit);
            for digit in 0..10 {
                let reached: Vec<usize> = parts
                    .iter()
                    .filter_map(|part| match self.parts[*part] {
                        Part::Digit(digits, next) if digits >> digit & 1 != 0 => Some(next),
                        _ => None,
                    })
                    .collect();
                let reached = self.waiting(&reached);
                let next = match known.get(&reached) {
                    Some(next) => *next,
                    None => {
                        let next = u16::try_from(automaton.next.len()).ok()?;
                        automaton.next.push([DEAD; 10]);
                        automaton.accepts.push(0);
                        known.insert(reached.clone(), next);
                        open.push((reached, next));
                        next
                    }
                };
                automaton.next[usize::from(state)][digit] = next;
            }
        }
        Some(automaton)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber};

    use super::*;

    /// Every calling code there is.
    fn codes() -> Vec<i32> {
        let mut codes: Vec<i32> = PHONE_NUMBER_UTIL.get_supported_calling_codes().collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    fn by_the_library(code: i32, national: &str) -> bool {
        let zeros = national.bytes().take_while(|digit| *digit == b'0').count();
        let zeros = zeros.min(national.len() - 1);
        let mut number = PhoneNumber {
            country_code: code,
            national_number: national.parse().unwrap(),
            ..PhoneNumber::default()
        };
        if zeros > 0 {
            number.italian_leading_zero = Some(true);
            number.number_of_leading_zeros = Some(zeros as i32);
        }
        PHONE_NUMBER_UTIL.is_valid_number(&number)
    }

    #[test]
    fn every_calling_code_has_its_automata() {
        let codes = codes();
        assert!(codes.len() > 200);
        for code in codes {
            assert!(CallingCode::of(&code.to_string()).is_some(), "{code}");
        }
        assert!(CallingCode::of("999").is_none());
    }

    /// Judges one in so many of the numbers at the bounds of every plan; gives how many there are, and how many of those
    /// judged are in use.
    fn judge_bounds(sample: u32) -> (u32, u32) {
        let mut judged = 0u32;
        let mut valid = 0u32;
        for code in codes() {
            let plans = CallingCode::of(&code.to_string()).unwrap();
            // A walk through the automaton of each plan reaches each of its states once.
            for plan in &plans.plans {
                let mut paths = vec![None; plan.numbers.next.len()];
                paths[usize::from(START)] = Some(String::new());
                let mut open = vec![START];
                while let Some(state) = open.pop() {
                    let path = paths[usize::from(state)].clone().unwrap();
                    for digit in 0..10 {
                        let next = usize::from(plan.numbers.next[usize::from(state)][digit]);
                        let text = format!("{path}{digit}");
                        // The library writes out at most ten zeros in front.
                        let is_sound = text.len() <= 17 && !text.starts_with("00000000000");
                        if is_sound && judged.is_multiple_of(sample) {
                            let expected = by_the_library(code, &text);
                            assert_eq!(plans.is_valid(&text), expected, "+{code} {text}");
                            valid += u32::from(expected);
                        }
                        judged += 1;
                        if next != usize::from(DEAD) && paths[next].is_none() {
                            paths[next] = Some(text);
                            open.push(next as u16);
                        }
                    }
                }
            }
        }
        (judged, valid)
    }

    #[test]
    fn numbers_at_the_bounds_of_every_plan_are_judged_as_the_library_judges_them() {
        let (judged, valid) = judge_bounds(7);
        assert!(valid > 100, "{valid} of {judged}");
    }

    #[test]
    #[ignore = "takes minutes, and is run weekly"]
    fn millions_of_numbers_are_judged_as_the_library_judges_them() {
        const EACH: u32 = 20_000;
        let (judged, valid) = judge_bounds(1);
        let mut random = fastrand::Rng::with_seed(7);
        let mut valid_at_random = 0u32;
        for code in codes() {
            let plans = CallingCode::of(&code.to_string()).unwrap();
            for _ in 0..EACH {
                let digits = random.usize(4..=15);
                let national: String = (0..digits).map(|_| random.digit(10)).collect();
                let expected = by_the_library(code, &national);
                assert_eq!(plans.is_valid(&national), expected, "+{code} {national}");
                valid_at_random += u32::from(expected);
            }
        }
        println!(
            "{judged} at the bounds, {valid} of them in use; {EACH} for each code, {valid_at_random} of them in use"
        );
    }

    proptest! {
        #[test]
        fn numbers_at_random_are_judged_as_the_library_judges_them(
            code in any::<prop::sample::Index>(), national in "[0-9]{4,15}",
        ) {
            let codes = codes();
            let code = codes[code.index(codes.len())];
            let plans = CallingCode::of(&code.to_string()).unwrap();
            prop_assert_eq!(plans.is_valid(&national), by_the_library(code, &national), "+{} {}", code, national);
        }
    }
}
