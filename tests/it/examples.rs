//! Every export in `examples/`, read with its settings file: the events are pinned by count, stage, time and lead.
//!
//! What is expected is put together by hand from the story of the leads (`support/leads.rs`) and from what each
//! export says in its cells, never from the program's output.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::leads::{self, Reached};
use crate::support::{Desk, NOW, assert_adds_up, complaints, repository, sha256, text};
use When::{At, On};

/// A moment at which the later half of the stages is yet to come, and the oldest is just young enough.
const EARLIER: &str = "2026-11-17T14:00:00Z";
/// How long an event can be sent: seven days, less the five minutes that sending may take.
const WEEK: i64 = 7 * 24 * 60 * 60 - 5 * 60;

/// When a stage was reached.
#[derive(Clone, Copy)]
enum When {
    /// As the story of the leads has it.
    At(Reached),
    /// At a time that this export alone knows.
    On(&'static str),
}

/// An export and what is in it.
pub struct Example {
    pub export: &'static str,
    preset: Option<&'static str>,
    crm: &'static str,
    rows: u64,
    ignored: u64,
    /// Whether the file drops the seconds.
    to_the_minute: bool,
    /// Whether a row is one stage, not one lead.
    row_is_a_stage: bool,
    /// Lead, event name, time.
    story: Vec<(&'static str, &'static str, When)>,
    /// What identifies a lead in this export.
    lead_ids: bool,
    emails: bool,
    phones: bool,
    /// Leads without an email, and without a phone that can be read.
    no_email: &'static [&'static str],
    no_phone: &'static [&'static str],
    /// Warnings, with the rows they name.
    warnings: &'static [(&'static str, &'static [u64])],
    skipped_stage: u64,
    /// Whether it reads the same without any settings.
    needs_no_settings: bool,
}

const BARE: Example = Example {
    export: "",
    preset: None,
    crm: "",
    rows: 0,
    ignored: 0,
    to_the_minute: false,
    row_is_a_stage: false,
    story: Vec::new(),
    lead_ids: true,
    emails: true,
    phones: true,
    no_email: &[],
    no_phone: &[],
    warnings: &[],
    skipped_stage: 0,
    needs_no_settings: false,
};

const FUNNEL: [(Reached, &str); 5] = [
    (Reached::Lead, "Lead"),
    (Reached::Marketing, "Marketing Qualified Lead"),
    (Reached::Sales, "Sales Qualified Lead"),
    (Reached::Opportunity, "Opportunity"),
    (Reached::Customer, "Customer"),
];

/// Leads that went through so many stages of the funnel.
fn funnel(leads: &[(&'static str, usize)]) -> Vec<(&'static str, &'static str, When)> {
    let stages = |&(name, count): &(&'static str, usize)| {
        FUNNEL[..count]
            .iter()
            .map(move |&(at, stage)| (name, stage, At(at)))
    };
    leads.iter().flat_map(stages).collect()
}

const SNAPSHOT: (&str, &[u64]) = ("stage-snapshot", &[1]);
const MODIFIED: (&str, &[u64]) = ("stage-time-modified", &[1]);

fn hubspot() -> Example {
    Example {
        export: "hubspot.csv",
        preset: Some("hubspot"),
        crm: "HubSpot",
        rows: 11,
        to_the_minute: true,
        story: funnel(&[
            ("Ava", 5),
            ("Marcus", 3),
            ("Priya", 4),
            ("Diego", 1),
            ("Chloé", 2),
            ("Owen", 5),
            ("Fatima", 2),
            ("Jürgen", 3),
            ("Sofía", 1),
            ("Tom", 4),
            ("Mei-Ling", 2),
        ]),
        ..BARE
    }
}

fn hubspot_deals() -> Example {
    use Reached::{Customer, Lost, Opportunity, Sales};
    Example {
        export: "hubspot-deals.csv",
        preset: Some("hubspot-deals"),
        crm: "HubSpot",
        rows: 7,
        to_the_minute: true,
        emails: false,
        phones: false,
        story: vec![
            ("Ava", "Appointment Scheduled", At(Sales)),
            ("Ava", "Qualified To Buy", At(Opportunity)),
            ("Ava", "Contract Sent", On("2026-11-17T09:30:00-05:00")),
            ("Ava", "Customer", At(Customer)),
            ("Marcus", "Appointment Scheduled", At(Sales)),
            ("Priya", "Appointment Scheduled", At(Sales)),
            ("Priya", "Qualified To Buy", At(Opportunity)),
            ("Priya", "Contract Sent", On("2026-11-20T15:20:00-05:00")),
            // He was lost the moment the deal was made, and the deal three days later, which the settings skip.
            ("Diego", "Appointment Scheduled", At(Lost)),
            ("Owen", "Appointment Scheduled", At(Sales)),
            ("Owen", "Qualified To Buy", At(Opportunity)),
            ("Owen", "Customer", At(Customer)),
            ("Jürgen", "Appointment Scheduled", At(Sales)),
            ("Tom", "Appointment Scheduled", At(Sales)),
            ("Tom", "Qualified To Buy", At(Opportunity)),
        ],
        skipped_stage: 1,
        ..BARE
    }
}

fn hubspot_history() -> Example {
    let mut story = funnel(&[
        ("Ava", 5),
        ("Marcus", 3),
        ("Priya", 4),
        ("Diego", 1),
        ("Chloé", 2),
        ("Owen", 5),
        ("Jürgen", 3),
        ("Tom", 4),
    ]);
    story.push(("Diego", "Other", At(Reached::Lost)));
    Example {
        export: "hubspot-history.csv",
        preset: Some("hubspot-history"),
        crm: "HubSpot",
        rows: 8,
        to_the_minute: true,
        lead_ids: false,
        phones: false,
        needs_no_settings: true,
        story,
        ..BARE
    }
}

fn hubspot_api() -> Example {
    Example {
        export: "hubspot-api.json",
        preset: Some("hubspot"),
        crm: "HubSpot",
        rows: 7,
        needs_no_settings: true,
        story: funnel(&[
            ("Ava", 5),
            ("Marcus", 3),
            ("Priya", 4),
            ("Diego", 1),
            ("Owen", 5),
            ("Jürgen", 3),
            ("Noah", 1),
        ]),
        ..BARE
    }
}

fn meta_lead_ads() -> Example {
    Example {
        export: "meta-lead-ads.csv",
        preset: Some("meta-lead-ads"),
        crm: "Acme CRM",
        // The twelfth is Meta's own test lead.
        rows: 12,
        story: funnel(&[
            ("Ava", 1),
            ("Marcus", 1),
            ("Priya", 1),
            ("Diego", 1),
            ("Chloé", 1),
            ("Owen", 1),
            ("Fatima", 1),
            ("Jürgen", 1),
            ("Sofía", 1),
            ("Tom", 1),
            ("Mei-Ling", 1),
        ]),
        ..BARE
    }
}

fn salesforce() -> Example {
    use Reached::{Customer, Lead, Lost, Marketing, Opportunity, Sales};
    Example {
        export: "salesforce.csv",
        preset: Some("salesforce"),
        crm: "Salesforce",
        rows: 9,
        // Two blank lines and five of footer.
        ignored: 7,
        to_the_minute: true,
        story: vec![
            ("Ava", "Closed - Converted", At(Customer)),
            ("Marcus", "Qualified", At(Sales)),
            ("Priya", "Closed - Converted", At(Opportunity)),
            ("Diego", "Closed - Not Converted", At(Lost)),
            ("Chloé", "Working - Contacted", At(Marketing)),
            ("Owen", "Closed - Converted", At(Customer)),
            ("Fatima", "Working - Contacted", At(Marketing)),
            ("Jürgen", "Qualified", At(Sales)),
            ("Sofía", "Open - Not Contacted", At(Lead)),
        ],
        warnings: &[("stage-negative", &[5]), SNAPSHOT],
        ..BARE
    }
}

fn salesforce_dataloader() -> Example {
    let mut story = salesforce().story;
    story.push(("Tom", "Closed - Converted", At(Reached::Opportunity)));
    Example {
        export: "salesforce-dataloader.csv",
        preset: Some("salesforce"),
        crm: "Salesforce",
        rows: 10,
        needs_no_settings: true,
        story,
        warnings: &[("stage-negative", &[5]), MODIFIED, SNAPSHOT],
        ..BARE
    }
}

fn salesforce_history() -> Example {
    use Reached::{Lost, Marketing, Opportunity, Sales};
    Example {
        export: "salesforce-history.csv",
        warnings: &[("stage-negative", &[10])],
        preset: Some("salesforce-history"),
        crm: "Salesforce",
        rows: 12,
        row_is_a_stage: true,
        story: vec![
            ("Ava", "Working - Contacted", At(Marketing)),
            ("Ava", "Qualified", At(Sales)),
            ("Ava", "Closed - Converted", At(Opportunity)),
            ("Diego", "Closed - Not Converted", At(Lost)),
            ("Owen", "Working - Contacted", At(Marketing)),
            ("Owen", "Qualified", At(Sales)),
        ],
        ..BARE
    }
}

fn salesforce_api() -> Example {
    use Reached::{Marketing, Opportunity, Sales};
    Example {
        export: "salesforce-api.json",
        preset: Some("salesforce"),
        crm: "Salesforce",
        rows: 6,
        story: vec![
            ("Ava", "Working - Contacted", At(Marketing)),
            ("Ava", "Qualified", At(Sales)),
            ("Ava", "Closed - Converted", At(Opportunity)),
            ("Marcus", "Qualified", At(Sales)),
            ("Priya", "Working - Contacted", At(Marketing)),
            ("Priya", "Qualified", At(Sales)),
            ("Priya", "Closed - Converted", At(Opportunity)),
            ("Fatima", "Working - Contacted", At(Marketing)),
            ("Jürgen", "Qualified", At(Sales)),
            ("Tom", "Closed - Converted", At(Opportunity)),
        ],
        ..BARE
    }
}

fn zoho() -> Example {
    use Reached::{Customer, Lead, Lost, Marketing, Opportunity, Sales};
    Example {
        export: "zoho.csv",
        preset: Some("zoho"),
        crm: "Zoho CRM",
        rows: 10,
        story: vec![
            ("Ava", "Pre-Qualified", At(Customer)),
            ("Marcus", "Pre-Qualified", At(Sales)),
            ("Priya", "Pre-Qualified", At(Opportunity)),
            ("Diego", "Junk Lead", At(Lost)),
            ("Chloé", "Contacted", At(Marketing)),
            ("Owen", "Pre-Qualified", At(Customer)),
            ("Fatima", "Contacted", At(Marketing)),
            ("Sofía", "Not Contacted", At(Lead)),
            ("Mei-Ling", "Contacted", At(Marketing)),
            ("Noah", "Not Contacted", At(Lead)),
        ],
        warnings: &[("stage-negative", &[5]), MODIFIED, SNAPSHOT],
        ..BARE
    }
}

fn pipedrive() -> Example {
    use Reached::{Customer, Lead, Lost, Marketing, Opportunity, Sales};
    Example {
        export: "pipedrive.csv",
        preset: Some("pipedrive"),
        crm: "Pipedrive",
        rows: 9,
        story: vec![
            ("Ava", "Negotiations Started", At(Opportunity)),
            ("Ava", "Won", At(Customer)),
            ("Marcus", "Demo Scheduled", At(Sales)),
            ("Priya", "Proposal Made", At(Opportunity)),
            ("Diego", "Contact Made", At(Lead)),
            ("Diego", "Lost", At(Lost)),
            ("Owen", "Negotiations Started", At(Opportunity)),
            ("Owen", "Won", At(Customer)),
            ("Fatima", "Contact Made", At(Marketing)),
            ("Jürgen", "Demo Scheduled", At(Sales)),
            ("Tom", "Proposal Made", At(Opportunity)),
            ("Mei-Ling", "Contact Made", At(Marketing)),
        ],
        warnings: &[SNAPSHOT],
        ..BARE
    }
}

fn dynamics() -> Example {
    use Reached::{Customer, Lost, Marketing, Opportunity, Sales};
    Example {
        export: "dynamics.xlsx",
        preset: Some("dynamics"),
        crm: "Dynamics 365",
        rows: 8,
        to_the_minute: true,
        story: vec![
            ("Ava", "Qualified", At(Customer)),
            ("Marcus", "Contacted", At(Sales)),
            ("Priya", "Qualified", At(Opportunity)),
            ("Diego", "No Longer Interested", At(Lost)),
            ("Chloé", "Contacted", At(Marketing)),
            ("Owen", "Qualified", At(Customer)),
            ("Jürgen", "Contacted", At(Sales)),
            ("Tom", "Qualified", At(Opportunity)),
        ],
        warnings: &[("stage-negative", &[5]), SNAPSHOT],
        ..BARE
    }
}

fn highlevel_contacts() -> Example {
    Example {
        export: "highlevel-contacts.csv",
        preset: Some("highlevel"),
        crm: "HighLevel",
        rows: 10,
        needs_no_settings: true,
        story: funnel(&[
            ("Ava", 1),
            ("Marcus", 1),
            ("Priya", 1),
            ("Diego", 1),
            ("Chloé", 1),
            ("Owen", 1),
            ("Fatima", 1),
            ("Sofía", 1),
            ("Mei-Ling", 1),
            ("Noah", 1),
        ]),
        ..BARE
    }
}

fn highlevel_opportunities() -> Example {
    use Reached::{Customer, Lead, Lost, Marketing, Opportunity, Sales};
    Example {
        export: "highlevel-opportunities.csv",
        preset: Some("highlevel"),
        crm: "HighLevel",
        rows: 8,
        lead_ids: false,
        no_email: &["Fatima"],
        no_phone: &["Chloé"],
        needs_no_settings: true,
        story: vec![
            ("Ava", "Sold", At(Customer)),
            ("Marcus", "Appointment Booked", At(Sales)),
            ("Priya", "Proposal Sent", At(Opportunity)),
            ("Diego", "Not a Fit", At(Lost)),
            ("Chloé", "Contacted", At(Marketing)),
            ("Owen", "Sold", At(Customer)),
            ("Fatima", "Contacted", At(Marketing)),
            ("Sofía", "New Lead", At(Lead)),
        ],
        warnings: &[("stage-negative", &[5]), MODIFIED, SNAPSHOT],
        ..BARE
    }
}

fn kommo() -> Example {
    Example {
        export: "kommo.csv",
        preset: Some("kommo"),
        crm: "Kommo",
        rows: 7,
        story: vec![
            ("Beatriz", "Negociação", On("2026-11-12T12:03:00-03:00")),
            ("João", "Qualificação", On("2026-11-13T17:08:22-03:00")),
            (
                "Camila",
                "Orçamento Enviado",
                On("2026-11-16T11:20:00-03:00"),
            ),
            ("Rafael", "Venda Ganha", On("2026-11-19T13:15:30-03:00")),
            ("Letícia", "Venda Perdida", On("2026-11-17T18:18:00-03:00")),
            ("Thiago", "Degustação", On("2026-11-20T14:00:00-03:00")),
            ("Marina", "Qualificação", On("2026-11-20T18:16:16-03:00")),
        ],
        warnings: &[("stage-negative", &[6]), MODIFIED, SNAPSHOT],
        ..BARE
    }
}

fn bitrix24() -> Example {
    use Reached::{Customer, Lead, Lost, Marketing, Opportunity, Sales};
    Example {
        export: "bitrix24.csv",
        preset: Some("bitrix24"),
        crm: "Bitrix24",
        rows: 7,
        // His is written the national way, and nothing says in which country.
        no_phone: &["Tom"],
        story: vec![
            ("Jürgen", "Processed", At(Sales)),
            ("Tom", "Good lead", At(Opportunity)),
            ("Ava", "Good lead", At(Customer)),
            ("Diego", "Junk lead", At(Lost)),
            ("Chloé", "In Progress", At(Marketing)),
            ("Fatima", "In Progress", At(Marketing)),
            ("Sofía", "Unassigned", At(Lead)),
        ],
        warnings: &[
            ("stage-negative", &[5]),
            MODIFIED,
            SNAPSHOT,
            ("phone-country-missing", &[3]),
        ],
        ..BARE
    }
}

fn generic() -> Example {
    use Reached::{Customer, Lead, Marketing};
    Example {
        export: "generic.csv",
        preset: Some("generic"),
        crm: "Acme CRM",
        rows: 7,
        phones: false,
        row_is_a_stage: true,
        story: vec![
            ("Ava", "Lead", At(Lead)),
            ("Ava", "Marketing Qualified Lead", At(Marketing)),
            ("Ava", "Customer", At(Customer)),
            ("Diego", "Lead", At(Lead)),
            ("Mei-Ling", "Lead", At(Lead)),
            ("Mei-Ling", "Marketing Qualified Lead", At(Marketing)),
        ],
        skipped_stage: 1,
        ..BARE
    }
}

pub fn all() -> Vec<Example> {
    vec![
        hubspot(),
        hubspot_deals(),
        hubspot_history(),
        hubspot_api(),
        meta_lead_ads(),
        salesforce(),
        salesforce_dataloader(),
        salesforce_history(),
        salesforce_api(),
        zoho(),
        pipedrive(),
        dynamics(),
        highlevel_contacts(),
        highlevel_opportunities(),
        kommo(),
        bitrix24(),
        generic(),
    ]
}

/// Lead, event name, Unix seconds.
type Told = (String, String, i64);

impl Example {
    pub fn preset(&self) -> Option<&'static str> {
        self.preset
    }

    pub fn path(&self) -> String {
        repository(&format!("examples/{}", self.export))
    }

    pub fn settings(&self) -> String {
        let (name, _) = self.export.rsplit_once('.').unwrap();
        repository(&format!("examples/{name}.toml"))
    }

    fn told(&self) -> Vec<Told> {
        let event = |&(lead, stage, when): &(&str, &str, When)| {
            let time = match when {
                At(reached) => leads::of(lead).at(reached),
                On(text) => seconds(text),
            };
            let time = if self.to_the_minute {
                time - time % 60
            } else {
                time
            };
            (lead.to_owned(), stage.to_owned(), time)
        };
        self.story.iter().map(event).collect()
    }

    fn has_email(&self, lead: &str) -> bool {
        self.emails && !self.no_email.contains(&lead)
    }

    fn has_phone(&self, lead: &str) -> bool {
        self.phones && !self.no_phone.contains(&lead)
    }

    /// Runs a command on the export at a time.
    fn arguments<'a>(
        &self,
        command: &'a str,
        now: &'a str,
        path: &'a str,
        settings: Option<&'a str>,
    ) -> Vec<&'a str> {
        let mut arguments = vec![
            command,
            path,
            "--now",
            now,
            "--quiet",
            "--max-invalid",
            "100",
        ];
        arguments.extend(
            settings
                .into_iter()
                .flat_map(|settings| ["--config", settings]),
        );
        if command == "validate" {
            arguments.extend(["--format", "json"]);
        }
        arguments
    }

    /// Holds `validate` and `build` at a time against the story.
    fn holds_at(&self, now: &str, settings: Option<&str>) {
        let desk = Desk::new();
        let clock = seconds(now);
        let (mut due, mut old, mut ahead) = (Vec::new(), 0, Vec::new());
        for told in self.told() {
            match told.2 {
                time if time > clock => ahead.push(told),
                time if time < clock - WEEK => old += 1,
                _ => due.push(told),
            }
        }
        let status = i32::from(!ahead.is_empty());
        let invalid = match self.row_is_a_stage {
            true => ahead.len(),
            false => ahead
                .iter()
                .map(|(lead, _, _)| lead)
                .collect::<BTreeSet<_>>()
                .len(),
        };

        let path = self.path();
        let report = desk
            .run(&self.arguments("validate", now, &path, settings))
            .ended(status)
            .json();
        let counts = [
            "rows",
            "rows_invalid",
            "rows_ignored",
            "events",
            "skipped_old",
            "would_send",
            "skipped_stage",
        ];
        let found: Vec<u64> = counts
            .iter()
            .map(|count| report[count].as_u64().unwrap())
            .collect();
        let (events, due_count) = (old + due.len() as u64, due.len() as u64);
        let expected = [
            self.rows,
            invalid as u64,
            self.ignored,
            events,
            old,
            due_count,
            self.skipped_stage,
        ];
        assert_eq!(found, expected, "{} at {now}: {counts:?}", self.export);
        assert_adds_up(&report);
        assert_eq!(
            report["inputs"][0]["preset"].as_str(),
            self.preset,
            "{}",
            self.export
        );
        if ahead.is_empty() {
            let mut warnings: Vec<(String, Vec<u64>)> = complaints(&report);
            let mut expected: Vec<(String, Vec<u64>)> = self
                .warnings
                .iter()
                .map(|(code, rows)| ((*code).to_owned(), rows.to_vec()))
                .collect();
            warnings.sort();
            expected.sort();
            assert_eq!(warnings, expected, "{}", self.export);
        } else {
            let errors = complaints(&report)
                .into_iter()
                .filter(|(code, _)| code == "event-in-future")
                .count();
            assert!(errors > 0, "{}", self.export);
        }

        let built = desk
            .run(&self.arguments("build", now, &path, settings))
            .ended(status)
            .ndjson();
        let mut told: Vec<Told> = built.iter().map(|event| self.recognise(event)).collect();
        told.sort();
        due.sort();
        assert_eq!(told, due, "{} at {now}", self.export);
    }

    /// Which lead an event is about, after a look at everything that says so.
    fn recognise(&self, event: &Value) -> Told {
        let user = &event["user_data"];
        let hashes = |key: &str| -> Vec<String> {
            user[key]
                .as_array()
                .into_iter()
                .flatten()
                .map(text)
                .collect()
        };
        let (emails, phones) = (hashes("em"), hashes("ph"));
        let is_it = |lead: &&&leads::Lead| {
            user["lead_id"] == lead.lead_id
                || emails.contains(&sha256(lead.email))
                || phones.contains(&sha256(lead.phone))
        };
        let all: Vec<&leads::Lead> = leads::everybody().collect();
        let found: Vec<_> = all.iter().filter(is_it).collect();
        let [lead] = found[..] else {
            panic!("{}: {event:#} is about {found:?}", self.export)
        };

        assert_eq!(
            user.get("lead_id").is_some(),
            self.lead_ids,
            "{}: {event:#}",
            self.export
        );
        assert!(
            !self.lead_ids || user["lead_id"] == lead.lead_id,
            "{}: {event:#}",
            self.export
        );
        assert_eq!(
            emails.contains(&sha256(lead.email)),
            self.has_email(lead.name),
            "{}: {event:#}",
            self.export
        );
        assert_eq!(
            phones.contains(&sha256(lead.phone)),
            self.has_phone(lead.name),
            "{}: {event:#}",
            self.export
        );
        // No lead has two phones, so a second hash would be a second reading of the first.
        assert_eq!(
            phones.len(),
            usize::from(self.has_phone(lead.name)),
            "{}: {event:#}",
            self.export
        );
        assert_eq!(event["custom_data"]["lead_event_source"], self.crm);
        (
            lead.name.to_owned(),
            text(&event["event_name"]),
            event["event_time"].as_i64().unwrap(),
        )
    }
}

fn seconds(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_second()
}

#[test]
fn every_example_tells_its_story_at_the_end_of_the_week() {
    for example in all() {
        example.holds_at(NOW, Some(&example.settings()));
    }
}

#[test]
fn every_example_tells_its_story_while_the_later_half_is_yet_to_come() {
    for example in all() {
        example.holds_at(EARLIER, Some(&example.settings()));
    }
}

#[test]
fn the_two_windows_together_cover_every_stage() {
    let (early, late) = (seconds(EARLIER), seconds(NOW));
    for (lead, stage, time) in all().iter().flat_map(Example::told) {
        assert!(
            time >= early - WEEK && time <= late && late - WEEK <= early,
            "{lead} {stage}"
        );
    }
}

#[test]
fn exports_that_say_everything_themselves_need_no_settings() {
    let mut count = 0;
    for example in all()
        .into_iter()
        .filter(|example| example.needs_no_settings)
    {
        example.holds_at(NOW, None);
        count += 1;
    }
    assert_eq!(count, 5);
}

#[test]
fn several_exports_are_one_run_in_which_no_event_comes_twice() {
    let desk = Desk::new();
    let examples: Vec<Example> = all()
        .into_iter()
        .filter(|example| example.needs_no_settings)
        .collect();
    let paths: Vec<String> = examples.iter().map(Example::path).collect();
    let mut arguments = vec!["build", "--now", NOW, "--quiet"];
    arguments.extend(paths.iter().map(String::as_str));
    let together = desk.run(&arguments).ended(0).ndjson();
    // Two exports tell of the same raw leads, by their lead ids and to the second.
    let mut seen = BTreeSet::new();
    let one_by_one: Vec<Value> = paths
        .iter()
        .flat_map(|path| {
            desk.run(&["build", "--now", NOW, "--quiet", path])
                .ended(0)
                .ndjson()
        })
        .collect();
    let once: Vec<&Value> = one_by_one
        .iter()
        .filter(|event| seen.insert(text(&event["event_id"])))
        .collect();
    assert!(
        together.iter().eq(once.iter().copied()),
        "{} and {}",
        together.len(),
        once.len()
    );
    assert!(once.len() < one_by_one.len());
}

#[test]
fn every_export_has_a_short_settings_file_and_a_test() {
    let tested: BTreeSet<String> = all()
        .iter()
        .map(|example| example.export.to_owned())
        .collect();
    let mut exports = BTreeSet::new();
    for entry in std::fs::read_dir(repository("examples")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        match name.rsplit_once('.') {
            Some((_, "csv" | "json" | "xlsx")) => _ = exports.insert(name),
            Some((stem, "toml")) => {
                let lines = std::fs::read_to_string(repository(&format!("examples/{name}")))
                    .unwrap()
                    .lines()
                    .count();
                assert!(lines <= 10, "{name} has {lines} lines");
                assert!(
                    tested
                        .iter()
                        .any(|export| export.starts_with(&format!("{stem}."))),
                    "{name} is of no use"
                );
            }
            _ => {}
        }
    }
    assert_eq!(exports, tested);
}

#[test]
fn a_lead_keeps_all_of_its_addresses() {
    let desk = Desk::new();
    let emails = |example: Example, lead: &str| {
        let built = desk
            .run(&example.arguments("build", NOW, &example.path(), Some(&example.settings())))
            .ended(0);
        let hash = sha256(leads::of(lead).email);
        let of_lead = built
            .ndjson()
            .into_iter()
            .find(|event| event["user_data"]["em"][0] == hash)
            .unwrap();
        of_lead["user_data"]["em"]
            .as_array()
            .unwrap()
            .iter()
            .map(text)
            .collect::<Vec<_>>()
    };
    let private = sha256("ava.t.private@example.org");
    let ava = sha256("ava.thornton@example.com");
    assert_eq!(
        emails(hubspot(), "Ava"),
        [
            ava.clone(),
            private.clone(),
            sha256("thornton.bakery@example.com")
        ]
    );
    assert_eq!(emails(pipedrive(), "Ava"), [ava, private]);
    let office = sha256("office.koehler@example.com");
    assert_eq!(
        emails(bitrix24(), "Jürgen"),
        [sha256("juergen.koehler@example.org"), office]
    );
}

#[test]
fn the_stages_of_a_lead_come_in_the_order_of_their_times() {
    let desk = Desk::new();
    for example in [
        hubspot(),
        hubspot_history(),
        hubspot_deals(),
        salesforce_api(),
        pipedrive(),
    ] {
        let built = desk
            .run(&example.arguments("build", NOW, &example.path(), Some(&example.settings())))
            .ended(0);
        let mut latest = std::collections::HashMap::new();
        for (lead, stage, time) in built.ndjson().iter().map(|event| example.recognise(event)) {
            let before = latest.insert(lead.clone(), time).unwrap_or(0);
            assert!(before <= time, "{}: {lead} {stage}", example.export);
        }
    }
}
