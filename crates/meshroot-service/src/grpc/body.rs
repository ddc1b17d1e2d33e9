//! The body of a call, read within bounds.

use std::time::Duration;

use bytes::BytesMut;
use http_body_util::{BodyExt, Limited};
use prost::Message;

use super::frame::{FrameError, HEAD, MOST, decode, split};
use super::status::{Code, Status};
use crate::http::Payload;

/// What is read of a call that is refused: enough for an honest client to have finished. What is left unread is a stream that is reset,
/// and h2 ends a connection, with all calls on it, after a thousand of those.
const DRAINED: usize = 64 << 10;

/// Reads the one message of a unary call, and that nothing follows it.
pub(super) async fn unary<M: Message + Default>(body: impl Payload, patience: Duration) -> Result<M, Status> {
    let read = Limited::new(body, MOST.saturating_add(HEAD)).collect();
    let bytes = match tokio::time::timeout(patience, read).await {
        Ok(Ok(read)) => read.to_bytes(),
        Ok(Err(e)) if e.is::<http_body_util::LengthLimitError>() => return Err(FrameError::TooLong.into()),
        Ok(Err(_)) => return Err(malformed("it was broken off")),
        Err(_) => return Err(Status::new(Code::Unavailable, "grpc.too_slow", "the message took too long to arrive")),
    };
    let mut bytes = BytesMut::from(bytes);
    let message = split(&mut bytes)?.ok_or_else(|| malformed("it is cut off"))?;
    if !bytes.is_empty() {
        return Err(malformed("something follows the one message of this call"));
    }
    Ok(decode(message)?)
}

/// Reads and forgets what the client of a refused call still sends, within bounds.
pub(super) async fn drain(body: impl Payload) {
    let _ = tokio::time::timeout(Duration::from_secs(1), Limited::new(body, DRAINED).collect()).await;
}

fn malformed(why: &str) -> Status {
    FrameError::Malformed(why.to_owned()).into()
}

impl From<FrameError> for Status {
    fn from(e: FrameError) -> Self {
        match e {
            FrameError::Compressed => {
                Self::new(Code::Unimplemented, "grpc.compressed", "the message is compressed, or its frame is garbage: send it plain")
            }
            FrameError::TooLong => Self::new(Code::ResourceExhausted, "grpc.too_long", format!("the call's message is longer than {MOST} octets")),
            FrameError::Malformed(why) => Self::new(Code::InvalidArgument, "grpc.malformed", format!("the call's message cannot be read: {why}")),
        }
    }
}
