//! Kubernetes service account tokens, validated offline: given the clusters' public keys and `now`, a token either names a
//! service account of exactly one cluster, or is refused with a reason.
//!
//! ```text
//! JWKS document ──KeySet::from_jwks──> KeySet ─┐
//! cluster name, issuer string ─────────────────┴─Issuers::new──> Issuers ──verify(token)──> ServiceAccountToken
//! ```
//!
//! What is accepted is what a Kubernetes API server issues (TokenRequest, projected volumes), and nothing else: a compact JWS (RFC 7515)
//! signed with RS256, ES256 or ES384 by a key that the reader was given beforehand, with an expiry, an audience, and the `kubernetes.io`
//! claims. Kubernetes can also sign with ES512 (P-521), which ring cannot verify; such keys are reported when the key set is read, and
//! such tokens are refused. Kubernetes never signs with the other algorithms of RFC 7518, so nobody here has to.
//!
//! **Which cluster** a token comes from is told by the key that verifies it. Every API server calls itself
//! `https://kubernetes.default.svc.cluster.local` unless told otherwise, so several clusters may have one issuer string; a header or claim
//! that names a cluster is never looked at. A key that two clusters have is refused for both: whoever runs one could speak for the other.
//!
//! **What offline means:** the token of a deleted pod stays good until it expires, or until it is older than
//! [`Expected::with_max_age`] allows. Nothing here asks the API server.

mod algorithm;
mod claims;
mod error;
mod expected;
mod finding;
mod issuers;
mod json;
mod jws;
mod key_set;
#[cfg(test)]
#[cfg(feature = "ring")]
mod testing;
#[cfg(test)]
#[cfg(feature = "ring")]
mod tests;

pub use claims::{BoundObject, ServiceAccountToken};
pub use error::TokenError;
pub use expected::Expected;
pub use finding::IssuerFinding;
pub use issuers::{ClusterIssuer, Issuers};
pub use key_set::{IgnoredKey, IgnoredKeyReason, KeyChanges, KeySet, KeySetError};

/// Bytes of the longest token that is read. Kubernetes makes tokens of one to two kilobytes.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// Signatures that are verified at most before a token is refused, when it does not say which key signed it.
pub const MAX_TRIALS: usize = 16;
