//! Makes the common trust of two clusters: one root, a CA for each cluster below it, and the trust bundle that every
//! workload validates its peers with.
//!
//!     cargo run -p meshroot-examples --bin make_a_hierarchy

use std::error::Error;
use std::time::{Duration, SystemTime};

use meshroot::csr::ProvenRequest;
use meshroot::hierarchy::{ClusterName, Command, Hierarchy, create_cluster_ca, create_root};
use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey};
use meshroot::profile::Profile;
use meshroot::spiffe::TrustDomain;
use meshroot::time::{Timestamp, humanize};

fn main() -> Result<(), Box<dyn Error>> {
    let crypto = Crypto::ring();
    // The library never reads the clock: time is always an argument.
    let now = Timestamp::from(SystemTime::now());
    let trust_domain = TrustDomain::parse("mesh.example")?;
    let mut hierarchy = Hierarchy::new(trust_domain.clone());

    // The root. Keep its private key somewhere else, and offline: it is needed only to add a cluster.
    let root_key = PrivateKey::generate(KeyAlgorithm::EcdsaP384, &crypto)?.signer(&crypto)?;
    let path = create_root(&trust_domain, &Profile::root_ca(), &*root_key, &crypto, now)?;
    let root = path.signing().ok_or("a path has a first certificate")?.clone();
    // A hierarchy decides whether a change is allowed, and answers with events: store those, then apply them.
    for event in hierarchy.decide(&Command::AddRoot { path }, &crypto, now)? {
        hierarchy.apply(&event);
    }

    // One CA for each cluster. Its key can live in that cluster; only a request has to come here.
    let root = (root, root_key);
    let bundle = hierarchy.bundle()?;
    for name in ["west", "east"] {
        let cluster = ClusterName::parse(name)?;
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto)?.signer(&crypto)?;
        let request = ProvenRequest::from_signer(&*key, &crypto)?;
        let profile = Profile::cluster_ca().with_lifetime(Duration::from_secs(180 * 86_400));
        let path = create_cluster_ca(&root, &bundle, &cluster, request, &profile, &crypto, now)?;
        for event in hierarchy.decide(&Command::AddCluster { cluster, path }, &crypto, now)? {
            hierarchy.apply(&event);
        }
    }

    println!("{}", hierarchy.trust_domain());
    for authority in hierarchy.authorities() {
        let Some(certificate) = authority.certificate() else { continue };
        let left = humanize(certificate.validity().remaining(now));
        println!("  {:14} {:8} {left:>5} left  {}", authority.id(), authority.state(), certificate.subject());
    }
    let bundle = hierarchy.bundle()?;
    println!("bundle {} with {} root, as every cluster gets it:", bundle.sequence().unwrap_or(0), bundle.x509_authorities().len());
    print!("{}", bundle.to_pem());
    Ok(())
}
