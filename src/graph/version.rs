//! The versions of the Graph API and when they end: the one place that knows them.
//!
//! Source: <https://developers.facebook.com/docs/graph-api/changelog/versions>.

use jiff::civil::{Date, date};

/// The version that is asked for unless another is set: the newest that is proven in the field.
pub(crate) const DEFAULT: &str = "v25.0";

/// The newest version known here.
pub(crate) const NEWEST: &str = "v26.0";

/// Versions and the day they end, the oldest first. The newest has no end yet.
const ENDS: [(&str, Date); 5] = [
    ("v21.0", date(2027, 1, 21)),
    ("v22.0", date(2027, 5, 20)),
    ("v23.0", date(2027, 10, 8)),
    ("v24.0", date(2028, 2, 18)),
    ("v25.0", date(2028, 7, 29)),
];

/// How long a version lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// Until this day.
    Until(Date),
    /// It ended before the oldest version known here.
    Over,
    /// It is the newest, whose end has not been announced.
    Newest,
    /// It is newer than this program.
    Unknown,
}

/// How long `version`, such as `v25.0`, lives.
pub(crate) fn life(version: &str) -> Life {
    if let Some((_, end)) = ENDS.iter().find(|(known, _)| *known == version) {
        return Life::Until(*end);
    }
    match (number(version), number(ENDS[0].0)) {
        _ if version == NEWEST => Life::Newest,
        (Some(given), Some(oldest)) if given < oldest => Life::Over,
        _ => Life::Unknown,
    }
}

/// `(25, 0)` for `v25.0`.
fn number(version: &str) -> Option<(u32, u32)> {
    let (major, minor) = version.strip_prefix('v')?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_is_before_during_or_after_what_is_known() {
        assert_eq!(life("v9.0"), Life::Over);
        assert_eq!(life("v25.0"), Life::Until(date(2028, 7, 29)));
        assert_eq!(life("v26.0"), Life::Newest);
        assert_eq!(life("v27.0"), Life::Unknown);
        assert!(matches!(life(DEFAULT), Life::Until(_)));
    }
}
