//! Certificates as values: what RFC 5280 calls them, read strictly, kept byte for byte.
//!
//! [`Certificate`] is *parsed*, no more: it may be expired, unsigned by anyone we know, or break every profile. Whether
//! it is well made is the business of [`lint`](crate::lint), whether to trust it that of [`verify`](crate::verify).

mod certificate;
pub(crate) mod encode;
mod error;
pub(crate) mod extension;
mod name;
pub(crate) mod reader;
mod serial;
pub(crate) mod wire;

pub use certificate::Certificate;
pub(crate) use certificate::signature_algorithm;
pub use error::CertificateError;
pub use extension::{AltNames, BasicConstraints, ExtendedKeyUsage, KeyUsage};
pub use name::DistinguishedName;
pub use serial::SerialNumber;
