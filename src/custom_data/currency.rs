//! Currencies by ISO 4217 code, English name, or symbol.

use std::collections::HashMap;
use std::sync::LazyLock;

use iso_currency::Currency;

use super::DecimalMark;
use crate::cell::is_nothing;
use crate::problem::Code;

/// Symbols that stand for one currency wherever CRMs write them.
const SYMBOLS: [(&str, Currency); 53] = [
    ("€", Currency::EUR),
    ("£", Currency::GBP),
    ("₹", Currency::INR),
    ("₺", Currency::TRY),
    ("₩", Currency::KRW),
    ("₽", Currency::RUB),
    ("₴", Currency::UAH),
    ("₪", Currency::ILS),
    ("₫", Currency::VND),
    ("₱", Currency::PHP),
    ("₦", Currency::NGN),
    ("₲", Currency::PYG),
    ("₡", Currency::CRC),
    ("₸", Currency::KZT),
    ("₵", Currency::GHS),
    ("₾", Currency::GEL),
    ("₼", Currency::AZN),
    ("฿", Currency::THB),
    ("US$", Currency::USD),
    ("$US", Currency::USD),
    ("U$S", Currency::USD),
    ("R$", Currency::BRL),
    ("A$", Currency::AUD),
    ("AU$", Currency::AUD),
    ("C$", Currency::CAD),
    ("CA$", Currency::CAD),
    ("$CA", Currency::CAD),
    ("NZ$", Currency::NZD),
    ("HK$", Currency::HKD),
    ("S$", Currency::SGD),
    ("SG$", Currency::SGD),
    ("NT$", Currency::TWD),
    ("MX$", Currency::MXN),
    ("RD$", Currency::DOP),
    ("JP¥", Currency::JPY),
    ("円", Currency::JPY),
    ("CN¥", Currency::CNY),
    ("RMB", Currency::CNY),
    ("元", Currency::CNY),
    ("zł", Currency::PLN),
    ("Kč", Currency::CZK),
    ("Ft", Currency::HUF),
    ("lei", Currency::RON),
    ("S/", Currency::PEN),
    ("S/.", Currency::PEN),
    ("Fr.", Currency::CHF),
    ("SFr.", Currency::CHF),
    ("RM", Currency::MYR),
    ("Rp", Currency::IDR),
    ("TL", Currency::TRY),
    ("руб.", Currency::RUB),
    ("грн", Currency::UAH),
    ("GH₵", Currency::GHS),
];

/// Symbols that several currencies share, with the decimal mark that most of them use.
const SHARED_SYMBOLS: [(&str, DecimalMark); 10] = [
    ("$", DecimalMark::Point),
    ("¥", DecimalMark::Point),
    ("￥", DecimalMark::Point),
    ("kr", DecimalMark::Comma),
    ("kr.", DecimalMark::Comma),
    ("Rs", DecimalMark::Point),
    ("Rs.", DecimalMark::Point),
    ("₨", DecimalMark::Point),
    ("R", DecimalMark::Point),
    ("Bs.", DecimalMark::Comma),
];

/// Letters of the longest of them. No text has fewer in lower case.
const LONGEST_SYMBOL: usize = 4;

/// Names in use besides those of the standard's list.
const ALIASES: [(&str, Currency); 26] = [
    ("us dollar", Currency::USD),
    ("us dollars", Currency::USD),
    ("u.s. dollar", Currency::USD),
    ("u.s. dollars", Currency::USD),
    ("american dollar", Currency::USD),
    ("dólar americano", Currency::USD),
    ("euros", Currency::EUR),
    ("pounds sterling", Currency::GBP),
    ("british pound", Currency::GBP),
    ("british pounds", Currency::GBP),
    ("british pound sterling", Currency::GBP),
    ("uk pound", Currency::GBP),
    ("uk pound sterling", Currency::GBP),
    ("yen", Currency::JPY),
    ("yuan", Currency::CNY),
    ("yuan renminbi", Currency::CNY),
    ("chinese yuan", Currency::CNY),
    ("renminbi", Currency::CNY),
    ("swedish krona", Currency::SEK),
    ("icelandic krona", Currency::ISK),
    ("polish zloty", Currency::PLN),
    ("real", Currency::BRL),
    ("real brasileiro", Currency::BRL),
    ("schweizer franken", Currency::CHF),
    ("new israeli shekel", Currency::ILS),
    ("uae dirham", Currency::AED),
];

/// Where a comma is the decimal mark by habit. In the others it is the point, but for those of [`NO_HABIT`].
const COMMA_HABIT: [Currency; 21] = [
    Currency::BRL,
    Currency::PLN,
    Currency::TRY,
    Currency::DKK,
    Currency::SEK,
    Currency::NOK,
    Currency::ISK,
    Currency::CZK,
    Currency::HUF,
    Currency::RON,
    Currency::BGN,
    Currency::RSD,
    Currency::RUB,
    Currency::UAH,
    Currency::ARS,
    Currency::CLP,
    Currency::COP,
    Currency::UYU,
    Currency::PYG,
    Currency::IDR,
    Currency::VND,
];

/// Currencies of countries that do not agree, or not with themselves.
const NO_HABIT: [Currency; 6] = [
    Currency::EUR,
    Currency::CAD,
    Currency::ZAR,
    Currency::MAD,
    Currency::XOF,
    Currency::XAF,
];

/// What a sign or word beside an amount stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sign {
    Currency(Currency),
    /// A symbol of several currencies.
    Shared(DecimalMark),
}

/// Reads a currency; None where the cell says that there is none.
///
/// Errors: [`Code::CurrencyAmbiguous`] for a symbol of several currencies, [`Code::CurrencyMalformed`].
pub(crate) fn currency(text: &str) -> Result<Option<Currency>, Code> {
    let text = text.trim();
    if is_nothing(text) {
        return Ok(None);
    }
    match sign(text) {
        Some(Sign::Currency(currency)) => return Ok(Some(currency)),
        Some(Sign::Shared(_)) => return Err(Code::CurrencyAmbiguous),
        None => {}
    }
    NAMES
        .get(&text.to_lowercase())
        .copied()
        .or_else(|| code_among_words(text))
        .map(Some)
        .ok_or(Code::CurrencyMalformed)
}

/// Reads a code of any case or a symbol.
pub(super) fn sign(text: &str) -> Option<Sign> {
    if text.chars().nth(LONGEST_SYMBOL).is_some() {
        return None;
    }
    if let Some((_, mark)) = SHARED_SYMBOLS
        .iter()
        .find(|(symbol, _)| symbol.eq_ignore_ascii_case(text))
    {
        return Some(Sign::Shared(*mark));
    }
    code(text)
        .or_else(|| {
            SYMBOLS
                .iter()
                .find(|(symbol, _)| same_ignoring_case(symbol, text))
                .map(|(_, currency)| *currency)
        })
        .map(Sign::Currency)
}

/// The decimal mark a currency is usually written with.
pub(super) fn habit(currency: Currency) -> Option<DecimalMark> {
    if NO_HABIT.contains(&currency) {
        None
    } else if COMMA_HABIT.contains(&currency) {
        Some(DecimalMark::Comma)
    } else {
        Some(DecimalMark::Point)
    }
}

/// A code of any case; codes of metals, funds and the like are no money.
fn code(text: &str) -> Option<Currency> {
    let mut upper: [u8; 3] = text.as_bytes().try_into().ok()?;
    upper.make_ascii_uppercase();
    Currency::from_code(std::str::from_utf8(&upper).ok()?)
        .filter(|currency| !currency.is_special() && !currency.is_fund())
}

/// `US Dollar (USD)`, `EUR - Euro`: the only word in capitals that is a code.
fn code_among_words(text: &str) -> Option<Currency> {
    let mut codes = text
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| word.bytes().all(|byte| byte.is_ascii_uppercase()))
        .filter_map(code);
    let found = codes.next()?;
    codes.all(|other| other == found).then_some(found)
}

fn same_ignoring_case(symbol: &str, text: &str) -> bool {
    symbol.eq_ignore_ascii_case(text)
        || !text.is_ascii() && symbol.to_lowercase() == text.to_lowercase()
}

/// English names in lower case.
static NAMES: LazyLock<HashMap<String, Currency>> = LazyLock::new(|| {
    (0..1000)
        .filter_map(Currency::from_numeric)
        .filter(|currency| {
            !currency.is_special() && !currency.is_fund() && currency.is_superseded().is_none()
        })
        .map(|currency| (currency.name().to_lowercase(), currency))
        .chain(ALIASES.map(|(name, currency)| (name.to_owned(), currency)))
        .collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currencies_are_known_by_code_name_and_symbol() {
        for (text, expected) in [
            ("USD", Currency::USD),
            (" usd ", Currency::USD),
            ("Eur", Currency::EUR),
            ("€", Currency::EUR),
            ("£", Currency::GBP),
            ("R$", Currency::BRL),
            ("ZŁ", Currency::PLN),
            ("us$", Currency::USD),
            ("US Dollar", Currency::USD),
            ("Euro", Currency::EUR),
            ("Canadian dollar", Currency::CAD),
            ("Polish złoty", Currency::PLN),
            ("US Dollar (USD)", Currency::USD),
            ("EUR - Euro", Currency::EUR),
        ] {
            assert_eq!(currency(text), Ok(Some(expected)), "{text}");
        }
        for (text, expected) in [
            ("$", Code::CurrencyAmbiguous),
            ("¥", Code::CurrencyAmbiguous),
            ("KR", Code::CurrencyAmbiguous),
            ("dollar", Code::CurrencyMalformed),
            ("XXX", Code::CurrencyMalformed),
            ("XAU", Code::CurrencyMalformed),
            ("ZZZ", Code::CurrencyMalformed),
            ("USD/EUR", Code::CurrencyMalformed),
            ("12", Code::CurrencyMalformed),
        ] {
            assert_eq!(currency(text), Err(expected), "{text}");
        }
        assert_eq!((currency(""), currency("N/A")), (Ok(None), Ok(None)));
    }

    #[test]
    fn no_symbol_is_longer_than_what_is_looked_for() {
        let symbols = SYMBOLS.iter().map(|(symbol, _)| symbol);
        let symbols = symbols.chain(SHARED_SYMBOLS.iter().map(|(symbol, _)| symbol));
        let longest = symbols.map(|symbol| symbol.to_lowercase().chars().count());
        assert_eq!(longest.max(), Some(LONGEST_SYMBOL));
    }
}
