//! Records of JSON as APIs return it, one at a time: a list, pages with a list inside, one after the other or alone,
//! and NDJSON.
//!
//! In goes decoded text, out come chunks of rows and a header that grows with the records. A record that cannot be read
//! is refused and the next one is looked for; a file that breaks off is one problem. Only one record is held at a time.

mod flatten;
mod scan;

use std::io;
use std::ops::Range;
use std::sync::Arc;

use memchr::{memchr, memchr_iter};

use super::chunk::{Chunk, Header};
use super::text::{MAX_RECORD_BYTES, Text};
use crate::problem::Code;
use flatten::Flattener;
use scan::{End, Nesting};

/// A page must show its list of records within so many bytes.
const PAGE_BEGINNING_BYTES: usize = 1 << 20;
/// What a record says besides the leads it lists is repeated in each of their rows, up to so many bytes in all.
const MAX_REPEATED_BYTES: usize = 64 << 20;
/// How many lines are looked at to tell NDJSON from JSON.
const SAMPLE_LINES: usize = 10;
/// What may stand between two values: white space, a comma, the record separator of JSON text sequences.
const BETWEEN: &[u8] = b" \t\r\n,\x1e";

/// How records follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// One on each line.
    Lines,
    /// In lists, in pages or one after the other, however the lines break.
    Values,
}

/// The leads of a record that lists them.
struct Listed {
    /// The record without them.
    shared: String,
    path: &'static str,
    at: std::vec::IntoIter<Range<usize>>,
    /// How much of the text the record takes.
    length: usize,
    is_cut: bool,
}

/// A stream of records.
pub(super) struct Json {
    text: Text,
    layout: Layout,
    flattener: Flattener,
    keep_records: bool,
    place: Place,
    /// The record whose leads are being added, which the text still begins with.
    listed: Option<Listed>,
    /// Brackets to be left before going on.
    leaving: Option<Nesting>,
    /// The number of the record read last, and the line of the text that is read next.
    row: u64,
    line: u64,
    records_at: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Outside of any value.
    Between,
    /// In a list of records, or in an object of them that are keyed by their ids, with so many objects around it.
    InList { enclosing: u32, is_keyed: bool },
    /// Where nothing more can be read.
    Ended,
}

/// Whether text begins as JSON does, and no table would.
pub(crate) fn looks_like_json(text: &str) -> bool {
    let text = text.as_bytes();
    let at = scan::skip(text, 0, BETWEEN);
    let next = text.get(scan::skip(text, at + 1, b" \t\r\n"));
    match text.get(at) {
        Some(b'{') => matches!(next, Some(b'"' | b'}')),
        Some(b'[') => matches!(next, Some(b'{' | b']')),
        _ => false,
    }
}

/// Whether most of the first lines are records of their own.
pub(super) fn layout_of(text: &str, is_whole: bool) -> Layout {
    let mut rest = text;
    let (mut lines, mut records) = (0, 0);
    while lines < SAMPLE_LINES && !rest.is_empty() {
        let end = memchr(b'\n', rest.as_bytes()).map_or(rest.len(), |end| end + 1);
        let (line, is_complete) = (
            clean_line(&rest[..end]).as_bytes(),
            is_whole || end < rest.len(),
        );
        rest = &rest[end..];
        if line.is_empty() || !is_complete {
            continue;
        }
        lines += 1;
        if line.starts_with(b"{") && scan::value_end(line, 0) == End::At(line.len()) {
            if scan::record_list(line).is_some() {
                return Layout::Values;
            }
            records += 1;
        }
    }
    if lines > 1 && records * 2 > lines {
        Layout::Lines
    } else {
        Layout::Values
    }
}

impl Json {
    pub(super) fn new(text: Text, layout: Layout, keep_records: bool) -> Json {
        Json {
            text,
            layout,
            flattener: Flattener::default(),
            keep_records,
            place: Place::Between,
            listed: None,
            leaving: None,
            row: 0,
            line: 1,
            records_at: None,
        }
    }

    /// The share of the text read so far that has come out as records, from 0 to 1.
    pub(super) fn used_share(&self) -> f64 {
        self.text.used_share()
    }

    /// The columns of all records read so far.
    pub(super) fn header(&mut self) -> &Arc<Header> {
        self.flattener.header()
    }

    /// Where the first page keeps its records, as a dotted path.
    pub(super) fn records_at(&self) -> Option<&str> {
        self.records_at.as_deref()
    }

    /// The number of the record read last.
    pub(super) fn row(&self) -> u64 {
        self.row
    }

    /// Adds records until the chunk is full or the text ends.
    pub(super) fn fill(&mut self, chunk: &mut Chunk) -> io::Result<()> {
        while !chunk.is_full() && (self.place != Place::Ended || self.listed.is_some()) {
            match self.layout {
                _ if self.listed.is_some() => self.take_listed(chunk),
                _ if self.leaving.is_some() => self.leave()?,
                Layout::Lines => self.take_line(chunk)?,
                Layout::Values => self.take_value(chunk)?,
            }
        }
        self.text.note_assumed(chunk);
        Ok(())
    }

    fn take_line(&mut self, chunk: &mut Chunk) -> io::Result<()> {
        let rest = self.text.rest();
        let end = memchr(b'\n', rest.as_bytes()).map(|end| end + 1);
        match end {
            None if !self.text.has_ended() && rest.len() <= MAX_RECORD_BYTES => {
                return self.text.more();
            }
            None if !self.text.has_ended() => {
                self.refuse(Code::RowTooLarge, chunk);
                self.skip_to(|byte| byte == b'\n')?;
                self.advance(self.text.rest().len().min(1));
                return Ok(());
            }
            None if rest.is_empty() => {
                self.place = Place::Ended;
                return Ok(());
            }
            _ => {}
        }
        let (length, is_cut) = (end.unwrap_or(rest.len()), end.is_none());
        if length > MAX_RECORD_BYTES {
            self.refuse(Code::RowTooLarge, chunk);
            self.advance(length);
        } else if clean_line(&rest[..length]).is_empty() {
            chunk.rows_ignored += 1;
            self.advance(length);
        } else {
            self.add(length, is_cut, chunk);
        }
        Ok(())
    }

    fn take_value(&mut self, chunk: &mut Chunk) -> io::Result<()> {
        self.advance(scan::skip(self.text.rest().as_bytes(), 0, BETWEEN));
        let rest = self.text.rest().as_bytes();
        match (self.place, rest.first()) {
            (_, None) if !self.text.has_ended() => self.text.more()?,
            (place, None) => {
                if place != Place::Between {
                    chunk.note(Code::JsonTruncated, self.row + 1, None);
                }
                self.place = Place::Ended;
            }
            (Place::Between, Some(b'[')) => {
                self.advance(1);
                self.place = Place::InList {
                    enclosing: 0,
                    is_keyed: false,
                };
            }
            (Place::Between, Some(b'{')) => self.take_object(chunk)?,
            (Place::InList { is_keyed: true, .. }, Some(b'"')) => self.skip_key()?,
            (
                Place::InList {
                    enclosing,
                    is_keyed,
                },
                Some(&close),
            ) if close == if is_keyed { b'}' } else { b']' } => {
                self.advance(1);
                self.place = Place::Between;
                self.leaving = (enclosing > 0).then(|| Nesting::inside(enclosing));
            }
            _ => self.take_record(chunk)?,
        }
        Ok(())
    }

    /// Enters the list of a page, or takes the object as a record.
    fn take_object(&mut self, chunk: &mut Chunk) -> io::Result<()> {
        let rest = self.text.rest().as_bytes();
        let end = match scan::value_end(rest, 0) {
            End::At(end) => end,
            _ if rest.len() < PAGE_BEGINNING_BYTES && !self.text.has_ended() => {
                return self.text.more();
            }
            _ => rest.len(),
        };
        let page = &rest[..end];
        let list = scan::record_list(page)
            .or_else(|| scan::graphql_list(page))
            .or_else(|| scan::unknown_list(page))
            .or_else(|| scan::deep_list(page));
        if let Some(list) = list {
            self.advance(list.start);
            self.place = Place::InList {
                enclosing: list.enclosing,
                is_keyed: list.is_keyed,
            };
            if !list.path.is_empty() {
                self.records_at.get_or_insert(list.path);
            }
            return Ok(());
        }
        match scan::only_record(&rest[..end]) {
            Some((path, range)) if range.len() <= MAX_RECORD_BYTES => {
                self.advance(range.start);
                self.add(range.len(), false, chunk);
                self.leaving = Some(Nesting::inside(1));
                self.records_at.get_or_insert(path);
                Ok(())
            }
            _ => self.take_record(chunk),
        }
    }

    /// Moves past the key of a record, to the record.
    fn skip_key(&mut self) -> io::Result<()> {
        let rest = self.text.rest().as_bytes();
        match scan::value_end(rest, 0) {
            End::At(end) if scan::skip(rest, end, b" \t\r\n:") < rest.len() => {
                self.advance(scan::skip(rest, end, b" \t\r\n:"));
                Ok(())
            }
            _ if self.text.has_ended() => {
                self.advance(rest.len());
                Ok(())
            }
            _ => self.text.more(),
        }
    }

    fn take_record(&mut self, chunk: &mut Chunk) -> io::Result<()> {
        let rest = self.text.rest().as_bytes();
        match scan::value_end(rest, 0) {
            End::At(end) if end > MAX_RECORD_BYTES => {
                self.refuse(Code::RowTooLarge, chunk);
                self.advance(end);
            }
            End::At(end) => {
                self.add(end, false, chunk);
            }
            End::Missing if self.text.has_ended() => {
                self.add(rest.len(), true, chunk);
                self.place = Place::Ended;
            }
            End::Missing if rest.len() <= MAX_RECORD_BYTES => return self.text.more(),
            End::Missing => {
                self.leaving = Some(Nesting::default());
                self.refuse(Code::RowTooLarge, chunk);
            }
            End::NoValue => {
                self.refuse(Code::JsonMalformed, chunk);
                let is_in_list = self.place != Place::Between;
                self.skip_to(|byte| byte == b'{' || byte == if is_in_list { b']' } else { b'[' })?;
            }
        }
        Ok(())
    }

    /// Takes the record that the next bytes are; `is_cut` says that the text ends with them. A record that leads are
    /// listed in, as in the pages of Meta's forms, is as many rows as it has leads, each with what the record says of all
    /// of them.
    fn add(&mut self, length: usize, is_cut: bool, chunk: &mut Chunk) {
        let record = clean_line(&self.text.rest()[..length]);
        let Some(leads) = scan::leads_inside(record.as_bytes()) else {
            self.add_row(length, is_cut, None, chunk);
            return self.advance(length);
        };
        let Range { start, end } = leads.member;
        let shared = [&record[..start], "null", &record[end..]].concat();
        if shared.len() * leads.at.len() > MAX_REPEATED_BYTES {
            self.refuse(Code::RowTooLarge, chunk);
            return self.advance(length);
        }
        self.listed = Some(Listed {
            shared,
            path: leads.path,
            at: leads.at.into_iter(),
            length,
            is_cut,
        });
    }

    /// Adds the next of the leads that are listed in a record, or goes on after that record.
    fn take_listed(&mut self, chunk: &mut Chunk) {
        let Some(mut listed) = self.listed.take() else {
            return;
        };
        match listed.at.next() {
            Some(at) => {
                self.add_row(listed.length, listed.is_cut, Some((&listed, at)), chunk);
                self.listed = Some(listed);
            }
            None => self.advance(listed.length),
        }
    }

    fn add_row(
        &mut self,
        length: usize,
        is_cut: bool,
        lead: Option<(&Listed, Range<usize>)>,
        chunk: &mut Chunk,
    ) {
        self.row += 1;
        let record = clean_line(&self.text.rest()[..length]);
        chunk.begin_row(self.row, self.line);
        let (added, record) = match lead {
            None => (self.flattener.add(record, chunk), record),
            Some((Listed { shared, path, .. }, at)) => {
                let lead = &record[at];
                (self.flattener.add_inside(shared, path, lead, chunk), lead)
            }
        };
        if added.is_err() {
            chunk.end_row();
        }
        if self.keep_records {
            chunk.set_record(record);
        }
        match added {
            Ok(()) if self.flattener.has_too_many_columns() => {
                chunk.note(Code::ColumnsTooMany, self.row, None)
            }
            Ok(()) => {}
            Err(error) if is_cut && error.is_eof() => chunk.refuse(Code::JsonTruncated, None),
            Err(_) => chunk.refuse(Code::JsonMalformed, None),
        }
    }

    /// Counts a record of which nothing can be kept.
    fn refuse(&mut self, code: Code, chunk: &mut Chunk) {
        self.row += 1;
        chunk.begin_row(self.row, self.line);
        chunk.end_row();
        chunk.refuse(code, None);
    }

    /// Moves past the closing bracket that is being looked for.
    fn leave(&mut self) -> io::Result<()> {
        let Some(nesting) = &mut self.leaving else {
            return Ok(());
        };
        let rest = self.text.rest().as_bytes();
        match nesting.pass(rest) {
            Some(length) => {
                self.leaving = None;
                self.advance(length);
                Ok(())
            }
            None => self.use_up(),
        }
    }

    /// Moves to the next byte that is wanted, past at least one.
    fn skip_to(&mut self, is_wanted: impl Fn(u8) -> bool) -> io::Result<()> {
        let mut from = 1;
        while self.place != Place::Ended {
            let rest = self.text.rest().as_bytes();
            if let Some(at) = rest.iter().skip(from).position(|byte| is_wanted(*byte)) {
                self.advance(from + at);
                return Ok(());
            }
            from = 0;
            self.use_up()?;
        }
        Ok(())
    }

    /// Drops all text there is and reads on.
    fn use_up(&mut self) -> io::Result<()> {
        self.advance(self.text.rest().len());
        if self.text.has_ended() {
            self.place = Place::Ended;
        }
        self.text.more()
    }

    fn advance(&mut self, bytes: usize) {
        self.line += memchr_iter(b'\n', &self.text.rest().as_bytes()[..bytes]).count() as u64;
        self.text.advance(bytes);
    }
}

/// A line's record: without white space, record separator and a comma that a list left behind.
fn clean_line(line: &str) -> &str {
    line.trim_matches(|character: char| character.is_ascii_whitespace() || character == '\u{1e}')
        .trim_end_matches(',')
}
