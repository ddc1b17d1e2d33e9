use meshroot::hierarchy::AuthorityId;
use meshroot::revocation::{Crl, RevocationReason};
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;
use meshroot::x509::SerialNumber;

/// A certificate that is revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// The trust domain whose CA signed it.
    pub trust_domain: TrustDomain,
    /// The CA.
    pub authority: AuthorityId,
    /// The certificate's serial number.
    pub serial: SerialNumber,
    /// The SPIFFE ID in it, if it has one of a workload.
    pub id: Option<SpiffeId>,
    /// When it expires: from then on it need not be revoked any more.
    pub not_after: Timestamp,
    /// Why.
    pub reason: RevocationReason,
    /// Since when.
    pub at: Timestamp,
    /// Who revoked it.
    pub by: String,
}

/// An identity that gets no certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Its number, from 1; of no account before it is stored.
    pub number: u64,
    /// The identity. Its trust domain is one of the store's.
    pub id: SpiffeId,
    /// Why.
    pub reason: RevocationReason,
    /// Since when.
    pub at: Timestamp,
    /// Who denied it.
    pub by: String,
    /// From when on it holds no more; `None` for never.
    pub expires_at: Option<Timestamp>,
}

impl Denial {
    /// Whether it holds at `now`, as long as nobody took it back.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|until| now < until)
    }
}

/// A denial that is taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lift {
    /// The denial's number.
    pub denial: u64,
    /// Who took it back.
    pub by: String,
}

/// A CA's newest CRL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedCrl {
    /// The CA's trust domain.
    pub trust_domain: TrustDomain,
    /// The CA.
    pub authority: AuthorityId,
    /// The CRL, byte for byte as it is served.
    pub crl: Crl,
}

/// A change of what is revoked, denied and published about it, stored as a whole or not at all: a revocation goes together
/// with the CRL that tells of it.
#[derive(Clone, Debug)]
pub struct RevocationChange {
    /// The version that it was decided on: [`Revocations::version`].
    pub expected_version: u64,
    /// Certificates that are revoked from now on. One that was revoked before stays as it was.
    pub revoked: Vec<Revocation>,
    /// Identities that get no certificate from now on.
    pub denied: Vec<Denial>,
    /// Denials that hold no more. One that was taken back before, or never was, changes nothing.
    pub lifted: Vec<Lift>,
    /// CRLs that are served from now on, each instead of its CA's one before.
    pub crls: Vec<PublishedCrl>,
    /// Now.
    pub at: Timestamp,
}

impl RevocationChange {
    /// A change of nothing; to fill.
    pub fn new(expected_version: u64, at: Timestamp) -> Self {
        Self { expected_version, revoked: Vec::new(), denied: Vec::new(), lifted: Vec::new(), crls: Vec::new(), at }
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.revoked.is_empty() && self.denied.is_empty() && self.lifted.is_empty() && self.crls.is_empty()
    }
}

/// What is revoked, denied and published about it, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revocations {
    /// How many changes were stored; what the next [`RevocationChange`] has to expect.
    pub version: u64,
    /// The revoked certificates that were asked for, in the order in which they were revoked.
    pub revoked: Vec<Revocation>,
    /// The denials that hold, the oldest first.
    pub denied: Vec<Denial>,
    /// The newest CRL of each CA that ever had one.
    pub crls: Vec<PublishedCrl>,
}
