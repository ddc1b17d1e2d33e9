//! Connections: accepted within limits, wrapped in TLS, served as HTTP/1.1 or h2, and ended in good order.

mod accept;
mod peer;

pub(crate) use accept::{Door, Security};
pub(crate) use peer::Peer;
