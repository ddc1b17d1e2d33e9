use std::collections::BTreeSet;
use std::time::Duration;

use meshroot::hierarchy::Event;
use meshroot::x509::{Certificate, SerialNumber};
use meshroot_store::{Change, Issuance, Query, StoreError};

use super::{Place, first_change, issuance, no_change, with_mesh};
use crate::support::{Mesh, NOW};

pub fn only_what_is_in_the_log_is_recorded(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let asked: Vec<_> = ["/ns/shop/sa/cart", "/ns/shop/sa/till", "/ns/shop/sa/cart"].map(|path| issuance(&mesh, path)).into();
    let chains: Vec<_> = asked.iter().map(|one| one.issued.chain_pem()).collect();
    let recorded: Vec<_> = store.record(asked).unwrap().into_iter().map(Result::unwrap).collect();
    assert_eq!(recorded.iter().map(|one| one.chain_pem()).collect::<Vec<_>>(), chains);
    assert_eq!(recorded.iter().map(|one| one.position()).collect::<Vec<_>>(), [1, 2, 3]);
    drop(store);
    let rows = place.open().issuances(&Query::default()).unwrap();
    assert_eq!(rows.iter().map(|row| row.position).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(rows.iter().zip(&recorded).all(|(row, one)| row.certificate == one.der() && row.serial == *one.serial()));
}

pub fn the_log_says_what_the_certificate_says(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let asked = Issuance { kind: "workload".into(), caller: "token of west".into(), ..issuance(&mesh, "/ns/shop/sa/cart") };
    let recorded = store.record_one(asked).unwrap();
    let row = store.issuances(&Query::default()).unwrap().pop().unwrap();
    assert_eq!((row.trust_domain, row.authority), (mesh.trust_domain.clone(), mesh.west.clone()));
    assert_eq!((row.kind.as_str(), row.caller.as_str(), row.at), ("workload", "token of west", NOW));
    assert_eq!(row.id, Some(mesh.id("/ns/shop/sa/cart")));
    assert_eq!((&row.serial, row.validity, &*row.certificate), (recorded.serial(), recorded.validity(), recorded.der()));
}

pub fn a_serial_number_is_used_once(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let first = issuance(&mesh, "/ns/shop/sa/cart");
    let serial = first.issued.serial().clone();
    store.record_one(first.clone()).unwrap();
    drop(store);
    let store = place.open();
    let another = Issuance { issued: mesh.issue_with("/ns/shop/sa/till", serial.clone(), NOW), ..first.clone() };
    for again in [another, first] {
        let refused = store.record_one(again).unwrap_err();
        assert!(matches!(&refused, StoreError::DuplicateSerial(found) if *found == serial), "{refused}");
    }
    assert_eq!(store.issuances(&Query::default()).unwrap().len(), 1);
    // Another CA's serial numbers are its own.
    let other = Mesh::new("other.example");
    store.commit(&first_change(&other, 1)).unwrap();
    store.record_one(Issuance { issued: other.issue_with("/ns/shop/sa/cart", serial, NOW), ..issuance(&other, "/x") }).unwrap();
}

pub fn a_serial_number_of_a_ca_certificate_is_used_once(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let again: Vec<_> = mesh.events.iter().filter(|event| matches!(event, Event::AuthorityAdded { .. })).cloned().collect();
    let refused = store.commit(&Change { events: again, ..no_change(&mesh, 1) }).unwrap_err();
    assert_eq!(refused.code(), "store.duplicate_serial");
    assert_eq!(store.load().unwrap().version, 1);
}

pub fn a_serial_number_is_forgotten_only_long_after_its_certificate_expired(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let serial = SerialNumber::from_bytes(&[0x42; 20]);
    let with = |now| Issuance { issued: mesh.issue_with("/ns/shop/sa/cart", serial.clone(), now), at: now, ..issuance(&mesh, "/x") };
    let first = with(NOW);
    let expiry = first.issued.validity().not_after;
    store.record_one(first).unwrap();
    assert_eq!(store.record_one(with(expiry.plus(Duration::from_secs(60)))).unwrap_err().code(), "store.duplicate_serial");
    let much_later = expiry.plus(Duration::from_secs(30 * 86_400));
    store.record_one(with(much_later)).unwrap();
    assert_eq!(store.record_one(with(much_later)).unwrap_err().code(), "store.duplicate_serial");
}

pub fn a_certificate_that_cannot_be_recorded_fails_alone(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let stranger = Mesh::new("stranger.example");
    let cart = issuance(&mesh, "/ns/shop/sa/cart");
    let batch = vec![cart.clone(), cart, issuance(&stranger, "/ns/shop/sa/cart"), issuance(&mesh, "/ns/shop/sa/till")];
    let outcomes: Vec<_> = store.record(batch).unwrap().into_iter().map(|one| one.map(|one| one.position()).map_err(|e| e.code())).collect();
    assert_eq!(outcomes, [Ok(1), Err("store.duplicate_serial"), Err("store.unknown_trust_domain"), Ok(2)]);
    assert_eq!(store.issuances(&Query::default()).unwrap().len(), 2);
}

pub fn records_from_several_threads_at_once_all_have_their_place(place: &dyn Place) {
    const THREADS: usize = 4;
    const EACH: usize = 10;
    let (store, mesh) = with_mesh(place);
    let positions: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                let (mesh, store) = (&mesh, place.open());
                scope.spawn(move || (0..EACH).map(|_| store.record_one(issuance(mesh, "/ns/shop/sa/cart")).unwrap().position()).collect::<Vec<_>>())
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(positions.iter().collect::<BTreeSet<_>>().len(), THREADS * EACH);
    let rows = store.issuances(&Query::default()).unwrap();
    assert_eq!(rows.iter().map(|row| row.position).collect::<BTreeSet<_>>(), positions.into_iter().collect());
}

pub fn the_log_is_read_in_pages_and_by_what_is_asked_for(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let other = Mesh::new("other.example");
    store.commit(&first_change(&other, 1)).unwrap();
    for turn in 0..3 {
        store.record_one(issuance(&mesh, "/ns/shop/sa/cart")).unwrap();
        store.record_one(issuance(if turn == 0 { &other } else { &mesh }, "/ns/shop/sa/till")).unwrap();
    }
    let positions = |query: &Query| store.issuances(query).unwrap().iter().map(|row| row.position).collect::<Vec<_>>();
    let all = Query::default;
    assert_eq!(positions(&all()), [1, 2, 3, 4, 5, 6]);
    assert_eq!(positions(&Query { limit: 2, ..all() }), [1, 2]);
    assert_eq!(positions(&Query { limit: 2, after: 2, ..all() }), [3, 4]);
    assert_eq!(positions(&Query { after: 6, ..all() }), [] as [u64; 0]);
    assert_eq!(positions(&Query { after: u64::MAX, ..all() }), [] as [u64; 0]);
    assert_eq!(positions(&Query { id: Some(mesh.id("/ns/shop/sa/till")), ..all() }), [4, 6]);
    assert_eq!(positions(&Query { trust_domain: Some(other.trust_domain.clone()), ..all() }), [2]);
    assert_eq!(positions(&Query { authority: Some(other.west.clone()), ..all() }), [2]);
    let serial = store.issuances(&all()).unwrap()[4].serial.clone();
    assert_eq!(positions(&Query { serial: Some(serial.clone()), ..all() }), [5]);
    assert_eq!(positions(&Query { serial: Some(serial), authority: Some(other.west.clone()), ..all() }), [] as [u64; 0]);
}

pub fn a_certificate_is_found_by_itself(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let since = NOW.minus(Duration::from_secs(3_600));
    let first = Issuance { since, ..issuance(&mesh, "/ns/shop/sa/cart") };
    let certificate = Certificate::from_der(first.issued.der()).unwrap();
    assert_eq!(store.find(&certificate).unwrap(), None);
    store.record_one(issuance(&mesh, "/ns/shop/sa/till")).unwrap();
    store.record_one(first).unwrap();
    drop(store);
    let found = place.open().find(&certificate).unwrap().unwrap();
    assert_eq!((found.position, found.certificate.as_slice(), found.at, found.since), (2, certificate.der(), NOW, since));
    // The same issuer's name and the same number on another certificate are not it.
    let twin = Certificate::from_der(mesh.issue_with("/ns/shop/sa/evil", certificate.serial().clone(), NOW).der()).unwrap();
    assert_eq!(place.open().find(&twin).unwrap(), None);
}

pub fn the_last_expiry_is_known_until_it_is_past(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let last = |now| store.last_expiry(&mesh.trust_domain, &mesh.west, now).unwrap();
    assert_eq!(last(NOW), None);
    let hour = Duration::from_secs(3_600);
    let serial = |n| SerialNumber::from_bytes(&[n; 20]);
    let later = Issuance { issued: mesh.issue_with("/a", serial(1), NOW.plus(hour)), ..issuance(&mesh, "/a") };
    let earlier = Issuance { issued: mesh.issue_with("/a", serial(2), NOW), ..issuance(&mesh, "/a") };
    let expiry = later.issued.validity().not_after;
    assert!(earlier.issued.validity().not_after < expiry);
    store.record_one(later).unwrap();
    store.record_one(earlier).unwrap();
    assert_eq!(last(NOW), Some(expiry));
    assert_eq!(last(expiry.minus(Duration::from_secs(1))), Some(expiry));
    assert_eq!(last(expiry), None);
    let stranger = Mesh::new("stranger.example");
    assert_eq!(store.last_expiry(&stranger.trust_domain, &mesh.west, NOW).unwrap(), None);
}
