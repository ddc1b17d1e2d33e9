//! Replaces a root without an outage: the old root cross-signs the new one, so that peers which know only the old one
//! accept certificates below the new one until the new bundle has reached everybody.
//!
//!     cargo run -p meshroot-examples --bin cross_sign_a_root

use std::error::Error;
use std::sync::Arc;
use std::time::SystemTime;

use meshroot::bundle::{Bundle, BundleMap};
use meshroot::csr::ProvenRequest;
use meshroot::hierarchy::{ClusterName, create_cluster_ca, create_root};
use meshroot::issue::{Authorized, Issuer};
use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey, Signer};
use meshroot::profile::Profile;
use meshroot::revocation::CrlSet;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;
use meshroot::verify::Validator;
use meshroot::x509::Certificate;

fn main() -> Result<(), Box<dyn Error>> {
    let (crypto, now) = (Crypto::ring(), Timestamp::from(SystemTime::now()));
    let trust_domain = TrustDomain::parse("mesh.example")?;
    let (old_root, old_key) = root(&trust_domain, &crypto, now)?;
    let new = root(&trust_domain, &crypto, now)?;
    let before = Bundle::new(trust_domain).with_x509_authorities([old_root.clone()])?.with_sequence(1);
    let after = before.add(new.0.clone())?;

    // The old root signs the new root's name and key: the same CA with a second certificate.
    let old_issuer = Issuer::new(&[old_root], &before, old_key, crypto.clone(), now)?;
    let cross = Certificate::from_der(old_issuer.cross_sign(&new.0, &Profile::subordinate_ca(), crypto.entropy(), now)?.der())?;
    println!("'{}' cross-signed by '{}'", cross.subject(), cross.issuer());
    println!("  same key: {}, until {}", cross.public_key() == new.0.public_key(), cross.validity().not_after);

    // A cluster CA below the new root, and a workload's certificate from it.
    let ca_key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto)?.signer(&crypto)?;
    let request = ProvenRequest::from_signer(&*ca_key, &crypto)?;
    let path = create_cluster_ca(&new, &after, &ClusterName::parse("west")?, request, &Profile::cluster_ca(), &crypto, now)?;
    let issuer = Issuer::new(path.certificates(), &after, ca_key, crypto.clone(), now)?;
    let workload = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto)?.signer(&crypto)?;
    let request = ProvenRequest::from_signer(&*workload, &crypto)?;
    let grant = Authorized::workload(request, SpiffeId::parse("spiffe://mesh.example/ns/shop/sa/cart")?)?;
    let issued = issuer.issue(grant, &Profile::workload(), crypto.entropy(), now)?;

    // Peers that have the new bundle, and peers that do not yet; the chain as it is, and with the cross certificate.
    let plain = issued.chain_der();
    let mut crossed = issued.chain_der();
    crossed.push(cross.der());
    for (peer, bundle) in [("a peer with the new bundle", after), ("a peer with the old bundle", before)] {
        let validator = Validator::new(&BundleMap::from(bundle), crypto.clone());
        for (what, chain) in [("the plain chain", &plain), ("the crossed chain", &crossed)] {
            match validator.validate(chain, &CrlSet::empty(), now) {
                Ok(svid) => println!("{peer} accepts {what}, {} CA certificates above the leaf", svid.path().len()),
                Err(rejection) => println!("{peer} refuses {what} [{}]", rejection.code()),
            }
        }
    }
    Ok(())
}

/// A new root with its key; see `make_a_hierarchy`.
fn root(trust_domain: &TrustDomain, crypto: &Crypto, now: Timestamp) -> Result<(Certificate, Arc<dyn Signer>), Box<dyn Error>> {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, crypto)?.signer(crypto)?;
    let path = create_root(trust_domain, &Profile::root_ca(), &*key, crypto, now)?;
    Ok((path.signing().ok_or("a path has a first certificate")?.clone(), key))
}
