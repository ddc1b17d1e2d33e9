//! A mesh of several clusters on disk, as the command makes it, and the API servers of its clusters.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use meshroot::hierarchy::{Command as Change, Event, Hierarchy, create_root};
use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey};
use meshroot::profile::Profile;
use meshroot_store::{RenderedBundle, SqliteStore, Store as _};
use meshroot_testkit::kubernetes::{ApiServer, ISSUER, KEYS, Pod, SigningKey, TokenRequest, pod_list};
use serde_json::{Value, json};

use super::programs::{meshroot, rsa_key, succeed};
use super::serving::Serving;
use crate::exhibits::now;

/// The trust domain of every mesh here.
pub const TRUST_DOMAIN: &str = "mesh.example";

/// Where Istio's agents want to reach the CA when they are told `localhost`.
const ISTIOD: &str = "istiod.istio-system.svc";

/// A mesh below a temporary folder.
#[derive(Debug)]
pub struct Mesh {
    folder: tempfile::TempDir,
    clusters: Vec<(&'static str, ApiServer)>,
    /// Kept from one service to the next: clients know no other.
    address: Mutex<SocketAddr>,
}

impl Mesh {
    /// `meshroot quickstart` for these clusters, each with an API server that calls itself as all the others do and has a key of its own; a policy
    /// that gives every service account its identity.
    pub fn quickstart(clusters: &[&'static str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        succeed(meshroot().arg("quickstart").args(clusters).args(["--trust-domain", TRUST_DOMAIN, "--out"]).arg(folder.path().join("mesh")));
        // The keys that are there serve three clusters; OpenSSL makes those of any further ones.
        let keys = KEYS.iter().map(ToString::to_string).chain(std::iter::repeat_with(rsa_key));
        let server = |(name, key): (&&'static str, String)| (*name, ApiServer::new(SigningKey::from_pem(&key).unwrap()));
        let clusters: Vec<_> = clusters.iter().zip(keys).map(server).collect();
        let mesh = Self { folder, clusters, address: Mutex::new(SocketAddr::from(([127, 0, 0, 1], 0))) };
        mesh.write_policy(|_| vec!["*"]);
        mesh.write_keys();
        mesh.clusters.iter().for_each(|(name, _)| mesh.write_pods(name, []));
        mesh.write_settings();
        mesh
    }

    /// A file below the mesh's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, contents: &str) -> PathBuf {
        let (aside, path) = (self.path(&format!("{name}.new")), self.path(name));
        std::fs::write(&aside, contents).unwrap();
        std::fs::rename(&aside, &path).unwrap();
        path
    }

    /// The file with the mesh's roots, as they were when it was made.
    pub fn roots_file(&self) -> PathBuf {
        self.path("mesh/root-cert.pem")
    }

    /// The mesh's roots now.
    pub fn roots(&self) -> String {
        succeed(meshroot().args(["bundle", "export", "--format", "pem", "--store"]).arg(self.path("mesh")))
    }

    /// A second root, of a key that nobody here has, is added to the store and published: the first half of a rotation.
    pub fn publish_a_second_root(&self) {
        let (crypto, at) = (Crypto::ring(), now());
        let store = SqliteStore::open(&self.path("mesh/store/mesh.db")).unwrap();
        let loaded = store.load().unwrap();
        let held = &loaded.trust_domains[0];
        let mut hierarchy = Hierarchy::replay(held.trust_domain.clone(), &held.events);
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto).unwrap().signer(&crypto).unwrap();
        let path = create_root(&held.trust_domain, &Profile::root_ca(), &*key, &crypto, at).unwrap();
        let mut events = hierarchy.decide(&Change::AddRoot { path }, &crypto, at).unwrap();
        events.iter().for_each(|event| hierarchy.apply(event));
        let added = events.iter().find_map(|event| match event {
            Event::AuthorityAdded { authority, .. } => Some(authority.clone()),
            _ => None,
        });
        let published = hierarchy.decide(&Change::Publish { authority: added.unwrap() }, &crypto, at).unwrap();
        published.iter().for_each(|event| hierarchy.apply(event));
        events.extend(published);
        let bundle = hierarchy.bundle().unwrap();
        let rendered = RenderedBundle { sequence: bundle.sequence().unwrap(), bytes: bundle.to_spiffe_json().into_bytes() };
        let trust_domain = held.trust_domain.clone();
        store
            .commit(&meshroot_store::Change {
                expected_version: loaded.version,
                trust_domain,
                events,
                sealed_keys: vec![],
                bundle: Some(rendered),
                at,
            })
            .unwrap();
    }

    /// The certificate of a cluster's CA.
    pub fn cluster_ca(&self, cluster: &str) -> String {
        std::fs::read_to_string(self.path(&format!("mesh/clusters/{cluster}/cacerts/ca-cert.pem"))).unwrap()
    }

    /// A cluster's API server.
    pub fn api_server(&self, cluster: &str) -> &ApiServer {
        self.clusters.iter().find(|(name, _)| *name == cluster).map(|(_, server)| server).unwrap()
    }

    /// The same, to be changed; [`write_keys`](Self::write_keys) publishes the change.
    pub fn api_server_mut(&mut self, cluster: &str) -> &mut ApiServer {
        self.clusters.iter_mut().find(|(name, _)| *name == cluster).map(|(_, server)| server).unwrap()
    }

    /// The token that this pod of the cluster finds mounted now.
    pub fn token(&self, cluster: &str, pod: &Pod) -> String {
        self.api_server(cluster).token(pod, &TokenRequest::istio(now())).unwrap()
    }

    /// Publishes the key sets as they are.
    pub fn write_keys(&self) {
        for (name, server) in &self.clusters {
            self.write(&format!("{name}-jwks.json"), &server.jwks());
        }
    }

    /// A policy by which every cluster's service accounts of the namespaces that `namespaces` answers get their identity, and the node proxies in
    /// `istio-system` those of the pods on their node.
    pub fn write_policy(&self, namespaces: impl Fn(&str) -> Vec<&'static str>) {
        let cluster = |name: &str| {
            format!(
                "[clusters.{name}]\n\
                 trust_domain = \"{TRUST_DOMAIN}\"\n\
                 [clusters.{name}.callers.kubernetes]\n\
                 issuers = [\"{ISSUER}\"]\n\
                 audiences = [\"meshroot\"]\n\
                 [clusters.{name}.callers.svid]\n\
                 renewable_for = \"1d\"\n\
                 [clusters.{name}.callers.node_proxy]\n\
                 accounts = [\"istio-system/ztunnel\"]\n\
                 [[clusters.{name}.workloads]]\n\
                 name = \"service-accounts\"\n\
                 callers = [\"kubernetes\", \"node_proxy\", \"svid\"]\n\
                 namespaces = {}\n\n",
                json!(namespaces(name))
            )
        };
        let clusters: String = self.clusters.iter().map(|(name, _)| cluster(name)).collect();
        self.write("policy.toml", &format!("[defaults]\nlifetime = \"24h\"\nmax_lifetime = \"48h\"\n\n{clusters}"));
    }

    /// The pods of a cluster: what `kubectl get pods -A -o json` prints.
    pub fn write_pods(&self, cluster: &str, pods: impl IntoIterator<Item = Value>) {
        self.write(&format!("{cluster}-pods.json"), &pod_list(pods));
    }

    fn write_settings(&self) {
        let file = |path: PathBuf| json!(path.to_str().unwrap());
        let all = |what: &str| {
            self.clusters.iter().map(|(name, _)| format!("{name} = {}\n", file(self.path(&format!("{name}-{what}.json"))))).collect::<String>()
        };
        let text = format!(
            "[names]\ndns = [\"{ISTIOD}\"]\n\n[policy]\nfile = {}\n\n[policy.jwks]\n{}\n[policy.pods]\n{}\n[log]\nlevel = \"info\"\nformat = \"json\"\n",
            file(self.path("policy.toml")),
            all("jwks"),
            all("pods")
        );
        self.write("service.toml", &text);
    }

    /// Starts the service, at the address of the one before.
    pub fn serve(&self) -> Serving {
        let mut address = self.address.lock().unwrap();
        let serving = Serving::start(self.folder.path(), *address);
        *address = serving.address;
        serving
    }

    /// The folder of everything.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}
