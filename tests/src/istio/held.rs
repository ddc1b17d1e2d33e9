//! What a workload holds in the end, and whether it is what it should be.

use meshroot::key::{Crypto, PrivateKey};
use meshroot::x509::Certificate;

use super::programs::{meshroot, run, text};
use crate::exhibits::now;

/// What a workload was given, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The leaf first.
    pub chain: String,
    /// Its private key.
    pub key: String,
    /// What it trusts.
    pub roots: String,
}

impl Held {
    /// The leaf.
    pub fn leaf(&self) -> Certificate {
        certificates(&self.chain).expect("the chain was judged").remove(0)
    }

    /// Whether this is the same certificate. Its roots may be written again in other words: the agent writes those of the answer first, and then
    /// all that it trusts.
    pub fn is_as(&self, other: &Self) -> bool {
        self.chain == other.chain
    }

    /// Whether this is a certificate for `id` that every workload of the mesh accepts, and trusts the whole mesh and nobody else.
    ///
    /// # Errors
    /// What is wrong, in words that begin differently for each kind of fault.
    pub fn judge(&self, id: &str, mesh_roots: &str) -> Result<(), String> {
        let chain = certificates(&self.chain).map_err(|e| format!("the chain cannot be read: {e}"))?;
        let leaf = chain.first().ok_or("the chain is empty")?;
        let names: Vec<_> = leaf.alt_names().map(|names| names.uris.iter().map(ToString::to_string).collect()).unwrap_or_default();
        if names != [id] {
            return Err(format!("the certificate is for {names:?} and not for {id}"));
        }
        let key = PrivateKey::from_pem(self.key.as_bytes(), None, &Crypto::ring()).map_err(|e| format!("the key cannot be read: {e}"))?;
        if key.public_key() != leaf.public_key() {
            return Err("the key is another certificate's".into());
        }
        let (held, mesh) = (sorted(&self.roots)?, sorted(mesh_roots)?);
        if held != mesh {
            return Err(format!("the trusted roots are not the mesh's {}: {}", mesh.len(), subjects(&self.roots)));
        }
        let validity = leaf.validity();
        let half = validity.not_after.since(validity.not_before) / 2;
        if now() >= validity.not_before.plus(half) {
            return Err("the certificate is past half of its life, and would be renewed at once".into());
        }
        self.verify(id)
    }

    /// `meshroot verify`, and OpenSSL.
    fn verify(&self, id: &str) -> Result<(), String> {
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let write = |name: &str, contents: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, contents).map(|()| path).map_err(|e| e.to_string())
        };
        let (chain, roots) = (write("chain.pem", &self.chain)?, write("roots.pem", &self.roots)?);
        let trust_domain = id.trim_start_matches("spiffe://").split('/').next().unwrap_or_default();
        let ours = run(meshroot().args(["verify", "--trust-domain", trust_domain, "--bundle"]).arg(&roots).arg("--chain").arg(&chain));
        if !ours.status.success() {
            return Err(format!("meshroot verify refuses the chain: {}{}", text(&ours.stdout), text(&ours.stderr)));
        }
        // OpenSSL looks for issuers among the untrusted, and takes the first certificate of the last file for the leaf.
        let openssl = run(std::process::Command::new("openssl")
            .args(["verify", "-x509_strict", "-purpose", "sslclient", "-CAfile"])
            .arg(&roots)
            .arg("-untrusted")
            .arg(&chain)
            .arg(&chain));
        if !openssl.status.success() {
            return Err(format!("openssl refuses the chain: {}", text(&openssl.stderr)));
        }
        Ok(())
    }
}

fn certificates(pem: &str) -> Result<Vec<Certificate>, String> {
    meshroot::pem::certificates(pem.as_bytes()).map_err(|e| e.to_string())
}

/// The certificates of a bundle, in an order of their own: bundles are sets.
fn sorted(pem: &str) -> Result<Vec<Vec<u8>>, String> {
    let mut ders: Vec<Vec<u8>> =
        certificates(pem).map_err(|e| format!("the trusted roots cannot be read: {e}"))?.iter().map(|root| root.der().to_vec()).collect();
    ders.sort();
    ders.dedup();
    Ok(ders)
}

fn subjects(pem: &str) -> String {
    certificates(pem).map_or_else(|e| e, |all| all.iter().map(|one| one.subject().to_string()).collect::<Vec<_>>().join("; "))
}
