//! The program as people run it: real processes, real folders.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed expectation is the point")]

pub mod canaries;
pub mod peers;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::SystemTime;

use serde_json::Value;
use tempfile::TempDir;

pub const ID: &str = "spiffe://mesh.example/ns/shop/sa/cart";

/// What the clock says, as the program reads it.
#[allow(clippy::disallowed_methods, reason = "the program under test lives in this time")]
pub fn now() -> meshroot::time::Timestamp {
    SystemTime::now().into()
}

/// A folder to work in, and what was said in it.
pub struct Place {
    pub dir: TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub struct Answer {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// A file's content, mode, and time of its last change.
pub type Snapshot = BTreeMap<PathBuf, (Vec<u8>, u32, SystemTime)>;

impl Place {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// A place with the mesh `mesh.example` in the folder `mesh`.
    pub fn with_mesh(clusters: &[&str]) -> Self {
        let place = Self::new();
        place.quickstart(clusters).ok();
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meshroot"));
        command.args(args).current_dir(self.dir.path()).env_remove("MESHROOT_STORE").env_remove("CREDENTIALS_DIRECTORY");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn run(&self, args: &[&str]) -> Answer {
        Answer::of(self.command(args).spawn().unwrap())
    }

    /// Runs it with this on standard input.
    pub fn feed(&self, args: &[&str], input: &[u8]) -> Answer {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        // It may end without reading all.
        let _ = child.stdin.take().unwrap().write_all(input);
        Answer::of(child)
    }

    pub fn quickstart(&self, clusters: &[&str]) -> Answer {
        self.run(&[&["quickstart"], clusters, &["--trust-domain", "mesh.example", "--out", "mesh"]].concat())
    }

    pub fn svid(&self, out: &str) -> Answer {
        self.run(&["svid", "--cluster", "west", "--id", ID, "--out", out])
    }

    /// All files below this folder.
    pub fn snapshot(&self, folder: &str) -> Snapshot {
        let mut files = Snapshot::new();
        collect(&self.path(folder), &mut files);
        files
    }
}

fn collect(folder: &Path, files: &mut Snapshot) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        let metadata = fs::symlink_metadata(&path).unwrap();
        if metadata.is_dir() {
            collect(&path, files);
        } else {
            files.insert(path.clone(), (fs::read(&path).unwrap(), mode(&path), metadata.modified().unwrap()));
        }
    }
}

/// The names of the files that differ between two moments.
pub fn changes(before: &Snapshot, after: &Snapshot) -> Vec<String> {
    let all: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    all.into_iter().filter(|path| before.get(*path) != after.get(*path)).map(|path| path.display().to_string()).collect()
}

pub fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

impl Answer {
    pub fn of(child: Child) -> Self {
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("what it says is UTF-8");
        Self { code: output.status.code().expect("it was not killed"), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// It went well.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// It failed with this exit code, said so in one sentence, and printed nothing that could be taken for a result.
    #[track_caller]
    pub fn fails(self, exit: i32) -> Self {
        assert_eq!(self.code, exit, "{self:?}");
        assert_eq!(self.stdout, "", "a failure prints no result");
        assert_eq!(self.stderr.trim_end().lines().count(), 1, "one sentence: {}", self.stderr);
        assert!(self.stderr.starts_with("meshroot: ") || self.stderr.starts_with("{\"error\""), "{}", self.stderr);
        self
    }

    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stdout.contains(text) || self.stderr.contains(text), "'{text}' is not in {self:?}");
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The error of a failure with `--json`.
    #[track_caller]
    pub fn error(&self) -> Value {
        let document: Value = serde_json::from_str(&self.stderr).unwrap_or_else(|e| panic!("{e}: {self:?}"));
        document["error"].clone()
    }
}
