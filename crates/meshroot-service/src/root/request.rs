use meshroot::hierarchy::AuthorityId;
use meshroot::profile::{Profile, ProfileKind};
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{MOST, RootError, words};
use crate::json;

/// What a request file begins with.
const FORMAT: &str = "request for the root, version 1";

/// A file that says what the root's key shall sign.
///
/// `summary` is for people who look into the file. Whoever signs makes it anew from the rest, and refuses a file whose summary
/// says something else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootRequest {
    meshroot: String,
    /// What it asks for, in words.
    pub summary: Vec<String>,
    /// The trust domain.
    pub trust_domain: TrustDomain,
    /// The root that shall sign.
    pub root: AuthorityId,
    /// The mesh's store that asks.
    pub store: String,
    /// When the file was made.
    pub made_at: Timestamp,
    /// The CA certificates that are asked for.
    pub cluster_cas: Vec<ClusterCaAsk>,
    /// The CRL that is asked for.
    pub crl: Option<CrlAsk>,
}

/// A CA certificate that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterCaAsk {
    /// The request's name: 128 random bits, in hexadecimal. A root that signed it once answers the same again.
    pub request: String,
    /// The cluster.
    pub cluster: String,
    /// `cluster CA`, or `subordinate CA`: one with another CA below it.
    pub profile: String,
    /// How long it shall live.
    pub lifetime_seconds: u64,
    /// SHA-256 of the signing request's DER.
    pub csr_sha256: String,
    /// The signing request, in PEM.
    pub csr: String,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub asked_at: Timestamp,
}

/// A CRL that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrlAsk {
    /// The number of the CRL that is published; the new one's is greater. 0 if there is none.
    pub number_above: u64,
    /// CA certificates that are revoked, beside those that the root knows of.
    pub revoked: Vec<RevokedAsk>,
}

/// A CA certificate that is revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedAsk {
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// Its subject, for people.
    pub subject: String,
    /// When it expires.
    pub not_after: Timestamp,
    /// Since when it is revoked.
    pub at: Timestamp,
    /// Why, as RFC 5280 names it.
    pub reason: String,
    /// Who revoked it.
    pub by: String,
}

impl RootRequest {
    pub(crate) fn new(
        trust_domain: TrustDomain,
        root: AuthorityId,
        store: &str,
        made_at: Timestamp,
        cluster_cas: Vec<ClusterCaAsk>,
        crl: Option<CrlAsk>,
    ) -> Self {
        let store = store.to_owned();
        let mut request = Self { meshroot: FORMAT.into(), summary: Vec::new(), trust_domain, root, store, made_at, cluster_cas, crl };
        request.summary = words::of(&request);
        request
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`RootError::Malformed`], also when the words at the top are not what the rest says.
    pub fn from_json(bytes: &[u8]) -> Result<Self, RootError> {
        let malformed = |detail: String| RootError::Malformed { what: "request for the root", detail };
        if bytes.len() > MOST {
            return Err(malformed(format!("it has more than {MOST} octets")));
        }
        let request: Self = serde_json::from_slice(bytes).map_err(|e| malformed(json::fault(&e)))?;
        if request.meshroot != FORMAT {
            return Err(malformed(format!("it is not a '{FORMAT}'")));
        }
        if request.summary != words::of(&request) {
            return Err(malformed("its summary says something else than it asks for: somebody changed it".into()));
        }
        Ok(request)
    }

    /// The file.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

/// The profile that a request names: one of the two that are signed for others.
pub(crate) fn profile_of(name: &str) -> Option<Profile> {
    [(ProfileKind::ClusterCa, Profile::cluster_ca()), (ProfileKind::SubordinateCa, Profile::subordinate_ca())]
        .into_iter()
        .find(|(kind, _)| kind.to_string() == name)
        .map(|(_, profile)| profile)
}
