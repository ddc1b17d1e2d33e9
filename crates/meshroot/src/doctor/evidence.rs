use core::fmt;

use crate::bundle::{Bundle, BundleMap};
use crate::istio::CacertsFiles;
use crate::spiffe::TrustDomain;
use crate::x509::Certificate;

/// Something that says what a cluster signs with, sends, or trusts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Evidence {
    /// Where it comes from, as a person named it: `west/cacerts`, `all.yaml#2` (the second document),
    /// `tls://10.0.0.1:15012`. A cluster that nothing else names is named after it.
    pub source: String,
    /// What it is.
    pub kind: EvidenceKind,
}

impl Evidence {
    /// Evidence from this place.
    pub fn new(source: impl Into<String>, kind: EvidenceKind) -> Self {
        Self { source: source.into(), kind }
    }
}

/// What a piece of evidence is. `cluster` is a name that a person gave; without one, it is worked out.
///
/// PEM and DER are as they were found: what is wrong with them is part of the diagnosis.
#[derive(Clone)]
#[non_exhaustive]
pub enum EvidenceKind {
    /// The plug-in CA of a cluster, in either layout: a folder, or the Secret `cacerts`.
    Cacerts {
        /// The cluster's name, if given.
        cluster: Option<String>,
        /// The files.
        files: CacertsFiles,
        /// Whether it was read from a manifest, which is passed around more easily than a folder.
        manifest: bool,
    },
    /// The CA that istiod made for itself: the Secret `istio-ca-secret`.
    SelfSignedCa {
        /// The cluster's name, if given.
        cluster: Option<String>,
        /// The files of the same names as in `cacerts`.
        files: CacertsFiles,
        /// As in [`Cacerts`](Self::Cacerts).
        manifest: bool,
    },
    /// The roots that a cluster hands out: `root-cert.pem` of the ConfigMap `istio-ca-root-cert`, or a file of roots.
    RootConfigMap {
        /// The cluster's name, if given.
        cluster: Option<String>,
        /// The certificates in PEM.
        pem: Vec<u8>,
    },
    /// The CRLs that a cluster hands out: `ca-crl.pem` of the ConfigMap `istio-ca-crl`.
    CrlConfigMap {
        /// The cluster's name, if given.
        cluster: Option<String>,
        /// The CRLs in PEM.
        pem: Vec<u8>,
    },
    /// A trust bundle: what its consumers trust, whatever the trust domain of the peer (a flat list).
    Bundle {
        /// The cluster that consumes it, if given; otherwise the bundle stands for a consumer of its own.
        cluster: Option<String>,
        /// The bundle.
        bundle: Bundle,
    },
    /// A bundle map: each trust domain is judged by its own roots (Envoy's SPIFFE validator).
    BundleMap {
        /// The cluster that consumes it, if given; otherwise the map stands for a consumer of its own.
        cluster: Option<String>,
        /// The map.
        map: BundleMap,
    },
    /// A chain as a peer would send it, leaf first; or a CA certificate and its issuers.
    Chain {
        /// The cluster that sends it, if given.
        cluster: Option<String>,
        /// The certificates in DER.
        chain: Vec<Vec<u8>>,
    },
    /// What a TLS server sent.
    Endpoint {
        /// The cluster it stands in, if given.
        cluster: Option<String>,
        /// `host:port`.
        address: String,
        /// The certificates in DER, as sent.
        chain: Vec<Vec<u8>>,
        /// The negotiated protocol, in words: `TLS 1.3, h2`.
        negotiated: String,
    },
    /// A store of ours.
    Store {
        /// Its trust domain.
        trust_domain: TrustDomain,
        /// Its clusters.
        clusters: Vec<StoredCluster>,
        /// What it publishes.
        bundle: Bundle,
    },
}

/// A cluster of a store.
#[derive(Clone, Debug)]
pub struct StoredCluster {
    /// Its name.
    pub name: String,
    /// The cluster CA that signs, then its issuers, as sent to peers.
    pub chain: Vec<Certificate>,
}

impl EvidenceKind {
    /// The stable name of the kind: `cacerts`, `self_signed_ca`, `root_config_map`, `crl_config_map`, `bundle`, `bundle_map`,
    /// `chain`, `endpoint`, `store`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Cacerts { .. } => "cacerts",
            Self::SelfSignedCa { .. } => "self_signed_ca",
            Self::RootConfigMap { .. } => "root_config_map",
            Self::CrlConfigMap { .. } => "crl_config_map",
            Self::Bundle { .. } => "bundle",
            Self::BundleMap { .. } => "bundle_map",
            Self::Chain { .. } => "chain",
            Self::Endpoint { .. } => "endpoint",
            Self::Store { .. } => "store",
        }
    }
}

/// The kind alone: keys may be inside.
impl fmt::Debug for EvidenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
