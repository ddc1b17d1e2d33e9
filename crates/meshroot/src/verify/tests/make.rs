//! Certificates, field by field. A key is known by its name, and so is whoever has it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use der::asn1::ObjectIdentifier;

use crate::key::{Crypto, KeyAlgorithm, PrivateKey, Signer};
use crate::time::{Timestamp, Validity};
use crate::x509::encode::{BIT_STRING, BOOLEAN, INTEGER, OCTET_STRING, OID, SEQUENCE, SET, UTF8_STRING, bytes, element, explicit, implicit, time};
use crate::x509::extension as ext;
use crate::x509::{Certificate, KeyUsage};

/// 2026-12-01T00:00:00Z
pub(super) const NOW: Timestamp = Timestamp::from_unix(1_796_083_200);
pub(super) const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn crypto() -> Crypto {
    Crypto::ring()
}

thread_local! {
    static KEYS: RefCell<HashMap<String, Arc<dyn Signer>>> = RefCell::default();
}

/// The key of this name, the same each time.
pub(super) fn key(name: &str) -> Arc<dyn Signer> {
    let make = || PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto()).unwrap().signer(&crypto()).unwrap();
    KEYS.with_borrow_mut(|keys| keys.entry(name.to_owned()).or_insert_with(make).clone())
}

pub(super) fn certificate(der: &[u8]) -> Certificate {
    Certificate::from_der(der).unwrap()
}

/// A Name of one commonName; the empty text is the empty Name.
pub(super) fn name(common_name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    element(&mut out, SEQUENCE, |out| {
        if !common_name.is_empty() {
            rdn(out, &[0x55, 0x04, 0x03], UTF8_STRING, common_name);
        }
    });
    out
}

pub(super) fn rdn(out: &mut Vec<u8>, attribute: &[u8], tag: u8, value: &str) {
    element(out, SET, |out| {
        element(out, SEQUENCE, |out| {
            bytes(out, OID, attribute);
            bytes(out, tag, value.as_bytes());
        });
    });
}

#[derive(Clone)]
pub(super) struct Made {
    /// None leaves it out, which is version 1.
    pub(super) version: Option<u8>,
    pub(super) serial: Vec<u8>,
    /// AlgorithmIdentifiers inside and outside, where they are not the signer's.
    pub(super) algorithms: Option<(Vec<u8>, Vec<u8>)>,
    pub(super) issuer: Vec<u8>,
    pub(super) validity: Validity,
    pub(super) subject: Vec<u8>,
    pub(super) spki: Vec<u8>,
    pub(super) extensions: Vec<(ObjectIdentifier, bool, Vec<u8>)>,
}

impl Made {
    /// Replaces, or adds, an extension.
    pub(super) fn set(&mut self, oid: ObjectIdentifier, critical: bool, value: Vec<u8>) {
        self.unset(oid);
        self.extensions.push((oid, critical, value));
    }

    pub(super) fn unset(&mut self, oid: ObjectIdentifier) {
        self.extensions.retain(|(known, ..)| *known != oid);
    }

    pub(super) fn with(mut self, edit: impl FnOnce(&mut Self)) -> Self {
        edit(&mut self);
        self
    }

    pub(super) fn path_len(&mut self, most: u8) {
        self.set(ext::BASIC_CONSTRAINTS, true, basic_constraints(true, Some(most)));
    }

    pub(super) fn key_usage(&mut self, usage: KeyUsage) {
        self.set(ext::KEY_USAGE, true, usage.encode());
    }

    pub(super) fn purposes(&mut self, purposes: &[&str]) {
        let mut value = Vec::new();
        element(&mut value, SEQUENCE, |out| {
            purposes.iter().for_each(|oid| bytes(out, OID, ObjectIdentifier::new_unwrap(oid).as_bytes()));
        });
        self.set(ext::EXTENDED_KEY_USAGE, false, value);
    }

    /// subjectAltName of these GeneralNames, by tag.
    pub(super) fn alt_names(&mut self, names: &[(u8, &[u8])]) {
        let mut value = Vec::new();
        element(&mut value, SEQUENCE, |out| names.iter().for_each(|(tag, content)| bytes(out, *tag, content)));
        let critical = self.subject == name("");
        self.set(ext::SUBJECT_ALT_NAME, critical, value);
    }

    /// nameConstraints of these GeneralNames, by tag.
    pub(super) fn constrain(&mut self, permitted: &[(u8, &[u8])], excluded: &[(u8, &[u8])]) {
        let mut value = Vec::new();
        element(&mut value, SEQUENCE, |out| {
            for (tag, subtrees) in [(0, permitted), (1, excluded)] {
                if !subtrees.is_empty() {
                    element(out, explicit(tag), |out| {
                        subtrees.iter().for_each(|(tag, content)| element(out, SEQUENCE, |out| bytes(out, *tag, content)));
                    });
                }
            }
        });
        self.set(ext::NAME_CONSTRAINTS, true, value);
    }

    pub(super) fn authority_key(&mut self, id: &[u8]) {
        let mut value = Vec::new();
        element(&mut value, SEQUENCE, |out| bytes(out, implicit(0), id));
        self.set(ext::AUTHORITY_KEY_IDENTIFIER, false, value);
    }

    pub(super) fn subject_key(&mut self, id: &[u8]) {
        let mut value = Vec::new();
        bytes(&mut value, OCTET_STRING, id);
        self.set(ext::SUBJECT_KEY_IDENTIFIER, false, value);
    }

    /// The certificate, signed with the key of this name.
    pub(super) fn sign(&self, signer: &str) -> Vec<u8> {
        let signer = key(signer);
        let own = signer.algorithm().identifier_der().to_vec();
        let (inside, outside) = self.algorithms.clone().unwrap_or((own.clone(), own));
        let mut tbs = Vec::new();
        element(&mut tbs, SEQUENCE, |out| {
            if let Some(version) = self.version {
                element(out, explicit(0), |out| bytes(out, INTEGER, &[version]));
            }
            bytes(out, INTEGER, &self.serial);
            out.extend_from_slice(&inside);
            out.extend_from_slice(&self.issuer);
            element(out, SEQUENCE, |out| {
                time(out, self.validity.not_before);
                time(out, self.validity.not_after);
            });
            out.extend_from_slice(&self.subject);
            out.extend_from_slice(&self.spki);
            if !self.extensions.is_empty() {
                element(out, explicit(3), |out| element(out, SEQUENCE, |out| self.write_extensions(out)));
            }
        });
        let signature = signer.sign(&tbs).unwrap();
        let mut out = Vec::new();
        element(&mut out, SEQUENCE, |out| {
            out.extend_from_slice(&tbs);
            out.extend_from_slice(&outside);
            element(out, BIT_STRING, |out| {
                out.push(0);
                out.extend_from_slice(&signature);
            });
        });
        out
    }

    fn write_extensions(&self, out: &mut Vec<u8>) {
        for (oid, critical, value) in &self.extensions {
            element(out, SEQUENCE, |out| {
                bytes(out, OID, oid.as_bytes());
                if *critical {
                    bytes(out, BOOLEAN, &[0xff]);
                }
                bytes(out, OCTET_STRING, value);
            });
        }
    }
}

fn basic_constraints(ca: bool, path_len: Option<u8>) -> Vec<u8> {
    let mut out = Vec::new();
    element(&mut out, SEQUENCE, |out| {
        if ca {
            bytes(out, BOOLEAN, &[0xff]);
        }
        if let Some(most) = path_len {
            bytes(out, INTEGER, &[most]);
        }
    });
    out
}

fn plain(subject: &str, issuer: &str) -> Made {
    Made {
        version: Some(2),
        serial: vec![0x2a],
        algorithms: None,
        issuer: name(issuer),
        validity: Validity { not_before: NOW.minus(DAY), not_after: NOW.plus(DAY) },
        subject: name(subject),
        spki: key(subject).public_key().spki_der().to_vec(),
        extensions: Vec::new(),
    }
}

/// A CA of this name, with the key of this name.
pub(super) fn ca(subject: &str, issuer: &str) -> Made {
    plain(subject, issuer).with(|made| {
        made.set(ext::BASIC_CONSTRAINTS, true, basic_constraints(true, None));
        made.key_usage(KeyUsage::KEY_CERT_SIGN.with(KeyUsage::CRL_SIGN));
    })
}

pub(super) fn root(name: &str) -> Made {
    ca(name, name)
}

/// A TLS leaf.
pub(super) fn leaf(subject: &str, issuer: &str) -> Made {
    plain(subject, issuer).with(|made| {
        made.set(ext::BASIC_CONSTRAINTS, true, basic_constraints(false, None));
        made.key_usage(KeyUsage::DIGITAL_SIGNATURE);
        made.alt_names(&[(0x82, b"leaf.example")]);
    })
}

/// An X.509-SVID as we issue them.
pub(super) fn svid(issuer: &str) -> Made {
    leaf("leaf", issuer).with(|made| {
        made.subject = name("");
        made.alt_names(&[(0x86, b"spiffe://mesh.example/ns/shop/sa/cart")]);
        made.purposes(&["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
    })
}
