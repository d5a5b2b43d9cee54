//! What Meta takes and what it refuses, checked before anything is sent: one bad event fails a whole request.
//!
//! In go what is known of a lead or an event; out comes nothing, or the code of the first rule it breaks. The sandbox
//! knows these rules too, from the same pages, and shares no code with this file.

use jiff::tz::TimeZone;

use crate::customer::{Key, KeySet};
use crate::problem::Code;
use crate::time::Moment;

/// Events of one request.
/// <https://developers.facebook.com/docs/marketing-api/conversions-api/using-the-api#send>
pub(crate) const MAX_BATCH_EVENTS: u16 = 1_000;

/// How old an event may be when it is sent.
/// <https://developers.facebook.com/docs/marketing-api/conversions-api/using-the-api#event-time>
pub(crate) const MAX_AGE_SECONDS: i64 = 7 * 24 * 60 * 60;

/// How much sooner an event counts as too old here: a run takes time, and clocks differ.
pub(crate) const AGE_MARGIN_SECONDS: i64 = 5 * 60;

/// Events before this time are too old to be sent at `now`, Unix seconds.
pub(crate) const fn oldest(now: i64) -> i64 {
    now - MAX_AGE_SECONDS + AGE_MARGIN_SECONDS
}

/// How far ahead of this clock an event may lie and still be taken for one that has happened.
pub(crate) const MAX_AHEAD_SECONDS: i64 = 60;

/// Customer parameters that identify nobody when there is nothing but a subset of one of these.
/// <https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/customer-information-parameters>
const TOO_BROAD: [&[Key]; 4] = [
    &[
        Key::Ct,
        Key::Country,
        Key::St,
        Key::Zp,
        Key::Ge,
        Key::ClientUserAgent,
    ],
    &[Key::Db, Key::ClientUserAgent],
    &[Key::Fn, Key::Ge],
    &[Key::Ln, Key::Ge],
];

/// Bytes of one event, before anything in it is escaped. A request stays around a megabyte, and an event with twenty
/// addresses has a few kilobytes.
pub(crate) const MAX_EVENT_BYTES: usize = 64 << 10;

/// Bytes of all events of a row.
pub(crate) const MAX_ROW_BYTES: usize = 1 << 20;

/// Whether so many events of this size can be made of one row.
///
/// # Errors
/// It would cost more memory than any lead is worth.
pub(crate) fn check_size(event_bytes: usize, events: usize) -> Result<(), Code> {
    if event_bytes > MAX_EVENT_BYTES || event_bytes * events > MAX_ROW_BYTES {
        return Err(Code::EventTooLarge);
    }
    Ok(())
}

/// Whether Meta can match a lead by what is known of it.
///
/// # Errors
/// Nothing is known, or too little.
pub(crate) fn check_customer(keys: KeySet) -> Result<(), Code> {
    if keys.is_empty() {
        return Err(Code::CustomerMissing);
    }
    if TOO_BROAD
        .iter()
        .any(|broad| keys.is_subset_of(KeySet::of(broad)))
    {
        return Err(Code::CustomerTooBroad);
    }
    Ok(())
}

/// Whether Meta takes an event of this time now. Days are compared as those of `zone`.
///
/// # Errors
/// It is too old, in the future, or before its lead was created. [`Code::EventAhead`] means that it only has to wait.
pub(crate) fn check_time(
    event: Moment,
    created: Option<Moment>,
    now: i64,
    zone: &TimeZone,
) -> Result<(), Code> {
    if event.seconds < oldest(now) {
        return Err(Code::EventTooOld);
    }
    if event.seconds > now + MAX_AHEAD_SECONDS {
        return Err(Code::EventInFuture);
    }
    if created.is_some_and(|created| event.is_before(created, zone)) {
        return Err(Code::EventBeforeCreated);
    }
    if event.seconds > now {
        return Err(Code::EventAhead);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Precision;

    const NOW: i64 = 1_795_305_600;

    fn check(event: Moment, created: Option<Moment>) -> Result<(), Code> {
        check_time(event, created, NOW, &TimeZone::UTC)
    }

    fn at(seconds: i64) -> Moment {
        Moment {
            seconds,
            precision: Precision::Second,
        }
    }

    #[test]
    fn subsets_of_a_broad_combination_are_too_broad_and_one_key_more_is_enough() {
        for broad in TOO_BROAD {
            for key in broad {
                assert_eq!(
                    check_customer(KeySet::of(&[*key])),
                    Err(Code::CustomerTooBroad)
                );
            }
            let mut keys = broad.to_vec();
            assert_eq!(
                check_customer(KeySet::of(&keys)),
                Err(Code::CustomerTooBroad)
            );
            keys.push(Key::Em);
            assert_eq!(check_customer(KeySet::of(&keys)), Ok(()));
        }
        assert_eq!(check_customer(KeySet::of(&[Key::Fn, Key::Ln])), Ok(()));
        assert_eq!(check_customer(KeySet::of(&[])), Err(Code::CustomerMissing));
    }

    #[test]
    fn the_window_is_seven_days_less_five_minutes_and_ends_now() {
        let oldest = NOW - 7 * 86_400 + 300;
        assert_eq!(check(at(oldest), None), Ok(()));
        assert_eq!(check(at(oldest - 1), None), Err(Code::EventTooOld));
        assert_eq!(check(at(NOW), None), Ok(()));
    }

    #[test]
    fn an_event_up_to_a_minute_ahead_only_waits() {
        assert_eq!(check(at(NOW + 1), None), Err(Code::EventAhead));
        assert_eq!(check(at(NOW + 60), None), Err(Code::EventAhead));
        assert_eq!(check(at(NOW + 61), None), Err(Code::EventInFuture));
        assert_eq!(
            check(at(NOW + 30), Some(at(NOW + 31))),
            Err(Code::EventBeforeCreated)
        );
    }

    #[test]
    fn events_and_rows_have_a_size() {
        assert_eq!(check_size(1_000, 1_000), Ok(()));
        assert_eq!(check_size(1_100, 1_000), Err(Code::EventTooLarge));
        assert_eq!(check_size(MAX_EVENT_BYTES, 1), Ok(()));
        assert_eq!(check_size(MAX_EVENT_BYTES + 1, 1), Err(Code::EventTooLarge));
    }

    #[test]
    fn a_stage_comes_after_its_lead_as_far_as_the_times_can_tell() {
        assert_eq!(check(at(NOW - 60), Some(at(NOW - 60))), Ok(()));
        assert_eq!(
            check(at(NOW - 60), Some(at(NOW - 59))),
            Err(Code::EventBeforeCreated)
        );
        let minute = Moment {
            precision: Precision::Minute,
            ..at(NOW - 60)
        };
        assert_eq!(check(minute, Some(at(NOW - 48))), Ok(()));
    }
}
