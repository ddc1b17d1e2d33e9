use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use meshroot::csr::Csr;
use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey};

use crate::args::{Args, Tokens};
use crate::client::{Connection, Target};
use crate::mesh::{Mesh, TRUST_DOMAIN};
use crate::tokens::{ON_A_NODE, Pod};
use crate::wire::{self, Outcome};

/// Requests for certificates, all made before: each with a key of its own.
pub(crate) struct Requests {
    pub(crate) grpc: bool,
    csrs: Vec<Bytes>,
    tokens: Vec<String>,
    by_request: bool,
    /// Whose certificates are asked for, when it is not the caller's own.
    identities: Vec<String>,
    next: AtomicUsize,
}

impl Requests {
    /// So many, and tokens for so many callers of the first cluster.
    pub(crate) fn make(args: &Args, mesh: &Mesh, most: usize, callers: usize) -> Arc<Self> {
        let by_request = args.tokens == Tokens::Fresh;
        let tokens = if by_request { most } else { callers };
        let tokens = (0..tokens).map(|n| mesh.api_servers[0].token(&Pod::workload(n), args.grpc)).collect();
        Arc::new(Self { grpc: args.grpc, csrs: csrs(most), tokens, by_request, identities: Vec::new(), next: AtomicUsize::new(0) })
    }

    /// One for each of so many pods, in all clusters, over gRPC.
    pub(crate) fn of_pods(mesh: &Mesh, pods: usize) -> Arc<Self> {
        let tokens = (0..pods).map(|n| mesh.api_servers[n % mesh.api_servers.len()].token(&Pod::workload(n), true)).collect();
        Arc::new(Self { grpc: true, csrs: csrs(pods), tokens, by_request: true, identities: Vec::new(), next: AtomicUsize::new(0) })
    }

    /// The same, asked for by the proxies of the pods' nodes: of each cluster's nodes, one after the other.
    pub(crate) fn of_node_proxies(mesh: &Mesh, pods: usize) -> Arc<Self> {
        let mut tokens: Vec<String> = Vec::new();
        let mut identities = Vec::new();
        for pod in (0..pods).map(Pod::workload) {
            let server = &mesh.api_servers[(identities.len() / ON_A_NODE) % mesh.api_servers.len()];
            let token = if identities.len() % ON_A_NODE == 0 { server.token(&pod.proxy(), true) } else { tokens[tokens.len() - 1].clone() };
            tokens.push(token);
            identities.push(format!("spiffe://{TRUST_DOMAIN}/ns/{}/sa/{}", pod.namespace, pod.account));
        }
        Arc::new(Self { grpc: true, csrs: csrs(pods), tokens, by_request: true, identities, next: AtomicUsize::new(0) })
    }

    pub(crate) async fn connect(&self, target: &Target) -> Connection {
        if self.grpc { target.http2().await } else { target.http1().await }
    }

    /// The next one; none when all were made use of.
    pub(crate) fn next(&self, caller: usize) -> Option<Request<Full<Bytes>>> {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        self.nth(n, if self.by_request { n } else { caller % self.tokens.len() })
    }

    /// This one, with this token.
    pub(crate) fn nth(&self, n: usize, token: usize) -> Option<Request<Full<Bytes>>> {
        let (csr, token) = (self.csrs.get(n)?.clone(), &self.tokens[token]);
        Some(if self.grpc { wire::grpc(csr, token, self.identities.get(n).map(String::as_str)) } else { wire::http(csr, token) })
    }

    pub(crate) fn outcome(&self, answer: &crate::client::Answer) -> Outcome {
        if self.grpc { wire::grpc_outcome(answer) } else { wire::http_outcome(answer) }
    }
}

/// In PEM, and naming nobody, as most clients send them.
fn csrs(n: usize) -> Vec<Bytes> {
    let crypto = Crypto::ring();
    let one = |_| {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto).unwrap().signer(&crypto).unwrap();
        let der = Csr::for_key(&*key).unwrap().der().to_vec();
        Bytes::from(pem::encode(&pem::Pem::new("CERTIFICATE REQUEST", der)))
    };
    (0..n).map(one).collect()
}
