//! Certificates with anything wrong in them: a specification whose every field a case may change, then signed.

use super::der::{TRUE, bits, int, name, oid, seq, tlv, utc};
use super::keys::{Algorithm, Key};

/// A certificate to be.
#[derive(Clone, Debug)]
pub struct Spec {
    /// `[0] EXPLICIT` version, or nothing.
    pub version: Vec<u8>,
    /// The serial number's content octets.
    pub serial: Vec<u8>,
    /// AlgorithmIdentifier inside; none: what the signature is made with.
    pub inner_algorithm: Option<Vec<u8>>,
    /// AlgorithmIdentifier outside; none: the same.
    pub outer_algorithm: Option<Vec<u8>>,
    /// How the issuer signs; none: as its key usually does.
    pub signed_with: Option<Algorithm>,
    /// The issuer's Name; none: the subject of the certificate above.
    pub issuer: Option<Vec<u8>>,
    /// A Time.
    pub not_before: Vec<u8>,
    /// A Time.
    pub not_after: Vec<u8>,
    /// A Name.
    pub subject: Vec<u8>,
    /// Its key.
    pub key: &'static Key,
    /// The key as it is written; none: as it is.
    pub spki: Option<Vec<u8>>,
    /// The unique identifiers, or nothing.
    pub unique_ids: Vec<u8>,
    /// Extensions in order.
    pub extensions: Vec<Extension>,
    /// Bits turned in the signature.
    pub forged: bool,
    /// The last change: to the finished DER.
    pub change: Option<fn(Vec<u8>) -> Vec<u8>>,
}

/// An extension to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// Dotted.
    pub oid: &'static str,
    /// The BOOLEAN, or nothing.
    pub critical: Vec<u8>,
    /// What the OCTET STRING holds. Empty in an authorityKeyIdentifier: the issuer's key identifier is filled in.
    pub value: Vec<u8>,
}

#[allow(missing_docs, reason = "the names are the extensions'")]
pub mod id {
    pub const SKI: &str = "2.5.29.14";
    pub const KEY_USAGE: &str = "2.5.29.15";
    pub const SAN: &str = "2.5.29.17";
    pub const IAN: &str = "2.5.29.18";
    pub const BASIC: &str = "2.5.29.19";
    pub const NAME_CONSTRAINTS: &str = "2.5.29.30";
    pub const CRL_DP: &str = "2.5.29.31";
    pub const POLICIES: &str = "2.5.29.32";
    pub const POLICY_MAPPINGS: &str = "2.5.29.33";
    pub const AKI: &str = "2.5.29.35";
    pub const POLICY_CONSTRAINTS: &str = "2.5.29.36";
    pub const EKU: &str = "2.5.29.37";
    pub const INHIBIT_ANY: &str = "2.5.29.54";
    pub const UNKNOWN: &str = "1.3.6.1.4.1.37476.9000.64.1";
}

impl Extension {
    /// A critical extension.
    pub fn critical(oid: &'static str, value: Vec<u8>) -> Self {
        Self { oid, critical: TRUE.to_vec(), value }
    }

    /// One that is not critical.
    pub fn plain(oid: &'static str, value: Vec<u8>) -> Self {
        Self { oid, critical: vec![], value }
    }
}

/// keyUsage with these bits, digitalSignature the highest: `0b1000_0000`.
pub fn key_usage(named: u8) -> Extension {
    let unused = named.trailing_zeros().min(8) as u8;
    let value = if named == 0 { tlv(0x03, &[0]) } else { tlv(0x03, &[unused, named]) };
    Extension::critical(id::KEY_USAGE, value)
}

/// digitalSignature.
pub const DIGITAL_SIGNATURE: u8 = 0x80;
/// keyEncipherment.
pub const KEY_ENCIPHERMENT: u8 = 0x20;
/// keyAgreement.
pub const KEY_AGREEMENT: u8 = 0x08;
/// keyCertSign.
pub const KEY_CERT_SIGN: u8 = 0x04;
/// cRLSign.
pub const CRL_SIGN: u8 = 0x02;

/// basicConstraints of a CA.
pub fn ca(path_len: Option<u8>) -> Extension {
    let path_len = path_len.map(|n| int(&[n])).unwrap_or_default();
    Extension::critical(id::BASIC, seq(&[&TRUE, &path_len]))
}

/// basicConstraints of a leaf.
pub fn not_ca() -> Extension {
    Extension::critical(id::BASIC, seq(&[]))
}

/// extKeyUsage of these purposes.
pub fn eku(purposes: &[&str]) -> Extension {
    let oids: Vec<Vec<u8>> = purposes.iter().map(|p| oid(p)).collect();
    Extension::plain(id::EKU, tlv(0x30, &oids.concat()))
}

/// serverAuth.
pub const SERVER: &str = "1.3.6.1.5.5.7.3.1";
/// clientAuth.
pub const CLIENT: &str = "1.3.6.1.5.5.7.3.2";
/// codeSigning.
pub const CODE: &str = "1.3.6.1.5.5.7.3.3";
/// anyExtendedKeyUsage.
pub const ANY: &str = "2.5.29.37.0";

/// A GeneralName: its tag (`'U'`RI, `'D'`NS, `'E'`-mail) and text.
pub fn general_name(kind: char, text: &str) -> Vec<u8> {
    tlv(
        if kind == 'E' {
            0x81
        } else if kind == 'D' {
            0x82
        } else {
            0x86
        },
        text.as_bytes(),
    )
}

/// A GeneralName that is an IP address, or an address and a mask.
pub fn ip_name(octets: &[u8]) -> Vec<u8> {
    tlv(0x87, octets)
}

/// A GeneralName that is a directory name.
pub fn directory_name(name: &[u8]) -> Vec<u8> {
    tlv(0xa4, name)
}

/// subjectAltName of these URIs.
pub fn uris(uris: &[&str]) -> Extension {
    let names: Vec<Vec<u8>> = uris.iter().map(|uri| general_name('U', uri)).collect();
    san(&names)
}

/// subjectAltName, critical.
pub fn san(names: &[Vec<u8>]) -> Extension {
    Extension::critical(id::SAN, tlv(0x30, &names.concat()))
}

/// nameConstraints, critical, of GeneralNames.
pub fn name_constraints(permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> Extension {
    let subtrees = |tag: u8, names: &[Vec<u8>]| {
        let each: Vec<Vec<u8>> = names.iter().map(|name| seq(&[name])).collect();
        if each.is_empty() { vec![] } else { tlv(tag, &each.concat()) }
    };
    Extension::critical(id::NAME_CONSTRAINTS, seq(&[&subtrees(0xa0, permitted), &subtrees(0xa1, excluded)]))
}

impl Spec {
    fn new(subject: Vec<u8>, key: &'static Key, serial: u8, extensions: Vec<Extension>) -> Self {
        let mut all = extensions;
        all.push(Extension::plain(id::SKI, tlv(0x04, &key.identifier())));
        all.push(Extension::plain(id::AKI, vec![]));
        Self {
            version: tlv(0xa0, &int(&[2])),
            serial: vec![0x40, serial],
            inner_algorithm: None,
            outer_algorithm: None,
            signed_with: None,
            issuer: None,
            not_before: utc("200101000000"),
            not_after: utc("491231235959"),
            subject,
            key,
            spki: None,
            unique_ids: vec![],
            extensions: all,
            forged: false,
            change: None,
        }
    }

    /// A root as it should be.
    pub fn root() -> Self {
        let mut root = Self::ca("Root", "root");
        root.remove(id::AKI);
        root
    }

    /// A CA as it should be, with the key of this name.
    pub fn ca(common_name: &str, key: &str) -> Self {
        let usage = key_usage(KEY_CERT_SIGN | CRL_SIGN);
        let subject = name(&[("O", "mesh.example"), ("CN", common_name)]);
        Self::new(subject, Key::p256(key), 2, vec![ca(None), usage])
    }

    /// A workload's certificate as it should be.
    pub fn leaf() -> Self {
        let extensions = vec![not_ca(), key_usage(DIGITAL_SIGNATURE), eku(&[SERVER, CLIENT]), uris(&["spiffe://mesh.example/w"])];
        Self::new(seq(&[]), Key::p256("leaf"), 3, extensions)
    }

    /// Puts an extension in the place of the one with the same identifier, or last.
    pub fn set(&mut self, extension: Extension) {
        match self.extensions.iter_mut().find(|e| e.oid == extension.oid) {
            Some(place) => *place = extension,
            None => self.extensions.push(extension),
        }
    }

    /// Takes an extension out.
    pub fn remove(&mut self, oid: &str) {
        self.extensions.retain(|e| e.oid != oid);
    }

    /// The extension with this identifier.
    pub fn get(&mut self, oid: &str) -> &mut Extension {
        self.extensions.iter_mut().find(|e| e.oid == oid).unwrap()
    }

    /// Gives it another key, and the identifier of that key if it has one.
    pub fn with_key(&mut self, key: &'static Key) {
        self.key = key;
        if self.extensions.iter().any(|e| e.oid == id::SKI) {
            self.set(Extension::plain(id::SKI, tlv(0x04, &key.identifier())));
        }
    }

    /// The finished certificate, signed by the key of the one above.
    pub fn signed_by(&self, above: &Self) -> Vec<u8> {
        let algorithm = self.signed_with.unwrap_or(above.key.algorithm());
        let identifier = algorithm.identifier();
        let inner = self.inner_algorithm.as_ref().unwrap_or(&identifier);
        let outer = self.outer_algorithm.as_ref().unwrap_or(inner);
        let tbs = seq(&[
            &self.version,
            &int(&self.serial),
            inner,
            self.issuer.as_ref().unwrap_or(&above.subject),
            &seq(&[&self.not_before, &self.not_after]),
            &self.subject,
            self.spki.as_ref().unwrap_or(&self.key.spki),
            &self.unique_ids,
            &self.extensions_der(above),
        ]);
        let mut signature = signed_once(above.key, algorithm, &tbs);
        if self.forged {
            // The last byte of an ECDSA signature is s's, which stays a number.
            *signature.last_mut().unwrap() ^= 1;
        }
        let der = seq(&[&tbs, outer, &bits(&signature)]);
        self.change.map_or(der.clone(), |change| change(der))
    }

    fn extensions_der(&self, above: &Self) -> Vec<u8> {
        if self.extensions.is_empty() {
            return vec![];
        }
        let each: Vec<Vec<u8>> = self
            .extensions
            .iter()
            .map(|e| {
                let fill = e.oid == id::AKI && e.value.is_empty();
                let value = if fill { seq(&[&tlv(0x80, &above.key.identifier())]) } else { e.value.clone() };
                seq(&[&oid(e.oid), &e.critical, &tlv(0x04, &value)])
            })
            .collect();
        tlv(0xa3, &tlv(0x30, &each.concat()))
    }
}

/// The same bytes signed by the same key get the same signature, so that equal anchors stay equal across cases.
pub(super) fn signed_once(key: &'static Key, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
    use std::collections::HashMap;
    use std::sync::{LazyLock, Mutex};
    type Made = HashMap<(String, Vec<u8>, Vec<u8>), Vec<u8>>;
    static MADE: LazyLock<Mutex<Made>> = LazyLock::new(Mutex::default);
    let label = (format!("{} {algorithm:?}", key.name), key.spki.clone(), message.to_vec());
    MADE.lock().unwrap().entry(label).or_insert_with(|| key.sign(algorithm, message)).clone()
}
