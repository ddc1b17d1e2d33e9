//! PEM (RFC 7468): reading what people and programs write, with the place of every mistake; writing the strict form.
//!
//! Text around the blocks is skipped, as RFC 7468 §2 allows. Inside a block, and on its boundaries, nothing is
//! forgiven: a certificate that one program reads and the next overlooks is worse than an error.

mod encode;
mod error;
mod parse;

pub use encode::encode_certificates;
pub(crate) use encode::{encode, encode_certificate, encode_secret};
pub use error::PemError;
pub use parse::parse;

use core::fmt;

use zeroize::Zeroize;

use crate::x509::Certificate;

/// Bytes of the longest text that is read: a trust bundle of several thousand certificates.
pub const MAX_PEM_BYTES: usize = 4 << 20;

/// Blocks of the longest text that is read.
pub const MAX_PEM_BLOCKS: usize = 10_000;

/// One block of a PEM text. The content of a private key's block is wiped when dropped.
#[derive(Clone)]
pub struct Block {
    /// What the BEGIN line says it is, like `CERTIFICATE`.
    pub label: String,
    /// The content, decoded from base64.
    pub der: Vec<u8>,
    /// The line of the BEGIN, from 1.
    pub line: usize,
}

impl Drop for Block {
    fn drop(&mut self) {
        // ENCRYPTED, EC, RSA, OPENSSH: all of them end so.
        if self.label.ends_with("PRIVATE KEY") {
            self.der.zeroize();
        }
    }
}

/// Names label, length and line; the content may be a private key.
impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({}, {} bytes, line {})", self.label, self.der.len(), self.line)
    }
}

/// Reads a text that holds certificates and nothing else, at least one.
///
/// # Errors
/// Whatever is wrong with the text, a block that is no certificate, or a text without any block.
pub fn certificates(text: &[u8]) -> Result<Vec<Certificate>, PemError> {
    let blocks = parse(text)?;
    if blocks.is_empty() {
        return Err(PemError::NoCertificate);
    }
    (1..)
        .zip(&blocks)
        .map(|(block, b)| match b.label.as_str() {
            "CERTIFICATE" => Certificate::from_der(&b.der).map_err(|error| PemError::Certificate { block, line: b.line, error }),
            _ => Err(PemError::NotCertificate { block, line: b.line, label: b.label.clone() }),
        })
        .collect()
}

#[cfg(test)]
mod tests;
