//! Trust bundles: the CA certificates of one trust domain ([`Bundle`]), or of several ([`BundleMap`]), and their
//! renderings (SPIFFE Trust Domain and Bundle, 2026-07).
//!
//! A [`Bundle`] in memory holds only CA certificates, and is empty only when somebody said so. Documents of others are
//! read with the standard's rule that an entry one cannot use is ignored, and nothing is ignored silently: reading
//! answers with every [`Ignored`] entry and why. [`Bundle::supersedes`] keeps a consumer from going back.
//!
//! Where the standards leave something open, `docs/decisions.md` says what is done here.

mod authority;
mod entry;
pub(crate) mod error;
pub(crate) mod jwk;
mod jwt;
mod limits;
mod map;
mod pem;
pub(crate) mod raw;
pub(crate) mod raw_jwk;
mod read;
mod set;
mod supersede;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod write;

pub use authority::NotAnAuthority;
pub use error::{BundleError, Ignored, IgnoredReason};
pub use jwt::JwtAuthority;
pub use limits::Limits;
pub use map::BundleMap;
pub use read::MAX_REFRESH_HINT;
pub use set::{Bundle, NewBundle};
pub use supersede::{Change, Rollback};
