use meshroot::key::Crypto;
use meshroot::lint::{Finding, Severity, check_crl};
use meshroot::pem;
use meshroot::revocation::{Conformance, Coverage, Crl, CrlSet};
use meshroot::time::Timestamp;
use meshroot::verify::{PathQuery, PolicyInputs, Purpose, Rules, validate_path};
use meshroot::x509::Certificate;
use serde_json::Value;

use super::{Answer, Refusal};
use crate::conformance::text;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Success,
    Failure,
}

/// One case, read.
pub(super) struct Case {
    pub(super) class: String,
    pub(super) expected: Expected,
    pub(super) features: Vec<String>,
    leaf: Vec<u8>,
    intermediates: Vec<Vec<u8>>,
    anchors: Vec<Vec<u8>>,
    crls: Vec<Vec<u8>>,
    now: Timestamp,
    purpose: Purpose,
    policies: Policies,
    max_intermediates: Option<usize>,
}

/// How to ask: what the decisions turn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) rules: Rules,
    pub(super) coverage: Coverage,
    pub(super) conformance: Conformance,
    pub(super) ask_crls: bool,
}

impl Case {
    pub(super) fn read(case: &Value) -> Result<Self, String> {
        let expected = match case.get("path_only_expected").or_else(|| case.get("expected_result")).and_then(Value::as_str) {
            Some("SUCCESS") => Expected::Success,
            Some("FAILURE") => Expected::Failure,
            other => return Err(format!("the expected result {other:?} is neither SUCCESS nor FAILURE")),
        };
        Ok(Self {
            class: case.get("mesh_class").and_then(Value::as_str).unwrap_or_default().to_owned(),
            expected,
            features: case.get("features").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
            leaf: blocks(text(case, "peer_certificate")?)?.into_iter().next().ok_or("the case has no peer certificate")?,
            intermediates: list(case, "untrusted_intermediates")?,
            anchors: list(case, "trusted_certs")?,
            crls: list(case, "crls")?,
            now: now(case)?,
            purpose: purpose(case),
            policies: Policies::read(case),
            max_intermediates: case.get("max_chain_depth").and_then(Value::as_u64).and_then(|depth| usize::try_from(depth).ok()),
        })
    }

    /// RFC 5280 without SPIFFE, and a CRL of every CA where the case has any.
    pub(super) fn setting(&self) -> Setting {
        Setting { rules: Rules::pkix(), coverage: Coverage::EveryCertificate, conformance: Conformance::Rfc5280, ask_crls: true }
    }

    /// Whether this certificate is one of the case's anchors.
    pub(super) fn is_anchor(&self, at: &meshroot::verify::CertificateAt) -> bool {
        let same = |anchor: Certificate| *anchor.subject() == at.subject && *anchor.serial() == at.serial;
        at.position > 0 && self.anchors.iter().any(|der| Certificate::from_der(der).is_ok_and(same))
    }

    /// Whether the linter finds something of this weight in one of the case's CRLs.
    pub(super) fn crl_findings(&self, at_least: Severity) -> bool {
        let heavy = |finding: &Finding| at_least == Severity::Warning || finding.severity == Severity::Error;
        self.crls.iter().any(|der| check_crl(der).is_ok_and(|findings| findings.iter().any(heavy)))
    }

    /// The library's answer.
    pub(super) fn ask(&self, setting: &Setting) -> Answer {
        // An anchor that cannot be used is none: whoever loads a bundle is told of it, and has the others.
        let mut unusable = None;
        let anchors: Vec<Certificate> =
            self.anchors.iter().filter_map(|der| Certificate::from_der(der).map_err(|e| unusable = Some(e)).ok()).collect();
        if let (true, Some(e)) = (anchors.is_empty(), unusable) {
            return Err(Refusal::Unreadable { code: e.code(), text: format!("the anchor: {e}") });
        }
        let crls: Vec<Crl> = self
            .crls
            .iter()
            .filter(|_| setting.ask_crls)
            .map(|der| Crl::from_der(der).map_err(|e| Refusal::Unreadable { code: e.code(), text: format!("a CRL: {e}") }))
            .collect::<Result<_, _>>()?;
        let crls = CrlSet::new(crls).with_coverage(setting.coverage).with_conformance(setting.conformance);
        let mut query = PathQuery::new(self.now).rules(setting.rules).purpose(self.purpose).crls(&crls);
        query.max_intermediates = self.max_intermediates;
        let acceptable: Vec<&str> = self.policies.acceptable.iter().map(String::as_str).collect();
        query.policies = PolicyInputs { acceptable: &acceptable, ..self.policies.flags };
        validate_path(&self.leaf, &self.intermediates, &anchors, &Crypto::ring(), &query).map_err(Refusal::Rejected)
    }
}

/// `extra.policy_inputs`, as NIST's suite has them.
#[derive(Default)]
struct Policies {
    acceptable: Vec<String>,
    flags: PolicyInputs<'static>,
}

impl Policies {
    fn read(case: &Value) -> Self {
        let Some(inputs) = case.pointer("/extra/policy_inputs") else { return Self::default() };
        let flag = |name| inputs.get(name).and_then(Value::as_bool).unwrap_or_default();
        let listed = inputs.get("InitialPolicySet").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        // NIST numbers its test policies; anyPolicy accepts every one.
        let oid = |name: &str| match name.strip_prefix("NIST-test-policy-") {
            Some(number) => format!("2.16.840.1.101.3.2.1.48.{number}"),
            None => name.to_owned(),
        };
        let any = |name: &str| matches!(name, "anyPolicy" | "2.5.29.32.0");
        let acceptable = if listed.clone().any(any) { Vec::new() } else { listed.map(oid).collect() };
        let flags = PolicyInputs {
            acceptable: &[],
            explicit: flag("InitialExplicitPolicy"),
            inhibit_mapping: flag("InitialPolicyMappingInhibit"),
            inhibit_any: flag("InitialAnyPolicyInhibit"),
        };
        Self { acceptable, flags }
    }
}

fn blocks(pem: &str) -> Result<Vec<Vec<u8>>, String> {
    Ok(pem::parse(pem.as_bytes()).map_err(|e| e.to_string())?.iter().map(|block| block.der.clone()).collect())
}

/// A list of PEM texts; absent is empty.
fn list(case: &Value, member: &str) -> Result<Vec<Vec<u8>>, String> {
    let mut found = Vec::new();
    for item in case.get(member).and_then(Value::as_array).into_iter().flatten() {
        found.extend(blocks(item.as_str().ok_or_else(|| format!("'{member}' holds something else than texts"))?)?);
    }
    Ok(found)
}

/// The case's time, without fractions of a second; without one it is now, as the format has it.
fn now(case: &Value) -> Result<Timestamp, String> {
    match case.get("validation_time").and_then(Value::as_str) {
        Some(time) => time.parse().map_err(|e| format!("{e}")),
        #[allow(clippy::disallowed_methods, reason = "a case without a time is to be judged now")]
        None => Ok(Timestamp::from(std::time::SystemTime::now())),
    }
}

/// The purpose that the case asks for; where it names none, the one that its kind of validation has. Others than TLS's
/// are not looked at.
fn purpose(case: &Value) -> Purpose {
    let named = case.get("extended_key_usage").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let asks = |name| named.iter().any(|item| item == name);
    if named.is_empty() {
        return if case.get("validation_kind").is_some_and(|kind| kind == "CLIENT") { Purpose::ClientAuth } else { Purpose::ServerAuth };
    }
    match (asks("anyExtendedKeyUsage"), asks("serverAuth"), asks("clientAuth")) {
        (true, ..) | (_, false, false) => Purpose::Any,
        (_, true, true) => Purpose::Both,
        (_, true, false) => Purpose::ServerAuth,
        (_, false, true) => Purpose::ClientAuth,
    }
}
