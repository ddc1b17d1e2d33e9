use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;

/// Who is at the other end of a connection: where from, and with which certificate, not yet judged. In every request's
/// extensions.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) origin: Origin,
    /// What the client showed, leaf first; it has proven the key, nothing else.
    pub(crate) chain: Option<Arc<[CertificateDer<'static>]>>,
}

/// Where a connection comes from.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// The network.
    Network(SocketAddr),
    /// The Unix socket, opened by this user, who may.
    Socket {
        /// The user's number.
        user: u32,
    },
}

impl Origin {
    /// The address, if it comes over the network.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Network(address) => Some(address.ip()),
            Self::Socket { .. } => None,
        }
    }
}

impl core::fmt::Display for Origin {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Network(address) => write!(f, "{address}"),
            Self::Socket { user } => write!(f, "socket, user {user}"),
        }
    }
}
