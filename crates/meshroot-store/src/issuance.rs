use meshroot::hierarchy::AuthorityId;
use meshroot::issue::{Issued, LifetimeCut};
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::{Timestamp, Validity};
use meshroot::x509::SerialNumber;

/// A certificate that was issued, with what shall be remembered about it beyond what it says itself.
///
/// Identity, serial number and validity are read from the certificate, so the log cannot tell another story.
#[derive(Clone, Debug)]
pub struct Issuance {
    /// The certificate.
    pub issued: Issued,
    /// The trust domain whose CA signed it.
    pub trust_domain: TrustDomain,
    /// The CA.
    pub authority: AuthorityId,
    /// The kind of certificate, in the profile's words: `workload`, `server`.
    pub kind: String,
    /// Who asked for it: `operator`, or an authenticated caller's name.
    pub caller: String,
    /// When it was issued.
    pub at: Timestamp,
    /// When its identity was last vouched for by something else than an earlier certificate of its own: the moment of
    /// issue, but for renewals.
    pub since: Timestamp,
}

/// A certificate with a durable record: the only form in which one is handed out.
///
/// Only a store's [`record`](crate::Store::record) makes it, after the record was synced. This does not compile:
///
/// ```compile_fail,E0451
/// fn unrecorded(issued: meshroot::issue::Issued) -> meshroot_store::Recorded {
///     meshroot_store::Recorded { issued, position: 1 }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Recorded {
    issued: Issued,
    position: u64,
}

impl Recorded {
    pub(crate) fn new(issued: Issued, position: u64) -> Self {
        Self { issued, position }
    }

    /// Its position in the issuance log, from 1.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        self.issued.der()
    }

    /// What a peer is sent: the certificate, then each CA up to but without the trust anchor, in DER.
    pub fn chain_der(&self) -> Vec<&[u8]> {
        self.issued.chain_der()
    }

    /// The same in PEM.
    pub fn chain_pem(&self) -> String {
        self.issued.chain_pem()
    }

    /// The same in PEM, a text for each certificate.
    pub fn chain_pems(&self) -> Vec<String> {
        self.issued.chain_pems()
    }

    /// The serial number.
    pub fn serial(&self) -> &SerialNumber {
        self.issued.serial()
    }

    /// The validity period.
    pub fn validity(&self) -> Validity {
        self.issued.validity()
    }

    /// Whether and why it lives shorter than asked for.
    pub fn lifetime_cut(&self) -> Option<&LifetimeCut> {
        self.issued.lifetime_cut()
    }
}

/// An entry of the issuance log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuanceRow {
    /// Its position in the log, from 1, growing in the order in which records were committed.
    pub position: u64,
    /// The trust domain whose CA signed it.
    pub trust_domain: TrustDomain,
    /// The CA.
    pub authority: AuthorityId,
    /// The kind of certificate.
    pub kind: String,
    /// Who asked for it.
    pub caller: String,
    /// The SPIFFE ID in the certificate, if it has one.
    pub id: Option<SpiffeId>,
    /// The serial number.
    pub serial: SerialNumber,
    /// The validity period.
    pub validity: Validity,
    /// When it was issued.
    pub at: Timestamp,
    /// When its identity was last vouched for by something else than an earlier certificate of its own.
    pub since: Timestamp,
    /// The certificate in DER.
    pub certificate: Vec<u8>,
}

/// Which entries of the issuance log are wanted: those that fit all that is given.
#[derive(Clone, Debug)]
pub struct Query {
    /// Of this trust domain.
    pub trust_domain: Option<TrustDomain>,
    /// With this SPIFFE ID.
    pub id: Option<SpiffeId>,
    /// Signed by this CA.
    pub authority: Option<AuthorityId>,
    /// With this serial number.
    pub serial: Option<SerialNumber>,
    /// Behind this position: 0 for the start, then the last position of the page before.
    pub after: u64,
    /// At most so many, and never more than [`MOST`](Self::MOST).
    pub limit: u32,
}

impl Query {
    /// A page's most entries: about 10 MB of certificates.
    pub const MOST: u32 = 10_000;
}

/// Everything, from the start, a thousand a page.
impl Default for Query {
    fn default() -> Self {
        Self { trust_domain: None, id: None, authority: None, serial: None, after: 0, limit: 1_000 }
    }
}
