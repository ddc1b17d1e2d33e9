//! Everything that we issue, judged by OpenSSL, GnuTLS, Go, Java, go-spiffe, Istio, zlint and pkilint; and each of them refusing a
//! planted defect in the same run, so that silence means something. Run by `tests/interop`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

use std::path::Path;
use std::process::Command;

use meshroot::key::{Crypto, PrivateKey};
use meshroot_tests::exhibits::{self, Exhibit, Kind, TRUST_DOMAIN, WORKLOAD};
use meshroot_tests::judges::Judge;
use serde_json::json;

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// `openssl verify -x509_strict`, for both directions of TLS where the certificate is a leaf.
fn openssl(exhibit: &Exhibit, leaf: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let root = write(folder.path(), "root.pem", &exhibit.root);
    let above = write(folder.path(), "above.pem", &format!("{}{}", exhibit.intermediates, exhibit.root));
    let leaf = write(folder.path(), "leaf.pem", leaf);
    let purposes: &[&str] = if leaf_kind(exhibit) { &["sslclient", "sslserver"] } else { &["any"] };
    for purpose in purposes {
        let out = Command::new("openssl")
            .args(["verify", "-x509_strict", "-purpose", purpose, "-CAfile", &root, "-untrusted", &above, &leaf])
            .output()
            .unwrap_or_else(|e| panic!("openssl cannot be started ({e}): tests/interop installs it"));
        if !out.status.success() {
            return Err(String::from_utf8_lossy(&out.stderr).into_owned());
        }
    }
    Ok(())
}

/// The certificate with one bit of its signature turned.
fn forged(pem: &str) -> String {
    let mut der = meshroot::pem::certificates(pem.as_bytes()).unwrap()[0].der().to_vec();
    *der.last_mut().unwrap() ^= 1;
    exhibits::armor(&der)
}

/// The certificate with `critical TRUE` taken from one extension: `what` is its OID's last byte.
fn not_critical(pem: &str, id_ce: u8) -> String {
    let der = meshroot::pem::certificates(pem.as_bytes()).unwrap()[0].der().to_vec();
    let at = der.windows(8).position(|w| w[..5] == [0x06, 0x03, 0x55, 0x1d, id_ce] && w[5..] == [0x01, 0x01, 0xff]).expect("a critical extension");
    let mut changed = der;
    changed[at + 7] = 0x00;
    exhibits::armor(&changed)
}

#[test]
fn openssl_accepts_everything_and_refuses_a_forgery() {
    for exhibit in exhibits::all(&Crypto::ring()) {
        openssl(&exhibit, &exhibit.leaf).unwrap_or_else(|e| panic!("{}: {e}", exhibit.name));
        if exhibit.kind != Kind::Root {
            assert!(openssl(&exhibit, &forged(&exhibit.leaf)).is_err(), "{}: a forged signature passed", exhibit.name);
        }
    }
}

/// `certtool --verify`, for both directions of TLS where the certificate is a leaf.
fn gnutls(exhibit: &Exhibit, leaf: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let root = write(folder.path(), "root.pem", &exhibit.root);
    let chain = write(folder.path(), "chain.pem", &format!("{leaf}{}", exhibit.intermediates));
    let purposes: &[&str] = if leaf_kind(exhibit) { &["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"] } else { &[""] };
    for purpose in purposes {
        let mut command = Command::new("certtool");
        command.args(["--verify", "--load-ca-certificate", &root, "--infile", &chain]);
        if !purpose.is_empty() {
            command.args(["--verify-purpose", purpose]);
        }
        let out = command.output().unwrap_or_else(|e| panic!("certtool cannot be started ({e}): tests/interop.sh installs it"));
        let said = String::from_utf8_lossy(&out.stdout).into_owned();
        if !out.status.success() || !said.contains("Chain verification output: Verified.") {
            return Err(format!("{said}{}", String::from_utf8_lossy(&out.stderr)));
        }
    }
    Ok(())
}

fn leaf_kind(exhibit: &Exhibit) -> bool {
    matches!(exhibit.kind, Kind::Workload | Kind::Server)
}

#[test]
fn gnutls_accepts_everything_and_refuses_what_is_planted() {
    for e in exhibits::all(&Crypto::ring()) {
        gnutls(&e, &e.leaf).unwrap_or_else(|reason| panic!("{}: {reason}", e.name));
        if e.kind != Kind::Root {
            assert!(gnutls(&e, &forged(&e.leaf)).is_err(), "{}: a forged signature passed", e.name);
        }
        if leaf_kind(&e) {
            let orphan = Exhibit { intermediates: String::new(), ..e };
            assert!(gnutls(&orphan, &orphan.leaf).is_err(), "{}: a missing intermediate passed", orphan.name);
        }
    }
}

#[test]
fn java_accepts_everything_and_refuses_what_is_planted() {
    let mut java = Judge::java();
    for e in exhibits::all(&Crypto::ring()) {
        let question = |leaf: &str, intermediates: &str, usage: &str| json!({"oracle": "java-pkix", "roots": e.root, "intermediates": intermediates, "leaf": leaf, "usage": usage});
        let usages: &[&str] = if leaf_kind(&e) { &["client", "server"] } else { &["any"] };
        for usage in usages {
            java.judge(&question(&e.leaf, &e.intermediates, usage)).unwrap_or_else(|reason| panic!("{}: {reason}", e.name));
        }
        if e.kind != Kind::Root {
            assert!(java.judge(&question(&forged(&e.leaf), &e.intermediates, "any")).is_err(), "{}: a forged signature passed", e.name);
        }
        if leaf_kind(&e) {
            assert!(java.judge(&question(&e.leaf, "", "any")).is_err(), "{}: a missing intermediate passed", e.name);
        } else {
            assert!(java.judge(&question(&e.leaf, &e.intermediates, "client")).is_err(), "{}: a CA passed for a client", e.name);
        }
    }
}

#[test]
fn go_accepts_every_leaf_and_refuses_a_forgery() {
    let mut go = Judge::go();
    for e in exhibits::all(&Crypto::ring()) {
        let question =
            |leaf: &str, root: &str| json!({"oracle": "go-x509", "roots": root, "intermediates": e.intermediates, "leaf": leaf, "usage": "any"});
        go.judge(&question(&e.leaf, &e.root)).unwrap_or_else(|reason| panic!("{}: {reason}", e.name));
        if e.kind != Kind::Root {
            assert!(go.judge(&question(&forged(&e.leaf), &e.root)).is_err(), "{}: a forged signature passed", e.name);
        }
    }
}

#[test]
fn go_spiffe_reads_our_bundle_and_validates_every_workload_with_it() {
    let (mut go, crypto) = (Judge::go(), Crypto::ring());
    for e in exhibits::all(&crypto).iter().filter(|e| e.kind == Kind::Workload) {
        let roots = meshroot::pem::certificates(e.root.as_bytes()).unwrap();
        let td = meshroot::spiffe::TrustDomain::parse(TRUST_DOMAIN).unwrap();
        let bundle = meshroot::bundle::Bundle::new(td).with_x509_authorities(roots).unwrap().with_sequence(1).to_spiffe_json();
        let ask =
            |chain: &str, id: &str| json!({"oracle": "go-spiffe", "trust_domain": TRUST_DOMAIN, "bundle": bundle, "chain": chain, "spiffe_id": id});
        let chain = format!("{}{}", e.leaf, e.intermediates);
        go.judge(&ask(&chain, WORKLOAD)).unwrap_or_else(|reason| panic!("{}: {reason}", e.name));
        assert!(go.judge(&ask(&e.leaf, WORKLOAD)).is_err(), "{}: a missing intermediate passed", e.name);
        assert!(go.judge(&ask(&chain, "spiffe://mesh.example/ns/shop/sa/other")).is_err(), "{}: another identity passed", e.name);
    }
}

#[test]
fn zlint_has_nothing_to_say_and_speaks_when_it_should() {
    let mut go = Judge::go();
    for e in exhibits::all(&Crypto::ring()) {
        go.judge(&json!({"oracle": "zlint", "cert": e.leaf})).unwrap_or_else(|reason| panic!("{}: {reason}", e.name));
        let defect = json!({"oracle": "zlint", "cert": not_critical(&e.leaf, if matches!(e.kind, Kind::Workload | Kind::Server) { 17 } else { 19 })});
        assert!(go.judge(&defect).is_err(), "{}: the planted defect passed", e.name);
    }
}

#[test]
fn pkilint_has_nothing_to_say_and_speaks_when_it_should() {
    let mut pkilint = Judge::pkilint();
    for e in exhibits::all(&Crypto::ring()) {
        // A root has no issuer to be compared with; its pair linter would ask it for an authorityKeyIdentifier.
        let question = |leaf: &str| match e.kind {
            Kind::Root => json!({"oracle": "pkilint", "cert": leaf}),
            _ => json!({"oracle": "pkilint", "cert": leaf, "issuer": e.issuer}),
        };
        pkilint.judge(&question(&e.leaf)).unwrap_or_else(|reason| panic!("{}: {reason}", e.name));
        assert!(pkilint.judge(&question(&not_critical(&e.leaf, 19))).is_err(), "{}: the planted defect passed", e.name);
    }
}

#[test]
fn istio_loads_every_cacerts_set_we_write_and_refuses_a_key_of_another() {
    let (mut go, crypto) = (Judge::go(), Crypto::ring());
    for (ca_key, _) in exhibits::KEYS {
        let mesh = exhibits::mesh(ca_key, &crypto);
        let folder = tempfile::tempdir().unwrap();
        let set = meshroot::istio::Cacerts::new(
            mesh.cluster.path().without_anchor(),
            &mesh.cluster_key,
            std::slice::from_ref(&mesh.root),
            &crypto,
            exhibits::now(),
        )
        .unwrap_or_else(|e| panic!("{ca_key}: {e}"));
        for (name, contents) in set.files() {
            std::fs::write(folder.path().join(name), contents).unwrap();
        }
        let question = json!({"oracle": "istio-cacerts", "dir": folder.path()});
        go.judge(&question).unwrap_or_else(|reason| panic!("{ca_key}: {reason}"));
        let other = PrivateKey::generate("p256".parse().unwrap(), &crypto).unwrap();
        std::fs::write(folder.path().join("ca-key.pem"), other.to_pkcs8_pem().as_bytes()).unwrap();
        assert!(go.judge(&question).is_err(), "{ca_key}: another's key passed");
    }
}

#[test]
fn openssl_opens_the_keys_we_export() {
    let crypto = Crypto::ring();
    for (name, file) in exhibits::KEYS {
        let key = PrivateKey::from_pem(&meshroot_tests::fixtures::bytes(file), None, &crypto).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = write(folder.path(), "key.pem", &key.to_encrypted_pem(b"secret", crypto.entropy()).unwrap());
        let open =
            |password: &str| Command::new("openssl").args(["pkey", "-noout", "-passin", &format!("pass:{password}"), "-in", &path]).output().unwrap();
        let out = open("secret");
        assert!(out.status.success(), "{name}: {}", String::from_utf8_lossy(&out.stderr));
        assert!(!open("other").status.success(), "{name}: a wrong password opened it");
    }
}
