//! Which of Meta's leads to download, and where to.

use std::path::Path;

use anyhow::{Result, anyhow, bail};

use super::file::SettingsFile;
use crate::cli::{LeadsArgs, LeadsFormat, meta_id};
use crate::files::Output;
use crate::leads::{FileFormat, Since};

/// Where leads go unless told otherwise.
const DEFAULT_OUTPUT: &str = "leads.ndjson";

/// What a download is to do.
#[derive(Clone, Debug)]
pub(crate) struct LeadsSettings {
    /// Where leads go.
    pub output: Output,
    /// In which shape.
    pub format: FileFormat,
    /// Whether only hashes of email and phone are kept of the answers.
    pub is_hashed: bool,
    /// Pages, by id.
    pub pages: Vec<String>,
    /// Forms, by id.
    pub forms: Vec<String>,
    /// Ads, by id.
    pub ads: Vec<String>,
    /// From when on.
    pub since: Option<Since>,
}

/// Resolves which leads to download, and where to.
///
/// # Errors
/// A key cannot be used; or `last` is asked of a stream, which has no last download.
pub(crate) fn leads_settings(args: &LeadsArgs, file: &SettingsFile) -> Result<LeadsSettings> {
    let section = &file.leads;
    let output = leads_output(args.output.as_deref(), file);
    let since = match (&args.since, &section.since) {
        (Some(since), _) => Some(*since),
        (None, Some(text)) => Some(
            text.parse()
                .map_err(|what: String| anyhow!("{}: {what}", file.place_of("since", "leads")))?,
        ),
        (None, None) => None,
    };
    if since == Some(Since::Last) && !matches!(output, Output::File(_)) {
        bail!(
            "--since last goes on from the last download into a file, and a stream keeps nothing; give days or a date, or \
             write to a file"
        );
    }
    // What is named on the command line is all that is wanted.
    let is_narrowed = [&args.page, &args.form, &args.ad]
        .iter()
        .any(|ids| !ids.is_empty());
    let ids = |given: &[String], in_file: &[String], key: &str| -> Result<Vec<String>> {
        if is_narrowed {
            return Ok(given.to_vec());
        }
        let id = |text: &String| {
            meta_id(text).map_err(|what| anyhow!("{}: {what}", file.place_of(key, "leads")))
        };
        in_file.iter().map(id).collect()
    };
    Ok(LeadsSettings {
        format: format_of(args.format.or(section.format), &output),
        is_hashed: args.hashed || section.hashed.unwrap_or_default(),
        pages: ids(&args.page, &section.pages, "pages")?,
        forms: ids(&args.form, &section.forms, "forms")?,
        ads: ids(&args.ad, &section.ads, "ads")?,
        since,
        output,
    })
}

/// Where leads go: what the command line says, else the settings.
pub(super) fn leads_output(given: Option<&Path>, file: &SettingsFile) -> Output {
    let in_file = file.leads.output.as_deref();
    match (given, in_file.map(|path| (path, Output::of(path)))) {
        (Some(path), _) => Output::of(path),
        (None, Some((path, Output::File(_)))) => Output::of(&file.resolve(path)),
        (None, Some((_, stream))) => stream,
        (None, None) => Output::File(DEFAULT_OUTPUT.into()),
    }
}

fn format_of(given: Option<LeadsFormat>, output: &Output) -> FileFormat {
    let ends_in_csv = |path: &Path| {
        path.extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("csv"))
    };
    match (given, output) {
        (Some(LeadsFormat::Csv), _) => FileFormat::Csv,
        (None, Output::File(path)) if ends_in_csv(path) => FileFormat::Csv,
        _ => FileFormat::Ndjson,
    }
}
