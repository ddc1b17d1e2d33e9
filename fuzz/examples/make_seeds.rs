//! Writes `data/` and `seeds/` anew: `cargo run --manifest-path fuzz/Cargo.toml --example make_seeds`.
//!
//! The keys behind what is written are thrown away, so each run writes other bytes of the same shape.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use meshroot::bundle::{Bundle, BundleMap, JwtAuthority};
use meshroot::csr::{Csr, ProvenRequest};
use meshroot::hierarchy::{ClusterName, create_cluster_ca, create_root};
use meshroot::issue::{Authorized, Issued, Issuer};
use meshroot::istio::{CA_KEY, Cacerts};
use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey, Signer};
use meshroot::profile::Profile;
use meshroot::revocation::{Crl, CrlNumber, RevocationList, RevocationReason};
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;
use meshroot::x509::Certificate;

type Any<T> = Result<T, Box<dyn Error>>;

const YEAR: Duration = Duration::from_secs(365 * 86_400);
const CART: &str = "spiffe://mesh.example/ns/shop/sa/cart";

/// Small ones: most of what is documented is comments.
const POLICIES: [(&str, &str); 3] = [
    (
        "small",
        r#"[clusters.west]
trust_domain = "mesh.example"
[clusters.west.callers]
kubernetes = { issuers = ["https://k"], audiences = ["meshroot"] }
node_proxy = { accounts = ["istio-system/ztunnel"] }
svid = { renewable_for = "30d" }
[[clusters.west.workloads]]
name = "all"
callers = ["kubernetes", "node_proxy", "svid"]
namespaces = ["*"]
[[clusters.west.servers]]
name = "ca"
callers = ["kubernetes"]
dns = ["ca.mesh.example"]
ips = ["10.0.0.0/8"]
with_id = true
"#,
    ),
    (
        "denied",
        r#"[[deny]]
name = "istiod"
ids = ["spiffe://mesh.example/ns/istio-system/sa/istiod*"]
[clusters.west]
trust_domain = "mesh.example"
callers = { admin = {}, join_token = {} }
[[clusters.west.workloads]]
name = "all"
callers = ["join_token", "admin"]
id = "/ns/*/sa/*"
lifetime = "30m"
max_lifetime = "30m"
"#,
    ),
    (
        "ca",
        r#"[defaults]
lifetime = "24h"
if_longer = "refuse"
[clusters.west]
trust_domain = "mesh.example"
callers = { admin = {}, join_token = {} }
ca = { callers = ["join_token", "admin"], keys = ["p256"] }
"#,
    ),
];

/// One that runs, two that have ended, one that waits for a node.
const PODS: &str = r#"{"kind":"List","items":[
{"metadata":{"uid":"a","namespace":"shop","name":"cart-1"},"spec":{"nodeName":"n1","serviceAccountName":"cart"},"status":{"phase":"Running"}},
{"metadata":{"uid":"b","namespace":"shop","name":"cart-2"},"spec":{"nodeName":"n1","serviceAccountName":"cart"},"status":{"phase":"Failed"}},
{"metadata":{"uid":"d","namespace":"shop","name":"job-1"},"spec":{"nodeName":"n1","serviceAccountName":"job"},"status":{"phase":"Succeeded"}},
{"metadata":{"uid":"c","namespace":"shop","name":"till-1"},"spec":{"serviceAccountName":"till"},"status":{"phase":"Pending"}}]}
"#;

struct Maker {
    crypto: Crypto,
    now: Timestamp,
    trust_domain: TrustDomain,
}

fn main() -> Any<()> {
    let maker = Maker { crypto: Crypto::ring(), now: Timestamp::from_unix(meshroot_fuzz::NOW), trust_domain: TrustDomain::parse("mesh.example")? };
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let seeds = here.join("seeds");
    if seeds.exists() {
        fs::remove_dir_all(&seeds)?;
    }
    let seed = |target: &str, name: &str, content: &[u8]| -> Any<()> {
        let folder = seeds.join(target);
        fs::create_dir_all(&folder)?;
        Ok(fs::write(folder.join(name), content)?)
    };

    let root = maker.root(KeyAlgorithm::EcdsaP256)?;
    let ca = maker.cluster_ca(&root, "west", Profile::cluster_ca(), maker.now)?;
    let leaf = maker.leaf(&ca, KeyAlgorithm::EcdsaP256, maker.now)?;

    let constrained = maker.cluster_ca(&root, "east", Profile::cluster_ca().with_uri_name_constraint(), maker.now)?;
    let guarded = maker.leaf(&constrained, KeyAlgorithm::EcdsaP256, maker.now)?;
    let past = maker.now.minus(Duration::from_secs(2 * 86_400));
    let old_ca = maker.cluster_ca(&root, "old", Profile::cluster_ca().with_backdate(YEAR), maker.now)?;
    let expired = maker.leaf(&old_ca, KeyAlgorithm::EcdsaP256, past)?;
    let other_root = maker.root(KeyAlgorithm::EcdsaP384)?;
    let foreign_ca = maker.cluster_ca(&other_root, "west", Profile::cluster_ca(), maker.now)?;
    let foreign = maker.leaf(&foreign_ca, KeyAlgorithm::Ed25519, maker.now)?;
    fs::create_dir_all(here.join("data"))?;
    let known = [("root", root.0.der()), ("leaf", leaf.der()), ("leaf-constrained", guarded.der()), ("leaf-crossed", foreign.der())];
    for (name, der) in known {
        fs::write(here.join("data").join(name).with_extension("der"), der)?;
    }
    let root_issuer = maker.issuer(&root)?;
    let crossed = root_issuer.cross_sign(&other_root.0, &Profile::subordinate_ca(), maker.crypto.entropy(), maker.now)?;
    let server = Authorized::server(
        maker.request(KeyAlgorithm::EcdsaP256)?,
        None,
        vec!["ca.mesh.example".into()],
        vec!["192.0.2.7".parse()?, "2001:db8::7".parse()?],
    )?;
    let server = ca.issue(server, &Profile::server(), maker.crypto.entropy(), maker.now)?;

    let signing = |issuer: &Issuer| issuer.path().signing().map(|ca| ca.der().to_vec()).unwrap_or_default();
    let (west, east) = (signing(&ca), signing(&constrained));
    let foreign_west = signing(&foreign_ca);
    // What no honest CA signs. Only the judge that believes every signature gets as far as the rules against it.
    let (under, over) = (Certificate::from_der(&west)?, Certificate::from_der(&east)?);
    let leaf_is_ca = edited(
        leaf.der(),
        b"\x30\x0c\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x02\x30\x00",
        b"\x30\x0f\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x05\x30\x03\x01\x01\xff",
    );
    let uri = [&[0x86, u8::try_from(CART.len())?], CART.as_bytes()].concat();
    let two_uris = edited(leaf.der(), &uri, &[uri.as_slice(), b"\x86\x0aspiffe://x"].concat());
    let below_another = edited(&west, under.issuer().as_der(), over.subject().as_der());
    let key_id = |ca: &Certificate| [vec![0x80, 20], ca.subject_key_id().map_or_else(Vec::new, |id| id.as_bytes().to_vec())].concat();
    let below_another = edited(&below_another, &key_id(&root.0), &key_id(&over));
    let chains: [(&str, &[&[u8]]); 12] = [
        ("leaf-is-ca", &[&leaf_is_ca, &west]),
        ("two-uris", &[&two_uris, &west]),
        ("too-long-for-path-length", &[leaf.der(), &below_another, &east]),
        ("accepted", &[leaf.der(), &west]),
        ("with-root", &[leaf.der(), &west, root.0.der()]),
        ("out-of-order", &[leaf.der(), root.0.der(), &east, &west]),
        ("without-intermediate", &[leaf.der()]),
        ("name-constraint", &[guarded.der(), &east]),
        ("expired", &[expired.der(), &signing(&old_ca)]),
        ("other-root", &[foreign.der(), &foreign_west]),
        ("cross-signed", &[foreign.der(), &foreign_west, crossed.der()]),
        ("ca-as-leaf", &[&west, root.0.der()]),
    ];
    for (name, chain) in chains {
        let bytes: Vec<u8> = chain.iter().flat_map(|der| [&u16::try_from(der.len()).unwrap_or(u16::MAX).to_be_bytes()[..], der].concat()).collect();
        seed("validate_chain", name, &bytes)?;
    }

    // A serial number of zero and a URI of no characters: other people's certificates have them.
    let serial = under.serial().as_bytes();
    let serial = [&[2, u8::try_from(serial.len())?], serial].concat();
    let west_serial_zero = edited(&west, &serial, &[2, 1, 0]);
    let empty_uri = edited(leaf.der(), &uri, &[0x86, 0]);

    let rsa = PrivateKey::from_pem(&fs::read(testdata("rsa2048-pkcs8.pem"))?, None, &maker.crypto)?.signer(&maker.crypto)?;
    let rsa_root = create_root(&maker.trust_domain, &Profile::root_ca(), &*rsa, &maker.crypto, maker.now)?;
    let rsa_root = rsa_root.signing().ok_or("a path has a first certificate")?;
    let certificates: [(&str, &[u8]); 10] = [
        ("serial-zero", &west_serial_zero),
        ("empty-uri", &empty_uri),
        ("root", root.0.der()),
        ("root-rsa", rsa_root.der()),
        ("root-p384", other_root.0.der()),
        ("cluster-ca", &west),
        ("name-constraint", &east),
        ("leaf", leaf.der()),
        ("leaf-ed25519", foreign.der()),
        ("server", server.der()),
    ];
    for (name, der) in certificates {
        seed("certificate", name, der)?;
    }

    // CRLs of a root, for a CA below it, and OpenSSL's of every kind.
    fs::write(here.join("data/crl-issuer.der"), root.0.der())?;
    fs::write(here.join("data/crl-subject.der"), &west)?;
    let list = RevocationList::new(CrlNumber::from(1), maker.now, maker.now.plus(YEAR));
    let some = list.clone().revoke(under.serial().clone(), maker.now, Some(RevocationReason::KeyCompromise));
    let some = some.revoke(over.serial().clone(), maker.now, None).revoke(foreign.serial().clone(), maker.now, Some(RevocationReason::Superseded));
    for (name, list) in [("empty", &list), ("some", &some)] {
        seed("crl", name, list.sign(&root.0, &*root.1, &maker.crypto)?.der())?;
    }
    seed("crl", "pem", list.sign(&root.0, &*root.1, &maker.crypto)?.to_pem().as_bytes())?;
    for path in files(&here.join("../crates/meshroot/testdata/revocation"))? {
        let Some(name) = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".crl.pem")) else { continue };
        for block in meshroot::pem::parse(&fs::read(&path)?)? {
            // With the root's name instead of its own: where signatures are believed, it is one of the root's then.
            let crl = Crl::from_der(&block.der)?;
            let key = |id: &[u8]| [&[0x80, u8::try_from(id.len()).unwrap_or(0)], id].concat();
            let own = crl.authority_key_id().map(|id| key(id.as_bytes())).unwrap_or_default();
            let der = edited(&block.der, crl.issuer().as_der(), root.0.subject().as_der());
            let key_id = root.0.subject_key_id().map(|id| key(id.as_bytes())).unwrap_or_default();
            seed("crl", &format!("openssl-{name}"), &edited(&der, &own, &key_id))?;
        }
    }

    for (name, bytes) in meshroot_fuzz::seeds() {
        seed("differential_webpki", &name, &bytes)?;
        seed("differential_openssl", &name, &bytes)?;
    }

    let requests = fs::read_to_string(here.join("../tests/fixtures/csr/istio-agent-p256.pem"))?;
    for (name, bytes) in meshroot_fuzz::grpc_seeds(&requests) {
        seed("grpc", name, &bytes)?;
    }
    for (name, bytes) in meshroot_fuzz::store_export_seeds() {
        seed("store_export", name, &bytes)?;
    }
    for (name, text) in meshroot_fuzz::store_header_seeds() {
        seed("store_header", name, text.as_bytes())?;
    }
    let next = maker.leaf(&ca, KeyAlgorithm::EcdsaP256, maker.now)?;
    for (name, bytes) in meshroot_fuzz::log_difference_seeds(leaf.der(), next.serial().as_bytes(), CART, next.der()) {
        seed("log_difference", name, &bytes)?;
    }
    for (name, text) in meshroot_fuzz::root_files_seeds() {
        seed("root_files", name, text.as_bytes())?;
    }
    let documented = include_str!("../../crates/meshroot/docs/policy.md").split("```toml\n").skip(1);
    for (name, block) in ["documented", "documented-cases"].into_iter().zip(documented) {
        seed("policy", name, block.split("```").next().unwrap_or_default().as_bytes())?;
    }
    for (name, text) in POLICIES {
        seed("policy", name, text.as_bytes())?;
    }
    seed("pods", "list", PODS.as_bytes())?;
    seed("pods", "status-as-a-list", PODS.replace(r#"{"phase":"Running"}"#, r#"["Running"]"#).as_bytes())?;

    seed("pem", "chain", leaf.chain_pem().as_bytes())?;
    seed("pem", "chain-crlf-and-text", format!("Bag Attributes\n  name: x\n{}\nsubject=CN=x\n", leaf.chain_pem()).replace('\n', "\r\n").as_bytes())?;
    seed(
        "pem",
        "two-kinds",
        b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n-----BEGIN A B-----\nAAAA\n-----END A B-----\n",
    )?;

    let bundle = maker.bundle(&root.0)?.with_sequence(7).with_refresh_hint(Duration::from_secs(300));
    let jwt = |kid: &str| JwtAuthority::from_jwk_json(jwk(root.0.public_key().key_bytes(), kid).as_bytes());
    let full = bundle.add(rsa_root.clone())?.add(other_root.0.clone())?.with_jwt_authorities([jwt("a")?, jwt("b\"\\\u{7f}é")?])?;
    let partner = Bundle::new(TrustDomain::parse("partner.example")?).with_x509_authorities([other_root.0.clone()])?;
    let empty = Bundle::empty_on_purpose(TrustDomain::parse("empty.example")?);
    let unusable = full.to_spiffe_json().replacen("x509-svid", "other", 1).replacen("\"a\"", "null", 1).replacen("300", "0", 1);
    seed("bundle_json", "one-root", bundle.to_spiffe_json().as_bytes())?;
    seed("bundle_json", "everything", full.to_spiffe_json().as_bytes())?;
    seed("bundle_json", "unusable-entries", unusable.as_bytes())?;
    seed("bundle_json", "empty", empty.to_spiffe_json().as_bytes())?;
    let mut map = BundleMap::from(full);
    map.insert(partner);
    map.insert(empty.clone());
    seed("bundle_map", "three", map.to_json().as_bytes())?;
    let hinted = map.to_json().replacen("\"spiffe_sequence\"", "\"spiffe_refresh_hint\":60,\"spiffe_sequence\"", 1);
    seed("bundle_map", "hint", hinted.as_bytes())?;
    seed("bundle_map", "envoy", map.to_envoy_json()?.as_bytes())?;
    seed("bundle_map", "empty", BundleMap::from(empty).to_json().as_bytes())?;

    let cacerts = maker.cacerts(&root)?;
    let yaml = cacerts.secret_manifest("istio-system")?;
    seed("secret_manifest", "yaml", yaml.as_bytes())?;
    seed(
        "secret_manifest",
        "tls",
        yaml.replace("ca-cert.pem", "tls.crt").replace("ca-key.pem", "tls.key").replace("root-cert.pem", "ca.crt").as_bytes(),
    )?;
    let texts: BTreeMap<_, _> = cacerts.files().into_iter().map(|(name, bytes)| (name, String::from_utf8_lossy(bytes))).collect();
    let json = serde_json::json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "cacerts", "namespace": null }, "stringData": texts });
    seed("secret_manifest", "json", json.to_string().as_bytes())?;
    seed("secret_manifest", "list", serde_json::json!({ "kind": "List", "items": [json, { "kind": "ConfigMap" }] }).to_string().as_bytes())?;
    let mut mixed = json.clone();
    let other = maker.cacerts(&root)?;
    mixed["stringData"][CA_KEY] =
        other.files().into_iter().find(|(name, _)| *name == CA_KEY).map(|(_, key)| String::from_utf8_lossy(key).into_owned()).into();
    seed("secret_manifest", "mixed", mixed.to_string().as_bytes())?;
    let block = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
    let blocks: String = texts.iter().map(|(name, text)| format!("  {name}: |\n{}", block(text))).collect();
    let documents = format!("# made by hand\n---\nkind: Secret\nmetadata: {{name: cacerts}}\nstringData:\n{blocks}  other: x\n---\n");
    seed("secret_manifest", "documents", documents.as_bytes())?;
    seed("secret_manifest", "small", b"kind: Secret\nmetadata: {name: a}\ndata: {ca-cert.pem: QUE=, istio-generated: \"\"}\n")?;

    for (index, text) in [
        "mesh.example",
        "spiffe://mesh.example",
        CART,
        "spiffe://a_b-c.d/A.B_c-d/...",
        "spiffe://mesh.example/",
        "spiffe://mesh.example//a",
        "spiffe://x/./..",
        "spiffe://Mesh:80/a%20b",
    ]
    .into_iter()
    .enumerate()
    {
        seed("spiffe_id", &format!("{index}"), text.as_bytes())?;
    }
    for (name, text) in tokens()? {
        seed("service_account_token", &name, text.as_bytes())?;
    }

    // Keys and requests of other programs are test fixtures; mutation works on DER, so the PEM ones are decoded.
    for (target, folder) in [("private_key", testdata("")), ("csr", here.join("../tests/fixtures/csr"))] {
        for path in files(&folder)? {
            let (Some(name), content) = (path.file_stem().and_then(|name| name.to_str()), fs::read(&path)?) else { continue };
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("der") if content.len() < 1500 => seed(target, name, &content)?,
                Some("pem") if content.len() < 2500 => {
                    let blocks = meshroot::pem::parse(&content).unwrap_or_default();
                    seed(target, name, if let [block] = blocks.as_slice() { &block.der } else { &content })?;
                }
                _ => {}
            }
        }
    }
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &maker.crypto)?;
    seed("private_key", "pem", key.to_pkcs8_pem().as_bytes())?;
    let (ours, other) = (PrivateKey::generate(KeyAlgorithm::Ed25519, &maker.crypto)?, PrivateKey::generate(KeyAlgorithm::Ed25519, &maker.crypto)?);
    for (name, claimed) in [("ed25519-with-public", &ours), ("ed25519-with-another-public", &other)] {
        // RFC 5958's version 2, with the public key in [1].
        let version_2 = [&[0x30, 0x51, 2, 1, 1], &ours.pkcs8_der()[5..], &[0x81, 0x21, 0], claimed.public_key().key_bytes()].concat();
        seed("private_key", name, &version_2)?;
    }
    let signer = key.signer(&maker.crypto)?;
    seed("csr", "pem", Csr::for_workload(&*signer, &SpiffeId::parse(CART)?)?.to_pem().as_bytes())
}

impl Maker {
    fn key(&self, algorithm: KeyAlgorithm) -> Any<Arc<dyn Signer>> {
        Ok(PrivateKey::generate(algorithm, &self.crypto)?.signer(&self.crypto)?)
    }

    fn request(&self, algorithm: KeyAlgorithm) -> Any<ProvenRequest> {
        Ok(ProvenRequest::from_signer(&*self.key(algorithm)?, &self.crypto)?)
    }

    fn bundle(&self, root: &Certificate) -> Any<Bundle> {
        Ok(Bundle::new(self.trust_domain.clone()).with_x509_authorities([root.clone()])?)
    }

    /// Valid for 30 years from 2 years ago: long enough for every seed that is old on purpose.
    fn root(&self, algorithm: KeyAlgorithm) -> Any<(Certificate, Arc<dyn Signer>)> {
        let key = self.key(algorithm)?;
        let profile = Profile::root_ca().with_lifetime(30 * YEAR).with_backdate(2 * YEAR);
        let path = create_root(&self.trust_domain, &profile, &*key, &self.crypto, self.now)?;
        Ok((path.signing().ok_or("a path has a first certificate")?.clone(), key))
    }

    fn issuer(&self, root: &(Certificate, Arc<dyn Signer>)) -> Any<Issuer> {
        Ok(Issuer::new(std::slice::from_ref(&root.0), &self.bundle(&root.0)?, Arc::clone(&root.1), self.crypto.clone(), self.now)?)
    }

    fn cluster_ca(&self, root: &(Certificate, Arc<dyn Signer>), name: &str, profile: Profile, now: Timestamp) -> Any<Issuer> {
        let key = self.key(KeyAlgorithm::EcdsaP256)?;
        let request = ProvenRequest::from_signer(&*key, &self.crypto)?;
        let bundle = self.bundle(&root.0)?;
        let path = create_cluster_ca(root, &bundle, &ClusterName::parse(name)?, request, &profile, &self.crypto, now)?;
        Ok(Issuer::new(path.certificates(), &bundle, key, self.crypto.clone(), now)?)
    }

    fn cacerts(&self, root: &(Certificate, Arc<dyn Signer>)) -> Any<Cacerts> {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &self.crypto)?;
        let request = ProvenRequest::from_signer(&*key.signer(&self.crypto)?, &self.crypto)?;
        let bundle = self.bundle(&root.0)?;
        let path = create_cluster_ca(root, &bundle, &ClusterName::parse("west")?, request, &Profile::cluster_ca(), &self.crypto, self.now)?;
        Ok(Cacerts::new(path.certificates(), &key, std::slice::from_ref(&root.0), &self.crypto, self.now)?)
    }

    fn leaf(&self, issuer: &Issuer, algorithm: KeyAlgorithm, now: Timestamp) -> Any<Issued> {
        let grant = Authorized::workload(self.request(algorithm)?, SpiffeId::parse(CART)?)?;
        Ok(issuer.issue(grant, &Profile::workload(), self.crypto.entropy(), now)?)
    }
}

/// DER with one element in place of another wherever that stands, and every length around it set right.
fn edited(der: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = der;
    while let Some((header, length)) = header(rest) {
        let (element, behind) = rest.split_at(header + length);
        let content = &element[header..];
        // Extensions are DER inside of an OCTET STRING.
        let nested = element[0] & 0x20 != 0 || (element[0] == 4 && content.first() == Some(&0x30));
        if element == old {
            out.extend_from_slice(new);
        } else if nested {
            let content = edited(content, old, new);
            out.push(element[0]);
            match content.len() {
                short @ 0..=0x7f => out.push(short as u8),
                long @ 0x80..=0xff => out.extend_from_slice(&[0x81, long as u8]),
                long => out.extend_from_slice(&[0x82, (long >> 8) as u8, long as u8]),
            }
            out.extend_from_slice(&content);
        } else {
            out.extend_from_slice(element);
        }
        rest = behind;
    }
    out
}

/// How long tag and length of the first element are, and its content.
fn header(der: &[u8]) -> Option<(usize, usize)> {
    match der {
        [_, length @ 0..=0x7f, ..] => Some((2, usize::from(*length))),
        [_, 0x81, length, ..] => Some((3, usize::from(*length))),
        [_, 0x82, high, low, ..] => Some((4, usize::from(*high) << 8 | usize::from(*low))),
        _ => None,
    }
}

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/meshroot/testdata/keys").join(name)
}

fn files(folder: &Path) -> Any<Vec<PathBuf>> {
    Ok(fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?)
}

/// Tokens and key sets that go-jose made, and each token's header and claims in the clear.
fn tokens() -> Any<Vec<(String, String)>> {
    use base64::Engine as _;
    let file = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/meshroot/testdata/token/go-jose.json"))?;
    let made: serde_json::Value = serde_json::from_slice(&file)?;
    let mut seeds = Vec::new();
    for made in made["clusters"].as_array().into_iter().flatten() {
        let (cluster, token) = (made["cluster"].as_str().unwrap_or_default(), made["token"].as_str().unwrap_or_default());
        let decode = |part: &str| -> Any<String> { Ok(String::from_utf8(base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(part)?)?) };
        let parts: Vec<_> = token.split('.').collect();
        seeds.push((format!("{cluster}-token"), token.to_owned()));
        seeds.push((format!("{cluster}-clear"), format!("!{}\n{}", decode(parts[0])?, decode(parts[1])?)));
        seeds.push((format!("{cluster}-keys"), made["jwks"].to_string()));
    }
    Ok(seeds)
}

/// A P-256 point as a JWT authority.
fn jwk(point: &[u8], kid: &str) -> String {
    use base64::Engine as _;
    let base64 = |bytes: Option<&[u8]>| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(bytes.unwrap_or_default());
    let kid = serde_json::Value::from(kid);
    format!(r#"{{"kty":"EC","use":"jwt-svid","kid":{kid},"crv":"P-256","x":"{}","y":"{}"}}"#, base64(point.get(1..33)), base64(point.get(33..65)))
}
