//! What was meant: command line, environment and settings file resolved into one set of settings.
//!
//! One precedence holds everywhere: command line over environment over settings file over preset over default.
//! Every default stands here or in `endpoint.rs` once. The stages of the pipeline see only the resolved types.

mod endpoint;
mod file;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use endpoint::Endpoint;
pub use file::{DEFAULT_PATH, EventSection, OnUnusable, SettingsFile};

use crate::cli::{FormatArgs, InputFormat, ReadArgs, UploadArgs};
use crate::custom_data::{Currency, currency};
use crate::customer::Country;
use crate::event::Constants;
use crate::field::{Field, UnknownField};
use crate::mapping::{Layout, Mapped, Preset, Target, nearest_field};
use crate::problem::Severity;
use crate::source::{Format, Input};
use crate::time::{DateOrder, parse_zone};

/// Events a request, unless told otherwise.
pub const DEFAULT_BATCH_SIZE: usize = 500;
/// Meta's limit: <https://developers.facebook.com/docs/marketing-api/conversions-api/using-the-api>
pub const MAX_BATCH_SIZE: usize = 1_000;
const DEFAULT_CONCURRENCY: usize = 4;
const MAX_CONCURRENCY: usize = 64;
const DEFAULT_GIVE_UP_SECONDS: u64 = 600;
const DEFAULT_MAX_INVALID_PERCENT: f64 = 50.0;

/// Which preset is taken.
#[derive(Clone, Debug)]
pub enum PresetChoice {
    /// The one the header speaks for.
    Guess,
    /// None.
    None,
    /// The one that was asked for.
    Named(Box<Preset>),
}

/// What upload, validate and build share: what to read and how to understand it.
#[derive(Debug)]
pub struct Reading {
    /// The exports, in the order given.
    pub inputs: Vec<Input>,
    /// How to open them.
    pub source: crate::source::Settings,
    /// Columns and stages as command line and settings have them.
    pub given: Layout,
    /// Which preset stands below them.
    pub preset: PresetChoice,
    /// The CRM's name, if one was given.
    pub crm: Option<String>,
    /// The zone of times without one, if one was given.
    pub zone: Option<TimeZone>,
    /// How to read numeric dates, if it was said.
    pub date_order: Option<DateOrder>,
    /// The country of rows without one.
    pub default_country: Option<Country>,
    /// The clock of the 7-day window, Unix seconds.
    pub now: i64,
    /// What a value that cannot be used does to its row.
    pub unusable: Unusable,
    /// Constants of every event.
    pub constants: Constants,
    /// The currency of values that come without one.
    pub currency: Option<Currency>,
    /// Where refused rows go.
    pub rejects: Option<PathBuf>,
    /// Whether warnings fail the run.
    pub strict: bool,
    /// Worker threads.
    pub threads: usize,
}

/// What a value that cannot be used does to its row.
#[derive(Clone, Debug)]
pub struct Unusable(Vec<(Target, OnUnusable)>);

impl Unusable {
    /// The weight of a problem with a field: an error where the row is refused for it.
    pub fn severity(&self, field: Field) -> Severity {
        let chosen = self
            .0
            .iter()
            .find(|(target, _)| *target == Target::Field(field))
            .map(|(_, choice)| *choice);
        match chosen.unwrap_or(if field == Field::LeadId {
            OnUnusable::Reject
        } else {
            OnUnusable::Omit
        }) {
            OnUnusable::Reject => Severity::Error,
            OnUnusable::Omit => Severity::Warning,
        }
    }
}

/// How to send.
#[derive(Debug)]
pub struct Sending {
    /// Events a request.
    pub batch_size: usize,
    /// Requests in flight.
    pub concurrency: usize,
    /// How long a batch is retried.
    pub give_up_after: Duration,
    /// Where what was accepted is remembered; none to remember nothing.
    pub ledger: Option<PathBuf>,
    /// How long to wait for another run.
    pub wait: Duration,
    /// Whether events that Meta refused earlier are tried again.
    pub retry_rejected: bool,
    /// The share of rows that may be unusable, in percent.
    pub max_invalid_percent: f64,
    /// Sends test events.
    pub test_event_code: Option<String>,
    /// The platform that sends on the advertiser's behalf.
    pub partner_agent: Option<String>,
    /// Whether everything happens but the sending.
    pub dry_run: bool,
}

impl Reading {
    /// Resolves what to read and how.
    ///
    /// # Errors
    /// An option or a key cannot be used; the message says which and what to do.
    pub fn resolve(args: &ReadArgs, file: &SettingsFile) -> Result<Self> {
        let zone = args.timezone.as_ref().or(file.crm.timezone.as_ref());
        let order = args.date_order.as_ref().or(file.crm.date_order.as_ref());
        let country = args
            .default_country
            .as_ref()
            .or(file.crm.default_country.as_ref());
        let rejects = args
            .rejects
            .clone()
            .or_else(|| file.output.rejects.as_ref().map(|path| file.resolve(path)));
        let preset = match args
            .preset
            .as_ref()
            .or(file.crm.preset.as_ref())
            .map(String::as_str)
        {
            None => PresetChoice::Guess,
            Some("none") => PresetChoice::None,
            Some(name) => PresetChoice::Named(Box::new(Preset::named(name)?)),
        };
        Ok(Self {
            inputs: inputs(&args.files)?,
            source: source(&args.format, file, rejects.is_some())?,
            given: layout_of_file(file).overlaid_with(layout_of_args(args)?),
            preset,
            crm: args
                .crm
                .clone()
                .or_else(|| file.crm.name.clone())
                .filter(|name| !name.trim().is_empty()),
            zone: zone.map(|name| parse_zone(name)).transpose()?,
            date_order: order.map(|order| order.parse::<DateOrder>()).transpose()?,
            default_country: country.map(|text| country_code(text)).transpose()?,
            now: clock(args.now.as_deref())?,
            unusable: Unusable(file.fields.0.clone()),
            constants: Constants::new(&file.event)?,
            currency: file
                .event
                .currency
                .as_deref()
                .map(constant_currency)
                .transpose()?,
            rejects,
            strict: args.strict || file.output.strict.unwrap_or(false),
            threads: threads(args.threads.or(file.input.threads))?,
        })
    }
}

impl Sending {
    /// Resolves how to send.
    ///
    /// # Errors
    /// An option or a key is out of its bounds.
    pub fn resolve(args: &UploadArgs, file: &SettingsFile) -> Result<Self> {
        let section = &file.delivery;
        let concurrency = args
            .concurrency
            .or(section.concurrency)
            .unwrap_or(DEFAULT_CONCURRENCY);
        if !(1..=MAX_CONCURRENCY).contains(&concurrency) {
            bail!("--concurrency {concurrency} is out of bounds; give 1 to {MAX_CONCURRENCY}");
        }
        let max_invalid_percent = args
            .max_invalid
            .or(section.max_invalid)
            .unwrap_or(DEFAULT_MAX_INVALID_PERCENT);
        if !(0.0..=100.0).contains(&max_invalid_percent) {
            bail!("--max-invalid {max_invalid_percent} is no percentage; give 0 to 100");
        }
        let give_up = args
            .give_up_after
            .or(section.give_up_after)
            .unwrap_or(DEFAULT_GIVE_UP_SECONDS);
        let ledger = match (&args.ledger, &section.ledger) {
            (Some(path), _) => Some(path.clone()),
            (None, Some(path)) if path.as_os_str() == "none" => None,
            (None, Some(path)) => Some(file.resolve(path)),
            (None, None) => Some(default_ledger()?),
        };
        Ok(Self {
            batch_size: batch_size(args.batch_size.or(section.batch_size))?,
            concurrency,
            give_up_after: Duration::from_secs(give_up),
            ledger: ledger.filter(|path| path.as_os_str() != "none"),
            wait: Duration::from_secs(args.wait.or(section.wait).unwrap_or(0)),
            retry_rejected: args.retry_rejected || section.retry_rejected.unwrap_or(false),
            max_invalid_percent,
            test_event_code: args
                .test_event_code
                .clone()
                .or_else(|| file.meta.test_event_code.clone()),
            partner_agent: file
                .event
                .partner_agent
                .as_deref()
                .map(partner_agent)
                .transpose()?,
            dry_run: args.dry_run || section.dry_run.unwrap_or(false),
        })
    }
}

/// The batch size within Meta's bounds.
///
/// # Errors
/// It is 0 or more than Meta takes.
pub fn batch_size(given: Option<usize>) -> Result<usize> {
    let size = given.unwrap_or(DEFAULT_BATCH_SIZE);
    if !(1..=MAX_BATCH_SIZE).contains(&size) {
        bail!(
            "--batch-size {size} is out of bounds; Meta takes 1 to {MAX_BATCH_SIZE} events a request"
        );
    }
    Ok(size)
}

/// The time given, else that of the clock, in Unix seconds. This is the one place that reads the clock for the window.
///
/// # Errors
/// The text is no RFC 3339 time.
pub fn clock(given: Option<&str>) -> Result<i64> {
    let Some(text) = given else {
        return Ok(Timestamp::now().as_second());
    };
    let time: Timestamp = text.parse().ok().with_context(|| {
        format!("--now {text:?} is not a time with a zone; write it like 2026-11-20T14:03:00Z")
    })?;
    Ok(time.as_second())
}

/// The country a code or a name means.
///
/// # Errors
/// It means none.
pub fn country_code(text: &str) -> Result<Country> {
    Country::parse(text)
        .with_context(|| format!("{text:?} is no country; give its two letters, such as US or DE"))
}

/// Where the ledger lies unless told otherwise.
///
/// # Errors
/// The environment names neither a state folder nor a home.
pub fn default_ledger() -> Result<PathBuf> {
    let folder = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let state = folder("XDG_STATE_HOME")
        .or_else(|| folder("LOCALAPPDATA"))
        .or_else(|| folder("HOME").map(|home| home.join(".local/state")))
        .context(
            "no folder for the ledger: neither XDG_STATE_HOME nor HOME is set; give --ledger FILE or --ledger none",
        )?;
    Ok(state.join("crm2capi").join("ledger.sqlite3"))
}

fn inputs(files: &[PathBuf]) -> Result<Vec<Input>> {
    let is_stdin = |path: &PathBuf| path.as_os_str() == "-";
    if files.iter().filter(|path| is_stdin(path)).count() > 1 {
        bail!("standard input (-) can be read only once");
    }
    Ok(files
        .iter()
        .map(|path| {
            if is_stdin(path) {
                Input::Stdin
            } else {
                Input::File(path.clone())
            }
        })
        .collect())
}

fn source(
    args: &FormatArgs,
    file: &SettingsFile,
    keep_records: bool,
) -> Result<crate::source::Settings> {
    let format = match args
        .input_format
        .or(file.input.format)
        .unwrap_or(InputFormat::Auto)
    {
        InputFormat::Auto => None,
        InputFormat::Csv => Some(Format::Csv),
        InputFormat::Tsv => Some(Format::Tsv),
        InputFormat::Json => Some(Format::Json),
        InputFormat::Ndjson => Some(Format::Ndjson),
        InputFormat::Xlsx => Some(Format::Xlsx),
    };
    let encoding = args.encoding.as_deref().or(file.input.encoding.as_deref());
    let encoding = encoding
        .map(|label| {
            encoding_rs::Encoding::for_label(label.trim().as_bytes()).with_context(|| {
                format!("unknown encoding {label:?}; try utf-8, utf-16le or windows-1252")
            })
        })
        .transpose()?;
    let delimiter = args
        .delimiter
        .as_deref()
        .or(file.input.delimiter.as_deref());
    Ok(crate::source::Settings {
        format,
        delimiter: delimiter.map(delimiter_byte).transpose()?,
        encoding,
        sheet: args.sheet.clone().or_else(|| file.input.sheet.clone()),
        keep_records,
        stop: Default::default(),
    })
}

fn delimiter_byte(text: &str) -> Result<u8> {
    match text.as_bytes() {
        b"\\t" | b"tab" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n' | 0) => Ok(*byte),
        _ => bail!("--delimiter {text:?} is not one character; give , ; | or tab"),
    }
}

/// Workers take turns at reading: more of them than this would only wait for each other, and hold memory.
const MOST_WORKERS: usize = 8;

fn threads(given: Option<usize>) -> Result<usize> {
    match given {
        Some(0) => bail!("--threads 0 leaves nobody to work; give at least 1"),
        Some(count) => Ok(count.min(256)),
        None => Ok(std::thread::available_parallelism()
            .map_or(1, usize::from)
            .min(MOST_WORKERS)),
    }
}

fn constant_currency(text: &str) -> Result<Currency> {
    currency(text)
        .ok()
        .flatten()
        .with_context(|| format!("currency {text:?} under [event] is not one of ISO 4217"))
}

/// Meta's limits for a partner agent: under 23 characters, at least two of them letters.
/// <https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/main-body>
fn partner_agent(name: &str) -> Result<String> {
    if name.chars().count() >= 23 || name.chars().filter(|c| c.is_alphabetic()).count() < 2 {
        bail!(
            "partner_agent {name:?} must have fewer than 23 characters, at least two of them letters"
        );
    }
    Ok(name.to_owned())
}

fn layout_of_file(file: &SettingsFile) -> Layout {
    let columns = &file.columns.0;
    Layout {
        columns: columns
            .iter()
            .map(|(target, names)| Mapped {
                target: target.clone(),
                columns: names.as_slice().to_vec(),
            })
            .collect(),
        stages: file.stages.0.clone(),
        unlisted: file.crm.unlisted_stages,
        stage_columns: file.stage_columns.0.clone(),
        history: file.history.clone(),
        only: file
            .only
            .0
            .iter()
            .map(|(column, texts)| (column.clone(), texts.as_slice().to_vec()))
            .collect(),
    }
}

fn layout_of_args(args: &ReadArgs) -> Result<Layout> {
    let mut layout = Layout::default();
    for text in &args.map {
        let (field, column) = text.split_once('=').with_context(|| {
            format!("--map {text:?} needs the form FIELD=COLUMN, such as email=\"E-mail address\"")
        })?;
        let target: Target = field.trim().parse().map_err(|UnknownField(name)| {
            let near = nearest_field(&name)
                .map(|near| format!("; did you mean {near:?}?"))
                .unwrap_or_default();
            anyhow::anyhow!("--map: unknown field {name:?}{near}")
        })?;
        match layout
            .columns
            .iter_mut()
            .find(|mapped| mapped.target == target)
        {
            Some(mapped) => mapped.columns.push(column.to_owned()),
            None => layout.columns.push(Mapped {
                target,
                columns: vec![column.to_owned()],
            }),
        }
    }
    layout.stages = pairs(&args.stage, "--stage", "\"CRM stage=Event name\"")?;
    layout.stage_columns = pairs(
        &args.stage_column,
        "--stage-column",
        "\"COLUMN=Event name\"",
    )?;
    Ok(layout)
}

fn pairs(texts: &[String], option: &str, form: &str) -> Result<Vec<(String, String)>> {
    let pair = |text: &String| {
        let (left, right) = text
            .rsplit_once('=')
            .with_context(|| format!("{option} {text:?} needs the form {form}"))?;
        Ok((left.trim().to_owned(), right.trim().to_owned()))
    };
    texts.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_may_hold_an_equals_sign_and_an_event_name_may_be_empty() {
        let parsed = pairs(&["A=B=Lead".into(), "Junk=".into()], "--stage", "").unwrap();
        assert_eq!(
            parsed,
            [
                ("A=B".into(), "Lead".into()),
                ("Junk".into(), String::new())
            ]
        );
        assert!(pairs(&["Lead".into()], "--stage", "").is_err());
    }

    #[test]
    fn bounds_are_checked() {
        assert_eq!(batch_size(None).unwrap(), 500);
        assert!(
            batch_size(Some(0)).is_err()
                && batch_size(Some(1001)).is_err()
                && batch_size(Some(1000)).is_ok()
        );
        assert!(
            delimiter_byte("tab").is_ok()
                && delimiter_byte("ab").is_err()
                && delimiter_byte("\"").is_err()
        );
        assert!(clock(Some("2026-11-20")).is_err());
        assert_eq!(clock(Some("2026-11-22T00:00:00Z")).unwrap(), 1_795_305_600);
    }

    #[test]
    fn the_lead_id_refuses_its_row_unless_told_otherwise() {
        let told = Unusable(vec![
            (Target::Field(Field::LeadId), OnUnusable::Omit),
            (Target::Field(Field::Email), OnUnusable::Reject),
        ]);
        assert_eq!(
            Unusable(Vec::new()).severity(Field::LeadId),
            Severity::Error
        );
        assert_eq!(
            Unusable(Vec::new()).severity(Field::Email),
            Severity::Warning
        );
        assert_eq!(told.severity(Field::LeadId), Severity::Warning);
        assert_eq!(told.severity(Field::Email), Severity::Error);
    }
}
