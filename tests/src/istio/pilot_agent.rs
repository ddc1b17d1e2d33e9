//! Istio's pilot-agent as a plain process: neither istiod nor Envoy, certificates from an external CA into a folder.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use meshroot::key::{Crypto, PrivateKey};
use meshroot_testkit::kubernetes::Pod;
use serde_json::json;

use super::held::Held;
use super::mesh::TRUST_DOMAIN;
use super::programs::{free_port, istio, wait_for};

/// Where an agent stands, and whom it asks.
#[derive(Clone, Debug)]
pub struct Sidecar<'a> {
    /// `ISTIO_META_CLUSTER_ID`: what it says of itself.
    pub cluster: &'a str,
    /// The pod that it believes to be in.
    pub pod: &'a Pod,
    /// `CA_ADDR`.
    pub ca: String,
    /// `CA_ROOT_CA`.
    pub roots: &'a Path,
    /// The token that is mounted.
    pub token: String,
    /// `SECRET_TTL`.
    pub lifetime: Duration,
    /// Further variables.
    pub more: &'a [(&'a str, &'a str)],
}

/// A running agent. Dropped, it is killed.
#[derive(Debug)]
pub struct PilotAgent {
    child: Child,
    folder: tempfile::TempDir,
}

impl PilotAgent {
    /// Starts it in a folder of its own, since all its paths are relative.
    pub fn start(sidecar: &Sidecar<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["var/run/secrets/tokens", "var/run/secrets/istio", "etc", "certs"] {
            std::fs::create_dir_all(at(name)).unwrap();
        }
        std::fs::copy(sidecar.roots, at("var/run/secrets/istio/root-cert.pem")).unwrap();
        write_token(folder.path(), &sidecar.token);
        // There is no istiod: nobody listens on port 1, and the agent goes on without its configuration.
        let proxy = json!({ "configPath": "./etc", "statusPort": free_port(), "proxyAdminPort": free_port(), "discoveryAddress": "127.0.0.1:1" });
        let roots = "./var/run/secrets/istio/root-cert.pem";
        let log = File::create(at("log")).unwrap();
        let child = Command::new(istio("pilot-agent"))
            .args(["proxy", "sidecar", "--domain", &format!("{}.svc.cluster.local", sidecar.pod.namespace)])
            .current_dir(folder.path())
            .env_clear()
            .env("CA_ADDR", &sidecar.ca)
            .env("PROXY_CONFIG", proxy.to_string())
            .env("SECRET_TTL", format!("{}s", sidecar.lifetime.as_secs()))
            .env("POD_NAME", &sidecar.pod.name)
            .env("POD_NAMESPACE", &sidecar.pod.namespace)
            .env("SERVICE_ACCOUNT", &sidecar.pod.service_account)
            .env("ISTIO_META_CLUSTER_ID", sidecar.cluster)
            .env("TRUST_DOMAIN", TRUST_DOMAIN)
            .envs([("CA_ROOT_CA", roots), ("XDS_ROOT_CA", roots), ("OUTPUT_CERTS", "./certs"), ("GRPC_XDS_BOOTSTRAP", "./etc/bootstrap.json")])
            .envs([("DISABLE_ENVOY", "true"), ("CA_PROVIDER", "Citadel"), ("JWT_POLICY", "third-party-jwt"), ("PILOT_CERT_PROVIDER", "istiod")])
            .envs([("CLOUD_PLATFORM", "none"), ("INSTANCE_IP", "127.0.0.1")])
            .envs(sidecar.more.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { child, folder }
    }

    /// What it wrote, once all three files are there.
    pub fn files(&self) -> Option<Held> {
        let read = |name: &str| std::fs::read_to_string(self.folder.path().join("certs").join(name)).ok();
        Some(Held { chain: read("cert-chain.pem")?, key: read("key.pem")?, roots: read("root-cert.pem")? })
    }

    /// The same once they are of one moment: it writes them one after the other.
    pub fn held(&self) -> Option<Held> {
        let held = self.files()?;
        let key = PrivateKey::from_pem(held.key.as_bytes(), None, &Crypto::ring()).ok()?;
        let leaf = meshroot::pem::certificates(held.chain.as_bytes()).ok()?.into_iter().next()?;
        (leaf.public_key() == key.public_key()).then_some(held)
    }

    /// What it holds as soon as `wanted` likes it.
    pub fn wait(&mut self, limit: Duration, what: &str, wanted: impl Fn(&Held) -> bool) -> Held {
        let Self { child, folder: _ } = &mut *self;
        assert!(child.try_wait().unwrap().is_none(), "pilot-agent has ended: {}", self.log());
        wait_for(limit, || self.held().filter(&wanted), || format!("{what}\n{}", self.log()))
    }

    /// Its first certificate.
    pub fn first(&mut self) -> Held {
        self.wait(Duration::from_secs(20), "a first certificate", |_| true)
    }

    /// Mounts another token, as the kubelet does in time; the agent reads it for every call.
    pub fn mount_token(&self, token: &str) {
        write_token(self.folder.path(), token);
    }

    /// What it logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Where it writes its certificates.
    pub fn certificates(&self) -> PathBuf {
        self.folder.path().join("certs")
    }
}

impl Drop for PilotAgent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write_token(folder: &Path, token: &str) {
    let path = folder.join("var/run/secrets/tokens/istio-token");
    let aside = path.with_extension("new");
    std::fs::write(&aside, token).unwrap();
    std::fs::rename(aside, path).unwrap();
}
