use std::fs;
use std::path::{Path, PathBuf};

use meshroot::hierarchy::AuthorityId;
use meshroot::key::Crypto;
use meshroot::time::Timestamp;
use meshroot::verify::{PathQuery, Purpose, Rules, validate_path};
use meshroot::x509::Certificate;
use rustls::pki_types::CertificateDer;

use crate::config::Administration;
use crate::http::hex;
use crate::mesh::Snapshot;

/// Administrators who come over the network: by their own keys, or from a CA that no cluster holds.
///
/// A certificate below the mesh's root never makes one. Whoever holds any cluster CA's key can make a certificate with
/// any name in it.
#[derive(Debug, Default)]
pub(crate) struct Operators {
    /// Their names, and the SHA-256 of their SubjectPublicKeyInfo.
    keys: Vec<(String, [u8; 32])>,
    anchors: Vec<Certificate>,
}

/// Why the settings about administrators cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperatorError {
    /// A digest is none.
    #[error("[administration] public_keys: that of '{name}' is no SHA-256: 64 hexadecimal digits")]
    Digest {
        /// Whose.
        name: String,
    },
    /// The CA's file cannot be read.
    #[error("[administration] ca: {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The CA's file holds something else.
    #[error("[administration] ca: {}: {message}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What.
        message: String,
    },
    /// An administrator's key, or that of the CA or of one above it, belongs to the mesh.
    #[error(
        "[administration] {what} is of the mesh's own authority '{authority}': whoever holds a cluster's CA could make administrators. Take a key that no cluster holds"
    )]
    OfTheMesh {
        /// What is.
        what: String,
        /// Whose key it is, or who signed it.
        authority: AuthorityId,
    },
}

impl OperatorError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Digest { .. } => "operators.digest",
            Self::Unreadable { .. } => "operators.unreadable",
            Self::Unusable { .. } => "operators.unusable",
            Self::OfTheMesh { .. } => "operators.of_the_mesh",
        }
    }
}

impl Operators {
    /// Reads what the settings name, and holds it against the mesh.
    pub(crate) fn read(settings: &Administration, snapshot: &Snapshot, crypto: &Crypto) -> Result<Self, OperatorError> {
        let mut keys = Vec::new();
        for (name, digest) in &settings.public_keys {
            let digest = hex::read(digest).and_then(|octets| <[u8; 32]>::try_from(octets).ok());
            let digest = digest.ok_or_else(|| OperatorError::Digest { name: name.clone() })?;
            let of_the_mesh = authority(snapshot, |certificate| key_digest(certificate, crypto) == digest);
            if let Some(authority) = of_the_mesh {
                return Err(OperatorError::OfTheMesh { what: format!("public_keys: the key of '{name}'"), authority });
            }
            keys.push((name.clone(), digest));
        }
        let anchors = settings.ca.as_deref().map(|path| anchors(path, snapshot, crypto)).transpose()?.unwrap_or_default();
        Ok(Self { keys, anchors })
    }

    /// The name of the administrator who shows this chain; `None` if it makes none.
    pub(super) fn name(&self, chain: &[CertificateDer<'static>], snapshot: &Snapshot, crypto: &Crypto, now: Timestamp) -> Option<String> {
        if self.keys.is_empty() && self.anchors.is_empty() {
            return None;
        }
        let (first, others) = chain.split_first()?;
        // One that we cannot read came through the handshake without a proof of its key.
        let leaf = Certificate::from_der(first).ok()?;
        if authority(snapshot, |held| held.public_key() == leaf.public_key()).is_some() {
            return None;
        }
        let digest = key_digest(&leaf, crypto);
        if let Some((name, _)) = self.keys.iter().find(|(_, known)| *known == digest) {
            return leaf.validity().contains(now).then(|| format!("administrator {name}"));
        }
        if self.anchors.is_empty() {
            return None;
        }
        let query = PathQuery::new(now).rules(Rules::pkix()).purpose(Purpose::ClientAuth);
        let path = validate_path(first, others, &self.anchors, crypto, &query).ok()?;
        // A cluster whose CA came to the mesh after the service started counts, too.
        let of_the_mesh = |above: &Certificate| authority(snapshot, |held| held.public_key() == above.public_key()).is_some();
        if path.certificates().iter().any(of_the_mesh) {
            return None;
        }
        Some(format!("administrator {}, certificate {}", called(&leaf), leaf.serial()))
    }
}

/// The authority of the mesh with such a certificate.
fn authority(snapshot: &Snapshot, fits: impl Fn(&Certificate) -> bool) -> Option<AuthorityId> {
    let mut all = snapshot.trust_domains().iter().flat_map(|domain| domain.hierarchy.authorities());
    all.find(|authority| authority.certificates().iter().any(&fits)).map(|authority| authority.id().clone())
}

fn key_digest(certificate: &Certificate, crypto: &Crypto) -> [u8; 32] {
    crypto.sha256(certificate.public_key().spki_der())
}

/// What its holder is called: the subject, or the first name beside it.
fn called(leaf: &Certificate) -> String {
    if !leaf.subject().is_empty() {
        return leaf.subject().to_string();
    }
    let name = leaf.alt_names().and_then(|names| names.uris.first().or(names.dns.first()).map(ToString::to_string));
    name.unwrap_or_else(|| "without a name".into())
}

fn anchors(path: &Path, snapshot: &Snapshot, crypto: &Crypto) -> Result<Vec<Certificate>, OperatorError> {
    let unusable = |message: String| OperatorError::Unusable { path: path.into(), message };
    let pem = fs::read(path).map_err(|source| OperatorError::Unreadable { path: path.into(), source })?;
    let anchors = meshroot::pem::certificates(&pem).map_err(|e| unusable(e.to_string()))?;
    if anchors.is_empty() {
        return Err(unusable("there is no certificate in it".into()));
    }
    for anchor in &anchors {
        if !anchor.is_ca() {
            return Err(unusable(format!("'{}' is no CA; administrators with a key of their own stand in public_keys", anchor.subject())));
        }
        let of_the_mesh =
            authority(snapshot, |held| held.public_key() == anchor.public_key() || anchor.verify_signature(held.public_key(), crypto).is_ok());
        if let Some(authority) = of_the_mesh {
            return Err(OperatorError::OfTheMesh { what: format!("ca: the key or the signature of '{}'", anchor.subject()), authority });
        }
    }
    Ok(anchors)
}
