//! For tests only: what several crates' tests need, and the conformance runner.
//!
//! ```text
//! cargo run --release -p meshroot-testkit --bin conformance -- spiffe-id|bundle|x509-svid|limbo FILE
//! ```
#![forbid(unsafe_code)]

pub mod conformance;
pub mod entropy;
pub mod kubernetes;
pub mod vectors;
