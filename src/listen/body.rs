//! Reads a request's body, as much of it as may be kept.

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes};

/// How long a body may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimits {
    /// Bytes that are kept.
    pub kept: usize,
    /// Bytes that are read. What is beyond `kept` is thrown away: a client that is still writing would see a broken
    /// connection instead of the answer.
    pub drained: usize,
}

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoBody {
    /// The client stopped in the middle of it.
    BrokenOff,
    /// It is longer than may be kept, and was read to its end.
    TooLarge,
    /// It is longer than is read.
    Endless,
}

/// Reads the whole body.
///
/// # Errors
/// It is broken off, or too long.
pub(crate) async fn read_body(
    mut body: impl Body<Data = Bytes> + Unpin,
    limits: BodyLimits,
) -> Result<Bytes, NoBody> {
    let mut bytes = Vec::with_capacity(body.size_hint().lower().min(1 << 16) as usize);
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(part) = frame.map_err(|_| NoBody::BrokenOff)?.into_data() else {
            continue;
        };
        length += part.len();
        if length <= limits.kept {
            bytes.extend_from_slice(&part);
        } else if length > limits.drained {
            return Err(NoBody::Endless);
        }
    }
    match length <= limits.kept {
        true => Ok(bytes.into()),
        false => Err(NoBody::TooLarge),
    }
}
