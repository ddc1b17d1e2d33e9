//! Searching what was issued.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait")]

mod support;

use std::time::Duration;

use meshroot::hierarchy::ClusterName;
use serde_json::Value;
use support::{Running, TRUST_DOMAIN};

async fn issue(running: &Running, path: &str) {
    let token = running.token(path).await;
    let issued = running.stranger().bearer(&token).post("/v1/certificates", running.mesh.csr(path)).await;
    assert_eq!(issued.status, 201, "{}", issued.text());
}

async fn filled() -> Running {
    let running = Running::start().await;
    for path in ["/ns/shop/sa/cart", "/ns/shop/sa/till", "/ns/bank/sa/till"] {
        issue(&running, path).await;
    }
    running
}

async fn ask(running: &Running, query: &str) -> Value {
    let answer = running.administrator().get(&format!("/v1/inventory?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    answer.json()
}

fn ids(found: &Value) -> Vec<String> {
    let start = format!("spiffe://{TRUST_DOMAIN}");
    found["certificates"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().replace(&start, "")).collect()
}

fn authority(running: &Running, cluster: &str) -> String {
    running.mesh.hierarchy.active_cluster_ca(&ClusterName::parse(cluster).unwrap()).unwrap().id().to_string()
}

#[tokio::test]
async fn certificates_are_found_by_what_is_asked_for() {
    let running = filled().await;
    let shop = format!("id=spiffe://{TRUST_DOMAIN}/ns/shop/*");
    for (query, expected) in [
        (shop.as_str(), &["/ns/shop/sa/cart", "/ns/shop/sa/till"][..]),
        ("id=spiffe://mesh.example/ns/shop/%E2%80%A6", &["/ns/shop/sa/cart", "/ns/shop/sa/till"]),
        ("id=spiffe://mesh.example/ns/bank/sa/till", &["/ns/bank/sa/till"]),
        ("caller=token", &["/ns/shop/sa/cart", "/ns/shop/sa/till", "/ns/bank/sa/till"]),
        ("caller=nobody", &[]),
        ("cluster=east", &[]),
        ("trust_domain=other.example", &[]),
        ("cluster=west&caller=token&expires_by=2100-01-01T00:00:00Z", &["/ns/shop/sa/cart", "/ns/shop/sa/till", "/ns/bank/sa/till"]),
        ("expires_by=2020-01-01T00:00:00Z", &[]),
    ] {
        // At once, and when the inventory has followed.
        for _ in 0..2 {
            assert_eq!(ids(&ask(&running, query).await), expected, "{query}");
            until_known(&running).await;
        }
    }
    let first = ask(&running, "limit=1").await;
    assert_eq!((first["next_after"].as_u64(), first["last_record"].as_u64(), first["known_until_record"].as_u64()), (Some(1), Some(4), Some(4)));
    let mut after = 1;
    while let Some(next) = ask(&running, &format!("limit=1&after={after}")).await["next_after"].as_u64() {
        assert!(next > after);
        after = next;
    }
}

async fn until_known(running: &Running) {
    // Few records wait a minute for others.
    running.mesh.clock.advance(61);
    for _ in 0..100 {
        let log = running.administrator().get("/v1/status").await.json()["log"].clone();
        if log["inventory_until_record"] == log["last_record"] {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the inventory does not follow the log");
}

#[tokio::test]
async fn who_depends_on_a_root_is_counted_by_cluster_and_listed() {
    let running = filled().await;
    let root = running.mesh.hierarchy.active_root().unwrap().id().to_string();
    let found = ask(&running, &format!("depends_on={root}")).await;
    let depends = &found["depends_on"];
    // The service's own certificate is west's, too.
    assert_eq!((depends["authority"].as_str(), depends["certificates"].as_u64()), (Some(root.as_str()), Some(4)), "{found}");
    let by = depends["by"].as_array().unwrap();
    assert_eq!(by.len(), 1);
    assert_eq!((by[0]["cluster"].as_str(), by[0]["authority"].as_str()), (Some("west"), Some(authority(&running, "west").as_str())));
    assert_eq!(found["certificates"].as_array().unwrap().len(), 4);
    let last = found["certificates"].as_array().unwrap().iter().map(|row| row["not_after"].as_str().unwrap()).max();
    assert_eq!(depends["last_expiry"].as_str(), last);
    // Tomorrow only the service's own is left.
    running.mesh.clock.advance(86_400);
    let found = ask(&running, &format!("depends_on={root}")).await;
    assert_eq!((found["depends_on"]["certificates"].as_u64(), found["certificates"].as_array().unwrap().len()), (Some(1), 1));
    let east = ask(&running, &format!("depends_on={}", authority(&running, "east"))).await;
    assert_eq!((east["depends_on"]["certificates"].as_u64(), &east["depends_on"]["last_expiry"]), (Some(0), &Value::Null));
}

#[tokio::test]
async fn what_cannot_be_searched_for_is_named() {
    let running = Running::start().await;
    for (query, code) in [
        ("authority=nobody", "inventory.authority"),
        ("depends_on=nobody", "inventory.authority"),
        ("cluster=nowhere", "inventory.cluster"),
        ("expires_by=tomorrow", "inventory.time"),
        ("serial=xyz", "inventory.serial"),
        ("id=cart", "spiffe.id.scheme"),
        ("name=cart", "http.malformed_query"),
    ] {
        let refused = running.administrator().get(&format!("/v1/inventory?{query}")).await;
        assert_eq!(refused.status, 400, "{query}");
        if !code.starts_with("spiffe") {
            assert_eq!(refused.code(), code, "{query}");
        }
    }
}

#[tokio::test]
async fn what_expired_long_ago_goes_by_itself() {
    let running = filled().await;
    until_known(&running).await;
    let held = |status: Value| (status["log"]["held"].as_u64().unwrap(), status["log"]["last_record"].as_u64().unwrap());
    assert_eq!(held(running.administrator().get("/v1/status").await.json()), (4, 4));
    // All of it expired, the service's own certificate after 90 days, and then the retention.
    running.mesh.clock.advance(181 * 86_400);
    for _ in 0..100 {
        if held(running.administrator().get("/v1/status").await.json()) == (0, 4) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{}", running.administrator().get("/v1/status").await.text());
}
