use core::fmt;
use std::io;
use std::sync::Arc;

use meshroot::spiffe::SpiffeId;
use meshroot::verify::Rejection;
use rustls::{CertificateError, Error, OtherError};

/// Why a peer was refused. It travels inside rustls's error, where [`Refused::of`] finds it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// Its certificate is not valid.
    NotValid(Rejection),
    /// It is who it says, and not among those who are accepted.
    NotAccepted {
        /// Who it is.
        id: SpiffeId,
        /// Who would be, in words.
        accepted: String,
    },
}

impl Refused {
    /// A stable, machine-readable code: that of the certificate's fault, or `tls.not_accepted`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotValid(rejection) => rejection.reason.code(),
            Self::NotAccepted { .. } => "tls.not_accepted",
        }
    }

    /// The refusal in an error of rustls, if it is one of ours.
    pub fn of(error: &Error) -> Option<&Self> {
        match error {
            Error::InvalidCertificate(CertificateError::Other(OtherError(inner))) => inner.downcast_ref(),
            _ => None,
        }
    }

    /// The refusal in an error of a stream, blocking or not: those carry the error of rustls inside.
    pub fn in_io(error: &io::Error) -> Option<&Self> {
        Self::of(error.get_ref()?.downcast_ref()?)
    }
}

/// As a fault of the certificate, so that the peer gets a TLS alert that says so.
impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(refused))))
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotValid(rejection) => fmt::Display::fmt(rejection, f),
            Self::NotAccepted { id, accepted } => write!(f, "the peer is {id}, and accepted is {accepted}"),
        }
    }
}

/// The same words: rustls shows what a verifier says by `Debug`, and that text is what ends up in logs.
impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Refused {}
