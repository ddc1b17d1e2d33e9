//! BoringSSL as Envoy drives it: one real Envoy with a listener for each set of anchors and CRLs, each demanding a client
//! certificate, and a TLS client that presents the case's chain.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::case::Mesh;
use super::cert::{general_name, san};
use super::{Case, Role};
use crate::exhibits::{armor, armor_as};
use crate::judges::Judge;

/// Whether Envoy can be asked: it judges clients here, always by the present time, and Go, the client, knows no secp256k1.
pub fn can_judge(case: &Case) -> bool {
    case.role == Role::Client && case.at.is_none() && case.key.name != "secp256k1"
}

/// Envoy's verdict on each case, with the error that its access log shows.
pub fn verdicts(envoy: &Path, go: &mut Judge, cases: &[&Case]) -> BTreeMap<String, Result<(), String>> {
    let folder = tempfile::tempdir().unwrap();
    let mut listeners: Vec<(&[Vec<u8>], &[Vec<u8>])> = vec![];
    let mut place = vec![];
    for case in cases {
        let wanted = (case.anchors.as_slice(), case.crls.as_slice());
        let at = listeners.iter().position(|have| *have == wanted).unwrap_or_else(|| {
            listeners.push(wanted);
            listeners.len() - 1
        });
        place.push(at);
    }
    let resources: Vec<Value> = listeners.iter().enumerate().map(|(at, (anchors, crls))| listener(folder.path(), at, anchors, crls)).collect();
    let running = Running::start(envoy, folder.path(), &resources);

    let mut said = vec![];
    for (number, (case, at)) in cases.iter().zip(&place).enumerate() {
        let chain: String = case.chain.iter().map(|der| armor(der)).collect();
        let socket = socket(folder.path(), *at);
        said.push(if socket.exists() {
            let name = format!("case-{number}.test");
            go.judge(&json!({"oracle": "tls-client", "socket": socket, "server_name": name, "chain": chain, "key": case.key.pem()}))
        } else {
            Err("refused".to_owned())
        });
    }
    running.stop();
    let log = std::fs::read_to_string(folder.path().join("access.log")).unwrap_or_default();
    let failures: BTreeMap<&str, &str> = log.lines().filter_map(|line| line.split_once(' ')).collect();
    let stderr = std::fs::read_to_string(folder.path().join("stderr")).unwrap_or_default();
    let verdict = |number: usize, said: Result<(), String>| {
        said.map_err(|client| {
            let name = format!("case-{number}.test");
            match failures.get(name.as_str()) {
                Some(text) if *text != "-" => (*text).to_owned(),
                _ if client == "refused" => refusal(&stderr, place[number]).expect("a listener is missing, and Envoy does not say why"),
                _ => format!("client: {client}"),
            }
        })
    };
    cases.iter().zip(said).enumerate().map(|(number, (case, said))| (case.name.clone(), verdict(number, said))).collect()
}

/// Why Envoy did not take a listener, if it did not.
fn refusal(stderr: &str, at: usize) -> Option<String> {
    let label = format!("listener-{at}: ");
    let (_, text) = stderr.lines().find_map(|line| line.split_once(&label))?;
    Some(format!("configuration refused: {}", text.split(", listener-").next().unwrap_or(text)))
}

fn socket(folder: &Path, at: usize) -> PathBuf {
    folder.join(format!("{at}.sock"))
}

fn listener(folder: &Path, at: usize, anchors: &[Vec<u8>], crls: &[Vec<u8>]) -> Value {
    let mut mesh = Mesh::good();
    mesh.leaf.set(san(&[general_name('D', "envoy.test")]));
    let server = armor(&mesh.leaf_der()) + &armor(&mesh.ca_der());
    let roots: String = anchors.iter().map(|der| armor(der)).collect();
    let lists: String = crls.iter().map(|der| armor_as("X509 CRL", der)).collect();
    let mut validation = json!({"trusted_ca": {"inline_string": roots}});
    if !crls.is_empty() {
        validation["crl"] = json!({"inline_string": lists});
    }
    json!({
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        "name": format!("listener-{at}"),
        "address": {"pipe": {"path": socket(folder, at)}},
        "listener_filters": [{"name": "tls_inspector", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"}}],
        "access_log": [{"name": "file", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": folder.join("access.log"),
            "log_format": {"text_format_source": {"inline_string": "%REQUESTED_SERVER_NAME% %DOWNSTREAM_TRANSPORT_FAILURE_REASON%\n"}},
        }}],
        "filter_chains": [{
            "transport_socket": {"name": "tls", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                "require_client_certificate": true,
                "common_tls_context": {
                    "tls_certificates": [{"certificate_chain": {"inline_string": server}, "private_key": {"inline_string": mesh.leaf.key.pem()}}],
                    "validation_context": validation,
                },
            }},
            "filters": [{"name": "echo", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo"}}],
        }],
    })
}

/// An Envoy that ends with this value, however the test ends.
struct Running {
    child: Child,
}

impl Running {
    fn start(envoy: &Path, folder: &Path, listeners: &[Value]) -> Self {
        let path = folder.join("listeners.json");
        std::fs::write(&path, json!({ "resources": listeners }).to_string()).unwrap();
        let config = json!({
            "node": {"id": "judge", "cluster": "judge"},
            "dynamic_resources": {"lds_config": {"path_config_source": {"path": path}}},
        });
        std::fs::write(folder.join("envoy.json"), config.to_string()).unwrap();
        let log = folder.join("stderr");
        let stderr = std::fs::File::create(&log).unwrap();
        let child = Command::new(envoy)
            .args(["--concurrency", "1", "--disable-hot-restart", "--file-flush-interval-msec", "50", "--log-level", "warning"])
            .args(["--component-log-level", "main:info,config:info"])
            .arg("-c")
            .arg(folder.join("envoy.json"))
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .unwrap_or_else(|e| panic!("{} cannot be started ({e}): tests/interop.sh installs it", envoy.display()));
        let running = Self { child };
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        // A listener that it refuses does not keep it from starting with the others.
        wait_for("start", said, |log| log.contains("starting workers"));
        std::thread::sleep(Duration::from_millis(200));
        running
    }

    /// Ends it politely: only then are its logs whole.
    fn stop(mut self) {
        std::thread::sleep(Duration::from_millis(300));
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_for(what: &str, said: impl Fn() -> String, done: impl Fn(&str) -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !done(&said()) {
        let log = said();
        assert!(Instant::now() < until, "Envoy did not {what}: {}", &log[log.len().saturating_sub(2000)..]);
        std::thread::sleep(Duration::from_millis(50));
    }
}
