use crate::key::{Crypto, PublicKey};
use crate::revocation::VerifiedCrls;
use crate::time::Timestamp;
use crate::x509::Certificate;
use crate::x509::wire::CertRef;

use super::PathQuery;
use super::pool::Pool;
use super::reason::{Reason, Rejection};
use super::rules::{check_leaf, check_svid, in_time, reject};
use super::search::{Below, Ground, Search};

/// A path that was validated: the leaf first, the anchor last. Only [`validate_path`] makes one.
#[derive(Clone, Debug)]
pub struct ValidatedPath {
    certificates: Vec<Certificate>,
    not_after: Timestamp,
}

impl ValidatedPath {
    /// The leaf first, the anchor last.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The last second in which all of them are valid.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// The certificate that expires first.
    pub fn first_to_expire(&self) -> Option<&Certificate> {
        self.certificates.iter().min_by_key(|certificate| certificate.validity().not_after)
    }

    /// Positions of certificates whose authorityKeyIdentifier names another key than the one that signed them: the path
    /// holds, and verifiers that take the hint for more (OpenSSL) do not find it.
    pub fn misleading_hints(&self) -> impl Iterator<Item = usize> {
        let links = self.certificates.iter().zip(self.certificates.iter().skip(1)).enumerate();
        links.filter_map(|(position, (child, issuer))| {
            let (authority, subject) = (child.authority_key_id()?, issuer.subject_key_id()?);
            (authority != subject).then_some(position)
        })
    }
}

/// Validates any leaf, a TLS server's too: RFC 5280 §6.1, as the query's rules have it. `intermediates` may stand in any
/// order, be of no use, repeat each other or the anchor. The names of peers are not compared.
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
    let parsed = CertRef::parse(leaf).map_err(|e| Rejection::whole(Reason::from(e)))?;
    let at_leaf = |reason| reject(0, &parsed.tbs, reason);
    if query.rules.svid {
        check_svid(&parsed.tbs, &query.rules).map_err(at_leaf)?;
    } else {
        check_leaf(&parsed.tbs, &query.rules, query.purpose).map_err(at_leaf)?;
    }
    in_time(&parsed.tbs, query.now).map_err(at_leaf)?;
    PublicKey::algorithm_of(parsed.tbs.spki).map_err(|e| at_leaf(Reason::Key(e)))?;

    let pool = Pool::read(intermediates)?;
    let below = Below::leaf(&parsed).map_err(at_leaf)?;
    let path = Search::new(Ground { pool: &pool, anchors, crypto, query }, below, &mut VerifiedCrls::new())
        .run()
        .map_err(|rejection| pool.explain(rejection))?;
    let not_after = parsed.tbs.validity.not_after.min(path.validity().not_after);
    let leaf = Certificate::from_der(leaf).map_err(|e| Rejection::whole(Reason::from(e)))?;
    Ok(ValidatedPath { certificates: core::iter::once(leaf).chain(path.certificates().iter().cloned()).collect(), not_after })
}
