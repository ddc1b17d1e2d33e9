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

impl Refusal {
    /// The code of the reason, for the counts.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Path(rejection) => rejection.code(),
            Self::Anchor(error) => error.code(),
            Self::Crl(code) => code,
        }
    }

    /// The rule, and where in the path the certificate stands that breaks it.
    pub(super) fn rule(&self) -> Option<(&Reason, usize)> {
        match self {
            Self::Path(rejection) => Some((&rejection.reason, rejection.certificate.as_ref()?.position)),
            Self::Anchor(_) | Self::Crl(_) => None,
        }
    }
}
