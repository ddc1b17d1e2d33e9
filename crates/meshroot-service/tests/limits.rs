//! What one caller, and all together, may use up.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

mod support;

use std::time::{Duration, Instant};

use meshroot_service::config::{Rate, Seconds};
use support::kubernetes::{ApiServer, running_with};
use support::{Client, Running};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

#[tokio::test]
async fn a_body_that_trickles_is_cut_off() {
    let running = Running::with(|config| config.limits.body_timeout = Seconds::new(1)).await;
    let mut stream = UnixStream::connect(running.mesh.socket()).await.unwrap();
    stream.write_all(b"POST /v1/tokens HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{").await.unwrap();
    let began = Instant::now();
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("http.too_slow"), "{answer}");
    assert!(began.elapsed() < Duration::from_secs(8));
}

#[tokio::test]
async fn a_head_that_never_ends_is_cut_off() {
    let running = Running::with(|config| config.limits.header_timeout = Seconds::new(1)).await;
    let mut stream = UnixStream::connect(running.mesh.socket()).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(8), stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the connection stays open");
}

#[tokio::test]
async fn a_connection_that_never_shakes_hands_is_closed() {
    let running = Running::with(|config| config.limits.handshake_timeout = Seconds::new(1)).await;
    let mut stream = tokio::net::TcpStream::connect(running.service.address()).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(8), stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok() && answer.is_empty());
}

#[tokio::test]
async fn overload_is_answered_at_once_and_health_stays_up() {
    let running = Running::with(|config| config.limits.requests = 0).await;
    let refused = running.stranger().get("/roots.pem").await;
    assert_eq!((refused.status, refused.code(), refused.header("retry-after")), (503, "http.overloaded".into(), "1"));
    assert!(refused.json()["retryable"].as_bool().unwrap());
    assert_eq!(running.stranger().get("/healthz").await.status, 200);
    assert_eq!(running.stranger().get("/readyz").await.status, 200);
}

#[tokio::test]
async fn somebody_elses_socket_is_not_taken_over() {
    let running = Running::start().await;
    let second = meshroot_service::Service::start(
        {
            let mut config = meshroot_service::Config::default();
            config.listen.address.set_port(0);
            config.health.address.set_port(0);
            config.administration.socket = Some(running.mesh.socket());
            config
        },
        support::parts(&running.mesh),
    )
    .await;
    assert_eq!(second.unwrap_err().code(), "service.socket");
    assert_eq!(running.administrator().get("/v1/tokens").await.status, 200);
}

const CART: &str = "/ns/shop/sa/cart";

async fn ask(running: &Running, token: &str) -> support::Answer {
    running.stranger().bearer(token).post("/v1/certificates", running.mesh.csr(CART)).await
}

#[tokio::test]
async fn a_caller_who_asks_too_often_is_told_when_to_come_back_and_others_are_not_held_up() {
    let west = ApiServer::new("w");
    let slow = |config: &mut meshroot_service::Config| config.limits.caller = Rate { per_second: 1, burst: 3 };
    let running = running_with(&west, &ApiServer::new("e"), slow).await;
    let token = west.token(&running.mesh, |_| ());
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(ask(&running, &token).await.status);
    }
    assert_eq!(&statuses[..3], [201; 3]);
    assert!(statuses.contains(&429), "{statuses:?}");
    let refused = loop {
        let answer = ask(&running, &token).await;
        if answer.status == 429 {
            break answer;
        }
    };
    assert_eq!((refused.code(), refused.header("retry-after")), ("limits.caller".into(), "1"));
    assert!(refused.json()["retryable"].as_bool().unwrap());
    // Another pod of the same service account.
    let other = west.token(&running.mesh, |claims| claims["kubernetes.io"]["pod"]["name"] = "cart-other".into());
    assert_eq!(ask(&running, &other).await.status, 201);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(ask(&running, &token).await.status, 201);
}

#[tokio::test]
async fn a_cluster_that_asks_too_much_does_not_hold_up_another_one() {
    let (west, east) = (ApiServer::new("w"), ApiServer::new("e"));
    let running = running_with(&west, &east, |config| config.limits.cluster = Rate { per_second: 1, burst: 2 }).await;
    let pod = |server: &ApiServer, name: &str| server.token(&running.mesh, |claims| claims["kubernetes.io"]["pod"]["name"] = name.into());
    let mut codes = Vec::new();
    for name in ["a", "b", "c", "d", "e"] {
        let answer = ask(&running, &pod(&west, name)).await;
        codes.push(if answer.status == 201 { "issued".to_owned() } else { answer.code() });
    }
    assert!(codes.iter().any(|code| code == "limits.cluster"), "{codes:?}");
    assert_eq!(ask(&running, &pod(&east, "a")).await.status, 201);
}

#[tokio::test]
async fn an_address_with_too_many_bad_credentials_is_refused_unseen_but_for_whom_we_know() {
    let west = ApiServer::new("w");
    let running = running_with(&west, &ApiServer::new("e"), |config| config.limits.failures = Rate { per_second: 1, burst: 3 }).await;
    let known = west.token(&running.mesh, |_| ());
    assert_eq!(ask(&running, &known).await.status, 201);
    let stranger = ApiServer::new("w");
    let mut codes = Vec::new();
    for n in 0..8 {
        let forged = stranger.token(&running.mesh, |claims| claims["jti"] = format!("{n}").into());
        codes.push(ask(&running, &forged).await.code());
    }
    assert!(codes[..3].iter().all(|code| code == "token.bad_signature") && codes.iter().any(|code| code == "limits.address"), "{codes:?}");
    assert_eq!(ask(&running, &known).await.status, 201);
    // What everybody may read is not held up.
    assert_eq!(running.stranger().get("/roots.pem").await.status, 200);
    assert_eq!(Client::socket(&running.mesh.socket()).get("/v1/status").await.status, 200);
}
