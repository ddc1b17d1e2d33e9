//! CAs of rcgen's, their leaves, and CRLs made by hand, so that any part of one can be wrong.

#![allow(clippy::arithmetic_side_effects, reason = "the numbers are those written here")]

mod entries;
mod extensions;
mod forms;
mod making;
mod openssl;
mod pem;
mod random;
mod scopes;
mod status;

use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::*;
use crate::key::{Crypto, PrivateKey, Signer};
use crate::time::Timestamp;
use crate::x509::encode::{BIT_STRING, BOOLEAN, INTEGER, OCTET_STRING, OID, SEQUENCE, bytes, element, explicit, implicit, positive_integer, time};
use crate::x509::{Certificate, SerialNumber};

/// 2026-12-01T00:00:00Z
const NOW: Timestamp = Timestamp::from_unix(1_796_083_200);
const DAY: Duration = Duration::from_secs(86_400);
const YEAR: Duration = Duration::from_secs(365 * 86_400);

fn crypto() -> Crypto {
    Crypto::ring()
}

/// A CA: its certificate and its key.
struct Ca {
    params: CertificateParams,
    key: KeyPair,
    cert: Certificate,
    signer: Arc<dyn Signer>,
}

fn ca(name: &str) -> Ca {
    ca_with(name, |_| ())
}

fn ca_with(name: &str, edit: fn(&mut CertificateParams)) -> Ca {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    edit(&mut params);
    let key = KeyPair::generate().unwrap();
    let cert = Certificate::from_der(params.self_signed(&key).unwrap().der()).unwrap();
    let private = PrivateKey::from_pkcs8(Zeroizing::new(key.serialize_der()), &*crypto()).unwrap();
    let signer = private.signer(&crypto()).unwrap();
    Ca { params, key, cert, signer }
}

fn params(name: &str) -> CertificateParams {
    let at = |t: Timestamp| OffsetDateTime::from_unix_timestamp(t.unix()).unwrap();
    let mut params = CertificateParams::default();
    (params.not_before, params.not_after) = (at(NOW.minus(YEAR)), at(NOW.plus(YEAR)));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

impl Ca {
    fn leaf(&self, serial: u64) -> Certificate {
        self.below(serial, |_| ())
    }

    fn below(&self, serial: u64, edit: fn(&mut CertificateParams)) -> Certificate {
        let mut params = params("leaf");
        params.serial_number = Some(serial.into());
        edit(&mut params);
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::from_params(&self.params, &self.key);
        Certificate::from_der(params.signed_by(&key, &issuer).unwrap().der()).unwrap()
    }

    /// A sound CRL, yesterday's and tomorrow's.
    fn crl(&self) -> Forge {
        let aki = sequence(|out| bytes(out, implicit(0), self.cert.subject_key_id().unwrap().as_bytes()));
        Forge {
            version: vec![INTEGER, 1, 1],
            algorithm: self.signer.algorithm().identifier_der().to_vec(),
            issuer: self.cert.subject().as_der().to_vec(),
            this_update: der_time(NOW.minus(DAY)),
            next_update: der_time(NOW.plus(DAY)),
            revoked: None,
            extensions: vec![extension(35, false, &aki), extension(20, false, &[INTEGER, 1, 7])],
            signer: Arc::clone(&self.signer),
        }
    }
}

/// The parts of a CRL, each in DER with its header.
#[derive(Clone)]
struct Forge {
    version: Vec<u8>,
    algorithm: Vec<u8>,
    issuer: Vec<u8>,
    this_update: Vec<u8>,
    next_update: Vec<u8>,
    revoked: Option<Vec<Vec<u8>>>,
    extensions: Vec<Vec<u8>>,
    signer: Arc<dyn Signer>,
}

impl Forge {
    fn with(mut self, edit: impl FnOnce(&mut Self)) -> Self {
        edit(&mut self);
        self
    }

    fn revoking(self, serial: u64) -> Self {
        self.entry(entry(&serial.to_be_bytes(), NOW.minus(DAY), &[]))
    }

    fn entry(mut self, entry: Vec<u8>) -> Self {
        self.revoked.get_or_insert_default().push(entry);
        self
    }

    fn extension(self, extension: Vec<u8>) -> Self {
        self.with(|crl| crl.extensions.push(extension))
    }

    /// Without the extension of this number.
    fn without(self, id_ce: u8) -> Self {
        self.with(|crl| crl.extensions.retain(|extension| extension[6] != id_ce))
    }

    fn valid(self, from: Timestamp, until: Timestamp) -> Self {
        self.with(|crl| (crl.this_update, crl.next_update) = (der_time(from), der_time(until)))
    }

    fn tbs(&self) -> Vec<u8> {
        sequence(|out| {
            for part in [&self.version, &self.algorithm, &self.issuer, &self.this_update, &self.next_update] {
                out.extend_from_slice(part);
            }
            if let Some(revoked) = &self.revoked {
                element(out, SEQUENCE, |out| out.extend(revoked.concat()));
            }
            if !self.extensions.is_empty() {
                element(out, explicit(0), |out| element(out, SEQUENCE, |out| out.extend(self.extensions.concat())));
            }
        })
    }

    fn der(&self) -> Vec<u8> {
        let tbs = self.tbs();
        let signature = self.signer.sign(&tbs).unwrap();
        assemble(&tbs, self.signer.algorithm().identifier_der(), &signature)
    }

    fn read(&self) -> Crl {
        Crl::from_der(&self.der()).unwrap()
    }

    fn fails(&self) -> String {
        Crl::from_der(&self.der()).unwrap_err().to_string()
    }
}

fn assemble(tbs: &[u8], algorithm: &[u8], signature: &[u8]) -> Vec<u8> {
    sequence(|out| {
        out.extend_from_slice(tbs);
        out.extend_from_slice(algorithm);
        bytes(out, BIT_STRING, &[&[0], signature].concat());
    })
}

fn sequence(content: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    element(&mut out, SEQUENCE, content);
    out
}

fn der_time(t: Timestamp) -> Vec<u8> {
    let mut out = Vec::new();
    time(&mut out, t);
    out
}

/// An extension with an identifier below `id-ce`.
fn extension(id_ce: u8, critical: bool, value: &[u8]) -> Vec<u8> {
    extension_of(&[0x55, 0x1d, id_ce], critical, value)
}

fn extension_of(oid: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    sequence(|out| {
        bytes(out, OID, oid);
        if critical {
            bytes(out, BOOLEAN, &[0xff]);
        }
        bytes(out, OCTET_STRING, value);
    })
}

/// An entry with these extensions.
fn entry(serial: &[u8], at: Timestamp, extensions: &[Vec<u8>]) -> Vec<u8> {
    sequence(|out| {
        positive_integer(out, serial);
        time(out, at);
        if !extensions.is_empty() {
            element(out, SEQUENCE, |out| out.extend(extensions.concat()));
        }
    })
}

fn reason(number: u8) -> Vec<u8> {
    extension(21, false, &[0x0a, 1, number])
}

fn serial(number: u64) -> SerialNumber {
    SerialNumber::from_bytes(&number.to_be_bytes())
}
