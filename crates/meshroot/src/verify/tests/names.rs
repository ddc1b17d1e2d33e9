//! Name constraints along a path.

use super::make::{name, rdn};
use super::*;
use crate::x509::encode::{IA5_STRING, PRINTABLE_STRING, SEQUENCE, UTF8_STRING, element};
use crate::x509::extension as ext;

const DNS: u8 = 0x82;
const EMAIL: u8 = 0x81;
const URI: u8 = 0x86;
const IP: u8 = 0x87;
const DIRECTORY: u8 = 0xa4;
const OTHER: u8 = 0xa0;
const REGISTERED: u8 = 0x88;

type Names<'a> = &'a [(u8, &'a [u8])];

/// Whether a leaf with these names stands below a CA with these constraints, and below a root with them.
#[track_caller]
fn allows(permitted: Names<'_>, excluded: Names<'_>, names: Names<'_>) -> bool {
    let end = leaf("", "ca").with(|leaf| leaf.alt_names(names));
    let constrain = |made: &mut Made| made.constrain(permitted, excluded);
    let below_ca = pkix(&end.sign("ca"), &[&ca("ca", "root").with(constrain).sign("root")], &[&root("root").sign("root")]);
    let below_root = pkix(&end.sign("ca"), &[&ca("ca", "root").sign("root")], &[&root("root").with(constrain).sign("root")]);
    let verdict = below_ca.is_ok();
    for result in [below_ca, below_root] {
        match result {
            Ok(_) => assert!(verdict, "the root allows what the CA does not"),
            Err(rejection) => assert_eq!((rejection.code(), verdict), ("verify.name_constraint", false), "{rejection}"),
        }
    }
    verdict
}

#[test]
fn every_name_of_a_constrained_kind_must_be_permitted() {
    let net: &[u8] = &[192, 0, 2, 0, 255, 255, 255, 0];
    for (kind, constraint, inside, outside) in [
        (DNS, &b"mesh.example"[..], &b"a.mesh.example"[..], &b"a.example"[..]),
        (EMAIL, b"mesh.example", b"a@mesh.example", b"a@example"),
        (URI, b"mesh.example", b"spiffe://mesh.example/a", b"spiffe://other.example/a"),
        (IP, net, &[192, 0, 2, 1], &[192, 0, 3, 1]),
    ] {
        assert!(allows(&[(kind, constraint)], &[], &[(kind, inside)]), "{kind:x}");
        assert!(!allows(&[(kind, constraint)], &[], &[(kind, outside)]), "{kind:x}");
        assert!(!allows(&[(kind, constraint)], &[], &[(kind, inside), (kind, outside)]), "{kind:x}: the second name");
        assert!(!allows(&[], &[(kind, constraint)], &[(kind, inside)]), "{kind:x}");
        assert!(allows(&[], &[(kind, constraint)], &[(kind, outside)]), "{kind:x}");
        assert!(!allows(&[(kind, constraint)], &[(kind, constraint)], &[(kind, inside)]), "{kind:x}: excluded wins");
    }
}

#[test]
fn kinds_of_names_that_are_not_constrained_are_free() {
    assert!(allows(&[(IP, &[192, 0, 2, 0, 255, 255, 255, 0])], &[(EMAIL, b"example")], &[(DNS, b"anything.example")]));
}

#[test]
fn several_permitted_subtrees_of_a_kind_are_alternatives() {
    let both: Names<'_> = &[(DNS, b"a.example"), (DNS, b"b.example")];
    assert!(allows(both, &[], &[(DNS, b"a.example"), (DNS, b"b.example")]));
    assert!(!allows(both, &[], &[(DNS, b"c.example")]));
}

#[test]
fn what_cannot_be_judged_is_not_permitted_and_is_excluded() {
    for (kind, constraint, name) in [
        (DNS, &b"mesh.example"[..], &b".mesh.example"[..]),
        (DNS, b".mesh.example", b"a.mesh.example"),
        (EMAIL, b"mesh.example", b"a@b@mesh.example"),
        (URI, b"mesh.example", b"urn:mesh.example"),
        (IP, &[192, 0, 2, 0, 255, 255, 255, 0], &[192, 0, 2, 0, 255, 255, 255, 0]),
        (OTHER, &[0x06, 1, 0x2a, 0xa0, 2, 5, 0], &[0x06, 1, 0x2a, 0xa0, 2, 5, 0]),
    ] {
        assert!(!allows(&[(kind, constraint)], &[], &[(kind, name)]), "{kind:x}");
        assert!(!allows(&[], &[(kind, constraint)], &[(kind, name)]), "{kind:x}");
    }
    assert!(!allows(&[], &[(REGISTERED, &[0x2a])], &[(OTHER, &[0x06, 1, 0x2a, 0xa0, 2, 5, 0])]), "one form that we cannot judge stands for all");
    assert!(allows(&[(DNS, b"mesh.example")], &[(OTHER, &[0x06, 1, 0x2a, 0xa0, 2, 5, 0])], &[(DNS, b"mesh.example")]), "no such name, no harm");
}

#[test]
fn malformed_constraints_make_a_ca_useless() {
    let subtree = |tag: u8, content: &[u8], more: &[u8]| {
        let mut value = Vec::new();
        element(&mut value, SEQUENCE, |out| {
            element(out, 0xa0, |out| {
                element(out, SEQUENCE, |out| {
                    crate::x509::encode::bytes(out, tag, content);
                    out.extend_from_slice(more);
                });
            });
        });
        value
    };
    for (value, code) in [
        (vec![0x30, 0], "verify.malformed_extension"),
        (vec![0x30, 2, 0xa0, 0], "verify.malformed_extension"),
        (vec![0x30, 4, 0xa0, 0, 0xa1, 0], "verify.malformed_extension"),
        (subtree(IP, &[127, 0, 0, 1], &[]), "verify.malformed_extension"),
        (subtree(IP, &[192, 0, 2, 0, 255, 0, 255, 0], &[]), "verify.malformed_extension"),
        (subtree(IP, &[192, 0, 2, 0, 254, 254, 0, 0], &[]), "verify.malformed_extension"),
        (subtree(DNS, "é.example".as_bytes(), &[]), "verify.malformed_extension"),
        (subtree(0x99, b"x", &[]), "verify.malformed_extension"),
        (subtree(DIRECTORY, &[0x31, 0], &[]), "verify.malformed_extension"),
        (subtree(DNS, b"example", &[0x80, 1, 1]), "verify.unsupported_name_constraint"),
        (subtree(DNS, b"example", &[0x81, 1, 1]), "verify.unsupported_name_constraint"),
    ] {
        let middle = ca("ca", "root").with(|ca| ca.set(ext::NAME_CONSTRAINTS, true, value.clone())).sign("root");
        let result = pkix(&leaf("leaf", "ca").sign("ca"), &[&middle], &[&root("root").sign("root")]);
        assert_eq!(refused(result), (code, Some(1)), "{value:02x?}");
    }
}

/// A Name of these attributes, one RDN each.
fn directory(attributes: &[(u8, u8, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    element(&mut out, SEQUENCE, |out| attributes.iter().for_each(|(attribute, tag, value)| rdn(out, &[0x55, 4, *attribute], *tag, value)));
    out
}

#[test]
fn a_directory_name_lies_below_its_first_rdns_however_they_are_spelled() {
    const O: u8 = 10;
    const CN: u8 = 3;
    let constraint = directory(&[(O, PRINTABLE_STRING, "Mesh Example")]);
    let subject = |attributes: &[(u8, u8, &str)]| {
        let end = leaf("leaf", "root").with(|leaf| leaf.subject = directory(attributes));
        let anchor = root("root").with(|root| root.constrain(&[(DIRECTORY, &constraint)], &[]));
        pkix(&end.sign("root"), &[], &[&anchor.sign("root")]).is_ok()
    };
    assert!(subject(&[(O, PRINTABLE_STRING, "Mesh Example"), (CN, UTF8_STRING, "a")]));
    assert!(subject(&[(O, UTF8_STRING, " mesh  EXAMPLE ")]));
    assert!(!subject(&[(O, UTF8_STRING, "MeshExample")]));
    assert!(!subject(&[(CN, UTF8_STRING, "a"), (O, PRINTABLE_STRING, "Mesh Example")]), "the order counts");
    assert!(!subject(&[(CN, UTF8_STRING, "Mesh Example")]));

    // A name in the subjectAltName is one as well, and an empty subject is none.
    let alt = |names: Names<'_>| {
        let end = leaf("", "root").with(|leaf| leaf.alt_names(names));
        let anchor = root("root").with(|root| root.constrain(&[(DIRECTORY, &constraint)], &[]));
        pkix(&end.sign("root"), &[], &[&anchor.sign("root")]).is_ok()
    };
    assert!(alt(&[(DNS, b"any.example")]));
    assert!(alt(&[(DIRECTORY, &directory(&[(O, UTF8_STRING, "mesh example")]))]));
    assert!(!alt(&[(DIRECTORY, &directory(&[(CN, UTF8_STRING, "a")]))]));
}

#[test]
fn an_email_address_in_the_subject_counts_when_there_is_no_other() {
    let email = |value: &str| {
        let mut out = Vec::new();
        element(&mut out, SEQUENCE, |out| rdn(out, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1], IA5_STRING, value));
        out
    };
    let judged = |subject: Vec<u8>, names: Names<'_>| {
        let end = leaf("leaf", "root").with(|leaf| {
            leaf.subject = subject;
            leaf.alt_names(names);
        });
        let anchor = root("root").with(|root| root.constrain(&[(EMAIL, b"mesh.example")], &[]));
        pkix(&end.sign("root"), &[], &[&anchor.sign("root")]).is_ok()
    };
    assert!(judged(email("a@mesh.example"), &[(DNS, b"x.example")]));
    assert!(!judged(email("a@other.example"), &[(DNS, b"x.example")]));
    assert!(judged(email("a@other.example"), &[(EMAIL, b"a@mesh.example")]), "RFC 5280 §4.2.1.10: for lack of a better one");
}

#[test]
fn constraints_of_all_cas_hold_together_and_for_cas_below_too() {
    let anchor = root("root").with(|root| root.constrain(&[(DNS, b"a.example"), (DNS, b"b.example")], &[])).sign("root");
    let narrow = ca("ca", "root").with(|ca| ca.constrain(&[(DNS, b"b.example"), (DNS, b"c.example")], &[])).sign("root");
    let named = |dns: &[u8]| leaf("leaf", "ca").with(|leaf| leaf.alt_names(&[(DNS, dns)])).sign("ca");
    assert!(pkix(&named(b"b.example"), &[&narrow], &[&anchor]).is_ok());
    assert_eq!(refused(pkix(&named(b"a.example"), &[&narrow], &[&anchor])), ("verify.name_constraint", Some(0)), "narrowed");
    assert_eq!(refused(pkix(&named(b"c.example"), &[&narrow], &[&anchor])), ("verify.name_constraint", Some(0)), "never widened");
    let foreign = ca("ca", "root").with(|ca| ca.alt_names(&[(DNS, b"other.example")])).sign("root");
    assert_eq!(refused(pkix(&named(b"b.example"), &[&foreign], &[&anchor])), ("verify.name_constraint", Some(1)), "the CA's own name");
}

#[test]
fn self_issued_cas_are_exempt_and_self_issued_leaves_are_not() {
    let anchor = root("ca").with(|root| root.constrain(&[(DNS, b"mesh.example")], &[])).sign("ca");
    let renewed = ca("ca", "ca").with(|ca| {
        ca.spki = make::key("new").public_key().spki_der().to_vec();
        ca.alt_names(&[(DNS, b"other.example")]);
    });
    let end = leaf("leaf", "ca").with(|leaf| leaf.alt_names(&[(DNS, b"mesh.example")]));
    assert!(pkix(&end.sign("new"), &[&renewed.sign("ca")], &[&anchor]).is_ok());
    let end = end.with(|leaf| {
        leaf.subject = name("ca");
        leaf.alt_names(&[(DNS, b"other.example")]);
    });
    assert_eq!(refused(pkix(&end.sign("new"), &[&renewed.sign("ca")], &[&anchor])), ("verify.name_constraint", Some(0)));
}

#[test]
fn a_would_be_identity_is_judged_by_the_constraints() {
    let anchor = certificate(&root("root").sign("root"));
    let constrained = certificate(&ca("ca", "root").with(|ca| ca.constrain(&[(URI, b"mesh.example")], &[])).sign("root"));
    let judge = |id: Option<&str>| {
        let id = id.map(|id| crate::spiffe::SpiffeId::parse(id).unwrap());
        CaPath::judge(&constrained, &[], std::slice::from_ref(&anchor), &crypto(), &PathQuery::new(NOW), id.as_ref())
    };
    assert!(judge(None).is_ok() && judge(Some("spiffe://mesh.example/a")).is_ok());
    assert_eq!(judge(Some("spiffe://other.example/a")).unwrap_err().code(), "verify.name_constraint");
}
