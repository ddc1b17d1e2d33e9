//! What we show is all of one piece, and is replaced while connections go on.

use std::sync::Arc;

use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey};
use meshroot_rustls::{Credential, CredentialError, Peers, client_config, peer_id, server_config};

use crate::mesh::Mesh;
use crate::shake::shake;

#[test]
fn a_new_credential_is_shown_from_the_next_handshake_on_and_open_connections_go_on() {
    let mesh = Mesh::new("mesh.example");
    let (cart, shop) = (mesh.identity("/cart"), mesh.identity("/shop"));
    let client = Arc::new(client_config(&mesh.trust(), &cart, Peers::trusted(), &[]).unwrap());
    let server = Arc::new(server_config(&mesh.trust(), &shop, Peers::trusted(), &[]).unwrap());
    let mut open = shake(&client, &server).unwrap();

    cart.replace(mesh.credential("/cart-2"));
    shop.replace(mesh.credential("/shop-2"));
    assert_eq!(shop.id(), mesh.id("/shop-2"));
    let next = shake(&client, &server).unwrap();
    assert_eq!(peer_id(next.client.peer_certificates().unwrap()), Some(mesh.id("/shop-2")));
    assert_eq!(peer_id(next.server.peer_certificates().unwrap()), Some(mesh.id("/cart-2")));
    assert!(open.works());
    assert_eq!(peer_id(open.client.peer_certificates().unwrap()), Some(mesh.id("/shop")));
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let mesh = Mesh::new("mesh.example");
    let ((key, issued), (other, _)) = (mesh.issue("/cart"), mesh.issue("/cart"));
    let read = |key: &PrivateKey| Credential::from_pem(issued.chain_pem().as_bytes(), key.to_pkcs8_pem().as_bytes(), &Crypto::ring());
    assert_eq!(read(&key).unwrap().id(), &mesh.id("/cart"));
    assert_eq!(read(&key).unwrap().chain().len(), 2);
    assert_eq!(read(&key).unwrap().validity(), issued.validity());
    assert_eq!(read(&other).unwrap_err(), CredentialError::OtherKey(mesh.id("/cart")));
}

#[test]
fn a_chain_that_starts_with_a_ca_is_refused() {
    let mesh = Mesh::new("mesh.example");
    let (key, issued) = mesh.issue("/cart");
    let mut backwards = issued.chain_der();
    backwards.reverse();
    let read = |chain: &[&[u8]]| Credential::from_der(chain, key.pkcs8_der(), &Crypto::ring()).unwrap_err();
    assert_eq!(read(&backwards), CredentialError::NoIdentity);
    assert_eq!(read(&[]), CredentialError::NoCertificate);
    assert_eq!(read(&[issued.der(), b"garbage"]).code(), "credential.certificate");
}

#[test]
fn debug_shows_no_key() {
    let mesh = Mesh::new("mesh.example");
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &Crypto::ring()).unwrap();
    let (own, issued) = mesh.issue("/cart");
    let credential = Credential::from_der(&issued.chain_der(), own.pkcs8_der(), &Crypto::ring()).unwrap();
    let shown = format!("{credential:?}");
    assert!(shown.starts_with("Credential { id: spiffe://mesh.example/cart, validity: "), "{shown}");
    assert!(shown.len() < 200, "{shown}");
    assert!(Credential::from_der(&issued.chain_der(), key.pkcs8_der(), &Crypto::ring()).is_err());
}
