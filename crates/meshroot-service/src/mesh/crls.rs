//! Making CRLs.

use std::time::Duration;

use meshroot::hierarchy::{Authority, AuthorityId};
use meshroot::revocation::{Crl, CrlNumber, RevocationList, ScopeOf};
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use meshroot::x509::Certificate;
use meshroot_store::Revocation;

use super::revoked::unexpired;

/// How long a CRL is good for. Once it is out of date Envoy refuses every certificate of its CA, so a service that is down
/// must be noticed, and repaired, in this time less [`AGE`].
pub(crate) const LIFE: Duration = Duration::from_secs(7 * 86_400);

/// How old a CRL may become before the next one is made.
pub(crate) const AGE: Duration = Duration::from_secs(86_400);

/// For clocks that are behind, as certificates are dated back.
const BACKDATE: Duration = Duration::from_secs(60);

/// How long a revocation stays on CRLs after its certificate has expired. It must be on one that was made after that (RFC
/// 5280 §3.3), and clocks may be wrong by some hours.
pub(crate) const KEPT: Duration = Duration::from_secs(2 * 86_400);

/// Whether the next CRL of a CA has to be made, whatever was revoked.
pub(crate) fn is_due(held: Option<&Crl>, age: Duration, now: Timestamp) -> bool {
    let Some(held) = held else { return true };
    // One from the future was made by a clock that was wrong.
    held.this_update() > now || held.this_update().plus(age) <= now
}

/// What the next CRL of a CA has to say. The number grows with the time, so that one that was made from an older copy of
/// the store is not taken for older than those before it; and it is above this one, if somebody knows of another.
pub(crate) fn next<'r>(
    before: Option<&Crl>,
    above: Option<u64>,
    revoked: impl Iterator<Item = &'r Revocation>,
    life: Duration,
    now: Timestamp,
) -> Option<RevocationList> {
    let mut number = CrlNumber::from(u64::try_from(now.unix()).unwrap_or(0));
    for known in before.and_then(Crl::number).cloned().into_iter().chain(above.map(CrlNumber::from)) {
        number = number.max(known.next()?);
    }
    let this_update = now.minus(BACKDATE);
    let list = RevocationList::new(number, this_update, now.plus(life));
    Some(revoked.fold(list, |list, one| {
        // Nothing is revoked later than the CRL that tells of it was made.
        let at = one.at.min(this_update);
        list.revoke(one.serial.clone(), at, Some(one.reason))
    }))
}

/// The authority's certificate that its CRLs are verified with.
pub(crate) fn issuer(authority: &Authority, now: Timestamp) -> Option<&Certificate> {
    unexpired(authority, now)
}

/// Why a CRL that somebody else made cannot be published for an authority.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnfitCrl {
    #[error("it was issued by '{found}', and not by '{wanted}'")]
    OtherIssuer { found: String, wanted: String },
    #[error("it was not signed with the key of '{0}'")]
    Signature(AuthorityId),
    #[error("it cannot be used: {0}")]
    Unusable(String),
    #[error("it does not cover all certificates of its issuer")]
    Partial,
    #[error("it is not valid now: it is from {this_update}, and out of date at {next_update}")]
    NotCurrent { this_update: Timestamp, next_update: Timestamp },
    #[error("it does not list the certificate {0}, which is revoked")]
    Lacks(String),
}

impl UnfitCrl {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::OtherIssuer { .. } => "crl.other_issuer",
            Self::Signature(_) => "crl.not_valid",
            Self::Unusable(_) => "crl.unusable",
            Self::Partial => "crl.partial",
            Self::NotCurrent { .. } => "crl.not_current",
            Self::Lacks(_) => "crl.lacks_revoked",
        }
    }
}

/// Whether a CRL that was made elsewhere may be published: it says of all that is revoked that it is.
pub(crate) fn check<'r>(
    crl: &Crl,
    authority: &Authority,
    revoked: impl Iterator<Item = &'r Revocation>,
    crypto: &meshroot::key::Crypto,
    now: Timestamp,
) -> Result<(), UnfitCrl> {
    let subject = |certificate: &Certificate| certificate.subject().to_string();
    let other = || UnfitCrl::OtherIssuer {
        found: crl.issuer().to_string(),
        wanted: authority.certificate().map(subject).unwrap_or_else(|| authority.id().to_string()),
    };
    let issuer = authority.certificates().iter().find(|certificate| certificate.subject() == crl.issuer()).ok_or_else(other)?;
    crl.verify_signature(issuer.public_key(), crypto).map_err(|_| UnfitCrl::Signature(authority.id().clone()))?;
    if let Some(problem) = crl.problem() {
        return Err(UnfitCrl::Unusable(problem.to_string()));
    }
    if crl.scope().of != ScopeOf::All || crl.scope().of_distribution_point {
        return Err(UnfitCrl::Partial);
    }
    let next_update = crl.next_update().unwrap_or(Timestamp::MIN);
    if now < crl.this_update() || next_update <= now {
        return Err(UnfitCrl::NotCurrent { this_update: crl.this_update(), next_update });
    }
    let mut missing = revoked.filter(|one| one.not_after >= now && crl.get(&one.serial).is_none());
    missing.next().map_or(Ok(()), |one| Err(UnfitCrl::Lacks(one.serial.to_string())))
}

/// The revocations of one authority's certificates.
pub(crate) fn of<'r>(
    revoked: impl Iterator<Item = &'r Revocation>,
    trust_domain: &TrustDomain,
    authority: &AuthorityId,
) -> impl Iterator<Item = &'r Revocation> {
    revoked.filter(move |one| one.trust_domain == *trust_domain && one.authority == *authority)
}
