//! A scene as the evidence that `doctor` is given, without the way over files.

use meshroot::doctor::{Evidence, EvidenceKind};
use meshroot::istio::CacertsFiles;

use super::{Cluster, Scene};
use crate::mint::{certificates_pem, crls_pem};

impl Scene {
    /// What can be had of every cluster: its CA, the roots and CRLs that it hands out, or its bundle map.
    pub fn evidence(&self) -> Vec<Evidence> {
        self.clusters.iter().flat_map(Cluster::evidence).collect()
    }
}

impl Cluster {
    fn evidence(&self) -> Vec<Evidence> {
        let cluster = || Some(self.name.to_owned());
        let mut files = CacertsFiles::default();
        self.files().into_iter().for_each(|(name, text)| _ = files.set(name, text));
        let signing = if self.signs_itself() {
            EvidenceKind::SelfSignedCa { cluster: cluster(), files, manifest: true }
        } else {
            EvidenceKind::Cacerts { cluster: cluster(), files, manifest: false }
        };
        let mut kinds = vec![signing];
        match &self.bundle_map {
            Some(map) => kinds.push(EvidenceKind::BundleMap { cluster: cluster(), map: map.clone() }),
            None => kinds.push(EvidenceKind::RootConfigMap { cluster: cluster(), pem: certificates_pem(&self.roots).into() }),
        }
        if !self.crls.is_empty() {
            kinds.push(EvidenceKind::CrlConfigMap { cluster: cluster(), pem: crls_pem(&self.crls).into() });
        }
        let named = |(number, kind)| Evidence::new(format!("{}.yaml#{}", self.name, number + 1), kind);
        kinds.into_iter().enumerate().map(named).collect()
    }
}
