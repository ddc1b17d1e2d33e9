use std::collections::HashMap;

use super::claims::{judge, optional_text};
use super::finding::find;
use super::jws::Jws;
use super::key_set::{VerificationKey, digests};
use super::{Expected, IssuerFinding, KeySet, MAX_TRIALS, ServiceAccountToken, TokenError};
use crate::bundle::error::shown;
use crate::hierarchy::ClusterName;
use crate::key::Crypto;
use crate::time::Timestamp;

/// The issuer of one cluster's tokens. A cluster that changes its issuer has two for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterIssuer {
    /// Our name for the cluster.
    pub cluster: ClusterName,
    /// What the cluster calls itself: the first `--service-account-issuer` of its API servers.
    pub issuer: String,
    /// Its keys.
    pub keys: KeySet,
}

/// The issuers of all clusters, ready to verify tokens. It never changes: make a new one when a key set does
/// ([`with_keys`](Self::with_keys)), and swap it.
#[derive(Clone, Debug, Default)]
pub struct Issuers {
    clusters: Vec<ClusterIssuer>,
    keys: Vec<Known>,
    by_issuer: HashMap<String, Index>,
}

/// A key and whose it is.
#[derive(Clone, Debug)]
struct Known {
    cluster: ClusterName,
    /// All clusters that have the key; proving nothing when there are several.
    owners: Vec<ClusterName>,
    key: VerificationKey,
}

/// Where the keys of one issuer string stand in `Issuers::keys`.
#[derive(Clone, Debug, Default)]
struct Index {
    /// By the name in the key set, and by the name that Kubernetes derives from the key: people write key sets by hand.
    by_kid: HashMap<Box<str>, Vec<usize>>,
    /// Keys that their set gives no name.
    unnamed: Vec<usize>,
    all: Vec<usize>,
}

impl Issuers {
    /// All clusters together, and what is to be told about them.
    pub fn new(clusters: Vec<ClusterIssuer>) -> (Self, Vec<IssuerFinding>) {
        let owners = digests(clusters.iter().map(|cluster| &cluster.keys).enumerate());
        let mut keys: Vec<Known> = Vec::new();
        let mut by_issuer: HashMap<String, Index> = HashMap::new();
        for cluster in &clusters {
            let index = by_issuer.entry(cluster.issuer.clone()).or_default();
            for key in cluster.keys.keys.iter() {
                let at = keys.len();
                let owners = owners.get(&*key.digest).map(Vec::as_slice).unwrap_or_default();
                let mut owners: Vec<_> = owners.iter().filter_map(|owner| clusters.get(*owner)).map(|owner| owner.cluster.clone()).collect();
                owners.sort();
                owners.dedup();
                index.all.push(at);
                index.by_kid.entry(key.digest.clone()).or_default().push(at);
                match &key.kid {
                    Some(kid) if *kid != key.digest => index.by_kid.entry(kid.clone()).or_default().push(at),
                    Some(_) => {}
                    None => index.unnamed.push(at),
                }
                keys.push(Known { cluster: cluster.cluster.clone(), owners, key: key.clone() });
            }
        }
        let findings = find(&clusters);
        (Self { clusters, keys, by_issuer }, findings)
    }

    /// The clusters it was made of.
    pub fn clusters(&self) -> &[ClusterIssuer] {
        &self.clusters
    }

    /// The same with another key set for every issuer of `cluster`: the cluster's keys were rotated.
    #[must_use]
    pub fn with_keys(&self, cluster: &ClusterName, keys: &KeySet) -> (Self, Vec<IssuerFinding>) {
        let mut clusters = self.clusters.clone();
        for changed in clusters.iter_mut().filter(|issuer| issuer.cluster == *cluster) {
            changed.keys = keys.clone();
        }
        Self::new(clusters)
    }

    /// Verifies a token: a compact JWS without anything around it.
    ///
    /// The claim `iss` selects the keys; nothing else of the claims is looked at before the signature was verified. A token that names
    /// its key is verified with that key only, as Kubernetes does it, so a forged one costs nothing; one that names none costs at most
    /// [`MAX_TRIALS`] verifications.
    ///
    /// # Errors
    /// Every variant of [`TokenError`].
    pub fn verify(&self, compact: &str, expected: &Expected, crypto: &Crypto, now: Timestamp) -> Result<ServiceAccountToken, TokenError> {
        self.verify_as(compact, |_| Some(expected.clone()), crypto, now)
    }

    /// As [`verify`](Self::verify), where each cluster has its own expectations; they are asked for once the key has told the cluster.
    ///
    /// # Errors
    /// Every variant of [`TokenError`]; [`TokenError::NotExpected`] where there are none.
    pub fn verify_as(
        &self,
        compact: &str,
        expected: impl FnOnce(&ClusterName) -> Option<Expected>,
        crypto: &Crypto,
        now: Timestamp,
    ) -> Result<ServiceAccountToken, TokenError> {
        let token = Jws::parse(compact)?;
        let issuer = optional_text(&token.claims, "iss")?.ok_or(TokenError::MissingClaim("iss"))?;
        let index = self.by_issuer.get(issuer).ok_or_else(|| TokenError::UnknownIssuer { issuer: shown(issuer) })?;
        let named = match &token.kid {
            Some(kid) => index.by_kid.get(kid.as_str()).unwrap_or(&index.unnamed),
            None => &index.all,
        };
        let candidates: Vec<_> = named.iter().filter_map(|at| self.keys.get(*at)).filter(|known| known.key.algorithm == token.algorithm).collect();
        if candidates.is_empty() {
            return Err(TokenError::UnknownKey { issuer: shown(issuer), kid: token.kid.as_deref().map(shown) });
        }
        // Trying some of them would make the verdict depend on the order of the clusters.
        if candidates.len() > MAX_TRIALS {
            return Err(TokenError::TooManyKeys { candidates: candidates.len() });
        }
        let made_it = |known: &&Known| token.algorithm.verify(&known.key.key, token.message, &token.signature, crypto).is_ok();
        let known = candidates.into_iter().find(made_it).ok_or(TokenError::BadSignature)?;
        if known.owners.len() > 1 {
            return Err(TokenError::SharedKey { clusters: known.owners.clone() });
        }
        let expected = expected(&known.cluster).ok_or_else(|| TokenError::NotExpected { cluster: known.cluster.clone() })?;
        judge(known.cluster.clone(), issuer, &token.claims, &expected, now)
    }
}
