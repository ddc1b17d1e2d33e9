use std::collections::HashMap;

use crate::bundle::BundleMap;
use crate::key::{Crypto, PublicKey};
use crate::revocation::{CrlSet, VerifiedCrls};
use crate::spiffe::{SpiffeId, TrustDomain};
use crate::time::Timestamp;
use crate::x509::Certificate;
use crate::x509::wire::CertRef;

use super::path::CaPath;
use super::pool::Pool;
use super::reason::{Reason, Rejection};
use super::rules::{check_svid, in_time, reject};
use super::search::{Below, Ground, Search};
use super::{PathQuery, Purpose, Rules};

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
/// verification. Links hold only for the very anchors they were verified against; a changed bundle starts afresh. The
/// signatures of CRLs are remembered as well; what they say is asked anew each time.
#[derive(Clone, Debug, Default)]
pub struct CaLinks {
    /// By digest of the bundle's anchors, and of the signing CA.
    paths: HashMap<([u8; 32], [u8; 32]), CaPath>,
    crls: VerifiedCrls,
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
        let (leaf, others) = chain.split_first().ok_or_else(|| Rejection::whole(Reason::EmptyChain))?;
        let leaf = CertRef::parse(leaf.as_ref()).map_err(|e| Rejection::whole(Reason::from(e)))?;
        let at_leaf = |reason| reject(0, &leaf.tbs, reason);

        let id = check_svid(&leaf.tbs, &Rules::spiffe()).map_err(at_leaf)?;
        in_time(&leaf.tbs, now).map_err(at_leaf)?;
        PublicKey::algorithm_of(leaf.tbs.spki).map_err(|e| at_leaf(Reason::Key(e)))?;

        let unknown = || Rejection::whole(Reason::UnknownTrustDomain(id.trust_domain().to_owned()));
        let bundle = self.bundles.get(id.trust_domain()).ok_or_else(unknown)?;
        let anchors = bundle.x509_authorities();
        if anchors.is_empty() {
            return Err(Rejection::whole(Reason::EmptyBundle(id.trust_domain().to_owned())));
        }
        let digest = self.digests.get(bundle.trust_domain()).copied().unwrap_or_default();

        let path = match self.remembered(&leaf, others, digest, crls, now, links) {
            Some(path) => path,
            None => {
                let query = PathQuery::new(now).purpose(Purpose::Both).crls(crls);
                let pool = Pool::read(others)?;
                let ground = Ground { pool: &pool, anchors, crypto: &self.crypto, query: &query };
                let below = Below::leaf(&leaf).map_err(at_leaf)?;
                let path = Search::new(ground, below, &mut links.crls).run().map_err(|rejection| pool.explain(rejection))?;
                links.remember((digest, self.crypto.sha256(path.signing().map_or(&[], Certificate::der))), path.clone());
                path
            }
        };
        let not_after = leaf.tbs.validity.not_after.min(path.validity().not_after);
        Ok(ValidatedSvid { id: id.to_owned(), path, not_after })
    }

    /// A path that an earlier leaf paid for, and that holds for this one.
    fn remembered(
        &self,
        leaf: &CertRef<'_>,
        others: &[impl AsRef<[u8]>],
        digest: [u8; 32],
        crls: &CrlSet,
        now: Timestamp,
        links: &mut CaLinks,
    ) -> Option<CaPath> {
        for der in others {
            let key = (digest, self.crypto.sha256(der.as_ref()));
            let Some(path) = links.paths.get(&key) else { continue };
            if path.validate_below(leaf, &self.crypto, now).is_ok() && path.check_revocation(leaf, crls, &self.crypto, now, &mut links.crls).is_ok() {
                return Some(path.clone());
            }
        }
        None
    }
}
