//! What one caller, and all together, may use up.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

mod support;

use std::time::{Duration, Instant};

use meshroot_service::config::Seconds;
use support::Running;
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
