//! The report for programs: the [`Summary`] as one JSON object.

use std::io::{self, Write};

use crate::report::summary::Summary;

/// Whether a report begins so: with the command and this program's version.
pub(super) fn begins(start: &str) -> bool {
    let rest = start.strip_prefix("{\n  \"command\": \"");
    let rest = rest.and_then(|rest| rest.split_once('"'));
    rest.is_some_and(|(command, rest)| {
        command.bytes().all(|byte| byte.is_ascii_lowercase())
            && rest.starts_with(",\n  \"version\": \"")
            && rest.contains("\n  \"exit_status\": ")
    })
}

/// Writes the report and a line break.
pub(super) fn write(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, summary)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;
    use serde_json::{Value, json};

    fn report(summary: &Summary) -> Value {
        let mut out = Vec::new();
        write(summary, &mut out).unwrap();
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn an_upload_has_the_names_scripts_rely_on() {
        let report = report(&samples::uploaded_with_problems());
        let part = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name, report[*name].clone()))
                .collect::<Value>()
        };
        let counts = [
            "events",
            "skipped_old",
            "skipped_stage",
            "skipped_delivered",
            "accepted",
            "rejected",
            "undelivered",
        ];
        let expected = json!({"events": 20, "skipped_old": 3, "skipped_stage": 1, "skipped_delivered": 5,
            "accepted": 11, "rejected": 1, "undelivered": 0});
        assert_eq!(part(&counts), expected);
        let run = [
            "command",
            "version",
            "exit_status",
            "rows",
            "rows_invalid",
            "rows_ignored",
            "uncertain",
            "batches",
        ];
        let expected = json!({"command": "upload", "version": "0.1.0", "exit_status": 1, "rows": 1216,
            "rows_invalid": 10, "rows_ignored": 2, "uncertain": 0, "batches": 2});
        assert_eq!(part(&run), expected);
        assert_eq!(report["requests"], 8);
        assert_eq!(report["retries"], 1);
        assert_eq!(report["match_keys"]["em"], 18);
        assert_eq!(
            report["fbtrace_ids"],
            json!(["AaBb1", "A6UyEgg_HdoiRX9duxcBOjb"])
        );
        let input = json!({"path": "leads.csv", "rows": 12, "preset": "hubspot", "format": "csv", "encoding": "UTF-8",
            "delimiter": ",", "guessed": ["preset"]});
        assert_eq!(report["inputs"][0], input);
        let stage = json!({"events": 9, "skipped_old": 3, "skipped_delivered": 0, "accepted": 5, "rejected": 1,
            "undelivered": 0, "uncertain": 0});
        assert_eq!(report["stages"]["Marketing Qualified Lead"], stage);
        assert_eq!(
            report["destination"],
            json!({"kind": "dataset", "dataset_id": "123456789012345"})
        );
        assert_eq!(report["finished"], "2026-11-22T00:00:00Z");
        assert!(report.get("would_send").is_none() && report.get("ended").is_none());
    }

    #[test]
    fn a_problem_says_what_where_and_what_to_do() {
        let report = report(&samples::uploaded_with_problems());
        let problem = json!({
            "code": "stage-unlisted", "severity": "error", "count": 3, "rows": 3,
            "field": "event_name", "column": "Lifecycle Stage",
            "message": "the stage is not listed in [stages]",
            "help": "list it in [stages] (an empty event name skips it), or set unlisted_stages to \"send\" or \"skip\"",
            "names": [{"name": "Nurture | cold", "count": 2}, {"name": "Archived", "count": 1}],
            "examples": ([4, 5, 6].map(|row| json!({"path": "more leads.xlsx", "row": row}))),
        });
        assert_eq!(report["problems"][1], problem);
        assert_eq!(
            report["problems"][0]["examples"][0],
            json!({"path": "leads.csv", "row": 7, "line": 8})
        );
        let meta = json!({"code": 100, "subcode": 2804036, "title": "ID contatto non valido",
            "fbtrace_id": "A6UyEgg_HdoiRX9duxcBOjb"});
        assert_eq!(report["problems"][2]["meta"], meta);
    }

    #[test]
    fn a_run_that_sends_nothing_says_what_would_go() {
        let report = report(&samples::validated());
        assert_eq!(report["would_send"], 21);
        assert!(report.get("accepted").is_none());
        assert_eq!(report["funnel"]["stages"][2]["event_name"], "Customer");
        assert_eq!(
            report["funnel"]["warnings"][1]["code"],
            "funnel-leads-too-few"
        );
    }
}
