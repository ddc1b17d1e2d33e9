//! Where we and OpenSSL 3 may differ, one entry each.

use super::Refused;
use crate::differential::difference::Difference;
use crate::differential::features::Features;
use crate::differential::ours::Refusal;
use crate::differential::world::Case;

pub(super) static NO_SECOND_ATTEMPT: Difference = Difference::laxer(
    "openssl.no_second_attempt",
    "OpenSSL takes the first issuer that looks right and never goes back; we find a path if there is one",
    "OpenSSL crypto/x509/x509_vfy.c, build_chain",
);

pub(super) fn stricter(refusal: &Refusal, case: &Case, path: &[Features<'_>]) -> Option<&'static Difference> {
    let _ = (refusal, case, path);
    None
}

pub(super) fn laxer(refused: &Refused, case: &Case, path: &[Features<'_>]) -> Option<&'static Difference> {
    let _ = (refused, case, path);
    None
}
