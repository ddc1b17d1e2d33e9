use super::{Crl, CrlError};
use crate::pem;

const LABEL: &str = "X509 CRL";

impl Crl {
    /// Reads a PEM text (RFC 7468 §6) that holds CRLs and nothing else, at least one: Istio's `ca-crl.pem`. Texts up to
    /// [`MAX_PEM_BYTES`](pem::MAX_PEM_BYTES) are read.
    ///
    /// # Errors
    /// What is wrong, with the block's number and line.
    pub fn from_pem(text: &[u8]) -> Result<Vec<Self>, CrlError> {
        let blocks = pem::parse(text)?;
        if blocks.is_empty() {
            return Err(CrlError::NoCrl);
        }
        (1..)
            .zip(&blocks)
            .map(|(block, b)| match b.label.as_str() {
                LABEL => Self::from_der(&b.der).map_err(|error| CrlError::Block { block, line: b.line, error: Box::new(error) }),
                _ => Err(CrlError::NotCrl { block, line: b.line, label: b.label.clone() }),
            })
            .collect()
    }

    /// Reads one CRL in DER, or a PEM text as [`from_pem`](Self::from_pem) does.
    ///
    /// # Errors
    /// As [`from_der`](Self::from_der) or [`from_pem`](Self::from_pem).
    pub fn from_pem_or_der(bytes: &[u8]) -> Result<Vec<Self>, CrlError> {
        // No text starts with `0` and a byte that is no ASCII; the shortest CRLs have a length of one byte.
        match bytes {
            [0x30, 0x80..=0xff, ..] => Self::from_der(bytes).map(|crl| vec![crl]),
            [0x30, length, content @ ..] if usize::from(*length) == content.len() => Self::from_der(bytes).map(|crl| vec![crl]),
            _ => Self::from_pem(bytes),
        }
    }
}
