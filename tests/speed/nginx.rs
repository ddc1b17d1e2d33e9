use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

use crate::client::Target;
use crate::process::children;

/// Debian's nginx with one worker and no log, serving one file over TLS 1.3.
pub(crate) struct Nginx {
    child: Child,
    pub(crate) target: Target,
    _folder: TempDir,
}

impl Nginx {
    pub(crate) fn start(path: &str, body: &[u8]) -> Self {
        let folder = tempfile::Builder::new().prefix("service-speed-nginx-").tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        fs::write(at("cert.pem"), certificate.pem()).unwrap();
        fs::write(at("key.pem"), key.serialize_pem()).unwrap();
        let file = at("html").join(path.trim_start_matches('/'));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, body).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        fs::write(at("nginx.conf"), configuration(folder.path().to_owned(), port)).unwrap();
        open_for_workers(folder.path());
        let child = Command::new("nginx").arg("-p").arg(folder.path()).arg("-c").arg(at("nginx.conf")).stderr(Stdio::null()).spawn();
        let child = child.expect("nginx does not start: install it (Debian's package: nginx-light), or say --without-nginx");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let until = Instant::now() + Duration::from_secs(5);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < until, "nginx does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, target: Target::new(address, certificate.pem().as_bytes()), _folder: folder }
    }

    /// The master and its worker.
    pub(crate) fn pids(&self) -> Vec<u32> {
        let master = self.child.id();
        core::iter::once(master).chain(children(master)).collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Killed, the master would leave its worker behind.
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

/// The worker is another user when the master is root.
fn open_for_workers(folder: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
}

fn configuration(folder: PathBuf, port: u16) -> String {
    let folder = folder.display();
    format!(
        "daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    default_type application/json;
    keepalive_requests 100000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/cert.pem;
        ssl_certificate_key {folder}/key.pem;
        ssl_protocols TLSv1.3;
        root {folder}/html;
        add_header Cache-Control \"public, max-age=300\";
    }}
}}
"
    )
}
