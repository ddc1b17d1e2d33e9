//! Strict path validation: RFC 5280 §6 and the rules of X.509-SVIDs, with a typed reason for every refusal.
//!
//! ```text
//! leaf ── signed by ──> cluster CA ── signed by ──> an anchor of the leaf's own trust domain's bundle
//! ```
//!
//! A [`CaPath`] is the part above the leaf, verified once; a caller who keeps it (or a [`CaLinks`]) pays one signature
//! verification for each further leaf. Validity is judged at the caller's `now` every time, to the second.
//!
//! [`Validator`] judges X.509-SVIDs against bundles, [`validate_path`] any leaf against anchors, and [`CaPath::judge`] a CA
//! without a leaf. All three are one search: depth first from the leaf, each link judged as it is made (signature, the
//! issuer's own rules, path length, names, revocation), key identifiers and the spelling of names only deciding what is
//! tried first. [`Rules`] are its switches, a [`Budget`] bounds its work, and a [`Rejection`] tells of the failure that came
//! closest. What was decided where RFC 5280 or the vectors leave a choice stands in `docs/decisions.md` of this crate.

mod leaf;
mod names;
mod path;
mod policy;
mod pool;
mod query;
mod reason;
mod revoked;
mod rules;
mod rules_value;
mod search;
mod svid;
#[cfg(test)]
mod tests;
mod validate;
pub mod views;
mod work;

pub use path::CaPath;
pub use query::{Budget, PathQuery, PolicyInputs, Purpose};
pub use reason::{CertificateAt, Reason, Rejection};
pub use rules_value::Rules;
pub use svid::{CaLinks, ValidatedSvid, Validator};
pub use validate::{ValidatedPath, validate_path};

/// Certificates in a path, the leaf and the anchor included. Real ones have two to four; more than this is an attack.
const MAX_PATH: usize = 16;

/// Certificates that may come with a leaf. Real chains have one to three; a pool of cross-signed CAs some dozens.
const MAX_POOL: usize = 128;
