//! What a hierarchy may become, and what it refuses to become.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests stop at what they did not expect")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{crypto, now};
use meshroot::csr::ProvenRequest;
use meshroot::hierarchy::{AuthorityId, AuthorityState, ClusterName, Command, Event, Hierarchy, HierarchyError, create_cluster_ca, create_root};
use meshroot::key::{KeyAlgorithm, PrivateKey, Signer};
use meshroot::profile::Profile;
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use meshroot::verify::CaPath;
use meshroot::x509::Certificate;

const DAY: Duration = Duration::from_secs(86_400);

struct Story {
    hierarchy: Hierarchy,
    events: Vec<Event>,
    roots: Vec<(Certificate, Arc<dyn Signer>)>,
}

fn key() -> Arc<dyn Signer> {
    PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto()).unwrap().signer(&crypto()).unwrap()
}

fn later(days: u32) -> Timestamp {
    now().plus(DAY * days)
}

impl Story {
    fn new() -> Self {
        let mut story = Self { hierarchy: Hierarchy::new(TrustDomain::parse("mesh.example").unwrap()), events: vec![], roots: vec![] };
        story.add_root(now());
        story
    }

    fn try_to(&mut self, command: &Command, at: Timestamp) -> Result<(), HierarchyError> {
        for event in self.hierarchy.decide(command, &crypto(), at)? {
            self.hierarchy.apply(&event);
            self.events.push(event);
        }
        Ok(())
    }

    fn add_root(&mut self, at: Timestamp) -> AuthorityId {
        let signer = key();
        let path = create_root(self.hierarchy.trust_domain(), &Profile::root_ca(), &*signer, &crypto(), at).unwrap();
        self.roots.push((path.signing().unwrap().clone(), signer));
        self.try_to(&Command::AddRoot { path }, at).unwrap();
        self.hierarchy.roots().last().unwrap().id().clone()
    }

    fn cluster_path(&self, name: &str, root: usize, signer: &dyn Signer, at: Timestamp) -> CaPath {
        let request = ProvenRequest::from_signer(signer, &crypto()).unwrap();
        let cluster = ClusterName::parse(name).unwrap();
        create_cluster_ca(&self.roots[root], &self.hierarchy.bundle().unwrap(), &cluster, request, &Profile::cluster_ca(), &crypto(), at).unwrap()
    }

    fn add_cluster(&mut self, name: &str, root: usize, at: Timestamp) -> AuthorityId {
        let path = self.cluster_path(name, root, &*key(), at);
        self.try_to(&Command::AddCluster { cluster: ClusterName::parse(name).unwrap(), path }, at).unwrap();
        self.hierarchy.authorities().last().unwrap().id().clone()
    }

    fn root(&self, index: usize) -> AuthorityId {
        self.hierarchy.roots().nth(index).unwrap().id().clone()
    }

    fn state(&self, id: &AuthorityId) -> AuthorityState {
        self.hierarchy.authority(id.as_str()).unwrap().state()
    }
}

#[test]
fn the_first_root_is_active_and_published_at_once() {
    let story = Story::new();
    assert_eq!(story.state(&story.root(0)), AuthorityState::Active);
    let bundle = story.hierarchy.bundle().unwrap();
    assert_eq!((bundle.sequence(), bundle.x509_authorities().len()), (Some(1), 1));
}

#[test]
fn a_second_root_issues_only_after_it_was_published_long_enough() {
    let mut story = Story::new();
    let second = story.add_root(now());
    assert_eq!(story.state(&second), AuthorityState::Prepared);
    assert_eq!(story.hierarchy.bundle().unwrap().x509_authorities().len(), 1, "a prepared root is not in the bundle");
    let activate = Command::Activate { authority: second.clone(), published_for: DAY };
    assert_eq!(story.try_to(&activate, later(9)).unwrap_err().code(), "hierarchy.wrong_state");
    story.try_to(&Command::Publish { authority: second.clone() }, later(1)).unwrap();
    assert_eq!(story.hierarchy.bundle().unwrap().sequence(), Some(2));
    let early = later(2).minus(Duration::from_secs(1));
    assert_eq!(story.try_to(&activate, early).unwrap_err().code(), "hierarchy.published_too_short");
    story.try_to(&activate, later(2)).unwrap();
    assert_eq!((story.state(&second), story.state(&story.root(0))), (AuthorityState::Active, AuthorityState::Retiring));
}

#[test]
fn a_root_stays_while_something_depends_on_it_unless_forced_on_record() {
    let mut story = Story::new();
    story.add_cluster("west", 0, now());
    let (first, second) = (story.root(0), story.add_root(now()));
    story.try_to(&Command::Publish { authority: second.clone() }, now()).unwrap();
    story.try_to(&Command::Activate { authority: second, published_for: Duration::ZERO }, now()).unwrap();
    let retire = |last_leaf_until, force| Command::Retire { authority: first.clone(), last_leaf_until, force };
    let refused = story.try_to(&retire(None, false), later(1)).unwrap_err();
    assert!(matches!(&refused, HierarchyError::StillNeeded { dependent, .. } if dependent.contains("west")), "{refused}");

    // The cluster CA has expired, but one of its leaves is said to live on.
    let refused = story.try_to(&retire(Some(later(401)), false), later(400)).unwrap_err();
    assert!(matches!(refused, HierarchyError::StillNeeded { until, .. } if until == later(401)));
    assert!(story.hierarchy.decide(&retire(Some(later(399)), false), &crypto(), later(400)).is_ok());

    story.try_to(&retire(None, true), later(1)).unwrap();
    assert!(story.events.iter().any(|e| matches!(e, Event::AnchorRemoved { forced: true, .. })), "{:?}", story.events.last());
    let bundle = story.hierarchy.bundle().unwrap();
    assert_eq!((bundle.sequence(), bundle.x509_authorities().len()), (Some(3), 1));
}

#[test]
fn the_last_root_never_leaves_the_bundle() {
    let mut story = Story::new();
    let only = story.root(0);
    for force in [false, true] {
        let retire = Command::Retire { authority: only.clone(), last_leaf_until: None, force };
        assert_eq!(story.try_to(&retire, later(1)).unwrap_err(), HierarchyError::LastRoot(only.clone()));
    }
}

#[test]
fn no_two_authorities_share_a_key_or_a_name() {
    let mut story = Story::new();
    let signer = key();
    let path = story.cluster_path("west", 0, &*signer, now());
    story.try_to(&Command::AddCluster { cluster: ClusterName::parse("west").unwrap(), path: path.clone() }, now()).unwrap();
    let same_key = story.cluster_path("east", 0, &*signer, now());
    let refused = story.try_to(&Command::AddCluster { cluster: ClusterName::parse("east").unwrap(), path: same_key }, now()).unwrap_err();
    assert_eq!(refused.code(), "hierarchy.duplicate_key");
}

#[test]
fn a_cluster_ca_stands_below_the_bundle() {
    let mut story = Story::new();
    let stranger = Story::new();
    let path = stranger.cluster_path("west", 0, &*key(), now());
    let refused = story.try_to(&Command::AddCluster { cluster: ClusterName::parse("west").unwrap(), path }, now()).unwrap_err();
    assert_eq!(refused.code(), "hierarchy.not_below_bundle");
}

#[test]
fn a_root_of_another_trust_domain_is_refused() {
    let mut story = Story::new();
    let other = TrustDomain::parse("other.example").unwrap();
    let path = create_root(&other, &Profile::root_ca(), &*key(), &crypto(), now()).unwrap();
    assert_eq!(story.try_to(&Command::AddRoot { path }, now()).unwrap_err().code(), "hierarchy.foreign_trust_domain");
}

#[test]
fn a_cluster_ca_is_never_published() {
    let mut story = Story::new();
    let west = story.add_cluster("west", 0, now());
    assert_eq!(story.try_to(&Command::Publish { authority: west.clone() }, now()).unwrap_err(), HierarchyError::NotARoot(west));
}

#[test]
fn replaying_the_events_gives_the_hierarchy_back() {
    let mut story = Story::new();
    story.add_cluster("west", 0, now());
    let second = story.add_root(now());
    story.try_to(&Command::Publish { authority: second }, now()).unwrap();
    let replayed = Hierarchy::replay(story.hierarchy.trust_domain().clone(), &story.events);
    assert_eq!(format!("{replayed:?}"), format!("{:?}", story.hierarchy));
    assert_eq!(replayed.bundle().unwrap(), story.hierarchy.bundle().unwrap());
}

#[test]
fn after_a_restoration_the_sequence_number_is_ahead_of_everything_that_was_published() {
    let mut story = Story::new();
    let published = story.hierarchy.bundle().unwrap();
    // Whatever was seen, and when nobody knows what was, the seconds since 1970 are more.
    let mut last = published.sequence().unwrap();
    for seen in [0, 5, 10_000_000_000] {
        story.try_to(&Command::Restore { seen }, later(1)).unwrap();
        let bundle = story.hierarchy.bundle().unwrap();
        let sequence = bundle.sequence().unwrap();
        assert!(sequence > last && sequence > seen && sequence >= u64::try_from(later(1).unix()).unwrap(), "{sequence} after {last} and {seen}");
        assert_eq!(bundle.x509_authorities(), published.x509_authorities());
        assert!(bundle.supersedes(&published).is_ok());
        last = sequence;
    }
    assert_eq!(Hierarchy::replay(story.hierarchy.trust_domain().clone(), &story.events).bundle().unwrap().sequence(), Some(last));
    let second = story.add_root(later(2));
    story.try_to(&Command::Publish { authority: second }, later(2)).unwrap();
    assert_eq!(story.hierarchy.bundle().unwrap().sequence(), Some(last + 1), "then a change adds one again");
}

#[test]
fn a_cluster_ca_that_outlives_its_root_is_refused() {
    // Our own issuer cuts every lifetime, so the certificate that breaks the rule is made by rcgen.
    let params = |years: i32| {
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, format!("{years} years"));
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::CrlSign];
        params.use_authority_key_identifier_extension = true;
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2026 + years, 1, 1);
        params
    };
    let (root_key, ca_key) = (rcgen::KeyPair::generate().unwrap(), rcgen::KeyPair::generate().unwrap());
    let root_der = params(5).self_signed(&root_key).unwrap();
    let root_params = params(5);
    let issuer = rcgen::Issuer::from_params(&root_params, &root_key);
    let root = Certificate::from_der(root_der.der()).unwrap();
    let mut hierarchy = Hierarchy::new(TrustDomain::parse("mesh.example").unwrap());
    let path = CaPath::self_signed(&root, &crypto(), now()).unwrap();
    for event in hierarchy.decide(&Command::AddRoot { path }, &crypto(), now()).unwrap() {
        hierarchy.apply(&event);
    }
    let add = |years: i32| {
        let ca = Certificate::from_der(params(years).signed_by(&ca_key, &issuer).unwrap().der()).unwrap();
        let path = CaPath::find(&ca, &[], std::slice::from_ref(&root), &crypto(), now()).unwrap();
        hierarchy.decide(&Command::AddCluster { cluster: ClusterName::parse("west").unwrap(), path }, &crypto(), now())
    };
    assert_eq!(add(6).unwrap_err().code(), "hierarchy.outlives_root");
    assert!(add(4).is_ok());
}
