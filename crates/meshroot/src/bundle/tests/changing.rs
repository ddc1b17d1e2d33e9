use core::slice::from_ref;
use std::time::Duration;

use proptest::prelude::*;

use crate::bundle::testing::{bundle, ca, jwt_key};
use crate::bundle::{Bundle, Change, JwtAuthority, Rollback};
use crate::spiffe::TrustDomain;

#[test]
fn each_change_makes_the_next_sequence_number() {
    let [a, b] = ["a", "b"].map(ca);
    let one = bundle(from_ref(&a));
    let two = one.add(b.clone()).unwrap();
    let three = two.remove(&a).unwrap();
    assert_eq!([one.sequence(), two.sequence(), three.sequence()], [Some(7), Some(8), Some(9)]);
    assert_eq!(three.x509_authorities(), [b]);
}

#[test]
fn a_change_that_changes_nothing_is_refused() {
    let [a, b] = ["a", "b"].map(ca);
    let one = bundle(from_ref(&a));
    assert_eq!(one.add(a).unwrap_err().code(), "bundle.already_there");
    assert_eq!(one.remove(&b).unwrap_err().code(), "bundle.not_there");
}

#[test]
fn the_last_authority_is_not_removed_by_accident() {
    let a = ca("a");
    assert_eq!(bundle(from_ref(&a)).remove(&a).unwrap_err().code(), "bundle.would_be_empty");
}

#[test]
fn the_sequence_number_never_wraps() {
    let last = bundle(&[ca("a")]).with_sequence(u64::MAX);
    assert_eq!(last.add(ca("b")).unwrap_err().code(), "bundle.sequence_exhausted");
}

#[test]
fn an_older_sequence_number_is_a_rollback_whatever_it_holds() {
    let held = bundle(&[ca("a")]);
    for older in [held.clone().with_sequence(6), bundle(&[ca("b")]).with_sequence(6)] {
        assert_eq!(older.supersedes(&held), Err(Rollback::Older { held: 7, offered: 6 }));
    }
}

#[test]
fn one_sequence_number_never_names_two_contents() {
    let [a, b] = ["a", "b"].map(ca);
    let held = bundle(&[a.clone(), b.clone()]);
    let jwt = held.clone().with_jwt_authorities([JwtAuthority::from_jwk_json(jwt_key("k").as_bytes()).unwrap()]).unwrap();
    for other in [bundle(from_ref(&a)), bundle(&[b.clone(), ca("c")]), jwt] {
        assert_eq!(other.supersedes(&held), Err(Rollback::SameSequence { sequence: 7 }));
    }
    assert_eq!(held.supersedes(&held), Ok(Change::Unchanged));
    assert_eq!(bundle(&[b, a]).supersedes(&held), Ok(Change::Unchanged), "order is no content");
    assert_eq!(held.clone().with_refresh_hint(Duration::from_secs(5)).supersedes(&held), Ok(Change::SameAuthorities));
}

#[test]
fn a_newer_bundle_says_what_it_changes() {
    let [a, b, c] = ["a", "b", "c"].map(ca);
    let held = bundle(&[a.clone(), b.clone()]);
    let newer = bundle(&[b, c.clone()]).with_sequence(9);
    assert_eq!(newer.supersedes(&held), Ok(Change::Authorities { added: vec![c], removed: vec![a] }));
    assert_eq!(held.clone().with_sequence(8).supersedes(&held), Ok(Change::SameAuthorities));
}

#[test]
fn without_sequence_numbers_the_later_one_wins_and_a_number_once_seen_is_demanded_for_ever() {
    let [a, b] = ["a", "b"].map(ca);
    let unnumbered = |authority| Bundle::new(super::super::testing::domain()).with_x509_authorities([authority]).unwrap();
    let changed = Change::Authorities { added: vec![b.clone()], removed: vec![a.clone()] };
    assert_eq!(unnumbered(b.clone()).supersedes(&unnumbered(a.clone())), Ok(changed.clone()));
    assert_eq!(bundle(from_ref(&b)).supersedes(&unnumbered(a.clone())), Ok(changed));
    assert_eq!(unnumbered(b).supersedes(&bundle(&[a])), Err(Rollback::NoSequence { held: 7 }));
}

#[test]
fn a_bundle_supersedes_only_its_own_trust_domains() {
    let a = ca("a");
    let other = Bundle::new(TrustDomain::parse("other.example").unwrap()).with_x509_authorities([a.clone()]).unwrap().with_sequence(99);
    assert!(matches!(other.supersedes(&bundle(&[a])), Err(Rollback::OtherTrustDomain { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever documents arrive in whatever order, what is held only ever moves forward.
    #[test]
    fn a_consumer_that_asks_never_goes_back(arrivals in proptest::collection::vec((0u64..5, 0usize..3), 1..12)) {
        let authorities = ["a", "b", "c"].map(ca);
        let mut held = bundle(&[authorities[0].clone()]).with_sequence(0);
        for (sequence, index) in arrivals {
            let offered = bundle(&[authorities[index].clone()]).with_sequence(sequence);
            let answer = offered.supersedes(&held);
            let same = offered.x509_authorities() == held.x509_authorities();
            let allowed = Some(sequence) > held.sequence() || (Some(sequence) == held.sequence() && same);
            prop_assert_eq!(answer.is_ok(), allowed);
            if answer.is_ok() { held = offered; }
        }
    }
}
