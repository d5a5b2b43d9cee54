//! The words times are written with in languages of Latin letters, without accents: English, German, French, Spanish,
//! Portuguese, Italian, Dutch, Polish, Turkish, Indonesian, Vietnamese; months also in Czech, Danish, Norwegian, Swedish,
//! Hungarian and Romanian.
//!
//! A word is listed only where it names one month in all of these languages.

/// The names and usual abbreviations of each month.
const MONTHS: [&str; 12] = [
    "jan january januar janner janv janvier ene enero janeiro gen gennaio januari ianuarie ian ocak oca styczen stycznia sty leden ledna",
    "feb february februar fevr fevrier febrero fev fevereiro febbraio febr februari februarie subat sub luty lutego lut unor unora",
    "mar march marz maerz mrz mars marzo marco maart mrt mart marts martie marcius marc maret marzec marca brezen brezna",
    "apr april avr avril abr abril aprile nisan nis kwiecien kwietnia kwi duben dubna aprilie aprilis",
    "may mai mayo maio mag maggio mei maj maja majus mayis kveten kvetna",
    "jun june juni juin junio junho giu giugno haziran haz czerwiec czerwca cze cerven cervna iunie iun junius",
    "jul july juli juil juillet julio julho lug luglio temmuz tem lipiec lipca lip cervenec cervence iulie iul julius",
    "aug august aout ago agosto augustus augusti agustus agu agt ags agustos sierpien sierpnia sie srpen srpna augusztus",
    "sep sept september septembre septiembre setiembre set setembro settembre eylul eyl wrzesien wrzesnia wrz zari szeptember szept septembrie",
    "oct october okt oktober octobre octubre out outubro ott ottobre ekim eki pazdziernik pazdziernika paz rijen rijna octombrie",
    "nov november novembre noviembre novembro kasim kas listopad listopada lis noiembrie noi",
    "dec december dez dezember decembre dic diciembre dezembro dicembre desember des aralik ara grudzien grudnia gru prosinec prosince decembrie",
];

/// The days of the week; which of them it is does not matter.
const WEEKDAYS: &[&str] = &[
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
    "maandag",
    "dinsdag",
    "woensdag",
    "donderdag",
    "vrijdag",
    "zaterdag",
    "zondag",
    "ma",
    "wo",
    "vr",
    "za",
    "zo",
    "poniedzialek",
    "wtorek",
    "sroda",
    "czwartek",
    "piatek",
    "sobota",
    "niedziela",
    "pazartesi",
    "sali",
    "carsamba",
    "persembe",
    "cuma",
    "cumartesi",
    "pazar",
    "senin",
    "selasa",
    "rabu",
    "kamis",
    "jumat",
    "sabtu",
    "minggu",
];

/// Zone abbreviations that mean the same wherever software writes them, with their offset in minutes. Those of the USA
/// are fixed by RFC 2822; `IST` and the like, which have several meanings, are only taken from the reader's own zone.
const ZONES: [(&str, i32); 36] = [
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
    ("wib", 420),
    ("wita", 480),
    ("wit", 540),
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
    if word.is_empty() {
        return None;
    }
    let mut months = MONTHS.iter();
    let index = months.position(|names| names.split_ascii_whitespace().any(|it| it == word))?;
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
    matches!(word, "of" | "de" | "del" | "nam")
}

/// Whether the word stands before the number of a month: `20 thg 11, 2026`.
pub(super) fn is_month_word(word: &str) -> bool {
    matches!(word, "thg" | "thang")
}

/// Whether the word may stand between a date and a time of day.
pub(super) fn is_joint(word: &str) -> bool {
    matches!(
        word,
        "t" | "at"
            | "um"
            | "a"
            | "as"
            | "la"
            | "las"
            | "alle"
            | "ore"
            | "om"
            | "o"
            | "godz"
            | "saat"
            | "pukul"
            | "pkl"
            | "luc"
            | "kl"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_word_names_two_months() {
        let words: Vec<_> = MONTHS
            .iter()
            .flat_map(|names| names.split_ascii_whitespace())
            .collect();
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
