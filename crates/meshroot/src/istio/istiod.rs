//! What istiod and the mesh need when the CA is not istiod: a certificate for istiod itself, and the roots in every namespace.

use std::fmt::Write;

use zeroize::Zeroizing;

use super::{CacertsError, TLS_CA, TLS_CRT, TLS_KEY, write};
use crate::pem;
use crate::x509::Certificate;

/// The name of the Secret that istiod mounts at `/var/run/secrets/istiod/tls`.
pub const ISTIOD_TLS: &str = "istiod-tls";

/// The name of the ConfigMap that sidecars, gateways and ztunnels mount: the roots by which they trust istiod and the CA.
pub const ROOT_CONFIG_MAP: &str = "istio-ca-root-cert";

/// The DNS names by which istiod is dialled: by proxies of its own cluster and of remote ones, under its old name, and by its revision.
pub fn istiod_names(namespace: &str, revision: Option<&str>) -> Vec<String> {
    let named = ["istiod", "istiod-remote", "istio-pilot"].map(|name| format!("{name}.{namespace}.svc"));
    let revision = revision.filter(|revision| !matches!(*revision, "" | "default")).map(|revision| format!("istiod-{revision}.{namespace}.svc"));
    named.into_iter().chain(revision).collect()
}

/// istiod's own certificate and key, with the roots that vouch for it.
#[derive(Clone)]
pub struct IstiodTls {
    chain: String,
    key: Zeroizing<String>,
    roots: String,
}

impl IstiodTls {
    /// A certificate with the CAs below the root, its key in PKCS#8, and the roots.
    pub fn new(chain_pem: String, key_pem: Zeroizing<String>, roots: &[Certificate]) -> Self {
        Self { chain: chain_pem, key: key_pem, roots: pem::encode_certificates(roots) }
    }

    /// `tls.crt`, `tls.key` (the private key, in the clear), `ca.crt`.
    pub fn files(&self) -> [(&'static str, &[u8]); 3] {
        [(TLS_CRT, self.chain.as_bytes()), (TLS_KEY, self.key.as_bytes()), (TLS_CA, self.roots.as_bytes())]
    }

    /// The manifest of the Secret, in YAML. It holds the private key.
    ///
    /// # Errors
    /// [`CacertsError::Namespace`].
    pub fn secret_manifest(&self, namespace: &str) -> Result<Zeroizing<String>, CacertsError> {
        write::secret(ISTIOD_TLS, namespace, "kubernetes.io/tls", &self.files())
    }
}

/// Without the key.
impl core::fmt::Debug for IstiodTls {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("IstiodTls").finish_non_exhaustive()
    }
}

/// The manifest of the ConfigMap `istio-ca-root-cert` for each of the namespaces, in YAML. istiod writes it where it is the CA; labelled as
/// it would be.
///
/// # Errors
/// [`CacertsError::Namespace`].
pub fn root_config_map<'n>(roots: &[Certificate], namespaces: impl IntoIterator<Item = &'n str>) -> Result<String, CacertsError> {
    let roots: String = pem::encode_certificates(roots).lines().map(|line| format!("    {line}\n")).collect();
    let mut text = String::new();
    for namespace in namespaces {
        write::check_namespace(namespace)?;
        let head = if text.is_empty() { "" } else { "---\n" };
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "{head}apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {ROOT_CONFIG_MAP}\n  namespace: \"{namespace}\"\n  labels:\n    istio.io/config: \"true\"\ndata:\n  root-cert.pem: |\n{roots}"
        );
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::super::testing::root;
    use super::super::{CacertsFiles, manifest};
    use super::*;
    use crate::key::{Crypto, KeyAlgorithm, PrivateKey};

    #[test]
    fn istiod_is_called_by_all_its_names() {
        assert_eq!(istiod_names("istio-system", None), ["istiod.istio-system.svc", "istiod-remote.istio-system.svc", "istio-pilot.istio-system.svc"]);
        assert_eq!(istiod_names("mesh", Some("1-30")).last().unwrap(), "istiod-1-30.mesh.svc");
        assert_eq!(istiod_names("mesh", Some("default")).len(), 3);
    }

    #[test]
    fn the_manifests_read_back_as_what_was_written() {
        let (roots, crypto) = ([root("a").cert, root("b").cert], Crypto::ring());
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto).unwrap();
        let tls = IstiodTls::new("chain\n".into(), key.to_pkcs8_pem(), &roots);
        let secrets = manifest::secrets(tls.secret_manifest("istio-system").unwrap().as_bytes()).unwrap();
        assert_eq!((secrets[0].name.as_str(), secrets[0].secret_type.as_deref()), (ISTIOD_TLS, Some("kubernetes.io/tls")));
        let mut files = CacertsFiles::default();
        for (name, bytes) in tls.files() {
            files.set(name, bytes);
        }
        assert_eq!(secrets[0].files, files);
        let maps = root_config_map(&roots, ["shop", "1e3"]).unwrap();
        let read: Vec<_> = manifest::objects(maps.as_bytes()).unwrap();
        for (object, namespace) in read.iter().zip(["shop", "1e3"]) {
            let manifest::Object::ConfigMap(map) = object else { panic!("{object:?}") };
            assert_eq!((map.name.as_str(), map.namespace.as_deref()), (ROOT_CONFIG_MAP, Some(namespace)));
            assert_eq!(map.values["root-cert.pem"], pem::encode_certificates(&roots).into_bytes());
        }
        assert!(read.len() == 2 && maps.contains("istio.io/config: \"true\""));
        for bad in ["", "a.b", "a\nb: c", "A"] {
            assert_eq!(root_config_map(&roots, [bad]).unwrap_err().code(), "istio.namespace");
            assert_eq!(tls.secret_manifest(bad).unwrap_err().code(), "istio.namespace");
        }
        assert!(!format!("{tls:?}").contains("PRIVATE"));
    }
}
