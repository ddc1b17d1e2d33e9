//! How a certificate is asked for, and what came of it: over HTTP, and over gRPC as Istio's agents do.

use std::time::Duration;

use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;

use crate::client::Answer;

pub(crate) enum Outcome {
    /// Something in the certificate that no other one has.
    Certificate(String),
    /// Too much was asked for; come back after that time.
    Later(Duration),
}

pub(crate) fn http(csr: Bytes, token: &str) -> Request<Full<Bytes>> {
    let request = Request::post("/v1/certificates").header("host", "localhost").header("content-type", "application/x-pem-file");
    request.header("authorization", format!("Bearer {token}")).body(Full::new(csr)).unwrap()
}

/// What a client needs is in the answer; the serial number is looked at, because it has to be new every time.
pub(crate) fn http_outcome(answer: &Answer) -> Outcome {
    let text = std::str::from_utf8(&answer.body).unwrap();
    match answer.status {
        201 => {
            assert!(text.contains("-----BEGIN CERTIFICATE-----") && text.contains("spiffe_sequence"), "{text}");
            let (_, rest) = text.split_once("\"serial\":\"").unwrap();
            Outcome::Certificate(rest.split_once('"').unwrap().0.to_owned())
        }
        429 | 503 => {
            let seconds = answer.headers.get("retry-after").expect("a refusal says when to come again").to_str().unwrap();
            Outcome::Later(Duration::from_secs(seconds.parse().unwrap()))
        }
        other => panic!("{other}: {text}"),
    }
}

/// `IstioCertificateRequest`: `csr` is field 1, `validity_duration` field 3, `metadata` field 4, in which a node's proxy says
/// whose certificate it wants.
pub(crate) fn grpc(csr: Bytes, token: &str, identity: Option<&str>) -> Request<Full<Bytes>> {
    let mut message = field(1, &csr);
    message.push(0x18);
    varint(&mut message, 86_400);
    if let Some(identity) = identity {
        // A `Struct` is a map from names to values; a text is field 3 of a value.
        let value = field(3, identity.as_bytes());
        let entry = [field(1, b"ImpersonatedIdentity"), field(2, &value)].concat();
        message.extend(field(4, &field(1, &entry)));
    }
    let mut frame = vec![0];
    frame.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
    frame.extend(message);
    let request = Request::post("https://localhost/istio.v1.auth.IstioCertificateService/CreateCertificate");
    let request = request.header("content-type", "application/grpc").header("te", "trailers");
    request.header("authorization", format!("Bearer {token}")).body(Full::new(frame.into())).unwrap()
}

/// A field with octets in it.
fn field(number: u8, octets: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    varint(&mut out, octets.len());
    out.extend_from_slice(octets);
    out
}

fn varint(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap());
}

pub(crate) fn grpc_outcome(answer: &Answer) -> Outcome {
    let in_either = |name: &str| answer.trailers.get(name).or_else(|| answer.headers.get(name)).map(|value| value.to_str().unwrap().to_owned());
    match in_either("grpc-status").as_deref() {
        Some("0") => {
            // The first field of the message is the leaf; its lines differ from those of every other.
            let text = String::from_utf8_lossy(&answer.body);
            assert_eq!(text.matches("-----BEGIN CERTIFICATE-----").count(), 3, "leaf, cluster CA and root: {text}");
            Outcome::Certificate(text.split("-----END").next().unwrap().to_owned())
        }
        // RESOURCE_EXHAUSTED, UNAVAILABLE: clients come back after a second or so.
        Some("8" | "14") => Outcome::Later(Duration::from_secs(1)),
        other => panic!("gRPC status {other:?}: {:?}", in_either("grpc-message")),
    }
}
