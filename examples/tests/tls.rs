//! The server and the client for TLS, run against each other.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed expectation is what a test is for, in its helpers too")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::SystemTime;

use meshroot::bundle::Bundle;
use meshroot::csr::ProvenRequest;
use meshroot::hierarchy::create_root;
use meshroot::issue::{Authorized, Issuer};
use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey};
use meshroot::profile::Profile;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;

const SHOP: &str = "spiffe://mesh.example/shop";
const CART: &str = "spiffe://mesh.example/cart";

#[test]
fn the_server_greets_whom_it_should_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let [shop, cart, thief] = ["shop", "cart", "thief"].map(|name| folder.path().join(name));
    let mesh = Mesh::new(1);
    mesh.write(&shop, SHOP);
    mesh.write(&cart, CART);
    mesh.write(&thief, "spiffe://mesh.example/thief");

    let mut server = Server::start(&shop, CART);
    let called = server.call(&cart, SHOP);
    assert_eq!(String::from_utf8(called.stdout).unwrap(), format!("connected to {SHOP}\nhello {CART}\n"));
    assert_eq!(server.line(), format!("greeted {CART}"));

    assert!(!server.call(&thief, SHOP).status.success());
    assert_eq!(server.line(), format!("refused [tls.not_accepted]: the peer is spiffe://mesh.example/thief, and accepted is {CART}"));

    let said = String::from_utf8(server.call(&cart, CART).stderr).unwrap();
    assert!(said.contains("refused [tls.not_accepted]"), "{said}");
    assert!(server.line().contains("CertificateUnknown"));
}

#[test]
fn the_server_takes_over_what_is_written_later_and_nothing_older() {
    let folder = tempfile::tempdir().unwrap();
    let [shop, cart] = ["shop", "cart"].map(|name| folder.path().join(name));
    let (first, second) = (Mesh::new(1), Mesh::new(2));
    first.write(&shop, SHOP);
    let mut server = Server::start(&shop, CART);

    second.write(&shop, SHOP);
    second.write(&cart, CART);
    assert!(server.call(&cart, SHOP).status.success());
    assert_eq!(server.line(), format!("greeted {CART}"));

    first.write(&shop, SHOP);
    assert!(server.call(&cart, SHOP).status.success());
    assert!(server.line().starts_with("going on with what is held: the bundle of 'mesh.example' is not taken over: "));
    assert_eq!(server.line(), format!("greeted {CART}"));
}

/// A running server; killed when dropped.
struct Server {
    child: Child,
    output: BufReader<ChildStdout>,
    address: String,
}

impl Server {
    fn start(folder: &Path, caller: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spiffe_tls_server"));
        let mut child = command.arg(folder).args(["127.0.0.1:0", caller]).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut server = Self { child, output, address: String::new() };
        let line = server.line();
        server.address = line.strip_prefix(&format!("{SHOP} listens on ")).unwrap().to_owned();
        server
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn call(&self, folder: &Path, expected: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_spiffe_tls_client")).arg(folder).args([&self.address, expected]).output().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A root and its bundle, which has this sequence number.
struct Mesh {
    bundle: Bundle,
    issuer: Issuer,
    now: Timestamp,
}

impl Mesh {
    fn new(sequence: u64) -> Self {
        let (crypto, now) = (Crypto::ring(), Timestamp::from(SystemTime::now()));
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto).unwrap().signer(&crypto).unwrap();
        let trust_domain = TrustDomain::parse("mesh.example").unwrap();
        let root = create_root(&trust_domain, &Profile::root_ca(), &*key, &crypto, now).unwrap();
        let bundle = Bundle::new(trust_domain).with_x509_authorities(root.certificates().iter().cloned()).unwrap().with_sequence(sequence);
        let issuer = Issuer::new(root.certificates(), &bundle, key, crypto, now).unwrap();
        Self { bundle, issuer, now }
    }

    /// The files that `meshroot agent` would write for this workload.
    fn write(&self, folder: &Path, id: &str) {
        let crypto = Crypto::ring();
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto).unwrap();
        let request = ProvenRequest::from_signer(&*key.signer(&crypto).unwrap(), &crypto).unwrap();
        let grant = Authorized::workload(request, SpiffeId::parse(id).unwrap()).unwrap();
        let issued = self.issuer.issue(grant, &Profile::workload(), crypto.entropy(), self.now).unwrap();
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("svid.pem"), issued.chain_pem()).unwrap();
        fs::write(folder.join("svid-key.pem"), key.to_pkcs8_pem().as_bytes()).unwrap();
        fs::write(folder.join("bundle.json"), self.bundle.to_spiffe_json()).unwrap();
    }
}
