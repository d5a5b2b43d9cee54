//! The pages of the book that list what the program knows, as they should be: made from the catalogue, the schemas, the
//! definition of the command line and what `help` prints.

use std::fmt::Write;

use clap::{Arg, Command};
use serde_json::{Map, Value};

use crate::support::Desk;

/// Each page by its place under `docs/src`.
pub fn pages() -> Vec<(&'static str, String)> {
    let printed = |title: &str, about: &str, topic: &str| {
        let ran = Desk::new().run_with(&["help", topic], &[("COLUMNS", "100")]);
        let text = ran.ended(0).stdout;
        format!("# {title}\n\n{about}\n\n```text\n{text}```\n")
    };
    vec![
        ("problems.md", problems()),
        (
            "meta-codes.md",
            printed(
                "Meta's codes",
                "Meta answers with a code and often a subcode, which reports write `code/subcode`. `crm2capi help meta` prints this list, and\n\
                 `crm2capi help 190/463` one of them.",
                "meta",
            ),
        ),
        ("settings-reference.md", settings()),
        ("options.md", options()),
        ("report.md", report()),
        (
            "fields.md",
            printed(
                "Fields",
                "As `crm2capi help fields` prints them; `crm2capi help lead_id` shows one.",
                "fields",
            ),
        ),
        (
            "presets.md",
            printed(
                "Known layouts",
                "As `crm2capi help presets` prints them; `crm2capi help hubspot` shows the columns that one looks for.",
                "presets",
            ),
        ),
        (
            "exit-status.md",
            printed(
                "Exit status",
                "As `crm2capi help exit-status` prints it.",
                "exit-status",
            ),
        ),
    ]
}

fn problems() -> String {
    let mut page = String::from(
        "# Problems by code\n\n\
         Reports name what is wrong with a row, a value or an event by a code. Codes are stable. `crm2capi help problems` prints the\n\
         same list, and `crm2capi help CODE` one of them.\n\n\
         | weight | meaning |\n|---|---|\n\
         | error | the row or the event is refused, and the run ends with status 1 |\n\
         | value | the value is left out with a warning and the rest of its row is sent; or the row is refused, where `[fields]` says so, and by default for `lead_id` |\n\
         | warning | fails the run under `--strict` only |\n\
         | info | never fails a run |\n\
         | funnel | what `validate` says of the export as a whole; never fails a run |\n",
    );
    for (problem, weight) in crm2capi::problems() {
        let (code, cause, cure) = (problem.code, problem.message, problem.help);
        let _ = write!(page, "\n## `{code}`\n\n{weight}: {cause}\n\n→ {cure}\n");
    }
    page
}

/// What `crm2capi schema` prints of a document.
struct Schema(Value);

impl Schema {
    fn of(document: &str) -> Self {
        Self(Desk::new().run(&["schema", document]).ended(0).json())
    }

    fn properties<'a>(&'a self, of: &'a Value) -> Option<&'a Map<String, Value>> {
        self.followed(of).get("properties")?.as_object()
    }

    /// The definition that something refers to, or itself.
    fn followed<'a>(&'a self, of: &'a Value) -> &'a Value {
        let name = of.get("$ref").and_then(Value::as_str);
        name.and_then(|name| self.0.pointer(&name[1..]))
            .unwrap_or(of)
    }

    /// What stands under a key, in a few words.
    fn kind(&self, of: &Value) -> String {
        let name = of.get("$ref").and_then(Value::as_str);
        if let Some(name) = name.and_then(|name| name.rsplit('/').next())
            && self.properties(of).is_some()
        {
            return format!("[{name}](#{})", name.to_lowercase());
        }
        let of = self.followed(of);
        let choices = |key: &str| of.get(key).and_then(Value::as_array);
        let text = |value: &Value| format!("`{}`", value.to_string().trim_matches('"'));
        if let Some(words) = choices("enum") {
            return match words.len() {
                0..=10 => words.iter().map(text).collect::<Vec<_>>().join(", "),
                _ => "a name".to_owned(),
            };
        }
        if let Some(forms) = choices("oneOf").or(choices("anyOf")) {
            let of_form = |form: &Value| match form.get("const") {
                Some(word) => text(word),
                None => self.kind(form),
            };
            let mut kinds: Vec<String> = forms.iter().map(of_form).collect();
            kinds.dedup();
            return kinds.join(if of.get("oneOf").is_some() {
                ", "
            } else {
                " or "
            });
        }
        let bound = |key: &str| of.get(key).filter(|bound| **bound != 0);
        match of.get("type").and_then(Value::as_str) {
            Some("string") => "text".to_owned(),
            Some("boolean") => "true or false".to_owned(),
            Some("integer" | "number") => match (bound("minimum"), bound("maximum")) {
                (Some(least), Some(most)) => format!("{least} to {most}"),
                (None, Some(most)) => format!("up to {most}"),
                _ => "number".to_owned(),
            },
            Some("array") => format!("list of {}", self.kind(&of["items"])),
            Some("object") => match of.get("additionalProperties") {
                Some(values) if values.is_object() => {
                    format!("table of {}", self.kind(values))
                }
                _ => "table".to_owned(),
            },
            _ => "text".to_owned(),
        }
    }

    fn table(&self, properties: &Map<String, Value>) -> String {
        let mut table = String::from("\n| key | holds | meaning |\n|---|---|---|\n");
        for (key, value) in properties {
            let about = in_one_line(value.get("description").unwrap_or(&Value::Null));
            let _ = writeln!(table, "| `{key}` | {} | {about} |", self.kind(value));
        }
        table
    }
}

/// A description as a cell of a table.
fn in_one_line(text: &Value) -> String {
    let words: Vec<_> = text
        .as_str()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    words.join(" ").replace('|', "\\|")
}

fn settings() -> String {
    let schema = Schema::of("config");
    let mut page = String::from(
        "# All settings\n\n\
         Made from the types that read the file. An unknown key is an error that names the nearest one and the line. `crm2capi schema\n\
         config` prints the same as a JSON Schema, for editors. [The settings file](settings.md) explains them by an example.\n",
    );
    for (section, value) in schema.0["properties"].as_object().unwrap() {
        let about = in_one_line(&value["description"]);
        let _ = write!(page, "\n## `[{section}]`\n\n{about}\n");
        match schema.properties(value) {
            Some(keys) => page += &schema.table(keys),
            None => {
                let _ = writeln!(page, "\nHolds a {}.", schema.kind(value));
            }
        }
    }
    let long_form = &schema.0["$defs"]["LongForm"]["properties"];
    page += "\n## LongForm\n\nThe long form of a stage: `[stages.\"Won\"]`, or a table in the place of an event's name.\n";
    page + &schema.table(long_form.as_object().unwrap())
}

fn report() -> String {
    let schema = Schema::of("report");
    let mut page = String::from(
        "# The report as JSON\n\n\
         What `upload` and `validate` print with `--format json`: one object, and nothing else on standard output. Made from the types\n\
         that write it; `crm2capi schema report` prints the same as a JSON Schema. Keys are added in later versions, never changed.\n\
         No value of a person stands in it.\n",
    );
    page += &schema.table(schema.0["properties"].as_object().unwrap());
    for (name, definition) in schema.0["$defs"].as_object().unwrap() {
        if let Some(keys) = schema.properties(definition) {
            let about = in_one_line(&definition["description"]);
            let _ = write!(page, "\n## {name}\n\n{about}\n");
            page += &schema.table(keys);
        }
    }
    page
}

fn options() -> String {
    let mut program = crm2capi::command();
    program.build();
    let mut page = String::from(
        "# All options\n\n\
         Made from the definition of the command line. `crm2capi help COMMAND` prints the same, with examples; `-h` the frequent ones.\n",
    );
    let hidden =
        |arg: &&Arg| !arg.is_hide_set() && !matches!(arg.get_id().as_str(), "help" | "version");
    let list = |page: &mut String, command: &Command, is_wanted: &dyn Fn(&Arg) -> bool| {
        for arg in command
            .get_arguments()
            .filter(hidden)
            .filter(|arg| is_wanted(arg))
        {
            let _ = writeln!(page, "\n- {}", option(arg));
        }
    };
    page += "\n## Of every command\n";
    list(&mut page, &program, &Arg::is_global_set);
    for command in program
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
    {
        let about = command
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default();
        let _ = write!(page, "\n## {}\n\n{about}.\n", command.get_name());
        list(&mut page, command, &|arg| !arg.is_global_set());
        for inner in command.get_subcommands() {
            let about = inner.get_about().map(ToString::to_string);
            let (outer, name) = (command.get_name(), inner.get_name());
            let _ = write!(
                page,
                "\n### {outer} {name}\n\n{}.\n",
                about.unwrap_or_default()
            );
            list(&mut page, inner, &|arg| !arg.is_global_set());
        }
    }
    page
}

/// An option, what it takes and what it does, as an entry of a list.
fn option(arg: &Arg) -> String {
    let takes_value = arg.get_action().takes_values();
    let names: Vec<_> = (arg.get_value_names().unwrap_or_default().iter())
        .map(ToString::to_string)
        .collect();
    let value = names.join(" ");
    let mut name = match (arg.get_long(), arg.get_short()) {
        (Some(long), Some(short)) => format!("--{long}, -{short}"),
        (Some(long), None) => format!("--{long}"),
        (None, Some(short)) => format!("-{short}"),
        (None, None) => String::new(),
    };
    if takes_value {
        name = format!("{name} {value}").trim().to_owned();
    }
    let text = arg
        .get_long_help()
        .or(arg.get_help())
        .map(ToString::to_string);
    let text = text.unwrap_or_default();
    let paragraphs: Vec<_> = (text.split("\n\n"))
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let mut entry = format!("`{name}`: {}", paragraphs.join("\n\n  "));
    let choices: Vec<_> = (arg.get_possible_values().iter())
        .filter(|_| takes_value)
        .map(|choice| format!("`{}`", choice.get_name()))
        .collect();
    let mut facts = Vec::new();
    if !choices.is_empty() {
        facts.push(format!("one of {}", choices.join(", ")));
    }
    if takes_value && let Some(default) = arg.get_default_values().first() {
        facts.push(format!("default `{}`", default.to_string_lossy()));
    }
    if let Some(variable) = arg.get_env() {
        facts.push(format!("environment `{}`", variable.to_string_lossy()));
    }
    if !facts.is_empty() {
        let _ = write!(entry, "\n\n  {}", facts.join("; "));
    }
    entry
}
