use std::collections::HashMap;

use crate::bundle::BundleMap;
use crate::key::{Crypto, PublicKey};
use crate::revocation::CrlSet;
use crate::spiffe::{SpiffeId, TrustDomain};
use crate::time::Timestamp;
use crate::x509::Certificate;
use crate::x509::wire::CertRef;

use super::Budget;
use super::path::{CaPath, MAX_CHAIN, names_issuer};
use super::reason::{Reason, Rejection};
use super::rules::{check_svid, in_time, reject};

/// Validates X.509-SVIDs against the trust bundles of one or several trust domains.
///
/// The bundle is chosen by the leaf's own trust domain, and no other bundle ever helps (SPIFFE Federation §7.3).
#[derive(Clone, Debug)]
pub struct Validator {
    bundles: BundleMap,
    crypto: Crypto,
    /// Digest of each bundle's anchors: what a remembered link holds for.
    digests: HashMap<TrustDomain, [u8; 32]>,
}

/// A workload's validated identity. Only [`Validator`] makes one.
#[derive(Clone, Debug)]
pub struct ValidatedSvid {
    id: SpiffeId,
    path: CaPath,
    not_after: Timestamp,
}

impl ValidatedSvid {
    /// Who it is.
    pub fn id(&self) -> &SpiffeId {
        &self.id
    }

    /// The CA certificates that vouch for it: the cluster CA first, the trust anchor last.
    pub fn path(&self) -> &[Certificate] {
        self.path.certificates()
    }

    /// The last second in which the leaf and everything above it is valid.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }
}

/// CA links that were verified before, kept by the caller: with them a further leaf of the same CA costs one signature
/// verification. Links hold only for the very anchors they were verified against; a changed bundle starts afresh.
#[derive(Clone, Debug, Default)]
pub struct CaLinks {
    paths: HashMap<([u8; 32], [u8; 32]), CaPath>,
}

impl CaLinks {
    /// Far more cluster CAs than a mesh has; peers cannot make it grow beyond.
    const MOST: usize = 4096;

    /// Remembers nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many paths are remembered.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    fn remember(&mut self, key: ([u8; 32], [u8; 32]), path: CaPath) {
        if self.paths.len() >= Self::MOST {
            self.paths.clear();
        }
        self.paths.insert(key, path);
    }
}

impl Validator {
    /// A validator that trusts these bundles.
    pub fn new(bundles: &BundleMap, crypto: Crypto) -> Self {
        let digest = |anchors: &[Certificate]| {
            let all: Vec<u8> = anchors.iter().flat_map(|anchor| crypto.sha256(anchor.der())).collect();
            crypto.sha256(&all)
        };
        let digests = bundles.iter().map(|(name, bundle)| (name.clone(), digest(bundle.x509_authorities()))).collect();
        Self { bundles: bundles.clone(), crypto, digests }
    }

    /// Validates a chain: the leaf first, then intermediates in any order, each in DER. `crls` are asked about every
    /// certificate below the anchor; [`CrlSet::empty`] asks nobody.
    ///
    /// # Errors
    /// The certificate and the rule; of several failing paths, the one that came closest.
    pub fn validate(&self, chain: &[impl AsRef<[u8]>], crls: &CrlSet, now: Timestamp) -> Result<ValidatedSvid, Rejection> {
        self.validate_with(chain, crls, now, &mut CaLinks::new())
    }

    /// As [`validate`](Self::validate), with links that were verified before.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn validate_with(&self, chain: &[impl AsRef<[u8]>], crls: &CrlSet, now: Timestamp, links: &mut CaLinks) -> Result<ValidatedSvid, Rejection> {
        let _ = crls;
        let (leaf, others) = chain.split_first().ok_or_else(|| Rejection::whole(Reason::EmptyChain))?;
        if chain.len() > MAX_CHAIN {
            return Err(Rejection::whole(Reason::ChainTooLong { found: chain.len(), most: MAX_CHAIN }));
        }
        let leaf = CertRef::parse(leaf.as_ref()).map_err(|e| Rejection::whole(Reason::Malformed(e)))?;
        let at_leaf = |reason| reject(0, &leaf.tbs, reason);

        let id = check_svid(&leaf.tbs).map_err(at_leaf)?;
        in_time(&leaf.tbs, now).map_err(at_leaf)?;
        PublicKey::algorithm_of(leaf.tbs.spki).map_err(|e| at_leaf(Reason::Key(e)))?;

        let unknown = || Rejection::whole(Reason::UnknownTrustDomain(id.trust_domain().to_owned()));
        let bundle = self.bundles.get(id.trust_domain()).ok_or_else(unknown)?;
        let anchors = bundle.x509_authorities();
        if anchors.is_empty() {
            return Err(Rejection::whole(Reason::EmptyBundle(id.trust_domain().to_owned())));
        }
        let bundle_digest = self.digests.get(bundle.trust_domain()).copied().unwrap_or_default();

        let mut attempt = Attempt { validator: self, now, links, bundle_digest, anchors, others, budget: Budget::default(), closest: None };
        let path = match attempt.remembered(&leaf) {
            Some(path) => path,
            None => attempt.search(&leaf)?,
        };
        let not_after = leaf.tbs.validity.not_after.min(path.validity().not_after);
        Ok(ValidatedSvid { id: id.to_owned(), path, not_after })
    }
}

struct Attempt<'a, B> {
    validator: &'a Validator,
    now: Timestamp,
    links: &'a mut CaLinks,
    bundle_digest: [u8; 32],
    anchors: &'a [Certificate],
    others: &'a [B],
    budget: Budget,
    closest: Option<Rejection>,
}

impl<B: AsRef<[u8]>> Attempt<'_, B> {
    /// A path that an earlier leaf paid for.
    fn remembered(&mut self, leaf: &CertRef<'_>) -> Option<CaPath> {
        for der in self.others {
            let key = (self.bundle_digest, self.validator.crypto.sha256(der.as_ref()));
            let Some(path) = self.links.paths.get(&key) else { continue };
            if path.validate_below(leaf, &self.validator.crypto, self.now).is_ok() {
                return Some(path.clone());
            }
        }
        None
    }

    /// Tries every CA that may have signed the leaf: the chain's own first, as the peer sent it, then the anchors.
    fn search(&mut self, leaf: &CertRef<'_>) -> Result<CaPath, Rejection> {
        let mut intermediates = Vec::with_capacity(self.others.len());
        for der in self.others {
            match Certificate::from_der(der.as_ref()) {
                Ok(certificate) => intermediates.push(certificate),
                // A key we refuse makes a CA useless, not the message unreadable: other paths may exist without it.
                Err(e @ crate::x509::CertificateError::Key(_)) => self.failed(Rejection { certificate: None, reason: Reason::Malformed(e) }),
                Err(e) => return Err(Rejection::whole(Reason::Malformed(e))),
            }
        }
        let crypto = self.validator.crypto.clone();
        for signing in intermediates.iter().chain(self.anchors) {
            if !names_issuer(&leaf.tbs, signing) {
                continue;
            }
            let found = CaPath::find_within(signing, &intermediates, self.anchors, &crypto, self.now, &mut self.budget);
            match found.and_then(|path| path.validate_below(leaf, &crypto, self.now).map(|()| path)) {
                Ok(path) => {
                    self.links.remember((self.bundle_digest, crypto.sha256(signing.der())), path.clone());
                    return Ok(path);
                }
                Err(rejection) => self.failed(rejection),
            }
        }
        Err(self.closest.take().unwrap_or_else(|| {
            let issuer = crate::x509::DistinguishedName::from_der_unchecked(leaf.tbs.issuer);
            reject(0, &leaf.tbs, Reason::UnknownIssuer { issuer })
        }))
    }

    /// Keeps the failure that came farthest up the path.
    fn failed(&mut self, rejection: Rejection) {
        let height = |r: &Rejection| r.certificate.as_ref().map_or(0, |at| at.position);
        if self.closest.as_ref().is_none_or(|held| height(&rejection) > height(held)) {
            self.closest = Some(rejection);
        }
    }
}
