use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use meshroot::csr::{Csr, ProvenRequest};
use meshroot::hierarchy::{AuthorityId, AuthorityState, ClusterName, Command, Event, Hierarchy, Role, create_cluster_ca, create_root};
use meshroot::issue::{Authorized, Issuer};
use meshroot::key::seal::{DataKey, SealContext, SealedKey, UnlockSecret, WrappedDataKey};
use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey, Signer};
use meshroot::profile::Profile;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;
use meshroot::verify::CaPath;
use meshroot_service::{Clock, Config, Service};
use meshroot_store::{Change, Issuance, NewStore, RenderedBundle, SealedKeyOf, SqliteStore, Store, StoreId, StoreKind};

pub const TRUST_DOMAIN: &str = "mesh.example";

/// A clock that tests set. It starts at the real time, since TLS libraries read that.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    fn new() -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        Self(Arc::new(AtomicI64::new(i64::try_from(now).unwrap())))
    }

    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.0.load(Ordering::SeqCst))
    }
}

/// The store of a mesh with the clusters west and east, as `quickstart` makes it.
pub struct TestMesh {
    pub folder: tempfile::TempDir,
    pub crypto: Crypto,
    pub clock: TestClock,
    pub roots_pem: String,
    pub hierarchy: Hierarchy,
    /// The root's key, which the store does not hold.
    pub root_signer: Arc<dyn Signer>,
    root_secret: UnlockSecret,
    secret: UnlockSecret,
}

impl TestMesh {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (crypto, clock) = (Crypto::ring(), TestClock::new());
        let now = clock.now();
        let trust_domain = TrustDomain::parse(TRUST_DOMAIN).unwrap();
        let id = StoreId::generate(crypto.entropy()).unwrap();
        let data_key = DataKey::generate(crypto.entropy()).unwrap();
        let secret = UnlockSecret::generate_file(crypto.entropy()).unwrap();
        let wrapped_data_key = WrappedDataKey::wrap(&data_key, &secret, id.as_str(), &crypto, crypto.entropy()).unwrap().to_bytes();
        let store =
            SqliteStore::create(&folder.path().join("mesh.db"), &NewStore { id: id.clone(), kind: StoreKind::Mesh, wrapped_data_key, at: now })
                .unwrap();

        let root_secret = UnlockSecret::generate_file(crypto.entropy()).unwrap();
        let mut hierarchy = Hierarchy::new(trust_domain.clone());
        let mut events = Vec::new();
        let mut sealed_keys = Vec::new();
        let root_key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto).unwrap();
        let root_signer = root_key.signer(&crypto).unwrap();
        let path = create_root(&trust_domain, &Profile::root_ca(), &*root_signer, &crypto, now).unwrap();
        let root = path.certificates()[0].clone();
        let mut decide = |hierarchy: &mut Hierarchy, command| {
            for event in hierarchy.decide(&command, &crypto, now).unwrap() {
                hierarchy.apply(&event);
                events.push(event);
            }
        };
        decide(&mut hierarchy, Command::AddRoot { path });
        let bundle = hierarchy.bundle().unwrap();
        make_root_store(&folder.path().join("root.db"), &root_secret, &hierarchy, &events_of_root(&hierarchy, now), &root_key, &crypto, now);
        std::fs::write(folder.path().join("root-unlock.key"), &*root_secret.to_file().unwrap()).unwrap();
        for name in ["west", "east"] {
            let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto).unwrap();
            let request = ProvenRequest::from_signer(&*key.signer(&crypto).unwrap(), &crypto).unwrap();
            let cluster = ClusterName::parse(name).unwrap();
            let issuer = (root.clone(), Arc::clone(&root_signer));
            let path = create_cluster_ca(&issuer, &bundle, &cluster, request, &Profile::cluster_ca(), &crypto, now).unwrap();
            decide(&mut hierarchy, Command::AddCluster { cluster: cluster.clone(), path });
            let authority = hierarchy.active_cluster_ca(&cluster).unwrap().id().clone();
            let context = SealContext { store: id.as_str(), authority: authority.as_str(), public_key: key.public_key() };
            let sealed = data_key.seal(&crypto, crypto.entropy(), &context, &key).unwrap().to_bytes();
            sealed_keys.push(SealedKeyOf { authority, sealed });
        }
        let bundle = hierarchy.bundle().unwrap();
        let rendered = RenderedBundle { sequence: bundle.sequence().unwrap(), bytes: bundle.to_spiffe_json().into_bytes() };
        store.commit(&Change { expected_version: 0, trust_domain, events, sealed_keys, bundle: Some(rendered), at: now }).unwrap();
        Self { folder, crypto, clock, roots_pem: bundle.to_pem(), hierarchy, root_signer, root_secret, secret }
    }

    pub fn open(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&self.folder.path().join("mesh.db")).unwrap())
    }

    pub fn data_key(&self) -> DataKey {
        let store = self.open();
        WrappedDataKey::from_bytes(&store.wrapped_data_key().unwrap()).unwrap().unwrap(&self.secret, store.meta().id.as_str(), &self.crypto).unwrap()
    }

    /// The root's own store, and what opens it.
    pub fn root_store(&self) -> PathBuf {
        self.folder.path().join("root.db")
    }

    pub fn root_unlock(&self) -> PathBuf {
        self.folder.path().join("root-unlock.key")
    }

    pub fn root_data_key(&self) -> DataKey {
        let store = SqliteStore::open(&self.root_store()).unwrap();
        let wrapped = WrappedDataKey::from_bytes(&store.wrapped_data_key().unwrap()).unwrap();
        wrapped.unwrap(&self.root_secret, store.meta().id.as_str(), &self.crypto).unwrap()
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("service.sock")
    }

    pub async fn serve(&self, change: impl FnOnce(&mut Config)) -> Service {
        let mut config = Config::default();
        config.listen.address.set_port(0);
        config.health.address.set_port(0);
        config.administration.socket = Some(self.socket());
        change(&mut config);
        Service::start(config, super::parts(self)).await.unwrap()
    }

    /// Taints the CA of west, as another process does.
    pub fn taint_west(&self) {
        let west = self.hierarchy.active_cluster_ca(&ClusterName::parse("west").unwrap()).unwrap().id().clone();
        let store = self.open();
        let loaded = store.load().unwrap();
        let at = self.clock.now();
        let event = Event::StateChanged { authority: west, state: AuthorityState::Tainted, at };
        let trust_domain = loaded.trust_domains[0].trust_domain.clone();
        let change = Change { expected_version: loaded.version, trust_domain, events: vec![event], sealed_keys: Vec::new(), bundle: None, at };
        store.commit(&change).unwrap();
    }

    /// A new key's request, in PEM, that names this identity.
    pub fn csr(&self, path: &str) -> String {
        self.csr_and_key(path).0
    }

    /// The same, with the key in PEM.
    pub fn csr_and_key(&self, path: &str) -> (String, String) {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &self.crypto).unwrap();
        let id = SpiffeId::parse(&format!("spiffe://{TRUST_DOMAIN}{path}")).unwrap();
        (Csr::for_workload(&*key.signer(&self.crypto).unwrap(), &id).unwrap().to_pem(), key.to_pkcs8_pem().to_string())
    }
}

impl TestMesh {
    /// A certificate that west's CA signed and that no record knows of: what somebody with a stolen CA key makes.
    pub fn forged(&self, path: &str) -> (String, String) {
        let id = SpiffeId::parse(&format!("spiffe://{TRUST_DOMAIN}{path}")).unwrap();
        self.sign(&Profile::workload(), |request| Authorized::workload(request, id).unwrap())
    }

    /// A server's certificate by west's CA.
    pub fn server_certificate(&self, dns: &str) -> (String, String) {
        self.sign(&Profile::server(), |request| Authorized::server(request, None, vec![dns.into()], Vec::new()).unwrap())
    }

    fn sign(&self, profile: &Profile, grant: impl FnOnce(ProvenRequest) -> Authorized) -> (String, String) {
        let (_, issuer) = self.west_issuer();
        let (request, key) = self.new_key();
        let issued = issuer.issue(grant(request), profile, self.crypto.entropy(), self.clock.now()).unwrap();
        (issued.chain_pem(), key)
    }

    /// The certificate that another process of the service on the same store shows: issued and recorded as the service does
    /// with its own.
    pub fn replica(&self) -> (String, String) {
        let (authority, issuer) = self.west_issuer();
        let (request, key) = self.new_key();
        let id = SpiffeId::parse(&format!("spiffe://{TRUST_DOMAIN}/meshroot/service")).unwrap();
        let grant = Authorized::server(request, Some(id), vec!["localhost".into()], Vec::new()).unwrap();
        let at = self.clock.now();
        let issued = issuer.issue(grant, &Profile::server(), self.crypto.entropy(), at).unwrap();
        let trust_domain = self.hierarchy.trust_domain().clone();
        let kind = meshroot::profile::ProfileKind::Server.to_string();
        let recorded = self.open().record_one(Issuance { issued, trust_domain, authority, kind, caller: "service".into(), at, since: at }).unwrap();
        (recorded.chain_pem(), key)
    }

    fn new_key(&self) -> (ProvenRequest, String) {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &self.crypto).unwrap();
        (ProvenRequest::from_signer(&*key.signer(&self.crypto).unwrap(), &self.crypto).unwrap(), key.to_pkcs8_pem().to_string())
    }

    /// West's CA, with the key from the store.
    fn west_issuer(&self) -> (AuthorityId, Issuer) {
        let authority = self.hierarchy.active_cluster_ca(&ClusterName::parse("west").unwrap()).unwrap();
        let bundle = self.hierarchy.bundle().unwrap();
        let issuer = Issuer::new(authority.certificates(), &bundle, self.west_signer(), self.crypto.clone(), self.clock.now()).unwrap();
        (authority.id().clone(), issuer)
    }

    /// The key of west's CA.
    pub fn west_signer(&self) -> Arc<dyn Signer> {
        let authority = self.hierarchy.active_cluster_ca(&ClusterName::parse("west").unwrap()).unwrap();
        let store = self.open();
        let public_key = authority.certificate().unwrap().public_key();
        let context = SealContext { store: store.meta().id.as_str(), authority: authority.id().as_str(), public_key };
        let sealed = SealedKey::from_bytes(&store.sealed_key(self.hierarchy.trust_domain(), authority.id()).unwrap().unwrap()).unwrap();
        self.data_key().open(&self.crypto, &context, &sealed).unwrap().signer(&self.crypto).unwrap()
    }
}

impl TestMesh {
    /// The certificate, in PEM, of a CA with this key that the mesh's root signed and that the mesh knows nothing of.
    pub fn unknown_ca(&self, key: &dyn Signer) -> String {
        self.ca_over(key).certificates()[0].to_pem()
    }

    /// A cluster `operations` whose CA has this key joins the mesh.
    pub fn join(&self, key: &dyn Signer) {
        let command = Command::AddCluster { cluster: ClusterName::parse("operations").unwrap(), path: self.ca_over(key) };
        let (store, at) = (self.open(), self.clock.now());
        let loaded = store.load().unwrap();
        let events = self.hierarchy.decide(&command, &self.crypto, at).unwrap();
        let trust_domain = self.hierarchy.trust_domain().clone();
        store.commit(&Change { expected_version: loaded.version, trust_domain, events, sealed_keys: Vec::new(), bundle: None, at }).unwrap();
    }

    fn ca_over(&self, key: &dyn Signer) -> CaPath {
        let request = ProvenRequest::from_signer(key, &self.crypto).unwrap();
        let issuer = (self.hierarchy.anchors()[0].clone(), Arc::clone(&self.root_signer));
        let cluster = ClusterName::parse("operations").unwrap();
        let bundle = self.hierarchy.bundle().unwrap();
        create_cluster_ca(&issuer, &bundle, &cluster, request, &Profile::cluster_ca(), &self.crypto, self.clock.now()).unwrap()
    }

    /// The SHA-256 of the public key of the first certificate, in hexadecimal digits.
    pub fn key_digest(&self, chain_pem: &str) -> String {
        let chain = meshroot::pem::certificates(chain_pem.as_bytes()).unwrap();
        self.crypto.sha256(chain[0].public_key().spki_der()).iter().map(|octet| format!("{octet:02x}")).collect()
    }
}

/// The events that a hierarchy with a root alone comes from.
fn events_of_root(hierarchy: &Hierarchy, now: Timestamp) -> Vec<Event> {
    let root = hierarchy.active_root().unwrap();
    let (authority, certificate) = (root.id().clone(), root.certificate().unwrap().clone());
    let added = Event::AuthorityAdded { authority: authority.clone(), role: Role::Root, certificate, state: AuthorityState::Active, at: now };
    vec![added, Event::AnchorPublished { authority, sequence: 1, at: now }]
}

/// The root's store, as `quickstart` makes it.
fn make_root_store(path: &Path, secret: &UnlockSecret, hierarchy: &Hierarchy, events: &[Event], key: &PrivateKey, crypto: &Crypto, now: Timestamp) {
    let id = StoreId::generate(crypto.entropy()).unwrap();
    let data_key = DataKey::generate(crypto.entropy()).unwrap();
    let wrapped_data_key = WrappedDataKey::wrap(&data_key, secret, id.as_str(), crypto, crypto.entropy()).unwrap().to_bytes();
    let store = SqliteStore::create(path, &NewStore { id: id.clone(), kind: StoreKind::Root, wrapped_data_key, at: now }).unwrap();
    let authority = hierarchy.active_root().unwrap().id().clone();
    let context = SealContext { store: id.as_str(), authority: authority.as_str(), public_key: key.public_key() };
    let sealed = data_key.seal(crypto, crypto.entropy(), &context, key).unwrap().to_bytes();
    let bundle = hierarchy.bundle().unwrap();
    let rendered = RenderedBundle { sequence: bundle.sequence().unwrap(), bytes: bundle.to_spiffe_json().into_bytes() };
    let change = Change {
        expected_version: 0,
        trust_domain: hierarchy.trust_domain().clone(),
        events: events.to_vec(),
        sealed_keys: vec![SealedKeyOf { authority, sealed }],
        bundle: Some(rendered),
        at: now,
    };
    store.commit(&change).unwrap();
}
