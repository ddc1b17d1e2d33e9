use meshroot::hierarchy::ClusterName;
use meshroot::policy::{self, CheckedPolicy};
use meshroot::spiffe::{SpiffeId, SpiffeIdError, TrustDomain};
use meshroot::token::ServiceAccountToken;

use super::status::{Code, Status};
use crate::caller::Caller;
use crate::pods::PodIndex;

/// A node proxy, and the workload that it speaks for.
#[derive(Debug)]
pub(super) struct Impersonator {
    /// As the policy knows it.
    pub(super) caller: policy::Caller,
    /// For records and the log: the proxy with its pod, and the workload with its own.
    pub(super) name: String,
}

/// Why a caller does not get the certificate of somebody else.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("another's identity is asked for, and only node proxies may do so, with the token of their service account")]
    NotByToken,
    #[error(
        "the service account {account} asks for another's identity, and it is no node proxy of {cluster}: [clusters.{cluster}.callers.node_proxy] in the policy lists those"
    )]
    NotANodeProxy { account: String, cluster: ClusterName },
    #[error("ImpersonatedIdentity is no text")]
    NotAText,
    #[error("ImpersonatedIdentity is no SPIFFE ID: {0}")]
    NotAnId(#[from] SpiffeIdError),
    #[error("{0} is not the identity of a pod: its path is not /ns/NAMESPACE/sa/SERVICE-ACCOUNT")]
    NotOfAPod(SpiffeId),
    #[error("{id} is of another trust domain: {cluster} issues for '{trust_domain}'")]
    OtherTrustDomain { id: SpiffeId, cluster: ClusterName, trust_domain: TrustDomain },
    #[error("the node proxy's token is not bound to a pod, so nobody knows its node: project it (TokenRequest)")]
    NoPod,
    #[error("the pods of {0} are not known here: [policy.pods] in the settings says where to read them")]
    PodsUnknown(ClusterName),
    #[error("the node proxy's own pod {0} does not run, as far as is known here: there is none with this name, UID and service account, or it ended")]
    NoSuchProxy(String),
    #[error("no pod of {namespace}/{service_account} runs on the node proxy's node '{node}', as far as is known here")]
    NotOnNode { namespace: String, service_account: String, node: String },
}

impl Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::NotByToken => "impersonation.not_by_token",
            Self::NotANodeProxy { .. } => "impersonation.not_a_node_proxy",
            Self::NotAText => "impersonation.not_a_text",
            Self::NotAnId(_) => "impersonation.not_an_id",
            Self::NotOfAPod(_) => "impersonation.not_of_a_pod",
            Self::OtherTrustDomain { .. } => "impersonation.other_trust_domain",
            Self::NoPod => "impersonation.no_pod",
            Self::PodsUnknown(_) => "impersonation.pods_unknown",
            Self::NoSuchProxy(_) => "impersonation.no_such_proxy",
            Self::NotOnNode { .. } => "impersonation.not_on_node",
        }
    }
}

/// As Istio's own CA answers it.
impl From<Refused> for Status {
    fn from(refused: Refused) -> Self {
        Self::new(Code::Unauthenticated, refused.code(), refused.to_string())
    }
}

/// Who asks for `id`, if they may: a listed node proxy whose own pod runs on the node where a pod of that identity runs, too.
///
/// The policy decides afterwards whether the identity is granted at all. What Istio's own CA leaves out, the trust domain, is checked here
/// and there.
pub(super) fn impersonator(caller: &Caller, id: Result<&str, ()>, policy: &CheckedPolicy, pods: &dyn PodIndex) -> Result<Impersonator, Refused> {
    let Caller::ServiceAccount(token) = caller else { return Err(Refused::NotByToken) };
    let cluster = token.cluster();
    let account = format!("{}/{}", token.namespace(), token.service_account());
    if !policy.is_node_proxy(cluster, token.namespace(), token.service_account()) {
        return Err(Refused::NotANodeProxy { account, cluster: cluster.clone() });
    }
    let id = SpiffeId::parse(id.map_err(|()| Refused::NotAText)?)?;
    let (namespace, service_account) = of_a_pod(&id).ok_or_else(|| Refused::NotOfAPod(id.clone()))?;
    let own = policy.clusters().find(|(name, _)| *name == cluster).map(|(_, trust_domain)| trust_domain);
    if let Some(own) = own.filter(|own| **own != id.trust_domain()) {
        return Err(Refused::OtherTrustDomain { cluster: cluster.clone(), trust_domain: own.clone(), id: id.clone() });
    }
    let node = node_of(token, pods)?;
    let found = pods.on_node(cluster, &node, namespace, service_account).ok_or_else(|| Refused::NotOnNode {
        namespace: namespace.into(),
        service_account: service_account.into(),
        node: node.clone(),
    })?;
    let pod = token.pod().map(|pod| pod.name.as_str()).unwrap_or_default();
    let name = format!("the node proxy {account} of {cluster}, pod {pod}, for {namespace}/{service_account}, pod {} on {node}", found.name);
    let caller =
        policy::Caller::NodeProxy { cluster: cluster.clone(), proxy: account, namespace: namespace.into(), service_account: service_account.into() };
    Ok(Impersonator { caller, name })
}

/// The node where the proxy's own pod runs, now: a token outlives its pod.
fn node_of(token: &ServiceAccountToken, pods: &dyn PodIndex) -> Result<String, Refused> {
    let bound = token.pod().ok_or(Refused::NoPod)?;
    let uid = bound.uid.as_deref().ok_or(Refused::NoPod)?;
    if !pods.knows(token.cluster()) {
        return Err(Refused::PodsUnknown(token.cluster().clone()));
    }
    let same = |pod: &crate::pods::Pod| {
        (pod.namespace.as_str(), pod.name.as_str(), pod.service_account.as_str()) == (token.namespace(), &*bound.name, token.service_account())
    };
    let pod = pods.pod(token.cluster(), uid).filter(|pod| same(pod) && !pod.ended);
    let node = pod.and_then(|pod| pod.node.clone());
    // The token was bound to a node, too, if the cluster is not an old one.
    let agrees = |node: &String| token.node().is_none_or(|bound| bound.name == *node);
    node.filter(agrees).ok_or_else(|| Refused::NoSuchProxy(format!("{}/{}", token.namespace(), bound.name)))
}

/// Namespace and service account of an identity in Istio's form.
fn of_a_pod(id: &SpiffeId) -> Option<(&str, &str)> {
    let mut parts = id.path().strip_prefix("/ns/")?.split('/');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(namespace), Some("sa"), Some(service_account), None) => Some((namespace, service_account)),
        _ => None,
    }
}
