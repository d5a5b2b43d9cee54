//! What comes in with the dependencies: the part of `cargo deny check` that needs no other tool.
//!
//! `deny.toml` is the one list. Licences are those of this platform's dependencies; sources and bans are of all.

use std::collections::HashSet;
use std::process::Command;

use serde_json::Value;

use crate::support::repository;

fn toml(path: &str) -> toml::Table {
    std::fs::read_to_string(repository(path))
        .unwrap()
        .parse()
        .unwrap()
}

/// The packages built for this machine, as `cargo metadata` describes them.
fn packages() -> Vec<Value> {
    let rustc = Command::new("rustc").arg("-vV").output().unwrap().stdout;
    let rustc = String::from_utf8(rustc).unwrap();
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: "));
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--offline"])
        .args(["--filter-platform", host.unwrap(), "--manifest-path"])
        .arg(repository("Cargo.toml"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let used: HashSet<&str> = metadata["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|node| node["id"].as_str())
        .collect();
    let all = metadata["packages"].as_array().unwrap().iter();
    all.filter(|package| used.contains(package["id"].as_str().unwrap()))
        .cloned()
        .collect()
}

/// Whether one of the alternatives of an SPDX expression has only allowed licences. Parentheses only ever group
/// alternatives here, so that reading the expression flat asks for no less.
fn is_allowed(expression: &str, allowed: &HashSet<String>) -> bool {
    let flat = expression.replace(['(', ')'], " ").replace('/', " OR ");
    let alternatives: Vec<Vec<&str>> = flat
        .split(" AND ")
        .map(|part| part.split(" OR ").map(str::trim).collect())
        .collect();
    alternatives
        .iter()
        .all(|part| part.iter().any(|licence| allowed.contains(*licence)))
}

#[test]
fn every_licence_is_on_the_list() {
    let deny = toml("deny.toml");
    let allowed: HashSet<String> = deny["licenses"]["allow"]
        .as_array()
        .unwrap()
        .iter()
        .map(|licence| licence.as_str().unwrap().to_owned())
        .collect();
    let refused: Vec<String> = packages()
        .iter()
        .filter(|package| !is_allowed(package["license"].as_str().unwrap_or(""), &allowed))
        .map(|package| format!("{} ({})", package["name"], package["license"]))
        .collect();
    assert!(
        refused.is_empty(),
        "licences not in deny.toml: {refused:#?}"
    );
}

#[test]
fn an_expression_needs_one_allowed_licence_in_each_of_its_parts() {
    let allowed = HashSet::from(["MIT".to_owned(), "Unicode-3.0".to_owned()]);
    for (expression, expected) in [
        ("MIT", true),
        ("MIT/Apache-2.0", true),
        ("Apache-2.0 OR MIT", true),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("(MIT OR Apache-2.0) AND GPL-3.0", false),
        ("GPL-3.0", false),
        ("", false),
    ] {
        assert_eq!(is_allowed(expression, &allowed), expected, "{expression}");
    }
}

#[test]
fn every_dependency_is_of_crates_io_and_none_is_banned() {
    let deny = toml("deny.toml");
    let banned: Vec<&str> = deny["bans"]["deny"]
        .as_array()
        .unwrap()
        .iter()
        .map(|ban| ban["crate"].as_str().unwrap())
        .collect();
    for lock in ["Cargo.lock", "fuzz/Cargo.lock"] {
        for package in toml(lock)["package"].as_array().unwrap() {
            let name = package["name"].as_str().unwrap();
            assert!(!banned.contains(&name), "{name} is banned by deny.toml");
            let is_ours = name.starts_with("crm2capi");
            let is_registry = package
                .get("source")
                .and_then(|source| source.as_str())
                .is_some_and(|source| {
                    source == "registry+https://github.com/rust-lang/crates.io-index"
                });
            assert!(is_ours || is_registry, "{name} in {lock}");
            assert!(is_ours || package.get("checksum").is_some(), "{name}");
        }
    }
}

#[test]
fn the_fuzz_targets_are_locked_to_the_same_dependencies() {
    let direct = toml("Cargo.toml");
    let direct = direct["dependencies"].as_table().unwrap();
    let lock = toml("fuzz/Cargo.lock");
    let packages = lock["package"].as_array().unwrap();
    let ours = packages
        .iter()
        .find(|package| package["name"].as_str() == Some("crm2capi"))
        .unwrap();
    let locked: HashSet<&str> = ours["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|line| line.as_str()?.split(' ').next())
        .collect();
    for name in direct.keys() {
        assert!(
            locked.contains(name.as_str()),
            "{name}: run `cargo update --workspace` in fuzz/"
        );
    }
    let version = toml("Cargo.toml")["package"]["version"].clone();
    assert_eq!(ours["version"], version);
}
