//! What help tells of the codes Meta answers with: what each means, and what an upload then does.
//!
//! Nothing is written down twice: the meaning is that of the report, and what is done is read off the verdict.

use super::page::Page;
use crate::graph::Fault;
use crate::graph::verdict::{Verdict, Why, of_codes};

/// How Meta's answer of each kind is treated, with the weight that help shows it by.
fn treatment(verdict: &Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Stop(stop) => ("error", stop.barrier.help()),
        Verdict::Split(_) | Verdict::Refuse { .. } => (
            "warning",
            "its batch is halved until the event is alone; it is refused with its row (meta-refused), and all others are sent",
        ),
        Verdict::TooOld(_) => (
            "info",
            "events that became too old during the run are taken out, and the rest of the batch is sent",
        ),
        Verdict::Unclear(_) => (
            "warning",
            "a probe that records nothing shows whether the request or an event is to blame; only an event is refused",
        ),
        Verdict::Retry(retry) => match retry.why {
            Why::Throttled => (
                "info",
                "nothing is sent for as long as Meta asks, then the same events again; run it later if it ends with status 4",
            ),
            Why::Unexplained => (
                "info",
                "the same events are sent again for up to --give-up-after seconds; one that alone is answered so is told apart \
                 (meta-unexplained)",
            ),
            Why::Transient | Why::NoAnswer => (
                "info",
                "the same events are sent again, under the same event ids, for up to --give-up-after seconds",
            ),
        },
        Verdict::Accepted(_) | Verdict::Miscounted(_) => ("info", "nothing to do"),
    }
}

pub(super) fn codes(page: &mut Page) -> String {
    page.title("Meta's codes");
    page.text(
        "What Meta answers with, as code or code/subcode, what it means, and what an upload then does or you can do. An error ends \
         the run with status 3, and no event is marked.",
    );
    for (code, subcode) in Fault::KNOWN {
        entry(page, *code, *subcode);
    }
    page.finish()
}

/// The page of one code, written `190` or `190/463`.
pub(super) fn one(page: &mut Page, topic: &str) -> Option<String> {
    let (code, subcode) = match topic.split_once('/') {
        Some((code, subcode)) => (code, Some(subcode.parse().ok()?)),
        None => (topic, None),
    };
    entry(page, code.parse().ok()?, subcode);
    Some(page.finish())
}

fn entry(page: &mut Page, code: i64, subcode: Option<i64>) {
    let verdict = of_codes(code, subcode);
    let (weight, treatment) = treatment(&verdict);
    let fault = Fault::of_codes(code, subcode);
    let meaning = fault.meaning().unwrap_or("a code that is not known here");
    page.entry(weight, &fault.codes(), &[("", meaning), ("→ ", treatment)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_that_is_listed_has_a_meaning_and_stands_once() {
        for (place, (code, subcode)) in Fault::KNOWN.iter().enumerate() {
            assert!(
                Fault::of_codes(*code, *subcode).meaning().is_some(),
                "{code}/{subcode:?}"
            );
            assert!(!Fault::KNOWN[..place].contains(&(*code, *subcode)));
        }
    }

    #[test]
    fn a_code_is_written_with_or_without_its_subcode() {
        let text = |topic: &str| one(&mut Page::of_width(100), topic);
        assert!(text("190/463").unwrap().contains("expired"));
        assert!(text("100/2804036").unwrap().contains("meta-refused"));
        assert!(text("4711").unwrap().contains("not known"));
        assert_eq!(text("190/x"), None);
        assert_eq!(text("email"), None);
    }
}
