//! Gender: `f` or `m` by the words CRMs use, salutations included; anything else is left out.

use super::country::fold;
use super::text;
use crate::problem::Code;

/// Folded words of English, Spanish, Portuguese, French, German and Italian.
const FEMALE: &str = " f female woman women girl lady she her mrs ms miss mme mlle mujer femenino femenina hembra chica sra srta \
    senora senorita ella mulher feminino feminina menina senhora ela femme feminin fille madame mademoiselle elle frau \
    weiblich w madchen sie femmina femminile donna ragazza signora signorina sigra ";
const MALE: &str = " m male man men boy gentleman he him mr mister hombre masculino varon macho chico sr senor el homem \
    menino senhor ele homme masculin garcon monsieur il mann mannlich herr junge er maschio maschile uomo ragazzo signor \
    signore sig h ";
/// Answers that are neither, and no mistake.
const NEITHER: &str = " other others d diverse divers nonbinary nb x u unknown unspecified notspecified prefernottosay \
    undisclosed otro otra outro outra autre andere altro nobinario naobinario nonbinaire nichtbinar desconocido \
    desconhecido inconnu unbekannt sconosciuto ";

/// Appends `f` or `m`; nothing for an answer that is neither.
pub(super) fn normalize(text: &str, out: &mut String) -> Result<(), Code> {
    let plain = text::plain(text);
    let mut word = String::with_capacity(plain.len() + 2);
    word.push(' ');
    fold(&plain, &mut word);
    word.push(' ');
    match word.as_str() {
        "  " => {}
        word if FEMALE.contains(word) => out.push('f'),
        word if MALE.contains(word) => out.push('m'),
        word if NEITHER.contains(word) => {}
        _ => return Err(Code::GenderUnknown),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_six_languages_become_one_letter() {
        for (text, expected) in [
            ("f", "f"),
            ("F", "f"),
            ("Female", "f"),
            ("weiblich", "f"),
            ("Frau", "f"),
            ("Mädchen", "f"),
            ("Señora", "f"),
            ("Sra.", "f"),
            ("Feminino", "f"),
            ("Mme", "f"),
            ("donna", "f"),
            ("M", "m"),
            ("male", "m"),
            (" Männlich ", "m"),
            ("Herr", "m"),
            ("Masculino", "m"),
            ("Varón", "m"),
            ("él", "m"),
            ("homme", "m"),
            ("Maschio", "m"),
            ("Mr.", "m"),
            ("ｍ", "m"),
        ] {
            let mut out = String::new();
            assert_eq!(
                (normalize(text, &mut out), out.as_str()),
                (Ok(()), expected),
                "{text}"
            );
        }
    }

    #[test]
    fn other_answers_are_absent_and_unknown_words_say_so() {
        for text in [
            "other",
            "Prefer not to say",
            "divers",
            "Non-binary",
            "X",
            "D",
        ] {
            let mut out = String::new();
            assert_eq!(
                (normalize(text, &mut out), out.as_str()),
                (Ok(()), ""),
                "{text}"
            );
        }
        for text in ["kobieta", "1", "man woman", "fm"] {
            assert_eq!(
                normalize(text, &mut String::new()),
                Err(Code::GenderUnknown),
                "{text}"
            );
        }
    }

    #[test]
    fn no_word_stands_in_two_lists() {
        let words: Vec<&str> = [FEMALE, MALE, NEITHER]
            .iter()
            .flat_map(|list| list.split_whitespace())
            .collect();
        let unique: std::collections::HashSet<&str> = words.iter().copied().collect();
        assert_eq!(words.len(), unique.len());
    }
}
