//! Node proxies, which ask for the workloads of their node: ztunnel in its shared mode.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

mod support;

use std::path::PathBuf;

use meshroot::pem;
use serde_json::{Value, json};
use support::{Agent, ApiServer, Refusal, Request, Running, TestMesh};

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
callers.kubernetes = { issuers = ["https://kubernetes.default.svc.cluster.local"], audiences = ["meshroot"] }
callers.node_proxy = { accounts = ["istio-system/ztunnel"] }
[[clusters.east.workloads]]
name = "all"
callers = ["kubernetes", "node_proxy"]
namespaces = ["*"]
"#;

const CART: &str = "spiffe://mesh.example/ns/shop/sa/cart";

struct Mesh {
    running: Running,
    west: ApiServer,
    east: ApiServer,
    agent: Agent,
    pods: PathBuf,
}

fn pod(namespace: &str, name: &str, account: &str, node: &str, phase: &str) -> Value {
    json!({
        "metadata": { "namespace": namespace, "name": name, "uid": format!("uid-{name}"), "labels": { "app": name } },
        "spec": { "nodeName": node, "serviceAccountName": account, "containers": [] },
        "status": { "phase": phase },
    })
}

fn west_pods() -> Vec<Value> {
    vec![
        pod("istio-system", "ztunnel-1", "ztunnel", "node-1", "Running"),
        pod("istio-system", "ztunnel-2", "ztunnel", "node-2", "Running"),
        pod("shop", "cart-1", "cart", "node-1", "Running"),
        pod("shop", "till-1", "till", "node-2", "Running"),
        pod("shop", "pay-1", "pay", "node-1", "Failed"),
        pod("team", "job-1", "job", "node-1", "Running"),
    ]
}

impl Mesh {
    async fn start() -> Self {
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
                config.policy.file = Some(write("policy.toml", POLICY));
                config.policy.jwks.insert("west".into(), write("west.json", &west.jwks()));
                config.policy.jwks.insert("east".into(), write("east.json", &east.jwks()));
                config.policy.pods.insert("west".into(), pods.clone());
            })
            .await;
        let agent = Agent::connect(service.address(), &mesh.roots_pem, "localhost".try_into().unwrap()).await;
        Self { running: Running { mesh, service }, west, east, agent, pods }
    }

    /// The token of a pod on a node.
    fn token(&self, of: &ApiServer, account: &str, name: &str, node: &str) -> String {
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

    fn ztunnel(&self) -> String {
        self.token(&self.west, "istio-system/ztunnel", "ztunnel-1", "node-1")
    }

    async fn ask(&self, token: &str, id: &str) -> Result<Vec<String>, Refusal> {
        let csr = self.running.mesh.csr(id.strip_prefix("spiffe://mesh.example").unwrap_or("/ns/shop/sa/cart"));
        self.agent.bearer(token).create(&Request::impersonating(csr, id)).await
    }
}

#[tokio::test]
async fn a_node_proxy_gets_certificates_for_the_pods_of_its_node() {
    let mesh = Mesh::start().await;
    let chain = mesh.ask(&mesh.ztunnel(), CART).await.unwrap();
    let leaf = &pem::certificates(chain[0].as_bytes()).unwrap()[0];
    assert_eq!(leaf.alt_names().unwrap().uris, [CART]);
    // Its own identity, too: without a word about another, or with its own name.
    let own = "spiffe://mesh.example/ns/istio-system/sa/ztunnel";
    mesh.ask(&mesh.ztunnel(), own).await.unwrap();
    mesh.agent.bearer(&mesh.ztunnel()).create(&Request::new(mesh.running.mesh.csr("/ns/istio-system/sa/ztunnel"))).await.unwrap();
    // The record names both.
    let inventory = mesh.running.administrator().get("/v1/inventory").await.text();
    let caller = "the node proxy istio-system/ztunnel of west, pod ztunnel-1, for shop/cart, pod cart-1 on node-1";
    assert!(inventory.contains(caller), "{inventory}");
}

#[tokio::test]
async fn a_node_proxy_gets_nothing_for_anybody_else() {
    let mesh = Mesh::start().await;
    let ztunnel = mesh.ztunnel();
    let elsewhere = mesh.token(&mesh.west, "istio-system/ztunnel", "ztunnel-9", "node-1");
    let lies = mesh.token(&mesh.west, "istio-system/ztunnel", "ztunnel-1", "node-2");
    let borrowed = mesh.token(&mesh.west, "istio-system/ztunnel", "cart-1", "node-1");
    let cart = mesh.token(&mesh.west, "shop/cart", "cart-1", "node-1");
    let east = mesh.token(&mesh.east, "istio-system/ztunnel", "ztunnel-1", "node-1");
    let unbound = mesh.west.token(&mesh.running.mesh, |claims| {
        claims["aud"] = json!("istio-ca");
        claims["sub"] = json!("system:serviceaccount:istio-system:ztunnel");
        claims["kubernetes.io"] =
            json!({ "namespace": "istio-system", "serviceaccount": { "name": "ztunnel", "uid": "5d9c6b2e-52f2-44a4-8a9b-1a3f0c5f0001" } });
    });
    let join = mesh.running.token("/ns/shop/sa/cart").await;
    for (what, token, id, code, reason) in [
        ("a pod of another node", &ztunnel, "spiffe://mesh.example/ns/shop/sa/till", 16, "impersonation.not_on_node"),
        ("a pod that failed", &ztunnel, "spiffe://mesh.example/ns/shop/sa/pay", 16, "impersonation.not_on_node"),
        ("no pod at all", &ztunnel, "spiffe://mesh.example/ns/shop/sa/nobody", 16, "impersonation.not_on_node"),
        ("another trust domain", &ztunnel, "spiffe://other.example/ns/shop/sa/cart", 16, "impersonation.other_trust_domain"),
        ("what no rule gives", &ztunnel, "spiffe://mesh.example/ns/team/sa/job", 7, "policy.no_rule"),
        ("no pod's identity", &ztunnel, "spiffe://mesh.example/vm/west/web-1", 16, "impersonation.not_of_a_pod"),
        ("a longer path", &ztunnel, "spiffe://mesh.example/ns/shop/sa/cart/x", 16, "impersonation.not_of_a_pod"),
        ("no SPIFFE ID", &ztunnel, "cart", 16, "impersonation.not_an_id"),
        ("not a node account", &cart, CART, 16, "impersonation.not_a_node_proxy"),
        ("a proxy's pod that is not there", &elsewhere, CART, 16, "impersonation.no_such_proxy"),
        ("a token of another node", &lies, CART, 16, "impersonation.no_such_proxy"),
        ("a pod of another account", &borrowed, CART, 16, "impersonation.no_such_proxy"),
        ("a token of no pod", &unbound, CART, 16, "impersonation.no_pod"),
        ("a cluster whose pods nobody knows", &east, CART, 16, "impersonation.pods_unknown"),
        ("a one-time token", &join, CART, 16, "impersonation.not_by_token"),
    ] {
        let refused = mesh.ask(token, id).await.unwrap_err();
        assert_eq!((refused.code, refused.reason.as_str()), (code, reason), "{what}: {}", refused.message);
        assert!(!refused.message.contains(token.as_str()));
    }
    // A request for another key than the one that is asked for.
    let csr = mesh.running.mesh.csr("/ns/shop/sa/till");
    let refused = mesh.agent.bearer(&ztunnel).create(&Request::impersonating(csr, CART)).await.unwrap_err();
    assert_eq!(refused.reason, "policy.other_identity");
    mesh.ask(&ztunnel, CART).await.unwrap();
}

#[tokio::test]
async fn pods_that_come_and_go_are_noticed() {
    let mesh = Mesh::start().await;
    let (ztunnel, till) = (mesh.ztunnel(), "spiffe://mesh.example/ns/shop/sa/till");
    assert!(mesh.ask(&ztunnel, till).await.is_err() && mesh.ask(&ztunnel, CART).await.is_ok());
    let mut pods = west_pods();
    pods[3]["spec"]["nodeName"] = json!("node-1");
    pods[2]["status"]["phase"] = json!("Succeeded");
    std::fs::write(&mesh.pods, json!({ "items": pods }).to_string()).unwrap();
    let noticed = async {
        while mesh.ask(&ztunnel, till).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), noticed).await.unwrap();
    assert_eq!(mesh.ask(&ztunnel, CART).await.unwrap_err().reason, "impersonation.not_on_node");
}
