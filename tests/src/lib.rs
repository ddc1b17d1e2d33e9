//! What the cross-crate tests share: fixtures, one of everything that we issue, and the outside judges.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop at what they did not expect")]

pub mod exhibits;
pub mod fixtures;
pub mod judges;
pub mod views;
