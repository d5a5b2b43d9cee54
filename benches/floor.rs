//! The floor for `benches/run.py`: parse the export, lowercase and hash its columns, write JSON of the same size.
//!
//! One thread and no rule: no value is normalised or checked, no date is read, and what needs thought is filled up with
//! constants. What came hashed is copied. Reads the file named on the command line, which must have the headings of
//! `make_export.py`, and writes one event a line to standard output.

use std::error::Error;
use std::io::{self, Write};

use sha2::{Digest, Sha256};

/// The keys of `user_data`, as they stand in JSON, and the headings of their columns.
const HASHED: [(&str, &str); 10] = [
    (r#","country":[""#, "Country"),
    (r#","ct":[""#, "City"),
    (r#","db":[""#, "Date of Birth"),
    (r#","em":[""#, "Email"),
    (r#","fn":[""#, "First Name"),
    (r#","ge":[""#, "Gender"),
    (r#","ln":[""#, "Last Name"),
    (r#","ph":[""#, "Phone"),
    (r#","st":[""#, "State"),
    (r#","zp":[""#, "Zip Code"),
];

/// The keys of `custom_data`, likewise.
const CUSTOM: [(&str, &str); 7] = [
    (r#","currency":""#, "Currency"),
    (r#","owner":""#, "owner"),
    (r#","plan":""#, "plan"),
    (r#","region":""#, "region"),
    (r#","score":""#, "score"),
    (r#","value":""#, "Deal Value"),
    (r#","visits":""#, "visits"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: floor FILE")?;
    let mut export = csv::ReaderBuilder::new()
        .buffer_capacity(1 << 18)
        .from_path(path)?;
    let header = export.byte_headers()?.clone();
    let find = |(key, heading): &(&'static str, &str)| {
        let column = header.iter().position(|cell| cell == heading.as_bytes())?;
        Some((*key, column))
    };
    let hashed: Vec<_> = HASHED.iter().filter_map(find).collect();
    let custom: Vec<_> = CUSTOM.iter().filter_map(find).collect();
    let mut output = io::stdout().lock();
    let (mut out, mut row) = (Vec::with_capacity(1 << 17), csv::ByteRecord::new());
    let (mut lowercase, mut hex) = (Vec::new(), [0; 64]);
    while export.read_byte_record(&mut row)? {
        out.extend_from_slice(br#"{"action_source":"system_generated","custom_data":{"event_source":"crm","lead_event_source":"Bench""#);
        for (key, column) in &custom {
            out.extend_from_slice(key.as_bytes());
            out.extend_from_slice(&row[*column]);
            out.push(b'"');
        }
        out.extend_from_slice(br#"},"event_id":"0000000000000000"#);
        out.extend_from_slice(&row[0]);
        out.extend_from_slice(br#"","event_name":""#);
        out.extend_from_slice(&row[1]);
        out.extend_from_slice(br#"","event_time":1795000000,"user_data":{"lead_id":"#);
        out.extend_from_slice(&row[0]);
        for (key, column) in &hashed {
            out.extend_from_slice(key.as_bytes());
            lowercase.clear();
            lowercase.extend_from_slice(&row[*column]);
            lowercase.make_ascii_lowercase();
            if lowercase.len() == 64 {
                out.extend_from_slice(&lowercase);
            } else {
                hex::encode_to_slice(Sha256::digest(&lowercase), &mut hex)?;
                out.extend_from_slice(&hex);
            }
            out.extend_from_slice(br#""]"#);
        }
        // Not hashed, as in Meta's SDKs, but as long as a hash.
        out.extend_from_slice(
            br#","external_id":["000000000000000000000000000000000000000000000000000000"#,
        );
        out.extend_from_slice(&row[13]);
        out.extend_from_slice(b"\"]}}\n");
        if out.len() > 1 << 16 {
            output.write_all(&out)?;
            out.clear();
        }
    }
    Ok(output.write_all(&out)?)
}
