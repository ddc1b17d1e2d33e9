//! `kind`, `input` and what belongs to the kind; expected is `ok` (go-spiffe's answer) or `spec_ok` (the standard's).

use meshroot::spiffe::{SpiffeId, TrustDomainRef};
use serde_json::Value;

use super::{Verdict, text};

const UPPER_CASE: &str = "upper case in scheme or trust domain is refused (decisions.md, SPIFFE IDs 1)";
const TOO_LONG: &str = "IDs over 2048 bytes and trust domains over 255 are refused (decisions.md, SPIFFE IDs 2)";
const GO_URL: &str = "Go's url.Parse lower-cases a scheme and drops a bare '#'; a URI is judged as it is written (decisions.md, SPIFFE IDs 3)";

/// What a text turned out to be.
#[derive(Debug, Default)]
struct Parsed {
    trust_domain: Option<String>,
    path: Option<String>,
}

impl Parsed {
    fn id(id: &SpiffeId) -> Self {
        Self { trust_domain: Some(id.trust_domain().as_str().into()), path: Some(id.path().into()) }
    }
}

pub(super) fn judge(case: &Value) -> Verdict {
    judge_or_explain(case).unwrap_or_else(Verdict::Fail)
}

fn judge_or_explain(case: &Value) -> Result<Verdict, String> {
    let parsed = parse(case)?;
    let accepted = parsed.is_ok();
    let (expected, rule) = match case.get("spec_ok").or_else(|| case.get("ok")) {
        Some(Value::Bool(expected)) if !*expected || !differs_in_go(case) => (*expected, None),
        Some(Value::Bool(_)) => (false, Some(GO_URL)),
        Some(Value::Null) => decide(case).map(|(expected, rule)| (expected, Some(rule)))?,
        _ => return Err("the case has neither 'spec_ok' nor 'ok'".into()),
    };
    match (&parsed, expected) {
        (Err(why), true) => return Err(format!("expected to be accepted, was refused: {why}")),
        (Ok(_), false) => return Err("expected to be refused, was accepted".into()),
        _ => {}
    }
    if let Ok(parsed) = &parsed {
        same(case, "trust_domain", parsed.trust_domain.as_deref())?;
        same(case, "path", parsed.path.as_deref())?;
    }
    debug_assert_eq!(accepted, expected);
    Ok(rule.map_or(Verdict::Pass, Verdict::Decided))
}

/// Runs the case; the outer error says that it cannot be run.
fn parse(case: &Value) -> Result<Result<Parsed, String>, String> {
    let trust_domain = case.get("td").and_then(Value::as_str).unwrap_or("trustdomain");
    let trust_domain = TrustDomainRef::parse(trust_domain).map_err(|e| e.to_string())?;
    let base = || text(case, "base").and_then(|base| SpiffeId::parse(base).map_err(|e| format!("its base is no SPIFFE ID: {e}")));
    let id = match text(case, "kind")? {
        // The URI of a certificate is a text to us: no URL reader comes first.
        "id_parse" | "id_from_url" | "id_from_url_struct" => SpiffeId::parse(text(case, "input")?),
        "id_from_segments" => {
            let segments = case.get("segments").and_then(Value::as_array).ok_or("the case has no array 'segments'")?;
            let segments: Option<Vec<&str>> = segments.iter().map(Value::as_str).collect();
            SpiffeId::from_segments(trust_domain, segments.ok_or("a segment is no text")?)
        }
        "id_from_path" => SpiffeId::from_path(trust_domain, text(case, "input")?),
        "id_append_path" => base()?.append_path(text(case, "input")?),
        "id_replace_path" => base()?.replace_path(text(case, "input")?),
        "segment_validate" => {
            return Ok(SpiffeId::check_segment(text(case, "input")?).map(|()| Parsed::default()).map_err(|e| e.to_string()));
        }
        "td_parse" => {
            let parsed = TrustDomainRef::parse_name_or_id(text(case, "input")?);
            return Ok(parsed.map(|name| Parsed { trust_domain: Some(name.as_str().into()), path: None }).map_err(|e| e.to_string()));
        }
        other => return Err(format!("the kind '{other}' is unknown")),
    };
    Ok(id.map(|id| Parsed::id(&id)).map_err(|e| e.to_string()))
}

fn same(case: &Value, member: &str, found: Option<&str>) -> Result<(), String> {
    match (case.get(member).and_then(Value::as_str), found) {
        (Some(expected), Some(found)) if expected != found => Err(format!("expected the {member} '{expected}', found '{found}'")),
        _ => Ok(()),
    }
}

/// Whether Go's `url.Parse` makes a valid URI of this text by changing it, before go-spiffe sees it.
fn differs_in_go(case: &Value) -> bool {
    let (Some(kind), Some(input)) = (case.get("kind").and_then(Value::as_str), case.get("input").and_then(Value::as_str)) else {
        return false;
    };
    kind.starts_with("id_from_url") && case.get("spec_ok").is_none() && (upper_case_scheme(input) || input.ends_with('#'))
}

fn upper_case_scheme(input: &str) -> bool {
    input.split_once("://").is_some_and(|(scheme, _)| scheme != "spiffe" && scheme.eq_ignore_ascii_case("spiffe"))
}

/// What we decided where the standard leaves it open.
fn decide(case: &Value) -> Result<(bool, &'static str), String> {
    let input = text(case, "input")?;
    let rest = input.split_once("://").map_or(input, |(_, rest)| rest);
    let trust_domain = rest.split('/').next().unwrap_or_default();
    if upper_case_scheme(input) || trust_domain.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Ok((false, UPPER_CASE));
    }
    if input.len() > meshroot::spiffe::MAX_ID_BYTES || trust_domain.len() > meshroot::spiffe::MAX_TRUST_DOMAIN_BYTES {
        return Ok((false, TOO_LONG));
    }
    Err("the standard leaves it open, and no written decision covers it".into())
}
