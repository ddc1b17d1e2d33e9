#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod bundle;
pub mod csr;
pub mod doctor;
mod hex;
pub mod hierarchy;
pub mod inspect;
pub mod issue;
pub mod istio;
pub mod key;
pub mod lint;
pub mod pem;
pub mod policy;
pub mod profile;
pub mod revocation;
pub mod spiffe;
pub mod time;
pub mod token;
pub mod verify;
pub mod x509;
