use meshroot_store::{Change, Query, RenderedBundle, Restoration, Seen, Store, VISIBLE_AFTER};

use super::{Place, issuance, no_change, with_mesh};
use crate::support::{Mesh, NOW};

fn bundle(sequence: u64) -> Option<RenderedBundle> {
    Some(RenderedBundle { sequence, bytes: format!("bundle {sequence}").into_bytes() })
}

fn seen(mesh: &Mesh, sequence: u64) -> Seen {
    Seen { trust_domain: mesh.trust_domain.clone(), sequence, by: "spiffe://mesh.example/ns/shop/sa/cart".into(), at: NOW }
}

fn restoration(mesh: &Mesh, expected_version: u64, sequence: u64) -> Restoration {
    Restoration { by: "operator".into(), at: NOW, changes: vec![Change { bundle: bundle(sequence), ..no_change(mesh, expected_version) }] }
}

pub fn a_bundle_has_a_moment_from_which_everybody_serves_it(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let visible_at = |store: &dyn Store| store.load().unwrap().trust_domains[0].visible_at.unwrap();
    let other = place.open();
    store.commit(&Change { bundle: bundle(2), ..no_change(&mesh, 1) }).unwrap();
    assert_eq!((visible_at(&*store), visible_at(&*other)), (NOW.plus(VISIBLE_AFTER), NOW.plus(VISIBLE_AFTER)));
    assert_eq!(store.load().unwrap().visible_at(), Some(NOW.plus(VISIBLE_AFTER)));
    // What has no bundle does not move it.
    store.commit(&no_change(&mesh, 2)).unwrap();
    assert_eq!(visible_at(&*other), NOW.plus(VISIBLE_AFTER));
    drop(other);
    // A store that knows that it is alone need not wait; none waits longer.
    store.commit(&Change { bundle: bundle(3), ..no_change(&mesh, 3) }).unwrap();
    assert!(visible_at(&*store) >= NOW && visible_at(&*store) <= NOW.plus(VISIBLE_AFTER));
    assert_eq!(visible_at(&*place.open()), visible_at(&*store));
}

pub fn a_later_bundle_that_somebody_saw_stops_all_writing_until_the_store_is_restored(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    store.record_one(issuance(&mesh, "/ns/shop/sa/cart")).unwrap();
    let other = place.open();
    assert_eq!(store.standing().unwrap().older, None);
    assert!(store.doubt(&seen(&mesh, 7)).unwrap());
    let third = place.open();
    for store in [&store, &other, &third] {
        let standing = store.standing().unwrap();
        let words = standing.older.unwrap();
        assert!(words.contains("bundle 7") && words.contains("sa/cart"), "{words}");
        assert_eq!((standing.epoch, standing.seen), (0, 7));
        assert_eq!(store.check_writable().unwrap_err().code(), "store.older_copy");
        assert_eq!(store.commit(&no_change(&mesh, 1)).unwrap_err().code(), "store.older_copy");
        assert_eq!(store.record_one(issuance(&mesh, "/ns/shop/sa/cart")).unwrap_err().code(), "store.older_copy");
        // Reading goes on.
        assert_eq!((store.load().unwrap().version, store.issuances(&Query::default()).unwrap().len()), (1, 1));
    }
    // A sequence number that was published before is as wrong as ever.
    assert_eq!(other.restored(&restoration(&mesh, 1, 1)).unwrap_err().code(), "store.sequence_not_new");
    assert!(other.standing().unwrap().older.is_some());
    let restored = other.restored(&restoration(&mesh, 1, 1_000)).unwrap();
    assert_eq!((restored.epoch, restored.version), (1, 2));
    for store in [&store, &other, &third] {
        let standing = store.standing().unwrap();
        assert_eq!((standing.epoch, standing.older), (1, None));
        assert_eq!(store.load().unwrap().trust_domains[0].bundle, bundle(1_000));
        store.check_writable().unwrap();
    }
    let position = store.record_one(issuance(&mesh, "/ns/shop/sa/cart")).unwrap().position();
    assert_eq!(position, restored.next_position);
    assert!(position > 1_000_000, "far behind all that may have been given: {position}");
    let positions: Vec<_> = store.issuances(&Query::default()).unwrap().iter().map(|row| row.position).collect();
    assert_eq!(positions, [1, position]);
    let extent = store.log_extent().unwrap();
    assert_eq!((extent.held, extent.last), (2, position));
}

pub fn a_bundle_that_is_held_raises_no_doubt(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    for sequence in [0, 1] {
        assert!(!store.doubt(&seen(&mesh, sequence)).unwrap());
    }
    assert_eq!(store.doubt(&seen(&Mesh::new("stranger.example"), 9)).unwrap_err().code(), "store.unknown_trust_domain");
    assert_eq!(store.doubt(&seen(&mesh, u64::MAX)).unwrap_err().code(), "store.too_large");
    assert_eq!(store.standing().unwrap().older, None);
    store.check_writable().unwrap();
}

pub fn a_restoration_jumps_and_is_possible_at_any_time(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let mut last = 0;
    for (turn, epoch) in (1..=3u64).enumerate() {
        let restored = store.restored(&restoration(&mesh, epoch, 100 * epoch)).unwrap();
        assert_eq!((restored.epoch, restored.version), (epoch, epoch + 1), "{turn}");
        let position = store.record_one(issuance(&mesh, "/ns/shop/sa/cart")).unwrap().position();
        assert!(position > last + 1_000_000);
        last = position;
    }
    drop(store);
    let store = place.open();
    assert_eq!((store.standing().unwrap().epoch, store.log_extent().unwrap().held), (3, 3));
    assert_eq!(store.record_one(issuance(&mesh, "/ns/shop/sa/cart")).unwrap().position(), last + 1);
}
