//! Gender: `f` or `m` by the words CRMs use, salutations included; anything else is left out.
//!
//! In a column of H and M (hombre and mujer, homem and mulher) an M is a woman: the column decides.

use super::country::fold;
use super::hash::Hash;
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

/// Whom a single M means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LetterM {
    /// A man, beside F for a woman.
    #[default]
    Man,
    /// A woman, beside H for a man.
    Woman,
    /// One of the two: there are H and F beside it.
    Unclear,
}

/// What the genders of a file say about its letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct GenderEvidence {
    /// H, or the Spanish, Portuguese or French word it stands for.
    has_h: bool,
    /// A word for a woman that does not begin with M.
    has_f: bool,
}

impl GenderEvidence {
    /// Takes note of a cell.
    pub(crate) fn observe(&mut self, text: &str) {
        if self.has_h && self.has_f || text.len() == 64 && Hash::from_hex(text).is_some() {
            return;
        }
        let word = folded(text);
        match word.as_bytes().get(1) {
            Some(b'h') => self.has_h |= matches!(word.trim(), "h" | "hombre" | "homem" | "homme"),
            Some(b' ' | b'm') | None => {}
            Some(_) => self.has_f |= FEMALE.contains(&word),
        }
    }

    /// Whether nothing yet says whom an M means.
    pub(crate) fn is_open(self) -> bool {
        !self.has_h && !self.has_f
    }

    /// Whom a single M means.
    pub(crate) fn letter_m(self) -> LetterM {
        match (self.has_h, self.has_f) {
            (true, true) => LetterM::Unclear,
            (true, false) => LetterM::Woman,
            _ => LetterM::Man,
        }
    }
}

/// The letters of an answer in lower case without accents, between spaces.
fn folded(text: &str) -> String {
    let plain = text::plain(text);
    let mut word = String::with_capacity(plain.len() + 2);
    word.push(' ');
    fold(&plain, &mut word);
    word.push(' ');
    word
}

/// Appends `f` or `m`; nothing for an answer that is neither.
pub(super) fn normalize(text: &str, letter_m: LetterM, out: &mut String) -> Result<(), Code> {
    match folded(text).as_str() {
        "  " => {}
        " m " if letter_m == LetterM::Woman => out.push('f'),
        " m " if letter_m == LetterM::Unclear => return Err(Code::GenderAmbiguous),
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
                (normalize(text, LetterM::Man, &mut out), out.as_str()),
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
                (normalize(text, LetterM::Man, &mut out), out.as_str()),
                (Ok(()), ""),
                "{text}"
            );
        }
        for text in ["kobieta", "1", "man woman", "fm"] {
            assert_eq!(
                normalize(text, LetterM::Man, &mut String::new()),
                Err(Code::GenderUnknown),
                "{text}"
            );
        }
    }

    #[test]
    fn the_column_says_whom_an_m_means() {
        for (cells, letter_m) in [
            (&["M", "F", ""][..], LetterM::Man),
            (&["m", "w"], LetterM::Man),
            (&["M"], LetterM::Man),
            (&["M", "H"], LetterM::Woman),
            (&["Hombre", "Mujer", "M"], LetterM::Woman),
            (&["H", "M", "F"], LetterM::Unclear),
            (&["Male", "Female"], LetterM::Man),
            (&["Herr", "Frau", "M"], LetterM::Man),
        ] {
            let mut evidence = GenderEvidence::default();
            cells.iter().for_each(|cell| evidence.observe(cell));
            assert_eq!(evidence.letter_m(), letter_m, "{cells:?}");
        }
        let read = |text: &str, letter_m| {
            let mut out = String::new();
            normalize(text, letter_m, &mut out).map(|()| out)
        };
        assert_eq!(read(" m ", LetterM::Woman).as_deref(), Ok("f"));
        assert_eq!(read("Male", LetterM::Woman).as_deref(), Ok("m"));
        assert_eq!(read("H", LetterM::Woman).as_deref(), Ok("m"));
        assert_eq!(read("M", LetterM::Unclear), Err(Code::GenderAmbiguous));
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
