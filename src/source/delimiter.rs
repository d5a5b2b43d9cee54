//! Which delimiter a text uses and where its header stands.
//!
//! In goes the beginning of a text, out comes a delimiter of comma, semicolon, tab and bar, and the number of rows above the header.
//! A delimiter is judged by how evenly it cuts the first rows, quotes respected, and by whether it cuts the first row as well.

use super::record::{Record, Scan, scan};

/// The delimiters that are tried, the likeliest first.
const CANDIDATES: [u8; 4] = [b',', b';', b'\t', b'|'];
/// How many records are looked at.
const SAMPLE_RECORDS: usize = 50;
/// How many bytes are looked at.
const SAMPLE_BYTES: usize = 64 * 1024;

/// A `sep=;` line, as spreadsheets write it: its delimiter, and the bytes up to the next line.
pub(super) fn declared(text: &str) -> Option<(u8, usize)> {
    let line = text.split(['\n', '\r']).next()?;
    let (key, delimiter) = line.trim_matches('"').split_at_checked(4)?;
    let [delimiter] = delimiter.as_bytes() else {
        return None;
    };
    let end = match &text.as_bytes()[line.len()..] {
        [b'\r', b'\n', ..] => line.len() + 2,
        [_, ..] => line.len() + 1,
        [] => line.len(),
    };
    (key.eq_ignore_ascii_case("sep=") && is_possible(*delimiter)).then_some((*delimiter, end))
}

/// Whether a byte can be a delimiter at all.
pub(super) fn is_possible(delimiter: u8) -> bool {
    delimiter.is_ascii()
        && !delimiter.is_ascii_alphanumeric()
        && !matches!(delimiter, b'"' | b'\n' | b'\r' | 0)
}

/// The delimiter that fits best; a comma where none does.
pub(super) fn sniff(text: &str, is_whole: bool) -> u8 {
    let fits = CANDIDATES.map(|delimiter| (delimiter, fit(text, is_whole, delimiter)));
    let best = |must_cut_first_row: bool| {
        let candidates = fits
            .iter()
            .filter(|(_, fit)| fit.score > 0.0 && (fit.cuts_first_row || !must_cut_first_row));
        // The first of equals wins.
        candidates
            .rev()
            .max_by(|left, right| left.1.score.total_cmp(&right.1.score))
            .map(|(delimiter, _)| *delimiter)
    };
    best(true).or_else(|| best(false)).unwrap_or(b',')
}

struct Fit {
    /// Cells a usual row has beyond its first, times the share of rows that are usual.
    score: f64,
    cuts_first_row: bool,
}

fn fit(text: &str, is_whole: bool, delimiter: u8) -> Fit {
    let widths: Vec<usize> = first_records(text, is_whole, delimiter)
        .into_iter()
        .filter(|row| row.filled > 0)
        .map(|row| row.cells)
        .collect();
    let usual = widths.iter().copied().max_by_key(|width| {
        (
            widths.iter().filter(|other| *other == width).count() * usize::from(*width > 1),
            *width,
        )
    });
    let usual = usual.unwrap_or(1);
    let share =
        widths.iter().filter(|width| **width == usual).count() as f64 / widths.len().max(1) as f64;
    let cuts_first_row = share >= 0.5 && widths.first() == Some(&usual);
    Fit {
        score: (usual - 1) as f64 * share,
        cuts_first_row,
    }
}

/// The size of a row of the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RowSize {
    pub cells: usize,
    pub filled: usize,
}

/// The sizes of the first rows, blank ones included.
pub(super) fn first_records(text: &str, is_whole: bool, delimiter: u8) -> Vec<RowSize> {
    let mut end = text.len().min(SAMPLE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let (mut rest, is_whole) = (&text[..end], is_whole && end == text.len());
    let (mut record, mut sizes) = (Record::default(), Vec::new());
    while sizes.len() < SAMPLE_RECORDS
        && scan(rest.as_bytes(), delimiter, is_whole, &mut record) == Scan::Record
    {
        sizes.push(RowSize {
            cells: record.cells.len(),
            filled: record.filled(rest),
        });
        rest = &rest[record.next..];
    }
    sizes
}

/// How many rows stand above the header, given how many cells each of the first rows has filled.
///
/// Titles, filters and dates above a table fill a cell or two of a table that is wider than that. Names of groups of
/// columns fill less than half as many as the headings right below them.
pub(super) fn rows_above_header(filled: &[usize]) -> usize {
    let widest = filled.iter().copied().max().unwrap_or(0);
    let is_title =
        |filled: usize| filled == 0 || filled == 1 && widest >= 3 || filled == 2 && widest >= 5;
    let titles = filled
        .iter()
        .take_while(|filled| is_title(**filled))
        .count();
    let is_group = match filled[titles..] {
        [groups, headings, _, ..] => {
            headings >= 5 && groups * 2 < headings && headings * 10 >= widest * 9
        }
        _ => false,
    };
    titles + usize::from(is_group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_the_one_that_cuts_header_and_rows_alike() {
        for (text, expected) in [
            ("email,stage,note\na@example.com,New,\"x; y; z\"\n", b','),
            (
                "email;stage;note\na@example.com;New;x, y, z\nb@example.com;Won;p, q, r\n",
                b';',
            ),
            (
                "email;note\na@example.com;x, y, z\nb@example.com;x, y, z\nc@example.com;x, y, z\n",
                b';',
            ),
            (
                "id\twhat_are_you_looking_for?_(roof,_windows)\tstage\nl:1\troof,_windows\tNew\n",
                b'\t',
            ),
            ("email|stage\na@example.com|New\n", b'|'),
            ("amount;stage\n\"4,50\";New\n4,50;New\n", b';'),
            (
                "Leads; November 2026\n\nemail,stage,city\na@example.com,New,Bonn\nb@example.com,New,Bonn\n",
                b',',
            ),
            ("email\na@example.com\n", b','),
            ("\"a;b\",\"c\"\n\"d;e\",\"f\"\n", b','),
        ] {
            assert_eq!(sniff(text, true) as char, expected as char, "{text}");
        }
    }

    #[test]
    fn a_line_may_declare_the_delimiter() {
        assert_eq!(declared("sep=;\r\nid;stage\n"), Some((b';', 7)));
        assert_eq!(declared("SEP=\t\nid"), Some((b'\t', 6)));
        assert_eq!(declared("\"sep=,\"\nid"), Some((b',', 8)));
        assert_eq!(declared("sep=;;\nid"), None);
        assert_eq!(declared("id;stage"), None);
        assert_eq!(declared("sé="), None);
    }

    #[test]
    fn titles_above_a_header_are_told_by_how_little_they_fill() {
        assert_eq!(rows_above_header(&[1, 0, 15, 15]), 2);
        assert_eq!(rows_above_header(&[2, 1, 8, 7]), 2);
        assert_eq!(rows_above_header(&[0, 0, 3, 3]), 2);
        assert_eq!(rows_above_header(&[2, 2, 2]), 0);
        assert_eq!(rows_above_header(&[1, 1, 1]), 0);
        assert_eq!(rows_above_header(&[15, 1, 2]), 0);
        assert_eq!(rows_above_header(&[1, 0, 4, 13, 13, 11]), 3);
        assert_eq!(rows_above_header(&[7, 13, 13]), 0);
    }
}
