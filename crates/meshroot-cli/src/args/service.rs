//! The service, and what administrators ask of it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use meshroot::key::KeyAlgorithm;

use super::values::{key_type, lifetime};

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
