//! Connections that rest between requests: nobody but the memory notices.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

mod support;

use std::time::{Duration, Instant};

use meshroot_service::config::Seconds;
use support::{Raw, Running};
use tokio::io::AsyncReadExt;

/// Longer than a connection is awake after its last request.
const REST: Duration = Duration::from_millis(700);

const REQUEST: &str = "GET /roots.pem HTTP/1.1\r\nhost: localhost\r\n\r\n";

async fn ended_within(raw: &mut Raw, most: Duration) -> bool {
    let mut rest = Vec::new();
    tokio::time::timeout(most, raw.stream.read_to_end(&mut rest)).await.is_ok() && rest.is_empty()
}

#[tokio::test]
async fn a_connection_that_rested_is_served_as_before() {
    let running = Running::start().await;
    let mut raw = running.stranger().raw().await;
    for _ in 0..3 {
        raw.send(REQUEST).await;
        assert_eq!(raw.answer().await, 200);
        tokio::time::sleep(REST).await;
    }
    // A head in two pieces, the first of which wakes it.
    let (head, rest) = REQUEST.split_at(20);
    raw.send(head).await;
    tokio::time::sleep(REST).await;
    raw.send(rest).await;
    assert_eq!(raw.answer().await, 200);
    tokio::time::sleep(REST).await;
    // Two at once.
    raw.send(&[REQUEST, REQUEST].concat()).await;
    assert_eq!((raw.answer().await, raw.answer().await), (200, 200));
}

#[tokio::test]
async fn a_piece_of_a_head_that_came_with_the_request_before_is_not_lost() {
    let running = Running::start().await;
    let mut raw = running.stranger().raw().await;
    let (head, rest) = REQUEST.split_at(20);
    raw.send(&[REQUEST, head].concat()).await;
    assert_eq!(raw.answer().await, 200);
    tokio::time::sleep(REST).await;
    raw.send(rest).await;
    assert_eq!(raw.answer().await, 200);
}

#[tokio::test]
async fn a_request_that_lasts_is_not_taken_for_rest() {
    let running = Running::start().await;
    let mut raw = running.stranger().raw().await;
    raw.send(REQUEST).await;
    assert_eq!(raw.answer().await, 200);
    let began = Instant::now();
    raw.send("GET /v1/trust-domains/mesh.example/bundle?after=1000&wait=2s HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let status = raw.answer().await;
    assert!(began.elapsed() > Duration::from_secs(1) && matches!(status, 200 | 304), "{status} after {:?}", began.elapsed());
    raw.send(REQUEST).await;
    assert_eq!(raw.answer().await, 200);
}

#[tokio::test]
async fn rest_is_longer_than_a_head_may_take_and_a_head_is_not() {
    let running = Running::with(|config| config.limits.header_timeout = Seconds::new(3)).await;
    let mut raw = running.stranger().raw().await;
    raw.send(REQUEST).await;
    assert_eq!(raw.answer().await, 200);
    tokio::time::sleep(Duration::from_secs(5)).await;
    raw.send(REQUEST).await;
    assert_eq!(raw.answer().await, 200);
    tokio::time::sleep(REST).await;
    raw.send(&REQUEST[..20]).await;
    assert!(ended_within(&mut raw, Duration::from_secs(15)).await, "a head may take for ever on a connection that rested");
}

#[tokio::test]
async fn a_connection_on_which_nothing_is_asked_is_ended() {
    let running = Running::with(|config| config.limits.idle_timeout = Seconds::new(1)).await;
    let mut raw = running.stranger().raw().await;
    raw.send(REQUEST).await;
    assert_eq!(raw.answer().await, 200);
    assert!(ended_within(&mut raw, Duration::from_secs(9)).await);
}

#[tokio::test]
async fn connections_that_rest_hold_up_no_stop() {
    let running = Running::start().await;
    let mut raw = running.stranger().raw().await;
    raw.send(REQUEST).await;
    assert_eq!(raw.answer().await, 200);
    tokio::time::sleep(REST).await;
    let began = Instant::now();
    assert!(running.service.stop().await);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert!(ended_within(&mut raw, Duration::from_secs(9)).await);
}
