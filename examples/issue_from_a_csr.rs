//! Issues a workload's certificate from a certificate signing request, and refuses one that asks for another identity.
//!
//!     cargo run -p meshroot-examples --bin issue_from_a_csr

use std::error::Error;
use std::time::{Duration, SystemTime};

use meshroot::bundle::Bundle;
use meshroot::csr::{Csr, ProvenRequest};
use meshroot::hierarchy::{ClusterName, create_cluster_ca, create_root};
use meshroot::issue::{Authorized, Issuer};
use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey};
use meshroot::profile::Profile;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;

fn main() -> Result<(), Box<dyn Error>> {
    let crypto = Crypto::ring();
    let now = Timestamp::from(SystemTime::now());
    let issuer = cluster_ca(&crypto, now)?;

    // The workload's side: its key never leaves it. Any client's PKCS#10 request will do.
    let cart = SpiffeId::parse("spiffe://mesh.example/ns/shop/sa/cart")?;
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto)?.signer(&crypto)?;
    let request_pem = Csr::for_workload(&*key, &cart)?.to_pem();

    // The CA's side. Reading is strict; proving checks that the asker holds the private key.
    let request = Csr::from_pem_or_der(request_pem.as_bytes())?.prove(&crypto)?;
    // Who it is comes from you (a token, an attestation), never from the request.
    let grant = Authorized::workload(request, cart)?;
    let profile = Profile::workload().with_lifetime(Duration::from_secs(3600));
    let issued = issuer.issue(grant, &profile, crypto.entropy(), now)?;
    println!("issued {} until {}", issued.serial(), issued.validity().not_after);
    if let Some(cut) = issued.lifetime_cut() {
        println!("note: {cut}");
    }
    // The leaf, then the cluster CA. The root is not sent: peers have it in their bundle.
    print!("{}", issued.chain_pem());

    // A request that names an identity other than the granted one gets nothing.
    let admin = SpiffeId::parse("spiffe://mesh.example/ns/shop/sa/admin")?;
    let request = Csr::from_pem_or_der(request_pem.as_bytes())?.prove(&crypto)?;
    match Authorized::workload(request, admin) {
        Ok(_) => Err("another identity was granted".into()),
        Err(denial) => {
            println!("denied [{}]: {denial}", denial.code());
            Ok(())
        }
    }
}

/// A root and the CA of one cluster below it; see `make_a_hierarchy`.
fn cluster_ca(crypto: &Crypto, now: Timestamp) -> Result<Issuer, Box<dyn Error>> {
    let trust_domain = TrustDomain::parse("mesh.example")?;
    let root_key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, crypto)?.signer(crypto)?;
    let root_path = create_root(&trust_domain, &Profile::root_ca(), &*root_key, crypto, now)?;
    let root = root_path.signing().ok_or("a path has a first certificate")?.clone();
    let bundle = Bundle::new(trust_domain).with_x509_authorities([root.clone()])?;

    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, crypto)?.signer(crypto)?;
    let request = ProvenRequest::from_signer(&*key, crypto)?;
    let path = create_cluster_ca(&(root, root_key), &bundle, &ClusterName::parse("west")?, request, &Profile::cluster_ca(), crypto, now)?;
    Ok(Issuer::new(path.certificates(), &bundle, key, crypto.clone(), now)?)
}
