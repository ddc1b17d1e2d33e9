use core::fmt;
use std::time::Duration;

use crate::pem::encode_certificate;
use crate::spiffe::SpiffeId;
use crate::time::{Timestamp, Validity, humanize};
use crate::verify::CaPath;
use crate::x509::{Certificate, DistinguishedName, SerialNumber};

/// A certificate that was signed and validated, with its chain.
///
/// It must be recorded before anybody gets it; the store and the service see to that by type.
#[derive(Clone, Debug)]
pub struct Issued {
    pub(super) der: Vec<u8>,
    /// None for a certificate that signed itself.
    pub(super) path: Option<CaPath>,
    pub(super) serial: SerialNumber,
    pub(super) validity: Validity,
    pub(super) issuer: DistinguishedName,
    pub(super) id: Option<SpiffeId>,
    pub(super) lifetime_cut: Option<LifetimeCut>,
}

/// Why a certificate lives shorter than its profile says: a CA above it expires first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifetimeCut {
    /// What was asked for.
    pub asked: Duration,
    /// What it got.
    pub got: Duration,
    /// The CA whose expiry is the reason.
    pub by: DistinguishedName,
    /// When that CA expires.
    pub until: Timestamp,
}

impl fmt::Display for LifetimeCut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "valid for {} instead of {}, because the CA '{}' above it expires at {}",
            humanize(self.got),
            humanize(self.asked),
            self.by,
            self.until
        )
    }
}

impl Issued {
    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// What a peer is sent: the certificate, then each CA up to but without the trust anchor, in DER.
    pub fn chain_der(&self) -> Vec<&[u8]> {
        let above = self.path.as_ref().map_or(&[][..], CaPath::without_anchor);
        core::iter::once(self.der.as_slice()).chain(above.iter().map(Certificate::der)).collect()
    }

    /// The same in PEM.
    pub fn chain_pem(&self) -> String {
        self.chain_pems().concat()
    }

    /// The same in PEM, a text for each certificate, as Istio's API sends them.
    pub fn chain_pems(&self) -> Vec<String> {
        let above = self.path.as_ref().map_or(&[][..], CaPath::without_anchor_pem);
        core::iter::once(encode_certificate(&self.der)).chain(above.iter().cloned()).collect()
    }

    /// The serial number.
    pub fn serial(&self) -> &SerialNumber {
        &self.serial
    }

    /// The validity period.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Who signed it, by name.
    pub fn issuer(&self) -> &DistinguishedName {
        &self.issuer
    }

    /// The SPIFFE ID in it, if it has one.
    pub fn id(&self) -> Option<&SpiffeId> {
        self.id.as_ref()
    }

    /// Whether and why it lives shorter than asked for.
    pub fn lifetime_cut(&self) -> Option<&LifetimeCut> {
        self.lifetime_cut.as_ref()
    }
}
