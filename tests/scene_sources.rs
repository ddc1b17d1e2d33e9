//! The scenes as files: what is written is what the tools of others write, and is read back as what it was.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use meshroot::bundle::{BundleMap, Limits};
use meshroot::istio::manifest::secrets;
use meshroot::istio::{CacertsFiles, check};
use meshroot::key::Crypto;
use meshroot::time::Timestamp;
use meshroot::x509::KeyUsage;
use meshroot_tests::scene::{Cluster, Scene, federated, makefile, plain};

/// 2026-12-01T00:00:00Z
const NOW: Timestamp = Timestamp::from_unix(1_796_083_200);

fn files(cluster: &Cluster) -> CacertsFiles {
    let mut files = CacertsFiles::default();
    // Istio's own Secret has a key.pem, which nobody reads.
    cluster.files().into_iter().filter(|(name, _)| *name != "key.pem").for_each(|(name, text)| assert!(files.set(name, text), "{name}"));
    files
}

#[test]
fn a_manifest_holds_what_the_folder_holds() {
    let crypto = Crypto::ring();
    for scene in Scene::all(NOW, &crypto) {
        let folder = tempfile::tempdir().unwrap();
        for ((cluster, manifest), cacerts) in scene.clusters.iter().zip(scene.write_manifests(folder.path())).zip(scene.write_folders(folder.path()))
        {
            let secrets = secrets(&std::fs::read(manifest).unwrap()).unwrap();
            let [secret] = secrets.as_slice() else { panic!("{}: {} Secrets", scene.name, secrets.len()) };
            assert_eq!(secret.name, if cluster.signs_itself() { "istio-ca-secret" } else { "cacerts" });
            assert_eq!(secret.files, files(cluster), "{}", scene.name);
            for (name, text) in cluster.files() {
                assert_eq!(std::fs::read_to_string(cacerts.join(name)).unwrap(), text, "{}: {name}", scene.name);
            }
        }
    }
}

#[test]
fn what_istiod_would_take_as_a_plug_in_ca_is_taken_here() {
    let crypto = Crypto::ring();
    for scene in [plain::healthy(NOW, &crypto), makefile::plain(NOW, &crypto), federated::pair(NOW, &crypto)] {
        for cluster in &scene.clusters {
            let report = check(&files(cluster), &crypto, NOW);
            assert!(report.is_good(), "{} {}: {:?}", scene.name, cluster.name, report.findings());
        }
    }
}

#[test]
fn the_self_signed_cas_are_as_istiod_makes_them() {
    let crypto = Crypto::ring();
    let scene = plain::self_signed(NOW, &crypto);
    let [west, east] = [0, 1].map(|i| &scene.clusters[i].signing.certificate);
    for ca in [west, east] {
        assert_eq!(ca.subject().to_string(), "O=cluster.local");
        assert_eq!(ca.public_key().algorithm().to_string(), "RSA-2048");
        let usage = ca.key_usage().unwrap();
        assert!(
            usage.contains(KeyUsage::KEY_CERT_SIGN)
                && !usage.contains(KeyUsage::CRL_SIGN)
                && ca.is_ca()
                && ca.is_self_issued()
                && ca.alt_names().is_none()
        );
    }
    assert_eq!(west.subject(), east.subject(), "the trap: two roots of one name");
    assert_ne!(west.public_key(), east.public_key());
}

#[test]
fn the_bundle_map_has_one_root_for_each_trust_domain() {
    let scene = federated::pair(NOW, &Crypto::ring());
    let (map, ignored) = BundleMap::from_json(scene.bundle_map().to_json().as_bytes(), &Limits::default()).unwrap();
    assert!(ignored.is_empty());
    let domains: Vec<_> = map.iter().map(|(domain, bundle)| (domain.to_string(), bundle.x509_authorities().len())).collect();
    assert_eq!(domains, [("east.example".to_owned(), 1), ("west.example".to_owned(), 1)]);
}
