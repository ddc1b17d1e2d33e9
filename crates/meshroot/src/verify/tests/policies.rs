//! Certificate policies (RFC 5280 §6.1), with NIST's test policies for names. The whole of PKITS 4.8 to 4.12 was run against
//! the same code; these are the rules one by one.

use super::*;
use crate::x509::encode::{OID, SEQUENCE, bytes, element};
use crate::x509::extension as ext;
use der::asn1::ObjectIdentifier;

const P1: &str = "2.16.840.1.101.3.2.1.48.1";
const P2: &str = "2.16.840.1.101.3.2.1.48.2";
const ANY: &str = "2.5.29.32.0";

impl Made {
    fn policies(&mut self, policies: &[&str]) {
        let mut value = Vec::new();
        element(&mut value, SEQUENCE, |out| policies.iter().for_each(|policy| element(out, SEQUENCE, |out| oid(out, policy))));
        self.set(ext::CERTIFICATE_POLICIES, false, value);
    }

    fn map_policies(&mut self, pairs: &[(&str, &str)]) {
        let mut value = Vec::new();
        element(&mut value, SEQUENCE, |out| {
            for (issuer, subject) in pairs {
                element(out, SEQUENCE, |out| {
                    oid(out, issuer);
                    oid(out, subject);
                });
            }
        });
        self.set(ext::POLICY_MAPPINGS, true, value);
    }

    fn require_policy(&mut self, after: u8) {
        self.set(ext::POLICY_CONSTRAINTS, true, vec![0x30, 3, 0x80, 1, after]);
    }
}

fn oid(out: &mut Vec<u8>, text: &str) {
    bytes(out, OID, ObjectIdentifier::new(text).unwrap().as_bytes());
}

fn judged(root_: Edit, ca_: Edit, leaf_: Edit, inputs: PolicyInputs<'static>) -> Result<ValidatedPath, Rejection> {
    three(root_, ca_, leaf_, PathQuery::new(NOW).rules(Rules::pkix()).policies(inputs))
}

const NOTHING: PolicyInputs<'static> = PolicyInputs { acceptable: &[], explicit: false, inhibit_mapping: false, inhibit_any: false };

#[test]
fn policies_matter_only_when_somebody_requires_one() {
    assert!(judged(same, |ca| ca.policies(&[P1]), |leaf| leaf.policies(&[P2]), NOTHING).is_ok());
    let explicit = PolicyInputs { explicit: true, ..NOTHING };
    assert_eq!(refused(judged(same, |ca| ca.policies(&[P1]), |leaf| leaf.policies(&[P2]), explicit)), ("verify.no_policy", Some(0)));
    assert_eq!(refused(judged(same, same, |leaf| leaf.policies(&[P1]), explicit)), ("verify.no_policy", Some(1)));
    assert!(judged(same, |ca| ca.policies(&[P1]), |leaf| leaf.policies(&[P1]), explicit).is_ok());
}

#[test]
fn a_ca_or_an_anchor_may_require_one() {
    let demanding: Edit = |ca| {
        ca.policies(&[P1]);
        ca.require_policy(0);
    };
    assert_eq!(refused(judged(same, demanding, same, NOTHING)), ("verify.no_policy", Some(0)));
    assert!(judged(same, demanding, |leaf| leaf.policies(&[P1]), NOTHING).is_ok());
    assert_eq!(refused(judged(|root| root.require_policy(0), same, same, NOTHING)).0, "verify.no_policy");
    assert!(judged(|root| root.require_policy(3), same, same, NOTHING).is_ok(), "the path ends before it holds");
    let mut rules = Rules::pkix();
    rules.anchor_is_name_and_key = true;
    assert!(three(|root| root.require_policy(0), same, same, PathQuery::new(NOW).rules(rules)).is_ok());
}

#[test]
fn a_leaf_that_requires_a_policy_has_one() {
    assert_eq!(refused(judged(same, same, |leaf| leaf.require_policy(0), NOTHING)), ("verify.no_policy", Some(0)));
    assert!(judged(same, same, |leaf| leaf.require_policy(1), NOTHING).is_ok(), "only a zero counts at the end of a path");
    let demanding: Edit = |leaf| {
        leaf.policies(&[P1]);
        leaf.require_policy(0);
    };
    assert!(judged(same, |ca| ca.policies(&[P1]), demanding, NOTHING).is_ok());
    assert_eq!(refused(judged(same, same, demanding, NOTHING)), ("verify.no_policy", Some(0)));
}

#[test]
fn constraints_that_cannot_be_read_are_named_where_they_stand() {
    let broken: Edit = |made| made.set(ext::POLICY_CONSTRAINTS, true, vec![0x30, 3, 0x85, 1, 0]);
    for (position, [root_, ca_, leaf_]) in [[same, same, broken], [same, broken, same], [broken, same, same]].into_iter().enumerate() {
        assert_eq!(refused(judged(root_, ca_, leaf_, NOTHING)), ("verify.malformed_extension", Some(position)));
    }
}

#[test]
fn only_accepted_policies_count() {
    let accept = |acceptable| PolicyInputs { acceptable, explicit: true, ..NOTHING };
    let both: Edit = |ca| ca.policies(&[P1, P2]);
    assert!(judged(same, both, |leaf| leaf.policies(&[P1]), accept(&[P1])).is_ok());
    assert_eq!(refused(judged(same, both, |leaf| leaf.policies(&[P1]), accept(&[P2]))).0, "verify.no_policy");
    assert!(judged(same, |ca| ca.policies(&[ANY]), |leaf| leaf.policies(&[P1]), accept(&[P1])).is_ok());
    assert!(judged(same, both, |leaf| leaf.policies(&[ANY]), accept(&[P2])).is_ok());
    let inhibited = PolicyInputs { inhibit_any: true, ..accept(&[P1]) };
    assert_eq!(refused(judged(same, |ca| ca.policies(&[ANY]), |leaf| leaf.policies(&[P1]), inhibited)).0, "verify.no_policy");
}

#[test]
fn a_policy_may_be_mapped_unless_that_is_inhibited() {
    let mapping: Edit = |ca| {
        ca.policies(&[P1]);
        ca.map_policies(&[(P1, P2)]);
    };
    let accept = |acceptable| PolicyInputs { acceptable, explicit: true, ..NOTHING };
    assert!(judged(same, mapping, |leaf| leaf.policies(&[P2]), accept(&[P1])).is_ok());
    assert_eq!(refused(judged(same, mapping, |leaf| leaf.policies(&[P1]), accept(&[P1]))).0, "verify.no_policy");
    assert_eq!(refused(judged(same, mapping, |leaf| leaf.policies(&[P2]), accept(&[P2]))).0, "verify.no_policy");
    let inhibited = PolicyInputs { inhibit_mapping: true, ..accept(&[P1]) };
    assert_eq!(refused(judged(same, mapping, |leaf| leaf.policies(&[P2]), inhibited)).0, "verify.no_policy");
    let to_any: Edit = |ca| ca.map_policies(&[(P1, ANY)]);
    assert_eq!(refused(judged(same, to_any, same, NOTHING)), ("verify.malformed_extension", Some(1)));
}

#[test]
fn critical_policies_are_understood_only_by_rules_that_process_them() {
    let mut rules = Rules::pkix();
    rules.process_policies = false;
    let query = PathQuery::new(NOW).rules(rules);
    assert_eq!(refused(three(same, |ca| ca.require_policy(5), same, query)), ("verify.unknown_critical_extension", Some(1)));
    assert!(three(same, |ca| ca.policies(&[P1]), same, query).is_ok());
}

#[test]
fn a_remembered_path_that_requires_policies_judges_each_leaf() {
    let top = certificate(&root("root").sign("root"));
    let demanding = ca("ca", "root").with(|ca| {
        ca.policies(&[P1]);
        ca.require_policy(0);
    });
    let path = CaPath::find(&certificate(&demanding.sign("root")), &[], std::slice::from_ref(&top), &crypto(), NOW).unwrap();
    let below = |leaf: Made| {
        let der = leaf.sign("ca");
        let parsed = crate::x509::wire::CertRef::parse(&der).unwrap();
        path.validate_below(&parsed, &crypto(), NOW)
    };
    assert_eq!(below(svid("ca")).unwrap_err().code(), "verify.no_policy");
    assert!(below(svid("ca").with(|leaf| leaf.policies(&[P1]))).is_ok());
}
