//! The command line: definitions alone, from which help, completions and the manual come too.

mod istio;
mod judging;
mod mesh;
mod service;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use meshroot::time::Timestamp;

use crate::exit::EXIT_CODES;
pub(crate) use istio::*;
pub(crate) use judging::*;
pub(crate) use mesh::*;
pub(crate) use service::*;
use values::time;

/// Common trust for the clusters of a service mesh: one root, one CA per cluster, SPIFFE identities, trust bundles.
#[derive(Debug, Parser)]
#[command(name = "meshroot", version, arg_required_else_help = true, subcommand_required = true, propagate_version = true)]
#[command(after_help = "Start with: meshroot quickstart west east --trust-domain mesh.example --out mesh", after_long_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// The mesh: the folder that quickstart or init made, its .db file, or postgres://USER@HOST/DATABASE [default: ./mesh]
    #[arg(long, global = true, value_name = "PATH", env = "MESHROOT_STORE")]
    pub(crate) store: Option<PathBuf>,
    /// The folder with the unlock file, the root, the service's socket and the store's mark, if the store is a database [default: ./mesh]
    #[arg(long, global = true, value_name = "DIR", env = "MESHROOT_HOME")]
    pub(crate) home: Option<PathBuf>,
    /// The file with the database's password
    #[arg(long, global = true, value_name = "FILE", env = "MESHROOT_STORE_PASSWORD_FILE")]
    pub(crate) store_password_file: Option<PathBuf>,
    /// The roots (PEM) that the database's certificate is verified with; needed when it is on another machine
    #[arg(long, global = true, value_name = "FILE", env = "MESHROOT_STORE_ROOT_FILE")]
    pub(crate) store_root_file: Option<PathBuf>,
    /// The folder for the mark that says how far the database has got, if it is not that of --home: it has to outlive this machine's restarts
    #[arg(long, global = true, value_name = "DIR", env = "MESHROOT_STORE_MARK_DIR")]
    pub(crate) store_mark_dir: Option<PathBuf>,
    /// The folder with the root's store, if it is not in the mesh's folder: mounted media, for instance
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// The mesh's unlock file, if it is not unlock.key in the mesh's folder
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) unlock_file: Option<PathBuf>,
    /// The root's unlock file, if it is not unlock.key in the root's folder
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) root_unlock_file: Option<PathBuf>,
    /// Read the unlock secrets from this file descriptor: the mesh's on the first line, the root's, if it differs, on the second
    #[arg(long, global = true, value_name = "N", conflicts_with = "unlock_file")]
    pub(crate) unlock_fd: Option<u32>,
    /// Print one JSON document instead of text; errors too, on standard error
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print results only, no comments
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Act as if it were this time (RFC 3339); for rehearsals
    #[arg(long, global = true, hide = true, value_name = "TIME", value_parser = time)]
    pub(crate) now: Option<Timestamp>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make common trust for these clusters: root, cluster CAs, Istio's cacerts, trust bundle
    #[command(after_long_help = "\
Examples:
  meshroot quickstart west east --trust-domain mesh.example --out mesh
  meshroot quickstart west east north --trust-domain mesh.example --out mesh   # adds north, touches nothing else

Run again, it changes nothing and says so. Files that are missing are written again; files that somebody changed are
left alone, and named, unless --force is given.")]
    Quickstart(Quickstart),
    /// Make a root and an empty mesh
    #[command(after_long_help = "\
Examples:
  meshroot init --trust-domain mesh.example --store mesh
  meshroot init --trust-domain mesh.example --store postgres://meshroot@localhost/mesh --home mesh   # for several replicas")]
    Init(Init),
    /// Add, list and show clusters
    #[command(subcommand)]
    Cluster(Cluster),
    /// Istio's plug-in CA: write it, check it
    #[command(subcommand)]
    Istio(Istio),
    /// Sign a certificate signing request for a workload
    #[command(after_long_help = "\
Examples:
  meshroot sign --cluster west --id spiffe://mesh.example/ns/shop/sa/cart --csr cart.csr > cart-chain.pem
  openssl req -new -key key.pem -subj / | meshroot sign --cluster west --id spiffe://mesh.example/ns/shop/sa/cart --csr -

The request gives the key and nothing else. If it names a SPIFFE ID, that must be the one of --id.")]
    Sign(Sign),
    /// Make a key and a workload's certificate, for trying things
    #[command(after_long_help = "\
Example:
  meshroot svid --cluster west --id spiffe://mesh.example/ns/shop/sa/cart --lifetime 1h --out cart

Writes svid.pem (the certificate, then the cluster CA), svid-key.pem (PKCS#8, 0600) and bundle.pem (the roots).")]
    Svid(Svid),
    /// Show or export the trust bundle
    #[command(subcommand)]
    Bundle(Bundle),
    /// Say what files are: certificates, chains, requests, keys, bundles, Secret manifests; and what is wrong with them
    #[command(
        after_long_help = "Example:\n  meshroot inspect mesh/clusters/west/cacerts/*.pem\n\nExits with 1 if something is wrong with one of them."
    )]
    Inspect(Inspect),
    /// Validate a workload's certificate chain against a trust bundle
    #[command(after_long_help = "\
Examples:
  meshroot verify --bundle mesh/bundle.json --chain cart/svid.pem
  meshroot verify --bundle root-cert.pem --chain svid.pem --crl ca-crl.pem --at 2027-01-01T00:00:00Z
  meshroot verify --bundle mesh/bundle.json --chain cart/svid.pem --as boringssl

Says as well who else would judge otherwise: Go, BoringSSL (Envoy), rustls (ztunnel), OpenSSL. With --as, that
implementation's verdict counts.

Exits with 1 if it is not valid, and says why.")]
    Verify(Verify),
    /// Explain across clusters who trusts whom, until when, and why not
    #[command(after_long_help = "\
Examples:
  meshroot doctor west/cacerts east/cacerts
  meshroot doctor mesh                                # all clusters of a store of ours
  for c in west east; do kubectl --context $c get secret,configmap -n istio-system -o yaml > $c.yaml; done
  meshroot doctor west.yaml east.yaml
  kubectl get secret -n istio-system cacerts -o json | meshroot doctor west=- east=east/cacerts
  meshroot doctor west=tls://10.0.0.1:15012 east=https://east.example/bundle.json

A SOURCE is a folder with the files of a plug-in CA (Istio's layout or that of kubernetes.io/tls; or a folder of such
folders, or of manifests), a manifest in YAML or JSON with Secrets (cacerts, istio-ca-secret, TLS), ConfigMaps
(istio-ca-root-cert, istio-ca-crl) or ClusterTrustBundles, a SPIFFE bundle or bundle map (file or https URL), PEM with a
chain, roots or CRLs, a TLS endpoint (tls://HOST:PORT[?sni=NAME&alpn=A,B]), a mesh's folder or .db, or - for standard
input. NAME= says which cluster it is about; several sources may be about the same one. Otherwise the name comes from
the folder or the file.

Of an endpoint, the chain is read whatever its trust: nothing is sent, and no certificate is needed, but some peers end
the connection without one (--client-cert).

Exits with 0 only if every pair of clusters trusts each other, with sidecars and in ambient mode.")]
    Doctor(Doctor),
    /// Show the hierarchy, what expires first, and what to do next
    #[command(after_long_help = "Example:\n  meshroot status --store mesh")]
    Status,
    /// Serve the mesh over HTTPS: bundles, health and metrics
    #[command(after_long_help = "\
Example:
  meshroot serve --store mesh
  curl --cacert mesh/root-cert.pem https://127.0.0.1:8443/v1/trust-domains/mesh.example/bundle

Without a file of settings it listens on loopback alone. Every setting can also come from the environment:
[limits] connections, for instance, from MESHROOT_SERVE_LIMITS_CONNECTIONS. SIGTERM ends it in good order.")]
    Serve(Serve),
    /// Make, list and withdraw one-time tokens, for workloads and machines outside Kubernetes
    #[command(subcommand)]
    Token(Token),
    /// Check a policy file, and run a file of examples against it
    #[command(subcommand)]
    Policy(Policy),
    /// Get a workload's certificate from a service, and keep it renewed
    #[command(after_long_help = "\
Examples:
  meshroot agent --server https://127.0.0.1:8443 --ca mesh/root-cert.pem --token-file token --out cart
  meshroot agent --once --server https://ca.mesh.example --ca root-cert.pem --token-file token --out cart   # for init containers
  meshroot agent --istiod --server https://ca.mesh.example --ca root-cert.pem --token-file token --out istiod \\
    --on-change kubectl --on-change-argument apply --on-change-argument -f --on-change-argument istiod/istiod-tls.yaml

Writes svid.pem, svid-key.pem, bundle.pem, bundle.json and, for Envoy, sds-certificate.json and sds-roots.json, all at
once whenever one of them changes. Renews with the certificate that it has; the token is for the first one.")]
    Agent(AgentOptions),
    /// Search the certificates that were issued
    #[command(after_long_help = "\
Examples:
  meshroot inventory --id spiffe://mesh.example/ns/shop/sa/cart
  meshroot inventory --id 'spiffe://mesh.example/ns/shop/*' --cluster west --expires-within 2h
  meshroot inventory --depends-on root-03b4eba0      # who still depends on this root: how many, where, until when")]
    Inventory(Inventory),
    /// Revoke certificates, and deny identities
    #[command(after_long_help = "\
Examples:
  meshroot revoke 5a2f…91                                                 # one certificate, a cluster's CA too
  meshroot revoke --id spiffe://mesh.example/ns/shop/sa/cart --reason keyCompromise --deny
  meshroot revoke --caller 'the service account shop/cart of west'
  meshroot revoke --list
  meshroot revoke --lift 3                                                # the denial with this number

The CRLs follow at once; GET /crls.pem of the service has them all. A denied identity gets no certificate until the denial
is lifted, or its time is over.")]
    Revoke(Revoke),
    /// Write a store's whole state to plain files
    #[command(after_long_help = "\
Example:
  meshroot export --store mesh --out moved

Private keys are in it as the store holds them, sealed. Stop the service before: what is issued after an export is not in it.")]
    Export {
        /// The folder for the files, which is not there yet
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Make a store of exported files: all of it, or none
    #[command(after_long_help = "\
Examples:
  meshroot import --from moved --store postgres://meshroot@localhost/mesh
  meshroot import --from moved --store elsewhere

The store keeps its identifier, so its unlock file opens it as before; that is not among the files. When it is moved, put
the one that was left out of reach: there is one store for a CA, or serial numbers and sequence numbers are given twice.")]
    Import {
        /// The folder that export wrote
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
    },
    /// Say what becomes of a store that was put back from a backup
    #[command(subcommand)]
    Store(Store),
    /// Print the CRLs of all CAs, or none if one is missing: Istio's ca-crl.pem
    #[command(after_long_help = "\
Example:
  meshroot crls --out west-cacerts/ca-crl.pem

With CRLs configured, Envoy refuses every certificate of a CA whose CRL is missing or out of date. They are good for 7 days:
write them again every day, or have them read from a service, at /crls.pem.")]
    Crls {
        /// Write to this file instead of standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Overwrite the file if it is there
        #[arg(long)]
        force: bool,
    },
    /// What only the root's key can do, with the root offline
    #[command(subcommand)]
    Root(Root),
    /// Print the completions for a shell
    #[command(after_long_help = "Example:\n  meshroot completions bash > /etc/bash_completion.d/meshroot")]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages
    #[command(hide = true)]
    Man {
        /// The folder for them
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}
