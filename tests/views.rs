//! As others see it, the part that needs no other program: rustls-webpki on every case of the corpus, and our views of
//! all the others beside what was observed of them (`views_real.rs` observes them anew).
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use meshroot::verify::Rules;
use meshroot::verify::views::differences;
use meshroot_tests::views::observed::{self, Table, compare, word};
use meshroot_tests::views::ours::Asked;
use meshroot_tests::views::{Case, corpus, rustls};

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

/// What one case has to say.
#[derive(Default)]
struct Seen {
    wrong: Vec<String>,
    not_asked: Vec<String>,
    shown: BTreeSet<&'static str>,
    /// Verdicts that we cannot say, as `case implementation`.
    silent: Vec<String>,
    symptoms: usize,
    /// Symptoms that were not what was seen.
    other_words: Vec<String>,
}

impl Seen {
    fn of(case: &Case, rules: Rules, observed: &BTreeMap<String, String>) -> Self {
        let mut seen = Self::default();
        let Ok(asked) = Asked::read(case) else {
            seen.not_asked.push(case.name.clone());
            return seen;
        };
        let ours = asked.ours(rules);
        for view in asked.views(rules) {
            let Some(real) = observed.get(view.implementation.as_str()) else { continue };
            let said = view.verdict.accepts();
            if said.is_some_and(|accepts| accepts != (real == "accept")) {
                seen.wrong.push(format!("{}: we think: {view}\n    and it said: {real}\n    ours: {ours:?}", case.name));
            }
            if said != Some(ours.is_ok()) && view.because.is_empty() {
                seen.wrong.push(format!("{}: {view}\n    and nothing says why; ours: {ours:?}", case.name));
            }
            if said.is_none() {
                seen.silent.push(format!("{} {}", case.name, view.implementation.as_str()));
            }
            if let Some(symptom) = view.symptom() {
                seen.symptoms += 1;
                // What stands between Envoy's `TLS_error:|` and the error itself is what BoringSSL tried before.
                if !real.contains(symptom.trim_start_matches("TLS_error:|")) {
                    seen.other_words.push(format!("{} {}\n    we: {symptom}\n    it: {real}", case.name, view.implementation.as_str()));
                }
            }
            seen.shown.extend(view.because.iter().map(|difference| difference.code));
        }
        seen
    }

    fn add(&mut self, other: Self) {
        self.wrong.extend(other.wrong);
        self.not_asked.extend(other.not_asked);
        self.shown.extend(other.shown);
        self.silent.extend(other.silent);
        self.symptoms += other.symptoms;
        self.other_words.extend(other.other_words);
    }
}

#[test]
fn every_view_is_what_the_real_validator_said_and_says_why_it_differs_from_ours() {
    let (observed, cases) = (observed::read(), corpus::all());
    let one = |case: &Case| {
        let row = observed.get(&case.name).unwrap_or_else(|| panic!("{} was never observed: tests/interop.sh with MESHROOT_RECORD=1", case.name));
        let mut seen = Seen::of(case, Rules::spiffe(), row);
        // Beside rules for any certificate, too, where X.509-SVIDs have none.
        if case.name.starts_with("name_constraint.") {
            seen.add(Seen::of(case, Rules::pkix(), row));
        }
        seen
    };
    let mut all = Seen::default();
    // Half of them on each of two threads: the deep paths take most of the time.
    std::thread::scope(|scope| {
        let (one, cases) = (&one, &cases);
        let half = |first| {
            scope.spawn(move || {
                cases.iter().skip(first).step_by(2).map(one).fold(Seen::default(), |mut all, seen| {
                    all.add(seen);
                    all
                })
            })
        };
        let halves = [half(0), half(1)];
        halves.into_iter().for_each(|half| all.add(half.join().unwrap()));
    });
    all.not_asked.sort();
    assert!(all.wrong.is_empty(), "{} wrong views:\n{}", all.wrong.len(), all.wrong.join("\n"));
    let never: Vec<&str> = differences().iter().map(|difference| difference.code).filter(|code| !all.shown.contains(code)).collect();
    assert!(never.is_empty(), "no case shows {never:?}");
    assert_eq!(all.not_asked, NOT_ASKED);
    println!("{} symptoms, {} in other words: {}", all.symptoms, all.other_words.len(), all.other_words.join("\n"));
    // Where we cannot say, the real one mostly accepts; a view that says nothing is a last resort.
    let refused = all.silent.iter().filter(|one| one.split_once(' ').is_some_and(|(case, who)| observed[case][who] != "accept"));
    println!("{} verdicts that we cannot say: {:#?}", all.silent.len(), all.silent);
    let refused = refused.count();
    println!("{refused} of them refused");
    assert!(all.silent.len() <= 75 && refused <= 35, "{:#?}", all.silent);
}
