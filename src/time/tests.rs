//! What cells are read as: the forms, the refusals, the assumptions.

use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::text::Folded;
use super::{DateOrder, Precision, Reading, TimeReader, general, iso, parse_zone};
use crate::problem::Code;

/// 2026-11-22 12:00:00 -05:00
const NOW: i64 = 1_795_366_800;

fn reader(zone: &str, order: Option<DateOrder>) -> TimeReader {
    TimeReader::new(parse_zone(zone).unwrap(), true, order, NOW)
}

fn read(text: &str) -> Result<Option<Reading>, Code> {
    reader("America/New_York", None).read(text)
}

fn seconds(text: &str) -> Result<i64, Code> {
    read(text).map(|reading| reading.unwrap().moment.seconds)
}

#[test]
fn every_way_of_writing_one_instant_is_read() {
    for text in [
        "2026-11-20T14:03:00-05:00",
        "2026-11-20T14:03:00-0500",
        "2026-11-20T14:03:00-05",
        "2026-11-20t14:03:00.000-05:00",
        "2026-11-20T14:03:00,000−05:00",
        "2026-11-20T19:03:00Z",
        "2026-11-20T19:03:00.000Z",
        "2026-11-20T19:03:00.000+0000",
        "2026-11-20T20:03:00+01:00",
        "2026-11-20T19:03Z",
        "2026-11-20 19:03:00 UTC",
        "2026-11-20 19:03:00 +0000",
        "2026-11-20 19:03:00 +00:00",
        "2026-11-20 19:03:00.123456 UTC",
        "2026-11-20T14:03:00-05:00[America/New_York]",
        "2026-11-20T11:03:00[America/Los_Angeles]",
        "2026-11-20 14:03 US/Eastern",
        "2026-11-20 14:03",
        "20-Nov-26 14:03",
        "20-Nov-26 2:03p",
        "46346.5854167",
        "20 listopada 2026, 14:03",
        "20 ноября 2026 г., 14:03",
        "20 ноя. 2026 14:03",
        "пт, 20 ноября 2026 г. в 14:03",
        "20 листопада 2026 р. 14:03",
        "20 Kasım 2026 14:03",
        "20 November 2026 pukul 14.03",
        "20 thg 11, 2026 14:03",
        "14:03 20 tháng 11, 2026",
        "20 tháng 11 năm 2026 lúc 14:03",
        "vrijdag 20 november 2026 om 14:03",
        "20 نوفمبر 2026 14:03",
        "٢٠ نوفمبر ٢٠٢٦ ١٤:٠٣",
        "20 تشرين الثاني 2026، 2:03 م",
        "20 नवंबर 2026 14:03",
        "20 พฤศจิกายน 2026 14:03 น.",
        "2026年11月20日 14:03",
        "2026年11月20日(金) 14時03分",
        "2026年11月20日 下午2:03",
        "2026/11/20 午後2:03",
        "2026년 11월 20일 오후 2:03",
        "2026. november 20. 14:03",
        " 2026-11-20 14:03:00 ",
        "'2026-11-20 14:03:00",
        "\"2026-11-20 14:03:00\"",
        "20261120T140300",
        "20261120T1403",
        "20261120T190300Z",
        "20261120T140300-0500",
        "20261120140300",
        "202611201403",
        "2026-W47-5T14:03:00",
        "2026W475T140300",
        "2026-324T14:03:00",
        "2026324T140300",
        "2026/11/20 14:03",
        "2026/11/20 2:03 PM",
        "2026.11.20 14:03",
        "2026-Nov-20 14:03",
        "11/20/2026 2:03 PM",
        "11/20/2026 02:03:00 PM",
        "11/20/2026 2:03pm",
        "11/20/2026, 2:03:00\u{202f}PM",
        "11/20/2026 2:03\u{a0}p.m.",
        "20/11/2026 2:03 p. m.",
        "11/20/2026 14:03 PM",
        "20.11.2026 14:03",
        "20. 11. 2026 14:03",
        "2026. 11. 20. 14:03",
        "20 11 2026 14:03",
        "2026 11 20 14:03",
        "20.11.2026, 14:03 Uhr",
        "20.11.2026 14.03",
        "20/11/2026 14h03",
        "20/11/2026 às 14:03",
        "20-11-2026 14:03:00",
        "20/11/2026 - 14:03",
        "14:03 20/11/2026",
        "２０２６/11/20 14:03",
        "Nov 20, 2026, 2:03 PM",
        "Nov 20, 2026 at 2:03 PM",
        "Nov 20 2026 02:03 PM",
        "Nov. 20, 2026 2:03 PM EST",
        "November 20th, 2026 2:03 PM",
        "20 Nov 2026 14:03",
        "20-Nov-2026 14:03:00",
        "20th of November 2026 14:03",
        "Fri, 20 Nov 2026 14:03:00 -0500",
        "Fri, 20 Nov 2026 19:03:00 GMT",
        "Fri Nov 20 2026 14:03:00 GMT-0500 (Eastern Standard Time)",
        "Fri Nov 20 14:03:00 EST 2026",
        "Fri Nov 20 14:03:00 2026",
        "Friday, November 20, 2026 2:03 PM (EST)",
        "20. November 2026 um 14:03 Uhr",
        "Fr., 20. Nov. 2026 20:03 MEZ",
        "20 novembre 2026 à 14:03",
        "ven. 20 nov. 2026 14:03",
        "20 de noviembre de 2026, 14:03",
        "sexta-feira, 20 de novembro de 2026 às 14:03",
        "1795201380",
        "1795201380.0",
        "1795201380000",
        "1795201380000000",
    ] {
        assert_eq!(seconds(text), Ok(1_795_201_380), "{text}");
    }
}

#[test]
fn months_are_known_in_several_languages() {
    for text in [
        "5. März 2026 9:00",
        "5 mars 2026 9:00",
        "jeudi 5 mars 2026 09:00",
        "5 de março de 2026 09:00",
        "5 marzo 2026 ore 9:00",
        "jue 5 mar 2026 9:00",
        "mar 5, 2026 9 AM",
        "1772701200",
    ] {
        assert_eq!(
            reader("UTC", None)
                .read(text)
                .map(|it| it.unwrap().moment.seconds),
            Ok(1_772_701_200),
            "{text}"
        );
    }
    assert_eq!(
        seconds("mar. 24 nov. 2026 14:03"),
        Ok(1_795_201_380 + 4 * 86_400)
    );
    assert_eq!(seconds("15 août 2026 10:00"), seconds("2026-08-15 10:00"));
    assert_eq!(seconds("15 Dez 2026 10:00"), seconds("2026-12-15 10:00"));
}

#[test]
fn precision_and_milliseconds_are_kept() {
    let precision = |text| read(text).unwrap().unwrap().moment.precision;
    assert_eq!(precision("2026-11-20T14:03:00"), Precision::Second);
    assert_eq!(precision("1795201380"), Precision::Second);
    assert_eq!(precision("11/20/2026 2:03:00 PM"), Precision::Second);
    assert_eq!(precision("2026-11-20 14:03"), Precision::Minute);
    assert_eq!(precision("Nov 20, 2026, 2:03 PM"), Precision::Minute);
    assert_eq!(precision("2026-11-20"), Precision::Day);
    let millis = |text| read(text).unwrap().unwrap().millis;
    assert_eq!(millis("1795201380123"), 1_795_201_380_123);
    assert_eq!(millis("2026-11-20T14:03:00.0456-05:00"), 1_795_201_380_045);
    assert_eq!(millis("11/20/2026 2:03:00.5 PM"), 1_795_201_380_500);
    assert_eq!(millis("2026-11-20 14:03"), 1_795_201_380_000);
}

#[test]
fn cells_that_say_nothing_have_no_time() {
    for text in [
        "",
        "  ",
        "-",
        "N/A",
        "null",
        "########",
        "0000-00-00 00:00:00",
        "não fechado",
        "0001-01-01T00:00:00",
    ] {
        assert_eq!(read(text), Ok(None), "{text:?}");
    }
}

#[test]
fn what_cannot_be_read_is_refused() {
    use Code::*;
    for (text, expected) in [
        ("soon", TimeMalformed),
        ("0", TimeMalformed),
        ("26336.37847", TimeMalformed),
        ("463360", TimeMalformed),
        ("-1795201380", TimeMalformed),
        ("179520138", TimeMalformed),
        ("9999999999", TimeMalformed),
        ("14:03", TimeMalformed),
        ("2026-11", TimeMalformed),
        ("2026-11-31", TimeMalformed),
        ("2026-02-29 10:00", TimeMalformed),
        ("2026-13-01", TimeMalformed),
        ("2026-11-20 25:00", TimeMalformed),
        ("2026-11-20 14:60", TimeMalformed),
        ("2026-11-20 24:01", TimeMalformed),
        ("2026-11-20 14:03 PM x", TimeMalformed),
        ("2026-11-20T14:03:00+25:00", TimeMalformed),
        ("2026-366", TimeMalformed),
        ("2026-W54-1", TimeMalformed),
        ("13/25/2026", TimeMalformed),
        ("31/02/2026", TimeMalformed),
        ("11/20-2026", TimeMalformed),
        ("1999-12-31 10:00", TimeMalformed),
        ("2101-01-01 10:00", TimeMalformed),
        ("11/20/2026 0:30 PM", TimeMalformed),
        ("11/20/2026 14:03 AM", TimeMalformed),
        ("Nov 31, 2026", TimeMalformed),
        ("Created Nov 20, 2026", TimeMalformed),
        ("2026-11-20 and later", TimeMalformed),
        ("11/20/26", TimeTwoDigitYear),
        ("20-Nov-28 14:03", TimeTwoDigitYear),
        ("26-11-20", TimeTwoDigitYear),
        ("97-02-16", TimeTwoDigitYear),
        ("20 11 26", TimeMalformed),
        ("1.79432E+12", TimePrecisionLost),
        ("1,79432E+09", TimePrecisionLost),
        ("03/04/2026", TimeOrderAmbiguous),
        ("03.04.2026 10:00", TimeOrderAmbiguous),
        ("2026-11-20 14:03 IST", TimeZoneUnknown),
        ("2026-11-20 14:03 Mars/Olympus", TimeZoneUnknown),
    ] {
        assert_eq!(read(text), Err(expected), "{text}");
    }
}

#[test]
fn the_order_of_day_and_month_is_given_or_the_only_one_or_refused() {
    use DateOrder::*;
    let day = |text, order| {
        reader("UTC", order).read(text).map(|it| {
            Offset::UTC
                .to_datetime(Timestamp::from_second(it.unwrap().moment.seconds).unwrap())
                .date()
                .to_string()
        })
    };
    let (april, march) = (Ok("2026-04-03".to_owned()), Ok("2026-03-04".to_owned()));
    assert_eq!(day("03/04/2026", Some(Dmy)), april);
    assert_eq!(day("03/04/2026", Some(Mdy)), march);
    assert_eq!(day("3.4.2026 12:00", Some(Mdy)), march);
    assert_eq!(day("03/04/2026", Some(Ymd)), Err(Code::TimeOrderAmbiguous));
    assert_eq!(day("2026/04/03", Some(Mdy)), april);
    assert_eq!(day("05/05/2026", None), Ok("2026-05-05".to_owned()));
    assert_eq!(day("11/20/2026", None), Ok("2026-11-20".to_owned()));
    assert_eq!(day("20/11/2026", Some(Ymd)), Ok("2026-11-20".to_owned()));
    assert_eq!(
        day("20/11/2026", Some(Mdy)),
        Err(Code::TimeOrderContradicted)
    );
    assert_eq!(
        day("11/20/2026", Some(Dmy)),
        Err(Code::TimeOrderContradicted)
    );
}

#[test]
fn the_hour_that_happens_twice_is_the_earlier_and_the_one_that_never_happens_is_refused() {
    // Clocks go back on 2026-11-01 at 2:00 EDT and forward on 2026-03-08 at 2:00 EST.
    let twice = read("2026-11-01 01:30:00").unwrap().unwrap();
    assert_eq!(twice.moment.seconds, 1_793_511_000);
    assert_eq!(
        twice.notes.codes().collect::<Vec<_>>(),
        [Code::TimeRepeatedHour]
    );
    for (text, expected) in [
        ("2026-11-01 00:59:59", Ok(1_793_509_199)),
        ("2026-11-01 02:00:00", Ok(1_793_516_400)),
        ("2026-11-01 01:30:00 EST", Ok(1_793_514_600)),
        ("2026-11-01 01:30:00 EDT", Ok(1_793_511_000)),
        ("2026-11-01T01:30:00-05:00", Ok(1_793_514_600)),
        ("2026-03-08 01:59:59", Ok(1_772_953_199)),
        ("2026-03-08 03:00:00", Ok(1_772_953_200)),
        ("2026-03-08 02:30:00", Err(Code::TimeNonexistent)),
        ("3/8/2026 2:30 AM", Err(Code::TimeOrderAmbiguous)),
        ("Mar 8, 2026 2:30 AM", Err(Code::TimeNonexistent)),
    ] {
        assert_eq!(seconds(text), expected, "{text}");
        assert!(read(text).is_err() || read(text).unwrap().unwrap().notes.is_empty());
    }
}

#[test]
fn a_zones_own_abbreviation_goes_before_the_american_one() {
    let at = |zone, text| {
        reader(zone, None)
            .read(text)
            .map(|it| it.unwrap().moment.seconds)
    };
    assert_eq!(
        at("Asia/Shanghai", "2026-11-20 14:03 CST"),
        at("UTC", "2026-11-20T14:03+08:00")
    );
    assert_eq!(
        at("UTC", "2026-11-20 14:03 CST"),
        at("UTC", "2026-11-20T14:03-06:00")
    );
    assert_eq!(
        at("Asia/Kolkata", "2026-11-20 14:03 IST"),
        at("UTC", "2026-11-20T14:03+05:30")
    );
    assert_eq!(
        at("UTC", "2026-11-20 14:03 CEST"),
        at("UTC", "2026-11-20T14:03+02:00")
    );
}

#[test]
fn utc_is_assumed_aloud_only_where_it_matters() {
    let mut reader = TimeReader::new(TimeZone::UTC, false, None, NOW);
    let mut codes = |text| {
        reader
            .read(text)
            .unwrap()
            .unwrap()
            .notes
            .codes()
            .collect::<Vec<_>>()
    };
    assert_eq!(codes("2026-11-20 14:03"), [Code::TimeZoneAssumed]);
    assert_eq!(
        codes("2026-11-20"),
        [Code::TimeZoneAssumed, Code::TimeDateOnly]
    );
    for text in [
        "2026-11-20T14:03Z",
        "2026-11-20T14:03+01:00",
        "1795201380",
        "Fri, 20 Nov 2026 14:03:00 EST",
    ] {
        assert_eq!(codes(text), [], "{text}");
    }
    assert!(read("2026-11-20 14:03").unwrap().unwrap().notes.is_empty());
}

#[test]
fn a_date_alone_is_noon_but_never_later_today_than_a_minute_ago() {
    let at = |now, text| {
        TimeReader::new(parse_zone("America/New_York").unwrap(), true, None, now)
            .read(text)
            .unwrap()
            .unwrap()
    };
    let noon = NOW;
    let past = at(noon, "2026-11-20");
    assert_eq!(
        (past.moment.seconds, past.moment.precision),
        (noon - 2 * 86_400, Precision::Day)
    );
    assert_eq!(past.notes.codes().collect::<Vec<_>>(), [Code::TimeDateOnly]);
    let capped = at(noon - 3600, "11/22/2026");
    assert_eq!(
        (capped.moment.seconds, capped.millis),
        (noon - 3660, (noon - 3660) * 1000)
    );
    assert_eq!(capped.uncapped, noon, "ids stay the same all day");
    assert_eq!(
        capped.notes.codes().collect::<Vec<_>>(),
        [Code::TimeDateOnly, Code::TimeCapped]
    );
    assert_eq!(at(noon + 60, "2026-11-22").moment.seconds, noon);
    assert_eq!(at(noon + 59, "2026-11-22").moment.seconds, noon - 1);
    let tomorrow = at(noon, "2026-11-23");
    assert_eq!(
        tomorrow.moment.seconds,
        noon + 86_400,
        "a later day stays in the future"
    );
    // Twenty seconds into the day, a minute ago is another day.
    let midnight = noon - 12 * 3600;
    assert_eq!(at(midnight + 20, "2026-11-22").moment.seconds, midnight);
    assert_eq!(at(midnight - 1, "2026-11-22").moment.seconds, noon);
    assert_eq!(
        at(noon, "2026-11-20Z").moment.seconds,
        noon - 2 * 86_400 - 5 * 3600
    );
}

#[test]
fn midnight_and_the_end_of_a_day_are_times() {
    let midnight = read("2026-11-30 00:00").unwrap().unwrap();
    assert_eq!(
        (midnight.moment.precision, midnight.notes.is_empty()),
        (Precision::Minute, true)
    );
    assert_eq!(
        seconds("2026-11-20T24:00:00"),
        seconds("2026-11-21T00:00:00")
    );
    assert_eq!(
        seconds("2026-11-20T23:59:60Z"),
        seconds("2026-11-20T23:59:59Z")
    );
}

#[test]
fn two_digits_are_a_year_of_this_century_where_the_order_is_known() {
    use DateOrder::*;
    let day = |text, order| {
        let mut reader = reader("UTC", order);
        let read = reader.read(text).map(|it| it.unwrap().moment.seconds);
        read.map(|seconds| {
            let instant = Timestamp::from_second(seconds).unwrap();
            Offset::UTC.to_datetime(instant).date().to_string()
        })
    };
    let november = Ok("2026-11-20".to_owned());
    for (text, order) in [("11/20/26", Mdy), ("20.11.26 14:03", Dmy)] {
        assert_eq!(day(text, Some(order)), november, "{text}");
        assert_eq!(day(text, None), Err(Code::TimeTwoDigitYear), "{text}");
        assert_eq!(day(text, Some(Ymd)), Err(Code::TimeTwoDigitYear), "{text}");
    }
    for text in ["20-Nov-26 14:03", "Nov 20, 26"] {
        for order in [None, Some(Mdy), Some(Dmy), Some(Ymd)] {
            assert_eq!(day(text, order), november, "{text}");
        }
    }
    assert_eq!(day("01/02/27", Some(Dmy)), Ok("2027-02-01".to_owned()));
    assert_eq!(day("01/02/28", Some(Dmy)), Err(Code::TimeTwoDigitYear));
    assert_eq!(day("11/20/99", Some(Mdy)), Err(Code::TimeTwoDigitYear));
    assert_eq!(day("29/02/24", Some(Dmy)), Ok("2024-02-29".to_owned()));
    assert_eq!(day("20/11/26", Some(Mdy)), Err(Code::TimeOrderContradicted));
    for text in [
        "11/20/0026",
        "0026-11-20",
        "00261120",
        "0026-11-20 10:00",
        "0026/11/20",
    ] {
        assert_eq!(day(text, Some(Mdy)), Err(Code::TimeMalformed), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,40}", figures in "[-0-9/.:, +TZWapmeov\\[\\]()]{0,28}") {
        for order in [None, Some(DateOrder::Dmy)] {
            let mut reader = reader("America/New_York", order);
            let _ = reader.read(&text);
            let _ = reader.read(&figures);
        }
    }

    #[test]
    fn every_printed_form_reads_back(seconds in 946_684_800i64..4_102_444_800, offset in -12i32..=14) {
        let instant = Timestamp::from_second(seconds).unwrap();
        let local = Offset::from_hours(offset as i8).unwrap().to_datetime(instant);
        let mut reader = reader("UTC", Some(DateOrder::Dmy));
        for form in [
            "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S ", "%Y%m%dT%H%M%S", "%Y/%m/%d %I:%M:%S %p", "%d.%m.%Y %H:%M:%S",
            "%d/%m/%Y, %I:%M:%S%p ", "%b %d, %Y, %I:%M:%S %p ", "%a, %d %b %Y %T ", "%A, %B %d, %Y %T ", "%G-W%V-%uT%T",
            "%Y-%jT%T",
        ] {
            let zone = format!("{offset:+03}:00");
            let text = local.strftime(form).to_string() + &zone;
            let reading = reader.read(&text).unwrap().unwrap();
            prop_assert_eq!(reading.moment.seconds, seconds, "{}", text);
        }
    }

    #[test]
    fn remembered_offsets_never_change_a_reading(
        hours in prop::collection::vec(0i64..24 * 365 * 3, 1..40), zone in 0usize..5, minute in 0i8..60,
    ) {
        let zone = ["America/New_York", "Europe/Dublin", "Australia/Lord_Howe", "America/Sao_Paulo", "+05:45"][zone];
        let mut reader = reader(zone, None);
        for hour in hours {
            let local = Date::constant(2025, 1, 1).at(0, minute, 0, 0) + SignedDuration::from_hours(hour);
            let ambiguous = parse_zone(zone).unwrap().to_ambiguous_timestamp(local);
            let expected = match ambiguous.offset() {
                AmbiguousOffset::Gap { .. } => Err(Code::TimeNonexistent),
                _ => Ok(ambiguous.earlier().unwrap().as_second()),
            };
            let found = reader.read(&local.strftime("%F %T").to_string()).map(|it| it.unwrap().moment.seconds);
            prop_assert_eq!(found, expected, "{} {}", zone, local);
        }
    }

    #[test]
    fn the_plain_form_and_the_general_reader_agree(
        text in "20[0-9]{2}-[0-2][0-9]-[0-3][0-9]([T ][0-2][0-9]:[0-6][0-9](:[0-6][0-9]([.,][0-9]{1,5})?)?(Z|[+-][01][0-9](:?[0-6][0-9])?| UTC| [+-][01][0-9]00)?)?"
    ) {
        if let Some(plain) = iso::read(text.as_bytes()) {
            let folded = Folded::of(&text).unwrap();
            let general = general::read(folded.as_str());
            let mut reader = reader("America/New_York", None);
            prop_assert_eq!(reader.resolve(plain), general.and_then(|written| reader.resolve(written)), "{}", text);
        }
    }
}
