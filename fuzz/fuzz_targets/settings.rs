//! Any text as a settings file, with an export that many settings fit: no panic, and an error of one line.

#![no_main]

use crm2capi::Export;
use libfuzzer_sys::{Corpus, fuzz_target};

const EXPORT: &str = "id,email,email,phone,stage,date,amount,note,consent,New date,Won date\n\
                      1,a@example.com,b@example.com,+12125550101,New,2026-11-20,1,x,yes,2026-11-20,2026-11-19\n";

thread_local! {
    static FILE: tempfile::NamedTempFile = {
        let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        std::fs::write(file.path(), EXPORT).expect("a temporary file can be written");
        file
    };
}

fuzz_target!(|data: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(data) else { return Corpus::Reject };
    // Settings may name any file, and it would be read.
    if text.contains("files") {
        return Corpus::Reject;
    }
    let path = FILE.with(|file| file.path().to_owned());
    match Export::new([path]).settings(text) {
        Err(error) => assert!(!format!("{error:#}").contains('\n')),
        Ok(export) => drop(export.validate()),
    }
    Corpus::Keep
});
