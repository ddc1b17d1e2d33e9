//! What a refusal says.

use super::*;
use crate::x509::extension as ext;

#[test]
fn a_refusal_says_where_what_was_found_and_what_is_needed() {
    let rejection = three(same, |ca| ca.unset(ext::KEY_USAGE), same, PathQuery::new(NOW)).unwrap_err();
    assert_eq!((rejection.found(), rejection.needed()), ("no keyUsage".into(), "a keyUsage".into()));
    let text = rejection.to_string();
    for part in ["certificate 1 above the leaf", "CN=ca", "serial 2a", "it has no keyUsage", "verify.key_usage_missing", rejection.source()] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let rejection = three(|root| root.constrain(&[(0x86, b"other.example")], &[]), same, same, PathQuery::new(NOW)).unwrap_err();
    assert_eq!(rejection.found(), "the name 'spiffe://mesh.example/ns/shop/sa/cart'");
    assert_eq!(rejection.needed(), "only URI:other.example is permitted");
}

#[test]
fn a_name_in_a_refusal_cannot_touch_a_terminal() {
    let end = leaf("leaf", "root").with(|leaf| leaf.alt_names(&[(0x82, b"a\x1b[31m.example")])).sign("root");
    let anchor = root("root").with(|root| root.constrain(&[(0x82, b"mesh.example\x07")], &[])).sign("root");
    let text = pkix(&end, &[], &[&anchor]).unwrap_err().to_string();
    assert!(!text.chars().any(char::is_control) && text.contains("\\u{1b}[31m"), "{text}");
}

#[test]
fn an_empty_chain_and_a_flood_are_named() {
    let validator = Validator::new(&crate::bundle::BundleMap::default(), crypto());
    let empty: [&[u8]; 0] = [];
    let crls = crate::revocation::CrlSet::empty();
    assert_eq!(validator.validate(&empty, &crls, NOW).unwrap_err().code(), "verify.empty_chain");
    let anchor = root("root").sign("root");
    let flood = vec![&anchor[..]; 129];
    assert_eq!(refused(pkix(&leaf("leaf", "root").sign("root"), &flood, &[&anchor])), ("verify.chain_too_long", None));
    assert!(pkix(&leaf("leaf", "root").sign("root"), &flood[..128], &[&anchor]).is_ok());
}
