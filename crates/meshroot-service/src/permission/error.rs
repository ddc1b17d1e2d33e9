use std::path::{Path, PathBuf};

use meshroot::policy::PolicyError;

/// Why a policy, a file of cases or a key set cannot be used. What was used before stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PermissionError {
    /// A file cannot be read.
    #[error("{} cannot be read: {detail}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// A file is not well formed; the text names line and column.
    #[error("{} is not well formed: {}", path.display(), detail.trim_end())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What and where.
        detail: String,
    },
    /// A policy has faults.
    #[error("{} has faults:\n  {}", path.as_ref().map_or_else(|| "the policy".to_owned(), |path| path.display().to_string()), faults.join("\n  "))]
    Faults {
        /// The file; none for what holds without one.
        path: Option<PathBuf>,
        /// Every fault, with its place.
        faults: Vec<String>,
    },
    /// A key set cannot be used.
    #[error("{} is no key set: {detail}", path.display())]
    KeySet {
        /// The file.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// A key set for a cluster that takes no tokens, or none for one that does.
    #[error("{0}")]
    Missing(String),
}

impl PermissionError {
    pub(super) fn faults(path: Option<&Path>, faults: &[PolicyError]) -> Self {
        Self::Faults { path: path.map(Path::to_owned), faults: faults.iter().map(ToString::to_string).collect() }
    }

    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "permission.unreadable",
            Self::Malformed { .. } => "permission.malformed",
            Self::Faults { .. } => "permission.faults",
            Self::KeySet { .. } => "permission.key_set",
            Self::Missing(_) => "permission.missing",
        }
    }
}
