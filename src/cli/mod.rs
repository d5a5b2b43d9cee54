//! What may be typed: flags and their help, nothing else. What they mean together is decided in [`crate::config`].
//!
//! The first paragraph of a doc comment is what `-h` shows; `--help` shows the rest too, the rarer options and examples.

mod examples;
mod values;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use encoding_rs::Encoding;
use jiff::Timestamp;

pub(crate) use values::{Columns, Delimiter, FieldFromColumn, NamedEvent, Zone};

use crate::customer::Country;
use crate::deliver::MAX_CONCURRENCY;
use crate::leads::Since;
use crate::mapping::StageTime;
use crate::rules::MAX_BATCH_EVENTS;
use crate::time::DateOrder;
pub(crate) use values::encoding;
pub(crate) use values::meta_id;
use values::{country, output_file, percentage, seconds, some_seconds, timestamp};

/// More events are no preview.
const MAX_PREVIEW: i64 = 1_000;

/// The settings file looked for in the working folder.
pub(crate) const DEFAULT_SETTINGS: &str = "crm2capi.toml";

/// Upload a CRM's lead stages to a Meta dataset through the Conversions API
///
/// crm2capi takes the lead export of a CRM, normalises and hashes what identifies a lead, and sends each stage a lead
/// reached as an event. Personal values are hashed on this machine; reports, logs and the ledger never hold them.
#[derive(Debug, Parser)]
#[command(
    name = "crm2capi",
    bin_name = "crm2capi",
    version,
    propagate_version = true,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_long_help = examples::PROGRAM
)]
pub(crate) struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,

    /// How to talk
    #[command(flatten)]
    pub talk: TalkArgs,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Normalise, hash, check and send the lead stages of an export
    ///
    /// Safe to rerun: the ledger remembers what Meta accepted, and accepted events are never resent, however much the
    /// exports overlap. Events more than 7 days old are left out because Meta does not accept them, so upload at
    /// least once a day. Unusable rows are reported and never hold up the others.
    #[command(after_long_help = examples::UPLOAD)]
    Upload(UploadArgs),
    /// Check an export and report what upload would send: the dry run for CI
    ///
    /// Reads, normalises and checks every row just as upload does, without a token, dataset or connection. Reports
    /// what would be sent, what is wrong, which customer parameters the events carry, and how the funnel compares
    /// with what Meta asks for.
    #[command(after_long_help = examples::VALIDATE)]
    Validate(ValidateArgs),
    /// Print the payloads instead of sending them
    ///
    /// The events are exactly the bytes that upload would send, keys sorted. Problems go to standard error.
    #[command(after_long_help = examples::BUILD)]
    Build(BuildArgs),
    /// Print one value's normalised form and its SHA-256
    ///
    /// Shows what Meta would get for a value, or why it cannot be used (exit status 1).
    #[command(after_long_help = examples::NORMALIZE)]
    Normalize(NormalizeArgs),
    /// Serve a local stand-in for the events endpoint
    ///
    /// Judges what it receives by Meta's published rules and answers as Meta would. Prints its base URL and serves
    /// until interrupted, logging one line per request to standard error. GET /sandbox/events returns what it
    /// accepted, one event per line; GET / shows it as a page.
    #[command(after_long_help = examples::SANDBOX)]
    Sandbox(SandboxArgs),
    /// Test the token, the dataset and the connection
    ///
    /// Sends an event that Meta is certain to refuse, so that nothing is recorded anywhere, and explains the answer.
    #[command(after_long_help = examples::CHECK)]
    Check(CheckArgs),
    /// Show what was delivered recently
    ///
    /// Reads the ledger: the last successful upload, deliveries day by day, and the most recent runs.
    #[command(after_long_help = examples::STATUS)]
    Status(StatusArgs),
    /// Inspect an export and write a settings file for it
    ///
    /// Shows encoding, layout, columns, stages and dates as they were understood, with values only in their form (letters
    /// as dots, digits as #), and writes a settings file with all of it to correct. On a terminal it asks for what the
    /// export does not tell; elsewhere, and with --yes, that is left open and marked in the file. Ends with status 2
    /// when no column tells who the lead is, which stage was reached, or when; what is missing then stands in the file in
    /// comments.
    #[command(after_long_help = examples::INIT)]
    Init(InitArgs),
    /// Download Meta's own leads from the forms of Pages
    ///
    /// Meta keeps a lead's id, time and answers for 90 days. Give the file to upload, validate or build with --leads:
    /// rows without a lead id get theirs, and the report says what share of Meta's leads the CRM reports on. Safe to
    /// rerun: new leads are appended, each lead once. The file holds people's data in the clear, so only its owner
    /// can read it; --hashed writes no more than the join needs.
    #[command(after_long_help = examples::LEADS)]
    Leads(LeadsArgs),
    /// Upload each export that appears in a folder, then move it to done/ or failed/
    ///
    /// A file is taken once it has been renamed into the folder or has not changed for a while, oldest first, one at a time,
    /// and uploaded as `upload` would. It moves to processing/, and from there to done/ or failed/, with its report and its
    /// refused rows beside it. Hidden files and names that look unfinished (.tmp, .part, .filepart, …) are skipped, and an
    /// empty file waits for its first byte. What Meta cannot take now stays in processing/ and is retried, so an outage, a
    /// kill or an expired token loses nothing: the token is read again each time.
    #[command(
        after_long_help = examples::WATCH,
        mut_arg("files", |folder| folder.value_name("FOLDER").required(true).num_args(1).action(ArgAction::Set)
            .help("The folder that exports are dropped into").long_help(None::<&str>)),
        mut_arg("config", |file| file.action(ArgAction::Set)
            .help("Settings file [default: ./crm2capi.toml if it is there]").long_help(None::<&str>)),
        mut_args(|arg| {
            let is_decided = WATCH_DECIDES.contains(&arg.get_id().as_str());
            arg.hide(is_decided)
        })
    )]
    Watch(Box<WatchArgs>),
    /// Receive stage changes over HTTP and deliver them within seconds
    ///
    /// Prints its base URL and accepts POST /events until it is stopped: one JSON record, a list of records, one record per
    /// line, or the body of a CRM's webhook, read the way an export of JSON is. 202 means that everything is on disk, hashed,
    /// and will be delivered once or reported; 422 says what is wrong with which record, and the other records are kept.
    /// Events that Meta cannot take now wait in the ledger, across kills and restarts, until they are 7 days old. GET
    /// /healthz, /readyz and /metrics report its state. Meta's own webhook of new leads is accepted under /leadgen. Put a
    /// proxy in front of it for TLS.
    #[command(
        after_long_help = examples::SERVE,
        mut_arg("files", |files| files.hide(true)),
        mut_arg("config", |file| file.action(ArgAction::Set)
            .help("Settings file [default: ./crm2capi.toml if it is there]").long_help(None::<&str>)),
        mut_arg("ledger", |ledger| ledger.value_name("FILE|ADDRESS")
            .help("Where events wait and accepted events are recorded [default: $XDG_STATE_HOME/crm2capi/ledger.sqlite3]")
            .long_help(
                "Where events wait and accepted events are recorded [default: $XDG_STATE_HOME/crm2capi/ledger.sqlite3]\n\n\
                 The server holds a file while it runs, so an upload beside it needs a ledger of its own. Several servers and \
                 uploads may share a PostgreSQL database, whose address begins with postgres://; an address with a password \
                 belongs into CRM2CAPI_LEDGER. Until events are settled the ledger holds them, hashed, as they will be sent.")),
        mut_args(|arg| {
            let has_no_use = SERVE_HAS_NOT.contains(&arg.get_id().as_str());
            arg.hide(has_no_use)
        })
    )]
    Serve(Box<ServeArgs>),
    /// Check a ledger, or copy it into another
    #[command(after_long_help = examples::LEDGER, subcommand_required = true, arg_required_else_help = true)]
    Ledger(LedgerArgs),
    /// Print the JSON Schema of the settings file, of a report or of an event
    ///
    /// The schemas follow draft 2020-12. Settings are closed: a key that is not in the schema is an error. Later
    /// versions may add keys to reports.
    #[command(after_long_help = examples::SCHEMA)]
    Schema(SchemaArgs),
    /// Explain a command, a problem, one of Meta's codes, a field or a preset
    #[command(after_long_help = examples::HELP)]
    Help(HelpArgs),
    /// Print a script that completes the command line
    #[command(after_long_help = examples::COMPLETIONS)]
    Completions(CompletionsArgs),
    /// Write the manual pages
    #[command(after_long_help = examples::MAN)]
    Man(ManArgs),
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Messages")]
pub(crate) struct TalkArgs {
    /// Print only errors, and the report only if something is wrong
    ///
    /// A run that ends with status 0 prints no report, unless --format asks for one that a program reads. So a
    /// scheduled job sends no mail as long as all is well.
    #[arg(long, short, global = true)]
    pub quiet: bool,

    /// Explain decisions; -vv also describes each request
    ///
    /// -vv adds the size, duration, status and trace id of each request. Neither ever shows a person's data or a
    /// token.
    #[arg(long, short, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,

    /// When to use colour
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_short_help = true
    )]
    pub color: Color,

    /// Format of messages on standard error
    ///
    /// With json, each warning, error and progress message is one object per line, with time, level and message.
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "human",
        hide_short_help = true
    )]
    pub log_format: LogFormat,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Shapes of what goes to standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Human,
    /// One JSON object per line
    Json,
}

/// Which settings file and which dataset.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct SettingsArgs {
    /// Settings file; repeatable [default: ./crm2capi.toml if it is there]
    ///
    /// The command line overrides the environment, which overrides the settings file, which overrides the preset.
    /// Several settings files are one run each, in turn; if one fails the others still run, and the exit status is
    /// the worst of them. Output files (--rejects, --report, --metrics-file, --leads-missing) belong to one run and
    /// cannot be combined with several settings files; each settings file can name its own rejects under [output].
    #[arg(long, value_name = "FILE")]
    pub config: Vec<PathBuf>,

    /// The dataset (pixel) id
    ///
    /// Shown below the dataset's name in Events Manager.
    #[arg(
        long,
        value_name = "ID",
        env = "CRM2CAPI_DATASET_ID",
        hide_env_values = true,
        help_heading = "Destination"
    )]
    pub dataset_id: Option<String>,
}

impl SettingsArgs {
    /// The settings file of a command that takes no more than one.
    pub(crate) fn only_config(&self) -> Option<&Path> {
        self.config.first().map(PathBuf::as_path)
    }
}

/// Which version of the API.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct VersionArgs {
    /// Graph API version [default: v25.0]
    #[arg(
        long,
        value_name = "vNN.N",
        help_heading = "Destination",
        hide_short_help = true
    )]
    pub api_version: Option<String>,
}

/// Options of upload, validate and build.
#[derive(Debug, Default, Args)]
pub(crate) struct ReadArgs {
    /// Exports to read: files, folders or quoted patterns; `-` is standard input
    ///
    /// Several files are one run, in the order given. CSV, TSV, JSON, NDJSON and XLSX are recognised by content and
    /// may be compressed with gzip or zstd. A folder, a pattern such as 'exports/*.csv' or a zip archive stands for
    /// the exports in it, sorted by name; anything else in it is skipped and named. Pipes are read like standard
    /// input. Without FILE, the run reads `files` under [input] in the settings.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Which settings
    #[command(flatten)]
    pub settings: SettingsArgs,

    /// Which version
    #[command(flatten)]
    pub version: VersionArgs,

    /// Which columns
    #[command(flatten)]
    pub layout: LayoutArgs,

    /// Send a stage under another name, or skip it if EVENT NAME is empty; repeatable
    #[arg(
        long,
        value_name = "CRM STAGE=EVENT NAME",
        help_heading = "Columns and stages"
    )]
    pub stage: Vec<NamedEvent>,

    /// How the export is written
    #[command(flatten)]
    pub format: FormatArgs,

    /// Meta's own leads, to fill in missing lead ids by email, then phone; repeatable
    ///
    /// A file from `crm2capi leads`, Meta's own download, or any export with a lead id, a time and an email or phone.
    /// A row without a lead id gets the id of its person's latest lead that was not created after the row's first
    /// stage. The report says what share of Meta's leads has an event.
    #[arg(long, value_name = "FILE", help_heading = "Meta's leads")]
    pub leads: Vec<PathBuf>,

    /// Write the leads of Meta that no row matches to this file
    #[arg(
        long,
        value_name = "FILE",
        value_parser = output_file(),
        help_heading = "Meta's leads",
        hide_short_help = true
    )]
    pub leads_missing: Option<PathBuf>,

    /// Write refused rows to this file, unchanged, with the reason added
    ///
    /// Adds the columns crm2capi_problem, crm2capi_help and crm2capi_row. Correct the rows in a copy and upload the copy: a
    /// row leaves this file once its events are accepted. A row that is corrected in the CRM instead, and arrives with the
    /// next export, counts as a different one: delete the old one by hand.
    #[arg(long, value_name = "FILE", value_parser = output_file(), help_heading = "Report")]
    pub rejects: Option<PathBuf>,

    /// The clock of the 7-day window, for tests and replays
    #[arg(
        long,
        value_name = "RFC3339",
        value_parser = timestamp,
        help_heading = "Reading",
        hide_short_help = true
    )]
    pub now: Option<Timestamp>,

    /// Send nothing if more than this percentage of rows is unusable [default: 50]
    ///
    /// A wrong mapping affects most rows; a bad row affects only itself. validate and build end with status 2 where
    /// upload would.
    #[arg(long, value_name = "PERCENT", value_parser = percentage, help_heading = "Report")]
    pub max_invalid: Option<f64>,

    /// Treat warnings as failures (exit status 1)
    #[arg(long, help_heading = "Report")]
    pub strict: bool,

    /// Worker threads [default: all cores, up to 8]
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u16).range(1..=256),
        help_heading = "Reading",
        hide_short_help = true
    )]
    pub threads: Option<u16>,
}

/// Options that say what the columns and stages of an export mean.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Columns and stages")]
pub(crate) struct LayoutArgs {
    /// The CRM's name, sent as lead_event_source [default: the preset's]
    #[arg(long, value_name = "NAME")]
    pub crm: Option<String>,

    /// Known export layout, or none [default: detected from the header]
    ///
    /// `crm2capi help presets` lists them. --map, --stage and the settings file override it.
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,

    /// Read FIELD from COLUMN; repeatable
    ///
    /// `crm2capi help fields` lists the fields; `custom.NAME` becomes custom_data.NAME. Case, spaces and punctuation
    /// of headings do not matter; `Date#2` is the second column named Date; columns of JSON are dotted paths.
    #[arg(long, value_name = "FIELD=COLUMN")]
    pub map: Vec<FieldFromColumn>,

    /// Send one event for each date in COLUMN; repeatable
    ///
    /// For exports with one row per lead and one date column per stage.
    #[arg(long, value_name = "COLUMN=EVENT NAME")]
    pub stage_column: Vec<NamedEvent>,

    /// Source of a stage's time: column or first-seen [default: column]
    ///
    /// first-seen is for exports that only show each lead's current stage: a stage counts as reached when an export
    /// first shows it, so the ledger remembers every lead's stages. The first run records them and sends only stages
    /// that have a time of their own, such as the creation date; name its column with --stage-column.
    #[arg(long, value_name = "WHERE")]
    pub stage_time: Option<StageTime>,

    /// IANA time zone of times without an offset [default: UTC, with a warning if it matters]
    #[arg(long, value_name = "ZONE")]
    pub timezone: Option<Zone>,

    /// How to read dates such as 03/04/2026: mdy, dmy or ymd [default: detected]
    #[arg(long, value_name = "ORDER")]
    pub date_order: Option<DateOrder>,

    /// Country of phone numbers and rows that do not name one
    #[arg(long, value_name = "CC", value_parser = country)]
    pub default_country: Option<Country>,
}

/// Options that say how an export is written, where finding out goes wrong.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct FormatArgs {
    /// Format of the export [default: auto]
    #[arg(
        long,
        value_name = "FORMAT",
        help_heading = "Reading",
        hide_short_help = true
    )]
    pub input_format: Option<InputFormat>,

    /// Delimiter of the export: a character, or `tab` [default: detected]
    #[arg(
        long,
        value_name = "C",
        help_heading = "Reading",
        hide_short_help = true
    )]
    pub delimiter: Option<Delimiter>,

    /// Column names, separated by commas, for an export without a header
    ///
    /// Written as a line of CSV, whatever the export's own delimiter. The first row of the export is then data.
    #[arg(
        long,
        value_name = "COLUMNS",
        help_heading = "Reading",
        hide_short_help = true
    )]
    pub header: Option<Columns>,

    /// Text encoding of the export, such as windows-1252 [default: detected]
    #[arg(
        long,
        value_name = "NAME",
        value_parser = encoding,
        help_heading = "Reading",
        hide_short_help = true
    )]
    pub encoding: Option<&'static Encoding>,

    /// Sheet of a workbook [default: the first visible one]
    #[arg(
        long,
        value_name = "NAME",
        help_heading = "Reading",
        hide_short_help = true
    )]
    pub sheet: Option<String>,
}

/// Formats of an export.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum InputFormat {
    /// Detected from the content
    Auto,
    /// Delimited text
    Csv,
    /// Tab-separated text
    Tsv,
    /// A JSON array or an API's page
    Json,
    /// One JSON record per line
    Ndjson,
    /// An Excel workbook
    Xlsx,
}

/// Where and how to send.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Destination")]
pub(crate) struct EndpointArgs {
    /// File that holds the access token [default: CRM2CAPI_ACCESS_TOKEN]
    ///
    /// No option takes the token itself, because it would show in the process list.
    #[arg(long, value_name = "FILE")]
    pub access_token_file: Option<PathBuf>,

    /// Base URL of the API; plain http only for loopback [default: https://graph.facebook.com]
    #[arg(
        long,
        value_name = "URL",
        env = "CRM2CAPI_GRAPH_URL",
        hide_env_values = true,
        hide_short_help = true
    )]
    pub graph_url: Option<String>,

    /// Request timeout in seconds [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = some_seconds, hide_short_help = true)]
    pub timeout: Option<Duration>,
}

/// Options of upload.
#[derive(Debug, Args)]
pub(crate) struct UploadArgs {
    /// What to read
    #[command(flatten)]
    pub read: ReadArgs,

    /// Where to send
    #[command(flatten)]
    pub endpoint: EndpointArgs,

    /// Format of the report on standard output
    #[arg(long, value_name = "FORMAT", help_heading = "Report")]
    pub format: Option<PlainFormat>,

    /// Where else to report
    #[command(flatten)]
    pub report: ReportArgs,

    /// Upload to a sandbox in this process; needs no token, dataset or ledger
    #[arg(long, help_heading = "Destination")]
    pub sandbox: bool,

    /// Send test events; marks nothing as delivered
    ///
    /// Events Manager shows the code, and the events as they arrive, under Test events.
    #[arg(long, value_name = "CODE", help_heading = "Destination")]
    pub test_event_code: Option<String>,

    /// Do everything but send, and report what would be sent
    #[arg(long, help_heading = "Destination")]
    pub dry_run: bool,

    /// Events per request, 1 to 1000 [default: 500]
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_BATCH_EVENTS)),
        help_heading = "Delivery",
        hide_short_help = true
    )]
    pub batch_size: Option<u16>,

    /// Concurrent requests [default: 4]
    ///
    /// The events of one lead reach Meta in chronological order regardless.
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_CONCURRENCY)),
        help_heading = "Delivery",
        hide_short_help = true
    )]
    pub concurrency: Option<u16>,

    /// Seconds to keep retrying a batch [default: 600]
    #[arg(
        long,
        value_name = "SECONDS",
        value_parser = seconds,
        help_heading = "Delivery",
        hide_short_help = true
    )]
    pub give_up_after: Option<Duration>,

    /// Record of accepted events, or none [default: $XDG_STATE_HOME/crm2capi/ledger.sqlite3]
    ///
    /// Holds hashed ids, event names, times and outcomes, and no personal data; with --stage-time first-seen also the
    /// hashed events that are not delivered yet. Without XDG_STATE_HOME it is under ~/.local/state. An address that
    /// begins with postgres:// is a PostgreSQL database, which uploads on several hosts can share; put an address
    /// with a password into CRM2CAPI_LEDGER, or into a file named by ledger_url_file under [delivery].
    #[arg(long, value_name = "FILE|ADDRESS|none", help_heading = "Delivery")]
    pub ledger: Option<PathBuf>,

    /// Seconds to wait for another run to release the ledger [default: 0]
    #[arg(
        long,
        value_name = "SECONDS",
        value_parser = seconds,
        help_heading = "Delivery",
        hide_short_help = true
    )]
    pub wait: Option<Duration>,

    /// Resend events that Meta refused in an earlier run
    #[arg(long, help_heading = "Delivery", hide_short_help = true)]
    pub retry_rejected: bool,

    /// Resend events set aside after three runs without an answer from Meta
    #[arg(long, help_heading = "Delivery", hide_short_help = true)]
    pub retry_uncertain: bool,
}

/// Where a report goes besides standard output.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Report")]
pub(crate) struct ReportArgs {
    /// Show the first N events as a table: stage, time, value and match keys
    ///
    /// Skips events that are too old, and never shows a person's data. The JSON report has them too.
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u16).range(1..=MAX_PREVIEW)
    )]
    pub preview: Option<u16>,

    /// Also write the report to a file: .html, .json, .xml (JUnit), .sarif or .md; repeatable
    #[arg(long, value_name = "FILE", value_parser = output_file())]
    pub report: Vec<PathBuf>,

    /// Write the run's metrics to a file for Prometheus
    ///
    /// For node_exporter's textfile collector: rows, events, their outcomes, and the end of the last successful run.
    /// The file is replaced atomically.
    #[arg(long, value_name = "FILE", value_parser = output_file())]
    pub metrics_file: Option<PathBuf>,
}

/// Shapes of a report.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ReportFormat {
    /// A page for people
    Human,
    /// One JSON object
    Json,
    /// GitHub workflow annotations
    Github,
}

/// Options of validate.
#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    /// What to read
    #[command(flatten)]
    pub read: ReadArgs,

    /// Format of the report on standard output
    #[arg(long, value_name = "FORMAT", help_heading = "Report")]
    pub format: Option<ReportFormat>,

    /// Where else to report
    #[command(flatten)]
    pub report: ReportArgs,
}

/// Options of build.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// What to read
    #[command(flatten)]
    pub read: ReadArgs,

    /// Format of the payloads
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "ndjson",
        help_heading = "Payloads"
    )]
    pub format: PayloadFormat,

    /// Stop after this many rows
    #[arg(long, value_name = "ROWS", help_heading = "Payloads")]
    pub limit: Option<u64>,

    /// Events per request body, 1 to 1000 [default: 500]
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_BATCH_EVENTS)),
        help_heading = "Payloads"
    )]
    pub batch_size: Option<u16>,
}

/// Shapes of payloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PayloadFormat {
    /// One event per line
    Ndjson,
    /// One request body per batch
    Json,
    /// A shell script that sends each batch with curl
    Curl,
}

/// Options of normalize.
#[derive(Debug, Args)]
pub(crate) struct NormalizeArgs {
    /// A field (`email`) or Meta's key for it (`em`)
    ///
    /// `crm2capi help fields` lists both.
    #[arg(value_name = "FIELD")]
    pub field: String,

    /// The value; `-` reads one value per line from standard input
    #[arg(value_name = "VALUE", allow_hyphen_values = true)]
    pub value: String,

    /// Country of phone numbers, states and postal codes
    #[arg(long, value_name = "CC", value_parser = country)]
    pub country: Option<Country>,

    /// How to read dates such as 03/04/1990: mdy, dmy or ymd
    #[arg(long, value_name = "ORDER")]
    pub date_order: Option<DateOrder>,

    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: PlainFormat,
}

/// Shapes of output, for people or for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlainFormat {
    /// For people
    Human,
    /// For programs
    Json,
}

/// Options of sandbox.
#[derive(Debug, Args)]
pub(crate) struct SandboxArgs {
    /// Address to serve on; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8023")]
    pub listen: std::net::SocketAddr,

    /// The clock of the 7-day window
    #[arg(long, value_name = "RFC3339", value_parser = timestamp)]
    pub now: Option<Timestamp>,

    /// A lead id to treat as invalid or deleted; repeatable
    #[arg(long, value_name = "ID")]
    pub bad_lead_id: Vec<u64>,

    /// Also serve the Pages, lead forms and leads in this JSON file, for `crm2capi leads`
    #[arg(long, value_name = "FILE")]
    pub leads: Option<PathBuf>,

    /// Seconds until an accepted event shows in the statistics, for `crm2capi status --remote`
    ///
    /// Meta's own statistics lag by 20 minutes to an hour.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "0")]
    pub count_delay: Duration,

    /// Another host name to answer to, such as a container's; repeatable
    ///
    /// Requests for any host other than localhost, its address and these names are refused, so that no web page can
    /// read the sandbox through DNS rebinding.
    #[arg(long, value_name = "NAME")]
    pub host: Vec<String>,
}

/// Options of check.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Which settings
    #[command(flatten)]
    pub settings: SettingsArgs,

    /// Which version
    #[command(flatten)]
    pub version: VersionArgs,

    /// Where to send
    #[command(flatten)]
    pub endpoint: EndpointArgs,

    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: PlainFormat,
}

/// Options of status.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Which settings, and only this dataset
    #[command(flatten)]
    pub settings: SettingsArgs,

    /// Ledger file or database address [default: $XDG_STATE_HOME/crm2capi/ledger.sqlite3]
    #[arg(long, value_name = "FILE|ADDRESS")]
    pub ledger: Option<PathBuf>,

    /// Fail if the last successful upload is older than this, such as 26h or 2d
    ///
    /// A successful upload left no event undelivered or uncertain: it ended with 0, or with 1 because rows were
    /// refused. Uploads to a sandbox do not count.
    #[arg(long, value_name = "AGE")]
    pub max_age: Option<String>,

    /// Compare what Meta counted with what it accepted
    ///
    /// By stage and day, for the last week up to an hour ago, and only events sent with this tool's partner_agent.
    /// Ends with 1 if Meta counts clearly fewer, with 3 if the token lacks the permission, and with 4 if there is no
    /// answer. The dataset's own token cannot read statistics: set CRM2CAPI_READ_TOKEN to the token of a system user
    /// with ads_management and access to the dataset.
    #[arg(long, conflicts_with_all = ["max_age", "report"])]
    pub remote: bool,

    /// Show what became of a lead's events, by lead id, email or phone; `-` reads one per line from standard input
    ///
    /// Emails and phones are hashed first, as in an upload. The ledger knows those of the last 30 days. A value on
    /// the command line is visible in the process list; with `-` it is not.
    #[arg(long, value_name = "LEAD", allow_hyphen_values = true, conflicts_with_all = ["remote", "max_age", "report"])]
    pub lead: Option<String>,

    /// With --lead, the country of phone numbers without a country code
    #[arg(long, value_name = "CC", value_parser = country, requires = "lead", hide_short_help = true)]
    pub default_country: Option<Country>,

    /// The time to measure ages from
    #[arg(long, value_name = "RFC3339", value_parser = timestamp)]
    pub now: Option<Timestamp>,

    /// Also write the report as an HTML page (FILE.html)
    #[arg(long, value_name = "FILE", value_parser = output_file())]
    pub report: Option<PathBuf>,

    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: PlainFormat,

    /// With --remote, which version
    #[command(flatten)]
    pub version: VersionArgs,

    /// With --remote, whom to ask
    #[command(flatten)]
    pub endpoint: EndpointArgs,
}

/// Options of init.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The export to look at; `-` is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Where to write the settings
    #[arg(long, short, value_name = "FILE", default_value = DEFAULT_SETTINGS)]
    pub output: PathBuf,

    /// Replace an existing settings file
    #[arg(long)]
    pub force: bool,

    /// Ask no questions
    #[arg(long, short)]
    pub yes: bool,

    /// The dataset (pixel) id
    #[arg(
        long,
        value_name = "ID",
        env = "CRM2CAPI_DATASET_ID",
        hide_env_values = true
    )]
    pub dataset_id: Option<String>,

    /// Which columns
    #[command(flatten)]
    pub layout: LayoutArgs,

    /// How the export is written
    #[command(flatten)]
    pub format: FormatArgs,
}

/// Options of leads.
#[derive(Debug, Args)]
pub(crate) struct LeadsArgs {
    /// Settings file; repeatable [default: ./crm2capi.toml if it is there]
    ///
    /// Several settings files are one run each, in turn, and each names its own output under [leads]; if one fails
    /// the others still run, and the exit status is the worst of them.
    #[arg(long, value_name = "FILE")]
    pub config: Vec<PathBuf>,

    /// Show which leads the token may read, and what to click if it may not; downloads nothing
    #[arg(long)]
    pub check: bool,

    /// Only this Page; repeatable [default: all that the token can see]
    #[arg(long, value_name = "ID", value_parser = meta_id, help_heading = "Which leads")]
    pub page: Vec<String>,

    /// Only this form; repeatable
    #[arg(long, value_name = "ID", value_parser = meta_id, help_heading = "Which leads", conflicts_with = "check")]
    pub form: Vec<String>,

    /// Only the leads of this ad; repeatable
    #[arg(long, value_name = "ID", value_parser = meta_id, help_heading = "Which leads", conflicts_with = "check")]
    pub ad: Vec<String>,

    /// Leads since so many days ago, a date, or `last` [default: all that Meta has]
    ///
    /// `last` starts, for each form, 15 minutes before the last download to the same file began.
    #[arg(
        long,
        value_name = "DAYS|DATE|last",
        help_heading = "Which leads",
        conflicts_with = "check"
    )]
    pub since: Option<Since>,

    /// File to append to, or `-` for standard output [default: leads.ndjson]
    ///
    /// A file gets each lead once, however often the command runs. Standard output, a pipe or a device gets every
    /// lead of the download, one JSON object per line.
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,

    /// Format of the file [default: csv if its name ends in .csv, else ndjson]
    #[arg(long, value_name = "FORMAT", help_heading = "Output")]
    pub format: Option<LeadsFormat>,

    /// Write only ids, times, and hashes of email and phone
    #[arg(long, help_heading = "Output")]
    pub hashed: bool,

    /// With --hashed, the country of phone numbers without a country code
    #[arg(long, value_name = "CC", value_parser = country, help_heading = "Output")]
    pub default_country: Option<Country>,

    /// File that holds the token [default: CRM2CAPI_LEADS_TOKEN]
    ///
    /// A system user's token with leads_retrieval, ads_management, pages_show_list, pages_read_engagement and
    /// pages_manage_ads. The dataset's own token cannot read leads.
    #[arg(long, value_name = "FILE", help_heading = "Source")]
    pub leads_token_file: Option<PathBuf>,

    /// Which version
    #[command(flatten)]
    pub version: VersionArgs,

    /// Base URL of the API; plain http only for loopback [default: https://graph.facebook.com]
    #[arg(
        long,
        value_name = "URL",
        env = "CRM2CAPI_GRAPH_URL",
        hide_env_values = true,
        hide_short_help = true,
        help_heading = "Source"
    )]
    pub graph_url: Option<String>,

    /// Request timeout in seconds [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = some_seconds, hide_short_help = true, help_heading = "Source")]
    pub timeout: Option<Duration>,

    /// Seconds to keep retrying a request [default: 600]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, hide_short_help = true, help_heading = "Source")]
    pub give_up_after: Option<Duration>,

    /// The clock that --since counts from, for tests and replays
    #[arg(long, value_name = "RFC3339", value_parser = timestamp, hide_short_help = true, help_heading = "Source")]
    pub now: Option<Timestamp>,
}

/// Shapes of a file of leads.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LeadsFormat {
    /// One JSON object per line
    Ndjson,
    /// Delimited text with a header
    Csv,
}

/// Options of upload that watch decides itself, for each file.
pub(crate) const WATCH_DECIDES: [&str; 6] = [
    "rejects",
    "report",
    "leads_missing",
    "preview",
    "format",
    "dry_run",
];

/// Options of watch.
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// How to upload
    #[command(flatten)]
    pub upload: UploadArgs,

    /// Seconds a file must be unchanged before it is taken; also the first wait after an upload that was not finished
    ///
    /// That wait doubles with each attempt, up to 15 minutes.
    #[arg(
        long,
        value_name = "SECONDS",
        value_parser = some_seconds,
        default_value = "10",
        help_heading = "Folder"
    )]
    pub settle: Duration,
}

/// Options of upload that mean nothing where records come one by one.
pub(crate) const SERVE_HAS_NOT: [&str; 18] = [
    "rejects",
    "report",
    "metrics_file",
    "leads_missing",
    "preview",
    "format",
    "dry_run",
    "max_invalid",
    "strict",
    "threads",
    "stage_time",
    "input_format",
    "delimiter",
    "header",
    "encoding",
    "sheet",
    "retry_rejected",
    "files",
];

/// Options of serve.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// How to read and upload
    #[command(flatten)]
    pub upload: UploadArgs,

    /// Address to serve on; port 0 picks a free one
    ///
    /// On any address but loopback it needs CRM2CAPI_SERVE_TOKEN (sent as Authorization: Bearer, or as the password
    /// of Basic), CRM2CAPI_SERVE_SECRET (bodies signed as X-Hub-Signature-256) or CRM2CAPI_SERVE_HUBSPOT_SECRET (the client
    /// secret of a HubSpot app, whose v3 signatures are checked).
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8024",
        help_heading = "Server"
    )]
    pub listen: std::net::SocketAddr,

    /// Seconds an event may wait to be batched with others
    ///
    /// Events of one lead that arrive within half of this time are sent in chronological order.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "5", help_heading = "Server")]
    pub linger: Duration,

    /// Events that may wait for delivery; beyond that, requests are answered with 503
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..),
        default_value = "1000000",
        hide_short_help = true,
        help_heading = "Server"
    )]
    pub max_queue: u64,
}

/// What to do with a ledger.
#[derive(Debug, Args)]
pub(crate) struct LedgerArgs {
    /// What to do
    #[command(subcommand)]
    pub verb: LedgerVerb,
}

/// The verbs of ledger.
#[derive(Debug, Subcommand)]
pub(crate) enum LedgerVerb {
    /// Check that a ledger is intact and writable, and count what it holds
    ///
    /// Checks permissions, the schema version and every row. Changes nothing and does not disturb a run that is under way.
    /// Ends with 1 if anything is wrong.
    #[command(after_long_help = examples::LEDGER_CHECK)]
    Check(LedgerCheckArgs),
    /// Copy a ledger into another: from a file to a database, or back
    ///
    /// Copies everything or nothing, while no run uses either ledger. FROM stays unchanged. TO may already hold records: an
    /// event accepted in either counts as accepted, and otherwise the later record counts, so copying again changes nothing.
    /// Refused if both ledgers have followed the same leads through snapshots independently.
    #[command(after_long_help = examples::LEDGER_COPY)]
    Copy(LedgerCopyArgs),
}

/// Options of ledger check.
#[derive(Debug, Args)]
pub(crate) struct LedgerCheckArgs {
    /// Ledger file, database address, or @FILE that holds an address [default: the one an upload would use]
    #[arg(value_name = "LEDGER")]
    pub ledger: Option<PathBuf>,

    /// Settings file that names the ledger [default: ./crm2capi.toml if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: PlainFormat,
}

/// Options of ledger copy.
#[derive(Debug, Args)]
pub(crate) struct LedgerCopyArgs {
    /// Source: a file, an address that begins with postgres://, or @FILE that holds an address
    ///
    /// An address with a password does not belong on the command line; @FILE names a file that holds it.
    #[arg(value_name = "FROM")]
    pub from: PathBuf,

    /// Target, given the same way; created if missing [default: the one an upload would use]
    #[arg(value_name = "TO")]
    pub to: Option<PathBuf>,

    /// Settings file that names the ledger [default: ./crm2capi.toml if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Seconds to wait for a run that uses either of them
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "0")]
    pub wait: Duration,

    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: PlainFormat,
}

/// Options of schema.
#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// Which document
    #[arg(value_name = "DOCUMENT")]
    pub document: Document,
}

/// Documents that have a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Document {
    /// The settings file, crm2capi.toml
    Config,
    /// What upload and validate print with --format json
    Report,
    /// An event as it goes to Meta, and as build prints it
    Event,
}

/// Options of help.
#[derive(Debug, Args)]
pub(crate) struct HelpArgs {
    /// A command, `problems`, `meta`, `fields`, `presets`, `exit-status`, `dataset`, or one of what these list
    ///
    /// Such as the code of a problem, one of Meta's codes (190, 100/33), a field or a preset. Long pages go
    /// through PAGER, or less, on a terminal.
    #[arg(value_name = "TOPIC")]
    pub topic: Option<String>,
}

/// Options of completions.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// Options of man.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Folder to write them to; created if missing
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        super::Cli::command().debug_assert();
    }
}
