//! Where we and OpenSSL 3 may differ, one entry each.

mod laxer;
mod stricter;

use crate::differential::difference::Difference;
pub(super) use laxer::laxer;
pub(super) use stricter::stricter;

const VERIFY: &str = "OpenSSL 3.0 crypto/x509/x509_vfy.c";
const PURPOSE: &str = "OpenSSL 3.0 crypto/x509/v3_purp.c";
const NAMES: &str = "OpenSSL 3.0 crypto/x509/v3_ncons.c";
const PARSER: &str = "OpenSSL 3.0 crypto/asn1: what is not asked for is not judged";
const CRLS: &str = "OpenSSL 3.0 crypto/x509/x509_vfy.c, check_revocation";

pub(super) static NO_SECOND_ATTEMPT: Difference = Difference::laxer(
    "openssl.no_second_attempt",
    "OpenSSL takes the first issuer that looks right and never goes back; we find a path if there is one",
    "OpenSSL 3.0 crypto/x509/x509_vfy.c, build_chain",
);
