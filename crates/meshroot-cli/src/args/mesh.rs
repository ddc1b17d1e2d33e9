//! Making a mesh, its certificates and bundles.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use meshroot::key::KeyAlgorithm;

use super::values::{key_type, lifetime};

#[derive(Debug, Args)]
pub(crate) struct Quickstart {
    /// The clusters, by the names that Istio knows them by
    #[arg(required = true, value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// The trust domain of the mesh, like mesh.example
    #[arg(long, value_name = "NAME")]
    pub(crate) trust_domain: String,
    /// The folder for everything [default: the one of --store]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) root: RootOptions,
    #[command(flatten)]
    pub(crate) ca: CaOptions,
    /// Protect both stores by passphrases, asked for on the terminal, instead of by unlock files
    #[arg(long)]
    pub(crate) passphrase: bool,
    /// Overwrite files that are not as this command wrote them, and allow a trust domain that Go programs cannot read
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RootOptions {
    /// The root's key
    #[arg(long, value_name = "TYPE", default_value = "p256", value_parser = key_type())]
    pub(crate) root_key_type: KeyAlgorithm,
    /// How long the root is valid
    #[arg(long, value_name = "TIME", default_value = "10y", value_parser = lifetime)]
    pub(crate) root_lifetime: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct CaOptions {
    /// The cluster CAs' keys
    #[arg(long, value_name = "TYPE", default_value = "p256", value_parser = key_type())]
    pub(crate) key_type: KeyAlgorithm,
    /// How long a cluster CA is valid
    #[arg(long, value_name = "TIME", default_value = "365d", value_parser = lifetime)]
    pub(crate) ca_lifetime: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The trust domain of the mesh, like mesh.example
    #[arg(long, value_name = "NAME")]
    pub(crate) trust_domain: String,
    #[command(flatten)]
    pub(crate) root: RootOptions,
    /// Protect both stores by passphrases, asked for on the terminal, instead of by unlock files
    #[arg(long)]
    pub(crate) passphrase: bool,
    /// Allow a trust domain that Go programs cannot read
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Cluster {
    /// Make a CA for each of these clusters; needs the root's store
    #[command(after_long_help = "\
Example:
  meshroot cluster add north --store mesh
  meshroot cluster add north --store mesh --root /media/root   # the root is kept elsewhere")]
    Add {
        /// The clusters, by the names that Istio knows them by
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        #[command(flatten)]
        ca: CaOptions,
    },
    /// List the clusters and their CAs
    List,
    /// Show one cluster's CAs
    Show {
        /// The cluster
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// The cluster whose CA signs
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: String,
    /// The identity that is granted
    #[arg(long, value_name = "SPIFFE-ID")]
    pub(crate) id: String,
    /// The certificate signing request, PEM or DER; - for standard input
    #[arg(long, value_name = "FILE|-")]
    pub(crate) csr: PathBuf,
    /// How long the certificate is valid
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = lifetime)]
    pub(crate) lifetime: Duration,
    /// Write the chain to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Overwrite the file if it is there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Svid {
    /// The cluster whose CA signs
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: String,
    /// The workload's identity
    #[arg(long, value_name = "SPIFFE-ID")]
    pub(crate) id: String,
    /// The workload's key
    #[arg(long, value_name = "TYPE", default_value = "p256", value_parser = key_type())]
    pub(crate) key_type: KeyAlgorithm,
    /// How long the certificate is valid
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = lifetime)]
    pub(crate) lifetime: Duration,
    /// The folder for svid.pem, svid-key.pem and bundle.pem
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Overwrite the files if they are there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Bundle {
    /// Show the roots that the mesh trusts
    Show,
    /// Hand the roots of others to this mesh's workloads, too: another trust domain's bundle, or foreign roots
    #[command(after_long_help = "\
Examples:
  meshroot bundle import partner.json --trust-domain partner.example
  meshroot bundle import istiod-root.pem --trust-domain cluster.local    # while clusters move from istiod's own CA

FILE is a SPIFFE bundle document, a bundle map (all of it, or what --trust-domain names), or PEM. Workloads get the roots
with their next certificate, over Istio's API. They take all roots together: whoever holds a key of these can be anybody
to them, of this trust domain as well. This mesh's own bundle does not change.")]
    Import {
        /// The bundle; - for standard input
        #[arg(value_name = "FILE|-")]
        file: PathBuf,
        /// Whose it is, if it does not say so itself
        #[arg(long, value_name = "NAME")]
        trust_domain: Option<String>,
        /// Import it although it is older than what was imported before, or nobody knows. Goes on record
        #[arg(long)]
        force: bool,
    },
    /// Hand out an imported bundle no more
    #[command(after_long_help = "Example:\n  meshroot bundle remove partner.example")]
    Remove {
        /// Whose it is
        #[arg(value_name = "TRUST-DOMAIN")]
        trust_domain: String,
    },
    /// Print the bundle: as SPIFFE document, PEM, or SPIFFE bundle map
    #[command(after_long_help = "Example:\n  meshroot bundle export --format pem --out root-cert.pem")]
    Export {
        /// The form
        #[arg(long, value_enum, default_value = "spiffe")]
        format: BundleFormat,
        /// Write to this file instead of standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Overwrite the file if it is there
        #[arg(long)]
        force: bool,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum BundleFormat {
    /// The SPIFFE bundle document (JSON), as it is published
    Spiffe,
    /// The roots, one after the other
    Pem,
    /// A SPIFFE bundle map with this one trust domain
    Map,
}
