//! Certificate revocation lists, right or wrong.

use super::cert::{Extension, Spec, id, signed_once};
use super::der::{bits, int, oid, seq, tlv, utc};

/// A CRL to be.
#[derive(Clone, Debug)]
pub struct CrlSpec {
    /// A Time.
    pub this_update: Vec<u8>,
    /// A Time, or nothing.
    pub next_update: Vec<u8>,
    /// Serial numbers' content octets, with entry extensions (DER of the SEQUENCE) or nothing.
    pub revoked: Vec<(Vec<u8>, Vec<u8>)>,
    /// CRL extensions.
    pub extensions: Vec<Extension>,
    /// A bit of the signature turned.
    pub forged: bool,
}

impl CrlSpec {
    /// An empty CRL, good until 2049.
    pub fn empty() -> Self {
        let number = Extension::plain("2.5.29.20", int(&[1]));
        let authority = Extension::plain(id::AKI, vec![]);
        Self {
            this_update: utc("200101000000"),
            next_update: utc("491231235959"),
            revoked: vec![],
            extensions: vec![authority, number],
            forged: false,
        }
    }

    /// With this certificate revoked.
    pub fn revoking(mut self, spec: &Spec) -> Self {
        self.revoked.push((spec.serial.clone(), vec![]));
        self
    }

    /// The finished list, of this CA.
    pub fn signed_by(&self, ca: &Spec) -> Vec<u8> {
        let algorithm = ca.key.algorithm();
        let entries: Vec<Vec<u8>> = self.revoked.iter().map(|(serial, more)| seq(&[&int(serial), &utc("210101000000"), more])).collect();
        let entries = if entries.is_empty() { vec![] } else { tlv(0x30, &entries.concat()) };
        let extensions: Vec<Vec<u8>> = self
            .extensions
            .iter()
            .map(|e| {
                let value = if e.oid == id::AKI && e.value.is_empty() { seq(&[&tlv(0x80, &ca.key.identifier())]) } else { e.value.clone() };
                seq(&[&oid(e.oid), &e.critical, &tlv(0x04, &value)])
            })
            .collect();
        let tbs = seq(&[
            &int(&[1]),
            &algorithm.identifier(),
            &ca.subject,
            &self.this_update,
            &self.next_update,
            &entries,
            &tlv(0xa0, &tlv(0x30, &extensions.concat())),
        ]);
        let mut signature = signed_once(ca.key, algorithm, &tbs);
        if self.forged {
            *signature.last_mut().unwrap() ^= 1;
        }
        seq(&[&tbs, &algorithm.identifier(), &bits(&signature)])
    }
}
