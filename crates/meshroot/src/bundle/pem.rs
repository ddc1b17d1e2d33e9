//! A bundle's X.509 authorities as PEM: what Istio's `root-cert.pem`, OpenSSL's `-CAfile` and most programs take.

use std::collections::HashSet;

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
        let mut seen = HashSet::new();
        let mut all = certificates(text)?;
        all.retain(|certificate| seen.insert(Box::<[u8]>::from(certificate.der())));
        Self::new(trust_domain).with_x509_authorities(all)
    }

    /// The X.509 authorities in PEM, in their order; an empty text if there are none.
    pub fn to_pem(&self) -> String {
        encode_certificates(&self.x509)
    }
}
