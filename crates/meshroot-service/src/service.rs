use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use meshroot::hierarchy::ClusterName;
use meshroot::key::Crypto;
use meshroot::key::seal::DataKey;
use meshroot::policy::CallerKind;
use meshroot::time::Timestamp;
use meshroot_store::{Store, StoreError};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

use crate::caller::{Means, OperatorError};
use crate::discovery::{self, DiscoveryError};
use crate::front::Front;
use crate::grpc::Calls;
use crate::http::{self, App};
use crate::issuing::Desk;
use crate::mesh::{Mesh, MeshError, maintenance};
use crate::net::{Door, Entrance, bind_socket};
use crate::permission::{Note, PermissionError, Permissions, Sources};
use crate::pods::{PodFiles, PodIndex, PodsError};
use crate::revoking;
use crate::root::{self, RootError};
use crate::tls::{self, Own, Served, TlsFileError};
use crate::{Clock, Config};

/// What a service is made of, besides its settings.
#[derive(Debug)]
pub struct Parts {
    /// The open store.
    pub store: Arc<dyn Store>,
    /// What opens the keys in it.
    pub data_key: DataKey,
    /// The cryptography.
    pub crypto: Crypto,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

/// Why a service does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The mesh.
    #[error(transparent)]
    Mesh(#[from] MeshError),
    /// The root that the settings name.
    #[error("the root cannot be used: {0}")]
    Root(#[from] RootError),
    /// The policy or a key set.
    #[error(transparent)]
    Permission(#[from] PermissionError),
    /// The pods of a cluster.
    #[error(transparent)]
    Pods(#[from] PodsError),
    /// Who are administrators.
    #[error(transparent)]
    Operators(#[from] OperatorError),
    /// Where clusters' token keys are fetched from.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// Who is asked whether tokens still count.
    #[error("{0}")]
    Review(String),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The socket of administrators cannot be made.
    #[error("the socket {} cannot be made: {source}", path.display())]
    Socket {
        /// Where.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The operating system gives no thread.
    #[error("the recorder cannot start: {0}")]
    Thread(std::io::Error),
    /// The certificate and key given as files.
    #[error(transparent)]
    TlsFiles(#[from] TlsFileError),
    /// The TLS library refuses its configuration.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

impl ServiceError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Mesh(e) => e.code(),
            Self::Root(e) => e.code(),
            Self::Permission(e) => e.code(),
            Self::Pods(e) => e.code(),
            Self::Operators(e) => e.code(),
            Self::Discovery(e) => e.code(),
            Self::Review(_) => "review.settings",
            Self::Listen { .. } => "service.listen",
            Self::Socket { .. } => "service.socket",
            Self::Thread(_) => "service.thread",
            Self::TlsFiles(e) => e.code(),
            Self::Tls(_) => "service.tls",
        }
    }
}

/// A service that runs. Dropped, it stops at once; [`stop`](Self::stop) ends it in good order.
#[derive(Debug)]
pub struct Service {
    address: SocketAddr,
    health_address: SocketAddr,
    stop: watch::Sender<bool>,
    reload: Arc<Notify>,
    doors: Vec<JoinHandle<bool>>,
    chores: Vec<JoinHandle<()>>,
}

/// How often the store is asked whether another process changed it.
const REFRESH: Duration = Duration::from_secs(1);

/// How often the policy's files are looked at.
const POLICY: Duration = Duration::from_secs(5);

impl Service {
    /// Starts, and answers when connections are accepted. Call it within a Tokio runtime.
    ///
    /// # Errors
    /// When the store cannot be served, an address is taken, or TLS cannot be set up.
    pub async fn start(config: Config, parts: Parts) -> Result<Self, ServiceError> {
        let mut mesh = Mesh::open(parts.store, parts.data_key, parts.crypto, parts.clock)?;
        if let Some(settings) = &config.root {
            let keeper = root::read_keeper(settings, mesh.crypto())?;
            mesh = mesh.with_root(keeper)?;
        }
        let mesh = Arc::new(mesh);
        revoking::keep_once(&mesh);
        let served = Arc::new(Served::default());
        let certificate = Certificate::of(&config, Arc::clone(&mesh), Arc::clone(&served))?;
        let tls = tls::server_config(served).map_err(|e| ServiceError::Tls(e.to_string()))?;
        let desk = Desk::new(Arc::clone(&mesh)).map_err(ServiceError::Thread)?;
        let (stop, stopped) = watch::channel(false);
        let means = Means::read(&config, &mesh.now(), mesh.crypto())?;
        let sources = Sources { policy: config.policy.clone(), key_sets: Arc::clone(&means.key_sets), remembered: config.limits.remembered };
        let (permissions, notes) = Permissions::read(&sources, &mesh.now(), mesh.crypto())?;
        notes.iter().for_each(Note::log);
        let app = Arc::new(App::new(Arc::clone(&mesh), desk, config.limits, permissions, means, stopped.clone()));

        let pods = Arc::new(PodFiles::read(&config.policy.pods)?);
        for cluster in node_proxies_without_pods(&app, &*pods) {
            warn!(%cluster, "the policy lets node proxies ask, and [policy.pods] names no file with the pods: they get nothing");
        }

        let (listener, address) = listen(config.listen.address).await?;
        let (health_listener, health_address) = listen(config.health.address).await?;
        let mut doors = vec![
            Door::new(
                Entrance::Tls(listener, tls),
                config.limits,
                Front::public(Arc::clone(&app), Arc::new(Calls::new(Arc::clone(&app), pods.clone()))),
            ),
            Door::new(Entrance::Plain(health_listener), config.limits, http::health(Arc::clone(&app))),
        ];
        if let Some(path) = &config.administration.socket {
            let socket = bind_socket(path).map_err(|source| ServiceError::Socket { path: path.clone(), source })?;
            doors.push(Door::new(socket, config.limits, http::public(Arc::clone(&app))));
        }
        let doors = doors.into_iter().map(|door| tokio::spawn(door.serve(stopped.clone()))).collect();
        let reload = Arc::new(Notify::new());
        let mut chores = vec![
            tokio::spawn(follow(Arc::clone(&mesh))),
            tokio::spawn(revoking::keep(Arc::clone(&mesh))),
            tokio::spawn(certificate.keep()),
            tokio::spawn(watch_policy(Arc::clone(&app), sources, Arc::clone(&reload))),
            tokio::spawn(follow_pods(pods)),
        ];
        chores.push(tokio::spawn(maintenance::maintain(mesh, config.inventory.retention.0)));
        for cluster in app.key_sets.clusters() {
            chores.push(tokio::spawn(discovery::keep(Arc::clone(&app), cluster.to_owned(), config.discovery.clone(), Arc::clone(&reload))));
        }
        info!(%address, %health_address, "listening");
        Ok(Self { address, health_address, stop, reload, doors, chores })
    }

    /// Where HTTPS is served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where health and metrics are served.
    pub fn health_address(&self) -> SocketAddr {
        self.health_address
    }

    /// Reads the policy and the key sets anew, now; otherwise they are looked at every few seconds.
    pub fn reload(&self) {
        self.reload.notify_one();
    }

    /// Takes no further connection or request, answers those that were taken, and ends. Answers whether all of them
    /// were finished in the time that the settings allow.
    pub async fn stop(mut self) -> bool {
        info!("stopping: requests that were taken are answered");
        self.stop.send_replace(true);
        let mut all = true;
        for door in self.doors.drain(..) {
            all &= door.await.unwrap_or(false);
        }
        self.chores.iter().for_each(JoinHandle::abort);
        info!(finished = all, "stopped");
        all
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.doors.iter().for_each(JoinHandle::abort);
        self.chores.iter().for_each(JoinHandle::abort);
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServiceError> {
    let failed = |source| ServiceError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Takes over what other processes write to the store.
async fn follow(mesh: Arc<Mesh>) {
    loop {
        tokio::time::sleep(REFRESH).await;
        let mesh = Arc::clone(&mesh);
        match tokio::task::spawn_blocking(move || mesh.refresh().map(|changed| (changed, mesh.now().version()))).await {
            Ok(Ok((true, version))) => info!(version, "the store changed"),
            Ok(Ok((false, _))) => {}
            Ok(Err(e)) => error!(code = e.code(), error = %e, "the store cannot be read anew; what was read before is served for a moment"),
            Err(e) => error!(error = %e, "reading the store anew failed"),
        }
    }
}

/// The clusters whose node proxies may ask, and nobody knows their pods.
fn node_proxies_without_pods(app: &App, pods: &dyn PodIndex) -> Vec<ClusterName> {
    let permissions = app.permissions.load();
    let asking = permissions.policy.clusters().map(|(name, _)| name).filter(|name| permissions.policy.is_on(name, CallerKind::NodeProxy));
    asking.filter(|name| !pods.knows(name)).cloned().collect()
}

/// Takes over what was written to the files of pods.
async fn follow_pods(pods: Arc<PodFiles>) {
    loop {
        tokio::time::sleep(REFRESH).await;
        let pods = Arc::clone(&pods);
        if let Err(e) = tokio::task::spawn_blocking(move || pods.refresh()).await {
            error!(error = %e, "reading the pods failed");
        }
    }
}

/// Takes over a changed policy, or changed key sets, when all of them are valid; until then the ones before hold.
async fn watch_policy(app: Arc<App>, sources: Sources, reload: Arc<Notify>) {
    let mut told = String::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(POLICY) => {}
            () = reload.notified() => {}
        }
        let (mesh, sources) = (Arc::clone(&app.mesh), sources.clone());
        let read = tokio::task::spawn_blocking(move || Permissions::read(&sources, &mesh.now(), mesh.crypto())).await;
        match read {
            Ok(Ok((permissions, notes))) => {
                told.clear();
                if !permissions.is_as(&app.permissions.load()) {
                    notes.iter().for_each(Note::log);
                    info!("the policy changed");
                    app.permissions.store(Arc::new(permissions));
                }
            }
            // Once, not every few seconds.
            Ok(Err(e)) if e.to_string() != told => {
                told = e.to_string();
                error!(code = e.code(), error = told, "the policy cannot be used; the one before holds");
            }
            Ok(Err(_)) => {}
            Err(e) => error!(error = %e, "reading the policy failed"),
        }
    }
}

/// The certificate that is shown, and how it stays valid.
struct Certificate {
    mesh: Arc<Mesh>,
    served: Arc<Served>,
    source: Source,
    renew_at: Timestamp,
}

enum Source {
    Own(Own),
    Files(crate::config::TlsFiles),
}

impl Certificate {
    fn of(config: &Config, mesh: Arc<Mesh>, served: Arc<Served>) -> Result<Self, ServiceError> {
        let source = match &config.tls {
            Some(files) => Source::Files(files.clone()),
            None => Source::Own(Own::new(config)),
        };
        let now = mesh.clock().now();
        let mut certificate = Self { mesh, served, source, renew_at: now };
        match certificate.renew() {
            // Administrators have to reach it, to say what becomes of it; nobody else gets anything now anyhow.
            Err(ServiceError::Mesh(MeshError::Store(e @ StoreError::OlderCopy { .. }))) => {
                error!(code = e.code(), error = %e, "HTTPS is not served before an administrator has spoken: the service gets no certificate of its own");
                Ok(certificate)
            }
            renewed => renewed.map(|()| certificate),
        }
    }

    fn renew(&mut self) -> Result<(), ServiceError> {
        match &self.source {
            Source::Own(own) => {
                let (key, renew_at) = own.issue(&self.mesh)?;
                self.renew_at = renew_at;
                self.served.replace(key);
            }
            Source::Files(files) => {
                let key = tls::load_files(files, self.mesh.crypto())?;
                if key.cert.first().map(|leaf| leaf.to_vec()) != self.served.leaf() {
                    self.served.replace(key);
                    info!(certificate = %files.certificate.display(), "the certificate was read");
                }
            }
        }
        Ok(())
    }

    /// Renews in time, and after a failure again every few seconds while the held one is still good.
    async fn keep(mut self) {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            if matches!(self.source, Source::Own(_)) && self.mesh.clock().now() < self.renew_at {
                continue;
            }
            let renewed = tokio::task::spawn_blocking(move || {
                let result = self.renew();
                (self, result)
            });
            match renewed.await {
                Ok((certificate, result)) => {
                    self = certificate;
                    if let Err(e) = result {
                        warn!(code = e.code(), error = %e, "the service's certificate could not be renewed; the one before is shown on");
                    }
                }
                Err(e) => return error!(error = %e, "the service's certificate is not renewed any more"),
            }
        }
    }
}
