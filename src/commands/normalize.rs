//! `crm2capi normalize FIELD VALUE`: one value's normalised form and its SHA-256, or why it is unusable.

use std::io::{self, BufRead, BufWriter, Read, Write};

use anyhow::{Context, Result, anyhow};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::show::say_unwritten;
use super::talk;
use crate::cell::{is_lost, is_nothing};
use crate::cli::{NormalizeArgs, PlainFormat};
use crate::custom_data::{currency, money};
use crate::customer::{Key, LetterM, Normalizer, Settings};
use crate::field::Field;
use crate::mapping::{consents, nearest_field, yes_or_no};
use crate::problem::Code;
use crate::report::ExitStatus;
use crate::text::harmless;
use crate::time::{Clock, TimeReader};

/// The longest line of standard input that is read as a value.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// A value as it is sent.
struct Sent {
    /// Meta's key for it where the field has several, as a full name has.
    key: Option<Key>,
    /// None when the value came hashed.
    text: Option<String>,
    /// None when the value is sent as it is.
    sha256: Option<String>,
}

/// One line of `--format json`.
#[derive(Serialize)]
struct Line<'a> {
    field: &'a str,
    input_line: u64,
    normalized: Option<&'a str>,
    sha256: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a str>,
}

pub(super) fn run(args: &NormalizeArgs) -> Result<ExitStatus> {
    let reader = Reader::new(args)?;
    let mut out = BufWriter::new(talk::stdout(args.format));
    let (mut all_usable, mut written) = (true, Ok(()));
    let mut answer = |number: u64, answer: Result<Vec<Sent>, Code>| -> Result<()> {
        all_usable &= answer.is_ok();
        // Values are judged to the last even when nobody reads the answers any more.
        if written.is_ok() {
            written = match args.format {
                PlainFormat::Json => write_json(&mut out, &args.field, number, &answer),
                PlainFormat::Human => write_human(&mut out, reader.field, &answer),
            };
        }
        Ok(())
    };
    if args.value == "-" {
        each_line(std::io::stdin().lock(), |number, line| {
            answer(number, line.and_then(|line| reader.read(line)))
        })?;
    } else {
        answer(1, reader.read(&args.value))?;
    }
    say_unwritten(written.and_then(|()| out.flush()));
    Ok(if all_usable {
        ExitStatus::Done
    } else {
        ExitStatus::Problems
    })
}

/// Hands out each line with its number, without its end. A line of more than a megabyte is no value of a person.
pub(super) fn each_line(
    mut input: impl BufRead,
    mut take: impl FnMut(u64, Result<&str, Code>) -> Result<()>,
) -> Result<()> {
    let (mut bytes, mut number) = (Vec::new(), 0);
    loop {
        bytes.clear();
        let mut start = input.by_ref().take(MAX_LINE_BYTES);
        start
            .read_until(b'\n', &mut bytes)
            .context("cannot read standard input")?;
        if bytes.is_empty() {
            return Ok(());
        }
        number += 1;
        if !bytes.ends_with(b"\n") && bytes.len() as u64 == MAX_LINE_BYTES {
            input
                .skip_until(b'\n')
                .context("cannot read standard input")?;
            take(number, Err(Code::CellOverfull))?;
            continue;
        }
        let line = String::from_utf8_lossy(&bytes);
        let line = line.strip_suffix('\n').unwrap_or(&line);
        take(number, Ok(line.strip_suffix('\r').unwrap_or(line)))?;
    }
}

/// Reads values of one field.
struct Reader {
    field: Field,
    normalizer: Normalizer,
    times: TimeReader,
}

impl Reader {
    fn new(args: &NormalizeArgs) -> Result<Self> {
        let field: Field = args.field.parse().map_err(|error| {
            let near = nearest_field(&args.field)
                .map(|near| format!("; did you mean {near:?}?"))
                .unwrap_or_default();
            anyhow!("{error}{near}")
        })?;
        let now = Clock::System.now();
        let this_year = Clock::System.this_year();
        let date_order = args.date_order;
        Ok(Self {
            field,
            normalizer: Normalizer::new(&Settings {
                default_country: args.country,
                date_order,
                this_year,
                letter_m: LetterM::Man,
            }),
            times: TimeReader::new(TimeZone::UTC, true, date_order, now),
        })
    }

    /// The values that a cell is sent as, at least one.
    fn read(&self, text: &str) -> Result<Vec<Sent>, Code> {
        if is_lost(text) {
            return Err(Code::CellLost);
        }
        let values = match Key::of(self.field) {
            Some(_) => self.of_customer(text)?,
            None => Vec::from_iter(self.of_event(text)?.map(|text| Sent {
                key: None,
                text: Some(text),
                sha256: None,
            })),
        };
        match values.is_empty() {
            true => Err(Code::ValueEmpty),
            false => Ok(values),
        }
    }

    fn of_customer(&self, text: &str) -> Result<Vec<Sent>, Code> {
        let values = self.normalizer.values(self.field, text)?;
        let has_several_keys = values.iter().any(|other| other.key != values[0].key);
        let hex = |hash: &crate::customer::Hash| String::from_utf8_lossy(hash.as_hex()).into();
        let sent = values.into_iter().map(|value| Sent {
            key: has_several_keys.then_some(value.key),
            text: value.text,
            sha256: value.sha256.as_ref().map(hex),
        });
        Ok(sent.collect())
    }

    /// What an event carries besides the customer: a time in Unix seconds, an amount, a word.
    fn of_event(&self, text: &str) -> Result<Option<String>, Code> {
        if is_nothing(text) {
            return Ok(None);
        }
        let flag = |answer: Option<bool>, code| answer.map(|it| it.to_string()).ok_or(code);
        Ok(Some(match self.field {
            Field::EventTime | Field::CreatedTime | Field::ClickTime | Field::ExportedTime => {
                let reading = self.times.clone().read(text)?;
                return Ok(reading.map(|reading| reading.uncapped.to_string()));
            }
            Field::Value => {
                let money = money(text, None, None)?;
                return Ok(money.map(|money| match money.currency {
                    Some(currency) => format!("{} {}", money.amount, currency.code()),
                    None => money.amount.to_string(),
                }));
            }
            Field::Currency => return Ok(currency(text)?.map(|it| it.code().to_owned())),
            Field::OptOut => flag(yes_or_no(text), Code::OptOutUnclear)?,
            Field::Consent => flag(consents(text), Code::ConsentUnclear)?,
            _ => text.trim().to_owned(),
        }))
    }
}

fn write_json(
    out: &mut impl Write,
    field: &str,
    input_line: u64,
    answer: &Result<Vec<Sent>, Code>,
) -> io::Result<()> {
    fn write(out: &mut impl Write, line: &Line<'_>) -> io::Result<()> {
        serde_json::to_writer(&mut *out, line)?;
        out.write_all(b"\n")
    }
    match answer {
        Err(code) => write(
            out,
            &Line {
                field,
                input_line,
                normalized: None,
                sha256: None,
                problem: Some(code.name()),
            },
        ),
        Ok(values) => values.iter().try_for_each(|value| {
            write(
                out,
                &Line {
                    field: value.key.map_or(field, |key| key.name()),
                    input_line,
                    normalized: value.text.as_deref(),
                    sha256: value.sha256.as_deref(),
                    problem: None,
                },
            )
        }),
    }
}

fn write_human(
    out: &mut impl Write,
    field: Field,
    answer: &Result<Vec<Sent>, Code>,
) -> io::Result<()> {
    match answer {
        Err(code) => writeln!(
            out,
            "unusable: {}: {}; {}",
            code.name(),
            code.message(),
            help(*code)
        )?,
        Ok(values) => {
            for value in values {
                let key = value.key.or(Key::of(field));
                writeln!(
                    out,
                    "{}  {}  {}",
                    key.map_or(field.name(), Key::name),
                    harmless(value.text.as_deref().unwrap_or("(came hashed)")),
                    value.sha256.as_deref().unwrap_or("(sent as it is)")
                )?;
            }
        }
    }
    Ok(())
}

/// What to do here, where options have other names and there are no columns.
fn help(code: Code) -> &'static str {
    match code {
        Code::PhoneCountryMissing => {
            "name the country with --country, as in --country US, or write the number with + and its country code"
        }
        Code::FbclidTimeMissing => {
            "the click id itself is sound: an upload joins it with the column mapped to click_time or created_time, as \
             fb.1.MILLISECONDS.FBCLID"
        }
        Code::TimeOrderAmbiguous | Code::BirthDateAmbiguous => {
            "say which with --date-order mdy or --date-order dmy"
        }
        Code::TimeTwoDigitYear => {
            "say which with --date-order mdy or --date-order dmy, or write the year with four digits"
        }
        _ => code.help(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_an_end_is_cut_off_and_the_next_is_read() {
        let long = "x".repeat(3 << 20);
        let input = format!("a\r\n{long}\n\nb");
        let mut lines = Vec::new();
        each_line(input.as_bytes(), |number, line| {
            lines.push((number, line.map(str::to_owned)));
            Ok(())
        })
        .unwrap();
        assert_eq!(
            lines,
            [
                (1, Ok("a".to_owned())),
                (2, Err(Code::CellOverfull)),
                (3, Ok(String::new())),
                (4, Ok("b".to_owned()))
            ]
        );
    }
}
