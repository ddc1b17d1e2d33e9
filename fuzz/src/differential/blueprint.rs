//! A certificate as it is to be, right or wrong, and its DER.

use super::der::{BIT_STRING, BOOLEAN, INTEGER, OCTET_STRING, OID, SEQUENCE, SET, element, list, number, time};
use super::keys::{key, signature_algorithm};

pub(super) const SUBJECT_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 14];
pub(super) const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
pub(super) const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 17];
pub(super) const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
pub(super) const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 30];
pub(super) const AUTHORITY_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 35];
pub(super) const POLICY_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 36];
pub(super) const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];

/// Bits of keyUsage as they stand in its first octet.
pub(super) const DIGITAL_SIGNATURE: u8 = 0x80;
pub(super) const KEY_CERT_SIGN: u8 = 0x04;
pub(super) const CRL_SIGN: u8 = 0x02;

/// A certificate to be made.
#[derive(Clone, Debug)]
pub(super) struct Blueprint {
    /// As it is encoded: 2 is version 3; 0 is left out.
    pub(super) version: u8,
    /// Content octets.
    pub(super) serial: Vec<u8>,
    pub(super) issuer: Vec<u8>,
    pub(super) subject: Vec<u8>,
    pub(super) not_before: i64,
    pub(super) not_after: i64,
    /// Its own key, by number.
    pub(super) key: usize,
    /// Its issuer's.
    pub(super) signer: usize,
    pub(super) extensions: Vec<Extension>,
    pub(super) flaw: Flaw,
    /// Changes of single bytes before signing: place in 256ths of the length, and what is xored.
    pub(super) before_signing: Vec<(u8, u8)>,
    /// The same after signing.
    pub(super) after_signing: Vec<(u8, u8)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Extension {
    pub(super) oid: Vec<u8>,
    pub(super) critical: bool,
    pub(super) value: Vec<u8>,
}

/// What is wrong with how it is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    None,
    /// A bit of the signature is flipped.
    Broken,
    /// The two AlgorithmIdentifiers differ.
    AlgorithmsDiffer,
    /// Both carry a NULL that does not belong there.
    NullParameters,
    /// issuerUniqueID is there.
    UniqueId,
    /// A byte follows the certificate.
    TrailingByte,
}

impl Blueprint {
    /// The certificate, signed.
    pub(super) fn der(&self) -> Vec<u8> {
        let mut tbs = self.to_be_signed();
        xor(&mut tbs, &self.before_signing);
        let mut signature = key(self.signer).sign(&tbs).expect("a key in memory signs");
        if self.flaw == Flaw::Broken {
            // The last byte is part of s: what comes out is a signature in form, and wrong.
            *signature.last_mut().expect("a signature is not empty") ^= 1;
        }
        let outer = if self.flaw == Flaw::AlgorithmsDiffer { signature_algorithm(self.signer + 1) } else { &self.algorithm() };
        let mut der = list(SEQUENCE, &[tbs, outer.to_vec(), element(BIT_STRING, &[&[0], &signature[..]].concat())]);
        if self.flaw == Flaw::TrailingByte {
            der.push(0);
        }
        xor(&mut der, &self.after_signing);
        der
    }

    fn algorithm(&self) -> Vec<u8> {
        let plain = signature_algorithm(self.signer);
        if self.flaw == Flaw::NullParameters { element(SEQUENCE, &[&plain[2..], &[5, 0]].concat()) } else { plain.to_vec() }
    }

    fn to_be_signed(&self) -> Vec<u8> {
        let mut parts = Vec::new();
        if self.version != 0 {
            parts.push(list(0xa0, &[element(INTEGER, &[self.version])]));
        }
        parts.push(element(INTEGER, &self.serial));
        parts.push(self.algorithm());
        parts.push(self.issuer.clone());
        parts.push(list(SEQUENCE, &[time(self.not_before), time(self.not_after)]));
        parts.push(self.subject.clone());
        parts.push(key(self.key).public_key().spki_der().to_vec());
        if self.flaw == Flaw::UniqueId {
            parts.push(element(0x81, &[0, 1]));
        }
        if !self.extensions.is_empty() {
            let all: Vec<_> = self.extensions.iter().map(Extension::der).collect();
            parts.push(list(0xa3, &[list(SEQUENCE, &all)]));
        }
        list(SEQUENCE, &parts)
    }

    pub(super) fn extension(&self, oid: &[u8]) -> Option<&Extension> {
        self.extensions.iter().find(|e| e.oid == oid)
    }

    /// Puts an extension in the place of the one with its identifier.
    pub(super) fn set(&mut self, oid: &[u8], critical: bool, value: Vec<u8>) {
        let new = Extension { oid: oid.to_vec(), critical, value };
        match self.extensions.iter_mut().find(|e| e.oid == oid) {
            Some(old) => *old = new,
            None => self.extensions.push(new),
        }
    }

    pub(super) fn remove(&mut self, oid: &[u8]) {
        self.extensions.retain(|e| e.oid != oid);
    }
}

impl Extension {
    fn der(&self) -> Vec<u8> {
        let critical = if self.critical { element(BOOLEAN, &[0xff]) } else { Vec::new() };
        list(SEQUENCE, &[element(OID, &self.oid), critical, element(OCTET_STRING, &self.value)])
    }
}

pub(super) fn basic_constraints(ca: bool, path_len: Option<u16>) -> Vec<u8> {
    let ca = if ca { element(BOOLEAN, &[0xff]) } else { Vec::new() };
    list(SEQUENCE, &[ca, path_len.map(number).unwrap_or_default()])
}

/// The first octet's bits; DER leaves trailing zero bits out.
pub(super) fn key_usage(bits: u8) -> Vec<u8> {
    match bits {
        0 => element(BIT_STRING, &[0]),
        _ => element(BIT_STRING, &[bits.trailing_zeros() as u8, bits]),
    }
}

/// extKeyUsage: the last arc of id-kp, 0 for anyExtendedKeyUsage.
pub(super) fn extended_key_usage(purposes: &[u8]) -> Vec<u8> {
    let oid = |purpose: &u8| match purpose {
        0 => element(OID, &[0x55, 0x1d, 0x25, 0x00]),
        n => element(OID, &[0x2b, 6, 1, 5, 5, 7, 3, *n]),
    };
    list(SEQUENCE, &purposes.iter().map(oid).collect::<Vec<_>>())
}

/// A Name of one commonName in UTF8String, or none when the text is empty.
pub(super) fn common_name(text: &str) -> Vec<u8> {
    name(&[(3, 0x0c, text)])
}

/// A Name: the attribute's last arc below 2.5.4, the string's tag, the text.
pub(super) fn name(attributes: &[(u8, u8, &str)]) -> Vec<u8> {
    let rdn = |(arc, tag, text): &(u8, u8, &str)| match text.is_empty() {
        true => Vec::new(),
        false => list(SET, &[list(SEQUENCE, &[element(OID, &[0x55, 4, *arc]), element(*tag, text.as_bytes())])]),
    };
    list(SEQUENCE, &attributes.iter().map(rdn).collect::<Vec<_>>())
}

/// An identifier of a key that everybody agrees on.
pub(super) fn key_identifier(key: usize) -> Vec<u8> {
    (0..20).map(|i| (key as u8).wrapping_mul(7).wrapping_add(i)).collect()
}

pub(super) fn xor(bytes: &mut [u8], changes: &[(u8, u8)]) {
    for (place, with) in changes {
        let at = usize::from(*place) * bytes.len() / 256;
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= with;
        }
    }
}
