//! What `/metrics` says.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

mod support;

use std::collections::BTreeSet;

use support::https::{Reply, Server};
use support::kubernetes::{ApiServer, running_with};
use support::{Client, Running};

const CART: &str = "/ns/shop/sa/cart";

async fn metrics(running: &Running) -> String {
    Client::plain(running.service.health_address()).get("/metrics").await.text()
}

/// The value of the series that begins so.
fn value(metrics: &str, series: &str) -> f64 {
    let line = metrics.lines().find(|line| line.starts_with(series)).unwrap_or_else(|| panic!("{series}: {metrics}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn what_is_issued_recorded_and_refused_is_counted() {
    let west = ApiServer::new("w");
    let running = running_with(&west, &ApiServer::new("e"), |_| ()).await;
    let token = west.token(&running.mesh, |_| ());
    for _ in 0..3 {
        let answer = running.stranger().bearer(&token).post("/v1/certificates", running.mesh.csr(CART)).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    let refused = running.stranger().bearer(&token).post("/v1/certificates", running.mesh.csr("/ns/shop/sa/till")).await;
    assert_eq!(refused.status, 403);
    assert_eq!(running.stranger().bearer("a.b.c").post("/v1/certificates", "").await.status, 401);

    let metrics = metrics(&running).await;
    for (series, expected) in [
        ("meshroot_certificates_total{cluster=\"west\",profile=\"workload\",result=\"issued\"}", 3.0),
        ("meshroot_certificates_total{cluster=\"west\",profile=\"workload\",result=\"policy.other_identity\"}", 1.0),
        ("meshroot_http_answers_total{route=\"/v1/certificates\",status=\"201\"}", 3.0),
        ("meshroot_http_duration_seconds_count{route=\"/v1/certificates\"}", 5.0),
        ("meshroot_authentication_failures_total{kind=\"token.base64\"}", 1.0),
        ("meshroot_recorder_batch_size_sum", 3.0),
        ("meshroot_recorder_commit_seconds_count", 3.0),
        ("meshroot_recorder_waiting", 0.0),
    ] {
        assert_eq!(value(&metrics, series), expected, "{series}");
    }
    assert!(value(&metrics, "meshroot_recorder_commit_seconds_sum") > 0.0);
    let year = 365.0 * 86_400.0;
    assert!(value(&metrics, "meshroot_bundle_member_expiry_seconds{") > 9.0 * year);
    assert!(value(&metrics, "meshroot_authority_expiry_seconds{") > 0.9 * year);
    running.mesh.clock.advance(86_400);
    let later = self::metrics(&running).await;
    let passed = value(&metrics, "meshroot_bundle_member_expiry_seconds{") - value(&later, "meshroot_bundle_member_expiry_seconds{");
    assert!((86_400.0..86_500.0).contains(&passed), "{passed}");
}

#[tokio::test]
async fn every_series_is_in_the_guide_and_the_other_way_round() {
    // What never happened is not in it, so everything happens once.
    let (west, east) = (ApiServer::new("w"), ApiServer::new("e"));
    let jwks = east.jwks();
    let server = Server::start(move |_| Reply(200, None, jwks.clone())).await;
    let running = running_with(&west, &east, |config| {
        config.policy.jwks.remove("east");
        config.discovery.jwks.insert("east".into(), format!("{}/keys", server.url()));
        config.discovery.ca.insert("east".into(), server.ca.clone());
    })
    .await;
    let issued = running.stranger().bearer(&west.token(&running.mesh, |_| ())).post("/v1/certificates", running.mesh.csr(CART)).await;
    let serial = issued.json()["serial"].as_str().unwrap().to_owned();
    assert_eq!(running.stranger().bearer("a.b.c").post("/v1/certificates", "").await.status, 401);
    let revoked = running.administrator().post("/v1/revocations", format!("{{\"serial\":\"{serial}\"}}")).await;
    assert_eq!(revoked.status, 201, "{}", revoked.text());
    let mut metrics = String::new();
    for _ in 0..200 {
        metrics = self::metrics(&running).await;
        if metrics.contains("meshroot_key_set_age_seconds{") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let described = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE meshroot_")?.split_once(' '));
    let served: BTreeSet<String> = described.map(|(name, kind)| if kind == "counter" { format!("{name}_total") } else { name.to_owned() }).collect();
    assert!(served.len() > 10, "{served:?}");
    let guide = include_str!("../docs/operations.md");
    let table = guide.split("| series (`meshroot_…`) |").nth(1).unwrap().split("\n\n").next().unwrap();
    let rows = table.lines().skip(2).map(|row| row.split('|').nth(1).unwrap());
    let documented: BTreeSet<String> = rows.flat_map(|names| names.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()).collect();
    assert_eq!(served, documented);
}
