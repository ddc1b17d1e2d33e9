//! As others see it, the part that needs no other program: rustls-webpki on every case of the corpus, and our views of
//! all the others beside what was observed of them (`views_real.rs` observes them anew).
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use meshroot::verify::views::differences;
use meshroot_tests::views::observed::{self, Table, compare, word};
use meshroot_tests::views::seen::Seen;
use meshroot_tests::views::{corpus, document, rustls};

#[test]
fn webpki_says_what_it_said_when_it_was_observed() {
    let table: Table = corpus::all()
        .iter()
        .map(|case| {
            let ztunnel = word(&rustls::verdict(case, rustls::Unknown::Allow));
            let mut row = BTreeMap::from([("rustls".to_owned(), ztunnel)]);
            if !case.crls.is_empty() {
                row.insert("rustls_by_default".to_owned(), word(&rustls::verdict(case, rustls::Unknown::Deny)));
            }
            (case.name.clone(), row)
        })
        .collect();
    compare(&table);
}

/// Anchors or CRLs that our library does not read, so that no view of them can be asked for.
const NOT_ASKED: [&str; 3] = ["algorithm.root_rsa1024", "crl.reason_out_of_range", "crl.unreadable"];

#[test]
fn every_view_is_what_the_real_validator_said_and_says_why_it_differs_from_ours() {
    let observed = observed::read();
    let seen = Seen::all(&corpus::all(), &observed);
    assert!(seen.wrong.is_empty(), "{} wrong views:\n{}", seen.wrong.len(), seen.wrong.join("\n"));
    assert_eq!(Vec::from_iter(seen.not_asked), NOT_ASKED);

    let never: Vec<&str> = differences().iter().map(|difference| difference.code).filter(|code| !seen.shown.contains_key(code)).collect();
    assert!(never.is_empty(), "no case shows {never:?}");
    let codes: BTreeSet<&str> = differences().iter().map(|difference| difference.code).collect();
    assert_eq!(codes.len(), differences().len(), "two differences have one code");

    // A view that says nothing is a last resort, and mostly stands where the real one accepts.
    let refused = seen.silent.values().filter(|accepted| !**accepted).count();
    assert!(seen.silent.len() <= 75 && refused <= 25, "{} and {refused}: {:#?}", seen.silent.len(), seen.silent);
    // Words differ where several things are wrong at once, or in a file that is refused as a whole.
    assert!(seen.symptoms > 450 && seen.other_words.len() <= 23, "{} of {}: {}", seen.other_words.len(), seen.symptoms, seen.other_words.join("\n"));
    document::compare(&seen.shown, &observed);
}
