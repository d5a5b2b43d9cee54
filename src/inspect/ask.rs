//! Asks a person, line by line. An empty line, and the end of the input, take what is proposed.

use std::io::{BufRead, Write};

use anyhow::{Context, Result};

/// Where questions go and answers come from.
pub(super) struct Dialogue<R, W> {
    pub answers: R,
    pub questions: W,
}

impl<R: BufRead, W: Write> Dialogue<R, W> {
    /// Asks until the answer passes `check`, whose error is shown. An empty answer stands for `proposed`, which may be
    /// nothing.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(super) fn ask(
        &mut self,
        question: &str,
        proposed: Option<&str>,
        check: impl Fn(&str) -> Result<()>,
    ) -> Result<Option<String>> {
        loop {
            let default = proposed
                .map(|text| format!(" [{text}]"))
                .unwrap_or_default();
            write!(self.questions, "{question}{default}: ")?;
            self.questions.flush()?;
            let mut line = String::new();
            let has_ended = self
                .answers
                .read_line(&mut line)
                .context("cannot read the answer")?
                == 0;
            let answer = line.trim();
            if has_ended || answer.is_empty() {
                return Ok(proposed.map(str::to_owned));
            }
            match check(answer) {
                Ok(()) => return Ok(Some(answer.to_owned())),
                Err(error) => writeln!(self.questions, "  {error:#}")?,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    fn answered(answers: &str, proposed: Option<&str>) -> (Option<String>, String) {
        let mut dialogue = Dialogue {
            answers: answers.as_bytes(),
            questions: Vec::new(),
        };
        let check = |text: &str| {
            if text == "UTC" {
                Ok(())
            } else {
                bail!("there is no zone {text:?}")
            }
        };
        let answer = dialogue.ask("Time zone", proposed, check).unwrap();
        (answer, String::from_utf8(dialogue.questions).unwrap())
    }

    #[test]
    fn a_wrong_answer_is_asked_again_and_an_empty_one_takes_the_proposal() {
        let (answer, shown) = answered("Mars\n UTC \n", Some("x"));
        assert_eq!(answer.unwrap(), "UTC");
        assert_eq!(
            shown,
            "Time zone [x]:   there is no zone \"Mars\"\nTime zone [x]: "
        );
        assert_eq!(answered("\n", Some("x")).0.unwrap(), "x");
        assert_eq!(answered("", None), (None, "Time zone: ".to_owned()));
    }
}
