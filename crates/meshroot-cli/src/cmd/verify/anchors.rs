//! A trust bundle in any of its forms: what `verify` judges by, and `bundle import` reads.

use std::collections::BTreeSet;

use meshroot::bundle::{Bundle, BundleError, BundleMap, Ignored, Limits};
use meshroot::pem::PemError;
use meshroot::spiffe::{SpiffeIdRef, TrustDomain};
use meshroot::x509::Certificate;

use crate::exit::{Exit, Failure, Result};
use crate::instead;

const WANTED: &str = "a trust bundle: a SPIFFE bundle or a bundle map as JSON, or CA certificates in PEM";

/// What is trusted, and where that comes from.
#[derive(Debug)]
pub(in crate::cmd) struct Anchors {
    pub(in crate::cmd) map: BundleMap,
    /// In words: which kind of document, of which trust domain, and who says so.
    pub(in crate::cmd) what: String,
    /// What of the document cannot be used.
    pub(in crate::cmd) ignored: Vec<String>,
}

/// A bundle map names its trust domains. A SPIFFE document and PEM do not: the trust domain is the one that is given, or
/// the only one that the CA certificates name themselves. It is never taken from the chain that is to be judged.
pub(in crate::cmd) fn read(bytes: &[u8], given: Option<TrustDomain>) -> Result<Anchors> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if matches!(bytes, [0x30, length, ..] if *length >= 0x80) {
        let root = Certificate::from_der(bytes).map_err(|_| instead::of(bytes, WANTED))?;
        let bundle = |trust_domain| Ok(Bundle::new(trust_domain).with_x509_authorities([root.clone()])?);
        return single("one root in DER", bundle(placeholder()?)?, Vec::new(), given, bundle);
    }
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        let bundle = match Bundle::from_pem(placeholder()?, bytes) {
            Err(BundleError::Pem(PemError::NoCertificate)) => return Err(instead::of(bytes, WANTED)),
            read => read?,
        };
        return single("PEM roots", bundle, Vec::new(), given, |trust_domain| Ok(Bundle::from_pem(trust_domain, bytes)?));
    }
    match BundleMap::from_json(bytes, &Limits::default()) {
        Ok((map, ignored)) => several(map, ignored, given),
        Err(BundleError::MissingTrustDomains) => {
            let parse = |trust_domain| Bundle::from_spiffe_json(trust_domain, bytes, &Limits::default());
            let (bundle, ignored) = parse(placeholder()?)?;
            single("SPIFFE bundle", bundle, ignored, given, |trust_domain| Ok(parse(trust_domain)?.0))
        }
        Err(e) => Err(e.into()),
    }
}

/// A name for a bundle that is only looked at.
fn placeholder() -> Result<TrustDomain> {
    Ok(TrustDomain::parse("unknown")?)
}

fn single(
    kind: &str,
    looked_at: Bundle,
    ignored: Vec<Ignored>,
    given: Option<TrustDomain>,
    read: impl FnOnce(TrustDomain) -> Result<Bundle>,
) -> Result<Anchors> {
    let said = trust_domains(&looked_at);
    let (trust_domain, source) = match (given, said.iter().next()) {
        (Some(given), _) => (given, "as --trust-domain says"),
        (None, Some(one)) if said.len() == 1 => (one.clone(), "as its CA certificates say"),
        (None, None) if looked_at.x509_authorities().is_empty() && !ignored.is_empty() => {
            let ignored: Vec<_> = ignored.iter().map(Ignored::to_string).collect();
            let message = format!("nothing in this bundle can be used: {}", ignored.join("; "));
            return Err(Failure::new(Exit::BadInput, "verify.empty_bundle", message));
        }
        (None, found) => {
            let why =
                if found.is_some() { "its CA certificates name several trust domains" } else { "nothing in it says which trust domain it is of" };
            let message = format!("{why}: add --trust-domain NAME");
            return Err(Failure::new(Exit::Usage, "verify.trust_domain_unknown", message));
        }
    };
    let what = format!("{kind} of the trust domain {trust_domain}, {source}");
    let map = BundleMap::from(read(trust_domain)?);
    Ok(Anchors { map, what, ignored: ignored.iter().map(Ignored::to_string).collect() })
}

fn several(mut map: BundleMap, ignored: Vec<Ignored>, given: Option<TrustDomain>) -> Result<Anchors> {
    let ignored = ignored.iter().map(Ignored::to_string).collect();
    let what = match given {
        None => format!("bundle map of {} trust domain{}", map.len(), if map.len() == 1 { "" } else { "s" }),
        Some(given) => {
            let Some(bundle) = map.remove(given.as_ref()) else {
                return Err(Failure::new(Exit::NotFound, "verify.not_in_map", format!("the bundle map has no trust domain {given}")));
            };
            map = BundleMap::from(bundle);
            format!("bundle map, of which only the trust domain {given} counts")
        }
    };
    Ok(Anchors { map, what, ignored })
}

/// The trust domains of the SPIFFE IDs in CA certificates.
fn trust_domains(bundle: &Bundle) -> BTreeSet<TrustDomain> {
    let ids = bundle.x509_authorities().iter().filter_map(|authority| authority.alt_names()).flat_map(|names| names.uris);
    ids.filter_map(|uri| SpiffeIdRef::parse(uri).ok().map(|id| id.trust_domain().to_owned())).collect()
}
