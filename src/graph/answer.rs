//! What came back from a request, or that nothing did.

use std::fmt;

use bytes::Bytes;
use reqwest::header::HeaderMap;

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// No answer, or not all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// The host's name could not be resolved.
    NameUnknown,
    /// No connection was made.
    NotConnected,
    /// The connection was made, but not a secure one.
    NotSecure,
    /// The time for a request ran out.
    TimedOut,
    /// The connection broke before the answer was complete.
    Broken,
}

impl fmt::Display for Silence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Silence::NameUnknown => "the host's name could not be resolved",
            Silence::NotConnected => "the host could not be reached",
            Silence::NotSecure => "no secure connection could be made",
            Silence::TimedOut => "no answer in time",
            Silence::Broken => "the connection broke before the answer was complete",
        })
    }
}
