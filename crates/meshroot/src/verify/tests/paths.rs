//! Finding a path: whatever is in the pool, in whatever order.

use super::make::{DAY, key};
use super::*;
use crate::x509::encode::PRINTABLE_STRING;

fn spki(name: &str) -> Vec<u8> {
    key(name).public_key().spki_der().to_vec()
}

#[test]
fn the_pool_may_be_in_any_order_and_hold_rubbish_repeats_and_the_root() {
    let (top, a, b) = (root("root").sign("root"), ca("a", "root").sign("root"), ca("b", "a").sign("a"));
    let end = leaf("leaf", "b").sign("b");
    let stranger = ca("a", "elsewhere").sign("elsewhere");
    let pool: [&[u8]; 8] = [b"rubbish", &stranger, &b, &top, &a, &a, &end, &[0x30, 0x80]];
    for start in 0..pool.len() {
        let mut pool = pool;
        pool.rotate_left(start);
        let path = pkix(&end, &pool, &[&top]).unwrap();
        let found: Vec<&[u8]> = path.certificates().iter().map(Certificate::der).collect();
        assert_eq!(found, [&end[..], &b, &a, &top]);
    }
}

#[test]
fn a_cross_signed_ca_is_found_below_whichever_root_is_trusted() {
    let roots = [root("r1").sign("r1"), root("r2").sign("r2")];
    let crossed = [ca("ca", "r1").sign("r1"), ca("ca", "r2").sign("r2")];
    let end = leaf("leaf", "ca").sign("ca");
    for trusted in [0, 1] {
        let path = pkix(&end, &[&crossed[0], &crossed[1]], &[&roots[trusted]]).unwrap();
        assert_eq!(path.certificates()[1].der(), crossed[trusted]);
    }
}

#[test]
fn several_roots_of_one_name_are_told_apart_by_their_keys() {
    let roots: Vec<Vec<u8>> = ["k1", "k2", "k3"].map(|k| root("root").with(|root| root.spki = spki(k)).sign(k)).to_vec();
    let anchors: Vec<&[u8]> = roots.iter().map(Vec::as_slice).collect();
    for k in ["k1", "k2", "k3"] {
        assert!(pkix(&leaf("leaf", "root").sign(k), &[], &anchors).is_ok(), "{k}");
    }
    assert_eq!(refused(pkix(&leaf("leaf", "root").sign("k4"), &[], &anchors)), ("verify.bad_signature", Some(0)));
}

#[test]
fn a_wrong_hint_does_not_hide_a_path_and_is_told() {
    let top = root("root").with(|root| root.subject_key(b"right")).sign("root");
    let middle = ca("ca", "root").with(|ca| {
        ca.subject_key(b"ca");
        ca.authority_key(b"wrong");
    });
    let end = leaf("leaf", "ca").with(|leaf| leaf.authority_key(b"ca")).sign("ca");
    let path = pkix(&end, &[&middle.sign("root")], &[&top]).unwrap();
    assert_eq!(path.misleading_hints().collect::<Vec<_>>(), [1]);
    let right = middle.with(|ca| ca.authority_key(b"right")).sign("root");
    assert_eq!(pkix(&end, &[&right], &[&top]).unwrap().misleading_hints().count(), 0);
}

#[test]
fn hints_are_followed_first() {
    // Ninety-nine CAs of one name with other keys: a budget of three signatures is enough for who listens.
    let others: Vec<Vec<u8>> = (0..99u8)
        .map(|n| {
            let decoy = ca("ca", "root").with(|ca| {
                ca.spki = spki(&format!("decoy {}", n % 8));
                // Some name another key than the leaf does, some none at all.
                if n % 2 == 0 {
                    ca.subject_key(&[n]);
                }
            });
            decoy.sign("root")
        })
        .collect();
    let right = ca("ca", "root").with(|ca| ca.subject_key(b"right")).sign("root");
    let mut pool: Vec<&[u8]> = others.iter().map(Vec::as_slice).collect();
    pool.push(&right);
    let query = PathQuery::new(NOW).rules(Rules::pkix()).budget(Budget { signatures: 3, ..Budget::default() });
    let end = leaf("leaf", "ca");
    let top = root("root").sign("root");
    assert!(with(query, &end.clone().with(|leaf| leaf.authority_key(b"right")).sign("ca"), &pool, &[&top]).is_ok());
    assert_eq!(refused(with(query, &end.sign("ca"), &pool, &[&top])), ("verify.budget_exhausted", None));
}

#[test]
fn loops_end() {
    let end = leaf("leaf", "a").sign("a");
    let pool = [ca("a", "b").sign("b"), ca("b", "c").sign("c"), ca("c", "a").sign("a"), ca("a", "a").sign("a")];
    let pool: Vec<&[u8]> = pool.iter().map(Vec::as_slice).collect();
    assert_eq!(refused(pkix(&end, &pool, &[&root("root").sign("root")])).0, "verify.unknown_issuer");
    let way_out = ca("c", "root").sign("root");
    let pool = [&pool[..], &[&way_out]].concat();
    assert_eq!(pkix(&end, &pool, &[&root("root").sign("root")]).unwrap().certificates().len(), 5);
}

#[test]
fn an_expired_way_does_not_hide_a_valid_one() {
    let tops = [root("r1").with(|root| root.validity.not_after = NOW.minus(DAY)).sign("r1"), root("r2").sign("r2")];
    let pool = [ca("ca", "r1").sign("r1"), ca("ca", "r2").with(|ca| ca.validity.not_after = NOW.minus(DAY)).sign("r2"), ca("ca", "r2").sign("r2")];
    let pool: Vec<&[u8]> = pool.iter().map(Vec::as_slice).collect();
    assert!(pkix(&leaf("leaf", "ca").sign("ca"), &pool, &[&tops[0], &tops[1]]).is_ok());
    assert_eq!(refused(pkix(&leaf("leaf", "ca").sign("ca"), &pool[..1], &[&tops[0], &tops[1]])), ("verify.expired", Some(2)));
}

#[test]
fn an_anchor_need_not_have_signed_itself() {
    let anchor = ca("ca", "somebody").sign("somebody");
    assert!(pkix(&leaf("leaf", "ca").sign("ca"), &[], &[&anchor]).is_ok());
}

#[test]
fn names_chain_when_they_are_the_same_to_rfc_5280() {
    let spelled = |text| {
        let mut out = Vec::new();
        crate::x509::encode::element(&mut out, 0x30, |out| make::rdn(out, &[0x55, 4, 3], PRINTABLE_STRING, text));
        out
    };
    let end = leaf("leaf", "ca").with(|leaf| leaf.issuer = spelled("  CA ")).sign("ca");
    let (middle, top) = (ca("ca", "root").sign("root"), root("root").sign("root"));
    assert!(pkix(&end, &[&middle], &[&top]).is_ok());
    let mut bytes = Rules::pkix();
    bytes.fold_names = false;
    assert_eq!(refused(with(PathQuery::new(NOW).rules(bytes), &end, &[&middle], &[&top])), ("verify.unknown_issuer", Some(0)));
}

#[test]
fn path_length_counts_cas_that_are_not_self_issued() {
    let chain = |lengths: [Option<u8>; 3]| {
        let [top, a, b] = ["root", "a", "b"].map(|name| ca(name, ["root", "root", "a"][usize::from(name != "root") + usize::from(name == "b")]));
        let limited = |made: Made, length: Option<u8>| made.with(|made| length.into_iter().for_each(|most| made.path_len(most)));
        let pool = [limited(a, lengths[1]).sign("root"), limited(b, lengths[2]).sign("a")];
        pkix(&leaf("leaf", "b").sign("b"), &[&pool[0], &pool[1]], &[&limited(top, lengths[0]).sign("root")])
    };
    assert!(chain([Some(2), Some(1), Some(0)]).is_ok());
    assert!(chain([Some(2), Some(1), Some(7)]).is_ok(), "more than above is no fault");
    assert_eq!(refused(chain([Some(1), None, None])), ("verify.path_length", Some(3)));
    assert_eq!(refused(chain([None, Some(0), None])), ("verify.path_length", Some(2)));

    let renewed = ca("ca", "ca").with(|ca| ca.spki = spki("new")).sign("ca");
    let limited = ca("ca", "root").with(|ca| ca.path_len(0)).sign("root");
    let top = root("root").with(|root| root.path_len(1)).sign("root");
    assert!(pkix(&leaf("leaf", "ca").sign("new"), &[&renewed, &limited], &[&top]).is_ok());
}

#[test]
fn the_caller_may_allow_fewer_intermediates() {
    let pool = [ca("a", "root").sign("root"), ca("b", "a").sign("a")];
    let (end, top) = (leaf("leaf", "b").sign("b"), root("root").sign("root"));
    let allowed = |most| with(PathQuery::new(NOW).rules(Rules::pkix()).max_intermediates(most), &end, &[&pool[0], &pool[1]], &[&top]);
    assert!(allowed(2).is_ok());
    assert_eq!(refused(allowed(1)), ("verify.too_many_intermediates", Some(2)));
    assert_eq!(refused(allowed(0)), ("verify.too_many_intermediates", Some(1)));
    let direct = leaf("leaf", "root").sign("root");
    assert!(with(PathQuery::new(NOW).rules(Rules::pkix()).max_intermediates(0), &direct, &[], &[&top]).is_ok());
}

#[test]
fn a_ca_whose_key_is_of_no_use_is_named() {
    let unusable = ca("ca", "root").with(|ca| ca.spki = vec![0x30, 0x0a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x71, 0x03, 0x01, 0x00]).sign("root");
    let end = leaf("leaf", "ca").sign("ca");
    let top = root("root").sign("root");
    assert_eq!(refused(pkix(&end, &[&unusable], &[&top])), ("verify.key", Some(1)));
    assert_eq!(refused(pkix(&end, &[&unusable[..40]], &[&top])), ("verify.malformed", None), "it may have been the one");
    assert!(pkix(&end, &[&unusable, &ca("ca", "root").sign("root")], &[&top]).is_ok());
}

#[test]
fn the_closest_failure_explains() {
    let top = root("root").sign("root");
    // A path to an anchor that has expired explains more than a longer one that ends nowhere.
    let expired = root("old").with(|root| root.validity.not_after = NOW.minus(DAY)).sign("old");
    let pool = [ca("ca", "old").sign("old"), ca("ca", "x").sign("x"), ca("x", "y").sign("y"), ca("y", "nowhere").sign("nowhere")];
    let pool: Vec<&[u8]> = pool.iter().map(Vec::as_slice).collect();
    let end = leaf("leaf", "ca").sign("ca");
    assert_eq!(refused(pkix(&end, &pool, &[&top, &expired])), ("verify.expired", Some(2)));
    // Of two that end nowhere the longer one.
    assert_eq!(refused(pkix(&end, &pool, &[&top])), ("verify.unknown_issuer", Some(3)));
    // Who has no CA at all is told whom to ask for.
    assert_eq!(refused(pkix(&end, &[], &[&top])), ("verify.unknown_issuer", Some(0)));
    // Another root of the right name is told as that.
    assert_eq!(refused(pkix(&leaf("leaf", "root").sign("other"), &[], &[&top])), ("verify.bad_signature", Some(0)));
}

#[test]
fn a_ca_that_signs_nothing_itself_is_judged_from_its_own_place() {
    let top = certificate(&root("root").sign("root"));
    let anchors = std::slice::from_ref(&top);
    let query = PathQuery::new(NOW);
    let judge = |ca: &Certificate, pool: &[Certificate]| CaPath::judge(ca, pool, anchors, &crypto(), &query, None);
    let good = certificate(&ca("ca", "root").sign("root"));
    assert_eq!(judge(&good, &[]).unwrap().certificates(), [good.clone(), top.clone()]);
    assert_eq!(judge(&top, &[]).unwrap().certificates(), anchors);
    let no_ca = certificate(&leaf("ca", "root").sign("root"));
    let rejection = judge(&no_ca, &[]).unwrap_err();
    assert_eq!((rejection.code(), rejection.certificate.map(|at| at.position)), ("verify.not_a_ca", Some(1)));
    let below = certificate(&ca("below", "ca").sign("ca"));
    let limited = certificate(&ca("ca", "root").with(|ca| ca.path_len(0)).sign("root"));
    assert_eq!(judge(&below, &[limited]).unwrap_err().code(), "verify.path_length");
    assert!(judge(&below, &[good]).is_ok());
}

#[test]
fn a_path_that_is_kept_judges_names_and_time_of_each_leaf() {
    let top = certificate(&root("root").sign("root"));
    let short = ca("ca", "root").with(|ca| {
        ca.constrain(&[(0x82, b"mesh.example")], &[]);
        ca.validity.not_after = NOW;
    });
    let path = CaPath::find(&certificate(&short.sign("root")), &[], std::slice::from_ref(&top), &crypto(), NOW).unwrap();
    let below = |leaf: Made, now| {
        let der = leaf.sign("ca");
        let rejection = path.validate_below(&crate::x509::wire::CertRef::parse(&der).unwrap(), &crypto(), now).err()?;
        Some((rejection.code(), rejection.certificate.map(|at| at.position)))
    };
    let named = |dns: &[u8]| leaf("leaf", "ca").with(|leaf| leaf.alt_names(&[(0x82, dns)]));
    let second = std::time::Duration::from_secs(1);
    assert_eq!(below(named(b"a.mesh.example"), NOW), None);
    assert_eq!(below(named(b"a.example"), NOW), Some(("verify.name_constraint", Some(0))));
    assert_eq!(below(named(b"a.mesh.example"), NOW.plus(second)), Some(("verify.expired", Some(1))));
    assert_eq!(below(named(b"a.mesh.example").with(|leaf| leaf.issuer = make::name("root")), NOW), Some(("verify.unknown_issuer", Some(0))));
}
