//! Watches an upload, so that whoever started it can show how far it is.

use crate::report::Summary;

/// What inputs are read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// To find out in which order day and month stand, where a large file leaves that open.
    Dates,
    /// To check every row.
    Check,
}

/// Is told of a run's progress. Every method does nothing unless it is written.
pub trait Observer {
    /// Reading begins, of `bytes` together as they lie on disk; none where an input is a stream, whose end nobody knows.
    fn reading(&mut self, _what_for: Reading, _bytes: Option<u64>) {}

    /// So many more rows were read, and so many bytes of their files, before anything is sent.
    fn checked(&mut self, _rows: u64, _bytes: u64) {}

    /// What was read, once all of it was checked and before anything is sent: of the summary only what is known by then
    /// holds. Not called where an input is a stream, whose end nobody knows yet.
    fn read(&mut self, _summary: &Summary) {}

    /// The inputs were checked, and sending begins. `events` is how many are to be sent as far as is known; standard
    /// input cannot be counted beforehand.
    fn sending(&mut self, _events: u64) {}

    /// One more event has its outcome.
    fn settled(&mut self) {}

    /// Nothing more is sent.
    fn finished(&mut self) {}
}

/// Shows nothing.
impl Observer for () {}
