//! TLS of the service: its certificate, and client certificates, which are asked for and never demanded.

mod files;
mod kept;
mod own;
mod resolver;

use std::sync::Arc;

use meshroot_rustls::AnyClientCertificate;
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::server::NoServerSessionStorage;

pub use files::TlsFileError;
pub(crate) use files::load as load_files;
pub(crate) use own::Own;
pub(crate) use resolver::Served;

/// The configuration of the port for HTTPS: TLS 1.2 and 1.3.
pub(crate) fn server_config(served: Arc<Served>) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(Arc::new(AnyClientCertificate::new()))
        .with_cert_resolver(served);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // A resumed session brings its client certificate along unseen; every handshake proves its key afresh.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}
