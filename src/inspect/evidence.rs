//! What the cells of each column hold, judged by the parsers that read them in earnest.
//!
//! In go the first rows of an export, out comes one [`Evidence`] a column: counts, the form of one value, and the
//! texts of columns that have few different ones. No value of a person is kept.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use jiff::tz::TimeZone;
use unicode_normalization::char::is_combining_mark;

use super::mask::mask;
use super::words::{Heading, TimeKind, sounds_like_a_stage, sounds_technical};
use crate::cell::is_nothing;
use crate::custom_data::{currency, money};
use crate::customer::{Country, Normalizer, Settings, area_code, calling_code};
use crate::field::Field;
use crate::mapping::consents;
use crate::problem::Code;
use crate::report::names::Names;
use crate::source::{Chunk, Header};
use crate::time::{TimeReader, is_clock, is_serial};

/// What a cell can read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Email,
    /// A phone number, with its country or without.
    Phone,
    /// A phone number that says itself that it is one.
    PlainPhone,
    LeadId,
    /// A time that is not just a number.
    Time,
    /// A text in the form of a date that is none, such as one of the 31st of February.
    NoDate,
    /// Digits alone that may be seconds or milliseconds since 1970.
    Epoch,
    /// A number as spreadsheets keep dates by, of about now: `46346.58854`.
    Serial,
    /// A time of day, and no date.
    Clock,
    Country,
    /// A country by a name of more than three letters.
    CountryName,
    Currency,
    Amount,
    Gender,
    Fbc,
    Fbp,
    Fbclid,
    IpAddress,
    UserAgent,
    /// Letters, as in names of people and places.
    Letters,
    /// Letters of several words.
    Words,
    /// A short code with a digit in it, as postal codes are.
    Postcode,
    /// A text with a word that names of stages have.
    StageName,
    /// A status that systems keep for themselves.
    Technical,
    /// As many digits as phones have, whatever the numbering plan says.
    PhoneLike,
    /// The calling code of a country, and nothing else.
    CallingCode,
    /// As many digits as an area code has, and nothing else.
    AreaCode,
    /// A calling code with its `+`.
    PlainCallingCode,
    /// An address of the web, or a path of one.
    Link,
    /// Digits alone.
    Number,
    /// A date that may lie long ago.
    Birth,
    /// An answer to whether a lead agrees.
    Consent,
    /// Meta's lead id in the form of its own download: `l:1234567890123456`.
    MarkedLeadId,
    /// Parts set off from each other, as in the title of a deal: `Roof - Ava Moss`.
    Title,
    /// A number that a spreadsheet rounded: `1.23457E+15`.
    LostLeadId,
}

/// Names of stages are no longer than so many letters on average.
const LONGEST_STAGE: usize = 40;
/// No funnel has more stages.
const MAX_STAGES: usize = 40;

const KINDS: usize = Kind::LostLeadId as usize + 1;

/// What one text reads as.
#[derive(Clone, Copy, Default)]
struct Reading {
    /// A bit for each kind.
    kinds: u64,
    /// A phone whose country nothing in the text tells.
    lacks_country: bool,
}

impl Reading {
    fn note(&mut self, kind: Kind, holds: bool) {
        self.kinds |= u64::from(holds) << kind as u8;
    }

    /// The kinds that it reads as, each as its place among all.
    fn kinds(self) -> impl Iterator<Item = usize> {
        (0..KINDS).filter(move |kind| self.kinds >> kind & 1 != 0)
    }
}

/// What one column holds.
pub(super) struct Evidence {
    /// The column's heading.
    pub heading: Heading,
    /// Rows looked at.
    pub rows: usize,
    /// Cells that hold something.
    pub filled: usize,
    /// The letters of all of them.
    length: usize,
    /// How many of them are different.
    pub distinct: usize,
    /// The form of the first value.
    pub form: String,
    /// The texts, as long as they are few.
    pub texts: Names<u64>,
    /// Phones whose country nothing in the cell tells.
    pub phones_without_country: usize,
    counts: [usize; KINDS],
    /// What the different texts read as, by their hashes: most columns repeat theirs.
    seen: HashMap<u64, Reading>,
    /// How often texts of several words begin and end with the same one.
    edges: [HashMap<u64, usize>; 2],
}

impl Evidence {
    fn of(heading: &str) -> Self {
        Self {
            heading: Heading::of(heading),
            rows: 0,
            length: 0,
            filled: 0,
            distinct: 0,
            form: String::new(),
            texts: Names::default(),
            phones_without_country: 0,
            counts: [0; KINDS],
            seen: HashMap::new(),
            edges: [HashMap::new(), HashMap::new()],
        }
    }

    /// How many cells read as this.
    pub(super) fn count(&self, kind: Kind) -> usize {
        self.counts[kind as usize]
    }

    /// The share of filled cells that read as this, 0 to 1.
    pub(super) fn share(&self, kind: Kind) -> f64 {
        if self.filled == 0 {
            0.0
        } else {
            self.count(kind) as f64 / self.filled as f64
        }
    }

    /// The share of rows that have a value, 0 to 1.
    pub(super) fn fill(&self) -> f64 {
        if self.rows == 0 {
            0.0
        } else {
            self.filled as f64 / self.rows as f64
        }
    }

    /// Whether the column holds times that its heading speaks of: as texts, or as seconds since 1970.
    pub(super) fn holds_named_times(&self) -> bool {
        let is_named = !matches!(self.heading.time_kind(None), None | Some(TimeKind::Unknown));
        // A clear heading is believed though many of its values are no good.
        let is_poor = self.share(Kind::Time) >= 0.5;
        let is_epoch = self.share(Kind::Epoch) >= 0.8 && self.heading.says(Field::Phone).is_none();
        let is_serial = self.share(Kind::Serial) >= 0.95;
        self.holds_times() || is_named && (is_poor || is_epoch || is_serial)
    }

    /// Whether the column holds times. Among dates, seconds since 1970 are times too, and dates that are none spoil no
    /// column.
    pub(super) fn holds_times(&self) -> bool {
        let dates = self.share(Kind::Time);
        let alike = dates + self.share(Kind::NoDate) + self.share(Kind::Epoch);
        self.filled > 0 && (dates >= 0.8 || dates >= 0.3 && alike >= 0.8)
    }

    /// Whether some of the values are times, though the column cannot be said to hold them.
    pub(super) fn holds_few_times(&self) -> bool {
        let alike = self.count(Kind::Time) + self.count(Kind::NoDate);
        !self.holds_named_times() && alike as f64 >= 0.2 * self.filled.max(1) as f64
    }

    /// Whether the texts are titles, of deals or tasks, and no names of people: most have parts that are set off from each
    /// other, or begin or end with the same word.
    pub(super) fn holds_titles(&self) -> bool {
        let most = |edge: &HashMap<u64, usize>| edge.values().copied().max().unwrap_or(0);
        let is_alike =
            self.distinct >= 4 && (self.edges.iter()).any(|edge| most(edge) * 5 >= self.filled * 4);
        self.share(Kind::Title) >= 0.3 || is_alike
    }

    /// Whether half of the texts, or of the different ones, have a word that names of stages have.
    pub(super) fn holds_some_stages(&self) -> bool {
        let (texts, _) = self.texts.shown();
        let sound = texts.iter().filter(|(text, _)| sounds_like_a_stage(text));
        self.share(Kind::StageName) >= 0.5 || sound.count() * 2 >= texts.len().max(1)
    }

    /// Whether the column could hold stages: a few texts that come again and again, and are nothing else.
    pub(super) fn could_be_stages(&self) -> bool {
        // Where the heading says that they are stages, a short export may hold each of them once.
        let few_rows = if self.heading.stage_rank() >= 3 {
            40
        } else {
            10
        };
        let is_few = self.distinct >= 1
            && self.distinct <= MAX_STAGES
            && (self.filled < few_rows || self.distinct * 2 <= self.filled);
        let is_text = self.length > self.filled * LONGEST_STAGE || self.share(Kind::Link) > 0.1;
        let is_else = [
            Kind::Email,
            Kind::LeadId,
            Kind::Time,
            Kind::Clock,
            Kind::Fbclid,
        ]
        .into_iter()
        .any(|kind| self.share(kind) > 0.3)
            || self.share(Kind::Country) > 0.8 && self.heading.stage_rank() < 3;
        // Stages are numbers only where the heading says that they are.
        let is_number = self.share(Kind::Amount) > 0.3 || self.share(Kind::Phone) > 0.3;
        let is_else = is_else || is_text || is_number && self.heading.stage_rank() < 4;
        let is_yes_or_no = self.distinct <= 2
            && self.texts.shown().0.iter().all(|(text, _)| {
                let answers = [
                    "true", "false", "yes", "no", "ja", "nein", "oui", "non", "si", "sí", "sim",
                    "não", "nao",
                ];
                answers.contains(&text.to_lowercase().as_str())
            });
        is_few && !is_else && !is_yes_or_no
    }

    /// How a field's values read: cells that do, out of those filled. None for fields that take any text.
    pub(super) fn reads_as(&self, field: Field) -> Option<usize> {
        let kind = match field {
            Field::LeadId => Kind::LeadId,
            Field::Email => Kind::Email,
            Field::Phone => {
                let codes = self
                    .count(Kind::CallingCode)
                    .max(self.count(Kind::AreaCode));
                return Some(self.count(Kind::Phone).max(codes));
            }
            Field::DateOfBirth => Kind::Birth,
            Field::EventTime | Field::CreatedTime | Field::ClickTime => {
                let kinds = [Kind::Time, Kind::Epoch, Kind::Serial, Kind::Clock];
                return Some(kinds.into_iter().map(|kind| self.count(kind)).sum());
            }
            Field::Country => Kind::Country,
            Field::Currency => Kind::Currency,
            Field::Value => Kind::Amount,
            Field::Gender => Kind::Gender,
            Field::Fbc => Kind::Fbc,
            Field::Fbp => Kind::Fbp,
            Field::Fbclid => Kind::Fbclid,
            Field::ClientIpAddress => Kind::IpAddress,
            Field::ClientUserAgent => Kind::UserAgent,
            Field::FirstName | Field::LastName | Field::FullName | Field::City => Kind::Letters,
            Field::Zip => Kind::Postcode,
            Field::Consent | Field::OptOut => Kind::Consent,
            _ => return None,
        };
        Some(self.count(kind))
    }

    fn add(&mut self, text: &str, hasher: &RandomState, judge: &mut Judge) {
        let hash = hasher.hash_one(text);
        self.note_edges(text, hasher);
        self.filled += 1;
        self.length += text.chars().count();
        if self.form.is_empty() {
            self.form = mask(text);
        }
        let text = text.trim();
        *self.texts.counter(text) += 1;
        let reading = match self.seen.get(&hash) {
            Some(reading) => *reading,
            None => {
                self.distinct += 1;
                let reading = judge.judge(text, self.may_be_stages());
                self.seen.insert(hash, reading);
                reading
            }
        };
        for kind in reading.kinds() {
            let is_of_stages = kind == Kind::StageName as usize || kind == Kind::Technical as usize;
            let counts = !is_of_stages || self.may_be_stages();
            self.counts[kind] += usize::from(counts);
        }
        self.phones_without_country += usize::from(reading.lacks_country);
    }

    /// More different texts than a funnel has stages are none.
    fn may_be_stages(&self) -> bool {
        self.distinct <= MAX_STAGES
    }
}

impl Evidence {
    /// Counts the first word and the last one, but for the form of address that stands before a name.
    fn note_edges(&mut self, text: &str, hasher: &RandomState) {
        let mut words = text.split_whitespace();
        let (Some(first), Some(last)) = (words.next(), words.next_back()) else {
            return;
        };
        let is_address = first.ends_with('.')
            || [
                "mr", "mrs", "ms", "miss", "dr", "herr", "frau", "mme", "dhr", "mevr", "pan",
                "pani",
            ]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(first));
        if !is_address && text.len() <= 80 {
            for (edge, word) in self.edges.iter_mut().zip([first, last]) {
                *edge.entry(hasher.hash_one(word)).or_default() += 1;
            }
        }
    }
}

/// Reads cells by the parsers of the pipeline.
struct Judge {
    normalizer: Normalizer,
    times: TimeReader,
}

impl Judge {
    /// What a text reads as; the words of stages are looked for only where the column may hold them.
    fn judge(&mut self, text: &str, may_be_stage: bool) -> Reading {
        let mut reading = Reading::default();
        let mut lacks_country = false;
        self.judge_all(
            text,
            &mut |kind, holds| reading.note(kind, holds),
            &mut lacks_country,
        );
        if may_be_stage && text.len() <= 60 {
            reading.note(Kind::StageName, sounds_like_a_stage(text));
            reading.note(Kind::Technical, sounds_technical(text));
        }
        Reading {
            lacks_country,
            ..reading
        }
    }

    fn judge_all(
        &mut self,
        text: &str,
        note: &mut dyn FnMut(Kind, bool),
        lacks_country: &mut bool,
    ) {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let letters = text.chars().filter(|letter| letter.is_alphabetic()).count();
        self.judge_ids(text, digits, note);
        let is_code = (1..6).contains(&digits) && calling_code(text).is_some();
        note(Kind::CallingCode, is_code);
        note(Kind::AreaCode, area_code(text).is_some());
        note(Kind::PlainCallingCode, is_code && text.contains('+'));
        note(Kind::PhoneLike, (7..=34).contains(&digits) && letters <= 6);
        if (6..=60).contains(&digits) && letters <= 6 {
            *lacks_country = self.judge_phone(text, note);
        }
        if digits > 0 {
            self.judge_number(text, letters, note);
        }
        if digits == 0 && text.len() <= 60 {
            let is_country = Country::parse(text).is_some();
            note(Kind::Country, is_country);
            note(Kind::CountryName, is_country && letters > 3);
            note(
                Kind::Currency,
                letters > 0 && letters <= 20 && currency(text).is_ok_and(|found| found.is_some()),
            );
        }
        judge_words(text, digits, letters, note);
        note(Kind::Consent, text.len() <= 60 && consents(text).is_some());
    }

    fn reads(&self, field: Field, text: &str) -> bool {
        let values = self.normalizer.values(field, text);
        values.is_ok_and(|values| !values.is_empty())
    }

    /// Values that say themselves what they are.
    fn judge_ids(&self, text: &str, digits: usize, note: &mut dyn FnMut(Kind, bool)) {
        note(Kind::Link, is_link(text));
        note(Kind::Number, digits > 0 && digits == text.len());
        note(
            Kind::Email,
            text.contains('@') && self.reads(Field::Email, text),
        );
        let lead_id = || self.normalizer.values(Field::LeadId, text);
        let is_lost = digits > 0 && lead_id() == Err(Code::LeadIdPrecisionLost);
        note(Kind::LostLeadId, is_lost);
        let is_lead_id = digits >= 15 && self.reads(Field::LeadId, text);
        note(Kind::LeadId, is_lead_id);
        note(Kind::MarkedLeadId, is_lead_id && text.starts_with("l:"));
        let is_cookie = text.starts_with("fb.");
        note(Kind::Fbc, is_cookie && self.reads(Field::Fbc, text));
        note(Kind::Fbp, is_cookie && self.reads(Field::Fbp, text));
        note(
            Kind::IpAddress,
            text.contains(['.', ':']) && self.reads(Field::ClientIpAddress, text),
        );
        note(Kind::UserAgent, text.starts_with("Mozilla/"));
        note(Kind::Fbclid, is_click_id(text));
        note(
            Kind::Gender,
            text.len() < 24 && self.reads(Field::Gender, text),
        );
    }

    /// Whether the text is a phone, and lacks a country.
    fn judge_phone(&self, text: &str, note: &mut dyn FnMut(Kind, bool)) -> bool {
        let phone = self.normalizer.values(Field::Phone, text);
        let lacks_country = phone
            .as_ref()
            .is_err_and(|code| *code == Code::PhoneCountryMissing);
        let is_phone = lacks_country || phone.is_ok_and(|values| !values.is_empty());
        note(Kind::Phone, is_phone);
        let start = text.trim_start_matches("p:").trim_start_matches('\'');
        let speaks = start.starts_with('+') || start.starts_with("00") || start.starts_with('(');
        note(Kind::PlainPhone, is_phone && speaks);
        lacks_country
    }

    /// Whether a time lies less than three years back, and no more than one ahead.
    fn is_recent(&mut self, text: &str) -> bool {
        const YEAR: i64 = 366 * 86_400;
        let now = self.times.now();
        let Ok(Some(reading)) = self.times.read(text) else {
            return false;
        };
        (now - 3 * YEAR..now + YEAR).contains(&reading.moment.seconds)
    }

    /// Times and amounts.
    fn judge_number(&mut self, text: &str, letters: usize, note: &mut dyn FnMut(Kind, bool)) {
        let is_time = !matches!(
            self.times.read(text),
            Ok(None) | Err(Code::TimeMalformed | Code::TimePrecisionLost)
        );
        let is_serial = is_serial(text);
        note(Kind::Serial, is_serial && self.is_recent(text));
        note(Kind::Clock, !is_time && is_clock(text));
        let is_number = is_serial || text.bytes().all(|byte| byte.is_ascii_digit());
        note(Kind::Time, is_time && !is_number);
        note(Kind::NoDate, !is_time && has_form_of_a_date(text));
        note(Kind::Epoch, is_time && is_number && !is_serial);
        // A date of birth lies further back than any event.
        let is_birth = text.len() <= 30 && self.reads(Field::DateOfBirth, text);
        note(Kind::Birth, is_time && !is_number || is_birth);
        let is_amount =
            letters <= 4 && money(text, None, None).is_ok_and(|amount| amount.is_some());
        note(Kind::Amount, is_amount && (!is_time || is_number));
    }
}

/// Whether a text begins with three groups of digits as dates do, the year first or last.
fn has_form_of_a_date(text: &str) -> bool {
    let date = text.split([' ', 'T']).next().unwrap_or_default();
    let groups: Vec<&str> = date.trim_end_matches('.').split(['.', '/', '-']).collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let is_digits = groups
        .iter()
        .all(|group| group.bytes().all(|byte| byte.is_ascii_digit()));
    is_digits && matches!(lengths[..], [4, 1..=2, 1..=2] | [1..=2, 1..=2, 2 | 4])
}

/// Names of people and places, and postal codes.
fn judge_words(text: &str, digits: usize, letters: usize, note: &mut dyn FnMut(Kind, bool)) {
    let is_of_name = |c: char| {
        c.is_alphabetic()
            || c.is_whitespace()
            || is_combining_mark(c)
            || matches!(c, '\'' | '’' | '-' | '.' | ',')
    };
    let is_letters = letters > 0 && text.chars().all(is_of_name);
    note(Kind::Letters, is_letters && text.len() <= 80);
    // Chinese, Japanese and Korean names have no space between their parts.
    let is_unparted = letters >= 2 && text.chars().all(|letter| letter >= '\u{2e80}');
    note(
        Kind::Words,
        is_letters && (text.split_whitespace().count() >= 2 || is_unparted),
    );
    let marks = [" - ", " – ", " — ", " | ", " / ", " > ", ": ", " #"];
    note(
        Kind::Title,
        letters > 0 && text.len() <= 120 && marks.iter().any(|mark| text.contains(mark)),
    );
    let is_code = |c: char| c.is_alphanumeric() || " -:".contains(c);
    note(
        Kind::Postcode,
        digits > 0 && text.len() <= 12 && text.chars().all(is_code),
    );
}

/// Whether a text is one of the click ids that Meta puts into addresses.
fn is_click_id(text: &str) -> bool {
    let id = text.split_once("fbclid=").map_or(text, |(_, id)| id);
    let starts = ["IwAR", "IwY2", "IwZX", "PAAa", "PAY2", "PAZX"]
        .iter()
        .any(|start| id.starts_with(start));
    (starts || id.len() < text.len()) && id.len() >= 20
}

/// Whether a text is an address of the web, or a path of one.
fn is_link(text: &str) -> bool {
    text.contains("://") || text.starts_with("www.") || text.starts_with('/') && text.len() > 1
}

/// The path of a list of objects in a file that was read as one record, where nothing outside of it says who somebody is:
/// then the objects are rather the records.
pub(super) fn list_in_one_record(header: &Header, evidence: &[Evidence]) -> Option<String> {
    let is_one = evidence.first().is_some_and(|column| column.rows == 1);
    let paths = || header.columns.iter().filter(|_| is_one);
    let list_of = |path: &String| path.split_once(".1.").map(|(list, _)| list.to_owned());
    let of_list = |list: &str| {
        paths()
            .filter(|path| list_of(path).as_deref() == Some(list))
            .count()
    };
    let list = paths()
        .filter_map(list_of)
        .max_by_key(|list| of_list(list))?;
    let says_who = |(path, column): (&String, &Evidence)| {
        let kinds = [Kind::Email, Kind::LeadId, Kind::PlainPhone];
        !path.starts_with(&list) && kinds.iter().any(|kind| column.count(*kind) > 0)
    };
    let is_told_outside = header.columns.iter().zip(evidence).any(says_who);
    (of_list(&list) >= FEWEST_OF_A_RECORD && !is_told_outside).then_some(list)
}

/// So many columns are the fewest of a record of a lead.
const FEWEST_OF_A_RECORD: usize = 5;

/// The evidence of the rows looked at.
pub(super) struct Sample {
    /// One for each column.
    pub columns: Vec<Evidence>,
    judge: Judge,
    hasher: RandomState,
}

impl Sample {
    /// No evidence yet. `now` is in Unix seconds.
    pub(super) fn new(header: &Header, customer: &Settings, now: i64) -> Self {
        Self {
            columns: header
                .columns
                .iter()
                .map(|heading| Evidence::of(heading))
                .collect(),
            judge: Judge {
                normalizer: Normalizer::new(customer),
                times: TimeReader::new(TimeZone::UTC, true, None, now),
            },
            hasher: RandomState::new(),
        }
    }

    /// Looks at rows.
    pub(super) fn observe(&mut self, chunk: &Chunk) {
        for row in chunk.rows().filter(|row| row.refused().is_none()) {
            for (column, evidence) in self.columns.iter_mut().enumerate() {
                let text = row.cell(column as u32);
                evidence.rows += 1;
                if !is_nothing(text) {
                    evidence.add(text, &self.hasher, &mut self.judge);
                }
            }
        }
    }

    /// The first heading that is a person's value: the file then has no row of headings.
    pub(super) fn value_among_headings(&self, header: &Header) -> Option<(usize, &'static str)> {
        header
            .columns
            .iter()
            .enumerate()
            .find_map(|(index, heading)| {
                let reads = |field| {
                    self.judge
                        .normalizer
                        .values(field, heading)
                        .is_ok_and(|values| !values.is_empty())
                };
                match () {
                    () if heading.contains('@') && reads(Field::Email) => {
                        Some((index, "an email address"))
                    }
                    () if reads(Field::LeadId) => Some((index, "a lead id")),
                    () if heading.starts_with(['+', '(']) && reads(Field::Phone) => {
                        Some((index, "a phone number"))
                    }
                    () => None,
                }
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(heading: &str, cells: &[&str]) -> Evidence {
        let header = Header {
            columns: vec![heading.to_owned()],
        };
        let settings = Settings {
            default_country: None,
            date_order: None,
            this_year: 2026,
            letter_m: crate::customer::LetterM::Man,
        };
        let mut sample = Sample::new(&header, &settings, 1_795_305_600);
        let mut chunk = Chunk::default();
        for (row, cell) in (2..).zip(cells) {
            chunk.push(row, None, [*cell]);
        }
        sample.observe(&chunk);
        sample.columns.remove(0)
    }

    #[test]
    fn cells_are_counted_by_what_they_read_as() {
        let emails = column(
            "x",
            &[
                "ava@example.com",
                "bo@example.org; cy@example.org",
                "-",
                "",
                "none of these",
            ],
        );
        assert_eq!((emails.filled, emails.count(Kind::Email)), (3, 2));
        let phones = column("x", &["+12125550101", "(212) 555-0101", "27410000"]);
        assert_eq!(
            (
                phones.count(Kind::PlainPhone),
                phones.phones_without_country > 0
            ),
            (2, true)
        );
        assert_eq!(
            column("x", &["1234567890123456", "l:987654321098765", "123"]).count(Kind::LeadId),
            2
        );
        let times = column(
            "x",
            &["03/04/2026", "2026-11-20T14:03:00Z", "1795305600", "Ava"],
        );
        assert_eq!((times.count(Kind::Time), times.count(Kind::Epoch)), (2, 1));
        assert_eq!(
            column("x", &["Deutschland", "FR", "Elsewhere"]).count(Kind::Country),
            2
        );
    }

    #[test]
    fn leads_listed_inside_of_one_record_are_noticed() {
        let of = |first: &str| {
            let leads = (0..2).flat_map(|at| {
                let fields = ["id", "name", "stage", "at", "email"];
                fields.map(|field| format!("boards.0.items.{at}.{field}"))
            });
            let columns: Vec<String> = [first.to_owned()].into_iter().chain(leads).collect();
            let cells = ["x@example.com"; 11];
            let header = Header { columns };
            let settings = Settings {
                default_country: None,
                date_order: None,
                this_year: 2026,
                letter_m: crate::customer::LetterM::Man,
            };
            let mut sample = Sample::new(&header, &settings, 1_795_305_600);
            let mut chunk = Chunk::default();
            chunk.push(1, None, cells);
            sample.observe(&chunk);
            list_in_one_record(&header, &sample.columns)
        };
        assert_eq!(of("boards.0.items.0.owner"), Some("boards.0.items".into()));
        assert_eq!(of("email"), None, "the record of one lead");
    }

    #[test]
    fn serial_numbers_of_dates_are_times_under_a_heading_that_says_so() {
        let serials = ["46338.59171", "46339.5", "46340"];
        assert!(column("Status Changed", &serials).holds_named_times());
        assert!(!column("Revenue", &serials).holds_named_times());
        assert!(!column("Status Changed", &["10001", "20002"]).holds_named_times());
    }

    #[test]
    fn a_text_that_comes_again_counts_again_as_all_that_it_reads_as() {
        let cells = ["FR", "Won", "FR", "27410000", "Won", "27410000", "FR"];
        let column = column("x", &cells);
        let counts =
            [Kind::Country, Kind::StageName, Kind::PhoneLike].map(|kind| column.count(kind));
        assert_eq!((counts, column.distinct), ([3, 2, 2], 3));
        assert_eq!(column.phones_without_country, 2);
    }

    #[test]
    fn words_of_stages_count_as_long_as_there_may_be_stages() {
        let mut cells: Vec<String> = (0..MAX_STAGES)
            .map(|index| format!("Won {index}"))
            .collect();
        cells.push(cells[0].clone());
        let sound = |cells: &[String]| {
            let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
            column("x", &cells).count(Kind::StageName)
        };
        assert_eq!(sound(&cells), MAX_STAGES + 1);
        cells.extend(["Won at last".to_owned(), cells[0].clone()]);
        assert_eq!(sound(&cells), MAX_STAGES + 1, "more are no funnel's");
    }

    #[test]
    fn few_texts_that_come_again_could_be_stages() {
        let stages: Vec<&str> = ["Neu", "Angebot", "Gewonnen"]
            .into_iter()
            .cycle()
            .take(30)
            .collect();
        assert!(column("x", &stages).could_be_stages());
        let people: Vec<String> = (0..30).map(|index| format!("Person {index}")).collect();
        assert!(
            !column("x", &people.iter().map(String::as_str).collect::<Vec<_>>()).could_be_stages()
        );
        assert!(!column("x", &["true", "false", "true"]).could_be_stages());
    }

    #[test]
    fn only_the_form_of_a_value_is_kept() {
        assert_eq!(column("x", &["ava@example.com"]).form, "•••@•••.•••");
    }
}
