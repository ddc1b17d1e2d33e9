//! The command line: definitions alone, from which help, completions and the manual come too.

mod values;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use meshroot::key::KeyAlgorithm;
use meshroot::time::Timestamp;

use crate::exit::EXIT_CODES;
use values::{key_type, lifetime, patience, time};

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
    /// The mesh: the folder that quickstart or init made, or its .db file [default: ./mesh]
    #[arg(long, global = true, value_name = "PATH", env = "MESHROOT_STORE")]
    pub(crate) store: Option<PathBuf>,
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
    #[command(after_long_help = "Example:\n  meshroot init --trust-domain mesh.example --store mesh")]
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

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The file of settings, in TOML
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where to serve HTTPS [default: 127.0.0.1:8443]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<std::net::SocketAddr>,
    /// Where to serve health and metrics over plain HTTP [default: 127.0.0.1:8444]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) health_listen: Option<std::net::SocketAddr>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token that is good for one certificate; prints it once, and keeps only its digest
    #[command(after_long_help = "\
Example:
  TOKEN=$(meshroot token create --cluster west --id spiffe://mesh.example/ns/shop/sa/cart --ttl 10m)
  curl --cacert mesh/root-cert.pem -H \"Authorization: Bearer $TOKEN\" --data-binary @cart.csr https://127.0.0.1:8443/v1/certificates")]
    Create {
        /// The cluster whose CA signs, or that joins
        #[arg(long, value_name = "NAME")]
        cluster: String,
        /// The identity that it is good for
        #[arg(long, value_name = "SPIFFE-ID", required_unless_present = "ca")]
        id: Option<String>,
        /// It is good for the cluster's own CA certificate; the cluster may be a new one
        #[arg(long, conflicts_with = "id")]
        ca: bool,
        /// How long it may wait to be used
        #[arg(long, value_name = "TIME", default_value = "10m", value_parser = lifetime)]
        ttl: Duration,
    },
    /// List the tokens that are remembered
    List,
    /// Withdraw a token that was not used yet
    Withdraw {
        /// Its digest, as `token list` shows it
        digest: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Read a policy file, and say every fault in it
    Check {
        /// The policy
        #[arg(value_name = "FILE", default_value = "policy.toml")]
        policy: PathBuf,
    },
    /// Run a file of cases: who asks for what, and what must come of it
    #[command(
        after_long_help = "Example:\n  meshroot policy test cases.toml --policy policy.toml\n\nExits with 1 unless every case comes out as it says."
    )]
    Test {
        /// The cases
        #[arg(value_name = "CASES")]
        cases: PathBuf,
        /// The policy
        #[arg(long, value_name = "FILE", default_value = "policy.toml")]
        policy: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AgentOptions {
    /// The service
    #[arg(long, value_name = "URL")]
    pub(crate) server: String,
    /// The roots to trust the service by at first, PEM: the mesh's root-cert.pem
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// A file with a token; read anew whenever one is needed
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// The folder for the files
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// The identity to ask for; without it, the one that the token is good for
    #[arg(long, value_name = "SPIFFE-ID")]
    pub(crate) id: Option<String>,
    /// The trust domain whose bundle to keep; without it, that of the certificate
    #[arg(long, value_name = "NAME")]
    pub(crate) trust_domain: Option<String>,
    /// The workload's key
    #[arg(long, value_name = "TYPE", default_value = "p256", value_parser = key_type())]
    pub(crate) key_type: KeyAlgorithm,
    /// How long certificates shall be valid; without it, as the service has it
    #[arg(long, value_name = "TIME", value_parser = lifetime)]
    pub(crate) lifetime: Option<Duration>,
    /// Keep istiod's certificate: as tls.crt, tls.key, ca.crt, and as manifests, with the ConfigMap of the roots
    #[arg(long)]
    pub(crate) istiod: bool,
    /// The namespace of istiod
    #[arg(long, value_name = "NAME", default_value = meshroot::istio::DEFAULT_NAMESPACE, requires = "istiod")]
    pub(crate) namespace: String,
    /// istiod's revision, if it has one
    #[arg(long, value_name = "NAME", requires = "istiod")]
    pub(crate) revision: Option<String>,
    /// A further DNS name by which istiod is dialled; can be given several times
    #[arg(long, value_name = "NAME", requires = "istiod")]
    pub(crate) dns: Vec<String>,
    /// A namespace whose ConfigMap istio-ca-root-cert to write, beside istiod's; can be given several times
    #[arg(long, value_name = "NAME", requires = "istiod")]
    pub(crate) roots_for: Vec<String>,
    /// Make sure once that the files are good, and end
    #[arg(long)]
    pub(crate) once: bool,
    /// Run this program whenever the files changed; no shell reads it
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) on_change: Option<String>,
    /// An argument for that program; can be given several times
    #[arg(long, value_name = "ARGUMENT", requires = "on_change", allow_hyphen_values = true)]
    pub(crate) on_change_argument: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Inventory {
    /// Certificates with this SPIFFE ID; with * or … at its end, with all that begin so
    #[arg(long, value_name = "SPIFFE-ID")]
    pub(crate) id: Option<String>,
    /// Certificates that a CA of this cluster signed
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// Certificates that this authority signed
    #[arg(long, value_name = "ID")]
    pub(crate) authority: Option<String>,
    /// Unexpired certificates whose chain ends at this authority, or goes through it; counted, too
    #[arg(long, value_name = "ID")]
    pub(crate) depends_on: Option<String>,
    /// Certificates that were asked for by a caller whose name begins so
    #[arg(long, value_name = "NAME")]
    pub(crate) caller: Option<String>,
    /// Certificates that are not expired, and will be after this time
    #[arg(long, value_name = "TIME", value_parser = lifetime)]
    pub(crate) expires_within: Option<Duration>,
    /// Certificates that are not expired
    #[arg(long)]
    pub(crate) unexpired: bool,
    /// The certificate with this serial number
    #[arg(long, value_name = "HEX")]
    pub(crate) serial: Option<String>,
    /// Behind this record: the next page
    #[arg(long, value_name = "RECORD")]
    pub(crate) after: Option<u64>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: u32,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Root {
    /// Write what waits for the root's key to a file: CA certificates that clusters asked for, and the root's CRL
    #[command(after_long_help = "Example:\n  meshroot root requests --out request.json")]
    Requests {
        /// Write to this file instead of standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Overwrite the file if it is there
        #[arg(long)]
        force: bool,
    },
    /// Sign what a file asks for, where the root is; says what it is, and asks
    #[command(after_long_help = "\
Example:
  meshroot root sign request.json --root /media/root --out answer.json

Needs the root's folder and its unlock file, and nothing of the mesh. What was signed is on record in the root's store;
the same file gets the same answer again.")]
    Sign {
        /// The file that `root requests` wrote; - for standard input
        #[arg(value_name = "REQUEST")]
        request: PathBuf,
        /// Write the answer to this file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Do not ask: sign
        #[arg(long)]
        yes: bool,
        /// Overwrite the file if it is there
        #[arg(long)]
        force: bool,
    },
    /// Bring back what the root signed: it is verified, and used from then on
    #[command(after_long_help = "Example:\n  meshroot root import answer.json")]
    Import {
        /// The file that `root sign` wrote; - for standard input
        #[arg(value_name = "ANSWER")]
        answer: PathBuf,
    },
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["serial", "id", "caller", "list", "lift"]))]
pub(crate) struct Revoke {
    /// The certificate with this serial number
    #[arg(value_name = "SERIAL")]
    pub(crate) serial: Option<String>,
    /// Every certificate with this SPIFFE ID
    #[arg(long, value_name = "SPIFFE-ID")]
    pub(crate) id: Option<String>,
    /// Every certificate that this caller asked for, as the inventory names callers
    #[arg(long, value_name = "NAME")]
    pub(crate) caller: Option<String>,
    /// Why, as RFC 5280 names it: keyCompromise, superseded, cessationOfOperation, privilegeWithdrawn, …
    #[arg(long, value_name = "REASON", default_value = "unspecified", conflicts_with_all = ["list", "lift"])]
    pub(crate) reason: String,
    /// Give the identities no certificate any more
    #[arg(long, conflicts_with_all = ["list", "lift"])]
    pub(crate) deny: bool,
    /// Give them none for so long
    #[arg(long, value_name = "TIME", value_parser = lifetime, conflicts_with_all = ["list", "lift"])]
    pub(crate) deny_for: Option<Duration>,
    /// List what is revoked, and who is denied
    #[arg(long)]
    pub(crate) list: bool,
    /// Take the denial with this number back
    #[arg(long, value_name = "NUMBER")]
    pub(crate) lift: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Store {
    /// The store is from a backup and counts from now on as it is
    #[command(after_long_help = "\
Example:
  meshroot store restored --store mesh

A store that was put back from a backup has forgotten what it once acknowledged. It is noticed by the mark beside it
(mesh.db-mark), or when it is not there, or by clients that have seen a later bundle, and then nothing is issued or
published. Put the newest copy back if there is one. Otherwise this makes the numbers of bundles and records jump ahead of
everything that was forgotten, and puts it on record.")]
    Restored {
        /// Whose store
        #[arg(long, value_enum, value_name = "WHOSE", default_value = "mesh")]
        of: Which,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Which {
    /// The mesh's store
    Mesh,
    /// The root's own store
    Root,
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
