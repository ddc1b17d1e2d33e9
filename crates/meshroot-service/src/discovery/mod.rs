//! The keys of clusters' service account tokens, fetched from where each cluster publishes them (OpenID Connect Discovery
//! 1.0 §4; Kubernetes serves it as "service account issuer discovery").
//!
//! The last good set of each cluster is kept whatever happens. Fetched sets come into use with the policy, as a whole: a
//! key that two clusters have is refused for both, wherever it was read.

mod error;
mod held;
mod keep;
mod schedule;
mod source;

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Value;

use crate::config;
use crate::mesh::Mesh;
pub use error::DiscoveryError;
use held::Held;
pub(crate) use keep::keep;
use source::Source;

/// The key sets of all clusters whose keys are fetched.
#[derive(Debug, Default)]
pub(crate) struct KeySets(BTreeMap<String, (Source, Held)>);

impl KeySets {
    /// As the settings say; nothing is fetched yet.
    pub(crate) fn new(settings: &config::Discovery) -> Result<Self, DiscoveryError> {
        let names = settings.issuer.keys().chain(settings.jwks.keys()).chain(settings.ca.keys()).chain(settings.token_file.keys());
        let sets = names.map(|name| Ok((name.clone(), (Source::of(name, settings)?, Held::default()))));
        sets.collect::<Result<_, _>>().map(Self)
    }

    /// The clusters.
    pub(crate) fn clusters(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The last good document of this cluster; `None` until the first one came.
    pub(crate) fn document(&self, cluster: &str) -> Option<Bytes> {
        self.0.get(cluster)?.1.document()
    }

    /// A token names a key that this cluster does not have: it may have changed its keys.
    pub(crate) fn want(&self, cluster: &str) {
        if let Some((_, held)) = self.0.get(cluster) {
            held.want();
        }
    }

    /// For the status: each cluster, with how old its keys are and why they are not younger.
    pub(crate) fn describe(&self, mesh: &Mesh) -> Vec<Value> {
        self.0.iter().map(|(cluster, (_, held))| held.describe(cluster, mesh.clock().now())).collect()
    }

    /// In words, what is wrong with them.
    pub(crate) fn complaints(&self) -> Vec<String> {
        self.0.iter().filter_map(|(cluster, (_, held))| held.complaint(cluster)).collect()
    }

    /// Of each cluster that has keys, their age in seconds.
    pub(crate) fn ages(&self, mesh: &Mesh) -> impl Iterator<Item = (&str, u64)> {
        let now = mesh.clock().now();
        self.0.iter().filter_map(move |(cluster, (_, held))| Some((cluster.as_str(), held.age(now)?.as_secs())))
    }
}
