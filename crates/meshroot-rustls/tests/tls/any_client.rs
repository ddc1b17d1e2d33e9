//! A server that takes any client certificate, and judges later.

use std::sync::Arc;

use meshroot_rustls::{AnyClientCertificate, PeerVerifier, Peers, peer_id};
use rustls::client::ResolvesClientCert;
use rustls::crypto::ring::default_provider;
use rustls::{CertificateError, ClientConfig, Error, ServerConfig};

use crate::mesh::{Mesh, Stolen};
use crate::shake::{Broken, Pair, shake};

/// A handshake of a client that shows this, or nothing.
fn call(mesh: &Mesh, shown: Option<Arc<dyn ResolvesClientCert>>) -> Result<Pair, Broken> {
    let client = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(PeerVerifier::new(mesh.trust(), Peers::trusted())));
    let client = match shown {
        Some(resolver) => client.with_client_cert_resolver(resolver),
        None => client.with_no_client_auth(),
    };
    let server = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(Arc::new(AnyClientCertificate::new()))
        .with_cert_resolver(mesh.identity("/service"));
    shake(&Arc::new(client), &Arc::new(server))
}

#[test]
fn any_certificate_and_none_are_let_in_to_be_judged_later() {
    let (mesh, stranger) = (Mesh::new("mesh.example"), Mesh::new("other.example"));
    let pair = call(&mesh, Some(stranger.identity("/a"))).unwrap();
    let chain = pair.server.peer_certificates().unwrap();
    assert_eq!(peer_id(chain), Some(stranger.id("/a")));
    assert_eq!(mesh.trust().validate(chain).unwrap_err().reason.code(), "verify.unknown_trust_domain");
    assert!(call(&mesh, None).unwrap().server.peer_certificates().is_none());
}

#[test]
fn a_certificate_without_its_key_is_refused_all_the_same() {
    let mesh = Mesh::new("mesh.example");
    let broken = call(&mesh, Some(Arc::new(Stolen::from(&mesh)))).unwrap_err();
    let bad = Error::InvalidCertificate(CertificateError::BadSignature);
    assert!(matches!(&broken, Broken::ByServer { said, .. } if *said == bad), "{broken:?}");
}
