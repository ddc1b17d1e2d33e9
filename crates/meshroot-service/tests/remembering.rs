//! Verdicts about callers are remembered, and forgotten when they may not hold any more.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

mod support;

use std::time::Duration;

use meshroot_service::Clock;
use support::kubernetes::{ApiServer, POLICY, running_with, write};
use support::{Client, Running};

const CART: &str = "/ns/shop/sa/cart";

/// How many callers were judged, and how many remembered.
async fn counts(running: &Running) -> [u64; 2] {
    let metrics = Client::plain(running.service.health_address()).get("/metrics").await.text();
    let count = |verdict: &str| {
        let series = format!("meshroot_callers_total{{verdict=\"{verdict}\"}} ");
        metrics.lines().find_map(|line| line.strip_prefix(series.as_str())).map_or(0, |number| number.parse().unwrap())
    };
    [count("judged"), count("remembered")]
}

async fn ask(running: &Running, token: &str) -> u16 {
    running.stranger().bearer(token).post("/v1/certificates", running.mesh.csr(CART)).await.status
}

#[tokio::test]
async fn a_token_is_verified_once_until_it_expires() {
    let west = ApiServer::new("w");
    let running = running_with(&west, &ApiServer::new("e"), |_| ()).await;
    let now = running.mesh.clock.now().unix();
    let token = west.token(&running.mesh, |claims| claims["exp"] = (now + 600).into());
    let before = counts(&running).await;
    for _ in 0..5 {
        assert_eq!(ask(&running, &token).await, 201);
    }
    let after = counts(&running).await;
    assert_eq!([after[0] - before[0], after[1] - before[1]], [1, 4]);
    // The clocks' leeway is over, too.
    running.mesh.clock.advance(640);
    assert_eq!(ask(&running, &token).await, 401);
}

#[tokio::test]
async fn a_token_of_a_key_that_left_the_set_is_forgotten_with_it() {
    let west = ApiServer::new("w");
    let running = running_with(&west, &ApiServer::new("e"), |_| ()).await;
    let token = west.token(&running.mesh, |_| ());
    assert_eq!([ask(&running, &token).await, ask(&running, &token).await], [201, 201]);
    write(running.mesh.folder.path(), "west.json", &ApiServer::new("w").jwks());
    running.service.reload();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(ask(&running, &token).await, 401);
}

#[tokio::test]
async fn a_bad_token_is_judged_once_and_forgotten_when_its_key_comes() {
    let (west, late) = (ApiServer::new("w"), ApiServer::new("w"));
    let running = running_with(&west, &ApiServer::new("e"), |_| ()).await;
    let token = late.token(&running.mesh, |_| ());
    let before = counts(&running).await;
    for _ in 0..5 {
        assert_eq!(ask(&running, &token).await, 401);
    }
    let after = counts(&running).await;
    assert_eq!([after[0] - before[0], after[1] - before[1]], [1, 4]);
    write(running.mesh.folder.path(), "west.json", &late.jwks());
    running.service.reload();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(ask(&running, &token).await, 201);
}

#[tokio::test]
async fn a_changed_policy_holds_for_remembered_callers() {
    let west = ApiServer::new("w");
    let running = running_with(&west, &ApiServer::new("e"), |_| ()).await;
    let token = west.token(&running.mesh, |_| ());
    assert_eq!(ask(&running, &token).await, 201);
    write(running.mesh.folder.path(), "policy.toml", &POLICY.replace("audiences = [\"meshroot\"]", "audiences = [\"other\"]"));
    running.service.reload();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(ask(&running, &token).await, 401);
}

#[tokio::test]
async fn a_client_certificate_is_judged_once_until_the_mesh_changes_or_it_expires() {
    let running = Running::start().await;
    let (csr, key) = running.mesh.csr_and_key(CART);
    let answer = running.stranger().bearer(&running.token(CART).await).post("/v1/certificates", csr).await.json();
    let client = Client::showing(running.service.address(), &running.mesh.roots_pem, answer["chain"].as_str().unwrap(), &key);
    let ask = async || client.post("/v1/certificates", running.mesh.csr(CART)).await;
    let before = counts(&running).await;
    for _ in 0..3 {
        assert_eq!(ask().await.status, 201);
    }
    let after = counts(&running).await;
    assert_eq!([after[0] - before[0], after[1] - before[1]], [1, 2]);

    running.mesh.clock.advance(86_401);
    assert_eq!(ask().await.code(), "verify.expired");
    running.mesh.clock.advance(-86_401);
    assert_eq!(ask().await.status, 201);

    running.mesh.taint_west();
    tokio::time::sleep(Duration::from_millis(1_600)).await;
    assert_eq!(ask().await.code(), "authentication.authority");
}

#[tokio::test]
async fn a_used_token_is_looked_up_once() {
    let running = Running::start().await;
    let token = running.token(CART).await;
    assert_eq!(ask(&running, &token).await, 201);
    let before = counts(&running).await;
    for _ in 0..4 {
        assert_eq!(ask(&running, &token).await, 401);
        assert_eq!(ask(&running, &format!("meshroot-join-{}", "0".repeat(64))).await, 401);
    }
    let after = counts(&running).await;
    assert_eq!([after[0] - before[0], after[1] - before[1]], [2, 6]);
}

#[tokio::test]
async fn nothing_is_remembered_where_the_settings_say_so() {
    let west = ApiServer::new("w");
    let running = running_with(&west, &ApiServer::new("e"), |config| config.limits.remembered = 0).await;
    let token = west.token(&running.mesh, |_| ());
    for _ in 0..3 {
        assert_eq!(ask(&running, &token).await, 201);
    }
    assert_eq!(counts(&running).await, [3, 0]);
}
