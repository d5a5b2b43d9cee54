//! On which line of the settings something stands, for errors that show only later: when an export is open, or when an
//! option is asked for.

use memchr::memchr_iter;
use toml::de::{DeTable, DeValue};

/// The columns that a settings file names, each with its line, counted from 1.
pub(super) fn of_columns(text: &str) -> Vec<(String, usize)> {
    let (places, mut lines) = (Lines::of(text), Vec::new());
    let Ok(file) = DeTable::parse(text) else {
        return lines;
    };
    for (section, value) in file.get_ref() {
        let DeValue::Table(section_table) = value.get_ref() else {
            continue;
        };
        let section: &str = section.get_ref();
        for (key, value) in section_table {
            match section {
                "columns" | "history" => {
                    texts(&places, value.get_ref(), value.span().start, &mut lines)
                }
                "stage_columns" | "only" => {
                    lines.push((key.get_ref().to_string(), places.at(key.span().start)));
                }
                "stages" => {
                    if let DeValue::Table(stage) = value.get_ref()
                        && let Some((_, column)) = stage
                            .iter()
                            .find(|(key, _)| *key.get_ref() == "value_column")
                    {
                        texts(&places, column.get_ref(), column.span().start, &mut lines);
                    }
                }
                _ => {}
            }
        }
    }
    lines
}

/// The keys of a settings file by section and name, each with its line, counted from 1.
pub(super) fn of_keys(text: &str) -> Vec<(String, String, usize)> {
    let (places, mut lines) = (Lines::of(text), Vec::new());
    let Ok(file) = DeTable::parse(text) else {
        return lines;
    };
    for (section, value) in file.get_ref() {
        let DeValue::Table(table) = value.get_ref() else {
            continue;
        };
        for key in table.keys() {
            let line = places.at(key.span().start);
            lines.push((
                section.get_ref().to_string(),
                key.get_ref().to_string(),
                line,
            ));
        }
    }
    lines
}

/// Where the lines of a text end.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(memchr_iter(b'\n', text.as_bytes()).collect())
    }

    /// The line of a place in the text, counted from 1.
    fn at(&self, start: usize) -> usize {
        self.0.partition_point(|end| *end < start) + 1
    }
}

/// The line of a place in a text, counted from 1.
pub(super) fn line_of(text: &str, start: usize) -> usize {
    Lines::of(text).at(start)
}

/// The texts in a value that begins at `start`.
fn texts(places: &Lines, value: &DeValue<'_>, start: usize, lines: &mut Vec<(String, usize)>) {
    match value {
        DeValue::String(column) => lines.push((column.to_string(), places.at(start))),
        DeValue::Array(all) => {
            for one in all {
                texts(places, one.get_ref(), one.span().start, lines);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_wherever_they_are_named() {
        let text = "[columns]\nemail = \"Mail\"\nphone = [\n  \"Tel\",\n  \"Handy\",\n]\n[stage_columns]\n\"Won on\" = \"Won\"\n\
                    [stages]\nWon = { event = \"Sale\", value_column = \"Sum\" }\n";
        let lines = of_columns(text);
        let lines: Vec<(&str, usize)> = lines.iter().map(|(name, line)| (&**name, *line)).collect();
        assert_eq!(
            lines,
            [
                ("Mail", 2),
                ("Tel", 4),
                ("Handy", 5),
                ("Won on", 8),
                ("Sum", 10)
            ]
        );
    }
}
