//! How long a diagnosis of 200 clusters takes: 40,000 ordered pairs in two data planes, on one core.
//! `cargo bench -p meshroot --bench doctor`.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a benchmark measures time and may stop"
)]

use std::time::Instant;

use meshroot::doctor::{Diagnosis, Evidence, EvidenceKind, Settings, Verdict, diagnose};
use meshroot::istio::CacertsFiles;
use meshroot::key::Crypto;
use meshroot::time::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose};
use time::OffsetDateTime;

/// 2026-12-01T00:00:00Z
const NOW: i64 = 1_796_083_200;
const DAY: i64 = 86_400;

struct Ca {
    params: CertificateParams,
    key: KeyPair,
    pem: String,
}

fn main() {
    // `cargo test --benches` only wants to see that it runs.
    let clusters = if std::env::args().any(|arg| arg == "--test") { 4 } else { 200 };
    println!("{:<64} {:>8} {:>8} {:>10}", format!("{clusters} clusters"), "yes", "no", "seconds");

    let root = ca("root", None);
    let below: Vec<Ca> = (0..clusters).map(|n| ca(&format!("cluster {n}"), Some(&root))).collect();
    measure("one root", below.iter().map(|ca| files(ca, &root.pem, None)));

    let lists: String = core::iter::once(&root).chain(&below).map(crl).collect();
    measure("one root, a CRL of every CA", below.iter().map(|ca| files(ca, &root.pem, Some(&lists))));
    let of_root = crl(&root);
    let own: Vec<String> = below.iter().map(|ca| of_root.clone() + &crl(ca)).collect();
    measure("one root, each with its own CRLs alone", below.iter().zip(&own).map(|(ca, own)| files(ca, &root.pem, Some(own))));

    let lonely: Vec<Ca> = (0..clusters).map(|_| ca("cluster.local", None)).collect();
    measure("each a root of the same name", lonely.iter().map(|ca| files(ca, &ca.pem, None)));
    let all: String = lonely.iter().map(|ca| ca.pem.as_str()).collect();
    measure("each a root of the same name, all exchanged", lonely.iter().map(|ca| files(ca, &all, None)));

    // Every cluster lacks another root.
    let partial = |skip: usize| lonely.iter().enumerate().filter(|(n, _)| *n != skip).map(|(_, ca)| ca.pem.as_str()).collect::<String>();
    measure(
        "each a root of the same name, one missing in each",
        lonely.iter().enumerate().map(|(n, ca)| files(ca, &partial((n + 1) % clusters), None)),
    );
}

fn measure(what: &str, files: impl Iterator<Item = CacertsFiles>) {
    let evidence: Vec<Evidence> = files
        .enumerate()
        .map(|(n, files)| Evidence::new(format!("c{n}/cacerts"), EvidenceKind::Cacerts { cluster: None, files, manifest: false }))
        .collect();
    let start = Instant::now();
    let diagnosis = diagnose(evidence, &Settings::default(), &Crypto::ring(), Timestamp::from_unix(NOW));
    let seconds = start.elapsed().as_secs_f64();
    let count = |wanted: fn(&Verdict) -> bool| diagnosis.cells.iter().filter(|cell| wanted(&cell.verdict)).count();
    let (yes, no) = (count(|v| matches!(v, Verdict::Yes { .. })), count(|v| matches!(v, Verdict::No { .. })));
    println!("{what:<64} {yes:>8} {no:>8} {seconds:>10.3}");
    consume(&diagnosis);
}

fn consume(diagnosis: &Diagnosis) {
    std::hint::black_box(diagnosis.forecast.len() + diagnosis.warnings.len());
}

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap()
}

fn ca(name: &str, above: Option<&Ca>) -> Ca {
    let mut params = CertificateParams::default();
    params.not_before = at(NOW - 30 * DAY);
    params.not_after = at(NOW + if above.is_some() { 365 } else { 3650 } * DAY);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = above.is_some();
    let key = KeyPair::generate().unwrap();
    let cert = match above {
        Some(above) => params.signed_by(&key, &Issuer::from_params(&above.params, &above.key)),
        None => params.self_signed(&key),
    };
    let pem = cert.unwrap().pem();
    Ca { params, key, pem }
}

fn crl(ca: &Ca) -> String {
    let params = CertificateRevocationListParams {
        this_update: at(NOW - DAY),
        next_update: at(NOW + 7 * DAY),
        crl_number: rcgen::SerialNumber::from(7u64),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(&Issuer::from_params(&ca.params, &ca.key)).unwrap().pem().unwrap()
}

fn files(ca: &Ca, roots: &str, crls: Option<&str>) -> CacertsFiles {
    let mut files = CacertsFiles::default();
    files.set("ca-cert.pem", ca.pem.as_str());
    files.set("ca-key.pem", ca.key.serialize_pem());
    files.set("cert-chain.pem", ca.pem.as_str());
    files.set("root-cert.pem", roots);
    if let Some(crls) = crls {
        files.set("ca-crl.pem", crls);
    }
    files
}
