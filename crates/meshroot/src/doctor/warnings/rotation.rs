//! A root that only some clusters have: which step of a rotation it looks like, and the safe next one.

use std::collections::{BTreeMap, BTreeSet};

use crate::lint::Severity;
use crate::x509::Certificate;

use super::super::warning::listed;
use super::{Mesh, Warning, distinct};

/// Roots that are told about; more are no rotation but a muddle.
const TOLD: usize = 10;

struct Root<'a> {
    certificate: &'a Certificate,
    trusted_in: BTreeSet<usize>,
    signs_for: BTreeSet<usize>,
}

pub(super) fn warn(mesh: &Mesh<'_>, warnings: &mut Vec<Warning>) {
    // Trust domains that have exchanged roots are in no rotation, so each is looked at by itself.
    let mut domains: BTreeMap<_, BTreeSet<usize>> = BTreeMap::new();
    for (at, site) in mesh.sites.iter().enumerate().filter(|(_, site)| site.sends() && !site.roots().is_empty()) {
        domains.entry(site.domain()).or_default().insert(at);
    }
    for members in domains.into_values().filter(|members| members.len() > 1) {
        let roots = roots(mesh, &members);
        // Only what several have can hold others together.
        let shared: Vec<&Root<'_>> = roots.iter().filter(|root| root.trusted_in.len() > 1).collect();
        let found: Vec<Warning> = roots.iter().filter_map(|root| half_published(mesh, root, &shared, &members)).collect();
        let more = found.len().saturating_sub(TOLD);
        warnings.extend(found.into_iter().take(TOLD));
        if more > 0 {
            let message = format!("{more} more roots are trusted by some clusters and not by others");
            let names = mesh.names(members.iter().copied());
            warnings.push(Warning::new(Severity::Warning, "doctor.rotation", message, "make root-cert.pem the same in all clusters").of(names));
        }
        warnings.extend(half_signed(mesh, &roots, &members));
    }
}

fn roots<'a>(mesh: &'a Mesh<'_>, members: &BTreeSet<usize>) -> Vec<Root<'a>> {
    let mut by_der: BTreeMap<&[u8], Root<'a>> = BTreeMap::new();
    for at in members {
        let Some(site) = mesh.sites.get(*at) else { continue };
        for certificate in distinct(site.roots()) {
            let root =
                by_der.entry(certificate.der()).or_insert_with(|| Root { certificate, trusted_in: BTreeSet::new(), signs_for: BTreeSet::new() });
            root.trusted_in.insert(*at);
        }
    }
    for at in members {
        if let Some(root) = mesh.root_of(*at).and_then(|root| by_der.get_mut(root.der())) {
            root.signs_for.insert(*at);
        }
    }
    by_der.into_values().collect()
}

fn half_published(mesh: &Mesh<'_>, root: &Root<'_>, shared: &[&Root<'_>], members: &BTreeSet<usize>) -> Option<Warning> {
    let without: BTreeSet<usize> = members.difference(&root.trusted_in).copied().collect();
    if without.is_empty() {
        return None;
    }
    // It is a rotation only where another root holds the two sides together.
    let other = shared.iter().find(|other| {
        other.certificate != root.certificate && !other.trusted_in.is_disjoint(&root.trusted_in) && !other.trusted_in.is_disjoint(&without)
    })?;
    let newer = root.certificate.validity().not_before > other.certificate.validity().not_before;
    let (who, old) = (root.certificate.subject(), other.certificate.subject());
    let name = |sites: &BTreeSet<usize>| listed(mesh.names(sites.iter().copied()));
    let (with, lacking, signed) = (name(&root.trusted_in), name(&without), name(&root.signs_for));
    let (severity, message, remedy) = match (root.signs_for.is_empty(), newer) {
        (true, true) => (
            Severity::Warning,
            format!("the root {who} is being published: {with} have it, {lacking} not yet, and nothing is signed under it"),
            format!("add it in {lacking} before anything is signed under it; then sign the cluster CAs under it, then take {old} away"),
        ),
        (true, false) => (
            Severity::Warning,
            format!("the root {who} is being taken away: {lacking} do not have it any more, {with} do, and nothing is signed under it"),
            format!("remove it in {with} once the last leaves under it have expired"),
        ),
        (false, true) => (
            Severity::Error,
            format!("the root {who} signs already, for {signed}, and {lacking} does not have it: published too late"),
            format!("add it in {lacking} now; nothing else has to be undone"),
        ),
        (false, false) => (
            Severity::Error,
            format!("the root {who} was taken away in {lacking}, and still signs for {signed}: removed too early"),
            format!("put it back in {lacking}, until the CA of {signed} is signed under {old} and its last leaves have expired"),
        ),
    };
    Some(Warning::new(severity, "doctor.rotation", message, remedy).of(mesh.names(members.iter().copied())))
}

/// Everybody trusts both roots, and some sign under the one and some under the other.
fn half_signed(mesh: &Mesh<'_>, roots: &[Root<'_>], members: &BTreeSet<usize>) -> Option<Warning> {
    let mut used: Vec<&Root<'_>> = roots.iter().filter(|root| root.trusted_in == *members && !root.signs_for.is_empty()).collect();
    used.sort_by_key(|root| root.certificate.validity().not_before);
    let (new, old) = used.split_last()?;
    if old.is_empty() {
        return None;
    }
    let behind: BTreeSet<usize> = old.iter().flat_map(|root| root.signs_for.iter().copied()).collect();
    let behind = listed(mesh.names(behind));
    let olds = listed(old.iter().map(|root| root.certificate.subject().to_string()));
    let ahead = listed(mesh.names(new.signs_for.iter().copied()));
    let message = format!("{ahead} sign under the newer root {}, {behind} under {olds}; everybody trusts both", new.certificate.subject());
    let remedy = format!(
        "if this is a rotation, sign the CA of {behind} under the newer root next, and keep {olds} until the last leaves under it have expired"
    );
    Some(Warning::new(Severity::Notice, "doctor.rotation", message, remedy).of(mesh.names(members.iter().copied())))
}
