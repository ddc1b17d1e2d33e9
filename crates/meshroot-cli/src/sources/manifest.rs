//! Kubernetes objects.

use meshroot::doctor::EvidenceKind;
use meshroot::istio::manifest::{ClusterTrustBundleManifest, ConfigMapManifest, Object, SecretManifest, objects};
use meshroot::istio::{CA_CRL, ROOT_CERT, SECRET_NAME};
use meshroot::pem;
use meshroot::x509::Certificate;

use super::Reader;
use crate::exit::{Exit, Failure, Result};

/// The Secret of the CA that istiod makes for itself.
const SELF_SIGNED: &str = "istio-ca-secret";
/// Whose ClusterTrustBundles are about Kubernetes' own API, not about a mesh.
const KUBERNETES: &str = "kubernetes.io/";
/// Names in a list of what was found.
const MOST_NAMES: usize = 8;

/// Why an object was passed over, if it was.
type Taken = std::result::Result<(), String>;

impl Reader<'_> {
    pub(super) fn manifest(&mut self, text: &[u8], name: &str) -> Result<()> {
        let objects = objects(text)?;
        let several = objects.len() > 1;
        let before = self.found.len();
        let mut passed_over = Vec::new();
        for (number, object) in (1..).zip(objects) {
            let place = if several { format!("{name}#{number}") } else { name.to_owned() };
            let found = match object {
                Object::Secret(secret) => self.secret(*secret, &place),
                Object::ConfigMap(map) => self.config_map(map, &place),
                Object::ClusterTrustBundle(bundle) => self.cluster_trust_bundle(bundle, &place),
                _ => Err("an object of a kind that is not read".into()),
            };
            passed_over.extend(found.err().map(|why| (place, why)));
        }
        // `istio-ca-root-cert` is the same in each namespace: once is enough.
        self.drop_repeated(before);
        if self.found.len() == before {
            let said: Vec<_> = passed_over.iter().take(MOST_NAMES).map(|(_, why)| why.as_str()).collect();
            let message = format!("{}{}", said.join("; "), if passed_over.len() > said.len() { "; …" } else { "" });
            return Err(Failure::new(Exit::BadInput, "doctor.no_evidence", message));
        }
        for (place, why) in passed_over {
            self.remark(&place, format_args!("passed over: {why}"));
        }
        Ok(())
    }

    fn secret(&mut self, secret: SecretManifest, place: &str) -> Taken {
        let cluster = self.cluster();
        if secret.files.is_empty() {
            let keys = list(secret.other_keys.iter());
            let of = escaped(&secret.name);
            return Err(format!(
                "the Secret '{of}' has none of the keys that istiod reads (ca-cert.pem, ca-key.pem, cert-chain.pem, root-cert.pem, or tls.crt, tls.key, ca.crt); it has {keys}"
            ));
        }
        if secret.name == SELF_SIGNED {
            self.put(place, EvidenceKind::SelfSignedCa { cluster, files: secret.files, manifest: true });
            return Ok(());
        }
        if let Some(leaf) = secret.files.tls_crt.as_deref().and_then(|text| leaf_of(text, &secret)) {
            // A certificate that cert-manager made for a workload or a server: what it presents.
            self.put(place, EvidenceKind::Chain { cluster, chain: leaf });
            return Ok(());
        }
        if secret.name != SECRET_NAME {
            self.remark(
                place,
                format_args!("the Secret is called '{}'; istiod mounts '{SECRET_NAME}', and this one is taken for it", escaped(&secret.name)),
            );
        }
        self.put(place, EvidenceKind::Cacerts { cluster, files: secret.files, manifest: true });
        Ok(())
    }

    fn config_map(&mut self, mut map: ConfigMapManifest, place: &str) -> Taken {
        let (roots, crls) = (map.values.remove(ROOT_CERT), map.values.remove(CA_CRL));
        if roots.is_none() && crls.is_none() {
            return Err(format!("the ConfigMap '{}' has neither {ROOT_CERT} nor {CA_CRL}; it has {}", escaped(&map.name), list(map.values.keys())));
        }
        if let Some(pem) = roots {
            let cluster = self.cluster();
            self.put(place, EvidenceKind::RootConfigMap { cluster, pem });
        }
        if let Some(pem) = crls {
            let cluster = self.cluster();
            self.put(place, EvidenceKind::CrlConfigMap { cluster, pem });
        }
        Ok(())
    }

    fn cluster_trust_bundle(&mut self, bundle: ClusterTrustBundleManifest, place: &str) -> Taken {
        if let Some(signer) = bundle.signer_name.as_deref().filter(|signer| signer.starts_with(KUBERNETES)) {
            return Err(format!("the ClusterTrustBundle '{}' is of {}, not of a mesh", escaped(&bundle.name), escaped(signer)));
        }
        let cluster = self.cluster();
        self.put(place, EvidenceKind::RootConfigMap { cluster, pem: bundle.trust_bundle.into_bytes() });
        Ok(())
    }

    fn drop_repeated(&mut self, from: usize) {
        let mut kept = self.found.split_off(from);
        let mut seen: Vec<Vec<u8>> = Vec::new();
        kept.retain(|evidence| match &evidence.kind {
            EvidenceKind::RootConfigMap { pem, .. } | EvidenceKind::CrlConfigMap { pem, .. } => {
                let is_new = !seen.contains(pem);
                if is_new {
                    seen.push(pem.clone());
                }
                is_new
            }
            _ => true,
        });
        self.found.append(&mut kept);
    }
}

/// The chain in `tls.crt`, if its first certificate is no CA's and the Secret is not the one that istiod mounts.
fn leaf_of(text: &[u8], secret: &SecretManifest) -> Option<Vec<Vec<u8>>> {
    if secret.name == SECRET_NAME || secret.files.ca_cert.is_some() {
        return None;
    }
    let blocks = pem::parse(text).ok()?;
    let first = Certificate::from_der(&blocks.first()?.der).ok()?;
    (!first.is_ca()).then(|| blocks.iter().filter(|block| block.label == "CERTIFICATE").map(|block| block.der.clone()).collect())
}

/// Names from a manifest in a sentence: a few, and nothing that touches a terminal.
fn list<'n>(names: impl ExactSizeIterator<Item = &'n String>) -> String {
    let count = names.len();
    if count == 0 {
        return "none at all".into();
    }
    let shown: Vec<_> = names.take(MOST_NAMES).map(|name| escaped(name)).collect();
    format!("{}{}", shown.join(", "), if count > MOST_NAMES { ", …" } else { "" })
}

fn escaped(name: &str) -> String {
    name.chars().take(80).flat_map(char::escape_debug).collect()
}
