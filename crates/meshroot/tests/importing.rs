//! Bundles of others, handed to workloads beside our own.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests stop at what they did not expect")]

mod common;

use common::{crypto, now};
use meshroot::bundle::Bundle;
use meshroot::hierarchy::{Command, Event, Hierarchy, create_root};
use meshroot::key::{KeyAlgorithm, PrivateKey};
use meshroot::profile::Profile;
use meshroot::spiffe::TrustDomain;
use meshroot::x509::Certificate;

fn domain(name: &str) -> TrustDomain {
    TrustDomain::parse(name).unwrap()
}

fn root(of: &str) -> Certificate {
    let signer = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto()).unwrap().signer(&crypto()).unwrap();
    create_root(&domain(of), &Profile::root_ca(), &*signer, &crypto(), now()).unwrap().signing().unwrap().clone()
}

fn bundle(of: &str, roots: &[&Certificate]) -> Bundle {
    Bundle::new(domain(of)).with_x509_authorities(roots.iter().map(|root| (*root).clone())).unwrap()
}

struct Mesh {
    hierarchy: Hierarchy,
    events: Vec<Event>,
}

impl Mesh {
    fn new() -> Self {
        let mut mesh = Self { hierarchy: Hierarchy::new(domain("mesh.example")), events: Vec::new() };
        let signer = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto()).unwrap().signer(&crypto()).unwrap();
        let path = create_root(mesh.hierarchy.trust_domain(), &Profile::root_ca(), &*signer, &crypto(), now()).unwrap();
        mesh.does(&Command::AddRoot { path }).unwrap();
        mesh
    }

    fn does(&mut self, command: &Command) -> Result<usize, &'static str> {
        let events = self.hierarchy.decide(command, &crypto(), now()).map_err(|e| e.code())?;
        for event in &events {
            self.hierarchy.apply(event);
        }
        self.events.extend(events.clone());
        Ok(events.len())
    }

    fn import(&mut self, bundle: Bundle) -> Result<usize, &'static str> {
        self.does(&Command::Import { bundle, force: false })
    }
}

#[test]
fn workloads_are_handed_what_was_imported_and_our_own_bundle_stays_as_it_is() {
    let mut mesh = Mesh::new();
    let (own, other) = (mesh.hierarchy.bundle().unwrap(), root("other.example"));
    mesh.import(bundle("other.example", &[&other])).unwrap();
    assert_eq!(mesh.hierarchy.bundle().unwrap(), own, "neither its roots nor its number");
    let anchors = mesh.hierarchy.workload_anchors();
    assert_eq!(anchors, [own.x509_authorities()[0].clone(), other.clone()]);
    // An anchor that is ours already is handed out once.
    mesh.import(bundle("mesh.example", &[&anchors[0]])).unwrap();
    assert_eq!(mesh.hierarchy.workload_anchors().len(), 2);
    // All of it comes back from the events.
    let again = Hierarchy::replay(domain("mesh.example"), &mesh.events);
    assert_eq!(again.workload_anchors(), mesh.hierarchy.workload_anchors());
    mesh.does(&Command::Forget { trust_domain: domain("other.example") }).unwrap();
    assert_eq!(mesh.hierarchy.workload_anchors().len(), 1);
    assert_eq!(mesh.does(&Command::Forget { trust_domain: domain("other.example") }), Err("hierarchy.not_imported"));
}

#[test]
fn an_import_never_goes_back_unless_forced_on_record() {
    let mut mesh = Mesh::new();
    let (a, b) = (root("other.example"), root("other.example"));
    assert_eq!(mesh.import(bundle("other.example", &[&a]).with_sequence(7)), Ok(1));
    assert_eq!(mesh.import(bundle("other.example", &[&a]).with_sequence(7)), Ok(0), "the same again is nothing");
    let hint = core::time::Duration::from_secs(60);
    assert_eq!(mesh.import(bundle("other.example", &[&a]).with_sequence(7).with_refresh_hint(hint)), Ok(0));
    assert_eq!(mesh.import(bundle("other.example", &[&b]).with_sequence(6)), Err("bundle.rollback.older"));
    assert_eq!(mesh.import(bundle("other.example", &[&b]).with_sequence(7)), Err("bundle.rollback.same_sequence"));
    assert_eq!(mesh.import(bundle("other.example", &[&b])), Err("bundle.rollback.no_sequence"));
    assert_eq!(mesh.import(bundle("other.example", &[&a, &b]).with_sequence(8)), Ok(1));
    // Not even after it was removed.
    mesh.does(&Command::Forget { trust_domain: domain("other.example") }).unwrap();
    assert_eq!(mesh.import(bundle("other.example", &[&a]).with_sequence(7)), Err("bundle.rollback.older"));
    assert_eq!(mesh.import(bundle("other.example", &[&a, &b]).with_sequence(8)), Ok(1));
    assert_eq!(mesh.does(&Command::Import { bundle: bundle("other.example", &[&a]).with_sequence(7), force: true }), Ok(1));
    assert!(matches!(mesh.events.last(), Some(Event::BundleImported { forced: true, sequence: Some(7), .. })));
    assert_eq!(mesh.import(Bundle::empty_on_purpose(domain("other.example"))), Err("hierarchy.empty_import"));
}
