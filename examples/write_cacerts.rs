//! Makes Istio's plug-in CA, the Secret `cacerts`, for two clusters, and shows what the check says about a set that
//! istiod would refuse. With a folder as argument it also writes the files there.
//!
//!     cargo run -p meshroot-examples --bin write_cacerts -- cacerts

use std::error::Error;
use std::path::Path;
use std::time::SystemTime;
use std::{env, fs};

use meshroot::bundle::Bundle;
use meshroot::csr::ProvenRequest;
use meshroot::hierarchy::{ClusterName, create_cluster_ca, create_root};
use meshroot::istio::{CA_KEY, Cacerts, CacertsFiles, DEFAULT_NAMESPACE, check, check_together};
use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey};
use meshroot::profile::Profile;
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;

fn main() -> Result<(), Box<dyn Error>> {
    let (crypto, now) = (Crypto::ring(), Timestamp::from(SystemTime::now()));
    let trust_domain = TrustDomain::parse("mesh.example")?;
    let root_key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto)?.signer(&crypto)?;
    let root = create_root(&trust_domain, &Profile::root_ca(), &*root_key, &crypto, now)?;
    let root = (root.signing().ok_or("a path has a first certificate")?.clone(), root_key);
    let bundle = Bundle::new(trust_domain).with_x509_authorities([root.0.clone()])?;

    // istiod signs with this key itself, so here the private key is needed, not only a signer.
    let cacerts = |cluster: &str| -> Result<Cacerts, Box<dyn Error>> {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto)?;
        let request = ProvenRequest::from_signer(&*key.signer(&crypto)?, &crypto)?;
        let cluster = ClusterName::parse(cluster)?;
        let path = create_cluster_ca(&root, &bundle, &cluster, request, &Profile::cluster_ca(), &crypto, now)?;
        // It is checked as istiod would read it, and comes to be only without findings.
        Ok(Cacerts::new(path.certificates(), &key, bundle.x509_authorities(), &crypto, now)?)
    };
    let (west, east) = (cacerts("west")?, cacerts("east")?);
    for (name, set) in [("west", &west), ("east", &east)] {
        let files: Vec<_> = set.files().iter().map(|(file, bytes)| format!("{file} ({} bytes)", bytes.len())).collect();
        println!("{name}: {}", files.join(", "));
        if let Some(folder) = env::args().nth(1) {
            write(&Path::new(&folder).join(name), set)?;
        }
    }

    // What no single istiod sees: do the clusters fit together?
    println!("between the clusters: {} findings", check_together(&[("west", west.report()), ("east", east.report())]).len());

    // The manifest holds the private key: pipe it into `kubectl apply -f -` rather than into a repository.
    let manifest = west.secret_manifest(DEFAULT_NAMESPACE)?;
    manifest.lines().take(7).for_each(|line| println!("    {line}"));

    // The same check judges files of any origin. Here, two clusters' files were mixed up.
    let mut mixed = CacertsFiles::default();
    for (ours, theirs) in west.files().into_iter().zip(east.files()) {
        let (name, bytes) = if ours.0 == CA_KEY { theirs } else { ours };
        mixed.set(name, bytes);
    }
    for finding in check(&mixed, &crypto, now).findings() {
        println!("[{}] {finding}", finding.code);
    }
    Ok(())
}

/// Private keys deserve mode 0600 and a folder of 0700; `meshroot istio cacerts` sees to that.
fn write(folder: &Path, set: &Cacerts) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    for (name, bytes) in set.files() {
        fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}
