//! SPIFFE IDs and trust domains (SPIFFE-ID standard, 2026-07).
//!
//! A value of these types is valid by construction. Nothing is normalised: a text that would have to be changed to be
//! valid (upper case, a trailing slash, percent-encoding) is refused, since two readers that disagree on it are an
//! attack.

mod error;
mod id;
mod syntax;
mod trust_domain;

pub use error::{SpiffeIdError, SpiffeIdErrorKind};
pub use id::{SpiffeId, SpiffeIdRef};
pub use trust_domain::{TrustDomain, TrustDomainRef};

/// The longest SPIFFE ID, in bytes (SPIFFE-ID §2.3).
pub const MAX_ID_BYTES: usize = 2048;

/// The longest trust domain name, in bytes (SPIFFE-ID §2.3, after RFC 3986's host).
pub const MAX_TRUST_DOMAIN_BYTES: usize = 255;
