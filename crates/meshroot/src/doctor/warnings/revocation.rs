//! CRLs that are out of date or will be, count for nothing, or leave somebody out.

use std::collections::HashMap;

use crate::lint::Severity;
use crate::revocation::{Crl, CrlSet, Status, Subject};
use crate::time::humanize;
use crate::x509::{Certificate, DistinguishedName, KeyUsage};

use super::super::warning::listed;
use super::{Mesh, Warning, distinct};

/// CAs of one name whose signature is looked for on a CRL.
const MOST_NAMESAKES: usize = 16;

pub(super) fn warn(mesh: &Mesh<'_>, warnings: &mut Vec<Warning>, notes: &mut Vec<String>) {
    // Clusters mostly have the same CRLs, and those are looked at once.
    let mut sets: HashMap<Vec<&[u8]>, Vec<usize>> = HashMap::new();
    for (at, site) in mesh.sites.iter().enumerate() {
        if let Some(crls) = site.crls.as_deref().filter(|crls| !crls.is_empty()) {
            sets.entry(crls.iter().map(Crl::der).collect()).or_default().push(at);
        }
    }
    if sets.is_empty() {
        return;
    }
    notes.push("CRLs are judged as Envoy takes them, and in ambient mode as a ztunnel that has them (Helm peerCaCrl.enabled): it looks at them when it is the server".into());
    let authorities = authorities(mesh);
    let mut sets: Vec<Vec<usize>> = sets.into_values().collect();
    sets.sort();
    for sites in sets {
        let Some(site) = sites.first().and_then(|at| mesh.sites.get(*at)) else { continue };
        let Some(crls) = &site.crls else { continue };
        let names = mesh.names(sites.iter().copied());
        let found = partial(mesh, crls, &names).into_iter().chain(crls.iter().flat_map(|crl| one(mesh, crl, &authorities)));
        let found: Vec<Warning> = found.collect();
        warnings.extend(found.into_iter().map(|warning| warning.at(site.crls_source.clone()).of(names.clone())));
    }
}

/// Every CA of the mesh, by name.
fn authorities<'a>(mesh: &'a Mesh<'_>) -> HashMap<&'a DistinguishedName, Vec<&'a Certificate>> {
    let mut by_name: HashMap<&DistinguishedName, Vec<&Certificate>> = HashMap::new();
    let all = mesh.sites.iter().flat_map(|site| site.signing.iter().chain(&site.chain).chain(site.roots()));
    for certificate in distinct(all) {
        by_name.entry(certificate.subject()).or_default().push(certificate);
    }
    by_name
}

/// CAs that workloads of the mesh are under, and that have no CRL in the set.
fn partial(mesh: &Mesh<'_>, crls: &[Crl], names: &[String]) -> Option<Warning> {
    let set = CrlSet::new(crls.to_vec());
    let ways = mesh.rows.iter().flatten().flat_map(|row| row.way_up.iter());
    let missing: Vec<String> = distinct(ways)
        .into_iter()
        .filter(|ca| ca.is_ca())
        .filter(|ca| set.status(&Subject::to_be_issued_by(ca), ca, mesh.crypto, mesh.now) == Status::Missing)
        .map(|ca| ca.subject().to_string())
        .collect();
    if missing.is_empty() {
        return None;
    }
    let message = format!(
        "there is no CRL of {} among those that {} checks: its sidecars refuse every workload under such a CA. istiod asks only for CRLs of its own chain, and says nothing",
        listed(missing),
        listed(names),
    );
    let remedy = "put a CRL of every CA of the mesh into every ca-crl.pem, of roots and of all clusters' CAs; or do without CRLs";
    Some(Warning::new(Severity::Error, "doctor.crl_partial", message, remedy))
}

fn one(mesh: &Mesh<'_>, crl: &Crl, authorities: &HashMap<&DistinguishedName, Vec<&Certificate>>) -> Vec<Warning> {
    let who = crl.issuer();
    let mut found = Vec::new();
    if let Some(problem) = crl.problem() {
        let message = format!("the CRL of {who} cannot be used: {problem}");
        found.push(Warning::new(Severity::Error, "doctor.crl_unusable", message, "have the CA make a CRL as RFC 5280 wants it"));
    }
    if let Some(next) = crl.next_update() {
        if next <= mesh.now {
            let message =
                format!("the CRL of {who} is out of date since {next}: sidecars refuse every workload under this CA, and istiod says nothing");
            let remedy = "publish a new one, and long enough before nextUpdate from now on";
            found.push(Warning::new(Severity::Error, "doctor.crl_stale", message, remedy));
        } else if next.since(mesh.now) < mesh.settings.crl_horizon {
            let message = format!(
                "the CRL of {who} is due at {next}, in {}: then sidecars refuse every workload under this CA",
                humanize(next.since(mesh.now))
            );
            found.push(Warning::new(Severity::Warning, "doctor.crl_due", message, "publish a new one now"));
        }
    }
    found.extend(issuer(mesh, crl, authorities));
    found
}

fn issuer(mesh: &Mesh<'_>, crl: &Crl, authorities: &HashMap<&DistinguishedName, Vec<&Certificate>>) -> Option<Warning> {
    let who = crl.issuer();
    let Some(namesakes) = authorities.get(who) else {
        let message = format!("the CRL of {who} is of a CA that is nowhere in the mesh");
        return Some(Warning::new(Severity::Notice, "doctor.crl_of_nobody", message, "remove it, or name the cluster's sources as well"));
    };
    let mut signed = namesakes.iter().take(MOST_NAMESAKES).filter(|ca| crl.verify_signature(ca.public_key(), mesh.crypto).is_ok()).peekable();
    if signed.peek().is_none() {
        let message = format!("the CRL of {who} was not signed by the key of any CA of that name");
        return Some(Warning::new(Severity::Error, "doctor.crl_issuer", message, "get the CRL of this CA anew"));
    }
    let may = |ca: &&&Certificate| ca.key_usage().is_none_or(|usage| usage.contains(KeyUsage::CRL_SIGN));
    if signed.any(|ca| may(&ca)) {
        return None;
    }
    let message = format!(
        "the CRL of {who} counts for nothing: the CA's keyUsage lacks cRLSign, as with every CA that Istio's Makefile makes; both data planes refuse what is under it"
    );
    let remedy = "make the CA again with cRLSign, or take ca-crl.pem away";
    Some(Warning::new(Severity::Error, "doctor.crl_issuer", message, remedy))
}
