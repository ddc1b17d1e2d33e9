use std::time::Duration;

use super::{AuthorityId, AuthorityState, ClusterName, Role};
use crate::bundle::Bundle;
use crate::spiffe::TrustDomain;
use crate::time::Timestamp;
use crate::verify::CaPath;
use crate::x509::Certificate;

/// A change that somebody wants. A [`CaPath`] in it is the proof that the certificate was verified.
#[derive(Clone, Debug)]
pub enum Command {
    /// Adds a root, given as the path of a self-signed certificate. The first root of a trust domain becomes active and
    /// is published at once; a further one is prepared.
    AddRoot {
        /// From [`CaPath::self_signed`].
        path: CaPath,
    },
    /// Adds a cluster's CA. The first of a cluster becomes active, a further one is prepared.
    AddCluster {
        /// The cluster.
        cluster: ClusterName,
        /// Its CA's path to a root of the bundle.
        path: CaPath,
    },
    /// Adds a further certificate for a known authority's key: renewed, or cross-signed.
    AddCertificate {
        /// The authority.
        authority: AuthorityId,
        /// The certificate's path to a root of the bundle.
        path: CaPath,
    },
    /// Puts a prepared root into the trust bundle.
    Publish {
        /// The root.
        authority: AuthorityId,
    },
    /// Lets an authority issue; the one that did until now starts to retire.
    Activate {
        /// The authority.
        authority: AuthorityId,
        /// How long a root must have been published, so that every peer has learned of it.
        published_for: Duration,
    },
    /// Ends an authority's life; a root leaves the trust bundle.
    Retire {
        /// The authority.
        authority: AuthorityId,
        /// When the last leaf expires that depends on it, as the inventory knows.
        last_leaf_until: Option<Timestamp>,
        /// Retire it although something depends on it. Goes on record.
        force: bool,
    },
    /// Declares that an authority must not be trusted any more.
    Taint {
        /// The authority.
        authority: AuthorityId,
    },
    /// Hands a bundle of others to the workloads, beside our own: that of another trust domain, or of roots that are none of ours.
    Import {
        /// Whose roots. It takes the place of what was imported for this trust domain before.
        bundle: Bundle,
        /// Take it although it does not follow the one that is held. Goes on record.
        force: bool,
    },
    /// Hands out the bundle that was imported for this trust domain no more.
    Forget {
        /// Whose.
        trust_domain: TrustDomain,
    },
    /// Goes on after a backup was put back: the bundle's sequence number jumps ahead of every one that may have been
    /// published and forgotten.
    Restore {
        /// The greatest sequence number that is known to have been published.
        seen: u64,
    },
}

/// A change that has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(tag = "event", rename_all = "snake_case"))]
pub enum Event {
    /// A new authority.
    AuthorityAdded {
        /// Its name.
        authority: AuthorityId,
        /// What it is for.
        role: Role,
        /// Its first certificate.
        certificate: Certificate,
        /// Its first state.
        state: AuthorityState,
        /// When.
        at: Timestamp,
    },
    /// A further certificate for a known authority.
    CertificateAdded {
        /// The authority.
        authority: AuthorityId,
        /// The certificate.
        certificate: Certificate,
        /// When.
        at: Timestamp,
    },
    /// A root entered the trust bundle.
    AnchorPublished {
        /// The root.
        authority: AuthorityId,
        /// The bundle's sequence number from then on.
        sequence: u64,
        /// When.
        at: Timestamp,
    },
    /// A root left the trust bundle.
    AnchorRemoved {
        /// The root.
        authority: AuthorityId,
        /// The bundle's sequence number from then on.
        sequence: u64,
        /// Something still depended on it.
        forced: bool,
        /// When.
        at: Timestamp,
    },
    /// The bundle of others is handed to workloads.
    BundleImported {
        /// Whose.
        trust_domain: TrustDomain,
        /// Its roots.
        certificates: Vec<Certificate>,
        /// Its own sequence number, if it has one.
        sequence: Option<u64>,
        /// It did not follow the one that was held.
        forced: bool,
        /// When.
        at: Timestamp,
    },
    /// It is handed out no more.
    BundleForgotten {
        /// Whose.
        trust_domain: TrustDomain,
        /// When.
        at: Timestamp,
    },
    /// An authority changed its state.
    StateChanged {
        /// The authority.
        authority: AuthorityId,
        /// Its new state.
        state: AuthorityState,
        /// When.
        at: Timestamp,
    },
    /// A backup was put back.
    Restored {
        /// The bundle's sequence number from then on.
        sequence: u64,
        /// When.
        at: Timestamp,
    },
}
