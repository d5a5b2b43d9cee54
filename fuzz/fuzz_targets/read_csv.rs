//! Any bytes taken for delimited text: no panic, and every cell of every row can be had.

#![no_main]

use libfuzzer_sys::fuzz_target;

mod read;

fuzz_target!(|data: &[u8]| read::to_the_end(data, "csv"));
