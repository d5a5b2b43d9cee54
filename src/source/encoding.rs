//! Which encoding text is in, judged by its first bytes.
//!
//! In go the sample and what the settings ask for, out comes an encoding and how it was found. A byte order mark
//! decides, then the pattern of NUL bytes that UTF-16 leaves, then whether the sample is UTF-8; what is none of these
//! is guessed. The decoding itself is `text`'s.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// So few bytes beyond ASCII tell one encoding of the Latin script from another only by chance.
const WEAK_BYTES: usize = 12;

/// How an encoding was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EncodingEvidence {
    /// The settings name it.
    Given,
    /// A byte order mark names it.
    ByteOrderMark,
    /// Every second byte is NUL.
    NulPattern,
    /// The sample is valid in it.
    Valid,
    /// It fits the sample best.
    Guessed,
}

/// An encoding and how it was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Detected {
    pub encoding: &'static Encoding,
    pub evidence: EncodingEvidence,
    /// Bytes of the byte order mark, to be left out.
    pub mark: usize,
}

/// Judges a sample; it may end in the middle of a character.
pub(super) fn detect(sample: &[u8], asked: Option<&'static Encoding>) -> Detected {
    let marked = Encoding::for_bom(sample);
    if let Some(asked) = asked {
        // People who ask for UTF-16 seldom know its byte order; the mark does.
        let is_utf_16 = |encoding| encoding == UTF_16LE || encoding == UTF_16BE;
        return match marked {
            Some((encoding, mark))
                if encoding == asked || is_utf_16(encoding) && is_utf_16(asked) =>
            {
                Detected {
                    encoding,
                    evidence: EncodingEvidence::Given,
                    mark,
                }
            }
            _ => Detected {
                encoding: asked,
                evidence: EncodingEvidence::Given,
                mark: 0,
            },
        };
    }
    if let Some((encoding, mark)) = marked {
        return Detected {
            encoding,
            evidence: EncodingEvidence::ByteOrderMark,
            mark,
        };
    }
    if let Some(encoding) = utf_16_by_nul_bytes(sample) {
        return Detected {
            encoding,
            evidence: EncodingEvidence::NulPattern,
            mark: 0,
        };
    }
    let (encoding, evidence) = match utf_8_sequences(sample) {
        (_, 0) => (UTF_8, EncodingEvidence::Valid),
        // Text in another encoding hardly ever forms UTF-8 sequences by chance: this is UTF-8 with a few damaged bytes.
        (valid, invalid) if valid > invalid => (UTF_8, EncodingEvidence::Guessed),
        _ => (guess(sample), EncodingEvidence::Guessed),
    };
    Detected {
        encoding,
        evidence,
        mark: 0,
    }
}

/// Text that is mostly ASCII has NUL in every second byte when it is in UTF-16.
fn utf_16_by_nul_bytes(sample: &[u8]) -> Option<&'static Encoding> {
    let pairs = sample.len() / 2;
    let (mut even, mut odd) = (0, 0);
    for pair in sample.chunks_exact(2) {
        even += usize::from(pair[0] == 0 && pair[1] != 0);
        odd += usize::from(pair[1] == 0 && pair[0] != 0);
    }
    let mostly = |many: usize, few: usize| pairs > 1 && many * 3 > pairs && few * 20 < many;
    if mostly(odd, even) {
        Some(UTF_16LE)
    } else if mostly(even, odd) {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// How many UTF-8 sequences of several bytes there are, and how many bytes fit none. A cut at the end is no error.
fn utf_8_sequences(sample: &[u8]) -> (usize, usize) {
    let (mut valid, mut invalid) = (0, 0);
    let chunks = sample.utf8_chunks();
    let mut end = 0;
    for chunk in chunks {
        end += chunk.valid().len() + chunk.invalid().len();
        valid += chunk
            .valid()
            .chars()
            .filter(|character| !character.is_ascii())
            .count();
        let is_cut = end == sample.len()
            && std::str::from_utf8(chunk.invalid()).is_err_and(|error| error.error_len().is_none());
        invalid += usize::from(!chunk.invalid().is_empty() && !is_cut);
    }
    (valid, invalid)
}

fn guess(sample: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, false);
    let guess = detector.guess(None, Utf8Detection::Deny);
    if guess == UTF_8 || is_other_latin(guess) && is_weak_and_western(sample) {
        WINDOWS_1252
    } else {
        guess
    }
}

/// Encodings of the Latin script that share most letters with Windows-1252.
fn is_other_latin(encoding: &'static Encoding) -> bool {
    let name = encoding.name();
    [
        "windows-1250",
        "windows-1254",
        "windows-1257",
        "windows-1258",
    ]
    .contains(&name)
        || ["ISO-8859-2", "ISO-8859-4", "ISO-8859-13"].contains(&name)
}

/// Whether there are only a few letters beyond ASCII, all of them common in western Europe: a lone "Anaïs" or
/// "Guimarães" is guessed to be Baltic or Romanian otherwise.
fn is_weak_and_western(sample: &[u8]) -> bool {
    let is_western = |byte: &u8| {
        matches!(byte, 0xc0..=0xcf | 0xd1..=0xd6 | 0xd8..=0xdc | 0xdf..=0xef | 0xf1..=0xf6 | 0xf8..=0xfc | 0xff)
            || matches!(
                byte,
                0x80 | 0x85 | 0x8a | 0x8c | 0x8e | 0x91..=0x97 | 0x9a | 0x9c | 0x9e | 0xa0
            )
    };
    let mut beyond = sample.iter().filter(|byte| !byte.is_ascii());
    beyond.clone().count() <= WEAK_BYTES && beyond.all(is_western)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(sample: &[u8]) -> (&'static str, EncodingEvidence) {
        let detected = detect(sample, None);
        (detected.encoding.name(), detected.evidence)
    }

    fn utf_16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn marks_patterns_and_validity_decide_in_that_order() {
        let text = "id\temail\tcity\nl:1\tjürgen@example.org\tKöln\n";
        let (little, big) = (
            utf_16(text, u16::to_le_bytes),
            utf_16(text, u16::to_be_bytes),
        );
        assert_eq!(
            detected(&little),
            ("UTF-16LE", EncodingEvidence::NulPattern)
        );
        assert_eq!(detected(&big), ("UTF-16BE", EncodingEvidence::NulPattern));
        assert_eq!(
            detected(&[b"\xff\xfe", &little[..]].concat()),
            ("UTF-16LE", EncodingEvidence::ByteOrderMark)
        );
        assert_eq!(
            detected(&[b"\xfe\xff", &big[..]].concat()),
            ("UTF-16BE", EncodingEvidence::ByteOrderMark)
        );
        assert_eq!(
            detected(b"\xef\xbb\xbfid;Stage\n"),
            ("UTF-8", EncodingEvidence::ByteOrderMark)
        );
        assert_eq!(
            detected(text.as_bytes()),
            ("UTF-8", EncodingEvidence::Valid)
        );
        assert_eq!(
            detected(b"plain,ascii\n"),
            ("UTF-8", EncodingEvidence::Valid)
        );
    }

    #[test]
    fn a_sample_cut_in_the_middle_of_a_character_is_still_utf_8() {
        let text = "name\nJürgen Köhler\nÜ".as_bytes();
        assert_eq!(
            detected(&text[..text.len() - 1]),
            ("UTF-8", EncodingEvidence::Valid)
        );
    }

    #[test]
    fn western_text_without_a_mark_is_windows_1252() {
        let text = "Vorname;Nachname;Ort\nJ\u{fc}rgen;K\u{f6}hler;M\u{fc}nchen\nSof\u{ed}a;Ram\u{ed}rez;M\u{e1}laga\n";
        let bytes: Vec<u8> = text.chars().map(|character| character as u8).collect();
        assert_eq!(
            detected(&bytes),
            ("windows-1252", EncodingEvidence::Guessed)
        );
    }

    #[test]
    fn a_lone_accent_is_western_unless_it_can_only_be_something_else() {
        for name in [
            "Ana\u{ef}s",
            "Lo\u{ef}c",
            "Guimar\u{e3}es",
            "Beno\u{ee}t",
            "S\u{e1}",
        ] {
            let bytes: Vec<u8> = format!("Name,Stage\n{name},New\n")
                .chars()
                .map(|character| character as u8)
                .collect();
            assert_eq!(detected(&bytes).0, "windows-1252", "{name}");
        }
        assert_eq!(
            detected(b"Name,Stage\n\xa3ukasz,New\nWa\xb3\xeasa,New\n").0,
            "windows-1250"
        );
        assert_eq!(
            detected(b"Name,Stage\n\xc8\xe2\xe0\xed \xcf\xe5\xf2\xf0\xee\xe2,New\n").0,
            "windows-1251"
        );
    }

    #[test]
    fn one_damaged_byte_does_not_make_utf_8_something_else() {
        let bytes = [
            "Jürgen,Köhler\n".as_bytes(),
            b"Sof\xeda,Ram",
            "írez\n".as_bytes(),
        ]
        .concat();
        assert_eq!(detected(&bytes), ("UTF-8", EncodingEvidence::Guessed));
    }

    #[test]
    fn what_is_asked_for_wins_and_the_mark_settles_the_byte_order() {
        let big = [b"\xfe\xff".to_vec(), utf_16("id\n", u16::to_be_bytes)].concat();
        let found = detect(&big, Some(UTF_16LE));
        assert_eq!((found.encoding.name(), found.mark), ("UTF-16BE", 2));
        let found = detect(b"\xef\xbb\xbfid", Some(WINDOWS_1252));
        assert_eq!((found.encoding.name(), found.mark), ("windows-1252", 0));
    }
}
