use std::path::PathBuf;

/// Why a cluster's pods cannot be read. What was read before stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PodsError {
    /// No cluster can have this name.
    #[error("[policy.pods] names '{0}', and no cluster can be called so")]
    NoCluster(String),
    /// The file cannot be read.
    #[error("{} cannot be read: {detail}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// The file is not what `kubectl get pods -A -o json` prints.
    #[error("{} is no list of pods as `kubectl get pods -A -o json` prints it: {detail}", path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
        /// What is wrong, and where.
        detail: String,
    },
}

impl PodsError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoCluster(_) => "pods.no_cluster",
            Self::Unreadable { .. } => "pods.unreadable",
            Self::Malformed { .. } => "pods.malformed",
        }
    }
}
