//! A mesh, a service on it, and clients of every kind.
#![allow(dead_code, unreachable_pub, unused_imports, reason = "every test program uses its own part of it")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests may be blunt")]

mod client;
mod grpc;
pub mod https;
pub mod istio;
pub mod kubernetes;
pub mod log;
mod mesh;

pub use client::{Answer, Client, Raw};
pub use grpc::{Agent, Refusal, Request, frame};
pub use kubernetes::{ApiServer, ISSUER};
pub use mesh::{TRUST_DOMAIN, TestMesh};

use std::sync::Arc;

use meshroot_service::{Config, Parts, Service};

/// A service that runs, and the mesh behind it.
pub struct Running {
    pub mesh: TestMesh,
    pub service: Service,
}

impl Running {
    pub async fn start() -> Self {
        Self::with(|_| ()).await
    }

    /// A service with other settings than the usual ones.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mesh = TestMesh::new();
        let service = mesh.serve(change).await;
        Self { mesh, service }
    }

    /// Somebody on the network, without credentials.
    pub fn stranger(&self) -> Client {
        Client::network(self.service.address(), &self.mesh.roots_pem)
    }

    /// An administrator, over the socket.
    pub fn administrator(&self) -> Client {
        Client::socket(&self.mesh.socket())
    }

    /// A token for this workload of west.
    pub async fn token(&self, path: &str) -> String {
        self.token_of("west", path).await
    }

    /// A workload's certificate chain and key, both in PEM, got with a token.
    pub async fn workload(&self, cluster: &str, path: &str) -> (String, String) {
        let (csr, key) = self.mesh.csr_and_key(path);
        let answer = self.stranger().bearer(&self.token_of(cluster, path).await).post("/v1/certificates", csr).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        (answer.json()["chain"].as_str().unwrap().to_owned(), key)
    }

    /// A token for a cluster's own CA.
    pub async fn ca_token(&self, cluster: &str) -> String {
        self.new_token(serde_json::json!({ "cluster": cluster, "ttl": "10m" })).await
    }

    /// A token for this workload of this cluster.
    pub async fn token_of(&self, cluster: &str, path: &str) -> String {
        self.new_token(serde_json::json!({ "cluster": cluster, "id": format!("spiffe://{TRUST_DOMAIN}{path}"), "ttl": "10m" })).await
    }

    async fn new_token(&self, body: serde_json::Value) -> String {
        let made = self.administrator().post("/v1/tokens", body.to_string()).await;
        assert_eq!(made.status, 201, "{}", made.text());
        made.json()["token"].as_str().unwrap().to_owned()
    }
}

pub fn parts(mesh: &TestMesh) -> Parts {
    Parts { store: mesh.open(), data_key: mesh.data_key(), crypto: mesh.crypto.clone(), clock: Arc::new(mesh.clock.clone()) }
}
