#![allow(clippy::arithmetic_side_effects, reason = "the numbers are those written here")]

use super::*;
use crate::istio::testing::{NOW, below_with, report, root_with};
use crate::istio::{Finding, check_for};
use crate::key::Crypto;
use crate::spiffe::TrustDomainRef;
use rcgen::{CustomExtension, GeneralSubtree, NameConstraints, SanType};

/// A critical nameConstraints extension that permits one URI, which rcgen cannot make.
fn uri(host: &str, permitted: bool) -> CustomExtension {
    let subtree = [&[0x30, u8::try_from(host.len() + 2).unwrap(), 0x86, u8::try_from(host.len()).unwrap()], host.as_bytes()].concat();
    let list = [&[if permitted { 0xa0 } else { 0xa1 }, u8::try_from(subtree.len()).unwrap()], subtree.as_slice()].concat();
    let value = [&[0x30, u8::try_from(list.len()).unwrap()], list.as_slice()].concat();
    let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 30], value);
    extension.set_criticality(true);
    extension
}

fn limited(root: &Ca, edit: crate::istio::testing::Edit) -> Ca {
    below_with(root, "west", edit)
}

fn known_domain(files: &CacertsFiles, domain: &str) -> Vec<String> {
    let report = check_for(files, Some(TrustDomainRef::parse(domain).unwrap()), &Crypto::ring(), NOW);
    report.findings().iter().map(|Finding { severity, code, .. }| format!("{} {code}", &format!("{severity:?}")[..1])).collect()
}

#[test]
fn a_uri_constraint_for_another_trust_domain_breaks_the_mesh() {
    let root = root("root");
    let west = limited(&root, |p| p.custom_extensions.push(uri("other.mesh", true)));
    let files = set(&[&west], &[&root]);
    assert_eq!(known_domain(&files, "mesh.example"), ["M istio.foreign_name_constraint"]);
    assert_eq!(known_domain(&files, "other.mesh"), ["H istio.uri_name_constraint"]);
    assert_eq!(codes(&files), ["H istio.uri_name_constraint"], "unknown trust domain");
    let report = report(&files);
    assert!(report.findings()[0].message.contains("permitted other.mesh"), "{}", report.findings()[0]);
}

#[test]
fn an_excluded_trust_domain_breaks_the_mesh() {
    let root = root("root");
    let west = limited(&root, |p| p.custom_extensions.push(uri("mesh.example", false)));
    let files = set(&[&west], &[&root]);
    assert_eq!(known_domain(&files, "mesh.example"), ["M istio.foreign_name_constraint"]);
    assert_eq!(known_domain(&files, "other.mesh"), ["H istio.uri_name_constraint"]);
}

#[test]
fn a_subdomain_constraint_does_not_mean_the_domain_itself() {
    let root = root("root");
    let west = limited(&root, |p| p.custom_extensions.push(uri(".example", true)));
    let files = set(&[&west], &[&root]);
    assert_eq!(known_domain(&files, "mesh.example"), ["H istio.uri_name_constraint"]);
    assert_eq!(known_domain(&files, "example"), ["M istio.foreign_name_constraint"]);
}

#[test]
fn a_ca_that_names_its_trust_domain_is_held_to_it() {
    let root = root("root");
    let west = limited(&root, |p| {
        p.subject_alt_names = vec![SanType::URI("spiffe://mesh.example".try_into().unwrap())];
        p.custom_extensions.push(uri("other.mesh", true));
    });
    let files = set(&[&west], &[&root]);
    assert_eq!(codes(&files), ["M istio.foreign_name_constraint"]);
    assert_eq!(report(&files).trust_domain().unwrap().as_str(), "mesh.example");
}

#[test]
fn a_dns_constraint_that_excludes_istiod_breaks_the_mesh() {
    fn dns(name: &str) -> NameConstraints {
        NameConstraints { permitted_subtrees: vec![GeneralSubtree::DnsName(name.into())], excluded_subtrees: vec![] }
    }
    let root = root("root");
    let west = limited(&root, |p| p.name_constraints = Some(dns("example.com")));
    assert_eq!(codes_for(&west, &root), ["M istio.foreign_name_constraint"]);
    let west = limited(&root, |p| p.name_constraints = Some(dns("svc")));
    assert!(codes_for(&west, &root).is_empty());
}

#[test]
fn a_root_that_does_not_allow_the_name_of_its_ca_is_refused() {
    let root = root_with("root", |p| p.custom_extensions.push(uri("other.mesh", true)));
    let west = below_with(&root, "west", |p| p.subject_alt_names = vec![SanType::URI("spiffe://mesh.example".try_into().unwrap())]);
    assert_eq!(codes_for(&west, &root), ["I istio.ca_name_not_permitted", "M istio.foreign_name_constraint"]);
}

#[test]
fn a_limit_that_is_no_host_permits_nobody() {
    let root = root("root");
    let west = limited(&root, |p| p.custom_extensions.push(uri("spiffe://mesh.example", true)));
    assert_eq!(codes_for(&west, &root), ["M istio.foreign_name_constraint"]);
    assert_eq!(known_domain(&set(&[&west], &[&root]), "mesh.example"), ["M istio.foreign_name_constraint"]);
}

#[test]
fn limits_that_go_does_not_know_are_refused() {
    let root = root("root");
    let west = limited(&root, |p| {
        let directory = vec![GeneralSubtree::DirectoryName(p.distinguished_name.clone())];
        p.name_constraints = Some(NameConstraints { permitted_subtrees: directory, excluded_subtrees: vec![] });
    });
    assert_eq!(codes_for(&west, &root), ["I istio.name_constraint_kind"]);
    let west = limited(&root, |p| p.custom_extensions.push(CustomExtension::from_oid_content(&[2, 5, 29, 30], vec![5, 0])));
    assert_eq!(codes_for(&west, &root), ["I istio.bad_extension"]);
}
