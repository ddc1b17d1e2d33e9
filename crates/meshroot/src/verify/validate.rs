use crate::key::Crypto;
use crate::spiffe::SpiffeId;
use crate::time::Timestamp;
use crate::x509::Certificate;
use crate::x509::wire::CertRef;

use super::PathQuery;
use super::path::{CaPath, names_issuer};
use super::reason::{Reason, Rejection};
use super::rules::{check_svid, in_time, reject};

/// A path that was validated: the leaf first, the anchor last. Only [`validate_path`] makes one.
#[derive(Clone, Debug)]
pub struct ValidatedPath {
    certificates: Vec<Certificate>,
}

impl ValidatedPath {
    /// The leaf first, the anchor last.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The last second in which all of them are valid.
    pub fn not_after(&self) -> Timestamp {
        self.first_to_expire().map_or(Timestamp::MIN, |first| first.validity().not_after)
    }

    /// The certificate that expires first.
    pub fn first_to_expire(&self) -> Option<&Certificate> {
        self.certificates.iter().min_by_key(|certificate| certificate.validity().not_after)
    }
}

/// Validates any leaf, a DNS server's too: RFC 5280 §6.1, as the query's rules have it. Names of peers are not compared.
///
/// # Errors
/// The certificate and the rule; of several failing paths, the one that came closest.
pub fn validate_path(
    leaf: &[u8],
    intermediates: &[impl AsRef<[u8]>],
    anchors: &[Certificate],
    crypto: &Crypto,
    query: &PathQuery<'_>,
) -> Result<ValidatedPath, Rejection> {
    let parsed = CertRef::parse(leaf).map_err(|e| Rejection::whole(Reason::Malformed(e)))?;
    let at_leaf = |reason| reject(0, &parsed.tbs, reason);
    in_time(&parsed.tbs, query.now).map_err(at_leaf)?;
    if query.rules.svid {
        check_svid(&parsed.tbs).map_err(at_leaf)?;
    }
    let pool: Vec<Certificate> = intermediates.iter().filter_map(|der| Certificate::from_der(der.as_ref()).ok()).collect();
    let mut closest = at_leaf(Reason::UnknownIssuer { issuer: crate::x509::DistinguishedName::from_der_unchecked(parsed.tbs.issuer) });
    let mut budget = query.budget;
    for signing in pool.iter().chain(anchors).filter(|signing| names_issuer(&parsed.tbs, signing)) {
        let found = CaPath::find_within(signing, &pool, anchors, crypto, query.now, &mut budget);
        match found.and_then(|path| path.validate_below(&parsed, crypto, query.now).map(|()| path)) {
            Ok(path) => {
                let leaf = Certificate::from_der(leaf).map_err(|e| Rejection::whole(Reason::Malformed(e)))?;
                return Ok(ValidatedPath { certificates: core::iter::once(leaf).chain(path.certificates().iter().cloned()).collect() });
            }
            Err(rejection) => closest = rejection,
        }
    }
    Err(closest)
}

impl CaPath {
    /// Would a leaf that `signing` signs be accepted? With `would_be`, a leaf with this SPIFFE ID, by the name constraints too.
    ///
    /// # Errors
    /// Why not.
    pub fn judge(
        signing: &Certificate,
        intermediates: &[Certificate],
        anchors: &[Certificate],
        crypto: &Crypto,
        query: &PathQuery<'_>,
        would_be: Option<&SpiffeId>,
    ) -> Result<Self, Rejection> {
        let mut budget = query.budget;
        let path = Self::find_within(signing, intermediates, anchors, crypto, query.now, &mut budget)?;
        match would_be {
            Some(id) => path.check_uri(id.as_str()).map(|()| path).map_err(Rejection::whole),
            None => Ok(path),
        }
    }
}
