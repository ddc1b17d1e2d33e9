//! Profiles: what each kind of certificate contains, and for how long it is valid.
//!
//! | | root CA | cluster CA | workload | server |
//! |---|---|---|---|---|
//! | subject | unique per CA | unique per CA | empty | empty |
//! | SAN | URI `spiffe://td` | URI `spiffe://td` | one URI, critical | DNS and IP, URI |
//! | basicConstraints | CA | CA, pathLen 0 | CA:FALSE | CA:FALSE |
//! | keyUsage | keyCertSign, cRLSign | keyCertSign, cRLSign | digitalSignature | digitalSignature |
//! | extKeyUsage | none | none | serverAuth, clientAuth | serverAuth, clientAuth |
//! | lifetime | 10 years | 1 year | 24 hours | 90 days |
//!
//! A fifth, the *subordinate CA*, is for another CA product below our root (SPIRE, cert-manager): pathLen 1. RSA leaf
//! keys get keyEncipherment too.

use core::fmt;
use std::time::Duration;

use crate::key::{KeyAlgorithm, PublicKey};
use crate::x509::KeyUsage;

/// Clocks of a mesh differ by seconds; a certificate that is valid from a minute ago works at once everywhere. Much more
/// would make ztunnel, which renews at half of the lifetime, ask without end.
const BACKDATE: Duration = Duration::from_secs(60);

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// The kind of certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProfileKind {
    /// A self-signed trust anchor.
    RootCa,
    /// The CA that signs for one cluster.
    ClusterCa,
    /// A CA of another product, directly below the root, with one CA more below it.
    SubordinateCa,
    /// An X.509-SVID.
    Workload,
    /// A server that clients find by its DNS name: the CA endpoint, istiod.
    Server,
}

impl ProfileKind {
    /// Whether certificates of this kind sign others.
    pub const fn is_ca(self) -> bool {
        matches!(self, Self::RootCa | Self::ClusterCa | Self::SubordinateCa)
    }
}

impl fmt::Display for ProfileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RootCa => "root CA",
            Self::ClusterCa => "cluster CA",
            Self::SubordinateCa => "subordinate CA",
            Self::Workload => "workload",
            Self::Server => "server",
        })
    }
}

/// What a certificate of one kind contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    kind: ProfileKind,
    lifetime: Duration,
    backdate: Duration,
    uri_name_constraint: bool,
}

impl Profile {
    const fn new(kind: ProfileKind, lifetime_seconds: u64) -> Self {
        Self { kind, lifetime: Duration::from_secs(lifetime_seconds), backdate: BACKDATE, uri_name_constraint: false }
    }

    /// A self-signed root: 10 years.
    pub const fn root_ca() -> Self {
        Self::new(ProfileKind::RootCa, 3_650 * DAY)
    }

    /// A cluster's CA: pathLen 0, 1 year.
    pub const fn cluster_ca() -> Self {
        Self::new(ProfileKind::ClusterCa, 365 * DAY)
    }

    /// A CA of another product: pathLen 1, 1 year.
    pub const fn subordinate_ca() -> Self {
        Self::new(ProfileKind::SubordinateCa, 365 * DAY)
    }

    /// A workload's X.509-SVID: 24 hours.
    pub const fn workload() -> Self {
        Self::new(ProfileKind::Workload, 24 * HOUR)
    }

    /// A server's certificate: 90 days.
    pub const fn server() -> Self {
        Self::new(ProfileKind::Server, 90 * DAY)
    }

    /// The same with another lifetime, counted from `now`; the backdating comes on top.
    #[must_use]
    pub const fn with_lifetime(self, lifetime: Duration) -> Self {
        Self { lifetime, ..self }
    }

    /// The same, backdated by this much instead of 60 seconds; never by more than a tenth of the lifetime.
    #[must_use]
    pub const fn with_backdate(self, backdate: Duration) -> Self {
        Self { backdate, ..self }
    }

    /// The same with a critical name constraint: only URIs of the CA's own trust domain below it.
    ///
    /// Off by default, because verifiers disagree: rustls (ztunnel, linkerd) refuses every URI below such a CA, Go lets
    /// sub-domains pass, BoringSSL (Envoy) does what RFC 5280 §4.2.1.10 says.
    #[must_use]
    pub const fn with_uri_name_constraint(self) -> Self {
        Self { uri_name_constraint: true, ..self }
    }

    /// The kind of certificate.
    pub const fn kind(&self) -> ProfileKind {
        self.kind
    }

    /// How long from `now` it is valid.
    pub const fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// How long before `now` its validity starts; at most a tenth of the lifetime, whatever this says.
    pub const fn backdate(&self) -> Duration {
        self.backdate
    }

    pub(crate) const fn has_uri_name_constraint(&self) -> bool {
        self.uri_name_constraint && matches!(self.kind, ProfileKind::ClusterCa | ProfileKind::SubordinateCa)
    }

    pub(crate) const fn path_len(&self) -> Option<u8> {
        match self.kind {
            ProfileKind::ClusterCa => Some(0),
            ProfileKind::SubordinateCa => Some(1),
            ProfileKind::RootCa | ProfileKind::Workload | ProfileKind::Server => None,
        }
    }

    pub(crate) fn key_usage(&self, key: &PublicKey) -> KeyUsage {
        if self.kind.is_ca() {
            return KeyUsage::KEY_CERT_SIGN.with(KeyUsage::CRL_SIGN);
        }
        match key.algorithm() {
            // TLS 1.2 with RSA key exchange, which old peers still offer.
            KeyAlgorithm::Rsa(_) => KeyUsage::DIGITAL_SIGNATURE.with(KeyUsage::KEY_ENCIPHERMENT),
            _ => KeyUsage::DIGITAL_SIGNATURE,
        }
    }
}
