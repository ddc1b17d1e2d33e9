use core::fmt;

use crate::hierarchy::ClusterName;
use crate::spiffe::SpiffeId;
use crate::time::Timestamp;
use crate::token::ServiceAccountToken;

/// Who asks, after authentication. What a variant says is taken for true.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Caller {
    /// A service account of a cluster, by its token.
    Kubernetes {
        /// The cluster whose key signed the token.
        cluster: ClusterName,
        /// The namespace.
        namespace: String,
        /// The service account's name.
        service_account: String,
    },
    /// A node proxy that asks for a workload of its node. That a pod of the workload runs there was found out.
    NodeProxy {
        /// The cluster whose key signed the proxy's token.
        cluster: ClusterName,
        /// The proxy's own service account: `NAMESPACE/NAME`.
        proxy: String,
        /// The workload's namespace.
        namespace: String,
        /// The workload's service account.
        service_account: String,
    },
    /// A workload, by a certificate that we have on record and that still counts.
    Svid {
        /// The cluster that issued it.
        cluster: ClusterName,
        /// The identity in it.
        id: SpiffeId,
        /// When the identity was last authenticated in another way than by its own certificate: where the chain of renewals began.
        authenticated_at: Timestamp,
    },
    /// The bearer of a one-time token.
    JoinToken {
        /// The cluster it was created for.
        cluster: ClusterName,
        /// What it was created for.
        scope: JoinScope,
    },
    /// An administrator.
    Admin {
        /// Whom the audit line will name.
        name: String,
    },
}

/// What a one-time token is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JoinScope {
    /// A certificate of this identity, and no other.
    Identity(SpiffeId),
    /// A certificate of any identity that a rule of the cluster gives to join tokens; the request says which.
    Cluster,
    /// The certificate of the cluster's own CA.
    ClusterCa,
}

/// The kinds of callers, each of which is switched on for a cluster or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CallerKind {
    /// Bearers of service account tokens.
    Kubernetes,
    /// Node proxies, for the workloads of their node.
    NodeProxy,
    /// Holders of a certificate that is to be renewed.
    Svid,
    /// Bearers of one-time tokens.
    JoinToken,
    /// Administrators.
    Admin,
}

impl CallerKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Kubernetes, Self::NodeProxy, Self::Svid, Self::JoinToken, Self::Admin];

    /// As a policy writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes",
            Self::NodeProxy => "node_proxy",
            Self::Svid => "svid",
            Self::JoinToken => "join_token",
            Self::Admin => "admin",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for CallerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Caller {
    /// Its kind.
    pub fn kind(&self) -> CallerKind {
        match self {
            Self::Kubernetes { .. } => CallerKind::Kubernetes,
            Self::NodeProxy { .. } => CallerKind::NodeProxy,
            Self::Svid { .. } => CallerKind::Svid,
            Self::JoinToken { .. } => CallerKind::JoinToken,
            Self::Admin { .. } => CallerKind::Admin,
        }
    }

    /// The cluster it belongs to; an administrator belongs to none.
    pub fn cluster(&self) -> Option<&ClusterName> {
        match self {
            Self::Kubernetes { cluster, .. } | Self::NodeProxy { cluster, .. } | Self::Svid { cluster, .. } | Self::JoinToken { cluster, .. } => {
                Some(cluster)
            }
            Self::Admin { .. } => None,
        }
    }
}

impl From<&ServiceAccountToken> for Caller {
    fn from(token: &ServiceAccountToken) -> Self {
        Self::Kubernetes { cluster: token.cluster().clone(), namespace: token.namespace().into(), service_account: token.service_account().into() }
    }
}

/// For refusals and audit lines.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kubernetes { cluster, namespace, service_account } => {
                write!(f, "the service account {}/{} of {cluster}", namespace.escape_debug(), service_account.escape_debug())
            }
            Self::NodeProxy { cluster, proxy, namespace, service_account } => {
                let [proxy, namespace, account] = [proxy, namespace, service_account].map(|name| name.escape_debug());
                write!(f, "the node proxy {proxy} of {cluster} for the service account {namespace}/{account}")
            }
            Self::Svid { cluster, id, .. } => write!(f, "{id} of {cluster}"),
            Self::JoinToken { cluster, scope: JoinScope::Identity(id) } => write!(f, "a join token of {cluster} for {id}"),
            Self::JoinToken { cluster, scope: JoinScope::Cluster } => write!(f, "a join token of {cluster}"),
            Self::JoinToken { cluster, scope: JoinScope::ClusterCa } => write!(f, "a join token for the CA of {cluster}"),
            Self::Admin { name } => write!(f, "the administrator {}", name.escape_debug()),
        }
    }
}
