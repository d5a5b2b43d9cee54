//! Exact decimal amounts.

use std::fmt;

/// The sign between whole units and their fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecimalMark {
    /// 1234.50
    Point,
    /// 1234,50
    Comma,
}

impl DecimalMark {
    /// The one that parts thousands beside it.
    pub(super) fn other(self) -> Self {
        match self {
            DecimalMark::Point => DecimalMark::Comma,
            DecimalMark::Comma => DecimalMark::Point,
        }
    }
}

/// An amount of at most 18 digits, exact, not negative. `Display` gives it as JSON has it: `1234.5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Amount {
    units: u64,
    /// How many of the digits of `units` are behind the point; the last of those is not 0.
    scale: u8,
}

/// So many digits always fit into 64 bits.
const MOST_DIGITS: usize = 18;

impl Amount {
    /// From ASCII digits before and after the mark; None if there are too many or none.
    pub(super) fn from_digits(whole: impl Iterator<Item = u8>, fraction: &[u8]) -> Option<Self> {
        let zeros = fraction
            .iter()
            .rev()
            .take_while(|digit| **digit == b'0')
            .count();
        let fraction = &fraction[..fraction.len() - zeros];
        let mut digits = 0;
        let mut units = 0;
        for digit in whole.chain(fraction.iter().copied()) {
            if units > 0 || digit != b'0' {
                digits += 1;
            }
            if digits > MOST_DIGITS || !digit.is_ascii_digit() {
                return None;
            }
            units = units * 10 + u64::from(digit - b'0');
        }
        let scale = u8::try_from(fraction.len())
            .ok()
            .filter(|scale| usize::from(*scale) <= MOST_DIGITS)?;
        Some(Self { units, scale })
    }

    /// From a number of the settings; None if it is negative, not a number, or too long.
    pub(crate) fn from_number(number: f64) -> Option<Self> {
        let text = number.to_string();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        Self::from_digits(whole.bytes(), fraction.as_bytes())
    }

    /// In millionths, what is smaller cut off: to be added up.
    pub(crate) fn millionths(self) -> u128 {
        let power = |exponent: u8| 10u128.pow(u32::from(exponent));
        u128::from(self.units) * power(6) / power(self.scale)
    }

    /// As a float, for those who only show it.
    pub(crate) fn as_f64(self) -> f64 {
        self.to_string().parse().unwrap_or_default()
    }

    /// Whether it is nothing.
    pub(crate) fn is_zero(self) -> bool {
        self.units == 0
    }

    /// Appends it as a JSON number, without exponent and without zeros that say nothing.
    pub(crate) fn write_json(self, out: &mut Vec<u8>) {
        let scale = usize::from(self.scale);
        let mut digits = [b'0'; 20];
        let mut start = digits.len();
        let mut rest = self.units;
        // At least one digit stands before the point.
        while rest > 0 || digits.len() - start <= scale {
            start -= 1;
            digits[start] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        let point = digits.len() - scale;
        out.extend_from_slice(&digits[start..point]);
        if scale > 0 {
            out.push(b'.');
            out.extend_from_slice(&digits[point..]);
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        self.write_json(&mut text);
        text.iter()
            .try_for_each(|byte| write!(f, "{}", char::from(*byte)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(whole: &str, fraction: &str) -> Option<String> {
        Amount::from_digits(whole.bytes(), fraction.as_bytes()).map(|amount| amount.to_string())
    }

    #[test]
    fn amounts_print_exactly_and_without_idle_zeros() {
        for (whole, fraction, expected) in [
            ("1234", "50", "1234.5"),
            ("4800", "0", "4800"),
            ("", "05", "0.05"),
            ("0", "", "0"),
            ("000", "00", "0"),
            ("100", "", "100"),
            ("999999999999999999", "", "999999999999999999"),
            ("0", "000000000000000001", "0.000000000000000001"),
        ] {
            assert_eq!(printed(whole, fraction).as_deref(), Some(expected));
        }
        let millionths = |whole: &str, fraction: &str| {
            let amount = Amount::from_digits(whole.bytes(), fraction.as_bytes());
            amount.map(Amount::millionths)
        };
        assert_eq!(millionths("1234", "50"), Some(1_234_500_000));
        assert_eq!(millionths("0", "0000019"), Some(1));
        assert_eq!(printed("1234567890123456789", ""), None);
        assert_eq!(printed("0", "0000000000000000001"), None);
    }
}
