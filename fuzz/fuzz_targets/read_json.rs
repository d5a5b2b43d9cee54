//! Any bytes taken for JSON, then for lines of it: no panic, and every cell of every row can be had.

#![no_main]

use libfuzzer_sys::fuzz_target;

mod read;

fuzz_target!(|data: &[u8]| {
    read::to_the_end(data, "json");
    read::to_the_end(data, "ndjson");
});
