//! Which pods run where: what decides whether a node proxy may ask for somebody.

mod error;
mod files;
mod list;
mod pod;

use core::fmt;
use std::sync::Arc;

use meshroot::hierarchy::ClusterName;

pub use error::PodsError;
pub(crate) use files::PodFiles;
pub(crate) use pod::Pod;

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
