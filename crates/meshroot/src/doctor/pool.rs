//! All that the evidence holds, by name.

use std::collections::HashMap;

use crate::bundle::BundleMap;
use crate::key::Crypto;
use crate::revocation::{Crl, CrlSet, Status, Subject};
use crate::time::Timestamp;
use crate::x509::{Certificate, DistinguishedName};

use super::site::Site;

/// Certificates above a CA that are looked for.
const MOST_ABOVE: usize = 8;
/// Candidates of one name that are kept.
const MOST_NAMESAKES: usize = 512;

/// All certificates and CRLs that any evidence holds: what is missing in one cluster may lie in another's files.
#[derive(Debug, Default)]
pub(super) struct Pool {
    by_subject: HashMap<DistinguishedName, Vec<Certificate>>,
    crls: HashMap<DistinguishedName, Vec<Crl>>,
}

impl Pool {
    pub(super) fn of(sites: &[Site]) -> Self {
        let mut pool = Self::default();
        for site in sites {
            let sent = site.sent.iter().flat_map(|sent| sent.certificates.iter().skip(1));
            let bundles = site.map.iter().flat_map(BundleMap::iter).flat_map(|(_, bundle)| bundle.x509_authorities());
            site.signing.iter().chain(&site.chain).chain(site.roots()).chain(sent).chain(bundles).for_each(|certificate| pool.add(certificate));
            site.crls.iter().flatten().for_each(|crl| pool.add_crl(crl));
        }
        pool
    }

    /// From a certificate up to its root, as far as it can be found; the certificate itself comes first.
    pub(super) fn climb(&self, start: &Certificate, crypto: &Crypto, now: Timestamp) -> Vec<Certificate> {
        let mut path = vec![start.clone()];
        while path.len() <= MOST_ABOVE
            && let Some(top) = path.last()
            && !top.is_self_issued()
            && let Some(issuer) = self.issuer(top, crypto, now)
            && !path.contains(issuer)
        {
            path.push(issuer.clone());
        }
        path
    }

    fn add(&mut self, certificate: &Certificate) {
        let namesakes = self.by_subject.entry(certificate.subject().clone()).or_default();
        if namesakes.len() < MOST_NAMESAKES && !namesakes.contains(certificate) {
            namesakes.push(certificate.clone());
        }
    }

    fn add_crl(&mut self, crl: &Crl) {
        let namesakes = self.crls.entry(crl.issuer().clone()).or_default();
        if namesakes.len() < MOST_NAMESAKES && !namesakes.iter().any(|known| known.der() == crl.der()) {
            namesakes.push(crl.clone());
        }
    }

    /// Who signed this certificate; one that is valid now, if there are several.
    fn issuer(&self, certificate: &Certificate, crypto: &Crypto, now: Timestamp) -> Option<&Certificate> {
        let mut candidates: Vec<&Certificate> = self.by_subject.get(certificate.issuer())?.iter().collect();
        // Hundreds may have the name; the likely ones first, and the first that signed is enough.
        let differs = |issuer: &Certificate| certificate.authority_key_id().zip(issuer.subject_key_id()).is_some_and(|(named, own)| named != own);
        candidates.sort_by_key(|issuer| (!issuer.validity().contains(now), differs(issuer)));
        candidates.into_iter().find(|issuer| certificate.verify_signature(issuer.public_key(), crypto).is_ok())
    }

    /// The same CA with other dates, valid now.
    pub(super) fn renewed(&self, certificate: &Certificate, now: Timestamp) -> Option<&Certificate> {
        let same = |other: &&Certificate| other.public_key() == certificate.public_key() && other.validity().contains(now);
        self.by_subject.get(certificate.subject())?.iter().find(same)
    }

    /// A CRL of this CA that counts now.
    pub(super) fn crl(&self, issuer: &Certificate, crypto: &Crypto, now: Timestamp) -> Option<&Crl> {
        let counts = |crl: &&Crl| {
            let set = CrlSet::new(vec![(*crl).clone()]);
            matches!(set.status(&Subject::to_be_issued_by(issuer), issuer, crypto, now), Status::Good { .. })
        };
        self.crls.get(issuer.subject())?.iter().find(counts)
    }
}
