//! The stories that people come with, in miniature.

#![allow(clippy::arithmetic_side_effects, reason = "the numbers are those written here")]

mod crls;
mod garbage;
mod matrix;
mod mesh;
mod rotation;
mod warnings;

use std::time::Duration;

use rcgen::{CertificateRevocationListParams, KeyIdMethod};

use super::*;
use crate::istio::CacertsFiles;
pub(super) use crate::istio::testing::{Ca, DAY, NOW, at, below, below_with, root, root_with, set};
use crate::x509::Certificate;

pub(super) fn crypto() -> Crypto {
    Crypto::ring()
}

/// A folder of a cluster.
pub(super) fn cacerts(name: &str, chain: &[&Ca], roots: &[&Ca]) -> Evidence {
    with_files(name, set(chain, roots))
}

pub(super) fn with_files(name: &str, files: CacertsFiles) -> Evidence {
    Evidence::new(format!("{name}/cacerts"), EvidenceKind::Cacerts { cluster: None, files, manifest: false })
}

/// The Secret of an istiod that was left to itself.
pub(super) fn self_signed(name: &str, ca: &Ca) -> Evidence {
    let mut files = CacertsFiles::default();
    files.set("ca-cert.pem", ca.pem());
    files.set("ca-key.pem", ca.key.serialize_pem());
    files.set("cert-chain.pem", "");
    files.set("root-cert.pem", "");
    Evidence::new(format!("{name}.yaml"), EvidenceKind::SelfSignedCa { cluster: None, files, manifest: true })
}

pub(super) fn root_config_map(name: &str, roots: &[&Ca]) -> Evidence {
    let pem = roots.iter().map(|root| root.pem()).collect::<String>().into_bytes();
    Evidence::new(format!("{name}/istio-ca-root-cert.yaml"), EvidenceKind::RootConfigMap { cluster: None, pem })
}

pub(super) fn look(evidence: Vec<Evidence>) -> Diagnosis {
    diagnose(evidence, &Settings::default(), &crypto(), NOW)
}

/// A CRL of this CA, from yesterday, due in a while; it revokes `revoked`.
pub(super) fn crl(ca: &Ca, due_in: Duration, revoked: &[&Ca]) -> String {
    crl_due(ca, NOW.plus(due_in), revoked)
}

pub(super) fn crl_due(ca: &Ca, next_update: Timestamp, revoked: &[&Ca]) -> String {
    let entry = |ca: &&Ca| rcgen::RevokedCertParams {
        serial_number: rcgen::SerialNumber::from_slice(ca.cert.serial().as_bytes()),
        revocation_time: at(NOW.minus(DAY)),
        reason_code: Some(rcgen::RevocationReason::KeyCompromise),
        invalidity_date: None,
    };
    let params = CertificateRevocationListParams {
        this_update: at(NOW.minus(9 * DAY)),
        next_update: at(next_update),
        crl_number: rcgen::SerialNumber::from(7u64),
        issuing_distribution_point: None,
        revoked_certs: revoked.iter().map(entry).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(&ca.issuer()).unwrap().pem().unwrap()
}

/// `west>east sidecar yes`, a cell a line.
pub(super) fn said(diagnosis: &Diagnosis) -> Vec<String> {
    let line = |cell: &Cell| format!("{}>{} {} {}", cell.row, cell.column, cell.plane, cell.verdict.as_str());
    diagnosis.cells.iter().map(line).collect()
}

pub(super) fn no<'a>(diagnosis: &'a Diagnosis, row: &str, column: &str, plane: Plane) -> (&'a Cause, &'a Symptom, &'a [Step], &'a [Step]) {
    match &diagnosis.cell(row, column, plane).unwrap().verdict {
        Verdict::No { cause, symptom, mend, otherwise, .. } => (cause, symptom, mend, otherwise),
        other => panic!("{row} in {column}: {other:?}"),
    }
}

pub(super) fn until(diagnosis: &Diagnosis, row: &str, column: &str, plane: Plane) -> (Timestamp, ExpiringKind) {
    match &diagnosis.cell(row, column, plane).unwrap().verdict {
        Verdict::Yes { until, first_to_break } => {
            assert_eq!(*until, first_to_break.at);
            (*until, first_to_break.kind)
        }
        other => panic!("{row} in {column}: {other:?}"),
    }
}

pub(super) fn codes(diagnosis: &Diagnosis) -> Vec<&'static str> {
    diagnosis.warnings.iter().map(|warning| warning.code).collect()
}

pub(super) fn warning<'a>(diagnosis: &'a Diagnosis, code: &str) -> &'a Warning {
    diagnosis.warnings.iter().find(|warning| warning.code == code).unwrap_or_else(|| panic!("{code} is not among {:?}", codes(diagnosis)))
}

pub(super) fn certs(cas: &[&Ca]) -> Vec<Certificate> {
    cas.iter().map(|ca| ca.cert.clone()).collect()
}
