//! Handshakes in memory between two of our configurations, at a chosen time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed expectation is what a test is for, in its helpers too")]
#![allow(clippy::result_large_err, reason = "the errors of rustls, a few dozen of them")]

mod any_client;
mod bundles;
mod credentials;
mod folder;
mod mesh;
mod peers;
mod shake;
mod speaking;
mod time;
