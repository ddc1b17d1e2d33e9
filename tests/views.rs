//! As others see it, the part that needs no other program: rustls-webpki on every case of the corpus.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use meshroot_tests::views::observed::{Table, compare, word};
use meshroot_tests::views::{corpus, rustls};

#[test]
fn webpki_says_what_it_said_when_it_was_observed() {
    let table: Table = corpus::all()
        .iter()
        .map(|case| {
            let ztunnel = word(&rustls::verdict(case, rustls::Unknown::Allow));
            let mut row = std::collections::BTreeMap::from([("rustls".to_owned(), ztunnel)]);
            if !case.crls.is_empty() {
                row.insert("rustls_by_default".to_owned(), word(&rustls::verdict(case, rustls::Unknown::Deny)));
            }
            (case.name.clone(), row)
        })
        .collect();
    compare(&table);
}
