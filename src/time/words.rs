//! The words times are written with, in English, German, French, Spanish, Portuguese and Italian, without accents.
//!
//! A word is listed only where it names one month in all of these languages.

/// The names and usual abbreviations of each month.
const MONTHS: [&[&str]; 12] = [
    &[
        "jan", "january", "januar", "janner", "janv", "janvier", "ene", "enero", "janeiro", "gen",
        "gennaio",
    ],
    &[
        "feb",
        "february",
        "februar",
        "fevr",
        "fevrier",
        "febrero",
        "fev",
        "fevereiro",
        "febbraio",
        "febr",
    ],
    &[
        "mar", "march", "marz", "maerz", "mrz", "mars", "marzo", "marco",
    ],
    &["apr", "april", "avr", "avril", "abr", "abril", "aprile"],
    &["may", "mai", "mayo", "maio", "mag", "maggio"],
    &[
        "jun", "june", "juni", "juin", "junio", "junho", "giu", "giugno",
    ],
    &[
        "jul", "july", "juli", "juil", "juillet", "julio", "julho", "lug", "luglio",
    ],
    &["aug", "august", "aout", "ago", "agosto"],
    &[
        "sep",
        "sept",
        "september",
        "septembre",
        "septiembre",
        "setiembre",
        "set",
        "setembro",
        "settembre",
    ],
    &[
        "oct", "october", "okt", "oktober", "octobre", "octubre", "out", "outubro", "ott",
        "ottobre",
    ],
    &["nov", "november", "novembre", "noviembre", "novembro"],
    &[
        "dec",
        "december",
        "dez",
        "dezember",
        "decembre",
        "dic",
        "diciembre",
        "dezembro",
        "dicembre",
    ],
];

/// The days of the week; which of them it is does not matter.
const WEEKDAYS: [&str; 75] = [
    "mon",
    "monday",
    "tue",
    "tues",
    "tuesday",
    "wed",
    "wednesday",
    "thu",
    "thur",
    "thurs",
    "thursday",
    "fri",
    "friday",
    "sat",
    "saturday",
    "sun",
    "sunday",
    "mo",
    "montag",
    "di",
    "dienstag",
    "mi",
    "mittwoch",
    "do",
    "donnerstag",
    "fr",
    "freitag",
    "sa",
    "samstag",
    "sonnabend",
    "so",
    "sonntag",
    "lun",
    "lundi",
    "mar",
    "mardi",
    "mer",
    "mercredi",
    "jeu",
    "jeudi",
    "ven",
    "vendredi",
    "sam",
    "samedi",
    "dim",
    "dimanche",
    "lunes",
    "martes",
    "mie",
    "miercoles",
    "jue",
    "jueves",
    "vie",
    "viernes",
    "sab",
    "sabado",
    "dom",
    "domingo",
    "seg",
    "segunda",
    "ter",
    "terca",
    "qua",
    "quarta",
    "qui",
    "quinta",
    "sex",
    "sexta",
    "lunedi",
    "martedi",
    "mercoledi",
    "giovedi",
    "venerdi",
    "sabato",
    "domenica",
];

/// Zone abbreviations that mean the same wherever software writes them, with their offset in minutes. Those of the USA
/// are fixed by RFC 2822; `IST` and the like, which have several meanings, are only taken from the reader's own zone.
const ZONES: [(&str, i32); 33] = [
    ("utc", 0),
    ("gmt", 0),
    ("ut", 0),
    ("wet", 0),
    ("west", 60),
    ("bst", 60),
    ("cet", 60),
    ("mez", 60),
    ("cest", 120),
    ("mesz", 120),
    ("eet", 120),
    ("eest", 180),
    ("msk", 180),
    ("sast", 120),
    ("sgt", 480),
    ("hkt", 480),
    ("awst", 480),
    ("jst", 540),
    ("kst", 540),
    ("aest", 600),
    ("aedt", 660),
    ("nzst", 720),
    ("nzdt", 780),
    ("est", -300),
    ("edt", -240),
    ("cst", -360),
    ("cdt", -300),
    ("mst", -420),
    ("mdt", -360),
    ("pst", -480),
    ("pdt", -420),
    ("akst", -540),
    ("akdt", -480),
];

/// The month a word names, 1 to 12.
pub(super) fn month(word: &str) -> Option<i8> {
    let index = MONTHS.iter().position(|names| names.contains(&word))?;
    i8::try_from(index + 1).ok()
}

/// Whether the word names a day of the week.
pub(super) fn is_weekday(word: &str) -> bool {
    WEEKDAYS.contains(&word)
}

/// Seconds east of UTC that an abbreviation stands for.
pub(super) fn zone_offset(abbreviation: &str) -> Option<i32> {
    ZONES
        .iter()
        .find(|(name, _)| *name == abbreviation)
        .map(|(_, minutes)| minutes * 60)
}

/// Whether the word may follow the number of a day: `20th`, `1er`, `1o`.
pub(super) fn is_ordinal_suffix(word: &str) -> bool {
    matches!(word, "st" | "nd" | "rd" | "th" | "er" | "o" | "a")
}

/// Whether the word may stand between the parts of a date: `20 de noviembre de 2026`.
pub(super) fn is_date_filler(word: &str) -> bool {
    matches!(word, "of" | "de" | "del")
}

/// Whether the word may stand between a date and a time of day.
pub(super) fn is_joint(word: &str) -> bool {
    matches!(
        word,
        "t" | "at" | "um" | "a" | "as" | "la" | "las" | "alle" | "ore"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_word_names_two_months() {
        let words: Vec<_> = MONTHS.iter().flat_map(|names| names.iter()).collect();
        assert_eq!(words.iter().collect::<HashSet<_>>().len(), words.len());
        assert!(
            words
                .iter()
                .all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase()))
        );
        assert_eq!(
            (month("dez"), month("gen"), month("mai"), month("x")),
            (Some(12), Some(1), Some(5), None)
        );
    }
}
