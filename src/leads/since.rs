//! From when on leads are downloaded.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;

/// From when on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// From where the last download of the file began, form by form.
    Last,
    /// So many days back.
    Days(u16),
    /// From this moment.
    Moment(i64),
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "last" {
            return Ok(Self::Last);
        }
        if let Ok(days) = text.trim_end_matches('d').parse() {
            return Ok(Self::Days(days));
        }
        let of_day = || {
            let day = text
                .parse::<Date>()
                .ok()?
                .to_zoned(jiff::tz::TimeZone::UTC)
                .ok()?;
            Some(day.timestamp())
        };
        let moment = text.parse::<Timestamp>().ok().or_else(of_day);
        moment
            .map(|moment| Self::Moment(moment.as_second()))
            .ok_or_else(|| "give days such as 7, a date such as 2026-11-20, or `last`".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_dates_and_last_are_told_apart() {
        assert_eq!("last".parse(), Ok(Since::Last));
        assert_eq!("7".parse(), Ok(Since::Days(7)));
        assert_eq!("30d".parse(), Ok(Since::Days(30)));
        assert_eq!("2026-11-20".parse(), Ok(Since::Moment(1_795_132_800)));
        assert_eq!(
            "2026-11-20T00:00:00Z".parse(),
            Ok(Since::Moment(1_795_132_800))
        );
        assert!("yesterday".parse::<Since>().is_err());
    }
}
