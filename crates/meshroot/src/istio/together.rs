use std::collections::{BTreeMap, BTreeSet};

use super::files::{CA_CERT, CA_KEY, ROOT_CERT};
use super::{Finding, Report};
use crate::x509::Certificate;

/// Names of clusters that one message lists before it only counts.
const LISTED: usize = 5;

/// Compares the sets of clusters that are to trust each other, each with its name. No istiod sees more than its own.
///
/// The findings are about pairs of clusters only; what is wrong with one set is in its own report. The worst come first.
pub fn check_together(clusters: &[(&str, &Report)]) -> Vec<Finding> {
    let mut findings = roots(clusters);
    findings.extend(keys(clusters));
    findings.extend(subjects(clusters));
    findings.extend(trust_domains(clusters));
    findings.sort_by_key(|finding| core::cmp::Reverse(finding.severity));
    findings
}

/// A root that signs for one cluster and is not trusted in another cuts the two apart, in one direction.
fn roots(clusters: &[(&str, &Report)]) -> Vec<Finding> {
    let mut holders: BTreeMap<&[u8], (&Certificate, BTreeSet<usize>)> = BTreeMap::new();
    let mut signing: BTreeMap<&[u8], BTreeSet<usize>> = BTreeMap::new();
    for (at, (_, report)) in clusters.iter().enumerate() {
        for root in report.roots() {
            holders.entry(root.der()).or_insert_with(|| (root, BTreeSet::new())).1.insert(at);
        }
        if let Some(root) = report.path().last() {
            signing.entry(root.der()).or_default().insert(at);
        }
    }
    let lacking = holders.into_iter().filter_map(|(der, (root, holders))| {
        // A set whose roots cannot be read at all has that finding in its own report.
        let without: Vec<_> = (0..clusters.len())
            .filter(|at| !holders.contains(at) && clusters.get(*at).is_some_and(|(_, report)| !report.roots().is_empty()))
            .collect();
        if without.is_empty() {
            return None;
        }
        let (who, without) = (root.subject(), listed(clusters, without));
        Some(match signing.get(der) {
            Some(signed) => Finding::breaks(
                "istio.roots_differ",
                ROOT_CERT,
                format!(
                    "{without} does not have the root {who}, which vouches for {}: no workload from there is trusted",
                    listed(clusters, signed.iter().copied())
                ),
                "put the same roots into root-cert.pem of every cluster",
            ),
            None => Finding::hurts(
                "istio.roots_differ",
                ROOT_CERT,
                format!(
                    "{without} does not have the root {who}, which {} has; no cluster's CA is under it",
                    listed(clusters, holders.iter().copied())
                ),
                "put the same roots into root-cert.pem of every cluster, before a CA is signed by that root or after none is any more",
            ),
        })
    });
    lacking.collect()
}

fn keys(clusters: &[(&str, &Report)]) -> Vec<Finding> {
    let shared = group(clusters, |ca| ca.public_key().spki_der()).into_values().filter(|at| at.len() > 1);
    let finding = |at: Vec<usize>| {
        Finding::hurts(
            "istio.shared_key",
            CA_KEY,
            format!("{} sign with the same key: whoever takes it from one has them all, and none can be cut off alone", listed(clusters, at)),
            "make a cluster CA with a key of its own for each cluster",
        )
    };
    shared.map(finding).collect()
}

fn subjects(clusters: &[(&str, &Report)]) -> Vec<Finding> {
    let named = group(clusters, |ca| ca.subject().as_der()).into_values();
    let finding = |at: Vec<usize>| {
        let cas: Vec<_> = at.iter().filter_map(|at| clusters.get(*at)?.1.signing_ca()).collect();
        let first = cas.first()?;
        if cas.iter().all(|ca| ca.public_key() == first.public_key()) {
            return None;
        }
        let told_apart = cas.iter().all(|ca| ca.subject_key_id().is_some());
        let message = format!("the CAs of {} have different keys and the same name, {}", listed(clusters, at), first.subject());
        let remedy = "give every cluster's CA a name of its own, with the cluster's name in it";
        Some(if told_apart {
            let message =
                format!("{message}: istiod's check of CRLs mistakes one for the other, and errors say 'bad signature' instead of 'unknown issuer'");
            Finding::hurts("istio.duplicate_subject", CA_CERT, message, remedy)
        } else {
            let message = format!("{message}, and no subjectKeyIdentifier tells them apart: verifiers take the wrong key");
            Finding::breaks("istio.duplicate_subject", CA_CERT, message, remedy)
        })
    };
    named.filter(|at| at.len() > 1).filter_map(finding).collect()
}

fn trust_domains(clusters: &[(&str, &Report)]) -> Option<Finding> {
    let mut domains: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, (_, report)) in clusters.iter().enumerate() {
        if let Some(domain) = report.trust_domain() {
            domains.entry(domain.as_str()).or_default().push(at);
        }
    }
    if domains.len() < 2 {
        return None;
    }
    let mut said: Vec<_> = domains.iter().take(LISTED).map(|(domain, at)| format!("{domain} ({})", listed(clusters, at.iter().copied()))).collect();
    said.extend(domains.len().checked_sub(LISTED).filter(|more| *more > 0).map(|more| format!("{more} more")));
    Some(Finding::hurts(
        "istio.trust_domains_differ",
        CA_CERT,
        format!(
            "the clusters are of different trust domains: {}. ztunnel trusts only its own, Envoy only those in trustDomainAliases",
            said.join(", ")
        ),
        "use one trust domain for all clusters of a mesh, or trustDomainAliases and no ambient mode",
    ))
}

/// The clusters by a property of their signing CAs.
fn group<'a>(clusters: &[(&str, &'a Report)], property: fn(&'a Certificate) -> &'a [u8]) -> BTreeMap<&'a [u8], Vec<usize>> {
    let mut groups: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
    for (at, (_, report)) in clusters.iter().enumerate() {
        if let Some(ca) = report.signing_ca() {
            groups.entry(property(ca)).or_default().push(at);
        }
    }
    groups
}

/// `west, east and 3 more`
fn listed(clusters: &[(&str, &Report)], at: impl IntoIterator<Item = usize>) -> String {
    let names: Vec<_> = at.into_iter().filter_map(|at| clusters.get(at)).map(|(name, _)| *name).collect();
    let more = names.len().saturating_sub(LISTED);
    let shown: Vec<_> = names.into_iter().take(LISTED).collect();
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Ca, below, below_with, report, root, set};
    use super::*;

    fn together(sets: &[(&str, &[&Ca], &[&Ca])]) -> Vec<Finding> {
        let reports: Vec<_> = sets.iter().map(|(name, chain, roots)| (*name, report(&set(chain, roots)))).collect();
        let reports: Vec<_> = reports.iter().map(|(name, report)| (*name, report)).collect();
        check_together(&reports)
    }

    fn said(findings: &[Finding]) -> Vec<String> {
        findings.iter().map(|f| format!("{} {}", f.severity.as_str(), f.code)).collect()
    }

    #[test]
    fn clusters_under_one_root_have_nothing_between_them() {
        let root = root("root");
        let (west, east) = (below(&root, "west"), below(&root, "east"));
        assert_eq!(together(&[("west", &[&west], &[&root]), ("east", &[&east], &[&root])]), vec![]);
        assert_eq!(check_together(&[]), vec![]);
    }

    #[test]
    fn a_root_that_another_cluster_lacks_cuts_one_direction() {
        let (a, b) = (root("a"), root("b"));
        let (west, east) = (below(&a, "west"), below(&b, "east"));
        let findings = together(&[("west", &[&west], &[&a]), ("east", &[&east], &[&a, &b])]);
        assert_eq!(said(&findings), ["mesh_breaks istio.roots_differ"]);
        assert!(findings[0].message.starts_with("west does not have the root CN=b,O=mesh.example, which vouches for east"), "{}", findings[0]);
        assert_eq!(together(&[("west", &[&west], &[&a, &b]), ("east", &[&east], &[&b, &a])]), vec![], "exchanged");
    }

    #[test]
    fn a_root_that_nobody_uses_yet_may_still_be_on_its_way() {
        let (a, b) = (root("a"), root("b"));
        let (west, east) = (below(&a, "west"), below(&a, "east"));
        assert_eq!(said(&together(&[("west", &[&west], &[&a]), ("east", &[&east], &[&a, &b])])), ["hurts istio.roots_differ"]);
    }

    #[test]
    fn two_cas_of_one_name_are_told_apart_by_key_identifiers_if_by_anything() {
        let root = root("root");
        let (west, east) = (below(&root, "Intermediate CA"), below(&root, "Intermediate CA"));
        assert_eq!(said(&together(&[("west", &[&west], &[&root]), ("east", &[&east], &[&root])])), ["hurts istio.duplicate_subject"]);
        // Without CA:TRUE rcgen writes no subjectKeyIdentifier.
        let bare = below_with(&root, "Intermediate CA", |p| p.is_ca = rcgen::IsCa::NoCa);
        assert_eq!(said(&together(&[("west", &[&west], &[&root]), ("east", &[&bare], &[&root])])), ["mesh_breaks istio.duplicate_subject"]);
    }

    #[test]
    fn one_key_in_two_clusters_hurts() {
        let root = root("root");
        let west = below(&root, "west");
        assert_eq!(said(&together(&[("west", &[&west], &[&root]), ("east", &[&west], &[&root])])), ["hurts istio.shared_key"]);
    }

    #[test]
    fn trust_domains_that_differ_hurt() {
        fn in_domain(root: &Ca, name: &str, edit: super::super::testing::Edit) -> Ca {
            below_with(root, name, edit)
        }
        let root = root("root");
        let west = in_domain(&root, "west", |p| p.subject_alt_names = vec![rcgen::SanType::URI("spiffe://west.example".try_into().unwrap())]);
        let east = in_domain(&root, "east", |p| p.subject_alt_names = vec![rcgen::SanType::URI("spiffe://east.example".try_into().unwrap())]);
        let findings = together(&[("west", &[&west], &[&root]), ("east", &[&east], &[&root])]);
        assert_eq!(said(&findings), ["hurts istio.trust_domains_differ"]);
        assert!(findings[0].message.contains("east.example (east), west.example (west)"), "{}", findings[0]);
    }

    #[test]
    fn many_clusters_are_counted_instead_of_listed() {
        let (a, b) = (root("a"), root("b"));
        let (west, east) = (below(&a, "west"), below(&b, "east"));
        let names: Vec<_> = (0..20).map(|n| format!("c{n}")).collect();
        let (west, east) = (report(&set(&[&west], &[&a])), report(&set(&[&east], &[&a, &b])));
        let mut clusters: Vec<_> = names.iter().map(|name| (name.as_str(), &west)).collect();
        clusters.push(("east", &east));
        let findings = check_together(&clusters);
        assert!(findings[0].message.starts_with("c0, c1, c2, c3, c4 and 15 more"), "{}", findings[0]);
    }
}
