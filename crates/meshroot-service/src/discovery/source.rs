use bytes::Bytes;
use meshroot::key::Crypto;
use meshroot::token::KeySet;
use serde::Deserialize;

use super::DiscoveryError;
use crate::config::Discovery;
use crate::https::{Document, Host};
use crate::json;

/// Where one cluster publishes its keys.
#[derive(Debug)]
pub(super) enum Source {
    /// Where the issuer's own document says.
    Issuer(Host, String),
    /// There.
    Keys(Host, String),
}

/// What is read of the issuer's document (OpenID Connect Discovery 1.0 §3).
#[derive(Debug, Deserialize)]
struct Configuration {
    issuer: String,
    jwks_uri: String,
}

impl Source {
    pub(super) fn of(cluster: &str, settings: &Discovery) -> Result<Self, DiscoveryError> {
        let bad = |message: String| DiscoveryError::Settings { cluster: cluster.into(), message };
        let ca = settings.ca.get(cluster).ok_or_else(|| bad("there is no `ca` to verify its server by".into()))?;
        let token_file = settings.token_file.get(cluster).map(std::path::PathBuf::as_path);
        let host = |url: &str| Host::of(url, ca, token_file, settings.timeout.0).map_err(|e| bad(e.to_string()));
        match (settings.issuer.get(cluster), settings.jwks.get(cluster)) {
            (Some(url), None) => host(url).map(|(host, path)| Self::Issuer(host, path)),
            (None, Some(url)) => host(url).map(|(host, path)| Self::Keys(host, path)),
            _ => Err(bad("give one of `issuer` and `jwks`: where its keys are found".into())),
        }
    }

    /// Fetches the key set, and answers it when it has keys that can be used. `issuers` are those that the policy knows
    /// the cluster by.
    pub(super) async fn fetch(&self, issuers: &[String], crypto: &Crypto) -> Result<Document, DiscoveryError> {
        let document = match self {
            Self::Keys(host, path) => host.get(path).await?,
            Self::Issuer(host, path) => {
                let configuration = host.get(&format!("{path}/.well-known/openid-configuration")).await?;
                host.get(&keys_path(host, &configuration.body, issuers)?).await?
            }
        };
        check(&document.body, crypto)?;
        Ok(document)
    }
}

fn keys_path(host: &Host, configuration: &Bytes, issuers: &[String]) -> Result<String, DiscoveryError> {
    let bad = |message: String| DiscoveryError::Document(message);
    let shown = |text: &str| text.chars().take(200).flat_map(char::escape_debug).collect::<String>();
    let read = serde_json::from_slice::<Configuration>(configuration);
    let read = read.map_err(|e| bad(format!("its openid-configuration is not what it should be: {}", json::fault(&e))))?;
    // A document of another cluster would bring the other one's keys.
    if !issuers.contains(&read.issuer) {
        return Err(bad(format!("it calls itself '{}', and the policy knows it as {}", shown(&read.issuer), issuers.join(", "))));
    }
    let elsewhere = || {
        bad(format!(
            "it says that its keys are at '{}', another host, which is not followed: if that is right, name it with [discovery] jwks instead of issuer",
            shown(&read.jwks_uri)
        ))
    };
    host.path_of(&read.jwks_uri).ok_or_else(elsewhere)
}

fn check(document: &Bytes, crypto: &Crypto) -> Result<(), DiscoveryError> {
    let (keys, ignored) = KeySet::from_jwks(document, crypto).map_err(|e| DiscoveryError::Document(e.to_string()))?;
    if !keys.is_empty() {
        return Ok(());
    }
    let ignored: Vec<String> = ignored.iter().map(ToString::to_string).collect();
    Err(DiscoveryError::Document(format!(
        "no key in its key set can be used: {}",
        if ignored.is_empty() { "it is empty".into() } else { ignored.join("; ") }
    )))
}
