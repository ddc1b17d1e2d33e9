//! A mesh whose clusters take Istio's tokens: agents of west and east, and ztunnels on two nodes of west.

use std::path::PathBuf;

use meshroot_service::Config;
use serde_json::{Value, json};

use super::{Agent, ApiServer, Refusal, Request, Running, TestMesh};

pub const CART: &str = "/ns/shop/sa/cart";

const POLICY: &str = r#"
[clusters.west]
trust_domain = "mesh.example"
callers.kubernetes = { issuers = ["https://kubernetes.default.svc.cluster.local"], audiences = ["meshroot"] }
callers.node_proxy = { accounts = ["istio-system/ztunnel"] }
callers.join_token = {}
[[clusters.west.workloads]]
name = "all"
callers = ["kubernetes", "node_proxy", "join_token"]
namespaces = ["shop", "istio-system"]

[clusters.east]
trust_domain = "mesh.example"
defaults.if_longer = "refuse"
callers.kubernetes = { issuers = ["https://kubernetes.default.svc.cluster.local"], audiences = ["meshroot"] }
callers.node_proxy = { accounts = ["istio-system/ztunnel"] }
[[clusters.east.workloads]]
name = "all"
callers = ["kubernetes", "node_proxy"]
namespaces = ["*"]
"#;

pub struct IstioMesh {
    pub running: Running,
    pub west: ApiServer,
    pub east: ApiServer,
    /// The file with west's pods.
    pub pods: PathBuf,
}

fn pod(namespace: &str, name: &str, account: &str, node: &str, phase: &str) -> Value {
    json!({
        "metadata": { "namespace": namespace, "name": name, "uid": format!("uid-{name}"), "labels": { "app": name } },
        "spec": { "nodeName": node, "serviceAccountName": account, "containers": [] },
        "status": { "phase": phase },
    })
}

pub fn west_pods() -> Vec<Value> {
    vec![
        pod("istio-system", "ztunnel-1", "ztunnel", "node-1", "Running"),
        pod("istio-system", "ztunnel-2", "ztunnel", "node-2", "Running"),
        pod("shop", "cart-1", "cart", "node-1", "Running"),
        pod("shop", "till-1", "till", "node-2", "Running"),
        pod("shop", "pay-1", "pay", "node-1", "Failed"),
        pod("team", "job-1", "job", "node-1", "Running"),
    ]
}

impl IstioMesh {
    pub async fn start() -> Self {
        Self::with(|_| ()).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let (west, east) = (ApiServer::new("w"), ApiServer::new("e"));
        let mesh = TestMesh::new();
        let folder = mesh.folder.path().to_owned();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.join(name), text).unwrap();
            folder.join(name)
        };
        let pods = write("west-pods.json", &json!({ "kind": "List", "items": west_pods() }).to_string());
        let service = mesh
            .serve(|config| {
                config.names.dns = vec!["istiod.istio-system.svc".into()];
                config.policy.file = Some(write("policy.toml", POLICY));
                config.policy.jwks.insert("west".into(), write("west.json", &west.jwks()));
                config.policy.jwks.insert("east".into(), write("east.json", &east.jwks()));
                config.policy.pods.insert("west".into(), pods.clone());
                change(config);
            })
            .await;
        Self { running: Running { mesh, service }, west, east, pods }
    }

    /// A client as the istio-agent is one.
    pub async fn agent(&self) -> Agent {
        let name = "istiod.istio-system.svc".try_into().unwrap();
        Agent::connect(self.running.service.address(), &self.running.mesh.roots_pem, name).await
    }

    /// The token of the pod cart, for Istio.
    pub fn token(&self, of: &ApiServer) -> String {
        of.token(&self.running.mesh, |claims| claims["aud"] = json!(["istio-ca"]))
    }

    /// The token of a pod on a node.
    pub fn token_of(&self, of: &ApiServer, account: &str, name: &str, node: &str) -> String {
        of.token(&self.running.mesh, |claims| {
            claims["aud"] = json!(["istio-ca"]);
            let (namespace, account) = account.split_once('/').unwrap();
            claims["sub"] = json!(format!("system:serviceaccount:{namespace}:{account}"));
            claims["kubernetes.io"]["namespace"] = json!(namespace);
            claims["kubernetes.io"]["serviceaccount"]["name"] = json!(account);
            claims["kubernetes.io"]["pod"] = json!({ "name": name, "uid": format!("uid-{name}") });
            claims["kubernetes.io"]["node"] = json!({ "name": node, "uid": "uid-node" });
        })
    }

    pub fn ztunnel(&self) -> String {
        self.token_of(&self.west, "istio-system/ztunnel", "ztunnel-1", "node-1")
    }

    /// Asks for somebody else, with a request that says so.
    pub async fn ask_for(&self, agent: &Agent, token: &str, id: &str) -> Result<Vec<String>, Refusal> {
        let csr = self.running.mesh.csr(id.strip_prefix("spiffe://mesh.example").unwrap_or(CART));
        agent.bearer(token).create(&Request::impersonating(csr, id)).await
    }
}
