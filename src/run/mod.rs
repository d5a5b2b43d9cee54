//! The whole recipe, front to back; the file to read first is [`upload`].
//!
//! [`Feed`] opens an input and settles what can only be known from it; [`RowProcessor`] takes a chunk of rows through
//! mapping, customer, event and rules; [`workers`] spreads chunks over threads and brings them back in order; `sending`
//! asks the ledger and hands what is new to the delivery; `account` adds up what happened. Input: settings, resolved by
//! whoever calls. Output: a [`crate::report::Summary`].

pub(crate) mod account;
mod body;
mod coverage;
pub(crate) mod feed;
mod joining;
mod observer;
mod outbox;
mod recipe;
pub(crate) mod rejects;
pub(crate) mod rows;
mod seen;
mod sending;
mod settings;
mod snapshot;
mod understanding;
mod upload;
mod validate;
mod waiting;
pub(crate) mod workers;
mod zones;

pub(crate) use body::{Body, BodyError, BodyReader};
pub(crate) use coverage::MISSING_LEADS_BEGIN;
pub(crate) use feed::Feed;
pub use observer::{Observer, Reading};
pub(crate) use outbox::{Counted, Deliverer, Outbox};
pub(crate) use recipe::Pass;
pub(crate) use rows::Prepared;
pub(crate) use seen::GivenIds;
pub(crate) use seen::Seen;
pub(crate) use settings::{
    Earlier, JoinSettings, OnUnusable, PresetChoice, ReadSettings, SendSettings, Signals, Unusable,
    UploadSettings,
};
pub(crate) use upload::{is_sandbox, rehearse_upload, upload};
pub(crate) use validate::{build, validate};
