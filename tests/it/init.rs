//! `crm2capi init`: what it understands, what it writes, and that `validate` understands the same with it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Desk, NOW, repository};

/// Every example there is, by file name.
fn examples() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(repository("examples"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| {
            [".csv", ".json", ".xlsx"]
                .iter()
                .any(|end| name.ends_with(end))
        })
        .collect();
    names.sort();
    assert!(names.len() >= 16, "{names:?}");
    names
}

/// What a run of `validate` comes to.
fn outcome(report: &Value) -> Vec<(&'static str, Value)> {
    let keys = [
        "exit_status",
        "rows",
        "rows_invalid",
        "events",
        "would_send",
        "skipped_old",
        "skipped_stage",
        "match_keys",
    ];
    keys.iter()
        .chain(&["stages"])
        .map(|&key| (key, report[key].clone()))
        .collect()
}

fn validate(desk: &Desk, args: &[&str]) -> Value {
    let mut all = vec!["validate", "--now", NOW, "--format", "json"];
    all.extend(args);
    desk.run(&all).json()
}

fn settings(desk: &Desk) -> toml::Table {
    std::fs::read_to_string(desk.path().join("crm2capi.toml"))
        .unwrap()
        .parse()
        .unwrap()
}

#[test]
fn validate_understands_every_example_with_the_settings_as_it_did_without() {
    for name in examples() {
        let desk = Desk::new();
        let path = repository(&format!("examples/{name}"));
        let without = validate(&desk, &[&path]);
        let build = ["build", "--now", NOW, &path];
        let events = desk.run(&build).ended(0).stdout;
        desk.run(&["init", &path]).ended(0);
        assert_eq!(desk.run(&build).ended(0).stdout, events, "{name}");
        let with = validate(&desk, &["--config", "crm2capi.toml", &path]);
        assert_eq!(outcome(&with), outcome(&without), "{name}");
        assert!(without["events"].as_u64().unwrap() > 0, "{name}");
        // Headings that many exports have in common are written down one by one.
        let preset = if name == "generic.csv" {
            Value::Null
        } else {
            without["inputs"][0]["preset"].clone()
        };
        assert_eq!(with["inputs"][0]["preset"], preset, "{name}");
    }
}

#[test]
fn no_value_of_a_lead_is_shown_or_written() {
    for name in examples()
        .iter()
        .filter(|name| name.ends_with(".csv") && !name.starts_with("meta"))
    {
        let desk = Desk::new();
        let path = repository(&format!("examples/{name}"));
        let shown = desk.run(&["init", &path]).ended(0);
        let written = std::fs::read_to_string(desk.path().join("crm2capi.toml")).unwrap();
        let text = format!("{}{}{written}", shown.stdout, shown.stderr).to_lowercase();
        let export = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        let mut rows = export.lines();
        let heading: BTreeSet<String> = words(rows.next().unwrap());
        let mut secrets = 0;
        for word in rows.flat_map(words) {
            let is_telling =
                word.contains('@') || word.bytes().filter(u8::is_ascii_digit).count() >= 7;
            if is_telling && !heading.contains(&word) {
                secrets += 1;
                assert!(!text.contains(&word), "{name}: {word}");
            }
        }
        assert!(secrets >= 5, "{name}");
        for person in ["thornton", "nogueira", "köhler", "jordan", "ava."] {
            assert!(!text.contains(person), "{name}: {person}");
        }
    }
}

fn words(line: &str) -> BTreeSet<String> {
    let is_edge =
        |letter: char| letter.is_whitespace() || matches!(letter, ',' | ';' | '"' | '(' | ')');
    line.to_lowercase()
        .split(is_edge)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn settings_that_are_there_stay_unless_they_may_be_replaced() {
    let desk = Desk::new();
    desk.file("crm2capi.toml", "# mine\n");
    let path = repository("examples/hubspot.csv");
    let refused = desk.run(&["init", &path]).ended(2);
    assert!(
        refused.stderr.contains("--force") && refused.stdout.is_empty(),
        "{refused:?}"
    );
    assert_eq!(
        std::fs::read_to_string(desk.path().join("crm2capi.toml")).unwrap(),
        "# mine\n"
    );

    desk.run(&["init", &path, "--output", "other.toml"])
        .ended(0);
    assert!(desk.path().join("other.toml").is_file());
    desk.run(&["init", &path, "--force"]).ended(0);
    assert_eq!(
        settings(&desk)["crm"]["preset"].as_str().unwrap(),
        "hubspot"
    );
    let nowhere = desk
        .run(&["init", &path, "--output", "no/where.toml"])
        .ended(2);
    assert!(
        nowhere.stderr.contains("no folder no for the settings"),
        "{nowhere:?}"
    );
    let left: BTreeSet<_> = std::fs::read_dir(desk.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn what_is_given_stands_in_the_settings() {
    let desk = Desk::new();
    let path = repository("examples/salesforce.csv");
    let options = [
        "--dataset-id",
        "123456789012345",
        "--timezone",
        "America/New_York",
        "--crm",
        "Acme",
        "--default-country",
        "US",
    ];
    let mut args = vec!["init", &path, "--delimiter", ","];
    args.extend(options);
    let shown = desk.run(&args).ended(0).stdout;
    let settings = settings(&desk);
    assert_eq!(
        settings["meta"]["dataset_id"].as_str().unwrap(),
        "123456789012345"
    );
    assert_eq!(
        settings["crm"]["timezone"].as_str().unwrap(),
        "America/New_York"
    );
    assert_eq!(settings["crm"]["name"].as_str().unwrap(), "Acme");
    assert_eq!(settings["crm"]["default_country"].as_str().unwrap(), "US");
    assert_eq!(settings["input"]["delimiter"].as_str().unwrap(), ",");
    assert!(!shown.contains("still open"), "{shown}");
    let report = validate(&desk, &[&path]);
    let codes: Vec<&str> = report["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["code"].as_str().unwrap())
        .collect();
    assert!(!codes.contains(&"time-zone-assumed"), "{codes:?}");
}

const GERMAN: &str = "\
Vorname;Nachname;E-Mail-Adresse;Telefon;PLZ;Ort;Lead-Status;Status geändert am;Erstellt am;Notizen
Jürgen;Köhler;juergen@example.org;+493023125042;10115;Berlin;Qualifiziert;19.11.2026 14:00;16.11.2026 09:00;ruft zurück
Eva;Braun;eva@example.org;+493023125043;20095;Hamburg;Neu;20.11.2026 09:00;20.11.2026 09:00;
Ida;Ott;ida@example.org;+493023125044;50667;Köln;Gewonnen;20.11.2026 10:00;12.11.2026 10:00;
";

const FRENCH: &str = "\
Prénom,Nom,Adresse e-mail,Téléphone,Statut,Date de changement de statut,Date de création
Chloé,Lambert,chloe@example.com,+33140205050,Qualifié,2026-11-19 14:00,2026-11-16 09:00
Zoé,Petit,zoe@example.com,+33140205051,Nouveau,2026-11-20 09:00,2026-11-20 09:00
";

const SPANISH: &str = "\
Nombre,Apellidos,Correo electrónico,Teléfono,Etapa,Fecha de la etapa,Fecha de creación
Sofía,Ramírez,sofia@example.com,+34912345678,Calificado,19/11/2026 14:00,16/11/2026 09:00
Ana,Gil,ana@example.com,+34912345679,Nuevo,20/11/2026 09:00,20/11/2026 09:00
";

const PORTUGUESE: &str = "\
Nome completo,E-mail,Celular,Situação,Data da situação,Criado em
Beatriz Nogueira,beatriz@example.com,+5511987654321,Qualificado,2026-11-19 14:00,2026-11-16 09:00
João Araújo,joao@example.com,+5511987654322,Novo,2026-11-20 09:00,2026-11-20 09:00
";

#[test]
fn exports_in_other_languages_work_without_a_preset() {
    for (name, export, fields, keys) in [
        (
            "german.csv",
            GERMAN,
            9,
            vec!["em", "fn", "ln", "ph", "ct", "zp"],
        ),
        ("french.csv", FRENCH, 7, vec!["em", "fn", "ln", "ph"]),
        ("spanish.csv", SPANISH, 7, vec!["em", "fn", "ln", "ph"]),
        (
            "portuguese.csv",
            PORTUGUESE,
            6,
            vec!["em", "fn", "ln", "ph"],
        ),
    ] {
        let desk = Desk::new();
        desk.file(name, export);
        let shown = desk.run(&["init", name]).ended(0).stdout;
        let settings = settings(&desk);
        assert_eq!(settings["crm"]["preset"].as_str().unwrap(), "none");
        assert_eq!(
            settings["columns"].as_table().unwrap().len(),
            fields,
            "{name}\n{shown}"
        );
        let report = validate(&desk, &[name]);
        assert_eq!(report["exit_status"], 0, "{report:#}");
        let rows = export.lines().count() as u64 - 1;
        assert_eq!(report["would_send"], rows, "{report:#}");
        for key in keys {
            assert_eq!(report["match_keys"][key], rows, "{name}: {key}");
        }
    }
}

#[test]
fn stages_stand_in_the_settings_in_the_order_of_the_funnel_with_their_counts() {
    let desk = Desk::new();
    desk.file("german.csv", GERMAN);
    let shown = desk.run(&["init", "german.csv"]).ended(0).stdout;
    assert!(
        shown.contains("dmy, as row 2 reads only as day/month"),
        "{shown}"
    );
    let text = std::fs::read_to_string(desk.path().join("crm2capi.toml")).unwrap();
    let stages = "[stages]\n\"Neu\" = \"Lead\"  # 1, sounds like the stage that leads begin in\n\"Qualifiziert\" = \"Qualifiziert\"  # 1\n\"Gewonnen\" = \"Gewonnen\"  # 1\n";
    assert!(text.contains(stages), "{text}");
    assert!(
        text.contains("date_order = \"dmy\"") && text.contains("\n# timezone ="),
        "{text}"
    );
}

#[test]
fn what_is_missing_is_said_and_stands_in_comments() {
    for (export, said, written) in [
        (
            "Product,Stage,Stage date\nRoof,New,2026-11-19\n",
            vec!["no column identifies a lead", "--map"],
            "# MISSING: nothing identifies a lead",
        ),
        (
            "Produkt,Angebot am,Gewonnen am\nDach,2026-11-19,2026-11-20\n",
            vec!["no column identifies a lead"],
            "[stage_columns]\n\"Angebot am\" = \"Angebot\"\n\"Gewonnen am\" = \"Gewonnen\"\n",
        ),
        (
            "Email,Notes\na@example.com,called back\n",
            vec!["which stage a lead is in", "--stage-column"],
            "# event_name = \"COLUMN\"",
        ),
        (
            "Email,Stage\na@example.com,New\n",
            vec!["when a stage was reached, as none holds the times of stages"],
            "event_name = \"Stage\"",
        ),
        (
            "Ref,Stage,Stage date\n1234567890123456,New,2026-11-19\n",
            vec!["perhaps --map lead_id=\"Ref\""],
            "# lead_id = \"Ref\"  # guess: its values have the form",
        ),
        (
            "Email,Foo,Bar\na@example.com,2026-11-19,2026-11-20\n",
            vec![
                "as 2 columns hold dates (\"Foo\", \"Bar\")",
                "--stage-column \"Foo=Foo\"",
            ],
            "# \"Foo\" = \"Foo\"\n# \"Bar\" = \"Bar\"",
        ),
        (
            "Email,Box\na@example.com,New\nb@example.com,Qualified\n",
            vec!["perhaps --map event_name=\"Box\""],
            "# event_name = \"Box\"  # guess: its texts read as stages",
        ),
    ] {
        let desk = Desk::new();
        desk.file("leads.csv", export);
        let ran = desk.run(&["init", "leads.csv"]).ended(2);
        for words in said {
            assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
        }
        let text = std::fs::read_to_string(desk.path().join("crm2capi.toml")).unwrap();
        assert!(text.contains(written), "{written}: {text}");
        assert!(text.parse::<toml::Table>().is_ok(), "{text}");
        assert!(!format!("{}{}{text}", ran.stdout, ran.stderr).contains("a@example.com"));
        desk.run(&["validate", "--config", "crm2capi.toml", "leads.csv"])
            .ended(2);
    }
}

#[test]
fn a_stage_without_a_time_of_its_own_takes_that_of_the_record() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "Email,Stage,Created at\na@example.com,New,2026-11-19\n",
    );
    let shown = desk.run(&["init", "leads.csv"]).ended(0).stdout;
    let settings = settings(&desk);
    assert_eq!(
        settings["columns"]["event_time"].as_str().unwrap(),
        "Created at"
    );
    assert!(
        shown.contains("nothing says when a stage was reached"),
        "{shown}"
    );
}

#[test]
fn dates_that_are_none_do_not_cost_the_stage_its_column_of_times() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "E-Mail;Phase;Eingang am;Phase seit\n\
         a@example.com;Neu;10.11.2026;12.11.2026\n\
         b@example.com;Angebot;11.11.2026;31.02.2026\n\
         c@example.com;Neu;11.11.2026;14.11.2026\n",
    );
    let shown = desk.run(&["init", "leads.csv"]).ended(0).stdout;
    let time = settings(&desk)["columns"]["event_time"].clone();
    assert_eq!(time.as_str().unwrap(), "Phase seit");
    assert!(shown.contains("2 of 3 values read as one"), "{shown}");
}

#[test]
fn of_two_columns_of_dates_with_poor_values_in_the_better_one_none_is_certain() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "E-Mail;Phase;Eingang am;Phase seit\n\
         a@example.com;Neu;10.11.2026;12.11.2026\n\
         b@example.com;Angebot;11.11.2026;gestern\n\
         c@example.com;Neu;11.11.2026;vorgestern\n\
         d@example.com;Neu;11.11.2026;bald\n",
    );
    let ran = desk.run(&["init", "leads.csv"]).ended(2);
    assert!(
        ran.stderr.contains("event_time="),
        "the line that helps: {}",
        ran.stderr
    );
    assert!(settings(&desk)["columns"].get("event_time").is_none());
}

#[test]
fn a_phone_in_two_columns_is_one_number() {
    let desk = Desk::new();
    let layout = repository("tests/layouts/gulf-property-split-phone.csv");
    desk.run(&["init", &layout]).ended(0);
    let events = desk.run(&["build", "--now", NOW, &layout]).ended(0).stdout;
    // SHA-256 of 447400123455, the code of one column and the number of the other.
    let number = "0ac434fd7c999ef066d329d0df73954dfd4fddd1aaa19a7a38999a979857bd29";
    assert!(events.contains(number), "{events}");
    let phone = settings(&desk)["columns"]["phone"].clone();
    let columns: Vec<&str> = phone
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one.as_str())
        .collect();
    assert_eq!(columns, ["Phone Country Code", "Phone Number"]);
}

#[test]
fn a_code_without_a_plus_is_told_by_its_heading() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "Lead,Country Code,Mobile,Stage,Stage date\n\
         Asha Rao,91,9876543210,New,2026-11-19\n\
         Omar Aziz,971,501234560,Site visit,2026-11-19\n\
         Ida Holm,,,New,2026-11-19\n",
    );
    desk.run(&["init", "leads.csv", "--default-country", "US"])
        .ended(0);
    let name = settings(&desk)["columns"]["full_name"].clone();
    assert_eq!(name.as_str().unwrap(), "Lead");
    let ran = desk.run(&["build", "--now", NOW, "leads.csv"]);
    assert!(
        ran.stdout
            .contains("0f7ef2f79acc5aab0f183bc03477261f08ae94945a841a49c481a36a93798b3d"),
        "{}",
        ran.stdout
    );
    assert!(!ran.stderr.contains("phone-invalid"), "{}", ran.stderr);
}

#[test]
fn rows_without_consent_are_not_counted_among_those_that_give_events() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "Email,Stage,Stage date,Marketing consent\na@example.com,New,2026-11-19,yes\n\
         b@example.com,New,2026-11-19,no\nc@example.com,Lost,2026-11-19,yes\n",
    );
    let shown = desk.run(&["init", "leads.csv"]).ended(0).stdout;
    let said = "2 of 3 rows give events (67 %), 1 are left out as their consent does not say yes";
    assert!(shown.contains(said), "{shown}");
}

#[test]
fn a_brazilian_export_with_the_code_in_a_column_of_its_own_is_understood() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "Nome do Lead;DDI;Celular;E-mail;Etapa do Funil;Data da última movimentação;Data de entrada\n\
         Beatriz Nogueira;55;(11) 98765-4321;b@example.com;Em atendimento;18/11/2026 14:20;10/11/2026 09:00\n\
         Rita Prado;351;912 345 678;r@example.com;No aguardo;31/02/2026 10:00;12/11/2026 16:00\n\
         Ivo Luz;55;(11) 97654-3210;i@example.com;Perdido;19/11/2026 11:45;13/11/2026 12:00\n",
    );
    desk.run(&["init", "leads.csv"]).ended(0);
    let columns = settings(&desk)["columns"].clone();
    let phone: Vec<&str> = columns["phone"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one.as_str())
        .collect();
    assert_eq!(phone, ["DDI", "Celular"]);
    let time = |field: &str| columns[field].as_str().unwrap();
    assert_eq!(time("event_time"), "Data da última movimentação");
    assert_eq!(time("created_time"), "Data de entrada");
}

#[test]
fn of_a_long_export_the_later_rows_are_read_here_and_there() {
    let desk = Desk::new();
    let row = |index: u32| {
        let stage = if index < 30_000 { "New" } else { "Won" };
        format!("a{index}@example.com,{stage},2026-11-19T10:00:00Z\n")
    };
    let rows: String = (0..45_000).map(row).collect();
    desk.file("leads.csv", format!("Email,Stage,Stage date\n{rows}"));
    let shown = desk.run(&["init", "leads.csv"]).ended(0).stdout;
    let said = "45000; stages and zones are those of 21563 of them";
    assert!(shown.contains(said), "{shown}");
    let stages = settings(&desk)["stages"].clone();
    assert_eq!(
        stages["Won"].as_str().unwrap(),
        "Won",
        "a stage of later rows"
    );
}

#[test]
fn the_name_of_an_ad_is_nobodys_first_name() {
    let desk = Desk::new();
    desk.file(
        "page.json",
        r#"{"data":[{"id":"1234567890123456","created_time":"2026-11-19T10:00:00+0000","ad_name":"Spring","form_id":"2",
        "field_data":[{"name":"full_name","values":["Ava Thornton"]},{"name":"email","values":["a@example.com"]}]}]}"#,
    );
    desk.run(&["init", "page.json"]).ended(0);
    let columns = settings(&desk)["columns"].clone();
    assert!(columns.get("first_name").is_none(), "{columns:?}");
}

#[test]
fn a_place_is_no_candidate_for_the_stage() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "email,locality\na@example.com,Nova Lead\nb@example.com,Nova Lead\nc@example.com,Porto\n",
    );
    let ran = desk.run(&["init", "leads.csv"]).ended(2);
    assert!(
        !ran.stderr.contains("event_name=\"locality\""),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_column_that_the_settings_name_and_the_export_lacks_is_told_with_its_line() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "Email,Stage,Date\na@example.com,New,2026-11-19\n",
    );
    desk.file(
        "crm2capi.toml",
        "[columns]\nevent_name = \"Stage\"\nevent_time = \"Date\"\nemail = \"Gone\"\n",
    );
    let ran = desk.run(&["validate", "--now", NOW, "leads.csv"]).ended(2);
    let said = "leads.csv: crm2capi.toml line 4: there is no column \"Gone\" (for email)";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
}

#[test]
fn in_portuguese_a_lead_that_waits_is_not_lost() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "E-mail,Etapa,Data da etapa\na@example.com,No aguardo,2026-11-19\n\
         b@example.com,No atendimento,2026-11-19\nc@example.com,Não atende,2026-11-19\n",
    );
    desk.run(&["init", "leads.csv"]).ended(0);
    let settings = settings(&desk);
    let stages = settings["stages"].as_table().unwrap();
    assert_eq!(stages["No aguardo"].as_str().unwrap(), "No aguardo");
    assert_eq!(stages["No atendimento"].as_str().unwrap(), "No atendimento");
    assert_eq!(stages["Não atende"].as_str().unwrap(), "");
}

#[test]
fn the_time_of_a_forms_answer_is_that_of_the_lead_and_not_of_the_stage_noted_beside_it() {
    for heading in ["Timestamp", "Horodateur", "Zeitstempel"] {
        let desk = Desk::new();
        let row = |lead: u32, stage: &str| {
            format!("2026-11-19 0{lead}:10:00,lead{lead}@example.com,{stage}\n")
        };
        let stages = ["New", "Qualified", "Won", "New"];
        let rows = |lead: fn(u32) -> u32| -> String {
            let stages = (1..).zip(stages);
            stages.map(|(at, stage)| row(lead(at), stage)).collect()
        };
        let header = format!("{heading},Email,Status\n");
        desk.file("form.csv", header.clone() + &rows(|at| at));
        let shown = desk.run(&["init", "--yes", "form.csv"]).ended(0).stdout;
        let doubt = "the stage's time is taken from the date the lead was created";
        assert!(shown.contains(doubt), "{shown}");
        let args = ["validate", "--now", NOW, "--config", "crm2capi.toml"];
        let page = desk.run(&[&args[..], &["form.csv"]].concat()).stdout;
        assert!(page.contains("stage-time-created"), "{page}");
        // Where leads come again it is a history, and each row has its own time.
        desk.file("log.csv", header + &rows(|at| at % 2));
        let shown = desk
            .run(&["init", "--yes", "log.csv", "--force"])
            .ended(0)
            .stdout;
        assert!(!shown.contains(doubt), "{shown}");
    }
}

#[test]
fn rows_are_tried_in_the_zone_that_is_given() {
    let desk = Desk::new();
    let row = |at: u32| {
        format!("lead{at}@example.com,2026-11-19T06:00:00-06:00,New,2026-11-19 06:3{at}\n")
    };
    let rows: String = (0..6).map(row).collect();
    desk.file(
        "leads.csv",
        format!("Email,Created At,Stage,Stage Date\n{rows}"),
    );
    let args = [
        "init",
        "--yes",
        "--timezone",
        "America/Chicago",
        "leads.csv",
    ];
    let shown = desk.run(&args).ended(0).stdout;
    assert!(shown.contains("6 of 6 rows give events"), "{shown}");
}

#[test]
fn dates_that_are_planned_are_no_times_of_stages() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "Email,Stage,Appointment date,Due date,Passport expiry,Expected close\n\
         a@example.com,New,2026-11-19,2026-11-20,2030-01-01,2026-12-24\n",
    );
    let ran = desk.run(&["init", "leads.csv"]).ended(2);
    assert!(
        ran.stderr.contains("none holds the times of stages"),
        "a planned date is no candidate: {}",
        ran.stderr
    );
}

#[test]
fn values_of_people_and_texts_of_any_kind_never_go_out_unhashed_by_a_guess() {
    let record = r#"{"ID":"1","TITLE":"Lead #1","STATUS_ID":"NEW","MOVED_TIME":"2026-11-20T10:00:00Z",
        "PHONE":[{"VALUE":"+12125550101"}],"EMAIL":[{"VALUE":"a@example.com"}],"links":{"feed":"/leads/1/feed"}}"#;
    let desk = Desk::new();
    desk.file("lead.json", format!("{{\"result\":{record}}}"));
    desk.run(&["init", "lead.json"]).ended(0);
    let settings = settings(&desk);
    let columns = settings["columns"].as_table().unwrap();
    assert_eq!(columns["phone"].as_str().unwrap(), "PHONE.0.VALUE");
    assert_eq!(columns["event_name"].as_str().unwrap(), "STATUS_ID");
    for field in ["value", "order_id"] {
        assert!(!columns.contains_key(field), "{columns:?}");
    }
}

#[test]
fn a_stage_that_says_the_lead_is_lost_is_pointed_out() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "Email,Stage,Stage date\na@example.com,Not interested,2026-11-19\nb@example.com,New,2026-11-19\n",
    );
    let shown = desk.run(&["init", "leads.csv"]).ended(0).stdout;
    assert!(
        shown.contains("\"Not interested\" sounds as if the lead came to nothing"),
        "{shown}"
    );
}

#[test]
fn how_many_rows_give_events_is_said_and_why_the_others_do_not() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "Email,Stage,Stage date\na@example.com,New,2026-11-19\nb@example.com,New,2026-11-20\n\
         c@example.com,New,2026-02-30\nd@example.com,New,soon\n",
    );
    let shown = desk.run(&["init", "leads.csv"]).ended(0).stdout;
    assert!(
        shown.contains("2 of 4 rows give events (50 %), 2 would be refused"),
        "{shown}"
    );
    assert!(
        shown.contains("2 of 4 rows: ") && shown.contains("(column \"Stage date\")"),
        "{shown}"
    );
}

#[test]
fn the_fuller_of_two_columns_of_stages_is_taken() {
    let desk = Desk::new();
    let rows: String = (0..20)
        .map(|index| {
            let status = if index % 3 == 0 { "Open" } else { "" };
            format!("a{index}@example.com,{status},Customer,2026-11-19\n")
        })
        .collect();
    desk.file(
        "leads.csv",
        format!("Email,Lead status,Lifecycle stage,Date\n{rows}"),
    );
    let shown = desk.run(&["init", "leads.csv"]).ended(0).stdout;
    assert_eq!(
        settings(&desk)["columns"]["event_name"].as_str().unwrap(),
        "Lifecycle stage"
    );
    assert!(shown.contains("100 %"), "{shown}");
}

#[test]
fn what_the_message_asks_for_helps() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "Ref,Stage,Created at\n1234567890123456,New,2026-11-19\n",
    );
    desk.run(&[
        "init",
        "leads.csv",
        "--map",
        "lead_id=Ref",
        "--stage-column",
        "Created at=Lead",
    ])
    .ended(0);
    let report = validate(&desk, &["leads.csv"]);
    assert_eq!(
        (&report["would_send"], &report["match_keys"]["lead_id"]),
        (&1.into(), &1.into())
    );
    let wrong = desk
        .run(&["init", "leads.csv", "--force", "--map", "lead_id=Reff"])
        .ended(2);
    assert!(wrong.stderr.contains("\"Ref\""), "{}", wrong.stderr);
}

#[test]
fn a_file_without_headings_is_refused_without_its_values() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "ava@example.com,New,2026-11-19\nbo@example.com,Won,2026-11-20\n",
    );
    let ran = desk.run(&["init", "leads.csv"]).ended(2);
    assert!(
        ran.stderr.contains("its cell 1 reads as an email address"),
        "{}",
        ran.stderr
    );
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("ava"));
}

#[test]
fn people_in_the_stages_column_are_neither_shown_nor_listed() {
    let desk = Desk::new();
    let rows: String = (10..40)
        .map(|index| format!("a{index}@example.com,Person Number{index},2026-11-19\n"))
        .collect();
    desk.file("leads.csv", format!("Email,Status,Date\n{rows}"));
    let ran = desk
        .run(&["init", "leads.csv", "--map", "event_name=Status"])
        .ended(0);
    let written = std::fs::read_to_string(desk.path().join("crm2capi.toml")).unwrap();
    assert!(
        ran.stdout.contains("look like values of people"),
        "{}",
        ran.stdout
    );
    assert!(!format!("{}{}{written}", ran.stdout, ran.stderr).contains("Person"));
}

#[test]
fn an_order_of_dates_that_nothing_settles_stays_open_until_it_is_given() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "Email,Stage,Stage date\na@example.com,New,11/10/2026 10:00\nb@example.com,New,10/11/2026 10:00\n",
    );
    let ran = desk.run(&["init", "leads.csv"]).ended(0);
    assert!(
        ran.stdout.contains("still open in it: date_order"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout
            .contains("11/10/2026 could be 11 October or 10 November"),
        "{}",
        ran.stdout
    );
    assert!(
        !settings(&desk)["crm"]
            .as_table()
            .unwrap()
            .contains_key("date_order")
    );
    desk.run(&["init", "leads.csv", "--force", "--date-order", "mdy"])
        .ended(0);
    assert_eq!(
        settings(&desk)["crm"]["date_order"].as_str().unwrap(),
        "mdy"
    );
}

#[test]
fn an_owners_address_is_not_taken_for_the_leads() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "Meta lead ID,Owner email,Stage,Stage date\n1234567890123456,rep@example.com,New,2026-11-19\n",
    );
    desk.run(&["init", "leads.csv"]).ended(0);
    let settings = settings(&desk);
    let columns: Vec<&str> = settings["columns"]
        .as_table()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert!(
        !columns.contains(&"email") && columns.contains(&"lead_id"),
        "{columns:?}"
    );
}

#[test]
fn a_lead_id_beside_a_preset_is_found_by_its_cells() {
    let desk = Desk::new();
    let export = "Record ID,Email,Became a Lead Date,Lead ref on Instagram\n1,a@example.com,2026-11-19 10:00,1234567890123456\n";
    desk.file("leads.csv", export);
    desk.run(&["init", "leads.csv"]).ended(0);
    let settings = settings(&desk);
    assert_eq!(settings["crm"]["preset"].as_str().unwrap(), "hubspot");
    assert_eq!(
        settings["columns"]["lead_id"].as_str().unwrap(),
        "Lead ref on Instagram"
    );
    assert_eq!(validate(&desk, &["leads.csv"])["match_keys"]["lead_id"], 1);
}

#[test]
fn standard_input_is_looked_at_like_a_file() {
    let desk = Desk::new();
    let ran = desk.run_on(&["init", "-"], GERMAN.as_bytes()).ended(0);
    assert!(ran.stdout.starts_with("standard input\n"), "{}", ran.stdout);
    assert_eq!(
        settings(&desk)["columns"]["email"].as_str().unwrap(),
        "E-Mail-Adresse"
    );
}

#[test]
fn histories_of_unknown_systems_give_every_stage() {
    let table = "Email,Stage 1,Date 1,Stage 2,Date 2\na@example.com,New,2026-11-18,Won,2026-11-19\nb@example.com,New,2026-11-18,,\n";
    let lines = r#"{"lead":{"email":"a@example.com"},"moves":[{"stage":"New","at":"2026-11-18T10:00:00Z"},{"stage":"Won","at":"2026-11-19T10:00:00Z"}]}
{"lead":{"email":"b@example.com"},"moves":[{"stage":"New","at":"2026-11-18T10:00:00Z"}]}
"#;
    let events = "Email,Stage,ts\na@example.com,New,1795000000\na@example.com,Won,1795100000\nb@example.com,New,1795000000\n";
    for (name, export) in [
        ("groups.csv", table),
        ("moves.ndjson", lines),
        ("events.csv", events),
    ] {
        let desk = Desk::new();
        desk.file(name, export);
        desk.run(&["init", name]).ended(0);
        let report = validate(&desk, &[name]);
        assert_eq!(
            (&report["would_send"], &report["exit_status"]),
            (&3.into(), &0.into()),
            "{name}: {report:#}"
        );
    }
}

#[test]
fn a_page_that_nobody_reads_to_its_end_leaves_the_settings_all_the_same() {
    let desk = Desk::new();
    desk.file("leads.csv", GERMAN);
    let mut child = desk
        .command(&["init", "leads.csv"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    child.wait().unwrap();
    assert_eq!(
        settings(&desk)["columns"]["email"].as_str().unwrap(),
        "E-Mail-Adresse"
    );
}

#[test]
fn headings_of_any_kind_read_back() {
    let desk = Desk::new();
    let export = "\"E-mail \"\"work\"\"\",Date,\"Stage = \\ #\",Date,\"Line\nbreak\"\na@example.com,2026-11-18,New,2026-11-19,x\n";
    desk.file("leads.csv", export);
    let given = [
        "--map",
        "email=E-mail \"work\"",
        "--map",
        "event_name=Stage = \\ #",
        "--map",
        "event_time=Date#2",
    ];
    let mut args = vec!["init", "leads.csv", "--map", "custom.note=Line\nbreak"];
    args.extend(given);
    desk.run(&args).ended(0);
    let settings = settings(&desk);
    assert_eq!(
        settings["columns"]["event_time"].as_str().unwrap(),
        "Date#2"
    );
    assert_eq!(
        settings["columns"]["custom.note"].as_str().unwrap(),
        "Line\nbreak"
    );
    assert_eq!(validate(&desk, &["leads.csv"])["would_send"], 1);
}

/// What `init --yes` says of a layout, and the settings it writes.
fn of_layout(name: &str, flags: &[&str]) -> (String, String) {
    let desk = Desk::new();
    let path = repository(&format!("tests/layouts/{name}"));
    let shown = desk
        .run(&[&["init", "--yes", path.as_str()], flags].concat())
        .ended(0)
        .stdout;
    let text = std::fs::read_to_string(desk.path().join("crm2capi.toml")).unwrap();
    (shown, text)
}

#[test]
fn stages_that_came_to_nothing_are_left_out_and_the_first_one_is_the_raw_lead() {
    let (shown, text) = of_layout("german-consent.csv", &[]);
    let lines = [
        "\"Neu\" = \"Lead\"  # 2, sounds like the stage that leads begin in",
        "\"Kein Interesse\" = \"\"  # 2, not sent: sounds as if the lead came to nothing",
        "\"Gewonnen\" = \"Gewonnen\"  # 2",
    ];
    for line in lines {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(shown.contains("not sent: sounds as if"), "{shown}");
    let (_, text) = of_layout("wide-kitchens-tbc.csv", &["--date-order", "dmy"]);
    assert!(
        text.contains("\"Date Enquired\" = \"Lead\"  # certain"),
        "{text}"
    );
}

#[test]
fn a_stage_that_is_still_to_come_is_no_failure() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "Email,Stage,Stage date\na@example.com,Not contacted,2026-11-19\nb@example.com,Not interested,2026-11-20\n",
    );
    desk.run(&["init", "--yes", "leads.csv"]).ended(0);
    let text = std::fs::read_to_string(desk.path().join("crm2capi.toml")).unwrap();
    assert!(text.contains("\"Not contacted\" = \"Lead\""), "{text}");
    assert!(text.contains("\"Not interested\" = \"\""), "{text}");
}

#[test]
fn the_order_of_stages_is_said_to_be_unknown_where_it_is() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "Email,Stage,Stage date\na@example.com,Won,2026-11-19\nb@example.com,Qualified,2026-11-20\n",
    );
    let shown = desk.run(&["init", "--yes", "leads.csv"]).ended(0).stdout;
    assert!(shown.contains("stages, in no known order"), "{shown}");
    let text = std::fs::read_to_string(desk.path().join("crm2capi.toml")).unwrap();
    assert!(
        text.contains("# CRM stage = event name, in no known order."),
        "{text}"
    );
}

#[test]
fn rows_that_did_not_come_from_meta_are_pointed_out() {
    let (shown, text) = of_layout("german-consent.csv", &[]);
    assert!(
        shown.contains("3 of 10 rows looked at did not come from Meta by \"Quelle\""),
        "{shown}"
    );
    assert!(
        text.contains("# [only]\n# \"Quelle\" = [\"Facebook\"]\n"),
        "{text}"
    );
}

#[test]
fn each_unused_column_has_a_reason() {
    let (shown, _) = of_layout("czech-raynet.csv", &[]);
    assert!(
        shown.contains("not used\n  Vlastník: about somebody or something else than the lead\n"),
        "{shown}"
    );
    let flags = ["--date-order", "dmy"];
    let (shown, _) = of_layout("wide-kitchens-tbc.csv", &flags);
    assert!(
        shown.contains("Fitting Date: empty in the rows looked at"),
        "{shown}"
    );
}

/// Looks at an export and gives the page and the settings.
fn looked_at(export: &str, flags: &[&str]) -> (String, String) {
    let desk = Desk::new();
    desk.file("leads.csv", export);
    let mut args = vec!["init", "leads.csv", "--yes"];
    args.extend(flags);
    let shown = desk.run(&args).ended(0).stdout;
    let text = std::fs::read_to_string(desk.path().join("crm2capi.toml")).unwrap();
    (shown, text)
}

#[test]
fn lead_ids_that_a_spreadsheet_rounded_stay_lead_ids_and_the_truth_is_said() {
    let export = "Facebook Lead ID,Email,Status,Status Changed On\n\
         1.23457E+15,a@example.com,New,2026-11-19 10:00\n\
         890123456789012,b@example.com,Qualified,2026-11-20 10:00\n";
    let (shown, text) = looked_at(export, &["--timezone", "UTC"]);
    assert!(
        text.contains(
            "lead_id = \"Facebook Lead ID\"  # certain, 1 of 2 values read as one, and a spreadsheet rounded 1\n"
        ),
        "{text}"
    );
    assert!(
        text.contains("# [fields]\n# lead_id = \"omit\"\n"),
        "{text}"
    );
    for words in [
        "1 of 2 rows give events (50 %), 1 would be refused",
        "a spreadsheet rounded 1 of 2 ids",
        "export again",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(!shown.contains("no column holds Meta's lead id"), "{shown}");
}

#[test]
fn sums_and_agreement_that_only_a_person_can_judge_are_offered_with_the_reason() {
    let export = "Email,Etapa,Fecha de etapa,Importe presupuesto,Opted In,Email Opt Out,C.P.,Caller Name\n\
         a@example.com,Nuevo,2026-11-19 10:00,1200,Yes,No,8001,Ana Gil\n\
         b@example.com,Ganado,2026-11-20 10:00,900,No,Yes,28013,Eva Ruiz\n";
    let (_, text) = looked_at(export, &["--default-country", "ES"]);
    for line in [
        "\n# value = \"Importe presupuesto\"  # guess: its heading speaks of a sum",
        "\n# consent = \"Opted In\"  # guess: it tells who agreed to messages",
        "\n# opt_out = \"Email Opt Out\"  # guess: it tells who wants no messages",
        "\nzip = \"C.P.\"  # certain",
        "\nfull_name = \"Caller Name\"  # certain",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let (_, text) = looked_at(&export.replace("Importe presupuesto", "Quote Amount"), &[]);
    assert!(
        text.contains("\n# value = \"Quote Amount\"  # guess"),
        "{text}"
    );
}

#[test]
fn a_polish_date_of_making_is_that_of_the_raw_lead() {
    let export = "E-mail,Status,utworzono\na@example.com,Nowy,2026-11-18 10:00\n";
    let (_, text) = looked_at(export, &["--stage-time", "first-seen"]);
    assert!(
        text.contains("\ncreated_time = \"utworzono\"  # certain"),
        "{text}"
    );
    assert!(
        text.contains("\n\"utworzono\" = \"Lead\"") || text.contains("\nutworzono = \"Lead\""),
        "{text}"
    );
}

#[test]
fn of_a_snapshot_no_time_is_missed() {
    let (shown, _) = looked_at(
        "Email,Stage\na@example.com,New\nb@example.com,Won\n",
        &["--stage-time", "first-seen"],
    );
    for words in [
        "shape      snapshot: one row a lead with the stage it is in now",
        "time zone  none is needed: a stage's time is that of the export",
        "still open in it: dataset_id\n",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[test]
fn advice_never_names_a_column_that_cannot_be() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "Campaign Id,responsible_user_id,Order,Stage,Stage date\n\
         120210000000001,21255501010,7,New,2026-11-19\n120210000000002,21255501010,8,Won,2026-11-20\n",
    );
    for args in [
        vec!["init", "leads.csv", "--yes"],
        vec!["validate", "leads.csv", "--preset", "none", "--now", NOW],
    ] {
        let said = desk.run(&args).ended(2).stderr;
        for column in ["Campaign Id", "responsible_user_id", "Order"] {
            assert!(!said.contains(column), "{args:?}: {said}");
        }
        std::fs::remove_file(desk.path().join("crm2capi.toml")).ok();
    }
}

#[test]
fn years_of_two_digits_leave_the_order_open_and_give_no_event() {
    let desk = Desk::new();
    let table = "email,stage,stage date\na@example.com,New,04.11.26 10:00\nb@example.com,Won,03.11.26 10:00\n";
    std::fs::write(desk.path().join("leads.csv"), table).unwrap();
    let ran = desk.run(&["init", "--yes", "leads.csv"]).ended(2);
    for words in [
        "the years have two digits",
        "still open in it: date_order, timezone, dataset_id",
    ] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
    assert!(ran.stderr.contains("--date-order dmy"), "{}", ran.stderr);
    let flags = [
        "--force",
        "--date-order",
        "dmy",
        "--timezone",
        "Europe/Rome",
    ];
    let args = [&["init", "--yes", "leads.csv"][..], &flags].concat();
    let ran = desk.run(&args).ended(0);
    assert!(
        ran.stdout.contains("they are read in Europe/Rome") && !ran.stdout.contains("UTC"),
        "{}",
        ran.stdout
    );
}

#[test]
fn the_one_time_of_a_row_is_named_where_the_stage_is_not_known() {
    let desk = Desk::new();
    let lines = "{\"occurred_at\":\"2026-11-14T10:00:00Z\",\"kind\":\"abc\",\"person\":{\"email\":\"a@example.com\"}}\n\
                 {\"occurred_at\":\"2026-11-15T10:00:00Z\",\"kind\":\"abd\",\"person\":{\"email\":\"b@example.com\"}}\n";
    std::fs::write(desk.path().join("leads.ndjson"), lines).unwrap();
    let ran = desk.run(&["init", "--yes", "leads.ndjson"]);
    assert_ne!(ran.status, 0);
    let words = "its time with --map event_time=\"occurred_at\"";
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
    assert!(!ran.stderr.contains("occurred_at=Event"), "{}", ran.stderr);
    let text = std::fs::read_to_string(desk.path().join("crm2capi.toml")).unwrap();
    assert!(text.contains("# event_time = \"occurred_at\""), "{text}");
}

#[test]
fn stage_columns_known_for_certain_stay_beside_one_given_by_hand() {
    let (_, text) = of_layout(
        "clinica-datas.csv",
        &["--stage-column", "Próxima consulta=Retorno"],
    );
    for line in [
        "\"Próxima consulta\" = \"Retorno\"",
        "\"Pago em\" = \"Pago\"",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[test]
fn a_hubspot_export_without_dates_of_its_stages_says_what_to_add() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "Record ID,First Name,Email,Lifecycle Stage,Create Date\n1,Ava,ava@example.com,Lead,2026-11-20 10:00\n",
    );
    let validated = desk.run(&["validate", "leads.csv", "--now", NOW]).ended(2);
    let said = "no column says when a stage was reached";
    assert!(validated.stderr.contains(said), "{}", validated.stderr);
    let advice = "add the properties Became a Lead Date";
    assert!(validated.stderr.contains(advice), "{}", validated.stderr);
    let drafted = desk.run(&["init", "--yes", "leads.csv"]).ended(2);
    assert!(drafted.stderr.contains(advice), "{}", drafted.stderr);
    // What it advises to do without them is enough.
    let counted = [
        "validate",
        "leads.csv",
        "--now",
        NOW,
        "--timezone",
        "UTC",
        "--stage-time",
        "first-seen",
    ];
    std::fs::remove_file(desk.path().join("crm2capi.toml")).unwrap();
    let counted = desk.run(&counted).ended(0);
    assert!(
        counted.stdout.contains("preset hubspot-contacts"),
        "{}",
        counted.stdout
    );
}
