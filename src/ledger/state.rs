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
/// After so many runs that do not know whether they delivered an event, it rests.
pub(super) const MAX_ATTEMPTS: i64 = 3;

/// Tells the same content from a changed one; eight bytes of a hash of the event as it is sent.
pub(super) fn fingerprint(event: &Event) -> [u8; 8] {
    let digest: [u8; 32] = Sha256::digest(&event.json).into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    [a, b, c, d, e, f, g, h]
}
