use core::fmt;

use super::{Expiry, Step};
use crate::spiffe::TrustDomain;
use crate::time::Timestamp;
use crate::verify::Rejection;
use crate::x509::{DistinguishedName, SerialNumber};

/// Whether a workload is accepted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// It is.
    Yes {
        /// The last second in which it is, if nothing is renewed.
        until: Timestamp,
        /// What ends it.
        first_to_break: Expiry,
    },
    /// It is not.
    No {
        /// The rule that is broken.
        cause: Cause,
        /// The certificate that breaks it, or whose CRL does; `None` when the fault lies in no certificate.
        certificate: Option<Box<Blamed>>,
        /// What it looks like.
        symptom: Box<Symptom>,
        /// The steps that mend it, all of them, in this order.
        mend: Vec<Step>,
        /// Another way to mend it, instead of `mend`: all of these steps, in this order; mostly there is none.
        otherwise: Vec<Step>,
    },
    /// It cannot be told.
    Unknown {
        /// What is missing.
        why: String,
    },
}

impl Verdict {
    /// `yes`, `no`, `unknown`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Yes { .. } => "yes",
            Self::No { .. } => "no",
            Self::Unknown { .. } => "unknown",
        }
    }
}

/// Why a workload is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// No path to a root holds.
    Path(Rejection),
    /// ztunnel accepts peers of its own trust domain only.
    TrustDomain {
        /// The peer's.
        row: TrustDomain,
        /// Its own.
        column: TrustDomain,
    },
}

impl Cause {
    /// A stable, machine-readable code: the rejection's, or `doctor.other_trust_domain`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Path(rejection) => rejection.code(),
            Self::TrustDomain { .. } => "doctor.other_trust_domain",
        }
    }

    /// Where the rule is written.
    pub fn source(&self) -> &'static str {
        match self {
            Self::Path(rejection) => rejection.reason.source(),
            Self::TrustDomain { .. } => "ztunnel src/tls/workload.rs, TrustDomainVerifier",
        }
    }
}

/// The rule and what was found, without the certificate.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(rejection) => fmt::Display::fmt(&rejection.reason, f),
            Self::TrustDomain { row, column } => {
                write!(f, "ztunnel in the trust domain '{column}' refuses a peer of the trust domain '{row}', whatever the roots")
            }
        }
    }
}

/// The certificate that a refusal is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Blamed {
    /// 0 is the leaf, 1 its issuer, and so on up to the root.
    pub position: usize,
    /// What it is in its cluster: `signing CA`, `intermediate`, `root`, `leaf`; or `leaf by the signing CA`, which is yet to be
    /// issued, and then all that follows is about the CA.
    pub role: &'static str,
    /// Its subject.
    pub subject: DistinguishedName,
    /// Its serial number.
    pub serial: Option<SerialNumber>,
    /// SHA-256 of its DER in hexadecimal; empty when it is not at hand.
    pub sha256: String,
    /// The evidence in which it stands, like `west/cacerts: cert-chain.pem`; empty when it is not at hand.
    pub source: String,
}

/// What a refusal looks like to somebody who looks at proxies.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Symptom {
    /// When the column's workload is the client: what it gets to see. Envoy's response body, or ztunnel's access log.
    pub client: String,
    /// When the column's workload is the server: what the row's workload, which calls it, gets to see.
    pub caller: String,
    /// What the proxy that refuses has in its log.
    pub log: String,
    /// The counter of the refusing proxy that goes up, like `ssl.fail_verify_error`; empty for ztunnel, which has none.
    pub counter: &'static str,
}
