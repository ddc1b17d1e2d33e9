//! Certificates for this module's tests.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SignatureAlgorithm};

use super::Bundle;
use crate::spiffe::TrustDomain;
use crate::x509::Certificate;

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Ca,
    ExpiredCa,
    CaWithoutKeyUsage,
    CaThatCannotSign,
    Leaf,
}

pub(super) fn certificate(name: &str, kind: Kind) -> Certificate {
    certificate_with(name, kind, &PKCS_ECDSA_P256_SHA256)
}

pub(super) fn certificate_with(name: &str, kind: Kind, algorithm: &'static SignatureAlgorithm) -> Certificate {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = if kind == Kind::Leaf { IsCa::ExplicitNoCa } else { IsCa::Ca(BasicConstraints::Unconstrained) };
    params.key_usages = match kind {
        Kind::Ca | Kind::ExpiredCa => vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign],
        Kind::CaWithoutKeyUsage => vec![],
        Kind::CaThatCannotSign | Kind::Leaf => vec![KeyUsagePurpose::DigitalSignature],
    };
    if kind == Kind::ExpiredCa {
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    }
    let key = KeyPair::generate_for(algorithm).unwrap();
    Certificate::from_der(params.self_signed(&key).unwrap().der()).unwrap()
}

pub(super) fn ca(name: &str) -> Certificate {
    certificate(name, Kind::Ca)
}

pub(super) fn domain() -> TrustDomain {
    TrustDomain::parse("mesh.example").unwrap()
}

pub(super) fn bundle(authorities: &[Certificate]) -> Bundle {
    Bundle::new(domain()).with_x509_authorities(authorities.iter().cloned()).unwrap().with_sequence(7)
}

/// A JWT authority's public key; the numbers are only of the right length.
pub(super) fn jwt_key(kid: &str) -> String {
    let coordinate = "A".repeat(43);
    format!(r#"{{"kty":"EC","use":"jwt-svid","kid":"{kid}","crv":"P-256","x":"{coordinate}","y":"{coordinate}"}}"#)
}
