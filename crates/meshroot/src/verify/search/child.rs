use crate::key::{Crypto, PublicKey, SignatureAlgorithm};
use crate::revocation::Subject;
use crate::x509::Certificate;
use crate::x509::wire::CertRef;

use super::super::reason::CertificateAt;
use super::super::rules::at;
use super::{Below, Step, certificate_at};

/// The path's top: the certificate whose issuer is looked for.
pub(super) enum Child<'p, 'a> {
    Leaf(&'a CertRef<'a>),
    Ca(&'p Step<'a>),
}

impl<'p, 'a> Child<'p, 'a> {
    pub(super) fn of(path: &'p [Step<'a>], below: &Below<'a>) -> Option<Self> {
        path.last().map(Self::Ca).or(below.leaf.map(Self::Leaf))
    }

    pub(super) fn issuer(&self) -> &'a [u8] {
        match self {
            Self::Leaf(leaf) => leaf.tbs.issuer,
            Self::Ca(step) => step.certificate.issuer().as_der(),
        }
    }

    pub(super) fn authority_key_id(&self) -> Option<&'a [u8]> {
        match self {
            Self::Leaf(leaf) => leaf.tbs.authority_key_id(),
            Self::Ca(step) => step.certificate.authority_key_id().map(|id| id.as_bytes()),
        }
    }

    pub(super) fn algorithm(&self) -> Option<SignatureAlgorithm> {
        match self {
            Self::Leaf(leaf) => crate::x509::signature_algorithm(leaf.signature_algorithm),
            Self::Ca(step) => step.certificate.signature_algorithm(),
        }
    }

    pub(super) fn is_signed_by(&self, key: &PublicKey, crypto: &Crypto) -> bool {
        match self {
            Self::Leaf(leaf) => self.algorithm().is_some_and(|algorithm| crypto.verify(key, algorithm, leaf.tbs.raw, leaf.signature).is_ok()),
            Self::Ca(step) => step.certificate.verify_signature(key, crypto).is_ok(),
        }
    }

    pub(super) fn at(&self, position: usize) -> CertificateAt {
        match self {
            Self::Leaf(leaf) => at(position, &leaf.tbs),
            Self::Ca(step) => certificate_at(step.certificate, position),
        }
    }

    pub(super) fn subject(&self) -> Subject<'a> {
        match self {
            Self::Leaf(leaf) => Subject::of_tbs(&leaf.tbs),
            Self::Ca(step) => Subject::of(step.certificate),
        }
    }
}

/// What the key identifiers say about a link (RFC 5280 §4.2.1.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hint {
    Agrees,
    Silent,
    Differs,
}

impl Hint {
    pub(super) fn of(child: &Child<'_, '_>, issuer: &Certificate) -> Self {
        match (issuer.subject_key_id(), child.authority_key_id()) {
            (Some(subject), Some(authority)) if subject.as_bytes() == authority => Self::Agrees,
            (Some(_), Some(_)) => Self::Differs,
            _ => Self::Silent,
        }
    }
}
