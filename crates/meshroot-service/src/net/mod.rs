//! Connections: accepted within limits, wrapped in TLS, served as HTTP/1.1 or h2, and ended in good order.

mod accept;
mod connection;
mod corked;
mod peer;
mod resting;
mod socket;
mod turn;

pub(crate) use accept::{Door, Entrance};
pub(crate) use peer::{Origin, Peer};
pub(crate) use socket::bind as bind_socket;

/// Returns when the service stops.
async fn stopped(stop: &mut tokio::sync::watch::Receiver<bool>) {
    // Who lost the sender has nobody left to stop it in good order.
    let _ = stop.wait_for(|stop| *stop).await;
}
