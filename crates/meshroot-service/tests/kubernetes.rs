//! Service account tokens, as Kubernetes mints them, and the policy over them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

mod support;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use meshroot_service::Clock;
use serde_json::{Value, json};
use support::kubernetes::{ApiServer, ISSUER, POLICY, running, write};
use support::{Running, TRUST_DOMAIN, TestMesh};

async fn ask(running: &Running, token: &str, csr: String) -> (u16, Value) {
    let answer = running.stranger().bearer(token).post("/v1/certificates", csr).await;
    (answer.status, answer.json())
}

fn names(document: &Value) -> (Vec<String>, String) {
    let chain = meshroot::pem::certificates(document["chain"].as_str().unwrap().as_bytes()).unwrap();
    (chain[0].alt_names().unwrap().uris.iter().map(ToString::to_string).collect(), chain[1].subject().to_string())
}

#[tokio::test]
async fn a_pod_gets_the_identity_of_its_service_account_from_its_own_cluster() {
    let (west, east) = (ApiServer::new("w"), ApiServer::new("e"));
    let running = running(&west, &east).await;
    for (server, ca) in [(&west, "west"), (&east, "east")] {
        let (status, document) = ask(&running, &server.token(&running.mesh, |_| ()), running.mesh.csr("/ns/shop/sa/cart")).await;
        assert_eq!(status, 201, "{document}");
        let (uris, issuer) = names(&document);
        assert_eq!(uris, [format!("spiffe://{TRUST_DOMAIN}/ns/shop/sa/cart")]);
        assert!(issuer.contains(ca), "{issuer}");
    }
    // More than the policy gives is cut, and the answer says by which rule.
    let answer = running
        .stranger()
        .bearer(&west.token(&running.mesh, |_| ()))
        .post("/v1/certificates?lifetime=1d", running.mesh.csr("/ns/shop/sa/cart"))
        .await;
    let cut = answer.json()["lifetime_cut"].clone();
    assert_eq!((cut["asked_seconds"].as_u64(), cut["got_seconds"].as_u64()), (Some(86_400), Some(3_600)));
    assert!(cut["reason"].as_str().unwrap().contains("west/workloads/teams"), "{cut}");
}

#[tokio::test]
async fn tokens_that_prove_nothing_are_refused() {
    let (west, east, stranger) = (ApiServer::new("w"), ApiServer::new("e"), ApiServer::new("w"));
    let running = running(&west, &east).await;
    let mesh = &running.mesh;
    let good = west.token(mesh, |_| ());
    let (head, rest) = good.split_once('.').unwrap();
    let none = format!("{}.{rest}", BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#));
    let other = west.token(mesh, |claims| claims["sub"] = json!("system:serviceaccount:shop:till"));
    let swapped = format!("{head}.{}.{}", other.split('.').nth(1).unwrap(), good.split('.').nth(2).unwrap());
    let cases = [
        ("by a stranger's key", stranger.token(mesh, |_| ())),
        ("alg none", none),
        ("claims of another token", swapped),
        ("for Istio", west.token(mesh, |claims| claims["aud"] = json!(["istio-ca"]))),
        ("for the API server", west.token(mesh, |claims| claims["aud"] = json!([ISSUER]))),
        ("expired", west.token(mesh, |claims| claims["exp"] = json!(mesh.clock.now().unix() - 3_600))),
        ("without an end", west.token(mesh, |claims| drop(claims.as_object_mut().unwrap().remove("exp")))),
        ("of another issuer", west.token(mesh, |claims| claims["iss"] = json!("https://other"))),
        ("cut off", good[..good.len() - 4].to_owned()),
    ];
    for (what, token) in cases {
        let (status, document) = ask(&running, &token, mesh.csr("/ns/shop/sa/cart")).await;
        assert_eq!(status, 401, "{what}: {document}");
        assert!(!document.to_string().contains(&token), "{what}: the token is in the answer");
    }
}

#[tokio::test]
async fn the_policy_refuses_with_its_rule() {
    let (west, east) = (ApiServer::new("w"), ApiServer::new("e"));
    let running = running(&west, &east).await;
    let elsewhere = |claims: &mut Value| {
        claims["sub"] = json!("system:serviceaccount:kube-system:cart");
        claims["kubernetes.io"]["namespace"] = json!("kube-system");
    };
    let (status, document) = ask(&running, &west.token(&running.mesh, elsewhere), running.mesh.csr("/ns/kube-system/sa/cart")).await;
    assert_eq!((status, document["code"].as_str().unwrap()), (403, "policy.no_rule"), "{document}");
    assert!(document["rule"].as_str().unwrap().starts_with("clusters.west") || document["rule"].as_str().unwrap().starts_with("west/"), "{document}");
    let (status, document) = ask(&running, &west.token(&running.mesh, |_| ()), running.mesh.csr("/ns/shop/sa/till")).await;
    assert_eq!((status, document["code"].as_str().unwrap()), (403, "policy.other_identity"), "{document}");
    // Join tokens are off in this policy.
    let (status, document) = ask(&running, &running.token("/ns/shop/sa/cart").await, running.mesh.csr("/ns/shop/sa/cart")).await;
    assert_eq!((status, document["code"].as_str().unwrap()), (403, "policy.callers_off"), "{document}");
}

#[tokio::test]
async fn a_changed_policy_holds_when_all_of_it_is_valid() {
    let (west, east) = (ApiServer::new("w"), ApiServer::new("e"));
    let running = running(&west, &east).await;
    let folder = running.mesh.folder.path().to_owned();
    let may = async || ask(&running, &west.token(&running.mesh, |_| ()), running.mesh.csr("/ns/shop/sa/cart")).await.0;
    assert_eq!(may().await, 201);
    let reloaded = async |text: &str| {
        write(&folder, "policy.toml", text);
        running.service.reload();
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    };
    reloaded(&POLICY.replace("namespaces = [\"shop\"]", "namespaces = [\"shop\"]\nnamspaces = []")).await;
    assert_eq!(may().await, 201, "a policy with a fault is not used");
    reloaded(&POLICY.replace("namespaces = [\"shop\"]", "namespaces = [\"team\"]")).await;
    assert_eq!(may().await, 403);
    // The cluster's keys are rotated.
    reloaded(POLICY).await;
    let rotated = ApiServer::new("w2");
    write(&folder, "west.json", &rotated.jwks());
    running.service.reload();
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(may().await, 401);
    assert_eq!(ask(&running, &rotated.token(&running.mesh, |_| ()), running.mesh.csr("/ns/shop/sa/cart")).await.0, 201);
}

#[tokio::test]
async fn a_service_with_a_faulty_policy_does_not_start() {
    let mesh = TestMesh::new();
    let folder = mesh.folder.path().to_owned();
    for (policy, code) in [
        ("nonsense = 1", "permission.malformed"),
        ("[clusters.north]\ntrust_domain = \"mesh.example\"\n", "permission.faults"),
        (POLICY, "permission.missing"),
    ] {
        let mut config = meshroot_service::Config::default();
        config.listen.address.set_port(0);
        config.health.address.set_port(0);
        config.policy.file = Some(write(&folder, "policy.toml", policy));
        let refused = meshroot_service::Service::start(config, support::parts(&mesh)).await.unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
    }
}
