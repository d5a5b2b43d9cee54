//! How well `init` understands exports it was not written for: layouts of many products and languages, with the right
//! answers in `tests/layouts/expected.json`, judged by file and field. The table of the last run is
//! `tests/layouts/ACCURACY.md`; `ACCURACY=write cargo test --test it layouts` writes it anew, and `LAYOUTS=FOLDER`
//! judges another folder of exports with an `expected.json` and prints its table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::support::{Desk, NOW, Ran, repository};

/// A column, `this|or that`, or several that must all be there.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Wanted {
    One(String),
    All(Vec<String>),
}

impl Wanted {
    fn all(&self) -> &[String] {
        match self {
            Wanted::One(one) => std::slice::from_ref(one),
            Wanted::All(all) => all,
        }
    }
}

/// What a careful person makes of an export.
#[derive(Debug, Default, Deserialize)]
struct Expected {
    #[serde(default)]
    flags: Vec<String>,
    /// Fields and their columns; `stage` is a date column that stands for a stage.
    #[serde(default)]
    need: BTreeMap<String, Wanted>,
    /// The preset that the header speaks for, `none` for no product's.
    preset: Option<String>,
    /// Words of the refusal, where the export cannot give events.
    refuse: Option<String>,
    /// Columns that no active setting may name.
    #[serde(default)]
    never: Vec<String>,
}

/// What became of one export.
struct Judged {
    name: String,
    status: i32,
    /// Fields by how they came out.
    right: Vec<String>,
    missing: Vec<String>,
    /// Fields that hold another column than they should, and columns that should be in no field.
    wrong: Vec<String>,
    /// Rows, and rows that no event came of.
    rows: (u64, u64),
}

impl Judged {
    fn verdict(&self) -> &'static str {
        match () {
            () if self.status == 0 && !self.wrong.is_empty() => "wrong",
            () if !self.wrong.is_empty() || !self.missing.is_empty() => "incomplete",
            () => "right",
        }
    }
}

/// The fields that decide what is sent at all, and under whose name.
const DECISIVE: [&str; 4] = ["lead_id", "event_name", "event_time", "stage"];

fn columns_of(value: &toml::Value) -> Vec<String> {
    match value {
        toml::Value::Array(all) => all
            .iter()
            .filter_map(|one| one.as_str())
            .map(str::to_owned)
            .collect(),
        other => other.as_str().map(str::to_owned).into_iter().collect(),
    }
}

/// The active settings: fields and their columns, columns of stages under `stage`.
fn settings(desk: &Desk) -> BTreeMap<String, Vec<String>> {
    let Ok(text) = std::fs::read_to_string(desk.path().join("crm2capi.toml")) else {
        return BTreeMap::new();
    };
    let table: toml::Table = text.parse().unwrap();
    let columns = table.get("columns").and_then(toml::Value::as_table);
    let mut found: BTreeMap<String, Vec<String>> = columns
        .into_iter()
        .flatten()
        .map(|(field, value)| (field.clone(), columns_of(value)))
        .collect();
    let stages = table.get("stage_columns").and_then(toml::Value::as_table);
    let stages: Vec<String> = stages.into_iter().flat_map(|t| t.keys().cloned()).collect();
    found.insert("stage".to_owned(), stages);
    found
}

/// The preset in the settings.
fn preset_of(desk: &Desk) -> String {
    let text = std::fs::read_to_string(desk.path().join("crm2capi.toml")).unwrap_or_default();
    let table: toml::Table = text.parse().unwrap();
    let crm = table.get("crm").and_then(|crm| crm.get("preset"));
    crm.and_then(toml::Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn judge(folder: &Path, name: &str, expected: &Expected) -> Judged {
    let desk = Desk::new();
    let path = folder.join(name).display().to_string();
    let mut args = vec!["init", "--yes", path.as_str()];
    args.extend(expected.flags.iter().map(String::as_str));
    let ran = desk.run(&args);
    let found = settings(&desk);
    let mut judged = Judged {
        name: name.to_owned(),
        status: ran.status,
        right: Vec::new(),
        missing: Vec::new(),
        wrong: Vec::new(),
        rows: (0, 0),
    };
    if let Some(preset) = &expected.preset
        && preset_of(&desk) != *preset
    {
        judged.wrong.push(format!("preset {}", preset_of(&desk)));
    }
    let none = Vec::new();
    for (field, wanted) in &expected.need {
        let columns = found.get(field).unwrap_or(&none);
        let is_there = |one: &String| one.split('|').any(|name| columns.iter().any(|c| c == name));
        match wanted.all().iter().all(is_there) {
            true => judged.right.push(field.clone()),
            // A raw lead beside the stages is no mistake, another column in the place of one is.
            false if columns.is_empty() => judged.missing.push(field.clone()),
            false if wanted.all().iter().any(is_there) => judged.missing.push(field.clone()),
            false => judged.wrong.push(field.clone()),
        }
    }
    for (field, columns) in &found {
        let is_asked = expected.need.contains_key(field) || expected.need.is_empty();
        let decides = DECISIVE.contains(&field.as_str()) && !columns.is_empty();
        // Where an export has a stage with its time, a date column must not stand for a stage, nor the other way.
        let is_raw_lead = field == "stage" && expected.need.contains_key("event_name");
        if decides && !is_asked && !is_raw_lead && !expected.need.is_empty() {
            judged.wrong.push(format!("{field} (of {columns:?})"));
        }
        for column in columns
            .iter()
            .filter(|column| expected.never.contains(column))
        {
            judged.wrong.push(format!("{column} (in {field})"));
        }
    }
    judge_end(&desk, &path, expected, &ran, &mut judged);
    judged
}

/// Whether the run ended as it should, and what `validate` makes of the rows.
fn judge_end(desk: &Desk, path: &str, expected: &Expected, ran: &Ran, judged: &mut Judged) {
    match &expected.refuse {
        Some(words) => {
            if ran.status == 0 {
                judged.wrong.push("not refused".to_owned());
            } else if !ran.stderr.contains(words.as_str()) {
                judged.missing.push(format!("refusal {words:?}"));
            }
        }
        None if ran.status != 0 => judged.missing.push(format!("status {}", ran.status)),
        None => {
            let mut args = vec!["validate", "--now", NOW, "--format", "json"];
            args.push(path);
            let ran = desk.run(&args);
            let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
            judged.rows = (
                report["rows"].as_u64().unwrap_or(0),
                report["rows_invalid"].as_u64().unwrap_or(0),
            );
            if essence(&report) != essence(&unaided(path, expected)) {
                judged
                    .missing
                    .push("another answer without settings".to_owned());
            }
        }
    }
}

fn table(all: &[Judged]) -> String {
    let mut out = String::from(
        "# What `init --yes` makes of the layouts here\n\n\
         Written by `ACCURACY=write cargo test --test it layouts`; the right answers are in `expected.json`. A layout is\n\
         *right* when every field is, *wrong* when a field holds another column than it should and `init` ended with 0.\n\n\
         | layout | verdict | fields right | missing | wrong | rows refused |\n|---|---|---|---|---|---|\n",
    );
    for judged in all {
        let fields = judged.right.len() + judged.missing.len() + judged.wrong.len();
        let refused = match (judged.status, judged.rows) {
            (0, (rows, invalid)) => format!("{invalid} of {rows}"),
            _ => "refused".to_owned(),
        };
        let (missing, wrong) = (judged.missing.join(", "), judged.wrong.join(", "));
        writeln!(
            out,
            "| `{}` | {} | {} of {fields} | {missing} | {wrong} | {refused} |",
            judged.name,
            judged.verdict(),
            judged.right.len()
        )
        .unwrap();
    }
    let count = |verdict: &str| all.iter().filter(|one| one.verdict() == verdict).count();
    writeln!(
        out,
        "\n{} layouts: {} right, {} incomplete, {} wrong.\n\n| field | right | missing | wrong |\n|---|---|---|---|",
        all.len(),
        count("right"),
        count("incomplete"),
        count("wrong")
    )
    .unwrap();
    let of = |list: &[String], field: &str| usize::from(list.iter().any(|one| one == field));
    let fields: BTreeSet<&String> = all
        .iter()
        .flat_map(|one| one.right.iter().chain(&one.missing).chain(&one.wrong))
        .filter(|field| !field.contains(' '))
        .collect();
    for field in fields {
        let sum = |get: fn(&Judged) -> &[String]| -> usize {
            all.iter().map(|one| of(get(one), field)).sum()
        };
        writeln!(
            out,
            "| {field} | {} | {} | {} |",
            sum(|one| &one.right),
            sum(|one| &one.missing),
            sum(|one| &one.wrong)
        )
        .unwrap();
    }
    out
}

/// What `validate` makes of an export that comes without settings.
fn unaided(path: &str, expected: &Expected) -> serde_json::Value {
    let mut args = vec!["validate", "--now", NOW, "--format", "json", path];
    args.extend(expected.flags.iter().map(String::as_str));
    serde_json::from_str(&Desk::new().run(&args).stdout).unwrap_or_default()
}

/// Which columns were taken for what, and the events of each stage.
fn essence(report: &serde_json::Value) -> BTreeSet<String> {
    let columns = report["inputs"][0]["columns"].as_array();
    let stages = report["stages"].as_array();
    let both = columns.into_iter().chain(stages).flatten();
    both.map(ToString::to_string).collect()
}

fn judge_all(folder: &Path) -> Vec<Judged> {
    let text = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    let expected: BTreeMap<String, Expected> = serde_json::from_str(&text).unwrap();
    expected
        .iter()
        .map(|(name, expected)| judge(folder, name, expected))
        .collect()
}

#[test]
fn exports_of_many_products_and_languages_are_understood() {
    if let Some(other) = std::env::var_os("LAYOUTS") {
        println!("{}", table(&judge_all(&PathBuf::from(other))));
        return;
    }
    let folder = PathBuf::from(repository("tests/layouts"));
    let all = judge_all(&folder);
    let table = table(&all);
    let kept = folder.join("ACCURACY.md");
    if std::env::var_os("ACCURACY").is_some() {
        std::fs::write(&kept, &table).unwrap();
    }
    let kept = std::fs::read_to_string(kept).unwrap_or_default();
    assert_eq!(
        table,
        kept.replace("\r\n", "\n"),
        "what init understands has changed"
    );
}

#[test]
fn every_preset_has_an_export_that_shows_it() {
    let text = std::fs::read_to_string(repository("tests/layouts/expected.json")).unwrap();
    let expected: BTreeMap<String, Expected> = serde_json::from_str(&text).unwrap();
    let shown: BTreeSet<String> = expected.into_values().filter_map(|e| e.preset).collect();
    let examples = crate::examples::all();
    let presets = std::fs::read_dir(repository("src/mapping/presets")).unwrap();
    for preset in presets {
        let name = preset.unwrap().file_name().into_string().unwrap();
        let name = name.trim_end_matches(".toml");
        let is_example = examples
            .iter()
            .any(|example| example.preset() == Some(name));
        assert!(shown.contains(name) || is_example, "{name}");
    }
}
