use std::time::Duration;

use meshroot::time::Timestamp;
use meshroot::x509::{Certificate, SerialNumber};
use meshroot_store::{IdPattern, Issuance, LogExtent, Query, Search, Store, StoreError, Unexpired};

use super::{Place, first_change, issuance, with_mesh};
use crate::support::{Mesh, NOW};

const DAY: Duration = Duration::from_secs(86_400);
const RETENTION: Duration = Duration::from_secs(90 * 86_400);

/// Does all that there is to do now.
fn maintain(store: &dyn Store, now: Timestamp) -> u64 {
    let mut expired = 0;
    loop {
        let done = store.maintain(now, RETENTION).unwrap();
        expired += done.expired;
        if !done.more {
            return expired;
        }
    }
}

fn by(mesh: &Mesh, path: &str, caller: &str) -> Issuance {
    Issuance { caller: caller.into(), ..issuance(mesh, path) }
}

fn at(mesh: &Mesh, path: &str, now: Timestamp) -> Issuance {
    let issued = mesh.issue_with(path, SerialNumber::generate(meshroot::key::Crypto::ring().entropy()).unwrap(), now);
    Issuance { issued, at: now, since: now, ..issuance(mesh, path) }
}

fn positions(store: &dyn Store, search: &Search) -> Vec<u64> {
    store.search(search).unwrap().rows.iter().map(|row| row.position).collect()
}

/// Six certificates of two trust domains.
fn filled(place: &dyn Place) -> (Box<dyn Store>, Mesh, Mesh) {
    let (store, mesh) = with_mesh(place);
    let other = Mesh::new("other.example");
    store.commit(&first_change(&other, 1)).unwrap();
    store
        .record(vec![
            by(&mesh, "/ns/shop/sa/cart", "operator"),
            by(&mesh, "/ns/shop/sa/cart-2", "west with record 1"),
            by(&other, "/ns/shop/sa/cart", "operator"),
            by(&mesh, "/ns/bank/sa/till", "operator, at night"),
            at(&mesh, "/ns/shop/sa/cart", NOW.plus(DAY)),
            by(&mesh, "/ns/shop/sa/till", "west with record 4"),
        ])
        .unwrap()
        .into_iter()
        .for_each(|one| drop(one.unwrap()));
    (store, mesh, other)
}

fn finds_what_fits(store: &dyn Store, mesh: &Mesh, other: &Mesh) {
    let all = Search::default;
    let starts = |text: &str| Some(IdPattern::BeginsWith(text.into()));
    assert_eq!(positions(store, &all()), [1, 2, 3, 4, 5, 6]);
    assert_eq!(positions(store, &Search { id: Some(IdPattern::Exactly(mesh.id("/ns/shop/sa/cart"))), ..all() }), [1, 5]);
    assert_eq!(positions(store, &Search { id: starts("spiffe://mesh.example/ns/shop/"), ..all() }), [1, 2, 5, 6]);
    assert_eq!(positions(store, &Search { id: starts("spiffe://mesh.example/ns/shop/sa/cart"), ..all() }), [1, 2, 5]);
    assert_eq!(positions(store, &Search { id: starts("spiffe://mesh.examplf"), ..all() }), [] as [u64; 0]);
    assert_eq!(positions(store, &Search { trust_domain: Some(other.trust_domain.clone()), ..all() }), [3]);
    assert_eq!(positions(store, &Search { authorities: Some(vec![other.west.clone()]), ..all() }), [3]);
    assert_eq!(positions(store, &Search { authorities: Some(vec![other.west.clone(), mesh.west.clone()]), ..all() }), [1, 2, 3, 4, 5, 6]);
    assert_eq!(positions(store, &Search { authorities: Some(Vec::new()), ..all() }), [] as [u64; 0]);
    assert_eq!(positions(store, &Search { caller: Some("operator".into()), ..all() }), [1, 3, 4, 5]);
    assert_eq!(positions(store, &Search { caller: Some("west with".into()), ..all() }), [2, 6]);
    let rows = store.search(&all()).unwrap().rows;
    for row in &rows {
        assert_eq!(positions(store, &Search { serial: Some(row.serial.clone()), ..all() }), [row.position]);
        assert_eq!(store.issuances(&Query { after: row.position - 1, limit: 1, ..Query::default() }).unwrap(), std::slice::from_ref(row));
    }
    let (early, late) = (rows[0].validity.not_after, rows[4].validity.not_after);
    assert!(early < late);
    assert_eq!(positions(store, &Search { expires_after: Some(early), ..all() }), [5]);
    assert_eq!(positions(store, &Search { expires_after: Some(early.minus(Duration::from_secs(1))), ..all() }), [1, 2, 3, 4, 5, 6]);
    assert_eq!(positions(store, &Search { expires_by: Some(early), ..all() }), [1, 2, 3, 4, 6]);
    assert_eq!(positions(store, &Search { expires_by: Some(early.minus(Duration::from_secs(1))), ..all() }), [] as [u64; 0]);
    let several = Search { id: starts("spiffe://mesh.example/ns/shop/"), caller: Some("operator".into()), expires_by: Some(early), ..all() };
    assert_eq!(positions(store, &several), [1]);
    assert_eq!(positions(store, &Search { serial: Some(rows[1].serial.clone()), ..several }), [] as [u64; 0]);
}

pub fn a_search_finds_what_fits_all_that_it_names(place: &dyn Place) {
    let (store, mesh, other) = filled(place);
    maintain(&*store, NOW);
    finds_what_fits(&*store, &mesh, &other);
    drop(store);
    finds_what_fits(&*place.open(), &mesh, &other);
}

pub fn a_search_finds_the_same_before_and_after_maintenance(place: &dyn Place) {
    let (store, mesh, other) = filled(place);
    finds_what_fits(&*store, &mesh, &other);
    // Begins another segment, or whatever divides the log, behind these.
    maintain(&*store, NOW.plus(DAY * 30));
    finds_what_fits(&*store, &mesh, &other);
    let later = at(&mesh, "/ns/shop/sa/cart", NOW.plus(DAY * 30));
    let serial = later.issued.serial().clone();
    assert_eq!(store.record_one(later).unwrap().position(), 7);
    for turn in 0..2 {
        let id = Some(IdPattern::Exactly(mesh.id("/ns/shop/sa/cart")));
        assert_eq!(positions(&*store, &Search { id, ..Search::default() }), [1, 5, 7], "{turn}");
        assert_eq!(positions(&*store, &Search { serial: Some(serial.clone()), ..Search::default() }), [7], "{turn}");
        assert_eq!(positions(&*store, &Search { expires_after: Some(NOW.plus(DAY * 30)), ..Search::default() }), [7], "{turn}");
        maintain(&*store, NOW.plus(DAY * 30));
    }
}

pub fn a_search_goes_on_page_by_page_to_the_end(place: &dyn Place) {
    let (store, mesh, _) = filled(place);
    for turn in 0..2 {
        for limit in 1..=7 {
            for id in [None, Some(IdPattern::BeginsWith("spiffe://mesh.example/ns/shop/".into()))] {
                let (mut found, mut after, mut pages) = (Vec::new(), 0, 0);
                loop {
                    let page = store.search(&Search { id: id.clone(), after, limit, ..Search::default() }).unwrap();
                    assert!(page.rows.len() <= limit as usize);
                    found.extend(page.rows.iter().map(|row| row.position));
                    pages += 1;
                    match page.next {
                        Some(next) => after = next,
                        None => break assert_eq!(page.known, 6, "{turn}"),
                    }
                    assert!(pages < 9, "it never ends");
                }
                assert_eq!(found, if id.is_some() { vec![1, 2, 5, 6] } else { vec![1, 2, 3, 4, 5, 6] }, "{turn}, {limit}");
            }
        }
        maintain(&*store, NOW);
    }
    let end = Search { after: u64::MAX, id: Some(IdPattern::Exactly(mesh.id("/ns/shop/sa/cart"))), ..Search::default() };
    assert_eq!((positions(&*store, &end), store.search(&end).unwrap().next), (vec![], None));
}

pub fn unexpired_certificates_are_counted_by_authority(place: &dyn Place) {
    let (store, mesh, other) = filled(place);
    let rows = store.search(&Search::default()).unwrap().rows;
    let (early, late) = (rows[0].validity.not_after, rows[4].validity.not_after);
    let count = |of: &Mesh, certificates, last_expiry| Unexpired {
        trust_domain: of.trust_domain.clone(),
        authority: of.west.clone(),
        certificates,
        last_expiry,
    };
    for turn in 0..2 {
        assert_eq!(store.unexpired(NOW).unwrap(), [count(&mesh, 5, late), count(&other, 1, early)], "{turn}");
        // To the second.
        assert_eq!(store.unexpired(early.minus(Duration::from_secs(1))).unwrap(), [count(&mesh, 5, late), count(&other, 1, early)], "{turn}");
        assert_eq!(store.unexpired(early).unwrap(), [count(&mesh, 1, late)], "{turn}");
        assert_eq!(store.unexpired(late).unwrap(), [], "{turn}");
        maintain(&*store, NOW);
    }
}

pub fn what_expired_long_ago_is_let_go_of_and_nothing_else(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let month = NOW.plus(DAY * 30);
    let (old, new) = (at(&mesh, "/ns/shop/sa/cart", NOW), at(&mesh, "/ns/shop/sa/cart", month));
    let certificate = |issuance: &Issuance| Certificate::from_der(issuance.issued.der()).unwrap();
    let (old_certificate, new_certificate) = (certificate(&old), certificate(&new));
    store.record_one(old).unwrap();
    assert_eq!((maintain(&*store, NOW), maintain(&*store, month)), (0, 0));
    store.record_one(new).unwrap();
    let (old_expiry, new_expiry) = (old_certificate.validity().not_after, new_certificate.validity().not_after);
    maintain(&*store, old_expiry.plus(RETENTION));
    assert_eq!(store.log_extent().unwrap().held, 2, "not a second too early");
    assert_eq!(maintain(&*store, new_expiry.plus(RETENTION)), 1);
    // In another process, too.
    for store in [&store, &place.open()] {
        assert_eq!(store.log_extent().unwrap(), LogExtent { held: 1, last: 2, known: 2 });
        let log = store.issuances(&Query::default()).unwrap();
        assert_eq!(log.iter().map(|row| row.position).collect::<Vec<_>>(), [2]);
        assert_eq!(store.issuances(&Query { after: 1, ..Query::default() }).unwrap(), log);
        assert_eq!(store.search(&Search::default()).unwrap().rows, log);
        let id = Some(IdPattern::Exactly(mesh.id("/ns/shop/sa/cart")));
        assert_eq!(store.search(&Search { id, ..Search::default() }).unwrap().rows, log);
        assert_eq!(store.find(&old_certificate).unwrap(), None);
        assert_eq!(store.find(&new_certificate).unwrap().as_ref(), log.first());
    }
    let next = at(&mesh, "/ns/shop/sa/cart", new_expiry);
    assert_eq!(place.open().record_one(next).unwrap().position(), 3, "positions keep growing");
    assert_eq!(store.issuances(&Query::default()).unwrap().len(), 2);
}

pub fn the_log_in_numbers(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    assert_eq!(store.log_extent().unwrap(), LogExtent { held: 0, last: 0, known: 0 });
    store.record((0..5).map(|_| issuance(&mesh, "/ns/shop/sa/cart")).collect()).unwrap();
    let extent = store.log_extent().unwrap();
    assert_eq!((extent.held, extent.last), (5, 5));
    maintain(&*store, NOW);
    assert_eq!(store.log_extent().unwrap(), LogExtent { held: 5, last: 5, known: 5 });
    // What could not be recorded leaves no gap.
    let twice = issuance(&mesh, "/ns/shop/sa/cart");
    let both = store.record(vec![twice.clone(), twice, issuance(&mesh, "/ns/shop/sa/cart")]).unwrap();
    assert!(matches!(both[1], Err(StoreError::DuplicateSerial(_))));
    assert_eq!(store.log_extent().unwrap().last, 7);
}
