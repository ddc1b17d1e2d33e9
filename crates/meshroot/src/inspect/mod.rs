//! Says in words what a file holds, and everything that is wrong with it by SPIFFE and RFC 5280.
//!
//! [`inspect`] takes bytes of any origin and recognises them by their content: certificates, chains, requests, keys, CRLs
//! (PEM or DER), SPIFFE bundles and bundle maps, Kubernetes Secrets, unlock files. It describes what this library would
//! refuse to work with, too: a key that is too short or an expired root is what people want to be told about.
//!
//! Nothing of a private key or an unlock secret ever becomes part of a description.

mod certificate;
mod chain;
mod constraints;
mod context;
mod crl;
mod der_item;
mod error;
mod item;
mod json;
mod keys;
mod manifest;
mod pem;
mod private;
mod request;
mod sniff;
#[cfg(all(test, feature = "ring"))]
mod tests;
mod words;

pub use error::InspectError;
pub use item::{Field, Item, Kind};

use context::Context;
use sniff::Look;

use crate::key::Crypto;
use crate::time::Timestamp;

/// Bytes of the longest input that is looked at.
pub const MAX_INSPECTED: usize = crate::pem::MAX_PEM_BYTES;

/// Describes all that the bytes hold, in their order; a chain, bundle or Secret comes before its members.
///
/// `name` is what the source is called, like a file's name; errors begin with it. The validity of certificates is judged
/// at `now`. The work is bounded: after some hundred signatures and keys the rest is described without arithmetic, and
/// the description says so. Encrypted keys are not opened.
///
/// # Errors
/// Nothing in it can be described: it is of no kind that is known, or broken. A broken part among good ones is an item
/// with a problem instead.
pub fn inspect(bytes: &[u8], name: &str, crypto: &Crypto, now: Timestamp) -> Result<Vec<Item>, InspectError> {
    let context = Context::new(crypto, now);
    let named = |reason| InspectError::new(name, reason);
    if bytes.len() > MAX_INSPECTED {
        return Err(named(error::Reason::TooLarge(bytes.len())));
    }
    match sniff::look(bytes) {
        Look::Unlock => der_item::unlock_file(bytes).map(|item| vec![item]),
        Look::Json => json::items(bytes, &context),
        Look::Manifest => manifest::items(bytes, &context),
        Look::Pem => pem::items(bytes, &context),
        Look::Der(kind) => der_item::describe(bytes, kind, &context).map(|item| vec![item]).map_err(error::Reason::Broken),
        Look::Other(looks_like) => Err(error::Reason::Unknown(looks_like)),
    }
    .map_err(named)
}
