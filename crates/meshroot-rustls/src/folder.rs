use std::io;
use std::path::{Path, PathBuf};

use meshroot::bundle::{Bundle, BundleError, Ignored, Limits};
use meshroot::key::Crypto;
use zeroize::Zeroizing;

use crate::{Credential, CredentialError};

/// What a folder of `meshroot agent` or `meshroot svid` holds, read as one state: never a key with the certificate of
/// another renewal.
#[derive(Debug)]
#[non_exhaustive]
pub struct Folder {
    /// `svid.pem` and `svid-key.pem`.
    pub credential: Credential,
    /// `bundle.json`, which has a sequence number; without that file `bundle.pem`. It is that of the credential's trust
    /// domain.
    pub bundle: Bundle,
    /// Entries of `bundle.json` that cannot be used.
    pub ignored: Vec<Ignored>,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// A file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Certificate and key are not what they should be.
    #[error("svid.pem and svid-key.pem in {}: {source}", folder.display())]
    Credential {
        /// Where they are.
        folder: PathBuf,
        /// Why.
        source: CredentialError,
    },
    /// The bundle is none.
    #[error("{}: {source}", path.display())]
    Bundle {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: BundleError,
    },
}

impl FolderError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "folder.unreadable",
            Self::Credential { source, .. } => source.code(),
            Self::Bundle { source, .. } => source.code(),
        }
    }
}

impl Folder {
    /// Reads it.
    ///
    /// # Errors
    /// A file is missing or not what it should be. A folder that is replaced twice while it is read is missing files;
    /// what was held before is still good.
    pub fn read(folder: &Path, crypto: &Crypto) -> Result<Self, FolderError> {
        match Self::read_state(&state(folder), crypto) {
            // The state was replaced just now, and the one before taken away.
            Err(FolderError::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => Self::read_state(&state(folder), crypto),
            other => other,
        }
    }

    fn read_state(folder: &Path, crypto: &Crypto) -> Result<Self, FolderError> {
        let chain = read(folder.join("svid.pem"))?;
        let key = read(folder.join("svid-key.pem"))?;
        let credential = Credential::from_pem(&chain, &key, crypto).map_err(|source| FolderError::Credential { folder: folder.into(), source })?;
        let trust_domain = credential.id().trust_domain().to_owned();
        let path = folder.join("bundle.json");
        let bundle = match read(path.clone()) {
            Ok(json) => Bundle::from_spiffe_json(trust_domain, &json, &Limits::default()),
            Err(FolderError::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                let path = folder.join("bundle.pem");
                let bundle = Bundle::from_pem(trust_domain, &read(path.clone())?).map_err(|source| FolderError::Bundle { path, source })?;
                return Ok(Self { credential, bundle, ignored: Vec::new() });
            }
            Err(e) => return Err(e),
        };
        let (bundle, ignored) = bundle.map_err(|source| FolderError::Bundle { path, source })?;
        Ok(Self { credential, bundle, ignored })
    }
}

/// The agent's files are links through `..data`, which it moves from one state to the next: followed once, all files
/// are of one state. Other folders have no such link.
fn state(folder: &Path) -> PathBuf {
    folder.join("..data").canonicalize().unwrap_or_else(|_| folder.into())
}

fn read(path: PathBuf) -> Result<Zeroizing<Vec<u8>>, FolderError> {
    std::fs::read(&path).map(Zeroizing::new).map_err(|source| FolderError::Unreadable { path, source })
}
