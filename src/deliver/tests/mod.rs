//! Deliveries against a real server on a local port.

mod faults;
mod interrupts;
mod lanes;
mod ledgers;
mod model;
