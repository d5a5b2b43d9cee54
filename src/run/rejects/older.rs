//! The rows of an older rejects file. Each stays until its events are accepted, or until it is refused anew.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::form::{Form, KeptRow, is_of_rejects};

/// What an older rejects file holds. It is held whole: it was made to be read by a person.
#[derive(Default)]
pub(super) struct Older {
    text: String,
    rows: Vec<OlderRow>,
    known: HashSet<u64>,
    left: HashSet<u64>,
}

/// A row, by what it holds and by what it is known as, either of which tells it from others.
struct OlderRow {
    bytes: Range<usize>,
    hashes: [u64; 2],
}

impl Older {
    /// Reads the file at `path`, if one is there.
    ///
    /// # Errors
    /// It cannot be read, or it is another file, or one of other columns, which would be lost.
    pub(super) fn read(path: &Path, form: &Form) -> Result<Self> {
        let place = || format!("cannot write the rejects file {}", path.display());
        if !std::fs::metadata(path).is_ok_and(|found| found.is_file()) {
            return Ok(Self::default());
        }
        let bytes = std::fs::read(path).with_context(place)?;
        // What is empty holds nothing that could be lost.
        let text = String::from_utf8(bytes).unwrap_or_else(|_| "not text".to_owned());
        let rows = match text.is_empty() {
            true => Some(Vec::new()),
            false => form.rows_of(&text),
        };
        let Some(rows) = rows else {
            let what = match is_of_rejects(&text) {
                true => "holds rejected rows of an export with other columns",
                false => "was not written by crm2capi's --rejects",
            };
            bail!(
                "{}: it is there already and {what}, so it is not replaced; name another file, or move that one away",
                place()
            );
        };
        let rows: Vec<OlderRow> = rows
            .into_iter()
            .map(|row| OlderRow {
                hashes: [hash(&row.content), hash(row.known_as.as_bytes())],
                bytes: row.bytes,
            })
            .collect();
        Ok(Self {
            text,
            known: rows.iter().flat_map(|row| row.hashes).collect(),
            rows,
            left: HashSet::new(),
        })
    }

    /// Whether it holds no row.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// A row need not stay any longer, be it as it was or corrected.
    pub(super) fn leave(&mut self, form: &Form, row: &KeptRow) {
        let content = hash(&form.content(&row.cells));
        let earlier = row.earlier.as_ref().map(|earlier| hash(earlier.as_bytes()));
        for hash in [Some(content), earlier].into_iter().flatten() {
            if self.known.contains(&hash) {
                self.left.insert(hash);
            }
        }
    }

    /// Writes the rows that stay, as they were.
    pub(super) fn copy_to(&self, out: &mut impl Write) -> std::io::Result<()> {
        for row in &self.rows {
            if !row.hashes.iter().any(|hash| self.left.contains(hash)) {
                out.write_all(&self.text.as_bytes()[row.bytes.clone()])?;
            }
        }
        Ok(())
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
