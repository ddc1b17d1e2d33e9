//! gRPC's frames: an octet that says whether a message is compressed, four with its length, the message.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::Message;

/// The longest message that is read, as gRPC's servers have it; what is in it has narrower limits of its own.
pub(super) const MOST: usize = 4 << 20;

pub(super) const HEAD: usize = 5;

/// Why no message is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FrameError {
    /// The frame says so, or is none.
    Compressed,
    /// Longer than [`MOST`].
    TooLong,
    /// What is in the frame is not that message, for this reason.
    Malformed(String),
}

/// Takes a whole message from the front; `None` while it is not all there.
pub(super) fn split(bytes: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
    let Some(([compressed], rest)) = bytes.split_first_chunk::<1>() else { return Ok(None) };
    if *compressed != 0 {
        return Err(FrameError::Compressed);
    }
    let Some((length, _)) = rest.split_first_chunk::<4>() else { return Ok(None) };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    if length > MOST {
        return Err(FrameError::TooLong);
    }
    if bytes.len() < HEAD.saturating_add(length) {
        return Ok(None);
    }
    bytes.advance(HEAD);
    Ok(Some(bytes.split_to(length).freeze()))
}

pub(super) fn decode<M: Message + Default>(message: Bytes) -> Result<M, FrameError> {
    M::decode(message).map_err(|e| FrameError::Malformed(e.to_string()))
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
        for (bytes, error) in
            [(&[1, 0, 0, 0, 0][..], FrameError::Compressed), (&[0xff; 9], FrameError::Compressed), (&[0, 0xff, 0, 0, 0], FrameError::TooLong)]
        {
            assert_eq!(split(&mut BytesMut::from(bytes)), Err(error));
        }
    }
}
