//! What tick boxes and consent columns say, in the words of larger markets.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::canonical;

const YES: &str = " yes y true t 1 x on checked ok ja j oui o sí si sì s sim tak да evet ano áno igen kyllä joo jah jā taip da \
    ναι vâng có ya oo はい 是 예 네 نعم כן ใช่ हाँ हां ";
const NO: &str = " no n false f 0 off unchecked nein non não nao nie нет hayır hayir ne nem ei nej nee nē όχι \
    không tidak hindi いいえ 否 아니요 아니오 لا לא ไม่ नहीं ";

/// Folded phrases by which a lead agrees, besides a plain yes.
const AGREES: &str = " granted given accepted agreed consented consentgiven consentgranted optedin optin subscribed allowed \
    freelygivenconsentfromcontact zugestimmt erteilt eingewilligt einwilligungerteilt akzeptiert acepto acepta aceptado \
    autorizo autorizado aceito aceita aceitou accepté accepte accord accetto accetta accettato autorizzato akkoord \
    zgoda wyrażamzgodę согласен согласна согласие 同意 同意する 동의 동의함 أوافق موافق ";
/// Folded phrases by which a lead does not.
const REFUSES: &str = " declined denied refused withdrawn revoked rejected optedout optout unsubscribed notgiven none noconsent \
    abgelehnt widerrufen verweigert nichterteilt rechazado rechazo recusado refusé refuse rifiutato rifiuto geweigerd \
    brakzgody отказ 不同意 同意しない 비동의 ";

/// What a tick box says.
pub(crate) fn yes_or_no(text: &str) -> Option<bool> {
    static ANSWERS: LazyLock<Answers> = LazyLock::new(|| answers(&[YES, " optedout "], &[NO]));
    ANSWERS.get(canonical(text).as_str()).copied()
}

/// Whether a consent column says that the lead agrees.
pub(crate) fn consents(text: &str) -> Option<bool> {
    static ANSWERS: LazyLock<Answers> = LazyLock::new(|| answers(&[YES, AGREES], &[NO, REFUSES]));
    ANSWERS.get(canonical(text).as_str()).copied()
}

/// What the letters and digits of a cell in lower case say.
type Answers = HashMap<String, bool>;

/// The words of lists as cells are looked up. Marks above and below letters are no letters: `ใช่` is looked up without its
/// tone mark.
fn answers(yes: &[&str], no: &[&str]) -> Answers {
    let words = |lists: &[&str], means: bool| -> Vec<(String, bool)> {
        let words = lists.iter().flat_map(|list| list.split_whitespace());
        words.map(|word| (canonical(word), means)).collect()
    };
    let all = [words(no, false), words(yes, true)];
    all.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tick_boxes_are_read_in_the_words_of_exports() {
        for text in [" TRUE ", "x", "Sí", "SIM", "Ja", "opted out", "1"] {
            assert_eq!(yes_or_no(text), Some(true), "{text}");
        }
        for text in ["Não", "nein", "0", "FALSE"] {
            assert_eq!(yes_or_no(text), Some(false), "{text}");
        }
        assert_eq!(yes_or_no("maybe"), None);
    }

    #[test]
    fn consent_is_read_in_the_words_of_larger_markets() {
        for text in [
            "Yes",
            "ja",
            "Oui",
            "sí",
            "s\u{ed}",
            "si\u{301}",
            "sì",
            "sim",
            "Tak",
            "Да",
            "Evet",
            "はい",
            "是",
            "예",
            "نعم",
            "כן",
            "ใช่",
            "हाँ",
            "Có",
            "Ya",
            "Zugestimmt",
            "Opted in",
            "同意",
            "Freely given consent from contact",
            "Accepté",
            "згода да",
        ] {
            let expected = if text == "згода да" {
                None
            } else {
                Some(true)
            };
            assert_eq!(consents(text), expected, "{text}");
        }
        for text in [
            "No",
            "nein",
            "Non",
            "não",
            "nie",
            "Нет",
            "HAYIR",
            "Hayır",
            "いいえ",
            "不同意",
            "opted out",
            "withdrawn",
            "لا",
            "ไม่",
            "नहीं",
            "Không",
        ] {
            assert_eq!(consents(text), Some(false), "{text}");
        }
        for text in ["perhaps", "2026-11-20", "?", "yes and no"] {
            assert_eq!(consents(text), None, "{text}");
        }
    }

    #[test]
    fn no_word_says_both() {
        let words =
            |list: &str| -> Vec<String> { list.split_whitespace().map(canonical).collect() };
        let refuses = [words(NO), words(REFUSES)].concat();
        for word in [words(YES), words(AGREES)].concat() {
            assert!(!refuses.contains(&word), "{word}");
        }
    }
}
