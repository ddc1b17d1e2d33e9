use std::path::PathBuf;

use meshroot::bundle::{BundleError, Rollback};
use meshroot::key::KeyError;
use meshroot::spiffe::SpiffeId;
use meshroot::verify::Rejection;
use meshroot_store::StoreError;

/// Why the agent did not get, or did not take, what it asked for. What it holds stays as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// The service's address.
    #[error("'{0}' is no address of a service: it looks like https://host:8443")]
    Address(String),
    /// Nothing to trust the service by.
    #[error("there is nothing yet to trust the service by: give its roots with --ca, the root-cert.pem of the mesh")]
    NoRoots,
    /// Nothing to show.
    #[error("there is no certificate yet and no token: give one with --token-file")]
    NoCredential,
    /// A namespace that is none.
    #[error("{0}")]
    Namespace(String),
    /// The service does not answer, or is not the one that is trusted.
    #[error("the service {server} cannot be reached: {detail}")]
    Unreachable {
        /// The service.
        server: String,
        /// Why.
        detail: String,
    },
    /// The service refuses.
    #[error("the service refuses ({status}): {detail} [{code}]")]
    Refused {
        /// The status.
        status: u16,
        /// The service's code.
        code: String,
        /// The service's words.
        detail: String,
    },
    /// The service's answer is not what it should be.
    #[error("the service's answer cannot be used: {0}")]
    Answer(String),
    /// The certificate is for somebody else.
    #[error("the service issued {got}, and {wanted} was asked for")]
    OtherIdentity {
        /// What was asked for.
        wanted: SpiffeId,
        /// What came.
        got: SpiffeId,
    },
    /// The certificate does not lead to the bundle that came with it.
    #[error("the certificate is not valid under the bundle that came with it: {0}")]
    Rejected(#[from] Rejection),
    /// The bundle goes back.
    #[error("the service offers a bundle that goes back: {0}")]
    Rollback(Rollback),
    /// The bundle cannot be read.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A file cannot be read.
    #[error("{} cannot be read: {detail}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Files(#[from] StoreError),
    /// What should be done after a change failed.
    #[error("what should be done when the files changed failed: {0}")]
    Hook(String),
}

impl AgentError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address(_) => "agent.address",
            Self::NoRoots => "agent.no_roots",
            Self::NoCredential => "agent.no_credential",
            Self::Namespace(_) => "agent.namespace",
            Self::Unreachable { .. } => "agent.unreachable",
            Self::Refused { .. } => "agent.refused",
            Self::Answer(_) => "agent.answer",
            Self::OtherIdentity { .. } => "agent.other_identity",
            Self::Rejected(e) => e.code(),
            Self::Rollback(e) => e.code(),
            Self::Bundle(e) => e.code(),
            Self::Key(e) => e.code(),
            Self::Unreadable { .. } => "agent.unreadable",
            Self::Files(e) => e.code(),
            Self::Hook(_) => "agent.hook",
        }
    }
}
