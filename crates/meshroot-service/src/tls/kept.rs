//! The service's own certificate in a file, with its key sealed as all keys are: what is shown by a service that starts and may not issue
//! one, because its store is an older copy. Without it a caller would see TLS fail, and not why.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use meshroot::key::PrivateKey;
use meshroot::key::seal::SealedKey;
use meshroot::x509::Certificate;
use meshroot_store::files::{self, Mode};
use serde::{Deserialize, Serialize};

use crate::json;
use crate::mesh::{Mesh, MeshError};

/// What the key is sealed for. No authority is called so: names of those have no blanks.
const PLACE: &str = "the service itself";

/// More than any chain and key.
const MOST: u64 = 64 << 10;

#[derive(Clone, Debug)]
pub(super) struct Kept(PathBuf);

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    /// In PEM, leaf first.
    chain: String,
    /// In base64.
    sealed_key: String,
}

impl Kept {
    /// In the folder of the socket, which the service writes to anyhow.
    pub(super) fn beside(socket: &Path) -> Self {
        Self(socket.with_extension("tls"))
    }

    /// Keeps this certificate instead of the one before.
    pub(super) fn write(&self, chain: String, key: &PrivateKey, mesh: &Mesh) -> Result<(), MeshError> {
        let sealed = mesh.seal(PLACE, key).map_err(|source| MeshError::Sealed { authority: PLACE.into(), source })?;
        let document = Document { chain, sealed_key: BASE64_STANDARD.encode(sealed.to_bytes()) };
        let text = serde_json::to_string_pretty(&document).unwrap_or_default() + "\n";
        Ok(files::replace(&self.0, text.as_bytes(), Mode::Private)?)
    }

    /// The certificate that was kept last, if it is good for anything now.
    ///
    /// # Errors
    /// Why it is not.
    pub(super) fn read(&self, mesh: &Mesh) -> Result<(Vec<Certificate>, PrivateKey), String> {
        let shown = self.0.display();
        let failed = |e: &dyn std::fmt::Display| format!("{shown}: {e}");
        if fs::metadata(&self.0).map_err(|e| failed(&e))?.len() > MOST {
            return Err(failed(&"it is too long"));
        }
        let Document { chain, sealed_key } =
            serde_json::from_slice(&fs::read(&self.0).map_err(|e| failed(&e))?).map_err(|e| failed(&json::fault(&e)))?;
        let chain = meshroot::pem::certificates(chain.as_bytes()).map_err(|e| failed(&e))?;
        let leaf = chain.first().ok_or_else(|| failed(&"no certificate is in it"))?;
        if !leaf.validity().contains(mesh.clock().now()) {
            return Err(failed(&format!("the certificate expired at {}", leaf.validity().not_after)));
        }
        let sealed = BASE64_STANDARD.decode(sealed_key).map_err(|e| failed(&e))?;
        let key = SealedKey::from_bytes(&sealed).and_then(|sealed| mesh.open_sealed(PLACE, leaf.public_key(), &sealed));
        let key = key.map_err(|e| failed(&e))?;
        Ok((chain, key))
    }
}
