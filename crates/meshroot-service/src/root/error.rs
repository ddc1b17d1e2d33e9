use std::path::PathBuf;

use meshroot::bundle::BundleError;
use meshroot::csr::CsrError;
use meshroot::hierarchy::{HierarchyError, InvalidClusterName};
use meshroot::issue::IssueError;
use meshroot::key::KeyError;
use meshroot::key::seal::SealError;
use meshroot::revocation::CrlIssueError;
use meshroot::verify::Rejection;
use meshroot_store::StoreError;

use crate::MeshError;

/// Why the root signs nothing, or what it signed is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootError {
    /// A file is not what it should be.
    #[error("this is no {what}: {detail}")]
    Malformed {
        /// What it should be.
        what: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// The store is not that of a root.
    #[error("the store is not that of a root with an active root in it")]
    NotARoot,
    /// The unlock file cannot be read.
    #[error("the root's unlock file {} cannot be read: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The request, or the answer, is of another root.
    #[error("this is for the root '{wanted}', and here is '{found}'")]
    OtherRoot {
        /// Whose it is.
        wanted: String,
        /// The root that is here.
        found: String,
    },
    /// A part of a request is not what it says.
    #[error("the request {request} is not signed: {why}")]
    Unfit {
        /// Its name.
        request: String,
        /// Why.
        why: String,
    },
    /// There is no such request.
    #[error("there is no request '{0}' here: the answer is for another mesh")]
    NoSuchRequest(String),
    /// The request was answered with another certificate.
    #[error("the request {0} was answered with another certificate before")]
    AnsweredOtherwise(String),
    /// The certificate is not what was asked for.
    #[error("the certificate for the request {request} is not taken: {why}")]
    NotWhatWasAsked {
        /// The request's name.
        request: String,
        /// Why.
        why: String,
    },
    /// The CRL is not taken.
    #[error("the root's CRL is not taken: {why}")]
    Crl {
        /// Why.
        why: String,
        /// The reason's code.
        code: &'static str,
    },
    /// The signing request.
    #[error(transparent)]
    Csr(#[from] CsrError),
    /// The cluster's name.
    #[error(transparent)]
    Cluster(#[from] InvalidClusterName),
    /// The certificate cannot be issued.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The CRL cannot be made.
    #[error(transparent)]
    CrlIssue(#[from] CrlIssueError),
    /// The root's bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A chain.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The hierarchy refuses the CA.
    #[error(transparent)]
    Hierarchy(#[from] HierarchyError),
    /// A key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A sealed key.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The mesh.
    #[error(transparent)]
    Mesh(#[from] MeshError),
}

impl RootError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "root.malformed",
            Self::NotARoot => "root.not_a_root",
            Self::Unreadable { .. } => "root.unreadable",
            Self::OtherRoot { .. } => "root.other_root",
            Self::Unfit { .. } => "root.unfit_request",
            Self::NoSuchRequest(_) => "root.no_such_request",
            Self::AnsweredOtherwise(_) => "root.answered_otherwise",
            Self::NotWhatWasAsked { .. } => "root.not_what_was_asked",
            Self::Crl { code, .. } => code,
            Self::Csr(e) => e.code(),
            Self::Cluster(e) => e.code(),
            Self::Issue(e) => e.code(),
            Self::CrlIssue(e) => e.code(),
            Self::Bundle(e) => e.code(),
            Self::Rejected(e) => e.code(),
            Self::Hierarchy(e) => e.code(),
            Self::Key(e) => e.code(),
            Self::Seal(e) => e.code(),
            Self::Store(e) => e.code(),
            Self::Mesh(e) => e.code(),
        }
    }
}
