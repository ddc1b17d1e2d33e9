//! Clusters that mint service account tokens, and a service that knows them.

use std::fs;
use std::path::Path;

use meshroot_service::{Clock, Config};
use meshroot_testkit::kubernetes::{SigningKey, key_set};
use serde_json::{Value, json};

use super::{Running, TestMesh};

pub const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

pub const POLICY: &str = r#"
[clusters.west]
trust_domain = "mesh.example"
callers.kubernetes = { issuers = ["https://kubernetes.default.svc.cluster.local"], audiences = ["meshroot"] }
callers.svid = { renewable_for = "2h" }
[[clusters.west.workloads]]
name = "teams"
callers = ["kubernetes", "svid"]
namespaces = ["shop"]
max_lifetime = "1h"
lifetime = "1h"

[clusters.east]
trust_domain = "mesh.example"
callers.kubernetes = { issuers = ["https://kubernetes.default.svc.cluster.local"], audiences = ["meshroot"] }
[[clusters.east.workloads]]
name = "all"
callers = ["kubernetes"]
namespaces = ["*"]
"#;

/// A cluster's token key.
pub struct ApiServer(SigningKey);

impl ApiServer {
    pub fn new(kid: &str) -> Self {
        Self(SigningKey::p256(kid).unwrap())
    }

    pub fn jwks(&self) -> String {
        key_set([&self.0])
    }

    /// A pod's projected token.
    pub fn token(&self, mesh: &TestMesh, change: impl FnOnce(&mut Value)) -> String {
        let now = mesh.clock.now().unix();
        let mut claims = json!({
            "iss": ISSUER,
            "aud": ["meshroot"],
            "sub": "system:serviceaccount:shop:cart",
            "iat": now, "nbf": now, "exp": now + 3_600,
            "jti": "2b5c8e02-5d6a-4e54-9d4f-9b1f0d3ab001",
            "kubernetes.io": {
                "namespace": "shop",
                "serviceaccount": { "name": "cart", "uid": "5d9c6b2e-52f2-44a4-8a9b-1a3f0c5f0001" },
                "pod": { "name": "cart-7d9f", "uid": "5d9c6b2e-52f2-44a4-8a9b-1a3f0c5f0002" },
                "node": { "name": "node-1", "uid": "5d9c6b2e-52f2-44a4-8a9b-1a3f0c5f0003" },
                "warnafter": now + 3_607,
            },
        });
        change(&mut claims);
        self.0.sign(&claims).unwrap()
    }
}

pub fn write(folder: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

pub async fn running(west: &ApiServer, east: &ApiServer) -> Running {
    running_with(west, east, |_| ()).await
}

pub async fn running_with(west: &ApiServer, east: &ApiServer, change: impl FnOnce(&mut Config)) -> Running {
    let mesh = TestMesh::new();
    let folder = mesh.folder.path().to_owned();
    let service = mesh
        .serve(|config| {
            config.policy.file = Some(write(&folder, "policy.toml", POLICY));
            config.policy.jwks.insert("west".into(), write(&folder, "west.json", &west.jwks()));
            config.policy.jwks.insert("east".into(), write(&folder, "east.json", &east.jwks()));
            change(config);
        })
        .await;
    Running { mesh, service }
}
