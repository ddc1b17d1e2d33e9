use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::args::Args;
use crate::tokens::{ApiServer, ISSUER};

pub(crate) const TRUST_DOMAIN: &str = "mesh.example";
const AUDIENCE: &str = "meshroot";

/// A mesh as an operator makes it, with a policy that takes a cluster's tokens.
pub(crate) struct Mesh {
    folder: TempDir,
    pub(crate) api_server: ApiServer,
}

impl Mesh {
    pub(crate) fn make(args: &Args) -> Self {
        let folder = tempfile::Builder::new().prefix("service-speed-").tempdir_in(args.folder()).unwrap();
        let mesh = Self { folder, api_server: ApiServer::new(AUDIENCE) };
        let made = Command::new(args.binary())
            .args(["quickstart", "west", "east", "--trust-domain", TRUST_DOMAIN, "--out"])
            .arg(mesh.store())
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success(), "quickstart failed");
        let policy = format!(
            "[clusters.west]\n\
             trust_domain = \"{TRUST_DOMAIN}\"\n\
             callers.kubernetes = {{ issuers = [\"{ISSUER}\"], audiences = [\"{AUDIENCE}\"] }}\n\
             [[clusters.west.workloads]]\n\
             name = \"pods\"\n\
             callers = [\"kubernetes\"]\n\
             namespaces = [\"*\"]\n"
        );
        fs::write(mesh.path("policy.toml"), policy).unwrap();
        fs::write(mesh.path("west.json"), mesh.api_server.jwks().to_string()).unwrap();
        mesh
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.path("mesh")
    }

    pub(crate) fn roots(&self) -> Vec<u8> {
        fs::read(self.store().join("root-cert.pem")).unwrap()
    }

    /// The settings for a server, with these ones besides.
    pub(crate) fn settings(&self, more: &str) -> PathBuf {
        let file = |path: &Path| path.display().to_string();
        let text = format!(
            "[listen]\naddress = \"127.0.0.1:0\"\n[health]\naddress = \"127.0.0.1:0\"\n[policy]\nfile = {:?}\n[policy.jwks]\nwest = {:?}\n{more}",
            file(&self.path("policy.toml")),
            file(&self.path("west.json")),
        );
        let path = self.path("meshroot.toml");
        fs::write(&path, text).unwrap();
        path
    }
}
