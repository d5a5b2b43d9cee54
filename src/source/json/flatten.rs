//! Makes one row of one JSON record: nested names become dotted columns.
//!
//! In goes a record's text, out come cells in a chunk and columns in a header that grows. Numbers keep their own
//! spelling, so that no id passes through a float; null is an empty cell; a list of plain values is joined with `;`, a
//! list of objects gets its positions into the names (`email.0.value`), and a list of name and value pairs, as APIs keep
//! custom fields, gets the names (`customFields.fbclid`). What lies too deep stays JSON.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::super::chunk::{Chunk, Header, MAX_COLUMNS, Span};

/// Values nested deeper than this stay as the JSON they are.
const MAX_DEPTH: usize = 32;
/// A longer name is no column's: nested keys must not fill the memory either.
const MAX_NAME_BYTES: usize = 1024;
/// What all names come to at most. Each chunk that brings a new one has a header of its own.
const MAX_NAMES_BYTES: usize = 1 << 20;

/// The columns met so far, and what is needed to add a record's cells.
#[derive(Debug, Default)]
pub(super) struct Flattener {
    header: Arc<Header>,
    names: Vec<String>,
    names_bytes: usize,
    indexes: HashMap<String, u32>,
    path: String,
    /// Columns and texts of the record that is read.
    cells: Vec<(u32, Span)>,
    has_too_many: bool,
    /// A member of the record that is left out.
    left_out: Option<&'static str>,
}

impl Flattener {
    /// The header of all columns met so far.
    pub(super) fn header(&mut self) -> &Arc<Header> {
        if self.header.columns.len() < self.names.len() {
            self.header = Arc::new(Header {
                columns: self.names.clone(),
            });
        }
        &self.header
    }

    /// Adds a record as a row; the reason if it is no object that can be read. The row must have been opened.
    pub(super) fn add(&mut self, record: &str, chunk: &mut Chunk) -> Result<(), serde_json::Error> {
        self.path.clear();
        self.cells.clear();
        self.has_too_many = false;
        self.object(record, 0, chunk)?;
        self.push_cells(chunk);
        Ok(())
    }

    fn push_cells(&mut self, chunk: &mut Chunk) {
        // Most records have their columns in the order of the first one; of one column named twice the last counts.
        if !self.cells.is_sorted_by(|left, right| left.0 < right.0) {
            self.cells.sort_by_key(|(column, _)| *column);
            self.cells.reverse();
            self.cells.dedup_by_key(|(column, _)| *column);
            self.cells.reverse();
        }
        chunk.push_filled(0, &self.cells);
    }

    /// Adds one of the leads listed in a record as a row, with what the record says of all of them. The row must have been
    /// opened.
    pub(super) fn add_inside(
        &mut self,
        record: &str,
        path: &'static str,
        lead: &str,
        chunk: &mut Chunk,
    ) -> Result<(), serde_json::Error> {
        self.path.clear();
        self.cells.clear();
        self.has_too_many = false;
        self.left_out = path.split('.').next();
        let of_all = self.object(record, 0, chunk);
        self.left_out = None;
        of_all?;
        self.nested(path, |flattener| flattener.value(lead, 0, chunk))?;
        self.push_cells(chunk);
        Ok(())
    }

    /// Whether the last record brought columns beyond what can be kept.
    pub(super) fn has_too_many_columns(&self) -> bool {
        self.has_too_many
    }

    fn object(
        &mut self,
        object: &str,
        depth: usize,
        chunk: &mut Chunk,
    ) -> Result<(), serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(object);
        Members {
            flattener: self,
            depth,
            chunk,
        }
        .deserialize(&mut deserializer)?;
        deserializer.end()
    }

    fn value(
        &mut self,
        value: &str,
        depth: usize,
        chunk: &mut Chunk,
    ) -> Result<(), serde_json::Error> {
        match value.as_bytes().first() {
            Some(b'{') if depth < MAX_DEPTH => self.object(value, depth + 1, chunk),
            Some(b'[') if depth < MAX_DEPTH => self.list(value, depth + 1, chunk),
            _ => {
                let text = scalar(value)?;
                self.cell(&text, chunk);
                Ok(())
            }
        }
    }

    fn list(
        &mut self,
        list: &str,
        depth: usize,
        chunk: &mut Chunk,
    ) -> Result<(), serde_json::Error> {
        // Millions of elements fit into a record: none of them is kept.
        let (mut joined, mut is_plain) = (String::new(), true);
        let walked = each_element(list, |_, element| {
            is_plain = !element.starts_with(['{', '[']);
            if !is_plain {
                return Ok(false);
            }
            let text = scalar(element)?;
            if !text.is_empty() && !joined.is_empty() {
                joined.push(';');
            }
            joined.push_str(&text);
            Ok(true)
        });
        if is_plain {
            walked?;
            self.cell(&joined, chunk);
            return Ok(());
        }
        each_element(list, |position, element| {
            let pair = Pair::of(element);
            let (name, value) = match &pair {
                Some(Pair { name, value }) => (name.clone(), value.get()),
                None => (Cow::Owned(position.to_string()), element),
            };
            self.nested(&name, |flattener| flattener.value(value, depth, chunk))?;
            Ok(true)
        })
    }

    /// Does something with a name added to the path.
    fn nested<T>(&mut self, name: &str, work: impl FnOnce(&mut Flattener) -> T) -> T {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        let done = work(self);
        self.path.truncate(length);
        done
    }

    fn cell(&mut self, text: &str, chunk: &mut Chunk) {
        let Some(index) = self.index() else {
            self.has_too_many = true;
            return;
        };
        if text.is_empty() {
            return;
        }
        let start = chunk.push_text(text);
        let end = start + text.len() as u32;
        self.cells.push((index, Span { start, end }));
    }

    /// The column that the path names; none where there are too many, or the name is too long to be looked for.
    fn index(&mut self) -> Option<u32> {
        let bytes = self.path.len();
        if bytes > MAX_NAME_BYTES {
            return None;
        }
        if let Some(index) = self.indexes.get(self.path.as_str()) {
            return Some(*index);
        }
        if self.names.len() == MAX_COLUMNS || self.names_bytes + bytes > MAX_NAMES_BYTES {
            return None;
        }
        let index = self.names.len() as u32;
        self.names_bytes += bytes;
        self.names.push(self.path.clone());
        self.indexes.insert(self.path.clone(), index);
        Some(index)
    }
}

/// Does something with the position and the text of each element of a list, as long as it returns true.
fn each_element(
    list: &str,
    work: impl FnMut(usize, &str) -> Result<bool, serde_json::Error>,
) -> Result<(), serde_json::Error> {
    struct Elements<F>(F);
    impl<'de, F: FnMut(usize, &str) -> Result<bool, serde_json::Error>> Visitor<'de> for Elements<F> {
        type Value = ();
        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a list")
        }
        fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
            let mut position = 0;
            while let Some(element) = elements.next_element::<&RawValue>()? {
                if !(self.0)(position, element.get()).map_err(A::Error::custom)? {
                    break;
                }
                position += 1;
            }
            Ok(())
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(list);
    deserializer.deserialize_seq(Elements(work))
}

/// The text of a value that is neither object nor list: a string's content, nothing for null, else its own spelling.
fn scalar(value: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    match value.as_bytes() {
        [b'"', inside @ .., b'"'] if !inside.contains(&b'\\') => {
            Ok(Cow::Borrowed(&value[1..value.len() - 1]))
        }
        [b'"', ..] => Ok(Cow::Owned(serde_json::from_str::<Lenient>(value)?.0)),
        b"null" => Ok(Cow::Borrowed("")),
        _ => Ok(Cow::Borrowed(value)),
    }
}

/// A string in which half of a surrogate pair, as JavaScript leaves it where it cuts an emoji, becomes U+FFFD.
struct Lenient(String);

impl<'de> serde::Deserialize<'de> for Lenient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Lenient, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Lenient;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Lenient, E> {
                Ok(Lenient(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
        deserializer.deserialize_bytes(Text)
    }
}

/// An object that is nothing but a name and a value, as APIs list the answers of forms and custom fields.
struct Pair<'a> {
    name: Cow<'a, str>,
    value: &'a RawValue,
}

/// What APIs call the name, by how well it names the column, and the value. Meta's `field_data` and Salesforce have
/// `name`, Google Ads `column_id`, HighLevel `id` and `fieldValue`, Kommo `field_code`, `field_name` and `values`.
const NAMES: [&str; 8] = [
    "name",
    "column_id",
    "field_code",
    "field_name",
    "key",
    "code",
    "id",
    "field_id",
];
const VALUES: [&str; 5] = [
    "value",
    "values",
    "string_value",
    "fieldValue",
    "field_value",
];
/// Members that may stand beside them.
const BESIDE: [&str; 4] = ["column_name", "field_type", "is_computed", "label"];

impl<'a> Pair<'a> {
    fn of(element: &'a str) -> Option<Pair<'a>> {
        #[derive(serde::Deserialize)]
        struct Fields<'a>(#[serde(borrow)] HashMap<Cow<'a, str>, &'a RawValue>);
        // Most lists hold records of many members, which need not be parsed to see that.
        if !VALUES.iter().any(|name| element.contains(name)) {
            return None;
        }
        let Fields(fields) = serde_json::from_str(element).ok()?;
        let is_known =
            |name: &str| NAMES.contains(&name) || VALUES.contains(&name) || BESIDE.contains(&name);
        if !fields.keys().all(|name| is_known(name)) {
            return None;
        }
        let find = |names: &[&str]| names.iter().find_map(|name| fields.get(*name).copied());
        let named = NAMES.iter().filter_map(|name| fields.get(*name));
        let name = named
            .filter_map(|raw| scalar(raw.get()).ok())
            .find(|name| !name.is_empty() && !name.starts_with(['{', '[']))?;
        Some(Pair {
            name,
            value: find(&VALUES)?,
        })
    }
}

/// Walks over the members of an object.
struct Members<'a> {
    flattener: &'a mut Flattener,
    depth: usize,
    chunk: &'a mut Chunk,
}

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(Lenient(name)) = members.next_key()? {
            let value: &RawValue = members.next_value()?;
            if self.flattener.path.is_empty() && self.flattener.left_out == Some(name.as_str()) {
                continue;
            }
            let (depth, chunk) = (self.depth, &mut *self.chunk);
            self.flattener
                .nested(&name, |flattener| {
                    flattener.value(value.get(), depth, chunk)
                })
                .map_err(A::Error::custom)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(A::Error::custom("a list in the place of an object"))
    }
}
