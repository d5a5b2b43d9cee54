//! `crm2capi schema DOCUMENT`: the JSON Schema of what people write and of what programs read.
//!
//! Generated from the types themselves. The folder `schemas/` keeps a copy for editors, and a test holds the two together.

use anyhow::Result;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use super::talk;
use crate::cli::{Document, SchemaArgs};
use crate::config::SettingsFile;
use crate::event::schema::Event;
use crate::inspect::CONFIG_URL;
use crate::report::{ExitStatus, Summary};

/// Where editors find the schema of the settings file, as the `#:schema` line at its top says.
const REPORT_URL: &str =
    "https://raw.githubusercontent.com/crm2capi/crm2capi/main/schemas/report.json";
const EVENT_URL: &str =
    "https://raw.githubusercontent.com/crm2capi/crm2capi/main/schemas/event.json";

pub(super) fn run(args: &SchemaArgs) -> Result<ExitStatus> {
    let settings = SchemaSettings::draft2020_12();
    let schema = match args.document {
        Document::Config => schema_of::<SettingsFile>(settings, CONFIG_URL, "Settings of crm2capi"),
        Document::Report => {
            schema_of::<Summary>(settings.for_serialize(), REPORT_URL, "Report of crm2capi")
        }
        Document::Event => schema_of::<Event>(settings, EVENT_URL, "Event of the Conversions API"),
    };
    talk::print(&(serde_json::to_string_pretty(&schema)? + "\n"))?;
    Ok(ExitStatus::Done)
}

fn schema_of<T: JsonSchema>(settings: SchemaSettings, url: &str, title: &str) -> Schema {
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    RecursiveTransform(without_null).transform(&mut schema);
    schema.insert("$id".to_owned(), url.into());
    schema.insert("title".to_owned(), title.into());
    schema
}

/// What is absent is left out, in all of the documents; so no value may be null.
fn without_null(schema: &mut Schema) {
    let null = Value::from("null");
    if schema.get("default") == Some(&Value::Null) {
        schema.remove("default");
    }
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| *name != null);
        if let [only] = &types[..] {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type") != Some(&null));
        if let [Value::Object(only)] = &choices[..] {
            let only = only.clone();
            schema.remove("anyOf");
            only.into_iter()
                .for_each(|(key, value)| drop(schema.insert(key, value)));
        }
    }
}
