//! Path validation cases in x509-limbo's format: the path only, names of peers are not compared.

mod case;
mod decisions;

use meshroot::verify::{Rejection, ValidatedPath};
use serde_json::Value;

use super::Verdict;
use case::{Case, Expected};

/// What the library answers.
type Answer = Result<ValidatedPath, Refusal>;

/// Why a case was refused.
enum Refusal {
    /// The library's validator did.
    Rejected(Rejection),
    /// A certificate or a CRL of the case cannot be read, with the error's code.
    Unreadable { code: &'static str, text: String },
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Rejected(rejection) => rejection.fmt(f),
            Self::Unreadable { code, text } => write!(f, "{text} [{code}]"),
        }
    }
}

/// The names of all decisions.
pub(super) fn decision_names() -> impl Iterator<Item = &'static str> {
    decisions::names()
}

pub(super) fn judge(case: &Value) -> Verdict {
    match Case::read(case) {
        Ok(case) => judge_case(&case),
        Err(reason) => Verdict::Fail(reason),
    }
}

fn judge_case(case: &Case) -> Verdict {
    if case.class == "exclude" {
        return Verdict::Skip("host names or web PKI only (the file's own class)");
    }
    let answer = case.ask(&case.setting());
    match (&answer, case.expected) {
        (Ok(_), Expected::Success) | (Err(_), Expected::Failure) => Verdict::Pass,
        // What the mesh's own class of cases says must be is never decided otherwise.
        (Ok(_), Expected::Failure) if case.class == "must" => Verdict::Fail("must be refused, was accepted".into()),
        (Err(refusal), Expected::Success) if case.class == "must" => Verdict::Fail(format!("must be accepted, was refused: {refusal}")),
        (Ok(_), Expected::Failure) => decisions::accepted(case)
            .map_or_else(|| Verdict::Fail("expected to be refused, was accepted, and no decision covers that".into()), Verdict::Decided),
        (Err(refusal), Expected::Success) => decisions::refused(case, refusal)
            .map_or_else(|| Verdict::Fail(format!("expected to be accepted, and no decision covers the refusal: {refusal}")), Verdict::Decided),
    }
}
