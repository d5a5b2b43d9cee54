//! The book in `docs/`: complete, and without a link that leads nowhere.

use std::path::Path;

use crate::support::{Desk, repository};

/// The targets of all links of a page, without those to other sites.
fn links(page: &str) -> Vec<&str> {
    page.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.split('#').next().unwrap_or_default())
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .collect()
}

fn pages() -> Vec<(String, String)> {
    let folder = repository("docs/src");
    let mut pages: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    pages.sort();
    pages
}

#[test]
fn no_link_leads_nowhere() {
    let readme = std::fs::read_to_string(repository("README.md")).unwrap();
    for target in links(&readme) {
        assert!(Path::new(&repository(target)).exists(), "README: {target}");
    }
    for (name, page) in pages() {
        for target in links(&page) {
            let path = repository(&format!("docs/src/{target}"));
            assert!(Path::new(&path).exists(), "{name}: {target}");
        }
    }
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let pages = pages();
    let (_, summary) = pages.iter().find(|(name, _)| name == "SUMMARY.md").unwrap();
    let listed = links(summary);
    for (name, _) in &pages {
        assert!(
            name == "SUMMARY.md" || listed.contains(&name.as_str()),
            "{name}"
        );
    }
}

#[test]
fn every_problem_code_in_the_book_is_one() {
    let catalogue = Desk::new().run(&["help", "problems"]).ended(0).stdout;
    let known: Vec<&str> = catalogue.split_whitespace().collect();
    for (name, page) in pages() {
        for code in page.split('`').skip(1).step_by(2) {
            let is_code = code.contains('-')
                && code
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
                && !code.starts_with('-');
            assert!(!is_code || known.contains(&code), "{name}: {code}");
        }
    }
}
