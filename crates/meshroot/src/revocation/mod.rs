//! Certificate revocation lists (RFC 5280 §5): read, asked, made.
//!
//! A [`Crl`] is *parsed*, no more: it may be out of date, signed by nobody we know, or of a kind that we cannot use. A
//! [`CrlSet`] answers what a set of them says of one certificate, as a [`Status`]: good, revoked, out of date, missing
//! and unusable are different answers. A [`RevocationList`] becomes a CRL when it was linted and signed.

mod crl;
mod entry;
mod error;
mod extensions;
mod issue_error;
mod linted_crl;
mod list;
mod memo;
mod number;
mod pem;
mod problem;
mod scope;
mod set;
mod status;
#[cfg(test)]
mod tests;
pub(crate) mod wire;

pub use crl::Crl;
pub use entry::{InvalidReason, RevocationReason, RevokedEntry};
pub use error::CrlError;
pub use issue_error::CrlIssueError;
pub use linted_crl::LintedCrl;
pub use list::RevocationList;
pub use memo::VerifiedCrls;
pub use number::CrlNumber;
pub use problem::CrlProblem;
pub use scope::{Scope, ScopeOf};
pub use set::{Conformance, Coverage, CrlSet, Expiry};
pub use status::{Status, Subject};

/// Bytes of the longest CRL that is read: some 400,000 entries as they usually are, 838,860 of the shortest possible.
pub const MAX_CRL_BYTES: usize = 16 << 20;
