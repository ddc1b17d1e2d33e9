//! The trust domain of each cluster.

use std::collections::BTreeSet;

use crate::spiffe::TrustDomain;

use super::super::Settings;
use super::super::site::Site;
use super::super::warning::listed;

/// Istio's default.
const DEFAULT: &str = "cluster.local";

/// Sites whose certificates say nothing get the setting, else what all the others say, else Istio's default.
pub(super) fn settle(sites: &mut [Site], settings: &Settings, notes: &mut Vec<String>) {
    let said: BTreeSet<TrustDomain> = sites.iter().filter_map(Site::domain).cloned().collect();
    let assumed = match (&settings.trust_domain, said.first()) {
        (Some(given), _) => Some((given.clone(), "given")),
        (None, Some(only)) if said.len() == 1 => Some((only.clone(), "assumed to be that of the others")),
        _ => TrustDomain::parse(DEFAULT).ok().map(|domain| (domain, "assumed: Istio's default")),
    };
    let Some((domain, by)) = assumed else { return };
    let mut silent = Vec::new();
    for site in sites.iter_mut().filter(|site| site.trust_domain.is_none()) {
        // A consumer of a bundle map has one of its domains, and nobody can say which.
        if site.sends() || site.roots.is_some() {
            silent.push(site.name.clone());
        }
        site.trust_domain = Some((domain.clone(), by.to_owned()));
    }
    if !silent.is_empty() && settings.trust_domain.is_none() {
        notes.push(format!("no CA and no workload names the trust domain of {}: {domain} was assumed; say it with --trust-domain", listed(silent)));
    }
}
