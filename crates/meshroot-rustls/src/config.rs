use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::ring::default_provider;
use rustls::server::NoServerSessionStorage;
use rustls::{ClientConfig, Error, ServerConfig};

use crate::{Identity, PeerVerifier, Peers, Trust};

/// The configuration of a client that shows `identity` and speaks with `peers`: TLS 1.3 and 1.2. `alpn` are the
/// protocols that it offers, the dearest first; empty offers none.
///
/// rustls wants a name to dial; any does, and no certificate has to carry it.
///
/// # Errors
/// None that is known: rustls refuses combinations of versions and cryptography, and this one is fixed.
pub fn client_config(trust: &Arc<Trust>, identity: &Arc<Identity>, peers: Peers, alpn: &[&[u8]]) -> Result<ClientConfig, Error> {
    let resolver: Arc<Identity> = Arc::clone(identity);
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(PeerVerifier::new(Arc::clone(trust), peers)))
        .with_client_cert_resolver(resolver);
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    // A resumed session brings the peer's identity along unseen: a removed root, a revocation or an expiry would not
    // count until the session is forgotten. SPIRE and spiffe-rustls turned resumption off for the same reason.
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// The configuration of a server that shows `identity` and serves `peers`, who all have to show a certificate: TLS 1.3
/// and 1.2. `alpn` are the protocols that it speaks, the dearest first; empty asks for none.
///
/// # Errors
/// As [`client_config`].
pub fn server_config(trust: &Arc<Trust>, identity: &Arc<Identity>, peers: Peers, alpn: &[&[u8]]) -> Result<ServerConfig, Error> {
    let resolver: Arc<Identity> = Arc::clone(identity);
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(Arc::new(PeerVerifier::new(Arc::clone(trust), peers)))
        .with_cert_resolver(resolver);
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    // As for the client: no session is kept here, and none handed out for the client to keep.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}
