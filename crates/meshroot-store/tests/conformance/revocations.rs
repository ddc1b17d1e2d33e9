use std::time::Duration;

use meshroot::revocation::{Crl, CrlNumber, RevocationList, RevocationReason};
use meshroot::time::Timestamp;
use meshroot::x509::SerialNumber;
use meshroot_store::{Denial, Lift, PublishedCrl, Revocation, RevocationChange, Store};

use super::{Place, issuance, new_store, with_mesh};
use crate::support::{Mesh, NOW};

const DAY: Duration = Duration::from_secs(86_400);

fn revocation(mesh: &Mesh, serial: u8) -> Revocation {
    Revocation {
        trust_domain: mesh.trust_domain.clone(),
        authority: mesh.west.clone(),
        serial: SerialNumber::from_bytes(&[serial]),
        id: Some(mesh.id("/ns/shop/sa/cart")),
        not_after: NOW.plus(DAY),
        reason: RevocationReason::KeyCompromise,
        at: NOW,
        by: "operator".into(),
    }
}

fn denial(mesh: &Mesh, path: &str, expires_at: Option<Timestamp>) -> Denial {
    Denial { number: 0, id: mesh.id(path), reason: RevocationReason::KeyCompromise, at: NOW, by: "operator".into(), expires_at }
}

fn crl(mesh: &Mesh, number: CrlNumber, revoked: &[Revocation]) -> PublishedCrl {
    let list = RevocationList::new(number, NOW, NOW.plus(DAY));
    let list = revoked.iter().fold(list, |list, one| list.revoke(one.serial.clone(), one.at, Some(one.reason)));
    let signer = mesh.west_key.signer(&meshroot::key::Crypto::ring()).unwrap();
    let crl: Crl = list.sign(mesh.issuer.path().signing().unwrap(), &*signer, &meshroot::key::Crypto::ring()).unwrap();
    PublishedCrl { trust_domain: mesh.trust_domain.clone(), authority: mesh.west.clone(), crl }
}

fn change(expected_version: u64) -> RevocationChange {
    RevocationChange::new(expected_version, NOW)
}

pub fn what_was_revoked_is_there_when_the_store_is_opened_again(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    assert_eq!(store.revocations(NOW).unwrap(), Default::default());
    let revoked = vec![revocation(&mesh, 1), Revocation { id: None, ..revocation(&mesh, 2) }];
    let crl = crl(&mesh, CrlNumber::from(7), &revoked);
    let denied = vec![denial(&mesh, "/ns/shop/sa/cart", None), denial(&mesh, "/ns/shop/sa/till", Some(NOW.plus(DAY)))];
    let all = RevocationChange { revoked: revoked.clone(), denied: denied.clone(), crls: vec![crl.clone()], ..change(0) };
    assert_eq!(store.commit_revocations(&all).unwrap(), 1);
    drop(store);
    let store = place.open();
    let held = store.revocations(NOW).unwrap();
    assert_eq!((held.version, store.revocations_version().unwrap()), (1, 1));
    assert_eq!((held.revoked, held.crls), (revoked, vec![crl]));
    let numbered: Vec<_> = (1..).zip(denied).map(|(number, denial)| Denial { number, ..denial }).collect();
    assert_eq!(held.denied, numbered);
    // The store's own version counts other things.
    assert_eq!(store.version().unwrap(), 1);
}

pub fn of_two_revocations_decided_on_one_version_only_one_is_stored(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (1..=4)
            .map(|serial| {
                let (store, mesh) = (place.open(), &mesh);
                scope.spawn(move || store.commit_revocations(&RevocationChange { revoked: vec![revocation(mesh, serial)], ..change(0) }))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert!(outcomes.iter().flat_map(|outcome| outcome.as_ref().err()).all(|e| e.code() == "store.conflict"));
    let held = store.revocations(NOW).unwrap();
    assert_eq!((held.version, held.revoked.len()), (1, 1));
    assert_eq!(store.commit_revocations(&change(7)).unwrap_err().code(), "store.conflict");
}

pub fn a_certificate_is_revoked_once_and_stays_as_it_was(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let first = revocation(&mesh, 1);
    store.commit_revocations(&RevocationChange { revoked: vec![first.clone(), first.clone()], ..change(0) }).unwrap();
    let later = Revocation { reason: RevocationReason::Superseded, at: NOW.plus(DAY), ..first.clone() };
    let other = revocation(&mesh, 2);
    store.commit_revocations(&RevocationChange { revoked: vec![later, other.clone()], ..change(1) }).unwrap();
    assert_eq!(store.revocations(NOW).unwrap().revoked, [first, other]);
}

pub fn revocations_of_expired_certificates_are_not_asked_for(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let long = Revocation { not_after: NOW.plus(DAY * 2), ..revocation(&mesh, 2) };
    store.commit_revocations(&RevocationChange { revoked: vec![revocation(&mesh, 1), long.clone()], ..change(0) }).unwrap();
    assert_eq!(store.revocations(NOW.plus(DAY)).unwrap().revoked.len(), 2, "the last second counts");
    assert_eq!(store.revocations(NOW.plus(DAY + Duration::from_secs(1))).unwrap().revoked, [long]);
}

pub fn a_crl_is_only_replaced_by_one_with_a_greater_number(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let with = |number: u64| vec![crl(&mesh, CrlNumber::from(number), &[])];
    store.commit_revocations(&RevocationChange { crls: with(7), ..change(0) }).unwrap();
    for number in [7, 6, 1] {
        let refused = store.commit_revocations(&RevocationChange { crls: with(number), revoked: vec![revocation(&mesh, 1)], ..change(1) });
        assert_eq!(refused.unwrap_err().code(), "store.crl_not_newer", "{number}");
    }
    let huge = vec![crl(&mesh, CrlNumber::from_bytes(&[1; 9]).unwrap(), &[])];
    assert_eq!(store.commit_revocations(&RevocationChange { crls: huge, ..change(1) }).unwrap_err().code(), "store.crl_not_newer");
    let held = store.revocations(NOW).unwrap();
    assert_eq!((held.version, held.revoked.len()), (1, 0), "what was refused left nothing behind");
    let newest = with(8);
    store.commit_revocations(&RevocationChange { crls: newest.clone(), ..change(1) }).unwrap();
    assert_eq!(store.revocations(NOW).unwrap().crls, newest);
}

pub fn a_revocation_in_an_unknown_trust_domain_is_refused(place: &dyn Place) {
    let (store, mesh) = (place.create(&new_store()), Mesh::new("mesh.example"));
    for refused in [
        RevocationChange { revoked: vec![revocation(&mesh, 1)], ..change(0) },
        RevocationChange { denied: vec![denial(&mesh, "/ns/shop/sa/cart", None)], ..change(0) },
        RevocationChange { crls: vec![crl(&mesh, CrlNumber::from(1), &[])], ..change(0) },
    ] {
        assert_eq!(store.commit_revocations(&refused).unwrap_err().code(), "store.unknown_trust_domain");
    }
    assert_eq!(store.revocations_version().unwrap(), 0);
}

fn outcome(store: &dyn Store, mesh: &Mesh, path: &str, at: Timestamp) -> Result<(), &'static str> {
    let mut one = issuance(mesh, path);
    one.at = at;
    store.record(vec![one]).unwrap().pop().unwrap().map(drop).map_err(|e| e.code())
}

pub fn a_denied_identity_is_not_recorded_until_the_denial_is_taken_back(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let id = "/ns/shop/sa/cart";
    // Denied by another process.
    place.open().commit_revocations(&RevocationChange { denied: vec![denial(&mesh, id, None)], ..change(0) }).unwrap();
    assert_eq!(outcome(&*store, &mesh, id, NOW), Err("store.denied"));
    assert_eq!(outcome(&*store, &mesh, "/ns/shop/sa/till", NOW), Ok(()));
    // One of a batch fails alone.
    let batch = store.record(vec![issuance(&mesh, id), issuance(&mesh, "/ns/shop/sa/till")]).unwrap();
    assert_eq!(batch.iter().map(Result::is_ok).collect::<Vec<_>>(), [false, true]);
    let lift = |denial| Lift { denial, by: "operator".into() };
    store.commit_revocations(&RevocationChange { lifted: vec![lift(1), lift(1), lift(99)], ..change(1) }).unwrap();
    assert_eq!((outcome(&*store, &mesh, id, NOW), store.revocations(NOW).unwrap().denied), (Ok(()), vec![]));
    // Lifted twice is lifted; denied anew is denied.
    store.commit_revocations(&RevocationChange { lifted: vec![lift(1)], denied: vec![denial(&mesh, id, None)], ..change(2) }).unwrap();
    assert_eq!(outcome(&*store, &mesh, id, NOW), Err("store.denied"));
    assert_eq!(store.revocations(NOW).unwrap().denied.iter().map(|denial| denial.number).collect::<Vec<_>>(), [2]);
}

pub fn a_denial_holds_until_it_expires(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let id = "/ns/shop/sa/cart";
    let until = NOW.plus(Duration::from_secs(60));
    store.commit_revocations(&RevocationChange { denied: vec![denial(&mesh, id, Some(until))], ..change(0) }).unwrap();
    assert_eq!(outcome(&*store, &mesh, id, until.minus(Duration::from_secs(1))), Err("store.denied"));
    assert_eq!(outcome(&*store, &mesh, id, until), Ok(()));
    let held = |at| store.revocations(at).unwrap().denied.len();
    assert_eq!((held(until.minus(Duration::from_secs(1))), held(until)), (1, 0));
}
