//! What one certificate must be, shown on the leaf.

use super::make::{DAY, name};
use super::*;
use crate::x509::KeyUsage;
use crate::x509::extension as ext;
use der::asn1::ObjectIdentifier;

const UNHEARD_OF: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.55738.666.1");

#[track_caller]
fn judged(edit: Edit, rules: Rules) -> (&'static str, Option<usize>) {
    refused(three(same, same, edit, PathQuery::new(NOW).rules(rules)))
}

#[test]
fn what_we_issue_is_accepted_by_both_sets_of_rules() {
    three(same, same, same, PathQuery::new(NOW)).unwrap();
    three(same, same, same, PathQuery::new(NOW).rules(Rules::pkix())).unwrap();
}

#[test]
fn each_fault_of_a_leaf_has_its_own_reason() {
    let faults: &[(&str, Edit)] = &[
        ("verify.version", |leaf| {
            leaf.version = None;
            leaf.extensions.clear();
        }),
        ("verify.version", |leaf| leaf.version = Some(1)),
        ("verify.serial_number", |leaf| leaf.serial = vec![0]),
        ("verify.serial_number", |leaf| leaf.serial = vec![0xff]),
        ("verify.serial_number", |leaf| leaf.serial = vec![1; 21]),
        ("verify.no_issuer_name", |leaf| leaf.issuer = name("")),
        ("verify.leaf_is_ca", |leaf| leaf.path_len(0)),
        ("verify.key_usage_forbids", |leaf| leaf.key_usage(KeyUsage::DIGITAL_SIGNATURE.with(KeyUsage::KEY_CERT_SIGN))),
        ("verify.name_constraints_in_leaf", |leaf| leaf.constrain(&[(0x82, b"example")], &[])),
        ("verify.san_not_critical", |leaf| {
            leaf.alt_names(&[(0x82, b"leaf.example")]);
            leaf.subject = name("");
            leaf.extensions.iter_mut().for_each(|(oid, critical, _)| *critical &= *oid != ext::SUBJECT_ALT_NAME);
        }),
        ("verify.unknown_critical_extension", |leaf| leaf.set(UNHEARD_OF, true, vec![5, 0])),
        ("verify.duplicate_extension", |leaf| leaf.extensions.extend([(UNHEARD_OF, false, vec![5, 0]), (UNHEARD_OF, false, vec![5, 0])])),
        ("verify.critical", |leaf| leaf.set(ext::SUBJECT_KEY_IDENTIFIER, true, vec![4, 1, 7])),
        ("verify.critical", |leaf| leaf.set(ext::AUTHORITY_KEY_IDENTIFIER, true, vec![0x30, 3, 0x80, 1, 7])),
        ("verify.malformed_extension", |leaf| leaf.set(ext::SUBJECT_ALT_NAME, false, b"leaf.example".to_vec())),
        ("verify.malformed_extension", |leaf| leaf.set(ext::SUBJECT_ALT_NAME, false, vec![0x30, 0])),
        ("verify.malformed_extension", |leaf| leaf.set(ext::BASIC_CONSTRAINTS, true, vec![0x31, 0])),
        ("verify.malformed_extension", |leaf| leaf.set(ext::KEY_USAGE, true, vec![3, 1, 0])),
        ("verify.malformed_extension", |leaf| leaf.set(ext::EXTENDED_KEY_USAGE, false, vec![0x30, 0])),
        ("verify.malformed_extension", |leaf| leaf.set(ext::AUTHORITY_INFORMATION_ACCESS, false, b"malformed".to_vec())),
        ("verify.expired", |leaf| leaf.validity.not_after = NOW.minus(std::time::Duration::from_secs(1))),
        ("verify.not_yet_valid", |leaf| leaf.validity.not_before = NOW.plus(std::time::Duration::from_secs(1))),
        ("verify.key", |leaf| leaf.spki = vec![0x30, 0x0a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x71, 0x03, 0x01, 0x00]),
        ("verify.signature_algorithm", |leaf| {
            // sha1WithRSAEncryption
            let sha1 = vec![0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05, 0x05, 0x00];
            leaf.algorithms = Some((sha1.clone(), sha1));
        }),
    ];
    for (index, (code, edit)) in faults.iter().enumerate() {
        assert_eq!(judged(*edit, Rules::pkix()), (*code, Some(0)), "fault {index}");
    }
}

#[test]
fn the_algorithms_inside_and_outside_are_the_same() {
    let edit = |leaf: &mut Made| {
        let [p256, ed25519] =
            [crate::key::SignatureAlgorithm::EcdsaSha256, crate::key::SignatureAlgorithm::Ed25519].map(|a| a.identifier_der().to_vec());
        leaf.algorithms = Some((p256, ed25519));
    };
    assert_eq!(judged(edit, Rules::pkix()), ("verify.algorithm_mismatch", None));
}

#[test]
fn each_fault_of_an_svid_has_its_own_reason() {
    let faults: &[(&str, Edit)] = &[
        ("verify.key_usage_missing", |leaf| leaf.unset(ext::KEY_USAGE)),
        ("verify.key_usage_not_critical", |leaf| leaf.set(ext::KEY_USAGE, false, KeyUsage::DIGITAL_SIGNATURE.encode())),
        ("verify.key_usage_forbids", |leaf| leaf.key_usage(KeyUsage::DIGITAL_SIGNATURE.with(KeyUsage::CRL_SIGN))),
        ("verify.key_usage_lacks", |leaf| leaf.key_usage(KeyUsage::KEY_AGREEMENT)),
        ("verify.extended_key_usage", |leaf| leaf.purposes(&["1.3.6.1.5.5.7.3.1"])),
        ("verify.extended_key_usage", |leaf| leaf.purposes(&["2.5.29.37.0"])),
        ("verify.no_uri", |leaf| leaf.unset(ext::SUBJECT_ALT_NAME)),
        ("verify.no_uri", |leaf| leaf.alt_names(&[(0x82, b"leaf.example")])),
        ("verify.several_uris", |leaf| leaf.alt_names(&[(0x86, b"spiffe://a/b"), (0x86, b"https://a/b")])),
        ("verify.not_a_spiffe_id", |leaf| leaf.alt_names(&[(0x86, b"https://a/b")])),
        ("verify.no_path", |leaf| leaf.alt_names(&[(0x86, b"spiffe://mesh.example")])),
    ];
    for (index, (code, edit)) in faults.iter().enumerate() {
        assert_eq!(judged(*edit, Rules::spiffe()), (*code, Some(0)), "fault {index}");
        assert!(three(same, same, |_| (), PathQuery::new(NOW)).is_ok());
    }
}

#[test]
fn validity_counts_to_the_second_at_both_ends() {
    let second = std::time::Duration::from_secs(1);
    let at = |now: Timestamp| three(same, same, same, PathQuery::new(now).rules(Rules::pkix()));
    let (first, last) = (NOW.minus(DAY), NOW.plus(DAY));
    assert_eq!(at(last).unwrap().not_after(), last);
    assert!(at(first).is_ok());
    assert_eq!(refused(at(last.plus(second))).0, "verify.expired");
    assert_eq!(refused(at(first.minus(second))).0, "verify.not_yet_valid");
}

#[test]
fn a_leaf_serves_the_purposes_it_names_and_any_that_it_does_not_limit() {
    const OCSP: &str = "1.3.6.1.5.5.7.3.9";
    let cases: [(Edit, Purpose, bool); 8] = [
        (same, Purpose::Both, true),
        (|leaf| leaf.purposes(&["1.3.6.1.5.5.7.3.1"]), Purpose::ServerAuth, true),
        (|leaf| leaf.purposes(&["1.3.6.1.5.5.7.3.1"]), Purpose::ClientAuth, false),
        (|leaf| leaf.purposes(&["1.3.6.1.5.5.7.3.1"]), Purpose::Both, false),
        (|leaf| leaf.purposes(&["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]), Purpose::Both, true),
        (|leaf| leaf.purposes(&["2.5.29.37.0"]), Purpose::Both, true),
        (|leaf| leaf.purposes(&[OCSP]), Purpose::ServerAuth, false),
        (|leaf| leaf.purposes(&[OCSP]), Purpose::Any, true),
    ];
    for (index, (edit, purpose, accepted)) in cases.into_iter().enumerate() {
        let query = PathQuery::new(NOW).rules(Rules::pkix()).purpose(purpose);
        assert_eq!(three(same, same, edit, query).is_ok(), accepted, "leaf, case {index}");
        assert_eq!(three(same, edit, same, query).is_ok(), accepted, "cluster CA, case {index}: it passes on what it may");
        assert_eq!(three(edit, same, same, query).is_ok(), accepted, "root, case {index}");
    }
}

#[test]
fn a_switch_turned_lets_its_leaf_in_and_no_other() {
    type Turn = fn(&mut Rules);
    let switches: [(Turn, Edit); 5] = [
        (|rules| rules.leaf_may_be_ca = true, |leaf| leaf.path_len(0)),
        (|rules| rules.leaf_may_be_ca = true, |leaf| leaf.key_usage(KeyUsage::KEY_CERT_SIGN)),
        (
            |rules| rules.leaf_may_be_v1 = true,
            |leaf| {
                leaf.version = None;
                leaf.extensions.clear();
            },
        ),
        (|rules| rules.any_serial_number = true, |leaf| leaf.serial = vec![0]),
        (|rules| rules.any_serial_number = true, |leaf| leaf.serial = vec![0x81; 30]),
    ];
    for (turn, edit) in switches {
        let mut rules = Rules::pkix();
        turn(&mut rules);
        assert!(three(same, same, edit, PathQuery::new(NOW).rules(rules)).is_ok());
        assert!(three(same, same, edit, PathQuery::new(NOW).rules(Rules::pkix())).is_err());
    }
}

#[test]
fn many_extensions_are_compared_in_no_time() {
    // 64 KiB hold some thousands; each with each would be millions of comparisons.
    let end = leaf("leaf", "root").with(|leaf| {
        for index in 0..4000u32 {
            let oid = ObjectIdentifier::new(&format!("1.3.6.1.4.1.55738.{index}")).unwrap();
            leaf.extensions.push((oid, false, vec![]));
        }
    });
    let anchor = root("root").sign("root");
    assert!(pkix(&end.sign("root"), &[], &[&anchor]).is_ok());
    let twice = end.with(|leaf| leaf.extensions.push(leaf.extensions[77].clone()));
    assert_eq!(refused(pkix(&twice.sign("root"), &[], &[&anchor])), ("verify.duplicate_extension", Some(0)));
}
