use core::fmt;

use crate::bundle::BundleError;
use crate::istio::manifest::ManifestError;
use crate::key::seal::SealError;
use crate::pem::PemError;

/// Bytes of which nothing can be described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectError {
    name: String,
    reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    TooLarge(usize),
    /// What it looks like instead.
    Unknown(String),
    Broken(Broken),
    Pem(PemError),
    /// The JSON reader's words, without the values it quotes.
    Json {
        line: usize,
        column: usize,
        reason: String,
    },
    /// The members that were found.
    UnknownJson(String),
    Bundle(BundleError),
    Manifest(ManifestError),
    Unlock(SealError),
}

/// Something whose kind is clear and whose content is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// With an article: `a certificate`.
    pub(super) what: &'static str,
    /// `line 20`, or empty.
    pub(super) place: String,
    pub(super) code: &'static str,
    pub(super) reason: String,
    /// Where the form is written.
    pub(super) source: &'static str,
}

/// What all messages about unknown input end with.
const ACCEPTED: &str =
    "certificates, requests, keys and CRLs are read as PEM or DER, SPIFFE bundles and bundle maps as JSON, Secrets as YAML or JSON";

impl InspectError {
    pub(super) fn new(name: &str, reason: Reason) -> Self {
        Self { name: super::words::clean(name, 200), reason }
    }

    /// What bytes of no kind that is described look like; `None` when their kind is known, and the error says what is wrong with them.
    pub fn looks_like(&self) -> Option<&str> {
        if let Reason::Unknown(looks_like) = &self.reason { Some(looks_like) } else { None }
    }

    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match &self.reason {
            Reason::TooLarge(_) => "inspect.too_large",
            Reason::Unknown(_) => "inspect.unknown",
            Reason::Broken(broken) => broken.code,
            Reason::Pem(e) => e.code(),
            Reason::Json { .. } => "inspect.json",
            Reason::UnknownJson(_) => "inspect.unknown_json",
            Reason::Bundle(e) => e.code(),
            Reason::Manifest(e) => e.code(),
            Reason::Unlock(e) => e.code(),
        }
    }
}

impl fmt::Display for InspectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.name.is_empty() {
            write!(f, "{}: ", self.name)?;
        }
        match &self.reason {
            Reason::TooLarge(found) => write!(f, "it has {found} bytes: more than {} are not read", super::MAX_INSPECTED),
            Reason::Unknown(looks_like) => write!(f, "{looks_like}: {ACCEPTED}"),
            Reason::Broken(broken) => {
                if !broken.place.is_empty() {
                    write!(f, "{}: ", broken.place)?;
                }
                // The library's own words begin with what it is not, which has just been said.
                let reason =
                    broken.reason.split_once(": ").filter(|(start, _)| start.starts_with("not a ")).map_or(broken.reason.as_str(), |(_, rest)| rest);
                write!(f, "it looks like {}, and cannot be read: {reason}", broken.what)
            }
            Reason::Pem(e) => write!(f, "it looks like PEM, and cannot be read: {e}"),
            Reason::Json { line, column, reason } => write!(f, "it looks like JSON, and cannot be read: line {line}, column {column}: {reason}"),
            Reason::UnknownJson(members) => {
                write!(f, "JSON of an unknown kind ({members}): a bundle has 'keys', a bundle map 'trust_domains', a Secret 'kind'")
            }
            Reason::Bundle(e) => write!(f, "it looks like a SPIFFE bundle, and cannot be read: {}", super::json::without_values(e)),
            Reason::Manifest(e) => write!(f, "it looks like a Kubernetes manifest, and cannot be read: {e}"),
            Reason::Unlock(e) => write!(f, "it looks like an unlock file, and cannot be used: {e}"),
        }
    }
}

impl std::error::Error for InspectError {}
