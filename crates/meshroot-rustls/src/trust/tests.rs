use meshroot::csr::ProvenRequest;
use meshroot::hierarchy::create_root;
use meshroot::issue::{Authorized, Issuer};
use meshroot::key::{KeyAlgorithm, PrivateKey};
use meshroot::profile::Profile;
use meshroot::spiffe::SpiffeId;

use super::*;

#[test]
fn what_was_verified_is_remembered_until_something_is_replaced() {
    let (crypto, now) = (Crypto::ring(), Timestamp::from_unix(1_796_083_200));
    let trust_domain = TrustDomain::parse("mesh.example").unwrap();
    let signer = || PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto).unwrap().signer(&crypto).unwrap();
    let root_key = signer();
    let root = create_root(&trust_domain, &Profile::root_ca(), &*root_key, &crypto, now).unwrap();
    let bundle = Bundle::new(trust_domain).with_x509_authorities(root.certificates().iter().cloned()).unwrap().with_sequence(1);
    let issuer = Issuer::new(root.certificates(), &bundle, root_key, crypto.clone(), now).unwrap();
    let id = SpiffeId::parse("spiffe://mesh.example/cart").unwrap();
    let grant = Authorized::workload(ProvenRequest::from_signer(&*signer(), &crypto).unwrap(), id).unwrap();
    let issued = issuer.issue(grant, &Profile::workload(), crypto.entropy(), now).unwrap();

    let trust = Trust::with_clock(bundle.clone().into(), crypto.clone(), move || now);
    let paths = || trust.state.load().remembered.paths();
    assert_eq!(paths(), 0);
    for _ in 0..2 {
        trust.validate(&issued.chain_der()).unwrap();
        assert_eq!(paths(), 1);
    }
    trust.replace(bundle.with_sequence(2).into()).unwrap();
    assert_eq!(paths(), 0);
    trust.validate(&issued.chain_der()).unwrap();
    assert_eq!(paths(), 1);
    trust.replace_crls(CrlSet::empty());
    assert_eq!(paths(), 0);
}
