//! issuingDistributionPoint, and which certificates it leaves out.

use super::*;
use rcgen::CrlDistributionPoint;

const HERE: &str = "http://ca.mesh.example/1.crl";

/// A CRL with an issuingDistributionPoint of these fields.
fn with_point(ca: &Ca, fields: &[&[u8]]) -> Forge {
    ca.crl().extension(extension(28, true, &sequence(|out| out.extend(fields.concat()))))
}

fn point_named(uri: &str) -> Vec<u8> {
    let mut out = Vec::new();
    element(&mut out, explicit(0), |out| element(out, explicit(0), |out| bytes(out, implicit(6), uri.as_bytes())));
    out
}

const USER: &[u8] = &[0x81, 1, 0xff];
const CA: &[u8] = &[0x82, 1, 0xff];

fn status(crl: &Forge, ca: &Ca, subject: &Certificate) -> Status {
    CrlSet::new(vec![crl.read()]).status(&Subject::of(subject), &ca.cert, &crypto(), NOW)
}

fn left_out(status: &Status) -> bool {
    matches!(status, Status::Unusable(CrlProblem::OutOfScope(_)))
}

#[test]
fn a_crl_of_user_certificates_says_nothing_of_a_ca() {
    let root = ca("root");
    let (leaf, below) = (root.leaf(5), root.below(6, |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)));
    let (users, cas) = (with_point(&root, &[USER]), with_point(&root, &[CA]));
    assert!(status(&users, &root, &leaf).is_acceptable() && left_out(&status(&users, &root, &below)));
    assert!(status(&cas, &root, &below).is_acceptable() && left_out(&status(&cas, &root, &leaf)));
    assert_eq!(users.read().scope().to_string(), "certificates of no CAs");
    let both = CrlSet::new(vec![users.read(), cas.read()]);
    for subject in [&leaf, &below] {
        assert!(both.status(&Subject::of(subject), &root.cert, &crypto(), NOW).is_acceptable());
    }
}

#[test]
fn a_serial_on_a_list_is_revoked_whatever_the_scope() {
    let root = ca("root");
    let crl = with_point(&root, &[CA]).revoking(5);
    assert!(matches!(status(&crl, &root, &root.leaf(5)), Status::Revoked { .. }));
}

#[test]
fn a_distribution_point_covers_the_certificates_that_name_it() {
    let root = ca("root");
    let with = |uri: &'static str| {
        let mut params = params("leaf");
        params.crl_distribution_points = vec![CrlDistributionPoint { uris: vec!["ldap://x".into(), uri.into()] }];
        let key = KeyPair::generate().unwrap();
        Certificate::from_der(params.signed_by(&key, &Issuer::from_params(&root.params, &root.key)).unwrap().der()).unwrap()
    };
    let crl = with_point(&root, &[&point_named(HERE)]);
    assert!(status(&crl, &root, &with(HERE)).is_acceptable());
    assert!(left_out(&status(&crl, &root, &with("http://ca.mesh.example/2.crl"))));
    assert!(left_out(&status(&crl, &root, &root.leaf(5))), "it names none");
    assert!(status(&root.crl(), &root, &with(HERE)).is_acceptable(), "a CRL for everything");
    let set = CrlSet::new(vec![crl.read()]).with_coverage(Coverage::WhatIsThere);
    assert_eq!(set.status(&Subject::of(&root.leaf(5)), &root.cert, &crypto(), NOW), Status::NotAsked);
}

#[test]
fn a_point_for_some_reasons_or_of_another_issuer_is_another_point() {
    let root = ca("root");
    let crl = with_point(&root, &[&point_named(HERE)]);
    let below = |further: &[u8]| {
        let point = sequence(|out| out.extend([&point_named(HERE), further].concat()));
        let value = sequence(|out| out.extend(point));
        let mut params = params("leaf");
        params.custom_extensions = vec![rcgen::CustomExtension::from_oid_content(&[2, 5, 29, 31], value)];
        let key = KeyPair::generate().unwrap();
        Certificate::from_der(params.signed_by(&key, &Issuer::from_params(&root.params, &root.key)).unwrap().der()).unwrap()
    };
    assert!(status(&crl, &root, &below(&[])).is_acceptable());
    assert!(left_out(&status(&crl, &root, &below(&[0x81, 2, 6, 0x40]))), "reasons");
    assert!(left_out(&status(&crl, &root, &below(&[0xa2, 2, 0x82, 0]))), "cRLIssuer");
}

#[test]
fn scopes_that_we_cannot_use_are_named() {
    let root = ca("root");
    let problem = |fields: &[&[u8]]| with_point(&root, fields).read().problem();
    assert_eq!(problem(&[&[0x84, 1, 0xff]]), Some(CrlProblem::Indirect));
    assert_eq!(problem(&[&[0x83, 2, 6, 0x40]]), Some(CrlProblem::OnlySomeReasons));
    assert_eq!(problem(&[&[0x85, 1, 0xff]]), Some(CrlProblem::OnlyAttributeCertificates));
    assert_eq!(problem(&[&[0xa0, 4, 0xa1, 2, 0x31, 0]]), Some(CrlProblem::RelativeDistributionPoint));
    assert_eq!(problem(&[]), None, "RFC 5280 §5.2.5 forbids making it, and it means everything");
}

#[test]
fn a_scope_contradicts_itself_not() {
    let root = ca("root");
    for fields in
        [&[USER, CA][..], &[CA, &[0x85, 1, 0xff]], &[&[0x81, 1, 0]], &[&[0x81, 1, 1]], &[CA, USER], &[&[0xa0, 2, 0xa0, 0]], &[&[0xa0, 0]], &[&[5, 0]]]
    {
        assert!(with_point(&root, fields).fails().contains("issuingDistributionPoint"), "{fields:02x?}");
    }
}
