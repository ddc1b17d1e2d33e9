use crate::spiffe::TrustDomain;
use crate::time::Timestamp;
use crate::x509::{Certificate, DistinguishedName};

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// In words.
    pub text: String,
    /// What changes, for machines.
    pub mend: Mend,
    /// Commands that do it, with capitals for what has to be filled in; may be empty.
    pub commands: Vec<String>,
}

/// A change that mends something.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mend {
    /// Append roots to what a cluster's workloads trust (`root-cert.pem`, or one trust domain's bundle of its map).
    AddRoots {
        /// The cluster that is to trust them.
        cluster: String,
        /// The trust domain, when the cluster goes by a bundle map.
        trust_domain: Option<TrustDomain>,
        /// The roots.
        roots: Vec<Certificate>,
    },
    /// Put certificates into what a cluster sends (`cert-chain.pem`), in this order, at its start.
    AddToChain {
        /// The cluster that sends them.
        cluster: String,
        /// The certificates.
        certificates: Vec<Certificate>,
    },
    /// Find the certificate of an issuer, which is in no evidence, and put it into what the cluster sends.
    FindIssuer {
        /// The cluster that sends it.
        cluster: String,
        /// The issuer.
        issuer: DistinguishedName,
    },
    /// Renew a CA certificate: same name and key, later dates.
    RenewAuthority {
        /// The cluster that uses it.
        cluster: String,
        /// The certificate.
        certificate: Certificate,
    },
    /// Make a CA certificate again, with the same name and key and other content.
    ReissueAuthority {
        /// The cluster that uses it.
        cluster: String,
        /// The certificate.
        certificate: Certificate,
        /// What has to change.
        change: Reissue,
    },
    /// Give a cluster another CA, with a key of its own.
    ReplaceAuthority {
        /// The cluster.
        cluster: String,
        /// The CA that goes.
        certificate: Certificate,
    },
    /// Have a workload's or a server's certificate issued anew.
    RenewLeaf {
        /// The cluster it stands in.
        cluster: String,
        /// Where it was seen.
        source: String,
    },
    /// Add CRLs to those that a cluster's workloads check.
    AddCrls {
        /// The cluster that checks them.
        cluster: String,
        /// The CRLs in DER.
        crls: Vec<Vec<u8>>,
    },
    /// Have a CA make a CRL, and give it to a cluster's workloads instead of any older one of that CA.
    IssueCrl {
        /// The cluster that checks it.
        cluster: String,
        /// The CA whose CRL is missing, stale or unusable.
        issuer: Certificate,
    },
    /// Take all CRLs away from a cluster: nothing is revoked there any more.
    RemoveCrls {
        /// The cluster.
        cluster: String,
    },
    /// Give a cluster another trust domain.
    ChangeTrustDomain {
        /// The cluster.
        cluster: String,
        /// The trust domain.
        trust_domain: TrustDomain,
    },
    /// Have a cluster's sidecars let workloads of another trust domain in: roots alone do not.
    LetIn {
        /// The cluster that lets them in.
        cluster: String,
        /// Their trust domain.
        trust_domain: TrustDomain,
    },
    /// Wait until something becomes valid, or set a clock right.
    WaitUntil {
        /// When it becomes valid.
        at: Timestamp,
    },
    /// Look at it by hand: no change that a machine could make is known.
    ByHand,
}

impl Mend {
    /// The stable name that machines read: `add_roots`, `add_to_chain`, …
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::AddRoots { .. } => "add_roots",
            Self::AddToChain { .. } => "add_to_chain",
            Self::FindIssuer { .. } => "find_issuer",
            Self::RenewAuthority { .. } => "renew_authority",
            Self::ReissueAuthority { .. } => "reissue_authority",
            Self::ReplaceAuthority { .. } => "replace_authority",
            Self::RenewLeaf { .. } => "renew_leaf",
            Self::AddCrls { .. } => "add_crls",
            Self::IssueCrl { .. } => "issue_crl",
            Self::RemoveCrls { .. } => "remove_crls",
            Self::ChangeTrustDomain { .. } => "change_trust_domain",
            Self::LetIn { .. } => "let_in",
            Self::WaitUntil { .. } => "wait_until",
            Self::ByHand => "by_hand",
        }
    }

    /// The cluster in which something is to be changed.
    pub fn cluster(&self) -> Option<&str> {
        match self {
            Self::AddRoots { cluster, .. }
            | Self::AddToChain { cluster, .. }
            | Self::FindIssuer { cluster, .. }
            | Self::RenewAuthority { cluster, .. }
            | Self::ReissueAuthority { cluster, .. }
            | Self::ReplaceAuthority { cluster, .. }
            | Self::RenewLeaf { cluster, .. }
            | Self::AddCrls { cluster, .. }
            | Self::IssueCrl { cluster, .. }
            | Self::RemoveCrls { cluster }
            | Self::ChangeTrustDomain { cluster, .. }
            | Self::LetIn { cluster, .. } => Some(cluster),
            Self::WaitUntil { .. } | Self::ByHand => None,
        }
    }
}

/// What has to change in a CA certificate that is made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reissue {
    /// keyUsage with keyCertSign and cRLSign.
    KeyUsage,
    /// basicConstraints CA:TRUE.
    BasicConstraints,
    /// pathLenConstraint larger or absent.
    PathLength,
    /// Without name constraints, or with others.
    NameConstraints,
    /// Without extKeyUsage, or with serverAuth and clientAuth.
    ExtendedKeyUsage,
    /// A stronger key or signature algorithm.
    Algorithm,
    /// According to RFC 5280 in whatever it breaks.
    Profile,
}
