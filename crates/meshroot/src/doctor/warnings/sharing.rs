//! What clusters have in common and should not, and what they should have and do not.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::lint::Severity;
use crate::x509::{Certificate, DistinguishedName};

use super::super::warning::listed;
use super::{Mesh, Warning, distinct};

pub(super) fn warn(mesh: &Mesh<'_>, warnings: &mut Vec<Warning>, notes: &mut Vec<String>) {
    same_subjects(mesh, warnings);
    shared_keys(mesh, warnings);
    warnings.extend(no_common_root(mesh));
    trust_domains(mesh, warnings, notes);
}

/// Different keys under one name, among all CAs of the mesh.
fn same_subjects(mesh: &Mesh<'_>, warnings: &mut Vec<Warning>) {
    let mut by_name: BTreeMap<&DistinguishedName, BTreeMap<&[u8], BTreeSet<usize>>> = BTreeMap::new();
    for (at, site) in mesh.sites.iter().enumerate() {
        for certificate in distinct(site.signing.iter().chain(&site.chain).chain(site.roots())) {
            by_name.entry(certificate.subject()).or_default().entry(certificate.public_key().spki_der()).or_default().insert(at);
        }
    }
    for (name, keys) in by_name.iter().filter(|(name, keys)| keys.len() > 1 && !name.is_empty()) {
        let sites: BTreeSet<usize> = keys.values().flatten().copied().collect();
        let names = mesh.names(sites);
        let message = format!(
            "{} CAs with different keys are all called {name} (in {}): verifiers may try the wrong one and complain about a bad signature, and istiod's check of CRLs takes one for the other",
            keys.len(),
            listed(&names),
        );
        let remedy = "give every CA a name of its own, with the cluster's name in it";
        warnings.push(Warning::new(Severity::Warning, "doctor.same_subject", message, remedy).of(names));
    }
}

fn shared_keys(mesh: &Mesh<'_>, warnings: &mut Vec<Warning>) {
    let mut by_key: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
    for (at, site) in mesh.sites.iter().enumerate() {
        if let Some(signing) = &site.signing {
            by_key.entry(signing.public_key().spki_der()).or_default().push(at);
        }
    }
    for sites in by_key.into_values().filter(|sites| sites.len() > 1) {
        let names = mesh.names(sites);
        let message = format!("{} sign with the same key: whoever takes it from one has them all, and none can be cut off alone", listed(&names));
        let remedy = "make a cluster CA with a key of its own for each cluster";
        warnings.push(Warning::new(Severity::Warning, "doctor.shared_key", message, remedy).of(names));
    }
}

/// Clusters that fall into groups without any root in common.
fn no_common_root(mesh: &Mesh<'_>) -> Option<Warning> {
    let members: Vec<usize> =
        (0..mesh.sites.len()).filter(|at| mesh.sites.get(*at).is_some_and(|site| site.sends() && !site.roots().is_empty())).collect();
    let mut groups: Vec<(HashSet<&[u8]>, Vec<usize>)> = Vec::new();
    for at in members {
        let mut roots: HashSet<&[u8]> = mesh.sites.get(at)?.roots().iter().map(Certificate::der).collect();
        let mut sites = vec![at];
        groups.retain_mut(|(other, members)| {
            let apart = other.is_disjoint(&roots);
            if !apart {
                roots.extend(other.iter());
                sites.append(members);
            }
            apart
        });
        sites.sort_unstable();
        groups.push((roots, sites));
    }
    if groups.len() < 2 {
        return None;
    }
    let said: Vec<String> = groups.iter().map(|(_, sites)| format!("({})", listed(mesh.names(sites.iter().copied())))).collect();
    let message = format!("the clusters have no root in common: {} trust nothing of each other", listed(said));
    let remedy = "exchange the roots, each as an addition; or give all clusters CAs under one root: meshroot quickstart";
    Some(Warning::new(Severity::Warning, "doctor.no_common_root", message, remedy).of(mesh.names(groups.into_iter().flat_map(|(_, sites)| sites))))
}

fn trust_domains(mesh: &Mesh<'_>, warnings: &mut Vec<Warning>, notes: &mut Vec<String>) {
    let mut by_domain: HashMap<_, Vec<usize>> = HashMap::new();
    for (at, site) in mesh.sites.iter().enumerate().filter(|(_, site)| site.sends()) {
        if let Some(domain) = site.domain() {
            by_domain.entry(domain).or_default().push(at);
        }
    }
    if by_domain.len() < 2 {
        return;
    }
    let mut said: Vec<String> = by_domain.iter().map(|(domain, sites)| format!("{domain} ({})", listed(mesh.names(sites.iter().copied())))).collect();
    said.sort();
    let message = format!("the clusters are of different trust domains: {}. ztunnel lets in peers of its own only", listed(said));
    let remedy = "use one trust domain for all clusters of a mesh; or trustDomainAliases, or federation, and no ambient mode between them";
    let names = mesh.names(by_domain.into_values().flatten().collect::<BTreeSet<_>>());
    warnings.push(Warning::new(Severity::Notice, "doctor.trust_domains_differ", message, remedy).of(names));
    notes.push(
        "whether sidecars let another trust domain in depends on trustDomainAliases and caCertificates.trustDomains of the mesh configuration, \
         which is not part of the evidence: without them the server refuses it (ssl.fail_verify_san)"
            .into(),
    );
}
