use std::time::Duration;

use super::{CallerKind, duration};
use crate::hierarchy::ClusterName;
use crate::key::KeyAlgorithm;
use crate::spiffe::{SpiffeId, TrustDomain};
use crate::time::Timestamp;

/// Why a caller does not get what it asks for: what decided, and what would be needed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denial {
    /// The policy names no cluster at all.
    #[error("no policy names any cluster, so nothing is signed: a policy with [clusters.{}] is needed", cluster.as_ref().map_or("NAME", ClusterName::as_str))]
    NoPolicy {
        /// The cluster that would have to be named.
        cluster: Option<ClusterName>,
    },
    /// The policy does not name this cluster.
    #[error("the policy does not name the cluster {0}: [clusters.{0}] is needed")]
    UnknownCluster(ClusterName),
    /// An administrator did not say which cluster shall issue.
    #[error("the request does not say which cluster shall issue")]
    ClusterMissing,
    /// Everybody but administrators asks their own cluster.
    #[error("{caller} asks {asked} for a certificate: it can ask {own} only")]
    OtherCluster {
        /// Who asks.
        caller: String,
        /// The cluster asked.
        asked: ClusterName,
        /// The caller's own.
        own: ClusterName,
    },
    /// This kind of caller is off.
    #[error("{kind} callers are off for the cluster {cluster}: [clusters.{cluster}.callers.{kind}] switches them on")]
    CallersOff {
        /// The cluster.
        cluster: ClusterName,
        /// The kind.
        kind: CallerKind,
        /// The place in the policy.
        rule: String,
    },
    /// The account is no node proxy of the cluster.
    #[error(
        "the service account {proxy} asks for another, and it is no node proxy of {cluster}: [clusters.{cluster}.callers.node_proxy] lists those"
    )]
    NotANodeProxy {
        /// The account.
        proxy: String,
        /// The cluster.
        cluster: ClusterName,
        /// The place in the policy.
        rule: String,
    },
    /// The identity has renewed itself for too long.
    #[error(
        "the identity was authenticated at {authenticated_at} and may renew itself for {} (now is {now}): it has to ask once more with a token",
        duration::write(*renewable_for)
    )]
    RenewedTooLong {
        /// When it was last authenticated in another way.
        authenticated_at: Timestamp,
        /// The limit.
        renewable_for: Duration,
        /// The caller's time.
        now: Timestamp,
        /// The place in the policy.
        rule: String,
    },
    /// A join token is for something else.
    #[error("{caller} is good for that only, and the request is for {wanted}")]
    Scope {
        /// The token, in words.
        caller: String,
        /// What was asked for.
        wanted: &'static str,
        /// The place in the policy.
        rule: String,
    },
    /// The caller may have one of several identities and does not say which.
    #[error("{caller} has no identity of its own: the request has to name the SPIFFE ID")]
    IdMissing {
        /// Who asks.
        caller: String,
    },
    /// No rule gives the caller this.
    #[error("no rule gives {caller} {wanted}: {}; needed is {needed}", if misses.is_empty() { "there is none".to_owned() } else { misses.join("; ") })]
    NoRule {
        /// Who asks.
        caller: String,
        /// What was asked for.
        wanted: String,
        /// Each rule, and why it does not fit; some, if there are many.
        misses: Vec<String>,
        /// What would grant it.
        needed: String,
        /// The list in the policy where the rule is missing: `west/workloads`.
        rule: String,
    },
    /// The request names another identity than the caller's.
    #[error("the request names {asked}, and the rule {rule} gives the caller {}: ask for that, or name none", granted.as_ref().map_or_else(|| "no SPIFFE ID".to_owned(), ToString::to_string))]
    OtherIdentity {
        /// What the request names.
        asked: SpiffeId,
        /// What the caller would get.
        granted: Option<SpiffeId>,
        /// The rule.
        rule: String,
    },
    /// The identity belongs to another trust domain than the cluster.
    #[error("{id} is of another trust domain: the cluster {cluster} issues for '{trust_domain}'")]
    ForeignTrustDomain {
        /// The identity.
        id: SpiffeId,
        /// The cluster.
        cluster: ClusterName,
        /// The cluster's trust domain.
        trust_domain: TrustDomain,
        /// The place in the policy.
        rule: String,
    },
    /// A rule denies the identity to everybody.
    #[error("the rule {rule} denies {id} to everybody{}", if because.is_empty() { String::new() } else { format!(": {because}") })]
    Denied {
        /// The identity.
        id: SpiffeId,
        /// The rule.
        rule: String,
        /// What the policy says about it.
        because: String,
    },
    /// The caller's own names cannot be part of an identity.
    #[error("{caller} has a name that no SPIFFE ID can carry")]
    Unspeakable {
        /// Who asks.
        caller: String,
        /// The rule.
        rule: String,
    },
    /// The key is of a kind that the rule does not allow.
    #[error("the rule {rule} allows keys of the kinds {allowed}, and this is {found}: make a key of one of those")]
    Key {
        /// The kind of the proven key.
        found: KeyAlgorithm,
        /// Those that are allowed, as the policy names them.
        allowed: String,
        /// The rule.
        rule: String,
    },
    /// A lifetime of nothing was asked for.
    #[error("the lifetime asked for is under a second: ask for more, or for none")]
    NoLifetime {
        /// The rule.
        rule: String,
    },
    /// More was asked for than the rule allows, and it does not cut.
    #[error("a lifetime of {} was asked for, and the rule {rule} allows at most {}: ask for that, or for none", duration::write(*asked), duration::write(*max))]
    Lifetime {
        /// What was asked for.
        asked: Duration,
        /// The longest.
        max: Duration,
        /// The rule.
        rule: String,
    },
    /// A server certificate without a name, with too many, or with one that is none.
    #[error("{0}")]
    ServerNames(String),
}

impl Denial {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoPolicy { .. } => "policy.no_policy",
            Self::UnknownCluster(_) => "policy.unknown_cluster",
            Self::ClusterMissing => "policy.cluster_missing",
            Self::OtherCluster { .. } => "policy.other_cluster",
            Self::CallersOff { .. } => "policy.callers_off",
            Self::NotANodeProxy { .. } => "policy.not_a_node_proxy",
            Self::RenewedTooLong { .. } => "policy.renewed_too_long",
            Self::Scope { .. } => "policy.scope",
            Self::IdMissing { .. } => "policy.id_missing",
            Self::NoRule { .. } => "policy.no_rule",
            Self::OtherIdentity { .. } => "policy.other_identity",
            Self::ForeignTrustDomain { .. } => "policy.foreign_trust_domain",
            Self::Denied { .. } => "policy.denied",
            Self::Unspeakable { .. } => "policy.unspeakable",
            Self::Key { .. } => "policy.key",
            Self::NoLifetime { .. } => "policy.no_lifetime",
            Self::Lifetime { .. } => "policy.lifetime",
            Self::ServerNames(_) => "policy.server_names",
        }
    }

    /// The rule that decided, or the place in the policy where one is missing; none when the request itself is at fault.
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::NoPolicy { .. } | Self::UnknownCluster(_) => Some("clusters"),
            Self::ClusterMissing | Self::OtherCluster { .. } | Self::IdMissing { .. } | Self::ServerNames(_) => None,
            Self::CallersOff { rule, .. }
            | Self::NotANodeProxy { rule, .. }
            | Self::RenewedTooLong { rule, .. }
            | Self::Scope { rule, .. }
            | Self::NoRule { rule, .. }
            | Self::OtherIdentity { rule, .. }
            | Self::ForeignTrustDomain { rule, .. }
            | Self::Denied { rule, .. }
            | Self::Unspeakable { rule, .. }
            | Self::Key { rule, .. }
            | Self::NoLifetime { rule }
            | Self::Lifetime { rule, .. } => Some(rule),
        }
    }
}
