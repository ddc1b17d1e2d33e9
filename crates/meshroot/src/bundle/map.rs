use std::collections::BTreeMap;

use super::raw::read_map;
use super::read::assemble;
use super::write::{self, Form};
use super::{Bundle, BundleError, Ignored, Limits};
use crate::spiffe::{TrustDomain, TrustDomainRef};

/// The bundles of several trust domains, each valid for its own alone (Trust Domain and Bundle §5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BundleMap {
    bundles: BTreeMap<TrustDomain, Bundle>,
}

impl BundleMap {
    /// Holds nothing yet, and so validates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a bundle map, as a whole or not at all (Trust Domain and Bundle §5.1, appendix B.1). Refresh hints of
    /// single bundles are ignored, as §5.1.1 demands.
    ///
    /// # Errors
    /// As [`Bundle::from_spiffe_json`], for any of the bundles; a name that is no trust domain name, or is there twice.
    pub fn from_json(json: &[u8], limits: &Limits) -> Result<(Self, Vec<Ignored>), BundleError> {
        let mut ignored = Vec::new();
        let mut map = Self::new();
        for (trust_domain, mut raw) in read_map(json, limits)? {
            raw.hint = None;
            let at = format!("trust_domains[\"{trust_domain}\"].");
            map.insert(assemble(trust_domain, raw, &at, &mut ignored));
        }
        Ok((map, ignored))
    }

    /// Puts a bundle in, and takes out the one its trust domain had.
    pub fn insert(&mut self, bundle: Bundle) -> Option<Bundle> {
        self.bundles.insert(bundle.trust_domain().clone(), bundle)
    }

    /// Takes a trust domain's bundle out.
    pub fn remove(&mut self, trust_domain: TrustDomainRef<'_>) -> Option<Bundle> {
        self.bundles.remove(trust_domain.as_str())
    }

    /// A trust domain's bundle.
    pub fn get(&self, trust_domain: TrustDomainRef<'_>) -> Option<&Bundle> {
        self.bundles.get(trust_domain.as_str())
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&TrustDomain, &Bundle)> {
        self.bundles.iter()
    }

    /// How many trust domains there are.
    pub fn len(&self) -> usize {
        self.bundles.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bundles.is_empty()
    }

    /// The document (§5.1), without refresh hints. The same content always has the same bytes.
    pub fn to_json(&self) -> String {
        render(self.bundles.values(), Form::InMap)
    }

    /// The document for Envoy's SPIFFE validator (`trust_bundles`): X.509 authorities only, and only trust domains that
    /// have some, since Envoy refuses the whole file for one empty `keys` or one `jwt-svid` key.
    ///
    /// # Errors
    /// [`BundleError::NothingForEnvoy`] if no trust domain is left.
    pub fn to_envoy_json(&self) -> Result<String, BundleError> {
        let mut usable = self.bundles.values().filter(|bundle| !bundle.x509_authorities().is_empty()).peekable();
        if usable.peek().is_none() {
            return Err(BundleError::NothingForEnvoy);
        }
        Ok(render(usable, Form::Envoy))
    }
}

impl From<Bundle> for BundleMap {
    fn from(bundle: Bundle) -> Self {
        let mut map = Self::new();
        map.insert(bundle);
        map
    }
}

fn render<'a>(bundles: impl Iterator<Item = &'a Bundle>, form: Form) -> String {
    // Trust domain names need no escaping: they have neither quotes nor backslashes.
    let members: Vec<_> = bundles.map(|bundle| format!(r#""{}":{}"#, bundle.trust_domain(), write::bundle(bundle, form))).collect();
    format!(r#"{{"trust_domains":{{{}}}}}"#, members.join(","))
}
