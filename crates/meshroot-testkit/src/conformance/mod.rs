//! Judges the library by vector files of others: SPIFFE IDs, trust bundles, X.509-SVIDs, paths of certificates.
//!
//! A case whose expectation the file leaves open is judged by a written decision
//! (`crates/meshroot/docs/decisions.md`), never by its name; without a decision that covers it, it fails.

mod bundle;
mod limbo;
mod spiffe_id;
mod x509_svid;

use core::fmt;
use core::str::FromStr;

use anyhow::{Context as _, bail};
use serde_json::Value;

/// A format of vector files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// SPIFFE IDs, trust domains and paths.
    SpiffeId,
    /// Bundle documents.
    Bundle,
    /// Chains of certificates.
    X509Svid,
    /// Paths of certificates, in x509-limbo's format.
    Limbo,
}

impl FromStr for Suite {
    type Err = anyhow::Error;

    fn from_str(s: &str) -> anyhow::Result<Self> {
        match s {
            "spiffe-id" => Ok(Self::SpiffeId),
            "bundle" => Ok(Self::Bundle),
            "x509-svid" => Ok(Self::X509Svid),
            "limbo" => Ok(Self::Limbo),
            other => bail!("'{other}' is no suite: write spiffe-id, bundle, x509-svid or limbo"),
        }
    }
}

/// How one case came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As expected.
    Pass,
    /// The file leaves it open or expects what another program does; this written decision covers what we do.
    Decided(&'static str),
    /// Not as expected, and why.
    Fail(String),
    /// Not judged, for this written reason.
    Skip(&'static str),
}

/// The outcome of a whole file.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Cases that came out as expected or decided.
    pub passed: usize,
    /// How many of those a written decision covers, by decision.
    pub decided: Vec<(&'static str, usize)>,
    /// Each mismatch: the case and the reason.
    pub failed: Vec<String>,
    /// Each case that was not judged: the case and the reason.
    pub skipped: Vec<String>,
    /// Every case, with how it came out.
    pub cases: Vec<String>,
    /// The last line counts what a decision covers for itself.
    decided_apart: bool,
}

impl Report {
    fn count(&mut self, case: String, verdict: Verdict) {
        self.cases.push(match &verdict {
            Verdict::Pass => format!("pass {case}"),
            Verdict::Decided(rule) => format!("decided: {rule}: {case}"),
            Verdict::Fail(reason) => format!("FAILED {case}: {reason}"),
            Verdict::Skip(reason) => format!("skipped {case}: {reason}"),
        });
        match verdict {
            Verdict::Pass => self.passed = self.passed.saturating_add(1),
            Verdict::Decided(rule) => {
                self.passed = self.passed.saturating_add(1);
                match self.decided.iter_mut().find(|(known, _)| *known == rule) {
                    Some((_, count)) => *count = count.saturating_add(1),
                    None => self.decided.push((rule, 1)),
                }
            }
            Verdict::Fail(reason) => self.failed.push(format!("{case}: {reason}")),
            Verdict::Skip("") => self.failed.push(format!("{case}: skipped without a written reason")),
            Verdict::Skip(reason) => self.skipped.push(format!("{case}: {reason}")),
        }
    }

    /// Whether nothing failed and anything was judged at all.
    pub fn is_success(&self) -> bool {
        self.failed.is_empty() && self.passed > 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (rule, count) in &self.decided {
            if self.decided_apart {
                writeln!(f, "decided: {rule} ({count})")?;
            } else {
                writeln!(f, "decided {count}: {rule}")?;
            }
        }
        for case in &self.skipped {
            writeln!(f, "skipped {case}")?;
        }
        for case in &self.failed {
            writeln!(f, "FAILED {case}")?;
        }
        let decided: usize = self.decided.iter().map(|(_, count)| count).sum();
        if self.decided_apart {
            return write!(f, "{} passed, {decided} decided, {} failed", self.passed.saturating_sub(decided), self.failed.len());
        }
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed.len(), self.skipped.len())
    }
}

/// Judges the library by a file's content.
///
/// # Errors
/// The content is not in the suite's format at all.
pub fn run(suite: Suite, file: &Value) -> anyhow::Result<Report> {
    let judge: Box<dyn Fn(&Value) -> Verdict> = match suite {
        Suite::SpiffeId => Box::new(spiffe_id::judge),
        Suite::Bundle => Box::new(bundle::judge),
        Suite::Limbo => Box::new(limbo::judge),
        Suite::X509Svid => {
            let anchor = x509_svid::anchor(file)?;
            Box::new(move |case| x509_svid::judge(case, &anchor))
        }
    };
    let members = file.as_object().context("the file is no JSON object")?;
    let mut report = Report { decided_apart: suite == Suite::Limbo, ..Report::default() };
    for (list, cases) in members.iter().filter(|(name, _)| *name != "meta") {
        let Some(cases) = cases.as_array() else { continue };
        for (index, case) in cases.iter().enumerate() {
            report.count(describe(list, index, case), judge(case));
        }
    }
    if report.passed == 0 && report.failed.is_empty() && report.skipped.is_empty() {
        bail!("the file has no cases");
    }
    Ok(report)
}

/// `cases[3] "trailing data"`, `supplement[0] id_parse "SPIFFE://td"`
fn describe(list: &str, index: usize, case: &Value) -> String {
    let mut text = format!("{list}[{index}]");
    for member in ["kind", "id", "name", "input"] {
        if let Some(value) = case.get(member).and_then(Value::as_str) {
            let short: String = value.chars().take(100).collect();
            text += &if member == "kind" { format!(" {short}") } else { format!(" {short:?}") };
        }
    }
    text
}

/// A member that must be a text.
fn text<'a>(case: &'a Value, member: &str) -> Result<&'a str, String> {
    case.get(member).and_then(Value::as_str).ok_or_else(|| format!("the case has no text '{member}'"))
}

/// The names of decisions that the limbo suite knows.
pub fn limbo_decisions() -> impl Iterator<Item = &'static str> {
    limbo::decision_names()
}
