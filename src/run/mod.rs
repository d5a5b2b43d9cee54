//! The recipe that joins the stages; the file to read first.
//!
//! [`RowProcessor::prepare`] takes a chunk of rows through mapping, customer, event and rules. [`feed`] opens the inputs
//! and settles what can only be known from them; [`workers`] spreads the chunks over threads and brings them back in
//! order.

pub mod account;
pub mod feed;
pub mod rejects;
mod rows;
mod seen;
pub mod workers;

pub use feed::{Feed, Pass};
pub use rows::{Prepared, PreparedEvent, RowProcessor};
pub(crate) use seen::GivenIds;
pub use seen::Seen;
pub use workers::run;
