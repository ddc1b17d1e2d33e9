//! A bundle's X.509 authorities as PEM: what Istio's `root-cert.pem`, OpenSSL's `-CAfile` and most programs take.

use super::{Bundle, BundleError};
use crate::pem::{certificates, encode_certificates};
use crate::spiffe::TrustDomain;

impl Bundle {
    /// Reads PEM with one CA certificate or more. A certificate that is there twice counts once, as programs append
    /// roots to such files; the sequence number is unknown.
    ///
    /// # Errors
    /// The block and line that is no certificate; a certificate that may not sign others.
    pub fn from_pem(trust_domain: TrustDomain, text: &[u8]) -> Result<Self, BundleError> {
        let mut bundle = Self::empty_on_purpose(trust_domain);
        for certificate in certificates(text)? {
            match bundle.insert(certificate) {
                Ok(()) | Err(BundleError::AlreadyThere(_)) => {}
                Err(e) => return Err(e),
            }
        }
        if bundle.is_empty() { Err(BundleError::WouldBeEmpty) } else { Ok(bundle) }
    }

    /// The X.509 authorities in PEM, in their order; an empty text if there are none.
    pub fn to_pem(&self) -> String {
        encode_certificates(&self.x509)
    }
}
