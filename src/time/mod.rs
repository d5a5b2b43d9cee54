//! Reads times as CRMs and spreadsheets write them.
//!
//! A [`TimeReader`] turns the text of a cell into a [`Reading`]: the instant, how exact it is, and what had to be
//! assumed. It refuses dates that can be read two ways, two-digit years whose order is not known, and local times that
//! never happened, and it never asks the clock: the present is a parameter. [`OrderEvidence`] looks for what settles the
//! order of day and month in a whole file.

mod clock;
mod foreign;
mod general;
mod iso;
mod moment;
mod now;
mod offset;
mod order;
mod reader;
mod serial;
mod text;
mod words;
mod written;
mod zone;

#[cfg(test)]
mod tests;

pub(crate) use clock::is_clock;
pub(crate) use moment::{Moment, Notes, Precision, Reading};
pub(crate) use now::{Clock, utc};
pub(crate) use order::{DateOrder, OrderEvidence, Settled};
pub(crate) use reader::TimeReader;
pub(crate) use serial::is_serial;
pub(crate) use written::Day;
pub(crate) use zone::{UnknownZone, parse_zone};
