//! The values that may be typed, read once, where they are typed.

use std::fmt;
use std::num::ParseIntError;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PathBufValueParser, TypedValueParser};
use encoding_rs::Encoding;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::customer::Country;
use crate::files::beside_standard_output;
use crate::mapping::{Target, nearest_field};
use crate::time::parse_zone;

/// The path of a file that is written beside what goes to standard output.
pub(crate) fn output_file() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| beside_standard_output(&path).map(|()| path))
}

/// `FIELD=COLUMN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldFromColumn {
    /// What the column feeds.
    pub target: Target,
    /// The column, as the file heads it.
    pub column: String,
}

impl FromStr for FieldFromColumn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (field, column) = text
            .split_once('=')
            .ok_or("write it as FIELD=COLUMN, such as email=\"E-mail address\"")?;
        let target = field.trim().parse().map_err(|_| {
            let near = nearest_field(field.trim())
                .map(|near| format!("; did you mean {near:?}?"))
                .unwrap_or_default();
            format!("unknown field {:?}{near}", field.trim())
        })?;
        Ok(Self {
            target,
            column: column.to_owned(),
        })
    }
}

/// `CRM stage=Event name`, or `COLUMN=Event name`. The left side may hold an equals sign, the right side may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedEvent {
    /// The stage or the column.
    pub from: String,
    /// The event name.
    pub event_name: String,
}

impl FromStr for NamedEvent {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let (from, event_name) = text.rsplit_once('=').ok_or(
            "there is no = in it; write what the export says, then =, then the event name",
        )?;
        Ok(Self {
            from: from.trim().to_owned(),
            event_name: event_name.trim().to_owned(),
        })
    }
}

/// A time zone under the name it was given by, which settings repeat.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    /// As it was typed.
    pub name: String,
    /// What it means.
    pub zone: TimeZone,
}

impl FromStr for Zone {
    type Err = crate::time::UnknownZone;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self {
            name: text.trim().to_owned(),
            zone: parse_zone(text)?,
        })
    }
}

/// A delimiter of one character, or `tab`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delimiter(pub u8);

impl FromStr for Delimiter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text.as_bytes() {
            b"\\t" | b"tab" => Ok(Self(b'\t')),
            [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n' | 0) => {
                Ok(Self(*byte))
            }
            _ => Err("it must be one character; give , ; | or tab"),
        }
    }
}

/// Names of columns, typed as a line of CSV.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Columns(pub Vec<String>);

impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = csv::Writer::from_writer(Vec::new());
        line.write_record(&self.0).map_err(|_| fmt::Error)?;
        let line = line.into_inner().map_err(|_| fmt::Error)?;
        f.write_str(String::from_utf8_lossy(&line).trim_end_matches('\n'))
    }
}

impl FromStr for Columns {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let mut lines = csv::ReaderBuilder::new()
            .has_headers(false)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let mut record = csv::StringRecord::new();
        match lines.read_record(&mut record) {
            Ok(true) if record.iter().any(|name| !name.is_empty()) => {
                Ok(Self(record.iter().map(str::to_owned).collect()))
            }
            _ => Err("write the names of the columns as a line of CSV, such as \"id,email,stage\""),
        }
    }
}

/// A text encoding.
///
/// # Errors
/// The label is not one of the WHATWG Encoding Standard.
pub(crate) fn encoding(label: &str) -> Result<&'static Encoding, &'static str> {
    Encoding::for_label(label.trim().as_bytes())
        .ok_or("unknown encoding; try utf-8, utf-16le or windows-1252")
}

/// A country.
///
/// # Errors
/// No country has this code or name.
pub(super) fn country(text: &str) -> Result<Country, String> {
    Country::parse(text)
        .ok_or_else(|| format!("{text:?} is not a country; give its two letters, such as US or DE"))
}

/// An id of Meta's.
///
/// # Errors
/// The text is not made of digits.
pub(crate) fn meta_id(text: &str) -> Result<String, &'static str> {
    let id = text.trim();
    let is_id = !id.is_empty() && id.len() <= 20 && id.bytes().all(|byte| byte.is_ascii_digit());
    is_id
        .then(|| id.to_owned())
        .ok_or("Meta's ids consist of digits")
}

/// A time with a zone.
///
/// # Errors
/// The text is not an RFC 3339 time.
pub(super) fn timestamp(text: &str) -> Result<Timestamp, &'static str> {
    text.parse()
        .map_err(|_| "it must be a time with a zone, such as 2026-11-20T14:03:00Z")
}

/// A percentage.
///
/// # Errors
/// The text is not a number from 0 to 100.
pub(super) fn percentage(text: &str) -> Result<f64, &'static str> {
    text.parse()
        .ok()
        .filter(|percent| (0.0..=100.0).contains(percent))
        .ok_or("it must be a percentage from 0 to 100")
}

/// Whole seconds.
///
/// # Errors
/// The text is not a whole number.
pub(super) fn seconds(text: &str) -> Result<Duration, ParseIntError> {
    text.parse().map(Duration::from_secs)
}

/// Whole seconds, at least one.
///
/// # Errors
/// The text is not a whole number above 0.
pub(super) fn some_seconds(text: &str) -> Result<Duration, &'static str> {
    seconds(text)
        .ok()
        .filter(|time| !time.is_zero())
        .ok_or("it must be a whole number of seconds, at least 1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_a_line_of_csv_and_read_back() {
        let columns: Columns = "id, mail,\"Stage, now\",,E-mail".parse().unwrap();
        assert_eq!(columns.0, ["id", "mail", "Stage, now", "", "E-mail"]);
        assert_eq!(columns.to_string().parse(), Ok(columns));
        for text in ["", " , ", "\n"] {
            assert!(text.parse::<Columns>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_stage_may_hold_an_equals_sign_and_an_event_name_may_be_empty() {
        let event = |text: &str| {
            let event: NamedEvent = text.parse().unwrap();
            (event.from, event.event_name)
        };
        assert_eq!(event("A=B = Lead"), ("A=B".into(), "Lead".into()));
        assert_eq!(event("Junk="), ("Junk".into(), String::new()));
        assert!("Lead".parse::<NamedEvent>().is_err());
    }

    #[test]
    fn an_unknown_field_names_the_nearest() {
        let error = "emial=E".parse::<FieldFromColumn>().unwrap_err();
        assert_eq!(error, "unknown field \"emial\"; did you mean \"email\"?");
        assert!("email".parse::<FieldFromColumn>().is_err());
    }

    #[test]
    fn a_delimiter_is_one_character() {
        assert_eq!("tab".parse(), Ok(Delimiter(b'\t')));
        assert!("ab".parse::<Delimiter>().is_err() && "\"".parse::<Delimiter>().is_err());
    }

    #[test]
    fn a_clock_needs_a_zone() {
        assert!(timestamp("2026-11-20").is_err());
        let midnight = timestamp("2026-11-22T00:00:00Z").unwrap();
        assert_eq!(midnight.as_second(), 1_795_305_600);
    }
}
