//! Finds a column by the name a person gave it.
//!
//! Exactly first, then regardless of case, spaces, underscores and punctuation. `Date#2` is the second column
//! headed `Date`. A name that is nowhere comes back with the nearest ones there are.

use std::collections::HashSet;

use super::pattern::{Captured, Pattern, is_pattern};
use crate::source::Header;

/// A longer heading is no name, and nothing is looked for in it.
const MAX_HEADING_BYTES: usize = 1024;

/// A header, prepared for look-ups.
pub(crate) struct Columns<'a> {
    header: &'a Header,
    canonical: Vec<String>,
    /// The columns by their headings, and by what is left of them: equal ones side by side, in the order of the file.
    by_heading: Vec<u32>,
    by_canonical: Vec<u32>,
}

/// The letters and digits of a name, in lower case: what is left when spelling habits are taken away.
pub(crate) fn canonical(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

impl<'a> Columns<'a> {
    /// Prepares a header.
    pub(crate) fn new(header: &'a Header) -> Self {
        let canonical: Vec<String> = header
            .columns
            .iter()
            .map(|heading| match heading.len() {
                ..=MAX_HEADING_BYTES => canonical(heading),
                _ => String::new(),
            })
            .collect();
        let mut by_heading: Vec<u32> = (0..header.columns.len() as u32)
            .filter(|&column| header.columns[column as usize].len() <= MAX_HEADING_BYTES)
            .collect();
        let mut by_canonical = by_heading.clone();
        // Both sorts are stable, so that the first of equals stays the first.
        by_heading.sort_by_key(|&column| header.columns[column as usize].as_str());
        by_canonical.sort_by_key(|&column| canonical[column as usize].as_str());
        Self {
            header,
            canonical,
            by_heading,
            by_canonical,
        }
    }

    /// The index of the column a name means.
    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        let heading = |column: &u32| self.header.columns[*column as usize].as_str();
        let first = self.by_heading.partition_point(|c| heading(c) < name);
        let exact = self.by_heading.get(first);
        if let Some(exact) = exact.filter(|column| heading(column) == name) {
            return Some(*exact);
        }
        if let Some((base, nth)) = numbered(name) {
            let wanted = canonical(base);
            return self.alike(&wanted).get(nth - 1).copied();
        }
        let wanted = canonical(name);
        if wanted.is_empty() {
            None
        } else {
            self.alike(&wanted).first().copied()
        }
    }

    /// Every column a pattern means, with the text its wildcards stood for. Patterns are compared without regard to
    /// case and white space; `{n}` stands for digits, `{stage}` and `*` for anything without parentheses.
    pub(crate) fn matching(&self, pattern: &str) -> Vec<(u32, Captured)> {
        let pattern = Pattern::new(pattern);
        let all = self.header.columns.iter().enumerate();
        all.filter(|(_, heading)| heading.len() <= MAX_HEADING_BYTES)
            .filter_map(|(index, heading)| Some((index as u32, pattern.captures(heading)?)))
            .collect()
    }

    /// The name that [`find`](Self::find) finds this column by: its heading, numbered where others stand before it that
    /// are headed alike. None where nothing tells it apart, as with an empty heading.
    pub(crate) fn name_of(&self, column: u32) -> Option<String> {
        let heading = self
            .header
            .columns
            .get(column as usize)
            .filter(|heading| !heading.is_empty())?;
        if self.find(heading) == Some(column) {
            return Some(heading.clone());
        }
        let alike = self.alike(&self.canonical[column as usize]);
        let nth = alike.binary_search(&column).ok()? + 1;
        Some(format!("{heading}#{nth}")).filter(|name| self.find(name) == Some(column))
    }

    /// How many columns are headed alike, the one given included.
    pub(crate) fn namesakes(&self, column: u32) -> usize {
        self.alike(&self.canonical[column as usize]).len()
    }

    /// Up to three columns whose names come nearest, best first.
    pub(crate) fn nearest(&self, name: &str) -> Vec<&'a str> {
        let wanted = canonical(name);
        let mut scored: Vec<(f64, &str)> = self
            .header
            .columns
            .iter()
            .zip(&self.canonical)
            .map(|(column, canonical)| (similarity(&wanted, canonical), column.as_str()))
            .filter(|(score, column)| *score > 0.75 && !column.is_empty())
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        scored
            .into_iter()
            .take(3)
            .map(|(_, column)| column)
            .collect()
    }

    /// The columns headed like this, in the order of the file.
    fn alike(&self, wanted: &str) -> &[u32] {
        let name = |column: &u32| self.canonical[*column as usize].as_str();
        let first = self.by_canonical.partition_point(|c| name(c) < wanted);
        let from_first = &self.by_canonical[first..];
        &from_first[..from_first.partition_point(|c| name(c) == wanted)]
    }
}

/// Which headings a mapping could do something with, whatever export they stand in.
pub(crate) struct Wanted {
    exact: HashSet<String>,
    canonical: HashSet<String>,
    patterns: Vec<Pattern>,
}

impl Wanted {
    /// Takes the names that a mapping looks for.
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut wanted = Self {
            exact: HashSet::new(),
            canonical: HashSet::new(),
            patterns: Vec::new(),
        };
        for name in names {
            if is_pattern(name) {
                wanted.patterns.push(Pattern::new(name));
            }
            let base = numbered(name).map_or(name, |(base, _)| base);
            wanted.canonical.extend([canonical(base), canonical(name)]);
            wanted.exact.insert(name.to_owned());
        }
        wanted
    }

    /// Whether one of these headings can change what the mapping comes to.
    pub(crate) fn any_of(&self, headings: &[String]) -> bool {
        let is_wanted = |heading: &String| {
            heading.len() <= MAX_HEADING_BYTES
                && (self.exact.contains(heading)
                    || self.canonical.contains(&canonical(heading))
                    || self.patterns.iter().any(|p| p.captures(heading).is_some()))
        };
        headings.iter().any(is_wanted)
    }
}

/// How alike two canonical names are, 0 to 1; one that contains the other counts as close.
fn similarity(wanted: &str, column: &str) -> f64 {
    let contained = wanted.len() >= 3
        && column.len() >= 3
        && (column.contains(wanted) || wanted.contains(column));
    strsim::jaro_winkler(wanted, column).max(if contained { 0.8 } else { 0.0 })
}

/// `Date#2` as (`Date`, 2).
fn numbered(name: &str) -> Option<(&str, usize)> {
    let (base, nth) = name.rsplit_once('#')?;
    let nth: usize = nth.trim().parse().ok()?;
    (nth >= 1).then_some((base, nth))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(columns: &[&str]) -> Header {
        Header {
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
        }
    }

    #[test]
    fn names_match_exactly_first_then_without_spelling_habits() {
        let header = header(&["e-mail", "Email", "Meta Lead ID", "Date", "date", "Date"]);
        let columns = Columns::new(&header);
        assert_eq!(columns.find("Email"), Some(1));
        assert_eq!(columns.find("EMAIL"), Some(0));
        assert_eq!(columns.find("meta_lead_id"), Some(2));
        assert_eq!(columns.find("Date#2"), Some(4));
        assert_eq!(columns.find("Date#4"), None);
        assert_eq!(columns.find("--"), None);
        assert_eq!(columns.namesakes(3), 3);
    }

    #[test]
    fn every_column_with_a_heading_has_a_name_it_is_found_by() {
        let header = header(&["Date", "Email", "date", "Date", "", "Date#2"]);
        let columns = Columns::new(&header);
        let names: Vec<_> = (0..6).map(|column| columns.name_of(column)).collect();
        let name = |text: &str| Some(text.to_owned());
        assert_eq!(
            names,
            [
                name("Date"),
                name("Email"),
                name("date"),
                name("Date#3"),
                None,
                name("Date#2")
            ]
        );
    }

    #[test]
    fn a_missing_column_names_the_nearest_first() {
        let header = header(&["Email", "Phone", "Mail sent", "Lead Email Address"]);
        assert_eq!(Columns::new(&header).nearest("Emial")[0], "Email");
        assert!(
            Columns::new(&header)
                .nearest("Email")
                .contains(&"Lead Email Address")
        );
        assert!(Columns::new(&header).nearest("zzz").is_empty());
    }

    #[test]
    fn patterns_find_groups_in_whatever_zone_the_heading_names() {
        let header = header(&[
            "Change Date (US/Eastern)",
            "Change Date (US/Eastern) (12)",
            "Value (12)",
        ]);
        let columns = Columns::new(&header);
        let found = columns.matching("Change Date (*) ({n})");
        assert_eq!(
            found,
            [(
                1,
                Captured {
                    n: Some(12),
                    stage: None
                }
            )]
        );
        assert_eq!(
            columns.matching("Change Date (*)"),
            [(0, Captured::default())]
        );
        assert_eq!(
            columns.matching("value ({n})"),
            [(
                2,
                Captured {
                    n: Some(12),
                    stage: None
                }
            )]
        );
    }

    #[test]
    fn a_heading_may_name_the_stage() {
        let header = header(&[
            "Date entered \"Contract Sent (Sales Pipeline)\"",
            "Date entered",
        ]);
        let found = Columns::new(&header).matching("date entered \"{stage} (*)\"");
        assert_eq!(
            found,
            [(
                0,
                Captured {
                    n: None,
                    stage: Some("Contract Sent".into())
                }
            )]
        );
    }

    #[test]
    fn ten_thousand_equal_headings_are_told_apart_without_looking_through_all_for_each() {
        let header = header(&["Date"; 100_000]);
        let columns = Columns::new(&header);
        let named = (0..100_000).filter(|column| columns.name_of(*column).is_some());
        assert_eq!(named.count(), 100_000);
        assert_eq!(columns.name_of(99_999).as_deref(), Some("Date#100000"));
        assert_eq!(columns.namesakes(7), 100_000);
    }

    #[test]
    fn a_heading_over_a_kilobyte_matches_nothing() {
        let long = "Email ".repeat(200);
        let header = header(&[&long, "Email"]);
        let columns = Columns::new(&header);
        assert_eq!(columns.find(&long), None);
        assert_eq!(columns.name_of(0), None);
        assert_eq!(columns.matching("*"), [(1, Captured::default())]);
    }

    #[test]
    fn only_headings_that_a_mapping_names_can_change_it() {
        let names = ["Meta Lead ID", "Date#2", "Stage ({n})", "--"];
        let wanted = Wanted::new(names.into_iter());
        for (heading, can_matter) in [
            ("meta_lead_id", true),
            ("date", true),
            ("Date#2", true),
            ("Stage (7)", true),
            ("--", true),
            ("Stage", false),
            ("properties.note", false),
            ("", true),
        ] {
            let headings = ["other".to_owned(), heading.to_owned()];
            assert_eq!(wanted.any_of(&headings), can_matter, "{heading}");
        }
    }
}
