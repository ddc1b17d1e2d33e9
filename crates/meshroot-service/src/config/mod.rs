//! The settings: one TOML file, every setting of it overridable by the environment. None is a secret; secrets are files,
//! and settings name them.

mod clusters;
mod environment;
pub(crate) mod fault;
mod inventory;
mod limits;
mod rate;
mod seconds;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use clusters::{Discovery, Review, Unreachable};
pub use inventory::Inventory;
pub use limits::Limits;
pub use rate::Rate;
pub use seconds::Seconds;

/// All settings. The defaults start a service on loopback that serves bundles and health, and signs nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where HTTPS is served.
    pub listen: Listen,
    /// Where health and metrics are served, over plain HTTP; loopback by default, since metrics tell about the mesh.
    pub health: Health,
    /// The names and addresses in the service's own certificate.
    pub names: Names,
    /// A certificate and key given as files, instead of the service's own.
    pub tls: Option<TlsFiles>,
    /// Who may have what.
    pub policy: Policy,
    /// Where clusters' token keys are fetched from.
    pub discovery: Discovery,
    /// Whether tokens still count.
    pub review: Review,
    /// How administrators reach it.
    pub administration: Administration,
    /// The root's own store, where the service shall sign with the root's key. Without it the root may be away.
    pub root: Option<RootStore>,
    /// What one caller, and all together, may use up.
    pub limits: Limits,
    /// What is remembered of certificates.
    pub inventory: Inventory,
    /// What is logged, and how.
    pub log: Log,
}

/// Where HTTPS is served.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// Address and port.
    pub address: SocketAddr,
}

impl Default for Listen {
    fn default() -> Self {
        Self { address: SocketAddr::from(([127, 0, 0, 1], 8443)) }
    }
}

/// Where health and metrics are served.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Health {
    /// Address and port.
    pub address: SocketAddr,
}

impl Default for Health {
    fn default() -> Self {
        Self { address: SocketAddr::from(([127, 0, 0, 1], 8444)) }
    }
}

/// The names in the service's own certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Names {
    /// DNS names that clients dial, beside `localhost`.
    pub dns: Vec<String>,
    /// IP addresses that clients dial, beside the loopback ones and the one that is listened on.
    pub addresses: Vec<std::net::IpAddr>,
    /// The cluster whose CA signs the certificate; without it the first one.
    pub cluster: Option<String>,
}

/// A certificate and key as files; read again when they change.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The chain in PEM, leaf first.
    pub certificate: PathBuf,
    /// The private key in PEM.
    pub key: PathBuf,
}

/// Who may have what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// The policy file. Without it an administrator grants each identity with a token, and it may renew itself for 30
    /// days; nobody else gets anything.
    pub file: Option<PathBuf>,
    /// Of each cluster whose service account tokens the policy takes, the file with its keys (a JWKS): what
    /// `kubectl get --raw /openid/v1/jwks` prints.
    pub jwks: BTreeMap<String, PathBuf>,
    /// Of each cluster whose node proxies the policy lets ask for the workloads of their node, the file with its pods: what
    /// `kubectl get pods -A -o json` prints. Read again when it changes.
    pub pods: BTreeMap<String, PathBuf>,
}

/// How administrators reach the service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Administration {
    /// A Unix socket for the user that the service runs as, and for root. Without it there is no administration; the
    /// command puts it beside the store.
    pub socket: Option<PathBuf>,
    /// Administrators who show a client certificate with a key of their own: their names, for the record, and the SHA-256
    /// of each one's SubjectPublicKeyInfo in hexadecimal digits.
    pub public_keys: BTreeMap<String, String>,
    /// The certificates, in PEM, of a CA for operators: whoever has a client certificate of it is an administrator. No
    /// cluster may hold it, and a service that finds its key among the mesh's authorities does not start.
    pub ca: Option<PathBuf>,
}

/// The root's own store, and what opens it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootStore {
    /// The database: `root/store/root.db` in the mesh's folder, unless it was moved.
    pub store: PathBuf,
    /// The root's unlock file.
    pub unlock: PathBuf,
}

/// What is logged, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// From which level on.
    pub level: LogLevel,
    /// In which form.
    pub format: LogFormat,
}

/// Levels, from few words to many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LogLevel {
    /// What needs somebody.
    Error,
    /// What may need somebody soon.
    Warn,
    /// What was done.
    #[default]
    Info,
    /// What was seen on the way.
    Debug,
    /// Everything.
    Trace,
}

/// Forms of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LogFormat {
    /// JSON, a line an event, for machines.
    #[default]
    Json,
    /// Text, for a terminal.
    Text,
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the settings {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not as it should be.
    #[error("the settings {} are not valid: {}", path.display(), message.trim_end())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What and where, with the line.
        message: String,
    },
    /// A variable of the environment is not as it should be.
    #[error("the environment variable {name} is not valid: {message}")]
    Environment {
        /// The variable.
        name: String,
        /// What.
        message: String,
    },
}

impl ConfigError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "config.unreadable",
            Self::Invalid { .. } => "config.invalid",
            Self::Environment { .. } => "config.environment",
        }
    }
}

impl Config {
    /// Reads the file, if there is one, and lays the environment over it.
    ///
    /// # Errors
    /// A file that cannot be read, an unknown setting, a value that does not fit; nothing is guessed.
    pub fn read(path: Option<&Path>, environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let text = match path {
            Some(path) => std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.into(), source })?,
            None => String::new(),
        };
        let place = path.unwrap_or(Path::new("(none)"));
        let invalid = |e: toml::de::Error| ConfigError::Invalid { path: place.into(), message: fault::of_toml(&text, &e) };
        // Once by itself: only so do messages carry the file's own lines.
        toml::from_str::<Self>(&text).map_err(invalid)?;
        let mut table: toml::Table = toml::from_str(&text).map_err(invalid)?;
        environment::overlay(&mut table, environment)?;
        table.try_into().map_err(|e: toml::de::Error| ConfigError::Invalid { path: place.into(), message: e.message().to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("meshroot.toml");
        std::fs::write(&path, text).unwrap();
        Config::read(Some(&path), environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn without_a_file_everything_stays_on_loopback() {
        let config = Config::read(None, []).unwrap();
        assert!(config.listen.address.ip().is_loopback() && config.health.address.ip().is_loopback());
        assert_eq!(config, Config::default());
    }

    #[test]
    fn an_unknown_setting_is_an_error_that_names_its_line() {
        let error = read("[listen]\naddress = \"127.0.0.1:1\"\nadress = \"x\"\n", &[]).unwrap_err();
        assert!(error.to_string().contains("line 3") && error.to_string().contains("adress"), "{error}");
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let config = read(
            "[listen]\naddress = \"127.0.0.1:1\"\n",
            &[
                ("MESHROOT_SERVE_LISTEN_ADDRESS", "[::1]:9"),
                ("MESHROOT_SERVE_LIMITS_CONNECTIONS", "7"),
                ("MESHROOT_SERVE_NAMES_DNS", "a.example, b.example"),
            ],
        )
        .unwrap();
        assert_eq!(config.listen.address.to_string(), "[::1]:9");
        assert_eq!(config.limits.connections, 7);
        assert_eq!(config.names.dns, ["a.example", "b.example"]);
    }

    #[test]
    fn an_unknown_variable_with_our_prefix_is_an_error() {
        let error = read("", &[("MESHROOT_SERVE_LISTEN_ADRESS", "x")]).unwrap_err();
        assert_eq!(error.code(), "config.environment");
        assert!(error.to_string().contains("MESHROOT_SERVE_LISTEN_ADRESS"), "{error}");
    }

    #[test]
    fn a_variable_that_does_not_fit_is_named() {
        let error = read("", &[("MESHROOT_SERVE_LIMITS_CONNECTIONS", "many")]).unwrap_err();
        assert!(error.to_string().contains("MESHROOT_SERVE_LIMITS_CONNECTIONS"), "{error}");
    }
}
