//! BoringSSL as Envoy drives it, in one real Envoy. For clients: a listener for each set of anchors and CRLs, demanding a
//! client certificate, and a TLS client that presents the case's chain. For servers: a listener and an upstream for each
//! case, and a TLS server behind it that presents the chain.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::case::Mesh;
use super::cert::{general_name, san};
use super::{Case, Role};
use crate::exhibits::{armor, armor_as};
use crate::judges::Judge;

/// Whether Envoy can be asked: it judges by the present time, and Go, its peer, knows no secp256k1.
pub fn can_judge(case: &Case) -> bool {
    case.at.is_none() && case.key.name != "secp256k1"
}

/// Envoy's verdict on each case, with the error that its access log shows.
pub fn verdicts(envoy: &Path, go: &mut Judge, cases: &[&Case]) -> BTreeMap<String, Result<(), String>> {
    let folder = tempfile::tempdir().unwrap();
    let (mut trusted, mut listeners, mut clusters): (Vec<(&[Vec<u8>], &[Vec<u8>])>, _, _) = (vec![], vec![], vec![]);
    let mut place = vec![];
    for (number, case) in cases.iter().enumerate() {
        let wanted = (case.anchors.as_slice(), case.crls.as_slice());
        if case.role == Role::Server {
            listeners.push(proxying_listener(folder.path(), number));
            clusters.push(cluster(folder.path(), number, case));
            place.push(usize::MAX);
            continue;
        }
        place.push(trusted.iter().position(|have| *have == wanted).unwrap_or_else(|| {
            listeners.push(judging_listener(folder.path(), trusted.len(), case));
            trusted.push(wanted);
            trusted.len() - 1
        }));
    }
    let running = Running::start(envoy, folder.path(), &listeners, &clusters);

    let mut said = vec![];
    for (number, (case, at)) in cases.iter().zip(&place).enumerate() {
        let chain: String = case.chain.iter().map(|der| armor(der)).collect();
        let (socket, key) = (socket(folder.path(), *at), case.key.pem());
        said.push(if case.role == Role::Server {
            let (socket, through) = (server_socket(folder.path(), number), proxy_socket(folder.path(), number));
            go.judge(&json!({"oracle": "tls-server", "socket": socket, "through": through, "chain": chain, "key": key}))
        } else if socket.exists() {
            go.judge(&json!({"oracle": "tls-client", "socket": socket, "server_name": name(number), "chain": chain, "key": key}))
        } else {
            Err("refused".to_owned())
        });
    }
    running.stop();
    let log = std::fs::read_to_string(folder.path().join("access.log")).unwrap_or_default();
    let failures: BTreeMap<&str, &str> = log.lines().filter_map(|line| line.split_once(' ')).collect();
    let stderr = std::fs::read_to_string(folder.path().join("stderr")).unwrap();
    let verdict = |number: usize, said: Result<(), String>| {
        said.map_err(|peer| match failures.get(name(number).as_str()) {
            Some(text) if *text != "-" => (*text).to_owned(),
            _ if peer == "refused" => refusal(&stderr, place[number]).expect("a listener is missing, and Envoy does not say why"),
            _ => format!("peer: {peer}"),
        })
    };
    cases.iter().zip(said).enumerate().map(|(number, (case, said))| (case.name.clone(), verdict(number, said))).collect()
}

/// What a case is called on the wire and in the log.
fn name(number: usize) -> String {
    format!("case-{number}.test")
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

fn proxy_socket(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("proxy-{number}.sock"))
}

fn server_socket(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("server-{number}.sock"))
}

fn validation(case: &Case) -> Value {
    let roots: String = case.anchors.iter().map(|der| armor(der)).collect();
    let lists: String = case.crls.iter().map(|der| armor_as("X509 CRL", der)).collect();
    match case.crls.is_empty() {
        true => json!({"trusted_ca": {"inline_string": roots}}),
        false => json!({"trusted_ca": {"inline_string": roots}, "crl": {"inline_string": lists}}),
    }
}

fn access_log(folder: &Path, line: &str) -> Value {
    json!([{"name": "file", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
        "path": folder.join("access.log"),
        "log_format": {"text_format_source": {"inline_string": line}},
    }}])
}

fn judging_listener(folder: &Path, at: usize, case: &Case) -> Value {
    let mut mesh = Mesh::good();
    mesh.leaf.set(san(&[general_name('D', "envoy.test")]));
    let server = armor(&mesh.leaf_der()) + &armor(&mesh.ca_der());
    json!({
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        "name": format!("listener-{at}"),
        "address": {"pipe": {"path": socket(folder, at)}},
        "listener_filters": [{"name": "tls_inspector", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"}}],
        "access_log": access_log(folder, "%REQUESTED_SERVER_NAME% %DOWNSTREAM_TRANSPORT_FAILURE_REASON%\n"),
        "filter_chains": [{
            "transport_socket": {"name": "tls", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                "require_client_certificate": true,
                "common_tls_context": {
                    "tls_certificates": [{"certificate_chain": {"inline_string": server}, "private_key": {"inline_string": mesh.leaf.key.pem()}}],
                    "validation_context": validation(case),
                },
            }},
            "filters": [{"name": "echo", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo"}}],
        }],
    })
}

fn proxying_listener(folder: &Path, number: usize) -> Value {
    json!({
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        "name": format!("proxy-{number}"),
        "address": {"pipe": {"path": proxy_socket(folder, number)}},
        "filter_chains": [{"filters": [{"name": "proxy", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
            "stat_prefix": "proxy",
            "cluster": format!("server-{number}"),
            "access_log": access_log(folder, &format!("{} %UPSTREAM_TRANSPORT_FAILURE_REASON%\n", name(number))),
        }}]}],
    })
}

fn cluster(folder: &Path, number: usize, case: &Case) -> Value {
    let endpoint = json!({"endpoint": {"address": {"pipe": {"path": server_socket(folder, number)}}}});
    json!({
        "name": format!("server-{number}"),
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": format!("server-{number}"), "endpoints": [{"lb_endpoints": [endpoint]}]},
        "transport_socket": {"name": "tls", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            "sni": name(number),
            "common_tls_context": {"validation_context": validation(case)},
        }},
    })
}

/// An Envoy that ends with this value, however the test ends.
struct Running {
    child: Child,
}

impl Running {
    fn start(envoy: &Path, folder: &Path, listeners: &[Value], clusters: &[Value]) -> Self {
        let path = folder.join("listeners.json");
        std::fs::write(&path, json!({ "resources": listeners }).to_string()).unwrap();
        let config = json!({
            "node": {"id": "judge", "cluster": "judge"},
            "static_resources": {"clusters": clusters},
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
    const PATIENCE: usize = 600;
    for _ in 0..PATIENCE {
        if done(&said()) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let log = said();
    panic!("Envoy did not {what}: {}", &log[log.len().saturating_sub(2000)..]);
}
