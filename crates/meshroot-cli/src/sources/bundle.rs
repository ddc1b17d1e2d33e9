//! SPIFFE bundles, and maps of them.

use std::collections::BTreeSet;

use meshroot::bundle::{Bundle, BundleMap, Ignored, Limits};
use meshroot::doctor::EvidenceKind;
use meshroot::spiffe::{SpiffeIdRef, TrustDomain};

use super::{Place, Reader};
use crate::exit::{Exit, Failure, Result};

impl Reader<'_> {
    pub(super) fn map(&mut self, text: &[u8], name: &str) -> Result<()> {
        let (map, ignored) = BundleMap::from_json(text, &Limits::default())?;
        self.ignored(name, &ignored);
        let cluster = self.cluster();
        self.put(name, EvidenceKind::BundleMap { cluster, map });
        Ok(())
    }

    pub(super) fn bundle(&mut self, text: &[u8], name: &str) -> Result<()> {
        let read = |trust_domain| Bundle::from_spiffe_json(trust_domain, text, &Limits::default());
        let (looked_at, ignored) = read(TrustDomain::parse("unknown")?)?;
        if let (true, Some(first)) = (looked_at.is_empty(), ignored.first()) {
            let message = format!("nothing in this bundle can be used: {first}");
            return Err(Failure::new(Exit::BadInput, "doctor.unusable_bundle", message));
        }
        let trust_domain = self.trust_domain_of(&looked_at)?;
        self.ignored(name, &ignored);
        let (cluster, bundle) = (self.cluster(), read(trust_domain)?.0);
        self.put(name, EvidenceKind::Bundle { cluster, bundle });
        Ok(())
    }

    /// A SPIFFE bundle does not name its trust domain (SPIFFE Trust Domain and Bundle §4): its CA certificates may, people
    /// do, and whoever publishes one usually does so under that name.
    fn trust_domain_of(&self, bundle: &Bundle) -> Result<TrustDomain> {
        let ids = bundle.x509_authorities().iter().filter_map(|authority| authority.alt_names()).flat_map(|names| names.uris);
        let said: BTreeSet<TrustDomain> = ids.filter_map(|uri| SpiffeIdRef::parse(uri).ok().map(|id| id.trust_domain().to_owned())).collect();
        let mut said = said.into_iter();
        if let (Some(one), None) = (said.next(), said.next()) {
            return Ok(one);
        }
        if let Some(given) = self.trust_domain {
            return Ok(given.clone());
        }
        let name = match (&self.source.cluster, &self.source.place) {
            (Some(name), _) => Some(name.as_str()),
            (None, Place::Https(url)) => Some(url.host.as_str()),
            (None, _) => None,
        };
        name.and_then(|name| TrustDomain::parse(&name.to_ascii_lowercase()).ok()).ok_or_else(|| {
            let message = "nothing in this bundle says which trust domain it is of: add --trust-domain NAME, or write NAME=SOURCE";
            Failure::usage("doctor.trust_domain_unknown", message)
        })
    }

    fn ignored(&mut self, name: &str, ignored: &[Ignored]) {
        for ignored in ignored {
            self.remark(name, format_args!("ignored: {ignored}"));
        }
    }
}
