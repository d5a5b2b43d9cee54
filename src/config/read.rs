//! What to read and how to understand it.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;

use super::file::SettingsFile;
use crate::cli::{FormatArgs, InputFormat, LayoutArgs, NamedEvent, ReadArgs};
use crate::custom_data::{Currency, currency};
use crate::customer::Country;
use crate::event::{Constants, DataProcessing};
use crate::inspect::settings_of;
use crate::mapping::{Layout, Mapped, Preset, Unlisted};
use crate::run::{JoinSettings, PresetChoice, ReadSettings, Unusable};
use crate::source::{Expanded, Format, Input, expand};
use crate::text::is_a_token;
use crate::time::{Clock, parse_zone};

/// What the event of a raw lead is called unless the settings say otherwise.
const RAW_LEAD: &str = "Lead";
/// Share of unusable rows, in percent, above which nothing is sent, unless told otherwise.
const DEFAULT_MAX_INVALID_PERCENT: f64 = 50.0;
/// Workers take turns at reading: more of them than this would only wait for each other, and hold memory.
const MOST_WORKERS: usize = 8;

/// Resolves what to read and how. Exports that come without settings are looked at, where it takes that to read them.
///
/// # Errors
/// An option or a key cannot be used; the message says which and what to do.
pub(crate) fn read_settings(args: &ReadArgs, file: &SettingsFile) -> Result<ReadSettings> {
    let named = named_settings(args, file)?;
    if named.settings_file.is_some() {
        return Ok(named);
    }
    let Some(text) = settings_of(&named) else {
        return Ok(named);
    };
    let mut guessed = named_settings(args, &SettingsFile::parse(&text)?)?;
    // What `init` did not come across in the first of several exports is no error in the others.
    guessed.given.unlisted = Some(Unlisted::Send);
    guessed.is_guessed = true;
    tracing::debug!("no settings: columns and stages as init would write them down");
    Ok(guessed)
}

/// The same without a look at the exports.
///
/// # Errors
/// As [`read_settings`].
pub(crate) fn named_settings(args: &ReadArgs, file: &SettingsFile) -> Result<ReadSettings> {
    let rejects = file.output.rejects.as_ref();
    let rejects = rejects.map(|path| file.resolve_output(path, ("output", "rejects")));
    let rejects = args.rejects.clone().map(Ok).or(rejects).transpose()?;
    Ok(ReadSettings {
        inputs: inputs(&args.files, file)?,
        source: source(&args.format, file, rejects.is_some())?,
        rejects,
        ..body_settings(args, file)?
    })
}

/// The same where the records are leads of Meta's, as a download of leads gives them: each is the event of a raw lead, named
/// as `[join] raw_lead` says, for the CRM that the settings name.
///
/// # Errors
/// As of [`read_settings`].
pub(crate) fn lead_settings(args: &ReadArgs, file: &SettingsFile) -> Result<ReadSettings> {
    let read = body_settings(args, file)?;
    let of_preset = match &read.preset {
        PresetChoice::Named(preset) => preset.crm.clone(),
        PresetChoice::Guess | PresetChoice::None => None,
    };
    let raw_lead = read.join.raw_lead.clone();
    let raw_lead = raw_lead.unwrap_or_else(|| RAW_LEAD.to_owned());
    let given = Layout {
        stage_columns: vec![("created_time".to_owned(), raw_lead)],
        ..Layout::default()
    };
    Ok(ReadSettings {
        given,
        preset: PresetChoice::Named(Box::new(Preset::named("meta-lead-ads")?)),
        crm: read.crm.clone().or(of_preset),
        join: JoinSettings::default(),
        column_lines: Vec::new(),
        ..read
    })
}

/// The same where nothing is read but bodies that are posted: JSON, and whoever posts it is told what is wrong with it.
///
/// # Errors
/// As of [`read_settings`].
pub(crate) fn body_settings(args: &ReadArgs, file: &SettingsFile) -> Result<ReadSettings> {
    let crm = args.layout.crm.as_ref().or(file.crm.name.as_ref());
    let zone_of_file = || file.crm.timezone.as_deref().map(parse_zone).transpose();
    let zone = match &args.layout.timezone {
        Some(given) => Some(given.zone.clone()),
        None => zone_of_file().with_context(|| file.place_of("timezone", "crm"))?,
    };
    let order_of_file = || file.crm.date_order.as_deref().map(str::parse).transpose();
    let date_order = match args.layout.date_order {
        Some(given) => Some(given),
        None => order_of_file().with_context(|| file.place_of("date_order", "crm"))?,
    };
    let given = layout_of_file(file).overlaid_with(layout_of_args(&args.layout, &args.stage));
    if !given.sends_again.is_empty() && !given.is_snapshot() {
        bail!(
            "{} is for stage_time = \"first-seen\"; elsewhere each time of a stage is an event anyway",
            file.place_of("sends_again", "crm")
        );
    }
    refuse_token("the CRM's name", crm.map_or("", String::as_str))?;
    for (_, event) in given.stages.iter().chain(&given.stage_columns) {
        refuse_token("the name of an event", event)?;
    }
    Ok(ReadSettings {
        inputs: Vec::new(),
        source: crate::source::Settings::default(),
        given,
        preset: preset(&args.layout, file)?,
        crm: crm.filter(|name| !name.trim().is_empty()).cloned(),
        zone,
        date_order,
        default_country: default_country(args.layout.default_country, file)?,
        clock: clock(args.now),
        unusable: Unusable(file.fields.0.clone()),
        constants: constants(file)?,
        currency: constant_currency(file)?,
        join: join(args, file)?,
        rejects: None,
        max_invalid_percent: max_invalid(args, file)?,
        preview: file.output.preview.unwrap_or(0).into(),
        strict: args.strict || file.output.strict.unwrap_or(false),
        threads: threads(args.threads, file)?,
        settings_file: file.path.clone(),
        is_guessed: false,
        column_lines: file.column_lines.clone(),
        sends_again_at: file.place_of("sends_again", "crm"),
    })
}

/// A token that was typed in the place of a name would be sent and shown under it.
///
/// # Errors
/// The text is one.
pub(super) fn refuse_token(what: &str, text: &str) -> Result<()> {
    if is_a_token(text) {
        bail!("{what} is an access token; it belongs only in CRM2CAPI_ACCESS_TOKEN or in its file");
    }
    Ok(())
}

/// A clock that stands still at the time given, else the machine's.
pub(crate) fn clock(given: Option<Timestamp>) -> Clock {
    given.map_or(Clock::System, |now| Clock::Fixed(now.as_second()))
}

fn preset(args: &LayoutArgs, file: &SettingsFile) -> Result<PresetChoice> {
    let choose = |name: &String| {
        Ok(match name.as_str() {
            "none" => PresetChoice::None,
            name => PresetChoice::Named(Box::new(Preset::named(name)?)),
        })
    };
    match (&args.preset, &file.crm.preset) {
        (Some(name), _) => choose(name),
        (None, Some(name)) => choose(name).with_context(|| file.place_of("preset", "crm")),
        (None, None) => Ok(PresetChoice::Guess),
    }
}

/// The country of values that name none.
///
/// # Errors
/// The settings name one that does not exist.
pub(crate) fn default_country(
    given: Option<Country>,
    file: &SettingsFile,
) -> Result<Option<Country>> {
    let of_file = |text: &String| {
        Country::parse(text).with_context(|| {
            let near = Country::nearest(text)
                .map_or(String::new(), |name| format!("; did you mean {name}?"));
            let place = file.place_of("default_country", "crm");
            format!(
                "{place}: {text:?} is not a country; give its two letters, such as US or DE{near}"
            )
        })
    };
    match given {
        Some(country) => Ok(Some(country)),
        None => file.crm.default_country.as_ref().map(of_file).transpose(),
    }
}

fn max_invalid(args: &ReadArgs, file: &SettingsFile) -> Result<f64> {
    let in_file = file.delivery.max_invalid;
    if let Some(percent) = in_file
        && !(0.0..=100.0).contains(&percent)
    {
        let place = file.place_of("max_invalid", "delivery");
        bail!("{place}: {percent} is not a percentage; give 0 to 100");
    }
    Ok(args
        .max_invalid
        .or(in_file)
        .unwrap_or(DEFAULT_MAX_INVALID_PERCENT))
}

fn threads(given: Option<u16>, file: &SettingsFile) -> Result<usize> {
    let all = || std::thread::available_parallelism().map_or(1, usize::from);
    match given.map(usize::from).or(file.input.threads) {
        Some(0) => {
            let place = file.place_of("threads", "input");
            bail!("{place}: 0 threads cannot do any work; give at least 1")
        }
        Some(count) => Ok(count.min(256)),
        None => Ok(all().min(MOST_WORKERS)),
    }
}

/// The files on the command line, else those of the settings.
fn inputs(given: &[PathBuf], file: &SettingsFile) -> Result<Vec<Input>> {
    let in_file = file.input.files.iter();
    let files: Vec<PathBuf> = match given.is_empty() {
        true => in_file.map(|path| file.resolve(path)).collect(),
        false => given.to_vec(),
    };
    if files.is_empty() {
        bail!(
            "there is nothing to read: name an export, or list files = [\"leads.csv\"] under [input] of the settings"
        );
    }
    let Expanded {
        inputs,
        passed_over,
    } = expand(&files)?;
    let of_settings = given.is_empty() && file.is_merely_found;
    if let Some(outside) = (inputs.iter().filter(|_| of_settings))
        .filter_map(Input::path)
        .find(|path| file.leads_out_to(path))
    {
        bail!(
            "these settings were not named with --config, so they may not use {}, which is outside their folder; name them with --config",
            outside.display()
        );
    }
    for file in passed_over {
        tracing::warn!("{file}; skipped");
    }
    Ok(inputs)
}

/// Meta's leads on the command line, else those of the settings.
fn join(args: &ReadArgs, file: &SettingsFile) -> Result<JoinSettings> {
    let in_file = file.join.leads.iter().map(|path| file.resolve(path));
    let leads: Vec<PathBuf> = match args.leads.is_empty() {
        true => in_file.collect(),
        false => args.leads.clone(),
    };
    let missing = file.join.missing.as_ref();
    let missing = missing.map(|path| file.resolve_output(path, ("join", "missing")));
    let missing = args.leads_missing.clone().map(Ok).or(missing);
    let missing = missing.transpose()?;
    let inputs = match leads.is_empty() {
        true => Vec::new(),
        false => expand(&leads)?.inputs,
    };
    if inputs.contains(&Input::Stdin) {
        bail!("--leads cannot be read from standard input; name a file");
    }
    if let (true, Some(_)) = (inputs.is_empty(), &missing) {
        bail!(
            "--leads-missing lists the leads of Meta that no row matches; name the file of leads with --leads FILE"
        );
    }
    let raw_lead = file.join.raw_lead.as_deref().map(str::trim);
    if raw_lead == Some("") {
        bail!(
            "{} is empty; name the event, such as \"Lead\", or leave the key out",
            file.place_of("raw_lead", "join")
        );
    }
    Ok(JoinSettings {
        inputs,
        raw_lead: raw_lead.map(str::to_owned),
        missing,
    })
}

fn source(
    args: &FormatArgs,
    file: &SettingsFile,
    keep_records: bool,
) -> Result<crate::source::Settings> {
    let section = &file.input;
    let format = match args
        .input_format
        .or(section.format)
        .unwrap_or(InputFormat::Auto)
    {
        InputFormat::Auto => None,
        InputFormat::Csv => Some(Format::Csv),
        InputFormat::Tsv => Some(Format::Tsv),
        InputFormat::Json => Some(Format::Json),
        InputFormat::Ndjson => Some(Format::Ndjson),
        InputFormat::Xlsx => Some(Format::Xlsx),
    };
    let of_input = |key: &str, value: Option<&String>| {
        let value = value.map(String::as_str).unwrap_or_default();
        format!("{} = {value:?}", file.place_of(key, "input"))
    };
    let encoding_of_file = || section.encoding.as_deref().map(crate::cli::encoding);
    let encoding = match args.encoding {
        Some(given) => Some(given),
        None => encoding_of_file()
            .transpose()
            .map_err(anyhow::Error::msg)
            .with_context(|| of_input("encoding", section.encoding.as_ref()))?,
    };
    let header_of_file = || section.header.as_deref().map(str::parse);
    let header = match args.header.clone() {
        Some(given) => Some(given),
        None => header_of_file()
            .transpose()
            .map_err(anyhow::Error::msg)
            .context("header under [input]")?,
    };
    let delimiter_of_file = || section.delimiter.as_deref().map(str::parse);
    let delimiter = match args.delimiter {
        Some(given) => Some(given),
        None => delimiter_of_file()
            .transpose()
            .map_err(anyhow::Error::msg)
            .with_context(|| of_input("delimiter", section.delimiter.as_ref()))?,
    };
    Ok(crate::source::Settings {
        format,
        delimiter: delimiter.map(|delimiter: crate::cli::Delimiter| delimiter.0),
        header: header.map_or_else(Vec::new, |columns: crate::cli::Columns| columns.0),
        encoding,
        sheet: args.sheet.clone().or_else(|| section.sheet.clone()),
        keep_records,
        stop: Default::default(),
    })
}

fn constants(file: &SettingsFile) -> Result<Constants> {
    let section = &file.event;
    Constants::new(&DataProcessing {
        options: section.data_processing_options.clone(),
        country: section.data_processing_options_country,
        state: section.data_processing_options_state,
    })
    .with_context(|| file.place_of("data_processing_options", "event"))
}

fn constant_currency(file: &SettingsFile) -> Result<Option<Currency>> {
    let read = |text: &String| {
        let found = currency(text).ok().flatten();
        let place = || file.place_of("currency", "event");
        found.with_context(|| {
            format!(
                "{}: {text:?} is not one of ISO 4217, such as EUR or USD",
                place()
            )
        })
    };
    file.event.currency.as_ref().map(read).transpose()
}

fn layout_of_file(file: &SettingsFile) -> Layout {
    let mapped = file.columns.0.iter().map(|(target, names)| Mapped {
        target: target.clone(),
        columns: names.as_slice().to_vec(),
    });
    let only = file.only.0.iter();
    let (stages, worths) = (file.stages.0.iter(), file.stages.0.iter());
    Layout {
        columns: mapped.collect(),
        stages: stages
            .map(|(stage, setting)| {
                let event = setting.event.as_ref().unwrap_or(stage);
                (stage.clone(), event.clone())
            })
            .collect(),
        worths: worths
            .filter_map(|(stage, setting)| Some((stage.clone(), setting.worth.clone()?)))
            .collect(),
        unlisted: file.crm.unlisted_stages,
        stage_columns: file.stage_columns.0.clone(),
        history: file.history.clone(),
        only: only
            .map(|(column, texts)| (column.clone(), texts.as_slice().to_vec()))
            .collect(),
        allow_personal: file.event.allow_personal.clone(),
        stage_time: file.crm.stage_time,
        sends_again: file.crm.sends_again.clone(),
    }
}

fn layout_of_args(args: &LayoutArgs, stages: &[NamedEvent]) -> Layout {
    let mut layout = Layout::default();
    for given in &args.map {
        match layout
            .columns
            .iter_mut()
            .find(|mapped| mapped.target == given.target)
        {
            Some(mapped) => mapped.columns.push(given.column.clone()),
            None => layout.columns.push(Mapped {
                target: given.target.clone(),
                columns: vec![given.column.clone()],
            }),
        }
    }
    let pairs = |events: &[NamedEvent]| {
        let pair = |event: &NamedEvent| (event.from.clone(), event.event_name.clone());
        events.iter().map(pair).collect()
    };
    layout.stages = pairs(stages);
    layout.stage_columns = pairs(&args.stage_column);
    layout.stage_time = args.stage_time;
    layout
}
