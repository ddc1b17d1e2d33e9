//! A store of ours: what it says, without unlocking it.

use std::path::Path;

use meshroot::doctor::{EvidenceKind, StoredCluster};
use meshroot_store::StoreKind;

use super::Reader;
use crate::exit::Result;
use crate::home::Home;
use crate::mesh::Mesh;

impl Reader<'_> {
    pub(super) fn store(&mut self, path: &Path, name: &str) -> Result<()> {
        let mesh = Mesh::open_at(Home::mesh(path), StoreKind::Mesh)?;
        let bundle = mesh.bundle()?;
        let mut clusters = Vec::new();
        for cluster in mesh.hierarchy.clusters() {
            match mesh.hierarchy.active_cluster_ca(cluster).and_then(|authority| authority.certificate()) {
                Some(ca) => clusters.push(StoredCluster { name: cluster.to_string(), chain: vec![ca.clone()] }),
                None => self.remark(name, format_args!("the cluster '{cluster}' has no active CA")),
            }
        }
        if let Some(given) = &self.source.cluster {
            self.remark(name, format_args!("a store names its clusters itself: '{given}' was not needed"));
        }
        self.put(name, EvidenceKind::Store { trust_domain: mesh.trust_domain().clone(), clusters, bundle });
        Ok(())
    }
}
