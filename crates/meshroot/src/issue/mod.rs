//! Issuing certificates, in steps that each have a type:
//!
//! ```text
//! Csr ──prove──> ProvenRequest ──policy──> Authorized ──prepare──> LintedTbs ──sign, complete──> Issued
//! ```
//!
//! The identity comes from whoever authorized the request, never from the request. Only what the linter passed is
//! signed, and nothing is returned that does not validate, as a path, against the trust bundle.

mod authorized;
mod error;
mod issued;
mod issuer;
mod linted_tbs;
mod tbs;

pub use authorized::Authorized;
pub(crate) use authorized::is_dns_name;
pub use error::{Denial, IssueError};
pub use issued::{Issued, LifetimeCut};
pub use issuer::{Issuer, self_sign};
pub use linted_tbs::LintedTbs;
