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

    pub(super) fn styled<const N: usize>(
        &mut self,
        cells: [String; N],
        styles: [Option<Style>; N],
    ) {
        self.rows.push(cells.into_iter().zip(styles).collect());
    }

    /// Writes the rows. The last column wraps at `width`, the others are cut where they are very long.
    pub(super) fn write(mut self, out: &mut dyn Write, width: usize) -> io::Result<()> {
        let last = self.aligns.len() - 1;
        for row in &mut self.rows {
            for (cell, _) in row.iter_mut().take(last) {
                *cell = cut(cell, MAX_NAME_WIDTH);
            }
        }
        let widest = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|(cell, _)| cell.width())
                .max()
        };
        let widths: Vec<_> = (0..=last)
            .map(|column| widest(column).unwrap_or(0))
            .collect();
        let indent = 2 + widths[..last].iter().map(|width| width + 2).sum::<usize>();
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, style)) in row.iter().enumerate() {
                let pad = " ".repeat(widths[column].saturating_sub(cell.width()));
                let style = style.unwrap_or_default();
                match self.aligns[column] {
                    Align::Left if column == last => {
                        line.push_str(&format!("  {style}{}{style:#}", {
                            let room = width.saturating_sub(indent).max(20);
                            wrap(cell, room).join(&format!("\n{}", " ".repeat(indent)))
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
}

/// A bar of up to `width` columns, to the eighth of a column; never empty for a share above nothing.
pub(super) fn bar(share: f64, width: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
    let eighths = if share > 0.0 { eighths.max(1) } else { eighths };
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

/// Text cut to `width` columns, ending in an ellipsis if something is missing.
pub(in crate::render) fn cut(text: &str, width: usize) -> String {
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

/// Text in lines of at most `width` columns, broken at spaces; a longer word gets a line of its own.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
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
