//! Which pods run where: what decides whether a node proxy may ask for somebody.

mod error;
mod files;
mod list;

use core::fmt;
use std::sync::Arc;

use meshroot::hierarchy::ClusterName;

pub use error::PodsError;
pub(crate) use files::PodFiles;

/// A pod of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pod {
    pub(crate) uid: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) service_account: String,
    /// Where it runs; none while it waits for a place.
    pub(crate) node: Option<String>,
    /// It failed or was completed: nothing of it runs any more.
    pub(crate) ended: bool,
}

/// The pods of the clusters, as somebody who can see them tells.
///
/// An index may be behind. Then what it does not know yet is refused, and what is gone is not refused yet: an implementation says by
/// how much.
pub(crate) trait PodIndex: fmt::Debug + Send + Sync {
    /// Whether the pods of this cluster are known here at all.
    fn knows(&self, cluster: &ClusterName) -> bool;

    /// The pod with this UID.
    fn pod(&self, cluster: &ClusterName, uid: &str) -> Option<Arc<Pod>>;

    /// A pod of this service account on this node that has not ended.
    fn on_node(&self, cluster: &ClusterName, node: &str, namespace: &str, service_account: &str) -> Option<Arc<Pod>>;
}
