//! Looking at what is there, and judging it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use meshroot::time::Timestamp;

use super::values::{patience, time};

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The files; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Where to look: [NAME=]FOLDER, FILE, -, https://… or tls://…
    #[arg(required = true, value_name = "SOURCE")]
    pub(crate) sources: Vec<String>,
    /// The trust domain of the clusters and bundles that do not name theirs [default: cluster.local]
    #[arg(long, value_name = "NAME")]
    pub(crate) trust_domain: Option<String>,
    /// Judge at this time (RFC 3339) instead of now
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) at: Option<Timestamp>,
    /// Ask TLS endpoints for this server name instead of their host
    #[arg(long, value_name = "NAME")]
    pub(crate) server_name: Option<String>,
    /// Show this certificate (PEM, leaf first) to TLS endpoints that ask for one
    #[arg(long, value_name = "FILE", requires = "client_key")]
    pub(crate) client_cert: Option<PathBuf>,
    /// Its private key (PEM, unencrypted)
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    pub(crate) client_key: Option<PathBuf>,
    /// Trust https servers by these roots (PEM) instead of the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// How long to wait for each endpoint or URL
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = patience)]
    pub(crate) timeout: Duration,
}

/// Who judges a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Judge {
    /// Our own rules: RFC 5280 and X.509-SVID, strictly
    Spiffe,
    /// Go's crypto/x509: go-spiffe, istiod
    Go,
    /// BoringSSL: Envoy, the sidecars
    Boringssl,
    /// rustls with rustls-webpki: ztunnel, ambient
    Rustls,
    /// OpenSSL
    Openssl,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The trust bundle: SPIFFE document, bundle map, or PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: PathBuf,
    /// The trust domain of a bundle that does not name its own (a SPIFFE document, PEM)
    #[arg(long, value_name = "NAME")]
    pub(crate) trust_domain: Option<String>,
    /// The certificate chain, leaf first, PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) chain: PathBuf,
    /// CRLs, PEM or DER; may be given several times. With any, each certificate below the root needs one, as Envoy demands
    #[arg(long, value_name = "FILE")]
    pub(crate) crl: Vec<PathBuf>,
    /// Judge as this implementation does [default: by our own rules, and say who differs]
    #[arg(long = "as", value_enum, value_name = "WHO")]
    pub(crate) judge: Option<Judge>,
    /// Judge at this time (RFC 3339) instead of now
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) at: Option<Timestamp>,
}
