//! What times are written with in scripts other than Latin: Russian, Ukrainian, Arabic, Hindi, Thai, Chinese, Japanese and
//! Korean, each with the English or the sign that the reader knows it by.
//!
//! A word is looked for at a place and may run into what follows, as scripts without spaces have it; the longest counts.

/// What stands in dates, by what it means to the reader: the months as the Unicode CLDR has them, in the cases that dates
/// take, days of the week, which say nothing, and what parts the numbers. `_` is a space inside of a name.
const WORDS: [(&str, &str); 19] = [
    (
        "jan",
        "января январь янв січня січень січ يناير كانون_الثاني जनवरी มกราคม ม.ค.",
    ),
    (
        "feb",
        "февраля февраль фев февр лютого лютий лют فبراير شباط फ़रवरी फ़रवरी फरवरी กุมภาพันธ์ ก.พ.",
    ),
    (
        "mar",
        "марта март мар березня березень бер مارس آذار मार्च มีนาคม มี.ค.",
    ),
    (
        "apr",
        "апреля апрель апр квітня квітень квіт أبريل ابريل إبريل نيسان अप्रैल เมษายน เม.ย.",
    ),
    (
        "may",
        "мая май травня травень трав مايو أيار मई พฤษภาคม พ.ค.",
    ),
    (
        "jun",
        "июня июнь июн червня червень черв يونيو يونيه حزيران जून มิถุนายน มิ.ย.",
    ),
    (
        "jul",
        "июля июль июл липня липень лип يوليو يوليه تموز जुलाई กรกฎาคม ก.ค.",
    ),
    (
        "aug",
        "августа август авг серпня серпень серп أغسطس اغسطس آب अगस्त สิงหาคม ส.ค.",
    ),
    (
        "sep",
        "сентября сентябрь сен сент вересня вересень вер سبتمبر أيلول सितंबर सितम्बर กันยายน ก.ย.",
    ),
    (
        "oct",
        "октября октябрь окт жовтня жовтень жовт أكتوبر اكتوبر تشرين_الأول अक्टूबर अक्तूबर ตุลาคม ต.ค.",
    ),
    (
        "nov",
        "ноября ноябрь ноя нояб листопада листопад лист نوفمبر تشرين_الثاني नवंबर नवम्बर พฤศจิกายน พ.ย.",
    ),
    (
        "dec",
        "декабря декабрь дек грудня грудень груд ديسمبر كانون_الأول दिसंबर दिसम्बर ธันวาคม ธ.ค.",
    ),
    ("-", "年 月 년 월"),
    (
        " ",
        "日 号 號 일 в г. года р. року น. เวลา बजे 秒 초 星期一 星期二 星期三 星期四 星期五 星期六 星期日 星期天 周一 周二 周三 周四 周五 周六 周日 月曜日 火曜日 水曜日 \
        木曜日 金曜日 土曜日 日曜日 日(月) 日(火) 日(水) 日(木) 日(金) 日(土) 日(日) 日（月） 日（火） 日（水） 日（木） 日（金） 日（土） \
        日（日） 월요일 화요일 수요일 목요일 금요일 토요일 일요일 일(월) 일(화) 일(수) 일(목) 일(금) 일(토) 일(일)",
    ),
    (
        "mon",
        "пн понедельник понеділок вт вторник вівторок ср среда середа чт четверг пт пятница сб суббота вс нд воскресенье",
    ),
    (",", "،"),
    ("am ", "上午 午前 오전 ص صباحا صباحًا صباحاً"),
    ("pm ", "下午 午後 오후 م مساء مساءً"),
    (":", "時 时 點 点 시 分 분"),
];

/// The zeros of digits that are written in other scripts: Arabic, Persian, Devanagari, Thai.
const ZEROS: [char; 4] = ['\u{660}', '\u{6f0}', '\u{966}', '\u{e50}'];

/// Below this letter there is only Latin.
const FIRST: char = '\u{370}';

/// What the text begins with, in a script other than Latin: what it means, and how many bytes it takes.
pub(super) fn word(text: &str) -> Option<(&'static str, usize)> {
    let first = text.chars().next().filter(|first| *first >= FIRST)?;
    let each = WORDS
        .iter()
        .flat_map(|(meaning, words)| words.split_ascii_whitespace().map(|word| (*meaning, word)));
    let (meaning, length) = each
        .filter_map(|(meaning, word)| Some((meaning, length_of(word, text)?)))
        .max_by_key(|(_, length)| *length)?;
    // What ends the minutes parts them from seconds, if there are any.
    let is_last = !text[length..].starts_with(|next: char| next.is_numeric());
    match meaning {
        ":" if is_last && !"時时點点시".contains(first) => Some(("", length)),
        ":" if is_last => Some(("h", length)),
        _ => Some((meaning, length)),
    }
}

/// How much of the text a word takes that it begins with; upper and lower case are the same.
fn length_of(word: &str, text: &str) -> Option<usize> {
    let mut rest = text.chars();
    for letter in word.chars() {
        let next = rest.next()?;
        let is_same = next == letter
            || letter == '_' && next == ' '
            || next.to_lowercase().eq(letter.to_lowercase());
        if !is_same {
            return None;
        }
    }
    Some(text.len() - rest.as_str().len())
}

/// The digit that a character of another script stands for.
pub(super) fn digit(letter: char) -> Option<u8> {
    let value = |zero: &char| {
        (letter as u32)
            .checked_sub(*zero as u32)
            .filter(|value| *value < 10)
    };
    let value = ZEROS.iter().find_map(value)?;
    u8::try_from(value).ok().map(|value| b'0' + value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_word_counts() {
        assert_eq!(word("Ноября 2026"), Some(("nov", 12)));
        assert_eq!(word("日曜日 15:15"), Some((" ", 9)));
        assert_eq!(word("تشرين الثاني"), Some(("nov", 23)));
        assert_eq!(word("november"), None);
        assert_eq!(digit('٤'), Some(b'4'));
    }
}
