//! What `doctor` reads, in all its forms, and what it says of what cannot be read.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::{Answer, Place};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

const WEST: &str = "mesh/clusters/west/cacerts";
const EAST: &str = "mesh/clusters/east/cacerts";

fn place() -> Place {
    Place::with_mesh(&["west", "east"])
}

fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The Secret of a folder with cacerts, as `kubectl get -o json` prints it, with everything that kubectl adds.
fn secret(place: &Place, folder: &str) -> serde_json::Value {
    let data: serde_json::Map<String, serde_json::Value> = ["ca-cert.pem", "ca-key.pem", "cert-chain.pem", "root-cert.pem"]
        .into_iter()
        .map(|name| (name.to_owned(), base64(&place.read(&format!("{folder}/{name}"))).into()))
        .collect();
    serde_json::json!({
        "apiVersion": "v1",
        "data": data,
        "kind": "Secret",
        "metadata": {
            "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "{\"kind\":\"Secret\"}\n" },
            "creationTimestamp": "2026-11-01T10:00:00Z",
            "managedFields": [{ "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": { "f:data": { ".": {}, "f:ca-cert.pem": {} } }, "manager": "kubectl" }],
            "name": "cacerts",
            "namespace": "istio-system",
            "resourceVersion": "123",
            "uid": "0a1b",
        },
        "type": "Opaque",
    })
}

fn indented(text: &[u8]) -> String {
    String::from_utf8(text.to_vec()).unwrap().lines().map(|line| format!("    {line}\n")).collect()
}

fn names(answer: &Answer) -> Vec<String> {
    answer.json()["clusters"].as_array().unwrap().iter().map(|cluster| cluster["name"].as_str().unwrap().to_owned()).collect()
}

/// Every pair trusts, and these are the clusters.
#[track_caller]
fn trusts(place: &Place, sources: &[&str], clusters: &[&str]) -> Answer {
    let answer = place.run(&[&["doctor", "--json"], sources].concat()).ok();
    assert_eq!(names(&answer), clusters);
    answer
}

#[test]
fn folders_stores_and_manifests_of_one_mesh_say_the_same() {
    let place = place();
    trusts(&place, &[WEST, EAST], &["west", "east"]);
    trusts(&place, &["mesh/clusters/west", "mesh/clusters/east"], &["west", "east"]);
    trusts(&place, &["mesh/clusters"], &["east", "west"]);
    trusts(&place, &["mesh"], &["west", "east"]);
    trusts(&place, &["mesh/store/mesh.db"], &["west", "east"]);
    trusts(&place, &["mesh/clusters/west/cacerts.yaml", "mesh/clusters/east/cacerts.yaml"], &["west", "east"]);
    trusts(&place, &[&format!("a={WEST}"), &format!("b={EAST}")], &["a", "b"]);
    // One cluster may be told of by several sources.
    trusts(&place, &[&format!("a={WEST}"), "a=mesh/clusters/west/cacerts.yaml", &format!("b={EAST}")], &["a", "b"]);
}

#[test]
fn istios_makefile_leaves_the_root_beside_the_clusters() {
    let place = place();
    fs::create_dir(place.path("certs")).unwrap();
    for (from, to) in [("west", "cluster1"), ("east", "cluster2")] {
        fs::rename(place.path(&format!("mesh/clusters/{from}/cacerts")), place.path(&format!("certs/{to}"))).unwrap();
    }
    fs::copy(place.path("mesh/root-cert.pem"), place.path("certs/root-cert.pem")).unwrap();
    trusts(&place, &["certs"], &["cluster1", "cluster2"]);
    place.run(&["doctor", "x=certs"]).fails(2).says("several clusters");
}

#[test]
fn what_kubectl_prints_is_read_in_all_its_forms() {
    let place = place();
    let (west, east) = (secret(&place, WEST), secret(&place, EAST));
    fs::write(place.path("east.json"), east.to_string()).unwrap();
    // One Secret, a List, one after the other; from a file and from standard input.
    let list = serde_json::json!({ "apiVersion": "v1", "items": [west], "kind": "List", "metadata": { "resourceVersion": "" } });
    for text in [format!("{west:#}\n"), format!("{list:#}"), west.to_string()] {
        fs::write(place.path("west.json"), &text).unwrap();
        trusts(&place, &["west.json", "east.json"], &["west", "east"]);
        let answer = place.feed(&["doctor", "--json", "west=-", "east.json"], text.as_bytes()).ok();
        assert_eq!(names(&answer), ["west", "east"]);
    }
    let both = format!("{west:#}\n{east:#}\n");
    let answer = place.feed(&["doctor", "--json", "-"], both.as_bytes()).ok();
    assert_eq!(names(&answer).len(), 2);
    // Byte order mark and line ends of Windows.
    fs::write(place.path("west.json"), format!("\u{feff}{west:#}").replace('\n', "\r\n")).unwrap();
    trusts(&place, &["west.json", "east.json"], &["west", "east"]);
    place.feed(&["doctor", "-", "-"], both.as_bytes()).fails(2).says("once");
}

#[test]
fn config_maps_and_trust_bundles_say_what_a_cluster_trusts() {
    let place = place();
    let other = Place::with_mesh(&["north"]);
    let west = String::from_utf8(place.read("mesh/clusters/west/cacerts.yaml")).unwrap();
    let root = indented(&place.read("mesh/root-cert.pem"));
    let map = |namespace: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: istio-ca-root-cert\n  namespace: {namespace}\ndata:\n  root-cert.pem: |\n{root}")
    };
    let kube = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kube-root-ca.crt\ndata:\n  ca.crt: x\n";
    let text = [west.as_str(), &map("shop"), &map("default"), kube, "kind: Service\nmetadata: {name: s}\n"].join("---\n");
    fs::write(place.path("west.yaml"), &text).unwrap();
    let answer = trusts(&place, &["west.yaml", EAST], &["west", "east"]);
    let document = answer.json();
    assert_eq!(document["clusters"][0]["sources"].as_array().unwrap().len(), 2, "the root of each namespace counts once: {document}");
    assert!(document["remarks"][0].as_str().unwrap().contains("kube-root-ca.crt"), "{document}");

    // A stranger's root, as a trust bundle of istiod's: now north is accepted in west.
    let stranger = indented(&other.read("mesh/root-cert.pem"));
    let bundle = format!(
        "apiVersion: certificates.k8s.io/v1beta1\nkind: ClusterTrustBundle\nmetadata:\n  name: istio.io:istiod-ca:root-cert\nspec:\n  signerName: istio.io/istiod-ca\n  trustBundle: |\n{stranger}"
    );
    fs::write(place.path("bundle.yaml"), bundle).unwrap();
    let north = other.path("mesh/clusters/north/cacerts");
    let run = |sources: &[&str]| place.run(&[&["doctor", "--json"], sources].concat()).json();
    let accepted = |document: &serde_json::Value| {
        let cells = document["cells"].as_array().unwrap();
        let cell = cells.iter().find(|cell| cell["row"] == "north" && cell["column"] == "west" && cell["plane"] == "sidecar").unwrap();
        cell["verdict"].clone()
    };
    let north = format!("north={}", north.display());
    assert_ne!(accepted(&run(&[&format!("west={WEST}"), &north])), accepted(&run(&[&format!("west={WEST}"), "west=bundle.yaml", &north])));
}

#[test]
fn the_ca_that_istiod_makes_for_itself_is_read() {
    let place = place();
    let root = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::OrganizationName, "cluster.local");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        let cert = params.self_signed(&key).unwrap();
        let text = format!(
            "apiVersion: v1\nkind: Secret\ntype: istio.io/ca-root\nmetadata:\n  name: istio-ca-secret\n  namespace: istio-system\ndata:\n  ca-cert.pem: {0}\n  ca-key.pem: {1}\n  cert-chain.pem: \"\"\n  key.pem: \"\"\n  root-cert.pem: {0}\n",
            base64(cert.pem().as_bytes()),
            base64(key.serialize_pem().as_bytes())
        );
        fs::write(place.path(&format!("{name}.yaml")), text).unwrap();
    };
    root("a");
    root("b");
    let answer = place.run(&["doctor", "a.yaml", "b.yaml"]);
    assert_eq!(answer.code, 1, "{answer:?}");
    let answer = answer.says("a → b").says("b → a").says("O=cluster.local").says("do ");
    assert!(!answer.stdout.contains('\u{1b}'), "colours in a pipe");
    place.run(&["doctor", "a.yaml"]).ok();
}

#[test]
fn the_secrets_of_cert_manager_are_read_as_what_they_hold() {
    let place = place();
    place.svid("cart").ok();
    let tls = |name: &str, chain: &str, key: &str| {
        let [chain, key, root] = [chain, key, "mesh/root-cert.pem"].map(|file| base64(&place.read(file)));
        let text = format!(
            "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/tls\nmetadata: {{name: {name}, namespace: istio-system}}\ndata:\n  tls.crt: {chain}\n  tls.key: {key}\n  ca.crt: {root}\n"
        );
        fs::write(place.path(&format!("{name}.yaml")), text).unwrap();
    };
    tls("cacerts", &format!("{WEST}/cert-chain.pem"), &format!("{WEST}/ca-key.pem"));
    trusts(&place, &["west=cacerts.yaml", EAST], &["west", "east"]);
    // Under another name it is taken for the plug-in CA, and that is said.
    tls("istio-ca", &format!("{WEST}/cert-chain.pem"), &format!("{WEST}/ca-key.pem"));
    trusts(&place, &["west=istio-ca.yaml", EAST], &["west", "east"]).says("istiod mounts 'cacerts'");
    // A workload's certificate is what the workload presents.
    tls("cart-tls", "cart/svid.pem", "cart/svid-key.pem");
    let answer = trusts(&place, &["west=cart-tls.yaml", EAST], &["west", "east"]);
    assert_eq!((&answer.json()["clusters"][0]["leaves"], &answer.json()["clusters"][0]["roots"]), (&1.into(), &serde_json::json!([])));
}

#[test]
fn bundles_maps_chains_and_roots_are_read() {
    let place = place();
    place.svid("cart").ok();
    place.run(&["bundle", "export", "--format", "map", "--out", "map.json"]).ok();
    for (source, name) in [("mesh/bundle.json", "bundle"), ("map.json", "map"), ("mesh/root-cert.pem", "roots")] {
        let answer = place.run(&["doctor", "--json", &format!("west={WEST}"), &format!("{name}={source}")]).ok();
        assert!(names(&answer).contains(&name.to_owned()), "{answer:?}");
    }
    trusts(&place, &[&format!("west={WEST}"), "cart=cart/svid.pem"], &["west", "cart"]);
    let der = STANDARD
        .decode(String::from_utf8(place.read("mesh/root-cert.pem")).unwrap().lines().filter(|line| !line.starts_with('-')).collect::<String>())
        .unwrap();
    fs::write(place.path("root.der"), der).unwrap();
    trusts(&place, &[&format!("west={WEST}"), "x=root.der"], &["west", "x"]);
    // A key in the file is left alone, and that is said.
    let mixed = [place.read("cart/svid.pem"), place.read("cart/svid-key.pem")].concat();
    fs::write(place.path("mixed.pem"), mixed).unwrap();
    trusts(&place, &[&format!("west={WEST}"), "cart=mixed.pem"], &["west", "cart"]).says("holds a private key");
}

#[test]
fn the_trust_domain_of_a_bundle_is_worked_out_or_asked_for() {
    let place = place();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::CrlSign];
    let root = params.self_signed(&key).unwrap();
    let bundle = serde_json::json!({ "keys": [jwk(&key, root.der())] }).to_string();
    fs::write(place.path("plain.json"), bundle).unwrap();
    place.run(&["doctor", "plain.json"]).fails(2).says("--trust-domain NAME").says("NAME=SOURCE");
    assert_ne!(place.run(&["doctor", "plain.json", "--trust-domain", "td.example"]).code, 2);
    assert_ne!(place.run(&["doctor", "td.example=plain.json"]).code, 2);
    place.run(&["doctor", "plain.json", "--trust-domain", "Td.Example"]).fails(2).says("--trust-domain");
}

/// A P-256 CA certificate as a JWK of a SPIFFE bundle.
fn jwk(key: &KeyPair, der: &[u8]) -> serde_json::Value {
    let url = |bytes: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    let point = key.public_key_raw();
    serde_json::json!({ "use": "x509-svid", "kty": "EC", "crv": "P-256", "x": url(&point[1..33]), "y": url(&point[33..65]), "x5c": [base64(der)] })
}

/// It is bad input, called so in one sentence that contains this.
#[track_caller]
fn bad(place: &Place, content: &[u8], said: &str) {
    fs::write(place.path("bad"), content).unwrap();
    let answer = place.run(&["doctor", "bad"]).fails(3).says("meshroot: bad").says(said);
    assert!(!answer.stderr.contains("PRIVATE"), "{answer:?}");
    let error = place.run(&["doctor", "bad", "--json"]).fails(3).error();
    assert_eq!(error["exit"], 3);
    // The others are diagnosed all the same.
    let answer = place.run(&["doctor", "bad", WEST, EAST]);
    assert_eq!(answer.code, 3, "{answer:?}");
    answer.says("not read: bad").says(said).says("west");
}

#[test]
fn what_cannot_be_read_is_named_precisely() {
    let place = place();
    let chain = place.read(&format!("{WEST}/cert-chain.pem"));
    let half = &chain[..chain.len() / 2];
    bad(&place, half, "line 1: the block CERTIFICATE has no END line: the text is cut off");
    bad(&place, b"", "it is empty");
    bad(&place, b"hello", "text of an unknown kind");
    bad(&place, b"\x00\x01\x02", "binary data");
    bad(&place, &place.read("mesh/unlock.key"), "says nothing about who trusts whom");
    bad(&place, &place.read(&format!("{WEST}/ca-key.pem")), "a private key alone");
    bad(&place, b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "block 1, line 1");
    bad(&place, b"{\"kind\": \"Secret\", \"metadata\": {\"name\": \"cacerts\"", "line 1, column 49: the JSON is cut off");
    bad(&place, b"{\"a\": 1, \"b\": 2}", "the members a, b: a manifest has `kind`");
    bad(&place, b"{} x", "line 1");
    bad(&place, b"{\"keys\": [{}]}", "keys");
    bad(&place, b"kind: Secret\nmetadata: {name: cacerts}\ndata:\n  ca-cert.pem: '!!!'\n", "line 4: data.ca-cert.pem is not valid base64");
    bad(&place, b"kind: Secret\nmetadata: {name: cacerts}\ndata:\n  cert.pem: QQ==\n  key.pem: QQ==\n", "has none of the keys that istiod reads");
    bad(&place, b"kind: Secret\nmetadata: {name: cacerts}\ndata:\n  cert.pem: QQ==\n  key.pem: QQ==\n", "it has cert.pem, key.pem");
    bad(&place, b"kind: ConfigMap\nmetadata: {name: kube-root-ca.crt}\ndata:\n  ca.crt: x\n", "neither root-cert.pem nor ca-crl.pem; it has ca.crt");
    bad(&place, b"kind: Pod\nmetadata: {name: x}\n", "no Secret, ConfigMap or ClusterTrustBundle");
    bad(&place, b"kind: Secret\nmetadata: [\n", "neither YAML nor JSON");
    bad(&place, &b"x".repeat((4 << 20) + 1), "more than 4194304 bytes");
    fs::write(place.path("bad"), b"SQLite format 3\0 and no more").unwrap();
    place.run(&["doctor", "bad"]).fails(6).says("no meshroot store");
}

#[test]
fn what_is_not_there_is_not_found() {
    let place = place();
    place.run(&["doctor", "nothing"]).fails(4).says("nothing is not there");
    place.run(&["doctor", "mesh/root"]).fails(4);
    fs::create_dir(place.path("empty")).unwrap();
    place.run(&["doctor", "empty"]).fails(4).says("empty holds nothing to go by");
    let answer = place.run(&["doctor"]);
    assert_eq!(answer.code, 2);
}

/// With these files written into west's folder, doctor still diagnoses, names west as broken, and says this.
#[track_caller]
fn broken(files: &[(&str, &[u8])], said: &str) {
    let place = place();
    for (name, content) in files {
        fs::write(place.path(WEST).join(name), content).unwrap();
    }
    let answer = place.run(&["doctor", WEST, EAST]);
    assert_eq!(answer.code, 1, "{answer:?}");
    answer.says("west").says(said);
}

#[test]
fn a_cluster_whose_files_are_broken_is_diagnosed_as_such() {
    let good = place().read(&format!("{WEST}/ca-cert.pem"));
    broken(&[("ca-cert.pem", b"rubbish")], "ca-cert.pem");
    broken(&[("ca-cert.pem", &good[..good.len() / 2])], "cut off");
    broken(&[("root-cert.pem", b"")], "root-cert.pem");
    broken(&[("ca-cert.pem", b""), ("cert-chain.pem", b""), ("root-cert.pem", b"")], "west");
}

#[test]
fn certificates_of_other_centuries_are_judged_like_any_other() {
    let place = place();
    for (name, from, to) in [("old", 1950, 1951), ("eternal", 1950, 9999), ("future", 9998, 9999)] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::CrlSign];
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(to, 12, 31);
        let root = params.self_signed(&key).unwrap().pem();
        fs::create_dir(place.path(name)).unwrap();
        for (file, content) in [("ca-cert.pem", &root), ("cert-chain.pem", &root), ("root-cert.pem", &root), ("ca-key.pem", &key.serialize_pem())] {
            fs::write(place.path(name).join(file), content).unwrap();
        }
    }
    let answer = place.run(&["doctor", "old", "--json"]);
    assert_eq!(answer.code, 1, "{answer:?}");
    let answer = place.run(&["doctor", "old", "future"]);
    assert_eq!(answer.code, 1, "{answer:?}");
    answer.says("1951-12-31").says("9998-01-01");
    place.run(&["doctor", "eternal"]).ok();
    // And at other times.
    place.run(&["doctor", "old", "--at", "1951-01-01T00:00:00Z"]).ok();
    assert_eq!(place.run(&["doctor", "mesh", "--at", "2099-01-01T00:00:00Z"]).code, 1);
}

#[test]
fn a_chain_in_the_wrong_order_is_seen() {
    let place = place();
    place.svid("cart").ok();
    let chain = String::from_utf8(place.read("cart/svid.pem")).unwrap();
    let middle = chain.find("-----END CERTIFICATE-----\n").unwrap() + "-----END CERTIFICATE-----\n".len();
    fs::write(place.path("turned.pem"), format!("{}{}", &chain[middle..], &chain[..middle])).unwrap();
    let answer = place.run(&["doctor", &format!("west={WEST}"), "cart=turned.pem"]);
    assert!(answer.stdout.contains("order"), "{answer:?}");
}

#[test]
#[allow(clippy::disallowed_methods, reason = "the time that rubbish can take is the point")]
fn ten_thousand_certificates_take_bounded_time() {
    let place = place();
    let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let mut params = CertificateParams::new([]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, "x");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let roots: String = (0..10_001u32)
        .map(|serial| {
            params.serial_number = Some(serial.to_be_bytes().to_vec().into());
            params.self_signed(&key).unwrap().pem().replace("\r\n", "\n")
        })
        .collect();
    let start = std::time::Instant::now();
    bad(&place, roots.as_bytes(), "10000");
    // Thousands as the roots of a cluster, each a candidate of the other.
    let block = roots.find("-----END CERTIFICATE-----\n").unwrap() + "-----END CERTIFICATE-----\n".len();
    let some = &roots[..block * 2_000];
    fs::write(Path::new(&place.path(WEST)).join("root-cert.pem"), some).unwrap();
    let answer = place.run(&["doctor", WEST, EAST]);
    assert_eq!(answer.code, 1, "{answer:?}");
    let keys: Vec<_> = (0..10_000).map(|_| serde_json::json!({})).collect();
    bad(&place, serde_json::json!({ "keys": keys }).to_string().as_bytes(), "keys");
    assert!(start.elapsed().as_secs() < 300, "{:?}", start.elapsed());
}

#[test]
fn no_key_is_ever_printed() {
    let place = place();
    for args in [&["doctor", "mesh/clusters"][..], &["doctor", "mesh/clusters/west/cacerts.yaml", "--json"], &["doctor", WEST, "--json"]] {
        let answer = place.run(args);
        let key = String::from_utf8(place.read(&format!("{WEST}/ca-key.pem"))).unwrap();
        let line = key.lines().nth(1).unwrap();
        assert!(
            !answer.stdout.contains(line) && !answer.stdout.contains(&base64(key.as_bytes())[..40]) && !answer.stdout.contains("PRIVATE"),
            "{answer:?}"
        );
    }
}
