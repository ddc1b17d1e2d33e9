use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;

/// Who is at the other end of a connection: where from, and with which certificate, not yet judged. In every request's
/// extensions.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// What the client showed, leaf first; it has proven the key, nothing else.
    pub(crate) chain: Option<Arc<[CertificateDer<'static>]>>,
}
