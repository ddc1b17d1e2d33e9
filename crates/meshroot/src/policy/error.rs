use core::fmt;

use crate::hierarchy::InvalidClusterName;
use crate::spiffe::{SpiffeIdError, TrustDomain};

/// A fault in a policy, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct PolicyError {
    /// Where: `clusters.west.workloads[1].id`.
    pub at: String,
    /// What is wrong.
    pub fault: PolicyFault,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.fault)
    }
}

impl PolicyError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        self.fault.code()
    }
}

/// What can be wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyFault {
    /// The name of a cluster cannot be one.
    #[error(transparent)]
    ClusterName(InvalidClusterName),
    /// There is no such cluster.
    #[error("there is no cluster of this name: the clusters are {}", if known.is_empty() { "none".to_owned() } else { known.join(", ") })]
    UnknownCluster {
        /// Those that there are.
        known: Vec<String>,
    },
    /// The trust domain cannot be one.
    #[error("no trust domain: {0}")]
    TrustDomain(SpiffeIdError),
    /// The cluster belongs to another trust domain.
    #[error("the cluster's trust domain is '{0}'")]
    OtherTrustDomain(TrustDomain),
    /// A pattern of a path, a DNS name or a name cannot be one.
    #[error("'{}' is no pattern: {reason}", text.escape_debug())]
    Pattern {
        /// As it was written.
        text: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// Not a duration.
    #[error("'{}' is no duration: write 30s, 15m, 24h, 90d or 1h30m (at most 100 years)", .0.escape_debug())]
    Duration(String),
    /// A duration of nothing.
    #[error("it must be longer than nothing")]
    Zero,
    /// The default is longer than the longest.
    #[error("the lifetime {lifetime} is longer than the longest, {max}: set both, here or where they come from")]
    LifetimeOverMax {
        /// The lifetime that holds here.
        lifetime: String,
        /// The longest that holds here.
        max: String,
    },
    /// Not one of the words.
    #[error("'{}' is none of {among}", text.escape_debug())]
    Unknown {
        /// As it was written.
        text: String,
        /// What it may be.
        among: &'static str,
    },
    /// A list without anything in it.
    #[error("it is empty: {0}")]
    Empty(&'static str),
    /// A name that is there twice.
    #[error("'{}' is there twice", .0.escape_debug())]
    Twice(String),
    /// The name of a rule cannot be one.
    #[error("'{}' is no name for a rule: use 1 to 63 letters, digits, '-', '_' and '.'", .0.escape_debug())]
    RuleName(String),
    /// A rule for callers that are not switched on.
    #[error("the rule is for {kind} callers, and they are off: add callers.{kind} to the cluster, or take them from the rule")]
    CallersOff {
        /// The kind.
        kind: super::CallerKind,
    },
    /// Node proxies are on where tokens are not.
    #[error("node proxies come with service account tokens, and those are off: add callers.kubernetes to the cluster")]
    NeedsTokens,
    /// Not a service account.
    #[error("'{}' is no service account: write NAMESPACE/NAME, like istio-system/ztunnel, without patterns", .0.escape_debug())]
    Account(String),
    /// A node proxy asks for a server's certificate.
    #[error("{0} callers get the certificates of workloads, and no server's")]
    CallersOfServer(super::CallerKind),
    /// A workload asks for a CA's certificate.
    #[error("{0} callers never get a CA's certificate: leave join_token or admin")]
    CallersOfCa(super::CallerKind),
    /// Two service accounts would get one identity.
    #[error(
        "a rule for kubernetes or node_proxy callers has {{namespace}} and {{service_account}} in its path and no '*': else two workloads would get one identity"
    )]
    SharedIdentity,
    /// A list of names that restricts nothing.
    #[error("it means nothing, because the path has no {0}")]
    Useless(&'static str),
    /// An audience with which others call other services.
    #[error("'{}' is no audience of ours: {reason}", text.escape_debug())]
    Audience {
        /// As it was written.
        text: String,
        /// Whose it is.
        reason: &'static str,
    },
    /// Neither an address nor a network.
    #[error("'{}' is neither an address nor a network (10.0.0.0/8, with zeros behind the prefix)", .0.escape_debug())]
    Network(String),
    /// Denied identities that no cluster has.
    #[error("no cluster has the trust domain '{0}', so this denies nothing")]
    DeniesNothing(TrustDomain),
}

impl PolicyFault {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ClusterName(_) => "policy.fault.cluster_name",
            Self::UnknownCluster { .. } => "policy.fault.unknown_cluster",
            Self::TrustDomain(_) => "policy.fault.trust_domain",
            Self::OtherTrustDomain(_) => "policy.fault.other_trust_domain",
            Self::Pattern { .. } => "policy.fault.pattern",
            Self::Duration(_) => "policy.fault.duration",
            Self::Zero => "policy.fault.zero",
            Self::LifetimeOverMax { .. } => "policy.fault.lifetime_over_max",
            Self::Unknown { .. } => "policy.fault.unknown_word",
            Self::Empty(_) => "policy.fault.empty",
            Self::Twice(_) => "policy.fault.twice",
            Self::RuleName(_) => "policy.fault.rule_name",
            Self::CallersOff { .. } => "policy.fault.callers_off",
            Self::NeedsTokens => "policy.fault.needs_tokens",
            Self::Account(_) => "policy.fault.account",
            Self::CallersOfServer(_) => "policy.fault.callers_of_server",
            Self::CallersOfCa(_) => "policy.fault.callers_of_ca",
            Self::SharedIdentity => "policy.fault.shared_identity",
            Self::Useless(_) => "policy.fault.useless",
            Self::Audience { .. } => "policy.fault.audience",
            Self::Network(_) => "policy.fault.network",
            Self::DeniesNothing(_) => "policy.fault.denies_nothing",
        }
    }
}
