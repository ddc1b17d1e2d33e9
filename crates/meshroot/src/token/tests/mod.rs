#![allow(clippy::arithmetic_side_effects, reason = "the numbers are those written here")]

mod claims;
mod clusters;
mod header;
mod hostile;
mod key_sets;
mod outside;
