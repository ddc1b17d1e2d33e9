//! What Istio's documentation makes with its Makefile (`tools/certs`): real output of OpenSSL, from the fixtures.

use meshroot::key::{Crypto, PrivateKey};
use meshroot::pem::certificates;
use meshroot::time::Timestamp;
use meshroot::x509::Certificate;

use super::{Cluster, Expected, Scene};
use crate::fixtures;
use crate::mint::{Ca, DAY};

/// As it comes, and with CRLs.
pub fn all(now: Timestamp, crypto: &Crypto) -> Vec<Scene> {
    vec![plain(now, crypto), with_crl(now, crypto)]
}

/// As it comes.
pub fn plain(now: Timestamp, crypto: &Crypto) -> Scene {
    Scene { name: "makefile", now, clusters: clusters(crypto), authorities: vec![root(crypto)], expected: Expected::both("yy yy") }
}

/// After somebody has signed CRLs with its CAs, which nobody may verify: none of them has cRLSign.
pub fn with_crl(now: Timestamp, crypto: &Crypto) -> Scene {
    let mut scene = Scene { name: "makefile-with-crl", expected: Expected::both("nn nn"), ..plain(now, crypto) };
    let cas = scene.authorities.iter().chain(scene.clusters.iter().map(|cluster| &cluster.signing));
    let crls: Vec<Vec<u8>> = cas.map(|ca| ca.crl(now.minus(DAY), now.plus(30 * DAY), &[])).collect();
    scene.clusters.iter_mut().for_each(|cluster| cluster.crls.clone_from(&crls));
    scene
}

fn clusters(crypto: &Crypto) -> Vec<Cluster> {
    let cluster = |name: &'static str| {
        let read = |file: &str| read(&format!("{name}/{file}"));
        let signing = ca(&format!("{name}/ca-cert.pem"), &format!("{name}/ca-key.pem"), crypto);
        Cluster {
            name,
            trust_domain: "cluster.local".into(),
            signing,
            chain: read("cert-chain.pem"),
            roots: read("root-cert.pem"),
            crls: Vec::new(),
            lets_in: Vec::new(),
            bundle_map: None,
        }
    };
    vec![cluster("cluster1"), cluster("cluster2")]
}

fn root(crypto: &Crypto) -> Ca {
    ca("root-cert.pem", "root-key.pem", crypto)
}

fn ca(certificate: &str, key: &str, crypto: &Crypto) -> Ca {
    let key_pem = String::from_utf8(fixtures::bytes(&format!("scenes/makefile/{key}"))).unwrap();
    let key = PrivateKey::from_pem(key_pem.as_bytes(), None, crypto).unwrap();
    Ca { certificate: read(certificate).remove(0), key_pem, signer: key.signer(crypto).unwrap() }
}

fn read(file: &str) -> Vec<Certificate> {
    certificates(&fixtures::bytes(&format!("scenes/makefile/{file}"))).unwrap()
}
