//! What the ledger says of an event, as it stands in the file.

use sha2::{Digest, Sha256};

use crate::event::Event;

/// It is about to be sent, or was sent without a receipt.
pub(super) const SENDING: i64 = 0;
/// Meta has it.
pub(super) const ACCEPTED: i64 = 1;
/// Meta refused it for good.
pub(super) const REJECTED: i64 = 2;
/// It is about to be sent by another run that is alive. This is never kept: it is told by who is alive.
pub(super) const ELSEWHERE: i64 = 3;
/// What a run weighs that has an event in hand. Where the run is killed that stays: it says nothing of the event, yet whoever
/// is killed with it again and again may have delivered it each time.
pub(super) const IN_HAND: i64 = 1;
/// What a run weighs that came to its end without knowing whether it delivered the event.
pub(super) const WITHOUT_RECEIPT: i64 = 4;
/// An event rests whose runs weigh so much: three that ended without a receipt, or twelve that were killed.
pub(super) const RESTS: i64 = 3 * WITHOUT_RECEIPT;

/// Tells the same content from a changed one; eight bytes of a hash of the event as it is sent.
pub(super) fn fingerprint(event: &Event) -> [u8; 8] {
    let digest: [u8; 32] = Sha256::digest(&event.json).into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    [a, b, c, d, e, f, g, h]
}
