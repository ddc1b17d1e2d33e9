//! Which exit code each error of the library and the store means. The codes of the errors themselves pass through.

use meshroot::bundle::BundleError;
use meshroot::csr::CsrError;
use meshroot::hierarchy::{HierarchyError, InvalidClusterName};
use meshroot::issue::{Denial, IssueError};
use meshroot::istio::CacertsError;
use meshroot::istio::manifest::ManifestError;
use meshroot::key::KeyError;
use meshroot::key::seal::SealError;
use meshroot::pem::PemError;
use meshroot::revocation::CrlError;
use meshroot::spiffe::SpiffeIdError;
use meshroot::verify::Rejection;
use meshroot::x509::CertificateError;
use meshroot_service::root::RootError;
use meshroot_store::StoreError;

use crate::exit::{Exit, Failure};

impl From<StoreError> for Failure {
    fn from(e: StoreError) -> Self {
        let exit = match e {
            StoreError::NotFound(_) | StoreError::UnknownTrustDomain(_) => Exit::NotFound,
            StoreError::Exists(_)
            | StoreError::Remnant(_)
            | StoreError::DiskFull { .. }
            | StoreError::NotPermitted { .. }
            | StoreError::Io { .. } => Exit::CannotWrite,
            StoreError::Denied(_) | StoreError::CrlNotNewer { .. } => Exit::Refused,
            StoreError::TooLarge { .. } | StoreError::BadExport { .. } => Exit::BadInput,
            StoreError::Address(_) => Exit::Usage,
            _ => Exit::Store,
        };
        Self::new(exit, e.code(), e)
    }
}

impl From<SealError> for Failure {
    fn from(e: SealError) -> Self {
        let exit = match e {
            SealError::WrongUnlock(_) | SealError::OtherUnlock { .. } | SealError::EmptyPassphrase | SealError::UnlockFile(_) => Exit::Locked,
            SealError::Key(e) => return e.into(),
            _ => Exit::Store,
        };
        Self::new(exit, e.code(), e)
    }
}

impl From<KeyError> for Failure {
    fn from(e: KeyError) -> Self {
        let exit = match e {
            KeyError::CannotGenerate { .. } | KeyError::CannotSign { .. } => Exit::Refused,
            KeyError::PasswordNeeded | KeyError::WrongPassword => Exit::Locked,
            KeyError::NoEntropy | KeyError::SignerFailed(_) => Exit::Internal,
            _ => Exit::BadInput,
        };
        Self::new(exit, e.code(), e)
    }
}

impl From<IssueError> for Failure {
    fn from(e: IssueError) -> Self {
        let exit = match e {
            IssueError::ClockBeforeCa { .. } | IssueError::CaExpired { .. } => Exit::Clock,
            IssueError::NoLifetime => Exit::Usage,
            IssueError::Key(e) => return e.into(),
            _ => Exit::Refused,
        };
        Self::new(exit, e.code(), e)
    }
}

impl From<RootError> for Failure {
    fn from(e: RootError) -> Self {
        let exit = match e {
            RootError::Store(e) => return e.into(),
            RootError::Seal(e) => return e.into(),
            RootError::Key(e) => return e.into(),
            RootError::Issue(e) => return e.into(),
            RootError::Malformed { .. } => Exit::BadInput,
            RootError::Mesh(_) => Exit::Store,
            _ => Exit::Refused,
        };
        Self::new(exit, e.code(), e)
    }
}

/// Errors whose kind alone decides.
macro_rules! fails_with {
    ($($error:ty => $exit:ident),+ $(,)?) => { $(
        impl From<$error> for Failure {
            fn from(e: $error) -> Self {
                Self::new(Exit::$exit, e.code(), e)
            }
        }
    )+ };
}

fails_with! {
    BundleError => BadInput,
    CacertsError => Refused,
    CertificateError => BadInput,
    CrlError => BadInput,
    CsrError => BadInput,
    Denial => Refused,
    HierarchyError => Refused,
    InvalidClusterName => Usage,
    ManifestError => BadInput,
    PemError => BadInput,
    Rejection => Refused,
    SpiffeIdError => Usage,
}
