//! Trust anchors, each held once, and which of a cluster's can matter to a chain.

use std::collections::HashMap;

use crate::x509::{Certificate, DistinguishedName};

use super::Signer;

/// An anchor, by its place among all.
pub(in super::super) type AnchorId = u32;

/// A set of anchors, as one cluster trusts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in super::super) struct TrustId(usize);

#[derive(Debug, Default)]
pub(in super::super) struct Anchors {
    certificates: Vec<Certificate>,
    ids: HashMap<Box<[u8]>, AnchorId>,
    sets: Vec<HashMap<DistinguishedName, Vec<AnchorId>>>,
    known: HashMap<Vec<AnchorId>, TrustId>,
}

impl Anchors {
    pub(in super::super) fn id(&mut self, certificate: &Certificate) -> AnchorId {
        if let Some(id) = self.ids.get(certificate.der()) {
            return *id;
        }
        let id = AnchorId::try_from(self.certificates.len()).unwrap_or(AnchorId::MAX);
        self.certificates.push(certificate.clone());
        self.ids.insert(certificate.der().into(), id);
        id
    }

    /// A set with an index by subject; equal sets are one.
    pub(in super::super) fn set(&mut self, certificates: &[Certificate]) -> TrustId {
        let mut ids: Vec<AnchorId> = certificates.iter().map(|certificate| self.id(certificate)).collect();
        ids.sort_unstable();
        ids.dedup();
        if let Some(known) = self.known.get(&ids) {
            return *known;
        }
        let mut by_subject: HashMap<DistinguishedName, Vec<AnchorId>> = HashMap::new();
        for (id, certificate) in ids.iter().filter_map(|id| Some((*id, self.certificates.get(usize::try_from(*id).ok()?)?))) {
            by_subject.entry(certificate.subject().clone()).or_default().push(id);
        }
        let set = TrustId(self.sets.len());
        self.sets.push(by_subject);
        self.known.insert(ids, set);
        set
    }

    /// The anchors of a set that may be one of these signers: no other can end a path.
    pub(in super::super) fn relevant(&self, set: TrustId, signers: &[Signer]) -> Vec<AnchorId> {
        let Some(by_subject) = self.sets.get(set.0) else { return Vec::new() };
        let mut ids: Vec<AnchorId> = Vec::new();
        for signer in signers {
            let named = by_subject.get(&signer.name).into_iter().flatten().copied();
            match &signer.key {
                None => ids.extend(named),
                Some(key) => ids.extend(named.filter(|id| self.one(*id).is_some_and(|anchor| anchor.public_key().spki_der() == &**key))),
            }
        }
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Whether the set has an anchor of this name.
    pub(in super::super) fn has_namesake(&self, set: TrustId, name: &DistinguishedName) -> bool {
        self.sets.get(set.0).is_some_and(|by_subject| by_subject.contains_key(name))
    }

    fn one(&self, id: AnchorId) -> Option<&Certificate> {
        self.certificates.get(usize::try_from(id).ok()?)
    }

    pub(in super::super) fn get(&self, ids: &[AnchorId]) -> Vec<Certificate> {
        ids.iter().filter_map(|id| self.certificates.get(usize::try_from(*id).ok()?)).cloned().collect()
    }
}
