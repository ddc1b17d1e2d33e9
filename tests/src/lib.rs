//! What the cross-crate tests share: fixtures, one of everything that we issue, and the outside judges.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests stop at what they did not expect"
)]

pub mod der;
pub mod envoy;
pub mod exhibits;
pub mod fixtures;
pub mod handshake;
#[cfg(feature = "interop")]
pub mod istio;
pub mod judges;
pub mod mint;
pub mod postgres;
#[cfg(feature = "interop")]
pub mod replicas;
pub mod scene;
pub mod views;
