//! Every command line in README, book and examples is run as a reader would run it, against the sandbox; the few that are
//! not are listed with the reason. Those shown with their output are compared with it in `book.rs`.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use jiff::{Timestamp, ToSpan};

use crate::book::{blocks, calls, copy, files};
use crate::support::sandbox::Sandbox;
use crate::support::{Desk, NOW, Ran, repository};

/// Lines that call no crm2capi, by their beginnings, and why no test here runs them.
const OTHERS: [(&str, &str); 13] = [
    ("cargo run ", ".ci/run runs it"),
    ("cargo test ", "it is what runs this"),
    (
        "cargo install ",
        "a test builds nothing anew; the workflow builds the same",
    ),
    ("docker build ", "the workflow builds and starts the image"),
    (
        "docker run ",
        "the call after it is run here, without the container",
    ),
    ("psql ", "tests/recipes/check.sh runs it with a database"),
    (
        "curl -s http://127.0.0.1:8023",
        "sandbox.rs asks it the same",
    ),
    (
        "curl -i http://127.0.0.1:8024",
        "faults/serve.rs posts the same",
    ),
    ("export CRM2CAPI_", "the variables are set here"),
    ("cd ", "is heeded here"),
    (
        "sha256sum --check ",
        "tests/packaging/installs.sh checks a release",
    ),
    ("gh attestation ", "there is no release yet"),
    (
        "RUSTUP_TOOLCHAIN=",
        "tests/packaging/reproducible.sh builds twice",
    ),
];

/// Commands that go on until they are stopped, and where they are tested.
const ENDLESS: [(&str, &str); 3] = [
    ("sandbox", "sandbox.rs"),
    ("watch", "scheduled.rs"),
    ("serve", "faults/serve.rs"),
];

/// The lines in which a page tells what to type, with that of their first character; what is printed in answer is left out,
/// and so are commands that are shown with it.
fn lines(page: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    for (start, block) in blocks(page, &["console"]) {
        let all: Vec<&str> = block.lines().collect();
        for (place, line) in all.iter().enumerate() {
            let after = all.get(place + 1).copied().unwrap_or_default();
            if let (Some(command), true) = (
                line.strip_prefix("$ "),
                after.is_empty() || after.starts_with("$ "),
            ) {
                lines.push((start + place, command.to_owned()));
            }
        }
    }
    for (language, is_only_calls) in [("sh", false), ("yaml", true)] {
        for (start, block) in blocks(page, &[language]) {
            for (place, line) in block.replace("\\\n", "  ").lines().enumerate() {
                let line = line.trim().trim_start_matches("- run: ");
                if !line.is_empty() && (!is_only_calls || !calls(line).is_empty()) {
                    lines.push((start + place, line.to_owned()));
                }
            }
        }
    }
    lines.sort_by_key(|&(place, _)| place);
    lines
}

/// An export of the day before a time, with the headings that the pages name.
fn export(now: Timestamp) -> String {
    let day = |ago: i64| now - (24 * ago).hours();
    format!(
        "lead_id,E-mail address,phone,created_time,Status,Status since\n\
         1234567890123456,ava@example.com,+12125550101,{0:.0},Lead,{1:.0}\n\
         2345678901234567,marcus@example.org,+16175550122,{0:.0},Qualified,{1:.0}\n",
        day(2),
        day(1)
    )
}

/// Whoever reads a page: in a folder with all that the pages speak of.
struct Reader {
    desk: Desk,
    sandbox: Sandbox,
    folder: PathBuf,
}

impl Reader {
    fn new() -> Self {
        let desk = Desk::new();
        let examples = repository("examples");
        copy(Path::new(&examples), desk.path());
        copy(Path::new(&examples), &desk.path().join("examples"));
        let (today, then) = (Timestamp::now(), NOW.parse().unwrap());
        for (folder, now) in [("", today), ("exports", today), ("samples", then)] {
            let folder = desk.path().join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("leads.csv"), export(now)).unwrap();
        }
        std::fs::create_dir_all(desk.path().join("ledger")).unwrap();
        for client in ["crm2capi", "acme", "brook", "cove"] {
            desk.file(
                &format!("{client}.toml"),
                "[meta]\ndataset_id = \"123456789012345\"\n[input]\nfiles = [\"exports\"]\n\
                 [columns]\nemail = \"E-mail address\"\nevent_name = \"Status\"\nevent_time = \"Status since\"\n",
            );
        }
        let yesterday = Timestamp::now() - 24.hours();
        let body = format!(
            r#"{{"email": "ava@example.com", "stage": "Qualified", "event_time": "{yesterday:.0}"}}"#
        );
        desk.file("body.json", body);
        let leads = desk.path().join("leads/sandbox.json");
        let sandbox = Sandbox::start(&desk, &["--leads", leads.to_str().unwrap()]);
        let folder = desk.path().to_owned();
        let reader = Self {
            desk,
            sandbox,
            folder,
        };
        let used = "crm2capi upload --ledger ledger.sqlite3 --config acme.toml leads.csv";
        let used: Vec<String> = used.split(' ').map(str::to_owned).collect();
        reader.runs(&used).ended(0);
        reader
    }

    /// Runs a call with the folders of a server in the place of this desk.
    fn runs(&self, words: &[String]) -> Ran {
        let here = |word: &String| {
            let word = word.replace("/var/lib/crm2capi/", "").replace("/etc/", "");
            word.replace("/srv/exports", "exports")
                .replace("http://127.0.0.1:8023", &self.sandbox.url)
        };
        let words: Vec<String> = words[1..].iter().map(here).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if words.first() == Some(&"init") {
            // Settings that are there are never replaced.
            std::fs::remove_file(self.folder.join("crm2capi.toml")).unwrap();
        }
        let mut command = self.desk.command(&words);
        command
            .current_dir(&self.folder)
            .env("CRM2CAPI_GRAPH_URL", &self.sandbox.url)
            .env("CRM2CAPI_DATASET_ID", "123456789012345");
        for token in ["ACCESS", "READ", "LEADS"] {
            command.env(format!("CRM2CAPI_{token}_TOKEN"), "any");
        }
        if words.last() == Some(&"-") {
            let input = self.desk.file("stream.csv", export(Timestamp::now()));
            command.stdin(Stdio::from(std::fs::File::open(input).unwrap()));
        }
        Ran::of(&words, command.output().unwrap())
    }
}

/// Runs what a line calls, and tells how many calls there were and what went wrong.
fn run(reader: &Reader, line: &str, wrong: &mut Vec<String>) -> usize {
    let ends = |words: &&Vec<String>| ENDLESS.iter().all(|(verb, _)| words[1] != *verb);
    let calls = calls(line);
    for words in calls.iter().filter(ends) {
        let Ran {
            status,
            stdout,
            stderr,
            ..
        } = reader.runs(words);
        // To `status --max-age`, what went to a sandbox is no upload.
        let is_rehearsal = words[1] == "status" && status == 1 && stdout.contains("a rehearsal");
        if status != 0 && !is_rehearsal {
            wrong.push(format!("{line}\nended with {status}\n{stdout}{stderr}"));
        }
    }
    calls.len()
}

#[test]
fn every_command_is_run_or_says_why_not() {
    let mut left_out = [0; OTHERS.len()];
    let mut count = 0;
    let mut wrong = Vec::new();
    for file in files() {
        let page = std::fs::read_to_string(repository(&file))
            .unwrap()
            .replace("\r\n", "\n");
        let lines = lines(&page);
        if lines.is_empty() {
            continue;
        }
        let mut reader = Reader::new();
        for (place, line) in lines {
            if let Some(folder) = line.strip_prefix("cd ") {
                reader.folder.push(folder);
            }
            let before = wrong.len();
            let calls = run(&reader, &line, &mut wrong);
            match OTHERS.iter().position(|(start, _)| line.starts_with(start)) {
                Some(other) => left_out[other] += 1,
                None if calls == 0 => wrong.push(format!("{line}\nis neither run nor listed")),
                None => {}
            }
            for said in &mut wrong[before..] {
                said.insert_str(0, &format!("{file}:{place}: "));
            }
            count += calls;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    for ((start, why), count) in OTHERS.iter().zip(left_out) {
        assert!(count > 0, "no line begins with {start:?} ({why})");
    }
    assert!(count > 20, "only {count} commands were run");
}
