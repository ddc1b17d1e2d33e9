//! Differential fuzzing: the same small PKI is judged by us and by another validator, and every disagreement has to be
//! an allowed difference with a name, or it is a finding.
//!
//! A disagreement is judged again on the very path that the accepting side found, so that the refusing side's reason is
//! about that path and about no other attempt. What is allowed is then decided from that reason and from what stands in
//! the certificates of that path ([`Features`](features::Features)), never from the reason's kind alone where the other
//! side checks the same rule.

mod blueprint;
mod crl;
mod der;
mod difference;
mod edits;
mod features;
mod form;
mod keys;
mod names;
mod openssl;
mod ours;
mod report;
mod webpki;
mod world;

pub use openssl::{compare_openssl, differential_openssl};
pub use report::Outcome;
pub use webpki::{compare_webpki, differential_webpki};

/// How many edits there are.
pub const EDITS: usize = edits::EDITS.len();

/// An input for each edit, named after it: made to the upper of two CAs below the root, with a CRL of every CA. And those for rules that
/// take another argument, or two edits, to matter.
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    let seed = |(number, name): (u8, &str)| (name.replace([' ', '\''], "-"), vec![2, 5, 2, 0x80, number, 1, 0, 0]);
    let more = MORE.iter().map(|(name, input)| ((*name).to_owned(), input.to_vec()));
    (0..).zip(edits::EDITS.iter().map(|(name, _)| *name)).map(seed).chain(more).collect()
}

const MORE: [(&str, &[u8]); 5] = [
    ("self-issued-below-path-length-0", &[1, 5, 2, 0, 17, 1, 0, 0, 1, 1, 3, 0]),
    ("outside-what-is-permitted", &[2, 5, 2, 0, 4, 1, 3, 0]),
    ("below-a-permitted-host", &[2, 5, 2, 0, 6, 3, 9, 0x80, 4, 1, 7, 0]),
    ("policy-required", &[2, 5, 2, 0, 7, 1, 2, 1]),
    ("crl-signature-broken", &[2, 5, 2, 0x80, 26, 1, 5, 0]),
];
