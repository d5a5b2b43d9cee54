//! Columns that line up, text that wraps, bars, and the few styles of the page.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub(super) const HEADING: Style = Style::new().bold();
pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
pub(super) const WRONG: Style = AnsiColor::Red.on_default().bold();
pub(super) const BAR: Style = AnsiColor::Cyan.on_default();

/// No name is given more columns than this.
const MAX_NAME_WIDTH: usize = 40;

/// A name that is cut for want of room keeps so many columns.
const MIN_NAME_WIDTH: usize = 12;

/// Text that wraps is given so many columns.
const MIN_TEXT_WIDTH: usize = 20;

/// Which side of its column a cell stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// Cells in columns, two spaces apart and two from the edge.
pub(super) struct Table {
    aligns: Vec<Align>,
    rows: Vec<Vec<(String, Option<Style>)>>,
}

impl Table {
    pub(super) fn new(aligns: &[Align]) -> Self {
        Self {
            aligns: aligns.to_vec(),
            rows: Vec::new(),
        }
    }

    pub(super) fn headings<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        self.rows.push(
            cells
                .into_iter()
                .map(|cell| (cell.to_owned(), Some(DIM)))
                .collect(),
        );
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows
            .push(cells.into_iter().map(|cell| (cell, None)).collect());
    }

    pub(super) fn styled(&mut self, cells: impl IntoIterator<Item = (String, Option<Style>)>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Writes the rows within `width`: the last column wraps, the widest name is cut, and where that does not do each row
    /// becomes a few lines of its own.
    pub(super) fn write(mut self, out: &mut dyn Write, width: usize) -> io::Result<()> {
        let last = self.aligns.len() - 1;
        self.cut_column_names(last, |_| MAX_NAME_WIDTH);
        let (mut widths, needed) = self.widths(last);
        let whole = self.rows.clone();
        let over = needed.saturating_sub(width);
        let names = (0..last).filter(|column| self.aligns[*column] == Align::Left);
        if over > 0
            && let Some(widest) = names.max_by_key(|column| widths[*column])
        {
            let room = widths[widest].saturating_sub(over).max(MIN_NAME_WIDTH);
            self.cut_column_names(last, |column| match column == widest {
                true => room,
                false => MAX_NAME_WIDTH,
            });
            widths = self.widths(last).0;
        }
        match self.widths(last).1 > width {
            true => {
                self.rows = whole;
                self.write_stacked(out, width)
            }
            false => self.write_columns(out, width, &widths),
        }
    }

    /// Cuts the cells of all columns but the last.
    fn cut_column_names(&mut self, last: usize, width_of: impl Fn(usize) -> usize) {
        for row in &mut self.rows {
            for (column, (cell, _)) in row.iter_mut().take(last).enumerate() {
                *cell = cut(cell, width_of(column));
            }
        }
    }

    /// The widths of the columns, and how wide the table is at least.
    fn widths(&self, last: usize) -> (Vec<usize>, usize) {
        let widest = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|(cell, _)| cell.width()).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..=last).map(widest).collect();
        let least = match self.aligns[last] {
            Align::Left => widths[last].min(MIN_TEXT_WIDTH),
            Align::Right => widths[last],
        };
        let needed = widths[..last].iter().map(|width| width + 2).sum::<usize>() + 2 + least;
        (widths, needed)
    }

    fn write_columns(&self, out: &mut dyn Write, width: usize, widths: &[usize]) -> io::Result<()> {
        let last = widths.len() - 1;
        let indent = 2 + widths[..last].iter().map(|width| width + 2).sum::<usize>();
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, style)) in row.iter().enumerate() {
                let pad = " ".repeat(widths[column].saturating_sub(cell.width()));
                let style = style.unwrap_or_default();
                match self.aligns[column] {
                    Align::Left if column == last => {
                        line.push_str(&format!("  {style}{}{style:#}", {
                            let lines = wrap(cell, width.saturating_sub(indent));
                            lines.join(&format!("\n{}", " ".repeat(indent)))
                        }))
                    }
                    Align::Left => line.push_str(&format!("  {style}{cell}{style:#}{pad}")),
                    Align::Right => line.push_str(&format!("  {pad}{style}{cell}{style:#}")),
                }
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    /// Each row as its first cell, and below it the others, each behind its heading. Bars have no room.
    fn write_stacked(&self, out: &mut dyn Write, width: usize) -> io::Result<()> {
        let is_heading =
            |row: &[(String, Option<Style>)]| row.iter().all(|cell| cell.1 == Some(DIM));
        let (headings, rows) = match self.rows.split_first() {
            Some((first, rest)) if is_heading(first) => (first.as_slice(), rest),
            _ => (&[][..], &self.rows[..]),
        };
        for row in rows {
            let mut cells = row
                .iter()
                .enumerate()
                .filter(|(_, (cell, style))| !cell.trim().is_empty() && *style != Some(BAR));
            let labelled = |(column, (cell, _)): (usize, &(String, Option<Style>))| {
                let heading = headings.get(column).map_or("", |(text, _)| text);
                format!("{heading} {cell}").trim().to_owned()
            };
            if let Some(first) = cells.next() {
                writeln!(
                    out,
                    "  {}",
                    wrap(&labelled(first), width.saturating_sub(2)).join("\n  ")
                )?;
            }
            for line in flow(cells.map(labelled), width.saturating_sub(4)) {
                writeln!(out, "    {line}")?;
            }
        }
        Ok(())
    }
}

/// Facts in lines of at most `width` columns, a dot between two; none is broken unless it alone is longer.
pub(super) fn flow(facts: impl IntoIterator<Item = String>, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for fact in facts {
        match lines.last_mut() {
            Some(line) if line.width() + 3 + fact.width() <= width => {
                line.push_str(" · ");
                line.push_str(&fact);
            }
            _ => lines.extend(wrap(&fact, width)),
        }
    }
    lines
}

/// A bar of up to `width` columns, to the eighth of a column; never empty for a share above nothing.
pub(super) fn bar(share: f64, width: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
    let eighths = if share > 0.0 { eighths.max(1) } else { eighths };
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

/// Text cut to `width` columns, ending in an ellipsis if something is missing.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        cut.push(c);
    }
    cut.push('…');
    cut
}

/// Text in lines of at most `width` columns, broken at spaces; a longer word gets a line of its own. A crate for this
/// breaks at hyphens and slashes too, which would cut options, ids and paths that are to be copied.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let needed = word.width();
        if used > 0 && used + 1 + needed > width {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += needed;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_show_small_shares_and_never_overflow() {
        let bars: Vec<_> = [0.0, 0.000_1, 0.5, 0.53, 1.0, 7.0]
            .map(|share| bar(share, 4))
            .into();
        assert_eq!(bars, ["", "▏", "██", "██▏", "████", "████"]);
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(cut("見込み顧客の獲得", 9), "見込み顧…");
        assert_eq!(wrap("見込み 顧客の 獲得", 13), ["見込み 顧客の", "獲得"]);
    }

    #[test]
    fn a_table_without_room_becomes_lines() {
        let table = || {
            let mut table = Table::new(&[Align::Left, Align::Right, Align::Right]);
            table.headings(["", "events", "accepted"]);
            table.row(["Marketing Qualified Lead", "1,204", "7"].map(str::to_owned));
            table
        };
        let at = |width| {
            let mut out = Vec::new();
            table().write(&mut out, width).unwrap();
            anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string()
        };
        let columns =
            "                    events  accepted\n  Marketing Quali…   1,204         7\n";
        assert_eq!(at(36), columns);
        assert_eq!(
            at(24),
            "  Marketing Qualified\n  Lead\n    events 1,204\n    accepted 7\n"
        );
    }

    #[test]
    fn cells_line_up() {
        let mut table = Table::new(&[Align::Left, Align::Right, Align::Left]);
        table.row(["a.csv", "7", "one two three four five six"].map(str::to_owned));
        table.row(["größer.csv", "1,204", "JSON"].map(str::to_owned));
        let mut out = Vec::new();
        table.write(&mut out, 42).unwrap();
        let text = anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string();
        let expected = "  a.csv           7  one two three four\n                     five six\n  größer.csv  1,204  JSON\n";
        assert_eq!(text, expected);
    }
}
