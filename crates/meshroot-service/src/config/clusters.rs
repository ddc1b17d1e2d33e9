use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::Seconds;

/// Where the keys of clusters' service account tokens are fetched from, for those that are not given as files.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Discovery {
    /// Of each cluster the URL below which `/.well-known/openid-configuration` is: the issuer's, or the API server's.
    pub issuer: BTreeMap<String, String>,
    /// Of each cluster whose keys are at another host than its configuration: the URL of the key set itself.
    pub jwks: BTreeMap<String, String>,
    /// Of each cluster the file with the roots, in PEM, by which its server is known.
    pub ca: BTreeMap<String, PathBuf>,
    /// Of each cluster that wants to know who asks: the file with the token to show. API servers do.
    pub token_file: BTreeMap<String, PathBuf>,
    /// The shortest time between two looks, whatever the server says.
    pub min_refresh: Seconds,
    /// The longest; also when the server says nothing.
    pub max_refresh: Seconds,
    /// A token that names an unknown key has the keys fetched at once, but not sooner than this after the last time.
    pub unknown_key: Seconds,
    /// How long an answer may take.
    pub timeout: Seconds,
}

impl Default for Discovery {
    fn default() -> Self {
        Self {
            issuer: BTreeMap::new(),
            jwks: BTreeMap::new(),
            ca: BTreeMap::new(),
            token_file: BTreeMap::new(),
            min_refresh: Seconds::new(60),
            max_refresh: Seconds::new(3_600),
            unknown_key: Seconds::new(10),
            timeout: Seconds::new(10),
        }
    }
}

/// API servers that are asked whether a token still counts (TokenReview), after it was verified.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Review {
    /// Of each such cluster the URL of its API server.
    pub server: BTreeMap<String, String>,
    /// Of each the file with the roots, in PEM, by which it is known.
    pub ca: BTreeMap<String, PathBuf>,
    /// Of each the file with the token to show: of a service account that may create TokenReviews
    /// (`system:auth-delegator`).
    pub token_file: BTreeMap<String, PathBuf>,
    /// How long a good answer is good: so long a deleted pod's token still passes.
    pub remember: Seconds,
    /// What becomes of tokens while an API server cannot be reached.
    pub unreachable: Unreachable,
    /// How long an answer may take.
    pub timeout: Seconds,
}

/// What becomes of tokens that nobody can review.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Unreachable {
    /// They are refused, for now.
    #[default]
    Refuse,
    /// Their signature counts.
    Accept,
}

impl Default for Review {
    fn default() -> Self {
        Self {
            server: BTreeMap::new(),
            ca: BTreeMap::new(),
            token_file: BTreeMap::new(),
            remember: Seconds::new(60),
            unreachable: Unreachable::default(),
            timeout: Seconds::new(5),
        }
    }
}
