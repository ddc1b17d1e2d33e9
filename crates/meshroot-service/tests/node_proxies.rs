//! Node proxies, which ask for the workloads of their node: ztunnel in its shared mode.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

mod support;

use meshroot::pem;
use serde_json::json;
use support::Request;
use support::istio::{IstioMesh, west_pods};

const CART: &str = "spiffe://mesh.example/ns/shop/sa/cart";

#[tokio::test]
async fn a_node_proxy_gets_certificates_for_the_pods_of_its_node() {
    let mesh = IstioMesh::start().await;
    let agent = mesh.agent().await;
    let chain = mesh.ask_for(&agent, &mesh.ztunnel(), CART).await.unwrap();
    let leaf = &pem::certificates(chain[0].as_bytes()).unwrap()[0];
    assert_eq!(leaf.alt_names().unwrap().uris, [CART]);
    // Its own identity, too: without a word about another, or with its own name.
    let own = "spiffe://mesh.example/ns/istio-system/sa/ztunnel";
    mesh.ask_for(&agent, &mesh.ztunnel(), own).await.unwrap();
    agent.bearer(&mesh.ztunnel()).create(&Request::new(mesh.running.mesh.csr("/ns/istio-system/sa/ztunnel"))).await.unwrap();
    // The record names both.
    let inventory = mesh.running.administrator().get("/v1/inventory").await.text();
    let caller = "the node proxy istio-system/ztunnel of west, pod ztunnel-1, for shop/cart, pod cart-1 on node-1";
    assert!(inventory.contains(caller), "{inventory}");
}

#[tokio::test]
async fn a_node_proxy_gets_nothing_for_anybody_else() {
    let mesh = IstioMesh::start().await;
    let agent = mesh.agent().await;
    let ztunnel = mesh.ztunnel();
    let elsewhere = mesh.token_of(&mesh.west, "istio-system/ztunnel", "ztunnel-9", "node-1");
    let lies = mesh.token_of(&mesh.west, "istio-system/ztunnel", "ztunnel-1", "node-2");
    let borrowed = mesh.token_of(&mesh.west, "istio-system/ztunnel", "cart-1", "node-1");
    let cart = mesh.token_of(&mesh.west, "shop/cart", "cart-1", "node-1");
    let east = mesh.token_of(&mesh.east, "istio-system/ztunnel", "ztunnel-1", "node-1");
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
        let refused = mesh.ask_for(&agent, token, id).await.unwrap_err();
        assert_eq!((refused.code, refused.reason.as_str()), (code, reason), "{what}: {}", refused.message);
        assert!(!refused.message.contains(token.as_str()));
    }
    // A request for another key than the one that is asked for.
    let csr = mesh.running.mesh.csr("/ns/shop/sa/till");
    let refused = agent.bearer(&ztunnel).create(&Request::impersonating(csr, CART)).await.unwrap_err();
    assert_eq!(refused.reason, "policy.other_identity");
    mesh.ask_for(&agent, &ztunnel, CART).await.unwrap();
}

#[tokio::test]
async fn pods_that_come_and_go_are_noticed() {
    let mesh = IstioMesh::start().await;
    let agent = mesh.agent().await;
    let (ztunnel, till) = (mesh.ztunnel(), "spiffe://mesh.example/ns/shop/sa/till");
    assert!(mesh.ask_for(&agent, &ztunnel, till).await.is_err() && mesh.ask_for(&agent, &ztunnel, CART).await.is_ok());
    let mut pods = west_pods();
    pods[3]["spec"]["nodeName"] = json!("node-1");
    pods[2]["status"]["phase"] = json!("Succeeded");
    std::fs::write(&mesh.pods, json!({ "items": pods }).to_string()).unwrap();
    let noticed = async {
        while mesh.ask_for(&agent, &ztunnel, till).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), noticed).await.unwrap();
    assert_eq!(mesh.ask_for(&agent, &ztunnel, CART).await.unwrap_err().reason, "impersonation.not_on_node");
}
