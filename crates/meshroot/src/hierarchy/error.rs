use std::time::Duration;

use super::{AuthorityId, AuthorityState, ClusterName};
use crate::bundle::Rollback;
use crate::spiffe::TrustDomain;
use crate::time::{Timestamp, humanize};

/// A text that is no cluster name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{}' is no cluster name: use 1 to 63 letters, digits, '.', '_' and '-', starting with a letter or digit", .0.escape_debug())]
pub struct InvalidClusterName(pub(super) String);

impl InvalidClusterName {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        "hierarchy.invalid_cluster_name"
    }
}

/// Why a change of the hierarchy is refused. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HierarchyError {
    /// The certificate speaks for another trust domain.
    #[error("the certificate carries {found:?}, and this hierarchy is of the trust domain '{ours}'")]
    ForeignTrustDomain {
        /// The hierarchy's trust domain.
        ours: TrustDomain,
        /// The URIs of the certificate.
        found: Vec<String>,
    },
    /// Another CA has the same subject with another key: verifiers would take one for the other.
    #[error("the CA '{0}' has the same subject: give each CA a subject of its own, or verifiers report bad signatures")]
    DuplicateSubject(AuthorityId),
    /// Another CA has the same key.
    #[error("the CA '{0}' has the same key: a stolen key would then open both")]
    DuplicateKey(AuthorityId),
    /// The chain leads to an anchor that is not published.
    #[error("the chain of '{0}' does not lead to a root in the trust bundle: publish its root first")]
    NotBelowBundle(String),
    /// The certificate outlives its root.
    #[error("the CA would be valid until {until}, longer than its root, which ends at {root_until}")]
    OutlivesRoot {
        /// Its notAfter.
        until: Timestamp,
        /// The root's notAfter.
        root_until: Timestamp,
    },
    /// There is no such authority.
    #[error("there is no authority '{0}'")]
    UnknownAuthority(AuthorityId),
    /// There is no such cluster.
    #[error("there is no cluster '{0}'")]
    UnknownCluster(ClusterName),
    /// Only roots are published in a bundle.
    #[error("'{0}' is no root: cluster CAs travel in the chain, they are not published")]
    NotARoot(AuthorityId),
    /// The step does not follow from the authority's state.
    #[error("'{authority}' is {state}: {advice}")]
    WrongState {
        /// The authority.
        authority: AuthorityId,
        /// Its state.
        state: AuthorityState,
        /// What can be done.
        advice: &'static str,
    },
    /// The root was published too short a time ago: some peer may not know it yet.
    #[error("'{authority}' was published {} ago, and peers may take {} to learn of it: wait, then activate it", humanize(*.published), humanize(*.needed))]
    PublishedTooShort {
        /// The root.
        authority: AuthorityId,
        /// How long it has been published.
        published: Duration,
        /// How long it has to be.
        needed: Duration,
    },
    /// Something unexpired still depends on the root.
    #[error("'{authority}' cannot be retired before {until}: {dependent} still depends on it")]
    StillNeeded {
        /// The root.
        authority: AuthorityId,
        /// What depends on it.
        dependent: String,
        /// Until when.
        until: Timestamp,
    },
    /// It is the last root of the bundle.
    #[error("'{0}' is the last root in the trust bundle: without it no workload of this trust domain is trusted")]
    LastRoot(AuthorityId),
    /// There is nothing in the bundle that is to be imported.
    #[error("the bundle of '{0}' has no CA certificate: to hand it out no more, remove it")]
    EmptyImport(TrustDomain),
    /// The bundle does not follow the one that is held.
    #[error("{0}")]
    Rollback(Rollback),
    /// Nothing was imported for this trust domain.
    #[error("no bundle of '{0}' is imported")]
    NotImported(TrustDomain),
}

impl HierarchyError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ForeignTrustDomain { .. } => "hierarchy.foreign_trust_domain",
            Self::DuplicateSubject(_) => "hierarchy.duplicate_subject",
            Self::DuplicateKey(_) => "hierarchy.duplicate_key",
            Self::NotBelowBundle(_) => "hierarchy.not_below_bundle",
            Self::OutlivesRoot { .. } => "hierarchy.outlives_root",
            Self::UnknownAuthority(_) => "hierarchy.unknown_authority",
            Self::UnknownCluster(_) => "hierarchy.unknown_cluster",
            Self::NotARoot(_) => "hierarchy.not_a_root",
            Self::WrongState { .. } => "hierarchy.wrong_state",
            Self::PublishedTooShort { .. } => "hierarchy.published_too_short",
            Self::StillNeeded { .. } => "hierarchy.still_needed",
            Self::EmptyImport(_) => "hierarchy.empty_import",
            Self::Rollback(rollback) => rollback.code(),
            Self::NotImported(_) => "hierarchy.not_imported",
            Self::LastRoot(_) => "hierarchy.last_root",
        }
    }
}
