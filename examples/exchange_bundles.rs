//! Exports a trust bundle as the SPIFFE standard writes it, imports it on another side, takes over a newer one, and
//! refuses to be taken back to an older one.
//!
//!     cargo run -p meshroot-examples --bin exchange_bundles

use std::error::Error;
use std::time::{Duration, SystemTime};

use meshroot::bundle::{Bundle, BundleMap, Change, Limits};
use meshroot::hierarchy::create_root;
use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey};
use meshroot::profile::Profile;
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use meshroot::x509::Certificate;

fn main() -> Result<(), Box<dyn Error>> {
    let trust_domain = TrustDomain::parse("mesh.example")?;

    // The publisher. Sequence numbers only grow, and each change makes a new bundle with the next one.
    let first =
        Bundle::new(trust_domain.clone()).with_x509_authorities([root(&trust_domain)?])?.with_sequence(1).with_refresh_hint(Duration::from_secs(300));
    let second = first.add(root(&trust_domain)?)?;
    let published = second.to_spiffe_json();
    println!("{published}");

    // The consumer knows from its configuration whose bundle it asked for; the document does not say.
    let (imported, ignored) = Bundle::from_spiffe_json(trust_domain.clone(), published.as_bytes(), &Limits::default())?;
    println!("imported bundle {:?} of {} with {} roots", imported.sequence(), imported.trust_domain(), imported.x509_authorities().len());
    for entry in ignored {
        println!("ignored: {entry}");
    }

    // Is it news? Each side asks before it replaces what it holds.
    match imported.supersedes(&first)? {
        Change::Unchanged | Change::SameAuthorities => println!("nothing to do"),
        Change::Authorities { added, removed } => println!("{} root added, {} removed", added.len(), removed.len()),
        _ => println!("changed"),
    }

    // A publisher that was restored from a backup offers what was true once.
    let Err(rollback) = first.supersedes(&imported) else { return Err("an old bundle was taken".into()) };
    println!("kept what we hold [{}]: {rollback}", rollback.code());

    // An entry that cannot be used is left out and named; a document that cannot be trusted as a whole is refused.
    let unknown_use = published.replacen("x509-svid", "unheard-of", 1);
    let (partly, ignored) = Bundle::from_spiffe_json(trust_domain.clone(), unknown_use.as_bytes(), &Limits::default())?;
    for entry in ignored {
        println!("{} root left; ignored: {entry}", partly.x509_authorities().len());
    }
    let cut = published.get(..published.len() / 2).unwrap_or_default();
    if let Err(error) = Bundle::from_spiffe_json(trust_domain, cut.as_bytes(), &Limits::default()) {
        println!("refused [{}]: {error}", error.code());
    }

    // Several trust domains travel in one bundle map.
    let other = TrustDomain::parse("partner.example")?;
    let mut map = BundleMap::from(imported);
    map.insert(Bundle::new(other.clone()).with_x509_authorities([root(&other)?])?);
    let (read, _) = BundleMap::from_json(map.to_json().as_bytes(), &Limits::default())?;
    println!("a map of {}", read.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" and "));
    Ok(())
}

/// A new root of the trust domain; see `make_a_hierarchy`.
fn root(trust_domain: &TrustDomain) -> Result<Certificate, Box<dyn Error>> {
    let (crypto, now) = (Crypto::ring(), Timestamp::from(SystemTime::now()));
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto)?.signer(&crypto)?;
    let path = create_root(trust_domain, &Profile::root_ca(), &*key, &crypto, now)?;
    Ok(path.signing().ok_or("a path has a first certificate")?.clone())
}
