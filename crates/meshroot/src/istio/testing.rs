//! Certificates for the tests of this module: a passing set, of which each test changes one thing.

#![allow(clippy::arithmetic_side_effects, reason = "the numbers are those written here")]

use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::{CacertsFiles, Report, check};
use crate::key::{Crypto, PrivateKey};
use crate::pem;
use crate::time::Timestamp;
use crate::x509::Certificate;

/// 2026-12-01T00:00:00Z
pub(crate) const NOW: Timestamp = Timestamp::from_unix(1_796_083_200);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

pub(crate) fn at(t: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(t.unix()).unwrap()
}

/// A CA: what it was made of, and what came out.
pub(crate) struct Ca {
    pub(crate) params: CertificateParams,
    pub(crate) key: KeyPair,
    pub(crate) cert: Certificate,
}

pub(crate) type Edit = fn(&mut CertificateParams);

/// A root after `edit`.
pub(crate) fn root_with(name: &str, edit: Edit) -> Ca {
    let mut params = sound(name);
    edit(&mut params);
    let key = KeyPair::generate().unwrap();
    let cert = Certificate::from_der(params.self_signed(&key).unwrap().der()).unwrap();
    Ca { params, key, cert }
}

pub(crate) fn root(name: &str) -> Ca {
    root_with(name, |_| ())
}

/// A CA under `above`, which ends a day before it, after `edit`.
pub(crate) fn below_with(above: &Ca, name: &str, edit: Edit) -> Ca {
    let mut params = sound(name);
    params.not_after = above.params.not_after - DAY;
    params.use_authority_key_identifier_extension = true;
    edit(&mut params);
    let key = KeyPair::generate().unwrap();
    let cert = Certificate::from_der(params.signed_by(&key, &above.issuer()).unwrap().der()).unwrap();
    Ca { params, key, cert }
}

pub(crate) fn below(above: &Ca, name: &str) -> Ca {
    below_with(above, name, |_| ())
}

impl Ca {
    pub(crate) fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }

    pub(crate) fn private_key(&self) -> PrivateKey {
        PrivateKey::from_pkcs8(Zeroizing::new(self.key.serialize_der()), &*Crypto::ring()).unwrap()
    }

    pub(crate) fn pem(&self) -> String {
        self.cert.to_pem()
    }
}

fn sound(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = at(NOW.minus(30 * DAY));
    params.not_after = at(NOW.plus(3650 * DAY));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "mesh.example");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// A set in Istio's layout: the first of `chain` signs.
pub(crate) fn set(chain: &[&Ca], roots: &[&Ca]) -> CacertsFiles {
    let pems = |cas: &[&Ca]| cas.iter().map(|ca| ca.pem()).collect::<String>();
    let mut files = CacertsFiles::default();
    files.set("ca-cert.pem", chain[0].pem());
    files.set("ca-key.pem", chain[0].key.serialize_pem());
    files.set("cert-chain.pem", pems(chain));
    files.set("root-cert.pem", pems(roots));
    files
}

pub(crate) fn report(files: &CacertsFiles) -> Report {
    check(files, &Crypto::ring(), NOW)
}

/// The codes of all findings, the worst first, each with the first letter of its severity: `I`, `M` or `H`.
pub(crate) fn codes(files: &CacertsFiles) -> Vec<String> {
    let report = report(files);
    let said: Vec<_> = report.findings().iter().map(|f| format!("{} {}", &format!("{:?}", f.severity)[..1], f.code)).collect();
    for finding in report.findings() {
        assert!(finding.code.starts_with("istio.") && CacertsFiles::NAMES.contains(&finding.file), "{finding}");
        assert!(!finding.message.is_empty() && !finding.remedy.is_empty(), "{finding}");
    }
    said
}

/// The files of `text`, in PEM, as bytes: for building sets by hand.
pub(crate) fn pem_of(ders: &[&[u8]]) -> String {
    ders.iter().map(|der| pem::encode_certificate(der)).collect()
}
