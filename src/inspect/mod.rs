//! What `init` sees in an export: how it is understood, and the settings for it.
//!
//! The preset, the command line and what headings and cells say become one layout that names every column. The export
//! is read with it once, as `validate` would, for its stages and dates. What the export does not tell is asked for on a
//! terminal, and left open elsewhere. Writes no file; values are shown only in their form.

mod ask;
mod draft;
mod events;
mod evidence;
mod mask;
mod origin;
mod page;
mod proposal;
mod request;
mod search;
mod sent;
mod settings;
mod stages;
mod trial;
mod unaided;
mod understanding;
mod unused;
mod vocabulary;
mod words;

use std::io::{BufReader, Write};
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use crate::mapping::{Columns, Layout, MappingError, Plan, Preset};
use crate::run::{Feed, PresetChoice, ReadSettings};
use crate::source::{Chunk, Format, Header, Input, Source};
use crate::text::HarmlessLines;
use crate::time::{DateOrder, parse_zone};
use ask::Dialogue;
use draft::{Draft, Look};
use evidence::{Evidence, Sample};
use proposal::Proposal;
use request::Decided;
pub(crate) use request::{Completeness, Given, Request};
pub(crate) use settings::CONFIG_URL;
pub(crate) use unaided::settings_of;
use understanding::Understanding;

/// So many rows are looked at to tell what the columns hold.
const SAMPLE_ROWS: usize = 2_000;

/// Looks at an export, shows how it is understood, and hands the text of its settings to `keep`, which checks and writes
/// it.
///
/// # Errors
/// The export cannot be read or does not fit what was said about it, `keep` fails, or the export does not tell enough;
/// then what was found is kept all the same, and the message says what is missing.
pub(crate) fn draw_up(
    mut request: Request<'_>,
    out: &mut dyn Write,
    keep: &dyn Fn(&str, Completeness) -> Result<()>,
) -> Result<()> {
    let reading = &mut request.read;
    let (input, name) = (request.input.clone(), request.name.clone());
    let (header, sample) = look_at(&input, reading, &name)?;
    let columns = Columns::new(&header);
    let preset = fitting_preset(reading, &header).context(name.clone())?;
    // Headings that many exports share are weighed with what stands under them, and not taken as they come.
    let product = preset.filter(|preset| preset.name != "generic");
    let evidence = sample.columns;
    refuse_a_lone_record(&name, &header, &evidence)?;
    let mut proposal = propose(&reading.given, product.as_ref(), &columns, &evidence);
    let look = Look {
        name: &name,
        product: product.as_ref(),
        columns: &columns,
        evidence: &evidence,
    };
    if look.draft(&proposal).missing().is_some() {
        page::print_columns(out, &name, &proposal, &header, &evidence)?;
        if request.may_ask {
            look.draft(&proposal)
                .ask(&mut terminal(), &mut reading.given)?;
            proposal = propose(&reading.given, product.as_ref(), &columns, &evidence);
        }
    }
    if let Some(missing) = look.draft(&proposal).missing() {
        return keep_with_gaps(&request, &look.draft(&proposal), &missing, keep);
    }

    reading.given = proposal.layout(&columns);
    reading.preset = product.clone().map_or(PresetChoice::None, |preset| {
        PresetChoice::Named(Box::new(preset))
    });
    // Whether times name their zone shows only while none is given for those that do not.
    let zone = reading.zone.take();
    let mut feed = Feed::open(&input, reading)?;
    reading.zone = zone;
    let trial = match reading.zone.is_some() {
        true => trial::of(&mut Feed::open(&input, reading)?, reading.threads)?,
        false => trial::of(&mut feed, reading.threads)?,
    };
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

    // Whoever stops reading the page still gets the settings.
    let shown = page::print(out, &found, request.given.timezone.as_deref());
    let decided = decide(&request, &found)?;
    keep(&settings::text(&found, &decided), Completeness::Complete)?;
    shown.and_then(|()| page::print_end(out, &found, &decided, &request))?;
    if found.trial.with_events == 0 && found.has_short_years() && decided.date_order.is_none() {
        bail!(
            "{}: no row gives an event until the order of its dates is known, as their years have two digits; run init \
             again with --force and --date-order dmy or mdy",
            request.name
        );
    }
    Ok(())
}

/// Refuses a file of which the records were not found, as they lie in a list inside of what was read as one.
fn refuse_a_lone_record(name: &str, header: &Header, evidence: &[Evidence]) -> Result<()> {
    let Some(list) = evidence::list_in_one_record(header, evidence) else {
        return Ok(());
    };
    let step = |part: &str| match part.parse::<u32>() {
        Ok(index) => format!("[{index}]"),
        Err(_) => format!(".{part}"),
    };
    let path: String = list.split('.').map(step).collect();
    bail!(
        "{name}: it was read as one record, in which {list:?} lists what may be the leads; take the list out of it, such as \
         with jq '{path}[]', or export the leads alone"
    )
}

/// The preset that was asked for or that the header speaks for.
///
/// # Errors
/// A column that was named is not there.
fn fitting_preset(reading: &ReadSettings, header: &Header) -> Result<Option<Preset>> {
    let preset = match &reading.preset {
        PresetChoice::Named(preset) => Some(Preset::clone(preset)),
        PresetChoice::Guess => Preset::guess(header)?,
        PresetChoice::None => None,
    };
    match Plan::compile(&reading.given, preset.as_ref(), header) {
        Err(error @ MappingError::MissingColumn { .. }) => Err(error.into()),
        _ => Ok(preset),
    }
}

/// Keeps what was found, and says what is missing.
fn keep_with_gaps(
    request: &Request<'_>,
    draft: &Draft<'_>,
    missing: &str,
    keep: &dyn Fn(&str, Completeness) -> Result<()>,
) -> Result<()> {
    let crm = draft.product.and_then(|preset| preset.crm.clone());
    let crm = request.crm.clone().or(crm);
    let decided = Decided::of(&request.given, crm.unwrap_or_else(|| "CRM".to_owned()));
    keep(&draft.text(&decided), Completeness::HasGaps)?;
    bail!(
        "{}: {missing}; {} holds what was found, with what is missing in comments: complete it there, or run \
         init again with --force and the options it names",
        request.name,
        request.output.display()
    )
}

/// What the columns are taken for.
fn propose(
    given: &Layout,
    product: Option<&Preset>,
    columns: &Columns<'_>,
    evidence: &[Evidence],
) -> Proposal {
    let layout = Plan::layout(given, product, columns);
    let is_complete = product.is_some_and(|preset| !is_of_a_form(preset));
    search::propose(&layout, given, is_complete, columns, evidence)
}

/// Whether the columns are those of Meta's forms, which ask what their makers like, under any name.
fn is_of_a_form(preset: &Preset) -> bool {
    preset.name.starts_with("meta-")
}

fn terminal() -> Dialogue<BufReader<std::io::Stdin>, impl Write> {
    Dialogue {
        answers: BufReader::new(std::io::stdin()),
        questions: HarmlessLines::new(anstream::stderr()),
    }
}

/// Reads the header and the first rows.
fn look_at(input: &Input, reading: &ReadSettings, name: &str) -> Result<(Arc<Header>, Sample)> {
    let mut source = Source::open(input, &reading.source)?;
    let header = source.header.clone();
    let now = reading.clock.now();
    let this_year = reading.clock.this_year();
    let customer = crate::customer::Settings {
        default_country: reading.default_country,
        date_order: reading.date_order,
        this_year,
        letter_m: crate::customer::LetterM::Man,
    };
    let mut sample = Sample::new(&header, &customer, now);
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

/// Settles what the export leaves open: by the command line, by asking, or not at all.
fn decide(request: &Request<'_>, found: &Understanding<'_>) -> Result<Decided> {
    let crm = found.feed.lead_event_source.clone();
    let mut decided = Decided::of(&request.given, crm);
    decided.date_order = decided.date_order.or_else(|| found.settled_order());
    if request.may_ask {
        let check = request.check_dataset_id;
        ask_for(
            terminal(),
            request.crm.is_some(),
            check,
            found,
            &mut decided,
        )?;
    }
    Ok(decided)
}

/// Asks for what was neither given nor found.
fn ask_for<R: std::io::BufRead, W: Write>(
    mut dialogue: Dialogue<R, W>,
    has_crm: bool,
    check_dataset_id: &dyn Fn(&str) -> Result<()>,
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
        decided.dataset_id =
            dialogue.ask("Dataset id (empty: decide later)", None, check_dataset_id)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::ReadArgs;
    use crate::config::{SettingsFile, named_settings};

    fn understanding<T>(content: &str, test: impl FnOnce(&Understanding<'_>) -> T) -> T {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("leads.csv");
        std::fs::write(&path, content).unwrap();
        let args = ReadArgs {
            files: vec![path.clone()],
            now: "2026-11-21T16:00:00Z".parse().ok(),
            ..ReadArgs::default()
        };
        let mut reading = named_settings(&args, &SettingsFile::default()).unwrap();
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
                &|text| crate::config::dataset_id(Some(text), &SettingsFile::default()).map(|_| ()),
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
