//! What `--help` shows below the options: command lines to start from, each of them parsed by a test.

/// `Examples:` as clap styles headings, then what each command line is for and the line itself.
macro_rules! examples {
    ($($what:literal $line:literal)+) => {
        concat!("\x1b[1m\x1b[4mExamples:\x1b[0m", $("\n  ", $what, "\n    ", $line),+)
    };
}

/// The same, and a section before it.
macro_rules! with_section {
    ($heading:literal $text:literal $($what:literal $line:literal)+) => {
        concat!("\x1b[1m\x1b[4m", $heading, ":\x1b[0m\n", $text, "\n\n", examples!($($what $line)+))
    };
}

pub(super) const PROGRAM: &str = with_section! {
    "Exit status"
"  0    all done: every event that should go went, or would go
  1    done, but rows were refused here or by Meta (or, with --strict, warned
       about)
  2    wrong usage, settings, mapping or unreadable input; nothing was sent
  3    Meta refused the token, the permission or the dataset; nothing more was
       sent
  4    not done: Meta was unreachable or throttling for too long, the input
       changed, or another run holds the ledger; run again later, nothing is
       lost
  130  interrupted; accepted events are in the ledger
`crm2capi help exit-status` says what to do about each."
    "Try it out: no account, no token, nothing leaves this machine"
    "crm2capi upload --sandbox leads.csv"
    "See what would be sent, and what is wrong with the rest"
    "crm2capi validate leads.csv"
    "Send it; accepted events are never resent"
    "crm2capi upload --dataset-id 1234567890 --access-token-file token leads.csv"
    "Look up a problem, the fields or the known export layouts"
    "crm2capi help problems"
};

pub(super) const UPLOAD: &str = with_section! {
    "Environment"
"  CRM2CAPI_ACCESS_TOKEN  the dataset's access token; no option takes it, because
                         it would show in the process list
  CRM2CAPI_APP_SECRET    the app's secret; if set, each request carries its
                         appsecret_proof
  CRM2CAPI_DATASET_ID    the dataset's id, where --dataset-id is not given
  CRM2CAPI_GRAPH_URL     where the API lives, where --graph-url is not given
  CRM2CAPI_LEDGER        where the ledger is, with its password, before [delivery]
  CRM2CAPI_NOTIFY_URL    where notifications are posted, before url under [notify]"
    "Try it out: no account, no token, nothing leaves this machine"
    "crm2capi upload --sandbox leads.csv"
    "Do everything but send, and report what would be sent"
    "crm2capi upload --dry-run --dataset-id 1234567890 leads.csv"
    "Send test events, which Events Manager shows at once under Test events"
    "crm2capi upload --test-event-code TEST12345 leads.csv"
    "Nightly, from a scheduled job: silent unless something is wrong"
    "crm2capi upload --quiet --config /etc/crm2capi.toml /srv/leads.csv"
    "Straight from an API, with the refused rows kept for a second try"
    "curl -s https://crm.example.com/leads | crm2capi upload --rejects no.csv -"
};

pub(super) const VALIDATE: &str = examples! {
    "See what would be sent, what is wrong, and how the funnel looks"
    "crm2capi validate leads.csv"
    "Fail a pipeline on warnings too, and annotate its page on GitHub"
    "crm2capi validate --strict --format github leads.csv"
    "Write reports for other systems"
    "crm2capi validate --report report.xml --report report.sarif leads.csv"
    "Check an old export as of the day it was made"
    "crm2capi validate --now 2026-11-21T16:00:00Z leads.csv"
    "The report for a program: how many rows cannot be used?"
    "crm2capi validate --format json leads.csv | jq .rows_invalid"
};

pub(super) const BUILD: &str = examples! {
    "The first row's events, readable"
    "crm2capi build --limit 1 leads.csv | jq ."
    "Name a column, and the event name of a stage"
    "crm2capi build --map email='E-mail address' --stage New=Lead leads.csv"
    "Send a date column as a stage"
    "crm2capi build --stage-column 'Became an MQL=MQL' leads.csv"
    "Write a script that sends it with curl"
    "crm2capi build --format curl --dataset-id 1234567890 leads.csv"
    "Request bodies, one per line, for your own sender"
    "crm2capi build --format json --batch-size 1000 leads.csv > bodies.json"
};

pub(super) const NORMALIZE: &str = examples! {
    "What Meta gets for an address"
    "crm2capi normalize email ' Ava.Lane@Example.com '"
    "A phone number without its country code"
    "crm2capi normalize phone '(212) 555-0101' --country US"
    "A column of phone numbers, as JSON, one line each"
    "cut -d, -f4 leads.csv | crm2capi normalize phone - --format json"
};

pub(super) const SANDBOX: &str = examples! {
    "Serve on a free port; the address is printed"
    "crm2capi sandbox --listen 127.0.0.1:0"
    "Upload to it as to Meta; any token and any dataset will do"
    "crm2capi upload --graph-url http://127.0.0.1:8023 --dataset-id 1 leads.csv"
    "In a container that others reach as `sandbox`"
    "crm2capi sandbox --listen 0.0.0.0:8023 --host sandbox"
    "Pretend a lead was deleted at Meta, to see what happens to its batch"
    "crm2capi sandbox --bad-lead-id 1234567890123456"
    "Also serve Pages, lead forms and leads"
    "crm2capi sandbox --leads examples/leads/sandbox.json"
};

pub(super) const CHECK: &str = examples! {
    "Before the first upload, or when uploads fail"
    "crm2capi check --dataset-id 1234567890 --access-token-file token"
    "With everything from the settings file, for a monitor"
    "crm2capi check --config /etc/crm2capi.toml --format json"
};

pub(super) const STATUS: &str = with_section! {
    "Environment"
"  CRM2CAPI_READ_TOKEN    for --remote: the token of a system user that has the
                         dataset, with ads_management
  CRM2CAPI_DATASET_ID    the dataset's id, where --dataset-id is not given"
    "The last two weeks at a glance"
    "crm2capi status"
    "Alert when the nightly upload did not go through"
    "crm2capi status --max-age 26h"
    "Did Meta count what it accepted? Needs CRM2CAPI_READ_TOKEN"
    "crm2capi status --remote --config /etc/crm2capi.toml"
    "What became of one lead's events"
    "crm2capi status --lead 1234567890123456"
    "The last run's counts for a program"
    "crm2capi status --format json | jq '.runs[0]'"
};

pub(super) const INIT: &str = examples! {
    "Inspect an export and write ./crm2capi.toml"
    "crm2capi init leads.csv"
    "Ask no questions; give what the export does not say"
    "crm2capi init --yes --timezone America/New_York --date-order mdy leads.csv"
    "Settings for a second CRM, under another name"
    "crm2capi init --output zoho.toml --preset zoho zoho.csv"
};

pub(super) const LEADS: &str = examples! {
    "Which leads may the token read, and what to click if it may not?"
    "crm2capi leads --check --leads-token-file token"
    "All leads that Meta has, of all forms"
    "crm2capi leads --output leads.ndjson --leads-token-file token"
    "Every hour: what is new since the last time"
    "crm2capi leads --since last --output leads.ndjson"
    "Only what a join needs, without anybody's address"
    "crm2capi leads --hashed --default-country US"
    "Give rows without a lead id theirs"
    "crm2capi validate --leads leads.ndjson crm.csv"
};

pub(super) const WATCH: &str = examples! {
    "Try it out: files dropped into the folder go to a sandbox"
    "crm2capi watch --sandbox exports"
    "As a service, for a CRM that drops a file every night"
    "crm2capi watch --config /etc/crm2capi.toml /srv/exports"
};

pub(super) const SERVE: &str = with_section! {
    "Environment"
"  CRM2CAPI_SERVE_TOKEN            the token that senders give
  CRM2CAPI_SERVE_SECRET           what bodies are signed with instead
  CRM2CAPI_SERVE_HUBSPOT_SECRET   the client secret of a HubSpot app
  CRM2CAPI_SERVE_LEADGEN_SECRET   the secret of the app whose webhook tells of
                                  new leads
  CRM2CAPI_SERVE_VERIFY_TOKEN     what Meta names when it verifies that webhook
  CRM2CAPI_LEADS_TOKEN            what reads these leads, of the same app
and those of upload"
    "Try it out: events posted to it go to a sandbox, whose address it prints"
    "crm2capi serve --sandbox"
    "As a service, behind a proxy that ends TLS; the token comes from CRM2CAPI_SERVE_TOKEN"
    "crm2capi serve --config /etc/crm2capi.toml"
};

pub(super) const LEDGER: &str = examples! {
    "Is the ledger that uploads use sound?"
    "crm2capi ledger check"
    "Move from a file to a database, whose address stands in a file of its own"
    "crm2capi ledger copy ledger.sqlite3 @/etc/crm2capi/ledger-url"
};

pub(super) const LEDGER_CHECK: &str = examples! {
    "The ledger that uploads use"
    "crm2capi ledger check"
    "A backup of it"
    "crm2capi ledger check /backup/ledger.sqlite3"
};

pub(super) const LEDGER_COPY: &str = examples! {
    "From a file into the database that CRM2CAPI_LEDGER or the settings name"
    "crm2capi ledger copy ledger.sqlite3"
    "From a database whose address stands in a file into a new file"
    "crm2capi ledger copy @/etc/crm2capi/ledger-url ledger.sqlite3"
};

pub(super) const SCHEMA: &str = examples! {
    "Let an editor complete and check crm2capi.toml"
    "crm2capi schema config > crm2capi.schema.json"
    "What a script can rely on in a report"
    "crm2capi schema report | jq .properties"
};

pub(super) const HELP: &str = examples! {
    "All about a command"
    "crm2capi help upload"
    "Every problem, with its cause and cure"
    "crm2capi help problems"
    "One problem, by the code a report names"
    "crm2capi help lead-id-precision-lost"
    "A code that Meta answered with"
    "crm2capi help 190/463"
    "The fields a column can be mapped to"
    "crm2capi help fields"
    "One field"
    "crm2capi help lead_id"
    "The export layouts that are known"
    "crm2capi help presets"
    "The columns that one of them looks for"
    "crm2capi help hubspot"
};

pub(super) const COMPLETIONS: &str = examples! {
    "For bash, until the terminal is closed"
    "source <(crm2capi completions bash)"
    "For fish, permanently"
    "crm2capi completions fish > ~/.config/fish/completions/crm2capi.fish"
};

pub(super) const MAN: &str = examples! {
    "Write crm2capi.1 and a page for each command"
    "crm2capi man man1"
};
