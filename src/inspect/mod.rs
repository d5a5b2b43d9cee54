//! `crm2capi init FILE`: looks at an export, says how it is understood, and writes the settings for it.
//!
//! The preset, the command line and what headings and cells say become one layout that names every column. The export
//! is read with it once, as `validate` would, for its stages and dates. What the export does not tell is asked for on a
//! terminal, and left open elsewhere. Nothing is written that does not read back; values are shown only in their form.

mod ask;
mod draft;
mod events;
mod evidence;
mod mask;
mod page;
mod proposal;
mod search;
mod settings;
mod stages;
mod trial;
mod understanding;
mod vocabulary;
mod words;

use std::io::{BufReader, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use crate::cli::{FormatArgs, InitArgs, ReadArgs};
use crate::config::{Endpoint, PresetChoice, Reading, SettingsFile};
use crate::mapping::{Columns, Layout, MappingError, Plan, Preset};
use crate::report::ExitStatus;
use crate::run::Feed;
use crate::source::{Chunk, Format, Header, Input, Source};
use crate::time::{DateOrder, parse_zone};
use ask::Dialogue;
use draft::Look;
use evidence::{Evidence, Sample};
use proposal::Proposal;
use understanding::Understanding;

/// So many rows are looked at to tell what the columns hold.
const SAMPLE_ROWS: usize = 2_000;

const OUR_MISTAKE: &str = "the settings drawn up do not hold; this is a mistake of crm2capi's";

/// What goes into the settings besides the columns.
struct Decided {
    dataset_id: Option<String>,
    crm: String,
    timezone: Option<String>,
    date_order: Option<DateOrder>,
    default_country: Option<String>,
    /// What the command line says about reading, as `[input]` has it.
    input: Vec<(&'static str, String)>,
}

pub(crate) fn run(args: &InitArgs) -> Result<ExitStatus> {
    check_place(&args.output, args.force)?;
    let dataset_id = Endpoint::dataset(args.dataset_id.as_deref(), &SettingsFile::default())?;
    let spooled = (args.file.as_os_str() == "-").then(spool).transpose()?;
    let path = spooled
        .as_ref()
        .map_or(args.file.as_path(), |file| file.path());
    let name = if spooled.is_some() {
        Input::Stdin.to_string()
    } else {
        path.display().to_string()
    };

    let mut reading = Reading::resolve(&read_args(args, path), &SettingsFile::default())?;
    let input = Input::File(path.to_owned());
    let (header, sample) = look_at(&input, &reading, &name)?;
    let columns = Columns::new(&header);
    let preset = match &reading.preset {
        PresetChoice::Named(preset) => Some(Preset::clone(preset)),
        PresetChoice::Guess => Preset::guess(&header)?,
        PresetChoice::None => None,
    };
    if let Err(error @ MappingError::MissingColumn { .. }) =
        Plan::compile(&reading.given, preset.as_ref(), &header)
    {
        return Err(error).context(name);
    }
    // Headings that many exports share are weighed with what stands under them, and not taken as they come.
    let product = preset.filter(|preset| preset.name != "generic");
    let evidence = sample.columns;
    let mut proposal = propose(&reading.given, product.as_ref(), &columns, &evidence);
    let look = Look {
        name: &name,
        product: product.as_ref(),
        columns: &columns,
        evidence: &evidence,
    };
    if look.draft(&proposal).missing().is_some() {
        page::print_columns(
            &mut anstream::stdout().lock(),
            &name,
            &proposal,
            &header,
            &evidence,
        )?;
        if is_asked(args) {
            look.draft(&proposal)
                .ask(&mut terminal(), &mut reading.given)?;
            proposal = propose(&reading.given, product.as_ref(), &columns, &evidence);
        }
    }
    if let Some(missing) = look.draft(&proposal).missing() {
        let crm = product.as_ref().and_then(|preset| preset.crm.clone());
        let crm = args.crm.clone().or(crm).unwrap_or_else(|| "CRM".to_owned());
        let text = look.draft(&proposal).text(&given(args, dataset_id, crm)?);
        toml::from_str::<SettingsFile>(&text).context(OUR_MISTAKE)?;
        write(&args.output, &text, args.force)?;
        bail!(
            "{name}: {missing}; {} holds what was found, with what is missing in comments: complete it there, or run \
             init again with --force and the options above",
            args.output.display()
        );
    }

    reading.given = proposal.layout(&columns);
    reading.preset = product.clone().map_or(PresetChoice::None, |preset| {
        PresetChoice::Named(Box::new(preset))
    });
    // Whether times name their zone shows only while none is given for those that do not.
    reading.zone = None;
    let mut feed = Feed::open(&input, &reading)?;
    let trial = trial::of(&mut feed, reading.threads)?;
    let story = stages::read(&feed, &reading.given, product.as_ref(), &reading.source)?;
    let product = product.map(|preset| preset.name);
    let found = Understanding {
        name,
        feed,
        header: &header,
        columns: &columns,
        evidence,
        product,
        proposal,
        story,
        trial,
    };

    let mut out = anstream::stdout().lock();
    // Whoever stops reading the page still gets the settings.
    let shown = page::print(&mut out, &found);
    let decided = decide(args, dataset_id, &found)?;
    let text = settings::text(&found, &decided);
    check(&text, args, path).context(OUR_MISTAKE)?;
    write(&args.output, &text, args.force)?;
    let export = if spooled.is_some() {
        "FILE"
    } else {
        found.name.as_str()
    };
    shown.and_then(|()| page::print_end(&mut out, &found, &decided, &args.output, export))?;
    Ok(ExitStatus::Done)
}

/// What the columns are taken for.
fn propose(
    given: &Layout,
    product: Option<&Preset>,
    columns: &Columns<'_>,
    evidence: &[Evidence],
) -> Proposal {
    let layout = Plan::layout(given, product, columns);
    // Meta's forms ask what their makers like, under any name.
    let is_complete = product.is_some_and(|preset| !preset.name.starts_with("meta-"));
    search::propose(&layout, given, is_complete, columns, evidence)
}

/// Whether there is somebody to ask.
fn is_asked(args: &InitArgs) -> bool {
    !args.yes && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

fn terminal() -> Dialogue<BufReader<std::io::Stdin>, impl Write> {
    Dialogue {
        answers: BufReader::new(std::io::stdin()),
        questions: anstream::stderr(),
    }
}

/// Refuses a place where the settings cannot or must not go, before any work is done.
fn check_place(output: &Path, force: bool) -> Result<()> {
    let shown = output.display();
    if output.is_dir() {
        bail!("{shown} is a folder; give --output the name of a file");
    }
    if output.exists() && !force {
        bail!("{shown} is there already; give --force to replace it, or --output for another name");
    }
    if !folder_of(output).is_dir() {
        bail!(
            "there is no folder {} for the settings; make it, or give another --output",
            folder_of(output).display()
        );
    }
    Ok(())
}

/// The folder a file lies in.
fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Standard input in a file of its own, as an export is read more than once. It is gone when the run ends.
fn spool() -> Result<tempfile::NamedTempFile> {
    let mut file =
        tempfile::NamedTempFile::new().context("cannot keep standard input in a temporary file")?;
    std::io::copy(&mut std::io::stdin().lock(), &mut file).context("cannot read standard input")?;
    file.flush()
        .context("cannot keep standard input in a temporary file")?;
    Ok(file)
}

/// What the pipeline understands of these options.
fn read_args(args: &InitArgs, path: &Path) -> ReadArgs {
    ReadArgs {
        files: vec![path.to_owned()],
        crm: args.crm.clone(),
        preset: args.preset.clone(),
        map: args.map.clone(),
        stage_column: args.stage_column.clone(),
        timezone: args.timezone.clone(),
        date_order: args.date_order.clone(),
        default_country: args.default_country.clone(),
        format: args.format.clone(),
        ..ReadArgs::default()
    }
}

/// Reads the header and the first rows.
fn look_at(input: &Input, reading: &Reading, name: &str) -> Result<(Arc<Header>, Sample)> {
    let mut source = Source::open(input, &reading.source)?;
    let header = source.header.clone();
    let this_year = jiff::Timestamp::from_second(reading.now)?
        .to_zoned(jiff::tz::TimeZone::UTC)
        .year();
    let customer = crate::customer::Settings {
        default_country: reading.default_country,
        date_order: reading.date_order,
        this_year,
    };
    let mut sample = Sample::new(&header, &customer, reading.now);
    // Names in JSON are never values, whatever they look like.
    let is_table = !matches!(source.about.format, Format::Json | Format::Ndjson);
    if let Some((index, kind)) = sample.value_among_headings(&header).filter(|_| is_table) {
        bail!(
            "{name}: the first row holds values, not headings: its cell {} reads as {kind}; \
             put a row of headings above it, or export again with them",
            index + 1
        );
    }
    let (mut chunk, mut rows) = (Chunk::default(), 0);
    while rows < SAMPLE_ROWS && source.fill(&mut chunk)? {
        sample.observe(&chunk);
        rows += chunk.len();
    }
    Ok((header, sample))
}

/// What the command line says.
fn given(args: &InitArgs, dataset_id: Option<String>, crm: String) -> Result<Decided> {
    Ok(Decided {
        dataset_id,
        crm,
        timezone: args.timezone.clone(),
        date_order: args.date_order.as_deref().map(str::parse).transpose()?,
        default_country: args.default_country.clone(),
        input: input_section(&args.format),
    })
}

/// Settles what the export leaves open: by the command line, by asking, or not at all.
fn decide(
    args: &InitArgs,
    dataset_id: Option<String>,
    found: &Understanding<'_>,
) -> Result<Decided> {
    let mut decided = given(args, dataset_id, found.feed.lead_event_source.clone())?;
    decided.date_order = decided.date_order.or_else(|| found.settled_order());
    if is_asked(args) {
        ask_for(terminal(), args.crm.is_some(), found, &mut decided)?;
    }
    Ok(decided)
}

/// Asks for what was neither given nor found.
fn ask_for<R: std::io::BufRead, W: Write>(
    mut dialogue: Dialogue<R, W>,
    has_crm: bool,
    found: &Understanding<'_>,
    decided: &mut Decided,
) -> Result<()> {
    if !has_crm {
        let answer = dialogue.ask("Name of the CRM", Some(&decided.crm), |_| Ok(()))?;
        decided.crm = answer.unwrap_or_else(|| decided.crm.clone());
    }
    if decided.date_order.is_none() && found.order_is_open() {
        let question = format!("Order of dates, mdy or dmy ({})", found.order_in_words());
        let answer = dialogue.ask(&question, None, |text| {
            Ok(text.parse::<DateOrder>().map(|_| ())?)
        })?;
        decided.date_order = answer.map(|text| text.parse()).transpose()?;
    }
    if decided.timezone.is_none() && found.needs_zone() {
        let question =
            "Time zone of the export's times, such as America/New_York (empty: decide later)";
        decided.timezone =
            dialogue.ask(question, None, |text| Ok(parse_zone(text).map(|_| ())?))?;
    }
    if decided.dataset_id.is_none() {
        let check =
            |text: &str| Endpoint::dataset(Some(text), &SettingsFile::default()).map(|_| ());
        decided.dataset_id = dialogue.ask("Dataset id (empty: decide later)", None, check)?;
    }
    Ok(())
}

/// What the command line said about reading must be said again by whoever reads the next export.
fn input_section(args: &FormatArgs) -> Vec<(&'static str, String)> {
    let format = args.input_format.and_then(|format| {
        clap::ValueEnum::to_possible_value(&format).map(|value| value.get_name().to_owned())
    });
    let given = [
        ("format", format),
        ("delimiter", args.delimiter.clone()),
        ("encoding", args.encoding.clone()),
        ("sheet", args.sheet.clone()),
    ];
    given
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// Reads the settings back and opens the export with them.
fn check(text: &str, args: &InitArgs, path: &Path) -> Result<()> {
    let file: SettingsFile = toml::from_str(text)?;
    Endpoint::dataset(None, &file)?;
    let read = ReadArgs {
        files: vec![path.to_owned()],
        ..ReadArgs::default()
    };
    let reading =
        Reading::resolve(&read, &file).with_context(|| format!("for {}", args.output.display()))?;
    reading
        .inputs
        .iter()
        .try_for_each(|input| Feed::open(input, &reading).map(|_| ()))
}

/// Puts the file in its place, whole; without `force` only if nothing stands there.
fn write(path: &Path, text: &str, force: bool) -> Result<()> {
    let place = || format!("cannot write {}", path.display());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".crm2capi-settings");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // It holds no secret: whatever the user's mask allows.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder_of(path)).with_context(place)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.as_file().sync_all())
        .with_context(place)?;
    let kept = if force {
        file.persist(path)
    } else {
        file.persist_noclobber(path)
    };
    kept.map(|_| ()).with_context(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn understanding<T>(content: &str, test: impl FnOnce(&Understanding<'_>) -> T) -> T {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("leads.csv");
        std::fs::write(&path, content).unwrap();
        let args = ReadArgs {
            files: vec![path.clone()],
            now: Some("2026-11-21T16:00:00Z".into()),
            ..ReadArgs::default()
        };
        let mut reading = Reading::resolve(&args, &SettingsFile::default()).unwrap();
        let input = Input::File(path);
        let (header, sample) = look_at(&input, &reading, "leads.csv").unwrap();
        let columns = Columns::new(&header);
        let none = Layout::default();
        let proposal = search::propose(&none, &none, false, &columns, &sample.columns);
        reading.given = proposal.layout(&columns);
        reading.preset = PresetChoice::None;
        let feed = Feed::open(&input, &reading).unwrap();
        let story = stages::read(&feed, &reading.given, None, &reading.source).unwrap();
        test(&Understanding {
            name: "leads.csv".into(),
            feed,
            header: &header,
            columns: &columns,
            evidence: sample.columns,
            product: None,
            proposal,
            story,
            trial: trial::Trial::default(),
        })
    }

    #[test]
    fn one_date_that_reads_one_way_is_the_evidence() {
        let dates = |dates: [&str; 2]| {
            format!(
                "email,stage,stage date\na@example.com,New,{}\nb@example.com,New,{}\n",
                dates[0], dates[1]
            )
        };
        understanding(&dates(["03/04/2026", "11/20/2026"]), |found| {
            assert_eq!(found.settled_order(), Some(DateOrder::Mdy));
            assert_eq!(
                found.order_in_words(),
                "mdy, as row 3 reads only as month/day"
            );
        });
        understanding(&dates(["03/04/2026", "04/05/2026"]), |found| {
            assert!(found.order_is_open() && found.settled_order().is_none());
            let words = "row 2: 03/04/2026 could be 3 April or 4 March, and no row settles it";
            assert_eq!(found.order_in_words(), words);
        });
    }

    #[test]
    fn stages_are_listed_in_the_order_leads_pass_them() {
        let table = "email,stage,stage date,created\n\
            a@example.com,Won,2026-11-19,2026-11-10\n\
            b@example.com,New,2026-11-18,2026-11-18\n\
            c@example.com,Qualified,2026-11-14,2026-11-11\n";
        understanding(table, |found| {
            let names: Vec<&str> = found
                .story
                .stages
                .iter()
                .map(|(name, _)| name.as_str())
                .collect();
            assert_eq!(names, ["New", "Qualified", "Won"]);
        });
    }

    #[test]
    fn whatever_is_not_known_is_asked_for() {
        let table = "email,stage,stage date\na@example.com,New,03/04/2026 10:00\n";
        understanding(table, |found| {
            let mut decided = Decided {
                dataset_id: None,
                crm: "CRM".into(),
                timezone: None,
                date_order: None,
                default_country: None,
                input: Vec::new(),
            };
            let answers = "Acme\nxyz\ndmy\nEurope/Berlin\n12x\n123456789012345\n";
            let mut questions = Vec::new();
            ask_for(
                Dialogue {
                    answers: answers.as_bytes(),
                    questions: &mut questions,
                },
                false,
                found,
                &mut decided,
            )
            .unwrap();
            assert_eq!(decided.crm, "Acme");
            assert_eq!(decided.date_order, Some(DateOrder::Dmy));
            assert_eq!(decided.timezone.as_deref(), Some("Europe/Berlin"));
            assert_eq!(decided.dataset_id.as_deref(), Some("123456789012345"));
            let asked = String::from_utf8(questions).unwrap();
            assert!(
                asked.contains("unknown date order") && asked.contains("is not a number"),
                "{asked}"
            );
        });
    }
}
