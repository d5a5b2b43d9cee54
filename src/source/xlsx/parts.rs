//! Looks through the parts of a workbook before its reader does, which keeps in memory what it is given.
//!
//! In go the bytes of the archive, out comes whether it is within bounds, and the text of the numbers that are too long
//! for a float. XML is not understood here, only cut at its brackets: whatever is wrong with it, the reader will say.

use std::io::{Cursor, Read};
use std::ops::Range;

use memchr::{memchr, memchr3};
use zip::ZipArchive;

use super::super::archive::says_too_many;

/// The most that all parts come to, unpacked.
const MAX_UNPACKED_BYTES: u64 = 512 << 20;
/// The most that a tag, a text or a comment comes to.
const MAX_PIECE_BYTES: usize = 16 << 20;
/// What shared texts take in memory at most, and what each takes besides its letters.
const MAX_TEXTS_BYTES: u64 = 256 << 20;
const TEXT_BYTES: u64 = 64;
/// The most tags of a part that is kept whole, such as formats and names. Excel writes 65,490 formats at most.
const MAX_TAGS: u64 = 500_000;
/// The most that the long numbers of a sheet come to. In a sheet with more, none is known by its text.
const MAX_NUMBERS_BYTES: usize = 64 << 20;
/// A number with so many digits may not fit a float.
const LONG_DIGITS: usize = 16;

const BLOCK_BYTES: usize = 64 * 1024;
/// So much of a tag or a number is looked at.
const HEAD_BYTES: usize = 512;

/// What is wrong with a workbook's size, to be put behind "a workbook with".
pub(super) type TooMuch = &'static str;

/// Looks through all parts.
pub(super) fn look_through(archive: &[u8]) -> Result<LongNumbers, TooMuch> {
    if says_too_many(archive) {
        return Err("more than 10,000 parts");
    }
    let mut numbers = LongNumbers::default();
    // Whoever reads the archive next says what is wrong with it.
    let Ok(mut archive) = ZipArchive::new(Cursor::new(archive)) else {
        return Ok(numbers);
    };
    let mut left = MAX_UNPACKED_BYTES;
    for index in 0..archive.len() {
        let Ok(part) = archive.by_index(index) else {
            continue;
        };
        if part.size() > left {
            return Err("more than 512 MB of content");
        }
        let name = part.name().map(|name| name.to_lowercase());
        let name = name.unwrap_or_default();
        left -= look_at(part, &name, left, &mut numbers)?;
    }
    Ok(numbers)
}

/// Looks at one part and gives its size; it may be larger than the archive says.
fn look_at(
    mut part: impl Read,
    name: &str,
    most: u64,
    numbers: &mut LongNumbers,
) -> Result<u64, TooMuch> {
    let mut scanner = Scanner::new(name);
    let mut block = vec![0; BLOCK_BYTES];
    let mut size = 0;
    loop {
        // A damaged part ends here for the reader as well.
        let read = part.read(&mut block).unwrap_or(0);
        size += read as u64;
        if size > most {
            return Err("more than 512 MB of content");
        }
        if read == 0 {
            break;
        }
        if size == read as u64 {
            scanner.is_xml = is_xml(name, &block[..read]);
        }
        scanner.pass(&block[..read])?;
    }
    numbers.parts.push(scanner.numbers);
    Ok(size)
}

fn is_xml(name: &str, beginning: &[u8]) -> bool {
    let beginning = beginning.trim_ascii_start();
    name.ends_with(".xml")
        || name.ends_with(".rels")
        || beginning.starts_with(b"<")
        || beginning.starts_with(b"\xef\xbb\xbf")
        || beginning.starts_with(b"\xff\xfe")
        || beginning.starts_with(b"\xfe\xff")
}

/// Where in the XML the scanner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Text,
    Tag,
    /// In a quoted value of a tag.
    Quoted(u8),
}

/// Cuts the XML of one part into tags and texts.
struct Scanner {
    place: Place,
    /// The beginning of the tag or text that goes on, and how long it is so far.
    head: Vec<u8>,
    length: usize,
    /// Its last bytes so far.
    tail: [u8; 3],
    /// Whether this is XML at all, and not a picture.
    is_xml: bool,
    is_of_texts: bool,
    is_sheet: bool,
    tags: u64,
    texts: u64,
    size: u64,
    is_number: bool,
    is_value: bool,
    numbers: PartNumbers,
}

impl Scanner {
    fn new(name: &str) -> Self {
        Self {
            place: Place::Text,
            head: Vec::with_capacity(HEAD_BYTES),
            length: 0,
            tail: [0; 3],
            is_xml: true,
            is_of_texts: name.ends_with("sharedstrings.xml"),
            is_sheet: false,
            tags: 0,
            texts: 0,
            size: 0,
            is_number: false,
            is_value: false,
            numbers: PartNumbers::default(),
        }
    }

    fn pass(&mut self, mut bytes: &[u8]) -> Result<(), TooMuch> {
        self.size += bytes.len() as u64;
        while !bytes.is_empty() {
            let end = match self.place {
                Place::Text => memchr(b'<', bytes),
                Place::Tag => memchr3(b'>', b'"', b'\'', bytes),
                Place::Quoted(quote) => memchr(quote, bytes),
            };
            let taken = end.map_or(bytes.len(), |end| end + 1);
            self.add(&bytes[..taken])?;
            if end.is_some() {
                self.turn(bytes[taken - 1])?;
            }
            bytes = &bytes[taken..];
        }
        Ok(())
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), TooMuch> {
        let room = HEAD_BYTES - self.head.len().min(HEAD_BYTES);
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.length += bytes.len();
        for byte in &bytes[bytes.len().saturating_sub(3)..] {
            self.tail = [self.tail[1], self.tail[2], *byte];
        }
        if self.length > MAX_PIECE_BYTES {
            return Err("a cell or a tag of more than 16 MB");
        }
        Ok(())
    }

    /// Goes on after the byte that ended what went before.
    fn turn(&mut self, byte: u8) -> Result<(), TooMuch> {
        match (self.place, byte) {
            (Place::Text, _) => {
                self.end_text();
                self.place = Place::Tag;
                self.begin();
            }
            (Place::Tag, b'>') if !self.is_inside_declaration() => {
                self.end_tag()?;
                self.place = Place::Text;
                self.begin();
            }
            (Place::Tag, _) if self.head.starts_with(b"!") => {}
            (Place::Tag, quote) => self.place = Place::Quoted(quote),
            (Place::Quoted(_), _) => self.place = Place::Tag,
        }
        Ok(())
    }

    /// Whether a bracket is part of a comment or the like, and not its end.
    fn is_inside_declaration(&self) -> bool {
        self.head.starts_with(b"!--") && self.tail != *b"-->"
            || self.head.starts_with(b"![CDATA[") && self.tail != *b"]]>"
    }

    fn begin(&mut self) {
        self.head.clear();
        self.length = 0;
    }

    fn end_tag(&mut self) -> Result<(), TooMuch> {
        let inside = self.head.strip_suffix(b">").unwrap_or(&self.head);
        let name = local_name(inside);
        // What pivot tables remember has tags of one letter, millions of them, and the reader keeps none.
        self.tags += u64::from(self.is_xml && name.len() > 1);
        self.is_value = name == b"v";
        match name {
            b"c" => self.is_number = is_number_cell(inside),
            b"sheetData" => self.is_sheet = true,
            b"si" => self.texts += 1,
            _ => {}
        }
        if self.is_of_texts {
            if self.size + self.texts * TEXT_BYTES > MAX_TEXTS_BYTES {
                return Err("more than 256 MB of texts");
            }
        } else if !self.is_sheet && self.tags > MAX_TAGS {
            return Err("more than 500,000 formats or names");
        }
        Ok(())
    }

    fn end_text(&mut self) {
        if self.is_value && self.is_number && self.length <= HEAD_BYTES {
            let text = self.head.strip_suffix(b"<").unwrap_or(&self.head);
            if text.len() >= LONG_DIGITS {
                self.numbers.add(text);
            }
        }
        self.is_value = false;
    }
}

/// The name of a tag without its namespace; that of an end begins with a slash.
fn local_name(inside: &[u8]) -> &[u8] {
    let name = inside
        .split(|byte| byte.is_ascii_whitespace() || *byte == b'/')
        .next()
        .unwrap_or_default();
    name.rsplit(|byte| *byte == b':').next().unwrap_or_default()
}

/// Whether a cell's tag says nothing of a type, or that it is a number.
fn is_number_cell(inside: &[u8]) -> bool {
    let mut attributes = inside.split(|byte| byte.is_ascii_whitespace());
    let kind = attributes.find_map(|attribute| attribute.strip_prefix(b"t="));
    kind.is_none_or(|kind| kind.starts_with(b"\"n\"") || kind.starts_with(b"'n'"))
}

/// The texts of numbers that may not fit a float, sheet by sheet.
#[derive(Debug, Default)]
pub(super) struct LongNumbers {
    parts: Vec<PartNumbers>,
}

#[derive(Debug, Default)]
struct PartNumbers {
    /// One a line.
    texts: String,
    /// Where the next one begins.
    next: usize,
    /// Whether the numbers looked for are not those of this part.
    is_other: bool,
}

impl LongNumbers {
    /// A sheet is read from its beginning.
    pub(super) fn begin_sheet(&mut self) {
        for part in &mut self.parts {
            (part.next, part.is_other) = (0, false);
        }
    }

    /// The text of the next long number of the sheet, which has this value. Nobody says which part a sheet is in: it is
    /// one that has had all of its numbers so far.
    pub(super) fn next(&mut self, number: f64) -> Option<&str> {
        let mut found = None;
        for (index, part) in self.parts.iter_mut().enumerate() {
            if part.is_other {
                continue;
            }
            match part.next(number) {
                Some(range) => found = found.or(Some((index, range))),
                None => part.is_other = true,
            }
        }
        let (index, range) = found?;
        self.parts[index].texts.get(range)
    }
}

impl PartNumbers {
    fn add(&mut self, text: &[u8]) {
        let Ok(text) = std::str::from_utf8(text) else {
            return;
        };
        let text = text.trim();
        if self.texts.len() + text.len() > MAX_NUMBERS_BYTES {
            (self.texts, self.is_other) = (String::new(), true);
        } else {
            self.texts.push_str(text);
            self.texts.push('\n');
        }
    }

    /// Dates may lie between; they have fewer digits, or are looked past.
    fn next(&mut self, number: f64) -> Option<Range<usize>> {
        const MAX_PASSED: usize = 1_000;
        let mut from = self.next;
        for _ in 0..MAX_PASSED {
            let text = self.texts.get(from..)?.split_once('\n')?.0;
            let end = from + text.len() + 1;
            if text.parse() == Ok(number) {
                self.next = end;
                return Some(from..end - 1);
            }
            from = end;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(name: &str, xml: &[u8], block: usize) -> Result<PartNumbers, TooMuch> {
        let mut scanner = Scanner::new(name);
        for bytes in xml.chunks(block) {
            scanner.pass(bytes)?;
        }
        Ok(scanner.numbers)
    }

    #[test]
    fn the_texts_of_long_number_cells_are_found_wherever_blocks_end() {
        let xml = br#"<?xml version="1.0"?><x:worksheet xmlns:x="a>b"><!-- <c><v>1111111111111111</v></c> > -->
            <sheetData><row><c r="A1"><v>1234567890123456</v></c><c t="s"><v>9999999999999999</v></c>
            <x:c t='n' s="1"><x:v> 1.2345678901234567E+16 </x:v></x:c><c><v>17</v></c>
            <c t="inlineStr"><is><t>8888888888888888</t></is></c><c t="str"><v>7777777777777777</v></c>
            <c><f>A1&gt;"'"</f><v>6666666666666666</v></c></row></sheetData></x:worksheet>"#;
        for block in [1, 2, 7, 10_000] {
            let texts = scanned("xl/worksheets/sheet1.xml", xml, block)
                .unwrap()
                .texts;
            assert_eq!(
                texts.lines().collect::<Vec<_>>(),
                [
                    "1234567890123456",
                    "1.2345678901234567E+16",
                    "6666666666666666"
                ],
                "{block}"
            );
        }
    }

    #[test]
    fn what_the_reader_would_keep_is_bounded() {
        let long = |before: &str, after: &str| {
            [before.as_bytes(), &vec![b'x'; 17 << 20], after.as_bytes()].concat()
        };
        for xml in [
            long("<c><v>", "</v></c>"),
            long("<c r=\"", "\"/>"),
            long("<!-- ", " -->"),
            format!("<c a='{}", "\"><".repeat(6_000_000)).into_bytes(),
        ] {
            let error = scanned("xl/worksheets/sheet1.xml", &xml, BLOCK_BYTES).unwrap_err();
            assert_eq!(error, "a cell or a tag of more than 16 MB");
        }
        let after = |name: &str, tags: u64, xml: &str| {
            let mut scanner = Scanner::new(name);
            (scanner.tags, scanner.texts) = (tags, tags);
            scanner.pass(xml.as_bytes()).err()
        };
        let formats = "<xf/>".repeat(10);
        assert_eq!(after("xl/styles.xml", 499_990, &formats), None);
        assert!(after("xl/styles.xml", 499_991, &formats).is_some());
        let sheet = format!("<sheetData>{}", "<c/>".repeat(10));
        assert_eq!(after("xl/worksheets/sheet1.xml", 499_999, &sheet), None);
        let remembered = r#"<r><x v="0"/><n v="1"/></r>"#.repeat(10);
        let records = "xl/pivotCache/pivotCacheRecords1.xml";
        assert_eq!(after(records, 499_999, &remembered), None);
        let texts = "<si><t>a</t></si>".repeat(10);
        assert_eq!(after("xl/sharedstrings.xml", 4_000_000, &texts), None);
        assert!(after("xl/sharedstrings.xml", 5_000_000, &texts).is_some());
    }

    #[test]
    fn numbers_are_those_of_the_sheet_that_has_had_all_so_far() {
        let part = |texts: &str| PartNumbers {
            texts: texts.to_owned(),
            ..PartNumbers::default()
        };
        let mut numbers = LongNumbers {
            parts: vec![
                part("1234567890123456\n1234567890123457\n"),
                part(
                    "1234567890123456\n12345678901234567\n45678.123456789012345\n12345678901234569\n",
                ),
            ],
        };
        for _ in 0..2 {
            numbers.begin_sheet();
            assert_eq!(
                numbers.next(1_234_567_890_123_456.0),
                Some("1234567890123456")
            );
            assert_eq!(
                numbers.next(12_345_678_901_234_567.0),
                Some("12345678901234567")
            );
            assert_eq!(
                numbers.next(12_345_678_901_234_569.0),
                Some("12345678901234569")
            );
            assert_eq!(numbers.next(1_234_567_890_123_457.0), None);
            assert_eq!(numbers.next(1_234_567_890_123_456.0), None);
        }
    }
}
