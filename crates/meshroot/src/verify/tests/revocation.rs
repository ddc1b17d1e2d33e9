//! CRLs asked along a path.

use super::make::{DAY, key, name};
use super::*;
use crate::bundle::{Bundle, BundleMap};
use crate::revocation::{Coverage, Crl, CrlSet};
use crate::spiffe::TrustDomain;
use crate::x509::KeyUsage;
use crate::x509::encode::{BIT_STRING, INTEGER, OCTET_STRING, OID, SEQUENCE, bytes, element, explicit, time};

/// A CRL of the CA with this name, signed with this key, with these serial numbers.
fn list(issuer: &str, signer: &str, serials: &[u8], until: Timestamp) -> Crl {
    let signer = key(signer);
    let mut tbs = Vec::new();
    element(&mut tbs, SEQUENCE, |out| {
        bytes(out, INTEGER, &[1]);
        out.extend_from_slice(signer.algorithm().identifier_der());
        out.extend_from_slice(&name(issuer));
        time(out, until.minus(DAY).minus(DAY));
        time(out, until);
        if !serials.is_empty() {
            element(out, SEQUENCE, |out| {
                for serial in serials {
                    element(out, SEQUENCE, |out| {
                        bytes(out, INTEGER, &[*serial]);
                        time(out, NOW.minus(DAY));
                    });
                }
            });
        }
        element(out, explicit(0), |out| {
            element(out, SEQUENCE, |out| {
                element(out, SEQUENCE, |out| {
                    bytes(out, OID, &[0x55, 0x1d, 0x14]);
                    bytes(out, OCTET_STRING, &[2, 1, 1]);
                });
            });
        });
    });
    let signature = signer.sign(&tbs).unwrap();
    let mut der = Vec::new();
    element(&mut der, SEQUENCE, |out| {
        out.extend_from_slice(&tbs);
        out.extend_from_slice(signer.algorithm().identifier_der());
        element(out, BIT_STRING, |out| {
            out.push(0);
            out.extend_from_slice(&signature);
        });
    });
    Crl::from_der(&der).unwrap()
}

const LEAF: u8 = 7;
const CA: u8 = 8;
const ROOT: u8 = 9;

fn judged(crls: &CrlSet) -> Result<ValidatedPath, Rejection> {
    let numbered: (Edit, Edit, Edit) = (|root| root.serial = vec![ROOT], |ca| ca.serial = vec![CA], |leaf| leaf.serial = vec![LEAF]);
    three(numbered.0, numbered.1, numbered.2, PathQuery::new(NOW).crls(crls))
}

#[test]
fn revoked_stale_missing_and_unusable_are_different_answers() {
    let until = NOW.plus(DAY);
    let ca_list = |serials| list("ca", "ca", serials, until);
    let root_list = |serials| list("root", "root", serials, until);
    let set = CrlSet::new;
    assert!(judged(&CrlSet::empty()).is_ok());
    assert!(judged(&set(vec![ca_list(&[1]), root_list(&[2])])).is_ok());
    for (crls, answer) in [
        (vec![ca_list(&[LEAF]), root_list(&[])], ("verify.revoked", Some(0))),
        (vec![ca_list(&[]), root_list(&[CA])], ("verify.revoked", Some(1))),
        (vec![ca_list(&[])], ("verify.crl_missing", Some(1))),
        (vec![root_list(&[])], ("verify.crl_missing", Some(0))),
        (vec![list("ca", "ca", &[], NOW.minus(DAY)), root_list(&[])], ("verify.crl_stale", Some(0))),
        (vec![list("ca", "ca", &[], NOW.plus(DAY).plus(DAY).plus(DAY)), root_list(&[])], ("verify.crl_not_yet_valid", Some(0))),
        (vec![list("ca", "thief", &[], until), root_list(&[])], ("verify.crl_unusable", Some(0))),
    ] {
        assert_eq!(refused(judged(&set(crls))), answer);
    }
}

#[test]
fn the_anchor_is_not_asked_for() {
    let crls = CrlSet::new(vec![list("ca", "ca", &[], NOW.plus(DAY)), list("root", "root", &[ROOT], NOW.plus(DAY))]);
    assert!(judged(&crls).is_ok());
}

#[test]
fn where_any_list_will_do_an_unknown_issuers_is_not_missed() {
    let crls = CrlSet::new(vec![list("root", "root", &[], NOW.plus(DAY))]).with_coverage(Coverage::WhatIsThere);
    assert!(judged(&crls).is_ok());
}

#[test]
fn a_revoked_way_does_not_hide_another() {
    let crls = CrlSet::new(vec![list("ca", "ca", &[], NOW.plus(DAY)), list("root", "root", &[CA], NOW.plus(DAY))]);
    let crossed = [CA, 10].map(|serial| ca("ca", "root").with(|ca| ca.serial = vec![serial]).sign("root"));
    let query = PathQuery::new(NOW).crls(&crls);
    let path = with(query, &svid("ca").sign("ca"), &[&crossed[0], &crossed[1]], &[&root("root").sign("root")]).unwrap();
    assert_eq!(path.certificates()[1].der(), crossed[1]);
}

#[test]
fn a_ca_without_crl_sign_cannot_say_what_it_revoked() {
    let crls = CrlSet::new(vec![list("ca", "ca", &[], NOW.plus(DAY)), list("root", "root", &[], NOW.plus(DAY))]);
    let query = PathQuery::new(NOW).crls(&crls);
    let result = three(same, |ca| ca.key_usage(KeyUsage::KEY_CERT_SIGN), same, query);
    assert_eq!(refused(result), ("verify.crl_unusable", Some(0)));
}

#[test]
fn a_remembered_link_is_asked_again_each_time() {
    let anchor = certificate(&root("root").sign("root"));
    let bundle = Bundle::new(TrustDomain::parse("mesh.example").unwrap()).with_x509_authorities([anchor]).unwrap();
    let validator = Validator::new(&BundleMap::from(bundle), crypto());
    let middle = ca("ca", "root").with(|ca| ca.serial = vec![CA]).sign("root");
    let chain = [svid("ca").with(|leaf| leaf.serial = vec![LEAF]).sign("ca"), middle];
    let mut links = CaLinks::new();
    let mut judged = |crls: Vec<Crl>| validator.validate_with(&chain, &CrlSet::new(crls), NOW, &mut links).map_err(|rejection| rejection.code());
    let root_list = |serials| list("root", "root", serials, NOW.plus(DAY));
    let ca_list = |serials| list("ca", "ca", serials, NOW.plus(DAY));
    assert!(judged(vec![]).is_ok());
    assert!(judged(vec![root_list(&[]), ca_list(&[])]).is_ok());
    assert_eq!(judged(vec![root_list(&[]), ca_list(&[LEAF])]).unwrap_err(), "verify.revoked");
    assert_eq!(judged(vec![root_list(&[CA]), ca_list(&[])]).unwrap_err(), "verify.revoked");
    assert_eq!(judged(vec![ca_list(&[])]).unwrap_err(), "verify.crl_missing");
    assert!(judged(vec![root_list(&[]), ca_list(&[])]).is_ok());
}
