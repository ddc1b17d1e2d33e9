//! The checks of one cluster's set, in the order in which istiod would stumble.

mod authority;
mod chain;
mod constraints;
mod crl;
mod key;
mod path;
mod presence;
mod read;
mod roots;
#[cfg(test)]
mod tests;

use core::cmp::Reverse;

use super::{CacertsFiles, Finding, Report};
use crate::key::Crypto;
use crate::spiffe::{TrustDomain, TrustDomainRef};
use crate::time::Timestamp;
use crate::x509::Certificate;
use path::{Link, Path};

/// How istiod's complaint about a path to the root begins; the rest is Go's.
const CANNOT_VERIFY: &str = "cannot verify the cert with the provided root chain and cert pool with error: x509: ";

/// Judges one cluster's set: would istiod start with it, and would its mesh work?
///
/// Nothing here fails: whatever is wrong with the bytes is a finding. Of the trust domain it knows what the CA
/// certificates say about themselves; use [`check_for`] where it is known.
pub fn check(files: &CacertsFiles, crypto: &Crypto, now: Timestamp) -> Report {
    check_for(files, None, crypto, now)
}

/// As [`check`], for a mesh whose trust domain is known: name constraints are held against it.
pub fn check_for(files: &CacertsFiles, trust_domain: Option<TrustDomainRef<'_>>, crypto: &Crypto, now: Timestamp) -> Report {
    let mut findings = Vec::new();
    let reading = files.as_istiod_reads_them();
    presence::check(files, &reading, &mut findings);

    let certificates = read::read(&reading, &mut findings);
    key::check(&reading, &certificates, crypto, &mut findings);
    let read::Certificates { signing, chain, roots, .. } = &certificates;

    let mut report = Report { trust_domain: trust_domain.map(TrustDomainRef::to_owned), ..Report::default() };
    let path = signing.first().map(|ca| path::find(ca, chain, roots, crypto, now));
    if let Some(Path { links, stuck }) = &path {
        let certs: Vec<_> = links.iter().map(|link| link.cert).collect();
        report.trust_domain = report.trust_domain.or_else(|| certs.iter().find_map(|cert| named_trust_domain(cert)));
        if let Some(stuck) = stuck {
            // A certificate whose key nobody should use is reported as such; it may have been the missing link.
            if !certificates.incomplete {
                findings.push(stuck.finding(reading.root.name));
            }
        }
        authority::check(links, &reading, now, &mut findings);
        constraints::check(links, &reading, report.trust_domain.as_ref(), &mut findings);
        if !certificates.incomplete {
            chain::check(links, &reading, chain, roots, &mut findings);
        }
        crl::check(reading.crl, links, chain, crypto, now, &mut findings);
        if stuck.is_none() {
            report.path = certs.into_iter().cloned().collect();
        }
    }
    roots::check(roots, path.as_ref().map_or(&[], |path| &path.links), reading.root.name, now, &mut findings);

    findings.sort_by_key(|finding| Reverse(finding.severity));
    report.signing_ca = certificates.signing.into_iter().next();
    report.findings = findings;
    report.chain = certificates.chain;
    report.roots = certificates.roots;
    report
}

/// The trust domain of a CA certificate's SPIFFE ID (X509-SVID §4.1: a signing certificate's ID has no path).
fn named_trust_domain(cert: &Certificate) -> Option<TrustDomain> {
    let names = cert.alt_names()?;
    names
        .uris
        .iter()
        .filter(|uri| uri.starts_with("spiffe://"))
        .find_map(|uri| TrustDomainRef::parse_name_or_id(uri).ok())
        .map(TrustDomainRef::to_owned)
}

/// The file in which a link of the path stands.
fn file_of(link: &Link<'_>, reading: &super::files::Reading<'_>) -> &'static str {
    match link.place {
        path::Place::Signing => reading.cert.name,
        path::Place::Chain => reading.chain.name,
        path::Place::Root => reading.root.name,
    }
}
