//! `policy`: check a policy file, and run its examples.

use std::path::Path;

use meshroot_service::{PermissionError, read_cases, read_policy};
use serde_json::{Value, json};

use crate::args::Policy;
use crate::exit::{Exit, Failure, Result};
use crate::session::Session;

pub(super) fn run(session: &Session<'_>, args: &Policy) -> Result<Exit> {
    let out = session.out;
    match args {
        Policy::Check { policy } => {
            let checked = read_policy(policy).map_err(failure)?;
            let notes: Vec<String> = checked.notes().iter().map(ToString::to_string).collect();
            out.line(format_args!("{} is valid", policy.display()));
            notes.iter().for_each(|note| out.line(format_args!("  note: {note}")));
            out.document(&json!({ "policy": policy.display().to_string(), "valid": true, "notes": notes }));
            Ok(Exit::Ok)
        }
        Policy::Test { cases, policy } => test(session, cases, policy),
    }
}

fn test(session: &Session<'_>, cases: &Path, policy: &Path) -> Result<Exit> {
    let checked = read_policy(policy).map_err(failure)?;
    let report = checked.test(&read_cases(cases).map_err(failure)?, session.now);
    session.out.line(&report);
    let outcomes: Vec<Value> = report
        .outcomes
        .iter()
        .map(|outcome| {
            let mismatches = outcome.mismatches.iter().map(|one| json!({ "at": one.at, "expected": one.expected, "found": one.found }));
            json!({ "name": outcome.name, "passed": outcome.mismatches.is_empty(), "decision": outcome.decision, "mismatches": mismatches.collect::<Vec<_>>() })
        })
        .collect();
    session.out.document(&json!({ "passed": report.is_good(), "failed": report.failed(), "cases": outcomes }));
    Ok(if report.is_good() { Exit::Ok } else { Exit::Refused })
}

fn failure(e: PermissionError) -> Failure {
    let exit = if matches!(e, PermissionError::Unreadable { .. }) { Exit::NotFound } else { Exit::BadInput };
    Failure::new(exit, e.code(), e.to_string())
}
