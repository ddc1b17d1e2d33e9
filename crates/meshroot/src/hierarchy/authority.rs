use core::fmt;

use super::ClusterName;
use crate::key::{Crypto, PublicKey};
use crate::time::Timestamp;
use crate::x509::Certificate;

/// The name of an authority inside its hierarchy: `root-3f2a9c1b`, `west-81d0c4aa`. Role or cluster, and the start of
/// the key's identifier.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct AuthorityId(Box<str>);

impl AuthorityId {
    pub(super) fn of(role: &Role, key: &PublicKey, crypto: &Crypto) -> Self {
        let key = key.key_id(crypto).to_string();
        Self(format!("{role}-{}", key.get(..8).unwrap_or(&key)).into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AuthorityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for AuthorityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an authority is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Role {
    /// A trust anchor.
    Root,
    /// The CA of this cluster.
    Cluster(ClusterName),
}

/// `root`, or the cluster's name.
impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("root"),
            Self::Cluster(name) => write!(f, "{name}"),
        }
    }
}

/// Where an authority stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum AuthorityState {
    /// Made, and not used yet.
    Prepared,
    /// The one that issues.
    Active,
    /// Issues no more, and is trusted until what it issued has expired.
    Retiring,
    /// Gone from the bundle.
    Retired,
    /// Must not be trusted any more: what it issued is replaced as fast as possible.
    Tainted,
}

impl fmt::Display for AuthorityState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Prepared => "prepared",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
            Self::Tainted => "tainted",
        })
    }
}

/// A CA: one key, one or several certificates for it (renewed, cross-signed), and its state.
#[derive(Clone, Debug)]
pub struct Authority {
    pub(super) id: AuthorityId,
    pub(super) role: Role,
    pub(super) certificates: Vec<Certificate>,
    pub(super) state: AuthorityState,
    pub(super) published_at: Option<Timestamp>,
}

impl Authority {
    /// Its name in the hierarchy.
    pub fn id(&self) -> &AuthorityId {
        &self.id
    }

    /// What it is for.
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// Its state.
    pub fn state(&self) -> AuthorityState {
        self.state
    }

    /// Since when it is in the trust bundle; `None` for cluster CAs and for roots that are not.
    pub fn published_at(&self) -> Option<Timestamp> {
        self.published_at
    }

    /// Its certificates, oldest first. All have the same key.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The certificate it issues with: the newest that its own hierarchy's root signed, for a root its self-signed one.
    pub fn certificate(&self) -> Option<&Certificate> {
        let own = |c: &&Certificate| self.role != Role::Root || c.is_self_issued();
        self.certificates.iter().rev().find(own)
    }
}
