//! gRPC's frames: an octet that says whether a message is compressed, four with its length, the message.

use std::time::Duration;

use axum::body::Body;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use http_body_util::{BodyExt, Limited};
use prost::Message;

use super::status::{Code, Status};

/// The longest message that is read, as gRPC's servers have it; what is in it has narrower limits of its own.
const MOST: usize = 4 << 20;

const HEAD: usize = 5;

/// What is read of a call that is refused: enough for an honest client to have finished. What is left unread is a stream that is reset,
/// and h2 ends a connection, with all calls on it, after a thousand of those.
const DRAINED: usize = 64 << 10;

/// Reads the one message of a unary call, and that nothing follows it.
pub(super) async fn unary<M: Message + Default>(body: Body, patience: Duration) -> Result<M, Status> {
    let read = Limited::new(body, MOST.saturating_add(HEAD)).collect();
    let bytes = match tokio::time::timeout(patience, read).await {
        Ok(Ok(read)) => read.to_bytes(),
        Ok(Err(e)) if e.is::<http_body_util::LengthLimitError>() => return Err(too_long()),
        Ok(Err(_)) => return Err(malformed("it was broken off")),
        Err(_) => return Err(Status::new(Code::Unavailable, "grpc.too_slow", "the message took too long to arrive")),
    };
    let mut bytes = BytesMut::from(bytes);
    let message = split(&mut bytes)?.ok_or_else(|| malformed("it is cut off"))?;
    if !bytes.is_empty() {
        return Err(malformed("something follows the one message of this call"));
    }
    decode(message)
}

/// Reads and forgets what the client of a refused call still sends, within bounds.
pub(super) async fn drain(body: Body) {
    let _ = tokio::time::timeout(Duration::from_secs(1), Limited::new(body, DRAINED).collect()).await;
}

/// Takes a whole message from the front; `None` while it is not all there.
pub(super) fn split(bytes: &mut BytesMut) -> Result<Option<Bytes>, Status> {
    let Some(([compressed], rest)) = bytes.split_first_chunk::<1>() else { return Ok(None) };
    if *compressed != 0 {
        return Err(Status::new(Code::Unimplemented, "grpc.compressed", "the message is compressed, or its frame is garbage: send it plain"));
    }
    let Some((length, _)) = rest.split_first_chunk::<4>() else { return Ok(None) };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    if length > MOST {
        return Err(too_long());
    }
    if bytes.len() < HEAD.saturating_add(length) {
        return Ok(None);
    }
    bytes.advance(HEAD);
    Ok(Some(bytes.split_to(length).freeze()))
}

pub(super) fn decode<M: Message + Default>(message: Bytes) -> Result<M, Status> {
    M::decode(message).map_err(|e| malformed(&e.to_string()))
}

/// A message in its frame.
pub(super) fn encode(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut bytes = BytesMut::with_capacity(length.saturating_add(HEAD));
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    // It grows as it needs to, so there is room.
    let _ = message.encode(&mut bytes);
    bytes.freeze()
}

fn malformed(why: &str) -> Status {
    Status::new(Code::InvalidArgument, "grpc.malformed", format!("the call's message cannot be read: {why}"))
}

fn too_long() -> Status {
    Status::new(Code::ResourceExhausted, "grpc.too_long", format!("the call's message is longer than {MOST} octets"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_as_they_went_in_however_they_were_cut() {
        let framed = encode(&String::from("one"));
        let whole: Vec<u8> = framed.iter().chain(&encode(&String::from("two"))).copied().collect();
        for cut in 0..=whole.len() {
            let (first, second) = whole.split_at(cut);
            let mut bytes = BytesMut::from(first);
            let mut out = Vec::new();
            while let Some(message) = split(&mut bytes).unwrap() {
                out.push(decode::<String>(message).unwrap());
            }
            bytes.extend_from_slice(second);
            while let Some(message) = split(&mut bytes).unwrap() {
                out.push(decode::<String>(message).unwrap());
            }
            assert_eq!(out, ["one", "two"], "cut at {cut}");
            assert!(bytes.is_empty());
        }
    }

    #[test]
    fn garbage_is_refused_before_it_is_waited_for() {
        for (bytes, code) in [(&[1, 0, 0, 0, 0][..], "grpc.compressed"), (&[0xff; 9], "grpc.compressed"), (&[0, 0xff, 0, 0, 0], "grpc.too_long")] {
            assert_eq!(split(&mut BytesMut::from(bytes)).unwrap_err().reason(), code);
        }
    }
}
