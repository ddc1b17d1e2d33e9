use core::fmt;

use meshroot::hierarchy::ClusterName;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;

/// SHA-256 of a token's text. The text itself is nowhere stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenDigest(pub [u8; 32]);

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(4).try_for_each(|octet| write!(f, "{octet:02x}"))?;
        f.write_str("…")
    }
}

/// What a token is good for, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenScope {
    /// A workload's certificate with this SPIFFE ID.
    Workload(SpiffeId),
    /// The cluster's own CA certificate.
    ClusterCa,
}

/// A one-time token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinToken {
    /// What its holder shows, hashed.
    pub digest: TokenDigest,
    /// Of which trust domain.
    pub trust_domain: TrustDomain,
    /// Whose CA signs, or which cluster joins.
    pub cluster: ClusterName,
    /// What it is good for.
    pub scope: TokenScope,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
    /// What used it up: the position in the issuance log of a workload's certificate, or the number of a cluster's request for
    /// its CA certificate.
    pub used_by: Option<u64>,
}

impl JoinToken {
    /// Whether it is good for anything at `now`.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.used_by.is_none() && now < self.expires_at
    }
}
