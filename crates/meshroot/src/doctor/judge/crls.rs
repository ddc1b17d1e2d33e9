//! CRLs, each held once, and which of a cluster's can matter to a chain.

use std::collections::HashMap;

use crate::revocation::{Coverage, Crl, CrlSet, Expiry};
use crate::x509::Certificate;

use super::{Plane, Signer};

/// A CRL, by its place among all.
pub(in super::super) type CrlId = u32;

/// What a question knows of revocation: the CRLs that can matter; without any, it is not asked for.
pub(in super::super) type Lists = Vec<CrlId>;

#[derive(Debug, Default)]
pub(in super::super) struct Revocation {
    crls: Vec<Crl>,
    ids: HashMap<Box<[u8]>, CrlId>,
}

impl Revocation {
    pub(in super::super) fn add(&mut self, crls: &[Crl]) -> Vec<CrlId> {
        crls.iter().map(|crl| self.id(crl)).collect()
    }

    fn id(&mut self, crl: &Crl) -> CrlId {
        if let Some(id) = self.ids.get(crl.der()) {
            return *id;
        }
        let id = CrlId::try_from(self.crls.len()).unwrap_or(CrlId::MAX);
        self.crls.push(crl.clone());
        self.ids.insert(crl.der().into(), id);
        id
    }

    fn get(&self, ids: &[CrlId]) -> impl Iterator<Item = &Crl> {
        ids.iter().filter_map(|id| self.crls.get(usize::try_from(*id).ok()?))
    }

    /// Those of a cluster's CRLs that one of these CAs may have issued. That there are CRLs at all matters to everybody, so
    /// if none of them does, one is kept.
    pub(in super::super) fn relevant(&self, all: &[CrlId], signers: &[Signer]) -> Lists {
        let named = |id: &&CrlId| self.get(&[**id]).any(|crl| signers.iter().any(|signer| signer.name == *crl.issuer()));
        let found: Lists = all.iter().filter(named).copied().collect();
        if found.is_empty() { all.first().copied().into_iter().collect() } else { found }
    }

    /// As the plane takes them: Envoy wants a current CRL of every CA; ztunnel goes by what there is, of any age.
    pub(in super::super) fn set(&self, lists: &[CrlId], plane: Plane) -> Option<CrlSet> {
        let crls: Vec<Crl> = self.get(lists).cloned().collect();
        if crls.is_empty() {
            return None;
        }
        let set = CrlSet::new(crls);
        Some(match plane {
            Plane::Sidecar => set.with_coverage(Coverage::EveryCertificate).with_expiry(Expiry::Enforced),
            Plane::Ambient => set.with_coverage(Coverage::WhatIsThere).with_expiry(Expiry::Ignored),
        })
    }

    /// The CRLs whose issuer has the name of one of these CAs.
    pub(in super::super) fn of_issuers<'a>(&'a self, lists: &'a [CrlId], authorities: &'a [Certificate]) -> impl Iterator<Item = &'a Crl> {
        self.get(lists).filter(|crl| authorities.iter().any(|ca| ca.subject() == crl.issuer()))
    }
}
