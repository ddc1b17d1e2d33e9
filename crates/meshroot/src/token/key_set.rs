use core::fmt;
use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;

use super::algorithm::JwsAlgorithm;
use crate::bundle::error::shown;
use crate::bundle::jwk::PublicJwk;
use crate::bundle::raw::read_bundle;
use crate::bundle::raw_jwk::{Member, RawJwk};
use crate::bundle::{BundleError, IgnoredReason, Limits};
use crate::key::{Crypto, KeyAlgorithm, KeyError, PublicKey};

/// API servers publish a handful of keys; a document of more is none of theirs.
const LIMITS: Limits = Limits { max_bytes: 256 * 1024, max_keys: 64, max_trust_domains: 1 };

/// The public keys with which one cluster's API servers sign service account tokens: the document that they serve at
/// `/openid/v1/jwks` (RFC 7517 §5). Clones share the keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet {
    pub(super) keys: Arc<[VerificationKey]>,
}

/// A key of a set. Its algorithm follows from its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VerificationKey {
    /// What the set calls it.
    pub(super) kid: Option<Box<str>>,
    /// What Kubernetes calls it in tokens, unless an external signer does otherwise: the SHA-256 of its SubjectPublicKeyInfo. It is
    /// also the same for the same key wherever it comes from.
    pub(super) digest: Box<str>,
    pub(super) algorithm: JwsAlgorithm,
    pub(super) key: PublicKey,
}

impl KeySet {
    /// Reads a key set. Keys that cannot be used are ignored one by one, and told (RFC 7517 §5: an unknown kind of key is no reason to
    /// lose the others).
    ///
    /// An empty set is no error here. Whoever refreshes a set that had keys should keep the old one and say so.
    ///
    /// # Errors
    /// The text is not one JSON object with an array `keys`, has a member twice, or exceeds a limit: 256 KiB, 64 keys.
    pub fn from_jwks(json: &[u8], crypto: &Crypto) -> Result<(Self, Vec<IgnoredKey>), KeySetError> {
        // A SPIFFE bundle is a JWK set with two more members, so its reader does.
        let raw = read_bundle(json, &LIMITS).map_err(unreadable)?;
        let (mut keys, mut ignored) = (Vec::new(), Vec::new());
        for (index, jwk) in raw.keys.iter().enumerate() {
            match usable(jwk, crypto) {
                Ok(key) if keys.contains(&key) => {}
                Ok(key) => keys.push(key),
                Err(reason) => ignored.push(IgnoredKey { index, kid: jwk.text("kid").ok().map(shown), reason }),
            }
        }
        Ok((Self { keys: keys.into() }, ignored))
    }

    /// Whether no key is in it, so that no token passes.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// The keys' digests (base64url of the SHA-256 of the SubjectPublicKeyInfo; Kubernetes' own key IDs), kinds, and key IDs in the set.
    pub fn keys(&self) -> impl Iterator<Item = (&str, KeyAlgorithm, Option<&str>)> {
        self.keys.iter().map(|key| (&*key.digest, key.key.algorithm(), key.kid.as_deref()))
    }

    /// What became different from `older` to this set, for the log of a refresh.
    pub fn changes_since(&self, older: &Self) -> KeyChanges {
        let missing_in = |there: &Self, here: &Self| {
            let there: Vec<_> = there.keys.iter().map(|key| &key.digest).collect();
            here.keys.iter().filter(|key| !there.contains(&&key.digest)).map(|key| key.digest.to_string()).collect()
        };
        KeyChanges { added: missing_in(older, self), removed: missing_in(self, older) }
    }

    /// This set with the keys of `other` behind its own: while API servers that were restarted one by one serve different sets, or
    /// while tokens of a key that left the document have to stay good.
    #[must_use]
    pub fn joined_with(&self, other: &Self) -> Self {
        let mut keys = self.keys.to_vec();
        keys.extend(other.keys.iter().filter(|key| !self.keys.contains(key)).cloned());
        Self { keys: keys.into() }
    }
}

/// What a refresh brought: the digests of keys, as [`KeySet::keys`] gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyChanges {
    /// Keys that are new.
    pub added: Vec<String>,
    /// Keys that are gone: their tokens are refused from now on.
    pub removed: Vec<String>,
}

impl KeyChanges {
    /// Whether both sets have the same keys.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

fn usable(jwk: &RawJwk, crypto: &Crypto) -> Result<VerificationKey, IgnoredKeyReason> {
    if let Some(name) = &jwk.duplicate {
        return Err(IgnoredReason::DuplicateMember(name.clone()).into());
    }
    // RFC 7517 §4.2, §4.3: absent, they allow everything.
    if jwk.has("use") && jwk.text("use")? != "sig" {
        return Err(IgnoredKeyReason::NotForSignatures);
    }
    match jwk.members.get("key_ops") {
        None | Some(Member::Null) => {}
        Some(Member::First(first)) if matches!(&**first, Member::Text(operation) if operation == "verify") => {}
        Some(_) => return Err(IgnoredKeyReason::NotForSignatures),
    }
    let key = PublicJwk::read(jwk)?.public_key()?;
    crypto.check_public_key(&key)?;
    let algorithm = JwsAlgorithm::of(key.algorithm()).ok_or(IgnoredKeyReason::NotOfKubernetes(key.algorithm()))?;
    if jwk.has("alg") && jwk.text("alg")? != algorithm.as_str() {
        return Err(IgnoredKeyReason::OtherAlgorithm { found: shown(jwk.text("alg")?), needed: algorithm.as_str() });
    }
    let kid = if jwk.has("kid") { Some(jwk.text("kid")?).filter(|kid| !kid.is_empty()).map(Box::from) } else { None };
    let digest = BASE64URL.encode(crypto.sha256(key.spki_der())).into();
    Ok(VerificationKey { kid, digest, algorithm, key })
}

/// Why a document is no key set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// The document is longer than the limit.
    #[error("the key set has {found} bytes: more than {limit} are not read")]
    TooLarge {
        /// Bytes found.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// More keys than the limit.
    #[error("the key set has more than {limit} keys")]
    TooManyKeys {
        /// The limit.
        limit: usize,
    },
    /// It is no JSON object with an array `keys`.
    #[error("not a JSON Web Key Set (RFC 7517 §5): {reason}")]
    Malformed {
        /// What is wrong, and where.
        reason: String,
    },
}

impl KeySetError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "token.keys.too_large",
            Self::TooManyKeys { .. } => "token.keys.too_many",
            Self::Malformed { .. } => "token.keys.malformed",
        }
    }
}

fn unreadable(e: BundleError) -> KeySetError {
    match e {
        BundleError::TooLarge { found, limit } => KeySetError::TooLarge { found, limit },
        BundleError::TooManyKeys { limit } => KeySetError::TooManyKeys { limit },
        BundleError::Malformed { line, column, reason } => KeySetError::Malformed { reason: format!("line {line}, column {column}: {reason}") },
        other => KeySetError::Malformed { reason: other.to_string() },
    }
}

/// A key of a set that is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoredKey {
    /// Its place in `keys`, from 0.
    pub index: usize,
    /// Its key ID, shortened.
    pub kid: Option<String>,
    /// Why.
    pub reason: IgnoredKeyReason,
}

impl fmt::Display for IgnoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kid {
            Some(kid) => write!(f, "keys[{}] ('{kid}'): {}", self.index, self.reason),
            None => write!(f, "keys[{}]: {}", self.index, self.reason),
        }
    }
}

/// Why a key of a set is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IgnoredKeyReason {
    /// The entry is malformed, of an unknown kind, or a private key.
    #[error(transparent)]
    Entry(#[from] IgnoredReason),
    /// The key is weak or broken.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// `use` or `key_ops` say that it verifies no signatures.
    #[error("it is not for verifying signatures ('use' is not sig, or 'key_ops' does not begin with verify)")]
    NotForSignatures,
    /// Kubernetes has no algorithm for this kind of key.
    #[error("Kubernetes signs no tokens with {0} keys")]
    NotOfKubernetes(KeyAlgorithm),
    /// `alg` is not the one that Kubernetes uses with such a key.
    #[error("its algorithm is '{found}', and Kubernetes signs with {needed} when it has such a key")]
    OtherAlgorithm {
        /// `alg`, shortened.
        found: String,
        /// The only one that is accepted.
        needed: &'static str,
    },
}

impl IgnoredKeyReason {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Entry(e) => e.code(),
            Self::Key(e) => e.code(),
            Self::NotForSignatures => "token.key.not_for_signatures",
            Self::NotOfKubernetes(_) => "token.key.not_of_kubernetes",
            Self::OtherAlgorithm { .. } => "token.key.other_algorithm",
        }
    }
}

/// The keys by digest, for finding one in several sets.
pub(super) fn digests<'a>(sets: impl Iterator<Item = (usize, &'a KeySet)>) -> BTreeMap<&'a str, Vec<usize>> {
    let mut found: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (owner, set) in sets {
        for key in set.keys.iter() {
            found.entry(&key.digest).or_default().push(owner);
        }
    }
    found
}
