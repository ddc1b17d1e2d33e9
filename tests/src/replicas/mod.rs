//! Replicas of the service on one PostgreSQL store, with the real program: `MESHROOT` says where it is.
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

mod api_server;
mod load;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::postgres::Cluster;
use api_server::ApiServer;
pub use load::{Client, Delivered, Load, csr, leaf, nothing_is_lost_or_given_twice};

/// The one identity that is asked for.
pub const ID: &str = "spiffe://mesh.example/ns/shop/sa/cart";

/// The schema that the store is in.
pub const SCHEMA: &str = "mesh";

const POLICY: &str = r#"
[clusters.west]
trust_domain = "mesh.example"
callers.kubernetes = { issuers = ["https://kubernetes.default.svc.cluster.local"], audiences = ["meshroot"] }
callers.join_token = {}
[[clusters.west.workloads]]
name = "all"
callers = ["kubernetes", "join_token"]
namespaces = ["shop"]
max_lifetime = "1h"
lifetime = "1h"
"#;

/// A running replica.
#[derive(Debug)]
pub struct Replica {
    process: Child,
    port: u16,
}

/// An entry of the log.
#[derive(Debug)]
pub struct Entry {
    pub position: u64,
    pub serial: String,
}

/// A mesh whose store was moved to PostgreSQL.
#[derive(Debug)]
pub struct Scene {
    folder: tempfile::TempDir,
    address: String,
    api_server: ApiServer,
}

impl Scene {
    /// Moves a new mesh into the database at this address.
    pub fn at(address: String) -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap(), address, api_server: ApiServer::new() };
        let (mesh, moved) = (scene.path("mesh"), scene.path("moved"));
        run(Command::new(program()).args(["quickstart", "west", "--trust-domain", "mesh.example", "--out"]).arg(&mesh));
        run(Command::new(program()).arg("export").arg("--store").arg(&mesh).arg("--out").arg(&moved));
        run(Command::new(program()).arg("import").arg("--from").arg(&moved).args(["--store", &scene.address]));
        // Whoever used it on would give numbers twice.
        fs::rename(mesh.join("store"), mesh.join("store-moved-away")).unwrap();
        fs::write(scene.path("policy.toml"), POLICY).unwrap();
        fs::write(scene.path("west.json"), scene.api_server.jwks()).unwrap();
        let settings = format!(
            "[policy]\nfile = {:?}\njwks = {{ west = {:?} }}\n[limits]\ncaller = \"none\"\n",
            scene.path("policy.toml"),
            scene.path("west.json")
        );
        fs::write(scene.path("service.toml"), settings).unwrap();
        scene
    }

    /// A file or folder of the scene. A replica's own folder has its name.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command, on this store, with the folder of a replica.
    fn command(&self, home: &Path) -> Command {
        self.command_at(&self.address, home)
    }

    fn command_at(&self, address: &str, home: &Path) -> Command {
        let mut command = Command::new(program());
        command.args(["--store", address, "--home"]).arg(home).arg("--unlock-file").arg(self.path("mesh/unlock.key"));
        command
    }

    /// What the command answers that is run beside a replica.
    pub fn meshroot(&self, arguments: &[&str], replica: &str) -> String {
        run(self.command(&self.path(replica)).args(arguments))
    }

    /// A pod's projected token.
    pub fn kubernetes_token(&self) -> String {
        self.api_server.token()
    }

    /// Starts a replica, and waits until it serves.
    pub fn replica(&self, name: &str) -> Replica {
        self.replica_at(&self.address, name)
    }

    /// The same on the store at this address.
    pub fn replica_at(&self, address: &str, name: &str) -> Replica {
        let home = self.path(name);
        fs::create_dir_all(&home).unwrap();
        let mut serve = self.command_at(address, &home);
        serve.arg("serve").arg("--config").arg(self.path("service.toml")).args(["--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"]);
        let log = fs::OpenOptions::new().create(true).append(true).open(self.path(&format!("{name}.log"))).unwrap();
        let mut process = serve.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("https://").nth(1).and_then(|rest| rest.split(',').next());
        let Some(address) = address else { panic!("{line}\n{}", fs::read_to_string(self.path(&format!("{name}.log"))).unwrap()) };
        let port = address.rsplit(':').next().unwrap().trim().parse().unwrap();
        Replica { process, port }
    }

    /// Without a word.
    pub fn kill(&self, mut replica: Replica) {
        replica.process.kill().unwrap();
        replica.process.wait().unwrap();
    }

    /// In good order.
    pub fn stop(&self, mut replica: Replica) {
        run(Command::new("kill").arg("-TERM").arg(replica.process.id().to_string()));
        assert!(replica.process.wait().unwrap().success());
    }

    pub fn client(&self, replicas: &[&Replica]) -> Client {
        let mut roots = rustls::RootCertStore::empty();
        for root in CertificateDer::pem_file_iter(self.path("mesh/root-cert.pem")).unwrap() {
            roots.add(root.unwrap()).unwrap();
        }
        let builder = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let config = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots).with_no_client_auth();
        Client { ports: replicas.iter().map(|replica| replica.port).collect(), config: Arc::new(config) }
    }
}

/// All that is on record in a database, by the certificate.
pub fn log(cluster: &Cluster) -> BTreeMap<Vec<u8>, Entry> {
    let rows = psql(cluster, "SELECT position, encode(serial, 'hex'), encode(certificate, 'hex') FROM issuances ORDER BY position");
    let entry = |line: &str| {
        let mut columns = line.split('|');
        let (position, serial) = (columns.next().unwrap().parse().unwrap(), columns.next().unwrap().to_owned());
        let digits = columns.next().unwrap().as_bytes();
        let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        (digits.chunks(2).map(octet).collect(), Entry { position, serial })
    };
    rows.lines().map(entry).collect()
}

/// What a database answers about the store in it.
pub fn psql(cluster: &Cluster, sql: &str) -> String {
    cluster.psql("mesh", &format!("SET search_path = {SCHEMA}; {sql}"))
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program that is tried.
pub fn program() -> PathBuf {
    std::env::var_os("MESHROOT").expect("MESHROOT names the program: tests/interop.sh sets it").into()
}

/// What a command prints; it has to go well.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
