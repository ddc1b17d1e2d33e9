//! What clusters trust.

use std::collections::{BTreeSet, HashMap};

use crate::lint::Severity;
use crate::spiffe::TrustDomain;

use super::super::site::Site;
use super::super::warning::listed;
use super::{Mesh, Warning, distinct};

/// More roots than any mesh has.
const MANY: usize = 100;

pub(super) fn warn(mesh: &Mesh<'_>, warnings: &mut Vec<Warning>) {
    for site in mesh.sites {
        let found = many(site).into_iter().chain(repeated(site));
        warnings.extend(found.map(|warning| warning.of([&site.name])));
    }
    flat(mesh, warnings);
}

fn many(site: &Site) -> Option<Warning> {
    let count = distinct(site.roots()).len().max(if site.roots().len() > MANY { site.roots().len() } else { 0 });
    (count > MANY).then(|| {
        let message = format!("{count} roots are trusted: whoever has the key of one of them is anybody, and every proxy loads them all");
        Warning::new(Severity::Warning, "doctor.many_roots", message, "trust the roots of the mesh and no others").at(site.roots_source.clone())
    })
}

fn repeated(site: &Site) -> Vec<Warning> {
    let lists = [(site.roots(), &site.roots_source, "roots"), (&site.chain, &site.authority_source, "chain")];
    let found = lists.into_iter().filter_map(|(list, source, what)| {
        let again = list.len().saturating_sub(distinct(list).len());
        (again > 0).then(|| {
            let message = format!("{again} certificates of the {what} are there more than once");
            Warning::new(Severity::Notice, "doctor.repeated", message, "leave each in once").at(source.clone())
        })
    });
    found.collect()
}

/// Roots of several trust domains in one list: none of them is kept to its own.
fn flat(mesh: &Mesh<'_>, warnings: &mut Vec<Warning>) {
    let mut domains: HashMap<&[u8], BTreeSet<&TrustDomain>> = HashMap::new();
    for at in 0..mesh.sites.len() {
        if let (Some(root), Some(domain)) = (mesh.root_of(at), mesh.sites.get(at).and_then(Site::domain)) {
            domains.entry(root.der()).or_default().insert(domain);
        }
    }
    let mut by_domains: HashMap<Vec<&TrustDomain>, Vec<&Site>> = HashMap::new();
    for site in mesh.sites.iter().filter(|site| site.map.is_none()) {
        let vouched: BTreeSet<&TrustDomain> = site.roots().iter().filter_map(|root| domains.get(root.der())).flatten().copied().collect();
        if vouched.len() > 1 {
            by_domains.entry(vouched.into_iter().collect()).or_default().push(site);
        }
    }
    for (vouched, sites) in by_domains {
        let names: Vec<&str> = sites.iter().map(|site| site.name.as_str()).collect();
        let domains: Vec<String> = vouched.iter().map(|domain| domain.to_string()).collect();
        let message = format!(
            "{} trusts the roots of {} as one flat list: a CA of the one can make an identity of the other, and it is accepted",
            listed(&names),
            listed(&domains),
        );
        let remedy = "go by a SPIFFE bundle map (Envoy's SPIFFE validator), which keeps each root to its own trust domain: meshroot bundle export";
        warnings.push(Warning::new(Severity::Warning, "doctor.flat_bundle", message, remedy).of(names));
    }
}
