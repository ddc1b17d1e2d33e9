//! As others see it: a corpus of odd chains, and what each real validator says to every one of them.
//!
//! [`corpus::all`] makes the cases; [`judges`](self) show each to rustls-webpki (in this process), Go's crypto/x509 and
//! go-spiffe (the Go judge), OpenSSL (its command) and BoringSSL (a real Envoy). What they answered is kept in
//! `fixtures/views/observed.json`, and compared at every run.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::type_complexity,
    reason = "certificates are put together byte by byte, and a test stops at what it did not expect"
)]

pub mod case;
pub mod cert;
pub mod corpus;
pub mod crl;
pub mod der;
pub mod envoy;
pub mod go;
pub mod keys;
pub mod observed;
pub mod openssl;
pub mod ours;
pub mod rustls;

pub use case::{Case, Role};
