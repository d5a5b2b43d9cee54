//! The floor for `benches/run.py`: parse the export, lowercase and hash ten columns, write JSON of the same size.
//!
//! One thread and no rule: no value is normalised or checked, no date is read, and what needs thought is filled up with
//! constants. Reads the file named on the command line, which must have the columns of `make_export.py`, and writes one
//! event a line to standard output.

use std::error::Error;
use std::io::{self, BufWriter, Write};

use sha2::{Digest, Sha256};

/// The hashed keys of `user_data`, each with its column in the export.
const HASHED: [(&str, usize); 10] = [
    ("country", 12),
    ("ct", 9),
    ("db", 8),
    ("em", 3),
    ("fn", 5),
    ("ge", 7),
    ("ln", 6),
    ("ph", 4),
    ("st", 10),
    ("zp", 11),
];

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: floor FILE")?;
    let mut export = csv::Reader::from_path(path)?;
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let (mut row, mut lowercase, mut hex) = (csv::ByteRecord::new(), Vec::new(), [0; 64]);
    while export.read_byte_record(&mut row)? {
        let lead_id = std::str::from_utf8(&row[0])?;
        out.write_all(
            br#"{"action_source":"system_generated","custom_data":{"event_source":"crm","#,
        )?;
        write!(
            out,
            r#""lead_event_source":"Bench"}},"event_id":"{lead_id:0>32}","event_name":"#
        )?;
        serde_json::to_writer(&mut out, std::str::from_utf8(&row[1])?)?;
        write!(
            out,
            r#","event_time":1795000000,"user_data":{{"lead_id":{lead_id}"#
        )?;
        for (key, column) in HASHED {
            lowercase.clear();
            lowercase.extend(row[column].iter().map(u8::to_ascii_lowercase));
            hex::encode_to_slice(Sha256::digest(&lowercase), &mut hex)?;
            write!(out, r#","{key}":[""#)?;
            out.write_all(&hex)?;
            out.write_all(br#""]"#)?;
        }
        // Not hashed, as in Meta's SDKs, but as long as a hash.
        writeln!(
            out,
            r#","external_id":["{:0>64}"]}}}}"#,
            std::str::from_utf8(&row[13])?
        )?;
    }
    out.flush()?;
    Ok(())
}
