//! A scene as the sources of `meshroot doctor`: folders, what `kubectl` prints, SPIFFE bundles.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use meshroot::bundle::{Bundle, BundleMap};
use meshroot::spiffe::TrustDomain;

use super::{Cluster, Scene, federated};
use crate::mint::{certificates_pem, crls_pem};

impl Cluster {
    /// Whether istiod signs with a root of its own.
    pub fn signs_itself(&self) -> bool {
        self.signing.certificate.is_self_issued()
    }

    /// The files of its plug-in CA, or of istiod's own.
    pub fn files(&self) -> Vec<(&'static str, String)> {
        let ca_cert = self.signing.certificate.to_pem();
        let mut files = vec![("ca-cert.pem", ca_cert), ("ca-key.pem", self.signing.key_pem.clone())];
        files.push(("cert-chain.pem", certificates_pem(&self.chain)));
        if self.signs_itself() {
            files.push(("key.pem", String::new()));
        }
        files.push(("root-cert.pem", certificates_pem(&self.roots)));
        if !self.crls.is_empty() {
            files.push(("ca-crl.pem", crls_pem(&self.crls)));
        }
        files
    }

    /// `kubectl get secret cacerts -n istio-system -o yaml`, or of `istio-ca-secret`.
    pub fn secret(&self) -> String {
        let (name, kind) = if self.signs_itself() { ("istio-ca-secret", "istio.io/ca-root") } else { ("cacerts", "Opaque") };
        let data = self.files().iter().fold(String::new(), |mut out, (file, text)| {
            let value = if text.is_empty() { "\"\"".to_owned() } else { STANDARD.encode(text) };
            writeln!(out, "  {file}: {value}").unwrap();
            out
        });
        format!("apiVersion: v1\ndata:\n{data}kind: Secret\n{}type: {kind}\n", metadata(name, "istio-system"))
    }

    /// `kubectl get configmap istio-ca-root-cert -n default -o yaml`.
    pub fn root_config_map(&self) -> String {
        config_map("istio-ca-root-cert", "root-cert.pem", &certificates_pem(&self.roots))
    }

    /// `kubectl get configmap istio-ca-crl -n default -o yaml`.
    pub fn crl_config_map(&self) -> String {
        config_map("istio-ca-crl", "ca-crl.pem", &crls_pem(&self.crls))
    }
}

impl Scene {
    /// Writes a folder of files for each cluster; answers the folders.
    pub fn write_folders(&self, folder: &Path) -> Vec<PathBuf> {
        let write = |cluster: &Cluster| {
            let folder = folder.join(cluster.name);
            std::fs::create_dir_all(&folder).unwrap();
            cluster.files().iter().for_each(|(file, text)| std::fs::write(folder.join(file), text).unwrap());
            folder
        };
        self.clusters.iter().map(write).collect()
    }

    /// Writes a manifest for each cluster, with the Secret and the ConfigMaps that its istiod hands out; answers the files.
    pub fn write_manifests(&self, folder: &Path) -> Vec<PathBuf> {
        let write = |cluster: &Cluster| {
            let mut documents = vec![cluster.secret(), cluster.root_config_map()];
            if !cluster.crls.is_empty() {
                documents.push(cluster.crl_config_map());
            }
            let path = folder.join(format!("{}.yaml", cluster.name));
            std::fs::write(&path, documents.join("---\n")).unwrap();
            path
        };
        self.clusters.iter().map(write).collect()
    }

    /// The bundle of each trust domain of a federated pair, as one bundle map.
    pub fn bundle_map(&self) -> BundleMap {
        let mut map = BundleMap::new();
        for (trust_domain, root) in federated::roots_by_domain(self) {
            let bundle = Bundle::new(TrustDomain::parse(trust_domain).unwrap()).with_x509_authorities([root]).unwrap();
            map.insert(bundle.with_sequence(1));
        }
        map
    }
}

fn config_map(name: &str, key: &str, text: &str) -> String {
    let lines = text.lines().fold(String::new(), |out, line| out + "    " + line + "\n");
    let text = if lines.is_empty() { format!("  {key}: \"\"\n") } else { format!("  {key}: |\n{lines}") };
    format!("apiVersion: v1\ndata:\n{text}kind: ConfigMap\n{}", metadata(name, "default"))
}

fn metadata(name: &str, namespace: &str) -> String {
    let labels = if name == "istio-ca-root-cert" { "  labels:\n    istio.io/config: \"true\"\n" } else { "" };
    format!(
        "metadata:\n  creationTimestamp: \"2026-11-20T09:00:00Z\"\n{labels}  name: {name}\n  namespace: {namespace}\n  resourceVersion: \"4711\"\n  \
         uid: 6b1f6ad2-6a4d-4a3f-9f5e-0d7c7a1f2b3c\n"
    )
}
