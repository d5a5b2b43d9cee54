//! Meta's Graph API over HTTP: one client, and one place that says what an answer means.
//!
//! Input: a request body. Output: the answer, and the verdict on it as a pure function. Repeats nothing, waits for
//! nothing and records nothing; that is the business of whoever asked.

pub mod answer;
pub mod client;
pub mod fault;
pub mod probe;
pub mod usage;
pub mod verdict;
pub mod version;

pub use client::{Client, Endpoint};
pub use fault::Fault;
pub use verdict::Stop;
