//! Tells the reports and numbers of earlier runs from files of others, so that nothing but the former is replaced.

use std::io;
use std::path::Path;

use super::file::FileFormat;
use super::{html, json, junit, markdown, metrics, sarif};
use crate::files::holds_others;

/// Whether there is a file with something in it that is neither a report nor numbers of an earlier run. What is no
/// regular file holds nothing that could be lost.
///
/// # Errors
/// It cannot be read.
pub(crate) fn is_of_others(path: &Path) -> io::Result<bool> {
    holds_others(path, |start| match FileFormat::of(path) {
        Ok(FileFormat::Html) => html::begins_page(start),
        Ok(FileFormat::Json) => json::begins(start),
        Ok(FileFormat::Junit) => start.starts_with(junit::BEGINS),
        Ok(FileFormat::Sarif) => start.starts_with(sarif::BEGINS),
        Ok(FileFormat::Markdown) => markdown::begins(start),
        Err(_) => metrics::begins(start),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::render::write_file;
    use crate::report::samples;

    #[test]
    fn what_a_run_wrote_is_its_own_to_the_next_however_long_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let mut long = samples::uploaded_with_problems();
        let problems = long.problems.clone();
        (0..60).for_each(|_| long.problems.extend(problems.clone()));
        long.inputs = (0..60).flat_map(|_| long.inputs.clone()).collect();
        for summary in [
            long,
            samples::uploaded(),
            samples::validated(),
            samples::unreachable(),
        ] {
            for name in ["a.html", "a.json", "a.xml", "a.sarif", "a.md"] {
                let path = folder.path().join(name);
                write_file(&summary, &path).unwrap();
                assert!(!is_of_others(&path).unwrap(), "{} {name}", summary.command);
            }
            let path = folder.path().join("a.prom");
            metrics::write(&summary, &path).unwrap();
            assert!(!is_of_others(&path).unwrap(), "{}", summary.command);
        }
        let size = |name: &str| fs::metadata(folder.path().join(name)).unwrap().len();
        write_file(
            &samples::uploaded_with_problems(),
            &folder.path().join("a.sarif"),
        )
        .unwrap();
        assert!(size("a.sarif") > 4_096, "{}", size("a.sarif"));
    }

    #[test]
    fn what_only_begins_like_a_report_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let others = [
            ("a.md", "## crm2capi notes\n\nask Eva for the token\n"),
            ("a.md", "## crm2capi upload\n\nhow we do it\n"),
            (
                "a.sarif",
                r#"{"$schema":"x","version":"2.1.0","runs":[{"tool":{"driver":{"name":"crm2capi-other"}}}]}"#,
            ),
            (
                "a.xml",
                "<?xml version=\"1.0\"?>\n<jobs><job>crm2capi upload</job></jobs>\n",
            ),
            (
                "a.html",
                "<!DOCTYPE html><html><head><title>crm2capi</title></head></html>",
            ),
            (
                "a.json",
                "{\n  \"command\": \"crm2capi upload\",\n  \"cron\": \"@daily\"\n}\n",
            ),
            (
                "a.json",
                "{\n  \"command\": \"build\",\n  \"version\": \"1\"\n}\n",
            ),
            (
                "a.prom",
                "# HELP crm2capi_ours our own\n# TYPE crm2capi_ours counter\ncrm2capi_ours 1\n",
            ),
        ];
        for (name, text) in others {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            assert!(is_of_others(&path).unwrap(), "{text}");
        }
    }
}
