use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use meshroot::csr::Csr;
use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey};

use crate::args::{Args, Tokens};
use crate::mesh::Mesh;

/// Requests for certificates, all made before: each with a key of its own.
pub(crate) struct Requests {
    csrs: Vec<Bytes>,
    tokens: Vec<String>,
    by_request: bool,
    next: AtomicUsize,
}

impl Requests {
    /// So many, and tokens for so many callers.
    pub(crate) fn make(args: &Args, mesh: &Mesh, most: usize, callers: usize) -> Arc<Self> {
        let by_request = args.tokens == Tokens::Fresh;
        let tokens = if by_request { most } else { callers };
        let tokens = (0..tokens).map(|n| mesh.api_server.token(n)).collect();
        Arc::new(Self { csrs: csrs(most), tokens, by_request, next: AtomicUsize::new(0) })
    }

    /// The next one; none when all were made use of.
    pub(crate) fn next(&self, caller: usize) -> Option<Request<Full<Bytes>>> {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let csr = self.csrs.get(n)?.clone();
        let token = &self.tokens[if self.by_request { n } else { caller % self.tokens.len() }];
        let request = Request::post("/v1/certificates").header("host", "localhost").header("content-type", "application/x-pem-file");
        Some(request.header("authorization", format!("Bearer {token}")).body(Full::new(csr)).unwrap())
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
