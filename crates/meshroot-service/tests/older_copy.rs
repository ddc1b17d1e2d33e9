//! A store that was put back from a backup: nothing is published or issued until an administrator says so.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait")]

mod support;

use std::time::Duration;

use support::{Client, Running, TRUST_DOMAIN, TestMesh};

const BUNDLE: &str = "/v1/trust-domains/mesh.example/bundle";
const PUBLISHED: [&str; 4] = [BUNDLE, "/v1/bundle-map", "/v1/bundle-map?for=envoy", "/roots.pem"];

async fn nothing_is_published(running: &Running) {
    for path in PUBLISHED {
        let refused = running.stranger().get(path).await;
        assert_eq!((refused.status, refused.code()), (503, "store.older_copy".into()), "{path}");
        assert!(!refused.header("retry-after").is_empty());
    }
    let health = Client::plain(running.service.health_address());
    assert_eq!((health.get("/healthz").await.status, health.get("/readyz").await.status), (200, 503));
}

async fn all_is_well(running: &Running) {
    for path in PUBLISHED {
        let answer = running.stranger().get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    let health = Client::plain(running.service.health_address());
    assert_eq!(health.get("/readyz").await.status, 200);
}

async fn sequence(running: &Running) -> u64 {
    running.stranger().get(BUNDLE).await.json()["spiffe_sequence"].as_u64().unwrap()
}

/// Somebody with a certificate of west.
fn workload(running: &Running, path: &str) -> Client {
    let (chain, key) = running.mesh.forged(path);
    Client::showing(running.service.address(), &running.mesh.roots_pem, &chain, &key)
}

#[tokio::test]
async fn a_stranger_who_claims_to_have_seen_more_is_not_believed() {
    let running = Running::start().await;
    for after in [2, 7, u64::MAX] {
        for _ in 0..4 {
            assert_eq!(running.stranger().get(&format!("{BUNDLE}?after={after}")).await.status, 200);
        }
    }
    let stranger = TestMesh::new();
    for path in ["/a", "/b", "/c", "/d"] {
        let (chain, key) = stranger.forged(path);
        let client = Client::showing(running.service.address(), &running.mesh.roots_pem, &chain, &key);
        assert_eq!(client.get(&format!("{BUNDLE}?after=7")).await.status, 200, "of another mesh");
    }
    all_is_well(&running).await;
}

#[tokio::test]
async fn several_workloads_that_have_seen_more_stop_it_until_an_administrator_speaks() {
    let running = Running::start().await;
    let token = running.token("/ns/shop/sa/cart").await;
    // One, however often, is not enough; nor are numbers that were held.
    for _ in 0..5 {
        assert_eq!(workload(&running, "/ns/shop/sa/cart").get(&format!("{BUNDLE}?after=7")).await.status, 200);
    }
    for path in ["/ns/shop/sa/a", "/ns/shop/sa/b", "/ns/shop/sa/c"] {
        assert_eq!(workload(&running, path).get(&format!("{BUNDLE}?after=1")).await.status, 200);
    }
    assert_eq!(workload(&running, "/ns/shop/sa/till").get(&format!("{BUNDLE}?after=7")).await.status, 200);
    let third = workload(&running, "/ns/shop/sa/bank").get(&format!("{BUNDLE}?after=7")).await;
    assert_eq!((third.status, third.code()), (503, "store.older_copy".into()));
    nothing_is_published(&running).await;
    let refused = running.stranger().bearer(&token).post("/v1/certificates", running.mesh.csr("/ns/shop/sa/cart")).await;
    assert_eq!((refused.status, refused.code()), (503, "store.older_copy".into()));
    let status = running.administrator().get("/v1/status").await.json();
    assert_eq!((status["ready"].as_bool(), status["epoch"].as_u64()), (Some(false), Some(0)));
    assert!(status["words"].as_str().unwrap().contains("store restored"), "{status}");
    assert!(status["older_copy"].as_str().unwrap().contains("bundle 7"), "{status}");

    let restored = running.administrator().post("/v1/store/restored", "").await;
    assert_eq!(restored.status, 200, "{}", restored.text());
    let restored = restored.json();
    let jumped = restored["bundles"][0]["sequence"].as_u64().unwrap();
    assert_eq!(restored["epoch"].as_u64(), Some(1));
    all_is_well(&running).await;
    assert_eq!(sequence(&running).await, jumped);
    assert!(jumped > 1_000_000, "far ahead: {jumped}");
    let issued = running.stranger().bearer(&token).post("/v1/certificates", running.mesh.csr("/ns/shop/sa/cart")).await;
    assert_eq!(issued.status, 201, "{}", issued.text());
    assert_eq!(issued.json()["bundle_sequence"].as_u64(), Some(jumped));
}

#[tokio::test]
async fn a_backup_that_was_put_back_is_noticed_at_start_and_administrators_get_in() {
    let mesh = put_back().await;
    let running = Running { service: mesh.serve(|_| ()).await, mesh };
    let health = Client::plain(running.service.health_address());
    let not_ready = health.get("/readyz").await;
    assert_eq!((not_ready.status, not_ready.text().contains("older copy")), (503, true), "{}", not_ready.text());
    let status = running.administrator().get("/v1/status").await.json();
    assert!(status["older_copy"].as_str().unwrap().contains("the mark beside it"), "{status}");
    // Callers learn why, under the certificate that the service had before.
    nothing_is_published(&running).await;
    let refused = running.administrator().post("/v1/tokens", format!(r#"{{"cluster":"west","id":"spiffe://{TRUST_DOMAIN}/a","ttl":"1m"}}"#)).await;
    assert_eq!((refused.status, refused.code()), (503, "store.older_copy".into()));

    assert_eq!(running.administrator().post("/v1/store/restored", "").await.status, 200);
    all_is_well(&running).await;
    // The service gets a certificate of its own again.
    let mut next = None;
    for _ in 0..100 {
        next = running.administrator().get("/v1/inventory").await.json()["certificates"][0]["record"].as_u64();
        if next.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(next.unwrap() > 1_000_000, "no record is named twice: {next:?}");
}

#[tokio::test]
async fn without_a_certificate_that_is_still_good_administrators_get_in_and_then_all_others() {
    let changes: [fn(&TestMesh, &std::path::Path); 3] = [
        |_, kept| std::fs::remove_file(kept).unwrap(),
        |_, kept| {
            // The key of another certificate.
            let text = std::fs::read_to_string(kept).unwrap();
            let other = text.split("sealed_key").nth(1).unwrap().chars().find(char::is_ascii_lowercase).unwrap();
            let (chain, key) = text.split_once("sealed_key").unwrap();
            std::fs::write(kept, format!("{chain}sealed_key{}", key.replacen(other, "A", 1))).unwrap();
        },
        // Three months later.
        |mesh, _| mesh.clock.advance(91 * 86_400),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mesh = put_back().await;
        let kept = mesh.folder.path().join("service.tls");
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&kept).unwrap().permissions());
        assert_eq!((mode & 0o777, std::fs::read_to_string(&kept).unwrap().contains("PRIVATE KEY")), (0o600, false));
        change(&mesh, &kept);
        let running = Running { service: mesh.serve(|_| ()).await, mesh };
        assert!(!handshake(&running).await, "{number}");
        if number > 0 {
            continue;
        }
        assert_eq!(running.administrator().post("/v1/store/restored", "").await.status, 200);
        // The service gets its own certificate by itself.
        for _ in 0..100 {
            if handshake(&running).await {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        all_is_well(&running).await;
    }
}

/// Whether TLS is served.
async fn handshake(running: &Running) -> bool {
    let stranger = running.stranger();
    // Without a certificate to show, the handshake fails, and the client panics.
    tokio::spawn(async move { stranger.get(BUNDLE).await.status }).await.is_ok()
}

/// A mesh whose service has run and issued a certificate, and whose store was then put back from a backup made before.
async fn put_back() -> TestMesh {
    let mesh = TestMesh::new();
    let (database, backup) = (mesh.folder.path().join("mesh.db"), mesh.folder.path().join("backup"));
    std::fs::copy(&database, &backup).unwrap();
    let running = Running { service: mesh.serve(|_| ()).await, mesh };
    let token = running.token("/ns/shop/sa/cart").await;
    let issued = running.stranger().bearer(&token).post("/v1/certificates", running.mesh.csr("/ns/shop/sa/cart")).await;
    assert_eq!(issued.status, 201);
    let Running { service, mesh } = running;
    assert!(service.stop().await);
    // Chores that were under way may hold the store for a moment.
    closed(&mesh).await;
    std::fs::copy(&backup, &database).unwrap();
    mesh
}

async fn closed(mesh: &TestMesh) {
    for _ in 0..100 {
        if !mesh.folder.path().join("mesh.db-wal").exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
