use crate::https::HttpsError;

/// Why a cluster's keys cannot be fetched. Those that were fetched before stay.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// The settings for a cluster do not fit together.
    #[error("[discovery] {cluster}: {message}")]
    Settings {
        /// The cluster.
        cluster: String,
        /// What is wrong.
        message: String,
    },
    /// The document cannot be fetched.
    #[error("{0}")]
    Unreachable(String),
    /// The document says something else than it should.
    #[error("{0}")]
    Document(String),
}

impl DiscoveryError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Settings { .. } => "discovery.settings",
            Self::Unreachable(_) => "discovery.unreachable",
            Self::Document(_) => "discovery.document",
        }
    }
}

impl From<HttpsError> for DiscoveryError {
    fn from(e: HttpsError) -> Self {
        Self::Unreachable(e.to_string())
    }
}
