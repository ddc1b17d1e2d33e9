//! In which evidence a certificate stands.

use std::collections::HashMap;

use crate::hex::Hex;
use crate::key::Crypto;
use crate::x509::Certificate;

use super::intake::Origin;
use super::site::Site;

/// Places of one certificate that are remembered; a common root stands everywhere.
const MOST: usize = 512;

#[derive(Debug)]
pub(super) struct Places {
    crypto: Crypto,
    by_der: HashMap<Box<[u8]>, Vec<(usize, String)>>,
}

impl Places {
    pub(super) fn of_all(sites: &[Site], crypto: &Crypto) -> Self {
        let mut places = Self { crypto: crypto.clone(), by_der: HashMap::new() };
        for (at, site) in sites.iter().enumerate() {
            let file = |source: &str, file: &str| {
                if site.origin >= Some(Origin::SelfSigned) { format!("{source}: {file}") } else { source.to_owned() }
            };
            let authority = &site.authority_source;
            site.signing.iter().for_each(|signing| places.add(at, signing, || file(authority, "ca-cert.pem")));
            site.chain.iter().for_each(|certificate| places.add(at, certificate, || file(authority, "cert-chain.pem")));
            site.roots().iter().for_each(|root| {
                places.add(at, root, || {
                    if site.roots_source == *authority { file(&site.roots_source, "root-cert.pem") } else { site.roots_source.clone() }
                });
            });
            for sent in &site.sent {
                sent.certificates.iter().for_each(|certificate| places.add(at, certificate, || sent.source.clone()));
            }
            for (_, bundle) in site.map.iter().flat_map(crate::bundle::BundleMap::iter) {
                let source = site.sources.last().cloned().unwrap_or_default();
                bundle.x509_authorities().iter().for_each(|root| places.add(at, root, || source.clone()));
            }
        }
        places
    }

    fn add(&mut self, site: usize, certificate: &Certificate, place: impl FnOnce() -> String) {
        let places = self.by_der.entry(certificate.der().into()).or_default();
        if places.len() < MOST && !places.iter().any(|(known, _)| *known == site) {
            places.push((site, place()));
        }
    }

    /// The place in the first of these sites that has it, else in any.
    pub(super) fn of(&self, certificate: &Certificate, sites: &[usize]) -> String {
        let Some(places) = self.by_der.get(certificate.der()) else { return String::new() };
        let preferred = sites.iter().find_map(|site| places.iter().find(|(at, _)| at == site));
        preferred.or(places.first()).map(|(_, place)| place.clone()).unwrap_or_default()
    }

    /// The fingerprint that people compare, in hexadecimal.
    pub(super) fn sha256(&self, certificate: &Certificate) -> String {
        Hex(&certificate.fingerprint(&self.crypto)).to_string()
    }
}
