//! `crm2capi normalize FIELD VALUE`: one value's normalised form and its SHA-256, or why it is unusable.

use std::io::{BufRead, BufWriter, Write};

use anyhow::{Context, Result, anyhow};
use serde::Serialize;

use crate::cli::{NormalizeArgs, PlainFormat};
use crate::customer::{Normalized, Normalizer, Settings};
use crate::field::Field;
use crate::mapping::nearest_field;
use crate::problem::Code;
use crate::report::ExitStatus;
use crate::time::Clock;

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
    let field: Field = args.field.parse().map_err(|error| {
        let near = nearest_field(&args.field)
            .map(|near| format!("; did you mean {near:?}?"))
            .unwrap_or_default();
        anyhow!("{error}{near}")
    })?;
    let this_year = jiff::Timestamp::from_second(Clock::System.now())?
        .to_zoned(jiff::tz::TimeZone::UTC)
        .year();
    let normalizer = Normalizer::new(&Settings {
        default_country: args.country,
        date_order: args.date_order,
        this_year,
        letter_m: crate::customer::LetterM::Man,
    });
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut all_usable = true;
    let mut answer = |number: u64, value: &str| -> Result<()> {
        let answer = normalizer.values(field, value);
        all_usable &= answer.as_ref().is_ok_and(|values| !values.is_empty());
        match args.format {
            PlainFormat::Json => write_json(&mut out, &args.field, number, &answer),
            PlainFormat::Human => write_human(&mut out, &answer),
        }
    };
    if args.value == "-" {
        let mut stdin = std::io::stdin().lock();
        let (mut bytes, mut number) = (Vec::new(), 0);
        while stdin
            .read_until(b'\n', &mut bytes)
            .context("cannot read standard input")?
            > 0
        {
            number += 1;
            let line = String::from_utf8_lossy(&bytes);
            answer(
                number,
                line.strip_suffix('\n')
                    .map_or(&*line, |line| line.strip_suffix('\r').unwrap_or(line)),
            )?;
            bytes.clear();
        }
    } else {
        answer(1, &args.value)?;
    }
    out.flush()?;
    Ok(if all_usable {
        ExitStatus::Done
    } else {
        ExitStatus::Problems
    })
}

fn write_json(
    out: &mut impl Write,
    field: &str,
    input_line: u64,
    answer: &Result<Vec<Normalized>, Code>,
) -> Result<()> {
    let mut line = |field: &str,
                    normalized: Option<&str>,
                    sha256: Option<&str>,
                    problem: Option<&str>|
     -> Result<()> {
        serde_json::to_writer(
            &mut *out,
            &Line {
                field,
                input_line,
                normalized,
                sha256,
                problem,
            },
        )?;
        Ok(out.write_all(b"\n")?)
    };
    match answer {
        Err(code) => line(field, None, None, Some(code.name())),
        Ok(values) if values.is_empty() => line(field, None, None, Some(Code::ValueEmpty.name())),
        Ok(values) => values.iter().try_for_each(|value| {
            let hex = value
                .sha256
                .as_ref()
                .and_then(|hash| std::str::from_utf8(hash.as_hex()).ok());
            // A name in full is two values under keys of their own; else the field is called as it was asked for.
            let field = if values.iter().any(|other| other.key != value.key) {
                value.key.name()
            } else {
                field
            };
            line(field, value.text.as_deref(), hex, None)
        }),
    }
}

fn write_human(out: &mut impl Write, answer: &Result<Vec<Normalized>, Code>) -> Result<()> {
    let problem = match answer {
        Err(code) => *code,
        Ok(values) if values.is_empty() => Code::ValueEmpty,
        Ok(values) => {
            for value in values {
                let hash = value.sha256.as_ref();
                let hash = hash.map_or("(sent as it is)".into(), |hash| {
                    String::from_utf8_lossy(hash.as_hex())
                });
                writeln!(
                    out,
                    "{}  {}  {hash}",
                    value.key.name(),
                    value.text.as_deref().unwrap_or("(came hashed)")
                )?;
            }
            return Ok(());
        }
    };
    writeln!(
        out,
        "unusable: {}: {}; {}",
        problem.name(),
        problem.message(),
        problem.help()
    )?;
    Ok(())
}
