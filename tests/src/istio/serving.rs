//! The real service, as a process.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::programs::{meshroot, run, text, wait_for};

/// A running `meshroot serve`. Dropped, it is killed.
#[derive(Debug)]
pub struct Serving {
    child: Child,
    /// Where it serves HTTPS and gRPC.
    pub address: SocketAddr,
    log: PathBuf,
}

impl Serving {
    /// Starts it on the mesh below `folder`, and waits until it listens.
    pub(super) fn start(folder: &Path, listen: SocketAddr) -> Self {
        let log = folder.join("service.log");
        let append = File::options().create(true).append(true).open(&log).unwrap();
        let mut child = meshroot()
            .arg("serve")
            .arg("--store")
            .arg(folder.join("mesh"))
            .arg("--config")
            .arg(folder.join("service.toml"))
            .args(["--listen", &listen.to_string(), "--health-listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(append)
            .spawn()
            .unwrap();
        let mut line = String::new();
        // It prints its addresses once both are bound; when it gives up before, the pipe ends.
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.strip_prefix("serving https://").and_then(|rest| rest.split(',').next()).and_then(|address| address.parse().ok());
        let Some(address) = address else {
            let _ = child.wait();
            panic!("the service did not start: {line:?}\n{}", std::fs::read_to_string(&log).unwrap_or_default());
        };
        Self { child, address, log }
    }

    /// What a crash does: the process ends between two instructions.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// What an orchestrator does.
    pub fn terminate(mut self) -> ExitStatus {
        signal("TERM", self.child.id());
        let limit = Duration::from_secs(20);
        wait_for(limit, || self.child.try_wait().unwrap(), || "the service did not end after SIGTERM".into())
    }

    /// Tells it to read its policy and key sets anew.
    pub fn reload(&self) {
        signal("HUP", self.child.id());
    }

    /// Waits until it serves this many roots: a change of the bundle is shown some seconds after it was written, everywhere at once.
    pub fn wait_for_roots(&self, count: usize) {
        let url = format!("https://{}/roots.pem", self.address);
        let mut curl = std::process::Command::new("curl");
        curl.args(["--silent", "--noproxy", "*", "--max-time", "5", "--cacert"]).arg(self.log.with_file_name("mesh").join("root-cert.pem")).arg(url);
        let served = || (text(&run(&mut curl).stdout).matches("BEGIN CERTIFICATE").count() == count).then_some(());
        wait_for(Duration::from_secs(30), served, || format!("{count} roots are not served"));
    }

    /// All lines of the audit log so far, of all services on this mesh.
    pub fn audit(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).filter(|event| event["target"] == "audit").collect()
    }

    /// Those of them that are about grants.
    pub fn granted(&self) -> Vec<Value> {
        self.audit().into_iter().filter(|line| line["message"] == "granted").collect()
    }

    /// Those that are about refusals.
    pub fn refused(&self) -> Vec<Value> {
        self.audit().into_iter().filter(|line| line["message"] == "refused").collect()
    }

    /// Everything that it logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to one process that was started here.
pub(super) fn signal(name: &str, process: u32) {
    run(std::process::Command::new("kill").args([format!("-{name}"), process.to_string()]));
}
