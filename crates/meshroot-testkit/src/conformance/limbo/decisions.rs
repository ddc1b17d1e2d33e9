//! Where we differ on purpose. A decision is one switch of the library: it covers a case when the refusal has its reason
//! and the verdict becomes the expected one once the switch is turned, or when no switch could turn it because we have
//! not got what it would take (an algorithm, a kind of CRL).
//!
//! Each name stands in `crates/meshroot/docs/decisions.md`, which the runner's own test checks.

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
    turn: fn(&mut Setting),
}

const STRICTER: &[Stricter] = &[
    Stricter {
        name: "ANCHORS-ARE-CERTIFICATES",
        covers: |case, refusal| rejection(refusal).and_then(|r| r.certificate.as_ref()).is_some_and(|at| case.is_anchor(at)),
        turn: Some(|setting| setting.rules.anchor_is_name_and_key = true),
    },
    Stricter {
        name: "A-LEAF-IS-NO-CA",
        covers: |_, refusal| {
            reason_at(refusal, 0, |reason| {
                matches!(reason, Reason::LeafIsCa | Reason::KeyUsageForbids("keyCertSign") | Reason::NameConstraintsInLeaf)
            })
        },
        turn: Some(|setting| setting.rules.leaf_may_be_ca = true),
    },
    Stricter {
        name: "LEAVES-ARE-VERSION-3",
        covers: |_, refusal| reason_at(refusal, 0, |reason| *reason == Reason::Version),
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
            problem(refusal, |problem| matches!(problem, CrlProblem::NumberMissing | CrlProblem::NumberCritical | CrlProblem::NextUpdateMissing))
        },
        turn: Some(|setting| setting.conformance = Conformance::Lenient),
    },
    Stricter {
        name: "COMPLETE-CRLS-OF-THE-ISSUER",
        covers: |_, refusal| {
            problem(refusal, |problem| {
                matches!(problem, CrlProblem::Indirect | CrlProblem::Delta | CrlProblem::OnlySomeReasons | CrlProblem::RelativeDistributionPoint)
            })
        },
        turn: None,
    },
];

const LAXER: &[Laxer] = &[
    Laxer { name: "KEY-IDENTIFIERS-ARE-HINTS", turn: |setting| setting.rules.demand_key_identifiers = true },
    Laxer { name: "CRITICALITY-OF-WHAT-WE-ENFORCE", turn: |setting| setting.rules.demand_criticality = true },
    Laxer { name: "KEY-USAGE-MAY-BE-ABSENT", turn: |setting| setting.rules.ca_needs_key_usage = true },
];

/// The decision by which we accept what is expected to be refused.
pub(super) fn accepted(case: &Case) -> Option<&'static str> {
    LAXER.iter().find(|decision| turned(case, decision.turn).is_err()).map(|decision| decision.name)
}

fn turned(case: &Case, turn: fn(&mut Setting)) -> super::Answer {
    let mut setting = case.setting();
    turn(&mut setting);
    case.ask(&setting)
}

/// The decision by which we refuse what is expected to be accepted: the first one, if several are needed together.
pub(super) fn refused(case: &Case, refusal: &Refusal) -> Option<&'static str> {
    let first = STRICTER.iter().find(|decision| (decision.covers)(case, refusal))?;
    let mut setting = case.setting();
    first
        .turn
        .map_or(Ok(()), |turn| {
            turn(&mut setting);
            step(case, &mut setting, STRICTER.len())
        })
        .ok()
        .map(|()| first.name)
}

/// Turns one switch after the other until the case is accepted, or rests on a decision that has none.
fn step(case: &Case, setting: &mut Setting, left: usize) -> Result<(), ()> {
    let Err(refusal) = case.ask(setting) else { return Ok(()) };
    let decision = STRICTER.iter().find(|decision| (decision.covers)(case, &refusal)).ok_or(())?;
    match (decision.turn, left.checked_sub(1)) {
        (None, _) => Ok(()),
        (Some(turn), Some(left)) => {
            turn(setting);
            step(case, setting, left)
        }
        (Some(_), None) => Err(()),
    }
}

/// Every name, for the test that looks for it in the document.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    STRICTER.iter().map(|decision| decision.name).chain(LAXER.iter().map(|decision| decision.name))
}

fn rejection(refusal: &Refusal) -> Option<&Rejection> {
    match refusal {
        Refusal::Rejected(rejection) => Some(rejection),
        Refusal::Unreadable { .. } => None,
    }
}

fn reason(refusal: &Refusal, is: fn(&Reason) -> bool) -> bool {
    rejection(refusal).is_some_and(|rejection| is(&rejection.reason))
}

fn reason_at(refusal: &Refusal, position: usize, is: fn(&Reason) -> bool) -> bool {
    reason(refusal, is) && rejection(refusal).and_then(|r| r.certificate.as_ref()).is_some_and(|at| at.position == position)
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
