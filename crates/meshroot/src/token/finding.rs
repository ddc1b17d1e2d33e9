use core::fmt;

use super::ClusterIssuer;
use super::key_set::digests;
use crate::bundle::error::shown;
use crate::hierarchy::ClusterName;

/// What is worth knowing about the issuers of several clusters, seen together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IssuerFinding {
    /// Clusters have a key in common. Its tokens are refused for all of them.
    SharedKey {
        /// The key's digest, which is Kubernetes' key ID for it.
        key: String,
        /// The clusters.
        clusters: Vec<ClusterName>,
    },
    /// Clusters call themselves the same. Their tokens are told apart by key.
    SharedIssuer {
        /// The issuer.
        issuer: String,
        /// The clusters.
        clusters: Vec<ClusterName>,
    },
    /// Different keys of several clusters have one key ID. Each of them is tried.
    SharedKeyId {
        /// The key ID.
        kid: String,
        /// The clusters.
        clusters: Vec<ClusterName>,
    },
    /// A cluster has no usable key, so none of its tokens passes.
    NoKeys {
        /// The cluster.
        cluster: ClusterName,
    },
}

impl IssuerFinding {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::SharedKey { .. } => "token.issuer.shared_key",
            Self::SharedIssuer { .. } => "token.issuer.shared_issuer",
            Self::SharedKeyId { .. } => "token.issuer.shared_key_id",
            Self::NoKeys { .. } => "token.issuer.no_keys",
        }
    }

    /// Whether tokens are refused because of it.
    pub fn refuses_tokens(&self) -> bool {
        matches!(self, Self::SharedKey { .. } | Self::NoKeys { .. })
    }
}

impl fmt::Display for IssuerFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |clusters: &[ClusterName]| clusters.iter().map(ClusterName::as_str).collect::<Vec<_>>().join(", ");
        match self {
            Self::SharedKey { key, clusters } => write!(
                f,
                "the clusters {} have the token key {key} in common, so whoever runs one could speak for the others: its tokens are refused for all of them; give each a key of its own (--service-account-signing-key-file)",
                list(clusters)
            ),
            Self::SharedIssuer { issuer, clusters } => {
                write!(f, "the clusters {} all issue tokens as '{}': they are told apart by key", list(clusters), shown(issuer))
            }
            Self::SharedKeyId { kid, clusters } => {
                write!(f, "different keys of the clusters {} have the key ID '{}': each is tried", list(clusters), shown(kid))
            }
            Self::NoKeys { cluster } => write!(f, "the cluster {cluster} has no key that verifies tokens: none of its tokens passes"),
        }
    }
}

/// Looks at all clusters together, worst first.
pub(super) fn find(clusters: &[ClusterIssuer]) -> Vec<IssuerFinding> {
    let names = |indices: &[usize]| {
        let mut names: Vec<_> = indices.iter().filter_map(|index| clusters.get(*index)).map(|cluster| cluster.cluster.clone()).collect();
        names.sort();
        names.dedup();
        names
    };
    let mut findings = Vec::new();
    for (key, owners) in digests(clusters.iter().map(|cluster| &cluster.keys).enumerate()) {
        let clusters = names(&owners);
        if clusters.len() > 1 {
            findings.push(IssuerFinding::SharedKey { key: key.into(), clusters });
        }
    }
    for cluster in clusters.iter().filter(|cluster| cluster.keys.is_empty()) {
        findings.push(IssuerFinding::NoKeys { cluster: cluster.cluster.clone() });
    }
    for (kid, owners) in grouped(clusters.iter().enumerate().flat_map(|(index, cluster)| {
        // One key under one name in several sets is a shared key, which was told above.
        cluster.keys.keys.iter().filter_map(move |key| Some((key.kid.as_deref()?, (index, &*key.digest))))
    })) {
        let mut digests: Vec<_> = owners.iter().map(|(_, digest)| digest).collect();
        digests.sort();
        digests.dedup();
        let clusters = names(&owners.iter().map(|(index, _)| *index).collect::<Vec<_>>());
        if digests.len() > 1 && clusters.len() > 1 {
            findings.push(IssuerFinding::SharedKeyId { kid: kid.into(), clusters });
        }
    }
    for (issuer, owners) in grouped(clusters.iter().enumerate().map(|(index, cluster)| (cluster.issuer.as_str(), index))) {
        let clusters = names(&owners);
        if clusters.len() > 1 {
            findings.push(IssuerFinding::SharedIssuer { issuer: issuer.into(), clusters });
        }
    }
    findings
}

fn grouped<'a, T>(pairs: impl Iterator<Item = (&'a str, T)>) -> std::collections::BTreeMap<&'a str, Vec<T>> {
    let mut groups = std::collections::BTreeMap::<&str, Vec<T>>::new();
    for (key, value) in pairs {
        groups.entry(key).or_default().push(value);
    }
    groups
}
