//! The rooms of the crate stand in one order, and nobody reaches against it. Read from the `use` lines of the source.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::support::repository;

/// The rooms from the ground up: each may use those above it in this list, and no other.
const ROOMS: [&str; 34] = [
    "text",
    "files",
    "watch",
    "listen",
    "field",
    "problem",
    "json",
    "cell",
    "time",
    "source",
    "customer",
    "custom_data",
    "mapping",
    "event",
    "rules",
    "join",
    "ledger",
    "batch",
    "graph",
    "deliver",
    "ask",
    "leads",
    "report",
    "run",
    "serve",
    "render",
    "notify",
    "remote",
    "inspect",
    "sandbox",
    "cli",
    "config",
    "commands",
    "api",
];

/// A module's path, such as `run::upload`.
type Module = String;

/// What each module uses, by the module it comes from.
struct Crate {
    uses: BTreeMap<Module, BTreeSet<Module>>,
}

impl Crate {
    fn read() -> Self {
        let root = repository("src");
        let mut sources = BTreeMap::new();
        collect(Path::new(&root), Path::new(&root), &mut sources);
        let named: BTreeMap<&Module, Vec<(bool, Vec<String>)>> = sources
            .iter()
            .map(|(module, text)| (module, paths(module, text, &sources)))
            .collect();
        // Under which names a module hands on what is another's.
        let mut handed_on = BTreeMap::new();
        for (module, paths) in &named {
            for (_, path) in paths.iter().filter(|(is_handed_on, _)| *is_handed_on) {
                if let Some(name) = path.last() {
                    handed_on.insert((module.to_string(), name.clone()), path.clone());
                }
            }
        }
        let home = |path: &[String]| home(path, &sources, &handed_on, 0);
        let uses = named.iter().map(|(module, paths)| {
            let own = format!("{module}::");
            let homes = paths.iter().filter_map(|(is_handed_on, path)| {
                let home = home(path)?;
                (home != **module && !(*is_handed_on && home.starts_with(&own))).then_some(home)
            });
            (module.to_string(), homes.collect())
        });
        Self {
            uses: uses.collect(),
        }
    }

    /// Whether `from` reaches `to`, directly or through others.
    fn reaches(&self, from: &Module, to: &Module) -> bool {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(module) = open.pop() {
            for used in self.uses.get(module).into_iter().flatten() {
                if used == to {
                    return true;
                }
                if seen.insert(used) {
                    open.push(used);
                }
            }
        }
        false
    }
}

/// The production code of every module. Files of tests are not part of it.
fn collect(root: &Path, folder: &Path, sources: &mut BTreeMap<Module, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if name != "tests" {
                collect(root, &path, sources);
            }
            continue;
        }
        let is_of_tests =
            ["tests.rs", "testing.rs", "samples.rs", "main.rs", "lib.rs"].contains(&name);
        if is_of_tests || !name.ends_with(".rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let lines = code.lines().map(|line| line.split("//").next().unwrap());
        let code = lines.collect::<Vec<_>>().join("\n");
        let relative = path.strip_prefix(root).unwrap().with_extension("");
        let mut parts: Vec<&str> = relative.iter().map(|part| part.to_str().unwrap()).collect();
        parts.retain(|part| *part != "mod");
        sources.insert(parts.join("::"), code);
    }
}

/// The absolute paths that a module names, and whether it hands them on.
fn paths(module: &str, text: &str, sources: &BTreeMap<Module, String>) -> Vec<(bool, Vec<String>)> {
    let mut found = Vec::new();
    let mut rest = String::new();
    for statement in text.split_inclusive(';') {
        let use_at = statement.rfind("use ").filter(|at| {
            let line = statement[..*at].rsplit('\n').next().unwrap_or("");
            let line = line.trim();
            line.is_empty() || line == "pub" || line.starts_with("pub(") && line.ends_with(')')
        });
        let Some(at) = use_at else {
            rest.push_str(statement);
            continue;
        };
        let line = statement[..at].rsplit('\n').next().unwrap_or("");
        rest.push_str(&statement[..at]);
        let tree = statement[at + 4..].trim_end_matches(';');
        for path in expanded(tree) {
            found.push((line.trim().starts_with("pub"), path));
        }
    }
    for start in ["crate::", "super::"] {
        for (at, _) in rest.match_indices(start) {
            let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
            let path = rest[at..].split(|c| !is_part(c)).next().unwrap();
            found.push((false, path.trim_end_matches(':').to_owned()));
        }
    }
    found
        .into_iter()
        .filter_map(|(is_handed_on, path)| Some((is_handed_on, absolute(module, &path, sources)?)))
        .collect()
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`.
fn expanded(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((before, inside)) = tree.split_once('{') else {
        return vec![tree.split(" as ").next().unwrap().trim().to_owned()];
    };
    let inside = &inside[..inside.rfind('}').unwrap_or(inside.len())];
    let (mut parts, mut depth, mut part) = (Vec::new(), 0, String::new());
    for letter in inside.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(letter);
    }
    parts.push(part);
    parts
        .iter()
        .filter(|part| !part.trim().is_empty())
        .flat_map(|part| expanded(part))
        .map(|path| format!("{}{path}", before.trim()))
        .collect()
}

fn absolute(module: &str, path: &str, sources: &BTreeMap<Module, String>) -> Option<Vec<String>> {
    let mut base: Vec<String> = module.split("::").map(str::to_owned).collect();
    let mut parts: Vec<String> = path
        .split("::")
        .map(|part| part.trim().to_owned())
        .collect();
    match parts.first()?.as_str() {
        "crate" => base.clear(),
        "self" => {}
        "super" => {
            while parts.first().is_some_and(|part| part == "super") {
                base.pop();
                parts.remove(0);
            }
            return Some([base, parts].concat());
        }
        child => {
            let own = format!("{module}::{child}");
            return sources.contains_key(&own).then(|| [base, parts].concat());
        }
    }
    parts.remove(0);
    Some([base, parts].concat())
}

/// The module whose file holds what a path names.
fn home(
    path: &[String],
    sources: &BTreeMap<Module, String>,
    handed_on: &BTreeMap<(Module, String), Vec<String>>,
    depth: usize,
) -> Option<Module> {
    for length in (1..=path.len()).rev() {
        let module = path[..length].join("::");
        if !sources.contains_key(&module) {
            continue;
        }
        let further = path.get(length).and_then(|name| {
            let target = handed_on.get(&(module.clone(), name.clone()))?;
            let whole = [target.as_slice(), &path[length + 1..]].concat();
            (depth < 5 && whole != path).then(|| home(&whole, sources, handed_on, depth + 1))?
        });
        return Some(further.unwrap_or(module));
    }
    None
}

#[test]
fn no_room_uses_one_that_comes_after_it() {
    let place = |module: &str| {
        let room = module.split("::").next().unwrap();
        ROOMS
            .iter()
            .position(|known| *known == room)
            .unwrap_or_else(|| panic!("{room} has no place in the order"))
    };
    let mut wrong = Vec::new();
    for (module, used) in &Crate::read().uses {
        wrong.extend(
            used.iter()
                .filter(|used| place(used) > place(module))
                .map(|used| format!("{module} uses {used}")),
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let code = Crate::read();
    let in_circles: Vec<&Module> = code
        .uses
        .keys()
        .filter(|module| code.reaches(module, module))
        .collect();
    assert!(in_circles.is_empty(), "{in_circles:#?}");
}

#[test]
fn what_this_test_reads_is_the_whole_crate() {
    let code = Crate::read();
    let uses = |module: &str, used: &str| code.uses[module].contains(used);
    assert!(code.uses.len() > 150);
    assert!(uses("run::upload", "run::sending") && uses("run::sending", "deliver::interrupt"));
    assert_eq!(
        expanded("a::{b::{c, d}, e as f}"),
        ["a::b::c", "a::b::d", "a::e"]
    );
}
