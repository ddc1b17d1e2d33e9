use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// Measures the service: certificates, synchronous writes, overload, idle connections, bundle reads beside nginx.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// What is measured, of all that can be
    #[arg(long, value_delimiter = ',', value_enum, default_value = "issuing,syncs,overload,idle,bundles,cold-start")]
    pub(crate) scenes: Vec<Scene>,
    /// How many callers ask at once, each on a connection of its own, one request after the other
    #[arg(long, value_delimiter = ',', default_value = "1,8,32,256")]
    pub(crate) callers: Vec<usize>,
    /// How long each number of callers asks, at most
    #[arg(long, default_value_t = 10)]
    pub(crate) seconds: u64,
    /// How many certificates each number of callers asks for, at most; as many keys are made before
    #[arg(long, default_value_t = 40_000)]
    pub(crate) most: usize,
    /// How often everything is done; the median counts
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: usize,
    /// Asks as Istio's agents do, over gRPC
    #[arg(long)]
    pub(crate) grpc: bool,
    /// Keeps the store in a PostgreSQL of its own, with fsync on; octets written are its write-ahead log's
    #[arg(long)]
    pub(crate) postgres: bool,
    /// How many pods start in `cold-start`
    #[arg(long, default_value_t = 10_000)]
    pub(crate) pods: usize,
    /// Within how many seconds they do
    #[arg(long, default_value_t = 50)]
    pub(crate) pods_seconds: u64,
    /// Who shows which tokens
    #[arg(long, value_enum, default_value = "pod")]
    pub(crate) tokens: Tokens,
    /// A folder on a real disk for the stores [default: beside this program]
    #[arg(long)]
    pub(crate) folder: Option<PathBuf>,
    /// The program that is measured [default: `meshroot` beside this program, built now]
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Leaves nginx out of `bundles`
    #[arg(long)]
    pub(crate) without_nginx: bool,
    /// Prints one JSON document, too
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scene {
    /// Certificates a second, latency, CPU and octets written, by callers
    Issuing,
    /// Synchronous writes, counted by strace
    Syncs,
    /// More callers than the service takes
    Overload,
    /// A thousand connections that do nothing
    Idle,
    /// Bundles, whole and unchanged, beside nginx
    Bundles,
    /// Pods of five clusters that all start within a minute, over gRPC
    ColdStart,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tokens {
    /// Every caller has one of its own, and shows it with every request: a node's proxy
    Pod,
    /// Every request shows one that the service has not seen: a pod's first certificate
    Fresh,
}

impl Args {
    pub(crate) fn has(&self, scene: Scene) -> bool {
        self.scenes.contains(&scene)
    }

    pub(crate) fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// The program, built if need be.
    pub(crate) fn binary(&self) -> PathBuf {
        if let Some(binary) = &self.binary {
            return binary.clone();
        }
        static BUILT: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
        BUILT
            .get_or_init(|| {
                let here = std::env::current_exe().unwrap();
                let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
                let built = Command::new(cargo).args(["build", "--release", "-p", "meshroot-cli"]).status().unwrap();
                assert!(built.success(), "meshroot-cli does not build");
                here.with_file_name("meshroot")
            })
            .clone()
    }

    /// Where stores are made: on a disk, because a sync to memory says nothing.
    pub(crate) fn folder(&self) -> PathBuf {
        let beside = || std::env::current_exe().unwrap().parent().unwrap().to_owned();
        let folder = self.folder.clone().unwrap_or_else(beside).canonicalize().unwrap();
        let (mount, kind) = mounted(&folder);
        assert!(!matches!(kind.as_str(), "tmpfs" | "ramfs" | "overlay"), "{} is on {mount}, a {kind}: give a --folder on a disk", folder.display());
        folder
    }
}

/// The mount point that a folder is on, and its file system.
fn mounted(folder: &Path) -> (String, String) {
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap();
    let of = |line: &str| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?.to_owned(), fields.next()?.to_owned()))
    };
    let mut all: Vec<_> = mounts.lines().filter_map(of).filter(|(mount, _)| folder.starts_with(mount)).collect();
    all.sort_by_key(|(mount, _)| mount.len());
    all.pop().unwrap()
}
