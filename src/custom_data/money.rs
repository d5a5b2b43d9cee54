//! Amounts of money as CRMs and spreadsheets show them.
//!
//! The point of the exercise is the decimal mark. Two kinds of marks, a mark that stands twice, or digits that make
//! no group of three leave one reading. `1,234` has two: the other amounts of its column decide, and the habit of the
//! currency that stands beside it or in its own column. It is refused where they disagree, or nothing tells.

use iso_currency::Currency;

use super::currency::{Sign, habit, sign};
use super::{Amount, DecimalMark};
use crate::cell::is_nothing;
use crate::problem::Code;

/// More is no amount; bounds the work on a cell that holds prose.
const MOST_MARKS: usize = 8;

/// An amount, with its currency where the cell names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Money {
    /// How much.
    pub amount: Amount,
    /// Of what; `$` alone does not tell.
    pub currency: Option<Currency>,
}

impl Money {
    /// Joins the amount with the currency of the row's own column or of the settings.
    ///
    /// Errors: [`Code::ValueWithoutCurrency`] if neither names one, [`Code::ValueCurrencyConflict`] if they differ.
    pub(crate) fn in_currency(self, other: Option<Currency>) -> Result<(Amount, Currency), Code> {
        match (self.currency, other) {
            (Some(own), Some(other)) if own != other => Err(Code::ValueCurrencyConflict),
            (own, other) => own
                .or(other)
                .map(|currency| (self.amount, currency))
                .ok_or(Code::ValueWithoutCurrency),
        }
    }
}

/// Reads an amount; None where the cell says that there is none. `currency` is what the row says in another column or the
/// settings say for all rows, `of_column` the decimal mark of the other amounts in its column.
///
/// Errors: [`Code::ValueAmbiguous`], [`Code::ValueNegative`], [`Code::ValueMalformed`], [`Code::ValueCurrencyConflict`].
pub(crate) fn money(
    text: &str,
    currency: Option<Currency>,
    of_column: Option<DecimalMark>,
) -> Result<Option<Money>, Code> {
    let text = bare(text);
    if is_nothing(text) {
        return Ok(None);
    }
    let cell = Cell::of(text).ok_or(Code::ValueMalformed)?;
    let (front, back) = (beside(cell.front)?, beside(cell.back)?);
    let own = match (front, back) {
        (Some(Sign::Currency(front)), Some(Sign::Currency(back))) if front != back => {
            return Err(Code::ValueCurrencyConflict);
        }
        (Some(Sign::Currency(currency)), _) | (_, Some(Sign::Currency(currency))) => Some(currency),
        _ => None,
    };
    let habit = match (front.or(back), own.or(currency)) {
        // Behind the amount the euro is written as on the continent; in front of it Dublin and Amsterdam differ.
        (_, Some(Currency::EUR)) if cell.back == "€" => Some(DecimalMark::Comma),
        (_, Some(currency)) => habit(currency),
        (Some(Sign::Shared(mark)), None) => Some(mark),
        _ => None,
    };
    let decimals = own.or(currency).and_then(Currency::exponent);
    let amount = amount(cell.number, |mark| {
        let by_column = of_column.map(|decimal| mark == decimal);
        let by_currency = match (habit, decimals) {
            (_, Some(0)) => Some(false),
            (Some(habit), _) if mark != habit => Some(false),
            (Some(_), Some(3)) => Some(true),
            _ => None,
        };
        match (by_column, by_currency) {
            (Some(column), Some(currency)) if column != currency => Err(Code::ValueAmbiguous),
            (column, currency) => column.or(currency).ok_or(Code::ValueAmbiguous),
        }
    })?;
    if cell.is_negative && !amount.is_zero() {
        return Err(Code::ValueNegative);
    }
    Ok(Some(Money {
        amount,
        currency: own,
    }))
}

/// What the marks of an amount can mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readings {
    /// There are none, or it is no amount.
    None,
    /// They have one reading, by which this is the decimal mark.
    One(DecimalMark),
    /// The only mark stands before three digits.
    Both,
}

/// What the marks of a cell can mean, whatever stands around it.
pub(super) fn readings(text: &str) -> Readings {
    let Some(cell) = Cell::of(bare(text)) else {
        return Readings::None;
    };
    let mut is_unclear = false;
    let read = amount(cell.number, |_| {
        is_unclear = true;
        Ok(true)
    });
    let marks = || {
        let separators = cell.number.chars().filter_map(Separator::of);
        separators.filter_map(|separator| match separator {
            Separator::Mark(mark) => Some(mark),
            Separator::Space | Separator::Apostrophe => None,
        })
    };
    let (first, last) = (marks().next(), marks().next_back());
    match (first, last) {
        _ if read.is_err() => Readings::None,
        _ if is_unclear => Readings::Both,
        // A mark that stands twice parts thousands, so the other one is for decimals.
        (Some(first), Some(last)) if first == last && marks().count() > 1 => {
            Readings::One(last.other())
        }
        (_, Some(last)) => Readings::One(last),
        _ => Readings::None,
    }
}

/// A cell without what spreadsheets put in front of a text.
fn bare(text: &str) -> &str {
    text.trim().trim_start_matches('\'')
}

/// A cell taken apart.
struct Cell<'a> {
    front: &'a str,
    number: &'a str,
    back: &'a str,
    is_negative: bool,
}

impl<'a> Cell<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let first = text.find(|letter: char| letter.is_ascii_digit())?;
        let end = text.rfind(|letter: char| letter.is_ascii_digit())? + 1;
        // In `.50` the point belongs to the number, in `Rs.50` to the currency.
        let start = match text[..first].strip_suffix(['.', ',']) {
            Some(front)
                if !front.ends_with(|letter: char| letter.is_alphabetic() || letter == '/') =>
            {
                first - 1
            }
            _ => first,
        };
        let (front, back) = (text[..start].trim(), &text[end..]);
        // 50,- and 50.– are whole units.
        let back = match back.strip_prefix(['.', ',']) {
            Some(dashes) if dashes.starts_with(is_dash) => {
                dashes.trim_start_matches(is_dash).trim()
            }
            _ => back.trim(),
        };
        let (front, has_opening) = without(front, |letter| letter == '(');
        let (back, has_closing) = without(back, |letter| letter == ')');
        let (front, has_minus) = without(front, is_dash);
        let (back, has_trailing_minus) = without(back, is_dash);
        let (front, has_plus) = without(front, |letter| letter == '+');
        let signs = [has_opening, has_minus, has_trailing_minus, has_plus];
        if has_opening != has_closing || signs.into_iter().filter(|is_there| *is_there).count() > 1
        {
            return None;
        }
        Some(Self {
            front,
            number: &text[start..end],
            back,
            is_negative: signs[..3].contains(&true),
        })
    }
}

fn is_dash(letter: char) -> bool {
    matches!(letter, '-' | '\u{2212}' | '\u{2013}' | '\u{2014}')
}

/// Takes one such sign from either end.
fn without(text: &str, is_sign: impl Fn(char) -> bool + Copy) -> (&str, bool) {
    match text
        .strip_prefix(is_sign)
        .or_else(|| text.strip_suffix(is_sign))
    {
        Some(rest) => (rest.trim(), true),
        None => (text, false),
    }
}

fn beside(text: &str) -> Result<Option<Sign>, Code> {
    if text.is_empty() {
        return Ok(None);
    }
    sign(text).map(Some).ok_or(Code::ValueMalformed)
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Separator {
    Mark(DecimalMark),
    Space,
    Apostrophe,
}

impl Separator {
    fn of(letter: char) -> Option<Self> {
        match letter {
            '.' => Some(Separator::Mark(DecimalMark::Point)),
            ',' => Some(Separator::Mark(DecimalMark::Comma)),
            '\'' | '’' | '`' | '´' => Some(Separator::Apostrophe),
            _ if letter.is_whitespace() => Some(Separator::Space),
            _ => None,
        }
    }
}

/// Reads digits and separators. `is_decimal` is asked about a mark that may be either.
fn amount(
    text: &str,
    is_decimal: impl FnOnce(DecimalMark) -> Result<bool, Code>,
) -> Result<Amount, Code> {
    let mut separators = [(Separator::Space, 0); MOST_MARKS];
    let mut count = 0;
    for (at, letter) in text
        .char_indices()
        .filter(|(_, letter)| !letter.is_ascii_digit())
    {
        let separator = Separator::of(letter).ok_or(Code::ValueMalformed)?;
        *separators.get_mut(count).ok_or(Code::ValueMalformed)? = (separator, at);
        count += 1;
    }
    let separators = &separators[..count];
    let fraction_at = match separators {
        [] => None,
        [.., (last, at)] => {
            let others = &separators[..count - 1];
            match last {
                Separator::Mark(mark) if others.is_empty() => {
                    let is_fraction = !groups_are_right(text) || is_decimal(*mark)?;
                    is_fraction.then_some(*at)
                }
                Separator::Mark(_) if !others.iter().any(|(other, _)| other == last) => Some(*at),
                _ => None,
            }
        }
    };
    let (whole, fraction) = match fraction_at {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    };
    let is_uniform = separators
        .iter()
        .filter(|(_, at)| Some(*at) != fraction_at)
        .all(|(separator, _)| *separator == separators[0].0);
    if !is_uniform
        || whole.contains(|letter: char| !letter.is_ascii_digit()) && !groups_are_right(whole)
    {
        return Err(Code::ValueMalformed);
    }
    Amount::from_digits(
        whole.bytes().filter(u8::is_ascii_digit),
        fraction.as_bytes(),
    )
    .ok_or(Code::ValueMalformed)
}

/// Whether what stands between the separators can be groups of thousands: 1,234,567 or, as in India, 12,34,567.
fn groups_are_right(text: &str) -> bool {
    let mut groups = text.split(|letter: char| !letter.is_ascii_digit());
    let first = groups.next().unwrap_or_default();
    if !(1..=3).contains(&first.len()) || first.starts_with('0') {
        return false;
    }
    let Some(last) = groups.next_back() else {
        return true;
    };
    last.len() == 3
        && (groups.clone().all(|group| group.len() == 3) || groups.all(|group| group.len() == 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<String, Code> {
        money(text, None, None).map(|money| money.map(shown).unwrap_or_default())
    }

    fn shown(money: Money) -> String {
        let code = money
            .currency
            .map(|currency| format!(" {}", currency.code()))
            .unwrap_or_default();
        format!("{}{code}", money.amount)
    }

    #[test]
    fn amounts_with_one_reading_are_read_exactly() {
        for (text, expected) in [
            ("$1,234.50", "1234.5"),
            ("1.234,50 €", "1234.5 EUR"),
            ("1 234,50", "1234.5"),
            ("1\u{a0}234,50\u{a0}€", "1234.5 EUR"),
            ("1\u{202f}234\u{202f}567,8", "1234567.8"),
            ("CHF 1'234.50", "1234.5 CHF"),
            ("1’234’567", "1234567"),
            ("4800.0", "4800"),
            ("12500.5", "12500.5"),
            ("0", "0"),
            ("0.00", "0"),
            ("-0.00", "0"),
            (".5", "0.5"),
            ("0,125", "0.125"),
            ("1,23", "1.23"),
            ("1,2345", "1.2345"),
            ("1234,567", "1234.567"),
            ("1,234,567", "1234567"),
            ("1.234.567", "1234567"),
            ("1.234.567,89", "1234567.89"),
            ("₹12,34,567.50", "1234567.5 INR"),
            ("USD 1,234.50", "1234.5 USD"),
            ("1234.5 usd", "1234.5 USD"),
            ("$1,234.50 USD", "1234.5 USD"),
            ("R$ 2.500,00", "2500 BRL"),
            ("Rs.500", "500"),
            ("S/.500", "500 PEN"),
            ("zł 5", "5 PLN"),
            ("50,- €", "50 EUR"),
            ("CHF 50.–", "50 CHF"),
            ("+5", "5"),
            ("'5", "5"),
            ("", ""),
            ("N/A", ""),
            ("-", ""),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn one_mark_before_three_digits_is_decided_by_what_is_known() {
        for (text, currency, expected) in [
            ("1,234", None, Err(Code::ValueAmbiguous)),
            ("1.234", None, Err(Code::ValueAmbiguous)),
            ("$1,234", None, Ok("1234")),
            ("$1.234", None, Err(Code::ValueAmbiguous)),
            ("1.234 €", None, Ok("1234 EUR")),
            ("1,234 €", None, Err(Code::ValueAmbiguous)),
            ("€1,234", None, Err(Code::ValueAmbiguous)),
            ("R$ 1.234", None, Ok("1234 BRL")),
            ("1,234", Some(Currency::USD), Ok("1234")),
            ("1.234", Some(Currency::USD), Err(Code::ValueAmbiguous)),
            ("1.234", Some(Currency::EUR), Err(Code::ValueAmbiguous)),
            ("1.234", Some(Currency::KWD), Ok("1.234")),
            ("KWD 1.234", None, Ok("1.234 KWD")),
            ("1,234 KWD", None, Ok("1234 KWD")),
            ("1,234.500", Some(Currency::KWD), Ok("1234.5")),
            // The yen has no smaller unit, whatever the mark.
            ("1,234", Some(Currency::JPY), Ok("1234")),
            ("1.234", Some(Currency::JPY), Ok("1234")),
            ("¥1,234", Some(Currency::JPY), Ok("1234")),
            ("1,234円", None, Ok("1234 JPY")),
        ] {
            let read =
                money(text, currency, None).map(|money| money.map(shown).unwrap_or_default());
            assert_eq!(
                read.as_deref().map_err(|code| *code),
                expected,
                "{text} {currency:?}"
            );
        }
    }

    #[test]
    fn one_mark_before_three_digits_is_decided_by_its_column_unless_the_currency_objects() {
        use DecimalMark::*;
        for (text, currency, column, expected) in [
            ("1.234", None, Comma, Ok("1234")),
            ("1.234", None, Point, Ok("1.234")),
            ("1,234", None, Point, Ok("1234")),
            ("1.234", Some(Currency::EUR), Comma, Ok("1234")),
            ("1.234", Some(Currency::USD), Comma, Ok("1234")),
            ("1,234 €", None, Point, Ok("1234 EUR")),
            ("$1,234", None, Comma, Err(Code::ValueAmbiguous)),
            (
                "1.234",
                Some(Currency::BRL),
                Point,
                Err(Code::ValueAmbiguous),
            ),
            (
                "1.234",
                Some(Currency::KWD),
                Comma,
                Err(Code::ValueAmbiguous),
            ),
            (
                "1.234",
                Some(Currency::JPY),
                Point,
                Err(Code::ValueAmbiguous),
            ),
            // What has one reading keeps it.
            ("1,234.50", None, Comma, Ok("1234.5")),
            ("99,9", None, Point, Ok("99.9")),
        ] {
            let read = money(text, currency, Some(column));
            let read = read.map(|money| money.map(shown).unwrap_or_default());
            assert_eq!(
                read.as_deref().map_err(|code| *code),
                expected,
                "{text} {currency:?} {column:?}"
            );
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for (text, expected) in [
            ("-5", Code::ValueNegative),
            ("(1,234.50)", Code::ValueNegative),
            ("-$5", Code::ValueNegative),
            ("$-5", Code::ValueNegative),
            ("5.00-", Code::ValueNegative),
            ("€ 5 USD", Code::ValueCurrencyConflict),
            ("high", Code::ValueMalformed),
            ("1.5k", Code::ValueMalformed),
            ("10%", Code::ValueMalformed),
            ("1.2E+05", Code::ValueMalformed),
            ("(5", Code::ValueMalformed),
            ("1.234,567.8", Code::ValueMalformed),
            ("1,23,4", Code::ValueMalformed),
            ("1.234.56", Code::ValueMalformed),
            ("1 2", Code::ValueMalformed),
            ("1..5", Code::ValueMalformed),
            ("1234567890123456789", Code::ValueMalformed),
            ("5 or 6", Code::ValueMalformed),
            ("call 555-0101", Code::ValueMalformed),
        ] {
            assert_eq!(read(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn an_amount_needs_one_currency() {
        let with = |text: &str, other| {
            money(text, other, None)
                .unwrap()
                .unwrap()
                .in_currency(other)
                .map(|(_, currency)| currency)
        };
        assert_eq!(with("5", None), Err(Code::ValueWithoutCurrency));
        assert_eq!(with("$5", None), Err(Code::ValueWithoutCurrency));
        assert_eq!(with("$5", Some(Currency::CAD)), Ok(Currency::CAD));
        assert_eq!(with("5 €", None), Ok(Currency::EUR));
        assert_eq!(
            with("5 €", Some(Currency::USD)),
            Err(Code::ValueCurrencyConflict)
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,24}", figures in "[-+(). ,'$€0-9a-z]{0,16}") {
            let _ = money(&text, None, None);
            let _ = money(&figures, None, Some(DecimalMark::Comma));
            let _ = readings(&text);
        }

        #[test]
        fn every_way_of_writing_an_amount_reads_the_same(units in 0u64..100_000_000_000, cents in 0u8..100) {
            let whole = units.to_string();
            let grouped = |separator: &str| {
                let groups: Vec<_> = whole.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
                groups.join(separator)
            };
            let plain = read(&format!("{whole}.{cents:02}")).unwrap();
            prop_assert_eq!(plain.parse::<f64>().unwrap(), format!("{whole}.{cents:02}").parse::<f64>().unwrap());
            for text in [
                format!("{whole},{cents:02}"),
                format!("{},{cents:02}", grouped(".")),
                format!("{}.{cents:02}", grouped(",")),
                format!("{},{cents:02}", grouped("\u{a0}")),
                format!("$ {}.{cents:02}", grouped("'")),
            ] {
                prop_assert_eq!(&read(&text).unwrap(), &plain);
            }
        }
    }
}
