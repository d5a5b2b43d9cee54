//! What the program tells of itself: help texts, pages of topics, completions, manual pages and messages.

use std::collections::BTreeSet;

use clap::Command;

use crate::support::{Desk, repository};

fn commands() -> Vec<Command> {
    let mut program = crm2capi::command();
    program.build();
    let subcommands: Vec<_> = program.get_subcommands().cloned().collect();
    std::iter::once(program).chain(subcommands).collect()
}

/// The program, its commands, and theirs.
fn all_commands() -> Vec<Command> {
    let commands = commands();
    let nested = commands.iter().skip(1).flat_map(Command::get_subcommands);
    let nested: Vec<_> = nested.cloned().collect();
    commands.into_iter().chain(nested).collect()
}

/// To take over what has changed, after reading it: `TRYCMD=overwrite cargo test --test it help`.
#[test]
fn every_help_text_is_as_it_was_read_and_found_good() {
    trycmd::TestCases::new()
        .env("COLUMNS", "80")
        .env("NO_COLOR", "1")
        .insert_var("[VERSION]", env!("CARGO_PKG_VERSION"))
        .unwrap()
        .case("tests/cases/help/*.trycmd");
}

#[test]
fn every_command_has_its_transcript() {
    for command in all_commands() {
        let name = command.get_display_name().unwrap_or(command.get_name());
        let name = name.strip_prefix("crm2capi-").unwrap_or(name);
        let transcript = repository(&format!("tests/cases/help/{name}.trycmd"));
        assert!(
            std::fs::exists(transcript).unwrap(),
            "{}",
            command.get_name()
        );
    }
}

#[test]
fn every_command_and_every_option_is_explained() {
    for command in all_commands() {
        assert!(command.get_about().is_some(), "{}", command.get_name());
        for option in command.get_arguments() {
            assert!(
                option.get_help().is_some(),
                "{} {}",
                command.get_name(),
                option.get_id()
            );
        }
    }
}

#[test]
fn every_command_has_examples_and_every_example_is_a_command_line_that_parses() {
    for command in all_commands() {
        let text = command
            .get_after_long_help()
            .unwrap_or_else(|| panic!("{}", command.get_name()))
            .to_string();
        let (_, examples) = text
            .split_once("Examples:")
            .unwrap_or_else(|| panic!("{}", command.get_name()));
        let lines: Vec<_> = examples
            .lines()
            .filter(|line| line.starts_with("    "))
            .collect();
        assert!(!lines.is_empty(), "{}", command.get_name());
        for line in lines {
            assert!(
                line.len() <= 80,
                "clap would break this line at 80 columns: {line}"
            );
            let from_program = &line[line.find("crm2capi").unwrap()..];
            let end = from_program
                .find([')', '>', '|'])
                .unwrap_or(from_program.len());
            let words = shlex(&from_program[..end]);
            crm2capi::command()
                .try_get_matches_from(&words)
                .unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }
}

/// Words as a shell takes them, apostrophes being the only quotes.
pub fn shlex(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for (index, part) in line.trim().split('\'').enumerate() {
        let mut pieces = if index % 2 == 1 {
            vec![part]
        } else {
            part.split(' ').collect()
        }
        .into_iter();
        words
            .last_mut()
            .expect("there is a first word")
            .push_str(pieces.next().expect("split gives at least one"));
        words.extend(pieces.map(str::to_owned));
    }
    words
}

#[test]
fn every_problem_is_listed_once_with_its_cause_and_cure() {
    let page = Desk::new().run(&["help", "problems"]).ended(0).stdout;
    for (problem, _) in crm2capi::problems() {
        let (name, cause, cure) = (problem.code, problem.message, problem.help);
        // The weight and the name, and nothing else, stand on the first line.
        let is_of = |entry: &&str| {
            let words: Vec<_> = entry
                .lines()
                .next()
                .unwrap_or_default()
                .split_whitespace()
                .collect();
            matches!(words[..], [_, code] if code == name)
        };
        let mut entries = page.split("\n\n").filter(is_of);
        let entry = entries
            .next()
            .unwrap_or_else(|| panic!("{name} is not listed"));
        assert!(
            squeezed(entry).ends_with(&squeezed(&format!("{name} {cause} → {cure}"))),
            "{entry}"
        );
        assert!(entries.next().is_none(), "{name} is listed twice");
    }
}

/// To take over what has changed: `TRYCMD=overwrite cargo test --test it help::every`.
#[test]
fn every_page_of_reference_in_the_book_is_what_the_program_knows() {
    let overwrites = std::env::var("TRYCMD").is_ok_and(|mode| mode == "overwrite");
    for (name, page) in crate::reference::pages() {
        let path = repository(&format!("docs/src/{name}"));
        if overwrites {
            std::fs::write(&path, &page).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept.replace("\r\n", "\n") == page,
            "docs/src/{name} is out of date; run `TRYCMD=overwrite cargo test --test it help::every`"
        );
    }
}

/// Here, so that the variable above takes over both.
#[test]
fn every_output_that_readme_and_book_show_is_printed() {
    crate::book::assert_that_what_is_shown_is_printed();
}

/// Without white space, and so without line breaks and indents.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn completions_know_every_command_and_option() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = desk.run(&["completions", shell]).ended(0).stdout;
        for word in [
            "upload",
            "validate",
            "normalize",
            "metrics-file",
            "default-country",
        ] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn there_is_a_manual_page_for_every_command_that_is_shown() {
    let desk = Desk::new();
    desk.run(&["man", "pages"]).ended(0);
    let written = std::fs::read_dir(desk.path().join("pages")).unwrap();
    let written: BTreeSet<_> = written
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let shown = all_commands().into_iter();
    let shown = shown.filter(|command| !command.is_hide_set());
    let expected: BTreeSet<_> = shown
        .map(|command| {
            let name = command.get_display_name().unwrap_or(command.get_name());
            format!("{name}.1")
        })
        .collect();
    assert_eq!(written, expected);
    let page = std::fs::read_to_string(desk.path().join("pages/crm2capi-upload.1")).unwrap();
    for words in [
        "\\-\\-test\\-event\\-code",
        "Examples:",
        "CRM2CAPI_ACCESS_TOKEN",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(
        !page.contains('\u{1b}'),
        "a manual page has no colours of a terminal"
    );
}

#[test]
fn manual_pages_that_cannot_be_written_say_where() {
    let desk = Desk::new();
    desk.file("taken", "");
    let ran = desk.run(&["man", "taken"]).ended(2);
    assert!(
        ran.stderr
            .starts_with("error: cannot write the manual pages to taken: "),
        "{}",
        ran.stderr
    );
}

#[test]
fn messages_are_json_lines_when_asked_for() {
    let desk = Desk::new();
    let ran = desk
        .run(&["validate", "--log-format", "json", "nowhere.csv"])
        .ended(2);
    let line: serde_json::Value = serde_json::from_str(ran.stderr.trim_end()).unwrap();
    assert_eq!(line["level"], "error");
    assert!(
        line["message"].as_str().unwrap().contains("nowhere.csv"),
        "{line}"
    );
    line["time"]
        .as_str()
        .unwrap()
        .parse::<jiff::Timestamp>()
        .unwrap();

    desk.file(
        "leads.csv",
        "lead_id,Stage,Stage Date\n1234567890123456,New,2026-11-20 09:00\n",
    );
    let args = [
        "build",
        "--log-format=json",
        "--now",
        crate::support::NOW,
        "--crm",
        "Example",
        "leads.csv",
    ];
    let ran = desk.run(&args).ended(0);
    assert!(!ran.stderr.is_empty());
    for line in ran.stderr.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["level"], "warning", "{line}");
    }
}

#[test]
fn quiet_says_nothing_when_all_went_well_and_everything_when_not() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "lead_id,Stage,Stage Date\n1234567890123456,New,2026-11-20T09:00:00Z\n",
    );
    let args = |file: &'static str| {
        [
            "upload",
            "--sandbox",
            "--quiet",
            "--now",
            crate::support::NOW,
            file,
        ]
    };
    let ran = desk.run(&args("leads.csv")).ended(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));

    desk.file(
        "bad.csv",
        "lead_id,Stage,Stage Date\n1,New,2026-11-20T09:00:00Z\n1234567890123456,New,2026-11-20T09:00:00Z\n",
    );
    let ran = desk.run(&args("bad.csv")).ended(1);
    assert!(ran.stdout.contains("lead-id-malformed"), "{}", ran.stdout);

    let ran = desk
        .run(&[&args("leads.csv")[..], &["--format", "json"]].concat())
        .ended(0);
    assert_eq!(ran.json()["accepted"], 1);
}

#[test]
fn the_numbers_of_a_run_are_written_for_a_monitor() {
    let desk = Desk::new();
    desk.file(
        "leads.csv",
        "lead_id,Stage,Stage Date\n1234567890123456,New,2026-11-20T09:00:00Z\n",
    );
    for command in [&["upload", "--sandbox"][..], &["validate"]] {
        let args = [
            command,
            &[
                "--metrics-file",
                "m.prom",
                "--now",
                crate::support::NOW,
                "leads.csv",
            ],
        ]
        .concat();
        desk.run(&args).ended(0);
        let metrics = std::fs::read_to_string(desk.path().join("m.prom")).unwrap();
        assert!(
            metrics
                .lines()
                .any(|line| line.starts_with("crm2capi_events{") && line.ends_with(" 1")),
            "{metrics}"
        );
    }
    let args = [
        "upload",
        "--sandbox",
        "--metrics-file",
        "no/m.prom",
        "--now",
        crate::support::NOW,
        "leads.csv",
    ];
    let ran = desk.run(&args).ended(2);
    assert!(
        ran.stderr.contains(
            "cannot write the metrics no/m.prom: there is no folder no; nothing was sent"
        ),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.is_empty(), "{}", ran.stdout);
}

#[test]
fn the_readme_shows_what_its_first_command_prints() {
    let readme = std::fs::read_to_string(repository("README.md")).unwrap();
    let (_, block) = readme.split_once("```console\n$ crm2capi ").unwrap();
    let (command, rest) = block.split_once('\n').unwrap();
    let (shown, _) = rest.split_once("```\n").unwrap();
    let desk = Desk::new();
    let export = std::fs::read(repository("examples/hubspot.csv")).unwrap();
    std::fs::create_dir(desk.path().join("examples")).unwrap();
    desk.file("examples/hubspot.csv", export);
    let words: Vec<&str> = command.split(' ').collect();
    let ran = desk.run_with(&words, &[("COLUMNS", "100")]).ended(0);
    assert_eq!(ran.stdout, shown);
}
