//! Who is refused, by whom, and in which words.

use std::sync::Arc;

use meshroot::bundle::Bundle;
use meshroot_rustls::{PeerVerifier, Peers, Refused, client_config, server_config};
use rustls::crypto::ring::default_provider;
use rustls::{AlertDescription, CertificateError, ClientConfig, Error, ServerConfig};

use crate::mesh::{Mesh, Stolen, trust};
use crate::shake::{Broken, shake};

#[test]
fn a_server_with_another_identity_is_refused() {
    let mesh = Mesh::new("mesh.example");
    let client = client_config(&mesh.trust(), &mesh.identity("/cart"), Peers::ids([mesh.id("/shop")]), &[]).unwrap();
    let server = server_config(&mesh.trust(), &mesh.identity("/thief"), Peers::trusted(), &[]).unwrap();
    let refused = shake(&Arc::new(client), &Arc::new(server)).unwrap_err().by_client();
    assert_eq!(refused.code(), "tls.not_accepted");
    assert_eq!(refused.to_string(), "the peer is spiffe://mesh.example/thief, and accepted is spiffe://mesh.example/shop");
}

#[test]
fn a_client_with_another_identity_is_refused_and_told_little() {
    let mesh = Mesh::new("mesh.example");
    let client = client_config(&mesh.trust(), &mesh.identity("/ns/other/sa/cart"), Peers::trusted(), &[]).unwrap();
    let shop = Peers::when("workloads of the namespace shop", |id| id.path().starts_with("/ns/shop/"));
    let server = server_config(&mesh.trust(), &mesh.identity("/shop"), shop, &[]).unwrap();
    let Err(Broken::ByServer { said, told }) = shake(&Arc::new(client), &Arc::new(server)) else { panic!("accepted") };
    let words = "the peer is spiffe://mesh.example/ns/other/sa/cart, and accepted is workloads of the namespace shop";
    assert_eq!(Refused::of(&said).unwrap().to_string(), words);
    assert!(said.to_string().contains(words), "what ends up in logs: {said}");
    assert_eq!(told, Some(Error::AlertReceived(AlertDescription::CertificateUnknown)));
}

#[test]
fn a_trust_domain_without_a_bundle_is_refused_by_either_side() {
    let (ours, theirs) = (Mesh::new("mesh.example"), Mesh::new("partner.example"));
    let both = trust([&ours.bundle, &theirs.bundle]);
    let (knows, knows_not) = (&both, &ours.trust());
    for (of_client, of_server) in [(knows, knows_not), (knows_not, knows)] {
        let client = client_config(of_client, &theirs.identity("/a"), Peers::trusted(), &[]).unwrap();
        let server = server_config(of_server, &theirs.identity("/b"), Peers::trusted(), &[]).unwrap();
        let broken = shake(&Arc::new(client), &Arc::new(server)).unwrap_err();
        let refused = if Arc::ptr_eq(of_client, knows_not) { broken.by_client() } else { broken.by_server() };
        assert_eq!(refused.code(), "verify.unknown_trust_domain");
        assert!(refused.to_string().contains("partner.example"), "{refused}");
    }
}

#[test]
fn a_trust_domain_that_is_known_and_not_accepted_is_refused() {
    let (ours, theirs) = (Mesh::new("mesh.example"), Mesh::new("partner.example"));
    let both = trust([&ours.bundle, &theirs.bundle]);
    let client = client_config(&both, &theirs.identity("/a"), Peers::trusted(), &[]).unwrap();
    let server = server_config(&both, &ours.identity("/b"), Peers::of(ours.bundle.trust_domain().clone()), &[]).unwrap();
    let refused = shake(&Arc::new(client), &Arc::new(server)).unwrap_err().by_server();
    assert_eq!(refused.to_string(), "the peer is spiffe://partner.example/a, and accepted is anybody of mesh.example");
}

#[test]
fn the_bundle_of_one_trust_domain_never_speaks_for_another() {
    let ours = Mesh::new("mesh.example");
    // Partner's root signs identities of our trust domain.
    let forger = Mesh::new("mesh.example");
    let partner = Mesh::new("partner.example");
    let theirs = Bundle::new(partner.bundle.trust_domain().clone()).with_x509_authorities([forger.root(), partner.root()]).unwrap();
    let both = trust([&ours.bundle, &theirs]);
    let client = client_config(&both, &forger.identity("/cart"), Peers::trusted(), &[]).unwrap();
    let server = server_config(&both, &ours.identity("/shop"), Peers::trusted(), &[]).unwrap();
    let refused = shake(&Arc::new(client), &Arc::new(server)).unwrap_err().by_server();
    assert_eq!(refused.code(), "verify.unknown_issuer");
}

#[test]
fn a_client_without_a_certificate_is_refused() {
    let mesh = Mesh::new("mesh.example");
    let client = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(PeerVerifier::new(mesh.trust(), Peers::trusted())))
        .with_no_client_auth();
    let server = server_config(&mesh.trust(), &mesh.identity("/shop"), Peers::trusted(), &[]).unwrap();
    let broken = shake(&Arc::new(client), &Arc::new(server)).unwrap_err();
    assert!(matches!(broken, Broken::ByServer { said: Error::NoCertificatesPresented, .. }), "{broken:?}");
}

#[test]
fn a_certificate_without_its_key_is_refused_on_either_side() {
    let mesh = Mesh::new("mesh.example");
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let verifier = || Arc::new(PeerVerifier::new(mesh.trust(), Peers::trusted()));
        let of_client = ClientConfig::builder_with_provider(Arc::new(default_provider())).with_protocol_versions(&[version]).unwrap();
        let of_client = of_client.dangerous().with_custom_certificate_verifier(verifier());
        let thief = of_client.clone().with_client_cert_resolver(Arc::new(Stolen::from(&mesh)));
        let server = server_config(&mesh.trust(), &mesh.identity("/shop"), Peers::trusted(), &[]).unwrap();
        let broken = shake(&Arc::new(thief), &Arc::new(server)).unwrap_err();
        let bad = |said: &Error| *said == Error::InvalidCertificate(CertificateError::BadSignature);
        assert!(matches!(&broken, Broken::ByServer { said, .. } if bad(said)), "{broken:?}");

        let client = of_client.with_client_cert_resolver(mesh.identity("/cart"));
        let thief = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier())
            .with_cert_resolver(Arc::new(Stolen::from(&mesh)));
        let broken = shake(&Arc::new(client), &Arc::new(thief)).unwrap_err();
        assert!(matches!(&broken, Broken::ByClient { said } if bad(said)), "{broken:?}");
    }
}

#[test]
fn many_identities_are_named_in_short() {
    let mesh = Mesh::new("mesh.example");
    let some = |count: usize| Peers::ids((0..count).map(|n| mesh.id(&format!("/{n}"))));
    assert_eq!(some(0).to_string(), "nobody");
    assert!(!some(0).accept(&mesh.id("/0")));
    assert_eq!(some(2).to_string(), "spiffe://mesh.example/0 or spiffe://mesh.example/1");
    assert!(some(5).to_string().ends_with("/2 or 2 more"), "{}", some(5));
}
