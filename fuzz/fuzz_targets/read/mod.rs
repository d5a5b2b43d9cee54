//! Reads bytes as an export from front to back, the way `validate` does.

use std::io::Write;

use crm2capi::Export;

/// Takes the bytes for a file of this format and reads it to its end.
pub fn to_the_end(data: &[u8], format: &str) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    file.write_all(data).expect("a temporary file can be written");
    let settings = format!("[input]\nformat = \"{format}\"\nthreads = 1\n");
    let export = Export::new([file.path()]).settings(&settings).expect("settings that hold");
    if let Ok(summary) = export.validate() {
        assert!(summary.rows_invalid <= summary.rows);
    }
}
