//! A CRL as it is to be, right or wrong, and its DER.

use super::blueprint::{AUTHORITY_KEY_IDENTIFIER, key_identifier, xor};
use super::der::{BIT_STRING, BOOLEAN, ENUMERATED, INTEGER, OCTET_STRING, OID, SEQUENCE, element, list, number, time};
use super::keys::{key, signature_algorithm};

/// A CRL to be made.
#[derive(Clone, Debug)]
pub(super) struct CrlBlueprint {
    pub(super) issuer: Vec<u8>,
    pub(super) signer: usize,
    /// The key that its authorityKeyIdentifier names.
    pub(super) authority: Option<usize>,
    pub(super) this_update: i64,
    pub(super) next_update: Option<i64>,
    /// Serial numbers, and a reason for each.
    pub(super) revoked: Vec<(Vec<u8>, Option<u8>)>,
    /// issuingDistributionPoint's content, critical.
    pub(super) scope: Option<Vec<u8>>,
    /// An unknown critical extension.
    pub(super) unknown_critical: bool,
    /// deltaCRLIndicator, critical.
    pub(super) delta: bool,
    pub(super) without_number: bool,
    pub(super) broken: bool,
    pub(super) before_signing: Vec<(u8, u8)>,
}

impl CrlBlueprint {
    pub(super) fn der(&self) -> Vec<u8> {
        let entry = |(serial, reason): &(Vec<u8>, Option<u8>)| {
            let reason = reason.map(|reason| list(SEQUENCE, &[extension(&[0x55, 0x1d, 21], false, element(ENUMERATED, &[reason]))]));
            list(SEQUENCE, &[element(INTEGER, serial), time(self.this_update), reason.unwrap_or_default()])
        };
        let entries: Vec<_> = self.revoked.iter().map(entry).collect();
        let entries = if entries.is_empty() { Vec::new() } else { list(SEQUENCE, &entries) };
        let mut extensions = Vec::new();
        if let Some(authority) = self.authority {
            extensions.push(extension(AUTHORITY_KEY_IDENTIFIER, false, list(SEQUENCE, &[element(0x80, &key_identifier(authority))])));
        }
        if !self.without_number {
            extensions.push(extension(&[0x55, 0x1d, 20], false, number(7)));
        }
        if let Some(scope) = &self.scope {
            extensions.push(extension(&[0x55, 0x1d, 28], true, element(SEQUENCE, scope)));
        }
        if self.delta {
            extensions.push(extension(&[0x55, 0x1d, 27], true, number(1)));
        }
        if self.unknown_critical {
            extensions.push(extension(&[0x2a, 3, 9], true, vec![5, 0]));
        }
        let extensions = if extensions.is_empty() { Vec::new() } else { list(0xa0, &[list(SEQUENCE, &extensions)]) };
        let mut tbs = list(
            SEQUENCE,
            &[
                number(1),
                signature_algorithm(self.signer).to_vec(),
                self.issuer.clone(),
                time(self.this_update),
                self.next_update.map(time).unwrap_or_default(),
                entries,
                extensions,
            ],
        );
        xor(&mut tbs, &self.before_signing);
        let mut signature = key(self.signer).sign(&tbs).expect("a key in memory signs");
        if self.broken {
            *signature.last_mut().expect("a signature is not empty") ^= 1;
        }
        list(SEQUENCE, &[tbs, signature_algorithm(self.signer).to_vec(), element(BIT_STRING, &[&[0], &signature[..]].concat())])
    }
}

fn extension(oid: &[u8], critical: bool, value: Vec<u8>) -> Vec<u8> {
    let critical = if critical { element(BOOLEAN, &[0xff]) } else { Vec::new() };
    list(SEQUENCE, &[element(OID, oid), critical, element(OCTET_STRING, &value)])
}
