//! What the command asks of other machines: the chain that a TLS peer presents, and a document over HTTPS.
//!
//! Everything here blocks, and ends by a deadline whatever the other side does: it may be silent, endlessly talkative, or
//! speak another protocol.

mod address;
mod connect;
mod error;
mod http;
mod identity;
mod peer;
mod recorder;
mod roots;
mod url;

pub(crate) use address::TlsAddress;
pub(crate) use error::NetError;
pub(crate) use http::get;
pub(crate) use identity::Identity;
pub(crate) use peer::{Asked, look};
pub(crate) use roots::WebRoots;
pub(crate) use url::HttpsUrl;

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::WantsClientCert;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::{ConfigBuilder, SupportedProtocolVersion};

/// TLS 1.3 and 1.2: what any peer of a mesh can do.
const VERSIONS: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The beginning of every configuration. The provider is a value: no global is set, and none is looked for.
fn configuration(verifier: Arc<dyn ServerCertVerifier>) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, NetError> {
    let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(VERSIONS).map_err(|e| NetError::Tls(e.to_string()))?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier))
}
