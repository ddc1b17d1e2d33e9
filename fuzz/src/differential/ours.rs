use meshroot::key::Crypto;
use meshroot::revocation::{Crl, CrlSet};
use meshroot::time::Timestamp;
use meshroot::verify::{PathQuery, Purpose as OurPurpose, Reason, Rejection, Rules, validate_path};
use meshroot::x509::{Certificate, CertificateError};

use super::world::{Case, Purpose};

/// Why we refuse.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The validator's reason.
    Path(Rejection),
    /// No anchor can be read, the last for this reason: nobody could put it into a bundle.
    Anchor(CertificateError),
    /// On a path that is given, an intermediate cannot be read.
    Intermediate(CertificateError),
    /// A CRL cannot be read: nobody could ask it.
    Crl(&'static str),
}

/// What we say: the path in DER, the leaf first and the anchor last, or the reason.
pub(super) fn judge(case: &Case, crypto: &Crypto) -> Result<Vec<Vec<u8>>, Refusal> {
    let (mut anchors, mut unreadable) = (Vec::new(), None);
    for der in &case.anchors {
        match Certificate::from_der(der) {
            Ok(anchor) => anchors.push(anchor),
            Err(error) => unreadable = Some(error),
        }
    }
    if let (Some(error), true) = (unreadable, anchors.is_empty()) {
        return Err(Refusal::Anchor(error));
    }
    let crls = case.crls.iter().map(|der| Crl::from_der(der)).collect::<Result<Vec<_>, _>>().map_err(|error| Refusal::Crl(error.code()))?;
    let crls = CrlSet::new(crls);
    let purpose = match case.purpose {
        Purpose::Any => OurPurpose::Any,
        Purpose::Server => OurPurpose::ServerAuth,
        Purpose::Client => OurPurpose::ClientAuth,
    };
    let query = PathQuery::new(Timestamp::from_unix(case.now)).rules(Rules::pkix()).purpose(purpose).crls(&crls);
    let path = validate_path(&case.leaf, &case.intermediates, &anchors, crypto, &query).map_err(Refusal::Path)?;
    Ok(path.certificates().iter().map(|certificate| certificate.der().to_vec()).collect())
}

/// The same for a case with one path, where each certificate is needed: one that cannot be read is the reason.
pub(super) fn judge_path(case: &Case, crypto: &Crypto) -> Result<Vec<Vec<u8>>, Refusal> {
    let unreadable = || case.intermediates.iter().find_map(|der| Certificate::from_der(der).err());
    judge(case, crypto).map_err(|refusal| match (refusal, unreadable()) {
        (Refusal::Path(_), Some(error)) => Refusal::Intermediate(error),
        (refusal, _) => refusal,
    })
}

impl Refusal {
    /// The code of the reason, for the counts.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Path(rejection) => rejection.code(),
            Self::Anchor(error) | Self::Intermediate(error) => error.code(),
            Self::Crl(code) => code,
        }
    }

    /// Why a certificate that is needed cannot be read.
    pub(super) fn unreadable(&self) -> Option<&CertificateError> {
        match self {
            Self::Anchor(error) | Self::Intermediate(error) => Some(error),
            Self::Path(rejection) => match &rejection.reason {
                Reason::Malformed(error) => Some(error),
                _ => None,
            },
            Self::Crl(_) => None,
        }
    }

    /// The rule, and where in the path the certificate stands that breaks it.
    pub(super) fn rule(&self) -> Option<(&Reason, usize)> {
        match self {
            Self::Path(rejection) => Some((&rejection.reason, rejection.certificate.as_ref()?.position)),
            Self::Anchor(_) | Self::Intermediate(_) | Self::Crl(_) => None,
        }
    }
}
