//! Validates the certificate chain that a peer presents, reads its identity, and says why another one is refused.
//!
//!     cargo run -p meshroot-examples --bin validate_a_peer

use std::error::Error;
use std::time::{Duration, SystemTime};

use meshroot::bundle::{Bundle, BundleMap};
use meshroot::csr::ProvenRequest;
use meshroot::hierarchy::create_root;
use meshroot::issue::{Authorized, Issued, Issuer};
use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey};
use meshroot::profile::Profile;
use meshroot::revocation::CrlSet;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;
use meshroot::verify::{Reason, Validator};

fn main() -> Result<(), Box<dyn Error>> {
    let crypto = Crypto::ring();
    let now = Timestamp::from(SystemTime::now());
    let (ours, peer) = mesh("mesh.example", &crypto, now)?;
    let (_, impostor) = mesh("mesh.example", &crypto, now)?;
    let (_, stranger) = mesh("other.example", &crypto, now)?;

    // One bundle for each trust domain that we accept; the peer's own trust domain picks the one that counts.
    let mut bundles = BundleMap::new();
    bundles.insert(ours);
    let validator = Validator::new(&bundles, crypto);

    // What a TLS stack hands over: the leaf first, then intermediates, in DER.
    let chain: Vec<Vec<u8>> = peer.chain_der().into_iter().map(<[u8]>::to_vec).collect();
    let svid = validator.validate(&chain, &CrlSet::empty(), now)?;
    println!("accepted {}", svid.id());
    println!("  trust domain {}, path {}, good until {}", svid.id().trust_domain(), svid.id().path(), svid.not_after());
    // Authorization starts from the identity, never from other names in the certificate.
    let allowed = svid.id().path().starts_with("/ns/shop/");
    println!("  {} the shop's price list", if allowed { "may read" } else { "may not read" });

    // Same names, another root; a trust domain that we do not know; and our own peer, a day too late.
    let tomorrow = now.plus(Duration::from_secs(25 * 3600));
    for (issued, at) in [(&impostor, now), (&stranger, now), (&peer, tomorrow)] {
        let Err(rejection) = validator.validate(&issued.chain_der(), &CrlSet::empty(), at) else { return Err("accepted a wrong peer".into()) };
        println!("refused: {rejection}");
        // Reasons are values: act on them instead of searching in texts.
        match &rejection.reason {
            Reason::UnknownTrustDomain(name) => println!("  is a federation with {name} wanted?"),
            Reason::Expired { not_after, .. } => println!("  its renewal failed before {not_after}"),
            reason => println!("  the rule is in {}", reason.source()),
        }
    }
    Ok(())
}

/// A root that signs a workload's certificate; real meshes have cluster CAs between, see `make_a_hierarchy`.
fn mesh(name: &str, crypto: &Crypto, now: Timestamp) -> Result<(Bundle, Issued), Box<dyn Error>> {
    let trust_domain = TrustDomain::parse(name)?;
    let root_key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, crypto)?.signer(crypto)?;
    let root = create_root(&trust_domain, &Profile::root_ca(), &*root_key, crypto, now)?;
    let id = SpiffeId::from_path(trust_domain.as_ref(), "/ns/shop/sa/cart")?;
    let bundle = Bundle::new(trust_domain).with_x509_authorities(root.certificates().iter().cloned())?;

    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, crypto)?.signer(crypto)?;
    let grant = Authorized::workload(ProvenRequest::from_signer(&*key, crypto)?, id)?;
    let issuer = Issuer::new(root.certificates(), &bundle, root_key, crypto.clone(), now)?;
    let issued = issuer.issue(grant, &Profile::workload(), crypto.entropy(), now)?;
    Ok((bundle, issued))
}
