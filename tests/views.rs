//! As others see it, the part that needs no other program: rustls-webpki on every case of the corpus, and our views of
//! all the others beside what was observed of them (`views_real.rs` observes them anew).
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use meshroot::verify::views::{Verdict, differences};
use meshroot_tests::views::observed::{self, Table, compare, word};
use meshroot_tests::views::ours::Asked;
use meshroot_tests::views::{corpus, rustls};

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
    let (mut wrong, mut not_asked, mut shown, mut silent) = (vec![], vec![], BTreeSet::new(), 0);
    for case in corpus::all() {
        let Ok(asked) = Asked::read(&case) else {
            not_asked.push(case.name);
            continue;
        };
        let ours = asked.ours();
        for view in asked.views() {
            let Some(real) = observed[&case.name].get(view.implementation.as_str()) else { continue };
            match view.verdict.accepts() {
                Some(accepts) if accepts != (real == "accept") => {
                    wrong.push(format!("{}: we think: {view}\n    and it said: {real}\n    ours: {ours:?}", case.name));
                }
                None => {
                    silent += 1;
                    println!("SILENT {} {} {} {real}", case.name, view.implementation.as_str(), view.verdict.rejection().unwrap().code());
                }
                _ => {}
            }
            if view.verdict.accepts() != Some(ours.is_ok()) && view.because.is_empty() {
                wrong.push(format!("{}: {view}\n    and nothing says why; ours: {ours:?}", case.name));
            }
            if matches!(view.verdict, Verdict::CannotSay(_)) && ours.is_ok() {
                wrong.push(format!("{}: we accept, and cannot say what {} does", case.name, view.implementation));
            }
            shown.extend(view.because.iter().map(|difference| difference.code));
        }
    }
    let never: Vec<&str> = differences().iter().map(|difference| difference.code).filter(|code| !shown.contains(code)).collect();
    println!("{silent} verdicts that we cannot say");
    assert!(wrong.is_empty() && never.is_empty(), "{} wrong views:\n{}\nnever shown: {never:#?}", wrong.len(), wrong.join("\n"));
    assert_eq!(not_asked, NOT_ASKED);
}
