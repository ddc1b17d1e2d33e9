//! Reading bundles.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

mod support;

use std::time::{Duration, Instant};

use hyper::Method;
use meshroot_store::{Change, RenderedBundle};
use support::{Client, Running, TRUST_DOMAIN};

const BUNDLE: &str = "/v1/trust-domains/mesh.example/bundle";

#[tokio::test]
async fn a_bundle_is_the_stores_own_bytes_with_a_tag() {
    let running = Running::start().await;
    let held = running.mesh.open().load().unwrap().trust_domains.pop().unwrap().bundle.unwrap();
    let answer = running.stranger().get(BUNDLE).await;
    assert_eq!((answer.status, answer.body.to_vec()), (200, held.bytes.clone()));
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    let tag = answer.header("etag").to_owned();
    for held_tag in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".into()] {
        let unchanged = running.stranger().with("if-none-match", &held_tag).get(BUNDLE).await;
        assert_eq!((unchanged.status, unchanged.body.len(), unchanged.header("etag")), (304, 0, tag.as_str()), "{held_tag}");
    }
    let head = running.stranger().ask(Method::HEAD, BUNDLE, "").await;
    assert_eq!((head.status, head.header("content-length")), (200, held.bytes.len().to_string().as_str()));
}

#[tokio::test]
async fn accept_chooses_the_form() {
    let running = Running::start().await;
    for (accept, kind) in [
        ("application/x-pem-file", "application/x-pem-file"),
        ("text/plain", "application/x-pem-file"),
        ("*/*", "application/json"),
        ("image/png, application/json;q=0.1", "application/json"),
    ] {
        let answer = running.stranger().with("accept", accept).get(BUNDLE).await;
        assert_eq!((answer.status, answer.header("content-type"), answer.header("vary")), (200, kind, "accept"), "{accept}");
    }
    let refused = running.stranger().with("accept", "image/png").get(BUNDLE).await;
    assert_eq!((refused.status, refused.code()), (406, "http.not_acceptable".into()));
    assert_eq!(running.stranger().with("accept", "application/x-pem-file").get(BUNDLE).await.text(), running.mesh.roots_pem);
    assert_eq!(running.stranger().get("/roots.pem").await.text(), running.mesh.roots_pem);
}

#[tokio::test]
async fn maps_are_for_spiffe_and_for_envoy() {
    let running = Running::start().await;
    let map = running.stranger().get("/v1/bundle-map").await.json();
    assert!(map["trust_domains"][TRUST_DOMAIN]["keys"].is_array());
    let envoy = running.stranger().get("/v1/bundle-map?for=envoy").await.json();
    assert!(envoy["trust_domains"][TRUST_DOMAIN]["keys"].is_array());
    assert_eq!(running.stranger().get("/v1/bundle-map?for=nginx").await.code(), "http.malformed_query");
}

#[tokio::test]
async fn a_reader_who_waits_is_told_of_a_change_at_once() {
    let running = Running::start().await;
    let began = Instant::now();
    let reader = running.stranger();
    let waiting = tokio::spawn(async move { (reader.get(&format!("{BUNDLE}?after=1&wait=30s")).await, Instant::now()) });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished());

    // Another process publishes the next bundle.
    let store = running.mesh.open();
    let loaded = store.load().unwrap();
    let held = loaded.trust_domains[0].clone();
    let next = running.mesh.hierarchy.bundle().unwrap().with_sequence(2);
    let event = meshroot::hierarchy::Event::AnchorPublished {
        authority: running.mesh.hierarchy.active_root().unwrap().id().clone(),
        sequence: 2,
        at: meshroot_service::Clock::now(&running.mesh.clock),
    };
    let bundle = RenderedBundle { sequence: 2, bytes: next.to_spiffe_json().into_bytes() };
    let at = meshroot_service::Clock::now(&running.mesh.clock);
    let change = Change {
        expected_version: loaded.version,
        trust_domain: held.trust_domain,
        events: vec![event],
        sealed_keys: Vec::new(),
        bundle: Some(bundle),
        at,
    };
    store.commit(&change).unwrap();
    // Everywhere at once, when everybody has learned of it.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(!waiting.is_finished());
    running.mesh.clock.advance(i64::try_from(meshroot_store::VISIBLE_AFTER.as_secs()).unwrap());

    let (answer, at) = waiting.await.unwrap();
    assert_eq!((answer.status, answer.json()["spiffe_sequence"].as_u64()), (200, Some(2)));
    assert!(at.duration_since(began) < Duration::from_secs(10));
    // Who is behind is answered at once.
    let late = running.stranger().get(&format!("{BUNDLE}?after=1&wait=30s")).await;
    assert_eq!(late.json()["spiffe_sequence"].as_u64(), Some(2));
}

#[tokio::test]
async fn a_root_is_found_by_its_digest_however_it_is_written() {
    let running = Running::start().await;
    let root = running.mesh.hierarchy.anchors()[0].clone();
    let digest: Vec<String> = running.mesh.crypto.sha256(root.der()).iter().map(|octet| format!("{octet:02X}")).collect();
    for written in [digest.join(""), digest.join(":"), digest.join("").to_lowercase()] {
        assert_eq!(running.stranger().get(&format!("/root/{written}")).await.text(), running.mesh.roots_pem);
    }
    assert_eq!(running.stranger().get("/root/00").await.code(), "bundle.no_such_root");
    assert_eq!(running.stranger().get("/v1/trust-domains/other.example/bundle").await.code(), "bundle.no_such_trust_domain");
}

#[tokio::test]
async fn health_and_metrics_have_a_port_of_their_own() {
    let running = Running::start().await;
    let _ = running.stranger().get(BUNDLE).await;
    let health = Client::plain(running.service.health_address());
    assert_eq!(health.get("/healthz").await.text(), "ok\n");
    assert_eq!(health.get("/readyz").await.text(), "ready\n");
    let metrics = health.get("/metrics").await.text();
    for series in [
        "meshroot_http_answers_total{route=\"/v1/trust-domains/{trust_domain}/bundle\",status=\"200\"} 1",
        "meshroot_authority_expiry_seconds{",
        "meshroot_bundle_sequence{",
    ] {
        assert!(metrics.contains(series), "{series}: {metrics}");
    }
    assert_eq!(health.get(BUNDLE).await.status, 404);
}

#[tokio::test]
async fn a_stop_lets_those_who_wait_have_their_answer() {
    let running = Running::start().await;
    let reader = running.stranger();
    let waiting = tokio::spawn(async move { reader.get(&format!("{BUNDLE}?after=1&wait=60s")).await.status });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let began = Instant::now();
    assert!(running.service.stop().await);
    assert_eq!(waiting.await.unwrap(), 200);
    assert!(began.elapsed() < Duration::from_secs(20));
}
