//! Those who may speak do, with every version, and never by a session of before.

use std::sync::Arc;

use meshroot_rustls::{PeerVerifier, Peers, client_config, peer_id, server_config};
use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, Error, HandshakeKind, ProtocolVersion, ServerConfig};

use crate::mesh::{Mesh, trust};
use crate::shake::{Broken, shake};

#[test]
fn two_workloads_speak_and_know_each_other() {
    let mesh = Mesh::new("mesh.example");
    let client = client_config(&mesh.trust(), &mesh.identity("/ns/shop/sa/cart"), Peers::trusted(), &[]).unwrap();
    let server = server_config(&mesh.trust(), &mesh.identity("/ns/shop/sa/shop"), Peers::trusted(), &[]).unwrap();
    let mut pair = shake(&Arc::new(client), &Arc::new(server)).unwrap();
    assert!(pair.works());
    assert_eq!(pair.client.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    assert_eq!(peer_id(pair.client.peer_certificates().unwrap()), Some(mesh.id("/ns/shop/sa/shop")));
    assert_eq!(peer_id(pair.server.peer_certificates().unwrap()), Some(mesh.id("/ns/shop/sa/cart")));
}

#[test]
fn workloads_of_two_trust_domains_speak_when_each_holds_the_others_bundle() {
    let (ours, theirs) = (Mesh::new("mesh.example"), Mesh::new("partner.example"));
    let both = trust([&ours.bundle, &theirs.bundle]);
    let client = client_config(&both, &theirs.identity("/buyer"), Peers::of(ours.bundle.trust_domain().clone()), &[]).unwrap();
    let server = server_config(&both, &ours.identity("/ns/shop/sa/shop"), Peers::ids([theirs.id("/buyer")]), &[]).unwrap();
    assert!(shake(&Arc::new(client), &Arc::new(server)).unwrap().works());
}

#[test]
fn the_protocol_is_agreed_on() {
    let mesh = Mesh::new("mesh.example");
    let (cart, shop) = (mesh.identity("/cart"), mesh.identity("/shop"));
    let client = |alpn: &[&[u8]]| Arc::new(client_config(&mesh.trust(), &cart, Peers::trusted(), alpn).unwrap());
    let server = Arc::new(server_config(&mesh.trust(), &shop, Peers::trusted(), &[b"h2", b"http/1.1"]).unwrap());
    let pair = shake(&client(&[b"http/1.1", b"h2"]), &server).unwrap();
    assert_eq!(pair.client.alpn_protocol(), Some(&b"h2"[..]));
    assert!(matches!(shake(&client(&[b"smtp"]), &server), Err(Broken::ByServer { said: Error::NoApplicationProtocol, .. })));
}

/// A client as others configure theirs: it keeps sessions, and speaks these versions.
fn keeping_client(mesh: &Mesh, versions: &[&'static rustls::SupportedProtocolVersion]) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(PeerVerifier::new(mesh.trust(), Peers::trusted())))
        .with_client_cert_resolver(mesh.identity("/cart"))
}

fn keeping_server(mesh: &Mesh) -> ServerConfig {
    ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(Arc::new(PeerVerifier::new(mesh.trust(), Peers::trusted())))
        .with_cert_resolver(mesh.identity("/shop"))
}

fn kinds(client: ClientConfig, server: ServerConfig) -> [(Option<HandshakeKind>, u32); 2] {
    let (client, server) = (Arc::new(client), Arc::new(server));
    [(); 2].map(|()| {
        let mut pair = shake(&client, &server).unwrap();
        assert!(pair.works());
        (pair.client.handshake_kind(), pair.client.tls13_tickets_received())
    })
}

/// No session was resumed, and no ticket handed out to resume this one.
const FRESH: (Option<HandshakeKind>, u32) = (Some(HandshakeKind::Full), 0);

#[test]
fn tls_1_2_works_too() {
    let mesh = Mesh::new("mesh.example");
    let server = server_config(&mesh.trust(), &mesh.identity("/shop"), Peers::trusted(), &[]).unwrap();
    let pair = shake(&Arc::new(keeping_client(&mesh, &[&rustls::version::TLS12])), &Arc::new(server)).unwrap();
    assert_eq!(pair.server.protocol_version(), Some(ProtocolVersion::TLSv1_2));
    assert_eq!(peer_id(pair.server.peer_certificates().unwrap()), Some(mesh.id("/cart")));
}

#[test]
fn no_session_is_resumed_by_our_server() {
    let mesh = Mesh::new("mesh.example");
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let ours = || server_config(&mesh.trust(), &mesh.identity("/shop"), Peers::trusted(), &[]).unwrap();
        assert_eq!(kinds(keeping_client(&mesh, &[version]), ours()), [FRESH, FRESH], "{version:?}");
        // The test would see it: the same client and another server.
        let [_, (second, _)] = kinds(keeping_client(&mesh, &[version]), keeping_server(&mesh));
        assert_eq!(second, Some(HandshakeKind::Resumed), "{version:?}");
    }
}

#[test]
fn no_session_is_resumed_by_our_client() {
    let mesh = Mesh::new("mesh.example");
    let ours = client_config(&mesh.trust(), &mesh.identity("/cart"), Peers::trusted(), &[]).unwrap();
    assert_eq!(kinds(ours, keeping_server(&mesh)).map(|(kind, _)| kind), [Some(HandshakeKind::Full); 2]);
}
