use core::fmt;

use super::{Bundle, JwtAuthority};
use crate::spiffe::TrustDomain;
use crate::x509::Certificate;

/// What a newer bundle changes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Nothing.
    Unchanged,
    /// Its authorities are the same; only the sequence number or the refresh hint is another.
    SameAuthorities,
    /// Its authorities differ. Nothing is added or removed where only JWT authorities do.
    Authorities {
        /// X.509 authorities that were not held.
        added: Vec<Certificate>,
        /// X.509 authorities that are gone.
        removed: Vec<Certificate>,
    },
}

/// Why a bundle does not take the place of the one that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rollback {
    /// Its sequence number is lower: an old document, or a publisher restored from a backup.
    Older {
        /// The sequence number that is held.
        held: u64,
        /// The one that was offered.
        offered: u64,
    },
    /// Its sequence number is the same and its content is not: two publishers, or a restored one.
    SameSequence {
        /// The sequence number of both.
        sequence: u64,
    },
    /// It has no sequence number, and the one that is held has: nothing tells which is newer.
    NoSequence {
        /// The sequence number that is held.
        held: u64,
    },
    /// It is another trust domain's.
    OtherTrustDomain {
        /// Whose bundle is held.
        held: TrustDomain,
        /// Whose was offered.
        offered: TrustDomain,
    },
}

impl Rollback {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Older { .. } => "bundle.rollback.older",
            Self::SameSequence { .. } => "bundle.rollback.same_sequence",
            Self::NoSequence { .. } => "bundle.rollback.no_sequence",
            Self::OtherTrustDomain { .. } => "bundle.rollback.other_trust_domain",
        }
    }
}

impl fmt::Display for Rollback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Older { held, offered } => {
                write!(
                    f,
                    "the bundle has the sequence number {offered}, and {held} is held already: an old document, or the publisher was restored from a backup"
                )
            }
            Self::SameSequence { sequence } => {
                write!(
                    f,
                    "the bundle has the sequence number {sequence} as the one that is held, and other content: there are two publishers, or one was restored from a backup"
                )
            }
            Self::NoSequence { held } => {
                write!(f, "the bundle has no sequence number, and the one that is held has {held}: nothing tells which is newer")
            }
            Self::OtherTrustDomain { held, offered } => {
                write!(f, "the bundle is of the trust domain '{offered}', and the one that is held of '{held}'")
            }
        }
    }
}

impl std::error::Error for Rollback {}

impl Bundle {
    /// Whether this bundle may take the place of `held`, and what it changes (Trust Domain and Bundle §4.1.1, SPIFFE
    /// Federation §4.2). The order of authorities is no content, nor is the refresh hint: SPIRE changes it without
    /// counting.
    ///
    /// Between two bundles without sequence numbers the one fetched later wins, so call it on that one.
    ///
    /// # Errors
    /// It must not, and why. An operator who knows better replaces the bundle without asking.
    pub fn supersedes(&self, held: &Self) -> Result<Change, Rollback> {
        if self.trust_domain != held.trust_domain {
            return Err(Rollback::OtherTrustDomain { held: held.trust_domain.clone(), offered: self.trust_domain.clone() });
        }
        let change = self.difference(held);
        match (self.sequence, held.sequence) {
            (Some(offered), Some(held)) if offered < held => Err(Rollback::Older { held, offered }),
            (Some(sequence), Some(held)) if sequence == held && matches!(change, Change::Authorities { .. }) => {
                Err(Rollback::SameSequence { sequence })
            }
            (None, Some(held)) => Err(Rollback::NoSequence { held }),
            _ => Ok(change),
        }
    }

    fn difference(&self, held: &Self) -> Change {
        let added = without(&self.x509, &held.x509);
        let removed = without(&held.x509, &self.x509);
        let same_jwt = contains_all(&self.jwt, &held.jwt) && contains_all(&held.jwt, &self.jwt);
        if !added.is_empty() || !removed.is_empty() || !same_jwt {
            return Change::Authorities { added, removed };
        }
        let same = self.sequence == held.sequence && self.refresh_hint == held.refresh_hint;
        if same { Change::Unchanged } else { Change::SameAuthorities }
    }
}

/// Those of `all` that are not in `others`. Bundles are read with at most a thousand keys, but sets keep even ten
/// thousand linear.
fn without(all: &[Certificate], others: &[Certificate]) -> Vec<Certificate> {
    let others: std::collections::HashSet<&[u8]> = others.iter().map(Certificate::der).collect();
    all.iter().filter(|certificate| !others.contains(certificate.der())).cloned().collect()
}

fn contains_all(these: &[JwtAuthority], those: &[JwtAuthority]) -> bool {
    let these: std::collections::HashMap<&str, &JwtAuthority> = these.iter().map(|key| (key.kid(), key)).collect();
    those.iter().all(|key| these.get(key.kid()) == Some(&key))
}
