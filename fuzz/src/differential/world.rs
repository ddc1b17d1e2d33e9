//! A small public-key infrastructure, decoded from any bytes.
//!
//! Four bytes say what an honest one looks like; every four after them make one edit. No bytes at all are an honest
//! chain of a root and a leaf, so most inputs differ from what is right in few places, which is where verdicts differ.

use super::blueprint::{
    AUTHORITY_KEY_IDENTIFIER, BASIC_CONSTRAINTS, Blueprint, CRL_SIGN, DIGITAL_SIGNATURE, EXTENDED_KEY_USAGE, Flaw, KEY_CERT_SIGN, KEY_USAGE,
    SUBJECT_ALT_NAME, SUBJECT_KEY_IDENTIFIER, basic_constraints, common_name, extended_key_usage, key_identifier, key_usage,
};
use super::crl::CrlBlueprint;
use super::der::{OCTET_STRING, SEQUENCE, element, list};
use super::edits;
use super::names::alt_name;
use crate::NOW;

pub(super) const DAY: i64 = 86_400;
/// More edits than this only make slow cases.
const MOST_EDITS: usize = 12;
const MOST_CERTIFICATES: usize = 12;

/// What a case asks of a validator, with its certificates yet to be made.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) certificates: Vec<Blueprint>,
    /// The leaf's place among the certificates.
    pub(super) leaf: usize,
    pub(super) anchors: Vec<usize>,
    /// What a peer sends beside the leaf, in its order.
    pub(super) chain: Vec<usize>,
    /// Sent too, and no certificate.
    pub(super) rubbish: Vec<Vec<u8>>,
    pub(super) crls: Vec<CrlBlueprint>,
    pub(super) now: i64,
    pub(super) purpose: Purpose,
    /// OpenSSL is asked to be strict.
    pub(super) strict: bool,
    /// What the input says, in words.
    pub(super) story: Vec<String>,
    spare_key: usize,
}

/// What the leaf is to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Nobody asks.
    Any,
    /// A TLS server.
    Server,
    /// A TLS client.
    Client,
}

/// A case in DER: what the judges get.
#[derive(Clone, Debug)]
pub struct Case {
    /// The certificate to be judged.
    pub leaf: Vec<u8>,
    /// Sent with it, in any order.
    pub intermediates: Vec<Vec<u8>>,
    /// Trusted.
    pub anchors: Vec<Vec<u8>>,
    /// CRLs; with none, revocation is not asked for.
    pub crls: Vec<Vec<u8>>,
    /// Seconds since 1970.
    pub now: i64,
    /// What for.
    pub purpose: Purpose,
    /// OpenSSL is asked to be strict.
    pub strict: bool,
    /// What was done, in words.
    pub story: Vec<String>,
}

impl World {
    pub(super) fn from_bytes(data: &[u8]) -> Self {
        let mut header = [0; 4];
        for (to, from) in header.iter_mut().zip(data) {
            *to = *from;
        }
        let mut world = Self::honest(header);
        for edit in data.get(4..).unwrap_or_default().chunks_exact(4).take(MOST_EDITS) {
            edits::apply(&mut world, edit[0], edit[1], edit[2], edit[3]);
        }
        world
    }

    fn honest([levels, kinds, leaf, asks]: [u8; 4]) -> Self {
        let cas = 1 + usize::from(levels % 4);
        let mut certificates = Vec::new();
        for place in 0..=cas {
            let is_leaf = place == cas;
            let key = 2 * place + usize::from(kinds >> place & 1);
            let (issuer, signer) = match certificates.last() {
                Some(Blueprint { subject, key, .. }) => (subject.clone(), *key),
                None => (common_name("root"), key),
            };
            let subject = match place {
                0 => common_name("root"),
                _ if is_leaf => common_name(if leaf & 1 == 0 { "" } else { "leaf" }),
                n => common_name(&format!("ca {n}")),
            };
            let mut certificate = Blueprint {
                version: 2,
                serial: vec![0x10 + place as u8],
                issuer,
                subject,
                not_before: NOW - DAY,
                not_after: NOW + DAY,
                key,
                signer,
                extensions: Vec::new(),
                flaw: Flaw::None,
                before_signing: Vec::new(),
                after_signing: Vec::new(),
            };
            certificate.set(BASIC_CONSTRAINTS, true, basic_constraints(!is_leaf, None));
            certificate.set(KEY_USAGE, true, key_usage(if is_leaf { DIGITAL_SIGNATURE } else { KEY_CERT_SIGN | CRL_SIGN }));
            certificate.set(SUBJECT_KEY_IDENTIFIER, false, element(OCTET_STRING, &key_identifier(key)));
            certificate.set(AUTHORITY_KEY_IDENTIFIER, false, authority_key_identifier(signer));
            if is_leaf {
                certificate.set(EXTENDED_KEY_USAGE, false, extended_key_usage(&[1, 2]));
                let names: &[u8] = [&[8u8][..], &[0], &[8, 0], &[8, 0, 15]][usize::from(leaf >> 1 & 3)];
                let names: Vec<_> = names.iter().map(|name| alt_name(*name)).collect();
                certificate.set(SUBJECT_ALT_NAME, leaf & 1 == 0, list(SEQUENCE, &names));
            }
            certificates.push(certificate);
        }
        let purpose = [Purpose::Any, Purpose::Server, Purpose::Client][usize::from(asks % 3)];
        let mut world = Self {
            leaf: cas,
            anchors: vec![0],
            chain: (1..cas).rev().collect(),
            certificates,
            rubbish: Vec::new(),
            crls: Vec::new(),
            now: NOW,
            purpose,
            strict: asks & 0x40 != 0,
            story: vec![format!("{cas} CAs, purpose {purpose:?}, OpenSSL strict: {}", asks & 0x40 != 0)],
            spare_key: 12,
        };
        // A CRL of every CA that signs something here, for half of the cases.
        if asks & 0x80 != 0 {
            world.story.push("a CRL of every CA".to_owned());
            world.crls = (0..cas).map(|ca| world.crl_of(ca)).collect();
        }
        world
    }

    /// An honest CRL with nothing on it.
    pub(super) fn crl_of(&self, ca: usize) -> CrlBlueprint {
        let ca = &self.certificates[ca];
        CrlBlueprint {
            issuer: ca.subject.clone(),
            signer: ca.key,
            authority: Some(ca.key),
            this_update: NOW - DAY,
            next_update: Some(NOW + DAY),
            revoked: Vec::new(),
            scope: None,
            unknown_critical: false,
            delta: false,
            without_number: false,
            broken: false,
            before_signing: Vec::new(),
        }
    }

    /// A key that nobody has yet.
    pub(super) fn fresh_key(&mut self, kind: u8) -> usize {
        self.spare_key += 2;
        (self.spare_key & !1) | usize::from(kind & 1)
    }

    /// Adds a certificate and answers its place.
    pub(super) fn add(&mut self, certificate: Blueprint) -> Option<usize> {
        if self.certificates.len() >= MOST_CERTIFICATES {
            return None;
        }
        self.certificates.push(certificate);
        Some(self.certificates.len() - 1)
    }

    pub(super) fn build(self) -> Case {
        let made: Vec<_> = self.certificates.iter().map(Blueprint::der).collect();
        let of = |places: &[usize]| places.iter().map(|place| made[*place].clone()).collect::<Vec<_>>();
        let mut intermediates = of(&self.chain);
        intermediates.extend(self.rubbish);
        Case {
            leaf: made[self.leaf].clone(),
            intermediates,
            anchors: of(&self.anchors),
            crls: self.crls.iter().map(CrlBlueprint::der).collect(),
            now: self.now,
            purpose: self.purpose,
            strict: self.strict,
            story: self.story,
        }
    }
}

pub(super) fn authority_key_identifier(key: usize) -> Vec<u8> {
    list(SEQUENCE, &[element(0x80, &key_identifier(key))])
}

impl Case {
    /// The same question with nothing to choose from but this path: the leaf first, the anchor last.
    pub(super) fn narrowed(&self, path: &[Vec<u8>]) -> Self {
        let (anchor, below) = path.split_last().map_or((&[][..], &[][..]), |(anchor, below)| (std::slice::from_ref(anchor), below));
        Self { intermediates: below.get(1..).unwrap_or_default().to_vec(), anchors: anchor.to_vec(), ..self.clone() }
    }
}
