//! Connections: accepted within limits, wrapped in TLS, served as HTTP/1.1 or h2, and ended in good order.

mod accept;
mod peer;
mod socket;

pub(crate) use accept::{Door, Entrance};
pub(crate) use peer::{Origin, Peer};
pub(crate) use socket::bind as bind_socket;
