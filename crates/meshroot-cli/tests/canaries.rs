//! No secret is ever said: the whole tour with the real program at its most verbose, and then everything that was printed,
//! logged or answered is searched for every secret of it, in every form.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "helpers of tests, where a failed expectation is the point"
)]
#![allow(clippy::disallowed_methods, reason = "the program under test lives in this time")]

mod common;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use common::canaries::{Canaries, forms, octets, unlock};
use common::{ID, Place};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use meshroot::csr::Csr;
use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey};
use meshroot::spiffe::SpiffeId;
use meshroot_testkit::kubernetes::{SigningKey, key_set};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::json;

/// Runs it, and takes down what it says.
fn say(place: &Place, canaries: &mut Canaries, args: &[&str]) -> (i32, String) {
    let answer = place.run(args);
    canaries.heard(format!("the output of {args:?}"), answer.stdout.clone());
    canaries.heard(format!("the errors of {args:?}"), answer.stderr);
    (answer.code, answer.stdout)
}

/// A service in a process of its own, and what it logs.
struct Serving {
    child: Child,
    log: String,
}

impl Serving {
    /// Its standard input is closed; `lines` come on descriptor 7.
    fn start(place: &Place, name: &str, lines: &str, args: &[&str]) -> Self {
        fs::write(place.path("lines"), lines).unwrap();
        let log = format!("{name}.log");
        let out = File::create(place.path(&log)).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "exec 7<lines; rm lines; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_meshroot"), "serve"]).args(args);
        command.current_dir(place.dir.path()).env_remove("MESHROOT_STORE").env_remove("CREDENTIALS_DIRECTORY");
        command.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out);
        Self { child: command.spawn().unwrap(), log }
    }

    /// Waits until it listens, or has ended.
    fn until_ready(&mut self, place: &Place) -> bool {
        for _ in 0..600 {
            if place.read(&self.log).windows(8).any(|window| window == b"serving ") {
                return true;
            }
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{}", String::from_utf8_lossy(&place.read(&self.log)));
    }

    fn stop(mut self, place: &Place, canaries: &mut Canaries) {
        if self.child.try_wait().unwrap().is_none() {
            let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        }
        let _ = self.child.wait();
        canaries.heard(format!("the log {}", self.log), place.read(&self.log));
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A client as curl is one, over HTTP/1.1 or h2. Answers the status; what was answered is taken down.
#[derive(Clone)]
struct Client {
    address: SocketAddr,
    roots: Vec<u8>,
}

impl Client {
    async fn ask(&self, canaries: &mut Canaries, h2: bool, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> u16 {
        let mut store = rustls::RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(&self.roots) {
            store.add(root.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = builder.with_root_certificates(store).with_no_client_auth();
        config.alpn_protocols = vec![if h2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
        let stream = tokio::net::TcpStream::connect(self.address).await.unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = TokioIo::new(connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap());
        let uri = if h2 { format!("https://localhost{path}") } else { path.to_owned() };
        let mut request = Request::builder().method(method).uri(uri);
        if !h2 {
            request = request.header("host", "localhost");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
        let response = if h2 {
            let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
            tokio::spawn(connection);
            sender.send_request(request).await.unwrap()
        } else {
            let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
            tokio::spawn(connection);
            sender.send_request(request).await.unwrap()
        };
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        canaries.heard(format!("the answer to {method} {path}"), [format!("{head:?}").into_bytes(), body.to_vec()].concat());
        head.status.as_u16()
    }
}

/// West's API server: its key.
struct ApiServer(SigningKey);

impl ApiServer {
    /// A token for this audience.
    fn token(&self, audience: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let claims = json!({
            "iss": "https://west.example", "aud": [audience], "sub": "system:serviceaccount:shop:cart", "iat": now, "nbf": now, "exp": now + 600,
            "kubernetes.io": { "namespace": "shop", "serviceaccount": { "name": "cart", "uid": "5d9c6b2e-52f2-44a4-8a9b-1a3f0c5f0001" } },
        });
        self.0.sign(&claims).unwrap()
    }
}

const POLICY: &str = r#"
[clusters.west]
trust_domain = "mesh.example"
callers.join_token = {}
callers.svid = { renewable_for = "30d" }
callers.kubernetes = { issuers = ["https://west.example"], audiences = ["meshroot"] }
[[clusters.west.workloads]]
name = "granted"
callers = ["join_token", "svid"]
id = "/**"
[[clusters.west.workloads]]
name = "teams"
callers = ["kubernetes"]
namespaces = ["*"]
[clusters.east]
trust_domain = "mesh.example"
callers.kubernetes = { issuers = ["https://east.example"], audiences = ["meshroot"] }
[[clusters.east.workloads]]
name = "all"
callers = ["kubernetes"]
namespaces = ["*"]
"#;

fn csr() -> (String, String) {
    let crypto = Crypto::ring();
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto).unwrap();
    let csr = Csr::for_workload(&*key.signer(&crypto).unwrap(), &SpiffeId::parse(ID).unwrap()).unwrap().to_pem();
    (csr, key.to_pkcs8_pem().to_string())
}

/// A token by the administrator's command, whose output it is.
fn token(place: &Place, canaries: &mut Canaries) -> String {
    let made = place.run(&["token", "create", "--cluster", "west", "--id", ID]).ok();
    canaries.heard("the errors of token create", made.stderr);
    let token = made.stdout.trim().to_owned();
    canaries.secret("a one-time token", token.clone());
    canaries.secret("a one-time token's random octets", octets(token.rsplit('-').next().unwrap()));
    token
}

#[test]
fn no_secret_is_in_anything_that_was_said() {
    let place = Place::new();
    let canaries = &mut Canaries::default();
    say(&place, canaries, &["quickstart", "west", "east", "--trust-domain", "mesh.example", "--out", "mesh"]);
    for cluster in ["west", "east"] {
        canaries.key(&format!("the key of {cluster}'s CA"), &place.read(&format!("mesh/clusters/{cluster}/cacerts/ca-key.pem")));
    }
    for file in ["mesh/unlock.key", "mesh/root/unlock.key"] {
        canaries.secret(file, unlock(&place.read(file)));
    }

    // A service that knows tokens, fetches keys with one, and reviews with one: of itself, for want of an API server.
    let west = ApiServer(SigningKey::p256("w").unwrap());
    let (reader, reviewer) = (west.token("of-the-reader"), west.token("of-the-reviewer"));
    for (name, token) in [("reader", &reader), ("reviewer", &reviewer)] {
        canaries.jwt(&format!("the token of the {name}"), token);
        fs::write(place.path(name), token).unwrap();
    }
    fs::write(place.path("west.json"), key_set([&west.0])).unwrap();
    fs::write(place.path("policy.toml"), POLICY).unwrap();
    let (port, health) = (free_port(), free_port());
    let folder = place.dir.path().display();
    let settings = |level: &str, format: &str| {
        format!(
            r#"
[listen]
address = "127.0.0.1:{port}"
[health]
address = "127.0.0.1:{health}"
[policy]
file = "{folder}/policy.toml"
jwks.west = "{folder}/west.json"
[discovery]
issuer.east = "https://localhost:{port}"
ca.east = "{folder}/mesh/root-cert.pem"
token_file.east = "{folder}/reader"
[review]
server.west = "https://localhost:{port}"
ca.west = "{folder}/mesh/root-cert.pem"
token_file.west = "{folder}/reviewer"
unreachable = "accept"
[administration.public_keys]
alice = "{}"
[log]
level = "{level}"
format = "{format}"
"#,
            "ab".repeat(32)
        )
    };
    let client = Client { address: SocketAddr::from(([127, 0, 0, 1], port)), roots: place.read("mesh/root-cert.pem") };
    for format in ["json", "text"] {
        fs::write(place.path("meshroot.toml"), settings("trace", format)).unwrap();
        let mut serving = Serving::start(&place, format, "", &["--config", "meshroot.toml"]);
        assert!(serving.until_ready(&place), "{}", String::from_utf8_lossy(&place.read(&serving.log)));
        // Its connections end with it.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(visit(&place, canaries, &client, &west));
        drop(runtime);
        commands(&place, canaries, port);
        serving.stop(&place, canaries);
        let log = String::from_utf8(place.read(&format!("{format}.log"))).unwrap();
        // It was as verbose as it gets: the libraries speak, too.
        assert!(log.contains("TRACE") && log.contains("h2::") && log.contains("audit"), "{log}");
    }

    passphrases(&place, canaries);
    passwords(&place, canaries);
    secrets_where_they_do_not_belong(&place, canaries);

    assert!(canaries.length() > 100_000, "only {} bytes were said", canaries.length());
    assert_eq!(canaries.found(), Vec::<String>::new());
}

/// Every way to show a credential, right and wrong, over both protocols.
async fn visit(place: &Place, canaries: &mut Canaries, client: &Client, west: &ApiServer) {
    for h2 in [false, true] {
        let (request, key) = csr();
        canaries.key("a workload's key", key.as_bytes());
        let (good, forged, other) = (west.token("meshroot"), format!("{}AAAA", west.token("meshroot")), west.token("istio-ca"));
        for (name, token) in [("a good token", &good), ("a forged token", &forged), ("another's token", &other)] {
            canaries.jwt(name, token);
        }
        let once = token(place, canaries);
        let bearer = |token: &str| format!("Bearer {token}");
        let issue = "/v1/certificates";
        let cases = [
            (201, vec![("authorization", bearer(&good))], request.clone()),
            (201, vec![("authorization", bearer(&once)), ("idempotency-key", "k1".into())], request.clone()),
            (401, vec![("authorization", bearer(&once))], request.clone()),
            (401, vec![("authorization", bearer(&forged))], request.clone()),
            (401, vec![("authorization", bearer(&other))], request.clone()),
            (401, vec![("authorization", bearer(&once.replace("join", "jain")))], request.clone()),
            (400, vec![("authorization", bearer(&once)), ("authorization", bearer(&good))], request.clone()),
            (400, vec![("authorization", format!("Basic {once}"))], request.clone()),
            (400, vec![("authorization", format!("{once} {good}"))], request.clone()),
            (400, vec![("authorization", bearer(&good))], key.clone()),
            (400, vec![("authorization", bearer(&good))], good.clone()),
            (403, vec![("authorization", bearer(&good)), ("x-forwarded-access-token", good.clone())], csr_of("/ns/kube-system/sa/other")),
        ];
        for (status, headers, body) in cases {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let got = client.ask(canaries, h2, "POST", issue, &headers, &body).await;
            assert_eq!(got, status, "{headers:?}");
        }
        // Istio's clients ask over gRPC; over HTTP/1.1 it is refused.
        for token in [&other, &good, &forged, &once] {
            let headers = [("content-type", "application/grpc"), ("te", "trailers"), ("authorization", &*bearer(token))];
            let _ = client.ask(canaries, h2, "POST", "/istio.v1.auth.IstioCertificateService/CreateCertificate", &headers, "\0\0\0\0\0").await;
        }
        for path in ["/roots.pem", "/v1/status", "/v1/tokens", "/v1/inventory", "/v1/authorities", "/v1/bundle-map", "/readyz", "/openapi.json"] {
            let _ = client.ask(canaries, h2, "GET", path, &[("authorization", &bearer(&good)), ("cookie", &good)], "").await;
        }
    }
}

fn csr_of(path: &str) -> String {
    let crypto = Crypto::ring();
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto).unwrap();
    Csr::for_workload(&*key.signer(&crypto).unwrap(), &SpiffeId::parse(&format!("spiffe://mesh.example{path}")).unwrap()).unwrap().to_pem()
}

/// What operators and agents do while the service runs.
fn commands(place: &Place, canaries: &mut Canaries, port: u16) {
    let once = token(place, canaries);
    fs::write(place.path("token"), &once).unwrap();
    let server = format!("https://127.0.0.1:{port}");
    let agent = |out: &'static str| {
        ["agent", "--once", "--server", &server, "--ca", "mesh/root-cert.pem", "--token-file", "token", "--out", out].map(str::to_owned)
    };
    let mut run = |args: &[String]| say(place, canaries, &args.iter().map(String::as_str).collect::<Vec<_>>()).0;
    assert_eq!(run(&agent("cart")), 0);
    // Renewed, refused with a used token, and refused by a service that is not there.
    assert_eq!(run(&agent("cart")), 0);
    assert_ne!(run(&agent("other")), 0);
    canaries.key("the agent's key", &place.read("cart/svid-key.pem"));
    for args in [
        &["token", "list"][..],
        &["token", "withdraw", &"0".repeat(64)],
        &["inventory"],
        &["status"],
        &["revoke", "--id", "spiffe://mesh.example/ns/none/sa/none"],
        &["policy", "check", "policy.toml"],
        &["policy", "check", "token"],
        &["inspect", "cart/svid.pem", "token", "reader"],
    ] {
        for form in [&[][..], &["--json"]] {
            say(place, canaries, &[args, form].concat());
        }
    }
    fs::remove_dir_all(place.path("cart")).unwrap();
}

/// A store with a passphrase, the right one and wrong ones.
fn passphrases(place: &Place, canaries: &mut Canaries) {
    let (mesh, root, wrong) = ("correct horse battery staple", "tr0ub4dor and three", "the wrong passphrase");
    for (name, passphrase) in [("the passphrase", mesh), ("the root's passphrase", root), ("a wrong passphrase", wrong)] {
        canaries.secret(name, passphrase);
    }
    let with_lines = |canaries: &mut Canaries, lines: &str, args: &[&str]| {
        fs::write(place.path("lines"), lines).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "exec 7<lines; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_meshroot")]).args(args).args(["--unlock-fd", "7"]);
        let output = command.current_dir(place.dir.path()).stdin(Stdio::null()).output().unwrap();
        canaries.heard(format!("{args:?}"), [output.stdout, output.stderr].concat());
        output.status.code()
    };
    let made = with_lines(
        canaries,
        &format!("{mesh}\n{root}\n"),
        &["quickstart", "west", "--trust-domain", "mesh.example", "--out", "second", "--passphrase"],
    );
    assert_eq!(made, Some(0));
    canaries.key("the second mesh's CA", &place.read("second/clusters/west/cacerts/ca-key.pem"));
    let quiet = "[listen]\naddress = \"127.0.0.1:0\"\n[health]\naddress = \"127.0.0.1:0\"\n[log]\nlevel = \"trace\"\n";
    fs::write(place.path("second.toml"), quiet).unwrap();
    for (name, line, starts) in [("right", mesh, true), ("wrong", wrong, false), ("empty", "", false)] {
        let mut serving = Serving::start(place, name, &format!("{line}\n"), &["--config", "second.toml", "--store", "second", "--unlock-fd", "7"]);
        assert_eq!(serving.until_ready(place), starts, "{name}");
        serving.stop(place, canaries);
    }
}

/// A database that asks for its password and then refuses it: what PostgreSQL says to whoever mistyped it (§55.2 of its
/// manual, AuthenticationCleartextPassword). Answers whether it was told.
fn refusing_database() -> (u16, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, told) = (listener.local_addr().unwrap().port(), Arc::new(AtomicBool::new(false)));
    let heard = Arc::clone(&told);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let message = |stream: &mut TcpStream, kind: usize| {
                let mut head = vec![0; kind + 4];
                stream.read_exact(&mut head).ok()?;
                let length = u32::from_be_bytes(head[kind..].try_into().unwrap()) as usize;
                let mut body = vec![0; length - 4];
                stream.read_exact(&mut body).ok()?;
                Some(body)
            };
            let Some(mut startup) = message(&mut stream, 0) else { continue };
            // An SSLRequest: there is none.
            if startup.len() == 4 {
                let _ = stream.write_all(b"N");
                startup = message(&mut stream, 0).unwrap_or_default();
            }
            let _ = stream.write_all(&[b'R', 0, 0, 0, 8, 0, 0, 0, 3]);
            if !startup.is_empty() && message(&mut stream, 1).is_some_and(|password| password.starts_with(DATABASE_PASSWORD.as_bytes())) {
                heard.store(true, Ordering::SeqCst);
            }
            let fields = b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user \"meshroot\"\0\0";
            let length = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
            let _ = stream.write_all(&[b"E", &length[..], fields].concat());
        }
    });
    (port, told)
}

const DATABASE_PASSWORD: &str = "pass-of-the-database-9f81";

/// A database's password: in its file, where it belongs, and in the address, where it does not.
fn passwords(place: &Place, canaries: &mut Canaries) {
    canaries.secret("the database's password", DATABASE_PASSWORD);
    fs::write(place.path("password"), format!("{DATABASE_PASSWORD}\n")).unwrap();
    Command::new("chmod").args(["600", "password"]).current_dir(place.dir.path()).status().unwrap();
    let (port, told) = refusing_database();
    let (good, bad) =
        (format!("postgres://meshroot@127.0.0.1:{port}/mesh"), format!("postgres://meshroot:{DATABASE_PASSWORD}@127.0.0.1:{port}/mesh"));
    for store in [&good, &bad] {
        for command in [&["status"][..], &["serve", "--config", "second.toml"], &["token", "list"], &["inventory"]] {
            let args = [command, &["--store", store.as_str(), "--store-password-file", "password"]].concat();
            assert_ne!(say(place, canaries, &args).0, 0, "{command:?}");
            assert_ne!(say(place, canaries, &[&args[..], &["--json"]].concat()).0, 0, "{command:?}");
        }
    }
    assert!(told.load(Ordering::SeqCst), "the database was never told the password, so nothing was tried");
}

/// Secrets in place of something else, in settings and on the command line.
fn secrets_where_they_do_not_belong(place: &Place, canaries: &mut Canaries) {
    let unlock_line = String::from_utf8(place.read("mesh/unlock.key")).unwrap();
    let key = "mesh/clusters/west/cacerts/ca-key.pem";
    for (name, settings, args) in [
        ("policy", format!("[policy]\nfile = \"{key}\"\n"), &[][..]),
        ("jwks", "[policy]\nfile = \"policy.toml\"\njwks.west = \"reader\"\njwks.east = \"mesh/unlock.key\"\n".into(), &[]),
        ("certificate", format!("[tls]\ncertificate = \"{key}\"\nkey = \"mesh/unlock.key\"\n"), &[]),
        ("ca", format!("[administration]\nca = \"{key}\"\n"), &[]),
        ("token", "[review]\nserver.west = \"https://localhost:1\"\nca.west = \"reader\"\ntoken_file.west = \"reader\"\n".into(), &[]),
        ("unlock", String::new(), &["--unlock-file", key]),
        ("root", String::new(), &["--unlock-file", "mesh/root/unlock.key"]),
        ("settings", unlock_line, &[]),
    ] {
        fs::write(place.path("wrong.toml"), settings).unwrap();
        let mut serving = Serving::start(place, name, "", &[&["--config", "wrong.toml"], args].concat());
        assert!(!serving.until_ready(place), "{name}");
        serving.stop(place, canaries);
    }
}

#[test]
fn the_search_finds_every_form_of_what_was_planted() {
    let secret: Vec<u8> = (100..132).collect();
    let list = secret.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    let mut planted: Vec<Vec<u8>> = vec![secret.clone(), list.into_bytes()];
    planted.push(secret.iter().map(|octet| format!("{octet:02X}")).collect::<String>().into_bytes());
    for before in ["", "a", "ab"] {
        let text = [before.as_bytes(), &secret, b"tail"].concat();
        planted.extend([STANDARD.encode(&text).into_bytes(), URL_SAFE_NO_PAD.encode(&text).into_bytes()]);
    }
    for text in planted {
        let mut canaries = Canaries::default();
        canaries.secret("it", secret.clone());
        canaries.heard("a log", [b"before ", &*text, b" after"].concat());
        assert!(!canaries.found().is_empty(), "{text:?}");
    }
    assert!(forms(&secret).len() >= 10);
}
