//! istiod's own certificate, from the service that is its CA, kept by an agent.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

mod support;

use std::fs;
use std::sync::Arc;

use meshroot::istio::{istiod_names, manifest};
use meshroot::key::{Crypto, KeyAlgorithm};
use meshroot_service::agent::{Agent, Istiod, Settings};
use serde_json::json;
use support::{ApiServer, Running, TestMesh};

const POLICY: &str = r#"
[clusters.west]
trust_domain = "mesh.example"
callers.kubernetes = { issuers = ["https://kubernetes.default.svc.cluster.local"], audiences = ["meshroot"] }
[[clusters.west.workloads]]
name = "istiod"
callers = ["kubernetes"]
namespaces = ["istio-system"]
[[clusters.west.servers]]
name = "istiod"
callers = ["kubernetes"]
namespaces = ["istio-system"]
service_accounts = ["istiod"]
dns = ["istiod.istio-system.svc", "istiod-remote.istio-system.svc", "istio-pilot.istio-system.svc"]
with_id = true
lifetime = "30d"
"#;

/// A service, and a function that makes tokens of service accounts of istio-system.
async fn running() -> (Running, ApiServer) {
    let (west, mesh) = (ApiServer::new("w"), TestMesh::new());
    let folder = mesh.folder.path().to_owned();
    let service = mesh
        .serve(|config| {
            for (name, text) in [("policy.toml", POLICY), ("west.json", &west.jwks())] {
                fs::write(folder.join(name), text).unwrap();
            }
            config.policy.file = Some(folder.join("policy.toml"));
            config.policy.jwks.insert("west".into(), folder.join("west.json"));
        })
        .await;
    (Running { mesh, service }, west)
}

fn token(running: &Running, west: &ApiServer, account: &str) -> String {
    west.token(&running.mesh, |claims| {
        claims["sub"] = json!(format!("system:serviceaccount:istio-system:{account}"));
        claims["kubernetes.io"]["namespace"] = json!("istio-system");
        claims["kubernetes.io"]["serviceaccount"]["name"] = json!(account);
    })
}

#[tokio::test]
async fn an_agent_keeps_the_files_and_the_manifests_of_istiod() {
    let (running, west) = running().await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("ca.pem"), &running.mesh.roots_pem).unwrap();
    fs::write(path("token"), token(&running, &west, "istiod")).unwrap();
    let istiod =
        Istiod { dns: istiod_names("istio-system", None), namespace: "istio-system".into(), roots_for: vec!["istio-system".into(), "shop".into()] };
    let settings = Settings {
        server: format!("https://localhost:{}", running.service.address().port()),
        ca: Some(path("ca.pem")),
        trust_domain: None,
        token_file: Some(path("token")),
        id: None,
        key: KeyAlgorithm::EcdsaP256,
        lifetime: None,
        istiod: Some(istiod),
        out: path("out"),
        on_change: None,
    };
    let read = |name: &str| fs::read_to_string(path("out").join(name)).unwrap();
    let mut agent = Agent::new(settings, Crypto::ring(), Arc::new(running.mesh.clock.clone())).unwrap();
    agent.once().await.unwrap();
    let chain = meshroot::pem::certificates(read("tls.crt").as_bytes()).unwrap();
    let names = chain[0].alt_names().unwrap();
    assert_eq!(names.dns, istiod_names("istio-system", None));
    assert_eq!(names.uris, ["spiffe://mesh.example/ns/istio-system/sa/istiod"]);
    assert_eq!((chain.len(), read("ca.crt")), (2, running.mesh.roots_pem.clone()));
    assert!(read("tls.key").contains("PRIVATE KEY"));
    let secret = &manifest::secrets(read("istiod-tls.yaml").as_bytes()).unwrap()[0];
    assert_eq!(secret.files.tls_crt.as_deref(), Some(read("tls.crt").as_bytes()));
    assert_eq!(manifest::objects(read("istio-ca-root-cert.yaml").as_bytes()).unwrap().len(), 2);
    // Renewed with the token, since a server's certificate is nobody's identity to ask with.
    running.mesh.clock.advance(29 * 86_400);
    fs::write(path("token"), token(&running, &west, "istiod")).unwrap();
    agent.once().await.unwrap();
    assert_ne!(meshroot::pem::certificates(read("tls.crt").as_bytes()).unwrap()[0].serial(), chain[0].serial());
    let inventory = running.administrator().get("/v1/inventory").await.text();
    assert!(inventory.contains(r#""kind":"server""#), "{inventory}");
}

#[tokio::test]
async fn a_servers_names_are_those_that_a_rule_gives() {
    let (running, west) = running().await;
    let ask = async |account: &str, query: &str| {
        let csr = running.mesh.csr(&format!("/ns/istio-system/sa/{account}"));
        let answer = running.stranger().bearer(&token(&running, &west, account)).post(&format!("/v1/certificates?{query}"), csr).await;
        if answer.status == 201 { (201, String::new()) } else { (answer.status, answer.code()) }
    };
    assert_eq!(ask("istiod", "dns=istiod.istio-system.svc").await.0, 201);
    for (account, query, status, code) in [
        ("istiod", "dns=istiod.istio-system.svc,evil.example", 403, "policy.no_rule"),
        ("istiod", "ips=192.0.2.1", 403, "policy.no_rule"),
        ("istiod", "ips=here", 400, "http.not_an_address"),
        ("istiod", "dns=*.istio-system.svc", 403, "policy.server_names"),
        ("ztunnel", "dns=istiod.istio-system.svc", 403, "policy.no_rule"),
    ] {
        assert_eq!(ask(account, query).await, (status, code.to_owned()), "{account} {query}");
    }
}
