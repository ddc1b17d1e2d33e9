//! Where we differ on purpose. A decision is one switch of the library: it covers a case when the refusal has its reason
//! and the verdict becomes the expected one once the switch is turned, or when no switch could turn it because we have
//! not got what it would take (an algorithm, a kind of CRL).
//!
//! Each name stands in `crates/meshroot/docs/decisions.md`, which the runner's own test checks.

use meshroot::lint::Severity;
use meshroot::revocation::{Conformance, Coverage, CrlProblem};
use meshroot::verify::{Reason, Rejection};

use super::Refusal;
use super::case::{Case, Setting};

/// We refuse, and others would not.
struct Stricter {
    name: &'static str,
    covers: fn(&Case, &Refusal) -> bool,
    /// `None` where there is nothing to turn.
    turn: Option<fn(&mut Setting)>,
}

/// We accept, and others would not.
struct Laxer {
    name: &'static str,
    how: How,
}

enum How {
    /// Turned, this switch refuses the case.
    Turn(fn(&mut Setting)),
    /// It refuses a case in which the linter of CRLs has something to say.
    LintCrls,
    /// The case is marked with a feature of the format that we have not got: its schema wants such cases skipped.
    Feature(&'static [&'static str]),
}

const STRICTER: &[Stricter] = &[
    Stricter {
        name: "ANCHORS-ARE-CERTIFICATES",
        // What an anchor demands of those below it (policies) is found missing in the leaf.
        covers: |case, refusal| {
            let at_anchor = || rejection(refusal).and_then(|r| r.certificate.as_ref()).is_some_and(|at| case.is_anchor(at));
            reason(refusal, |reason| *reason == Reason::NoPolicy) || at_anchor()
        },
        turn: Some(|setting| setting.rules.anchor_is_name_and_key = true),
    },
    Stricter {
        name: "A-LEAF-IS-NO-CA",
        covers: |_, refusal| {
            let of_a_ca =
                |reason: &Reason| matches!(reason, Reason::LeafIsCa | Reason::KeyUsageForbids("keyCertSign") | Reason::NameConstraintsInLeaf);
            reason(refusal, of_a_ca) && position(refusal) == Some(0)
        },
        turn: Some(|setting| setting.rules.leaf_may_be_ca = true),
    },
    Stricter {
        name: "LEAVES-ARE-VERSION-3",
        covers: |_, refusal| reason(refusal, |reason| *reason == Reason::Version) && position(refusal) == Some(0),
        turn: Some(|setting| setting.rules.leaf_may_be_v1 = true),
    },
    Stricter {
        name: "SERIAL-NUMBERS-ARE-POSITIVE",
        covers: |_, refusal| reason(refusal, |reason| *reason == Reason::SerialNumber),
        turn: Some(|setting| setting.rules.any_serial_number = true),
    },
    Stricter { name: "STRONG-ALGORITHMS-ONLY", covers: |_, refusal| weak_or_unknown(refusal), turn: None },
    Stricter {
        name: "A-CRL-OF-EVERY-CA",
        covers: |_, refusal| reason(refusal, |reason| matches!(reason, Reason::CrlMissing { .. })),
        turn: Some(|setting| setting.coverage = Coverage::WhatIsThere),
    },
    Stricter {
        name: "CRLS-AS-RFC-5280-WANTS-THEM",
        covers: |_, refusal| {
            use CrlProblem::{NextUpdateMissing, NumberCritical, NumberMissing};
            problem(refusal, |problem| matches!(problem, NumberMissing | NumberCritical | NextUpdateMissing))
        },
        turn: Some(|setting| setting.conformance = Conformance::Lenient),
    },
    Stricter {
        name: "COMPLETE-CRLS-OF-THE-ISSUER",
        covers: |_, refusal| {
            use CrlProblem::{Delta, Indirect, OnlySomeReasons, RelativeDistributionPoint, Signature};
            problem(refusal, |problem| matches!(problem, Delta | Indirect | OnlySomeReasons | RelativeDistributionPoint | Signature))
        },
        turn: None,
    },
    Stricter {
        name: "A-MISWRITTEN-CRL-REVOKES-TOO",
        covers: |case, refusal| reason(refusal, |reason| matches!(reason, Reason::Revoked { .. })) && case.crl_findings(Severity::Error),
        turn: Some(|setting| setting.ask_crls = false),
    },
    Stricter {
        name: "AN-UNKNOWN-STATUS-IS-REFUSED",
        covers: |_, refusal| match refusal {
            Refusal::Rejected(_) => problem(refusal, |_| true),
            Refusal::Unreadable { code, .. } => code.starts_with("crl."),
        },
        turn: Some(|setting| setting.ask_crls = false),
    },
];

const LAXER: &[Laxer] = &[
    Laxer { name: "KEY-IDENTIFIERS-ARE-HINTS", how: How::Turn(|setting| setting.rules.demand_key_identifiers = true) },
    Laxer { name: "CRITICALITY-OF-WHAT-WE-ENFORCE", how: How::Turn(|setting| setting.rules.demand_criticality = true) },
    Laxer { name: "A-CRL-NEED-NOT-BE-PERFECT", how: How::LintCrls },
    Laxer { name: "KEY-USAGE-MAY-BE-ABSENT", how: How::Turn(|setting| setting.rules.ca_needs_key_usage = true) },
    Laxer {
        name: "NO-WEB-PKI-PROFILE",
        how: How::Feature(&[
            "pedantic-webpki",
            "pedantic-webpki-eku",
            "pedantic-webpki-subscriber-key",
            "pedantic-public-suffix-wildcard",
            "rfc5280-incompatible-with-webpki",
        ]),
    },
];

/// Every name, for the test that looks for it in the document.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    STRICTER.iter().map(|decision| decision.name).chain(LAXER.iter().map(|decision| decision.name))
}

/// The decision by which we accept what is expected to be refused.
pub(super) fn accepted(case: &Case) -> Option<&'static str> {
    let covers = |decision: &&Laxer| match decision.how {
        How::Turn(turn) => {
            let mut setting = case.setting();
            turn(&mut setting);
            case.ask(&setting).is_err()
        }
        How::LintCrls => case.crl_findings(Severity::Warning),
        How::Feature(names) => case.features.iter().any(|feature| names.contains(&feature.as_str())),
    };
    LAXER.iter().find(covers).map(|decision| decision.name)
}

/// The decision by which we refuse what is expected to be accepted: the first one, if several are needed together.
pub(super) fn refused(case: &Case, refusal: &Refusal) -> Option<&'static str> {
    explain(case, refusal, case.setting(), STRICTER.len())
}

/// Turns one switch after the other until the case is accepted, or rests on a decision that has none.
fn explain(case: &Case, refusal: &Refusal, setting: Setting, left: usize) -> Option<&'static str> {
    let left = left.checked_sub(1)?;
    let works = |decision: &&Stricter| {
        let Some(turn) = decision.turn else { return true };
        let mut turned = setting;
        turn(&mut turned);
        let accepted = || case.ask(&turned).map_or_else(|refusal| explain(case, &refusal, turned, left).is_some(), |_| true);
        turned != setting && accepted()
    };
    STRICTER.iter().filter(|decision| (decision.covers)(case, refusal)).find(works).map(|decision| decision.name)
}

fn rejection(refusal: &Refusal) -> Option<&Rejection> {
    match refusal {
        Refusal::Rejected(rejection) => Some(rejection),
        Refusal::Unreadable { .. } => None,
    }
}

fn position(refusal: &Refusal) -> Option<usize> {
    rejection(refusal)?.certificate.as_ref().map(|at| at.position)
}

fn reason(refusal: &Refusal, is: fn(&Reason) -> bool) -> bool {
    rejection(refusal).is_some_and(|rejection| is(&rejection.reason))
}

fn problem(refusal: &Refusal, is: fn(&CrlProblem) -> bool) -> bool {
    rejection(refusal).is_some_and(|rejection| matches!(&rejection.reason, Reason::CrlUnusable { problem, .. } if is(problem)))
}

fn weak_or_unknown(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::Rejected(rejection) => match &rejection.reason {
            Reason::Key(_) | Reason::SignatureAlgorithm => true,
            Reason::CrlUnusable { problem, .. } => *problem == CrlProblem::SignatureAlgorithm,
            _ => false,
        },
        Refusal::Unreadable { code, .. } => code.starts_with("key."),
    }
}
