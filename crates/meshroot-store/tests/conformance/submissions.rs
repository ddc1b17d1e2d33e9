use std::time::Duration;

use meshroot::hierarchy::ClusterName;
use meshroot_store::{Idempotency, JoinToken, Outcome, Query, Store, Submission, TokenDigest, TokenScope};

use super::{Place, issuance, with_mesh};
use crate::support::{Mesh, NOW};

const HOUR: Duration = Duration::from_secs(3_600);

fn token(mesh: &Mesh, digest: u8) -> JoinToken {
    JoinToken {
        digest: TokenDigest([digest; 32]),
        trust_domain: mesh.trust_domain.clone(),
        cluster: ClusterName::parse("west").unwrap(),
        scope: TokenScope::Workload(mesh.id("/ns/shop/sa/cart")),
        created_by: "operator".into(),
        created_at: NOW,
        expires_at: NOW.plus(HOUR),
        used_by: None,
    }
}

fn named(key: &str, request: u8) -> Idempotency {
    Idempotency { caller: "west".into(), key: key.into(), request: [request; 32], expires_at: NOW.plus(HOUR) }
}

fn with_token(mesh: &Mesh, digest: u8) -> Submission {
    Submission { consumes: Some(TokenDigest([digest; 32])), ..issuance(mesh, "/ns/shop/sa/cart").into() }
}

fn with_name(mesh: &Mesh, name: Idempotency) -> Submission {
    Submission { idempotency: Some(name), ..issuance(mesh, "/ns/shop/sa/cart").into() }
}

/// One submission's outcome in short: a new position, an earlier one, or a code.
fn submit(store: &dyn Store, submission: Submission) -> Result<(&'static str, u64), &'static str> {
    match store.submit(vec![submission]).unwrap().pop().unwrap() {
        Ok(Outcome::Recorded(recorded)) => Ok(("new", recorded.position())),
        Ok(Outcome::Answered(position)) => Ok(("before", position)),
        Err(e) => Err(e.code()),
    }
}

pub fn a_token_is_good_for_one_certificate(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    store.add_token(&token(&mesh, 1)).unwrap();
    assert_eq!(submit(&*store, with_token(&mesh, 1)), Ok(("new", 1)));
    assert_eq!(store.token(&TokenDigest([1; 32])).unwrap().unwrap().used_by, Some(1));
    drop(store);
    let store = place.open();
    assert_eq!(submit(&*store, with_token(&mesh, 1)), Err("store.token_used"));
    assert_eq!(submit(&*store, with_token(&mesh, 2)), Err("store.token_unknown"));
    // Nothing of what was refused is on record, its serial number included.
    assert_eq!(store.issuances(&Query::default()).unwrap().len(), 1);
    assert_eq!(store.add_token(&token(&mesh, 1)).unwrap_err().code(), "store.token_exists");
}

pub fn a_token_used_twice_at_once_is_good_once(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    store.add_token(&token(&mesh, 1)).unwrap();
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (store, mesh) = (place.open(), &mesh);
                scope.spawn(move || submit(&*store, with_token(mesh, 1)))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert_eq!(store.issuances(&Query::default()).unwrap().len(), 1);
    // In one batch, too.
    store.add_token(&token(&mesh, 2)).unwrap();
    let both = store.submit(vec![with_token(&mesh, 2), with_token(&mesh, 2)]).unwrap();
    assert_eq!(both.iter().filter(|one| one.is_ok()).count(), 1);
}

pub fn an_expired_token_is_good_for_nothing(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    store.add_token(&JoinToken { expires_at: NOW, ..token(&mesh, 1) }).unwrap();
    assert_eq!(submit(&*store, with_token(&mesh, 1)), Err("store.token_expired"));
}

pub fn a_token_can_be_withdrawn_until_it_is_used(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    for digest in [1, 2] {
        store.add_token(&token(&mesh, digest)).unwrap();
    }
    assert_eq!(store.tokens().unwrap(), [token(&mesh, 1), token(&mesh, 2)]);
    submit(&*store, with_token(&mesh, 1)).unwrap();
    assert!(!store.withdraw_token(&TokenDigest([1; 32])).unwrap());
    assert!(store.withdraw_token(&TokenDigest([2; 32])).unwrap());
    assert_eq!(submit(&*store, with_token(&mesh, 2)), Err("store.token_unknown"));
}

pub fn the_same_request_under_the_same_key_gets_the_same_answer(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    assert_eq!(store.answered("west", "k").unwrap(), None);
    assert_eq!(submit(&*store, with_name(&mesh, named("k", 1))), Ok(("new", 1)));
    drop(store);
    let store = place.open();
    assert_eq!(submit(&*store, with_name(&mesh, named("k", 1))), Ok(("before", 1)));
    assert_eq!(store.answered("west", "k").unwrap(), Some((1, [1; 32])));
    assert_eq!(submit(&*store, with_name(&mesh, named("k", 2))), Err("store.idempotency_mismatch"));
    // Another caller's key is another key.
    assert_eq!(submit(&*store, with_name(&mesh, Idempotency { caller: "east".into(), ..named("k", 2) })), Ok(("new", 2)));
    assert_eq!(store.issuances(&Query::default()).unwrap().len(), 2);
}

pub fn a_used_token_still_answers_the_request_that_used_it(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    store.add_token(&token(&mesh, 1)).unwrap();
    let both = |request| Submission { consumes: Some(TokenDigest([1; 32])), ..with_name(&mesh, named("k", request)) };
    assert_eq!(submit(&*store, both(1)), Ok(("new", 1)));
    assert_eq!(submit(&*store, both(1)), Ok(("before", 1)));
    assert_eq!(submit(&*store, both(2)), Err("store.idempotency_mismatch"));
}

pub fn a_refused_token_leaves_no_key_behind(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let both = Submission { consumes: Some(TokenDigest([1; 32])), ..with_name(&mesh, named("k", 1)) };
    assert_eq!(submit(&*store, both.clone()), Err("store.token_unknown"));
    assert_eq!(store.answered("west", "k").unwrap(), None);
    store.add_token(&token(&mesh, 1)).unwrap();
    // The serial number was not used up either.
    assert_eq!(submit(&*store, both), Ok(("new", 1)));
}

pub fn an_idempotency_key_is_forgotten_only_after_its_time(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    submit(&*store, with_name(&mesh, named("k", 1))).unwrap();
    let at = |now| {
        let mut later = with_name(&mesh, Idempotency { expires_at: now, ..named("other", 9) });
        later.issuance.at = now;
        later
    };
    submit(&*store, at(NOW.plus(HOUR))).unwrap();
    assert!(store.answered("west", "k").unwrap().is_some());
    submit(&*store, Submission { idempotency: Some(named("third", 9)), ..at(NOW.plus(HOUR * 2)) }).unwrap();
    assert_eq!(store.answered("west", "k").unwrap(), None);
}
