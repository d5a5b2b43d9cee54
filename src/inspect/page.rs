//! What was understood, as a page for people. Values appear in their form alone; stages and headings as they are.

use std::io::{self, Write};

use super::evidence::{Evidence, Kind};
use super::proposal::{Confidence, Proposal, Taken};
use super::request::{Decided, Request};
use super::stages::Story;
use super::understanding::Understanding;
use super::unused;
use crate::field::Field;
use crate::mapping::{Shape, Target, sounds_negative};
use crate::problem::{Code, Finding};
use crate::source::{About, EncodingEvidence, Header};
use crate::text::harmless;

/// So many columns unused for one reason are named.
const MAX_NAMED: usize = 40;

/// Prints everything that was understood, beside the zone that was said.
pub(super) fn print(
    out: &mut dyn Write,
    found: &Understanding<'_>,
    zone: Option<&str>,
) -> io::Result<()> {
    writeln!(out, "{}", found.name)?;
    let (about, story) = (&found.feed.about, &found.story);
    fact(out, "format", &format_in_words(about))?;
    fact(
        out,
        "layout",
        &match &found.product {
            Some(preset) => format!("that of the preset {preset}"),
            None => "of no product known here; taken by headings and cells".to_owned(),
        },
    )?;
    fact(out, "shape", &shape_in_words(found))?;
    let rows = match story.rows_read * 2 < story.rows {
        true => format!(
            "{}; stages and zones are those of {} of them, the first and every few behind them",
            story.rows, story.rows_read
        ),
        false => story.rows.to_string(),
    };
    fact(out, "rows", &rows)?;
    fact(out, "events", &events_in_words(found))?;
    fact(out, "dates", &found.order_in_words())?;
    fact(out, "time zone", &found.zone_in_words(zone))?;
    columns_in_words(out, &found.proposal, found.header, &found.evidence)?;
    stages(out, found)?;
    let notes = notes(found);
    if !notes.is_empty() {
        writeln!(out, "\nto check")?;
        notes
            .iter()
            .try_for_each(|note| writeln!(out, "  {note}"))?;
    }
    writeln!(out)?;
    out.flush()
}

/// Prints what the columns were taken for, where there is no more to print.
pub(super) fn print_columns(
    out: &mut dyn Write,
    name: &str,
    proposal: &Proposal,
    header: &Header,
    evidence: &[Evidence],
) -> io::Result<()> {
    writeln!(out, "{name}")?;
    columns_in_words(out, proposal, header, evidence)?;
    out.flush()
}

/// Says where the settings are, and what comes next.
pub(super) fn print_end(
    out: &mut dyn Write,
    found: &Understanding<'_>,
    decided: &Decided,
    request: &Request<'_>,
) -> io::Result<()> {
    let path = request.output;
    writeln!(out, "wrote {}", path.display())?;
    let mut open = Vec::new();
    if decided.date_order.is_none() && found.order_is_open() {
        open.push("date_order");
    }
    if decided.timezone.is_none() && found.needs_zone() {
        open.push("timezone");
    }
    if decided.dataset_id.is_none() {
        open.push("dataset_id");
    }
    if !open.is_empty() {
        writeln!(out, "still open in it: {}", open.join(", "))?;
    }
    let config = match request.is_usual_place {
        true => String::new(),
        false => format!("--config {} ", word(&path.display().to_string())),
    };
    writeln!(
        out,
        "next: crm2capi validate {config}{}",
        word(&request.export)
    )?;
    out.flush()
}

/// A path as a shell takes it for one word.
fn word(path: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "/\\._-:+@,=".contains(letter);
    if path.chars().all(is_plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

fn fact(out: &mut dyn Write, name: &str, words: &str) -> io::Result<()> {
    writeln!(out, "  {name:<9}  {words}")
}

/// A heading on one line, and not too long.
fn heading(text: &str) -> String {
    let flat = harmless(text).into_owned();
    match flat.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &flat[..end]),
        None => flat,
    }
}

fn format_in_words(about: &About) -> String {
    let mut words = vec![about.format.name().to_owned()];
    if let Some((encoding, evidence)) = about.encoding {
        words.push(match evidence {
            EncodingEvidence::Given => format!("{encoding} as asked for"),
            EncodingEvidence::ByteOrderMark => format!("{encoding} by its byte order mark"),
            EncodingEvidence::NulPattern | EncodingEvidence::Valid => encoding.to_owned(),
            EncodingEvidence::Guessed => format!("{encoding} (guessed)"),
        });
    }
    words.extend(
        about
            .delimiter_name()
            .map(|name| format!("delimiter {name}")),
    );
    words.extend(about.sheet.as_ref().map(|sheet| format!("sheet {sheet:?}")));
    words.extend(
        about
            .records_at
            .as_ref()
            .map(|path| format!("records at {path}")),
    );
    words.join(", ")
}

/// A share of a whole as a percentage; only nothing is 0 and only all is 100.
fn percent(share: f64) -> u32 {
    match (share * 100.0).round() as u32 {
        0 if share > 0.0 => 1,
        100 if share < 1.0 => 99,
        percent => percent,
    }
}

/// How many rows give events with these settings.
fn events_in_words(found: &Understanding<'_>) -> String {
    let trial = &found.trial;
    let tried = if trial.rows < found.story.rows {
        format!("the first {} rows", trial.rows)
    } else {
        format!("{} rows", trial.rows)
    };
    let share = trial.with_events as f64 / trial.rows.max(1) as f64;
    let given = format!(
        "{} of {tried} give events ({} %)",
        trial.with_events,
        percent(share)
    );
    let others = [
        (
            trial.without_consent,
            "are left out as their consent does not say yes",
        ),
        (trial.refused, "would be refused"),
    ];
    let others = others.iter().filter(|(rows, _)| *rows > 0);
    others.fold(given, |said, (rows, what)| format!("{said}, {rows} {what}"))
}

/// Why rows are refused, the most frequent cause first.
fn refusals(found: &Understanding<'_>) -> Vec<String> {
    let trial = &found.trial;
    let is_many = |rows: &u64| *rows * 20 >= trial.rows;
    let cause = |(code, column, rows): &(Code, Option<u32>, u64)| {
        let heading = column.and_then(|column| found.header.columns.get(column as usize));
        let column = heading.map(|name| format!(" (column {:?})", self::heading(name)));
        format!(
            "{rows} of {} rows: {}{}; {}",
            trial.rows,
            code.message(),
            column.unwrap_or_default(),
            code.help()
        )
    };
    let many = trial.causes.iter().filter(|(.., rows)| is_many(rows));
    many.take(3).map(cause).collect()
}

fn has_one_stage_now(found: &Understanding<'_>) -> bool {
    let story = &found.story;
    // Where leads come again and again, their rows are events.
    found.feed.plan().has_one_stage_a_row()
        && (found.feed.shape == Shape::CurrentStage || story.rows * 5 < story.leads.max(1) * 6)
}

fn shape_in_words(found: &Understanding<'_>) -> String {
    let proposal = &found.proposal;
    let has_stage = proposal.column_of(Field::EventName).is_some();
    match () {
        () if proposal.rest.is_snapshot() => {
            "snapshot: one row a lead with the stage it is in now, which counts as reached when an export first shows it"
        }
        () if proposal.rest.history.is_some() && has_stage => {
            "a history where a record has one, else the stage it is in now"
        }
        () if proposal.rest.history.is_some() => {
            "wide history: one row a lead, with groups of stage and time"
        }
        () if !proposal.rest.only.is_empty() => {
            "field history: one row a change, of which those of the stage count"
        }
        () if !proposal.stage_columns.is_empty() && has_stage => {
            "current stage: one row a lead with the stage it is in now, and dates of some stages"
        }
        () if proposal.stage_columns.len() == 1 && proposal.stage_columns[0].column.is_some() => {
            "one row a lead, with the date of one stage"
        }
        () if !proposal.stage_columns.is_empty() => {
            "wide: one row a lead, with a date column a stage"
        }
        () if has_one_stage_now(found) => {
            "current stage: one row a lead with the stage it is in now"
        }
        () => "one row an event",
    }
    .to_owned()
}

fn columns_in_words(
    out: &mut dyn Write,
    proposal: &Proposal,
    header: &Header,
    evidence: &[Evidence],
) -> io::Result<()> {
    let cells = Cells { header, evidence };
    used_columns(out, proposal, &cells)?;
    if !proposal.guesses.is_empty() {
        writeln!(out, "\nguesses, not used")?;
        let line = |guess: &Taken| {
            let [name, fill, form] = cells.of(guess.column);
            let doubt = evidence[guess.column as usize].doubt(&guess.target);
            [guess.target.to_string(), name, fill, form, doubt]
        };
        table(out, &proposal.guesses.iter().map(line).collect::<Vec<_>>())?;
    }
    unused_columns(out, proposal, header, evidence)
}

/// What a line of the page says of a column.
struct Cells<'a> {
    header: &'a Header,
    evidence: &'a [Evidence],
}

impl Cells<'_> {
    /// Its heading, how full it is, and the form of a value: a stage is no personal data, but its column may be the wrong
    /// one.
    fn of(&self, column: u32) -> [String; 3] {
        let evidence = &self.evidence[column as usize];
        let form = match evidence.filled {
            0 => "(empty)".to_owned(),
            _ => evidence.form.clone(),
        };
        let name = heading(&self.header.columns[column as usize]);
        [name, format!("{:>3} %", percent(evidence.fill())), form]
    }
}

fn used_columns(out: &mut dyn Write, proposal: &Proposal, cells: &Cells<'_>) -> io::Result<()> {
    let mut lines: Vec<[String; 5]> = Vec::new();
    for taken in &proposal.taken {
        let [name, fill, form] = cells.of(taken.column);
        let sure = taken.confidence.name().to_owned();
        lines.push([taken.target.to_string(), name, sure, fill, form]);
    }
    for stage in &proposal.stage_columns {
        let [name, fill, form] = match stage.column {
            Some(column) => cells.of(column),
            None => [heading(&stage.name), String::new(), String::new()],
        };
        let sure = stage.confidence.name().to_owned();
        lines.push([
            format!("date of {:?}", stage.event_name),
            name,
            sure,
            fill,
            form,
        ]);
    }
    if lines.is_empty() {
        writeln!(out, "\nno column was recognised")?;
    } else {
        writeln!(out, "\ncolumns")?;
    }
    table(out, &lines)?;
    if let Some(history) = &proposal.rest.history {
        let list = |texts: &[String]| texts.join(", ");
        writeln!(
            out,
            "  stages from {}, times from {}",
            list(history.stage.as_slice()),
            list(history.time.as_slice())
        )?;
    }
    for (column, texts) in &proposal.rest.only {
        writeln!(
            out,
            "  only rows in which {:?} is {}",
            heading(column),
            texts.join(" or ")
        )?;
    }
    Ok(())
}

fn unused_columns(
    out: &mut dyn Write,
    proposal: &Proposal,
    header: &Header,
    evidence: &[Evidence],
) -> io::Result<()> {
    let reasons = unused::by_reason(proposal, header, evidence);
    if reasons.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nnot used")?;
    for (reason, columns) in reasons {
        let shown = columns.iter().take(MAX_NAMED);
        let shown: Vec<String> = shown
            .map(|&column| heading(&header.columns[column]))
            .collect();
        let more = match columns.len().saturating_sub(MAX_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        writeln!(out, "  {}{more}: {reason}", shown.join(", "))?;
    }
    Ok(())
}

/// Prints columns of text side by side.
fn table<const N: usize>(out: &mut dyn Write, lines: &[[String; N]]) -> io::Result<()> {
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    for line in lines {
        let cells = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        writeln!(out, "  {}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

fn stages(out: &mut dyn Write, found: &Understanding<'_>) -> io::Result<()> {
    let story = &found.story;
    if story.stages.is_empty() {
        return Ok(());
    }
    let order = match story.is_order_known || story.stages.len() < 2 {
        true => "",
        false => ", in no known order: nothing here tells how long after the lead each was reached",
    };
    writeln!(out, "\nstages{order}")?;
    let line = |(stage, count): &(String, u64)| {
        let sent = found.sent_as(stage);
        let renamed = match sent.event_name.as_str() {
            "" => "not sent".to_owned(),
            name if name == stage => String::new(),
            name => format!("sent as {name}"),
        };
        let why = sent.why.map(|why| format!(": {why}")).unwrap_or_default();
        [heading(stage), count.to_string(), renamed + &why]
    };
    table(out, &story.stages.iter().map(line).collect::<Vec<_>>())
}

/// Where a stage stands beside the time its record was made, which says nothing of when the stage was reached.
fn time_of_the_record(found: &Understanding<'_>) -> Option<String> {
    let name = found.time_of_the_record()?;
    Some(format!(
        "nothing says when a stage was reached, so each gets the time its record was made, {:?}: right for the first stage \
         alone; export the date of the last stage change, or a date column for each stage, or run init again with --force \
         --stage-time first-seen: a stage then counts when an export first shows it",
        heading(&name)
    ))
}

/// Stages that say a lead came to nothing: Meta learns to find such people.
fn negative_stages(found: &Understanding<'_>) -> Option<String> {
    let names = found.story.stages.iter().map(|(stage, _)| stage);
    let in_columns = found
        .proposal
        .stage_columns
        .iter()
        .map(|stage| &stage.event_name);
    let negative: Vec<String> = names
        .chain(in_columns)
        .filter(|stage| sounds_negative(stage))
        .map(|stage| format!("{:?}", heading(stage)))
        .collect();
    let sound = if negative.len() == 1 {
        "sounds"
    } else {
        "sound"
    };
    (!negative.is_empty()).then(|| {
        format!(
            "{} {sound} as if the lead came to nothing and is left out where it is named above as \"not sent\"; Meta learns to \
             find more such people from what is sent, so give such a stage only a name of its own that no campaign is \
             optimised for",
            negative.join(", ")
        )
    })
}

/// How the raw lead can be sent, where no stage stands for it.
fn raw_lead(found: &Understanding<'_>) -> Option<String> {
    let created = found.proposal.column_of(Field::CreatedTime)?;
    let is_new = found.proposal.column_of(Field::EventTime) != Some(created);
    let name = found.columns.name_of(created)?;
    (is_new && found.lacks_raw_lead()).then(|| {
        format!(
            "no stage stands for the raw lead, which Meta measures the others by; its date does: add {:?} = \"Lead\" under \
             [stage_columns]",
            heading(&name)
        )
    })
}

/// Rows that did not come from Meta, which do not belong into this payload.
fn other_origins(found: &Understanding<'_>) -> Option<String> {
    let origin = found.origin()?;
    let name = heading(&found.header.columns[origin.column as usize]);
    let (others, all) = origin.others;
    Some(match origin.of_meta.is_empty() {
        true => format!(
            "no text in {name:?} names Meta, Facebook or Instagram: only leads that came from Meta's ads belong into what is sent"
        ),
        false => format!(
            "{others} of {all} rows looked at did not come from Meta by {name:?}, and only leads from Meta's ads belong into what \
             is sent; [only] in the settings keeps to those"
        ),
    })
}

/// What the pipeline says about the export as a whole.
fn doubts(found: &Understanding<'_>) -> Vec<String> {
    let doubts = found.feed.doubts();
    let name = |column: u32| format!("{:?}: ", heading(&found.header.columns[column as usize]));
    let said = |doubt: &Finding| {
        let column = doubt.column.map(name).unwrap_or_default();
        format!("{column}{}; {}", doubt.code.message(), doubt.code.help())
    };
    // What the time of the record is good for is told at more length.
    let is_told = |doubt: &&Finding| {
        doubt.code == Code::StageTimeCreated && found.time_of_the_record().is_some()
    };
    let told = doubts.iter().filter(|doubt| !is_told(doubt));
    let mut notes: Vec<String> = told.map(said).collect();
    let snapshot = Code::StageSnapshot;
    if has_one_stage_now(found) && !doubts.iter().any(|doubt| doubt.code == snapshot) {
        notes.push(format!("{}; {}", snapshot.message(), snapshot.help()));
    }
    notes
}

/// Texts in the stage's column that are no names of stages.
fn withheld(story: &Story) -> Option<String> {
    if story.withheld == 0 {
        return None;
    }
    let what = if story.stages.is_empty() {
        "none of them is shown"
    } else {
        "they are neither shown nor listed"
    };
    Some(format!(
        "{} texts in the stage's column are too many to be stages, or look like values of people; {what}; if it is the \
         wrong column, name the right one with --map event_name=COLUMN",
        story.withheld
    ))
}

/// A column of amounts that no currency is known of, which Meta takes none without.
fn value_without_currency(found: &Understanding<'_>) -> Option<String> {
    let column = found.proposal.column_of(Field::Value)?;
    let form = &found.evidence[column as usize].form;
    let is_named =
        form.contains(|letter: char| letter.is_alphabetic() || "•$€£¥₹₽".contains(letter));
    let name = heading(&found.header.columns[column as usize]);
    (!is_named && found.proposal.column_of(Field::Currency).is_none()).then(|| {
        format!(
            "value from {name:?}: neither it nor another column names a currency, and without one no value is sent; add \
             currency = \"USD\" or whichever it is under [event]"
        )
    })
}

/// What a spreadsheet did to the lead ids, and what helps.
fn lost_lead_ids(found: &Understanding<'_>) -> Option<String> {
    let column = found.proposal.column_of(Field::LeadId)?;
    let evidence = &found.evidence[column as usize];
    let lost = evidence.count(Kind::LostLeadId);
    let name = heading(&found.header.columns[column as usize]);
    (lost > 0).then(|| {
        format!(
            "lead_id from {name:?}: a spreadsheet rounded {lost} of {} ids, and their last digits are gone; export again and \
             leave that file as it is, or format the column as text before a spreadsheet opens it; to send such rows without \
             their id, by email and phone, set lead_id = \"omit\" under [fields]",
            evidence.filled
        )
    })
}

/// Columns of times and lead ids that not all of the values fit.
fn poor_columns(found: &Understanding<'_>) -> Vec<String> {
    let is_such = |taken: &&Taken| {
        let fields = [Field::EventTime, Field::CreatedTime, Field::LeadId].map(Target::Field);
        let has_lost_ids = found.evidence[taken.column as usize].count(Kind::LostLeadId) > 0;
        fields.contains(&taken.target) && !has_lost_ids && taken.confidence != Confidence::Guess
    };
    let such = found.proposal.taken.iter().filter(is_such);
    such.filter_map(|taken| {
        let name = heading(&found.header.columns[taken.column as usize]);
        let share = found.reads_in_words(taken)?;
        Some(format!("{} from {name:?}: {share}", taken.target))
    })
    .collect()
}

/// What a person should look at before trusting the settings.
fn notes(found: &Understanding<'_>) -> Vec<String> {
    let (story, proposal) = (&found.story, &found.proposal);
    let mut notes = refusals(found);
    notes.extend(found.feed.about.notes());
    notes.extend(doubts(found));
    for taken in proposal
        .taken
        .iter()
        .filter(|taken| taken.confidence == Confidence::Guess)
    {
        let name = heading(&found.header.columns[taken.column as usize]);
        let why = found
            .reads_in_words(taken)
            .map(|why| format!(": {why}"))
            .unwrap_or_default();
        notes.push(format!("{} from {name:?} is a guess{why}", taken.target));
    }
    notes.extend(poor_columns(found));
    notes.extend(lost_lead_ids(found));
    notes.extend(value_without_currency(found));
    if !proposal
        .taken
        .iter()
        .any(|taken| taken.target == Target::Field(Field::LeadId))
    {
        notes.push(
            "no column holds Meta's lead id, by which leads are matched best; export it too if the CRM has it".into(),
        );
    }
    notes.extend(time_of_the_record(found));
    notes.extend(raw_lead(found));
    notes.extend(negative_stages(found));
    notes.extend(other_origins(found));
    notes.extend(withheld(story));
    if found.order_is_open() {
        notes.push(format!(
            "the order of day and month is open: {}; give --date-order",
            found.order_in_words()
        ));
    }
    if story.days > 0 {
        notes.push(format!(
            "{} times of stages give only the day; its noon is taken",
            story.days
        ));
    }
    if let Some((lacking, phones)) = found.phones_without_country() {
        notes.push(format!(
            "{lacking} of {phones} phones name no country; give --default-country if they share one"
        ));
    }
    notes
}
