//! Renewing with the certificate that one has.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

mod support;

use support::{Client, Running};

const CART: &str = "/ns/shop/sa/cart";
const BUNDLE: &str = "/v1/trust-domains/mesh.example/bundle";

/// A client with a first certificate, got with a token.
async fn joined(running: &Running) -> Client {
    let (csr, key) = running.mesh.csr_and_key(CART);
    let answer = running.stranger().bearer(&running.token(CART).await).post("/v1/certificates", csr).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    showing(running, answer.json()["chain"].as_str().unwrap(), &key)
}

fn showing(running: &Running, chain: &str, key: &str) -> Client {
    Client::showing(running.service.address(), &running.mesh.roots_pem, chain, key)
}

#[tokio::test]
async fn a_workload_renews_its_own_identity() {
    let running = Running::start().await;
    let mut client = joined(&running).await;
    for _ in 0..3 {
        running.mesh.clock.advance(3_600);
        let (csr, key) = running.mesh.csr_and_key(CART);
        let answer = client.post("/v1/certificates", csr).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        client = showing(&running, answer.json()["chain"].as_str().unwrap(), &key);
    }
    let other = client.post("/v1/certificates", running.mesh.csr("/ns/shop/sa/till")).await;
    assert_eq!((other.status, other.code()), (403, "policy.other_identity".into()));
    assert_eq!(client.get("/v1/inventory").await.code(), "authentication.not_an_administrator");
}

#[tokio::test]
async fn a_certificate_that_nobody_recorded_is_nobodys() {
    let running = Running::start().await;
    let (chain, key) = running.mesh.forged(CART);
    let client = showing(&running, &chain, &key);
    let refused = client.post("/v1/certificates", running.mesh.csr(CART)).await;
    assert_eq!((refused.status, refused.code()), (401, "authentication.certificate_not_ours".into()));
    // Bundles are for everybody.
    assert_eq!(client.get(BUNDLE).await.status, 200);
}

#[tokio::test]
async fn an_expired_certificate_renews_nothing_and_still_reads_bundles() {
    let running = Running::start().await;
    let client = joined(&running).await;
    running.mesh.clock.advance(86_401);
    let refused = client.post("/v1/certificates", running.mesh.csr(CART)).await;
    assert_eq!((refused.status, refused.code()), (401, "verify.expired".into()));
    assert_eq!(client.get(BUNDLE).await.status, 200);
}

#[tokio::test]
async fn an_identity_renews_itself_only_for_so_long() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.toml");
    let text = r#"
[clusters.west]
trust_domain = "mesh.example"
callers.join_token = {}
callers.svid = { renewable_for = "2h" }
[[clusters.west.workloads]]
name = "all"
callers = ["join_token", "svid"]
id = "/**"
"#;
    std::fs::write(&policy, text).unwrap();
    let running = Running::with(|config| config.policy.file = Some(policy)).await;
    let mut client = joined(&running).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        running.mesh.clock.advance(3_500);
        let (csr, key) = running.mesh.csr_and_key(CART);
        let answer = client.post("/v1/certificates", csr).await;
        statuses.push(answer.status);
        if answer.status == 201 {
            client = showing(&running, answer.json()["chain"].as_str().unwrap(), &key);
        } else {
            assert_eq!(answer.code(), "policy.renewed_too_long");
        }
    }
    assert_eq!(statuses, [201, 201, 403]);
}

#[tokio::test]
async fn a_tainted_ca_renews_nothing_from_the_moment_that_it_is_tainted() {
    let running = Running::start().await;
    let client = joined(&running).await;
    running.mesh.taint_west();
    tokio::time::sleep(std::time::Duration::from_millis(1_600)).await;
    let refused = client.post("/v1/certificates", running.mesh.csr(CART)).await;
    assert_eq!((refused.status, refused.code()), (401, "authentication.authority".into()));
}

#[tokio::test]
async fn somebody_elses_certificate_is_nobody() {
    let running = Running::start().await;
    let stranger = support::TestMesh::new();
    let (chain, key) = stranger.forged(CART);
    let client = showing(&running, &chain, &key);
    assert_eq!(client.post("/v1/certificates", running.mesh.csr(CART)).await.status, 401);
    assert_eq!(client.get(BUNDLE).await.status, 200);
}
