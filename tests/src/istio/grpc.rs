//! `istio.v1.auth.IstioCertificateService` on the wire, written by hand: what reads our service should not be what our service is written with.
//!
//! ```text
//! message IstioCertificateRequest  { string csr = 1; int64 validity_duration = 3; google.protobuf.Struct metadata = 4; }
//! message IstioCertificateResponse { repeated string cert_chain = 1; }
//! ```

/// The method's path.
pub const CREATE_CERTIFICATE: &str = "/istio.v1.auth.IstioCertificateService/CreateCertificate";

/// A request for a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateRequest {
    /// PEM.
    pub csr: String,
    /// Seconds.
    pub validity: i64,
    /// Texts of the struct `metadata`.
    pub metadata: Vec<(String, String)>,
}

impl CertificateRequest {
    /// As a message in its frame.
    pub fn to_frame(&self) -> Vec<u8> {
        let mut message = Vec::new();
        bytes(&mut message, 1, self.csr.as_bytes());
        varint(&mut message, 3 << 3);
        varint(&mut message, u64::from_ne_bytes(self.validity.to_ne_bytes()));
        if !self.metadata.is_empty() {
            let mut fields = Vec::new();
            for (key, text) in &self.metadata {
                let (mut value, mut entry) = (Vec::new(), Vec::new());
                bytes(&mut value, 3, text.as_bytes()); // Value.string_value
                bytes(&mut entry, 1, key.as_bytes());
                bytes(&mut entry, 2, &value);
                bytes(&mut fields, 1, &entry);
            }
            bytes(&mut message, 4, &fields);
        }
        frame(&message)
    }

    /// Reads a frame.
    pub fn from_frame(frame: &[u8]) -> Option<Self> {
        let mut request = Self::default();
        for (field, value) in fields(unframe(frame)?)? {
            match (field, value) {
                (1, Value::Bytes(csr)) => request.csr = String::from_utf8(csr.to_vec()).ok()?,
                (3, Value::Number(seconds)) => request.validity = i64::from_ne_bytes(seconds.to_ne_bytes()),
                _ => {}
            }
        }
        Some(request)
    }
}

/// The chain of a response, as a frame.
pub fn response(chain: &[String]) -> Vec<u8> {
    let mut message = Vec::new();
    chain.iter().for_each(|element| bytes(&mut message, 1, element.as_bytes()));
    frame(&message)
}

/// The chain of a framed response.
pub fn chain_of(frame: &[u8]) -> Option<Vec<String>> {
    let elements = fields(unframe(frame)?)?.into_iter().filter_map(|(field, value)| match (field, value) {
        (1, Value::Bytes(text)) => Some(String::from_utf8(text.to_vec()).ok()),
        _ => None,
    });
    elements.collect()
}

fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], message].concat()
}

/// The only message of a body that is not compressed.
fn unframe(frame: &[u8]) -> Option<&[u8]> {
    let (head, message) = frame.split_first_chunk::<5>()?;
    let [0, length @ ..] = *head else { return None };
    (message.len() == u32::from_be_bytes(length) as usize).then_some(message)
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn fields(mut message: &[u8]) -> Option<Vec<(u64, Value<'_>)>> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let tag = take_varint(&mut message)?;
        let value = match tag & 7 {
            0 => Value::Number(take_varint(&mut message)?),
            2 => {
                let length = usize::try_from(take_varint(&mut message)?).ok()?;
                let (bytes, rest) = message.split_at_checked(length)?;
                message = rest;
                Value::Bytes(bytes)
            }
            _ => return None,
        };
        fields.push((tag >> 3, value));
    }
    Some(fields)
}

fn bytes(out: &mut Vec<u8>, field: u64, content: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, content.len() as u64);
    out.extend_from_slice(content);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take_varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
