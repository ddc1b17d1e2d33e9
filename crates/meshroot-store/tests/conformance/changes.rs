use meshroot::hierarchy::{AuthorityState, Event, Hierarchy};
use meshroot_store::{RenderedBundle, SealedKeyOf, StoreError, StoreKind};

use super::{Place, first_change, new_store, no_change, with_mesh};
use crate::support::{Mesh, NOW};

fn bundle(sequence: u64, bytes: &str) -> Option<RenderedBundle> {
    Some(RenderedBundle { sequence, bytes: bytes.into() })
}

pub fn a_new_store_is_empty_and_knows_what_it_is(place: &dyn Place) {
    let created = place.create(&new_store());
    for store in [created, place.open()] {
        let meta = store.meta();
        assert_eq!((meta.id.as_str(), meta.kind, meta.created_at), ("00112233445566778899aabbccddeeff", StoreKind::Mesh, NOW));
        assert!(meta.schema >= 1);
        assert_eq!(store.wrapped_data_key().unwrap(), b"a wrapped data key");
        let loaded = store.load().unwrap();
        assert_eq!((loaded.version, loaded.trust_domains.len()), (0, 0));
        assert_eq!(store.issuances(&Default::default()).unwrap(), []);
    }
}

pub fn what_was_committed_is_there_when_the_store_is_opened_again(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    drop(store);
    let store = place.open();
    let loaded = store.load().unwrap();
    assert_eq!(loaded.version, 1);
    let held = loaded.trust_domain(&mesh.trust_domain).unwrap();
    assert_eq!(held.events, mesh.events);
    assert_eq!(held.bundle, bundle(1, &mesh.bundle.to_spiffe_json()));
    assert_eq!(store.sealed_key(&mesh.trust_domain, &mesh.west).unwrap().unwrap(), b"sealed key of west");
    let root = held.events.iter().find_map(|event| match event {
        Event::AuthorityAdded { authority, .. } => Some(authority),
        _ => None,
    });
    assert_eq!(store.sealed_key(&mesh.trust_domain, root.unwrap()).unwrap(), None, "the root's key was never given");
    let hierarchy = Hierarchy::replay(mesh.trust_domain.clone(), &held.events);
    assert_eq!(hierarchy.bundle().unwrap().to_spiffe_json(), mesh.bundle.to_spiffe_json());
}

pub fn of_two_changes_decided_on_one_version_only_one_is_stored(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let other = place.open();
    let (ours, theirs) = (store.load().unwrap().version, other.load().unwrap().version);
    let tainted = |state| vec![Event::StateChanged { authority: mesh.west.clone(), state, at: NOW }];
    let quicker = meshroot_store::Change { events: tainted(AuthorityState::Tainted), ..no_change(&mesh, theirs) };
    assert_eq!(other.commit(&quicker).unwrap(), 2);
    let slower = meshroot_store::Change { events: tainted(AuthorityState::Retired), ..no_change(&mesh, ours) };
    let refused = store.commit(&slower).unwrap_err();
    assert!(matches!(refused, StoreError::Conflict { expected: 1, found: 2 }), "{refused}");
    let loaded = store.load().unwrap();
    assert_eq!(loaded.version, 2);
    assert_eq!(loaded.trust_domains[0].events.last(), quicker.events.last());
    // A version from the future is no better.
    assert_eq!(store.commit(&no_change(&mesh, 3)).unwrap_err().code(), "store.conflict");
}

pub fn changes_from_several_threads_at_once_are_never_lost(place: &dyn Place) {
    const THREADS: u64 = 4;
    const EACH: u64 = 8;
    let (store, mesh) = with_mesh(place);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (mesh, store) = (&mesh, place.open());
            scope.spawn(move || {
                for _ in 0..EACH {
                    loop {
                        let loaded = store.load().unwrap();
                        let mut change = no_change(mesh, loaded.version);
                        change.events = vec![Event::StateChanged { authority: mesh.west.clone(), state: AuthorityState::Active, at: NOW }];
                        change.bundle = bundle(loaded.trust_domains[0].bundle.as_ref().unwrap().sequence + 1, &format!("by {thread}"));
                        match store.commit(&change) {
                            Ok(version) => break assert_eq!(version, loaded.version + 1),
                            Err(StoreError::Conflict { .. }) => {}
                            Err(e) => panic!("{e}"),
                        }
                    }
                }
            });
        }
    });
    let loaded = store.load().unwrap();
    assert_eq!(loaded.version, 1 + THREADS * EACH);
    let held = &loaded.trust_domains[0];
    assert_eq!(held.events.len() as u64, mesh.events.len() as u64 + THREADS * EACH);
    assert_eq!(held.bundle.as_ref().unwrap().sequence, 1 + THREADS * EACH);
}

pub fn a_sequence_number_never_goes_back_and_never_names_two_bundles(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let jump = meshroot_store::Change { bundle: bundle(7, "seven"), ..no_change(&mesh, 1) };
    assert_eq!(store.commit(&jump).unwrap(), 2);
    drop(store);
    let store = place.open();
    for (sequence, content) in [(7, "another seven"), (7, "seven"), (6, "six"), (1, "one"), (0, "none")] {
        let change = meshroot_store::Change { bundle: bundle(sequence, content), ..no_change(&mesh, 2) };
        let refused = store.commit(&change).unwrap_err();
        assert!(matches!(&refused, StoreError::SequenceNotNew { offered, held: 7, .. } if *offered == sequence), "{refused}");
    }
    assert_eq!(store.load().unwrap().trust_domains[0].bundle, bundle(7, "seven"));
    // Another trust domain counts for itself.
    let other = Mesh::new("other.example");
    assert_eq!(store.commit(&first_change(&other, 2)).unwrap(), 3);
}

pub fn a_sequence_number_that_cannot_be_stored_is_refused(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let change = meshroot_store::Change { bundle: bundle(u64::MAX, "the last"), ..no_change(&mesh, 1) };
    assert_eq!(store.commit(&change).unwrap_err().code(), "store.too_large");
    assert_eq!(store.load().unwrap().version, 1);
}

pub fn a_key_is_never_replaced(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let keys = vec![SealedKeyOf { authority: mesh.west.clone(), sealed: b"another".to_vec() }];
    let refused = store.commit(&meshroot_store::Change { sealed_keys: keys, ..no_change(&mesh, 1) }).unwrap_err();
    assert_eq!(refused.code(), "store.key_exists");
    assert_eq!(store.sealed_key(&mesh.trust_domain, &mesh.west).unwrap().unwrap(), b"sealed key of west");
}

pub fn a_refused_change_leaves_everything_as_it_was(place: &dyn Place) {
    let (store, _) = with_mesh(place);
    let before = store.load().unwrap();
    let other = Mesh::new("other.example");
    // Everything about it is new, but one key: found only when the rest is written already.
    let key = || SealedKeyOf { authority: other.west.clone(), sealed: b"twice".to_vec() };
    let change = meshroot_store::Change { sealed_keys: vec![key(), key()], ..first_change(&other, 1) };
    assert_eq!(store.commit(&change).unwrap_err().code(), "store.key_exists");
    assert_eq!(store.load().unwrap(), before);
    assert_eq!(store.sealed_key(&other.trust_domain, &other.west).unwrap(), None);
    assert_eq!(store.commit(&first_change(&other, 1)).unwrap(), 2, "nothing of the refused change is in the way");
}

pub fn trust_domains_do_not_mix(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let other = Mesh::new("other.example");
    store.commit(&first_change(&other, 1)).unwrap();
    let loaded = store.load().unwrap();
    let names: Vec<_> = loaded.trust_domains.iter().map(|held| held.trust_domain.as_str()).collect();
    assert_eq!(names, ["mesh.example", "other.example"]);
    assert_eq!(loaded.trust_domain(&mesh.trust_domain).unwrap().events, mesh.events);
    assert_eq!(loaded.trust_domain(&other.trust_domain).unwrap().events, other.events);
    assert_eq!(store.sealed_key(&mesh.trust_domain, &other.west).unwrap(), None);
    assert_eq!(store.sealed_key(&other.trust_domain, &mesh.west).unwrap(), None);
}
