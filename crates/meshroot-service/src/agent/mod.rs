//! The agent: gets a workload's certificate, keeps it renewed, and writes key, chain and bundle where programs read them.
//!
//! ```text
//! token, or the certificate it has ──> service ──> OUT/{svid.pem, svid-key.pem, bundle.pem, …}, all at once
//! ```
//!
//! It keeps what it has while the service is away, refuses bundles that go back, and writes nothing by halves.

mod backoff;
mod client;
mod error;
mod files;
mod held;
mod hook;
mod istiod;
mod sds;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use meshroot::bundle::Change;
use meshroot::csr::Csr;
use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey};
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;
use tracing::{info, warn};

use crate::Clock;
use backoff::Backoff;
use client::Client;
pub use error::AgentError;
use held::Held;
pub use hook::Hook;

/// What an agent does, and for whom.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The service, like `https://127.0.0.1:8443`.
    pub server: String,
    /// The roots that the service's own certificate leads to, PEM; needed until the agent holds a bundle.
    pub ca: Option<PathBuf>,
    /// The trust domain whose bundle it keeps; by default that of the certificate.
    pub trust_domain: Option<TrustDomain>,
    /// A file with a token; read anew whenever one is needed.
    pub token_file: Option<PathBuf>,
    /// The identity that it asks for; without it, the one that the token is good for.
    pub id: Option<SpiffeId>,
    /// The kind of key.
    pub key: KeyAlgorithm,
    /// How long the certificates shall live; without it, as the service has it.
    pub lifetime: Option<Duration>,
    /// It is istiod's agent: the certificate is a server's.
    pub istiod: Option<Istiod>,
    /// The folder for the files.
    pub out: PathBuf,
    /// What is done when the files changed.
    pub on_change: Option<Hook>,
}

/// What istiod is called, when the certificate is for it. The policy needs a rule for a server with these names, with the identity in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Istiod {
    /// Its DNS names.
    pub dns: Vec<String>,
    /// Its namespace.
    pub namespace: String,
    /// The namespaces that get the roots.
    pub roots_for: Vec<String>,
}

/// An agent at work.
#[derive(Debug)]
pub struct Agent {
    settings: Settings,
    crypto: Crypto,
    clock: Arc<dyn Clock>,
    held: Held,
}

/// How long one question for a later bundle may stay open at the service.
const LONG_POLL: Duration = Duration::from_secs(50);

impl Agent {
    /// An agent that goes on where the files in its folder are.
    ///
    /// # Errors
    /// When the folder cannot be used, or its files are not what an agent writes.
    pub fn new(settings: Settings, crypto: Crypto, clock: Arc<dyn Clock>) -> Result<Self, AgentError> {
        let held = Held::read(&settings.out, settings.istiod.clone(), &crypto)?;
        Ok(Self { settings, crypto, clock, held })
    }

    /// Makes sure once that the files are good: for init containers. Answers when the certificate has to be renewed.
    ///
    /// # Errors
    /// Why they are not.
    pub async fn once(&mut self) -> Result<Timestamp, AgentError> {
        if self.is_due() {
            self.renew().await?;
        } else {
            self.refresh(None).await?;
        }
        Ok(self.held.renew_after().unwrap_or_else(|| self.clock.now()))
    }

    /// Keeps the files good until the future is dropped.
    pub async fn run(&mut self) {
        let mut failures = Backoff::default();
        loop {
            let done = if self.is_due() {
                self.renew().await
            } else {
                let until = self.held.renew_after().map_or(LONG_POLL, |at| at.since(self.clock.now()));
                self.refresh(Some(until.min(LONG_POLL).max(Duration::from_secs(1)))).await
            };
            match done {
                Ok(()) => failures.reset(),
                Err(e) => {
                    let pause = failures.next(&self.crypto);
                    let left = self.held.not_after().map(|until| until.since(self.clock.now()).as_secs());
                    warn!(code = e.code(), error = %e, seconds = pause.as_secs(), seconds_to_expiry = left, "trying again; what is there stays");
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    fn is_due(&self) -> bool {
        self.held.renew_after().is_none_or(|at| self.clock.now() >= at)
    }

    /// Gets a new certificate for a new key, and the bundle that comes with it.
    async fn renew(&mut self) -> Result<(), AgentError> {
        let key = PrivateKey::generate(self.settings.key, &self.crypto)?;
        let signer = key.signer(&self.crypto)?;
        let id = self.settings.id.clone().or_else(|| self.held.id());
        let csr = match &id {
            Some(id) => Csr::for_workload(&*signer, id)?,
            None => Csr::for_key(&*signer)?,
        };
        let answer = self.ask(&csr).await?;
        let trust_domain = answer.id.trust_domain().to_owned();
        if let Some(wanted) = id.filter(|wanted| *wanted != answer.id) {
            return Err(AgentError::OtherIdentity { wanted, got: answer.id });
        }
        if let Some(held) = self.held.bundle() {
            // An older bundle with a newer certificate: the service was restored from a backup, or is not the one it was.
            answer.bundle.supersedes(held).map_err(AgentError::Rollback)?;
        }
        answer.check(&key, &self.crypto, self.clock.now())?;
        self.held.replace(&self.settings.out, answer, &key)?;
        info!(%trust_domain, not_after = %self.held.not_after().unwrap_or(self.clock.now()), "a new certificate was written");
        self.changed().await
    }

    /// Asks with the certificate that it has, and with a token when that is not enough.
    async fn ask(&self, csr: &Csr) -> Result<client::Issued, AgentError> {
        let client = self.client()?;
        let dns = self.settings.istiod.as_ref().map_or(&[][..], |istiod| &istiod.dns);
        if let Some(identity) = self.held.identity().filter(|_| self.held.not_after().is_some_and(|until| self.clock.now() < until)) {
            match client.clone().showing(identity)?.certificate(csr, None, self.settings.lifetime, dns).await {
                Err(AgentError::Refused { status: 401 | 403, .. }) if self.settings.token_file.is_some() => {}
                other => return other,
            }
        }
        let path = self.settings.token_file.as_ref().ok_or(AgentError::NoCredential)?;
        let token = files::read_token(path)?;
        client.certificate(csr, Some(&token), self.settings.lifetime, dns).await
    }

    /// Gets the bundle if there is a later one, waiting for it for so long.
    async fn refresh(&mut self, wait: Option<Duration>) -> Result<(), AgentError> {
        let trust_domain = self.settings.trust_domain.clone().or_else(|| self.held.id().map(|id| id.trust_domain().to_owned()));
        let Some(trust_domain) = trust_domain else { return Ok(()) };
        let after = self.held.bundle().and_then(meshroot::bundle::Bundle::sequence);
        let mut client = self.client()?;
        // What it holds is evidence when the service has forgotten it, and evidence needs somebody who gives it.
        if let Some(identity) = self.held.identity().filter(|_| self.held.not_after().is_some_and(|until| self.clock.now() < until)) {
            client = client.showing(identity)?;
        }
        let offered = client.bundle(&trust_domain, after, wait).await?;
        if let Some(held) = self.held.bundle() {
            match offered.supersedes(held).map_err(AgentError::Rollback)? {
                Change::Unchanged => return Ok(()),
                change => info!(sequence = offered.sequence(), ?change, "the bundle changed"),
            }
        }
        self.held.replace_bundle(&self.settings.out, offered)?;
        self.changed().await
    }

    fn client(&self) -> Result<Client, AgentError> {
        // What it learned last counts: the file may be from before a root's rotation.
        let roots = match self.held.bundle() {
            Some(bundle) => bundle.to_pem().into_bytes(),
            None => files::read(self.settings.ca.as_ref().ok_or(AgentError::NoRoots)?)?,
        };
        Client::new(&self.settings.server, &roots)
    }

    async fn changed(&self) -> Result<(), AgentError> {
        match &self.settings.on_change {
            Some(hook) => hook.run().await,
            None => Ok(()),
        }
    }
}
