//! Meta's Graph API over HTTP: one client, and one place that says what an answer means.
//!
//! Input: a request body. Output: the answer, and the verdict on it as a pure function. Repeats nothing, waits for
//! nothing and records nothing; that is the business of whoever asked.

pub(crate) mod answer;
pub(crate) mod client;
pub(crate) mod fault;
pub(crate) mod probe;
pub(crate) mod served;
pub(crate) mod usage;
pub(crate) mod verdict;
pub(crate) mod version;

pub(crate) use client::{Client, Endpoint};
pub(crate) use fault::Fault;
pub(crate) use verdict::Stop;
