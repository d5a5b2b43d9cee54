//! The JSON Schemas: kept in the repository as the program prints them, and true of what it writes and reads.

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};

use crate::support::sandbox::Sandbox;
use crate::support::{Desk, NOW, repository};

const DOCUMENTS: [&str; 3] = ["config", "report", "event"];

struct Judge {
    schemas: Schemas,
    schema: SchemaIndex,
}

impl Judge {
    fn of(document: &str) -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.enable_format_assertions();
        let schema = compiler.compile(
            &repository(&format!("schemas/{document}.json")),
            &mut schemas,
        );
        let schema = schema.expect("the schema is one of draft 2020-12");
        Self { schemas, schema }
    }

    #[track_caller]
    fn accepts(&self, value: &Value) {
        self.schemas
            .validate(value, self.schema)
            .unwrap_or_else(|error| panic!("{error:#}\n{value:#}"));
    }

    #[track_caller]
    fn refuses(&self, value: &Value) {
        assert!(
            self.schemas.validate(value, self.schema).is_err(),
            "{value:#}"
        );
    }
}

#[test]
fn the_schemas_in_the_repository_are_those_the_program_prints() {
    for document in DOCUMENTS {
        let printed = Desk::new().run(&["schema", document]).ended(0).stdout;
        let kept =
            std::fs::read_to_string(repository(&format!("schemas/{document}.json"))).unwrap();
        assert!(
            printed == kept.replace("\r\n", "\n"),
            "run `cargo run -q -- schema {document} > schemas/{document}.json`"
        );
    }
}

#[test]
fn every_key_is_described() {
    fn check(value: &Value, path: &str) {
        if let Some(properties) = value.get("properties").and_then(Value::as_object) {
            for (name, property) in properties {
                let is_tag = property.get("const").is_some();
                assert!(
                    is_tag || property.get("description").is_some(),
                    "{path}/{name}"
                );
            }
        }
        if let Some(object) = value.as_object() {
            object
                .iter()
                .for_each(|(key, value)| check(value, &format!("{path}/{key}")));
        }
        value
            .as_array()
            .into_iter()
            .flatten()
            .for_each(|value| check(value, path));
    }
    for document in DOCUMENTS {
        let text =
            std::fs::read_to_string(repository(&format!("schemas/{document}.json"))).unwrap();
        check(&serde_json::from_str(&text).unwrap(), document);
    }
}

/// Every kind of report: sent, planned, refused by Meta and by ourselves, ended early.
#[test]
fn reports_follow_their_schema() {
    let (desk, judge) = (Desk::new(), Judge::of("report"));
    let bad = "lead_id,Stage,Stage Date,Email\n\
               1,New,2026-11-20T09:00:00Z,nobody\n\
               1234567890123456,New,2026-11-20 09:00,ava@example.com\n\
               1234567890123457,Won,2026-11-20T09:00:00Z,\n";
    desk.file("bad.csv", bad);
    let hubspot = repository("examples/hubspot.csv");
    let sandbox = Sandbox::start(&desk, &["--now", NOW, "--bad-lead-id", "1234567890123456"]);
    let sent = [
        "upload",
        "--graph-url",
        &sandbox.url,
        "--dataset-id",
        "1234567890",
        &hubspot,
    ];
    let zoned = [
        "--timezone",
        "America/New_York",
        "--date-order",
        "mdy",
        "--now",
        NOW,
        "--format",
        "json",
    ];
    let runs: [(&[&str], i32); 6] = [
        (&["upload", "--sandbox", &hubspot], 0),
        (
            &[
                "upload",
                "--dry-run",
                "--dataset-id",
                "1234567890",
                &hubspot,
            ],
            0,
        ),
        (&["validate", &hubspot], 0),
        (&["upload", "--sandbox", "bad.csv"], 1),
        (&["upload", "--sandbox", "--max-invalid", "1", "bad.csv"], 2),
        (&sent, 1),
    ];
    for (args, status) in runs {
        let args = [args, &zoned].concat();
        judge.accepts(
            &desk
                .run_with(&args, &[("CRM2CAPI_ACCESS_TOKEN", "any")])
                .ended(status)
                .json(),
        );
    }
    let mut report = desk
        .run(&[&["upload", "--sandbox", "bad.csv"], &zoned[..]].concat())
        .json();
    report["rows"] = json!(-1);
    judge.refuses(&report);
    report["rows"] = json!(3);
    judge.accepts(&report);
    report.as_object_mut().unwrap().remove("accepted");
    judge.refuses(&report);
}

#[test]
fn events_follow_their_schema() {
    let (desk, judge) = (Desk::new(), Judge::of("event"));
    desk.file(
        "crm2capi.toml",
        "[event]\ndata_processing_options = [\"LDU\"]\ndata_processing_options_country = 1\n\
         data_processing_options_state = 1000\n[crm]\nname = \"Example\"\n",
    );
    let header = "lead_id,Stage,Stage Date,Email,Phone,fn,ln,ge,db,ct,st,zp,Country,external_id,fbc,fbp,\
                  client_ip_address,client_user_agent,Amount,Order,Score,Opt";
    let row = "1234567890123456,New,2026-11-20T09:00:00Z,ava@example.com,+12125550101,Ava,Lane,f,1997-02-16,New York,NY,\
               10001,US,C-1,fb.1.1763650980000.IwAR0Example,fb.1.1763650980000.1098115397,203.0.113.7,Mozilla/5.0,\
               USD 12.50,A-7,42,yes";
    desk.file(
        "leads.csv",
        format!(
            "{header}\n{row}\n,Won,2026-11-20T09:00:00Z,ava@example.com{}\n",
            ",".repeat(18)
        ),
    );
    let maps = [
        "value=Amount",
        "order_id=Order",
        "custom.score=Score",
        "opt_out=Opt",
    ];
    let maps = maps.iter().flat_map(|map| ["--map", map]);
    let args: Vec<_> = ["build", "--now", NOW, "leads.csv"]
        .into_iter()
        .chain(maps)
        .collect();
    let events = desk.run(&args).ended(0).ndjson();
    assert_eq!(events.len(), 2);
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string(repository("schemas/event.json")).unwrap())
            .unwrap();
    for (part, keys) in [
        (&events[0], &schema["properties"]),
        (
            &events[0]["user_data"],
            &schema["$defs"]["UserData"]["properties"],
        ),
    ] {
        let written: Vec<_> = part.as_object().unwrap().keys().collect();
        assert_eq!(
            written,
            keys.as_object().unwrap().keys().collect::<Vec<_>>(),
            "the first row carries every key there is"
        );
    }
    for event in &events {
        judge.accepts(event);
    }
    let mut event = events[1].clone();
    event["user_data"]["em"] = json!(["ava@example.com"]);
    judge.refuses(&event);
    event["user_data"] = json!({});
    judge.refuses(&event);
}

/// A key that the schema takes and the program does not, or the other way round, would mislead every editor.
#[test]
fn schema_and_program_agree_on_settings() {
    let (desk, judge) = (Desk::new(), Judge::of("config"));
    desk.file(
        "leads.csv",
        "lead_id,Stage,Stage Date\n1234567890123456,New,2026-11-20T09:00:00Z\n",
    );
    let whole = r##"#:schema https://raw.githubusercontent.com/crm2capi/crm2capi/main/schemas/config.json
[meta]
dataset_id = "123456789012345"
api_version = "v25.0"
access_token_file = "/etc/crm2capi/token"
graph_url = "https://graph.facebook.com"
[crm]
name = "HubSpot"
preset = "none"
timezone = "America/New_York"
date_order = "mdy"
default_country = "US"
unlisted_stages = "send"
[columns]
lead_id = "lead_id"
event_name = "Stage"
event_time = ["Stage Date"]
"custom.lead_score" = "Stage"
[stages]
"New" = "Lead"
"Disqualified" = ""
[fields]
lead_id = "reject"
em = "omit"
[event]
partner_agent = "acme"
data_processing_options = ["LDU"]
data_processing_options_country = 1
data_processing_options_state = 1000
currency = "USD"
[input]
format = "csv"
delimiter = ","
encoding = "utf-8"
threads = 1
[delivery]
batch_size = 500
concurrency = 4
timeout = 30
give_up_after = 600
ledger = "none"
wait = 0
max_invalid = 50.0
retry_rejected = false
retry_uncertain = false
dry_run = false
[output]
format = "json"
preview = 5
strict = false
"##;
    let runs = |text: &str| {
        desk.file("settings.toml", text);
        desk.run(&[
            "upload",
            "--dry-run",
            "--ledger",
            "none",
            "--config",
            "settings.toml",
            "--now",
            NOW,
            "leads.csv",
        ])
        .status
            == 0
    };
    let value =
        |text: &str| serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap();
    assert!(runs(whole));
    judge.accepts(&value(whole));
    let sound = [
        "[meta]\n",
        "[only]\nStage = [\"New\"]\n",
        "[crm]\nname = \"A\"\n[columns]\nexternal_id = [\"lead_id\"]\n",
    ];
    for text in sound {
        assert!(runs(text), "{text}");
        judge.accepts(&value(text));
    }
    let unsound = [
        "[meta]\ndatset_id = \"1\"\n",
        "[meta]\ndataset_id = \"abc\"\n",
        "[meta]\ndataset_id = 123\n",
        "[crm]\npreset = \"hubspott\"\n",
        "[crm]\ndate_order = \"ydm\"\n",
        "[crm]\nunlisted_stages = \"drop\"\n",
        "[columns]\nemial = \"Stage\"\n",
        "[columns]\n\"custom.\" = \"Stage\"\n",
        "[columns]\nlead_id = 1\n",
        "[fields]\nemail = \"warn\"\n",
        "[event]\ndata_processing_options = [\"LDX\"]\n",
        "[event]\npartner_agent = \"a name of more than 22 characters\"\n",
        "[history]\nstage = \"Value (*)\"\n",
        "[input]\nformat = \"pdf\"\n",
        "[input]\nthreads = 0\n",
        "[delivery]\nbatch_size = 1001\n",
        "[delivery]\nconcurrency = 0\n",
        "[delivery]\nmax_invalid = 101\n",
        "[output]\nformat = \"xml\"\n",
        "[stages]\nNew = 1\n",
        "[unknown]\n",
    ];
    for text in unsound {
        assert!(!runs(text), "{text}");
        judge.refuses(&value(text));
    }
}

#[test]
fn the_settings_that_init_writes_name_their_schema_and_follow_it() {
    let (desk, judge) = (Desk::new(), Judge::of("config"));
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string(repository("schemas/config.json")).unwrap())
            .unwrap();
    for export in [
        "hubspot.csv",
        "hubspot-history.csv",
        "salesforce.csv",
        "zoho.csv",
    ] {
        let export = repository(&format!("examples/{export}"));
        desk.run(&["init", "--yes", "--force", &export]).ended(0);
        let text = std::fs::read_to_string(desk.path().join("crm2capi.toml")).unwrap();
        let line = format!("#:schema {}", schema["$id"].as_str().unwrap());
        assert_eq!(text.lines().next(), Some(line.as_str()), "{export}");
        judge
            .accepts(&serde_json::to_value(toml::from_str::<toml::Table>(&text).unwrap()).unwrap());
    }
}
