//! What Istio needs.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use meshroot::key::KeyAlgorithm;

use super::values::{key_type, lifetime};

#[derive(Debug, Subcommand)]
pub(crate) enum Istio {
    /// Write a cluster's plug-in CA files, or the Secret with them
    #[command(after_long_help = "\
Examples:
  meshroot istio cacerts west --out west-cacerts
  meshroot istio cacerts west --secret | kubectl --context west apply -f -

Both hold the cluster CA's private key, unencrypted, because istiod reads nothing else.")]
    Cacerts(Cacerts),
    /// Make the certificate that istiod serves with when this mesh's service is its CA
    #[command(
        name = "istiod-tls",
        after_long_help = "\
Examples:
  meshroot istio istiod-tls west --secret | kubectl --context west apply -f -
  meshroot istio istiod-tls west --revision 1-30 --out istiod-tls

tls.crt, tls.key and ca.crt, for the names by which istiod is dialled. `meshroot agent --istiod` keeps the same renewed."
    )]
    IstiodTls(IstiodTls),
    /// Print the ConfigMap by which proxies trust istiod and the CA, for each namespace
    #[command(
        name = "root-configmap",
        after_long_help = "\
Examples:
  meshroot istio root-configmap --namespace shop --namespace istio-system | kubectl --context west apply -f -
  meshroot istio root-configmap $(kubectl get ns -o name | sed 's#namespace/#--namespace=#') --out roots.yaml

istiod writes it where it is the CA; with ENABLE_CA_SERVER=false somebody else has to."
    )]
    RootConfigMap {
        /// The namespace; can be given several times
        #[arg(long, value_name = "NAME", default_value = meshroot::istio::DEFAULT_NAMESPACE)]
        namespace: Vec<String>,
        /// Write to this file instead of standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Overwrite the file if it is there
        #[arg(long)]
        force: bool,
    },
    /// Check plug-in CA files of any origin: would istiod start with them, and would the mesh work?
    #[command(after_long_help = "\
Examples:
  meshroot istio check mesh/clusters/west/cacerts mesh/clusters/east/cacerts
  kubectl get secret -n istio-system cacerts -o yaml | meshroot istio check -

Several sets are also compared with each other. Exits with 1 unless istiod and the mesh would work with all of them.")]
    Check {
        /// Folders with the files, Secret manifests (YAML or JSON), or - for a manifest on standard input
        #[arg(required = true, value_name = "DIR|FILE|-")]
        inputs: Vec<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Cacerts {
    /// The cluster
    pub(crate) cluster: String,
    /// The folder for the four files; with --secret, the file for the manifest
    #[arg(long, value_name = "PATH", required_unless_present = "secret")]
    pub(crate) out: Option<PathBuf>,
    /// Print the manifest of the Secret cacerts instead
    #[arg(long)]
    pub(crate) secret: bool,
    /// The namespace of istiod
    #[arg(long, value_name = "NAME", default_value = meshroot::istio::DEFAULT_NAMESPACE, requires = "secret")]
    pub(crate) namespace: String,
    /// Overwrite files that are there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct IstiodTls {
    /// The cluster whose CA signs
    pub(crate) cluster: String,
    /// The folder for the three files; with --secret, the file for the manifest
    #[arg(long, value_name = "PATH", required_unless_present = "secret")]
    pub(crate) out: Option<PathBuf>,
    /// Print the manifest of the Secret istiod-tls instead
    #[arg(long)]
    pub(crate) secret: bool,
    /// The namespace of istiod
    #[arg(long, value_name = "NAME", default_value = meshroot::istio::DEFAULT_NAMESPACE)]
    pub(crate) namespace: String,
    /// istiod's revision, if it has one
    #[arg(long, value_name = "NAME")]
    pub(crate) revision: Option<String>,
    /// A further DNS name by which it is dialled; can be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) dns: Vec<String>,
    /// istiod's key
    #[arg(long, value_name = "TYPE", default_value = "p256", value_parser = key_type())]
    pub(crate) key_type: KeyAlgorithm,
    /// How long the certificate is valid
    #[arg(long, value_name = "TIME", default_value = "90d", value_parser = lifetime)]
    pub(crate) lifetime: Duration,
    /// Overwrite files that are there
    #[arg(long)]
    pub(crate) force: bool,
}
