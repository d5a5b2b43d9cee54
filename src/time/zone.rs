//! Time zones: from the names people type, and from local time to the instant it stands for.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};

use super::offset::offset;
use super::text::{Cursor, Folded};
use crate::problem::Code;

/// The text names no time zone.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown time zone {name:?}{}", hint(near))]
pub(crate) struct UnknownZone {
    /// What was given.
    pub name: String,
    /// Known names that are close to it, the closest first.
    pub near: Vec<String>,
}

fn hint(near: &[String]) -> String {
    match near {
        [] => ", use an IANA name such as America/New_York, or an offset such as +02:00".to_owned(),
        names => format!(", did you mean {}?", names.join(" or ")),
    }
}

/// Reads an IANA name of any case (`America/New_York`, `US/Eastern`, `UTC`) or a fixed offset (`+02:00`, `UTC-5`).
/// The zones are those built into the program, the same on every machine.
pub(crate) fn parse_zone(name: &str) -> Result<TimeZone, UnknownZone> {
    let name = name.trim();
    if name.eq_ignore_ascii_case("z") {
        return Ok(TimeZone::UTC);
    }
    if let Some(zone) = fixed(name) {
        return Ok(zone);
    }
    let zones = TimeZoneDatabase::bundled();
    zones.get(name).map_err(|_| UnknownZone {
        name: name.to_owned(),
        near: near(&zones, name),
    })
}

fn fixed(name: &str) -> Option<TimeZone> {
    let folded = Folded::of(name)?;
    let text = folded.as_str();
    let text = text
        .strip_prefix("utc")
        .or_else(|| text.strip_prefix("gmt"))
        .unwrap_or(text);
    let mut cursor = Cursor {
        rest: text.trim_start(),
    };
    let seconds = offset(&mut cursor).filter(|_| cursor.rest.is_empty())?;
    Offset::from_seconds(seconds).ok().map(TimeZone::fixed)
}

/// Up to three names that resemble the text, in whole or in their last part: people write `New York` or `Berlin`.
fn near(zones: &TimeZoneDatabase, text: &str) -> Vec<String> {
    let wanted = text.to_ascii_lowercase().replace(' ', "_");
    let mut scored: Vec<_> = zones
        .available()
        .map(|name| {
            let known = name.as_str().to_ascii_lowercase();
            let city = known.rsplit('/').next().unwrap_or_default();
            let score =
                strsim::jaro_winkler(&known, &wanted).max(strsim::jaro_winkler(city, &wanted));
            (score, name.to_string())
        })
        .filter(|(score, _)| *score > 0.9)
        .collect();
    scored.sort_by(|left, right| {
        right
            .0
            .total_cmp(&left.0)
            .then_with(|| left.1.cmp(&right.1))
    });
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

/// Turns the local time of one zone into instants.
///
/// Asking the zone costs more than reading the cell, so the stretches of local time in which one offset holds are
/// remembered: exports span a change of the clocks at most once or twice.
#[derive(Clone, Debug)]
pub(super) struct LocalTime {
    zone: TimeZone,
    stretches: [Stretch; 2],
}

/// Local seconds `from..until` (counted as if they were UTC) in which `offset` alone holds.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from: i64,
    until: i64,
    offset: i64,
}

/// The instants a local time stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Instant {
    /// It happened once: Unix seconds.
    Once(i64),
    /// It happened twice: Unix seconds of the earlier.
    Twice(i64),
}

impl LocalTime {
    pub(super) fn new(zone: TimeZone) -> Self {
        Self {
            zone,
            stretches: [Stretch {
                from: 0,
                until: 0,
                offset: 0,
            }; 2],
        }
    }

    pub(super) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The instant of a local time; an error if it never happened.
    pub(super) fn instant(&mut self, local: DateTime) -> Result<Instant, Code> {
        let seconds = seconds_as_utc(local)?;
        for index in 0..self.stretches.len() {
            let stretch = self.stretches[index];
            if (stretch.from..stretch.until).contains(&seconds) {
                self.stretches.swap(0, index);
                return Ok(Instant::Once(seconds - stretch.offset));
            }
        }
        match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => {
                self.stretches[1] = stretch(&self.zone, seconds, offset);
                self.stretches.swap(0, 1);
                Ok(Instant::Once(seconds - i64::from(offset.seconds())))
            }
            AmbiguousOffset::Fold { before, .. } => {
                Ok(Instant::Twice(seconds - i64::from(before.seconds())))
            }
            AmbiguousOffset::Gap { .. } => Err(Code::TimeNonexistent),
        }
    }

    /// Seconds east of UTC where this zone itself uses the abbreviation at that local time.
    pub(super) fn offset_of(&self, abbreviation: &str, local: DateTime) -> Option<i64> {
        let ambiguous = self.zone.to_ambiguous_timestamp(local);
        let (first, second) = match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { offset } => (offset, offset),
            AmbiguousOffset::Fold { before, after } | AmbiguousOffset::Gap { before, after } => {
                (before, after)
            }
        };
        [first, second].into_iter().find_map(|offset| {
            let instant = offset.to_timestamp(local).ok()?;
            let info = self.zone.to_offset_info(instant);
            (info.offset() == offset && info.abbreviation().eq_ignore_ascii_case(abbreviation))
                .then(|| offset.seconds().into())
        })
    }
}

/// The local time read as if it were UTC, in Unix seconds.
pub(super) fn seconds_as_utc(local: DateTime) -> Result<i64, Code> {
    Offset::UTC
        .to_timestamp(local)
        .map(|instant| instant.as_second())
        .map_err(|_| Code::TimeMalformed)
}

/// How far the offset that holds at a local time reaches before a neighbouring one overlaps it or leaves a gap.
fn stretch(zone: &TimeZone, seconds: i64, offset: Offset) -> Stretch {
    let here = i64::from(offset.seconds());
    let at = |seconds: i64| Timestamp::from_second(seconds).unwrap_or_default();
    let instant = seconds - here;
    let from = zone
        .preceding(at(instant + 1))
        .next()
        .map_or(i64::MIN, |change| {
            let change = change.timestamp().as_second();
            let before = zone.to_offset(at(change - 1));
            change + here.max(before.seconds().into())
        });
    let until = zone
        .following(at(instant))
        .next()
        .map_or(i64::MAX, |change| {
            change.timestamp().as_second() + here.min(change.offset().seconds().into())
        });
    Stretch {
        from,
        until,
        offset: here,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_known_by_name_alias_and_offset() {
        for name in [
            "America/New_York",
            "america/new_york",
            "US/Eastern",
            "UTC",
            "utc",
            "Z",
            "Europe/Berlin",
            "EST5EDT",
        ] {
            assert!(parse_zone(name).is_ok(), "{name}");
        }
        for (name, seconds) in [
            ("+02:00", 7200),
            ("-0500", -18000),
            ("UTC+5:30", 19800),
            ("GMT-3", -10800),
            ("−5", -18000),
        ] {
            assert_eq!(
                parse_zone(name)
                    .unwrap()
                    .to_fixed_offset()
                    .unwrap()
                    .seconds(),
                seconds,
                "{name}"
            );
        }
    }

    #[test]
    fn an_unknown_zone_names_its_neighbours() {
        let message = |name| parse_zone(name).unwrap_err().to_string();
        assert_eq!(
            message("Amerca/New_York"),
            "unknown time zone \"Amerca/New_York\", did you mean America/New_York?"
        );
        assert!(
            message("New York").contains("did you mean America/New_York"),
            "{}",
            message("New York")
        );
        assert!(
            message("Berlin").contains("Europe/Berlin"),
            "{}",
            message("Berlin")
        );
        assert!(
            message("qqq").ends_with(
                "use an IANA name such as America/New_York, or an offset such as +02:00"
            )
        );
    }
}
