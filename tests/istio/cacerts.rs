//! cacerts in front of Istio's own loader, and beside `meshroot istio check`: what istiod refuses we refuse in its words, and what it takes and
//! breaks on, we name.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

use std::collections::BTreeMap;
use std::path::Path;

use meshroot::key::{Crypto, PrivateKey};
use meshroot_tests::istio::programs::{meshroot, run, succeed, text};
use meshroot_tests::judges::Judge;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, SanType, SerialNumber,
};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

/// A CA, and what it was made of.
struct Ca {
    params: CertificateParams,
    key: KeyPair,
    pem: String,
}

fn params(name: &str, change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let now = OffsetDateTime::now_utc();
    let mut params = CertificateParams::default();
    (params.not_before, params.not_after) = (now - Duration::days(30), now + Duration::days(3_650));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "mesh.example");
    params.distinguished_name.push(DnType::CommonName, name);
    params.subject_alt_names = vec![SanType::URI("spiffe://mesh.example".try_into().unwrap())];
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    change(&mut params);
    params
}

fn root(name: &str) -> Ca {
    let (params, key) = (params(name, |_| ()), KeyPair::generate().unwrap());
    let pem = params.self_signed(&key).unwrap().pem();
    Ca { params, key, pem }
}

fn below(above: &Ca, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Ca {
    let lived = |params: &mut CertificateParams| {
        params.not_after -= Duration::days(1);
        params.use_authority_key_identifier_extension = true;
        change(params);
    };
    let (params, key) = (params(name, lived), KeyPair::generate().unwrap());
    let pem = params.signed_by(&key, &Issuer::from_params(&above.params, &above.key)).unwrap().pem();
    Ca { params, key, pem }
}

fn crl(of: &Ca) -> String {
    let now = OffsetDateTime::now_utc();
    let list = CertificateRevocationListParams {
        this_update: now - Duration::hours(1),
        next_update: now + Duration::days(7),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    // rcgen refuses to sign a CRL in the name of a CA that must not sign any; the defect wanted is in the certificate.
    let mut params = of.params.clone();
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    list.signed_by(&Issuer::from_params(&params, &of.key)).unwrap().pem().unwrap()
}

type Files = BTreeMap<&'static str, String>;

/// A sound set: one CA below one root.
fn sound(root: &Ca, ca: &Ca) -> Files {
    Files::from([
        ("ca-cert.pem", ca.pem.clone()),
        ("ca-key.pem", ca.key.serialize_pem()),
        ("cert-chain.pem", format!("{}{}", ca.pem, root.pem)),
        ("root-cert.pem", root.pem.clone()),
    ])
}

/// A sound set, but for this change to the CA's certificate.
fn with_ca(change: impl FnOnce(&mut CertificateParams)) -> Files {
    let root = root("Root");
    let ca = below(&root, "west", change);
    sound(&root, &ca)
}

/// A sound set after this change to its files.
fn after(change: impl FnOnce(&mut Files)) -> Files {
    let mut files = with_ca(|_| ());
    change(&mut files);
    files
}

fn with_crls(change: impl FnOnce(&mut CertificateParams), of_ca: bool) -> Files {
    let root = root("Root");
    let ca = below(&root, "west", change);
    let mut files = sound(&root, &ca);
    files.insert("ca-crl.pem", format!("{}{}", crl(&root), if of_ca { crl(&ca) } else { String::new() }));
    files
}

/// What istiod's loader does.
enum Loader {
    Takes,
    /// With a reason that has this in it.
    Refuses(&'static str),
}
use Loader::{Refuses, Takes};

/// Each set, what Istio's loader does with it, and the worst that we say of it: its severity and code, nothing of a good one.
fn table() -> Vec<(&'static str, Files, Loader, &'static str)> {
    let stranger = || root("Stranger");
    vec![
        ("sound", after(|_| ()), Takes, ""),
        ("the root not in the chain", after(|f| drop(f.insert("cert-chain.pem", f["ca-cert.pem"].clone()))), Takes, ""),
        ("lines end as on Windows", after(|f| f.values_mut().for_each(|text| *text = text.replace('\n', "\r\n"))), Takes, ""),
        ("a second root first", after(|f| drop(f.insert("root-cert.pem", format!("{}{}", stranger().pem, f["root-cert.pem"])))), Takes, ""),
        ("with all CRLs", with_crls(|_| (), true), Takes, ""),
        // What istiod refuses.
        ("no key", after(|f| drop(f.remove("ca-key.pem"))), Refuses("incomplete signing CA bundle"), "istiod_refuses istio.incomplete"),
        ("no roots", after(|f| drop(f.remove("root-cert.pem"))), Refuses("incomplete signing CA bundle"), "istiod_refuses istio.incomplete"),
        ("no chain", after(|f| drop(f.remove("cert-chain.pem"))), Refuses("incomplete signing CA bundle"), "istiod_refuses istio.incomplete"),
        ("CA:FALSE", with_ca(|p| p.is_ca = IsCa::ExplicitNoCa), Refuses("not authorized to sign"), "istiod_refuses istio.not_a_ca"),
        ("no basicConstraints", with_ca(|p| p.is_ca = IsCa::NoCa), Refuses("not authorized to sign"), "istiod_refuses istio.not_a_ca"),
        ("expired", with_ca(|p| p.not_after = OffsetDateTime::now_utc() - Duration::hours(1)), Refuses("expired"), "istiod_refuses istio.expired"),
        ("another root", after(|f| drop(f.insert("root-cert.pem", root("Root").pem))), Refuses("x509: "), "istiod_refuses istio.no_path"),
        (
            "for clients alone",
            with_ca(|p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]),
            Refuses("incompatible key usage"),
            "istiod_refuses istio.eku_without_server_auth",
        ),
        (
            "another's key",
            after(|f| drop(f.insert("ca-key.pem", stranger().key.serialize_pem()))),
            Refuses("does not match"),
            "istiod_refuses istio.key_mismatch",
        ),
        (
            "the root first in ca-cert.pem",
            after(|f| drop(f.insert("ca-cert.pem", format!("{}{}", f["root-cert.pem"], f["ca-cert.pem"])))),
            Refuses("does not match"),
            "istiod_refuses istio.key_mismatch",
        ),
        ("no PEM", after(|f| drop(f.insert("ca-cert.pem", "nothing\n".into()))), Refuses("PEM"), "istiod_refuses istio.no_pem"),
        ("an encrypted key", after(encrypt), Refuses("ENCRYPTED PRIVATE KEY"), "istiod_refuses istio.encrypted_key"),
        ("a CRL is missing", with_crls(|_| (), false), Refuses("missing CRL"), "istiod_refuses istio.crl_missing"),
        (
            "CRLs by a CA that must not sign any",
            with_crls(|p| p.key_usages = vec![KeyUsagePurpose::KeyCertSign], true),
            Refuses("missing CRL"),
            "istiod_refuses istio.crl_missing",
        ),
        // What the loader takes and istiod stumbles over later.
        ("garbage after the roots", after(|f| f.get_mut("root-cert.pem").unwrap().push_str(GARBAGE)), Takes, "istiod_refuses istio.garbage"),
        // Where istiod reports itself ready, and the mesh is down.
        ("no keyCertSign", with_ca(|p| p.key_usages = vec![KeyUsagePurpose::CrlSign]), Takes, "mesh_breaks istio.no_key_cert_sign"),
        ("an empty chain", after(|f| drop(f.insert("cert-chain.pem", String::new()))), Takes, "mesh_breaks istio.chain_without_ca"),
        (
            "only the root in the chain",
            after(|f| drop(f.insert("cert-chain.pem", f["root-cert.pem"].clone()))),
            Takes,
            "mesh_breaks istio.chain_without_ca",
        ),
        ("a stranger's chain", after(|f| drop(f.insert("cert-chain.pem", stranger().pem))), Takes, "mesh_breaks istio.chain_without_ca"),
        (
            "names of another trust domain only",
            with_ca(|p| p.custom_extensions = vec![only_other_example()]),
            Takes,
            "mesh_breaks istio.foreign_name_constraint",
        ),
        // What works, and hurts later.
        ("no cRLSign", with_ca(|p| p.key_usages = vec![KeyUsagePurpose::KeyCertSign]), Takes, "hurts istio.no_crl_sign"),
        (
            "the chain in the wrong order",
            after(|f| drop(f.insert("cert-chain.pem", format!("{}{}", f["root-cert.pem"], f["ca-cert.pem"])))),
            Takes,
            "hurts istio.chain_order",
        ),
        ("no keyUsage", with_ca(|p| p.key_usages = vec![]), Takes, "hurts istio.no_key_usage"),
    ]
}

/// A critical nameConstraints that permits URIs of `other.example`; rcgen writes none for URIs.
fn only_other_example() -> CustomExtension {
    let name = b"other.example";
    let wrap = |tag: u8, inner: &[u8]| [&[tag, u8::try_from(inner.len()).unwrap()], inner].concat();
    let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 30], wrap(0x30, &wrap(0xa0, &wrap(0x30, &wrap(0x86, name)))));
    extension.set_criticality(true);
    extension
}

const GARBAGE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

fn encrypt(files: &mut Files) {
    let crypto = Crypto::ring();
    let key = PrivateKey::from_pem(files["ca-key.pem"].as_bytes(), None, &crypto).unwrap();
    files.insert("ca-key.pem", key.to_encrypted_pem(b"secret", crypto.entropy()).unwrap());
}

fn write(files: &Files) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, contents)| std::fs::write(folder.path().join(name), contents).unwrap());
    folder
}

/// `meshroot istio check`: whether all is good, and the findings, the worst first.
fn check(folder: &Path) -> (bool, Vec<Value>) {
    let out = run(meshroot().args(["istio", "check", "--json"]).arg(folder));
    let document: Value = serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&out.stderr)));
    (out.status.success(), document["sets"][0]["findings"].as_array().unwrap().clone())
}

#[test]
fn what_istiod_refuses_we_refuse_in_its_words_and_where_it_is_ready_in_vain_we_say_why() {
    let mut istio = Judge::go();
    let mut complaints = Vec::new();
    for (name, files, loader, expected) in table() {
        let folder = write(&files);
        let verdict = istio.judge(&json!({"oracle": "istio-cacerts", "dir": folder.path()}));
        match (&verdict, loader) {
            (Ok(()), Takes) => {}
            (Err(reason), Refuses(part)) if reason.contains(part) => {}
            (verdict, _) => complaints.push(format!("{name}: Istio's loader says {verdict:?}")),
        }
        let (good, findings) = check(folder.path());
        let worst = findings.first().map(|worst| format!("{} {}", worst["severity"].as_str().unwrap(), worst["code"].as_str().unwrap()));
        if worst.as_deref().unwrap_or_default() != expected {
            complaints.push(format!("{name}: we say {worst:?} and not '{expected}'"));
        }
        // Whatever the exit code of the command: it must not be good where the mesh is down.
        if good != (expected.is_empty() || expected.starts_with("hurts")) {
            complaints.push(format!("{name}: 'istio check' ends as if good were {good}"));
        }
        // Where we quote istiod, it must be what Istio's code says.
        if let (Err(reason), Some(quoted)) = (&verdict, findings.first().and_then(|worst| worst["istiod_says"].as_str()))
            && !reason.contains(quoted)
            && !quoted.contains(reason.as_str())
            && !quoted.contains("incomplete signing CA bundle")
        {
            complaints.push(format!("{name}: we quote '{quoted}', Istio says '{reason}'"));
        }
    }
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn every_set_that_quickstart_writes_is_taken_by_istio_and_by_us() {
    let mut istio = Judge::go();
    for (root, ca) in [("p256", "p256"), ("p384", "p256"), ("p384", "p384"), ("p256", "ed25519"), ("ed25519", "ed25519")] {
        let folder = tempfile::tempdir().unwrap();
        let mut quickstart = meshroot();
        quickstart.args(["quickstart", "west", "east", "--trust-domain", "mesh.example", "--root-key-type", root, "--key-type", ca, "--out"]);
        succeed(quickstart.arg(folder.path().join("mesh")));
        for cluster in ["west", "east"] {
            let set = folder.path().join("mesh/clusters").join(cluster).join("cacerts");
            istio.judge(&json!({"oracle": "istio-cacerts", "dir": set})).unwrap_or_else(|e| panic!("{cluster}, {ca} below {root}: {e}"));
            let (good, findings) = check(&set);
            // Of Ed25519 we say who cannot verify it; Istio can.
            let said: Vec<_> = findings.iter().map(|finding| finding["code"].as_str().unwrap()).filter(|code| *code != "istio.ed25519_ca").collect();
            assert!(good && said.is_empty(), "{cluster}, {ca} below {root}: {findings:?}");
        }
    }
}
