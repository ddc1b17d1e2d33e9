//! Certificate authorities, leaves and CRLs of any shape, right or wrong, from keys that are given.

use std::sync::Arc;
use std::time::Duration;

use meshroot::key::{Crypto, PrivateKey, PublicKey, Signer};
use meshroot::time::Timestamp;
use meshroot::x509::Certificate;

use crate::der::{bits, integer, name, named_bits, oid, pem, sequence, time, tlv};

/// A day.
pub const DAY: Duration = Duration::from_secs(86_400);
/// A year, as people count lifetimes.
pub const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// A CA: its certificate and its key.
#[derive(Clone, Debug)]
pub struct Ca {
    /// The certificate.
    pub certificate: Certificate,
    /// The key, in PEM as istiod reads it.
    pub key_pem: String,
    /// The signer of that key.
    pub signer: Arc<dyn Signer>,
}

/// A workload's certificate with its chain and key.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// What the workload presents: its certificate first.
    pub chain: Vec<Certificate>,
    /// Its key, PKCS#8 in DER.
    pub key: Vec<u8>,
}

/// What goes into a CA's certificate.
#[derive(Clone, Debug)]
pub struct Shape {
    /// The subject, in DER.
    pub subject: Vec<u8>,
    /// The first second.
    pub not_before: Timestamp,
    /// The last second.
    pub not_after: Timestamp,
    /// The bits of keyUsage: 5 is keyCertSign, 6 cRLSign.
    pub key_usage: Vec<u8>,
    /// pathLenConstraint.
    pub path_length: Option<u8>,
    /// The URI of the subjectAltName.
    pub uri: Option<String>,
    /// A critical nameConstraints that permits URIs of this host and no other.
    pub permitted_uri: Option<String>,
    /// The subjectKeyIdentifier, where it is not to be ours.
    pub key_id: Option<Vec<u8>>,
}

impl Shape {
    /// A sound CA, `O=organization, CN=common_name`, from a day ago until `not_after`.
    pub fn sound(organization: &str, common_name: &str, now: Timestamp, not_after: Timestamp) -> Self {
        let subject = name(&[(10, organization), (3, common_name)]);
        Self {
            subject,
            not_before: now.minus(DAY),
            not_after,
            key_usage: vec![5, 6],
            path_length: None,
            uri: None,
            permitted_uri: None,
            key_id: None,
        }
    }
}

impl Ca {
    /// A CA that signs itself.
    pub fn root(shape: &Shape, key: &PrivateKey, crypto: &Crypto) -> Self {
        let signer = key.signer(crypto).unwrap();
        let certificate = certify(shape, key.public_key(), &shape.subject, None, &*signer, crypto);
        Self { certificate, key_pem: key.to_pkcs8_pem().to_string(), signer }
    }

    /// A certificate of this CA's own name and key, by itself.
    pub fn certify_itself(&self, shape: &Shape, crypto: &Crypto) -> Certificate {
        certify(shape, self.certificate.public_key(), &shape.subject, None, &*self.signer, crypto)
    }

    /// A CA below this one.
    #[must_use]
    pub fn below(&self, shape: &Shape, key: &PrivateKey, crypto: &Crypto) -> Self {
        Self {
            certificate: self.certify(shape, key.public_key(), crypto),
            key_pem: key.to_pkcs8_pem().to_string(),
            signer: key.signer(crypto).unwrap(),
        }
    }

    /// A certificate of a CA with this key, below this one.
    pub fn certify(&self, shape: &Shape, key: &PublicKey, crypto: &Crypto) -> Certificate {
        let issuer = self.certificate.subject().as_der();
        certify(shape, key, issuer, self.certificate.subject_key_id().map(|id| id.as_bytes()), &*self.signer, crypto)
    }

    /// A leaf as istiod makes it (no subject, one critical URI, serverAuth and clientAuth), from two minutes ago for a day. It is not cut at the
    /// CA's own end: what counts is the judgement of the CA.
    pub fn leaf(&self, id: &str, key: &PrivateKey, now: Timestamp, crypto: &Crypto) -> Certificate {
        self.leaf_between(id, key.public_key(), now.minus(Duration::from_secs(120)), now.plus(DAY), crypto)
    }

    /// The same between any two times, for a key of which only the public half is known.
    pub fn leaf_between(&self, id: &str, key: &PublicKey, not_before: Timestamp, not_after: Timestamp, crypto: &Crypto) -> Certificate {
        let mut extensions = vec![
            extension(0x0f, true, &named_bits(&[0, 2])),
            extension(0x25, false, &sequence(&[&oid(&[0x2b, 6, 1, 5, 5, 7, 3, 1]), &oid(&[0x2b, 6, 1, 5, 5, 7, 3, 2])])),
            extension(0x13, true, &sequence(&[])),
        ];
        extensions.extend(self.certificate.subject_key_id().map(|id| authority_key_id(id.as_bytes())));
        extensions.push(extension(0x11, true, &sequence(&[&tlv(0x86, id.as_bytes())])));
        let validity = sequence(&[&time(not_before), &time(not_after)]);
        let issuer = self.certificate.subject().as_der();
        build(issuer, &validity, &sequence(&[]), key, &extensions, &*self.signer, crypto)
    }

    /// A CRL of this CA with an authority key identifier and a number.
    pub fn crl(&self, this_update: Timestamp, next_update: Timestamp, revoked: &[&Certificate]) -> Vec<u8> {
        let algorithm = self.signer.algorithm();
        let algorithm = algorithm_identifier(&algorithm.to_string());
        let entries: Vec<u8> =
            revoked.iter().flat_map(|certificate| sequence(&[&integer(certificate.serial().as_bytes()), &time(this_update)])).collect();
        let mut extensions: Vec<Vec<u8>> = self.certificate.subject_key_id().map(|id| authority_key_id(id.as_bytes())).into_iter().collect();
        extensions.push(extension(0x14, false, &integer(&u32::try_from(this_update.unix()).unwrap().to_be_bytes())));
        let tbs = sequence(&[
            &integer(&[1]),
            algorithm,
            self.certificate.subject().as_der(),
            &time(this_update),
            &time(next_update),
            &if entries.is_empty() { Vec::new() } else { tlv(0x30, &entries) },
            &tlv(0xa0, &tlv(0x30, &extensions.concat())),
        ]);
        sequence(&[&tbs, algorithm, &bits(&self.signer.sign(&tbs).unwrap())])
    }
}

/// Several CRLs in one PEM file, as `ca-crl.pem` holds them.
pub fn crls_pem(crls: &[Vec<u8>]) -> String {
    crls.iter().map(|crl| pem("X509 CRL", crl)).collect()
}

/// Several certificates in one PEM file.
pub fn certificates_pem(certificates: &[Certificate]) -> String {
    certificates.iter().map(Certificate::to_pem).collect()
}

fn certify(shape: &Shape, key: &PublicKey, issuer: &[u8], above: Option<&[u8]>, signer: &dyn Signer, crypto: &Crypto) -> Certificate {
    let path_length = shape.path_length.map(|n| integer(&[n])).unwrap_or_default();
    let key_id = shape.key_id.clone().unwrap_or_else(|| key.key_id(crypto).as_bytes().to_vec());
    let mut extensions = vec![
        extension(0x13, true, &sequence(&[&[0x01, 0x01, 0xff], &path_length])),
        extension(0x0f, true, &named_bits(&shape.key_usage)),
        extension(0x0e, false, &tlv(0x04, &key_id)),
    ];
    extensions.extend(above.map(authority_key_id));
    extensions.extend(shape.uri.as_ref().map(|uri| extension(0x11, false, &sequence(&[&tlv(0x86, uri.as_bytes())]))));
    extensions.extend(shape.permitted_uri.as_ref().map(|host| {
        let subtree = sequence(&[&tlv(0x86, host.as_bytes())]);
        extension(0x1e, true, &sequence(&[&tlv(0xa0, &subtree)]))
    }));
    let validity = sequence(&[&time(shape.not_before), &time(shape.not_after)]);
    build(issuer, &validity, &shape.subject, key, &extensions, signer, crypto)
}

fn build(
    issuer: &[u8],
    validity: &[u8],
    subject: &[u8],
    key: &PublicKey,
    extensions: &[Vec<u8>],
    signer: &dyn Signer,
    crypto: &Crypto,
) -> Certificate {
    let algorithm = signer.algorithm();
    let algorithm = algorithm_identifier(&algorithm.to_string());
    // The serial number is a digest of the contents, so that a scene is the same from run to run.
    let contents = [issuer, validity, subject, key.spki_der(), &extensions.concat()].concat();
    let mut serial = crypto.sha256(&contents)[..16].to_vec();
    serial[0] = serial[0] & 0x3f | 0x40;
    let tbs = sequence(&[
        &tlv(0xa0, &integer(&[2])),
        &integer(&serial),
        algorithm,
        issuer,
        validity,
        subject,
        key.spki_der(),
        &tlv(0xa3, &tlv(0x30, &extensions.concat())),
    ]);
    Certificate::from_der(&sequence(&[&tbs, algorithm, &bits(&signer.sign(&tbs).unwrap())])).unwrap()
}

/// An extension of X.509; `kind` is the last byte of its OID below 2.5.29.
fn extension(kind: u8, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[0x01, 0x01, 0xff] } else { &[] };
    sequence(&[&oid(&[0x55, 0x1d, kind]), critical, &tlv(0x04, value)])
}

fn authority_key_id(id: &[u8]) -> Vec<u8> {
    extension(0x23, false, &sequence(&[&tlv(0x80, id)]))
}

fn algorithm_identifier(name: &str) -> &'static [u8] {
    match name {
        "ecdsa-with-SHA256" => &[0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
        "sha256WithRSAEncryption" => &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00],
        other => panic!("scenes do not sign with {other}"),
    }
}
