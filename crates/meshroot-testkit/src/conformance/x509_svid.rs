//! `chain_der_base64` (concatenated DER, leaf first) and `key_der_base64`; expected is `spec`: ok, reject or unclear.

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use meshroot::bundle::{Bundle, BundleMap};
use meshroot::key::Crypto;
use meshroot::revocation::CrlSet;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;
use meshroot::verify::Validator;
use meshroot::x509::Certificate;
use serde_json::Value;

use super::{Verdict, text};

const SYNTAX: &str = "upper case and over-long IDs are refused in certificates too (decisions.md, SPIFFE IDs 1 and 2)";
const KEYS: &str = "keys and signatures too weak or unknown are refused (decisions.md, X.509-SVIDs 1)";
const PRODUCER: &str = "what only producers are told is checked when validating too (decisions.md, X.509-SVIDs 2)";

const FOREIGN_CA: &str = "a CA may carry another trust domain's ID, or none: the bundle decides (decisions.md, X.509-SVIDs 3)";

/// The trust domain that the suite's root belongs to.
const HOME: &str = "example.org";
/// Well inside the suite's validity, 2020 to 2119.
const NOW: &str = "2026-01-01T00:00:00Z";

/// The file's trust anchor.
pub(super) fn anchor(file: &Value) -> anyhow::Result<Certificate> {
    let encoded = file.pointer("/meta/files/root.der").and_then(Value::as_str).context("the file has no meta.files[\"root.der\"]")?;
    let der = BASE64_STANDARD.decode(encoded).context("root.der is no base64")?;
    Certificate::from_der(&der).context("root.der is no certificate")
}

pub(super) fn judge(case: &Value, anchor: &Certificate) -> Verdict {
    judge_or_explain(case, anchor).unwrap_or_else(Verdict::Fail)
}

fn judge_or_explain(case: &Value, anchor: &Certificate) -> Result<Verdict, String> {
    let chain = BASE64_STANDARD.decode(text(case, "chain_der_base64")?).map_err(|e| format!("the chain is no base64: {e}"))?;
    let chain = split(&chain);
    let bundles = bundles(case, &chain, anchor)?;
    let outcome = validate(&bundles, &chain, now(case)?).and_then(|id| key_fits(case, &chain).map(|()| id));
    match (text(case, "spec")?, outcome) {
        ("ok", Ok(id)) if uri(&chain).as_deref() == Some(id.as_str()) => Ok(Verdict::Pass),
        ("ok", Ok(id)) => Err(format!("accepted as '{id}', which is not the URI in the certificate")),
        ("ok", Err(refusal)) => Err(format!("expected to be accepted, was refused: {}", refusal.text)),
        ("reject", Ok(id)) => Err(format!("expected to be refused, was accepted as '{id}'")),
        ("reject", Err(_)) => Ok(Verdict::Pass),
        ("unclear", outcome) => decide(case, &outcome).map(Verdict::Decided),
        (other, _) => Err(format!("the expected result '{other}' is unknown")),
    }
}

/// Why a chain was refused.
struct Refusal {
    code: &'static str,
    text: String,
}

/// The one place that calls the library's validator.
fn validate(bundles: &BundleMap, chain: &[&[u8]], now: Timestamp) -> Result<SpiffeId, Refusal> {
    match Validator::new(bundles, Crypto::ring()).validate(chain, &CrlSet::empty(), now) {
        Ok(svid) => Ok(svid.id().clone()),
        Err(rejection) => Err(Refusal { code: rejection.code(), text: rejection.to_string() }),
    }
}

/// The private key beside the chain, where there is one that can be read, is the leaf's.
fn key_fits(case: &Value, chain: &[&[u8]]) -> Result<(), Refusal> {
    let Some(Ok(der)) = case.get("key_der_base64").and_then(Value::as_str).map(|key| BASE64_STANDARD.decode(key)) else { return Ok(()) };
    let Ok(public) = Crypto::ring().public_key(&der) else { return Ok(()) };
    match chain.first().map(|leaf| Certificate::from_der(leaf)) {
        Some(Ok(leaf)) if *leaf.public_key() != public => Err(Refusal { code: "key_differs", text: "the private key is not the leaf's".into() }),
        _ => Ok(()),
    }
}

/// The root stands for the trust domain that the leaf names, as the file's `meta` says. Where the clause is about which
/// bundle may validate what (SPIFFE Federation), it stands for its own trust domain alone.
fn bundles(case: &Value, chain: &[&[u8]], anchor: &Certificate) -> Result<BundleMap, String> {
    let clause = case.get("clause").and_then(Value::as_str).unwrap_or_default();
    let leafs = uri(chain).and_then(|uri| SpiffeId::parse(&uri).ok()).map(|id| id.trust_domain().to_owned());
    let home = TrustDomain::parse(HOME).map_err(|e| e.to_string())?;
    let trust_domain = if clause.starts_with("Federation") { home } else { leafs.unwrap_or(home) };
    let bundle = Bundle::new(trust_domain).with_x509_authorities([anchor.clone()]).map_err(|e| e.to_string())?;
    Ok(BundleMap::from(bundle))
}

/// The leaf's first URI, if the leaf can be read at all.
fn uri(chain: &[&[u8]]) -> Option<String> {
    let leaf = Certificate::from_der(chain.first()?).ok()?;
    leaf.alt_names()?.uris.first().map(|uri| (*uri).to_owned())
}

/// The case's own time, where it has one: RFC 3339, or seconds since 1970.
fn now(case: &Value) -> Result<Timestamp, String> {
    match case.get("validation_time").or_else(|| case.get("now")) {
        Some(Value::String(time)) => time.parse().map_err(|e| format!("{e}")),
        Some(Value::Number(seconds)) => seconds.as_i64().map(Timestamp::from_unix).ok_or_else(|| format!("{seconds} is no time")),
        _ => NOW.parse().map_err(|e| format!("{e}")),
    }
}

/// What we decided where the standard is unclear: a refusal for one of these reasons; nothing is accepted for being
/// unclear but what X509-SVID §3.2 says of a CA's own ID, which names nobody who is authenticated.
fn decide(case: &Value, outcome: &Result<SpiffeId, Refusal>) -> Result<&'static str, String> {
    let clause = case.get("clause").and_then(Value::as_str).unwrap_or_default();
    match outcome {
        Ok(_) if clause.starts_with("X509 3.2") => Ok(FOREIGN_CA),
        Ok(id) => Err(format!("the standard is unclear, it was accepted as '{id}', and no written decision covers that")),
        Err(refusal) => match refusal.code {
            "verify.not_a_spiffe_id" => Ok(SYNTAX),
            "verify.key" | "verify.malformed" | "verify.signature_algorithm" => Ok(KEYS),
            "verify.key_usage_missing"
            | "verify.key_usage_not_critical"
            | "verify.extended_key_usage"
            | "verify.ca_with_path"
            | "verify.san_not_critical" => Ok(PRODUCER),
            _ => Err(format!("the standard is unclear, it was refused, and no written decision covers that: {}", refusal.text)),
        },
    }
}

/// Cuts concatenated DER at the outer lengths. What cannot be cut is kept as one piece, for the library to refuse.
fn split(mut der: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while !der.is_empty() {
        let (piece, rest) = der.split_at_checked(length(der).unwrap_or(der.len())).unwrap_or((der, &[]));
        pieces.push(piece);
        der = rest;
    }
    pieces
}

/// Octets of the first DER value, header included.
fn length(der: &[u8]) -> Option<usize> {
    let first = usize::from(*der.get(1)?);
    if first < 0x80 {
        return first.checked_add(2);
    }
    let octets = der.get(2..)?.get(..first & 0x7f)?;
    let content = octets.iter().try_fold(0usize, |length, octet| length.checked_mul(256)?.checked_add(usize::from(*octet)))?;
    content.checked_add(2)?.checked_add(octets.len())
}
