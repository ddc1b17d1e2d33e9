//! The CRLs of x509-limbo and of NIST's PKITS: all of them are read, and say what their cases expect.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;
use std::path::Path;

use meshroot::key::Crypto;
use meshroot::pem;
use meshroot::revocation::{Conformance, Crl, CrlProblem, CrlSet, Status, Subject};
use meshroot::time::Timestamp;
use meshroot::x509::Certificate;
use serde_json::Value;

/// A case with CRLs.
struct Case {
    id: String,
    crls: Vec<Crl>,
    leaf: Option<Certificate>,
    /// Those that we can read: DSA keys are none of ours.
    cas: Vec<Certificate>,
    now: Timestamp,
}

fn cases(file: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(file);
    let document: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let texts = |value: &Value| value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let certificate = |text: &str| pem::certificates(text.as_bytes()).ok().map(|mut found| found.remove(0));
    let with_crls = |case: &&Value| case["crls"].as_array().is_some_and(|crls| !crls.is_empty());
    let case = |case: &Value| Case {
        id: case["id"].as_str().unwrap().to_owned(),
        crls: texts(&case["crls"]).iter().flat_map(|text| Crl::from_pem(text.as_bytes()).unwrap()).collect(),
        leaf: certificate(case["peer_certificate"].as_str().unwrap()),
        cas: [texts(&case["untrusted_intermediates"]), texts(&case["trusted_certs"])].concat().iter().filter_map(|text| certificate(text)).collect(),
        now: case["validation_time"].as_str().unwrap().parse().unwrap(),
    };
    document["testcases"].as_array().unwrap().iter().filter(with_crls).map(case).collect()
}

impl Case {
    /// The status of every certificate that one of the CAs signed, from the leaf up; an anchor's own is not asked for.
    fn statuses(&self, conformance: Conformance) -> Vec<Status> {
        let (crypto, set) = (Crypto::ring(), CrlSet::new(self.crls.clone()).with_conformance(conformance));
        let issuer_of = |subject: &Certificate| {
            let signed = |ca: &&Certificate| *ca != subject && subject.verify_signature(ca.public_key(), &crypto).is_ok();
            self.cas.iter().find(signed)
        };
        let subjects = self.leaf.iter().chain(&self.cas);
        subjects.filter_map(|subject| Some(set.status(&Subject::of(subject), issuer_of(subject)?, &crypto, self.now))).collect()
    }
}

#[test]
fn the_cases_of_limbo_have_the_statuses_that_they_expect() {
    let mut said: BTreeMap<String, Vec<Status>> =
        cases("limbo-visible.json").iter().map(|case| (case.id.clone(), case.statuses(Conformance::Rfc5280))).collect();
    let mut take = |id: &str| said.remove(&format!("crl::{id}")).unwrap();
    let unusable = |problem| vec![Status::Unusable(problem)];
    assert_eq!(take("crlnumber-missing"), unusable(CrlProblem::NumberMissing));
    assert_eq!(take("crlnumber-critical"), unusable(CrlProblem::NumberCritical));
    assert_eq!(take("issuer-missing-crlsign"), unusable(CrlProblem::SignerLacksCrlSign));
    for id in ["certificate-serial-on-crl-different-issuer", "issuer-valid-crlsign-and-keycertsign"] {
        let said = take(id);
        assert!(matches!(said[..], [Status::Good { .. }]), "{id}: {said:?}");
    }
    assert!(said.is_empty(), "cases that nothing is expected of: {said:?}");
}

#[test]
fn the_cases_of_limbo_without_a_number_are_good_once_that_is_waived() {
    for case in cases("limbo-visible.json").iter().filter(|case| case.id.contains("crlnumber")) {
        let said = case.statuses(Conformance::Lenient);
        assert!(matches!(said[..], [Status::Good { .. }]), "{}: {said:?}", case.id);
    }
}

#[test]
fn every_crl_of_pkits_is_read_and_every_certificate_that_a_ca_signed_is_good() {
    let mut asked = 0;
    for case in cases("pkix-visible.json") {
        assert!(case.crls.iter().all(|crl| crl.problem().is_none() || crl.signature_algorithm().is_none()), "{}", case.id);
        for status in case.statuses(Conformance::Rfc5280) {
            asked += 1;
            assert!(matches!(status, Status::Good { until: Some(_) }), "{}: {status:?}", case.id);
        }
    }
    assert!(asked >= 3, "{asked}");
}
