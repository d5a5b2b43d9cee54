//! What help tells of columns: the fields they are mapped to, and the layouts of exports that are known.

use anyhow::Result;

use super::page::Page;
use crate::field::Field;
use crate::mapping::{Mapped, Preset, Shape};

pub(super) fn fields(page: &mut Page) -> String {
    page.title("Fields");
    page.text(
        "What a column can be mapped to, with --map FIELD=COLUMN or under [columns] in the settings; in brackets the key \
         Meta has for it, which may be used too.",
    );
    for field in Field::ALL {
        entry(page, field);
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

fn entry(page: &mut Page, field: Field) {
    let name = match field.meta_key() {
        Some(key) => format!("{} ({key})", field.name()),
        None => field.name().to_owned(),
    };
    page.pair(&name, &[("", field.about()), ("such as ", field.example())]);
}

pub(super) fn one_field(page: &mut Page, field: Field) -> String {
    entry(page, field);
    let name = field.name();
    page.text(&format!(
        "Map it with --map {name}=COLUMN, or under [columns] in the settings: {name} = \"COLUMN\"."
    ));
    page.text(&format!(
        "crm2capi normalize {name} VALUE shows what is sent for a value."
    ));
    page.finish()
}

pub(super) fn presets(page: &mut Page) -> Result<String> {
    page.title("Presets");
    page.text(
        "Export layouts that are known. One is guessed from the header, and the report says so; --preset NAME chooses, \
         --preset none uses none. What --map, --stage and the settings say goes before it. crm2capi help NAME shows the \
         columns one looks for.",
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

pub(super) fn one_preset(page: &mut Page, name: &str) -> Result<String> {
    let preset = Preset::named(name)?;
    page.title(name);
    if let Some(crm) = &preset.crm {
        page.text(&format!("An export of {crm}."));
    }
    page.text(match preset.shape {
        Shape::Unknown => "Whether it holds every stage of a lead depends on its columns.",
        Shape::CurrentStage => {
            "It holds the stage each lead is in now; a stage left between two exports is lost."
        }
        Shape::EveryStage => "It holds every stage a lead reached, with its time.",
    });
    if let Some(advice) = &preset.advice {
        page.text(&format!("Better: {advice}."));
    }
    page.text("These columns are looked for, the first that is there going before the rest:");
    page.gap();
    for Mapped { target, columns } in preset.headings() {
        page.line(&target.to_string(), &columns.join(" · "));
    }
    let layout = preset.layout();
    for (column, stage) in &layout.stage_columns {
        page.line("a stage's time", &format!("{column} → {stage}"));
    }
    if let Some(history) = &layout.history {
        page.line("stages of a history", &history.stage.as_slice().join(" · "));
        page.line("their times", &history.time.as_slice().join(" · "));
    }
    for (column, texts) in &layout.only {
        page.line(
            "only rows with",
            &format!("{column}: {}", texts.join(" or ")),
        );
    }
    Ok(page.finish())
}
