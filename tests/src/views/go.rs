//! Go: crypto/x509 as crypto/tls uses it, and go-spiffe's X.509-SVID validator.

use serde_json::json;

use super::{Case, Role};
use crate::exhibits::armor;
use crate::judges::Judge;

fn pem(ders: &[Vec<u8>]) -> String {
    ders.iter().map(|der| armor(der)).collect()
}

fn at(case: &Case) -> String {
    case.at.map_or(String::new(), |at| meshroot::time::Timestamp::from_unix(at).to_string())
}

/// crypto/x509's `Certificate.Verify`, for the role that the presenter has.
pub fn x509(judge: &mut Judge, case: &Case) -> Result<(), String> {
    let usage = if case.role == Role::Client { "client" } else { "server" };
    judge.judge(&json!({
        "oracle": "go-x509", "roots": pem(&case.anchors), "intermediates": pem(&case.chain[1..]), "leaf": pem(&case.chain[..1]),
        "usage": usage, "at": at(case),
    }))
}

/// go-spiffe's `x509svid.ParseAndVerify`.
pub fn spiffe(judge: &mut Judge, case: &Case) -> Result<(), String> {
    judge.judge(&json!({
        "oracle": "go-spiffe", "trust_domain": case.trust_domain, "bundle": pem(&case.anchors), "chain": pem(&case.chain), "at": at(case),
    }))
}
