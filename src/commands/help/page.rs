//! Lays out a page of explanations: headings, wrapped text and aligned entries, in colour as `--help` has it.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use crate::render::wrap;

const HEADING: Style = Style::new().bold().underline();
const NAME: Style = Style::new().bold();
const ERROR: Style = AnsiColor::Red.on_default();
const WARNING: Style = AnsiColor::Yellow.on_default();

/// Where the text of an entry starts.
const INDENT: usize = 10;
/// Wide enough for the longest field with its key.
const NAME_WIDTH: usize = 22;

/// A page in the making.
pub(super) struct Page {
    text: String,
    width: usize,
}

impl Page {
    pub(super) fn of_width(width: usize) -> Self {
        Self {
            text: String::new(),
            width,
        }
    }

    pub(super) fn title(&mut self, title: &str) {
        self.gap();
        let _ = writeln!(self.text, "{HEADING}{title}{HEADING:#}");
    }

    /// A paragraph.
    pub(super) fn text(&mut self, text: &str) {
        self.gap();
        self.wrapped(text, 0);
    }

    /// A weight, a name behind it, and lines of text below the name, each after its mark.
    pub(super) fn entry(&mut self, weight: &str, name: &str, lines: &[(&str, &str)]) {
        let style = match weight {
            "error" => ERROR,
            "info" => Style::new(),
            _ => WARNING,
        };
        self.gap();
        let fill = INDENT - weight.len();
        let _ = writeln!(
            self.text,
            "{style}{weight}{style:#}{:fill$}{NAME}{name}{NAME:#}",
            ""
        );
        for (mark, text) in lines {
            self.marked(mark, text, INDENT);
        }
    }

    /// A name, and lines of text to the right of it, each after its mark.
    pub(super) fn pair(&mut self, name: &str, lines: &[(&str, &str)]) {
        self.gap();
        let fill = NAME_WIDTH.saturating_sub(name.len());
        let _ = write!(self.text, "{NAME}{name}{NAME:#}{:fill$}", "");
        let mut column = NAME_WIDTH;
        for (mark, text) in lines {
            if column == 0 {
                let _ = write!(self.text, "{:NAME_WIDTH$}", "");
            }
            let _ = write!(self.text, "{mark}");
            self.wrapped(text, NAME_WIDTH + mark.chars().count());
            column = 0;
        }
    }

    /// A name and a few words to the right of it, close below the line before.
    pub(super) fn line(&mut self, name: &str, text: &str) {
        let fill = NAME_WIDTH.saturating_sub(name.len());
        let _ = write!(self.text, "{NAME}{name}{NAME:#}{:fill$}", "");
        self.wrapped(text, NAME_WIDTH);
    }

    pub(super) fn finish(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    fn marked(&mut self, mark: &str, text: &str, indent: usize) {
        let _ = write!(self.text, "{:indent$}{mark}", "");
        let hang = indent + mark.chars().count();
        self.wrapped(text, hang);
    }

    /// Text that starts in this column and goes on below its start, broken between words.
    fn wrapped(&mut self, text: &str, column: usize) {
        for (index, line) in wrap(text, self.width.saturating_sub(column))
            .iter()
            .enumerate()
        {
            let indent = if index > 0 { column } else { 0 };
            let _ = writeln!(self.text, "{:indent$}{line}", "");
        }
    }

    /// An empty line, except at the top.
    pub(super) fn gap(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_between_words_and_hang_below_their_start() {
        let mut page = Page::of_width(30);
        page.entry(
            "info",
            "a-code",
            &[
                ("", "one two three four five"),
                ("→ ", "six seven eight nine"),
            ],
        );
        let text = anstream::adapter::strip_str(&page.finish()).to_string();
        assert_eq!(
            text,
            "info      a-code\n          one two three four\n          five\n          → six seven eight\n            nine\n"
        );
    }

    #[test]
    fn a_page_too_narrow_for_a_word_does_not_break_it() {
        let mut page = Page::of_width(5);
        page.text("a considerable word");
        assert_eq!(page.finish(), "a\nconsiderable\nword\n");
    }
}
