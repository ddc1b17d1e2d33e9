//! Whether a token that verified still counts, asked of the API server that made it (`TokenReview`,
//! `authentication.k8s.io/v1`): it knows of pods and service accounts that were deleted meanwhile.

mod answer;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use meshroot::hierarchy::ClusterName;
use meshroot::time::Timestamp;
use meshroot::token::ServiceAccountToken;
use serde_json::json;
use tokio::sync::Semaphore;
use tracing::warn;
use zeroize::Zeroizing;

use crate::caller::{Digest, Remembered};
use crate::config::{self, Unreachable};
use crate::https::{Host, HttpsError};

/// The API servers that are asked, and what they answered a moment ago.
#[derive(Debug)]
pub(crate) struct Reviews {
    servers: BTreeMap<String, Server>,
    good: Remembered<()>,
    remember: Duration,
    unreachable: Unreachable,
}

#[derive(Debug)]
struct Server {
    host: Host,
    path: String,
    /// A server that is slow is asked no more at once than this.
    turns: Semaphore,
}

/// Why a token does not count, or nobody can say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReviewError {
    #[error("[review] {cluster}: {message}")]
    Settings { cluster: String, message: String },
    #[error("the cluster '{cluster}' does not accept the token any more: {why}")]
    Refused { cluster: String, why: String },
    #[error("whether the token still counts cannot be found out now: {0}")]
    Unreachable(String),
}

impl ReviewError {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Settings { .. } => "review.settings",
            Self::Refused { .. } => "review.refused",
            Self::Unreachable(_) => "review.unreachable",
        }
    }
}

const PATH: &str = "/apis/authentication.k8s.io/v1/tokenreviews";

/// Questions to one server at once.
const AT_ONCE: usize = 64;

/// How long a token is let through unasked while its server cannot be reached, where the settings say so.
const UNASKED: Duration = Duration::from_secs(5);

impl Reviews {
    pub(crate) fn new(settings: &config::Review, remembered: usize) -> Result<Self, ReviewError> {
        let mut servers = BTreeMap::new();
        for cluster in settings.server.keys().chain(settings.ca.keys()).chain(settings.token_file.keys()) {
            let bad = |message: String| ReviewError::Settings { cluster: cluster.clone(), message };
            let missing = |what: &str| bad(format!("there is no `{what}`: it takes server, ca and token_file"));
            let url = settings.server.get(cluster).ok_or_else(|| missing("server"))?;
            let ca = settings.ca.get(cluster).ok_or_else(|| missing("ca"))?;
            let token_file = settings.token_file.get(cluster).ok_or_else(|| missing("token_file"))?;
            let (host, path) = Host::of(url, ca, Some(token_file), settings.timeout.0).map_err(|e| bad(e.to_string()))?;
            servers.insert(cluster.clone(), Server { host, path: format!("{path}{PATH}"), turns: Semaphore::new(AT_ONCE) });
        }
        Ok(Self { servers, good: Remembered::new(remembered), remember: settings.remember.0, unreachable: settings.unreachable })
    }

    /// Whether nobody need be asked about the token with this digest.
    pub(crate) fn is_settled(&self, cluster: &ClusterName, digest: &Digest, now: Timestamp) -> bool {
        !self.servers.contains_key(cluster.as_str()) || self.good.get(digest, now).is_some()
    }

    /// Asks, unless the answer is known. `audiences` are those of which the token must have one.
    pub(crate) async fn check(
        &self,
        token: &ServiceAccountToken,
        text: &str,
        digest: Digest,
        audiences: &[String],
        now: Timestamp,
    ) -> Result<(), ReviewError> {
        let cluster = token.cluster();
        let Some(server) = self.servers.get(cluster.as_str()) else { return Ok(()) };
        if self.good.get(&digest, now).is_some() {
            return Ok(());
        }
        match server.ask(text, audiences).await {
            Ok(answer) => {
                let refused = |why: String| ReviewError::Refused { cluster: cluster.to_string(), why };
                answer::judge(&answer, token, audiences).map_err(refused)?;
                self.good.put(digest, (), now, now.plus(self.remember));
                Ok(())
            }
            Err(e) if self.unreachable == Unreachable::Accept => {
                warn!(%cluster, error = %e, "a token was not reviewed, and is accepted by its signature, as the settings say");
                self.good.put(digest, (), now, now.plus(UNASKED));
                Ok(())
            }
            Err(e) => Err(ReviewError::Unreachable(e.to_string())),
        }
    }
}

impl Server {
    async fn ask(&self, token: &str, audiences: &[String]) -> Result<Bytes, HttpsError> {
        // The semaphore is never closed.
        let _turn = self.turns.acquire().await;
        let question = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": { "token": token, "audiences": audiences },
        });
        let question = Zeroizing::new(question.to_string());
        Ok(self.host.post(&self.path, Bytes::copy_from_slice(question.as_bytes())).await?.body)
    }
}
