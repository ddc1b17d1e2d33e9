use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use meshroot_tests::postgres::Cluster;
use serde_json::Value;

use crate::args::Args;
use crate::client::Target;
use crate::mesh::Mesh;
use crate::process::{Usage, children};

/// `meshroot serve`, as an operator starts it: its log goes into a pipe, as to journald or a container's runtime.
pub(crate) struct Server {
    child: Child,
    pid: u32,
    pub(crate) target: Target,
    pub(crate) health: SocketAddr,
    /// Lines of the log that say that something was granted.
    granted: Arc<AtomicU64>,
    database: Option<Arc<Cluster>>,
}

impl Server {
    /// Starts it, with a tracer in front of it if there is one.
    pub(crate) async fn start(args: &Args, mesh: &Mesh, settings: &str, tracer: Option<&mut Command>) -> Self {
        let mut plain = Command::new(args.binary());
        let traced = tracer.is_some();
        let command = match tracer {
            Some(tracer) => tracer.arg(args.binary()),
            None => &mut plain,
        };
        let command = command.arg("--json").args(mesh.store()).arg("serve").arg("--config").arg(mesh.settings(settings));
        // A handful of callers ask for as much as thousands would.
        let command = command.env("MESHROOT_SERVE_LIMITS_CALLER", "none").env("MESHROOT_SERVE_LIMITS_CLUSTER", "none");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        // The document may take several lines; it ends with the brace that closes it.
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let document: Value = loop {
            assert!(stdout.read_line(&mut line).unwrap() > 0, "the server did not start: {}", rest(child.stderr.take()));
            if let Ok(document) = serde_json::from_str(&line) {
                break document;
            }
        };
        let address = |name: &str| document[name].as_str().unwrap().parse().unwrap();
        let pid = if traced { children(child.id())[0] } else { child.id() };
        let granted = Arc::new(AtomicU64::new(0));
        let (counted, stderr) = (Arc::clone(&granted), child.stderr.take().unwrap());
        std::thread::spawn(move || count_granted(stderr, &counted));
        let target = Target::new(address("address"), &mesh.roots());
        Self { child, pid, target, health: address("health_address"), granted, database: mesh.database.clone() }
    }

    pub(crate) fn usage(&self) -> Usage {
        let usage = Usage::of(self.pid);
        match &self.database {
            None => usage,
            // It writes, and not the server.
            Some(database) => {
                let log = database.psql("mesh", "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint");
                Usage { written: log.parse().unwrap(), ..usage }
            }
        }
    }

    pub(crate) fn pids(&self) -> Vec<u32> {
        vec![self.pid]
    }

    pub(crate) fn granted(&self) -> u64 {
        self.granted.load(Ordering::Relaxed)
    }

    /// Ends it as a supervisor does; it must end well.
    pub(crate) async fn stop(mut self) {
        assert!(Command::new("kill").args(["-TERM", &self.pid.to_string()]).status().unwrap().success());
        let until = Instant::now() + Duration::from_secs(40);
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "the server ended with {status}");
                return;
            }
            // The clients go on meanwhile: some answers are only finished when they were taken.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the server does not stop");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After a panic of ours; a stopped one is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn rest(stderr: Option<ChildStderr>) -> String {
    let mut text = String::new();
    let _ = stderr.unwrap().read_to_string(&mut text);
    text
}

/// Reads the log for as long as it lasts, in large pieces.
fn count_granted(mut log: ChildStderr, granted: &AtomicU64) {
    let mut held = Vec::new();
    let mut piece = vec![0; 64 << 10];
    while let Ok(n @ 1..) = log.read(&mut piece) {
        held.extend_from_slice(&piece[..n]);
        let whole = held.iter().rposition(|octet| *octet == b'\n').map_or(0, |at| at + 1);
        let text = String::from_utf8_lossy(&held[..whole]);
        granted.fetch_add(u64::try_from(text.matches("\"granted\"").count()).unwrap(), Ordering::Relaxed);
        text.lines().filter(|line| line.contains("\"WARN\"") || line.contains("\"ERROR\"")).for_each(|line| eprintln!("server: {line}"));
        held.drain(..whole);
    }
}
