use meshroot::bundle::BundleError;
use meshroot::hierarchy::HierarchyError;
use meshroot::issue::IssueError;
use meshroot::key::KeyError;
use meshroot::key::seal::SealError;
use meshroot::revocation::CrlIssueError;
use meshroot::spiffe::TrustDomain;
use meshroot_store::StoreError;

/// Why the store's state cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MeshError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key that is in the store cannot be opened.
    #[error("the key of '{authority}' cannot be opened: {source}")]
    Sealed {
        /// Whose key.
        authority: String,
        /// Why.
        source: SealError,
    },
    /// A key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The bundle cannot be made.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The bundle that is published is not the one that the history leads to.
    #[error("the store publishes another bundle for '{0}' than its history says: restore it from a backup")]
    OtherBundle(TrustDomain),
    /// The history does not allow a change.
    #[error(transparent)]
    Hierarchy(#[from] HierarchyError),
    /// A certificate cannot be issued.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// A CRL cannot be made.
    #[error(transparent)]
    Crl(#[from] CrlIssueError),
    /// A CRL has the largest number that there is.
    #[error("there is no larger CRL number: whoever made the CRL before used the largest")]
    CrlNumbersUsedUp,
    /// The root.
    #[error("the root cannot sign: {0}")]
    Root(String),
    /// Others changed the same thing all the time.
    #[error("others change the same thing at the same time, again and again: try again")]
    Contended,
    /// There is no CA to issue with.
    #[error("there is no active cluster CA{0}: add a cluster with `meshroot cluster add`")]
    NoCa(String),
}

impl MeshError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(e) => e.code(),
            Self::Sealed { source, .. } => source.code(),
            Self::Key(e) => e.code(),
            Self::Bundle(e) => e.code(),
            Self::OtherBundle(_) => "mesh.other_bundle",
            Self::Hierarchy(e) => e.code(),
            Self::Issue(e) => e.code(),
            Self::Crl(e) => e.code(),
            Self::CrlNumbersUsedUp => "mesh.crl_numbers",
            Self::Root(_) => "mesh.root",
            Self::Contended => "mesh.contended",
            Self::NoCa(_) => "mesh.no_ca",
        }
    }
}
