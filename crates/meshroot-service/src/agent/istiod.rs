use meshroot::bundle::Bundle;
use meshroot::istio::{CacertsError, IstiodTls, TLS_KEY, root_config_map};
use meshroot_store::files::Mode;
use zeroize::Zeroizing;

use super::held::Identity;
use super::{AgentError, Istiod, files};

/// The certificate as istiod reads it, and the manifests by which a cluster gets both.
pub(super) struct Forms {
    tls: IstiodTls,
    secret: Zeroizing<String>,
    roots: String,
}

impl Forms {
    pub(super) fn of(identity: &Identity, bundle: &Bundle, istiod: &Istiod) -> Result<Self, AgentError> {
        let chain = meshroot::pem::encode_certificates(&identity.chain);
        let tls = IstiodTls::new(chain, identity.key_pem.clone(), bundle.x509_authorities());
        let unwritable = |e: CacertsError| AgentError::Namespace(e.to_string());
        let secret = tls.secret_manifest(&istiod.namespace).map_err(unwritable)?;
        let roots = root_config_map(bundle.x509_authorities(), istiod.roots_for.iter().map(String::as_str)).map_err(unwritable)?;
        Ok(Self { tls, secret, roots })
    }

    pub(super) fn entries(&self) -> Vec<files::Entry<'_>> {
        let mode = |name: &str| if name == TLS_KEY { Mode::Private } else { Mode::Public };
        let mut entries: Vec<files::Entry<'_>> = self.tls.files().into_iter().map(|(name, bytes)| (name, bytes, mode(name))).collect();
        entries.push(("istiod-tls.yaml", self.secret.as_bytes(), Mode::Private));
        entries.push(("istio-ca-root-cert.yaml", self.roots.as_bytes(), Mode::Public));
        entries
    }
}
