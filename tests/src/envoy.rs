//! One real Envoy that judges whole scenes: a TLS listener for every column, an upstream for every pair.
//!
//! Each column is configured as Istio configures its sidecars: trusted roots, CRLs if it has any, the prefixes of the trust domains that it lets
//! in, client certificates required. The workloads of the rows are rustls, and believe anything, so that what fails is Envoy's judgement.

mod admin;
mod config;
mod peers;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use meshroot::key::Crypto;

use crate::scene::{Cluster, Scene};
use admin::Admin;
use config::Clients;
use peers::Server;

/// A running Envoy.
#[derive(Debug)]
pub struct Envoy {
    child: Child,
    admin: Admin,
    out: SocketAddr,
    scenes: Vec<Scene>,
    crypto: Crypto,
    // Kept until the end: the upstream servers, and the folder that Envoy writes to.
    _servers: Vec<Server>,
    folder: tempfile::TempDir,
}

/// What is seen of one handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Whether Envoy went on.
    pub accepted: bool,
    /// Its `ssl.*` counters that moved, without OCSP and without the successes by cipher, curve and version.
    pub counters: Vec<String>,
    /// Envoy's reason: the transport failure in its access log. It writes an underscore for each space.
    pub reason: String,
    /// Of a client: the status and the body that its application gets.
    pub answer: String,
}

impl Envoy {
    /// Starts an Envoy for all these scenes, with leaves of the real present.
    pub fn start(scenes: &[Scene], crypto: &Crypto) -> Self {
        let servers: Vec<Server> =
            scenes.iter().flat_map(|scene| scene.clusters.iter().map(|row| Server::start(&presented(scene, row, crypto), scene.now))).collect();
        let ports: Vec<u16> = servers.iter().map(|server| server.address.port()).collect();
        Self::run(scenes, &ports, servers, Clients::Judge, crypto)
    }

    /// A second Envoy, whose clients call the sidecars of this one and believe whatever those present: what they see is what a caller is told
    /// by a sidecar that refuses it.
    #[must_use]
    pub fn callers(&self) -> Self {
        let listener = |scene: &Scene, cluster: &Cluster| self.admin.listener(&config::column_name(scene, cluster)).port();
        let ports: Vec<u16> = self.scenes.iter().flat_map(|scene| scene.clusters.iter().map(move |cluster| listener(scene, cluster))).collect();
        Self::run(&self.scenes, &ports, Vec::new(), Clients::Believe, &self.crypto)
    }

    fn run(scenes: &[Scene], ports: &[u16], servers: Vec<Server>, clients: Clients, crypto: &Crypto) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("envoy.json");
        std::fs::write(&path, config::bootstrap(scenes, ports, clients, folder.path(), crypto).to_string()).unwrap();
        let address = folder.path().join("admin");
        let child = Command::new(binary())
            .args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "warning", "--file-flush-interval-msec", "20", "-c"])
            .args([path.as_os_str(), "--admin-address-path".as_ref(), address.as_os_str()])
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut envoy = Self {
            child,
            admin: Admin::default(),
            out: SocketAddr::from(([127, 0, 0, 1], 0)),
            scenes: scenes.to_vec(),
            crypto: crypto.clone(),
            _servers: servers,
            folder,
        };
        envoy.admin = Admin::wait(&address, || envoy.child.try_wait().unwrap().is_some())
            .unwrap_or_else(|| panic!("Envoy did not start: {}", std::fs::read_to_string(envoy.folder.path().join("log")).unwrap()));
        envoy.out = envoy.admin.listener("out");
        envoy
    }

    /// A workload of the row calls a sidecar of the column.
    pub fn inbound(&self, scene: &str, row: usize, column: usize) -> Seen {
        let scene = self.scene(scene);
        self.inbound_of(scene, &presented(scene, &scene.clusters[row], &self.crypto), column)
    }

    /// A workload with this certificate calls a sidecar of the column.
    pub fn inbound_of(&self, scene: &Scene, leaf: &crate::mint::Leaf, column: usize) -> Seen {
        let name = config::column_name(scene, &scene.clusters[column]);
        let prefix = format!("listener.{name}.ssl.");
        let before = self.admin.counters(&prefix);
        let log = Log::new(self.folder.path().join(format!("{name}.access")));
        let accepted = peers::call(self.admin.listener(&name), leaf, scene.now);
        let reason = if accepted { String::new() } else { log.appended() };
        Seen { accepted, counters: moved(&before, &self.admin.counters(&prefix)), reason, answer: String::new() }
    }

    /// A sidecar of the column calls a workload of the row.
    pub fn outbound(&self, scene: &str, row: usize, column: usize) -> Seen {
        let scene = self.scene(scene);
        let name = config::pair_name(scene, &scene.clusters[row], &scene.clusters[column]);
        let prefix = format!("cluster.{name}.ssl.");
        let before = self.admin.counters(&prefix);
        let log = Log::new(self.folder.path().join("out.access"));
        let (status, body) = admin::get(self.out, &format!("/{name}"));
        // Every request has its line: taking it keeps it from the next one.
        let reason = log.appended();
        let accepted = status == 200;
        let reason = if accepted { String::new() } else { reason };
        Seen { accepted, counters: moved(&before, &self.admin.counters(&prefix)), reason, answer: format!("{status} {body}") }
    }

    fn scene(&self, name: &str) -> &Scene {
        self.scenes.iter().find(|scene| scene.name == name).unwrap_or_else(|| panic!("no scene {name}"))
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a sidecar presents: Istio's agent hands Envoy every certificate of istiod's answer, the roots at its end too.
fn presented(scene: &Scene, row: &Cluster, crypto: &Crypto) -> crate::mint::Leaf {
    let mut leaf = row.workload(scene.now, crypto);
    leaf.chain.extend(row.roots.iter().cloned());
    leaf
}

/// An access log, of which only what is written from now on counts.
struct Log {
    path: PathBuf,
    seen: usize,
}

impl Log {
    fn new(path: PathBuf) -> Self {
        let seen = std::fs::metadata(&path).map_or(0, |file| usize::try_from(file.len()).unwrap());
        Self { path, seen }
    }

    /// The first new line; a word about it when none comes soon.
    fn appended(&self) -> String {
        for _ in 0..300 {
            let text = std::fs::read_to_string(&self.path).unwrap_or_default();
            if let Some((line, _)) = text.get(self.seen..).and_then(|new| new.split_once('\n')) {
                return line.to_owned();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        String::from("(nothing in the access log)")
    }
}

fn moved(before: &[(String, u64)], after: &[(String, u64)]) -> Vec<String> {
    let was = |name: &str| before.iter().find(|(n, _)| n == name).map_or(0, |(_, value)| *value);
    let counts = |name: &str| !name.starts_with("ocsp_");
    after.iter().filter(|(name, value)| counts(name) && *value != was(name)).map(|(name, _)| name.clone()).collect()
}

fn binary() -> PathBuf {
    if let Some(given) = std::env::var_os("ENVOY") {
        return given.into();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/tools/envoy.sh");
    let out = Command::new(&script).output().unwrap_or_else(|e| panic!("{}: {e}", script.display()));
    assert!(out.status.success(), "{}: {}", script.display(), String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap().trim().into()
}
