use bytes::{Bytes, BytesMut};
use meshroot::csr::Csr;
use prost::Message as _;
use prost_types::value::Kind;

use crate::assert_code;

// The service's own files, which ask for nothing of the rest of it: so it need not be built, nor what it is made of.
#[allow(dead_code, reason = "the service uses all of it")]
#[path = "../../crates/meshroot-service/src/grpc/frame.rs"]
mod frame;
#[allow(dead_code, reason = "the service uses all of it")]
#[path = "../../crates/meshroot-service/src/grpc/message.rs"]
mod message;

use frame::FrameError;
use message::{IstioCertificateRequest, IstioCertificateResponse};

/// The body of a call, as it arrives in pieces: the first byte says of how many octets, the rest is the body. However it is cut, the
/// same messages come out, and they are those that a naive reading finds. A request is written and read again as itself, says what a
/// naive reading of its fields says, and nothing but a text is an impersonated identity.
pub fn grpc(data: &[u8]) {
    let Some((piece, body)) = data.split_first() else { return };
    let whole = read(core::iter::once(body));
    assert_eq!(whole, naive_frames(body));
    assert_eq!(read(body.chunks(usize::from(*piece).max(1))), whole, "in pieces of {piece}");
    for message in whole.0 {
        request(message);
    }
}

/// All messages, and what ended them: nothing more, an unfinished frame of so many octets, or an error.
fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Bytes>, Result<usize, FrameError>) {
    let (mut bytes, mut messages) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        bytes.extend_from_slice(piece);
        loop {
            match frame::split(&mut bytes) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(e) => return (messages, Err(e)),
            }
        }
    }
    (messages, Ok(bytes.len()))
}

/// The frames of gRPC's protocol over HTTP/2 in its own words: Compressed-Flag, Message-Length in four octets, Message.
fn naive_frames(mut body: &[u8]) -> (Vec<Bytes>, Result<usize, FrameError>) {
    let mut messages = Vec::new();
    loop {
        let length = match body {
            [flag, ..] if *flag != 0 => return (messages, Err(FrameError::Compressed)),
            [_, a, b, c, d, ..] => u64::from(u32::from_be_bytes([*a, *b, *c, *d])),
            _ => return (messages, Ok(body.len())),
        };
        if length > 4 * 1024 * 1024 {
            return (messages, Err(FrameError::TooLong));
        }
        let Some((message, behind)) = body.get(5..).and_then(|rest| rest.split_at_checked(length as usize)) else {
            return (messages, Ok(body.len()));
        };
        messages.push(Bytes::copy_from_slice(message));
        body = behind;
    }
}

fn request(bytes: Bytes) {
    let naive = naive_fields(&bytes);
    let request: IstioCertificateRequest = match frame::decode(bytes.clone()) {
        Ok(request) => request,
        Err(FrameError::Malformed(why)) => return assert!(why.len() < 1_000, "{} bytes of message", why.len()),
        Err(e) => panic!("{e:?} of a whole message"),
    };
    if let Some((csr, seconds)) = naive {
        assert_eq!((request.csr.as_bytes(), request.validity_duration), (csr, seconds));
    }
    // As bytes, since a number that is none is not equal to itself.
    let framed = frame::encode(&request);
    let (messages, end) = read(core::iter::once(&framed[..]));
    assert_eq!((messages.len(), end), (1, Ok(0)));
    let again: IstioCertificateRequest = frame::decode(messages[0].clone()).expect("what we write is read");
    assert_eq!(frame::encode(&again), framed);

    let said = request.metadata.as_ref().and_then(|metadata| metadata.fields.get("ImpersonatedIdentity")).map(|value| value.kind.clone());
    match (request.impersonated(), said) {
        (Ok(None), None) => {}
        (Ok(None), Some(Some(Kind::StringValue(text)))) => assert_eq!(text, ""),
        (Ok(Some(id)), Some(Some(Kind::StringValue(text)))) => assert!(id == text && !id.is_empty()),
        (Err(()), Some(kind)) => assert!(!matches!(kind, Some(Kind::StringValue(_))), "{kind:?}"),
        (read, said) => panic!("{read:?} of {said:?}"),
    }
    if let Err(e) = Csr::from_pem_or_der(request.csr.as_bytes()) {
        assert_code(e.code(), &["csr", "pem", "key", "x509"]);
    }
    // What is sent back has one text for each certificate, whatever they are.
    let response = IstioCertificateResponse { cert_chain: vec![request.csr.clone(), String::new(), request.csr] };
    assert_eq!(IstioCertificateResponse::decode(&response.encode_to_vec()[..]), Ok(response));
}

/// The last field 1 and the last field 3 of a message, as protobuf's encoding says; `None` for what has groups or is cut off.
fn naive_fields(mut rest: &[u8]) -> Option<(&[u8], i64)> {
    let (mut csr, mut seconds) = (&[][..], 0);
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        match (key >> 3, key & 7) {
            (number, 0) => {
                let value = varint(&mut rest)?;
                if number == 3 {
                    seconds = value as i64;
                }
            }
            (number, 2) => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                let (value, behind) = rest.split_at_checked(length)?;
                if number == 1 {
                    csr = value;
                }
                rest = behind;
            }
            (_, 1) => rest = rest.get(8..)?,
            (_, 5) => rest = rest.get(4..)?,
            _ => return None,
        }
    }
    Some((csr, seconds))
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for place in 0..10 {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Bodies of calls with this CSR: one that asks for the caller itself, one for somebody else and in pieces, and one with two messages.
pub fn grpc_seeds(csr_pem: &str) -> [(&'static str, Vec<u8>); 3] {
    let request = |id: Option<&str>| {
        let field = |id: &str| ("ImpersonatedIdentity".to_owned(), prost_types::Value { kind: Some(Kind::StringValue(id.to_owned())) });
        let metadata = id.map(|id| prost_types::Struct { fields: [field(id)].into() });
        frame::encode(&IstioCertificateRequest { csr: csr_pem.to_owned(), validity_duration: 86_400, metadata })
    };
    let (own, other) = (request(None), request(Some("spiffe://mesh.example/ns/shop/sa/cart")));
    [("own", [&[255], &own[..]].concat()), ("impersonated", [&[7], &other[..]].concat()), ("two", [&[64], &own[..], &other[..]].concat())]
}
