//! Finds a column by the name a person gave it.
//!
//! Exactly first, then regardless of case, spaces, underscores and punctuation. `Date#2` is the second column
//! headed `Date`. A name that is nowhere comes back with the nearest ones there are.

use crate::source::Header;

/// A header, prepared for look-ups.
pub struct Columns<'a> {
    header: &'a Header,
    canonical: Vec<String>,
}

/// The letters and digits of a name, in lower case: what is left when spelling habits are taken away.
pub fn canonical(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

impl<'a> Columns<'a> {
    /// Prepares a header.
    pub fn new(header: &'a Header) -> Self {
        Self {
            header,
            canonical: header.columns.iter().map(|name| canonical(name)).collect(),
        }
    }

    /// The index of the column a name means.
    pub fn find(&self, name: &str) -> Option<u32> {
        if let Some(exact) = self.header.columns.iter().position(|column| column == name) {
            return Some(exact as u32);
        }
        if let Some((base, nth)) = numbered(name) {
            let wanted = canonical(base);
            return self.positions(&wanted).nth(nth - 1);
        }
        let wanted = canonical(name);
        if wanted.is_empty() {
            None
        } else {
            self.positions(&wanted).next()
        }
    }

    /// Every column a pattern means, with the text its wildcards stood for. Patterns are compared without regard to
    /// case and white space; `{n}` stands for digits, `{stage}` and `*` for anything without parentheses.
    pub fn matching(&self, pattern: &str) -> Vec<(u32, Captured)> {
        let all = self.header.columns.iter().enumerate();
        all.filter_map(|(index, column)| {
            let mut captured = Captured::default();
            glob(pattern, column, &mut captured).then_some((index as u32, captured))
        })
        .collect()
    }

    /// The name that [`find`](Self::find) finds this column by: its heading, numbered where others stand before it that
    /// are headed alike. None where nothing tells it apart, as with an empty heading.
    pub fn name_of(&self, column: u32) -> Option<String> {
        let heading = self
            .header
            .columns
            .get(column as usize)
            .filter(|heading| !heading.is_empty())?;
        if self.find(heading) == Some(column) {
            return Some(heading.clone());
        }
        let nth = self
            .positions(&self.canonical[column as usize])
            .position(|other| other == column)?
            + 1;
        Some(format!("{heading}#{nth}")).filter(|name| self.find(name) == Some(column))
    }

    /// How many columns are headed alike, the one given included.
    pub fn namesakes(&self, column: u32) -> usize {
        self.positions(&self.canonical[column as usize]).count()
    }

    /// Up to three columns whose names come nearest, best first.
    pub fn nearest(&self, name: &str) -> Vec<&'a str> {
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

    fn positions<'s>(&'s self, wanted: &'s str) -> impl Iterator<Item = u32> + 's {
        self.canonical
            .iter()
            .enumerate()
            .filter(move |(_, column)| *column == wanted)
            .map(|(index, _)| index as u32)
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

/// What a pattern's wildcards stood for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Captured {
    /// The digits of `{n}`, if the pattern has it.
    pub n: Option<u32>,
    /// The text of `{stage}`, if the pattern has it.
    pub stage: Option<String>,
}

/// Whether a name is a pattern.
pub fn is_pattern(name: &str) -> bool {
    name.contains("{n}") || name.contains("{stage}") || name.contains('*')
}

fn glob(pattern: &str, text: &str, captured: &mut Captured) -> bool {
    let (pattern, text) = (pattern.trim_start(), text.trim_start());
    if let Some(rest) = pattern.strip_prefix("{n}") {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let Ok(n) = text[..digits].parse() else {
            return false;
        };
        captured.n = Some(n);
        return glob(rest, &text[digits..], captured);
    }
    if let Some(rest) = pattern.strip_prefix("{stage}") {
        let Some(end) = ends(text).find(|&end| end > 0 && glob(rest, &text[end..], captured))
        else {
            return false;
        };
        captured.stage = Some(text[..end].trim_end().to_owned());
        return true;
    }
    if let Some(rest) = pattern.strip_prefix('*') {
        return ends(text).any(|end| glob(rest, &text[end..], captured));
    }
    let (mut left, mut right) = (pattern.chars(), text.chars());
    match (left.next(), right.next()) {
        (None, None) => true,
        (Some(a), Some(b)) if a.to_lowercase().eq(b.to_lowercase()) => {
            glob(left.as_str(), right.as_str(), captured)
        }
        _ => false,
    }
}

/// Where a wildcard may end, nearest first.
fn ends(text: &str) -> impl Iterator<Item = usize> {
    let reach = text.find(['(', ')']).unwrap_or(text.len());
    text[..reach]
        .char_indices()
        .map(|(index, _)| index)
        .chain([reach])
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
}
