//! Asking for certificates.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

mod support;

use std::sync::LazyLock;
use std::time::Duration;

use meshroot::bundle::{Bundle, Limits};
use meshroot::key::Crypto;
use meshroot::spiffe::TrustDomain;
use meshroot::verify::CaPath;
use meshroot_service::Clock;
use meshroot_store::Query;
use support::log::LOG;
use support::{Running, TRUST_DOMAIN};

const CART: &str = "/ns/shop/sa/cart";

#[tokio::test]
async fn a_token_gets_the_identity_it_is_good_for_once() {
    let running = Running::start().await;
    let client = running.stranger().bearer(&running.token(CART).await);
    let answer = client.post("/v1/certificates?lifetime=1h", running.mesh.csr(CART)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), "no-store");
    let document = answer.json();

    // The chain leads to the bundle that came with it, and is on record.
    let chain = meshroot::pem::certificates(document["chain"].as_str().unwrap().as_bytes()).unwrap();
    let trust_domain = TrustDomain::parse(TRUST_DOMAIN).unwrap();
    let (bundle, ignored) = Bundle::from_spiffe_json(trust_domain, document["bundle"].to_string().as_bytes(), &Limits::default()).unwrap();
    assert!(ignored.is_empty() && bundle.sequence() == document["bundle_sequence"].as_u64());
    let now = running.mesh.clock.now();
    CaPath::find(&chain[1], &[], bundle.x509_authorities(), &Crypto::ring(), now).unwrap();
    chain[0].verify_signature(chain[1].public_key(), &Crypto::ring()).unwrap();
    let names = chain[0].alt_names().unwrap();
    assert_eq!(names.uris, [format!("spiffe://{TRUST_DOMAIN}{CART}")]);
    assert_eq!(chain[0].validity().not_after, now.plus(Duration::from_secs(3_600)));
    let store = running.mesh.open();
    let row = store.issuances(&Query { serial: Some(chain[0].serial().clone()), ..Query::default() }).unwrap().pop().unwrap();
    assert_eq!(row.certificate, chain[0].der());

    let again = client.post("/v1/certificates", running.mesh.csr(CART)).await;
    assert_eq!((again.status, again.code()), (401, "authentication.token_used".into()));
}

#[tokio::test]
async fn a_request_for_somebody_else_is_refused_and_the_token_stays_good() {
    let running = Running::start().await;
    let client = running.stranger().bearer(&running.token(CART).await);
    let refused = client.post("/v1/certificates", running.mesh.csr("/ns/shop/sa/till")).await;
    assert_eq!((refused.status, refused.code()), (403, "policy.other_identity".into()));
    assert!(refused.json()["rule"].is_string());
    assert_eq!(client.post("/v1/certificates", running.mesh.csr(CART)).await.status, 201);
}

#[tokio::test]
async fn the_same_key_and_request_get_the_same_certificate() {
    let running = Running::start().await;
    let client = running.stranger().bearer(&running.token(CART).await).with("idempotency-key", "k-1");
    let csr = running.mesh.csr(CART);
    let first = client.post("/v1/certificates", csr.clone()).await;
    let second = client.post("/v1/certificates", csr.clone()).await;
    assert_eq!((first.status, second.status), (201, 201), "{}", second.text());
    assert_eq!(first.json()["chain"], second.json()["chain"]);
    let other = client.post("/v1/certificates", running.mesh.csr(CART)).await;
    assert_eq!((other.status, other.code()), (409, "store.idempotency_mismatch".into()));
    let longer = client.post("/v1/certificates?lifetime=2h", csr).await;
    assert_eq!((longer.status, longer.code()), (409, "store.idempotency_mismatch".into()));
}

#[tokio::test]
async fn of_many_who_use_one_token_at_once_one_gets_a_certificate() {
    let running = Running::start().await;
    let client = running.stranger().bearer(&running.token(CART).await);
    let asked = (0..8).map(|_| {
        let (client, csr) = (client.clone(), running.mesh.csr(CART));
        tokio::spawn(async move { client.post("/v1/certificates", csr).await.status })
    });
    let mut statuses = Vec::new();
    for one in asked.collect::<Vec<_>>() {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 401, 401, 401, 401, 401, 401, 401]);
}

#[tokio::test]
async fn bad_requests_are_told_what_is_wrong() {
    let running = Running::start().await;
    let client = running.stranger().bearer(&running.token(CART).await);
    let csr = running.mesh.csr(CART);
    let cut = csr.replace("-----END", "-----ENT");
    let cases: Vec<(&str, Vec<u8>, u16)> = vec![
        ("/v1/certificates", Vec::new(), 400),
        ("/v1/certificates", b"garbage".to_vec(), 400),
        ("/v1/certificates", cut.into_bytes(), 400),
        ("/v1/certificates?lifetime=soon", csr.clone().into_bytes(), 400),
        ("/v1/certificates?lifetime=0s", csr.clone().into_bytes(), 400),
        ("/v1/certificates?id=spiffe://mesh.example/x", csr.clone().into_bytes(), 400),
        ("/v1/certificates", vec![b'x'; 100_000], 413),
    ];
    for (path, body, expected) in cases {
        let shown = String::from_utf8_lossy(&body).chars().take(20).collect::<String>();
        let answer = client.post(path, body).await;
        assert_eq!(answer.status, expected, "{path} {shown}: {}", answer.text());
        assert!(!answer.code().is_empty());
    }
    for headers in [vec!["Bearer a", "Bearer b"], vec!["Basic abc"], vec!["Bearer"], vec!["Bearer a b"]] {
        let client = headers.iter().fold(running.stranger(), |client, value| client.with("authorization", value));
        let answer = client.post("/v1/certificates", csr.clone()).await;
        assert_eq!(answer.status, 400, "{headers:?}: {}", answer.text());
    }
    // None of it used the token up.
    assert_eq!(client.post("/v1/certificates", csr).await.status, 201);
}

#[tokio::test]
async fn an_expired_token_is_told_when_it_expired() {
    let running = Running::start().await;
    let client = running.stranger().bearer(&running.token(CART).await);
    running.mesh.clock.advance(601);
    let refused = client.post("/v1/certificates", running.mesh.csr(CART)).await;
    assert_eq!((refused.status, refused.code()), (401, "authentication.token_expired".into()));
}

#[tokio::test]
async fn a_lifetime_that_was_cut_says_why() {
    LazyLock::force(&LOG);
    let running = Running::start().await;
    let ca = running.mesh.hierarchy.authorities()[1].certificate().unwrap().validity().not_after;
    // The CA has an hour left.
    running.mesh.clock.advance(i64::try_from(ca.since(running.mesh.clock.now()).as_secs()).unwrap() - 3_600);
    let client = running.stranger().bearer(&running.token(CART).await);
    let answer = client.post("/v1/certificates", running.mesh.csr(CART)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let cut = &answer.json()["lifetime_cut"];
    assert_eq!((cut["asked_seconds"].as_u64(), cut["got_seconds"].as_u64()), (Some(86_400), Some(3_600)), "{cut}");
    let reason = cut["reason"].as_str().unwrap();
    assert!(reason.contains("expires at"));
    // And the record says it in the same words.
    let lines = LOG.audit(answer.header("x-request-id"));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0]["details"].as_str().unwrap().ends_with(&format!(", {reason}")), "{lines:?}");
    running.mesh.clock.advance(3_600);
    let ready = running.stranger().get("/readyz").await;
    assert_eq!((ready.status, ready.code()), (503, "service.not_ready".into()));
}
