//! Certificate signing requests (PKCS#10, RFC 2986): read strictly, and used for two things only: the public key, and
//! the proof that the asker holds its private half.
//!
//! What a request asks for beyond that is remembered so that a contradiction can be refused; it never becomes part of a
//! certificate.

mod error;
mod make;
mod parse;

pub use error::CsrError;
pub(crate) use parse::EXTENSION_REQUESTS;
pub use parse::{Csr, ProvenRequest};
