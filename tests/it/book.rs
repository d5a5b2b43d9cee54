//! The README and the book in `docs/`: complete, without a link that leads nowhere, and true of the program: every command
//! line parses, every output that is shown is printed, every settings file that is shown is one.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::{Desk, repository};

/// All links of a page but those to other sites, as (file, heading); either may be empty.
fn links(page: &str) -> Vec<(&str, &str)> {
    page.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.split_once('#').unwrap_or((target, "")))
        .filter(|(file, _)| !file.contains("://"))
        .collect()
}

/// By what links find the headings of a page.
fn headings(page: &str) -> Vec<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    let slug = |heading: &str| {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = |sign: &char| sign.is_alphanumeric() || " -_".contains(*sign);
        words
            .chars()
            .filter(kept)
            .collect::<String>()
            .replace(' ', "-")
    };
    headings.map(slug).collect()
}

/// The pages of the book, by their place under `docs/src`.
fn pages() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    for folder in ["", "crm/"] {
        for entry in std::fs::read_dir(repository(&format!("docs/src/{folder}"))).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let name = path.file_name().unwrap().to_string_lossy();
                let text = std::fs::read_to_string(&path)
                    .unwrap()
                    .replace("\r\n", "\n");
                pages.push((format!("{folder}{name}"), text));
            }
        }
    }
    pages.sort();
    pages
}

/// The files in which somebody reads what to type, by their place in the repository.
pub fn files() -> Vec<String> {
    let pages = pages();
    let book = pages.iter().map(|(name, _)| format!("docs/src/{name}"));
    let others = [
        "README.md",
        "examples/README.md",
        "examples/snapshots/README.md",
        "SECURITY.md",
    ];
    book.chain(others.map(str::to_owned)).collect()
}

#[test]
fn no_link_leads_nowhere() {
    for file in files() {
        let text = std::fs::read_to_string(repository(&file)).unwrap();
        let folder = Path::new(&file).parent().unwrap();
        for (target, heading) in links(&text) {
            let path = match target {
                "" => file.clone(),
                target => folder.join(target).to_str().unwrap().to_owned(),
            };
            assert!(Path::new(&repository(&path)).exists(), "{file}: {target}");
            if !heading.is_empty() {
                let page = std::fs::read_to_string(repository(&path)).unwrap();
                assert!(
                    headings(&page).iter().any(|it| it == heading),
                    "{file}: {target}#{heading}"
                );
            }
        }
    }
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let pages = pages();
    let (_, summary) = pages.iter().find(|(name, _)| name == "SUMMARY.md").unwrap();
    let listed = links(summary);
    for (name, _) in &pages {
        let count = listed.iter().filter(|(page, _)| page == name).count();
        assert!(name == "SUMMARY.md" || count == 1, "{name}");
    }
}

#[test]
fn the_readme_fits_a_visit() {
    let readme = std::fs::read_to_string(repository("README.md")).unwrap();
    let lines: Vec<&str> = readme.lines().collect();
    assert!(lines.len() <= 150, "{} lines", lines.len());
    let rows = |table: &[&str]| table.len() - 2;
    for table in lines.chunk_by(|above, below| above.starts_with('|') == below.starts_with('|')) {
        assert!(
            !table[0].starts_with('|') || rows(table) <= 10,
            "{}",
            table[0]
        );
    }
}

#[test]
fn every_problem_code_in_the_book_is_one() {
    let desk = Desk::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    for topic in ["problems", "presets"] {
        let page = desk.run(&["help", topic]).ended(0).stdout;
        known.extend(page.split_whitespace().map(str::to_owned));
    }
    // Words that are written alike and are something else.
    let others = [
        "first-seen",
        "exit-status",
        "windows-1252",
        "failed-2",
        "failed-3",
        "failed-4",
    ];
    for (name, page) in pages() {
        for code in page.split('`').skip(1).step_by(2) {
            let is_code = code.contains('-')
                && code
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
                && !code.starts_with('-');
            assert!(
                !is_code || known.contains(code) || others.contains(&code),
                "{name}: {code}"
            );
        }
    }
}

/// The blocks of code in one of these languages, as (line of the first, text).
pub fn blocks<'a>(page: &'a str, languages: &[&str]) -> Vec<(usize, &'a str)> {
    let mut blocks = Vec::new();
    let mut rest = page;
    let mut line = 1;
    while let Some((before, after)) = rest.split_once("```") {
        line += before.matches('\n').count();
        let Some((language, after)) = after.split_once('\n') else {
            break;
        };
        let (text, after) = after.split_once("```").unwrap_or((after, ""));
        if languages.contains(&language.trim()) {
            blocks.push((line + 1, text));
        }
        line += 1 + text.matches('\n').count();
        rest = after;
    }
    blocks
}

/// The words of every call of the program in a line of a shell script.
pub fn calls(line: &str) -> Vec<Vec<String>> {
    let line = line.split(" #").next().unwrap_or_default();
    let mut calls = Vec::new();
    for (place, _) in line.match_indices("crm2capi ") {
        let before = &line[..place];
        let is_called = before.is_empty() || before.ends_with([' ', '(', '/']);
        // An image's name, or a path that is mounted.
        let is_argument = before.ends_with("--tag ")
            || before
                .rsplit(' ')
                .next()
                .is_some_and(|word| word.contains(':'));
        if is_called && !is_argument {
            let text = &line[place..];
            let end = text.find(['|', '>', '&', ')', ';']).unwrap_or(text.len());
            calls.push(crate::help::shlex(&text[..end].replace('"', "'")));
        }
    }
    calls
}

#[test]
fn every_command_line_parses() {
    let mut count = 0;
    for file in files() {
        let page = std::fs::read_to_string(repository(&file)).unwrap();
        for (start, block) in blocks(
            &page,
            &["console", "sh", "powershell", "yaml", "ini", "dockerfile"],
        ) {
            for (offset, line) in block.replace("\\\n", "  ").lines().enumerate() {
                for words in calls(line.trim_start().trim_start_matches("$ ")) {
                    count += 1;
                    if let Err(error) = crm2capi::command().try_get_matches_from(&words) {
                        let is_asked_for = !error.use_stderr();
                        assert!(is_asked_for, "{file}:{}: {line}\n{error}", start + offset);
                    }
                }
            }
        }
    }
    assert!(count > 50, "only {count} command lines were found");
}

/// A command of a console block, and what it prints below it.
struct Shown {
    command: String,
    output: String,
}

fn shown(block: &str) -> Vec<Shown> {
    let mut all: Vec<Shown> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), all.last_mut()) {
            (Some(command), _) => all.push(Shown {
                command: command.to_owned(),
                output: String::new(),
            }),
            (None, Some(last)) => last.output += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    // An empty line before the next command belongs to nobody.
    for shown in &mut all {
        while shown.output.ends_with("\n\n") {
            shown.output.pop();
        }
        if shown.output == "\n" {
            shown.output.clear();
        }
    }
    all
}

/// Whether a page prints what is shown of it; a line of `…` stands for any lines.
fn matches(shown: &str, printed: &str) -> bool {
    let Some((before, after)) = shown.split_once("…\n") else {
        return shown == printed;
    };
    match printed.strip_prefix(before) {
        None => false,
        Some(rest) => (0..=rest.len())
            .filter(|&place| place == 0 || rest.as_bytes()[place - 1] == b'\n')
            .any(|place| matches(after, &rest[place..])),
    }
}

/// What is shown below a command in README and book, each in a folder with the examples in it. With `TRYCMD=overwrite` what
/// changed is written, where it is shown whole.
pub fn assert_that_what_is_shown_is_printed() {
    let overwrites = std::env::var("TRYCMD").is_ok_and(|mode| mode == "overwrite");
    for file in files() {
        let path = repository(&file);
        let page = std::fs::read_to_string(&path)
            .unwrap()
            .replace("\r\n", "\n");
        let mut written = page.clone();
        // As somebody has them who works in the repository, or in its folder of examples.
        let desk = Desk::new();
        let examples = repository("examples");
        copy(Path::new(&examples), desk.path());
        copy(Path::new(&examples), &desk.path().join("examples"));
        for (line, block) in blocks(&page, &["console"]) {
            let all = shown(block);
            for Shown { command, output } in all.iter().filter(|shown| !shown.output.is_empty()) {
                let words = calls(command)
                    .pop()
                    .unwrap_or_else(|| panic!("{file}:{line}: {command}"));
                let words: Vec<&str> = words[1..].iter().map(String::as_str).collect();
                let ran = desk.run_with(&words, &[("COLUMNS", "100")]);
                if matches(output, &ran.stdout) || matches(output, &ran.stderr) {
                    continue;
                }
                let printed = match ran.stdout.is_empty() {
                    true => &ran.stderr,
                    false => &ran.stdout,
                };
                assert!(
                    overwrites && !output.contains("…\n"),
                    "{file}:{line}: $ {command}\n--- shown\n{output}--- printed\n{printed}"
                );
                let (old, new) = (
                    format!("$ {command}\n{output}"),
                    format!("$ {command}\n{printed}"),
                );
                written = written.replacen(&old, &new, 1);
            }
        }
        if written != page {
            std::fs::write(path, written).unwrap();
        }
    }
}

pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

#[test]
fn every_settings_file_that_is_shown_is_one() {
    for file in files() {
        let page = std::fs::read_to_string(repository(&file)).unwrap();
        for (line, text) in blocks(&page, &["toml"]) {
            if let Err(error) = crm2capi::Export::new(["any.csv"]).settings(text) {
                panic!("{file}:{line}: {error:#}");
            }
        }
    }
}
