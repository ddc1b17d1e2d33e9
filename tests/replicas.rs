//! Two replicas on one PostgreSQL: under load one is killed, then the database. Nothing that was delivered is lost, nothing
//! is given twice, and the service comes back by itself. With the real program: `MESHROOT` says where it is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "tests may be blunt"
)]
#![allow(clippy::disallowed_methods, reason = "this test waits, and measures how long")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use meshroot::csr::Csr;
use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey};
use meshroot::spiffe::SpiffeId;
use meshroot_tests::postgres::Cluster;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};

const ID: &str = "spiffe://mesh.example/ns/shop/sa/cart";
const CALLERS: usize = 6;

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

#[test]
fn what_was_delivered_is_on_record_whatever_dies() {
    let mut scene = Scene::new();
    let (a, b) = (scene.replica("a"), scene.replica("b"));
    let token = scene.kubernetes_token();
    let over = Arc::new(AtomicBool::new(false));
    let delivered: Arc<Mutex<Vec<Delivered>>> = Arc::default();
    let load: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (client, token, over, delivered) = (scene.client(&[&a, &b]), token.clone(), Arc::clone(&over), Arc::clone(&delivered));
            std::thread::spawn(move || call(caller, &client, &token, &over, &delivered))
        })
        .collect();
    let count = || delivered.lock().unwrap().len();
    let more = |what: &str, by: usize| {
        let (start, before) = (Instant::now(), count());
        while count() < before + by {
            assert!(start.elapsed() < Duration::from_secs(120), "{what}: {} certificates in two minutes", count() - before);
            std::thread::sleep(Duration::from_millis(20));
        }
        eprintln!("{what}: {by} more after {:?}", start.elapsed());
    };
    more("both replicas", 60);
    scene.kill(a);
    more("one replica left", 60);
    scene.cluster.kill();
    std::thread::sleep(Duration::from_millis(1_500));
    let at_the_kill = count();
    scene.cluster.run();
    // By itself: nobody touches the replica that is left.
    more("the database is back", 60);
    let a = scene.replica("a");
    more("a replica came back", 30);
    over.store(true, Ordering::SeqCst);
    load.into_iter().for_each(|caller| caller.join().unwrap());
    assert!(at_the_kill >= 120);

    let delivered = delivered.lock().unwrap();
    let log = scene.log();
    let lost: Vec<_> = delivered.iter().filter(|one| !log.contains_key(&one.certificate)).collect();
    assert!(lost.is_empty(), "{} of {} delivered certificates are not on record", lost.len(), delivered.len());
    let serials: BTreeSet<_> = log.values().map(|entry| &entry.serial).collect();
    assert_eq!(serials.len(), log.len(), "a serial number was used twice");
    let positions: BTreeSet<u64> = log.values().map(|entry| entry.position).collect();
    assert_eq!(positions, (1..=log.len() as u64).collect(), "every position once");
    // However often a request was sent, it got one certificate.
    let requests: BTreeMap<&str, &[u8]> = delivered.iter().map(|one| (one.request.as_str(), one.certificate.as_slice())).collect();
    assert_eq!(requests.len(), delivered.len());
    let remembered: usize = scene.psql("SELECT count(*) FROM idempotency_keys").parse().unwrap();
    let workloads: usize = scene.psql("SELECT count(*) FROM issuances WHERE kind = 'workload'").parse().unwrap();
    assert_eq!(workloads, remembered, "an entry for each request, and no more");
    let client = scene.client(&[&a, &b]);
    for one in delivered.iter().step_by(17) {
        for replica in 0..2 {
            let (status, body) = client.issue(replica, &token, Some(&one.request), &one.csr).unwrap();
            assert!(status == 200 || status == 201, "{status} {body}");
            assert_eq!(leaf(&body), one.certificate, "asked again, at the replica {replica}");
        }
    }
    eprintln!("{} delivered, {} on record", delivered.len(), log.len());
    scene.stop(a);
    scene.stop(b);
}

#[test]
fn a_token_shown_to_both_replicas_at_once_is_good_once() {
    let scene = Scene::new();
    let (a, b) = (scene.replica("a"), scene.replica("b"));
    let client = scene.client(&[&a, &b]);
    for turn in 0..10 {
        let token = scene.meshroot(&["token", "create", "--cluster", "west", "--id", ID, "--ttl", "10m"], &scene.home("b"));
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|at| (at, &client, token.trim()))
                .map(|(at, client, token)| scope.spawn(move || client.issue(at % 2, token, None, &csr()).unwrap().0))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "turn {turn}: {statuses:?}");
        assert!(statuses.iter().all(|status| matches!(status, 201 | 401)), "turn {turn}: {statuses:?}");
    }
    assert_eq!(scene.psql("SELECT count(*) FROM issuances WHERE kind = 'workload'"), "10");
    assert_eq!(scene.psql("SELECT count(*) FROM join_tokens WHERE used_by IS NOT NULL"), "10");
    let status = scene.meshroot(&["status"], &scene.home("a"));
    assert!(status.contains("synchronous_standby_names"), "{status}");
    scene.stop(a);
    scene.stop(b);
}

/// What a caller received.
struct Delivered {
    request: String,
    csr: String,
    certificate: Vec<u8>,
}

/// Asks for certificates until it is over; each request until it is answered, at whichever replica.
fn call(caller: usize, client: &Client, token: &str, over: &AtomicBool, delivered: &Mutex<Vec<Delivered>>) {
    for number in 0.. {
        let (request, csr) = (format!("caller-{caller}-request-{number}"), csr());
        let start = Instant::now();
        for attempt in caller.. {
            match client.issue(attempt % 2, token, Some(&request), &csr) {
                Ok((200 | 201, body)) => {
                    delivered.lock().unwrap().push(Delivered { request: request.clone(), certificate: leaf(&body), csr });
                    break;
                }
                // Overload, a database that is away: later.
                Ok((429 | 503, _)) => std::thread::sleep(Duration::from_millis(50)),
                Ok((status, body)) => panic!("{status} {body}"),
                // A replica that is gone.
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
            assert!(start.elapsed() < Duration::from_secs(100), "{request} was never answered");
        }
        if over.load(Ordering::SeqCst) {
            return;
        }
    }
}

fn csr() -> String {
    let crypto = Crypto::ring();
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto).unwrap();
    Csr::for_workload(&*key.signer(&crypto).unwrap(), &SpiffeId::parse(ID).unwrap()).unwrap().to_pem()
}

fn leaf(body: &str) -> Vec<u8> {
    let body: Value = serde_json::from_str(body).unwrap();
    CertificateDer::pem_slice_iter(body["chain"].as_str().unwrap().as_bytes()).next().unwrap().unwrap().to_vec()
}

/// Replicas, by their ports.
struct Client {
    ports: Vec<u16>,
    config: Arc<rustls::ClientConfig>,
}

impl Client {
    /// Asks one of the replicas for a certificate.
    fn issue(&self, replica: usize, token: &str, request: Option<&str>, csr: &str) -> std::io::Result<(u16, String)> {
        let stream = TcpStream::connect(("127.0.0.1", self.ports[replica]))?;
        stream.set_read_timeout(Some(Duration::from_secs(40)))?;
        let connection = rustls::ClientConnection::new(Arc::clone(&self.config), ServerName::try_from("localhost").unwrap()).unwrap();
        let mut stream = rustls::StreamOwned::new(connection, stream);
        let key = request.map(|request| format!("Idempotency-Key: {request}\r\n")).unwrap_or_default();
        let length = csr.len();
        write!(
            stream,
            "POST /v1/certificates HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n{key}Content-Length: {length}\r\n\r\n{csr}"
        )?;
        let mut answer = Vec::new();
        // The other end of a process that was killed says no goodbye; what came may be whole all the same.
        let ended = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let broken = || std::io::Error::other("half an answer");
        let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| ended.err().unwrap_or_else(broken))?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(broken)?;
        let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
        if length.is_some_and(|length| length != body.len()) {
            return Err(broken());
        }
        Ok((status, body.to_owned()))
    }
}

/// A running replica.
struct Replica {
    process: Child,
    port: u16,
}

/// An entry of the log.
struct Entry {
    position: u64,
    serial: String,
}

/// A mesh whose store was moved to PostgreSQL.
struct Scene {
    folder: tempfile::TempDir,
    cluster: Cluster,
    api_server: PrivateKey,
}

impl Scene {
    fn new() -> Self {
        let api_server = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &Crypto::ring()).unwrap();
        let scene = Self { folder: tempfile::tempdir().unwrap(), cluster: Cluster::start(), api_server };
        let (mesh, moved) = (scene.path("mesh"), scene.path("moved"));
        run(Command::new(program()).args(["quickstart", "west", "--trust-domain", "mesh.example", "--out"]).arg(&mesh));
        run(Command::new(program()).arg("export").arg("--store").arg(&mesh).arg("--out").arg(&moved));
        run(Command::new(program()).arg("import").arg("--from").arg(&moved).args(["--store", &scene.address()]));
        // Whoever used it on would give numbers twice.
        fs::rename(mesh.join("store"), mesh.join("store-moved-away")).unwrap();
        fs::write(scene.path("policy.toml"), POLICY).unwrap();
        fs::write(scene.path("west.json"), scene.jwks()).unwrap();
        let settings = format!(
            "[policy]\nfile = {:?}\njwks = {{ west = {:?} }}\n[limits]\ncaller = \"none\"\n",
            scene.path("policy.toml"),
            scene.path("west.json")
        );
        fs::write(scene.path("service.toml"), settings).unwrap();
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn home(&self, name: &str) -> PathBuf {
        self.path(name)
    }

    fn address(&self) -> String {
        self.cluster.socket_address("mesh")
    }

    fn psql(&self, sql: &str) -> String {
        self.cluster.psql("mesh", &format!("SET search_path = mesh; {sql}"))
    }

    /// The command, on this store.
    fn command(&self, home: &Path) -> Command {
        let mut command = Command::new(program());
        command.args(["--store", &self.address(), "--home"]).arg(home).arg("--unlock-file").arg(self.path("mesh/unlock.key"));
        command
    }

    fn meshroot(&self, arguments: &[&str], home: &Path) -> String {
        run(self.command(home).args(arguments))
    }

    /// Starts a replica, and waits until it serves.
    fn replica(&self, name: &str) -> Replica {
        let home = self.home(name);
        fs::create_dir_all(&home).unwrap();
        let mut serve = self.command(&home);
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
    fn kill(&self, mut replica: Replica) {
        replica.process.kill().unwrap();
        replica.process.wait().unwrap();
    }

    /// In good order.
    fn stop(&self, mut replica: Replica) {
        run(Command::new("kill").arg("-TERM").arg(replica.process.id().to_string()));
        assert!(replica.process.wait().unwrap().success());
    }

    fn client(&self, replicas: &[&Replica]) -> Client {
        let mut roots = rustls::RootCertStore::empty();
        for root in CertificateDer::pem_file_iter(self.path("mesh/root-cert.pem")).unwrap() {
            roots.add(root.unwrap()).unwrap();
        }
        let builder = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let config = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots).with_no_client_auth();
        Client { ports: replicas.iter().map(|replica| replica.port).collect(), config: Arc::new(config) }
    }

    /// All that is on record, by the certificate.
    fn log(&self) -> BTreeMap<Vec<u8>, Entry> {
        let rows = self.psql("SELECT position, encode(serial, 'hex'), encode(certificate, 'hex') FROM issuances ORDER BY position");
        let entry = |line: &str| {
            let mut columns = line.split('|');
            let (position, serial) = (columns.next().unwrap().parse().unwrap(), columns.next().unwrap().to_owned());
            let digits = columns.next().unwrap().as_bytes();
            let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
            (digits.chunks(2).map(octet).collect(), Entry { position, serial })
        };
        rows.lines().map(entry).collect()
    }

    fn jwks(&self) -> String {
        let point = self.api_server.public_key().key_bytes();
        let coordinate = |octets: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(octets);
        let key = json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "w", "x": coordinate(&point[1..33]), "y": coordinate(&point[33..65]) });
        json!({ "keys": [key] }).to_string()
    }

    /// A pod's projected token.
    fn kubernetes_token(&self) -> String {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let claims = json!({
            "iss": "https://kubernetes.default.svc.cluster.local",
            "aud": ["meshroot"],
            "sub": "system:serviceaccount:shop:cart",
            "iat": now, "nbf": now, "exp": now + 3_600,
            "kubernetes.io": {
                "namespace": "shop",
                "serviceaccount": { "name": "cart", "uid": "5d9c6b2e-52f2-44a4-8a9b-1a3f0c5f0001" },
                "pod": { "name": "cart-7d9f", "uid": "5d9c6b2e-52f2-44a4-8a9b-1a3f0c5f0002" },
            },
        });
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({ "alg": "ES256", "kid": "w" })), part(&claims));
        let signature = self.api_server.signer(&Crypto::ring()).unwrap().sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(raw(&signature)))
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An ECDSA signature as JWS carries it: r and s, 32 octets each, out of the DER of X.509.
fn raw(der: &[u8]) -> Vec<u8> {
    let number = |at: usize| {
        let length = usize::from(der[at + 1]);
        let digits = &der[at + 2..at + 2 + length];
        let digits = digits.strip_prefix(&[0]).unwrap_or(digits);
        ([vec![0; 32 - digits.len()], digits.to_vec()].concat(), at + 2 + length)
    };
    let (r, next) = number(2);
    let (s, _) = number(next);
    [r, s].concat()
}

fn program() -> PathBuf {
    std::env::var_os("MESHROOT").expect("MESHROOT names the program: tests/interop.sh sets it").into()
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
