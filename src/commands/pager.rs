//! Long pages on a terminal go through the reader's pager.
//!
//! `PAGER` names it, else `less` is tried; an empty `PAGER` or `cat` wants none. Only a page that does not fit the screen, and
//! only a standard output that is a terminal, is paged.

use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};

use super::talk;
use crate::text::SECRETS;

/// Quit at the end of a short page, keep colours, and leave the page on the screen: as git asks of it.
const LESS: (&str, &str) = ("LESS", "FRX");

/// Prints a page for people, through a pager where it is long.
///
/// # Errors
/// Nobody reads standard output, or the disk is full.
pub(super) fn show(text: &str) -> io::Result<()> {
    let height = terminal_size::terminal_size().map(|(_, height)| usize::from(height.0));
    let is_long = height.is_some_and(|height| text.lines().count() >= height);
    let pager = std::env::var("PAGER").ok();
    match words(pager.as_deref()) {
        Some(words) if is_long && io::stdout().is_terminal() && page(&words, text) => Ok(()),
        _ => talk::print(text),
    }
}

/// The pager and its arguments. No shell reads them.
fn words(pager: Option<&str>) -> Option<Vec<&str>> {
    let words: Vec<_> = pager.unwrap_or("less").split_whitespace().collect();
    match words.first() {
        None | Some(&"cat") => None,
        Some(_) => Some(words),
    }
}

/// Whether a pager showed the text.
fn page(words: &[&str], text: &str) -> bool {
    let Some((program, arguments)) = words.split_first() else {
        return false;
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped());
    if std::env::var_os(LESS.0).is_none() {
        command.env(LESS.0, LESS.1);
    }
    for secret in SECRETS {
        command.env_remove(secret);
    }
    let Ok(mut child) = command.spawn() else {
        return false;
    };
    if let Some(mut stdin) = child.stdin.take() {
        // The pager writes to the same terminal.
        let text = match anstream::AutoStream::choice(&io::stdout()) {
            anstream::ColorChoice::Never => anstream::adapter::strip_str(text).to_string(),
            _ => text.to_owned(),
        };
        // A reader who has seen enough closes the pager.
        let _ = stdin.write_all(text.as_bytes());
    }
    child.wait().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_pager_and_cat_want_none() {
        assert_eq!(words(None), Some(vec!["less"]));
        assert_eq!(words(Some("less -R")), Some(vec!["less", "-R"]));
        assert_eq!(words(Some("")), None);
        assert_eq!(words(Some("cat")), None);
    }

    #[test]
    fn a_pager_that_is_not_there_has_not_shown_anything() {
        assert!(!page(&["crm2capi-no-such-pager"], "text"));
    }
}
