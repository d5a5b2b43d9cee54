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
    /// Running it again is safe: what Meta accepted is in the ledger and is not sent again, whatever overlaps. Events
    /// older than 7 days are left out, as Meta does not take them, so upload at least once a day. Rows that cannot be
    /// used are reported and never hold up the others.
    #[command(after_long_help = examples::UPLOAD)]
    Upload(UploadArgs),
    /// The same up to the sending: the dry run for CI
    ///
    /// Reads, normalises and checks every row as upload does, and needs no token, dataset or connection. Reports what
    /// would be sent, what is wrong, which customer parameters the events carry, and what Meta will say of the funnel.
    #[command(after_long_help = examples::VALIDATE)]
    Validate(ValidateArgs),
    /// Print the payloads instead of sending them
    ///
    /// The events are the very bytes that upload would send, keys sorted. Problems go to standard error.
    #[command(after_long_help = examples::BUILD)]
    Build(BuildArgs),
    /// Print one value's normalised form and its SHA-256
    ///
    /// Shows what Meta gets for a value, or why it cannot be used; then the exit status is 1.
    #[command(after_long_help = examples::NORMALIZE)]
    Normalize(NormalizeArgs),
    /// Serve a local stand-in for the events endpoint
    ///
    /// Judges what it receives by Meta's published rules and answers as Meta would. Prints its base URL and serves until
    /// interrupted, with a line per request on standard error. GET /sandbox/events gives what it accepted, one event
    /// per line; GET / shows it as a page.
    #[command(after_long_help = examples::SANDBOX)]
    Sandbox(SandboxArgs),
    /// Ask whether token, dataset and connection are fit to upload
    ///
    /// Sends an event that Meta must refuse, so that nothing is recorded anywhere, and explains the answer.
    #[command(after_long_help = examples::CHECK)]
    Check(CheckArgs),
    /// Show what was delivered lately
    ///
    /// Read from the ledger: the last successful upload, what was delivered day by day, and the last runs.
    #[command(after_long_help = examples::STATUS)]
    Status(StatusArgs),
    /// Look at an export, say how it is understood, and write the settings for it
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
    /// Meta keeps a lead's id, time and answers for 90 days. --leads of upload, validate and build takes the file, gives
    /// rows without a lead id theirs, and tells which share of Meta's leads the CRM reports on. Running it again appends
    /// what is new; each lead stands in the file once. The file holds people's data in the clear: only its owner may read
    /// it, and --hashed writes no more than the join needs.
    #[command(after_long_help = examples::LEADS)]
    Leads(LeadsArgs),
    /// Upload each export that appears in a folder, then move it to done/ or failed/
    ///
    /// A file is taken when it was renamed into the folder or has stood still for a while, in the order in which files
    /// were written, one at a time, as `upload` would. It moves to processing/, and from there to done/ or failed/ with
    /// its report, and with its refused rows, beside it. Names that are hidden or end like those of unfinished files
    /// (.tmp, .part, .filepart, …) are passed over, and an empty file waits for its first byte. What Meta cannot take now stays in processing/ and is tried again, so
    /// nothing is lost by an outage, a kill or a token that expired: the token is read again each time.
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
    /// Take stage changes over HTTP as they happen, and deliver them within seconds
    ///
    /// Prints its base URL and takes POST /events until it is stopped: one JSON record, a list of records, one record per
    /// line, or the body of a CRM's webhook, understood as an export of JSON is. The answer 202 means that all of it is on
    /// disk, hashed, and will be delivered once or reported; 422 names what is wrong with which record, and the others are
    /// safe all the same. What Meta cannot take now waits in the ledger, across kills and restarts, until it is 7 days old.
    /// GET /healthz, /readyz and /metrics tell how it is. TLS is a proxy's business.
    #[command(
        after_long_help = examples::SERVE,
        mut_arg("files", |files| files.hide(true)),
        mut_arg("config", |file| file.action(ArgAction::Set)
            .help("Settings file [default: ./crm2capi.toml if it is there]").long_help(None::<&str>)),
        mut_arg("ledger", |ledger| ledger.value_name("FILE")
            .help("Where events wait, and what was accepted is remembered [default: $XDG_STATE_HOME/crm2capi/ledger.sqlite3]")
            .long_help(
                "Where events wait, and what was accepted is remembered [default: $XDG_STATE_HOME/crm2capi/ledger.sqlite3]\n\n\
                 It is held for as long as the server runs: an upload beside it needs a ledger of its own. Events stand in it \
                 as they are sent, hashed, until they are settled.")),
        mut_args(|arg| {
            let has_no_use = SERVE_HAS_NOT.contains(&arg.get_id().as_str());
            arg.hide(has_no_use)
        })
    )]
    Serve(Box<ServeArgs>),
    /// Print the JSON Schema of the settings file, of a report or of an event
    ///
    /// The schemas are of draft 2020-12. Settings are closed: a key that is not in the schema is an error. Reports may
    /// get more keys in later versions.
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
    /// Print nothing but errors, and no report either when all went well
    ///
    /// The report of a run that ends with status 0 is left out too, unless --format asks for one that a program reads.
    /// So a scheduled job writes to nobody as long as all is well.
    #[arg(long, short, global = true)]
    pub quiet: bool,

    /// Say what is decided and why; -vv also what each request was like
    ///
    /// -vv tells the size, the time, the status and the trace id of each request. Neither ever tells a person's value or a
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

    /// Shape of what goes to standard error
    ///
    /// As json every warning, error and word of progress is an object on a line of its own, with time, level and message.
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
    /// One JSON object a line
    Json,
}

/// Which settings file and which dataset.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct SettingsArgs {
    /// Settings file; repeatable [default: ./crm2capi.toml if it is there]
    ///
    /// The command line beats the environment, which beats the settings file, which beats the preset. Several are a run
    /// each, in turn; one that fails keeps no other from its run, and the exit status is the worst. Files that a run
    /// writes (--rejects, --report, --metrics-file, --leads-missing) serve one run and are refused with several; each
    /// settings file may name its own rejects under [output].
    #[arg(long, value_name = "FILE")]
    pub config: Vec<PathBuf>,

    /// The dataset (pixel) id
    ///
    /// Events Manager shows it below the dataset's name.
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
    /// Exports to read: files, folders, quoted patterns; `-` is standard input
    ///
    /// Several are one run, in the order given. CSV, TSV, JSON, NDJSON and XLSX are told apart by content, and may be
    /// compressed with gzip or zstd. A folder, a pattern such as 'exports/*.csv' or a zip archive stands for the exports
    /// in it, in the order of their names; what else is in there is passed over and named. Pipes are read like standard
    /// input. Without FILE the run takes `files` under [input] of the settings.
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

    /// Rename a stage; an empty event name skips it; repeatable
    #[arg(
        long,
        value_name = "CRM STAGE=EVENT NAME",
        help_heading = "Columns and stages"
    )]
    pub stage: Vec<NamedEvent>,

    /// How the export is written
    #[command(flatten)]
    pub format: FormatArgs,

    /// Meta's own leads: rows without a lead id get theirs by email, then phone; repeatable
    ///
    /// What `crm2capi leads` wrote, Meta's own download, or any export with a lead id, a time and an email or phone. A row
    /// gets the id of the latest lead of its person that is not younger than its first stage, and keeps its own if it has
    /// one. The report tells which share of Meta's leads has an event.
    #[arg(long, value_name = "FILE", help_heading = "Meta's leads")]
    pub leads: Vec<PathBuf>,

    /// Write those of Meta's leads here that no row is
    #[arg(
        long,
        value_name = "FILE",
        value_parser = output_file(),
        help_heading = "Meta's leads",
        hide_short_help = true
    )]
    pub leads_missing: Option<PathBuf>,

    /// Write the refused rows here, as they came, with the reason added
    ///
    /// The columns crm2capi_problem, crm2capi_help and crm2capi_row are added. Correct the rows in a copy and upload
    /// that: a row leaves the file when its events were accepted. A row that was corrected in the CRM and comes with
    /// the next export is another one here: delete the old one by hand.
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

    /// Send nothing when more than this percentage of the rows is unusable [default: 50]
    ///
    /// A wrong mapping shows in most rows; a wrong row does not. validate and build end with status 2 where upload
    /// would.
    #[arg(long, value_name = "PERCENT", value_parser = percentage, help_heading = "Report")]
    pub max_invalid: Option<f64>,

    /// Warnings fail the run too
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

    /// A known export layout, or none [default: guessed from the header]
    ///
    /// `crm2capi help presets` lists them. What --map, --stage and the settings file say goes before it.
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,

    /// Take FIELD from that column; repeatable
    ///
    /// `crm2capi help fields` lists the fields; `custom.NAME` goes to custom_data.NAME. Columns are found regardless of
    /// case, spaces and punctuation; `Date#2` is the second column headed Date; columns of JSON are dotted paths.
    #[arg(long, value_name = "FIELD=COLUMN")]
    pub map: Vec<FieldFromColumn>,

    /// A date in COLUMN is one event; repeatable
    ///
    /// For exports that have one row per lead and a column of dates for each stage.
    #[arg(long, value_name = "COLUMN=EVENT NAME")]
    pub stage_column: Vec<NamedEvent>,

    /// Where a stage's time comes from: column or first-seen [default: column]
    ///
    /// first-seen is for exports that show only the stage each lead is in now: a stage counts as reached when an export
    /// first shows it, so the ledger remembers the stages of each lead. The first run records what is there and sends
    /// only stages that have a time of their own, such as the date a lead was created; --stage-column names it.
    #[arg(long, value_name = "WHERE")]
    pub stage_time: Option<StageTime>,

    /// IANA zone of times that carry none [default: UTC, with a warning when it mattered]
    #[arg(long, value_name = "ZONE")]
    pub timezone: Option<Zone>,

    /// How to read 03/04/2026: mdy, dmy or ymd [default: an ambiguous date is a problem]
    #[arg(long, value_name = "ORDER")]
    pub date_order: Option<DateOrder>,

    /// Country of phones and of rows that carry none
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

    /// Names of the columns of an export that comes without a header, separated by commas
    ///
    /// Written as a line of CSV, whatever the export's delimiter is. The first row of the export is then a lead's.
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
    /// Decided by content
    Auto,
    /// Delimited text
    Csv,
    /// Tab-separated text
    Tsv,
    /// A JSON array or an API's page
    Json,
    /// One JSON record a line
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
    /// There is no option that takes the token itself: it would show in the process list.
    #[arg(long, value_name = "FILE")]
    pub access_token_file: Option<PathBuf>,

    /// Where the API lives; plain http only for loopback [default: graph.facebook.com over https]
    #[arg(
        long,
        value_name = "URL",
        env = "CRM2CAPI_GRAPH_URL",
        hide_env_values = true,
        hide_short_help = true
    )]
    pub graph_url: Option<String>,

    /// Seconds one request may take [default: 30]
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

    /// Shape of the report on standard output
    #[arg(long, value_name = "FORMAT", help_heading = "Report")]
    pub format: Option<PlainFormat>,

    /// Where else to report
    #[command(flatten)]
    pub report: ReportArgs,

    /// Upload to a sandbox started in this process; needs no token, dataset or ledger
    #[arg(long, help_heading = "Destination")]
    pub sandbox: bool,

    /// Send as test events; never marks anything as delivered
    ///
    /// Events Manager shows the code, and then the events, under Test events.
    #[arg(long, value_name = "CODE", help_heading = "Destination")]
    pub test_event_code: Option<String>,

    /// Do everything except the sending; say what would be sent
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

    /// Requests in flight [default: 4]
    ///
    /// The events of one lead reach Meta in the order of their times, however many are in flight.
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_CONCURRENCY)),
        help_heading = "Delivery",
        hide_short_help = true
    )]
    pub concurrency: Option<u16>,

    /// Seconds a batch is retried [default: 600]
    #[arg(
        long,
        value_name = "SECONDS",
        value_parser = seconds,
        help_heading = "Delivery",
        hide_short_help = true
    )]
    pub give_up_after: Option<Duration>,

    /// Where what was accepted is remembered, or none [default: $XDG_STATE_HOME/crm2capi/ledger.sqlite3]
    ///
    /// It holds hashed ids, event names, times and outcomes, and no personal value; with --stage-time first-seen also the
    /// events not delivered yet, as they are sent. Without XDG_STATE_HOME it lies under ~/.local/state. An address that
    /// begins with postgres:// is a PostgreSQL database, which uploads on several hosts may share; one with a password
    /// belongs into CRM2CAPI_LEDGER or a file that ledger_url_file under [delivery] names.
    #[arg(long, value_name = "FILE|ADDRESS|none", help_heading = "Delivery")]
    pub ledger: Option<PathBuf>,

    /// Seconds to wait for another run that holds the ledger [default: 0]
    #[arg(
        long,
        value_name = "SECONDS",
        value_parser = seconds,
        help_heading = "Delivery",
        hide_short_help = true
    )]
    pub wait: Option<Duration>,

    /// Try events again that Meta refused in an earlier run
    #[arg(long, help_heading = "Delivery", hide_short_help = true)]
    pub retry_rejected: bool,

    /// Send again what rests after three runs that did not learn whether Meta took it
    #[arg(long, help_heading = "Delivery", hide_short_help = true)]
    pub retry_uncertain: bool,
}

/// Where a report goes besides standard output.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Report")]
pub(crate) struct ReportArgs {
    /// Show the first N events as a table: stage, time, value and which match keys
    ///
    /// Of the events that are not too old, and without any person's value. The JSON report has them too.
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u16).range(1..=MAX_PREVIEW)
    )]
    pub preview: Option<u16>,

    /// Write the report to a file too: .html, .json, .xml (JUnit), .sarif or .md; repeatable
    #[arg(long, value_name = "FILE", value_parser = output_file())]
    pub report: Vec<PathBuf>,

    /// Write the run's numbers to a file for Prometheus
    ///
    /// For node_exporter's textfile collector: rows, events, what became of them, and when the last run that succeeded
    /// ended. The file is replaced whole.
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
    /// Annotations of a GitHub workflow
    Github,
}

/// Options of validate.
#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    /// What to read
    #[command(flatten)]
    pub read: ReadArgs,

    /// Shape of the report on standard output
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

    /// Shape of the payloads
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
    /// One event a line
    Ndjson,
    /// Request bodies, one a batch
    Json,
    /// A command that sends each body
    Curl,
}

/// Options of normalize.
#[derive(Debug, Args)]
pub(crate) struct NormalizeArgs {
    /// A field (`email`) or a key of Meta's (`em`)
    ///
    /// `crm2capi help fields` lists both.
    #[arg(value_name = "FIELD")]
    pub field: String,

    /// The value; `-` reads one a line from standard input
    #[arg(value_name = "VALUE", allow_hyphen_values = true)]
    pub value: String,

    /// Country of phones, states and postal codes
    #[arg(long, value_name = "CC", value_parser = country)]
    pub country: Option<Country>,

    /// How to read 03/04/1990: mdy, dmy or ymd
    #[arg(long, value_name = "ORDER")]
    pub date_order: Option<DateOrder>,

    /// Shape of the output
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

    /// Play the Pages, lead forms and leads of this JSON file too, for `crm2capi leads`
    #[arg(long, value_name = "FILE")]
    pub leads: Option<PathBuf>,

    /// Seconds until an accepted event shows in what it counts, for `crm2capi status --remote`
    ///
    /// Meta's statistics show an event within 20 minutes to an hour.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "0")]
    pub count_delay: Duration,

    /// A further name it is reached by, such as a container's; repeatable
    ///
    /// Requests for any other host than localhost, its address and these names are refused, so that no web page can
    /// read it under a name of its own.
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

    /// Shape of the output
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: PlainFormat,
}

/// Options of status.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Which settings, and only this dataset
    #[command(flatten)]
    pub settings: SettingsArgs,

    /// The ledger: a file or the address of a database [default: $XDG_STATE_HOME/crm2capi/ledger.sqlite3]
    #[arg(long, value_name = "FILE|ADDRESS")]
    pub ledger: Option<PathBuf>,

    /// Fail when the last successful upload is older, such as 26h or 2d
    ///
    /// Successful is one that left no event undelivered or uncertain: it ended with 0, or with 1 because rows were
    /// refused. Uploads to a sandbox are none.
    #[arg(long, value_name = "AGE")]
    pub max_age: Option<String>,

    /// Compare what Meta counted with what it accepted
    ///
    /// By stage and day, for hours of the last week that are over for an hour, and only what was sent under our own
    /// partner_agent. Ends with 1 when Meta counts clearly fewer, with 3 when the token may not ask, and with 4 when
    /// there is no answer. The dataset's own token may not ask: CRM2CAPI_READ_TOKEN is that of a system user with
    /// ads_management and access to the dataset.
    #[arg(long, conflicts_with_all = ["max_age", "report"])]
    pub remote: bool,

    /// Say what became of a lead's events: its lead id, email or phone; `-` reads one a line from standard input
    ///
    /// Emails and phones are hashed here, as an upload does. The ledger knows those of the last 30 days. A value on the
    /// command line shows in the process list; `-` does not.
    #[arg(long, value_name = "LEAD", allow_hyphen_values = true, conflicts_with_all = ["remote", "max_age", "report"])]
    pub lead: Option<String>,

    /// With --lead, the country of phones that carry none
    #[arg(long, value_name = "CC", value_parser = country, requires = "lead", hide_short_help = true)]
    pub default_country: Option<Country>,

    /// The time ages are measured from
    #[arg(long, value_name = "RFC3339", value_parser = timestamp)]
    pub now: Option<Timestamp>,

    /// Write a page for a browser too, as FILE.html
    #[arg(long, value_name = "FILE", value_parser = output_file())]
    pub report: Option<PathBuf>,

    /// Shape of the output
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

    /// Replace the settings file if it is there
    #[arg(long)]
    pub force: bool,

    /// Ask nothing
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
    /// Several are a run each, in turn, and each names its own output under [leads]; one that fails keeps no other from
    /// its run, and the exit status is the worst.
    #[arg(long, value_name = "FILE")]
    pub config: Vec<PathBuf>,

    /// Say who may read which leads, and what to click when not; downloads nothing
    #[arg(long)]
    pub check: bool,

    /// Only this Page; repeatable [default: all that the token sees]
    #[arg(long, value_name = "ID", value_parser = meta_id, help_heading = "Which leads")]
    pub page: Vec<String>,

    /// Only this form; repeatable
    #[arg(long, value_name = "ID", value_parser = meta_id, help_heading = "Which leads", conflicts_with = "check")]
    pub form: Vec<String>,

    /// Only the leads of this ad; repeatable
    #[arg(long, value_name = "ID", value_parser = meta_id, help_heading = "Which leads", conflicts_with = "check")]
    pub ad: Vec<String>,

    /// From so many days back, from a date, or `last` [default: all that Meta has]
    ///
    /// `last` goes on where the last download into the same file began, form by form, and a quarter of an hour before.
    #[arg(
        long,
        value_name = "DAYS|DATE|last",
        help_heading = "Which leads",
        conflicts_with = "check"
    )]
    pub since: Option<Since>,

    /// The file to append to, or `-` for standard output [default: leads.ndjson]
    ///
    /// A file gets each lead once, however often the command runs. Standard output, a pipe or a device gets every lead of
    /// the download, one JSON object a line.
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,

    /// Shape of the file [default: csv for a name that ends so, else ndjson]
    #[arg(long, value_name = "FORMAT", help_heading = "Output")]
    pub format: Option<LeadsFormat>,

    /// Write ids, times, and hashes of email and phone, and no other answers
    #[arg(long, help_heading = "Output")]
    pub hashed: bool,

    /// With --hashed, the country of phones that carry none
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

    /// Where the API lives; plain http only for loopback [default: graph.facebook.com over https]
    #[arg(
        long,
        value_name = "URL",
        env = "CRM2CAPI_GRAPH_URL",
        hide_env_values = true,
        hide_short_help = true,
        help_heading = "Source"
    )]
    pub graph_url: Option<String>,

    /// Seconds one request may take [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = some_seconds, hide_short_help = true, help_heading = "Source")]
    pub timeout: Option<Duration>,

    /// Seconds a request is retried [default: 600]
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
    /// One JSON object a line
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

    /// Seconds a file must have stood still until it is taken; also the first wait after an upload that did not get done
    ///
    /// The wait after such an upload doubles with each attempt, up to a quarter of an hour.
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
    /// Beyond this machine it takes nothing without CRM2CAPI_SERVE_TOKEN (sent as Authorization: Bearer, or as the password
    /// of Basic), CRM2CAPI_SERVE_SECRET (bodies signed as X-Hub-Signature-256) or CRM2CAPI_SERVE_HUBSPOT_SECRET (the client
    /// secret of a HubSpot app, whose v3 signatures are checked).
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8024",
        help_heading = "Server"
    )]
    pub listen: std::net::SocketAddr,

    /// Seconds an event may wait for company before it is sent
    ///
    /// The events of one lead that come within half of this time are sent in the order of their times.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "5", help_heading = "Server")]
    pub linger: Duration,

    /// Events that may wait to be delivered; more are turned away with 503
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

/// Options of schema.
#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// Of what
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
    /// Folder to write them to; made if it is not there
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
