use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

/// A pod on a node, and the service account that it runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its UID: of every pod another one, also when a name comes back.
    pub uid: String,
    /// The service account's name.
    pub service_account: String,
    /// Where it runs.
    pub node: Node,
}

/// A node of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
}

impl Node {
    /// A node of this name, with a UID made from it.
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), uid: uid(&["node", name]) }
    }
}

impl Pod {
    /// A pod of this name, with a UID made from its names and its node's.
    pub fn new(node: &Node, namespace: &str, service_account: &str, name: &str) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
            uid: uid(&["pod", &node.uid, namespace, service_account, name]),
            service_account: service_account.into(),
            node: node.clone(),
        }
    }

    /// The SPIFFE ID that Istio gives its service account.
    pub fn spiffe_id(&self, trust_domain: &str) -> String {
        format!("spiffe://{trust_domain}/ns/{}/sa/{}", self.namespace, self.service_account)
    }

    /// The UID of its service account.
    pub fn service_account_uid(&self) -> String {
        uid(&["serviceaccount", &self.namespace, &self.service_account])
    }

    /// The pod as the API server tells of it, in this phase: `Running`, `Failed`, ….
    pub fn document(&self, phase: &str) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": { "name": self.name, "namespace": self.namespace, "uid": self.uid, "labels": { "app": self.service_account } },
            "spec": {
                "containers": [{ "name": "app", "image": "registry.example/app:1" }],
                "nodeName": self.node.name,
                "serviceAccount": self.service_account,
                "serviceAccountName": self.service_account,
            },
            "status": { "phase": phase, "hostIP": "192.0.2.1", "podIP": "192.0.2.2" },
        })
    }

    /// The claim `kubernetes.io` of its tokens.
    pub(super) fn claims(&self, warn_after: Option<i64>) -> Value {
        let mut claims = json!({
            "namespace": self.namespace,
            "node": { "name": self.node.name, "uid": self.node.uid },
            "pod": { "name": self.name, "uid": self.uid },
            "serviceaccount": { "name": self.service_account, "uid": self.service_account_uid() },
        });
        if let (Some(seconds), Some(claims)) = (warn_after, claims.as_object_mut()) {
            claims.insert("warnafter".into(), json!(seconds));
        }
        claims
    }
}

/// What `kubectl get pods -A -o json` prints of these.
pub fn pod_list(pods: impl IntoIterator<Item = Value>) -> String {
    let items: Vec<_> = pods.into_iter().collect();
    json!({ "apiVersion": "v1", "items": items, "kind": "List", "metadata": { "resourceVersion": "" } }).to_string()
}

/// A UUID made from names, so that tokens and pod indexes written apart agree.
pub(super) fn uid(names: &[&str]) -> String {
    let hash = digest(&SHA256, names.join("\0").as_bytes());
    let hex: String = hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    // Version 4, variant 1: what Kubernetes' UIDs look like.
    let part = |from, to| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}
