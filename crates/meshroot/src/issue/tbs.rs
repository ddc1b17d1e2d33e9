//! The to-be-signed bytes of a certificate (RFC 5280 §4.1.2), written in one pass.

use core::net::IpAddr;

use super::authorized::{Authorized, Subject};
use crate::key::{KeyId, SignatureAlgorithm};
use crate::profile::Profile;
use crate::spiffe::SpiffeId;
use crate::time::Validity;
use crate::x509::encode::{BOOLEAN, INTEGER, OCTET_STRING, OID, SEQUENCE, bytes, element, explicit, implicit, positive_integer, time};
use crate::x509::{DistinguishedName, SerialNumber};

/// The last byte of `id-ce` (2.5.29.x) of each extension.
const SUBJECT_KEY_IDENTIFIER: u8 = 14;
const KEY_USAGE: u8 = 15;
const SUBJECT_ALT_NAME: u8 = 17;
const BASIC_CONSTRAINTS: u8 = 19;
const NAME_CONSTRAINTS: u8 = 30;
const AUTHORITY_KEY_IDENTIFIER: u8 = 35;
const EXTENDED_KEY_USAGE: u8 = 37;

/// `serverAuth, clientAuth` as a finished extKeyUsage value.
const SERVER_AND_CLIENT: [u8; 22] =
    [0x30, 0x14, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

/// All that the certificate says besides what the profile fixes.
pub(super) struct Content<'a> {
    pub(super) serial: &'a SerialNumber,
    pub(super) signature: SignatureAlgorithm,
    pub(super) issuer: &'a DistinguishedName,
    /// The issuer's subjectKeyIdentifier; none for a root.
    pub(super) authority_key: Option<&'a KeyId>,
    pub(super) validity: Validity,
    pub(super) subject_key: &'a KeyId,
    pub(super) grant: &'a Authorized,
    pub(super) profile: &'a Profile,
}

impl Content<'_> {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(768);
        element(&mut out, SEQUENCE, |out| {
            element(out, explicit(0), |out| bytes(out, INTEGER, &[2]));
            positive_integer(out, self.serial.as_bytes());
            out.extend_from_slice(self.signature.identifier_der());
            out.extend_from_slice(self.issuer.as_der());
            element(out, SEQUENCE, |out| {
                time(out, self.validity.not_before);
                time(out, self.validity.not_after);
            });
            match &self.grant.subject {
                Subject::Authority { name, .. } => out.extend_from_slice(name.as_der()),
                Subject::Workload(_) | Subject::Server { .. } => element(out, SEQUENCE, |_| ()),
            }
            // Byte for byte the key that came in.
            out.extend_from_slice(self.grant.public_key.spki_der());
            element(out, explicit(3), |out| element(out, SEQUENCE, |out| self.extensions(out)));
        });
        out
    }

    fn extensions(&self, out: &mut Vec<u8>) {
        let is_ca = self.profile.kind().is_ca();
        extension(out, KEY_USAGE, true, |out| out.extend_from_slice(&self.profile.key_usage(&self.grant.public_key).encode()));
        if !is_ca {
            extension(out, EXTENDED_KEY_USAGE, false, |out| out.extend_from_slice(&SERVER_AND_CLIENT));
        }
        extension(out, BASIC_CONSTRAINTS, true, |out| {
            element(out, SEQUENCE, |out| {
                if is_ca {
                    bytes(out, BOOLEAN, &[0xff]);
                }
                if let Some(path_len) = self.profile.path_len() {
                    bytes(out, INTEGER, &[path_len]);
                }
            });
        });
        extension(out, SUBJECT_KEY_IDENTIFIER, false, |out| bytes(out, OCTET_STRING, self.subject_key.as_bytes()));
        if let Some(key) = self.authority_key {
            extension(out, AUTHORITY_KEY_IDENTIFIER, false, |out| {
                element(out, SEQUENCE, |out| bytes(out, implicit(0), key.as_bytes()));
            });
        }
        // Critical where the subject is empty (RFC 5280 §4.2.1.6), which is in every leaf.
        extension(out, SUBJECT_ALT_NAME, !is_ca, |out| element(out, SEQUENCE, |out| self.names(out)));
        if let (true, Some(trust_domain)) = (self.profile.has_uri_name_constraint(), self.grant.trust_domain()) {
            extension(out, NAME_CONSTRAINTS, true, |out| {
                // permittedSubtrees with one URI: the trust domain as an exact host.
                element(out, SEQUENCE, |out| {
                    element(out, explicit(0), |out| element(out, SEQUENCE, |out| bytes(out, implicit(6), trust_domain.as_str().as_bytes())));
                });
            });
        }
    }

    fn names(&self, out: &mut Vec<u8>) {
        let uri = |out: &mut Vec<u8>, id: &SpiffeId| bytes(out, implicit(6), id.as_str().as_bytes());
        match &self.grant.subject {
            Subject::Workload(id) => uri(out, id),
            Subject::Authority { trust_domain, .. } => uri(out, &trust_domain.id()),
            Subject::Server { id, dns, ips } => {
                dns.iter().for_each(|name| bytes(out, implicit(2), name.as_bytes()));
                for ip in ips {
                    match ip {
                        IpAddr::V4(v4) => bytes(out, implicit(7), &v4.octets()),
                        IpAddr::V6(v6) => bytes(out, implicit(7), &v6.octets()),
                    }
                }
                if let Some(id) = id {
                    uri(out, id);
                }
            }
        }
    }
}

fn extension(out: &mut Vec<u8>, id_ce: u8, critical: bool, value: impl FnOnce(&mut Vec<u8>)) {
    element(out, SEQUENCE, |out| {
        bytes(out, OID, &[0x55, 0x1d, id_ce]);
        if critical {
            bytes(out, BOOLEAN, &[0xff]);
        }
        element(out, OCTET_STRING, value);
    });
}
