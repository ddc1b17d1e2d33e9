//! `document` (a JSON text); expected is `spec`: a `result`, and how many authorities of each kind come out.

use meshroot::bundle::{Bundle, BundleError, Ignored, Limits};
use meshroot::spiffe::TrustDomain;
use serde_json::Value;

use super::{Verdict, text};

const SEQUENCE: &str = "a sequence number is an unsigned 64-bit integer; null counts as absent (decisions.md, bundles 3)";
const HINT: &str = "a refresh hint without sense is cut or ignored, one that is no integer refused (decisions.md, bundles 4)";
const DUPLICATE: &str = "a member that is there twice is refused (decisions.md, bundles 5)";
const ENTRY: &str = "an entry that cannot be used is ignored, the document stays (decisions.md, bundles 1)";
const REPEATED: &str = "an authority counts once (decisions.md, bundles 6)";
const SHAPE: &str = "what has not the shape of a bundle is refused as a whole (decisions.md, bundles 2)";
const READ: &str = "what the standard only tells producers is read (decisions.md, bundles 7)";

pub(super) fn judge(case: &Value) -> Verdict {
    judge_or_explain(case).unwrap_or_else(Verdict::Fail)
}

fn judge_or_explain(case: &Value) -> Result<Verdict, String> {
    let document = text(case, "document")?;
    let spec = case.get("spec").ok_or("the case has no 'spec'")?;
    let trust_domain = TrustDomain::parse("example.org").map_err(|e| e.to_string())?;
    let read = Bundle::from_spiffe_json(trust_domain, document.as_bytes(), &Limits::default());
    if let Ok((bundle, _)) = &read {
        comes_back(bundle)?;
    }
    match (text(spec, "result")?, &read) {
        ("accept", Ok((bundle, _))) => counts(spec, bundle).map(|()| Verdict::Pass),
        ("accept", Err(e)) => Err(format!("expected to be accepted, was refused: {e}")),
        ("reject", Ok(_)) => Err(format!("expected to be refused, was accepted ({})", clause(spec))),
        ("reject", Err(_)) => Ok(Verdict::Pass),
        // Dropping the entry and dropping the document both satisfy it.
        ("reject_entry", Ok((bundle, ignored))) => {
            counts(spec, bundle)?;
            if ignored.is_empty() { Err("expected an entry to be ignored, and none was".into()) } else { Ok(Verdict::Pass) }
        }
        ("reject_entry", Err(_)) => Ok(Verdict::Pass),
        ("accept_or_reject" | "implementation_defined", Ok((bundle, ignored))) => {
            counts(spec, bundle)?;
            Ok(Verdict::Decided(why_accepted(document, ignored)))
        }
        ("accept_or_reject" | "implementation_defined", Err(e)) => why_refused(e).map(Verdict::Decided),
        (other, _) => Err(format!("the expected result '{other}' is unknown")),
    }
}

fn counts(spec: &Value, bundle: &Bundle) -> Result<(), String> {
    for (member, found) in [("x509", bundle.x509_authorities().len()), ("jwt", bundle.jwt_authorities().len())] {
        let expected = spec.get(member).and_then(Value::as_u64);
        if expected.is_some_and(|expected| u64::try_from(found) != Ok(expected)) {
            return Err(format!("expected {} {member} authorities, found {found} ({})", expected.unwrap_or_default(), clause(spec)));
        }
    }
    Ok(())
}

/// Whatever was read can be written, and is then read as the same.
fn comes_back(bundle: &Bundle) -> Result<(), String> {
    let written = bundle.to_spiffe_json();
    match Bundle::from_spiffe_json(bundle.trust_domain().clone(), written.as_bytes(), &Limits::default()) {
        Ok((again, ignored)) if again == *bundle && ignored.is_empty() => Ok(()),
        Ok(_) => Err("what was read comes back changed from our own document".into()),
        Err(e) => Err(format!("our own document is refused: {e}")),
    }
}

fn why_accepted(document: &str, ignored: &[Ignored]) -> &'static str {
    let code = ignored.first().map(|first| first.reason.code()).unwrap_or_default();
    match code {
        "bundle.hint_not_positive" | "bundle.hint_too_long" => HINT,
        "bundle.entry.repeated" => REPEATED,
        "" if document.contains("spiffe_sequence") => SEQUENCE,
        "" if document.contains("spiffe_refresh_hint") => HINT,
        "" => READ,
        _ => ENTRY,
    }
}

fn why_refused(error: &BundleError) -> Result<&'static str, String> {
    match error {
        BundleError::NotAnInteger { member: "spiffe_sequence", .. } => Ok(SEQUENCE),
        BundleError::NotAnInteger { .. } => Ok(HINT),
        BundleError::DuplicateMember(_) => Ok(DUPLICATE),
        BundleError::Malformed { .. } | BundleError::MissingKeys => Ok(SHAPE),
        other => Err(format!("it was refused, and no written decision covers that: {other}")),
    }
}

fn clause(spec: &Value) -> &str {
    spec.get("clause").and_then(Value::as_str).unwrap_or("no clause")
}
