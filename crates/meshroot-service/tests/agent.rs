//! The agent gets a certificate, keeps it, and follows the bundle.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use meshroot::key::{Crypto, KeyAlgorithm};
use meshroot_service::agent::{Agent, AgentError, Hook, Settings};
use meshroot_store::{Change, RenderedBundle};
use support::Running;

const CART: &str = "/ns/shop/sa/cart";

struct Place {
    folder: tempfile::TempDir,
    settings: Settings,
}

impl Place {
    async fn of(running: &Running) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (ca, token_file) = (folder.path().join("root-cert.pem"), folder.path().join("token"));
        fs::write(&ca, &running.mesh.roots_pem).unwrap();
        fs::write(&token_file, format!("{}\n", running.token(CART).await)).unwrap();
        let settings = Settings {
            server: format!("https://localhost:{}", running.service.address().port()),
            ca: Some(ca),
            trust_domain: None,
            token_file: Some(token_file),
            id: None,
            key: KeyAlgorithm::EcdsaP256,
            lifetime: Some(Duration::from_secs(3_600)),
            istiod: None,
            out: folder.path().join("out"),
            on_change: None,
        };
        Self { folder, settings }
    }

    fn agent(&self, running: &Running) -> Agent {
        Agent::new(self.settings.clone(), Crypto::ring(), Arc::new(running.mesh.clock.clone())).unwrap()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.settings.out.join(name)).unwrap()
    }
}

fn mode(path: &Path) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions()) & 0o777
}

#[tokio::test]
async fn it_writes_what_programs_read() {
    let running = Running::start().await;
    let place = Place::of(&running).await;
    place.agent(&running).once().await.unwrap();
    let chain = meshroot::pem::certificates(place.read("svid.pem").as_bytes()).unwrap();
    assert_eq!(chain.len(), 2);
    assert_eq!(place.read("bundle.pem"), running.mesh.roots_pem);
    assert_eq!(mode(&place.settings.out.join("svid-key.pem")), 0o600);
    let sds: serde_json::Value = serde_json::from_str(&place.read("sds-certificate.json")).unwrap();
    let named: PathBuf = sds["resources"][0]["tls_certificate"]["private_key"]["filename"].as_str().unwrap().into();
    assert_eq!(fs::read(named).unwrap(), place.read("svid-key.pem").as_bytes());
    assert_eq!(place.read("state.json").matches(CART).count(), 1);
}

#[tokio::test]
async fn it_renews_with_the_certificate_it_has_and_after_a_restart_too() {
    let running = Running::start().await;
    let place = Place::of(&running).await;
    let mut agent = place.agent(&running);
    agent.once().await.unwrap();
    let first = place.read("svid.pem");
    // Not due yet: nothing changes.
    agent.once().await.unwrap();
    assert_eq!(place.read("svid.pem"), first);
    running.mesh.clock.advance(2_700);
    // The token was used up; another process, with the files alone.
    fs::remove_file(place.folder.path().join("token")).unwrap();
    place.agent(&running).once().await.unwrap();
    let second = place.read("svid.pem");
    assert_ne!(second, first);
    let states = fs::read_dir(&place.settings.out).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count();
    assert!(states <= 2, "{states}");
}

#[tokio::test]
async fn it_keeps_what_it_has_while_the_service_is_away() {
    let running = Running::start().await;
    let place = Place::of(&running).await;
    let mut agent = place.agent(&running);
    agent.once().await.unwrap();
    let held = (place.read("svid.pem"), place.read("svid-key.pem"));
    running.mesh.clock.advance(2_700);
    let clock = running.mesh.clock.clone();
    assert!(running.service.stop().await);
    let refused = agent.once().await.unwrap_err();
    assert!(matches!(refused, AgentError::Unreachable { .. }), "{refused}");
    assert_eq!((place.read("svid.pem"), place.read("svid-key.pem")), held);
    drop(clock);
}

#[tokio::test]
async fn a_roots_change_reaches_the_files_and_the_command_in_seconds() {
    let running = Running::start().await;
    let mut place = Place::of(&running).await;
    let marker = place.folder.path().join("changed");
    place.settings.on_change = Some(Hook { program: "touch".into(), arguments: vec![marker.display().to_string()] });
    let mut agent = place.agent(&running);
    agent.once().await.unwrap();
    fs::remove_file(&marker).unwrap();
    let at_work = tokio::spawn(async move { agent.run().await });
    tokio::time::sleep(Duration::from_millis(500)).await;

    let store = running.mesh.open();
    let loaded = store.load().unwrap();
    let at = meshroot_service::Clock::now(&running.mesh.clock);
    let authority = running.mesh.hierarchy.active_root().unwrap().id().clone();
    let event = meshroot::hierarchy::Event::AnchorPublished { authority, sequence: 2, at };
    let bytes = running.mesh.hierarchy.bundle().unwrap().with_sequence(2).to_spiffe_json().into_bytes();
    let trust_domain = loaded.trust_domains[0].trust_domain.clone();
    let bundle = Some(RenderedBundle { sequence: 2, bytes });
    store.commit(&Change { expected_version: loaded.version, trust_domain, events: vec![event], sealed_keys: Vec::new(), bundle, at }).unwrap();
    running.mesh.clock.advance(i64::try_from(meshroot_store::VISIBLE_AFTER.as_secs()).unwrap());
    for _ in 0..100 {
        if marker.exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(marker.exists());
    assert!(place.read("bundle.json").contains("\"spiffe_sequence\":2"));
    at_work.abort();
}

#[tokio::test]
async fn it_refuses_a_bundle_that_goes_back() {
    let running = Running::start().await;
    let place = Place::of(&running).await;
    place.agent(&running).once().await.unwrap();
    // It has seen more than the service knows: the service's store was restored from a backup.
    let newer = place.read("bundle.json").replace("\"spiffe_sequence\":1", "\"spiffe_sequence\":7");
    let path = fs::canonicalize(place.settings.out.join("bundle.json")).unwrap();
    fs::write(path, &newer).unwrap();
    let refused = place.agent(&running).once().await.unwrap_err();
    assert_eq!(refused.code(), "bundle.rollback.older", "{refused}");
    assert_eq!(place.read("bundle.json"), newer);
}

#[tokio::test]
async fn it_says_what_is_missing() {
    let running = Running::start().await;
    let place = Place::of(&running).await;
    let with = |change: &dyn Fn(&mut Settings)| {
        let mut settings = place.settings.clone();
        change(&mut settings);
        Agent::new(settings, Crypto::ring(), Arc::new(running.mesh.clock.clone())).unwrap()
    };
    type Changed<'a> = (&'a dyn Fn(&mut Settings), &'a str);
    let cases: [Changed<'_>; 5] = [
        (&|s| s.ca = None, "agent.no_roots"),
        (&|s| s.token_file = None, "agent.no_credential"),
        (&|s| s.server = "http://localhost:1".into(), "agent.address"),
        (&|s| s.server = "https://localhost:1".into(), "agent.unreachable"),
        (&|s| s.token_file = Some("/nowhere/token".into()), "agent.unreadable"),
    ];
    for (change, code) in cases {
        assert_eq!(with(change).once().await.unwrap_err().code(), code);
    }
    assert!(!place.settings.out.join("svid.pem").exists());
}
