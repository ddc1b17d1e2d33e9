//! One more piece of evidence about a cluster, and whether it fits the others.

use std::collections::HashSet;

use crate::key::Crypto;
use crate::lint::Severity;
use crate::revocation::Crl;
use crate::x509::Certificate;

use super::super::Warning;
use super::super::intake::{Authority, Content, Origin, Sent};
use super::super::site::{Site, TrustFrom};
use super::super::warning::listed;

pub(super) fn into(site: &mut Site, content: Content, source: &str, crypto: &Crypto, warnings: &mut Vec<Warning>) {
    match content {
        Content::Authority(found) => authority(site, *found, source, warnings),
        Content::Roots { roots, readable: true } => trust(site, roots, TrustFrom::ConfigMap, source, warnings),
        Content::Roots { .. } => cannot_trust(site, format!("no root can be read in {source}")),
        Content::Crls { crls, readable: true } => revocation(site, crls, true, source, warnings),
        Content::Crls { .. } => cannot_trust(site, format!("its CRLs cannot be read, in {source}")),
        Content::Bundle(bundle) => {
            site.trust_domain.get_or_insert_with(|| (bundle.trust_domain().clone(), format!("the bundle {source}")));
            trust(site, bundle.x509_authorities().to_vec(), TrustFrom::Bundle, source, warnings);
        }
        Content::Map(map) => site.map = Some(map),
        Content::Sent(found) => sent(site, found, source, crypto, warnings),
        Content::Nothing => {
            site.cannot_send.get_or_insert_with(|| format!("nothing can be read in {source}"));
        }
    }
}

fn authority(site: &mut Site, found: Authority, source: &str, warnings: &mut Vec<Warning>) {
    let Authority { origin, signing, chain, roots, crls, broken, has_key, manifest, findings, trust_domain } = found;
    site.findings.extend(findings.into_iter().map(|finding| (source.to_owned(), finding)));
    if has_key {
        site.keys.push((source.to_owned(), manifest));
    }
    if let Some(domain) = trust_domain {
        site.trust_domain.get_or_insert_with(|| (domain, format!("the CA in {source}")));
    }
    if signing.is_none() {
        site.cannot_send.get_or_insert_with(|| format!("{}, in {source}", broken.join("; ")));
    }
    if let Some(roots) = roots {
        let from = match origin {
            Origin::Cacerts => TrustFrom::Cacerts,
            Origin::SelfSigned => TrustFrom::SelfSigned,
            Origin::Store | Origin::Chain => TrustFrom::Store,
        };
        if roots.is_empty() {
            cannot_trust(site, format!("{}, in {source}", broken.join("; ")));
        } else {
            trust(site, roots, from, source, warnings);
        }
    }
    if let Some(crls) = crls {
        revocation(site, crls, false, source, warnings);
    }
    let Some(signing) = signing else { return };
    if let (Some(known), Some(known_from)) = (&site.signing, site.origin)
        && *known != signing
    {
        warnings.extend(two_authorities(site, known, known_from, &signing, origin, source));
    }
    if site.origin.is_none_or(|known| origin > known) {
        site.signing = Some(signing);
        site.origin = Some(origin);
        site.chain = chain;
        site.authority_source = source.to_owned();
    }
}

fn two_authorities(site: &Site, known: &Certificate, known_from: Origin, new: &Certificate, origin: Origin, source: &str) -> Option<Warning> {
    let places = format!("{} and {source}", site.authority_source);
    let pair = [known_from.min(origin), known_from.max(origin)];
    let warning = match pair {
        // Left over from before cacerts was there; istiod does not look at it any more.
        [Origin::SelfSigned, Origin::Cacerts] => Warning::new(
            Severity::Notice,
            "doctor.leftover_self_signed",
            "istiod's own CA (istio-ca-secret) is still there besides cacerts: it comes back when cacerts disappears",
            "delete the Secret istio-ca-secret once every workload has a certificate under the new CA",
        ),
        [Origin::Store, Origin::Cacerts] => Warning::new(
            Severity::Warning,
            "doctor.store_differs",
            format!(
                "the store's CA is {} (serial {}), and cacerts has another one: {} (serial {})",
                known.subject(),
                known.serial(),
                new.subject(),
                new.serial()
            ),
            "write cacerts again: meshroot istio cacerts NAME --out DIR, and load it",
        ),
        _ => Warning::new(
            Severity::Warning,
            "doctor.two_cas",
            format!(
                "two signing CAs are said to be its: {} (serial {}) and {} (serial {})",
                known.subject(),
                known.serial(),
                new.subject(),
                new.serial()
            ),
            "leave the one out that is not loaded, or give the two different names: NAME=SOURCE",
        ),
    };
    Some(warning.at(places).of([&site.name]))
}

/// The roots that count are those nearest to what workloads go by.
fn trust(site: &mut Site, roots: Vec<Certificate>, from: TrustFrom, source: &str, warnings: &mut Vec<Warning>) {
    if let (Some(known), Some(known_from)) = (&site.roots, site.trust_from) {
        let leftover = known_from.min(from) == TrustFrom::SelfSigned && known_from != from;
        if !leftover && !super::same_set(known, &roots) {
            warnings.push(disagree(site, known, &roots, source));
        }
    }
    if site.trust_from.is_none_or(|known| from > known) {
        site.roots = Some(roots);
        site.trust_from = Some(from);
        site.roots_source = source.to_owned();
    }
}

fn disagree(site: &Site, known: &[Certificate], new: &[Certificate], source: &str) -> Warning {
    let only_in = |a: &[Certificate], b: &[Certificate]| {
        let there: HashSet<&[u8]> = b.iter().map(Certificate::der).collect();
        let names = a.iter().filter(|root| !there.contains(root.der())).map(|root| root.subject().to_string());
        let names: Vec<String> = names.take(20).collect();
        if names.is_empty() { "nothing more".to_owned() } else { listed(names) }
    };
    let message = format!(
        "its roots differ: {} has {} besides, {source} has {} besides. What istiod hands out is what it loaded; a change of root-cert.pem that is neither a superset nor a subset, or any without ISTIO_MULTIROOT_MESH=true, it ignores with a line in its log",
        site.roots_source,
        only_in(known, new),
        only_in(new, known),
    );
    let remedy = "make both equal: set ISTIO_MULTIROOT_MESH=true and add before you remove, or restart istiod";
    Warning::new(Severity::Warning, "doctor.roots_disagree", message, remedy).at(format!("{} and {source}", site.roots_source)).of([&site.name])
}

fn cannot_trust(site: &mut Site, why: String) {
    site.cannot_trust.get_or_insert(why);
}

fn revocation(site: &mut Site, crls: Vec<Crl>, handed_out: bool, source: &str, warnings: &mut Vec<Warning>) {
    if let Some(known) = &site.crls {
        let set = |list: &[Crl]| list.iter().map(|crl| crl.der().to_vec()).collect::<HashSet<_>>();
        if set(known) != set(&crls) {
            let message = format!("its CRLs in {} are not those in {source}", site.crls_source);
            let remedy = "find out why istiod did not take the new ones: one missing CRL and it rejects them all, with a line in its log";
            warnings.push(Warning::new(Severity::Warning, "doctor.crls_disagree", message, remedy).at(source).of([&site.name]));
        }
        if !handed_out {
            return;
        }
    }
    site.crls = Some(crls);
    site.crls_source = source.to_owned();
}

fn sent(site: &mut Site, found: Sent, source: &str, crypto: &Crypto, warnings: &mut Vec<Warning>) {
    if let Some(id) = &found.id {
        site.trust_domain.get_or_insert_with(|| (id.trust_domain().to_owned(), format!("the SPIFFE ID in {source}")));
    }
    if let Some(ca) = &site.signing
        && !super::signed(ca, &found, crypto)
    {
        let issuer = found.certificates.first().map(|leaf| leaf.issuer().to_string()).unwrap_or_default();
        warnings.push(
            Warning::new(
                Severity::Warning,
                "doctor.other_ca_in_use",
                format!("the certificate is signed by {issuer}, and not by the CA of {}, {} (serial {})", site.authority_source, ca.subject(), ca.serial()),
                "istiod may not have loaded the new CA yet, or the leaf may be older: look again after half the leaves' lifetime, and restart istiod if it stays so",
            )
            .at(source)
            .of([&site.name]),
        );
    }
    site.sent.push(found);
}
