//! The CRLs that clusters check, each set held once, as either plane takes them.

use std::collections::HashMap;

use crate::revocation::{Coverage, Crl, CrlSet, Expiry};
use crate::x509::Certificate;

use super::Plane;

/// A set of CRLs; the first is the empty one, with which revocation is not asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in super::super) struct CrlsId(usize);

impl CrlsId {
    pub(in super::super) const NONE: Self = Self(0);
}

#[derive(Debug)]
pub(in super::super) struct RevocationSets {
    sets: Vec<Vec<Crl>>,
    known: HashMap<Vec<Vec<u8>>, CrlsId>,
}

impl Default for RevocationSets {
    fn default() -> Self {
        Self { sets: vec![Vec::new()], known: HashMap::from([(Vec::new(), CrlsId::NONE)]) }
    }
}

impl RevocationSets {
    pub(in super::super) fn add(&mut self, crls: &[Crl]) -> CrlsId {
        let key: Vec<Vec<u8>> = crls.iter().map(|crl| crl.der().to_vec()).collect();
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let id = CrlsId(self.sets.len());
        self.sets.push(crls.to_vec());
        self.known.insert(key, id);
        id
    }

    pub(in super::super) fn crls(&self, id: CrlsId) -> &[Crl] {
        self.sets.get(id.0).map_or(&[], Vec::as_slice)
    }

    /// As the plane takes it: Envoy wants a current CRL of every CA; ztunnel goes by what there is, of any age.
    pub(in super::super) fn set(&self, id: CrlsId, plane: Plane) -> Option<CrlSet> {
        let crls = self.sets.get(id.0).filter(|crls| !crls.is_empty())?;
        let set = CrlSet::new(crls.clone());
        Some(match plane {
            Plane::Sidecar => set.with_coverage(Coverage::EveryCertificate).with_expiry(Expiry::Enforced),
            Plane::Ambient => set.with_coverage(Coverage::WhatIsThere).with_expiry(Expiry::Ignored),
        })
    }

    /// The CRLs of a set whose issuer has the name of one of these CAs.
    pub(in super::super) fn of_issuers<'a>(&'a self, id: CrlsId, authorities: &'a [Certificate]) -> impl Iterator<Item = &'a Crl> {
        self.crls(id).iter().filter(|crl| authorities.iter().any(|ca| ca.subject() == crl.issuer()))
    }
}
