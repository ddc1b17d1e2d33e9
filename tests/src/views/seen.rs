//! Our views of a case beside what was observed of the real validators.

use std::collections::{BTreeMap, BTreeSet};

use meshroot::verify::Rules;

use super::ours::Asked;
use super::{Case, observed::Table};

/// What the cases have to say about our views.
#[derive(Debug, Default)]
pub struct Seen {
    /// Views that are not what the real validator said, or that do not say why they are not ours.
    pub wrong: Vec<String>,
    /// Cases with anchors or CRLs that our library does not read.
    pub not_asked: BTreeSet<String>,
    /// Which cases show a difference, by its code, each with how many differences it takes.
    pub shown: BTreeMap<&'static str, BTreeMap<String, usize>>,
    /// Verdicts that we cannot say, as `case implementation`, and whether the real one accepted.
    pub silent: BTreeMap<String, bool>,
    /// How many refusals came with the words that a person sees.
    pub symptoms: usize,
    /// Those that were not what was seen.
    pub other_words: Vec<String>,
}

impl Seen {
    /// Every case, half of them on each of two threads: the deep paths take most of the time.
    pub fn all(cases: &[Case], observed: &Table) -> Self {
        let half = |first: usize| {
            let mut seen = Self::default();
            for case in cases.iter().skip(first).step_by(2) {
                let row = observed.get(&case.name);
                let row = row.unwrap_or_else(|| panic!("{} was never observed: run tests/interop.sh with MESHROOT_RECORD=1", case.name));
                seen.add(case, Rules::spiffe(), row);
                // Beside rules for any certificate, too, where X.509-SVIDs have none.
                if case.name.starts_with("name_constraint.") {
                    seen.add(case, Rules::pkix(), row);
                }
            }
            seen
        };
        std::thread::scope(|scope| {
            let other = scope.spawn(|| half(1));
            let mut seen = half(0);
            seen.merge(other.join().expect("the other half"));
            seen
        })
    }

    fn add(&mut self, case: &Case, rules: Rules, observed: &BTreeMap<String, String>) {
        let Ok(asked) = Asked::read(case) else {
            self.not_asked.insert(case.name.clone());
            return;
        };
        let ours = asked.ours(rules);
        for view in asked.views(rules) {
            let who = view.implementation.as_str();
            let Some(real) = observed.get(who) else { continue };
            let (said, accepted) = (view.verdict.accepts(), real == "accept");
            if said.is_some_and(|accepts| accepts != accepted) {
                self.wrong.push(format!("{}: we think: {view}\n    and it said: {real}\n    ours: {ours:?}", case.name));
            }
            if said != Some(ours.is_ok()) && view.because.is_empty() {
                self.wrong.push(format!("{}: {view}\n    and nothing says why; ours: {ours:?}", case.name));
            }
            if said.is_none() {
                self.silent.insert(format!("{} {who}", case.name), accepted);
            }
            if let Some(symptom) = view.symptom() {
                self.symptoms += 1;
                // What stands between Envoy's `TLS_error:|` and the error itself is what BoringSSL tried before.
                if !real.contains(symptom.trim_start_matches("TLS_error:|")) {
                    self.other_words.push(format!("{} {who}\n    we: {symptom}\n    it: {real}", case.name));
                }
            }
            // Where we cannot say, a difference is shown only by a real verdict that is not ours.
            if said.is_some() || accepted != ours.is_ok() {
                view.because.iter().for_each(|difference| self.show(difference.code, &case.name, view.because.len()));
            }
        }
    }

    fn show(&mut self, code: &'static str, case: &str, together: usize) {
        let held = self.shown.entry(code).or_default().entry(case.to_owned()).or_insert(together);
        *held = together.min(*held);
    }

    fn merge(&mut self, other: Self) {
        self.wrong.extend(other.wrong);
        self.not_asked.extend(other.not_asked);
        for (code, cases) in &other.shown {
            cases.iter().for_each(|(case, together)| self.show(code, case, *together));
        }
        self.silent.extend(other.silent);
        self.symptoms += other.symptoms;
        self.other_words.extend(other.other_words);
    }
}
