//! The settings file: TOML, every key optional, unknown keys refused by the name that comes nearest.

use std::io;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use schemars::JsonSchema;
use serde::Deserialize;

use super::lines::{self, line_of};
use super::stage::StageSetting;
use crate::cli::{DEFAULT_SETTINGS, InputFormat, LeadsFormat, ReportFormat};
use crate::files::{beside_standard_output, folder_of, read_text};
use crate::ledger::Address;
use crate::mapping::{History, OneOrMany, Ordered, Preset, StageTime, Sum, Target, Unlisted};
use crate::notify::Form;
use crate::render::Format;
use crate::run::OnUnusable;
use crate::text::nearest;

/// More of a settings file is not read.
const MAX_BYTES: u64 = 16 << 20;

/// What crm2capi.toml may hold. The command line and the environment go before it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SettingsFile {
    /// The remote side.
    pub meta: Meta,
    /// The CRM and its habits.
    pub crm: Crm,
    /// Field to column, or to several columns; `custom.NAME` goes to custom_data.NAME.
    pub columns: Ordered<OneOrMany, Target>,
    /// CRM stage to event name, or to a table with what the stage is worth; an empty event name skips the stage.
    pub stages: Ordered<StageSetting>,
    /// Date column to event name, for exports that have one column of dates for each stage.
    pub stage_columns: Ordered<String>,
    /// Repeated groups of stage columns.
    pub history: Option<History>,
    /// Only rows in which a column holds one of these texts.
    pub only: Ordered<OneOrMany>,
    /// What to do with a value that cannot be used.
    pub fields: Ordered<OnUnusable, Target>,
    /// Constants of every event.
    pub event: EventSection,
    /// Which of Meta's leads to download, and where to.
    pub leads: LeadsSection,
    /// Meta's own leads, from which rows get their lead ids.
    pub join: JoinSection,
    /// How to read.
    pub input: InputSection,
    /// How to send.
    pub delivery: DeliverySection,
    /// How to report.
    pub output: OutputSection,
    /// Who is told when runs break, and when they recover.
    pub notify: NotifySection,
    /// Where it was read from, if it was.
    #[serde(skip)]
    pub path: Option<PathBuf>,
    /// The columns it names, each with its line.
    #[serde(skip)]
    pub column_lines: Vec<(String, usize)>,
    /// Its sections and keys, each with its line.
    #[serde(skip)]
    key_lines: Vec<(String, String, usize)>,
    /// Whether nobody named it.
    #[serde(skip)]
    pub is_merely_found: bool,
}

/// Where to send.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Meta {
    /// The dataset (pixel) id, digits.
    #[schemars(regex(pattern = r"^\s*[0-9]{1,20}\s*$"))]
    pub dataset_id: Option<String>,
    /// Graph API version; v25.0 unless given.
    #[schemars(regex(pattern = r"^v[0-9]{1,3}\.[0-9]{1,3}$"))]
    pub api_version: Option<String>,
    /// File that holds the access token; CRM2CAPI_ACCESS_TOKEN overrides it.
    pub access_token_file: Option<PathBuf>,
    /// File that holds the token for `leads`; CRM2CAPI_LEADS_TOKEN overrides it.
    pub leads_token_file: Option<PathBuf>,
    /// Base URL of the API; plain http only for loopback.
    pub graph_url: Option<String>,
    /// Send test events, which are never marked as delivered.
    pub test_event_code: Option<String>,
}

/// The CRM and its habits.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Crm {
    /// The CRM's name, sent as lead_event_source.
    pub name: Option<String>,
    /// A known export layout, or none; detected from the header unless given.
    #[schemars(extend("enum" = preset_names()))]
    pub preset: Option<String>,
    /// IANA time zone of times without an offset, such as America/New_York.
    pub timezone: Option<String>,
    /// How to read dates such as 03/04/2026.
    #[schemars(extend("enum" = ["mdy", "dmy", "ymd"]))]
    pub date_order: Option<String>,
    /// Country of phone numbers and rows that do not name one.
    pub default_country: Option<String>,
    /// What happens to a stage that [stages] does not list.
    pub unlisted_stages: Option<Unlisted>,
    /// `first-seen` for exports that show only the stage each lead is in: it counts as reached when it is first seen.
    pub stage_time: Option<StageTime>,
    /// With stage_time = "first-seen": stages that are events again when a lead comes back to them.
    pub sends_again: Vec<String>,
}

/// Constants of every event.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct EventSection {
    /// The platform that sends on the advertiser's behalf.
    #[schemars(length(min = 2, max = 22))]
    pub partner_agent: Option<String>,
    /// `["LDU"]` for limited data use.
    #[schemars(inner(regex(pattern = "^LDU$")))]
    pub data_processing_options: Option<Vec<String>>,
    /// 1 for the United States, 0 to let Meta find out.
    #[schemars(range(max = 1))]
    pub data_processing_options_country: Option<u32>,
    /// 1000 to 1013 for a state, 0 to let Meta find out.
    #[schemars(range(max = 1013))]
    pub data_processing_options_state: Option<u32>,
    /// Currency of values that do not name one, as an ISO 4217 code.
    pub currency: Option<String>,
    /// `custom.NAME` and `order_id` whose values are sent although they look like an address or a phone number.
    pub allow_personal: Vec<Target>,
}

/// Meta's own leads, from which rows get their lead ids.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct JoinSection {
    /// Files of Meta's leads: from `leads`, Meta's own download, or any export with a lead id, a time and an email or phone.
    pub leads: Vec<PathBuf>,
    /// Name of the raw lead's event, sent at Meta's own time for rows that lack one; no such event unless given.
    #[schemars(length(min = 1))]
    pub raw_lead: Option<String>,
    /// Where to write the leads of Meta that no row matches.
    pub missing: Option<PathBuf>,
}

/// Which of Meta's leads `leads` downloads, and where to.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LeadsSection {
    /// File to append to; leads.ndjson unless given.
    pub output: Option<PathBuf>,
    /// Pages, by id; all that the token can see unless given.
    #[schemars(inner(regex(pattern = "^[0-9]{1,20}$")))]
    pub pages: Vec<String>,
    /// Forms, by id.
    #[schemars(inner(regex(pattern = "^[0-9]{1,20}$")))]
    pub forms: Vec<String>,
    /// Ads, by id.
    #[schemars(inner(regex(pattern = "^[0-9]{1,20}$")))]
    pub ads: Vec<String>,
    /// Leads since so many days ago, a date, or "last"; all that Meta has unless given.
    pub since: Option<String>,
    /// Format of the file; csv if its name ends in .csv, else ndjson.
    pub format: Option<LeadsFormat>,
    /// Write only ids, times, and hashes of email and phone.
    pub hashed: Option<bool>,
}

/// How to read.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct InputSection {
    /// Exports to read when the command line names none: files, folders and patterns.
    pub files: Vec<PathBuf>,
    /// Format of the export; detected from the content unless given.
    pub format: Option<InputFormat>,
    /// Delimiter of the export: a character, or tab.
    pub delimiter: Option<String>,
    /// Column names, as a line of CSV, for an export without a header.
    pub header: Option<String>,
    /// Text encoding of the export, such as windows-1252.
    pub encoding: Option<String>,
    /// Sheet of a workbook; the first visible one unless given.
    pub sheet: Option<String>,
    /// Worker threads; all cores unless given, up to 8.
    #[schemars(range(min = 1))]
    pub threads: Option<usize>,
}

/// How to send.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DeliverySection {
    /// Events per request; 500 unless given.
    #[schemars(range(min = 1, max = 1000))]
    pub batch_size: Option<usize>,
    /// Concurrent requests; 4 unless given.
    #[schemars(range(min = 1, max = 64))]
    pub concurrency: Option<usize>,
    /// Request timeout in seconds; 30 unless given.
    #[schemars(range(min = 1))]
    pub timeout: Option<u64>,
    /// Seconds to keep retrying a batch; 600 unless given.
    pub give_up_after: Option<u64>,
    /// Record of accepted events: a file, the address of a PostgreSQL database, or none.
    pub ledger: Option<PathBuf>,
    /// A file that holds the address of a PostgreSQL database, with its password.
    pub ledger_url_file: Option<PathBuf>,
    /// Seconds to wait for another run to release the ledger; 0 unless given.
    pub wait: Option<u64>,
    /// Send nothing if more than this percentage of rows is unusable; 50 unless given.
    #[schemars(range(min = 0, max = 100))]
    pub max_invalid: Option<f64>,
    /// Resend events that Meta refused in an earlier run.
    pub retry_rejected: Option<bool>,
    /// Resend events set aside after three runs without an answer from Meta.
    pub retry_uncertain: Option<bool>,
    /// Do everything but send.
    pub dry_run: Option<bool>,
}

/// How to report.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OutputSection {
    /// Format of the report on standard output.
    pub format: Option<ReportFormat>,
    /// File that refused rows are written to.
    pub rejects: Option<PathBuf>,
    /// Number of events the report shows one by one, without personal data.
    #[schemars(range(max = 1000))]
    pub preview: Option<u16>,
    /// Treat warnings as failures.
    pub strict: Option<bool>,
}

/// Who is told when runs break, and when they recover.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NotifySection {
    /// URL that notifications are posted to, one per change; it is a secret. CRM2CAPI_NOTIFY_URL overrides it.
    pub url: Option<String>,
    /// File that holds `url`.
    pub url_file: Option<PathBuf>,
    /// Format of the notification; json unless given.
    pub format: Option<Form>,
    /// URL to call after every success, for a dead man's switch such as healthchecks.io.
    pub ping_url: Option<String>,
    /// A program and its arguments, run once per change with the JSON report on standard input.
    pub command: Vec<String>,
    /// Notify if nothing was delivered for so long, such as 26h or 2d.
    pub max_age: Option<String>,
}

impl OutputSection {
    /// The shape of a report that can only be for people or for programs.
    ///
    /// # Errors
    /// It is set to another.
    pub(crate) fn plain_format(&self) -> Result<Format> {
        match self.format {
            None | Some(ReportFormat::Human) => Ok(Format::Human),
            Some(ReportFormat::Json) => Ok(Format::Json),
            Some(ReportFormat::Github) => {
                bail!(
                    "format = \"github\" under [output] is for validate; give --format human or json"
                )
            }
        }
    }
}

impl SettingsFile {
    /// Reads the file named, else the default one if it is there, else nothing.
    ///
    /// # Errors
    /// The file cannot be read, is not TOML, or has a key or value that does not belong; the message names the line.
    pub(crate) fn load(named: Option<&Path>) -> Result<Self> {
        let path = match named {
            Some(path) => path,
            None if Path::new(DEFAULT_SETTINGS).is_file() => Path::new(DEFAULT_SETTINGS),
            None => return Ok(Self::default()),
        };
        let place = || format!("in the settings {}", path.display());
        let mut file = Self::parse(&read_bounded(path)?).with_context(place)?;
        file.path = Some(path.to_owned());
        if named.is_none() {
            file.is_merely_found = true;
            file.refuse_what_only_a_named_file_may_set()
                .with_context(place)?;
        }
        Ok(file)
    }

    /// A file that merely lies in the folder may come from whoever packed the folder. It says how an export is read, but
    /// not where a token goes or which files are read and written.
    fn refuse_what_only_a_named_file_may_set(&self) -> Result<()> {
        let set = [
            ("graph_url under [meta]", self.meta.graph_url.is_some()),
            (
                "access_token_file under [meta]",
                self.meta.access_token_file.is_some(),
            ),
            (
                "leads_token_file under [meta]",
                self.meta.leads_token_file.is_some(),
            ),
            (
                "a receiver under [notify]",
                self.notify.url.is_some()
                    || self.notify.url_file.is_some()
                    || self.notify.ping_url.is_some()
                    || !self.notify.command.is_empty(),
            ),
            (
                "rejects under [output], outside of the file's folder",
                self.leaves_folder(self.output.rejects.as_deref()),
            ),
            (
                "leads or missing under [join], outside of the file's folder",
                (self.join.leads.iter().chain(&self.join.missing))
                    .any(|path| self.leaves_folder(Some(path))),
            ),
            (
                "output under [leads], outside of the file's folder",
                self.leaves_folder(self.leads.output.as_deref()),
            ),
            (
                "files under [input], outside of the file's folder",
                (self.input.files.iter()).any(|path| self.leaves_folder(Some(path))),
            ),
            (
                "the address of a ledger under [delivery]",
                self.delivery.ledger_url_file.is_some()
                    || (self.delivery.ledger.as_ref())
                        .is_some_and(|path| Address::is_one(&path.to_string_lossy())),
            ),
            (
                "ledger under [delivery], outside of the file's folder",
                self.leaves_folder(self.delivery.ledger.as_deref()),
            ),
        ];
        match set.iter().find(|(_, is_set)| *is_set) {
            Some((what, _)) => bail!(
                "this file was not named with --config, so it may not set {what}; name it with --config to use these settings"
            ),
            None => Ok(()),
        }
    }

    fn leaves_folder(&self, path: Option<&Path>) -> bool {
        let Some(path) = path.filter(|path| path.as_os_str() != "none") else {
            return false;
        };
        let steps_out =
            |part: Component<'_>| !matches!(part, Component::Normal(_) | Component::CurDir);
        if path.components().any(steps_out) {
            return true;
        }
        // A link inside of the folder may lead out of it.
        let folder = self.folder();
        let real = |path: &Path| path.canonicalize().ok();
        let place = self.resolve(path);
        let target = real(&place).or_else(|| place.parent().and_then(real));
        let is_dangling_link = place.is_symlink() && !place.exists();
        is_dangling_link
            || target
                .zip(real(folder))
                .is_some_and(|(target, folder)| !target.starts_with(folder))
    }

    /// Whether a file that these settings led to lies outside of their folder.
    pub(super) fn leads_out_to(&self, path: &Path) -> bool {
        let real = |path: &Path| path.canonicalize().ok();
        real(path)
            .zip(real(self.folder()))
            .is_some_and(|(path, folder)| !path.starts_with(folder))
    }

    fn folder(&self) -> &Path {
        self.path.as_deref().map_or(Path::new("."), folder_of)
    }

    /// Reads the text of a settings file.
    ///
    /// # Errors
    /// It is not TOML, or has a key or value that does not belong; the message names the line.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut file: Self = toml::from_str(text).or_else(|error| {
            let line = error.span().map(|span| line_of(text, span.start));
            let place = line
                .map(|line| format!("line {line}: "))
                .unwrap_or_default();
            let cure = error.span().and_then(|span| quoting(text, span));
            bail!(
                "{place}{}{}",
                in_one_line(error.message()),
                cure.unwrap_or_default()
            )
        })?;
        file.check_values(text)?;
        file.column_lines = lines::of_columns(text);
        file.key_lines = lines::of_keys(text);
        Ok(file)
    }

    /// Meta takes no value without a currency, and that of a sum is known here or nowhere.
    fn check_values(&self, text: &str) -> Result<()> {
        let lacks_currency = |setting: &&(String, StageSetting)| {
            let worth = setting.1.worth.as_ref();
            worth.is_some_and(|worth| {
                matches!(worth.amount, Sum::Fixed(_)) && worth.currency.is_none()
            })
        };
        match self.stages.0.iter().find(lacks_currency) {
            Some((stage, setting)) if self.event.currency.is_none() => bail!(
                "line {}: the value of the stage {stage:?} has no currency; add currency = \"EUR\" there or under [event]",
                line_of(text, setting.start)
            ),
            _ => Ok(()),
        }
    }

    /// Where a key stands, for an error about its value: `in the settings acme.toml: line 3: timezone under [crm]`.
    pub(super) fn place_of(&self, key: &str, section: &str) -> String {
        let mut lines = self.key_lines.iter();
        let line = lines.find(|(of, name, _)| of == section && name == key);
        let line = line.map_or(String::new(), |(.., line)| format!("line {line}: "));
        let path = self.path.as_deref();
        let file = path.map_or(String::new(), |path| {
            format!("in the settings {}: ", path.display())
        });
        format!("{file}{line}{key} under [{section}]")
    }

    /// A path as the file means it.
    pub(crate) fn resolve(&self, path: &Path) -> PathBuf {
        match self.path.as_deref().and_then(Path::parent) {
            Some(folder) => folder.join(path),
            None => path.to_owned(),
        }
    }

    /// The same of a file that is written while standard output holds something else; `key` in `section` names it.
    ///
    /// # Errors
    /// It is `-`.
    pub(super) fn resolve_output(
        &self,
        path: &Path,
        (section, key): (&str, &str),
    ) -> Result<PathBuf> {
        beside_standard_output(path)
            .map_err(|what| anyhow!("{}: {what}", self.place_of(key, section)))?;
        Ok(self.resolve(path))
    }
}

/// How to write a number or a yes that stands where a text belongs: in quotes, if that is what the file lacks there.
fn quoting(text: &str, place: Range<usize>) -> Option<String> {
    let written = text.get(place.clone()).filter(|text| text.len() <= 40)?;
    let value = toml::from_str::<toml::Table>(&format!("x = {written}")).ok()?;
    let is_bare = value
        .values()
        .all(|value| value.is_integer() || value.is_float() || value.is_bool());
    let quoted = format!(
        "{}\"{written}\"{}",
        &text[..place.start],
        &text[place.end..]
    );
    // What stands further down may be wrong as well.
    let is_cured = match toml::from_str::<SettingsFile>(&quoted) {
        Ok(_) => true,
        Err(error) => error.span().is_some_and(|span| span.start > place.end + 2),
    };
    (is_bare && is_cured).then(|| format!("; write it in quotes: \"{written}\""))
}

/// The text of a settings file, none of which is anywhere near this long.
fn read_bounded(path: &Path) -> Result<String> {
    read_text(path, MAX_BYTES).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => anyhow!(
            "the settings {} are longer than {} MB; is this the right file?",
            path.display(),
            MAX_BYTES >> 20
        ),
        _ => anyhow!(error).context(format!("cannot read the settings {}", path.display())),
    })
}

fn preset_names() -> Vec<&'static str> {
    Preset::names().chain(["none"]).collect()
}

/// Serde lists every key there is and names Rust's types; a person wants the nearest key and plain words.
fn in_one_line(message: &str) -> String {
    let message = message.lines().collect::<Vec<_>>().join(" ");
    let Some((start, expected)) = message.split_once(", expected ") else {
        return message;
    };
    let quoted = |text: &str| -> Vec<String> {
        text.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    let known = quoted(expected);
    let Some(unknown) = quoted(start).pop().filter(|_| start.starts_with("unknown")) else {
        return format!("{start}, expected {}", in_plain_words(expected));
    };
    match nearest(&unknown, known.iter().map(String::as_str)) {
        Some(name) => format!("{start}; did you mean `{name}`?"),
        None => format!("{start}; there are {}", known.join(", ")),
    }
}

fn in_plain_words(type_name: &str) -> &str {
    match type_name {
        "u16" | "u32" | "u64" | "usize" => "a whole number",
        "f64" => "a number",
        "a boolean" => "true or false",
        name if name.starts_with("struct ") => "a [section]",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        format!("{:#}", SettingsFile::parse(text).unwrap_err())
    }

    #[test]
    fn a_number_where_a_text_belongs_is_to_be_quoted() {
        assert_eq!(
            error("[meta]\ndataset_id = 123\n"),
            "line 2: invalid type: integer `123`, expected a string; write it in quotes: \"123\""
        );
    }

    #[test]
    fn an_unknown_key_names_the_nearest_and_the_line() {
        assert_eq!(
            error("[meta]\ndatset_id = \"1\"\n"),
            "line 2: unknown field `datset_id`; did you mean `dataset_id`?"
        );
        assert_eq!(
            error("[columns]\nemial = \"E\"\n"),
            "line 2: unknown field \"emial\"; did you mean `email`?"
        );
    }

    #[test]
    fn a_stage_has_a_name_or_a_long_form_and_mistakes_have_their_line() {
        let file = SettingsFile::parse(
            "[stages]\nA = \"Lead\"\nB = { event = \"Won\", value = 500, currency = \"USD\" }\n[stages.\"C D\"]\n\
             value_column = \"Deal\"\n",
        )
        .unwrap();
        let events: Vec<_> = (file.stages.0.iter())
            .map(|(_, stage)| (stage.event.as_deref(), stage.worth.is_some()))
            .collect();
        assert_eq!(
            events,
            [(Some("Lead"), false), (Some("Won"), true), (None, true)]
        );
        let long = |keys: &str| error(&format!("[stages]\nA = \"Lead\"\n\n[stages.Won]\n{keys}\n"));
        for (keys, said) in [
            (
                "evnt = \"X\"",
                "line 5: unknown field `evnt`; did you mean `event`?",
            ),
            (
                "event = \"X\"\nvalue = \"500\"",
                "line 6: invalid type: string \"500\", expected a number",
            ),
            (
                "value = 500",
                "line 4: the value of the stage \"Won\" has no currency",
            ),
            (
                "value = 500\ncurrency = \"Taler\"",
                "line 4: currency \"Taler\" is not one of ISO 4217",
            ),
            (
                "value = -1\ncurrency = \"EUR\"",
                "line 4: value = -1 is not an amount",
            ),
            (
                "value = nan\ncurrency = \"EUR\"",
                "line 4: value = NaN is not an amount",
            ),
            (
                "value = 1\nvalue_column = \"V\"",
                "line 4: value and value_column exclude each other",
            ),
            ("currency = \"EUR\"", "line 4: currency belongs to a value"),
        ] {
            assert!(long(keys).starts_with(said), "{keys}: {}", long(keys));
        }
        let number = error("[stages]\nA = 5\n");
        assert!(
            number.starts_with("line 2: invalid type: integer `5`, expected an event name"),
            "{number}"
        );
        let above = "[event]\ncurrency = \"EUR\"\n[stages.Won]\nvalue = 500\n";
        SettingsFile::parse(above).unwrap();
    }

    #[test]
    fn tables_keep_the_order_they_are_written_in() {
        let file = SettingsFile::parse("[stages]\nz = \"1\"\na = \"2\"\nm = \"3\"\n").unwrap();
        let stages: Vec<_> = file
            .stages
            .0
            .iter()
            .map(|(stage, _)| stage.as_str())
            .collect();
        assert_eq!(stages, ["z", "a", "m"]);
    }
}
