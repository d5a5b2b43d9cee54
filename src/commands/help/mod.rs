//! `crm2capi help TOPIC`: a command's long help, or what the program knows of problems, Meta's codes, fields and presets.
//!
//! The texts come from where the things themselves are defined, so that none can be left out.

mod columns;
mod meta;
mod page;

use anyhow::{Context, Result, anyhow};
use clap::CommandFactory;

use self::page::Page;
use super::{pager, talk};
use crate::cli::{Cli, HelpArgs};
use crate::field::Field;
use crate::mapping::Preset;
use crate::problem::Code;
use crate::report::ExitStatus;
use crate::report::funnel::Kind;
use crate::text::nearest;

const PROBLEMS: &str = "problems";
const FIELDS: &str = "fields";
const PRESETS: &str = "presets";
const EXIT_STATUS: &str = "exit-status";
const META: &str = "meta";
const DATASET: &str = "dataset";
const TOKEN: &str = "token";

/// What the weight of an unusable value means.
const VALUE: &str = "A value that cannot be used is left out with a warning, and the rest of its row is sent; or it refuses its row, where \
     [fields] in the settings says \"reject\". For lead_id that is the default.";

/// Lines longer than this are hard to read; `--help` has the same bound.
const MAX_WIDTH: usize = 100;

pub(super) fn run(args: &HelpArgs) -> Result<ExitStatus> {
    let mut page = Page::of_width(talk::width().min(MAX_WIDTH));
    let text = match args.topic.as_deref() {
        None => long_help(None)?,
        Some(PROBLEMS) => problems(&mut page),
        Some(FIELDS) => columns::fields(&mut page),
        Some(PRESETS) => columns::presets(&mut page)?,
        Some(EXIT_STATUS) => exit_status(&mut page),
        Some(META) => meta::codes(&mut page),
        Some(DATASET | TOKEN) => dataset(&mut page),
        Some(topic) => match one_thing(&mut page, topic)? {
            Some(text) => text,
            None => long_help(Some(topic))?,
        },
    };
    pager::show(&text)?;
    Ok(ExitStatus::Done)
}

/// What `--help` prints for a command, or for the program.
fn long_help(command: Option<&str>) -> Result<String> {
    let mut program = Cli::command();
    program.build();
    let command = match command {
        None => &mut program,
        Some(name) => program
            .find_subcommand_mut(name)
            .with_context(|| unknown(name))?,
    };
    Ok(command.render_long_help().ansi().to_string())
}

fn unknown(topic: &str) -> anyhow::Error {
    let program = Cli::command();
    let commands = program
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .map(clap::Command::get_name);
    let codes = Code::ALL
        .iter()
        .map(|code| code.name())
        .chain(Kind::ALL.iter().map(|kind| kind.name()));
    let topics = commands
        .chain([PROBLEMS, META, FIELDS, PRESETS, EXIT_STATUS, DATASET, TOKEN])
        .chain(codes)
        .chain(Field::ALL.iter().map(|field| field.name()))
        .chain(Preset::names().map(|name| -> &str { name }));
    match nearest(topic, topics) {
        Some(near) => anyhow!("no help on {topic:?}; did you mean {near:?}?"),
        None => anyhow!(
            "no help on {topic:?}; give a command, problems, meta, fields, presets, exit-status, dataset, a problem's code, one of Meta's codes, a field or a preset"
        ),
    }
}

fn problems(page: &mut Page) -> String {
    page.title("Problems");
    page.text(
        "What can be wrong, by the codes reports name. An error refuses the row or the event, and the run ends with \
         status 1. A warning fails the run under --strict only, an info never.",
    );
    page.text(VALUE);
    Code::ALL.iter().for_each(|code| problem(page, *code));
    page.title("The funnel");
    page.text("What validate says about the export as a whole, by what Meta expects of it. It never fails a run.");
    Kind::ALL.iter().for_each(|kind| {
        page.entry(
            "warning",
            kind.name(),
            &[("", kind.message()), ("→ ", kind.help())],
        )
    });
    page.finish()
}

fn problem(page: &mut Page, code: Code) {
    let weight = if code.makes_value_unusable() {
        "value"
    } else {
        code.severity().name()
    };
    page.entry(
        weight,
        code.name(),
        &[("", code.message()), ("→ ", code.help())],
    );
}

/// The page of a problem, of one of Meta's codes, of a field or of a preset.
fn one_thing(page: &mut Page, topic: &str) -> Result<Option<String>> {
    if let Some(text) = one_problem(page, topic).or_else(|| meta::one(page, topic)) {
        return Ok(Some(text));
    }
    if let Ok(field) = topic.parse::<Field>() {
        return Ok(Some(columns::one_field(page, field)));
    }
    match Preset::names().any(|name| name == topic) {
        true => columns::one_preset(page, topic).map(Some),
        false => Ok(None),
    }
}

fn one_problem(page: &mut Page, name: &str) -> Option<String> {
    if let Some(code) = Code::ALL.iter().find(|code| code.name() == name) {
        problem(page, *code);
        if code.makes_value_unusable() {
            page.text(VALUE);
        }
    } else {
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name)?;
        page.entry(
            "warning",
            kind.name(),
            &[("", kind.message()), ("→ ", kind.help())],
        );
    }
    Some(page.finish())
}

fn exit_status(page: &mut Page) -> String {
    page.title("Exit status");
    page.text(
        "What the process ends with. The status is about the events: whether standard output could be written changes \
         nothing. A status other than 0 comes with a line on standard error that begins with error.",
    );
    for status in ExitStatus::ALL {
        let (about, cure) = status.about();
        page.pair(&status.code().to_string(), &[("", about), ("→ ", cure)]);
    }
    page.finish()
}

/// What somebody needs who has an export and has never heard of a dataset.
fn dataset(page: &mut Page) -> String {
    page.title("Dataset and token");
    page.text(
        "A dataset is where Meta counts what became of your leads; it was called a pixel once. It belongs to the business \
         whose ads brought the leads. To try an export you need neither: upload --sandbox FILE.",
    );
    page.pair(
        "dataset",
        &[
            ("", "Events Manager (business.facebook.com/events_manager2), on the left: choose the one that is connected to the CRM"),
            ("→ ", "its id, about 15 digits below its name: --dataset-id, CRM2CAPI_DATASET_ID, or dataset_id under [meta]"),
        ],
    );
    page.pair(
        "token",
        &[
            ("", "there, Settings, Conversions API, Generate access token; it is shown once, and can only send events"),
            ("→ ", "CRM2CAPI_ACCESS_TOKEN, or a file that only you may read: --access-token-file, or access_token_file under [meta]"),
        ],
    );
    page.text("crm2capi check asks Meta whether both are right, and records nothing there.");
    page.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_topic_names_the_nearest() {
        assert!(
            unknown("uplaod")
                .to_string()
                .ends_with("did you mean \"upload\"?")
        );
        assert!(
            unknown("problem")
                .to_string()
                .ends_with("did you mean \"problems\"?")
        );
        assert!(
            unknown("lead-id-precision")
                .to_string()
                .ends_with("did you mean \"lead-id-precision-lost\"?")
        );
        assert!(unknown("xyzzy").to_string().contains("give a command"));
    }
}
