//! Watches an upload, so that whoever started it can show how far it is.

/// Is told of an upload's progress. Every method does nothing unless it is written.
pub trait Observer {
    /// So many more rows were checked, before anything is sent.
    fn checked(&mut self, _rows: u64) {}

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
