//! What a CA must be, and an anchor.

use super::make::{DAY, name};
use super::*;
use crate::x509::KeyUsage;
use crate::x509::extension as ext;
use der::asn1::ObjectIdentifier;

const FAULTS: &[(&str, Edit)] = &[
    ("verify.not_a_ca", |ca| ca.unset(ext::BASIC_CONSTRAINTS)),
    ("verify.not_a_ca", |ca| ca.set(ext::BASIC_CONSTRAINTS, true, vec![0x30, 0])),
    ("verify.key_usage_lacks", |ca| ca.key_usage(KeyUsage::CRL_SIGN)),
    ("verify.expired", |ca| ca.validity.not_after = NOW.minus(DAY)),
    ("verify.not_yet_valid", |ca| ca.validity.not_before = NOW.plus(DAY)),
    ("verify.unknown_critical_extension", |ca| ca.set(ObjectIdentifier::new_unwrap("1.3.6.1.4.1.55738.666.1"), true, vec![5, 0])),
    ("verify.serial_number", |ca| ca.serial = vec![0]),
    ("verify.critical", |ca| ca.set(ext::SUBJECT_KEY_IDENTIFIER, true, vec![4, 1, 7])),
    ("verify.malformed_extension", |ca| ca.set(ext::NAME_CONSTRAINTS, true, vec![0x30, 0])),
    ("verify.malformed_extension", |ca| ca.set(ext::SUBJECT_ALT_NAME, false, vec![0x30, 0])),
    ("verify.malformed_extension", |ca| ca.set(ext::SUBJECT_KEY_IDENTIFIER, false, vec![4, 2, 7])),
    ("verify.malformed_extension", |ca| ca.set(ext::AUTHORITY_KEY_IDENTIFIER, false, vec![4, 1, 7])),
    ("verify.malformed_extension", |ca| ca.set(ext::AUTHORITY_KEY_IDENTIFIER, false, vec![0x30, 3, 4, 1, 7])),
    ("verify.version", |ca| ca.version = None),
];

#[test]
fn each_fault_of_a_ca_has_its_own_reason_and_place() {
    for rules in [Rules::spiffe(), Rules::pkix()] {
        let query = PathQuery::new(NOW).rules(rules);
        for (index, (code, edit)) in FAULTS.iter().enumerate() {
            assert_eq!(refused(three(same, *edit, same, query)), (*code, Some(1)), "cluster CA, fault {index}");
            assert_eq!(refused(three(*edit, same, same, query)), (*code, Some(2)), "root, fault {index}");
        }
    }
}

#[test]
fn of_an_anchor_taken_for_name_and_key_nothing_else_counts_but_its_name_constraints() {
    let mut rules = Rules::pkix();
    rules.anchor_is_name_and_key = true;
    let query = PathQuery::new(NOW).rules(rules);
    for (index, (_, edit)) in FAULTS.iter().enumerate().filter(|(index, _)| *index != 8) {
        let path = three(*edit, same, same, query).unwrap_or_else(|e| panic!("fault {index}: {e}"));
        assert_eq!(path.not_after(), NOW.plus(DAY), "an anchor without a date ends nothing");
        assert!(three(same, *edit, same, query).is_err(), "cluster CA, fault {index}");
    }
    assert_eq!(refused(three(|root| root.constrain(&[(0x82, b"other.example")], &[]), same, same, query)), ("verify.name_constraint", Some(0)));
    assert_eq!(refused(three(FAULTS[8].1, same, same, query)), ("verify.malformed_extension", Some(2)));
}

#[test]
fn a_ca_without_key_usage_signs_no_svid_unless_it_is_the_anchor() {
    let without: Edit = |ca| ca.unset(ext::KEY_USAGE);
    let spiffe = PathQuery::new(NOW);
    assert_eq!(refused(three(same, without, same, spiffe)), ("verify.key_usage_missing", Some(1)));
    assert!(three(without, same, same, spiffe).is_ok());
    assert!(three(same, without, same, spiffe.rules(Rules::pkix())).is_ok());
}

#[test]
fn a_ca_with_a_workloads_id_signs_no_svid() {
    let workload: Edit = |ca| ca.alt_names(&[(0x86, b"spiffe://mesh.example/ns/a")]);
    assert_eq!(refused(three(same, workload, same, PathQuery::new(NOW))), ("verify.ca_with_path", Some(1)));
    assert!(three(same, |ca| ca.alt_names(&[(0x86, b"spiffe://mesh.example")]), same, PathQuery::new(NOW)).is_ok());
    assert!(three(same, workload, same, PathQuery::new(NOW).rules(Rules::pkix())).is_ok());
}

#[test]
fn a_ca_has_a_name() {
    let anchor = root("").with(|root| root.issuer = name("above")).sign("");
    let end = leaf("leaf", "").with(|leaf| leaf.issuer = name(""));
    assert_eq!(refused(pkix(&end.sign(""), &[], &[&anchor])), ("verify.no_issuer_name", Some(0)));
}

#[test]
fn key_identifiers_and_criticality_are_demanded_only_on_demand() {
    let mut demanding = Rules::pkix();
    demanding.demand_key_identifiers = true;
    let query = PathQuery::new(NOW).rules(demanding);
    let with_ids: (Edit, Edit, Edit) = (
        |root| root.subject_key(b"root"),
        |ca| {
            ca.subject_key(b"ca");
            ca.authority_key(b"root");
        },
        |leaf| leaf.authority_key(b"ca"),
    );
    assert!(three(with_ids.0, with_ids.1, with_ids.2, query).is_ok());
    assert_eq!(refused(three(same, with_ids.1, with_ids.2, query)), ("verify.key_identifier_missing", Some(2)));
    assert_eq!(refused(three(with_ids.0, |ca| ca.subject_key(b"ca"), with_ids.2, query)), ("verify.key_identifier_missing", Some(1)));
    assert_eq!(refused(three(with_ids.0, with_ids.1, same, query)), ("verify.key_identifier_missing", Some(0)));

    let mut demanding = Rules::pkix();
    demanding.demand_criticality = true;
    let query = PathQuery::new(NOW).rules(demanding);
    let relaxed = |oid| move |ca: &mut Made| ca.extensions.iter_mut().for_each(|(known, critical, _)| *critical &= *known != oid);
    for oid in [ext::BASIC_CONSTRAINTS, ext::NAME_CONSTRAINTS, ext::POLICY_CONSTRAINTS, ext::INHIBIT_ANY_POLICY] {
        let anchor = root("root").with(|root| {
            root.constrain(&[(0x82, b"example")], &[]);
            root.set(ext::POLICY_CONSTRAINTS, true, vec![0x30, 3, 0x81, 1, 0]);
            root.set(ext::INHIBIT_ANY_POLICY, true, vec![2, 1, 0]);
        });
        let end = leaf("leaf", "root").sign("root");
        assert!(with(query, &end, &[], &[&anchor.sign("root")]).is_ok());
        let anchor = anchor.with(relaxed(oid)).sign("root");
        assert_eq!(refused(with(query, &end, &[], &[&anchor])), ("verify.not_critical", Some(1)), "{oid}");
        assert!(pkix(&end, &[], &[&anchor]).is_ok(), "{oid}");
    }
}
