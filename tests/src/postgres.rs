//! A PostgreSQL server for tests: a cluster of its own in a temporary folder, with fsync on.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running server. It stops, and its folder goes, when the value is dropped or this process ends, however that ends.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    port: u16,
    /// What a standby calls itself to the one that it follows.
    name: String,
    programs: PathBuf,
    guard: Option<Child>,
}

/// Waits for its standard input to end, then stops the server and clears up. `$1` is the folder.
const GUARD: &str =
    r#"shift; "$@" >>"$0/log" 2>&1 & server=$!; read -r _; kill -INT $server; sleep 0.3; kill -INT $server 2>/dev/null; wait $server; rm -rf "$0""#;

/// The database's owner: may log in from this machine without a password.
pub const USER: &str = "meshroot";
/// May log in over TLS with its password alone.
pub const SECURED: &str = "secured";
pub const PASSWORD: &str = "correct horse battery staple";

impl Cluster {
    /// Makes a cluster with an empty database `mesh`, and starts it.
    pub fn start() -> Self {
        let mut cluster = Self::placed();
        let data = cluster.folder.join("data");
        let mut initdb = cluster.command("initdb");
        succeed(initdb.arg("-D").arg(&data).args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]));
        let hba = format!(
            "local all all trust\nlocal replication all trust\nhostssl all {SECURED} 127.0.0.1/32 scram-sha-256\nhost all {SECURED} all reject\nhost all all 127.0.0.1/32 trust\n"
        );
        fs::write(data.join("pg_hba.conf"), hba).unwrap();
        cluster.certificate(&data);
        cluster.run();
        cluster.psql("postgres", &format!("CREATE ROLE {USER} LOGIN; CREATE ROLE {SECURED} LOGIN PASSWORD '{PASSWORD}' IN ROLE {USER}"));
        cluster.psql("postgres", &format!("CREATE DATABASE mesh OWNER {USER}"));
        cluster
    }

    /// A folder and a port, and nothing in it yet.
    fn placed() -> Self {
        let folder = tempfile::Builder::new().prefix("meshroot-postgres-").tempdir().unwrap().keep();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let cluster = Self { folder, port, name: String::new(), programs: programs(), guard: None };
        if is_root() {
            succeed(Command::new("chown").arg("postgres").arg(&cluster.folder));
        }
        cluster
    }

    /// Makes and starts a standby of this cluster that follows it under this name.
    pub fn standby(&self, name: &str) -> Self {
        let mut standby = Self::placed();
        standby.name = name.to_owned();
        let mut copy = standby.command("pg_basebackup");
        copy.arg("-D").arg(standby.folder.join("data")).arg("-d");
        copy.arg(format!("host={} port={} user=postgres application_name={name}", self.folder.display(), self.port));
        succeed(copy.args(["-R", "-X", "stream", "-c", "fast", "--no-sync"]));
        standby.run();
        standby
    }

    /// Makes a standby take writes from now on; answers when it does.
    pub fn promote(&self) {
        assert_eq!(self.psql("postgres", "SELECT pg_promote(true, 60)"), "t");
    }

    /// The server's own certificate, for `localhost`, and its root: `root.crt` in the folder.
    fn certificate(&self, data: &Path) {
        let (root, key) = (self.folder.join("root.crt"), self.folder.join("root.key"));
        let mut make = Command::new("openssl");
        make.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=database root", "-days", "2"]);
        succeed(make.arg("-keyout").arg(&key).arg("-out").arg(&root));
        let mut make = Command::new("openssl");
        make.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-days", "2"]);
        make.args(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"]);
        make.arg("-CA").arg(&root).arg("-CAkey").arg(&key);
        succeed(make.arg("-keyout").arg(data.join("server.key")).arg("-out").arg(data.join("server.crt")));
        if is_root() {
            succeed(Command::new("chown").arg("postgres").arg(data.join("server.key")).arg(data.join("server.crt")));
        }
    }

    /// The root of the server's certificate, in PEM.
    pub fn root_file(&self) -> PathBuf {
        self.folder.join("root.crt")
    }

    /// Where tests may put files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of a store in this schema, over TCP.
    pub fn address(&self, schema: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/mesh?schema={schema}", self.port)
    }

    /// The same over the Unix socket.
    pub fn socket_address(&self, schema: &str) -> String {
        Self::socket_address_of(&[self], schema)
    }

    /// The address of a store on whichever of these clusters takes writes, over their Unix sockets.
    pub fn socket_address_of(clusters: &[&Self], schema: &str) -> String {
        let hosts: Vec<_> = clusters.iter().map(|cluster| format!("{}:{}", cluster.folder.display(), cluster.port)).collect();
        format!("postgres://{USER}@/mesh?host={}&schema={schema}", hosts.join(","))
    }

    /// What the server answers, as its superuser, without decoration.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        self.try_psql(database, sql).unwrap_or_else(|e| panic!("{sql}: {e}"))
    }

    /// The same, or its complaint.
    pub fn try_psql(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database, "-p", &self.port.to_string()]);
        let output = psql.arg("-h").arg(&self.folder).args(["-c", sql]).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// Kills the server and all its processes as a power cut would, without a word.
    pub fn kill(&mut self) {
        let pid = self.pid();
        let mut all = vec![pid];
        all.extend(children(pid));
        let all: Vec<String> = all.iter().map(ToString::to_string).collect();
        // Some may be gone already.
        let _ = Command::new("kill").arg("-9").args(&all).stderr(Stdio::null()).status().unwrap();
        if let Some(mut guard) = self.guard.take() {
            guard.kill().unwrap();
            guard.wait().unwrap();
        }
        while all.iter().any(|pid| is_alive(pid)) {
            std::thread::sleep(Duration::from_millis(5));
        }
        // The dead server may still have its number, until somebody asks for it: the next one would take it for alive.
        for lock in ["data/postmaster.pid".to_owned(), format!(".s.PGSQL.{}.lock", self.port)] {
            let _ = fs::remove_file(self.folder.join(lock));
        }
    }

    /// Stops the server in good order; its clients are sent away.
    pub fn stop(&mut self) {
        let pid = self.pid().to_string();
        succeed(Command::new("kill").args(["-INT", &pid]));
        while is_alive(&pid) {
            std::thread::sleep(Duration::from_millis(5));
        }
        if let Some(mut guard) = self.guard.take() {
            guard.kill().unwrap();
            guard.wait().unwrap();
        }
    }

    /// Lets the server stand still, or go on: a machine that does not answer any more.
    pub fn freeze(&self, still: bool) {
        let pid = self.pid();
        let mut all = vec![pid];
        all.extend(children(pid));
        let _ = Command::new("kill").arg(if still { "-STOP" } else { "-CONT" }).args(all.iter().map(ToString::to_string)).status().unwrap();
    }

    /// Starts the server, and waits until it takes connections.
    pub fn run(&mut self) {
        let mut guard = Command::new("sh");
        guard.arg("-c").arg(GUARD).arg(&self.folder).arg("server").args(self.prefix()).arg(self.programs.join("postgres"));
        guard.arg("-D").arg(self.folder.join("data"));
        for setting in [
            format!("port={}", self.port),
            format!("cluster_name={}", self.name),
            format!("unix_socket_directories={}", self.folder.display()),
            "listen_addresses=127.0.0.1".into(),
            "fsync=on".into(),
            "ssl=on".into(),
            "max_connections=200".into(),
            "shared_buffers=64MB".into(),
        ] {
            guard.arg("-c").arg(setting);
        }
        self.guard = Some(guard.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap());
        for _ in 0..600 {
            if self.try_psql("postgres", "SELECT 1").is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the server does not start:\n{}", fs::read_to_string(self.folder.join("log")).unwrap_or_default());
    }

    fn pid(&self) -> u32 {
        let text = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        text.lines().next().unwrap().trim().parse().unwrap()
    }

    fn command(&self, program: &str) -> Command {
        let mut words: Vec<PathBuf> = self.prefix().into_iter().map(PathBuf::from).collect();
        words.push(self.programs.join(program));
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(&self.folder);
        command
    }

    /// The server refuses to run as root.
    fn prefix(&self) -> Vec<&'static str> {
        if is_root() { vec!["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] } else { Vec::new() }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut guard) = self.guard.take() {
            if self.folder.join("data/postmaster.pid").exists() {
                // One that stands still does not stop, either.
                self.freeze(false);
            }
            // Its standard input ends here, and with it the server.
            drop(guard.stdin.take());
            let _ = guard.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Where the newest server's programs are: on the path, or where Debian puts them.
fn programs() -> PathBuf {
    let complete = |folder: &PathBuf| ["initdb", "postgres", "psql"].iter().all(|program| folder.join(program).is_file());
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(folder) = std::env::split_paths(&path).find(complete) {
        return folder;
    }
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| {
            entries.filter_map(|entry| Some((entry.as_ref().ok()?.file_name().to_str()?.parse().ok()?, entry.ok()?.path().join("bin")))).collect()
        })
        .unwrap_or_default();
    versions.sort();
    versions.pop().expect("PostgreSQL is missing: install it (Debian's package: postgresql)").1
}

fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&fs::metadata("/proc/self").unwrap()) == 0
}

/// The processes that a process started.
fn children(of: u32) -> Vec<u32> {
    let parent = |pid: u32| -> Option<u32> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    all.filter(|pid| parent(*pid) == Some(of)).collect()
}

/// A dead process that nobody has asked for yet does nothing any more.
fn is_alive(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.starts_with(" Z")))
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let mut stderr = std::io::stderr().lock();
    if !output.status.success() {
        let _ = stderr.write_all(&output.stderr);
    }
    assert!(output.status.success(), "{command:?}: {}", output.status);
}
