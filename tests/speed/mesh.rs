use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use meshroot_tests::postgres::Cluster;
use serde_json::json;
use tempfile::TempDir;

use crate::args::Args;
use crate::tokens::{AUDIENCE, ApiServer, ISSUER, Pod};

pub(crate) const TRUST_DOMAIN: &str = "mesh.example";
const CLUSTERS: [&str; 5] = ["west", "east", "north", "south", "centre"];

/// A mesh as an operator makes it, with a policy that takes its clusters' tokens.
pub(crate) struct Mesh {
    folder: TempDir,
    pub(crate) api_servers: Vec<ApiServer>,
    /// Where the store is, if not in the folder.
    pub(crate) database: Option<Arc<Cluster>>,
}

/// The database's schema for the store.
const SCHEMA: &str = "mesh";

impl Mesh {
    pub(crate) fn make(args: &Args) -> Self {
        let folder = tempfile::Builder::new().prefix("service-speed-").tempdir_in(args.folder()).unwrap();
        let mut mesh = Self { folder, api_servers: CLUSTERS.into_iter().map(ApiServer::new).collect(), database: None };
        succeed(Command::new(args.binary()).arg("quickstart").args(CLUSTERS).args(["--trust-domain", TRUST_DOMAIN, "--out"]).arg(mesh.home()));
        if args.postgres {
            let database = Cluster::start();
            let files = mesh.path("moved");
            succeed(Command::new(args.binary()).arg("export").arg("--store").arg(mesh.home()).arg("--out").arg(&files));
            succeed(Command::new(args.binary()).arg("import").arg("--from").arg(&files).arg("--store").arg(database.address(SCHEMA)));
            mesh.database = Some(Arc::new(database));
        }
        let mut policy = String::new();
        for server in &mesh.api_servers {
            let cluster = server.cluster;
            write!(
                policy,
                "[clusters.{cluster}]\n\
                 trust_domain = \"{TRUST_DOMAIN}\"\n\
                 callers.kubernetes = {{ issuers = [\"{ISSUER}\"], audiences = [\"{AUDIENCE}\"] }}\n\
                 callers.node_proxy = {{ accounts = [\"istio-system/ztunnel\"] }}\n\
                 [[clusters.{cluster}.workloads]]\n\
                 name = \"pods\"\n\
                 callers = [\"kubernetes\", \"node_proxy\"]\n\
                 namespaces = [\"*\"]\n"
            )
            .unwrap();
            fs::write(mesh.path(&format!("{cluster}.json")), server.jwks()).unwrap();
            let pods: Vec<_> = (0..args.pods).map(Pod::workload).flat_map(|pod| [pod.proxy().json(), pod.json()]).collect();
            fs::write(mesh.path(&format!("{cluster}-pods.json")), json!({ "items": pods }).to_string()).unwrap();
        }
        fs::write(mesh.path("policy.toml"), policy).unwrap();
        mesh
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder that quickstart made.
    fn home(&self) -> PathBuf {
        self.path("mesh")
    }

    /// The options that say where the store is.
    pub(crate) fn store(&self) -> Vec<String> {
        let home = self.home().display().to_string();
        match &self.database {
            None => vec!["--store".into(), home],
            Some(database) => vec!["--store".into(), database.address(SCHEMA), "--home".into(), home],
        }
    }

    pub(crate) fn roots(&self) -> Vec<u8> {
        fs::read(self.home().join("root-cert.pem")).unwrap()
    }

    /// The settings for a server, with these limits besides.
    pub(crate) fn settings(&self, limits: &str) -> PathBuf {
        let file = |name: &str| self.path(name).display().to_string();
        let mut text =
            format!("[listen]\naddress = \"127.0.0.1:0\"\n[health]\naddress = \"127.0.0.1:0\"\n[policy]\nfile = {:?}\n", file("policy.toml"));
        text.push_str("[policy.jwks]\n");
        for server in &self.api_servers {
            writeln!(text, "{} = {:?}", server.cluster, file(&format!("{}.json", server.cluster))).unwrap();
        }
        text.push_str("[policy.pods]\n");
        for server in &self.api_servers {
            writeln!(text, "{} = {:?}", server.cluster, file(&format!("{}-pods.json", server.cluster))).unwrap();
        }
        // Few callers stand for many: the limits are there, and judged, and not reached.
        let rate = "\"1000000/s burst 1000000\"";
        writeln!(text, "[limits]\ncaller = {rate}\ncluster = {rate}\n{limits}").unwrap();
        let path = self.path("meshroot.toml");
        fs::write(&path, text).unwrap();
        path
    }
}

fn succeed(command: &mut Command) {
    assert!(command.stdout(Stdio::null()).status().unwrap().success(), "{command:?} failed");
}
