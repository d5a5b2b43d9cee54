//! From the text of a cell to the instant it stands for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};

use super::order::DateOrder;
use super::text::Folded;
use super::written::{Clock, Day, SHORT_YEARS, Written, WrittenZone};
use super::zone::{Instant, LocalTime, seconds_as_utc};
use super::{Moment, Notes, Precision, Reading, general, iso, serial, words};
use crate::cell::is_nothing;
use crate::problem::Code;

/// Exports of this century; anything else is a number that was never a time, or a placeholder.
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2100;

/// Where a run's times are read, with what the run knows: the zone, the order of day and month, the present.
///
/// Reading remembers the last offsets of the zone, hence `&mut self`; each worker has its own clone.
#[derive(Clone, Debug)]
pub(crate) struct TimeReader {
    local: LocalTime,
    zone_given: bool,
    /// Whether any of its clones met a time without a zone.
    has_used_zone: Arc<AtomicBool>,
    order: Option<DateOrder>,
    now: i64,
}

impl TimeReader {
    /// A reader for times that carry no zone of their own to be of `zone`, with a warning if it was not asked for.
    /// `now` is in Unix seconds.
    pub(crate) fn new(
        zone: TimeZone,
        zone_given: bool,
        order: Option<DateOrder>,
        now: i64,
    ) -> Self {
        Self {
            local: LocalTime::new(zone),
            zone_given,
            has_used_zone: Arc::default(),
            order,
            now,
        }
    }

    /// Whether it, or any clone of it, read a time that carries no zone.
    pub(crate) fn has_used_zone(&self) -> bool {
        self.has_used_zone.load(Ordering::Relaxed)
    }

    /// The present, in Unix seconds.
    pub(crate) fn now(&self) -> i64 {
        self.now
    }

    /// Moves the present on.
    pub(crate) fn set_now(&mut self, now: i64) {
        self.now = now;
    }

    /// The zone of times that carry none.
    pub(crate) fn zone(&self) -> &TimeZone {
        self.local.zone()
    }

    /// Reads a cell; None where it says that there is no time.
    ///
    /// Errors: one of the `Time…` codes whose severity is an error.
    pub(crate) fn read(&mut self, text: &str) -> Result<Option<Reading>, Code> {
        // The first of January of the year 1 is what .NET has for "no date".
        if text.is_empty() || text.starts_with("0001-01-01") {
            return Ok(None);
        }
        if let Some(written) = iso::read(text.as_bytes()) {
            return self.resolve(written).map(Some);
        }
        if is_nothing(text) {
            return Ok(None);
        }
        if let Some(written) = serial::read(text.trim()) {
            return self.resolve(written).map(Some);
        }
        let folded = Folded::of(text).ok_or(Code::TimeMalformed)?;
        self.resolve(general::read(folded.as_str())?).map(Some)
    }

    pub(super) fn resolve(&mut self, written: Written<'_>) -> Result<Reading, Code> {
        let mut notes = Notes::default();
        match written {
            Written::Instant { millis } => in_years(millis).map(|seconds| Reading {
                moment: Moment {
                    seconds,
                    precision: Precision::Second,
                },
                millis,
                uncapped: seconds,
                notes,
            }),
            Written::Civil { day, clock, zone } => {
                let date = self.date(day)?;
                match clock {
                    None => self.noon(date, zone),
                    Some(clock) => {
                        let seconds = self.instant(local(date, clock)?, zone, &mut notes)?;
                        Ok(reading(seconds, clock.millis, clock.precision, notes))
                    }
                }
            }
        }
    }

    fn date(&self, day: Day) -> Result<Date, Code> {
        let date = self.date_as_written(day)?;
        match date.year() {
            // Beside the name of a month the day stands in front: 24-Nov-26.
            0..SHORT_YEARS => self.in_this_century(date, matches!(day, Day::Known(_))),
            _ => Ok(date),
        }
    }

    /// A date whose year has two digits: which of its numbers is the year is only certain where the order is known.
    fn in_this_century(&self, date: Date, is_month_named: bool) -> Result<Date, Code> {
        let next_year = Timestamp::from_second(self.now)
            .map_or(i16::MAX, |now| self.zone().to_datetime(now).year() + 1);
        let year = 2000 + date.year();
        let is_last = is_month_named || matches!(self.order, Some(DateOrder::Mdy | DateOrder::Dmy));
        Some(year)
            .filter(|year| is_last && *year <= next_year)
            .and_then(|year| Date::new(year, date.month(), date.day()).ok())
            .ok_or(Code::TimeTwoDigitYear)
    }

    fn date_as_written(&self, day: Day) -> Result<Date, Code> {
        let order = match (day, self.order, day.only_order()) {
            (Day::Numbers { first, second, .. }, Some(order), Some(only))
                if order != DateOrder::Ymd && only != order && first != second =>
            {
                return Err(Code::TimeOrderContradicted);
            }
            // A year in front says nothing about dates that have it at the end.
            (_, _, Some(only)) => only,
            (_, Some(order), None) if order != DateOrder::Ymd => order,
            (Day::Numbers { year, .. }, ..) if year < SHORT_YEARS => {
                return Err(Code::TimeTwoDigitYear);
            }
            _ => return Err(Code::TimeOrderAmbiguous),
        };
        day.in_order(order).ok_or(Code::TimeMalformed)
    }

    /// A date alone: its noon, or a minute ago where it is today and noon is yet to come.
    fn noon(&mut self, date: Date, zone: Option<WrittenZone<'_>>) -> Result<Reading, Code> {
        let mut notes = Notes::default();
        notes.add(Code::TimeDateOnly);
        let noon = self.instant(date.at(12, 0, 0, 0), zone, &mut notes)?;
        let mut reading = reading(noon, 0, Precision::Day, notes);
        if noon > self.now - 60 {
            let midnight = self
                .instant(date.at(0, 0, 0, 0), zone, &mut Notes::default())
                .unwrap_or(noon - 12 * 3600);
            if midnight <= self.now {
                // In the first minute of the day, a minute ago would be another day.
                reading.moment.seconds = midnight.max(self.now - 60);
                reading.millis = reading.moment.seconds * 1000;
                reading.notes.add(Code::TimeCapped);
            }
        }
        Ok(reading)
    }

    fn instant(
        &mut self,
        local: DateTime,
        zone: Option<WrittenZone<'_>>,
        notes: &mut Notes,
    ) -> Result<i64, Code> {
        if !YEARS.contains(&local.year()) {
            return Err(Code::TimeMalformed);
        }
        let instant = match zone {
            None => {
                // Written once, so that threads do not take it from each other.
                if !self.has_used_zone() {
                    self.has_used_zone.store(true, Ordering::Relaxed);
                }
                if !self.zone_given {
                    notes.add(Code::TimeZoneAssumed);
                }
                self.local.instant(local)?
            }
            Some(WrittenZone::Offset(offset)) => {
                Instant::Once(seconds_as_utc(local)? - i64::from(offset))
            }
            Some(WrittenZone::Abbreviation(name)) => {
                let offset = self
                    .local
                    .offset_of(name, local)
                    .or_else(|| words::zone_offset(name).map(i64::from));
                Instant::Once(seconds_as_utc(local)? - offset.ok_or(Code::TimeZoneUnknown)?)
            }
            Some(WrittenZone::Name(name)) => {
                let zone = TimeZone::get(name).map_err(|_| Code::TimeZoneUnknown)?;
                LocalTime::new(zone).instant(local)?
            }
        };
        match instant {
            Instant::Once(seconds) => Ok(seconds),
            Instant::Twice(earlier) => {
                notes.add(Code::TimeRepeatedHour);
                Ok(earlier)
            }
        }
    }
}

fn reading(seconds: i64, millis: i16, precision: Precision, notes: Notes) -> Reading {
    Reading {
        moment: Moment { seconds, precision },
        millis: seconds * 1000 + i64::from(millis),
        uncapped: seconds,
        notes,
    }
}

fn local(date: Date, clock: Clock) -> Result<DateTime, Code> {
    if clock.hour == 24 {
        return date
            .tomorrow()
            .map(|date| date.at(0, 0, 0, 0))
            .map_err(|_| Code::TimeMalformed);
    }
    Ok(date.at(clock.hour, clock.minute, clock.second, 0))
}

/// Unix seconds of an instant that lies in a year a lead can have.
fn in_years(millis: i64) -> Result<i64, Code> {
    let instant = Timestamp::from_millisecond(millis).map_err(|_| Code::TimeMalformed)?;
    let year = Offset::UTC.to_datetime(instant).year();
    YEARS
        .contains(&year)
        .then(|| instant.as_second())
        .ok_or(Code::TimeMalformed)
}

impl Day {
    /// The day that a cell spells, whatever time of day follows.
    ///
    /// Errors: the text is no date, or the year of two digits stands where none can be told from a day.
    pub(crate) fn read(text: &str) -> Result<Self, Code> {
        if let Some(Written::Civil { day, .. }) = iso::read(text.as_bytes()) {
            return Ok(day);
        }
        let folded = Folded::of(text).ok_or(Code::TimeMalformed)?;
        match general::read(folded.as_str())? {
            Written::Civil {
                clock: None,
                zone: Some(_),
                ..
            }
            | Written::Instant { .. } => Err(Code::TimeMalformed),
            Written::Civil { day, .. } => Ok(day),
        }
    }

    /// Two numbers of which one is the month; None where no month has such a day.
    pub(crate) fn of_numbers(first: i16, second: i16, year: i16) -> Option<Self> {
        general::numbers(first, second, year).ok()
    }
}
