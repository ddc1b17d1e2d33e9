//! The cases, by what is odd in them.

mod algorithms;
mod encoding;
mod extensions;
mod names;
mod paths;
mod revocation;
mod spiffe;
mod usage;
mod validity;

use super::Case;
use super::case::with;

/// Every case.
pub fn all() -> Vec<Case> {
    let mut cases = vec![with("good", |_| {})];
    for theme in [
        names::cases,
        usage::cases,
        algorithms::cases,
        spiffe::cases,
        validity::cases,
        extensions::cases,
        paths::cases,
        revocation::cases,
        encoding::cases,
    ] {
        cases.extend(theme());
    }
    let mut names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).for_each(|two| assert_ne!(two[0], two[1], "two cases have one name"));
    cases
}
