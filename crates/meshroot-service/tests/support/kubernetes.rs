//! A service that knows the service accounts of two clusters.

use std::fs;
use std::path::Path;

use meshroot_service::Config;

pub use super::api_server::{ApiServer, ISSUER};
use super::{Running, TestMesh};

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
