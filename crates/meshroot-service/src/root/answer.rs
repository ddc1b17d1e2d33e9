use meshroot::hierarchy::AuthorityId;
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{MOST, RootError};
use crate::json;

/// What an answer file begins with.
const FORMAT: &str = "answer of the root, version 1";

/// A file with what the root's key signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootAnswer {
    meshroot: String,
    /// The trust domain.
    pub trust_domain: TrustDomain,
    /// The root that signed.
    pub root: AuthorityId,
    /// When.
    pub signed_at: Timestamp,
    /// CA certificates.
    pub cluster_cas: Vec<SignedCa>,
    /// The root's CRL, in PEM.
    pub crl: Option<String>,
}

/// A CA certificate that was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedCa {
    /// The request's name.
    pub request: String,
    /// The certificate, in PEM.
    pub certificate: String,
}

impl RootAnswer {
    pub(crate) fn new(trust_domain: TrustDomain, root: AuthorityId, signed_at: Timestamp, cluster_cas: Vec<SignedCa>, crl: Option<String>) -> Self {
        Self { meshroot: FORMAT.into(), trust_domain, root, signed_at, cluster_cas, crl }
    }

    /// Reads a file. What it says is believed only after the signatures in it were verified.
    ///
    /// # Errors
    /// [`RootError::Malformed`].
    pub fn from_json(bytes: &[u8]) -> Result<Self, RootError> {
        let malformed = |detail: String| RootError::Malformed { what: "answer of the root", detail };
        if bytes.len() > MOST {
            return Err(malformed(format!("it has more than {MOST} octets")));
        }
        let answer: Self = serde_json::from_slice(bytes).map_err(|e| malformed(json::fault(&e)))?;
        if answer.meshroot != FORMAT {
            return Err(malformed(format!("it is not an '{FORMAT}'")));
        }
        Ok(answer)
    }

    /// The file.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}
