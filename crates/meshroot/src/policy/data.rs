//! The policy as it is written: texts that nobody has judged. Everything is public and may be built in a program, too.

use std::collections::BTreeMap;

/// A whole policy. Its [`Default`] is the empty one, which refuses everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields, default))]
pub struct Policy {
    /// Identities that nobody gets, in whatever cluster.
    pub deny: Vec<DenyRule>,
    /// For workloads of every cluster that does not say otherwise.
    pub defaults: Defaults,
    /// The clusters, by name.
    pub clusters: BTreeMap<String, ClusterPolicy>,
}

/// Identities that nobody gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct DenyRule {
    /// What it is called in refusals: `deny/NAME`.
    pub name: String,
    /// Whole SPIFFE IDs, with patterns in the path.
    pub ids: Vec<String>,
    /// Why, for whoever is refused.
    #[cfg_attr(feature = "serde", serde(default))]
    pub because: String,
}

/// How long certificates live, and which keys they may have. What is left out is taken from the next wider place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields, default))]
pub struct Defaults {
    /// For requests that ask for none: `24h`.
    pub lifetime: Option<String>,
    /// The longest; the same as `lifetime` where nobody says otherwise.
    pub max_lifetime: Option<String>,
    /// What happens to a request for more: `cut` (the default) or `refuse`.
    pub if_longer: Option<String>,
    /// `p256`, `p384`, `ed25519`, `rsa` (2048 bits and more), `rsa3072`, `rsa4096`. All where nobody says otherwise.
    pub keys: Option<Vec<String>>,
}

/// What one cluster may have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct ClusterPolicy {
    /// The trust domain of all its identities.
    pub trust_domain: String,
    /// Instead of the policy's defaults.
    #[cfg_attr(feature = "serde", serde(default))]
    pub defaults: Defaults,
    /// Who may ask at all.
    #[cfg_attr(feature = "serde", serde(default))]
    pub callers: Callers,
    /// The identities that may be issued. The first rule that fits decides.
    #[cfg_attr(feature = "serde", serde(default))]
    pub workloads: Vec<WorkloadRule>,
    /// The server certificates that may be issued.
    #[cfg_attr(feature = "serde", serde(default))]
    pub servers: Vec<ServerRule>,
    /// Who may have the cluster's CA certified; nobody without it.
    #[cfg_attr(feature = "serde", serde(default))]
    pub ca: Option<CaRule>,
}

/// The kinds of callers that are switched on. What is left out is off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields, default))]
pub struct Callers {
    /// Bearers of service account tokens.
    pub kubernetes: Option<KubernetesCallers>,
    /// Node proxies, for the workloads on their node.
    pub node_proxy: Option<NodeProxyCallers>,
    /// Holders of a certificate that is to be renewed.
    pub svid: Option<SvidCallers>,
    /// Bearers of one-time tokens.
    pub join_token: Option<SwitchedOn>,
    /// Administrators.
    pub admin: Option<SwitchedOn>,
}

/// The service account tokens of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct KubernetesCallers {
    /// What the cluster calls itself in tokens. Several while it changes from one name to another.
    pub issuers: Vec<String>,
    /// The audiences that tokens must be for. Over gRPC Istio's own, `istio-ca`, is demanded instead.
    pub audiences: Vec<String>,
    /// The oldest token, from its issuance: `25h` unless said otherwise.
    #[cfg_attr(feature = "serde", serde(default))]
    pub max_token_age: Option<String>,
    /// The longest-lived token: `48h` unless said otherwise.
    #[cfg_attr(feature = "serde", serde(default))]
    pub max_token_lifetime: Option<String>,
}

/// Proxies that ask for the workloads of their node, with the tokens of their own service accounts: Istio's ztunnel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct NodeProxyCallers {
    /// The service accounts: `NAMESPACE/NAME`, without patterns. Whoever has one can be every workload of its node.
    pub accounts: Vec<String>,
}

/// Renewal with the certificate that is to be renewed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct SvidCallers {
    /// How long an identity may renew itself before it has to be authenticated in another way again: `30d`.
    pub renewable_for: String,
}

/// A kind of caller that has no settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct SwitchedOn {}

/// Identities that may be issued.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct WorkloadRule {
    /// What it is called in refusals and audit lines: `CLUSTER/workloads/NAME`.
    pub name: String,
    /// `kubernetes`, `node_proxy`, `svid`, `join_token`, `admin`.
    pub callers: Vec<String>,
    /// The path. `/ns/{namespace}/sa/{service_account}` unless said otherwise.
    #[cfg_attr(feature = "serde", serde(default))]
    pub id: Option<String>,
    /// What `{namespace}` may be.
    #[cfg_attr(feature = "serde", serde(default))]
    pub namespaces: Vec<String>,
    /// What `{service_account}` may be: any, unless said otherwise.
    #[cfg_attr(feature = "serde", serde(default))]
    pub service_accounts: Option<Vec<String>>,
    /// Instead of the cluster's.
    #[cfg_attr(feature = "serde", serde(default))]
    pub lifetime: Option<String>,
    /// Instead of the cluster's.
    #[cfg_attr(feature = "serde", serde(default))]
    pub max_lifetime: Option<String>,
    /// Instead of the cluster's.
    #[cfg_attr(feature = "serde", serde(default))]
    pub if_longer: Option<String>,
    /// Instead of the cluster's.
    #[cfg_attr(feature = "serde", serde(default))]
    pub keys: Option<Vec<String>>,
}

/// Server certificates that may be issued.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct ServerRule {
    /// What it is called in refusals and audit lines: `CLUSTER/servers/NAME`.
    pub name: String,
    /// `kubernetes`, `svid`, `join_token`, `admin`.
    pub callers: Vec<String>,
    /// The caller's namespace, if it must have one. Any caller, unless said otherwise.
    #[cfg_attr(feature = "serde", serde(default))]
    pub namespaces: Option<Vec<String>>,
    /// The caller's service account, if it must have one. Any caller, unless said otherwise.
    #[cfg_attr(feature = "serde", serde(default))]
    pub service_accounts: Option<Vec<String>>,
    /// DNS names, with patterns: `*.west.example`, `{service_account}.{namespace}.svc`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub dns: Vec<String>,
    /// Addresses and networks: `192.0.2.7`, `10.0.0.0/8`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub ips: Vec<String>,
    /// Whether the certificate carries the SPIFFE ID, too, that the caller would get as a workload.
    #[cfg_attr(feature = "serde", serde(default))]
    pub with_id: bool,
    /// 90 days unless said otherwise.
    #[cfg_attr(feature = "serde", serde(default))]
    pub lifetime: Option<String>,
    /// The same as `lifetime` unless said otherwise.
    #[cfg_attr(feature = "serde", serde(default))]
    pub max_lifetime: Option<String>,
    /// `cut` (the default) or `refuse`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub if_longer: Option<String>,
    /// Instead of the cluster's.
    #[cfg_attr(feature = "serde", serde(default))]
    pub keys: Option<Vec<String>>,
}

/// The certificate of the cluster's own CA.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct CaRule {
    /// `join_token`, `admin`. A workload never becomes a CA.
    pub callers: Vec<String>,
    /// A year unless said otherwise.
    #[cfg_attr(feature = "serde", serde(default))]
    pub lifetime: Option<String>,
    /// The same as `lifetime` unless said otherwise.
    #[cfg_attr(feature = "serde", serde(default))]
    pub max_lifetime: Option<String>,
    /// `cut` (the default) or `refuse`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub if_longer: Option<String>,
    /// Instead of the cluster's.
    #[cfg_attr(feature = "serde", serde(default))]
    pub keys: Option<Vec<String>>,
}
