//! What Meta says it received, beside what it accepted: asks, adds up and compares.
//!
//! "May not", "nothing" and a count of zero are three answers, and none stands for another: [`Told`] keeps them apart.
//! <https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/ads-pixel/stats>

mod answers;
mod ask;
mod compare;

pub(crate) use answers::{Count, Dataset, Quality};
pub(crate) use ask::Inquiry;
pub(crate) use compare::{Fresh, Stage, compare, is_clearly_fewer, sum};

use crate::graph::Fault;

/// An answer to a question.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told<T> {
    /// This.
    Known(T),
    /// Meta answered, and has nothing to tell.
    Nothing,
    /// The token may not ask.
    MayNot(Fault),
    /// There is no answer of Meta's, for this reason.
    NoAnswer(String),
}

/// Whole hours, in hours since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hours {
    /// The first.
    pub from: i64,
    /// The one after the last.
    pub until: i64,
}

/// Meta counts a week back.
const DAYS: i64 = 7;
const SECONDS_AN_HOUR: i64 = 3_600;

impl Hours {
    /// The hours of the last week that are over for an hour: what is younger may not be counted yet.
    pub(crate) fn settled_at(now: i64) -> Self {
        Self {
            from: (now - DAYS * 86_400).div_euclid(SECONDS_AN_HOUR) + 1,
            until: (now - SECONDS_AN_HOUR).div_euclid(SECONDS_AN_HOUR),
        }
    }

    /// The first second, and the one after the last.
    pub(crate) fn seconds(self) -> (i64, i64) {
        (self.from * SECONDS_AN_HOUR, self.until * SECONDS_AN_HOUR)
    }

    fn contains(self, hour: i64) -> bool {
        (self.from..self.until).contains(&hour)
    }
}

/// What Meta knows a partner agent by: its name without a version, in lower case.
pub(crate) fn agent_name(partner_agent: &str) -> String {
    let text = partner_agent.trim();
    let is_version = |rest: &str| {
        rest.trim_start_matches(['v', 'V'])
            .starts_with(|c: char| c.is_ascii_digit())
    };
    let end = text
        .char_indices()
        .find(|(at, letter)| matches!(letter, '-' | '/' | ' ' | '_') && is_version(&text[at + 1..]))
        .map_or(text.len(), |(at, _)| at);
    text[..end].to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_compared_when_it_is_over_for_an_hour() {
        // 1970-01-11T10:59:59Z: the hour from 8 to 9 is over for an hour, that from 9 to 10 is not.
        let now = 10 * 86_400 + 11 * 3_600 - 1;
        let hours = Hours::settled_at(now);
        assert_eq!(hours.until, 10 * 24 + 9);
        assert_eq!(hours.from, 3 * 24 + 11);
        assert_eq!(Hours::settled_at(now + 1).until, 10 * 24 + 10);
    }

    #[test]
    fn an_agent_is_known_by_its_name_without_a_version() {
        for (given, expected) in [
            ("crm2capi", "crm2capi"),
            ("Acme-CRM", "acme-crm"),
            ("Acme-1.2", "acme"),
            ("acme/v3", "acme"),
        ] {
            assert_eq!(agent_name(given), expected);
        }
    }
}
