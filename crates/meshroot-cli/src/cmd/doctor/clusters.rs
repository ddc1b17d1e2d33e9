//! The clusters that were found: what each signs with, what it trusts, what that was read from.

use std::collections::BTreeSet;

use meshroot::doctor::{Cluster, Diagnosis};
use meshroot::time::Timestamp;
use meshroot::x509::Certificate;

use super::words::{names, until_styled};
use crate::output::{Out, Style};
use crate::sources::Gathered;

/// So many clusters are shown in full; more become a line each.
const MOST_SINGLY: usize = 6;
/// Lines of one kind.
const MOST_SHOWN: usize = 12;

pub(super) fn print(out: &Out, diagnosis: &Diagnosis, gathered: &Gathered) {
    let clusters = &diagnosis.clusters;
    let domains: BTreeSet<&str> = clusters.iter().filter_map(|cluster| Some(cluster.trust_domain.as_ref()?.as_str())).collect();
    let what = if clusters.len() == 1 { "1 cluster".to_owned() } else { format!("{} clusters", clusters.len()) };
    let of = match domains.len() {
        0 => String::new(),
        1 => format!(", trust domain {}", names(domains.iter())),
        _ => format!(", trust domains {}", names(domains.iter())),
    };
    out.line(format_args!("{}  at {}", out.styled(Style::Strong, format_args!("{what}{of}")), diagnosis.now));
    if clusters.len() > MOST_SINGLY {
        together(out, clusters, diagnosis.now);
    } else {
        clusters.iter().for_each(|cluster| one(out, cluster, domains.len() > 1, diagnosis.now, gathered));
    }
    out.line("");
}

/// One line for each cluster, below the roots that it trusts.
fn together(out: &Out, clusters: &[Cluster], now: Timestamp) {
    let mut groups: Vec<(&[Certificate], Vec<&Cluster>)> = Vec::new();
    for cluster in clusters {
        match groups.iter_mut().find(|(roots, _)| *roots == cluster.roots) {
            Some((_, members)) => members.push(cluster),
            None => groups.push((&cluster.roots, vec![cluster])),
        }
    }
    for (roots, members) in groups.iter().take(MOST_SHOWN) {
        match roots {
            [] => out.line("no roots of their own"),
            roots => roots.iter().take(MOST_SHOWN).for_each(|root| out.line(format_args!("trusted     {}", certificate(out, root, now)))),
        }
        more(out, roots.len(), "roots");
        let width = members.iter().take(MOST_SHOWN).map(|member| member.name.chars().count()).max().unwrap_or(0);
        for (at, member) in members.iter().take(MOST_SHOWN).enumerate() {
            let branch = if at.saturating_add(1) == members.len() { "└─" } else { "├─" };
            let ca = member.signing_ca.as_ref().map_or_else(|| "signs with what is not known".to_owned(), |ca| certificate(out, ca, now));
            out.line(format_args!("{branch} {:<width$}  {ca}  {}", member.name, out.styled(Style::Faint, names(member.sources.iter()))));
        }
        more(out, members.len(), "clusters");
    }
    more(out, groups.len(), "sets of roots");
}

fn more(out: &Out, count: usize, what: &str) {
    if let Some(more) = count.checked_sub(MOST_SHOWN).filter(|more| *more > 0) {
        out.line(format_args!("└─ and {more} more {what}: see --json"));
    }
}

fn one(out: &Out, cluster: &Cluster, name_domain: bool, now: Timestamp, gathered: &Gathered) {
    let domain = cluster.trust_domain.as_ref().filter(|_| name_domain).map_or_else(String::new, |domain| format!("  trust domain {domain}"));
    out.line(format_args!("{}{domain}  {}", out.styled(Style::Strong, &cluster.name), out.styled(Style::Faint, names(cluster.sources.iter()))));
    let mut lines = Vec::new();
    for root in cluster.roots.iter().take(MOST_SHOWN) {
        lines.push(format!("trusts      {}", certificate(out, root, now)));
    }
    if let Some(more) = cluster.roots.len().checked_sub(MOST_SHOWN).filter(|more| *more > 0) {
        lines.push(format!("trusts      {more} more roots: see --json"));
    }
    if let Some(map) = &cluster.bundles {
        for (trust_domain, bundle) in map.iter() {
            for root in bundle.x509_authorities() {
                lines.push(format!("trusts      {}, for {trust_domain} alone", certificate(out, root, now)));
            }
        }
    }
    if let Some(ca) = &cluster.signing_ca {
        lines.push(format!("signs with  {}", certificate(out, ca, now)));
    }
    let is_known = |sent: &Certificate| cluster.signing_ca.as_ref() == Some(sent) || cluster.roots.contains(sent);
    for sent in cluster.chain.iter().filter(|sent| !is_known(sent)) {
        lines.push(format!("sends       {}", certificate(out, sent, now)));
    }
    if let Some(crls) = &cluster.crls {
        for crl in crls {
            let due = crl.next_update.map_or_else(|| "no next one is announced".to_owned(), |next| format!("next one due {next}"));
            lines.push(format!("checks      CRL of {}, {} revoked, {due}", crl.issuer, crl.entries));
        }
    }
    for seen in gathered.seen.iter().filter(|seen| cluster.sources.contains(&seen.source)) {
        lines.push(format!("speaks      {seen}"));
    }
    let last = lines.len().saturating_sub(1);
    for (at, line) in lines.iter().enumerate() {
        out.line(format_args!("{} {line}", if at == last { "└─" } else { "├─" }));
    }
}

fn certificate(out: &Out, certificate: &Certificate, now: Timestamp) -> String {
    let validity = certificate.validity();
    let when = if now < validity.not_before {
        out.styled(Style::Bad, format_args!("not valid before {}", validity.not_before))
    } else {
        until_styled(out, validity.not_after, now)
    };
    // A workload's subject is empty, and its SPIFFE ID says who it is.
    let uri = certificate.alt_names().and_then(|names| names.uris.first().map(|uri| (*uri).to_owned()));
    let who = uri.filter(|_| certificate.subject().is_empty()).unwrap_or_else(|| certificate.subject().to_string());
    format!("{}  {}  {when}", who.escape_debug(), certificate.public_key().algorithm())
}
