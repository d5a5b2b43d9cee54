//! Puts a row's cells together: which comes first, what adds up, what counts once, what is remembered.

use super::cache::{Cache, Outcome};
use super::{
    Cell, Country, Hash, Key, Normalized, Settings, UserData, birth, browser, click, email, gender,
    hash, ids, name, phone, place, state, text, zip,
};
use crate::cell::is_nothing;
use crate::field::Field;
use crate::problem::Code;

/// Values that a cell of emails or phones may hold. Meta gains nothing from more of one person.
const MOST_VALUES: usize = 20;

/// Bytes that such a cell may have.
const MOST_BYTES: usize = 16 << 10;

/// Reads customer fields; one for each worker thread, as it keeps buffers and the outcome of values that repeat.
pub(crate) struct Normalizer {
    cache: Option<Cache>,
    /// What became of the value read last, if the cache does not keep it.
    outcome: Outcome,
    reader: Reader,
}

/// Reads single values.
struct Reader {
    settings: Settings,
    /// The normal form of the value read last.
    out: String,
}

impl Normalizer {
    /// A reader that remembers values that repeat.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            cache: Some(Cache::default()),
            ..Self::without_cache(settings)
        }
    }

    /// A reader that computes every value anew, with the same results.
    pub(crate) fn without_cache(settings: &Settings) -> Self {
        Self {
            cache: None,
            outcome: Outcome::default(),
            reader: Reader::new(settings),
        }
    }

    /// Fills `user_data`, cleared first, from a row's cells. Every problem goes to `notice` with the field and column.
    ///
    /// The columns of a field add up and duplicates are dropped; of fields with one value the first usable cell counts.
    /// A full name only fills what first and last name left open, a bare click id only a missing `fbc`.
    /// `first_seen_ms` is when the click id was first seen, in Unix milliseconds.
    pub(crate) fn read(
        &mut self,
        cells: &[Cell<'_>],
        first_seen_ms: Option<i64>,
        user_data: &mut UserData,
        notice: &mut dyn FnMut(Code, Field, u32),
    ) {
        user_data.clear();
        // The country first: phones, states and postal codes depend on it.
        let mut country = None;
        for cell in cells.iter().filter(|cell| cell.field == Field::Country) {
            let named = self.add(*cell, cell.text, None, user_data, notice);
            country = country.or(named);
        }
        let country = country.or(self.reader.settings.default_country);
        let code = code_beside(cells);
        let mut has_more = false;
        for cell in cells {
            match cell.field {
                Field::Country => {}
                Field::FullName | Field::Fbclid => has_more = true,
                Field::Phone if code.is_some_and(|(column, _)| column == cell.column) => {}
                Field::Email | Field::Phone => {
                    let code = code.map(|(_, code)| code);
                    let mut add = |part: &str| {
                        let whole = code.filter(|_| cell.field == Field::Phone);
                        let whole = whole.and_then(|code| match code.starts_with('+') {
                            true => phone::under(code, part),
                            false => phone::within(code, part, country),
                        });
                        let part = whole.as_deref().unwrap_or(part);
                        self.add(*cell, part, country, user_data, notice);
                    };
                    if !each_value(*cell, &mut add) {
                        notice(Code::CellOverfull, cell.field, cell.column);
                    }
                }
                _ => _ = self.add(*cell, cell.text, country, user_data, notice),
            }
        }
        if !has_more {
            return;
        }
        for cell in cells {
            let result = match cell.field {
                Field::FullName if !is_nothing(cell.text) => {
                    self.add_full_name(cell.text, user_data)
                }
                Field::Fbclid if user_data.fbc.is_empty() && !is_nothing(cell.text) => {
                    click::fbclid(cell.text, first_seen_ms, &mut user_data.fbc)
                }
                _ => Ok(()),
            };
            if let Err(code) = result {
                notice(code, cell.field, cell.column);
            }
        }
    }

    /// Normalises one value on its own, with the default country for its country: several values when a cell holds
    /// several emails or phones, or a full name, and none when it holds nothing.
    ///
    /// # Errors
    /// The code of the first problem, when the value cannot be used.
    pub(crate) fn values(&self, field: Field, text: &str) -> Result<Vec<Normalized>, Code> {
        if text::is_lost(text) {
            return Err(Code::CellLost);
        }
        let parts: Vec<(Field, &str)> = match field {
            Field::Email | Field::Phone if text.len() > MOST_BYTES => {
                return Err(Code::CellOverfull);
            }
            Field::Email => email::split(text).map(|part| (field, part)).collect(),
            Field::Phone => phone::split(text).map(|part| (field, part)).collect(),
            Field::FullName if hash::read_hashed(text::trim(text))?.is_some() => {
                return Err(Code::FullNameHashed);
            }
            Field::FullName if !is_nothing(text) => {
                let (first, last) = name::split(text);
                vec![(Field::FirstName, first), (Field::LastName, last)]
            }
            _ => vec![(field, text)],
        };
        if parts.len() > MOST_VALUES {
            return Err(Code::CellOverfull);
        }
        let mut values = Vec::new();
        let mut problem = None;
        for (field, part) in parts {
            match self.value(field, part) {
                Ok(value) => values.extend(value),
                Err(code) => problem = problem.or(Some(code)),
            }
        }
        problem
            .filter(|_| values.is_empty())
            .map_or(Ok(values), Err)
    }

    fn value(&self, field: Field, text: &str) -> Result<Option<Normalized>, Code> {
        let text = text::trim(text);
        let Some(key) = Key::of(field).filter(|_| !is_nothing(text)) else {
            return Ok(None);
        };
        if key.is_hashed()
            && let Some(hash) = came_hashed(field, text)?
        {
            return Ok(Some(Normalized {
                key,
                text: None,
                sha256: Some(hash),
            }));
        }
        let mut out = String::new();
        match field {
            Field::LeadId => out.extend(ids::lead_id(text)?.map(|id| id.to_string())),
            Field::Fbc => click::fbc(text, &mut out)?,
            Field::Fbclid => click::fbclid(text, None, &mut out)?,
            Field::Fbp => click::fbp(text, &mut out)?,
            Field::ClientIpAddress => browser::ip_address(text, &mut out)?,
            Field::ClientUserAgent => browser::user_agent(text, &mut out),
            _ => {
                let settings = &self.reader.settings;
                let mut reader = Reader::new(settings);
                reader.normalize(field, text, settings.default_country)?;
                out = reader.out;
            }
        }
        if out.is_empty() {
            return Ok(None);
        }
        let sha256 = key.is_hashed().then(|| Hash::of(&out));
        Ok(Some(Normalized {
            key,
            text: Some(out),
            sha256,
        }))
    }

    /// Adds one value of a cell, and gives the country it names.
    fn add(
        &mut self,
        cell: Cell<'_>,
        text: &str,
        country: Option<Country>,
        user_data: &mut UserData,
        notice: &mut dyn FnMut(Code, Field, u32),
    ) -> Option<Country> {
        let result = match cell.field {
            Field::LeadId if user_data.lead_id.is_none() => {
                ids::lead_id(text).map(|id| user_data.lead_id = id)
            }
            Field::Fbc | Field::Fbp | Field::ClientIpAddress | Field::ClientUserAgent
                if is_nothing(text) =>
            {
                Ok(())
            }
            Field::Fbc if user_data.fbc.is_empty() => {
                click::fbc(text::trim(text), &mut user_data.fbc)
            }
            Field::Fbp if user_data.fbp.is_empty() => {
                click::fbp(text::trim(text), &mut user_data.fbp)
            }
            Field::ClientIpAddress if user_data.client_ip_address.is_empty() => {
                browser::ip_address(text::trim(text), &mut user_data.client_ip_address)
            }
            Field::ClientUserAgent if user_data.client_user_agent.is_empty() => {
                browser::user_agent(text::trim(text), &mut user_data.client_user_agent);
                Ok(())
            }
            field => {
                let key = Key::of(field).filter(|key| key.is_hashed())?;
                let Outcome {
                    hash,
                    problem,
                    country,
                } = self.outcome(field, text, country);
                if let Some(hash) = hash {
                    user_data.add(key, hash);
                }
                if let Some(code) = problem {
                    notice(*code, field, cell.column);
                }
                return *country;
            }
        };
        if let Err(code) = result {
            notice(code, cell.field, cell.column);
        }
        None
    }

    /// Adds first and last name of a full name where there is none yet; what there is to report comes back as an error,
    /// though the names are used.
    fn add_full_name(&mut self, text: &str, user_data: &mut UserData) -> Result<(), Code> {
        if hash::read_hashed(text::trim(text))?.is_some() {
            return Err(Code::FullNameHashed);
        }
        let (first, last) = name::split(text);
        let mut noticed = None;
        for (field, key, name) in [
            (Field::FirstName, Key::Fn, first),
            (Field::LastName, Key::Ln, last),
        ] {
            if user_data.has(key) {
                continue;
            }
            let outcome = self.outcome(field, name, None);
            noticed = noticed.or(outcome.problem);
            if let Some(hash) = &outcome.hash {
                user_data.add(key, hash);
            }
        }
        noticed.map_or(Ok(()), Err)
    }

    /// What becomes of a value that is sent hashed.
    fn outcome(&mut self, field: Field, text: &str, country: Option<Country>) -> &Outcome {
        // Of the fields that repeat, these alone depend on the country.
        let kept = match field {
            Field::State => Some(country),
            Field::FirstName | Field::LastName | Field::Gender | Field::City | Field::Country => {
                Some(None)
            }
            _ => None,
        };
        let Self {
            cache,
            outcome,
            reader,
        } = self;
        match kept.and_then(|country| cache.as_mut()?.entry(field, country, text)) {
            Some(entry) => entry.or_compute(|outcome| reader.read(field, text, country, outcome)),
            None => {
                reader.read(field, text, country, outcome);
                outcome
            }
        }
    }
}

impl Reader {
    fn new(settings: &Settings) -> Self {
        Self {
            settings: settings.clone(),
            out: String::new(),
        }
    }

    /// Says what becomes of a value that is sent hashed.
    fn read(&mut self, field: Field, text: &str, country: Option<Country>, outcome: &mut Outcome) {
        *outcome = Outcome::default();
        let text = text::trim(text);
        if is_nothing(text) {
            return;
        }
        if text.len() >= hash::SHORTEST {
            match came_hashed(field, text) {
                Ok(None) => {}
                Ok(hash) => {
                    outcome.hash = hash;
                    return;
                }
                Err(code) => {
                    outcome.problem = Some(code);
                    return;
                }
            }
        }
        match self.normalize(field, text, country) {
            Ok(problem) => {
                outcome.problem = problem;
                if !self.out.is_empty() {
                    outcome.hash = Some(Hash::of(&self.out));
                }
                if field == Field::Country {
                    outcome.country = Country::parse(&self.out);
                }
            }
            Err(code) => outcome.problem = Some(code),
        }
    }

    /// Writes the normal form of a value that is sent hashed; nothing when it is empty. What there is to report although
    /// the value is used comes back.
    fn normalize(
        &mut self,
        field: Field,
        text: &str,
        country: Option<Country>,
    ) -> Result<Option<Code>, Code> {
        let Self { settings, out } = self;
        out.clear();
        match field {
            Field::Email => {
                email::normalize(text, out)?;
                return Ok(email::is_placeholder(out).then_some(Code::EmailPlaceholder));
            }
            Field::Phone => return phone::normalize(text, country, out),
            Field::FirstName => {
                let (name, had_titles) = name::without_titles(text);
                name::normalize(name, out);
                return Ok(had_titles.then_some(Code::NameTitleDropped));
            }
            Field::LastName => name::normalize(text, out),
            Field::Gender => gender::normalize(text, settings.letter_m, out)?,
            Field::DateOfBirth => {
                birth::normalize(text, settings.date_order, settings.this_year, out)?
            }
            Field::City => place::push_letters(text, out),
            Field::State => state::normalize(text, country, out)?,
            Field::Zip => {
                let repair = zip::normalize(text, country, out);
                return Ok((repair == zip::Repair::LeadingZero).then_some(Code::ZipZeroLost));
            }
            Field::Country => {
                out.push_str(Country::parse(text).ok_or(Code::CountryUnknown)?.code())
            }
            Field::ExternalId => ids::external_id(text, out)?,
            _ => {}
        }
        Ok(None)
    }
}

/// Hands over the emails or phones of a cell. Whether those were all.
fn each_value(cell: Cell<'_>, add: &mut dyn FnMut(&str)) -> bool {
    let mut room = MOST_VALUES;
    let mut add = |part: &str| {
        if room > 0 {
            add(part);
        }
        room = room.checked_sub(1)?;
        Some(())
    };
    let all = match cell.field {
        _ if cell.text.len() > MOST_BYTES => None,
        Field::Email => email::split(cell.text).try_for_each(&mut add),
        _ => phone::split(cell.text).try_for_each(&mut add),
    };
    all.is_some()
}

/// The calling code, or else the area code, that has a cell of its own beside the numbers it belongs to, and its column. An
/// area code stands before its number: behind one such digits are an extension.
fn code_beside<'a>(cells: &[Cell<'a>]) -> Option<(u32, &'a str)> {
    let phones = || cells.iter().filter(|cell| cell.field == Field::Phone);
    // It stands beside a number.
    phones().nth(1)?;
    let code = |cell: &Cell<'_>| Some((cell.column, phone::plain_calling_code(cell.text)?));
    let area = || {
        let first = phones().next()?;
        Some((first.column, phone::area_code(first.text)?))
    };
    let (column, code) = phones().find_map(code).or_else(area)?;
    let has_number = phones().any(|cell| cell.column != column && !is_nothing(cell.text));
    has_number.then_some((column, code))
}

/// The hash a value came as. An external id may be an MD5: it is a text like any other.
fn came_hashed(field: Field, text: &str) -> Result<Option<Hash>, Code> {
    match hash::read_hashed(text) {
        Err(_) if field == Field::ExternalId => Ok(None),
        read => read,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            default_country: None,
            date_order: None,
            this_year: 2026,
            letter_m: crate::customer::LetterM::Man,
        }
    }

    /// The JSON a row becomes, with `sha(…)` in place of the hashes of the texts given, and the codes noticed.
    fn row(
        settings: &Settings,
        cells: &[(Field, &str)],
        texts: &[&str],
    ) -> (String, Vec<(Code, u32)>) {
        let cells: Vec<_> = (0u32..)
            .zip(cells)
            .map(|(column, &(field, text))| Cell {
                field,
                column,
                text,
            })
            .collect();
        let mut user_data = UserData::default();
        user_data.lead_id.replace(1);
        let mut notices = Vec::new();
        let seen = Some(1_554_763_741_205);
        Normalizer::new(settings).read(&cells, seen, &mut user_data, &mut |code, _, column| {
            notices.push((code, column))
        });
        let mut json = Vec::new();
        user_data.write_json(&mut json);
        let mut json = String::from_utf8(json).unwrap();
        for text in texts {
            let hash = Hash::of(text);
            let hex = hash.as_hex();
            json = json.replace(std::str::from_utf8(hex).unwrap(), &format!("sha({text})"));
        }
        (json.replace('"', ""), notices)
    }

    #[test]
    fn the_example_of_every_customer_field_is_usable() {
        let settings = Settings {
            default_country: Country::parse("US"),
            date_order: None,
            this_year: 2026,
            letter_m: crate::customer::LetterM::Man,
        };
        let normalizer = Normalizer::new(&settings);
        let customers = Field::ALL
            .into_iter()
            .filter(|field| field.meta_key().is_some());
        for field in customers.filter(|field| *field != Field::Fbclid) {
            let values = normalizer.values(field, field.example());
            assert!(values.is_ok_and(|values| !values.is_empty()), "{field:?}");
        }
    }

    #[test]
    fn a_row_becomes_what_meta_matches() {
        use Field::*;
        let cells = [
            (LeadId, "l:1234567890123456"),
            (Phone, "(212) 555-0101"),
            (Email, "Ava.Thornton@example.com"),
            (FullName, "Ava Thornton"),
            (City, "New York"),
            (State, "New York"),
            (Zip, "z:10001-1234"),
            (Country, "United States"),
            (ExternalId, "00Q5E"),
            (Gender, "Female"),
            (DateOfBirth, "2/16/1997"),
            (Fbclid, "IwAR1"),
            (Fbp, "fb.1.1596403881668.1116446470"),
            (ClientIpAddress, "203.0.113.7"),
            (ClientUserAgent, "Mozilla/5.0"),
        ];
        let texts = [
            "12125550101",
            "ava.thornton@example.com",
            "ava",
            "thornton",
            "newyork",
            "ny",
            "10001",
            "us",
            "00q5e",
            "f",
            "19970216",
        ];
        let (json, notices) = row(&settings(), &cells, &texts);
        assert_eq!(
            json,
            "{client_ip_address:203.0.113.7,client_user_agent:Mozilla/5.0,country:[sha(us)],ct:[sha(newyork)],\
             db:[sha(19970216)],em:[sha(ava.thornton@example.com)],external_id:[sha(00q5e)],fbc:fb.1.1554763741205.IwAR1,\
             fbp:fb.1.1596403881668.1116446470,fn:[sha(ava)],ge:[sha(f)],lead_id:1234567890123456,ln:[sha(thornton)],\
             ph:[sha(12125550101)],st:[sha(ny)],zp:[sha(10001)]}"
        );
        assert_eq!(notices, []);
    }

    #[test]
    fn a_calling_code_in_a_cell_of_its_own_belongs_to_the_number_beside_it() {
        for (code, number, whole) in [
            ("+43", "664 1234567", "436641234567"),
            ("0043", "0664 1234567", "436641234567"),
            ("United Arab Emirates (+971)", "501234560", "971501234560"),
            ("+91", "919812345678", "919812345678"),
            ("+44", "+12125550101", "12125550101"),
            ("+1", "(212) 555-0101", "12125550101"),
        ] {
            let cells = [(Field::Phone, code), (Field::Phone, number)];
            let american = Settings {
                default_country: Country::parse("US"),
                ..settings()
            };
            let expected = format!("{{ph:[sha({whole})]}}");
            let row = row(&american, &cells, &[whole]);
            assert_eq!(row, (expected, Vec::new()), "{code} {number}");
        }
        let cells = [(Field::Phone, "+43"), (Field::Phone, "-")];
        let (_, notices) = row(&settings(), &cells, &[]);
        assert_eq!(notices, [(Code::PhoneInvalid, 0)], "a code alone");
    }

    #[test]
    fn an_area_code_in_a_cell_of_its_own_belongs_to_the_number_behind_it() {
        for (country, area, number, whole) in [
            ("DE", "0171", "2345678", "491712345678"),
            ("DE", "171", "2345678", "491712345678"),
            ("DE", "0171", "0160 2345678", "491602345678"),
            ("BR", "(11)", "98765-4321", "5511987654321"),
            ("US", "212", "555-0101", "12125550101"),
            ("US", "1234", "650 555 1212", "16505551212"),
            ("IT", "06", "69812345", "390669812345"),
        ] {
            let cells = [(Field::Phone, area), (Field::Phone, number)];
            let national = Settings {
                default_country: Country::parse(country),
                ..settings()
            };
            let expected = format!("{{ph:[sha({whole})]}}");
            let row = row(&national, &cells, &[whole]);
            assert_eq!(row, (expected, Vec::new()), "{area} {number}");
        }
        let cells = [(Field::Phone, "0171"), (Field::Phone, "2345678")];
        let (_, notices) = row(&settings(), &cells, &[]);
        assert_eq!(
            notices,
            [(Code::PhoneCountryMissing, 1)],
            "of no known country"
        );
    }

    #[test]
    fn columns_of_a_field_add_up_and_duplicates_are_sent_once() {
        use Field::*;
        let cells = [
            (Email, "a@example.com; b@example.com,A@example.com"),
            (Email, "b@example.com"),
            (Email, "c@example.com; nobody"),
            (Phone, "+16505551212"),
            (Phone, "+1 650 555 1212, +1 212 555 0101"),
        ];
        let texts = [
            "a@example.com",
            "b@example.com",
            "c@example.com",
            "16505551212",
            "12125550101",
        ];
        let (json, notices) = row(&settings(), &cells, &texts);
        assert_eq!(
            json,
            "{em:[sha(a@example.com),sha(b@example.com),sha(c@example.com)],ph:[sha(16505551212),sha(12125550101)]}"
        );
        assert_eq!(notices, [(Code::EmailInvalid, 2)]);
    }

    #[test]
    fn the_country_of_the_row_or_else_the_default_decides_about_phones() {
        use Field::*;
        let british = Settings {
            default_country: "GB".parse().ok(),
            ..settings()
        };
        for (cells, expected, codes) in [
            (
                &[(Phone, "07911 123456"), (Country, "UK")][..],
                "{country:[sha(gb)],ph:[sha(447911123456)]}",
                &[][..],
            ),
            (
                &[(Phone, "07911 123456"), (Country, "")],
                "{ph:[sha(447911123456)]}",
                &[],
            ),
            (
                &[(Phone, "07911 123456"), (Country, "Narnia")],
                "{ph:[sha(447911123456)]}",
                &[(Code::CountryUnknown, 1)],
            ),
            (
                &[(Phone, "0650 555 1212"), (Country, "US")],
                "{country:[sha(us)]}",
                &[(Code::PhoneInvalid, 0)],
            ),
        ] {
            let (json, notices) = row(&british, cells, &["gb", "us", "447911123456"]);
            assert_eq!((json.as_str(), &notices[..]), (expected, codes));
        }
        let (json, notices) = row(&settings(), &[(Phone, "07911 123456")], &[]);
        assert_eq!(
            (json.as_str(), &notices[..]),
            ("{}", &[(Code::PhoneCountryMissing, 0)][..])
        );
    }

    #[test]
    fn values_that_come_hashed_pass_next_to_plain_ones() {
        use Field::*;
        let hash = Hash::of("mary");
        let hex = std::str::from_utf8(hash.as_hex()).unwrap();
        let upper = format!(" {} ", hex.to_uppercase());
        let cells = [
            (FirstName, upper.as_str()),
            (LastName, "Mary"),
            (Email, hex),
            (Phone, hex),
            (Country, hex),
            (FullName, hex),
        ];
        let (json, notices) = row(&settings(), &cells, &["mary"]);
        assert_eq!(
            json,
            "{country:[sha(mary)],em:[sha(mary)],fn:[sha(mary)],ln:[sha(mary)],ph:[sha(mary)]}"
        );
        assert_eq!(notices, [(Code::FullNameHashed, 5)]);
        for weak in [&hex[..32], &hex[..40]] {
            let (json, notices) = row(
                &settings(),
                &[(Email, weak), (Phone, weak), (FirstName, weak), (Zip, weak)],
                &[],
            );
            assert_eq!(json, "{}");
            assert_eq!(
                notices,
                [0, 1, 2, 3].map(|column| (Code::HashNotSha256, column))
            );
        }
    }

    #[test]
    fn a_cell_holds_at_most_twenty_values_and_16_kilobytes() {
        use Field::*;
        let addresses = |count: usize| -> String {
            (0..count)
                .map(|number| format!("{number}@example.com;"))
                .collect()
        };
        let read = |cell: &str| {
            let (json, notices) = row(&settings(), &[(Email, cell)], &[]);
            (json.matches(',').count() + 1, notices)
        };
        assert_eq!(read(&addresses(20)), (20, vec![]));
        assert_eq!(read(&addresses(21)), (20, vec![(Code::CellOverfull, 0)]));
        let numbers = vec!["+1 212 555 0101"; 21].join(" / ");
        let (_, notices) = row(&settings(), &[(Phone, &numbers)], &[]);
        assert_eq!(notices, [(Code::CellOverfull, 0)]);
        for cell in ["<;", ";", "\"", "1/1/", ",,", "\n"] {
            let (json, notices) = row(&settings(), &[(Email, &cell.repeat(17_000))], &[]);
            assert_eq!(
                (json.as_str(), notices),
                ("{}", vec![(Code::CellOverfull, 0)])
            );
        }
        let normalizer = Normalizer::new(&settings());
        assert_eq!(
            normalizer.values(Email, &addresses(21)),
            Err(Code::CellOverfull)
        );
    }

    #[test]
    fn cells_that_say_nothing_are_absent_without_a_word() {
        for text in ["", " ", "N/A", "null", "-", "########", "\u{a0}"] {
            let cells: Vec<_> = Field::ALL.into_iter().map(|field| (field, text)).collect();
            assert_eq!(
                row(&settings(), &cells, &[]),
                ("{}".to_owned(), Vec::new()),
                "{text:?}"
            );
        }
    }

    #[test]
    fn first_usable_lead_id_and_click_id_count() {
        use Field::*;
        let cells = [
            (Fbclid, "IwAR1"),
            (LeadId, "1.23457E+15"),
            (LeadId, "1234567890123456"),
            (LeadId, "junk"),
            (Fbc, "fb.1.1554763741000.AbC"),
        ];
        let (json, notices) = row(&settings(), &cells, &[]);
        assert_eq!(
            json,
            "{fbc:fb.1.1554763741000.AbC,lead_id:1234567890123456}"
        );
        assert_eq!(notices, [(Code::LeadIdPrecisionLost, 1)]);
    }

    #[test]
    fn no_value_shows_when_something_is_printed_for_debugging() {
        let normalizer = Normalizer::new(&settings());
        let cell = Cell {
            field: Field::Email,
            column: 0,
            text: "mary@example.com",
        };
        let mut user_data = UserData::default();
        user_data.fbc.push_str("fb.1.1554763741205.Mary");
        let printed = format!(
            "{cell:?} {:?} {user_data:?}",
            normalizer.values(cell.field, cell.text)
        );
        assert!(
            printed.contains("Em") && !printed.to_lowercase().contains("mary"),
            "{printed}"
        );
    }

    #[test]
    fn a_full_name_fills_only_what_is_missing() {
        use Field::*;
        let cells = [(FullName, "Ava M. Thornton"), (FirstName, "Ava")];
        assert_eq!(
            row(&settings(), &cells, &["ava", "thornton"]).0,
            "{fn:[sha(ava)],ln:[sha(thornton)]}"
        );
        assert_eq!(
            row(&settings(), &[(FullName, "Thornton, N/A")], &["thornton"]).0,
            "{ln:[sha(thornton)]}"
        );
    }

    #[test]
    fn placeholders_and_repaired_codes_are_sent_and_noticed() {
        use Field::*;
        let cells = [
            (Email, "noemail@example.com"),
            (Zip, "2134"),
            (Country, "US"),
        ];
        let (json, notices) = row(&settings(), &cells, &["noemail@example.com", "02134", "us"]);
        assert_eq!(
            json,
            "{country:[sha(us)],em:[sha(noemail@example.com)],zp:[sha(02134)]}"
        );
        assert_eq!(
            notices,
            [(Code::EmailPlaceholder, 0), (Code::ZipZeroLost, 1)]
        );
    }

    #[test]
    fn single_values_come_with_their_text_and_hash() {
        let normalizer = Normalizer::new(&settings());
        let plain = |key, text: &str| Normalized {
            key,
            text: Some(text.to_owned()),
            sha256: Some(Hash::of(text)),
        };
        assert_eq!(
            normalizer
                .values(Field::Email, "a@example.com;B@example.com")
                .unwrap(),
            [
                plain(Key::Em, "a@example.com"),
                plain(Key::Em, "b@example.com")
            ]
        );
        assert_eq!(
            normalizer.values(Field::FullName, "Thornton, Ava").unwrap(),
            [plain(Key::Fn, "ava"), plain(Key::Ln, "thornton")]
        );
        assert_eq!(
            normalizer.values(Field::State, "California").unwrap(),
            [plain(Key::St, "ca")]
        );
        let lead_id = Normalized {
            key: Key::LeadId,
            text: Some("1234567890123456".to_owned()),
            sha256: None,
        };
        assert_eq!(
            normalizer
                .values(Field::LeadId, "l:1234567890123456")
                .unwrap(),
            [lead_id]
        );
        let hashed = Normalized {
            key: Key::Em,
            text: None,
            sha256: Some(Hash::of("mary")),
        };
        let hex = String::from_utf8(Hash::of("mary").as_hex().to_vec()).unwrap();
        assert_eq!(normalizer.values(Field::Email, &hex).unwrap(), [hashed]);
        assert_eq!(normalizer.values(Field::Email, " N/A "), Ok(Vec::new()));
        assert_eq!(normalizer.values(Field::Gender, "other"), Ok(Vec::new()));
        assert_eq!(
            normalizer.values(Field::Phone, "(650) 555-1212"),
            Err(Code::PhoneCountryMissing)
        );
        assert_eq!(
            normalizer.values(Field::Fbclid, "IwAR1"),
            Err(Code::FbclidTimeMissing)
        );
        assert_eq!(normalizer.values(Field::EventName, "Lead"), Ok(Vec::new()));
    }
}
