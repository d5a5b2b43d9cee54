//! Reads bytes as an export, the way a file is read.

use std::io::Write;

use crm2capi::source::{Chunk, Format, Input, Settings, Source};

/// Opens the bytes as a file of this format and reads it to its end.
pub fn to_the_end(data: &[u8], format: Format) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    file.write_all(data).expect("a temporary file can be written");
    let settings = Settings { format: Some(format), keep_records: true, ..Settings::default() };
    let Ok(mut source) = Source::open(&Input::File(file.path().to_owned()), &settings) else { return };
    let mut chunk = Chunk::default();
    while let Ok(true) = source.fill(&mut chunk) {
        for row in chunk.rows() {
            assert!(row.number() > 0);
            let columns = chunk.header.columns.len() as u32;
            (0..columns).for_each(|column| assert!(row.cell(column).len() <= chunk.text_bytes()));
        }
    }
}
