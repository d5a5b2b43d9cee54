//! `crm2capi help TOPIC`: a command's long help, or what the program knows of problems, fields and presets.
//!
//! The texts come from where the things themselves are defined, so that none can be left out.

mod page;

use anyhow::{Context, Result, anyhow};
use clap::CommandFactory;

use self::page::Page;
use super::talk;
use crate::cli::{Cli, HelpArgs};
use crate::field::Field;
use crate::mapping::{Preset, Shape};
use crate::problem::Code;
use crate::report::ExitStatus;
use crate::report::funnel::Kind;
use crate::text::nearest;

const PROBLEMS: &str = "problems";
const FIELDS: &str = "fields";
const PRESETS: &str = "presets";
const EXIT_STATUS: &str = "exit-status";

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
        Some(FIELDS) => fields(&mut page),
        Some(PRESETS) => presets(&mut page)?,
        Some(EXIT_STATUS) => exit_status(&mut page),
        Some(topic) => match one_problem(&mut page, topic) {
            Some(text) => text,
            None => long_help(Some(topic))?,
        },
    };
    talk::print(&text)?;
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
        .chain([PROBLEMS, FIELDS, PRESETS, EXIT_STATUS])
        .chain(codes);
    match nearest(topic, topics) {
        Some(near) => anyhow!("no help on {topic:?}; did you mean {near:?}?"),
        None => anyhow!(
            "no help on {topic:?}; give a command, problems, the code of a problem, fields, presets or exit-status"
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

fn fields(page: &mut Page) -> String {
    page.title("Fields");
    page.text(
        "What a column can be mapped to, with --map FIELD=COLUMN or under [columns] in the settings; in brackets the key \
         Meta has for it, which may be used too.",
    );
    for field in Field::ALL {
        let name = match field.meta_key() {
            Some(key) => format!("{} ({key})", field.name()),
            None => field.name().to_owned(),
        };
        page.pair(&name, &[("", field.about()), ("such as ", field.example())]);
    }
    page.pair(
        "custom.NAME",
        &[
            ("", "a value of your own, sent as custom_data.NAME"),
            ("such as ", "42"),
        ],
    );
    page.finish()
}

fn presets(page: &mut Page) -> Result<String> {
    page.title("Presets");
    page.text(
        "Export layouts that are known. One is guessed from the header, and the report says so; --preset NAME chooses, \
         --preset none uses none. What --map, --stage and the settings say goes before it.",
    );
    page.text(
        "Some exports hold every stage a lead reached with its time, others the stage each lead is in now; of the latter \
         upload one a day at least, since a stage left between two exports is lost.",
    );
    page.gap();
    for name in Preset::names() {
        let preset = Preset::named(name)?;
        let crm = preset
            .crm
            .as_deref()
            .unwrap_or("headings that exports have in common");
        let shape = match preset.shape {
            Shape::Unknown => "",
            Shape::CurrentStage => ", current stage",
            Shape::EveryStage => ", every stage",
        };
        page.line(name, &format!("{crm}{shape}"));
    }
    Ok(page.finish())
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
