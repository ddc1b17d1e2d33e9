use core::fmt;
use std::collections::BTreeMap;
use std::time::Duration;

use super::keys::KeyKind;
use super::network::Network;
use super::pattern::{NamePattern, Template};
use super::{CallerKind, PolicyError, PolicyFault};
use crate::hierarchy::ClusterName;
use crate::spiffe::{SpiffeId, TrustDomain};
use crate::token::Expected;

/// Istio's audience. Every istiod sees tokens for it, so it is accepted only where Istio's own clients ask, over gRPC.
pub(super) const ISTIO_AUDIENCE: &str = "istio-ca";

/// A policy without faults: the one that decides. [`Policy::check`](super::Policy::check) makes it; its [`Default`] is empty and refuses
/// everything.
#[derive(Clone, Debug, Default)]
pub struct CheckedPolicy {
    pub(super) deny: Vec<Deny>,
    pub(super) clusters: BTreeMap<ClusterName, Cluster>,
    pub(super) notes: Vec<PolicyNote>,
}

#[derive(Clone, Debug)]
pub(super) struct Deny {
    pub(super) rule: String,
    pub(super) ids: Vec<(TrustDomain, Template)>,
    pub(super) because: String,
}

#[derive(Clone, Debug)]
pub(super) struct Cluster {
    pub(super) trust_domain: TrustDomain,
    pub(super) kubernetes: Option<KubernetesIssuer>,
    /// Accounts, each `NAMESPACE/NAME`.
    pub(super) node_proxy: Option<Vec<String>>,
    pub(super) svid: Option<Duration>,
    pub(super) join_token: bool,
    pub(super) admin: bool,
    pub(super) workloads: Vec<Workloads>,
    pub(super) servers: Vec<Servers>,
    pub(super) ca: Option<Authority>,
}

#[derive(Clone, Debug)]
pub(super) struct Workloads {
    pub(super) callers: Vec<CallerKind>,
    pub(super) id: Template,
    pub(super) namespaces: Vec<NamePattern>,
    /// Empty: any.
    pub(super) service_accounts: Vec<NamePattern>,
    pub(super) terms: Terms,
}

#[derive(Clone, Debug)]
pub(super) struct Servers {
    pub(super) callers: Vec<CallerKind>,
    /// Empty: any caller, also one without.
    pub(super) namespaces: Vec<NamePattern>,
    pub(super) service_accounts: Vec<NamePattern>,
    pub(super) dns: Vec<Template>,
    pub(super) ips: Vec<Network>,
    pub(super) with_id: bool,
    pub(super) terms: Terms,
}

#[derive(Clone, Debug)]
pub(super) struct Authority {
    pub(super) callers: Vec<CallerKind>,
    pub(super) terms: Terms,
}

/// How long, with which keys.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) rule: String,
    pub(super) lifetime: Duration,
    pub(super) max: Duration,
    pub(super) refuse_longer: bool,
    pub(super) keys: Vec<KeyKind>,
}

impl Cluster {
    pub(super) fn is_on(&self, kind: CallerKind) -> bool {
        match kind {
            CallerKind::Kubernetes => self.kubernetes.is_some(),
            CallerKind::NodeProxy => self.node_proxy.is_some(),
            CallerKind::Svid => self.svid.is_some(),
            CallerKind::JoinToken => self.join_token,
            CallerKind::Admin => self.admin,
        }
    }
}

impl CheckedPolicy {
    /// The clusters and their trust domains.
    pub fn clusters(&self) -> impl Iterator<Item = (&ClusterName, &TrustDomain)> {
        self.clusters.iter().map(|(name, cluster)| (name, &cluster.trust_domain))
    }

    /// Whether this kind of caller is switched on for the cluster.
    pub fn is_on(&self, cluster: &ClusterName, kind: CallerKind) -> bool {
        self.clusters.get(cluster).is_some_and(|cluster| cluster.is_on(kind))
    }

    /// How the cluster's service account tokens are judged, if they are switched on.
    pub fn kubernetes(&self, cluster: &ClusterName) -> Option<&KubernetesIssuer> {
        self.clusters.get(cluster)?.kubernetes.as_ref()
    }

    /// Whether this service account may ask for the workloads of its node.
    pub fn is_node_proxy(&self, cluster: &ClusterName, namespace: &str, service_account: &str) -> bool {
        let accounts = self.clusters.get(cluster).and_then(|cluster| cluster.node_proxy.as_deref()).unwrap_or_default();
        accounts.iter().any(|account| account.split_once('/') == Some((namespace, service_account)))
    }

    /// The rule that denies this identity to everybody, and why.
    pub fn denies(&self, id: &SpiffeId) -> Option<(&str, &str)> {
        let fits = |(trust_domain, path): &(TrustDomain, Template)| *trust_domain == id.trust_domain() && path.matches(id.path(), "").is_some();
        self.deny.iter().find(|deny| deny.ids.iter().any(fits)).map(|deny| (deny.rule.as_str(), deny.because.as_str()))
    }

    /// What is no fault and worth a look.
    pub fn notes(&self) -> &[PolicyNote] {
        &self.notes
    }

    /// Holds the policy against the clusters that there are: each of its own must be among them, in the same trust domain.
    ///
    /// # Errors
    /// Every fault.
    pub fn check_against(&self, known: &[(ClusterName, TrustDomain)]) -> Result<(), Vec<PolicyError>> {
        let faults: Vec<_> = self
            .clusters
            .iter()
            .filter_map(|(name, cluster)| {
                let at = format!("clusters.{name}");
                match known.iter().find(|(known, _)| known == name) {
                    None => {
                        let known = known.iter().map(|(name, _)| name.to_string()).collect();
                        Some(PolicyError { at, fault: PolicyFault::UnknownCluster { known } })
                    }
                    Some((_, trust_domain)) if *trust_domain != cluster.trust_domain => {
                        Some(PolicyError { at: format!("{at}.trust_domain"), fault: PolicyFault::OtherTrustDomain(trust_domain.clone()) })
                    }
                    Some(_) => None,
                }
            })
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

/// How the service account tokens of a cluster are judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubernetesIssuer {
    pub(super) issuers: Vec<String>,
    pub(super) audiences: Vec<String>,
    pub(super) max_age: Duration,
    pub(super) max_lifetime: Duration,
}

impl KubernetesIssuer {
    /// What the cluster calls itself: an entry of [`Issuers`](crate::token::Issuers) each.
    pub fn issuers(&self) -> &[String] {
        &self.issuers
    }

    /// What is asked of a token that comes over HTTP.
    pub fn expected(&self) -> Expected {
        self.limited(Expected::any_audience(self.audiences.clone()))
    }

    /// What is asked of a token that comes over gRPC, where Istio's clients send theirs: the audience `istio-ca`.
    pub fn expected_of_istio(&self) -> Expected {
        self.limited(Expected::audience(ISTIO_AUDIENCE))
    }

    fn limited(&self, expected: Expected) -> Expected {
        expected.with_max_age(self.max_age).with_max_lifetime(self.max_lifetime)
    }
}

/// Something in a policy that is no fault and worth a look.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyNote {
    /// Clusters call themselves the same in tokens. That is Kubernetes' default; they are told apart by key.
    SharedIssuer {
        /// The issuer.
        issuer: String,
        /// The clusters.
        clusters: Vec<ClusterName>,
    },
    /// Callers are switched on, and no rule gives them anything.
    CallersWithoutRule {
        /// The cluster.
        cluster: ClusterName,
        /// The kind.
        kind: CallerKind,
    },
}

impl PolicyNote {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::SharedIssuer { .. } => "policy.note.shared_issuer",
            Self::CallersWithoutRule { .. } => "policy.note.callers_without_rule",
        }
    }
}

impl fmt::Display for PolicyNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SharedIssuer { issuer, clusters } => {
                let clusters: Vec<_> = clusters.iter().map(ClusterName::as_str).collect();
                write!(f, "the clusters {} have the issuer '{}' in common: they are told apart by key", clusters.join(", "), issuer.escape_debug())
            }
            Self::CallersWithoutRule { cluster, kind } => {
                write!(f, "{kind} callers are switched on for {cluster}, and no rule gives them anything")
            }
        }
    }
}
