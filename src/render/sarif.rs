//! The report as SARIF 2.1.0, for code scanning: a rule for each code, a result for each of the first rows.
//!
//! Source: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use std::fmt::Write as _;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};

use super::phrases::{extent, names, sentence};
use crate::problem::Severity;
use crate::report::exit::ExitStatus;
use crate::report::summary::Summary;
use crate::report::tally::{Example, Problem};

/// Writes the document.
pub(super) fn write(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let mut rules = Rules::default();
    let mut results = Vec::new();
    for problem in &summary.problems {
        let rule = rules.index(
            problem.code.name(),
            problem.code.message(),
            problem.code.help(),
        );
        results.extend(
            problem
                .examples
                .iter()
                .map(|example| result(summary, problem, example, rule)),
        );
    }
    for warning in summary.funnel.iter().flat_map(|funnel| &funnel.warnings) {
        let rule = rules.index(
            warning.kind.name(),
            warning.kind.help(),
            warning.kind.help(),
        );
        results.push(json!({
            "ruleId": warning.kind.name(),
            "ruleIndex": rule,
            "level": "note",
            "message": { "text": warning.message },
            "locations": summary.inputs.iter().take(1).map(|input| location(&input.path, None, None)).collect::<Vec<_>>(),
        }));
    }
    let document = Document {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "crm2capi",
                    version: summary.version,
                    information_uri: env!("CARGO_PKG_REPOSITORY"),
                    rules: rules.documents,
                },
            },
            invocations: json!([{
                "executionSuccessful": matches!(summary.exit_status, ExitStatus::Done | ExitStatus::Problems),
                "exitCode": summary.exit_status.code(),
            }]),
            results,
        }],
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

/// How every document begins, so that an earlier one is known for what it is however long it is.
pub(super) const BEGINS: &str = r#"{
  "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
  "version": "2.1.0",
  "runs": [
    {
      "tool": {
        "driver": {
          "name": "crm2capi",
"#;

/// The document; what stands in it where is the order of these fields.
#[derive(Serialize)]
struct Document {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
struct Run {
    tool: Tool,
    invocations: Value,
    results: Vec<Value>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
struct Driver {
    name: &'static str,
    version: &'static str,
    #[serde(rename = "informationUri")]
    information_uri: &'static str,
    rules: Vec<Value>,
}

#[derive(Default)]
struct Rules {
    ids: Vec<&'static str>,
    documents: Vec<Value>,
}

impl Rules {
    /// The rule's index, added when it is new.
    fn index(&mut self, id: &'static str, message: &str, help: &str) -> usize {
        self.ids
            .iter()
            .position(|known| *known == id)
            .unwrap_or_else(|| {
                self.ids.push(id);
                self.documents.push(json!({
                    "id": id,
                    "shortDescription": { "text": message },
                    "help": { "text": help },
                }));
                self.ids.len() - 1
            })
    }
}

fn result(summary: &Summary, problem: &Problem, example: &Example, rule: usize) -> Value {
    let level = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    };
    let names = names(problem)
        .map(|names| format!(": {names}"))
        .unwrap_or_default();
    let (what, found) = (sentence(problem), extent(problem));
    let text = format!(
        "row {}: {what}. To do: {}. In all {found}{names}",
        example.row, problem.help
    );
    let line = example.line.filter(|_| {
        summary
            .input(&example.path)
            .is_some_and(|input| input.has_lines())
    });
    json!({
        "ruleId": problem.code.name(),
        "ruleIndex": rule,
        "level": level,
        "message": { "text": text },
        "locations": [location(&example.path, line, Some(example.row))],
    })
}

/// Where a result stands: the file, its line where it is text, the row by name.
fn location(path: &str, line: Option<u64>, row: Option<u64>) -> Value {
    let mut location = json!({});
    if path != "-" {
        location["physicalLocation"] = json!({ "artifactLocation": { "uri": uri(path) } });
        if let Some(line) = line {
            location["physicalLocation"]["region"] = json!({ "startLine": line.max(1) });
        }
    }
    if let Some(row) = row {
        location["logicalLocations"] = json!([{ "name": format!("row {row}") }]);
    }
    location
}

/// A path as a URI: relative to where the run was started, or `file:` when absolute.
fn uri(path: &str) -> String {
    let path = if cfg!(windows) {
        path.replace('\\', "/")
    } else {
        path.to_owned()
    };
    let has_drive = cfg!(windows) && path.as_bytes().get(1) == Some(&b':');
    let mut uri = match path.as_bytes().first() {
        Some(b'/') => "file://".to_owned(),
        _ if has_drive => "file:///".to_owned(),
        _ => String::new(),
    };
    for (index, byte) in path.bytes().enumerate() {
        let is_plain =
            byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) || (has_drive && index == 1);
        if is_plain {
            uri.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn document(summary: &Summary) -> Value {
        let mut out = Vec::new();
        write(summary, &mut out).unwrap();
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn every_shown_row_is_a_result_of_a_rule() {
        let document = document(&samples::uploaded_with_problems());
        let run = &document["runs"][0];
        let results = run["results"].as_array().unwrap();
        assert_eq!(results.len(), 5 + 3 + 1 + 1 + 1);
        for result in results {
            let rule = result["ruleIndex"].as_u64().unwrap() as usize;
            assert_eq!(run["tool"]["driver"]["rules"][rule]["id"], result["ruleId"]);
        }
        let first = json!([{
            "physicalLocation": { "artifactLocation": { "uri": "leads.csv" }, "region": { "startLine": 8 } },
            "logicalLocations": [{ "name": "row 7" }],
        }]);
        assert_eq!(results[0]["locations"], first);
        let in_a_workbook = json!([{
            "physicalLocation": { "artifactLocation": { "uri": "more%20leads.xlsx" } },
            "logicalLocations": [{ "name": "row 4" }],
        }]);
        assert_eq!(results[5]["locations"], in_a_workbook);
        assert_eq!(
            run["invocations"][0],
            json!({ "executionSuccessful": true, "exitCode": 1 })
        );
    }

    #[test]
    fn funnel_warnings_are_notes() {
        let document = document(&samples::validated());
        let levels: Vec<_> = document["runs"][0]["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| &it["level"])
            .collect();
        assert_eq!(levels, ["note", "note"]);
    }

    #[test]
    fn paths_become_uris() {
        assert_eq!(
            uri("exports/Kampagne März #1.csv"),
            "exports/Kampagne%20M%C3%A4rz%20%231.csv"
        );
        assert_eq!(uri("/data/a:b.csv"), "file:///data/a%3Ab.csv");
    }
}
